//! The environment of the benches: the built program with its own home, credentials in its index
//! and secrets in its encrypted file. Start with [`prepare`] and [`Home`].

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use hmac::Mac as _;
use rusqlite::Connection;
use tempfile::TempDir;
use tokenring::database::Database;
use tokenring::domain::credential::{SecretPart, SecretSlot};
use tokenring::domain::{CredentialId, Secret};
use tokenring::store::{FileStore, ItemKey, SecretStore as _, UnlockMethod, WorkFactor};

use crate::EMPTY;
use crate::times::timed;

/// Passphrase of the encrypted file in every home.
pub(crate) const PASSPHRASE: &str = "a passphrase for the bench";

/// Folder of the programs and homes of the bench.
const BENCH_FOLDER: &str = env!("CARGO_TARGET_TMPDIR");

/// SQL that fills the index in one statement: adding each credential with a command would sync the
/// disk each time.
const FILL_INDEX_SQL: &str = "
    WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?1)
    INSERT INTO credentials (name, id, provider, kind, region, fields, labels, created, expires, fingerprint,
        principal_id, principal_name, principal_type, check_verdict, check_status, check_reason, check_at, check_latency_ms)
    SELECT printf('%s-%s-%05d', substr('ci  prodtestdev ', i % 4 * 4 + 1, 4), substr('scanbotsdeskring', i / 4 % 4 * 4 + 1, 4), i),
        printf('%032x', i), 'snyk', 'personal-token', 'SNYK-EU-01', '{\"org_id\":\"4a18d42f-0706-4ad0-b127-24078731fbed\"}',
        '[\"prod\"]', 1780000000000000, 1800000000000000, printf('%020x', i), printf('%036x', i), 'ada', 'user',
        'accepted', 200, '200: accepted', 1790000000000000, 41
    FROM n";

/// Builds the program and copies the empty one. The program is built separately, because a build
/// together with tests includes half a megabyte of tables that only tests need.
pub(crate) fn prepare() {
    let target = Path::new(BENCH_FOLDER).parent().unwrap();
    let mut build = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    build
        .args([
            "build",
            "--profile",
            "dist",
            "--locked",
            "--offline",
            "--quiet",
            "--bin",
            "tokenring",
            "--target-dir",
        ])
        .arg(target);
    assert!(build.current_dir(env!("CARGO_MANIFEST_DIR")).status().unwrap().success());
    std::fs::copy(target.join("dist/tokenring"), program()).unwrap();
    std::fs::copy(std::env::current_exe().unwrap(), copy_of_this_bench()).unwrap();
}

/// Path of the program. It is a copy, as `cargo install` makes one: the file that a linker writes
/// is in the page cache in many small pieces, and starts about ten percent slower.
pub(crate) fn program() -> PathBuf {
    Path::new(BENCH_FOLDER).join("tokenring")
}

/// The command that starts the empty program.
pub(crate) fn empty() -> Command {
    let mut command = Command::new(copy_of_this_bench());
    command.arg(EMPTY);
    command
}

/// Path of a copy of this bench binary, which contains the empty program.
fn copy_of_this_bench() -> PathBuf {
    Path::new(BENCH_FOLDER).join("speed")
}

/// A temporary home folder.
pub(crate) struct Home(TempDir);

impl Home {
    /// Creates a home with `count` credentials in its index and no secrets in its store.
    pub(crate) fn with_credentials(count: u32) -> Self {
        let home = Self(TempDir::new().unwrap());
        let index = home.index();
        drop(Database::open(&index).unwrap());
        Connection::open(index).unwrap().execute(FILL_INDEX_SQL, [count]).unwrap();
        let passphrase = home.0.path().join("passphrase");
        std::fs::write(&passphrase, PASSPHRASE).unwrap();
        let set_mode = |path: &Path, mode| {
            std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode))
                .unwrap();
        };
        set_mode(&passphrase, 0o600);
        std::fs::create_dir(home.runtime_folder()).unwrap();
        set_mode(&home.runtime_folder(), 0o700);
        home
    }

    /// Stores a secret for each of the first `count` credentials.
    pub(crate) async fn store_secrets(&self, count: u128) {
        let store =
            FileStore::new(self.root().join("data/vault")).with_work_factor(WorkFactor::new(2));
        let passphrase = Secret::from_text(PASSPHRASE.to_owned());
        store.unlock(UnlockMethod::Passphrase(&passphrase), Duration::from_secs(60)).await.unwrap();
        let fingerprint_key = [7; 32];
        let item = ItemKey::internal("fingerprint-key");
        store.put(&item, &Secret::new(fingerprint_key.to_vec())).await.unwrap();
        let mut index = Connection::open(self.index()).unwrap();
        let fingerprints = index.transaction().unwrap();
        for number in 0..count {
            let id = CredentialId::from_random(number.to_be_bytes());
            let key = ItemKey::for_part(&id, SecretSlot::Current, &SecretPart::Secret);
            let secret = format!("{number:08x}-0000-4000-8000-000000000000");
            let mac = hmac::Hmac::<sha2::Sha256>::new_from_slice(&fingerprint_key).unwrap();
            let digest = mac.chain_update(&secret).finalize().into_bytes();
            let fingerprint = tokenring::util::hex::to_hex(&digest[..10]);
            fingerprints
                .execute(
                    "UPDATE credentials SET fingerprint = ?1 WHERE id = ?2",
                    (fingerprint, id.as_str()),
                )
                .unwrap();
            store.put(&key, &Secret::from_text(secret)).await.unwrap();
        }
        fingerprints.commit().unwrap();
    }

    /// The command that starts the program in this home.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program());
        command.args(arguments).env("TOKENRING_HOME", self.root()).env("TOKENRING_STORE", "file");
        command.env("TOKENRING_PASSPHRASE_FILE", self.0.path().join("passphrase"));
        // An agent ends with this folder.
        command.env("XDG_RUNTIME_DIR", self.runtime_folder());
        command
    }

    /// Path of the index file.
    pub(crate) fn index(&self) -> PathBuf {
        self.root().join("data/index.db")
    }

    fn runtime_folder(&self) -> PathBuf {
        self.0.path().join("run")
    }

    fn root(&self) -> PathBuf {
        self.0.path().join("home")
    }
}

/// Runs a command and returns its duration.
pub(crate) fn run(command: &mut Command) -> Duration {
    let mut output = None;
    let taken = timed(|| output = Some(command.stdin(Stdio::null()).output().unwrap()));
    let output = output.unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    taken
}

/// Whether a program is installed.
pub(crate) fn is_installed(program: &str) -> bool {
    std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
        .any(|folder| folder.join(program).is_file())
}
