//! Test samples: credentials, responses and a screen with a fixed clock.
//!
//! Start at [`TestSession`]. Samples for rotations are in `rotation.rs`.

pub(crate) mod rotation;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{App, InitialState, InputEvent, Message, Now, UiEffect, update};
use crate::config::KeyPress;
use crate::config::theme::{ColorDepth, Theme};
use crate::domain::credential::{CheckReport, Principal};
use crate::domain::provider::ProviderCatalog;
use crate::domain::response::CheckResult;
use crate::domain::{Credential, CredentialId, CredentialName, Timestamp};

/// Time at which every test runs.
pub(crate) fn test_time() -> Timestamp {
    time::macros::datetime!(2026-11-22 12:00 UTC)
}

/// Returns the n-th credential ID.
pub(crate) fn id(n: u8) -> CredentialId {
    CredentialId::from_random([n; 16])
}

/// Returns a check result from two minutes ago.
pub(crate) fn check(verdict: CheckResult, status: Option<u16>) -> CheckReport {
    let reason = match verdict {
        CheckResult::Accepted => "the provider accepted it",
        CheckResult::Refused => "this token is not known in this region, or was revoked",
        CheckResult::Unknown => "the server did not answer within 30 s",
        CheckResult::Unchecked => "",
    };
    let at = test_time() - time::Duration::minutes(2);
    CheckReport {
        result: verdict,
        status,
        reason: reason.to_owned(),
        checked_at: at,
        latency_ms: Some(41),
    }
}

/// Name, provider, kind, region, days until expiry, status of the last check, labels.
type CredentialSeed = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    Option<i64>,
    Option<u16>,
    &'static [&'static str],
);

const SEEDS: [CredentialSeed; 7] = [
    (
        "ci-scanner",
        "snyk",
        "service-account-token",
        "SNYK-EU-01",
        Some(78),
        Some(200),
        &["prod", "ci"],
    ),
    ("laptop", "snyk", "personal-access-token", "SNYK-US-01", Some(80), Some(200), &[]),
    ("appsec-bot", "snyk", "service-account-token", "SNYK-EU-01", Some(5), Some(200), &["prod"]),
    ("old-jenkins", "snyk", "personal-token", "SNYK-US-02", None, Some(401), &[]),
    ("broker", "snyk", "personal-token", "SNYK-AU-01", None, Some(503), &[]),
    ("web-scans", "snyk-api-web", "api-key", "EU", None, Some(200), &["dast"]),
    ("mobile-ci", "appcircle", "personal-access-key", "cloud", None, None, &[]),
];

/// Returns seven credentials, one for each status a credential can have.
pub(crate) fn credentials() -> Vec<Credential> {
    SEEDS.iter().zip(0..).map(|(seed, n)| credential(seed, n)).collect()
}

/// Returns an app session whose refresh token expires in 179 days.
pub(crate) fn app() -> Credential {
    let seed = ("triage", "snyk-apps", "app", "SNYK-EU-01", Some(179), Some(200), &[][..]);
    let mut app = credential(&seed, 99);
    app.principal =
        Some(Principal { id: "7a0e".to_owned(), name: "ada".to_owned(), kind: "user".to_owned() });
    app.fields = BTreeMap::from([
        ("client_id".to_owned(), "7b7dbf4e-8b34-4e57-a89c-1ab458532b73".to_owned()),
        ("organisations".to_owned(), "3: acme-prod (default), acme-test, sandbox".to_owned()),
    ]);
    app
}

fn credential(seed: &CredentialSeed, n: u8) -> Credential {
    let (name, provider, kind, region, days, status, labels) = *seed;
    let principal = || Principal {
        id: "5f1c".to_owned(),
        name: name.to_owned(),
        kind: "service_account".to_owned(),
    };
    let verdict = |status| match status {
        200 => CheckResult::Accepted,
        401 => CheckResult::Refused,
        _ => CheckResult::Unknown,
    };
    Credential {
        id: id(n),
        name: CredentialName::parse(name).expect("a name"),
        provider: provider.to_owned(),
        kind: kind.to_owned(),
        region: region.to_owned(),
        fields: BTreeMap::from([("org_id".to_owned(), "acme-prod".to_owned())]),
        labels: labels.iter().map(|label| (*label).to_owned()).collect(),
        created: test_time() - time::Duration::days(12),
        expires: days
            .map(|days| test_time() + time::Duration::days(days) + time::Duration::hours(1)),
        fingerprint: Some(format!("9f2c41d07ab3{n:04}")),
        principal: (status == Some(200)).then(principal),
        scheme: None,
        last_check: status.map(|status| check(verdict(status), Some(status))),
    }
}

/// Screen under test, its clock, and all effects it returned.
pub(crate) struct TestSession {
    pub(crate) app: App,
    pub(crate) now: Now,
    pub(crate) effects: Vec<UiEffect>,
}

impl TestSession {
    /// Creates a screen of this size with the seven credentials.
    pub(crate) fn new(columns: u16, rows: u16) -> Self {
        Self::with(credentials(), columns, rows)
    }

    /// Creates a screen of this size with these credentials.
    pub(crate) fn with(credentials: Vec<Credential>, columns: u16, rows: u16) -> Self {
        let now = Now { instant: Instant::now(), wall: test_time() };
        let catalog = Arc::new(ProviderCatalog::builtin());
        let mut start = InitialState::new(credentials, catalog, (columns, rows));
        start.preferences.theme = Theme::builtin("dark", ColorDepth::TrueColor).expect("a theme");
        let (app, effects) = App::start(start, now);
        Self { app, now, effects }
    }

    /// Handles a message.
    pub(crate) fn handle_message(&mut self, msg: Message) -> &mut Self {
        let effects = update(&mut self.app, msg, self.now);
        self.effects.extend(effects);
        self
    }

    /// Presses keys, separated by blanks.
    pub(crate) fn press(&mut self, keys: &str) -> &mut Self {
        for key in keys.split_whitespace() {
            let key = KeyPress::parse(key).expect("a key");
            self.handle_message(Message::Input(InputEvent::Key(key)));
        }
        self
    }

    /// Types a text letter by letter.
    pub(crate) fn type_text(&mut self, text: &str) -> &mut Self {
        for letter in text.chars() {
            self.handle_message(Message::Input(InputEvent::Key(KeyPress::char(letter))));
        }
        self
    }

    /// Advances the clock without a wake-up.
    pub(crate) fn advance_time(&mut self, time: Duration) -> &mut Self {
        self.now.instant += time;
        self.now.wall += time;
        self
    }

    /// Sorts the list by name, so that a test knows what is where, and selects the first row.
    pub(crate) fn sort_by_name(&mut self) {
        self.app.credentials.sort_by_next_key(self.now.wall);
        self.press("g").advance_time(Duration::from_millis(60));
        self.handle_message(Message::Wake);
    }

    /// Returns the effects since the last call.
    pub(crate) fn drain(&mut self) -> Vec<UiEffect> {
        std::mem::take(&mut self.effects)
    }
}
