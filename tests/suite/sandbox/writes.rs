//! Tests of writing to simulated Snyk: service accounts, personal access tokens, apps, installs,
//! and actions on the web pages.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::*;

fn accounts(simulator: &SimulatorClient) -> String {
    format!("/rest/orgs/{}/service_accounts", simulator.field("us01-admin", "org_id"))
}

async fn create_account(
    simulator: &SimulatorClient,
    name: &str,
    attributes: Value,
) -> SimulatorResponse {
    let mut all = json!({"name": name, "role_id": simulator.field("us01-ci-scanner", "role_id")});
    all.as_object_mut()
        .expect("an object")
        .extend(attributes.as_object().expect("an object").clone());
    let path = format!("{}?{VERSION}", accounts(simulator));
    simulator.send(Method::POST, "us01-admin", (&path, &document("service_account", &all))).await
}

async fn secrets(simulator: &SimulatorClient, id: &str, order: Value) -> SimulatorResponse {
    let path = format!("{}/{id}/secrets?{VERSION}", accounts(simulator));
    simulator.send(Method::POST, "us01-admin", (&path, &document("service_account", &order))).await
}

/// Whether the simulator issues an access token for these client credentials.
async fn is_accepted(simulator: &SimulatorClient, client: &str, secret: &str) -> bool {
    let form =
        [("grant_type", "client_credentials"), ("client_id", client), ("client_secret", secret)];
    let url = format!("{}/oauth2/token", simulator.api("SNYK-US-01"));
    read(simulator.client.post(url).form(&form)).await.status == StatusCode::OK
}

#[tokio::test]
async fn an_account_lives_from_creation_to_deletion() {
    let simulator = SimulatorClient::start().await;
    let created = create_account(&simulator, "rotation-1", json!({"auth_type": "api_key"})).await;
    assert_eq!(created.status, StatusCode::CREATED, "{}", created.text);
    let account = created.json()["data"].clone();
    let (id, key) = (
        account["id"].as_str().expect("an id"),
        account["attributes"]["api_key"].as_str().expect("a key"),
    );
    let token = format!("token {key}");
    assert_eq!(simulator.rest_self("SNYK-US-01", &token).await.json()["data"]["id"], id);
    assert!(simulator.live().await.contains(&sha256(key)));

    let path = format!("{}/{id}?{VERSION}", accounts(&simulator));
    assert!(
        !simulator.get("us01-admin", &path).await.text.contains(key),
        "a secret is shown only once"
    );
    let rename = json!({"data": {"id": id, "type": "service_account", "attributes": {"name": "rotation-1b"}}});
    let renamed = simulator.send(Method::PATCH, "us01-admin", (&path, &rename)).await.json();
    assert_eq!(renamed["data"]["attributes"]["name"], "rotation-1b");

    assert_eq!(simulator.delete("us01-admin", &path).await.status, StatusCode::NO_CONTENT);
    assert_eq!(simulator.rest_self("SNYK-US-01", &token).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(simulator.delete("us01-admin", &path).await.status, StatusCode::NOT_FOUND);
    assert!(!simulator.live().await.contains(&sha256(key)));
    let again = create_account(&simulator, "rotation-1", json!({"auth_type": "api_key"})).await;
    assert!(again.status == StatusCode::CONFLICT && again.text.contains("cannot be reused"));
}

#[tokio::test]
async fn an_access_token_contains_its_region_and_expires() {
    let simulator = SimulatorClient::start().await;
    let order =
        json!({"auth_type": "access_token", "access_token_expires_at": "2026-12-01T00:00:00Z"});
    let created = create_account(&simulator, "short", order).await.json();
    let token = created["data"]["attributes"]["access_token"].as_str().expect("a token");
    let parts: Vec<&str> = token.split('.').collect();
    assert_eq!((parts.len(), parts[0], parts[1].len()), (4, "snyk_sat", 8));
    let claims = URL_SAFE_NO_PAD.decode(parts[2]).expect("base64url");
    let claims: Value = serde_json::from_slice(&claims).expect("JSON");
    assert_eq!(
        (claims["h"].as_str(), claims["e"].as_i64()),
        (Some("api.snyk.io"), Some(1_796_083_200))
    );
    let token = format!("token {token}");
    assert_eq!(simulator.rest_self("SNYK-US-01", &token).await.status, StatusCode::OK);
    simulator.clock.advance(std::time::Duration::from_secs(9 * 86_400));
    assert_eq!(simulator.rest_self("SNYK-US-01", &token).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn orders_that_break_a_rule_are_refused() {
    let simulator = SimulatorClient::start().await;
    for (order, status) in [
        (json!({"auth_type": "password"}), 400),
        (json!({"auth_type": "api_key", "role_id": "00000000-0000-4000-a000-000000000000"}), 400),
        (json!({"auth_type": "access_token"}), 400),
        (
            json!({"auth_type": "access_token", "access_token_expires_at": "2028-01-01T00:00:00Z"}),
            400,
        ),
        (json!({"auth_type": "oauth_client_secret", "access_token_ttl_seconds": 60}), 400),
        (json!({"auth_type": "oauth_private_key_jwt", "jwks_url": "http://example.com"}), 400),
        (json!({"auth_type": "api_key", "name": "ci-scanner"}), 409),
    ] {
        assert_eq!(
            create_account(&simulator, "x", order.clone()).await.status.as_u16(),
            status,
            "{order}"
        );
    }
    let order = document("service_account", &json!({}));
    let plain = simulator
        .request(Method::POST, "us01-admin", &format!("{}?{VERSION}", accounts(&simulator)))
        .json(&order);
    assert_eq!(read(plain).await.status, StatusCode::BAD_REQUEST, "the media type counts");
}

#[tokio::test]
async fn no_account_grants_a_role_above_its_own() {
    let simulator = SimulatorClient::start().await;
    let group = simulator.field("us01-admin", "group_id");
    let roles = simulator.get("us01-admin", &format!("/v1/group/{group}/roles")).await.json();
    let id = |name: &str| {
        let role = roles.as_array().into_iter().flatten().find(|role| role["name"] == name);
        role.expect("a role")["publicId"].clone()
    };
    let order = json!({"auth_type": "api_key", "role_id": id("Org Admin")});
    let created = create_account(&simulator, "org-admin", order).await.json();
    let key = created["data"]["attributes"]["api_key"].as_str().expect("a key").to_owned();
    let create = async |name: &str, role: Value| {
        let order = document(
            "service_account",
            &json!({"name": name, "auth_type": "api_key", "role_id": role}),
        );
        let url = format!("{}{}?{VERSION}", simulator.api("SNYK-US-01"), accounts(&simulator));
        let request = simulator.client.post(url).header("authorization", format!("token {key}"));
        read(request.header("content-type", "application/vnd.api+json").body(order.to_string()))
            .await
    };
    assert_eq!(create("same", id("Org Admin")).await.status, StatusCode::CREATED);
    let refused = create("higher", id("Group Admin")).await;
    assert!(
        refused.status == StatusCode::FORBIDDEN && refused.text.contains("higher privilege role")
    );
}

#[tokio::test]
async fn the_government_region_has_no_api_keys() {
    let simulator = SimulatorClient::start().await;
    let path = format!(
        "/rest/orgs/{}/service_accounts?{VERSION}",
        simulator.field("gov01-admin", "org_id")
    );
    let order = json!({"name": "x", "auth_type": "api_key", "role_id": simulator.field("gov01-release-bot", "role_id")});
    let refused = simulator
        .send(Method::POST, "gov01-admin", (&path, &document("service_account", &order)))
        .await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn client_secrets_overlap_and_one_always_remains() {
    let simulator = SimulatorClient::start().await;
    let (id, client) = (
        simulator.field("us01-release-bot", "service_account_id"),
        simulator.field("us01-release-bot", "client_id"),
    );
    let old = simulator.credential("us01-release-bot").secret.clone();
    assert_eq!(
        secrets(&simulator, &id, json!({"mode": "delete", "secret": old})).await.status,
        StatusCode::BAD_REQUEST
    );
    let added = secrets(&simulator, &id, json!({"mode": "create"})).await;
    assert_eq!(added.status, StatusCode::OK);
    let new =
        added.json()["data"]["attributes"]["client_secret"].as_str().expect("a secret").to_owned();
    assert!(
        is_accepted(&simulator, &client, &old).await
            && is_accepted(&simulator, &client, &new).await
    );
    assert_eq!(
        secrets(&simulator, &id, json!({"mode": "create"})).await.status,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(
        secrets(&simulator, &id, json!({"mode": "delete", "secret": "wrong"})).await.status,
        StatusCode::BAD_REQUEST
    );
    let removed = secrets(&simulator, &id, json!({"mode": "delete", "secret": old})).await;
    assert!(removed.status == StatusCode::OK && !removed.text.contains("client_secret\":\"snyk"));
    assert!(
        !is_accepted(&simulator, &client, &old).await
            && is_accepted(&simulator, &client, &new).await
    );
    let replaced = secrets(&simulator, &id, json!({"mode": "replace"})).await.json();
    let newest = replaced["data"]["attributes"]["client_secret"].as_str().expect("a secret");
    assert!(
        !is_accepted(&simulator, &client, &new).await
            && is_accepted(&simulator, &client, newest).await
    );
}

#[tokio::test]
async fn accounts_of_every_sort_are_on_both_levels_and_the_log_knows_who_acts() {
    let simulator = SimulatorClient::start().await;
    let (org, group) =
        (simulator.field("us01-admin", "org_id"), simulator.field("us01-admin", "group_id"));
    for scope in [format!("orgs/{org}"), format!("groups/{group}")] {
        let list = simulator
            .get("us01-admin", &format!("/rest/{scope}/service_accounts?{VERSION}"))
            .await
            .json();
        let of =
            |item: &Value| item["attributes"]["auth_type"].as_str().expect("a type").to_owned();
        let kinds: BTreeSet<String> =
            list["data"].as_array().expect("a list").iter().map(of).collect();
        assert_eq!(kinds.len(), 4, "{scope}");
    }
    create_account(&simulator, "logged", json!({"auth_type": "api_key"})).await;
    let log = simulator
        .get(
            "us01-admin",
            &format!(
                "/rest/orgs/{org}/audit_logs/search?{VERSION}&events=org.service_account.create"
            ),
        )
        .await;
    assert_eq!(log.json()["data"]["items"][0]["content"]["name"], "logged");
}

#[tokio::test]
async fn personal_access_tokens_are_listed_and_deleted_by_their_owner() {
    let simulator = SimulatorClient::start().await;
    let path = "/rest/self/personal_access_tokens";
    let list = simulator.get("us01-laptop", &format!("{path}?{VERSION}")).await.json();
    assert_eq!(list["meta"], json!({"max_active_tokens": 3, "max_expiry_days": 90}));
    let labels: Vec<&str> = list["data"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|pat| pat["attributes"]["label"].as_str())
        .collect();
    assert_eq!(labels, ["laptop", "workstation"]);
    let own = format!("{path}/{}?{VERSION}", simulator.field("us01-laptop", "pat_id"));
    assert_eq!(simulator.delete("us01-reader", &own).await.status, StatusCode::NOT_FOUND);
    assert_eq!(simulator.delete("us01-admin", &own).await.status, StatusCode::NO_CONTENT);
    assert_eq!(
        simulator.get("us01-laptop", &format!("/rest/self?{VERSION}")).await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn the_web_pages_make_what_the_api_cannot() {
    let simulator = SimulatorClient::start().await;
    let by_hand = async |name: &str| {
        let url = format!("{}/by-hand", simulator.sandbox.manifest().faults);
        read(simulator.client.post(url).body(json!({"credential": name}).to_string())).await
    };
    let status = async |region: &str, secret: &str| {
        simulator.rest_self(region, &format!("token {secret}")).await.status.as_u16()
    };
    let secret =
        |answer: &SimulatorResponse| answer.json()["secret"].as_str().expect("a secret").to_owned();

    let old = simulator.credential("us01-reader").secret.clone();
    let new = secret(&by_hand("us01-reader").await);
    assert_eq!((status("SNYK-US-01", &old).await, status("SNYK-US-01", &new).await), (401, 200));

    let old = simulator.credential("us01-laptop").secret.clone();
    let new = secret(&by_hand("us01-laptop").await);
    assert_eq!((status("SNYK-US-01", &old).await, status("SNYK-US-01", &new).await), (200, 200));
    assert_eq!(by_hand("us01-laptop").await.status, StatusCode::CONFLICT, "three are the most");
    let revoked = json!({"revoke": sha256(&new)}).to_string();
    let url = format!("{}/by-hand", simulator.sandbox.manifest().faults);
    assert!(read(simulator.client.post(url).body(revoked)).await.status.is_success());
    assert_eq!(status("SNYK-US-01", &new).await, 401);
    let next = secret(&by_hand("us01-laptop").await);
    assert_eq!(status("SNYK-US-01", &next).await, 200, "a revoked token makes room");
    assert_eq!(by_hand("us01-ci-scanner").await.status, StatusCode::CONFLICT, "that has an API");
    assert_eq!(by_hand("missing").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn apps_are_created_changed_and_deleted() {
    let simulator = SimulatorClient::start().await;
    let creations =
        format!("/rest/orgs/{}/apps/creations", simulator.field("us01-admin", "org_id"));
    let order =
        json!({"name": "robot", "grant_type": "client_credentials", "scopes": ["org.read"]});
    let created = simulator
        .send(
            Method::POST,
            "us01-admin",
            (&format!("{creations}?{VERSION}"), &document("app", &order)),
        )
        .await;
    assert_eq!(created.status, StatusCode::CREATED, "{}", created.text);
    let app = created.json()["data"]["id"].as_str().expect("an id").to_owned();
    assert!(
        created.json()["data"]["attributes"]["client_secret"]
            .as_str()
            .is_some_and(|secret| secret.starts_with("snyk_cs_"))
    );

    let installs = format!("/rest/orgs/{}/apps/installs", simulator.field("us01-admin", "org_id"));
    let order = json!({"data": {"type": "app"}, "relationships": {"app": {"data": {"id": app, "type": "app"}}}});
    let installed = simulator
        .send(Method::POST, "us01-admin", (&format!("{installs}?{VERSION}"), &order))
        .await
        .json();
    let install = installed["data"]["id"].as_str().expect("an id");
    let attributes = &installed["data"]["attributes"];
    let (client, secret) = (
        attributes["client_id"].as_str().expect("an id"),
        attributes["client_secret"].as_str().expect("a secret"),
    );
    assert!(is_accepted(&simulator, client, secret).await);
    let path = format!("{installs}/{install}/secrets?{VERSION}");
    let replaced = simulator
        .send(Method::POST, "us01-admin", (&path, &document("app", &json!({"mode": "replace"}))))
        .await;
    assert_eq!(replaced.status, StatusCode::OK);
    assert!(!is_accepted(&simulator, client, secret).await);

    let path = format!("{creations}/{app}?{VERSION}");
    let changed = simulator
        .send(Method::PATCH, "us01-admin", (&path, &document("app", &json!({"name": "robot 2"}))))
        .await;
    assert_eq!(changed.json()["data"]["attributes"]["name"], "robot 2");
    assert_eq!(simulator.get("us01-reader", &path).await.status, StatusCode::FORBIDDEN);
    assert_eq!(simulator.delete("us01-admin", &path).await.status, StatusCode::NO_CONTENT);
    assert_eq!(simulator.get("us01-admin", &path).await.status, StatusCode::NOT_FOUND);
    let left = simulator.get("us01-admin", &format!("{installs}?{VERSION}")).await.json();
    assert!(left["data"].as_array().expect("a list").iter().all(|item| item["id"] != install));
}
