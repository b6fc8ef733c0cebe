//! Replacing, making and revoking a credential: the driver of the machine in [`crate::domain::rotation`].
//!
//! `plan` draws what will happen, `driver` carries out one step after the other, `reconcile` finds out what became
//! of a step that nobody answered, `human` puts the machine's questions to a person, `sign_in` waits for their browser,
//! `provider` knows the endpoints. Running, resuming and rolling back are the same loop over the same journal; `resume` only says where it begins.
//!
//! One process at a time drives a rotation. A lock of the operating system says who, and ends with the process; a lease
//! in the index makes sure of it where there are no such locks, because an entry is refused once the lease is lost.
//! Whoever has the lock may take the lease over at once: its holder is dead.

mod create;
mod deliver;
mod driver;
mod plan;
mod probe;
mod prompts;
mod reconcile;
mod review;
mod sign_in;
mod slots;
mod start;
mod strategies;

use super::prompt::UserPrompter;
use crate::domain::rotation::{ProgressLine, StepFailure};

pub use crate::domain::rotation::{
    RotationPhase, RotationPlan, RotationPurpose, RotationStatus, RotationStep, UserDecision,
    plan_lines,
};
pub use crate::index::RotationFilter;
pub use create::{CreateRequest, CreationPlan};
pub use review::RotationSummary;
pub use start::RotationDirection;

/// What comes of a step.
type StepResult<T> = Result<T, StepFailure>;

/// Who is asked and who is told while a rotation goes on.
#[derive(Clone, Copy)]
pub struct RotationObserver<'a> {
    /// Answers questions.
    pub prompter: &'a dyn UserPrompter,
    /// Hears of every step as soon as its entry is durable.
    pub on_progress: &'a (dyn Fn(&ProgressLine) + Send + Sync),
}
