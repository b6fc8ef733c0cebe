//! Choosing a theme by looking at it: the whole screen wears the one under the cursor.

use super::{Intent, Outcome};
use crate::config::Key;
use crate::config::key::Code;
use crate::config::theme::{Role, Theme};
use crate::tui::app::App;
use crate::tui::app::credentials::step;
use crate::tui::app::sheet::{Anchor, Item, Row, Sheet};

/// How far a page key goes.
const PAGE: usize = 5;

/// The dialog in which a theme is chosen.
pub struct Themes {
    before: Theme,
    cursor: usize,
}

impl Themes {
    /// A choice that begins with the theme that is worn now.
    pub fn new(app: &App) -> Self {
        let before = app.preferences.theme.clone();
        let worn = |name: &str| Theme::builtin(name, app.preferences.depth).as_ref() == Some(&before);
        let cursor = Theme::names().position(worn).unwrap_or(0);
        Self { before, cursor }
    }

    /// Takes a key in. Esc gives back the theme of before.
    pub fn key(&mut self, key: Key, app: &App) -> Outcome {
        match (key.code, super::pick::list_motion(key)) {
            (Code::Esc | Code::Char('q'), _) => Outcome::Finish(Intent::Wear(Box::new(self.before.clone()))),
            (Code::Enter, _) => Outcome::Close,
            (_, Some(motion)) => {
                self.cursor = step(self.cursor, motion, PAGE, Theme::names().count().saturating_sub(1));
                self.preview(app)
            }
            _ => Outcome::Stay,
        }
    }

    /// Takes a click on a theme in.
    pub fn click(&mut self, at: usize, app: &App) -> Outcome {
        self.cursor = at;
        self.preview(app)
    }

    /// What it shows.
    pub fn sheet(&self) -> Sheet {
        let mut sheet = Sheet::new("Theme", 46);
        sheet.anchor = Anchor::Corner;
        let item = |(at, name): (usize, &str)| {
            let selected = at == self.cursor;
            Row::Item(Item {
                at: Some(at),
                mark: None,
                text: format!(" {name}"),
                more: String::new(),
                right: String::new(),
                selected,
            })
        };
        sheet.body = Theme::names().enumerate().map(item).collect();
        sheet.cursor = self.cursor;
        let samples =
            [(Role::Good, "good "), (Role::Warn, "soon "), (Role::Bad, "bad "), (Role::Unknown, "unknown "), (Role::Key, "key")];
        let pieces = samples.map(|(role, word)| (role, word.to_owned())).to_vec();
        let name = Theme::names().nth(self.cursor).unwrap_or_default();
        let keep = format!("For every run: theme = \"{name}\" in config.toml");
        sheet.foot =
            vec![Row::Blank, Row::drawing(pieces), Row::dim(keep), Row::dim("Enter wears it in this run · Esc gives it back")];
        sheet
    }

    fn preview(&self, app: &App) -> Outcome {
        let name = Theme::names().nth(self.cursor).unwrap_or_default();
        let theme = Theme::builtin(name, app.preferences.depth);
        theme.map_or(Outcome::Stay, |theme| Outcome::Ask(Intent::Wear(Box::new(theme))))
    }
}
