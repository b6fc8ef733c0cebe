//! Doctor: what on this machine may stand in the way, and what to do about it.
//!
//! Every area is looked at by itself, and one that fails does not keep the others from being looked at. Nothing is
//! changed but for one value that is written to the store, read back and removed; no secret is sent anywhere.

mod environment;
mod index;
mod network;
mod store;
mod terminal;

use serde::Serialize;

use super::Engine;
use super::message::StoreState;
use crate::config::ColorDepth;
use crate::domain::Problem;

pub use store::findings as store_findings;

/// What was found in one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Where.
    pub area: Area,
    /// How bad it is.
    pub level: Level,
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
pub enum Area {
    /// Where secrets rest.
    Store,
    /// Where everything else rests.
    Index,
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
pub enum Level {
    /// As it should be.
    Ok,
    /// Worth knowing.
    Warn,
    /// Something will not work.
    Fail,
}

/// What only the caller can know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surroundings {
    /// The terminal's columns and rows, where there is one.
    pub terminal: Option<(u16, u16)>,
    /// The stores that are not in use.
    pub other_stores: Vec<StoreState>,
    /// How many colours the terminal shows, where that is known.
    pub depth: Option<ColorDepth>,
    /// Whether the network may be asked.
    pub reach: Reach,
}

/// How far to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// At this machine only.
    Machine,
    /// As far as the providers' hosts, which are asked without a secret.
    Providers,
}

impl Finding {
    pub(super) fn ok(area: Area, what: impl Into<String>, why: impl Into<String>) -> Self {
        Self { area, level: Level::Ok, what: what.into(), why: why.into(), remedy: String::new() }
    }

    pub(crate) fn warn(area: Area, what: impl Into<String>, why: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { area, level: Level::Warn, what: what.into(), why: why.into(), remedy: remedy.into() }
    }

    fn fail(area: Area, problem: Problem) -> Self {
        Self { area, level: Level::Fail, what: problem.what, why: problem.why, remedy: problem.remedy }
    }
}

impl Area {
    /// The area's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Store => "store",
            Self::Index => "index",
            Self::Terminal => "terminal",
            Self::Environment => "environment",
            Self::Network => "network",
            Self::Files => "files",
            Self::Settings => "settings",
            Self::Keys => "keys",
        }
    }
}

impl Level {
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
    pub async fn examine(&self, around: &Surroundings) -> Vec<Finding> {
        let state = self.store_state().await;
        let mut findings = store_findings(&state, &around.other_stores);
        let is_open = state.problem.is_none();
        if is_open {
            findings.extend(self.round_trip().await);
        }
        findings.extend(self.examine_index(is_open).await);
        findings.extend(self.examine_terminal(around).await);
        findings.extend(self.examine_environment(is_open).await);
        findings.extend(self.examine_network(around.reach).await);
        findings
    }
}
