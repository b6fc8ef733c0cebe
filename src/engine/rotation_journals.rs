//! Journals of the rotations: looked up, read, claimed, summarized, and closed when they have ended.
//!
//! A rotation whose journal has ended is still open if the process was killed before the close. It is
//! closed as soon as it is met: by a list of the rotations, and by everything that an open rotation
//! of the same credential would block. Nothing here contacts a provider or the store.
//!
//! Start at [`RotationJournals::list_rotations`] and `RotationJournals::close_ended_rotations`.

use std::sync::Arc;
use std::time::Duration;

use crate::database::{
    Database, DatabaseError, JournalRecord, LeaseRequest, RotationFilter, RotationLease,
    RotationRecord,
};
use crate::domain::credential::SecretPart;
use crate::domain::rotation::{
    JournalEntry, NextStep, ProgressLine, RotationJournal, RotationPhase, RotationPlan,
    RotationPurpose, RotationResult, RotationStatus, entry_line, next_step, rotation_status,
};
use crate::domain::{CredentialId, Problem};
use crate::engine::Clock;
use crate::engine::audit::{AuditEvent, AuditService};
use crate::engine::locks::{CredentialLock, CredentialLocks};
use crate::engine::ports::{DatabaseHandle, SharedPorts, random_bytes};
use crate::util::hex::to_hex;

/// Lifetime of a lease that is not renewed.
pub(super) const LEASE_DURATION: Duration = Duration::from_secs(60);

/// Summary of a rotation, from its journal alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RotationSummary {
    /// The plan.
    pub plan: RotationPlan,
    /// What has happened, oldest first.
    pub lines: Vec<ProgressLine>,
    /// The current status.
    pub status: RotationStatus,
}

/// Journals of the rotations: reads and lists them, and closes those that have ended.
pub struct RotationJournals {
    database: DatabaseHandle,
    clock: Arc<dyn Clock>,
    locks: Arc<CredentialLocks>,
    readonly: bool,
    audit: Arc<AuditService>,
}

impl RotationJournals {
    /// Creates the service.
    pub(in crate::engine) fn new(ports: &SharedPorts, audit: Arc<AuditService>) -> Self {
        Self {
            database: ports.database.clone(),
            clock: Arc::clone(&ports.clock),
            locks: Arc::clone(&ports.locks),
            readonly: ports.options.readonly,
            audit,
        }
    }

    /// Returns the status of every rotation, oldest first.
    pub async fn list_rotations(
        &self,
        filter: RotationFilter,
    ) -> Result<Vec<RotationStatus>, Problem> {
        let known = self.database.run(move |index| index.rotations(filter)).await?;
        let mut statuses = Vec::with_capacity(known.len());
        for rotation in known {
            let journal = self.read_rotation_journal(&rotation).await?;
            statuses.push(recorded_status(&rotation, &journal));
        }
        Ok(statuses)
    }

    /// Returns the rotation with this ID, or the open rotation of the credential with this name.
    pub(super) async fn find_rotation(&self, id: &str) -> Result<RotationRecord, Problem> {
        let known = self.database.run(|index| index.rotations(RotationFilter::All)).await?;
        let named = self.database.find_credential(id).await.ok();
        let open = |rotation: &&RotationRecord| {
            rotation.closed.is_none()
                && named.as_ref().is_some_and(|credential| credential.id == rotation.credential)
        };
        let found =
            known.iter().find(|rotation| rotation.id == id).or_else(|| known.iter().find(open));
        found.cloned().ok_or_else(|| Problem::from(DatabaseError::NoOpenRotation(id.to_owned())))
    }

    pub(super) async fn read_rotation_journal(
        &self,
        rotation: &RotationRecord,
    ) -> Result<RotationJournal, Problem> {
        let id = rotation.id.clone();
        let lines = self.database.run(move |index| index.journal_entries(&id)).await?;
        let plan: RotationPlan = serde_json::from_str(&rotation.plan)
            .map_err(|error| journal_read_problem(&error.to_string()))?;
        let read = |line: &JournalRecord| serde_json::from_str::<JournalEntry>(&line.entry);
        let entries: Vec<JournalEntry> = lines
            .iter()
            .map(read)
            .collect::<Result<_, _>>()
            .map_err(|error| journal_read_problem(&error.to_string()))?;
        let entries = std::iter::once(JournalEntry::Planned(Box::new(plan))).chain(entries);
        RotationJournal::from_entries(entries)
            .map_err(|error| journal_read_problem(&error.to_string()))
    }

    /// Claims an unfinished rotation. The process that holds the lock on the credential knows that
    /// the previous holder has exited, so it does not wait for the rest of that lease.
    pub(super) async fn take_over_lease(
        &self,
        rotation: &str,
        request: &LeaseRequest,
    ) -> Result<RotationLease, Problem> {
        let (id, request) = (rotation.to_owned(), request.clone());
        self.database
            .run(move |index: &Database| {
                let lease = match index.acquire_lease(&id, &request) {
                    Err(DatabaseError::LeaseHeld { until, .. }) => index.acquire_lease(
                        &id,
                        &LeaseRequest {
                            now: until,
                            until: until.max(request.until),
                            owner: request.owner,
                        },
                    )?,
                    claimed => claimed?,
                };
                index.set_rotation_state(&lease, "running")?;
                Ok(lease)
            })
            .await
    }

    pub(super) fn new_lease_request(&self) -> Result<LeaseRequest, Problem> {
        let now = self.clock.now();
        Ok(LeaseRequest { owner: to_hex(&random_bytes::<8>()?), now, until: now + LEASE_DURATION })
    }

    /// Rejects an operation that would interfere with an open rotation of this credential.
    pub(in crate::engine) async fn ensure_no_open_rotation(
        &self,
        id: &CredentialId,
    ) -> Result<(), Problem> {
        let open = self.database.run(|index| index.rotations(RotationFilter::Open)).await?;
        let found = open.into_iter().find(|rotation| rotation.credential == *id);
        found.map_or(Ok(()), |rotation| {
            Err(DatabaseError::RotationInProgress { rotation: rotation.id }.into())
        })
    }

    /// Closes every open rotation whose journal has ended, and returns the final status of each. A
    /// rotation that another process runs, or that cannot be closed now, stays open. Contacts
    /// neither the provider nor the store.
    pub async fn close_ended_rotations(&self) -> Result<Vec<RotationStatus>, Problem> {
        if self.readonly {
            return Ok(Vec::new());
        }
        let mut closed = Vec::new();
        for rotation in self.database.run(|index| index.rotations(RotationFilter::Open)).await? {
            if !self.journal_has_ended(&rotation).await {
                continue;
            }
            let Ok(lock) = self.locks.try_lock_rotation(&rotation.credential) else { continue };
            match self.close_ended_rotation(&rotation.credential, &lock).await {
                Ok(status) => closed.extend(status),
                Err(problem) => {
                    tracing::warn!(%problem, "an ended rotation could not be closed");
                }
            }
        }
        Ok(closed)
    }

    /// Closes the open rotation of this credential if its journal has ended, and returns its final
    /// status. The caller holds the lock on the credential.
    pub(in crate::engine) async fn close_ended_rotation(
        &self,
        id: &CredentialId,
        _lock: &CredentialLock,
    ) -> Result<Option<RotationStatus>, Problem> {
        if self.readonly {
            return Ok(None);
        }
        let open = self.database.run(|index| index.rotations(RotationFilter::Open)).await?;
        let Some(rotation) = open.into_iter().find(|rotation| rotation.credential == *id) else {
            return Ok(None);
        };
        // A journal that cannot be read is reported by the call that needs it.
        let Ok(journal) = self.read_rotation_journal(&rotation).await else { return Ok(None) };
        let Some(result) = journal_result(&journal) else { return Ok(None) };
        let lease = self.take_over_lease(&rotation.id, &self.new_lease_request()?).await?;
        self.close_rotation(&journal, lease, &result).await.map(Some)
    }

    async fn journal_has_ended(&self, rotation: &RotationRecord) -> bool {
        let journal = self.read_rotation_journal(rotation).await;
        journal.is_ok_and(|journal| journal_result(&journal).is_some())
    }

    /// Returns the status of every open rotation, for marks at its credential. A journal that cannot
    /// be read hides no credential.
    pub async fn open_rotations(&self) -> Result<Vec<RotationStatus>, Problem> {
        let mut open = Vec::new();
        for rotation in self.database.run(|index| index.rotations(RotationFilter::Open)).await? {
            match self.read_rotation_journal(&rotation).await {
                Ok(journal) => open.push(recorded_status(&rotation, &journal)),
                Err(problem) => tracing::warn!(%problem, "an open rotation is not shown"),
            }
        }
        Ok(open)
    }

    /// Summarizes the rotation with this ID, or the open rotation of the credential with this name.
    pub async fn summarize_rotation(&self, id: &str) -> Result<RotationSummary, Problem> {
        let record = self.find_rotation(id).await?;
        let journal = self.read_rotation_journal(&record).await?;
        let plan = journal.plan().clone();
        let lines = journal.entries().iter().filter_map(|entry| entry_line(&plan, entry)).collect();
        Ok(RotationSummary { lines, status: recorded_status(&record, &journal), plan })
    }

    /// Returns the unfinished rotations of other credentials whose management calls this credential
    /// authorizes. Without it, they can be resumed only with another administrator.
    pub async fn rotations_administered_by(
        &self,
        id: &CredentialId,
    ) -> Result<Vec<RotationStatus>, Problem> {
        let mut administered = Vec::new();
        for rotation in self.database.run(|index| index.rotations(RotationFilter::Open)).await? {
            // A journal that cannot be read does not prevent the deletion of a credential.
            let Ok(journal) = self.read_rotation_journal(&rotation).await else { continue };
            if journal.administrator() == Some(id)
                && journal.plan().credential != *id
                && journal_result(&journal).is_none()
            {
                administered.push(recorded_status(&rotation, &journal));
            }
        }
        Ok(administered)
    }

    /// Closes the rotation, whose journal has ended with this result. Contacts neither the provider
    /// nor the store.
    pub(super) async fn close_rotation(
        &self,
        journal: &RotationJournal,
        lease: RotationLease,
        result: &RotationResult,
    ) -> Result<RotationStatus, Problem> {
        let (state, left) = match result {
            RotationResult::Done { left } => ("done", left),
            RotationResult::RolledBack { left } => ("rolled-back", left),
            RotationResult::Abandoned { left } => ("abandoned", left),
        };
        let status = rotation_status(journal);
        let purpose = journal.plan().purpose;
        let remarks: Vec<String> =
            status.why.iter().chain(left).chain(&status.notes).cloned().collect();
        self.audit.record(rotation_audit_event(journal.plan(), state, &remarks)).await?;
        let now = self.clock.now();
        let undone = (purpose, state) == (RotationPurpose::Create, "rolled-back");
        let closing = self.database.run(move |index| {
            if undone {
                index.abandon_creation(&lease, now, state)
            } else {
                index.close_rotation(&lease, now, state)
            }
        });
        closing.await?;
        Ok(status)
    }
}

/// Problem of a journal that cannot be read.
pub(super) fn journal_read_problem(why: &str) -> Problem {
    let remedy = "a newer tokenring may have written it: install that version, or check `tokenring rotate --list --json`";
    Problem::new("The rotation journal cannot be read", why, remedy)
}

/// Builds the audit event of a plan: the user's reason first, then the subject, then the remarks.
pub(super) fn rotation_audit_event(
    plan: &RotationPlan,
    outcome: &'static str,
    remarks: &[String],
) -> AuditEvent {
    let reason = Some(plan.reason.clone()).filter(|reason| !reason.is_empty());
    let part = (plan.part != SecretPart::Secret).then(|| format!("part {}", plan.part.as_str()));
    let rotation = format!("rotation {}", plan.rotation);
    let words: Vec<String> =
        reason.into_iter().chain(part).chain([rotation]).chain(remarks.iter().cloned()).collect();
    AuditEvent::new(plan.purpose.audit_verb(), outcome)
        .for_credential(plan.name.as_str())
        .with_reason(words.join("; "))
}

/// Returns how the journal ended; `None` if something is left to do.
fn journal_result(journal: &RotationJournal) -> Option<RotationResult> {
    match next_step(journal) {
        NextStep::Finished(result) => Some(result),
        _ => None,
    }
}

/// Returns the status of a rotation as its record and its journal show it together. An open
/// rotation is never shown in a final state, even if only its close is missing.
fn recorded_status(record: &RotationRecord, journal: &RotationJournal) -> RotationStatus {
    let status = rotation_status(journal);
    if record.closed.is_some() {
        return status;
    }
    match status.state {
        RotationPhase::Done | RotationPhase::RolledBack | RotationPhase::Abandoned => {
            RotationStatus {
                state: RotationPhase::Running,
                next: format!("Close the rotation. {}", status.next),
                ..status
            }
        }
        RotationPhase::Running if record.state == "needs-human" => {
            RotationStatus { state: RotationPhase::NeedsUser, ..status }
        }
        RotationPhase::Running | RotationPhase::NeedsUser => status,
    }
}
