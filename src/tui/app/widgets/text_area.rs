//! Multi-line text field, such as for a request body or a table of names and values.
//!
//! `ratatui-textarea` edits; which lines are visible, and what a key that it does not use does, is
//! decided here. Start at [`TextArea::handle_key`].

use ratatui_textarea::{CursorMove, DataCursor, TextArea as TextEditor};
use unicode_width::UnicodeWidthStr as _;

use crate::config::KeyPress;
use crate::config::key::KeySymbol;
use crate::domain::text::is_unprintable;

/// Multi-line text and the cursor in it.
pub struct TextArea {
    editor: Box<TextEditor<'static>>,
    /// Number of visible lines.
    height: usize,
}

/// Result of a key press.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EditOutcome {
    /// The text changed.
    Changed,
    /// Only the cursor moved.
    CursorMoved,
    /// Nothing happened: the key has no meaning here, or leaves the field.
    Ignored,
}

impl TextArea {
    /// Creates a text area that shows `height` lines.
    pub fn new(text: &str, height: usize) -> Self {
        let mut editor = TextEditor::new(text.split('\n').map(str::to_owned).collect());
        // Deleted text may be a secret, and no key restores it.
        editor.set_max_histories(0);
        Self { editor: Box::new(editor), height }
    }

    /// Returns the whole text.
    pub fn text(&self) -> String {
        self.editor.lines().join("\n")
    }

    /// Returns the visible lines and the cursor: its index among them and its column in cells.
    pub fn visible_lines(&self) -> (&[String], (usize, usize)) {
        let (lines, DataCursor(row, column)) = (self.editor.lines(), self.editor.cursor());
        let top = (row + 1).saturating_sub(self.height);
        let end = lines.len().min(top + self.height);
        let before: String = lines[row].chars().take(column).collect();
        (&lines[top..end], (row - top, before.width()))
    }

    /// Number of visible lines, including empty ones.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Handles a key press.
    pub fn handle_key(&mut self, key: KeyPress) -> EditOutcome {
        let is_changed = match (key.code, key.ctrl, key.alt) {
            (KeySymbol::Char(c), false, false) if !is_unprintable(c) => {
                self.editor.insert_char(c);
                true
            }
            (KeySymbol::Enter, ..) => {
                self.editor.insert_newline();
                true
            }
            (KeySymbol::Backspace, ..) | (KeySymbol::Char('h'), true, _) => {
                self.editor.delete_char()
            }
            (KeySymbol::Delete, ..) | (KeySymbol::Char('d'), true, _) => {
                self.editor.delete_next_char()
            }
            (KeySymbol::Char('w'), true, _) => self.editor.delete_word(),
            (KeySymbol::Char('u'), true, _) => {
                self.set_text("");
                true
            }
            (KeySymbol::Char('k'), true, _) => self.editor.delete_line_by_end(),
            _ => return self.move_cursor(key),
        };
        if is_changed { EditOutcome::Changed } else { EditOutcome::Ignored }
    }

    /// Inserts a text at the cursor; characters that cannot be shown are dropped.
    pub fn insert(&mut self, text: &str) {
        let shown = text.replace("\r\n", "\n").replace('\r', "\n").replace('\t', " ");
        let shown: String = shown.chars().filter(|c| *c == '\n' || !is_unprintable(*c)).collect();
        self.editor.insert_str(shown);
    }

    /// Replaces the whole text.
    pub fn set_text(&mut self, text: &str) {
        *self = Self::new("", self.height);
        self.insert(text);
    }

    /// Appends a line, and moves the cursor to its end.
    pub fn append_line(&mut self, line: &str) {
        self.editor.move_cursor(CursorMove::Bottom);
        self.editor.move_cursor(CursorMove::End);
        if !self.text().is_empty() {
            self.insert("\n");
        }
        self.insert(line);
    }

    fn move_cursor(&mut self, key: KeyPress) -> EditOutcome {
        let before = self.editor.cursor();
        let to_row = |row: usize| CursorMove::Jump(to_u16(row), to_u16(before.1));
        self.editor.move_cursor(match (key.code, key.ctrl) {
            (KeySymbol::Left, false) => CursorMove::Back,
            (KeySymbol::Right, false) => CursorMove::Forward,
            (KeySymbol::Left, true) => CursorMove::WordBack,
            (KeySymbol::Right, true) => CursorMove::WordForward,
            (KeySymbol::Up, _) => CursorMove::Up,
            (KeySymbol::Down, _) => CursorMove::Down,
            (KeySymbol::PageUp, _) => to_row(before.0.saturating_sub(self.height)),
            (KeySymbol::PageDown, _) => to_row(before.0 + self.height),
            (KeySymbol::Home, true) => CursorMove::Jump(0, 0),
            (KeySymbol::End, true) => CursorMove::Jump(u16::MAX, u16::MAX),
            (KeySymbol::Home, false) | (KeySymbol::Char('a'), true) => CursorMove::Head,
            (KeySymbol::End, false) | (KeySymbol::Char('e'), true) => CursorMove::End,
            _ => return EditOutcome::Ignored,
        });
        if before == self.editor.cursor() { EditOutcome::Ignored } else { EditOutcome::CursorMoved }
    }
}

fn to_u16(position: usize) -> u16 {
    u16::try_from(position).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn press(area: &mut TextArea, keys: &str) -> EditOutcome {
        keys.split(' ').fold(EditOutcome::Ignored, |_, key| {
            area.handle_key(KeyPress::parse(key).expect("a key"))
        })
    }

    #[test]
    fn lines_are_broken_joined_and_gone_through() {
        let mut area = TextArea::new("", 3);
        press(&mut area, "a b Enter c");
        assert_eq!(area.text(), "ab\nc");
        assert_eq!(press(&mut area, "Home Backspace"), EditOutcome::Changed);
        assert_eq!((area.text().as_str(), area.visible_lines().1), ("abc", (0, 2)));
        area.insert("é\r\n{\n\t1");
        assert_eq!(area.text(), "abé\n{\n 1c");
        assert_eq!(
            press(&mut area, "Up End"),
            EditOutcome::Ignored,
            "it is at the end of a shorter line already"
        );
        assert_eq!(press(&mut area, "Del"), EditOutcome::Changed);
        assert_eq!(area.text(), "abé\n{ 1c");
        assert_eq!(
            [press(&mut area, "Down"), press(&mut area, "Up"), press(&mut area, "Up")],
            [EditOutcome::Ignored, EditOutcome::CursorMoved, EditOutcome::Ignored]
        );
        press(&mut area, "C-a C-k");
        assert_eq!(area.text(), "\n{ 1c");
    }

    #[test]
    fn the_line_of_the_cursor_is_shown() {
        let mut area = TextArea::new("1\n2\n3\n4", 2);
        press(&mut area, "PgDn Down");
        let (lines, cursor) = area.visible_lines();
        assert_eq!((lines, cursor), (&["3".to_owned(), "4".to_owned()][..], (1, 0)));
    }

    proptest! {
        #[test]
        fn no_key_makes_it_panic(text in "\\PC{0,8}\n?\\PC{0,8}", keys in proptest::collection::vec(0..17_usize, 0..40)) {
            let all = ["Left", "Right", "Up", "Down", "Home", "End", "Backspace", "Del", "Enter", "x", "C-k", "PgDn", "C-w", "C-Left", "C-Right", "C-End", "日"];
            let mut area = TextArea::new(&text, 3);
            for key in keys {
                area.handle_key(KeyPress::parse(all[key]).expect("a key"));
                let (lines, (row, _)) = area.visible_lines();
                prop_assert!(row < lines.len() && lines.len() <= 3);
            }
        }
    }
}
