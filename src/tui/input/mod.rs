//! Input of the terminal: from the bytes that it sends to the events that the screen handles.
//!
//! On Unix `reader_unix.rs` reads, `terminal_parser.rs` splits the bytes by their grammar,
//! `key_sequences.rs` knows the keys, `typed_text.rs` tells typing from pasting, and
//! `input_decoder.rs` decides what acts. The input may be a secret, so every buffer is wiped. On
//! Windows crossterm reads. Start reading at [`spawn_reader`] and [`InputPause`].

#[cfg(unix)]
mod input_decoder;
#[cfg(unix)]
mod key_sequences;
#[cfg(unix)]
mod reader_unix;
#[cfg(not(unix))]
mod reader_windows;
#[cfg(unix)]
pub(super) mod readiness;
#[cfg(unix)]
pub(super) mod terminal_parser;
#[cfg(all(test, unix))]
mod tests;
#[cfg(unix)]
pub(super) mod typed_text;
#[cfg(unix)]
mod wiped_buffer;

use std::sync::{Condvar, Mutex, OnceLock, PoisonError};
use std::time::Duration;

#[cfg(unix)]
pub(super) use reader_unix::{open_input_terminal, spawn_reader};
#[cfg(not(unix))]
pub(super) use reader_windows::spawn_reader;

/// Query for the background color, whose response the reader understands.
pub(super) const BACKGROUND_QUERY: &str = "\x1b]11;?\x1b\\";

/// How long to wait for the reader to pause before another program gets the terminal.
const PAUSE_TIMEOUT: Duration = Duration::from_millis(500);

/// Gate that the terminal reader passes before each read; closed while another program reads the
/// terminal.
#[derive(Default)]
pub(super) struct InputPause {
    state: Mutex<PauseState>,
    changed: Condvar,
    /// Ends a wait of the reader for input.
    wake_reader: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

/// State of the gate, and whether the reader waits at it.
#[derive(Default)]
struct PauseState {
    is_paused: bool,
    is_reader_waiting: bool,
}

impl InputPause {
    /// Closes the gate and waits until the reader waits at it.
    pub(super) fn pause(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.is_paused = true;
        if let Some(wake) = self.wake_reader.get() {
            wake();
        }
        let waited =
            self.changed.wait_timeout_while(state, PAUSE_TIMEOUT, |state| !state.is_reader_waiting);
        if waited.is_ok_and(|(_, waited)| waited.timed_out()) {
            tracing::warn!("the reader did not pause while another program uses the terminal");
        }
    }

    /// Opens the gate.
    pub(super) fn resume(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).is_paused = false;
        self.changed.notify_all();
    }

    /// Sets what ends a wait of the reader for input.
    #[cfg(unix)]
    fn set_waker(&self, wake: impl Fn() + Send + Sync + 'static) {
        // There is one reader.
        let _ = self.wake_reader.set(Box::new(wake));
    }

    /// Waits while the gate is closed; returns whether it was.
    fn wait_while_paused(&self) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let was_paused = state.is_paused;
        state.is_reader_waiting = true;
        self.changed.notify_all();
        let passed = self.changed.wait_while(state, |state| state.is_paused);
        passed.unwrap_or_else(PoisonError::into_inner).is_reader_waiting = false;
        was_paused
    }
}
