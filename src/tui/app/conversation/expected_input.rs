//! The input that a dialog expects next, derived from its view.
//!
//! [`ExpectedInput::from_view`] inspects the rows of a [`DialogView`], [`ExpectedInput::to_prompt`]
//! phrases the question. Nothing here knows a particular dialog.

use super::{EchoMode, TextPrompt};
use crate::tui::app::widgets::dialog_view::{DialogRow, DialogView, FieldValue};
use crate::tui::app::widgets::form::{FormButton, SELECT_HINT};

/// The input that a dialog expects next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ExpectedInput {
    /// A line of text, with the current value.
    Text(FieldPrompt, String),
    /// A secret, and whether one is already entered.
    Secret(FieldPrompt, bool),
    /// One of several options, and the index of the current one.
    Choice(FieldPrompt, Vec<String>, usize),
    /// A word to type before the button with this index is pressed; the string is the label.
    Confirmation(String, usize),
    /// An item of a list.
    List(ListPrompt),
    /// One of several buttons, and the focused one.
    Buttons(Vec<PromptOption>, FocusedButton),
    /// No input: the dialog is read-only.
    ReadOnly,
}

/// The button that has the focus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FocusedButton {
    /// Its index.
    pub at: usize,
    /// Whether an empty reply presses this button. Once fields are filled in, only an explicit
    /// reply leaves the dialog.
    pub is_default: bool,
}

/// A list to select from.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ListPrompt {
    /// The items.
    pub items: Vec<PromptOption>,
    /// Whether words filter the list.
    pub is_searchable: bool,
    /// Further inputs, such as `delete 1`.
    pub shortcuts: Vec<String>,
}

/// The field that has the focus.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FieldPrompt {
    /// Its label.
    pub label: String,
    /// Its hint or error.
    pub message: String,
    /// Whether the field is one of several answers in a list, rather than a field of a form.
    pub is_in_list: bool,
    /// Whether the field has several lines.
    pub is_multiline: bool,
}

/// An option to select.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PromptOption {
    /// Its index in the dialog.
    pub at: usize,
    /// Its title.
    pub title: String,
    /// Its description.
    pub more: String,
}

impl PromptOption {
    /// Creates an option without a description.
    pub(super) fn new(at: usize, title: impl Into<String>) -> Self {
        Self { at, title: title.into(), more: String::new() }
    }

    /// Returns whether the title or the description contains these words, ignoring case.
    pub(super) fn contains(&self, words: &str) -> bool {
        let words = words.to_lowercase();
        [&self.title, &self.more].into_iter().any(|text| text.to_lowercase().contains(&words))
    }
}

/// Index of the search field of a list, which is not an item of the list.
const SEARCH_FIELD: usize = usize::MAX;

/// Maximum number of options on one line.
const MAX_INLINE_OPTIONS: usize = 6;

impl ExpectedInput {
    /// Derives the expected input from the view of a dialog.
    pub(super) fn from_view(view: &DialogView) -> Self {
        let rows = || view.head.iter().chain(&view.body).chain(&view.foot);
        let items = list_options(rows());
        let field = rows().find_map(|row| match row {
            DialogRow::Field(field) if field.focused && field.index != SEARCH_FIELD => Some(field),
            _ => None,
        });
        let (buttons, pressed) = button_options(rows());
        let searched =
            rows().any(|row| matches!(row, DialogRow::Field(field) if field.index == SEARCH_FIELD));
        match field {
            Some(field) if pressed.is_some() => {
                Self::Confirmation(field.label.clone(), buttons.last().map_or(0, |last| last.at))
            }
            Some(field) => {
                let long = rows()
                    .filter(
                        |row| matches!(row, DialogRow::Field(line) if line.index == field.index),
                    )
                    .nth(1)
                    .is_some();
                let (label, message) = (field_label(field.index, rows()), field_message(rows()));
                expected_field_input(
                    &field.value,
                    FieldPrompt {
                        label,
                        message,
                        is_in_list: !items.is_empty(),
                        is_multiline: long,
                    },
                )
            }
            None if searched || !items.is_empty() => Self::List(ListPrompt {
                items,
                is_searchable: searched,
                shortcuts: view.shortcuts.clone(),
            }),
            None if !buttons.is_empty() => {
                let at = pressed.unwrap_or(0);
                let filled = rows().any(|row| matches!(row, DialogRow::Field(_)));
                let leaves = buttons
                    .get(at)
                    .is_some_and(|button| button.title == FormButton::Cancel.label());
                Self::Buttons(buttons, FocusedButton { at, is_default: !(filled && leaves) })
            }
            None => Self::ReadOnly,
        }
    }

    /// Phrases the question.
    pub(super) fn to_prompt(&self) -> TextPrompt {
        let question = match self {
            Self::Text(field, _) if field.is_in_list => {
                format!("{} (Enter for the other options): ", field.label_with_message())
            }
            Self::Text(field, _) if field.is_multiline => {
                format!(
                    "{} (+ before a line adds it, Enter for the next field): ",
                    field.label_with_message()
                )
            }
            Self::Text(field, value) if value.is_empty() => {
                format!("{}: ", field.label_with_message())
            }
            Self::Text(field, value) => format!("{} [{value}]: ", field.label_with_message()),
            Self::Secret(field, filled) => {
                let others = if field.is_in_list { "; Enter for the other options" } else { "" };
                let filled = if *filled { " [entered]" } else { "" };
                return TextPrompt {
                    question: format!(
                        "{} (not shown{others}){filled}: ",
                        field.label_with_message()
                    ),
                    echo: EchoMode::Hidden,
                };
            }
            Self::Choice(field, titles, at) => {
                let choices: Vec<_> = titles
                    .iter()
                    .enumerate()
                    .map(|(at, title)| PromptOption::new(at, title))
                    .collect();
                format!(
                    "{}: {} [{}]: ",
                    field.label_with_message(),
                    format_options(&choices),
                    at + 1
                )
            }
            Self::Confirmation(label, _) => format!("{label} (Enter to cancel): "),
            Self::List(list) => list.question_text(),
            Self::Buttons(buttons, FocusedButton { at, is_default: true }) => {
                format!("{} [{}]: ", format_options(buttons), at + 1)
            }
            Self::Buttons(buttons, _) => format!("{}: ", format_options(buttons)),
            Self::ReadOnly => "Press Enter to continue: ".to_owned(),
        };
        TextPrompt::visible(question)
    }
}

impl ListPrompt {
    fn question_text(&self) -> String {
        let extras = if self.shortcuts.is_empty() {
            String::new()
        } else {
            format!("or {}; ", self.shortcuts.join(", "))
        };
        let label =
            if self.items.is_empty() { "Nothing to select" } else { "Number or search words" };
        format!("{label} ({extras}Enter to close): ")
    }
}

impl FieldPrompt {
    fn label_with_message(&self) -> String {
        if self.message.is_empty() {
            self.label.clone()
        } else {
            format!("{}\n{}", self.message, self.label)
        }
    }
}

/// Returns the items of a list and the fields among them, numbered in their order.
pub(super) fn list_options<'a>(
    rows: impl Iterator<Item = &'a DialogRow> + Clone,
) -> Vec<PromptOption> {
    let is_choice = |row: &DialogRow| match row {
        DialogRow::Item(item) => item.index.is_some(),
        DialogRow::Spans(drawing) => drawing.index.is_some(),
        _ => false,
    };
    let any = rows.clone().any(is_choice);
    rows.filter(|_| any)
        .filter_map(|row| match row {
            DialogRow::Item(item) => item.index.map(|at| PromptOption {
                at,
                title: item.text.clone(),
                more: item.more.clone(),
            }),
            DialogRow::Spans(drawing) => {
                drawing.index.map(|at| PromptOption::new(at, drawing.plain_text()))
            }
            DialogRow::Field(field) if field.index != SEARCH_FIELD => {
                Some(PromptOption::new(field.index, &field.label))
            }
            _ => None,
        })
        .collect()
}

fn button_options<'a>(
    rows: impl Iterator<Item = &'a DialogRow>,
) -> (Vec<PromptOption>, Option<usize>) {
    let cells = rows
        .filter_map(|row| if let DialogRow::Buttons(cells) = row { Some(cells) } else { None })
        .flatten();
    let (mut buttons, mut pressed) = (Vec::new(), None);
    for cell in cells {
        if cell.focused {
            pressed = Some(buttons.len());
        }
        buttons.push(PromptOption::new(cell.index, cell.button.label()));
    }
    (buttons, pressed)
}

/// Returns the label of a field; a multi-line field has it on its first row only.
fn field_label<'a>(at: usize, rows: impl Iterator<Item = &'a DialogRow>) -> String {
    let mut labels = rows.filter_map(|row| match row {
        DialogRow::Field(field) if field.index == at => Some(field.label.clone()),
        _ => None,
    });
    labels.find(|label| !label.is_empty()).unwrap_or_default()
}

/// Returns the hint or error of the focused field, without the hint about arrow keys, which does
/// not apply to numbered options.
fn field_message<'a>(mut rows: impl Iterator<Item = &'a DialogRow>) -> String {
    let message = rows.find_map(|row| {
        if let DialogRow::Message(_, text) = row { Some(text.as_str()) } else { None }
    });
    message.unwrap_or_default().replace(SELECT_HINT, "").trim().to_owned()
}

fn expected_field_input(value: &FieldValue, field: FieldPrompt) -> ExpectedInput {
    match value {
        FieldValue::Text(text, _) => ExpectedInput::Text(field, text.clone()),
        FieldValue::Secret(filled) => ExpectedInput::Secret(field, *filled),
        FieldValue::Select(titles, at) => ExpectedInput::Choice(field, titles.clone(), *at),
    }
}

/// Formats options, such as `1 Cancel, 2 Add`; many options get a line each.
fn format_options(choices: &[PromptOption]) -> String {
    let few = choices.len() <= MAX_INLINE_OPTIONS;
    let (before, dot, between, after) =
        if few { ("", "", ", ", "") } else { ("\n", ".", "\n", "\nNumber") };
    let numbered =
        choices.iter().enumerate().map(|(at, choice)| format!("{}{dot} {}", at + 1, choice.title));
    format!("{before}{}{after}", numbered.collect::<Vec<_>>().join(between))
}
