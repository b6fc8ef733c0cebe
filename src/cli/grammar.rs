//! Grammar of the command line beyond the clap structs: command groups of the help and options that
//! only some commands accept.
//!
//! Both are small tables. Start reading at [`build`], which applies them, and [`parse`].
//!
//! Old names of commands. Each is rewritten to the command that took its place, so that scripts keep
//! working; help, completions and manual pages show the new command only.
//!
//! Start reading at [`rewrite_old_name`].

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;

use clap::{Arg, ArgAction, ArgMatches, Command, CommandFactory as _, FromArgMatches as _};

use super::CliArgs;

/// Commands by the heading under which `--help` lists them. Every visible command is in one group.
const COMMAND_GROUPS: [(&str, &[&str]); 5] = [
    (
        "Credentials",
        &[
            "add", "import", "login", "list", "show", "edit", "remove", "get", "exec", "identify",
            "check", "regions",
        ],
    ),
    ("Requests", &["request"]),
    ("Rotation", &["rotate", "create", "revoke", "consumer"]),
    ("Store", &["store", "scan", "audit"]),
    ("Tools", &["demo", "sandbox", "doctor", "config", "generate"]),
];

/// Commands that accept `--readonly` after their name, because they may send a request.
const READONLY_COMMANDS: [&str; 8] =
    ["demo", "request", "request history resend", "check", "rotate", "create", "revoke", "login"];

/// Commands that accept `--plain` after their name, because they show the screen.
const PLAIN_COMMANDS: [&str; 1] = ["demo"];

/// Options of [`READONLY_COMMANDS`] and [`PLAIN_COMMANDS`]. Before the command, the program accepts
/// them for every command.
const SCOPED_OPTIONS: [(&str, &[&str]); 2] =
    [("readonly", &READONLY_COMMANDS), ("plain", &PLAIN_COMMANDS)];

/// Returns the complete grammar.
pub(super) fn build() -> Command {
    let grammar = CliArgs::command();
    let options: Vec<Arg> =
        SCOPED_OPTIONS.iter().map(|(id, _)| scoped_option(&grammar, id)).collect();
    let grammar = grammar.mut_subcommands(|command| {
        let path = command.get_name().to_owned();
        with_scoped_options(command, &path, &options)
    });
    let template = help_template(&grammar);
    grammar.help_template(template)
}

/// Parses the arguments of this process.
pub(super) fn parse() -> Result<CliArgs, clap::Error> {
    let mut grammar = build();
    let mut matches = grammar.try_get_matches_from_mut(rewrite_old_name(std::env::args_os()))?;
    let [readonly, plain] = SCOPED_OPTIONS.map(|(id, _)| is_given(&matches, id));
    let mut arguments =
        CliArgs::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut grammar))?;
    arguments.global.readonly = readonly;
    arguments.global.plain = plain;
    Ok(arguments)
}

/// Returns a copy of an option of the program for its commands.
fn scoped_option(grammar: &Command, id: &'static str) -> Arg {
    let own = grammar.get_arguments().find(|argument| argument.get_id() == id);
    let option = Arg::new(id).long(id).action(ArgAction::SetTrue);
    match own.and_then(Arg::get_help) {
        Some(help) => option.help(help.clone()),
        None => option,
    }
}

/// Adds the scoped options to a command and its subcommands, which `path` names.
fn with_scoped_options(command: Command, path: &str, options: &[Arg]) -> Command {
    let accepted = SCOPED_OPTIONS
        .iter()
        .zip(options)
        .filter(|((_, commands), _)| commands.contains(&path))
        .map(|(_, option)| option.clone());
    command.args(accepted).mut_subcommands(|below| {
        let path = format!("{path} {}", below.get_name());
        with_scoped_options(below, &path, options)
    })
}

/// Returns whether a flag was given to the program or to the command that runs.
fn is_given(matches: &ArgMatches, id: &str) -> bool {
    let here = matches.try_get_one::<bool>(id).ok().flatten().copied().unwrap_or_default();
    here || matches.subcommand().is_some_and(|(_, below)| is_given(below, id))
}

/// Returns the help template of the program, with the commands under their headings.
fn help_template(grammar: &Command) -> String {
    let styles = grammar.get_styles();
    let (header, literal) = (styles.get_header(), styles.get_literal());
    let width =
        grammar.get_subcommands().map(|command| command.get_name().len()).max().unwrap_or(0);
    let mut template = "{before-help}{about-with-newline}\n{usage-heading} {usage}\n\n".to_owned();
    for (heading, names) in COMMAND_GROUPS {
        let _ = writeln!(template, "{header}{heading}:{header:#}");
        for command in names.iter().filter_map(|name| grammar.find_subcommand(name)) {
            let about = command.get_about().map(ToString::to_string).unwrap_or_default();
            let name = command.get_name();
            let blanks = " ".repeat(width - name.len());
            let _ = writeln!(template, "  {literal}{name}{literal:#}{blanks}  {about}");
        }
        template.push('\n');
    }
    let _ = write!(template, "{header}Options:{header:#}\n{{options}}{{after-help}}");
    template
}

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

    #[test]
    fn every_visible_command_is_in_exactly_one_group() {
        let mut grouped: Vec<_> =
            COMMAND_GROUPS.iter().flat_map(|(_, names)| names.iter().copied()).collect();
        let grammar = build();
        let mut visible: Vec<_> = grammar
            .get_subcommands()
            .filter(|command| !command.is_hide_set())
            .map(Command::get_name)
            .collect();
        grouped.sort_unstable();
        visible.sort_unstable();
        assert_eq!(grouped, visible);
    }

    #[test]
    fn the_help_lists_the_commands_under_their_headings() {
        let help = build().render_help().to_string();
        let mut rest = help.as_str();
        for (heading, names) in COMMAND_GROUPS {
            let heading = format!("\n{heading}:\n");
            rest = rest.split_once(&heading).unwrap_or_else(|| panic!("no {heading} in {help}")).1;
            for name in names {
                let line = rest.lines().find(|line| line.starts_with(&format!("  {name} ")));
                assert!(line.is_some_and(|line| line.chars().count() <= 80), "{name}: {line:?}");
            }
        }
        assert!(rest.contains("\nOptions:\n") && rest.contains("\nExit codes: "), "{help}");
    }

    #[test]
    fn scoped_options_name_commands_that_exist() {
        let grammar = build();
        for (id, commands) in SCOPED_OPTIONS {
            for path in commands {
                let command = path
                    .split(' ')
                    .try_fold(&grammar, |known, name| known.find_subcommand(name))
                    .unwrap_or_else(|| panic!("no command {path}"));
                assert!(command.get_arguments().any(|argument| argument.get_id() == id), "{path}");
            }
        }
    }

    #[test]
    fn scoped_options_are_accepted_before_every_command_and_after_some() {
        let given = |words: &[&str], id| {
            build().try_get_matches_from(words).map(|matches| is_given(&matches, id))
        };
        for (words, id) in [
            (&["tokenring", "--readonly", "list"][..], "readonly"),
            (&["tokenring", "--plain", "check", "--all"], "plain"),
            (&["tokenring", "check", "--all", "--readonly"], "readonly"),
            (&["tokenring", "request", "history", "resend", "1", "--readonly"], "readonly"),
            (&["tokenring", "demo", "--plain"], "plain"),
            (&["tokenring", "--plain"], "plain"),
        ] {
            assert!(given(words, id).unwrap(), "{words:?}");
        }
        assert!(!given(&["tokenring", "check", "--all"], "readonly").unwrap());
        assert!(given(&["tokenring", "list", "--readonly"], "readonly").is_err());
        assert!(given(&["tokenring", "check", "--all", "--plain"], "plain").is_err());
    }

    #[test]
    fn no_help_contains_markdown() {
        fn check(command: &Command) {
            let arguments = command.get_arguments().filter_map(Arg::get_help);
            let texts =
                command.get_about().into_iter().chain(command.get_after_help()).chain(arguments);
            for text in texts {
                assert!(!text.to_string().contains('`'), "{}: {text}", command.get_name());
            }
            command.get_subcommands().for_each(check);
        }
        check(&build());
    }
}

#[cfg(test)]
mod old_names_tests {
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
