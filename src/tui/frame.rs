//! One frame is one write.
//!
//! Drawing a frame writes and flushes in many small steps. Here the steps are gathered and handed to the terminal in
//! one piece, marked as one synchronized update, so that no half-drawn frame is ever seen; and a frame that changes
//! nothing is not sent at all.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use zeroize::Zeroizing;

const BEGIN_UPDATE: &[u8] = b"\x1b[?2026h";
const END_UPDATE: &[u8] = b"\x1b[?2026l";

/// What every frame sends after its cells, even without any.
const RESET: &[u8] = b"\x1b[0m";

/// The bytes of the frame that is being drawn. Clones share them.
#[derive(Clone, Default)]
pub(super) struct FrameBuffer(Arc<Mutex<Zeroizing<Vec<u8>>>>);

/// Sends finished frames.
pub(super) struct FrameWriter<W> {
    buffer: FrameBuffer,
    out: W,
    /// What the last frame said about the cursor.
    cursor: Vec<u8>,
}

impl FrameBuffer {
    /// The bytes so far, to be added to.
    pub(super) fn open(&self) -> MutexGuard<'_, Zeroizing<Vec<u8>>> {
        let mut bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if bytes.is_empty() {
            bytes.extend_from_slice(BEGIN_UPDATE);
        }
        bytes
    }

    fn take(&self) -> Zeroizing<Vec<u8>> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for FrameBuffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.open().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    /// Frames are sent by [`FrameWriter::commit`], not before they are finished.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<W: Write> FrameWriter<W> {
    /// A writer of what is gathered in `buffer`.
    pub(super) fn new(buffer: FrameBuffer, out: W) -> Self {
        Self { buffer, out, cursor: Vec::new() }
    }

    /// Sends what was gathered, in one write, unless it changes nothing.
    pub(super) fn commit(&mut self) -> io::Result<()> {
        let mut frame = self.buffer.take();
        let drawn = frame.get(BEGIN_UPDATE.len()..).unwrap_or_default();
        let cursor =
            drawn.windows(RESET.len()).rposition(|window| window == RESET).map_or(drawn, |at| &drawn[at + RESET.len()..]);
        let is_idle =
            drawn.is_empty() || (drawn.starts_with(RESET) && cursor == self.cursor && drawn.len() == RESET.len() + cursor.len());
        if is_idle {
            return Ok(());
        }
        self.cursor = cursor.to_vec();
        frame.extend_from_slice(END_UPDATE);
        self.out.write_all(&frame)?;
        self.out.flush()
    }

    /// Forgets what the terminal shows, after something else has written to it.
    pub(super) fn forget(&mut self) {
        self.cursor.clear();
        self.buffer.take();
    }
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;
    use ratatui::{Frame, Terminal, TerminalOptions, Viewport};

    use super::super::canvas::Canvas;
    use super::*;

    /// Remembers each write by itself.
    #[derive(Default)]
    struct Writes(Vec<Vec<u8>>);

    impl Write for Writes {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.push(bytes.to_vec());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Bench {
        terminal: Terminal<Canvas>,
        writer: FrameWriter<Writes>,
    }

    impl Bench {
        fn new() -> Self {
            let buffer = FrameBuffer::default();
            let viewport = Viewport::Fixed(Rect::new(0, 0, 200, 50));
            let backend = Canvas::new(buffer.clone());
            let terminal = Terminal::with_options(backend, TerminalOptions { viewport }).unwrap();
            Self { terminal, writer: FrameWriter::new(buffer, Writes::default()) }
        }

        /// Draws a frame; returns the writes it took.
        fn draw(&mut self, paint: impl FnOnce(&mut Frame<'_>)) -> Vec<Vec<u8>> {
            self.terminal.draw(paint).unwrap();
            self.writer.commit().unwrap();
            std::mem::take(&mut self.writer.out.0)
        }
    }

    #[test]
    fn a_frame_is_one_write_and_one_update() {
        let text = "x".repeat(200).repeat(50);
        let paint = |frame: &mut Frame<'_>| frame.render_widget(text.as_str(), frame.area());
        let writes = Bench::new().draw(paint);
        assert_eq!(writes.len(), 1);
        assert!(writes[0].starts_with(BEGIN_UPDATE) && writes[0].ends_with(END_UPDATE));
    }

    #[test]
    fn a_frame_that_changes_nothing_is_not_sent() {
        let mut bench = Bench::new();
        let plain = |frame: &mut Frame<'_>| frame.render_widget("text", frame.area());
        let with_cursor = |x| {
            move |frame: &mut Frame<'_>| {
                frame.render_widget("text", frame.area());
                frame.set_cursor_position((x, 0));
            }
        };
        assert_eq!(bench.draw(plain).len(), 1);
        assert_eq!(bench.draw(plain).len(), 0);
        assert_eq!(bench.draw(with_cursor(1)).len(), 1, "the cursor appears");
        assert_eq!(bench.draw(with_cursor(1)).len(), 0);
        assert_eq!(bench.draw(with_cursor(2)).len(), 1, "the cursor moves");
        assert_eq!(bench.draw(plain).len(), 1, "the cursor goes");
        assert_eq!(bench.draw(plain).len(), 0);
        bench.writer.forget();
        assert_eq!(bench.draw(plain).len(), 1);
    }
}
