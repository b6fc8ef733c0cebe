//! Tasks of the store: state, unlock and lock.
//!
//! Start with `run_task`.

use std::sync::Arc;

use crate::domain::{Problem, Secret};
use crate::engine::background::protocol::TaskEvent;
use crate::engine::background::runner::TaskContext;
use crate::engine::{Engine, UNLOCK_TIMEOUT};
use crate::store::UnlockMethod;

/// Task on the store.
pub enum StoreTask {
    /// Report whether the store can be used.
    Status,
    /// Unlock the store, by its own prompt or with this passphrase.
    Unlock(Option<Arc<Secret>>),
    /// Lock the store, and clear what this process still has of its secrets.
    Lock,
}

/// Runs a task of this area.
pub(in crate::engine) async fn run_task(
    engine: &Engine,
    task: StoreTask,
    context: &TaskContext,
) -> Result<(), Problem> {
    match task {
        StoreTask::Status => {}
        StoreTask::Lock => engine.store.lock().await?,
        StoreTask::Unlock(None) => {
            engine.store.unlock(UnlockMethod::SystemPrompt, UNLOCK_TIMEOUT).await?;
        }
        StoreTask::Unlock(Some(passphrase)) => {
            engine.store.unlock(UnlockMethod::Passphrase(&passphrase), UNLOCK_TIMEOUT).await?;
        }
    }
    context.send_event(TaskEvent::Store(engine.store.state().await));
    Ok(())
}
