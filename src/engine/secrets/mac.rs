//! Keyed hashes of secrets, computed so that nothing of the secret remains on the stack.

use hmac::digest::InvalidLength;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use zeroize::zeroize_stack;

/// Number of stack bytes that are wiped after a hash: several times what its computation uses.
const WIPED_STACK_BYTES: usize = 8 * 1024;

/// HMAC-SHA-256 with its key.
pub(in crate::engine) struct HmacKey(Hmac<Sha256>);

impl HmacKey {
    /// Creates a hasher with this key.
    pub(in crate::engine) fn new(key: &[u8]) -> Result<Self, InvalidLength> {
        Hmac::new_from_slice(key).map(Self)
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
