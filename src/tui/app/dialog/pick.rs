//! Picking one of many by typing: the palette, regions, presets.

use std::collections::BTreeMap;
use std::sync::Arc;

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};
use tui_input::Input;

use super::{ConsoleIntent, Intent, Outcome};
use crate::config::KeyPress;
use crate::config::key::KeySymbol;
use crate::config::theme::StyleRole;
use crate::domain::CredentialId;
use crate::engine::message::ImportCandidate;
use crate::engine::message::RotationTarget;
use crate::tui::app::RestartTarget;
use crate::tui::app::command::{CommandAction, CursorMotion};
use crate::tui::app::credentials::moved_cursor;
use crate::tui::app::form::{edit_input, insert_text};
use crate::tui::app::sheet::{DialogRow, DialogView, FieldValue, FieldView, ListItem, list_window};

/// How wide a list is whose lines are long.
const WIDE: u16 = 108;

/// How far a page key goes.
const PAGE: usize = 10;

/// The dialog in which one of many is picked.
pub struct Pick {
    title: String,
    intro: Vec<DialogRow>,
    width: u16,
    extras: &'static [Extra],
    /// More about each item, which is told of the one under the cursor.
    notes: Vec<String>,
    input: Input,
    items: Vec<PickItem>,
    shown: Vec<usize>,
    cursor: usize,
    empty: String,
}

/// One of the many.
pub struct PickItem {
    /// What is typed to find it.
    pub text: String,
    /// More about it.
    pub more: String,
    /// Something short at the right edge.
    pub right: String,
    /// A sign before it.
    pub mark: Option<(StyleRole, &'static str)>,
    /// The heading above it, while nothing is typed; equal ones are shown once.
    pub heading: &'static str,
    /// What picking it means.
    pub picked: Picked,
}

/// Something else than to take it that can be done with what is under the cursor, by Ctrl and a letter.
pub struct Extra {
    /// The letter.
    pub key: char,
    /// What it does, in a word.
    pub word: &'static str,
    /// What is wanted; nothing where it does not fit.
    pub intent: fn(Option<&Picked>) -> Option<ConsoleIntent>,
}

/// Where what was typed is found.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Found {
    Description,
    Title,
}

/// What picking something means.
#[derive(Clone)]
pub enum Picked {
    /// Run a command.
    Command(CommandAction),
    /// Show a credential in the list.
    Credential(CredentialId),
    /// Switch the credential to this region.
    Region(CredentialId, String),
    /// Take this preset, with values for its placeholders.
    Preset(String, BTreeMap<String, String>),
    /// Let a credential end.
    Removal(Removal),
    /// Take up a rotation: its id, and the name of its credential.
    Rotation(String, String),
    /// Do something with the console.
    Console(Box<ConsoleIntent>),
    /// Keep what was found.
    Import(Vec<Arc<ImportCandidate>>),
    /// Leave, and start again as this says.
    Leave(RestartTarget),
}

/// How a credential ends.
#[derive(Debug, Clone)]
pub enum Removal {
    /// It is forgotten here; the provider is not asked.
    Here(CredentialId),
    /// The provider revokes it; it stays here.
    AtProvider(RotationTarget),
}

impl Extra {
    /// Whether it is done with one of the items, rather than with all.
    fn is_about_one(&self) -> bool {
        (self.intent)(None).is_none()
    }

    /// How it is said.
    fn example(&self) -> String {
        if self.is_about_one() { format!("{} 1", self.word) } else { self.word.to_owned() }
    }
}

impl Pick {
    /// All of `items`; the cursor is on the one at `cursor`.
    pub fn new(title: impl Into<String>, items: Vec<PickItem>, cursor: usize) -> Self {
        let shown = (0..items.len()).collect();
        let (title, input, empty) = (title.into(), Input::default(), "Nothing is here yet".to_owned());
        let (intro, notes) = (Vec::new(), Vec::new());
        Self { title, intro, width: 92, extras: &[], notes, input, items, shown, cursor, empty }
    }

    /// The same as a wide list of which more can be made than to take one.
    #[must_use]
    pub fn with(mut self, extras: &'static [Extra]) -> Self {
        (self.extras, self.width) = (extras, WIDE);
        self
    }

    /// The same with other words for when it is empty.
    #[must_use]
    pub fn or_else_saying(mut self, empty: String) -> Self {
        self.empty = empty;
        self
    }

    /// The same as wide as its lines need it.
    #[must_use]
    pub fn wide(mut self) -> Self {
        self.width = WIDE;
        self
    }

    /// The same with more about each item, in their order.
    #[must_use]
    pub fn noting(mut self, notes: Vec<String>) -> Self {
        self.notes = notes;
        self
    }

    /// The same below some words.
    #[must_use]
    pub fn saying(mut self, intro: Vec<DialogRow>) -> Self {
        self.intro = intro;
        self
    }

    /// Whether it is such a list.
    pub fn has_extras(&self) -> bool {
        !self.extras.is_empty()
    }

    /// Takes a key in.
    pub fn key(&mut self, key: KeyPress) -> Outcome {
        if key.code == KeySymbol::Enter {
            return self.pick();
        }
        if let Some(extra) = self.extras.iter().find(|extra| key.ctrl && key.code == KeySymbol::Char(extra.key)) {
            let picked = self.shown.get(self.cursor).map(|at| &self.items[*at].picked);
            let intent = (extra.intent)(picked);
            return intent.map_or(Outcome::Stay, |intent| Outcome::Ask(Intent::Console(Box::new(intent))));
        }
        match motion(key) {
            Some(motion) => self.cursor = moved_cursor(self.cursor, motion, PAGE, self.shown.len().saturating_sub(1)),
            None if edit_input(&mut self.input, key) => self.search(),
            None => {}
        }
        Outcome::Stay
    }

    /// Whether something else than to take an item is said by these words, such as `delete 2`.
    pub fn understands(&self, words: &str) -> bool {
        self.extra(words).is_some()
    }

    /// Does what is said by these words.
    pub fn say(&mut self, words: &str) -> Outcome {
        let Some((extra, at)) = self.extra(words) else { return Outcome::Stay };
        self.cursor = at.unwrap_or(self.cursor);
        self.key(KeyPress::ctrl(extra.key))
    }

    /// What is meant by such words, and the place of the item that it is to be done with.
    fn extra(&self, words: &str) -> Option<(&'static Extra, Option<usize>)> {
        let numbered = words.rsplit_once(' ').and_then(|(word, number)| Some((word, number.parse::<usize>().ok()?)));
        let (word, at) = match numbered {
            Some((word, number)) => (word, Some(number.checked_sub(1).filter(|at| *at < self.shown.len())?)),
            None => (words, None),
        };
        let extra = self.extras.iter().find(|extra| extra.word.split(' ').next() == Some(word) || extra.word == word)?;
        (extra.is_about_one() == at.is_some()).then_some((extra, at))
    }

    /// Takes a pasted text in.
    pub fn paste(&mut self, text: &str) -> Outcome {
        insert_text(&mut self.input, text);
        self.search();
        Outcome::Stay
    }

    /// Takes a click on an item in.
    pub fn click(&mut self, at: usize) -> Outcome {
        if at >= self.shown.len() {
            return Outcome::Stay;
        }
        self.cursor = at;
        self.pick()
    }

    /// What it shows.
    pub fn sheet(&self) -> DialogView {
        let mut sheet = DialogView::new(self.title.clone(), self.width);
        let value = FieldValue::Text(self.input.value().to_owned(), self.input.visual_cursor());
        let field = FieldView { index: usize::MAX, label: "Find".to_owned(), value, focused: true, has_problem: false };
        sheet.head = self.intro.iter().cloned().chain([DialogRow::Field(field), DialogRow::Blank]).collect();
        self.list(&mut sheet);
        let extras = self.extras.iter().map(|extra| format!("C-{} {}", extra.key, extra.word));
        let words =
            ["↑/↓ choose", "Enter takes it"].map(str::to_owned).into_iter().chain(extras).chain(["Esc closes".to_owned()]);
        sheet.foot =
            self.about().into_iter().chain([DialogRow::Blank, DialogRow::dim(words.collect::<Vec<_>>().join(" · "))]).collect();
        let fits = |extra: &&Extra| !extra.is_about_one() || !self.shown.is_empty();
        sheet.shortcuts = self.extras.iter().filter(fits).map(Extra::example).collect();
        sheet
    }

    /// All that is known of what is under the cursor, which its line may have no room for.
    fn about(&self) -> Vec<DialogRow> {
        let Some((at, note)) = self.shown.get(self.cursor).and_then(|at| Some((*at, self.notes.get(*at)?))) else {
            return Vec::new();
        };
        vec![DialogRow::Blank, DialogRow::dim(self.items[at].more.clone()), DialogRow::dim(note.clone())]
    }

    /// The items around the cursor, below their headings as long as they are in their own order.
    fn list(&self, sheet: &mut DialogView) {
        let is_sorted = self.input.value().trim().is_empty();
        let mut heading = "";
        for at in list_window(self.cursor, self.shown.len()) {
            let item = &self.items[self.shown[at]];
            if is_sorted && item.heading != heading {
                heading = item.heading;
                if !sheet.body.is_empty() {
                    sheet.body.push(DialogRow::Blank);
                }
                sheet.body.push(DialogRow::Text(StyleRole::Title, heading.to_owned()));
            }
            if at == self.cursor {
                sheet.cursor = sheet.body.len();
            }
            sheet.body.push(self.row(at, item));
        }
        if sheet.body.is_empty() {
            let why = if self.items.is_empty() { &self.empty } else { "Nothing matches" };
            sheet.body.push(DialogRow::dim(why));
        }
    }

    fn row(&self, at: usize, item: &PickItem) -> DialogRow {
        DialogRow::Item(ListItem {
            index: Some(at),
            mark: item.mark,
            text: item.text.clone(),
            more: item.more.clone(),
            right: item.right.clone(),
            selected: at == self.cursor,
        })
    }

    fn pick(&mut self) -> Outcome {
        let Some(item) = self.shown.get(self.cursor).map(|at| &self.items[*at]) else { return Outcome::Stay };
        Outcome::Finish(match item.picked.clone() {
            Picked::Command(action) => Intent::Run(action),
            Picked::Credential(id) => Intent::Show(id),
            Picked::Region(credential, region) => Intent::Switch(credential, region),
            Picked::Preset(id, given) => Intent::Preset(id, given),
            Picked::Removal(removal) => Intent::Removal(removal),
            Picked::Rotation(id, name) => Intent::TakeUp(id, name),
            Picked::Console(intent) => Intent::Console(intent),
            Picked::Import(finds) => Intent::Import(finds),
            Picked::Leave(onward) => Intent::Leave(onward),
        })
    }

    fn search(&mut self) {
        let pattern = Pattern::parse(self.input.value(), CaseMatching::Ignore, Normalization::Smart);
        let (mut matcher, mut letters) = (Matcher::new(Config::DEFAULT), Vec::new());
        let mut score = |text: &str| pattern.score(Utf32Str::new(text, &mut letters), &mut matcher);
        // What is found in the title comes before what is found in the description.
        let mut rank = |item: &PickItem| match score(&item.text) {
            Some(score) => Some((Found::Title, score)),
            None => score(&format!("{} {}", item.text, item.more)).map(|score| (Found::Description, score)),
        };
        let scored = self.items.iter().enumerate().filter_map(|(at, item)| Some((rank(item)?, at)));
        let mut scored: Vec<_> = scored.collect();
        scored.sort_by(|(a, _), (b, _)| b.cmp(a));
        self.shown = scored.into_iter().map(|(_, at)| at).collect();
        self.cursor = 0;
    }
}

/// The motions where nothing is typed.
pub(super) fn list_motion(key: KeyPress) -> Option<CursorMotion> {
    match (key.code, key.ctrl) {
        (KeySymbol::Char('k'), false) => Some(CursorMotion::Up),
        (KeySymbol::Char('j'), false) => Some(CursorMotion::Down),
        (KeySymbol::Char('g'), false) | (KeySymbol::Home, _) => Some(CursorMotion::Top),
        (KeySymbol::Char('G'), false) | (KeySymbol::End, _) => Some(CursorMotion::Bottom),
        _ => motion(key),
    }
}

/// The motions that do not get in the way of typing.
pub(super) fn motion(key: KeyPress) -> Option<CursorMotion> {
    match (key.code, key.ctrl) {
        (KeySymbol::Up, _) | (KeySymbol::Char('p'), true) => Some(CursorMotion::Up),
        (KeySymbol::Down, _) | (KeySymbol::Char('n'), true) => Some(CursorMotion::Down),
        (KeySymbol::PageUp, _) => Some(CursorMotion::PageUp),
        (KeySymbol::PageDown, _) => Some(CursorMotion::PageDown),
        _ => None,
    }
}
