//! What an answer must not show: secrets that a provider has just made, and known ones that it sends back.
//!
//! Fresh secrets come out first, whole; then every known secret is masked, in whatever encoding, together with all
//! that looks like one. What is left may be drawn, kept, filtered and copied.

use std::sync::Arc;

use super::Engine;
use super::authorize::sent_as_it_is;
use super::keyring::broken_task;
use super::message::Minted;
use crate::domain::credential::{SecretPart, SecretSlot};
use crate::domain::redact::{MASK, SecretRedactor, members};
use crate::domain::response::{ApiResponse, ResponseBody};
use crate::domain::{Credential, Problem, Secret};
use crate::store::{ItemKey, StoreError};

/// Answers above this size are searched on another thread, so that nothing else waits for it.
const LARGE: u64 = 256 * 1024;

/// A header whose value lets somebody in, whatever it looks like.
const ENTRANCE: &str = "set-cookie";

/// An answer to a request, and what authorized it.
pub(super) struct Dispatched {
    /// The answer, as it came.
    pub(super) answer: ApiResponse,
    /// The secret or access token that went along.
    pub(super) sent: Arc<Secret>,
    /// The schemes with which it went, in turn.
    pub(super) schemes: Vec<String>,
}

/// What is known of a credential's secrets while a request of it is under way.
pub(super) struct Known {
    /// All of them, to be taken out of what comes back.
    pub(super) redactor: SecretRedactor,
    /// The one that is sent, where it is sent as it lies in the store.
    pub(super) sent: Option<Arc<Secret>>,
}

/// An answer that may be shown.
pub(super) struct Withheld {
    /// The answer without secrets.
    pub(super) answer: ApiResponse,
    /// The fresh secrets that were in it.
    pub(super) minted: Vec<Minted>,
}

impl Dispatched {
    /// The answer without the secret that went along and without anything that looks like one.
    pub(super) fn redacted(self) -> ApiResponse {
        let mut redactor = SecretRedactor::default();
        redactor.add_secret(&self.sent);
        clean(self.answer, &redactor)
    }

    /// The answer without anything secret. `members` are the names under which the provider sends fresh secrets.
    pub(super) async fn withheld(self, mut redactor: SecretRedactor, members: &[String]) -> Result<Withheld, Problem> {
        redactor.add_secret(&self.sent);
        if self.answer.size <= LARGE {
            return Ok(withhold(self.answer, &redactor, members));
        }
        let members = members.to_vec();
        tokio::task::spawn_blocking(move || withhold(self.answer, &redactor, &members)).await.map_err(|_| broken_task())
    }
}

impl Engine {
    /// Knows a credential's secret and all its further parts.
    pub(super) async fn redactor(&self, credential: &Credential) -> Result<SecretRedactor, Problem> {
        Ok(self.known(credential).await?.redactor)
    }

    /// The same, and the secret that is sent, which is then read once and not twice.
    pub(super) async fn known(&self, credential: &Credential) -> Result<Known, Problem> {
        let kind = self.catalogue.kind(&credential.provider, &credential.kind)?;
        let named = kind.parts.iter().map(|part| SecretPart::Named(part.id.clone()));
        let is_sent = sent_as_it_is(kind, credential);
        let mut known = Known { redactor: SecretRedactor::default(), sent: None };
        for part in std::iter::once(SecretPart::Secret).chain(named) {
            match self.store.get(&ItemKey::for_part(&credential.id, SecretSlot::Current, &part)).await {
                Ok(secret) => {
                    known.redactor.add_secret(&secret);
                    if is_sent && part == SecretPart::Secret {
                        known.sent = Some(Arc::new(secret));
                    }
                }
                Err(StoreError::NotFound) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(known)
    }
}

fn withhold(mut answer: ApiResponse, redactor: &SecretRedactor, members: &[String]) -> Withheld {
    let minted = take_minted(&mut answer, members);
    Withheld { answer: clean(answer, redactor), minted }
}

fn take_minted(answer: &mut ApiResponse, members: &[String]) -> Vec<Minted> {
    let ResponseBody::Text(text) = &mut answer.body else { return Vec::new() };
    let captured = members::capture_secrets(text, members);
    *text = captured.text;
    captured.secrets.into_iter().map(|(member, secret)| Minted { member, secret: Arc::new(secret), kept: None }).collect()
}

fn clean(answer: ApiResponse, redactor: &SecretRedactor) -> ApiResponse {
    let header = |(name, value): (String, String)| {
        let value = if name == ENTRANCE { MASK.to_owned() } else { redactor.redact(&value) };
        (name, value)
    };
    ApiResponse {
        headers: answer.headers.into_iter().map(header).collect(),
        body: clean_body(answer.body, redactor),
        url: redactor.redact(&answer.url),
        ..answer
    }
}

/// Bytes in which a known secret lies are shown as the text they hold, without it.
fn clean_body(body: ResponseBody, redactor: &SecretRedactor) -> ResponseBody {
    match body {
        ResponseBody::Empty => ResponseBody::Empty,
        ResponseBody::Text(text) => ResponseBody::Text(redactor.redact(&text)),
        ResponseBody::Binary(bytes) => {
            let text = String::from_utf8_lossy(&bytes);
            let masked = redactor.redact(&text);
            if masked == text { ResponseBody::Binary(bytes) } else { ResponseBody::Text(crate::domain::text::sanitize(&masked)) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::response::RequestTiming;

    const CANARY: &str = "canary-4711-canary";

    fn answer(body: ResponseBody) -> ApiResponse {
        ApiResponse {
            status: 201,
            headers: vec![("x-echo".to_owned(), format!("token {CANARY}")), ("set-cookie".to_owned(), "sid=1".to_owned())],
            body,
            timing: RequestTiming::default(),
            size: 10,
            truncated: false,
            url: format!("https://h.example/?k={CANARY}"),
            version: String::new(),
        }
    }

    async fn withheld(body: ResponseBody) -> Withheld {
        let dispatched =
            Dispatched { answer: answer(body), sent: Arc::new(Secret::from_text(CANARY.to_owned())), schemes: Vec::new() };
        let members = ["client_secret".to_owned()];
        dispatched.withheld(SecretRedactor::default(), &members).await.unwrap()
    }

    #[tokio::test]
    async fn a_fresh_secret_is_taken_out_whole_and_a_known_one_is_masked() {
        let body = format!(r#"{{"client_secret":"snyk_cs_a^b_v1","echo":"{CANARY}","n":1.50}}"#);
        let Withheld { answer, minted } = withheld(ResponseBody::Text(body)).await;
        assert_eq!(answer.body.text(), Some(format!(r#"{{"client_secret":"{MASK}","echo":"{MASK}","n":1.50}}"#).as_str()));
        assert_eq!((minted.len(), minted[0].member.as_str()), (1, "client_secret"));
        minted[0].secret.expose(|bytes| assert_eq!(bytes, b"snyk_cs_a^b_v1"));
        assert!(!format!("{answer:?} {minted:?}").contains(CANARY) && !format!("{minted:?}").contains("snyk_cs_a"));
        assert_eq!(answer.header("set-cookie"), Some(MASK));
    }

    #[tokio::test]
    async fn bytes_are_searched_too_and_stay_bytes_where_nothing_is_found() {
        let harmless = ResponseBody::Binary(vec![0xff, 0, 1]);
        assert_eq!(withheld(harmless.clone()).await.answer.body, harmless);
        let holding = [b"\xff\x00", CANARY.as_bytes()].concat();
        let shown = withheld(ResponseBody::Binary(holding)).await.answer.body;
        assert!(shown.text().is_some_and(|text| text.contains(MASK) && !text.contains(CANARY)), "{shown:?}");
    }
}
