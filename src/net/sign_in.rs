//! Signing in with a browser: the authorization code grant with PKCE (RFC 6749 §4.1, RFC 7636).
//!
//! The `oauth2` crate makes the address, the state, the proof and the request for the tokens. The request travels like
//! any other, bound to its origin, and its answer is read by `grant`, which keeps secrets out of errors.

use std::cell::RefCell;

use oauth2::basic::BasicClient;
use oauth2::{
    AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, HttpRequest, HttpResponse, PkceCodeChallenge,
    PkceCodeVerifier, RedirectUrl, TokenUrl,
};
use url::Url;

use super::exchange::{Exchange, ExchangeError};
use super::grant::Grant;
use super::oauth::{CLIENT_ID, CLIENT_SECRET, Refreshed};
use super::{NetError, Outgoing, Payload, Transport};
use crate::domain::provider::AuthMethod;
use crate::domain::region::HostRole;
use crate::domain::request::HttpMethod;
use crate::domain::{Origin, Secret, text};

/// The longest word of a provider about a refusal, in characters.
const LONGEST_REMARK: usize = 200;

/// A sign-in that was begun: what only the program that began it knows.
pub struct SignIn {
    address: Url,
    redirect: Url,
    state: Secret,
    verifier: Secret,
}

/// What the browser brought back.
pub enum Callback {
    /// The person agreed.
    Agreed {
        /// The code that is exchanged for tokens, once.
        code: Secret,
        /// The host that is to be asked for them, where the provider names one. It may be anybody's.
        instance: Option<String>,
    },
    /// The person, or the provider, did not.
    Refused {
        /// The provider's word for it, such as `access_denied`.
        error: String,
        /// The same in a sentence; empty where there is none.
        description: String,
    },
}

/// An answer that is not to this sign-in: its state is missing or another one. Neither of the two is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the answer does not belong to the sign-in that was begun here")]
pub struct Stranger;

impl SignIn {
    /// Begins a sign-in at `page`, from which the browser comes back to `redirect`.
    pub fn begin(client_id: &str, page: Url, redirect: Url) -> Self {
        let client = BasicClient::new(ClientId::new(client_id.to_owned()))
            .set_auth_uri(AuthUrl::from_url(page))
            .set_redirect_uri(RedirectUrl::from_url(redirect.clone()));
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (address, state) = client.authorize_url(CsrfToken::new_random).set_pkce_challenge(challenge).url();
        Self {
            address,
            redirect,
            state: Secret::from_text(state.into_secret()),
            verifier: Secret::from_text(verifier.into_secret()),
        }
    }

    /// The page on which a person agrees.
    pub const fn address(&self) -> &Url {
        &self.address
    }

    /// Where the browser comes back to.
    pub const fn redirect(&self) -> &Url {
        &self.redirect
    }

    /// Reads the address with which the browser came back. Nothing in it is looked at before its state has proved that
    /// it answers this sign-in.
    pub fn read(&self, answer: &Url) -> Result<Callback, Stranger> {
        let member = |name: &str| answer.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned());
        let state = Secret::from_text(member("state").unwrap_or_default());
        if !state.same_as(&self.state) {
            return Err(Stranger);
        }
        let short = |text: String| text::sanitize_line(&text).chars().take(LONGEST_REMARK).collect::<String>();
        let description = || member("error_description").map(short).unwrap_or_default();
        Ok(match (member("error"), member("code").filter(|code| !code.is_empty())) {
            (Some(error), _) => Callback::Refused { error: short(error), description: description() },
            (None, Some(code)) => Callback::Agreed { code: Secret::from_text(code), instance: member("instance") },
            (None, None) => Callback::Refused { error: "no code".to_owned(), description: description() },
        })
    }
}

impl SignIn {
    /// The address in a pasted text, if it answers this sign-in. It holds the code, so the text is a secret.
    pub fn read_pasted(&self, text: &Secret) -> Result<Url, Stranger> {
        let address = Url::parse(lend(text).trim()).map_err(|_| Stranger)?;
        self.read(&address).map(|_| address)
    }
}

impl Exchange<'_> {
    /// Exchanges the code, which is this exchange's secret, for the tokens. It can be done once.
    pub async fn redeem(&self, sign_in: &SignIn, transport: &dyn Transport) -> Result<Refreshed, ExchangeError> {
        let AuthMethod::RefreshToken { token, scheme, .. } = self.authorization else {
            return Err(ExchangeError::Missing("sign-in".to_owned()));
        };
        let answer = transport.send(self.request_for_tokens(sign_in, token)?).await?;
        let client_secret = self.parts.get(CLIENT_SECRET).map(AsRef::as_ref);
        let sent: Vec<&Secret> = [self.secret.as_ref(), &sign_in.verifier].into_iter().chain(client_secret).collect();
        let mut grant = Grant::read(&answer, &sent)?;
        Ok(Refreshed { next: grant.take_refresh_token(), access: grant.into_access_token(scheme) })
    }

    /// The crate makes the request and hands it to whoever sends it; here that is nobody yet.
    fn request_for_tokens(&self, sign_in: &SignIn, path: &str) -> Result<Outgoing, ExchangeError> {
        let origin = self.region.origin(HostRole::Api);
        let endpoint = TokenUrl::new(format!("{origin}{path}")).map_err(|_| unsendable())?;
        let client = BasicClient::new(ClientId::new(self.field(CLIENT_ID)?.to_owned()))
            .set_token_uri(endpoint)
            .set_redirect_uri(RedirectUrl::from_url(sign_in.redirect.clone()))
            .set_auth_type(AuthType::RequestBody);
        // A public client has no secret.
        let client = match self.parts.get(CLIENT_SECRET) {
            Some(secret) => client.set_client_secret(ClientSecret::new(lend(secret))),
            None => client,
        };
        let made = RefCell::new(None);
        let sender = |request: HttpRequest| -> Result<HttpResponse, NotSent> {
            made.replace(Some(request));
            Err(NotSent)
        };
        let request = client.exchange_code(AuthorizationCode::new(lend(self.secret)));
        let request = request.set_pkce_verifier(PkceCodeVerifier::new(lend(&sign_in.verifier)));
        // What comes back says only that nothing was sent.
        drop(request.request(&sender));
        made.into_inner().and_then(|request| self.outgoing_from(request, origin)).ok_or_else(|| unsendable().into())
    }

    /// The crate's request as one of ours, its body sealed for the origin.
    fn outgoing_from(&self, request: HttpRequest, origin: &Origin) -> Option<Outgoing> {
        let url = Url::parse(&request.uri().to_string()).ok()?;
        let headers = request.headers().iter();
        let headers = headers.filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())));
        Some(Outgoing {
            method: HttpMethod::Post,
            url,
            headers: headers.collect(),
            body: Payload::Sealed { bytes: Secret::new(request.into_body()), origins: vec![origin.clone()] },
            authorization: None,
            limits: self.limits,
            ca_file: self.region.ca_file.clone(),
        })
    }
}

/// Said to the crate, which would send the request at once and read the answer itself.
#[derive(Debug, thiserror::Error)]
#[error("not sent yet")]
struct NotSent;

fn lend(secret: &Secret) -> String {
    secret.expose(|bytes| String::from_utf8_lossy(bytes).into_owned())
}

fn unsendable() -> NetError {
    NetError::Unsendable("the path of the token endpoint is none".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begun() -> SignIn {
        let page = Url::parse("https://app.example/oauth2/authorize").unwrap();
        SignIn::begin("client-1", page, Url::parse("http://127.0.0.1:4711/callback").unwrap())
    }

    fn answer(sign_in: &SignIn, rest: &str) -> Result<Callback, Stranger> {
        let query: Vec<_> = sign_in.address().query_pairs().collect();
        let state = &query.iter().find(|(name, _)| name == "state").unwrap().1;
        sign_in.read(&Url::parse(&format!("http://127.0.0.1:4711/callback?{rest}&state={state}")).unwrap())
    }

    #[test]
    fn the_address_asks_with_pkce() {
        let sign_in = begun();
        let member = |name: &str| sign_in.address().query_pairs().find(|(known, _)| known == name).unwrap().1.into_owned();
        assert_eq!((member("response_type"), member("client_id")), ("code".to_owned(), "client-1".to_owned()));
        assert_eq!(member("redirect_uri"), "http://127.0.0.1:4711/callback");
        assert_eq!(member("code_challenge_method"), "S256");
        assert_eq!(member("code_challenge").len(), 43);
        assert_ne!(member("state"), begun().address().query_pairs().find(|(known, _)| known == "state").unwrap().1);
    }

    #[test]
    fn a_strange_state_is_refused_whatever_else_is_in_it() {
        for query in ["code=c&state=wrong", "code=c", "error=access_denied&state=", ""] {
            let address = Url::parse(&format!("http://127.0.0.1:4711/callback?{query}")).unwrap();
            assert_eq!(begun().read(&address).err(), Some(Stranger), "{query}");
        }
    }

    #[test]
    fn a_pasted_address_counts_only_if_it_answers() {
        let sign_in = begun();
        let state = sign_in.address().query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
        let pasted = |text: &str| sign_in.read_pasted(&Secret::from_text(text.to_owned()));
        assert!(pasted(&format!(" http://127.0.0.1:4711/callback?code=c&state={state}\n")).is_ok());
        for other in ["", "no address", "http://127.0.0.1:4711/callback?code=c&state=other"] {
            assert_eq!(pasted(other), Err(Stranger), "{other}");
        }
    }

    #[test]
    fn an_answer_is_an_agreement_or_a_refusal() {
        let sign_in = begun();
        let Ok(Callback::Agreed { code, instance }) = answer(&sign_in, "code=c%2B1&instance=api.eu.snyk.io") else { panic!() };
        assert!(code.same_as(&Secret::from_text("c+1".to_owned())));
        assert_eq!(instance.as_deref(), Some("api.eu.snyk.io"));
        let refused = answer(&sign_in, "error=access_denied&error_description=no%1b[31m+way&code=c");
        let Ok(Callback::Refused { error, description }) = refused else { panic!() };
        assert_eq!((error.as_str(), description.contains('\u{1b}')), ("access_denied", false));
        assert!(matches!(answer(&sign_in, "code="), Ok(Callback::Refused { .. })));
    }
}
