//! Tests of the built program with a real Secret Service: what other programs see of its items, and
//! the messages when the service is locked, stopped, killed or missing.

use std::path::Path;
use std::time::{Duration, Instant};

use tokenring::database::Database;

use crate::support::program::{Home, Outcome};
use crate::support::pty::Pty;
use crate::support::secret_service::{
    KeyringState, another_daemon, bus_at, lock, secret_tool, session, signal,
};
use crate::support::wait_until;

const SECRET: &str = "5ec2e700-0000-4000-8000-00000000cafe";

/// Maximum duration of a command beyond its duration without a store.
const MAX_STORE_TIME: Duration = Duration::from_secs(4);

/// Commands that need the store.
const STORE_COMMANDS: [&[&str]; 6] = [
    &["get", "laptop"],
    &["check", "laptop"],
    &["probe", "laptop"],
    &["request", "laptop", "/rest/self"],
    &["edit", "laptop", "--secret"],
    &["remove", "laptop", "--yes"],
];

fn add(home: &Home, name: &str) -> Outcome {
    home.feed(
        &["add", name, "--provider", "snyk", "--kind", "personal-token", "--region", "SNYK-EU-01"],
        SECRET,
    )
}

/// A home on the keyring of this session with one credential.
fn home_with_laptop() -> Home {
    let home = Home::on_keyring();
    add(&home, "laptop").expect(0);
    home
}

/// The name of the keyring item that holds the secret of a credential.
fn item_of(home: &Home, name: &str) -> String {
    let index = Database::open(&home.root().join("data/index.db")).unwrap();
    format!("{}/current/secret", index.credential_by_name(name).unwrap().id)
}

/// The secret of an item as an independent client (`secret-tool`) reads it.
fn secret_tool_lookup(item: &str) -> Vec<u8> {
    secret_tool(&["lookup", "service", "tokenring", "username", item], b"").stdout
}

/// The names of all keyring items of this program, as an independent client lists them.
fn items() -> Vec<String> {
    let listed = secret_tool(&["search", "--all", "--unlock", "service", "tokenring"], b"");
    let listed = [listed.stdout, listed.stderr].concat();
    let mut names: Vec<_> = String::from_utf8_lossy(&listed)
        .lines()
        .filter_map(|line| line.strip_prefix("attribute.username = "))
        .map(str::to_owned)
        .collect();
    names.sort_unstable();
    names
}

fn status(home: &Home) -> (Outcome, String) {
    let status = home.run(&["store", "status", "--json"]);
    let why = status.json()["findings"][0]["why"].as_str().unwrap().to_owned();
    (status, why)
}

/// Runs a command and fails unless it ends in time.
#[track_caller]
fn in_time(home: &Home, run: impl FnOnce() -> Outcome) -> Outcome {
    let begin = Instant::now();
    home.run(&["list"]).expect(0);
    let without_store = begin.elapsed();
    let begin = Instant::now();
    let outcome = run();
    let took = begin.elapsed().saturating_sub(without_store);
    assert!(took < MAX_STORE_TIME, "{took:?}: {}{}", outcome.out, outcome.err);
    outcome
}

/// Fails unless every command that needs the store reports this reason in time with the exit code
/// of the store, and leaves nothing half done.
#[track_caller]
fn assert_store_unavailable(home: &Home, words: &str) {
    for arguments in STORE_COMMANDS {
        let told = in_time(home, || home.feed(arguments, "another-secret")).expect(6);
        assert!(told.err.contains(words), "{arguments:?}: {}", told.err);
    }
    let told = in_time(home, || add(home, "phone")).expect(6);
    assert!(told.err.contains(words), "{}", told.err);
    let told = in_time(home, || status(home).0).expect(6);
    assert!(told.out.contains(words), "{}", told.out);
    let listed = home.run(&["list", "--json"]).expect(0).json();
    assert_eq!(
        listed.as_array().unwrap().len(),
        1,
        "no credential is partly added or removed: {listed}"
    );
}

/// Fails unless the keyring and the index hold the same as before.
#[track_caller]
fn assert_unchanged(home: &Home, before: &[String]) {
    assert_eq!(status(home).0.expect(0).json()["findings"][0]["level"], "ok");
    assert_eq!(home.run(&["get", "laptop"]).expect(0).out, SECRET);
    assert_eq!(items(), before);
    add(home, "phone").expect(0);
    home.run(&["remove", "phone", "--yes"]).expect(0);
    assert_eq!(items(), before);
}

#[test]
fn other_programs_read_what_a_command_stores_until_it_is_removed() {
    session(KeyringState::Unlocked, async || {
        let home = home_with_laptop();
        let item = item_of(&home, "laptop");
        assert_eq!(home.run(&["get", "laptop"]).expect(0).out, SECRET);
        assert_eq!(secret_tool_lookup(&item), SECRET.as_bytes());

        signal("KILL");
        wait_until("the daemon is gone", async || home.run(&["get", "laptop"]).code == 6).await;
        let _daemon = another_daemon();
        wait_until("its successor is there", async || status(&home).0.code == 0).await;
        assert_eq!(home.run(&["get", "laptop"]).expect(0).out, SECRET);
        assert_eq!(secret_tool_lookup(&item), SECRET.as_bytes());

        home.run(&["edit", "laptop", "--rename", "desk"]).expect(0);
        assert_eq!(
            secret_tool_lookup(&item),
            SECRET.as_bytes(),
            "a new name moves nothing in the keyring"
        );
        assert!(items().contains(&item));
        home.run(&["remove", "desk", "--yes"]).expect(0);
        assert_eq!(secret_tool_lookup(&item), b"");
        assert!(
            !items().iter().any(|name| name.contains(item.split('/').next().unwrap())),
            "{:?}",
            items()
        );
    });
}

#[test]
fn what_a_command_stores_is_in_the_keyring_and_in_no_file() {
    session(KeyringState::Unlocked, async || {
        let home = home_with_laptop();
        let mut folders = vec![home.root()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    assert!(!holds(&path, SECRET.as_bytes()), "{}", path.display());
                }
            }
        }
    });
}

#[test]
fn a_secret_that_no_item_can_hold_is_refused_before_anything_is_written() {
    session(KeyringState::Unlocked, async || {
        let home = Home::on_keyring();
        let add = ["add", "whale", "--provider", "snyk", "--kind", "personal-token"];
        let refused = home.feed(&add, &"x".repeat((1 << 16) + 1)).expect(6);
        assert!(
            refused.err.contains("has 65537 bytes, but the store accepts at most 65536"),
            "{}",
            refused.err
        );
        assert_eq!(home.run(&["list", "--json"]).expect(0).out.trim(), "[]");
        assert_eq!(items(), [""; 0]);
    });
}

fn holds(file: &Path, text: &[u8]) -> bool {
    std::fs::read(file).unwrap().windows(text.len()).any(|window| window == text)
}

#[test]
fn a_locked_keyring_is_reported_as_locked() {
    session(KeyringState::Unlocked, async || {
        let (home, before) = (home_with_laptop(), items());
        lock();
        assert_store_unavailable(&home, "locked");
        signal("KILL");
        let _daemon = another_daemon();
        wait_until("its successor is there", async || status(&home).0.code == 0).await;
        assert_unchanged(&home, &before);
    });
}

#[test]
fn a_stopped_keyring_is_reported_as_not_responding() {
    session(KeyringState::Unlocked, async || {
        let (home, before) = (home_with_laptop(), items());
        signal("STOP");
        assert_store_unavailable(&home, "not respond");
        signal("CONT");
        assert_unchanged(&home, &before);
    });
}

#[test]
fn a_killed_keyring_is_reported_as_not_available() {
    session(KeyringState::Unlocked, async || {
        let (home, before) = (home_with_laptop(), items());
        signal("KILL");
        wait_until("the daemon is gone", async || {
            home.run(&["get", "laptop"]).err.contains("not available")
        })
        .await;
        assert_store_unavailable(&home, "not available");
        let _daemon = another_daemon();
        wait_until("its successor is there", async || status(&home).0.code == 0).await;
        assert_unchanged(&home, &before);
    });
}

#[test]
fn a_session_without_a_bus_is_reported_as_without_keyring() {
    bus_at("unix:path=/nonexistent/bus", async || {
        let home = Home::on_keyring();
        let told = in_time(&home, || add(&home, "laptop")).expect(6);
        assert!(told.err.contains("not available") && told.err.contains("bus"), "{}", told.err);
        assert_eq!(home.run(&["list", "--json"]).expect(0).out.trim(), "[]");
        let (told, why) = status(&home);
        told.expect(6);
        assert!(why.contains("bus"), "{why}");
    });
}

/// Starts the screen in this home.
fn screen(home: &Home) -> Pty {
    let pty = home.screen();
    pty.expect("laptop");
    pty
}

/// Fails unless the screen responds to keys.
#[track_caller]
fn assert_responsive(pty: &mut Pty) {
    pty.send("?");
    pty.expect("Navigation");
    pty.send("\x1b");
    pty.expect_gone("Navigation");
}

#[test]
fn the_screen_stays_alive_over_a_keyring_that_is_locked_stopped_or_gone() {
    session(KeyringState::Unlocked, async || {
        let home = home_with_laptop();
        lock();
        let mut pty = screen(&home);
        pty.expect("Secret Service locked");
        for keys in ["", "x"] {
            pty.send(keys);
            pty.expect("your desktop asks for");
            pty.escape();
            pty.expect_gone("your desktop asks for");
        }
        assert_responsive(&mut pty);

        signal("STOP");
        pty.send("x");
        assert_responsive(&mut pty);
        pty.expect("The store does not respond");
        pty.send("\x1b");
        pty.expect_gone("The store does not respond");
        pty.send("\x1b[15~");
        pty.expect("Secret Service not responding");
        assert_responsive(&mut pty);

        signal("KILL");
        pty.send("\x1b[15~");
        pty.expect("Secret Service unavailable");
        assert_responsive(&mut pty);
        pty.send("q");
        assert_eq!(pty.code(), 0);
    });
}

#[test]
fn everything_moves_from_the_keyring_to_the_encrypted_file_and_back() {
    session(KeyringState::Unlocked, async || {
        let home = home_with_laptop();
        let passphrase = home.root().join("passphrase");
        std::fs::write(&passphrase, "a-passphrase-for-Zk2-moves-Xw9").unwrap();
        std::fs::set_permissions(&passphrase, std::os::unix::fs::PermissionsExt::from_mode(0o600))
            .unwrap();
        let home = home.with("TOKENRING_PASSPHRASE_FILE", passphrase.to_str().unwrap());
        let before = items();

        let planned =
            home.run(&["store", "migrate", "--to", "file", "--dry-run", "--json"]).expect(0).json();
        assert!(planned.as_array().unwrap().iter().all(|item| item["state"] == "new"), "{planned}");
        let moved = home.run(&["store", "migrate", "--to", "file"]).expect(0);
        assert!(
            moved.err.contains("TOKENRING_STORE=keyring") && !moved.out.contains(SECRET),
            "{}",
            moved.err
        );
        assert_eq!(items(), before, "the source is unchanged unless its deletion was requested");
        let settings = std::fs::read_to_string(home.root().join("config/config.toml")).unwrap();
        assert!(settings.contains("store = \"file\""), "{settings}");

        let home = home.with("TOKENRING_STORE", "file");
        assert_eq!(home.run(&["get", "laptop"]).expect(0).out, SECRET);
        let from = |source| {
            let migrate = ["store", "migrate", "--to", "file", "--from", source];
            home.run(&[&migrate[..], &["--delete-source", "--json"]].concat())
        };
        assert!(from("file").expect(2).err.contains("the same store"));
        let left = from("keyring").expect(0).json();
        assert_eq!(
            (left["deleted"].as_u64(), items().len()),
            (Some(4), 0),
            "the secret, the key of the fingerprints, the anchor of the audit log, and that the bindings were recorded"
        );
        assert_eq!(home.run(&["get", "laptop"]).expect(0).out, SECRET);

        home.run(&["store", "migrate", "--to", "keyring", "--delete-source"]).expect(0);
        assert_eq!(items(), before);
        let home = home.with("TOKENRING_STORE", "keyring");
        assert_eq!(home.run(&["get", "laptop"]).expect(0).out, SECRET);
        home.feed(
            &[
                "add",
                "again",
                "--provider",
                "snyk",
                "--kind",
                "personal-token",
                "--region",
                "SNYK-EU-01",
            ],
            SECRET,
        )
        .expect(0);
    });
}

#[test]
fn eight_processes_that_move_everything_at_once_lose_nothing() {
    session(KeyringState::Unlocked, async || {
        let home = Home::new().with("TOKENRING_STORE", "keyring");
        add(&home, "laptop").expect(0);
        let outcomes: Vec<_> = std::thread::scope(|scope| {
            let movers: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| home.run(&["store", "migrate", "--to", "file"])))
                .collect();
            movers.into_iter().map(|mover| mover.join().unwrap()).collect()
        });
        for refused in outcomes.iter().filter(|outcome| outcome.code != 0) {
            assert!(refused.err.contains("fix: "), "{}", refused.err);
        }
        home.run(&["store", "migrate", "--to", "file"]).expect(0);
        let settings = std::fs::read_to_string(home.root().join("config/config.toml")).unwrap();
        assert_eq!(settings.matches("store = \"file\"").count(), 1, "{settings}");
        let home = home.with("TOKENRING_STORE", "file");
        assert_eq!(home.run(&["get", "laptop"]).expect(0).out, SECRET);
        home.run(&["store", "migrate", "--to", "file", "--delete-source"]).expect(0);
        assert_eq!(
            (items().len(), home.run(&["get", "laptop"]).expect(0).out.as_str()),
            (0, SECRET)
        );
    });
}
