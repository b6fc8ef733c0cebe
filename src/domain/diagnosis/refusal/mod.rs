//! Diagnosis of a refusal: what was tried, what is known about each possible cause, and what to do
//! next.
//!
//! The short explanation ([`super::explain`]) names the most likely cause. A diagnosis lists all
//! causes, including those that are ruled out, and states which are unknown. Start at
//! [`RefusalDiagnosis::diagnose`]; the causes are assessed in `causes`.

mod causes;

pub(in crate::domain) use causes::{clock_skew, describe_clock_skew};

use serde::Serialize;

use super::explain::{ExplanationContext, RequestContext, find_status_rule};
use crate::domain::credential::Principal;
use crate::domain::provider::{AuthMethod, CredentialKind};
use crate::domain::rate_limit::{self, RateLimit};
use crate::domain::request::RequestDraft;
use crate::domain::response::ApiResponse;

/// Statuses for which a diagnosis exists.
const DIAGNOSED_STATUSES: [u16; 4] = [401, 403, 404, 429];

/// Diagnosis: attempts, causes and next steps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RefusalDiagnosis {
    /// Request, region and authorization schemes that were tried.
    pub tried: Vec<String>,
    /// Possible causes, the likely ones first.
    #[serde(rename = "known")]
    pub causes: Vec<CauseAssessment>,
    /// Next steps, the most promising first.
    #[serde(rename = "next")]
    pub next_steps: Vec<RemedyStep>,
}

/// Possible cause with its likelihood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CauseAssessment {
    /// Cause.
    pub cause: RefusalCause,
    /// Likelihood of the cause.
    #[serde(rename = "weight")]
    pub likelihood: Likelihood,
    /// Reason for the likelihood.
    #[serde(rename = "told")]
    pub reason: String,
}

/// Possible causes of a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefusalCause {
    /// Too many requests.
    #[serde(rename = "pace")]
    RateLimit,
    /// The credential belongs to another region.
    Region,
    /// The credential has expired or was revoked.
    #[serde(rename = "end")]
    Expiry,
    /// The credential was sent with the wrong authorization scheme.
    Scheme,
    /// The subscription plan has no API access.
    Plan,
    /// The credential acts as another identity than expected.
    Account,
    /// The credential lacks a permission.
    Permission,
    /// The secret contains whitespace or a line break.
    Whitespace,
    /// The clocks of this machine and the server differ.
    Clock,
    /// The provider names a fault of the request.
    Request,
}

/// Likelihood of a cause, as far as known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Likelihood {
    /// A known fact supports the cause.
    Likely,
    /// No known fact decides.
    #[serde(rename = "open")]
    Unknown,
    /// A known fact rules the cause out.
    Unlikely,
}

/// Step that may resolve a refusal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RemedyStep {
    /// Change what the provider names, and send again.
    EditRequest,
    /// Wait for this time and send again.
    Wait(String),
    /// Set the clock of this machine.
    SetClock,
    /// Enter the secret again.
    #[serde(rename = "reenter")]
    ReenterSecret,
    /// Switch the credential to this region.
    #[serde(rename = "switch")]
    SwitchRegion(String),
    /// Try the other regions.
    #[serde(rename = "probe")]
    ProbeRegions,
    /// Look at the provider's page.
    #[serde(rename = "page")]
    OpenProviderPage,
    /// List what the credential can access.
    #[serde(rename = "reach")]
    ListAccess,
    /// Rotate the credential.
    #[serde(rename = "replace")]
    Rotate,
}

/// Facts about a refused request.
pub struct RefusalContext<'a> {
    /// Provider, kind and region of the request.
    pub request_context: RequestContext<'a>,
    /// Facts from outside the response.
    pub hints: &'a ExplanationContext,
    /// Request that was sent.
    pub draft: &'a RequestDraft,
    /// Response that came back.
    pub response: &'a ApiResponse,
    /// Authorization schemes that were tried.
    pub schemes: &'a [String],
    /// Identity that the credential acted as when it was last accepted.
    pub principal: Option<&'a Principal>,
}

impl RefusalDiagnosis {
    /// Diagnoses a refusal; returns `None` for any other response.
    pub fn diagnose(context: &RefusalContext<'_>) -> Option<Self> {
        if !DIAGNOSED_STATUSES.contains(&context.response.status) {
            return None;
        }
        if let Some(reason) = context.named_fault() {
            let cause = RefusalCause::Request;
            return Some(Self {
                tried: context.describe_attempts(),
                causes: vec![CauseAssessment { cause, likelihood: Likelihood::Likely, reason }],
                next_steps: vec![RemedyStep::EditRequest],
            });
        }
        let mut causes = context.assess_causes();
        causes.sort_by_key(|assessment| assessment.likelihood);
        let next = context.remedy_steps(&causes);
        Some(Self { tried: context.describe_attempts(), causes, next_steps: next })
    }
}

impl RefusalCause {
    /// Returns the title of the cause.
    pub const fn title(self) -> &'static str {
        match self {
            Self::RateLimit => "Rate limit",
            Self::Region => "Region",
            Self::Expiry => "Expiry",
            Self::Scheme => "Scheme",
            Self::Plan => "Plan",
            Self::Account => "Identity",
            Self::Permission => "Permission",
            Self::Whitespace => "Whitespace",
            Self::Clock => "Clock",
            Self::Request => "Request",
        }
    }
}

impl Likelihood {
    /// Returns the symbol for the likelihood.
    pub const fn symbol(self) -> char {
        match self {
            Self::Likely => '!',
            Self::Unknown => '?',
            Self::Unlikely => '-',
        }
    }
}

impl RemedyStep {
    /// Describes the step as an instruction.
    pub fn describe(&self) -> String {
        match self {
            Self::EditRequest => "Correct the request".to_owned(),
            Self::Wait(time) => format!("Wait {time}, then send the request again"),
            Self::SetClock => {
                "Set the clock of this machine, then send the request again".to_owned()
            }
            Self::ReenterSecret => {
                "Enter the secret again, without whitespace and line breaks".to_owned()
            }
            Self::SwitchRegion(region) => format!("Switch the credential to {region}"),
            Self::ProbeRegions => "Try all regions (sends the secret to each host)".to_owned(),
            Self::OpenProviderPage => {
                "Check on the provider's page that the credential still exists".to_owned()
            }
            Self::ListAccess => {
                "List what the credential can access, and compare the IDs".to_owned()
            }
            Self::Rotate => "Rotate the credential".to_owned(),
        }
    }

    /// Returns the command that performs the step for a credential of this name, if there is one.
    pub fn command(&self, name: &str) -> Option<String> {
        match self {
            Self::EditRequest | Self::Wait(_) | Self::SetClock | Self::OpenProviderPage => None,
            Self::ReenterSecret => Some(format!("tokenring edit {name} --secret")),
            Self::SwitchRegion(region) => Some(format!("tokenring edit {name} --region {region}")),
            Self::ProbeRegions => Some(format!("tokenring check {name} --all-regions")),
            Self::ListAccess => Some(format!("tokenring request presets {name}")),
            Self::Rotate => Some(format!("tokenring rotate {name} --plan")),
        }
    }
}

impl<'a> RefusalContext<'a> {
    /// Returns what the provider says is wrong with the request, where it names it: a resource that
    /// is missing by name has no other cause.
    fn named_fault(&self) -> Option<String> {
        let rule = find_status_rule(self.request_context, self.response)?;
        let is_named = self.response.status == 404 && rule.body_contains.is_some();
        is_named.then(|| format!("{}. {}", rule.what, rule.why))
    }

    fn kind(&self) -> Option<&'a CredentialKind> {
        self.request_context.provider.kind(self.request_context.kind)
    }

    /// Whether an access token was sent instead of the secret.
    fn sent_access_token(&self) -> bool {
        self.kind().is_some_and(|kind| kind.authorization.uses_token_exchange())
    }

    fn describe_attempts(&self) -> Vec<String> {
        let RequestDraft { method, target, .. } = self.draft;
        let forms: Vec<_> = self.schemes.iter().map(|scheme| describe_scheme(scheme)).collect();
        let what = if self.sent_access_token() { "an access token" } else { "the secret" };
        vec![
            format!("{method} {target} in {}", self.request_context.region),
            format!("with {what} as {}", forms.join(", then ")),
        ]
    }

    fn remedy_steps(&self, causes: &[CauseAssessment]) -> Vec<RemedyStep> {
        let likelihood = |cause| {
            causes
                .iter()
                .find(|assessment| assessment.cause == cause)
                .map(|assessment| assessment.likelihood)
        };
        let is_likely = |cause| likelihood(cause) == Some(Likelihood::Likely);
        let wait = RateLimit::from_response(self.response, self.hints.now)
            .wait_time()
            .map_or_else(|| "a while".to_owned(), rate_limit::format_wait);
        let home = self.hints.accepted_in.first().or(self.hints.home_region.as_ref());
        let switch =
            home.filter(|_| is_likely(RefusalCause::Region)).cloned().map(RemedyStep::SwitchRegion);
        let asks_elsewhere = likelihood(RefusalCause::Region) == Some(Likelihood::Unknown);
        let is_refused = self.response.status == 401;
        [
            is_likely(RefusalCause::RateLimit).then_some(RemedyStep::Wait(wait)),
            is_likely(RefusalCause::Clock).then_some(RemedyStep::SetClock),
            is_likely(RefusalCause::Whitespace).then_some(RemedyStep::ReenterSecret),
            switch,
            asks_elsewhere.then_some(RemedyStep::ProbeRegions),
            matches!(self.response.status, 403 | 404).then_some(RemedyStep::ListAccess),
            (is_refused || self.response.status == 403).then_some(RemedyStep::OpenProviderPage),
            is_refused.then_some(RemedyStep::Rotate),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// Formats a header with its scheme: `Authorization: token …`.
fn describe_scheme(scheme: &str) -> String {
    if scheme.is_empty() {
        "\"Authorization: …\"".to_owned()
    } else {
        format!("\"Authorization: {scheme} …\"")
    }
}

/// Returns a scheme of the kind that was not tried, if there is one.
pub(in crate::domain) fn untried_scheme<'a>(
    kind: &'a CredentialKind,
    tried: &[String],
) -> Option<&'a str> {
    let AuthMethod::Header { scheme, fallback } = &kind.authorization else { return None };
    [Some(scheme), fallback.as_ref()]
        .into_iter()
        .flatten()
        .find(|form| !tried.contains(form))
        .map(String::as_str)
}

#[cfg(test)]
mod tests;
