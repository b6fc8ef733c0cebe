//! Prompt port: how a running task asks the user. The engine states *what* it needs to know; each
//! front end decides *how* to ask.
//!
//! Start with [`UserPrompter`].
//!
//! Pending prompts: questions of a running task to the user at the screen that have no reply yet.
//!
//! The screen knows a prompt only by its id; this table knows the task that waits for the reply. So
//! messages stay plain data, and a late reply is dropped. Start with `PendingPrompts::open`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::oneshot;
use url::Url;

use crate::domain::rotation::UserDecision;
use crate::domain::{CredentialId, CredentialName, Secret, Timestamp};

/// Front end that can ask the user: a dialog of the screen, a prompt of the command line, or a
/// test.
#[async_trait]
pub trait UserPrompter: Send + Sync {
    /// Asks whether to continue with what is described. Returns `false` if no user can reply.
    async fn confirm(&self, question: &PromptMessage) -> bool;

    /// Reads a secret without showing it; `None` if the user gives none.
    async fn read_secret(&self, question: &PromptMessage) -> Option<Secret>;

    /// Asks how to continue. With `None`, the task pauses where it is and can be resumed. If the
    /// task waits for a browser ([`RotationPrompt::awaited_callback`]), this future is dropped as
    /// soon as the browser returns.
    async fn decide(&self, _dilemma: &RotationPrompt) -> Option<PromptReply> {
        None
    }

    /// Completes when the user wants to pause before the next step; a step that has begun is still
    /// finished.
    async fn wait_for_pause(&self) {
        std::future::pending::<()>().await;
    }
}

/// Question to the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptMessage {
    /// The question, in one sentence.
    pub title: String,
    /// What it means and what cannot be undone.
    pub detail: String,
    /// Word that the user must type to agree, if agreeing is dangerous.
    pub required_word: Option<String>,
}

/// Point of a rotation at which the user decides how to continue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RotationPrompt {
    /// The rotation that asks.
    pub rotation: String,
    /// Id of the step that waits.
    pub step: String,
    /// What is needed. Its required word is the word for the choice [`UserDecision::Override`].
    pub message: PromptMessage,
    /// The web page on which the user acts, if there is one.
    pub page: Option<String>,
    /// Whether a secret can be pasted or, while a browser is awaited, the callback URL.
    pub accepts_paste: bool,
    /// The callback that is awaited while the user approves on `page`.
    pub awaited_callback: Option<AwaitedCallback>,
    /// The other possible decisions.
    pub choices: Vec<PromptChoice>,
    /// What is known about the revocation, if the prompt is about one that failed.
    pub failed_revocation: Option<FailedRevocation>,
}

/// Revocation that failed, as the user needs to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedRevocation {
    /// Title of the provider.
    pub provider: String,
    /// The provider's refusal, or why there was no response.
    pub why: String,
    /// Whether the provider refused the revocation.
    pub is_refusal: bool,
    /// What it means as long as the secret is not revoked.
    pub consequence: String,
    /// How the user revokes the secret on the provider's page; may be empty.
    pub instructions: String,
    /// Other stored credentials that may be allowed to revoke it.
    pub administrators: Vec<AlternativeAdministrator>,
}

impl FailedRevocation {
    /// Returns what the provider said, or why it said nothing.
    pub fn describe_reason(&self) -> String {
        if self.is_refusal {
            format!("{} said: {}", self.provider, self.why)
        } else {
            format!("Reason: {}", self.why)
        }
    }
}

/// Stored credential that can authorize the calls of a rotation in place of another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlternativeAdministrator {
    /// ID of the credential.
    pub id: CredentialId,
    /// Name of the credential.
    pub name: CredentialName,
}

/// Browser callback that a task waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwaitedCallback {
    /// The callback URL.
    pub callback: Url,
    /// How long the callback is awaited.
    pub timeout: Duration,
    /// When the wait ends.
    pub until: Timestamp,
}

/// Decision that the user can choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptChoice {
    /// Label of the choice.
    pub title: String,
    /// The decision.
    pub decision: UserDecision,
}

/// Reply of the user to a [`RotationPrompt`].
pub enum PromptReply {
    /// A pasted secret.
    Pasted(Secret),
    /// One of the choices.
    Decided(UserDecision),
    /// Try again, authorized by this credential, one of [`FailedRevocation::administrators`].
    AuthorizedBy(CredentialId),
}

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
