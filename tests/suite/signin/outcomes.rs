//! Pins the check result of every kind in every situation, and the explanation that a user reads.
//! The table is a reviewed snapshot.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use serde_json::{Value, json};
use time::Duration;
use time::macros::datetime;
use tokenring::config::Settings;
use tokenring::database::Database;
use tokenring::domain::provider::{ProviderCatalog, ProviderSource};
use tokenring::domain::{CredentialName, Secret, Timestamp};
use tokenring::engine::background::protocol::NewCredential;
use tokenring::engine::{Clock, Engine, EngineDependencies, EngineOptions};
use tokenring::net::HttpClient;
use tokenring::simulator as sandbox;
use tokenring::simulator::{ProviderSimulator, SeededCredential};
use tokenring::store::MemoryStore;

use super::client;

const NOW: Timestamp = datetime!(2026-11-22 10:00 UTC);

/// One credential of each kind and of each way to authenticate.
const KINDS: [&str; 11] = [
    "us01-admin",
    "us01-laptop",
    "us01-ci-scanner",
    "us01-pr-checks",
    "us01-release-bot",
    "eu01-sbom-export",
    "us01-triage-app",
    "us01-metrics-org",
    "saw-eu-pipeline",
    "appcircle-laptop",
    "appcircle-ci",
];

/// What happened to a credential.
#[derive(Clone, Copy, PartialEq)]
enum CredentialSituation {
    RightRegion,
    WrongRegion,
    Expired,
    Revoked,
    ClockBehind,
    ClockAhead,
    TooMany,
    Down,
}

impl CredentialSituation {
    const ALL: [(Self, &'static str); 8] = [
        (Self::RightRegion, "right region"),
        (Self::WrongRegion, "wrong region"),
        (Self::Expired, "400 days later"),
        (Self::Revoked, "revoked"),
        (Self::ClockBehind, "clock 10 min behind"),
        (Self::ClockAhead, "clock 10 min ahead"),
        (Self::TooMany, "429"),
        (Self::Down, "server down"),
    ];

    /// Difference between the clock of this machine and the provider's clock.
    const fn skew(self) -> Duration {
        match self {
            Self::ClockBehind => Duration::minutes(-10),
            Self::ClockAhead => Duration::minutes(10),
            Self::Expired => Duration::days(400),
            _ => Duration::ZERO,
        }
    }

    /// Applies the situation to all credentials.
    async fn apply(self, sandbox: &ProviderSimulator, clock: &sandbox::SimulatedClock) {
        match self {
            Self::Expired => clock.advance(std::time::Duration::from_secs(400 * 86_400)),
            Self::TooMany => {
                post(&sandbox.manifest().faults, &json!({"status": 429, "retry_after": "7"})).await;
            }
            Self::Revoked => {
                // The administrator revokes the others first, and their own token last.
                for name in KINDS.into_iter().rev() {
                    revoke(sandbox, name).await;
                }
            }
            _ => {}
        }
    }
}

/// A clock that stands still.
struct FixedClock(Timestamp);

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        self.0
    }
}

#[tokio::test]
async fn every_kind_says_the_right_thing_in_every_situation() {
    let mut table = String::new();
    for (situation, title) in CredentialSituation::ALL {
        writeln!(table, "{title}").unwrap();
        for (credential, result, words) in outcomes(situation).await {
            let kind = format!("{} {}", credential.provider, credential.kind);
            writeln!(table, "  {kind:<30} {:<17} {result:<9} {words}", credential.name).unwrap();
        }
    }
    insta::assert_snapshot!(table);
}

#[tokio::test]
async fn every_kind_is_in_the_table() {
    let sandbox = ProviderSimulator::start().await.unwrap();
    let catalog = ProviderCatalog::builtin();
    let tabled: Vec<_> = KINDS
        .iter()
        .map(|name| sandbox.manifest().credential(name).unwrap())
        .map(|known| (known.provider, known.kind))
        .collect();
    for provider in catalog.providers() {
        for kind in provider.kinds.iter() {
            let kind = (provider.id.as_str(), kind.id.as_str());
            assert!(tabled.contains(&kind), "{kind:?} is not in the table");
        }
    }
}

async fn outcomes(situation: CredentialSituation) -> Vec<(SeededCredential, &'static str, String)> {
    let clock = sandbox::SimulatedClock::frozen(NOW);
    let sandbox = ProviderSimulator::start_with(sandbox::SimulatorOptions { clock: clock.clone() })
        .await
        .unwrap();
    let engine = engine(&sandbox, NOW + situation.skew());
    let manifest = sandbox.manifest().clone();
    situation.apply(&sandbox, &clock).await;
    if situation == CredentialSituation::Down {
        sandbox.stop().await;
    }
    let mut found = Vec::new();
    for name in KINDS {
        let issued = manifest.credential(name).unwrap();
        let region = if situation == CredentialSituation::WrongRegion {
            elsewhere(&issued.region)
        } else {
            Some(issued.region.as_str())
        };
        let Some(region) = region else { continue };
        let kept = engine.credentials.add(new_credential(issued, region, &engine)).await.unwrap();
        let check = engine.checks.check(&kept, region).await.unwrap();
        found.push((issued.clone(), check.result.as_str(), portable(&check.reason)));
    }
    found
}

/// An in-memory engine on the regions of the simulator.
fn engine(sandbox: &ProviderSimulator, now: Timestamp) -> Engine {
    let mut files: BTreeMap<&str, String> = BTreeMap::new();
    for (id, hosts) in &sandbox.manifest().regions {
        let provider = match id.split('-').next() {
            Some("SNYK") => "snyk",
            Some("SAW") => "snyk-api-web",
            _ => "appcircle",
        };
        let file =
            files.entry(provider).or_insert_with(|| format!("format = 1\nid = \"{provider}\"\n"));
        write!(file, "[[region]]\nid = \"{id}\"\napi = \"{}\"\n", hosts.api).unwrap();
        for (place, host) in [("app", &hosts.app), ("auth", &hosts.auth)] {
            if let Some(host) = host {
                writeln!(file, "{place} = \"{host}\"").unwrap();
            }
        }
    }
    let sources: Vec<_> = files
        .into_iter()
        .map(|(name, text)| ProviderSource { name: name.to_owned(), text })
        .collect();
    let ports = EngineDependencies {
        catalog: Arc::new(ProviderCatalog::load(&sources).unwrap()),
        database: Arc::new(Database::in_memory().unwrap()),
        store: Arc::new(MemoryStore::new()),
        transport: Arc::new(HttpClient::default()),
        clock: Arc::new(FixedClock(now)),
    };
    Engine::new(ports, EngineOptions::from(&Settings::default()))
}

/// The credential as a user would add it, with the expiry that its secret claims.
fn new_credential(issued: &SeededCredential, region: &str, engine: &Engine) -> NewCredential {
    let owned = |text: &&str| (*text).to_owned();
    let secret = Arc::new(Secret::from_text(issued.secret.clone()));
    let claimed = engine
        .credentials
        .identify(&secret)
        .unwrap()
        .candidates
        .into_iter()
        .find(|candidate| candidate.kind == issued.kind);
    NewCredential {
        name: CredentialName::parse(&issued.name).unwrap(),
        provider: issued.provider.to_owned(),
        kind: issued.kind.to_owned(),
        region: region.to_owned(),
        fields: issued.fields.iter().map(|(id, value)| (owned(id), value.clone())).collect(),
        labels: Vec::new(),
        expires: claimed.and_then(|candidate| candidate.expires),
        secret,
        parts: issued
            .parts
            .iter()
            .map(|(id, part)| (owned(id), Arc::new(Secret::from_text(part.clone()))))
            .collect(),
    }
}

/// Another region of the same provider, if there is one.
fn elsewhere(region: &str) -> Option<&'static str> {
    let others = [("SNYK", "SNYK-AU-01"), ("SAW", "SAW-US")];
    others.into_iter().find(|(family, _)| region.starts_with(family)).map(|(_, other)| other)
}

/// The explanation without what differs between operating systems.
fn portable(reason: &str) -> String {
    reason
        .split_once("127.0.0.1: ")
        .map_or_else(|| reason.to_owned(), |(before, _)| format!("{before}127.0.0.1: …"))
}

/// Revokes a credential with the API or page of its provider.
async fn revoke(sandbox: &ProviderSimulator, name: &str) {
    let manifest = sandbox.manifest();
    let credential = manifest.credential(name).unwrap();
    let (field, api) = (
        |id: &str| credential.fields[id].clone(),
        &manifest.region(&credential.region).unwrap().api,
    );
    let own = |path: String| format!("{api}{path}?version=2024-10-15");
    match credential.kind {
        "personal-access-token" => {
            delete(
                sandbox,
                "token",
                "us01-laptop",
                own(format!("/rest/self/personal_access_tokens/{}", field("pat_id"))),
            )
            .await;
        }
        "service-account-token" | "service-account-oauth" => {
            let path = format!(
                "/rest/orgs/{}/service_accounts/{}",
                field("org_id"),
                field("service_account_id")
            );
            delete(sandbox, "token", &format!("{}-admin", &name[..4]), own(path)).await;
        }
        "app-install" => {
            let path =
                format!("/rest/orgs/{}/apps/installs/{}", field("org_id"), field("install_id"));
            delete(
                sandbox,
                "token",
                &format!("{}-admin", &name[..4]),
                format!("{api}{path}?version=2024-05-23"),
            )
            .await;
        }
        "app" => {
            let form = [
                ("token", &credential.secret),
                ("client_id", &field("client_id")),
                ("client_secret", &credential.parts["client_secret"]),
            ];
            assert!(
                client()
                    .post(format!("{api}/oauth2/revoke"))
                    .form(&form)
                    .send()
                    .await
                    .unwrap()
                    .status()
                    .is_success()
            );
        }
        "api-key" if credential.provider == "snyk-api-web" => {
            delete(sandbox, "JWT", "saw-eu-admin", format!("{api}/keys/{}/", field("key_id")))
                .await;
        }
        // The simulator's pages create a second key but delete none, so a fault rule refuses it as
        // a deleted one is refused.
        "api-key" => {
            post(&manifest.faults, &json!({"path": "/auth/v1/api-key/token", "status": 401})).await;
        }
        _ => post(&format!("{}/by-hand", manifest.faults), &json!({"credential": name})).await,
    }
}

/// Deletes with a credential that has the permission.
async fn delete(sandbox: &ProviderSimulator, scheme: &str, by: &str, url: String) {
    // A personal access token deletes itself: it belongs to the same user as the list.
    let by = if by == "us01-laptop" { "us01-laptop" } else { by };
    let secret = &sandbox.manifest().credential(by).unwrap().secret;
    let answer = client()
        .delete(&url)
        .header("authorization", format!("{scheme} {secret}"))
        .send()
        .await
        .unwrap();
    assert!(answer.status().is_success(), "{url}: {}", answer.text().await.unwrap());
}

async fn post(url: &str, body: &Value) {
    let answer = client().post(url).body(body.to_string()).send().await.unwrap();
    assert!(answer.status().is_success(), "{body}: {}", answer.text().await.unwrap());
}
