//! Requests to the providers: sending with a credential, access tokens, rate limits, pages, preview
//! and history.
//!
//! A request is sent by `execute`, whatever sends it: the console, a check, a probe or a step of a
//! rotation.

pub(in crate::engine) mod access_tokens;
pub(in crate::engine) mod download;
pub(in crate::engine) mod execute;
pub(in crate::engine) mod explain;
pub(in crate::engine) mod history;
pub(in crate::engine) mod http_exchange;
pub(in crate::engine) mod pagination;
mod partial_download;
pub(in crate::engine) mod pending_request;
pub(in crate::engine) mod preview;
pub(in crate::engine) mod rate_limiter;
pub(in crate::engine) mod record_outcome;
pub(in crate::engine) mod redact_response;
mod request_body;
mod retry;
pub(in crate::engine) mod send;
pub(in crate::engine) mod service;
pub(in crate::engine) mod tasks;
