//! The index: whether the file is sound, and whether it agrees with the catalogue, the store and itself.

use super::{Area, Finding};
use crate::domain::credential::SecretPart;
use crate::domain::problem::{Problem, ProblemClass};
use crate::domain::provider::CatalogError;
use crate::domain::rotation::RotationPhase;
use crate::domain::{Credential, words};
use crate::engine::Engine;
use crate::index::{AuditIntegrity, Database, RotationFilter};

impl Engine {
    /// Looks at the index; at the secrets of its credentials too, where the store is open.
    pub(super) async fn examine_index(&self, is_open: bool) -> Vec<Finding> {
        let credentials = match self.credentials().await {
            Ok(credentials) => credentials,
            Err(problem) => return vec![Finding::fail(Area::Index, problem)],
        };
        let mut findings = vec![self.soundness(credentials.len()).await, self.record().await];
        findings.extend(self.strangers(&credentials));
        findings.extend(ended(&credentials, self.now()));
        findings.extend(self.waiting().await);
        if is_open {
            findings.extend(self.without_secret(&credentials).await);
        }
        findings
    }

    async fn soundness(&self, credentials: usize) -> Finding {
        match self.with_index(Database::verify_integrity).await {
            Ok(()) => {
                let path = self.index.path();
                let place = if path.as_os_str().is_empty() { "memory".to_owned() } else { path.display().to_string() };
                let why = format!("{credentials} credentials in {place}");
                Finding::ok(Area::Index, "The index is sound", why)
            }
            Err(problem) => Finding::fail(Area::Index, problem),
        }
    }

    async fn record(&self) -> Finding {
        let broken = |why: String| {
            let remedy = "compare it with a copy; whoever can write the index file can have changed it";
            Problem::new("The audit trail is not as it was written", why, remedy)
        };
        match self.verify_audit().await {
            Ok(AuditIntegrity::Intact(entries)) => {
                Finding::ok(Area::Index, "The audit trail is as it was written", format!("{entries} entries"))
            }
            Ok(AuditIntegrity::Broken { at, why }) => Finding::fail(Area::Index, broken(format!("from entry {at} on: {why}"))),
            Err(problem) => Finding::fail(Area::Index, problem),
        }
    }

    /// Credentials whose provider, kind or region is no longer known.
    fn strangers(&self, credentials: &[Credential]) -> Vec<Finding> {
        let unknown = |credential: &Credential| {
            let kind = self.catalogue.kind(&credential.provider, &credential.kind).map(drop);
            kind.and_then(|()| self.catalogue.region(&credential.provider, &credential.region).map(drop)).err()
        };
        let strangers = credentials.iter().filter_map(|credential| Some((credential, unknown(credential)?)));
        let finding = |(credential, error): (&Credential, CatalogError)| {
            let problem = Problem::from(error);
            let remedy = "bring back its file in the folder of providers, or remove the credential";
            Finding::warn(Area::Index, format!("{}: {}", credential.name, problem.what), problem.why, remedy)
        };
        strangers.map(finding).collect()
    }

    async fn waiting(&self) -> Vec<Finding> {
        let open = match self.rotations(RotationFilter::Open).await {
            Ok(open) => open,
            Err(problem) => return vec![Finding::fail(Area::Index, problem)],
        };
        let waiting = open.into_iter().filter(|status| status.state == RotationPhase::NeedsUser);
        let finding = |status: crate::domain::rotation::RotationStatus| {
            let what = format!("The rotation of {} waits for a person", status.name);
            Finding::warn(Area::Index, what, "it goes no further by itself", "see `tokenring rotations`")
        };
        waiting.map(finding).collect()
    }

    /// Credentials that were written to the index, but whose secret is not in the store.
    async fn without_secret(&self, credentials: &[Credential]) -> Vec<Finding> {
        let mut findings = Vec::new();
        for credential in credentials {
            match self.secret(credential, &SecretPart::Secret).await {
                Ok(_) => {}
                Err(problem) if problem.class == ProblemClass::NotFound => {
                    let what = format!("{} has no secret in the store", credential.name);
                    let remedy = "give it one with `tokenring edit NAME --secret`, or remove the credential";
                    findings.push(Finding::warn(Area::Index, what, problem.why, remedy));
                }
                // What ails the store as a whole is told there, and would be the same for all that follow.
                Err(problem) => {
                    findings.push(Finding::fail(Area::Index, problem));
                    break;
                }
            }
        }
        findings
    }
}

/// Credentials that have ended, or will soon.
fn ended(credentials: &[Credential], now: crate::domain::Timestamp) -> Vec<Finding> {
    let soon = credentials.iter().filter(|credential| words::expires_soon(credential.expires, now));
    let finding = |credential: &Credential| {
        let when = words::format_expiry(credential.expires, now);
        let remedy = format!("replace it with `tokenring rotate \"{}\"`", credential.name);
        Finding::warn(Area::Index, format!("{} ends soon or has ended", credential.name), when, remedy)
    };
    soon.map(finding).collect()
}
