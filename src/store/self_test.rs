//! Self-test of a store: a round trip with a random marker before secrets are trusted to the store.
//!
//! Start reading at [`run_self_test`].

use super::{ItemKey, SecretStore, StoreError};
use crate::domain::Secret;

/// Size of the marker for a plain self-test, small enough for every store.
const MARKER_BYTES: usize = 32;

/// Verifies that the store stores, returns and removes items: writes a random marker under its own
/// key, reads it back, removes it and checks that it is gone. A store that only reports success
/// fails the test.
pub async fn run_self_test(store: &dyn SecretStore) -> Result<(), StoreError> {
    run_self_test_with_size(store, MARKER_BYTES).await
}

/// Runs the self-test with a marker of this size in bytes.
pub async fn run_self_test_with_size(
    store: &dyn SecretStore,
    bytes: usize,
) -> Result<(), StoreError> {
    let mut name = [0; 16];
    fill_random(&mut name)?;
    let key = ItemKey::for_self_test(name);
    let mut marker = vec![0; bytes];
    fill_random(&mut marker)?;
    let marker = Secret::new(marker);
    let stored = write_and_read_back(store, &key, &marker).await;
    // Remove the marker even if it could not be read back.
    let removed = store.delete(&key).await;
    stored.and(removed)?;
    match store.get(&key).await {
        Err(StoreError::NotFound) => Ok(()),
        Ok(_) => Err(StoreError::ReadBackMismatch(
            "the item is still there after it was deleted".to_owned(),
        )),
        Err(error) => Err(error),
    }
}

async fn write_and_read_back(
    store: &dyn SecretStore,
    key: &ItemKey,
    marker: &Secret,
) -> Result<(), StoreError> {
    store.put(key, marker).await?;
    match store.get(key).await {
        Ok(read) if read.same_as(marker) => Ok(()),
        Ok(_) => {
            Err(StoreError::ReadBackMismatch("the item differs from what was written".to_owned()))
        }
        Err(StoreError::NotFound) => {
            Err(StoreError::ReadBackMismatch("the item is missing after it was written".to_owned()))
        }
        Err(error) => Err(error),
    }
}

fn fill_random(bytes: &mut [u8]) -> Result<(), StoreError> {
    getrandom::fill(bytes)
        .map_err(|error| StoreError::Unavailable(format!("no random numbers: {error}")))
}
