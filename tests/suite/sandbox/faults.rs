//! Tests of the fault rules of the control listener.

use std::time::{Duration, Instant};

use super::*;

const SELF: &str = "/rest/self?version=2024-10-15";

#[tokio::test]
async fn fault_rules_are_listed_set_and_cleared() {
    let simulator = SimulatorClient::start().await;
    let faults = simulator.sandbox.manifest().faults.clone();
    let knobs = read(simulator.client.get(&faults)).await.json();
    let first = &knobs["knobs"][0];
    assert!(first["name"].is_string() && first["what"].is_string() && first["value"].is_null());
    let set = simulator
        .add_fault(&json!({"region": "SNYK-EU-01", "path": "/rest/self", "status": 503}))
        .await;
    assert_eq!(
        (set.status, &set.json()["active"][0]["status"]),
        (StatusCode::CREATED, &json!(503))
    );
    assert_eq!(simulator.get("eu01-admin", SELF).await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(simulator.get("us01-admin", SELF).await.status, StatusCode::OK);
    assert_eq!(read(simulator.client.delete(&faults)).await.json()["active"], json!([]));
    assert_eq!(simulator.get("eu01-admin", SELF).await.status, StatusCode::OK);
    for wrong in [
        json!({"stauts": 503}),
        json!({"body": "pdf"}),
        json!({"region": "SNYK-XX-01", "status": 503}),
        json!([]),
    ] {
        assert_eq!(simulator.add_fault(&wrong).await.status, StatusCode::BAD_REQUEST, "{wrong}");
    }
}

#[tokio::test]
async fn refusals_speak_the_language_of_the_server() {
    let simulator = SimulatorClient::start().await;
    simulator.add_fault(&json!({"status": 429, "retry_after": "7", "times": 3})).await;
    let rest = simulator.get("us01-admin", SELF).await;
    assert_eq!((rest.status.as_u16(), rest.header("retry-after")), (429, "7"));
    assert_eq!(rest.json()["errors"][0]["code"], "SNYK-0001");
    assert_eq!(simulator.get("us01-admin", "/v1/user/me").await.json()["code"], 429);
    assert!(simulator.get("saw-eu-admin", "/profile/").await.json()["detail"].is_string());
    assert_eq!(
        simulator.get("us01-admin", SELF).await.status,
        StatusCode::OK,
        "three times were asked for"
    );
    simulator.add_fault(&json!({"retry_after": "Sun, 22 Nov 2026 10:01:00 GMT", "times": 1})).await;
    let dated = simulator.get("us01-admin", SELF).await;
    assert_eq!(
        (dated.status.as_u16(), dated.header("retry-after")),
        (429, "Sun, 22 Nov 2026 10:01:00 GMT")
    );
}

#[tokio::test]
async fn a_delay_delays() {
    let simulator = SimulatorClient::start().await;
    simulator.add_fault(&json!({"delay_ms": 120, "times": 1})).await;
    let start = Instant::now();
    assert_eq!(simulator.get("us01-admin", SELF).await.status, StatusCode::OK);
    assert!(start.elapsed() >= Duration::from_millis(120));
}

#[tokio::test]
async fn a_cut_body_breaks_off_after_its_head() {
    let simulator = SimulatorClient::start().await;
    simulator.add_fault(&json!({"cut_body": true, "times": 1})).await;
    let response = simulator.request(Method::GET, "us01-admin", SELF).send().await.expect("a head");
    assert_eq!(response.status(), StatusCode::OK);
    assert!(response.bytes().await.is_err());
}

#[tokio::test]
async fn a_lost_answer_has_been_acted_upon() {
    let simulator = SimulatorClient::start().await;
    simulator.add_fault(&json!({"lost_answer": true, "method": "POST", "times": 1})).await;
    let path = format!(
        "/rest/orgs/{}/service_accounts?{VERSION}",
        simulator.field("us01-admin", "org_id")
    );
    let order = json!({"name": "lost", "auth_type": "api_key", "role_id": simulator.field("us01-ci-scanner", "role_id")});
    let request = simulator
        .request(Method::POST, "us01-admin", &path)
        .header("content-type", "application/vnd.api+json");
    let lost = request.body(document("service_account", &order).to_string()).send().await;
    assert!(lost.is_err(), "no answer must arrive");
    assert!(simulator.get("us01-admin", &path).await.text.contains("\"lost\""));
}

#[tokio::test]
async fn bodies_are_spoiled_as_asked() {
    let simulator = SimulatorClient::start().await;
    let spoil = async |body: &str| {
        simulator.add_fault(&json!({"body": body, "times": 1})).await;
        let response =
            simulator.request(Method::GET, "us01-admin", SELF).send().await.expect("an answer");
        (
            response.headers()["content-type"].to_str().expect("a text").to_owned(),
            response.bytes().await.expect("a body"),
        )
    };
    let (media, page) = spoil("html").await;
    assert!(media == "text/html" && page.starts_with(b"<!doctype html>"));
    assert!(spoil("huge").await.1.len() > 10 << 20);
    assert!(std::str::from_utf8(&spoil("invalid-utf8").await.1).is_err());
    assert!(spoil("control-characters").await.1.contains(&0x1b));
    simulator
        .add_fault(
            &json!({"body": "redirect:http://elsewhere.example/", "status": 307, "times": 1}),
        )
        .await;
    let away = simulator.get("us01-admin", SELF).await;
    assert_eq!((away.status.as_u16(), away.header("location")), (307, "http://elsewhere.example/"));
}

#[tokio::test]
async fn fresh_secrets_settle_and_revoked_ones_linger() {
    let simulator = SimulatorClient::start().await;
    let path = format!("/rest/orgs/{}/service_accounts", simulator.field("us01-admin", "org_id"));
    simulator.add_fault(&json!({"eventual_ms": 2_000, "method": "POST", "times": 1})).await;
    let order = json!({"name": "slow", "auth_type": "api_key", "role_id": simulator.field("us01-ci-scanner", "role_id")});
    let created = simulator
        .send(
            Method::POST,
            "us01-admin",
            (&format!("{path}?{VERSION}"), &document("service_account", &order)),
        )
        .await
        .json();
    let account = format!("{path}/{}?{VERSION}", created["data"]["id"].as_str().expect("an id"));
    let key = created["data"]["attributes"]["api_key"].as_str().expect("a key").to_owned();
    let works = async || {
        simulator.rest_self("SNYK-US-01", &format!("token {key}")).await.status == StatusCode::OK
    };
    assert!(
        !works().await && simulator.live().await.contains(&sha256(&key)),
        "minted, not yet accepted"
    );
    simulator.clock.advance(Duration::from_secs(2));
    assert!(works().await);
    simulator
        .add_fault(&json!({"late_revocation_ms": 60_000, "method": "DELETE", "times": 1}))
        .await;
    assert_eq!(simulator.delete("us01-admin", &account).await.status, StatusCode::NO_CONTENT);
    simulator.clock.advance(Duration::from_secs(59));
    assert!(works().await);
    simulator.add_fault(&json!({"advance_ms": 1_000})).await;
    assert!(!works().await);
}

#[tokio::test]
async fn limits_refuse_only_when_configured() {
    let simulator = SimulatorClient::start().await;
    for _ in 0..161 {
        assert_eq!(simulator.get("us01-admin", SELF).await.status, StatusCode::OK);
    }
    simulator.add_fault(&json!({"enforce_limits": true})).await;
    let refused = simulator.get("us01-admin", SELF).await;
    assert_eq!(
        (
            refused.status.as_u16(),
            refused.header("retry-after"),
            refused.header("x-ratelimit-remaining")
        ),
        (429, "1", "0")
    );
    simulator.clock.advance(Duration::from_secs(1));
    assert_eq!(simulator.get("us01-admin", SELF).await.status, StatusCode::OK);
}

#[tokio::test]
async fn requests_are_counted_with_and_without_a_credential() {
    let simulator = SimulatorClient::start().await;
    simulator.get("us01-admin", SELF).await;
    read(simulator.client.get(format!("{}{SELF}", simulator.api("SNYK-US-01")))).await;
    let url = format!("{}/requests", simulator.sandbox.manifest().faults);
    let counted = read(simulator.client.get(&url)).await.json();
    let expected = json!({"region": "SNYK-US-01", "listener": "api", "method": "GET", "path": "/rest/self", "count": 2, "authorized": 1});
    assert_eq!(counted, json!({"requests": [expected], "total": 2}));
    assert_eq!(read(simulator.client.delete(&url)).await.json()["total"], 0);
}
