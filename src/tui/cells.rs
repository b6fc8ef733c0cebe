//! Display width of text in terminal cells.

use unicode_width::UnicodeWidthStr as _;

/// Returns how many cells a text takes.
pub(super) fn display_width(text: &str) -> usize {
    if is_one_cell_per_char(text) { text.chars().count() } else { text.width() }
}

/// Returns whether each character of a text takes exactly one cell, whatever is next to it.
///
/// Most texts are of this kind and need no search for clusters and their widths: printable ASCII,
/// and the symbols that the screen itself uses.
pub(super) fn is_one_cell_per_char(text: &str) -> bool {
    text.chars().all(|c| matches!(c, ' '..='~' | '·' | '–' | '•' | '…' | '⏎' | '─'..='▟' | '▲' | '▸' | '▾' | '●' | '✓' | '✗'))
}

#[cfg(test)]
mod tests {
    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    use super::*;

    /// Lists the characters that are treated as one cell each.
    fn alone() -> impl Iterator<Item = char> {
        ('\0'..=char::MAX).filter(|c| is_one_cell_per_char(c.encode_utf8(&mut [0; 4])))
    }

    #[test]
    fn what_is_a_cell_of_its_own_is_so_for_the_library_too_whatever_stands_beside_it() {
        let all: String = alone().flat_map(|c| ['a', c, c, '─', c, '●', c]).collect();
        let length = u16::try_from(all.chars().count()).unwrap();
        let mut buffer = Buffer::empty(Rect::new(0, 0, length, 1));
        assert_eq!(buffer.set_stringn(0, 0, &all, usize::MAX, Style::new()), (length, 0));
        let drawn: Vec<String> =
            buffer.content.iter().map(|cell| cell.symbol().to_owned()).collect();
        assert_eq!(drawn, all.chars().map(String::from).collect::<Vec<_>>());
    }

    #[test]
    fn both_ways_to_measure_a_text_agree() {
        let all: String = alone().collect();
        assert_eq!(display_width(&all), all.width());
        assert_eq!(display_width("日本"), 4);
        assert_eq!(display_width("e\u{301}"), 1);
        assert_eq!(display_width("✓\u{fe0f}"), "✓\u{fe0f}".width());
    }
}
