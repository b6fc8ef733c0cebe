//! Form controls of dialogs: fields, buttons and the focus among them.
//!
//! What a form means is up to its dialog in `dialog/`; the single controls are in `secret_input.rs`
//! and `text_area.rs`. Start at [`Form::handle_key`].

use std::collections::BTreeMap;

use tui_input::{Input, InputRequest};

use super::secret_input::SecretInput;
use super::text_area::{EditOutcome, TextArea};
use crate::config::KeyPress;
use crate::config::key::KeySymbol;
use crate::domain::CredentialId;
use crate::domain::provider::spec::ListPointers;
use crate::domain::provider::{Provider, ValueListing};

/// Prefix of the IDs of fields that hold a property of the credential.
const PROPERTY_PREFIX: &str = "field:";
/// Hint that explains how to list the values.
const LISTING_HINT: &str = "C-o lists the values.";
/// Hint that explains the mark of a required field.
const REQUIRED_HINT: &str = "Required.";
/// Hint that explains how to select an option, where keys are pressed.
const SELECT_HINT: &str = "←/→ or the first letter to choose.";

/// Fields from top to bottom, then buttons from left to right, and the focus among them.
pub struct Form {
    /// The fields.
    pub fields: Vec<FormField>,
    /// The buttons; the last one does what the dialog is for.
    pub buttons: Vec<FormButton>,
    /// Whether Enter in a single field presses the last button.
    pub submits_single_field: bool,
    /// Index of the focused control, counting the fields first and the buttons after them.
    pub focus: usize,
}

/// A field with its label.
pub struct FormField {
    /// ID by which the dialog finds the field.
    pub id: String,
    /// Label before the field.
    pub label: String,
    /// One-line hint, shown while the field has the focus.
    pub hint: String,
    /// Whether the keys that select an option are explained after the hint.
    pub has_select_hint: bool,
    /// Whether the form cannot be submitted without a value.
    pub is_required: bool,
    /// Whether the field is shown.
    pub visibility: FieldVisibility,
    /// Where the provider lists the values.
    pub listing: Option<FieldListing>,
    /// Problem of the current value.
    pub problem: Option<String>,
    /// Control of the field.
    pub control: FieldInput,
}

/// List of the provider that contains the values of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldListing {
    /// Credential that asks for the list.
    pub credential: CredentialId,
    /// Preset whose response is the list.
    pub preset: String,
    /// Position of the values in the response.
    pub items: ListPointers,
}

/// Request for the values of a field, with what the form knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueRequest {
    /// ID of the field in its form.
    pub field: String,
    /// Label of the field.
    pub label: String,
    /// Where the provider lists the values.
    pub listing: FieldListing,
    /// Values of the other fields, for the placeholders of the preset.
    pub given: BTreeMap<String, String>,
}

/// Form that can be filled with values found elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialForm {
    /// Creates a credential.
    Create,
    /// Edits the selected credential.
    Edit,
}

/// Whether a field is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldVisibility {
    /// It is shown.
    Shown,
    /// It is neither drawn nor reached, because another part of the form is shown. Plain-text mode
    /// asks for it.
    Hidden,
    /// It is shown and chooses the part of the form that is. Plain-text mode, which asks for all
    /// parts, passes over it.
    ViewSwitch,
}

/// Control of a field.
pub enum FieldInput {
    /// A line of text.
    Text(Input),
    /// Secret, shown as bullets.
    Secret(SecretInput),
    /// Selection among options.
    Select(SelectInput),
    /// Text of several lines.
    MultiLine(TextArea),
}

/// Selection among options.
#[derive(Default)]
pub struct SelectInput {
    /// ID and title of each option.
    pub options: Vec<(String, String)>,
    /// Index of the selected option.
    pub selected: usize,
}

/// Button of a dialog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FormButton {
    /// Closes the dialog without a change.
    Cancel,
    /// Runs what the dialog is for.
    Submit(&'static str),
    /// Runs what the dialog is for and cannot be undone.
    Destructive(&'static str),
}

/// Severity of the message for a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldMessage {
    /// Hint.
    Hint,
    /// Error.
    Error,
}

/// Result of a key press in a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FormEvent {
    /// Nothing that the dialog needs to know.
    Unchanged,
    /// The value of the field at this index changed.
    Changed(usize),
    /// Text was pasted into the field at this index.
    Pasted(usize),
    /// The focus left the field at this index.
    Blurred(usize),
    /// This button was pressed.
    Pressed(FormButton),
}

/// Returns the ID of the field that holds a property of the credential.
pub fn provider_field_id(property: &str) -> String {
    format!("{PROPERTY_PREFIX}{property}")
}

impl FormButton {
    /// Closes a dialog that has nothing left to do.
    pub const CLOSE: Self = Self::Submit("Close");

    /// Text on the button.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Cancel => "Cancel",
            Self::Submit(label) | Self::Destructive(label) => label,
        }
    }
}

impl SelectInput {
    /// Creates a selection that starts at the option with this ID, or at the first.
    pub fn new(options: Vec<(String, String)>, id: &str) -> Self {
        let at = options.iter().position(|(known, _)| known == id).unwrap_or(0);
        Self { options, selected: at }
    }

    /// Returns the ID of the selected option; empty if there are no options.
    pub fn selected_id(&self) -> &str {
        self.options.get(self.selected).map_or("", |(id, _)| id)
    }

    /// Returns the title of the selected option.
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
    /// Creates a text field with this initial value.
    pub fn text(id: &str, label: &str, value: &str) -> Self {
        Self::new(id, label, FieldInput::Text(Input::new(value.to_owned())))
    }

    /// Creates a secret field.
    pub fn secret(id: &str, label: &str) -> Self {
        Self::new(id, label, FieldInput::Secret(SecretInput::default()))
    }

    /// Creates a selection field.
    pub fn select(id: &str, label: &str, choice: SelectInput) -> Self {
        Self::new(id, label, FieldInput::Select(choice))
    }

    /// Creates a multi-line text field that shows `lines` lines.
    pub fn multi_line(id: &str, label: &str, value: &str, lines: usize) -> Self {
        Self::new(id, label, FieldInput::MultiLine(TextArea::new(value, lines)))
    }

    /// Adds a hint to the field.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// Explains the keys that select an option.
    #[must_use]
    pub fn with_select_hint(mut self) -> Self {
        self.has_select_hint = true;
        self
    }

    /// Lets the field choose the part of the form that is shown.
    #[must_use]
    pub fn view_switch(mut self) -> Self {
        self.visibility = FieldVisibility::ViewSwitch;
        self
    }

    /// Marks the field as required.
    #[must_use]
    pub fn required(mut self, is_required: bool) -> Self {
        self.is_required = is_required;
        self
    }

    /// Lets the user choose from the values that the provider of this credential lists, if it has a
    /// list of them.
    #[must_use]
    pub fn with_listing(mut self, credential: &CredentialId, provider: Option<&Provider>) -> Self {
        let listing = provider.and_then(|provider| provider.value_listing(self.property()));
        self.listing = listing.map(|ValueListing { preset, items }| FieldListing {
            credential: credential.clone(),
            preset: preset.id.clone(),
            items: items.clone(),
        });
        self
    }

    /// Returns the property of the credential that the field holds, or the placeholder.
    fn property(&self) -> &str {
        self.id.strip_prefix(PROPERTY_PREFIX).unwrap_or(&self.id)
    }

    /// Returns the label, with a mark if the field is required.
    pub fn marked_label(&self) -> String {
        if self.is_required { format!("{} *", self.label) } else { self.label.clone() }
    }

    fn new(id: &str, label: &str, control: FieldInput) -> Self {
        let is_id = label.contains('_');
        let label = if is_id { label.to_owned() } else { crate::domain::text::capitalize(label) };
        Self {
            id: id.to_owned(),
            label,
            hint: String::new(),
            has_select_hint: false,
            is_required: false,
            visibility: FieldVisibility::Shown,
            listing: None,
            problem: None,
            control,
        }
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
    /// Creates a form with the focus on the first field.
    pub fn new(fields: Vec<FormField>, buttons: Vec<FormButton>) -> Self {
        Self { fields, buttons, submits_single_field: true, focus: 0 }
    }

    /// Returns the field with this ID.
    pub fn field(&self, id: &str) -> Option<&FormField> {
        self.fields.iter().find(|field| field.id == id)
    }

    /// Returns the field with this ID for changes.
    pub fn field_mut(&mut self, id: &str) -> Option<&mut FormField> {
        self.fields.iter_mut().find(|field| field.id == id)
    }

    /// Returns the text or the selected ID of a field, trimmed; empty for secrets.
    pub fn value(&self, id: &str) -> &str {
        match self.field(id).map(|field| &field.control) {
            Some(FieldInput::Text(input)) => input.value().trim(),
            Some(FieldInput::Select(choice)) => choice.selected_id(),
            Some(FieldInput::Secret(_) | FieldInput::MultiLine(_)) | None => "",
        }
    }

    /// Returns the text of a multi-line field.
    pub fn multi_line_value(&self, id: &str) -> String {
        match self.field(id).map(|field| &field.control) {
            Some(FieldInput::MultiLine(area)) => area.text(),
            _ => String::new(),
        }
    }

    /// Returns the secret of a field.
    pub fn secret(&mut self, id: &str) -> Option<&mut SecretInput> {
        match &mut self.field_mut(id)?.control {
            FieldInput::Secret(secret) => Some(secret),
            FieldInput::Text(_) | FieldInput::Select(_) | FieldInput::MultiLine(_) => None,
        }
    }

    /// Sets the problem of a field and focuses the field. The text of the problem continues from
    /// the label.
    pub fn set_field_problem(&mut self, id: &str, problem: impl Into<String>) {
        if let Some(at) = self.fields.iter().position(|field| field.id == id) {
            self.fields[at].problem = Some(format!("{} {}", self.fields[at].label, problem.into()));
            self.focus = at;
        }
    }

    /// Returns the request for the values of the focused field, if the provider lists them.
    pub fn value_request(&self) -> Option<ValueRequest> {
        let field = self.fields.get(self.focus)?;
        let listing = field.listing.clone()?;
        let known = self
            .fields
            .iter()
            .map(|field| (field.property().to_owned(), self.value(&field.id).to_owned()));
        let given = known.filter(|(_, value)| !value.is_empty()).collect();
        let (label, field) = (field.label.clone(), field.id.clone());
        Some(ValueRequest { field, label, listing, given })
    }

    /// Returns the properties of the credential that the form has text fields for.
    pub fn properties(&self) -> impl Iterator<Item = &str> {
        let texts = self.fields.iter().filter(|field| matches!(field.control, FieldInput::Text(_)));
        texts.filter_map(|field| field.id.strip_prefix(PROPERTY_PREFIX))
    }

    /// Sets the text fields of these properties.
    pub fn fill_properties(&mut self, values: &BTreeMap<String, String>) {
        for (property, value) in values {
            self.fill_field(&provider_field_id(property), value);
        }
        self.focus = 0;
    }

    /// Sets the text of a field and moves the focus to it; returns whether there is one.
    pub fn fill_field(&mut self, id: &str, value: &str) -> bool {
        let Some(at) = self.fields.iter().position(|field| field.id == id) else { return false };
        let field = &mut self.fields[at];
        let FieldInput::Text(input) = &mut field.control else { return false };
        *input = Input::new(value.to_owned());
        (field.problem, self.focus) = (None, at);
        true
    }

    /// Selects an option of a field by its ID.
    pub fn select_id(&mut self, field: &str, option: &str) {
        if let Some(FormField { control: FieldInput::Select(choice), .. }) = self.field_mut(field) {
            *choice = SelectInput::new(std::mem::take(&mut choice.options), option);
        }
    }

    /// Moves the focus to the field with this ID.
    pub fn focus_on(&mut self, id: &str) {
        self.focus = self.fields.iter().position(|field| field.id == id).unwrap_or(self.focus);
    }

    /// Moves the focus to the first field without a value.
    pub fn focus_on_empty(&mut self) {
        let empty = self.fields.iter().position(|field| self.value(&field.id).is_empty());
        self.focus = empty.unwrap_or(self.focus);
    }

    /// Returns the button that has the focus.
    pub fn focused_button(&self) -> Option<FormButton> {
        self.focus.checked_sub(self.fields.len()).and_then(|at| self.buttons.get(at)).copied()
    }

    /// Returns the message for the focused field.
    pub fn field_message(&self) -> Option<(String, FieldMessage)> {
        let field = self.fields.get(self.focus)?;
        if let Some(problem) = &field.problem {
            return Some((problem.clone(), FieldMessage::Error));
        }
        let select_hint = field.has_select_hint.then_some(SELECT_HINT);
        let required_hint = field.is_required.then_some(REQUIRED_HINT);
        let listing_hint = field.listing.as_ref().map(|_| LISTING_HINT);
        let hints = [Some(field.hint.as_str()), required_hint, listing_hint, select_hint];
        let hints = hints.into_iter().flatten();
        let hint = hints.filter(|hint| !hint.is_empty()).collect::<Vec<_>>().join(" ");
        (!hint.is_empty()).then_some((hint, FieldMessage::Hint))
    }

    /// Handles a key press.
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
                self.step_focus(FocusDirection::Previous);
            }
            KeySymbol::Right if self.focused_button().is_some() => {
                self.step_focus(FocusDirection::Next);
            }
            _ => return self.edit_field(key),
        }
        if before == self.focus { FormEvent::Unchanged } else { FormEvent::Blurred(before) }
    }

    /// Pastes a text into the focused field, or into the first secret field if the focused one
    /// takes no text. Line breaks are removed for single-line fields.
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

    /// Moves the focus to a field or presses a button, as a click does.
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
        // A single field is submitted at once, unless what follows cannot be undone.
        if self.submits_single_field
            && let ([_], Some(submit @ FormButton::Submit(_))) =
                (&*self.fields, self.buttons.last())
        {
            return FormEvent::Pressed(*submit);
        }
        self.focus_next_input(FieldVisibility::Hidden)
    }

    /// Moves the focus to the next field, or behind the last one to the button that does what the
    /// dialog is for, the last button. Fields with the visibility `skipped` are passed over.
    pub fn focus_next_input(&mut self, skipped: FieldVisibility) -> FormEvent {
        let left = self.focus;
        let mut later = left + 1..self.fields.len();
        let next = later.find(|at| self.fields[*at].visibility != skipped);
        self.focus = next.unwrap_or(self.fields.len() + self.buttons.len().max(1) - 1);
        FormEvent::Blurred(left)
    }

    fn step_focus(&mut self, direction: FocusDirection) {
        let count = (self.fields.len() + self.buttons.len()).max(1);
        let step = match direction {
            FocusDirection::Next => 1,
            FocusDirection::Previous => count - 1,
        };
        let is_shown = |at: &usize| {
            self.fields.get(*at).is_none_or(|field| field.visibility != FieldVisibility::Hidden)
        };
        let next = (1..=count).map(|steps| (self.focus + steps * step) % count).find(is_shown);
        self.focus = next.unwrap_or(self.focus);
    }
}

#[derive(Clone, Copy)]
enum FocusDirection {
    Next,
    Previous,
}

/// Handles a key press in a line of text; returns whether the text or the cursor changed.
pub fn edit_input(input: &mut Input, key: KeyPress) -> bool {
    let Some(request) = input_request(key) else { return false };
    input.handle(request).is_some()
}

/// Pastes a text into a line of text.
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
mod tests;
