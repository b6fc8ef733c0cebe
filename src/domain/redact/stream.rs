//! Masking of bytes that arrive in pieces and are too many for the memory.
//!
//! The end of what has arrived is held back until it is certain that no secret continues after it,
//! so a secret across two pieces is masked like any other. Start at [`StreamRedactor`].

use std::sync::Arc;

use super::{MaskScope, SecretPlace, SecretRedactor, mask_places, merge_places};

/// Number of bytes after which a piece is passed on.
const PIECE_BYTES: usize = 1 << 20;

/// Number of bytes at the end that are held back: more than any form of any secret has.
const HELD_BACK_BYTES: usize = 64 << 10;

/// Maximum length of the beginning of a token that is held back with its rest.
const MAX_WORD_BYTES: usize = 16 << 10;

/// Masks secrets in a stream of bytes.
#[derive(Default)]
pub struct StreamRedactor {
    redactors: Vec<Arc<SecretRedactor>>,
    pending: Vec<u8>,
    has_masked: bool,
}

impl StreamRedactor {
    /// Creates a stream that masks what any of the redactors masks.
    pub fn new(redactors: Vec<Arc<SecretRedactor>>) -> Self {
        Self { redactors, pending: Vec::new(), has_masked: false }
    }

    /// Whether something was masked in the bytes that were passed on.
    pub fn has_masked(&self) -> bool {
        self.has_masked
    }

    /// Adds bytes and returns those that may be passed on, masked.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.pending.extend_from_slice(bytes);
        if self.pending.len() < PIECE_BYTES + HELD_BACK_BYTES {
            return Vec::new();
        }
        let mut places = self.find_places();
        let mut end = word_start(&self.pending, self.pending.len() - HELD_BACK_BYTES);
        if let Some(cut) = places.iter().find(|place| place.range.contains(&end)) {
            end = cut.range.start;
        }
        // Characters of two bytes stay together.
        end -= end % 2;
        places.retain(|place| place.range.end <= end);
        self.has_masked |= !places.is_empty();
        let rest = self.pending.split_off(end);
        mask_places(std::mem::replace(&mut self.pending, rest), &places)
    }

    /// Returns the bytes that were held back, masked.
    pub fn finish(self) -> Vec<u8> {
        let places = self.find_places();
        mask_places(self.pending, &places)
    }

    fn find_places(&self) -> Vec<SecretPlace> {
        let found = self
            .redactors
            .iter()
            .flat_map(|redactor| redactor.find_places(&self.pending, MaskScope::Everything));
        merge_places(found.collect())
    }
}

/// Returns the start of the word around a position, or the position where the word is too long to be
/// a token.
fn word_start(bytes: &[u8], at: usize) -> usize {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-~+/=%\\\0".contains(byte);
    let before = bytes[at.saturating_sub(MAX_WORD_BYTES)..at].iter().rev();
    let length = before.take_while(|byte| is_word(byte)).count();
    if length < MAX_WORD_BYTES { at - length } else { at }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::Secret;
    use crate::domain::redact::MASK;

    fn stream() -> StreamRedactor {
        let mut redactor = SecretRedactor::default();
        redactor.add_secret(&Secret::from_text("canary-4711".to_owned()));
        StreamRedactor::new(vec![Arc::new(SecretRedactor::default()), Arc::new(redactor)])
    }

    fn masked(pieces: &[&[u8]]) -> Vec<u8> {
        let mut stream = stream();
        let mut bytes: Vec<u8> = pieces.iter().flat_map(|piece| stream.push(piece)).collect();
        bytes.extend(stream.finish());
        bytes
    }

    #[test]
    fn a_secret_around_every_cut_is_masked() {
        let wide: Vec<u8> = "canary-4711".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for secret in [&b"canary-4711"[..], b"canary%2D4711", b"snyk_uat.canary.of.7", &wide] {
            for before in [0, 1, 2, 5, 9, 12, 20, 30] {
                for filler in [b'\n', b'a', 0xff] {
                    let mut bytes = vec![filler; PIECE_BYTES - before];
                    bytes.push(b' ');
                    bytes.extend(secret);
                    bytes.push(b' ');
                    bytes.resize(PIECE_BYTES + 3 * HELD_BACK_BYTES, filler);
                    let pieces: Vec<_> = bytes.chunks(1 << 16).collect();
                    let shown = masked(&pieces);
                    assert!(
                        shown == stream().redactors[1].redact_bytes(bytes),
                        "{secret:?} {before} {filler}"
                    );
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20))]
        #[test]
        fn pieces_change_nothing(cuts in proptest::collection::vec(1_usize..300_000, 1..12)) {
            let line = b"{\"a\": \"canary-4711\", \"b\": \"caf\xc3\xa9 \xff\"}\r\n";
            let bytes: Vec<u8> = line.iter().copied().cycle().take(2 << 20).collect();
            let (mut pieces, mut rest) = (Vec::new(), bytes.as_slice());
            for cut in cuts.iter().cycle() {
                if rest.is_empty() { break }
                let (piece, after) = rest.split_at((*cut).min(rest.len()));
                pieces.push(piece);
                rest = after;
            }
            let shown = masked(&pieces);
            prop_assert!(shown == stream().redactors[1].redact_bytes(bytes));
            prop_assert!(shown.windows(MASK.len()).any(|window| window == MASK.as_bytes()));
        }
    }
}
