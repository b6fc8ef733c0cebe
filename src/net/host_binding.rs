//! Host binding: the checks that decide where the secret of a request may be sent.
//!
//! All host-binding rules are in this file. The first request is rejected unless its origin is one
//! that the secret is bound to. A redirect to another origin permanently drops the secret and all
//! headers except the harmless ones. Start reading at [`PreparedRequest`].

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use url::Url;
use zeroize::Zeroizing;

use super::{HostBoundSecret, NetError, OutgoingRequest, RedirectHazard, RequestBody};
use crate::domain::redact::SecretRedactor;
use crate::domain::request::HttpMethod as Verb;
use crate::domain::{Origin, Secret};

const USER_AGENT: &str = concat!("tokenring/", env!("CARGO_PKG_VERSION"));

/// Maximum number of redirects.
const MAX_REDIRECTS: usize = 5;

/// Headers that may be sent to an unbound origin.
const HARMLESS_HEADERS: [HeaderName; 3] =
    [header::ACCEPT, header::ACCEPT_LANGUAGE, header::ACCEPT_ENCODING];

/// Headers that callers must not set. A custom `Host` would send a secret to another site behind
/// the same address; the other headers control the connection and framing.
const RESERVED_HEADERS: [HeaderName; 8] = [
    header::AUTHORIZATION,
    header::PROXY_AUTHORIZATION,
    header::HOST,
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::TE,
    header::UPGRADE,
];

/// Request that has passed all checks and can be sent to its URL.
pub(super) struct PreparedRequest {
    pub(super) url: Url,
    method: Method,
    headers: HeaderMap,
    /// Headers that the client does not add.
    removed_headers: Vec<HeaderName>,
    body: Option<Bytes>,
    /// Origins to which the headers may be sent, in addition to the current one.
    origins: Vec<Origin>,
    redirects: usize,
    /// Redactor that knows the secret in the authorization header.
    redactor: SecretRedactor,
}

impl PreparedRequest {
    /// Checks a request. It is an error if a secret would go to an origin that it is not bound to,
    /// or if any part cannot be sent.
    pub(super) fn new(outgoing: OutgoingRequest) -> Result<Self, NetError> {
        check_url(&outgoing.url)?;
        let mut headers = read_headers(&outgoing.headers)?;
        let removed_headers = read_removed_headers(&outgoing.removed_headers)?;
        let (mut origins, mut redactor) = (Vec::new(), SecretRedactor::default());
        if let Some(bound) = outgoing.authorization {
            check_origin_allowed(&outgoing.url, &bound.origins)?;
            redactor.add_secret(&bound.secret);
            headers.insert(header::AUTHORIZATION, authorization_header(&bound)?);
            origins = bound.origins;
        }
        let body = body_bytes(outgoing.body, &outgoing.url)?;
        Ok(Self {
            url: outgoing.url,
            method: to_http_method(outgoing.method),
            headers,
            removed_headers,
            body,
            origins,
            redirects: 0,
            redactor,
        })
    }

    /// Returns the request for the current URL.
    pub(super) fn to_reqwest(&self) -> reqwest::Request {
        let mut request = reqwest::Request::new(self.method.clone(), self.url.clone());
        *request.headers_mut() = self.headers_with_client();
        *request.body_mut() = self.body.clone().map(reqwest::Body::from);
        request
    }

    /// Returns all headers but `Host`: those of the request, and those that the client adds.
    pub(super) fn headers_with_client(&self) -> HeaderMap {
        let mut headers = self.headers.clone();
        let mut add = |name: HeaderName, value: HeaderValue| {
            if !self.removed_headers.contains(&name) {
                headers.entry(name).or_insert(value);
            }
        };
        add(header::ACCEPT, HeaderValue::from_static("*/*"));
        add(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
        if !self.headers.contains_key(header::RANGE) {
            add(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        }
        let announces_body = [Method::POST, Method::PUT, Method::PATCH].contains(&self.method);
        if self.body.is_some() || announces_body {
            let length = self.body.as_ref().map_or(0, Bytes::len);
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        }
        headers
    }

    /// Returns the body.
    pub(super) fn body(&self) -> Option<&Bytes> {
        self.body.as_ref()
    }

    /// Returns the redactor that knows the secret, wherever it was sent.
    pub(super) fn into_redactor(self) -> SecretRedactor {
        self.redactor
    }

    /// Returns the host of the current URL.
    pub(super) fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// Follows the redirect of a response. Returns `false` if the response is final.
    ///
    /// Only requests that read and have no body follow redirects; for other requests the redirect
    /// is the response.
    pub(super) fn follow_redirect(
        &mut self,
        status: StatusCode,
        headers: &HeaderMap,
    ) -> Result<bool, NetError> {
        let Some(target) = self.redirect_target(status, headers) else { return Ok(false) };
        self.redirects += 1;
        if self.redirects > MAX_REDIRECTS {
            return Err(NetError::TooManyRedirects { host: self.host().to_owned() });
        }
        self.check_redirect(&target)?;
        if !self.may_keep_headers(&target) {
            self.headers = keep_harmless_headers(&self.headers);
        }
        self.url = target;
        Ok(true)
    }

    fn redirect_target(&self, status: StatusCode, headers: &HeaderMap) -> Option<Url> {
        let follows = matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308);
        let reads =
            self.body.is_none() && (self.method == Method::GET || self.method == Method::HEAD);
        let location = headers.get(header::LOCATION).filter(|_| follows && reads)?;
        self.url.join(std::str::from_utf8(location.as_bytes()).ok()?).ok()
    }

    fn check_redirect(&self, target: &Url) -> Result<(), NetError> {
        let hazard = match (self.url.scheme(), target.scheme()) {
            (_, scheme) if !matches!(scheme, "http" | "https") => RedirectHazard::OtherScheme,
            ("https", "http") => RedirectHazard::Downgrade,
            _ if check_url(target).is_err() => RedirectHazard::UserInfo,
            _ => return Ok(()),
        };
        // The origin of other schemes has no text.
        let to = match hazard {
            RedirectHazard::OtherScheme => format!("an address of the scheme {}", target.scheme()),
            _ => target.origin().ascii_serialization(),
        };
        Err(NetError::UnsafeRedirect { host: self.host().to_owned(), to, hazard })
    }

    fn may_keep_headers(&self, target: &Url) -> bool {
        self.url.origin() == target.origin()
            || Origin::from_url(target).is_some_and(|origin| self.origins.contains(&origin))
    }
}

fn check_url(url: &Url) -> Result<(), NetError> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(NetError::InvalidRequest(format!(
            "the URL scheme {} is not http or https",
            url.scheme()
        )));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(NetError::InvalidRequest(
            "the URL contains a user name or a password".to_owned(),
        ));
    }
    Ok(())
}

fn check_origin_allowed(url: &Url, origins: &[Origin]) -> Result<(), NetError> {
    let bound = Origin::from_url(url).is_some_and(|origin| origins.contains(&origin));
    if bound { Ok(()) } else { Err(NetError::OriginNotAllowed(url.origin().ascii_serialization())) }
}

fn read_headers(pairs: &[(String, String)]) -> Result<HeaderMap, NetError> {
    let mut headers = HeaderMap::with_capacity(pairs.len() + 1);
    for (name, value) in pairs {
        // The error message repeats neither name nor value: a mistyped header may contain a secret.
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| invalid_request("a header name is invalid"))?;
        if RESERVED_HEADERS.contains(&name) {
            return Err(NetError::InvalidRequest(format!("the header {name} cannot be set")));
        }
        let value = HeaderValue::from_str(value).map_err(|_| {
            NetError::InvalidRequest(format!(
                "the value of the header {name} contains a character that headers do not allow"
            ))
        })?;
        headers.append(name, value);
    }
    Ok(headers)
}

/// Parses the names of the headers that the client must not add. The client always sends `Accept`;
/// without one of the request it is `*/*`, which means the same as none.
fn read_removed_headers(names: &[String]) -> Result<Vec<HeaderName>, NetError> {
    let parse = |name: &String| {
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| invalid_request("a header name is invalid"))?;
        if RESERVED_HEADERS.contains(&name) {
            return Err(NetError::InvalidRequest(format!("the header {name} cannot be removed")));
        }
        Ok(name)
    };
    let names: Result<Vec<_>, _> = names.iter().map(parse).collect();
    names.map(|names| names.into_iter().filter(|name| *name != header::ACCEPT).collect())
}

/// Builds the authorization header with the secret: allocated once with its exact size, wiped when
/// its last clone is dropped, hidden from `Debug`, and excluded from HTTP/2 header compression.
fn authorization_header(bound: &HostBoundSecret) -> Result<HeaderValue, NetError> {
    let scheme = bound.scheme.as_str();
    let bytes = bound.secret.expose(|secret| {
        let mut bytes = Zeroizing::new(Vec::with_capacity(scheme.len() + 1 + secret.len()));
        bytes.extend_from_slice(scheme.as_bytes());
        bytes.extend_from_slice(if scheme.is_empty() { b"" } else { b" " });
        bytes.extend_from_slice(secret);
        bytes
    });
    let value = HeaderValue::from_maybe_shared(Bytes::from_owner(bytes));
    let mut value = value.map_err(|_| {
        invalid_request("the secret contains a character that headers do not allow")
    })?;
    value.set_sensitive(true);
    Ok(value)
}

fn body_bytes(body: RequestBody, url: &Url) -> Result<Option<Bytes>, NetError> {
    match body {
        RequestBody::Empty => Ok(None),
        RequestBody::Plain(bytes) => Ok(Some(bytes)),
        RequestBody::HostBoundBytes { bytes, origins } => {
            check_origin_allowed(url, &origins)?;
            Ok(Some(wiped_body(&bytes)))
        }
    }
}

fn wiped_body(secret: &Secret) -> Bytes {
    Bytes::from_owner(Zeroizing::new(secret.expose(<[u8]>::to_vec)))
}

fn keep_harmless_headers(headers: &HeaderMap) -> HeaderMap {
    headers
        .iter()
        .filter(|(name, _)| HARMLESS_HEADERS.contains(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

const fn to_http_method(method: Verb) -> Method {
    match method {
        Verb::Get => Method::GET,
        Verb::Head => Method::HEAD,
        Verb::Post => Method::POST,
        Verb::Put => Method::PUT,
        Verb::Patch => Method::PATCH,
        Verb::Delete => Method::DELETE,
        Verb::Options => Method::OPTIONS,
    }
}

fn invalid_request(why: &str) -> NetError {
    NetError::InvalidRequest(why.to_owned())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::net::RequestLimits;

    const SECRET: &str = "canary-4711";

    fn outgoing(method: Verb, url: &str) -> OutgoingRequest {
        let secret = Arc::new(Secret::from_text(SECRET.to_owned()));
        let origins = ["https://api.example", "https://auth.example", "http://127.0.0.1:4000"];
        let origins = origins.into_iter().map(|text| Origin::parse(text).unwrap()).collect();
        OutgoingRequest {
            method,
            url: Url::parse(url).unwrap(),
            headers: vec![
                ("x-api-key".to_owned(), "custom".to_owned()),
                ("accept".to_owned(), "text/plain".to_owned()),
            ],
            removed_headers: Vec::new(),
            body: RequestBody::Empty,
            authorization: Some(HostBoundSecret { scheme: "token".to_owned(), secret, origins }),
            limits: RequestLimits {
                connect_timeout: Duration::from_secs(1),
                total_timeout: Duration::from_secs(1),
                max_body_bytes: 1,
            },
            ca_file: None,
        }
    }

    fn redirect(from: &str, to: &str) -> Result<PreparedRequest, NetError> {
        let mut request = PreparedRequest::new(outgoing(Verb::Get, from)).unwrap();
        let headers =
            HeaderMap::from_iter([(header::LOCATION, HeaderValue::from_str(to).unwrap())]);
        assert!(request.follow_redirect(StatusCode::FOUND, &headers)?);
        Ok(request)
    }

    #[test]
    fn a_secret_goes_to_no_host_that_only_looks_like_its_own() {
        let foreign_urls = [
            "https://api.example.evil.example/",
            "https://api.example@evil.example/",
            "https://api.example./",
            "https://xapi.example/",
            "https://api.example:8443/",
            "http://api.example/",
            "https://\u{430}pi.example/",
            "http://127.0.0.1:4001/",
            "http://127.0.0.1.evil.example:4000/",
            "http://localhost:4000/",
        ];
        for url in foreign_urls {
            assert!(PreparedRequest::new(outgoing(Verb::Get, url)).is_err(), "{url}");
        }
        for url in ["https://api.example:443/a", "https://API.example/a", "http://127.1:4000/"] {
            assert!(PreparedRequest::new(outgoing(Verb::Get, url)).is_ok(), "{url} is its own");
        }
    }

    #[test]
    fn a_url_with_a_user_is_not_sent() {
        let error =
            PreparedRequest::new(outgoing(Verb::Get, "https://u:p@api.example/")).err().unwrap();
        assert!(matches!(&error, NetError::InvalidRequest(why) if !why.contains("u:p")), "{error}");
    }

    #[test]
    fn the_header_is_sensitive_and_exact() {
        let request = PreparedRequest::new(outgoing(Verb::Get, "https://api.example/")).unwrap();
        let value = request.to_reqwest().headers()[header::AUTHORIZATION].clone();
        assert!(value.is_sensitive());
        assert_eq!(value.as_bytes(), format!("token {SECRET}").as_bytes());
        assert_eq!(format!("{value:?}"), "Sensitive");
    }

    #[test]
    fn a_secret_without_a_scheme_stands_alone() {
        let mut outgoing = outgoing(Verb::Get, "https://api.example/");
        outgoing.authorization.as_mut().unwrap().scheme.clear();
        let request = PreparedRequest::new(outgoing).unwrap();
        assert_eq!(request.headers[header::AUTHORIZATION].as_bytes(), SECRET.as_bytes());
    }

    #[test]
    fn what_no_header_can_carry_is_refused_without_an_echo() {
        let mut broken = outgoing(Verb::Get, "https://api.example/");
        broken.authorization.as_mut().unwrap().secret =
            Arc::new(Secret::from_text(format!("{SECRET}\nx: y")));
        let mut custom = outgoing(Verb::Get, "https://api.example/");
        custom.headers.push(("x-key".to_owned(), format!("{SECRET}\r\n")));
        let mut named = outgoing(Verb::Get, "https://api.example/");
        named.headers.push((format!("{SECRET} "), "value".to_owned()));
        for outgoing in [broken, custom, named] {
            let error = PreparedRequest::new(outgoing).err().unwrap();
            assert!(matches!(error, NetError::InvalidRequest(_)));
            assert!(!format!("{error} {error:?}").contains(SECRET));
        }
    }

    #[test]
    fn reserved_headers_are_not_the_callers() {
        for name in ["Host", "authorization", "content-length", "Transfer-Encoding"] {
            let mut outgoing = outgoing(Verb::Get, "https://api.example/");
            outgoing.headers.push((name.to_owned(), "1".to_owned()));
            assert!(
                matches!(PreparedRequest::new(outgoing), Err(NetError::InvalidRequest(_))),
                "{name}"
            );
        }
    }

    #[test]
    fn the_client_adds_its_headers_unless_they_are_removed() {
        let added = |method, body: &'static [u8], removed: &[&str]| {
            let mut outgoing = outgoing(method, "https://api.example/");
            outgoing.body = RequestBody::Plain(Bytes::from_static(body));
            if body.is_empty() {
                outgoing.body = RequestBody::Empty;
            }
            outgoing.removed_headers = removed.iter().map(|name| (*name).to_owned()).collect();
            let headers = PreparedRequest::new(outgoing).unwrap().headers_with_client();
            let names = ["accept", "user-agent", "accept-encoding", "content-length"];
            names.map(|name| headers.get(name).map(|value| value.to_str().unwrap().to_owned()))
        };
        let agent = Some(USER_AGENT.to_owned());
        let text = |text: &str| Some(text.to_owned());
        let accept = text("text/plain");
        let encoding = added(Verb::Get, b"", &[])[2].clone();
        assert!(encoding.is_some());
        let expected = |length: Option<&str>| {
            [accept.clone(), agent.clone(), encoding.clone(), length.map(str::to_owned)]
        };
        for (method, body, length) in [
            (Verb::Get, &b""[..], None),
            (Verb::Delete, b"", None),
            (Verb::Options, b"", None),
            (Verb::Post, b"", Some("0")),
            (Verb::Put, b"", Some("0")),
            (Verb::Patch, b"", Some("0")),
            (Verb::Get, b"abc", Some("3")),
        ] {
            assert_eq!(added(method, body, &[]), expected(length), "{method}");
        }
        let removed = added(Verb::Get, b"", &["user-agent", "Accept-Encoding"]);
        assert_eq!(removed, [accept.clone(), None, None, None]);
        let mut outgoing = outgoing(Verb::Get, "https://api.example/");
        outgoing.removed_headers = vec!["Authorization".to_owned()];
        assert!(matches!(PreparedRequest::new(outgoing), Err(NetError::InvalidRequest(_))));
    }

    #[test]
    fn a_redirect_keeps_the_secret_among_bound_origins() {
        for to in ["/other", "https://auth.example/x", "//auth.example/x", "?page=2"] {
            let request = redirect("https://api.example/a", to).unwrap();
            assert!(request.headers.contains_key(header::AUTHORIZATION), "{to}");
            assert!(request.headers.contains_key("x-api-key"), "{to}");
        }
    }

    #[test]
    fn a_redirect_elsewhere_leaves_everything_but_harmless_headers() {
        for to in
            ["//evil.example", "https://api.example.evil.example/", "https://api.example:8443/"]
        {
            let request = redirect("https://api.example/a", to).unwrap();
            assert_eq!(request.headers.keys().collect::<Vec<_>>(), [header::ACCEPT], "{to}");
        }
    }

    #[test]
    fn headers_that_were_dropped_are_not_restored() {
        let mut request = redirect("https://api.example/a", "https://evil.example/").unwrap();
        let back = HeaderMap::from_iter([(
            header::LOCATION,
            HeaderValue::from_static("https://api.example/steal"),
        )]);
        assert!(request.follow_redirect(StatusCode::TEMPORARY_REDIRECT, &back).unwrap());
        assert!(!request.headers.contains_key(header::AUTHORIZATION));
    }

    #[test]
    fn unsafe_redirects_are_not_followed() {
        for to in [
            "http://api.example/",
            "http://127.0.0.1:4000/",
            "ftp://api.example/",
            "https://api.example@evil.example/",
        ] {
            assert!(
                matches!(
                    redirect("https://api.example/a?key=1", to),
                    Err(NetError::UnsafeRedirect { .. })
                ),
                "{to}"
            );
        }
    }

    #[test]
    fn a_redirect_is_the_answer_to_what_writes_or_has_a_body() {
        let headers =
            HeaderMap::from_iter([(header::LOCATION, HeaderValue::from_static("/elsewhere"))]);
        for method in [Verb::Post, Verb::Put, Verb::Patch, Verb::Delete, Verb::Options] {
            let mut request =
                PreparedRequest::new(outgoing(method, "https://api.example/")).unwrap();
            assert!(
                !request.follow_redirect(StatusCode::TEMPORARY_REDIRECT, &headers).unwrap(),
                "{method}"
            );
        }
        let mut with_body = outgoing(Verb::Get, "https://api.example/");
        with_body.body = RequestBody::Plain(Bytes::from_static(b"text"));
        assert!(
            !PreparedRequest::new(with_body)
                .unwrap()
                .follow_redirect(StatusCode::FOUND, &headers)
                .unwrap()
        );
    }

    #[test]
    fn a_sealed_body_goes_to_its_origins_only() {
        let mut outgoing = outgoing(Verb::Post, "https://api.example/");
        let origins = vec![Origin::parse("https://auth.example").unwrap()];
        outgoing.body =
            RequestBody::HostBoundBytes { bytes: Secret::from_text(SECRET.to_owned()), origins };
        assert!(
            matches!(PreparedRequest::new(outgoing), Err(NetError::OriginNotAllowed(origin)) if origin == "https://api.example")
        );
    }
}
