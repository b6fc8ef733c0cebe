//! Fault knobs: rules that change the responses to matching requests, until they are used up or
//! cleared.
//!
//! Start at `FaultRules::apply_faults` and `parse_rule`.

use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::http::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::clock::UnixMillis;

/// Rule: which requests it matches and what it does to them. Every field is optional.
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct FaultRule {
    /// Matches only this region; without it, all.
    region: Option<String>,
    /// Matches only paths with this prefix.
    path: Option<String>,
    /// Matches only this method.
    method: Option<String>,
    /// Number of requests until the rule is removed; without it, unlimited.
    times: Option<u32>,
    #[serde(flatten)]
    effect: FaultEffect,
}

/// Effect of a rule on a request.
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct FaultEffect {
    pub(super) delay_ms: Option<u64>,
    pub(super) status: Option<u16>,
    pub(super) retry_after: Option<String>,
    pub(super) cut_body: Option<bool>,
    pub(super) body: Option<String>,
    pub(super) lost_answer: Option<bool>,
    pub(super) enforce_limits: Option<bool>,
    pub(super) eventual_ms: Option<UnixMillis>,
    pub(super) late_revocation_ms: Option<UnixMillis>,
}

const SELECTOR_FIELDS: [&str; 4] = ["region", "path", "method", "times"];

/// Name and description of every knob, as listed by `GET /faults`.
const FAULT_KNOBS: [(&str, &str); 14] = [
    ("region", "only requests to this region, as SNYK-EU-01, SAW-EU or APPCIRCLE; without it, all"),
    ("path", "only requests whose path begins with this text"),
    ("method", "only requests with this method"),
    ("times", "number of requests until the rule is removed; without it, unlimited"),
    ("delay_ms", "waits this long before it handles the request"),
    (
        "status",
        "refuses with this status in the server's own format, without any effect; 3xx needs body redirect:URL",
    ),
    ("retry_after", "sends Retry-After (seconds or an HTTP date); without a status it implies 429"),
    (
        "cut_body",
        "true: acts, announces the whole body, sends half of it and closes the connection",
    ),
    (
        "body",
        "acts, then sends this instead: html | huge | invalid-utf8 | control-characters | redirect:URL",
    ),
    ("lost_answer", "true: acts, then closes the connection without a response"),
    ("enforce_limits", "true: rate limits refuse with 429; without it they are only counted"),
    ("eventual_ms", "secrets created by the request are refused (401) for this long"),
    ("late_revocation_ms", "secrets revoked by the request are still accepted for this long"),
    ("advance_ms", "alone: advances the simulated time; not a rule"),
];

impl FaultEffect {
    /// Returns the status of the requested refusal, if any.
    pub(super) fn refusal_status(&self) -> Option<StatusCode> {
        let implied = self.retry_after.is_some().then_some(429);
        StatusCode::from_u16(self.status.or(implied)?)
            .ok()
            .filter(|status| !status.is_redirection())
    }

    /// Copies every value that `other` sets.
    fn merge(&mut self, other: &Self) {
        let other = other.clone();
        self.delay_ms = other.delay_ms.or(self.delay_ms);
        self.status = other.status.or(self.status);
        self.retry_after = other.retry_after.or_else(|| self.retry_after.take());
        self.cut_body = other.cut_body.or(self.cut_body);
        self.body = other.body.or_else(|| self.body.take());
        self.lost_answer = other.lost_answer.or(self.lost_answer);
        self.enforce_limits = other.enforce_limits.or(self.enforce_limits);
        self.eventual_ms = other.eventual_ms.or(self.eventual_ms);
        self.late_revocation_ms = other.late_revocation_ms.or(self.late_revocation_ms);
    }
}

impl FaultRule {
    fn matches(&self, region: &str, method: &Method, path: &str) -> bool {
        self.times != Some(0)
            && self.region.as_deref().is_none_or(|wanted| wanted == region)
            && self
                .method
                .as_deref()
                .is_none_or(|wanted| wanted.eq_ignore_ascii_case(method.as_str()))
            && self.path.as_deref().is_none_or(|wanted| path.starts_with(wanted))
    }
}

/// Active rules.
#[derive(Default)]
pub(super) struct FaultRules {
    rules: Mutex<Vec<FaultRule>>,
}

impl FaultRules {
    pub(super) fn add(&self, rule: FaultRule) {
        self.rules().push(rule);
    }

    pub(super) fn clear(&self) {
        self.rules().clear();
    }

    /// Returns the combined effect on one request. Rules that are used up are removed afterwards.
    pub(super) fn apply_faults(&self, region: &str, method: &Method, path: &str) -> FaultEffect {
        let mut effect = FaultEffect::default();
        let mut rules = self.rules();
        for rule in rules.iter_mut().filter(|rule| rule.matches(region, method, path)) {
            rule.times = rule.times.map(|left| left - 1);
            effect.merge(&rule.effect);
        }
        rules.retain(|rule| rule.times != Some(0));
        effect
    }

    /// Returns the list of knobs, each with the value from the latest active rule, and the active
    /// rules.
    pub(super) fn describe(&self) -> Value {
        let active: Vec<Value> = self.rules().iter().map(without_nulls).collect();
        let knobs: Vec<Value> = FAULT_KNOBS
            .iter()
            .map(|(name, what)| {
                let value = active.iter().rev().find_map(|rule| rule.get(name));
                json!({"name": name, "what": what, "value": value})
            })
            .collect();
        json!({"knobs": knobs, "active": active})
    }

    fn rules(&self) -> MutexGuard<'_, Vec<FaultRule>> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Parses a rule, or returns what is wrong with it.
pub(super) fn parse_rule(value: &Value) -> Result<FaultRule, String> {
    let known = |name: &String| FAULT_KNOBS.iter().any(|(knob, _)| knob == name);
    if let Some(unknown) =
        value.as_object().and_then(|fields| fields.keys().find(|name| !known(name)))
    {
        return Err(format!("unknown knob {unknown}"));
    }
    let rule: FaultRule =
        serde_json::from_value(value.clone()).map_err(|error| error.to_string())?;
    match rule.effect.body.as_deref() {
        None | Some("html" | "huge" | "invalid-utf8" | "control-characters") => Ok(rule),
        Some(redirect) if redirect.starts_with("redirect:") => Ok(rule),
        Some(other) => Err(format!("unknown body {other}")),
    }
}

fn without_nulls(rule: &FaultRule) -> Value {
    let mut value = serde_json::to_value(rule).unwrap_or_default();
    if let Some(fields) = value.as_object_mut() {
        fields.retain(|name, value| !value.is_null() || SELECTOR_FIELDS.contains(&name.as_str()));
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(rules: &[Value]) -> FaultRules {
        let faults = FaultRules::default();
        for rule in rules {
            faults.add(parse_rule(rule).expect("a rule"));
        }
        faults
    }

    #[test]
    fn a_rule_is_gone_after_its_times() {
        let faults = faults(&[json!({"path": "/rest", "times": 2, "status": 503})]);
        let strike = || faults.apply_faults("SNYK-EU-01", &Method::GET, "/rest/self").status;
        assert_eq!([strike(), strike(), strike()], [Some(503), Some(503), None]);
    }

    #[test]
    fn a_rule_meets_only_its_region_method_and_path() {
        let faults =
            faults(&[json!({"region": "SAW-EU", "method": "get", "path": "/keys", "status": 500})]);
        let strike = |region, method, path| faults.apply_faults(region, &method, path).status;
        assert_eq!(strike("SAW-US", Method::GET, "/keys/"), None);
        assert_eq!(strike("SAW-EU", Method::POST, "/keys/"), None);
        assert_eq!(strike("SAW-EU", Method::GET, "/targets/"), None);
        assert_eq!(strike("SAW-EU", Method::GET, "/keys/"), Some(500));
    }

    #[test]
    fn rules_add_up_and_the_later_one_wins() {
        let faults = faults(&[json!({"delay_ms": 5, "status": 500}), json!({"status": 503})]);
        let effect = faults.apply_faults("SAW-EU", &Method::GET, "/");
        assert_eq!((effect.delay_ms, effect.status), (Some(5), Some(503)));
    }

    #[test]
    fn a_misspelled_fault_rule_is_refused() {
        assert!(parse_rule(&json!({"delay": 5})).is_err());
        assert!(parse_rule(&json!({"body": "pdf"})).is_err());
    }

    #[test]
    fn a_retry_after_alone_means_429() {
        let rule = parse_rule(&json!({"retry_after": "2"})).expect("a rule");
        assert_eq!(rule.effect.refusal_status(), Some(StatusCode::TOO_MANY_REQUESTS));
    }
}
