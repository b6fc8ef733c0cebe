//! Request drafts: requests without secrets.
//!
//! A [`RequestDraft`] is what the user edits and what history stores. It cannot contain the
//! credential's secret, which is added at the last moment, below the engine's `execute`. Start at
//! [`RequestDraft`]; [`RequestDraft::resolve`] turns its target into a URL.
//!
//! Header as users write it on a command line: set, sent empty, or removed.

mod body;
mod draft_validation;
pub mod export;
mod method_override;
mod preset_draft;
mod saved_request;
mod target_url;

pub use body::{DraftBody, EncodedBody, FormPart, FormPartError, PartContent};
pub use draft_validation::DraftError;
pub use preset_draft::{MissingParameter, ParameterError};
pub use saved_request::{SavedRequest, SavedRequestName};
use serde::{Deserialize, Serialize};
pub use target_url::TargetError;

pub use super::http_method::HttpMethod;
use super::provider::Provider;
use super::region::HostRole;
pub use crate::domain::request::target_url::RequestEnvironment;

/// Request as the user writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestDraft {
    /// HTTP method.
    pub method: HttpMethod,
    /// Target of the request.
    pub target: RequestTarget,
    /// Query parameters, in order.
    #[serde(default)]
    pub query: Vec<(String, String)>,
    /// Headers besides the provider's own; `Authorization` is not among them.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// Names of headers that are not sent although the provider or the client would add them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removed_headers: Vec<String>,
    /// Body.
    #[serde(default)]
    pub body: Option<DraftBody>,
    /// Preset that the draft was created from, if any.
    #[serde(default)]
    pub preset: Option<String>,
}

/// Target of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RequestTarget {
    /// Path on one of the hosts of the credential's region.
    Path {
        /// Host of the region.
        #[serde(default)]
        place: HostRole,
        /// Path, starting with `/`, percent-encoded as sent.
        path: String,
    },
    /// Full URL. The secret is sent only if the credential is bound to its origin.
    Url(url::Url),
}

impl RequestDraft {
    /// Creates a request without query, headers and body.
    pub fn new(method: HttpMethod, target: RequestTarget) -> Self {
        Self {
            method,
            target,
            query: Vec::new(),
            headers: Vec::new(),
            removed_headers: Vec::new(),
            body: None,
            preset: None,
        }
    }

    /// Returns path and query in one line, as users write and read them.
    pub fn address(&self) -> String {
        let target = self.target.to_string();
        let separator = if target.contains('?') { '&' } else { '?' };
        let pairs: Vec<_> =
            self.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if pairs.is_empty() { target } else { format!("{target}{separator}{}", pairs.join("&")) }
    }

    /// Returns the value of the header with this name, ignoring case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Returns whether the draft removes the header with this name, ignoring case.
    pub fn removes_header(&self, name: &str) -> bool {
        self.removed_headers.iter().any(|removed| removed.eq_ignore_ascii_case(name))
    }

    /// Replaces, adds or removes a header.
    pub fn apply_header(&mut self, change: HeaderChange) {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(change.name()));
        self.removed_headers.retain(|known| !known.eq_ignore_ascii_case(change.name()));
        self.add_header(change);
    }

    /// Adds a header to those of the same name, or removes one that the client would add.
    pub fn add_header(&mut self, change: HeaderChange) {
        match change {
            HeaderChange::Set(name, value) => self.headers.push((name, value)),
            HeaderChange::Remove(name) => self.removed_headers.push(name),
        }
    }

    /// Adds the media type of the body where the draft has no content type: the provider's type for
    /// JSON, or the general one for a file.
    #[must_use]
    pub fn with_media_type(mut self, provider: &Provider) -> Self {
        if self.header("content-type").is_some() || self.removes_header("content-type") {
            return self;
        }
        let is_json = |text: &str| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
        if matches!(self.body, Some(DraftBody::File { .. })) {
            let media_type = "application/octet-stream".to_owned();
            self.headers.push(("content-type".to_owned(), media_type));
        } else if self.body.as_ref().and_then(DraftBody::text).is_some_and(is_json) {
            let path = match &self.target {
                RequestTarget::Path { path, .. } => path.as_str(),
                RequestTarget::Url(url) => url.path(),
            };
            self.headers.push(("content-type".to_owned(), provider.media_type(path).to_owned()));
        }
        self
    }

    /// Returns the headers to send with a body: [`Self::headers_with_defaults`], and for a form the
    /// content type with its boundary.
    pub fn outgoing_headers(
        &self,
        provider: &[(String, String)],
        boundary: Option<&str>,
    ) -> Vec<(String, String)> {
        let headers = self.headers_with_defaults(provider).into_iter();
        let mut headers: Vec<_> =
            headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        if let Some(boundary) = boundary.filter(|_| !self.removes_header("content-type")) {
            let own = self.header("content-type").filter(|own| own.starts_with("multipart/"));
            let media_type =
                own.map_or("multipart/form-data", |own| own.split(';').next().unwrap_or(own));
            headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
            headers.push(("content-type".to_owned(), format!("{media_type}; boundary={boundary}")));
        }
        headers
    }

    /// Returns the headers to send: the draft's own, and the provider's defaults that the draft
    /// does not set or remove.
    pub fn headers_with_defaults<'a>(
        &'a self,
        provider: &'a [(String, String)],
    ) -> Vec<(&'a str, &'a str)> {
        let missing = provider
            .iter()
            .filter(|(name, _)| self.header(name).is_none() && !self.removes_header(name));
        missing.chain(&self.headers).map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }
}

/// Encodings of a response that the client decodes, and the one that means none.
const CONTENT_CODINGS: [&str; 6] = ["gzip", "x-gzip", "deflate", "br", "zstd", "identity"];

/// Headers about the connection and the framing of the message.
const CONNECTION_HEADERS: [&str; 11] = [
    "connection",
    "content-length",
    "expect",
    "http2-settings",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
];

/// Change of a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeaderChange {
    /// Sends the header with this value.
    Set(String, String),
    /// Does not send the header, although the provider or the client would add it.
    Remove(String),
}

/// Reason why a text is not a header.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("write \"Name: value\", \"Name:\" to remove the header, or \"Name;\" to send it empty")]
pub struct HeaderSyntaxError;

impl HeaderChange {
    /// Returns the name of the header.
    pub fn name(&self) -> &str {
        let (Self::Set(name, _) | Self::Remove(name)) = self;
        name
    }

    /// Parses `Name: value`, `Name:` (removes the header) and `Name;` (sends it empty), as curl does,
    /// and `name=value`. The name ends at the first of these characters, which no name contains.
    ///
    /// # Errors
    ///
    /// Fails where the text is none of these.
    pub fn parse(text: &str) -> Result<Self, HeaderSyntaxError> {
        let at = text.find([':', '=', ';']).ok_or(HeaderSyntaxError)?;
        let (name, value) = (text[..at].trim().to_ascii_lowercase(), &text[at + 1..]);
        match &text[at..=at] {
            _ if name.is_empty() => Err(HeaderSyntaxError),
            ":" if value.trim().is_empty() => Ok(Self::Remove(name)),
            ":" => Ok(Self::Set(name, value.trim().to_owned())),
            "=" => Ok(Self::Set(name, value.to_owned())),
            _ if value.trim().is_empty() => Ok(Self::Set(name, String::new())),
            _ => Err(HeaderSyntaxError),
        }
    }
}

impl RequestDraft {
    /// Removes the headers that promise what this client does not do, and returns a note for each
    /// change that the user did not ask for.
    pub fn drop_unsupported_headers(&mut self) -> Vec<String> {
        let mut notes = Vec::new();
        self.headers.retain(|(name, value)| {
            let note = unsupported_header(&name.to_ascii_lowercase(), value);
            let keep = note.is_none();
            notes.extend(note);
            keep
        });
        if self.removes_header("accept") {
            notes.push("accept is always sent; by default it is */*".to_owned());
        }
        notes
    }
}

/// Returns a note for a header that this client does not send, because it could not do what the
/// header promises.
fn unsupported_header(name: &str, value: &str) -> Option<String> {
    if name == "accept-encoding" {
        let mut codings =
            value.split(',').map(|coding| coding.split(';').next().unwrap_or_default());
        return (!codings.all(|coding| CONTENT_CODINGS.contains(&coding.trim()))).then(|| {
            format!(
                "the header {name} was removed: it names encodings that this client does not decode"
            )
        });
    }
    (CONNECTION_HEADERS.contains(&name) || name.starts_with(':'))
        .then(|| format!("the header {name} was removed: the client sets it itself"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_json_body_says_what_it_is_as_the_provider_wants_it() {
        let snyk = crate::domain::provider::builtin_catalog().provider("snyk").unwrap();
        let content_type = |path: &str, body: &str| {
            let draft = RequestDraft {
                body: Some(body.into()),
                ..RequestDraft::new(HttpMethod::Post, RequestTarget::parse(path).unwrap())
            };
            draft.with_media_type(snyk).header("content-type").map(str::to_owned)
        };
        assert_eq!(content_type("/rest/orgs/x", "{}").as_deref(), Some("application/vnd.api+json"));
        assert_eq!(
            content_type("https://api.snyk.io/rest/orgs/x", " [1]\n").as_deref(),
            Some("application/vnd.api+json")
        );
        assert_eq!(content_type("/v1/org/x", "{\"a\":1}").as_deref(), Some("application/json"));
        assert_eq!(content_type("/v1/org/x", "a=1"), None, "the media type is unknown");
        assert_eq!(content_type("/v1/org/x", ""), None);
        let own = vec![("Content-Type".to_owned(), "text/plain".to_owned())];
        let draft = RequestDraft {
            headers: own.clone(),
            body: Some("{}".into()),
            ..RequestDraft::new(HttpMethod::Put, RequestTarget::parse("/a").unwrap())
        };
        assert_eq!(draft.with_media_type(snyk).headers, own);
    }

    #[test]
    fn the_providers_headers_come_first_unless_the_request_has_its_own() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let headers = vec![pair("Accept", "text/csv"), pair("x-own", "1")];
        let draft = RequestDraft {
            headers,
            ..RequestDraft::new(HttpMethod::Get, RequestTarget::parse("/a").unwrap())
        };
        let provider = [pair("accept", "application/json"), pair("x-theirs", "2")];
        assert_eq!(
            draft.headers_with_defaults(&provider),
            [("x-theirs", "2"), ("Accept", "text/csv"), ("x-own", "1")]
        );
    }
}

#[cfg(test)]
mod header_change_tests {
    use super::*;
    use crate::domain::request::{HttpMethod, RequestTarget};

    #[test]
    fn headers_that_the_client_cannot_honor_are_dropped_with_a_note() {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let headers = vec![
            header("Accept-Encoding", "gzip, compress;q=0.5"),
            header("content-length", "7"),
            header(":authority", "h"),
            header("x-a", "1"),
        ];
        let target = RequestTarget::parse("/a").unwrap();
        let mut draft = RequestDraft { headers, ..RequestDraft::new(HttpMethod::Get, target) };
        draft.apply_header(HeaderChange::Remove("accept".to_owned()));
        let notes = draft.drop_unsupported_headers();
        assert_eq!(draft.headers, [header("x-a", "1")]);
        for (note, part) in
            notes.iter().zip(["accept-encoding", "content-length", ":authority", "*/*"])
        {
            assert!(note.contains(part), "{note}");
        }
        assert_eq!(notes.len(), 4);
        draft.apply_header(HeaderChange::Set(
            "accept-encoding".to_owned(),
            "gzip;q=1, identity".to_owned(),
        ));
        draft.apply_header(HeaderChange::Set("accept".to_owned(), "text/csv".to_owned()));
        assert_eq!(draft.drop_unsupported_headers(), [""; 0]);
    }

    #[test]
    fn a_header_is_set_sent_empty_or_removed() {
        let set =
            |name: &str, value: &str| Ok(HeaderChange::Set(name.to_owned(), value.to_owned()));
        for (text, expected) in [
            ("X-A: b=c; d", set("x-a", "b=c; d")),
            ("x-a=b: c", set("x-a", "b: c")),
            ("x-a=", set("x-a", "")),
            ("X-A;", set("x-a", "")),
            ("Accept:", Ok(HeaderChange::Remove("accept".to_owned()))),
            ("Accept: ", Ok(HeaderChange::Remove("accept".to_owned()))),
            ("x-a", Err(HeaderSyntaxError)),
            (": a", Err(HeaderSyntaxError)),
            ("x-a; b", Err(HeaderSyntaxError)),
        ] {
            assert_eq!(HeaderChange::parse(text), expected, "{text}");
        }
    }
}
