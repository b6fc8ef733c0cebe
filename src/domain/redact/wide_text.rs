//! Search for secrets in UTF-16: characters of two bytes, in either order, at any offset.
//!
//! Texts in UTF-16 are not always declared as such, and a binary file can contain them, so every run
//! of ASCII characters of two bytes is searched like a text. Start at [`find_wide`].

use std::ops::Range;

use memchr::memmem;
use zeroize::Zeroizing;

use super::{MASK, MIN_SECRET_BYTES, SecretPlace};

/// Width of the characters of a text, and the order of their bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CharWidth {
    /// One byte, or UTF-8.
    One,
    /// Two bytes, the low one first.
    TwoLittleEndian,
    /// Two bytes, the high one first.
    TwoBigEndian,
}

impl CharWidth {
    /// Adds the mask in characters of this width.
    pub(super) fn write_mask(self, text: &mut Vec<u8>) {
        self.write(MASK, text);
    }

    fn write(self, text: &str, bytes: &mut Vec<u8>) {
        match self {
            Self::One => bytes.extend_from_slice(text.as_bytes()),
            Self::TwoLittleEndian => bytes.extend(text.encode_utf16().flat_map(u16::to_le_bytes)),
            Self::TwoBigEndian => bytes.extend(text.encode_utf16().flat_map(u16::to_be_bytes)),
        }
    }

    /// Returns the ASCII character that two bytes spell.
    fn ascii(self, unit: &[u8]) -> Option<u8> {
        let byte = match (self, unit) {
            (Self::TwoLittleEndian, [byte, 0]) | (Self::TwoBigEndian, [0, byte]) => *byte,
            _ => return None,
        };
        matches!(byte, b'\t' | b' '..=b'~').then_some(byte)
    }
}

/// Finds the secrets in UTF-16 text. `search` finds them in a run of ASCII characters; characters
/// beyond ASCII can be in `secrets` only.
pub(super) fn find_wide(
    bytes: &[u8],
    secrets: &[Zeroizing<Box<[u8]>>],
    search: impl Fn(&str) -> Vec<Range<usize>>,
) -> Vec<SecretPlace> {
    let mut places: Vec<SecretPlace> = Vec::new();
    if memchr::memchr(0, bytes).is_none() && secrets.iter().all(|secret| secret.is_ascii()) {
        return places;
    }
    let widths = [CharWidth::TwoLittleEndian, CharWidth::TwoBigEndian];
    // Read at the wrong offset, a text looks like one in the other order of bytes. So the even
    // offsets come first, and what overlaps is the same place.
    for offset in [0, 1] {
        for width in widths {
            let mut found = Vec::new();
            for_each_run(bytes, offset, width, |start, run| {
                let inside = search(run).into_iter();
                found.extend(inside.map(|one| start + 2 * one.start..start + 2 * one.end));
            });
            add_separate(&mut places, found, width);
        }
    }
    for text in secrets.iter().filter_map(|secret| std::str::from_utf8(secret).ok()) {
        if !text.is_ascii() {
            find_literal(bytes, text, &mut places);
        }
    }
    places
}

/// Finds a secret with characters beyond ASCII, at even offsets first.
fn find_literal(bytes: &[u8], text: &str, places: &mut Vec<SecretPlace>) {
    for offset in [0, 1] {
        for width in [CharWidth::TwoLittleEndian, CharWidth::TwoBigEndian] {
            let mut wide = Zeroizing::new(Vec::with_capacity(2 * text.len()));
            width.write(text, &mut wide);
            let starts = memmem::find_iter(bytes, wide.as_slice());
            let starts = starts.filter(|start| start % 2 == offset);
            add_separate(places, starts.map(|start| start..start + wide.len()).collect(), width);
        }
    }
}

fn add_separate(places: &mut Vec<SecretPlace>, found: Vec<Range<usize>>, width: CharWidth) {
    for range in found {
        let overlaps = |known: &SecretPlace| {
            range.start < known.range.end && known.range.start < range.end && known.width != width
        };
        if !places.iter().any(overlaps) {
            places.push(SecretPlace { range, width });
        }
    }
}

/// Calls `each` with the start and the text of every run of ASCII characters that is long enough
/// for a secret.
fn for_each_run(bytes: &[u8], offset: usize, width: CharWidth, mut each: impl FnMut(usize, &str)) {
    let mut run = Zeroizing::new(String::new());
    let mut start = offset;
    let units = bytes.get(offset..).unwrap_or_default().chunks_exact(2);
    let end = offset + 2 * units.len();
    for (at, unit) in (offset..).step_by(2).zip(units) {
        if let Some(byte) = width.ascii(unit) {
            run.push(char::from(byte));
            continue;
        }
        if run.len() >= MIN_SECRET_BYTES {
            each(start, &run);
        }
        run.clear();
        start = at + 2;
    }
    if run.len() >= MIN_SECRET_BYTES && start < end {
        each(start, &run);
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;

    use crate::domain::Secret;
    use crate::domain::redact::{MASK, SecretRedactor};

    fn wide(text: &str, big: bool) -> Vec<u8> {
        let units = text.encode_utf16();
        units.flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
    }

    #[test]
    fn a_secret_in_utf_16_is_masked_in_utf_16_in_any_order_and_at_any_offset() {
        let mut redactor = SecretRedactor::default();
        redactor.add_secret(&Secret::from_text("canary-4711".to_owned()));
        redactor.add_secret(&Secret::from_text("schlüssel-42".to_owned()));
        let encoded = base64::engine::general_purpose::STANDARD.encode("canary-4711");
        for big in [false, true] {
            for written in ["canary-4711", "canary%2D4711", "schlüssel-42", &encoded] {
                for before in [&b""[..], b"\xff", b"\xff\xfe", b"\xd8\x00"] {
                    let around = |text: &str| {
                        [before, &wide("\u{feff}ü: ", big), &wide(text, big), &wide("\r\n", big)]
                            .concat()
                    };
                    let masked = redactor.redact_bytes(around(written));
                    let secret = wide(written, big);
                    assert!(!masked.windows(secret.len()).any(|window| window == secret));
                    // At an odd offset the two orders look the same.
                    if before.len() % 2 == 0 && written != encoded {
                        assert_eq!(masked, around(MASK), "{written} {big} {before:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_looks_like_a_secret_is_masked_in_utf_16_too() {
        let redactor = SecretRedactor::default();
        let masked = redactor.redact_bytes(wide("{\"t\":\"snyk_uat.abc\"}", false));
        assert_eq!(masked, wide(&format!("{{\"t\":\"snyk_uat.{MASK}\"}}"), false));
    }
}
