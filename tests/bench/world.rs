//! The program in a home of its own, with credentials in its index and secrets in its encrypted file.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::time::Duration;

use rusqlite::Connection;
use tempfile::TempDir;
use tokenring::domain::credential::{Part, Slot};
use tokenring::domain::{CredentialId, Secret};
use tokenring::index::Index;
use tokenring::store::{FileStore, ItemKey, Store as _, Unlock, WorkFactor};

use crate::EMPTY;
use crate::times::timed;

/// What the encrypted file of every home opens with.
pub(crate) const PASSPHRASE: &str = "a passphrase for the bench";

/// Fills the index in one step: by the program's own door each credential would be synced to the disk.
const FILL: &str = "
    WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?1)
    INSERT INTO credentials (name, id, provider, kind, region, fields, labels, created, expires, fingerprint,
        principal_id, principal_name, principal_type, check_verdict, check_status, check_reason, check_at, check_latency_ms)
    SELECT printf('%s-%s-%05d', substr('ci  prodtestdev ', i % 4 * 4 + 1, 4), substr('scanbotsdeskring', i / 4 % 4 * 4 + 1, 4), i),
        printf('%032x', i), 'snyk', 'personal-token', 'SNYK-EU-01', '{\"org_id\":\"4a18d42f-0706-4ad0-b127-24078731fbed\"}',
        '[\"prod\"]', 1780000000000000, 1800000000000000, printf('%020x', i), printf('%036x', i), 'somebody', 'user',
        'accepted', 200, '200: accepted', 1790000000000000, 41
    FROM n";

/// The program and the empty one as `cargo install` leaves them. What a linker has written lies in the system's memory in
/// many small pieces, and starts a tenth later than a copy.
static PROGRAMS: LazyLock<[PathBuf; 2]> = LazyLock::new(|| {
    [Path::new(env!("CARGO_BIN_EXE_tokenring")), &std::env::current_exe().unwrap()].map(|program| {
        let copy = Path::new(env!("CARGO_TARGET_TMPDIR")).join(program.file_name().unwrap());
        std::fs::copy(program, &copy).unwrap();
        copy
    })
});

/// The empty program, ready to be started.
pub(crate) fn empty() -> Command {
    let mut command = Command::new(&PROGRAMS[1]);
    command.arg(EMPTY);
    command
}

/// A home folder.
pub(crate) struct Home(TempDir);

impl Home {
    /// A home with so many credentials in its index, and none of their secrets in its store.
    pub(crate) fn with_credentials(count: u32) -> Self {
        let home = Self(TempDir::new().unwrap());
        let index = home.index();
        drop(Index::open(&index).unwrap());
        Connection::open(index).unwrap().execute(FILL, [count]).unwrap();
        let passphrase = home.0.path().join("passphrase");
        std::fs::write(&passphrase, PASSPHRASE).unwrap();
        std::fs::set_permissions(passphrase, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        home
    }

    /// Gives the first so many credentials a secret.
    pub(crate) async fn keep_secrets(&self, count: u128) {
        let store = FileStore::new(self.root().join("data/vault")).with_work_factor(WorkFactor::new(2));
        let passphrase = Secret::from_text(PASSPHRASE.to_owned());
        store.unlock(Unlock::Passphrase(&passphrase), Duration::from_secs(60)).await.unwrap();
        for number in 0..count {
            let key = ItemKey::of(&CredentialId::from_random(number.to_be_bytes()), Slot::Current, &Part::Secret);
            store.put(&key, &Secret::from_text(format!("{number:08x}-0000-4000-8000-000000000000"))).await.unwrap();
        }
    }

    /// The program, ready to be started here.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&PROGRAMS[0]);
        command.args(arguments).env("TOKENRING_HOME", self.root()).env("TOKENRING_STORE", "file");
        command.env("TOKENRING_PASSPHRASE_FILE", self.0.path().join("passphrase"));
        command
    }

    /// The index file.
    pub(crate) fn index(&self) -> PathBuf {
        self.root().join("data/index.db")
    }

    fn root(&self) -> PathBuf {
        self.0.path().join("home")
    }
}

/// How long a command takes from its start to its end.
pub(crate) fn run(command: &mut Command) -> Duration {
    let mut output = None;
    let taken = timed(|| output = Some(command.stdin(Stdio::null()).output().unwrap()));
    let output = output.unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    taken
}

/// Whether a program is installed.
pub(crate) fn have(program: &str) -> bool {
    std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).any(|folder| folder.join(program).is_file())
}
