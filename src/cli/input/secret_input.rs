//! Secret input: from standard input where it is piped, otherwise from a hidden prompt. Never from
//! an argument.

use std::io::{self, BufRead as _, IsTerminal, Read};

use zeroize::Zeroizing;

use super::prompt;
use crate::domain::format::count_noun;
use crate::domain::problem::ProblemClass;
use crate::domain::{Problem, Secret};

/// Maximum size of a secret. A pipe that provides more is a mistake.
const MAX_SECRET_BYTES: usize = 1 << 20;

/// Maximum size of a list with many secrets.
const MAX_LIST_BYTES: usize = 64 << 20;

/// Reads a secret: all of standard input, or what is typed or pasted at a hidden prompt.
pub(in crate::cli) fn read_secret(title: &str) -> Result<Secret, Problem> {
    if io::stdin().is_terminal() { prompt::read_hidden(title) } else { read_pipe() }
}

/// Reads a text that contains secrets from standard input. Such a text is never typed, so a
/// terminal is a problem.
pub(in crate::cli) fn read_text() -> Result<Zeroizing<String>, Problem> {
    read_text_up_to(MAX_SECRET_BYTES)
}

/// Like [`read_text`], for a list with many secrets.
pub(in crate::cli) fn read_list_text() -> Result<Zeroizing<String>, Problem> {
    read_text_up_to(MAX_LIST_BYTES)
}

fn read_text_up_to(limit: usize) -> Result<Zeroizing<String>, Problem> {
    if io::stdin().is_terminal() {
        let why = "standard input is a terminal, not a pipe";
        return Err(Problem::new(
            "No input",
            why,
            "pipe the text to standard input, or name a file",
        )
        .with_class(ProblemClass::Usage));
    }
    let text = read_pipe_up_to(limit)?;
    let text = text.expose(|bytes| std::str::from_utf8(bytes).map(str::to_owned));
    text.map(Zeroizing::new).map_err(|_| {
        let why = "the input is not valid UTF-8";
        Problem::new("Standard input could not be read", why, "pipe in text, such as a dotenv file")
            .with_class(ProblemClass::Usage)
    })
}

/// Reads one secret for `title` and one for each of `further`: one line each where there are
/// several.
pub(in crate::cli) fn read_secrets(
    title: &str,
    further: &[String],
) -> Result<Vec<Secret>, Problem> {
    if io::stdin().is_terminal() {
        let further = further.iter().map(|title| prompt::read_hidden_line(title));
        return std::iter::once(prompt::read_hidden(title)).chain(further).collect();
    }
    let all = read_pipe()?;
    if further.is_empty() {
        return Ok(vec![all]);
    }
    let lines: Vec<Secret> = all.expose(|bytes| {
        let lines = bytes
            .split(|byte| *byte == b'\n')
            .map(<[u8]>::trim_ascii)
            .filter(|line| !line.is_empty());
        lines.map(|line| Secret::new(line.to_vec())).collect()
    });
    if lines.len() == further.len() + 1 {
        return Ok(lines);
    }
    let why = format!(
        "expected {} on standard input, got {}",
        count_noun(further.len() + 1, "line"),
        lines.len()
    );
    let remedy = format!(
        "pipe the {title} as the first line, then one line each for {}",
        further.join(", ")
    );
    Err(Problem::new("Secrets are missing", why, remedy).with_class(ProblemClass::Usage))
}

/// Reads one secret for each of `titles`, one line each, and leaves the rest of standard input
/// unread.
pub(in crate::cli) fn read_secret_lines(titles: &[String]) -> Result<Vec<Secret>, Problem> {
    if io::stdin().is_terminal() {
        return titles.iter().map(|title| prompt::read_hidden_line(title)).collect();
    }
    titles.iter().map(|title| read_secret_line(title)).collect()
}

fn read_secret_line(title: &str) -> Result<Secret, Problem> {
    let mut line = Vec::with_capacity(MAX_SECRET_BYTES + 1);
    let read = io::stdin().lock().take(MAX_SECRET_BYTES as u64).read_until(b'\n', &mut line);
    let secret = Secret::new(line);
    let bare = secret.expose(|bytes| Secret::new(bytes.trim_ascii().to_vec()));
    match read {
        Ok(_) if !bare.is_empty() => Ok(bare),
        Ok(_) => Err(missing_line_problem(title)),
        Err(error) => Err(stdin_read_problem(&error)),
    }
}

fn missing_line_problem(title: &str) -> Problem {
    let why = format!("standard input has no line for {title}");
    Problem::new("Secrets are missing", why, "pipe one line for each --part")
        .with_class(ProblemClass::Usage)
}

fn stdin_read_problem(error: &io::Error) -> Problem {
    Problem::new("Standard input could not be read", error.to_string(), "pipe the secret again")
}

/// Reads all of standard input, which is a secret.
fn read_pipe() -> Result<Secret, Problem> {
    read_pipe_up_to(MAX_SECRET_BYTES)
}

/// Reads all of standard input. The buffer of a secret has its full size from the start, so that
/// growing it never leaves a copy of the secret in memory.
fn read_pipe_up_to(limit: usize) -> Result<Secret, Problem> {
    let mut bytes = Vec::with_capacity(MAX_SECRET_BYTES + 1);
    io::stdin()
        .lock()
        .take(limit as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| stdin_read_problem(&error))?;
    let too_long = bytes.len() > limit;
    let secret = Secret::new(bytes);
    if too_long {
        let why = format!("standard input has more than {} MiB", limit >> 20);
        return Err(Problem::new("The input is not a secret", why, "pipe only the secret")
            .with_class(ProblemClass::Usage));
    }
    Ok(secret)
}
