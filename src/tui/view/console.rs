//! The request console.

use ratatui::style::{Modifier, Style};

use super::json::{self, Ink};
use super::pen::Pen;
use crate::config::theme::Role;
use crate::domain::problem::Problem;
use crate::domain::request::Method;
use crate::tui::app::command::{Action, ConsoleAction, ProgramAction};
use crate::tui::app::console::{Answered, Laid, Outcome, Ready, View};
use crate::tui::app::json::Role as Token;
use crate::tui::app::layout::Area;
use crate::tui::app::{Pane, draft, words};

/// Draws the console.
pub(super) fn draw(pen: &mut Pen<'_>, area: Area) {
    let app = pen.app;
    if area.is_empty() {
        return;
    }
    let inner = pen.pane(area, Pane::Console, "4 Console");
    let Some(credential) = app.selected() else {
        pen.put(inner, "Select a credential to try it here", Role::Dim);
        return;
    };
    draw_request(pen, inner.row(0));
    match app.console.outcome_for(&credential.id) {
        Outcome::Nothing => {
            draw_rule(pen, inner.row(1), "");
            draw_hint(pen, inner.split_top(3).1);
        }
        Outcome::Sending(_, _, since) => {
            draw_rule(pen, inner.row(1), "sending…");
            let time = words::span(pen.now.instant.saturating_duration_since(*since));
            let key = app.preferences.keys.label(Action::Program(ProgramAction::Cancel)).unwrap_or_default();
            pen.put(inner.row(3), &format!("Waiting for the answer since {time}; {key} cancels"), Role::Dim);
        }
        Outcome::Cancelled(_) => draw_rule(pen, inner.row(1), "cancelled"),
        Outcome::Failed(_, problem) => {
            draw_rule(pen, inner.row(1), "no answer");
            draw_problem(pen, inner.split_top(3).1, problem);
        }
        Outcome::Answered(answered) => draw_answer(pen, inner, answered),
    }
}

fn draw_request(pen: &mut Pen<'_>, area: Area) {
    let app = pen.app;
    let (method, address) = match app.request() {
        Some(Ready::Draft(draft)) => (draft.method, draft::address(&draft)),
        Some(Ready::Open(preset)) => (Method::parse(&preset.method).unwrap_or_default(), draft::template(&preset)),
        None => {
            pen.put(area, "There is no request for this kind of credential", Role::Dim);
            return;
        }
    };
    let send = format!("{} send", pen.glyphs().enter);
    let rest = pen.put_right(area, &send, if app.stage.focus == Pane::Console { Role::Key } else { Role::Dim });
    let role = if method.is_safe() { Role::Accent } else { Role::Danger };
    let rest = pen.put(rest, method.as_str(), role).split_left(2).1;
    pen.put(rest, &address, Role::Text);
}

/// A line across, with a word in it.
fn draw_rule(pen: &mut Pen<'_>, area: Area, word: &str) {
    let line = pen.glyphs().border[1].repeat(area.width.into());
    pen.put(area, &line, Role::Border);
    if !word.is_empty() {
        pen.put(area.split_left(2).1, &format!(" {word} "), Role::Dim);
    }
}

fn draw_hint(pen: &mut Pen<'_>, area: Area) {
    let label = |action| pen.app.preferences.keys.label(action).unwrap_or_default();
    let (test, presets) = (label(Action::Console(ConsoleAction::Test)), label(Action::Console(ConsoleAction::Presets)));
    let edit = label(Action::Console(ConsoleAction::Edit));
    pen.paragraph(area, &format!("{test} tests the credential · {presets} offers requests · {edit} writes one"), Role::Dim);
}

fn draw_problem(pen: &mut Pen<'_>, area: Area, problem: &Problem) {
    let area = pen.paragraph(area, &problem.what, Role::Bad);
    let area = pen.paragraph(area, &problem.why, Role::Text);
    pen.paragraph(area, &problem.remedy, Role::Accent);
}

fn draw_answer(pen: &mut Pen<'_>, inner: Area, answered: &Answered) {
    let app = pen.app;
    draw_rule(pen, inner.row(1), "");
    let role = match answered.exchange.answer.status {
        200..300 => Role::Good,
        300..400 => Role::Text,
        400..500 => Role::Bad,
        _ => Role::Unknown,
    };
    let tabs = app.view_tabs();
    let room = tabs.first().map_or(inner.width, |(_, area)| area.x.saturating_sub(inner.x + 4));
    let summary = answered.summary(room.saturating_sub(2).into());
    pen.put(inner.row(1).split_left(2).1.split_left(room).0, &format!(" {summary} "), role);
    for (view, tab) in tabs {
        let chosen = view == app.console.view;
        pen.put(
            Area { x: tab.x - 1, width: tab.width + 2, ..tab },
            &format!(" {} ", view.title()),
            if chosen { Role::Accent } else { Role::Dim },
        );
        if chosen {
            let style = Style::new().add_modifier(Modifier::UNDERLINED);
            let rect = pen.rect(tab);
            pen.buffer.set_style(rect, style);
        }
    }
    for (line, (role, text)) in app.explanation().iter().enumerate() {
        pen.put(inner.row(2 + u16::try_from(line).unwrap_or(u16::MAX)), text, *role);
    }
    let body = app.console_body();
    match app.console.view {
        View::Body => draw_body(pen, body, &answered.body),
        view => draw_pairs(pen, body, &answered.pairs(view)),
    }
    draw_search(pen, inner);
}

fn draw_body(pen: &mut Pen<'_>, area: Area, body: &Laid) {
    match body {
        Laid::Empty => _ = pen.put(area, "The answer has no body", Role::Dim),
        Laid::Waiting(_) => _ = pen.put(area, "Laying out a large body…", Role::Dim),
        Laid::Ready(document) => {
            let rect = pen.rect(area);
            let focused = pen.app.stage.focus == Pane::Console;
            let styles = [Role::JsonKey, Role::JsonString, Role::JsonNumber, Role::JsonLiteral, Role::Dim, Role::Text]
                .map(|role| pen.style(role));
            let (cursor, found) = (pen.style(Role::SelectionIdle), pen.style(Role::Match));
            let [key, string, number, literal, dim, text] = styles;
            json::draw(document, rect, pen.buffer, &|ink| match ink {
                Ink::Token(Token::Key) => key,
                Ink::Token(Token::String) => string,
                Ink::Token(Token::Number) => number,
                Ink::Token(Token::Keyword) => literal,
                Ink::Token(Token::Punctuation | Token::Summary) | Ink::Fold | Ink::Beyond => dim,
                Ink::Token(Token::Plain) => text,
                Ink::Cursor if focused => cursor,
                Ink::Cursor => Style::new(),
                Ink::Match => found,
            });
        }
    }
}

fn draw_pairs(pen: &mut Pen<'_>, area: Area, pairs: &[(String, String)]) {
    let longest = pairs.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let column = u16::try_from(longest).unwrap_or(u16::MAX).min(area.width / 3) + 2;
    let shown = pairs.iter().skip(pen.app.console.scroll).zip(0..area.height);
    for ((name, value), line) in shown {
        let (left, right) = area.row(line).split_left(column);
        pen.put(left.split_left(column - 1).0, name, Role::JsonKey);
        pen.put(right, value, Role::Text);
    }
}

/// The search at the bottom, while it is typed.
fn draw_search(pen: &mut Pen<'_>, inner: Area) {
    let app = pen.app;
    let Some(input) = &app.console.search else { return };
    let line = inner.row(inner.height.saturating_sub(1));
    let found = match app.console.answered().map(|answered| &answered.body) {
        Some(Laid::Ready(document)) => document.matches(),
        _ => None,
    };
    let place = found.map(|found| format!("{} of {}", found.current.unwrap_or(0), found.total)).unwrap_or_default();
    let line = pen.put_right(line, &place, Role::Dim);
    let rest = pen.put(line, "/ ", Role::Key);
    pen.put(rest, input.value(), Role::Text);
    let column = u16::try_from(input.visual_cursor()).unwrap_or(u16::MAX).min(rest.width.saturating_sub(1));
    pen.tint(rest.split_left(column).1.split_left(1).0, Role::Selection);
}
