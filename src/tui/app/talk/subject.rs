//! What a dialog wants to know next, read off its sheet.

use super::{Echo, Prompt};
use crate::tui::app::form::{FormButton, SELECT_HINT};
use crate::tui::app::sheet::{DialogRow, DialogView, FieldValue};

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
    /// One of a list.
    List(Listed),
    /// One of some buttons, and which it is now.
    Buttons(Vec<Choice>, Pressed),
    /// Nothing: it is only read.
    Nothing,
}

/// The button that has the focus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pressed {
    /// Its place.
    pub at: usize,
    /// Whether nothing else said means this one. Where fields were filled in, nothing but a word leaves them.
    pub presumed: bool,
}

/// Something of which one is to be chosen.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Listed {
    /// What there is.
    pub items: Vec<Choice>,
    /// Whether words shorten it.
    pub searched: bool,
    /// What else can be said, such as `delete 1`.
    pub extras: Vec<String>,
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
    /// Whether it takes several lines.
    pub long: bool,
}

/// Something that can be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Choice {
    /// Its place in its dialog.
    pub at: usize,
    /// What it is called.
    pub title: String,
    /// More about it.
    pub more: String,
}

impl Choice {
    /// One that its title tells all about.
    pub(super) fn of(at: usize, title: impl Into<String>) -> Self {
        Self { at, title: title.into(), more: String::new() }
    }

    /// Whether this stands in what is said of it.
    pub(super) fn says(&self, words: &str) -> bool {
        let words = words.to_lowercase();
        [&self.title, &self.more].into_iter().any(|text| text.to_lowercase().contains(&words))
    }
}

/// The field in which a list is searched has no place in it.
const FIND: usize = usize::MAX;

/// So many choices stand side by side.
const FEW: usize = 6;

impl Subject {
    /// What the sheet asks for.
    pub(super) fn of(sheet: &DialogView) -> Self {
        let rows = || sheet.head.iter().chain(&sheet.body).chain(&sheet.foot);
        let items = choices(rows());
        let field = rows().find_map(|row| match row {
            DialogRow::Field(field) if field.focused && field.index != FIND => Some(field),
            _ => None,
        });
        let (buttons, pressed) = buttons(rows());
        let searched = rows().any(|row| matches!(row, DialogRow::Field(field) if field.index == FIND));
        match field {
            Some(field) if pressed.is_some() => Self::Word(field.label.clone(), buttons.last().map_or(0, |last| last.at)),
            Some(field) => {
                let long =
                    rows().filter(|row| matches!(row, DialogRow::Field(line) if line.index == field.index)).nth(1).is_some();
                let (label, remark) = (label_of(field.index, rows()), remark(rows()));
                of_field(&field.value, Field { label, remark, listed: !items.is_empty(), long })
            }
            None if searched || !items.is_empty() => Self::List(Listed { items, searched, extras: sheet.shortcuts.clone() }),
            None if !buttons.is_empty() => {
                let at = pressed.unwrap_or(0);
                let filled = rows().any(|row| matches!(row, DialogRow::Field(_)));
                let leaves = buttons.get(at).is_some_and(|button| button.title == FormButton::Cancel.label());
                Self::Buttons(buttons, Pressed { at, presumed: !(filled && leaves) })
            }
            None => Self::Nothing,
        }
    }

    /// The question in words.
    pub(super) fn prompt(&self) -> Prompt {
        let question = match self {
            Self::Text(field, _) if field.listed => format!("{} (Enter for the other answers): ", field.opening()),
            Self::Text(field, _) if field.long => format!("{} (+ and a line adds it, Enter goes on): ", field.opening()),
            Self::Text(field, value) if value.is_empty() => format!("{}: ", field.opening()),
            Self::Text(field, value) => format!("{} [{value}]: ", field.opening()),
            Self::Secret(field, held) => {
                let others = if field.listed { "; Enter for the other answers" } else { "" };
                let held = if *held { " [kept]" } else { "" };
                return Prompt { question: format!("{} (not shown{others}){held}: ", field.opening()), echo: Echo::Hidden };
            }
            Self::Turn(field, titles, at) => {
                let choices: Vec<_> = titles.iter().enumerate().map(|(at, title)| Choice::of(at, title)).collect();
                format!("{}: {} [{}]: ", field.opening(), listed(&choices), at + 1)
            }
            Self::Word(label, _) => format!("{label} (Enter leaves it): "),
            Self::List(list) => list.question(),
            Self::Buttons(buttons, Pressed { at, presumed: true }) => format!("{} [{}]: ", listed(buttons), at + 1),
            Self::Buttons(buttons, _) => format!("{}: ", listed(buttons)),
            Self::Nothing => "Enter goes on: ".to_owned(),
        };
        Prompt::shown(question)
    }
}

impl Listed {
    fn question(&self) -> String {
        let extras = if self.extras.is_empty() { String::new() } else { format!("also {}; ", self.extras.join(", ")) };
        let asked = if self.items.is_empty() { "Nothing to choose from" } else { "Number or words" };
        format!("{asked} ({extras}Enter leaves it): ")
    }
}

impl Field {
    fn opening(&self) -> String {
        if self.remark.is_empty() { self.label.clone() } else { format!("{}\n{}", self.remark, self.label) }
    }
}

/// The items and, beside them, the fields that can be chosen like items, numbered in their order.
pub(super) fn choices<'a>(rows: impl Iterator<Item = &'a DialogRow> + Clone) -> Vec<Choice> {
    let is_choice = |row: &DialogRow| match row {
        DialogRow::Item(item) => item.index.is_some(),
        DialogRow::Spans(drawing) => drawing.index.is_some(),
        _ => false,
    };
    let any = rows.clone().any(is_choice);
    rows.filter(|_| any)
        .filter_map(|row| match row {
            DialogRow::Item(item) => item.index.map(|at| Choice { at, title: item.text.clone(), more: item.more.clone() }),
            DialogRow::Spans(drawing) => drawing.index.map(|at| Choice::of(at, drawing.plain_text())),
            DialogRow::Field(field) if field.index != FIND => Some(Choice::of(field.index, &field.label)),
            _ => None,
        })
        .collect()
}

fn buttons<'a>(rows: impl Iterator<Item = &'a DialogRow>) -> (Vec<Choice>, Option<usize>) {
    let cells = rows.filter_map(|row| if let DialogRow::Buttons(cells) = row { Some(cells) } else { None }).flatten();
    let (mut buttons, mut pressed) = (Vec::new(), None);
    for cell in cells {
        if cell.focused {
            pressed = Some(buttons.len());
        }
        buttons.push(Choice::of(cell.index, cell.button.label()));
    }
    (buttons, pressed)
}

/// The label of a field; where it takes several lines, it stands before the first.
fn label_of<'a>(at: usize, rows: impl Iterator<Item = &'a DialogRow>) -> String {
    let mut labels = rows.filter_map(|row| match row {
        DialogRow::Field(field) if field.index == at => Some(field.label.clone()),
        _ => None,
    });
    labels.find(|label| !label.is_empty()).unwrap_or_default()
}

/// What the person should know. How arrows choose is nothing to who types a number.
fn remark<'a>(mut rows: impl Iterator<Item = &'a DialogRow>) -> String {
    let remark = rows.find_map(|row| if let DialogRow::Message(_, text) = row { Some(text.as_str()) } else { None });
    remark.unwrap_or_default().replace(SELECT_HINT, "").trim().to_owned()
}

fn of_field(value: &FieldValue, asked: Field) -> Subject {
    match value {
        FieldValue::Text(text, _) => Subject::Text(asked, text.clone()),
        FieldValue::Secret(held) => Subject::Secret(asked, *held),
        FieldValue::Select(titles, at) => Subject::Turn(asked, titles.clone(), *at),
    }
}

/// `1 Cancel, 2 Add`; many choices stand below one another.
fn listed(choices: &[Choice]) -> String {
    let few = choices.len() <= FEW;
    let (before, dot, between, after) = if few { ("", "", ", ", "") } else { ("\n", ".", "\n", "\nNumber") };
    let numbered = choices.iter().enumerate().map(|(at, choice)| format!("{}{dot} {}", at + 1, choice.title));
    format!("{before}{}{after}", numbered.collect::<Vec<_>>().join(between))
}
