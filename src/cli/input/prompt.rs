//! Questions at the terminal: confirmation, choices and hidden input.
//!
//! Sign-in with the browser: the page to visit, and the callback URL that the user pastes.
//!
//! Start at [`print_sign_in_page`] and [`read_callback_url`].
//!
//! Secret input: from standard input where it is piped, otherwise from a hidden prompt. Never from
//! an argument.

use std::io::{self, BufRead as _, IsTerminal as _, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use time::format_description::well_known::Rfc3339;
use url::Url;
use zeroize::Zeroizing;

use super::prompt;
use crate::cli::output::{CliOutput, usage_problem};
use crate::domain::format::count_noun;
use crate::domain::problem::ProblemClass;
use crate::domain::{Problem, Secret};
use crate::engine;
use crate::engine::prompt::AwaitedCallback;
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

/// Prints the URL of the sign-in page. It is always printed, because no browser may open, or the
/// wrong one.
pub(in crate::cli) fn print_sign_in_page(
    out: &CliOutput,
    address: &str,
    awaited: &AwaitedCallback,
    paste: bool,
) -> Result<(), Problem> {
    let AwaitedCallback { callback, timeout: wait, until } = awaited;
    let until = until.replace_nanosecond(0).unwrap_or(*until);
    if out.json {
        let until = until.format(&Rfc3339).unwrap_or_default();
        return out.print_json(
            &serde_json::json!({"visit": address, "callback": callback, "until": until}),
        );
    }
    let minutes = wait.as_secs() / 60;
    let (hour, minute, second) = until.to_hms();
    out.note(&format!(
        "Approve access in your browser within {minutes} minutes, until {hour:02}:{minute:02}:{second:02} UTC (Ctrl-C cancels). If it did not open, visit:"
    ));
    out.note(address);
    if paste {
        out.note("Then paste the whole callback URL from the browser and press Enter:");
    } else {
        out.note(&format!(
            "The browser returns to {callback} on this machine. For a browser on another machine, pass --paste."
        ));
    }
    Ok(())
}

/// Reader of the callback URL at the terminal. When it is dropped, it stops reading and gives the
/// terminal back.
struct CallbackUrlReader {
    canceled: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl CallbackUrlReader {
    /// Starts the thread that reads lines until one is a URL.
    fn start(sender: tokio::sync::oneshot::Sender<Url>) -> Self {
        let canceled = Arc::new(AtomicBool::new(false));
        let is_canceled = Arc::clone(&canceled);
        let thread = std::thread::spawn(move || {
            while let Ok(Some(line)) = read_answer("", InputEcho::Visible, Some(&is_canceled)) {
                let text = String::from_utf8_lossy(&line);
                if let Some(address) = text.lines().find_map(|line| Url::parse(line.trim()).ok()) {
                    let _ = sender.send(address);
                    return;
                }
            }
        });
        Self { canceled, thread: Some(thread) }
    }
}

impl Drop for CallbackUrlReader {
    fn drop(&mut self) {
        self.canceled.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Reads the callback URL from a line of standard input; lines that are not a URL are skipped.
///
/// A thread that reads a pipe is left running when the sign-in ends otherwise, because nothing can
/// wake it.
pub(in crate::cli) async fn read_callback_url() -> Url {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let _reader = if std::io::stdin().is_terminal() {
        Some(CallbackUrlReader::start(sender))
    } else {
        std::thread::spawn(move || {
            let mut lines = std::io::stdin().lock().lines().map_while(Result::ok);
            let address = lines.find_map(|line| Url::parse(line.trim()).ok());
            address.map(|address| sender.send(address))
        });
        None
    };
    match receiver.await {
        Ok(address) => address,
        Err(_) => std::future::pending().await,
    }
}

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
