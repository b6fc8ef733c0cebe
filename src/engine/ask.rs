//! The port through which a running task asks the human. The engine says *what* it needs to know; each front door
//! says *how* it asks.

use async_trait::async_trait;

use crate::domain::Secret;

/// Somebody who can answer questions: a dialog of the screen, a prompt of the command line, a test.
#[async_trait]
pub trait Ask: Send + Sync {
    /// Whether to go on with what is described. Where nobody can answer, the answer is no.
    async fn confirm(&self, question: &Question) -> bool;

    /// A secret, read without being shown; `None` if nobody gives one.
    async fn secret(&self, question: &Question) -> Option<Secret>;
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
