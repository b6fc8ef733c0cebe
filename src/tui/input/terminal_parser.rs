//! Parser of the bytes that a terminal sends: characters, control sequences, strings and pastes, each
//! bounded in length and time.
//!
//! The parser knows the grammar (ECMA-48 with the usual extensions) and no meaning: which key a
//! sequence stands for is in `key_sequences.rs`, what happens to keys in `input_decoder.rs`. It
//! splits its input into the same tokens wherever reads end, except that a pause after ESC makes it
//! the Esc key. Start at [`TerminalParser::feed`].

use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::wiped_buffer::WipedBuffer;

/// How long a control sequence or a string may take, from its first byte to its last.
const SEQUENCE_TIMEOUT: Duration = Duration::from_secs(1);

/// How long the terminal may be silent within a paste. After that, the paste has ended.
const PASTE_SILENCE: Duration = Duration::from_secs(1);

/// How long after the Esc key a `[` or `]` may be the rest of a sequence whose ESC came too early.
const LATE_SEQUENCE_WINDOW: Duration = Duration::from_millis(300);

/// Maximum number of bytes that are kept of a control sequence. A longer one is unknown.
const MAX_SEQUENCE_BYTES: usize = 64;

/// Maximum number of bytes that are kept of a string. A longer one is unknown.
const MAX_STRING_BYTES: usize = 256;

/// Maximum size of a paste: one byte more than the largest answer, so that a prompt notices a larger
/// one. Its rest is discarded.
pub(super) const MAX_PASTE_BYTES: usize = (1 << 20) + 1;

const PASTE_END: &[u8] = b"\x1b[201~";

/// Ctrl-C as a byte, and how a terminal with the kitty keyboard protocol encodes it, by the letter
/// and by the key of another layout.
const INTERRUPT: u8 = 0x03;
const ENCODED_INTERRUPTS: [&[u8]; 2] = [b"\x1b[99;5u", b"::99;5u"];

const BELL: u8 = 0x07;
const CANCEL: u8 = 0x18;
const SUBSTITUTE: u8 = 0x1a;
const ESCAPE: u8 = 0x1b;

/// Unit of the terminal's input.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::tui) enum TerminalToken {
    /// Printable character.
    Character(char),
    /// Control byte, for example of Enter or a key with Ctrl.
    Control(u8),
    /// Character or control byte after ESC: a key with Alt.
    AltCharacter(char),
    /// The Esc key.
    EscapeKey,
    /// Control sequence (`ESC [ …`).
    Sequence(ControlSequence),
    /// Character after `ESC O`, for example of an arrow key.
    SingleShift(u8),
    /// Character after `ESC [ [`: a function key of the Linux console.
    ConsoleKey(u8),
    /// Button, column and row of a mouse report in the oldest encoding.
    MouseReport([u8; 3]),
    /// Start of a string (`ESC P`, `ESC ]`, `ESC _`, `ESC ^`, `ESC X`), which is a response of the
    /// terminal.
    StringStart,
    /// Operating system command (`ESC ] …`) that is complete.
    SystemCommand(Zeroizing<Vec<u8>>),
    /// Text of a paste, complete or cut off by its size or a silence.
    Paste(Zeroizing<Vec<u8>>),
}

/// Control sequence: parameters, and the byte that says what it means.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::tui) struct ControlSequence {
    /// Bytes between introducer and final byte.
    pub(in crate::tui) parameters: Zeroizing<Vec<u8>>,
    /// Final byte.
    pub(in crate::tui) last: u8,
}

/// What the next byte belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ParserState {
    Ground,
    /// After ESC.
    Escape,
    /// In a character of several bytes, typed with Alt or without.
    Character {
        is_alt: bool,
    },
    /// In a control sequence, which is ignored if it turned out to be none.
    Sequence {
        is_ignored: bool,
    },
    SingleShift,
    ConsoleKey,
    MouseReport,
    /// In a string; `kind` is the byte of its introducer.
    String {
        kind: u8,
    },
    /// After ESC in a string.
    StringEscape {
        kind: u8,
    },
    Paste,
    /// In the rest of a paste that is too large or was interrupted.
    DiscardedPaste,
}

/// Parser of terminal input.
pub(in crate::tui) struct TerminalParser {
    state: ParserState,
    /// How long to wait after ESC for the rest of a sequence.
    escape_hold: Duration,
    /// Bytes of the incomplete character, sequence, string or paste.
    pending: WipedBuffer,
    /// When the incomplete token ends by itself.
    deadline: Option<Instant>,
    /// When a pause made ESC the Esc key, if nothing came since.
    escape_key_at: Option<Instant>,
    /// Number of bytes of [`PASTE_END`] that the paste ends with.
    paste_end_matched: usize,
    /// Whether Ctrl-C came since the paste started.
    is_paste_interrupted: bool,
    tokens: Vec<TerminalToken>,
}

impl TerminalParser {
    /// Creates a parser that waits this long after ESC for the rest of a sequence.
    pub(in crate::tui) fn new(escape_hold: Duration) -> Self {
        Self {
            state: ParserState::Ground,
            escape_hold,
            pending: WipedBuffer::default(),
            deadline: None,
            escape_key_at: None,
            paste_end_matched: 0,
            is_paste_interrupted: false,
            tokens: Vec::new(),
        }
    }

    /// Parses bytes that arrived at this moment; returns the tokens that they complete.
    pub(in crate::tui) fn feed(&mut self, bytes: &[u8], now: Instant) -> Vec<TerminalToken> {
        for byte in bytes {
            self.parse_byte(*byte, now);
        }
        if self.is_in_paste() {
            self.deadline = Some(now + PASTE_SILENCE);
        }
        std::mem::take(&mut self.tokens)
    }

    /// Ends what is incomplete when nothing more can be read at this moment; returns the tokens that
    /// this completes.
    pub(in crate::tui) fn settle(&mut self, now: Instant) -> Vec<TerminalToken> {
        if self.is_in_paste() && std::mem::take(&mut self.is_paste_interrupted) {
            self.tokens.push(TerminalToken::Control(INTERRUPT));
            self.discard_paste();
        }
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            match self.state {
                ParserState::Escape => {
                    self.escape_key_at = Some(now);
                    self.tokens.push(TerminalToken::EscapeKey);
                }
                ParserState::Paste => self.tokens.push(TerminalToken::Paste(self.pending.take())),
                _ => {}
            }
            self.enter_ground();
        }
        std::mem::take(&mut self.tokens)
    }

    /// Drops and wipes what is incomplete.
    pub(super) fn reset(&mut self) {
        self.tokens.clear();
        self.enter_ground();
        self.escape_key_at = None;
    }

    /// Returns when [`Self::settle`] ends what is incomplete.
    pub(in crate::tui) fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Returns whether the next byte belongs to a string.
    pub(super) fn is_in_string(&self) -> bool {
        matches!(self.state, ParserState::String { .. } | ParserState::StringEscape { .. })
    }

    fn is_in_paste(&self) -> bool {
        matches!(self.state, ParserState::Paste | ParserState::DiscardedPaste)
    }

    fn parse_byte(&mut self, byte: u8, now: Instant) {
        match self.state {
            ParserState::Ground => self.parse_ground(byte, now),
            ParserState::Escape => self.parse_escape(byte, now),
            ParserState::Character { is_alt } => self.parse_character(byte, is_alt, now),
            ParserState::Sequence { is_ignored } => self.parse_sequence(byte, is_ignored, now),
            ParserState::SingleShift => self.parse_single_shift(byte, now),
            ParserState::ConsoleKey => {
                self.tokens.push(TerminalToken::ConsoleKey(byte));
                self.enter_ground();
            }
            ParserState::MouseReport => self.parse_mouse_report(byte),
            ParserState::String { kind } => self.parse_string(byte, kind),
            ParserState::StringEscape { kind } => self.parse_string_escape(byte, kind, now),
            ParserState::Paste => self.parse_paste(byte),
            ParserState::DiscardedPaste => {
                self.is_paste_interrupted |= byte == INTERRUPT;
                if self.ends_paste(byte) {
                    self.enter_ground();
                }
            }
        }
    }

    fn parse_ground(&mut self, byte: u8, now: Instant) {
        let is_late = self
            .escape_key_at
            .take()
            .is_some_and(|escape_key_at| now <= escape_key_at + LATE_SEQUENCE_WINDOW);
        match byte {
            b'[' | b']' if is_late => {
                self.parse_escape(byte, now);
                self.deadline = Some(now + self.escape_hold);
            }
            ESCAPE => self.enter_escape(now),
            0x00..=0x1f | 0x7f => self.tokens.push(TerminalToken::Control(byte)),
            0x20..=0x7e => self.tokens.push(TerminalToken::Character(char::from(byte))),
            _ => {
                self.state = ParserState::Character { is_alt: false };
                self.deadline = Some(now + SEQUENCE_TIMEOUT);
                self.parse_character(byte, false, now);
            }
        }
    }

    fn parse_escape(&mut self, byte: u8, now: Instant) {
        self.deadline = Some(now + SEQUENCE_TIMEOUT);
        match byte {
            ESCAPE => {
                self.tokens.push(TerminalToken::EscapeKey);
                self.enter_escape(now);
            }
            b'[' => self.state = ParserState::Sequence { is_ignored: false },
            b'O' => self.state = ParserState::SingleShift,
            b'P' | b']' | b'_' | b'^' | b'X' => {
                self.tokens.push(TerminalToken::StringStart);
                self.state = ParserState::String { kind: byte };
            }
            0x00..=0x7f => {
                self.tokens.push(TerminalToken::AltCharacter(char::from(byte)));
                self.enter_ground();
            }
            _ => {
                self.state = ParserState::Character { is_alt: true };
                self.parse_character(byte, true, now);
            }
        }
    }

    /// Adds a byte to a character of several bytes. What is not UTF-8 is dropped.
    fn parse_character(&mut self, byte: u8, is_alt: bool, now: Instant) {
        let is_first = self.pending.as_slice().is_empty();
        if !is_first && byte & 0xc0 != 0x80 {
            self.enter_ground();
            return self.parse_byte(byte, now);
        }
        self.pending.push(byte);
        match std::str::from_utf8(self.pending.as_slice()) {
            Ok(text) => {
                self.tokens.extend(text.chars().next().map(|c| {
                    if is_alt {
                        TerminalToken::AltCharacter(c)
                    } else {
                        TerminalToken::Character(c)
                    }
                }));
                self.enter_ground();
            }
            Err(error) if error.error_len().is_some() => self.enter_ground(),
            Err(_) => {}
        }
    }

    fn parse_sequence(&mut self, byte: u8, is_ignored: bool, now: Instant) {
        let is_empty = self.pending.as_slice().is_empty() && !is_ignored;
        match byte {
            ESCAPE => {
                self.enter_ground();
                self.enter_escape(now);
            }
            CANCEL | SUBSTITUTE => self.enter_ground(),
            b'[' if is_empty => self.state = ParserState::ConsoleKey,
            b'M' if is_empty => self.state = ParserState::MouseReport,
            0x40..=0x7e => {
                let parameters = self.pending.take();
                self.enter_ground();
                if byte == b'~' && parameters.as_slice() == b"200" && !is_ignored {
                    self.enter_paste();
                } else if !is_ignored {
                    let sequence = ControlSequence { parameters, last: byte };
                    self.tokens.push(TerminalToken::Sequence(sequence));
                }
            }
            0x20..=0x3f if self.pending.as_slice().len() < MAX_SEQUENCE_BYTES => {
                self.pending.push(byte);
            }
            _ => self.state = ParserState::Sequence { is_ignored: true },
        }
    }

    /// Parses the byte after `ESC O`, before which old terminals write the modifier as a digit.
    fn parse_single_shift(&mut self, byte: u8, now: Instant) {
        match byte {
            b'0'..=b'9' => {}
            0x20..=0x7e => {
                self.tokens.push(TerminalToken::SingleShift(byte));
                self.enter_ground();
            }
            _ => {
                self.enter_ground();
                self.parse_byte(byte, now);
            }
        }
    }

    fn parse_mouse_report(&mut self, byte: u8) {
        self.pending.push(byte);
        if let [button, column, row] = *self.pending.as_slice() {
            self.tokens.push(TerminalToken::MouseReport([button, column, row]));
            self.enter_ground();
        }
    }

    fn parse_string(&mut self, byte: u8, kind: u8) {
        match byte {
            ESCAPE => self.state = ParserState::StringEscape { kind },
            CANCEL | SUBSTITUTE => self.enter_ground(),
            BELL if kind == b']' => self.end_string(kind),
            _ if self.pending.as_slice().len() <= MAX_STRING_BYTES => self.pending.push(byte),
            _ => {}
        }
    }

    /// Parses the byte after ESC in a string: its terminator, or the start of something else.
    fn parse_string_escape(&mut self, byte: u8, kind: u8, now: Instant) {
        if byte == b'\\' {
            return self.end_string(kind);
        }
        self.enter_ground();
        self.enter_escape(now);
        self.parse_byte(byte, now);
    }

    fn end_string(&mut self, kind: u8) {
        if kind == b']' && self.pending.as_slice().len() <= MAX_STRING_BYTES {
            self.tokens.push(TerminalToken::SystemCommand(self.pending.take()));
        }
        self.enter_ground();
    }

    fn parse_paste(&mut self, byte: u8) {
        self.pending.push(byte);
        if self.ends_paste(byte) {
            self.pending.remove_last(PASTE_END.len());
            self.tokens.push(TerminalToken::Paste(self.pending.take()));
            self.enter_ground();
            return;
        }
        let text = self.pending.as_slice();
        self.is_paste_interrupted |= byte == INTERRUPT
            || byte == b'u' && ENCODED_INTERRUPTS.iter().any(|encoded| text.ends_with(encoded));
        if text.len() >= MAX_PASTE_BYTES + PASTE_END.len() {
            self.pending.remove_last(PASTE_END.len());
            self.tokens.push(TerminalToken::Paste(self.pending.take()));
            self.discard_paste();
        }
    }

    /// Returns whether the byte completes the end mark of a paste.
    fn ends_paste(&mut self, byte: u8) -> bool {
        self.paste_end_matched = if PASTE_END[self.paste_end_matched] == byte {
            self.paste_end_matched + 1
        } else {
            // ESC is in the mark once, so a shorter match can only be its first byte.
            usize::from(byte == ESCAPE)
        };
        self.paste_end_matched == PASTE_END.len()
    }

    fn enter_paste(&mut self) {
        self.state = ParserState::Paste;
        self.paste_end_matched = 0;
        self.is_paste_interrupted = false;
    }

    fn discard_paste(&mut self) {
        self.pending.clear();
        self.state = ParserState::DiscardedPaste;
    }

    fn enter_escape(&mut self, now: Instant) {
        self.state = ParserState::Escape;
        self.deadline = Some(now + self.escape_hold);
    }

    fn enter_ground(&mut self) {
        self.state = ParserState::Ground;
        self.deadline = None;
        self.pending.clear();
    }
}
