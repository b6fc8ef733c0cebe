//! Errors in provider files, and in names that are looked up in the catalog.

use crate::domain::problem::{Problem, ProblemClass};
use crate::domain::text::nearest_names;

/// Reason why the provider files do not form a catalog, or why a name is not in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CatalogError {
    /// A file is not TOML of the right structure, or its content is inconsistent.
    #[error("{file}: {why}")]
    InvalidFile {
        /// Name of the file.
        file: String,
        /// Line and reason.
        why: String,
        /// Instruction for correcting the file.
        remedy: String,
    },
    /// An unknown name. The error suggests the nearest known names.
    #[error("no {what} named \"{name}\"")]
    Unknown {
        /// Type of the name: `provider`, `kind`, `region`, `preset`, `part` or `field`.
        what: &'static str,
        /// Name that was given.
        name: String,
        /// Nearest names, best first; empty where none is similar.
        nearest: Vec<String>,
        /// All known names.
        known: Vec<String>,
    },
}

impl CatalogError {
    /// Builds the error for a name that is not among the known ones.
    pub fn unknown<'a>(
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
            CatalogError::InvalidFile { remedy, .. } => {
                Self::new(what, "A provider file is used only if it is valid as a whole", remedy)
            }
            CatalogError::Unknown { what: item_type, known, .. } if known.is_empty() => {
                let why = format!("There are no {item_type}s here");
                Self::new(what, why, format!("Leave the {item_type} out"))
            }
            CatalogError::Unknown { what: item_type, nearest, known, .. } => Self::new(
                what,
                format!("Available {item_type}s: {}", known.join(", ")),
                suggest_names(item_type, &nearest),
            ),
        }
        .with_class(ProblemClass::Usage)
    }
}

fn suggest_names(item_type: &str, nearest: &[String]) -> String {
    match nearest {
        [] => format!("Choose one of the available {item_type}s"),
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
    fn where_there_is_nothing_nothing_is_offered() {
        let problem = Problem::from(CatalogError::unknown("part", "x", std::iter::empty()));
        assert_eq!(
            (problem.why.as_str(), problem.remedy.as_str()),
            ("There are no parts here", "Leave the part out")
        );
    }

    #[test]
    fn a_name_that_resembles_nothing_is_answered_with_the_list() {
        assert_eq!(unknown("zzz").remedy, "Choose one of the available regions");
    }

    #[test]
    fn a_name_with_control_characters_is_cleaned_before_it_is_shown() {
        assert!(!unknown("a\u{1b}[2J").what.contains('\u{1b}'));
    }
}
