//! Journaled rotation, creation and revocation of a credential, decided by a pure state machine.
//!
//! [`next_step`] decides from the [`RotationJournal`] alone what happens next, so running a
//! rotation and resuming it after a crash are the same code. This module holds the journal, the
//! plan, the machine and the texts that describe them. It has no I/O, no clock and no knowledge of
//! HTTP: the driver that executes the steps is `engine::rotation`. Start with [`next_step`] and
//! [`NextStep`], then read [`StepAction`] and `machine::state`, which folds the journal into the
//! current state.
//!
//! # What the driver does with each next step
//!
//! | [`NextStep`] | the driver |
//! |---|---|
//! | [`Execute`](NextStep::Execute) | before a step that takes away a sign-in, writes [`AccessTokenOutlives`](JournalEntry::AccessTokenOutlives); writes [`Intent(step)`](JournalEntry::Intent), waits until the entry is durable, acts, writes [`Done(outcome)`](JournalEntry::Done) or [`Failed(step, failure)`](JournalEntry::Failed) |
//! | [`Reconcile`](NextStep::Reconcile) | queries the store and the provider, writes [`Reconciled(result)`](JournalEntry::Reconciled); if the query itself fails, `Failed(step, OutcomeUnknown)`. Writes no intent |
//! | [`AskUser`](NextStep::AskUser) | asks the user, writes [`UserDecision(decision)`](JournalEntry::UserDecision). For a paste: `Intent(AwaitPaste)` before asking, `Done(Pasted)` after staging. For a sign-in: `Intent(AwaitSignIn)` before the page opens, `Done(SignedIn)` when the browser returns |
//! | [`Wait`](NextStep::Wait) | waits for the delay, then handles the step inside |
//! | [`Finished`](NextStep::Finished) | closes the rotation and releases the lock on the credential |
//!
//! The driver stops when an entry cannot be made durable. Every action is announced in the journal
//! before it happens, with one exception: a secret that was just created is written to the slot
//! `pending` first, even before the journal records it, because a provider shows a secret only
//! once. After a crash the machine finds it in that slot.
//!
//! # What each action requires
//!
//! Each [`StepAction`] with the work that the driver owes and the [`StepOutcome`] that it records.
//! A failure is recorded with its [`StepFailureKind`].
//!
//! - [`VerifyStore`](StepAction::VerifyStore): write, read and delete an item as large as the old
//!   secret. Nothing is created before this test has passed. Outcome:
//!   [`StoreVerified`](StepOutcome::StoreVerified).
//! - [`Snapshot`](StepAction::Snapshot): read `current` and use it. A 401 is not a failure but
//!   [`OldAccess::Unknown`]. Outcome: [`SnapshotTaken`](StepOutcome::SnapshotTaken).
//! - [`Create`](StepAction::Create): create a secret under the given name, write it to `pending`
//!   immediately and keep it in memory. If the store fails here, `Stage` tries again. A 403 is
//!   [`Refused`](StepFailureKind::Refused), a limit is
//!   [`QuotaExceeded`](StepFailureKind::QuotaExceeded), a missing response is
//!   [`OutcomeUnknown`](StepFailureKind::OutcomeUnknown). A strategy with a sign-in uses the
//!   authorization code of that sign-in, once; a process that does not hold the code reports
//!   [`SecretLost`](StepFailureKind::SecretLost). Outcome: [`Created`](StepOutcome::Created).
//! - [`Stage`](StepAction::Stage): write the secret in memory, if it has this fingerprint, to
//!   `pending` and read it back. A secret that is neither in memory nor in the slot is
//!   [`SecretLost`](StepFailureKind::SecretLost). Outcome: [`Staged`](StepOutcome::Staged) with the
//!   fingerprint that was read back.
//! - [`Verify`](StepAction::Verify): read `pending` and use that value, without consuming a
//!   single-use secret. A 401 is [`Retryable`](StepFailureKind::Retryable). Outcome:
//!   [`Verified`](StepOutcome::Verified) with the fingerprint that was read.
//! - [`Promote`](StepAction::Promote): read `current` once. If it has the new fingerprint already,
//!   only the index is updated. If it has the old fingerprint (for a creation: if it is empty),
//!   copy the value that was read to `previous`, copy `pending` to `current`, read it back, update
//!   the index. If it has neither fingerprint, fail with [`Refused`](StepFailureKind::Refused) and
//!   change nothing. Outcome: [`Promoted`](StepOutcome::Promoted) with the fingerprint that was
//!   read back.
//! - [`Deliver`](StepAction::Deliver): deliver the secret in `current` to the consumer and verify
//!   the delivery. Must tolerate repetition. Outcome: [`Delivered`](StepOutcome::Delivered).
//! - [`Revoke`](StepAction::Revoke): revoke exactly [`RevocationPermit::target`]. "Not found" is
//!   success if the secret is then rejected, and else [`Retryable`](StepFailureKind::Retryable). A
//!   refusal that the provider explains is [`Refused`](StepFailureKind::Refused); a missing response
//!   and any other one is [`OutcomeUnknown`](StepFailureKind::OutcomeUnknown). Outcome:
//!   [`Revoked`](StepOutcome::Revoked).
//! - [`VerifyRevoked`](StepAction::VerifyRevoked): use the old secret from `previous` (for a
//!   revocation: from `current`). If it still works, the step is
//!   [`Retryable`](StepFailureKind::Retryable). A refresh token is used at the token endpoint, and
//!   only `invalid_grant` rejects it; a successor that it still yields is revoked. Outcome:
//!   [`OldSecretRejected`](StepOutcome::OldSecretRejected).
//! - [`ClearSlots`](StepAction::ClearSlots): empty `pending` and `previous`. Outcome:
//!   [`SlotsCleared`](StepOutcome::SlotsCleared).
//! - [`DeleteOrphan`](StepAction::DeleteOrphan): delete exactly [`DeletionPermit::target`]. "Not
//!   found" is success, an empty slot is [`SecretLost`](StepFailureKind::SecretLost). Outcome:
//!   [`OrphanDeleted`](StepOutcome::OrphanDeleted).
//! - [`FindOrphans`](StepAction::FindOrphans): list the credentials that [`parse_attempt`]
//!   recognizes as created by this rotation. Outcome:
//!   [`OrphansListed`](StepOutcome::OrphansListed).
//! - [`VerifyOld`](StepAction::VerifyOld): use the secret with this fingerprint from `current` or
//!   `previous`. A 401 is [`Retryable`](StepFailureKind::Retryable). Outcome:
//!   [`OldSecretVerified`](StepOutcome::OldSecretVerified).
//! - [`RestoreOld`](StepAction::RestoreOld): if `current` has the old fingerprint already, only the
//!   index is updated. If it has the new fingerprint, copy `previous` to `current` (for a creation:
//!   empty `current`), read it back, update the index. Outcome:
//!   [`OldSecretRestored`](StepOutcome::OldSecretRestored).
//! - [`RestoreConsumer`](StepAction::RestoreConsumer): same work as `Deliver`. Outcome:
//!   [`ConsumerRestored`](StepOutcome::ConsumerRestored).
//!
//! The same machine creates and revokes credentials, see [`RotationPurpose`]. A creation has no old
//! secret and a revocation has no new one, so the steps about the missing secret are not planned.
//!
//! API calls are authorized with the administrator credential, or else with the secret that is in
//! `current` at that moment. The plan names the administrator; a later
//! [`AdministratorChanged`](JournalEntry::AdministratorChanged) replaces it, for example when the
//! first one was deleted, and counts as a retry of what was refused before.
//!
//! # Which credential a secret belongs to
//!
//! A call that revokes or deletes names only what the stored secret itself names, as the
//! [`IdentitySource`] of the strategy says, or what the user chose and confirmed by typing its name.
//! A list or a field of the credential only suggests candidates. A pasted secret of a credential
//! that existed before the rotation differs from the one that the rotation replaces, and a secret
//! that names nothing cannot be compared: the user is asked. Before a rotation is resumed, the
//! driver compares the slots with the journal, and stops if they hold a secret that the journal does
//! not know.
//!
//! # How an unknown outcome is reconciled
//!
//! A step that cannot be repeated safely ([`RotationStep::is_repeatable`]) and whose outcome is
//! unknown is never repeated blindly; a [`ReconcileQuery`] finds out what happened. A refused
//! revocation is looked up too, and so is a refused creation where the provider lists by name: a
//! refusal does not prove that nothing happened.
//!
//! - [`Creation`](ReconcileQuery::Creation) and [`Paste`](ReconcileQuery::Paste) first read the
//!   slot `pending`. A secret there whose fingerprint is not stale is
//!   [`InPendingSlot`](CreationStatus::InPendingSlot), together with the credential that the
//!   provider lists under the name of this attempt, and under no other name.
//! - A creation with a name then checks the provider's list: the name is listed
//!   ([`Orphaned`](CreationStatus::Orphaned)) or not ([`NotCreated`](CreationStatus::NotCreated)).
//!   A creation without a name is [`CreationStatus::Unknown`].
//! - [`Revocation`](ReconcileQuery::Revocation) is [`RevocationStatus::Revoked`] or
//!   [`RevocationStatus::StillActive`].
//!
//! A secret `InPendingSlot` whose attempt is certain becomes the new secret. The attempt is
//! uncertain when an earlier attempt was given up without its secret ever being seen, or when the
//! provider lists nothing under the name: the secret may belong to a deleted credential. The
//! machine then treats its fingerprint as stale and issues the query again without it.

mod access_scope;
mod backoff;
mod journal;
mod machine;
mod plan;
mod purpose;
mod remote_credential;
mod status;
#[cfg(test)]
pub(super) mod tests;

pub use super::strategy::{
    AdministratorPolicy, CreationTraceability, IdentitySource, ManagedObject, OwningAccount,
    PrincipalPolicy, ProviderCalls, RequiredAuthorization, RevocationKey, RotatedSecret,
    RotationStep, RotationStrategyId, SecretOverlap, StepActor, StrategySpec, StrategyTraits,
};
pub use crate::domain::rotation::plan::{creation_strategy, deletes_account, revocation_strategy};
pub use access_scope::{AccessScope, ScopeComparison, UNKNOWN_PRINCIPAL_ID, compare_scopes};
pub use backoff::BackoffPolicy;
pub use journal::{
    CreatedSecret, CreationStatus, JournalEntry, OldAccess, OldSecretSnapshot, PreviousMetadata,
    ReconciliationResult, RevocationStatus, RotationAdministrator, RotationJournal,
    RotationJournalError, SecretFingerprint, StepFailure, StepFailureKind, StepOutcome,
    UserDecision,
};
pub use machine::{
    DeletionPermit, NextStep, PromptKind, ReconcileQuery, RevocationPermit, RevocationTarget,
    RotationResult, SlotSwap, StepAction, UserPrompt, check_rollback_allowed, next_step,
};
pub use plan::{PlanRequest, PlannedRotationStep, RotationPlan};
pub use purpose::RotationPurpose;
pub use remote_credential::{
    MAX_REMOTE_NAME_CHARS, RemoteCredential, RotationId, format_remote_name, parse_attempt,
};
pub use status::{
    ProgressLine, RollbackEffect, RotationPhase, RotationStatus, StepStatus, entry_line,
    plan_lines, rollback_effect, rotation_status, waiting_line,
};
