//! Dialogs: a stack of a closed set. Input goes to the top one; Esc closes it. What a dialog wants done comes back as
//! an [`Intent`], so a dangerous thing is asked for in one step and carried out, with all it needs, in another.

mod activity;
mod add;
mod ask;
mod confirm;
mod create;
mod edit;
mod import;
mod jump;
mod parameters;
mod pasted;
mod pick;
mod problem;
mod reading;
mod request;
mod rotate;
mod sign_in;
mod survey;
mod themes;
mod timeline;
mod unlock;
mod verdicts;
mod which;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

pub use activity::ActivityList;
pub use add::Add;
pub use ask::{Ask, Asked};
pub use confirm::Confirm;
pub use create::Create;
pub use edit::EditCredential;
pub use import::{Import, is_curl};
pub use jump::Jump;
pub use parameters::Parameters;
pub use pick::{Extra, Pick, PickItem, Picked, Removal};
pub use problem::Notice;
pub use reading::Reading;
pub use request::Request;
pub use rotate::Rotate;
pub use sign_in::SignIn;
pub use survey::Survey;
pub use themes::Themes;
pub use timeline::Timeline;
pub use unlock::{Purpose, Unlock};
pub use verdicts::Verdicts;
pub use which::Which;

use super::command::CommandAction;
use super::form::Form;
use super::sheet::DialogView;
use super::{App, Now, RestartTarget, ThemeMode};
use zeroize::Zeroizing;

use crate::config::KeyPress;
use crate::config::key::KeySymbol;
use crate::config::theme::Theme;
use crate::domain::problem::Problem;
use crate::domain::request::{RequestDraft, SavedRequest, SavedRequestName};
use crate::domain::{CredentialId, CredentialName, Secret};
use crate::engine::message::ImportCandidate;
use crate::engine::message::{
    ClassifyPolicy, CredentialEdit, CredentialEvent, Diagnostic, HistoryPolicy, HistoryRecord, NewCredential, PromptId,
    PromptReply, RotationTask, SavedRequestTask, SignInSubject, TaskId,
};

/// A dialog.
pub enum Dialog {
    /// Add a credential.
    Add(Box<Add>),
    /// Edit one.
    Edit(Box<EditCredential>),
    /// Replace one.
    Rotate(Box<Rotate>),
    /// Have one made.
    Create(Box<Create>),
    /// Sign in to one.
    SignIn(Box<SignIn>),
    /// Say yes to something.
    Confirm(Box<Confirm>),
    /// Unlock or create the store.
    Unlock(Unlock),
    /// Pick a command, region or preset.
    Pick(Pick),
    /// Give values for a preset's placeholders.
    Parameters(Box<Parameters>),
    /// Edit the request.
    Request(Box<Request>),
    /// Answer one question with a line.
    Ask(Box<Ask>),
    /// Paste a curl command.
    Import(Import),
    /// Read a text.
    Reading(Reading),
    /// Running and finished tasks.
    Activity(ActivityList),
    /// What was found on this machine.
    Survey(Survey),
    /// What ends when.
    Timeline(Timeline),
    /// Every credential in every region.
    Verdicts(Verdicts),
    /// Choose a theme.
    Themes(Themes),
    /// What a second key can do.
    Which,
    /// Labels on everything that can be clicked.
    Jump(Jump),
    /// Something went wrong.
    Problem(Notice),
}

/// Something that a dialog wants done.
pub enum Intent {
    /// Run a command.
    Run(CommandAction),
    /// Say what a pasted secret may be.
    Identify(Arc<Secret>),
    /// Say what the private key in a file is for.
    IdentifyFile(String),
    /// Keep a new credential.
    Add(Box<NewCredential>, ClassifyPolicy),
    /// Sign in with the browser.
    SignIn(SignInSubject),
    /// Hand over the address at which the browser ended.
    PasteAnswer(PromptId, PromptReply),
    /// Copy a text without secrets.
    CopyText(String),
    /// Change a credential.
    Edit(CredentialId, Box<CredentialEdit>),
    /// Let the screen wear a theme.
    Wear(Box<Theme>, ThemeMode),
    /// Keep a theme by its name.
    KeepTheme(String),
    /// Click at column and row.
    Press((u16, u16)),
    /// Select a credential in the list.
    Show(CredentialId),
    /// Forget a credential.
    Remove(CredentialId),
    /// Switch a credential to a region.
    Switch(CredentialId, String),
    /// Try a credential in every region.
    Probe(CredentialId),
    /// Take a preset, with values for its placeholders.
    Preset(String, BTreeMap<String, String>),
    /// Take a request that was written by hand.
    Write(RequestDraft, HistoryPolicy),
    /// Do something with the console.
    Console(Box<ConsoleIntent>),
    /// Send a request to which a person agreed.
    Send(CredentialId, RequestDraft),
    /// Unlock the store, with a passphrase or by its own prompt.
    Unlock(Option<Arc<Secret>>),
    /// Stop a task.
    Cancel(TaskId),
    /// Stop a task before its next step.
    Pause(TaskId),
    /// Show the wizard of a task again.
    Reopen(TaskId),
    /// Ask for the name before a credential ends.
    Removal(Removal),
    /// Open the wizard for a rotation that was left: its id, and the name of its credential.
    TakeUp(String, String),
    /// Do something about rotations.
    Rotation(Box<RotationTask>),
    /// Open a page.
    Open(url::Url),
    /// Keep what was found.
    Import(Vec<Arc<ImportCandidate>>),
    /// Leave, and start again as this says.
    Leave(RestartTarget),
    /// Leave, whatever is lost by it.
    Quit,
}

/// Something that a dialog wants done with the console.
#[derive(Clone)]
pub enum ConsoleIntent {
    /// Keep the request under a name.
    Save(SavedRequestName),
    /// Ask how a saved request is to be called.
    Rename(SavedRequestName),
    /// Ask how a copy of a saved request is to be called.
    Copy(SavedRequestName),
    /// Ask whether a saved request is to be forgotten.
    Delete(SavedRequestName),
    /// Do this to the saved requests.
    Saved(SavedRequestTask),
    /// Take a saved request.
    Open(SavedRequestName, Box<SavedRequest>),
    /// Write the answer to this file.
    Write(String),
    /// Keep the fresh secret at this place of the answer under this name.
    Keep(usize, CredentialName),
    /// Send a request of the history again.
    Resend(Box<HistoryRecord>),
    /// Compare a request of the history with the one that was answered last.
    Compare(Box<HistoryRecord>),
    /// Show the history of all credentials.
    WholeHistory,
    /// Ask whether the history is to be forgotten.
    AskForget,
    /// Forget the history.
    Forget,
    /// Take a preset with these values, and send it if it only reads.
    Walk(String, BTreeMap<String, String>),
    /// Type the values of a preset's placeholders, beside those that are given.
    Type(String, BTreeMap<String, String>),
    /// Open where a preset is documented.
    Documentation(String),
    /// Take a request over from a pasted curl command.
    Import(Zeroizing<String>),
    /// Let the person's own editor change a body.
    Edit(String),
}

/// What a dialog makes of an input.
pub enum Outcome {
    /// It stays.
    Stay,
    /// It is over.
    Close,
    /// It wants something done, and stays until that is done.
    Ask(Intent),
    /// It wants something done, and is over.
    Finish(Intent),
    /// It goes on behind the screen.
    Hide,
}

/// The dialogs, the top one last.
#[derive(Default)]
pub struct Stack {
    open: Vec<Dialog>,
    /// Wizards of rotations that go on behind the screen.
    hidden: Vec<Rotate>,
}

impl Stack {
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
    pub fn hide(&mut self, dialog: Dialog) {
        if let Dialog::Rotate(wizard) = dialog {
            self.hidden.push(*wizard);
        }
    }

    /// Whether the wizard of this task is behind the screen.
    pub fn hides(&self, task: TaskId) -> bool {
        self.hidden.iter().any(|wizard| wizard.waits_for(task))
    }

    /// Shows a wizard again that is behind the screen; says whether there is one.
    pub fn reopen(&mut self, wanted: impl Fn(&Rotate) -> bool) -> bool {
        let Some(at) = self.hidden.iter().position(wanted) else { return false };
        let wizard = self.hidden.swap_remove(at);
        self.open.push(Dialog::Rotate(Box::new(wizard)));
        true
    }

    /// Forgets a wizard behind the screen that has nothing more to say.
    pub fn forget_hidden(&mut self, task: TaskId) -> Option<Rotate> {
        let at = self.hidden.iter().position(|wizard| wizard.waits_for(task))?;
        Some(self.hidden.swap_remove(at))
    }

    /// The form from which a credential was made is of no more use.
    pub fn close_creation(&mut self) {
        self.open.retain(|dialog| !matches!(dialog, Dialog::Create(_)));
    }

    /// The grid of verdicts, if it is open.
    pub fn verdicts(&mut self) -> Option<&mut Verdicts> {
        self.open.iter_mut().find_map(|dialog| if let Dialog::Verdicts(verdicts) = dialog { Some(verdicts) } else { None })
    }

    /// The top dialog waits for this task from now on.
    pub fn wait(&mut self, task: TaskId) {
        match self.open.last_mut() {
            Some(Dialog::Add(add)) => add.wait(task),
            Some(Dialog::Edit(edit)) => edit.wait(task),
            Some(Dialog::Unlock(unlock)) => unlock.wait(task),
            Some(Dialog::Ask(ask)) => ask.wait(task),
            Some(Dialog::Rotate(rotate)) => rotate.wait(task),
            Some(Dialog::Survey(survey)) => survey.wait(task),
            Some(Dialog::SignIn(sign_in)) => sign_in.wait(task),
            _ => {}
        }
    }

    /// The wizard that waits for what this task has to say.
    pub fn wizard(&mut self, task: TaskId) -> Option<&mut Rotate> {
        let open =
            self.open.iter_mut().filter_map(|dialog| if let Dialog::Rotate(rotate) = dialog { Some(rotate) } else { None });
        open.map(Box::as_mut).chain(&mut self.hidden).find(|wizard| wizard.waits_for(task))
    }

    /// Shows a list of which more can be made than to take one, in place of the one that is open.
    pub fn replace_shelf(&mut self, pick: Pick) {
        self.open.retain(|dialog| !matches!(dialog, Dialog::Pick(known) if known.has_extras()));
        self.open.push(Dialog::Pick(pick));
    }

    /// The editor has written a body; whether a dialog took it.
    pub fn take_edited(&mut self, text: &str) -> bool {
        match self.open.last_mut() {
            Some(Dialog::Request(request)) => {
                request.set_body(text);
                true
            }
            _ => false,
        }
    }

    /// The sign-in that waits for what this task has to say.
    pub fn sign_in(&mut self, task: TaskId) -> Option<&mut SignIn> {
        self.open.iter_mut().find_map(|dialog| match dialog {
            Dialog::SignIn(sign_in) if sign_in.waits_for(task) => Some(sign_in.as_mut()),
            _ => None,
        })
    }

    /// The sign-in of this task did not come to its end. The form it was begun from says why, where there is one.
    pub fn sign_in_failed(&mut self, task: TaskId, problem: Problem) {
        let form = self.open.iter_mut().find_map(|dialog| match dialog {
            Dialog::Add(add) if add.task() == Some(task) => Some(add),
            _ => None,
        });
        if let Some(add) = form {
            add.fail(problem);
            self.open.retain(|dialog| !matches!(dialog, Dialog::SignIn(sign_in) if sign_in.waits_for(task)));
        } else if let Some(sign_in) = self.sign_in(task) {
            sign_in.fail(problem);
        }
    }

    /// A task was cancelled: forms that waited for it can be sent again, and a sign-in is over.
    pub fn cancelled(&mut self, task: TaskId) {
        for dialog in &mut self.open {
            match dialog {
                Dialog::Add(add) if add.task() == Some(task) => add.cancelled(),
                Dialog::Edit(edit) if edit.task() == Some(task) => edit.cancelled(),
                Dialog::Unlock(unlock) if unlock.task() == Some(task) => unlock.cancelled(),
                _ => {}
            }
        }
        self.open.retain(|dialog| !matches!(dialog, Dialog::SignIn(sign_in) if sign_in.waits_for(task)));
    }

    /// When the top dialog shows something else by itself.
    pub fn next_wake(&self, now: Instant) -> Option<Instant> {
        match self.open.last() {
            Some(Dialog::SignIn(sign_in)) => sign_in.next_wake(now),
            Some(Dialog::Rotate(rotate)) => rotate.next_wake(now),
            _ => None,
        }
    }

    /// The top dialog waits for this task to say what was pasted.
    pub fn wait_for_identification(&mut self, task: TaskId) {
        match self.open.last_mut() {
            Some(Dialog::Add(add)) => add.pasted.wait(task),
            Some(Dialog::Edit(edit)) => edit.pasted.wait(task),
            _ => {}
        }
    }

    /// It is known what was pasted; the dialog that waits for `task` takes it in.
    pub fn identified(&mut self, task: TaskId, event: CredentialEvent) {
        let waiting = self.open.iter_mut().find(|dialog| dialog.pasted_task() == Some(task));
        match waiting {
            Some(Dialog::Add(add)) => add.identified(event),
            Some(Dialog::Edit(edit)) => edit.pasted.take(event),
            _ => {}
        }
    }

    /// It is known what was looked for; the dialog that waits for `task` shows it.
    pub fn surveyed(&mut self, task: TaskId, found: Vec<Diagnostic>) {
        if let Some(Dialog::Survey(survey)) = self.open.iter_mut().find(|dialog| dialog.task() == Some(task)) {
            survey.take(found);
        }
    }

    /// A task ended well: the dialog that waited for it is over.
    pub fn done(&mut self, task: TaskId) {
        self.open.retain(|dialog| dialog.task() != Some(task));
    }

    /// A task ended badly: the dialog that waited for it says so. Without one, the problem comes back.
    pub fn failed(&mut self, task: TaskId, problem: Problem) -> Option<Problem> {
        for dialog in &mut self.open {
            let identifies = dialog.pasted_task() == Some(task);
            if !identifies && dialog.task() != Some(task) {
                continue;
            }
            match dialog {
                Dialog::Add(add) if identifies => add.refuse(&problem),
                Dialog::Edit(edit) if identifies => edit.pasted.refuse(&problem, &mut edit.form),
                Dialog::Add(add) => add.fail(problem),
                Dialog::Edit(edit) => edit.fail(problem),
                Dialog::Unlock(unlock) => unlock.fail(problem),
                Dialog::Ask(ask) => ask.fail(problem),
                Dialog::Survey(survey) => survey.fail(problem),
                _ => return Some(problem),
            }
            return None;
        }
        Some(problem)
    }
}

impl Dialog {
    /// Takes a key in.
    pub fn key(&mut self, key: KeyPress, app: &App, now: Now) -> Outcome {
        match self {
            Self::Rotate(rotate) => rotate.key(key),
            Self::SignIn(sign_in) => sign_in.key(key),
            Self::Themes(themes) => themes.key(key),
            _ if key.code == KeySymbol::Esc => Outcome::Close,
            Self::Pick(pick) => pick.key(key),
            Self::Activity(list) => list.key(key, app),
            Self::Survey(survey) => survey.key(key),
            Self::Which => Which::key(key, app),
            Self::Jump(jump) => jump.key(key),
            Self::Timeline(timeline) => timeline.key(key),
            Self::Verdicts(verdicts) => verdicts.key(key),
            Self::Problem(notice) => notice.key(key),
            Self::Confirm(confirm) => confirm.key(key),
            Self::Reading(reading) => reading.key(key),
            _ => {
                let happened = self.form_mut().map(|form| form.handle_key(key));
                happened.map_or(Outcome::Stay, |happened| self.react(happened, app, now))
            }
        }
    }

    /// Takes a pasted text in.
    pub fn paste(&mut self, text: &str, app: &App, now: Now) -> Outcome {
        match self {
            Self::Pick(pick) => return pick.paste(text),
            Self::Rotate(rotate) => return rotate.paste(text),
            Self::Import(_) => return Import::paste(text),
            _ => {}
        }
        let happened = self.form_mut().map(|form| form.paste(text));
        happened.map_or(Outcome::Stay, |happened| self.react(happened, app, now))
    }

    /// Takes a click on a field, button or list item in.
    pub fn click(&mut self, at: usize, app: &App, now: Now) -> Outcome {
        match self {
            Self::Pick(pick) => pick.click(at),
            Self::Activity(list) => list.click(at, app),
            Self::Timeline(timeline) => timeline.click(at),
            Self::Which => Which::click(at, app),
            Self::Themes(themes) => themes.click(at),
            Self::Verdicts(verdicts) => verdicts.click(at),
            Self::Confirm(confirm) => confirm.click(at),
            Self::Rotate(rotate) => rotate.click(at),
            Self::Problem(_) | Self::Reading(_) => Outcome::Close,
            _ => {
                let happened = self.form_mut().map(|form| form.handle_click(at));
                happened.map_or(Outcome::Stay, |happened| self.react(happened, app, now))
            }
        }
    }

    /// What it shows.
    pub fn sheet(&self, app: &App, now: Now) -> DialogView {
        match self {
            Self::Add(add) => add.sheet(),
            Self::Edit(edit) => edit.sheet(),
            Self::Rotate(rotate) => rotate.sheet(app, now),
            Self::Create(create) => create.sheet(),
            Self::SignIn(sign_in) => sign_in.sheet(now),
            Self::Confirm(confirm) => confirm.sheet(app.ui_state.presentation),
            Self::Unlock(unlock) => unlock.sheet(),
            Self::Pick(pick) => pick.sheet(),
            Self::Parameters(parameters) => parameters.sheet(),
            Self::Request(request) => request.sheet(),
            Self::Ask(ask) => ask.sheet(),
            Self::Import(_) => Import::sheet(),
            Self::Reading(reading) => reading.sheet(),
            Self::Activity(list) => list.sheet(app, now),
            Self::Survey(survey) => survey.sheet(),
            Self::Timeline(timeline) => timeline.sheet(app, now),
            Self::Verdicts(verdicts) => verdicts.sheet(app),
            Self::Which => Which::sheet(app),
            Self::Themes(themes) => themes.sheet(),
            Self::Jump(_) => Jump::sheet(app),
            Self::Problem(notice) => notice.sheet(),
        }
    }

    /// Whether it waits for a task, so that nothing can be said to it right now.
    pub fn is_busy(&self) -> bool {
        match self {
            Self::Rotate(rotate) => rotate.is_busy(),
            Self::SignIn(sign_in) => sign_in.is_busy(),
            _ => self.task().is_some() || self.pasted_task().is_some(),
        }
    }

    fn form_mut(&mut self) -> Option<&mut Form> {
        match self {
            Self::Add(add) => Some(&mut add.form),
            Self::Edit(edit) => Some(&mut edit.form),
            Self::Unlock(unlock) => Some(&mut unlock.form),
            Self::Parameters(parameters) => Some(&mut parameters.form),
            Self::Request(request) => Some(&mut request.form),
            Self::Create(create) => Some(&mut create.form),
            Self::Ask(ask) => Some(&mut ask.form),
            Self::Import(_) | Self::Reading(_) => None,
            Self::SignIn(sign_in) => Some(&mut sign_in.form),
            _ => None,
        }
    }

    fn react(&mut self, happened: super::form::FormEvent, app: &App, now: Now) -> Outcome {
        match self {
            Self::Add(add) => add.react(happened, app),
            Self::Edit(edit) => edit.react(happened, app, now),
            Self::Unlock(unlock) => unlock.react(happened),
            Self::Parameters(parameters) => parameters.react(happened),
            Self::Request(request) => request.react(happened),
            Self::Create(create) => create.react(happened, app),
            Self::Ask(ask) => ask.react(happened),
            Self::Import(_) | Self::Reading(_) => Outcome::Stay,
            Self::SignIn(sign_in) => sign_in.react(happened),
            _ => Outcome::Stay,
        }
    }

    /// The task whose end it waits for.
    fn task(&self) -> Option<TaskId> {
        match self {
            Self::Add(add) => add.task(),
            Self::Edit(edit) => edit.task(),
            Self::Unlock(unlock) => unlock.task(),
            Self::Ask(ask) => ask.task(),
            Self::Survey(survey) => survey.task(),
            _ => None,
        }
    }

    /// The task that is to say what was pasted.
    fn pasted_task(&self) -> Option<TaskId> {
        match self {
            Self::Add(add) => add.pasted.task(),
            Self::Edit(edit) => edit.pasted.task(),
            _ => None,
        }
    }
}
