//! Conversion of frames into terminal output: one frame is one write.
//!
//! The changes of a frame are written together, marked as one synchronized update, so that no
//! half-drawn frame is visible; a frame without changes writes nothing. A command of the terminal
//! library for each cell would be most of the work, so cells are written directly, and only what
//! comes between them uses the library. Start reading at [`FrameWriter::render`].

use std::io;

use crossterm::cursor::MoveTo;
use crossterm::queue;
use crossterm::style::{Attribute, SetAttribute, SetStyle};
use crossterm::terminal::{BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate};
use ratatui::backend::IntoCrossterm as _;
use ratatui::buffer::{Buffer, Cell, CellWidth as _};
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use zeroize::Zeroizing;

use super::cells::is_one_cell_per_char;

/// Maximum number of cached styles: more than a theme has, in all its combinations.
const MAX_CACHED_STYLES: usize = 256;

/// Bytes that a whole frame needs for each cell, at most: most cells are blank or letters.
const BYTES_PER_CELL: usize = 2;

/// Number of blanks that take no more bytes to write than to skip.
const MAX_WRITTEN_BLANKS: u16 = 8;

/// Modifiers that are visible on letters only.
const INVISIBLE_ON_BLANK: Modifier = Modifier::BOLD.union(Modifier::DIM).union(Modifier::ITALIC);

/// Writer of frames, which knows what the terminal shows.
pub(super) struct FrameWriter {
    area: Rect,
    /// Frame that was drawn last. `None` where the content of the terminal is unknown; the first
    /// frame does not pay for it.
    last_frame: Option<Buffer>,
    /// Buffer of the frame before that, cleared for reuse.
    spare_buffer: Option<Buffer>,
    styles: StyleCache,
}

/// Writer of cells.
struct CellWriter<'f, 'b> {
    out: &'f mut Vec<u8>,
    styles: &'f mut StyleCache,
    /// Position at which the terminal draws the next letter, where it is known.
    cursor: Option<(u16, u16)>,
    /// Cell whose style is set.
    styled_as: &'b Cell,
}

/// Cache of the escape sequences of styles. A theme has few styles, and a frame sets them hundreds
/// of times.
#[derive(Default)]
struct StyleCache(Vec<(Style, Vec<u8>)>);

impl FrameWriter {
    /// Creates a writer for this many columns and rows. The content of the terminal is unknown.
    pub(super) fn new(size: (u16, u16)) -> Self {
        let (columns, rows) = size;
        Self {
            area: Rect::new(0, 0, columns, rows),
            last_frame: None,
            spare_buffer: None,
            styles: StyleCache::default(),
        }
    }

    /// Marks the content of the terminal as unknown, after something else has written to it or its
    /// size has changed.
    pub(super) fn invalidate(&mut self, size: (u16, u16)) {
        *self = Self { styles: std::mem::take(&mut self.styles), ..Self::new(size) };
    }

    /// Returns the bytes that make the terminal show what `paint` draws on a blank buffer; empty
    /// where nothing changes.
    pub(super) fn render(
        &mut self,
        paint: impl FnOnce(&mut Buffer),
    ) -> io::Result<Zeroizing<Vec<u8>>> {
        let mut next = self.spare_buffer.take().unwrap_or_else(|| Buffer::empty(self.area));
        paint(&mut next);
        let mut frame = Zeroizing::default();
        let mut writer = CellWriter {
            out: &mut frame,
            styles: &mut self.styles,
            cursor: None,
            styled_as: &Cell::EMPTY,
        };
        match &self.last_frame {
            Some(shown) => writer.write_changes(shown, &next)?,
            None => writer.write_all(&next)?,
        }
        self.spare_buffer = self.last_frame.replace(next);
        self.spare_buffer.iter_mut().for_each(Buffer::reset);
        Ok(frame)
    }
}

impl<'b> CellWriter<'_, 'b> {
    /// Writes the changed cells, if there are any.
    fn write_changes(&mut self, before: &Buffer, after: &'b Buffer) -> io::Result<()> {
        let mut changes = before.diff_iter(after).peekable();
        if changes.peek().is_none() {
            return Ok(());
        }
        queue!(self.out, BeginSynchronizedUpdate)?;
        changes.try_for_each(|(x, y, cell)| self.write_cell(x, y, cell))?;
        queue!(self.out, SetAttribute(Attribute::Reset), EndSynchronizedUpdate)
    }

    /// Writes the whole frame.
    fn write_all(&mut self, whole: &'b Buffer) -> io::Result<()> {
        self.out.reserve(BYTES_PER_CELL * whole.content.len());
        queue!(
            self.out,
            BeginSynchronizedUpdate,
            SetAttribute(Attribute::Reset),
            Clear(ClearType::All)
        )?;
        let rows = whole.content.chunks(usize::from(whole.area.width).max(1));
        (0..).zip(rows).try_for_each(|(y, row)| self.write_row(y, row))?;
        queue!(self.out, SetAttribute(Attribute::Reset), EndSynchronizedUpdate)
    }

    /// Writes a row of a blank screen. Invisible cells are skipped, unless writing them is shorter.
    fn write_row(&mut self, y: u16, row: &'b [Cell]) -> io::Result<()> {
        let (mut cells, mut skipped) = ((0..).zip(row), 0);
        while let Some((x, cell)) = cells.next() {
            if is_invisible(cell) {
                skipped += 1;
                continue;
            }
            if skipped <= MAX_WRITTEN_BLANKS {
                (x - skipped..x).try_for_each(|x| self.write_cell(x, y, &row[usize::from(x)]))?;
            }
            skipped = 0;
            self.write_cell(x, y, cell)?;
            // The cells covered by a wide character are not drawn.
            if !is_one_cell_per_char(cell.symbol()) {
                (1..cell.cell_width()).for_each(|_| _ = cells.next());
            }
        }
        Ok(())
    }

    fn write_cell(&mut self, x: u16, y: u16, cell: &'b Cell) -> io::Result<()> {
        // The cursor is moved after a wide character too, because terminals do not agree on widths.
        if self.cursor != Some((x, y)) {
            queue!(self.out, MoveTo(x, y))?;
        }
        self.cursor = Some((x + 1, y));
        if !is_same_style(cell, self.styled_as) {
            self.styled_as = cell;
            self.out.extend_from_slice(self.styles.escape_sequence(cell_style(cell))?);
        }
        match cell.symbol().as_bytes() {
            [letter] => self.out.push(*letter),
            sign => self.out.extend_from_slice(sign),
        }
        Ok(())
    }
}

impl StyleCache {
    /// Returns the escape sequence that sets this style, whatever style was set before.
    fn escape_sequence(&mut self, style: Style) -> io::Result<&[u8]> {
        let known = self.0.iter().position(|(known, _)| *known == style);
        let position = match known {
            Some(position) => position,
            None => self.insert(style)?,
        };
        Ok(&self.0[position].1)
    }

    /// Caches the escape sequence of a style and returns its position.
    ///
    /// The cache is cleared when it is full: a user may preview theme after theme, and their styles
    /// must not accumulate.
    fn insert(&mut self, style: Style) -> io::Result<usize> {
        let mut parts = Vec::new();
        queue!(parts, SetAttribute(Attribute::Reset), SetStyle(style.into_crossterm()))?;
        let bytes = String::from_utf8_lossy(&parts).replace("m\x1b[", ";").into_bytes();
        if self.0.len() == MAX_CACHED_STYLES {
            self.0.clear();
        }
        self.0.push((style, bytes));
        Ok(self.0.len() - 1)
    }
}

/// Returns whether nothing of a cell is visible on a blank screen.
fn is_invisible(cell: &Cell) -> bool {
    cell.symbol() == " " && cell.bg == Color::Reset && INVISIBLE_ON_BLANK.contains(cell.modifier)
}

/// Returns whether a cell looks right with the style of another cell. Of a blank cell only the
/// background is visible.
fn is_same_style(cell: &Cell, set: &Cell) -> bool {
    let is_same = || {
        cell.fg == set.fg
            && cell.underline_color == set.underline_color
            && cell.modifier == set.modifier
    };
    let is_blank = || {
        cell.symbol() == " "
            && (cell.modifier | set.modifier).difference(INVISIBLE_ON_BLANK).is_empty()
    };
    cell.bg == set.bg && (is_same() || is_blank())
}

/// Returns the style to set for a cell where no style is set.
fn cell_style(cell: &Cell) -> Style {
    let set = |color: Color| Some(color).filter(|color| *color != Color::Reset);
    let (fg, bg, underline_color) = (set(cell.fg), set(cell.bg), set(cell.underline_color));
    Style { fg, bg, underline_color, add_modifier: cell.modifier, sub_modifier: Modifier::empty() }
}

#[cfg(test)]
mod tests {
    use std::num::NonZero;

    use proptest::prelude::*;
    use ratatui::backend::{Backend as _, CrosstermBackend};
    use ratatui::widgets::Widget as _;

    use super::*;

    const SIZE: (u16, u16) = (20, 3);
    const BEGIN: &str = "\x1b[?2026h";
    const END: &str = "\x1b[?2026l";
    const BLANK: &str = "\x1b[0m\x1b[2J";

    /// Returns what a terminal shows after these bytes: text and style of each cell, and of blank
    /// cells the background.
    fn shown(bytes: &[u8]) -> Vec<String> {
        let mut terminal =
            vt100::Parser::new(NonZero::new(SIZE.1).unwrap(), NonZero::new(SIZE.0).unwrap(), 0);
        terminal.process(bytes);
        let position = |row, column| {
            let cell = terminal.screen().cell(row, column).unwrap();
            let is_blank = cell.contents().trim().is_empty() && !cell.inverse();
            if is_blank { format!("{:?}", cell.bgcolor()) } else { format!("{cell:?}") }
        };
        (0..SIZE.1)
            .flat_map(|row| (0..SIZE.0).map(move |column| (row, column)))
            .map(|(row, column)| position(row, column))
            .collect()
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

    /// Pieces of text: position, text and style. Positions are even, so that nothing overlaps a
    /// wide character.
    type Pieces = Vec<(u16, usize, usize)>;

    fn pieces() -> impl Strategy<Value = Pieces> {
        prop::collection::vec((0..SIZE.0 * SIZE.1 / 2, 0..6_usize, 0..4_usize), 0..30)
    }

    fn paint(pieces: &Pieces, buffer: &mut Buffer) {
        for (position, text, style) in pieces {
            let text = ["a", "─", " ", "e\u{301}", "字", "❤\u{fe0f}"][*text];
            let (x, y) = (position * 2 % SIZE.0, position * 2 / SIZE.0);
            // Nothing of an earlier style remains.
            buffer[(x, y)].reset();
            buffer.set_string(x, y, text, styles()[*style]);
        }
    }

    fn painted(pieces: &Pieces) -> Buffer {
        let mut buffer = Buffer::empty(FrameWriter::new(SIZE).area);
        paint(pieces, &mut buffer);
        buffer
    }

    proptest! {
        #[test]
        fn frames_look_as_the_library_would_draw_them(before in pieces(), after in pieces()) {
            let mut canvas = FrameWriter::new(SIZE);
            let mut drawn = canvas.render(|buffer| paint(&before, buffer)).unwrap().to_vec();
            drawn.extend_from_slice(&canvas.render(|buffer| paint(&after, buffer)).unwrap());
            let (before, after) = (painted(&before), painted(&after));
            let mut by_library = Vec::new();
            let mut library = CrosstermBackend::new(&mut by_library);
            library.draw(Buffer::empty(before.area).diff_iter(&before)).unwrap();
            library.draw(before.diff_iter(&after)).unwrap();
            prop_assert_eq!(shown(&by_library), shown(&drawn));
        }
    }

    /// Renders these cells of the first row on a blank screen, without the sequences that surround
    /// every such frame.
    fn first(cells: &[(u16, Cell)]) -> String {
        let frame = FrameWriter::new(SIZE)
            .render(|buffer| cells.iter().for_each(|(x, cell)| buffer[(*x, 0)] = cell.clone()));
        let frame = String::from_utf8(frame.unwrap().to_vec()).unwrap();
        frame
            .strip_prefix(&(BEGIN.to_owned() + BLANK))
            .unwrap()
            .strip_suffix(END)
            .unwrap()
            .to_owned()
    }

    fn red(symbol: &'static str) -> Cell {
        Cell::new(symbol).set_fg(Color::Red).clone()
    }

    #[test]
    fn neighbors_of_one_style_are_one_piece() {
        let cells = [
            (0, Cell::new("a")),
            (1, Cell::new("b")),
            (2, red("c")),
            (4, red("d")),
            (14, red("e")),
        ];
        assert_eq!(first(&cells), "\x1b[1;1Hab\x1b[0;38;5;1mc d\x1b[1;15He\x1b[0m");
    }

    #[test]
    fn a_blank_takes_no_style_of_its_own_unless_it_is_visible() {
        let mut reversed = Cell::new(" ");
        reversed.set_style(Style::new().add_modifier(Modifier::REVERSED));
        let cells = [
            (0, red("a")),
            (1, red(" ")),
            (2, red("b")),
            (3, Cell::new(" ").set_bg(Color::Blue).clone()),
            (4, reversed),
        ];
        assert_eq!(first(&cells), "\x1b[1;1H\x1b[0;38;5;1ma b\x1b[0;48;5;4m \x1b[0;7m \x1b[0m");
    }

    #[test]
    fn a_frame_is_one_update_and_one_that_changes_nothing_is_nothing() {
        let mut canvas = FrameWriter::new(SIZE);
        let mut frame = |text: &str| {
            let frame = canvas.render(|buffer| text.render(buffer.area, buffer)).unwrap();
            String::from_utf8(frame.to_vec()).unwrap()
        };
        assert_eq!(frame("one"), format!("{BEGIN}{BLANK}\x1b[1;1Hone\x1b[0m{END}"));
        assert_eq!(frame("one"), "");
        assert_eq!(frame("ore"), format!("{BEGIN}\x1b[1;2Hr\x1b[0m{END}"));
        assert_eq!(frame("ore"), "");
        canvas.invalidate((2, 1));
        let again = canvas.render(|buffer| "ore".render(buffer.area, buffer)).unwrap();
        assert_eq!(*again, format!("{BEGIN}{BLANK}\x1b[1;1Hor\x1b[0m{END}").into_bytes());
    }
}
