//! Mapping from a host inside a token to a region, for hosts that can be trusted.
//!
//! Claims can be forged by the author of the text, and a region decides where secrets are sent. A
//! claim therefore only selects among the regions of the catalog. Start at [`classify_host`].

use url::{Host, Url};

use crate::domain::Origin;
use crate::domain::provider::{Provider, ProviderCatalog};
use crate::domain::region::Region;

/// Trust in a host that a token names.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum HostTrust<'a> {
    /// The host is the API host of this region.
    Region(&'a Region),
    /// The host belongs to the provider, but to no known region.
    Trusted(String),
    /// The host may belong to anyone.
    Untrusted,
}

/// Classifies a host that a token of `provider` names.
pub(super) fn classify_host<'a>(
    host: &str,
    provider: &Provider,
    catalog: &'a ProviderCatalog,
) -> HostTrust<'a> {
    let regions = catalog.regions(&provider.id).unwrap_or_default();
    if !has_host_characters_only(host) {
        return HostTrust::Untrusted;
    }
    if let Some(region) = regions.iter().find(|region| {
        region.issuers.iter().chain([&region.api]).any(|origin| claim_names_origin(host, origin))
    }) {
        return HostTrust::Region(region);
    }
    let Some(host) = canonical_api_host(host)
        .filter(|host| provider.trusted_hosts.iter().any(|suffix| is_subdomain(host, suffix)))
    else {
        return HostTrust::Untrusted;
    };
    match regions.iter().find(|region| {
        Origin::parse(&format!("https://{host}")).is_ok_and(|origin| region.matches_origin(&origin))
    }) {
        Some(region) => HostTrust::Region(region),
        None => HostTrust::Trusted(host),
    }
}

/// Whether a claim contains only characters that every parser reads alike. A lenient parser could
/// turn any other character into a different host.
fn has_host_characters_only(claim: &str) -> bool {
    claim
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'/' | b'[' | b']'))
}

/// Whether a claim names exactly this origin, with or without its scheme.
fn claim_names_origin(claim: &str, origin: &Origin) -> bool {
    let same = |text: &str| Origin::parse(text).is_ok_and(|named| named == *origin);
    if claim.contains("://") {
        same(claim)
    } else {
        ["https://", "http://"].iter().any(|scheme| same(&format!("{scheme}{claim}")))
    }
}

/// Returns the API host that a claim means, by the rules of Snyk's own command line: `app.` stands
/// for `api.`, a missing `api.` is added, and the path is ignored. A user name, a port, an IP
/// address or a punycode label makes the claim invalid.
pub(super) fn canonical_api_host(claim: &str) -> Option<String> {
    let text = if claim.contains("://") { claim.to_owned() } else { format!("https://{claim}") };
    let url = Url::parse(&text).ok().filter(|url| matches!(url.scheme(), "https" | "http"))?;
    let Some(Host::Domain(host)) = url.host() else { return None };
    let authority = text.split("://").nth(1)?.split('/').next()?;
    if authority.contains([':', '@'])
        || host.split('.').any(|label| label.is_empty() || label.starts_with("xn--"))
    {
        return None;
    }
    let bare = host.strip_prefix("app.").or_else(|| host.strip_prefix("api.")).unwrap_or(host);
    Some(format!("api.{bare}"))
}

/// Whether `host` is a subdomain of `suffix`, compared label by label.
pub(super) fn is_subdomain(host: &str, suffix: &str) -> bool {
    host.strip_suffix(suffix).is_some_and(|rest| rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::provider::builtin_catalog;

    fn region(host: &str) -> Option<String> {
        let catalog = builtin_catalog();
        match classify_host(host, catalog.provider("snyk").unwrap(), catalog) {
            HostTrust::Region(region) => Some(region.id.clone()),
            HostTrust::Trusted(host) => Some(format!("trusted {host}")),
            HostTrust::Untrusted => None,
        }
    }

    #[test]
    fn every_spelling_of_a_region_leads_to_it() {
        for (host, id) in [
            ("api.snyk.io", "SNYK-US-01"),
            ("snyk.io", "SNYK-US-01"),
            ("https://api.snyk.io", "SNYK-US-01"),
            ("https://api.snyk.io/", "SNYK-US-01"),
            ("API.Snyk.IO", "SNYK-US-01"),
            ("https://app.eu.snyk.io/api/v1", "SNYK-EU-01"),
            ("eu.snyk.io", "SNYK-EU-01"),
            ("api.us.snyk.io", "SNYK-US-02"),
            ("api.snykgov.io", "SNYK-GOV-01"),
            ("api.acme.snyk.io", "trusted api.acme.snyk.io"),
        ] {
            assert_eq!(region(host).as_deref(), Some(id), "{host}");
        }
    }

    #[test]
    fn hostile_hosts_are_strangers() {
        for host in [
            "api.snyk.io.evil.com",
            "evil-snyk.io",
            "api.evilsnyk.io",
            "user@api.snyk.io",
            "https://api.snyk.io@evil.com",
            "https://api.snyk.io:8443",
            "api.snyk.io:444",
            "api.xn--snk-0na.io",
            "api.xn--e1awd7f.snyk.io",
            "api.sny\u{43a}.io",
            "api.snyk\u{3002}io",
            "api.snyk.io.",
            "API.",
            ".snyk.io",
            "https://evil.com/api.snyk.io",
            "https://evil.com#api.snyk.io",
            "https://evil.com\\.snyk.io",
            "evil.com?.snyk.io",
            "ftp://api.snyk.io",
            "//api.snyk.io.evil.com",
            "127.0.0.1",
            "[::1]",
            "",
        ] {
            assert_eq!(region(host), None, "{host}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_trusted_lies_below_a_trusted_host(claim in "[a-z.@:/#?\\\\-]{0,12}(snyk\\.io|snykgov\\.io)?[a-z.@:/#?\\\\-]{0,8}") {
            let catalog = builtin_catalog();
            if let HostTrust::Trusted(host) = classify_host(&claim, catalog.provider("snyk").unwrap(), catalog) {
                prop_assert!(host.starts_with("api.") && (host.ends_with(".snyk.io") || host.ends_with(".snykgov.io")), "{}", host);
                let origin = Origin::parse(&format!("https://{host}")).unwrap();
                prop_assert_eq!(origin.host(), host.as_str());
            }
        }
    }
}
