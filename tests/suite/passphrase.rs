//! Tests of the passphrase of the encrypted file: a weak one is refused, six words are offered, and
//! a change loses nothing, wherever it is interrupted.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::support::program::{Home, PASSPHRASE};
use crate::support::wait_until;

const NEW_PASSPHRASE: &str = "Hb4-chosen-for-Tr8-tests-Lp1";
const SECRET: &str = "0000abcd-0000-4000-8000-00000000a5ca";

/// Writes a private file beside the program's own files.
fn write_private(home: &Home, name: &str, text: &str) -> PathBuf {
    let path = home.root().join(name);
    fs::create_dir_all(home.root()).unwrap();
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path
}

fn vault(home: &Home) -> PathBuf {
    home.root().join("data/vault")
}

fn home_with_secret() -> Home {
    let home = Home::new();
    let arguments =
        ["add", "laptop", "--provider", "snyk", "--kind", "personal-token", "--region", "eu"];
    home.feed(&[&arguments[..], &["--offline"]].concat(), SECRET).expect(0);
    home
}

/// Runs `get laptop` with the passphrase in this file and returns its exit code.
fn get_with(home: &Home, passphrase: &Path) -> i32 {
    let mut command = home.command(&["get", "laptop"]);
    let done = command.env("TOKENRING_PASSPHRASE_FILE", passphrase).output().unwrap();
    assert_eq!(
        String::from_utf8_lossy(&done.stdout).contains(SECRET),
        done.status.success(),
        "{done:?}"
    );
    done.status.code().unwrap()
}

fn vault_files(home: &Home) -> Vec<String> {
    let entries = fs::read_dir(vault(home)).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_weak_passphrase_creates_no_encrypted_file() {
    let home = Home::new();
    fs::remove_dir_all(vault(&home)).unwrap();
    let weak = write_private(&home, "weak", "Summer2026!\n");
    let home = home.with("TOKENRING_PASSPHRASE_FILE", weak.to_str().unwrap());
    let told = home.run(&["store", "unlock"]).expect(6);
    assert!(told.err.contains("too easy to guess") && told.err.contains("six"), "{}", told.err);
    assert!(!vault(&home).exists());
    write_private(&home, "weak", NEW_PASSPHRASE);
    home.run(&["store", "unlock"]).expect(0);
    let identity = fs::read(vault(&home).join("identity.age")).unwrap();
    let identity = String::from_utf8_lossy(&identity);
    let stanza = identity.lines().find(|line| line.starts_with("-> scrypt ")).unwrap();
    assert!(stanza.ends_with(" 18"), "the work factor of the age program: {stanza}");
}

#[test]
fn six_words_are_offered_and_must_be_typed_once() {
    let home = Home::on_keyring().with("TOKENRING_STORE", "file");
    let mut pty = home.at_terminal(&["store", "unlock"]);
    pty.expect("Enter generates six random words");
    pty.send("\r");
    pty.expect("Confirm passphrase");
    let screen = pty.text();
    let words = screen.lines().find(|line| line.starts_with("  ")).unwrap().trim().to_owned();
    assert_eq!(words.split(' ').count(), 6, "{screen}");
    pty.send(&format!("{words}\r"));
    pty.expect("encrypted file: unlocked");
    assert_eq!(pty.code(), 0);
    let passphrase = write_private(&home, "words", &words);
    let home = home.with("TOKENRING_PASSPHRASE_FILE", passphrase.to_str().unwrap());
    home.run(&["store", "unlock"]).expect(0);

    let other = Home::on_keyring().with("TOKENRING_STORE", "file");
    let mut pty = other.at_terminal(&["store", "unlock"]);
    pty.expect("Enter generates six random words");
    pty.send("\r");
    pty.expect("Confirm passphrase");
    pty.send("something else\r");
    pty.expect("do not match");
    assert_eq!(pty.code(), 2);
    assert!(!vault(&other).exists());
}

/// Returns the words of the passphrase list on the lines and between the borders of the screen that
/// have this number of words and nothing else.
pub(crate) fn shown_words(screen: &str, on_line: usize) -> String {
    let is_word = |word: &&str| word.chars().all(|c| c.is_ascii_lowercase() || c == '-');
    let parts = screen.lines().flat_map(|line| line.split(['│', '┃']));
    let words = parts.map(|part| part.split_whitespace().collect::<Vec<_>>());
    let found: Vec<_> =
        words.filter(|words| words.len() == on_line && words.iter().all(is_word)).collect();
    found.concat().join(" ")
}

/// Checks that these six words open the encrypted file that was created with them.
fn assert_opened_by(home: Home, words: &str) {
    assert_eq!(words.split(' ').count(), 6, "{words}");
    let passphrase = write_private(&home, "words", words);
    let home = home.with("TOKENRING_PASSPHRASE_FILE", passphrase.to_str().unwrap());
    home.run(&["store", "unlock"]).expect(0);
}

#[test]
fn the_screen_generates_six_words_and_asks_for_them() {
    let home = Home::on_keyring().with("TOKENRING_STORE", "file");
    let mut pty = home.screen();
    pty.expect("Welcome");
    pty.escape();
    pty.expect_gone("Welcome");
    pty.send("u");
    pty.expect("Create store");
    pty.send("\x1b[Z\x1b[Z\x1b[Z");
    pty.expect("▸ Generate six words ◂");
    pty.send("\r");
    pty.expect("type them again");
    pty.expect_whole_frame();
    let words = shown_words(&pty.text(), 3);
    pty.send(&format!("{words}\r"));
    pty.expect("▸ Create ◂");
    pty.send("\r");
    pty.expect_gone("Create store");
    pty.expect("store ● encrypted file");
    assert!(!pty.text().contains(words.split_once(' ').unwrap().0));
    pty.send("q");
    assert_eq!(pty.code(), 0);
    assert_opened_by(home, &words);
}

#[test]
fn plain_text_mode_prints_the_six_words_once() {
    let home = Home::on_keyring().with("TOKENRING_STORE", "file");
    let mut pty = home.at_terminal(&["--plain"]);
    pty.expect("tokenring> ");
    pty.send("unlock\n");
    pty.expect("Passphrase (not shown)");
    pty.send("\n");
    pty.expect("Confirm passphrase (not shown)");
    pty.send("\n");
    pty.expect("1 Generate six words");
    pty.send("1\n");
    pty.expect("type them again");
    pty.expect_that("six words", |screen| !shown_words(screen, 6).is_empty());
    let words = shown_words(&pty.text(), 6);
    pty.expect_that("the confirmation", |screen| screen.matches("Confirm passphrase").count() == 2);
    pty.send(&format!("{words}\n"));
    pty.expect_that("the buttons", |screen| screen.matches("3 Create").count() == 2);
    pty.send("\n");
    pty.expect("Unlock the store: done.");
    pty.send("quit\n");
    assert_eq!(pty.code(), 0);
    let printed = String::from_utf8_lossy(&pty.bytes(0)).into_owned();
    assert_eq!(printed.matches(&words).count(), 1, "{printed}");
    assert_opened_by(home, &words);
}

#[test]
fn the_passphrase_is_changed_and_the_old_one_opens_nothing() {
    let home = home_with_secret();
    let (old, new) =
        (write_private(&home, "old", PASSPHRASE), write_private(&home, "new", NEW_PASSPHRASE));
    let weak = write_private(&home, "weak", "correct horse");
    let change = |file: &Path| {
        home.run(&["store", "passphrase", "--new-passphrase-file", file.to_str().unwrap()])
    };
    assert!(change(&weak).expect(6).err.contains("too easy to guess"));
    assert_eq!(get_with(&home, &old), 0, "nothing was changed");
    let told = change(&new).expect(0);
    assert!(
        told.err.contains("passphrase changed")
            && told.err.contains("TOKENRING_PASSPHRASE_FILE names"),
        "{}",
        told.err
    );
    assert_eq!((get_with(&home, &old), get_with(&home, &new)), (6, 0));
    assert_eq!(vault_files(&home), ["identity.age", "lock", "vault.age"]);
    let mut audit = home.command(&["audit", "--json"]);
    let audit = audit.env("TOKENRING_PASSPHRASE_FILE", &new).output().unwrap();
    assert!(String::from_utf8_lossy(&audit.stdout).contains("store-passphrase"));
    let mut verify = home.command(&["audit", "--verify"]);
    assert!(verify.env("TOKENRING_PASSPHRASE_FILE", &new).status().unwrap().success());
}

#[test]
fn a_locked_screen_shows_nothing_until_the_passphrase_is_typed() {
    let home = home_with_secret();
    let mut pty = home.unlocked_screen();
    pty.expect("laptop");
    pty.send("\x0c");
    pty.expect("The screen is locked");
    pty.expect_gone("laptop");
    pty.send("not the passphrase\r");
    pty.expect("the passphrase is wrong");
    assert!(!pty.text().contains("laptop"));
    pty.send(&format!("{PASSPHRASE}\r"));
    pty.expect("laptop");
    pty.expect("store ● encrypted file");
    pty.send("q");
    assert_eq!(pty.code(), 0);
}

#[test]
fn a_store_without_a_passphrase_says_so() {
    let home = Home::new().with("TOKENRING_STORE", "memory");
    let told = home.run(&["store", "passphrase"]).expect(2);
    assert!(told.err.contains("no passphrase of its own"), "{}", told.err);
}

#[tokio::test]
async fn a_change_that_is_killed_loses_nothing() {
    for moment in ["passphrase-change", "identity.age.next"] {
        let home = home_with_secret();
        let (old, new) =
            (write_private(&home, "old", PASSPHRASE), write_private(&home, "new", NEW_PASSPHRASE));
        let arguments = ["store", "passphrase", "--new-passphrase-file", new.to_str().unwrap()];
        let mut command = home.command(&arguments);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let reached = vault(&home).join(moment);
        wait_until("the change is under way", async || reached.exists()).await;
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(vault(&home).join("passphrase-change").exists(), "{moment}: it was interrupted");
        let opened = [get_with(&home, &old), get_with(&home, &new)];
        assert_eq!(opened, [0, 6], "{moment}: the new passphrase was not in force yet");
        assert_eq!(vault_files(&home), ["identity.age", "lock", "vault.age"], "{moment}");
    }
}
