//! The loop: what is next by the journal, an entry made durable, the act, another entry.
//!
//! Dropping it anywhere is a crash like any other: whoever comes next reads the journal.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::human::Answered;
use super::provider::{Desk, Doomed, failure_of, strategy};
use super::slots::{lost, not_yet, refused};
use super::survey::Use;
use super::{Audience, Tried};
use crate::domain::credential::{SecretPart, SecretSlot};
use crate::domain::problem::ProblemClass;
use crate::domain::rotation::{
    CreatedSecret, CreationStatus, JournalEntry, NextStep, OldAccess, OldSecretSnapshot, PreviousMetadata, ReconciliationResult,
    RemoteCredential, RevocationTarget, RotationJournal, RotationPhase, RotationPlan, RotationPurpose, RotationResult,
    RotationStatus, SecretFingerprint, SlotSwap, StepAction, StepActor, StepFailure, StepFailureKind, StepOutcome, entry_line,
    next_step, parse_attempt, rotation_status, waiting_line,
};
use crate::domain::{Credential, Problem, Secret, Timestamp};
use crate::engine::Engine;
use crate::engine::audit::AuditEvent;
use crate::engine::login::AuthorizationGrant;
use crate::index::RotationLease;

/// One rotation under way.
pub(super) struct Driver<'a> {
    pub(super) engine: &'a Engine,
    pub(super) audience: Audience<'a>,
    pub(super) journal: RotationJournal,
    pub(super) lease: RotationLease,
    /// A secret that was made or pasted and may not be in the store yet.
    pub(super) hand: Option<Hand>,
    /// What a person has agreed to in the browser, until it is fetched.
    pub(super) agreed: Option<AuthorizationGrant>,
}

/// A secret that the process holds.
pub(super) struct Hand {
    pub(super) print: SecretFingerprint,
    pub(super) secret: Secret,
    /// When it ends, where only the answer that brought it said so.
    pub(super) ends: Option<Timestamp>,
}

impl Hand {
    pub(super) const fn of(print: SecretFingerprint, secret: Secret) -> Self {
        Self { print, secret, ends: None }
    }
}

/// Whether the loop goes on.
enum Flow {
    On,
    Over(RotationResult),
    /// It stops here, to be taken up again.
    Halt(Halt),
}

/// Why the loop stops before it is over.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Halt {
    /// A person is needed and nobody answers.
    NeedsHuman,
    /// A person wants it to stop for now.
    Paused,
}

impl Driver<'_> {
    /// Goes on until it is over, until a person is needed and nobody answers, or until somebody wants it to stop. That is
    /// heard between two steps and while it waits, and never within a step.
    pub(super) async fn run(&mut self) -> Result<RotationStatus, Problem> {
        loop {
            let next = tokio::select! {
                biased;
                () = self.audience.ask.wait_for_pause() => return self.halt(Halt::Paused).await,
                next = self.wait(next_step(&self.journal)) => next,
            };
            match self.take(next).await? {
                Flow::On => {}
                Flow::Over(ending) => return self.close(&ending).await,
                Flow::Halt(halt) => return self.halt(halt).await,
            }
        }
    }

    /// The plan.
    pub(super) fn plan(&self) -> &RotationPlan {
        self.journal.plan()
    }

    /// Makes an entry durable, takes it up and tells of it. Nothing may happen that was not announced, so an entry that
    /// cannot be made durable ends the run.
    pub(super) async fn write(&mut self, entry: JournalEntry) -> Result<(), Problem> {
        let text = serde_json::to_string(&entry).map_err(|error| unwritable(&error))?;
        let (lease, now) = (self.lease.clone(), self.engine.now());
        self.engine.with_database(move |index| index.append_journal(&lease, now, &text)).await?;
        let line = entry_line(self.plan(), &entry);
        self.journal.push(entry);
        line.iter().for_each(self.audience.tell);
        Ok(())
    }

    /// The desk for this rotation's calls, with the credential as it is now.
    pub(super) async fn desk(&self) -> Tried<Desk<'_>> {
        let plan = self.plan();
        let credential = self.engine.credential_by_id(&plan.credential).await.map_err(|problem| failure_of(&problem))?;
        let mut credential = Credential { region: plan.region.clone(), ..credential };
        if plan.purpose == RotationPurpose::Create {
            // What the provider has told about it comes into the index with the secret.
            credential
                .fields
                .extend(self.minted().and_then(|minted| minted.remote.as_ref()).into_iter().flat_map(|made| made.fields.clone()));
        }
        self.engine.desk(credential, plan.strategy, plan.administrator.as_ref()).map_err(|problem| failure_of(&problem))
    }

    /// The fingerprint of the new secret, if there is one.
    pub(super) fn new_print(&self) -> Option<SecretFingerprint> {
        self.minted().map(|minted| minted.fingerprint.clone())
    }

    /// What is known of the old secret.
    pub(super) fn snapshot(&self) -> Option<&OldSecretSnapshot> {
        self.journal.entries().iter().rev().find_map(|entry| match entry {
            JournalEntry::Done(StepOutcome::SnapshotTaken(snapshot)) => Some(snapshot),
            _ => None,
        })
    }

    /// The secret that was made or found last.
    fn minted(&self) -> Option<&CreatedSecret> {
        self.journal.entries().iter().rev().find_map(|entry| match entry {
            JournalEntry::Done(StepOutcome::Created(minted) | StepOutcome::Pasted(minted))
            | JournalEntry::Reconciled(ReconciliationResult::Creation(CreationStatus::InPendingSlot(minted))) => Some(minted),
            _ => None,
        })
    }

    async fn wait(&self, waiting: NextStep) -> NextStep {
        if !matches!(waiting, NextStep::Wait { .. }) {
            return waiting;
        }
        waiting_line(self.plan(), &waiting).iter().for_each(self.audience.tell);
        match waiting {
            NextStep::Wait { delay, then } => {
                self.engine.clock.sleep(delay).await;
                *then
            }
            ready => ready,
        }
    }

    async fn take(&mut self, next: NextStep) -> Result<Flow, Problem> {
        match next {
            NextStep::Execute(action) => {
                let step = action.step();
                self.write(JournalEntry::Intent(step.clone())).await?;
                let entry = match self.act(action).await {
                    Ok(outcome) => {
                        self.note_renewal(&outcome).await?;
                        JournalEntry::Done(outcome)
                    }
                    Err(failure) => JournalEntry::Failed(step, failure),
                };
                self.write(entry).await?;
            }
            NextStep::Reconcile(look) => {
                let step = look.step();
                let entry = match self.look(look).await {
                    Ok(finding) => JournalEntry::Reconciled(finding),
                    Err(failure) => JournalEntry::Failed(step, StepFailure { kind: StepFailureKind::OutcomeUnknown, ..failure }),
                };
                self.write(entry).await?;
            }
            NextStep::AskUser(need) => match self.ask(need).await? {
                Answered::Written => {}
                Answered::Nobody => return Ok(Flow::Halt(Halt::NeedsHuman)),
            },
            NextStep::Wait { then, .. } => return Box::pin(self.take(*then)).await,
            NextStep::Finished(ending) => return Ok(Flow::Over(ending)),
        }
        Ok(Flow::On)
    }

    async fn act(&mut self, action: StepAction) -> Tried<StepOutcome> {
        match action {
            StepAction::VerifyStore => self.prove_store().await.map(|()| StepOutcome::StoreVerified),
            StepAction::Snapshot => self.see().await,
            StepAction::Create { name } => self.create(&name).await,
            StepAction::Stage(new) => self.stash(new).await,
            StepAction::Verify(new) => self.verify(&new).await,
            StepAction::Promote(change) => self.promote(change).await,
            StepAction::RestoreOld(change) => self.restore(&change).await,
            StepAction::Deliver(consumer) => self.deliver(&consumer).await.map(|()| StepOutcome::Delivered(consumer)),
            StepAction::RestoreConsumer(consumer) => {
                self.deliver(&consumer).await.map(|()| StepOutcome::ConsumerRestored(consumer))
            }
            StepAction::Revoke(may) => self.remove(may.target()).await.map(|()| StepOutcome::Revoked),
            StepAction::DeleteOrphan(may) => {
                self.remove(may.target()).await.map(|()| StepOutcome::OrphanDeleted(may.key().to_owned()))
            }
            StepAction::FindOrphans => self.sweep().await,
            StepAction::VerifyRevoked(old) => self.prove_dead(&old).await,
            StepAction::VerifyOld(old) => self.prove_old(&old).await,
            StepAction::ClearSlots => self.forget().await,
        }
    }

    async fn see(&self) -> Tried<StepOutcome> {
        let desk = self.settled_desk().await?;
        let remotes = strategy(self.plan().strategy).candidates(&desk).await;
        // Who may not look still knows what lies in the fields; for the rest a person is asked later.
        let remotes = match remotes {
            Err(failure) if failure.kind == StepFailureKind::Refused => Vec::new(),
            listed => listed?,
        };
        let id = if let [only] = &remotes[..] { Some(only.id.as_str()) } else { None };
        let listed = self.listed_before(&desk).await;
        let reach = match desk.measure(SecretSlot::Current, id).await? {
            Ok(reach) => OldAccess::Known(reach),
            Err(why) => OldAccess::Unknown(why),
        };
        // The fingerprint last: a secret that renews itself has another one once it was used.
        let Some(fingerprint) = self.print(SecretSlot::Current).await? else {
            return Err(refused("the credential's secret is not in the store"));
        };
        Ok(StepOutcome::SnapshotTaken(OldSecretSnapshot {
            fingerprint,
            access: reach,
            remotes,
            listed_ids: listed,
            previous_metadata: self.known().await?,
        }))
    }

    /// The desk, once the fields that the rest depends on hold what the provider tells of them. One that was imported has
    /// none of them.
    async fn settled_desk(&self) -> Tried<Desk<'_>> {
        let desk = self.desk().await?;
        let told = strategy(self.plan().strategy).untold(&desk).await?;
        if told.is_empty() {
            return Ok(desk);
        }
        drop(desk);
        let id = self.plan().credential.clone();
        let filed = self.engine.with_database(move |index| {
            index.update_credential(&id, |credential| {
                for (field, value) in told {
                    credential.fields.entry(field).or_insert(value);
                }
            })
        });
        filed.await.map_err(|problem| failure_of(&problem))?;
        self.desk().await
    }

    /// What is there already, from which what a person makes is told. A provider that does not say so now stops nothing.
    async fn listed_before(&self, desk: &Desk<'_>) -> Option<BTreeSet<String>> {
        if self.plan().purpose != RotationPurpose::Replace {
            return None;
        }
        let listed = strategy(self.plan().strategy).list(desk).await.ok()?;
        Some(listed.into_iter().map(|remote| remote.id).collect())
    }

    /// What the index knows of the credential and will not know any more once another secret is the current one.
    async fn known(&self) -> Tried<PreviousMetadata> {
        let plan = self.plan();
        let Credential { expires, mut fields, .. } =
            self.engine.credential_by_id(&plan.credential).await.map_err(|problem| failure_of(&problem))?;
        fields.retain(|id, _| strategy(plan.strategy).fields().contains(&id.as_str()));
        Ok(PreviousMetadata { expires, fields })
    }

    async fn create(&mut self, name: &str) -> Tried<StepOutcome> {
        if self.plan().strategy_traits().creator == StepActor::UserSignIn {
            return self.fetch_session().await;
        }
        // Whatever the fingerprint takes is had beforehand: once something is made, nothing but an answer may be missing.
        self.print_of(&Secret::from_text(String::new())).await?;
        let desk = self.desk().await?;
        let fresh = strategy(self.plan().strategy).mint(&desk, name).await?;
        // It is shown once: first into the store, then everything else. A store that fails is tried again by `Stash`.
        let kept = self.put(SecretSlot::Pending, &fresh.secret).await;
        drop(desk);
        let in_doubt = |failure| StepFailure { kind: StepFailureKind::OutcomeUnknown, ..failure };
        let fingerprint = self.print_of(&fresh.secret).await.map_err(in_doubt)?;
        if let Err(failure) = kept {
            tracing::warn!(why = failure.why, "the new secret is not in the store yet");
        }
        self.hand = Some(Hand::of(fingerprint.clone(), fresh.secret));
        Ok(StepOutcome::Created(CreatedSecret { fingerprint, remote: Some(fresh.remote) }))
    }

    async fn stash(&self, new: SecretFingerprint) -> Tried<StepOutcome> {
        if let Some(hand) = self.hand.as_ref().filter(|hand| hand.print == new) {
            self.put(SecretSlot::Pending, &hand.secret).await?;
        }
        if self.print(SecretSlot::Pending).await?.as_ref() == Some(&new) { Ok(StepOutcome::Staged(new)) } else { Err(lost()) }
    }

    async fn verify(&self, new: &SecretFingerprint) -> Tried<StepOutcome> {
        let found = self.print(SecretSlot::Pending).await?;
        if found.as_ref() != Some(new) && !found.is_some_and(|found| self.is_renewed(&found)) {
            return Err(lost());
        }
        let desk = self.desk().await?;
        let id = self.minted().and_then(|minted| minted.remote.as_ref()).map(|remote| remote.id.as_str());
        let reach = desk.measure(SecretSlot::Pending, id).await?.map_err(not_yet)?;
        let fingerprint = self.print(SecretSlot::Pending).await?.ok_or_else(lost)?;
        Ok(StepOutcome::Verified { fingerprint, reach })
    }

    /// A refresh token that had to be used for its proof has a successor, which is the new secret from now on.
    async fn note_renewal(&mut self, outcome: &StepOutcome) -> Result<(), Problem> {
        let StepOutcome::Verified { fingerprint, .. } = outcome else { return Ok(()) };
        if !self.is_renewed(fingerprint) {
            return Ok(());
        }
        let remote = self.minted().and_then(|minted| minted.remote.clone());
        let held = CreatedSecret { fingerprint: fingerprint.clone(), remote };
        self.write(JournalEntry::Reconciled(ReconciliationResult::Creation(CreationStatus::InPendingSlot(held)))).await
    }

    /// Whether a secret that nobody has made or pasted can only have come of using one that was.
    fn is_renewed(&self, print: &SecretFingerprint) -> bool {
        let known = self.journal.entries().iter().any(|entry| match entry {
            JournalEntry::Done(StepOutcome::Created(minted) | StepOutcome::Pasted(minted))
            | JournalEntry::Reconciled(ReconciliationResult::Creation(CreationStatus::InPendingSlot(minted))) => {
                minted.fingerprint == *print
            }
            JournalEntry::Done(StepOutcome::SnapshotTaken(snapshot)) => snapshot.fingerprint == *print,
            _ => false,
        });
        self.renews_itself() && !known
    }

    async fn promote(&self, change: SlotSwap) -> Tried<StepOutcome> {
        self.exchange_slots(&change).await?;
        let remote = self.minted().filter(|minted| minted.fingerprint == change.new).and_then(|minted| minted.remote.clone());
        self.file(&change.new, remote).await?;
        match self.print(SecretSlot::Current).await? {
            Some(print) => Ok(StepOutcome::Promoted(print)),
            None => Err(not_yet("the store does not hold what it was given")),
        }
    }

    async fn restore(&self, change: &SlotSwap) -> Tried<StepOutcome> {
        self.restore_slots(change).await?;
        if let Some(old) = &change.old {
            self.file_back(old).await?;
        }
        Ok(StepOutcome::OldSecretRestored)
    }

    /// What the index knows of the credential follows the secret in the slot `current`; of its other parts it knows
    /// nothing.
    async fn file(&self, print: &SecretFingerprint, remote: Option<RemoteCredential>) -> Tried<()> {
        if self.plan().part != SecretPart::Secret {
            return self.file_facts(remote).await;
        }
        let desk = self.desk().await?;
        let told = match self.get(SecretSlot::Current).await? {
            Some(secret) => desk.read_secret(&secret).and_then(|found| found.expires),
            None => None,
        };
        let told = told.or_else(|| self.hand.as_ref().filter(|hand| hand.print == *print)?.ends);
        let (id, print) = (self.plan().credential.clone(), print.0.clone());
        let fields = strategy(self.plan().strategy).fields();
        let made = remote.as_ref().filter(|_| self.plan().purpose == RotationPurpose::Create);
        let facts = made.map(|made| made.fields.clone()).unwrap_or_default();
        let filed = self.engine.with_database(move |index| {
            index.update_credential(&id, |credential| {
                let told = remote.as_ref().and_then(|remote| remote.expires).or(told);
                // No id is better than that of something else.
                credential.fields.retain(|field, _| !fields.contains(&field.as_str()));
                for (field, value) in fields.iter().zip(remote.iter().flat_map(|remote| [&remote.id, &remote.label])) {
                    credential.fields.insert((*field).to_owned(), value.clone());
                }
                credential.fields.extend(facts);
                credential.expires = told;
                credential.fingerprint = Some(print);
                (credential.principal, credential.scheme, credential.last_check) = (None, None, None);
            })
        });
        filed.await.map_err(|problem| failure_of(&problem))?;
        self.engine.drop_cached_tokens(&self.plan().credential);
        Ok(())
    }

    /// What a credential that is made by one of its parts must know besides.
    async fn file_facts(&self, remote: Option<RemoteCredential>) -> Tried<()> {
        let Some(RemoteCredential { fields: facts, .. }) = remote.filter(|_| self.plan().purpose == RotationPurpose::Create)
        else {
            return Ok(());
        };
        let id = self.plan().credential.clone();
        let filed =
            self.engine.with_database(move |index| index.update_credential(&id, |credential| credential.fields.extend(facts)));
        filed.await.map(drop).map_err(|problem| failure_of(&problem))
    }

    /// The index knows again what it knew of the old secret.
    async fn file_back(&self, old: &SecretFingerprint) -> Tried<()> {
        let Some(snapshot) = self.snapshot().filter(|_| self.plan().part == SecretPart::Secret) else { return Ok(()) };
        let PreviousMetadata { expires, fields } = snapshot.previous_metadata.clone();
        let principal = match &snapshot.access {
            OldAccess::Known(reach) => Some(reach.principal.clone()),
            OldAccess::Unknown(_) => None,
        };
        let (id, print, named) = (self.plan().credential.clone(), old.0.clone(), strategy(self.plan().strategy).fields());
        let filed = self.engine.with_database(move |index| {
            index.update_credential(&id, |credential| {
                credential.fields.retain(|field, _| !named.contains(&field.as_str()));
                credential.fields.extend(fields);
                (credential.expires, credential.fingerprint, credential.principal) = (expires, Some(print), principal);
                (credential.scheme, credential.last_check) = (None, None);
            })
        });
        filed.await.map_err(|problem| failure_of(&problem))?;
        self.engine.drop_cached_tokens(&self.plan().credential);
        Ok(())
    }

    async fn remove(&self, target: &RevocationTarget) -> Tried<()> {
        let desk = self.desk().await?;
        let strategy = strategy(self.plan().strategy);
        match target {
            RevocationTarget::ById(remote) => strategy.remove(&desk, Doomed::Remote(remote)).await,
            RevocationTarget::ByValue(slot) => {
                let Some(secret) = self.get(*slot).await? else { return Err(lost()) };
                strategy.remove(&desk, Doomed::Value(&Arc::new(secret))).await
            }
            RevocationTarget::Unknown => Err(refused("the program does not know what it is at the provider")),
        }
    }

    async fn sweep(&self) -> Tried<StepOutcome> {
        let desk = self.desk().await?;
        let listed = strategy(self.plan().strategy).list(&desk).await?;
        let rotation = &self.plan().rotation;
        Ok(StepOutcome::OrphansListed(
            listed.into_iter().filter(|remote| parse_attempt(rotation, &remote.label).is_some()).collect(),
        ))
    }

    async fn prove_dead(&self, old: &SecretFingerprint) -> Tried<StepOutcome> {
        let slot = if self.plan().purpose == RotationPurpose::Revoke { SecretSlot::Current } else { SecretSlot::Previous };
        let found = self.print(slot).await?;
        if found.as_ref() != Some(old) && !(self.renews_itself() && found.is_some()) {
            return Err(refused("the old secret is not in the store any more, so it cannot be tried"));
        }
        match self.desk().await?.try_slot(slot).await? {
            Use::Refused(_) => Ok(StepOutcome::OldSecretRejected),
            Use::Accepted(..) | Use::Proven(_) => Err(not_yet("it is still accepted")),
        }
    }

    async fn prove_old(&self, old: &SecretFingerprint) -> Tried<StepOutcome> {
        let slot = self.find(old).await?;
        match self.desk().await?.try_slot(slot).await? {
            Use::Accepted(..) | Use::Proven(_) => Ok(StepOutcome::OldSecretVerified),
            Use::Refused(why) => Err(not_yet(why)),
        }
    }

    async fn forget(&mut self) -> Tried<StepOutcome> {
        self.empty(SecretSlot::Pending).await?;
        self.empty(SecretSlot::Previous).await?;
        self.hand = None;
        self.engine.drop_cached_tokens(&self.plan().credential);
        Ok(StepOutcome::SlotsCleared)
    }

    async fn close(&mut self, ending: &RotationResult) -> Result<RotationStatus, Problem> {
        let (word, left) = match ending {
            RotationResult::Done { left } => ("done", left),
            RotationResult::RolledBack { left } => ("rolled-back", left),
        };
        let status = rotation_status(&self.journal);
        let purpose = self.plan().purpose;
        if (purpose, word) == (RotationPurpose::Revoke, "done") {
            self.see_it_refused().await;
        }
        let remarks: Vec<String> = status.why.iter().chain(left).cloned().collect();
        self.engine.record_audit_event(deed(self.plan(), word, &remarks)).await?;
        let (lease, now) = (self.lease.clone(), self.engine.now());
        let undone = (purpose, word) == (RotationPurpose::Create, "rolled-back");
        let closed = self.engine.with_database(move |index| {
            if undone { index.abandon_creation(&lease, now, word) } else { index.close_rotation(&lease, now, word) }
        });
        closed.await?;
        Ok(status)
    }

    /// A credential that was revoked shows it in the list at once. That it is refused has been proven by now; where the
    /// check fails all the same, it only shows later.
    async fn see_it_refused(&self) {
        let plan = self.plan();
        self.engine.drop_cached_tokens(&plan.credential);
        let Ok(credential) = self.engine.credential_by_id(&plan.credential).await else { return };
        if let Err(problem) = self.engine.check(&credential, &plan.region).await {
            tracing::warn!(%problem, "what was revoked was not checked");
        }
    }

    /// Leaves the rotation open, for this process or another to take up.
    async fn halt(&mut self, halt: Halt) -> Result<RotationStatus, Problem> {
        let status = rotation_status(&self.journal);
        let word = if halt == Halt::Paused { "paused" } else { "needs-human" };
        self.engine.record_audit_event(deed(self.plan(), word, &status.manual_steps)).await?;
        let lease = self.lease.clone();
        self.engine
            .with_database(move |index| {
                index.set_rotation_state(&lease, word)?;
                index.release_lease(&lease)
            })
            .await?;
        Ok(if halt == Halt::Paused { status } else { RotationStatus { state: RotationPhase::NeedsUser, ..status } })
    }
}

/// What is put on record about a plan: the person's reason first, then what it was about, then what there is to remark.
pub(super) fn deed(plan: &RotationPlan, outcome: &'static str, remarks: &[String]) -> AuditEvent {
    let reason = Some(plan.reason.clone()).filter(|reason| !reason.is_empty());
    let part = (plan.part != SecretPart::Secret).then(|| format!("part {}", plan.part.as_str()));
    let rotation = format!("rotation {}", plan.rotation);
    let words: Vec<String> = reason.into_iter().chain(part).chain([rotation]).chain(remarks.iter().cloned()).collect();
    AuditEvent::new(plan.purpose.audit_verb(), outcome).for_credential(plan.name.as_str()).with_reason(words.join("; "))
}

/// How long a lease lasts, unless it is renewed.
pub(super) const LEASE: Duration = Duration::from_secs(60);

fn unwritable(error: &serde_json::Error) -> Problem {
    Problem::new("The journal cannot be written", error.to_string(), "report it with the log").with_class(ProblemClass::Failed)
}
