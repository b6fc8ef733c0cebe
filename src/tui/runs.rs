//! Cells that follow one another in one style go to the terminal in one piece: printing each by itself was most of the
//! work of a frame.

use ratatui::backend::{Backend, ClearType, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};

/// A backend that prints runs of cells.
pub(super) struct Runs<B>(pub(super) B);

/// Neighbours of one style.
struct Run<'a> {
    x: u16,
    y: u16,
    /// Where the next cell of the run would lie. After a wide character none does, since the column between is left
    /// out: terminals do not agree on widths, so the cursor is placed anew.
    next: u16,
    style: &'a Cell,
    text: String,
}

impl<'a> Run<'a> {
    fn new((x, y, cell): (u16, u16, &'a Cell)) -> Self {
        Self { x, y, next: x + 1, style: cell, text: cell.symbol().to_owned() }
    }

    /// Takes a cell in, if it goes on where the run ends.
    fn take(&mut self, (x, y, cell): (u16, u16, &Cell)) -> bool {
        let look = |cell: &Cell| (cell.fg, cell.bg, cell.underline_color, cell.modifier);
        let fits = (x, y) == (self.next, self.y) && look(cell) == look(self.style);
        if fits {
            self.next += 1;
            self.text.push_str(cell.symbol());
        }
        fits
    }

    fn into_cell(self) -> (u16, u16, Cell) {
        let mut cell = self.style.clone();
        cell.set_symbol(&self.text);
        (self.x, self.y, cell)
    }
}

fn joined<'a>(mut cells: impl Iterator<Item = (u16, u16, &'a Cell)>) -> Vec<(u16, u16, Cell)> {
    let mut runs = Vec::new();
    let mut run = cells.next().map(Run::new);
    for cell in cells {
        if !run.as_mut().is_some_and(|run| run.take(cell)) {
            runs.extend(run.replace(Run::new(cell)).map(Run::into_cell));
        }
    }
    runs.extend(run.map(Run::into_cell));
    runs
}

impl<B: Backend> Backend for Runs<B> {
    type Error = B::Error;

    fn draw<'a, I: Iterator<Item = (u16, u16, &'a Cell)>>(&mut self, content: I) -> Result<(), B::Error> {
        self.0.draw(joined(content).iter().map(|(x, y, cell)| (*x, *y, cell)))
    }

    fn hide_cursor(&mut self) -> Result<(), B::Error> {
        self.0.hide_cursor()
    }

    fn show_cursor(&mut self) -> Result<(), B::Error> {
        self.0.show_cursor()
    }

    fn get_cursor_position(&mut self) -> Result<Position, B::Error> {
        self.0.get_cursor_position()
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> Result<(), B::Error> {
        self.0.set_cursor_position(position)
    }

    fn clear(&mut self) -> Result<(), B::Error> {
        self.0.clear()
    }

    fn clear_region(&mut self, clear_type: ClearType) -> Result<(), B::Error> {
        self.0.clear_region(clear_type)
    }

    fn size(&self) -> Result<Size, B::Error> {
        self.0.size()
    }

    fn window_size(&mut self) -> Result<WindowSize, B::Error> {
        self.0.window_size()
    }

    fn flush(&mut self) -> Result<(), B::Error> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZero;

    use proptest::prelude::*;
    use ratatui::backend::CrosstermBackend;
    use ratatui::style::{Color, Modifier, Style};

    use super::*;

    /// What a terminal of ten columns shows after these cells: text and style of each place.
    fn shown(draw: impl FnOnce(CrosstermBackend<&mut Vec<u8>>)) -> Vec<String> {
        let mut bytes = Vec::new();
        draw(CrosstermBackend::new(&mut bytes));
        let mut terminal = vt100::Parser::new(NonZero::new(3).unwrap(), NonZero::new(10).unwrap(), 0);
        terminal.process(&bytes);
        let place = |row, column| format!("{:?}", terminal.screen().cell(row, column));
        (0..3).flat_map(|row| (0..10).map(move |column| (row, column))).map(|(row, column)| place(row, column)).collect()
    }

    proptest! {
        #[test]
        fn runs_look_like_their_cells(cells in prop::collection::vec((0..30_u16, 0..4_usize, 0..3_usize), 0..60)) {
            let mut content: Vec<(u16, u16, Cell)> = Vec::new();
            for (place, symbol, style) in cells {
                let mut cell = Cell::new(["a", "─", " ", "e\u{301}"][symbol]);
                let bold = Style::new().fg(Color::Red).add_modifier(Modifier::BOLD);
                cell.set_style([Style::new(), bold, Style::new().bg(Color::Indexed(208))][style]);
                content.push((place % 10, place / 10, cell));
            }
            content.sort_by_key(|(x, y, _)| (*y, *x));
            content.dedup_by_key(|(x, y, _)| (*x, *y));
            let each = || content.iter().map(|(x, y, cell)| (*x, *y, cell));
            let one_by_one = shown(|mut backend| backend.draw(each()).unwrap());
            let in_runs = shown(|backend| Runs(backend).draw(each()).unwrap());
            prop_assert_eq!(one_by_one, in_runs);
        }
    }

    #[test]
    fn neighbours_of_one_style_are_one_piece_and_nothing_else_is() {
        let plain = Cell::new("a");
        let mut red = Cell::new("b");
        red.set_fg(Color::Red);
        let cells = [(0, 0, &plain), (1, 0, &plain), (2, 0, &red), (4, 0, &red), (5, 1, &red)];
        let runs: Vec<_> = joined(cells.into_iter()).into_iter().map(|(x, y, cell)| (x, y, cell.symbol().to_owned())).collect();
        let expected = [(0, 0, "aa"), (2, 0, "b"), (4, 0, "b"), (5, 1, "b")];
        assert_eq!(runs, expected.map(|(x, y, text)| (x, y, text.to_owned())));
    }
}
