//! Arranging the panes: zoom, borders that are moved by keys or by the mouse, and back to how it was.

use super::command::{Resize, ScreenAction};
use super::layout::{self, Border, Side};
use super::{App, Effect, Zoom};
use crate::config::Layout;

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
                self.stage.layout = Layout::default();
                vec![Effect::Remember(self.stage.layout)]
            }
        }
    }

    /// Whether an action on the screen would do something right now.
    pub(super) fn offers_screen(&self, action: ScreenAction) -> bool {
        match action {
            ScreenAction::Zoom => true,
            ScreenAction::Resize(resize) => self.border_for(resize).is_some(),
            ScreenAction::ResetLayout => self.stage.layout != Layout::default(),
        }
    }

    pub(super) fn toggle_zoom(&mut self) {
        self.stage.zoom = match self.stage.zoom {
            Zoom::Off => Zoom::Pane,
            Zoom::Pane => Zoom::Off,
        };
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
