//! Locks, timeouts and background execution of store calls.
//!
//! Calls on the same key run in order, every call has a deadline, and blocking work runs off the
//! drawing task. Start reading at [`KeyLocks`]. Locks between processes belong to `private`.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::OwnedMutexGuard;

use super::{ItemKey, StoreError};

/// Locks of the item keys: calls on one key run in the order in which they started, calls on
/// different keys run concurrently.
///
/// A change holds the [`KeyGuard`] of its item until it has finished, even after its caller has
/// given up. So a change that outlives its deadline never overtakes a later call: the later call
/// waits and then sees the result.
#[derive(Default)]
pub(super) struct KeyLocks(Mutex<LockMap>);

type LockMap = HashMap<ItemKey, Arc<tokio::sync::Mutex<()>>>;

/// Lock on one item; dropping it admits the next call in the queue.
pub(super) struct KeyGuard(#[expect(dead_code, reason = "held, never read")] OwnedMutexGuard<()>);

impl KeyLocks {
    /// Waits until no other call works on this item.
    pub(super) async fn lock(&self, key: &ItemKey) -> KeyGuard {
        let lock = lock_for_key(&mut self.pruned_locks(), key);
        KeyGuard(lock.lock_owned().await)
    }

    /// Waits until no other call works on any of these items. All calls lock in the same order, so
    /// that no two calls wait for each other.
    pub(super) async fn lock_all(&self, keys: &[ItemKey]) -> Vec<KeyGuard> {
        let locks: Vec<_> = {
            let mut locks = self.pruned_locks();
            keys.iter()
                .collect::<BTreeSet<_>>()
                .into_iter()
                .map(|key| lock_for_key(&mut locks, key))
                .collect()
        };
        let mut guards = Vec::with_capacity(locks.len());
        for lock in locks {
            guards.push(KeyGuard(lock.lock_owned().await));
        }
        guards
    }

    /// Returns the locks in use and drops the unused ones.
    fn pruned_locks(&self) -> MutexGuard<'_, LockMap> {
        let mut locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        locks.retain(|_, lock| Arc::strong_count(lock) > 1);
        locks
    }
}

fn lock_for_key(locks: &mut LockMap, key: &ItemKey) -> Arc<tokio::sync::Mutex<()>> {
    Arc::clone(locks.entry(key.clone()).or_default())
}

/// Returns the result of `work`, or [`StoreError::TimedOut`] after `limit`.
pub(super) async fn with_timeout<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    tokio::time::timeout(limit, work).await.unwrap_or(Err(StoreError::TimedOut(limit)))
}

/// Runs blocking work on a separate thread. Dropping the future does not stop the thread.
pub(super) async fn spawn_blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    flatten_join_result(tokio::task::spawn_blocking(work).await)
}

/// Runs a change to completion, even if the caller stops waiting.
pub(super) async fn run_to_completion<T: Send + 'static>(
    work: impl Future<Output = Result<T, StoreError>> + Send + 'static,
) -> Result<T, StoreError> {
    flatten_join_result(tokio::spawn(work).await)
}

fn flatten_join_result<T>(
    outcome: Result<Result<T, StoreError>, tokio::task::JoinError>,
) -> Result<T, StoreError> {
    outcome.unwrap_or_else(|_| Err(StoreError::Unavailable("the program is exiting".to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_change_without_a_waiting_caller_still_comes_before_the_next_call() {
        let locks = KeyLocks::default();
        let key = ItemKey::internal("order");
        let (finish, wait) = tokio::sync::oneshot::channel::<()>();
        let log = Arc::new(Mutex::new(Vec::new()));
        let guard = locks.lock(&key).await;
        let late = log.clone();
        let change = run_to_completion(async move {
            let _guard = guard;
            let _ = wait.await;
            late.lock().unwrap().push("late");
            Ok(())
        });
        assert_eq!(
            with_timeout(Duration::from_millis(1), change).await,
            Err(StoreError::TimedOut(Duration::from_millis(1)))
        );
        drop(locks.lock(&ItemKey::internal("another")).await);

        let next = async {
            let _guard = locks.lock(&key).await;
            log.lock().unwrap().push("next");
        };
        tokio::join!(next, async { finish.send(()).unwrap() });
        assert_eq!(*log.lock().unwrap(), ["late", "next"]);
    }

    #[tokio::test]
    async fn empty_queues_are_dropped() {
        let locks = KeyLocks::default();
        for key in ["a", "b", "c"] {
            drop(locks.lock(&ItemKey::internal(key)).await);
        }
        assert_eq!(locks.0.lock().unwrap().len(), 1);
        let keys = ["b", "a", "b"].map(ItemKey::internal);
        assert_eq!(locks.lock_all(&keys).await.len(), 2, "a duplicate key is locked once");
        assert_eq!(locks.0.lock().unwrap().len(), 2);
    }
}
