//! Multi-line text field, such as for a request body or a table of names and values.
//!
//! Start at [`TextArea::handle_key`].

use crate::config::KeyPress;
use crate::config::key::KeySymbol;
use crate::domain::text::is_unprintable;

/// Multi-line text and the cursor in it.
pub struct TextArea {
    /// Never empty: an empty text is one empty line.
    lines: Vec<String>,
    row: usize,
    /// In characters; may be beyond the end of a line that is shorter than the previous one.
    column: usize,
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
        let lines: Vec<_> = text.split('\n').map(str::to_owned).collect();
        Self { lines, row: 0, column: 0, height }
    }

    /// Returns the whole text.
    pub fn text(&self) -> String {
        self.lines.join("\n")
    }

    /// Returns the visible lines and the cursor: its index among them and its column in cells.
    pub fn visible_lines(&self) -> (&[String], (usize, usize)) {
        let top = (self.row + 1).saturating_sub(self.height);
        let end = self.lines.len().min(top + self.height);
        let before = &self.lines[self.row][..self.cursor_byte()];
        (&self.lines[top..end], (self.row - top, unicode_width::UnicodeWidthStr::width(before)))
    }

    /// Number of visible lines, including empty ones.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Handles a key press.
    pub fn handle_key(&mut self, key: KeyPress) -> EditOutcome {
        let before = (self.row, self.column());
        match (key.code, key.ctrl, key.alt) {
            (KeySymbol::Char(c), false, false) if !is_unprintable(c) => {
                self.insert_in_line(&c.to_string());
            }
            (KeySymbol::Enter, ..) => self.insert("\n"),
            (KeySymbol::Backspace, ..) | (KeySymbol::Char('h'), true, _) => {
                return self.delete_before_cursor();
            }
            (KeySymbol::Delete, ..) | (KeySymbol::Char('d'), true, _) => {
                return self.delete_at_cursor();
            }
            (KeySymbol::Char('u'), true, _) => {
                (self.lines, self.row, self.column) = (vec![String::new()], 0, 0);
            }
            (KeySymbol::Char('k'), true, _) => {
                let at = self.cursor_byte();
                self.lines[self.row].truncate(at);
            }
            (
                KeySymbol::Left
                | KeySymbol::Right
                | KeySymbol::Up
                | KeySymbol::Down
                | KeySymbol::Home
                | KeySymbol::End
                | KeySymbol::PageUp
                | KeySymbol::PageDown,
                ..,
            )
            | (KeySymbol::Char('a' | 'e'), true, _) => {
                self.move_cursor(key);
                return if before == (self.row, self.column()) {
                    EditOutcome::Ignored
                } else {
                    EditOutcome::CursorMoved
                };
            }
            _ => return EditOutcome::Ignored,
        }
        EditOutcome::Changed
    }

    /// Inserts a text at the cursor; characters that cannot be shown are dropped.
    pub fn insert(&mut self, text: &str) {
        for (at, piece) in text.replace("\r\n", "\n").split(['\n', '\r']).enumerate() {
            if at > 0 {
                let at = self.cursor_byte();
                let rest = self.lines[self.row].split_off(at);
                self.row += 1;
                self.column = 0;
                self.lines.insert(self.row, rest);
            }
            self.insert_in_line(piece);
        }
    }

    /// Replaces the whole text.
    pub fn set_text(&mut self, text: &str) {
        *self = Self::new("", self.height);
        self.insert(text);
    }

    /// Appends a line, and moves the cursor to its end.
    pub fn append_line(&mut self, line: &str) {
        (self.row, self.column) = (self.lines.len() - 1, usize::MAX);
        if !self.text().is_empty() {
            self.insert("\n");
        }
        self.insert(line);
    }

    fn insert_in_line(&mut self, text: &str) {
        let text: String = text
            .chars()
            .map(|c| if c == '\t' { ' ' } else { c })
            .filter(|c| !is_unprintable(*c))
            .collect();
        let at = self.cursor_byte();
        self.lines[self.row].insert_str(at, &text);
        self.column = self.column() + text.chars().count();
    }

    fn delete_before_cursor(&mut self) -> EditOutcome {
        if self.row == 0 && self.column() == 0 {
            return EditOutcome::Ignored;
        }
        self.move_cursor(KeyPress::without_modifiers(KeySymbol::Left));
        self.delete_at_cursor()
    }

    fn delete_at_cursor(&mut self) -> EditOutcome {
        let at = self.cursor_byte();
        if at < self.lines[self.row].len() {
            self.lines[self.row].remove(at);
        } else if self.row + 1 < self.lines.len() {
            let next = self.lines.remove(self.row + 1);
            self.lines[self.row].push_str(&next);
        } else {
            return EditOutcome::Ignored;
        }
        EditOutcome::Changed
    }

    fn move_cursor(&mut self, key: KeyPress) {
        let last = self.lines.len() - 1;
        match key.code {
            KeySymbol::Left if self.column() > 0 => self.column = self.column() - 1,
            KeySymbol::Left if self.row > 0 => {
                self.row -= 1;
                self.column = self.line_length();
            }
            KeySymbol::Right if self.column() < self.line_length() => {
                self.column = self.column() + 1;
            }
            KeySymbol::Right if self.row < last => (self.row, self.column) = (self.row + 1, 0),
            KeySymbol::Up => self.row = self.row.saturating_sub(1),
            KeySymbol::Down => self.row = (self.row + 1).min(last),
            KeySymbol::PageUp => self.row = self.row.saturating_sub(self.height),
            KeySymbol::PageDown => self.row = (self.row + self.height).min(last),
            KeySymbol::Home if key.ctrl => (self.row, self.column) = (0, 0),
            KeySymbol::End if key.ctrl => (self.row, self.column) = (last, usize::MAX),
            KeySymbol::Home | KeySymbol::Char('a') => self.column = 0,
            KeySymbol::End | KeySymbol::Char('e') => self.column = usize::MAX,
            _ => {}
        }
    }

    fn line_length(&self) -> usize {
        self.lines[self.row].chars().count()
    }

    fn column(&self) -> usize {
        self.column.min(self.line_length())
    }

    /// Returns the byte offset of the cursor in its line.
    fn cursor_byte(&self) -> usize {
        self.lines[self.row]
            .char_indices()
            .nth(self.column())
            .map_or(self.lines[self.row].len(), |(at, _)| at)
    }
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
        fn no_key_makes_it_panic(text in "\\PC{0,8}\n?\\PC{0,8}", keys in proptest::collection::vec(0..12_usize, 0..40)) {
            let all = ["Left", "Right", "Up", "Down", "Home", "End", "Backspace", "Del", "Enter", "x", "C-k", "PgDn"];
            let mut area = TextArea::new(&text, 3);
            for key in keys {
                area.handle_key(KeyPress::parse(all[key]).expect("a key"));
                let (lines, (row, _)) = area.visible_lines();
                prop_assert!(row < lines.len() && lines.len() <= 3);
            }
        }
    }
}
