//! Requests in the making: presets with placeholders, and requests as a person types them.

use crate::domain::provider::Preset;
use crate::domain::request::{Draft, Method, Target};

/// A preset as a request, its placeholders still open.
pub fn of_preset(preset: &Preset) -> Draft {
    Draft {
        method: Method::parse(&preset.method).unwrap_or_default(),
        target: Target::Path { place: preset.place, path: preset.path.clone() },
        query: preset.query.clone(),
        headers: preset.headers.clone(),
        body: preset.body.clone(),
        preset: Some(preset.id.clone()),
    }
}

/// The request with `value` in place of every placeholder for which there is one. A query whose value turns out to be
/// empty is left out.
pub fn fill(mut draft: Draft, value: impl Fn(&str) -> Option<String>) -> Draft {
    if let Target::Path { path, .. } = &mut draft.target {
        *path = replace(path, |id| value(id).map(|value| encode(&value)));
    }
    for (_, text) in draft.query.iter_mut().chain(&mut draft.headers) {
        *text = replace(text, &value);
    }
    draft.query.retain(|(_, text)| !text.is_empty());
    draft.body = draft.body.map(|body| replace(&body, &value));
    draft
}

/// The placeholders that are still open, each once.
pub fn open(draft: &Draft) -> Vec<String> {
    let mut found = Vec::new();
    let mut look = |text: &str| {
        for (id, _) in placeholders(text) {
            if !found.iter().any(|known| known == id) {
                found.push(id.to_owned());
            }
        }
    };
    if let Target::Path { path, .. } = &draft.target {
        look(path);
    }
    draft.query.iter().chain(&draft.headers).for_each(|(_, text)| look(text));
    draft.body.iter().for_each(|body| look(body));
    found
}

/// Path and query as they are written in one line.
pub fn address(draft: &Draft) -> String {
    let (path, joint) = match &draft.target {
        Target::Path { path, .. } => (path.clone(), "?"),
        Target::Url(url) => (url.to_string(), if url.query().is_some() { "&" } else { "?" }),
    };
    let query: Vec<_> = draft.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
    if query.is_empty() { path } else { format!("{path}{joint}{}", query.join("&")) }
}

/// Reads path and query from one line; a whole URL is taken as it is.
pub fn parse_address(text: &str, draft: &mut Draft) -> Result<(), &'static str> {
    if let Ok(url) = url::Url::parse(text) {
        (draft.target, draft.query) = (Target::Url(url), Vec::new());
        return Ok(());
    }
    let (path, query) = text.split_once('?').unwrap_or((text, ""));
    if !path.starts_with('/') {
        return Err("begins with / or https://");
    }
    let place = match &draft.target {
        Target::Path { place, .. } => *place,
        Target::Url(_) => crate::domain::region::Place::default(),
    };
    draft.target = Target::Path { place, path: path.to_owned() };
    let pair = |pair: &str| pair.split_once('=').map_or((pair.to_owned(), String::new()), |(n, v)| (n.to_owned(), v.to_owned()));
    draft.query = query.split('&').filter(|text| !text.is_empty()).map(pair).collect();
    Ok(())
}

fn replace(text: &str, value: impl Fn(&str) -> Option<String>) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = 0;
    for (id, at) in placeholders(text) {
        filled.push_str(&text[rest..at]);
        rest = at + id.len() + 2;
        match value(id) {
            Some(value) => filled.push_str(&value),
            None => filled.push_str(&text[at..rest]),
        }
    }
    filled + &text[rest..]
}

/// The ids in braces and where their opening brace is; what is no identifier (as in JSON) is text.
fn placeholders(text: &str) -> impl Iterator<Item = (&str, usize)> {
    text.match_indices('{').filter_map(|(at, _)| {
        let (id, _) = text[at + 1..].split_once('}')?;
        let is_id = !id.is_empty() && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        is_id.then_some((id, at))
    })
}

/// A value as one segment of a path.
fn encode(value: &str) -> String {
    use std::fmt::Write as _;
    value.bytes().fold(String::with_capacity(value.len()), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(path: &str) -> Draft {
        let target = Target::Path { place: crate::domain::region::Place::Api, path: path.to_owned() };
        Draft { method: Method::Get, target, query: Vec::new(), headers: Vec::new(), body: None, preset: None }
    }

    #[test]
    fn placeholders_are_filled_where_a_value_is_known() {
        let mut open_draft = draft("/orgs/{org_id}/projects/{project_id}");
        open_draft.query = vec![("limit".to_owned(), "{limit}".to_owned())];
        open_draft.body = Some("{\"name\": \"{name}\"}".to_owned());
        assert_eq!(open(&open_draft), ["org_id", "project_id", "limit", "name"]);
        let filled = fill(open_draft, |id| (id == "org_id" || id == "name").then(|| "a/b".to_owned()));
        assert_eq!(address(&filled), "/orgs/a%2Fb/projects/{project_id}?limit={limit}");
        assert_eq!(filled.body.as_deref(), Some("{\"name\": \"a/b\"}"));
        assert_eq!(open(&filled), ["project_id", "limit"]);
    }

    #[test]
    fn an_address_is_read_as_it_is_written() {
        let mut written = draft("/");
        for text in ["/rest/self?version=2024-10-15", "/rest/orgs", "/a?b=&c=1"] {
            parse_address(text, &mut written).expect("an address");
            assert_eq!(address(&written), text);
        }
        parse_address("https://api.snyk.io/rest?x=1", &mut written).expect("a URL");
        assert_eq!(address(&written), "https://api.snyk.io/rest?x=1");
        assert!(parse_address("rest/self", &mut written).is_err());
    }
}
