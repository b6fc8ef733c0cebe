//! Doctor: what on this machine may stand in the way, and what to do about it.
//!
//! Every area is looked at by itself, and one that fails does not keep the others from being looked at. Nothing is
//! changed but for one value that is written to the store, read back and removed; no secret is sent anywhere.

mod database;
mod environment;
mod network;
mod store;
mod terminal;

use serde::Serialize;

use super::Engine;
use super::task_protocol::StoreStatus;
use crate::config::ColorDepth;
use crate::domain::Problem;

pub use store::diagnose_stores as store_findings;

/// What was found in one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// Where.
    pub area: DiagnosticArea,
    /// How bad it is.
    pub level: DiagnosticSeverity,
    /// What it is, in one sentence.
    pub what: String,
    /// Why, or what else is known.
    pub why: String,
    /// What to do; empty where nothing needs to be done.
    pub remedy: String,
}

/// The areas, in the order in which they are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DiagnosticArea {
    /// Where secrets rest.
    Store,
    /// Where everything else rests.
    #[serde(rename = "index")]
    Database,
    /// What the program is drawn on, and the clipboard.
    Terminal,
    /// Variables and configurations of the providers' own tools.
    Environment,
    /// The way to the providers.
    Network,
    /// Files with secrets in plain text.
    Files,
    /// The settings file.
    Settings,
    /// The keys of one's own in it.
    Keys,
}

/// How bad a finding is.
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

/// What only the caller can know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DoctorInput {
    /// The terminal's columns and rows, where there is one.
    pub terminal: Option<(u16, u16)>,
    /// The stores that are not in use.
    pub other_stores: Vec<StoreStatus>,
    /// How many colours the terminal shows, where that is known.
    pub color_depth: Option<ColorDepth>,
    /// Whether the network may be asked.
    pub scope: DoctorScope,
}

/// How far to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DoctorScope {
    /// At this machine only.
    Machine,
    /// As far as the providers' hosts, which are asked without a secret.
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
    /// The area's name.
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
    /// The level's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

impl Engine {
    /// Looks at everything, and says what was found, area by area.
    pub async fn diagnose(&self, around: &DoctorInput) -> Vec<Diagnostic> {
        let state = self.store_state().await;
        let mut findings = store_findings(&state, &around.other_stores);
        let is_open = state.problem.is_none();
        if is_open {
            findings.extend(self.diagnose_store_round_trip().await);
        }
        findings.extend(self.diagnose_database(is_open).await);
        findings.extend(self.diagnose_terminal(around).await);
        findings.extend(self.diagnose_environment(is_open).await);
        findings.extend(self.diagnose_network(around.scope).await);
        findings
    }
}
