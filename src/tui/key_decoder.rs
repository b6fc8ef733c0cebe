//! Decoder of the bytes that a terminal sends to a prompt: text, a few keys, and pastes between marks
//! (bracketed paste).
//!
//! Start at [`KeyDecoder`].

use zeroize::Zeroizing;

/// Key or mark that the terminal sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TerminalKey {
    /// Byte of the text, a line break within a paste included.
    Text(u8),
    /// Return or line feed outside of a paste.
    Enter,
    /// Backspace.
    EraseCharacter,
    /// Ctrl-U.
    EraseLine,
    /// Ctrl-D.
    EndOfInput,
    /// Ctrl-C.
    Interrupt,
    /// Ctrl-\.
    Quit,
    /// Ctrl-Z.
    Suspend,
}

/// Decoder of the bytes that a terminal sends, with bracketed paste on.
#[derive(Default)]
pub(super) struct KeyDecoder {
    /// Escape sequence that is not complete yet.
    escape: Zeroizing<Vec<u8>>,
    /// Bytes of the paste that turned out not to be its end mark.
    literal: Zeroizing<Vec<u8>>,
    is_in_paste: bool,
    ended_with_return: bool,
}

const ESCAPE: u8 = 0x1b;
const PASTE_START: &[u8] = b"\x1b[200~";
const PASTE_END: &[u8] = b"\x1b[201~";

/// Maximum length of an escape sequence; a longer one is not a sequence.
const MAX_ESCAPE_BYTES: usize = 32;

impl KeyDecoder {
    /// Decodes one byte into the keys that it completes.
    pub(super) fn decode(&mut self, byte: u8, keys: &mut Vec<TerminalKey>) {
        if self.is_in_paste {
            self.decode_pasted(byte, keys);
        } else if !self.escape.is_empty() {
            self.decode_escape(byte);
        } else {
            let follows_return = std::mem::take(&mut self.ended_with_return);
            match byte {
                ESCAPE => self.escape.push(byte),
                b'\n' if follows_return => {}
                b'\r' | b'\n' => {
                    self.ended_with_return = byte == b'\r';
                    keys.push(TerminalKey::Enter);
                }
                0x03 => keys.push(TerminalKey::Interrupt),
                0x04 => keys.push(TerminalKey::EndOfInput),
                0x08 | 0x7f => keys.push(TerminalKey::EraseCharacter),
                0x15 => keys.push(TerminalKey::EraseLine),
                0x1a => keys.push(TerminalKey::Suspend),
                0x1c => keys.push(TerminalKey::Quit),
                0..=0x1f => {}
                _ => keys.push(TerminalKey::Text(byte)),
            }
        }
    }

    /// Adds a byte to an escape sequence: a key such as an arrow, which is ignored, or the start of
    /// a paste.
    fn decode_escape(&mut self, byte: u8) {
        self.escape.push(byte);
        let is_complete = match self.escape.as_slice() {
            [_, b'[' | b'O'] => false,
            [_, b'[', .., last] => (0x40..=0x7e).contains(last),
            _ => true,
        };
        if is_complete || self.escape.len() >= MAX_ESCAPE_BYTES {
            self.is_in_paste = self.escape.as_slice() == PASTE_START;
            self.escape.clear();
        }
    }

    /// Decodes a byte of a paste. Only the end mark has a meaning.
    fn decode_pasted(&mut self, byte: u8, keys: &mut Vec<TerminalKey>) {
        self.escape.push(byte);
        if self.escape.as_slice() == PASTE_END {
            self.escape.clear();
            self.is_in_paste = false;
            self.ended_with_return = false;
            return;
        }
        while !PASTE_END.starts_with(&self.escape) {
            let literal = self.escape.remove(0);
            self.literal.push(literal);
        }
        for byte in self.literal.drain(..) {
            let follows_return = std::mem::replace(&mut self.ended_with_return, byte == b'\r');
            match byte {
                b'\n' if follows_return => {}
                b'\r' => keys.push(TerminalKey::Text(b'\n')),
                _ => keys.push(TerminalKey::Text(byte)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Decodes input into its text, with `⏎` for Enter.
    fn decoded(input: &[u8]) -> String {
        let (mut decoder, mut keys) = (KeyDecoder::default(), Vec::new());
        for byte in input {
            decoder.decode(*byte, &mut keys);
        }
        let shown = |key: &TerminalKey| match key {
            TerminalKey::Text(byte) => char::from(*byte).to_string(),
            TerminalKey::Enter => "⏎".to_owned(),
            other => format!("<{other:?}>"),
        };
        keys.iter().map(shown).collect()
    }

    #[test]
    fn keys_and_line_ends_are_told_apart() {
        assert_eq!(decoded(b"ab\r"), "ab⏎");
        assert_eq!(decoded(b"ab\r\ncd\n"), "ab⏎cd⏎");
        assert_eq!(
            decoded(b"a\x7f\x15\x03\x04"),
            "a<EraseCharacter><EraseLine><Interrupt><EndOfInput>"
        );
        assert_eq!(decoded(b"a\x1b[A\x1bOB\x1b[3~\x1bxb"), "ab", "other keys are ignored");
    }

    #[test]
    fn a_paste_is_text_up_to_its_end_mark() {
        assert_eq!(decoded(b"\x1b[200~one\rtwo\r\nthree\n\x1b[201~\r"), "one\ntwo\nthree\n⏎");
        assert_eq!(decoded(b"\x1b[200~a\x03\x1b[31m\x1b[20\x1b[201~b"), "a\x03\x1b[31m\x1b[20b");
    }

    proptest! {
        #[test]
        fn a_paste_never_presses_a_key(text in proptest::collection::vec(any::<u8>(), 0..60)) {
            prop_assume!(!text.windows(PASTE_END.len()).any(|window| window == PASTE_END));
            let (mut decoder, mut keys) = (KeyDecoder::default(), Vec::new());
            for byte in [PASTE_START, &text, PASTE_END].concat() {
                decoder.decode(byte, &mut keys);
            }
            prop_assert!(keys.iter().all(|key| matches!(key, TerminalKey::Text(_))));
            prop_assert!(!decoder.is_in_paste);
        }
    }
}
