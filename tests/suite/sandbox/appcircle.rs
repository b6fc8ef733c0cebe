//! Tests of simulated Appcircle: the exchanges, and what the access token may do.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::*;

fn auth(simulator: &SimulatorClient) -> String {
    simulator
        .sandbox
        .manifest()
        .region("APPCIRCLE")
        .and_then(|region| region.auth.clone())
        .expect("an auth host")
}

async fn exchange(
    simulator: &SimulatorClient,
    path: &str,
    form: &[(&str, &str)],
) -> SimulatorResponse {
    read(simulator.client.post(format!("{}{path}", auth(simulator))).form(form)).await
}

fn token(answer: &SimulatorResponse) -> String {
    answer.json()["access_token"].as_str().unwrap_or_else(|| panic!("{}", answer.text)).to_owned()
}

/// The organization of an access token.
fn organization(token: &str) -> String {
    let claims =
        URL_SAFE_NO_PAD.decode(token.split('.').nth(1).expect("claims")).expect("base64url");
    let claims: Value = serde_json::from_slice(&claims).expect("JSON");
    claims["currentOrganizationId"].as_str().expect("an id").to_owned()
}

async fn ask(simulator: &SimulatorClient, url: String, token: &str) -> SimulatorResponse {
    read(simulator.client.get(url).header("authorization", format!("Bearer {token}"))).await
}

#[tokio::test]
async fn a_personal_access_key_is_exchanged_in_every_generation() {
    let simulator = SimulatorClient::start().await;
    let key = simulator.credential("appcircle-laptop").secret.clone();
    for (path, field) in [
        ("/auth/v3/token", "personalAccessKey"),
        ("/auth/v2/token", "pat"),
        ("/auth/v1/token", "pat"),
        ("/auth/v1/token", "personal-access-key"),
    ] {
        let answer = exchange(&simulator, path, &[(field, &key)]).await;
        assert_eq!(
            organization(&token(&answer)),
            simulator.field("appcircle-laptop", "organization_id"),
            "{path}"
        );
    }
    assert_eq!(
        exchange(&simulator, "/auth/v3/token", &[("personalAccessKey", "wrong")]).await.status,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(
        exchange(&simulator, "/auth/v3/token", &[("pat", &key)]).await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn an_access_token_opens_the_api_and_nothing_else_does() {
    let simulator = SimulatorClient::start().await;
    let key = simulator.credential("appcircle-laptop").secret.clone();
    let access =
        token(&exchange(&simulator, "/auth/v3/token", &[("personalAccessKey", &key)]).await);
    let api = simulator.api("APPCIRCLE");
    let organizations =
        ask(&simulator, format!("{api}/identity/v1/organizations"), &access).await.json();
    assert_eq!(organizations["data"].as_array().map(Vec::len), Some(3));
    for path in [
        "distribution/v2/profiles",
        "build/v2/profiles",
        "store/v2/profiles",
        "publish/v2/profiles/ios",
    ] {
        assert_eq!(
            ask(&simulator, format!("{api}/{path}"), &access).await.json().as_array().map(Vec::len),
            Some(4),
            "{path}"
        );
    }
    let userinfo =
        format!("{}/auth/realms/appcircle/protocol/openid-connect/userinfo", auth(&simulator));
    assert_eq!(ask(&simulator, userinfo, &access).await.json()["preferred_username"], "laptop");
    let refused = ask(&simulator, format!("{api}/identity/v1/organizations"), &key).await;
    assert_eq!((refused.status, refused.text.as_str()), (StatusCode::UNAUTHORIZED, ""));
    simulator.clock.advance(std::time::Duration::from_secs(3_601));
    assert_eq!(
        ask(&simulator, format!("{api}/build/v2/profiles"), &access).await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn an_api_key_is_exchanged_for_an_organization_it_reaches() {
    let simulator = SimulatorClient::start().await;
    let secret = simulator.credential("appcircle-ci").secret.clone();
    let with = async |organization: &str| {
        exchange(
            &simulator,
            "/auth/v1/api-key/token",
            &[("name", "ci"), ("secret", &secret), ("organizationId", organization)],
        )
        .await
    };
    let below = simulator.field("appcircle-stray", "organization_id");
    assert_eq!(organization(&token(&with(&below).await)), below);
    let bad = with("not-a-guid").await;
    assert!(
        bad.status == StatusCode::BAD_REQUEST
            && bad.json()["error"].as_str().is_some_and(|text| text.contains("valid GUID"))
    );
    assert_eq!(with("00000000-0000-4000-a000-000000000000").await.status, StatusCode::FORBIDDEN);
    let wrong =
        exchange(&simulator, "/auth/v1/api-key/token", &[("name", "ci"), ("secret", "wrong")])
            .await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_stray_key_answers_for_another_organization_with_200() {
    let simulator = SimulatorClient::start().await;
    let stray = simulator.credential("appcircle-stray");
    let form = [
        ("name", stray.fields["key_name"].as_str()),
        ("secret", &stray.secret),
        ("organizationId", &stray.fields["organization_id"]),
    ];
    let answer = exchange(&simulator, "/auth/v1/api-key/token", &form).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_ne!(organization(&token(&answer)), stray.fields["organization_id"]);
}
