//! What a dialog wants to know next, read off its sheet.

use super::{Echo, Prompt};
use crate::tui::app::sheet::{FieldRow, Row, Sheet, Value};

/// What a dialog wants to know next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Subject {
    /// A line of text, with what stands there now.
    Text(Field, String),
    /// A secret, and whether there is one already.
    Secret(Field, bool),
    /// One of some titles, and which it is now.
    Turn(Field, Vec<String>, usize),
    /// A word to be typed before the button at this place is pressed.
    Word(String, usize),
    /// One of a list, or words to shorten it.
    List(Vec<Choice>),
    /// One of some buttons, and which it is now.
    Buttons(Vec<Choice>, usize),
    /// Nothing: it is only read.
    Nothing,
}

/// A field that has the focus.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Field {
    /// What stands before it.
    pub label: String,
    /// What the person should know about it.
    pub remark: String,
    /// Whether other answers stand beside it in a list, rather than other fields before and after it.
    pub listed: bool,
}

/// Something that can be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Choice {
    /// Its place in its dialog.
    pub at: usize,
    /// What it is called.
    pub title: String,
}

/// The field in which a list is searched has no place in it.
const FIND: usize = usize::MAX;

/// So many choices stand side by side.
const FEW: usize = 6;

impl Subject {
    /// What the sheet asks for.
    pub(super) fn of(sheet: &Sheet) -> Self {
        let rows = || sheet.head.iter().chain(&sheet.body).chain(&sheet.foot);
        let items = choices(rows());
        let field = rows().find_map(|row| match row {
            Row::Field(field) if field.focused && field.at != FIND => Some(field),
            _ => None,
        });
        let (buttons, pressed) = buttons(rows());
        let searched = rows().any(|row| matches!(row, Row::Field(field) if field.at == FIND));
        match field {
            Some(field) if pressed.is_some() => Self::Word(field.label.clone(), buttons.last().map_or(0, |last| last.at)),
            Some(field) => of_field(field, remark(rows()), !items.is_empty()),
            None if searched || !items.is_empty() => Self::List(items),
            None if !buttons.is_empty() => Self::Buttons(buttons, pressed.unwrap_or(0)),
            None => Self::Nothing,
        }
    }

    /// The question in words.
    pub(super) fn prompt(&self) -> Prompt {
        let question = match self {
            Self::Text(field, _) if field.listed => format!("{} (Enter for the other answers): ", field.opening()),
            Self::Text(field, value) if value.is_empty() => format!("{}: ", field.opening()),
            Self::Text(field, value) => format!("{} [{value}]: ", field.opening()),
            Self::Secret(field, held) => {
                let others = if field.listed { "; Enter for the other answers" } else { "" };
                let held = if *held { " [kept]" } else { "" };
                return Prompt { question: format!("{} (not shown{others}){held}: ", field.opening()), echo: Echo::Hidden };
            }
            Self::Turn(field, titles, at) => {
                let choices: Vec<_> = titles.iter().enumerate().map(|(at, title)| Choice { at, title: title.clone() }).collect();
                format!("{}: {} [{}]: ", field.opening(), listed(&choices), at + 1)
            }
            Self::Word(label, _) => format!("{label} (Enter leaves it): "),
            Self::List(items) if items.is_empty() => "Other words (Enter leaves it): ".to_owned(),
            Self::List(_) => "Number or words (Enter leaves it): ".to_owned(),
            Self::Buttons(buttons, at) => format!("{} [{}]: ", listed(buttons), at + 1),
            Self::Nothing => "Enter goes on: ".to_owned(),
        };
        Prompt::shown(question)
    }
}

impl Field {
    fn opening(&self) -> String {
        if self.remark.is_empty() { self.label.clone() } else { format!("{}\n{}", self.remark, self.label) }
    }
}

/// The items and, beside them, the fields that can be chosen like items, numbered in their order.
pub(super) fn choices<'a>(rows: impl Iterator<Item = &'a Row> + Clone) -> Vec<Choice> {
    let is_choice = |row: &Row| match row {
        Row::Item(item) => item.at.is_some(),
        Row::Drawing(drawing) => drawing.at.is_some(),
        _ => false,
    };
    let any = rows.clone().any(is_choice);
    rows.filter(|_| any)
        .filter_map(|row| match row {
            Row::Item(item) => item.at.map(|at| Choice { at, title: item.text.clone() }),
            Row::Drawing(drawing) => drawing.at.map(|at| Choice { at, title: drawing.words() }),
            Row::Field(field) if field.at != FIND => Some(Choice { at: field.at, title: field.label.clone() }),
            _ => None,
        })
        .collect()
}

fn buttons<'a>(rows: impl Iterator<Item = &'a Row>) -> (Vec<Choice>, Option<usize>) {
    let cells = rows.filter_map(|row| if let Row::Buttons(cells) = row { Some(cells) } else { None }).flatten();
    let (mut buttons, mut pressed) = (Vec::new(), None);
    for cell in cells {
        if cell.focused {
            pressed = Some(buttons.len());
        }
        buttons.push(Choice { at: cell.at, title: cell.button.label().to_owned() });
    }
    (buttons, pressed)
}

fn remark<'a>(mut rows: impl Iterator<Item = &'a Row>) -> String {
    rows.find_map(|row| if let Row::Remark(_, text) = row { Some(text.clone()) } else { None }).unwrap_or_default()
}

fn of_field(field: &FieldRow, remark: String, listed: bool) -> Subject {
    let asked = Field { label: field.label.clone(), remark, listed };
    match &field.value {
        Value::Text(text, _) => Subject::Text(asked, text.clone()),
        Value::Secret(held) => Subject::Secret(asked, *held),
        Value::Choice(titles, at) => Subject::Turn(asked, titles.clone(), *at),
    }
}

/// `1 Cancel, 2 Add`; many choices stand below one another.
fn listed(choices: &[Choice]) -> String {
    let few = choices.len() <= FEW;
    let (before, dot, between, after) = if few { ("", "", ", ", "") } else { ("\n", ".", "\n", "\nNumber") };
    let numbered = choices.iter().enumerate().map(|(at, choice)| format!("{}{dot} {}", at + 1, choice.title));
    format!("{before}{}{after}", numbered.collect::<Vec<_>>().join(between))
}
