//! Colors of the command line. They help the eye and are never the only sign.

use anstyle::{AnsiColor, Style};

use crate::config::ColorDepth;
use crate::domain::CredentialStatus;
use crate::domain::response::CheckResult;

/// Whether output is colored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum ColorMode {
    /// In the colors of the terminal.
    Colored,
    /// Without colors.
    Plain,
}

/// Meaning of a text, which its color repeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::cli) enum TextTone {
    /// No color: data, or a state that is neither good nor bad.
    #[default]
    Neutral,
    /// As it should be.
    Good,
    /// Unknown, unfinished, or worth a look.
    Warning,
    /// Refused, failed or expired.
    Bad,
}

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

    /// Colors a text by its tone.
    pub(in crate::cli) fn paint(self, text: &str, tone: TextTone) -> String {
        let color = match tone {
            TextTone::Neutral => return text.to_owned(),
            TextTone::Good => AnsiColor::Green,
            TextTone::Warning => AnsiColor::Yellow,
            TextTone::Bad => AnsiColor::Red,
        };
        self.paint_in(text, color.on_default())
    }

    /// Highlights a heading.
    pub(in crate::cli) fn paint_heading(self, text: &str) -> String {
        self.paint_in(text, Style::new().bold())
    }

    /// Paints a text in a style.
    pub(in crate::cli) fn paint_in(self, text: &str, style: Style) -> String {
        if self == Self::Plain || text.is_empty() {
            text.to_owned()
        } else {
            format!("{style}{text}{style:#}")
        }
    }
}

impl From<CheckResult> for TextTone {
    fn from(result: CheckResult) -> Self {
        match result {
            CheckResult::Accepted => Self::Good,
            CheckResult::Refused => Self::Bad,
            CheckResult::Unknown => Self::Warning,
            CheckResult::Unchecked => Self::Neutral,
        }
    }
}

impl From<CredentialStatus> for TextTone {
    fn from(status: CredentialStatus) -> Self {
        match status {
            CredentialStatus::Accepted => Self::Good,
            CredentialStatus::Refused | CredentialStatus::Expired => Self::Bad,
            CredentialStatus::Unknown => Self::Warning,
            CredentialStatus::Unchecked => Self::Neutral,
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
    fn the_tone_decides_the_color() {
        for (tone, painted) in [
            (TextTone::Good, "\x1b[32mtext\x1b[0m"),
            (TextTone::Warning, "\x1b[33mtext\x1b[0m"),
            (TextTone::Bad, "\x1b[31mtext\x1b[0m"),
            (TextTone::Neutral, "text"),
        ] {
            assert_eq!(ColorMode::Colored.paint("text", tone), painted);
            assert_eq!(ColorMode::Plain.paint("text", tone), "text");
        }
        assert_eq!(ColorMode::Colored.paint_heading("text"), "\x1b[1mtext\x1b[0m");
    }
}
