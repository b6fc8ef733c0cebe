//! Picker: a searchable list, for commands, regions, presets, history and others.
//!
//! [`PickerDialog`] filters and moves the cursor. Each item has a value, and the picker a function
//! that returns what a selected value does; a [`PickerShortcut`] is a further action of a list. The
//! callers build the items. Start reading at [`PickerDialog::new`].

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};
use tui_input::Input;
use unicode_width::UnicodeWidthStr as _;

use super::{
    Dialog, DialogAction, DialogAnswer, DialogQuestion, DialogResult, ListQuestion, ListShortcut,
    QuestionOption,
};
use crate::config::KeyPress;
use crate::config::key::KeySymbol;
use crate::config::theme::StyleRole;
use crate::tui::app::command::CursorMotion;
use crate::tui::app::widgets::dialog_view::{
    DialogRow, DialogView, FieldValue, FieldView, ListItem, TextTruncation, list_window,
};
use crate::tui::app::widgets::form::{edit_input, insert_text};
use crate::tui::app::widgets::{find_prefix_match, moved_cursor};
use crate::tui::app::{App, Now};

/// Columns of a list.
pub const PICKER_COLUMNS: u16 = 92;

/// Columns of a list with long lines.
const WIDE_COLUMNS: u16 = 108;

/// Number of items from which a list has a search field.
const MIN_SEARCHABLE_ITEMS: usize = 8;
/// Rows that a page key moves.
const PAGE_ROWS: usize = 10;

/// Dialog with a searchable list of values.
pub struct PickerDialog<T: 'static> {
    title: String,
    intro: Vec<DialogRow>,
    width: u16,
    shortcuts: &'static [PickerShortcut<T>],
    /// A longer text per item, shown for the item under the cursor.
    notes: Vec<String>,
    input: Input,
    items: Vec<PickerItem<T>>,
    matching_items: Vec<usize>,
    cursor: usize,
    empty_text: String,
    /// Returns what selecting a value does.
    select: fn(T) -> DialogAction,
}

/// Item of a picker.
pub struct PickerItem<T> {
    /// Text that the search matches first.
    pub text: String,
    /// Part of that text that is left out where it does not fit.
    pub cut: TextTruncation,
    /// Description of the item.
    pub more: String,
    /// Short text at the right edge.
    pub right: String,
    /// Color of that text: that of a key, or of the status that it names.
    pub right_role: StyleRole,
    /// Symbol before the item.
    pub mark: Option<(StyleRole, &'static str)>,
    /// Heading above the item while the search is empty; equal headings are shown once.
    pub heading: &'static str,
    /// What Enter does with the item, for the key hints.
    pub enter_label: &'static str,
    /// The value that is selected.
    pub value: T,
}

/// Additional action on the item under the cursor or on the list, by Ctrl and a letter.
pub struct PickerShortcut<T: 'static> {
    /// The letter.
    pub key: char,
    /// A short label.
    pub label: &'static str,
    /// The action.
    pub action: ShortcutAction<T>,
}

/// Action of a shortcut.
pub enum ShortcutAction<T: 'static> {
    /// Acts on the value of the item under the cursor.
    Item(fn(&T, &App) -> DialogAction),
    /// Acts on the whole list.
    List(fn() -> DialogAction),
}

/// Part of an item that matches the search.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum MatchField {
    Description,
    Title,
}

impl<T> PickerItem<T> {
    /// Creates an item without symbol, heading and right text.
    pub fn new(
        text: impl Into<String>,
        more: impl Into<String>,
        enter_label: &'static str,
        value: T,
    ) -> Self {
        Self {
            text: text.into(),
            cut: TextTruncation::End,
            more: more.into(),
            right: String::new(),
            right_role: StyleRole::Key,
            mark: None,
            heading: "",
            enter_label,
            value,
        }
    }
}

impl<T> PickerItem<T> {
    /// Returns the same item with another value.
    pub fn with_value<U>(self, value: impl FnOnce(T) -> U) -> PickerItem<U> {
        let Self { text, cut, more, right, right_role, mark, heading, enter_label, value: old } =
            self;
        let value = value(old);
        PickerItem { text, cut, more, right, right_role, mark, heading, enter_label, value }
    }
}

impl PickerDialog<DialogAction> {
    /// Creates a picker of different actions.
    pub fn of_actions(title: impl Into<String>, items: Vec<PickerItem<DialogAction>>) -> Self {
        Self::new(title, items, 0, std::convert::identity)
    }
}

impl<T: 'static> PickerDialog<T> {
    /// Creates a picker with all `items`; the cursor is on the item with the index `cursor`.
    /// `select` returns what selecting a value does.
    pub fn new(
        title: impl Into<String>,
        items: Vec<PickerItem<T>>,
        cursor: usize,
        select: fn(T) -> DialogAction,
    ) -> Self {
        let shown = (0..items.len()).collect();
        let (title, input, empty_text) = (title.into(), Input::default(), "Empty".to_owned());
        let (intro, notes) = (Vec::new(), Vec::new());
        Self {
            title,
            intro,
            width: PICKER_COLUMNS,
            shortcuts: &[],
            notes,
            input,
            items,
            matching_items: shown,
            cursor,
            empty_text,
            select,
        }
    }

    /// Adds shortcuts, and makes the list wide.
    #[must_use]
    pub fn with_shortcuts(mut self, shortcuts: &'static [PickerShortcut<T>]) -> Self {
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

    /// Puts the cursor on the item with this index.
    #[must_use]
    pub fn with_cursor(mut self, cursor: usize) -> Self {
        self.cursor = cursor;
        self
    }

    /// Adds an introduction above the list.
    #[must_use]
    pub fn with_intro(mut self, intro: Vec<DialogRow>) -> Self {
        self.intro = intro;
        self
    }

    fn press_key(&mut self, key: KeyPress, app: &App) -> DialogResult {
        if key.code == KeySymbol::Enter {
            return self.submit_selected();
        }
        if let (KeySymbol::Char(letter), true) = (key.code, key.ctrl)
            && self.shortcuts.iter().any(|shortcut| shortcut.key == letter)
        {
            return self.run_shortcut(letter, app);
        }
        let motion = if self.is_searchable() { typing_motion(key) } else { list_motion(key) };
        match motion {
            None if !self.is_searchable() => {
                return if key == KeyPress::char('q') {
                    DialogResult::Close
                } else {
                    DialogResult::Stay
                };
            }
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

    /// Whether the list is long enough for a search field.
    fn is_searchable(&self) -> bool {
        self.items.len() >= MIN_SEARCHABLE_ITEMS
    }

    /// Runs the shortcut with this key on the item under the cursor, or on the list.
    fn run_shortcut(&self, key: char, app: &App) -> DialogResult {
        let shortcut = self.shortcuts.iter().find(|shortcut| shortcut.key == key);
        let action = shortcut.and_then(|shortcut| match shortcut.action {
            ShortcutAction::List(action) => Some(action()),
            ShortcutAction::Item(action) => {
                let item = self.matching_items.get(self.cursor).map(|at| &self.items[*at]);
                item.map(|item| action(&item.value, app))
            }
        });
        action.map_or(DialogResult::Stay, DialogResult::RunAndStay)
    }

    /// Returns what Enter does with the item under the cursor, for the key hints.
    fn enter_label(&self) -> &'static str {
        let item = self.matching_items.get(self.cursor).map(|at| &self.items[*at]);
        item.map_or("select", |item| item.enter_label)
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
            view.body.push(DialogRow::Item(self.list_item(at, item)));
        }
        if view.body.is_empty() {
            let why = if self.items.is_empty() { &self.empty_text } else { "No matches" };
            view.body.push(DialogRow::dim(why));
        }
    }

    fn list_item(&self, at: usize, item: &PickerItem<T>) -> ListItem {
        ListItem {
            index: Some(at),
            mark: item.mark,
            text: item.text.clone(),
            cut: item.cut,
            more: item.more.clone(),
            right: item.right.clone(),
            right_role: item.right_role,
            selected: at == self.cursor,
        }
    }

    fn submit_selected(&mut self) -> DialogResult {
        let Some(at) = self.matching_items.get(self.cursor).copied() else {
            return DialogResult::Stay;
        };
        // The dialog closes, so no item is needed any more.
        let item = self.items.swap_remove(at);
        DialogResult::RunAndClose((self.select)(item.value))
    }

    fn update_matches(&mut self) {
        let pattern =
            Pattern::parse(self.input.value(), CaseMatching::Ignore, Normalization::Smart);
        let (mut matcher, mut letters) = (Matcher::new(Config::DEFAULT), Vec::new());
        let mut score = |text: &str| pattern.score(Utf32Str::new(text, &mut letters), &mut matcher);
        // Matches in the title rank above matches in the description.
        let typed = self.input.value().trim();
        let mut rank = |item: &PickerItem<T>| match score(&item.text) {
            Some(score) => Some((MatchField::Title, find_prefix_match(&item.text, typed), score)),
            None => score(&format!("{} {}", item.text, item.more)).map(|score| {
                (MatchField::Description, find_prefix_match(&item.more, typed), score)
            }),
        };
        let scored = self.items.iter().enumerate().filter_map(|(at, item)| Some((rank(item)?, at)));
        let mut scored: Vec<_> = scored.collect();
        scored.sort_by(|(a, _), (b, _)| b.cmp(a));
        self.matching_items = scored.into_iter().map(|(_, at)| at).collect();
        self.cursor = 0;
    }
}

impl<T: Send + 'static> Dialog for PickerDialog<T> {
    /// Characters narrow a long list.
    fn takes_text(&self) -> bool {
        self.is_searchable()
    }

    fn handle_key(&mut self, key: KeyPress, app: &App, _now: Now) -> DialogResult {
        self.press_key(key, app)
    }

    fn handle_paste(&mut self, text: &str, _app: &App, _now: Now) -> DialogResult {
        if self.is_searchable() {
            insert_text(&mut self.input, text);
            self.update_matches();
        }
        DialogResult::Stay
    }

    fn handle_click(&mut self, at: usize, _app: &App, _now: Now) -> DialogResult {
        if at >= self.matching_items.len() {
            return DialogResult::Stay;
        }
        self.cursor = at;
        self.submit_selected()
    }

    fn next_question(&self, _app: &App, _now: Now) -> DialogQuestion {
        let items = list_window(self.cursor, self.matching_items.len())
            .map(|at| self.list_item(at, &self.items[self.matching_items[at]]));
        let shortcuts = self.shortcuts.iter().map(|shortcut| ListShortcut {
            key: shortcut.key,
            label: shortcut.label,
            needs_item: matches!(shortcut.action, ShortcutAction::Item(_)),
        });
        let fits =
            |shortcut: &ListShortcut| !shortcut.needs_item || !self.matching_items.is_empty();
        DialogQuestion::List(ListQuestion {
            items: items.filter_map(|item| QuestionOption::from_item(&item)).collect(),
            is_searchable: self.is_searchable(),
            shortcuts: shortcuts.filter(fits).collect(),
            moves_cursor: false,
        })
    }

    fn answer(&mut self, answer: DialogAnswer<'_>, app: &App, now: Now) -> DialogResult {
        match answer {
            DialogAnswer::Select(at) => self.handle_click(at, app, now),
            DialogAnswer::Search(words) => {
                self.input.reset();
                self.handle_paste(words, app, now)
            }
            DialogAnswer::Shortcut(key, item) => {
                self.cursor = item.unwrap_or(self.cursor);
                self.run_shortcut(key, app)
            }
            _ => DialogResult::Stay,
        }
    }

    fn view(&self, app: &App, _now: Now) -> DialogView {
        let mut view = DialogView::new(self.title.clone(), self.width);
        view.head.extend(self.intro.iter().cloned());
        if self.is_searchable() {
            let value = FieldValue::Text(self.input.value().to_owned(), self.input.visual_cursor());
            let field = FieldView {
                index: usize::MAX,
                label: "Find".to_owned(),
                value,
                focused: true,
                has_problem: false,
            };
            view.head.extend([DialogRow::Field(field), DialogRow::Blank]);
        }
        self.push_item_rows(&mut view);
        let shortcuts =
            self.shortcuts.iter().map(|shortcut| format!("C-{} {}", shortcut.key, shortcut.label));
        let enter = format!("Enter {}", self.enter_label());
        let words = ["↑/↓ select".to_owned(), enter]
            .into_iter()
            .chain(shortcuts)
            .chain(["Esc close".to_owned()]);
        let columns = self.width.min(app.ui_state.area.width).saturating_sub(4);
        view.foot = self
            .note_rows()
            .into_iter()
            .chain([DialogRow::Blank])
            .chain(hint_rows(words, columns.into()))
            .collect();
        view
    }
}

/// Joins key hints to rows of this width, none of which ends within a hint.
fn hint_rows(hints: impl Iterator<Item = String>, columns: usize) -> Vec<DialogRow> {
    const SEPARATOR: &str = " · ";
    let mut rows: Vec<String> = Vec::new();
    for hint in hints {
        match rows.last_mut() {
            Some(row) if row.width() + SEPARATOR.width() + hint.width() <= columns => {
                row.push_str(SEPARATOR);
                row.push_str(&hint);
            }
            _ => rows.push(hint),
        }
    }
    rows.into_iter().map(DialogRow::dim).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_hint_is_broken() {
        let hints = ["Enter send again", "C-t compare", "C-x clear history", "Esc close"];
        let rows = hint_rows(hints.into_iter().map(str::to_owned), 40);
        let texts = rows.iter().map(|row| match row {
            DialogRow::Text(_, text) => text.as_str(),
            _ => "",
        });
        assert_eq!(
            texts.collect::<Vec<_>>(),
            ["Enter send again · C-t compare", "C-x clear history · Esc close"]
        );
    }
}
