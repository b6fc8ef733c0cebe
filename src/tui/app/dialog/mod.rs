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
mod stack;
mod task_list;
mod text;
mod text_prompt;
mod themes;
mod timeline;
mod unlock;
mod which_key;

use std::collections::BTreeMap;
use std::sync::Arc;

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
pub use stack::DialogStack;
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
use crate::domain::request::{RequestDraft, SavedRequest, SavedRequestName};
use crate::domain::rotation::RotationPlan;
use crate::domain::{CredentialId, CredentialName, Secret};
use crate::engine::task_protocol::ImportCandidate;
use crate::engine::task_protocol::{
    ClassifyPolicy, CredentialEdit, HistoryPolicy, HistoryRecord, NewCredential, PromptId,
    PromptReply, RotationTask, SavedRequestTask, SignInSubject, TaskId,
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
    /// Copies the secret of a credential through the terminal.
    CopySecret(CredentialId),
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
    /// Starts a planned rotation, after a confirmation if the credential requires one.
    StartRotation(Box<RotationPlan>),
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

    /// Returns whether characters are text in this dialog, and not keys of their own.
    pub fn takes_text(&self) -> bool {
        match self {
            Self::Confirm(confirm) => confirm.takes_text(),
            Self::Text(_)
            | Self::TaskList(_)
            | Self::Findings(_)
            | Self::Timeline(_)
            | Self::CheckMatrix(_)
            | Self::Themes(_)
            | Self::WhichKey
            | Self::Jump(_)
            | Self::Problem(_) => false,
            _ => true,
        }
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

    /// Returns whether this is the question of a locked screen.
    pub fn is_screen_lock(&self) -> bool {
        matches!(self, Self::Unlock(unlock) if unlock.is_screen_lock())
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
