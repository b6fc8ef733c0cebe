//! Request with its options, and the exchange that it becomes.
//!
//! Start with [`RequestOptions`] and [`HttpExchange`].

use std::sync::Arc;
use std::time::Duration;

use super::download::SavedBody;
use super::history::HistoryPolicy;
use crate::domain::diagnosis::refusal::RefusalDiagnosis;
use crate::domain::request::RequestDraft;
use crate::domain::response::ApiResponse;
use crate::domain::{Credential, CredentialId, Problem, Secret};

/// Whether the user agreed to a request that changes something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteConsent {
    /// The user was not asked: only read-only methods may be sent.
    NotAsked,
    /// The user saw target, region and credential, and agreed.
    Given,
}

/// Deadline and repetitions of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DeliveryOptions {
    /// Maximum time for everything: access token, waits, attempts and response. Without one, each
    /// attempt has the timeout of the settings.
    pub timeout: Option<Duration>,
    /// How often the request is sent again where this cannot take effect twice. Without a number,
    /// only a read-only request is sent again, and only after a refusal by the rate limit.
    pub retries: Option<u32>,
}

/// Wait before a request is sent, or sent again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitNotice {
    /// How long.
    pub wait: Duration,
    /// Why.
    pub reason: WaitReason,
}

/// Why a request waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WaitReason {
    /// The provider limits the rate.
    RateLimit,
    /// The last attempt failed for this reason.
    Retry(String),
}

/// Function that is called before a wait.
pub(in crate::engine) type WaitCallback<'a> = &'a (dyn Fn(WaitNotice) + Sync);

/// Request to send, with its options.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestOptions {
    /// The request.
    pub draft: RequestDraft,
    /// Whether the user agreed to a method that changes something.
    pub consent: WriteConsent,
    /// What the history records.
    pub history_policy: HistoryPolicy,
    /// Deadline and repetitions.
    pub delivery: DeliveryOptions,
}

/// Request and its response.
#[derive(Debug, Clone)]
pub struct HttpExchange {
    /// The credential that it was sent with.
    pub credential: CredentialId,
    /// The region.
    pub region: String,
    /// The request.
    pub draft: RequestDraft,
    /// The response.
    pub response: ApiResponse,
    /// What the status means here, if there is something to explain.
    pub explanation: Option<Problem>,
    /// Possible causes of a refusal.
    pub refusal: Option<RefusalDiagnosis>,
    /// How many requests are left: `37 of 1,620 left, resets in 12 s`.
    pub rate_limit: Option<String>,
    /// Secrets that the provider has just created. The response has placeholders in their place.
    pub captured: Vec<CapturedSecret>,
    /// The file that the body was written to; the response then has no body.
    pub saved_body: Option<SavedBody>,
}

/// Secret that was taken out of a response.
#[derive(Clone)]
pub struct CapturedSecret {
    /// The JSON member that held it.
    pub member: String,
    /// The secret.
    pub secret: Arc<Secret>,
    /// The credential as which it is already stored, under an automatic name.
    pub stored: Option<Box<Credential>>,
}

impl CapturedSecret {
    /// Creates a secret that is not stored yet.
    pub(super) fn new(member: String, secret: Secret) -> Self {
        Self { member, secret: Arc::new(secret), stored: None }
    }
}

impl std::fmt::Debug for CapturedSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CapturedSecret").field("member", &self.member).finish_non_exhaustive()
    }
}
