//! Origins and regions: the hosts of a provider, and therefore the hosts that may receive its
//! secrets.
//!
//! Start at [`Origin`] for the unit of host binding and at [`Region`] for a provider's hosts. The
//! check before a secret is sent is in the engine.

use serde::{Deserialize, Serialize};
use url::{Host, Url};

/// Scheme, host and port: the unit to which a secret is bound.
///
/// Plain `http` is accepted only on loopback, so a secret never crosses a network unencrypted.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Origin {
    scheme: String,
    host: String,
    port: u16,
}

/// Reason why a text is not an origin that a secret may be bound to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OriginError {
    /// The text is not a URL.
    #[error("\"{0}\" is not a URL")]
    NotAUrl(String),
    /// The scheme is neither `https` nor `http`.
    #[error("\"{0}\" does not start with https://")]
    UnsupportedScheme(String),
    /// `http` to a host that is not this machine.
    #[error("\"{0}\" is plain http to another machine; a secret would be sent unencrypted")]
    PlainHttp(String),
    /// The URL contains a path, query, fragment or user name.
    #[error("\"{0}\" contains more than scheme, host and port")]
    ExtraComponents(String),
}

/// Region of a provider: the hosts that issue and accept its credentials.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Region {
    /// Name that users and the vendor use, such as `SNYK-EU-01`.
    pub id: String,
    /// Description of the location.
    #[serde(default)]
    pub title: String,
    /// Other names of this region, in lower case.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// Other API hosts by which a secret may name this region: its hosts before the user moved it
    /// to a gateway or a simulator. No request is ever sent to them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub issuers: Vec<Origin>,
    /// Host of the API.
    pub api: Origin,
    /// Host where users sign in and see their account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<Origin>,
    /// Host that exchanges secrets for access tokens, if it is not the API host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth: Option<Origin>,
    /// PEM file with additional certificate authorities to trust for this region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<std::path::PathBuf>,
}

/// Role of one of a region's hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HostRole {
    /// API host.
    #[default]
    Api,
    /// Host that exchanges secrets.
    Auth,
    /// Web application.
    App,
}

impl Origin {
    /// Parses an origin such as `https://api.eu.snyk.io` or `http://127.0.0.1:8080/`.
    pub fn parse(text: &str) -> Result<Self, OriginError> {
        let url = Url::parse(text.trim()).map_err(|_| OriginError::NotAUrl(text.to_owned()))?;
        let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        if !bare || !url.username().is_empty() || url.password().is_some() {
            return Err(OriginError::ExtraComponents(text.to_owned()));
        }
        match Self::from_url(&url) {
            Some(origin) => Ok(origin),
            None if url.scheme() == "http" => Err(OriginError::PlainHttp(text.to_owned())),
            None => Err(OriginError::UnsupportedScheme(text.to_owned())),
        }
    }

    /// Returns the origin of a URL, if a secret may be sent to it: `https`, or `http` on loopback.
    pub fn from_url(url: &Url) -> Option<Self> {
        let host = url.host()?;
        let allowed = match url.scheme() {
            "https" => true,
            "http" => is_loopback(&host),
            _ => false,
        };
        let port = url.port_or_known_default()?;
        allowed.then(|| Self { scheme: url.scheme().to_owned(), host: host.to_string(), port })
    }

    /// Returns the host without the port.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Whether the host is a loopback address (the simulator, a test server, a tunnel).
    pub fn is_loopback(&self) -> bool {
        self.scheme == "http"
            || Url::parse(&self.to_string())
                .ok()
                .and_then(|url| url.host().map(|host| is_loopback(&host)))
                .unwrap_or(false)
    }
}

impl Region {
    /// Returns the host with the given role; the API host where the region has no other.
    pub fn origin(&self, place: HostRole) -> &Origin {
        match place {
            HostRole::Api => &self.api,
            HostRole::Auth => self.auth.as_ref().unwrap_or(&self.api),
            HostRole::App => self.app.as_ref().unwrap_or(&self.api),
        }
    }

    /// Derives the API and auth hosts of a self-hosted installation from the address of its web
    /// application.
    ///
    /// Providers name their hosts by a pattern, so `api.` replaces `my.` as it does in this region.
    /// Returns `None` where this region has no such pattern or the address does not follow it.
    pub fn self_hosted_origins(&self, app: &Origin) -> Option<(Origin, Option<Origin>)> {
        let (label, domain) = self.app.as_ref()?.host.split_once('.')?;
        let own = app.host.strip_prefix(label)?.strip_prefix('.')?;
        let sibling = |known: &Origin| {
            let label = known.host.strip_suffix(domain)?;
            Some(Origin { host: format!("{label}{own}"), ..app.clone() })
        };
        Some((sibling(&self.api)?, self.auth.as_ref().and_then(sibling)))
    }

    /// Returns the origins that a credential of this region may be sent to. The web application is
    /// not one of them.
    pub fn bound_origins(&self) -> Vec<Origin> {
        let mut origins = vec![self.api.clone()];
        origins.extend(self.auth.clone().filter(|auth| *auth != self.api));
        origins
    }

    /// Returns this region as a replacement for `known`, which has the same ID: title and aliases
    /// are inherited, and secrets that name the old host still mean this region.
    #[must_use]
    pub fn inheriting_from(mut self, known: &Self) -> Self {
        if self.title.is_empty() {
            self.title.clone_from(&known.title);
        }
        if self.aliases.is_empty() {
            self.aliases.clone_from(&known.aliases);
        }
        self.issuers.extend(
            known.issuers.iter().chain([&known.api]).filter(|issuer| **issuer != self.api).cloned(),
        );
        self
    }

    /// Returns the API host that this region had before it was moved to another one.
    pub fn replaced_host(&self) -> Option<&Origin> {
        self.issuers.last()
    }

    /// Whether a secret that names `origin` belongs to this region.
    pub fn matches_origin(&self, origin: &Origin) -> bool {
        self.api == *origin || self.issuers.contains(origin)
    }

    /// Whether `name` is the ID or an alias of this region, ignoring case.
    pub fn matches_name(&self, name: &str) -> bool {
        self.id.eq_ignore_ascii_case(name)
            || self.aliases.iter().any(|alias| alias.eq_ignore_ascii_case(name))
    }
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let default = if self.scheme == "https" { 443 } else { 80 };
        if self.port == default {
            write!(f, "{}://{}", self.scheme, self.host)
        } else {
            write!(f, "{}://{}:{}", self.scheme, self.host, self.port)
        }
    }
}

impl TryFrom<String> for Origin {
    type Error = OriginError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<Origin> for String {
    fn from(origin: Origin) -> Self {
        origin.to_string()
    }
}

fn is_loopback<S: AsRef<str>>(host: &Host<S>) -> bool {
    match host {
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
        Host::Domain(name) => name.as_ref() == "localhost",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_prints_as_it_is_read() {
        for text in [
            "https://api.eu.snyk.io",
            "http://127.0.0.1:8080",
            "http://[::1]:9",
            "https://host.example:8443",
        ] {
            assert_eq!(Origin::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn plain_http_is_for_loopback_only() {
        assert!(matches!(Origin::parse("http://api.snyk.io"), Err(OriginError::PlainHttp(_))));
        assert!(matches!(
            Origin::parse("http://127.0.0.1.evil.example"),
            Err(OriginError::PlainHttp(_))
        ));
        assert!(matches!(
            Origin::parse("ftp://api.snyk.io"),
            Err(OriginError::UnsupportedScheme(_))
        ));
        assert!(Origin::parse("http://localhost:1234").is_ok());
    }

    #[test]
    fn an_origin_holds_no_path_and_no_user() {
        for text in [
            "https://api.snyk.io/v1",
            "https://api.snyk.io?x",
            "https://u@api.snyk.io",
            "https://u:p@api.snyk.io",
        ] {
            assert!(matches!(Origin::parse(text), Err(OriginError::ExtraComponents(_))), "{text}");
        }
    }

    #[test]
    fn a_private_installation_is_recognized_by_its_web_application() {
        let region = |provider: &str| {
            crate::domain::provider::builtin_catalog().regions(provider).unwrap()[0].clone()
        };
        let like = |provider, app: &str| {
            let (api, auth) = region(provider).self_hosted_origins(&Origin::parse(app).unwrap())?;
            Some((api.to_string(), auth.map(|auth| auth.to_string())))
        };
        let hosts = |api: &str, auth: Option<&str>| Some((api.to_owned(), auth.map(str::to_owned)));
        assert_eq!(
            like("appcircle", "https://my.example.com:8443"),
            hosts("https://api.example.com:8443", Some("https://auth.example.com:8443"))
        );
        assert_eq!(
            like("snyk", "https://app.acme.snyk.io"),
            hosts("https://api.acme.snyk.io", None)
        );
        assert_eq!(like("appcircle", "https://mine.example.com"), None);
        assert_eq!(like("snyk-api-web", "https://plus.us.probely.app"), None);
    }

    #[test]
    fn the_default_port_and_the_written_one_are_the_same_origin() {
        assert_eq!(Origin::parse("https://api.snyk.io:443"), Origin::parse("https://api.snyk.io"));
        assert_ne!(Origin::parse("https://api.snyk.io:444"), Origin::parse("https://api.snyk.io"));
    }

    fn region(id: &str, api: &str) -> Region {
        let mut region =
            crate::domain::provider::builtin_catalog().regions("snyk").unwrap()[0].clone();
        region.id = id.to_owned();
        region.api = Origin::parse(api).unwrap();
        (region.auth, region.app) = (None, None);
        (region.title, region.aliases, region.issuers) = (String::new(), Vec::new(), Vec::new());
        region
    }

    #[test]
    fn loopback_is_distinguished_from_everything_that_resembles_it() {
        for (text, is_loopback) in [
            ("http://127.0.0.1:8080", true),
            ("https://127.9.9.9", true),
            ("https://[::1]:9", true),
            ("https://localhost", true),
            ("https://localhost.example", false),
            ("https://api.snyk.io", false),
        ] {
            assert_eq!(Origin::parse(text).unwrap().is_loopback(), is_loopback, "{text}");
        }
        assert_eq!(Origin::parse("https://api.snyk.io:8443").unwrap().host(), "api.snyk.io");
        assert_eq!(
            String::from(Origin::parse("https://api.snyk.io:8443").unwrap()),
            "https://api.snyk.io:8443"
        );
    }

    #[test]
    fn a_secret_is_bound_to_the_hosts_that_are_asked_with_it_each_named_once() {
        let mut region = region("ACME", "https://api.acme.example");
        let api = region.api.clone();
        region.app = Some(Origin::parse("https://app.acme.example").unwrap());
        assert_eq!(
            region.bound_origins(),
            std::slice::from_ref(&api),
            "the web application gets no secret"
        );
        region.auth = Some(api.clone());
        assert_eq!(region.bound_origins(), std::slice::from_ref(&api));
        let auth = Origin::parse("https://auth.acme.example").unwrap();
        region.auth = Some(auth.clone());
        assert_eq!(region.bound_origins(), [api, auth]);
    }

    #[test]
    fn a_region_answers_to_its_names_and_is_named_by_its_hosts() {
        let mut known = region("SNYK-EU-01", "https://api.eu.snyk.io");
        known.aliases = vec!["eu".to_owned()];
        known.title = "Europe".to_owned();
        assert!(
            known.matches_name("snyk-eu-01")
                && known.matches_name("EU")
                && !known.matches_name("us")
        );
        let old = Origin::parse("https://eu.snyk.example").unwrap();
        known.issuers = vec![old.clone()];
        assert!(known.matches_origin(&known.api) && known.matches_origin(&old));
        assert!(!known.matches_origin(&Origin::parse("https://api.snyk.io").unwrap()));

        let moved = region("SNYK-EU-01", "http://127.0.0.1:9").inheriting_from(&known);
        assert_eq!((moved.title.as_str(), &moved.aliases), ("Europe", &known.aliases));
        assert_eq!(
            moved.issuers,
            [old.clone(), known.api.clone()],
            "secrets that name the old host still mean it"
        );
        let stayed = region("SNYK-EU-01", "https://api.eu.snyk.io").inheriting_from(&known);
        assert_eq!(stayed.issuers, [old], "its own host is named once");
    }
}
