//! Tokenizer: extracts from a line what may be a secret: words, their parts after separators, and
//! the decoded forms of both.
//!
//! Start with `split_words` and `secret_candidates`.

use std::ops::Range;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

use crate::util::hex::parse_hex_byte;

/// Minimum length of a word: shorter words are no secrets of interest.
pub(super) const MIN_WORD_BYTES: usize = 12;

/// Maximum length of a secret in a word.
const MAX_SECRET_BYTES: usize = 4096;

/// Maximum number of positions in one word at which a secret may start.
const MAX_STARTS_PER_WORD: usize = 16;

/// Base64 without padding is accepted, because padding is often left out.
const LENIENT_BASE64: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT_BASE64);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT_BASE64);

/// Splits a line into words: the text between blanks, quotes, brackets and non-ASCII bytes.
pub(super) fn split_words(line: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + line[at..].iter().position(|byte| is_word_byte(*byte))?;
        let end = line[start..]
            .iter()
            .position(|byte| !is_word_byte(*byte))
            .map_or(line.len(), |length| start + length);
        at = end;
        Some(start..end)
    })
    .filter(|word| word.len() >= MIN_WORD_BYTES)
}

/// Returns the parts of a word that may be a secret, such as the text after `KEY=` or between `:`
/// and `@`. Parts with the same start follow each other, the longest first.
pub(super) fn secret_candidates(word: &[u8]) -> Vec<Range<usize>> {
    let separators =
        || word.iter().enumerate().filter(|(_, byte)| is_separator(**byte)).map(|(place, _)| place);
    let beginnings =
        std::iter::once(0).chain(separators().map(|place| place + 1)).take(MAX_STARTS_PER_WORD);
    let mut found = Vec::new();
    for start in beginnings {
        let trimmed = start + trim_end(&word[start..]).len();
        let next = separators().find(|place| *place > start).unwrap_or(word.len());
        let ends = [word.len(), trimmed, next];
        for (place, end) in ends.iter().enumerate() {
            let is_new = !ends[..place].contains(end);
            if is_new && (MIN_WORD_BYTES..=MAX_SECRET_BYTES).contains(&end.saturating_sub(start)) {
                found.push(start..*end);
            }
        }
    }
    found
}

/// Decodes a word that is base64 text.
pub(super) fn decode_base64(word: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let bare = word.rsplit(|byte| matches!(byte, b':' | b',')).next()?;
    let bare = if bare.len() >= 16 && !bare.ends_with(b"=") {
        bare.split(|byte| *byte == b'=').next_back()?
    } else {
        bare
    };
    if !(16..=MAX_SECRET_BYTES).contains(&bare.len()) {
        return None;
    }
    let decoded =
        STANDARD.decode(bare).or_else(|_| URL_SAFE.decode(bare)).ok().map(Zeroizing::new)?;
    decoded
        .iter()
        .all(|byte| matches!(byte, b' '..=b'~' | b'\n' | b'\r' | b'\t'))
        .then_some(decoded)
}

/// Decodes `%2B` and the like in a word; `None` if it contains none.
pub(super) fn decode_percent(word: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut plain = Zeroizing::new(Vec::with_capacity(word.len()));
    let mut at = 0;
    while at < word.len() {
        let encoded =
            word.get(at + 1..at + 3).filter(|_| word[at] == b'%').and_then(parse_hex_byte);
        plain.push(encoded.unwrap_or(word[at]));
        at += if encoded.is_some() { 3 } else { 1 };
    }
    (plain.len() < word.len()).then_some(plain)
}

/// Decodes `\/`, `\n` and `\u003d` in a line; `None` if it contains none. Other escapes stay
/// separators.
pub(super) fn decode_escapes(line: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    if !line.contains(&b'\\') {
        return None;
    }
    let mut plain = Zeroizing::new(Vec::with_capacity(line.len()));
    let mut at = 0;
    while at < line.len() {
        let (byte, width) = match &line[at..] {
            [b'\\', b'/', ..] => (b'/', 2),
            [b'\\', b'n', ..] => (b'\n', 2),
            [b'\\', b'u', b'0', b'0', high, low, ..] => {
                (parse_hex_byte(&[*high, *low]).unwrap_or(b'\\'), 6)
            }
            [byte, ..] => (*byte, 1),
            [] => break,
        };
        plain.push(byte);
        at += width;
    }
    (plain.len() < line.len()).then_some(plain)
}

fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_graphic()
        && !matches!(
            byte,
            b'"' | b'\''
                | b'`'
                | b'\\'
                | b'<'
                | b'>'
                | b','
                | b';'
                | b'('
                | b')'
                | b'['
                | b']'
                | b'{'
                | b'}'
                | b'|'
        )
}

fn is_separator(byte: u8) -> bool {
    matches!(byte, b'=' | b':' | b'@' | b'/' | b'&' | b'?' | b'#')
}

fn trim_end(text: &[u8]) -> &[u8] {
    let kept = text
        .iter()
        .rposition(|byte| !matches!(byte, b'.' | b':' | b'!' | b'?' | b'*'))
        .map_or(0, |last| last + 1);
    &text[..kept]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(line: &str) -> Vec<&str> {
        let words = split_words(line.as_bytes()).flat_map(|word| {
            let start = word.start;
            secret_candidates(&line.as_bytes()[word])
                .into_iter()
                .map(move |part| start + part.start..start + part.end)
        });
        words.map(|part| &line[part]).collect()
    }

    #[test]
    fn a_secret_is_among_the_parts_wherever_it_stands() {
        let secret = "Zk3/abcd+efgh-1234==";
        for line in [
            secret.to_owned(),
            format!("export KEY={secret}"),
            format!("KEY=\"{secret}\" # why"),
            format!("{{\"key\":\"{secret}\",\"b\":1}}"),
            format!("key: {secret}."),
            format!("curl -H 'Authorization: token {secret}' https://api"),
            format!("\u{201c}{secret}\u{201d}"),
        ] {
            assert!(all(&line).contains(&secret), "{line}: {:?}", all(&line));
        }
        for line in
            ["https://me:0123456789abcdef@host/path", "https://host/?token=0123456789abcdef&x=1"]
        {
            assert!(all(line).contains(&"0123456789abcdef"), "{line}");
        }
    }

    #[test]
    fn encodings_are_taken_off_once() {
        assert_eq!(
            decode_base64(b"dXNlcjowMTIzNDU2Nzg5YWJjZGVm").unwrap().as_slice(),
            b"user:0123456789abcdef"
        );
        assert_eq!(
            decode_base64(b"auth=dXNlcjowMTIzNDU2Nzg5YWJjZGVm").unwrap().as_slice(),
            b"user:0123456789abcdef"
        );
        assert_eq!(decode_base64(b"/usr/share/doc/whatever"), None);
        assert_eq!(decode_percent(b"a%2Fb%zz").unwrap().as_slice(), b"a/b%zz");
        assert_eq!(decode_percent(b"plain"), None);
        assert_eq!(decode_escapes(br#""a\/b\u003d""#).unwrap().as_slice(), br#""a/b=""#);
        assert_eq!(decode_escapes(br"\q"), None);
    }

    #[test]
    fn a_word_of_many_separators_stays_cheap() {
        assert!(secret_candidates("a=".repeat(2000).as_bytes()).len() <= MAX_STARTS_PER_WORD * 3);
    }
}
