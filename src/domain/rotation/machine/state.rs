//! State of a rotation: the journal entries folded into the facts that decide the next step.
//!
//! [`RotationState::from_journal`] is the entry point; it applies the entries one by one through
//! `apply_entry`. This file only derives facts and answers questions about them. Which step follows
//! from them is decided in `forward.rs` and `rollback.rs`, and whether a call may be made in
//! `permits.rs`.

use std::collections::BTreeSet;

use super::identity::OldSelection;
use super::permits::RevocationTarget;
use crate::domain::rotation::access_scope::AccessScope;
use crate::domain::rotation::journal::{
    CreatedSecret, CreationStatus, JournalEntry, OldSecretSnapshot, ReconciliationResult,
    RevocationStatus, RotationJournal, SecretFingerprint, StepFailure, StepFailureKind,
    StepOutcome, UserDecision,
};
use crate::domain::rotation::plan::RotationPlan;
use crate::domain::rotation::purpose::RotationPurpose;
use crate::domain::rotation::remote_credential::RemoteCredential;
use crate::domain::strategy::RotationStep;
use crate::domain::strategy::{CreationTraceability, RevocationKey, SecretOverlap, StepActor};

/// Facts about a rotation, derived from its journal.
pub(super) struct RotationState<'a> {
    /// The plan, the first entry of the journal.
    pub(super) plan: &'a RotationPlan,
    /// The step that cannot be repeated safely and whose outcome is unknown.
    pub(super) unresolved_step: Option<&'a RotationStep>,
    /// The latest failure, if no step has succeeded since.
    pub(super) last_failure: Option<RepeatedFailure<'a>>,
    /// Every step that was ever started.
    pub(super) started_steps: BTreeSet<RotationStep>,
    /// Every step that was executed, or skipped by the user.
    pub(super) completed_steps: BTreeSet<RotationStep>,
    /// The snapshot of the old secret; `None` before it is taken.
    pub(super) old_secret: Option<&'a OldSecretSnapshot>,
    /// What the user said about the old credential.
    pub(super) old_selection: OldSelection<'a>,
    /// The new secret; `None` before it is created and after it is given up.
    pub(super) new_secret: Option<NewSecret<'a>>,
    /// What was created or pasted so far, also what was given up.
    pub(super) creation_history: CreationHistory<'a>,
    /// What the user has to do because the provider refused the program.
    pub(super) manual_fallback: ManualFallback<'a>,
    /// Whether the outcome of a revocation was ever unknown. A provider that has just revoked a
    /// secret may list and accept it for a while, so not even a reconcile query gives certainty.
    pub(super) revocation_uncertain: bool,
    /// Whether the user asked for a rollback.
    pub(super) rollback_requested: bool,
    /// Whether the user ended the rotation without finishing it.
    pub(super) is_abandoned: bool,
    /// Tasks left for the user, as text.
    pub(super) manual_steps: Vec<String>,
}

/// Step that failed, with the number of failures in a row.
#[derive(Clone, Copy)]
pub(super) struct RepeatedFailure<'a> {
    /// The step that failed.
    pub(super) step: &'a RotationStep,
    /// The latest failure of the step.
    pub(super) failure: &'a StepFailure,
    /// How often the step has failed since anything succeeded or another step failed.
    pub(super) count: u32,
}

/// The new secret of this rotation.
pub(super) struct NewSecret<'a> {
    /// The secret as the journal records it.
    pub(super) created: &'a CreatedSecret,
    /// Who created the secret.
    pub(super) origin: SecretOrigin,
    /// Access that the provider confirmed; `None` before the secret is verified.
    pub(super) access_scope: Option<&'a AccessScope>,
    /// ID at the provider that the secret named when it was verified.
    pub(super) named_id: Option<&'a str>,
    /// Whether the user accepted the secret although its access differs.
    pub(super) override_accepted: bool,
}

/// Who created a new secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SecretOrigin {
    /// The program: the response that contained the secret also named its credential.
    Program,
    /// The user, who pasted it: what it is at the provider is known from the secret alone.
    User,
}

/// History of everything that was created or pasted in this rotation.
#[derive(Default)]
pub(super) struct CreationHistory<'a> {
    /// Numbers of the attempts that the program has started.
    pub(super) attempts: Vec<u32>,
    /// How many secrets were pasted. Each paste has its own attempt number, so that a
    /// credential that the user created under the suggested name is never taken for one that the
    /// program created.
    pub(super) pasted_count: u32,
    /// Fingerprints of all new secrets so far.
    pub(super) seen_fingerprints: Vec<&'a SecretFingerprint>,
    /// Whether the response to any creation was ever lost.
    pub(super) response_lost: bool,
    /// Whether a secret may have been created that was never seen. A store may complete a write
    /// long after the attempt was given up, so from then on a secret in the slot `pending` may
    /// belong to any attempt.
    pub(super) possibly_unseen: bool,
    /// Whether a secret was given up whose creation may have invalidated the old one.
    pub(super) replacement_abandoned: bool,
    /// Orphans at the provider: credentials that are not in use, each with its key.
    pub(super) orphans: Vec<(String, RevocationTarget)>,
    /// Credentials that existed before this rotation and whose pasted secrets were given up.
    pub(super) preexisting: Vec<RemoteCredential>,
    /// Why the user is asked to paste again.
    pub(super) paste_reason: Option<&'a str>,
}

/// What the provider refused the program and the user has to do instead, with the reasons.
#[derive(Default)]
pub(super) struct ManualFallback<'a> {
    /// Why the provider refused the creation.
    pub(super) create_reason: Option<&'a str>,
    /// Why the provider refused the revocation.
    pub(super) revoke_reason: Option<&'a str>,
}

impl<'a> RotationState<'a> {
    /// Derives the state from the journal.
    pub(super) fn from_journal(journal: &'a RotationJournal) -> Self {
        let mut state = Self {
            plan: journal.plan(),
            unresolved_step: None,
            last_failure: None,
            started_steps: BTreeSet::new(),
            completed_steps: BTreeSet::new(),
            old_secret: None,
            old_selection: OldSelection::Open,
            new_secret: None,
            creation_history: CreationHistory::default(),
            manual_fallback: ManualFallback::default(),
            revocation_uncertain: false,
            rollback_requested: false,
            is_abandoned: false,
            manual_steps: Vec::new(),
        };
        journal.entries().iter().for_each(|entry| state.apply_entry(entry));
        state
    }

    /// Returns why a rollback is no longer possible; `None` while it is.
    pub(super) fn rollback_blocker(&self) -> Option<&'static str> {
        let revoked = self.completed_steps.contains(&RotationStep::Revoke)
            || self.completed_steps.contains(&RotationStep::AwaitRevoke);
        if revoked {
            Some("the secret is already revoked, and revocation cannot be undone")
        } else if self.revocation_uncertain || self.unresolved_step == Some(&RotationStep::Revoke) {
            Some("the secret may already be revoked")
        } else if self.plan.overlap == SecretOverlap::Absent && self.old_secret_may_be_replaced() {
            Some("the old secret stopped working when the new one was created")
        } else {
            None
        }
    }

    /// Returns whether a new secret exists whose creation may have invalidated the old one. A
    /// secret of another principal does not count.
    fn old_secret_may_be_replaced(&self) -> bool {
        self.creation_history.replacement_abandoned
            || (self.new_secret.is_some() && !self.new_secret_is_foreign())
    }

    /// Returns whether the rotation is rolling back.
    pub(super) fn is_rolling_back(&self) -> bool {
        self.rollback_requested && self.rollback_blocker().is_none()
    }

    /// Returns whether the new secret is stored and not in use yet, so that it can be given up for
    /// another one.
    pub(super) fn can_create_another(&self) -> bool {
        let kept = self.new_secret.is_some() && self.completed_steps.contains(&RotationStep::Stage);
        kept && !self.started_steps.contains(&RotationStep::Promote) && !self.is_rolling_back()
    }

    /// Returns whether the user may skip this step: it was started, and it is one of the optional
    /// ones.
    pub(super) fn can_skip(&self, step: &RotationStep) -> bool {
        let tried = match step {
            RotationStep::Create => self.unresolved_step == Some(&RotationStep::Create),
            RotationStep::DeleteOrphan(_) => true,
            other => self.started_steps.contains(other),
        };
        tried && step.is_skippable()
    }

    /// Returns whether a planned step needs no more work.
    pub(super) fn is_step_satisfied(&self, step: &RotationStep) -> bool {
        match step {
            RotationStep::Create | RotationStep::AwaitPaste => self.new_secret.is_some(),
            RotationStep::AwaitSignIn => {
                self.new_secret.is_some() || self.completed_steps.contains(step)
            }
            RotationStep::Revoke | RotationStep::AwaitRevoke => {
                self.completed_steps.contains(&RotationStep::Revoke)
                    || self.completed_steps.contains(&RotationStep::AwaitRevoke)
            }
            other => self.completed_steps.contains(other),
        }
    }

    /// Returns the next orphan that still exists at the provider.
    pub(super) fn next_orphan(&self) -> Option<&(String, RevocationTarget)> {
        self.creation_history.orphans.iter().find(|(key, _)| {
            !self.completed_steps.contains(&RotationStep::DeleteOrphan(key.clone()))
        })
    }

    /// Returns whether the provider must be searched for orphans that the journal does not know.
    pub(super) fn must_find_orphans(&self) -> bool {
        self.creation_history.response_lost
            && self.plan.strategy_traits().traceability == CreationTraceability::ByName
            && !self.completed_steps.contains(&RotationStep::FindOrphans)
    }

    fn apply_entry(&mut self, entry: &'a JournalEntry) {
        match entry {
            JournalEntry::Planned(_) | JournalEntry::AccessTokenOutlives { .. } => {}
            JournalEntry::Intent(step) => self.apply_intent(step),
            JournalEntry::Done(outcome) => self.apply_outcome(outcome),
            JournalEntry::Failed(step, failure) => self.apply_failure(step, failure),
            JournalEntry::Reconciled(ReconciliationResult::Creation(status)) => {
                self.apply_creation_status(status);
            }
            JournalEntry::Reconciled(ReconciliationResult::Revocation(status)) => {
                self.apply_revocation_status(*status);
            }
            JournalEntry::UserDecision(decision) => self.apply_decision(decision),
            // What was refused to one credential may be allowed to another.
            JournalEntry::AdministratorChanged(_) => self.reset_refusals(),
        }
    }

    fn apply_intent(&mut self, step: &'a RotationStep) {
        self.unresolved_step = (!step.is_repeatable()).then_some(step);
        self.started_steps.insert(step.clone());
        if *step == RotationStep::Create {
            self.creation_history.attempts.push(self.creation_history.next_attempt_number());
            // The authorization code of a sign-in works once.
            self.completed_steps.remove(&RotationStep::AwaitSignIn);
        }
    }

    fn apply_outcome(&mut self, outcome: &'a StepOutcome) {
        self.unresolved_step = None;
        self.last_failure = None;
        self.started_steps.insert(outcome.step());
        match outcome {
            StepOutcome::Created(created) => {
                return self.accept_new_secret(created, SecretOrigin::Program);
            }
            StepOutcome::Pasted(created) => {
                self.creation_history.pasted_count += 1;
                return self.accept_new_secret(created, SecretOrigin::User);
            }
            StepOutcome::Staged(fingerprint)
            | StepOutcome::Verified { fingerprint, .. }
            | StepOutcome::Promoted(fingerprint)
                if !self.is_new_fingerprint(fingerprint) =>
            {
                return self.mark_new_secret_lost();
            }
            StepOutcome::Verified { reach, named_id, .. } => {
                if let Some(new) = &mut self.new_secret {
                    new.access_scope = Some(reach);
                    new.named_id = named_id.as_deref();
                }
            }
            StepOutcome::SnapshotTaken(snapshot) => self.old_secret = Some(snapshot),
            StepOutcome::OrphansListed(found) => {
                self.creation_history.orphans.extend(self.unknown_orphans(found));
            }
            _ => {}
        }
        self.completed_steps.insert(outcome.step());
    }

    fn apply_failure(&mut self, step: &'a RotationStep, failure: &'a StepFailure) {
        self.unresolved_step = self.must_reconcile(step, failure.kind).then_some(step);
        match (step, failure.kind) {
            (
                RotationStep::Stage | RotationStep::Verify | RotationStep::Promote,
                StepFailureKind::SecretLost,
            ) => {
                return self.mark_new_secret_lost();
            }
            // A credential that does not exist yet is not worth manual work: the creation is rolled
            // back and ends.
            (RotationStep::Create, StepFailureKind::Refused | StepFailureKind::QuotaExceeded)
                if self.plan.purpose == RotationPurpose::Create =>
            {
                self.rollback_requested = true;
            }
            // The authorization code was not used: it is still in memory.
            (RotationStep::Create, StepFailureKind::Retryable)
                if self.plan.strategy_traits().creator == StepActor::UserSignIn =>
            {
                _ = self.completed_steps.insert(RotationStep::AwaitSignIn);
            }
            // A session cannot be created manually without the sign-in.
            (RotationStep::Create, StepFailureKind::Refused)
                if self.plan.strategy_traits().creator == StepActor::UserSignIn => {}
            (RotationStep::Create, StepFailureKind::Refused) => {
                self.manual_fallback.create_reason = Some(&failure.why);
            }
            (RotationStep::Revoke, StepFailureKind::Refused) => {
                self.manual_fallback.revoke_reason = Some(&failure.why);
            }
            // The next paste prompt shows this failure; it delays nothing.
            (RotationStep::AwaitPaste, StepFailureKind::Refused) => {
                self.creation_history.paste_reason = Some(&failure.why);
                self.last_failure = None;
                return;
            }
            _ => {}
        }
        let before = self
            .last_failure
            .filter(|repeated| repeated.step == step)
            .map_or(0, |repeated| repeated.count);
        self.last_failure = Some(RepeatedFailure { step, failure, count: before + 1 });
    }

    /// Whether the outcome of a failed step must be looked up. A response without an answer says
    /// nothing, and a refusal does not prove that nothing happened: a proxy may answer in the
    /// provider's place after the call was carried out.
    fn must_reconcile(&self, step: &RotationStep, kind: StepFailureKind) -> bool {
        let traits = self.plan.strategy_traits();
        match (step, kind) {
            (_, StepFailureKind::OutcomeUnknown) => !step.is_repeatable(),
            (RotationStep::Create, StepFailureKind::Refused | StepFailureKind::QuotaExceeded) => {
                traits.creator == StepActor::Program
                    && traits.traceability == CreationTraceability::ByName
            }
            (RotationStep::Revoke, StepFailureKind::Refused) => true,
            _ => false,
        }
    }

    /// Whether the latest failure is a refusal of this step.
    fn was_refused(&self, step: &RotationStep) -> bool {
        self.last_failure.is_some_and(|repeated| {
            repeated.step == step
                && matches!(
                    repeated.failure.kind,
                    StepFailureKind::Refused | StepFailureKind::QuotaExceeded
                )
        })
    }

    fn apply_creation_status(&mut self, status: &'a CreationStatus) {
        let refused = self.was_refused(&RotationStep::Create);
        if !refused {
            self.last_failure = None;
        }
        let listed = !matches!(status, CreationStatus::Unknown(_));
        self.creation_history.response_lost |=
            self.unresolved_step == Some(&RotationStep::Create) && (!refused || listed);
        if let Some(fingerprint) = self.uncertain_fingerprint(status) {
            // The step stays unresolved: the next query ignores this secret.
            self.creation_history.seen_fingerprints.push(fingerprint);
            self.creation_history.replacement_abandoned = true;
            self.creation_history.paste_reason =
                Some("it is unknown whether the stored secret is the one that you pasted");
            return;
        }
        let creating = self.unresolved_step == Some(&RotationStep::Create);
        self.creation_history.possibly_unseen |= creating && !refused && self.may_be_unseen(status);
        let origin = if creating { SecretOrigin::Program } else { SecretOrigin::User };
        self.unresolved_step = None;
        match status {
            CreationStatus::InPendingSlot(created)
                if !self.creation_history.seen_fingerprints.contains(&&created.fingerprint) =>
            {
                self.last_failure = None;
                self.accept_new_secret(created, origin);
            }
            CreationStatus::InPendingSlot(_) | CreationStatus::NotCreated => {}
            CreationStatus::Orphaned(remote) => self
                .creation_history
                .orphans
                .push((remote.id.clone(), RevocationTarget::ById(remote.clone()))),
            // The provider explained why it created nothing, and refuses the list too.
            CreationStatus::Unknown(_) if refused => {}
            CreationStatus::Unknown(_) => self.add_orphan(RevocationTarget::Unknown),
        }
    }

    /// Returns whether a secret may have been created that the query did not find. If the provider
    /// has no list, `NotCreated` is certain: it is reported only for what the program never
    /// creates.
    fn may_be_unseen(&self, status: &CreationStatus) -> bool {
        match status {
            CreationStatus::InPendingSlot(_) => false,
            CreationStatus::NotCreated => {
                self.plan.strategy_traits().traceability == CreationTraceability::ByName
            }
            CreationStatus::Orphaned(_) | CreationStatus::Unknown(_) => true,
        }
    }

    /// After a refusal the old secret is known to work or not, so the outcome is certain. After a
    /// lost response it is not: a provider may list and accept a revoked secret for a while.
    fn apply_revocation_status(&mut self, status: RevocationStatus) {
        let refused = self.was_refused(&RotationStep::Revoke);
        self.revocation_uncertain |= !refused;
        self.unresolved_step = None;
        if status == RevocationStatus::Revoked {
            self.last_failure = None;
            self.manual_fallback.revoke_reason = None;
            self.completed_steps.insert(RotationStep::Revoke);
        }
    }

    fn apply_decision(&mut self, decision: &'a UserDecision) {
        match decision {
            UserDecision::Skip(step) => return self.skip_step(step),
            UserDecision::Override(typed) => self.apply_typed(typed),
            UserDecision::SelectedOld(id) => self.old_selection = self.select_old(id),
            UserDecision::NoneOfThese => self.old_selection = OldSelection::NoneFits,
            UserDecision::DeletedManually(key) => {
                _ = self.completed_steps.insert(RotationStep::DeleteOrphan(key.clone()));
            }
            UserDecision::RevokedManually => {
                _ = self.completed_steps.insert(RotationStep::AwaitRevoke);
            }
            UserDecision::CreateAnother if self.can_create_another() => self.abandon_new_secret(),
            UserDecision::RollBack => self.rollback_requested = self.rollback_blocker().is_none(),
            UserDecision::Continue => self.cancel_rollback(),
            UserDecision::Abandon => self.abandon(),
            UserDecision::Retry => self.reset_refusals(),
            UserDecision::CreateAnother => {}
        }
        self.last_failure = None;
    }

    /// Applies a name that the user typed: of the selected old credential, else of the credential
    /// itself to accept the new secret.
    fn apply_typed(&mut self, typed: &str) {
        if let Some(remote) = self.selection_named(typed) {
            self.old_selection = OldSelection::Confirmed(remote);
        } else if typed == self.plan.name.as_str() {
            self.new_secret.iter_mut().for_each(|new| new.override_accepted = true);
        }
    }

    /// Ends the rotation where it is, and lists what may be left.
    fn abandon(&mut self) {
        self.is_abandoned = true;
        let name = match self.plan.strategy_traits().revocation_key {
            RevocationKey::ById => {
                format!("what it created has a name that contains {}", self.plan.rotation)
            }
            RevocationKey::ByValue => "a secret that it created has no name there".to_owned(),
        };
        self.manual_steps
            .push(format!("check on the provider's page what this rotation left; {name}"));
        let revocable = self.plan.purpose != RotationPurpose::Create
            && !self.completed_steps.contains(&RotationStep::Revoke);
        if revocable && self.started_steps.contains(&RotationStep::Promote) {
            let old = self.plan.purpose.secret_label();
            self.manual_steps.push(format!("check whether {old} still has to be revoked"));
        }
    }

    fn reset_refusals(&mut self) {
        self.manual_fallback = ManualFallback::default();
        self.last_failure = None;
    }

    /// Continues forward again, unless the rollback has already changed something.
    fn cancel_rollback(&mut self) {
        self.rollback_requested &= self.started_steps.contains(&RotationStep::RestoreOld);
        if !self.rollback_requested {
            self.completed_steps.remove(&RotationStep::VerifyOld);
        }
    }

    fn skip_step(&mut self, step: &'a RotationStep) {
        if !self.can_skip(step) {
            return;
        }
        self.last_failure = None;
        self.manual_steps.push(step.manual_follow_up(self.plan.purpose.secret_label()));
        if *step == RotationStep::Create {
            self.unresolved_step = None;
            (self.creation_history.response_lost, self.creation_history.possibly_unseen) =
                (true, true);
        } else {
            self.completed_steps.insert(step.clone());
        }
    }

    fn accept_new_secret(&mut self, created: &'a CreatedSecret, origin: SecretOrigin) {
        if self.old_secret.is_some_and(|old| old.fingerprint == created.fingerprint) {
            self.creation_history.paste_reason = Some("the pasted secret is the old one");
            return;
        }
        self.creation_history.paste_reason = None;
        self.creation_history.seen_fingerprints.push(&created.fingerprint);
        self.new_secret = Some(NewSecret {
            created,
            origin,
            access_scope: None,
            named_id: None,
            override_accepted: false,
        });
    }

    /// Gives up a new secret that is neither in memory nor in the store: what remains is an orphan,
    /// known by its ID at most.
    fn mark_new_secret_lost(&mut self) {
        let target = self.new_secret.as_ref().and_then(|new| self.deletion_target(new));
        self.creation_history.paste_reason = Some("the pasted secret was not stored");
        // Without the secret nothing can be deleted by its value.
        self.reset_new_secret(target.map(|target| match target {
            RevocationTarget::ByValue(_) => RevocationTarget::Unknown,
            other => other,
        }));
    }

    /// Gives up a new secret that the user does not want: it becomes an orphan while it is still
    /// stored.
    fn abandon_new_secret(&mut self) {
        self.creation_history.paste_reason = Some("you asked for another secret");
        let target = self.new_secret.as_ref().and_then(|new| self.deletion_target(new));
        self.reset_new_secret(target);
    }

    fn reset_new_secret(&mut self, target: Option<RevocationTarget>) {
        self.creation_history.replacement_abandoned |= self.old_secret_may_be_replaced();
        let preexisting = self.new_secret.as_ref().and_then(|new| self.preexisting_remote(new));
        self.creation_history.preexisting.extend(preexisting);
        self.new_secret = None;
        self.last_failure = None;
        for step in [RotationStep::Stage, RotationStep::Verify, RotationStep::Promote] {
            self.completed_steps.remove(&step);
        }
        if let Some(target) = target
            && self.plan.overlap == SecretOverlap::SideBySide
        {
            self.add_orphan(target);
        }
    }

    fn add_orphan(&mut self, target: RevocationTarget) {
        let key = match &target {
            RevocationTarget::ById(remote) => remote.id.clone(),
            RevocationTarget::ByValue(_) | RevocationTarget::Unknown => {
                format!("the secret of attempt {}", self.creation_history.orphans.len() + 1)
            }
        };
        self.creation_history.orphans.push((key, target));
    }

    fn is_new_fingerprint(&self, fingerprint: &SecretFingerprint) -> bool {
        self.new_secret.as_ref().is_some_and(|new| new.created.fingerprint == *fingerprint)
    }
}

impl CreationHistory<'_> {
    /// Returns the number for the next attempt.
    pub(super) fn next_attempt_number(&self) -> u32 {
        u32::try_from(self.attempts.len())
            .unwrap_or(u32::MAX)
            .saturating_add(self.pasted_count)
            .saturating_add(1)
    }
}
