//! Tests of the clipboard on a real desktop (an X server without a display): a copied secret is
//! marked as a secret, is cleared after its time, and is left alone if another program has copied
//! something else since.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

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
