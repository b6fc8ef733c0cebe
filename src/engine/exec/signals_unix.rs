//! Signals that are sent to this process and forwarded to its child.
//!
//! Start with `SignalRelay`.

use std::fs::File;
use std::io;
use std::process::Child;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread;

use rustix::process::{Pid, Signal};
use signal_hook::consts::{
    SIGCONT, SIGHUP, SIGINT, SIGKILL, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH,
};
use signal_hook::iterator::{Handle, Signals};

const FORWARDED_SIGNALS: [i32; 8] =
    [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH, SIGCONT];

/// Signals that a terminal sends to this process and its child alike.
const TERMINAL_SIGNALS: [i32; 3] = [SIGINT, SIGQUIT, SIGWINCH];

/// Signals caught so far, waiting for the child.
pub(super) struct SignalRelay(Signals);

/// Forwards signals until it is stopped.
pub(super) struct SignalRelayGuard {
    handle: Handle,
    child_exited: Arc<RwLock<AtomicBool>>,
}

impl SignalRelay {
    pub(super) fn start() -> io::Result<Self> {
        Ok(Self(Signals::new(FORWARDED_SIGNALS)?))
    }

    pub(super) fn forward_to(mut self, child: &Child) -> SignalRelayGuard {
        let handle = self.0.handle();
        let gone = Arc::new(RwLock::new(AtomicBool::new(false)));
        let (child, watched) =
            (i32::try_from(child.id()).ok().and_then(Pid::from_raw), Arc::clone(&gone));
        thread::spawn(move || {
            for signal in self.0.forever() {
                let gone = watched.read().unwrap_or_else(PoisonError::into_inner);
                if let Some(child) = child.filter(|_| !gone.load(Ordering::Relaxed)) {
                    forward_signal(signal, child);
                }
            }
        });
        SignalRelayGuard { handle, child_exited: gone }
    }
}

impl SignalRelayGuard {
    /// Stops forwarding: the child has exited, and its process id may soon belong to another
    /// process.
    pub(super) fn stop(self) {
        self.child_exited
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .store(true, Ordering::Relaxed);
        self.handle.close();
    }
}

fn forward_signal(signal: i32, child: Pid) {
    if TERMINAL_SIGNALS.contains(&signal) && is_foreground_process() {
        return;
    }
    if let Some(signal) = Signal::from_named_raw(signal) {
        let _ = rustix::process::kill_process(child, signal);
    }
}

/// Returns whether the terminal sends its signals to this process group, which is also the child's.
fn is_foreground_process() -> bool {
    let terminal = File::open("/dev/tty").ok();
    let front = terminal.and_then(|terminal| rustix::termios::tcgetpgrp(terminal).ok());
    front == Some(rustix::process::getpgrp())
}

/// Ends this process by the signal that ended the child.
pub(super) fn die_by_signal(signal: i32) {
    if signal == SIGKILL {
        let _ = rustix::process::kill_process(rustix::process::getpid(), Signal::KILL);
    }
    let _ = signal_hook::low_level::emulate_default_handler(signal);
}
