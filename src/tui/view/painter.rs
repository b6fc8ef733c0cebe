//! Writing into the buffer by role, by cell and never beyond an edge.

use std::borrow::Cow;

use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;
use ratatui::style::{Color as Paint, Modifier, Style};
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use crate::config::theme::{AnsiColor, GlyphSet, StyleRole, ThemeColor};
use crate::tui::app::layout::ScreenRect;
use crate::tui::app::{App, Now, Pane, display_format};
use crate::tui::cells::{display_width, is_one_cell_per_char};

/// The lines of the border of what has the focus: heavier, so that it shows without colour.
const FOCUSED_BORDER: [&str; 6] = ["┏", "━", "┓", "┃", "┗", "┛"];
const FOCUSED_BORDER_ASCII: [&str; 6] = ["#", "=", "#", "#", "#", "#"];

/// What stands in the border of what belongs to production, so that it shows without colour.
const PRODUCTION_LABEL: &str = " PRODUCTION ";

/// What is needed to draw.
pub(super) struct CellPainter<'a> {
    /// The state.
    pub(super) app: &'a App,
    /// What time it is.
    pub(super) now: Now,
    /// Where to.
    pub(super) buffer: &'a mut Buffer,
}

/// Whether a pane or dialog has the focus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FocusStyle {
    /// It has.
    Focused,
    /// It has not.
    Unfocused,
}

impl<'a> CellPainter<'a> {
    pub(super) fn new(app: &'a App, now: Now, buffer: &'a mut Buffer) -> Self {
        Self { app, now, buffer }
    }

    /// The signs that carry meaning.
    pub(super) fn glyphs(&self) -> &'a GlyphSet {
        self.app.preferences.symbols
    }

    /// How a role looks.
    pub(super) fn style(&self, role: StyleRole) -> Style {
        to_ratatui_style(self.app.preferences.theme.style(role))
    }

    /// How a role looks that is laid over what is there already: what stepped back by its weight steps forward again.
    pub(super) fn overlay_style(&self, role: StyleRole) -> Style {
        let style = self.style(role);
        style.remove_modifier(Modifier::DIM - style.add_modifier)
    }

    /// Empties an area.
    pub(super) fn clear_area(&mut self, area: ScreenRect, role: StyleRole) {
        let (style, rect) = (self.style(role), self.clip_rect(area));
        for y in rect.top()..rect.bottom() {
            for cell in self.cells_mut(rect.x, y, rect.width) {
                cell.reset();
                cell.set_style(style);
            }
        }
    }

    /// Whether the terminal is to be spared everything but ASCII.
    pub(super) fn is_ascii(&self) -> bool {
        self.glyphs().ellipsis.is_ascii()
    }

    /// Lets everything in an area step back behind a dialog.
    pub(super) fn dim(&mut self, area: ScreenRect) {
        let (style, rect) =
            (self.style(StyleRole::Text).patch(self.style(StyleRole::Dim)), self.clip_rect(area));
        for y in rect.top()..rect.bottom() {
            for x in rect.left()..rect.right() {
                self.buffer[(x, y)].set_style(Style::reset().patch(style));
            }
        }
    }

    /// Gives everything in an area another look.
    pub(super) fn restyle(&mut self, area: ScreenRect, role: StyleRole) {
        let (style, rect) = (self.overlay_style(role), self.clip_rect(area));
        for y in rect.rows().map(|row| row.y) {
            for cell in self.cells_mut(rect.x, y, rect.width) {
                cell.set_style(style);
            }
        }
    }

    /// Writes a text at the left of an area; returns what is left of the area. The weight of what was there before,
    /// such as a heavy border, is not the text's.
    pub(super) fn write_text(
        &mut self,
        area: ScreenRect,
        text: &str,
        role: StyleRole,
    ) -> ScreenRect {
        let style = self.style(role);
        self.write_styled(area, text, style.remove_modifier(Modifier::all() - style.add_modifier))
    }

    /// Writes pieces side by side; returns what is left of the area.
    pub(super) fn write_spans(
        &mut self,
        area: ScreenRect,
        pieces: &[(StyleRole, String)],
    ) -> ScreenRect {
        pieces.iter().fold(area, |rest, (role, text)| self.write_text(rest, text, *role))
    }

    /// Writes a text in a style of its own.
    pub(super) fn write_styled(
        &mut self,
        area: ScreenRect,
        text: &str,
        style: Style,
    ) -> ScreenRect {
        let room = self.clip_rect(area);
        if room.is_empty() {
            return area;
        }
        let text = truncate(text, room.width.into(), self.glyphs().ellipsis);
        let text = if self.is_ascii() && !text.is_ascii() {
            text.chars().map(to_ascii).collect()
        } else {
            text
        };
        if is_one_cell_per_char(&text) {
            return area.split_left(self.write_chars(room, &text, style)).1;
        }
        let (end, _) = self.buffer.set_stringn(room.x, room.y, text, room.width.into(), style);
        area.split_left(end - room.x).1
    }

    /// Writes a text whose every character is a cell. Returns how many cells it took.
    fn write_chars(&mut self, room: Rect, text: &str, style: Style) -> u16 {
        let cells = self.cells_mut(room.x, room.y, room.width).iter_mut();
        let written = cells
            .zip(text.chars())
            .map(|(cell, character)| cell.set_char(character).set_style(style));
        u16::try_from(written.count()).unwrap_or(room.width)
    }

    /// So many cells of a line, from a place on; all of them on the screen.
    fn cells_mut(&mut self, x: u16, y: u16, count: u16) -> &mut [Cell] {
        let start = self.buffer.index_of(x, y);
        &mut self.buffer.content[start..start + usize::from(count)]
    }

    /// Writes a text at the right of an area; returns what is left of the area, with a blank between.
    pub(super) fn write_right(
        &mut self,
        area: ScreenRect,
        text: &str,
        role: StyleRole,
    ) -> ScreenRect {
        let width = u16::try_from(display_width(text)).unwrap_or(u16::MAX).min(area.width);
        let (left, place) = area.split_left(area.width - width);
        self.write_text(place, text, role);
        left.split_left(left.width.saturating_sub(1)).0
    }

    /// Writes a text in the middle of an area.
    pub(super) fn write_centered(&mut self, area: ScreenRect, text: &str, role: StyleRole) {
        let width = u16::try_from(display_width(text)).unwrap_or(u16::MAX);
        self.write_text(area.centered(width, 1), text, role);
    }

    /// Writes a text in as many lines as it needs and there are; returns the lines that are left.
    pub(super) fn write_paragraph(
        &mut self,
        area: ScreenRect,
        text: &str,
        role: StyleRole,
    ) -> ScreenRect {
        let mut rest = area;
        for piece in crate::tui::app::dialog_view::wrap(text, area.width.into()) {
            self.write_text(rest.row(0), piece, role);
            rest = rest.split_top(1).1;
        }
        rest
    }

    /// Draws the border of a pane: heavy where it has the focus, in its own colour and with a word where it shows a
    /// credential of production. Returns what is inside.
    pub(super) fn draw_pane(&mut self, area: ScreenRect, pane: Pane, title: &str) -> ScreenRect {
        let frame = if self.app.ui_state.focus == pane {
            FocusStyle::Focused
        } else {
            FocusStyle::Unfocused
        };
        let inner = self.draw_panel(area, title, frame);
        if pane != Pane::Credentials
            && self.app.selected().is_some_and(display_format::is_production)
        {
            let (lines, _, heading) = self.border_style(frame);
            let style = self.style(StyleRole::Production);
            self.draw_outline(area, lines, style);
            let top = title_area(area);
            let rest = self.write_right(top, PRODUCTION_LABEL, StyleRole::Production);
            let title =
                truncate(title, usize::from(rest.width.saturating_sub(2)), self.glyphs().ellipsis);
            self.write_text(rest, &format!(" {title} "), heading);
        }
        inner
    }

    /// The lines of a border, their colour and that of its title.
    fn border_style(&self, frame: FocusStyle) -> ([&'static str; 6], StyleRole, StyleRole) {
        match frame {
            FocusStyle::Focused => (
                if self.is_ascii() { FOCUSED_BORDER_ASCII } else { FOCUSED_BORDER },
                StyleRole::BorderFocus,
                StyleRole::Accent,
            ),
            FocusStyle::Unfocused => (self.glyphs().border, StyleRole::Border, StyleRole::Title),
        }
    }

    /// Draws a border with a title; returns what is inside.
    pub(super) fn draw_panel(
        &mut self,
        area: ScreenRect,
        title: &str,
        frame: FocusStyle,
    ) -> ScreenRect {
        let (lines, border, heading) = self.border_style(frame);
        if area.width < 2 || area.height < 2 {
            return area.inner();
        }
        let style = self.style(border);
        self.draw_outline(area, lines, style);
        let top = title_area(area);
        let title =
            truncate(title, usize::from(top.width.saturating_sub(2)), self.glyphs().ellipsis);
        self.write_text(top, &format!(" {title} "), heading);
        area.inner()
    }

    fn draw_outline(
        &mut self,
        area: ScreenRect,
        [top_left, top, top_right, side, bottom_left, bottom_right]: [&str; 6],
        style: Style,
    ) {
        let rect = self.clip_rect(area);
        let (right, bottom) = (rect.right().saturating_sub(1), rect.bottom().saturating_sub(1));
        for y in rect.top()..rect.bottom() {
            let [left, middle, end] = match y {
                y if y == rect.y => [top_left, top, top_right],
                y if y == bottom => [bottom_left, top, bottom_right],
                _ => [side, "", side],
            };
            if !middle.is_empty() {
                let line = self.cells_mut(rect.x, y, rect.width).iter_mut();
                line.for_each(|cell| _ = cell.set_symbol(middle).set_style(style));
            }
            self.buffer[(rect.x, y)].set_symbol(left).set_style(style);
            self.buffer[(right, y)].set_symbol(end).set_style(style);
        }
    }

    /// The part of an area that is on the screen.
    pub(super) fn clip_rect(&self, area: ScreenRect) -> Rect {
        Rect { x: area.x, y: area.y, width: area.width, height: area.height }
            .intersection(self.buffer.area)
    }
}

/// The part of the upper border in which words may stand.
fn title_area(area: ScreenRect) -> ScreenRect {
    ScreenRect { x: area.x + 1, width: area.width.saturating_sub(2), ..area.row(0) }
}

/// A text that fits into so many columns, its end replaced by an ellipsis where it does not.
pub(super) fn truncate<'t>(text: &'t str, columns: usize, ellipsis: &str) -> Cow<'t, str> {
    if display_width(text) <= columns {
        return Cow::Borrowed(text);
    }
    let room = columns.saturating_sub(ellipsis.width());
    let mut used = 0;
    let fits = |c: &char| {
        used += c.width().unwrap_or(0);
        used <= room
    };
    let kept: String = text.chars().take_while(fits).collect();
    Cow::Owned(if columns == 0 { kept } else { kept + ellipsis })
}

/// The nearest ASCII sign of one that the program's own words use; what people wrote stays.
pub(in crate::tui) const fn to_ascii(c: char) -> char {
    match c {
        '·' | '–' => '-',
        '…' => '.',
        '×' => 'x',
        '‹' | '←' => '<',
        '›' | '→' => '>',
        '↑' => '^',
        '↓' => 'v',
        c => c,
    }
}

fn to_ratatui_style(style: crate::config::theme::TextStyle) -> Style {
    let mut painted = Style::new();
    (painted.fg, painted.bg) = (style.fg.map(to_ratatui_color), style.bg.map(to_ratatui_color));
    let modifiers = [
        (style.bold, Modifier::BOLD),
        (style.dim, Modifier::DIM),
        (style.italic, Modifier::ITALIC),
        (style.underline, Modifier::UNDERLINED),
        (style.reverse, Modifier::REVERSED),
    ];
    modifiers
        .into_iter()
        .filter(|(on, _)| *on)
        .fold(painted, |painted, (_, modifier)| painted.add_modifier(modifier))
}

fn to_ratatui_color(color: ThemeColor) -> Paint {
    match color {
        ThemeColor::Rgb(r, g, b) => Paint::Rgb(r, g, b),
        ThemeColor::Indexed(index) => Paint::Indexed(index),
        ThemeColor::Default => Paint::Reset,
        ThemeColor::Named(ansi) => to_ansi_color(ansi),
    }
}

const fn to_ansi_color(ansi: AnsiColor) -> Paint {
    match ansi {
        AnsiColor::Black => Paint::Black,
        AnsiColor::Red => Paint::Red,
        AnsiColor::Green => Paint::Green,
        AnsiColor::Yellow => Paint::Yellow,
        AnsiColor::Blue => Paint::Blue,
        AnsiColor::Magenta => Paint::Magenta,
        AnsiColor::Cyan => Paint::Cyan,
        AnsiColor::Gray => Paint::Gray,
        AnsiColor::DarkGray => Paint::DarkGray,
        AnsiColor::LightRed => Paint::LightRed,
        AnsiColor::LightGreen => Paint::LightGreen,
        AnsiColor::LightYellow => Paint::LightYellow,
        AnsiColor::LightBlue => Paint::LightBlue,
        AnsiColor::LightMagenta => Paint::LightMagenta,
        AnsiColor::LightCyan => Paint::LightCyan,
        AnsiColor::White => Paint::White,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_by_cells() {
        assert_eq!(truncate("abc", 3, "…"), "abc");
        assert_eq!(truncate("abcd", 3, "…"), "ab…");
        assert_eq!(truncate("日本語", 5, "…"), "日本…");
        assert_eq!(truncate("日本語", 4, "…"), "日…");
        assert_eq!(truncate("abc", 1, "…"), "…");
        assert_eq!(truncate("abc", 0, "…"), "");
    }
}
