//! Tests of the simulator over HTTP, as any client uses it. Start with [`SimulatorClient`].

mod api_web;
mod appcircle;
mod control;
mod faults;
mod oauth;
mod snyk;
mod writes;

use std::collections::BTreeSet;
use std::sync::Once;

use reqwest::header::HeaderMap;
use reqwest::{Client, Method, RequestBuilder, StatusCode, redirect};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use time::macros::datetime;
use tokenring::simulator::{ProviderSimulator, SeededCredential, SimulatedClock, SimulatorOptions};

const VERSION: &str = "version=2024-10-15";

/// A running simulator and an HTTP client.
struct SimulatorClient {
    sandbox: ProviderSimulator,
    client: Client,
    clock: SimulatedClock,
}

/// A response that was read to its end.
struct SimulatorResponse {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl SimulatorResponse {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("a text"))
    }
}

impl SimulatorClient {
    /// Starts a simulator whose clock stands still.
    async fn start() -> Self {
        static PROVIDER: Once = Once::new();
        // Another test may have installed it already.
        PROVIDER.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
        let clock = SimulatedClock::frozen(datetime!(2026-11-22 10:00 UTC));
        let sandbox = ProviderSimulator::start_with(SimulatorOptions { clock: clock.clone() })
            .await
            .expect("loopback");
        let client = Client::builder()
            .no_proxy()
            .redirect(redirect::Policy::none())
            .build()
            .expect("a client");
        Self { sandbox, client, clock }
    }

    fn credential(&self, name: &str) -> &SeededCredential {
        self.sandbox.manifest().credential(name).unwrap_or_else(|| panic!("no credential {name}"))
    }

    fn field(&self, name: &str, field: &str) -> String {
        self.credential(name).fields[field].clone()
    }

    fn api(&self, region: &str) -> String {
        self.sandbox.manifest().region(region).expect("a region").api.clone()
    }

    /// A request of a seeded credential to its own region; `path` may contain a query.
    fn request(&self, method: Method, name: &str, path: &str) -> RequestBuilder {
        let credential = self.credential(name);
        let scheme = if credential.provider == "snyk-api-web" { "JWT" } else { "token" };
        let url = format!("{}{path}", self.api(&credential.region));
        self.client
            .request(method, url)
            .header("authorization", format!("{scheme} {}", credential.secret))
    }

    async fn get(&self, name: &str, path: &str) -> SimulatorResponse {
        read(self.request(Method::GET, name, path)).await
    }

    async fn delete(&self, name: &str, path: &str) -> SimulatorResponse {
        read(self.request(Method::DELETE, name, path)).await
    }

    async fn send(
        &self,
        method: Method,
        name: &str,
        (path, body): (&str, &Value),
    ) -> SimulatorResponse {
        let request =
            self.request(method, name, path).header("content-type", "application/vnd.api+json");
        read(request.body(body.to_string())).await
    }

    /// `GET /rest/self` with any token in any region.
    async fn rest_self(&self, region: &str, authorization: &str) -> SimulatorResponse {
        let url = format!("{}/rest/self?{VERSION}", self.api(region));
        read(self.client.get(url).header("authorization", authorization)).await
    }

    async fn add_fault(&self, rule: &Value) -> SimulatorResponse {
        read(self.client.post(&self.sandbox.manifest().faults).body(rule.to_string())).await
    }

    /// The live secrets, by the SHA-256 that the simulator reports.
    async fn live(&self) -> BTreeSet<String> {
        let url = format!("{}/live", self.sandbox.manifest().faults);
        let live = read(self.client.get(url)).await.json();
        let hash = |secret: &Value| secret["sha256"].as_str().expect("a hash").to_owned();
        live["live"].as_array().expect("a list").iter().map(hash).collect()
    }
}

async fn read(request: RequestBuilder) -> SimulatorResponse {
    let response = request.send().await.expect("an answer");
    let (status, headers) = (response.status(), response.headers().clone());
    SimulatorResponse { status, headers, text: response.text().await.expect("a body") }
}

/// The body of a JSON:API write.
fn document(kind: &str, attributes: &Value) -> Value {
    json!({"data": {"type": kind, "attributes": attributes}})
}

fn sha256(text: &str) -> String {
    format!("{:x}", Sha256::digest(text))
}

#[tokio::test]
async fn the_manifest_has_its_promised_shape() {
    let simulator = SimulatorClient::start().await;
    let manifest = serde_json::to_value(simulator.sandbox.manifest()).expect("JSON");
    let regions: Vec<&String> =
        manifest["regions"].as_object().expect("an object").keys().collect();
    let expected = [
        "SNYK-US-01",
        "SNYK-US-02",
        "SNYK-EU-01",
        "SNYK-AU-01",
        "SNYK-GOV-01",
        "SAW-EU",
        "SAW-US",
        "SAW-AU",
        "APPCIRCLE",
    ];
    assert_eq!(regions, expected);
    assert!(manifest["regions"]["SNYK-GOV-01"]["app"].is_string());
    assert!(manifest["regions"]["APPCIRCLE"]["auth"].is_string());
    assert!(manifest["faults"].as_str().expect("a URL").ends_with("/faults"));
    let credentials = manifest["credentials"].as_array().expect("a list");
    assert!((20..=40).contains(&credentials.len()), "{}", credentials.len());
    let names: BTreeSet<&str> =
        credentials.iter().map(|credential| credential["name"].as_str().expect("a name")).collect();
    assert_eq!(names.len(), credentials.len());
}

#[tokio::test]
async fn every_kind_is_seeded_with_its_fields() {
    let simulator = SimulatorClient::start().await;
    let kinds: BTreeSet<(&str, &str)> = simulator
        .sandbox
        .manifest()
        .credentials
        .iter()
        .map(|known| (known.provider, known.kind))
        .collect();
    let expected = BTreeSet::from([
        ("snyk", "personal-token"),
        ("snyk", "personal-access-token"),
        ("snyk", "service-account-token"),
        ("snyk", "service-account-oauth"),
        ("snyk-apps", "app"),
        ("snyk-apps", "app-install"),
        ("snyk-api-web", "api-key"),
        ("appcircle", "personal-access-key"),
        ("appcircle", "api-key"),
    ]);
    assert_eq!(kinds, expected);
    for known in &simulator.sandbox.manifest().credentials {
        let needed: &[&str] = match known.kind {
            "personal-access-token" => &["pat_id"],
            "service-account-token" => {
                &["service_account_id", "auth_type", "level", "role_id", "group_id"]
            }
            "service-account-oauth" => &["service_account_id", "auth_type", "client_id", "level"],
            "app" => &["client_id", "app_id", "org_id"],
            "app-install" => &["client_id", "install_id"],
            "api-key" if known.provider == "snyk-api-web" => &["key_id", "key_name"],
            "api-key" | "personal-access-key" => &["key_name", "organization_id"],
            _ => &["org_id", "group_id"],
        };
        assert!(needed.iter().all(|field| known.fields.contains_key(field)), "{}", known.name);
    }
}

#[tokio::test]
async fn secrets_have_the_documented_shapes() {
    let simulator = SimulatorClient::start().await;
    let is_uuid = |text: &str| {
        let lengths: Vec<usize> = text.split('-').map(str::len).collect();
        lengths == [8, 4, 4, 4, 12]
            && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
    };
    let is_dotted = |text: &str, prefix: &str| {
        let parts: Vec<&str> = text.split('.').collect();
        parts.len() == 4 && parts[0] == prefix && parts[1].len() == 8
    };
    for known in &simulator.sandbox.manifest().credentials {
        let (secret, proof) =
            (known.secret.as_str(), known.fields.get("auth_type").map_or("", String::as_str));
        let fits = match (known.kind, proof) {
            ("personal-token", _) | (_, "api_key") => is_uuid(secret),
            ("personal-access-token", _) => is_dotted(secret, "snyk_uat"),
            (_, "access_token") => is_dotted(secret, "snyk_sat"),
            (_, "oauth_client_secret") | ("app-install", _) => {
                secret.starts_with("snyk_cs_") && secret.ends_with("_v1")
            }
            (_, "oauth_private_key_jwt") => secret.starts_with("-----BEGIN PRIVATE KEY-----"),
            ("app", _) => secret.starts_with("snyk_rt_") && secret.ends_with("_v1"),
            _ if known.provider == "snyk-api-web" => {
                secret.starts_with("eyJ") && secret.split('.').count() == 3
            }
            _ => secret.ends_with('='),
        };
        assert!(fits, "{}", known.name);
    }
}

#[tokio::test]
async fn two_starts_issue_the_same_data() {
    let (one, other) = (SimulatorClient::start().await, SimulatorClient::start().await);
    assert!(one.sandbox.manifest().credentials == other.sandbox.manifest().credentials);
    assert_eq!(one.live().await, other.live().await);
    assert_ne!(one.api("SNYK-US-01"), other.api("SNYK-US-01"));
}

#[tokio::test]
async fn a_stopped_simulator_is_gone() {
    let SimulatorClient { client, .. } = SimulatorClient::start().await;
    let sandbox = ProviderSimulator::start().await.expect("loopback");
    let url = sandbox.manifest().faults.clone();
    assert!(client.get(&url).send().await.is_ok());
    sandbox.stop().await;
    let gone = client.get(url).send().await.expect_err("a refused connection");
    assert!(gone.is_connect());
}
