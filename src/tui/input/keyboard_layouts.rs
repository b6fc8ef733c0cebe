//! Keyboard layouts without Latin letters: which key of a US keyboard types a character.
//!
//! Used for single-letter commands where the terminal does not report the key itself (the kitty
//! keyboard protocol does). A character of several layouts stands for the key of the first one.

use crate::config::KeyPress;
use crate::config::key::KeySymbol;

/// Layout: the characters of a US keyboard, and what the same keys type, each without Shift and with
/// it.
struct KeyboardLayout {
    latin: [&'static str; 2],
    typed: [&'static str; 2],
}

/// The common layouts, the more common first.
const LAYOUTS: [KeyboardLayout; 4] = [
    // Russian
    KeyboardLayout {
        latin: ["`qwertyuiop[]asdfghjkl;'zxcvbnm,.", "~QWERTYUIOP{}ASDFGHJKL:\"ZXCVBNM<>#"],
        typed: ["ёйцукенгшщзхъфывапролджэячсмитьбю", "ЁЙЦУКЕНГШЩЗХЪФЫВАПРОЛДЖЭЯЧСМИТЬБЮ№"],
    },
    // Ukrainian, where it differs
    KeyboardLayout { latin: ["s]'\\", "S}\"|"], typed: ["іїєґ", "ІЇЄҐ"] },
    // Belarusian, where it differs
    KeyboardLayout { latin: ["o", "O"], typed: ["ў", "Ў"] },
    // Greek
    KeyboardLayout {
        latin: ["wertyuiopasdfghjklzxcvbnm", "ERTYUIOPASDFGHJKLZXCVBNM"],
        typed: ["ςερτυθιοπασδφγηξκλζχψωβνμ", "ΕΡΤΥΘΙΟΠΑΣΔΦΓΗΞΚΛΖΧΨΩΒΝΜ"],
    },
];

/// Returns the key of a US keyboard that types this character on another layout.
pub(in crate::tui) fn latin_key(key: KeyPress) -> Option<KeyPress> {
    let KeySymbol::Char(typed) = key.code else { return None };
    let latin = LAYOUTS.iter().find_map(|layout| {
        layout.typed.iter().zip(layout.latin).find_map(|(row, latin)| {
            row.chars().zip(latin.chars()).find(|(c, _)| *c == typed).map(|(_, latin)| latin)
        })
    })?;
    Some(KeyPress { code: KeySymbol::Char(latin), ..key })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(text: &str) -> String {
        let latin = |c| match latin_key(KeyPress::char(c)).map(|key| key.code) {
            Some(KeySymbol::Char(latin)) => latin,
            _ => '·',
        };
        text.chars().map(latin).collect()
    }

    #[test]
    fn each_layout_types_the_keys_of_a_us_keyboard() {
        assert_eq!(typed("йцукенгшщзхъ"), "qwertyuiop[]");
        assert_eq!(typed("ФЫВАПРОЛДЖЭ"), "ASDFGHJKL:\"");
        assert_eq!(typed("яіїєґў"), "zs]'\\o");
        assert_eq!(typed("αβγδεζηθικλμνξοπρστυφχψωςΩ"), "abgdezhuiklmnjoprstyfxcvwV");
        assert_eq!(typed("aé/日"), "····");
    }

    #[test]
    fn the_rows_of_a_layout_have_the_same_length_and_map_to_ascii() {
        for layout in &LAYOUTS {
            for (typed, latin) in layout.typed.iter().zip(layout.latin) {
                assert_eq!(typed.chars().count(), latin.chars().count(), "{typed}");
                assert!(latin.is_ascii() && typed.chars().all(|c| !c.is_ascii()), "{typed}");
            }
        }
    }
}
