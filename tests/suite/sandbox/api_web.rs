//! Tests of simulated Snyk API & Web.

use super::*;

#[tokio::test]
async fn a_key_opens_its_own_region_only() {
    let simulator = SimulatorClient::start().await;
    let profile = simulator.get("saw-eu-pipeline", "/profile/").await.json();
    assert_eq!(
        (profile["name"].as_str(), profile["is_apiuser"].as_bool()),
        (Some("pipeline"), Some(true))
    );
    let key = &simulator.credential("saw-eu-admin").secret;
    let ask = async |region: &str, scheme: &str| {
        let request = simulator.client.get(format!("{}/profile/", simulator.api(region)));
        read(request.header("authorization", format!("{scheme} {key}"))).await
    };
    assert_eq!(ask("SAW-EU", "JWT").await.status, StatusCode::OK);
    assert_eq!(ask("SAW-EU", "Bearer").await.status, StatusCode::UNAUTHORIZED);
    let refused = ask("SAW-US", "JWT").await;
    assert!(refused.status == StatusCode::UNAUTHORIZED && refused.json()["detail"].is_string());
    let missing = read(simulator.client.get(format!("{}/profile/", simulator.api("SAW-EU")))).await;
    assert_eq!(missing.json(), json!({"detail": "Authentication credentials were not provided."}));
}

#[tokio::test]
async fn a_key_with_the_permission_manages_keys_and_another_is_refused() {
    let simulator = SimulatorClient::start().await;
    let post = async |name: &str| {
        read(simulator.request(Method::POST, name, "/keys/").json(&json!({"name": "travis"}))).await
    };
    assert_eq!(post("saw-eu-pipeline").await.status, StatusCode::FORBIDDEN);
    let created = post("saw-eu-admin").await;
    assert_eq!(created.status, StatusCode::CREATED);
    let created = created.json();
    let (id, key) =
        (created["id"].as_str().expect("an id"), created["key"].as_str().expect("a key"));
    let profile = async || {
        let request = simulator.client.get(format!("{}/profile/", simulator.api("SAW-EU")));
        read(request.header("authorization", format!("JWT {key}"))).await.status
    };
    assert_eq!(profile().await, StatusCode::OK);
    let list = simulator.get("saw-eu-admin", "/keys/").await;
    assert!(list.json()["count"] == 3 && !list.text.contains(key), "a key is shown only once");
    assert_eq!(
        simulator.delete("saw-eu-admin", &format!("/keys/{id}/")).await.status,
        StatusCode::NO_CONTENT
    );
    assert_eq!(profile().await, StatusCode::UNAUTHORIZED);
    assert_eq!(
        simulator.get("saw-eu-admin", &format!("/keys/{id}/")).await.json(),
        json!({"detail": "Not found."})
    );
    let nameless =
        read(simulator.request(Method::POST, "saw-eu-admin", "/keys/").json(&json!({}))).await;
    assert_eq!(nameless.json(), json!({"name": ["This field is required."]}));
}

#[tokio::test]
async fn an_api_user_can_be_shut_out_and_let_in_again() {
    let simulator = SimulatorClient::start().await;
    let path = format!("/api-users/{}/", simulator.field("saw-eu-pipeline", "key_id"));
    let set = async |active: bool| {
        read(
            simulator
                .request(Method::PATCH, "saw-eu-admin", &path)
                .json(&json!({"active": active})),
        )
        .await
    };
    assert_eq!(set(false).await.json()["active"], false);
    assert_eq!(
        simulator.get("saw-eu-pipeline", "/profile/").await.status,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(set(true).await.json()["active"], true);
    assert_eq!(simulator.get("saw-eu-pipeline", "/profile/").await.status, StatusCode::OK);
    let users = simulator.get("saw-eu-admin", "/api-users/").await.json();
    let role =
        users["results"][0]["user_roles"][0]["role"]["id"].as_str().expect("a role").to_owned();
    assert_eq!(
        simulator.get("saw-eu-admin", &format!("/roles/{role}/")).await.json()["name"],
        "Admin"
    );
}

#[tokio::test]
async fn lists_are_paged() {
    let simulator = SimulatorClient::start().await;
    let page = simulator.get("saw-us-pipeline", "/findings/?page=3&length=100").await.json();
    assert_eq!((page["count"].as_u64(), page["page_total"].as_u64()), (Some(240), Some(3)));
    assert_eq!(page["results"].as_array().map(Vec::len), Some(40));
    assert_eq!(
        simulator.get("saw-us-pipeline", "/findings/?page=4&length=100").await.status,
        StatusCode::NOT_FOUND
    );
    let targets = simulator.get("saw-us-pipeline", "/targets/").await.json();
    let target = targets["results"][0]["id"].as_str().expect("an id");
    for (path, count) in [
        (format!("/targets/{target}/scans/"), 5),
        (format!("/targets/{target}/findings/"), 20),
        ("/scans/".to_owned(), 60),
        ("/teams/".to_owned(), 3),
        ("/permissions/".to_owned(), 6),
    ] {
        assert_eq!(simulator.get("saw-us-pipeline", &path).await.json()["count"], count, "{path}");
    }
    assert_eq!(simulator.get("saw-us-pipeline", "/account/").await.json()["status"], "active");
}
