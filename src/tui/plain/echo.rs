//! Whether the terminal shows what is typed.

use std::io;

use crate::tui::app::conversation::EchoMode;

/// The terminal that is read from, with the modes in which it was found; nothing where it is a pipe.
pub(super) struct EchoGuard {
    #[cfg(unix)]
    original_modes: Option<rustix::termios::Termios>,
}

#[cfg(unix)]
impl EchoGuard {
    /// The terminal as it is now.
    pub(super) fn new() -> Self {
        Self { original_modes: rustix::termios::tcgetattr(io::stdin()).ok() }
    }

    /// Lets what is typed be seen, or not; the end of a line is always seen.
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
        // Nobody is left to be told that the terminal refused.
        let _ = self.set_echo(EchoMode::Visible);
    }
}

#[cfg(not(unix))]
impl EchoGuard {
    /// The terminal as it is now.
    pub(super) fn find() -> Self {
        Self {}
    }

    /// Hidden lines are read by [`super::reader`] in a way of their own here.
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "the same shape as on Unix")]
    pub(super) fn echo(&self, _echo: EchoMode) -> io::Result<()> {
        Ok(())
    }
}
