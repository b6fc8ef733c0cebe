//! Draws the request console: the request, the response with its tabs, and the status line below
//! it.
//!
//! Start reading at [`draw`]. The state is in `tui::app::console`.

use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr as _;

use crate::config::theme::StyleRole;
use crate::domain::problem::Problem;
use crate::domain::request::HttpMethod;
use crate::domain::text;
use crate::tui::app::command::{self, CommandAction, ConsoleAction, ProgramAction};
use crate::tui::app::console::header_lines::{self, DetailRow};
use crate::tui::app::console::json::{SearchMatches, TokenKind as Token};
use crate::tui::app::console::response_view::{LayoutState, ResponseView};
use crate::tui::app::console::{
    ConsolePrompt, ConsolePromptKind, RequestReadiness, RequestState, follow_up, request_dialog,
    sending,
};
use crate::tui::app::mouse::ConsoleStatusLine;
use crate::tui::app::widgets::chart;
use crate::tui::app::widgets::split_rect::SplitRect as _;
use crate::tui::app::{Pane, PresentationMode, display_format};
use crate::tui::view::json::{self, DocumentStyles, TokenStyle};
use crate::tui::view::painter::CellPainter;
use ratatui::style::{Modifier, Style};

/// Columns of the rate limit bar.
const QUOTA_BAR_COLUMNS: usize = 10;

/// Commands that an empty console suggests.
const SUGGESTED_ACTIONS: [ConsoleAction; 6] = [
    ConsoleAction::SendTest,
    ConsoleAction::PickPreset,
    ConsoleAction::EditRequest,
    ConsoleAction::ImportCurl,
    ConsoleAction::SavedRequests,
    ConsoleAction::History,
];
/// Columns of the keys of the suggestions.
const SUGGESTION_KEY_COLUMNS: u16 = 3;
/// Columns of the keys and names of the suggestions.
const SUGGESTION_COLUMNS: u16 = 19;

/// Draws the console.
pub(super) fn draw(pen: &mut CellPainter<'_>, area: Rect) {
    let app = pen.app;
    if area.is_empty() {
        return;
    }
    let inner = pen.draw_pane(area, Pane::Console, "4 Console");
    let Some(credential) = app.selected() else {
        pen.write_text(inner, "Select a credential to send requests with it", StyleRole::Dim);
        return;
    };
    draw_request(pen, inner.row(0));
    match app.console.state_for(&credential.id) {
        RequestState::Idle => {
            draw_rule(pen, inner.row(1), "");
            draw_suggestions(pen, inner.split_top(3).1);
        }
        RequestState::Sending(sending) => {
            draw_rule(pen, inner.row(1), "sending…");
            let time = display_format::format_duration(
                pen.now.instant.saturating_duration_since(sending.since),
            );
            if let Some((pages, items)) = sending.page_progress {
                let read = format!(
                    "{}, {} so far",
                    display_format::format_count(pages, "page"),
                    display_format::format_count(items, "item")
                );
                pen.write_text(inner.row(2), &read, StyleRole::Accent);
            }
            let key = app
                .preferences
                .keys
                .label(CommandAction::Program(ProgramAction::Cancel))
                .unwrap_or_default();
            let waiting = format!("Waiting for the response for {time}; press {key} to cancel");
            pen.write_paragraph(inner.split_top(3).1, &waiting, StyleRole::Dim);
        }
        RequestState::Canceled(_) => {
            draw_rule(pen, inner.row(1), "canceled");
            draw_suggestions(pen, inner.split_top(3).1);
        }
        RequestState::Failed(_, problem) => {
            draw_rule(pen, inner.row(1), "no response");
            draw_problem(pen, inner.split_top(3).1, problem);
        }
        RequestState::Completed(response) => draw_response(pen, inner, response),
    }
}

fn draw_request(pen: &mut CellPainter<'_>, area: Rect) {
    let app = pen.app;
    let (method, address) = match sending::current_request(app) {
        Some(RequestReadiness::Ready(draft)) => (draft.method, draft.address()),
        Some(RequestReadiness::MissingParameters(preset)) => (
            HttpMethod::parse(&preset.method).unwrap_or_default(),
            request_dialog::preset_address(&preset),
        ),
        None => {
            pen.write_text(
                area,
                "No request is available for this kind of credential",
                StyleRole::Dim,
            );
            return;
        }
    };
    let follow_up = follow_up::follow_up_requests(app);
    let send = match &follow_up {
        Some(follow_up) => format!(
            "{} use {} in…",
            pen.glyphs().enter_key,
            shorten_name(&pen.mask_in_presentation(&follow_up.name), area.width)
        ),
        None => format!("{} send", pen.glyphs().enter_key),
    };
    let rest = pen.write_right(
        area,
        &send,
        if app.ui_state.focus == Pane::Console { StyleRole::Key } else { StyleRole::Dim },
    );
    let role = if method.is_safe() { StyleRole::Accent } else { StyleRole::Danger };
    let rest = pen.write_text(rest, method.as_str(), role).split_left(2).1;
    let address = match app.ui_state.presentation {
        PresentationMode::Off => address,
        PresentationMode::On => mask_ids(pen, &address),
    };
    pen.write_text(rest, &address, StyleRole::Text);
}

/// Masks the IDs in an address.
fn mask_ids(pen: &CellPainter<'_>, address: &str) -> String {
    let piece = |piece: &str| {
        if text::is_uuid(piece) { pen.mask_in_presentation(piece) } else { piece.to_owned() }
    };
    address
        .split_inclusive(['/', '?', '&', '='])
        .map(|part| {
            let end = part.trim_end_matches(['/', '?', '&', '=']);
            piece(end) + &part[end.len()..]
        })
        .collect()
}

/// Shortens a name so that the request beside it has room in this many columns.
fn shorten_name(name: &str, columns: u16) -> String {
    let longest = usize::from(columns / 3).clamp(8, 24);
    if name.chars().count() <= longest {
        name.to_owned()
    } else {
        name.chars().take(longest).chain(['…']).collect()
    }
}

/// Draws a horizontal rule, with a word in it.
fn draw_rule(pen: &mut CellPainter<'_>, area: Rect, word: &str) {
    let line = pen.glyphs().border[1].repeat(area.width.into());
    pen.write_text(area, &line, StyleRole::Border);
    if !word.is_empty() {
        pen.write_text(area.split_left(2).1, &format!(" {word} "), StyleRole::Dim);
    }
}

/// Draws the commands that are available before the first request: key, name, and as much of the
/// help as fits.
fn draw_suggestions(pen: &mut CellPainter<'_>, area: Rect) {
    let app = pen.app;
    let offered = SUGGESTED_ACTIONS
        .into_iter()
        .map(CommandAction::Console)
        .filter(|action| app.can_run(*action));
    for (action, line) in offered.zip(0..area.height) {
        let (Some(command), Some(key)) =
            (command::find_by_action(action), app.preferences.keys.label(action))
        else {
            continue;
        };
        let (left, help) = area.row(line).split_left(SUGGESTION_COLUMNS);
        pen.write_right(left.split_left(SUGGESTION_KEY_COLUMNS).0, &key, StyleRole::Key);
        pen.write_text(
            left.split_left(SUGGESTION_KEY_COLUMNS + 1).1,
            command.title,
            StyleRole::Text,
        );
        if help.width >= SUGGESTION_COLUMNS {
            pen.write_text(help, command.help, StyleRole::Dim);
        }
    }
}

fn draw_problem(pen: &mut CellPainter<'_>, area: Rect, problem: &Problem) {
    let area = pen.write_paragraph(area, &problem.what, StyleRole::Bad);
    let area = pen.write_paragraph(area, &problem.why, StyleRole::Text);
    pen.write_paragraph(area, &problem.remedy, StyleRole::Accent);
}

fn draw_response(pen: &mut CellPainter<'_>, inner: Rect, response: &ResponseView) {
    let app = pen.app;
    draw_rule(pen, inner.row(1), "");
    let role = match response.exchange.response.status {
        200..300 => StyleRole::Good,
        300..400 => StyleRole::Text,
        400..500 => StyleRole::Bad,
        _ => StyleRole::Unknown,
    };
    let tabs = app.response_tabs();
    let room = tabs.first().map_or(inner.width, |(_, area)| area.x.saturating_sub(inner.x + 4));
    // A response to another request must not look like the response to the current one.
    let (role, sign) = if follow_up::response_matches_request(app, response) {
        (role, "")
    } else {
        (StyleRole::Dim, "earlier: ")
    };
    let summary = response.summary(usize::from(room.saturating_sub(2)).saturating_sub(sign.len()));
    pen.write_text(
        inner.row(1).split_left(2).1.split_left(room).0,
        &format!(" {sign}{summary} "),
        role,
    );
    for (view, tab) in tabs {
        let chosen = view == app.console.tab;
        pen.write_text(
            Rect { x: tab.x - 1, width: tab.width + 2, ..tab },
            &format!(" {} ", view.title()),
            if chosen { StyleRole::Accent } else { StyleRole::Dim },
        );
        if chosen {
            let style = Style::new().add_modifier(Modifier::UNDERLINED);
            let rect = pen.clip_rect(tab);
            pen.buffer.set_style(rect, style);
        }
    }
    for (line, (role, text)) in app.explanation_lines().iter().enumerate() {
        let text = pen.mask_in_presentation(text);
        pen.write_text(inner.row(2 + u16::try_from(line).unwrap_or(u16::MAX)), &text, *role);
    }
    let body = app.console_body_area();
    if app.ui_state.presentation == PresentationMode::On {
        pen.write_text(body, "Presentation mode hides responses", StyleRole::Dim);
    } else {
        match response.layout_state(app.console.tab) {
            Some(layout_state) => draw_text(pen, body, layout_state),
            None => draw_details(pen, body),
        }
    }
    draw_status_line(pen, inner);
    draw_rate_limit(pen, app.screen_layout().console, response);
}

/// Draws the remaining rate limit in the lower border, as a bar and in words.
fn draw_rate_limit(pen: &mut CellPainter<'_>, area: Rect, response: &ResponseView) {
    let limits = response.limits(pen.now.wall);
    let Some(words) = limits.describe() else { return };
    let bottom = area.row(area.height.saturating_sub(1)).split_left(2).1;
    let mut pieces = vec![(StyleRole::Dim, " rate limit ".to_owned())];
    if let Some((left, limit)) = limits.remaining_of_limit() {
        let role = match left.saturating_mul(10) / limit.max(1) {
            0 => StyleRole::Bad,
            1..3 => StyleRole::Warn,
            _ => StyleRole::Good,
        };
        let (full, empty) = chart::progress_bar(pen.glyphs(), left, limit, QUOTA_BAR_COLUMNS);
        pieces.extend([(role, full), (StyleRole::Dim, empty), (StyleRole::Dim, " ".to_owned())]);
    }
    pieces.push((StyleRole::Dim, format!("{words} ")));
    let width = pieces.iter().map(|(_, text)| text.width()).sum::<usize>();
    if width <= usize::from(bottom.width.saturating_sub(2)) {
        pen.write_spans(bottom, &pieces);
    }
}

fn draw_text(pen: &mut CellPainter<'_>, area: Rect, layout_state: &LayoutState) {
    match layout_state {
        LayoutState::Absent => _ = pen.write_text(area, "The response has no body", StyleRole::Dim),
        LayoutState::Pending(_) => _ = pen.write_text(area, "Formatting…", StyleRole::Dim),
        LayoutState::Failed(problem) => draw_problem(pen, area, problem),
        LayoutState::Ready(document) => {
            let rect = pen.clip_rect(area);
            let focused = pen.app.ui_state.focus == Pane::Console;
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
            let (cursor, found) =
                (pen.overlay_style(StyleRole::SelectionIdle), pen.style(StyleRole::Match));
            let style = |element| match element {
                TokenStyle::Token(Token::Key) => key,
                TokenStyle::Token(Token::String) => string,
                TokenStyle::Token(Token::Number) => number,
                TokenStyle::Token(Token::Keyword) => literal,
                TokenStyle::Token(Token::Punctuation | Token::Summary)
                | TokenStyle::FoldMark
                | TokenStyle::Overflow => dim,
                TokenStyle::Token(Token::Plain) => text,
                TokenStyle::Token(Token::Added) => added,
                TokenStyle::Token(Token::Removed) => removed,
                TokenStyle::Cursor if focused => cursor,
                TokenStyle::Cursor => Style::new(),
                TokenStyle::Match => found,
            };
            json::draw(
                document,
                rect,
                pen.buffer,
                DocumentStyles { style: &style, symbols: pen.app.preferences.symbols },
            );
        }
    }
}

fn draw_details(pen: &mut CellPainter<'_>, area: Rect) {
    let (column, lines) = header_lines::detail_rows(pen.app);
    for (DetailRow { name, text, is_meaning }, at) in
        lines.iter().skip(pen.app.console.scroll).zip(0..area.height)
    {
        let (left, right) = area.row(at).split_left(column);
        pen.write_text(left, name, StyleRole::JsonKey);
        pen.write_text(right, text, if *is_meaning { StyleRole::Dim } else { StyleRole::Text });
    }
}

/// Draws the line below the response: the text being typed, or the active filter.
fn draw_status_line(pen: &mut CellPainter<'_>, inner: Rect) {
    let app = pen.app;
    let line = inner.row(inner.height.saturating_sub(1));
    match app.console_status_line() {
        None => {}
        Some(ConsoleStatusLine::Filter(filter)) => {
            let drop = app
                .preferences
                .keys
                .label(CommandAction::Console(ConsoleAction::ClearFilter))
                .unwrap_or_default();
            let rest = pen.write_right(line, &format!("{drop} clear filter"), StyleRole::Dim);
            let rest = pen.write_text(rest, "| ", StyleRole::Key);
            pen.write_text(rest, &pen.mask_in_presentation(filter), StyleRole::Accent);
        }
        Some(ConsoleStatusLine::Matches(found)) => {
            let keys = [
                ConsoleAction::NextMatch,
                ConsoleAction::PreviousMatch,
                ConsoleAction::ClearFilter,
            ]
            .map(CommandAction::Console);
            let [next, back, drop] =
                keys.map(|action| app.preferences.keys.label(action).unwrap_or_default());
            let rest = pen.write_right(
                line,
                &format!("{next} next · {back} previous · {drop} close"),
                StyleRole::Dim,
            );
            let rest = pen.write_text(rest, "/ ", StyleRole::Key);
            pen.write_text(rest, &match_position(&found), StyleRole::Accent);
        }
        Some(ConsoleStatusLine::Prompt(prompt)) => draw_prompt(pen, line, prompt),
    }
}

/// Returns the position of the cursor among the matches.
fn match_position(found: &SearchMatches) -> String {
    match found.current {
        Some(current) => format!("{current} of {}", found.total),
        None => format!("{} found", found.total),
    }
}

fn draw_prompt(pen: &mut CellPainter<'_>, line: Rect, prompt: &ConsolePrompt) {
    let app = pen.app;
    let layout_state =
        app.console.response().and_then(|response| response.layout_state(app.console.tab));
    let (sign, place) = match (prompt.kind, layout_state) {
        (ConsolePromptKind::Search, Some(LayoutState::Ready(document))) => (
            "/ ",
            document.search_matches().map(|found| match_position(&found)).unwrap_or_default(),
        ),
        (ConsolePromptKind::Search, _) => ("/ ", String::new()),
        (ConsolePromptKind::Filter, _) => ("| ", "Enter apply · ↑ earlier filters".to_owned()),
    };
    let line = pen.write_right(line, &place, StyleRole::Dim);
    let rest = pen.write_text(line, sign, StyleRole::Key);
    let cursor = prompt.input.visual_cursor();
    let room = usize::from(rest.width).max(1);
    let skipped = (cursor + 1).saturating_sub(room);
    let shown: String = prompt.input.value().chars().skip(skipped).collect();
    let shown = pen.mask_in_presentation(&shown);
    pen.write_text(rest, &shown, StyleRole::Text);
    let column =
        u16::try_from(cursor - skipped).unwrap_or(u16::MAX).min(rest.width.saturating_sub(1));
    pen.restyle(rest.split_left(column).1.split_left(1).0, StyleRole::Selection);
}
