//! What a dialog wants to know next, read off its sheet.

use super::{EchoMode, TextPrompt};
use crate::tui::app::dialog_view::{DialogRow, DialogView, FieldValue};
use crate::tui::app::form::{FormButton, SELECT_HINT};

/// What a dialog wants to know next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ExpectedInput {
    /// A line of text, with what stands there now.
    Text(FieldPrompt, String),
    /// A secret, and whether there is one already.
    Secret(FieldPrompt, bool),
    /// One of some titles, and which it is now.
    Choice(FieldPrompt, Vec<String>, usize),
    /// A word to be typed before the button at this place is pressed.
    Confirmation(String, usize),
    /// One of a list.
    List(ListPrompt),
    /// One of some buttons, and which it is now.
    Buttons(Vec<PromptOption>, FocusedButton),
    /// Nothing: it is only read.
    ReadOnly,
}

/// The button that has the focus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FocusedButton {
    /// Its place.
    pub at: usize,
    /// Whether nothing else said means this one. Where fields were filled in, nothing but a word leaves them.
    pub is_default: bool,
}

/// Something of which one is to be chosen.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ListPrompt {
    /// What there is.
    pub items: Vec<PromptOption>,
    /// Whether words shorten it.
    pub is_searchable: bool,
    /// What else can be said, such as `delete 1`.
    pub shortcuts: Vec<String>,
}

/// A field that has the focus.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FieldPrompt {
    /// What stands before it.
    pub label: String,
    /// What the person should know about it.
    pub message: String,
    /// Whether other answers stand beside it in a list, rather than other fields before and after it.
    pub is_in_list: bool,
    /// Whether it takes several lines.
    pub is_multiline: bool,
}

/// Something that can be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PromptOption {
    /// Its place in its dialog.
    pub at: usize,
    /// What it is called.
    pub title: String,
    /// More about it.
    pub more: String,
}

impl PromptOption {
    /// One that its title tells all about.
    pub(super) fn new(at: usize, title: impl Into<String>) -> Self {
        Self { at, title: title.into(), more: String::new() }
    }

    /// Whether this stands in what is said of it.
    pub(super) fn contains(&self, words: &str) -> bool {
        let words = words.to_lowercase();
        [&self.title, &self.more].into_iter().any(|text| text.to_lowercase().contains(&words))
    }
}

/// The field in which a list is searched has no place in it.
const SEARCH_FIELD: usize = usize::MAX;

/// So many choices stand side by side.
const MAX_INLINE_OPTIONS: usize = 6;

impl ExpectedInput {
    /// What the sheet asks for.
    pub(super) fn from_view(sheet: &DialogView) -> Self {
        let rows = || sheet.head.iter().chain(&sheet.body).chain(&sheet.foot);
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
                let (label, remark) = (field_label(field.index, rows()), field_message(rows()));
                expected_field_input(
                    &field.value,
                    FieldPrompt {
                        label,
                        message: remark,
                        is_in_list: !items.is_empty(),
                        is_multiline: long,
                    },
                )
            }
            None if searched || !items.is_empty() => Self::List(ListPrompt {
                items,
                is_searchable: searched,
                shortcuts: sheet.shortcuts.clone(),
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

    /// The question in words.
    pub(super) fn to_prompt(&self) -> TextPrompt {
        let question = match self {
            Self::Text(field, _) if field.is_in_list => {
                format!("{} (Enter for the other answers): ", field.label_with_message())
            }
            Self::Text(field, _) if field.is_multiline => {
                format!("{} (+ and a line adds it, Enter goes on): ", field.label_with_message())
            }
            Self::Text(field, value) if value.is_empty() => {
                format!("{}: ", field.label_with_message())
            }
            Self::Text(field, value) => format!("{} [{value}]: ", field.label_with_message()),
            Self::Secret(field, held) => {
                let others = if field.is_in_list { "; Enter for the other answers" } else { "" };
                let held = if *held { " [kept]" } else { "" };
                return TextPrompt {
                    question: format!("{} (not shown{others}){held}: ", field.label_with_message()),
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
            Self::Confirmation(label, _) => format!("{label} (Enter leaves it): "),
            Self::List(list) => list.question_text(),
            Self::Buttons(buttons, FocusedButton { at, is_default: true }) => {
                format!("{} [{}]: ", format_options(buttons), at + 1)
            }
            Self::Buttons(buttons, _) => format!("{}: ", format_options(buttons)),
            Self::ReadOnly => "Enter goes on: ".to_owned(),
        };
        TextPrompt::visible(question)
    }
}

impl ListPrompt {
    fn question_text(&self) -> String {
        let extras = if self.shortcuts.is_empty() {
            String::new()
        } else {
            format!("also {}; ", self.shortcuts.join(", "))
        };
        let asked =
            if self.items.is_empty() { "Nothing to choose from" } else { "Number or words" };
        format!("{asked} ({extras}Enter leaves it): ")
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

/// The items and, beside them, the fields that can be chosen like items, numbered in their order.
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

/// The label of a field; where it takes several lines, it stands before the first.
fn field_label<'a>(at: usize, rows: impl Iterator<Item = &'a DialogRow>) -> String {
    let mut labels = rows.filter_map(|row| match row {
        DialogRow::Field(field) if field.index == at => Some(field.label.clone()),
        _ => None,
    });
    labels.find(|label| !label.is_empty()).unwrap_or_default()
}

/// What the person should know. How arrows choose is nothing to who types a number.
fn field_message<'a>(mut rows: impl Iterator<Item = &'a DialogRow>) -> String {
    let remark = rows.find_map(|row| {
        if let DialogRow::Message(_, text) = row { Some(text.as_str()) } else { None }
    });
    remark.unwrap_or_default().replace(SELECT_HINT, "").trim().to_owned()
}

fn expected_field_input(value: &FieldValue, asked: FieldPrompt) -> ExpectedInput {
    match value {
        FieldValue::Text(text, _) => ExpectedInput::Text(asked, text.clone()),
        FieldValue::Secret(held) => ExpectedInput::Secret(asked, *held),
        FieldValue::Select(titles, at) => ExpectedInput::Choice(asked, titles.clone(), *at),
    }
}

/// `1 Cancel, 2 Add`; many choices stand below one another.
fn format_options(choices: &[PromptOption]) -> String {
    let few = choices.len() <= MAX_INLINE_OPTIONS;
    let (before, dot, between, after) =
        if few { ("", "", ", ", "") } else { ("\n", ".", "\n", "\nNumber") };
    let numbered =
        choices.iter().enumerate().map(|(at, choice)| format!("{}{dot} {}", at + 1, choice.title));
    format!("{before}{}{after}", numbered.collect::<Vec<_>>().join(between))
}
