//! The grants of OAuth 2 that need no browser: client credentials (RFC 6749 §4.4), by secret or by signature, and
//! refresh (§6).

use std::time::Duration;

use super::assertion::{self, ClientAssertion};
use super::exchange::{AccessToken, TokenExchange, TokenExchangeError};
use super::form::SecretForm;
use super::token_response::{self, TokenResponse};
use super::{NetError, Transport};
use crate::domain::provider::AuthMethod;
use crate::domain::region::HostRole;
use crate::domain::response::ApiResponse;
use crate::domain::{Secret, Timestamp};

pub(super) const CLIENT_ID: &str = "client_id";
pub(super) const CLIENT_SECRET: &str = "client_secret";
const KEY_ID: &str = "kid";
const REFRESH_TOKEN: &str = "refresh_token";

/// What a refresh gives. The refresh token that was sent is used up: the next one must be stored before the access
/// token is used, or a crash in between loses the session.
#[must_use = "the refresh token that was sent is used up, and the next one is in here"]
pub struct RefreshResult {
    /// The access token.
    pub access: AccessToken,
    /// The next refresh token; `None` where the provider gave none and the old one stays valid.
    pub next: Option<RefreshToken>,
}

/// A refresh token that has not been used yet.
pub struct RefreshToken {
    /// The token.
    pub secret: Secret,
    /// How long it lives from the answer on, if the provider says so.
    pub lifetime: Option<Duration>,
}

/// What a token endpoint makes of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientRecognition {
    /// It knows the client, and complains of nothing but the refresh token.
    Recognized,
    /// It does not accept the client; why, in its words.
    Rejected(String),
}

impl TokenExchange<'_> {
    /// Shows the client with a secret that is no refresh token at all, so that nothing is spent whatever comes of it. A
    /// server authenticates the client before it looks at the token (RFC 6749 §6), and says which of the two it refuses
    /// (§5.2).
    pub async fn probe_client(
        &self,
        transport: &dyn Transport,
    ) -> Result<ClientRecognition, TokenExchangeError> {
        let shown = self.send_refresh_token(transport).await;
        let (answer, sent) = shown.map_err(|error| match error {
            TokenExchangeError::OutcomeUnknown(error) => TokenExchangeError::Net(error),
            error => error,
        })?;
        token_response::parse_client_recognition(&answer, &sent)
    }

    /// Spends the refresh token. Nobody else may spend it at the same time: the caller holds the credential's lock.
    pub async fn refresh(
        &self,
        transport: &dyn Transport,
    ) -> Result<RefreshResult, TokenExchangeError> {
        let (answer, sent) = self.send_refresh_token(transport).await?;
        let mut grant = TokenResponse::parse(&answer, &sent)?;
        let scheme = self.authorization.scheme();
        Ok(RefreshResult {
            next: grant.take_refresh_token(),
            access: grant.into_access_token(scheme),
        })
    }

    /// Sends the secret to the token endpoint as a refresh token; the secrets that went along come back with the answer.
    async fn send_refresh_token(
        &self,
        transport: &dyn Transport,
    ) -> Result<(ApiResponse, Vec<&Secret>), TokenExchangeError> {
        let AuthMethod::RefreshToken { token, .. } = self.authorization else {
            return Err(TokenExchangeError::MissingField(REFRESH_TOKEN.to_owned()));
        };
        let client_secret = self.parts.get(CLIENT_SECRET);
        let form = SecretForm::default()
            .with_plain("grant_type", REFRESH_TOKEN)
            .with_secret(REFRESH_TOKEN, self.secret);
        let form = form.with_plain(CLIENT_ID, self.field(CLIENT_ID)?);
        // A public client has no secret.
        let form =
            client_secret.iter().fold(form, |form, secret| form.with_secret(CLIENT_SECRET, secret));
        let answer =
            self.post_form(HostRole::Api, token, form, transport).await.map_err(outcome_unknown)?;
        Ok((answer, [self.secret].into_iter().chain(client_secret).map(AsRef::as_ref).collect()))
    }

    /// Ends the refresh token (RFC 7009). The answer is success also where the token was not valid any more; access tokens
    /// that it was exchanged for run out by themselves.
    pub async fn revoke(&self, transport: &dyn Transport) -> Result<(), TokenExchangeError> {
        let AuthMethod::RefreshToken { revoke: Some(path), .. } = self.authorization else {
            return Err(TokenExchangeError::MissingField("revocation endpoint".to_owned()));
        };
        let client_secret = self.parts.get(CLIENT_SECRET);
        let form = SecretForm::default()
            .with_secret("token", self.secret)
            .with_plain("token_type_hint", REFRESH_TOKEN);
        let form = form.with_plain(CLIENT_ID, self.field(CLIENT_ID)?);
        let form =
            client_secret.iter().fold(form, |form, secret| form.with_secret(CLIENT_SECRET, secret));
        let answer =
            self.post_form(HostRole::Api, path, form, transport).await.map_err(outcome_unknown)?;
        let sent: Vec<&Secret> =
            [self.secret].into_iter().chain(client_secret).map(AsRef::as_ref).collect();
        token_response::ensure_success(&answer, &sent)
    }

    pub(super) async fn client_credentials(
        &self,
        path: &str,
        scheme: &str,
        transport: &dyn Transport,
    ) -> Result<AccessToken, TokenExchangeError> {
        let (answer, sent) = if assertion::is_private_key(self.secret) {
            self.send_assertion_with_skew_retry(path, transport).await?
        } else {
            (
                self.post_form(
                    HostRole::Api,
                    path,
                    self.client_credentials_form()?.with_secret(CLIENT_SECRET, self.secret),
                    transport,
                )
                .await?,
                None,
            )
        };
        let sent: Vec<&Secret> = sent.iter().chain([self.secret.as_ref()]).collect();
        Ok(TokenResponse::parse(&answer, &sent)?.into_access_token(scheme))
    }

    fn client_credentials_form(&self) -> Result<SecretForm<'_>, TokenExchangeError> {
        Ok(SecretForm::default()
            .with_plain("grant_type", "client_credentials")
            .with_plain(CLIENT_ID, self.field(CLIENT_ID)?))
    }

    /// Signs by this machine's clock, and once more by the provider's where that one is another and may be the reason
    /// for a refusal.
    async fn send_assertion_with_skew_retry(
        &self,
        path: &str,
        transport: &dyn Transport,
    ) -> Result<(ApiResponse, Option<Secret>), TokenExchangeError> {
        let (answer, sent) = self.send_assertion(path, self.now, transport).await?;
        match assertion::skewed_provider_time(&answer, self.now)
            .filter(|_| matches!(answer.status, 400 | 401))
        {
            Some(theirs) => self.send_assertion(path, theirs, transport).await,
            None => Ok((answer, sent)),
        }
    }

    async fn send_assertion(
        &self,
        path: &str,
        now: Timestamp,
        transport: &dyn Transport,
    ) -> Result<(ApiResponse, Option<Secret>), TokenExchangeError> {
        let audience = format!("{}{path}", self.region.origin(HostRole::Api));
        let claim = ClientAssertion {
            client_id: self.field(CLIENT_ID)?,
            key_id: self.field(KEY_ID).ok(),
            audience,
            now,
        };
        let assertion = claim.sign(self.secret)?;
        let form = self
            .client_credentials_form()?
            .with_plain("client_assertion_type", assertion::ASSERTION_TYPE)
            .with_secret("client_assertion", &assertion);
        let answer = self.post_form(HostRole::Api, path, form, transport).await?;
        Ok((answer, Some(assertion)))
    }
}

/// A connection that never stood has spent nothing; an answer that did not come whole may have.
fn outcome_unknown(error: NetError) -> TokenExchangeError {
    match error {
        NetError::TimedOut { .. } | NetError::ConnectionLost { .. } => {
            TokenExchangeError::OutcomeUnknown(error)
        }
        other => TokenExchangeError::Net(other),
    }
}
