//! A text that is only read: what was dropped, what differs.

use super::Outcome;
use crate::config::Key;
use crate::config::key::Code;
use crate::config::theme::Role;
use crate::tui::app::sheet::{Row, Sheet};

/// The dialog that shows a text.
pub struct Reading {
    title: String,
    lines: Vec<(Role, String)>,
    top: usize,
}

impl Reading {
    /// Shows these lines.
    pub fn new(title: impl Into<String>, lines: Vec<(Role, String)>) -> Self {
        Self { title: title.into(), lines, top: 0 }
    }

    /// Shows what differs between two texts: lines that begin with `+` and `-`.
    pub fn of_changes(title: impl Into<String>, changes: &str) -> Self {
        let role = |line: &str| match line.as_bytes().first() {
            Some(b'+') => Role::Good,
            Some(b'-') => Role::Bad,
            _ => Role::Text,
        };
        Self::new(title, changes.lines().map(|line| (role(line), line.to_owned())).collect())
    }

    /// Takes a key in.
    pub fn key(&mut self, key: Key) -> Outcome {
        match key.code {
            Code::Enter | Code::Char('q') => return Outcome::Close,
            Code::Down | Code::Char('j') => self.top = (self.top + 1).min(self.lines.len().saturating_sub(1)),
            Code::Up | Code::Char('k') => self.top = self.top.saturating_sub(1),
            _ => {}
        }
        Outcome::Stay
    }

    /// What it shows.
    pub fn sheet(&self) -> Sheet {
        let mut sheet = Sheet::new(self.title.clone(), 84);
        let row = |(role, text): &(Role, String)| if text.is_empty() { Row::Blank } else { Row::Text(*role, text.clone()) };
        sheet.body = self.lines.iter().map(row).collect();
        sheet.cursor = self.top;
        sheet.foot = vec![Row::Blank, Row::dim("↑/↓ scroll · Enter or Esc closes")];
        sheet
    }
}
