//! Views over all credentials: results of checks, expiry, tasks, findings and the first start.
//!
//! Commands that open an overview: diagnostics, expiry timeline, check results.
//!
//! Start at `start_diagnostics`.

pub mod check_matrix;
pub mod expiry_timeline;
pub mod findings_dialog;
pub mod task_list_dialog;
pub mod timeline_dialog;
pub(super) mod welcome;

use crate::engine::background::protocol::{
    BackgroundTask, CredentialTask, DoctorInput, DoctorScope,
};
use crate::tui::app::activity::NotificationLevel;
use crate::tui::app::command::ProgramAction;
use crate::tui::app::overview::check_matrix::CheckMatrixDialog;
use crate::tui::app::overview::findings_dialog::FindingsDialog;
use crate::tui::app::overview::timeline_dialog::TimelineDialog;
use crate::tui::app::{App, Now, PresentationMode, UiEffect};

/// Starts the doctor or a scan in the background and opens a dialog with the results when they
/// arrive.
pub(in crate::tui::app) fn start_diagnostics(
    app: &mut App,
    action: ProgramAction,
    now: Now,
) -> Vec<UiEffect> {
    if app.ui_state.presentation == PresentationMode::On {
        app.activity.notify(
            NotificationLevel::Warning,
            "Not available in presentation mode: the results contain names",
            now.instant,
        );
        return Vec::new();
    }
    let (title, task) = if action == ProgramAction::Scan {
        ("Plain-text copies of secrets", BackgroundTask::Scan)
    } else {
        let terminal = Some((app.ui_state.area.width, app.ui_state.area.height));
        let around = DoctorInput {
            terminal,
            other_stores: Vec::new(),
            color_depth: None,
            scope: DoctorScope::Providers,
        };
        ("Doctor", BackgroundTask::Diagnose(around))
    };
    app.dialogs.push(FindingsDialog::new(title));
    app.start_dialog_task(title, task, now)
}

/// Shows which credentials expire next.
pub(in crate::tui::app) fn open_timeline(app: &mut App) -> Vec<UiEffect> {
    app.dialogs.push(TimelineDialog::new(app));
    Vec::new()
}

/// Shows the check results of all credentials, and loads them.
pub(in crate::tui::app) fn open_check_matrix(app: &mut App) -> Vec<UiEffect> {
    app.dialogs.push(CheckMatrixDialog::new(app));
    let load = BackgroundTask::Credential(CredentialTask::AllChecks);
    vec![app.start_hidden_task(load).1]
}
