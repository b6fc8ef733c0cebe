//! Notes about the result of a rotation: facts that the user has to know although nothing is left
//! to do.
//!
//! Tasks that are left are in `RotationStatus::manual_steps`. Start with `result_notes`.

use super::journal::{
    CreationStatus, JournalEntry, ReconciliationResult, RotationJournal, StepOutcome,
};
use super::remote_credential::RemoteCredential;

/// Returns the notes about the result of a rotation that is done.
pub(super) fn result_notes(journal: &RotationJournal) -> Vec<String> {
    let not_copied = created_remote(journal)
        .filter(|remote| !remote.not_copied.is_empty())
        .map(|remote| format!("Not copied to {}: {}.", remote.label, remote.not_copied.join(", ")));
    not_copied.into_iter().collect()
}

/// Returns what was created or found last.
fn created_remote(journal: &RotationJournal) -> Option<&RemoteCredential> {
    journal.entries().iter().rev().find_map(|entry| match entry {
        JournalEntry::Done(StepOutcome::Created(created) | StepOutcome::Pasted(created))
        | JournalEntry::Reconciled(ReconciliationResult::Creation(
            CreationStatus::InPendingSlot(created),
        )) => created.remote.as_ref(),
        _ => None,
    })
}
