//! Web application: the consent page on which a user authorizes an app.

use axum::http::{Method, StatusCode};
use url::{Url, form_urlencoded};

use super::super::http_service::{SimulatorRequest, SimulatorResponse, escape_html};
use super::SnykRegion;
use super::apps::AppGrantType;

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
