//! Keyed digests of secrets, computed so that nothing of the secret stays behind on the stack.

use hmac::digest::InvalidLength;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use zeroize::zeroize_stack;

/// How much of the stack is wiped after a digest: several times what computing it takes.
const WIPED_STACK_BYTES: usize = 8 * 1024;

/// HMAC-SHA-256 with its key.
pub(super) struct HmacKey(Hmac<Sha256>);

impl HmacKey {
    /// With this key.
    pub(super) fn new(key: &[u8]) -> Result<Self, InvalidLength> {
        Hmac::new_from_slice(key).map(Self)
    }

    /// The digest of these bytes. HMAC works on a block that holds them as they are and is moved when it ends, and the
    /// wiping allocator does not reach the stack.
    pub(super) fn digest(&self, bytes: &[u8]) -> [u8; 32] {
        let digest = self.compute(bytes);
        zeroize_stack::<WIPED_STACK_BYTES>();
        digest
    }

    /// In a frame of its own, so that what is wiped lies where this was.
    #[inline(never)]
    fn compute(&self, bytes: &[u8]) -> [u8; 32] {
        self.0.clone().chain_update(bytes).finalize().into_bytes().into()
    }
}
