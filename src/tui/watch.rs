//! A thread that waits for signals and for the end of the terminal.
//!
//! It sleeps until one of them comes, so it costs nothing. It stands apart from the screen because the screen may be
//! stuck in a write to a terminal that no longer reads: a signal to end is obeyed even then.

use std::path::PathBuf;

use tokio::sync::mpsc::UnboundedSender;

use super::inbox::Notice;

/// The exit code for a terminal that went away, as a shell reports SIGHUP.
pub(super) const HANG_UP: u8 = 129;

/// What Ctrl-C means where the terminal makes a signal of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Interrupt {
    /// The program ends.
    Quits,
    /// The screen is asked to stop what it does.
    Asks,
}

/// Without signals there is nothing to watch.
#[cfg(not(unix))]
pub(super) struct Watch;

#[cfg(not(unix))]
impl Watch {
    /// One that watches nothing.
    #[expect(clippy::unnecessary_wraps, reason = "the same shape as on Unix")]
    pub(super) fn new(_notices: UnboundedSender<Notice>, _interrupt: Interrupt) -> std::io::Result<Self> {
        Ok(Self)
    }

    /// Watches nothing.
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "the same shape as on Unix")]
    pub(super) fn start(self, _settings: Option<PathBuf>) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(unix)]
pub(super) use unix::Watch;

#[cfg(unix)]
mod unix {
    use std::fs::File;
    use std::io::{self, IsTerminal};
    use std::os::fd::{AsFd, OwnedFd};
    use std::os::unix::net::UnixStream;
    use std::sync::mpsc;
    use std::time::Duration;

    use rustix::event::{PollFd, PollFlags, poll};
    use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGWINCH};
    use signal_hook::iterator::backend::SignalDelivery;
    use signal_hook::iterator::exfiltrator::SignalOnly;

    use super::{HANG_UP, Interrupt, Notice, PathBuf, UnboundedSender};
    use crate::tui::terminal::leave_modes;
    use crate::tui::wishes::Folder;

    /// How long the screen has to understand that it is to end.
    const GRACE: Duration = Duration::from_millis(300);

    const SIGNALS: [i32; 7] = [SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGTSTP, SIGCONT, SIGWINCH];

    /// The watcher.
    pub(in crate::tui) struct Watch {
        signals: SignalDelivery<UnixStream, SignalOnly>,
        /// Until it hangs up.
        terminal: Option<OwnedFd>,
        /// Where the settings lie, if that can be watched.
        folder: Option<Folder>,
        notices: UnboundedSender<Notice>,
        interrupt: Interrupt,
    }

    impl Watch {
        /// Takes note of signals from now on.
        pub(in crate::tui) fn new(notices: UnboundedSender<Notice>, interrupt: Interrupt) -> io::Result<Self> {
            let (read, write) = UnixStream::pair()?;
            let signals = SignalDelivery::with_pipe(read, write, SignalOnly, SIGNALS)?;
            Ok(Self { signals, terminal: terminal()?, folder: None, notices, interrupt })
        }

        /// Tells of what it has taken note of and of what comes, as long as the process lives. The folder of the settings
        /// is watched too, if it can be.
        pub(in crate::tui) fn start(mut self, settings: Option<PathBuf>) -> io::Result<()> {
            let watch = move || {
                self.folder = settings.as_deref().and_then(Folder::watch);
                self.run();
            };
            std::thread::Builder::new().name("watch".into()).spawn(watch).map(drop)
        }

        fn run(mut self) {
            loop {
                self.wait();
                for signal in self.signals.pending() {
                    self.tell(signal);
                }
            }
        }

        /// Waits for a signal or the end of the terminal. A terminal that hung up, or cannot be watched on this
        /// system, would end every further wait at once and is let go.
        fn wait(&mut self) {
            let mut waiting = vec![PollFd::new(self.signals.get_read(), PollFlags::IN)];
            waiting.extend(self.terminal.as_ref().map(|terminal| PollFd::new(terminal, PollFlags::empty())));
            waiting.extend(self.folder.as_ref().map(|folder| PollFd::new(folder.handle(), PollFlags::IN)));
            if poll(&mut waiting, None).is_err() {
                return;
            }
            let ended = waiting.get(1).filter(|_| self.terminal.is_some()).map_or(PollFlags::empty(), PollFd::revents);
            drop(waiting);
            if self.folder.as_ref().is_some_and(Folder::has_changed) {
                let _ = self.notices.send(Notice::Touched);
            }
            if !ended.is_empty() {
                self.terminal = None;
            }
            if ended.intersects(PollFlags::HUP | PollFlags::ERR) {
                self.tell_to_quit(HANG_UP);
            }
        }

        fn tell(&self, signal: i32) {
            match signal {
                SIGTSTP => drop(self.notices.send(Notice::Suspend)),
                SIGINT if self.interrupt == Interrupt::Asks => drop(self.notices.send(Notice::Interrupt)),
                SIGCONT => drop(self.notices.send(Notice::Resume)),
                SIGWINCH => drop(self.notices.send(Notice::Resized)),
                _ => self.tell_to_quit(u8::try_from(128 + signal).unwrap_or(HANG_UP)),
            }
        }

        /// Tells the screen to end. If it does not understand in time, restores the terminal and ends the process.
        fn tell_to_quit(&self, code: u8) {
            let (heard, answer) = mpsc::channel();
            let told = self.notices.send(Notice::Quit { code, heard });
            if told.is_err() || answer.recv_timeout(GRACE).is_err() {
                leave_modes();
                signal_hook::low_level::exit(code.into());
            }
        }
    }

    /// The terminal that is read from.
    fn terminal() -> io::Result<Option<OwnedFd>> {
        let stdin = io::stdin();
        if stdin.is_terminal() {
            return stdin.as_fd().try_clone_to_owned().map(Some);
        }
        Ok(File::open("/dev/tty").ok().map(OwnedFd::from))
    }
}
