//! Audit log: every operation that touches a secret is recorded, and the log can be verified.
//!
//! Other modules build an [`AuditEvent`] and call [`AuditService::record`]; the hash chain itself is
//! in `index`, and its anchor in the store.
//!
//! Anchor of the audit log in the secret store: how many entries the log had, and the hash of the
//! last one.
//!
//! The hash chain in the database detects an entry that was changed. Only a record outside of the
//! database detects that the end of the log was cut, that the log was emptied or rewritten, or that
//! the whole file was replaced. The anchor is written after the entry, so after a crash it may lag
//! behind the log: it has to be the head of a beginning of the log, not of the whole log. It only
//! moves forward along a log that contains the anchored entry; so new entries never hide that
//! others are missing.
//!
//! The anchor is written only while the store is open in this process anyway. Start with
//! [`AuditService::verify`] and `AuditService::anchor`.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Clock;
use super::ports::SharedPorts;
use crate::database::{
    AuditEntry, AuditHead, AuditIntegrity, AuditRecord, Database, DatabaseError,
};
use crate::domain::format::count_entries;
use crate::domain::{Problem, Secret};
use crate::engine::fingerprints::{FingerprintService, HmacKey};
use crate::engine::locks::CredentialLocks;
use crate::engine::ports::DatabaseHandle;
use crate::store::{CALL_TIMEOUT, ItemKey, SecretStore, StoreError, TrackedStore};
use crate::util::hex::to_hex;

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

/// Purpose of the key of the anchors, from which it is derived.
const ANCHOR_KEY_PURPOSE: &str = "tokenring audit anchor";

/// Name of the anchor in the list of a migration.
pub(super) const AUDIT_ANCHOR_ITEM: &str = "audit-anchor";

/// Version of the stored form.
const ANCHOR_FORMAT: u32 = 1;

/// Result of verifying the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditVerification {
    /// Result for the hash chain in the database.
    pub chain: AuditIntegrity,
    /// Result of the comparison with the anchor in the store; says nothing if the chain is broken.
    pub anchor: AnchorComparison,
}

/// How the audit log compares to its anchor in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnchorComparison {
    /// The log contains the anchored entry, which is the one with this number.
    Contained(u64),
    /// The store has no anchor of this log yet.
    NotAnchored,
    /// The store could not be read, so entries that are missing at the end are not detected.
    Unverified(StoreError),
    /// The log ends before the anchored entry.
    EntriesMissing {
        /// Number of entries in the log.
        found: u64,
        /// Number of entries when the log was anchored.
        anchored: u64,
    },
    /// The log has another entry in the place of the anchored one, which has this number.
    Replaced(u64),
    /// The anchor does not carry the MAC of this store's key.
    Invalid,
}

/// Anchor as the store holds it.
#[derive(Serialize, Deserialize)]
struct AnchorJson {
    format: u32,
    entries: u64,
    hash: String,
    mac: String,
}

/// Content of the anchor's item.
enum StoredAnchor {
    Valid(AuditHead),
    Missing,
    Invalid,
}

impl AuditVerification {
    /// Returns what is wrong with the log, if anything. A store that could not be read is not wrong.
    pub fn problem(&self) -> Option<Problem> {
        if let AuditIntegrity::Broken { at, why } = &self.chain {
            let what = format!("The audit log was modified at entry {at}");
            let remedy = "compare the log with a backup; any process that can write the index file may have modified it";
            return Some(Problem::new(what, *why, remedy));
        }
        let remedy = "compare the log with a backup; any process that can write the index file may have modified it. If you restored an older index file, run `tokenring audit --accept`";
        let (what, why) = match &self.anchor {
            AnchorComparison::Contained(_)
            | AnchorComparison::NotAnchored
            | AnchorComparison::Unverified(_) => return None,
            AnchorComparison::EntriesMissing { found, anchored } => (
                format!("Audit log: {} missing at the end", count_entries(anchored - found)),
                format!("the store recorded {}, the log has {found}", count_entries(*anchored)),
            ),
            AnchorComparison::Replaced(at) => (
                "The audit log was rewritten or replaced".to_owned(),
                format!("entry {at} is not the one that the store recorded"),
            ),
            AnchorComparison::Invalid => (
                "The record of the audit log in the store is not valid".to_owned(),
                "it was not made with the fingerprint key of this store".to_owned(),
            ),
        };
        Some(Problem::new(what, why, remedy))
    }
}

impl AnchorComparison {
    /// Returns the word for this result in JSON.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Contained(_) => "verified",
            Self::NotAnchored => "not-anchored",
            Self::Unverified(_) => "unverified",
            Self::EntriesMissing { .. } => "entries-missing",
            Self::Replaced(_) => "replaced",
            Self::Invalid => "invalid",
        }
    }
}

impl AuditService {
    /// Verifies the hash chain of the audit log, and compares the log with its anchor in the store.
    /// Neither opens the store nor writes to it.
    pub async fn verify(&self) -> Result<AuditVerification, Problem> {
        // Read before the log, so that an entry that is appended meanwhile comes after the anchor.
        let anchor = self.load_existing_anchor().await;
        self.database
            .run(move |database| {
                let chain = database.verify_audit()?;
                let anchor = match anchor {
                    Err(error) => AnchorComparison::Unverified(error),
                    Ok(stored) => compare_with_anchor(database, stored)?,
                };
                Ok(AuditVerification { chain, anchor })
            })
            .await
    }

    /// Accepts an audit log that does not continue the anchored one, for example after an older
    /// index file was restored: records the difference in the log, and anchors its present head.
    /// Fails if the hash chain is broken, because no anchor repairs that.
    pub async fn accept(&self) -> Result<(), Problem> {
        let found = self.verify().await?;
        if let AnchorComparison::Contained(_) = found.anchor
            && found.problem().is_none()
        {
            return Ok(());
        }
        if let (AuditIntegrity::Broken { .. }, Some(problem)) = (&found.chain, found.problem()) {
            return Err(problem);
        }
        if let AnchorComparison::Unverified(error) = found.anchor {
            return Err(error.into());
        }
        let reason = found.problem().map(|problem| format!("{}: {}", problem.what, problem.why));
        let event = AuditEvent::new("audit", "accepted").with_reason(reason.unwrap_or_default());
        self.append(event).await?;
        let _lock = self.locks.lock_audit_anchor().await?;
        let key = self.fingerprints.derive_key(ANCHOR_KEY_PURPOSE).await?;
        let head = self.database.run(Database::audit_head).await?;
        Ok(self.store.put(&self.anchor_item_key(), &encode_anchor(&key, &head)).await?)
    }

    /// Anchors the head of the audit log if the store is open in this process. A failure is logged
    /// only: the entry is recorded, and the next entry anchors the log.
    pub(super) async fn anchor(&self) {
        if !self.tracked_store.is_open() {
            return;
        }
        match tokio::time::timeout(CALL_TIMEOUT, self.advance_anchor()).await {
            Ok(Ok(())) => {}
            Ok(Err(problem)) => tracing::warn!(%problem, "the audit log was not anchored"),
            Err(_) => tracing::warn!("the audit log was not anchored: the store did not respond"),
        }
    }

    /// Returns the key of the anchor of this database.
    pub(super) fn anchor_item_key(&self) -> ItemKey {
        ItemKey::for_audit_anchor(&self.database.item_id())
    }

    async fn advance_anchor(&self) -> Result<(), Problem> {
        // Without the lock, an older head could replace a newer one, which is still a valid anchor.
        let lock = self.locks.lock_audit_anchor().await;
        if let Err(problem) = &lock {
            tracing::warn!(%problem, "the anchor of the audit log is written without a lock");
        }
        let item = self.anchor_item_key();
        let (key, stored) =
            tokio::join!(self.fingerprints.derive_key(ANCHOR_KEY_PURPOSE), self.store.get(&item));
        let key = key?;
        let anchored = match decode_anchor(&key, stored)? {
            StoredAnchor::Valid(head) => Some(head),
            StoredAnchor::Missing => None,
            StoredAnchor::Invalid => return Err(anchor_left_unchanged()),
        };
        let before = anchored.clone();
        let head =
            self.database.run(move |database| find_next_head(database, before.as_ref())).await?;
        match head {
            None => Err(anchor_left_unchanged()),
            Some(head) if anchored.as_ref() == Some(&head) => Ok(()),
            Some(head) => Ok(self.store.put(&item, &encode_anchor(&key, &head)).await?),
        }
    }

    async fn load_existing_anchor(&self) -> Result<StoredAnchor, StoreError> {
        let stored = match self.store.get(&self.anchor_item_key()).await {
            Err(StoreError::NotFound) => return Ok(StoredAnchor::Missing),
            stored => stored?,
        };
        match self.fingerprints.derive_existing_key(ANCHOR_KEY_PURPOSE).await {
            Ok(key) => decode_anchor(&key, Ok(stored)),
            // An anchor whose key is gone proves nothing.
            Err(StoreError::NotFound) => Ok(StoredAnchor::Invalid),
            Err(error) => Err(error),
        }
    }
}

/// Returns the head to anchor, or `None` if the log does not continue the anchored one.
fn find_next_head(
    database: &Database,
    anchored: Option<&AuditHead>,
) -> Result<Option<AuditHead>, DatabaseError> {
    let head = database.audit_head()?;
    for known in anchored.into_iter().chain([&head]) {
        if !database.contains_audit_head(known)? {
            return Ok(None);
        }
    }
    Ok(Some(head))
}

fn compare_with_anchor(
    database: &Database,
    stored: StoredAnchor,
) -> Result<AnchorComparison, DatabaseError> {
    let anchored = match stored {
        StoredAnchor::Valid(head) => head,
        StoredAnchor::Missing => return Ok(AnchorComparison::NotAnchored),
        StoredAnchor::Invalid => return Ok(AnchorComparison::Invalid),
    };
    let found = database.audit_head()?.entries;
    Ok(if database.contains_audit_head(&anchored)? {
        AnchorComparison::Contained(anchored.entries)
    } else if found < anchored.entries {
        AnchorComparison::EntriesMissing { found, anchored: anchored.entries }
    } else {
        AnchorComparison::Replaced(anchored.entries)
    })
}

fn encode_anchor(key: &HmacKey, head: &AuditHead) -> Secret {
    let AuditHead { entries, hash } = head;
    let mac = compute_anchor_mac(key, head);
    let anchor = AnchorJson { format: ANCHOR_FORMAT, entries: *entries, hash: hash.clone(), mac };
    Secret::from_text(serde_json::json!(anchor).to_string())
}

fn decode_anchor(
    key: &HmacKey,
    stored: Result<Secret, StoreError>,
) -> Result<StoredAnchor, StoreError> {
    let stored = match stored {
        Err(StoreError::NotFound) => return Ok(StoredAnchor::Missing),
        stored => stored?,
    };
    let Ok(anchor) = stored.expose(|json| serde_json::from_slice::<AnchorJson>(json)) else {
        return Ok(StoredAnchor::Invalid);
    };
    let head = AuditHead { entries: anchor.entries, hash: anchor.hash };
    let is_valid = anchor.format == ANCHOR_FORMAT && anchor.mac == compute_anchor_mac(key, &head);
    Ok(if is_valid { StoredAnchor::Valid(head) } else { StoredAnchor::Invalid })
}

/// Returns the MAC of an anchor: HMAC-SHA-256 over its format, the number of entries and the hash,
/// one on each line, in hexadecimal digits.
fn compute_anchor_mac(key: &HmacKey, head: &AuditHead) -> String {
    let AuditHead { entries, hash } = head;
    to_hex(&key.digest(format!("{ANCHOR_FORMAT}\n{entries}\n{hash}").as_bytes()))
}

fn anchor_left_unchanged() -> Problem {
    Problem::new(
        "The audit log does not continue the anchored one",
        "entries are missing, or the index file was replaced",
        "run `tokenring audit --verify`",
    )
}
