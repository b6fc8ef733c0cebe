//! The port through which a running task asks the human. The engine says *what* it needs to know; each front door
//! says *how* it asks.

use std::time::Duration;

use async_trait::async_trait;
use url::Url;

use crate::domain::rotation::UserDecision;
use crate::domain::{Secret, Timestamp};

/// Somebody who can answer questions: a dialog of the screen, a prompt of the command line, a test.
#[async_trait]
pub trait UserPrompter: Send + Sync {
    /// Whether to go on with what is described. Where nobody can answer, the answer is no.
    async fn confirm(&self, question: &PromptMessage) -> bool;

    /// A secret, read without being shown; `None` if nobody gives one.
    async fn read_secret(&self, question: &PromptMessage) -> Option<Secret>;

    /// How to go on; `None` if nobody says so, and then what asked stops where it is and can be taken up again. Where a
    /// browser is waited for ([`RotationPrompt::awaited_callback`]), this is dropped as soon as it is back.
    async fn decide(&self, _dilemma: &RotationPrompt) -> Option<PromptReply> {
        None
    }

    /// Ends once the human wants it to stop before the next step; what was begun is still brought to its end.
    async fn wait_for_pause(&self) {
        std::future::pending::<()>().await;
    }
}

/// A question to the human.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptMessage {
    /// What is asked, in one sentence.
    pub title: String,
    /// What it means, what cannot be undone.
    pub detail: String,
    /// A word that must be typed to say yes, where a yes is dangerous.
    pub required_word: Option<String>,
}

/// A point at which a person says how to go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RotationPrompt {
    /// Which rotation asks.
    pub rotation: String,
    /// The step that waits, by its id.
    pub step: String,
    /// What is needed. `typed` is the word that the choice [`UserDecision::Override`] takes.
    pub message: PromptMessage,
    /// The page on which a person does it, if there is one.
    pub page: Option<String>,
    /// Whether a secret can be pasted; where a browser is waited for, the address at which it ended.
    pub accepts_paste: bool,
    /// What is waited for where a person agrees on `page`.
    pub awaited_callback: Option<AwaitedCallback>,
    /// What else can be said.
    pub choices: Vec<PromptChoice>,
}

/// A browser that is to come back from a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwaitedCallback {
    /// Where it comes back to.
    pub callback: Url,
    /// How long it is waited for.
    pub timeout: Duration,
    /// When that is over.
    pub until: Timestamp,
}

/// One way to go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptChoice {
    /// In words.
    pub title: String,
    /// What it says.
    pub decision: UserDecision,
}

/// How a person answers a [`RotationPrompt`].
pub enum PromptReply {
    /// With a secret.
    Pasted(Secret),
    /// With one of the choices.
    Decided(UserDecision),
}
