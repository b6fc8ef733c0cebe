//! Request with its options, and the exchange that it becomes.
//!
//! Start with [`RequestOptions`] and [`HttpExchange`].

use std::sync::Arc;

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

/// Request to send, with its options.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestOptions {
    /// The request.
    pub draft: RequestDraft,
    /// Whether the user agreed to a method that changes something.
    pub consent: WriteConsent,
    /// What the history records.
    pub history_policy: HistoryPolicy,
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

impl std::fmt::Debug for CapturedSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CapturedSecret").field("member", &self.member).finish_non_exhaustive()
    }
}
