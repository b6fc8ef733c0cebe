//! Confirmation dialog for actions that contact a server or cannot be undone.
//!
//! The focus starts on Cancel, where Enter closes the dialog. If a name must be typed, the action
//! button does nothing until the text matches. Start reading at [`ConfirmDialog::new`].

use tui_input::Input;

use super::{ButtonQuestion, Dialog, DialogAction, DialogAnswer, DialogQuestion, DialogResult};
use crate::config::KeyPress;
use crate::config::key::KeySymbol;
use crate::domain::CredentialId;
use crate::engine::background::protocol::{BackgroundTask, CredentialTask};
use crate::tui::app::widgets::dialog_view::{
    ButtonView, DialogRow, DialogView, FieldValue, FieldView,
};
use crate::tui::app::widgets::form::{FormButton, edit_input};
use crate::tui::app::{App, Now, PresentationMode};

/// Label of the field for the word to type.
const NAME_LABEL: &str = "Name";

/// Confirmation dialog, and the action that it confirms.
pub struct ConfirmDialog {
    title: String,
    rows: Vec<DialogRow>,
    typed: Option<TypedConfirmation>,
    /// Text of the button that closes the dialog.
    cancel_label: String,
    button: FormButton,
    is_action_focused: bool,
    action: Option<DialogAction>,
}

struct TypedConfirmation {
    expected: String,
    /// The name of the credential in presentation mode.
    masked_name: String,
    input: Input,
}

impl ConfirmDialog {
    /// Creates a confirmation with a single action button.
    pub fn new(
        title: impl Into<String>,
        rows: Vec<DialogRow>,
        button: FormButton,
        action: DialogAction,
    ) -> Self {
        Self {
            title: title.into(),
            rows,
            typed: None,
            cancel_label: FormButton::Cancel.label().to_owned(),
            button,
            is_action_focused: false,
            action: Some(action),
        }
    }

    /// Creates the confirmation before an unsaved captured secret is lost.
    pub fn for_unsaved_secret() -> Self {
        let rows = vec![
            DialogRow::warning(
                "The response in the console contains a new secret that could not be stored. The provider does not show it again.",
            ),
            DialogRow::text("Cancel, then press K in the console to store it."),
        ];
        Self::new(
            "Quit without storing the new secret?",
            rows,
            FormButton::Destructive("Quit"),
            quit(),
        )
    }

    /// Requires the user to type `word`; `called` is its replacement in presentation mode.
    #[must_use]
    pub fn with_typed_confirmation(mut self, word: &str, called: String) -> Self {
        self.typed = Some(TypedConfirmation {
            expected: word.to_owned(),
            masked_name: called,
            input: Input::default(),
        });
        self
    }

    /// Adds rows that became known after the dialog was opened.
    pub fn add_rows(&mut self, rows: Vec<DialogRow>) {
        self.rows.extend(rows);
    }

    /// Returns whether this dialog confirms the deletion of this credential from tokenring.
    pub fn deletes(&self, id: &CredentialId) -> bool {
        let Some(DialogAction::Start(request)) = &self.action else { return false };
        match &request.task {
            BackgroundTask::Credential(CredentialTask::Remove(known)) => known == id,
            _ => false,
        }
    }

    /// Names what happens without the action.
    #[must_use]
    pub fn with_cancel_label(mut self, label: String) -> Self {
        self.cancel_label = label;
        self
    }

    /// Focuses the action button at first, for actions that do no harm.
    #[must_use]
    pub fn with_action_focused(mut self) -> Self {
        self.is_action_focused = true;
        self
    }

    /// Returns whether the required word has been typed, or none is required.
    fn is_confirmation_typed(&self) -> bool {
        self.typed.as_ref().is_none_or(|typed| typed.input.value().trim() == typed.expected)
    }

    fn confirm(&mut self) -> DialogResult {
        if !self.is_confirmation_typed() {
            return DialogResult::Stay;
        }
        self.run_action()
    }

    fn run_action(&mut self) -> DialogResult {
        self.action.take().map_or(DialogResult::Close, DialogResult::RunAndClose)
    }
}

impl Dialog for ConfirmDialog {
    fn handle_key(&mut self, key: KeyPress, _app: &App, _now: Now) -> DialogResult {
        match key.code {
            KeySymbol::Tab
            | KeySymbol::Left
            | KeySymbol::Right
            | KeySymbol::Up
            | KeySymbol::Down => self.is_action_focused = !self.is_action_focused,
            KeySymbol::Enter if self.is_action_focused => return self.confirm(),
            KeySymbol::Enter => return DialogResult::Close,
            _ => {
                if let Some(typed) = &mut self.typed {
                    edit_input(&mut typed.input, key);
                }
            }
        }
        DialogResult::Stay
    }

    /// Handles a click: 0 is the field, 1 is Cancel, 2 is the action button.
    fn handle_click(&mut self, at: usize, _app: &App, _now: Now) -> DialogResult {
        match at {
            1 => DialogResult::Close,
            2 => self.confirm(),
            _ => DialogResult::Stay,
        }
    }

    fn has_fields(&self) -> bool {
        self.typed.is_some()
    }

    fn next_question(&self, _app: &App, _now: Now) -> DialogQuestion {
        if self.typed.is_some() {
            return DialogQuestion::TypedWord(NAME_LABEL.to_owned());
        }
        DialogQuestion::Buttons(ButtonQuestion {
            buttons: vec![FormButton::Cancel, self.button],
            focused: self.is_action_focused.into(),
            is_default: true,
        })
    }

    /// Confirms with the typed word or the button; a wrong word closes the dialog.
    fn answer(&mut self, answer: DialogAnswer<'_>, _app: &App, _now: Now) -> DialogResult {
        match (answer, &self.typed) {
            (DialogAnswer::Text(word), Some(typed)) if word == typed.expected => self.run_action(),
            (DialogAnswer::Select(1), None) => self.run_action(),
            (DialogAnswer::Text(_), Some(_)) | (DialogAnswer::Select(_), None) => {
                DialogResult::Close
            }
            _ => DialogResult::Stay,
        }
    }

    fn view(&self, app: &App, _now: Now) -> DialogView {
        let mut view = DialogView::new(self.title.clone(), 70);
        view.head.extend(self.rows.iter().map(DialogRow::clone_text));
        view.head.push(DialogRow::Blank);
        if let Some(typed) = &self.typed {
            let (prompt, value) = typed.prompt_and_value(app.ui_state.presentation);
            view.head.push(DialogRow::dim(prompt));
            view.head.push(DialogRow::Field(FieldView {
                index: 0,
                label: NAME_LABEL.to_owned(),
                value,
                focused: true,
                has_problem: false,
            }));
            view.head.push(DialogRow::Blank);
        }
        let cancel = ButtonView {
            label: self.cancel_label.clone(),
            ..ButtonView::new(1, FormButton::Cancel, !self.is_action_focused)
        };
        let action = ButtonView::new(2, self.button, self.is_action_focused);
        view.foot = vec![DialogRow::Buttons(vec![cancel, action])];
        view
    }
}

impl TypedConfirmation {
    /// Returns the prompt and the typed text; in presentation mode, neither shows the word.
    fn prompt_and_value(&self, presentation: PresentationMode) -> (String, FieldValue) {
        match presentation {
            PresentationMode::Off => {
                let value =
                    FieldValue::Text(self.input.value().to_owned(), self.input.visual_cursor());
                (format!("Type {} to confirm:", self.expected), value)
            }
            PresentationMode::On => (
                format!("Type the name of {} to confirm:", self.masked_name),
                FieldValue::Secret(!self.input.value().is_empty()),
            ),
        }
    }
}

/// Quits, even if unsaved data is lost.
pub fn quit() -> DialogAction {
    DialogAction::call(|app, _| app.quit())
}

impl DialogRow {
    /// Copies a row of text; fields and lists become blank rows.
    fn clone_text(&self) -> Self {
        match self {
            Self::Text(role, text) => Self::Text(*role, text.clone()),
            Self::Pair(label, value) => Self::Pair(label.clone(), value.clone()),
            _ => Self::Blank,
        }
    }
}
