//! Diagnostics of the secret stores: which one is in use, whether it works, and whether it can
//! write and read back.

use super::{Diagnostic, DiagnosticArea, DiagnosticSeverity};
use crate::domain::Problem;
use crate::engine::doctor::DoctorService;
use crate::store::session::SessionState;
use crate::store::{self, Persistence, StoreError, StoreStatus};

/// Size of the longest secret of any kind: a private key of 4,096 bits, as PEM.
const MAX_SECRET_BYTES: usize = 3500;

/// Reports the store in use and the other stores.
pub fn diagnose_stores(chosen: &StoreStatus, others: &[StoreStatus]) -> Vec<Diagnostic> {
    std::iter::once(diagnose_active_store(chosen))
        .chain(others.iter().map(diagnose_other_store))
        .collect()
}

/// Reports whether a session keeps the store unlocked; returns `None` for a store without sessions.
pub fn diagnose_session(session: &SessionState) -> Option<Diagnostic> {
    let area = DiagnosticArea::Store;
    match session {
        SessionState::NotOffered => None,
        SessionState::Inactive => Some(Diagnostic::ok(
            area,
            "No agent keeps the store unlocked",
            "each command asks for the passphrase; `tokenring store unlock` asks once",
        )),
        SessionState::Active(session) => Some(Diagnostic::ok(
            area,
            format!("{} keeps the store unlocked", session.holder.title()),
            format!("{}; `tokenring store lock` ends it", session.describe()),
        )),
        SessionState::Unusable(error) => {
            let problem = Problem::from(error.clone());
            let what = "The agent of the store cannot be used";
            Some(Diagnostic::warn(area, what, problem.why, problem.remedy))
        }
    }
}

impl DoctorService {
    /// Writes, reads back and deletes a test value, as large as the longest secret or as the
    /// store's limit allows.
    pub(super) async fn diagnose_store_round_trip(&self) -> Vec<Diagnostic> {
        let limit = self.store.backend().item_limit;
        let size = MAX_SECRET_BYTES.min(limit);
        let round_trip = match store::run_self_test_with_size(self.store.as_ref(), size).await {
            Ok(()) => {
                let why = format!("a value of {size} bytes was written, read back and deleted");
                Diagnostic::ok(DiagnosticArea::Store, "Store write/read test passed", why)
            }
            Err(error) => Diagnostic::fail(DiagnosticArea::Store, error.into()),
        };
        std::iter::once(round_trip)
            .chain((limit < MAX_SECRET_BYTES).then(|| item_limit_warning(limit)))
            .collect()
    }
}

fn diagnose_active_store(state: &StoreStatus) -> Diagnostic {
    let what = format!("{} is in use", state.backend.title);
    match &state.problem {
        None if !state.backend.is_persistent() => {
            let remedy = format!("set store = {} in config.toml", quoted_store_names());
            Diagnostic::warn(DiagnosticArea::Store, what, describe_capabilities(state), remedy)
        }
        None => Diagnostic::ok(DiagnosticArea::Store, what, describe_capabilities(state)),
        Some(error) => {
            let problem = Problem::from(error.clone());
            let level = if state.is_selectable() {
                DiagnosticSeverity::Warn
            } else {
                DiagnosticSeverity::Fail
            };
            let why = format!("{error}; {}", describe_capabilities(state));
            Diagnostic { area: DiagnosticArea::Store, level, what, why, remedy: problem.remedy }
        }
    }
}

fn item_limit_warning(limit: usize) -> Diagnostic {
    let why = format!(
        "a private key can have {MAX_SECRET_BYTES} bytes, but an item can have at most {limit}"
    );
    let remedy = Problem::from(StoreError::TooLarge { size: MAX_SECRET_BYTES, limit }).remedy;
    Diagnostic::warn(
        DiagnosticArea::Store,
        "The longest secrets do not fit into the store",
        why,
        remedy,
    )
}

fn diagnose_other_store(state: &StoreStatus) -> Diagnostic {
    let why = match &state.problem {
        None => format!("available; {}", describe_capabilities(state)),
        Some(error) => format!("{error}; {}", describe_capabilities(state)),
    };
    let command =
        || format!("run `tokenring store migrate --to {}` to use it", state.backend.kind.as_str());
    let remedy = if state.is_selectable() { command() } else { String::new() };
    Diagnostic {
        remedy,
        ..Diagnostic::ok(
            DiagnosticArea::Store,
            format!("{} is not in use", state.backend.title),
            why,
        )
    }
}

/// Returns the settings' words for the stores that outlive the process, such as `"a" or "b"`.
fn quoted_store_names() -> String {
    let names: Vec<_> = store::persistent_backends()
        .map(|backend| format!("\"{}\"", backend.kind.as_str()))
        .collect();
    names.join(" or ")
}

fn describe_capabilities(state: &StoreStatus) -> String {
    let lasts = match state.backend.persistence {
        Persistence::Disk => "items persist until they are deleted",
        Persistence::Process => "items are lost when this process exits",
    };
    format!("{lasts}; up to {} bytes per item", state.backend.item_limit)
}
