//! Domain logic: what tokenring knows and decides, without I/O, tasks, clock or screen.
//!
//! Everything here is a plain value or a pure function, so every behavior can be tested without a
//! terminal, a runtime or a sleep. The time is passed in as a [`Timestamp`], randomness as bytes.
//! Start at [`Credential`] for the data and at [`provider::ProviderCatalog`] for the providers; the
//! code that sends requests and writes files is in `crate::engine`.

pub mod calendar;
pub mod consumer;
pub mod credential;
pub mod credential_status;
pub mod curl;
pub mod diagnosis;
pub mod diff;
pub mod format;
pub mod http_method;
pub mod identify;
pub mod jq;
pub mod pagination;
pub mod passphrase;
pub mod problem;
pub mod provider;
pub mod rate_limit;
pub mod redact;
pub mod region;
pub mod request;
pub mod response;
pub mod response_body;
pub mod rotation;
pub mod secret;
pub mod store_kind;
pub mod strategy;
pub mod text;

pub use credential::{Credential, CredentialId, CredentialName};
pub use credential_status::CredentialStatus;
pub use problem::Problem;
pub use region::Origin;
pub use secret::Secret;
pub use store_kind::StoreKind;

/// Point in time, always in UTC.
pub type Timestamp = time::OffsetDateTime;
