//! Frames of the screen: `ratatui`'s terminal, with one write to the real terminal a frame.
//!
//! The library writes the changes of a frame in many small pieces, and clears and moves as it sees
//! fit. All of them are gathered and marked as one synchronized update, so that no half-drawn frame
//! is visible, and they are wiped after they were sent. Start reading at [`FrameTerminal::draw`].

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;

use crossterm::queue;
use crossterm::style::{Attribute, SetAttribute};
use crossterm::terminal::{BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate};
use ratatui::backend::CrosstermBackend;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::{Terminal, TerminalOptions, Viewport};
use zeroize::{Zeroize as _, Zeroizing};

/// Bytes that a whole frame needs for each cell, at most: most cells are blank or letters.
const BYTES_PER_CELL: usize = 4;

/// Terminal that remembers what it shows, and writes what changes it.
pub(super) struct FrameTerminal {
    terminal: Terminal<CrosstermBackend<FrameBytes>>,
    frame: FrameBytes,
    /// Whether the content of the terminal is unknown, so that the next frame clears it.
    is_unknown: bool,
}

/// Bytes of the frame that is being drawn. They are shared with the backend, which gives no access
/// to its writer.
#[derive(Clone, Default)]
struct FrameBytes(Rc<RefCell<Zeroizing<Vec<u8>>>>);

impl FrameTerminal {
    /// Creates a terminal of this many columns and rows. Its content is unknown.
    pub(super) fn new(size: (u16, u16)) -> io::Result<Self> {
        let frame = FrameBytes::default();
        Ok(Self { terminal: frame.new_terminal(size)?, frame, is_unknown: true })
    }

    /// Marks the content of the terminal as unknown, after something else has written to it or its
    /// size has changed.
    pub(super) fn invalidate(&mut self, size: (u16, u16)) -> io::Result<()> {
        self.terminal = self.frame.new_terminal(size)?;
        self.is_unknown = true;
        Ok(())
    }

    /// Makes the terminal show what `paint` draws on a blank buffer, with one write.
    pub(super) fn draw(
        &mut self,
        out: &mut impl Write,
        paint: impl FnOnce(&mut Buffer),
    ) -> io::Result<()> {
        queue!(self.frame, BeginSynchronizedUpdate)?;
        if std::mem::take(&mut self.is_unknown) {
            queue!(self.frame, SetAttribute(Attribute::Reset), Clear(ClearType::All))?;
        }
        paint(self.terminal.current_buffer_mut());
        self.terminal.flush()?;
        self.terminal.swap_buffers();
        queue!(self.frame, EndSynchronizedUpdate)?;
        self.frame.send(out)
    }
}

impl FrameBytes {
    /// Creates a terminal that writes here. It never asks the real one for its size.
    fn new_terminal(&self, size: (u16, u16)) -> io::Result<Terminal<CrosstermBackend<Self>>> {
        let (columns, rows) = size;
        let room = BYTES_PER_CELL * usize::from(columns) * usize::from(rows);
        self.0.borrow_mut().reserve(room);
        let viewport = Viewport::Fixed(Rect::new(0, 0, columns, rows));
        Terminal::with_options(CrosstermBackend::new(self.clone()), TerminalOptions { viewport })
    }

    /// Sends the frame and wipes it, sent or not: it may show a secret.
    fn send(&self, out: &mut impl Write) -> io::Result<()> {
        let mut bytes = self.0.borrow_mut();
        let sent = out.write_all(&bytes).and_then(|()| out.flush());
        bytes.zeroize();
        sent
    }
}

impl Write for FrameBytes {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    /// Sends nothing: a frame is sent as a whole.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZero;

    use proptest::prelude::*;
    use ratatui::style::{Color, Modifier, Style};
    use ratatui::widgets::Widget as _;

    use super::*;

    const SIZE: (u16, u16) = (20, 3);
    const BEGIN: &str = "\x1b[?2026h";
    const END: &str = "\x1b[?2026l";
    const BLANK: &str = "\x1b[0m\x1b[2J";

    /// Returns what a terminal shows after these bytes: text and style of each cell, and of blank
    /// cells the background.
    fn shown(bytes: &[u8]) -> Vec<(String, String)> {
        let mut terminal =
            vt100::Parser::new(NonZero::new(SIZE.1).unwrap(), NonZero::new(SIZE.0).unwrap(), 0);
        terminal.process(bytes);
        let position = |row, column| {
            let cell = terminal.screen().cell(row, column).unwrap();
            let text = cell.contents().trim().to_owned();
            if text.is_empty() && !cell.inverse() {
                return (text, format!("{:?}", cell.bgcolor()));
            }
            let colors = (cell.fgcolor(), cell.bgcolor());
            let modifiers = (cell.bold(), cell.dim(), cell.inverse());
            (text, format!("{colors:?} {modifiers:?}"))
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

    /// Those of the texts that take two cells.
    const WIDE_TEXTS: [usize; 2] = [4, 5];

    fn paint(pieces: &Pieces, buffer: &mut Buffer) {
        for (position, text, style) in pieces {
            let text = ["a", "─", " ", "e\u{301}", "字", "❤\u{fe0f}"][*text];
            let (x, y) = (position * 2 % SIZE.0, position * 2 / SIZE.0);
            // Nothing of an earlier style remains.
            buffer[(x, y)].reset();
            buffer.set_string(x, y, text, styles()[*style]);
        }
    }

    proptest! {
        #[test]
        fn a_change_of_frames_looks_like_the_second_one_alone(
            before in pieces(),
            after in pieces(),
        ) {
            let (mut drawn, mut alone) = (Vec::new(), Vec::new());
            let mut changing = FrameTerminal::new(SIZE).unwrap();
            changing.draw(&mut drawn, |buffer| paint(&before, buffer)).unwrap();
            changing.draw(&mut drawn, |buffer| paint(&after, buffer)).unwrap();
            let mut fresh = FrameTerminal::new(SIZE).unwrap();
            fresh.draw(&mut alone, |buffer| paint(&after, buffer)).unwrap();
            let (mut alone, mut drawn) = (shown(&alone), shown(&drawn));
            // Where half of a wide character was, terminals leave a blank of any style.
            if before.iter().any(|(_, text, _)| WIDE_TEXTS.contains(text)) {
                for (_, style) in alone.iter_mut().chain(&mut drawn) {
                    style.clear();
                }
            }
            prop_assert_eq!(alone, drawn);
        }
    }

    #[test]
    fn a_frame_is_one_update_and_one_that_changes_nothing_draws_no_cell() {
        let mut terminal = FrameTerminal::new(SIZE).unwrap();
        let frame = |terminal: &mut FrameTerminal, text: &str| {
            let mut out = Vec::new();
            terminal.draw(&mut out, |buffer| text.render(buffer.area, buffer)).unwrap();
            let frame = String::from_utf8(out).unwrap();
            frame.strip_prefix(BEGIN).unwrap().strip_suffix(END).unwrap().to_owned()
        };
        let first = frame(&mut terminal, "one");
        assert!(first.starts_with(BLANK) && first.contains("\x1b[1;1Hone"), "{first:?}");
        assert!(!frame(&mut terminal, "one").contains(['H', 'o']));
        assert!(frame(&mut terminal, "ore").starts_with("\x1b[1;2Hr"));
        terminal.invalidate((2, 1)).unwrap();
        let again = frame(&mut terminal, "or");
        assert!(again.starts_with(BLANK) && again.contains("\x1b[1;1Hor\x1b["), "{again:?}");
    }
}
