//! Arranging the panes: zoom, borders that are moved by keys or by the mouse, and back to how it was.

use super::command::{Focus, Resize, ScreenAction};
use super::dialog::{Dialog, Jump, Themes, Timeline, Verdicts};
use super::layout::{self, Border, Side};
use super::{App, Effect, Now, Pane, Zoom};
use crate::config::PaneLayout;
use crate::domain::CredentialId;
use crate::engine::message::{BackgroundTask, CredentialTask};

/// How many columns a key moves a border.
const COLUMNS: i32 = 4;
/// How many rows a key moves a border.
const ROWS: i32 = 2;

impl App {
    pub(super) fn act_on_screen(&mut self, action: ScreenAction) -> Vec<Effect> {
        match action {
            ScreenAction::Zoom => {
                self.toggle_zoom();
                Vec::new()
            }
            ScreenAction::Resize(resize) => self.resize(resize),
            ScreenAction::ResetLayout => {
                self.stage.layout = PaneLayout::default();
                vec![Effect::Remember(self.stage.layout)]
            }
            ScreenAction::Leader => {
                self.dialogs.push(Dialog::Which);
                Vec::new()
            }
            ScreenAction::Themes => {
                self.dialogs.push(Dialog::Themes(Themes::new(self)));
                Vec::new()
            }
            ScreenAction::Jump => {
                self.dialogs.push(Dialog::Jump(Jump::new(self.targets())));
                Vec::new()
            }
            ScreenAction::Timeline => {
                self.dialogs.push(Dialog::Timeline(Timeline::new(self)));
                Vec::new()
            }
            ScreenAction::Verdicts => {
                self.dialogs.push(Dialog::Verdicts(Verdicts::new(self)));
                vec![self.start_quietly(BackgroundTask::Credential(CredentialTask::AllChecks)).1]
            }
        }
    }

    /// Whether an action on the screen would do something right now.
    pub(super) fn offers_screen(&self, action: ScreenAction) -> bool {
        match action {
            ScreenAction::Zoom | ScreenAction::Leader | ScreenAction::Jump | ScreenAction::Themes => true,
            ScreenAction::Timeline | ScreenAction::Verdicts => !self.credentials.all().is_empty(),
            ScreenAction::Resize(resize) => self.border_for(resize).is_some(),
            ScreenAction::ResetLayout => self.stage.layout != PaneLayout::default(),
        }
    }

    pub(super) fn toggle_zoom(&mut self) {
        self.stage.zoom = match self.stage.zoom {
            Zoom::Off => Zoom::Pane,
            Zoom::Pane => Zoom::Off,
        };
    }

    /// Puts the cursor on a credential; a filter that hides it goes.
    pub(super) fn show_in_list(&mut self, id: &CredentialId, now: Now) {
        self.credentials.select_id(Some(id));
        if self.selected().is_none_or(|selected| selected.id != *id) {
            self.credentials.drop_filter(now.wall);
            self.credentials.select_id(Some(id));
        }
        self.focus(Focus::To(Pane::Credentials));
    }

    fn resize(&mut self, resize: Resize) -> Vec<Effect> {
        let Some((border, side)) = self.border_for(resize) else { return Vec::new() };
        let (columns, rows) = match resize {
            Resize::Wider => (COLUMNS, 0),
            Resize::Narrower => (-COLUMNS, 0),
            Resize::Taller => (0, ROWS),
            Resize::Shorter => (0, -ROWS),
        };
        let sign = if side == Side::Before { 1 } else { -1 };
        let (column, row) = layout::place_of(self.stage.area, self, border);
        let to = (moved(column, sign * columns), moved(row, sign * rows));
        self.move_border(border, to);
        vec![Effect::Remember(self.stage.layout)]
    }

    pub(super) fn move_border(&mut self, border: Border, to: (u16, u16)) {
        self.stage.layout = layout::move_border(self.stage.area, self, border, to);
    }

    fn border_for(&self, resize: Resize) -> Option<(Border, Side)> {
        let (area, pane) = (self.stage.area, self.stage.focus);
        if self.stage.zoom == Zoom::Pane {
            return None;
        }
        match resize {
            Resize::Wider | Resize::Narrower => layout::upright_border(area, pane),
            Resize::Taller | Resize::Shorter => layout::level_border(area, pane),
        }
    }
}

fn moved(place: u16, by: i32) -> u16 {
    u16::try_from(i32::from(place) + by).unwrap_or(0)
}
