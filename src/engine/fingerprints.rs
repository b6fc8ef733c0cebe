//! Fingerprints of secrets, the keys that are derived from the fingerprint key, and the keyed hash
//! of both, which leaves nothing of a secret on the stack.
//!
//! A fingerprint is a keyed hash that identifies a secret without revealing it; its key is stored
//! like any secret. Start with `FingerprintService::fingerprint`.

use std::sync::Arc;

use hmac::digest::InvalidLength;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use tokio::sync::OnceCell;
use zeroize::{Zeroizing, zeroize_stack};

use crate::domain::Secret;
use crate::domain::problem::{Problem, ProblemClass};
use crate::engine::locks::{CredentialLock, CredentialLocks};
use crate::engine::ports::{DatabaseHandle, SharedPorts, random_bytes};
use crate::store::{ItemKey, SecretStore, StoreError};
use crate::util::hex;

/// Item that holds the fingerprint key.
pub(in crate::engine) const FINGERPRINT_KEY_ITEM: &str = crate::store::FINGERPRINT_KEY_ITEM;

/// Purpose of the key of the bindings, from which it is derived. The index records the ID of this
/// key with every binding, which also tells whether the store still has the fingerprint key of the
/// index.
pub(in crate::engine) const BINDING_KEY_PURPOSE: &str = "tokenring bindings";

/// Length in bytes of the ID of a key.
const KEY_ID_BYTES: usize = 8;

/// Length of a fingerprint in bytes: enough that two secrets never share a fingerprint by chance.
const FINGERPRINT_BYTES: usize = 10;

/// Number of stack bytes that are wiped after a hash: several times what its computation uses.
const WIPED_STACK_BYTES: usize = 8 * 1024;

/// Fingerprint in binary form.
pub(in crate::engine) type FingerprintBytes = [u8; FINGERPRINT_BYTES];

/// Computes fingerprints, for callers that need many.
pub(in crate::engine) struct FingerprintHasher(HmacKey);

impl FingerprintHasher {
    /// Creates a hasher with this key.
    pub(in crate::engine) const fn new(key: HmacKey) -> Self {
        Self(key)
    }

    /// Creates a hasher with these bytes as the key, for comparisons that no store has a key for.
    pub(in crate::engine) fn with_key(key: &[u8]) -> Result<Self, Problem> {
        HmacKey::new(key).map(Self::new).map_err(|_| unusable_key().into())
    }

    /// Returns the fingerprint of these bytes as hexadecimal text.
    pub(in crate::engine) fn fingerprint(&self, bytes: &[u8]) -> String {
        hex::to_hex(&self.fingerprint_bytes(bytes))
    }

    /// Returns the fingerprint of a secret as hexadecimal text.
    pub(in crate::engine) fn fingerprint_secret(&self, secret: &Secret) -> String {
        secret.expose(|bytes| self.fingerprint(bytes))
    }

    /// Returns the fingerprint of these bytes in binary form.
    pub(in crate::engine) fn fingerprint_bytes(&self, bytes: &[u8]) -> FingerprintBytes {
        let mut fingerprint = [0; FINGERPRINT_BYTES];
        fingerprint.copy_from_slice(&self.0.digest(bytes)[..FINGERPRINT_BYTES]);
        fingerprint
    }
}

/// How the fingerprint key of the store relates to the fingerprints in the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine) enum FingerprintKeyState {
    /// The fingerprints were made with this key, as far as the index tells; or there are none.
    InUse,
    /// The store has no key.
    Missing,
    /// The fingerprints were made with another key.
    Replaced,
}

impl FingerprintKeyState {
    /// Returns the problem for the user, if there is one.
    pub(in crate::engine) fn problem(self) -> Option<Problem> {
        let (what, why) = match self {
            Self::InUse => return None,
            Self::Missing => (
                "The fingerprint key is missing from the store",
                "the fingerprints in the index were made with a key that this store does not have: it was deleted, or the secrets are in another store",
            ),
            Self::Replaced => (
                "The fingerprint key of the store is not the one of the index",
                "the fingerprints in the index were made with another key: the key was replaced, or the secrets are in another store",
            ),
        };
        let remedy = "use the store that has the secrets, or move them with `tokenring store migrate`; if this is the right store, run `tokenring doctor --fix` to make the fingerprints again from the stored secrets";
        Some(Problem::new(what, why, remedy).with_class(ProblemClass::Store))
    }
}

/// Fingerprints of secrets, with the fingerprint key of the store.
pub(in crate::engine) struct FingerprintService {
    store: Arc<dyn SecretStore>,
    database: DatabaseHandle,
    locks: Arc<CredentialLocks>,
    fingerprint_key: OnceCell<Secret>,
}

impl FingerprintService {
    /// Creates the service. Reads the key when it is first needed.
    pub(in crate::engine) fn new(ports: &SharedPorts) -> Self {
        Self {
            store: Arc::clone(&ports.store),
            database: ports.database.clone(),
            locks: Arc::clone(&ports.locks),
            fingerprint_key: OnceCell::new(),
        }
    }

    /// Returns the keyed fingerprint of a secret: equal for equal secrets, and useless without the
    /// key, which is stored like any other secret.
    pub(in crate::engine) async fn fingerprint(&self, secret: &Secret) -> Result<String, Problem> {
        Ok(self.fingerprint_hasher().await?.fingerprint_secret(secret))
    }

    /// Returns a hasher with this store's fingerprint key; creates the key if there is none.
    pub(in crate::engine) async fn fingerprint_hasher(&self) -> Result<FingerprintHasher, Problem> {
        let key = self.fingerprint_key.get_or_try_init(|| self.load_fingerprint_key()).await?;
        Ok(FingerprintHasher::new(key.expose(HmacKey::new).map_err(|_| unusable_key())?))
    }

    /// Returns a key for another purpose, derived from this store's fingerprint key; creates the
    /// fingerprint key if there is none.
    pub(in crate::engine) async fn derive_key(&self, purpose: &str) -> Result<HmacKey, Problem> {
        let key = self.fingerprint_key.get_or_try_init(|| self.load_fingerprint_key()).await?;
        Ok(derive_from(key, purpose)?)
    }

    /// Returns the key of [`FingerprintService::derive_key`] if the store has a fingerprint key.
    /// Writes nothing.
    pub(in crate::engine) async fn derive_existing_key(
        &self,
        purpose: &str,
    ) -> Result<HmacKey, StoreError> {
        let key = self.store.get(&ItemKey::fingerprint_key()).await?;
        derive_from(&key, purpose)
    }

    /// Compares the key in the store with the fingerprints in the index. Writes nothing. A store in
    /// memory has no earlier key.
    pub(in crate::engine) async fn key_state(&self) -> Result<FingerprintKeyState, Problem> {
        match self.store.get(&ItemKey::fingerprint_key()).await {
            Ok(key) => self.compare_key(Some(&key)).await,
            Err(StoreError::NotFound) => self.compare_key(None).await,
            Err(error) => Err(error.into()),
        }
    }

    /// Uses the key that the store has from now on, whatever key made the fingerprints in the index;
    /// creates the key if there is none.
    pub(in crate::engine) async fn adopt_stored_key(&self) -> Result<(), Problem> {
        let adopt = || self.create_fingerprint_key(|_| Ok(()));
        self.fingerprint_key.get_or_try_init(adopt).await.map(drop)
    }

    async fn compare_key(&self, key: Option<&Secret>) -> Result<FingerprintKeyState, Problem> {
        if !self.store.backend().is_persistent() {
            return Ok(FingerprintKeyState::InUse);
        }
        let id = key.map(|key| derive_from(key, BINDING_KEY_PURPOSE)).transpose()?;
        let id = id.map(|key| key.id());
        let has_key = id.is_some();
        let has_other =
            self.database.run(move |index| index.has_other_fingerprint_key(id.as_deref())).await?;
        Ok(match (has_other, has_key) {
            (false, _) => FingerprintKeyState::InUse,
            (true, true) => FingerprintKeyState::Replaced,
            (true, false) => FingerprintKeyState::Missing,
        })
    }

    async fn load_fingerprint_key(&self) -> Result<Secret, Problem> {
        match self.store.get(&ItemKey::fingerprint_key()).await {
            Err(StoreError::NotFound) => {
                let refuse = |state: FingerprintKeyState| state.problem().map_or(Ok(()), Err);
                self.create_fingerprint_key(refuse).await
            }
            found => {
                let key = found?;
                match self.compare_key(Some(&key)).await?.problem() {
                    Some(problem) => Err(problem),
                    None => Ok(key),
                }
            }
        }
    }

    /// Locks what is created once for all processes: the fingerprint key, and the first records that
    /// are made with it. If the lock cannot be taken, they are created without it.
    pub(in crate::engine) async fn lock_key(&self) -> Option<CredentialLock> {
        self.locks
            .lock_fingerprint_key()
            .await
            .inspect_err(|problem| tracing::warn!(%problem, "the keys are created without a lock"))
            .ok()
    }

    /// Creates the fingerprint key, unless another process was faster: a key that another process
    /// has already used must not be overwritten. `check` may refuse a new key for fingerprints that
    /// another key has made.
    async fn create_fingerprint_key(
        &self,
        check: impl FnOnce(FingerprintKeyState) -> Result<(), Problem>,
    ) -> Result<Secret, Problem> {
        let item = ItemKey::fingerprint_key();
        let _lock = self.lock_key().await;
        match self.store.get(&item).await {
            Err(StoreError::NotFound) => {
                check(self.compare_key(None).await?)?;
                let key = Secret::new(random_bytes::<32>()?.to_vec());
                Ok(self.store.put_if_absent(&item, &key).await?)
            }
            found => Ok(found?),
        }
    }
}

/// Derives the key for a purpose: the HMAC of its name under the fingerprint key.
fn derive_from(key: &Secret, purpose: &str) -> Result<HmacKey, StoreError> {
    let keyed = key.expose(HmacKey::new).map_err(|_| unusable_key())?;
    let derived = Zeroizing::new(keyed.digest(purpose.as_bytes()));
    HmacKey::new(&*derived).map_err(|_| unusable_key())
}

fn unusable_key() -> StoreError {
    StoreError::Damaged("the fingerprint key is not usable".to_owned())
}

/// HMAC-SHA-256 with its key.
pub(in crate::engine) struct HmacKey(Hmac<Sha256>);

impl HmacKey {
    /// Creates a hasher with this key.
    pub(in crate::engine) fn new(key: &[u8]) -> Result<Self, InvalidLength> {
        Hmac::new_from_slice(key).map(Self)
    }

    /// Returns the ID of this key: a MAC of a constant, which tells nothing about the key.
    pub(in crate::engine) fn id(&self) -> String {
        hex::to_hex(&self.digest(b"store")[..KEY_ID_BYTES])
    }

    /// Returns the digest of these bytes. HMAC works on a block that holds the bytes as they are
    /// and is moved at the end, and the wiping allocator does not reach the stack.
    pub(in crate::engine) fn digest(&self, bytes: &[u8]) -> [u8; 32] {
        let digest = self.compute(bytes);
        zeroize_stack::<WIPED_STACK_BYTES>();
        digest
    }

    /// Computes the digest in its own stack frame, so that the wiped area is where this frame was.
    #[inline(never)]
    fn compute(&self, bytes: &[u8]) -> [u8; 32] {
        self.0.clone().chain_update(bytes).finalize().into_bytes().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stored_form_of_a_fingerprint() {
        let fingerprints = FingerprintHasher::new(HmacKey::new(b"key").unwrap());
        assert_eq!(
            fingerprints.fingerprint(b"s3cret"),
            "0574b240beed9f974397",
            "the first 10 bytes of HMAC-SHA-256"
        );
        assert_eq!(FINGERPRINT_KEY_ITEM, "fingerprint-key");
    }
}
