//! Request line: requests as one line of text that the user reads and edits.
//!
//! [`parse_address`] is the inverse of [`RequestDraft::address`].

use std::collections::BTreeMap;

use crate::domain::Credential;
use crate::domain::provider::{PresetParameter, RequestPreset};
use crate::domain::region::HostRole;
use crate::domain::request::{HttpMethod, RequestDraft, RequestTarget, TargetError};

/// Returns path and query of a preset in one line, with its placeholders unfilled.
pub fn preset_address(preset: &RequestPreset) -> String {
    let target = RequestTarget::Path { place: HostRole::Api, path: preset.path.clone() };
    RequestDraft { query: preset.query.clone(), ..RequestDraft::new(HttpMethod::Get, target) }
        .address()
}

/// Parses the form written by [`RequestDraft::address`]: a path with a query, or a whole URL.
pub fn parse_address(text: &str) -> Result<(RequestTarget, Vec<(String, String)>), TargetError> {
    let target = RequestTarget::parse(text)?;
    let RequestTarget::Path { place, path } = &target else { return Ok((target, Vec::new())) };
    let Some((path, query)) = path.split_once('?') else { return Ok((target, Vec::new())) };
    let pair = |pair: &str| match pair.split_once('=') {
        Some((name, value)) => (name.to_owned(), value.to_owned()),
        None => (pair.to_owned(), String::new()),
    };
    let pairs = query.split('&').filter(|text| !text.is_empty()).map(pair).collect();
    Ok((RequestTarget::Path { place: *place, path: path.to_owned() }, pairs))
}

/// Returns the parameters of a preset for which neither `given` nor the credential has a value.
pub fn missing_parameters<'p>(
    preset: &'p RequestPreset,
    given: &BTreeMap<String, String>,
    credential: &Credential,
) -> Vec<&'p PresetParameter> {
    let has = |layer: &BTreeMap<String, String>, id: &str| {
        layer.get(id).is_some_and(|value| !value.is_empty())
    };
    let known = |id: &str| has(given, id) || has(&credential.fields, id);
    preset.parameters.iter().filter(|parameter| !known(&parameter.id)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_as_it_is_written() {
        for text in [
            "/rest/self?version=2024-10-15",
            "/rest/orgs",
            "auth:/token?b=&c=1",
            "https://api.snyk.io/rest?x=1",
        ] {
            let (target, query) = parse_address(text).expect("an address");
            let draft = RequestDraft { query, ..RequestDraft::new(HttpMethod::Get, target) };
            assert_eq!(draft.address(), text);
        }
        assert!(parse_address("rest/self").is_err());
    }
}
