//! What a token endpoint answers.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::claims::{Claims, seconds};
use super::exchange::{AccessToken, ExchangeError, Expiry};
use super::oauth::{Introduction, RefreshToken};
use crate::domain::redact::{MIN_SECRET_BYTES, SecretRedactor};
use crate::domain::response::{ApiResponse, ResponseBody};
use crate::domain::{Secret, text};

/// How much of a body that is no JSON is kept for an explanation.
const LONGEST_REMARK: usize = 300;

/// A body that is nothing but a token is at least this long.
const SHORTEST_BARE_TOKEN: usize = 16;

/// The members of a token endpoint's answer that matter here.
#[derive(Deserialize)]
pub(super) struct Grant {
    access_token: String,
    #[serde(default)]
    expires_in: Value,
    #[serde(default)]
    refresh_token: Option<String>,
    #[serde(default)]
    refresh_expires_in: Value,
}

impl Grant {
    /// Reads an answer. `secrets` were sent along; none of them is in the error, even if the server sent it back.
    pub(super) fn read(answer: &ApiResponse, secrets: &[&Secret]) -> Result<Self, ExchangeError> {
        accept(answer, secrets)?;
        Self::of(&answer.body).ok_or(ExchangeError::NoToken { status: answer.status })
    }

    /// The refresh token that comes next.
    pub(super) fn take_refresh_token(&mut self) -> Option<RefreshToken> {
        let token = self.refresh_token.take().filter(|token| !token.is_empty())?;
        Some(RefreshToken { secret: Secret::from_text(token), lifetime: lifetime(&self.refresh_expires_in) })
    }

    /// The access token.
    pub(super) fn into_access_token(self, scheme: &str) -> AccessToken {
        let secret = Secret::from_text(self.access_token);
        let claims = Claims::of(&secret);
        let ends = claims.expires().map(Expiry::At).into_iter().chain(lifetime(&self.expires_in).map(Expiry::After)).collect();
        AccessToken { secret: std::sync::Arc::new(secret), scheme: scheme.to_owned(), ends, claims }
    }

    /// A JSON object, or the bare token as a JSON string or as plain text.
    fn of(body: &ResponseBody) -> Option<Self> {
        let text = body.text()?.trim();
        let whole = || {
            serde_json::from_str(text)
                .ok()
                .filter(|grant: &Self| is_visible(&grant.access_token) && grant.access_token.len() >= MIN_SECRET_BYTES)
        };
        whole().or_else(|| Self::bare(serde_json::from_str(text).unwrap_or_else(|_| text.to_owned())))
    }

    fn bare(access_token: String) -> Option<Self> {
        let none = || Value::Null;
        let bare = Self { access_token, expires_in: none(), refresh_token: None, refresh_expires_in: none() };
        is_token(&bare.access_token).then_some(bare)
    }
}

/// Whether an answer that brings nothing is a success.
pub(super) fn accept(answer: &ApiResponse, secrets: &[&Secret]) -> Result<(), ExchangeError> {
    let status = answer.status;
    if matches!(status, 200..=299) {
        return Ok(());
    }
    let (why, answer) = told(answer, secrets);
    Err(match status {
        400 | 401 | 403 => ExchangeError::Refused { status, why, answer },
        _ => ExchangeError::Unexpected { status, why, answer },
    })
}

/// What an answer to a refresh token that never was says of the client. Anything but OAuth's own two words leaves it open.
pub(super) fn introduction(answer: &ApiResponse, secrets: &[&Secret]) -> Result<Introduction, ExchangeError> {
    let (why, kept) = told(answer, secrets);
    let said: Value = answer.body.text().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    match (answer.status, said["error"].as_str()) {
        (400 | 401 | 403, Some("invalid_client")) => Ok(Introduction::Unknown(why)),
        (400 | 401 | 403, Some("invalid_grant")) => Ok(Introduction::Known),
        (status, _) => Err(ExchangeError::Unexpected { status, why, answer: kept }),
    }
}

/// Whether a text can be sent as a token in a header.
fn is_visible(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Whether a text that nobody called a token can be one: the characters of RFC 6750, and more than a word of them. A
/// page, a message or an "ok" is none.
fn is_token(text: &str) -> bool {
    text.len() >= SHORTEST_BARE_TOKEN && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte))
}

fn lifetime(value: &Value) -> Option<Duration> {
    seconds(value).and_then(|seconds| u64::try_from(seconds).ok()).map(Duration::from_secs)
}

/// What a server said about its refusal, and its answer with nothing but that in the body.
fn told(answer: &ApiResponse, secrets: &[&Secret]) -> (String, Box<ApiResponse>) {
    let why = remark(&answer.body, secrets);
    let code = answer.body.text().and_then(|text| serde_json::from_str::<Value>(text).ok());
    let code = code.as_ref().and_then(|body| body.pointer("/error")).and_then(Value::as_str).filter(|code| is_word(code));
    let body = json!({"error": code, "error_description": why}).to_string();
    let told = ApiResponse { size: body.len() as u64, body: ResponseBody::Text(body), ..answer.clone() };
    (why, Box::new(told))
}

/// Whether a text is one of the words by which OAuth names an error, such as `invalid_grant`.
fn is_word(text: &str) -> bool {
    text.len() <= 40 && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

/// What a server said about its refusal, on one line and without the secrets that were sent.
fn remark(body: &ResponseBody, secrets: &[&Secret]) -> String {
    let Some(said) = body.text() else { return "it gave no reason".to_owned() };
    let reason = serde_json::from_str(said).ok().and_then(|json| reason(&json));
    let line = text::sanitize_line(&reason.unwrap_or_else(|| said.to_owned()));
    let mut sent = SecretRedactor::default();
    for secret in secrets {
        sent.add_secret(secret);
    }
    // Secrets go before the line is cut: half a secret would not be found any more.
    sent.redact_known(line).chars().take(LONGEST_REMARK).collect()
}

/// The reason in the forms that OAuth, Snyk and Appcircle give it. An object that has none of them is withheld whole,
/// since what else is in it is not known.
fn reason(json: &Value) -> Option<String> {
    const PLACES: [&str; 6] =
        ["/error_description", "/message", "/errors/0/detail", "/errors/0/title", "/error/message", "/error"];
    let found = PLACES.iter().find_map(|place| json.pointer(place).and_then(Value::as_str));
    let withheld = || json.is_object().then(|| "it gave no reason in a known form".to_owned());
    found.map(str::to_owned).or_else(withheld)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(body: &str, secret: &str) -> String {
        remark(&ResponseBody::Text(body.to_owned()), &[&Secret::from_text(secret.to_owned())])
    }

    #[test]
    fn a_token_comes_in_an_object_in_a_string_or_bare() {
        for body in [r#"{"access_token":"abcdefgh.01234567"}"#, r#""abcdefgh.01234567""#, " abcdefgh.01234567\n"] {
            let grant = Grant::of(&ResponseBody::Text(body.to_owned())).unwrap();
            grant.into_access_token("Bearer").secret.expose(|bytes| assert_eq!(bytes, b"abcdefgh.01234567", "{body}"));
        }
    }

    #[test]
    fn a_page_or_a_message_is_no_token() {
        let bare = ["<html></html>", "this is not a token at all", "", "{}", "[]", "null", "a\u{fffd}b"];
        let empty = [r#"{"access_token":""}"#, r#"{"access_token":"a b"}"#];
        for body in bare.into_iter().chain(empty) {
            assert!(Grant::of(&ResponseBody::Text(body.to_owned())).is_none(), "{body}");
        }
    }

    #[test]
    fn a_lifetime_is_a_number_however_it_is_written() {
        for body in [r#"{"access_token":"abcde","expires_in":3600}"#, r#"{"access_token":"abcde","expires_in":"3600"}"#] {
            let token = Grant::of(&ResponseBody::Text(body.to_owned())).unwrap().into_access_token("Bearer");
            assert_eq!(token.ends, [Expiry::After(Duration::from_secs(3600))]);
        }
        assert_eq!(lifetime(&Value::from(-1)), None);
    }

    #[test]
    fn a_refusal_is_told_without_the_secret() {
        assert_eq!(refused(r#"{"error":"invalid_client","error_description":"bad s3cr3t/=="}"#, "s3cr3t/=="), "bad ‹secret›");
        assert_eq!(refused("pat=s3cr3t%2F%3D%3D is wrong", "s3cr3t/=="), "pat=‹secret› is wrong");
        assert_eq!(refused(r#"{"token":"whatever"}"#, "x"), "it gave no reason in a known form");
        let long = format!("{}s3cr3t", "a ".repeat(148));
        assert!(!refused(&long, "s3cr3t").contains("s3"));
    }
}
