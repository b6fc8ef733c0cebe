//! Secret: the only type that holds secret bytes.
//!
//! It cannot be cloned, printed, compared by accident or serialized, and its bytes are wiped on
//! drop. The only access is [`Secret::expose`], so all uses can be counted: `tests/suite/house.rs`
//! has the list.

use zeroize::{Zeroize, Zeroizing};

/// Secret bytes on the heap, allocated once at their exact size, kept out of swap where the system
/// allows it, and wiped on drop.
pub struct Secret(Zeroizing<Box<[u8]>>);

impl Secret {
    /// Creates a secret from bytes and wipes the buffer.
    pub fn new(mut bytes: Vec<u8>) -> Self {
        let exact: Box<[u8]> = bytes.as_slice().into();
        bytes.zeroize();
        lock_in_memory(&exact);
        Self(Zeroizing::new(exact))
    }

    /// Creates a secret from text and wipes the buffer.
    pub fn from_text(text: String) -> Self {
        Self::new(text.into_bytes())
    }

    /// Lends the bytes to `read` only.
    pub fn expose<R>(&self, read: impl FnOnce(&[u8]) -> R) -> R {
        read(&self.0)
    }

    /// Returns the length in bytes. The user never sees it: masks have a fixed width.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the secret is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the secret has more than one line, as a private key has.
    pub fn is_multiline(&self) -> bool {
        self.0.trim_ascii().contains(&b'\n')
    }

    /// Whether both secrets have the same bytes, compared in constant time for equal lengths.
    pub fn same_as(&self, other: &Self) -> bool {
        self.0.len() == other.0.len()
            && self.0.iter().zip(other.0.iter()).fold(0, |seen, (a, b)| seen | (a ^ b)) == 0
    }
}

/// Locks the memory pages of these bytes, so that they are not swapped out. The pages stay locked,
/// because other secrets may share them. A failure is ignored: systems limit locked memory to a few
/// megabytes, and the secret is needed anyway.
fn lock_in_memory(bytes: &[u8]) {
    if let Ok(guard) = region::lock(bytes.as_ptr(), bytes.len()) {
        std::mem::forget(guard);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the kernel's flags of the page at this address, if available.
    #[cfg(target_os = "linux")]
    fn flags_at(address: usize) -> Option<String> {
        let maps = std::fs::read_to_string("/proc/self/smaps").ok()?;
        let mut is_here = false;
        for line in maps.lines() {
            let range = line.split(' ').next().and_then(|range| range.split_once('-'));
            let ends = range
                .map(|(start, end)| [start, end].map(|end| usize::from_str_radix(end, 16).ok()));
            if let Some([Some(start), Some(end)]) = ends {
                is_here = (start..end).contains(&address);
            } else if let Some(flags) = line.strip_prefix("VmFlags:").filter(|_| is_here) {
                return Some(flags.to_owned());
            }
        }
        None
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_secret_does_not_go_to_swap_where_the_system_allows_that() {
        let secret = Secret::new(vec![7; 40]);
        let address = secret.expose(|bytes| bytes.as_ptr() as usize);
        let flags = flags_at(address).unwrap_or_else(|| panic!("no page at {address:#x}"));
        match region::lock(address as *const u8, 40) {
            Ok(_) => assert!(flags.split(' ').any(|flag| flag == "lo"), "{flags}"),
            Err(error) => {
                println!("skipped: this system keeps no more pages out of swap ({error})");
            }
        }
    }

    #[test]
    fn what_goes_in_is_what_is_exposed() {
        let secret = Secret::from_text("snyk_uat.example".to_owned());
        assert!(secret.expose(|bytes| bytes == b"snyk_uat.example"));
        assert_eq!((secret.len(), secret.is_empty()), (16, false));
        assert!(Secret::from_text(String::new()).is_empty());
        assert!(Secret::new(b"one\ntwo".to_vec()).is_multiline());
        assert!(!Secret::new(b"one\n".to_vec()).is_multiline());
    }

    #[test]
    fn equality_looks_at_every_byte() {
        let one = Secret::new(b"abc".to_vec());
        assert!(one.same_as(&Secret::new(b"abc".to_vec())));
        assert!(!one.same_as(&Secret::new(b"abd".to_vec())));
        assert!(!one.same_as(&Secret::new(b"ab".to_vec())));
        // Differences that would cancel each other out.
        assert!(!Secret::new(vec![0b01, 0b01]).same_as(&Secret::new(vec![0b10, 0b10])));
    }
}
