//! Detection and removal of secrets in a pasted request.
//!
//! Covers headers, query parameters and bodies, by name and by form. Masking of displayed texts
//! belongs to [`crate::domain::redact`].

use url::Url;

use crate::domain::redact::{MASK, json_members, patterns};

/// Headers that carry a credential whatever their value is.
const SECRET_HEADERS: [&str; 5] =
    ["authorization", "proxy-authorization", "cookie", "x-api-key", "api-key"];

/// Words in the names of other headers that carry a credential.
const SECRET_HEADER_WORDS: [&str; 5] = ["token", "secret", "password", "apikey", "session"];

/// Names of parameters and JSON members that hold secrets.
const SECRET_MEMBERS: [&str; 16] = [
    "access_token",
    "api_key",
    "apikey",
    "auth",
    "client_assertion",
    "client_secret",
    "code_verifier",
    "id_token",
    "key",
    "pat",
    "password",
    "personalAccessKey",
    "personal-access-key",
    "refresh_token",
    "secret",
    "token",
];

/// Whether a header with this lower-case name carries a credential.
pub(super) fn is_secret_header(name: &str) -> bool {
    SECRET_HEADERS.contains(&name) || SECRET_HEADER_WORDS.iter().any(|word| name.contains(word))
}

/// Whether a parameter, form field or JSON member with this name holds a secret.
pub(super) fn is_secret_member(name: &str) -> bool {
    SECRET_MEMBERS.iter().any(|member| member.eq_ignore_ascii_case(name))
}

/// Whether a text looks like a secret, whatever its name is.
pub(super) fn looks_like_secret(text: &str) -> bool {
    patterns::mask_patterns(text) != text
}

/// Removes query parameters that hold a secret, judged by name or form, and returns their names.
pub(super) fn remove_url_secrets(url: &mut Url) -> Vec<String> {
    let (secret, harmless): (Vec<_>, Vec<_>) =
        parse_pairs(url.query().unwrap_or_default()).into_iter().partition(is_secret_pair);
    if !secret.is_empty() {
        let query: Vec<_> = harmless.into_iter().map(|pair| pair.text).collect();
        url.set_query(Some(query.join("&").as_str()).filter(|query| !query.is_empty()));
    }
    let mut dropped: Vec<_> =
        secret.into_iter().map(|pair| format!("parameter {}", pair.name)).collect();
    let path = patterns::mask_patterns(url.path());
    if path != url.path() {
        url.set_path(&path);
        dropped.push("a part of the path that looks like a secret".to_owned());
    }
    dropped
}

/// Replaces every secret in a body with a placeholder and adds the secrets' names to `dropped`.
pub(super) fn mask_body_secrets(body: &str, dropped: &mut Vec<String>) -> String {
    let members = SECRET_MEMBERS.map(str::to_owned);
    let captured = json_members::capture_secrets(body.as_bytes(), &members);
    dropped.extend(captured.secrets.iter().map(|(name, _)| format!("body member {name}")));
    let form = captured.secrets.is_empty() && !body.trim_start().starts_with(['{', '[']);
    let text = if form { mask_secret_pairs(body, dropped) } else { captured.text().into_owned() };
    let masked = patterns::mask_patterns(&text);
    if masked != text {
        dropped.push("a part of the body that looks like a secret".to_owned());
    }
    masked
}

/// Pair of a query or form, as written.
struct QueryPair {
    name: String,
    text: String,
}

fn is_secret_pair(pair: &QueryPair) -> bool {
    is_secret_member(&pair.name) || looks_like_secret(&decode_pairs(&pair.text))
}

fn parse_pairs(text: &str) -> Vec<QueryPair> {
    let pair = |text: &str| {
        let name = url::form_urlencoded::parse(text.as_bytes())
            .next()
            .map(|(name, _)| name.into_owned())
            .unwrap_or_default();
        QueryPair { name, text: text.to_owned() }
    };
    text.split('&').filter(|text| !text.is_empty()).map(pair).collect()
}

fn decode_pairs(text: &str) -> String {
    url::form_urlencoded::parse(text.as_bytes()).map(|(_, value)| value.into_owned()).collect()
}

fn mask_secret_pairs(body: &str, dropped: &mut Vec<String>) -> String {
    if !body.contains('=') || !parse_pairs(body).iter().any(is_secret_pair) {
        return body.to_owned();
    }
    let pair = |pair: QueryPair| {
        if !is_secret_pair(&pair) {
            return pair.text;
        }
        dropped.push(format!("body member {}", pair.name));
        format!("{}={MASK}", pair.name)
    };
    parse_pairs(body).into_iter().map(pair).collect::<Vec<_>>().join("&")
}
