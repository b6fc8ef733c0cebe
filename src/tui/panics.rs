//! A panic of a background thread is news for the screen; one of the screen itself gives the terminal back first.
//!
//! What a panic says may hold anything, a secret too, so only its place in the sources is passed on.

use std::io::Write;
use std::panic::PanicHookInfo;
use std::thread::{self, ThreadId};

use tokio::sync::mpsc::UnboundedSender;

use super::inbox::Notice;
use super::terminal::leave_modes;

type Hook = Box<dyn Fn(&PanicHookInfo<'_>) + Send + Sync>;

/// Panics are handled as long as it lives; then they are somebody else's again.
pub(super) struct PanicGuard {
    before: Option<Hook>,
}

impl PanicGuard {
    /// Handles panics from now on. The calling thread is the screen's.
    pub(super) fn new(notices: UnboundedSender<Notice>) -> Self {
        let screen = thread::current().id();
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| handle(panic, screen, &notices)));
        Self { before: Some(before) }
    }
}

impl Drop for PanicGuard {
    /// While the screen's own panic unwinds, the hook must be left alone.
    fn drop(&mut self) {
        if let Some(before) = self.before.take().filter(|_| !thread::panicking()) {
            std::panic::set_hook(before);
        }
    }
}

fn handle(panic: &PanicHookInfo<'_>, screen: ThreadId, notices: &UnboundedSender<Notice>) {
    let place = panic.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
    if thread::current().id() == screen {
        leave_modes();
        let _ = writeln!(std::io::stderr(), "tokenring stopped because of an error of its own at {place}. Please report it.");
    } else {
        tracing::error!(%place, "a background thread panicked");
        // If the screen is gone, there is nobody to tell.
        let _ = notices.send(Notice::Panicked(place));
    }
}
