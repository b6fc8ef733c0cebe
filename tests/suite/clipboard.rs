//! Tests of the clipboard on a real desktop (an X server without a display): a copied secret is
//! marked as a secret, is cleared after its time, and is left alone if another program has copied
//! something else since.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use base64::prelude::{BASE64_STANDARD, Engine as _};

use crate::support::program::{Home, SimulatorProcess};
use crate::support::{TEST_TIMEOUT, programs_installed, wait_until};

/// An X server for one test.
struct Desktop {
    server: Child,
    display: String,
}

impl Desktop {
    fn start() -> Self {
        let mut server = Command::new("Xvfb");
        server.args([
            "-displayfd",
            "1",
            "-nolisten",
            "tcp",
            "-noreset",
            "-screen",
            "0",
            "64x64x24",
        ]);
        let mut server = server
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { server, display: format!(":{}", line.trim()) }
    }

    fn xclip(&self, arguments: &[&str]) -> Command {
        let mut xclip = Command::new("xclip");
        xclip.args(["-selection", "clipboard"]).args(arguments).env("DISPLAY", &self.display);
        xclip.stdout(Stdio::piped()).stderr(Stdio::null());
        xclip
    }

    /// Returns the clipboard content as another program reads it, as text or in another format.
    fn pasted(&self, arguments: &[&str]) -> String {
        let done =
            self.xclip(&[&["-o"], arguments].concat()).stdin(Stdio::null()).output().unwrap();
        String::from_utf8_lossy(&done.stdout).into_owned()
    }

    /// Copies a text as another program does, and waits until it is on the clipboard: `xclip`
    /// continues in the background.
    fn copy(&self, text: &str) {
        let mut xclip =
            self.xclip(&["-i"]).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        xclip.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        xclip.wait().unwrap();
        let end = Instant::now() + TEST_TIMEOUT;
        while self.pasted(&[]) != text {
            assert!(Instant::now() < end, "timed out: the copied text is not on the clipboard");
        }
    }
}

impl Drop for Desktop {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// A home on this desktop with one credential; the clipboard is cleared after this number of
/// seconds.
fn home(desktop: &Desktop, simulator: &SimulatorProcess, seconds: u64) -> Home {
    let home = Home::new().with("DISPLAY", &desktop.display);
    home.add_seeded(simulator, "us01-laptop").expect(0);
    std::fs::create_dir_all(home.root().join("config")).unwrap();
    let settings = format!("clipboard = \"native\"\nclipboard_seconds = {seconds}\n");
    std::fs::write(home.root().join("config/config.toml"), settings).unwrap();
    home
}

#[tokio::test]
async fn a_copied_secret_is_marked_and_goes_after_its_time() {
    if !programs_installed(&["Xvfb", "xclip"]) {
        return;
    }
    let (desktop, simulator) = (Desktop::start(), SimulatorProcess::start());
    let home = home(&desktop, &simulator, 2);
    let mut pty = home.unlocked_screen();
    pty.send("y");
    pty.expect("cleared in 2 s");
    assert_eq!(desktop.pasted(&[]), simulator.secret("us01-laptop"));
    assert_eq!(
        desktop.pasted(&["-t", "x-kde-passwordManagerHint"]),
        "secret",
        "clipboard managers get the mark"
    );
    wait_until("it is gone after its time", async || desktop.pasted(&[]).is_empty()).await;
    pty.send("q");
    assert_eq!(pty.code(), 0);
}

/// The sequence that passes a text to the clipboard of a terminal.
fn osc52(text: &str) -> Vec<u8> {
    format!("\x1b]52;c;{}\x1b\\", BASE64_STANDARD.encode(text)).into_bytes()
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[test]
fn a_terminal_is_asked_to_overwrite_its_clipboard_in_time_and_at_exit() {
    let simulator = SimulatorProcess::start();
    let home = Home::new();
    home.add_seeded(&simulator, "us01-laptop").expect(0);
    std::fs::create_dir_all(home.root().join("config")).unwrap();
    let (secret, blank) = (osc52(simulator.secret("us01-laptop")), osc52(" "));
    for (seconds, at_exit) in [(1, false), (600, true)] {
        let settings = format!("clipboard = \"osc52\"\nclipboard_seconds = {seconds}\n");
        std::fs::write(home.root().join("config/config.toml"), settings).unwrap();
        let mut pty = home.unlocked_screen();
        let start = pty.written();
        pty.send("y");
        pty.expect("Copy through the terminal?");
        pty.expect(&format!("After {seconds} s and at exit"));
        assert!(!contains(&pty.bytes(start), &secret), "it is said before");
        pty.send("\t\r");
        pty.expect_bytes(start, &secret);
        if !at_exit {
            pty.expect_bytes(start, &blank);
            pty.expect("Clipboard overwritten; the terminal does not confirm");
        }
        assert_eq!(contains(&pty.bytes(start), &blank), !at_exit);
        pty.send("q");
        assert_eq!(pty.code(), 0);
        assert!(contains(&pty.bytes(start), &blank), "{seconds} s");
    }
}

#[test]
fn inside_gnu_screen_the_copy_reaches_the_outer_terminal() {
    if !programs_installed(&["screen"]) {
        return;
    }
    let simulator = SimulatorProcess::start();
    let sessions = tempfile::tempdir().unwrap();
    std::fs::set_permissions(sessions.path(), PermissionsExt::from_mode(0o700)).unwrap();
    let home = Home::new()
        .with("SCREENDIR", sessions.path().to_str().unwrap())
        .with("DISPLAY", "")
        .with("WAYLAND_DISPLAY", "")
        .with("TMUX", "");
    // Its secret is longer than a string that GNU screen accepts.
    home.add_seeded(&simulator, "us01-laptop").expect(0);
    let secret = simulator.secret("us01-laptop");
    assert!(BASE64_STANDARD.encode(secret).len() > 256);
    let program = ["-c", "/dev/null", "-U", env!("CARGO_BIN_EXE_tokenring")];
    let mut pty = Home::unlock(home.screen_inside("screen", &program));
    let start = pty.written();
    pty.send("y");
    pty.expect("through GNU screen, which passes");
    pty.send("\t\r");
    let copied = format!("\x1b]52;c;{}\x07", BASE64_STANDARD.encode(secret));
    pty.expect_bytes(start, copied.as_bytes());
    pty.expect("Copied via OSC 52 through GNU screen; the terminal does not confirm");
    assert!(!pty.text().contains(&copied[40..80]), "nothing of it is displayed");
    pty.send("q");
    assert_eq!(pty.code(), 0);
    let blank = format!("\x1b]52;c;{}\x07", BASE64_STANDARD.encode(" "));
    assert!(contains(&pty.bytes(start), blank.as_bytes()), "it is overwritten at the end");
}

#[test]
fn presentation_mode_copies_nothing_and_shows_no_filter() {
    let simulator = SimulatorProcess::start();
    let home = Home::new().with("TOKENRING_CLIPBOARD", "osc52");
    home.add_seeded(&simulator, "us01-laptop").expect(0);
    let mut pty = home.unlocked_screen();
    pty.send("/us01-lap\r");
    pty.expect("us01-lap ");
    let start = pty.written();
    pty.send("P");
    pty.expect("Presentation mode on");
    pty.expect_gone("us01");
    pty.send("y");
    pty.expect("not copied in presentation mode");
    assert!(!contains(&pty.bytes(start), b"\x1b]52;"));
    pty.send("q");
    assert_eq!(pty.code(), 0);
}

#[test]
fn text_of_another_program_is_left_alone_and_the_own_copy_is_cleared_at_the_end() {
    if !programs_installed(&["Xvfb", "xclip"]) {
        return;
    }
    let (desktop, simulator) = (Desktop::start(), SimulatorProcess::start());
    let home = home(&desktop, &simulator, 600);
    let mut pty = home.unlocked_screen();
    pty.send("y");
    pty.expect("cleared in 600 s");
    desktop.copy("of another program");
    pty.send("q");
    assert_eq!(pty.code(), 0);
    assert_eq!(desktop.pasted(&[]), "of another program");

    let mut pty = home.unlocked_screen();
    pty.send("y");
    pty.expect("cleared in 600 s");
    assert_eq!(desktop.pasted(&[]), simulator.secret("us01-laptop"));
    pty.send("q");
    assert_eq!(pty.code(), 0);
    assert_eq!(desktop.pasted(&[]), "", "at the end");
}

#[test]
fn a_failed_desktop_clipboard_is_told_before_the_terminal_gets_the_secret() {
    let simulator = SimulatorProcess::start();
    // No server has this display: the desktop clipboard is tried first, and fails.
    let home = Home::new().with("DISPLAY", ":987").with("WAYLAND_DISPLAY", "").with("TMUX", "");
    home.add_seeded(&simulator, "us01-laptop").expect(0);
    let secret = osc52(simulator.secret("us01-laptop"));
    let mut pty = home.unlocked_screen();
    let start = pty.written();
    for keys in ["\r", "\t\r"] {
        pty.send("y");
        pty.expect("Copy through the terminal?");
        pty.expect("The desktop clipboard is not available");
        assert!(!contains(&pty.bytes(start), b"\x1b]52;"), "it is said before");
        pty.send(keys);
        pty.expect_gone("Copy through the terminal?");
    }
    pty.expect_bytes(start, &secret);
    pty.send("q");
    assert_eq!(pty.code(), 0);
    let audit = home.run(&["audit", "--json"]).expect(0).out;
    assert_eq!(audit.matches("\"copy\"").count(), 1, "it is not read before the consent: {audit}");
}
