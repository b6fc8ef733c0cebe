//! How a typed text starts another one: what begins with it, or has a word that does, comes before
//! other fuzzy matches.

/// Where a typed text starts, the weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WordStart {
    /// Nowhere: the letters match elsewhere.
    Elsewhere,
    /// It starts a word.
    Word,
    /// It starts the whole text.
    Text,
}

/// Returns where `typed` starts in `text`, ignoring the case of ASCII letters.
pub fn find_word_start(text: &str, typed: &str) -> WordStart {
    let starts =
        |part: &str| part.get(..typed.len()).is_some_and(|start| start.eq_ignore_ascii_case(typed));
    let mut separators = text.match_indices(['-', '_', '.', ' ', '/']);
    if starts(text) {
        WordStart::Text
    } else if separators.any(|(at, _)| starts(&text[at + 1..])) {
        WordStart::Word
    } else {
        WordStart::Elsewhere
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_begin_after_separators() {
        for (text, start) in [
            ("Production-key", WordStart::Text),
            ("ci-prod", WordStart::Word),
            ("show the Product", WordStart::Word),
            ("ciprod", WordStart::Elsewhere),
            ("pro", WordStart::Elsewhere),
            ("é-prod", WordStart::Word),
        ] {
            assert_eq!(find_word_start(text, "prod"), start, "{text}");
        }
    }
}
