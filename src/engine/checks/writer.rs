//! Batched writing of check results to the index.
//!
//! A transaction costs about the same for one result as for a hundred, above all in the log that
//! the next process to open the index reads. So results wait briefly for each other and are written
//! while further checks run. Start with `CheckWriter`.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{Instant, sleep_until};

use crate::database::{CheckedSecret, Database, DatabaseError, RegionCheckResult};
use crate::domain::Problem;
use crate::domain::credential::{CheckReport, Principal};
use crate::engine::checks::CheckService;

/// Maximum number of check results written in one transaction.
const MAX_BATCH_SIZE: usize = 256;

/// How long a check result waits for others.
const MAX_BATCH_DELAY: Duration = Duration::from_millis(250);

/// Check result to be written.
pub(in crate::engine) struct CheckRecord {
    /// The secret that was checked.
    pub(in crate::engine) checked: CheckedSecret,
    /// The id of the region.
    pub(in crate::engine) region: String,
    /// The check result.
    pub(in crate::engine) check: CheckReport,
    /// The principal that the credential acts as, if it changed.
    pub(in crate::engine) principal: Option<Principal>,
    /// The organization that the principal works in unless a request names another one.
    pub(in crate::engine) home_organization: Option<String>,
}

/// Check results that wait to be written together. Dropping it writes them.
pub(in crate::engine) struct CheckWriter {
    waiting: CheckBatch,
    since: Option<Instant>,
    writing: Option<JoinHandle<()>>,
}

/// Check results of one transaction, which runs when the batch is dropped: usually in a task of its
/// own, but also when the caller gives up or the runtime shuts down before that task starts.
struct CheckBatch {
    database: Arc<Database>,
    records: Vec<CheckRecord>,
}

impl CheckService {
    /// Writes one check result.
    pub(in crate::engine) async fn write_check(&self, record: CheckRecord) -> Result<(), Problem> {
        self.database.run(|index| write_records(index, vec![record])).await
    }

    /// Creates a writer for a series of check results.
    pub(in crate::engine) fn check_writer(&self) -> CheckWriter {
        CheckWriter::new(Arc::clone(self.database.database()))
    }
}

impl CheckWriter {
    fn new(index: Arc<Database>) -> Self {
        Self {
            waiting: CheckBatch { database: index, records: Vec::new() },
            since: None,
            writing: None,
        }
    }

    /// Adds a check result.
    pub(in crate::engine) fn add(&mut self, record: CheckRecord) {
        self.since.get_or_insert_with(Instant::now);
        self.waiting.records.push(record);
    }

    /// Waits until the batch is due and the previous batch is written.
    pub(in crate::engine) async fn wait_until_due(&mut self) {
        match self.since {
            None => std::future::pending().await,
            Some(_) if self.waiting.records.len() >= MAX_BATCH_SIZE => {}
            Some(since) => sleep_until(since + MAX_BATCH_DELAY).await,
        }
        self.wait_for_write().await;
    }

    /// Starts writing all waiting results.
    pub(in crate::engine) fn start_write(&mut self) {
        if self.since.take().is_some() {
            let batch = self.waiting.take();
            self.writing = Some(spawn_blocking(move || drop(batch)));
        }
    }

    /// Writes all results that still wait.
    pub(in crate::engine) async fn finish(mut self) {
        self.wait_for_write().await;
        self.start_write();
        self.wait_for_write().await;
    }

    async fn wait_for_write(&mut self) {
        if let Some(writing) = &mut self.writing {
            // A write that panicked has logged it; the checks continue.
            drop(writing.await);
            self.writing = None;
        }
    }
}

impl CheckBatch {
    fn take(&mut self) -> Self {
        Self { database: Arc::clone(&self.database), records: std::mem::take(&mut self.records) }
    }
}

impl Drop for CheckBatch {
    fn drop(&mut self) {
        let records = std::mem::take(&mut self.records);
        if !records.is_empty()
            && let Err(error) = write_records(&self.database, records)
        {
            tracing::error!(%error, "check results were not written");
        }
    }
}

fn write_records(index: &Database, records: Vec<CheckRecord>) -> Result<(), DatabaseError> {
    let (mut checks, mut changed_principals) = (Vec::with_capacity(records.len()), Vec::new());
    for CheckRecord { checked, region, check, principal, home_organization: _ } in records {
        changed_principals.extend(principal.map(|principal| (checked.clone(), principal)));
        checks.push((checked, RegionCheckResult { region, check }));
    }
    index.record_checks(&checks)?;
    if changed_principals.is_empty() {
        Ok(())
    } else {
        index.record_principals(&changed_principals)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use time::macros::datetime;

    use super::*;
    use crate::domain::response::CheckResult;
    use crate::domain::{Credential, CredentialId, CredentialName};

    const ID: [u8; 16] = [7; 16];

    fn writer() -> CheckWriter {
        let index = Database::in_memory().unwrap();
        index
            .insert_credential(&Credential {
                id: CredentialId::from_random(ID),
                name: CredentialName::parse("ci").unwrap(),
                provider: "snyk".to_owned(),
                kind: "personal-token".to_owned(),
                region: "SNYK-EU-01".to_owned(),
                fields: BTreeMap::new(),
                labels: Vec::new(),
                created: datetime!(2026-11-01 0:00 UTC),
                expires: None,
                fingerprint: None,
                principal: None,
                scheme: None,
                last_check: None,
            })
            .unwrap();
        CheckWriter::new(Arc::new(index))
    }

    fn record(region: usize) -> CheckRecord {
        let check = CheckReport {
            result: CheckResult::Accepted,
            status: Some(200),
            reason: String::new(),
            checked_at: datetime!(2026-11-22 0:00 UTC),
            latency_ms: None,
        };
        CheckRecord {
            checked: (&CredentialId::from_random(ID)).into(),
            region: region.to_string(),
            check,
            principal: None,
            home_organization: None,
        }
    }

    fn written_count(index: &Database) -> usize {
        index.region_checks(&CredentialId::from_random(ID)).unwrap().len()
    }

    #[tokio::test]
    async fn one_waits_for_others_but_not_for_long() {
        let mut writer = writer();
        let index = Arc::clone(&writer.waiting.database);
        writer.add(record(0));
        let began = Instant::now();
        writer.wait_until_due().await;
        assert!(began.elapsed() >= MAX_BATCH_DELAY);
        writer.start_write();
        writer.add(record(1));
        writer.wait_until_due().await;
        assert_eq!(written_count(&index), 1, "it is due when those before are written");
        writer.finish().await;
        assert_eq!(written_count(&index), 2);
    }

    #[tokio::test]
    async fn enough_of_them_do_not_wait() {
        let mut writer = writer();
        (0..MAX_BATCH_SIZE).for_each(|region| writer.add(record(region)));
        let began = writer.since.unwrap();
        writer.since = Some(began + MAX_BATCH_DELAY * 1000);
        writer.wait_until_due().await;
        let index = Arc::clone(&writer.waiting.database);
        writer.finish().await;
        assert_eq!(written_count(&index), MAX_BATCH_SIZE);
    }

    #[test]
    fn none_is_lost_where_a_caller_stops_waiting() {
        let mut writer = writer();
        let index = Arc::clone(&writer.waiting.database);
        writer.add(record(0));
        drop(writer);
        assert_eq!(written_count(&index), 1);
    }

    #[test]
    fn none_is_lost_where_the_runtime_ends_before_it_begins_to_write() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let handle = runtime.handle().clone();
        runtime.shutdown_background();
        let _inside = handle.enter();
        let mut writer = writer();
        let index = Arc::clone(&writer.waiting.database);
        writer.add(record(0));
        writer.start_write();
        assert_eq!(written_count(&index), 1);
    }
}
