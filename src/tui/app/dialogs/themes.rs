//! Dialog that chooses a theme with a live preview: the whole screen shows the theme under the
//! cursor, and Enter saves it.

use crate::config::KeyPress;
use crate::config::key::KeySymbol;
use crate::config::theme::{self, AUTO_THEME, StyleRole, Theme};
use crate::tui::app::dialogs::{Dialog, DialogAction, DialogResult};
use crate::tui::app::widgets::dialog_view::{
    DialogAnchor, DialogRow, DialogView, ListItem, TextTruncation,
};
use crate::tui::app::widgets::moved_cursor;
use crate::tui::app::{App, Now, ThemeMode, UiEffect, settings};

/// Rows that a page key moves.
const PAGE_ROWS: usize = 5;

/// Dialog that chooses a theme.
pub struct ThemeDialog {
    original: (Theme, ThemeMode),
    /// The automatic theme, then the built-in themes, then the user's own.
    themes: Vec<(String, Theme)>,
    cursor: usize,
}

impl ThemeDialog {
    /// Creates the dialog with the cursor on the current theme.
    pub fn new(app: &App) -> Self {
        let (before, depth) = (
            (app.preferences.theme.clone(), app.preferences.theme_mode),
            app.preferences.color_depth,
        );
        let builtin =
            Theme::builtin_names().filter_map(|name| Some((name, Theme::builtin(name, depth)?)));
        let background = settings::terminal_background(app);
        let all: Vec<_> = [(AUTO_THEME, Theme::for_background(background, depth))]
            .into_iter()
            .chain(builtin)
            .chain(app.preferences.user_themes.valid_themes(depth))
            .map(|(name, theme)| (name.to_owned(), theme.with_background(background)))
            .collect();
        let is_current = |(at, (_, theme)): (usize, &(String, Theme))| {
            (at > 0 && *theme == before.0).then_some(at)
        };
        let cursor = if before.1 == ThemeMode::Auto {
            None
        } else {
            all.iter().enumerate().find_map(is_current)
        }
        .unwrap_or(0);
        Self { original: before, themes: all, cursor }
    }

    fn preview(&self) -> DialogResult {
        let mode = if self.cursor == 0 { ThemeMode::Auto } else { ThemeMode::Chosen };
        let preview = |(_, theme): &(String, Theme)| {
            DialogResult::RunAndStay(apply_theme(theme.clone(), mode))
        };
        self.themes.get(self.cursor).map_or(DialogResult::Stay, preview)
    }
}

impl Dialog for ThemeDialog {
    /// Restores the previous theme.
    fn dismiss(&mut self) -> DialogResult {
        DialogResult::RunAndClose(apply_theme(self.original.0.clone(), self.original.1))
    }

    fn handle_key(&mut self, key: KeyPress, _app: &App, _now: Now) -> DialogResult {
        match (key.code, super::picker::list_motion(key)) {
            (KeySymbol::Char('q'), _) => self.dismiss(),
            (KeySymbol::Enter, _) => {
                self.themes.get(self.cursor).map_or(DialogResult::Close, |(name, _)| {
                    let save = UiEffect::SaveTheme(name.clone());
                    DialogResult::RunAndClose(DialogAction::Effect(save))
                })
            }
            (_, Some(motion)) => {
                self.cursor = moved_cursor(
                    self.cursor,
                    motion,
                    PAGE_ROWS,
                    self.themes.len().saturating_sub(1),
                );
                self.preview()
            }
            _ => DialogResult::Stay,
        }
    }

    fn handle_click(&mut self, at: usize, _app: &App, _now: Now) -> DialogResult {
        self.cursor = at;
        self.preview()
    }

    fn view(&self, _app: &App, _now: Now) -> DialogView {
        let mut view = DialogView::new("Theme", 66);
        view.anchor = DialogAnchor::BottomRight;
        let item = |(at, (name, _)): (usize, &(String, Theme))| {
            let selected = at == self.cursor;
            let more = match name.as_str() {
                AUTO_THEME => "follows the terminal",
                name if theme::is_user_theme(name) => "your own",
                _ => "",
            };
            DialogRow::Item(ListItem {
                index: Some(at),
                mark: None,
                text: format!(" {name}"),
                cut: TextTruncation::End,
                more: more.to_owned(),
                right: String::new(),
                right_role: StyleRole::Key,
                selected,
            })
        };
        view.body = self.themes.iter().enumerate().map(item).collect();
        view.cursor = self.cursor;
        let samples = [
            (StyleRole::Good, "good "),
            (StyleRole::Warn, "soon "),
            (StyleRole::Bad, "bad "),
            (StyleRole::Unknown, "unknown "),
            (StyleRole::Key, "key"),
        ];
        let pieces = samples.map(|(role, word)| (role, word.to_owned())).to_vec();
        let keys = "↑/↓ preview · Enter apply · Esc cancel";
        view.foot = vec![DialogRow::Blank, DialogRow::spans(pieces), DialogRow::dim(keys)];
        view
    }
}

/// Shows the screen in a theme without saving it.
fn apply_theme(theme: Theme, mode: ThemeMode) -> DialogAction {
    DialogAction::update(move |app, _| settings::apply_theme(app, theme, mode))
}
