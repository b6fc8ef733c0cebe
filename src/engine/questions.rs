//! Questions to the person at the screen, between the asking and the answer.
//!
//! The screen knows a question by its number only; who waits for the answer is known here. So messages stay plain data,
//! and an answer that comes too late meets nobody.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::ask::Reply;
use super::message::QuestionId;

/// The questions of this run. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Questions(Arc<Mutex<Waiting>>);

#[derive(Default)]
struct Waiting {
    last: u64,
    open: HashMap<QuestionId, oneshot::Sender<Reply>>,
}

/// A question that waits. Whoever drops it does not wait any longer.
pub(super) struct Pending {
    id: QuestionId,
    answer: oneshot::Receiver<Reply>,
    questions: Questions,
}

impl Questions {
    /// A new question.
    pub(super) fn open(&self) -> Pending {
        let (sender, answer) = oneshot::channel();
        let mut waiting = self.waiting();
        waiting.last += 1;
        let id = QuestionId(waiting.last);
        waiting.open.insert(id, sender);
        Pending { id, answer, questions: self.clone() }
    }

    /// Answers a question, if anybody still waits for it.
    pub(super) fn answer(&self, id: QuestionId, reply: Reply) {
        if let Some(sender) = self.waiting().open.remove(&id) {
            // Who went away meanwhile takes no answer; a secret in it is wiped here.
            drop(sender.send(reply));
        }
    }

    /// Leaves a question without an answer.
    pub(super) fn leave(&self, id: QuestionId) {
        self.waiting().open.remove(&id);
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pending {
    /// By which it is answered.
    pub(super) fn id(&self) -> QuestionId {
        self.id
    }

    /// The answer; `None` if nobody gives one.
    pub(super) async fn answer(mut self) -> Option<Reply> {
        (&mut self.answer).await.ok()
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.questions.leave(self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::rotation::UserDecision;

    #[tokio::test]
    async fn an_answer_reaches_its_question_and_no_other() {
        let questions = Questions::default();
        let (first, second) = (questions.open(), questions.open());
        questions.answer(second.id(), Reply::Said(UserDecision::Retry));
        questions.leave(first.id());
        assert!(matches!(second.answer().await, Some(Reply::Said(UserDecision::Retry))));
        assert!(first.answer().await.is_none());
    }

    #[tokio::test]
    async fn a_question_that_nobody_waits_for_is_forgotten() {
        let questions = Questions::default();
        let id = questions.open().id();
        assert!(questions.waiting().open.is_empty());
        questions.answer(id, Reply::Said(UserDecision::Retry));
    }
}
