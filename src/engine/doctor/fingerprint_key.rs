//! Diagnosis and repair of the fingerprint key: whether the fingerprints in the index were made with
//! the key that the store has.
//!
//! A key that was deleted or replaced, or several keys from a first start in several processes at
//! once, make a scan miss secrets without a word. The repair makes all fingerprints again from the
//! stored secrets. It cannot tell whether those are the right secrets, because only the old key
//! could; so it runs on request only. Start with [`DoctorService::fix`].

use super::{Diagnostic, DiagnosticArea};
use crate::database::{Database, RotationFilter, SecretLocation};
use crate::domain::Problem;
use crate::domain::credential::{SecretPart, SecretSlot};
use crate::domain::format::count_noun;
use crate::domain::problem::ProblemClass;
use crate::engine::AnchorComparison;
use crate::engine::audit::AuditEvent;
use crate::engine::doctor::DoctorService;

/// Maximum number of names in a finding.
const MAX_NAMED: usize = 5;

impl DoctorService {
    /// Makes the fingerprints again from the stored secrets if they were made with another key than
    /// the store has. Changes nothing otherwise.
    pub async fn fix(&self) -> Result<Diagnostic, Problem> {
        let Some(fault) = self.diagnose_fingerprint_key().await? else {
            let why = "the fingerprints were made with the key of the store";
            return Ok(Diagnostic::ok(DiagnosticArea::Database, "Nothing to fix", why));
        };
        let credentials = self.database.credentials().await?;
        let _locks = credentials
            .iter()
            .map(|credential| self.locks.try_lock_rotation(&credential.id))
            .collect::<Result<Vec<_>, _>>()?;
        let open = self.journals.list_rotations(RotationFilter::Open).await?;
        if let Some(rotation) = open.first() {
            let what = "The fingerprints were not changed";
            let why = format!("the open rotation of {} depends on them", rotation.name);
            let remedy = "end the rotation first: `tokenring rotate --list` shows how";
            return Err(Problem::new(what, why, remedy).with_class(ProblemClass::Usage));
        }
        self.fingerprints.adopt_stored_key().await?;
        let computed = self.secrets.compute_fingerprints().await?;
        let (count, now) = (computed.len(), self.clock.now());
        self.database.run(move |index| index.renew_fingerprints(&computed, now)).await?;
        // The record of the new key comes last: until then, a second run continues.
        let unconfirmed = self.bindings.record_with_new_key().await?;
        let event = AuditEvent::new("fingerprints", "renewed").with_reason(fault.what);
        self.audit.record(event).await?;
        // The anchor of the audit log was made with the old key.
        if self.audit.verify().await?.anchor == AnchorComparison::Invalid {
            self.audit.accept().await?;
        }
        let why = format!("{} from the stored secrets", count_noun(count, "fingerprint"));
        let what = "Fingerprints made again";
        if unconfirmed.is_empty() {
            return Ok(Diagnostic::ok(DiagnosticArea::Database, what, why));
        }
        let why = format!(
            "{why}; only the lost key could tell whether hosts, key files or targets of {} were changed",
            name_some(&unconfirmed)
        );
        let remedy = "review them: `tokenring edit NAME --accept-host URL` accepts the hosts of a credential; remove a consumer, and add it again";
        Ok(Diagnostic::warn(DiagnosticArea::Database, what, why, remedy))
    }

    /// Reports fingerprints that were made with another key than the store has.
    pub(super) async fn diagnose_fingerprint_key(&self) -> Result<Option<Diagnostic>, Problem> {
        if let Some(problem) = self.fingerprints.key_state().await?.problem() {
            return Ok(Some(Diagnostic::fail(DiagnosticArea::Database, problem)));
        }
        // With one key in the index, a secret with another fingerprint is another secret.
        if self.database.run(Database::binding_keys).await?.len() < 2 {
            return Ok(None);
        }
        let computed = self.secrets.compute_fingerprints().await?;
        let stale = self.database.run(move |index| find_stale(index, &computed)).await?;
        if stale.is_empty() {
            return Ok(None);
        }
        let what = format!("{} made with another key", count_noun(stale.len(), "fingerprint"));
        let why = format!(
            "the index was used with several fingerprint keys, and a scan does not recognize the secrets of {}",
            name_some(&stale)
        );
        let remedy = "if the store has the right secrets, run `tokenring doctor --fix` to make the fingerprints again";
        let problem = Problem::new(what, why, remedy);
        Ok(Some(Diagnostic::fail(DiagnosticArea::Database, problem)))
    }
}

/// Lists the first names.
fn name_some(names: &[String]) -> String {
    let named = names.iter().take(MAX_NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    if names.len() > MAX_NAMED { named + " and others" } else { named }
}

/// Returns the names of the credentials whose current secret has a fingerprint that the index does
/// not have.
fn find_stale(
    index: &Database,
    computed: &[(SecretLocation, String)],
) -> Result<Vec<String>, crate::database::DatabaseError> {
    let mut stale = Vec::new();
    for (location, fingerprint) in computed {
        if location.slot != SecretSlot::Current {
            continue;
        }
        let credential = index.credential_by_id(&location.credential)?;
        let mut recorded = index.fingerprints_in_use(&location.credential, &location.part)?;
        if location.part == SecretPart::Secret {
            recorded.extend(credential.fingerprint);
        }
        let name = credential.name.to_string();
        if !recorded.is_empty() && !recorded.contains(fingerprint) && !stale.contains(&name) {
            stale.push(name);
        }
    }
    Ok(stale)
}
