//! Questions at the terminal: confirmation, choices and hidden input.

use std::io::{self, IsTerminal, Write};

use crate::domain::problem::ProblemClass;
use crate::domain::{Problem, Secret};

/// Returns whether a user at a terminal can reply to questions.
pub(super) fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Reads a secret without showing it.
pub(super) fn read_hidden(title: &str) -> Result<Secret, Problem> {
    let text = rpassword::prompt_password(format!("{title}: ")).map_err(|error| {
        Problem::new(
            "Nothing could be read from the terminal",
            error.to_string(),
            "pipe the secret to standard input instead",
        )
        .with_class(ProblemClass::Usage)
    })?;
    Ok(Secret::from_text(text))
}

/// Shows a secret that was generated for the user, once.
pub(super) fn show_secret(title: &str, secret: &Secret) {
    let mut error = io::stderr();
    let written = secret.expose(|bytes| {
        write!(error, "{title}:\n  ")
            .and_then(|()| error.write_all(bytes))
            .and_then(|()| writeln!(error))
    });
    // Without the words, the confirmation that follows cannot succeed.
    let _ = written.and_then(|()| error.flush());
}

/// Asks a question and reads one line. Returns `None` at the end of the input.
pub(super) fn read_line(question: &str) -> Option<String> {
    let mut error = io::stderr();
    write!(error, "{question}").and_then(|()| error.flush()).ok()?;
    let mut answer = String::new();
    let read = io::stdin().read_line(&mut answer).ok()?;
    (read > 0).then(|| answer.trim().to_owned())
}

/// Asks the user to choose one of the titles by its number. Returns `None` if nothing is chosen.
pub(super) fn choose_by_number(titles: &[&str]) -> Option<usize> {
    let mut error = io::stderr();
    for (place, title) in titles.iter().enumerate() {
        writeln!(error, "  {}  {title}", place + 1).ok()?;
    }
    let answer = read_line("Number (Enter to skip): ")?;
    answer.parse::<usize>().ok()?.checked_sub(1).filter(|place| *place < titles.len())
}

/// Asks the user to type a word before something that cannot be undone. Without a terminal, `flag`
/// is required.
pub(super) fn confirm_by_typing(question: &str, word: &str, flag: &str) -> Result<(), Problem> {
    if !is_interactive() {
        let why = "not a terminal";
        return Err(Problem::new(question, why, format!("pass {flag} to confirm"))
            .with_class(ProblemClass::Usage));
    }
    let mut error = io::stderr();
    let _ = write!(error, "{question}\nType \"{word}\" to confirm: ").and_then(|()| error.flush());
    let mut answer = String::new();
    let read = io::stdin().read_line(&mut answer);
    if read.is_ok() && answer.trim() == word {
        return Ok(());
    }
    Err(Problem::new(
        "Nothing was changed",
        format!("\"{word}\" was not typed"),
        "run the command again to try again",
    )
    .with_class(ProblemClass::Usage))
}
