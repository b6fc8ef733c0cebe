//! Input field for a secret. It shows bullets only and wipes every buffer that held the text.
//!
//! Used by the forms in `form.rs` and by dialogs that ask for a passphrase or token.

use std::sync::Arc;

use zeroize::Zeroizing;

use crate::config::KeyPress;
use crate::config::key::KeySymbol;
use crate::domain::{Secret, text};

/// Initial buffer size; most secrets fit, so the buffer is rarely replaced.
const INITIAL_CAPACITY_BYTES: usize = 4 * 1024;

/// Secret text being typed or pasted.
///
/// The buffer never grows in place: if it is too small, the text moves to a larger buffer and the
/// old one is wiped. A generated secret takes the place of the text until the field is edited.
pub struct SecretInput {
    text: Zeroizing<String>,
    generated: Option<Arc<Secret>>,
}

impl Default for SecretInput {
    fn default() -> Self {
        Self {
            text: Zeroizing::new(String::with_capacity(INITIAL_CAPACITY_BYTES)),
            generated: None,
        }
    }
}

impl SecretInput {
    /// Whether the field is empty.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty() && self.generated.is_none()
    }

    /// Returns the generated secret, unless the field was edited since.
    pub fn generated(&self) -> Option<&Arc<Secret>> {
        self.generated.as_ref()
    }

    /// Replaces the text by a generated secret.
    pub fn set_generated(&mut self, secret: Arc<Secret>) {
        self.clear();
        self.generated = Some(secret);
    }

    /// Handles a key press; returns whether the text changed.
    pub fn handle_key(&mut self, key: KeyPress) -> bool {
        match key {
            KeyPress { code: KeySymbol::Char('u'), ctrl: true, .. } => self.clear(),
            KeyPress { code: KeySymbol::Char(c), ctrl: false, alt: false, .. } => {
                self.push(c.encode_utf8(&mut [0; 4]));
            }
            KeyPress { code: KeySymbol::Backspace, .. } => self.pop(),
            _ => return false,
        }
        true
    }

    /// Appends a pasted text, or replaces a generated secret by it.
    pub fn push(&mut self, more: &str) {
        self.generated = None;
        let needed = self.text.len() + more.len();
        if needed > self.text.capacity() {
            let mut larger = Zeroizing::new(String::with_capacity(needed.next_power_of_two()));
            larger.push_str(&self.text);
            self.text = larger;
        }
        self.text.push_str(more);
    }

    /// Wipes the text.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Returns the text as a secret; the field keeps its text until it is cleared.
    pub fn to_secret(&self) -> Arc<Secret> {
        self.generated.clone().unwrap_or_else(|| Arc::new(self.typed_secret()))
    }

    /// Returns the typed text as a secret and empties the field.
    pub fn take(&mut self) -> Secret {
        let secret = self.typed_secret();
        self.clear();
        secret
    }

    /// Whether both fields have the same text.
    pub fn same_as(&self, other: &Self) -> bool {
        self.to_secret().same_as(&other.to_secret())
    }

    /// Describes the first invisible character inside the text by name and position; leading and
    /// trailing blanks are ignored.
    pub fn invisible_character_problem(&self) -> Option<String> {
        let found = text::find_unprintable(self.text.trim())?;
        Some(format!("contains {} at character {}", found.name, found.position))
    }

    fn typed_secret(&self) -> Secret {
        Secret::new(self.text.as_bytes().to_vec())
    }

    fn pop(&mut self) {
        self.generated = None;
        let end = self.text.char_indices().next_back().map_or(0, |(at, _)| at);
        // Truncating the text would leave the bytes of the character in the buffer, so the text is
        // copied to a new buffer and the old one is wiped.
        let mut shorter = Zeroizing::new(String::with_capacity(self.text.capacity()));
        shorter.push_str(&self.text[..end]);
        self.text = shorter;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holding(text: &str) -> SecretInput {
        let mut input = SecretInput::default();
        input.push(text);
        input
    }

    #[test]
    fn keys_write_and_erase() {
        let mut input = holding("ab");
        assert!(input.handle_key(KeyPress::char('ç')));
        assert!(input.handle_key(KeyPress::without_modifiers(KeySymbol::Backspace)));
        assert!(input.handle_key(KeyPress::char('c')));
        assert!(!input.handle_key(KeyPress::ctrl('x')));
        assert!(input.same_as(&holding("abc")));
        input.handle_key(KeyPress::ctrl('u'));
        assert!(input.is_empty());
        input.handle_key(KeyPress::without_modifiers(KeySymbol::Backspace));
        assert!(input.is_empty());
    }

    #[test]
    fn a_long_secret_moves_to_a_larger_buffer() {
        let mut input = holding("start");
        input.push(&"x".repeat(3 * INITIAL_CAPACITY_BYTES));
        assert_eq!(input.to_secret().len(), 5 + 3 * INITIAL_CAPACITY_BYTES);
    }

    #[test]
    fn a_generated_secret_is_held_until_the_field_is_edited() {
        let generated = || Arc::new(Secret::from_text("six words".to_owned()));
        let edits: [fn(&mut SecretInput); 3] = [
            |input| input.push("x"),
            |input| _ = input.handle_key(KeyPress::without_modifiers(KeySymbol::Backspace)),
            SecretInput::clear,
        ];
        for (edit, left) in edits.into_iter().zip(["x", "", ""]) {
            let mut input = holding("typed before");
            input.set_generated(generated());
            assert!(!input.is_empty() && input.to_secret().same_as(&generated()));
            edit(&mut input);
            assert!(input.generated().is_none() && input.same_as(&holding(left)), "{left}");
        }
    }

    #[test]
    fn what_cannot_be_seen_is_named() {
        assert_eq!(holding(" plain-token\n").invisible_character_problem(), None);
        assert_eq!(
            holding("ab\u{200b}c").invisible_character_problem().as_deref(),
            Some("contains a zero-width space (U+200B) at character 3")
        );
        assert_eq!(
            holding("\u{1b}[31m").invisible_character_problem().as_deref(),
            Some("contains an escape character (U+001B) at character 1")
        );
    }
}
