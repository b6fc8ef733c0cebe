//! What a second key can do: shown as soon as the first is pressed, gone with the next.

use super::{Intent, Outcome};
use crate::config::KeyPress;
use crate::config::key::KeySymbol;
use crate::config::theme::StyleRole;
use crate::tui::app::App;
use crate::tui::app::command::{COMMANDS, CommandSpec};
use crate::tui::app::sheet::{DialogAnchor, DialogRow, DialogView, ListItem};

/// What a second key may be.
const LETTERS: &str = "abcdefghijklmnopqrstuvwxyz";

/// The popup of second keys.
#[derive(Default)]
pub struct Which;

impl Which {
    /// Takes the second key in. One that means nothing closes the popup and does nothing else.
    pub fn key(key: KeyPress, app: &App) -> Outcome {
        let KeySymbol::Char(c) = key.code else { return Outcome::Close };
        let found = offered(app).find(|command| !key.ctrl && !key.alt && command.leader_key == Some(c));
        found.map_or(Outcome::Close, |command| Outcome::Finish(Intent::Run(command.action)))
    }

    /// Takes a click on a line in.
    pub fn click(at: usize, app: &App) -> Outcome {
        offered(app).nth(at).map_or(Outcome::Stay, |command| Outcome::Finish(Intent::Run(command.action)))
    }

    /// What it shows.
    pub fn sheet(app: &App) -> DialogView {
        let mut sheet = DialogView::new("Then press", 44);
        sheet.anchor = DialogAnchor::BottomRight;
        sheet.body = offered(app).enumerate().map(|(at, command)| row(at, command, app)).collect();
        sheet
    }
}

fn row(at: usize, command: &CommandSpec, app: &App) -> DialogRow {
    let mark = command.leader_key.and_then(sign_of).map(|letter| (StyleRole::Key, letter));
    let (text, more) = (command.name.replace('-', " "), String::new());
    let right = app.preferences.keys.label(command.action).unwrap_or_default();
    DialogRow::Item(ListItem { index: Some(at), mark, text, more, right, selected: false })
}

/// A letter as the sign of a row.
fn sign_of(letter: char) -> Option<&'static str> {
    let at = LETTERS.find(letter)?;
    LETTERS.get(at..=at)
}

/// The commands with a second key that would do something right now, in the order of the table.
fn offered(app: &App) -> impl Iterator<Item = &'static CommandSpec> {
    COMMANDS.iter().filter(|command| command.leader_key.is_some() && app.can_run(command.action))
}
