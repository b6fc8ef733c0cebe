//! The request console.

use ratatui::style::{Modifier, Style};
use unicode_width::UnicodeWidthStr as _;

use super::json::{self, Ink, Look};
use super::pen::Pen;
use crate::config::theme::StyleRole;
use crate::domain::problem::Problem;
use crate::domain::request::HttpMethod;
use crate::tui::app::answer::{Answered, Laid};
use crate::tui::app::command::{self, Action, ConsoleAction, ProgramAction};
use crate::tui::app::console::{Outcome, Prompt, Purpose, Ready};
use crate::tui::app::details::Line;
use crate::tui::app::json::{Matches, Role as Token};
use crate::tui::app::layout::Area;
use crate::tui::app::pointer::BelowAnswer;
use crate::tui::app::{Audience, Pane, chart, draft, words};

/// Columns of the bar that shows how many requests are left.
const BUDGET: usize = 10;

/// What an empty console offers.
const OFFERED: [ConsoleAction; 6] = [
    ConsoleAction::Test,
    ConsoleAction::Presets,
    ConsoleAction::Edit,
    ConsoleAction::Import,
    ConsoleAction::Saved,
    ConsoleAction::History,
];
/// Columns of the keys of what is offered.
const OFFER_KEY: u16 = 3;
/// Columns of its keys and names.
const OFFER: u16 = 15;

/// Draws the console.
pub(super) fn draw(pen: &mut Pen<'_>, area: Area) {
    let app = pen.app;
    if area.is_empty() {
        return;
    }
    let inner = pen.pane(area, Pane::Console, "4 Console");
    let Some(credential) = app.selected() else {
        pen.put(inner, "Select a credential to try it here", StyleRole::Dim);
        return;
    };
    draw_request(pen, inner.row(0));
    match app.console.outcome_for(&credential.id) {
        Outcome::Nothing => {
            draw_rule(pen, inner.row(1), "");
            draw_offer(pen, inner.split_top(3).1);
        }
        Outcome::Sending(sending) => {
            draw_rule(pen, inner.row(1), "sending…");
            let time = words::span(pen.now.instant.saturating_duration_since(sending.since));
            if let Some((pages, items)) = sending.read {
                let read = format!("{}, {} so far", words::count(pages, "page"), words::count(items, "element"));
                pen.put(inner.row(2), &read, StyleRole::Accent);
            }
            let key = app.preferences.keys.label(Action::Program(ProgramAction::Cancel)).unwrap_or_default();
            let waiting = format!("Waiting for the answer since {time}; {key} cancels");
            pen.paragraph(inner.split_top(3).1, &waiting, StyleRole::Dim);
        }
        Outcome::Cancelled(_) => {
            draw_rule(pen, inner.row(1), "cancelled");
            draw_offer(pen, inner.split_top(3).1);
        }
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
        Some(Ready::Draft(draft)) => (draft.method, draft.address()),
        Some(Ready::Open(preset)) => (HttpMethod::parse(&preset.method).unwrap_or_default(), draft::template(&preset)),
        None => {
            pen.put(area, "There is no request for this kind of credential", StyleRole::Dim);
            return;
        }
    };
    let onward = app.onward();
    let send = match &onward {
        Some(onward) => format!("{} go on with {}", pen.glyphs().enter_key, shortened(&onward.name, area.width)),
        None => format!("{} send", pen.glyphs().enter_key),
    };
    let rest = pen.put_right(area, &send, if app.stage.focus == Pane::Console { StyleRole::Key } else { StyleRole::Dim });
    let role = if method.is_safe() { StyleRole::Accent } else { StyleRole::Danger };
    let rest = pen.put(rest, method.as_str(), role).split_left(2).1;
    pen.put(rest, &address, StyleRole::Text);
}

/// A name that leaves room in so many columns for the request beside it.
fn shortened(name: &str, columns: u16) -> String {
    let longest = usize::from(columns / 3).clamp(8, 24);
    if name.chars().count() <= longest { name.to_owned() } else { name.chars().take(longest).chain(['…']).collect() }
}

/// A line across, with a word in it.
fn draw_rule(pen: &mut Pen<'_>, area: Area, word: &str) {
    let line = pen.glyphs().border[1].repeat(area.width.into());
    pen.put(area, &line, StyleRole::Border);
    if !word.is_empty() {
        pen.put(area.split_left(2).1, &format!(" {word} "), StyleRole::Dim);
    }
}

/// What can be done here, where nothing has been done yet: key, name, and as much of the help as there is room for.
fn draw_offer(pen: &mut Pen<'_>, area: Area) {
    let app = pen.app;
    let offered = OFFERED.into_iter().map(Action::Console).filter(|action| app.offers(*action));
    for (action, line) in offered.zip(0..area.height) {
        let (Some(command), Some(key)) = (command::of(action), app.preferences.keys.label(action)) else { continue };
        let (left, help) = area.row(line).split_left(OFFER);
        pen.put_right(left.split_left(OFFER_KEY).0, &key, StyleRole::Key);
        pen.put(left.split_left(OFFER_KEY + 1).1, command.title, StyleRole::Text);
        if help.width >= OFFER {
            pen.put(help, command.help, StyleRole::Dim);
        }
    }
}

fn draw_problem(pen: &mut Pen<'_>, area: Area, problem: &Problem) {
    let area = pen.paragraph(area, &problem.what, StyleRole::Bad);
    let area = pen.paragraph(area, &problem.why, StyleRole::Text);
    pen.paragraph(area, &problem.remedy, StyleRole::Accent);
}

fn draw_answer(pen: &mut Pen<'_>, inner: Area, answered: &Answered) {
    let app = pen.app;
    draw_rule(pen, inner.row(1), "");
    let role = match answered.exchange.response.status {
        200..300 => StyleRole::Good,
        300..400 => StyleRole::Text,
        400..500 => StyleRole::Bad,
        _ => StyleRole::Unknown,
    };
    let tabs = app.view_tabs();
    let room = tabs.first().map_or(inner.width, |(_, area)| area.x.saturating_sub(inner.x + 4));
    // What was answered to another request is not to be taken for an answer to the one above it.
    let (role, sign) = if app.is_answered(answered) { (role, "") } else { (StyleRole::Dim, "earlier: ") };
    let summary = answered.summary(usize::from(room.saturating_sub(2)).saturating_sub(sign.len()));
    pen.put(inner.row(1).split_left(2).1.split_left(room).0, &format!(" {sign}{summary} "), role);
    for (view, tab) in tabs {
        let chosen = view == app.console.view;
        pen.put(
            Area { x: tab.x - 1, width: tab.width + 2, ..tab },
            &format!(" {} ", view.title()),
            if chosen { StyleRole::Accent } else { StyleRole::Dim },
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
    if app.stage.audience == Audience::Others {
        pen.put(body, "Presentation mode shows no answers", StyleRole::Dim);
    } else {
        match answered.laid(app.console.view) {
            Some(laid) => draw_text(pen, body, laid),
            None => draw_details(pen, body),
        }
    }
    draw_below(pen, inner);
    draw_budget(pen, app.screen().console, answered);
}

/// In the lower border: how many requests are left, as a bar and in words.
fn draw_budget(pen: &mut Pen<'_>, area: Area, answered: &Answered) {
    let limits = answered.limits(pen.now.wall);
    let Some(words) = limits.describe() else { return };
    let bottom = area.row(area.height.saturating_sub(1)).split_left(2).1;
    let mut pieces = vec![(StyleRole::Dim, " budget ".to_owned())];
    if let Some((left, limit)) = limits.remaining_of_limit() {
        let role = match left.saturating_mul(10) / limit.max(1) {
            0 => StyleRole::Bad,
            1..3 => StyleRole::Warn,
            _ => StyleRole::Good,
        };
        let (full, empty) = chart::bar(pen.glyphs(), (left, limit), BUDGET);
        pieces.extend([(role, full), (StyleRole::Dim, empty), (StyleRole::Dim, " ".to_owned())]);
    }
    pieces.push((StyleRole::Dim, format!("{words} ")));
    let width = pieces.iter().map(|(_, text)| text.width()).sum::<usize>();
    if width <= usize::from(bottom.width.saturating_sub(2)) {
        pen.pieces(bottom, &pieces);
    }
}

fn draw_text(pen: &mut Pen<'_>, area: Area, laid: &Laid) {
    match laid {
        Laid::Absent => _ = pen.put(area, "The answer has no body", StyleRole::Dim),
        Laid::Waiting(_) => _ = pen.put(area, "Laying it out…", StyleRole::Dim),
        Laid::Failed(problem) => draw_problem(pen, area, problem),
        Laid::Ready(document) => {
            let rect = pen.rect(area);
            let focused = pen.app.stage.focus == Pane::Console;
            let roles = [
                StyleRole::JsonKey,
                StyleRole::JsonString,
                StyleRole::JsonNumber,
                StyleRole::JsonLiteral,
                StyleRole::Dim,
                StyleRole::Text,
            ];
            let [key, string, number, literal, dim, text] = roles.map(|role| pen.style(role));
            let [added, removed] = [StyleRole::Good, StyleRole::Bad].map(|role| pen.style(role));
            let (cursor, found) = (pen.style_over(StyleRole::SelectionIdle), pen.style(StyleRole::Match));
            let style = |ink| match ink {
                Ink::Token(Token::Key) => key,
                Ink::Token(Token::String) => string,
                Ink::Token(Token::Number) => number,
                Ink::Token(Token::Keyword) => literal,
                Ink::Token(Token::Punctuation | Token::Summary) | Ink::Fold | Ink::Beyond => dim,
                Ink::Token(Token::Plain) => text,
                Ink::Token(Token::Added) => added,
                Ink::Token(Token::Removed) => removed,
                Ink::Cursor if focused => cursor,
                Ink::Cursor => Style::new(),
                Ink::Match => found,
            };
            json::draw(document, rect, pen.buffer, Look { style: &style, signs: pen.app.preferences.glyphs });
        }
    }
}

fn draw_details(pen: &mut Pen<'_>, area: Area) {
    let (column, lines) = pen.app.details();
    for (Line { name, text, is_meaning }, at) in lines.iter().skip(pen.app.console.scroll).zip(0..area.height) {
        let (left, right) = area.row(at).split_left(column);
        pen.put(left, name, StyleRole::JsonKey);
        pen.put(right, text, if *is_meaning { StyleRole::Dim } else { StyleRole::Text });
    }
}

/// The line below the answer: what is typed, or the filter that is used.
fn draw_below(pen: &mut Pen<'_>, inner: Area) {
    let app = pen.app;
    let line = inner.row(inner.height.saturating_sub(1));
    match app.console_line() {
        None => {}
        Some(BelowAnswer::Filtered(filter)) => {
            let drop = app.preferences.keys.label(Action::Console(ConsoleAction::Drop)).unwrap_or_default();
            let rest = pen.put_right(line, &format!("{drop} shows all"), StyleRole::Dim);
            let rest = pen.put(rest, "| ", StyleRole::Key);
            pen.put(rest, filter, StyleRole::Accent);
        }
        Some(BelowAnswer::Found(found)) => {
            let keys = [ConsoleAction::NextMatch, ConsoleAction::PreviousMatch, ConsoleAction::Drop].map(Action::Console);
            let [next, back, drop] = keys.map(|action| app.preferences.keys.label(action).unwrap_or_default());
            let rest = pen.put_right(line, &format!("{next} next · {back} back · {drop} ends"), StyleRole::Dim);
            let rest = pen.put(rest, "/ ", StyleRole::Key);
            pen.put(rest, &place_of(&found), StyleRole::Accent);
        }
        Some(BelowAnswer::Typed(prompt)) => draw_prompt(pen, line, prompt),
    }
}

/// Where among what was found the cursor is.
fn place_of(found: &Matches) -> String {
    match found.current {
        Some(current) => format!("{current} of {}", found.total),
        None => format!("{} found", found.total),
    }
}

fn draw_prompt(pen: &mut Pen<'_>, line: Area, prompt: &Prompt) {
    let app = pen.app;
    let laid = app.console.answered().and_then(|answered| answered.laid(app.console.view));
    let (sign, place) = match (prompt.purpose, laid) {
        (Purpose::Search, Some(Laid::Ready(document))) => {
            ("/ ", document.matches().map(|found| place_of(&found)).unwrap_or_default())
        }
        (Purpose::Search, _) => ("/ ", String::new()),
        (Purpose::Filter, _) => ("| ", "Enter filters · ↑ earlier ones".to_owned()),
    };
    let line = pen.put_right(line, &place, StyleRole::Dim);
    let rest = pen.put(line, sign, StyleRole::Key);
    let cursor = prompt.input.visual_cursor();
    let room = usize::from(rest.width).max(1);
    let skipped = (cursor + 1).saturating_sub(room);
    let shown: String = prompt.input.value().chars().skip(skipped).collect();
    pen.put(rest, &shown, StyleRole::Text);
    let column = u16::try_from(cursor - skipped).unwrap_or(u16::MAX).min(rest.width.saturating_sub(1));
    pen.tint(rest.split_left(column).1.split_left(1).0, StyleRole::Selection);
}
