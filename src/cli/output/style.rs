//! Colors of words on the command line. They help the eye and are never the only sign.

use crate::config::ColorDepth;

/// Whether words are colored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum ColorMode {
    /// In the colors of the terminal.
    Colored,
    /// Without colors.
    Plain,
}

const GOOD_STATES: [&str; 4] = ["accepted", "ok", "done", "current"];
const WARNING_STATES: [&str; 7] =
    ["unknown", "warn", "waiting", "unfinished", "needs-human", "outdated", "skipped"];
const ERROR_STATES: [&str; 5] = ["refused", "fail", "failed", "expired", "error:"];

const GREEN: &str = "\x1b[32m";
const YELLOW: &str = "\x1b[33m";
const RED: &str = "\x1b[31m";
const BOLD: &str = "\x1b[1m";
const RESET: &str = "\x1b[0m";

impl ColorMode {
    /// Detects the color mode from the environment.
    pub(in crate::cli) fn detect(is_terminal: bool) -> Self {
        Self::detect_from(&|name| std::env::var(name).ok(), is_terminal)
    }

    fn detect_from(env: &dyn Fn(&str) -> Option<String>, is_terminal: bool) -> Self {
        let shown = is_terminal || ColorDepth::color_is_forced(env);
        if shown && ColorDepth::detect(env) != ColorDepth::Monochrome {
            Self::Colored
        } else {
            Self::Plain
        }
    }

    /// Colors a text that begins with a state in the color of that state.
    pub(in crate::cli) fn paint_state(self, text: &str) -> String {
        let first = text.split([' ', ',']).next().unwrap_or_default();
        let palette = [(&GOOD_STATES[..], GREEN), (&WARNING_STATES, YELLOW), (&ERROR_STATES, RED)];
        let color = palette.into_iter().find(|(words, _)| words.contains(&first));
        color.map_or_else(|| text.to_owned(), |(_, color)| self.paint(text, color))
    }

    /// Highlights a heading.
    pub(in crate::cli) fn paint_heading(self, text: &str) -> String {
        self.paint(text, BOLD)
    }

    fn paint(self, text: &str, color: &str) -> String {
        if self == Self::Plain || text.is_empty() {
            text.to_owned()
        } else {
            format!("{color}{text}{RESET}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_has_its_way() {
        let wanted = |vars: &[(&str, &str)], is_terminal| {
            let env = |name: &str| {
                vars.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
            };
            ColorMode::detect_from(&env, is_terminal)
        };
        assert_eq!(wanted(&[], true), ColorMode::Colored);
        assert_eq!(wanted(&[], false), ColorMode::Plain, "a pipe");
        assert_eq!(wanted(&[("NO_COLOR", "1")], true), ColorMode::Plain);
        assert_eq!(wanted(&[("CLICOLOR", "0")], true), ColorMode::Plain);
        assert_eq!(wanted(&[("CLICOLOR_FORCE", "1")], false), ColorMode::Colored);
        assert_eq!(wanted(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], true), ColorMode::Plain);
        assert_eq!(wanted(&[("TERM", "dumb")], true), ColorMode::Plain);
    }

    #[test]
    fn only_states_are_colored() {
        assert_eq!(
            ColorMode::Colored.paint_state("accepted 200, just now"),
            "\x1b[32maccepted 200, just now\x1b[0m"
        );
        assert_eq!(ColorMode::Colored.paint_state("never checked"), "never checked");
        assert_eq!(ColorMode::Plain.paint_state("refused"), "refused");
    }
}
