//! How cells become bytes. A command of the terminal library for each cell would be most of the work of a frame, so
//! the cells are written straight into it, and only what comes between them goes through the library.

use std::io;

use crossterm::cursor::MoveTo;
use crossterm::queue;
use crossterm::style::{Attribute, SetAttribute, SetStyle};
use ratatui::backend::{Backend, ClearType, CrosstermBackend, IntoCrossterm as _, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};
use ratatui::style::{Color, Modifier, Style};

use super::frame::FrameBuffer;

/// More styles than a theme has, in all its combinations.
const MOST_LOOKS: usize = 256;

/// What changes letters only.
const UNSEEN_ON_BLANK: Modifier = Modifier::BOLD.union(Modifier::DIM).union(Modifier::ITALIC);

/// A backend that writes frames into a buffer.
pub(super) struct Canvas {
    buffer: FrameBuffer,
    library: CrosstermBackend<FrameBuffer>,
    looks: Looks,
}

/// What sets each style that was drawn so far. A theme has few, and a frame sets them hundreds of times.
#[derive(Default)]
struct Looks(Vec<(Style, Vec<u8>)>);

impl Canvas {
    /// One that writes there.
    pub(super) fn new(buffer: FrameBuffer) -> Self {
        Self { library: CrosstermBackend::new(buffer.clone()), buffer, looks: Looks::default() }
    }
}

impl Backend for Canvas {
    type Error = io::Error;

    fn draw<'a, I: Iterator<Item = (u16, u16, &'a Cell)>>(&mut self, content: I) -> io::Result<()> {
        let mut frame = self.buffer.open();
        let out: &mut Vec<u8> = &mut frame;
        // The cell whose style is set.
        let (mut next, mut set) = (None, &Cell::EMPTY);
        for (x, y, cell) in content {
            // After a wide character too, since terminals do not agree on widths.
            if next != Some((x, y)) {
                queue!(out, MoveTo(x, y))?;
            }
            next = Some((x + 1, y));
            if !looks_alike(cell, set) {
                set = cell;
                out.extend_from_slice(self.looks.of(look(cell))?);
            }
            out.extend_from_slice(cell.symbol().as_bytes());
        }
        queue!(out, SetAttribute(Attribute::Reset))
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        self.library.hide_cursor()
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        self.library.show_cursor()
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        self.library.get_cursor_position()
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        self.library.set_cursor_position(position)
    }

    fn clear(&mut self) -> io::Result<()> {
        self.library.clear()
    }

    fn clear_region(&mut self, region: ClearType) -> io::Result<()> {
        self.library.clear_region(region)
    }

    fn size(&self) -> io::Result<Size> {
        self.library.size()
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        self.library.window_size()
    }

    fn flush(&mut self) -> io::Result<()> {
        self.library.flush()
    }
}

impl Looks {
    /// What sets this style, whichever was set before.
    fn of(&mut self, style: Style) -> io::Result<&[u8]> {
        let known = self.0.iter().position(|(known, _)| *known == style);
        let place = match known {
            Some(place) => place,
            None => self.learn(style)?,
        };
        Ok(&self.0[place].1)
    }

    /// Where it stands now, in one sequence. A person may look at theme after theme; those that are gone are not kept for
    /// ever.
    fn learn(&mut self, style: Style) -> io::Result<usize> {
        let mut parts = Vec::new();
        queue!(parts, SetAttribute(Attribute::Reset), SetStyle(style.into_crossterm()))?;
        let bytes = String::from_utf8_lossy(&parts).replace("m\x1b[", ";").into_bytes();
        if self.0.len() == MOST_LOOKS {
            self.0.clear();
        }
        self.0.push((style, bytes));
        Ok(self.0.len() - 1)
    }
}

/// Whether a cell looks as it should where the style of another is set. Of a blank only what is behind it is seen.
fn looks_alike(cell: &Cell, set: &Cell) -> bool {
    let is_same = || cell.fg == set.fg && cell.underline_color == set.underline_color && cell.modifier == set.modifier;
    let is_blank = || cell.symbol() == " " && (cell.modifier | set.modifier).difference(UNSEEN_ON_BLANK).is_empty();
    cell.bg == set.bg && (is_same() || is_blank())
}

/// What is to be set for a cell where nothing is.
fn look(cell: &Cell) -> Style {
    let set = |color: Color| Some(color).filter(|color| *color != Color::Reset);
    let (fg, bg, underline_color) = (set(cell.fg), set(cell.bg), set(cell.underline_color));
    Style { fg, bg, underline_color, add_modifier: cell.modifier, sub_modifier: Modifier::empty() }
}

#[cfg(test)]
mod tests {
    use std::num::NonZero;

    use proptest::prelude::*;

    use super::*;

    /// What a terminal of ten columns shows after these bytes: text and style of each place, of blanks what is behind.
    fn shown(bytes: &[u8]) -> Vec<String> {
        let mut terminal = vt100::Parser::new(NonZero::new(3).unwrap(), NonZero::new(10).unwrap(), 0);
        terminal.process(bytes);
        let place = |row, column| {
            let cell = terminal.screen().cell(row, column).unwrap();
            let is_blank = cell.contents().trim().is_empty() && !cell.inverse();
            if is_blank { format!("{:?}", cell.bgcolor()) } else { format!("{cell:?}") }
        };
        (0..3).flat_map(|row| (0..10).map(move |column| (row, column))).map(|(row, column)| place(row, column)).collect()
    }

    fn styles() -> [Style; 4] {
        let loud = Style::new().fg(Color::Red).add_modifier(Modifier::BOLD | Modifier::REVERSED);
        [
            Style::new(),
            loud,
            Style::new().bg(Color::Indexed(208)),
            Style::new().fg(Color::Rgb(1, 2, 3)).add_modifier(Modifier::DIM),
        ]
    }

    proptest! {
        #[test]
        fn cells_look_as_the_library_would_draw_them(cells in prop::collection::vec((0..30_u16, 0..4_usize, 0..4_usize), 0..60)) {
            let cell = |symbol: usize, style: usize| {
                let mut cell = Cell::new(["a", "─", " ", "e\u{301}"][symbol]);
                cell.set_style(styles()[style]);
                cell
            };
            let mut content: Vec<_> = cells.into_iter().map(|(place, symbol, style)| (place, cell(symbol, style))).collect();
            content.sort_by_key(|(place, _)| *place);
            content.dedup_by_key(|(place, _)| *place);
            let content = || content.iter().map(|(place, cell)| (place % 10, place / 10, cell));
            let mut by_library = Vec::new();
            CrosstermBackend::new(&mut by_library).draw(content()).unwrap();
            let buffer = FrameBuffer::default();
            Canvas::new(buffer.clone()).draw(content()).unwrap();
            prop_assert_eq!(shown(&by_library), shown(&buffer.open()));
        }
    }

    #[test]
    fn neighbours_of_one_style_are_one_piece() {
        let red = |symbol| Cell::new(symbol).set_fg(Color::Red).clone();
        let cells = [(0, 0, Cell::new("a")), (1, 0, Cell::new("b")), (2, 0, red("c")), (4, 0, red("d"))];
        let buffer = FrameBuffer::default();
        Canvas::new(buffer.clone()).draw(cells.iter().map(|(x, y, cell)| (*x, *y, cell))).unwrap();
        let drawn = String::from_utf8(buffer.open().to_vec()).unwrap();
        assert_eq!(drawn, "\x1b[?2026h\x1b[1;1Hab\x1b[0;38;5;1mc\x1b[1;5Hd\x1b[0m");
    }

    #[test]
    fn a_blank_takes_no_style_of_its_own_unless_one_sees_it() {
        let red = |symbol| Cell::new(symbol).set_fg(Color::Red).clone();
        let mut reversed = Cell::new(" ");
        reversed.set_style(Style::new().add_modifier(Modifier::REVERSED));
        let cells = [red("a"), Cell::new(" "), red("b"), Cell::new(" ").set_bg(Color::Blue).clone(), reversed];
        let buffer = FrameBuffer::default();
        Canvas::new(buffer.clone()).draw((0..).zip(&cells).map(|(x, cell)| (x, 0, cell))).unwrap();
        let drawn = String::from_utf8(buffer.open().to_vec()).unwrap();
        assert_eq!(drawn, "\x1b[?2026h\x1b[1;1H\x1b[0;38;5;1ma b\x1b[0;48;5;4m \x1b[0;7m \x1b[0m");
    }
}
