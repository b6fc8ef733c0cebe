//! Responses of a provider after the network layer: sanitized, limited in size, with timing; and
//! check results.
//!
//! The network code creates an [`ApiResponse`]; its meaning is worked out in
//! [`crate::domain::diagnosis::explain`].
//!
//! Timing of a request by phases, as numbers and as text.
//!
//! Connection phases are reported only where this request opened the connection. A phase that was
//! not measured is not estimated.

use serde::{Deserialize, Serialize};

use super::format::count_noun;
pub use super::response_body::{ResponseBody, Utf16ByteOrder};

/// Check result: what is known about whether a credential works. The four states are never merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckResult {
    /// The provider accepted the credential.
    Accepted,
    /// The provider refused the credential.
    Refused,
    /// No conclusive response: network error, timeout, server error.
    Unknown,
    /// The credential was not checked.
    #[default]
    Unchecked,
}

/// Response of a provider.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ApiResponse {
    /// HTTP status.
    pub status: u16,
    /// Headers in the order of the response: names in lower case, values without control
    /// characters.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: ResponseBody,
    /// Whether the body exceeded the size limit, so that `body` holds only its start.
    pub truncated: bool,
    /// What is remarkable about the body's bytes.
    pub remarks: Vec<BodyRemark>,
    /// Durations of the request's phases.
    pub timing: RequestTiming,
    /// Number of body bytes that were read, after decompression.
    pub size: u64,
    /// URL of the final response, after redirects.
    pub url: String,
    /// HTTP version, such as `HTTP/2`.
    pub version: String,
}

/// What is remarkable about the bytes of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BodyRemark {
    /// The body ended before its end, for this reason.
    Cut(String),
    /// The body is in this encoding, which is unknown; its bytes are as the server sent them.
    UnknownEncoding(String),
    /// The body is not in this encoding, although the header says so; its bytes are as the server
    /// sent them.
    NotEncoded(String),
    /// This number of bytes follows the compressed data; they are not part of the body.
    TrailingBytes(u64),
}

impl CheckResult {
    /// Returns the name of the result as shown and stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
            Self::Unchecked => "unchecked",
        }
    }

    /// Returns the text for the result, for display.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Unchecked => "not checked",
            Self::Accepted | Self::Refused | Self::Unknown => self.as_str(),
        }
    }

    /// Parses the name of a result.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Accepted, Self::Refused, Self::Unknown, Self::Unchecked]
            .into_iter()
            .find(|result| result.as_str() == text)
    }
}

impl ApiResponse {
    /// Whether the body ended before its end.
    pub fn is_cut(&self) -> bool {
        self.remarks.iter().any(|remark| matches!(remark, BodyRemark::Cut(_)))
    }

    /// Returns the value of the first header with this lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl std::fmt::Display for BodyRemark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Cut(why) => write!(f, "the body is not complete: {why}"),
            Self::UnknownEncoding(encoding) => write!(
                f,
                "the body is encoded as {encoding}, which tokenring does not decode; these are the bytes as they came"
            ),
            Self::NotEncoded(encoding) => write!(
                f,
                "the body is not {encoding}, although the header says so; these are the bytes as they came"
            ),
            Self::TrailingBytes(count) => write!(
                f,
                "left out {} after the end of the compressed data",
                count_noun(usize::try_from(*count).unwrap_or(usize::MAX), "byte")
            ),
        }
    }
}

/// Returns the server's own message from an error response in one of the usual forms: JSON:API
/// errors, OAuth, problem details, and the members that the providers use.
pub fn error_message(body: &serde_json::Value) -> Option<&str> {
    const POINTERS: [&str; 9] = [
        "/errors/0/detail",
        "/errors/0/title",
        "/error_description",
        "/message",
        "/detail",
        "/error/message",
        "/error",
        "/non_field_errors/0",
        "/title",
    ];
    let message = |pointer: &&str| body.pointer(pointer)?.as_str();
    POINTERS.iter().filter_map(message).find(|text| !text.trim().is_empty())
}

/// Durations of a request, including redirects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RequestTiming {
    /// Origin of the connection.
    pub connection: ConnectionOrigin,
    /// Time until the first byte of the response headers, in milliseconds.
    pub first_byte_ms: u64,
    /// Total time, in milliseconds.
    pub total_ms: u64,
}

/// Origin of a request's connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ConnectionOrigin {
    /// Not reported.
    #[default]
    Unknown,
    /// Opened by an earlier request.
    Reused,
    /// Opened by this request.
    New(ConnectTiming),
}

/// Durations of opening a connection. With redirects to several hosts, the durations add up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ConnectTiming {
    /// Name resolution, in milliseconds; `None` where there was no name to resolve.
    pub dns_ms: Option<u64>,
    /// Opening the socket, including a proxy's part, in milliseconds.
    pub connect_ms: u64,
    /// TLS handshake, in milliseconds; `None` for plain http.
    pub tls_ms: Option<u64>,
}

impl RequestTiming {
    /// Returns the name of each phase with its duration, or with the reason why there is none.
    pub fn phases(&self) -> Vec<(&'static str, String)> {
        let [dns, connect, tls] = self.connection.phases();
        let body = self.total_ms.saturating_sub(self.first_byte_ms);
        vec![
            ("DNS", dns),
            ("connect", connect),
            ("TLS", tls),
            ("first byte", format!("{} after the start", format_ms(self.first_byte_ms))),
            ("body", format!("{} more", format_ms(body))),
            ("total", format_ms(self.total_ms)),
        ]
    }
}

impl ConnectionOrigin {
    /// Returns the name as written in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Reused => "standing",
            Self::New(_) => "made",
        }
    }

    /// Returns the durations of opening the connection, if this request opened it.
    pub const fn connect_timing(self) -> Option<ConnectTiming> {
        match self {
            Self::New(making) => Some(making),
            Self::Unknown | Self::Reused => None,
        }
    }

    fn phases(self) -> [String; 3] {
        let same = |why: &str| [why, why, why].map(|why| format!("–  {why}"));
        match self {
            Self::Unknown => same("unknown"),
            Self::Reused => same("an existing connection was reused"),
            Self::New(ConnectTiming { dns_ms, connect_ms, tls_ms }) => [
                dns_ms.map_or_else(|| "–  there was no name to resolve".to_owned(), format_ms),
                format_ms(connect_ms),
                tls_ms.map_or_else(|| "–  none: plain http".to_owned(), format_ms),
            ],
        }
    }
}

fn format_ms(ms: u64) -> String {
    if ms == 0 { "less than 1 ms".to_owned() } else { format!("{ms} ms") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_of_an_error_is_found_in_every_form() {
        for (body, message) in [
            (r#"{"errors":[{"detail":"a","title":"b"}],"message":"c"}"#, Some("a")),
            (r#"{"errors":[{"title":"b"}]}"#, Some("b")),
            (r#"{"error":"code","error_description":"c"}"#, Some("c")),
            (r#"{"error":{"message":"d"}}"#, Some("d")),
            (r#"{"error":"code","detail":" "}"#, Some("code")),
            (r#"{"non_field_errors":["e"]}"#, Some("e")),
            (r#"{"title":"f","status":400}"#, Some("f")),
            (r#"{"reason":"g"}"#, None),
            (r#""h""#, None),
        ] {
            let body = serde_json::from_str(body).unwrap();
            assert_eq!(error_message(&body), message, "{body}");
        }
    }

    #[test]
    fn the_four_check_results_have_four_words_that_are_read_back() {
        let names = ["accepted", "refused", "unknown", "unchecked"];
        let results = [
            CheckResult::Accepted,
            CheckResult::Refused,
            CheckResult::Unknown,
            CheckResult::Unchecked,
        ];
        assert_eq!(results.map(CheckResult::as_str), names);
        assert_eq!(names.map(CheckResult::parse), results.map(Some));
        assert_eq!(CheckResult::parse("fine"), None);
    }

    #[test]
    fn the_first_header_of_a_name_counts() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let response = ApiResponse {
            headers: vec![pair("date", "today"), pair("link", "a"), pair("link", "b")],
            ..ApiResponse::default()
        };
        assert_eq!(
            (response.header("link"), response.header("date"), response.header("age")),
            (Some("a"), Some("today"), None)
        );
    }
}

#[cfg(test)]
mod timing_tests {
    use super::*;

    fn text(connection: ConnectionOrigin) -> Vec<String> {
        let timing = RequestTiming { connection, first_byte_ms: 40, total_ms: 40 };
        timing.phases().into_iter().map(|(name, text)| format!("{name}: {text}")).collect()
    }

    #[test]
    fn what_was_measured_is_reported_and_nothing_else() {
        let made = ConnectTiming { dns_ms: None, connect_ms: 3, tls_ms: Some(12) };
        let made = text(ConnectionOrigin::New(made));
        assert_eq!(
            made[..3],
            ["DNS: –  there was no name to resolve", "connect: 3 ms", "TLS: 12 ms"]
        );
        assert_eq!(
            made[3..],
            ["first byte: 40 ms after the start", "body: less than 1 ms more", "total: 40 ms"]
        );
        assert!(
            text(ConnectionOrigin::Reused)[..3]
                .iter()
                .all(|line| line.ends_with("an existing connection was reused"))
        );
        assert!(text(ConnectionOrigin::Unknown)[..3].iter().all(|line| line.ends_with("unknown")));
    }

    #[test]
    fn only_a_new_connection_reports_its_duration() {
        let making = ConnectTiming { dns_ms: Some(1), connect_ms: 2, tls_ms: None };
        let all =
            [ConnectionOrigin::New(making), ConnectionOrigin::Reused, ConnectionOrigin::Unknown];
        assert_eq!(all.map(ConnectionOrigin::connect_timing), [Some(making), None, None]);
        assert_eq!(all.map(ConnectionOrigin::as_str), ["made", "standing", "unknown"]);
    }
}
