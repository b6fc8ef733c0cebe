//! Panic handling: a panic of a background thread becomes an event; a panic of the screen first
//! restores the terminal.
//!
//! A panic message may contain anything, even a secret, so only its source location is passed on.

use std::io::Write;
use std::panic::PanicHookInfo;
use std::thread::{self, ThreadId};

use tokio::sync::mpsc::UnboundedSender;

use super::app::Message;
use super::channels::SystemEvent;
use super::terminal::restore_terminal;

type PanicHook = Box<dyn Fn(&PanicHookInfo<'_>) + Send + Sync>;

/// Guard that handles panics as long as it lives; then the previous hook is restored.
pub(super) struct PanicGuard {
    previous_hook: Option<PanicHook>,
}

impl PanicGuard {
    /// Installs the panic hook. The calling thread is treated as the screen's.
    pub(super) fn new(system_events: UnboundedSender<SystemEvent>) -> Self {
        let screen = thread::current().id();
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| handle_panic(panic, screen, &system_events)));
        Self { previous_hook: Some(before) }
    }
}

impl Drop for PanicGuard {
    /// While a panic of the screen unwinds, the hook must not be changed.
    fn drop(&mut self) {
        if let Some(before) = self.previous_hook.take().filter(|_| !thread::panicking()) {
            std::panic::set_hook(before);
        }
    }
}

fn handle_panic(
    panic: &PanicHookInfo<'_>,
    screen: ThreadId,
    system_events: &UnboundedSender<SystemEvent>,
) {
    let place =
        panic.location().map_or_else(|| "an unknown location".to_owned(), ToString::to_string);
    if thread::current().id() == screen {
        restore_terminal();
        let _ = writeln!(
            std::io::stderr(),
            "tokenring stopped because of an internal error at {place}. Please report this bug."
        );
    } else {
        tracing::error!(%place, "a background thread panicked");
        // If the screen has ended, there is no receiver.
        let _ = system_events.send(SystemEvent::Screen(Box::new(Message::ThreadPanicked(place))));
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Output};

    use tokio::sync::mpsc;

    use super::*;

    const PAYLOAD: &str = "a panic message may contain a secret";

    /// Runs one of these tests again in a separate process, because the hook belongs to the whole
    /// process.
    fn alone(test: &str) -> Output {
        let arguments = ["--exact", "--nocapture", test];
        Command::new(std::env::current_exe().unwrap())
            .args(arguments)
            .env("TOKENRING_ALONE", "1")
            .output()
            .unwrap()
    }

    fn is_alone() -> bool {
        std::env::var_os("TOKENRING_ALONE").is_some()
    }

    fn said(output: &Output) -> String {
        String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
    }

    #[test]
    fn a_panic_in_the_background_becomes_a_notice_that_repeats_nothing() {
        if !is_alone() {
            let output = alone(
                "tui::panics::tests::a_panic_in_the_background_becomes_a_notice_that_repeats_nothing",
            );
            assert!(
                output.status.success() && said(&output).contains("1 passed"),
                "{}",
                said(&output)
            );
            assert!(!said(&output).contains(PAYLOAD), "{}", said(&output));
            return;
        }
        let (system_events, mut events) = mpsc::unbounded_channel();
        let _guard = PanicGuard::new(system_events);
        assert!(thread::spawn(|| panic!("{PAYLOAD}")).join().is_err());
        let Ok(SystemEvent::Screen(message)) = events.try_recv() else {
            panic!("no event was sent")
        };
        let Message::ThreadPanicked(place) = *message else { panic!("another message was sent") };
        assert!(place.contains("panics.rs") && !place.contains(PAYLOAD));
    }

    #[test]
    fn a_panic_of_the_screen_says_where_and_not_what() {
        if is_alone() {
            let _guard = PanicGuard::new(mpsc::unbounded_channel().0);
            panic!("{PAYLOAD}");
        }
        let said =
            said(&alone("tui::panics::tests::a_panic_of_the_screen_says_where_and_not_what"));
        assert!(said.contains("internal error at src/tui/panics.rs"), "{said}");
        assert!(!said.contains(PAYLOAD), "{said}");
    }

    #[test]
    fn afterwards_the_previous_panic_hook_is_restored() {
        if !is_alone() {
            let output =
                alone("tui::panics::tests::afterwards_the_previous_panic_hook_is_restored");
            assert!(
                output.status.success() && said(&output).contains(PAYLOAD),
                "{}",
                said(&output)
            );
            return;
        }
        let (system_events, mut events) = mpsc::unbounded_channel();
        drop(PanicGuard::new(system_events));
        assert!(thread::spawn(|| panic!("{PAYLOAD}")).join().is_err());
        assert!(events.try_recv().is_err());
    }
}
