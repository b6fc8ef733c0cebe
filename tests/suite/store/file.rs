//! Tests of the encrypted file: its contract, its files, and faults of the disk.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use age::secrecy::SecretString;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use futures::future::join_all;
use tempfile::TempDir;
use tokenring::store::{FileStore, SecretStore, StoreError, UnlockMethod, WorkFactor};

use super::contract::{self, key};
use crate::support::{assert_same, secret};

const WAIT: Duration = Duration::from_secs(20);
const PASSPHRASE: &str = "correct horse battery staple";

/// A folder for a vault that does not exist yet.
struct VaultFolder(TempDir);

impl VaultFolder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn vault(&self) -> PathBuf {
        self.0.path().join("vault")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.vault().join(name)
    }

    fn locked(&self) -> FileStore {
        locked_at(&self.vault())
    }

    async fn unlocked(&self) -> FileStore {
        unlocked_at(&self.vault()).await
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.vault()).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn locked_at(vault: &Path) -> FileStore {
    FileStore::new(vault.to_owned()).with_work_factor(WorkFactor::new(2))
}

async fn unlocked_at(vault: &Path) -> FileStore {
    let store = locked_at(vault);
    unlock(&store, PASSPHRASE).await.unwrap();
    store
}

async fn unlock(store: &FileStore, passphrase: &str) -> Result<(), StoreError> {
    store.unlock(UnlockMethod::Passphrase(&secret(passphrase)), WAIT).await
}

fn is_damaged(outcome: &Result<(), StoreError>, word: &str) -> bool {
    matches!(outcome, Err(StoreError::Damaged(why)) if why.contains(word))
}

/// Decrypts both files with nothing but the passphrase and the age format.
fn by_hand(place: &VaultFolder) -> (age::x25519::Identity, String) {
    let passphrase = age::scrypt::Identity::new(SecretString::from(PASSPHRASE.to_owned()));
    let identity =
        age::decrypt(&passphrase, &fs::read(place.file("identity.age")).unwrap()).unwrap();
    let identity: age::x25519::Identity = String::from_utf8(identity).unwrap().parse().unwrap();
    let plain = age::decrypt(&identity, &fs::read(place.file("vault.age")).unwrap()).unwrap();
    (identity, String::from_utf8(plain).unwrap())
}

#[tokio::test]
async fn the_encrypted_file_holds_the_contract() {
    contract::holds(&VaultFolder::new().unlocked().await).await;
}

#[tokio::test]
async fn it_is_uncreated_then_unlocked_then_locked_for_others() {
    let place = VaultFolder::new();
    let store = place.locked();
    contract::holds_when_unavailable(&store, &StoreError::NotInitialized).await;
    assert!(!place.vault().exists(), "a query creates nothing");

    unlock(&store, PASSPHRASE).await.unwrap();
    store.put(&key("k"), &secret("kept")).await.unwrap();

    let other = place.locked();
    contract::holds_when_unavailable(&other, &StoreError::Locked).await;
    let wrong = unlock(&other, "battery staple").await;
    assert!(matches!(wrong, Err(StoreError::Denied(_))), "{wrong:?}");
    contract::holds_when_unavailable(&other, &StoreError::Locked).await;
    unlock(&other, PASSPHRASE).await.unwrap();
    assert_same(other.get(&key("k")).await, &secret("kept"));
}

#[tokio::test]
async fn it_is_locked_again_and_its_passphrase_is_changed() {
    let place = VaultFolder::new();
    let store = place.unlocked().await;
    store.put(&key("k"), &secret("kept")).await.unwrap();
    store.lock().await.unwrap();
    contract::holds_when_unavailable(&store, &StoreError::Locked).await;
    let (old, new) = (secret(PASSPHRASE), secret("Hb4-another-one-Tr8-Lp1"));
    let refused = store.change_passphrase(&new, &old, WAIT).await;
    assert!(matches!(refused, Err(StoreError::Denied(_))), "{refused:?}");
    store.change_passphrase(&old, &new, WAIT).await.unwrap();
    assert_same(store.get(&key("k")).await, &secret("kept"));
    assert!(matches!(unlock(&place.locked(), PASSPHRASE).await, Err(StoreError::Denied(_))));
    contract::holds(&store).await;
}

#[tokio::test]
async fn it_takes_a_passphrase_and_nothing_else() {
    let store = VaultFolder::new().locked();
    assert!(matches!(
        store.unlock(UnlockMethod::SystemPrompt, WAIT).await,
        Err(StoreError::Denied(_))
    ));
    assert!(matches!(unlock(&store, "").await, Err(StoreError::Denied(_))));
    let not_text = tokenring::domain::Secret::new(vec![0xff]);
    assert!(matches!(
        store.unlock(UnlockMethod::Passphrase(&not_text), WAIT).await,
        Err(StoreError::Denied(_))
    ));
    assert_eq!(store.status().await, Err(StoreError::NotInitialized));
}

#[tokio::test]
async fn an_unlock_that_is_cancelled_leaves_it_locked() {
    let place = VaultFolder::new();
    // A work factor so high that the timeout is always too short.
    let slow = FileStore::new(place.vault()).with_work_factor(WorkFactor::new(13));
    unlock(&slow, PASSPHRASE).await.unwrap();
    let store = place.locked();
    let late = store.unlock(UnlockMethod::Passphrase(&secret(PASSPHRASE)), Duration::ZERO).await;
    assert_eq!(late, Err(StoreError::TimedOut(Duration::ZERO)));
    assert_eq!(store.status().await, Err(StoreError::Locked));
}

#[tokio::test]
async fn both_files_can_be_read_with_age_alone_and_show_nothing_without_it() {
    let place = VaultFolder::new();
    let store = place.unlocked().await;
    store.put(&key("k"), &secret("canary-value")).await.unwrap();

    let (_, plain) = by_hand(&place);
    let document: serde_json::Value = serde_json::from_str(&plain).unwrap();
    assert_eq!(document["format"], 1);
    assert_eq!(document["items"][key("k").as_str()], BASE64_STANDARD.encode("canary-value"));

    let hidden = [
        "canary-value".to_owned(),
        BASE64_STANDARD.encode("canary-value"),
        PASSPHRASE.to_owned(),
        "AGE-SECRET".to_owned(),
    ];
    for name in place.names() {
        let content = String::from_utf8_lossy(&fs::read(place.file(&name)).unwrap()).into_owned();
        assert!(hidden.iter().all(|hidden| !content.contains(hidden.as_str())), "{name}");
    }
}

#[tokio::test]
async fn several_processes_see_and_keep_each_others_changes() {
    let place = VaultFolder::new();
    let stores = [place.unlocked().await, place.unlocked().await, place.unlocked().await];
    let write = async |n: usize| {
        stores[n % 3].put(&key(&n.to_string()), &secret(&n.to_string())).await.unwrap();
    };
    join_all((0..30).map(write)).await;
    for n in 0..30 {
        assert_same(stores[(n + 1) % 3].get(&key(&n.to_string())).await, &secret(&n.to_string()));
    }
}

#[tokio::test]
async fn two_that_create_it_at_once_agree_on_one() {
    for _ in 0..5 {
        let place = VaultFolder::new();
        let (one, other) = (place.locked(), place.locked());
        let outcomes =
            tokio::join!(unlock(&one, PASSPHRASE), unlock(&other, "Hb4-of-the-other-Tr8-Lp1"));
        assert!(
            matches!(
                outcomes,
                (Ok(()), Err(StoreError::Denied(_))) | (Err(StoreError::Denied(_)), Ok(()))
            ),
            "one of them owns it: {outcomes:?}"
        );
    }
}

#[tokio::test]
async fn a_damaged_or_newer_vault_is_refused_and_left_alone() {
    let place = VaultFolder::new();
    let store = place.unlocked().await;
    store.put(&key("k"), &secret("kept")).await.unwrap();
    let whole = fs::read(place.file("vault.age")).unwrap();
    let (identity, _) = by_hand(&place);

    let mut flipped = whole.clone();
    *flipped.last_mut().unwrap() ^= 1;
    let newer = age::encrypt(&identity.to_public(), br#"{"format":2,"items":{}}"#).unwrap();
    let cases = [
        (flipped, "vault.age"),
        (whole[..whole.len() / 2].to_vec(), "vault.age"),
        (Vec::new(), "vault.age"),
        (newer, "format 2"),
    ];
    for (content, word) in cases {
        fs::write(place.file("vault.age"), &content).unwrap();
        assert!(is_damaged(&store.get(&key("k")).await.map(drop), word), "{word}");
        assert!(is_damaged(&store.put(&key("k"), &secret("new")).await, word), "{word}");
        assert!(is_damaged(&unlock(&place.locked(), PASSPHRASE).await, word), "{word}");
        assert_eq!(fs::read(place.file("vault.age")).unwrap(), content, "not overwritten");
    }
    fs::write(place.file("vault.age"), &whole).unwrap();
    assert_same(store.get(&key("k")).await, &secret("kept"));
}

#[tokio::test]
async fn half_a_vault_is_damaged_and_half_a_beginning_is_begun_again() {
    let place = VaultFolder::new();
    drop(place.unlocked().await);
    let aside = place.0.path().join("aside");

    fs::rename(place.file("vault.age"), &aside).unwrap();
    assert!(is_damaged(&unlock(&place.locked(), PASSPHRASE).await, "vault.age is missing"));
    fs::rename(&aside, place.file("vault.age")).unwrap();

    fs::rename(place.file("identity.age"), &aside).unwrap();
    assert!(is_damaged(&unlock(&place.locked(), PASSPHRASE).await, "identity.age is missing"));

    // The state after a process was killed one step before the end of creating the vault.
    fs::rename(&aside, place.file("identity.age.new")).unwrap();
    fs::write(place.file(".tmp-left"), b"").unwrap();
    assert_eq!(place.locked().status().await, Err(StoreError::NotInitialized));
    unlock(&place.locked(), "Hb4-another-one-Tr8-Lp1").await.unwrap();
    assert_eq!(place.names(), ["identity.age", "lock", "vault.age"]);
}

#[tokio::test]
async fn a_vault_that_took_the_place_of_the_unlocked_one_is_locked() {
    let (place, other) = (VaultFolder::new(), VaultFolder::new());
    let store = place.unlocked().await;
    drop(other.unlocked().await);
    for name in ["identity.age", "vault.age"] {
        fs::rename(other.file(name), place.file(name)).unwrap();
    }
    assert_eq!(store.get(&key("k")).await.map(drop), Err(StoreError::Locked));
    unlock(&store, PASSPHRASE).await.unwrap();
    assert_eq!(store.get(&key("k")).await.map(drop), Err(StoreError::NotFound));
    fs::remove_dir_all(place.vault()).unwrap();
    assert_eq!(store.put(&key("k"), &secret("x")).await, Err(StoreError::NotInitialized));
}

#[tokio::test]
async fn a_lock_that_is_never_released_ends_the_call_and_nothing_is_written_later() {
    let place = VaultFolder::new();
    let store = place.unlocked().await;
    store.put(&key("k"), &secret("old")).await.unwrap();
    let held = fs::File::open(place.file("lock")).unwrap();
    held.lock().unwrap();
    let before = fs::read(place.file("vault.age")).unwrap();
    assert!(matches!(store.put(&key("k"), &secret("new")).await, Err(StoreError::TimedOut(_))));
    assert_same(store.get(&key("k")).await, &secret("old"));
    drop(held);
    assert_same(store.get(&key("k")).await, &secret("old"));
    assert_eq!(fs::read(place.file("vault.age")).unwrap(), before);
}

#[cfg(unix)]
mod on_unix {
    use std::io::Read;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::process::{Command, Stdio};

    use super::*;
    use crate::support::{nested_run, programs_installed};

    /// Environment variable of the nested run: the folder of the vault.
    const VAULT_VARIABLE: &str = "TOKENRING_TEST_VAULT";

    fn given_vault() -> PathBuf {
        std::env::var_os(VAULT_VARIABLE).unwrap().into()
    }

    #[tokio::test]
    async fn its_files_are_private_and_stay_so() {
        let place = VaultFolder::new();
        let store = place.unlocked().await;
        store.put(&key("k"), &secret("x")).await.unwrap();
        let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(place.vault()), 0o700);
        for name in place.names() {
            assert_eq!(mode(place.file(&name)), 0o600, "{name}");
        }
        for name in ["identity.age", "vault.age"] {
            fs::set_permissions(place.file(name), fs::Permissions::from_mode(0o644)).unwrap();
            let refused = unlock(&place.locked(), PASSPHRASE).await;
            assert!(
                matches!(refused, Err(StoreError::InsecureFile(why)) if why.contains("mode 644")),
                "{name}"
            );
            fs::set_permissions(place.file(name), fs::Permissions::from_mode(0o600)).unwrap();
        }
    }

    #[tokio::test]
    async fn links_in_the_way_are_refused() {
        let (place, other) = (VaultFolder::new(), VaultFolder::new());
        drop(other.unlocked().await);
        symlink(other.vault(), place.vault()).unwrap();
        assert!(matches!(
            unlock(&place.locked(), PASSPHRASE).await,
            Err(StoreError::InsecureFile(_))
        ));
        fs::remove_file(place.vault()).unwrap();

        let store = place.unlocked().await;
        fs::remove_file(place.file("vault.age")).unwrap();
        symlink(other.file("vault.age"), place.file("vault.age")).unwrap();
        assert!(matches!(
            store.put(&key("k"), &secret("x")).await,
            Err(StoreError::InsecureFile(_))
        ));
        assert!(matches!(store.get(&key("k")).await, Err(StoreError::InsecureFile(_))));
    }

    /// Runs `body` on a vault that already holds `k = old`, wrapped in a command whose last
    /// arguments are the command to run.
    fn with_stored_secret(mut wrapper: Command, body: impl AsyncFnOnce()) {
        let place = VaultFolder::new();
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            place.unlocked().await.put(&key("k"), &secret("old")).await.unwrap();
        });
        wrapper.env(VAULT_VARIABLE, place.vault());
        nested_run::run_nested(wrapper, body);
        fs::set_permissions(place.vault(), fs::Permissions::from_mode(0o700)).unwrap();
    }

    async fn refuses_a_write_and_keeps_the_old(store: &FileStore, words: &str) {
        let refused =
            store.put(&key("k"), &tokenring::domain::Secret::new(vec![b'x'; 1 << 16])).await;
        assert!(
            matches!(&refused, Err(StoreError::DiskError(why)) if why.contains(words)),
            "{refused:?}"
        );
        assert_same(store.get(&key("k")).await, &secret("old"));
    }

    #[test]
    fn a_full_disk_is_named_and_the_old_file_stays() {
        // A limit on the file size (`ulimit -f`) simulates a full disk: the write fails half-way in
        // the same manner.
        let mut wrapper = Command::new("bash");
        wrapper.args(["-c", r#"trap "" XFSZ; ulimit -f 8; exec "$@""#, "bash"]);
        with_stored_secret(wrapper, async || {
            let store = unlocked_at(&given_vault()).await;
            refuses_a_write_and_keeps_the_old(&store, "too large").await;
            assert!(fs::read_dir(given_vault()).unwrap().all(|entry| {
                !entry.unwrap().file_name().to_string_lossy().starts_with(".tmp-")
            }));
        });
    }

    #[test]
    fn a_read_only_folder_can_be_read_and_says_why_it_cannot_be_written() {
        if !programs_installed(&["setpriv"]) {
            return;
        }
        // Without this capability even root has to obey the permissions of a folder.
        let mut wrapper = Command::new("setpriv");
        wrapper.args(["--bounding-set=-dac_override", "--inh-caps=-dac_override"]);
        if !rustix::process::geteuid().is_root() {
            wrapper = Command::new("env");
        }
        with_stored_secret(wrapper, async || {
            fs::set_permissions(given_vault(), fs::Permissions::from_mode(0o500)).unwrap();
            let store = unlocked_at(&given_vault()).await;
            refuses_a_write_and_keeps_the_old(&store, "ermission denied").await;
        });
    }

    #[test]
    fn a_process_that_is_killed_while_it_writes_leaves_a_whole_vault() {
        let place = VaultFolder::new();
        let mut wrapper = Command::new("env");
        wrapper.env(VAULT_VARIABLE, place.vault());
        let writer = nested_run::nested_command(wrapper, async || {
            let store = unlocked_at(&given_vault()).await;
            println!("begun");
            for n in 0_u32.. {
                store.put(&key("k"), &secret(&format!("value {n}"))).await.unwrap();
            }
        });
        let Some(mut writer) = writer else { return };
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            for round in 0..8 {
                let mut child = writer.stdout(Stdio::piped()).spawn().unwrap();
                let mut output = child.stdout.take().unwrap();
                let mut seen = String::new();
                while !seen.contains("begun") {
                    let mut byte = [0];
                    output.read_exact(&mut byte).expect("it begins to write");
                    seen.push(byte[0].into());
                }
                kill_during_the_writes(&place, round, &mut child).await;
            }
            drop(place.unlocked().await);
            assert_eq!(place.names(), ["identity.age", "lock", "vault.age"]);
        });
    }

    /// Waits for a different number of writes in each round, then kills the writer and checks what
    /// it left.
    async fn kill_during_the_writes(
        place: &VaultFolder,
        round: usize,
        child: &mut std::process::Child,
    ) {
        let inode =
            || std::os::unix::fs::MetadataExt::ino(&fs::metadata(place.file("vault.age")).unwrap());
        for _ in 0..=round {
            let last = inode();
            crate::support::wait_until("it writes", async || inode() != last).await;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let read = place.unlocked().await.get(&key("k")).await.unwrap();
        assert!(read.expose(|bytes| bytes.starts_with(b"value ")));
    }
}
