//! The mouse: what is under it is what the layout says.

use std::time::{Duration, Instant};

use super::answer::View;
use super::command::{Action, CredentialAction, Focus, RegionAction, ScreenAction};
use super::console::Prompt;
use super::json::Matches;
use super::layout::{Area, Border};
use super::sheet::wrap;
use super::{App, Effect, Mouse, Now, Pane};
use crate::config::theme::StyleRole;

/// How many lines one turn of the wheel moves.
const WHEEL: isize = 3;

/// Two clicks within this time at one place are a double click.
const AGAIN: Duration = Duration::from_millis(400);

/// How many columns the mark of a fold takes.
const FOLD_MARK: u16 = 2;

/// How many lines an explanation may take from the body.
const EXPLAINED: usize = 6;

/// How wide the label column of the detail is.
pub const LABELS: u16 = 9;

/// What stands in the line below an answer.
pub enum BelowAnswer<'a> {
    /// What is typed.
    Typed(&'a Prompt),
    /// The filter that is used.
    Filtered(&'a str),
    /// How much was found, and where among it the cursor is.
    Found(Matches),
}

/// What the button of the mouse did last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Press {
    /// The border that it holds.
    border: Option<Border>,
    /// Whether the border was moved.
    moved: bool,
    /// When and where it went down.
    last: Option<(Instant, u16, u16)>,
}

impl Press {
    /// Takes note that the button went down; whether that makes it a double click.
    fn take(&mut self, column: u16, row: u16, now: Instant) -> bool {
        let again = |(then, x, y): (Instant, u16, u16)| (x, y) == (column, row) && now.saturating_duration_since(then) < AGAIN;
        let is_again = self.last.is_some_and(again);
        // A third click is not a second double click.
        self.last = (!is_again).then_some((now, column, row));
        is_again
    }
}

impl App {
    pub(super) fn take_mouse(&mut self, mouse: Mouse, column: u16, row: u16, now: Now) -> Vec<Effect> {
        match mouse {
            Mouse::Press => self.press(column, row, now),
            Mouse::ScrollUp => self.wheel(-WHEEL, column, row, now),
            Mouse::ScrollDown => self.wheel(WHEEL, column, row, now),
            Mouse::Drag => {
                if let Some(border) = self.stage.press.border.filter(|_| self.dialogs.is_empty()) {
                    self.stage.press.moved = true;
                    self.move_border(border, (column, row));
                }
                Vec::new()
            }
            Mouse::Release => self.release(),
        }
    }

    /// A border that was let go is remembered where it is.
    fn release(&mut self) -> Vec<Effect> {
        let Press { border, moved, .. } = self.stage.press;
        (self.stage.press.border, self.stage.press.moved) = (None, false);
        if border.is_some() && moved { vec![Effect::Remember(self.stage.layout)] } else { Vec::new() }
    }

    pub(super) fn press(&mut self, column: u16, row: u16, now: Now) -> Vec<Effect> {
        if let Some(dialog) = self.dialogs.top() {
            let sheet = dialog.sheet(self, now);
            let hit = sheet.place(self.stage.area).hit(column, row);
            return match hit {
                Some(at) => self.tell_dialog(now, |dialog, app| dialog.click(at, app, now)),
                None => Vec::new(),
            };
        }
        let again = self.stage.press.take(column, row, now.instant);
        let screen = self.screen();
        self.stage.press.border = super::layout::border_at(self.stage.area, self, column, row);
        if screen.footer.contains(column, row) {
            let hint = super::footer::hint_at(self, screen.footer, column);
            return hint.map(|action| self.run(action, now)).unwrap_or_default();
        }
        if let Some(action) = self.sign_at(column, row) {
            return self.run(action, now);
        }
        if screen.horizon.contains(column, row) && self.stage.press.border.is_none() {
            return self.run(Action::Screen(ScreenAction::Timeline), now);
        }
        let Some(pane) = screen.pane_at(column, row) else { return Vec::new() };
        if self.stage.press.border.is_some() && row != screen.pane(pane).y {
            return Vec::new();
        }
        self.focus(Focus::To(pane));
        if row == screen.pane(pane).y {
            if again {
                self.toggle_zoom();
            }
            return Vec::new();
        }
        // A border is no row, and who takes it to move it means neither pane.
        if !screen.pane(pane).inner().contains(column, row) {
            return Vec::new();
        }
        let line = usize::from(row.saturating_sub(screen.pane(pane).inner().y));
        match pane {
            Pane::Credentials => {
                let hit = self.press_list(row);
                if hit && again {
                    return self.run(Action::Credential(CredentialAction::Show), now);
                }
            }
            Pane::Detail if self.secret_area().contains(column, row) => {
                return self.run(Action::Credential(CredentialAction::Show), now);
            }
            Pane::Detail => {}
            Pane::Regions => {
                let count = self.region_count();
                let hit = self.regions.select_line(line, count);
                if hit && again {
                    return self.run(Action::Region(RegionAction::Switch), now);
                }
            }
            Pane::Console => return self.press_console(column, row, now),
        }
        Vec::new()
    }

    /// Everything that a click would meet, as places to click at: panes, rows, the secret, tabs, buttons.
    pub(super) fn targets(&self) -> Vec<(u16, u16)> {
        let screen = self.screen();
        let at = |area: Area| (area.x, area.y);
        let shown = |area: &Area| !area.is_empty();
        let rows = |area: Area, count: usize| (0..area.height).take(count).map(move |line| area.row(line));
        let panes = Pane::ALL.into_iter().map(|pane| screen.pane(pane)).filter(shown).map(|area| (area.x + 2, area.y));
        let list = rows(self.list_rows(), self.credentials.shown_count());
        let regions = rows(screen.regions.inner(), self.region_count());
        let secret = std::iter::once(self.secret_area()).filter(|_| shown(&screen.detail));
        let send = std::iter::once(screen.console.inner().row(0)).filter(|_| shown(&screen.console));
        let tabs = self.view_tabs().into_iter().map(|(_, area)| area);
        let tabs = tabs.filter(|area| shown(area) && self.console.answered().is_some());
        let buttons = super::footer::hints(self, screen.footer).into_iter().map(|hint| hint.area);
        let horizon = std::iter::once(screen.horizon.inner()).filter(shown);
        let places = secret.chain(send).chain(tabs).chain(regions).chain(horizon).chain(buttons).chain(list).map(at);
        let signs = self.signs().0.into_iter().filter(|sign| sign.action.is_some()).map(|sign| at(sign.area));
        panes.chain(places).chain(signs).collect()
    }

    fn press_list(&mut self, row: u16) -> bool {
        let rows = self.list_rows();
        row >= rows.y && row < rows.y + rows.height && self.credentials.select_line(usize::from(row - rows.y))
    }

    fn press_console(&mut self, column: u16, row: u16, now: Now) -> Vec<Effect> {
        let body = self.console_body();
        if row == self.screen().console.inner().y {
            return self.run(Action::Console(super::command::ConsoleAction::Send), now);
        }
        if let Some((view, _)) = self.view_tabs().into_iter().find(|(_, area)| area.contains(column, row)) {
            return self.show_view(view);
        } else if body.contains(column, row) && self.console.view.is_text() {
            self.press_body(usize::from(row - body.y), column - body.x);
        }
        Vec::new()
    }

    /// A click on a line goes there; on its fold mark or once more on the same line, it folds.
    fn press_body(&mut self, line: usize, column: u16) {
        let Some(document) = self.console.document() else { return };
        let again = document.visible().nth(line).is_some_and(|row| row.under_cursor);
        document.point(line);
        if again || column < FOLD_MARK {
            document.toggle_fold();
        }
    }

    fn wheel(&mut self, lines: isize, column: u16, row: u16, now: Now) -> Vec<Effect> {
        use super::command::Motion;
        let motion = if lines < 0 { Motion::Up } else { Motion::Down };
        if !self.dialogs.is_empty() {
            let key = if lines < 0 { crate::config::key::KeySymbol::Up } else { crate::config::key::KeySymbol::Down };
            return self.tell_dialog(now, |dialog, app| dialog.key(crate::config::KeyPress::without_modifiers(key), app, now));
        }
        match self.screen().pane_at(column, row) {
            Some(Pane::Credentials) => (0..WHEEL).for_each(|_| self.credentials.go(motion, 1)),
            Some(Pane::Regions) => {
                let count = self.region_count();
                self.regions.go(motion, 1, count);
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

    /// Where the rows of the list are drawn.
    pub fn list_rows(&self) -> Area {
        self.screen().credentials.inner().split_top(self.list_overhead()).1
    }

    /// Where the secret is drawn, masked or not: the second line of the detail.
    pub fn secret_area(&self) -> Area {
        self.screen().detail.inner().row(1)
    }

    /// What the status of the answer means here, in lines of the console: what, as much of why as there is room for, and
    /// what to do.
    pub fn explanation(&self) -> Vec<(StyleRole, String)> {
        let Some(problem) = self.console.answered().and_then(|answered| answered.exchange.explanation.as_ref()) else {
            return Vec::new();
        };
        let inner = self.screen().console.inner();
        let columns = usize::from(inner.width);
        let [what, remedy] = [&problem.what, &problem.remedy].map(|text| wrap(text, columns));
        let why = wrap(&problem.why, columns.saturating_sub(1));
        // Below the request and the summary, a line is left for the answer itself; what to do is worth more than every reason.
        let most = EXPLAINED.min(usize::from(inner.height.saturating_sub(3)));
        let room = most.saturating_sub(what.len() + remedy.len());
        let mut reasons: Vec<_> = why.iter().take(room).map(|piece| (*piece).to_owned()).collect();
        if let Some(last) = reasons.last_mut().filter(|_| why.len() > room) {
            last.push_str(self.preferences.glyphs.ellipsis);
        }
        let owned = |role, pieces: Vec<&str>| pieces.into_iter().map(move |piece| (role, piece.to_owned())).collect::<Vec<_>>();
        let reasons = reasons.into_iter().map(|piece| (StyleRole::Text, piece));
        owned(StyleRole::Warn, what).into_iter().chain(reasons).chain(owned(StyleRole::Accent, remedy)).take(most).collect()
    }

    /// Where the body of an answer is drawn: below the request, the summary and the explanation.
    pub fn console_body(&self) -> Area {
        let inner = self.screen().console.inner();
        let explained = u16::try_from(self.explanation().len()).unwrap_or(u16::MAX);
        let (body, _) = inner.split_top(inner.height.saturating_sub(u16::from(self.console_line().is_some())));
        body.split_top(2 + explained).1
    }

    /// What stands in the line below the answer, if there is one: what is typed, the filter that is used, or what is found.
    pub fn console_line(&self) -> Option<BelowAnswer<'_>> {
        if let Some(prompt) = &self.console.prompt {
            return Some(BelowAnswer::Typed(prompt));
        }
        let filter = self.console.answered().and_then(super::answer::Answered::filter_text);
        let filter = filter.filter(|_| self.console.view == View::Body).map(BelowAnswer::Filtered);
        filter.or_else(|| self.console.found().map(BelowAnswer::Found))
    }

    /// Where the names of the parts of an answer are drawn: at the right end of the summary.
    pub fn view_tabs(&self) -> Vec<(View, Area)> {
        let line = self.screen().console.inner().row(1);
        let width = |view: View| u16::try_from(view.title().len()).unwrap_or(0);
        let views: Vec<_> = self.console.answered().map(|answered| answered.views().collect()).unwrap_or_default();
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
    use crate::tui::app::samples::Session;
    use crate::tui::app::{Effect, Input, Mouse, Msg, Pane};

    fn mouse(session: &mut Session, mouse: Mouse, (column, row): (u16, u16)) {
        session.tell(Msg::Input(Input::Mouse(mouse, column, row)));
    }

    #[test]
    fn who_takes_a_border_selects_no_row_and_leaves_the_focus_where_it_is() {
        let mut session = Session::new(120, 36);
        session.press("4");
        let selected = |session: &Session| session.app.selected().map(|credential| credential.id.clone());
        let (screen, before) = (session.app.screen(), selected(&session));
        let edge = screen.credentials.x + screen.credentials.width - 1;
        let row = session.app.list_rows().y + 3;
        mouse(&mut session, Mouse::Press, (edge, row));
        assert_eq!((selected(&session), session.app.stage.focus), (before.clone(), Pane::Console));
        mouse(&mut session, Mouse::Drag, (edge + 5, row));
        mouse(&mut session, Mouse::Release, (edge + 5, row));
        assert!(session.app.screen().credentials.width > screen.credentials.width);
        assert!(matches!(session.effects.last(), Some(Effect::Remember(_))));
        mouse(&mut session, Mouse::Press, (screen.credentials.x, row));
        assert_eq!(selected(&session), before, "nor does the border that stays");
        mouse(&mut session, Mouse::Press, (screen.credentials.x + 2, row));
        assert_ne!(selected(&session), before);
    }
}
