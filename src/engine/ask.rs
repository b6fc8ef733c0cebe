//! The port through which a running task asks the human. The engine says *what* it needs to know; each front door
//! says *how* it asks.

use std::time::Duration;

use async_trait::async_trait;
use url::Url;

use crate::domain::rotation::UserDecision;
use crate::domain::{Secret, Timestamp};

/// Somebody who can answer questions: a dialog of the screen, a prompt of the command line, a test.
#[async_trait]
pub trait Ask: Send + Sync {
    /// Whether to go on with what is described. Where nobody can answer, the answer is no.
    async fn confirm(&self, question: &Question) -> bool;

    /// A secret, read without being shown; `None` if nobody gives one.
    async fn secret(&self, question: &Question) -> Option<Secret>;

    /// How to go on; `None` if nobody says so, and then what asked stops where it is and can be taken up again. Where a
    /// browser is waited for ([`Dilemma::awaited`]), this is dropped as soon as it is back.
    async fn decide(&self, _dilemma: &Dilemma) -> Option<Reply> {
        None
    }

    /// Ends once the human wants it to stop before the next step; what was begun is still brought to its end.
    async fn paused(&self) {
        std::future::pending::<()>().await;
    }
}

/// A question to the human.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// What is asked, in one sentence.
    pub title: String,
    /// What it means, what cannot be undone.
    pub detail: String,
    /// A word that must be typed to say yes, where a yes is dangerous.
    pub typed: Option<String>,
}

/// A point at which a person says how to go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dilemma {
    /// Which rotation asks.
    pub rotation: String,
    /// The step that waits, by its id.
    pub step: String,
    /// What is needed. `typed` is the word that the choice [`Saying::Override`] takes.
    pub question: Question,
    /// The page on which a person does it, if there is one.
    pub page: Option<String>,
    /// Whether a secret can be pasted; where a browser is waited for, the address at which it ended.
    pub paste: bool,
    /// What is waited for where a person agrees on `page`.
    pub awaited: Option<Awaited>,
    /// What else can be said.
    pub choices: Vec<Choice>,
}

/// A browser that is to come back from a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Awaited {
    /// Where it comes back to.
    pub callback: Url,
    /// How long it is waited for.
    pub wait: Duration,
    /// When that is over.
    pub until: Timestamp,
}

/// One way to go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// In words.
    pub title: String,
    /// What it says.
    pub saying: UserDecision,
}

/// How a person answers a [`Dilemma`].
pub enum Reply {
    /// With a secret.
    Pasted(Secret),
    /// With one of the choices.
    Said(UserDecision),
}
