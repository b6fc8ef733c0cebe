//! Status of a credential: the one word that list, detail, filter, counts and JSON show.
//!
//! It is worked out from the recorded check in the credential's present region and from its expiry,
//! and is stored nowhere. Start at [`CredentialStatus::for_credential`].

use super::credential::CheckReport;
use super::format::format_span;
use super::response::CheckResult;
use super::{Credential, Timestamp};

/// Status of a credential, the most urgent first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CredentialStatus {
    /// The provider refused it in its region.
    Refused,
    /// Its expiry date has passed, and the provider has not been asked since.
    Expired,
    /// The provider was asked, without a conclusive response.
    Unknown,
    /// The provider was not asked in its region.
    Unchecked,
    /// The provider accepted it in its region.
    Accepted,
}

impl CredentialStatus {
    /// All statuses, the most urgent first.
    pub const ALL: [Self; 5] =
        [Self::Refused, Self::Expired, Self::Unknown, Self::Unchecked, Self::Accepted];

    /// Returns the status of a credential at `now`. The provider decides: what it accepted after the
    /// expiry date is accepted, and only what it refused is refused.
    pub fn for_credential(credential: &Credential, now: Timestamp) -> Self {
        let check = credential.last_check.as_ref();
        let end = credential.expires.filter(|end| *end <= now);
        match check.map_or(CheckResult::Unchecked, |check| check.result) {
            CheckResult::Refused => Self::Refused,
            CheckResult::Accepted
                if end.is_none_or(|end| check.is_some_and(|check| check.checked_at > end)) =>
            {
                Self::Accepted
            }
            _ if end.is_some() => Self::Expired,
            CheckResult::Unknown => Self::Unknown,
            CheckResult::Accepted | CheckResult::Unchecked => Self::Unchecked,
        }
    }

    /// Returns the words for the status.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Expired => "expired",
            Self::Unknown => "unknown",
            Self::Unchecked => "not checked",
            Self::Accepted => "accepted",
        }
    }

    /// Returns the status as one word, for JSON and filters (`status:unchecked`).
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unchecked => CheckResult::Unchecked.as_str(),
            Self::Refused | Self::Expired | Self::Unknown | Self::Accepted => self.as_str(),
        }
    }
}

/// Formats the status of a credential, with HTTP status and age of the last check: `accepted 200,
/// 2 min ago`, `expired; accepted 200, 3 d ago`.
pub fn format_status(credential: &Credential, now: Timestamp) -> String {
    let status = CredentialStatus::for_credential(credential, now);
    let Some(check) = &credential.last_check else { return status.as_str().to_owned() };
    let checked = format_last_check(check, now);
    match status {
        CredentialStatus::Expired => format!("{}; {checked}", status.as_str()),
        _ => checked,
    }
}

fn format_last_check(check: &CheckReport, now: Timestamp) -> String {
    let status = check.status.map(|status| format!(" {status}")).unwrap_or_default();
    let age = match format_span(now - check.checked_at).as_str() {
        "now" => "just now".to_owned(),
        past => format!("{past} ago"),
    };
    format!("{}{status}, {age}", check.result.as_str())
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::domain::credential::CheckReport;
    use crate::domain::{CredentialId, CredentialName};

    const NOW: Timestamp = datetime!(2026-11-21 12:00 UTC);

    fn status(check: Option<(CheckResult, Timestamp)>, expires: Option<Timestamp>) -> &'static str {
        let check = check.map(|(result, checked_at)| CheckReport {
            result,
            status: None,
            reason: String::new(),
            checked_at,
            latency_ms: None,
        });
        let credential = Credential {
            id: CredentialId::from_random([7; 16]),
            name: CredentialName::parse("ci").unwrap(),
            provider: "snyk".to_owned(),
            kind: "personal-token".to_owned(),
            region: "SNYK-EU-01".to_owned(),
            fields: std::collections::BTreeMap::new(),
            labels: Vec::new(),
            created: datetime!(2026-01-01 0:00 UTC),
            expires,
            fingerprint: None,
            principal: None,
            scheme: None,
            last_check: check,
        };
        CredentialStatus::for_credential(&credential, NOW).word()
    }

    #[test]
    fn only_a_refusal_is_refused_and_a_past_date_is_expired() {
        use CheckResult::{Accepted, Refused, Unchecked, Unknown};
        let (before, after) = (datetime!(2026-11-01 0:00 UTC), datetime!(2026-11-21 0:00 UTC));
        let past = Some(datetime!(2026-11-10 0:00 UTC));
        let later = Some(datetime!(2026-11-22 0:00 UTC));
        for (check, expires, expected) in [
            (None, None, "unchecked"),
            (None, later, "unchecked"),
            (None, past, "expired"),
            (None, Some(NOW), "expired"),
            (Some((Unchecked, before)), past, "expired"),
            (Some((Unchecked, before)), None, "unchecked"),
            (Some((Accepted, before)), None, "accepted"),
            (Some((Accepted, before)), later, "accepted"),
            (Some((Accepted, before)), past, "expired"),
            (Some((Accepted, after)), past, "accepted"),
            (Some((Refused, before)), past, "refused"),
            (Some((Refused, before)), None, "refused"),
            (Some((Unknown, after)), past, "expired"),
            (Some((Unknown, after)), later, "unknown"),
        ] {
            assert_eq!(status(check, expires), expected, "{check:?} {expires:?}");
        }
    }

    #[test]
    fn each_status_has_its_own_word() {
        assert_eq!(
            CredentialStatus::ALL.map(CredentialStatus::as_str),
            ["refused", "expired", "unknown", "not checked", "accepted"]
        );
        let words = CredentialStatus::ALL.map(CredentialStatus::word);
        assert!(words.iter().all(|word| !word.contains(' ')), "{words:?}");
    }

    #[test]
    fn the_last_check_is_shown_with_status_and_age() {
        let now = datetime!(2026-11-21 12:00 UTC);
        let check = |status, at| CheckReport {
            result: CheckResult::Refused,
            status,
            reason: String::new(),
            checked_at: at,
            latency_ms: None,
        };
        assert_eq!(
            format_last_check(&check(Some(401), datetime!(2026-11-21 11:58 UTC)), now),
            "refused 401, 2 min ago"
        );
        assert_eq!(format_last_check(&check(None, now), now), "refused, just now");
    }
}
