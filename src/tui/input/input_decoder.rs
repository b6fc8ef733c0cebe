//! Decoder from the terminal's bytes to the user's input: the policy of what acts and what does not.
//!
//! - Nothing in a response of the terminal is a key, and a key that arrives together with the start of
//!   a response is dropped, because it may be a part of one.
//! - Characters that arrive as a burst are a paste.
//! - A paste ends by its end mark, its size or a silence; Ctrl-C ends one that has no end.
//!
//! The decoder has no clock and no thread of its own: `reader_unix.rs` feeds it. Start at
//! [`InputDecoder::feed`].

use std::time::{Duration, Instant};

use super::key_sequences::token_event;
use super::terminal_parser::{TerminalParser, TerminalToken};
use super::typed_text::{TypedOrPasted, TypedText, pasted_text};
use crate::config::KeyPress;
use crate::config::key::KeySymbol;
use crate::config::theme::TerminalBackground;
use crate::tui::app::InputEvent;

/// Start of the response to the background color query.
const BACKGROUND_RESPONSE: &str = "11;";

/// Decoder of terminal input.
pub(super) struct InputDecoder {
    parser: TerminalParser,
    /// Characters of earlier reads, while it is unknown whether they were typed or pasted.
    held: TypedText,
    /// Characters of the current read.
    typed: TypedText,
    /// Events since the last [`Self::take_events`].
    events: Vec<InputEvent>,
    /// Whether a part of a terminal's response arrived since then.
    has_response: bool,
    awaits_background: bool,
}

impl InputDecoder {
    /// Creates a decoder that waits this long after ESC for the rest of a sequence, and that awaits a
    /// response to the background color query or ignores it.
    pub(super) fn new(escape_hold: Duration, awaits_background: bool) -> Self {
        Self {
            parser: TerminalParser::new(escape_hold),
            held: TypedText::default(),
            typed: TypedText::default(),
            events: Vec::new(),
            has_response: false,
            awaits_background,
        }
    }

    /// Adds bytes that were read at this moment. The caller reads until nothing is left, and then
    /// takes the events.
    pub(super) fn feed(&mut self, bytes: &[u8], now: Instant) {
        self.has_response |= self.parser.is_in_string();
        for token in self.parser.feed(bytes, now) {
            self.handle_token(token, now);
        }
    }

    /// Returns the events that are complete when nothing more can be read at this moment.
    pub(super) fn take_events(&mut self, now: Instant) -> Vec<InputEvent> {
        for token in self.parser.settle(now) {
            self.handle_token(token, now);
        }
        self.hold_typed_text();
        if std::mem::take(&mut self.has_response) {
            drop(self.held.take());
            self.events.retain(|event| !is_key(event));
        } else if self.held.deadline().is_some_and(|deadline| deadline <= now) {
            self.end_held_text();
        }
        std::mem::take(&mut self.events)
    }

    /// Returns when [`Self::take_events`] has something to return although nothing was read.
    pub(super) fn deadline(&self) -> Option<Instant> {
        [self.parser.deadline(), self.held.deadline()].into_iter().flatten().min()
    }

    /// Drops and wipes what is incomplete, because another program had the terminal.
    pub(super) fn reset(&mut self) {
        self.parser.reset();
        drop((self.held.take(), self.typed.take()));
        self.events.clear();
        self.has_response = false;
    }

    fn handle_token(&mut self, token: TerminalToken, now: Instant) {
        match token {
            TerminalToken::Character(c) if !c.is_control() => return self.typed.push(c, now),
            TerminalToken::Control(byte @ (b'\r' | b'\n' | b'\t')) => {
                return self.typed.push(char::from(byte), now);
            }
            _ => {
                self.hold_typed_text();
                self.end_held_text();
            }
        }
        match token {
            TerminalToken::StringStart => self.has_response = true,
            TerminalToken::SystemCommand(command) => self.handle_system_command(&command),
            TerminalToken::Paste(bytes) => {
                self.events.push(InputEvent::Paste(pasted_text(&bytes)));
            }
            token => self.events.extend(token_event(&token)),
        }
    }

    fn handle_system_command(&mut self, command: &[u8]) {
        let color = std::str::from_utf8(command)
            .ok()
            .and_then(|command| command.strip_prefix(BACKGROUND_RESPONSE));
        if self.awaits_background
            && let Some(background) = color.and_then(TerminalBackground::parse)
        {
            self.awaits_background = false;
            self.events.push(InputEvent::Background(background));
        }
    }

    /// Adds the characters of the current read to the held ones. A single character is a key of its
    /// own: a paste arrives in larger pieces.
    fn hold_typed_text(&mut self) {
        if self.typed.is_single() {
            self.end_held_text();
        }
        self.held.append(&mut self.typed);
    }

    /// Turns the held characters into events.
    fn end_held_text(&mut self) {
        match self.held.take() {
            Some(TypedOrPasted::Pasted(text)) => self.events.push(InputEvent::Burst(text)),
            Some(TypedOrPasted::Typed(text)) => {
                let key = |c| match c {
                    '\r' => KeyPress::without_modifiers(KeySymbol::Enter),
                    '\t' => KeyPress::without_modifiers(KeySymbol::Tab),
                    '\n' => KeyPress::ctrl('j'),
                    c => KeyPress::char(c),
                };
                self.events.extend(text.chars().map(|c| InputEvent::Key(key(c))));
            }
            None => {}
        }
    }
}

/// Returns whether an event may run a command.
fn is_key(event: &InputEvent) -> bool {
    matches!(event, InputEvent::Key(_) | InputEvent::LayoutKey(..) | InputEvent::Burst(_))
}
