//! Popup with the second keys of a key sequence: opens after the first key, closes with the next.

use super::{Dialog, DialogAction, DialogResult};
use crate::config::KeyPress;
use crate::config::key::KeySymbol;
use crate::config::theme::StyleRole;
use crate::tui::app::command::{COMMANDS, CommandSpec};
use crate::tui::app::widgets::dialog_view::{DialogAnchor, DialogRow, DialogView, ListItem};
use crate::tui::app::{App, Now};

/// The possible second keys.
const SECOND_KEYS: &str = "abcdefghijklmnopqrstuvwxyz";

/// Popup with the second keys.
pub struct WhichKeyPopup;

impl Dialog for WhichKeyPopup {
    /// Handles the second key. A key without a command only closes the popup.
    fn handle_key(&mut self, key: KeyPress, app: &App, _now: Now) -> DialogResult {
        let KeySymbol::Char(c) = key.code else { return DialogResult::Close };
        let found = available_commands(app)
            .find(|command| !key.ctrl && !key.alt && command.leader_key == Some(c));
        found.map_or(DialogResult::Close, |command| {
            DialogResult::RunAndClose(DialogAction::Run(command.action))
        })
    }

    fn handle_click(&mut self, at: usize, app: &App, _now: Now) -> DialogResult {
        available_commands(app).nth(at).map_or(DialogResult::Stay, |command| {
            DialogResult::RunAndClose(DialogAction::Run(command.action))
        })
    }

    fn view(&self, app: &App, _now: Now) -> DialogView {
        let mut view = DialogView::new("Next key", 44);
        view.anchor = DialogAnchor::BottomRight;
        view.body = available_commands(app)
            .enumerate()
            .map(|(at, command)| command_row(at, command, app))
            .collect();
        view
    }
}

fn command_row(at: usize, command: &CommandSpec, app: &App) -> DialogRow {
    let mark = command.leader_key.and_then(letter_symbol).map(|letter| (StyleRole::Key, letter));
    let (text, more) = (command.title.to_owned(), String::new());
    let right = app.preferences.keys.label(command.action).unwrap_or_default();
    let right_role = StyleRole::Key;
    DialogRow::Item(ListItem {
        index: Some(at),
        mark,
        text,
        more,
        right,
        right_role,
        selected: false,
    })
}

/// Returns a letter as the static string that a row needs as its symbol.
fn letter_symbol(letter: char) -> Option<&'static str> {
    let at = SECOND_KEYS.find(letter)?;
    SECOND_KEYS.get(at..=at)
}

/// Iterates over the commands with a second key that can run right now, in the order of the table.
fn available_commands(app: &App) -> impl Iterator<Item = &'static CommandSpec> {
    COMMANDS.iter().filter(|command| command.leader_key.is_some() && app.can_run(command.action))
}
