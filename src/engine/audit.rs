//! Audit log: every operation that touches a secret is recorded, and the log can be verified.
//!
//! Other modules build an [`AuditEvent`] and call [`AuditService::record`]; the hash chain itself is
//! in `index`, and its anchor in the store in `audit_anchor`.

use std::sync::Arc;

use super::Clock;
use super::database_handle::DatabaseHandle;
use super::ports::SharedPorts;
use crate::database::{AuditEntry, AuditRecord};
use crate::domain::Problem;
use crate::engine::fingerprints::FingerprintService;
use crate::engine::locks::CredentialLocks;
use crate::store::{SecretStore, TrackedStore};

/// Audit event to record. No field is secret.
pub(super) struct AuditEvent {
    action: &'static str,
    outcome: &'static str,
    name: Option<String>,
    reason: String,
}

impl AuditEvent {
    /// Creates an event from the action id and its outcome.
    pub(super) fn new(action: &'static str, outcome: &'static str) -> Self {
        Self { action, outcome, name: None, reason: String::new() }
    }

    /// Sets the name of the credential concerned.
    pub(super) fn for_credential(self, name: &str) -> Self {
        Self { name: Some(name.to_owned()), ..self }
    }

    /// Sets a reason or a remark.
    pub(super) fn with_reason(self, reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), ..self }
    }
}

/// The audit log and its anchor in the store.
pub struct AuditService {
    pub(super) database: DatabaseHandle,
    clock: Arc<dyn Clock>,
    pub(super) locks: Arc<CredentialLocks>,
    pub(super) store: Arc<dyn SecretStore>,
    /// The same store, with whether it is open.
    pub(super) tracked_store: Arc<TrackedStore>,
    pub(super) fingerprints: Arc<FingerprintService>,
}

impl AuditService {
    /// Creates the service.
    pub(super) fn new(ports: &SharedPorts, fingerprints: Arc<FingerprintService>) -> Self {
        Self {
            database: ports.database.clone(),
            clock: Arc::clone(&ports.clock),
            locks: Arc::clone(&ports.locks),
            store: Arc::clone(&ports.store),
            tracked_store: Arc::clone(&ports.tracked_store),
            fingerprints,
        }
    }

    /// Appends an event to the audit log, and anchors the log if the store is open.
    pub(super) async fn record(&self, event: AuditEvent) -> Result<(), Problem> {
        self.append(event).await?;
        self.anchor().await;
        Ok(())
    }

    /// Appends an event to the audit log without anchoring it.
    pub(super) async fn append(&self, event: AuditEvent) -> Result<(), Problem> {
        let entry = self.entry(event);
        self.database.run(move |index| index.append_audit(&entry)).await?;
        Ok(())
    }

    /// Appends many events at once, and anchors the log if the store is open.
    pub(super) async fn record_all(&self, events: Vec<AuditEvent>) -> Result<(), Problem> {
        let entries: Vec<_> = events.into_iter().map(|event| self.entry(event)).collect();
        self.database.run(move |index| index.append_audit_entries(&entries)).await?;
        self.anchor().await;
        Ok(())
    }

    fn entry(&self, event: AuditEvent) -> AuditEntry {
        let AuditEvent { action, outcome, name, reason } = event;
        AuditEntry {
            at: self.clock.now(),
            actor: audit_actor(),
            action: action.to_owned(),
            name,
            outcome: outcome.to_owned(),
            reason,
        }
    }

    /// Returns the newest `limit` records, newest first.
    pub async fn records(&self, limit: usize) -> Result<Vec<AuditRecord>, Problem> {
        self.database.run(move |index| index.audit(limit)).await
    }
}

/// Returns the user of the operating system. The user id cannot be changed by setting a variable;
/// the name can.
fn audit_actor() -> String {
    let name =
        ["USER", "LOGNAME", "USERNAME"].into_iter().find_map(|name| std::env::var(name).ok());
    let name = crate::domain::text::sanitize_line(&name.unwrap_or_default());
    match (user_number(), name.as_str()) {
        (Some(number), "") => format!("uid {number}"),
        (Some(number), name) => format!("{name} (uid {number})"),
        (None, "") => "unknown".to_owned(),
        (None, name) => name.to_owned(),
    }
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "other systems number their users in no such way")]
fn user_number() -> Option<u32> {
    Some(rustix::process::getuid().as_raw())
}

#[cfg(not(unix))]
fn user_number() -> Option<u32> {
    None
}
