//! JSON shapes of the command line, on which scripts rely.
//!
//! Field names are stable; more fields may follow.

use std::collections::BTreeMap;

use serde::Serialize;
use time::format_description::well_known::Rfc3339;

use crate::domain::credential::{self, Principal};
use crate::domain::identify::Identification;
use crate::domain::provider::spec::MatchConfidence;
use crate::domain::response::CheckResult;
use crate::domain::rotation::{RotationPhase, RotationStatus};
use crate::domain::{Credential, CredentialStatus, Timestamp};

/// Credential as `list --json` and `show --json` print it.
#[derive(Serialize)]
pub(in crate::cli) struct CredentialJson<'a> {
    name: &'a str,
    provider: &'a str,
    kind: &'a str,
    region: &'a str,
    fields: &'a BTreeMap<String, String>,
    labels: &'a [String],
    created: String,
    expires: Option<String>,
    fingerprint: Option<&'a str>,
    principal: Option<&'a Principal>,
    /// Accepted, refused, unknown, expired or unchecked.
    status: &'static str,
    last_check: Option<LastCheckJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rotation: Option<OpenRotationJson<'a>>,
}

/// Unfinished rotation within a credential of `list` and `show`. The fields have the names that
/// `rotations --json` uses.
#[derive(Serialize)]
struct OpenRotationJson<'a> {
    id: &'a str,
    state: RotationPhase,
    step: Option<&'a str>,
    next: &'a str,
}

/// Latest check result within a credential.
#[derive(Serialize)]
struct LastCheckJson<'a> {
    verdict: CheckResult,
    status: Option<u16>,
    reason: &'a str,
    at: String,
    latency_ms: Option<u64>,
}

/// Check result as `check --json` prints it.
#[derive(Serialize)]
pub(in crate::cli) struct CheckResultJson {
    pub name: String,
    pub region: String,
    pub verdict: CheckResult,
    pub status: Option<u16>,
    pub reason: String,
    pub latency_ms: Option<u64>,
    /// Description of the policy violation.
    pub policy: Option<String>,
}

/// Region with its check result, as `probe --json` and `regions NAME --json` print it.
#[derive(Serialize)]
pub(in crate::cli) struct RegionJson {
    pub region: String,
    pub api: String,
    pub verdict: CheckResult,
    pub status: Option<u16>,
    pub latency_ms: Option<u64>,
    pub current: bool,
}

/// Identification of a secret, as `identify --json` prints it.
#[derive(Serialize)]
pub(in crate::cli) struct IdentificationJson {
    candidates: Vec<CandidateJson>,
    cleaned: Vec<String>,
}

#[derive(Serialize)]
struct CandidateJson {
    provider: String,
    kind: String,
    region: Option<String>,
    expires: Option<String>,
    /// ID that the secret contains about itself; not a secret.
    id: Option<String>,
    confidence: MatchConfidence,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    incomplete: bool,
    why: String,
}

impl<'a> CredentialJson<'a> {
    /// Returns the JSON shape of a credential.
    pub(in crate::cli) fn new(credential: &'a Credential, now: Timestamp) -> Self {
        Self {
            name: credential.name.as_str(),
            provider: &credential.provider,
            kind: &credential.kind,
            region: &credential.region,
            fields: &credential.fields,
            labels: &credential.labels,
            created: format_rfc3339(credential.created),
            expires: credential.expires.map(format_rfc3339),
            fingerprint: credential.fingerprint.as_deref(),
            principal: credential.principal.as_ref(),
            status: CredentialStatus::for_credential(credential, now).word(),
            last_check: credential.last_check.as_ref().map(LastCheckJson::new),
            rotation: None,
        }
    }

    /// Adds the unfinished rotation of the credential.
    pub(in crate::cli) fn with_rotation(mut self, rotation: Option<&'a RotationStatus>) -> Self {
        self.rotation = rotation.map(|status| OpenRotationJson {
            id: &status.id,
            state: status.state,
            step: status.step.as_deref(),
            next: &status.next,
        });
        self
    }
}

impl<'a> LastCheckJson<'a> {
    fn new(check: &'a credential::CheckReport) -> Self {
        let credential::CheckReport { result: verdict, status, reason, checked_at: at, latency_ms } =
            check;
        Self {
            verdict: *verdict,
            status: *status,
            reason,
            at: format_rfc3339(*at),
            latency_ms: *latency_ms,
        }
    }
}

impl CheckResultJson {
    /// Returns the JSON shape of a check result of a credential in a region.
    pub(in crate::cli) fn new(
        credential: &Credential,
        region: &str,
        check: &credential::CheckReport,
    ) -> Self {
        Self {
            name: credential.name.to_string(),
            region: region.to_owned(),
            verdict: check.result,
            status: check.status,
            reason: check.reason.clone(),
            latency_ms: check.latency_ms,
            policy: None,
        }
    }
}

impl IdentificationJson {
    /// Returns the JSON shape of an identification, best candidate first.
    pub(in crate::cli) fn new(found: &Identification) -> Self {
        let candidates = found.candidates.iter().map(|candidate| CandidateJson {
            provider: candidate.provider.clone(),
            kind: candidate.kind.clone(),
            region: candidate.region.clone(),
            expires: candidate.expires.map(format_rfc3339),
            id: candidate.remote_id.clone(),
            confidence: candidate.confidence,
            incomplete: candidate.is_incomplete,
            why: candidate.why.clone(),
        });
        Self { candidates: candidates.collect(), cleaned: found.removed.clone() }
    }
}

/// Formats a timestamp as RFC 3339 in UTC, to the second.
pub(in crate::cli) fn format_rfc3339(moment: Timestamp) -> String {
    let seconds = moment.to_offset(time::UtcOffset::UTC).replace_nanosecond(0).unwrap_or(moment);
    seconds.format(&Rfc3339).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_utc_to_the_second() {
        let moment = time::macros::datetime!(2026-11-21 10:00:00.25 +02:00);
        assert_eq!(format_rfc3339(moment), "2026-11-21T08:00:00Z");
    }
}
