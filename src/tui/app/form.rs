//! Fields and buttons that dialogs are made of.

use tui_input::{Input, InputRequest};

use super::secret_input::SecretInput;
use super::text_area::{EditOutcome, TextArea};
use crate::config::KeyPress;
use crate::config::key::KeySymbol;

/// How one of several is chosen, in the words of a hint.
pub const SELECT_HINT: &str = "←/→ or the first letter chooses.";

/// Fields from top to bottom, then buttons from left to right, and where the focus is among them.
pub struct Form {
    /// The fields.
    pub fields: Vec<FormField>,
    /// The buttons.
    pub buttons: Vec<FormButton>,
    /// The field or, counted on behind the fields, the button that has the focus.
    pub focus: usize,
}

/// A field with its label.
pub struct FormField {
    /// By which the dialog finds it again.
    pub id: String,
    /// What stands before it.
    pub label: String,
    /// One line about it, shown while it has the focus.
    pub hint: String,
    /// What is wrong with it.
    pub problem: Option<String>,
    /// What can be done in it.
    pub control: FieldInput,
}

/// What can be done in a field.
pub enum FieldInput {
    /// A line of text.
    Text(Input),
    /// A secret.
    Secret(SecretInput),
    /// One of several.
    Select(SelectInput),
    /// Text of several lines.
    MultiLine(TextArea),
}

/// One of several.
#[derive(Default)]
pub struct SelectInput {
    /// Id and title of each.
    pub options: Vec<(String, String)>,
    /// Which one.
    pub selected: usize,
}

/// A button.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FormButton {
    /// Leaves everything as it is.
    Cancel,
    /// Does what the dialog is for.
    Submit(&'static str),
    /// Does what the dialog is for, and cannot be taken back.
    Destructive(&'static str),
}

/// How a word about a field is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldMessage {
    /// It helps.
    Hint,
    /// Something is wrong.
    Error,
}

/// What a key did to a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FormEvent {
    /// Nothing that matters.
    Unchanged,
    /// The field at this place holds something else now.
    Changed(usize),
    /// Something was pasted into the field at this place.
    Pasted(usize),
    /// The focus left the field at this place.
    Blurred(usize),
    /// This button was pressed.
    Pressed(FormButton),
}

impl FormButton {
    /// What stands on it.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Cancel => "Cancel",
            Self::Submit(label) | Self::Destructive(label) => label,
        }
    }
}

impl SelectInput {
    /// A choice that begins with the option of this id, or the first.
    pub fn new(options: Vec<(String, String)>, id: &str) -> Self {
        let at = options.iter().position(|(known, _)| known == id).unwrap_or(0);
        Self { options, selected: at }
    }

    /// The id of what is chosen; empty where there is nothing to choose from.
    pub fn selected_id(&self) -> &str {
        self.options.get(self.selected).map_or("", |(id, _)| id)
    }

    /// The title of what is chosen.
    pub fn selected_title(&self) -> &str {
        self.options.get(self.selected).map_or("", |(_, title)| title)
    }

    fn handle_key(&mut self, key: KeyPress) -> bool {
        let count = self.options.len().max(1);
        self.selected = match key.code {
            KeySymbol::Right | KeySymbol::Char(' ') => (self.selected + 1) % count,
            KeySymbol::Left => (self.selected + count - 1) % count,
            KeySymbol::Char(c) => {
                let begins = |(_, title): &(String, String)| {
                    title.to_lowercase().starts_with(c.to_ascii_lowercase())
                };
                let next = (1..=count).map(|step| (self.selected + step) % count);
                match next.into_iter().find(|at| self.options.get(*at).is_some_and(begins)) {
                    Some(at) => at,
                    None => return false,
                }
            }
            _ => return false,
        };
        true
    }
}

impl FormField {
    /// A line of text that begins with `value`.
    pub fn text(id: &str, label: &str, value: &str) -> Self {
        Self::new(id, label, FieldInput::Text(Input::new(value.to_owned())))
    }

    /// A secret.
    pub fn secret(id: &str, label: &str) -> Self {
        Self::new(id, label, FieldInput::Secret(SecretInput::default()))
    }

    /// One of several.
    pub fn select(id: &str, label: &str, choice: SelectInput) -> Self {
        Self::new(id, label, FieldInput::Select(choice))
    }

    /// A text of several lines, of which so many are shown.
    pub fn multi_line(id: &str, label: &str, value: &str, lines: usize) -> Self {
        Self::new(id, label, FieldInput::MultiLine(TextArea::new(value, lines)))
    }

    /// The field with a line about it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    fn new(id: &str, label: &str, control: FieldInput) -> Self {
        let is_id = label.contains('_');
        let label = if is_id { label.to_owned() } else { crate::domain::text::capitalize(label) };
        Self { id: id.to_owned(), label, hint: String::new(), problem: None, control }
    }
}

impl FieldInput {
    fn handle_key(&mut self, key: KeyPress) -> bool {
        match self {
            Self::Text(input) => edit_input(input, key),
            Self::Secret(secret) => secret.handle_key(key),
            Self::Select(choice) => choice.handle_key(key),
            Self::MultiLine(area) => area.handle_key(key) == EditOutcome::Changed,
        }
    }
}

impl Form {
    /// A form with these fields and buttons; the focus is on the first field.
    pub fn new(fields: Vec<FormField>, buttons: Vec<FormButton>) -> Self {
        Self { fields, buttons, focus: 0 }
    }

    /// The field with this id.
    pub fn field(&self, id: &str) -> Option<&FormField> {
        self.fields.iter().find(|field| field.id == id)
    }

    /// The field with this id, to be changed.
    pub fn field_mut(&mut self, id: &str) -> Option<&mut FormField> {
        self.fields.iter_mut().find(|field| field.id == id)
    }

    /// The text or the chosen id of a field, without outer blanks; empty for secrets.
    pub fn value(&self, id: &str) -> &str {
        match self.field(id).map(|field| &field.control) {
            Some(FieldInput::Text(input)) => input.value().trim(),
            Some(FieldInput::Select(choice)) => choice.selected_id(),
            Some(FieldInput::Secret(_) | FieldInput::MultiLine(_)) | None => "",
        }
    }

    /// The text of a field of several lines.
    pub fn multi_line_value(&self, id: &str) -> String {
        match self.field(id).map(|field| &field.control) {
            Some(FieldInput::MultiLine(area)) => area.text(),
            _ => String::new(),
        }
    }

    /// The secret of a field.
    pub fn secret(&mut self, id: &str) -> Option<&mut SecretInput> {
        match &mut self.field_mut(id)?.control {
            FieldInput::Secret(secret) => Some(secret),
            FieldInput::Text(_) | FieldInput::Select(_) | FieldInput::MultiLine(_) => None,
        }
    }

    /// Says what is wrong with a field, in words that go on from its label, and goes there.
    pub fn set_field_problem(&mut self, id: &str, problem: impl Into<String>) {
        if let Some(at) = self.fields.iter().position(|field| field.id == id) {
            self.fields[at].problem = Some(format!("{} {}", self.fields[at].label, problem.into()));
            self.focus = at;
        }
    }

    /// Gives the field with this id the focus.
    pub fn focus_on(&mut self, id: &str) {
        self.focus = self.fields.iter().position(|field| field.id == id).unwrap_or(self.focus);
    }

    /// Gives the first field without a value the focus.
    pub fn focus_on_empty(&mut self) {
        let empty = self.fields.iter().position(|field| self.value(&field.id).is_empty());
        self.focus = empty.unwrap_or(self.focus);
    }

    /// The button that has the focus.
    pub fn focused_button(&self) -> Option<FormButton> {
        self.focus.checked_sub(self.fields.len()).and_then(|at| self.buttons.get(at)).copied()
    }

    /// What the person should know about the field that has the focus.
    pub fn field_message(&self) -> Option<(&str, FieldMessage)> {
        let field = self.fields.get(self.focus)?;
        match &field.problem {
            Some(problem) => Some((problem, FieldMessage::Error)),
            None => (!field.hint.is_empty()).then_some((field.hint.as_str(), FieldMessage::Hint)),
        }
    }

    /// Takes a key in.
    pub fn handle_key(&mut self, key: KeyPress) -> FormEvent {
        let before = self.focus;
        if let Some(FormField { control: FieldInput::MultiLine(area), problem, .. }) =
            self.fields.get_mut(before)
            && key.code != KeySymbol::Tab
        {
            match area.handle_key(key) {
                EditOutcome::Changed => {
                    *problem = None;
                    return FormEvent::Changed(before);
                }
                EditOutcome::CursorMoved => return FormEvent::Unchanged,
                EditOutcome::Ignored => {}
            }
        }
        match key.code {
            KeySymbol::Tab if key.shift => self.step_focus(FocusDirection::Previous),
            KeySymbol::Tab | KeySymbol::Down => self.step_focus(FocusDirection::Next),
            KeySymbol::Up => self.step_focus(FocusDirection::Previous),
            KeySymbol::Enter => return self.handle_enter(),
            KeySymbol::Left if self.focused_button().is_some() => {
                self.step_focus(FocusDirection::Previous)
            }
            KeySymbol::Right if self.focused_button().is_some() => {
                self.step_focus(FocusDirection::Next)
            }
            _ => return self.edit_field(key),
        }
        if before == self.focus { FormEvent::Unchanged } else { FormEvent::Blurred(before) }
    }

    /// Takes a pasted text into the field that has the focus, or into the first secret if that takes no text; line
    /// breaks do not belong into a line of text.
    pub fn paste(&mut self, text: &str) -> FormEvent {
        let takes_text = |field: &FormField| !matches!(field.control, FieldInput::Select(_));
        if !self.fields.get(self.focus).is_some_and(takes_text) {
            let secret =
                self.fields.iter().position(|field| matches!(field.control, FieldInput::Secret(_)));
            self.focus = secret.unwrap_or(self.focus);
        }
        let Some(field) = self.fields.get_mut(self.focus) else { return FormEvent::Unchanged };
        field.problem = None;
        match &mut field.control {
            FieldInput::Text(input) => insert_text(input, text),
            FieldInput::Secret(secret) => secret.push(text),
            FieldInput::MultiLine(area) => area.insert(text),
            FieldInput::Select(_) => return FormEvent::Unchanged,
        }
        FormEvent::Pasted(self.focus)
    }

    /// Gives a field or button the focus, as a click does.
    pub fn handle_click(&mut self, at: usize) -> FormEvent {
        let before = std::mem::replace(&mut self.focus, at);
        match self.focused_button() {
            Some(button) => FormEvent::Pressed(button),
            None if before == at => FormEvent::Unchanged,
            None => FormEvent::Blurred(before),
        }
    }

    fn edit_field(&mut self, key: KeyPress) -> FormEvent {
        let Some(field) = self.fields.get_mut(self.focus) else { return FormEvent::Unchanged };
        if field.control.handle_key(key) {
            field.problem = None;
            FormEvent::Changed(self.focus)
        } else {
            FormEvent::Unchanged
        }
    }

    fn handle_enter(&mut self) -> FormEvent {
        if let Some(button) = self.focused_button() {
            return FormEvent::Pressed(button);
        }
        self.focus += 1;
        FormEvent::Blurred(self.focus - 1)
    }

    fn step_focus(&mut self, direction: FocusDirection) {
        let count = (self.fields.len() + self.buttons.len()).max(1);
        self.focus = match direction {
            FocusDirection::Next => (self.focus + 1) % count,
            FocusDirection::Previous => (self.focus + count - 1) % count,
        };
    }
}

#[derive(Clone, Copy)]
enum FocusDirection {
    Next,
    Previous,
}

/// Takes a key into a line of text; whether it changed the text or moved in it.
pub fn edit_input(input: &mut Input, key: KeyPress) -> bool {
    let Some(request) = input_request(key) else { return false };
    input.handle(request).is_some()
}

/// Takes a pasted text into a line of text.
pub fn insert_text(input: &mut Input, text: &str) {
    for c in text.chars().filter(|c| !crate::domain::text::is_unprintable(*c)) {
        input.handle(InputRequest::InsertChar(c));
    }
}

fn input_request(key: KeyPress) -> Option<InputRequest> {
    use InputRequest as R;
    Some(match (key.code, key.ctrl, key.alt) {
        (KeySymbol::Char(c), false, false) => R::InsertChar(c),
        (KeySymbol::Backspace, false, false) | (KeySymbol::Char('h'), true, _) => R::DeletePrevChar,
        (KeySymbol::Backspace, ..) | (KeySymbol::Char('w'), true, _) => R::DeletePrevWord,
        (KeySymbol::Delete, ..) | (KeySymbol::Char('d'), true, _) => R::DeleteNextChar,
        (KeySymbol::Left, false, false) | (KeySymbol::Char('b'), true, _) => R::GoToPrevChar,
        (KeySymbol::Right, false, false) | (KeySymbol::Char('f'), true, _) => R::GoToNextChar,
        (KeySymbol::Left, ..) | (KeySymbol::Char('b'), _, true) => R::GoToPrevWord,
        (KeySymbol::Right, ..) | (KeySymbol::Char('f'), _, true) => R::GoToNextWord,
        (KeySymbol::Home, ..) | (KeySymbol::Char('a'), true, _) => R::GoToStart,
        (KeySymbol::End, ..) | (KeySymbol::Char('e'), true, _) => R::GoToEnd,
        (KeySymbol::Char('u'), true, _) => R::DeleteFromStart,
        (KeySymbol::Char('k'), true, _) => R::DeleteTillEnd,
        (KeySymbol::Char('y'), true, _) => R::Yank,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form() -> Form {
        let options = ["snyk", "appcircle"].map(|id| (id.to_owned(), id.to_owned())).to_vec();
        let fields = vec![
            FormField::text("name", "name", ""),
            FormField::select("provider", "Provider", SelectInput::new(options, "snyk")),
        ];
        Form::new(fields, vec![FormButton::Cancel, FormButton::Submit("Add")])
    }

    fn press(form: &mut Form, keys: &str) -> FormEvent {
        keys.split(' ').fold(FormEvent::Unchanged, |_, key| {
            form.handle_key(KeyPress::parse(key).expect("a key"))
        })
    }

    #[test]
    fn the_focus_goes_round() {
        let mut form = form();
        assert_eq!(press(&mut form, "Tab"), FormEvent::Blurred(0));
        press(&mut form, "Tab Tab Tab");
        assert_eq!(form.focus, 0);
        press(&mut form, "S-Tab");
        assert_eq!(form.focused_button(), Some(FormButton::Submit("Add")));
        assert_eq!(press(&mut form, "Left"), FormEvent::Blurred(3));
        assert_eq!(press(&mut form, "Enter"), FormEvent::Pressed(FormButton::Cancel));
    }

    #[test]
    fn letters_write_and_choose() {
        let mut form = form();
        assert_eq!(press(&mut form, "a"), FormEvent::Changed(0));
        form.paste("b\nc");
        assert_eq!(form.value("name"), "abc");
        press(&mut form, "Tab a");
        assert_eq!(form.value("provider"), "appcircle");
        press(&mut form, "Right");
        assert_eq!(form.value("provider"), "snyk");
        assert_eq!(press(&mut form, "z"), FormEvent::Unchanged);
    }

    #[test]
    fn a_complaint_goes_away_when_the_field_changes() {
        let mut form = form();
        form.set_field_problem("name", "is empty");
        assert_eq!(form.field_message(), Some(("Name is empty", FieldMessage::Error)));
        press(&mut form, "x");
        assert_eq!(form.field_message(), None);
    }
}
