//! An answer after it has crossed the network: cleaned, bounded, timed; and what it says about a credential.

use serde::{Deserialize, Serialize};

pub use super::timing::RequestTiming;

/// What is known about whether a credential works. The four are different things and stay so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckResult {
    /// The provider accepted it.
    Accepted,
    /// The provider refused it.
    Refused,
    /// No answer that says anything: network, timeout, server error.
    Unknown,
    /// It was never asked.
    #[default]
    Unchecked,
}

/// An answer of a provider.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ApiResponse {
    /// The HTTP status.
    pub status: u16,
    /// The headers in the order in which they came, names lower case, values cleaned of control characters.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: ResponseBody,
    /// Whether the body went on beyond the limit; then `body` holds its beginning.
    pub truncated: bool,
    /// Where the time went.
    pub timing: RequestTiming,
    /// The bytes of the body that were read, after decompression.
    pub size: u64,
    /// The URL that answered in the end, after redirects.
    pub url: String,
    /// The HTTP version, such as `HTTP/2`.
    pub version: String,
}

/// The body of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ResponseBody {
    /// Nothing.
    #[default]
    Empty,
    /// Text, cleaned of everything that could steer a terminal.
    Text(String),
    /// Bytes that are not text.
    Binary(Vec<u8>),
}

impl CheckResult {
    /// The word that is shown and written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
            Self::Unchecked => "unchecked",
        }
    }

    /// Reads the word back.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Accepted, Self::Refused, Self::Unknown, Self::Unchecked]
            .into_iter()
            .find(|verdict| verdict.as_str() == text)
    }
}

impl ApiResponse {
    /// The value of the first header with this lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl ResponseBody {
    /// How many bytes it has as it is held here.
    pub fn size(&self) -> usize {
        match self {
            Self::Empty => 0,
            Self::Text(text) => text.len(),
            Self::Binary(bytes) => bytes.len(),
        }
    }

    /// The text, if it is text.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Empty | Self::Binary(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_four_verdicts_have_four_words_that_are_read_back() {
        let words = ["accepted", "refused", "unknown", "unchecked"];
        let verdicts = [
            CheckResult::Accepted,
            CheckResult::Refused,
            CheckResult::Unknown,
            CheckResult::Unchecked,
        ];
        assert_eq!(verdicts.map(CheckResult::as_str), words);
        assert_eq!(words.map(CheckResult::parse), verdicts.map(Some));
        assert_eq!(CheckResult::parse("fine"), None);
    }

    #[test]
    fn the_first_header_of_a_name_counts() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let answer = ApiResponse {
            headers: vec![pair("date", "today"), pair("link", "a"), pair("link", "b")],
            ..ApiResponse::default()
        };
        assert_eq!(
            (answer.header("link"), answer.header("date"), answer.header("age")),
            (Some("a"), Some("today"), None)
        );
    }

    #[test]
    fn only_text_is_lent_as_text_and_size_counts_bytes() {
        let bodies = [
            ResponseBody::Empty,
            ResponseBody::Text("größe".to_owned()),
            ResponseBody::Binary(vec![0xff; 3]),
        ];
        assert_eq!(bodies.each_ref().map(ResponseBody::size), [0, 7, 3]);
        assert_eq!(bodies.each_ref().map(ResponseBody::text), [None, Some("größe"), None]);
    }
}
