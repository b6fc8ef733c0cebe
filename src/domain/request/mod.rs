//! A request before it meets a secret.
//!
//! A [`RequestDraft`] is what a person edits and what history keeps. It cannot hold the credential's secret: that is bound at
//! the last moment, below the engine's `send`.

mod canonical;
mod draft_validation;
mod preset_draft;
mod saved_request;
mod target_url;

pub use canonical::RequestEnvironment;
pub use draft_validation::DraftError;
pub use preset_draft::{MissingParameter, ParameterError};
pub use saved_request::{SavedRequest, SavedRequestName};
pub use target_url::TargetError;

use serde::{Deserialize, Serialize};

use super::provider::Provider;
use super::region::HostRole;

/// A request as a person writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestDraft {
    /// The method, upper case.
    pub method: HttpMethod,
    /// Where it goes.
    pub target: RequestTarget,
    /// The query, in order.
    #[serde(default)]
    pub query: Vec<(String, String)>,
    /// Headers besides the provider's own; `Authorization` is not among them.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// The body.
    #[serde(default)]
    pub body: Option<String>,
    /// The preset it came from, if any.
    #[serde(default)]
    pub preset: Option<String>,
}

/// Where a request goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RequestTarget {
    /// A path on one of the hosts of the credential's region.
    Path {
        /// Which host.
        #[serde(default)]
        place: HostRole,
        /// The path, beginning with `/`, percent-encoded as it is to be sent.
        path: String,
    },
    /// A whole URL. The secret goes along only if the credential is bound to its origin.
    Url(url::Url),
}

/// The methods that a request may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum HttpMethod {
    /// Reads.
    #[default]
    Get,
    /// Reads the headers only.
    Head,
    /// Creates or acts.
    Post,
    /// Replaces.
    Put,
    /// Changes in part.
    Patch,
    /// Deletes.
    Delete,
    /// Asks what is allowed.
    Options,
}

impl RequestDraft {
    /// A request without query, headers and body.
    pub fn new(method: HttpMethod, target: RequestTarget) -> Self {
        Self { method, target, query: Vec::new(), headers: Vec::new(), body: None, preset: None }
    }

    /// Path and query in one line, as a person writes and reads them.
    pub fn address(&self) -> String {
        let place = self.target.to_string();
        let joint = if place.contains('?') { '&' } else { '?' };
        let pairs: Vec<_> =
            self.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if pairs.is_empty() { place } else { format!("{place}{joint}{}", pairs.join("&")) }
    }

    /// The value of the header with this name, whatever its case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The same with the media type that the provider wants of a JSON body, where the body is JSON and nothing is said of it.
    #[must_use]
    pub fn with_media_type(mut self, provider: &Provider) -> Self {
        let is_json = |body: &String| serde_json::from_str::<serde::de::IgnoredAny>(body).is_ok();
        if self.header("content-type").is_none() && self.body.as_ref().is_some_and(is_json) {
            let path = match &self.target {
                RequestTarget::Path { path, .. } => path.as_str(),
                RequestTarget::Url(url) => url.path(),
            };
            self.headers.push(("content-type".to_owned(), provider.media_type(path).to_owned()));
        }
        self
    }

    /// The headers to send: its own, and those of the provider that it does not have.
    pub fn headers_with_defaults<'a>(
        &'a self,
        provider: &'a [(String, String)],
    ) -> Vec<(&'a str, &'a str)> {
        let missing = provider.iter().filter(|(name, _)| self.header(name).is_none());
        missing.chain(&self.headers).map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }
}

impl HttpMethod {
    /// Every method, in the order in which they are offered.
    pub const ALL: [Self; 7] =
        [Self::Get, Self::Head, Self::Post, Self::Put, Self::Patch, Self::Delete, Self::Options];

    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
            Self::Options => "OPTIONS",
        }
    }

    /// Reads a method, whatever its case.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.as_str().eq_ignore_ascii_case(text))
    }

    /// Whether it only reads. Everything else asks first and is never repeated blindly.
    pub const fn is_safe(self) -> bool {
        matches!(self, Self::Get | Self::Head)
    }
}

impl std::fmt::Display for HttpMethod {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_reads_is_safe_and_every_word_is_read_back() {
        let safe: Vec<_> = HttpMethod::ALL.into_iter().filter(|method| method.is_safe()).collect();
        assert_eq!(safe, [HttpMethod::Get, HttpMethod::Head]);
        for method in HttpMethod::ALL {
            assert_eq!(HttpMethod::parse(&method.to_string().to_lowercase()), Some(method));
        }
        assert_eq!((HttpMethod::Patch.as_str(), HttpMethod::parse("BREW")), ("PATCH", None));
    }

    #[test]
    fn a_json_body_says_what_it_is_as_the_provider_wants_it() {
        let snyk = crate::domain::provider::builtin_catalog().provider("snyk").unwrap();
        let said = |path: &str, body: &str| {
            let draft = RequestDraft {
                body: Some(body.to_owned()),
                ..RequestDraft::new(HttpMethod::Post, RequestTarget::parse(path).unwrap())
            };
            draft.with_media_type(snyk).header("content-type").map(str::to_owned)
        };
        assert_eq!(said("/rest/orgs/x", "{}").as_deref(), Some("application/vnd.api+json"));
        assert_eq!(
            said("https://api.snyk.io/rest/orgs/x", " [1]\n").as_deref(),
            Some("application/vnd.api+json")
        );
        assert_eq!(said("/v1/org/x", "{\"a\":1}").as_deref(), Some("application/json"));
        assert_eq!(said("/v1/org/x", "a=1"), None, "nobody knows what it is");
        assert_eq!(said("/v1/org/x", ""), None);
        let own = vec![("Content-Type".to_owned(), "text/plain".to_owned())];
        let draft = RequestDraft {
            headers: own.clone(),
            body: Some("{}".to_owned()),
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
