//! Notes about the result of a rotation: facts that the user has to know although nothing is left
//! to do.
//!
//! Tasks that are left are in `RotationStatus::manual_steps`. Start with `result_notes`.

use super::journal::{
    CreationStatus, JournalEntry, ReconciliationResult, RevocationStatus, RotationJournal,
    StepOutcome,
};
use super::machine;
use super::remote_credential::RemoteCredential;
use crate::domain::Timestamp;

/// Returns the notes about the result of a rotation that is done.
pub(super) fn result_notes(journal: &RotationJournal) -> Vec<String> {
    let deleted = deleted_account(journal).map(|account| {
        format!(
            "The whole service account {} was deleted, with all its secrets.",
            account.name_and_id()
        )
    });
    let not_copied = created_remote(journal)
        .filter(|remote| !remote.not_copied.is_empty())
        .map(|remote| format!("Not copied to {}: {}.", remote.label, remote.not_copied.join(", ")));
    let access_token = journal.last_access_token_expiry().map(|until| {
        format!(
            "The provider does not revoke access tokens: the last one of the revoked sign-in works until {}.",
            format_moment(until)
        )
    });
    let notes = [deleted, not_copied, access_token].into_iter().flatten();
    notes.chain(preexisting_notes(journal)).collect()
}

/// Returns the notes about pasted secrets that are not in use and still work, because the rotation
/// deletes nothing that existed before it.
pub(super) fn preexisting_notes(journal: &RotationJournal) -> Vec<String> {
    let remotes = machine::unused_preexisting(journal).into_iter();
    remotes
        .map(|remote| {
            format!(
                "The pasted secret belongs to {}, which existed before this rotation: it was not revoked and still works.",
                remote.name_and_id()
            )
        })
        .collect()
}

/// Returns the account that the program deleted.
fn deleted_account(journal: &RotationJournal) -> Option<&RemoteCredential> {
    let deleted = journal.plan().deletes_account()
        && journal.entries().iter().any(|entry| {
            matches!(
                entry,
                JournalEntry::Done(StepOutcome::Revoked)
                    | JournalEntry::Reconciled(ReconciliationResult::Revocation(
                        RevocationStatus::Revoked
                    ))
            )
        });
    journal.entries().iter().rev().filter(|_| deleted).find_map(|entry| match entry {
        JournalEntry::Done(StepOutcome::SnapshotTaken(snapshot)) => snapshot.remotes.first(),
        _ => None,
    })
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

fn format_moment(moment: Timestamp) -> String {
    let moment = moment.to_offset(time::UtcOffset::UTC);
    format!("{} {:02}:{:02} UTC", moment.date(), moment.hour(), moment.minute())
}
