//! Wrapping of text at word boundaries, and with a hanging indentation.
//!
//! Start at [`wrap`].

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Maximum width of a leading word that wrapped lines are indented behind.
const MAX_HANGING_LABEL_COLUMNS: usize = 4;

/// Splits a text into pieces of at most `columns` columns, at word boundaries where possible.
pub fn wrap(text: &str, columns: usize) -> Vec<&str> {
    text.lines().flat_map(|line| wrap_line(line, columns.max(1))).collect()
}

fn wrap_line(line: &str, columns: usize) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = line;
    while rest.width() > columns {
        let end = fitting_bytes(rest, columns);
        let blank = rest[..end].rfind(' ').filter(|at| *at > 0);
        let cut = if rest[end..].starts_with(' ') { end } else { blank.unwrap_or(end) };
        pieces.push(&rest[..cut]);
        rest = rest[cut..].trim_start_matches(' ');
    }
    if !rest.is_empty() || pieces.is_empty() {
        pieces.push(rest);
    }
    pieces
}

/// Number of bytes that fit into `columns` columns; at least one character, so that wrapping
/// terminates.
fn fitting_bytes(text: &str, columns: usize) -> usize {
    let mut used = 0;
    let beyond = |(_, c): &(usize, char)| {
        used += c.width().unwrap_or(0);
        used > columns
    };
    let end = text.char_indices().find(beyond).map_or(text.len(), |(at, _)| at);
    let first = text.chars().next().map_or(0, char::len_utf8);
    end.max(first)
}

/// Splits a line into pieces, each with its indentation: aligned with the first word of the text.
pub(super) fn wrap_indented(line: &str, columns: usize) -> Vec<(u16, &str)> {
    let by = hanging_indent(line);
    if line.width() <= columns || by == 0 || by * 2 > columns {
        return wrap_line(line, columns.max(1)).into_iter().map(|piece| (0, piece)).collect();
    }
    let first = wrap_line(line, columns)[0];
    let rest = wrap_line(line[first.len()..].trim_start_matches(' '), columns - by);
    let indented = u16::try_from(by).unwrap_or(0);
    std::iter::once((0, first)).chain(rest.into_iter().map(|piece| (indented, piece))).collect()
}

/// Returns the column where the text of a line begins: after leading blanks, and after a symbol or
/// a short word followed by blanks or a colon.
fn hanging_indent(line: &str) -> usize {
    let blanks = line.len() - line.trim_start_matches(' ').len();
    let words = &line[blanks..];
    let named = words
        .split_once(' ')
        .map(|(word, _)| word)
        .filter(|word| word.ends_with(':') || is_symbol(word));
    let word = named.or_else(|| words.split("  ").next()).unwrap_or_default();
    let behind = &line[blanks + word.len()..];
    let gap = behind.len() - behind.trim_start_matches(' ').len();
    if (gap > 1 || named.is_some())
        && word.width() <= MAX_HANGING_LABEL_COLUMNS
        && !behind.trim().is_empty()
    {
        blanks + word.width() + gap
    } else {
        blanks
    }
}

/// Whether a word is a single symbol.
fn is_symbol(word: &str) -> bool {
    word.chars().count() == 1 && !word.contains(char::is_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_wrapped_between_words_and_by_cells() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrap("日本語", 4), ["日本", "語"]);
        assert_eq!(wrap("日", 1), ["日"]);
        assert_eq!(wrap("a\n\nb", 9), ["a", "", "b"]);
    }

    #[test]
    fn continuation_lines_are_indented_like_the_words_they_continue() {
        let pieces = |text| {
            wrap_indented(text, 14)
                .into_iter()
                .map(|(by, piece)| format!("{:by$}{piece}", "", by = by.into()))
                .collect::<Vec<_>>()
        };
        assert_eq!(pieces("warn  one two three"), ["warn  one two", "      three"]);
        assert_eq!(pieces("  one two three"), ["  one two", "  three"]);
        assert_eq!(pieces("  ? one two three"), ["  ? one two", "    three"]);
        assert_eq!(pieces("Why: one two three"), ["Why: one two", "     three"]);
        assert_eq!(pieces("one two three four"), ["one two three", "four"]);
    }
}
