//! The store: which one, whether it can be used, and whether it keeps what it is given.

use super::{Area, Finding, Level};
use crate::domain::Problem;
use crate::engine::Engine;
use crate::engine::message::{Persistence, StoreError, StoreState};
use crate::store;

/// The longest secret that a kind has: a private key of 4,096 bits, as PEM.
const LONGEST_SECRET: usize = 3500;

/// What can be said about the store in use and those that are not.
pub fn findings(chosen: &StoreState, others: &[StoreState]) -> Vec<Finding> {
    std::iter::once(in_use(chosen)).chain(others.iter().map(at_hand)).collect()
}

impl Engine {
    /// Whether a value can be written, read back and removed: the longest one that is ever kept, or that it takes.
    pub(super) async fn round_trip(&self) -> Vec<Finding> {
        let limit = self.store.backend().item_limit;
        let size = LONGEST_SECRET.min(limit);
        let kept = match store::run_self_test_with_size(self.store.as_ref(), size).await {
            Ok(()) => {
                let why = format!("a value of {size} bytes was written, read back and removed");
                Finding::ok(Area::Store, "The store keeps what it is given", why)
            }
            Err(error) => Finding::fail(Area::Store, error.into()),
        };
        std::iter::once(kept).chain((limit < LONGEST_SECRET).then(|| narrow(limit))).collect()
    }
}

fn in_use(state: &StoreState) -> Finding {
    let what = format!("{} is in use", state.backend.title);
    match &state.problem {
        None if state.backend.persistence == Persistence::Process => {
            let remedy = "choose store = \"keyring\" or \"file\" in config.toml";
            Finding::warn(Area::Store, what, abilities(state), remedy)
        }
        None => Finding::ok(Area::Store, what, abilities(state)),
        Some(error) => {
            let problem = Problem::from(error.clone());
            let level = if matches!(error, StoreError::Locked | StoreError::NotInitialized) { Level::Warn } else { Level::Fail };
            let why = format!("{error}; {}", abilities(state));
            Finding { area: Area::Store, level, what, why, remedy: problem.remedy }
        }
    }
}

fn narrow(limit: usize) -> Finding {
    let why = format!("a private key may have {LONGEST_SECRET} bytes, and an item holds up to {limit}");
    let remedy = Problem::from(StoreError::TooLarge { size: LONGEST_SECRET, limit }).remedy;
    Finding::warn(Area::Store, "The longest secrets do not fit into the store", why, remedy)
}

fn at_hand(state: &StoreState) -> Finding {
    let why = match &state.problem {
        None => format!("available; {}", abilities(state)),
        Some(error) => format!("{error}; {}", abilities(state)),
    };
    let is_choosable = matches!(state.problem, None | Some(StoreError::Locked | StoreError::NotInitialized));
    let command = || format!("move to it with `tokenring store migrate --to {}`", state.backend.kind.as_str());
    let remedy = if is_choosable { command() } else { String::new() };
    Finding { remedy, ..Finding::ok(Area::Store, format!("{} is not in use", state.backend.title), why) }
}

fn abilities(state: &StoreState) -> String {
    let lasts = match state.backend.persistence {
        Persistence::Disk => "items stay until they are removed",
        Persistence::Process => "items are gone when this process ends",
    };
    format!("{lasts}; an item holds up to {} bytes", state.backend.item_limit)
}
