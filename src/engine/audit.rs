//! Who did what: every deed that touches a secret is put on record, and the record can be checked.

use super::Engine;
use crate::domain::Problem;
use crate::index::{AuditEntry, AuditIntegrity, AuditRecord};

/// Something that was done, for the record. No part of it is secret.
pub(super) struct AuditEvent {
    action: &'static str,
    outcome: &'static str,
    name: Option<String>,
    reason: String,
}

impl AuditEvent {
    /// What was done, in one word, and how it ended.
    pub(super) fn new(action: &'static str, outcome: &'static str) -> Self {
        Self { action, outcome, name: None, reason: String::new() }
    }

    /// To the credential of this name.
    pub(super) fn for_credential(self, name: &str) -> Self {
        Self { name: Some(name.to_owned()), ..self }
    }

    /// For this reason, or with this remark.
    pub(super) fn with_reason(self, reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), ..self }
    }
}

impl Engine {
    /// Puts a deed on record.
    pub(super) async fn record_audit_event(&self, deed: AuditEvent) -> Result<(), Problem> {
        let AuditEvent { action, outcome, name, reason } = deed;
        let entry = AuditEntry {
            at: self.now(),
            actor: audit_actor(),
            action: action.to_owned(),
            name,
            outcome: outcome.to_owned(),
            reason,
        };
        self.with_database(move |index| index.append_audit(&entry)).await?;
        Ok(())
    }

    /// The newest lines of the record, newest first.
    pub async fn audit_records(&self, limit: usize) -> Result<Vec<AuditRecord>, Problem> {
        self.with_database(move |index| index.audit(limit)).await
    }

    /// Whether the record is as it was written.
    pub async fn verify_audit(&self) -> Result<AuditIntegrity, Problem> {
        self.with_database(crate::index::Database::verify_audit).await
    }
}

/// The user of the operating system. The number cannot be changed by setting a variable, the name can.
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
