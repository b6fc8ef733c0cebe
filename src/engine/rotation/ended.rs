//! State of rotations whose journal has ended but that are still open, because the process was
//! killed between the last journal entry and the close.
//!
//! Such a rotation is closed as soon as it is met: by a list of the rotations, and by everything
//! that an open rotation of the same credential would block
//! (`RotationJournals::close_ended_rotations`).

use super::{RotationPhase, RotationStatus};
use crate::database::RotationRecord;
use crate::domain::rotation::{
    NextStep, RotationJournal, RotationResult, next_step, rotation_status,
};

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
