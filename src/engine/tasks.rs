//! Background tasks of the screen: started by id, cancelled by id, reporting through one channel.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;
use tokio_util::sync::CancellationToken;

use super::Engine;
use super::message::{Report, Task, TaskId};

/// The running tasks.
pub struct Tasks {
    engine: Arc<Engine>,
    reports: UnboundedSender<Report>,
    running: HashMap<TaskId, CancellationToken>,
}

impl Tasks {
    /// No tasks yet; reports will go to `reports`.
    pub fn new(engine: Arc<Engine>, reports: UnboundedSender<Report>) -> Self {
        Self { engine, reports, running: HashMap::new() }
    }

    /// Starts a task in the background. Its last report is `Done`, `Failed` or `Cancelled`.
    pub fn start(&mut self, _id: TaskId, _task: Task) {
        let _ = (&self.engine, &self.reports);
        unimplemented!("spine")
    }

    /// Asks a task to stop; it reports `Cancelled` when it has.
    pub fn cancel(&mut self, id: TaskId) {
        if let Some(token) = self.running.get(&id) {
            token.cancel();
        }
    }

    /// Cancels everything, clears the clipboard if it is still ours, and waits for at most `deadline`.
    pub async fn finish(self, _deadline: Duration) {
        unimplemented!("spine")
    }
}
