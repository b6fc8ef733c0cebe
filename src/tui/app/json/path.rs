//! Where the cursor is in the tree, and what stands there.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::Document;
use super::body::Shape;

impl Document {
    /// The way from the root to the cursor's line, as jq writes it: `.data.items[3]["odd key"]`.
    pub fn path(&self) -> String {
        let mut steps = Vec::new();
        let mut line = self.opening(self.cursor);
        while let Some(parent) = self.body.parent(line) {
            steps.push(self.step(line));
            line = parent;
        }
        let path: String = steps.into_iter().rev().collect();
        if path.starts_with('.') { path } else { format!(".{path}") }
    }

    /// What stands at the cursor: a string without its quotes and escapes, a number or word as it is written, a
    /// container with all its members, a line of a text that is no JSON.
    pub fn value(&self) -> Cow<'_, str> {
        let line = self.opening(self.cursor);
        if !self.body.is_json {
            return self.body.text_of(line).into();
        }
        match self.body.shape(line) {
            Shape::Opens(end) => self.container_text(line, end).into(),
            _ => self.scalar_text(line),
        }
    }

    /// The whole text, one member a line, indented.
    pub fn pretty(&self) -> String {
        let mut text = String::with_capacity(self.body.text.len() * 2);
        for line in 0..self.line_count() {
            self.write_line(&mut text, line, 0);
        }
        text
    }

    /// The line itself, or the opening line of what it closes.
    fn opening(&self, line: usize) -> usize {
        match self.body.shape(line) {
            Shape::Closes(opener) => opener,
            _ => line,
        }
    }

    /// The last step of the way to a line.
    fn step(&self, line: usize) -> String {
        match self.body.parts(line).key {
            "" => format!("[{}]", self.body.lines[line].index),
            key if is_identifier(&key[1..key.len() - 1]) => format!(".{}", &key[1..key.len() - 1]),
            key => format!("[{key}]"),
        }
    }

    fn scalar_text(&self, line: usize) -> Cow<'_, str> {
        let value = self.body.parts(line).value;
        if value.starts_with('"') {
            return serde_json::from_str::<String>(value).map_or(value.into(), Cow::Owned);
        }
        value.into()
    }

    fn container_text(&self, line: usize, end: usize) -> String {
        let mut text = self.body.parts(line).value.to_owned();
        text.push('\n');
        for inside in line + 1..end {
            self.write_line(&mut text, inside, self.body.lines[line].depth.into());
        }
        text.push_str(self.body.parts(end).value);
        text
    }

    fn write_line(&self, text: &mut String, line: usize, outer: usize) {
        let indent = 2 * usize::from(self.body.lines[line].depth).saturating_sub(outer);
        let _ = writeln!(text, "{:indent$}{}", "", self.body.text_of(line));
    }
}

fn is_identifier(key: &str) -> bool {
    key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
