//! Tests of the prompts of the command line in a real terminal: what is pasted is taken as a whole or
//! refused as a whole, and nothing of it reaches the shell.

use std::path::Path;

use portable_pty::CommandBuilder;

use crate::support::program::Home;
use crate::support::programs_installed;
use crate::support::pty::Pty;

const TOKEN: &str = "0000abcd-0000-4000-8000-000000001234";

/// Arguments that add a Snyk token under a name.
const ADD: [&str; 8] =
    ["add", "laptop", "--provider", "snyk", "--kind", "personal-token", "--region", "eu"];

/// Lines of a private key, as a clipboard holds them.
fn private_key() -> Vec<String> {
    let body = (0..25).map(|line| format!("{line:02}{}", "MIIEvQIBADANBgkqhkiG9w0BAQEF".repeat(2)));
    std::iter::once("-----BEGIN PRIVATE KEY-----".to_owned())
        .chain(body)
        .chain(["-----END PRIVATE KEY-----".to_owned()])
        .collect()
}

/// A text as a terminal pastes it, with the marks of a bracketed paste.
fn bracketed(lines: &[String]) -> String {
    format!("\u{1b}[200~{}\r\u{1b}[201~", lines.join("\r"))
}

fn start(home: &Home, arguments: &[&str]) -> Pty {
    home.at_terminal(&[arguments, &["--offline"]].concat())
}

#[track_caller]
fn assert_asks_with_bracketed_paste(pty: &Pty, question: &str) {
    pty.expect(question);
    pty.expect_screen("bracketed paste", vt100::Screen::bracketed_paste);
    assert!(pty.is_raw(), "the prompt reads keys itself");
}

/// Ends the shell and fails if it ran or recorded a pasted line.
#[track_caller]
fn assert_shell_got_nothing(mut bash: Pty, folder: &Path) {
    bash.send("echo still-$((20 + 3))\r");
    bash.expect("still-23");
    bash.send("exit\r");
    bash.code();
    assert!(!folder.join("pwned").exists(), "a pasted line ran");
    let history = std::fs::read_to_string(folder.join("history")).unwrap();
    assert!(history.contains("tokenring add"), "{history}");
    assert!(!history.contains("pasted-line") && !history.contains("MIIE"), "{history}");
}

#[test]
fn the_rest_of_a_paste_does_not_reach_the_shell() {
    if !programs_installed(&["bash"]) {
        return;
    }
    let home = Home::new();
    let lines =
        ["pasted-line-1", "touch pwned # pasted-line-2", "pasted-line-3"].map(str::to_owned);
    for pasted in [
        bracketed(&lines) + "\r",
        lines.join("\r") + "\r",
        lines.join("\n"),
        lines.join("\r\n") + "\r\n",
        bracketed(&private_key()) + "\r",
        private_key().join("\r") + "\r",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mut bash = home.interactive_bash(folder.path());
        bash.send(&format!("tokenring {} --offline\r", ADD.join(" ")));
        bash.expect("secret: ");
        bash.send(&pasted);
        bash.expect("error:");
        assert_shell_got_nothing(bash, folder.path());
    }
    home.run(&["show", "laptop"]).expect(3);
}

#[test]
fn what_is_typed_beyond_an_answer_does_not_reach_the_shell() {
    if !programs_installed(&["bash"]) {
        return;
    }
    let (home, folder) = (Home::new(), tempfile::tempdir().unwrap());
    home.feed(&[&ADD[..], &["--offline"]].concat(), TOKEN).expect(0);
    let mut bash = home.interactive_bash(folder.path());
    bash.send("tokenring remove laptop # not tokenring add\r");
    bash.expect("to confirm: ");
    bash.send("laptop\rtouch pwned # pasted-line\r");
    bash.expect("several lines");
    bash.expect("Nothing was changed");
    assert_shell_got_nothing(bash, folder.path());
    home.run(&["show", "laptop"]).expect(0);
}

#[test]
fn a_whole_private_key_is_taken_where_the_kind_takes_one() {
    let add = ["add", "robot", "--provider", "snyk", "--kind", "service-account-oauth"];
    let add = [&add[..], &["--region", "eu", "--field", "client_id=robot"]].concat();
    for pasted in [bracketed(&private_key()) + "\r", private_key().join("\r") + "\r"] {
        let home = Home::new();
        let mut pty = start(&home, &add);
        assert_asks_with_bracketed_paste(&pty, "secret: ");
        pty.send(&pasted);
        assert_eq!(pty.code(), 0, "{}", pty.text());
        pty.assert_restored();
        assert!(!pty.text().contains("MIIE"), "{}", pty.text());
        let stored = home.run(&["get", "robot"]).expect(0).out;
        assert_eq!(stored.lines().collect::<Vec<_>>(), private_key());
    }
    let home = Home::new();
    let refused = home.feed(&[&ADD[..], &["--offline"]].concat(), &private_key().join("\n"));
    assert!(refused.expect(2).err.contains("has several lines"), "a pipe is refused alike");
}

#[test]
fn every_prompt_turns_bracketed_paste_on_and_off() {
    let home = Home::new();
    let mut pty = start(&home, &ADD);
    assert_asks_with_bracketed_paste(&pty, "secret: ");
    pty.send(&format!("\u{1b}[200~{TOKEN}\u{1b}[201~\r"));
    assert_eq!(pty.code(), 0, "{}", pty.text());
    pty.assert_restored();
    assert!(!pty.text().contains(TOKEN));
    assert_eq!(home.run(&["get", "laptop"]).expect(0).out, TOKEN);

    let file = home.root().join("copy.env");
    std::fs::write(&file, format!("SNYK_TOKEN={TOKEN}\n")).unwrap();
    let file = file.to_str().unwrap();
    for (arguments, question, answer, code) in [
        (&["import", "dotenv", file][..], "[y/N] ", "n", 0),
        (&["remove", "laptop"], "to confirm: ", "no", 2),
        (&["rotate", "laptop"], "to confirm: ", "no", 2),
        (&["revoke", "laptop", "--as", "laptop"], "to confirm: ", "no", 2),
    ] {
        let mut pty = home.at_terminal(arguments);
        assert_asks_with_bracketed_paste(&pty, question);
        pty.send(&format!("\u{1b}[200~{answer}\u{1b}[201~\r"));
        assert_eq!(pty.code(), code, "{arguments:?}: {}", pty.text());
        pty.assert_restored();
        assert!(pty.text().contains(&format!("{question}{answer}")), "{}", pty.text());
    }
}

#[test]
fn a_passphrase_has_one_line() {
    let home = Home::new().with("TOKENRING_PASSPHRASE_FILE", "");
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_tokenring"));
    command.args(["store", "unlock"]);
    for (name, value) in home.command(&[]).get_envs() {
        match value.filter(|_| name != "TOKENRING_PASSPHRASE_FILE") {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        }
    }
    command.env("TERM", "xterm-256color");
    let mut pty = Pty::start(command, 120, 36);
    assert_asks_with_bracketed_paste(&pty, "Passphrase for the encrypted file: ");
    pty.send("\u{1b}[200~one\rtwo\u{1b}[201~\r");
    pty.expect("several lines");
    assert_eq!(pty.code(), 2);
    pty.assert_restored();
}

#[test]
fn answers_can_be_corrected_and_interrupted() {
    let home = Home::new();
    home.feed(&[&ADD[..], &["--offline"]].concat(), TOKEN).expect(0);
    let mut pty = home.at_terminal(&["remove", "laptop"]);
    pty.expect("to confirm: ");
    pty.send("wr\u{e9}\u{7f}\u{7f}\u{7f}mist\u{15}lapt\u{1b}[Dopp\u{8}");
    // Responses of the terminal are not typed.
    pty.send("\u{1b}P>|kitty(0.32.2)\u{1b}\\\u{1b}]11;rgb:0000/0000/0000\u{7}\u{1b}[?62;22c\r");
    assert_eq!(pty.code(), 0, "{}", pty.text());
    let shown = pty.text();
    assert!(shown.lines().any(|line| line.trim_end().ends_with("confirm: laptop")), "{shown}");
    home.run(&["show", "laptop"]).expect(3);

    for (typed, code) in [("\u{3}", 130), ("\u{1c}", 131), ("\u{4}", 2)] {
        let mut pty = start(&home, &ADD);
        pty.expect("secret: ");
        pty.send(typed);
        let ended = pty.code();
        // A process that a signal ended has no exit code of its own here.
        assert!(ended == code || code > 128 && ended != 0, "{typed:?}: {ended}");
        pty.assert_restored();
    }
}

#[test]
fn a_stopped_prompt_asks_again() {
    if !programs_installed(&["bash"]) {
        return;
    }
    let (home, folder) = (Home::new(), tempfile::tempdir().unwrap());
    let mut bash = home.interactive_bash(folder.path());
    bash.send(&format!("tokenring {} --offline\r", ADD.join(" ")));
    bash.expect("secret: ");
    let before = bash.written();
    bash.send("\u{1a}");
    bash.expect_bytes(before, b"Stopped");
    let before = bash.written();
    bash.send("fg\r");
    bash.expect_bytes(before, b"secret: ");
    bash.send(&format!("{TOKEN}\r"));
    bash.expect("laptop: snyk personal-token");
    bash.send("exit\r");
    bash.code();
    assert_eq!(home.run(&["get", "laptop"]).expect(0).out, TOKEN);
}
