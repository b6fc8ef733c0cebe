//! Every command with its keys, read from the one table.

use super::Outcome;
use crate::config::Key;
use crate::config::key::Code;
use crate::config::theme::Role;
use crate::tui::app::App;
use crate::tui::app::command::{COMMANDS, Command, Context, Group, Motion};
use crate::tui::app::credentials::step;
use crate::tui::app::sheet::{Item, Row, Sheet};

/// How far a page key goes.
const PAGE: usize = 12;

/// The dialog that shows the keys.
#[derive(Default)]
pub struct Help {
    line: usize,
}

impl Help {
    /// Takes a key in.
    pub fn key(&mut self, key: Key) -> Outcome {
        let motion = match key.code {
            Code::Char('q' | '?') => return Outcome::Close,
            Code::Up | Code::Char('k') => Motion::Up,
            Code::Down | Code::Char('j') => Motion::Down,
            Code::PageUp => Motion::PageUp,
            Code::PageDown | Code::Char(' ') => Motion::PageDown,
            Code::Home | Code::Char('g') => Motion::Top,
            Code::End | Code::Char('G') => Motion::Bottom,
            _ => return Outcome::Stay,
        };
        self.line = step(self.line, motion, PAGE, COMMANDS.len() + 2 * Group::ALL.len() - 2);
        Outcome::Stay
    }

    /// What it shows.
    pub fn sheet(&self, app: &App) -> Sheet {
        let mut sheet = Sheet::new("Keys", 96);
        for group in Group::ALL {
            if !sheet.body.is_empty() {
                sheet.body.push(Row::Blank);
            }
            sheet.body.push(Row::Text(Role::Title, group.title().to_owned()));
            sheet.body.extend(COMMANDS.iter().filter(|command| command.group == group).map(|command| row(command, app)));
        }
        sheet.cursor = self.line;
        sheet.foot = vec![Row::Blank, Row::dim("↑/↓ scroll · Esc closes · : finds a command by typing")];
        sheet
    }
}

fn row(command: &Command, app: &App) -> Row {
    let keys: Vec<_> = app.preferences.keys.keys_of(command.action).map(Key::to_string).collect();
    let place = match command.context {
        Context::Pane(pane) => format!("in {}", pane.title()),
        Context::Anywhere => String::new(),
    };
    let text = format!("{:<10}", keys.join(" "));
    Row::Item(Item { at: None, mark: None, text, more: command.help.to_owned(), right: place, selected: false })
}
