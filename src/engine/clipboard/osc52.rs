//! The terminal escape sequence OSC 52, which copies a text to the clipboard of a terminal, and its
//! way through GNU screen.
//!
//! GNU screen drops the sequence, but passes the content of a device control string (DCS) to the
//! outer terminal. Start with [`copy_sequence`].

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::{Zeroize as _, Zeroizing};

use super::ClipboardMethod;
use crate::domain::Secret;
use crate::domain::format::format_thousands;

/// Maximum length of an OSC 52 sequence that terminals accept, in bytes.
const MAX_SEQUENCE_BYTES: usize = 74_994;

/// Start of the sequence.
const INTRODUCER: &[u8] = b"\x1b]52;c;";

/// Length of the sequence without the encoded text, in bytes.
const OVERHEAD_BYTES: usize = INTRODUCER.len() + 2;

/// Maximum length of a text that terminals accept, in bytes: base64 makes four characters of three.
const MAX_TEXT_BYTES: usize = (MAX_SEQUENCE_BYTES - OVERHEAD_BYTES) / 4 * 3;

/// Maximum length of a string sequence in GNU screen, in bytes: 256 in version 4.0.3, which macOS
/// has, and 768 since 4.2.1. GNU screen displays what exceeds it.
const MAX_SCREEN_STRING_BYTES: usize = 256;

/// What is known about a program between tokenring and the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TerminalMultiplexer {
    /// There is none that the environment names.
    Absent,
    /// GNU screen.
    GnuScreen,
    /// GNU screen or tmux on another machine: both use its terminal names.
    ScreenOrTmux,
}

/// Returns the method that reaches the terminal from this process.
pub(super) fn method_here() -> ClipboardMethod {
    match multiplexer_here() {
        TerminalMultiplexer::GnuScreen => ClipboardMethod::GnuScreen,
        TerminalMultiplexer::Absent | TerminalMultiplexer::ScreenOrTmux => ClipboardMethod::Osc52,
    }
}

/// Returns the bytes that copy a text, or why no terminal accepts them.
pub(super) fn copy_sequence(text: &Secret) -> Result<Zeroizing<Vec<u8>>, String> {
    if text.len() > MAX_TEXT_BYTES {
        return Err(format!(
            "the text has {} bytes, and terminals accept at most {}",
            format_thousands(text.len() as u64),
            format_thousands(MAX_TEXT_BYTES as u64)
        ));
    }
    Ok(wrap_for(multiplexer_here(), text))
}

fn multiplexer_here() -> TerminalMultiplexer {
    multiplexer(&|name| std::env::var(name).ok())
}

/// Returns what the environment says about a multiplexer.
fn multiplexer(variable: &dyn Fn(&str) -> Option<String>) -> TerminalMultiplexer {
    let has = |name: &str| variable(name).is_some_and(|value| !value.is_empty());
    let is_named = variable("TERM").is_some_and(|name| name.starts_with("screen"));
    match (has("TMUX"), has("STY"), is_named) {
        (true, ..) | (false, false, false) => TerminalMultiplexer::Absent,
        (false, true, _) => TerminalMultiplexer::GnuScreen,
        (false, false, true) => TerminalMultiplexer::ScreenOrTmux,
    }
}

/// Returns the sequence for a text, in the form that the multiplexer passes on. Where it may be GNU
/// screen or tmux, both forms are sent: each ignores the other, as long as it is short.
fn wrap_for(multiplexer: TerminalMultiplexer, text: &Secret) -> Zeroizing<Vec<u8>> {
    match multiplexer {
        TerminalMultiplexer::Absent => sequence(text, b"\x1b\\"),
        TerminalMultiplexer::GnuScreen => in_device_control_strings(&sequence(text, b"\x07")),
        TerminalMultiplexer::ScreenOrTmux => {
            let mut both = in_device_control_strings(&sequence(text, b"\x07"));
            let plain = sequence(text, b"\x1b\\");
            if plain.len() < MAX_SCREEN_STRING_BYTES {
                both = Zeroizing::new([both.as_slice(), plain.as_slice()].concat());
            }
            both
        }
    }
}

fn sequence(text: &Secret, terminator: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut sequence =
        Zeroizing::new(Vec::with_capacity(text.len().div_ceil(3) * 4 + OVERHEAD_BYTES));
    sequence.extend_from_slice(INTRODUCER);
    let mut encoded = text.expose(|bytes| STANDARD.encode(bytes));
    sequence.extend_from_slice(encoded.as_bytes());
    encoded.zeroize();
    sequence.extend_from_slice(terminator);
    sequence
}

/// Wraps a sequence in device control strings that GNU screen accepts. It must not contain the end
/// of such a string.
fn in_device_control_strings(sequence: &[u8]) -> Zeroizing<Vec<u8>> {
    let [start, end] = [b"\x1bP", b"\x1b\\"];
    let room = MAX_SCREEN_STRING_BYTES - start.len() - end.len();
    let chunks = sequence.chunks(room);
    let mut wrapped = Zeroizing::new(Vec::with_capacity(
        sequence.len() + chunks.len() * (start.len() + end.len()),
    ));
    for chunk in chunks {
        wrapped.extend_from_slice(start);
        wrapped.extend_from_slice(chunk);
        wrapped.extend_from_slice(end);
    }
    wrapped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn multiplexer_with(variables: &[(&str, &str)]) -> TerminalMultiplexer {
        multiplexer(&|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn gnu_screen_is_recognized_by_its_session_or_its_terminal() {
        use TerminalMultiplexer as Found;
        let screen = ("TERM", "screen.xterm-256color");
        assert_eq!(multiplexer_with(&[("TERM", "xterm")]), Found::Absent);
        assert_eq!(multiplexer_with(&[screen, ("STY", "12.pts-0.box")]), Found::GnuScreen);
        assert_eq!(multiplexer_with(&[("STY", "12.x"), ("TERM", "xterm")]), Found::GnuScreen);
        assert_eq!(multiplexer_with(&[screen]), Found::ScreenOrTmux);
        assert_eq!(multiplexer_with(&[screen, ("STY", "")]), Found::ScreenOrTmux);
        assert_eq!(multiplexer_with(&[screen, ("TMUX", "/tmp/tmux,1,0")]), Found::Absent);
    }

    #[test]
    fn gnu_screen_gets_strings_that_it_accepts_and_passes_on_the_whole_sequence() {
        let text = "0123456789".repeat(200);
        let wrapped =
            wrap_for(TerminalMultiplexer::GnuScreen, &Secret::from_text(text.clone())).to_vec();
        let wrapped = String::from_utf8(wrapped).unwrap();
        let strings: Vec<_> = wrapped.split_terminator("\x1b\\").collect();
        assert!(strings.len() > 10 && wrapped.ends_with("\x1b\\"));
        let mut passed_on = String::new();
        for string in strings {
            assert!(string.len() + 2 <= MAX_SCREEN_STRING_BYTES, "{string:?}");
            passed_on += string.strip_prefix("\x1bP").expect("a device control string");
        }
        assert_eq!(passed_on, format!("\x1b]52;c;{}\x07", STANDARD.encode(text)));
    }

    #[test]
    fn an_unknown_multiplexer_gets_both_forms_unless_it_would_display_one() {
        let both = |text: &str| {
            let sent =
                wrap_for(TerminalMultiplexer::ScreenOrTmux, &Secret::from_text(text.to_owned()));
            String::from_utf8(sent.to_vec()).unwrap()
        };
        assert_eq!(both("abc"), "\x1bP\x1b]52;c;YWJj\x07\x1b\\\x1b]52;c;YWJj\x1b\\");
        assert_eq!(both(&"a".repeat(300)).matches("]52;").count(), 1);
    }

    #[test]
    fn the_largest_text_fits_and_a_larger_one_is_refused_with_both_sizes() {
        let copied = |bytes: usize| copy_sequence(&Secret::from_text("a".repeat(bytes)));
        assert!(copied(MAX_TEXT_BYTES).is_ok());
        let plain =
            wrap_for(TerminalMultiplexer::Absent, &Secret::from_text("a".repeat(MAX_TEXT_BYTES)));
        assert!(plain.len() <= MAX_SEQUENCE_BYTES && plain.len() + 4 > MAX_SEQUENCE_BYTES);
        let why = copied(MAX_TEXT_BYTES + 1).expect_err("too large");
        assert_eq!(why, "the text has 56,239 bytes, and terminals accept at most 56,238");
    }
}
