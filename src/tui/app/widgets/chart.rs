//! Text charts: bars and scrollbar thumbs. All of them are readable without color.
//!
//! The functions are pure: numbers and a [`GlyphSet`] in, text out. What is charted is decided by
//! callers such as `expiry_timeline.rs`.

use crate::config::theme::{GlyphSet, StyleRole};

/// Pieces of one line, each with its own role.
pub type StyledSpans = Vec<(StyleRole, String)>;

/// Renders a bar of `columns` columns that is filled by `part` of `whole`.
pub fn progress_bar(glyphs: &GlyphSet, part: u64, whole: u64, columns: usize) -> (String, String) {
    let whole = whole.max(1);
    let wide = u64::try_from(columns).unwrap_or(u64::MAX);
    let share = part.min(whole).saturating_mul(wide).saturating_add(whole / 2) / whole;
    // A bar that has started is not shown empty, and one that has not finished is not shown full.
    let least = u64::from(part > 0).min(wide);
    let share = share.clamp(least, wide.saturating_sub(u64::from(part < whole)).max(least));
    let full = usize::try_from(share).unwrap_or(columns).min(columns);
    (glyphs.bar_filled.repeat(full), glyphs.bar_empty.repeat(columns - full))
}

/// Returns the offset and length of a scrollbar thumb, or `None` where the whole list is visible.
/// The thumb reaches the bottom only when the list is at its end.
pub fn scrollbar_thumb(top: usize, lines: usize, rows: usize) -> Option<(usize, usize)> {
    let hidden = rows.checked_sub(lines).filter(|hidden| *hidden > 0 && lines > 0)?;
    let length = (lines * lines / rows).clamp(1, lines);
    let room = lines - length;
    let at =
        (top * room).div_ceil(hidden).min(if top < hidden { room.saturating_sub(1) } else { room });
    Some((at, length))
}

/// Truncates or pads a text to exactly `columns` columns.
pub fn fit_text(text: &str, columns: usize, ellipsis: &str) -> String {
    use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};
    if text.width() <= columns {
        return format!("{text}{}", " ".repeat(columns - text.width()));
    }
    let room = columns.saturating_sub(ellipsis.width());
    let mut used = 0;
    let fits = |c: &char| {
        used += c.width().unwrap_or(0);
        used <= room
    };
    let truncated: String = text.chars().take_while(fits).collect();
    let end = if columns == 0 { "" } else { ellipsis };
    let width = truncated.width() + end.width();
    format!("{truncated}{end}{}", " ".repeat(columns.saturating_sub(width)))
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr as _;

    use super::*;

    const SIGNS: &GlyphSet = &GlyphSet::UNICODE;

    #[test]
    fn a_bar_is_as_full_as_its_part_and_honest_at_its_ends() {
        let drawn = |part, whole| {
            let (full, empty) = progress_bar(SIGNS, part, whole, 10);
            format!("{full}{empty}")
        };
        assert_eq!(drawn(5, 10), "█████░░░░░");
        assert_eq!(drawn(1, 1_000), "█░░░░░░░░░", "it has begun");
        assert_eq!(drawn(999, 1_000), "█████████░", "it is not over");
        assert_eq!(
            [drawn(0, 9), drawn(9, 9), drawn(20, 9), drawn(0, 0)],
            ["░".repeat(10), "█".repeat(10), "█".repeat(10), "░".repeat(10)]
        );
        assert_eq!(progress_bar(SIGNS, 1, 2, 0), (String::new(), String::new()));
    }

    #[test]
    fn a_thumb_is_at_an_end_only_where_the_list_is() {
        assert_eq!(
            [scrollbar_thumb(0, 10, 10), scrollbar_thumb(0, 10, 3), scrollbar_thumb(0, 0, 9)],
            [None; 3]
        );
        assert_eq!(
            [
                scrollbar_thumb(0, 10, 40),
                scrollbar_thumb(1, 10, 40),
                scrollbar_thumb(29, 10, 40),
                scrollbar_thumb(30, 10, 40)
            ]
            .map(Option::unwrap),
            [(0, 2), (1, 2), (7, 2), (8, 2)]
        );
        for rows in 2..200 {
            for top in 0..rows - 1 {
                let (at, length) = scrollbar_thumb(top, 1, rows).unwrap();
                assert_eq!((at, length), (0, 1));
            }
        }
    }

    #[test]
    fn a_fitted_text_has_exactly_its_columns() {
        for text in ["", "abc", "日本語", "a日本語", "👩‍💻 ci", "ünï"] {
            for columns in 0..9 {
                assert_eq!(fit_text(text, columns, "…").width(), columns, "{text} in {columns}");
            }
        }
    }
}
