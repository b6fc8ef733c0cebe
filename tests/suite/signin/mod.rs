//! Tests that every kind signs in, refreshes and expires as its provider defines: the built program
//! against the simulator. Start with `login.rs`.

pub(crate) mod browser;
mod chromium;
#[cfg(unix)]
mod handover;
mod kinds;
mod login;
mod outcomes;
mod refresh;
#[cfg(unix)]
mod screen;

use serde_json::{Value, json};

use crate::support::program::{Home, SimulatorProcess};

/// The seeded session of an app that acts for a user.
const SESSION: &str = "us01-triage-app";

/// Starts a simulator and creates a home whose regions point at it.
fn home_with_simulator() -> (Home, SimulatorProcess) {
    let (home, simulator) = (Home::new(), SimulatorProcess::start());
    home.use_simulator(&simulator);
    (home, simulator)
}

/// An HTTP client that follows no redirects and keeps no connections.
fn client() -> reqwest::Client {
    static PROVIDER: std::sync::Once = std::sync::Once::new();
    // Another test may have installed it already.
    PROVIDER.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
    let quiet = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
    quiet.pool_max_idle_per_host(0).build().unwrap()
}

/// Adds a fault rule to the simulator.
async fn add_fault(simulator: &SimulatorProcess, rule: Value) {
    let answer = client()
        .post(simulator.manifest["faults"].as_str().unwrap())
        .body(rule.to_string())
        .send()
        .await
        .unwrap();
    assert!(answer.status().is_success(), "{rule}");
}

/// Advances the clock of the simulator; the clock of this machine is unchanged.
async fn advance(simulator: &SimulatorProcess, minutes: u64) {
    add_fault(simulator, json!({"advance_ms": minutes * 60_000})).await;
}

/// Number of requests to a path with this method that the simulator received.
async fn request_count(simulator: &SimulatorProcess, method: &str, path: &str) -> u64 {
    let url = format!("{}/requests", simulator.manifest["faults"].as_str().unwrap());
    let ledger: Value = client().get(url).send().await.unwrap().json().await.unwrap();
    let entries = ledger["requests"].as_array().unwrap();
    let fits = |entry: &&Value| {
        entry["method"] == method && entry["path"].as_str().unwrap().starts_with(path)
    };
    entries.iter().filter(fits).map(|entry| entry["count"].as_u64().unwrap()).sum()
}
