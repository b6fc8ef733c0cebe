//! What the engine needs from the store before it trusts it: the round trip, and the key of the fingerprints.

use super::Engine;
use super::credentials::random_bytes;
use super::mac::HmacKey;
use crate::domain::problem::Problem;
use crate::domain::{Secret, text};
use crate::store::{ItemKey, StoreError};

/// The item that holds the key of the fingerprints.
pub(super) const FINGERPRINT_KEY_ITEM: &str = "fingerprint-key";

/// The bytes of a fingerprint that are kept: enough that two secrets never share one by chance.
const FINGERPRINT_BYTES: usize = 10;

/// A fingerprint as it is computed.
pub(super) type FingerprintBytes = [u8; FINGERPRINT_BYTES];

/// What computes fingerprints, for who has many to compute.
pub(super) struct FingerprintHasher(HmacKey);

impl FingerprintHasher {
    /// Those of this key.
    pub(super) const fn new(key: HmacKey) -> Self {
        Self(key)
    }

    /// The fingerprint of these bytes.
    pub(super) fn fingerprint(&self, bytes: &[u8]) -> String {
        text::to_hex(&self.fingerprint_bytes(bytes))
    }

    /// The same, not yet as text.
    pub(super) fn fingerprint_bytes(&self, bytes: &[u8]) -> FingerprintBytes {
        let mut print = [0; FINGERPRINT_BYTES];
        print.copy_from_slice(&self.0.digest(bytes)[..FINGERPRINT_BYTES]);
        print
    }
}

impl Engine {
    /// Proves once in a run that the store keeps what it is given: write, read back, delete.
    pub async fn verify_store(&self) -> Result<(), Problem> {
        self.store_verified
            .get_or_try_init(|| crate::store::run_self_test(self.store.as_ref()))
            .await?;
        Ok(())
    }

    /// The keyed fingerprint of a secret: equal for equal secrets, and worthless without the key, which lies in the
    /// store like any other secret.
    pub(super) async fn fingerprint(&self, secret: &Secret) -> Result<String, Problem> {
        let fingerprints = self.fingerprint_hasher().await?;
        Ok(secret.expose(|bytes| fingerprints.fingerprint(bytes)))
    }

    /// The fingerprints of this store, which gives their key for it.
    pub(super) async fn fingerprint_hasher(&self) -> Result<FingerprintHasher, Problem> {
        let key = self.fingerprint_key.get_or_try_init(|| self.load_fingerprint_key()).await?;
        let keyed = key
            .expose(HmacKey::new)
            .map_err(|_| StoreError::Damaged("the fingerprint key".to_owned()))?;
        Ok(FingerprintHasher::new(keyed))
    }

    async fn load_fingerprint_key(&self) -> Result<Secret, Problem> {
        let item = ItemKey::internal(FINGERPRINT_KEY_ITEM);
        match self.store.get(&item).await {
            Err(StoreError::NotFound) => {
                self.store.put(&item, &Secret::new(random_bytes::<32>()?.to_vec())).await?;
                // Another process may have written at the same time; what lies there now is the key of both.
                Ok(self.store.get(&item).await?)
            }
            found => Ok(found?),
        }
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
