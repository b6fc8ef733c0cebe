//! Pages of JSON:API lists, and the four formats of their links.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::json_api_error::JsonApiError;
use super::rest::RestRequest;

const PAGE_LIMIT_RANGE: std::ops::RangeInclusive<usize> = 10..=100;

/// Format of a list's links. The documentation allows each format, so a client has to know them
/// all.
#[derive(Clone, Copy)]
pub(super) enum LinkStyle {
    /// `"/orgs/…"`, relative and without `/rest`.
    Bare,
    /// `"/rest/orgs/…"`.
    Rooted,
    /// `"http://host/rest/orgs/…"`.
    Absolute,
    /// `{"href": "/rest/orgs/…"}`.
    Object,
}

/// Builds one page of a list of `total` items, each created by `item` from its index.
pub(super) fn paginate(
    rest: &RestRequest,
    total: usize,
    links: LinkStyle,
    item: impl FnMut(usize) -> Value,
) -> Result<Value, JsonApiError> {
    let limit = parse_limit(rest)?;
    let start = start_index(rest, limit)?.min(total);
    let end = start.saturating_add(limit).min(total);
    let mut navigation = json!({"self": page_link(rest, links, None)});
    if end < total {
        navigation["next"] = page_link(rest, links, Some(("starting_after", end)));
    }
    if start > 0 {
        navigation["prev"] = page_link(rest, links, Some(("ending_before", start)));
    }
    let data: Vec<Value> = (start..end).map(item).collect();
    Ok(json!({"jsonapi": {"version": "1.0"}, "data": data, "links": navigation}))
}

fn parse_limit(rest: &RestRequest) -> Result<usize, JsonApiError> {
    let Some(text) = rest.request.query("limit") else {
        return Ok(*PAGE_LIMIT_RANGE.start());
    };
    let limit: usize =
        text.parse().map_err(|_| JsonApiError::invalid_parameter("limit", "must be an integer"))?;
    if PAGE_LIMIT_RANGE.contains(&limit) && limit.is_multiple_of(10) {
        return Ok(limit);
    }
    Err(JsonApiError::invalid_parameter("limit", "must be a multiple of 10 between 10 and 100"))
}

fn start_index(rest: &RestRequest, limit: usize) -> Result<usize, JsonApiError> {
    let read = |name| {
        rest.request.query(name).map(|text| {
            parse_cursor(text)
                .ok_or_else(|| JsonApiError::invalid_parameter(name, "is not a cursor"))
        })
    };
    match (read("starting_after"), read("ending_before")) {
        (Some(after), _) => after,
        (None, Some(before)) => before.map(|index| index.saturating_sub(limit)),
        (None, None) => Ok(0),
    }
}

fn parse_cursor(text: &str) -> Option<usize> {
    let json = URL_SAFE_NO_PAD.decode(text.strip_prefix("v1.")?).ok()?;
    let position: Value = serde_json::from_slice(&json).ok()?;
    usize::try_from(position["p"].as_u64()?).ok()
}

fn page_link(rest: &RestRequest, links: LinkStyle, to: Option<(&str, usize)>) -> Value {
    let mut query = rest.request.query_without(&["starting_after", "ending_before"]);
    if let Some((name, index)) = to {
        query.append_pair(
            name,
            &format!("v1.{}", URL_SAFE_NO_PAD.encode(json!({"p": index}).to_string())),
        );
    }
    let rooted = format!("{}?{}", rest.request.path, query.finish());
    match links {
        LinkStyle::Bare => json!(rooted.trim_start_matches("/rest")),
        LinkStyle::Rooted => json!(rooted),
        LinkStyle::Absolute => json!(format!("{}{rooted}", rest.region.api)),
        LinkStyle::Object => json!({"href": rooted}),
    }
}
