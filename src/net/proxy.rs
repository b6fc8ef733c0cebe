//! Proxy variables: checked before a connection is opened, because the HTTP library ignores an
//! unusable one and would go around the proxy.
//!
//! Start at [`check_proxy_variables`]. Which requests use a proxy is decided in `client`.

use url::Url;

use super::NetError;

/// Variables that set the proxy of `https` requests, then those of `http`, and of both.
const HTTPS_VARIABLES: [&str; 2] = ["HTTPS_PROXY", "https_proxy"];
const HTTP_VARIABLES: [&str; 2] = ["HTTP_PROXY", "http_proxy"];
const COMMON_VARIABLES: [&str; 2] = ["ALL_PROXY", "all_proxy"];

/// Schemes of the proxies that requests can use.
const PROXY_SCHEMES: [&str; 6] = ["http", "https", "socks4", "socks4a", "socks5", "socks5h"];

/// Fails if a variable that sets the proxy of this scheme has an unusable value. `variable` returns
/// the value of a variable.
pub(super) fn check_proxy_variables(
    scheme: &str,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<(), NetError> {
    let own = if scheme == "http" { HTTP_VARIABLES } else { HTTPS_VARIABLES };
    for name in own.into_iter().chain(COMMON_VARIABLES) {
        let Some(value) = variable(name).filter(|value| !value.is_empty()) else { continue };
        parse_proxy(&value).map_err(|why| {
            NetError::InvalidRequest(format!(
                "{name} is not a usable proxy: {why}; use a URL such as http://proxy.example:3128, or unset the variable"
            ))
        })?;
    }
    Ok(())
}

/// Parses the value of a proxy variable: a URL, or host and port. The error never contains the
/// value, which may hold a password.
pub fn parse_proxy(value: &str) -> Result<Url, &'static str> {
    if value.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err("the value contains a space or a line break");
    }
    let with_scheme =
        if value.contains("://") { value.to_owned() } else { format!("http://{value}") };
    let url = Url::parse(&with_scheme).map_err(|_| "the value is not a URL")?;
    if !PROXY_SCHEMES.contains(&url.scheme()) {
        return Err("its scheme is none of http, https, socks4, socks4a, socks5 and socks5h");
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err("the value names no host");
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_proxy_is_usable_or_told() {
        for value in [
            "http://proxy.example:3128",
            "https://proxy.example",
            "proxy.example:3128",
            "127.0.0.1:1",
            "[::1]:3128",
            "http://me:pw@proxy.example:3128/",
            "socks5h://proxy.example:1080",
            "socks4://proxy.example",
        ] {
            assert!(parse_proxy(value).is_ok(), "{value}");
        }
        for (value, why) in [
            ("ftp://proxy.example:21", "its scheme"),
            ("proxy.example:port", "not a URL"),
            ("http://proxy.example:99999", "not a URL"),
            ("http://", "not a URL"),
            ("socks5://", "names no host"),
            (" http://proxy.example", "a space"),
            ("http://proxy .example", "a space"),
            ("pac+https://proxy.example/x.pac", "its scheme"),
        ] {
            assert!(parse_proxy(value).unwrap_err().contains(why), "{value}");
        }
    }

    #[test]
    fn only_the_variables_of_the_scheme_count_and_the_value_is_never_shown() {
        let check = |scheme: &str, name: &'static str| {
            check_proxy_variables(scheme, |asked| {
                (asked == name).then(|| "gopher://me:hidden@proxy".to_owned())
            })
        };
        for (scheme, name, fails) in [
            ("https", "HTTPS_PROXY", true),
            ("https", "https_proxy", true),
            ("https", "ALL_PROXY", true),
            ("https", "HTTP_PROXY", false),
            ("http", "http_proxy", true),
            ("http", "all_proxy", true),
            ("http", "HTTPS_PROXY", false),
            ("https", "NO_PROXY", false),
        ] {
            let checked = check(scheme, name);
            assert_eq!(checked.is_err(), fails, "{scheme} {name}");
            if let Err(error) = checked {
                let text = error.to_string();
                assert!(text.contains(name) && !text.contains("hidden"), "{text}");
            }
        }
        assert_eq!(check_proxy_variables("https", |_| Some(String::new())), Ok(()));
    }
}
