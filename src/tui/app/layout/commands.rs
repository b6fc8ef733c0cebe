//! Commands that arrange the panes: zoom, borders moved by keys or by the mouse, and reset.
//!
//! Moves cursor and focus, too. The areas themselves are computed in `layout/mod.rs`.

use crate::config::PaneLayout;
use crate::tui::app::command::{CursorMotion, FocusTarget, PaneResize, ScreenAction};
use crate::tui::app::dialogs::{JumpDialog, ThemeDialog};
use crate::tui::app::layout::{BorderSide, PaneBorder};
use crate::tui::app::widgets::split_rect::SplitRect as _;
use crate::tui::app::{App, Now, Pane, UiEffect, ZoomState, layout, overview};

/// Columns that one key press moves a border.
const RESIZE_COLUMNS: i32 = 4;
/// Rows that one key press moves a border.
const RESIZE_ROWS: i32 = 2;

impl App {
    pub(in crate::tui::app) fn run_screen(
        &mut self,
        action: ScreenAction,
        now: Now,
    ) -> Vec<UiEffect> {
        match action {
            ScreenAction::Zoom => {
                self.toggle_zoom();
                Vec::new()
            }
            ScreenAction::Resize(resize) => self.resize_pane(resize),
            ScreenAction::ResetLayout => {
                self.ui_state.layout = PaneLayout::default();
                vec![UiEffect::SaveLayout(self.ui_state.layout)]
            }
            ScreenAction::Themes => {
                self.dialogs.push(ThemeDialog::new(self));
                Vec::new()
            }
            ScreenAction::Jump => {
                self.dialogs.push(JumpDialog::new(self.click_targets(now)));
                Vec::new()
            }
            ScreenAction::Timeline => overview::open_timeline(self),
            ScreenAction::CheckMatrix => overview::open_check_matrix(self),
        }
    }

    /// Whether a screen action has an effect right now.
    pub(in crate::tui::app) fn can_run_screen(&self, action: ScreenAction) -> bool {
        match action {
            ScreenAction::Zoom | ScreenAction::Jump | ScreenAction::Themes => true,
            ScreenAction::Timeline | ScreenAction::CheckMatrix => {
                !self.credentials.all().is_empty()
            }
            ScreenAction::Resize(resize) => self.border_for_resize(resize).is_some(),
            ScreenAction::ResetLayout => self.ui_state.layout != PaneLayout::default(),
        }
    }

    pub(in crate::tui::app) fn toggle_zoom(&mut self) {
        self.ui_state.zoom = match self.ui_state.zoom {
            ZoomState::Off => ZoomState::Pane,
            ZoomState::Pane => ZoomState::Off,
        };
    }

    fn resize_pane(&mut self, resize: PaneResize) -> Vec<UiEffect> {
        let Some((border, side)) = self.border_for_resize(resize) else { return Vec::new() };
        let (columns, rows) = match resize {
            PaneResize::Wider => (RESIZE_COLUMNS, 0),
            PaneResize::Narrower => (-RESIZE_COLUMNS, 0),
            PaneResize::Taller => (0, RESIZE_ROWS),
            PaneResize::Shorter => (0, -RESIZE_ROWS),
        };
        let sign = if side == BorderSide::Before { 1 } else { -1 };
        let (column, row) = layout::border_position(self.ui_state.area, self, border);
        self.move_border(border, offset_by(column, sign * columns), offset_by(row, sign * rows));
        vec![UiEffect::SaveLayout(self.ui_state.layout)]
    }

    pub(in crate::tui::app) fn move_border(&mut self, border: PaneBorder, column: u16, row: u16) {
        self.ui_state.layout = layout::move_border(self.ui_state.area, self, border, column, row);
    }

    fn border_for_resize(&self, resize: PaneResize) -> Option<(PaneBorder, BorderSide)> {
        let (area, pane) = (self.ui_state.area, self.ui_state.focus);
        if self.ui_state.zoom == ZoomState::Pane {
            return None;
        }
        match resize {
            PaneResize::Wider | PaneResize::Narrower => layout::vertical_border(area, pane),
            PaneResize::Taller | PaneResize::Shorter => layout::horizontal_border(area, pane),
        }
    }

    pub(in crate::tui::app) fn move_cursor(&mut self, motion: CursorMotion) {
        let screen = self.screen_layout();
        let page =
            usize::from(screen.pane(self.ui_state.focus).inside_border().height.saturating_sub(1));
        match self.ui_state.focus {
            Pane::Credentials | Pane::Detail => self.credentials.move_cursor(motion, page),
            Pane::Regions => self.regions.move_cursor(motion, page, self.region_count()),
            Pane::Console => self.scroll_response(motion),
        }
    }

    pub(in crate::tui::app) fn move_focus(&mut self, focus: FocusTarget) {
        let at = Pane::ALL.iter().position(|pane| *pane == self.ui_state.focus).unwrap_or(0);
        let count = Pane::ALL.len();
        self.ui_state.focus = match focus {
            FocusTarget::Next => Pane::ALL[(at + 1) % count],
            FocusTarget::Previous => Pane::ALL[(at + count - 1) % count],
            FocusTarget::To(pane) => pane,
        };
        if self.ui_state.focus != Pane::Credentials {
            self.ui_state.secondary_pane = self.ui_state.focus;
        }
    }
}

fn offset_by(place: u16, by: i32) -> u16 {
    u16::try_from(i32::from(place) + by).unwrap_or(0)
}
