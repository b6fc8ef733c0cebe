//! Readings of dumps: the bytes that `xxd`, `od` and `hexdump` print in columns.
//!
//! A line has an offset, bytes or words as numbers, and often a column with the same bytes as text.
//! The bytes of all lines form one reading, so a secret is found across lines. Which notation a line
//! uses is not known, so every notation is read. Start at [`read_dumps`].

use std::ops::Range;

use super::mapped_text::MappedText;

/// Notations in which a dump prints bytes.
const NOTATIONS: [ByteNotation; 5] = [
    ByteNotation::Hex,
    ByteNotation::ReversedHex,
    ByteNotation::OctalByte,
    ByteNotation::OctalWord,
    ByteNotation::Decimal,
];

/// Bytes of a dump.
#[derive(Default)]
pub(super) struct DumpReading {
    /// The bytes, and the digits that print them.
    pub(super) text: MappedText,
    /// The character of the text column beside a byte.
    pub(super) column: Vec<ColumnChar>,
}

/// Character of the text column.
pub(super) struct ColumnChar {
    /// Index of the byte that the character shows.
    pub(super) index: usize,
    /// Range of the output that shows it.
    pub(super) source: Range<usize>,
}

/// Notation of one or more bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ByteNotation {
    /// Two digits for each byte: `73 33`, `7333`, `0x73`, `\x73`.
    Hex,
    /// Words of two, four or eight bytes in the order of the processor: `hexdump`, `od -x`.
    ReversedHex,
    /// Three digits for each byte: `od -b`, `\163`.
    OctalByte,
    /// Six digits for two bytes in the order of the processor: `od`.
    OctalWord,
    /// Up to three decimal digits for each byte: `od -tu1`, lists of numbers.
    Decimal,
}

/// Byte and the digits that print it, as a range of the number.
struct PrintedByte {
    byte: u8,
    digits: Range<usize>,
}

/// Line of the visible text, and its words of letters and digits.
struct DumpLine {
    range: Range<usize>,
    numbers: Vec<Range<usize>>,
}

/// Reads the dumps in the first `end` bytes of the visible text.
pub(super) fn read_dumps(visible: &MappedText, end: usize) -> Vec<DumpReading> {
    let bytes = &visible.bytes[..end];
    let lines: Vec<DumpLine> = split_lines(bytes)
        .map(|range| DumpLine { numbers: split_words(bytes, &range), range })
        .filter(|line| line.is_dump(bytes))
        .collect();
    let mut readings = vec![read_characters(visible, end)];
    if lines.is_empty() {
        return readings;
    }
    for notation in NOTATIONS {
        // The first number of a line may be an offset.
        for offsets in [0, 1] {
            let mut reading = DumpReading::default();
            for line in &lines {
                reading.add_line(visible, line, notation, offsets);
            }
            readings.push(reading);
        }
    }
    readings
}

impl DumpLine {
    /// Whether at least a third of the letters and digits are numbers. The rest may be text columns.
    fn is_dump(&self, bytes: &[u8]) -> bool {
        let is_number = |word: &&Range<usize>| {
            let digits = digits_of(&bytes[(*word).clone()]);
            digits.iter().all(u8::is_ascii_hexdigit)
        };
        let all: usize = self.numbers.iter().map(ExactSizeIterator::len).sum();
        let numbers: usize =
            self.numbers.iter().filter(is_number).map(ExactSizeIterator::len).sum();
        all > 0 && numbers * 3 >= all
    }
}

impl DumpReading {
    fn add_line(
        &mut self,
        visible: &MappedText,
        line: &DumpLine,
        notation: ByteNotation,
        offsets: usize,
    ) {
        let first = self.text.bytes.len();
        // End of each number, and the number of bytes up to there.
        let mut ends = Vec::new();
        for number in line.numbers.iter().skip(offsets) {
            let word = &visible.bytes[number.clone()];
            let Some(printed) = notation.decode(word) else { continue };
            for PrintedByte { byte, digits } in printed {
                let sources =
                    &visible.sources[number.start + digits.start..number.start + digits.end];
                if let (Some(from), Some(to)) = (sources.first(), sources.last()) {
                    self.text.push(byte, from.start..to.end);
                }
            }
            ends.push((number.end, self.text.bytes.len() - first));
        }
        let decoded = &self.text.bytes[first..];
        let Some((count, start)) = find_text_column(&visible.bytes, line, &ends, decoded) else {
            return;
        };
        // What looked like a number in the text column is none.
        self.text.bytes.truncate(first + count);
        self.text.sources.truncate(first + count);
        self.column.extend((0..count).map(|index| ColumnChar {
            index: first + index,
            source: visible.sources[start + index].clone(),
        }));
    }
}

/// Finds the text column: after some of the numbers, exactly the characters of their bytes. Returns
/// the number of bytes and the start of the column.
fn find_text_column(
    bytes: &[u8],
    line: &DumpLine,
    ends: &[(usize, usize)],
    decoded: &[u8],
) -> Option<(usize, usize)> {
    let has_bar = bytes[line.range.clone()].last().is_some_and(|last| matches!(last, b'|' | b'<'));
    let line_ends = [Some(line.range.end), has_bar.then(|| line.range.end - 1)];
    ends.iter().rev().find_map(|(number_end, count)| {
        line_ends.iter().flatten().find_map(|end| {
            let start = end.checked_sub(*count).filter(|start| start > number_end)?;
            let is_gap = bytes[*number_end..start].iter().all(|byte| b" |>".contains(byte));
            let shows = |shown: &u8, byte: &u8| {
                shown == byte || *shown == b'.' && !matches!(byte, b' '..=b'~')
            };
            let fits =
                bytes[start..*end].iter().zip(decoded).all(|(shown, byte)| shows(shown, byte));
            (is_gap && fits).then_some((*count, start))
        })
    })
}

/// Reads characters in columns of their own, as `od -c` prints them. Blanks cannot be told from
/// columns, so they are left out.
fn read_characters(visible: &MappedText, end: usize) -> DumpReading {
    let mut reading = DumpReading::default();
    for line in split_lines(&visible.bytes[..end]) {
        let is_blank = |at: &usize| visible.bytes[*at].is_ascii_whitespace();
        let mut at = line.start;
        while at < line.end {
            let start = (at..line.end).find(|at| !is_blank(at)).unwrap_or(line.end);
            let end = (start..line.end).find(is_blank).unwrap_or(line.end);
            let field = &visible.bytes[start..end];
            let byte = match field {
                [byte] => Some(*byte),
                [_, _, _] => parse_number(field, 8).and_then(|value| u8::try_from(value).ok()),
                _ => None,
            };
            if let Some(byte) = byte {
                reading.text.push(byte, visible.sources[start].start..visible.sources[end - 1].end);
            }
            at = end.max(at + 1);
        }
    }
    reading
}

impl ByteNotation {
    /// Decodes a word, or returns nothing if it is not a number of this notation.
    fn decode(self, word: &[u8]) -> Option<Vec<PrintedByte>> {
        let digits = digits_of(word);
        let prefix = word.len() - digits.len();
        let whole = prefix..word.len();
        match self {
            Self::Hex => decode_hex(digits, prefix),
            Self::ReversedHex if matches!(digits.len(), 4 | 8 | 16) => {
                let mut printed = decode_hex(digits, prefix)?;
                printed.reverse();
                Some(printed)
            }
            Self::OctalByte if digits.len() == 3 => {
                let byte = u8::try_from(parse_number(digits, 8)?).ok()?;
                Some(vec![PrintedByte { byte, digits: whole }])
            }
            Self::OctalWord if digits.len() == 6 => {
                let word = u16::try_from(parse_number(digits, 8)?).ok()?;
                let printed = |byte| PrintedByte { byte, digits: whole.clone() };
                Some(word.to_le_bytes().map(printed).into())
            }
            Self::Decimal if digits.len() <= 3 => {
                let byte = u8::try_from(parse_number(digits, 10)?).ok()?;
                Some(vec![PrintedByte { byte, digits: whole }])
            }
            _ => None,
        }
    }
}

fn decode_hex(digits: &[u8], prefix: usize) -> Option<Vec<PrintedByte>> {
    if digits.is_empty() || !digits.len().is_multiple_of(2) {
        return None;
    }
    let decode = |index: usize, pair: &[u8]| {
        let byte = u8::try_from(parse_number(pair, 16)?).ok()?;
        let start = prefix + index * 2;
        Some(PrintedByte { byte, digits: start..start + 2 })
    };
    digits.chunks(2).enumerate().map(|(index, pair)| decode(index, pair)).collect()
}

fn parse_number(digits: &[u8], radix: u32) -> Option<u32> {
    let is_digit = |byte: &u8| char::from(*byte).is_digit(radix);
    let text = std::str::from_utf8(digits).ok().filter(|_| digits.iter().all(is_digit))?;
    u32::from_str_radix(text, radix).ok()
}

/// Returns the digits of a number without the prefix `0x`, or `x` of `\x73`.
fn digits_of(word: &[u8]) -> &[u8] {
    match word {
        [b'0', b'x' | b'X', digits @ ..] | [b'x' | b'X', digits @ ..] => digits,
        digits => digits,
    }
}

fn split_lines(bytes: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut start = 0;
    bytes.split(|byte| matches!(byte, b'\n' | b'\r')).map(move |line| {
        let range = start..start + line.len();
        start = range.end + 1;
        range
    })
}

fn split_words(bytes: &[u8], line: &Range<usize>) -> Vec<Range<usize>> {
    let mut start = line.start;
    let words = bytes[line.clone()].split(|byte| !byte.is_ascii_alphanumeric()).map(|word| {
        let range = start..start + word.len();
        start = range.end + 1;
        range
    });
    words.filter(|range| !range.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Whether any reading of the output contains the bytes.
    fn reads(output: &str, wanted: &[u8]) -> bool {
        let visible = MappedText::visible(output.as_bytes());
        read_dumps(&visible, visible.bytes.len())
            .iter()
            .any(|reading| reading.text.bytes.windows(wanted.len()).any(|part| part == wanted))
    }

    #[test]
    fn every_notation_is_read_across_lines() {
        let wanted = b"s3cr3t/of this-test";
        for (tool, output) in [
            (
                "xxd",
                "00000000: 7333 6372 3374 2f6f 6620 7468 6973 2d74  s3cr3t/of this-t\n00000010: 6573 740a                                est.\n",
            ),
            (
                "hexdump -C",
                "00000000  73 33 63 72 33 74 2f 6f  66 20 74 68 69 73 2d 74  |s3cr3t/of this-t|\n00000010  65 73 74 0a                                       |est.|\n00000014\n",
            ),
            (
                "od -tx1z",
                "0000000 73 33 63 72 33 74 2f 6f 66 20 74 68 69 73 2d 74  >s3cr3t/of this-t<\n0000020 65 73 74 0a                                      >est.<\n",
            ),
            ("od -An -tx1", " 73 33 63 72 33 74 2f 6f 66 20 74 68 69 73 2d 74\n 65 73 74 0a\n"),
            ("hexdump", "0000000 3373 7263 7433 6f2f 2066 6874 7369 742d\n0000010 7365 0a74\n"),
            (
                "od",
                "0000000 031563 071143 072063 067457 020146 064164 071551 072055\n0000020 071545 005164\n",
            ),
            (
                "od -b",
                "0000000 163 063 143 162 063 164 057 157 146 040 164 150 151 163 055 164\n0000020 145 163 164 012\n",
            ),
            (
                "list",
                "[115, 51, 99, 114, 51, 116, 47, 111, 102, 32, 116, 104, 105, 115, 45, 116, 101, 115, 116]",
            ),
            (
                "xxd -i",
                "  0x73, 0x33, 0x63, 0x72, 0x33, 0x74, 0x2f, 0x6f, 0x66, 0x20, 0x74, 0x68,\n  0x69, 0x73, 0x2d, 0x74, 0x65, 0x73, 0x74\n",
            ),
            ("colons", "73:33:63:72:33:74:2f:6f:66:20:74:68:69:73:2d:74:65:73:74"),
            (
                "escapes",
                "\\x73\\x33\\x63\\x72\\x33\\x74\\x2f\\x6f\\x66\\x20\\x74\\x68\\x69\\x73\\x2d\\x74\\x65\\x73\\x74",
            ),
        ] {
            assert!(reads(output, wanted), "{tool}");
        }
        let characters = "0000000   s   3   c   r   3   t   /   o   f       t   h   i   s   -   t\n0000020   e   s   t  \\n\n";
        assert!(reads(characters, b"s3cr3t/ofthis-test"), "od -c");
    }

    #[test]
    fn a_text_column_of_hexadecimal_letters_is_not_read_as_numbers() {
        let output = "00000000: 6162 6364  abcd\n00000004: 6566 3031  ef01\n";
        assert!(reads(output, b"abcdef01"));
        let visible = MappedText::visible(output.as_bytes());
        let readings = read_dumps(&visible, visible.bytes.len());
        let read = readings.iter().find(|reading| reading.text.bytes.as_slice() == b"abcdef01");
        let columns: Vec<_> = read.unwrap().column.iter().map(|one| one.source.start).collect();
        assert_eq!(columns, [21, 22, 23, 24, 47, 48, 49, 50]);
    }

    #[test]
    fn what_is_no_dump_is_not_read() {
        let visible = MappedText::visible(b"a line of text, without any numbers\n");
        assert_eq!(read_dumps(&visible, visible.bytes.len()).len(), 1);
    }

    proptest! {
        #[test]
        fn any_output_is_read(output in "([0-9a-fx]{1,9}[ :|>.]{0,2}|\\PC|\n){0,60}") {
            let visible = MappedText::visible(output.as_bytes());
            for reading in read_dumps(&visible, visible.bytes.len()) {
                prop_assert_eq!(reading.text.bytes.len(), reading.text.sources.len());
                prop_assert!(reading.column.iter().all(|one| one.index < reading.text.bytes.len()));
            }
        }
    }
}
