//! Byte buffer for terminal input, which may be a secret: wiped when it grows, is cleared or dropped.

use zeroize::{Zeroize as _, Zeroizing};

/// Capacity of a buffer that is used for the first time.
const FIRST_CAPACITY: usize = 64;

/// Bytes that leave no copy behind.
#[derive(Default)]
pub(super) struct WipedBuffer {
    bytes: Zeroizing<Vec<u8>>,
}

impl WipedBuffer {
    /// Returns the bytes.
    pub(super) fn as_slice(&self) -> &[u8] {
        &self.bytes
    }

    /// Appends a byte. A buffer that is full moves to a larger one and is wiped.
    pub(super) fn push(&mut self, byte: u8) {
        if self.bytes.len() == self.bytes.capacity() {
            let capacity = (self.bytes.len() * 2).max(FIRST_CAPACITY);
            let mut larger = Zeroizing::new(Vec::with_capacity(capacity));
            larger.extend_from_slice(&self.bytes);
            self.bytes = larger;
        }
        self.bytes.push(byte);
    }

    /// Appends a character in UTF-8.
    pub(super) fn push_char(&mut self, c: char) {
        let mut encoded = Zeroizing::new([0; 4]);
        for byte in c.encode_utf8(&mut *encoded).bytes() {
            self.push(byte);
        }
    }

    /// Removes bytes from the end.
    pub(super) fn remove_last(&mut self, count: usize) {
        let kept = self.bytes.len().saturating_sub(count);
        self.bytes[kept..].zeroize();
        self.bytes.truncate(kept);
    }

    /// Removes and wipes all bytes.
    pub(super) fn clear(&mut self) {
        self.bytes.zeroize();
    }

    /// Moves the bytes out.
    pub(super) fn take(&mut self) -> Zeroizing<Vec<u8>> {
        std::mem::take(&mut self.bytes)
    }
}
