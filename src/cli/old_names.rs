//! Old names of commands. Each is rewritten to the command that took its place, so that scripts keep
//! working; help, completions and manual pages show the new command only.
//!
//! Start reading at [`rewrite_old_name`].

use std::ffi::{OsStr, OsString};

/// A command that became part of another one.
struct OldName {
    name: &'static str,
    /// Words that take its place.
    words: &'static [&'static str],
    /// Option that takes the second operand, if the old command had one.
    second_operand: Option<&'static str>,
}

impl OldName {
    const fn new(name: &'static str, words: &'static [&'static str]) -> Self {
        Self { name, words, second_operand: None }
    }
}

const OLD_NAMES: [OldName; 9] = [
    OldName { second_operand: Some("--region"), ..OldName::new("region", &["edit"]) },
    OldName::new("probe", &["check", "--all-regions"]),
    OldName::new("calendar", &["list", "--ical"]),
    OldName::new("rotations", &["rotate", "--list"]),
    OldName::new("presets", &["request", "presets"]),
    OldName::new("requests", &["request", "saved"]),
    OldName::new("history", &["request", "history"]),
    OldName::new("completions", &["generate", "completions"]),
    OldName::new("man", &["generate", "man"]),
];

/// Returns the arguments of the process with the old name of a command replaced by the new words.
pub(super) fn rewrite_old_name(arguments: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = arguments.collect();
    let Some(position) = next_operand(&arguments, 1) else { return arguments };
    let asks_for_help = arguments[position] == "help";
    let position = if asks_for_help { position + 1 } else { position };
    let found =
        arguments.get(position).and_then(|word| OLD_NAMES.iter().find(|old| word == old.name));
    let Some(old) = found else { return arguments };
    if asks_for_help {
        let words = old.words.iter().filter(|word| !word.starts_with('-'));
        arguments.splice(position..=position, words.map(OsString::from));
        return arguments;
    }
    if let Some(option) = old.second_operand {
        let second = next_operand(&arguments, position + 1)
            .and_then(|first| next_operand(&arguments, first + 1));
        // Without an operand the option is left without its value, which the parser reports.
        arguments.insert(second.unwrap_or(arguments.len()), OsString::from(option));
    }
    arguments.splice(position..=position, old.words.iter().map(OsString::from));
    arguments
}

/// Returns the position of the first word at or after `from` that is not an option.
fn next_operand(arguments: &[OsString], from: usize) -> Option<usize> {
    let is_option = |word: &OsStr| word.as_encoded_bytes().starts_with(b"-");
    (from..arguments.len()).find(|index| !is_option(&arguments[*index]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(line: &str) -> String {
        let words = line.split(' ').map(OsString::from);
        let words = rewrite_old_name(words);
        words.iter().map(|word| word.to_str().unwrap()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn an_old_name_becomes_the_new_command() {
        for (old, new) in [
            ("tokenring region ci eu", "tokenring edit ci --region eu"),
            ("tokenring --json region ci --json eu", "tokenring --json edit ci --json --region eu"),
            ("tokenring region ci", "tokenring edit ci --region"),
            ("tokenring probe ci --json", "tokenring check --all-regions ci --json"),
            ("tokenring calendar --label prod", "tokenring list --ical --label prod"),
            ("tokenring rotations --all", "tokenring rotate --list --all"),
            ("tokenring requests show nightly", "tokenring request saved show nightly"),
            ("tokenring history resend 1", "tokenring request history resend 1"),
            ("tokenring help probe", "tokenring help check"),
            ("tokenring help history resend", "tokenring help request history resend"),
            ("tokenring man get", "tokenring generate man get"),
        ] {
            assert_eq!(rewritten(old), new);
        }
    }

    #[test]
    fn other_words_are_left_alone() {
        for line in [
            "tokenring",
            "tokenring --json",
            "tokenring show probe",
            "tokenring help",
            "tokenring get region",
        ] {
            assert_eq!(rewritten(line), line);
        }
    }

    #[test]
    fn every_old_name_leads_to_a_command_and_is_none_itself() {
        let grammar = crate::cli::command();
        for old in &OLD_NAMES {
            assert!(grammar.find_subcommand(old.name).is_none(), "{}", old.name);
            let words = old.words.iter().filter(|word| !word.starts_with('-'));
            let command = words.fold(&grammar, |command, word| {
                command.find_subcommand(word).unwrap_or_else(|| panic!("no command {word}"))
            });
            for option in old.words.iter().copied().chain(old.second_operand) {
                let Some(option) = option.strip_prefix("--") else { continue };
                let known = command.get_arguments().any(|known| known.get_long() == Some(option));
                assert!(known, "{} has no --{option}", command.get_name());
            }
        }
    }
}
