//! Rotating, revoking and creating credentials.
//!
//! Start at `commands.rs`; the wizard is in `wizard/`.
//!
//! Texts about rotations outside of the wizard: notifications, activity and dialogs.

mod commands;
pub mod create_dialog;
pub mod open_rotations;
pub mod wizard;

use crate::domain::provider::spec::RotationStrategyId;
use crate::domain::rotation::{RotationPhase, RotationPurpose, RotationStatus, deletes_account};
use crate::tui::app::widgets::dialog_view::DialogRow;

/// Returns how the task of a rotation ended that did not achieve its purpose.
pub(in crate::tui::app) const fn task_remark(phase: RotationPhase) -> Option<&'static str> {
    match phase {
        RotationPhase::Done => None,
        RotationPhase::NeedsUser => Some("waiting"),
        RotationPhase::Running => Some("paused"),
        RotationPhase::RolledBack => Some("rolled back"),
        RotationPhase::Abandoned => Some("abandoned"),
    }
}

/// Appends what the user has to know about the result.
pub(in crate::tui::app) fn append_notes(text: String, status: &RotationStatus) -> String {
    let notes = status.notes.iter().map(|note| note.trim_end_matches('.'));
    notes.fold(text, |text, note| format!("{text}. {note}"))
}

/// Returns what a revocation with this strategy takes away: the secret, or a whole service account.
pub(in crate::tui::app) const fn revocation_warning(strategy: RotationStrategyId) -> &'static str {
    if deletes_account(RotationPurpose::Revoke, strategy) {
        "The whole service account is deleted at the provider, with all its secrets: everything that uses one of them stops working. Deletion cannot be undone."
    } else if strategy.spec().leaves_access_token {
        "The provider revokes the sign-in: everything that uses it stops working once the last access token has expired. Revocation cannot be undone."
    } else {
        "The provider revokes the credential: everything that uses it stops working. Revocation cannot be undone."
    }
}

/// Returns what the deletion of a credential from tokenring does and does not do.
pub(in crate::tui::app) fn remove_rows(name: &str) -> Vec<DialogRow> {
    vec![
        DialogRow::text(format!(
            "The secret of {name} is wiped from the store, and its entry is deleted."
        )),
        DialogRow::warning(
            "The provider is not contacted: the secret keeps working until it is revoked there.",
        ),
    ]
}
