//! Channels through which events reach the screen, one for each source.

use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

use super::app::{InputEvent, Message};
use crate::config::SettingsReport;
use crate::domain::Problem;
use crate::engine::background::protocol::TaskReport;

/// Senders of events to the screen.
#[derive(Clone)]
pub struct EventSenders {
    /// User input.
    pub inputs: UnboundedSender<InputEvent>,
    /// Reports of background tasks.
    pub reports: UnboundedSender<TaskReport>,
    /// Events of the process and its environment.
    pub system_events: UnboundedSender<SystemEvent>,
}

/// Receivers of the events, read by the event loop.
pub struct EventReceivers {
    pub(super) inputs: UnboundedReceiver<InputEvent>,
    pub(super) reports: UnboundedReceiver<TaskReport>,
    pub(super) system_events: UnboundedReceiver<SystemEvent>,
}

/// Event of the process or its environment.
pub enum SystemEvent {
    /// The process must exit with this exit code.
    Quit {
        /// The exit code.
        code: u8,
        /// Notified when the screen has received the event. A sender that waits in vain ends the
        /// process without the screen.
        acknowledged: std::sync::mpsc::Sender<()>,
    },
    /// The user pressed Ctrl-C where the terminal turns it into a signal.
    Interrupt,
    /// The process must be suspended.
    Suspend,
    /// The process continues after a suspension, announced or not.
    Resume,
    /// The size of the terminal has changed, or may have changed.
    Resized,
    /// The settings have changed, or may have changed.
    SettingsTouched,
    /// The settings were read again.
    SettingsReloaded(Box<Result<SettingsReport, Problem>>),
    /// The program that had the terminal has exited; the message has its result.
    TerminalReturned(Box<Message>),
    /// A background thread has something to tell the screen.
    Screen(Box<Message>),
}

/// Creates the channels to the screen.
pub fn event_channels() -> (EventSenders, EventReceivers) {
    let (inputs, from_inputs) = mpsc::unbounded_channel();
    let (reports, from_reports) = mpsc::unbounded_channel();
    let (system_events, from_system_events) = mpsc::unbounded_channel();
    (
        EventSenders { inputs, reports, system_events },
        EventReceivers {
            inputs: from_inputs,
            reports: from_reports,
            system_events: from_system_events,
        },
    )
}
