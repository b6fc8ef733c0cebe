//! Doctor: diagnosis of problems on this machine, each with a remedy.
//!
//! Every area is examined on its own, so an error in one does not prevent the others. The diagnosis
//! changes nothing, except that one test value is written to the store, read back and deleted; no
//! secret is sent anywhere. Start at [`DoctorService::diagnose`]; [`DoctorService::fix`] repairs.

mod database;
mod environment;
mod fingerprint_key;
mod network;
mod store;
pub(super) mod tasks;
mod terminal;

use std::sync::Arc;

use serde::Serialize;

use super::Clock;
use super::audit::AuditService;
use super::clipboard::Clipboard;
use super::credentials::CredentialService;
use super::ports::{CoreServices, SharedPorts};
use super::rotation_journals::RotationJournals;
use crate::config::{ClipboardChoice, ColorDepth};
use crate::domain::Problem;
use crate::domain::provider::ProviderCatalog;
use crate::engine::fingerprints::FingerprintService;
use crate::engine::locks::CredentialLocks;
use crate::engine::ports::DatabaseHandle;
use crate::engine::secrets::bindings::BindingService;
use crate::engine::secrets::bound_secrets::SecretAccess;
use crate::engine::stores::StoreService;
use crate::net::Transport;
use crate::store::{SecretStore, StoreStatus};

pub use store::{diagnose_session as session_finding, diagnose_stores as store_findings};

/// One result of the doctor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// Area of the result.
    pub area: DiagnosticArea,
    /// Severity.
    pub level: DiagnosticSeverity,
    /// What was found, in one sentence.
    pub what: String,
    /// The cause, or further details.
    pub why: String,
    /// What to do; empty where nothing needs to be done.
    pub remedy: String,
}

/// Areas, in the order of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DiagnosticArea {
    /// Secret store.
    Store,
    /// Index of everything that is not secret.
    #[serde(rename = "index")]
    Database,
    /// Terminal and clipboard.
    Terminal,
    /// Variables and configurations of the providers' own tools.
    Environment,
    /// Connection to the providers.
    Network,
    /// Files with secrets in plain text.
    Files,
    /// Settings file.
    Settings,
    /// User-defined key bindings in the settings file.
    Keys,
}

/// Severity of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DiagnosticSeverity {
    /// As it should be.
    Ok,
    /// Worth knowing.
    Warn,
    /// Something will not work.
    Fail,
}

/// Information that only the caller has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DoctorInput {
    /// Columns and rows of the terminal, where there is one.
    pub terminal: Option<(u16, u16)>,
    /// Stores that are not in use.
    pub other_stores: Vec<StoreStatus>,
    /// Number of colors that the terminal shows, where it is known.
    pub color_depth: Option<ColorDepth>,
    /// Whether the network may be used.
    pub scope: DoctorScope,
}

/// How far the doctor examines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DoctorScope {
    /// This machine only.
    Machine,
    /// Also the providers' hosts, which are contacted without a secret.
    Providers,
}

impl Diagnostic {
    pub(super) fn ok(
        area: DiagnosticArea,
        what: impl Into<String>,
        why: impl Into<String>,
    ) -> Self {
        Self {
            area,
            level: DiagnosticSeverity::Ok,
            what: what.into(),
            why: why.into(),
            remedy: String::new(),
        }
    }

    pub(crate) fn warn(
        area: DiagnosticArea,
        what: impl Into<String>,
        why: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            area,
            level: DiagnosticSeverity::Warn,
            what: what.into(),
            why: why.into(),
            remedy: remedy.into(),
        }
    }

    fn fail(area: DiagnosticArea, problem: Problem) -> Self {
        Self {
            area,
            level: DiagnosticSeverity::Fail,
            what: problem.what,
            why: problem.why,
            remedy: problem.remedy,
        }
    }
}

impl DiagnosticArea {
    /// Returns the name of the area.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Store => "store",
            Self::Database => "index",
            Self::Terminal => "terminal",
            Self::Environment => "environment",
            Self::Network => "network",
            Self::Files => "files",
            Self::Settings => "settings",
            Self::Keys => "keys",
        }
    }
}

impl DiagnosticSeverity {
    /// Returns the name of the severity.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// Diagnoses problems on this machine.
pub struct DoctorService {
    catalog: Arc<ProviderCatalog>,
    database: DatabaseHandle,
    store: Arc<dyn SecretStore>,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    clipboard: Arc<Clipboard>,
    concurrency: usize,
    clipboard_choice: ClipboardChoice,
    store_service: Arc<StoreService>,
    audit: Arc<AuditService>,
    secrets: Arc<SecretAccess>,
    credentials: Arc<CredentialService>,
    journals: Arc<RotationJournals>,
    locks: Arc<CredentialLocks>,
    fingerprints: Arc<FingerprintService>,
    bindings: Arc<BindingService>,
}

impl DoctorService {
    /// Creates the service.
    pub(in crate::engine) fn new(
        ports: &SharedPorts,
        core: &CoreServices,
        credentials: Arc<CredentialService>,
    ) -> Self {
        Self {
            catalog: Arc::clone(&ports.catalog),
            database: ports.database.clone(),
            store: Arc::clone(&ports.store),
            transport: Arc::clone(&ports.transport),
            clock: Arc::clone(&ports.clock),
            clipboard: Arc::clone(&ports.clipboard),
            concurrency: ports.options.concurrency,
            clipboard_choice: ports.options.clipboard,
            store_service: Arc::clone(&core.store_service),
            audit: Arc::clone(&core.audit),
            secrets: Arc::clone(&core.secrets),
            credentials,
            journals: Arc::clone(&core.journals),
            locks: Arc::clone(&ports.locks),
            fingerprints: Arc::clone(&core.fingerprints),
            bindings: Arc::clone(&core.bindings),
        }
    }

    /// Examines all areas and returns the results, area by area.
    pub async fn diagnose(&self, input: &DoctorInput) -> Vec<Diagnostic> {
        let state = self.store_service.state().await;
        let mut findings = store_findings(&state, &input.other_stores);
        findings.extend(session_finding(&self.store_service.session().await));
        let is_open = state.problem.is_none();
        if is_open {
            findings.extend(self.diagnose_store_round_trip().await);
        }
        findings.extend(self.diagnose_database(is_open).await);
        findings.extend(self.diagnose_terminal(input).await);
        findings.extend(self.diagnose_environment(is_open).await);
        findings.extend(self.diagnose_network(input.scope).await);
        findings.extend(self.diagnose_overrides());
        findings
    }
}
