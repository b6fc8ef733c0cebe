//! Web application: the consent page on which a user authorizes an app.
//!
//! Sessions of apps that act for users: consents, and families of single-use refresh tokens.

use std::sync::Arc;

use axum::http::{Method, StatusCode};
use url::{Url, form_urlencoded};

use super::super::clock::{MILLIS_PER_SECOND, RequestInstant, UnixMillis, ValidityPeriod};
use super::super::deterministic;
use super::SnykRegion;
use super::apps::AppGrantType;
use super::state::{SnykPrincipal, SnykState};
use crate::simulator::server::{SimulatorRequest, SimulatorResponse, escape_html};

/// Parameters that the page forwards to the decision.
const FORWARDED_PARAMETERS: [&str; 6] = [
    "client_id",
    "redirect_uri",
    "state",
    "code_challenge",
    "code_challenge_method",
    "response_type",
];

/// Request of an app for the user's consent.
struct ConsentRequest {
    client_id: String,
    redirect_uri: String,
    state: String,
    challenge: String,
    /// Error that is sent to the redirect address; earlier errors are shown to the user instead.
    error: Option<&'static str>,
    app: String,
}

/// Responds to a request to the web application.
pub(super) fn respond(region: &SnykRegion, request: &SimulatorRequest) -> SimulatorResponse {
    match (&request.method, request.path.as_str()) {
        (&Method::GET, "/oauth2/authorize") => show_consent_page(region, request),
        (&Method::POST, "/oauth2/authorize") => handle_decision(region, request),
        (&Method::GET, "/account" | "/account/personal-access-tokens") => SimulatorResponse::html(
            StatusCode::OK,
            "<!doctype html><title>Account settings</title><h1>Account settings</h1>",
        ),
        _ => SimulatorResponse::html(
            StatusCode::NOT_FOUND,
            "<!doctype html><title>Not found</title><h1>Not found</h1>",
        ),
    }
}

fn show_consent_page(region: &SnykRegion, request: &SimulatorRequest) -> SimulatorResponse {
    let lookup = |name: &str| request.query(name).unwrap_or_default().to_owned();
    let consent = match parse_consent_request(region, lookup) {
        Ok(consent) => consent,
        Err(why) => return bad_request_page(why),
    };
    if let Some(error) = consent.error {
        return consent
            .redirect_back(&[("error", "invalid_request"), ("error_description", error)]);
    }
    let field = |name| {
        format!("<input type=\"hidden\" name=\"{name}\" value=\"{}\">", escape_html(&lookup(name)))
    };
    let hidden = FORWARDED_PARAMETERS.map(field).concat();
    let page = format!(
        "<!doctype html><html lang=\"en\"><title>Authorize {app}</title><h1>Let {app} act for you?</h1>\
         <p>This is the simulator: no real account is touched.</p><form method=\"post\" action=\"/oauth2/authorize\">{hidden}\
         <button name=\"decision\" value=\"allow\">Allow</button> <button name=\"decision\" value=\"deny\">Deny</button></form></html>",
        app = escape_html(&consent.app)
    );
    SimulatorResponse::html(StatusCode::OK, &page)
}

fn handle_decision(region: &SnykRegion, request: &SimulatorRequest) -> SimulatorResponse {
    let form = request.form();
    let consent = match parse_consent_request(region, |name: &str| {
        form.get(name).cloned().unwrap_or_default()
    }) {
        Ok(consent) => consent,
        Err(why) => return bad_request_page(why),
    };
    if let Some(error) = consent.error {
        return consent
            .redirect_back(&[("error", "invalid_request"), ("error_description", error)]);
    }
    if form.get("decision").map(String::as_str) != Some("allow") {
        return consent.redirect_back(&[
            ("error", "access_denied"),
            ("error_description", "the user denied the request"),
        ]);
    }
    let code = region.state().issue_authorization_code(
        region.id,
        &consent.client_id,
        &consent.redirect_uri,
        &consent.challenge,
        request.instant,
    );
    let instance = region.api.trim_start_matches("http://").to_owned();
    consent.redirect_back(&[("code", &code.unwrap_or_default()), ("instance", &instance)])
}

fn parse_consent_request(
    region: &SnykRegion,
    lookup: impl Fn(&str) -> String,
) -> Result<ConsentRequest, &'static str> {
    let (client_id, redirect_uri) = (lookup("client_id"), lookup("redirect_uri"));
    let state = region.state();
    let app = state.apps.iter().find(|app| {
        app.client_id == client_id && app.grant_type == AppGrantType::AuthorizationCode
    });
    let app = app.ok_or("This client is unknown.")?;
    if !app.redirect_uris.iter().any(|registered| redirect_uri_matches(registered, &redirect_uri)) {
        return Err("The redirect address is not one that the app has registered.");
    }
    let challenge = lookup("code_challenge");
    let error = if lookup("response_type") != "code" {
        Some("response_type must be code")
    } else if challenge.is_empty() || lookup("code_challenge_method") != "S256" {
        Some("PKCE with S256 is required")
    } else {
        None
    };
    Ok(ConsentRequest {
        client_id,
        redirect_uri,
        state: lookup("state"),
        challenge,
        error,
        app: app.name.clone(),
    })
}

/// Compares redirect addresses exactly, except that a registered port 0 matches any port of the
/// same address.
fn redirect_uri_matches(registered: &str, requested: &str) -> bool {
    if registered == requested {
        return true;
    }
    match (Url::parse(registered), Url::parse(requested)) {
        (Ok(registered), Ok(mut requested)) => {
            registered.port() == Some(0)
                && requested.set_port(Some(0)).is_ok()
                && registered == requested
        }
        _ => false,
    }
}

fn bad_request_page(why: &str) -> SimulatorResponse {
    SimulatorResponse::html(
        StatusCode::BAD_REQUEST,
        &format!("<!doctype html><title>Bad request</title><h1>Bad request</h1><p>{why}</p>"),
    )
}

impl ConsentRequest {
    fn redirect_back(&self, params: &[(&str, &str)]) -> SimulatorResponse {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(params).append_pair("state", &self.state);
        let separator = if self.redirect_uri.contains('?') { '&' } else { '?' };
        SimulatorResponse::redirect(
            StatusCode::SEE_OTHER,
            &format!("{}{separator}{}", self.redirect_uri, query.finish()),
        )
    }
}

/// Lifetime of an unused refresh token: 180 days.
pub(super) const REFRESH_TOKEN_SECONDS: i64 = 15_552_000;
const AUTHORIZATION_CODE_SECONDS: i64 = 60;

/// A user's consent, until an app exchanges its code.
pub(super) struct PendingAuthorizationCode {
    pub(super) client_id: String,
    pub(super) redirect_uri: String,
    pub(super) challenge: String,
    pub(super) user: Arc<SnykPrincipal>,
    pub(super) expires: UnixMillis,
}

/// Session of an app that acts for a user: the family of all refresh tokens from one consent.
pub(super) struct SnykAppSession {
    pub(super) id: String,
    pub(super) app: String,
    pub(super) user: Arc<SnykPrincipal>,
    pub(super) created: UnixMillis,
    alive: bool,
}

/// A single-use refresh token.
pub(super) struct SnykRefreshToken {
    pub(super) session: String,
    pub(super) validity: ValidityPeriod,
    pub(super) used: bool,
}

impl SnykAppSession {
    pub(super) fn belongs_to(&self, user: &SnykPrincipal) -> bool {
        self.alive && self.user.id == user.id
    }

    pub(super) fn install_id(&self) -> String {
        deterministic::uuid(&format!("{}/install", self.id))
    }
}

impl SnykState {
    /// Starts a session with its first refresh token. `label` determines the identifiers of both.
    pub(super) fn start_session(
        &mut self,
        app: &str,
        user: &Arc<SnykPrincipal>,
        label: &str,
        at: RequestInstant,
    ) -> (String, String) {
        let id = deterministic::uuid(&format!("{label}/session"));
        self.sessions.push(SnykAppSession {
            id: id.clone(),
            app: app.to_owned(),
            user: Arc::clone(user),
            created: at.now,
            alive: true,
        });
        let refresh = self.issue_refresh_token(&id, label, at);
        (id, refresh)
    }

    /// Ends a session with all its tokens.
    pub(super) fn end_session(&mut self, id: &str, at: RequestInstant) {
        self.sessions
            .iter_mut()
            .filter(|session| session.id == id)
            .for_each(|session| session.alive = false);
        self.refresh_tokens
            .values_mut()
            .filter(|refresh| refresh.session == id)
            .for_each(|refresh| refresh.validity.revoke(at));
        self.revoke_tokens(id, at);
    }

    /// Stores a consent and returns its code.
    pub(super) fn issue_authorization_code(
        &mut self,
        region: &str,
        client_id: &str,
        redirect_uri: &str,
        challenge: &str,
        at: RequestInstant,
    ) -> Option<String> {
        let code = deterministic::sha256_hex(&self.new_label(region));
        let user = Arc::clone(self.users.first()?);
        let (client_id, redirect_uri) = (client_id.to_owned(), redirect_uri.to_owned());
        let expires = at.now + AUTHORIZATION_CODE_SECONDS * MILLIS_PER_SECOND;
        self.codes.insert(
            code.clone(),
            PendingAuthorizationCode {
                client_id,
                redirect_uri,
                challenge: challenge.to_owned(),
                user,
                expires,
            },
        );
        Some(code)
    }

    /// Returns the live refresh tokens, each with its session.
    pub(super) fn live_refresh_tokens(
        &self,
        now: UnixMillis,
    ) -> impl Iterator<Item = (&str, &str)> {
        let live = move |(_, refresh): &(&String, &SnykRefreshToken)| {
            !refresh.used && !refresh.validity.has_ended(now)
        };
        self.refresh_tokens
            .iter()
            .filter(live)
            .map(|(token, refresh)| (refresh.session.as_str(), token.as_str()))
    }

    /// Adds a refresh token to a session.
    pub(super) fn issue_refresh_token(
        &mut self,
        session: &str,
        label: &str,
        at: RequestInstant,
    ) -> String {
        let token = deterministic::snyk_secret("rt", label);
        let validity = ValidityPeriod::starting_at(at)
            .until(at.now + REFRESH_TOKEN_SECONDS * MILLIS_PER_SECOND);
        self.refresh_tokens.insert(
            token.clone(),
            SnykRefreshToken { session: session.to_owned(), validity, used: false },
        );
        token
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirect_addresses_match_exactly_but_for_port_zero() {
        assert!(redirect_uri_matches(
            "http://127.0.0.1:8080/callback",
            "http://127.0.0.1:8080/callback"
        ));
        assert!(!redirect_uri_matches(
            "http://127.0.0.1:8080/callback",
            "http://127.0.0.1:8081/callback"
        ));
        assert!(redirect_uri_matches(
            "http://127.0.0.1:0/callback",
            "http://127.0.0.1:8081/callback"
        ));
        assert!(!redirect_uri_matches(
            "http://127.0.0.1:0/callback",
            "http://localhost:8081/callback"
        ));
        assert!(!redirect_uri_matches(
            "http://127.0.0.1:0/callback",
            "http://127.0.0.1:8081/other"
        ));
    }
}
