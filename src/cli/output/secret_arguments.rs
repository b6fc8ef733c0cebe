//! Secrets that were typed as arguments: errors do not repeat them, and say how to pass a secret.
//!
//! Start at [`surplus_argument_problem`], [`without_values`] and [`mask_arguments`].

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::cli::output::usage_problem;
use crate::domain::Problem;
use crate::domain::redact::MASK;
use crate::domain::redact::patterns::{self, looks_like_secret, secret_words};

/// Commands that read a secret from standard input or a prompt.
const SECRET_COMMANDS: [&str; 5] = ["add", "edit", "identify", "login", "rotate"];

/// Options that do not exist, by which users try to pass a secret.
const SECRET_OPTIONS: [&str; 6] =
    ["--secret", "--token", "--password", "--passphrase", "--api-key", "--value"];

/// Options whose values may contain a secret in any form.
const SECRET_VALUE_OPTIONS: [&str; 2] = ["--header", "--form"];

/// Length of an identifier of tokenring, such as that of a rotation: hexadecimal digits.
const OWN_ID_CHARS: usize = 32;

/// Returns the problem of an argument that the grammar has no place for. The argument is not
/// quoted, because it may be a secret.
pub(in crate::cli) fn surplus_argument_problem(
    error: &clap::Error,
    arguments: &[String],
) -> Option<Problem> {
    let Some(ContextValue::String(surplus)) = error.get(ContextKind::InvalidArg) else {
        return None;
    };
    let is_secret_option = SECRET_OPTIONS.contains(&surplus.as_str());
    if error.kind() != ErrorKind::UnknownArgument || surplus.starts_with('-') && !is_secret_option {
        return None;
    }
    let command = arguments.iter().skip(1).find(|argument| !argument.starts_with('-'))?;
    Some(if SECRET_COMMANDS.contains(&command.as_str()) {
        secret_argument_problem(command)
    } else {
        usage_problem(
            "Unexpected argument",
            "there is one argument too many; it is not shown, because it may be a secret",
            &format!("see `tokenring {command} --help`"),
        )
    })
}

/// Returns the problem of `exec` without the `--` that separates the command from the names.
pub(in crate::cli) fn missing_separator_problem(
    error: &clap::Error,
    arguments: &[String],
) -> Option<Problem> {
    let mut words = arguments.iter().skip(1);
    let is_exec = words.find(|argument| !argument.starts_with('-'))? == "exec";
    let has_separator = arguments.iter().any(|argument| argument == "--");
    let is_missing = error.kind() == ErrorKind::MissingRequiredArgument;
    (is_exec && !has_separator && is_missing).then(|| {
        usage_problem(
            "The command to run is missing",
            "a command comes after --, which separates it from the names of the credentials",
            "write -- before the command: `tokenring exec NAME -- COMMAND`",
        )
    })
}

/// Problem of a secret that was passed as an argument of a command.
pub(in crate::cli) fn secret_argument_problem(command: &str) -> Problem {
    let usage = match command {
        "add" => "add NAME --provider P",
        "edit" => "edit NAME --secret",
        "login" => "login NAME --part PART",
        "rotate" => "rotate NAME",
        _ => "identify",
    };
    usage_problem(
        "A secret must not be an argument",
        "other processes can read arguments, and the shell has written it to its history; it was not used",
        &format!(
            "delete the command from the shell's history, and run `tokenring {usage}`: it asks for the secret, or reads it from a pipe (`< FILE`)"
        ),
    )
}

/// Removes the typed values from an error of the argument parser where they may be secrets: pairs
/// such as those of `--header`, and everything that looks like a secret.
pub(in crate::cli) fn without_values(mut error: clap::Error) -> clap::Error {
    let text = |error: &clap::Error, kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        _ => None,
    };
    let takes_pairs = text(&error, ContextKind::InvalidArg).is_some_and(|argument| {
        let option = argument.split(' ').next().unwrap_or_default();
        argument.contains('=') || SECRET_VALUE_OPTIONS.contains(&option)
    });
    for kind in [ContextKind::InvalidArg, ContextKind::InvalidValue, ContextKind::InvalidSubcommand]
    {
        let is_secret = text(&error, kind).is_some_and(|typed| {
            (kind == ContextKind::InvalidValue && takes_pairs) || looks_like_secret(&typed)
        });
        if is_secret {
            error.insert(kind, ContextValue::String(MASK.to_owned()));
            error.remove(ContextKind::Suggested);
        }
    }
    error
}

/// Masks everything in a problem that looks like a secret and was typed as an argument, and every
/// token with a known prefix.
pub(in crate::cli) fn mask_arguments(problem: &Problem, arguments: &[String]) -> Problem {
    let mut typed: Vec<&str> = arguments
        .iter()
        .flat_map(|argument| secret_words(argument))
        .filter(|word| !is_own_id(word))
        .collect();
    typed.sort_by_key(|word| std::cmp::Reverse(word.len()));
    let mask = |text: &str| {
        patterns::mask_patterns(
            &typed.iter().fold(text.to_owned(), |text, word| text.replace(word, MASK)),
        )
    };
    Problem {
        what: mask(&problem.what),
        why: mask(&problem.why),
        remedy: mask(&problem.remedy),
        class: problem.class,
    }
}

/// Returns the arguments of this process as text.
pub(in crate::cli) fn process_arguments() -> Vec<String> {
    std::env::args_os().map(|argument| argument.to_string_lossy().into_owned()).collect()
}

fn is_own_id(word: &str) -> bool {
    word.len() == OWN_ID_CHARS && word.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_secrets_are_masked_and_ids_of_tokenring_are_not() {
        let (uuid, id) =
            ("0000abcd-0000-4000-8000-000000001234", "00112233445566778899aabbccddeeff");
        let arguments = ["tokenring", "show", uuid, id].map(str::to_owned);
        let problem = Problem::new(
            format!("no credential named \"{uuid}\""),
            format!("rotation {id}"),
            "run it with snyk_uat.1a2b3c4d.e30.c2ln",
        );
        let Problem { what, why, remedy, .. } = mask_arguments(&problem, &arguments);
        assert_eq!(what, format!("no credential named \"{MASK}\""));
        assert_eq!(why, format!("rotation {id}"));
        assert_eq!(remedy, format!("run it with snyk_uat.{MASK}"));
    }

    #[test]
    fn every_command_that_reads_a_secret_exists() {
        let grammar = crate::cli::command();
        for name in SECRET_COMMANDS {
            assert!(grammar.find_subcommand(name).is_some(), "{name}");
        }
    }
}
