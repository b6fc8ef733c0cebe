//! Tokenizer: extracts from a line what may be a secret: words, their parts after separators, and
//! the decoded forms of both.
//!
//! Start with `split_words` and `secret_candidates`.
//!
//! Line reader: reads a file of any size and encoding line by line, in bounded memory.
//!
//! Secrets are ASCII, so no other text matters here: of UTF-16 only ASCII characters are passed on,
//! and anything that is not text merely separates words. Start with `read_lines`.

use std::io::{self, Read};
use std::ops::Range;

use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::{Engine as _, alphabet};
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

/// Number of bytes read at once.
const CHUNK_BYTES: usize = 256 << 10;

/// Longer lines are passed on in pieces.
const MAX_LINE_BYTES: usize = 64 << 10;

/// Overlap of two pieces of a long line, so that no secret is split: longer than any secret on one
/// line.
const OVERLAP_BYTES: usize = 8 << 10;

/// How the bytes of a file encode characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TextEncoding {
    Bytes,
    Utf16LittleEndian,
    Utf16BigEndian,
}

/// Splits the bytes read so far into lines.
struct LineReader<F> {
    buffered: Zeroizing<Vec<u8>>,
    number: usize,
    on_line: F,
}

/// Calls `each` with the number and the bytes of every line; for a very long line, with each of its
/// pieces.
pub(super) fn read_lines(mut file: impl Read, each: impl FnMut(usize, &[u8])) -> io::Result<()> {
    let (mut chunk, blank) = (Zeroizing::new(vec![0; CHUNK_BYTES]), vec![0; CHUNK_BYTES]);
    let mut lines = LineReader {
        buffered: Zeroizing::new(Vec::with_capacity(MAX_LINE_BYTES + CHUNK_BYTES)),
        number: 1,
        on_line: each,
    };
    let (mut encoding, mut odd) = (None, None);
    loop {
        let length = fill_chunk(&mut file, &mut chunk)?;
        if length == 0 {
            lines.finish();
            return Ok(());
        }
        let bytes = &chunk[..length];
        // Holes of large files: like any single byte that belongs to no word, they separate words.
        if bytes == &blank[..length] {
            lines.push(&blank[..1]);
            continue;
        }
        match *encoding.get_or_insert_with(|| TextEncoding::detect(bytes)) {
            TextEncoding::Bytes => lines.push(bytes),
            wide => lines.push(&ascii_from_utf16(bytes, wide, &mut odd)),
        }
    }
}

/// Reads until the chunk is full or the file ends, so that the start of a file is seen as a whole.
fn fill_chunk(file: &mut impl Read, chunk: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while length < chunk.len() {
        match file.read(&mut chunk[length..]) {
            Ok(0) => break,
            Ok(more) => length += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}

impl TextEncoding {
    /// Detects the encoding by the byte order mark, else by the position of the zero bytes of
    /// Western text.
    fn detect(bytes: &[u8]) -> Self {
        let sample = &bytes[..bytes.len().min(1024)];
        let zeros = |offset: usize| {
            sample.iter().skip(offset).step_by(2).filter(|byte| **byte == 0).count()
        };
        let many = sample.len() / 5;
        match (sample, zeros(0), zeros(1)) {
            ([0xff, 0xfe, ..], ..) => Self::Utf16LittleEndian,
            ([0xfe, 0xff, ..], ..) => Self::Utf16BigEndian,
            (_, even, odd) if odd > many && even <= odd / 4 => Self::Utf16LittleEndian,
            (_, even, odd) if even > many && odd <= even / 4 => Self::Utf16BigEndian,
            _ => Self::Bytes,
        }
    }
}

/// Extracts the ASCII of UTF-16; every other character becomes a byte that belongs to no word.
fn ascii_from_utf16(
    bytes: &[u8],
    encoding: TextEncoding,
    odd: &mut Option<u8>,
) -> Zeroizing<Vec<u8>> {
    let mut narrow = Zeroizing::new(Vec::with_capacity(bytes.len() / 2 + 1));
    let mut all = odd.take().into_iter().chain(bytes.iter().copied());
    while let Some(first) = all.next() {
        let Some(second) = all.next() else {
            *odd = Some(first);
            break;
        };
        let (high, low) = if encoding == TextEncoding::Utf16BigEndian {
            (first, second)
        } else {
            (second, first)
        };
        narrow.push(if high == 0 { low } else { 0xff });
    }
    narrow
}

impl<F: FnMut(usize, &[u8])> LineReader<F> {
    fn push(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            if self.buffered.is_empty() {
                (self.on_line)(self.number, &rest[..end]);
            } else {
                self.buffered.extend_from_slice(&rest[..end]);
                (self.on_line)(self.number, &self.buffered);
                self.buffered.clear();
            }
            self.number += 1;
            rest = &rest[end + 1..];
        }
        self.buffered.extend_from_slice(rest);
        if self.buffered.len() > MAX_LINE_BYTES {
            (self.on_line)(self.number, &self.buffered);
            let done = self.buffered.len() - OVERLAP_BYTES;
            self.buffered.drain(..done);
        }
    }

    fn finish(&mut self) {
        if !self.buffered.is_empty() {
            (self.on_line)(self.number, &self.buffered);
        }
    }
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

#[cfg(test)]
mod line_reader_tests {
    use std::io::{Seek as _, Write as _};

    use super::*;

    fn lines(bytes: &[u8]) -> Vec<(usize, String)> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file.rewind().unwrap();
        let mut found = Vec::new();
        read_lines(file, |number, line| {
            found.push((number, String::from_utf8_lossy(line).into_owned()));
        })
        .unwrap();
        found
    }

    fn wide(text: &str, big: bool) -> Vec<u8> {
        text.encode_utf16()
            .flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() })
            .collect()
    }

    #[test]
    fn lines_are_numbered_in_every_encoding() {
        let expected = [(1, "one\r".to_owned()), (2, "two".to_owned())];
        assert_eq!(lines(b"one\r\ntwo"), expected);
        for big in [false, true] {
            assert_eq!(lines(&wide("one\r\ntwo", big)), expected, "without a mark");
            let marked = lines(&wide("\u{feff}one\r\ntwo", big));
            assert!(marked[0].1.ends_with("one\r") && marked[1] == expected[1], "{marked:?}");
        }
        assert_eq!(lines(b""), []);
    }

    #[test]
    fn a_line_without_end_comes_in_pieces_that_overlap() {
        let mut text = vec![b'x'; CHUNK_BYTES - 20];
        text.extend_from_slice(
            &[b"the-needle-in-the-hay".as_slice(), &vec![b'y'; CHUNK_BYTES * 3]].concat(),
        );
        let found = lines(&text);
        assert!(
            found
                .iter()
                .all(|(number, piece)| *number == 1 && piece.len() <= MAX_LINE_BYTES + CHUNK_BYTES)
        );
        assert!(found.iter().any(|(_, piece)| piece.contains("the-needle-in-the-hay")));
    }

    #[test]
    fn a_wide_text_may_be_cut_anywhere() {
        let text = format!("{}needle\n", "a\n".repeat(CHUNK_BYTES));
        let mut odd = None;
        let bytes = wide(&text, false);
        let narrow: Vec<u8> = bytes
            .chunks(777)
            .flat_map(|part| {
                ascii_from_utf16(part, TextEncoding::Utf16LittleEndian, &mut odd).to_vec()
            })
            .collect();
        assert!(narrow == text.as_bytes());
    }
}
