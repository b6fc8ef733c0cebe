//! OAuth 2 grants without a browser: client credentials (RFC 6749 §4.4), with a secret or a
//! signature, and refresh (§6).
//!
//! Start reading at [`TokenExchange::refresh`]. The authorization code grant belongs to
//! [`super::sign_in`].

use std::time::Duration;

use super::assertion::{self, ClientAssertion};
use super::exchange::{AccessToken, TokenExchange, TokenExchangeError};
use super::token_response::{self, TokenResponse};
use crate::domain::provider::AuthMethod;
use crate::domain::region::HostRole;
use crate::domain::response::ApiResponse;
use crate::domain::{Secret, Timestamp};
use crate::net::secret_body::SecretForm;
use crate::net::{NetError, Transport};

pub(in crate::net) const CLIENT_ID: &str = "client_id";
pub(in crate::net) const CLIENT_SECRET: &str = "client_secret";
const KEY_ID: &str = "kid";
const REFRESH_TOKEN: &str = "refresh_token";

/// Result of a refresh. The refresh token that was sent is used up: the next one must be stored
/// before the access token is used, or a crash in between loses the session.
#[must_use = "the refresh token that was sent is used up, and the next one is in here"]
pub struct RefreshResult {
    /// The new access token.
    pub access: AccessToken,
    /// The next refresh token; `None` if the provider returned none and the old one stays valid.
    pub next: Option<RefreshToken>,
}

/// Refresh token that has not been used yet.
pub struct RefreshToken {
    /// The token itself.
    pub secret: Secret,
    /// Lifetime from the response on, if the provider states it.
    pub lifetime: Option<Duration>,
}

/// Whether a token endpoint recognizes a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientRecognition {
    /// The endpoint recognizes the client and rejects only the refresh token.
    Recognized,
    /// The endpoint rejects the client, with its reason.
    Rejected(String),
}

impl TokenExchange<'_> {
    /// Tests the client with a secret that is not a refresh token, so that no token is used up. A
    /// server authenticates the client before it checks the token (RFC 6749 §6), and reports which
    /// of the two it rejects (§5.2).
    pub async fn probe_client(
        &self,
        transport: &dyn Transport,
    ) -> Result<ClientRecognition, TokenExchangeError> {
        let result = self.send_refresh_token(transport).await;
        let (response, sent) = result.map_err(|error| match error {
            TokenExchangeError::OutcomeUnknown(error) => TokenExchangeError::Net(error),
            error => error,
        })?;
        token_response::parse_client_recognition(&response, &sent)
    }

    /// Uses the refresh token to get an access token. The caller holds the credential's lock, so
    /// that the token is not used twice.
    pub async fn refresh(
        &self,
        transport: &dyn Transport,
    ) -> Result<RefreshResult, TokenExchangeError> {
        let (response, sent) = self.send_refresh_token(transport).await?;
        let mut tokens = TokenResponse::parse(&response, &sent)?;
        let scheme = self.authorization.scheme();
        Ok(RefreshResult {
            next: tokens.take_refresh_token(),
            access: tokens.into_access_token(scheme),
        })
    }

    /// Sends the secret to the token endpoint as a refresh token, and returns the response with the
    /// secrets that were sent.
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
        let response =
            self.post_form(HostRole::Api, token, form, transport).await.map_err(outcome_unknown)?;
        Ok((response, [self.secret].into_iter().chain(client_secret).map(AsRef::as_ref).collect()))
    }

    /// Revokes the refresh token (RFC 7009). The provider also reports success for a token that is
    /// no longer valid. Access tokens from earlier exchanges stay valid until they expire.
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
        let response =
            self.post_form(HostRole::Api, path, form, transport).await.map_err(outcome_unknown)?;
        let sent: Vec<&Secret> =
            [self.secret].into_iter().chain(client_secret).map(AsRef::as_ref).collect();
        token_response::ensure_success(&response, &sent)
    }

    pub(in crate::net) async fn client_credentials(
        &self,
        path: &str,
        scheme: &str,
        transport: &dyn Transport,
    ) -> Result<AccessToken, TokenExchangeError> {
        let (response, sent) = if assertion::is_private_key(self.secret) {
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
        Ok(TokenResponse::parse(&response, &sent)?.into_access_token(scheme))
    }

    fn client_credentials_form(&self) -> Result<SecretForm<'_>, TokenExchangeError> {
        Ok(SecretForm::default()
            .with_plain("grant_type", "client_credentials")
            .with_plain(CLIENT_ID, self.field(CLIENT_ID)?))
    }

    /// Signs with this machine's time. If the provider rejects the signature and its clock differs,
    /// signs again with the provider's time.
    async fn send_assertion_with_skew_retry(
        &self,
        path: &str,
        transport: &dyn Transport,
    ) -> Result<(ApiResponse, Option<Secret>), TokenExchangeError> {
        let (response, sent) = self.send_assertion(path, self.now, transport).await?;
        match assertion::skewed_provider_time(&response, self.now)
            .filter(|_| matches!(response.status, 400 | 401))
        {
            Some(provider_time) => self.send_assertion(path, provider_time, transport).await,
            None => Ok((response, sent)),
        }
    }

    async fn send_assertion(
        &self,
        path: &str,
        now: Timestamp,
        transport: &dyn Transport,
    ) -> Result<(ApiResponse, Option<Secret>), TokenExchangeError> {
        let audience = format!("{}{path}", self.region.origin(HostRole::Api));
        let unsigned = ClientAssertion {
            client_id: self.field(CLIENT_ID)?,
            key_id: self.field(KEY_ID).ok(),
            audience,
            now,
        };
        let assertion = unsigned.sign(self.secret)?;
        let form = self
            .client_credentials_form()?
            .with_plain("client_assertion_type", assertion::ASSERTION_TYPE)
            .with_secret("client_assertion", &assertion);
        let response = self.post_form(HostRole::Api, path, form, transport).await?;
        Ok((response, Some(assertion)))
    }
}

/// Classifies a network error: a failed connection has not used the token, an incomplete response
/// may have.
fn outcome_unknown(error: NetError) -> TokenExchangeError {
    match error {
        NetError::TimedOut { .. }
        | NetError::ConnectionLost { .. }
        | NetError::IncompleteBody { .. }
        | NetError::InvalidHead { .. } => TokenExchangeError::OutcomeUnknown(error),
        other => TokenExchangeError::Net(other),
    }
}
