//! The line at the top: what this is, how many credentials there are, how the store is, what runs.

use unicode_width::UnicodeWidthStr;

use super::pen::Pen;
use crate::config::theme::StyleRole;
use crate::tui::app::layout::Area;
use crate::tui::app::words::{self, Standing};
use crate::tui::app::{chart, header};

/// Draws the header.
pub(super) fn draw(pen: &mut Pen<'_>, area: Area) {
    let app = pen.app;
    let line = area.split_left(1).1;
    let line = line.split_left(line.width.saturating_sub(1)).0;
    let rest = pen.put(line, header::NAME, StyleRole::Accent).split_left(3).1;
    pen.put(rest, &app.counted(), StyleRole::Dim);
    let (signs, rest) = app.signs();
    for sign in signs {
        pen.pieces(sign.area, &sign.pieces);
    }
    let pieces = tally(pen);
    if pieces.iter().map(|(_, text)| text.width()).sum::<usize>() < rest.width.into() {
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
        .map(|((role, sign), count)| (role, format!("{sign} {}  ", words::thousands(count))))
        .collect()
}
