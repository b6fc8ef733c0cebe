//! Rotation, creation and revocation of credentials: the driver of the state machine in
//! [`crate::domain::rotation`].
//!
//! `plan` computes what will happen, `driver` executes one step after the other, `reconcile` finds
//! out what became of a step without a response, `prompts` asks the user the machine's questions,
//! `sign_in` waits for the browser, `strategies` knows the providers' endpoints. Running, resuming
//! and rolling back are the same loop over the same journal; `start` only chooses where it begins,
//! and `ended` closes what was left open after its last entry.
//!
//! One process at a time drives a rotation. An operating-system lock identifies that process and
//! disappears with it. Where no such locks exist, a lease in the index protects the rotation,
//! because an entry is rejected once the lease is lost. A process that gets the lock may claim
//! the lease at once: the previous holder has exited.

mod administrator;
mod consistency;
mod create;
mod deliver;
mod driver;
mod ended;
mod metadata;
mod plan;
mod probe;
mod prompts;
mod reconcile;
mod review;
mod revocation;
mod sign_in;
mod slots;
mod start;
mod strategies;
mod undo_creation;

use super::prompt::UserPrompter;
use crate::domain::rotation::{ProgressLine, StepFailure};

pub use crate::database::RotationFilter;
pub use crate::domain::rotation::{
    RotationPhase, RotationPlan, RotationPurpose, RotationStatus, RotationStep, UserDecision,
    plan_lines,
};
pub use create::{CreateRequest, CreationPlan};
pub use review::RotationSummary;
pub use start::RotationDirection;

/// Result of one step.
type StepResult<T> = Result<T, StepFailure>;

/// Receiver of a rotation's questions and progress.
#[derive(Clone, Copy)]
pub struct RotationObserver<'a> {
    /// Answers the rotation's questions.
    pub prompter: &'a dyn UserPrompter,
    /// Called for every step as soon as its entry is durable.
    pub on_progress: &'a (dyn Fn(&ProgressLine) + Send + Sync),
}
