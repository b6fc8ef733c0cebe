//! Strength of a passphrase, and passphrases of random words.
//!
//! The estimate counts how many guesses an attacker needs who tries words, repetitions and
//! sequences first. It is meant to refuse what is easy to guess, not to rate what is good. Start at
//! [`check_strength`] and [`from_random_words`].

use std::collections::HashSet;
use std::sync::LazyLock;

use diceware_wordlists::EFF_LONG_WORDLIST;
use zeroize::Zeroizing;

use super::Secret;

/// Number of words of a generated passphrase: 77 bits.
pub const GENERATED_WORDS: usize = 6;

/// Number of random bytes that a generated passphrase needs.
pub const RANDOM_BYTES: usize = GENERATED_WORDS * BYTES_PER_WORD;

/// Number of random bytes per word. Eight make the bias of the remainder negligible.
const BYTES_PER_WORD: usize = 8;

/// Minimum estimated strength of a new passphrase, in bits.
const MIN_BITS: f64 = 60.0;

/// Only the start of a longer passphrase is rated.
const MAX_RATED_CHARS: usize = 256;

/// Length of the longest word that is recognized.
const MAX_WORD_CHARS: usize = 12;

/// Shortest repetition or word that is recognized.
const MIN_UNIT_CHARS: usize = 3;

/// Strength of one word from a list of 7,776.
const WORD_BITS: f64 = 12.9;

/// Strength of a word that every list of passwords begins with, and of a repetition.
const COMMON_BITS: f64 = 4.0;

/// Words that every list of passwords begins with.
const COMMON_WORDS: [&str; 22] = [
    "password",
    "passwort",
    "passphrase",
    "secret",
    "qwerty",
    "qwertz",
    "asdf",
    "letmein",
    "admin",
    "welcome",
    "iloveyou",
    "monkey",
    "dragon",
    "master",
    "login",
    "hallo",
    "hello",
    "changeme",
    "test",
    "tokenring",
    "snyk",
    "appcircle",
];

static KNOWN_WORDS: LazyLock<HashSet<&str>> =
    LazyLock::new(|| EFF_LONG_WORDLIST.iter().copied().collect());

/// Part of a passphrase that an attacker guesses as a whole.
#[derive(Clone, Copy)]
struct GuessedUnit {
    chars: usize,
    bits: f64,
}

/// Passphrase that is too easy to guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an attacker who has the file would guess it")]
pub struct WeakPassphrase;

/// Checks whether a new passphrase withstands guessing by an attacker who has the encrypted file.
///
/// # Errors
///
/// Fails where the passphrase is estimated at less than 60 bits.
pub fn check_strength(passphrase: &str) -> Result<(), WeakPassphrase> {
    if estimate_bits(passphrase) < MIN_BITS { Err(WeakPassphrase) } else { Ok(()) }
}

/// Builds a passphrase of six words from random bytes.
pub fn from_random_words(random: &[u8; RANDOM_BYTES]) -> Secret {
    let mut text = Zeroizing::new(String::with_capacity(RANDOM_BYTES * 2 + MAX_WORD_CHARS));
    for chunk in random.chunks_exact(BYTES_PER_WORD) {
        let number = chunk.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        let count = EFF_LONG_WORDLIST.len() as u64;
        let word = usize::try_from(number % count).map_or("", |place| EFF_LONG_WORDLIST[place]);
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(word);
    }
    Secret::new(text.as_bytes().to_vec())
}

/// Estimates the strength of a passphrase in bits: the least that any division into units needs.
fn estimate_bits(passphrase: &str) -> f64 {
    let lower = Zeroizing::new(passphrase.to_lowercase());
    let chars: Zeroizing<Vec<char>> = Zeroizing::new(lower.chars().take(MAX_RATED_CHARS).collect());
    // The bits of each end of the passphrase, from the shortest one to the whole.
    let mut ends = vec![0.0; chars.len() + 1];
    for at in (0..chars.len()).rev() {
        let bits = units_at(&chars, at).into_iter().map(|unit| unit.bits + ends[at + unit.chars]);
        ends[at] = bits.fold(f64::INFINITY, f64::min);
    }
    ends[0]
}

/// Returns all units that begin at this position.
fn units_at(chars: &[char], at: usize) -> Vec<GuessedUnit> {
    let single = GuessedUnit { chars: 1, bits: char_bits(chars[at]) };
    let up_to = |longest: usize, bits: f64| {
        (MIN_UNIT_CHARS..=longest).map(move |chars| GuessedUnit { chars, bits })
    };
    let repetitions = up_to(repetition_chars(chars, at), COMMON_BITS);
    let sequences = up_to(sequence_chars(chars, at), single.bits + 1.0);
    std::iter::once(single).chain(words_at(chars, at)).chain(repetitions).chain(sequences).collect()
}

fn words_at(chars: &[char], at: usize) -> impl Iterator<Item = GuessedUnit> {
    let longest = (chars.len() - at).min(MAX_WORD_CHARS);
    (MIN_UNIT_CHARS..=longest).filter_map(move |length| {
        let word = Zeroizing::new(chars[at..at + length].iter().collect::<String>());
        let bits = if COMMON_WORDS.contains(&word.as_str()) {
            COMMON_BITS
        } else if KNOWN_WORDS.contains(word.as_str()) {
            WORD_BITS
        } else {
            return None;
        };
        Some(GuessedUnit { chars: length, bits })
    })
}

/// Returns the length of the longest text at this position that the passphrase already had.
fn repetition_chars(chars: &[char], at: usize) -> usize {
    let same = |start: usize| {
        let pairs = chars[start..].iter().zip(&chars[at..]);
        pairs.take_while(|(earlier, later)| earlier == later).count()
    };
    (0..at).map(same).max().unwrap_or(0)
}

/// Returns the length of the run at this position that counts up, counts down or stays: `abc`,
/// `321`, `aaa`.
fn sequence_chars(chars: &[char], at: usize) -> usize {
    let step = |pair: &[char]| i64::from(u32::from(pair[1])) - i64::from(u32::from(pair[0]));
    let mut steps = chars[at..].windows(2).map(step);
    match steps.next() {
        Some(first) if first.abs() <= 1 => 2 + steps.take_while(|step| *step == first).count(),
        _ => 1,
    }
}

/// Returns the strength of a character that nothing predicts.
fn char_bits(c: char) -> f64 {
    match c {
        // They mostly separate words.
        ' ' | '-' => 1.0,
        '0'..='9' => 3.3,
        'a'..='z' => 4.7,
        ' '..='~' => 5.0,
        _ => 6.0,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(secret: &Secret) -> String {
        secret.expose(|bytes| String::from_utf8(bytes.to_vec()).unwrap())
    }

    #[test]
    fn what_is_easy_to_guess_is_refused() {
        for weak in [
            "",
            "hunter2",
            "Password123!",
            "Summer2026!",
            "correct horse",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "abcdefghijklmnopqrstuvwxyz0123456789",
            "hunter2hunter2hunter2hunter2hunter2",
            "passwordpasswordpasswordsecretsecretadmin",
            "tokenring snyk secret password 2026",
            "abacus abdomen abrasion able",
        ] {
            assert_eq!(check_strength(weak), Err(WeakPassphrase), "{weak}");
        }
    }

    #[test]
    fn what_is_long_enough_is_accepted() {
        for strong in [
            "Vq7-kept-for-Zk2-tests-Xw9",
            "gT4#kQ9!mZ2$vB7x",
            "k3jx8wq2zr9tmd5vhc7n",
            "the river behind our house has no name",
            "größere Straßen führen über Ötztal",
        ] {
            assert_eq!(check_strength(strong), Ok(()), "{strong}: {}", estimate_bits(strong));
        }
    }

    #[test]
    fn six_words_come_from_the_list_and_are_strong() {
        assert_eq!(EFF_LONG_WORDLIST.len(), 7776);
        let mut random = [0; RANDOM_BYTES];
        random[7] = 1;
        random[15] = 2;
        assert!(text(&from_random_words(&random)).starts_with("abdomen abdominal abacus abacus "));
    }

    proptest! {
        #[test]
        fn generated_words_are_accepted(random in any::<[u8; RANDOM_BYTES]>()) {
            let words = text(&from_random_words(&random));
            let different: HashSet<&str> = words.split(' ').collect();
            prop_assert_eq!(words.split(' ').count(), GENERATED_WORDS);
            prop_assert!(different.len() < GENERATED_WORDS || check_strength(&words).is_ok(), "{}", words);
        }

        #[test]
        fn any_text_is_rated(passphrase in "\\PC{0,300}") {
            prop_assert!(estimate_bits(&passphrase) >= 0.0);
        }
    }
}
