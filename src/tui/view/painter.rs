//! Painter: writes text, borders and styles into the buffer, by style role, and never beyond an
//! edge.
//!
//! Start reading at [`CellPainter::write_text`].

use std::borrow::Cow;

use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;
use ratatui::style::{Color as Paint, Modifier, Style};
use ratatui::symbols::border;
use ratatui::widgets::{Block, Clear, Widget as _};
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use crate::config::theme::{AnsiColor, GlyphSet, StyleRole, ThemeColor};
use crate::domain::Credential;
use crate::tui::app::widgets::split_rect::SplitRect as _;
use crate::tui::app::{App, Now, Pane, PresentationMode};

/// Border of the focused pane: heavier, so that the focus is visible without color.
const FOCUSED_BORDER: [&str; 6] = ["┏", "━", "┓", "┃", "┗", "┛"];
const FOCUSED_BORDER_ASCII: [&str; 6] = ["#", "=", "#", "#", "#", "#"];

/// Columns of the mask that presentation mode shows in place of a text.
const PRESENTATION_MASK_COLUMNS: usize = 8;

/// Label in the border of a production credential, so that it is visible without color.
const PRODUCTION_LABEL: &str = " PRODUCTION ";

/// Everything that drawing needs.
pub(super) struct CellPainter<'a> {
    /// The state of the application.
    pub(super) app: &'a App,
    /// The current time.
    pub(super) now: Now,
    /// The target buffer.
    pub(super) buffer: &'a mut Buffer,
}

/// Whether a pane or dialog has the focus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FocusStyle {
    /// It has the focus.
    Focused,
    /// It does not have the focus.
    Unfocused,
}

impl<'a> CellPainter<'a> {
    pub(super) fn new(app: &'a App, now: Now, buffer: &'a mut Buffer) -> Self {
        Self { app, now, buffer }
    }

    /// Returns the text, or a mask of fixed width in presentation mode.
    pub(super) fn mask_in_presentation(&self, text: &str) -> String {
        match self.app.ui_state.presentation {
            PresentationMode::Off => text.to_owned(),
            PresentationMode::On => self.glyphs().mask.repeat(PRESENTATION_MASK_COLUMNS),
        }
    }

    /// Returns the symbols of the current symbol set.
    pub(super) fn glyphs(&self) -> &'a GlyphSet {
        self.app.preferences.symbols
    }

    /// Returns the style of a role.
    pub(super) fn style(&self, role: StyleRole) -> Style {
        to_ratatui_style(self.app.preferences.theme.style(role))
    }

    /// Returns the style of a role that is laid over existing cells: it removes their dimming.
    pub(super) fn overlay_style(&self, role: StyleRole) -> Style {
        let style = self.style(role);
        style.remove_modifier(Modifier::DIM - style.add_modifier)
    }

    /// Clears an area.
    pub(super) fn clear_area(&mut self, area: Rect, role: StyleRole) {
        let (style, rect) = (self.style(role), self.clip_rect(area));
        Clear.render(rect, self.buffer);
        self.buffer.set_style(rect, style);
    }

    /// Returns whether only ASCII characters may be written.
    pub(super) fn is_ascii(&self) -> bool {
        self.glyphs().ellipsis.is_ascii()
    }

    /// Dims everything in an area, behind a dialog.
    pub(super) fn dim(&mut self, area: Rect) {
        let (style, rect) =
            (self.style(StyleRole::Text).patch(self.style(StyleRole::Dim)), self.clip_rect(area));
        self.buffer.set_style(rect, Style::reset().patch(style));
    }

    /// Applies a style to everything in an area.
    pub(super) fn restyle(&mut self, area: Rect, role: StyleRole) {
        let (style, rect) = (self.overlay_style(role), self.clip_rect(area));
        self.buffer.set_style(rect, style);
    }

    /// Writes a text at the left of an area; returns the rest of the area. The text does not
    /// inherit the modifiers of the cells, such as the weight of a heavy border.
    pub(super) fn write_text(&mut self, area: Rect, text: &str, role: StyleRole) -> Rect {
        let style = self.style(role);
        self.write_styled(area, text, style.remove_modifier(Modifier::all() - style.add_modifier))
    }

    /// Writes texts side by side; returns the rest of the area.
    pub(super) fn write_spans(&mut self, area: Rect, pieces: &[(StyleRole, String)]) -> Rect {
        pieces.iter().fold(area, |rest, (role, text)| self.write_text(rest, text, *role))
    }

    /// Writes a text in a given style; returns the rest of the area.
    pub(super) fn write_styled(&mut self, area: Rect, text: &str, style: Style) -> Rect {
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

    /// Writes a text whose characters take one cell each; returns the number of cells.
    fn write_chars(&mut self, room: Rect, text: &str, style: Style) -> u16 {
        let cells = self.cells_mut(room.x, room.y, room.width).iter_mut();
        let written = cells
            .zip(text.chars())
            .map(|(cell, character)| cell.set_char(character).set_style(style));
        u16::try_from(written.count()).unwrap_or(room.width)
    }

    /// Returns `count` cells of a line, all of which must be on the screen.
    fn cells_mut(&mut self, x: u16, y: u16, count: u16) -> &mut [Cell] {
        let start = self.buffer.index_of(x, y);
        &mut self.buffer.content[start..start + usize::from(count)]
    }

    /// Writes a text at the right of an area; returns the rest of the area, without the space
    /// between them.
    pub(super) fn write_right(&mut self, area: Rect, text: &str, role: StyleRole) -> Rect {
        let width = u16::try_from(display_width(text)).unwrap_or(u16::MAX).min(area.width);
        let (left, place) = area.split_left(area.width - width);
        self.write_text(place, text, role);
        left.split_left(left.width.saturating_sub(1)).0
    }

    /// Writes a text in the center of an area.
    pub(super) fn write_centered(&mut self, area: Rect, text: &str, role: StyleRole) {
        let width = u16::try_from(display_width(text)).unwrap_or(u16::MAX);
        self.write_text(area.center(width, 1), text, role);
    }

    /// Writes a text in as many lines as it needs and as fit; returns the remaining lines.
    pub(super) fn write_paragraph(&mut self, area: Rect, text: &str, role: StyleRole) -> Rect {
        let mut rest = area;
        for piece in crate::tui::app::widgets::text_wrap::wrap(text, area.width.into()) {
            self.write_text(rest.row(0), piece, role);
            rest = rest.split_top(1).1;
        }
        rest
    }

    /// Draws the border of a pane: heavy if it has the focus, and in its own color if it shows a
    /// production credential, with a label in the detail or, without one, in each pane. Returns the
    /// area inside.
    pub(super) fn draw_pane(&mut self, area: Rect, pane: Pane, title: &str) -> Rect {
        let frame = if self.app.ui_state.focus == pane {
            FocusStyle::Focused
        } else {
            FocusStyle::Unfocused
        };
        let inner = self.draw_panel(area, title, frame);
        if pane != Pane::Credentials && self.app.selected().is_some_and(Credential::is_production) {
            let (lines, _, heading) = self.border_style(frame);
            let style = self.style(StyleRole::Production);
            self.draw_outline(area, lines, style);
            let mut rest = title_area(area);
            if pane == Pane::Detail || self.app.screen_layout().detail.is_empty() {
                rest = self.write_right(rest, PRODUCTION_LABEL, StyleRole::Production);
            }
            let title =
                truncate(title, usize::from(rest.width.saturating_sub(2)), self.glyphs().ellipsis);
            self.write_text(rest, &format!(" {title} "), heading);
        }
        inner
    }

    /// Returns the lines of a border, its color, and the color of its title.
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

    /// Draws a border with a title; returns the area inside.
    pub(super) fn draw_panel(&mut self, area: Rect, title: &str, frame: FocusStyle) -> Rect {
        let (lines, border, heading) = self.border_style(frame);
        if area.width < 2 || area.height < 2 {
            return area.inside_border();
        }
        let style = self.style(border);
        self.draw_outline(area, lines, style);
        let top = title_area(area);
        let title =
            truncate(title, usize::from(top.width.saturating_sub(2)), self.glyphs().ellipsis);
        self.write_text(top, &format!(" {title} "), heading);
        area.inside_border()
    }

    fn draw_outline(&mut self, area: Rect, lines: [&'static str; 6], style: Style) {
        let [top_left, horizontal, top_right, vertical, bottom_left, bottom_right] = lines;
        let symbols = border::Set {
            top_left,
            top_right,
            bottom_left,
            bottom_right,
            vertical_left: vertical,
            vertical_right: vertical,
            horizontal_top: horizontal,
            horizontal_bottom: horizontal,
        };
        let block = Block::bordered().border_set(symbols).border_style(style);
        block.render(self.clip_rect(area), self.buffer);
    }

    /// Returns the part of an area that is on the screen.
    pub(super) fn clip_rect(&self, area: Rect) -> Rect {
        area.intersection(self.buffer.area)
    }
}

/// Returns the part of the upper border that can hold text.
fn title_area(area: Rect) -> Rect {
    Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area.row(0) }
}

/// Truncates a text to this many columns; an ellipsis replaces the end.
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

/// Returns how many cells a text takes.
fn display_width(text: &str) -> usize {
    if is_one_cell_per_char(text) { text.chars().count() } else { text.width() }
}

/// Returns whether each character of a text takes exactly one cell, whatever is next to it.
///
/// Most texts are of this kind and need no search for clusters and their widths: printable ASCII,
/// and the symbols that the screen itself uses.
fn is_one_cell_per_char(text: &str) -> bool {
    text.chars().all(|c| matches!(c, ' '..='~' | '·' | '–' | '•' | '…' | '⏎' | '─'..='▟' | '▲' | '▸' | '▾' | '●' | '✓' | '✗'))
}

/// Returns the closest ASCII character for a character that the program's own texts use; other
/// characters stay.
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

    /// Lists the characters that are treated as one cell each.
    fn alone() -> impl Iterator<Item = char> {
        ('\0'..=char::MAX).filter(|c| is_one_cell_per_char(c.encode_utf8(&mut [0; 4])))
    }

    #[test]
    fn what_is_a_cell_of_its_own_is_so_for_the_library_too_whatever_stands_beside_it() {
        let all: String = alone().flat_map(|c| ['a', c, c, '─', c, '●', c]).collect();
        let length = u16::try_from(all.chars().count()).unwrap();
        let mut buffer = Buffer::empty(Rect::new(0, 0, length, 1));
        assert_eq!(buffer.set_stringn(0, 0, &all, usize::MAX, Style::new()), (length, 0));
        let drawn: Vec<String> =
            buffer.content.iter().map(|cell| cell.symbol().to_owned()).collect();
        assert_eq!(drawn, all.chars().map(String::from).collect::<Vec<_>>());
    }

    #[test]
    fn both_ways_to_measure_a_text_agree() {
        let all: String = alone().collect();
        assert_eq!(display_width(&all), all.width());
        assert_eq!(display_width("日本"), 4);
        assert_eq!(display_width("e\u{301}"), 1);
        assert_eq!(display_width("✓\u{fe0f}"), "✓\u{fe0f}".width());
    }
}
