//! Questions at the terminal: confirmation and hidden input.

use std::io::{self, IsTerminal, Write};

use crate::domain::problem::ProblemClass;
use crate::domain::{Problem, Secret};

/// Whether somebody is there to answer.
pub(super) fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Reads a secret without showing it.
pub(super) fn read_hidden(title: &str) -> Result<Secret, Problem> {
    let text = rpassword::prompt_password(format!("{title}: ")).map_err(|error| {
        Problem::new(
            "Nothing could be read from the terminal",
            error.to_string(),
            "pipe the secret into standard input instead",
        )
        .with_class(ProblemClass::Usage)
    })?;
    Ok(Secret::from_text(text))
}

/// One line that was typed; `None` if nobody types one.
pub(super) fn read_line(question: &str) -> Option<String> {
    let mut error = io::stderr();
    write!(error, "{question}").and_then(|()| error.flush()).ok()?;
    let mut answer = String::new();
    let read = io::stdin().read_line(&mut answer).ok()?;
    (read > 0).then(|| answer.trim().to_owned())
}

/// Which of these titles is chosen, by its number; `None` if none is.
pub(super) fn choose_by_number(titles: &[&str]) -> Option<usize> {
    let mut error = io::stderr();
    for (place, title) in titles.iter().enumerate() {
        writeln!(error, "  {}  {title}", place + 1).ok()?;
    }
    let answer = read_line("Number (nothing, to leave it as it is): ")?;
    answer.parse::<usize>().ok()?.checked_sub(1).filter(|place| *place < titles.len())
}

/// Asks for a word to be typed before something that cannot be taken back; without a terminal, `flag` is needed.
pub(super) fn confirm_by_typing(question: &str, word: &str, flag: &str) -> Result<(), Problem> {
    if !is_interactive() {
        let why = "nobody is at the terminal to confirm it";
        return Err(Problem::new(
            question,
            why,
            format!("give {flag} to go on without being asked"),
        )
        .with_class(ProblemClass::Usage));
    }
    let mut error = io::stderr();
    let _ = write!(error, "{question}\nType \"{word}\" to go on: ").and_then(|()| error.flush());
    let mut answer = String::new();
    let read = io::stdin().read_line(&mut answer);
    if read.is_ok() && answer.trim() == word {
        return Ok(());
    }
    Err(Problem::new(
        "Nothing was changed",
        format!("\"{word}\" was not typed"),
        "run the command again to go on",
    )
    .with_class(ProblemClass::Usage))
}
