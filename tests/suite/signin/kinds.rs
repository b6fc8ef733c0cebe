//! Tests of properties of a credential besides its secret: key files, the account that it acts as,
//! its expiry.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use super::{home_with_simulator, request_count};
use crate::support::program::{Home, SimulatorProcess};

fn shown(home: &Home, name: &str) -> Value {
    home.run(&["show", name, "--json"]).expect(0).json()
}

/// Adds the account that signs with a private key in a file.
fn add_with_key_file(
    home: &Home,
    simulator: &SimulatorProcess,
    mode: u32,
) -> crate::support::program::Outcome {
    let path = home.root().join("sbom.pem");
    std::fs::write(&path, simulator.secret("eu01-sbom-export")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    let client = simulator.credential("eu01-sbom-export")["fields"]["client_id"].as_str().unwrap();
    let (client, path) = (format!("client_id={client}"), format!("key_file={}", path.display()));
    home.run(&[
        "add",
        "sbom",
        "--provider",
        "snyk",
        "--region",
        "eu",
        "--field",
        &client,
        "--field",
        &path,
    ])
}

#[test]
fn a_key_in_the_store_signs_for_access_tokens() {
    let (home, simulator) = home_with_simulator();
    home.add_seeded(&simulator, "eu01-sbom-export").expect(0);
    assert_eq!(
        home.run(&["check", "eu01-sbom-export", "--json"]).expect(0).json()[0]["verdict"],
        "accepted"
    );
    assert_eq!(
        home.run(&["get", "eu01-sbom-export"]).expect(0).out.trim(),
        simulator.secret("eu01-sbom-export").trim()
    );
}

#[test]
fn a_key_may_stay_in_its_file_if_no_other_user_can_read_it() {
    let (home, simulator) = home_with_simulator();
    let refused = add_with_key_file(&home, &simulator, 0o644).expect(2);
    assert!(refused.err.contains("chmod 600"), "{}", refused.err);
    let added = add_with_key_file(&home, &simulator, 0o600).expect(0);
    assert!(
        added.out.contains("service-account-oauth"),
        "the key determines the kind: {}",
        added.out
    );
    home.run(&["check", "sbom"]).expect(0);
    std::fs::remove_file(home.root().join("sbom.pem")).unwrap();
    let gone = home.run(&["get", "sbom", "--json"]).expect(2).error();
    assert!(gone["why"].as_str().unwrap().contains("sbom.pem"), "{gone}");
}

#[test]
fn adding_reports_the_principal_and_stores_it() {
    let (home, simulator) = home_with_simulator();
    let added = home.add_seeded_with(&simulator, "us01-ci-scanner", &[]).expect(0);
    assert!(added.err.contains("acts as ci-scanner (service account)"), "{}", added.err);
    let known = shown(&home, "us01-ci-scanner");
    assert_eq!(known["principal"]["type"], "service_account");
    assert_eq!(known["last_check"]["verdict"], "accepted");
    let organisations = known["fields"]["organisations"].as_str().unwrap();
    assert!(organisations.starts_with("1: "), "{organisations}");
    assert!(known["fields"]["default_org_id"].as_str().unwrap().len() == 36, "{known}");
    // The learned properties do not prevent an edit.
    home.run(&["edit", "us01-ci-scanner", "--label", "prod"]).expect(0);
}

#[test]
fn an_api_key_is_distinguished_from_a_user() {
    let (home, simulator) = home_with_simulator();
    home.add_seeded_with(&simulator, "saw-eu-pipeline", &[]).expect(0);
    assert_eq!(shown(&home, "saw-eu-pipeline")["principal"]["type"], "api_user");
}

#[tokio::test]
async fn offline_no_request_is_sent_and_without_a_network_it_is_stored_anyway() {
    let (home, simulator) = home_with_simulator();
    home.add_seeded(&simulator, "us01-admin").expect(0);
    assert_eq!(request_count(&simulator, "GET", "/").await, 0);
    assert_eq!(shown(&home, "us01-admin")["principal"], Value::Null);
    let (name, secret) = ("late", simulator.secret("us01-reader").to_owned());
    drop(simulator);
    let kept = home
        .feed(
            &["add", name, "--provider", "snyk", "--kind", "personal-token", "--region", "us-01"],
            &secret,
        )
        .expect(0);
    assert!(kept.err.contains("note: stored, but unknown"), "{}", kept.err);
    assert_eq!(home.run(&["get", name]).expect(0).out, secret);
}

#[test]
fn the_providers_list_knows_better_when_a_token_ends() {
    let (home, simulator) = home_with_simulator();
    let secret = simulator.secret("us01-laptop");
    home.feed(&["add", "laptop", "--provider", "snyk", "--expires", "2031-01-01"], secret)
        .expect(0);
    let known = shown(&home, "laptop");
    assert_eq!(known["fields"]["pat_id"], simulator.credential("us01-laptop")["fields"]["pat_id"]);
    assert!(!known["expires"].as_str().unwrap().starts_with("2031"), "{known}");
}

#[test]
fn a_key_of_another_organization_is_reported() {
    let (home, simulator) = home_with_simulator();
    let stray = simulator.credential("appcircle-stray");
    home.add_seeded(&simulator, "appcircle-stray").expect(0);
    let refused = home.run(&["check", "appcircle-stray", "--json"]).expect(4).json();
    let reason = refused[0]["reason"].as_str().unwrap();
    let wanted = stray["fields"]["organization_id"].as_str().unwrap();
    assert!(reason.contains(wanted) && reason.contains("another organization"), "{reason}");
}

#[test]
fn a_self_hosted_appcircle_is_known_by_its_dashboard() {
    let home = Home::new();
    let add = [
        "regions",
        "add",
        "--provider",
        "appcircle",
        "--id",
        "ACME",
        "--app",
        "https://my.example.com",
        "--json",
    ];
    let region = home.run(&add).expect(0).json();
    assert_eq!(
        (region["api"].as_str(), region["auth"].as_str()),
        (Some("https://api.example.com"), Some("https://auth.example.com"))
    );
    let named = ["--auth", "https://login.example.com"];
    let region = home.run(&[&add[..], &named[..]].concat()).expect(0).json();
    assert_eq!(
        (region["api"].as_str(), region["auth"].as_str()),
        (Some("https://api.example.com"), Some("https://login.example.com"))
    );
    for (provider, app) in
        [("snyk", "https://portal.acme.example"), ("appcircle", "https://dash.example.com")]
    {
        let unclear = home
            .run(&["regions", "add", "--provider", provider, "--id", "X", "--app", app, "--json"])
            .expect(2);
        assert!(unclear.error()["remedy"].as_str().unwrap().contains("--api"), "{}", unclear.err);
    }
}

#[test]
fn a_key_of_api_and_web_is_named_by_its_own_id() {
    let (home, simulator) = home_with_simulator();
    let found =
        home.feed(&["identify", "--json"], simulator.secret("saw-eu-pipeline")).expect(0).json();
    assert_eq!(found["candidates"][0]["provider"], "snyk-api-web");
    assert!(found["candidates"][0]["id"].is_string(), "{found}");
}
