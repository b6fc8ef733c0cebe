//! The line at the top: what this is, how many credentials there are, how the store is, what runs.

use unicode_width::UnicodeWidthStr;

use super::pen::Pen;
use crate::config::theme::Role;
use crate::tui::app::activity::{StoreMood, StoreWords};
use crate::tui::app::command::{Action, ProgramAction, ScreenAction};
use crate::tui::app::layout::Area;
use crate::tui::app::words::Standing;
use crate::tui::app::{App, Audience, Zoom, chart, words};

/// Columns of the bar that shows how far tasks are.
const PROGRESS: usize = 12;

/// Draws the header.
pub(super) fn draw(pen: &mut Pen<'_>, area: Area) {
    let app = pen.app;
    let line = area.split_left(1).1;
    let line = line.split_left(line.width.saturating_sub(1)).0;
    let rest = pen.put(line, "tokenring", Role::Accent).split_left(3).1;
    let mut rest = pen.put(rest, &counted(app), Role::Dim).split_left(2).1;

    rest = pen.put_right(rest, &app.help_words(), Role::Dim);
    let running = app.activity.running();
    if running > 0 {
        rest = draw_running(pen, gap(rest), running);
    }
    if app.stage.zoom == Zoom::Pane {
        let key = app.preferences.keys.label(Action::Screen(ScreenAction::Zoom)).unwrap_or_default();
        rest = pen.put_right(gap(rest), &format!("zoomed, {key} back"), Role::Accent);
    }
    if !app.stage.mouse {
        let key = app.preferences.keys.label(Action::Program(ProgramAction::Mouse)).unwrap_or_default();
        rest = pen.put_right(gap(rest), &format!("mouse off, {key} on"), Role::Dim);
    }
    if app.stage.audience == Audience::Others {
        rest = pen.put_right(gap(rest), "presentation", Role::Warn);
    }
    rest = gap(rest);
    let (role, text) = store(app);
    if text.width() <= rest.width.into() {
        rest = pen.put_right(rest, &text, role);
    }
    let pieces = tally(pen);
    if pieces.iter().map(|(_, text)| text.width() + 1).sum::<usize>() <= rest.width.into() {
        pen.pieces(rest.split_left(1).1, &pieces);
    }
}

/// How many credentials stand how, each with its sign; the good ones first, as people count.
fn tally(pen: &Pen<'_>) -> chart::Pieces {
    let list = &pen.app.credentials;
    if !list.is_whole() {
        return Vec::new();
    }
    let counted = Standing::ALL.into_iter().zip(list.tally(pen.now.wall)).rev().filter(|(_, count)| *count > 0);
    counted
        .map(|(standing, count)| (standing.look(pen.glyphs()), count))
        .map(|((role, sign), count)| (role, format!("{sign} {count}  ")))
        .collect()
}

/// How far the running tasks are, where that is known, as a bar and in numbers.
fn draw_running(pen: &mut Pen<'_>, area: Area, running: usize) -> Area {
    let Some((done, total)) = pen.app.activity.progress_of_all() else {
        return pen.put_right(area, &format!("{running} running"), Role::Accent);
    };
    let of = |steps: usize| u64::try_from(steps).unwrap_or(u64::MAX);
    let (full, empty) = chart::bar(pen.glyphs(), (of(done), of(total)), PROGRESS);
    let rest = pen.put_right(area, &format!("{done} of {total}"), Role::Accent);
    let rest = Area { width: rest.width + 1, ..rest };
    let rest = pen.put_right(rest, &format!("{empty} "), Role::Dim);
    pen.put_right(Area { width: rest.width + 1, ..rest }, &full, Role::Accent)
}

fn gap(area: Area) -> Area {
    area.split_left(area.width.saturating_sub(2)).0
}

fn counted(app: &App) -> String {
    if !app.credentials.is_whole() {
        return "credentials …".to_owned();
    }
    let all = app.credentials.all().len();
    let marked = app.credentials.mark_count();
    let marks = if marked > 0 { format!(" · {marked} marked") } else { String::new() };
    format!("{}{marks}", words::count(all, "credential"))
}

/// The state of the store in words, with a sign.
fn store(app: &App) -> (Role, String) {
    let glyphs = &app.preferences.glyphs;
    let StoreWords { mood, title, state } = app.activity.store_words();
    let key = app.preferences.keys.label(Action::Program(ProgramAction::Unlock)).unwrap_or_default();
    match mood {
        StoreMood::Awaited => (Role::Dim, format!("store {}", glyphs.ellipsis)),
        StoreMood::Ready => (Role::Good, format!("store {} {title}", glyphs.accepted)),
        StoreMood::Shut { opens } => {
            (Role::Warn, format!("store {} {title} {state} {} {key} {opens}", glyphs.warning, glyphs.separator))
        }
        StoreMood::Gone => (Role::Bad, format!("store {} {title} {state}", glyphs.refused)),
    }
}
