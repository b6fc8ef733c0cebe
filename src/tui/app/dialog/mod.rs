//! Dialogs: a stack of a closed set. Input goes to the top one; Esc closes it. What a dialog wants done comes back as
//! an [`DialogAction`], so a dangerous thing is asked for in one step and carried out, with all it needs, in another.

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

/// A dialog.
pub enum Dialog {
    /// Add a credential.
    Add(Box<AddDialog>),
    /// Edit one.
    Edit(Box<EditDialog>),
    /// Replace one.
    Rotation(Box<RotationWizard>),
    /// Have one made.
    Create(Box<CreateDialog>),
    /// Sign in to one.
    SignIn(Box<SignInDialog>),
    /// Say yes to something.
    Confirm(Box<ConfirmDialog>),
    /// Unlock or create the store.
    Unlock(UnlockDialog),
    /// Pick a command, region or preset.
    Picker(PickerDialog),
    /// Give values for a preset's placeholders.
    Parameters(Box<ParametersDialog>),
    /// Edit the request.
    RequestEditor(Box<RequestEditorDialog>),
    /// Answer one question with a line.
    TextPrompt(Box<TextPromptDialog>),
    /// Paste a curl command.
    CurlImport(CurlImportDialog),
    /// Read a text.
    Text(TextDialog),
    /// Running and finished tasks.
    TaskList(TaskListDialog),
    /// What was found on this machine.
    Findings(FindingsDialog),
    /// What ends when.
    Timeline(TimelineDialog),
    /// Every credential in every region.
    CheckMatrix(CheckMatrixDialog),
    /// Choose a theme.
    Themes(ThemeDialog),
    /// What a second key can do.
    WhichKey,
    /// Labels on everything that can be clicked.
    Jump(JumpDialog),
    /// Something went wrong.
    Problem(ProblemDialog),
}

/// Something that a dialog wants done.
pub enum DialogAction {
    /// Run a command.
    Run(CommandAction),
    /// Say what a pasted secret may be.
    Identify(Arc<Secret>),
    /// Say what the private key in a file is for.
    IdentifyFile(String),
    /// Keep a new credential.
    AddCredential(Box<NewCredential>, ClassifyPolicy),
    /// Sign in with the browser.
    SignIn(SignInSubject),
    /// Hand over the address at which the browser ended.
    ReplyToPrompt(PromptId, PromptReply),
    /// Copy a text without secrets.
    CopyText(String),
    /// Change a credential.
    EditCredential(CredentialId, Box<CredentialEdit>),
    /// Let the screen wear a theme.
    PreviewTheme(Box<Theme>, ThemeMode),
    /// Keep a theme by its name.
    SaveTheme(String),
    /// Click at column and row.
    Click((u16, u16)),
    /// Select a credential in the list.
    SelectCredential(CredentialId),
    /// Forget a credential.
    RemoveCredential(CredentialId),
    /// Switch a credential to a region.
    SwitchRegion(CredentialId, String),
    /// Try a credential in every region.
    ProbeRegions(CredentialId),
    /// Take a preset, with values for its placeholders.
    SelectPreset(String, BTreeMap<String, String>),
    /// Take a request that was written by hand.
    SetRequest(RequestDraft, HistoryPolicy),
    /// Do something with the console.
    Console(Box<ConsoleDialogAction>),
    /// Send a request to which a person agreed.
    SendRequest(CredentialId, RequestDraft),
    /// Unlock the store, with a passphrase or by its own prompt.
    UnlockStore(Option<Arc<Secret>>),
    /// Stop a task.
    CancelTask(TaskId),
    /// Stop a task before its next step.
    PauseTask(TaskId),
    /// Show the wizard of a task again.
    ShowWizard(TaskId),
    /// Ask for the name before a credential ends.
    ConfirmRemoval(RemovalTarget),
    /// Open the wizard for a rotation that was left: its id, and the name of its credential.
    ResumeRotation(String, String),
    /// Do something about rotations.
    RunRotationTask(Box<RotationTask>),
    /// Open a page.
    OpenPage(url::Url),
    /// Keep what was found.
    ImportCandidates(Vec<Arc<ImportCandidate>>),
    /// Leave, and start again as this says.
    Restart(RestartTarget),
    /// Leave, whatever is lost by it.
    Quit,
}

/// Something that a dialog wants done with the console.
#[derive(Clone)]
pub enum ConsoleDialogAction {
    /// Keep the request under a name.
    SaveRequest(SavedRequestName),
    /// Ask how a saved request is to be called.
    PromptRename(SavedRequestName),
    /// Ask how a copy of a saved request is to be called.
    PromptCopy(SavedRequestName),
    /// Ask whether a saved request is to be forgotten.
    ConfirmDelete(SavedRequestName),
    /// Do this to the saved requests.
    RunSavedTask(SavedRequestTask),
    /// Take a saved request.
    OpenSaved(SavedRequestName, Box<SavedRequest>),
    /// Write the answer to this file.
    SaveResponse(String),
    /// Keep the fresh secret at this place of the answer under this name.
    StoreSecret(usize, CredentialName),
    /// Send a request of the history again.
    Resend(Box<HistoryRecord>),
    /// Compare a request of the history with the one that was answered last.
    Compare(Box<HistoryRecord>),
    /// Show the history of all credentials.
    ShowFullHistory,
    /// Ask whether the history is to be forgotten.
    ConfirmClearHistory,
    /// Forget the history.
    ClearHistory,
    /// Take a preset with these values, and send it if it only reads.
    RunPreset(String, BTreeMap<String, String>),
    /// Type the values of a preset's placeholders, beside those that are given.
    EnterParameters(String, BTreeMap<String, String>),
    /// Open where a preset is documented.
    OpenDocumentation(String),
    /// Take a request over from a pasted curl command.
    ImportCurl(Zeroizing<String>),
    /// Let the person's own editor change a body.
    EditBody(String),
}

/// What a dialog makes of an input.
pub enum DialogResult {
    /// It stays.
    Stay,
    /// It is over.
    Close,
    /// It wants something done, and stays until that is done.
    RunAndStay(DialogAction),
    /// It wants something done, and is over.
    RunAndClose(DialogAction),
    /// It goes on behind the screen.
    Hide,
}

/// The dialogs, the top one last.
#[derive(Default)]
pub struct DialogStack {
    open: Vec<Dialog>,
    /// Wizards of rotations that go on behind the screen.
    hidden: Vec<RotationWizard>,
}

impl DialogStack {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// The top one.
    pub fn top(&self) -> Option<&Dialog> {
        self.open.last()
    }

    /// All of them, the top one last.
    pub fn iter(&self) -> impl Iterator<Item = &Dialog> {
        self.open.iter()
    }

    /// Puts one on top.
    pub fn push(&mut self, dialog: Dialog) {
        self.open.push(dialog);
    }

    /// Takes the top one away.
    pub fn pop(&mut self) -> Option<Dialog> {
        self.open.pop()
    }

    /// Lets a dialog go on behind the screen; only wizards have something to go on with.
    pub fn hide_wizard(&mut self, dialog: Dialog) {
        if let Dialog::Rotation(wizard) = dialog {
            self.hidden.push(*wizard);
        }
    }

    /// Whether the wizard of this task is behind the screen.
    pub fn has_hidden_wizard(&self, task: TaskId) -> bool {
        self.hidden.iter().any(|wizard| wizard.waits_for(task))
    }

    /// Shows a wizard again that is behind the screen; says whether there is one.
    pub fn reopen_wizard(&mut self, wanted: impl Fn(&RotationWizard) -> bool) -> bool {
        let Some(at) = self.hidden.iter().position(wanted) else { return false };
        let wizard = self.hidden.swap_remove(at);
        self.open.push(Dialog::Rotation(Box::new(wizard)));
        true
    }

    /// Forgets a wizard behind the screen that has nothing more to say.
    pub fn remove_hidden_wizard(&mut self, task: TaskId) -> Option<RotationWizard> {
        let at = self.hidden.iter().position(|wizard| wizard.waits_for(task))?;
        Some(self.hidden.swap_remove(at))
    }

    /// The form from which a credential was made is of no more use.
    pub fn close_create_dialog(&mut self) {
        self.open.retain(|dialog| !matches!(dialog, Dialog::Create(_)));
    }

    /// The grid of verdicts, if it is open.
    pub fn check_matrix_mut(&mut self) -> Option<&mut CheckMatrixDialog> {
        self.open.iter_mut().find_map(|dialog| {
            if let Dialog::CheckMatrix(verdicts) = dialog { Some(verdicts) } else { None }
        })
    }

    /// The top dialog waits for this task from now on.
    pub fn set_task(&mut self, task: TaskId) {
        match self.open.last_mut() {
            Some(Dialog::Add(add)) => add.set_task(task),
            Some(Dialog::Edit(edit)) => edit.set_task(task),
            Some(Dialog::Unlock(unlock)) => unlock.set_task(task),
            Some(Dialog::TextPrompt(ask)) => ask.set_task(task),
            Some(Dialog::Rotation(rotate)) => rotate.set_task(task),
            Some(Dialog::Findings(survey)) => survey.set_task(task),
            Some(Dialog::SignIn(sign_in)) => sign_in.set_task(task),
            _ => {}
        }
    }

    /// The wizard that waits for what this task has to say.
    pub fn wizard_for_task(&mut self, task: TaskId) -> Option<&mut RotationWizard> {
        let open = self.open.iter_mut().filter_map(|dialog| {
            if let Dialog::Rotation(rotate) = dialog { Some(rotate) } else { None }
        });
        open.map(Box::as_mut).chain(&mut self.hidden).find(|wizard| wizard.waits_for(task))
    }

    /// Shows a list of which more can be made than to take one, in place of the one that is open.
    pub fn replace_shortcut_picker(&mut self, pick: PickerDialog) {
        self.open
            .retain(|dialog| !matches!(dialog, Dialog::Picker(known) if known.has_shortcuts()));
        self.open.push(Dialog::Picker(pick));
    }

    /// The editor has written a body; whether a dialog took it.
    pub fn apply_edited_body(&mut self, text: &str) -> bool {
        match self.open.last_mut() {
            Some(Dialog::RequestEditor(request)) => {
                request.set_body(text);
                true
            }
            _ => false,
        }
    }

    /// The sign-in that waits for what this task has to say.
    pub fn sign_in_for_task(&mut self, task: TaskId) -> Option<&mut SignInDialog> {
        self.open.iter_mut().find_map(|dialog| match dialog {
            Dialog::SignIn(sign_in) if sign_in.waits_for(task) => Some(sign_in.as_mut()),
            _ => None,
        })
    }

    /// The sign-in of this task did not come to its end. The form it was begun from says why, where there is one.
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

    /// A task was cancelled: forms that waited for it can be sent again, and a sign-in is over.
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

    /// When the top dialog shows something else by itself.
    pub fn next_wake(&self, now: Instant) -> Option<Instant> {
        match self.open.last() {
            Some(Dialog::SignIn(sign_in)) => sign_in.next_wake(now),
            Some(Dialog::Rotation(rotate)) => rotate.next_wake(now),
            _ => None,
        }
    }

    /// The top dialog waits for this task to say what was pasted.
    pub fn set_identification_task(&mut self, task: TaskId) {
        match self.open.last_mut() {
            Some(Dialog::Add(add)) => add.pasted.set_task(task),
            Some(Dialog::Edit(edit)) => edit.pasted.set_task(task),
            _ => {}
        }
    }

    /// It is known what was pasted; the dialog that waits for `task` takes it in.
    pub fn on_identified(&mut self, task: TaskId, event: CredentialEvent) {
        let waiting =
            self.open.iter_mut().find(|dialog| dialog.identification_task() == Some(task));
        match waiting {
            Some(Dialog::Add(add)) => add.apply_identification(event),
            Some(Dialog::Edit(edit)) => edit.pasted.apply_identification(event),
            _ => {}
        }
    }

    /// It is known what was looked for; the dialog that waits for `task` shows it.
    pub fn on_findings(&mut self, task: TaskId, found: Vec<Diagnostic>) {
        if let Some(Dialog::Findings(survey)) =
            self.open.iter_mut().find(|dialog| dialog.task() == Some(task))
        {
            survey.show_findings(found);
        }
    }

    /// A task ended well: the dialog that waited for it is over.
    pub fn on_task_done(&mut self, task: TaskId) {
        self.open.retain(|dialog| dialog.task() != Some(task));
    }

    /// A task ended badly: the dialog that waited for it says so. Without one, the problem comes back.
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
                Dialog::TextPrompt(ask) => ask.show_problem(problem),
                Dialog::Findings(survey) => survey.show_problem(problem),
                _ => return Some(problem),
            }
            return None;
        }
        Some(problem)
    }
}

impl Dialog {
    /// Takes a key in.
    pub fn handle_key(&mut self, key: KeyPress, app: &App, now: Now) -> DialogResult {
        match self {
            Self::Rotation(rotate) => rotate.handle_key(key),
            Self::SignIn(sign_in) => sign_in.handle_key(key),
            Self::Themes(themes) => themes.handle_key(key),
            _ if key.code == KeySymbol::Esc => DialogResult::Close,
            Self::Picker(pick) => pick.handle_key(key),
            Self::TaskList(list) => list.handle_key(key, app),
            Self::Findings(survey) => survey.handle_key(key),
            Self::WhichKey => WhichKeyPopup::handle_key(key, app),
            Self::Jump(jump) => jump.handle_key(key),
            Self::Timeline(timeline) => timeline.handle_key(key),
            Self::CheckMatrix(verdicts) => verdicts.handle_key(key),
            Self::Problem(notice) => notice.handle_key(key),
            Self::Confirm(confirm) => confirm.handle_key(key),
            Self::Text(reading) => reading.handle_key(key),
            _ => {
                let happened = self.form_mut().map(|form| form.handle_key(key));
                happened.map_or(DialogResult::Stay, |happened| {
                    self.handle_form_event(happened, app, now)
                })
            }
        }
    }

    /// Takes a pasted text in.
    pub fn handle_paste(&mut self, text: &str, app: &App, now: Now) -> DialogResult {
        match self {
            Self::Picker(pick) => return pick.handle_paste(text),
            Self::Rotation(rotate) => return rotate.handle_paste(text),
            Self::CurlImport(_) => return CurlImportDialog::handle_paste(text),
            _ => {}
        }
        let happened = self.form_mut().map(|form| form.paste(text));
        happened.map_or(DialogResult::Stay, |happened| self.handle_form_event(happened, app, now))
    }

    /// Takes a click on a field, button or list item in.
    pub fn handle_click(&mut self, at: usize, app: &App, now: Now) -> DialogResult {
        match self {
            Self::Picker(pick) => pick.handle_click(at),
            Self::TaskList(list) => list.handle_click(at, app),
            Self::Timeline(timeline) => timeline.handle_click(at),
            Self::WhichKey => WhichKeyPopup::handle_click(at, app),
            Self::Themes(themes) => themes.handle_click(at),
            Self::CheckMatrix(verdicts) => verdicts.handle_click(at),
            Self::Confirm(confirm) => confirm.handle_click(at),
            Self::Rotation(rotate) => rotate.handle_click(at),
            Self::Problem(_) | Self::Text(_) => DialogResult::Close,
            _ => {
                let happened = self.form_mut().map(|form| form.handle_click(at));
                happened.map_or(DialogResult::Stay, |happened| {
                    self.handle_form_event(happened, app, now)
                })
            }
        }
    }

    /// What it shows.
    pub fn view(&self, app: &App, now: Now) -> DialogView {
        match self {
            Self::Add(add) => add.view(),
            Self::Edit(edit) => edit.view(),
            Self::Rotation(rotate) => rotate.view(app, now),
            Self::Create(create) => create.view(),
            Self::SignIn(sign_in) => sign_in.view(now),
            Self::Confirm(confirm) => confirm.view(app.ui_state.presentation),
            Self::Unlock(unlock) => unlock.view(),
            Self::Picker(pick) => pick.view(),
            Self::Parameters(parameters) => parameters.view(),
            Self::RequestEditor(request) => request.view(),
            Self::TextPrompt(ask) => ask.view(),
            Self::CurlImport(_) => CurlImportDialog::view(),
            Self::Text(reading) => reading.view(),
            Self::TaskList(list) => list.view(app, now),
            Self::Findings(survey) => survey.view(),
            Self::Timeline(timeline) => timeline.view(app, now),
            Self::CheckMatrix(verdicts) => verdicts.view(app),
            Self::WhichKey => WhichKeyPopup::view(app),
            Self::Themes(themes) => themes.view(),
            Self::Jump(_) => JumpDialog::view(app),
            Self::Problem(notice) => notice.view(),
        }
    }

    /// Whether it waits for a task, so that nothing can be said to it right now.
    pub fn is_busy(&self) -> bool {
        match self {
            Self::Rotation(rotate) => rotate.is_busy(),
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
            Self::TextPrompt(ask) => Some(&mut ask.form),
            Self::CurlImport(_) | Self::Text(_) => None,
            Self::SignIn(sign_in) => Some(&mut sign_in.form),
            _ => None,
        }
    }

    fn handle_form_event(
        &mut self,
        happened: super::form::FormEvent,
        app: &App,
        now: Now,
    ) -> DialogResult {
        match self {
            Self::Add(add) => add.handle_form_event(happened, app),
            Self::Edit(edit) => edit.handle_form_event(happened, app, now),
            Self::Unlock(unlock) => unlock.handle_form_event(happened),
            Self::Parameters(parameters) => parameters.handle_form_event(happened),
            Self::RequestEditor(request) => request.handle_form_event(happened),
            Self::Create(create) => create.handle_form_event(happened, app),
            Self::TextPrompt(ask) => ask.handle_form_event(happened),
            Self::CurlImport(_) | Self::Text(_) => DialogResult::Stay,
            Self::SignIn(sign_in) => sign_in.handle_form_event(happened),
            _ => DialogResult::Stay,
        }
    }

    /// The task whose end it waits for.
    fn task(&self) -> Option<TaskId> {
        match self {
            Self::Add(add) => add.task(),
            Self::Edit(edit) => edit.task(),
            Self::Unlock(unlock) => unlock.task(),
            Self::TextPrompt(ask) => ask.task(),
            Self::Findings(survey) => survey.task(),
            _ => None,
        }
    }

    /// The task that is to say what was pasted.
    fn identification_task(&self) -> Option<TaskId> {
        match self {
            Self::Add(add) => add.pasted.task(),
            Self::Edit(edit) => edit.pasted.task(),
            _ => None,
        }
    }
}
