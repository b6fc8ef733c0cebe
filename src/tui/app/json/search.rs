//! Plain search that does not care about case.

use std::ops::Range;

/// What is searched for.
#[derive(Debug)]
pub(super) struct SearchPattern {
    text: String,
}

/// A search over a document: what is searched for, and which lines hold it.
#[derive(Debug)]
pub(super) struct DocumentSearch {
    pub(super) pattern: SearchPattern,
    /// The lines that match, in order.
    pub(super) lines: Vec<usize>,
}

impl SearchPattern {
    /// Something to search for; nothing if the text is empty.
    pub(super) fn new(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| Self { text: text.to_lowercase() })
    }

    /// All matches in a text, one after the other.
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

    /// The first match at or after `from`.
    pub(super) fn find(&self, text: &str, from: usize) -> Option<Range<usize>> {
        if self.text.is_ascii() {
            self.find_ascii(text.as_bytes(), from)
        } else {
            self.find_unicode(text, from)
        }
    }

    /// ASCII bytes never stand inside a longer character, so bytes can be compared.
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

    /// How long the match at the very beginning of `text` is.
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
