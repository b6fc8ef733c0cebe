//! Where things are: a pure function of the size of the terminal and the state, used for drawing and for mouse hits
//! alike, so a click always meets what is seen.
//!
//! ```text
//!   wide (from 80×20)                     narrow
//!   ┌ header ───────────────────┐        ┌ header ─────────┐
//!   │ Credentials │ Detail      │        │ Credentials     │
//!   │             ├─────────────┤        ├─────────────────┤
//!   ├─────────────┤ Console     │        │ one other pane  │
//!   │ Regions     │             │        │                 │
//!   └ footer ───────────────────┘        └ footer ─────────┘
//! ```

use super::{App, Pane};

/// The smallest terminal in which the screen can be used: columns and rows.
pub const SMALLEST: (u16, u16) = (60, 16);
/// The smallest terminal in which all panes stand side by side.
const WIDE: (u16, u16) = (80, 20);

/// A rectangle of cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Area {
    /// The leftmost column.
    pub x: u16,
    /// The topmost row.
    pub y: u16,
    /// Columns.
    pub width: u16,
    /// Rows.
    pub height: u16,
}

/// Where everything is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Screen {
    /// The line at the top.
    pub header: Area,
    /// The list of credentials, with its border.
    pub credentials: Area,
    /// The detail of the selected credential; empty where it does not fit.
    pub detail: Area,
    /// The regions; empty where they do not fit.
    pub regions: Area,
    /// The console; empty where it does not fit.
    pub console: Area,
    /// The line at the bottom.
    pub footer: Area,
}

impl Area {
    /// A rectangle with its upper left corner at the origin.
    pub const fn of(width: u16, height: u16) -> Self {
        Self { x: 0, y: 0, width, height }
    }

    /// Whether the cell lies inside.
    pub const fn contains(self, column: u16, row: u16) -> bool {
        column >= self.x && row >= self.y && column - self.x < self.width && row - self.y < self.height
    }

    /// Whether nothing can be shown in it.
    pub const fn is_empty(self) -> bool {
        self.width == 0 || self.height == 0
    }

    /// What a border of one cell leaves, with a blank at the left and the right.
    #[must_use]
    pub const fn inner(self) -> Self {
        Self {
            x: self.x.saturating_add(2),
            y: self.y.saturating_add(1),
            width: self.width.saturating_sub(4),
            height: self.height.saturating_sub(2),
        }
    }

    /// The first `rows` rows, and the rest.
    pub fn split_top(self, rows: u16) -> (Self, Self) {
        let rows = rows.min(self.height);
        (Self { height: rows, ..self }, Self { y: self.y + rows, height: self.height - rows, ..self })
    }

    /// The first `columns` columns, and the rest.
    pub fn split_left(self, columns: u16) -> (Self, Self) {
        let columns = columns.min(self.width);
        (Self { width: columns, ..self }, Self { x: self.x + columns, width: self.width - columns, ..self })
    }

    /// The row at `offset` from the top.
    #[must_use]
    pub fn row(self, offset: u16) -> Self {
        self.split_top(offset).1.split_top(1).0
    }

    /// A rectangle of at most this size in the middle.
    #[must_use]
    pub fn centred(self, width: u16, height: u16) -> Self {
        let (width, height) = (width.min(self.width), height.min(self.height));
        Self { x: self.x + (self.width - width) / 2, y: self.y + (self.height - height) / 2, width, height }
    }
}

impl Screen {
    /// Where a pane is.
    pub const fn pane(&self, pane: Pane) -> Area {
        match pane {
            Pane::Credentials => self.credentials,
            Pane::Detail => self.detail,
            Pane::Regions => self.regions,
            Pane::Console => self.console,
        }
    }

    /// The pane at a cell.
    pub fn pane_at(&self, column: u16, row: u16) -> Option<Pane> {
        Pane::ALL.into_iter().find(|pane| self.pane(*pane).contains(column, row))
    }
}

/// Whether the terminal is too small for the screen.
pub const fn is_too_small(area: Area) -> bool {
    area.width < SMALLEST.0 || area.height < SMALLEST.1
}

/// Where everything is on a terminal of this size.
pub fn screen(area: Area, app: &App) -> Screen {
    let (header, rest) = area.split_top(1);
    let (body, footer) = rest.split_top(rest.height.saturating_sub(1));
    let places = Screen { header, footer, ..Screen::default() };
    if area.width >= WIDE.0 && area.height >= WIDE.1 { wide(places, body, app) } else { narrow(places, body, app) }
}

fn wide(places: Screen, body: Area, app: &App) -> Screen {
    let (left, right) = body.split_left((body.width / 8 * 3).clamp(32, 72));
    let regions = u16::try_from(app.region_count()).unwrap_or(u16::MAX).clamp(3, 8) + 2;
    let (credentials, regions) = left.split_top(left.height - regions.min(left.height / 3));
    let (detail, console) = right.split_top((body.height / 3).clamp(6, 11));
    Screen { credentials, detail, regions, console, ..places }
}

fn narrow(places: Screen, body: Area, app: &App) -> Screen {
    let fifths = if app.stage.focus == Pane::Credentials { 3 } else { 2 };
    let (credentials, other) = body.split_top((body.height * fifths / 5).max(5));
    match app.stage.companion {
        Pane::Regions => Screen { credentials, regions: other, ..places },
        Pane::Console => Screen { credentials, console: other, ..places },
        Pane::Credentials | Pane::Detail => Screen { credentials, detail: other, ..places },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rectangle_is_split_without_loss() {
        let (top, rest) = Area::of(10, 5).split_top(2);
        assert_eq!((top.height, rest.y, rest.height), (2, 2, 3));
        let (all, nothing) = Area::of(10, 5).split_left(99);
        assert_eq!((all.width, nothing.width), (10, 0));
        assert!(nothing.is_empty());
    }

    #[test]
    fn inside_means_inside() {
        let area = Area { x: 2, y: 3, width: 4, height: 2 };
        assert!(area.contains(2, 3) && area.contains(5, 4));
        assert!(!area.contains(6, 3) && !area.contains(1, 3) && !area.contains(2, 5));
        assert_eq!(Area::of(1, 1).inner(), Area { x: 2, y: 1, width: 0, height: 0 });
    }
}
