//! A refusal, looked into: what was tried, what is known of each thing that may be behind it, and what to do next.
//!
//! The short explanation ([`super::explain`]) names the likeliest reason. Here every one has its line, also those that
//! are ruled out, and what nobody knows is said to be unknown.

mod causes;

pub(in crate::domain) use causes::{skew, skew_in_words};

use serde::Serialize;

use super::credential::Principal;
use super::explain::{Asked, Hints};
use super::provider::{Authorization, Kind};
use super::rate_limit::{self, RateLimit};
use super::request::Draft;
use super::response::Answer;

/// The statuses that are looked into.
const REFUSALS: [u16; 4] = [401, 403, 404, 429];

/// What was tried, what is known and what to do next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// What was asked, where, and in which forms.
    pub tried: Vec<String>,
    /// The possible causes, the likely ones first.
    pub known: Vec<Finding>,
    /// What to do, the most promising first.
    pub next: Vec<Step>,
}

/// A possible cause, and what is known of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The cause.
    pub cause: Cause,
    /// How likely it is.
    pub weight: Weight,
    /// Why, in words.
    pub told: String,
}

/// What may be behind a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// Too many requests.
    Pace,
    /// The credential belongs to another region.
    Region,
    /// It has ended or was revoked.
    End,
    /// It was sent in the wrong form.
    Scheme,
    /// The plan has no access to the API.
    Plan,
    /// It acts as somebody else than the person thinks.
    Account,
    /// It may not do this.
    Permission,
    /// A blank or a line break got into it.
    Whitespace,
    /// The clocks differ.
    Clock,
}

/// How likely a cause is, by what is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Weight {
    /// Something speaks for it.
    Likely,
    /// Nobody knows.
    Open,
    /// Something speaks against it.
    Unlikely,
}

/// Something to do about a refusal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// Wait for so long, and send again.
    Wait(String),
    /// Set the clock of this machine.
    SetClock,
    /// Give the secret again.
    Reenter,
    /// Switch the credential to this region.
    Switch(String),
    /// Try the other regions.
    Probe,
    /// Look at the provider's page.
    Page,
    /// Look what the credential reaches.
    Reach,
    /// Replace the credential.
    Replace,
}

/// What is known of a request that was refused.
pub struct Facts<'a> {
    /// Who was asked.
    pub asked: Asked<'a>,
    /// What is known besides the answer.
    pub hints: &'a Hints,
    /// What was asked.
    pub draft: &'a Draft,
    /// What came back.
    pub answer: &'a Answer,
    /// The schemes in which the secret was sent.
    pub schemes: &'a [String],
    /// Whom the credential acted as when it was accepted last.
    pub principal: Option<&'a Principal>,
}

impl Refusal {
    /// Looks into a refusal; `None` for any other answer.
    pub fn of(facts: &Facts<'_>) -> Option<Self> {
        if !REFUSALS.contains(&facts.answer.status) {
            return None;
        }
        let mut known = facts.findings();
        known.sort_by_key(|finding| finding.weight);
        let next = facts.steps(&known);
        Some(Self { tried: facts.tried(), known, next })
    }
}

impl Cause {
    /// What it is called.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Pace => "Pace",
            Self::Region => "Region",
            Self::End => "End",
            Self::Scheme => "Form",
            Self::Plan => "Plan",
            Self::Account => "Account",
            Self::Permission => "Permission",
            Self::Whitespace => "White space",
            Self::Clock => "Clock",
        }
    }
}

impl Weight {
    /// The sign that stands for it.
    pub const fn sign(self) -> char {
        match self {
            Self::Likely => '!',
            Self::Open => '?',
            Self::Unlikely => '-',
        }
    }
}

impl Step {
    /// What there is to do, as a sentence.
    pub fn words(&self) -> String {
        match self {
            Self::Wait(time) => format!("Wait {time}, then send it again"),
            Self::SetClock => "Set the clock of this machine, then send it again".to_owned(),
            Self::Reenter => "Give the secret again, without blanks and line breaks".to_owned(),
            Self::Switch(region) => format!("Switch the credential to {region}"),
            Self::Probe => "Try every region (each of their hosts sees the secret)".to_owned(),
            Self::Page => "Look at the provider's page whether it is still there".to_owned(),
            Self::Reach => "List what the credential can reach, and compare the ids".to_owned(),
            Self::Replace => "Replace it".to_owned(),
        }
    }

    /// The command that does it for a credential of this name, where there is one.
    pub fn command(&self, name: &str) -> Option<String> {
        match self {
            Self::Wait(_) | Self::SetClock | Self::Page => None,
            Self::Reenter => Some(format!("tokenring edit {name} --secret")),
            Self::Switch(region) => Some(format!("tokenring region {name} {region}")),
            Self::Probe => Some(format!("tokenring probe {name}")),
            Self::Reach => Some(format!("tokenring presets {name}")),
            Self::Replace => Some(format!("tokenring rotate {name} --plan")),
        }
    }
}

impl<'a> Facts<'a> {
    fn kind(&self) -> Option<&'a Kind> {
        self.asked.provider.kind(self.asked.kind)
    }

    /// Whether an access token went instead of the secret.
    fn was_exchanged(&self) -> bool {
        self.kind().is_some_and(|kind| kind.authorization.exchanges())
    }

    fn tried(&self) -> Vec<String> {
        let Draft { method, target, .. } = self.draft;
        let forms: Vec<_> = self.schemes.iter().map(|scheme| form(scheme)).collect();
        let what = if self.was_exchanged() { "an access token for it" } else { "the secret" };
        vec![format!("{method} {target} in {}", self.asked.region), format!("with {what} as {}", forms.join(", then "))]
    }

    fn steps(&self, known: &[Finding]) -> Vec<Step> {
        let weight = |cause| known.iter().find(|finding| finding.cause == cause).map(|finding| finding.weight);
        let is_likely = |cause| weight(cause) == Some(Weight::Likely);
        let wait = RateLimit::read(self.answer, self.hints.now).wait().map_or_else(|| "a while".to_owned(), rate_limit::seconds);
        let home = self.hints.accepted_in.first().or(self.hints.home_region.as_ref());
        let switch = home.filter(|_| is_likely(Cause::Region)).cloned().map(Step::Switch);
        let asks_elsewhere = weight(Cause::Region) == Some(Weight::Open);
        let is_refused = self.answer.status == 401;
        [
            is_likely(Cause::Pace).then_some(Step::Wait(wait)),
            is_likely(Cause::Clock).then_some(Step::SetClock),
            is_likely(Cause::Whitespace).then_some(Step::Reenter),
            switch,
            asks_elsewhere.then_some(Step::Probe),
            matches!(self.answer.status, 403 | 404).then_some(Step::Reach),
            (is_refused || self.answer.status == 403).then_some(Step::Page),
            is_refused.then_some(Step::Replace),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// The form of a header: `Authorization: token …`.
fn form(scheme: &str) -> String {
    if scheme.is_empty() { "\"Authorization: …\"".to_owned() } else { format!("\"Authorization: {scheme} …\"") }
}

/// The other form that a kind may have, if it has two.
fn other_form<'a>(kind: &'a Kind, tried: &[String]) -> Option<&'a str> {
    let Authorization::Header { scheme, fallback } = &kind.authorization else { return None };
    [Some(scheme), fallback.as_ref()].into_iter().flatten().find(|form| !tried.contains(form)).map(String::as_str)
}

#[cfg(test)]
mod tests;
