//! Lenient reading of a settings file that contains mistakes: valid lines take effect, and every
//! mistake is reported with its line.
//!
//! A mistake is cut out by blanking its line, so that the line numbers of all others stay correct.
//! Three settings are never guessed: an invalid `store` or `keyring_collection` is an error for the
//! whole file, because another store holds other secrets; and an invalid `readonly` counts as `true`. Start reading at
//! [`SettingsReport::parse`].

use std::path::Path;

use super::Settings;
use crate::domain::problem::Problem;

/// Limit of the reported mistakes; a file with more of them is not a settings file.
const MAX_REPORTED_PROBLEMS: usize = 20;

/// Settings together with the mistakes in the file that they come from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SettingsReport {
    /// Settings from the valid lines of the file.
    pub settings: Settings,
    /// Mistakes in the file, one problem for each.
    pub problems: Vec<Problem>,
}

impl SettingsReport {
    /// Parses the valid lines of a settings text and collects the mistakes in the others; `path`
    /// names the file in the problems.
    ///
    /// # Errors
    ///
    /// Returns the problem if the mistake is in the choice of the store, cannot be attributed to a
    /// line, or if there are too many mistakes.
    pub fn parse(path: &Path, text: &str) -> Result<Self, Problem> {
        parse_leniently(path, text)
    }
}

fn parse_leniently(path: &Path, text: &str) -> Result<SettingsReport, Problem> {
    let (mut remaining, mut problems, mut force_readonly) = (text.to_owned(), Vec::new(), false);
    loop {
        let error: toml::de::Error = match toml::from_str::<Settings>(&remaining) {
            Ok(mut settings) => {
                settings.readonly |= force_readonly;
                return Ok(SettingsReport { settings, problems });
            }
            Err(error) => error,
        };
        let problem = super::settings::parse_problem(path, &remaining, &error);
        let line = error
            .span()
            .map(|span| line_range(&remaining, span.start))
            .filter(|line| !remaining[line.clone()].trim().is_empty());
        let Some(line) = line.filter(|_| problems.len() < MAX_REPORTED_PROBLEMS) else {
            return Err(problem);
        };
        if ["store", "keyring_collection"].iter().any(|name| remaining[line.clone()].contains(name))
        {
            return Err(problem);
        }
        force_readonly |= remaining[line.clone()].contains("readonly");
        remaining.replace_range(line.clone(), &" ".repeat(line.len()));
        problems.push(problem);
    }
}

/// Returns the byte range of the line around `at`, without its line break.
fn line_range(text: &str, at: usize) -> std::ops::Range<usize> {
    let at = (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let start = text[..at].rfind('\n').map_or(0, |end| end + 1);
    let end = text[start..].find('\n').map_or(text.len(), |length| start + length);
    start..end
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reading(text: &str) -> Result<SettingsReport, Problem> {
        parse_leniently(Path::new("config.toml"), text)
    }

    #[test]
    fn valid_settings_are_applied_and_every_mistake_is_reported_with_its_line() {
        let text = "reveal_seconds = 5\nclipbord = \"auto\"\ntheme = 3\n[net]\nconcurrency = 8\ntotal_seconds = \"x\"\n";
        let SettingsReport { settings, problems } = reading(text).unwrap();
        assert_eq!((settings.reveal_seconds, settings.net.concurrency), (5, 8));
        assert_eq!(settings.theme, Settings::default().theme);
        let mut places: Vec<_> =
            problems.iter().filter_map(|problem| problem.why.split(':').nth(1)).collect();
        places.sort_unstable();
        assert_eq!(places, ["2", "3", "6"]);
        assert!(problems.iter().any(|problem| problem.remedy == "did you mean `clipboard`?"));
    }

    #[test]
    fn a_store_that_is_not_understood_is_not_guessed() {
        assert!(reading("store = \"keyrnig\"").is_err());
        assert!(reading("stoer = \"file\"").is_ok_and(|reading| reading.problems.len() == 1));
    }

    #[test]
    fn what_is_to_change_nothing_changes_nothing_where_it_is_misspelled() {
        assert!(reading("readonly = yes").unwrap().settings.readonly);
        assert!(!reading("mouse = yes").unwrap().settings.readonly);
    }

    #[test]
    fn what_is_no_settings_file_is_refused() {
        let lines: Vec<_> = (0..50).map(|n| format!("wrong{n} = 1")).collect();
        assert!(reading(&lines.join("\n")).is_err());
    }

    proptest! {
        #[test]
        fn whatever_is_written_it_ends(text in "\\PC{0,40}(\n\\PC{0,40}){0,8}") {
            let _ = reading(&text);
        }

        #[test]
        fn mistakes_among_what_is_right_harm_nothing_else(junk in "[a-z]{3,9} = [0-9]{1,3}", at in 0..3_usize) {
            prop_assume!(!junk.contains("store"));
            let mut lines = vec!["reveal_seconds = 7", "mouse = false"];
            lines.insert(at, &junk);
            let SettingsReport { settings, problems } = reading(&lines.join("\n")).unwrap();
            prop_assert_eq!((settings.reveal_seconds, settings.mouse, problems.len()), (7, false, 1));
        }
    }
}
