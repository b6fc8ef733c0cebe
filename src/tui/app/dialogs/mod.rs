//! Dialogs of the full-screen interface, and the stack that holds the open ones.
//!
//! Each dialog has its own module and implements [`Dialog`]; a dialog that is a form needs little
//! more than its fields and what its buttons do. A dialog never acts on the application itself. It
//! returns a [`DialogResult`]; the application carries out the [`DialogAction`] in it. So a
//! dangerous action is confirmed in one step and carried out, with all its data, in another.
//! Start reading at [`Dialog`]; example: `unlock.rs`. Layout is in `dialog_view`, drawing in
//! `tui::view::dialog`.

mod action;
mod confirm;
mod jump;
pub(in crate::tui::app) mod picker;
mod question;
mod stack;
pub(in crate::tui::app) mod text;
mod themes;
mod unlock;

use std::any::Any;
use std::time::Instant;

pub use crate::tui::app::dialogs::action::DialogTask;
pub use crate::tui::app::dialogs::text::ProblemDialog;
pub use action::{AppCall, DialogAction, DialogResult, TaskRequest};
pub use confirm::{ConfirmDialog, quit};
pub use jump::JumpDialog;
pub use picker::{PICKER_COLUMNS, PickerDialog, PickerItem, PickerShortcut, ShortcutAction};
pub use question::{
    ButtonQuestion, DialogAnswer, DialogQuestion, FieldQuestion, ListQuestion, ListShortcut,
    QuestionOption, QuestionValue,
};
pub use stack::{DialogSlot, DialogStack};
pub use text::TextDialog;
pub use themes::ThemeDialog;
pub use unlock::{UNLOCK_TITLE, UnlockDialog, UnlockPurpose};

use super::{App, Now};
use crate::config::KeyPress;
use crate::engine::background::protocol::{TaskEvent, TaskId};
use crate::tui::app::widgets::dialog_view::DialogView;
use crate::tui::app::widgets::form::{Form, FormEvent, ValueRequest};

/// Key that lists the values of a field.
const LIST_VALUES_KEY: KeyPress = KeyPress::ctrl('o');

/// A dialog. The top dialog of the stack receives the input.
///
/// The defaults are those of a form: keys, pastes, clicks and answers go to [`Dialog::form_mut`],
/// and what they change to [`Dialog::handle_form_event`].
pub trait Dialog: Any + Send {
    /// Returns the path of the dialog's type.
    fn type_name(&self) -> &'static str {
        std::any::type_name::<Self>()
    }

    /// Builds the view of the dialog.
    fn view(&self, app: &App, now: Now) -> DialogView;

    /// Returns the form of the dialog, if it is one.
    fn form(&self) -> Option<&Form> {
        None
    }

    /// Returns the form of the dialog for changes.
    fn form_mut(&mut self) -> Option<&mut Form> {
        None
    }

    /// Handles an event of the form.
    fn handle_form_event(&mut self, _event: FormEvent, _app: &App, _now: Now) -> DialogResult {
        DialogResult::Stay
    }

    /// Handles Esc.
    fn dismiss(&mut self) -> DialogResult {
        DialogResult::Close
    }

    /// Handles a key other than Esc.
    fn handle_key(&mut self, key: KeyPress, app: &App, now: Now) -> DialogResult {
        if key == LIST_VALUES_KEY
            && let Some(request) = self.form().and_then(Form::value_request)
        {
            return list_values(request);
        }
        let event = self.form_mut().map(|form| form.handle_key(key));
        event.map_or(DialogResult::Stay, |event| self.handle_form_event(event, app, now))
    }

    /// Handles a pasted text.
    fn handle_paste(&mut self, text: &str, app: &App, now: Now) -> DialogResult {
        let event = self.form_mut().map(|form| form.paste(text));
        event.map_or(DialogResult::Stay, |event| self.handle_form_event(event, app, now))
    }

    /// Handles a click on a field, button or list item with this index.
    fn handle_click(&mut self, at: usize, app: &App, now: Now) -> DialogResult {
        let event = self.form_mut().map(|form| form.handle_click(at));
        event.map_or(DialogResult::Stay, |event| self.handle_form_event(event, app, now))
    }

    /// Returns the question that plain-text mode asks next.
    fn next_question(&self, _app: &App, _now: Now) -> DialogQuestion {
        self.form().map_or(DialogQuestion::ReadOnly, Form::question)
    }

    /// Handles the answer to the question.
    fn answer(&mut self, answer: DialogAnswer<'_>, app: &App, now: Now) -> DialogResult {
        answer_form(self, answer, app, now)
    }

    /// Returns whether the user may have entered something that is lost when the dialog closes.
    fn has_fields(&self) -> bool {
        self.form().is_some_and(|form| !form.fields.is_empty())
    }

    /// Returns whether characters are text in this dialog, and not keys of their own.
    fn takes_text(&self) -> bool {
        self.has_fields()
    }

    /// Returns the task that closes the dialog when it is done.
    fn task(&self) -> Option<&DialogTask> {
        None
    }

    /// Returns the task that closes the dialog when it is done, for changes.
    fn task_mut(&mut self) -> Option<&mut DialogTask> {
        None
    }

    /// Makes the dialog wait for a task that it has started.
    fn set_task(&mut self, task: TaskId) {
        if let Some(own) = self.task_mut() {
            own.start(task);
        }
    }

    /// Returns whether the dialog waits for this task.
    fn waits_for(&self, task: TaskId) -> bool {
        self.task().is_some_and(|own| own.waits_for(task))
    }

    /// Returns whether the dialog waits for a task, so that it accepts no input right now.
    fn is_busy(&self) -> bool {
        self.task().is_some_and(DialogTask::is_running)
    }

    /// Handles an event of a task that the dialog waits for.
    fn on_task(&mut self, _task: TaskId, event: TaskEvent, _app: &App, _now: Now) -> DialogResult {
        self.task_mut().map_or(DialogResult::Stay, |own| own.handle_event(event))
    }

    /// Returns when the dialog must be redrawn without input.
    fn next_wake(&self, _now: Instant) -> Option<Instant> {
        None
    }

    /// Returns whether this is the question of a locked screen.
    fn is_screen_lock(&self) -> bool {
        false
    }
}

/// Lets the user choose the value of a field from a list of the provider.
fn list_values(request: ValueRequest) -> DialogResult {
    DialogResult::RunAndStay(DialogAction::call(|app, now| app.list_values(request, now)))
}

/// Applies an answer to the form of a dialog. A value that the form accepts moves the focus on to
/// the next field.
pub(in crate::tui::app) fn answer_form(
    dialog: &mut (impl Dialog + ?Sized),
    answer: DialogAnswer<'_>,
    app: &App,
    now: Now,
) -> DialogResult {
    if matches!(answer, DialogAnswer::ListValues) {
        let request = dialog.form().and_then(Form::value_request);
        return request.map_or(DialogResult::Stay, list_values);
    }
    let Some(form) = dialog.form_mut() else { return DialogResult::Stay };
    let before = form.focus;
    let event = form.answer(answer);
    let result = dialog.handle_form_event(event, app, now);
    let is_value = matches!(answer, DialogAnswer::Text(_) | DialogAnswer::Select(_));
    if !is_value || !matches!(result, DialogResult::Stay) || dialog.is_busy() {
        return result;
    }
    let is_accepted = |form: &&mut Form| form.focus == before && !form.has_focused_problem();
    match dialog.form_mut().filter(is_accepted).map(Form::leave_field) {
        Some(event) => dialog.handle_form_event(event, app, now),
        None => result,
    }
}
