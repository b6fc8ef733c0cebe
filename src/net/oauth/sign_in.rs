//! Browser sign-in: the authorization code grant with PKCE (RFC 6749 §4.1, RFC 7636).
//!
//! The `oauth2` crate creates the authorization URL, the state, the PKCE verifier and the token
//! request. The token request is sent like any other, bound to its origin, and `token_response`
//! parses its response, which keeps secrets out of errors. Start reading at
//! [`AuthorizationRequest`].

use std::cell::RefCell;

use oauth2::basic::BasicClient;
use oauth2::{
    AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, HttpRequest,
    HttpResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, TokenUrl,
};
use url::Url;

use super::exchange::{TokenExchange, TokenExchangeError};
use super::token_response::TokenResponse;
use crate::domain::provider::AuthMethod;
use crate::domain::region::HostRole;
use crate::domain::request::HttpMethod;
use crate::domain::{Origin, Secret, text};
use crate::net::oauth::grants::{CLIENT_ID, CLIENT_SECRET, RefreshResult};
use crate::net::{NetError, OutgoingRequest, RequestBody, Transport};

/// Maximum length of a provider's error text, in characters.
const MAX_REASON_CHARS: usize = 200;

/// Authorization request of a started sign-in, with the values that only this process knows.
pub struct AuthorizationRequest {
    authorization_url: Url,
    redirect_url: Url,
    state: Secret,
    pkce_verifier: Secret,
}

/// Authorization response that the browser delivered.
pub enum AuthorizationResponse {
    /// The user approved the access.
    Approved {
        /// Authorization code, exchanged once for tokens.
        code: Secret,
        /// Host for the token request, if the provider names one. It is untrusted.
        instance: Option<String>,
    },
    /// The user or the provider denied the access.
    Denied {
        /// Error code of the provider, such as `access_denied`.
        error: String,
        /// Error description of the provider; empty if there is none.
        description: String,
    },
}

/// Error for a response that does not belong to this sign-in: its state is missing or different.
/// The message shows neither state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the response does not belong to this sign-in")]
pub struct StateMismatch;

impl AuthorizationRequest {
    /// Starts a sign-in at `page`, from which the browser returns to `redirect`.
    pub fn new(client_id: &str, page: Url, redirect: Url) -> Self {
        let client = BasicClient::new(ClientId::new(client_id.to_owned()))
            .set_auth_uri(AuthUrl::from_url(page))
            .set_redirect_uri(RedirectUrl::from_url(redirect.clone()));
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (address, state) =
            client.authorize_url(CsrfToken::new_random).set_pkce_challenge(challenge).url();
        Self {
            authorization_url: address,
            redirect_url: redirect,
            state: Secret::from_text(state.into_secret()),
            pkce_verifier: Secret::from_text(verifier.into_secret()),
        }
    }

    /// Returns the URL of the page on which the user approves the access.
    pub const fn authorization_url(&self) -> &Url {
        &self.authorization_url
    }

    /// Returns the callback URL.
    pub const fn redirect_url(&self) -> &Url {
        &self.redirect_url
    }

    /// Parses the callback URL that the browser requested. Nothing else in it is used before its
    /// state is verified.
    pub fn parse_response(
        &self,
        callback_url: &Url,
    ) -> Result<AuthorizationResponse, StateMismatch> {
        let member = |name: &str| {
            callback_url
                .query_pairs()
                .find(|(known, _)| known == name)
                .map(|(_, value)| value.into_owned())
        };
        let state = Secret::from_text(member("state").unwrap_or_default());
        if !state.same_as(&self.state) {
            return Err(StateMismatch);
        }
        let short = |text: String| {
            text::sanitize_line(&text).chars().take(MAX_REASON_CHARS).collect::<String>()
        };
        let description = || member("error_description").map(short).unwrap_or_default();
        Ok(match (member("error"), member("code").filter(|code| !code.is_empty())) {
            (Some(error), _) => {
                AuthorizationResponse::Denied { error: short(error), description: description() }
            }
            (None, Some(code)) => AuthorizationResponse::Approved {
                code: Secret::from_text(code),
                instance: member("instance"),
            },
            (None, None) => AuthorizationResponse::Denied {
                error: "no code".to_owned(),
                description: description(),
            },
        })
    }
}

impl AuthorizationRequest {
    /// Returns the callback URL in a pasted text, if it belongs to this sign-in. It contains the
    /// code, so the text is a secret.
    pub fn parse_pasted(&self, text: &Secret) -> Result<Url, StateMismatch> {
        let address = Url::parse(secret_text(text).trim()).map_err(|_| StateMismatch)?;
        self.parse_response(&address).map(|_| address)
    }
}

impl TokenExchange<'_> {
    /// Exchanges the authorization code, which is the secret of this exchange, for tokens. The code
    /// works once.
    pub async fn exchange_code(
        &self,
        sign_in: &AuthorizationRequest,
        transport: &dyn Transport,
    ) -> Result<RefreshResult, TokenExchangeError> {
        let AuthMethod::RefreshToken { token, scheme, .. } = self.authorization else {
            return Err(TokenExchangeError::MissingField("sign-in".to_owned()));
        };
        let response = transport.send(self.token_request(sign_in, token)?).await?;
        let client_secret = self.parts.get(CLIENT_SECRET).map(AsRef::as_ref);
        let sent: Vec<&Secret> = [self.secret.as_ref(), &sign_in.pkce_verifier]
            .into_iter()
            .chain(client_secret)
            .collect();
        let mut tokens = TokenResponse::parse(&response, &sent)?;
        Ok(RefreshResult {
            next: tokens.take_refresh_token(),
            access: tokens.into_access_token(scheme),
        })
    }

    /// Builds the token request. The crate passes the request to a sender, and this sender only
    /// captures it.
    fn token_request(
        &self,
        sign_in: &AuthorizationRequest,
        path: &str,
    ) -> Result<OutgoingRequest, TokenExchangeError> {
        let origin = self.region.origin(HostRole::Api);
        let endpoint = TokenUrl::new(format!("{origin}{path}")).map_err(|_| invalid_endpoint())?;
        let client = BasicClient::new(ClientId::new(self.field(CLIENT_ID)?.to_owned()))
            .set_token_uri(endpoint)
            .set_redirect_uri(RedirectUrl::from_url(sign_in.redirect_url.clone()))
            .set_auth_type(AuthType::RequestBody);
        // A public client has no secret.
        let client = match self.parts.get(CLIENT_SECRET) {
            Some(secret) => client.set_client_secret(ClientSecret::new(secret_text(secret))),
            None => client,
        };
        let captured = RefCell::new(None);
        let sender = |request: HttpRequest| -> Result<HttpResponse, RequestNotSent> {
            captured.replace(Some(request));
            Err(RequestNotSent)
        };
        let request = client.exchange_code(AuthorizationCode::new(secret_text(self.secret)));
        let request =
            request.set_pkce_verifier(PkceCodeVerifier::new(secret_text(&sign_in.pkce_verifier)));
        // The result only says that nothing was sent.
        drop(request.request(&sender));
        captured
            .into_inner()
            .and_then(|request| self.convert_request(request, origin))
            .ok_or_else(|| invalid_endpoint().into())
    }

    /// Converts the crate's request into an [`OutgoingRequest`] with a body that is bound to the
    /// origin.
    fn convert_request(&self, request: HttpRequest, origin: &Origin) -> Option<OutgoingRequest> {
        let url = Url::parse(&request.uri().to_string()).ok()?;
        let headers = request.headers().iter();
        let headers = headers.filter_map(|(name, value)| {
            Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
        });
        Some(OutgoingRequest {
            method: HttpMethod::Post,
            url,
            headers: headers.collect(),
            removed_headers: Vec::new(),
            body: RequestBody::HostBoundBytes {
                bytes: Secret::new(request.into_body()),
                origins: vec![origin.clone()],
            },
            authorization: None,
            limits: self.limits,
            ca_file: self.region.ca_file.clone(),
        })
    }
}

/// Error of the capturing sender. Without it the crate would send the request and parse the
/// response itself.
#[derive(Debug, thiserror::Error)]
#[error("not sent yet")]
struct RequestNotSent;

fn secret_text(secret: &Secret) -> String {
    secret.expose(|bytes| String::from_utf8_lossy(bytes).into_owned())
}

fn invalid_endpoint() -> NetError {
    NetError::InvalidRequest("the path of the token endpoint is invalid".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn started() -> AuthorizationRequest {
        let page = Url::parse("https://app.example/oauth2/authorize").unwrap();
        AuthorizationRequest::new(
            "client-1",
            page,
            Url::parse("http://127.0.0.1:4711/callback").unwrap(),
        )
    }

    fn response(
        sign_in: &AuthorizationRequest,
        rest: &str,
    ) -> Result<AuthorizationResponse, StateMismatch> {
        let query: Vec<_> = sign_in.authorization_url().query_pairs().collect();
        let state = &query.iter().find(|(name, _)| name == "state").unwrap().1;
        sign_in.parse_response(
            &Url::parse(&format!("http://127.0.0.1:4711/callback?{rest}&state={state}")).unwrap(),
        )
    }

    #[test]
    fn the_address_asks_with_pkce() {
        let sign_in = started();
        let member = |name: &str| {
            sign_in
                .authorization_url()
                .query_pairs()
                .find(|(known, _)| known == name)
                .unwrap()
                .1
                .into_owned()
        };
        assert_eq!(
            (member("response_type"), member("client_id")),
            ("code".to_owned(), "client-1".to_owned())
        );
        assert_eq!(member("redirect_uri"), "http://127.0.0.1:4711/callback");
        assert_eq!(member("code_challenge_method"), "S256");
        assert_eq!(member("code_challenge").len(), 43);
        assert_ne!(
            member("state"),
            started()
                .authorization_url()
                .query_pairs()
                .find(|(known, _)| known == "state")
                .unwrap()
                .1
        );
    }

    #[test]
    fn a_strange_state_is_refused_whatever_else_is_in_it() {
        for query in ["code=c&state=wrong", "code=c", "error=access_denied&state=", ""] {
            let address = Url::parse(&format!("http://127.0.0.1:4711/callback?{query}")).unwrap();
            assert_eq!(started().parse_response(&address).err(), Some(StateMismatch), "{query}");
        }
    }

    #[test]
    fn a_pasted_address_counts_only_if_it_answers() {
        let sign_in = started();
        let state = sign_in
            .authorization_url()
            .query_pairs()
            .find(|(name, _)| name == "state")
            .unwrap()
            .1
            .into_owned();
        let pasted = |text: &str| sign_in.parse_pasted(&Secret::from_text(text.to_owned()));
        assert!(pasted(&format!(" http://127.0.0.1:4711/callback?code=c&state={state}\n")).is_ok());
        for other in ["", "no address", "http://127.0.0.1:4711/callback?code=c&state=other"] {
            assert_eq!(pasted(other), Err(StateMismatch), "{other}");
        }
    }

    #[test]
    fn an_answer_is_an_agreement_or_a_refusal() {
        let sign_in = started();
        let Ok(AuthorizationResponse::Approved { code, instance }) =
            response(&sign_in, "code=c%2B1&instance=api.eu.snyk.io")
        else {
            panic!()
        };
        assert!(code.same_as(&Secret::from_text("c+1".to_owned())));
        assert_eq!(instance.as_deref(), Some("api.eu.snyk.io"));
        let refused =
            response(&sign_in, "error=access_denied&error_description=no%1b[31m+way&code=c");
        let Ok(AuthorizationResponse::Denied { error, description }) = refused else { panic!() };
        assert_eq!((error.as_str(), description.contains('\u{1b}')), ("access_denied", false));
        assert!(matches!(response(&sign_in, "code="), Ok(AuthorizationResponse::Denied { .. })));
    }
}
