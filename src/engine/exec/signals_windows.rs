//! Consoles without signals: the console sends Ctrl-C to all of its programs, and the child decides
//! what it means.
//!
//! This process only must not end first: it still waits for the child, removes the child's files
//! and returns its exit code. Listening is enough for that.

use std::io;
use std::process::Child;

use tokio::signal::windows::{CtrlBreak, CtrlC, ctrl_break, ctrl_c};

/// Leaves Ctrl-C and Ctrl-Break to the child while it exists.
pub(super) struct SignalRelay {
    _interrupt: CtrlC,
    _break: CtrlBreak,
}

impl SignalRelay {
    pub(super) fn start() -> io::Result<Self> {
        Ok(Self { _interrupt: ctrl_c()?, _break: ctrl_break()? })
    }

    pub(super) fn forward_to(self, _child: &Child) -> Self {
        self
    }

    pub(super) fn stop(self) {}
}

pub(super) fn die_by_signal(_signal: i32) {}
