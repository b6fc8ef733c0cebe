//! Session of the encrypted file: the key of an unlocked vault, held for other processes of this
//! user.
//!
//! The key is the age identity, so that opening the vault costs no passphrase derivation; no secret
//! is held. Every request names the digest of the identity file as it is now: after a change of the
//! passphrase, or when another vault was restored, the key is not handed out. Start reading at
//! [`VaultSession`]; `agent` is the process, `agent_socket` its address and client, `kernel_keyring`
//! the holder without a process.
#![cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "only Linux has holders"))]

#[cfg(target_os = "linux")]
mod agent;
#[cfg(target_os = "linux")]
mod agent_socket;
#[cfg(target_os = "linux")]
mod kernel_keyring;

use std::path::{Path, PathBuf};
use std::time::Duration;

use age::secrecy::ExposeSecret;
use age::x25519;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::domain::Timestamp;
use crate::store::session::{SessionHolder, SessionLimits, SessionState, StoreSession};
use crate::store::{StoreError, private_files};
use crate::util::hex::to_hex;

/// Arguments of this program that make it an agent.
pub const AGENT_ARGUMENTS: [&str; 2] = ["store", "agent"];

/// Version of the messages between programs and holders. A holder of another version is not used.
const PROTOCOL_VERSION: u32 = 1;

/// Number of hexadecimal digits that tell the vaults of a user apart.
const VAULT_ID_DIGITS: usize = 16;

/// Sessions of the vault in one folder.
pub(super) struct VaultSession {
    folder: PathBuf,
}

/// Digest of an identity file. It changes with the passphrase and with the vault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct IdentityDigest(String);

/// Session with its key, as a holder stores and returns it.
#[derive(Serialize, Deserialize)]
struct SessionRecord {
    identity: IdentityDigest,
    /// Unix time of the start.
    since: i64,
    /// Unix time of the end.
    until: i64,
    idle_ms: u64,
    /// The age identity. Absent where only the session's times were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<String>,
}

/// What a holder returns: its version, and the session where there is one for the vault.
#[derive(Serialize, Deserialize)]
struct SessionMessage {
    protocol: u32,
    #[serde(default)]
    session: Option<SessionRecord>,
}

/// What a program asks of a holder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum SessionCall {
    /// Return the key.
    Open,
    /// Confirm that the session is still active. Counts as use.
    Renew,
    /// Return the times. Does not count as use.
    Describe,
    /// Forget the key and end.
    End,
}

impl IdentityDigest {
    /// Returns the digest of the identity file with these contents.
    pub(super) fn from_contents(contents: &[u8]) -> Self {
        Self(to_hex(&Sha256::digest(contents)))
    }
}

impl SessionRecord {
    fn new(identity: &IdentityDigest, key: &x25519::Identity, limits: SessionLimits) -> Self {
        let now = unix_now();
        let maximum = i64::try_from(limits.maximum.as_secs()).unwrap_or(i64::MAX);
        let idle = limits.idle.min(limits.maximum);
        Self {
            identity: identity.clone(),
            since: now,
            until: now.saturating_add(maximum),
            idle_ms: u64::try_from(idle.as_millis()).unwrap_or(u64::MAX),
            key: Some(key.to_string().expose_secret().to_owned()),
        }
    }

    fn idle(&self) -> Duration {
        Duration::from_millis(self.idle_ms)
    }

    /// Returns the key, and wipes the text of it.
    fn into_key(self) -> Option<x25519::Identity> {
        Zeroizing::new(self.key?).parse().ok()
    }

    fn describe(&self, holder: SessionHolder) -> Option<StoreSession> {
        Some(StoreSession {
            holder,
            since: Timestamp::from_unix_timestamp(self.since).ok()?,
            until: Timestamp::from_unix_timestamp(self.until).ok()?,
            idle: self.idle(),
        })
    }
}

impl SessionMessage {
    fn new(session: Option<SessionRecord>) -> Self {
        Self { protocol: PROTOCOL_VERSION, session }
    }

    /// Parses the message of a holder.
    fn parse(text: &[u8]) -> Result<Option<SessionRecord>, StoreError> {
        /// What every version of a message has.
        #[derive(Deserialize)]
        struct MessageVersion {
            protocol: u32,
        }
        let version = serde_json::from_slice::<MessageVersion>(text).map(|found| found.protocol);
        match (version, serde_json::from_slice::<Self>(text)) {
            (Ok(PROTOCOL_VERSION), Ok(message)) => Ok(message.session),
            _ => Err(StoreError::Session(
                "the store was unlocked by another version of tokenring".to_owned(),
            )),
        }
    }
}

impl VaultSession {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Returns the name of the vault among the vaults of this user. It is the same for every path
    /// that leads to the folder.
    fn vault_id(&self) -> String {
        vault_id(&self.folder)
    }
}

#[cfg(target_os = "linux")]
impl VaultSession {
    /// Returns the key that a holder has for the vault with this identity file. A holder that cannot
    /// be used is like none; [`Self::state`] tells why.
    pub(super) fn open(&self, identity: &IdentityDigest) -> Option<x25519::Identity> {
        self.ask(SessionCall::Open, identity)?.into_key()
    }

    /// Returns whether the session of the vault is still active. Counts as use.
    pub(super) fn renew(&self, identity: &IdentityDigest) -> bool {
        self.ask(SessionCall::Renew, identity).is_some()
    }

    /// Returns whether a session is active.
    pub(super) fn state(&self, identity: &IdentityDigest) -> SessionState {
        let (call, mut problem) = (SessionCall::Describe, None);
        for holder in SessionHolder::ALL {
            match self.ask_holder(holder, call, identity) {
                Ok(Some(record)) => {
                    return record
                        .describe(holder)
                        .map_or(SessionState::Inactive, SessionState::Active);
                }
                Ok(None) => {}
                Err(error) => problem = problem.or(Some(error)),
            }
        }
        problem.map_or(SessionState::Inactive, SessionState::Unusable)
    }

    /// Starts a session in place of one that is active.
    pub(super) fn start(
        &self,
        identity: &IdentityDigest,
        key: &x25519::Identity,
        holder: SessionHolder,
        limits: SessionLimits,
    ) -> Result<StoreSession, StoreError> {
        self.end()?;
        let record = SessionRecord::new(identity, key, limits);
        let session = record
            .describe(holder)
            .ok_or_else(|| StoreError::Session("the clock of this machine is wrong".to_owned()))?;
        match holder {
            SessionHolder::Agent => agent::start(&self.vault_id(), record, limits.maximum)?,
            SessionHolder::KernelKeyring => {
                kernel_keyring::start(&self.folder, &self.vault_id(), record)?;
            }
        }
        Ok(session)
    }

    /// Ends the session, and returns whether there was one.
    pub(super) fn end(&self) -> Result<bool, StoreError> {
        let agent = agent_socket::end(&self.vault_id());
        let kernel = kernel_keyring::end(&self.folder, &self.vault_id())?;
        Ok(agent? | kernel)
    }

    fn ask(&self, call: SessionCall, identity: &IdentityDigest) -> Option<SessionRecord> {
        SessionHolder::ALL
            .into_iter()
            .find_map(|holder| self.ask_holder(holder, call, identity).ok().flatten())
    }

    fn ask_holder(
        &self,
        holder: SessionHolder,
        call: SessionCall,
        identity: &IdentityDigest,
    ) -> Result<Option<SessionRecord>, StoreError> {
        match holder {
            SessionHolder::Agent => agent_socket::ask(&self.vault_id(), call, identity),
            SessionHolder::KernelKeyring => {
                kernel_keyring::find(&self.folder, &self.vault_id(), call, identity)
            }
        }
    }
}

/// Sessions need an operating system that tells the user of a connection and can be trusted to do
/// so; only Linux was tried.
#[cfg(not(target_os = "linux"))]
impl VaultSession {
    pub(super) fn open(&self, _identity: &IdentityDigest) -> Option<x25519::Identity> {
        None
    }

    pub(super) fn renew(&self, _identity: &IdentityDigest) -> bool {
        false
    }

    pub(super) fn state(&self, _identity: &IdentityDigest) -> SessionState {
        SessionState::NotOffered
    }

    pub(super) fn start(
        &self,
        _identity: &IdentityDigest,
        _key: &x25519::Identity,
        _holder: SessionHolder,
        _limits: SessionLimits,
    ) -> Result<StoreSession, StoreError> {
        Err(StoreError::Session("tokenring has no agent on this system".to_owned()))
    }

    pub(super) fn end(&self) -> Result<bool, StoreError> {
        Ok(false)
    }
}

/// Runs the process of an agent, until its session ends. Its start is described on standard input.
/// Returns whether a session was started.
#[cfg(target_os = "linux")]
pub fn run_agent() -> bool {
    agent::run()
}

/// This system has no agent.
#[cfg(not(target_os = "linux"))]
pub fn run_agent() -> bool {
    false
}

fn vault_id(folder: &Path) -> String {
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let mut id = to_hex(&Sha256::digest(folder.as_os_str().as_encoded_bytes()));
    id.truncate(VAULT_ID_DIGITS);
    id
}

fn unix_now() -> i64 {
    Timestamp::now_utc().unix_timestamp()
}

/// Returns the digest of the identity file of a vault.
pub(super) fn identity_digest(file: &Path) -> Result<IdentityDigest, StoreError> {
    let contents = private_files::read(file)?.ok_or(StoreError::NotInitialized)?;
    Ok(IdentityDigest::from_contents(&contents))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_has_its_key_only_where_it_is_asked_for() {
        let key = x25519::Identity::generate();
        let limits =
            SessionLimits { maximum: Duration::from_secs(60), idle: Duration::from_secs(600) };
        let digest = IdentityDigest::from_contents(b"identity");
        let record = SessionRecord::new(&digest, &key, limits);
        assert_eq!((record.until - record.since, record.idle()), (60, limits.maximum));
        let text = serde_json::to_vec(&SessionMessage::new(Some(record))).unwrap();
        let read = SessionMessage::parse(&text).unwrap().unwrap();
        assert_eq!(read.identity, digest);
        assert!(read.into_key().is_some_and(|read| read.to_public() == key.to_public()));
    }

    #[test]
    fn a_message_of_another_version_is_named_as_such() {
        for text in [&br#"{"protocol":2,"session":[1]}"#[..], br#"{"protocol":0}"#, b"?", b""] {
            assert!(
                matches!(SessionMessage::parse(text), Err(StoreError::Session(why)) if why.contains("another version")),
                "{text:?}"
            );
        }
        assert!(SessionMessage::parse(br#"{"protocol":1}"#).is_ok_and(|found| found.is_none()));
    }

    #[cfg(unix)]
    #[test]
    fn every_path_to_a_vault_names_the_same_vault() {
        let place = tempfile::tempdir().unwrap();
        let (folder, link) = (place.path().join("vault"), place.path().join("link"));
        std::fs::create_dir(&folder).unwrap();
        std::os::unix::fs::symlink(&folder, &link).unwrap();
        assert_eq!(vault_id(&folder), vault_id(&link));
        assert_ne!(vault_id(&folder), vault_id(place.path()));
        assert_eq!(vault_id(&folder).len(), VAULT_ID_DIGITS);
    }
}
