//! Widgets of dialogs and panes: forms, text areas, secret fields, charts.
//!
//! Cursor of a list: its motions, and which part of the list is visible.
//!
//! Ranking of fuzzy matches: a text, or a word of it, that begins with the typed text comes first.

pub mod chart;
pub mod dialog_view;
pub mod form;
pub mod secret_input;
pub mod split_rect;
pub mod text_area;
pub mod text_wrap;

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

/// Part of a text that begins with the typed text, the weakest match first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PrefixMatch {
    /// No part does: the letters match elsewhere.
    Nowhere,
    /// A word does.
    Word,
    /// The whole text does.
    WholeText,
}

/// Returns the part of `text` that begins with `typed`, ignoring the case of ASCII letters.
pub fn find_prefix_match(text: &str, typed: &str) -> PrefixMatch {
    let starts =
        |part: &str| part.get(..typed.len()).is_some_and(|start| start.eq_ignore_ascii_case(typed));
    let mut separators = text.match_indices(['-', '_', '.', ' ', '/']);
    if starts(text) {
        PrefixMatch::WholeText
    } else if separators.any(|(at, _)| starts(&text[at + 1..])) {
        PrefixMatch::Word
    } else {
        PrefixMatch::Nowhere
    }
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

#[cfg(test)]
mod prefix_match_tests {
    use super::*;

    #[test]
    fn words_begin_after_separators() {
        for (text, start) in [
            ("Production-key", PrefixMatch::WholeText),
            ("ci-prod", PrefixMatch::Word),
            ("show the Product", PrefixMatch::Word),
            ("ciprod", PrefixMatch::Nowhere),
            ("pro", PrefixMatch::Nowhere),
            ("é-prod", PrefixMatch::Word),
        ] {
            assert_eq!(find_prefix_match(text, "prod"), start, "{text}");
        }
    }
}
