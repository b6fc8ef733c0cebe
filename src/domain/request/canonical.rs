//! Canonical form of a request: requests that are sent alike have the same lines, however they are
//! written.

use super::{DraftBody, FormPart, PartContent, RequestDraft, RequestTarget};
use crate::domain::Credential;
use crate::domain::provider::ProviderCatalog;
use crate::domain::region::{HostRole, Origin, Region};

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
