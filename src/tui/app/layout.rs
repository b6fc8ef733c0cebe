//! Where things are: a pure function of the size of the terminal and the state, used for drawing and for mouse hits
//! alike, so a click always meets what is seen.
//!
//! ```text
//!   narrow               wide (from 80×20)           three columns (from 170×24)
//!   ┌ header ───────┐   ┌ header ──────────────┐   ┌ header ─────────────────────────┐
//!   │ Credentials   │   │ Credentials │ Detail │   │ Credentials │ Detail  │ Console │
//!   ├───────────────┤   │             ├────────┤   │             ├─────────┤         │
//!   │ one other     │   ├─────────────┤ Console│   │             │ Regions │         │
//!   │ pane          │   │ Regions     │        │   │             ├─────────┤         │
//!   └ footer ───────┘   └ footer ──────────────┘   │             │ Horizon │         │
//!                                                  └ footer ─────────────────────────┘
//! ```
//!
//! A person may move the borders; what was moved is kept as a share of the screen, so it survives another size.

use super::{App, Pane, Zoom};
use crate::config::PaneLayout;

/// The smallest terminal in which the screen can be used: columns and rows.
pub const SMALLEST: (u16, u16) = (60, 16);
/// The smallest terminal in which all panes stand side by side.
const WIDE: (u16, u16) = (80, 20);
/// The smallest terminal in which there are three columns.
const GRAND: (u16, u16) = (170, 24);
/// From so many rows on, the middle column shows the horizon too.
const HORIZON: u16 = 36;
/// The least columns that a pane is left with when a border is moved, on both sides of it.
const COLUMNS: (u16, u16) = (28, 28);
/// The same for the list beside two further columns.
const THREE_COLUMNS: (u16, u16) = (28, 2 * 28);
/// The least rows that a pane is left with when a border is moved, on both sides of it.
const ROWS: (u16, u16) = (5, 5);
/// What a share is counted in.
const WHOLE: u32 = 1000;

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
    /// What ends in the next weeks, on screens that have room for it.
    pub horizon: Area,
    /// The console; empty where it does not fit.
    pub console: Area,
    /// The line at the bottom.
    pub footer: Area,
}

/// A border between panes that can be moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Border {
    /// Between the list and what is to its right.
    List,
    /// Between the list and the regions below it, or the regions and what is above them.
    Regions,
    /// Below the detail.
    Detail,
    /// Between the middle column and the console.
    Middle,
    /// Between the list and the one other pane of a narrow screen.
    Stack,
}

/// How the panes stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Arrangement {
    Narrow,
    Wide,
    Grand,
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

    /// A rectangle of at most this size in the lower right corner, one row above the last.
    #[must_use]
    pub fn corner(self, width: u16, height: u16) -> Self {
        let (width, height) = (width.min(self.width), height.min(self.height.saturating_sub(1)));
        Self { x: self.x + self.width - width, y: self.y + (self.height - height).saturating_sub(1), width, height }
    }

    /// A rectangle of at most this size in the middle.
    #[must_use]
    pub fn centred(self, width: u16, height: u16) -> Self {
        let (width, height) = (width.min(self.width), height.min(self.height));
        Self { x: self.x + (self.width - width) / 2, y: self.y + (self.height - height) / 2, width, height }
    }
}

impl Arrangement {
    const fn of(area: Area) -> Self {
        if area.width >= GRAND.0 && area.height >= GRAND.1 {
            Self::Grand
        } else if area.width >= WIDE.0 && area.height >= WIDE.1 {
            Self::Wide
        } else {
            Self::Narrow
        }
    }

    const fn borders(self) -> &'static [Border] {
        match self {
            Self::Narrow => &[Border::Stack],
            Self::Wide => &[Border::List, Border::Regions, Border::Detail],
            Self::Grand => &[Border::List, Border::Middle, Border::Detail],
        }
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

/// The most credentials that a first frame shows on a terminal of this size.
pub fn most_lines(area: Area, layout: &PaneLayout) -> u16 {
    let (_, body, _) = bands(area);
    let places = match Arrangement::of(area) {
        Arrangement::Narrow => narrow(Screen::default(), body, layout, Pane::Credentials, Pane::Detail),
        Arrangement::Wide => wide(Screen::default(), body, layout, 0),
        Arrangement::Grand => grand(Screen::default(), body, layout, 0),
    };
    places.credentials.inner().height
}

/// Where everything is on a terminal of this size.
pub fn screen(area: Area, app: &App) -> Screen {
    let (header, body, footer) = bands(area);
    let places = Screen { header, footer, ..Screen::default() };
    let layout = &app.stage.layout;
    match (app.stage.zoom, Arrangement::of(area)) {
        (Zoom::Pane, _) => zoomed(places, body, app.stage.focus),
        (Zoom::Off, Arrangement::Narrow) => narrow(places, body, layout, app.stage.focus, app.stage.companion),
        (Zoom::Off, Arrangement::Wide) => wide(places, body, layout, app.region_count()),
        (Zoom::Off, Arrangement::Grand) => grand(places, body, layout, app.region_count()),
    }
}

/// The border at a cell, if it can be moved: the last cells of the one pane and the first of the other.
pub fn border_at(area: Area, app: &App, column: u16, row: u16) -> Option<Border> {
    if app.stage.zoom == Zoom::Pane || is_too_small(area) {
        return None;
    }
    let screen = screen(area, app);
    let at_edge = |border: &&Border| {
        let (one, other, along) = sides(&screen, **border);
        let (reached, first) = match **border {
            Border::List | Border::Middle => (column, other.x),
            Border::Regions | Border::Detail | Border::Stack => (row, other.y),
        };
        let inside = one.contains(column, row) || along.iter().any(|area| area.contains(column, row));
        first > 0 && inside && (reached + 1 == first || reached == first)
    };
    Arrangement::of(area).borders().iter().find(at_edge).copied()
}

/// The layout after a border was moved to a cell.
pub fn move_border(area: Area, app: &App, border: Border, (column, row): (u16, u16)) -> PaneLayout {
    let (_, body, _) = bands(area);
    let screen = screen(area, app);
    let mut layout = app.stage.layout;
    let (across, down) = (column.saturating_add(1), row.saturating_add(1));
    match border {
        Border::List => layout.list = Some(share(across.saturating_sub(body.x), body.width)),
        Border::Middle => {
            let rest = screen.detail.width + screen.console.width;
            layout.middle = Some(share(across.saturating_sub(screen.detail.x), rest));
        }
        Border::Regions => layout.regions = Some(share(down.saturating_sub(body.y), body.height)),
        Border::Detail => layout.detail = Some(share(down.saturating_sub(body.y), body.height)),
        Border::Stack => layout.stack = Some(share(down.saturating_sub(body.y), body.height)),
    }
    layout
}

/// The border that makes a pane wider or narrower, and whether the pane lies before it.
pub fn upright_border(area: Area, pane: Pane) -> Option<(Border, Side)> {
    match (Arrangement::of(area), pane) {
        (Arrangement::Narrow, _) => None,
        (_, Pane::Credentials) | (Arrangement::Wide, Pane::Regions) => Some((Border::List, Side::Before)),
        (Arrangement::Wide, _) => Some((Border::List, Side::Behind)),
        (Arrangement::Grand, Pane::Console) => Some((Border::Middle, Side::Behind)),
        (Arrangement::Grand, _) => Some((Border::Middle, Side::Before)),
    }
}

/// The border that makes a pane taller or shorter, and whether the pane lies before it.
pub fn level_border(area: Area, pane: Pane) -> Option<(Border, Side)> {
    match (Arrangement::of(area), pane) {
        (Arrangement::Narrow, Pane::Credentials) => Some((Border::Stack, Side::Before)),
        (Arrangement::Narrow, _) => Some((Border::Stack, Side::Behind)),
        (Arrangement::Wide, Pane::Credentials) => Some((Border::Regions, Side::Before)),
        (Arrangement::Wide, Pane::Regions) => Some((Border::Regions, Side::Behind)),
        (_, Pane::Detail) => Some((Border::Detail, Side::Before)),
        (Arrangement::Wide, Pane::Console) | (Arrangement::Grand, Pane::Regions) => Some((Border::Detail, Side::Behind)),
        (Arrangement::Grand, Pane::Credentials | Pane::Console) => None,
    }
}

/// The cell at which a border is now: the last of the pane before it.
pub fn place_of(area: Area, app: &App, border: Border) -> (u16, u16) {
    let (one, _, _) = sides(&screen(area, app), border);
    (one.x + one.width.saturating_sub(1), one.y + one.height.saturating_sub(1))
}

/// On which side of a border something lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// To the left of it, or above.
    Before,
    /// To the right of it, or below.
    Behind,
}

/// The pane before a border, the one behind it, and all that lie along it.
fn sides(screen: &Screen, border: Border) -> (Area, Area, [Area; 4]) {
    let Screen { credentials, detail, regions, console, horizon, .. } = *screen;
    let other = [detail, regions, console].into_iter().find(|area| !area.is_empty()).unwrap_or_default();
    match border {
        Border::List => (credentials, detail, [credentials, regions, detail, console]),
        Border::Regions => (credentials, regions, [credentials, regions, regions, regions]),
        Border::Detail if regions.x == detail.x => (detail, regions, [detail, regions, regions, regions]),
        Border::Detail => (detail, console, [detail, console, console, console]),
        Border::Middle => (detail, console, [detail, regions, horizon, console]),
        Border::Stack => (credentials, other, [credentials, other, other, other]),
    }
}

fn bands(area: Area) -> (Area, Area, Area) {
    let (header, rest) = area.split_top(1);
    let (body, footer) = rest.split_top(rest.height.saturating_sub(1));
    (header, body, footer)
}

fn share(part: u16, whole: u16) -> u16 {
    // Rounded up, so that what is rounded down when it is applied comes out at the same cell.
    let share = (u32::from(part) * WHOLE).div_ceil(u32::from(whole.max(1)));
    u16::try_from(share.min(WHOLE)).unwrap_or(0)
}

/// How much of `whole` goes to the first of two: its share where a person has set one, and then always so much that
/// both have the least they need.
fn first_of_two(whole: u16, share: Option<u16>, usual: u16, (least, least_behind): (u16, u16)) -> u16 {
    let wanted = share.map(|share| u16::try_from(u32::from(whole) * u32::from(share) / WHOLE).unwrap_or(whole));
    wanted.map_or(usual, |wanted| wanted.min(whole.saturating_sub(least_behind)).max(least)).min(whole)
}

fn zoomed(places: Screen, body: Area, focus: Pane) -> Screen {
    match focus {
        Pane::Credentials => Screen { credentials: body, ..places },
        Pane::Detail => Screen { detail: body, ..places },
        Pane::Regions => Screen { regions: body, ..places },
        Pane::Console => Screen { console: body, ..places },
    }
}

fn wide(places: Screen, body: Area, layout: &PaneLayout, regions: usize) -> Screen {
    let (left, right) = body.split_left(first_of_two(body.width, layout.list, (body.width / 8 * 3).clamp(32, 72), COLUMNS));
    let usual = left.height - region_rows(regions).min(left.height / 3);
    let (credentials, regions) = left.split_top(first_of_two(left.height, layout.regions, usual, ROWS));
    let usual = (body.height / 3).clamp(6, 11);
    let (detail, console) = right.split_top(first_of_two(right.height, layout.detail, usual, ROWS));
    Screen { credentials, detail, regions, console, ..places }
}

fn grand(places: Screen, body: Area, layout: &PaneLayout, regions: usize) -> Screen {
    let usual = (body.width / 4).clamp(44, 72);
    let (credentials, rest) = body.split_left(first_of_two(body.width, layout.list, usual, THREE_COLUMNS));
    let usual = (rest.width * 2 / 5).clamp(56, 88);
    let (middle, console) = rest.split_left(first_of_two(rest.width, layout.middle, usual, COLUMNS));
    let usual = (body.height / 3).clamp(9, 18);
    let (detail, below) = middle.split_top(first_of_two(middle.height, layout.detail, usual, ROWS));
    let rows = region_rows(regions);
    if body.height < HORIZON || below.height < rows + ROWS.0 + ROWS.1 {
        return Screen { credentials, detail, regions: below, console, ..places };
    }
    let (regions, horizon) = below.split_top(rows.max(ROWS.0));
    Screen { credentials, detail, regions, horizon, console, ..places }
}

/// The rows that so many regions would like to have.
fn region_rows(regions: usize) -> u16 {
    u16::try_from(regions).unwrap_or(u16::MAX).clamp(3, 8) + 2
}

fn narrow(places: Screen, body: Area, layout: &PaneLayout, focus: Pane, companion: Pane) -> Screen {
    let fifths = if focus == Pane::Credentials { 3 } else { 2 };
    let usual = (body.height * fifths / 5).max(5);
    let (credentials, other) = body.split_top(first_of_two(body.height, layout.stack, usual, ROWS));
    match companion {
        Pane::Regions => Screen { credentials, regions: other, ..places },
        Pane::Console => Screen { credentials, console: other, ..places },
        Pane::Credentials | Pane::Detail => Screen { credentials, detail: other, ..places },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::samples::Session;
    use super::*;

    fn areas(screen: &Screen) -> Vec<Area> {
        let Screen { header, credentials, detail, regions, horizon, console, footer } = *screen;
        vec![header, credentials, detail, regions, horizon, console, footer]
    }

    fn meet(one: Area, other: Area) -> bool {
        let beside = one.x + one.width <= other.x || other.x + other.width <= one.x;
        let above = one.y + one.height <= other.y || other.y + other.height <= one.y;
        !one.is_empty() && !other.is_empty() && !beside && !above
    }

    /// Every cell of the terminal belongs to one area.
    fn assert_tiled(session: &Session) {
        let area = session.app.stage.area;
        let areas = areas(&session.app.screen());
        for (at, one) in areas.iter().enumerate() {
            assert!(one.x + one.width <= area.width && one.y + one.height <= area.height, "{one:?} of {area:?}");
            assert!(areas[at + 1..].iter().all(|other| !meet(*one, *other)), "{areas:?}");
        }
        let cells: u32 = areas.iter().map(|area| u32::from(area.width) * u32::from(area.height)).sum();
        assert_eq!(cells, u32::from(area.width) * u32::from(area.height), "{areas:?}");
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
        #[test]
        fn nothing_overlaps_and_nothing_is_left_over(
            columns in 1_u16..320, rows in 1_u16..100,
            shares in proptest::array::uniform5(proptest::option::of(0_u16..1200)),
            keys in proptest::sample::select(vec!["1", "2", "3", "4", "Z", "2 Z", "4 Z"]),
        ) {
            let mut session = Session::new(columns, rows);
            let [list, regions, detail, middle, stack] = shares;
            session.app.stage.layout = PaneLayout { list, regions, detail, middle, stack };
            session.press(keys);
            assert_tiled(&session);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
        #[test]
        fn no_first_frame_shows_more_lines_than_are_read_for_it(
            columns in 1_u16..320, rows in 1_u16..100,
            list in proptest::option::of(0_u16..1200), regions in proptest::option::of(0_u16..1200),
            stack in proptest::option::of(0_u16..1200),
        ) {
            let mut session = Session::new(columns, rows);
            session.app.stage.layout = PaneLayout { list, regions, stack, ..PaneLayout::default() };
            let shown = session.app.screen().credentials.inner().height;
            prop_assert!(shown <= most_lines(session.app.stage.area, &session.app.stage.layout));
        }
    }

    #[test]
    fn every_usual_size_is_tiled_and_shows_the_panes_it_has_room_for() {
        for (columns, rows, panes) in [(60, 16, 2), (80, 24, 4), (120, 36, 4), (200, 50, 5), (300, 80, 5)] {
            let session = Session::new(columns, rows);
            assert_tiled(&session);
            let shown = areas(&session.app.screen()).iter().filter(|area| !area.is_empty()).count() - 2;
            assert_eq!(shown, panes, "{columns}x{rows}");
        }
    }

    #[test]
    fn a_moved_border_is_where_it_was_put_and_found_there() {
        for (size, border, to) in [
            ((120, 36), Border::List, (60, 10)),
            ((120, 36), Border::Regions, (5, 20)),
            ((120, 36), Border::Detail, (90, 20)),
            ((200, 50), Border::Middle, (110, 20)),
            ((60, 16), Border::Stack, (9, 8)),
        ] {
            let mut session = Session::new(size.0, size.1);
            let area = session.app.stage.area;
            session.app.stage.layout = move_border(area, &session.app, border, to);
            let (column, row) = place_of(area, &session.app, border);
            let found = if matches!(border, Border::List | Border::Middle) { column.abs_diff(to.0) } else { row.abs_diff(to.1) };
            assert!(found <= 1, "{border:?} is at {column}, {row}");
            // A corner belongs to two borders; the middle of a side to one.
            let middle = if border == Border::Regions || border == Border::Stack { (column / 2, row) } else { (column, row / 2) };
            let middle = if border == Border::Detail { (column - 9, row) } else { middle };
            assert_eq!(border_at(area, &session.app, middle.0, middle.1), Some(border));
        }
    }

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
