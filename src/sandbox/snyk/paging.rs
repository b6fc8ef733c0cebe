//! Pages of JSON:API lists, and the four forms in which their links come.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::refusal::Refusal;
use super::rest::Rest;

const LIMITS: std::ops::RangeInclusive<usize> = 10..=100;

/// How a list writes its links. The documentation allows each form, so a client has to know them all.
#[derive(Clone, Copy)]
pub(super) enum Links {
    /// `"/orgs/…"`, relative and without `/rest`.
    Bare,
    /// `"/rest/orgs/…"`.
    Rooted,
    /// `"http://host/rest/orgs/…"`.
    Absolute,
    /// `{"href": "/rest/orgs/…"}`.
    Object,
}

/// One page of a list of `total` items, each written by `item` from its place.
pub(super) fn page(rest: &Rest, total: usize, links: Links, item: impl FnMut(usize) -> Value) -> Result<Value, Refusal> {
    let limit = limit(rest)?;
    let start = start(rest, limit)?.min(total);
    let end = start.saturating_add(limit).min(total);
    let mut navigation = json!({"self": link(rest, links, None)});
    if end < total {
        navigation["next"] = link(rest, links, Some(("starting_after", end)));
    }
    if start > 0 {
        navigation["prev"] = link(rest, links, Some(("ending_before", start)));
    }
    let data: Vec<Value> = (start..end).map(item).collect();
    Ok(json!({"jsonapi": {"version": "1.0"}, "data": data, "links": navigation}))
}

fn limit(rest: &Rest) -> Result<usize, Refusal> {
    let Some(text) = rest.call.query("limit") else {
        return Ok(*LIMITS.start());
    };
    let limit: usize = text.parse().map_err(|_| Refusal::parameter("limit", "must be an integer"))?;
    if LIMITS.contains(&limit) && limit.is_multiple_of(10) {
        return Ok(limit);
    }
    Err(Refusal::parameter("limit", "must be a multiple of 10 between 10 and 100"))
}

fn start(rest: &Rest, limit: usize) -> Result<usize, Refusal> {
    let read = |name| rest.call.query(name).map(|text| cursor(text).ok_or_else(|| Refusal::parameter(name, "is not a cursor")));
    match (read("starting_after"), read("ending_before")) {
        (Some(after), _) => after,
        (None, Some(before)) => before.map(|place| place.saturating_sub(limit)),
        (None, None) => Ok(0),
    }
}

fn cursor(text: &str) -> Option<usize> {
    let json = URL_SAFE_NO_PAD.decode(text.strip_prefix("v1.")?).ok()?;
    let position: Value = serde_json::from_slice(&json).ok()?;
    usize::try_from(position["p"].as_u64()?).ok()
}

fn link(rest: &Rest, links: Links, to: Option<(&str, usize)>) -> Value {
    let mut query = rest.call.query_without(&["starting_after", "ending_before"]);
    if let Some((name, place)) = to {
        query.append_pair(name, &format!("v1.{}", URL_SAFE_NO_PAD.encode(json!({"p": place}).to_string())));
    }
    let rooted = format!("{}?{}", rest.call.path, query.finish());
    match links {
        Links::Bare => json!(rooted.trim_start_matches("/rest")),
        Links::Rooted => json!(rooted),
        Links::Absolute => json!(format!("{}{rooted}", rest.region.api)),
        Links::Object => json!({"href": rooted}),
    }
}
