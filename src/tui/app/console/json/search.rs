//! Case-insensitive plain-text search in a document.
//!
//! Start at [`SearchPattern::matches`]; the cursor moves between matches in `mod.rs`.

use std::ops::Range;

/// Text to search for.
#[derive(Debug)]
pub(super) struct SearchPattern {
    text: String,
}

/// Search over a document: the pattern and the matching lines.
#[derive(Debug)]
pub(super) struct DocumentSearch {
    pub(super) pattern: SearchPattern,
    /// Matching lines, in order.
    pub(super) lines: Vec<usize>,
}

impl SearchPattern {
    /// Creates a pattern; `None` if the text is empty.
    pub(super) fn new(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| Self { text: text.to_lowercase() })
    }

    /// Returns all matches in a text, without overlaps.
    pub(super) fn matches<'a>(
        &'a self,
        text: &'a str,
    ) -> impl Iterator<Item = Range<usize>> + use<'a> {
        let mut from = 0;
        std::iter::from_fn(move || {
            let found = self.find(text, from)?;
            from = found.end;
            Some(found)
        })
    }

    /// Returns the first match at or after `from`.
    pub(super) fn find(&self, text: &str, from: usize) -> Option<Range<usize>> {
        if self.text.is_ascii() {
            self.find_ascii(text.as_bytes(), from)
        } else {
            self.find_unicode(text, from)
        }
    }

    /// Byte-wise search: an ASCII byte never occurs inside a multi-byte character.
    fn find_ascii(&self, bytes: &[u8], from: usize) -> Option<Range<usize>> {
        let needle = self.text.as_bytes();
        let last = bytes.len().checked_sub(needle.len())?;
        let (lower, upper) = (needle[0], needle[0].to_ascii_uppercase());
        let mut at = from;
        while at <= last {
            at += bytes[at..=last].iter().position(|byte| *byte == lower || *byte == upper)?;
            let end = at + needle.len();
            if bytes[at..end].eq_ignore_ascii_case(needle) {
                return Some(at..end);
            }
            at += 1;
        }
        None
    }

    fn find_unicode(&self, text: &str, from: usize) -> Option<Range<usize>> {
        text.get(from..)?.char_indices().find_map(|(at, _)| {
            let start = from + at;
            self.match_length(&text[start..]).map(|length| start..start + length)
        })
    }

    /// Returns the length of the match at the start of `text`.
    fn match_length(&self, text: &str) -> Option<usize> {
        let mut needle = self.text.chars();
        let mut wanted = needle.next();
        for (at, c) in text.char_indices() {
            if wanted.is_none() {
                return Some(at);
            }
            for lower in c.to_lowercase() {
                if wanted != Some(lower) {
                    return None;
                }
                wanted = needle.next();
            }
        }
        wanted.is_none().then_some(text.len())
    }
}
