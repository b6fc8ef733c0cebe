//! Revoke and replace, as a machine that cannot lose a secret.

mod backoff;
mod journal;
mod machine;
mod plan;
mod reach;
mod remote;
mod status;
mod step;
mod strategy;
#[cfg(test)]
mod tests;

pub use backoff::Schedule;
pub use journal::{
    Entry, Failure, FailureKind, Fate, Finding, Fingerprint, Journal, JournalError, Minted, OldReach, Outcome, Saying, Snapshot,
    Trail,
};
pub use machine::{Action, Change, Ending, HumanNeed, Look, MayDiscard, MayRevoke, Need, Next, Target, may_roll_back, next};
pub use plan::{Order, Plan, PlannedStep};
pub use reach::{Identity, Reach, Sameness, compare};
pub use remote::{REMOTE_NAME_LIMIT, Remote, RotationId, attempt_of, remote_name};
pub use status::{Line, LineState, State, Status, entry_line, plan_lines, status, waiting_line};
pub use step::Step;
pub use strategy::{By, Handle, Overlap, Trace, Ways};
