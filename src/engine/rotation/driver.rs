//! Driver loop of a rotation: read the next step from the journal, make an intent entry durable,
//! perform the action, append its outcome.
//!
//! Dropping the driver at any point is equivalent to a crash: the next process reads the journal
//! and resumes there. The rules for what comes next are in [`crate::domain::rotation`]; start
//! reading at `RotationDriver::run`.

use std::collections::BTreeSet;

use super::probe::ProbeResult;
use super::prompts::PromptOutcome;
use super::slots::{permanent_failure, retryable_failure, secret_lost};
use super::strategies::{ManagementClient, failure_from_problem, strategy_for};
use super::{RotationObserver, StepResult};
use crate::database::RotationLease;
use crate::domain::credential::SecretSlot;
use crate::domain::problem::ProblemClass;
use crate::domain::rotation::{
    CreatedSecret, CreationStatus, JournalEntry, NextStep, OldAccess, OldSecretSnapshot,
    ReconciliationResult, RemoteCredential, RotationJournal, RotationPhase, RotationPlan,
    RotationPurpose, RotationResult, RotationStatus, SecretFingerprint, SlotSwap, StepAction,
    StepActor, StepFailure, StepFailureKind, StepOutcome, entry_line, next_step, parse_attempt,
    rotation_status, waiting_line,
};
use crate::domain::{Credential, Problem, Secret, Timestamp};
use crate::engine::rotation::RotationService;
use crate::engine::rotation_journals::rotation_audit_event;
use crate::engine::sign_in::AuthorizationGrant;

/// One running rotation.
pub(super) struct RotationDriver<'a> {
    pub(super) service: &'a RotationService,
    pub(super) observer: RotationObserver<'a>,
    pub(super) journal: RotationJournal,
    pub(super) lease: RotationLease,
    /// A secret that was created or pasted and may not be in the store yet.
    pub(super) held_secret: Option<HeldSecret>,
    /// Grant that the user approved in the browser, until its code is exchanged.
    pub(super) authorization_grant: Option<AuthorizationGrant>,
}

/// A secret that this process holds in memory.
pub(super) struct HeldSecret {
    pub(super) fingerprint: SecretFingerprint,
    pub(super) secret: Secret,
    /// When the secret expires, where only the response that contained it said so.
    pub(super) expires: Option<Timestamp>,
}

impl HeldSecret {
    pub(super) const fn new(fingerprint: SecretFingerprint, secret: Secret) -> Self {
        Self { fingerprint, secret, expires: None }
    }
}

/// Whether the loop continues.
enum LoopControl {
    Continue,
    Finished(RotationResult),
    /// The rotation stops here and can be resumed.
    Stopped(HaltReason),
}

/// Why the loop stops before the rotation has finished.
#[derive(Clone, Copy, PartialEq, Eq)]
enum HaltReason {
    /// A question needs a reply and the user gives none.
    NeedsUser,
    /// The user asked to pause.
    PauseRequested,
}

impl RotationDriver<'_> {
    /// Runs until the rotation is finished, until a question gets no reply, or until the user asks
    /// to pause. A pause is noticed between two steps and during a delay, never within a step.
    pub(super) async fn run(&mut self) -> Result<RotationStatus, Problem> {
        loop {
            let next = tokio::select! {
                biased;
                () = self.observer.prompter.wait_for_pause() => return self.pause(HaltReason::PauseRequested).await,
                next = self.wait_for_delay(next_step(&self.journal)) => next,
            };
            if let Err(problem) = self.service.ensure_administrator_exists(&self.journal).await {
                self.pause(HaltReason::NeedsUser).await?;
                return Err(problem);
            }
            match self.execute_next(next).await? {
                LoopControl::Continue => {}
                LoopControl::Finished(result) => return self.finish(&result).await,
                LoopControl::Stopped(reason) => return self.pause(reason).await,
            }
        }
    }

    /// Returns the plan.
    pub(super) fn plan(&self) -> &RotationPlan {
        self.journal.plan()
    }

    /// Makes an entry durable, adds it to the journal and reports it. No action may happen without
    /// its entry, so an entry that cannot be made durable ends the run.
    pub(super) async fn append_entry(&mut self, entry: JournalEntry) -> Result<(), Problem> {
        let text = serde_json::to_string(&entry).map_err(|error| journal_write_problem(&error))?;
        let (lease, now) = (self.lease.clone(), self.service.clock.now());
        self.service.database.run(move |index| index.append_journal(&lease, now, &text)).await?;
        let line = entry_line(self.plan(), &entry);
        self.journal.push(entry);
        line.iter().for_each(self.observer.on_progress);
        Ok(())
    }

    /// Returns the credential of the plan as the index has it now.
    pub(super) async fn stored_credential(&self) -> StepResult<Credential> {
        let found = self.service.database.credential_by_id(&self.plan().credential).await;
        found.map_err(|problem| failure_from_problem(&problem))
    }

    /// Returns the client for this rotation's management calls, with the credential's current data.
    pub(super) async fn management_client(&self) -> StepResult<ManagementClient<'_>> {
        let plan = self.plan();
        let credential = self.stored_credential().await?;
        let mut credential = Credential { region: plan.region.clone(), ..credential };
        if plan.purpose == RotationPurpose::Create {
            // What the provider reported about the new credential enters the index only with the
            // secret.
            credential.fields.extend(
                self.created_secret()
                    .and_then(|created| created.remote.as_ref())
                    .into_iter()
                    .flat_map(|made| made.fields.clone()),
            );
        }
        self.service
            .management_client(credential, plan.strategy, self.journal.administrator())
            .map_err(|problem| failure_from_problem(&problem))
    }

    /// Returns the fingerprint of the new secret, if there is one.
    pub(super) fn new_fingerprint(&self) -> Option<SecretFingerprint> {
        self.created_secret().map(|created| created.fingerprint.clone())
    }

    /// Returns the snapshot of the old secret.
    pub(super) fn snapshot(&self) -> Option<&OldSecretSnapshot> {
        self.journal.entries().iter().rev().find_map(|entry| match entry {
            JournalEntry::Done(StepOutcome::SnapshotTaken(snapshot)) => Some(snapshot),
            _ => None,
        })
    }

    /// Returns the secret that was created or found last.
    fn created_secret(&self) -> Option<&CreatedSecret> {
        self.journal.entries().iter().rev().find_map(|entry| match entry {
            JournalEntry::Done(StepOutcome::Created(created) | StepOutcome::Pasted(created))
            | JournalEntry::Reconciled(ReconciliationResult::Creation(
                CreationStatus::InPendingSlot(created),
            )) => Some(created),
            _ => None,
        })
    }

    async fn wait_for_delay(&self, waiting: NextStep) -> NextStep {
        if !matches!(waiting, NextStep::Wait { .. }) {
            return waiting;
        }
        waiting_line(self.plan(), &waiting).iter().for_each(self.observer.on_progress);
        match waiting {
            NextStep::Wait { delay, then } => {
                self.service.clock.sleep(delay).await;
                *then
            }
            ready => ready,
        }
    }

    async fn execute_next(&mut self, next: NextStep) -> Result<LoopControl, Problem> {
        match next {
            NextStep::Execute(action) => {
                let step = action.step();
                let expiry = self.access_token_left_by(&action).await;
                if let Ok(Some(until)) = expiry {
                    self.append_entry(JournalEntry::AccessTokenOutlives { until }).await?;
                }
                self.append_entry(JournalEntry::Intent(step.clone())).await?;
                let outcome = match expiry {
                    Ok(_) => self.perform_action(action).await,
                    Err(failure) => Err(failure),
                };
                let entry = match outcome {
                    Ok(outcome) => {
                        self.record_renewal(&outcome).await?;
                        JournalEntry::Done(outcome)
                    }
                    Err(failure) => JournalEntry::Failed(step, failure),
                };
                self.append_entry(entry).await?;
            }
            NextStep::Reconcile(query) => {
                let step = query.step();
                let entry = match self.reconcile(query).await {
                    Ok(finding) => JournalEntry::Reconciled(finding),
                    Err(failure) => JournalEntry::Failed(
                        step,
                        StepFailure { kind: StepFailureKind::OutcomeUnknown, ..failure },
                    ),
                };
                self.append_entry(entry).await?;
            }
            NextStep::AskUser(user_prompt) => match self.prompt_user(user_prompt).await? {
                PromptOutcome::Recorded => {}
                PromptOutcome::NoReply => return Ok(LoopControl::Stopped(HaltReason::NeedsUser)),
            },
            NextStep::Wait { then, .. } => return Box::pin(self.execute_next(*then)).await,
            NextStep::Finished(result) => return Ok(LoopControl::Finished(result)),
        }
        Ok(LoopControl::Continue)
    }

    async fn perform_action(&mut self, action: StepAction) -> StepResult<StepOutcome> {
        match action {
            StepAction::VerifyStore => {
                self.verify_store().await.map(|()| StepOutcome::StoreVerified)
            }
            StepAction::Snapshot => self.snapshot_old().await,
            StepAction::Create { name } => self.create_secret(&name).await,
            StepAction::Stage(new) => self.stage_secret(new).await,
            StepAction::Verify(new) => self.verify_new(&new).await,
            StepAction::Promote(swap) => self.promote_new(swap).await,
            StepAction::RestoreOld(swap) => self.restore_old(&swap).await,
            StepAction::Deliver(consumer) => {
                self.deliver(&consumer).await.map(|()| StepOutcome::Delivered(consumer))
            }
            StepAction::RestoreConsumer(consumer) => {
                self.deliver(&consumer).await.map(|()| StepOutcome::ConsumerRestored(consumer))
            }
            StepAction::Revoke(permit) => self.revoke_old(permit.target()).await,
            StepAction::DeleteOrphan(permit) => self
                .revoke(permit.target())
                .await
                .map(|_| StepOutcome::OrphanDeleted(permit.key().to_owned())),
            StepAction::FindOrphans => self.find_orphans().await,
            StepAction::VerifyRevoked(old) => self.verify_revoked(&old).await,
            StepAction::VerifyOld(old) => self.verify_old(&old).await,
            StepAction::ClearSlots => self.clear_slots().await,
        }
    }

    async fn snapshot_old(&self) -> StepResult<StepOutcome> {
        let client = self.management_client_with_fields().await?;
        let remotes = strategy_for(self.plan().strategy).find_existing(&client).await;
        // A credential without permission to list still has its fields; the user is asked for the
        // rest later.
        let remotes = match remotes {
            Err(failure) if failure.kind == StepFailureKind::Refused => Vec::new(),
            listed => listed?,
        };
        let id = if let [only] = &remotes[..] { Some(only.id.as_str()) } else { None };
        let listed = self.list_existing_ids(&client).await;
        let (access, named) = match client.fetch_access_scope(SecretSlot::Current, id).await? {
            Ok((reach, named)) => (OldAccess::Known(reach), named),
            Err(why) => (OldAccess::Unknown(why), None),
        };
        // The fingerprint is taken last: a secret that renews itself has another one after each
        // use.
        let Some(fingerprint) = self.fingerprint_of_slot(SecretSlot::Current).await? else {
            return Err(permanent_failure("the credential's secret is not in the store"));
        };
        let named_id = match named {
            Some(named) => Some(named),
            None => self.recorded_principal(&fingerprint).await?,
        };
        Ok(StepOutcome::SnapshotTaken(OldSecretSnapshot {
            fingerprint,
            access,
            remotes,
            listed_ids: listed,
            named_id,
            previous_metadata: self.previous_metadata().await?,
        }))
    }

    /// Returns the management client after the fields that later steps need were filled in from the
    /// provider. An imported credential has none of them.
    async fn management_client_with_fields(&self) -> StepResult<ManagementClient<'_>> {
        let client = self.management_client().await?;
        let missing_fields =
            strategy_for(self.plan().strategy).discover_missing_fields(&client).await?;
        if missing_fields.is_empty() {
            return Ok(client);
        }
        drop(client);
        let id = self.plan().credential.clone();
        let updated = self.service.database.run(move |index| {
            index.update_credential(&id, |credential| {
                for (field, value) in missing_fields {
                    credential.fields.entry(field).or_insert(value);
                }
            })
        });
        updated.await.map_err(|problem| failure_from_problem(&problem))?;
        self.management_client().await
    }

    /// Lists the IDs that already exist at the provider, which later tell a manually created secret
    /// from the others. A provider that does not list them now blocks nothing.
    async fn list_existing_ids(&self, client: &ManagementClient<'_>) -> Option<BTreeSet<String>> {
        if self.plan().purpose != RotationPurpose::Replace {
            return None;
        }
        let listed = strategy_for(self.plan().strategy).list(client).await.ok()?;
        Some(listed.into_iter().map(|remote| remote.id).collect())
    }

    async fn create_secret(&mut self, name: &str) -> StepResult<StepOutcome> {
        if self.plan().strategy_traits().creator == StepActor::UserSignIn {
            return self.exchange_sign_in_code().await;
        }
        // Everything that the fingerprint needs is loaded in advance: once the provider has created
        // a secret, nothing but its response may be missing.
        self.fingerprint(&Secret::from_text(String::new())).await?;
        let client = self.management_client().await?;
        let new_secret = strategy_for(self.plan().strategy).create_secret(&client, name).await?;
        // The provider shows the secret once, so it goes into the store before anything else.
        let new_secret = self.store_or_undo(&client, new_secret).await?;
        drop(client);
        let in_doubt = |failure| StepFailure { kind: StepFailureKind::OutcomeUnknown, ..failure };
        let fingerprint = self.fingerprint(&new_secret.secret).await.map_err(in_doubt)?;
        self.held_secret = Some(HeldSecret::new(fingerprint.clone(), new_secret.secret));
        Ok(StepOutcome::Created(CreatedSecret { fingerprint, remote: Some(new_secret.remote) }))
    }

    async fn stage_secret(&self, new: SecretFingerprint) -> StepResult<StepOutcome> {
        if let Some(held) = self.held_secret.as_ref().filter(|held| held.fingerprint == new) {
            self.write_slot(SecretSlot::Pending, &held.secret).await?;
        }
        if self.fingerprint_of_slot(SecretSlot::Pending).await?.as_ref() == Some(&new) {
            Ok(StepOutcome::Staged(new))
        } else {
            Err(secret_lost())
        }
    }

    async fn verify_new(&self, new: &SecretFingerprint) -> StepResult<StepOutcome> {
        let found = self.fingerprint_of_slot(SecretSlot::Pending).await?;
        if found.as_ref() != Some(new)
            && !found.is_some_and(|found| self.fingerprint_is_renewal(&found))
        {
            return Err(secret_lost());
        }
        let client = self.management_client().await?;
        let id = self
            .created_secret()
            .and_then(|created| created.remote.as_ref())
            .map(|remote| remote.id.as_str());
        let scope = client.fetch_access_scope(SecretSlot::Pending, id).await?;
        let (reach, named_id) = scope.map_err(retryable_failure)?;
        let fingerprint =
            self.fingerprint_of_slot(SecretSlot::Pending).await?.ok_or_else(secret_lost)?;
        Ok(StepOutcome::Verified { fingerprint, reach, named_id })
    }

    /// Records the successor of a refresh token that had to be used for its verification: it is the
    /// new secret from now on.
    async fn record_renewal(&mut self, outcome: &StepOutcome) -> Result<(), Problem> {
        let StepOutcome::Verified { fingerprint, .. } = outcome else { return Ok(()) };
        if !self.fingerprint_is_renewal(fingerprint) {
            return Ok(());
        }
        let remote = self.created_secret().and_then(|created| created.remote.clone());
        let held = CreatedSecret { fingerprint: fingerprint.clone(), remote };
        self.append_entry(JournalEntry::Reconciled(ReconciliationResult::Creation(
            CreationStatus::InPendingSlot(held),
        )))
        .await
    }

    /// Returns whether a secret that was neither created nor pasted can only result from using one
    /// that was.
    fn fingerprint_is_renewal(&self, fingerprint: &SecretFingerprint) -> bool {
        let known = self.journal.entries().iter().any(|entry| match entry {
            JournalEntry::Done(StepOutcome::Created(created) | StepOutcome::Pasted(created))
            | JournalEntry::Reconciled(ReconciliationResult::Creation(
                CreationStatus::InPendingSlot(created),
            )) => created.fingerprint == *fingerprint,
            JournalEntry::Done(StepOutcome::SnapshotTaken(snapshot)) => {
                snapshot.fingerprint == *fingerprint
            }
            _ => false,
        });
        self.secret_renews_itself() && !known
    }

    async fn promote_new(&self, swap: SlotSwap) -> StepResult<StepOutcome> {
        self.promote_slots(&swap).await?;
        let remote = self.new_remote(&swap.new).await?;
        self.update_metadata(&swap.new, remote).await?;
        self.record_verification().await?;
        match self.fingerprint_of_slot(SecretSlot::Current).await? {
            Some(fingerprint) => Ok(StepOutcome::Promoted(fingerprint)),
            None => {
                Err(retryable_failure("the secret is missing from the store after it was written"))
            }
        }
    }

    /// Returns what the new secret is at the provider: what it named when it was verified, else what
    /// the response that contained it said.
    async fn new_remote(&self, new: &SecretFingerprint) -> StepResult<Option<RemoteCredential>> {
        let created = self.created_secret().filter(|created| created.fingerprint == *new);
        let remote = created.and_then(|created| created.remote.clone());
        let Some(named) = self.verified_id(new) else { return Ok(remote) };
        if remote.as_ref().is_some_and(|remote| remote.id == named) {
            return Ok(remote);
        }
        let client = self.management_client().await?;
        let listed = strategy_for(self.plan().strategy).list(&client).await.unwrap_or_default();
        let listed = listed.into_iter().find(|remote| remote.id == named);
        Ok(Some(listed.unwrap_or_else(|| RemoteCredential::new(named, named))))
    }

    /// Returns the ID that the new secret named when it was verified.
    fn verified_id(&self, new: &SecretFingerprint) -> Option<&str> {
        self.journal.entries().iter().rev().find_map(|entry| match entry {
            JournalEntry::Done(StepOutcome::Verified { fingerprint, named_id, .. })
                if fingerprint == new =>
            {
                named_id.as_deref()
            }
            _ => None,
        })
    }

    async fn restore_old(&self, swap: &SlotSwap) -> StepResult<StepOutcome> {
        self.restore_slots(swap).await?;
        if let Some(old) = &swap.old {
            self.restore_metadata(old).await?;
        }
        Ok(StepOutcome::OldSecretRestored)
    }

    async fn find_orphans(&self) -> StepResult<StepOutcome> {
        let client = self.management_client().await?;
        let listed = strategy_for(self.plan().strategy).list(&client).await?;
        let rotation = &self.plan().rotation;
        Ok(StepOutcome::OrphansListed(
            listed
                .into_iter()
                .filter(|remote| parse_attempt(rotation, &remote.label).is_some())
                .collect(),
        ))
    }

    async fn verify_revoked(&self, old: &SecretFingerprint) -> StepResult<StepOutcome> {
        let slot = self.slot_of_revoked_secret();
        let found = self.fingerprint_of_slot(slot).await?;
        if found.as_ref() != Some(old) && !(self.secret_renews_itself() && found.is_some()) {
            return Err(permanent_failure(
                "the old secret is no longer in the store, so it cannot be verified",
            ));
        }
        match self.management_client().await?.probe_revoked_slot(slot).await? {
            ProbeResult::Refused(_) => Ok(StepOutcome::OldSecretRejected),
            ProbeResult::Accepted(..) | ProbeResult::Identified(_) => {
                self.revoke_successor(slot).await?;
                Err(retryable_failure("the provider still accepts the secret"))
            }
        }
    }

    async fn verify_old(&self, old: &SecretFingerprint) -> StepResult<StepOutcome> {
        let slot = self.find_slot(old).await?;
        match self.management_client().await?.probe_slot(slot).await? {
            ProbeResult::Accepted(..) | ProbeResult::Identified(_) => {
                Ok(StepOutcome::OldSecretVerified)
            }
            ProbeResult::Refused(why) => Err(retryable_failure(why)),
        }
    }

    async fn clear_slots(&mut self) -> StepResult<StepOutcome> {
        self.clear_slot(SecretSlot::Pending).await?;
        self.clear_slot(SecretSlot::Previous).await?;
        self.held_secret = None;
        self.service.requests.drop_cached_tokens(&self.plan().credential);
        Ok(StepOutcome::SlotsCleared)
    }

    async fn finish(&mut self, result: &RotationResult) -> Result<RotationStatus, Problem> {
        if self.plan().purpose == RotationPurpose::Revoke
            && matches!(result, RotationResult::Done { .. })
        {
            self.recheck_revoked().await;
        }
        let lease = self.lease.clone();
        self.service.journals.close_rotation(&self.journal, lease, result).await
    }

    /// Checks a revoked credential again, so that the list shows it as refused at once. Its
    /// rejection is already verified; if this check fails, the list shows it later.
    async fn recheck_revoked(&self) {
        let plan = self.plan();
        self.service.requests.drop_cached_tokens(&plan.credential);
        let Ok(credential) = self.service.database.credential_by_id(&plan.credential).await else {
            return;
        };
        if let Err(problem) = self.service.checks.check(&credential, &plan.region).await {
            tracing::warn!(%problem, "the revoked credential could not be checked");
        }
    }

    /// Leaves the rotation open, so that this process or another one can resume it.
    async fn pause(&mut self, reason: HaltReason) -> Result<RotationStatus, Problem> {
        let status = rotation_status(&self.journal);
        let state = if reason == HaltReason::PauseRequested { "paused" } else { "needs-human" };
        self.service
            .audit
            .record(rotation_audit_event(self.plan(), state, &status.manual_steps))
            .await?;
        let lease = self.lease.clone();
        self.service
            .database
            .run(move |index| {
                index.set_rotation_state(&lease, state)?;
                index.release_lease(&lease)
            })
            .await?;
        Ok(if reason == HaltReason::PauseRequested {
            status
        } else {
            RotationStatus { state: RotationPhase::NeedsUser, ..status }
        })
    }
}

fn journal_write_problem(error: &serde_json::Error) -> Problem {
    Problem::new(
        "The rotation journal cannot be written",
        error.to_string(),
        "report this error with the log",
    )
    .with_class(ProblemClass::Failed)
}
