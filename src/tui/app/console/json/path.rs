//! jq paths and values: where the cursor is in the tree, and the value there.
//!
//! Start at [`FoldableDocument::path`] and [`FoldableDocument::value_at_cursor`].

use std::borrow::Cow;
use std::fmt::Write as _;

use super::FoldableDocument;
use super::document_lines::LineShape;

impl FoldableDocument {
    /// Returns the jq path of the cursor's line: `.data.items[3]["odd key"]`.
    pub fn path(&self) -> String {
        let mut steps = Vec::new();
        let mut line = self.opening_line(self.cursor);
        while let Some(parent) = self.body.parent_line(line) {
            steps.push(self.path_step(line));
            line = parent;
        }
        let path: String = steps.into_iter().rev().collect();
        if path.starts_with('.') { path } else { format!(".{path}") }
    }

    /// Returns the index of the list element that contains the cursor, if any. The list is named by
    /// a JSON pointer such as `/data`; an empty pointer names the whole document.
    pub fn element_index(&self, list: &str) -> Option<usize> {
        let mut steps = Vec::new();
        let mut line = self.opening_line(self.cursor);
        while let Some(parent) = self.body.parent_line(line) {
            steps.push(line);
            line = parent;
        }
        let mut steps = steps.into_iter().rev();
        for name in list.split('/').skip(1) {
            let step = steps.next()?;
            let named = self.member_name(step).is_some_and(|known| known == name);
            if !named && self.body.lines[step].index.to_string() != name {
                return None;
            }
        }
        let element = steps.next().filter(|step| self.member_name(*step).is_none())?;
        usize::try_from(self.body.lines[element].index).ok()
    }

    /// Moves the cursor to the first element of the list that a JSON pointer names; returns whether
    /// there is one.
    pub fn move_to_first_element(&mut self, list: &str) -> bool {
        let before = self.cursor;
        let mut container = 0;
        for name in list.split('/').skip(1) {
            let Some(next) = self
                .members(container)
                .find(|line| self.member_name(*line).as_deref() == Some(name))
            else {
                return false;
            };
            container = next;
        }
        let first = self.members(container).next().filter(|line| self.member_name(*line).is_none());
        self.cursor = self.visible_ancestor(first.unwrap_or(before));
        // Until the height is known, scrolling would hide the head of the document.
        if self.is_sized {
            self.scroll_to_cursor();
        }
        first.is_some()
    }

    /// Returns the value at the cursor: a string unquoted and unescaped, a number or keyword as
    /// written, a container with all its members, a line of plain text as it is.
    pub fn value_at_cursor(&self) -> Cow<'_, str> {
        let line = self.opening_line(self.cursor);
        if !self.is_json() {
            return self.body.unwrapped_line(line).into();
        }
        match self.body.line_shape(line) {
            LineShape::Opens(end) => self.container_text(line, end).into(),
            _ => self.scalar_text(line),
        }
    }

    /// Returns the whole text; JSON with one member per line, indented.
    pub fn pretty_text(&self) -> String {
        if !self.is_json() {
            return self.body.text.clone();
        }
        let mut text = String::with_capacity(self.body.text.len() * 2);
        for line in 0..self.line_count() {
            self.write_line(&mut text, line, 0);
        }
        text
    }

    /// Returns the line itself, or the opening line of the container that it closes.
    fn opening_line(&self, line: usize) -> usize {
        match self.body.line_shape(line) {
            LineShape::Closes(opener) => opener,
            _ => line,
        }
    }

    /// Returns the opening lines of the members of a container.
    fn members(&self, container: usize) -> impl Iterator<Item = usize> + '_ {
        let end = match self.body.line_shape(container) {
            LineShape::Opens(end) => end,
            _ => container,
        };
        let after = |line: &usize| match self.body.line_shape(*line) {
            LineShape::Opens(end) => Some(end + 1),
            _ => Some(line + 1),
        };
        std::iter::successors(Some(container + 1), after).take_while(move |line| *line < end)
    }

    /// Returns the member name of a line in its object; `None` in a list.
    fn member_name(&self, line: usize) -> Option<String> {
        let key = self.body.line_parts(line).key;
        (!key.is_empty()).then(|| serde_json::from_str(key).unwrap_or_default())
    }

    /// Returns the last step of the path to a line.
    fn path_step(&self, line: usize) -> String {
        match self.body.line_parts(line).key {
            "" => format!("[{}]", self.body.lines[line].index),
            key if is_identifier(&key[1..key.len() - 1]) => format!(".{}", &key[1..key.len() - 1]),
            key => format!("[{key}]"),
        }
    }

    fn scalar_text(&self, line: usize) -> Cow<'_, str> {
        let value = self.body.line_parts(line).value;
        if value.starts_with('"') {
            return serde_json::from_str::<String>(value).map_or(value.into(), Cow::Owned);
        }
        value.into()
    }

    fn container_text(&self, line: usize, end: usize) -> String {
        let mut text = self.body.line_parts(line).value.to_owned();
        text.push('\n');
        for inside in line + 1..end {
            self.write_line(&mut text, inside, self.body.lines[line].depth.into());
        }
        text.push_str(self.body.line_parts(end).value);
        text
    }

    fn write_line(&self, text: &mut String, line: usize, outer: usize) {
        let indent = 2 * usize::from(self.body.lines[line].depth).saturating_sub(outer);
        let _ = writeln!(text, "{:indent$}{}", "", self.body.line_text(line));
    }
}

fn is_identifier(key: &str) -> bool {
    key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
