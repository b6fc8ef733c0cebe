//! What a token endpoint answers.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::claims::{AccessTokenClaims, parse_seconds};
use super::exchange::{AccessToken, TokenExchangeError, TokenExpiry};
use super::oauth::{ClientRecognition, RefreshToken};
use crate::domain::redact::{MIN_SECRET_BYTES, SecretRedactor};
use crate::domain::response::{ApiResponse, ResponseBody};
use crate::domain::{Secret, text};

/// How much of a body that is no JSON is kept for an explanation.
const MAX_REASON_CHARS: usize = 300;

/// A body that is nothing but a token is at least this long.
const MIN_BARE_TOKEN_BYTES: usize = 16;

/// The members of a token endpoint's answer that matter here.
#[derive(Deserialize)]
pub(super) struct TokenResponse {
    access_token: String,
    #[serde(default)]
    expires_in: Value,
    #[serde(default)]
    refresh_token: Option<String>,
    #[serde(default)]
    refresh_expires_in: Value,
}

impl TokenResponse {
    /// Reads an answer. `secrets` were sent along; none of them is in the error, even if the server sent it back.
    pub(super) fn parse(
        answer: &ApiResponse,
        secrets: &[&Secret],
    ) -> Result<Self, TokenExchangeError> {
        ensure_success(answer, secrets)?;
        Self::from_body(&answer.body).ok_or(TokenExchangeError::NoToken { status: answer.status })
    }

    /// The refresh token that comes next.
    pub(super) fn take_refresh_token(&mut self) -> Option<RefreshToken> {
        let token = self.refresh_token.take().filter(|token| !token.is_empty())?;
        Some(RefreshToken {
            secret: Secret::from_text(token),
            lifetime: parse_lifetime(&self.refresh_expires_in),
        })
    }

    /// The access token.
    pub(super) fn into_access_token(self, scheme: &str) -> AccessToken {
        let secret = Secret::from_text(self.access_token);
        let claims = AccessTokenClaims::from_token(&secret);
        let ends = claims
            .expires()
            .map(TokenExpiry::At)
            .into_iter()
            .chain(parse_lifetime(&self.expires_in).map(TokenExpiry::After))
            .collect();
        AccessToken {
            secret: std::sync::Arc::new(secret),
            scheme: scheme.to_owned(),
            expiries: ends,
            claims,
        }
    }

    /// A JSON object, or the bare token as a JSON string or as plain text.
    fn from_body(body: &ResponseBody) -> Option<Self> {
        let text = body.text()?.trim();
        let whole = || {
            serde_json::from_str(text).ok().filter(|grant: &Self| {
                is_header_safe(&grant.access_token) && grant.access_token.len() >= MIN_SECRET_BYTES
            })
        };
        whole().or_else(|| {
            Self::from_bare_token(serde_json::from_str(text).unwrap_or_else(|_| text.to_owned()))
        })
    }

    fn from_bare_token(access_token: String) -> Option<Self> {
        let none = || Value::Null;
        let bare = Self {
            access_token,
            expires_in: none(),
            refresh_token: None,
            refresh_expires_in: none(),
        };
        looks_like_token(&bare.access_token).then_some(bare)
    }
}

/// Whether an answer that brings nothing is a success.
pub(super) fn ensure_success(
    answer: &ApiResponse,
    secrets: &[&Secret],
) -> Result<(), TokenExchangeError> {
    let status = answer.status;
    if matches!(status, 200..=299) {
        return Ok(());
    }
    let (why, answer) = refusal_details(answer, secrets);
    Err(match status {
        400 | 401 | 403 => TokenExchangeError::Refused { status, why, response: answer },
        _ => TokenExchangeError::UnexpectedStatus { status, why, response: answer },
    })
}

/// What an answer to a refresh token that never was says of the client. Anything but OAuth's own two words leaves it open.
pub(super) fn parse_client_recognition(
    answer: &ApiResponse,
    secrets: &[&Secret],
) -> Result<ClientRecognition, TokenExchangeError> {
    let (why, kept) = refusal_details(answer, secrets);
    let said: Value =
        answer.body.text().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    match (answer.status, said["error"].as_str()) {
        (400 | 401 | 403, Some("invalid_client")) => Ok(ClientRecognition::Rejected(why)),
        (400 | 401 | 403, Some("invalid_grant")) => Ok(ClientRecognition::Recognized),
        (status, _) => Err(TokenExchangeError::UnexpectedStatus { status, why, response: kept }),
    }
}

/// Whether a text can be sent as a token in a header.
fn is_header_safe(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Whether a text that nobody called a token can be one: the characters of RFC 6750, and more than a word of them. A
/// page, a message or an "ok" is none.
fn looks_like_token(text: &str) -> bool {
    text.len() >= MIN_BARE_TOKEN_BYTES
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte))
}

fn parse_lifetime(value: &Value) -> Option<Duration> {
    parse_seconds(value).and_then(|seconds| u64::try_from(seconds).ok()).map(Duration::from_secs)
}

/// What a server said about its refusal, and its answer with nothing but that in the body.
fn refusal_details(answer: &ApiResponse, secrets: &[&Secret]) -> (String, Box<ApiResponse>) {
    let why = refusal_reason(&answer.body, secrets);
    let code = answer.body.text().and_then(|text| serde_json::from_str::<Value>(text).ok());
    let code = code
        .as_ref()
        .and_then(|body| body.pointer("/error"))
        .and_then(Value::as_str)
        .filter(|code| is_error_code(code));
    let body = json!({"error": code, "error_description": why}).to_string();
    let told =
        ApiResponse { size: body.len() as u64, body: ResponseBody::Text(body), ..answer.clone() };
    (why, Box::new(told))
}

/// Whether a text is one of the words by which OAuth names an error, such as `invalid_grant`.
fn is_error_code(text: &str) -> bool {
    text.len() <= 40 && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

/// What a server said about its refusal, on one line and without the secrets that were sent.
fn refusal_reason(body: &ResponseBody, secrets: &[&Secret]) -> String {
    let Some(said) = body.text() else { return "it gave no reason".to_owned() };
    let reason = serde_json::from_str(said).ok().and_then(|json| json_reason(&json));
    let line = text::sanitize_line(&reason.unwrap_or_else(|| said.to_owned()));
    let mut sent = SecretRedactor::default();
    for secret in secrets {
        sent.add_secret(secret);
    }
    // Secrets go before the line is cut: half a secret would not be found any more.
    sent.redact_known(line).chars().take(MAX_REASON_CHARS).collect()
}

/// The reason in the forms that OAuth, Snyk and Appcircle give it. An object that has none of them is withheld whole,
/// since what else is in it is not known.
fn json_reason(json: &Value) -> Option<String> {
    const PLACES: [&str; 6] = [
        "/error_description",
        "/message",
        "/errors/0/detail",
        "/errors/0/title",
        "/error/message",
        "/error",
    ];
    let found = PLACES.iter().find_map(|place| json.pointer(place).and_then(Value::as_str));
    let withheld = || json.is_object().then(|| "it gave no reason in a known form".to_owned());
    found.map(str::to_owned).or_else(withheld)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(body: &str, secret: &str) -> String {
        refusal_reason(
            &ResponseBody::Text(body.to_owned()),
            &[&Secret::from_text(secret.to_owned())],
        )
    }

    #[test]
    fn a_token_comes_in_an_object_in_a_string_or_bare() {
        for body in [
            r#"{"access_token":"abcdefgh.01234567"}"#,
            r#""abcdefgh.01234567""#,
            " abcdefgh.01234567\n",
        ] {
            let grant = TokenResponse::from_body(&ResponseBody::Text(body.to_owned())).unwrap();
            grant
                .into_access_token("Bearer")
                .secret
                .expose(|bytes| assert_eq!(bytes, b"abcdefgh.01234567", "{body}"));
        }
    }

    #[test]
    fn a_page_or_a_message_is_no_token() {
        let bare =
            ["<html></html>", "this is not a token at all", "", "{}", "[]", "null", "a\u{fffd}b"];
        let empty = [r#"{"access_token":""}"#, r#"{"access_token":"a b"}"#];
        for body in bare.into_iter().chain(empty) {
            assert!(
                TokenResponse::from_body(&ResponseBody::Text(body.to_owned())).is_none(),
                "{body}"
            );
        }
    }

    #[test]
    fn a_lifetime_is_a_number_however_it_is_written() {
        for body in [
            r#"{"access_token":"abcde","expires_in":3600}"#,
            r#"{"access_token":"abcde","expires_in":"3600"}"#,
        ] {
            let token = TokenResponse::from_body(&ResponseBody::Text(body.to_owned()))
                .unwrap()
                .into_access_token("Bearer");
            assert_eq!(token.expiries, [TokenExpiry::After(Duration::from_secs(3600))]);
        }
        assert_eq!(parse_lifetime(&Value::from(-1)), None);
    }

    #[test]
    fn a_refusal_is_told_without_the_secret() {
        assert_eq!(
            refused(
                r#"{"error":"invalid_client","error_description":"bad s3cr3t/=="}"#,
                "s3cr3t/=="
            ),
            "bad ‹secret›"
        );
        assert_eq!(refused("pat=s3cr3t%2F%3D%3D is wrong", "s3cr3t/=="), "pat=‹secret› is wrong");
        assert_eq!(refused(r#"{"token":"whatever"}"#, "x"), "it gave no reason in a known form");
        let long = format!("{}s3cr3t", "a ".repeat(148));
        assert!(!refused(&long, "s3cr3t").contains("s3"));
    }
}
