//! Division of rectangles into rows, columns and boxes of a fixed size.

use ratatui::layout::{Margin, Rect};

/// Division of the screen, which ratatui has for flexible layouts only.
pub trait SplitRect: Sized {
    /// Returns the area inside a border of one cell, with a blank column at each side.
    #[must_use]
    fn inside_border(self) -> Self;

    /// Splits into the first `rows` rows and the rest.
    fn split_top(self, rows: u16) -> (Self, Self);

    /// Splits into the first `columns` columns and the rest.
    fn split_left(self, columns: u16) -> (Self, Self);

    /// Returns the row at `offset` from the top.
    #[must_use]
    fn row(self, offset: u16) -> Self {
        self.split_top(offset).1.split_top(1).0
    }

    /// Returns a rectangle of at most this size in the lower right corner, above the last row.
    #[must_use]
    fn bottom_right(self, width: u16, height: u16) -> Self;

    /// Returns a rectangle of at most this size in the center.
    #[must_use]
    fn center(self, width: u16, height: u16) -> Self;
}

impl SplitRect for Rect {
    fn inside_border(self) -> Self {
        self.inner(Margin::new(2, 1))
    }

    fn split_top(self, rows: u16) -> (Self, Self) {
        let rows = rows.min(self.height);
        (
            Self { height: rows, ..self },
            Self { y: self.y + rows, height: self.height - rows, ..self },
        )
    }

    fn split_left(self, columns: u16) -> (Self, Self) {
        let columns = columns.min(self.width);
        (
            Self { width: columns, ..self },
            Self { x: self.x + columns, width: self.width - columns, ..self },
        )
    }

    fn bottom_right(self, width: u16, height: u16) -> Self {
        let (width, height) = (width.min(self.width), height.min(self.height.saturating_sub(1)));
        Self {
            x: self.x + self.width - width,
            y: self.y + (self.height - height).saturating_sub(1),
            width,
            height,
        }
    }

    fn center(self, width: u16, height: u16) -> Self {
        let (width, height) = (width.min(self.width), height.min(self.height));
        Self {
            x: self.x + (self.width - width) / 2,
            y: self.y + (self.height - height) / 2,
            width,
            height,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rectangle_is_split_without_loss() {
        let (top, rest) = Rect::new(0, 0, 10, 5).split_top(2);
        assert_eq!((top.height, rest.y, rest.height), (2, 2, 3));
        let (all, nothing) = Rect::new(0, 0, 10, 5).split_left(99);
        assert_eq!((all.width, nothing.width), (10, 0));
        assert!(nothing.is_empty());
    }
}
