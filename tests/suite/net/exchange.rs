//! Tests of the exchange of secrets for access tokens.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tokenring::domain::provider::AuthMethod;
use tokenring::domain::provider::spec::TokenEndpoint;
use tokenring::domain::region::Region;
use tokenring::domain::{Problem, Secret};
use tokenring::net::oauth::exchange::{TokenExchange, TokenExchangeError, TokenExpiry};
use tokenring::net::oauth::grants::RefreshResult;
use tokenring::net::{HttpClient, NetError};

use super::server::{Server, reply};
use super::{LIMITS, SECRET};

const NOW: tokenring::domain::Timestamp = time::macros::datetime!(2026-11-22 10:00 UTC);

/// A credential in a region whose hosts are two test servers.
struct ExchangeSetup {
    authorization: AuthMethod,
    region: Region,
    fields: BTreeMap<String, String>,
    secret: Arc<Secret>,
    parts: BTreeMap<String, Arc<Secret>>,
}

impl ExchangeSetup {
    fn new(authorization: AuthMethod, api: &Server, auth: &Server) -> Self {
        let (api, auth) = (api.origin.clone(), Some(auth.origin.clone()));
        let region = Region {
            id: "R".to_owned(),
            title: String::new(),
            aliases: Vec::new(),
            issuers: Vec::new(),
            api,
            app: None,
            auth,
            ca_file: None,
        };
        let secret = Arc::new(Secret::from_text(SECRET.to_owned()));
        Self {
            authorization,
            region,
            fields: map([("client_id", "client-1"), ("organization_id", "org-1")]),
            secret,
            parts: BTreeMap::new(),
        }
    }

    fn exchange(&self) -> TokenExchange<'_> {
        let Self { authorization, region, fields, secret, parts } = self;
        TokenExchange { authorization, region, fields, secret, parts, limits: LIMITS, now: NOW }
    }

    async fn access_token(
        &self,
    ) -> Result<tokenring::net::oauth::exchange::AccessToken, TokenExchangeError> {
        self.exchange().access_token(&HttpClient::default()).await
    }

    async fn refresh(&self) -> Result<RefreshResult, TokenExchangeError> {
        self.exchange().refresh(&HttpClient::default()).await
    }
}

fn map<const N: usize>(pairs: [(&str, &str); N]) -> BTreeMap<String, String> {
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

fn endpoint(path: &str, secret_member: &str) -> TokenEndpoint {
    TokenEndpoint {
        path: path.to_owned(),
        secret_member: secret_member.to_owned(),
        constants: map([("scope", "openid,profile")]),
        members: map([("organizationId", "organization_id"), ("name", "key_name")]),
    }
}

fn endpoints() -> AuthMethod {
    let verify = map([("currentOrganizationId", "organization_id")]);
    AuthMethod::Exchange {
        endpoints: vec![endpoint("/v3/token", "pak"), endpoint("/v1/token", "pat")],
        scheme: "Bearer".to_owned(),
        verify,
    }
}

fn client_credentials() -> AuthMethod {
    AuthMethod::ClientCredentials { token: "/oauth2/token".to_owned(), scheme: "bearer".to_owned() }
}

fn refresh_token() -> AuthMethod {
    AuthMethod::RefreshToken {
        token: "/oauth2/token".to_owned(),
        scheme: "bearer".to_owned(),
        authorize: None,
        revoke: None,
    }
}

fn jwt(claims: &str) -> String {
    format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims))
}

fn granting(token: &str) -> impl Fn(&str) -> Vec<u8> + Clone + use<> {
    let body = format!(r#"{{"access_token":"{token}","expires_in":3600,"token_type":"bearer"}}"#);
    move |_| reply(200, "content-type: application/json\r\n", &body)
}

/// The body of a recorded request.
fn body(request: &str) -> &str {
    request.split_once("\r\n\r\n").unwrap().1
}

fn text(secret: &Secret) -> String {
    secret.expose(|bytes| String::from_utf8(bytes.to_vec()).unwrap())
}

#[tokio::test]
async fn client_credentials_go_to_the_api_host_as_a_form() {
    let (api, auth) = (
        Server::answering(granting("opaque-access-token")).await,
        Server::answering(granting("x")).await,
    );
    let token = ExchangeSetup::new(client_credentials(), &api, &auth).access_token().await.unwrap();
    assert_eq!(
        (text(&token.secret).as_str(), token.scheme.as_str()),
        ("opaque-access-token", "bearer")
    );
    assert_eq!(token.expiries, [TokenExpiry::After(Duration::from_secs(3600))]);
    let request = api.requests().remove(0);
    assert!(request.starts_with("POST /oauth2/token HTTP/1.1\r\n"));
    assert!(request.contains("content-type: application/x-www-form-urlencoded\r\n"));
    assert_eq!(
        body(&request),
        format!("grant_type=client_credentials&client_id=client-1&client_secret={SECRET}")
    );
    assert!(auth.requests().is_empty());
}

#[tokio::test]
async fn the_next_endpoint_is_asked_only_after_a_404() {
    let old = Server::answering(|request| {
        if request.starts_with("POST /v3") {
            reply(404, "", "")
        } else {
            reply(200, "", jwt(r#"{"sub":"someone"}"#))
        }
    })
    .await;
    let token = ExchangeSetup::new(endpoints(), &old, &old).access_token().await.unwrap();
    assert_eq!(text(&token.secret), jwt(r#"{"sub":"someone"}"#), "a bare token is accepted");
    let bodies: Vec<String> =
        old.requests().iter().map(|request| body(request).to_owned()).collect();
    let rest = "&scope=openid%2Cprofile&organizationId=org-1";
    assert_eq!(bodies, [format!("pak={SECRET}{rest}"), format!("pat={SECRET}{rest}")]);
    for status in [401, 500] {
        let refusing = Server::answering(move |_| reply(status, "", "no")).await;
        assert!(
            ExchangeSetup::new(endpoints(), &refusing, &refusing).access_token().await.is_err()
        );
        assert_eq!(refusing.requests().len(), 1);
    }
}

#[tokio::test]
async fn a_token_for_another_organization_is_no_success() {
    let other = Server::answering(granting(&jwt(r#"{"currentOrganizationId":"org-2"}"#))).await;
    let error = ExchangeSetup::new(endpoints(), &other, &other).access_token().await.err().unwrap();
    let field = "organization_id".to_owned();
    assert_eq!(
        error,
        TokenExchangeError::ClaimMismatch {
            field,
            wanted: "org-1".to_owned(),
            given: "org-2".to_owned()
        }
    );
    let same =
        Server::answering(granting(&jwt(r#"{"currentOrganizationId":"ORG-1","exp":1800000000}"#)))
            .await;
    let token = ExchangeSetup::new(endpoints(), &same, &same).access_token().await.unwrap();
    assert!(
        matches!(token.expiries[0], TokenExpiry::At(end) if end.unix_timestamp() == 1_800_000_000)
    );
    assert_eq!(
        token.expires_at(NOW),
        NOW.checked_add(time::Duration::HOUR),
        "the earlier expiry counts"
    );
}

#[tokio::test]
async fn a_refusal_keeps_its_words_but_not_the_secret() {
    for status in [400, 401, 403] {
        let echo = Server::answering(move |request| {
            reply(status, "", format!("\u{1b}[31mno: {}", body(request)))
        })
        .await;
        let error =
            ExchangeSetup::new(endpoints(), &echo, &echo).access_token().await.err().unwrap();
        assert!(
            matches!(&error, TokenExchangeError::Refused { status: given, why, .. } if *given == status && why.contains("no: pak=‹secret›")),
            "{error}"
        );
        let problem = Problem::from(error.clone());
        assert!(!format!("{error:?} {problem:?}").contains(SECRET));
        assert_eq!(problem.class.exit_code(), 4);
    }
}

#[tokio::test]
async fn a_page_is_no_token_and_a_redirect_is_not_followed() {
    let page =
        Server::answering(|_| reply(200, "content-type: text/html\r\n", "<html>sign in</html>"))
            .await;
    let error = ExchangeSetup::new(endpoints(), &page, &page).access_token().await.err().unwrap();
    assert_eq!(error, TokenExchangeError::NoToken { status: 200 });
    let location = format!("location: {}\r\n", page.url("/elsewhere"));
    let elsewhere = Server::answering(move |_| reply(307, &location, "")).await;
    let error =
        ExchangeSetup::new(endpoints(), &elsewhere, &elsewhere).access_token().await.err().unwrap();
    assert!(matches!(error, TokenExchangeError::UnexpectedStatus { status: 307, .. }), "{error}");
    assert_eq!(page.requests().len(), 1);
}

#[tokio::test]
async fn a_refresh_hands_over_the_next_token() {
    let granting = |_: &str| {
        reply(
            200,
            "",
            r#"{"access_token":"access","expires_in":3599,"refresh_token":"next","refresh_expires_in":15552000}"#,
        )
    };
    let api = Server::answering(granting).await;
    let mut holder = ExchangeSetup::new(refresh_token(), &api, &api);
    holder.parts.insert(
        "client_secret".to_owned(),
        Arc::new(Secret::from_text("client^secret".to_owned())),
    );
    let refreshed = holder.refresh().await.unwrap();
    assert_eq!(text(&refreshed.access.secret), "access");
    let next = refreshed.next.unwrap();
    assert_eq!(
        (text(&next.secret).as_str(), next.lifetime),
        ("next", Some(Duration::from_secs(15_552_000)))
    );
    let form = format!(
        "grant_type=refresh_token&refresh_token={SECRET}&client_id=client-1&client_secret=client%5Esecret"
    );
    assert_eq!(body(&api.requests()[0]), form);
}

#[tokio::test]
async fn a_refresh_token_is_never_spent_without_keeping_the_next() {
    let api = Server::answering(granting("access")).await;
    let error = ExchangeSetup::new(refresh_token(), &api, &api).access_token().await.err().unwrap();
    assert_eq!(error, TokenExchangeError::RefreshTokenNotStorable);
    assert!(api.requests().is_empty());
}

#[tokio::test]
async fn a_refresh_without_a_whole_answer_is_in_doubt() {
    let api =
        Server::scripted(|mut stream, seen| async move { drop(seen.request(&mut stream).await) })
            .await;
    let error = ExchangeSetup::new(refresh_token(), &api, &api).refresh().await.err().unwrap();
    assert!(
        matches!(error, TokenExchangeError::OutcomeUnknown(NetError::ConnectionLost { .. })),
        "{error:?}"
    );
}

#[tokio::test]
async fn what_is_sent_as_it_is_needs_no_exchange() {
    let api = Server::answering(granting("x")).await;
    let header = AuthMethod::Header { scheme: "token".to_owned(), fallback: None };
    let token = ExchangeSetup::new(header, &api, &api).access_token().await.unwrap();
    assert_eq!((text(&token.secret).as_str(), token.scheme.as_str()), (SECRET, "token"));
    assert!(api.requests().is_empty());
}

#[tokio::test]
async fn a_missing_field_is_named_before_anything_is_sent() {
    let api = Server::answering(granting("x")).await;
    let mut holder = ExchangeSetup::new(client_credentials(), &api, &api);
    holder.fields.clear();
    assert_eq!(
        holder.access_token().await.err(),
        Some(TokenExchangeError::MissingField("client_id".to_owned()))
    );
    assert!(api.requests().is_empty());
}
