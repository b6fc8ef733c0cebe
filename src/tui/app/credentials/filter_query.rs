//! Filter syntax of the credential list: fuzzy words, and terms such as `region:eu kind:pat
//! expires<14d status:refused label:prod`.
//!
//! Start at [`FilterQuery::parse`] and [`FilterQuery::score`]; the list applies them in
//! `credentials.rs`.

use std::fmt;

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

use crate::domain::{Credential, CredentialName, CredentialStatus, Timestamp};
use crate::tui::app::display_format::days_left;
use crate::tui::app::widgets::{PrefixMatch, find_prefix_match};

/// Parsed filter.
pub struct FilterQuery {
    terms: Vec<FilterTerm>,
    fuzzy_pattern: Option<FuzzyPattern>,
    mistake: Option<FilterTermError>,
}

/// Error in a filter term. The term is ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FilterTermError {
    /// No property has this name.
    UnknownProperty(String),
    /// No status begins with this text.
    UnknownStatus(String),
    /// The text is not a number of days.
    InvalidDuration(String),
}

/// Words to match fuzzily.
struct FuzzyPattern {
    text: String,
    pattern: Pattern,
}

/// Condition on one property.
#[derive(Debug, Clone, PartialEq, Eq)]
enum FilterTerm {
    /// The property contains this text, ignoring case.
    Contains(FilterField, String),
    /// The expiry is fewer than (or at least) this many days ahead.
    Expires(ExpiryBound, i64),
    /// No expiry is known.
    NeverExpires,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FilterField {
    Region,
    Kind,
    Provider,
    Status,
    Label,
    Name,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ExpiryBound {
    Before,
    After,
}

/// Working memory of the fuzzy matcher. It is large, so it is allocated once, and not before the
/// user types a fuzzy word.
#[derive(Default)]
pub struct MatcherBuffer {
    matcher: Option<Matcher>,
    letters: Vec<char>,
}

impl FilterQuery {
    /// Parses a filter. Text that does not look like a term is matched fuzzily.
    pub fn parse(text: &str) -> Self {
        let (mut terms, mut words, mut mistake) = (Vec::new(), Vec::new(), None);
        for word in text.split_whitespace() {
            match parse_term(word) {
                Some(Ok(term)) => terms.push(term),
                Some(Err(wrong)) => mistake = Some(wrong),
                None => words.push(word),
            }
        }
        let fuzzy_pattern = (!words.is_empty()).then(|| FuzzyPattern::new(words.join(" ")));
        Self { terms, fuzzy_pattern, mistake }
    }

    /// Returns what is wrong with the last mistyped term, if there is one.
    pub fn mistake(&self) -> Option<&FilterTermError> {
        self.mistake.as_ref()
    }

    /// Whether every credential matches.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty() && self.fuzzy_pattern.is_none()
    }

    /// Whether matches are ranked by how well they match.
    pub fn ranks_matches(&self) -> bool {
        self.fuzzy_pattern.is_some()
    }

    /// Whether every credential that matches this filter also matches the other one, such as after
    /// more letters were typed. May return false for a filter that does narrow.
    pub fn narrows(&self, other: &Self) -> bool {
        let narrower = match (&self.fuzzy_pattern, &other.fuzzy_pattern) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(words), Some(others)) => words.narrows(others),
        };
        narrower && self.terms.starts_with(&other.terms)
    }

    /// Returns how well a credential matches, or `None` if it does not. Without fuzzy words, all
    /// matches score the same.
    pub fn score(
        &self,
        credential: &Credential,
        now: Timestamp,
        scratch: &mut MatcherBuffer,
    ) -> Option<u32> {
        if !self.terms.iter().all(|term| term.matches(credential, now)) {
            return None;
        }
        match &self.fuzzy_pattern {
            None => Some(0),
            Some(words) => {
                let name = name_chars(&credential.name, &mut scratch.letters);
                let matcher = scratch.matcher.get_or_insert_with(|| Matcher::new(Config::DEFAULT));
                let score = words.pattern.score(name, matcher)?;
                Some(score.saturating_add(words.start_bonus(credential.name.as_str())))
            }
        }
    }
}

impl FuzzyPattern {
    /// Characters with a special meaning in a fuzzy pattern.
    const OPERATORS: [char; 5] = ['!', '^', '$', '\'', '\\'];
    const NAME_START_BONUS: u32 = 1 << 30;
    const WORD_START_BONUS: u32 = 1 << 29;

    fn new(typed: String) -> Self {
        let pattern = Pattern::parse(&typed, CaseMatching::Smart, Normalization::Smart);
        Self { text: typed, pattern }
    }

    /// Returns what a name gains where the pattern starts it, or starts one of its words: more than
    /// any other match can score.
    fn start_bonus(&self, name: &str) -> u32 {
        match find_prefix_match(name, &self.text) {
            PrefixMatch::WholeText => Self::NAME_START_BONUS,
            PrefixMatch::Word => Self::WORD_START_BONUS,
            PrefixMatch::Nowhere => 0,
        }
    }

    /// Letters must appear in order, so a longer pattern matches less.
    fn narrows(&self, other: &Self) -> bool {
        self.text.starts_with(&other.text) && !self.text.contains(Self::OPERATORS)
    }
}

impl FilterTerm {
    fn matches(&self, credential: &Credential, now: Timestamp) -> bool {
        match self {
            Self::Contains(property, text) => property.matches(credential, text, now),
            Self::Expires(ExpiryBound::Before, days) => {
                days_left(credential, now).is_some_and(|left| left < *days)
            }
            Self::Expires(ExpiryBound::After, days) => {
                days_left(credential, now).is_none_or(|left| left >= *days)
            }
            Self::NeverExpires => credential.expires.is_none(),
        }
    }
}

impl FilterField {
    const NAMES: [(&'static str, Self); 6] = [
        ("region", Self::Region),
        ("kind", Self::Kind),
        ("provider", Self::Provider),
        ("status", Self::Status),
        ("label", Self::Label),
        ("name", Self::Name),
    ];

    fn matches(self, credential: &Credential, text: &str, now: Timestamp) -> bool {
        match self {
            Self::Region => contains_ignoring_case(&credential.region, text),
            Self::Kind => {
                contains_ignoring_case(&credential.kind, text)
                    || initials(&credential.kind).starts_with(text)
            }
            Self::Provider => contains_ignoring_case(&credential.provider, text),
            Self::Status => {
                let status = CredentialStatus::for_credential(credential, now);
                [status.word(), status.as_str()].iter().any(|word| word.starts_with(text))
                    || http_status_is(credential, text)
            }
            Self::Label => {
                credential.labels.iter().any(|label| contains_ignoring_case(label, text))
            }
            Self::Name => contains_ignoring_case(credential.name.as_str(), text),
        }
    }
}

impl fmt::Display for FilterTermError {
    /// Says what is wrong and what would be right.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownProperty(name) => {
                write!(f, "unknown property \"{name}\"; use ")?;
                FilterField::NAMES.iter().try_for_each(|(known, _)| write!(f, "{known}: "))?;
                f.write_str("expires<")
            }
            Self::UnknownStatus(text) => {
                let words = CredentialStatus::ALL.map(CredentialStatus::word);
                write!(f, "unknown status \"{text}\"; use {}", words.join(", "))
            }
            Self::InvalidDuration(term) => {
                write!(f, "\"{term}\" needs a duration: expires<14d (d, w, m, y) or expires:never")
            }
        }
    }
}

/// Returns the terms of the filter syntax, for the hint below the filter.
pub fn filter_grammar() -> &'static str {
    "words · region:eu · kind:pat · provider:snyk · status:refused · label:prod · expires<14d · expires:never"
}

/// Converts a name for the matcher. The library function would also look for line breaks, which a
/// name cannot contain.
fn name_chars<'n>(name: &'n CredentialName, letters: &'n mut Vec<char>) -> Utf32Str<'n> {
    let name = name.as_str();
    if name.is_ascii() { Utf32Str::Ascii(name.as_bytes()) } else { Utf32Str::new(name, letters) }
}

/// Parses a term. Returns `None` for text that does not look like one.
fn parse_term(word: &str) -> Option<Result<FilterTerm, FilterTermError>> {
    let operator = word.find([':', '<', '>']).filter(|at| *at > 0)?;
    let (name, rest) = word.split_at(operator);
    let (operator, text) = rest.split_at(1);
    let bound = match operator {
        "<" => Some(ExpiryBound::Before),
        ">" => Some(ExpiryBound::After),
        _ => None,
    };
    if name == "expires" {
        return Some(match (bound, text) {
            (None, "never") => Ok(FilterTerm::NeverExpires),
            (Some(bound), text) => parse_days(text)
                .map(|days| FilterTerm::Expires(bound, days))
                .ok_or_else(|| FilterTermError::InvalidDuration(word.to_owned())),
            (None, _) => Err(FilterTermError::InvalidDuration(word.to_owned())),
        });
    }
    let known = FilterField::NAMES.into_iter().find(|(known, _)| *known == name);
    let Some((_, field)) = known.filter(|_| bound.is_none()) else {
        return Some(Err(FilterTermError::UnknownProperty(name.to_owned())));
    };
    let text = text.to_lowercase();
    if field == FilterField::Status && !is_status_text(&text) {
        return Some(Err(FilterTermError::UnknownStatus(text)));
    }
    Some(Ok(FilterTerm::Contains(field, text)))
}

/// Returns whether a status, or an HTTP status, can begin with this text.
fn is_status_text(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
        || CredentialStatus::ALL.iter().any(|status| {
            [status.word(), status.as_str()].iter().any(|word| word.starts_with(text))
        })
}

/// Parses a duration in days: `14d`, `2w`, `3m` (months of 30 days), `1y`, or a bare number of
/// days.
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

/// Whether `text` contains `part`, which must be lower case.
fn contains_ignoring_case(text: &str, part: &str) -> bool {
    text.to_lowercase().contains(part)
}

/// Returns the initials of the words of an ID: `pat` for `personal-access-token`.
fn initials(id: &str) -> String {
    id.split('-').filter_map(|word| word.chars().next()).collect()
}

fn http_status_is(credential: &Credential, text: &str) -> bool {
    let status = credential.last_check.as_ref().and_then(|check| check.status);
    status.is_some_and(|status| status.to_string() == text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::app::samples;

    fn found(query: &str) -> Vec<String> {
        let (query, mut scratch) = (FilterQuery::parse(query), MatcherBuffer::default());
        let mut rows = samples::credentials();
        rows.retain(|row| query.score(row, samples::test_time(), &mut scratch).is_some());
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
        assert_eq!(found("status:unchecked"), ["mobile-ci"]);
        assert_eq!(found("kind:pat"), ["laptop"]);
        assert_eq!(found("expires<14d"), ["appsec-bot"]);
        assert_eq!(found("label:prod region:EU"), ["ci-scanner", "appsec-bot"]);
        assert_eq!(found("provider:appcircle"), ["mobile-ci"]);
    }

    #[test]
    fn a_filter_that_grows_lets_less_through() {
        let narrows = |after: &str, before: &str| {
            FilterQuery::parse(after).narrows(&FilterQuery::parse(before))
        };
        for (after, before) in [
            ("c", ""),
            ("ci", "c"),
            ("ci s", "ci"),
            ("region:eu c", "region:eu"),
            ("region:eu kind:pat", "region:eu"),
        ] {
            assert!(narrows(after, before), "{after:?} after {before:?}");
        }
        for (after, before) in [
            ("c", "ci"),
            ("", "c"),
            ("a$b", "a$"),
            ("!ab", "!a"),
            ("status:401", "status:4"),
            ("expires<14", "expires<1"),
        ] {
            assert!(!narrows(after, before), "{after:?} after {before:?}");
        }
    }

    #[test]
    fn a_mistyped_term_is_told_and_filters_nothing() {
        let mistake = |text: &str| FilterQuery::parse(text).mistake().map(ToString::to_string);
        for (typed, told) in [
            (
                "statu:x",
                "unknown property \"statu\"; use region: kind: provider: status: label: name: expires<",
            ),
            ("expire<14d", "unknown property \"expire\"; use"),
            ("status<14d", "unknown property \"status\"; use"),
            ("expires<soon", "\"expires<soon\" needs a duration: expires<14d"),
            ("expires<", "\"expires<\" needs a duration"),
            ("expires<99999999999999999999d", "needs a duration"),
            ("expires:soon", "needs a duration"),
            ("status:gone", "unknown status \"gone\"; use"),
        ] {
            let said = mistake(typed).unwrap_or_else(|| panic!("{typed} is accepted"));
            assert!(said.contains(told), "{typed}: {said}");
            assert_eq!(found(typed).len(), samples::credentials().len(), "{typed}");
        }
        for right in [
            "",
            "ci",
            "status:",
            "status:4",
            "status:not",
            "region:eu",
            "expires<2w",
            "expires:never",
        ] {
            assert_eq!(mistake(right), None, "{right}");
        }
    }

    #[test]
    fn names_and_words_that_start_with_the_text_come_first() {
        let score = |name: &str| {
            let mut credential = samples::credentials().remove(0);
            credential.name = CredentialName::parse(name).unwrap();
            FilterQuery::parse("prod").score(
                &credential,
                samples::test_time(),
                &mut MatcherBuffer::default(),
            )
        };
        let ranked = ["Production-key-of-the-web-shop", "ci-prod", "ciprod"];
        assert!(ranked.map(score).is_sorted_by(|better, worse| better > worse), "{ranked:?}");
        assert!(score("ci-prod") > score("p-r-o-d"));
        assert_eq!(score("dorp"), None);
    }
}
