//! Picker: a searchable list, for the command palette, regions, presets, history and others.
//!
//! [`PickerDialog`] filters and moves the cursor; [`PickerSelection`] says what a selected item
//! does, [`PickerShortcut`] which further actions a list has. The callers build the items. Start
//! reading at [`PickerDialog::handle_key`].

use std::collections::BTreeMap;
use std::sync::Arc;

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};
use tui_input::Input;

use super::{ConsoleDialogAction, DialogAction, DialogResult};
use crate::config::KeyPress;
use crate::config::key::KeySymbol;
use crate::config::theme::StyleRole;
use crate::domain::CredentialId;
use crate::engine::task_protocol::{ImportCandidate, RotationTarget};
use crate::tui::app::RestartTarget;
use crate::tui::app::command::{CommandAction, CursorMotion};
use crate::tui::app::credentials::list::moved_cursor;
use crate::tui::app::widgets::dialog_view::{
    DialogRow, DialogView, FieldValue, FieldView, ListItem, list_window,
};
use crate::tui::app::widgets::form::{edit_input, insert_text};

/// Columns of a list with long lines.
const WIDE_COLUMNS: u16 = 108;

/// Rows that a page key moves.
const PAGE_ROWS: usize = 10;

/// Dialog with a searchable list.
pub struct PickerDialog {
    title: String,
    intro: Vec<DialogRow>,
    width: u16,
    shortcuts: &'static [PickerShortcut],
    /// A longer text per item, shown for the item under the cursor.
    notes: Vec<String>,
    input: Input,
    items: Vec<PickerItem>,
    matching_items: Vec<usize>,
    cursor: usize,
    empty_text: String,
}

/// Item of a picker.
pub struct PickerItem {
    /// Text that the search matches first.
    pub text: String,
    /// Description of the item.
    pub more: String,
    /// Short text at the right edge.
    pub right: String,
    /// Symbol before the item.
    pub mark: Option<(StyleRole, &'static str)>,
    /// Heading above the item while the search is empty; equal headings are shown once.
    pub heading: &'static str,
    /// What selecting the item does.
    pub selection: PickerSelection,
}

/// Additional action on the item under the cursor, by Ctrl and a letter.
pub struct PickerShortcut {
    /// The letter.
    pub key: char,
    /// A short label.
    pub label: &'static str,
    /// Returns the action, or `None` if it does not apply.
    pub action: fn(Option<&PickerSelection>) -> Option<ConsoleDialogAction>,
}

/// Part of an item that matches the search.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum MatchField {
    Description,
    Title,
}

/// What selecting an item does.
#[derive(Clone)]
pub enum PickerSelection {
    /// Runs a command.
    Command(CommandAction),
    /// Selects a credential in the list.
    Credential(CredentialId),
    /// Switches the credential to this region.
    Region(CredentialId, String),
    /// Selects this preset, with values for its placeholders.
    Preset(String, BTreeMap<String, String>),
    /// Asks for a confirmation to revoke or delete a credential.
    Removal(RemovalTarget),
    /// Resumes a rotation: its ID, and the name of its credential.
    Rotation(String, String),
    /// Carries out an action of the console.
    Console(Box<ConsoleDialogAction>),
    /// Imports credentials that the scan found.
    Import(Vec<Arc<ImportCandidate>>),
    /// Exits and restarts in this way.
    Restart(RestartTarget),
}

/// How a credential is removed.
#[derive(Debug, Clone)]
pub enum RemovalTarget {
    /// It is deleted from tokenring; the provider is not contacted.
    Local(CredentialId),
    /// The provider revokes it; it stays in tokenring.
    Provider(RotationTarget),
}

impl PickerSelection {
    /// Returns what Enter does with the item, for the key hints.
    fn enter_label(&self) -> &'static str {
        match self {
            Self::Command(_) => "run",
            Self::Credential(_) => "show in list",
            Self::Region(..) => "switch",
            Self::Preset(..) => "select",
            Self::Removal(_) => "continue",
            Self::Rotation(..) => "open",
            Self::Import(_) => "import",
            Self::Restart(_) => "restart",
            Self::Console(action) => match action.as_ref() {
                ConsoleDialogAction::OpenSaved(..) => "open",
                ConsoleDialogAction::Resend(_) => "send again",
                ConsoleDialogAction::RunPreset(..) => "run",
                ConsoleDialogAction::EnterParameters(..) => "enter a value",
                _ => "select",
            },
        }
    }
}

impl PickerShortcut {
    /// Returns whether the action applies to an item rather than to the whole list.
    fn needs_item(&self) -> bool {
        (self.action)(None).is_none()
    }

    /// Returns an example of the text that runs the action in plain-text mode.
    fn example_input(&self) -> String {
        if self.needs_item() { format!("{} 1", self.label) } else { self.label.to_owned() }
    }
}

impl PickerDialog {
    /// Creates a picker with all `items`; the cursor is on the item with the index `cursor`.
    pub fn new(title: impl Into<String>, items: Vec<PickerItem>, cursor: usize) -> Self {
        let shown = (0..items.len()).collect();
        let (title, input, empty_text) = (title.into(), Input::default(), "Empty".to_owned());
        let (intro, notes) = (Vec::new(), Vec::new());
        Self {
            title,
            intro,
            width: 92,
            shortcuts: &[],
            notes,
            input,
            items,
            matching_items: shown,
            cursor,
            empty_text,
        }
    }

    /// Adds shortcuts, and makes the list wide.
    #[must_use]
    pub fn with_shortcuts(mut self, shortcuts: &'static [PickerShortcut]) -> Self {
        (self.shortcuts, self.width) = (shortcuts, WIDE_COLUMNS);
        self
    }

    /// Sets the text of an empty list.
    #[must_use]
    pub fn with_empty_text(mut self, empty_text: String) -> Self {
        self.empty_text = empty_text;
        self
    }

    /// Makes the list wide, for long lines.
    #[must_use]
    pub fn with_wide_layout(mut self) -> Self {
        self.width = WIDE_COLUMNS;
        self
    }

    /// Adds a longer text per item, in the order of the items.
    #[must_use]
    pub fn with_notes(mut self, notes: Vec<String>) -> Self {
        self.notes = notes;
        self
    }

    /// Adds an introduction above the list.
    #[must_use]
    pub fn with_intro(mut self, intro: Vec<DialogRow>) -> Self {
        self.intro = intro;
        self
    }

    /// Returns whether the list has shortcuts.
    pub fn has_shortcuts(&self) -> bool {
        !self.shortcuts.is_empty()
    }

    /// Handles a key.
    pub fn handle_key(&mut self, key: KeyPress) -> DialogResult {
        if key.code == KeySymbol::Enter {
            return self.submit_selected();
        }
        if let Some(shortcut) = self
            .shortcuts
            .iter()
            .find(|shortcut| key.ctrl && key.code == KeySymbol::Char(shortcut.key))
        {
            let picked = self.matching_items.get(self.cursor).map(|at| &self.items[*at].selection);
            let action = (shortcut.action)(picked);
            return action.map_or(DialogResult::Stay, |action| {
                DialogResult::RunAndStay(DialogAction::Console(Box::new(action)))
            });
        }
        match typing_motion(key) {
            Some(motion) => {
                self.cursor = moved_cursor(
                    self.cursor,
                    motion,
                    PAGE_ROWS,
                    self.matching_items.len().saturating_sub(1),
                );
            }
            None if edit_input(&mut self.input, key) => self.update_matches(),
            None => {}
        }
        DialogResult::Stay
    }

    /// Returns whether these words run a shortcut, such as `delete 2`.
    pub fn matches_shortcut(&self, words: &str) -> bool {
        self.parse_shortcut(words).is_some()
    }

    /// Runs the shortcut that these words name.
    pub fn run_shortcut(&mut self, words: &str) -> DialogResult {
        let Some((shortcut, at)) = self.parse_shortcut(words) else { return DialogResult::Stay };
        self.cursor = at.unwrap_or(self.cursor);
        self.handle_key(KeyPress::ctrl(shortcut.key))
    }

    /// Parses the words of a shortcut; returns the shortcut and the index of its item, if it needs
    /// one.
    fn parse_shortcut(&self, words: &str) -> Option<(&'static PickerShortcut, Option<usize>)> {
        let numbered = words
            .rsplit_once(' ')
            .and_then(|(word, number)| Some((word, number.parse::<usize>().ok()?)));
        let (word, at) = match numbered {
            Some((word, number)) => {
                (word, Some(number.checked_sub(1).filter(|at| *at < self.matching_items.len())?))
            }
            None => (words, None),
        };
        let shortcut = self.shortcuts.iter().find(|shortcut| {
            shortcut.label.split(' ').next() == Some(word) || shortcut.label == word
        })?;
        (shortcut.needs_item() == at.is_some()).then_some((shortcut, at))
    }

    /// Handles a pasted text.
    pub fn handle_paste(&mut self, text: &str) -> DialogResult {
        insert_text(&mut self.input, text);
        self.update_matches();
        DialogResult::Stay
    }

    /// Handles a click on an item.
    pub fn handle_click(&mut self, at: usize) -> DialogResult {
        if at >= self.matching_items.len() {
            return DialogResult::Stay;
        }
        self.cursor = at;
        self.submit_selected()
    }

    /// Builds the view of the dialog.
    pub fn view(&self) -> DialogView {
        let mut view = DialogView::new(self.title.clone(), self.width);
        let value = FieldValue::Text(self.input.value().to_owned(), self.input.visual_cursor());
        let field = FieldView {
            index: usize::MAX,
            label: "Find".to_owned(),
            value,
            focused: true,
            has_problem: false,
        };
        view.head =
            self.intro.iter().cloned().chain([DialogRow::Field(field), DialogRow::Blank]).collect();
        self.push_item_rows(&mut view);
        let shortcuts =
            self.shortcuts.iter().map(|shortcut| format!("C-{} {}", shortcut.key, shortcut.label));
        let enter = format!("Enter {}", self.enter_label());
        let words = ["↑/↓ select".to_owned(), enter]
            .into_iter()
            .chain(shortcuts)
            .chain(["Esc close".to_owned()]);
        view.foot = self
            .note_rows()
            .into_iter()
            .chain([DialogRow::Blank, DialogRow::dim(words.collect::<Vec<_>>().join(" · "))])
            .collect();
        let fits =
            |shortcut: &&PickerShortcut| !shortcut.needs_item() || !self.matching_items.is_empty();
        view.shortcuts =
            self.shortcuts.iter().filter(fits).map(PickerShortcut::example_input).collect();
        view
    }

    /// Returns what Enter does with the item under the cursor, for the key hints.
    fn enter_label(&self) -> &'static str {
        let item = self.matching_items.get(self.cursor).map(|at| &self.items[*at]);
        item.map_or("select", |item| item.selection.enter_label())
    }

    /// Returns the full texts of the item under the cursor, which its line may truncate.
    fn note_rows(&self) -> Vec<DialogRow> {
        let Some((at, note)) =
            self.matching_items.get(self.cursor).and_then(|at| Some((*at, self.notes.get(*at)?)))
        else {
            return Vec::new();
        };
        vec![
            DialogRow::Blank,
            DialogRow::dim(self.items[at].more.clone()),
            DialogRow::dim(note.clone()),
        ]
    }

    /// Adds the items around the cursor, below their headings as long as the search is empty.
    fn push_item_rows(&self, view: &mut DialogView) {
        let is_sorted = self.input.value().trim().is_empty();
        let mut heading = "";
        for at in list_window(self.cursor, self.matching_items.len()) {
            let item = &self.items[self.matching_items[at]];
            if is_sorted && item.heading != heading {
                heading = item.heading;
                if !view.body.is_empty() {
                    view.body.push(DialogRow::Blank);
                }
                view.body.push(DialogRow::Text(StyleRole::Title, heading.to_owned()));
            }
            if at == self.cursor {
                view.cursor = view.body.len();
            }
            view.body.push(self.item_row(at, item));
        }
        if view.body.is_empty() {
            let why = if self.items.is_empty() { &self.empty_text } else { "No matches" };
            view.body.push(DialogRow::dim(why));
        }
    }

    fn item_row(&self, at: usize, item: &PickerItem) -> DialogRow {
        DialogRow::Item(ListItem {
            index: Some(at),
            mark: item.mark,
            text: item.text.clone(),
            more: item.more.clone(),
            right: item.right.clone(),
            selected: at == self.cursor,
        })
    }

    fn submit_selected(&mut self) -> DialogResult {
        let Some(item) = self.matching_items.get(self.cursor).map(|at| &self.items[*at]) else {
            return DialogResult::Stay;
        };
        DialogResult::RunAndClose(match item.selection.clone() {
            PickerSelection::Command(action) => DialogAction::Run(action),
            PickerSelection::Credential(id) => DialogAction::SelectCredential(id),
            PickerSelection::Region(credential, region) => {
                DialogAction::SwitchRegion(credential, region)
            }
            PickerSelection::Preset(id, given) => DialogAction::SelectPreset(id, given),
            PickerSelection::Removal(removal) => DialogAction::ConfirmRemoval(removal),
            PickerSelection::Rotation(id, name) => DialogAction::ResumeRotation(id, name),
            PickerSelection::Console(action) => DialogAction::Console(action),
            PickerSelection::Import(candidates) => DialogAction::ImportCandidates(candidates),
            PickerSelection::Restart(restart) => DialogAction::Restart(restart),
        })
    }

    fn update_matches(&mut self) {
        let pattern =
            Pattern::parse(self.input.value(), CaseMatching::Ignore, Normalization::Smart);
        let (mut matcher, mut letters) = (Matcher::new(Config::DEFAULT), Vec::new());
        let mut score = |text: &str| pattern.score(Utf32Str::new(text, &mut letters), &mut matcher);
        // Matches in the title rank above matches in the description.
        let mut rank = |item: &PickerItem| match score(&item.text) {
            Some(score) => Some((MatchField::Title, score)),
            None => score(&format!("{} {}", item.text, item.more))
                .map(|score| (MatchField::Description, score)),
        };
        let scored = self.items.iter().enumerate().filter_map(|(at, item)| Some((rank(item)?, at)));
        let mut scored: Vec<_> = scored.collect();
        scored.sort_by(|(a, _), (b, _)| b.cmp(a));
        self.matching_items = scored.into_iter().map(|(_, at)| at).collect();
        self.cursor = 0;
    }
}

/// Returns the cursor motion of a key in a list without a search field.
pub(in crate::tui::app) fn list_motion(key: KeyPress) -> Option<CursorMotion> {
    match (key.code, key.ctrl) {
        (KeySymbol::Char('k'), false) => Some(CursorMotion::Up),
        (KeySymbol::Char('j'), false) => Some(CursorMotion::Down),
        (KeySymbol::Char('g'), false) | (KeySymbol::Home, _) => Some(CursorMotion::Top),
        (KeySymbol::Char('G'), false) | (KeySymbol::End, _) => Some(CursorMotion::Bottom),
        _ => typing_motion(key),
    }
}

/// Returns the cursor motion of a key that does not interfere with typing.
pub(super) fn typing_motion(key: KeyPress) -> Option<CursorMotion> {
    match (key.code, key.ctrl) {
        (KeySymbol::Up, _) | (KeySymbol::Char('p'), true) => Some(CursorMotion::Up),
        (KeySymbol::Down, _) | (KeySymbol::Char('n'), true) => Some(CursorMotion::Down),
        (KeySymbol::PageUp, _) => Some(CursorMotion::PageUp),
        (KeySymbol::PageDown, _) => Some(CursorMotion::PageDown),
        _ => None,
    }
}
