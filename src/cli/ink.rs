//! Colours of words on the command line: a help for the eye, and never the only sign.

use crate::config::ColorDepth;

/// Whether words are coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ink {
    /// As the terminal shows colours.
    Coloured,
    /// Not at all.
    Plain,
}

const GOOD: [&str; 4] = ["accepted", "ok", "done", "current"];
const DOUBTFUL: [&str; 6] = ["unknown", "warn", "waiting", "needs-human", "older", "skipped"];
const BAD: [&str; 5] = ["refused", "fail", "failed", "expired", "error:"];

const GREEN: &str = "\x1b[32m";
const YELLOW: &str = "\x1b[33m";
const RED: &str = "\x1b[31m";
const BOLD: &str = "\x1b[1m";
const END: &str = "\x1b[0m";

impl Ink {
    /// What the environment wants for an output that is a terminal, or is none.
    pub(super) fn wanted(is_terminal: bool) -> Self {
        Self::wanted_by(&|name| std::env::var(name).ok(), is_terminal)
    }

    fn wanted_by(env: &dyn Fn(&str) -> Option<String>, is_terminal: bool) -> Self {
        let shown = is_terminal || ColorDepth::color_is_forced(env);
        if shown && ColorDepth::detect(env) != ColorDepth::Monochrome { Self::Coloured } else { Self::Plain }
    }

    /// A text that begins with a state, in the colour of that state.
    pub(super) fn state(self, text: &str) -> String {
        let first = text.split([' ', ',']).next().unwrap_or_default();
        let colours = [(&GOOD[..], GREEN), (&DOUBTFUL, YELLOW), (&BAD, RED)];
        let colour = colours.into_iter().find(|(words, _)| words.contains(&first));
        colour.map_or_else(|| text.to_owned(), |(_, colour)| self.paint(text, colour))
    }

    /// A heading.
    pub(super) fn heading(self, text: &str) -> String {
        self.paint(text, BOLD)
    }

    fn paint(self, text: &str, colour: &str) -> String {
        if self == Self::Plain || text.is_empty() { text.to_owned() } else { format!("{colour}{text}{END}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_has_its_way() {
        let wanted = |vars: &[(&str, &str)], is_terminal| {
            let env = |name: &str| vars.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
            Ink::wanted_by(&env, is_terminal)
        };
        assert_eq!(wanted(&[], true), Ink::Coloured);
        assert_eq!(wanted(&[], false), Ink::Plain, "a pipe");
        assert_eq!(wanted(&[("NO_COLOR", "1")], true), Ink::Plain);
        assert_eq!(wanted(&[("CLICOLOR", "0")], true), Ink::Plain);
        assert_eq!(wanted(&[("CLICOLOR_FORCE", "1")], false), Ink::Coloured);
        assert_eq!(wanted(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], true), Ink::Plain);
        assert_eq!(wanted(&[("TERM", "dumb")], true), Ink::Plain);
    }

    #[test]
    fn only_states_are_coloured() {
        assert_eq!(Ink::Coloured.state("accepted 200, just now"), "\x1b[32maccepted 200, just now\x1b[0m");
        assert_eq!(Ink::Coloured.state("never checked"), "never checked");
        assert_eq!(Ink::Plain.state("refused"), "refused");
    }
}
