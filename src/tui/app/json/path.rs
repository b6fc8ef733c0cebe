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

    /// The place of the cursor among the elements of a list, if it is on one of them or within: the list is named by
    /// a JSON pointer such as `/data`, and the empty one names the whole document.
    pub fn element(&self, list: &str) -> Option<usize> {
        let mut steps = Vec::new();
        let mut line = self.opening(self.cursor);
        while let Some(parent) = self.body.parent(line) {
            steps.push(line);
            line = parent;
        }
        let mut steps = steps.into_iter().rev();
        for name in list.split('/').skip(1) {
            let step = steps.next()?;
            let named = self.name_of(step).is_some_and(|known| known == name);
            if !named && self.body.lines[step].index.to_string() != name {
                return None;
            }
        }
        let element = steps.next().filter(|step| self.name_of(*step).is_none())?;
        usize::try_from(self.body.lines[element].index).ok()
    }

    /// Moves the cursor to the first element of a list that a JSON pointer names; whether there is one.
    pub fn go_to_first(&mut self, list: &str) -> bool {
        let before = self.cursor;
        let mut container = 0;
        for name in list.split('/').skip(1) {
            let Some(next) = self.members(container).find(|line| self.name_of(*line).as_deref() == Some(name)) else {
                return false;
            };
            container = next;
        }
        let first = self.members(container).next().filter(|line| self.name_of(*line).is_none());
        self.go_to(first.unwrap_or(before));
        first.is_some()
    }

    /// What stands at the cursor: a string without its quotes and escapes, a number or word as it is written, a
    /// container with all its members, a line of a text that is no JSON.
    pub fn value(&self) -> Cow<'_, str> {
        let line = self.opening(self.cursor);
        if !self.is_json() {
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

    /// The opening lines of the members of a container.
    fn members(&self, container: usize) -> impl Iterator<Item = usize> + '_ {
        let end = match self.body.shape(container) {
            Shape::Opens(end) => end,
            _ => container,
        };
        let after = |line: &usize| match self.body.shape(*line) {
            Shape::Opens(end) => Some(end + 1),
            _ => Some(line + 1),
        };
        std::iter::successors(Some(container + 1), after).take_while(move |line| *line < end)
    }

    /// The name under which a line stands in its object; none in a list.
    fn name_of(&self, line: usize) -> Option<String> {
        let key = self.body.parts(line).key;
        (!key.is_empty()).then(|| serde_json::from_str(key).unwrap_or_default())
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
