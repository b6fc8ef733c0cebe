//! Tests of the index through its public API: data is read back as written, whatever happens to the
//! file and whatever other processes write to it. Start with [`Home`].

mod audit;
mod checks;
mod credentials;
mod file;
mod fingerprints;
mod history;
mod journal;
mod processes;

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use proptest::prelude::*;
use tempfile::TempDir;
use time::Duration;
use tokenring::database::{
    AuditEntry, AuditIntegrity, CheckedSecret, Database, DatabaseError, HistoryEntry,
    HistoryFilter, LeaseRequest, NewRotation, RegionCheckResult, RotationFilter,
};
use tokenring::domain::credential::{CheckReport, Principal};
use tokenring::domain::request::{HttpMethod, RequestDraft, RequestTarget};
use tokenring::domain::response::CheckResult;
use tokenring::domain::{Credential, CredentialId, CredentialName, Timestamp};

/// Environment variable of a child process: the path of the index that it works on.
const CHILD_VARIABLE: &str = "TOKENRING_TEST_INDEX";

struct Home {
    _folder: TempDir,
    path: PathBuf,
}

impl Home {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data").join("index.db");
        Self { _folder: folder, path }
    }

    fn open(&self) -> Database {
        Database::open(&self.path).unwrap()
    }

    /// Creates an index file with `count` credentials and closes it.
    fn with(count: u32) -> Self {
        let home = Self::new();
        let index = home.open();
        for number in 0..count {
            index.insert_credential(&credential(&format!("credential-{number:04}"))).unwrap();
        }
        home
    }

    /// Creates a file with these bytes.
    fn with_bytes(bytes: &[u8]) -> Self {
        let home = Self::new();
        std::fs::create_dir(home.path.parent().unwrap()).unwrap();
        std::fs::write(&home.path, bytes).unwrap();
        home
    }
}

fn moment(seconds: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + Duration::seconds(seconds)
}

fn credential(name: &str) -> Credential {
    Credential {
        id: id_of(name),
        name: CredentialName::parse(name).unwrap(),
        provider: "snyk".to_owned(),
        kind: "service-account-token".to_owned(),
        region: "SNYK-EU-01".to_owned(),
        fields: BTreeMap::from([("org_id".to_owned(), "0d7e".to_owned())]),
        labels: vec!["prod".to_owned()],
        created: moment(1_790_000_000),
        expires: Some(moment(1_800_000_000)),
        fingerprint: Some(format!("print of {name}")),
        principal: None,
        scheme: None,
        last_check: None,
    }
}

/// A credential ID derived from the name, so that a test can compute it again.
fn id_of(name: &str) -> CredentialId {
    let mut bytes = [0; 16];
    for (at, byte) in name.bytes().enumerate() {
        bytes[at % 16] ^= byte.rotate_left(u32::try_from(at / 16).unwrap());
    }
    CredentialId::from_random(bytes)
}

fn check(verdict: CheckResult, at: i64) -> CheckReport {
    CheckReport {
        result: verdict,
        status: Some(200),
        reason: "the provider accepted it".to_owned(),
        checked_at: moment(at),
        latency_ms: Some(41),
    }
}

fn names(index: &Database) -> Vec<String> {
    index.credentials().unwrap().into_iter().map(|credential| credential.name.to_string()).collect()
}

/// Runs one test of this binary in another process, as the child of the same test.
fn as_child(mut command: Command, test: &str, home: &Home) -> Child {
    command.args(["--exact", test, "--nocapture"]).env(CHILD_VARIABLE, &home.path);
    command.spawn().unwrap()
}
