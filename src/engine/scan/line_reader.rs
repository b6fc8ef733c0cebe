//! Line reader: reads a file of any size and encoding line by line, in bounded memory.
//!
//! Secrets are ASCII, so no other text matters here: of UTF-16 only ASCII characters are passed on,
//! and anything that is not text merely separates words. Start with `read_lines`.

use std::io::{self, Read};

use zeroize::Zeroizing;

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
