//! Redaction of responses: removes secrets that a provider has just created, and known secrets that
//! it sends back.
//!
//! New secrets are captured first, whole; then every known secret is masked, in whatever encoding,
//! and so is everything that looks like a secret. The rest may be drawn, stored, filtered and
//! copied. Start with `RawResponse::redact_and_capture`.

use std::sync::Arc;

use super::access_tokens::sends_secret_verbatim;
use super::http_exchange::CapturedSecret;
use crate::domain::credential::SecretPart;
use crate::domain::redact::{MASK, MemberStream, SecretRedactor};
use crate::domain::response::{ApiResponse, ResponseBody};
use crate::domain::{Credential, Problem, Secret};
use crate::engine::ports::task_panicked;
use crate::engine::requests::RequestService;

/// Responses above this size are searched on another thread, so that no other task waits.
const OFFLOAD_THRESHOLD_BYTES: u64 = 256 * 1024;

/// Header whose value grants access, whatever it looks like.
const SET_COOKIE: &str = "set-cookie";

/// Response to a request as it came, and what authorized the request.
pub(in crate::engine) struct RawResponse {
    /// The response as it came.
    pub(in crate::engine) response: ApiResponse,
    /// The secret or access token that was sent.
    pub(in crate::engine) sent_secret: Arc<Secret>,
    /// The schemes that were tried, in order.
    pub(in crate::engine) attempted_schemes: Vec<String>,
}

/// Known secrets of a credential while one of its requests is in flight.
pub(in crate::engine) struct KnownSecrets {
    /// Redactor that knows all of them.
    pub(in crate::engine) redactor: SecretRedactor,
    /// The secret that is sent, if it is sent exactly as it is stored.
    pub(in crate::engine) sent_secret: Option<Arc<Secret>>,
}

/// Response that may be shown.
pub(in crate::engine) struct RedactedResponse {
    /// The response without secrets.
    pub(in crate::engine) response: ApiResponse,
    /// The new secrets that it contained.
    pub(in crate::engine) captured: Vec<CapturedSecret>,
}

impl RawResponse {
    /// Returns the response without the secret that was sent and without anything that looks like a
    /// secret.
    pub(in crate::engine) fn redacted(self) -> ApiResponse {
        let mut redactor = SecretRedactor::default();
        redactor.add_secret(&self.sent_secret);
        redact_response(self.response, &redactor)
    }

    /// Returns the response without secrets, and the new secrets. `members` are the JSON members in
    /// which the provider sends new secrets.
    pub(in crate::engine) async fn redact_and_capture(
        self,
        mut redactor: SecretRedactor,
        members: &[String],
    ) -> Result<RedactedResponse, Problem> {
        redactor.add_secret(&self.sent_secret);
        redact_large_response(self.response, redactor, members).await
    }
}

/// Returns a response without secrets, and the new secrets; a large one is searched on another
/// thread.
pub(super) async fn redact_large_response(
    response: ApiResponse,
    redactor: SecretRedactor,
    members: &[String],
) -> Result<RedactedResponse, Problem> {
    if response.size <= OFFLOAD_THRESHOLD_BYTES {
        return Ok(redact_and_capture(response, &redactor, members));
    }
    let members = members.to_vec();
    tokio::task::spawn_blocking(move || redact_and_capture(response, &redactor, &members))
        .await
        .map_err(|_| task_panicked())
}

impl RequestService {
    /// Builds a redactor that knows the credential's secret and all its further parts.
    pub(in crate::engine) async fn redactor_for(
        &self,
        credential: &Credential,
    ) -> Result<SecretRedactor, Problem> {
        Ok(self.known_secrets(credential).await?.redactor)
    }

    /// Like `redactor_for`, and also returns the secret that is sent, so that it is read only once.
    pub(in crate::engine) async fn known_secrets(
        &self,
        credential: &Credential,
    ) -> Result<KnownSecrets, Problem> {
        let kind = self.catalog.kind(&credential.provider, &credential.kind)?;
        let named = kind.parts.iter().map(|part| SecretPart::Named(part.id.clone()));
        let is_sent = sends_secret_verbatim(kind, credential);
        let mut known = KnownSecrets { redactor: SecretRedactor::default(), sent_secret: None };
        for part in std::iter::once(SecretPart::Secret).chain(named) {
            let Some(secret) = self.secrets.load_stored_secret(credential, &part).await? else {
                continue;
            };
            known.redactor.add_secret(&secret);
            if is_sent && part == SecretPart::Secret {
                known.sent_secret = Some(Arc::new(secret));
            }
        }
        Ok(known)
    }
}

fn redact_and_capture(
    mut response: ApiResponse,
    redactor: &SecretRedactor,
    members: &[String],
) -> RedactedResponse {
    let captured = capture_secrets(&mut response, members);
    RedactedResponse { response: redact_response(response, redactor), captured }
}

fn capture_secrets(response: &mut ApiResponse, members: &[String]) -> Vec<CapturedSecret> {
    let body = &response.body;
    let order = body.wide_order();
    let is_readable =
        order.is_some() || body.is_text() || std::str::from_utf8(body.as_bytes()).is_ok();
    if !is_readable {
        return Vec::new();
    }
    let mut stream = MemberStream::new(members.to_vec(), order);
    let mut bytes = stream.push(body.as_bytes());
    let (rest, secrets) = stream.finish();
    if !secrets.is_empty() {
        bytes.extend(rest);
        response.body = body.with_bytes(bytes);
    }
    secrets.into_iter().map(|(member, secret)| CapturedSecret::new(member, secret)).collect()
}

fn redact_response(response: ApiResponse, redactor: &SecretRedactor) -> ApiResponse {
    let header = |(name, value): (String, String)| {
        let value = if name == SET_COOKIE { MASK.to_owned() } else { redactor.redact(&value) };
        (name, value)
    };
    ApiResponse {
        headers: response.headers.into_iter().map(header).collect(),
        body: redact_body(response.body, redactor),
        url: redactor.redact(&response.url),
        ..response
    }
}

/// Masks the secrets in a body. All other bytes stay as they are.
fn redact_body(body: ResponseBody, redactor: &SecretRedactor) -> ResponseBody {
    let form = body.with_bytes(Vec::new());
    form.with_bytes(redactor.redact_bytes(body.into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CANARY: &str = "canary-4711-canary";

    fn response(body: ResponseBody) -> ApiResponse {
        ApiResponse {
            status: 201,
            headers: vec![
                ("x-echo".to_owned(), format!("token {CANARY}")),
                ("set-cookie".to_owned(), "sid=1".to_owned()),
            ],
            body,
            size: 10,
            url: format!("https://h.example/?k={CANARY}"),
            ..ApiResponse::default()
        }
    }

    async fn withheld(body: ResponseBody) -> RedactedResponse {
        let raw = RawResponse {
            response: response(body),
            sent_secret: Arc::new(Secret::from_text(CANARY.to_owned())),
            attempted_schemes: Vec::new(),
        };
        let members = ["client_secret".to_owned()];
        raw.redact_and_capture(SecretRedactor::default(), &members).await.unwrap()
    }

    #[tokio::test]
    async fn a_fresh_secret_is_taken_out_whole_and_a_known_one_is_masked() {
        let body = format!(r#"{{"client_secret":"snyk_cs_a^b_v1","echo":"{CANARY}","n":1.50}}"#);
        let RedactedResponse { response, captured } = withheld(ResponseBody::from(body)).await;
        let masked = format!(r#"{{"client_secret":"{MASK}","echo":"{MASK}","n":1.50}}"#);
        assert_eq!(response.body.text().as_deref(), Some(masked.as_str()));
        assert_eq!((captured.len(), captured[0].member.as_str()), (1, "client_secret"));
        captured[0].secret.expose(|bytes| assert_eq!(bytes, b"snyk_cs_a^b_v1"));
        assert!(
            !format!("{response:?} {captured:?}").contains(CANARY)
                && !format!("{captured:?}").contains("snyk_cs_a")
        );
        assert_eq!(response.header("set-cookie"), Some(MASK));
    }

    #[tokio::test]
    async fn bytes_are_searched_too_and_all_others_stay() {
        let binary = |bytes: Vec<u8>| ResponseBody::new(bytes, Some("application/octet-stream"));
        let harmless = binary(vec![0xff, 0, 1]);
        assert_eq!(withheld(harmless.clone()).await.response.body, harmless);
        let around = |secret: &str| binary([b"\xff\x00\r\n", secret.as_bytes(), b"\x9b"].concat());
        assert_eq!(withheld(around(CANARY)).await.response.body, around(MASK));
    }

    #[tokio::test]
    async fn a_fresh_secret_is_taken_out_in_any_charset() {
        for charset in ["utf-8", "utf-16le", "utf-16be", "windows-1252", "none"] {
            let encode = |text: &str| -> Vec<u8> {
                let units = text.encode_utf16();
                match charset {
                    "utf-16le" | "none" => units.flat_map(u16::to_le_bytes).collect(),
                    "utf-16be" => units.flat_map(u16::to_be_bytes).collect(),
                    _ => text.replace('é', if charset == "utf-8" { "é" } else { "e" }).into_bytes(),
                }
            };
            let body = |secret: &str| {
                let json =
                    format!("{{\r\n\"client_secret\" : \"{secret}\", \"a\": \"é {CANARY}\"}}");
                let json = if secret == MASK { json.replace(CANARY, MASK) } else { json };
                let typed = format!("application/json; charset={charset}");
                let content_type =
                    if charset == "none" { "application/octet-stream" } else { &typed };
                ResponseBody::new(encode(&json), Some(content_type))
            };
            let RedactedResponse { response, captured } = withheld(body("snyk_cs_a^b_v1")).await;
            assert_eq!(response.body, body(MASK), "{charset}");
            assert_eq!(captured.len(), 1);
            captured[0].secret.expose(|bytes| assert_eq!(bytes, b"snyk_cs_a^b_v1"));
        }
    }
}
