//! Screen layout: a pure function of the terminal size and the state. Drawing and mouse hits both
//! use it, so a click always meets what is drawn. Start at [`compute_layout`].
//!
//! ```text
//!   narrow               wide (from 80×20)           three columns (from 170×24)
//!   ┌ header ───────┐   ┌ header ──────────────┐   ┌ header ─────────────────────────┐
//!   │ Credentials   │   │ Credentials │ Detail │   │ Credentials │ Detail  │ Console │
//!   ├───────────────┤   │             ├────────┤   │             ├─────────┤         │
//!   │ one other     │   ├─────────────┤ Console│   │             │ Regions │         │
//!   │ pane          │   │ Regions     │        │   │             ├─────────┤         │
//!   └ footer ───────┘   └ footer ──────────────┘   │             │ Timeline│         │
//!                                                  └ footer ─────────────────────────┘
//! ```
//!
//! The user can move the borders; a moved border is stored as a share of the screen, so it survives
//! a resize.

pub(super) mod commands;

use ratatui::layout::{Position, Rect};

use super::{App, Pane, ZoomState};
use crate::config::PaneLayout;
use crate::tui::app::widgets::split_rect::SplitRect as _;

/// Smallest usable terminal: columns and rows.
pub const MIN_TERMINAL_SIZE: (u16, u16) = (60, 16);
/// Smallest terminal that shows all panes side by side.
const MIN_WIDE_SIZE: (u16, u16) = (80, 20);
/// Smallest terminal with three columns.
const MIN_THREE_COLUMN_SIZE: (u16, u16) = (170, 24);
/// Terminal height from which the middle column shows the expiry timeline too.
const MIN_TIMELINE_HEIGHT_ROWS: u16 = 36;
/// Minimum columns left on each side of a border when it is moved.
const MIN_PANE_COLUMNS: SplitMinimum = SplitMinimum { first: 28, second: 28 };
/// Minimum columns of the list and of the two further columns together.
const MIN_LIST_AND_REST_COLUMNS: SplitMinimum = SplitMinimum { first: 28, second: 2 * 28 };
/// Minimum rows left on each side of a border when it is moved.
const MIN_PANE_ROWS: SplitMinimum = SplitMinimum { first: 5, second: 5 };
/// Denominator of a share.
const SHARE_SCALE: u32 = 1000;

/// Areas of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ScreenLayout {
    /// Top line.
    pub header: Rect,
    /// Credential list, including its border.
    pub credentials: Rect,
    /// Detail of the selected credential; empty if it does not fit.
    pub detail: Rect,
    /// Regions; empty if they do not fit.
    pub regions: Rect,
    /// Expiry timeline, on screens that have room for it.
    pub timeline: Rect,
    /// Console; empty if it does not fit.
    pub console: Rect,
    /// Bottom line.
    pub footer: Rect,
}

/// Movable border between panes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaneBorder {
    /// Between the list and the panes to its right.
    List,
    /// Between the list and the regions below it, or between the regions and the pane above them.
    Regions,
    /// Below the detail.
    Detail,
    /// Between the middle column and the console.
    Middle,
    /// Between the list and the other pane of a narrow screen.
    Stack,
}

/// Minimum sizes of the two parts of a split, in columns or rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct SplitMinimum {
    first: u16,
    second: u16,
}

/// Arrangement of the panes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LayoutMode {
    Narrow,
    Wide,
    ThreeColumns,
}

impl LayoutMode {
    const fn for_area(area: Rect) -> Self {
        if area.width >= MIN_THREE_COLUMN_SIZE.0 && area.height >= MIN_THREE_COLUMN_SIZE.1 {
            Self::ThreeColumns
        } else if area.width >= MIN_WIDE_SIZE.0 && area.height >= MIN_WIDE_SIZE.1 {
            Self::Wide
        } else {
            Self::Narrow
        }
    }

    const fn borders(self) -> &'static [PaneBorder] {
        match self {
            Self::Narrow => &[PaneBorder::Stack],
            Self::Wide => &[PaneBorder::List, PaneBorder::Regions, PaneBorder::Detail],
            Self::ThreeColumns => &[PaneBorder::List, PaneBorder::Middle, PaneBorder::Detail],
        }
    }
}

impl ScreenLayout {
    /// Returns the area of a pane.
    pub const fn pane(&self, pane: Pane) -> Rect {
        match pane {
            Pane::Credentials => self.credentials,
            Pane::Detail => self.detail,
            Pane::Regions => self.regions,
            Pane::Console => self.console,
        }
    }

    /// Returns the pane at a cell.
    pub fn pane_at(&self, column: u16, row: u16) -> Option<Pane> {
        Pane::ALL.into_iter().find(|pane| self.pane(*pane).contains(Position::new(column, row)))
    }
}

/// Whether the terminal is too small for the screen.
pub const fn is_too_small(area: Rect) -> bool {
    area.width < MIN_TERMINAL_SIZE.0 || area.height < MIN_TERMINAL_SIZE.1
}

/// Returns the maximum number of credentials that the first frame shows on a terminal of this size.
pub fn max_list_rows(area: Rect, layout: &PaneLayout) -> u16 {
    let (_, body, _) = split_bands(area);
    let places = match LayoutMode::for_area(area) {
        LayoutMode::Narrow => {
            narrow_layout(ScreenLayout::default(), body, layout, Pane::Credentials, Pane::Detail)
        }
        LayoutMode::Wide => wide_layout(ScreenLayout::default(), body, layout, 0),
        LayoutMode::ThreeColumns => three_column_layout(ScreenLayout::default(), body, layout, 0),
    };
    places.credentials.inside_border().height
}

/// Computes all areas for a terminal of this size.
pub fn compute_layout(area: Rect, app: &App) -> ScreenLayout {
    let (header, body, footer) = split_bands(area);
    let places = ScreenLayout { header, footer, ..ScreenLayout::default() };
    let layout = &app.ui_state.layout;
    match (app.ui_state.zoom, LayoutMode::for_area(area)) {
        (ZoomState::Pane, _) => zoomed_layout(places, body, app.ui_state.focus),
        (ZoomState::Off, LayoutMode::Narrow) => {
            narrow_layout(places, body, layout, app.ui_state.focus, app.ui_state.secondary_pane)
        }
        (ZoomState::Off, LayoutMode::Wide) => wide_layout(places, body, layout, app.region_count()),
        (ZoomState::Off, LayoutMode::ThreeColumns) => {
            three_column_layout(places, body, layout, app.region_count())
        }
    }
}

/// Returns the movable border at a cell: the last cells of one pane and the first cells of the
/// next.
pub fn border_at(area: Rect, app: &App, column: u16, row: u16) -> Option<PaneBorder> {
    if app.ui_state.zoom == ZoomState::Pane || is_too_small(area) {
        return None;
    }
    let screen = compute_layout(area, app);
    let at_edge = |border: &&PaneBorder| {
        let (one, other, along) = border_neighbors(&screen, **border);
        let (reached, first) = match **border {
            PaneBorder::List | PaneBorder::Middle => (column, other.x),
            PaneBorder::Regions | PaneBorder::Detail | PaneBorder::Stack => (row, other.y),
        };
        let inside = one.contains(Position::new(column, row))
            || along.iter().any(|area| area.contains(Position::new(column, row)));
        first > 0 && inside && (reached + 1 == first || reached == first)
    };
    LayoutMode::for_area(area).borders().iter().find(at_edge).copied()
}

/// Returns the layout after a border was moved to a cell.
pub fn move_border(area: Rect, app: &App, border: PaneBorder, column: u16, row: u16) -> PaneLayout {
    let (_, body, _) = split_bands(area);
    let screen = compute_layout(area, app);
    let mut layout = app.ui_state.layout;
    let (across, down) = (column.saturating_add(1), row.saturating_add(1));
    match border {
        PaneBorder::List => layout.list = Some(to_share(across.saturating_sub(body.x), body.width)),
        PaneBorder::Middle => {
            let rest = screen.detail.width + screen.console.width;
            layout.middle = Some(to_share(across.saturating_sub(screen.detail.x), rest));
        }
        PaneBorder::Regions => {
            layout.regions = Some(to_share(down.saturating_sub(body.y), body.height));
        }
        PaneBorder::Detail => {
            layout.detail = Some(to_share(down.saturating_sub(body.y), body.height));
        }
        PaneBorder::Stack => {
            layout.stack = Some(to_share(down.saturating_sub(body.y), body.height));
        }
    }
    layout
}

/// Returns the border that changes the width of a pane, and on which side of it the pane is.
pub fn vertical_border(area: Rect, pane: Pane) -> Option<(PaneBorder, BorderSide)> {
    match (LayoutMode::for_area(area), pane) {
        (LayoutMode::Narrow, _) => None,
        (_, Pane::Credentials) | (LayoutMode::Wide, Pane::Regions) => {
            Some((PaneBorder::List, BorderSide::Before))
        }
        (LayoutMode::Wide, _) => Some((PaneBorder::List, BorderSide::After)),
        (LayoutMode::ThreeColumns, Pane::Console) => Some((PaneBorder::Middle, BorderSide::After)),
        (LayoutMode::ThreeColumns, _) => Some((PaneBorder::Middle, BorderSide::Before)),
    }
}

/// Returns the border that changes the height of a pane, and on which side of it the pane is.
pub fn horizontal_border(area: Rect, pane: Pane) -> Option<(PaneBorder, BorderSide)> {
    match (LayoutMode::for_area(area), pane) {
        (LayoutMode::Narrow, Pane::Credentials) => Some((PaneBorder::Stack, BorderSide::Before)),
        (LayoutMode::Narrow, _) => Some((PaneBorder::Stack, BorderSide::After)),
        (LayoutMode::Wide, Pane::Credentials) => Some((PaneBorder::Regions, BorderSide::Before)),
        (LayoutMode::Wide, Pane::Regions) => Some((PaneBorder::Regions, BorderSide::After)),
        (_, Pane::Detail) => Some((PaneBorder::Detail, BorderSide::Before)),
        (LayoutMode::Wide, Pane::Console) | (LayoutMode::ThreeColumns, Pane::Regions) => {
            Some((PaneBorder::Detail, BorderSide::After))
        }
        (LayoutMode::ThreeColumns, Pane::Credentials | Pane::Console) => None,
    }
}

/// Returns the cell of a border: the last one of the pane before it.
pub fn border_position(area: Rect, app: &App, border: PaneBorder) -> (u16, u16) {
    let (one, _, _) = border_neighbors(&compute_layout(area, app), border);
    (one.x + one.width.saturating_sub(1), one.y + one.height.saturating_sub(1))
}

/// Side of a border.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BorderSide {
    /// Left of the border, or above it.
    Before,
    /// Right of the border, or below it.
    After,
}

/// Returns the pane before a border, the pane after it, and the area that the border runs through.
fn border_neighbors(screen: &ScreenLayout, border: PaneBorder) -> (Rect, Rect, [Rect; 4]) {
    let ScreenLayout { credentials, detail, regions, console, timeline, .. } = *screen;
    let other =
        [detail, regions, console].into_iter().find(|area| !area.is_empty()).unwrap_or_default();
    match border {
        PaneBorder::List => (credentials, detail, [credentials, regions, detail, console]),
        PaneBorder::Regions => (credentials, regions, [credentials, regions, regions, regions]),
        PaneBorder::Detail if regions.x == detail.x => {
            (detail, regions, [detail, regions, regions, regions])
        }
        PaneBorder::Detail => (detail, console, [detail, console, console, console]),
        PaneBorder::Middle => (detail, console, [detail, regions, timeline, console]),
        PaneBorder::Stack => (credentials, other, [credentials, other, other, other]),
    }
}

fn split_bands(area: Rect) -> (Rect, Rect, Rect) {
    let (header, rest) = area.split_top(1);
    let (body, footer) = rest.split_top(rest.height.saturating_sub(1));
    (header, body, footer)
}

fn to_share(part: u16, whole: u16) -> u16 {
    // Rounded up, because applying the share rounds down and must yield the same cell.
    let share = (u32::from(part) * SHARE_SCALE).div_ceil(u32::from(whole.max(1)));
    u16::try_from(share.min(SHARE_SCALE)).unwrap_or(0)
}

/// Returns how much of `whole` the first of two panes gets: the user's share if set, else the
/// default, limited so that both panes keep their minimum.
fn first_part_size(whole: u16, share: Option<u16>, usual: u16, minimum: SplitMinimum) -> u16 {
    let wanted = share.map(|share| {
        u16::try_from(u32::from(whole) * u32::from(share) / SHARE_SCALE).unwrap_or(whole)
    });
    wanted
        .map_or(usual, |wanted| wanted.min(whole.saturating_sub(minimum.second)).max(minimum.first))
        .min(whole)
}

fn zoomed_layout(places: ScreenLayout, body: Rect, focus: Pane) -> ScreenLayout {
    match focus {
        Pane::Credentials => ScreenLayout { credentials: body, ..places },
        Pane::Detail => ScreenLayout { detail: body, ..places },
        Pane::Regions => ScreenLayout { regions: body, ..places },
        Pane::Console => ScreenLayout { console: body, ..places },
    }
}

fn wide_layout(
    places: ScreenLayout,
    body: Rect,
    layout: &PaneLayout,
    regions: usize,
) -> ScreenLayout {
    let (left, right) = body.split_left(first_part_size(
        body.width,
        layout.list,
        (body.width / 8 * 3).clamp(32, 72),
        MIN_PANE_COLUMNS,
    ));
    let usual = left.height - region_rows(regions).min(left.height / 3);
    let (credentials, regions) =
        left.split_top(first_part_size(left.height, layout.regions, usual, MIN_PANE_ROWS));
    let usual = (body.height / 3).clamp(6, 11);
    let (detail, console) =
        right.split_top(first_part_size(right.height, layout.detail, usual, MIN_PANE_ROWS));
    ScreenLayout { credentials, detail, regions, console, ..places }
}

fn three_column_layout(
    places: ScreenLayout,
    body: Rect,
    layout: &PaneLayout,
    regions: usize,
) -> ScreenLayout {
    let usual = (body.width / 4).clamp(44, 72);
    let (credentials, rest) =
        body.split_left(first_part_size(body.width, layout.list, usual, MIN_LIST_AND_REST_COLUMNS));
    let usual = (rest.width * 2 / 5).clamp(56, 88);
    let (middle, console) =
        rest.split_left(first_part_size(rest.width, layout.middle, usual, MIN_PANE_COLUMNS));
    let usual = (body.height / 3).clamp(9, 18);
    let (detail, below) =
        middle.split_top(first_part_size(middle.height, layout.detail, usual, MIN_PANE_ROWS));
    let rows = region_rows(regions);
    if body.height < MIN_TIMELINE_HEIGHT_ROWS
        || below.height < rows + MIN_PANE_ROWS.first + MIN_PANE_ROWS.second
    {
        return ScreenLayout { credentials, detail, regions: below, console, ..places };
    }
    let (regions, timeline) = below.split_top(rows.max(MIN_PANE_ROWS.first));
    ScreenLayout { credentials, detail, regions, timeline, console, ..places }
}

/// Number of rows that a pane with this many regions prefers.
fn region_rows(regions: usize) -> u16 {
    u16::try_from(regions).unwrap_or(u16::MAX).clamp(3, 8) + 2
}

fn narrow_layout(
    places: ScreenLayout,
    body: Rect,
    layout: &PaneLayout,
    focus: Pane,
    companion: Pane,
) -> ScreenLayout {
    let fifths = if focus == Pane::Credentials { 3 } else { 2 };
    let usual = (body.height * fifths / 5).max(5);
    let (credentials, other) =
        body.split_top(first_part_size(body.height, layout.stack, usual, MIN_PANE_ROWS));
    match companion {
        Pane::Regions => ScreenLayout { credentials, regions: other, ..places },
        Pane::Console => ScreenLayout { credentials, console: other, ..places },
        Pane::Credentials | Pane::Detail => ScreenLayout { credentials, detail: other, ..places },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::samples::TestSession;
    use super::*;

    fn areas(screen: &ScreenLayout) -> Vec<Rect> {
        let ScreenLayout { header, credentials, detail, regions, timeline, console, footer } =
            *screen;
        vec![header, credentials, detail, regions, timeline, console, footer]
    }

    fn meet(one: Rect, other: Rect) -> bool {
        let beside = one.x + one.width <= other.x || other.x + other.width <= one.x;
        let above = one.y + one.height <= other.y || other.y + other.height <= one.y;
        !one.is_empty() && !other.is_empty() && !beside && !above
    }

    /// Checks that every cell of the terminal belongs to one area.
    fn assert_tiled(session: &TestSession) {
        let area = session.app.ui_state.area;
        let areas = areas(&session.app.screen_layout());
        for (at, one) in areas.iter().enumerate() {
            assert!(
                one.x + one.width <= area.width && one.y + one.height <= area.height,
                "{one:?} of {area:?}"
            );
            assert!(areas[at + 1..].iter().all(|other| !meet(*one, *other)), "{areas:?}");
        }
        let cells: u32 =
            areas.iter().map(|area| u32::from(area.width) * u32::from(area.height)).sum();
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
            let mut session = TestSession::new(columns, rows);
            let [list, regions, detail, middle, stack] = shares;
            session.app.ui_state.layout = PaneLayout { list, regions, detail, middle, stack };
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
            let mut session = TestSession::new(columns, rows);
            session.app.ui_state.layout = PaneLayout { list, regions, stack, ..PaneLayout::default() };
            let shown = session.app.screen_layout().credentials.inside_border().height;
            prop_assert!(shown <= max_list_rows(session.app.ui_state.area, &session.app.ui_state.layout));
        }
    }

    #[test]
    fn every_usual_size_is_tiled_and_shows_the_panes_it_has_room_for() {
        for (columns, rows, panes) in
            [(60, 16, 2), (80, 24, 4), (120, 36, 4), (200, 50, 5), (300, 80, 5)]
        {
            let session = TestSession::new(columns, rows);
            assert_tiled(&session);
            let shown =
                areas(&session.app.screen_layout()).iter().filter(|area| !area.is_empty()).count()
                    - 2;
            assert_eq!(shown, panes, "{columns}x{rows}");
        }
    }

    #[test]
    fn a_moved_border_is_where_it_was_put_and_found_there() {
        for (size, border, to) in [
            ((120, 36), PaneBorder::List, (60, 10)),
            ((120, 36), PaneBorder::Regions, (5, 20)),
            ((120, 36), PaneBorder::Detail, (90, 20)),
            ((200, 50), PaneBorder::Middle, (110, 20)),
            ((60, 16), PaneBorder::Stack, (9, 8)),
        ] {
            let mut session = TestSession::new(size.0, size.1);
            let area = session.app.ui_state.area;
            session.app.ui_state.layout = move_border(area, &session.app, border, to.0, to.1);
            let (column, row) = border_position(area, &session.app, border);
            let found = if matches!(border, PaneBorder::List | PaneBorder::Middle) {
                column.abs_diff(to.0)
            } else {
                row.abs_diff(to.1)
            };
            assert!(found <= 1, "{border:?} is at {column}, {row}");
            // A corner belongs to two borders, so the test uses the middle of a side.
            let middle = if border == PaneBorder::Regions || border == PaneBorder::Stack {
                (column / 2, row)
            } else {
                (column, row / 2)
            };
            let middle = if border == PaneBorder::Detail { (column - 9, row) } else { middle };
            assert_eq!(border_at(area, &session.app, middle.0, middle.1), Some(border));
        }
    }
}
