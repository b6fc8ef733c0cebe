//! Endpoints: the API addresses with which the providers' own tools are configured, and the region
//! that each of them means.
//!
//! Import, doctor, deliveries and `regions add` read addresses here, so that all of them understand
//! the same forms. An address that is not understood is an error and never the default region. Start
//! at [`resolve_endpoint`].

use url::{Host, Url};

use super::host_trust::{canonical_api_host, is_subdomain};
use super::reference::recognize_reference;
use crate::domain::provider::{Provider, ProviderCatalog};
use crate::domain::region::{Origin, OriginError, Region};

/// Why an endpoint means no region.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// The value refers to the address, or is a placeholder for it.
    #[error("{0}, not an address")]
    Reference(String),
    /// The value is not the address of a server.
    #[error("not an address")]
    NotAnAddress,
    /// The host belongs to no region.
    #[error("{0}, which is not a known region")]
    UnknownHost(String),
}

/// Paths below which the providers' tools call the APIs; an endpoint may name them.
const BASE_PATHS: [&str; 8] = ["", "/api", "/v1", "/api/v1", "/api/v3", "/v3", "/rest", "/hidden"];

/// Further API hosts, with the host that they are another name of. The tools of API & Web have
/// `api.probely.com` as their default, and the default region is the European one.
const HOST_ALIASES: [(&str, &str); 1] = [("api.probely.com", "api.eu.probely.com")];

/// Member of the Snyk CLI's configuration that holds an endpoint.
const CONFIGURATION_MEMBER: &str = "endpoint";

/// Endings of the names of variables and members that hold an endpoint, in lower case.
const ENDPOINT_NAME_ENDINGS: [&str; 4] = ["url", "endpoint", "host", "hostname"];

/// Returns the region that an endpoint of a provider means. Follows Snyk's command line: case, path,
/// query and a trailing slash do not count, `http` counts as `https`, `app.` stands for `api.`, and
/// at hosts of the provider a missing `api.` is added. Names of regions are accepted too.
pub fn resolve_endpoint<'c>(
    endpoint: &str,
    provider: &str,
    catalog: &'c ProviderCatalog,
) -> Result<&'c Region, EndpointError> {
    let text = endpoint.trim();
    if let Some(reference) = recognize_reference(text) {
        return Err(EndpointError::Reference(reference.to_string()));
    }
    let regions = catalog.regions(provider).unwrap_or_default();
    if let Some(region) = regions.iter().find(|region| region.matches_name(text)) {
        return Ok(region);
    }
    let trusted = trusted_hosts(provider, catalog);
    let origin = parse_endpoint(text, trusted).ok_or(EndpointError::NotAnAddress)?;
    let has_host = |region: &&Region| {
        region.matches_origin(&origin)
            || [&region.app, &region.auth].into_iter().flatten().any(|known| *known == origin)
    };
    regions.iter().find(has_host).ok_or_else(|| EndpointError::UnknownHost(origin.to_string()))
}

/// Returns the origin of an API that an address means, for a region that the user defines. Only the
/// paths of the APIs may follow the host.
pub fn parse_region_origin(
    address: &str,
    provider: &str,
    catalog: &ProviderCatalog,
) -> Result<Origin, OriginError> {
    let text = address.trim();
    let Some(mut url) = parse_url(text) else { return Origin::parse(text) };
    let is_base = BASE_PATHS.iter().any(|base| url.path().trim_end_matches('/') == *base);
    if !is_base || url.query().is_some() || url.fragment().is_some() {
        return Origin::parse(text);
    }
    if let Some(origin) = canonical_origin(&url, trusted_hosts(provider, catalog)) {
        return Ok(origin);
    }
    if !text.contains("://") {
        return Err(OriginError::NotAUrl(text.to_owned()));
    }
    url.set_path("/");
    Origin::parse(url.as_str())
}

/// Returns the name of the endpoint that belongs to the secret of this name, among the names beside
/// it: that of the provider's tools, with the same prefix where there is one, else any that names
/// the vendor.
pub fn find_endpoint_name<'n>(
    secret_name: &str,
    names: &[&'n str],
    provider: &Provider,
    vendor: &str,
) -> Option<&'n str> {
    let mut known = endpoint_variables(provider);
    known.push(CONFIGURATION_MEMBER);
    let at = secret_name.to_ascii_lowercase().find(vendor).unwrap_or_default();
    let prefix = &secret_name[..at];
    let prefixed = known.iter().find_map(|variable| {
        names.iter().find(|name| name.strip_prefix(prefix) == Some(*variable)).copied()
    });
    let exact =
        || known.iter().find_map(|variable| names.iter().find(|name| **name == *variable).copied());
    let vendors = || {
        names
            .iter()
            .copied()
            .find(|name| ends_like_endpoint(name) && name.to_ascii_lowercase().contains(vendor))
    };
    prefixed.or_else(exact).or_else(vendors)
}

/// Whether a variable or member of this name may hold an endpoint. A name that ends with "API" may
/// hold a key too.
pub fn is_endpoint_name(name: &str) -> bool {
    ends_like_endpoint(name) || name.to_ascii_lowercase().ends_with("api")
}

fn ends_like_endpoint(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    ENDPOINT_NAME_ENDINGS.iter().any(|ending| lower.ends_with(ending))
}

/// Returns the variables from which a provider's tools read their endpoint, the usual one first.
pub fn endpoint_variables(provider: &Provider) -> Vec<&str> {
    let usual = provider
        .kinds
        .iter()
        .flat_map(|kind| &kind.environment)
        .filter(|(_, template)| template == "{api}")
        .map(|(name, _)| name.as_str());
    let others = provider
        .conflicting_variables
        .iter()
        .map(String::as_str)
        .filter(|name| ends_like_endpoint(name));
    let mut found: Vec<&str> = Vec::new();
    for name in usual.chain(others) {
        if !found.contains(&name) {
            found.push(name);
        }
    }
    found
}

fn trusted_hosts<'c>(provider: &str, catalog: &'c ProviderCatalog) -> &'c [String] {
    catalog.provider(provider).map_or(&[], |provider| provider.trusted_hosts.as_slice())
}

/// Parses an address, with or without a scheme. An address with a user name is none.
fn parse_url(text: &str) -> Option<Url> {
    let with_scheme =
        if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    let url = Url::parse(&with_scheme).ok()?;
    let is_web = matches!(url.scheme(), "https" | "http");
    (is_web && url.username().is_empty() && url.password().is_none()).then_some(url)
}

fn parse_endpoint(text: &str, trusted: &[String]) -> Option<Origin> {
    let mut url = parse_url(text)?;
    // One word without a dot is a name, not a host, unless a scheme says so.
    if !text.contains("://") && !text.contains('.') {
        return None;
    }
    if let Some(origin) = canonical_origin(&url, trusted) {
        return Some(origin);
    }
    if let Some((_, known)) = HOST_ALIASES.iter().find(|(alias, _)| url.host_str() == Some(*alias))
    {
        url.set_host(Some(known)).ok()?;
    }
    Origin::from_url(&url).or_else(|| {
        url.set_scheme("https").ok()?;
        Origin::from_url(&url)
    })
}

/// Returns the origin of the API that an address at a host of the provider means; `None` for other
/// hosts.
fn canonical_origin(url: &Url, trusted: &[String]) -> Option<Origin> {
    let Some(Host::Domain(host)) = url.host() else { return None };
    if url.port().is_some() {
        return None;
    }
    let api = canonical_api_host(host)?;
    trusted
        .iter()
        .any(|suffix| is_subdomain(&api, suffix))
        .then(|| Origin::parse(&format!("https://{api}")).ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::provider::builtin_catalog;

    fn region(endpoint: &str, provider: &str) -> Result<String, String> {
        resolve_endpoint(endpoint, provider, builtin_catalog())
            .map(|region| region.id.clone())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn every_form_of_an_endpoint_leads_to_its_region() {
        for (endpoint, provider, id) in [
            ("https://api.snyk.io", "snyk", "SNYK-US-01"),
            ("https://api.snyk.io/", "snyk", "SNYK-US-01"),
            ("https://api.snyk.io:443/v1", "snyk", "SNYK-US-01"),
            ("https://snyk.io/api/v1", "snyk", "SNYK-US-01"),
            ("https://snyk.io/api", "snyk", "SNYK-US-01"),
            ("https://app.snyk.io/api/v1", "snyk", "SNYK-US-01"),
            ("snyk.io", "snyk", "SNYK-US-01"),
            ("default", "snyk", "SNYK-US-01"),
            ("https://api.us.snyk.io/rest", "snyk", "SNYK-US-02"),
            ("https://app.us.snyk.io", "snyk", "SNYK-US-02"),
            ("https://api.eu.snyk.io", "snyk", "SNYK-EU-01"),
            ("https://api.eu.snyk.io/v1/", "snyk", "SNYK-EU-01"),
            ("https://api.eu.snyk.io/v1?x=1#y", "snyk", "SNYK-EU-01"),
            ("http://api.eu.snyk.io", "snyk", "SNYK-EU-01"),
            ("http://app.eu.snyk.io/api", "snyk", "SNYK-EU-01"),
            ("HTTPS://API.EU.SNYK.IO/V1", "snyk", "SNYK-EU-01"),
            ("https://eu.snyk.io/api/v1", "snyk", "SNYK-EU-01"),
            ("https://app.eu.snyk.io/api", "snyk", "SNYK-EU-01"),
            ("api.eu.snyk.io", "snyk", "SNYK-EU-01"),
            ("  https://api.eu.snyk.io  ", "snyk", "SNYK-EU-01"),
            ("SNYK-EU-01", "snyk", "SNYK-EU-01"),
            ("snyk-eu-01", "snyk", "SNYK-EU-01"),
            ("https://api.au.snyk.io/rest/", "snyk", "SNYK-AU-01"),
            ("https://api.snykgov.io/v1", "snyk", "SNYK-GOV-01"),
            ("https://app.snykgov.io", "snyk", "SNYK-GOV-01"),
            ("https://api.eu.snyk.io/v1", "snyk-apps", "SNYK-EU-01"),
            ("https://api.probely.com", "snyk-api-web", "SAW-EU"),
            ("https://api.eu.probely.com/", "snyk-api-web", "SAW-EU"),
            ("https://plus.probely.app/", "snyk-api-web", "SAW-EU"),
            ("https://api.us.probely.com/v1", "snyk-api-web", "SAW-US"),
            ("http://API.AU.PROBELY.COM", "snyk-api-web", "SAW-AU"),
            ("au", "snyk-api-web", "SAW-AU"),
            ("https://api.appcircle.io/", "appcircle", "APPCIRCLE"),
            ("https://auth.appcircle.io/auth/v2", "appcircle", "APPCIRCLE"),
            ("https://my.appcircle.io", "appcircle", "APPCIRCLE"),
        ] {
            assert_eq!(region(endpoint, provider).as_deref(), Ok(id), "{endpoint}");
        }
    }

    #[test]
    fn what_is_not_understood_is_an_error_and_never_the_default_region() {
        for (endpoint, why) in [
            ("https://api.acme.snyk.io", "https://api.acme.snyk.io, which is not a known region"),
            (
                "https://snyk.acme.example/v1",
                "https://snyk.acme.example, which is not a known region",
            ),
            ("http://snyk.acme.example", "https://snyk.acme.example, which is not a known region"),
            (
                "https://api.eu.snyk.io:8443",
                "https://api.eu.snyk.io:8443, which is not a known region",
            ),
            ("http://127.0.0.1:8080/v1", "http://127.0.0.1:8080, which is not a known region"),
            (
                "https://api.snyk.io.evil.com",
                "https://api.snyk.io.evil.com, which is not a known region",
            ),
            ("https://api.probely.com", "https://api.eu.probely.com, which is not a known region"),
            ("https://me:pw@api.snyk.io", "not an address"),
            ("ftp://api.snyk.io", "not an address"),
            ("production", "not an address"),
            ("", "not an address"),
            ("${SNYK_HOST}", "a reference to the variable SNYK_HOST, not an address"),
            ("https://api.<region>.snyk.io", "a placeholder, not an address"),
        ] {
            assert_eq!(region(endpoint, "snyk"), Err(why.to_owned()), "{endpoint}");
        }
    }

    #[test]
    fn the_host_of_a_new_region_may_be_written_as_the_tools_write_it() {
        let origin = |text: &str| {
            parse_region_origin(text, "snyk", builtin_catalog()).map(|origin| origin.to_string())
        };
        for (text, expected) in [
            ("https://api.acme.snyk.io/v1", "https://api.acme.snyk.io"),
            ("https://app.acme.snyk.io/api", "https://api.acme.snyk.io"),
            ("http://acme.snyk.io/api/v1/", "https://api.acme.snyk.io"),
            ("API.ACME.SNYK.IO", "https://api.acme.snyk.io"),
            ("https://snyk.acme.example/rest", "https://snyk.acme.example"),
            ("http://127.0.0.1:8080/v1", "http://127.0.0.1:8080"),
        ] {
            assert_eq!(origin(text).as_deref(), Ok(expected), "{text}");
        }
        for wrong in [
            "https://snyk.acme.example/snyk/other",
            "https://snyk.acme.example/v1?x",
            "http://snyk.acme.example/v1",
            "https://me@snyk.acme.example",
            "snyk.acme.example",
        ] {
            origin(wrong).unwrap_err();
        }
    }

    #[test]
    fn the_endpoint_of_the_tools_is_found_beside_the_secret() {
        let provider = builtin_catalog().provider("snyk").unwrap();
        for (secret, names, expected) in [
            ("SNYK_TOKEN", &["PORT", "SNYK_CFG_ENDPOINT", "SNYK_API"][..], Some("SNYK_API")),
            ("SNYK_TOKEN", &["SNYK_CFG_ENDPOINT"], Some("SNYK_CFG_ENDPOINT")),
            ("SNYK_TOKEN", &["API_REST_URL"], Some("API_REST_URL")),
            ("ACME_SNYK_TOKEN", &["SNYK_API", "ACME_SNYK_API"], Some("ACME_SNYK_API")),
            ("snykToken", &["snykEndpoint"], Some("snykEndpoint")),
            ("api", &["org", "endpoint"], Some("endpoint")),
            ("SNYK_TOKEN", &["DATABASE_URL", "API", "SNYK_CFG_API"], None),
        ] {
            assert_eq!(find_endpoint_name(secret, names, provider, "snyk"), expected, "{secret}");
        }
        let provider = builtin_catalog().provider("snyk-api-web").unwrap();
        assert_eq!(endpoint_variables(provider)[..2], ["PROBELY_API_BASE_URL", "MCP_SAW_BASE_URL"]);
    }
}
