//! Dialog with a read-only text, such as the ignored parts of a curl command or a diff.

use super::{Dialog, DialogResult};
use crate::config::KeyPress;
use crate::config::key::KeySymbol;
use crate::config::theme::StyleRole;
use crate::tui::app::widgets::dialog_view::{DialogRow, DialogView};
use crate::tui::app::{App, Now};

/// Dialog that shows a text.
pub struct TextDialog {
    title: String,
    lines: Vec<(StyleRole, String)>,
    top: usize,
}

impl TextDialog {
    /// Creates the dialog with these lines.
    pub fn new(title: impl Into<String>, lines: Vec<(StyleRole, String)>) -> Self {
        Self { title: title.into(), lines, top: 0 }
    }

    /// Creates the dialog for a diff, whose changed lines begin with `+` and `-`.
    pub fn for_diff(title: impl Into<String>, changes: &str) -> Self {
        let role = |line: &str| match line.as_bytes().first() {
            Some(b'+') => StyleRole::Good,
            Some(b'-') => StyleRole::Bad,
            _ => StyleRole::Text,
        };
        Self::new(title, changes.lines().map(|line| (role(line), line.to_owned())).collect())
    }
}

impl Dialog for TextDialog {
    fn handle_key(&mut self, key: KeyPress, _app: &App, _now: Now) -> DialogResult {
        match key.code {
            KeySymbol::Enter | KeySymbol::Char('q') => return DialogResult::Close,
            KeySymbol::Down | KeySymbol::Char('j') => {
                self.top = (self.top + 1).min(self.lines.len().saturating_sub(1));
            }
            KeySymbol::Up | KeySymbol::Char('k') => self.top = self.top.saturating_sub(1),
            _ => {}
        }
        DialogResult::Stay
    }

    fn view(&self, _app: &App, _now: Now) -> DialogView {
        let mut view = DialogView::new(self.title.clone(), 84);
        let row = |(role, text): &(StyleRole, String)| {
            if text.is_empty() { DialogRow::Blank } else { DialogRow::Text(*role, text.clone()) }
        };
        view.body = self.lines.iter().map(row).collect();
        view.cursor = self.top;
        view.foot = vec![DialogRow::Blank, DialogRow::dim("↑/↓ scroll · Enter/Esc close")];
        view
    }
}
