//! Output masking: removes secrets from what a child writes, while it writes it.
//!
//! An incomplete line is held back, because the child's writes may split a secret. A line ends with
//! a line feed or, as in progress bars, a carriage return. Secrets are found verbatim and encoded,
//! also across line breaks. Start with `OutputMasker`.

use zeroize::Zeroizing;

use crate::domain::Secret;
use crate::domain::redact::{SecretRedactor, SplitSecretDetector, patterns};

/// Longer lines are shown in pieces.
const MAX_LINE_BYTES: usize = 64 << 10;

/// Maximum number of output bytes per byte of a secret: `\u0041` in JSON.
const MAX_BYTES_PER_SECRET_BYTE: usize = 6;

/// Shorter lines of a multi-line secret are not masked on their own.
const MIN_SECRET_LINE_BYTES: usize = 16;

/// Masks one stream of a child's output.
pub(super) struct OutputMasker<'a> {
    redactor: &'a SecretRedactor,
    split_secrets: SplitSecretDetector,
    /// Minimum number of bytes that stay buffered when a piece is cut off, so that no secret is
    /// split.
    overlap: usize,
    buffered: Zeroizing<Vec<u8>>,
}

/// Builds a redactor that knows these secrets, and each line of multi-line secrets such as private
/// keys.
pub(super) fn redactor_for<'a>(secrets: impl Iterator<Item = &'a Secret>) -> SecretRedactor {
    let mut redactor = SecretRedactor::default();
    for secret in secrets {
        redactor.add_secret(secret);
        secret.expose(|bytes| {
            let lines = bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
            lines
                .filter(|line| line.len() >= MIN_SECRET_LINE_BYTES)
                .for_each(|line| redactor.add_secret(&Secret::new(line.to_vec())));
        });
    }
    redactor
}

impl<'a> OutputMasker<'a> {
    /// Creates a masker for secrets of at most `longest` bytes.
    pub(super) fn new(redactor: &'a SecretRedactor, longest: usize) -> Self {
        Self {
            redactor,
            split_secrets: SplitSecretDetector::from_redactor(redactor),
            overlap: longest * MAX_BYTES_PER_SECRET_BYTE + 64,
            buffered: Zeroizing::default(),
        }
    }

    /// Adds what the child wrote and returns what may be shown.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.buffered.extend_from_slice(bytes);
        if let Some(end) = self.buffered.iter().rposition(|byte| matches!(byte, b'\n' | b'\r')) {
            let rest = Zeroizing::new(self.buffered.split_off(end + 1));
            let whole = std::mem::replace(&mut self.buffered, rest);
            return self.redact(&whole);
        }
        if self.buffered.len() <= MAX_LINE_BYTES + self.overlap {
            return Vec::new();
        }
        let held = std::mem::take(&mut self.buffered);
        let mut clean = self.redact(&held);
        let tail = clean.split_off(clean.len().saturating_sub(self.overlap));
        self.buffered = Zeroizing::new(tail);
        clean
    }

    /// Returns what is left when the child has closed its output.
    pub(super) fn finish(&mut self) -> Vec<u8> {
        let rest = std::mem::take(&mut self.buffered);
        self.redact(&rest)
    }

    /// Masks the secrets in bytes. Bytes that are not text stay as they are; a secret is always text.
    fn redact(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut clean = Vec::with_capacity(bytes.len());
        for chunk in bytes.utf8_chunks() {
            let text = self.redactor.redact_known(chunk.valid().to_owned());
            let text: String = text
                .split_inclusive(['\n', '\r'])
                .map(|line| self.split_secrets.mask_line(line))
                .collect();
            clean.extend_from_slice(patterns::mask_patterns(&text).as_bytes());
            clean.extend_from_slice(chunk.invalid());
        }
        clean
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    use super::*;

    const SECRET: &str = "s3cr3t/of this-test";

    fn through(pieces: &[&[u8]]) -> Vec<u8> {
        let secret = Secret::from_text(SECRET.to_owned());
        let redactor = redactor_for([&secret].into_iter());
        let mut masked = OutputMasker::new(&redactor, secret.len());
        let mut shown: Vec<u8> = pieces.iter().flat_map(|piece| masked.push(piece)).collect();
        shown.extend(masked.finish());
        shown
    }

    #[test]
    fn what_holds_no_secret_passes_as_it_is() {
        let bytes = b"one\r\ntwo\rthree\xff\xfe\0\nfour";
        assert_eq!(through(&[bytes]), bytes);
    }

    #[test]
    fn whole_lines_are_shown_at_once() {
        let secret = Secret::from_text(SECRET.to_owned());
        let redactor = redactor_for([&secret].into_iter());
        let mut masked = OutputMasker::new(&redactor, secret.len());
        assert_eq!(masked.push(b"one\ntw"), b"one\n");
        assert_eq!(masked.push(b"o\r"), b"two\r");
    }

    #[test]
    fn lines_of_a_private_key_are_found_one_by_one() {
        let key = Secret::from_text(
            "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG\n-----END KEY-----\n".to_owned(),
        );
        let redactor = redactor_for([&key].into_iter());
        let mut masked = OutputMasker::new(&redactor, key.len());
        assert_eq!(
            String::from_utf8(masked.push(b"x MIIEvQIBADANBgkqhkiG y\n")).unwrap(),
            "x ‹secret› y\n"
        );
    }

    #[test]
    fn a_line_without_end_is_shown_in_pieces_and_no_piece_tears_the_secret() {
        for before in (MAX_LINE_BYTES - 30..MAX_LINE_BYTES + 400).step_by(7) {
            let text = [&"x".repeat(before), SECRET, &"y".repeat(MAX_LINE_BYTES * 2)].concat();
            let shown = through(&text.as_bytes().chunks(997).collect::<Vec<_>>());
            assert!(!String::from_utf8(shown).unwrap().contains(&SECRET[..8]), "{before}");
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
    }
}
