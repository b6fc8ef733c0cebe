//! Output masking: removes secrets from what a child writes, while it writes it.
//!
//! An incomplete line is held back, because the child's writes may split a secret. A line ends with
//! a line feed or, as in progress bars, a carriage return. The end of a line is held back while it
//! may be the beginning of a secret that continues on the next line. The memory is bounded: a
//! longer line is shown in pieces. Start with `OutputMasker`.

use zeroize::Zeroizing;

use crate::domain::redact::{ByteDisplay, MASK, OutputScanner};

/// Longer lines are shown in pieces.
const MAX_LINE_BYTES: usize = 64 << 10;

/// Maximum number of output bytes per byte of a secret: `\u0041` in JSON.
const MAX_BYTES_PER_SECRET_BYTE: usize = 6;

/// Number of bytes that are scanned again after they were shown, for a secret that continues them.
const CONTEXT_BYTES: usize = 1 << 10;

/// Masks one stream of a child's output.
pub(super) struct OutputMasker<'a> {
    scanner: &'a OutputScanner,
    /// Minimum number of bytes that stay buffered when a piece is cut off, so that no secret is
    /// split.
    overlap: usize,
    /// Bytes that were shown, then those that were not.
    buffered: Zeroizing<Vec<u8>>,
    /// Number of bytes at the start of the buffer that were shown.
    shown: usize,
    /// Whether the last shown byte was masked.
    inside_mask: bool,
}

impl<'a> OutputMasker<'a> {
    /// Creates a masker for secrets of at most `longest` bytes.
    pub(super) fn new(scanner: &'a OutputScanner, longest: usize) -> Self {
        Self {
            scanner,
            overlap: longest * MAX_BYTES_PER_SECRET_BYTE + 64,
            buffered: Zeroizing::default(),
            shown: 0,
            inside_mask: false,
        }
    }

    /// Adds what the child wrote and returns what may be shown.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.buffered.extend_from_slice(bytes);
        let limit = MAX_LINE_BYTES + self.overlap;
        if !bytes.iter().copied().any(is_line_end) && self.buffered.len() - self.shown <= limit {
            return Vec::new();
        }
        let line_end =
            self.buffered.iter().rposition(|byte| is_line_end(*byte)).map_or(0, |end| end + 1);
        let lines = line_end.max(self.shown);
        let ready = if self.buffered.len() - lines > limit {
            self.buffered.len() - self.overlap
        } else {
            lines
        };
        self.show(ready)
    }

    /// Returns what is left when the child has closed its output.
    pub(super) fn finish(&mut self) -> Vec<u8> {
        let end = self.buffered.len();
        let bytes = self.scanner.scan(&self.buffered, end).bytes;
        let rest = self.mask(&bytes);
        self.buffered = Zeroizing::default();
        self.shown = 0;
        rest
    }

    /// Returns the masked output up to `ready`, or up to what may be the beginning of a secret.
    fn show(&mut self, ready: usize) -> Vec<u8> {
        let scanned = self.scanner.scan(&self.buffered, ready);
        // Output that only resembles a secret must not be held back forever.
        let is_full = self.buffered.len() - self.shown > 2 * (MAX_LINE_BYTES + self.overlap);
        let incomplete_from = scanned.incomplete_from.filter(|_| !is_full);
        let mut end = incomplete_from.map_or(ready, |start| start.clamp(self.shown, ready));
        // A secret that was found is masked as a whole.
        while end > 0
            && scanned.bytes.get(end) == Some(&ByteDisplay::Masked)
            && scanned.bytes[end - 1] == ByteDisplay::Masked
        {
            end += 1;
        }
        let masked = self.mask(&scanned.bytes[..end]);
        self.shown = end;
        self.drop_context();
        masked
    }

    /// Returns the bytes that were not shown yet, up to the end of `display`.
    fn mask(&mut self, display: &[ByteDisplay]) -> Vec<u8> {
        let mut masked = Vec::with_capacity(display.len() - self.shown);
        for (byte, display) in self.buffered.iter().zip(display).skip(self.shown) {
            match display {
                ByteDisplay::Masked if self.inside_mask => {}
                ByteDisplay::Masked => {
                    masked.extend_from_slice(MASK.as_bytes());
                    self.inside_mask = true;
                }
                ByteDisplay::Sequence => masked.push(*byte),
                ByteDisplay::Shown => {
                    masked.push(*byte);
                    self.inside_mask = false;
                }
            }
        }
        masked
    }

    /// Removes shown bytes that no secret can continue, up to the start of a line if possible.
    fn drop_context(&mut self) {
        let oldest = self.shown.saturating_sub(CONTEXT_BYTES);
        let context = &self.buffered[oldest..self.shown];
        let line = if oldest == 0 { None } else { context.iter().copied().position(is_line_end) };
        let start = oldest + line.map_or(0, |end| end + 1);
        let rest = Zeroizing::new(self.buffered.split_off(start));
        self.buffered = rest;
        self.shown -= start;
    }
}

fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    use super::*;
    use crate::domain::Secret;

    const SECRET: &str = "s3cr3t/of this-test";

    fn scanner_for(secret: &str) -> OutputScanner {
        OutputScanner::for_secrets([&Secret::from_text(secret.to_owned())].into_iter())
    }

    fn through_for(secret: &str, pieces: &[&[u8]]) -> Vec<u8> {
        let scanner = scanner_for(secret);
        let mut masked = OutputMasker::new(&scanner, secret.len());
        let mut shown: Vec<u8> = pieces.iter().flat_map(|piece| masked.push(piece)).collect();
        shown.extend(masked.finish());
        shown
    }

    fn through(pieces: &[&[u8]]) -> Vec<u8> {
        through_for(SECRET, pieces)
    }

    fn text(output: &str) -> String {
        String::from_utf8(through(&[output.as_bytes()])).unwrap()
    }

    #[test]
    fn what_holds_no_secret_passes_as_it_is() {
        let bytes = b"one\r\n\x1b[1mtwo\x1b[m\rthree\xff\xfe\0\x08\n0000 73 33 61\nfour";
        assert_eq!(through(&[bytes]), bytes);
    }

    #[test]
    fn whole_lines_are_shown_at_once() {
        let scanner = scanner_for(SECRET);
        let mut masked = OutputMasker::new(&scanner, SECRET.len());
        assert_eq!(masked.push(b"one\ntw"), b"one\n");
        assert_eq!(masked.push(b"o\r"), b"two\r");
    }

    #[test]
    fn the_beginning_of_a_secret_is_held_back_until_it_is_known() {
        let scanner = scanner_for(SECRET);
        let mut masked = OutputMasker::new(&scanner, SECRET.len());
        assert_eq!(masked.push(b"x s3cr3t\n"), b"x ");
        assert_eq!(masked.push(b"/of this-test y\n"), "‹secret›\n‹secret› y\n".as_bytes());
        assert_eq!(masked.push(b"x s3cr3t\n"), b"x ");
        assert_eq!(masked.push(b"is another\n"), b"s3cr3t\nis another\n");
    }

    #[test]
    fn lines_of_a_private_key_are_found_one_by_one() {
        let key = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG\n-----END KEY-----\n";
        let shown = through_for(key, &[b"x MIIEvQIBADANBgkqhkiG y\n"]);
        assert_eq!(String::from_utf8(shown).unwrap(), "x ‹secret› y\n");
    }

    #[test]
    fn a_split_secret_is_masked_and_its_colors_stay() {
        let masked = "‹secret›";
        for (output, shown) in [
            (
                "a \x1b[01;31m\x1b[Ks3cr3t\x1b[m\x1b[K/of this-test b\n",
                format!("a \x1b[01;31m\x1b[K{masked}\x1b[m\x1b[K b\n"),
            ),
            (
                "\x1b[1ms\x1b[2m3cr3t/of this-test\x1b[m\n",
                format!("\x1b[1m{masked}\x1b[2m\x1b[m\n"),
            ),
            (
                "\x1b]8;;https://h/s3cr3t%2Fof+this-test\x07link\n",
                format!("\x1b]8;;https://h/{masked}\x07link\n"),
            ),
            ("s\u{8}s3\u{8}3c\u{8}cr\u{8}r3\u{8}3t\u{8}t/of this-test\n", format!("{masked}\n")),
            ("_\u{8}s_\u{8}3_\u{8}c_\u{8}r_\u{8}3_\u{8}t/of this-test\n", format!("{masked}\n")),
            ("s\u{200b}3\u{200b}c\0r3t/of\u{feff} this-\u{ad}test\n", format!("{masked}\n")),
            ("S3CR3T/OF THIS-TEST\n", format!("{masked}\n")),
            ("s 3 c r 3 t / o f t h i s - t e s t\n", format!("{masked}\n")),
            ("\x1b[1msnyk_uat.\x1b[mabc.def.ghi\n", format!("\x1b[1msnyk_uat.\x1b[m{masked}\n")),
        ] {
            assert_eq!(text(output), shown, "{output:?}");
        }
    }

    #[test]
    fn dumps_are_masked_in_both_columns() {
        let masked = text(
            "00000000: 783d 7333 6372 3374 2f6f 6620 7468 6973  x=s3cr3t/of this\n\
             00000010: 2d74 6573 740a                           -test.\n",
        );
        assert_eq!(
            masked,
            "00000000: 783d ‹secret›  x=‹secret›\n00000010: ‹secret›0a                           ‹secret›.\n"
        );
    }

    #[test]
    fn wide_text_is_masked_in_both_byte_orders() {
        let secret = "s3cr3t-ünd-more";
        for encode in [u16::to_le_bytes, u16::to_be_bytes] {
            let wide: Vec<u8> = format!("ab{secret}yz").encode_utf16().flat_map(encode).collect();
            let shown = through_for(secret, &[&wide]);
            let shown: Vec<u8> = shown.into_iter().filter(|byte| *byte != 0).collect();
            assert_eq!(String::from_utf8(shown).unwrap(), "ab‹secret›yz");
        }
    }

    #[test]
    fn a_line_without_end_is_shown_in_pieces_and_no_piece_tears_the_secret() {
        for before in (MAX_LINE_BYTES - 30..MAX_LINE_BYTES + 400).step_by(7) {
            let text = [&"x".repeat(before), SECRET, &"y".repeat(MAX_LINE_BYTES * 2)].concat();
            let shown = through(&text.as_bytes().chunks(997).collect::<Vec<_>>());
            let shown = String::from_utf8(shown).unwrap();
            assert!(!shown.contains(&SECRET[..8]), "{before}");
            assert!(!shown.contains(&SECRET[11..]), "{before}");
            assert_eq!(shown.matches("‹secret›").count(), 1, "{before}");
        }
    }

    #[test]
    fn memory_is_bounded_whatever_the_child_writes() {
        let scanner = scanner_for(SECRET);
        let limit = 2 * (MAX_LINE_BYTES + SECRET.len() * MAX_BYTES_PER_SECRET_BYTE + 64);
        for filler in
            ["x", "\0", "s3cr3t/\n", "\n s3cr3", "\x1b[1m", "\x1b]8;;", "s\u{8}", "73 33 63\n"]
        {
            let mut masked = OutputMasker::new(&scanner, SECRET.len());
            let piece = ["s3cr3t", &filler.repeat((16 << 10) / filler.len())].concat();
            for _ in 0..40 {
                masked.push(piece.as_bytes());
                let held = masked.buffered.len();
                assert!(held <= limit + CONTEXT_BYTES + piece.len(), "{filler:?}: {held}");
            }
        }
    }

    proptest! {
        #[test]
        fn no_cut_reveals_the_secret_or_its_encodings(size in 1_usize..40, form in 0_usize..3, before in "[a-z\n]{0,20}") {
            let secret = match form {
                0 => SECRET.to_owned(),
                1 => STANDARD.encode(SECRET),
                _ => serde_json::json!({ "token": SECRET }).to_string(),
            };
            let text = format!("{before}{secret} after\n");
            let shown = String::from_utf8(through(&text.as_bytes().chunks(size).collect::<Vec<_>>())).unwrap();
            prop_assert!(shown.contains("‹secret›"), "{}", shown);
            prop_assert!(!shown.contains(&secret[..10]) || form == 2, "{}", shown);
            prop_assert!(!shown.contains(SECRET), "{}", shown);
        }

        #[test]
        fn no_width_of_a_line_and_no_cut_shows_more_than_an_edge(width in 5_usize..120, size in 1_usize..200, before in "[a-z ]{0,30}", form in 0_usize..4) {
            let secret = "snyk_uat.1a2b3c4d.eyJqIjoiMDE5Nlo2WkJWM1JZMDRXMVJLOTUyVFNaNVkiLCJoIjoiYXBpIn0.HjFnVSgvfTILcMzAUkc8weoYgA-oSavHrqKqSQjXhLc";
            let around = format!("{before}{secret}");
            let hex: Vec<String> = around.bytes().map(|byte| format!("{byte:02x}")).collect();
            let encoded = match form {
                0 => STANDARD.encode(&around),
                1 => hex.concat(),
                2 => hex.join(":"),
                _ => around,
            };
            // A tool breaks lines between two bytes.
            let width = if form == 2 { width * 3 } else { width };
            let lines: Vec<_> = encoded.as_bytes().chunks(width).map(String::from_utf8_lossy).collect();
            let folded = lines.join("\n") + "\n";
            let shown = through_for(secret, &folded.as_bytes().chunks(size).collect::<Vec<_>>());
            let shown: String = String::from_utf8(shown).unwrap().split_whitespace().collect();
            for piece in secret.as_bytes().windows(6) {
                let hex: Vec<String> = piece.iter().map(|byte| format!("{byte:02x}")).collect();
                let forms = [STANDARD.encode(piece), hex.concat(), hex.join(":"), String::from_utf8_lossy(piece).into_owned()];
                prop_assert!(forms.iter().all(|form| !shown.contains(form.as_str())), "{}", shown);
            }
        }
    }
}
