//! Reading a file of any size and any encoding line by line, in bounded memory.
//!
//! Secrets are ASCII, so nothing else of a text matters here: of UTF-16 only those characters are kept, and whatever is
//! no text merely separates words.

use std::io::{self, Read};

use zeroize::Zeroizing;

/// How much is read at once.
const CHUNK: usize = 256 << 10;

/// A line that is longer is looked at in pieces.
const LONGEST_LINE: usize = 64 << 10;

/// What two pieces of a long line have in common, so that no secret is cut: more than any secret that stands on one line.
const OVERLAP: usize = 8 << 10;

/// How a file's bytes stand for characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Bytes,
    LittleEndian,
    BigEndian,
}

/// The lines of what was read so far.
struct Lines<F> {
    held: Zeroizing<Vec<u8>>,
    number: usize,
    each: F,
}

/// Calls `each` with the number and the bytes of every line; of a very long one, with each of its pieces.
pub(super) fn read(mut file: impl Read, each: impl FnMut(usize, &[u8])) -> io::Result<()> {
    let (mut chunk, blank) = (Zeroizing::new(vec![0; CHUNK]), vec![0; CHUNK]);
    let mut lines = Lines { held: Zeroizing::new(Vec::with_capacity(LONGEST_LINE + CHUNK)), number: 1, each };
    let (mut encoding, mut odd) = (None, None);
    loop {
        let length = fill(&mut file, &mut chunk)?;
        if length == 0 {
            lines.end();
            return Ok(());
        }
        let bytes = &chunk[..length];
        // Holes of large files: they separate words as one byte does that is in none.
        if bytes == &blank[..length] {
            lines.push(&blank[..1]);
            continue;
        }
        match *encoding.get_or_insert_with(|| Encoding::of(bytes)) {
            Encoding::Bytes => lines.push(bytes),
            wide => lines.push(&narrowed(bytes, wide, &mut odd)),
        }
    }
}

/// Reads until the chunk is full or the file ends, so that what a file begins with is seen as a whole.
fn fill(file: &mut impl Read, chunk: &mut [u8]) -> io::Result<usize> {
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

impl Encoding {
    /// By the mark at its beginning; else by where the zeros of western text are.
    fn of(bytes: &[u8]) -> Self {
        let sample = &bytes[..bytes.len().min(1024)];
        let zeros = |offset: usize| sample.iter().skip(offset).step_by(2).filter(|byte| **byte == 0).count();
        let many = sample.len() / 5;
        match (sample, zeros(0), zeros(1)) {
            ([0xff, 0xfe, ..], ..) => Self::LittleEndian,
            ([0xfe, 0xff, ..], ..) => Self::BigEndian,
            (_, even, odd) if odd > many && even <= odd / 4 => Self::LittleEndian,
            (_, even, odd) if even > many && odd <= even / 4 => Self::BigEndian,
            _ => Self::Bytes,
        }
    }
}

/// The ASCII of UTF-16; every other character becomes a byte that is in no word.
fn narrowed(bytes: &[u8], encoding: Encoding, odd: &mut Option<u8>) -> Zeroizing<Vec<u8>> {
    let mut narrow = Zeroizing::new(Vec::with_capacity(bytes.len() / 2 + 1));
    let mut all = odd.take().into_iter().chain(bytes.iter().copied());
    while let Some(first) = all.next() {
        let Some(second) = all.next() else {
            *odd = Some(first);
            break;
        };
        let (high, low) = if encoding == Encoding::BigEndian { (first, second) } else { (second, first) };
        narrow.push(if high == 0 { low } else { 0xff });
    }
    narrow
}

impl<F: FnMut(usize, &[u8])> Lines<F> {
    fn push(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            if self.held.is_empty() {
                (self.each)(self.number, &rest[..end]);
            } else {
                self.held.extend_from_slice(&rest[..end]);
                (self.each)(self.number, &self.held);
                self.held.clear();
            }
            self.number += 1;
            rest = &rest[end + 1..];
        }
        self.held.extend_from_slice(rest);
        if self.held.len() > LONGEST_LINE {
            (self.each)(self.number, &self.held);
            let done = self.held.len() - OVERLAP;
            self.held.drain(..done);
        }
    }

    fn end(&mut self) {
        if !self.held.is_empty() {
            (self.each)(self.number, &self.held);
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
        read(file, |number, line| found.push((number, String::from_utf8_lossy(line).into_owned()))).unwrap();
        found
    }

    fn wide(text: &str, big: bool) -> Vec<u8> {
        text.encode_utf16().flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
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
        let mut text = vec![b'x'; CHUNK - 20];
        text.extend_from_slice(&[b"the-needle-in-the-hay".as_slice(), &vec![b'y'; CHUNK * 3]].concat());
        let found = lines(&text);
        assert!(found.iter().all(|(number, piece)| *number == 1 && piece.len() <= LONGEST_LINE + CHUNK));
        assert!(found.iter().any(|(_, piece)| piece.contains("the-needle-in-the-hay")));
    }

    #[test]
    fn a_wide_text_may_be_cut_anywhere() {
        let text = format!("{}needle\n", "a\n".repeat(CHUNK));
        let mut odd = None;
        let bytes = wide(&text, false);
        let narrow: Vec<u8> =
            bytes.chunks(777).flat_map(|part| narrowed(part, Encoding::LittleEndian, &mut odd).to_vec()).collect();
        assert!(narrow == text.as_bytes());
    }
}
