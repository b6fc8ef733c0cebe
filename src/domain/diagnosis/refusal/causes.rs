//! Assessment of each possible cause of a refusal.
//!
//! One `assess_…` method per cause; start at [`RefusalContext::assess_causes`].

use time::Duration;

use super::{CauseAssessment, Likelihood, RefusalCause, RefusalContext, untried_scheme};
use crate::domain::Timestamp;
use crate::domain::rate_limit::{self, RateLimit};

use Likelihood::{Likely, Unknown, Unlikely};

/// Maximum difference between clocks that counts as equal: a response takes a while to arrive, and
/// providers tolerate as much.
const MAX_CLOCK_SKEW: Duration = Duration::seconds(90);

/// Returns how far the local clock is ahead of the server's (negative: behind), if the difference
/// matters.
pub(in crate::domain) fn clock_skew(
    server: Option<Timestamp>,
    here: Timestamp,
) -> Option<Duration> {
    let ahead = here - server?;
    (ahead.abs() >= MAX_CLOCK_SKEW).then_some(ahead)
}

/// Formats a difference: `2 h ahead of the server's`.
pub(in crate::domain) fn describe_clock_skew(ahead: Duration) -> String {
    let time = std::time::Duration::try_from(ahead.abs()).unwrap_or_default();
    let side = if ahead.is_negative() { "behind" } else { "ahead of" };
    format!("{} {side} the server's", rate_limit::format_wait(time))
}

impl RefusalContext<'_> {
    pub(super) fn assess_causes(&self) -> Vec<CauseAssessment> {
        let rate_limit = (self.response.status == 429)
            .then(|| (RefusalCause::RateLimit, self.assess_rate_limit()));
        let others = [
            (RefusalCause::Region, self.assess_region()),
            (RefusalCause::Expiry, self.assess_expiry()),
            (RefusalCause::Scheme, self.assess_scheme()),
            (RefusalCause::Account, self.assess_account()),
            (RefusalCause::Permission, self.assess_permission()),
            (RefusalCause::Whitespace, self.assess_whitespace()),
            (RefusalCause::Clock, self.assess_clock()),
        ];
        let plan = self.assess_plan().map(|plan| (RefusalCause::Plan, plan));
        let all = rate_limit.into_iter().chain(others).chain(plan);
        all.map(|(cause, (likelihood, reason))| CauseAssessment { cause, likelihood, reason })
            .collect()
    }

    /// Whether the provider recognized the credential.
    fn credential_was_known(&self) -> bool {
        self.response.status != 401
    }

    fn assess_rate_limit(&self) -> (Likelihood, String) {
        let limit = RateLimit::from_response(self.response, self.hints.now);
        // A budget that is not exhausted did not cause the refusal, so the text does not mention
        // it.
        let spent = limit.remaining_of_limit().is_none_or(|(left, _)| left == 0);
        let reason = match (
            limit.describe().filter(|_| spent),
            limit.retry_after.map(rate_limit::format_wait),
        ) {
            (Some(text), _) => text,
            (None, Some(wait)) => format!("the provider asks to wait {wait}"),
            (None, None) => "the rate limit is reached".to_owned(),
        };
        (Likely, reason)
    }

    fn assess_region(&self) -> (Likelihood, String) {
        let here = self.request_context.region;
        let hints = self.hints;
        let own = "and a credential works only in its own region";
        if self.credential_was_known() {
            return (Unlikely, format!("{here} recognized the credential"));
        }
        match (&hints.accepted_in[..], &hints.home_region) {
            ([first, ..], _) => (Likely, format!("{first} accepts the credential, {own}")),
            ([], Some(home)) if !home.eq_ignore_ascii_case(here) => {
                (Likely, format!("the secret names {home}, {own}"))
            }
            ([], Some(_)) => (Unlikely, format!("the secret names {here}")),
            ([], None) => self.assess_other_regions(),
        }
    }

    fn assess_other_regions(&self) -> (Likelihood, String) {
        let (refused, untried) = (&self.hints.refused_in, &self.hints.untried_in);
        match (refused.is_empty(), untried.is_empty()) {
            (true, true) => (Unlikely, "the provider has no other region".to_owned()),
            (false, true) => (Unlikely, format!("also refused in {}", refused.join(", "))),
            (true, false) => (Unknown, format!("not tried in {}", untried.join(", "))),
            (false, false) => (
                Unknown,
                format!(
                    "also refused in {}; not tried in {}",
                    refused.join(", "),
                    untried.join(", ")
                ),
            ),
        }
    }

    fn assess_expiry(&self) -> (Likelihood, String) {
        let clock = self.server_time().unwrap_or(self.hints.now);
        match self.hints.expires {
            Some(end) if end <= clock => (Likely, format!("expired on {}", end.date())),
            _ if self.credential_was_known() => {
                (Unlikely, "the provider recognized the credential".to_owned())
            }
            Some(end) => (
                Unknown,
                format!(
                    "valid until {}, unless it was revoked; only the provider knows",
                    end.date()
                ),
            ),
            None => (
                Unknown,
                "only the provider knows whether it has expired or been revoked".to_owned(),
            ),
        }
    }

    fn assess_scheme(&self) -> (Likelihood, String) {
        let forms = self.schemes.join("\" and \"");
        let other = self.kind().and_then(|kind| untried_scheme(kind, self.schemes));
        match other {
            _ if self.credential_was_known() => {
                (Unlikely, format!("the provider understood \"{forms}\""))
            }
            Some(_) if self.hints.scheme_worked_before => {
                (Unlikely, format!("\"{forms}\" worked before"))
            }
            Some(other) => (
                Unknown,
                format!(
                    "\"{other}\" was not tried: a request that may change something is not repeated automatically"
                ),
            ),
            None if self.schemes.len() > 1 => (Unlikely, format!("\"{forms}\" were both refused")),
            None => {
                (Unlikely, format!("\"{forms}\" is the only scheme of this kind of credential"))
            }
        }
    }

    fn assess_plan(&self) -> Option<(Likelihood, String)> {
        let limits = self.request_context.provider.plans_without_api.as_ref()?;
        Some(match self.response.status {
            401 | 403 if self.principal.is_some() => {
                (Unlikely, format!("{limits}, but this credential was accepted before"))
            }
            401 | 403 => (Unknown, format!("{limits}; no response shows which plan this is")),
            _ => (Unlikely, "a plan without API access is refused with another status".to_owned()),
        })
    }

    fn assess_account(&self) -> (Likelihood, String) {
        match (self.principal, self.response.status) {
            (_, 401) if self.sent_access_token() => (
                Unknown,
                "the client ID or name that is sent with it may belong to another credential"
                    .to_owned(),
            ),
            (_, 401) => (Unlikely, "checked only after the credential is accepted".to_owned()),
            (Some(who), 403 | 404) => (
                Unknown,
                format!("{} ({}) – does this identity own the resource?", who.name, who.kind),
            ),
            (None, 403 | 404) => (Unknown, "not known yet; a check finds out".to_owned()),
            _ => (Unlikely, "the limit applies to every identity".to_owned()),
        }
    }

    fn assess_permission(&self) -> (Likelihood, String) {
        match self.response.status {
            403 => {
                (Likely, "the credential was recognized but may not make this request".to_owned())
            }
            404 => (
                Unknown,
                "providers often report a resource as missing if the credential may not see it"
                    .to_owned(),
            ),
            401 => (Unlikely, "checked only after the credential is accepted".to_owned()),
            _ => (Unlikely, "the request was not processed".to_owned()),
        }
    }

    fn assess_whitespace(&self) -> (Likelihood, String) {
        match &self.hints.secret_anomalies {
            Some(odd) if !odd.is_empty() => {
                (Likely, format!("the stored secret has {}", odd.join(", ")))
            }
            Some(_) => (
                Unlikely,
                "the stored secret has no surrounding whitespace, quotes or line breaks".to_owned(),
            ),
            None => (Unknown, "the stored secret could not be read".to_owned()),
        }
    }

    fn assess_clock(&self) -> (Likelihood, String) {
        let Some(server) = self.server_time() else {
            return (Unknown, "the response does not contain the server's time".to_owned());
        };
        match clock_skew(Some(server), self.hints.now) {
            None => (Unlikely, "the clocks of this machine and the server agree".to_owned()),
            Some(ahead) if self.sent_access_token() && !self.credential_was_known() => {
                let why = "and access tokens and signed assertions depend on the time";
                (Likely, format!("this machine's clock is {}, {why}", describe_clock_skew(ahead)))
            }
            Some(ahead) => {
                let why = "this does not cause the refusal, but the displayed expiry times are off by as much";
                (Unlikely, format!("this machine's clock is {}; {why}", describe_clock_skew(ahead)))
            }
        }
    }

    fn server_time(&self) -> Option<Timestamp> {
        self.response.header("date").and_then(rate_limit::parse_http_date)
    }
}
