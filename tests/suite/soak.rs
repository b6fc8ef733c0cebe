//! Soak test: 1,000 credentials are checked each minute of a simulated day, and at its end the
//! program uses as much memory, as many file handles and tasks and as large an index as at its
//! beginning.
//!
//! The run has its own process (another run of this test binary), so that no other test is measured
//! with it. `cargo test` simulates some hours; `TOKENRING_SOAK=1440` simulates the whole day.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use tokenring::config::Settings;
use tokenring::database::Database;
use tokenring::domain::provider::ProviderCatalog;
use tokenring::domain::response::{ApiResponse, CheckResult, RequestTiming, ResponseBody};
use tokenring::domain::{CredentialName, Secret, Timestamp};
use tokenring::engine::background::protocol::NewCredential;
use tokenring::engine::{Clock, Engine, EngineDependencies, EngineOptions};
use tokenring::net::{NetError, OutgoingRequest, Transport};
use tokenring::store::MemoryStore;

const CREDENTIALS: usize = 1_000;
/// Simulated minutes by default.
const DEFAULT_MINUTES: u32 = 60;
/// Minutes until all caches have reached their size.
const WARM_UP_MINUTES: u32 = 10;
/// Memory growth in KiB that is due to pages of the allocator rather than to stored data: a byte
/// and a half for each check of a day.
const SLACK_KIB: u64 = 2 * 1024;
/// Growth of the index in pages: rows that are written again do not always fit where they were.
const SLACK_PAGES: u64 = 8;
/// Environment variable with the folder of the measured process.
const FOLDER_VARIABLE: &str = "TOKENRING_SOAK_FOLDER";

/// A clock that advances one minute at a time.
struct MinuteClock(Mutex<Timestamp>);

#[async_trait]
impl Clock for MinuteClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    async fn sleep(&self, time: Duration) {
        *self.0.lock().unwrap() += time;
        tokio::task::yield_now().await;
    }
}

/// A provider that mostly accepts, sometimes refuses and sometimes fails, so that every kind of
/// check result is written.
struct UnreliableProvider(Mutex<u64>);

#[async_trait]
impl Transport for UnreliableProvider {
    async fn send(&self, outgoing: OutgoingRequest) -> Result<ApiResponse, NetError> {
        tokio::task::yield_now().await;
        let count = {
            let mut count = self.0.lock().unwrap();
            *count += 1;
            *count
        };
        let host = outgoing.url.host_str().unwrap_or_default().to_owned();
        let status = match count % 100 {
            0 => return Err(NetError::ConnectionLost { host, why: "it was cut off".to_owned() }),
            1..=3 => 401,
            4 => 503,
            _ => 200,
        };
        let body = json!({"data": {"id": "1", "type": "user", "attributes": {"name": format!("ada {}", count % 7)}}}).to_string();
        Ok(ApiResponse {
            status,
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            size: body.len() as u64,
            body: ResponseBody::from(body),
            timing: RequestTiming::default(),
            truncated: false,
            remarks: Vec::new(),
            url: outgoing.url.into(),
            version: "HTTP/1.1".to_owned(),
        })
    }
}

async fn filled(folder: &Path, clock: &Arc<MinuteClock>) -> Arc<Engine> {
    let ports = EngineDependencies {
        catalog: Arc::new(ProviderCatalog::builtin()),
        database: Arc::new(Database::open(&folder.join("index.db")).unwrap()),
        store: Arc::new(MemoryStore::new()),
        transport: Arc::new(UnreliableProvider(Mutex::new(0))),
        clock: Arc::clone(clock) as _,
    };
    let engine = Arc::new(Engine::new(ports, EngineOptions::from(&Settings::default())));
    for number in 0..CREDENTIALS {
        let new = NewCredential {
            name: CredentialName::parse(&format!("robot-{number:04}")).unwrap(),
            provider: "snyk".to_owned(),
            kind: "personal-token".to_owned(),
            region: ["SNYK-US-01", "SNYK-EU-01", "SNYK-AU-01"][number % 3].to_owned(),
            fields: BTreeMap::new(),
            labels: vec!["soak".to_owned()],
            secret: Arc::new(Secret::from_text(format!("5ec2e7aa-0000-4000-8000-{number:012}"))),
            parts: BTreeMap::new(),
            expires: None,
        };
        engine.credentials.add(new).await.unwrap();
    }
    engine
}

/// Resources that the program uses now.
fn resource_usage(folder: &Path) -> Value {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    let resident: u64 = resident.trim().trim_end_matches(" kB").parse().unwrap();
    // A write-ahead log of a different length at the two measurements would be counted as growth.
    let index = rusqlite::Connection::open(folder.join("index.db")).unwrap();
    index.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    let pages: i64 = index.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
    drop(index);
    let tasks = tokio::runtime::Handle::current().metrics().num_alive_tasks();
    json!({
        "resident": resident, "handles": std::fs::read_dir("/proc/self/fd").unwrap().count(), "tasks": tasks, "pages": pages
    })
}

/// Simulates the minutes, in the measured process; returns the usage at the beginning and at the
/// end.
async fn run_minutes(folder: &Path, minutes: u32) -> (Value, Value) {
    let clock = Arc::new(MinuteClock(Mutex::new(time::macros::datetime!(2026-11-22 0:00 UTC))));
    let engine = filled(folder, &clock).await;
    let mut warm = Value::Null;
    for minute in 1..=minutes {
        let mut verdicts = BTreeMap::from([(CheckResult::Accepted.as_str(), 0), ("other", 0)]);
        engine
            .checks
            .check_many(engine.credentials.list().await.unwrap(), |_, check| {
                let accepted = check.unwrap().result == CheckResult::Accepted;
                *verdicts.get_mut(if accepted { "accepted" } else { "other" }).unwrap() += 1;
            })
            .await;
        assert_eq!(verdicts.values().sum::<usize>(), CREDENTIALS);
        assert!(
            verdicts["accepted"] > CREDENTIALS * 9 / 10 && verdicts["other"] > 0,
            "{verdicts:?}"
        );
        clock.sleep(Duration::from_secs(60)).await;
        if minute == WARM_UP_MINUTES {
            warm = resource_usage(folder);
        }
    }
    (warm, resource_usage(folder))
}

#[test]
fn a_day_of_checks_needs_no_more_at_its_end_than_at_its_beginning() {
    let minutes = std::env::var("TOKENRING_SOAK")
        .ok()
        .and_then(|minutes| minutes.parse().ok())
        .unwrap_or(DEFAULT_MINUTES);
    if let Some(folder) = std::env::var_os(FOLDER_VARIABLE) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let folder = Path::new(&folder).to_owned();
        let measured = runtime.block_on(async {
            tokio::spawn(async move { run_minutes(&folder, minutes).await }).await.unwrap()
        });
        return println!("measured {}", json!([measured.0, measured.1]));
    }
    let folder = tempfile::TempDir::new().unwrap();
    let name = "soak::a_day_of_checks_needs_no_more_at_its_end_than_at_its_beginning";
    let mut nested = Command::new(std::env::current_exe().unwrap());
    // With a single allocator arena, memory does not depend on which thread allocates it.
    nested
        .args(["--exact", name, "--nocapture"])
        .env(FOLDER_VARIABLE, folder.path())
        .env("MALLOC_ARENA_MAX", "1");
    let done = nested.output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    let measured = said
        .split_once("measured ")
        .unwrap_or_else(|| panic!("{said}{}", String::from_utf8_lossy(&done.stderr)))
        .1;
    let [warm, end]: [Value; 2] = serde_json::from_str(measured.lines().next().unwrap()).unwrap();
    println!("{minutes} minutes, {CREDENTIALS} credentials: {warm} became {end}");
    for (what, slack) in
        [("tasks", 0), ("handles", 0), ("pages", SLACK_PAGES), ("resident", SLACK_KIB)]
    {
        assert!(
            end[what].as_u64().unwrap() <= warm[what].as_u64().unwrap() + slack,
            "{what}: {warm} became {end}"
        );
    }
}
