//! Tests of the system keyring with a real Secret Service: the contract, and every fault of the
//! daemon.

use std::os::unix::net::UnixListener;
use std::time::{Duration, Instant};

use tokenring::domain::Secret;
use tokenring::store::{
    CALL_TIMEOUT, ItemKey, KeyringStore, SecretStore, StoreError, UnlockMethod,
};
use zbus::fdo::DBusProxy;

use super::contract::{self, key};
use crate::support::secret_service::{
    KeyringState, another_daemon, bus_at, secret_tool, session, signal,
};
use crate::support::{assert_same, secret, wait_until};

/// Adds an item as another program would, with a custom attribute.
fn foreign_item(key: &ItemKey, content: &[u8]) {
    let attributes = ["service", "tokenring", "username", key.as_str(), "owner", "another program"];
    let stored = secret_tool(&[&["store", "--label=foreign"], &attributes[..]].concat(), content);
    assert!(stored.status.success(), "{stored:?}");
}

fn found_by_others(key: &ItemKey) -> Vec<u8> {
    secret_tool(&["lookup", "service", "tokenring", "username", key.as_str()], b"").stdout
}

/// The result of a call and its duration.
async fn timed<T>(call: impl Future<Output = T>) -> (T, Duration) {
    let begin = Instant::now();
    (call.await, begin.elapsed())
}

fn assert_timed_out<T>((outcome, took): (Result<T, StoreError>, Duration)) {
    assert_eq!(outcome.map(drop), Err(StoreError::TimedOut(CALL_TIMEOUT)));
    assert!(took >= CALL_TIMEOUT && took < 4 * CALL_TIMEOUT, "{took:?}");
}

#[test]
fn the_secret_service_holds_the_contract() {
    session(KeyringState::Unlocked, async || contract::holds(&KeyringStore::new()).await);
}

#[test]
fn other_programs_find_its_items_and_see_nothing_but_the_opaque_key() {
    session(KeyringState::Unlocked, async || {
        let (store, key) = (KeyringStore::new(), key("shared"));
        store.put(&key, &secret("canary-value")).await.unwrap();
        assert_eq!(found_by_others(&key), b"canary-value");

        let listed = secret_tool(&["search", "--all", "service", "tokenring"], b"");
        let listed = String::from_utf8([listed.stdout, listed.stderr].concat()).unwrap();
        let mut shown: Vec<_> = listed
            .lines()
            .filter(|line| line.starts_with("attribute") || line.starts_with("label"))
            .collect();
        shown.sort_unstable();
        let username = format!("attribute.username = {}", key.as_str());
        assert_eq!(shown, ["attribute.service = tokenring", &username, "label = tokenring"]);

        // An item that another program created under this key is read and replaced, never
        // duplicated.
        let foreign = contract::key("foreign");
        foreign_item(&foreign, b"theirs");
        assert_same(store.get(&foreign).await, &secret("theirs"));
        store.put(&foreign, &secret("ours")).await.unwrap();
        assert_same(store.get(&foreign).await, &secret("ours"));
        assert_eq!(found_by_others(&foreign), b"ours");
    });
}

#[test]
fn two_items_under_one_key_are_counted_and_not_guessed_between() {
    session(KeyringState::Unlocked, async || {
        let (store, key) = (KeyringStore::new(), key("double"));
        store.put(&key, &secret("ours")).await.unwrap();
        foreign_item(&key, b"theirs");
        assert_eq!(store.get(&key).await.map(drop), Err(StoreError::Ambiguous(2)));
        assert_eq!(store.put(&key, &secret("newer")).await, Err(StoreError::Ambiguous(2)));
        store.delete(&key).await.unwrap();
        assert_eq!(store.get(&key).await.map(drop), Err(StoreError::NotFound));
    });
}

#[test]
fn two_processes_that_create_one_item_make_one() {
    session(KeyringState::Unlocked, async || {
        let stores: Vec<_> = (0..4).map(|_| KeyringStore::new()).collect();
        for round in 0..10 {
            let key = key(&format!("race-{round}"));
            let texts: Vec<_> = (0..4).map(|n| secret(&n.to_string())).collect();
            let puts = stores.iter().zip(&texts).map(|(store, text)| store.put(&key, text));
            futures::future::join_all(puts).await.into_iter().for_each(|outcome| outcome.unwrap());
            let read = stores[0].get(&key).await.unwrap();
            assert!(texts.iter().any(|text| text.same_as(&read)));
        }
    });
}

/// Takes the D-Bus name of the prompter that the daemon calls, and never responds.
async fn silent_prompter() -> zbus::Connection {
    let prompter = zbus::Connection::session().await.unwrap();
    prompter.request_name("org.gnome.keyring.SystemPrompter").await.unwrap();
    prompter
}

/// Number of programs on the bus.
async fn connection_count(connection: &zbus::Connection) -> usize {
    let names = DBusProxy::new(connection).await.unwrap().list_names().await.unwrap();
    names.iter().filter(|name| name.starts_with(':')).count()
}

#[test]
fn a_locked_keyring_says_so_without_a_prompt() {
    session(KeyringState::Locked, async || {
        let prompter = silent_prompter().await;
        let mut asked = zbus::MessageStream::from(&prompter);
        contract::holds_when_unavailable(&KeyringStore::new(), &StoreError::Locked).await;
        prompter
            .call_method(
                Some("org.freedesktop.DBus"),
                "/",
                Some("org.freedesktop.DBus.Peer"),
                "Ping",
                &(),
            )
            .await
            .unwrap();
        // The response to the ping came after every message sent before it.
        while let Some(Some(Ok(message))) =
            futures::FutureExt::now_or_never(futures::StreamExt::next(&mut asked))
        {
            assert_ne!(
                message.message_type(),
                zbus::message::Type::MethodCall,
                "a prompt was asked for: {message}"
            );
        }
    });
}

#[test]
fn an_unanswered_prompt_times_out_and_blocks_no_other_call() {
    session(KeyringState::Locked, async || {
        let prompter = silent_prompter().await;
        let (store, wait) = (KeyringStore::new(), Duration::from_millis(300));
        assert_eq!(store.status().await, Err(StoreError::Locked));
        let before = connection_count(&prompter).await;

        let meanwhile = async {
            wait_until("the prompt is up", async || connection_count(&prompter).await > before)
                .await;
            store.status().await
        };
        let (prompt, status) =
            tokio::join!(timed(store.unlock(UnlockMethod::SystemPrompt, wait)), meanwhile);
        assert_eq!((prompt.0, status), (Err(StoreError::TimedOut(wait)), Err(StoreError::Locked)));
        wait_until("the prompt's connection is gone", async || {
            connection_count(&prompter).await == before
        })
        .await;
        assert_eq!(store.get(&key("k")).await.map(drop), Err(StoreError::Locked));
    });
}

#[test]
fn an_unlock_is_cancelled_by_dropping_it() {
    session(KeyringState::Locked, async || {
        let prompter = silent_prompter().await;
        let store = KeyringStore::new();
        let before = connection_count(&prompter).await;
        {
            let unlock = store.unlock(UnlockMethod::SystemPrompt, Duration::from_secs(3600));
            let up =
                wait_until("the prompt is up", async || connection_count(&prompter).await > before);
            tokio::select! { outcome = unlock => panic!("{outcome:?}"), () = up => {} }
        }
        wait_until("the prompt's connection is gone", async || {
            connection_count(&prompter).await == before
        })
        .await;
    });
}

#[test]
fn a_prompt_that_cannot_be_shown_and_a_passphrase_are_refused() {
    session(KeyringState::Locked, async || {
        let store = KeyringStore::new();
        let unlock = store.unlock(UnlockMethod::SystemPrompt, Duration::from_secs(10)).await;
        assert_eq!(unlock, Err(StoreError::NoPrompt));
        let unlock =
            store.unlock(UnlockMethod::Passphrase(&secret("x")), Duration::from_secs(10)).await;
        assert!(matches!(unlock, Err(StoreError::Denied(_))), "{unlock:?}");
    });
}

#[test]
fn an_unlocked_keyring_is_unlocked_at_once() {
    session(KeyringState::Unlocked, async || {
        assert_eq!(
            KeyringStore::new().unlock(UnlockMethod::SystemPrompt, Duration::from_secs(10)).await,
            Ok(())
        );
    });
}

#[test]
fn a_stopped_daemon_times_out_and_a_late_write_is_met_by_the_next_call() {
    session(KeyringState::Unlocked, async || {
        let (store, key, other) = (KeyringStore::new(), key("late"), key("other"));
        store.put(&key, &secret("old")).await.unwrap();
        let late = secret("late");
        signal("STOP");
        let calls = tokio::join!(
            timed(store.status()),
            timed(store.put(&key, &late)),
            timed(store.get(&other))
        );
        assert_timed_out(calls.0);
        assert_timed_out(calls.1);
        assert_timed_out(calls.2);
        // The late write is still in progress, so no other call may overtake it.
        assert_timed_out(timed(store.get(&key)).await);

        signal("CONT");
        assert_same(store.get(&key).await, &late);
        store.put(&key, &secret("newest")).await.unwrap();
        assert_same(store.get(&key).await, &secret("newest"));
        assert_eq!(found_by_others(&key), b"newest");
    });
}

#[test]
fn a_daemon_that_dies_is_missed_and_its_successor_is_found() {
    session(KeyringState::Unlocked, async || {
        let (store, key) = (KeyringStore::new(), key("restart"));
        store.put(&key, &secret("replaced")).await.unwrap();
        store.put(&key, &secret("kept")).await.unwrap();
        signal("KILL");
        wait_until("the daemon is gone", async || {
            matches!(store.status().await, Err(StoreError::Unavailable(_)))
        })
        .await;
        assert!(matches!(store.put(&key, &secret("lost")).await, Err(StoreError::Unavailable(_))));

        let _daemon = another_daemon();
        wait_until("its successor is there", async || store.status().await.is_ok()).await;
        assert_same(store.get(&key).await, &secret("kept"));
        store.put(&key, &Secret::new(vec![0, 255, 10])).await.unwrap();
        assert_eq!(found_by_others(&key), [0, 255, 10]);
        contract::holds(&store).await;
    });
}

#[test]
fn a_write_that_dies_with_its_daemon_is_settled_by_the_next() {
    session(KeyringState::Unlocked, async || {
        let (store, key) = (KeyringStore::new(), key("settled"));
        store.put(&key, &secret("old")).await.unwrap();
        signal("STOP");
        assert_timed_out(timed(store.put(&key, &secret("lost"))).await);
        signal("KILL");
        let _daemon = another_daemon();
        wait_until("its successor is there", async || store.status().await.is_ok()).await;
        let read = store.get(&key).await.unwrap();
        assert!(
            read.same_as(&secret("old")) || read.same_as(&secret("lost")),
            "one item, the old or the new"
        );
        store.put(&key, &secret("new")).await.unwrap();
        assert_same(store.get(&key).await, &secret("new"));
    });
}

async fn is_unavailable() {
    let store = KeyringStore::new();
    let status = store.status().await;
    assert!(matches!(status, Err(StoreError::Unavailable(_))), "{status:?}");
    let put = store.put(&key("k"), &secret("x")).await;
    assert!(matches!(put, Err(StoreError::Unavailable(_))), "{put:?}");
}

#[test]
fn a_bus_without_a_secret_service_is_unavailable() {
    session(KeyringState::Bare, async || is_unavailable().await);
}

#[test]
fn no_bus_is_unavailable() {
    bus_at("unix:path=/nonexistent/bus", async || is_unavailable().await);
}

#[test]
fn a_bus_that_accepts_and_says_nothing_times_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bus");
    let _silent = UnixListener::bind(&path);
    bus_at(&format!("unix:path={}", path.display()), async || {
        let (store, key) = (KeyringStore::new(), key("k"));
        let text = secret("x");
        let calls = tokio::join!(timed(store.status()), timed(store.put(&key, &text)));
        assert_timed_out(calls.0);
        assert_timed_out(calls.1);
    });
}
