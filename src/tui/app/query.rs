//! The filter of the list: fuzzy words, and terms such as `region:eu kind:pat expires<14d status:refused label:prod`.

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

use super::words::{Standing, days_left};
use crate::domain::{Credential, CredentialName, Timestamp};

/// A filter, read from what a person typed.
pub struct Query {
    terms: Vec<Term>,
    words: Option<Words>,
}

/// What is matched fuzzily.
struct Words {
    typed: String,
    pattern: Pattern,
}

/// One condition on one property.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Term {
    /// The property holds this text, whatever the case.
    Holds(Property, String),
    /// The end lies fewer (or at least so many) days ahead.
    Expires(Side, i64),
    /// It never ends, as far as is known.
    Endless,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Property {
    Region,
    Kind,
    Provider,
    Status,
    Label,
    Name,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Before,
    After,
}

/// What the fuzzy matcher needs while it works; made once, since it is large, and not before somebody types words.
#[derive(Default)]
pub struct Scratch {
    matcher: Option<Matcher>,
    letters: Vec<char>,
}

impl Query {
    /// Reads a filter. What is no term is a word to be matched fuzzily; nothing is ever refused.
    pub fn parse(text: &str) -> Self {
        let (mut terms, mut words) = (Vec::new(), Vec::new());
        for word in text.split_whitespace() {
            match parse_term(word) {
                Some(term) => terms.push(term),
                None => words.push(word),
            }
        }
        Self { terms, words: (!words.is_empty()).then(|| Words::new(words.join(" "))) }
    }

    /// Whether everything passes.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty() && self.words.is_none()
    }

    /// Whether matches are ranked by how well they match.
    pub fn ranks(&self) -> bool {
        self.words.is_some()
    }

    /// Whether everything that passes this filter passes the other one too, as when letters were added to it. May say
    /// no where it is so.
    pub fn narrows(&self, other: &Self) -> bool {
        let narrower = match (&self.words, &other.words) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(words), Some(others)) => words.narrows(others),
        };
        narrower && self.terms.starts_with(&other.terms)
    }

    /// How well a credential matches; `None` if it does not. Without words, all matches are equal.
    pub fn score(&self, credential: &Credential, now: Timestamp, scratch: &mut Scratch) -> Option<u32> {
        if !self.terms.iter().all(|term| term.accepts(credential, now)) {
            return None;
        }
        match &self.words {
            None => Some(0),
            Some(words) => {
                let name = letters_of(&credential.name, &mut scratch.letters);
                words.pattern.score(name, scratch.matcher.get_or_insert_with(|| Matcher::new(Config::DEFAULT)))
            }
        }
    }
}

impl Words {
    /// What gives a letter of a pattern another meaning.
    const SIGNS: [char; 5] = ['!', '^', '$', '\'', '\\'];

    fn new(typed: String) -> Self {
        let pattern = Pattern::parse(&typed, CaseMatching::Smart, Normalization::Smart);
        Self { typed, pattern }
    }

    /// Letters must come in their order, so more of them match less.
    fn narrows(&self, other: &Self) -> bool {
        self.typed.starts_with(&other.typed) && !self.typed.contains(Self::SIGNS)
    }
}

impl Term {
    fn accepts(&self, credential: &Credential, now: Timestamp) -> bool {
        match self {
            Self::Holds(property, text) => property.holds(credential, text, now),
            Self::Expires(Side::Before, days) => days_left(credential, now).is_some_and(|left| left < *days),
            Self::Expires(Side::After, days) => days_left(credential, now).is_none_or(|left| left >= *days),
            Self::Endless => credential.expires.is_none(),
        }
    }
}

impl Property {
    const NAMES: [(&'static str, Self); 6] = [
        ("region", Self::Region),
        ("kind", Self::Kind),
        ("provider", Self::Provider),
        ("status", Self::Status),
        ("label", Self::Label),
        ("name", Self::Name),
    ];

    fn holds(self, credential: &Credential, text: &str, now: Timestamp) -> bool {
        match self {
            Self::Region => has(&credential.region, text),
            Self::Kind => has(&credential.kind, text) || initials(&credential.kind).starts_with(text),
            Self::Provider => has(&credential.provider, text),
            Self::Status => Standing::of(credential, now).as_str().starts_with(text) || status_is(credential, text),
            Self::Label => credential.labels.iter().any(|label| has(label, text)),
            Self::Name => has(credential.name.as_str(), text),
        }
    }
}

/// The words of the filter's grammar that are near what is being typed, for the hint below it.
pub fn grammar() -> &'static str {
    "words · region:eu · kind:pat · provider:snyk · status:refused · label:prod · expires<14d · expires:never"
}

/// The letters of a name. The library would look for line breaks in every one, which no name has.
fn letters_of<'n>(name: &'n CredentialName, letters: &'n mut Vec<char>) -> Utf32Str<'n> {
    let name = name.as_str();
    if name.is_ascii() { Utf32Str::Ascii(name.as_bytes()) } else { Utf32Str::new(name, letters) }
}

fn parse_term(word: &str) -> Option<Term> {
    if let Some(days) = word.strip_prefix("expires<") {
        return parse_days(days).map(|days| Term::Expires(Side::Before, days));
    }
    if let Some(days) = word.strip_prefix("expires>") {
        return parse_days(days).map(|days| Term::Expires(Side::After, days));
    }
    let (name, text) = word.split_once(':')?;
    if name == "expires" && text == "never" {
        return Some(Term::Endless);
    }
    let (_, property) = Property::NAMES.into_iter().find(|(known, _)| *known == name)?;
    Some(Term::Holds(property, text.to_lowercase()))
}

/// `14d`, `2w`, `3m` (months of 30 days), `1y`, or a bare number of days.
fn parse_days(text: &str) -> Option<i64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor = match &text[digits.len()..] {
        "" | "d" => 1,
        "w" => 7,
        "m" => 30,
        "y" => 365,
        _ => return None,
    };
    digits.parse::<i64>().ok()?.checked_mul(factor)
}

/// Whether `text` contains `part`, which is lower case already.
fn has(text: &str, part: &str) -> bool {
    text.to_lowercase().contains(part)
}

/// The first letters of the words of an id: `pat` for `personal-access-token`.
fn initials(id: &str) -> String {
    id.split('-').filter_map(|word| word.chars().next()).collect()
}

fn status_is(credential: &Credential, text: &str) -> bool {
    let status = credential.last_check.as_ref().and_then(|check| check.status);
    status.is_some_and(|status| status.to_string() == text)
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    fn found(query: &str) -> Vec<String> {
        let (query, mut scratch) = (Query::parse(query), Scratch::default());
        let mut rows = samples::credentials();
        rows.retain(|row| query.score(row, samples::wall(), &mut scratch).is_some());
        rows.iter().map(|row| row.name.to_string()).collect()
    }

    #[test]
    fn words_match_fuzzily() {
        assert_eq!(found("cisc"), ["ci-scanner"]);
        assert_eq!(found("zzz"), Vec::<String>::new());
        assert_eq!(found("").len(), samples::credentials().len());
    }

    #[test]
    fn terms_look_at_one_property_each() {
        assert_eq!(found("region:us-02"), ["old-jenkins"]);
        assert_eq!(found("status:refused"), ["old-jenkins"]);
        assert_eq!(found("status:401"), ["old-jenkins"]);
        assert_eq!(found("kind:pat"), ["laptop"]);
        assert_eq!(found("expires<14d"), ["appsec-bot"]);
        assert_eq!(found("label:prod region:EU"), ["ci-scanner", "appsec-bot"]);
        assert_eq!(found("provider:appcircle"), ["mobile-ci"]);
    }

    #[test]
    fn a_filter_that_grows_lets_less_through() {
        let narrows = |after: &str, before: &str| Query::parse(after).narrows(&Query::parse(before));
        for (after, before) in
            [("c", ""), ("ci", "c"), ("ci s", "ci"), ("region:eu c", "region:eu"), ("region:eu kind:pat", "region:eu")]
        {
            assert!(narrows(after, before), "{after:?} after {before:?}");
        }
        for (after, before) in
            [("c", "ci"), ("", "c"), ("a$b", "a$"), ("!ab", "!a"), ("status:401", "status:4"), ("expires<14", "expires<1")]
        {
            assert!(!narrows(after, before), "{after:?} after {before:?}");
        }
    }

    #[test]
    fn an_unfinished_term_is_a_word() {
        assert_eq!(parse_term("expires<"), None);
        assert_eq!(parse_term("expires<soon"), None);
        assert_eq!(parse_term("nonsense:x"), None);
        assert_eq!(parse_term("expires<2w"), Some(Term::Expires(Side::Before, 14)));
        assert_eq!(parse_term("expires<99999999999999999999d"), None);
    }
}
