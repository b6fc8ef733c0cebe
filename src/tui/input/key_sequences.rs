//! Meaning of the terminal's tokens: keys, mouse and focus.
//!
//! Understands the sequences of xterm, rxvt and the Linux console, xterm's `modifyOtherKeys` and the
//! kitty keyboard protocol. Start at [`token_event`].

use super::terminal_parser::{ControlSequence, TerminalToken};
use crate::config::KeyPress;
use crate::config::key::KeySymbol;
use crate::tui::app::{InputEvent, MouseInput};

/// Keys of the sequences that end with a letter, and of those that begin with `ESC O`.
const LETTER_KEYS: [(u8, KeySymbol); 11] = [
    (b'A', KeySymbol::Up),
    (b'B', KeySymbol::Down),
    (b'C', KeySymbol::Right),
    (b'D', KeySymbol::Left),
    (b'H', KeySymbol::Home),
    (b'F', KeySymbol::End),
    (b'Z', KeySymbol::Tab),
    (b'P', KeySymbol::F(1)),
    (b'Q', KeySymbol::F(2)),
    // `CSI R` is the position of the cursor too; only `ESC O R` is a key.
    (b'R', KeySymbol::F(3)),
    (b'S', KeySymbol::F(4)),
];

/// Keys of the sequences that end with `~`, by their number.
const NUMBER_KEYS: [(u32, KeySymbol); 28] = [
    (1, KeySymbol::Home),
    (2, KeySymbol::Insert),
    (3, KeySymbol::Delete),
    (4, KeySymbol::End),
    (5, KeySymbol::PageUp),
    (6, KeySymbol::PageDown),
    (7, KeySymbol::Home),
    (8, KeySymbol::End),
    (11, KeySymbol::F(1)),
    (12, KeySymbol::F(2)),
    (13, KeySymbol::F(3)),
    (14, KeySymbol::F(4)),
    (15, KeySymbol::F(5)),
    (17, KeySymbol::F(6)),
    (18, KeySymbol::F(7)),
    (19, KeySymbol::F(8)),
    (20, KeySymbol::F(9)),
    (21, KeySymbol::F(10)),
    (23, KeySymbol::F(11)),
    (24, KeySymbol::F(12)),
    (25, KeySymbol::F(13)),
    (26, KeySymbol::F(14)),
    (28, KeySymbol::F(15)),
    (29, KeySymbol::F(16)),
    (31, KeySymbol::F(17)),
    (32, KeySymbol::F(18)),
    (33, KeySymbol::F(19)),
    (34, KeySymbol::F(20)),
];

/// Keys of the keypad, as the kitty keyboard protocol numbers them from [`FIRST_KEYPAD_KEY`] on.
const KEYPAD_KEYS: [KeySymbol; 28] = [
    KeySymbol::Char('0'),
    KeySymbol::Char('1'),
    KeySymbol::Char('2'),
    KeySymbol::Char('3'),
    KeySymbol::Char('4'),
    KeySymbol::Char('5'),
    KeySymbol::Char('6'),
    KeySymbol::Char('7'),
    KeySymbol::Char('8'),
    KeySymbol::Char('9'),
    KeySymbol::Char('.'),
    KeySymbol::Char('/'),
    KeySymbol::Char('*'),
    KeySymbol::Char('-'),
    KeySymbol::Char('+'),
    KeySymbol::Enter,
    KeySymbol::Char('='),
    KeySymbol::Char(','),
    KeySymbol::Left,
    KeySymbol::Right,
    KeySymbol::Up,
    KeySymbol::Down,
    KeySymbol::PageUp,
    KeySymbol::PageDown,
    KeySymbol::Home,
    KeySymbol::End,
    KeySymbol::Insert,
    KeySymbol::Delete,
];

const FIRST_KEYPAD_KEY: u32 = 57_399;
/// Code of F13 in the kitty keyboard protocol.
const FIRST_HIGH_FUNCTION_KEY: u32 = 57_376;
/// Code points that the kitty keyboard protocol uses for keys without text.
const FUNCTIONAL_KEYS: std::ops::RangeInclusive<u32> = 57_344..=63_743;

/// Modifiers of a key: a number that is one more than the sum of their bits.
#[derive(Clone, Copy)]
struct KeyModifiers(u32);

impl KeyModifiers {
    const SHIFT: u32 = 1;
    const ALT: u32 = 2;
    const CTRL: u32 = 4;
    /// Super, Hyper and Meta. A key with one of them belongs to the desktop.
    const FOREIGN: u32 = 8 | 16 | 32;

    fn contains(self, bits: u32) -> bool {
        self.0.saturating_sub(1) & bits != 0
    }
}

/// Returns the event that a token stands for; `None` for tokens that the screen does not use.
pub(super) fn token_event(token: &TerminalToken) -> Option<InputEvent> {
    match token {
        TerminalToken::Character(c) => {
            (!c.is_control()).then(|| InputEvent::Key(KeyPress::char(*c)))
        }
        TerminalToken::Control(byte) => Some(InputEvent::Key(control_key(*byte))),
        TerminalToken::AltCharacter(c) if c.is_ascii_control() => {
            Some(InputEvent::Key(KeyPress { alt: true, ..control_key(u8::try_from(*c).ok()?) }))
        }
        TerminalToken::AltCharacter(c) => {
            (!c.is_control()).then(|| InputEvent::Key(KeyPress { alt: true, ..KeyPress::char(*c) }))
        }
        TerminalToken::EscapeKey => {
            Some(InputEvent::Key(KeyPress::without_modifiers(KeySymbol::Esc)))
        }
        TerminalToken::SingleShift(byte) => {
            letter_key(*byte).map(|code| InputEvent::Key(KeyPress::without_modifiers(code)))
        }
        TerminalToken::ConsoleKey(byte @ b'A'..=b'E') => {
            Some(InputEvent::Key(KeyPress::without_modifiers(KeySymbol::F(byte - b'A' + 1))))
        }
        TerminalToken::MouseReport([button, column, row]) => {
            let coordinate = |byte: &u8| u32::from(byte.saturating_sub(b' '));
            let button = coordinate(button);
            let kind = if button & 0b1100_0011 == 3 {
                MouseInput::Release
            } else {
                mouse_input(button, b'M')?
            };
            mouse_event(kind, coordinate(column), coordinate(row))
        }
        TerminalToken::Sequence(sequence) => sequence_event(sequence),
        TerminalToken::ConsoleKey(_)
        | TerminalToken::StringStart
        | TerminalToken::SystemCommand(_)
        | TerminalToken::Paste(_) => None,
    }
}

/// Returns the key of a control byte.
fn control_key(byte: u8) -> KeyPress {
    match byte {
        b'\r' => KeyPress::without_modifiers(KeySymbol::Enter),
        b'\t' => KeyPress::without_modifiers(KeySymbol::Tab),
        0x7f => KeyPress::without_modifiers(KeySymbol::Backspace),
        0x00 => KeyPress::ctrl(' '),
        0x1c..=0x1f => KeyPress::ctrl(char::from(byte - 0x1c + b'4')),
        0x1b => KeyPress::without_modifiers(KeySymbol::Esc),
        _ => KeyPress::ctrl(char::from((byte & 0x1f) + b'a' - 1)),
    }
}

fn letter_key(letter: u8) -> Option<KeySymbol> {
    LETTER_KEYS.iter().find(|(known, _)| *known == letter).map(|(_, code)| *code)
}

fn sequence_event(sequence: &ControlSequence) -> Option<InputEvent> {
    let parameters = std::str::from_utf8(&sequence.parameters).ok()?;
    if let Some(report) = parameters.strip_prefix('<') {
        return mouse_report(report, sequence.last);
    }
    if parameters.is_empty() && matches!(sequence.last, b'I' | b'O') {
        return Some(InputEvent::Focus(sequence.last == b'I'));
    }
    let mut fields = parameters.split(';');
    let (first, second) = (fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
    let modifiers = KeyModifiers::of_field(second)?;
    match (sequence.last, fields.next()) {
        (b'u', _) => character_key(&KeyCode::parse(first)?, modifiers),
        (b'~', Some(code)) if first == "27" => character_key(&KeyCode::parse(code)?, modifiers),
        (b'~', None) => {
            let code = first.split(':').next().and_then(number)?;
            let (_, key) = NUMBER_KEYS.iter().find(|(known, _)| *known == code)?;
            Some(InputEvent::Key(named_key(*key, modifiers)))
        }
        (b'R', _) => None,
        (letter, None) if matches!(first, "" | "1") => {
            let mut key = named_key(letter_key(letter)?, modifiers);
            key.shift |= letter == b'Z';
            Some(InputEvent::Key(key))
        }
        _ => None,
    }
}

/// Key code of the kitty keyboard protocol: the key, and what else it would type.
struct KeyCode {
    /// The key without modifiers.
    code: u32,
    /// What the key types with Shift.
    shifted: Option<u32>,
    /// The key at the same place of a US keyboard.
    base: Option<u32>,
}

impl KeyCode {
    fn parse(field: &str) -> Option<Self> {
        let mut parts = field.split(':').map(number);
        let code = parts.next()??;
        Some(Self { code, shifted: parts.next().flatten(), base: parts.next().flatten() })
    }
}

impl KeyModifiers {
    /// Parses the field of a sequence; `None` for keys that were released or belong to the desktop.
    fn of_field(field: &str) -> Option<Self> {
        let mut parts = field.split(':');
        let bits = parts.next().unwrap_or_default();
        let is_released = parts.next() == Some("3");
        let modifiers = Self(if bits.is_empty() { 1 } else { number(bits)? });
        (!is_released && !modifiers.contains(Self::FOREIGN)).then_some(modifiers)
    }
}

/// Returns the event of a key that is reported by its character.
fn character_key(key: &KeyCode, modifiers: KeyModifiers) -> Option<InputEvent> {
    if let Some(named) = named_code(key.code) {
        return Some(InputEvent::Key(named_key(named, modifiers)));
    }
    let character =
        |code: u32| char::from_u32(code).filter(|c| !c.is_control() && !is_functional(code));
    let c = character(key.code)?;
    let base = key.base.and_then(character).filter(|_| !c.is_ascii());
    let is_command =
        modifiers.contains(KeyModifiers::CTRL) || modifiers.contains(KeyModifiers::ALT);
    if is_command {
        let mut press = KeyPress::char(base.unwrap_or(c));
        (press.ctrl, press.alt) =
            (modifiers.contains(KeyModifiers::CTRL), modifiers.contains(KeyModifiers::ALT));
        return Some(InputEvent::Key(as_legacy(press, key, modifiers)));
    }
    let shifted = |c: char| c.to_uppercase().next().unwrap_or(c);
    let (typed, base) = if modifiers.contains(KeyModifiers::SHIFT) {
        (key.shifted.and_then(character).unwrap_or_else(|| shifted(c)), base.map(shifted))
    } else {
        (c, base)
    };
    Some(match base {
        Some(base) => InputEvent::LayoutKey(KeyPress::char(typed), KeyPress::char(base)),
        None => InputEvent::Key(KeyPress::char(typed)),
    })
}

/// Returns the key that older terminals report for a character with Ctrl or Alt: Ctrl-[ is Esc,
/// Ctrl-I is Tab, Ctrl-M is Enter, and Alt with Shift types the shifted character.
fn as_legacy(mut press: KeyPress, key: &KeyCode, modifiers: KeyModifiers) -> KeyPress {
    let KeySymbol::Char(c) = &mut press.code else { return press };
    if press.ctrl {
        c.make_ascii_lowercase();
        let code = match c {
            '[' => KeySymbol::Esc,
            'i' => KeySymbol::Tab,
            'm' => KeySymbol::Enter,
            _ => return press,
        };
        return KeyPress { ctrl: false, code, ..press };
    }
    if modifiers.contains(KeyModifiers::SHIFT) {
        let shifted = key.shifted.and_then(char::from_u32).filter(|_| key.code < 0x80);
        *c = shifted.unwrap_or_else(|| c.to_ascii_uppercase());
    }
    press
}

/// Returns the key without text that a code of the kitty keyboard protocol stands for.
fn named_code(code: u32) -> Option<KeySymbol> {
    Some(match code {
        9 => KeySymbol::Tab,
        13 => KeySymbol::Enter,
        27 => KeySymbol::Esc,
        8 | 127 => KeySymbol::Backspace,
        FIRST_HIGH_FUNCTION_KEY..FIRST_KEYPAD_KEY => {
            let above = u8::try_from(code - FIRST_HIGH_FUNCTION_KEY).ok()?;
            KeySymbol::F(above + 13)
        }
        _ => {
            let place = code.checked_sub(FIRST_KEYPAD_KEY)?;
            *KEYPAD_KEYS.get(usize::try_from(place).ok()?)?
        }
    })
}

fn is_functional(code: u32) -> bool {
    FUNCTIONAL_KEYS.contains(&code)
}

/// Returns a key with its modifiers. Shift counts where the key has another meaning with it.
fn named_key(code: KeySymbol, modifiers: KeyModifiers) -> KeyPress {
    let ignores_shift = matches!(
        code,
        KeySymbol::Char(_) | KeySymbol::Enter | KeySymbol::Backspace | KeySymbol::Esc
    );
    KeyPress {
        code,
        ctrl: modifiers.contains(KeyModifiers::CTRL),
        alt: modifiers.contains(KeyModifiers::ALT),
        shift: modifiers.contains(KeyModifiers::SHIFT) && !ignores_shift,
    }
}

/// Returns the event of a mouse report in SGR encoding: button, column and row, counted from 1.
fn mouse_report(report: &str, last: u8) -> Option<InputEvent> {
    let mut numbers = report.split(';').map(number);
    let (button, column, row) = (numbers.next()??, numbers.next()??, numbers.next()??);
    let event = mouse_event(mouse_input(button, last)?, column, row);
    event.filter(|_| numbers.next().is_none())
}

/// Returns what happened with the left button or the wheel; Shift, Alt and Ctrl do not matter.
fn mouse_input(button: u32, last: u8) -> Option<MouseInput> {
    match (button & !0b1_1100, last) {
        (0, b'M') => Some(MouseInput::Press),
        (32, b'M') => Some(MouseInput::Drag),
        (0, b'm') => Some(MouseInput::Release),
        (64, b'M') => Some(MouseInput::ScrollUp),
        (65, b'M') => Some(MouseInput::ScrollDown),
        _ => None,
    }
}

fn mouse_event(mouse: MouseInput, column: u32, row: u32) -> Option<InputEvent> {
    let from_zero = |coordinate: u32| u16::try_from(coordinate.checked_sub(1)?).ok();
    Some(InputEvent::Mouse(mouse, from_zero(column)?, from_zero(row)?))
}

/// Parses a number, which has digits only.
fn number(text: &str) -> Option<u32> {
    text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()))
}
