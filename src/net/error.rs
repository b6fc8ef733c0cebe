//! Errors of requests that got no complete response, and their remedies.
//!
//! [`NetError`] is the error of every request; its conversion into a [`Problem`] adds the text for
//! the user. Start reading there. Responses with an error status are not errors here.

use std::error::Error;
use std::time::Duration;

use crate::domain::problem::ProblemClass;
use crate::domain::response::ApiResponse;
use crate::domain::{Problem, text};

/// Error of a request without a complete response. It contains no secret and no path or query of a
/// URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NetError {
    /// The secret is not bound to that origin; nothing was sent.
    #[error("the credential is not bound to {0}")]
    OriginNotAllowed(String),
    /// The connection or the complete response took longer than the limit.
    #[error("no response from {host} within {} s", .limit.as_secs_f32())]
    TimedOut {
        /// The host that did not respond.
        host: String,
        /// The limit that was exceeded.
        limit: Duration,
    },
    /// The connection failed, so nothing was sent.
    #[error("no connection to {host}: {why}")]
    NoConnection {
        /// The host of the connection.
        host: String,
        /// The kind of failure.
        failure: ConnectFailure,
        /// The causes, outermost first.
        why: String,
    },
    /// The request may have arrived, but the connection broke before the response was complete.
    #[error("the response of {host} is incomplete: {why}")]
    ConnectionLost {
        /// The host of the connection.
        host: String,
        /// The causes, outermost first.
        why: String,
    },
    /// The body ended before its end. The response has what came until then.
    #[error("the response of {host} is incomplete: {why}")]
    IncompleteBody {
        /// The host of the connection.
        host: String,
        /// The cause.
        why: String,
        /// Kind of the cause.
        fault: BodyFault,
        /// The response as far as it came.
        response: Box<ApiResponse>,
    },
    /// The head of the response is not HTTP that this client reads.
    #[error("the response of {host} cannot be read: {why}")]
    InvalidHead {
        /// The host of the connection.
        host: String,
        /// The cause.
        why: String,
    },
    /// There were too many redirects, or a redirect loop.
    #[error("{host} redirects too many times")]
    TooManyRedirects {
        /// The host that redirects.
        host: String,
    },
    /// A redirect from https to plain http, to another scheme, or to a URL with a user name; it was
    /// not followed.
    #[error("{host} redirects to {to}, which is not safe: {hazard}")]
    UnsafeRedirect {
        /// The host that redirects.
        host: String,
        /// The origin of the redirect target.
        to: String,
        /// Why it is not safe.
        hazard: RedirectHazard,
    },
    /// The body could not be written to the file that receives it.
    #[error("{0}")]
    BodyNotWritten(String),
    /// The request cannot be sent (for example an invalid header or an unreadable certificate
    /// file).
    #[error("invalid request: {0}")]
    InvalidRequest(String),
}

/// Why a body is incomplete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyFault {
    /// It ended too early, or did not end in time.
    Ended,
    /// Its compressed data is damaged.
    Damaged,
}

/// Why a redirect is not safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RedirectHazard {
    /// From https to another scheme.
    #[error("what was encrypted would be sent in plain text")]
    Downgrade,
    /// To a scheme that is not HTTP.
    #[error("only http and https are followed")]
    OtherScheme,
    /// To a URL with a user name or a password.
    #[error("the address contains a user name or a password")]
    UserInfo,
}

/// Kind of a connection failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectFailure {
    /// The host name has no address.
    Dns,
    /// The host refused the connection.
    Refused,
    /// TLS failed: the certificate is not trusted, or no common version or cipher suite exists.
    Tls,
    /// The proxy failed.
    Proxy,
    /// Any other failure, such as a network without a route.
    Network,
}

impl NetError {
    /// Converts an error of the HTTP library that occurred while contacting `host`.
    pub(super) fn from_reqwest(error: reqwest::Error, host: &str, connect: Duration) -> Self {
        let error = error.without_url();
        let (host, why) = (host.to_owned(), join_causes(&error));
        match (error.is_connect(), error.is_timeout()) {
            (true, true) => Self::TimedOut { host, limit: connect },
            (true, false) => {
                Self::NoConnection { host, failure: ConnectFailure::from_error(&error, &why), why }
            }
            (false, _) => match invalid_head(&why) {
                Some(why) => Self::InvalidHead { host, why },
                None => Self::ConnectionLost { host, why },
            },
        }
    }

    /// Returns the error with `remark` added to its causes, if it is a TLS error.
    pub(super) fn with_tls_detail(self, detail: &str) -> Self {
        match self {
            Self::NoConnection { host, failure: ConnectFailure::Tls, why } => Self::NoConnection {
                host,
                failure: ConnectFailure::Tls,
                why: format!("{why} ({detail})"),
            },
            other => other,
        }
    }

    const fn title(&self) -> &'static str {
        match self {
            Self::OriginNotAllowed(_) | Self::InvalidRequest(_) => "The request was not sent",
            Self::TimedOut { .. } => "No response in time",
            Self::NoConnection { .. } => "No connection",
            Self::ConnectionLost { .. } => "The connection was lost",
            Self::IncompleteBody { .. } => "The response is incomplete",
            Self::InvalidHead { .. } => "The response cannot be read",
            Self::BodyNotWritten(_) => "The file was not written",
            Self::TooManyRedirects { .. } | Self::UnsafeRedirect { .. } => {
                "The redirect was not followed"
            }
        }
    }

    const fn remedy(&self) -> &'static str {
        match self {
            Self::OriginNotAllowed(_) => {
                "Switch the credential to the region of this host, or add a private host as a region with `tokenring regions add`."
            }
            Self::TimedOut { .. } => {
                "Try again. If the problem persists, check the network and the proxy (HTTPS_PROXY, NO_PROXY)."
            }
            Self::NoConnection { failure, .. } => failure.remedy(),
            Self::ConnectionLost { .. } => {
                "Resend a request that only reads. Before you resend any other, check whether it took effect."
            }
            Self::IncompleteBody { fault: BodyFault::Damaged, .. } => {
                "Report the damage to the provider; sending the request again rarely helps."
            }
            Self::IncompleteBody { .. } => {
                "If the request only reads, send it again. Any other request has already taken effect."
            }
            Self::BodyNotWritten(_) => {
                "Name a file in a folder where you may write, on a disk with enough space."
            }
            Self::InvalidHead { .. } => {
                "Check the address: another program may respond there. If it is right, report the response to the provider; sending the request again does not help."
            }
            Self::TooManyRedirects { .. } => {
                "Check the path; the provider redirects this request in a loop."
            }
            Self::UnsafeRedirect { .. } => {
                "Check the region's address. If it is right, ask the provider about the redirect."
            }
            Self::InvalidRequest(_) => "Fix the named part and resend the request.",
        }
    }

    const fn class(&self) -> ProblemClass {
        match self {
            Self::OriginNotAllowed(_) | Self::InvalidRequest(_) => ProblemClass::Usage,
            Self::BodyNotWritten(_) => ProblemClass::Failed,
            _ => ProblemClass::Unknown,
        }
    }
}

impl ConnectFailure {
    /// Classifies a failure by the types in the chain of causes. The rejection of a proxy has no
    /// public type, so it is recognized by its message.
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
                "Check the region's host and port; a firewall or a stopped server also refuses connections."
            }
            Self::Tls => {
                "If a company proxy re-signs the traffic, set its certificate authority in SSL_CERT_FILE or NODE_EXTRA_CA_CERTS, or as the region's ca_file."
            }
            Self::Proxy => "Check HTTPS_PROXY, and list hosts that need no proxy in NO_PROXY.",
            Self::Network => "Check the network and try again.",
        }
    }
}

impl From<NetError> for Problem {
    fn from(error: NetError) -> Self {
        Self::new(error.title(), error.to_string(), error.remedy()).with_class(error.class())
    }
}

/// Returns why the head of a response could not be read, if that is the error.
fn invalid_head(why: &str) -> Option<String> {
    let known = [
        (
            "message head is too large",
            "it has more than 100 headers, or more bytes of them than this client reads",
        ),
        ("invalid HTTP header parsed", "a line of its head is not a header"),
        ("invalid HTTP version parsed", "it does not begin with an HTTP version"),
        ("invalid HTTP status-code parsed", "its first line has no valid status"),
        ("invalid content-length parsed", "its content-length is not a number, or there are two"),
        ("unexpected transfer-encoding parsed", "its transfer-encoding is unknown"),
    ];
    let found = known.iter().find(|(part, _)| why.contains(part));
    found.map(|(part, meaning)| format!("{meaning} ({part})"))
}

/// Describes why a body ended before its end; `received` bytes came of those that were announced.
pub(super) fn describe_body_error(
    error: reqwest::Error,
    received: u64,
    announced: Option<u64>,
) -> String {
    let why = join_causes(&error.without_url());
    let lower = why.to_ascii_lowercase();
    match announced {
        Some(announced) if lower.contains("before message length") => {
            format!("it ended after {received} of {announced} bytes")
        }
        None if lower.contains("before message length") => {
            format!("it ended after {received} bytes, before its last chunk was complete")
        }
        _ if lower.contains("chunk") => {
            format!(
                "it ended after {received} bytes, within a chunk or with an invalid one ({why})"
            )
        }
        _ => format!("it ended after {received} bytes ({why})"),
    }
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&cause| cause.source())
}

/// Whether a cause is a TLS error. TLS errors are nested in I/O errors, often two levels deep,
/// which do not return them as their source.
fn is_tls(cause: &(dyn Error + 'static)) -> bool {
    let inside = cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    cause.is::<rustls::Error>() || inside.is_some_and(|inner| is_tls(inner))
}

/// Joins the causes on one line, outermost first. The useful cause is often three levels down. A
/// cause that only repeats the end of the cause above is omitted.
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
        let failures = [
            ConnectFailure::Dns,
            ConnectFailure::Refused,
            ConnectFailure::Tls,
            ConnectFailure::Proxy,
            ConnectFailure::Network,
        ];
        let connections = failures.map(|failure| NetError::NoConnection {
            host: host(),
            failure,
            why: "because".to_owned(),
        });
        let mut errors = vec![
            NetError::OriginNotAllowed(host()),
            NetError::TimedOut { host: host(), limit: Duration::from_secs(3) },
            NetError::ConnectionLost { host: host(), why: "because".to_owned() },
            NetError::IncompleteBody {
                host: host(),
                why: "because".to_owned(),
                fault: BodyFault::Ended,
                response: Box::default(),
            },
            NetError::InvalidHead { host: host(), why: "because".to_owned() },
            NetError::BodyNotWritten("because".to_owned()),
            NetError::TooManyRedirects { host: host() },
            NetError::UnsafeRedirect {
                host: host(),
                to: "http://api.example".to_owned(),
                hazard: RedirectHazard::Downgrade,
            },
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
                match error {
                    NetError::BodyNotWritten(_) => ProblemClass::Failed,
                    _ if usage => ProblemClass::Usage,
                    _ => ProblemClass::Unknown,
                },
                "{error:?}"
            );
        }
    }

    #[test]
    fn a_remark_about_certificates_is_for_tls_failures_only() {
        let failed =
            |failure| NetError::NoConnection { host: "h".to_owned(), failure, why: "w".to_owned() };
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
