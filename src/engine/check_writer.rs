//! What checks found out, on its way to the index.
//!
//! A transaction costs about the same for one verdict as for a hundred, in the log above all, which whoever opens the
//! index next reads. So verdicts wait for each other, but not for long, and are written while further checks go on.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{Instant, sleep_until};

use super::Engine;
use crate::domain::credential::{CheckReport, Principal};
use crate::domain::{CredentialId, Problem};
use crate::index::{Database, DatabaseError, RegionCheckResult};

/// How many verdicts are written in one transaction.
const MAX_BATCH_SIZE: usize = 256;

/// How long a verdict waits for others.
const MAX_BATCH_DELAY: Duration = Duration::from_millis(250);

/// A verdict that is to be written down.
pub(super) struct CheckRecord {
    /// On whom.
    pub(super) credential: CredentialId,
    /// Where.
    pub(super) region: String,
    /// The verdict.
    pub(super) check: CheckReport,
    /// Who the credential acts as, where that is news.
    pub(super) principal: Option<Principal>,
    /// The organisation that the principal works in unless it says otherwise.
    pub(super) home_organization: Option<String>,
}

/// Findings that wait to be written down together. None is lost where it is dropped.
pub(super) struct CheckWriter {
    waiting: CheckBatch,
    since: Option<Instant>,
    writing: Option<JoinHandle<()>>,
}

/// What goes into one transaction, which is made where the batch is dropped: by a task of its own as a rule, but also by
/// whoever gives up, and by a runtime that ends before it has begun with that task.
struct CheckBatch {
    database: Arc<Database>,
    records: Vec<CheckRecord>,
}

impl Engine {
    /// Writes a finding down.
    pub(super) async fn write_check(&self, finding: CheckRecord) -> Result<(), Problem> {
        self.with_database(|index| write_records(index, vec![finding])).await
    }

    /// Writes findings down as they come.
    pub(super) fn check_writer(&self) -> CheckWriter {
        CheckWriter::new(Arc::clone(&self.database))
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

    /// Takes one in.
    pub(super) fn add(&mut self, finding: CheckRecord) {
        self.since.get_or_insert_with(Instant::now);
        self.waiting.records.push(finding);
    }

    /// Waits until it is time to write, and those before are written.
    pub(super) async fn wait_until_due(&mut self) {
        match self.since {
            None => std::future::pending().await,
            Some(_) if self.waiting.records.len() >= MAX_BATCH_SIZE => {}
            Some(since) => sleep_until(since + MAX_BATCH_DELAY).await,
        }
        self.wait_for_write().await;
    }

    /// Begins to write all that wait.
    pub(super) fn start_write(&mut self) {
        if self.since.take().is_some() {
            let batch = self.waiting.take();
            self.writing = Some(spawn_blocking(move || drop(batch)));
        }
    }

    /// Writes all that still wait.
    pub(super) async fn finish(mut self) {
        self.wait_for_write().await;
        self.start_write();
        self.wait_for_write().await;
    }

    async fn wait_for_write(&mut self) {
        if let Some(writing) = &mut self.writing {
            // One that panicked has said so; the checks go on.
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
        let findings = std::mem::take(&mut self.records);
        if !findings.is_empty()
            && let Err(error) = write_records(&self.database, findings)
        {
            tracing::error!(%error, "verdicts were not kept");
        }
    }
}

fn write_records(index: &Database, findings: Vec<CheckRecord>) -> Result<(), DatabaseError> {
    let (mut checks, mut news) = (Vec::with_capacity(findings.len()), Vec::new());
    for CheckRecord { credential, region, check, principal, home_organization: _ } in findings {
        news.extend(principal.map(|principal| (credential.clone(), principal)));
        checks.push((credential, RegionCheckResult { region, check }));
    }
    index.record_checks(&checks)?;
    if news.is_empty() { Ok(()) } else { index.record_principals(&news) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use time::macros::datetime;

    use super::*;
    use crate::domain::response::CheckResult;
    use crate::domain::{Credential, CredentialName};

    const ID: [u8; 16] = [7; 16];

    fn findings() -> CheckWriter {
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

    fn found(region: usize) -> CheckRecord {
        let check = CheckReport {
            result: CheckResult::Accepted,
            status: Some(200),
            reason: String::new(),
            checked_at: datetime!(2026-11-22 0:00 UTC),
            latency_ms: None,
        };
        CheckRecord {
            credential: CredentialId::from_random(ID),
            region: region.to_string(),
            check,
            principal: None,
            home_organization: None,
        }
    }

    fn written(index: &Database) -> usize {
        index.region_checks(&CredentialId::from_random(ID)).unwrap().len()
    }

    #[tokio::test]
    async fn one_waits_for_others_but_not_for_long() {
        let mut findings = findings();
        let index = Arc::clone(&findings.waiting.database);
        findings.add(found(0));
        let began = Instant::now();
        findings.wait_until_due().await;
        assert!(began.elapsed() >= MAX_BATCH_DELAY);
        findings.start_write();
        findings.add(found(1));
        findings.wait_until_due().await;
        assert_eq!(written(&index), 1, "it is due when those before are written");
        findings.finish().await;
        assert_eq!(written(&index), 2);
    }

    #[tokio::test]
    async fn enough_of_them_do_not_wait() {
        let mut findings = findings();
        (0..MAX_BATCH_SIZE).for_each(|region| findings.add(found(region)));
        let began = findings.since.unwrap();
        findings.since = Some(began + MAX_BATCH_DELAY * 1000);
        findings.wait_until_due().await;
        let index = Arc::clone(&findings.waiting.database);
        findings.finish().await;
        assert_eq!(written(&index), MAX_BATCH_SIZE);
    }

    #[test]
    fn none_is_lost_where_somebody_gives_up() {
        let mut findings = findings();
        let index = Arc::clone(&findings.waiting.database);
        findings.add(found(0));
        drop(findings);
        assert_eq!(written(&index), 1);
    }

    #[test]
    fn none_is_lost_where_the_runtime_ends_before_it_begins_to_write() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let handle = runtime.handle().clone();
        runtime.shutdown_background();
        let _inside = handle.enter();
        let mut findings = findings();
        let index = Arc::clone(&findings.waiting.database);
        findings.add(found(0));
        findings.start_write();
        assert_eq!(written(&index), 1);
    }
}
