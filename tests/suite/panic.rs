//! Tests of panics in a pseudo-terminal: a panic of a task becomes a message and the screen
//! continues; a panic of the screen itself restores the terminal first, once. The program has no
//! command that panics, so its screen runs in another process of this test binary, with a store and
//! a clock that panic.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use portable_pty::CommandBuilder;
use tokenring::config::{self, Settings};
use tokenring::database::Database;
use tokenring::domain::provider::ProviderCatalog;
use tokenring::domain::{CredentialName, Secret, Timestamp};
use tokenring::engine::background::protocol::NewCredential;
use tokenring::engine::{Clock, Engine, EngineDependencies, EngineOptions};
use tokenring::net::HttpClient;
use tokenring::store::{BackendInfo, ItemKey, MemoryStore, SecretStore, StoreError, UnlockMethod};
use tokenring::tui::{SettingsSource, Tui};

use crate::support::pty::Pty;

const SECRET: &str = "5ec2e7bb-0000-4000-8000-0000000000aa";
/// Environment variable of the nested run: which part panics.
const PANIC_VARIABLE: &str = "TOKENRING_TEST_BREAKS";

/// A store and a clock that panic as soon as a secret is read; the panic message contains the
/// secret.
struct PanickingParts {
    inner: MemoryStore,
    panicking_part: String,
    is_armed: AtomicBool,
    is_clock_broken: AtomicBool,
}

#[async_trait]
impl SecretStore for PanickingParts {
    fn backend(&self) -> BackendInfo {
        self.inner.backend()
    }

    async fn status(&self) -> Result<(), StoreError> {
        self.inner.status().await
    }

    async fn unlock(&self, by: UnlockMethod<'_>, wait: Duration) -> Result<(), StoreError> {
        self.inner.unlock(by, wait).await
    }

    async fn get(&self, key: &ItemKey) -> Result<Secret, StoreError> {
        if self.is_armed.load(Ordering::SeqCst) {
            assert!(self.panicking_part != "store", "{SECRET}");
            self.is_clock_broken.store(true, Ordering::SeqCst);
        }
        self.inner.get(key).await
    }

    async fn put(&self, key: &ItemKey, secret: &Secret) -> Result<(), StoreError> {
        self.inner.put(key, secret).await
    }

    async fn delete(&self, key: &ItemKey) -> Result<(), StoreError> {
        self.inner.delete(key).await
    }
}

impl Clock for PanickingParts {
    fn now(&self) -> Timestamp {
        assert!(!self.is_clock_broken.load(Ordering::SeqCst), "{SECRET}");
        Timestamp::now_utc()
    }
}

/// Runs the screen with these parts until it ends.
async fn run_screen(panicking_part: String) {
    let parts = Arc::new(PanickingParts {
        inner: MemoryStore::new(),
        panicking_part,
        is_armed: AtomicBool::default(),
        is_clock_broken: AtomicBool::default(),
    });
    let ports = EngineDependencies {
        catalog: Arc::new(ProviderCatalog::builtin()),
        database: Arc::new(Database::in_memory().unwrap()),
        store: Arc::clone(&parts) as _,
        transport: Arc::new(HttpClient::default()),
        clock: Arc::clone(&parts) as _,
    };
    let engine = Arc::new(Engine::new(ports, EngineOptions::from(&Settings::default())));
    let new = NewCredential {
        name: CredentialName::parse("laptop").unwrap(),
        provider: "snyk".to_owned(),
        kind: "personal-token".to_owned(),
        region: "SNYK-US-01".to_owned(),
        fields: BTreeMap::new(),
        labels: Vec::new(),
        secret: Arc::new(Secret::from_text(SECRET.to_owned())),
        parts: BTreeMap::new(),
        expires: None,
    };
    engine.credentials.add(new).await.unwrap();
    parts.is_armed.store(true, Ordering::SeqCst);
    let screen =
        Tui::start(engine, SettingsSource::default(), config::LayoutStore::Disabled).unwrap();
    assert_eq!(screen.run().await, 0);
}

/// Starts the screen in a pseudo-terminal, with a part that panics when a secret is revealed; in
/// the nested run, runs that screen and returns `None`.
fn screen_where(panicking_part: &str, test: &str) -> Option<Pty> {
    if let Ok(panicking_part) = std::env::var(PANIC_VARIABLE) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(run_screen(panicking_part));
        return None;
    }
    let mut command = CommandBuilder::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]);
    for (name, value) in
        [(PANIC_VARIABLE, panicking_part), ("TERM", "xterm-256color"), ("LANG", "C.UTF-8")]
    {
        command.env(name, value);
    }
    let mut pty = Pty::start(command, 120, 36);
    pty.expect("laptop");
    assert!(pty.is_raw());
    pty.send("x");
    Some(pty)
}

/// Fails unless the terminal is restored, exactly once, and the panic message was not written to
/// it.
#[track_caller]
fn assert_terminal_restored(pty: &Pty) {
    pty.assert_restored();
    assert!(!pty.is_raw());
    assert_eq!(pty.times_restored(), 1, "restored exactly once");
    let written = String::from_utf8_lossy(&pty.bytes(0)).into_owned();
    assert!(!written.contains(SECRET), "{written}");
}

#[test]
fn a_panic_of_a_task_is_reported_and_the_screen_continues() {
    let Some(mut pty) =
        screen_where("store", "panic::a_panic_of_a_task_is_reported_and_the_screen_continues")
    else {
        return;
    };
    pty.expect("Internal error in the background: tests/suite/panic.rs");
    assert!(pty.is_raw(), "the screen still owns the terminal");
    pty.expect("A background task failed");
    pty.send("\x1b");
    pty.expect_gone("A background task failed");
    pty.send("?");
    pty.expect("Navigation");
    pty.send("\x1b");
    pty.expect_gone("Navigation");
    pty.send("q");
    assert_eq!(pty.code(), 0);
    assert_terminal_restored(&pty);
}

#[test]
fn a_panic_of_the_screen_restores_the_terminal_and_reports_the_location() {
    let test = "panic::a_panic_of_the_screen_restores_the_terminal_and_reports_the_location";
    let Some(mut pty) = screen_where("clock", test) else { return };
    assert_eq!(pty.code(), 101);
    assert_terminal_restored(&pty);
    assert!(
        pty.text().contains("stopped because of an internal error at tests/suite/panic.rs"),
        "{}",
        pty.text()
    );
}
