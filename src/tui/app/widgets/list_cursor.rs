//! Cursor of a list: its motions, and which part of the list is visible.

use crate::tui::app::command::CursorMotion;

/// Returns the cursor after a motion in a list whose last row is `last`.
pub fn moved_cursor(cursor: usize, motion: CursorMotion, page: usize, last: usize) -> usize {
    match motion {
        CursorMotion::Up => cursor.saturating_sub(1),
        CursorMotion::Down => cursor.saturating_add(1).min(last),
        CursorMotion::Top => 0,
        CursorMotion::Bottom => last,
        CursorMotion::PageUp => cursor.saturating_sub(page.max(1)),
        CursorMotion::PageDown => cursor.saturating_add(page.max(1)).min(last),
    }
}

/// Returns the first line to draw so that `cursor` is visible, scrolling as little as possible and
/// leaving no gap at the end.
pub fn scroll_offset(top: usize, cursor: usize, lines: usize, total: usize) -> usize {
    let lines = lines.max(1);
    let lowest = cursor.saturating_sub(lines - 1);
    top.clamp(lowest, cursor.max(lowest)).min(total.saturating_sub(lines))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scrolling_moves_as_little_as_possible() {
        assert_eq!(
            [
                scroll_offset(0, 4, 5, 9),
                scroll_offset(0, 5, 5, 9),
                scroll_offset(4, 3, 5, 9),
                scroll_offset(9, 8, 5, 9),
                scroll_offset(3, 0, 5, 2)
            ],
            [0, 1, 3, 4, 0]
        );
        assert_eq!(scroll_offset(0, 0, 0, 0), 0);
    }
}
