//! Stack of the open dialogs, and the delivery of task events to the dialog that waits for them.
//!
//! Start at [`DialogStack`]. Keys, pastes and clicks go to the top dialog through [`Dialog`].

use std::time::Instant;

use super::{
    CheckMatrixDialog, ConfirmDialog, Dialog, PickerDialog, RotationWizard, SignInDialog,
    UnlockDialog, UnlockPurpose,
};
use crate::domain::CredentialId;
use crate::domain::problem::Problem;
use crate::engine::task_protocol::{CredentialEvent, Diagnostic, TaskId};

/// The open dialogs, the top one last.
#[derive(Default)]
pub struct DialogStack {
    open: Vec<Dialog>,
    /// Wizards of rotations that run in the background.
    hidden: Vec<RotationWizard>,
}

impl DialogStack {
    /// Returns whether no dialog is open.
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Returns the top dialog.
    pub fn top(&self) -> Option<&Dialog> {
        self.open.last()
    }

    /// Iterates over the open dialogs, the top one last.
    pub fn iter(&self) -> impl Iterator<Item = &Dialog> {
        self.open.iter()
    }

    /// Opens a dialog on top of the others.
    pub fn push(&mut self, dialog: Dialog) {
        self.open.push(dialog);
    }

    /// Removes and returns the top dialog.
    pub fn pop(&mut self) -> Option<Dialog> {
        self.open.pop()
    }

    /// Moves a dialog to the background. Only wizards have a task that continues there; any other
    /// dialog is dropped.
    pub fn hide_wizard(&mut self, dialog: Dialog) {
        if let Dialog::Rotation(wizard) = dialog {
            self.hidden.push(*wizard);
        }
    }

    /// Returns whether the wizard of this task is hidden.
    pub fn has_hidden_wizard(&self, task: TaskId) -> bool {
        self.hidden.iter().any(|wizard| wizard.waits_for(task))
    }

    /// Opens a hidden wizard again; returns whether there is a matching one.
    pub fn reopen_wizard(&mut self, wanted: impl Fn(&RotationWizard) -> bool) -> bool {
        let Some(at) = self.hidden.iter().position(wanted) else { return false };
        let wizard = self.hidden.swap_remove(at);
        self.open.push(Dialog::Rotation(Box::new(wizard)));
        true
    }

    /// Removes the hidden wizard of a task that has ended.
    pub fn remove_hidden_wizard(&mut self, task: TaskId) -> Option<RotationWizard> {
        let at = self.hidden.iter().position(|wizard| wizard.waits_for(task))?;
        Some(self.hidden.swap_remove(at))
    }

    /// Closes the form from which a credential was created; it is no longer needed.
    pub fn close_create_dialog(&mut self) {
        self.open.retain(|dialog| !matches!(dialog, Dialog::Create(_)));
    }

    /// Returns the check matrix, if it is open.
    pub fn check_matrix_mut(&mut self) -> Option<&mut CheckMatrixDialog> {
        self.open.iter_mut().find_map(|dialog| {
            if let Dialog::CheckMatrix(matrix) = dialog { Some(matrix) } else { None }
        })
    }

    /// Returns the open confirmation of the deletion of this credential.
    pub fn removal_confirmation_mut(&mut self, id: &CredentialId) -> Option<&mut ConfirmDialog> {
        self.open.iter_mut().find_map(|dialog| match dialog {
            Dialog::Confirm(confirm) if confirm.deletes(id) => Some(confirm.as_mut()),
            _ => None,
        })
    }

    /// Puts the question of a locked screen on top of all dialogs.
    pub fn raise_lock_dialog(&mut self, store_title: &'static str) {
        let at = self.open.iter().position(Dialog::is_screen_lock);
        let dialog = at.map_or_else(
            || Dialog::Unlock(UnlockDialog::new(UnlockPurpose::ScreenLock, store_title)),
            |at| self.open.remove(at),
        );
        self.open.push(dialog);
    }

    /// Returns the task that the question of a locked screen waits for.
    pub fn lock_dialog_task(&self) -> Option<TaskId> {
        self.open.iter().find(|dialog| dialog.is_screen_lock()).and_then(Dialog::task)
    }

    /// Makes the top dialog wait for this task.
    pub fn set_task(&mut self, task: TaskId) {
        match self.open.last_mut() {
            Some(Dialog::Add(add)) => add.set_task(task),
            Some(Dialog::Edit(edit)) => edit.set_task(task),
            Some(Dialog::Unlock(unlock)) => unlock.set_task(task),
            Some(Dialog::TextPrompt(prompt)) => prompt.set_task(task),
            Some(Dialog::Rotation(wizard)) => wizard.set_task(task),
            Some(Dialog::Findings(findings)) => findings.set_task(task),
            Some(Dialog::SignIn(sign_in)) => sign_in.set_task(task),
            _ => {}
        }
    }

    /// Shows the rotation of the top wizard as running.
    pub fn show_running_wizard(&mut self) {
        if let Some(Dialog::Rotation(wizard)) = self.open.last_mut() {
            wizard.show_running();
        }
    }

    /// Returns the wizard that waits for this task, open or hidden.
    pub fn wizard_for_task(&mut self, task: TaskId) -> Option<&mut RotationWizard> {
        let open = self.open.iter_mut().filter_map(|dialog| {
            if let Dialog::Rotation(wizard) = dialog { Some(wizard) } else { None }
        });
        open.map(Box::as_mut).chain(&mut self.hidden).find(|wizard| wizard.waits_for(task))
    }

    /// Opens a picker with shortcuts in place of the one that is open.
    pub fn replace_shortcut_picker(&mut self, picker: PickerDialog) {
        self.open
            .retain(|dialog| !matches!(dialog, Dialog::Picker(known) if known.has_shortcuts()));
        self.open.push(Dialog::Picker(picker));
    }

    /// Puts a body from the external editor into the top dialog; returns whether that dialog takes
    /// one.
    pub fn apply_edited_body(&mut self, text: &str) -> bool {
        match self.open.last_mut() {
            Some(Dialog::RequestEditor(request)) => {
                request.set_body(text);
                true
            }
            _ => false,
        }
    }

    /// Returns the sign-in dialog that waits for this task.
    pub fn sign_in_for_task(&mut self, task: TaskId) -> Option<&mut SignInDialog> {
        self.open.iter_mut().find_map(|dialog| match dialog {
            Dialog::SignIn(sign_in) if sign_in.waits_for(task) => Some(sign_in.as_mut()),
            _ => None,
        })
    }

    /// Handles a failed sign-in. The form that started it shows the problem, if it is open;
    /// otherwise the sign-in dialog does.
    pub fn on_sign_in_failed(&mut self, task: TaskId, problem: Problem) {
        let form = self.open.iter_mut().find_map(|dialog| match dialog {
            Dialog::Add(add) if add.task() == Some(task) => Some(add),
            _ => None,
        });
        if let Some(add) = form {
            add.show_problem(problem);
            self.open.retain(
                |dialog| !matches!(dialog, Dialog::SignIn(sign_in) if sign_in.waits_for(task)),
            );
        } else if let Some(sign_in) = self.sign_in_for_task(task) {
            sign_in.show_problem(problem);
        }
    }

    /// Handles a canceled task: forms that waited for it can be submitted again, and its sign-in
    /// dialog closes.
    pub fn on_task_canceled(&mut self, task: TaskId) {
        for dialog in &mut self.open {
            match dialog {
                Dialog::Add(add) if add.task() == Some(task) => add.on_task_canceled(),
                Dialog::Edit(edit) if edit.task() == Some(task) => edit.on_task_canceled(),
                Dialog::Unlock(unlock) if unlock.task() == Some(task) => unlock.on_task_canceled(),
                _ => {}
            }
        }
        self.open
            .retain(|dialog| !matches!(dialog, Dialog::SignIn(sign_in) if sign_in.waits_for(task)));
    }

    /// Returns when the top dialog must be redrawn without input.
    pub fn next_wake(&self, now: Instant) -> Option<Instant> {
        match self.open.last() {
            Some(Dialog::SignIn(sign_in)) => sign_in.next_wake(now),
            Some(Dialog::Rotation(wizard)) => wizard.next_wake(now),
            _ => None,
        }
    }

    /// Makes the top dialog wait for this identification task.
    pub fn set_identification_task(&mut self, task: TaskId) {
        match self.open.last_mut() {
            Some(Dialog::Add(add)) => add.pasted.set_task(task),
            Some(Dialog::Edit(edit)) => edit.pasted.set_task(task),
            _ => {}
        }
    }

    /// Passes the result of an identification to the dialog that waits for `task`.
    pub fn on_identified(&mut self, task: TaskId, event: CredentialEvent) {
        let waiting =
            self.open.iter_mut().find(|dialog| dialog.identification_task() == Some(task));
        match waiting {
            Some(Dialog::Add(add)) => add.apply_identification(event),
            Some(Dialog::Edit(edit)) => edit.pasted.apply_identification(event),
            _ => {}
        }
    }

    /// Passes diagnostics to the dialog that waits for `task`.
    pub fn on_findings(&mut self, task: TaskId, diagnostics: Vec<Diagnostic>) {
        if let Some(Dialog::Findings(findings)) =
            self.open.iter_mut().find(|dialog| dialog.task() == Some(task))
        {
            findings.show_findings(diagnostics);
        }
    }

    /// Closes the dialog that waited for a task that has succeeded.
    pub fn on_task_done(&mut self, task: TaskId) {
        self.open.retain(|dialog| dialog.task() != Some(task));
    }

    /// Shows the problem of a failed task in the dialog that waited for it. Returns the problem if
    /// no dialog did.
    pub fn on_task_failed(&mut self, task: TaskId, problem: Problem) -> Option<Problem> {
        for dialog in &mut self.open {
            let identifies = dialog.identification_task() == Some(task);
            if !identifies && dialog.task() != Some(task) {
                continue;
            }
            match dialog {
                Dialog::Add(add) if identifies => add.reject_secret(&problem),
                Dialog::Edit(edit) if identifies => edit.pasted.reject(&problem, &mut edit.form),
                Dialog::Add(add) => add.show_problem(problem),
                Dialog::Edit(edit) => edit.show_problem(problem),
                Dialog::Unlock(unlock) => unlock.show_problem(problem),
                Dialog::TextPrompt(prompt) => prompt.show_problem(problem),
                Dialog::Findings(findings) => findings.show_problem(problem),
                _ => return Some(problem),
            }
            return None;
        }
        Some(problem)
    }
}
