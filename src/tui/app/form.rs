//! Fields and buttons that dialogs are made of.

use tui_input::{Input, InputRequest};

use super::area::{TextArea, Typed};
use super::secret_input::SecretInput;
use crate::config::KeyPress;
use crate::config::key::KeySymbol;

/// How one of several is chosen, in the words of a hint.
pub const CHOOSING: &str = "←/→ or the first letter chooses.";

/// Fields from top to bottom, then buttons from left to right, and where the focus is among them.
pub struct Form {
    /// The fields.
    pub fields: Vec<Field>,
    /// The buttons.
    pub buttons: Vec<Button>,
    /// The field or, counted on behind the fields, the button that has the focus.
    pub focus: usize,
}

/// A field with its label.
pub struct Field {
    /// By which the dialog finds it again.
    pub id: String,
    /// What stands before it.
    pub label: String,
    /// One line about it, shown while it has the focus.
    pub hint: String,
    /// What is wrong with it.
    pub problem: Option<String>,
    /// What can be done in it.
    pub control: Control,
}

/// What can be done in a field.
pub enum Control {
    /// A line of text.
    Text(Input),
    /// A secret.
    Secret(SecretInput),
    /// One of several.
    Choice(Choice),
    /// Text of several lines.
    Area(TextArea),
}

/// One of several.
#[derive(Default)]
pub struct Choice {
    /// Id and title of each.
    pub options: Vec<(String, String)>,
    /// Which one.
    pub at: usize,
}

/// A button.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Button {
    /// Leaves everything as it is.
    Cancel,
    /// Does what the dialog is for.
    Act(&'static str),
    /// Does what the dialog is for, and cannot be taken back.
    Danger(&'static str),
}

/// How a word about a field is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remark {
    /// It helps.
    Hint,
    /// Something is wrong.
    Problem,
}

/// What a key did to a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happened {
    /// Nothing that matters.
    Nothing,
    /// The field at this place holds something else now.
    Changed(usize),
    /// Something was pasted into the field at this place.
    Pasted(usize),
    /// The focus left the field at this place.
    Left(usize),
    /// This button was pressed.
    Pressed(Button),
}

impl Button {
    /// What stands on it.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Cancel => "Cancel",
            Self::Act(label) | Self::Danger(label) => label,
        }
    }
}

impl Choice {
    /// A choice that begins with the option of this id, or the first.
    pub fn new(options: Vec<(String, String)>, id: &str) -> Self {
        let at = options.iter().position(|(known, _)| known == id).unwrap_or(0);
        Self { options, at }
    }

    /// The id of what is chosen; empty where there is nothing to choose from.
    pub fn id(&self) -> &str {
        self.options.get(self.at).map_or("", |(id, _)| id)
    }

    /// The title of what is chosen.
    pub fn title(&self) -> &str {
        self.options.get(self.at).map_or("", |(_, title)| title)
    }

    fn turn(&mut self, key: KeyPress) -> bool {
        let count = self.options.len().max(1);
        self.at = match key.code {
            KeySymbol::Right | KeySymbol::Char(' ') => (self.at + 1) % count,
            KeySymbol::Left => (self.at + count - 1) % count,
            KeySymbol::Char(c) => {
                let begins = |(_, title): &(String, String)| title.to_lowercase().starts_with(c.to_ascii_lowercase());
                let next = (1..=count).map(|step| (self.at + step) % count);
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

impl Field {
    /// A line of text that begins with `value`.
    pub fn text(id: &str, label: &str, value: &str) -> Self {
        Self::new(id, label, Control::Text(Input::new(value.to_owned())))
    }

    /// A secret.
    pub fn secret(id: &str, label: &str) -> Self {
        Self::new(id, label, Control::Secret(SecretInput::default()))
    }

    /// One of several.
    pub fn choice(id: &str, label: &str, choice: Choice) -> Self {
        Self::new(id, label, Control::Choice(choice))
    }

    /// A text of several lines, of which so many are shown.
    pub fn area(id: &str, label: &str, value: &str, lines: usize) -> Self {
        Self::new(id, label, Control::Area(TextArea::new(value, lines)))
    }

    /// The field with a line about it.
    #[must_use]
    pub fn hinting(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    fn new(id: &str, label: &str, control: Control) -> Self {
        let is_id = label.contains('_');
        let label = if is_id { label.to_owned() } else { crate::domain::text::capitalize(label) };
        Self { id: id.to_owned(), label, hint: String::new(), problem: None, control }
    }
}

impl Control {
    fn key(&mut self, key: KeyPress) -> bool {
        match self {
            Self::Text(input) => edit(input, key),
            Self::Secret(secret) => secret.key(key),
            Self::Choice(choice) => choice.turn(key),
            Self::Area(area) => area.key(key) == Typed::Changed,
        }
    }
}

impl Form {
    /// A form with these fields and buttons; the focus is on the first field.
    pub fn new(fields: Vec<Field>, buttons: Vec<Button>) -> Self {
        Self { fields, buttons, focus: 0 }
    }

    /// The field with this id.
    pub fn field(&self, id: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.id == id)
    }

    /// The field with this id, to be changed.
    pub fn field_mut(&mut self, id: &str) -> Option<&mut Field> {
        self.fields.iter_mut().find(|field| field.id == id)
    }

    /// The text or the chosen id of a field, without outer blanks; empty for secrets.
    pub fn value(&self, id: &str) -> &str {
        match self.field(id).map(|field| &field.control) {
            Some(Control::Text(input)) => input.value().trim(),
            Some(Control::Choice(choice)) => choice.id(),
            Some(Control::Secret(_) | Control::Area(_)) | None => "",
        }
    }

    /// The text of a field of several lines.
    pub fn lines(&self, id: &str) -> String {
        match self.field(id).map(|field| &field.control) {
            Some(Control::Area(area)) => area.text(),
            _ => String::new(),
        }
    }

    /// The secret of a field.
    pub fn secret(&mut self, id: &str) -> Option<&mut SecretInput> {
        match &mut self.field_mut(id)?.control {
            Control::Secret(secret) => Some(secret),
            Control::Text(_) | Control::Choice(_) | Control::Area(_) => None,
        }
    }

    /// Says what is wrong with a field, in words that go on from its label, and goes there.
    pub fn complain(&mut self, id: &str, problem: impl Into<String>) {
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
    pub fn focused_button(&self) -> Option<Button> {
        self.focus.checked_sub(self.fields.len()).and_then(|at| self.buttons.get(at)).copied()
    }

    /// What the person should know about the field that has the focus.
    pub fn remark(&self) -> Option<(&str, Remark)> {
        let field = self.fields.get(self.focus)?;
        match &field.problem {
            Some(problem) => Some((problem, Remark::Problem)),
            None => (!field.hint.is_empty()).then_some((field.hint.as_str(), Remark::Hint)),
        }
    }

    /// Takes a key in.
    pub fn key(&mut self, key: KeyPress) -> Happened {
        let before = self.focus;
        if let Some(Field { control: Control::Area(area), problem, .. }) = self.fields.get_mut(before)
            && key.code != KeySymbol::Tab
        {
            match area.key(key) {
                Typed::Changed => {
                    *problem = None;
                    return Happened::Changed(before);
                }
                Typed::Moved => return Happened::Nothing,
                Typed::Nothing => {}
            }
        }
        match key.code {
            KeySymbol::Tab if key.shift => self.turn(Direction::Back),
            KeySymbol::Tab | KeySymbol::Down => self.turn(Direction::On),
            KeySymbol::Up => self.turn(Direction::Back),
            KeySymbol::Enter => return self.enter(),
            KeySymbol::Left if self.focused_button().is_some() => self.turn(Direction::Back),
            KeySymbol::Right if self.focused_button().is_some() => self.turn(Direction::On),
            _ => return self.write(key),
        }
        if before == self.focus { Happened::Nothing } else { Happened::Left(before) }
    }

    /// Takes a pasted text into the field that has the focus, or into the first secret if that takes no text; line
    /// breaks do not belong into a line of text.
    pub fn paste(&mut self, text: &str) -> Happened {
        let takes_text = |field: &Field| !matches!(field.control, Control::Choice(_));
        if !self.fields.get(self.focus).is_some_and(takes_text) {
            let secret = self.fields.iter().position(|field| matches!(field.control, Control::Secret(_)));
            self.focus = secret.unwrap_or(self.focus);
        }
        let Some(field) = self.fields.get_mut(self.focus) else { return Happened::Nothing };
        field.problem = None;
        match &mut field.control {
            Control::Text(input) => insert(input, text),
            Control::Secret(secret) => secret.push(text),
            Control::Area(area) => area.insert(text),
            Control::Choice(_) => return Happened::Nothing,
        }
        Happened::Pasted(self.focus)
    }

    /// Gives a field or button the focus, as a click does.
    pub fn point(&mut self, at: usize) -> Happened {
        let before = std::mem::replace(&mut self.focus, at);
        match self.focused_button() {
            Some(button) => Happened::Pressed(button),
            None if before == at => Happened::Nothing,
            None => Happened::Left(before),
        }
    }

    fn write(&mut self, key: KeyPress) -> Happened {
        let Some(field) = self.fields.get_mut(self.focus) else { return Happened::Nothing };
        if field.control.key(key) {
            field.problem = None;
            Happened::Changed(self.focus)
        } else {
            Happened::Nothing
        }
    }

    fn enter(&mut self) -> Happened {
        if let Some(button) = self.focused_button() {
            return Happened::Pressed(button);
        }
        self.focus += 1;
        Happened::Left(self.focus - 1)
    }

    fn turn(&mut self, direction: Direction) {
        let count = (self.fields.len() + self.buttons.len()).max(1);
        self.focus = match direction {
            Direction::On => (self.focus + 1) % count,
            Direction::Back => (self.focus + count - 1) % count,
        };
    }
}

#[derive(Clone, Copy)]
enum Direction {
    On,
    Back,
}

/// Takes a key into a line of text; whether it changed the text or moved in it.
pub fn edit(input: &mut Input, key: KeyPress) -> bool {
    let Some(request) = request(key) else { return false };
    input.handle(request).is_some()
}

/// Takes a pasted text into a line of text.
pub fn insert(input: &mut Input, text: &str) {
    for c in text.chars().filter(|c| !crate::domain::text::is_unprintable(*c)) {
        input.handle(InputRequest::InsertChar(c));
    }
}

fn request(key: KeyPress) -> Option<InputRequest> {
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
        let fields = vec![Field::text("name", "name", ""), Field::choice("provider", "Provider", Choice::new(options, "snyk"))];
        Form::new(fields, vec![Button::Cancel, Button::Act("Add")])
    }

    fn press(form: &mut Form, keys: &str) -> Happened {
        keys.split(' ').fold(Happened::Nothing, |_, key| form.key(KeyPress::parse(key).expect("a key")))
    }

    #[test]
    fn the_focus_goes_round() {
        let mut form = form();
        assert_eq!(press(&mut form, "Tab"), Happened::Left(0));
        press(&mut form, "Tab Tab Tab");
        assert_eq!(form.focus, 0);
        press(&mut form, "S-Tab");
        assert_eq!(form.focused_button(), Some(Button::Act("Add")));
        assert_eq!(press(&mut form, "Left"), Happened::Left(3));
        assert_eq!(press(&mut form, "Enter"), Happened::Pressed(Button::Cancel));
    }

    #[test]
    fn letters_write_and_choose() {
        let mut form = form();
        assert_eq!(press(&mut form, "a"), Happened::Changed(0));
        form.paste("b\nc");
        assert_eq!(form.value("name"), "abc");
        press(&mut form, "Tab a");
        assert_eq!(form.value("provider"), "appcircle");
        press(&mut form, "Right");
        assert_eq!(form.value("provider"), "snyk");
        assert_eq!(press(&mut form, "z"), Happened::Nothing);
    }

    #[test]
    fn a_complaint_goes_away_when_the_field_changes() {
        let mut form = form();
        form.complain("name", "is empty");
        assert_eq!(form.remark(), Some(("Name is empty", Remark::Problem)));
        press(&mut form, "x");
        assert_eq!(form.remark(), None);
    }
}
