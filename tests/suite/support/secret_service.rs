//! A session with its own message bus and a real Secret Service on it, and faults of that service.
//! Start with [`session`].

use std::io::Write as _;
use std::process::{Child, Command, Output, Stdio};

use super::{nested_run, programs_installed};

/// State of the Secret Service in a session.
#[derive(Clone, Copy)]
pub(crate) enum KeyringState {
    Unlocked,
    Locked,
    Bare,
    /// `KeePassXC` in the place of gnome-keyring, with an open database.
    KeePassXc,
    /// The same, asking before it gives an item to a program.
    KeePassXcConfirming,
}

/// Runs `body` in a session with its own message bus.
pub(crate) fn session(kind: KeyringState, body: impl AsyncFnOnce()) {
    if !programs_installed(&["dbus-run-session", "gnome-keyring-daemon", "secret-tool"]) {
        return;
    }
    let is_keepassxc = matches!(kind, KeyringState::KeePassXc | KeyringState::KeePassXcConfirming);
    if is_keepassxc && !programs_installed(&["keepassxc", "keepassxc-cli"]) {
        return;
    }
    let mut wrapper =
        Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/with-secret-service.sh"));
    match kind {
        KeyringState::Unlocked => {}
        KeyringState::Locked => drop(wrapper.arg("--locked")),
        KeyringState::Bare => drop(wrapper.arg("--bare")),
        KeyringState::KeePassXc => drop(wrapper.arg("--keepassxc")),
        KeyringState::KeePassXcConfirming => {
            wrapper.arg("--keepassxc").env("KEEPASSXC_CONFIRM", "true");
        }
    }
    nested_run::run_nested(wrapper, body);
}

/// Runs `body` with `address` as the address of the session bus.
pub(crate) fn bus_at(address: &str, body: impl AsyncFnOnce()) {
    let mut wrapper = Command::new("env");
    wrapper.env("DBUS_SESSION_BUS_ADDRESS", address);
    nested_run::run_nested(wrapper, body);
}

/// Runs `secret-tool`, an independent client.
pub(crate) fn secret_tool(arguments: &[&str], stdin: &[u8]) -> Output {
    let mut tool = Command::new("secret-tool");
    let mut tool = tool
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    tool.stdin.take().unwrap().write_all(stdin).unwrap();
    tool.wait_with_output().unwrap()
}

/// Sends a signal to the daemon of this session.
pub(crate) fn signal(name: &str) {
    let pid = std::env::var("KEYRING_PID").unwrap();
    assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
}

/// A daemon that ends with the test.
pub(crate) struct Daemon(Child);

/// Starts another daemon, which unlocks the keyring that its predecessor left on the disk.
pub(crate) fn another_daemon() -> Daemon {
    let mut daemon = Command::new("gnome-keyring-daemon");
    daemon.args(["--foreground", "--unlock", "--components=secrets"]);
    let mut daemon =
        daemon.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    daemon
        .stdin
        .take()
        .unwrap()
        .write_all(std::env::var("KEYRING_PASSWORD").unwrap().as_bytes())
        .unwrap();
    Daemon(daemon)
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Calls a method of `KeePassXC`'s own interface.
pub(crate) fn call_keepassxc(method: &str, arguments: &[String]) {
    let mut call = Command::new("dbus-send");
    let name = "org.keepassxc.KeePassXC.MainWindow";
    call.args(["--session", "--print-reply", &format!("--dest={name}"), "/keepassxc"]);
    call.arg(format!("{name}.{method}")).args(arguments);
    assert!(call.stdout(Stdio::null()).status().unwrap().success());
}

/// Locks the keyring of this session, as a desktop does when the user is away.
pub(crate) fn lock() {
    let mut call = Command::new("dbus-send");
    call.args([
        "--session",
        "--print-reply",
        "--dest=org.freedesktop.secrets",
        "/org/freedesktop/secrets",
    ]);
    call.args([
        "org.freedesktop.Secret.Service.Lock",
        "array:objpath:/org/freedesktop/secrets/collection/login",
    ]);
    assert!(call.stdout(Stdio::null()).status().unwrap().success());
}
