//! Key presses as users write them: `j`, `S-Tab`, `C-p`, `PgUp`.
//!
//! The settings file, the key help and the documentation use this notation. Reading terminal events
//! and binding keys to commands belongs to `tui`. Start reading at [`KeyPress::parse`].

use std::fmt;

/// Key press with its modifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyPress {
    /// The key itself. A shifted letter is the capital letter, without `shift`.
    pub code: KeySymbol,
    /// Whether Control is held.
    pub ctrl: bool,
    /// Whether Alt is held.
    pub alt: bool,
    /// Whether Shift is held, where the key has no capital form (`S-Tab`, `S-Up`).
    pub shift: bool,
}

/// Key without its modifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names are the names on the keys")]
pub enum KeySymbol {
    Char(char),
    Enter,
    Esc,
    Tab,
    Backspace,
    Delete,
    Insert,
    Up,
    Down,
    Left,
    Right,
    Home,
    End,
    PageUp,
    PageDown,
    F(u8),
}

const KEY_NAMES: [(&str, KeySymbol); 14] = [
    ("Enter", KeySymbol::Enter),
    ("Esc", KeySymbol::Esc),
    ("Tab", KeySymbol::Tab),
    ("Backspace", KeySymbol::Backspace),
    ("Del", KeySymbol::Delete),
    ("Ins", KeySymbol::Insert),
    ("Up", KeySymbol::Up),
    ("Down", KeySymbol::Down),
    ("Left", KeySymbol::Left),
    ("Right", KeySymbol::Right),
    ("Home", KeySymbol::Home),
    ("End", KeySymbol::End),
    ("PgUp", KeySymbol::PageUp),
    ("PgDn", KeySymbol::PageDown),
];

impl KeyPress {
    /// Returns a key without modifiers.
    pub const fn without_modifiers(code: KeySymbol) -> Self {
        Self { code, ctrl: false, alt: false, shift: false }
    }

    /// Returns a character key without modifiers.
    pub const fn char(c: char) -> Self {
        Self::without_modifiers(KeySymbol::Char(c))
    }

    /// Returns a character key with Control.
    pub const fn ctrl(c: char) -> Self {
        Self { ctrl: true, ..Self::char(c) }
    }

    /// Parses a key in the notation that [`KeyPress`] displays.
    pub fn parse(text: &str) -> Option<Self> {
        let mut key = Self::char(' ');
        let mut rest = text;
        while let Some((modifier, tail)) = rest.split_once('-').filter(|(_, tail)| !tail.is_empty())
        {
            match modifier {
                "C" => key.ctrl = true,
                "A" => key.alt = true,
                "S" => key.shift = true,
                _ => return None,
            }
            rest = tail;
        }
        key.code = parse_symbol(rest)?;
        Some(key)
    }
}

impl fmt::Display for KeyPress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (on, modifier) in [(self.ctrl, "C-"), (self.alt, "A-"), (self.shift, "S-")] {
            if on {
                f.write_str(modifier)?;
            }
        }
        match self.code {
            KeySymbol::Char(' ') => f.write_str("Space"),
            KeySymbol::Char(c) => write!(f, "{c}"),
            KeySymbol::F(n) => write!(f, "F{n}"),
            named => f.write_str(
                KEY_NAMES.iter().find(|(_, code)| *code == named).map_or("?", |(name, _)| name),
            ),
        }
    }
}

fn parse_symbol(text: &str) -> Option<KeySymbol> {
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(c), None) => Some(KeySymbol::Char(c)),
        _ if text == "Space" => Some(KeySymbol::Char(' ')),
        (Some('F'), _) => text[1..].parse().ok().filter(|n| (1..=24).contains(n)).map(KeySymbol::F),
        _ => KEY_NAMES.iter().find(|(name, _)| *name == text).map(|(_, code)| *code),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_prints_as_it_is_read() {
        for text in [
            "j", "G", "C-p", "S-Tab", "Enter", "PgDn", "A-x", "F5", "Space", "-", "C--", "?", "!",
            "[", ":",
        ] {
            assert_eq!(KeyPress::parse(text).map(|key| key.to_string()).as_deref(), Some(text));
        }
        assert_eq!(KeyPress::parse("X-j"), None);
        assert_eq!(KeyPress::parse("Nonsense"), None);
        assert_eq!(KeyPress::parse(""), None);
    }
}
