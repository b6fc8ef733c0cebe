//! Why there is no answer, in words that name the cause and the way out.

use std::error::Error;
use std::time::Duration;

use crate::domain::problem::ProblemClass;
use crate::domain::{Problem, text};

/// Why there is no answer. None of them holds a secret, nor the path or query of a URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NetError {
    /// The secret is not bound to that origin; nothing was sent.
    #[error("the credential is not bound to {0}")]
    OriginNotAllowed(String),
    /// No connection within its limit, or no whole answer.
    #[error("no answer from {host} within {} s", .limit.as_secs_f32())]
    TimedOut {
        /// Who did not answer.
        host: String,
        /// The limit that ran out.
        limit: Duration,
    },
    /// No connection, so nothing was sent.
    #[error("no connection to {host}: {why}")]
    NoConnection {
        /// Who was to be reached.
        host: String,
        /// What stood in the way.
        failure: ConnectFailure,
        /// The causes, outermost first.
        why: String,
    },
    /// The request may have arrived, but its answer broke off.
    #[error("the answer of {host} broke off: {why}")]
    ConnectionLost {
        /// Who was answering.
        host: String,
        /// The causes.
        why: String,
    },
    /// Redirected too often, or in a circle.
    #[error("{host} redirects in a circle")]
    TooManyRedirects {
        /// Who redirects.
        host: String,
    },
    /// A redirect from https to plain http, to another scheme, or to a URL with a user name: it was not followed.
    #[error("{host} redirects to {to}, which is not safe to follow")]
    UnsafeRedirect {
        /// Who redirects.
        host: String,
        /// The origin it points to.
        to: String,
    },
    /// The request cannot be sent as it is (a header that is none, a certificate file that cannot be read).
    #[error("the request cannot be sent: {0}")]
    InvalidRequest(String),
}

/// What stood in the way of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectFailure {
    /// The host name has no address.
    Dns,
    /// The host refused the connection.
    Refused,
    /// No trust, or no common language, in TLS.
    Tls,
    /// The proxy in between.
    Proxy,
    /// Anything else, such as a network without a route.
    Network,
}

impl NetError {
    /// What an error of the HTTP library means when it came up on the way to `host`.
    pub(super) fn from_reqwest(error: reqwest::Error, host: &str, connect: Duration) -> Self {
        let error = error.without_url();
        let (host, why) = (host.to_owned(), join_causes(&error));
        match (error.is_connect(), error.is_timeout()) {
            (true, true) => Self::TimedOut { host, limit: connect },
            (true, false) => {
                Self::NoConnection { host, failure: ConnectFailure::from_error(&error, &why), why }
            }
            (false, _) => Self::ConnectionLost { host, why },
        }
    }

    /// The same error, with `remark` added to its causes if it is about TLS.
    pub(super) fn with_tls_detail(self, remark: &str) -> Self {
        match self {
            Self::NoConnection { host, failure: ConnectFailure::Tls, why } => Self::NoConnection {
                host,
                failure: ConnectFailure::Tls,
                why: format!("{why} ({remark})"),
            },
            other => other,
        }
    }

    const fn title(&self) -> &'static str {
        match self {
            Self::OriginNotAllowed(_) | Self::InvalidRequest(_) => "Not sent",
            Self::TimedOut { .. } => "No answer in time",
            Self::NoConnection { .. } => "No connection",
            Self::ConnectionLost { .. } => "The answer broke off",
            Self::TooManyRedirects { .. } | Self::UnsafeRedirect { .. } => {
                "A redirect was not followed"
            }
        }
    }

    const fn remedy(&self) -> &'static str {
        match self {
            Self::OriginNotAllowed(_) => {
                "Switch the credential to the region this host belongs to; `tokenring regions add` makes a private host a region."
            }
            Self::TimedOut { .. } => {
                "Try again; if it stays so, check the network and the proxy (HTTPS_PROXY, NO_PROXY)."
            }
            Self::NoConnection { failure: obstacle, .. } => obstacle.remedy(),
            Self::ConnectionLost { .. } => {
                "A request that only reads can be sent again; look first whether any other took effect."
            }
            Self::TooManyRedirects { .. } => {
                "Check the path; the provider sends this request round and round."
            }
            Self::UnsafeRedirect { .. } => {
                "Check the region's address; if it is right, ask the provider why it redirects there."
            }
            Self::InvalidRequest(_) => "Correct what is named and send again.",
        }
    }

    const fn class(&self) -> ProblemClass {
        match self {
            Self::OriginNotAllowed(_) | Self::InvalidRequest(_) => ProblemClass::Usage,
            _ => ProblemClass::Unknown,
        }
    }
}

impl ConnectFailure {
    /// Tells what stood in the way by the types in the chain of causes. A proxy's refusal has no public type, so it is
    /// told by its words.
    fn from_error(error: &reqwest::Error, why: &str) -> Self {
        let refused = |io: &std::io::Error| io.kind() == std::io::ErrorKind::ConnectionRefused;
        if why.contains("tunnel error") || why.to_ascii_lowercase().contains("socks") {
            Self::Proxy
        } else if error.is_dns() {
            Self::Dns
        } else if causes(error).any(is_tls) {
            Self::Tls
        } else if causes(error).filter_map(|cause| cause.downcast_ref()).any(refused) {
            Self::Refused
        } else {
            Self::Network
        }
    }

    const fn remedy(self) -> &'static str {
        match self {
            Self::Dns => "Check the region's host name and whether this machine is online.",
            Self::Refused => {
                "Check the region's host and port; a firewall or a stopped server refuses like this."
            }
            Self::Tls => {
                "If a company proxy re-signs the traffic, name its certificate authority in SSL_CERT_FILE or as the region's ca_file."
            }
            Self::Proxy => "Check HTTPS_PROXY, and name hosts that need no proxy in NO_PROXY.",
            Self::Network => "Check the network and try again.",
        }
    }
}

impl From<NetError> for Problem {
    fn from(error: NetError) -> Self {
        Self::new(error.title(), error.to_string(), error.remedy()).with_class(error.class())
    }
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&cause| cause.source())
}

/// A TLS error travels inside I/O errors, often two deep, which do not name it as their source.
fn is_tls(cause: &(dyn Error + 'static)) -> bool {
    let inside = cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    cause.is::<rustls::Error>() || inside.is_some_and(|inner| is_tls(inner))
}

/// The causes on one line, outermost first. The useful one is often three levels down; one that only repeats the end
/// of the cause above it is left out.
fn join_causes(error: &(dyn Error + 'static)) -> String {
    let mut line = String::new();
    for cause in causes(error).map(|cause| text::sanitize_line(&cause.to_string())) {
        if line.is_empty() {
            line = cause;
        } else if !line.ends_with(&cause) {
            line = format!("{line}: {cause}");
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every_error() -> Vec<NetError> {
        let host = || "api.example".to_owned();
        let obstacles = [
            ConnectFailure::Dns,
            ConnectFailure::Refused,
            ConnectFailure::Tls,
            ConnectFailure::Proxy,
            ConnectFailure::Network,
        ];
        let connections = obstacles.map(|obstacle| NetError::NoConnection {
            host: host(),
            failure: obstacle,
            why: "because".to_owned(),
        });
        let mut errors = vec![
            NetError::OriginNotAllowed(host()),
            NetError::TimedOut { host: host(), limit: Duration::from_secs(3) },
            NetError::ConnectionLost { host: host(), why: "because".to_owned() },
            NetError::TooManyRedirects { host: host() },
            NetError::UnsafeRedirect { host: host(), to: "http://api.example".to_owned() },
            NetError::InvalidRequest("a header".to_owned()),
        ];
        errors.extend(connections);
        errors
    }

    #[test]
    fn every_error_has_a_remedy_and_the_right_family() {
        for error in every_error() {
            let usage =
                matches!(error, NetError::OriginNotAllowed(_) | NetError::InvalidRequest(_));
            let problem = Problem::from(error.clone());
            assert!(problem.remedy.ends_with('.'), "{error:?}");
            assert_eq!(
                problem.class,
                if usage { ProblemClass::Usage } else { ProblemClass::Unknown },
                "{error:?}"
            );
        }
    }

    #[test]
    fn a_remark_about_certificates_is_for_tls_failures_only() {
        let failed = |obstacle| NetError::NoConnection {
            host: "h".to_owned(),
            failure: obstacle,
            why: "w".to_owned(),
        };
        assert_eq!(
            failed(ConnectFailure::Tls).with_tls_detail("x.pem is broken").to_string(),
            "no connection to h: w (x.pem is broken)"
        );
        assert_eq!(
            failed(ConnectFailure::Refused).with_tls_detail("x.pem is broken"),
            failed(ConnectFailure::Refused)
        );
    }

    #[test]
    fn a_chain_names_every_cause_once() {
        #[derive(Debug, thiserror::Error)]
        #[error("outer")]
        struct Outer(#[source] std::io::Error);
        assert_eq!(
            join_causes(&Outer(std::io::Error::other("inner\u{1b}"))),
            "outer: inner\u{fffd}"
        );
    }
}
