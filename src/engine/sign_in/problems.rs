//! Problems of a sign-in with a browser, and what the user can do about each.

use std::time::Duration;

use crate::domain::Problem;
use crate::domain::problem::ProblemClass;
use crate::net::oauth::callback::CallbackListenError;
use crate::net::oauth::sign_in::StateMismatch;

/// Problem of an authorization that the user or the provider refused.
pub(in crate::engine) fn authorization_denied(error: &str, description: &str) -> Problem {
    let why =
        if description.is_empty() { error.to_owned() } else { format!("{description} ({error})") };
    let what = if error == "access_denied" {
        "The sign-in was denied"
    } else {
        "The provider rejected the sign-in"
    };
    Problem::new(
        what,
        why,
        "sign in again and allow access; if you did, check the client ID and the callback URL",
    )
    .with_class(ProblemClass::Refused)
}

/// Problem of a sign-in that results in no session.
pub(in crate::engine) fn missing_refresh_token() -> Problem {
    let why = "the provider returned a short-lived access token, but no refresh token";
    Problem::new("The sign-in returned no session", why, "check the app's grant type and scopes")
        .with_class(ProblemClass::Refused)
}

/// Problem of a callback that names a host of no known region.
pub(in crate::engine) fn unknown_host(host: &str) -> Problem {
    let host: String = crate::domain::text::sanitize_line(host).chars().take(80).collect();
    let why = format!(
        "the callback names the host \"{host}\", which belongs to no known region, so nothing was sent there"
    );
    let remedy = "if the host belongs to the provider, add it with `tokenring regions add`, then sign in again";
    Problem::new("The sign-in leads to an unknown host", why, remedy)
        .with_class(ProblemClass::Refused)
}

/// Problem of a URL that does not belong to this sign-in.
pub(in crate::engine) fn state_mismatch_problem(mismatch: StateMismatch) -> Problem {
    let remedy = "paste the whole address of the page that the browser could not open after you approved access";
    Problem::new("That is not the callback URL", mismatch.to_string(), remedy)
        .with_class(ProblemClass::Usage)
}

/// Problem of a sign-in that the user did not complete in time.
pub(in crate::engine) fn sign_in_timed_out(wait: Duration) -> Problem {
    let why = format!("the browser did not return within {} s", wait.as_secs());
    let remedy = "sign in again; over SSH, pass --paste and paste the callback URL";
    Problem::new("The sign-in timed out", why, remedy).with_class(ProblemClass::Unknown)
}

impl From<CallbackListenError> for Problem {
    fn from(error: CallbackListenError) -> Self {
        let remedy = match &error {
            CallbackListenError::NotLoopback(_) => {
                "use a URL such as http://127.0.0.1:8080/callback, as registered for the app"
            }
            CallbackListenError::PortsInUse(_) => {
                "stop the program that uses the port, or add further URLs to the field callback and register them for the app"
            }
            CallbackListenError::BindFailed(_) => "allow connections on loopback",
        };
        Self::new("No callback URL is available", error.to_string(), remedy)
            .with_class(ProblemClass::Usage)
    }
}
