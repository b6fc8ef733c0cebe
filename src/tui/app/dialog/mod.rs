//! Dialogs of the full-screen interface, and the stack that holds the open ones.
//!
//! Each dialog has its own module. This module holds the [`Dialog`] enum, which forwards keys,
//! pastes and clicks to the right dialog, the [`DialogStack`], and the [`DialogAction`]s.
//! A dialog never acts on the application itself. It returns a [`DialogResult`]; the application
//! carries out the action in it. So a dangerous action is confirmed in one step and carried out,
//! with all its data, in another.
//! Start reading at [`Dialog::handle_key`] and [`DialogStack`]. Layout is in `dialog_view`, drawing
//! in `tui::view::dialog`.

mod add;
mod check_matrix;
mod confirm;
mod create;
mod curl_import;
mod edit;
mod findings;
mod jump;
mod parameters;
mod pasted_secret;
mod picker;
mod problem;
mod request;
mod rotation;
mod sign_in;
mod task_list;
mod text;
mod text_prompt;
mod themes;
mod timeline;
mod unlock;
mod which_key;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

pub use add::AddDialog;
pub use check_matrix::CheckMatrixDialog;
pub use confirm::ConfirmDialog;
pub use create::CreateDialog;
pub use curl_import::{CurlImportDialog, is_curl};
pub use edit::EditDialog;
pub use findings::FindingsDialog;
pub use jump::JumpDialog;
pub use parameters::ParametersDialog;
pub use picker::{PickerDialog, PickerItem, PickerSelection, PickerShortcut, RemovalTarget};
pub use problem::ProblemDialog;
pub use request::RequestEditorDialog;
pub use rotation::RotationWizard;
pub use sign_in::SignInDialog;
pub use task_list::TaskListDialog;
pub use text::TextDialog;
pub use text_prompt::{TextPromptDialog, TextPromptKind};
pub use themes::ThemeDialog;
pub use timeline::TimelineDialog;
pub use unlock::{UnlockDialog, UnlockPurpose};
pub use which_key::WhichKeyPopup;

use super::command::CommandAction;
use super::dialog_view::DialogView;
use super::form::Form;
use super::{App, Now, RestartTarget, ThemeMode};
use zeroize::Zeroizing;

use crate::config::KeyPress;
use crate::config::key::KeySymbol;
use crate::config::theme::Theme;
use crate::domain::problem::Problem;
use crate::domain::request::{RequestDraft, SavedRequest, SavedRequestName};
use crate::domain::{CredentialId, CredentialName, Secret};
use crate::engine::task_protocol::ImportCandidate;
use crate::engine::task_protocol::{
    ClassifyPolicy, CredentialEdit, CredentialEvent, Diagnostic, HistoryPolicy, HistoryRecord,
    NewCredential, PromptId, PromptReply, RotationTask, SavedRequestTask, SignInSubject, TaskId,
};

/// A dialog. The top dialog of the stack receives the input; Esc closes it.
pub enum Dialog {
    /// Adds a credential.
    Add(Box<AddDialog>),
    /// Edits a credential.
    Edit(Box<EditDialog>),
    /// Rotates, creates or revokes a credential, step by step.
    Rotation(Box<RotationWizard>),
    /// Asks for the data of a credential that the provider creates.
    Create(Box<CreateDialog>),
    /// Signs in with the browser.
    SignIn(Box<SignInDialog>),
    /// Asks for a confirmation.
    Confirm(Box<ConfirmDialog>),
    /// Unlocks or creates the store.
    Unlock(UnlockDialog),
    /// Picks a command, region, preset or another item of a list.
    Picker(PickerDialog),
    /// Asks for the values of a preset's placeholders.
    Parameters(Box<ParametersDialog>),
    /// Edits the request of the console.
    RequestEditor(Box<RequestEditorDialog>),
    /// Asks for one line of text.
    TextPrompt(Box<TextPromptDialog>),
    /// Waits for a pasted curl command.
    CurlImport(CurlImportDialog),
    /// Shows a read-only text.
    Text(TextDialog),
    /// Shows running and finished tasks.
    TaskList(TaskListDialog),
    /// Shows the results of the doctor or the scan.
    Findings(FindingsDialog),
    /// Shows which credentials expire when.
    Timeline(TimelineDialog),
    /// Shows the check results of every credential in every region.
    CheckMatrix(CheckMatrixDialog),
    /// Chooses a theme.
    Themes(ThemeDialog),
    /// Shows the second keys of a key sequence.
    WhichKey,
    /// Shows a label on everything that can be clicked.
    Jump(JumpDialog),
    /// Shows a problem.
    Problem(ProblemDialog),
}

/// Action that a dialog asks the application to carry out.
pub enum DialogAction {
    /// Runs a command.
    Run(CommandAction),
    /// Identifies a pasted secret.
    Identify(Arc<Secret>),
    /// Identifies the private key in the file at this path.
    IdentifyFile(String),
    /// Stores a new credential.
    AddCredential(Box<NewCredential>, ClassifyPolicy),
    /// Signs in with the browser.
    SignIn(SignInSubject),
    /// Hands over the callback URL that the user pasted.
    ReplyToPrompt(PromptId, PromptReply),
    /// Copies a text without secrets.
    CopyText(String),
    /// Changes a credential.
    EditCredential(CredentialId, Box<CredentialEdit>),
    /// Shows the screen in a theme without saving it.
    PreviewTheme(Box<Theme>, ThemeMode),
    /// Saves the theme of this name.
    SaveTheme(String),
    /// Clicks at this column and row.
    Click((u16, u16)),
    /// Selects a credential in the list.
    SelectCredential(CredentialId),
    /// Deletes a credential from tokenring.
    RemoveCredential(CredentialId),
    /// Switches a credential to a region.
    SwitchRegion(CredentialId, String),
    /// Tests a credential against every region.
    ProbeRegions(CredentialId),
    /// Selects a preset, with values for its placeholders.
    SelectPreset(String, BTreeMap<String, String>),
    /// Sets the request that the user wrote.
    SetRequest(RequestDraft, HistoryPolicy),
    /// Carries out an action of the console.
    Console(Box<ConsoleDialogAction>),
    /// Sends a request that the user confirmed.
    SendRequest(CredentialId, RequestDraft),
    /// Unlocks the store, with a passphrase or by the store's own prompt.
    UnlockStore(Option<Arc<Secret>>),
    /// Cancels a task.
    CancelTask(TaskId),
    /// Pauses a task before its next step.
    PauseTask(TaskId),
    /// Opens the hidden wizard of a task again.
    ShowWizard(TaskId),
    /// Opens the dialog that confirms the removal of a credential.
    ConfirmRemoval(RemovalTarget),
    /// Opens the wizard for an unfinished rotation: its ID, and the name of its credential.
    ResumeRotation(String, String),
    /// Starts a task of the rotation engine.
    RunRotationTask(Box<RotationTask>),
    /// Opens a page in the browser.
    OpenPage(url::Url),
    /// Imports credentials that the scan found.
    ImportCandidates(Vec<Arc<ImportCandidate>>),
    /// Exits and restarts in this way.
    Restart(RestartTarget),
    /// Exits, even if unsaved data is lost.
    Quit,
}

/// Action of the console that a dialog asks the application to carry out.
#[derive(Clone)]
pub enum ConsoleDialogAction {
    /// Saves the request under a name.
    SaveRequest(SavedRequestName),
    /// Asks for the new name of a saved request.
    PromptRename(SavedRequestName),
    /// Asks for the name of a copy of a saved request.
    PromptCopy(SavedRequestName),
    /// Asks for a confirmation before a saved request is deleted.
    ConfirmDelete(SavedRequestName),
    /// Changes the saved requests.
    RunSavedTask(SavedRequestTask),
    /// Opens a saved request.
    OpenSaved(SavedRequestName, Box<SavedRequest>),
    /// Saves the response body to this file.
    SaveResponse(String),
    /// Stores the captured secret with this index in the response under this name.
    StoreSecret(usize, CredentialName),
    /// Sends a request of the history again.
    Resend(Box<HistoryRecord>),
    /// Compares a request of the history with the latest response.
    Compare(Box<HistoryRecord>),
    /// Shows the history of all credentials.
    ShowFullHistory,
    /// Asks for a confirmation before the history is cleared.
    ConfirmClearHistory,
    /// Clears the history.
    ClearHistory,
    /// Selects a preset with these values, and sends it if it is read-only.
    RunPreset(String, BTreeMap<String, String>),
    /// Asks for the values of a preset's placeholders, in addition to the given ones.
    EnterParameters(String, BTreeMap<String, String>),
    /// Opens the documentation of a preset.
    OpenDocumentation(String),
    /// Imports a pasted curl command.
    ImportCurl(Zeroizing<String>),
    /// Opens a body in the user's editor.
    EditBody(String),
}

/// Result of an input to a dialog.
pub enum DialogResult {
    /// The dialog stays open.
    Stay,
    /// The dialog closes.
    Close,
    /// The application carries out the action; the dialog stays open until the action is done.
    RunAndStay(DialogAction),
    /// The application carries out the action, and the dialog closes.
    RunAndClose(DialogAction),
    /// The dialog is hidden; its task continues in the background.
    Hide,
}

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

impl Dialog {
    /// Handles a key.
    pub fn handle_key(&mut self, key: KeyPress, app: &App, now: Now) -> DialogResult {
        match self {
            Self::Rotation(wizard) => wizard.handle_key(key),
            Self::SignIn(sign_in) => sign_in.handle_key(key),
            Self::Themes(themes) => themes.handle_key(key),
            _ if key.code == KeySymbol::Esc => DialogResult::Close,
            Self::Picker(picker) => picker.handle_key(key),
            Self::TaskList(list) => list.handle_key(key, app),
            Self::Findings(findings) => findings.handle_key(key),
            Self::WhichKey => WhichKeyPopup::handle_key(key, app),
            Self::Jump(jump) => jump.handle_key(key),
            Self::Timeline(timeline) => timeline.handle_key(key),
            Self::CheckMatrix(matrix) => matrix.handle_key(key),
            Self::Problem(problem_dialog) => problem_dialog.handle_key(key),
            Self::Confirm(confirm) => confirm.handle_key(key),
            Self::Text(text_dialog) => text_dialog.handle_key(key),
            _ => {
                let event = self.form_mut().map(|form| form.handle_key(key));
                event.map_or(DialogResult::Stay, |event| self.handle_form_event(event, app, now))
            }
        }
    }

    /// Handles a pasted text.
    pub fn handle_paste(&mut self, text: &str, app: &App, now: Now) -> DialogResult {
        match self {
            Self::Picker(picker) => return picker.handle_paste(text),
            Self::Rotation(wizard) => return wizard.handle_paste(text),
            Self::CurlImport(_) => return CurlImportDialog::handle_paste(text),
            _ => {}
        }
        let event = self.form_mut().map(|form| form.paste(text));
        event.map_or(DialogResult::Stay, |event| self.handle_form_event(event, app, now))
    }

    /// Handles a click on a field, button or list item with this index.
    pub fn handle_click(&mut self, at: usize, app: &App, now: Now) -> DialogResult {
        match self {
            Self::Picker(picker) => picker.handle_click(at),
            Self::TaskList(list) => list.handle_click(at, app),
            Self::Timeline(timeline) => timeline.handle_click(at),
            Self::WhichKey => WhichKeyPopup::handle_click(at, app),
            Self::Themes(themes) => themes.handle_click(at),
            Self::CheckMatrix(matrix) => matrix.handle_click(at),
            Self::Confirm(confirm) => confirm.handle_click(at),
            Self::Rotation(wizard) => wizard.handle_click(at),
            Self::Problem(_) | Self::Text(_) => DialogResult::Close,
            _ => {
                let event = self.form_mut().map(|form| form.handle_click(at));
                event.map_or(DialogResult::Stay, |event| self.handle_form_event(event, app, now))
            }
        }
    }

    /// Builds the view of the dialog.
    pub fn view(&self, app: &App, now: Now) -> DialogView {
        match self {
            Self::Add(add) => add.view(),
            Self::Edit(edit) => edit.view(),
            Self::Rotation(wizard) => wizard.view(app, now),
            Self::Create(create) => create.view(),
            Self::SignIn(sign_in) => sign_in.view(now),
            Self::Confirm(confirm) => confirm.view(app.ui_state.presentation),
            Self::Unlock(unlock) => unlock.view(),
            Self::Picker(picker) => picker.view(),
            Self::Parameters(parameters) => parameters.view(),
            Self::RequestEditor(request) => request.view(),
            Self::TextPrompt(prompt) => prompt.view(),
            Self::CurlImport(_) => CurlImportDialog::view(),
            Self::Text(text_dialog) => text_dialog.view(),
            Self::TaskList(list) => list.view(app, now),
            Self::Findings(findings) => findings.view(),
            Self::Timeline(timeline) => timeline.view(app, now),
            Self::CheckMatrix(matrix) => matrix.view(app),
            Self::WhichKey => WhichKeyPopup::view(app),
            Self::Themes(themes) => themes.view(),
            Self::Jump(_) => JumpDialog::view(app),
            Self::Problem(problem_dialog) => problem_dialog.view(),
        }
    }

    /// Returns whether the dialog waits for a task, so that it accepts no input right now.
    pub fn is_busy(&self) -> bool {
        match self {
            Self::Rotation(wizard) => wizard.is_busy(),
            Self::SignIn(sign_in) => sign_in.is_busy(),
            _ => self.task().is_some() || self.identification_task().is_some(),
        }
    }

    fn form_mut(&mut self) -> Option<&mut Form> {
        match self {
            Self::Add(add) => Some(&mut add.form),
            Self::Edit(edit) => Some(&mut edit.form),
            Self::Unlock(unlock) => Some(&mut unlock.form),
            Self::Parameters(parameters) => Some(&mut parameters.form),
            Self::RequestEditor(request) => Some(&mut request.form),
            Self::Create(create) => Some(&mut create.form),
            Self::TextPrompt(prompt) => Some(&mut prompt.form),
            Self::CurlImport(_) | Self::Text(_) => None,
            Self::SignIn(sign_in) => Some(&mut sign_in.form),
            _ => None,
        }
    }

    fn handle_form_event(
        &mut self,
        event: super::form::FormEvent,
        app: &App,
        now: Now,
    ) -> DialogResult {
        match self {
            Self::Add(add) => add.handle_form_event(event, app),
            Self::Edit(edit) => edit.handle_form_event(event, app, now),
            Self::Unlock(unlock) => unlock.handle_form_event(event),
            Self::Parameters(parameters) => parameters.handle_form_event(event),
            Self::RequestEditor(request) => request.handle_form_event(event),
            Self::Create(create) => create.handle_form_event(event, app),
            Self::TextPrompt(prompt) => prompt.handle_form_event(event),
            Self::CurlImport(_) | Self::Text(_) => DialogResult::Stay,
            Self::SignIn(sign_in) => sign_in.handle_form_event(event),
            _ => DialogResult::Stay,
        }
    }

    /// Returns the task at whose end the dialog closes or shows a problem.
    fn task(&self) -> Option<TaskId> {
        match self {
            Self::Add(add) => add.task(),
            Self::Edit(edit) => edit.task(),
            Self::Unlock(unlock) => unlock.task(),
            Self::TextPrompt(prompt) => prompt.task(),
            Self::Findings(findings) => findings.task(),
            _ => None,
        }
    }

    /// Returns the task that identifies the pasted secret.
    fn identification_task(&self) -> Option<TaskId> {
        match self {
            Self::Add(add) => add.pasted.task(),
            Self::Edit(edit) => edit.pasted.task(),
            _ => None,
        }
    }
}
