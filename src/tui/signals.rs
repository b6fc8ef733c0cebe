//! Watcher thread for signals and for the end of the terminal.
//!
//! The thread sleeps until an event arrives. It is separate from the screen because the screen may
//! block in a write to a terminal that no longer reads: a signal to exit is obeyed even then. Start
//! reading at [`SignalWatcher`].

use std::path::PathBuf;

use tokio::sync::mpsc::UnboundedSender;

use super::channels::SystemEvent;

/// Exit code for a closed terminal, as a shell reports SIGHUP.
pub(super) const HANGUP_EXIT_CODE: u8 = 129;

/// Meaning of Ctrl-C where the terminal turns it into a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InterruptPolicy {
    /// The program exits.
    Quit,
    /// The screen handles the interruption.
    ForwardToApp,
}

/// Watcher for systems without signals, which watches nothing.
#[cfg(not(unix))]
pub(super) struct SignalWatcher;

#[cfg(not(unix))]
impl SignalWatcher {
    /// Creates a watcher that watches nothing.
    #[expect(clippy::unnecessary_wraps, reason = "the same shape as on Unix")]
    pub(super) fn new(
        _notices: UnboundedSender<SystemEvent>,
        _interrupt: InterruptPolicy,
    ) -> std::io::Result<Self> {
        Ok(Self)
    }

    /// Watches nothing.
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "the same shape as on Unix")]
    pub(super) fn start(self, _settings: Option<PathBuf>) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(unix)]
pub(super) use unix::SignalWatcher;

#[cfg(unix)]
mod unix {
    use std::io;
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;
    use std::sync::mpsc;
    use std::time::Duration;

    use rustix::event::{PollFd, PollFlags, poll};
    use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGWINCH};
    use signal_hook::iterator::backend::SignalDelivery;
    use signal_hook::iterator::exfiltrator::SignalOnly;

    use super::{HANGUP_EXIT_CODE, InterruptPolicy, PathBuf, SystemEvent, UnboundedSender};
    use crate::tui::input::open_input_terminal;
    use crate::tui::settings_watcher::ConfigWatcher;
    use crate::tui::terminal::restore_terminal;

    /// How long the screen may take to acknowledge that it must exit.
    const QUIT_TIMEOUT: Duration = Duration::from_millis(300);

    const SIGNALS: [i32; 7] = [SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGTSTP, SIGCONT, SIGWINCH];

    /// Watcher for signals, the terminal and the settings folder.
    pub(in crate::tui) struct SignalWatcher {
        signals: SignalDelivery<UnixStream, SignalOnly>,
        /// Terminal that is watched, until it hangs up.
        terminal: Option<OwnedFd>,
        /// Watcher of the settings folder, where it can be watched.
        config_watcher: Option<ConfigWatcher>,
        system_events: UnboundedSender<SystemEvent>,
        interrupt: InterruptPolicy,
    }

    impl SignalWatcher {
        /// Records signals from now on.
        pub(in crate::tui) fn new(
            system_events: UnboundedSender<SystemEvent>,
            interrupt: InterruptPolicy,
        ) -> io::Result<Self> {
            let (read, write) = UnixStream::pair()?;
            let signals = SignalDelivery::with_pipe(read, write, SignalOnly, SIGNALS)?;
            Ok(Self {
                signals,
                terminal: open_input_terminal()?,
                config_watcher: None,
                system_events,
                interrupt,
            })
        }

        /// Starts the thread that reports recorded and future signals as long as the process lives.
        /// The settings folder is watched too, if possible.
        pub(in crate::tui) fn start(mut self, settings: Option<PathBuf>) -> io::Result<()> {
            let watch = move || {
                self.config_watcher = settings.as_deref().and_then(ConfigWatcher::watch);
                self.run();
            };
            std::thread::Builder::new().name("watch".into()).spawn(watch).map(drop)
        }

        fn run(mut self) {
            loop {
                self.wait_for_event();
                for signal in self.signals.pending() {
                    self.handle_signal(signal);
                }
            }
        }

        /// Waits for a signal or the end of the terminal.
        ///
        /// A terminal that hung up, or cannot be watched on this system, would end every further
        /// wait at once and is no longer polled.
        fn wait_for_event(&mut self) {
            let mut waiting = vec![PollFd::new(self.signals.get_read(), PollFlags::IN)];
            waiting.extend(
                self.terminal.as_ref().map(|terminal| PollFd::new(terminal, PollFlags::empty())),
            );
            waiting.extend(
                self.config_watcher
                    .as_ref()
                    .map(|folder| PollFd::new(folder.handle(), PollFlags::IN)),
            );
            if poll(&mut waiting, None).is_err() {
                return;
            }
            let ended = waiting
                .get(1)
                .filter(|_| self.terminal.is_some())
                .map_or(PollFlags::empty(), PollFd::revents);
            drop(waiting);
            if self.config_watcher.as_ref().is_some_and(ConfigWatcher::has_changed) {
                let _ = self.system_events.send(SystemEvent::SettingsTouched);
            }
            if !ended.is_empty() {
                self.terminal = None;
            }
            if ended.intersects(PollFlags::HUP | PollFlags::ERR) {
                self.request_quit(HANGUP_EXIT_CODE);
            }
        }

        fn handle_signal(&self, signal: i32) {
            match signal {
                SIGTSTP => drop(self.system_events.send(SystemEvent::Suspend)),
                SIGINT if self.interrupt == InterruptPolicy::ForwardToApp => {
                    drop(self.system_events.send(SystemEvent::Interrupt));
                }
                SIGCONT => drop(self.system_events.send(SystemEvent::Resume)),
                SIGWINCH => drop(self.system_events.send(SystemEvent::Resized)),
                _ => self.request_quit(u8::try_from(128 + signal).unwrap_or(HANGUP_EXIT_CODE)),
            }
        }

        /// Requests the screen to exit. If it does not acknowledge in time, restores the terminal
        /// and ends the process.
        fn request_quit(&self, code: u8) {
            let (acknowledged, acknowledgment) = mpsc::channel();
            let told = self.system_events.send(SystemEvent::Quit { code, acknowledged });
            if told.is_err() || acknowledgment.recv_timeout(QUIT_TIMEOUT).is_err() {
                restore_terminal();
                signal_hook::low_level::exit(code.into());
            }
        }
    }
}
