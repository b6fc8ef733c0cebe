//! Tests of OAuth against simulated Snyk: consent with PKCE, refreshing, revocation, client
//! credentials, signed assertions.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::SignatureScheme;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;

use super::*;

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CALLBACK: &str = "http://127.0.0.1:45678/callback";

async fn post(simulator: &SimulatorClient, path: &str, form: &[(&str, &str)]) -> SimulatorResponse {
    read(simulator.client.post(format!("{}{path}", simulator.api("SNYK-US-01"))).form(form)).await
}

/// Client ID and secret of the seeded app.
fn app(simulator: &SimulatorClient) -> (String, String) {
    (
        simulator.field("us01-triage-app", "client_id"),
        simulator.credential("us01-triage-app").parts["client_secret"].clone(),
    )
}

async fn refresh(simulator: &SimulatorClient, token: &str) -> SimulatorResponse {
    let (id, secret) = app(simulator);
    post(
        simulator,
        "/oauth2/token",
        &[
            ("grant_type", "refresh_token"),
            ("refresh_token", token),
            ("client_id", &id),
            ("client_secret", &secret),
        ],
    )
    .await
}

fn text(answer: &SimulatorResponse, name: &str) -> String {
    answer.json()[name]
        .as_str()
        .unwrap_or_else(|| panic!("no {name} in {}", answer.text))
        .to_owned()
}

#[tokio::test]
async fn a_refresh_token_works_once_and_its_reuse_ends_the_family() {
    let simulator = SimulatorClient::start().await;
    let seeded = simulator.credential("us01-triage-app").secret.clone();
    let first = refresh(&simulator, &seeded).await;
    assert_eq!(first.status, StatusCode::OK, "{}", first.text);
    assert_eq!(
        (first.json()["expires_in"].as_i64(), first.json()["refresh_expires_in"].as_i64()),
        (Some(3_599), Some(15_552_000))
    );
    let bearer = format!("bearer {}", text(&first, "access_token"));
    assert_eq!(
        simulator.rest_self("SNYK-US-01", &bearer).await.json()["data"]["attributes"]["name"],
        "admin"
    );
    let second = refresh(&simulator, &text(&first, "refresh_token")).await;
    assert_eq!(second.status, StatusCode::OK);

    let reused = refresh(&simulator, &seeded).await;
    assert_eq!(
        (reused.status, text(&reused, "error").as_str()),
        (StatusCode::BAD_REQUEST, "invalid_grant")
    );
    assert_eq!(
        refresh(&simulator, &text(&second, "refresh_token")).await.status,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(simulator.rest_self("SNYK-US-01", &bearer).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn access_tokens_name_their_audience_and_run_out() {
    let simulator = SimulatorClient::start().await;
    let answer = refresh(&simulator, &simulator.credential("us01-triage-app").secret).await;
    let token = text(&answer, "access_token");
    let claims =
        URL_SAFE_NO_PAD.decode(token.split('.').nth(1).expect("claims")).expect("base64url");
    let claims: Value = serde_json::from_slice(&claims).expect("JSON");
    assert_eq!(claims["aud"], json!([simulator.api("SNYK-US-01")]));
    simulator.clock.advance(std::time::Duration::from_secs(3_601));
    assert_eq!(
        simulator.rest_self("SNYK-US-01", &format!("bearer {token}")).await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn revoking_ends_the_refresh_token_and_never_fails() {
    let simulator = SimulatorClient::start().await;
    let (id, secret) = app(&simulator);
    let seeded = simulator.credential("us01-triage-app").secret.clone();
    let form = [("token", seeded.as_str()), ("client_id", &id), ("client_secret", &secret)];
    for _ in 0..2 {
        let answer = post(&simulator, "/oauth2/revoke", &form).await;
        assert_eq!((answer.status, answer.text.as_str()), (StatusCode::OK, ""));
    }
    assert_eq!(refresh(&simulator, &seeded).await.status, StatusCode::BAD_REQUEST);
    let stranger = post(
        &simulator,
        "/oauth2/revoke",
        &[("token", "x"), ("client_id", &id), ("client_secret", "wrong")],
    )
    .await;
    assert_eq!(
        (stranger.status, text(&stranger, "error").as_str()),
        (StatusCode::UNAUTHORIZED, "invalid_client")
    );
}

/// The parameters of an authorization request, with one of them changed.
fn authorization_parameters(
    simulator: &SimulatorClient,
    changed: (&str, &str),
) -> Vec<(String, String)> {
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
    let (client, _) = app(simulator);
    let usual = [
        ("response_type", "code"),
        ("client_id", &client),
        ("redirect_uri", CALLBACK),
        ("state", "s&1"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ];
    usual
        .iter()
        .map(|(name, value)| {
            ((*name).to_owned(), if *name == changed.0 { changed.1 } else { value }.to_owned())
        })
        .collect()
}

fn authorize_url(simulator: &SimulatorClient) -> String {
    format!(
        "{}/oauth2/authorize",
        simulator
            .sandbox
            .manifest()
            .region("SNYK-US-01")
            .and_then(|region| region.app.clone())
            .expect("an app")
    )
}

/// The consent page for a request with one parameter changed.
fn page_url(simulator: &SimulatorClient, changed: (&str, &str)) -> url::Url {
    url::Url::parse_with_params(
        &authorize_url(simulator),
        authorization_parameters(simulator, changed),
    )
    .expect("a URL")
}

/// Presses a button on the consent page and returns the parameters of the redirect.
async fn press_consent_button(
    simulator: &SimulatorClient,
    decision: &str,
) -> std::collections::HashMap<String, String> {
    let mut form = authorization_parameters(simulator, ("", ""));
    form.push(("decision".to_owned(), decision.to_owned()));
    let answer = read(simulator.client.post(authorize_url(simulator)).form(&form)).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let target = url::Url::parse(answer.header("location")).expect("a URL");
    assert!(target.as_str().starts_with(CALLBACK));
    target.query_pairs().into_owned().collect()
}

#[tokio::test]
async fn consent_leads_to_a_session_that_can_be_revoked() {
    let simulator = SimulatorClient::start().await;
    let page = read(simulator.client.get(page_url(&simulator, ("", "")))).await;
    assert!(
        page.status == StatusCode::OK
            && page.text.contains("triage-app")
            && page.text.contains("s&amp;1"),
        "{}",
        page.text
    );
    let answer = press_consent_button(&simulator, "allow").await;
    assert_eq!(answer["state"], "s&1");
    assert_eq!(format!("http://{}", answer["instance"]), simulator.api("SNYK-US-01"));

    let (id, secret) = app(&simulator);
    let exchange = async |verifier: &str| {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", &answer["code"]),
            ("redirect_uri", CALLBACK),
            ("client_id", &id),
            ("client_secret", &secret),
            ("code_verifier", verifier),
        ];
        post(&simulator, "/oauth2/token", &form).await
    };
    let session = exchange(VERIFIER).await;
    assert_eq!(session.status, StatusCode::OK, "{}", session.text);
    assert_eq!(exchange(VERIFIER).await.status, StatusCode::BAD_REQUEST, "a code works once");

    let sessions =
        format!("/rest/self/apps/{}/sessions", simulator.field("us01-triage-app", "app_id"));
    let list = simulator.get("us01-admin", &format!("{sessions}?{VERSION}")).await.json();
    assert_eq!(list["data"].as_array().map(Vec::len), Some(2), "the seeded one and the new one");
    let newest = list["data"][1]["id"].as_str().expect("an id");
    assert_eq!(
        simulator.delete("us01-admin", &format!("{sessions}/{newest}?{VERSION}")).await.status,
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        refresh(&simulator, &text(&session, "refresh_token")).await.status,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(
        refresh(&simulator, &simulator.credential("us01-triage-app").secret).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_wrong_verifier_gets_nothing() {
    let simulator = SimulatorClient::start().await;
    let code = press_consent_button(&simulator, "allow").await["code"].clone();
    let (id, secret) = app(&simulator);
    let form = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", CALLBACK),
        ("client_id", &id),
        ("client_secret", &secret),
        ("code_verifier", "wrong"),
    ];
    assert_eq!(text(&post(&simulator, "/oauth2/token", &form).await, "error"), "invalid_grant");
}

#[tokio::test]
async fn denial_and_mistakes_are_reported_to_the_right_party() {
    let simulator = SimulatorClient::start().await;
    assert_eq!(press_consent_button(&simulator, "deny").await["error"], "access_denied");
    let ask = async |name: &str, value: &str| {
        read(simulator.client.get(page_url(&simulator, (name, value)))).await
    };
    assert_eq!(ask("client_id", "missing").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(
        ask("redirect_uri", "http://evil.example/callback").await.status,
        StatusCode::BAD_REQUEST
    );
    let plain = ask("code_challenge_method", "plain").await;
    assert!(
        plain.status == StatusCode::SEE_OTHER
            && plain.header("location").contains("error=invalid_request")
    );
}

#[tokio::test]
async fn an_account_with_a_client_secret_gets_an_access_token() {
    let simulator = SimulatorClient::start().await;
    let account = simulator.credential("us01-release-bot");
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", &account.fields["client_id"]),
        ("client_secret", &account.secret),
    ];
    let answer = post(&simulator, "/oauth2/token", &form).await;
    assert!(answer.json().get("refresh_token").is_none());
    let me = simulator
        .rest_self("SNYK-US-01", &format!("Bearer {}", text(&answer, "access_token")))
        .await
        .json();
    assert_eq!(
        (me["data"]["type"].as_str(), &me["data"]["id"]),
        (Some("service_account"), &json!(account.fields["service_account_id"]))
    );
    assert_eq!(
        simulator
            .rest_self("SNYK-EU-01", &format!("Bearer {}", text(&answer, "access_token")))
            .await
            .status,
        StatusCode::UNAUTHORIZED
    );
}

/// A client assertion for the seeded account with a private key, valid at the frozen time.
fn assertion(simulator: &SimulatorClient, audience: &str) -> String {
    let account = simulator.credential("eu01-sbom-export");
    let client = &account.fields["client_id"];
    let claims = json!({"sub": client, "iss": client, "jti": "1", "aud": audience, "exp": 1_795_342_000_i64});
    let body = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256","kid":"1"}"#),
        URL_SAFE_NO_PAD.encode(claims.to_string())
    );
    let key = PrivateKeyDer::from_pem_slice(account.secret.as_bytes()).expect("a PEM key");
    let key = rustls::crypto::ring::sign::any_supported_type(&key).expect("an RSA key");
    let signer = key.choose_scheme(&[SignatureScheme::RSA_PKCS1_SHA256]).expect("RS256");
    format!("{body}.{}", URL_SAFE_NO_PAD.encode(signer.sign(body.as_bytes()).expect("a signature")))
}

#[tokio::test]
async fn an_account_with_a_private_key_signs_for_its_access_token() {
    let simulator = SimulatorClient::start().await;
    let url = format!("{}/oauth2/token", simulator.api("SNYK-EU-01"));
    let ask = async |assertion: String| {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_assertion", assertion.as_str()),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ];
        read(simulator.client.post(&url).form(&form)).await
    };
    let good = assertion(&simulator, &url);
    assert_eq!(ask(good.clone()).await.status, StatusCode::OK);
    assert_eq!(
        ask(assertion(&simulator, "https://elsewhere.example/oauth2/token")).await.status,
        StatusCode::UNAUTHORIZED
    );
    let tampered = good.replacen('.', ".e30", 1);
    assert_eq!(ask(tampered).await.status, StatusCode::UNAUTHORIZED);
    simulator.clock.advance(std::time::Duration::from_secs(3_600));
    assert_eq!(ask(good).await.status, StatusCode::UNAUTHORIZED);
}
