//! Dialog with a read-only text, such as the ignored parts of a curl command or a diff.

use super::{Dialog, DialogAction, DialogResult};
use crate::config::KeyPress;
use crate::config::key::KeySymbol;
use crate::config::theme::StyleRole;
use crate::tui::app::command::CommandAction;
use crate::tui::app::widgets::dialog_view::{DialogRow, DialogView};
use crate::tui::app::{App, Now};

/// Dialog that shows a text.
pub struct TextDialog {
    title: String,
    lines: Vec<(StyleRole, String)>,
    top: usize,
    /// Commands whose keys work in the dialog, because the text names them.
    commands: Vec<CommandAction>,
}

impl TextDialog {
    /// Creates the dialog with these lines.
    pub fn new(title: impl Into<String>, lines: Vec<(StyleRole, String)>) -> Self {
        Self { title: title.into(), lines, top: 0, commands: Vec::new() }
    }

    /// Lets the keys of these commands close the dialog and run them.
    #[must_use]
    pub fn with_commands(self, commands: Vec<CommandAction>) -> Self {
        Self { commands, ..self }
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
    fn handle_key(&mut self, key: KeyPress, app: &App, _now: Now) -> DialogResult {
        let keys = &app.preferences.keys;
        let has_key = |action: &&CommandAction| keys.keys_for(**action).any(|known| *known == key);
        if let Some(action) = self.commands.iter().find(has_key) {
            return DialogResult::RunAndClose(DialogAction::Run(*action));
        }
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
