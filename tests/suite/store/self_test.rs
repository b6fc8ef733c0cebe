//! Tests of the self-test of a store: it detects a store that only claims to work, and leaves
//! nothing behind.

use std::time::Duration;

use tokenring::store::{CALL_TIMEOUT, MemoryStore, StoreError, run_self_test};

use crate::support::faulty::{FaultyStore, StoreFault};

/// The calls of a self-test: put, get, delete, get.
const CALLS: usize = 4;

fn error_text(outcome: Result<(), StoreError>) -> String {
    match outcome {
        Err(StoreError::ReadBackMismatch(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_store_that_keeps_nothing_is_found_out() {
    let store = FaultyStore::new(MemoryStore::new()).at(1, StoreFault::Lie);
    assert!(error_text(run_self_test(&store).await).contains("missing after it was written"));
    assert_eq!(store.calls(), 3, "put, get and the final delete");
}

#[tokio::test]
async fn a_store_that_removes_nothing_is_found_out() {
    let store = FaultyStore::new(MemoryStore::new()).at(3, StoreFault::Lie);
    assert!(error_text(run_self_test(&store).await).contains("still there"));
}

#[tokio::test]
async fn any_call_that_fails_fails_the_proof_with_its_own_reason() {
    for nth in 1..=CALLS {
        for fault in
            [StoreFault::Refuse(StoreError::Locked), StoreFault::LoseCall, StoreFault::LoseResponse]
        {
            let expected = if let StoreFault::Refuse(error) = &fault {
                error.clone()
            } else {
                StoreError::TimedOut(CALL_TIMEOUT)
            };
            let store = FaultyStore::new(MemoryStore::new()).at(nth, fault);
            assert_eq!(run_self_test(&store).await, Err(expected), "call {nth}");
        }
    }
}

#[tokio::test]
async fn a_store_that_hangs_hangs_only_its_caller() {
    let store = FaultyStore::new(MemoryStore::new()).at(1, StoreFault::Hang);
    assert!(tokio::time::timeout(Duration::from_millis(20), run_self_test(&store)).await.is_err());
    assert_eq!(run_self_test(&store).await, Ok(()));
}
