//! Diagnostics of the index: whether the file is intact, and whether it is consistent with the
//! catalog and the store.

use super::{Diagnostic, DiagnosticArea};
use crate::database::{AuditIntegrity, Database, RotationFilter};
use crate::domain::Credential;
use crate::domain::credential::SecretPart;
use crate::domain::format::{self, count_entries};
use crate::domain::problem::{Problem, ProblemClass};
use crate::domain::provider::CatalogError;
use crate::domain::rotation::RotationPhase;
use crate::engine::AnchorComparison;
use crate::engine::doctor::DoctorService;

impl DoctorService {
    /// Examines the index, and the secrets of its credentials where the store is unlocked.
    pub(super) async fn diagnose_database(&self, is_open: bool) -> Vec<Diagnostic> {
        let credentials = match self.database.credentials().await {
            Ok(credentials) => credentials,
            Err(problem) => return vec![Diagnostic::fail(DiagnosticArea::Database, problem)],
        };
        let mut findings =
            vec![self.diagnose_integrity(credentials.len()).await, self.diagnose_audit_log().await];
        findings.extend(self.diagnose_unknown_kinds(&credentials));
        findings.extend(diagnose_expiring(&credentials, self.clock.now()));
        findings.extend(self.diagnose_waiting_rotations().await);
        if is_open {
            match self.diagnose_fingerprint_key().await {
                // Without the right key, every secret would be reported as another one.
                Ok(Some(finding)) => findings.push(finding),
                Ok(None) => findings.extend(self.diagnose_missing_secrets(&credentials).await),
                Err(problem) => findings.push(Diagnostic::fail(DiagnosticArea::Database, problem)),
            }
        }
        findings
    }

    async fn diagnose_integrity(&self, credentials: usize) -> Diagnostic {
        match self.database.run(Database::verify_integrity).await {
            Ok(()) if self.database.database().is_read_only() => Diagnostic::warn(
                DiagnosticArea::Database,
                "The index can only be read",
                format!(
                    "{}: the folder is read-only; checks, changes and the audit log are not recorded",
                    self.database.database().path().display()
                ),
                "make the folder writable, or set TOKENRING_HOME to another folder",
            ),
            Ok(()) => {
                let path = self.database.database().path();
                let place = if path.as_os_str().is_empty() {
                    "memory".to_owned()
                } else {
                    path.display().to_string()
                };
                let noun = if credentials == 1 { "credential" } else { "credentials" };
                let why = format!("{credentials} {noun} in {place}");
                Diagnostic::ok(DiagnosticArea::Database, "The index is intact", why)
            }
            Err(problem) => Diagnostic::fail(DiagnosticArea::Database, problem),
        }
    }

    async fn diagnose_audit_log(&self) -> Diagnostic {
        let found = match self.audit.verify().await {
            Ok(found) => found,
            Err(problem) => return Diagnostic::fail(DiagnosticArea::Database, problem),
        };
        let entries = match (found.problem(), &found.chain) {
            (Some(problem), _) => return Diagnostic::fail(DiagnosticArea::Database, problem),
            (None, AuditIntegrity::Intact(entries)) => count_entries(*entries),
            (None, AuditIntegrity::Broken { at, .. }) => format!("modified at entry {at}"),
        };
        let not_verified = match &found.anchor {
            AnchorComparison::Unverified(error) => error.to_string(),
            AnchorComparison::NotAnchored => "the store has no record of this log yet".to_owned(),
            _ => return Diagnostic::ok(DiagnosticArea::Database, "Audit log intact", entries),
        };
        let why = format!(
            "{entries}; not verified whether entries are missing at the end: {not_verified}"
        );
        Diagnostic::ok(DiagnosticArea::Database, "Audit log has no modified entry", why)
    }

    /// Finds credentials whose provider, kind or region no longer exists in the catalog.
    fn diagnose_unknown_kinds(&self, credentials: &[Credential]) -> Vec<Diagnostic> {
        let unknown = |credential: &Credential| {
            let kind = self.catalog.kind(&credential.provider, &credential.kind).map(drop);
            kind.and_then(|()| {
                self.catalog.region(&credential.provider, &credential.region).map(drop)
            })
            .err()
        };
        let unknown_kinds =
            credentials.iter().filter_map(|credential| Some((credential, unknown(credential)?)));
        let finding = |(credential, error): (&Credential, CatalogError)| {
            let problem = Problem::from(error);
            let remedy = "restore the provider's file, or delete the credential";
            Diagnostic::warn(
                DiagnosticArea::Database,
                format!("{}: {}", credential.name, problem.what),
                problem.why,
                remedy,
            )
        };
        unknown_kinds.map(finding).collect()
    }

    async fn diagnose_waiting_rotations(&self) -> Vec<Diagnostic> {
        let open = match self.journals.list_rotations(RotationFilter::Open).await {
            Ok(open) => open,
            Err(problem) => return vec![Diagnostic::fail(DiagnosticArea::Database, problem)],
        };
        let waiting = open.into_iter().filter(|status| status.state == RotationPhase::NeedsUser);
        let finding = |status: crate::domain::rotation::RotationStatus| {
            let what = format!("The rotation of {} waits for you", status.name);
            Diagnostic::warn(
                DiagnosticArea::Database,
                what,
                "the rotation cannot continue on its own",
                "run `tokenring rotate --list` to see the next step",
            )
        };
        waiting.map(finding).collect()
    }

    /// Finds credentials in the index whose secret is not in the store.
    async fn diagnose_missing_secrets(&self, credentials: &[Credential]) -> Vec<Diagnostic> {
        let mut findings = Vec::new();
        for credential in credentials {
            match self.secrets.load_secret(credential, &SecretPart::Secret).await {
                Ok(_) => {}
                Err(problem) if problem.class == ProblemClass::NotFound => {
                    let what = format!("{} has no secret in the store", credential.name);
                    let remedy =
                        "store one with `tokenring edit NAME --secret`, or delete the credential";
                    findings.push(Diagnostic::warn(
                        DiagnosticArea::Database,
                        what,
                        problem.why,
                        remedy,
                    ));
                }
                // An error of the store as a whole is reported once; it would be the same for all
                // further credentials.
                Err(problem) => {
                    let is_store = problem.class == ProblemClass::Store;
                    findings.push(Diagnostic::fail(DiagnosticArea::Database, problem));
                    if is_store {
                        break;
                    }
                }
            }
        }
        findings
    }
}

/// Finds credentials that have expired or expire soon.
fn diagnose_expiring(credentials: &[Credential], now: crate::domain::Timestamp) -> Vec<Diagnostic> {
    let soon =
        credentials.iter().filter(|credential| format::expires_soon(credential.expires, now));
    let finding = |credential: &Credential| {
        let when = format::format_expiry(credential.expires, now);
        let remedy = format!("rotate it with `tokenring rotate \"{}\"`", credential.name);
        Diagnostic::warn(
            DiagnosticArea::Database,
            format!("{} expires soon or has expired", credential.name),
            when,
            remedy,
        )
    };
    soon.map(finding).collect()
}
