//! Everything that can reach the screen, each through a door of its own.

use std::sync::Arc;

use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

use super::app::json::FoldableDocument;
use super::app::parameter_memory::ExtractedParameters;
use super::app::{InputEvent, ThemePersistence};
use crate::config::SettingsReport;
use crate::domain::Problem;
use crate::engine::task_protocol::{HttpExchange, TaskId, TaskReport};

/// Where others leave their messages for the screen.
#[derive(Clone)]
pub struct EventSenders {
    /// What people do.
    pub inputs: UnboundedSender<InputEvent>,
    /// What tasks have to say.
    pub reports: UnboundedSender<TaskReport>,
    /// What befalls the process.
    pub system_events: UnboundedSender<SystemEvent>,
}

/// The messages that wait for the screen.
pub struct EventReceivers {
    pub(super) inputs: UnboundedReceiver<InputEvent>,
    pub(super) reports: UnboundedReceiver<TaskReport>,
    pub(super) system_events: UnboundedReceiver<SystemEvent>,
}

/// Something that befalls the process.
pub enum SystemEvent {
    /// It is to end with this exit code.
    Quit {
        /// The exit code.
        code: u8,
        /// Told when the screen has understood; whoever waits in vain ends the process without it.
        acknowledged: std::sync::mpsc::Sender<()>,
    },
    /// Somebody typed Ctrl-C where the terminal makes a signal of it.
    Interrupt,
    /// It is to be suspended.
    Suspend,
    /// It goes on after a suspension, announced or not.
    Resume,
    /// The terminal has another size, or had one meanwhile.
    Resized,
    /// The settings were changed, or may have been.
    SettingsTouched,
    /// The settings were read again.
    SettingsReloaded(Box<Result<SettingsReport, Problem>>),
    /// A background thread panicked, at the named place of the sources.
    ThreadPanicked(String),
    /// A text is laid out, or cannot be.
    LayoutReady(TaskId, Result<Box<FoldableDocument>, Problem>),
    /// An answer has been searched for values.
    ParametersExtracted(Arc<HttpExchange>, ExtractedParameters),
    /// The person's own editor is done.
    EditorClosed(Result<String, Problem>),
    /// A theme is kept, or is not.
    ThemeSaved(Result<ThemePersistence, Problem>),
}

/// The doors, and what comes through them.
pub fn event_channels() -> (EventSenders, EventReceivers) {
    let (inputs, from_inputs) = mpsc::unbounded_channel();
    let (reports, from_reports) = mpsc::unbounded_channel();
    let (notices, from_notices) = mpsc::unbounded_channel();
    (
        EventSenders { inputs, reports, system_events: notices },
        EventReceivers { inputs: from_inputs, reports: from_reports, system_events: from_notices },
    )
}
