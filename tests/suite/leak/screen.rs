//! Leak tests of the screen: its output to the terminal, and its memory.

use std::fs;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};

use super::{LeakGate, random};
use crate::passphrase::shown_words;
use crate::support::program::{Home, PASSPHRASE};
use crate::support::pty::Pty;
use crate::support::wait_until;

/// ID of a user that owns no files.
const UNPRIVILEGED_USER: u32 = 65_534;

/// Starts the screen with an unlocked store.
fn unlocked(gate: &LeakGate) -> Pty {
    gate.home.unlocked_screen()
}

impl Pty {
    /// Moves to the next field or button, which must be this one.
    #[track_caller]
    fn tab_to(&mut self, place: &str) {
        self.send("\t");
        self.expect(&format!("▸ {place}"));
    }
}

impl LeakGate {
    /// Adds the first canary credential; returns its secret.
    fn add_first_canary(&mut self) -> String {
        let canary = self.canaries.remove(0);
        self.run(
            &["add", canary.name, "--provider", canary.provider, "--kind", canary.kind],
            &canary.input,
        )
        .expect(0);
        canary.secret
    }

    /// Searches the files in /proc that other processes can read.
    pub(super) fn search_process_files(&mut self, pty: &Pty) {
        for file in ["cmdline", "environ"] {
            let bytes = fs::read(format!("/proc/{}/{file}", pty.pid().as_raw_nonzero())).unwrap();
            assert!(!bytes.is_empty(), "{file} can be read");
            self.search_bytes(file, &bytes);
        }
    }
}

#[test]
fn the_screen_shows_a_secret_only_while_it_is_revealed() {
    let mut gate = LeakGate::new();
    gate.search.add_secret("the passphrase", PASSPHRASE);
    let secret = gate.add_first_canary();
    let pasted = gate.canaries.remove(0).secret;
    let mut pty = unlocked(&gate);
    gate.search_process_files(&pty);

    let begin = pty.written();
    pty.send("x");
    pty.expect(&secret);
    pty.send("x");
    pty.expect_gone(&secret);
    let end = pty.written();
    assert!(
        gate.search.find(&pty.bytes(begin)[..end - begin]).is_some(),
        "what is revealed is found"
    );

    for (keys, sign) in [
        ("y", "Nothing was copied"),
        ("c", "200"),
        ("t", "‹secret›"),
        ("Y", "Copy request as"),
        ("\r", "Nothing was copied"),
        ("/pers", "1 of 1"),
    ] {
        pty.type_keys_and_wait(keys);
        pty.expect(sign);
        // Esc and a key right after it would be read as Alt with that key.
        if matches!(keys, "y" | "\r" | "/pers") {
            pty.send("\x1b");
            pty.expect_gone(sign);
        }
    }
    pty.send(&format!("\x1b[200~{pasted}\x1b[201~"));
    pty.expect("Add credential");
    pty.expect("Recognized from the secret");
    pty.expect("▸ Name");
    pty.send("pasted");
    pty.expect("pasted");
    for place in ["Token ID", "Organization ID", "Group ID", "Labels", "Expires", "Cancel", "Add"] {
        pty.tab_to(place);
    }
    pty.send("\r");
    pty.expect("2 credentials");
    gate.search_process_files(&pty);
    pty.send("q");
    assert_eq!(pty.code(), 0);

    let bytes = pty.bytes(0);
    gate.search_bytes("the screen before", &bytes[..begin]);
    gate.search_bytes("the screen after", &bytes[end..]);
    gate.search_files();
    gate.assert_no_leaks();
}

#[test]
fn a_masked_secret_is_not_in_the_memory_of_the_screen() {
    let mut gate = LeakGate::new();
    let secret = gate.add_first_canary();
    let mut pty = unlocked(&gate);
    if fs::File::open(format!("/proc/{}/mem", pty.pid().as_raw_nonzero())).is_err() {
        return println!(
            "skipped: the memory of the program cannot be read, as intended; root could"
        );
    }
    pty.send("x");
    pty.expect(&secret);
    assert!(copies(&pty, &secret) > 0, "the search finds the secret while it is shown");
    pty.send("x");
    pty.expect_gone(&secret);
    wait_until_gone_from(&pty, &secret);
    pty.send("t");
    pty.expect("‹secret›");
    wait_until_gone_from(&pty, &secret);
    wait_until_gone_from(&pty, PASSPHRASE);
    pty.send("q");
    assert_eq!(pty.code(), 0);
}

/// How a terminal sends a pasted text.
type TerminalPaste = fn(&str) -> String;

#[test]
fn a_canceled_paste_is_not_in_the_memory_of_the_screen() {
    let mut gate = LeakGate::new();
    gate.add_first_canary();
    let mut pty = unlocked(&gate);
    if fs::File::open(format!("/proc/{}/mem", pty.pid().as_raw_nonzero())).is_err() {
        return println!(
            "skipped: the memory of the program cannot be read, as intended; root could"
        );
    }
    let marked: TerminalPaste = |text| format!("\x1b[200~{text}\x1b[201~");
    let unmarked: TerminalPaste = |text| text.to_owned();
    let ways: [(_, _, TerminalPaste); 4] = [
        ("Add credential", "This is a Snyk", marked),
        ("Edit personal", "This is a Snyk", marked),
        // Canceled while the paste may still be identified.
        ("Add credential", "Add credential", marked),
        // From a terminal that does not mark pastes.
        ("Add credential", "This is a Snyk", unmarked),
    ];
    for (dialog, sign, pasted) in ways {
        let secret = random(40);
        if dialog.starts_with("Edit") {
            pty.send("e");
            pty.expect(dialog);
            pty.tab_to("Region");
        }
        pty.send(&pasted(&super::whole_pat(&secret)));
        pty.expect(dialog);
        pty.expect(sign);
        let open = copies(&pty, &secret);
        assert!(open > 0, "the search finds it while the dialog is open");
        pty.send("\x1b");
        pty.expect_gone(dialog);
        wait_until_gone_from(&pty, &secret);
    }
    pty.send("q");
    assert_eq!(pty.code(), 0);
}

#[test]
fn generated_words_that_were_canceled_are_not_in_the_memory_of_the_screen() {
    let home = Home::on_keyring().with("TOKENRING_STORE", "file");
    let mut pty = home.screen();
    if fs::File::open(format!("/proc/{}/mem", pty.pid().as_raw_nonzero())).is_err() {
        return println!(
            "skipped: the memory of the program cannot be read, as intended; root could"
        );
    }
    pty.expect("Welcome");
    pty.escape();
    pty.send("u");
    pty.expect("Create store");
    pty.send("\x1b[Z\x1b[Z\x1b[Z");
    pty.expect("▸ Generate six words ◂");
    pty.send("\r");
    pty.expect("type them again");
    pty.expect_whole_frame();
    let words = shown_words(&pty.text(), 3);
    assert!(copies(&pty, &words) > 0, "the search finds the words while they are shown");
    pty.escape();
    pty.expect_gone("Create store");
    wait_until_gone_from(&pty, &words);
    pty.send("q");
    assert_eq!(pty.code(), 0);
}

/// Waits until the memory of the program has no copy of the text.
#[track_caller]
pub(super) fn wait_until_gone_from(pty: &Pty, secret: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(wait_until("the secret is forgotten", async || copies(pty, secret) == 0));
}

/// Counts the copies of a text in the writable memory of the program.
fn copies(pty: &Pty, text: &str) -> usize {
    let process = format!("/proc/{}", pty.pid().as_raw_nonzero());
    let memory = fs::File::open(format!("{process}/mem")).unwrap();
    let maps = fs::read_to_string(format!("{process}/maps")).unwrap();
    let address = |text| u64::from_str_radix(text, 16).unwrap();
    let writable = maps
        .lines()
        .filter_map(|line| line.split_once(" rw"))
        .map(|(range, _)| range.split_once('-').unwrap());
    writable
        .map(|(from, to)| {
            let mut bytes = vec![0; usize::try_from(address(to) - address(from)).unwrap()];
            // A mapping that has been removed, or was never touched, holds nothing.
            let read = memory.read_at(&mut bytes, address(from)).unwrap_or(0);
            bytes[..read].windows(text.len()).filter(|window| *window == text.as_bytes()).count()
        })
        .sum()
}

#[test]
fn the_process_leaves_no_core_dump_and_cannot_be_inspected() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tokenring"));
    command
        .args(["sandbox", "--json"])
        .env("TOKENRING_HOME", format!("/nonexistent/{}", random(8)));
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    // For a process of root, the owner of these files does not show whether others may read them.
    let is_root = rustix::process::geteuid().is_root();
    if is_root {
        command.uid(UNPRIVILEGED_USER).gid(UNPRIVILEGED_USER);
    }
    let mut child = command.spawn().unwrap();
    std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut [0]).unwrap();
    let process = format!("/proc/{}", child.id());
    let limits = fs::read_to_string(format!("{process}/limits")).unwrap();
    let owner = fs::metadata(format!("{process}/environ")).unwrap().uid();
    child.kill().unwrap();
    child.wait().unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"]);
    assert_eq!(owner, 0, "the files of a process that cannot be dumped belong to root");
}
