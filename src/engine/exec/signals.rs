//! Signals that come for this process and are meant for its child.

use std::fs::File;
use std::io;
use std::process::Child;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread;

use rustix::process::{Pid, Signal};
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGKILL, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH};
use signal_hook::iterator::{Handle, Signals};

const PASSED: [i32; 8] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH, SIGCONT];

/// Those that a terminal gives to this process and its child alike.
const OF_TERMINALS: [i32; 3] = [SIGINT, SIGQUIT, SIGWINCH];

/// Signals are caught from now on, and wait for the child.
pub(super) struct Passing(Signals);

/// Signals are passed on until this is ended.
pub(super) struct Passed {
    handle: Handle,
    gone: Arc<RwLock<AtomicBool>>,
}

impl Passing {
    pub(super) fn begin() -> io::Result<Self> {
        Ok(Self(Signals::new(PASSED)?))
    }

    pub(super) fn pass_to(mut self, child: &Child) -> Passed {
        let handle = self.0.handle();
        let gone = Arc::new(RwLock::new(AtomicBool::new(false)));
        let (child, watched) = (i32::try_from(child.id()).ok().and_then(Pid::from_raw), Arc::clone(&gone));
        thread::spawn(move || {
            for signal in self.0.forever() {
                let gone = watched.read().unwrap_or_else(PoisonError::into_inner);
                if let Some(child) = child.filter(|_| !gone.load(Ordering::Relaxed)) {
                    pass(signal, child);
                }
            }
        });
        Passed { handle, gone }
    }
}

impl Passed {
    /// The child is gone, and its number may be another process's soon.
    pub(super) fn end(self) {
        self.gone.write().unwrap_or_else(PoisonError::into_inner).store(true, Ordering::Relaxed);
        self.handle.close();
    }
}

fn pass(signal: i32, child: Pid) {
    if OF_TERMINALS.contains(&signal) && is_in_front() {
        return;
    }
    if let Some(signal) = Signal::from_named_raw(signal) {
        let _ = rustix::process::kill_process(child, signal);
    }
}

/// Whether the terminal speaks to this process group, which is the child's too.
fn is_in_front() -> bool {
    let terminal = File::open("/dev/tty").ok();
    let front = terminal.and_then(|terminal| rustix::termios::tcgetpgrp(terminal).ok());
    front == Some(rustix::process::getpgrp())
}

/// Dies of the signal, as the child did.
pub(super) fn die_of(signal: i32) {
    if signal == SIGKILL {
        let _ = rustix::process::kill_process(rustix::process::getpid(), Signal::KILL);
    }
    let _ = signal_hook::low_level::emulate_default_handler(signal);
}
