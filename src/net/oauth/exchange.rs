//! Token exchange: turns a secret that is never sent to an API into an access token.
//!
//! Start reading at [`TokenExchange::access_token`]. The OAuth grants belong to [`crate::net::oauth::grants`],
//! parsing of the responses to `token_response`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use url::Url;

use super::token_response::TokenResponse;
use crate::domain::identify::token_claims::TokenClaims;
use crate::domain::problem::ProblemClass;
use crate::domain::provider::AuthMethod;
use crate::domain::provider::spec::TokenEndpoint;
use crate::domain::region::{HostRole, Region};
use crate::domain::request::HttpMethod;
use crate::domain::response::ApiResponse;
use crate::domain::{Origin, Problem, Secret, Timestamp};
use crate::net::secret_body::SecretForm;
use crate::net::{NetError, OutgoingRequest, RequestLimits, Transport};

/// Input of a token exchange for one credential.
pub struct TokenExchange<'a> {
    /// Authentication method of the credential's kind.
    pub authorization: &'a AuthMethod,
    /// Region of the token endpoint.
    pub region: &'a Region,
    /// Fields of the credential that are not secret.
    pub fields: &'a BTreeMap<String, String>,
    /// Secret of the credential.
    pub secret: &'a Arc<Secret>,
    /// Further parts of the secret.
    pub parts: &'a BTreeMap<String, Arc<Secret>>,
    /// Limits of the requests.
    pub limits: RequestLimits,
    /// Current time on this machine, for the time of issue of a signature.
    pub now: Timestamp,
}

/// Access token that is sent to an API.
pub struct AccessToken {
    /// The token itself.
    pub secret: Arc<Secret>,
    /// Authorization scheme, such as `Bearer`.
    pub scheme: String,
    /// Expiry times from the token and from its response. The earliest one counts, because one of
    /// the two clocks may be wrong.
    pub expiries: Vec<TokenExpiry>,
    /// Claims of the token.
    pub claims: TokenClaims,
}

/// Expiry as the provider states it; this module does not read the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenExpiry {
    /// At this time, by the provider's clock.
    At(Timestamp),
    /// This long after the response.
    After(Duration),
}

/// Error of a token exchange. It contains no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenExchangeError {
    /// There was no response.
    #[error(transparent)]
    Net(#[from] NetError),
    /// The request with a single-use token got no complete response, so the token may have been
    /// used.
    #[error("{0}; the refresh token may have been used")]
    OutcomeUnknown(NetError),
    /// The provider refused the exchange (400, 401 or 403).
    #[error("the provider refused the token exchange (status {status}): {why}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// Reason that the provider gave.
        why: String,
        /// Response without secrets.
        response: Box<ApiResponse>,
    },
    /// The endpoint responded with any other status.
    #[error("the token endpoint responded with status {status}: {why}")]
    UnexpectedStatus {
        /// HTTP status.
        status: u16,
        /// Reason that the provider gave.
        why: String,
        /// Response without secrets.
        response: Box<ApiResponse>,
    },
    /// The response reports success but contains no token.
    #[error("the token endpoint responded with status {status}, but without a token")]
    NoToken {
        /// HTTP status.
        status: u16,
    },
    /// The token has another value in a claim than requested, such as another organization.
    #[error("the access token is for another {} than requested: {given} instead of {wanted}", .field.trim_end_matches("_id"))]
    ClaimMismatch {
        /// Field that differs.
        field: String,
        /// Value that the credential requests.
        wanted: String,
        /// Value in the token.
        given: String,
    },
    /// The credential lacks a field or part that the exchange needs.
    #[error("the credential has no {0}")]
    MissingField(String),
    /// The private key cannot be used.
    #[error("the private key cannot be used: {0}")]
    InvalidPrivateKey(String),
    /// The secret is single-use, so it must not be used where its successor cannot be stored.
    #[error("a refresh token can only be used where the next one can be stored")]
    RefreshTokenNotStorable,
}

impl TokenExchange<'_> {
    /// Returns the access token for the credential. A secret that is sent directly is its own
    /// access token. A refresh token is rejected here, because its successor would be lost; use
    /// [`TokenExchange::refresh`].
    pub async fn access_token(
        &self,
        transport: &dyn Transport,
    ) -> Result<AccessToken, TokenExchangeError> {
        match self.authorization {
            AuthMethod::Header { scheme, .. } => Ok(AccessToken::from_secret(self.secret, scheme)),
            AuthMethod::ClientCredentials { token, scheme } => {
                self.client_credentials(token, scheme, transport).await
            }
            AuthMethod::RefreshToken { .. } => Err(TokenExchangeError::RefreshTokenNotStorable),
            AuthMethod::Exchange { endpoints, scheme, verify } => {
                let token =
                    self.try_endpoints(endpoints, transport).await?.into_access_token(scheme);
                self.verify_claims(&token, verify)?;
                Ok(token)
            }
        }
    }

    /// Returns the value of a field.
    pub(in crate::net) fn field(&self, id: &str) -> Result<&str, TokenExchangeError> {
        let value = self.fields.get(id).filter(|value| !value.is_empty());
        value.map(String::as_str).ok_or_else(|| TokenExchangeError::MissingField(id.to_owned()))
    }

    /// Sends a form to a token endpoint.
    pub(in crate::net) async fn post_form(
        &self,
        role: HostRole,
        path: &str,
        form: SecretForm<'_>,
        transport: &dyn Transport,
    ) -> Result<ApiResponse, NetError> {
        let origin = self.region.origin(role);
        transport.send(self.build_request(origin, path, &form)?).await
    }

    /// Tries the endpoints in order. Only status 404 means that an endpoint does not exist; any
    /// other response is final, so that a wrong secret is not sent to more endpoints than
    /// necessary.
    async fn try_endpoints(
        &self,
        endpoints: &[TokenEndpoint],
        transport: &dyn Transport,
    ) -> Result<TokenResponse, TokenExchangeError> {
        let mut result = Err(TokenExchangeError::MissingField("token endpoint".to_owned()));
        for endpoint in endpoints {
            let response = self
                .post_form(HostRole::Auth, &endpoint.path, self.build_form(endpoint), transport)
                .await?;
            result = TokenResponse::parse(&response, &[self.secret]);
            if response.status != 404 {
                break;
            }
        }
        result
    }

    fn build_form<'a>(&'a self, endpoint: &'a TokenEndpoint) -> SecretForm<'a> {
        let form = SecretForm::default().with_secret(&endpoint.secret_member, self.secret);
        let form = endpoint
            .constants
            .iter()
            .fold(form, |form, (name, value)| form.with_plain(name, value));
        let known =
            |(name, id): (&'a String, &'a String)| self.field(id).ok().map(|value| (name, value));
        endpoint
            .members
            .iter()
            .filter_map(known)
            .fold(form, |form, (name, value)| form.with_plain(name, value))
    }

    /// Verifies claims of the token. Providers have responded with status 200 and a token for
    /// another organization than requested.
    fn verify_claims(
        &self,
        token: &AccessToken,
        claims: &BTreeMap<String, String>,
    ) -> Result<(), TokenExchangeError> {
        for (claim, field) in claims {
            let (Ok(wanted), Some(given)) = (self.field(field), token.claims.string(claim)) else {
                continue;
            };
            if !wanted.eq_ignore_ascii_case(given) {
                let (field, wanted, given) =
                    (field.clone(), wanted.to_owned(), crate::domain::text::sanitize_line(given));
                return Err(TokenExchangeError::ClaimMismatch { field, wanted, given });
            }
        }
        Ok(())
    }

    fn build_request(
        &self,
        origin: &Origin,
        path: &str,
        form: &SecretForm<'_>,
    ) -> Result<OutgoingRequest, NetError> {
        let url = Url::parse(&format!("{origin}{path}"));
        Ok(OutgoingRequest {
            method: HttpMethod::Post,
            url: url.map_err(|_| {
                NetError::InvalidRequest("the path of the token endpoint is invalid".to_owned())
            })?,
            headers: [
                ("accept", "application/json"),
                ("content-type", "application/x-www-form-urlencoded"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec(),
            removed_headers: Vec::new(),
            body: form.to_request_body(origin),
            authorization: None,
            limits: self.limits,
            ca_file: self.region.ca_file.clone(),
        })
    }
}

impl AccessToken {
    /// Returns the time at which the API starts to reject a token that was received at `received`;
    /// `None` if it is unknown.
    pub fn expires_at(&self, received: Timestamp) -> Option<Timestamp> {
        self.expiries.iter().filter_map(|end| end.resolve(received)).min()
    }

    fn from_secret(secret: &Arc<Secret>, scheme: &str) -> Self {
        let claims = TokenClaims::from_jwt(secret);
        Self {
            secret: Arc::clone(secret),
            scheme: scheme.to_owned(),
            expiries: claims.timestamp("exp").map(TokenExpiry::At).into_iter().collect(),
            claims,
        }
    }
}

impl TokenExpiry {
    /// Returns the time of expiry of a token that was received at `received`.
    pub fn resolve(self, received: Timestamp) -> Option<Timestamp> {
        match self {
            Self::At(moment) => Some(moment),
            Self::After(lifetime) => time::Duration::try_from(lifetime)
                .ok()
                .and_then(|lifetime| received.checked_add(lifetime)),
        }
    }
}

impl TokenExchangeError {
    const fn remedy(&self) -> &'static str {
        match self {
            Self::Net(_) => "Try again.",
            Self::OutcomeUnknown(_) => {
                "Try again. If the provider then refuses the refresh token, sign in again."
            }
            Self::Refused { .. } => {
                "Check the secret, its fields and the region. If they are right, the secret may have expired or been revoked."
            }
            Self::UnexpectedStatus { .. } => {
                "Check the region's hosts. If they are right, try again later."
            }
            Self::NoToken { .. } => {
                "Check the region's hosts; another server may have responded instead of the provider."
            }
            Self::ClaimMismatch { .. } => {
                "Check the organization of the credential, and whether the roles of the key include it."
            }
            Self::MissingField(_) => "Add the missing value with `tokenring edit`.",
            Self::InvalidPrivateKey(_) => {
                "Use an RSA key of at least 2048 bits in PEM format (BEGIN PRIVATE KEY or BEGIN RSA PRIVATE KEY), without a password."
            }
            Self::RefreshTokenNotStorable => "Use the credential through a check or a request.",
        }
    }

    /// Returns the provider's response, if there was one.
    pub fn response(&self) -> Option<&ApiResponse> {
        match self {
            Self::Refused { response, .. } | Self::UnexpectedStatus { response, .. } => {
                Some(response)
            }
            _ => None,
        }
    }

    /// Returns the OAuth error code of the response, such as `invalid_grant`.
    pub fn oauth_code(&self) -> Option<String> {
        let body: Value = serde_json::from_str(&self.response()?.body.text()?).ok()?;
        body["error"].as_str().map(str::to_owned)
    }

    const fn class(&self) -> ProblemClass {
        match self {
            Self::Refused { .. } | Self::ClaimMismatch { .. } => ProblemClass::Refused,
            Self::MissingField(_) | Self::InvalidPrivateKey(_) => ProblemClass::Usage,
            Self::RefreshTokenNotStorable => ProblemClass::Failed,
            Self::Net(_)
            | Self::OutcomeUnknown(_)
            | Self::UnexpectedStatus { .. }
            | Self::NoToken { .. } => ProblemClass::Unknown,
        }
    }
}

impl From<TokenExchangeError> for Problem {
    fn from(error: TokenExchangeError) -> Self {
        match error {
            TokenExchangeError::Net(error) => error.into(),
            error => Self::new("No access token", error.to_string(), error.remedy())
                .with_class(error.class()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_has_a_remedy_and_a_family() {
        let lost = || NetError::ConnectionLost {
            host: "api.example".to_owned(),
            why: "because".to_owned(),
        };
        let text = || "text".to_owned();
        let errors = [
            (TokenExchangeError::Net(lost()), 5),
            (TokenExchangeError::OutcomeUnknown(lost()), 5),
            (TokenExchangeError::Refused { status: 401, why: text(), response: Box::default() }, 4),
            (
                TokenExchangeError::UnexpectedStatus {
                    status: 500,
                    why: text(),
                    response: Box::default(),
                },
                5,
            ),
            (TokenExchangeError::InvalidPrivateKey(text()), 2),
            (TokenExchangeError::NoToken { status: 200 }, 5),
            (TokenExchangeError::ClaimMismatch { field: text(), wanted: text(), given: text() }, 4),
            (TokenExchangeError::MissingField(text()), 2),
            (TokenExchangeError::RefreshTokenNotStorable, 1),
        ];
        for (error, exit_code) in errors {
            let problem = Problem::from(error);
            assert!(problem.remedy.ends_with('.'), "{problem}");
            assert_eq!(problem.class.exit_code(), exit_code, "{problem}");
        }
    }

    #[test]
    fn an_end_is_a_moment() {
        let received = Timestamp::UNIX_EPOCH;
        assert_eq!(
            TokenExpiry::After(Duration::from_secs(60)).resolve(received),
            received.checked_add(time::Duration::MINUTE)
        );
        assert_eq!(TokenExpiry::After(Duration::MAX).resolve(received), None);
    }
}
