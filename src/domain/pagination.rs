//! Pagination: the items on a page of a list and the URL of the next page.
//!
//! JSON:API links to the next page, and servers write such links in every form the standards allow:
//! a string or an object, absolute or relative, with or without the path prefix of the API, which
//! the provider file names. Django numbers its pages. Items stay raw JSON text, so no number is rounded and no member is reordered.
//! Start at [`parse_page`].

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;
use url::Url;

use super::problem::Problem;
use super::text::sanitize_line;

/// Members that hold the items of a page, for responses with several arrays.
const LIST_MEMBERS: [&str; 2] = ["data", "results"];

/// One page of a list.
#[derive(Debug)]
pub struct ListPage<'a> {
    /// Items of the page as raw JSON.
    pub items: Vec<&'a RawValue>,
    /// URL of the next page; `None` on the last page. An error here does not affect the items of
    /// this page.
    pub next: Result<Option<Url>, PaginationError>,
}

/// Reason why a list cannot be paged through.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PaginationError {
    /// The response is not a list.
    #[error("the response is not a list")]
    NotAList,
    /// The next page is on another origin, which must not receive the secret.
    #[error("the next page is on another origin: {0}")]
    OtherOrigin(String),
    /// The link is not a valid URL.
    #[error("the link to the next page is not valid: \"{0}\"")]
    InvalidLink(String),
}

/// Parses the response to `request_url` as a page of a list. `link_prefix` is the path prefix that
/// the provider's links may omit.
///
/// # Errors
///
/// Fails with [`PaginationError::NotAList`] where the body contains no list.
pub fn parse_page<'a>(
    body: &'a str,
    request_url: &Url,
    link_prefix: Option<&str>,
) -> Result<ListPage<'a>, PaginationError> {
    if let Ok(items) = serde_json::from_str(body) {
        return Ok(ListPage { items, next: Ok(None) });
    }
    let members: JsonMembers<'_> =
        serde_json::from_str(body).map_err(|_| PaginationError::NotAList)?;
    let items = find_items(&members).ok_or(PaginationError::NotAList)?;
    Ok(ListPage { items, next: find_next_page(&members, request_url, link_prefix) })
}

/// Returns the URL of the page after this response to `request_url`, wherever its items are; `None`
/// on the last page.
///
/// # Errors
///
/// Fails where the body is neither a JSON object nor an array, or where the link leads elsewhere.
pub fn next_page_url(
    body: &str,
    request_url: &Url,
    link_prefix: Option<&str>,
) -> Result<Option<Url>, PaginationError> {
    if serde_json::from_str::<Vec<&RawValue>>(body).is_ok() {
        return Ok(None);
    }
    let members = serde_json::from_str(body).map_err(|_| PaginationError::NotAList)?;
    find_next_page(&members, request_url, link_prefix)
}

fn find_next_page(
    members: &JsonMembers<'_>,
    request_url: &Url,
    link_prefix: Option<&str>,
) -> Result<Option<Url>, PaginationError> {
    match next_link(members).filter(|link| !link.is_empty()) {
        Some(link) => resolve_link(&link, request_url, link_prefix).map(Some),
        None => Ok(next_numbered_page(members, request_url)),
    }
}

type JsonMembers<'a> = BTreeMap<String, &'a RawValue>;

/// Link in JSON:API format.
#[derive(Deserialize)]
#[serde(untagged)]
enum JsonApiLink {
    Text(String),
    Object { href: String },
}

/// Finds the items: in the usual member, in the list inside that member, or in the only array of
/// the response.
fn find_items<'a>(members: &JsonMembers<'a>) -> Option<Vec<&'a RawValue>> {
    let list = |value: &&'a RawValue| serde_json::from_str(value.get()).ok();
    if let Some(value) = LIST_MEMBERS.iter().find_map(|name| members.get(*name)) {
        return list(value).or_else(|| {
            list(serde_json::from_str::<JsonMembers<'a>>(value.get()).ok()?.get("items")?)
        });
    }
    let mut lists = members.values().filter_map(list);
    let only = lists.next();
    if lists.next().is_some() { None } else { only }
}

fn next_link(members: &JsonMembers<'_>) -> Option<String> {
    let links: JsonMembers<'_> = serde_json::from_str(members.get("links")?.get()).ok()?;
    match serde_json::from_str(links.get("next")?.get()).ok()? {
        JsonApiLink::Text(link) | JsonApiLink::Object { href: link } => Some(link),
    }
}

/// Resolves a link against the URL of the request. The result must have the same origin.
fn resolve_link(
    link: &str,
    request_url: &Url,
    link_prefix: Option<&str>,
) -> Result<Url, PaginationError> {
    let bare = link.starts_with('/') && !link.starts_with("//") && !link.starts_with("/\\");
    let is_below = |path: &str, prefix: &str| {
        path.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('/'))
    };
    let omitted = link_prefix
        .filter(|prefix| bare && is_below(request_url.path(), prefix) && !is_below(link, prefix));
    let rooted = format!("{}{link}", omitted.unwrap_or_default());
    let invalid_link = || PaginationError::InvalidLink(sanitize_line(link));
    let mut next = request_url.join(&rooted).map_err(|_| invalid_link())?;
    if next.origin() != request_url.origin() {
        return Err(PaginationError::OtherOrigin(sanitize_line(
            &next.origin().ascii_serialization(),
        )));
    }
    if !next.username().is_empty() || next.password().is_some() {
        return Err(invalid_link());
    }
    next.set_fragment(None);
    Ok(next)
}

/// Returns the URL of the next page where the response numbers its pages (`page` of `page_total`).
fn next_numbered_page(members: &JsonMembers<'_>, request_url: &Url) -> Option<Url> {
    let number = |name: &str| members.get(name)?.get().parse::<u64>().ok();
    let page = number("page")?;
    (page < number("page_total")?)
        .then(|| with_query_parameter(request_url, "page", &(page + 1).to_string()))
}

fn with_query_parameter(url: &Url, name: &str, value: &str) -> Url {
    let others: Vec<_> = url
        .query_pairs()
        .filter(|(known, _)| known != name)
        .map(|(k, v)| (k.into_owned(), v.into_owned()))
        .collect();
    let mut next = url.clone();
    next.query_pairs_mut().clear().extend_pairs(others).append_pair(name, value);
    next
}

impl From<PaginationError> for Problem {
    fn from(error: PaginationError) -> Self {
        let (what, remedy) = match &error {
            PaginationError::NotAList => {
                ("No further pages were fetched", "Send the request without fetching all pages")
            }
            PaginationError::OtherOrigin(_) => (
                "The next page was not fetched",
                "Ask the provider; the secret is sent only to its own hosts",
            ),
            PaginationError::InvalidLink(_) => (
                "The next page was not fetched",
                "Ask the provider; the pages fetched so far are complete",
            ),
        };
        Self::new(what, error.to_string(), remedy)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ASKED: &str = "https://api.snyk.io/rest/orgs/o/projects?version=2024-10-15&limit=100";

    fn read(
        body: &str,
        request_url: &str,
    ) -> Result<(Vec<String>, Option<String>), PaginationError> {
        let page = parse_page(body, &Url::parse(request_url).unwrap(), Some("/rest"))?;
        let items = page.items.iter().map(|item| item.get().to_owned()).collect();
        Ok((items, page.next?.map(String::from)))
    }

    fn next(link: &str) -> Result<Option<String>, PaginationError> {
        read(&format!(r#"{{"data":[],"links":{{"next":{link}}}}}"#), ASKED).map(|(_, next)| next)
    }

    #[test]
    fn every_form_of_a_link_leads_to_the_same_page() {
        let page = "https://api.snyk.io/rest/orgs/o/projects?starting_after=v1.x";
        for link in [
            r#""/orgs/o/projects?starting_after=v1.x""#,
            r#""/rest/orgs/o/projects?starting_after=v1.x""#,
            r#""https://api.snyk.io/rest/orgs/o/projects?starting_after=v1.x""#,
            r#""https://api.snyk.io:443/rest/orgs/o/projects?starting_after=v1.x#top""#,
            r#""?starting_after=v1.x""#,
            r#"{"href":"/orgs/o/projects?starting_after=v1.x","meta":{}}"#,
            r#"{"href":"projects?starting_after=v1.x"}"#,
        ] {
            assert_eq!(next(link).unwrap().as_deref(), Some(page), "{link}");
        }
        for end in ["null", "\"\"", "{}", "7"] {
            assert_eq!(next(end).unwrap(), None, "{end}");
        }
    }

    #[test]
    fn a_prefix_is_added_only_where_the_provider_omits_it() {
        let next = |prefix, asked: &str| {
            let body = r#"{"data":[],"links":{"next":"/orgs?page=2"}}"#;
            let page = parse_page(body, &Url::parse(asked).unwrap(), prefix).unwrap();
            page.next.unwrap().unwrap().path().to_owned()
        };
        assert_eq!(next(Some("/rest"), ASKED), "/rest/orgs");
        assert_eq!(next(None, ASKED), "/orgs");
        assert_eq!(next(Some("/api"), ASKED), "/orgs");
        assert_eq!(next(Some("/rest"), "https://api.snyk.io/restful/orgs"), "/orgs");
    }

    #[test]
    fn another_origin_is_refused_however_it_is_written() {
        for link in [
            "https://api.snyk.io.evil.example/rest/orgs",
            "https://api.eu.snyk.io/rest/orgs",
            "http://api.snyk.io/rest/orgs",
            "https://api.snyk.io:8443/rest/orgs",
            "//evil.example/rest/orgs",
            "/\\\\evil.example/rest",
            "\\\\\\\\evil.example/rest",
            "https://\u{430}pi.snyk.io/rest",
            "javascript:alert(1)",
        ] {
            assert!(
                matches!(next(&format!("\"{link}\"")), Err(PaginationError::OtherOrigin(_))),
                "{link}"
            );
        }
        assert!(matches!(
            next("\"https://user@api.snyk.io/rest\""),
            Err(PaginationError::InvalidLink(_))
        ));
    }

    #[test]
    fn pages_may_be_counted() {
        let request_url = "https://api.eu.probely.com/targets/?page=2&length=50&search=a%20b";
        let body = |page: u64| {
            format!(
                r#"{{"count":120,"page_total":3,"page":{page},"length":50,"results":[{{"id":1.50}}]}}"#
            )
        };
        let (items, next) = read(&body(2), request_url).unwrap();
        assert_eq!(items, [r#"{"id":1.50}"#]);
        assert_eq!(
            next.as_deref(),
            Some("https://api.eu.probely.com/targets/?length=50&search=a+b&page=3")
        );
        assert_eq!(read(&body(3), request_url).unwrap().1, None);
    }

    #[test]
    fn lists_are_found_where_they_are() {
        for (body, count) in [
            ("[1,2]", Some(2)),
            (r#"{"data":{"items":[1,2,3]},"links":{}}"#, Some(3)),
            (r#"{"orgs":[{}],"total":1}"#, Some(1)),
            (r#"{"a":[],"b":[]}"#, None),
            (r#"{"data":{"id":"x"}}"#, None),
            ("{}", None),
            ("<html>", None),
            (r#""text""#, None),
        ] {
            assert_eq!(read(body, ASKED).ok().map(|(items, _)| items.len()), count, "{body}");
        }
    }

    proptest! {
        #[test]
        fn whatever_a_link_says_the_origin_stays(link in "(https?:|[/\\\\@:.#?]|evil\\.example|api\\.snyk\\.io|\\PC){0,12}") {
            let body = serde_json::json!({ "data": [], "links": { "next": link } }).to_string();
            if let Ok((_, Some(next))) = read(&body, ASKED) {
                prop_assert!(next.starts_with("https://api.snyk.io/"), "{}", next);
            }
        }
    }
}
