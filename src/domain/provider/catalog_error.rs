//! What can be wrong with provider files, and with names that should be in them.

use crate::domain::problem::{Problem, ProblemClass};
use crate::domain::text::nearest_names;

/// Why the provider files do not make a catalogue, or why a name leads nowhere in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CatalogError {
    /// A file is not TOML of the right form, or what it says does not hold together.
    #[error("{file}: {why}")]
    InvalidFile {
        /// Which file.
        file: String,
        /// Line and reason.
        why: String,
        /// What to change.
        remedy: String,
    },
    /// A name that leads nowhere; the nearest names are offered.
    #[error("there is no {what} \"{name}\"")]
    Unknown {
        /// What was looked for: `provider`, `kind`, `region` or `preset`.
        what: &'static str,
        /// The name that was given.
        name: String,
        /// The nearest names, best first; empty where none is near.
        nearest: Vec<String>,
        /// All names there are.
        known: Vec<String>,
    },
}

impl CatalogError {
    /// An unknown name among the known ones.
    pub(super) fn unknown<'a>(
        what: &'static str,
        name: &str,
        known: impl Iterator<Item = &'a str>,
    ) -> Self {
        let known: Vec<String> = known.map(str::to_owned).collect();
        Self::Unknown { what, name: name.to_owned(), nearest: nearest_names(name, &known), known }
    }
}

impl From<CatalogError> for Problem {
    fn from(error: CatalogError) -> Self {
        let what = crate::domain::text::sanitize_line(&error.to_string());
        match error {
            CatalogError::InvalidFile { remedy, .. } => Self::new(
                what,
                "A provider file must be right as a whole before anything of it is used",
                remedy,
            ),
            CatalogError::Unknown { what: sort, nearest, known, .. } => Self::new(
                what,
                format!("Every {sort} there is: {}", known.join(", ")),
                suggest_names(sort, &nearest),
            ),
        }
        .with_class(ProblemClass::Usage)
    }
}

fn suggest_names(sort: &str, nearest: &[String]) -> String {
    match nearest {
        [] => format!("Choose a {sort} from the list"),
        [only] => format!("Did you mean {only}?"),
        [first @ .., last] => format!("Did you mean {} or {last}?", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unknown(name: &str) -> Problem {
        CatalogError::unknown("region", name, ["SNYK-US-01", "SNYK-EU-01", "SAW-EU"].into_iter())
            .into()
    }

    #[test]
    fn an_unknown_name_offers_the_nearest_ones_and_lists_all() {
        let problem = unknown("SNYK-EU-1");
        assert!(problem.remedy.starts_with("Did you mean SNYK-EU-01"), "{problem}");
        assert!(problem.why.ends_with("SNYK-US-01, SNYK-EU-01, SAW-EU"), "{problem}");
        assert_eq!(problem.class, ProblemClass::Usage);
    }

    #[test]
    fn a_name_that_resembles_nothing_is_answered_with_the_list() {
        assert_eq!(unknown("zzz").remedy, "Choose a region from the list");
    }

    #[test]
    fn a_name_with_control_characters_is_cleaned_before_it_is_shown() {
        assert!(!unknown("a\u{1b}[2J").what.contains('\u{1b}'));
    }
}
