//! Tests of `login`: allowed, denied, answered by strangers, answered twice, never answered.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use time::format_description::well_known::Rfc3339;
use tokenring::config::Settings;
use tokenring::domain::problem::ProblemClass;
use tokenring::domain::provider::ProviderCatalog;
use tokenring::domain::{CredentialName, Timestamp};
use tokenring::engine::{self, NewSession};

use super::browser::{
    WaitingCommand, client_secret, open_callback, press_consent_button, query_parameter,
};
use super::{client, home_with_simulator, request_count};
use crate::support::program::SimulatorProcess;

#[tokio::test]
async fn who_allows_has_a_session() {
    let (home, simulator) = home_with_simulator();
    let waiting = WaitingCommand::for_app(&home, &simulator);
    assert_eq!(query_parameter(&waiting.visit, "code_challenge_method"), "S256");
    let left = Timestamp::parse(&waiting.until, &Rfc3339).unwrap() - Timestamp::now_utc();
    assert!(left > time::Duration::ZERO && left <= time::Duration::minutes(2), "{left}");
    let (status, page) =
        open_callback(press_consent_button(&waiting.visit, "allow").await).await.unwrap();
    assert!(status == 200 && page.contains("Signed in"), "{page}");
    let signed_in = waiting.end().expect(0).json();
    assert_eq!(
        (&signed_in["name"], &signed_in["region"]),
        (&Value::from("triage"), &Value::from("SNYK-US-01"))
    );
    assert_eq!(
        (&signed_in["principal"]["name"], &signed_in["principal"]["type"]),
        (&Value::from("admin"), &Value::from("user"))
    );
    assert!(signed_in["expires"].is_string(), "the session ends if it is not used: {signed_in}");
    home.run(&["check", "triage"]).expect(0);
    assert_eq!(
        request_count(&simulator, "POST", "/oauth2/token").await,
        1,
        "the access token of the sign-in is used"
    );
}

#[tokio::test]
async fn who_denies_has_nothing() {
    let (home, simulator) = home_with_simulator();
    let waiting = WaitingCommand::for_app(&home, &simulator);
    let (_, page) =
        open_callback(press_consent_button(&waiting.visit, "deny").await).await.unwrap();
    assert!(page.contains("Not signed in: The sign-in was denied"), "{page}");
    let denied = waiting.end().expect(4);
    assert!(denied.error()["why"].as_str().unwrap().contains("access_denied"), "{}", denied.err);
    home.run(&["show", "triage"]).expect(3);
    assert_eq!(request_count(&simulator, "POST", "/oauth2/token").await, 0);
}

#[tokio::test]
async fn another_state_is_turned_away_and_the_real_answer_still_counts() {
    let (home, simulator) = home_with_simulator();
    let waiting = WaitingCommand::for_app(&home, &simulator);
    let mut forged = waiting.callback.clone();
    forged.set_query(Some("code=stolen&state=AAAAAAAAAAAAAAAAAAAAAA&error=access_denied"));
    let (status, page) = open_callback(forged).await.unwrap();
    assert!(
        status == 400 && page.contains("Unexpected response") && !page.contains("AAAA"),
        "{page}"
    );
    assert_eq!(open_callback(waiting.callback.join("/favicon.ico").unwrap()).await.unwrap().0, 404);
    assert_eq!(request_count(&simulator, "POST", "/oauth2/token").await, 0);
    let genuine = press_consent_button(&waiting.visit, "allow").await;
    assert_eq!(open_callback(genuine.clone()).await.unwrap().0, 200);
    assert!(
        open_callback(genuine).await.is_none(),
        "the listener is closed after the first callback"
    );
    waiting.end().expect(0);
    assert_eq!(request_count(&simulator, "POST", "/oauth2/token").await, 1);
}

#[tokio::test]
async fn an_unknown_host_gets_nothing() {
    for instance in [
        "evil.example",
        "api.snyk.io.evil.example",
        "user@api.snyk.io",
        "127.0.0.1:1",
        "api.unheard-of.snyk.io",
    ] {
        let (home, simulator) = home_with_simulator();
        let waiting = WaitingCommand::for_app(&home, &simulator);
        let (_, page) =
            open_callback(waiting.answer(&[("code", "c"), ("instance", instance)])).await.unwrap();
        assert!(page.contains("unknown host"), "{page}");
        assert!(
            waiting.end().expect(4).error()["why"].as_str().unwrap().contains("nothing was sent"),
            "{instance}"
        );
        assert_eq!(request_count(&simulator, "POST", "/oauth2/token").await, 0);
    }
}

#[tokio::test]
async fn the_host_of_another_region_leads_there() {
    let (home, simulator) = home_with_simulator();
    let eu = simulator.manifest["regions"]["SNYK-EU-01"]["api"]
        .as_str()
        .unwrap()
        .trim_start_matches("http://")
        .to_owned();
    let waiting = WaitingCommand::for_app(&home, &simulator);
    // The code is not valid in the other region, but the exchange goes to the region that the
    // callback names.
    open_callback(waiting.answer(&[("code", "c"), ("instance", &eu)])).await.unwrap();
    waiting.end().expect(4);
    let ledger: Value = client()
        .get(format!("{}/requests", simulator.manifest["faults"].as_str().unwrap()))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let token = ledger["requests"]
        .as_array()
        .unwrap()
        .iter()
        .find(|entry| entry["path"] == "/oauth2/token")
        .unwrap();
    assert_eq!(token["region"], "SNYK-EU-01");
}

#[tokio::test]
async fn words_of_the_answer_are_shown_as_text() {
    let (home, simulator) = home_with_simulator();
    let waiting = WaitingCommand::for_app(&home, &simulator);
    let hostile =
        [("error", "server_error"), ("error_description", "<script>alert(1)</script>\u{1b}[2J")];
    let (_, page) = open_callback(waiting.answer(&hostile)).await.unwrap();
    assert!(!page.contains("<script>") && page.contains("&lt;script&gt;"), "{page}");
    let refused = waiting.end().expect(4);
    assert!(
        refused.err.contains("server_error") && !refused.err.contains('\u{1b}'),
        "{}",
        refused.err
    );
}

#[tokio::test]
async fn over_ssh_the_address_is_pasted() {
    let (home, simulator) = home_with_simulator();
    let app = simulator.credential(super::SESSION);
    let client_id = format!("client_id={}", app["fields"]["client_id"].as_str().unwrap());
    let arguments = [
        "triage",
        "--provider",
        "snyk-apps",
        "--region",
        "us",
        "--field",
        &client_id,
        "--part",
        "client_secret",
        "--paste",
    ];
    let mut waiting =
        WaitingCommand::begin(&home, &arguments, &format!("{}\n", client_secret(&simulator)));
    waiting.type_line("not an address");
    waiting.type_line(press_consent_button(&waiting.visit, "allow").await.as_str());
    waiting.end().expect(0);
    home.run(&["check", "triage"]).expect(0);
    let mut waiting = WaitingCommand::begin(&home, &["triage", "--paste"], "");
    waiting.type_line("http://127.0.0.1:1/callback?code=c&state=another");
    assert!(waiting.end().expect(2).error()["why"].as_str().unwrap().contains("does not belong"));
}

#[tokio::test]
async fn signing_in_again_replaces_the_session_and_ends_the_old_one() {
    let (home, simulator) = home_with_simulator();
    home.add_seeded(&simulator, super::SESSION).expect(0);
    let old = simulator.secret(super::SESSION).to_owned();
    let waiting = WaitingCommand::begin(&home, &[super::SESSION], "");
    open_callback(press_consent_button(&waiting.visit, "allow").await).await.unwrap();
    waiting.end().expect(0);
    let new = home.run(&["get", super::SESSION]).expect(0).out;
    assert_ne!(new, old);
    let live = live(&simulator).await;
    assert!(live.contains(&sha256(&new)) && !live.contains(&sha256(&old)));
    home.run(&["check", super::SESSION]).expect(0);
}

#[tokio::test]
async fn nothing_of_a_grant_is_outside_the_store() {
    let (home, simulator) = home_with_simulator();
    let log = home.root().join("trace.log");
    let home =
        home.with("TOKENRING_LOG", log.to_str().unwrap()).with("TOKENRING_LOG_LEVEL", "trace");
    let waiting = WaitingCommand::for_app(&home, &simulator);
    let (state, address) = (
        query_parameter(&waiting.visit, "state"),
        press_consent_button(&waiting.visit, "allow").await,
    );
    let code = query_parameter(&address, "code");
    open_callback(address).await.unwrap();
    let said = waiting.end().expect(0);
    home.run(&["check", "triage"]).expect(0);
    let refresh = home.run(&["get", "triage"]).expect(0).out;
    assert!(refresh.starts_with("snyk_rt_"));
    let secrets = [refresh.as_str(), client_secret(&simulator), &code, &state, "eyJhbGciOi"];
    let files = files_below(&home.root());
    assert!(files.iter().any(|path| path == &log), "{files:?}");
    for secret in secrets {
        assert!(!said.out.contains(secret) && !said.err.contains(secret));
        let holders: Vec<_> = files.iter().filter(|path| holds(path, secret.as_bytes())).collect();
        assert!(holders.is_empty(), "{holders:?} hold something of the grant");
    }
}

#[tokio::test]
async fn a_port_in_use_is_reported_before_the_browser_opens() {
    let (home, _simulator) = home_with_simulator();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let callback = format!("callback=http://127.0.0.1:{port}/callback");
    let arguments = [
        "login",
        "x",
        "--provider",
        "snyk-apps",
        "--field",
        "client_id=c",
        "--field",
        &callback,
        "--json",
    ];
    let busy = home.run(&arguments).expect(2).error();
    assert!(busy["why"].as_str().unwrap().contains(&port.to_string()), "{busy}");
}

#[tokio::test]
async fn a_sign_in_without_a_callback_times_out_with_a_message() {
    let engine =
        engine::in_memory_engine(ProviderCatalog::builtin(), &Settings::default()).unwrap();
    let new = NewSession {
        name: CredentialName::parse("late").unwrap(),
        provider: "snyk-apps".to_owned(),
        kind: "app".to_owned(),
        region: "SNYK-US-01".to_owned(),
        fields: [("client_id".to_owned(), "c".to_owned())].into(),
        labels: Vec::new(),
        parts: std::collections::BTreeMap::new(),
    };
    let begun = engine.sign_in.begin(new).await.unwrap();
    let callback = begun.callback().clone();
    let problem = engine
        .sign_in
        .finish(begun, std::future::pending(), Duration::from_millis(30))
        .await
        .err()
        .unwrap();
    assert_eq!(
        (problem.what.as_str(), problem.class),
        ("The sign-in timed out", ProblemClass::Unknown)
    );
    assert!(open_callback(callback).await.is_none(), "the listener is closed");
}

#[test]
fn kinds_without_a_sign_in_are_reported() {
    let (home, simulator) = home_with_simulator();
    home.add_seeded(&simulator, "us01-admin").expect(0);
    assert!(
        home.run(&["login", "us01-admin", "--json"]).expect(2).error()["why"]
            .as_str()
            .unwrap()
            .contains("no sign-in with the browser")
    );
    assert!(
        home.run(&["login", "missing", "--json"]).expect(3).error()["remedy"]
            .as_str()
            .unwrap()
            .contains("--provider")
    );
    home.run(&["login", "x", "--provider", "snyk", "--json"]).expect(2);
    let taken = home
        .run(&[
            "login",
            "us01-admin",
            "--provider",
            "snyk-apps",
            "--field",
            "client_id=c",
            "--json",
        ])
        .expect(2);
    assert!(taken.error()["remedy"].as_str().unwrap().contains("omit --provider"));
}

async fn live(simulator: &SimulatorProcess) -> Vec<String> {
    let url = format!("{}/live", simulator.manifest["faults"].as_str().unwrap());
    let live: Value = client().get(url).send().await.unwrap().json().await.unwrap();
    live["live"]
        .as_array()
        .unwrap()
        .iter()
        .map(|secret| secret["sha256"].as_str().unwrap().to_owned())
        .collect()
}

fn sha256(text: &str) -> String {
    format!("{:x}", Sha256::digest(text))
}

fn files_below(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}

fn holds(path: &Path, needle: &[u8]) -> bool {
    std::fs::read(path).unwrap().windows(needle.len()).any(|window| window == needle)
}
