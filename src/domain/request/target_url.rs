//! Resolution of a request target to a URL in a region.
//!
//! The path may come from users, presets and responses; the host comes only from the region. Start
//! at [`RequestDraft::resolve`].
//!
//! Canonical form of a request: requests that are sent alike have the same lines, however they are
//! written.

use std::fmt;

use url::Url;

use super::{DraftBody, FormPart, PartContent, RequestDraft, RequestTarget};
use crate::domain::problem::{Problem, ProblemClass};
use crate::domain::provider::ProviderCatalog;
use crate::domain::region::{HostRole, Region};
use crate::domain::text::{is_unprintable, sanitize_line};
use crate::domain::{Credential, Origin};

/// Reason why a target is rejected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// The target is neither a path nor a URL.
    #[error("\"{0}\" is neither a path that starts with / nor a URL")]
    InvalidTarget(String),
    /// The path starts with two slashes or contains a backslash and would be read as another host.
    #[error("\"{0}\" would be read as another host")]
    HostNotAllowed(String),
    /// The path contains a dot segment, which would change the path unnoticed.
    #[error("\"{0}\" contains the segment . or ..")]
    PathTraversal(String),
    /// The target contains whitespace or an undisplayable character.
    #[error("the path contains whitespace or a character that cannot be displayed")]
    InvalidCharacter,
    /// The target contains `#`; the part after it would never be sent.
    #[error("\"{0}\" contains a #, and the part after it would not be sent")]
    Fragment(String),
    /// The URL contains a user name, which would be sent too.
    #[error("the URL contains a user name")]
    UserInUrl,
}

impl RequestTarget {
    /// Parses a path on the API host, `auth:/path` or `app:/path` on the region's other hosts, or a
    /// full URL.
    pub fn parse(text: &str) -> Result<Self, TargetError> {
        let text = text.trim();
        for (word, place) in
            [("auth:/", HostRole::Auth), ("app:/", HostRole::App), ("/", HostRole::Api)]
        {
            if text.starts_with(word) {
                let path = text[word.len() - 1..].to_owned();
                return validate_path(&path).map(|()| Self::Path { place, path });
            }
        }
        let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        url.map(Self::Url).ok_or_else(|| TargetError::InvalidTarget(sanitize_line(text)))
    }
}

impl RequestDraft {
    /// Returns the URL of this draft in a region. A full URL does not depend on the region.
    pub fn resolve(&self, region: &Region) -> Result<Url, TargetError> {
        let mut url = match &self.target {
            RequestTarget::Url(url) => url.clone(),
            RequestTarget::Path { place, path } => join_path(region.origin(*place), path)?,
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(TargetError::UserInUrl);
        }
        url.set_fragment(None);
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.query);
        }
        Ok(url)
    }
}

/// Joins a path, with its query, to an origin; no other part of the origin can change.
fn join_path(origin: &Origin, path: &str) -> Result<Url, TargetError> {
    validate_path(path)?;
    let other_host = || TargetError::HostNotAllowed(sanitize_line(path));
    let mut url = Url::parse(&origin.to_string()).map_err(|_| other_host())?;
    let (path, query) =
        path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
    url.set_path(path);
    url.set_query(query);
    if Origin::from_url(&url).as_ref() == Some(origin) { Ok(url) } else { Err(other_host()) }
}

fn validate_path(path: &str) -> Result<(), TargetError> {
    let shown = || sanitize_line(path);
    if path.chars().any(|c| c.is_whitespace() || is_unprintable(c)) {
        Err(TargetError::InvalidCharacter)
    } else if !path.starts_with('/') {
        Err(TargetError::InvalidTarget(shown()))
    } else if path.starts_with("//") || path.contains('\\') {
        Err(TargetError::HostNotAllowed(shown()))
    } else if path.contains('#') {
        Err(TargetError::Fragment(shown()))
    } else if path.split('?').next().unwrap_or_default().split('/').any(is_dot_segment) {
        Err(TargetError::PathTraversal(shown()))
    } else {
        Ok(())
    }
}

/// Whether a segment is `.` or `..`, also percent-encoded, which URL parsers treat alike.
fn is_dot_segment(segment: &str) -> bool {
    matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..")
}

impl fmt::Display for RequestTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path { place: HostRole::Api, path } => f.write_str(path),
            Self::Path { place: HostRole::Auth, path } => write!(f, "auth:{path}"),
            Self::Path { place: HostRole::App, path } => write!(f, "app:{path}"),
            Self::Url(url) => url.fmt(f),
        }
    }
}

impl From<TargetError> for Problem {
    fn from(error: TargetError) -> Self {
        if let TargetError::InvalidTarget(text) = &error
            && !text.contains(':')
            && validate_path(&format!("/{text}")).is_ok()
        {
            let remedy = format!("Write it with a slash at its beginning: /{text}");
            return Self::new("The request address is not valid", error.to_string(), remedy)
                .with_class(ProblemClass::Usage);
        }
        let remedy = match &error {
            TargetError::UserInUrl => "Remove the user name; the credential is sent in a header",
            TargetError::Fragment(_) => "Remove the #, or write %23 if it is part of a name",
            TargetError::InvalidCharacter => "Percent-encode the path: a space is %20",
            _ => "Enter a path such as /rest/self, or a full URL",
        };
        Self::new("The request address is not valid", error.to_string(), remedy)
            .with_class(ProblemClass::Usage)
    }
}

/// Region and default headers that a draft is sent with.
#[derive(Clone, Copy)]
pub struct RequestEnvironment<'a> {
    region: &'a Region,
    headers: &'a [(String, String)],
}

impl<'a> RequestEnvironment<'a> {
    /// Returns the environment for a credential's drafts in a region; `None` where the region is no
    /// longer known.
    pub fn for_credential(
        catalog: &'a ProviderCatalog,
        credential: &Credential,
        region: &str,
    ) -> Option<Self> {
        let region = catalog.region(&credential.provider, region).ok()?;
        Some(Self { region, headers: &catalog.provider(&credential.provider).ok()?.headers })
    }
}

impl RequestDraft {
    /// Returns method, target, query, headers and body as sent, one per line; query and headers are
    /// sorted by name. Without an environment, the draft is used as written.
    pub fn canonical_lines(&self, environment: Option<RequestEnvironment<'_>>) -> Vec<String> {
        let headers =
            self.headers_with_defaults(environment.map_or(&[], |environment| environment.headers));
        let mut headers: Vec<_> =
            headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.trim())).collect();
        headers.sort_by(|one, other| one.0.cmp(&other.0));
        let (target, mut query) = environment
            .and_then(|environment| self.resolved_target(environment.region))
            .unwrap_or_else(|| self.literal_target());
        // The sort is stable: parameters of the same name may depend on their order.
        query.sort_by(|one, other| one.0.cmp(&other.0));
        let mut lines = vec![format!("method: {}", self.method), format!("target: {target}")];
        lines.extend(query.iter().map(|(name, value)| format!("query: {name}={value}")));
        lines.extend(headers.iter().map(|(name, value)| format!("header: {name}: {value}")));
        lines.extend(self.removed_headers.iter().map(|name| format!("without header: {name}")));
        lines.extend(self.body.iter().flat_map(body_lines));
        lines
    }

    /// Returns the shortest target for this region without its query, and the query.
    fn resolved_target(&self, region: &Region) -> Option<(String, Vec<(String, String)>)> {
        let url = self.resolve(region).ok()?;
        let origin = Origin::from_url(&url)?;
        let places = [HostRole::Api, HostRole::Auth, HostRole::App];
        let target = match places.into_iter().find(|place| *region.origin(*place) == origin) {
            Some(place) => RequestTarget::Path { place, path: url.path().to_owned() }.to_string(),
            None => format!("{origin}{}", url.path()),
        };
        Some((target, url.query_pairs().into_owned().collect()))
    }

    fn literal_target(&self) -> (String, Vec<(String, String)>) {
        (self.target.to_string(), self.query.clone())
    }
}

/// Returns the lines of a text, the path of a file, or the parts of a form.
fn body_lines(body: &DraftBody) -> Vec<String> {
    match body {
        DraftBody::Text(text) => text.lines().map(|line| format!("body: {line}")).collect(),
        DraftBody::File { file } => vec![format!("body: file {file}")],
        DraftBody::Form { form } => {
            let part = |part: &FormPart| {
                let content = match &part.content {
                    PartContent::Text(text) => text.clone(),
                    PartContent::File(path) | PartContent::TextFile(path) => format!("file {path}"),
                };
                format!("field: {}={content}", part.name)
            };
            form.iter().map(part).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::provider::builtin_catalog;
    use crate::domain::request::HttpMethod;

    fn region() -> Region {
        builtin_catalog().region("appcircle", "cloud").unwrap().clone()
    }

    fn resolved(target: &str, query: &[(&str, &str)]) -> Result<String, TargetError> {
        let query =
            query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let draft = RequestDraft {
            query,
            ..RequestDraft::new(HttpMethod::Get, RequestTarget::parse(target)?)
        };
        draft.resolve(&region()).map(String::from)
    }

    #[test]
    fn a_path_lands_on_the_host_of_its_place() {
        assert_eq!(resolved("/a/b", &[]).unwrap(), "https://api.appcircle.io/a/b");
        assert_eq!(resolved("auth:/a", &[]).unwrap(), "https://auth.appcircle.io/a");
        assert_eq!(resolved("app:/a", &[]).unwrap(), "https://my.appcircle.io/a");
        assert_eq!(
            resolved("https://other.example/x?y=1", &[("z", "2")]).unwrap(),
            "https://other.example/x?y=1&z=2"
        );
    }

    #[test]
    fn queries_add_up_and_are_encoded_once() {
        let url = resolved("/a%2Fb?x=%20", &[("k[]", "a&b=c"), ("v", "é")]).unwrap();
        assert_eq!(url, "https://api.appcircle.io/a%2Fb?x=%20&k%5B%5D=a%26b%3Dc&v=%C3%A9");
    }

    #[test]
    fn tricks_are_refused_by_name() {
        use TargetError as E;
        let error = |target: &str| resolved(target, &[]).unwrap_err();
        assert!(matches!(error("//evil.example/a"), E::HostNotAllowed(_)));
        assert!(matches!(error("/\\evil.example"), E::HostNotAllowed(_)));
        assert!(matches!(error("auth://evil.example"), E::HostNotAllowed(_)));
        assert!(matches!(error("/a/../b"), E::PathTraversal(_)));
        assert!(matches!(error("/a/%2e%2E/b"), E::PathTraversal(_)));
        assert!(matches!(error("/a/.%2e"), E::PathTraversal(_)));
        assert!(matches!(error("/a b"), E::InvalidCharacter));
        assert!(matches!(error("/a\u{7}b"), E::InvalidCharacter));
        assert!(matches!(error("/a\r\nHost: evil"), E::InvalidCharacter));
        assert!(matches!(error("/a#b"), E::Fragment(_)));
        assert!(matches!(error("rest/self"), E::InvalidTarget(_)));
        assert!(matches!(error("@evil.example/"), E::InvalidTarget(_)));
        assert!(matches!(error("file:///etc/passwd"), E::InvalidTarget(_)));
        assert!(matches!(error("https://u:p@api.appcircle.io/"), E::UserInUrl));
        for target in ["//e", "/a/..", "/a b", "/a#b", "x", "https://u@h/"] {
            assert!(!Problem::from(error(target)).remedy.is_empty());
        }
        for (target, remedy) in [
            ("/a b", "%20"),
            ("/a#b", "%23"),
            ("https://u@h/", "user name"),
            ("x", "/x"),
            ("ftp://x", "/rest/self"),
        ] {
            assert!(Problem::from(error(target)).remedy.contains(remedy), "{target}");
        }
    }

    #[test]
    fn a_value_of_dots_cannot_climb_out_of_a_preset() {
        let catalog = builtin_catalog();
        let given =
            std::collections::BTreeMap::from([("organization_id".to_owned(), "..".to_owned())]);
        let draft =
            catalog.preset("appcircle", "organization").unwrap().to_draft(&[&given]).unwrap();
        assert!(matches!(draft.resolve(&region()), Err(TargetError::PathTraversal(_))));
    }

    proptest! {
        #[test]
        fn no_path_leaves_the_origin(path in "[/\\\\.@:%#?a-z0-9\\PC]{0,30}") {
            let target = RequestTarget::Path { place: HostRole::Api, path: format!("/{path}") };
            if let Ok(url) = RequestDraft::new(HttpMethod::Get, target).resolve(&region()) {
                prop_assert_eq!(Origin::from_url(&url), Some(region().api));
            }
        }

        #[test]
        fn any_value_stays_one_segment(value in any::<String>()) {
            let catalog = builtin_catalog();
            let given = std::collections::BTreeMap::from([("organization_id".to_owned(), value)]);
            let draft = catalog.preset("appcircle", "organization").unwrap().to_draft(&[&given]);
            if let Some(url) = draft.ok().and_then(|draft| draft.resolve(&region()).ok()) {
                prop_assert_eq!(url.path_segments().unwrap().count(), 4);
            }
        }

        #[test]
        fn a_target_is_read_as_it_is_printed(text in "(auth:|app:|https://h\\.example)?/[a-z0-9/%?=&]{0,20}") {
            if let Ok(target) = RequestTarget::parse(&text) {
                prop_assert_eq!(RequestTarget::parse(&target.to_string()), Ok(target));
            }
        }
    }
}

#[cfg(test)]
mod canonical_tests {
    use super::*;
    use crate::domain::request::HttpMethod;

    fn draft(target: &str, query: &[(&str, &str)], headers: &[(&str, &str)]) -> RequestDraft {
        let owned = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
        };
        let target = RequestTarget::parse(target).expect("a target");
        RequestDraft {
            query: owned(query),
            headers: owned(headers),
            ..RequestDraft::new(HttpMethod::Get, target)
        }
    }

    #[test]
    fn what_is_sent_alike_has_the_same_lines_however_it_is_written() {
        let catalog = ProviderCatalog::builtin();
        let region = catalog.region("snyk", "SNYK-US-01").expect("a region");
        let defaults = [("accept".to_owned(), "application/json".to_owned())];
        let environment = Some(RequestEnvironment { region, headers: &defaults });
        let plain = draft(
            "/rest/x",
            &[("a", "1 2"), ("b", "x"), ("b", "w")],
            &[("x-a", "1"), ("x-b", "2")],
        )
        .canonical_lines(environment);
        assert!(
            plain.contains(&"query: a=1 2".to_owned())
                && plain.contains(&"header: accept: application/json".to_owned())
        );
        for other in [
            draft("/rest/x?a=1%202&b=x&b=w", &[], &[("X-B", "2"), ("X-A", " 1")]),
            draft(
                "/rest/x?b=x",
                &[("b", "w"), ("a", "1 2")],
                &[("Accept", "application/json"), ("x-b", "2"), ("x-a", "1")],
            ),
            draft(
                "https://api.snyk.io/rest/x?a=1+2",
                &[("b", "x"), ("b", "w")],
                &[("x-a", "1"), ("x-b", "2")],
            ),
        ] {
            assert_eq!(other.canonical_lines(environment), plain);
        }
        for other in [
            draft(
                "/rest/x",
                &[("a", "1 2"), ("b", "w"), ("b", "x")],
                &[("x-a", "1"), ("x-b", "2")],
            ),
            draft(
                "https://api.eu.snyk.io/rest/x",
                &[("a", "1 2"), ("b", "x"), ("b", "w")],
                &[("x-a", "1"), ("x-b", "2")],
            ),
            draft(
                "/rest/x",
                &[("a", "1 2"), ("b", "x"), ("b", "w")],
                &[("x-a", "1"), ("x-b", "3")],
            ),
        ] {
            assert_ne!(other.canonical_lines(environment), plain);
        }
    }
}
