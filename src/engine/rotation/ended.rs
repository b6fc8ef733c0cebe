//! Closing of rotations whose journal has ended but that are still open, because the process was
//! killed between the last journal entry and the close.
//!
//! Such a rotation is closed as soon as it is met: by a list of the rotations, and by everything
//! that an open rotation of the same credential would block. Start at
//! `Engine::close_ended_rotations`.

use async_trait::async_trait;

use super::driver::RotationDriver;
use super::{RotationFilter, RotationObserver, RotationPhase, RotationStatus};
use crate::domain::rotation::{
    NextStep, RotationJournal, RotationResult, next_step, rotation_status,
};
use crate::domain::{CredentialId, Problem, Secret};
use crate::engine::Engine;
use crate::engine::credential_locks::CredentialLock;
use crate::engine::prompt::{PromptMessage, UserPrompter};
use crate::index::RotationRecord;

/// Prompter of a rotation that has nothing left to ask.
struct SilentPrompter;

#[async_trait]
impl UserPrompter for SilentPrompter {
    async fn confirm(&self, _question: &PromptMessage) -> bool {
        false
    }

    async fn read_secret(&self, _question: &PromptMessage) -> Option<Secret> {
        None
    }
}

impl Engine {
    /// Closes every open rotation whose journal has ended, and returns the final status of each. A
    /// rotation that another process runs, or that cannot be closed now, stays open. Contacts
    /// neither the provider nor the store.
    pub async fn close_ended_rotations(&self) -> Result<Vec<RotationStatus>, Problem> {
        if self.options.readonly {
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
        if self.options.readonly {
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
        let mut driver = RotationDriver {
            engine: self,
            observer: RotationObserver { prompter: &SilentPrompter, on_progress: &|_| {} },
            journal,
            lease,
            held_secret: None,
            authorization_grant: None,
        };
        driver.close(&result).await.map(Some)
    }

    async fn journal_has_ended(&self, rotation: &RotationRecord) -> bool {
        let journal = self.read_rotation_journal(rotation).await;
        journal.is_ok_and(|journal| journal_result(&journal).is_some())
    }
}

/// Returns how the journal ended; `None` if something is left to do.
pub(super) fn journal_result(journal: &RotationJournal) -> Option<RotationResult> {
    match next_step(journal) {
        NextStep::Finished(result) => Some(result),
        _ => None,
    }
}

/// Returns the status of a rotation as its record and its journal show it together. An open
/// rotation is never shown in a final state, even if only its close is missing.
pub(super) fn recorded_status(
    record: &RotationRecord,
    journal: &RotationJournal,
) -> RotationStatus {
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
