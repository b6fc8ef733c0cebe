//! Mouse handling: clicks, double clicks, the wheel and dragged borders.
//!
//! What a click meets follows from the layout, so drawing and clicking agree. Start at
//! `App::click_targets` for the list of what can be clicked.

use std::time::{Duration, Instant};

use ratatui::layout::{Position, Rect};

use crate::config::theme::StyleRole;
use crate::tui::app::command::{CommandAction, CredentialAction, FocusTarget, ScreenAction};
use crate::tui::app::console::ConsolePrompt;
use crate::tui::app::console::json::SearchMatches;
use crate::tui::app::console::response_view::ResponseTab;
use crate::tui::app::credentials::detail::{self, CredentialDetailRow};
use crate::tui::app::layout::PaneBorder;
use crate::tui::app::widgets::split_rect::SplitRect as _;
use crate::tui::app::widgets::text_wrap::wrap;
use crate::tui::app::{App, MouseInput, Now, Pane, UiEffect, header};

/// Lines per step of the wheel.
const WHEEL_LINES: isize = 3;

/// Maximum time between the two clicks of a double click.
const DOUBLE_CLICK_TIMEOUT: Duration = Duration::from_millis(400);

/// Columns of the fold marker.
const FOLD_MARK_COLUMNS: u16 = 2;

/// Maximum number of lines that an explanation may take from the body.
const MAX_EXPLANATION_LINES: usize = 6;

/// Width of the label column of the detail.
pub const DETAIL_LABEL_COLUMNS: u16 = 9;

/// Content of the line below a response.
pub enum ConsoleStatusLine<'a> {
    /// Prompt in which the user types.
    Prompt(&'a ConsolePrompt),
    /// Current jq filter.
    Filter(&'a str),
    /// State of the search.
    Matches(SearchMatches),
}

/// State of the left mouse button.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MousePress {
    /// Border that is being dragged.
    border: Option<PaneBorder>,
    /// Whether the border was moved.
    moved: bool,
    /// Time and cell of the latest click.
    last_click: Option<(Instant, u16, u16)>,
}

impl MousePress {
    /// Records a click; returns whether it completes a double click.
    fn register_click(&mut self, column: u16, row: u16, now: Instant) -> bool {
        let again = |(then, x, y): (Instant, u16, u16)| {
            (x, y) == (column, row) && now.saturating_duration_since(then) < DOUBLE_CLICK_TIMEOUT
        };
        let is_again = self.last_click.is_some_and(again);
        // A third click does not count as a second double click.
        self.last_click = (!is_again).then_some((now, column, row));
        is_again
    }
}

impl App {
    pub(super) fn handle_mouse(
        &mut self,
        mouse: MouseInput,
        column: u16,
        row: u16,
        now: Now,
    ) -> Vec<UiEffect> {
        match mouse {
            MouseInput::Press => self.handle_click(column, row, now),
            MouseInput::ScrollUp => self.handle_wheel(-WHEEL_LINES, column, row, now),
            MouseInput::ScrollDown => self.handle_wheel(WHEEL_LINES, column, row, now),
            MouseInput::Drag => {
                if let Some(border) =
                    self.ui_state.mouse_press.border.filter(|_| self.dialogs.is_empty())
                {
                    self.ui_state.mouse_press.moved = true;
                    self.move_border(border, column, row);
                }
                Vec::new()
            }
            MouseInput::Release => self.release_border(),
        }
    }

    /// Ends the dragging of a border and saves the layout.
    fn release_border(&mut self) -> Vec<UiEffect> {
        let MousePress { border, moved, .. } = self.ui_state.mouse_press;
        (self.ui_state.mouse_press.border, self.ui_state.mouse_press.moved) = (None, false);
        if border.is_some() && moved {
            vec![UiEffect::SaveLayout(self.ui_state.layout)]
        } else {
            Vec::new()
        }
    }

    pub(super) fn handle_click(&mut self, column: u16, row: u16, now: Now) -> Vec<UiEffect> {
        if let Some(dialog) = self.dialogs.top() {
            let view = dialog.view(self, now);
            let hit = view.layout(self.ui_state.area).index_at(column, row);
            return match hit {
                Some(at) => {
                    self.with_top_dialog(now, |dialog, app| dialog.handle_click(at, app, now))
                }
                None => Vec::new(),
            };
        }
        let again = self.ui_state.mouse_press.register_click(column, row, now.instant);
        let screen = self.screen_layout();
        self.ui_state.mouse_press.border =
            super::layout::border_at(self.ui_state.area, self, column, row);
        if screen.footer.contains(Position::new(column, row)) {
            let hint = super::footer::hint_action_at(self, screen.footer, column, now.wall);
            return hint.map(|action| self.run_action(action, now)).unwrap_or_default();
        }
        if screen.header.contains(Position::new(column, row)) {
            return self.click_header(column, row, now);
        }
        if screen.timeline.contains(Position::new(column, row))
            && self.ui_state.mouse_press.border.is_none()
        {
            return self.run_action(CommandAction::Screen(ScreenAction::Timeline), now);
        }
        let Some(pane) = screen.pane_at(column, row) else { return Vec::new() };
        if self.ui_state.mouse_press.border.is_some() && row != screen.pane(pane).y {
            return Vec::new();
        }
        self.move_focus(FocusTarget::To(pane));
        if row == screen.pane(pane).y {
            if again {
                self.toggle_zoom();
            }
            return Vec::new();
        }
        // A click on a border moves no selection: the user grabs it to resize, not to select a row
        // of either pane.
        if !screen.pane(pane).inside_border().contains(Position::new(column, row)) {
            return Vec::new();
        }
        let line = usize::from(row.saturating_sub(screen.pane(pane).inside_border().y));
        match pane {
            Pane::Credentials => {
                let hit = self.click_list(row);
                if hit && again {
                    self.move_focus(FocusTarget::To(Pane::Detail));
                }
            }
            Pane::Detail if self.secret_area().contains(Position::new(column, row)) => {
                return self
                    .run_action(CommandAction::Credential(CredentialAction::ToggleSecret), now);
            }
            Pane::Detail => {}
            Pane::Regions => {
                let count = self.region_count();
                let hit = self.regions.select_line(line, count);
                if hit && again {
                    return self.run_action(
                        CommandAction::Credential(CredentialAction::SwitchRegion),
                        now,
                    );
                }
            }
            Pane::Console => return self.click_console(column, row, now),
        }
        Vec::new()
    }

    /// Clicks at a cell because its label was typed.
    pub(super) fn jump_to(&mut self, column: u16, row: u16, now: Now) -> Vec<UiEffect> {
        let effects = self.handle_click(column, row, now);
        self.ui_state.mouse_press = MousePress::default();
        effects
    }

    /// Returns a cell for everything that can be clicked: panes, rows, the secret, tabs, buttons.
    pub(super) fn click_targets(&self, now: Now) -> Vec<(u16, u16)> {
        let screen = self.screen_layout();
        let at = |area: Rect| (area.x, area.y);
        let shown = |area: &Rect| !area.is_empty();
        let rows =
            |area: Rect, count: usize| (0..area.height).take(count).map(move |line| area.row(line));
        let panes = Pane::ALL
            .into_iter()
            .map(|pane| screen.pane(pane))
            .filter(shown)
            .map(|area| (area.x + 2, area.y));
        let list = rows(self.list_area(), self.credentials.visible_count());
        let regions = rows(screen.regions.inside_border(), self.region_count());
        let secret = std::iter::once(self.secret_area()).filter(shown);
        let send = std::iter::once(screen.console.inside_border().row(0))
            .filter(|_| shown(&screen.console));
        let tabs = self.response_tabs().into_iter().map(|(_, area)| area);
        let tabs = tabs.filter(|area| shown(area) && self.console.response().is_some());
        let timeline = std::iter::once(screen.timeline.inside_border()).filter(shown);
        let places =
            secret.chain(send).chain(tabs).chain(regions).chain(timeline).chain(list).map(at);
        let (items, room) = header::header_items(self);
        let buttons = items.into_iter().filter(|item| item.action.is_some()).map(|item| item.area);
        let counts =
            header::status_counts(self, room, now.wall).into_iter().map(|count| count.area);
        panes.chain(places).chain(buttons.chain(counts).map(at)).collect()
    }

    fn click_header(&mut self, column: u16, row: u16, now: Now) -> Vec<UiEffect> {
        let at = Position::new(column, row);
        let (items, room) = header::header_items(self);
        if let Some(item) = items.into_iter().find(|item| item.area.contains(at)) {
            return item.action.map(|action| self.run_action(action, now)).unwrap_or_default();
        }
        let counts = header::status_counts(self, room, now.wall);
        if let Some(count) = counts.into_iter().find(|count| count.area.contains(at)) {
            self.filter_by_status(count.status, now);
        }
        Vec::new()
    }

    fn click_list(&mut self, row: u16) -> bool {
        let rows = self.list_area();
        row >= rows.y
            && row < rows.y + rows.height
            && self.credentials.select_line(usize::from(row - rows.y))
    }

    fn click_console(&mut self, column: u16, row: u16, now: Now) -> Vec<UiEffect> {
        let body = self.console_body_area();
        if row == self.screen_layout().console.inside_border().y {
            return self
                .run_action(CommandAction::Console(super::command::ConsoleAction::Send), now);
        }
        if let Some((view, _)) = self
            .response_tabs()
            .into_iter()
            .find(|(_, area)| area.contains(Position::new(column, row)))
        {
            return self.show_tab(view);
        } else if body.contains(Position::new(column, row)) && self.console.tab.is_text() {
            self.click_body(usize::from(row - body.y), column - body.x);
        }
        Vec::new()
    }

    /// Moves the cursor to the clicked line; a click on its fold marker, or a second click on the
    /// line, folds it.
    fn click_body(&mut self, line: usize, column: u16) {
        let Some(document) = self.console.document() else { return };
        let again = document.visible_lines().nth(line).is_some_and(|row| row.under_cursor);
        document.move_to_visible_row(line);
        if again || column < FOLD_MARK_COLUMNS {
            document.toggle_fold();
        }
    }

    fn handle_wheel(&mut self, lines: isize, column: u16, row: u16, now: Now) -> Vec<UiEffect> {
        use super::command::CursorMotion;
        let motion = if lines < 0 { CursorMotion::Up } else { CursorMotion::Down };
        if !self.dialogs.is_empty() {
            let key = if lines < 0 {
                crate::config::key::KeySymbol::Up
            } else {
                crate::config::key::KeySymbol::Down
            };
            return self.with_top_dialog(now, |dialog, app| {
                dialog.handle_key(crate::config::KeyPress::without_modifiers(key), app, now)
            });
        }
        match self.screen_layout().pane_at(column, row) {
            Some(Pane::Credentials) => {
                (0..WHEEL_LINES).for_each(|_| self.credentials.move_cursor(motion, 1));
            }
            Some(Pane::Regions) => {
                let count = self.region_count();
                self.regions.move_cursor(motion, 1, count);
            }
            Some(Pane::Console) => {
                if let Some(document) = self.console.document() {
                    document.scroll(lines);
                }
            }
            Some(Pane::Detail) | None => {}
        }
        Vec::new()
    }

    /// Area of the rows of the list.
    pub fn list_area(&self) -> Rect {
        self.screen_layout().credentials.inside_border().split_top(self.filter_rows()).1
    }

    /// Area of the first line of the secret in the detail, masked or not.
    pub fn secret_area(&self) -> Rect {
        let rows = self.selected().map_or_else(Vec::new, |selected| detail::rows(self, selected));
        let secret = rows.iter().position(|row| *row == CredentialDetailRow::Secret).unwrap_or(0);
        let below_heading = u16::try_from(secret + 1).unwrap_or(u16::MAX);
        self.screen_layout().detail.inside_border().row(below_heading)
    }

    /// Explains the status of the response in lines of the console: what happened, as much of the
    /// cause as fits, and what to do.
    pub fn explanation_lines(&self) -> Vec<(StyleRole, String)> {
        let Some(problem) =
            self.console.response().and_then(|response| response.exchange.explanation.as_ref())
        else {
            return Vec::new();
        };
        let inner = self.screen_layout().console.inside_border();
        let columns = usize::from(inner.width);
        let [what, remedy] = [&problem.what, &problem.remedy].map(|text| wrap(text, columns));
        let why = wrap(&problem.why, columns.saturating_sub(1));
        // Below the request and the summary, one line stays free for the response itself; the
        // remedy is worth more than a full list of causes.
        let most = MAX_EXPLANATION_LINES.min(usize::from(inner.height.saturating_sub(3)));
        let room = most.saturating_sub(what.len() + remedy.len());
        let mut reasons: Vec<_> = why.iter().take(room).map(|piece| (*piece).to_owned()).collect();
        if let Some(last) = reasons.last_mut().filter(|_| why.len() > room) {
            last.push_str(self.preferences.symbols.ellipsis);
        }
        let owned = |role, pieces: Vec<&str>| {
            pieces.into_iter().map(move |piece| (role, piece.to_owned())).collect::<Vec<_>>()
        };
        let reasons = reasons.into_iter().map(|piece| (StyleRole::Text, piece));
        owned(StyleRole::Warn, what)
            .into_iter()
            .chain(reasons)
            .chain(owned(StyleRole::Accent, remedy))
            .take(most)
            .collect()
    }

    /// Area of the response body: below the request, the summary and the explanation.
    pub fn console_body_area(&self) -> Rect {
        let inner = self.screen_layout().console.inside_border();
        let explained = u16::try_from(self.explanation_lines().len()).unwrap_or(u16::MAX);
        let (body, _) = inner.split_top(
            inner.height.saturating_sub(u16::from(self.console_status_line().is_some())),
        );
        body.split_top(2 + explained).1
    }

    /// Returns the content of the line below the response: the prompt, the filter or the search
    /// state.
    pub fn console_status_line(&self) -> Option<ConsoleStatusLine<'_>> {
        if let Some(prompt) = &self.console.prompt {
            return Some(ConsoleStatusLine::Prompt(prompt));
        }
        let filter = self
            .console
            .response()
            .and_then(crate::tui::app::console::response_view::ResponseView::filter_text);
        let filter =
            filter.filter(|_| self.console.tab == ResponseTab::Body).map(ConsoleStatusLine::Filter);
        filter.or_else(|| self.console.search_matches().map(ConsoleStatusLine::Matches))
    }

    /// Returns the areas of the tabs of a response: at the right end of the summary.
    pub fn response_tabs(&self) -> Vec<(ResponseTab, Rect)> {
        let line = self.screen_layout().console.inside_border().row(1);
        let width = |view: ResponseTab| u16::try_from(view.title().len()).unwrap_or(0);
        let views: Vec<_> =
            self.console.response().map(|response| response.tabs().collect()).unwrap_or_default();
        let total: u16 = views.iter().map(|view| width(*view) + 2).sum();
        let mut rest = line.split_left(line.width.saturating_sub(total)).1;
        views
            .into_iter()
            .map(|view| {
                let (tab, after) = rest.split_left(2).1.split_left(width(view));
                rest = after;
                (view, tab)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::tui::app::samples::TestSession;
    use crate::tui::app::{InputEvent, Message, MouseInput, Pane, UiEffect};

    fn mouse(session: &mut TestSession, mouse: MouseInput, cell: (u16, u16)) {
        let (column, row) = cell;
        session.handle_message(Message::Input(InputEvent::Mouse(mouse, column, row)));
    }

    #[test]
    fn who_takes_a_border_selects_no_row_and_leaves_the_focus_where_it_is() {
        let mut session = TestSession::new(120, 36);
        session.press("4");
        let selected =
            |session: &TestSession| session.app.selected().map(|credential| credential.id.clone());
        let (screen, before) = (session.app.screen_layout(), selected(&session));
        let edge = screen.credentials.x + screen.credentials.width - 1;
        let row = session.app.list_area().y + 3;
        mouse(&mut session, MouseInput::Press, (edge, row));
        assert_eq!(
            (selected(&session), session.app.ui_state.focus),
            (before.clone(), Pane::Console)
        );
        mouse(&mut session, MouseInput::Drag, (edge + 5, row));
        mouse(&mut session, MouseInput::Release, (edge + 5, row));
        assert!(session.app.screen_layout().credentials.width > screen.credentials.width);
        assert!(matches!(session.effects.last(), Some(UiEffect::SaveLayout(_))));
        mouse(&mut session, MouseInput::Press, (screen.credentials.x, row));
        assert_eq!(selected(&session), before, "nor does the border that stays");
        mouse(&mut session, MouseInput::Press, (screen.credentials.x + 2, row));
        assert_ne!(selected(&session), before);
    }
}
