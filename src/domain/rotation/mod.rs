//! Revoke and replace, as a machine that cannot lose a secret.
//!
//! [`next_step`] looks at the [`RotationJournal`] and at nothing else, so running a rotation and resuming it after a crash are the
//! same code. Whoever drives it does, over and over:
//!
//! | [`NextStep`] | the driver |
//! |---|---|
//! | `Act` | writes `Intent(step)`, waits until it is durable, acts, writes `Done(outcome)` or `Failed(step, failure)` |
//! | `Reconcile` | looks, writes `Reconciled(finding)`; where the look itself fails, `Failed(step, Unanswered)`. No intent |
//! | `Ask` | asks, writes `HumanSaid(…)`. For a paste: `Intent(AwaitPaste)` before asking, `Done(Pasted)` after stashing; for a sign-in: `Intent(AwaitSignIn)` before the page is shown, `Done(SignedIn)` once the browser is back |
//! | `Wait` | lets the time pass, then does what is inside |
//! | `Finished` | closes the rotation and lets go of the credential |
//!
//! An entry that cannot be made durable stops the driver. Nothing happens that was not announced, with one exception: a
//! secret that has just been made goes into the slot `pending` before anything else, even before the journal hears of
//! it, because a provider shows it once. The machine finds it there after a crash.
//!
//! # What each action owes
//!
//! | [`StepAction`] | to be done | outcome |
//! |---|---|---|
//! | `ProveStore` | put, get and delete an item as large as the old secret; nothing is minted before the store has shown that it keeps things | `StoreProven` |
//! | `OldSecretSnapshot` | read `current`, use it; a 401 is no failure but `OldAccess::Unknown` | `Seen` |
//! | `Create` | mint under the given name; put into `pending` at once and keep it in hand; a store that fails here is tried again by `Stash`. 403 is `Refused`, a limit is `Full`, no answer is `Unanswered`. Where a person has signed in for it: what they brought is used, once; a process that does not have it answers `Lost` | `Created` |
//! | `Stash` | put what is in hand (if it has this fingerprint) into `pending`, read back; neither there nor in hand is `Lost` | `Stashed`, of what was read |
//! | `Verify` | read `pending`, use what was read, without using up a single-use secret; a 401 is `NotYet` | `Verified`, of what was read |
//! | `Promote` | read `current` once. If it has the new fingerprint already, only the index is left to do. If it has the old one (where there is none: nothing): what was read to `previous`, then `pending` to `current`, read back, then the index. If it has neither: `Refused`, untouched | `Promoted`, of what was read |
//! | `Deliver` | hand over what is in `current` and verify; must bear repetition | `Delivered` |
//! | `Revoke` | revoke exactly [`RevocationPermit::target`]; "there is no such thing" is success, 403 is `Refused`, no answer is `Unanswered` | `Revoked` |
//! | `ProveDead` | use the old secret from `previous`; that it still works is `NotYet` | `ProvenDead` |
//! | `Forget` | empty `pending` and `previous` | `Forgotten` |
//! | `Discard` | remove exactly [`DeletionPermit::target`]; "there is no such thing" is success, an empty slot is `Lost` | `Discarded` |
//! | `Sweep` | list what [`parse_attempt`] recognises as this rotation's | `Swept` |
//! | `ProveOld` | use the secret of this fingerprint from `current` or `previous`; a 401 is `NotYet` | `OldProven` |
//! | `Restore` | if `current` has the old fingerprint already, only the index is left to do. If it has the new one: `previous` to `current` (where there was no old one: nothing), read back, then the index | `Restored` |
//! | `Redeliver` | as `Deliver` | `Redelivered` |
//!
//! A credential is made, and one is revoked, by the same machine: see [`RotationPurpose`]. Then there is no old secret, or no new
//! one, and the steps about it are not planned.
//!
//! Calls are made as the plan's administrator, else as whatever is in `current` at that moment.
//!
//! A [`ReconcileQuery`] first reads the slot `pending`: a secret in it whose fingerprint is not stale is `Held`, as what the
//! provider lists under the creation's name and under no other. Then, for a creation with a name, the provider's list:
//! the name is there (`Stray`) or not (`Nothing`). Without a name it is `Unclear`. For a revocation: `Gone` or
//! `StillThere`.
//!
//! What is `Held` without a doubt goes on. Where an earlier attempt was given up and its secret was never seen, or where
//! the provider lists nothing under the name, nobody knows to which attempt the secret belongs: it may be dead by now. It
//! is stale from then on, and the look is taken once more without it.

mod access_scope;
mod backoff;
mod journal;
mod machine;
mod plan;
mod purpose;
mod remote_credential;
mod status;
mod step;
mod strategy_traits;
#[cfg(test)]
mod tests;

pub use access_scope::{AccessScope, PrincipalPolicy, ScopeComparison, compare_scopes};
pub use backoff::BackoffPolicy;
pub use journal::{
    CreatedSecret, CreationStatus, JournalEntry, OldAccess, OldSecretSnapshot, PreviousMetadata,
    ReconciliationResult, RevocationStatus, RotationJournal, RotationJournalError,
    SecretFingerprint, StepFailure, StepFailureKind, StepOutcome, UserDecision,
};
pub use machine::{
    DeletionPermit, NextStep, PromptKind, ReconcileQuery, RevocationPermit, RevocationTarget,
    RotationResult, SlotSwap, StepAction, UserPrompt, check_rollback_allowed,
    is_created_by_rotation, next_step,
};
pub use plan::{PlanRequest, PlannedRotationStep, RotationPlan};
pub use purpose::RotationPurpose;
pub use remote_credential::{
    MAX_REMOTE_NAME_CHARS, RemoteCredential, RotationId, format_remote_name, parse_attempt,
};
pub use status::{
    ProgressLine, RotationPhase, RotationStatus, StepStatus, entry_line, plan_lines,
    rotation_status, waiting_line,
};
pub use step::RotationStep;
pub use strategy_traits::{
    CreationTraceability, RevocationKey, SecretOverlap, StepActor, StrategyTraits,
};
