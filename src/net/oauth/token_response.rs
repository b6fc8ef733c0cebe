//! Responses of token endpoints.
//!
//! Start reading at [`TokenResponse::parse`]. Sending the requests belongs to `exchange` and
//! `oauth`.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::exchange::{AccessToken, TokenExchangeError, TokenExpiry};
use crate::domain::identify::token_claims::{TokenClaims, parse_seconds};
use crate::domain::redact::{MIN_SECRET_BYTES, SecretRedactor};
use crate::domain::response::{ApiResponse, ResponseBody, error_message};
use crate::domain::{Secret, text};
use crate::net::oauth::grants::{ClientRecognition, RefreshToken};

/// Maximum length of an error text from a body that is not JSON, in characters.
const MAX_REASON_CHARS: usize = 300;

/// Minimum length of a body that is a bare token, in bytes.
const MIN_BARE_TOKEN_BYTES: usize = 16;

/// Members of a token response that this program uses.
#[derive(Deserialize)]
pub(in crate::net) struct TokenResponse {
    access_token: String,
    #[serde(default)]
    expires_in: Value,
    #[serde(default)]
    refresh_token: Option<String>,
    #[serde(default)]
    refresh_expires_in: Value,
}

impl TokenResponse {
    /// Parses a response. The error contains none of the sent `secrets`, even if the server echoes
    /// them.
    pub(in crate::net) fn parse(
        response: &ApiResponse,
        secrets: &[&Secret],
    ) -> Result<Self, TokenExchangeError> {
        ensure_success(response, secrets)?;
        Self::from_body(&response.body)
            .ok_or(TokenExchangeError::NoToken { status: response.status })
    }

    /// Takes the next refresh token out of the response.
    pub(in crate::net) fn take_refresh_token(&mut self) -> Option<RefreshToken> {
        let token = self.refresh_token.take().filter(|token| !token.is_empty())?;
        Some(RefreshToken {
            secret: Secret::from_text(token),
            lifetime: parse_lifetime(&self.refresh_expires_in),
        })
    }

    /// Returns the access token.
    pub(in crate::net) fn into_access_token(self, scheme: &str) -> AccessToken {
        let secret = Secret::from_text(self.access_token);
        let claims = TokenClaims::from_jwt(&secret);
        let expiries = claims
            .timestamp("exp")
            .map(TokenExpiry::At)
            .into_iter()
            .chain(parse_lifetime(&self.expires_in).map(TokenExpiry::After))
            .collect();
        AccessToken {
            secret: std::sync::Arc::new(secret),
            scheme: scheme.to_owned(),
            expiries,
            claims,
        }
    }

    /// Parses a JSON object, or a bare token as a JSON string or as plain text.
    fn from_body(body: &ResponseBody) -> Option<Self> {
        let text = body.text()?;
        let text = text.trim();
        let whole = || {
            serde_json::from_str(text).ok().filter(|parsed: &Self| {
                is_header_safe(&parsed.access_token)
                    && parsed.access_token.len() >= MIN_SECRET_BYTES
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

/// Returns `Ok` if the status is a success, for responses whose body does not matter.
pub(in crate::net) fn ensure_success(
    response: &ApiResponse,
    secrets: &[&Secret],
) -> Result<(), TokenExchangeError> {
    let status = response.status;
    if matches!(status, 200..=299) {
        return Ok(());
    }
    let (why, response) = refusal_details(response, secrets);
    Err(match status {
        400 | 401 | 403 => TokenExchangeError::Refused { status, why, response },
        _ => TokenExchangeError::UnexpectedStatus { status, why, response },
    })
}

/// Parses the response to an invalid refresh token for what it says about the client. Any error
/// code but OAuth's two leaves the question open.
pub(in crate::net) fn parse_client_recognition(
    response: &ApiResponse,
    secrets: &[&Secret],
) -> Result<ClientRecognition, TokenExchangeError> {
    let (why, redacted) = refusal_details(response, secrets);
    let body: Value =
        response.body.text().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    match (response.status, body["error"].as_str()) {
        (400 | 401 | 403, Some("invalid_client")) => Ok(ClientRecognition::Rejected(why)),
        (400 | 401 | 403, Some("invalid_grant")) => Ok(ClientRecognition::Recognized),
        (status, _) => {
            Err(TokenExchangeError::UnexpectedStatus { status, why, response: redacted })
        }
    }
}

/// Whether a text can be sent as a token in a header.
fn is_header_safe(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Whether an unlabeled text looks like a token: only characters of RFC 6750, and more than a word.
/// Web pages, messages and "ok" do not.
fn looks_like_token(text: &str) -> bool {
    text.len() >= MIN_BARE_TOKEN_BYTES
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte))
}

fn parse_lifetime(value: &Value) -> Option<Duration> {
    parse_seconds(value).and_then(|seconds| u64::try_from(seconds).ok()).map(Duration::from_secs)
}

/// Returns the server's reason for a refusal, and its response with only the reason in the body.
fn refusal_details(response: &ApiResponse, secrets: &[&Secret]) -> (String, Box<ApiResponse>) {
    let why = refusal_reason(&response.body, secrets);
    let code = response.body.text().and_then(|text| serde_json::from_str::<Value>(&text).ok());
    let code = code
        .as_ref()
        .and_then(|body| body.pointer("/error"))
        .and_then(Value::as_str)
        .filter(|code| is_error_code(code));
    let body = json!({"error": code, "error_description": why}).to_string();
    let redacted =
        ApiResponse { size: body.len() as u64, body: ResponseBody::from(body), ..response.clone() };
    (why, Box::new(redacted))
}

/// Whether a text is an OAuth error code, such as `invalid_grant`.
fn is_error_code(text: &str) -> bool {
    text.len() <= 40 && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

/// Returns the server's reason for a refusal, on one line and without the sent secrets.
fn refusal_reason(body: &ResponseBody, secrets: &[&Secret]) -> String {
    let Some(text) = body.text() else { return "no reason given".to_owned() };
    let reason = serde_json::from_str(&text).ok().and_then(|json| json_reason(&json));
    let line = text::sanitize_line(&reason.unwrap_or_else(|| text.into_owned()));
    let mut redactor = SecretRedactor::default();
    for secret in secrets {
        redactor.add_secret(secret);
    }
    // Redact secrets before truncating: a truncated secret would not be found.
    redactor.redact_known(line).chars().take(MAX_REASON_CHARS).collect()
}

/// Returns the reason in one of the usual forms. An object in any other form is withheld completely,
/// because its contents are unknown.
fn json_reason(json: &Value) -> Option<String> {
    let withheld = || json.is_object().then(|| "no reason in a known format".to_owned());
    error_message(json).map(str::to_owned).or_else(withheld)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(body: &str, secret: &str) -> String {
        refusal_reason(
            &ResponseBody::from(body.to_owned()),
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
            let grant = TokenResponse::from_body(&ResponseBody::from(body.to_owned())).unwrap();
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
                TokenResponse::from_body(&ResponseBody::from(body.to_owned())).is_none(),
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
            let token = TokenResponse::from_body(&ResponseBody::from(body.to_owned()))
                .unwrap()
                .into_access_token("Bearer");
            assert_eq!(token.expiries, [TokenExpiry::After(Duration::from_secs(3600))]);
        }
        assert_eq!(parse_lifetime(&Value::from(-1)), None);
    }

    #[test]
    fn a_refusal_is_reported_without_the_secret() {
        assert_eq!(
            refused(
                r#"{"error":"invalid_client","error_description":"bad s3cr3t/=="}"#,
                "s3cr3t/=="
            ),
            "bad ‹secret›"
        );
        assert_eq!(refused("pat=s3cr3t%2F%3D%3D is wrong", "s3cr3t/=="), "pat=‹secret› is wrong");
        assert_eq!(refused(r#"{"token":"whatever"}"#, "x"), "no reason in a known format");
        let long = format!("{}s3cr3t", "a ".repeat(148));
        assert!(!refused(&long, "s3cr3t").contains("s3"));
    }
}
