//! Tasks of the store: state, unlock and lock. Each reports the state of the store.

use std::sync::Arc;

use crate::domain::{Problem, Secret};
use crate::engine::background::protocol::TaskEvent;
use crate::engine::background::runner::TaskContext;
use crate::engine::{Engine, UNLOCK_TIMEOUT};
use crate::store::UnlockMethod;

/// Reports whether the store can be used.
pub(in crate::engine) async fn report_status(
    engine: &Engine,
    context: &TaskContext,
) -> Result<(), Problem> {
    context.send_event(TaskEvent::Store(engine.store.state().await));
    Ok(())
}

/// Unlocks the store, by its own prompt or with this passphrase.
pub(in crate::engine) async fn unlock(
    engine: &Engine,
    passphrase: Option<Arc<Secret>>,
    context: &TaskContext,
) -> Result<(), Problem> {
    let method = passphrase.as_deref().map_or(UnlockMethod::SystemPrompt, UnlockMethod::Passphrase);
    engine.store.unlock(method, UNLOCK_TIMEOUT).await?;
    report_status(engine, context).await
}

/// Locks the store, and clears what this process still has of its secrets.
pub(in crate::engine) async fn lock(engine: &Engine, context: &TaskContext) -> Result<(), Problem> {
    engine.store.lock().await?;
    report_status(engine, context).await
}
