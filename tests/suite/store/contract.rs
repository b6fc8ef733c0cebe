//! The contract of every unlocked store, whatever its backend. Start with [`holds`].

use std::time::Duration;

use futures::future::join_all;
use tokenring::domain::credential::{CredentialId, SecretPart, SecretSlot};
use tokenring::store::{ItemKey, SecretStore, StoreError, run_self_test};

use crate::support::{assert_same, secret};
use tokenring::domain::Secret;

/// Checks the contract on an unlocked store. Removes everything that it stores.
pub(crate) async fn holds(store: &dyn SecretStore) {
    assert_eq!(store.status().await, Ok(()));
    it_keeps_replaces_and_removes(store).await;
    it_keeps_any_bytes_up_to_its_limit(store).await;
    it_keeps_slots_and_parts_apart(store).await;
    it_reads_in_bulk(store).await;
    it_refuses_a_key_that_the_bus_would_choke_on(store).await;
    calls_on_one_key_keep_their_order(store).await;
    calls_on_many_keys_do_not_disturb_one_another(store).await;
    assert_eq!(run_self_test(store).await, Ok(()));
}

/// Checks the contract on a store that is not unlocked, for this reason: it reports the reason and
/// does nothing.
pub(crate) async fn holds_when_unavailable(store: &dyn SecretStore, reason: &StoreError) {
    let key = key("shut");
    let refused = Err(reason.clone());
    assert_eq!(store.status().await, refused);
    assert_eq!(store.get(&key).await.map(drop), refused);
    let read = store.get_many(std::slice::from_ref(&key)).await;
    assert!(matches!(&read[..], [one] if one.as_ref().map(drop) == refused.as_ref().map(drop)));
    assert_eq!(store.put(&key, &secret("never kept")).await, refused);
    assert_eq!(store.delete(&key).await, refused);
    assert_eq!(run_self_test(store).await, refused);
}

/// A key for one test.
pub(crate) fn key(part: &str) -> ItemKey {
    ItemKey::for_part(
        &CredentialId::from_random([7; 16]),
        SecretSlot::Current,
        &SecretPart::Named(part.to_owned()),
    )
}

async fn it_keeps_replaces_and_removes(store: &dyn SecretStore) {
    let key = key("life");
    assert_eq!(store.get(&key).await.map(drop), Err(StoreError::NotFound));
    for text in ["first", "", "second"] {
        store.put(&key, &secret(text)).await.unwrap();
        assert_same(store.get(&key).await, &secret(text));
    }
    store.delete(&key).await.unwrap();
    store.delete(&key).await.unwrap();
    assert_eq!(store.get(&key).await.map(drop), Err(StoreError::NotFound));
}

async fn it_keeps_any_bytes_up_to_its_limit(store: &dyn SecretStore) {
    let key = key("size");
    let limit = store.backend().item_limit;
    for size in [256, limit] {
        let bytes = Secret::new((0..=255).cycle().take(size).collect());
        store.put(&key, &bytes).await.unwrap();
        assert_same(store.get(&key).await, &bytes);
    }
    let size = limit + 1;
    let too_large = store.put(&key, &Secret::new(vec![0; size])).await;
    assert_eq!(too_large, Err(StoreError::TooLarge { size, limit }));
    assert_eq!(
        store.get(&key).await.map(|kept| kept.len()),
        Ok(limit),
        "what was there is still there"
    );
    store.delete(&key).await.unwrap();
}

async fn it_keeps_slots_and_parts_apart(store: &dyn SecretStore) {
    let one = CredentialId::from_random([1; 16]);
    let keys: Vec<_> = [SecretSlot::Current, SecretSlot::Pending, SecretSlot::Previous]
        .into_iter()
        .flat_map(|slot| {
            [SecretPart::Secret, SecretPart::Named("refresh_token".to_owned())]
                .map(|part| ItemKey::for_part(&one, slot, &part))
        })
        .collect();
    for key in &keys {
        store.put(key, &secret(key.as_str())).await.unwrap();
    }
    for key in &keys {
        assert_same(store.get(key).await, &secret(key.as_str()));
        store.delete(key).await.unwrap();
    }
}

async fn it_reads_in_bulk(store: &dyn SecretStore) {
    let keys: Vec<_> = ["first", "absent", "second", "first", "nul\0"].map(key).into();
    for text in ["first", "second"] {
        store.put(&key(text), &secret(text)).await.unwrap();
    }
    let mut read = store.get_many(&keys).await.into_iter();
    for text in [Some("first"), None, Some("second"), Some("first")] {
        let one = read.next().unwrap();
        match text {
            Some(text) => assert_same(one, &secret(text)),
            None => assert_eq!(one.map(drop), Err(StoreError::NotFound)),
        }
    }
    assert!(matches!(read.next().unwrap().map(drop), Err(StoreError::Denied(_))));
    for text in ["first", "second"] {
        store.delete(&key(text)).await.unwrap();
    }
}

async fn it_refuses_a_key_that_the_bus_would_choke_on(store: &dyn SecretStore) {
    let nul = key("a\0b");
    assert!(matches!(store.put(&nul, &secret("x")).await, Err(StoreError::Denied(_))));
    assert!(matches!(store.get(&nul).await, Err(StoreError::Denied(_))));
    assert!(matches!(store.delete(&nul).await, Err(StoreError::Denied(_))));
    assert_eq!(store.status().await, Ok(()));
}

async fn calls_on_one_key_keep_their_order(store: &dyn SecretStore) {
    let key = key("order");
    for round in 0..20 {
        // The call is dropped at once, but has started: it may or may not take effect, and if it
        // does, then before the next one.
        let _ = tokio::time::timeout(Duration::ZERO, store.put(&key, &secret("abandoned"))).await;
        let latest = secret(&format!("round {round}"));
        store.put(&key, &latest).await.unwrap();
        assert_same(store.get(&key).await, &latest);
    }
    let texts: Vec<_> = (0..8).map(|n| secret(&format!("writer {n}"))).collect();
    for outcome in join_all(texts.iter().map(|text| store.put(&key, text))).await {
        outcome.unwrap();
    }
    assert_same(store.get(&key).await, &texts[7]);
    store.delete(&key).await.unwrap();
}

async fn calls_on_many_keys_do_not_disturb_one_another(store: &dyn SecretStore) {
    let life = async |n: usize| {
        let (key, text) = (key(&format!("many-{n}")), secret(&n.to_string()));
        store.put(&key, &text).await.unwrap();
        assert_same(store.get(&key).await, &text);
        store.delete(&key).await.unwrap();
        assert_eq!(store.get(&key).await.map(drop), Err(StoreError::NotFound));
    };
    join_all((0..24).map(life)).await;
}
