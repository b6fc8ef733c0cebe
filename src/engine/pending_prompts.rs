//! Pending prompts: questions of a running task to the user at the screen that have no reply yet.
//!
//! The screen knows a prompt only by its id; this table knows the task that waits for the reply. So
//! messages stay plain data, and a late reply is dropped. Start with `PendingPrompts::open`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::prompt::PromptReply;

/// Identifies a prompt of a running task; ids are never reused in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PromptId(pub u64);

/// Pending prompts of this run. Clones share them.
#[derive(Clone, Default)]
pub(super) struct PendingPrompts(Arc<Mutex<PromptTable>>);

#[derive(Default)]
struct PromptTable {
    last_id: u64,
    open: HashMap<PromptId, oneshot::Sender<PromptReply>>,
}

/// Prompt that waits for a reply. Dropping it abandons the prompt.
pub(super) struct PendingPrompt {
    id: PromptId,
    reply: oneshot::Receiver<PromptReply>,
    prompts: PendingPrompts,
}

impl PendingPrompts {
    /// Opens a new prompt.
    pub(super) fn open(&self) -> PendingPrompt {
        let (sender, receiver) = oneshot::channel();
        let mut table = self.table();
        table.last_id += 1;
        let id = PromptId(table.last_id);
        table.open.insert(id, sender);
        PendingPrompt { id, reply: receiver, prompts: self.clone() }
    }

    /// Delivers the reply to a prompt, if its task still waits.
    pub(super) fn reply(&self, id: PromptId, reply: PromptReply) {
        if let Some(sender) = self.table().open.remove(&id) {
            // The task may have gone meanwhile; a secret in the reply is wiped here.
            drop(sender.send(reply));
        }
    }

    /// Closes a prompt without a reply.
    pub(super) fn abandon(&self, id: PromptId) {
        self.table().open.remove(&id);
    }

    fn table(&self) -> MutexGuard<'_, PromptTable> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PendingPrompt {
    /// Returns the id that a reply must name.
    pub(super) fn id(&self) -> PromptId {
        self.id
    }

    /// Waits for the reply; `None` if the prompt is abandoned.
    pub(super) async fn await_reply(mut self) -> Option<PromptReply> {
        (&mut self.reply).await.ok()
    }
}

impl Drop for PendingPrompt {
    fn drop(&mut self) {
        self.prompts.abandon(self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::rotation::UserDecision;

    #[tokio::test]
    async fn an_answer_reaches_its_question_and_no_other() {
        let prompts = PendingPrompts::default();
        let (first, second) = (prompts.open(), prompts.open());
        prompts.reply(second.id(), PromptReply::Decided(UserDecision::Retry));
        prompts.abandon(first.id());
        assert!(matches!(
            second.await_reply().await,
            Some(PromptReply::Decided(UserDecision::Retry))
        ));
        assert!(first.await_reply().await.is_none());
    }

    #[tokio::test]
    async fn a_question_without_a_waiting_task_is_dropped() {
        let prompts = PendingPrompts::default();
        let id = prompts.open().id();
        assert!(prompts.table().open.is_empty());
        prompts.reply(id, PromptReply::Decided(UserDecision::Retry));
    }
}
