//! A round trip before anything is trusted to a store.

use super::{ItemKey, Store, StoreError};
use crate::domain::Secret;

/// The bytes of a marker that shows that a store works, whatever it holds.
const MARKER: usize = 32;

/// Proves that the store keeps, returns and removes: writes a random marker under a key of its own, reads it back,
/// removes it and looks again. A store that merely claims success does not pass.
pub async fn prove(store: &dyn Store) -> Result<(), StoreError> {
    prove_with(store, MARKER).await
}

/// The same with a marker of so many bytes.
pub async fn prove_with(store: &dyn Store, bytes: usize) -> Result<(), StoreError> {
    let mut name = [0; 16];
    fill(&mut name)?;
    let key = ItemKey::proof(name);
    let mut marker = vec![0; bytes];
    fill(&mut marker)?;
    let marker = Secret::new(marker);
    let kept = keep_and_read(store, &key, &marker).await;
    // The marker is taken away even when it could not be read back.
    let removed = store.delete(&key).await;
    kept.and(removed)?;
    match store.get(&key).await {
        Err(StoreError::Absent) => Ok(()),
        Ok(_) => Err(StoreError::Unfaithful("it does not remove what it says it removed".to_owned())),
        Err(error) => Err(error),
    }
}

async fn keep_and_read(store: &dyn Store, key: &ItemKey, marker: &Secret) -> Result<(), StoreError> {
    store.put(key, marker).await?;
    match store.get(key).await {
        Ok(read) if read.same_as(marker) => Ok(()),
        Ok(_) => Err(StoreError::Unfaithful("it returns something else than was put into it".to_owned())),
        Err(StoreError::Absent) => Err(StoreError::Unfaithful("it does not keep what it says it kept".to_owned())),
        Err(error) => Err(error),
    }
}

fn fill(bytes: &mut [u8]) -> Result<(), StoreError> {
    getrandom::fill(bytes).map_err(|error| StoreError::Unavailable(format!("no random numbers: {error}")))
}
