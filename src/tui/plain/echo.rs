//! Echo of the terminal: whether typed text is visible.

use std::io;

use crate::tui::app::conversation::EchoMode;

/// Guard of the input terminal, with its original modes; `None` where the input is a pipe.
pub(super) struct EchoGuard {
    #[cfg(unix)]
    original_modes: Option<rustix::termios::Termios>,
}

#[cfg(unix)]
impl EchoGuard {
    /// Records the current modes of the terminal.
    pub(super) fn new() -> Self {
        Self { original_modes: rustix::termios::tcgetattr(io::stdin()).ok() }
    }

    /// Makes typed text visible or hidden. The end of a line is always visible.
    pub(super) fn set_echo(&self, echo: EchoMode) -> io::Result<()> {
        use rustix::termios::{LocalModes, OptionalActions, tcsetattr};
        let Some(found) = &self.original_modes else { return Ok(()) };
        let mut modes = found.clone();
        if echo == EchoMode::Hidden {
            modes.local_modes.remove(LocalModes::ECHO);
            modes.local_modes.insert(LocalModes::ECHONL);
        }
        Ok(tcsetattr(io::stdin(), OptionalActions::Now, &modes)?)
    }
}

#[cfg(unix)]
impl Drop for EchoGuard {
    fn drop(&mut self) {
        // A failure cannot be reported any more.
        let _ = self.set_echo(EchoMode::Visible);
    }
}

#[cfg(not(unix))]
impl EchoGuard {
    /// Records nothing.
    pub(super) fn new() -> Self {
        Self {}
    }

    /// Does nothing: on these systems [`super::line_reader`] reads hidden lines itself.
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "the same shape as on Unix")]
    pub(super) fn set_echo(&self, _echo: EchoMode) -> io::Result<()> {
        Ok(())
    }
}
