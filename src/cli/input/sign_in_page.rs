//! Sign-in with the browser: the page to visit, and the callback URL that the user pastes.
//!
//! Start at [`print_sign_in_page`] and [`read_callback_url`].

use std::io::{BufRead as _, IsTerminal as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use time::format_description::well_known::Rfc3339;
use url::Url;

use crate::cli::output::CliOutput;
use crate::domain::Problem;
use crate::engine::prompt::AwaitedCallback;
use crate::tui::terminal_line::{InputEcho, read_answer};

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
