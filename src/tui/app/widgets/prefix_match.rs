//! Ranking of fuzzy matches: a text, or a word of it, that begins with the typed text comes first.

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
