//! Questions at the terminal: confirmation, choices and hidden input.

use std::io::{self, IsTerminal, Write};

use crate::cli::output::usage_problem;
use crate::domain::problem::ProblemClass;
use crate::domain::{Problem, Secret};
use crate::engine;
use crate::tui::terminal_line::{InputEcho, print_secret_line, read_answer};

/// Returns whether a user at a terminal can reply to questions.
pub(in crate::cli) fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Reads a secret without showing it. Like a pipe, a paste may have several lines: a private key has
/// them, and with any other text they are rejected where the secret is identified.
pub(in crate::cli) fn read_hidden(title: &str) -> Result<Secret, Problem> {
    let answer = read_answer(&format!("{title}: "), InputEcho::Hidden, None).map_err(|error| {
        input_problem(error.to_string(), "pipe the secret to standard input instead")
    })?;
    let bytes = answer
        .ok_or_else(|| input_problem("nothing was entered".to_owned(), "run the command again"))?;
    Ok(Secret::new(bytes.to_vec()))
}

/// Reads a secret of one line without showing it, such as a passphrase.
pub(in crate::cli) fn read_hidden_line(title: &str) -> Result<Secret, Problem> {
    let secret = read_hidden(title)?;
    if !secret.is_multiline() {
        return Ok(secret);
    }
    let why = "the pasted text has several lines; nothing of it was used";
    Err(Problem::new("The input was rejected", why, "paste one line")
        .with_class(ProblemClass::Usage))
}

/// Shows a secret that was generated for the user, once.
pub(in crate::cli) fn show_secret(title: &str, secret: &Secret) {
    // Without the words, the confirmation that follows cannot succeed.
    let _ = writeln!(io::stderr(), "{title}:").and_then(|()| print_secret_line(secret));
}

/// Asks a question and reads one line. Returns `None` at the end of the input, and for a pasted text
/// of several lines.
pub(in crate::cli) fn read_line(question: &str) -> Option<String> {
    let answer = read_answer(question, InputEcho::Visible, None).ok()??;
    if answer.contains(&b'\n') {
        let note = "The pasted text has several lines; nothing of it was used.";
        let _ = writeln!(io::stderr(), "{note}");
        return None;
    }
    Some(String::from_utf8_lossy(&answer).trim().to_owned())
}

/// Asks the user to choose one of the titles by its number. Returns `None` if nothing is chosen.
pub(in crate::cli) fn choose_by_number(titles: &[&str]) -> Option<usize> {
    let mut error = io::stderr();
    for (place, title) in titles.iter().enumerate() {
        writeln!(error, "  {}  {title}", place + 1).ok()?;
    }
    let answer = read_line("Number (Enter to skip): ")?;
    answer.parse::<usize>().ok()?.checked_sub(1).filter(|place| *place < titles.len())
}

/// Asks the user to type a word before something that cannot be undone. Without a terminal, `flag`
/// is required.
pub(in crate::cli) fn confirm_by_typing(
    question: &str,
    word: &str,
    flag: &str,
) -> Result<(), Problem> {
    if !is_interactive() {
        let why = "not a terminal";
        return Err(Problem::new(question, why, format!("pass {flag} to confirm"))
            .with_class(ProblemClass::Usage));
    }
    let answer = read_line(&format!("{question}\nType \"{word}\" to confirm: "));
    if answer.is_some_and(|answer| answer == word) {
        return Ok(());
    }
    Err(Problem::new(
        "Nothing was changed",
        format!("\"{word}\" was not typed"),
        "run the command again",
    )
    .with_class(ProblemClass::Usage))
}

/// Asks for a new passphrase of `what` twice. Where none is typed, generates six words and shows them
/// once.
pub(in crate::cli) fn choose_passphrase(what: &str) -> Result<Secret, Problem> {
    let typed =
        read_hidden(&format!("New passphrase for the {what} (Enter generates six random words)"))?;
    let chosen = if typed.is_empty() {
        let words = engine::generate_passphrase()?;
        show_secret("Write these words down; they are not shown again", &words);
        words
    } else {
        engine::check_new_passphrase(&typed)?;
        typed
    };
    if read_hidden("Confirm passphrase")?.same_as(&chosen) {
        return Ok(chosen);
    }
    Err(usage_problem(
        "The passphrase was not set",
        "the passphrases do not match",
        "run the command again",
    ))
}

fn input_problem(why: String, remedy: &str) -> Problem {
    Problem::new("Nothing could be read from the terminal", why, remedy)
        .with_class(ProblemClass::Usage)
}
