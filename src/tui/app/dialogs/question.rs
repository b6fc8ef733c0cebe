//! The question that a dialog asks in plain-text mode, and the answer to it.
//!
//! A dialog returns a [`DialogQuestion`] and accepts a [`DialogAnswer`]; nothing is read from its
//! view, and no key is simulated. A form asks for its focused field or button; start reading at
//! [`Form::question`] and [`Form::answer`]. How a question is phrased is in `conversation`.

use crate::tui::app::widgets::dialog_view::ListItem;
use crate::tui::app::widgets::form::{
    FieldInput, FieldVisibility, Form, FormButton, FormEvent, FormField, insert_text,
};

/// The question that a dialog asks next.
#[derive(Debug, PartialEq, Eq)]
pub enum DialogQuestion {
    /// The value of a field.
    Field(FieldQuestion),
    /// A word that confirms an action; the string is its label.
    TypedWord(String),
    /// An item of a list.
    List(ListQuestion),
    /// One of several buttons.
    Buttons(ButtonQuestion),
    /// No question: the dialog is read-only.
    ReadOnly,
}

/// Question for the value of a field.
#[derive(Debug, PartialEq, Eq)]
pub struct FieldQuestion {
    /// Label of the field.
    pub label: String,
    /// Hint or error.
    pub message: String,
    /// Whether the provider can list the values.
    pub has_listing: bool,
    /// Current value.
    pub value: QuestionValue,
    /// All answers, if the field is one of several answers in a list rather than a field of a form.
    pub alternatives: Vec<QuestionOption>,
    /// Whether a word such as `help` is a command rather than the value.
    pub accepts_commands: bool,
}

/// Current value of a field that is asked for.
#[derive(Debug, PartialEq, Eq)]
pub enum QuestionValue {
    /// A line of text.
    Text(String),
    /// Several lines of text.
    Lines,
    /// A secret.
    Secret {
        /// Whether it is already entered.
        is_entered: bool,
    },
    /// One of several options.
    Choice {
        /// The titles of the options.
        titles: Vec<String>,
        /// The index of the current option.
        selected: usize,
    },
}

/// Question for an item of a list.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ListQuestion {
    /// The items.
    pub items: Vec<QuestionOption>,
    /// Whether words filter the list.
    pub is_searchable: bool,
    /// Further actions.
    pub shortcuts: Vec<ListShortcut>,
    /// Whether selecting an item only moves the cursor, which must be announced.
    pub moves_cursor: bool,
}

/// Further action of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListShortcut {
    /// The letter that identifies it.
    pub key: char,
    /// Its label, which is typed.
    pub label: &'static str,
    /// Whether it acts on an item, whose number is typed after the label.
    pub needs_item: bool,
}

/// Question for a button.
#[derive(Debug, PartialEq, Eq)]
pub struct ButtonQuestion {
    /// The buttons.
    pub buttons: Vec<FormButton>,
    /// The index of the focused button.
    pub focused: usize,
    /// Whether an empty reply presses the focused button. Once fields are filled in, only an
    /// explicit reply leaves the dialog.
    pub is_default: bool,
}

/// An answer that can be selected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuestionOption {
    /// Its index in the dialog.
    pub index: usize,
    /// Its title.
    pub title: String,
    /// Its description.
    pub more: String,
    /// Short text after the description.
    pub right: String,
}

/// Answer to the question of a dialog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DialogAnswer<'a> {
    /// Leaves the value as it is, and continues with the next field.
    Next,
    /// Returns to the previous field.
    Previous,
    /// Sets the text, the secret or the word, and continues.
    Text(&'a str),
    /// Adds a line to a field with several lines, and stays there.
    AddLine(&'a str),
    /// Selects the option, item or button with this index.
    Select(usize),
    /// Filters the list by these words.
    Search(&'a str),
    /// Lists the values of the field, to choose one.
    ListValues,
    /// Runs the shortcut with this key, on the item with this index if it needs one.
    Shortcut(char, Option<usize>),
}

impl DialogQuestion {
    /// Replaces every occurrence of the name `hidden` by `shown`, for presentation mode.
    pub fn mask_name(&mut self, hidden: &str, shown: &str) {
        let mask = |text: &mut String| *text = text.replace(hidden, shown);
        let options = match self {
            Self::Field(field) => {
                mask(&mut field.label);
                if let QuestionValue::Choice { titles, .. } = &mut field.value {
                    titles.iter_mut().for_each(mask);
                }
                &mut field.alternatives
            }
            Self::List(list) => &mut list.items,
            Self::TypedWord(_) | Self::Buttons(_) | Self::ReadOnly => return,
        };
        for option in options {
            [&mut option.title, &mut option.more, &mut option.right].into_iter().for_each(mask);
        }
    }

    /// Returns the answers that are listed with numbers.
    pub fn options(&self) -> &[QuestionOption] {
        match self {
            Self::Field(field) => &field.alternatives,
            Self::List(list) => &list.items,
            Self::TypedWord(_) | Self::Buttons(_) | Self::ReadOnly => &[],
        }
    }
}

impl ListQuestion {
    /// Parses the words of a shortcut, such as `delete 2`.
    pub fn parse_shortcut(&self, words: &str) -> Option<DialogAnswer<'static>> {
        let numbered = words
            .rsplit_once(' ')
            .and_then(|(word, number)| Some((word, number.parse::<usize>().ok()?)));
        let (word, item) = match numbered {
            Some((word, number)) => (word, Some(self.items.get(number.checked_sub(1)?)?.index)),
            None => (words, None),
        };
        let shortcut = self.shortcuts.iter().find(|shortcut| {
            shortcut.label.split(' ').next() == Some(word) || shortcut.label == word
        })?;
        (shortcut.needs_item == item.is_some())
            .then_some(DialogAnswer::Shortcut(shortcut.key, item))
    }

    /// Returns the question, or none if there is no item to select.
    pub fn or_read_only(self) -> DialogQuestion {
        if self.items.is_empty() { DialogQuestion::ReadOnly } else { DialogQuestion::List(self) }
    }
}

impl ListShortcut {
    /// Returns an example of the text that runs the action.
    pub fn example_input(&self) -> String {
        if self.needs_item { format!("{} 1", self.label) } else { self.label.to_owned() }
    }
}

impl ButtonQuestion {
    /// Returns whether the dialog can only be closed.
    pub fn closes_only(&self) -> bool {
        self.buttons == [FormButton::CLOSE]
    }
}

impl QuestionOption {
    /// Creates an option without a description.
    pub fn new(index: usize, title: impl Into<String>) -> Self {
        Self { index, title: title.into(), more: String::new(), right: String::new() }
    }

    /// Creates an option from an item of a list.
    pub fn from_item(item: &ListItem) -> Option<Self> {
        Some(Self {
            index: item.index?,
            title: item.text.clone(),
            more: item.more.clone(),
            right: item.right.clone(),
        })
    }

    /// Returns whether the title or the description contains these words, ignoring case.
    pub fn contains(&self, words: &str) -> bool {
        let words = words.to_lowercase();
        [&self.title, &self.more].into_iter().any(|text| text.to_lowercase().contains(&words))
    }
}

impl FormField {
    fn question(&self) -> FieldQuestion {
        let value = match &self.control {
            FieldInput::Text(input) => QuestionValue::Text(input.value().to_owned()),
            FieldInput::MultiLine(_) => QuestionValue::Lines,
            FieldInput::Secret(secret) => QuestionValue::Secret { is_entered: !secret.is_empty() },
            FieldInput::Select(choice) => QuestionValue::Choice {
                titles: choice.options.iter().map(|(_, title)| title.clone()).collect(),
                selected: choice.selected,
            },
        };
        FieldQuestion {
            label: self.label.clone(),
            message: self.question_message(),
            has_listing: self.listing.is_some(),
            value,
            alternatives: Vec::new(),
            accepts_commands: true,
        }
    }
}

impl FormField {
    /// Returns the problem of the field, or how to answer.
    fn question_message(&self) -> String {
        let listing = self.listing.as_ref().map(|_| "* lists the values.");
        let hints = [Some(self.hint.trim()), listing].into_iter().flatten();
        let hint = hints.filter(|hint| !hint.is_empty()).collect::<Vec<_>>().join(" ");
        self.problem.clone().unwrap_or(hint)
    }
}

impl Form {
    /// Returns the question for the focused field or button.
    pub fn question(&self) -> DialogQuestion {
        if let Some(field) = self.fields.get(self.focus) {
            return DialogQuestion::Field(field.question());
        }
        if self.buttons.is_empty() {
            return DialogQuestion::ReadOnly;
        }
        let leaves = self.focused_button() == Some(FormButton::Cancel);
        DialogQuestion::Buttons(ButtonQuestion {
            buttons: self.buttons.clone(),
            focused: self.focus - self.fields.len(),
            is_default: self.fields.is_empty() || !leaves,
        })
    }

    /// Applies an answer to the focused field or button.
    pub fn answer(&mut self, answer: DialogAnswer<'_>) -> FormEvent {
        let (before, count) = (self.focus, self.fields.len());
        match answer {
            DialogAnswer::Next => self.leave_field(),
            DialogAnswer::Previous if count == 0 => FormEvent::Unchanged,
            DialogAnswer::Previous => {
                // From any button, back to the last field.
                let last = count + self.buttons.len() - 1;
                let end = before.min(count);
                let shown = (0..end)
                    .rev()
                    .find(|at| self.fields[*at].visibility != FieldVisibility::ViewSwitch);
                self.focus = shown.unwrap_or(last);
                FormEvent::Blurred(before)
            }
            DialogAnswer::Select(at) if before < count => self.select_option(before, at),
            DialogAnswer::Select(at) => self.handle_click(count + at),
            DialogAnswer::Text(text) => self.replace_value(text),
            DialogAnswer::AddLine(line) => match self.fields.get_mut(before) {
                Some(FormField { control: FieldInput::MultiLine(area), problem, .. }) => {
                    *problem = None;
                    area.append_line(line);
                    FormEvent::Changed(before)
                }
                _ => FormEvent::Unchanged,
            },
            DialogAnswer::Search(_) | DialogAnswer::Shortcut(..) | DialogAnswer::ListValues => {
                FormEvent::Unchanged
            }
        }
    }

    /// Selects an option of the field at index `field`.
    fn select_option(&mut self, field: usize, option: usize) -> FormEvent {
        match self.fields.get_mut(field) {
            Some(FormField { control: FieldInput::Select(choice), problem, .. })
                if choice.selected != option =>
            {
                *problem = None;
                choice.selected = option;
                FormEvent::Changed(field)
            }
            _ => FormEvent::Unchanged,
        }
    }

    /// Replaces the value of the focused field.
    fn replace_value(&mut self, text: &str) -> FormEvent {
        let at = self.focus;
        let Some(field) = self.fields.get_mut(at) else { return FormEvent::Unchanged };
        field.problem = None;
        match &mut field.control {
            FieldInput::Text(input) => {
                input.reset();
                insert_text(input, text);
            }
            FieldInput::MultiLine(area) => area.set_text(text),
            FieldInput::Secret(secret) => {
                secret.clear();
                secret.push(text);
                return FormEvent::Pasted(at);
            }
            FieldInput::Select(_) => return FormEvent::Unchanged,
        }
        FormEvent::Changed(at)
    }

    /// Moves the focus from a field to the next field or button.
    pub fn leave_field(&mut self) -> FormEvent {
        if self.focus >= self.fields.len() {
            return FormEvent::Unchanged;
        }
        self.focus_next_input(FieldVisibility::ViewSwitch)
    }

    /// Returns whether the focused field has a problem.
    pub fn has_focused_problem(&self) -> bool {
        self.fields.get(self.focus).is_some_and(|field| field.problem.is_some())
    }
}
