//! Pins the grammar of the command line, on which scripts rely: commands, flags, and the values of
//! flags. The names of commands and flags come from variants and fields, so renaming those would
//! change them.

use std::fmt::Write as _;

use clap::{Arg, ArgAction, Command};

use super::assert_file;

#[test]
fn commands_and_flags() {
    let mut found = String::new();
    let mut grammar = tokenring::cli::command();
    grammar.build();
    describe(&grammar, &mut found);
    assert_file("grammar.txt", &found);
}

fn describe(command: &Command, found: &mut String) {
    let name = command.get_bin_name().unwrap_or(command.get_name());
    let aliases: Vec<_> = command.get_all_aliases().collect();
    writeln!(found, "{name} {}", aliases.join(" ")).unwrap();
    // A global argument is listed once, for the program itself.
    let is_own = |argument: &&Arg| !argument.is_global_set() || command.get_name() == "tokenring";
    for argument in command.get_arguments().filter(is_own) {
        writeln!(found, "  {}", described(argument)).unwrap();
    }
    command
        .get_subcommands()
        .filter(|below| below.get_name() != "help")
        .for_each(|below| describe(below, found));
}

fn described(argument: &Arg) -> String {
    let flag = match (argument.get_long(), argument.get_short()) {
        (Some(long), Some(short)) => format!("--{long} -{short}"),
        (Some(long), None) => format!("--{long}"),
        (None, Some(short)) => format!("-{short}"),
        (None, None) => {
            argument.get_index().map_or_else(|| "last".to_owned(), |index| index.to_string())
        }
    };
    let takes = match argument.get_action() {
        ArgAction::SetTrue => "",
        ArgAction::Append => " value, repeated",
        ArgAction::Set => " value",
        _ => " other",
    };
    let words: Vec<_> =
        argument.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
    let words = if takes.is_empty() || words.is_empty() {
        String::new()
    } else {
        format!(" of {}", words.join("|"))
    };
    let required = if argument.is_required_set() { ", required" } else { "" };
    format!("{flag}{takes}{words}{required}")
}
