//! Table and parser of the options of curl.
//!
//! Start at [`parse_options`]. An option is known by its name in [`CURL_OPTIONS`]; the effect on the
//! draft is applied in the parent module.

use zeroize::Zeroizing;

use super::CurlParseError;
use crate::util::shell_words::ShellWord;

/// Effect of an option on the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OptionEffect {
    Method,
    Header,
    /// Sets a fixed header to the option's value; an empty value removes it.
    FixedHeader(&'static str),
    /// Asks for a part of the response.
    Range,
    Data(DataEncoding),
    /// Field of a multipart form.
    Form,
    /// Field of a multipart form whose value is literal.
    FormText,
    /// Adds to the query of the URL.
    UrlQuery,
    /// Sends a file with PUT.
    Upload,
    Url,
    Get,
    Head,
    /// Does not expand braces and brackets in the URL.
    LiteralUrl,
    /// Does not remove dot segments from the path.
    LiteralPath,
    /// Carries a secret or asks for another authentication; the text names it.
    Secret(&'static str),
    /// Makes the command something that a request in tokenring cannot express.
    Unsupported,
    /// Cannot change what is sent.
    Ignored,
    /// Is not followed; the text says what tokenring does instead.
    Noted(&'static str),
}

/// Encoding of a piece of the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DataEncoding {
    /// A leading `@` names a file, whose line breaks are removed.
    Plain,
    /// A leading `@` names a file.
    Binary,
    Raw,
    UrlEncoded,
    Json,
}

/// Whether an option has a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OptionArity {
    Flag,
    Value,
}

/// Option from a command line with its value.
pub(super) struct ParsedOption {
    pub(super) name: &'static str,
    pub(super) effect: OptionEffect,
    pub(super) value: ShellWord,
}

/// Option of the table.
#[derive(Clone, Copy)]
pub(super) struct KnownOption {
    pub(super) name: &'static str,
    pub(super) short: Option<char>,
    pub(super) arity: OptionArity,
    effect: OptionEffect,
}

const PROXY: &str = "the proxy comes from HTTPS_PROXY and NO_PROXY";
const DEADLINE: &str = "the command line has --timeout for this";
const RETRY: &str = "the command line has --retry for this";
const CONNECTION: &str = "the connection goes to the host of the URL";
const CERTIFICATES: &str =
    "certificate authorities come from the system, SSL_CERT_FILE and the region's ca_file";
const INSECURE: &str = "certificates are always verified";
const TLS: &str = "TLS is negotiated by this client";
const HEADER: &str = "the header that it adds is not sent";
const REDIRECTS: &str = "a redirect to another origin never gets the credential";
const LINE_BREAKS: &str = "the line breaks of the body stay as they are";

/// Authentication that tokenring replaces by that of the credential.
const AUTHENTICATION: &str = "authentication";

/// All options of curl: their effect, whether they have a value, and their names, some with the
/// letter of their short form.
const CURL_OPTIONS: [(OptionEffect, OptionArity, &str); 46] = {
    use OptionArity::{Flag, Value};
    use OptionEffect as Effect;
    [
        (Effect::Method, Value, "request/X"),
        (Effect::Header, Value, "header/H"),
        (Effect::FixedHeader("referer"), Value, "referer/e"),
        (Effect::FixedHeader("user-agent"), Value, "user-agent/A"),
        (Effect::Range, Value, "range/r"),
        (Effect::Data(DataEncoding::Plain), Value, "data/d data-ascii"),
        (Effect::Data(DataEncoding::Binary), Value, "data-binary"),
        (Effect::Data(DataEncoding::Raw), Value, "data-raw"),
        (Effect::Data(DataEncoding::UrlEncoded), Value, "data-urlencode"),
        (Effect::Data(DataEncoding::Json), Value, "json"),
        (Effect::Form, Value, "form/F"),
        (Effect::FormText, Value, "form-string"),
        (Effect::UrlQuery, Value, "url-query"),
        (Effect::Upload, Value, "upload-file/T"),
        (Effect::Url, Value, "url"),
        (Effect::Get, Flag, "get/G"),
        (Effect::Head, Flag, "head/I"),
        (Effect::LiteralUrl, Flag, "globoff/g"),
        (Effect::LiteralPath, Flag, "path-as-is"),
        (Effect::Secret("user name and password"), Value, "user/u"),
        (Effect::Secret("access token"), Value, "oauth2-bearer"),
        (Effect::Secret("cookies"), Value, "cookie/b"),
        (Effect::Secret("client certificate"), Value, "cert/E proxy-cert"),
        (Effect::Secret("private key"), Value, "key proxy-key"),
        (Effect::Secret("passphrase"), Value, "pass proxy-pass tlspassword proxy-tlspassword"),
        (Effect::Secret("the proxy's user name and password"), Value, "proxy-user/U"),
        (Effect::Secret("header for the proxy"), Value, "proxy-header"),
        (Effect::Secret(AUTHENTICATION), Value, "aws-sigv4 netrc-file"),
        (
            Effect::Secret(AUTHENTICATION),
            Flag,
            "digest negotiate ntlm ntlm-wb netrc/n netrc-optional",
        ),
        (Effect::Unsupported, Value, "config/K request-target variable"),
        (Effect::Unsupported, Flag, "next/: help/h manual/M version/V"),
        (
            Effect::Noted(PROXY),
            Value,
            "proxy/x preproxy noproxy proxy1.0 socks4 socks4a socks5 socks5-hostname",
        ),
        (Effect::Noted(DEADLINE), Value, "max-time/m connect-timeout"),
        (Effect::Noted(RETRY), Value, "retry"),
        (
            Effect::Noted(CONNECTION),
            Value,
            "resolve connect-to interface local-port unix-socket abstract-unix-socket doh-url dns-servers \
             dns-interface dns-ipv4-addr dns-ipv6-addr haproxy-clientip",
        ),
        (Effect::Noted(CONNECTION), Flag, "haproxy-protocol"),
        (Effect::Noted(CERTIFICATES), Value, "cacert capath crlfile pinnedpubkey"),
        (Effect::Noted(INSECURE), Flag, "insecure/k"),
        (Effect::Noted(TLS), Value, "ciphers tls13-ciphers curves tls-max signature-algorithms"),
        (Effect::Noted(HEADER), Value, "time-cond/z etag-compare continue-at/C"),
        (Effect::Noted(HEADER), Flag, "tr-encoding"),
        (Effect::Noted(REDIRECTS), Flag, "location-trusted"),
        (Effect::Noted(LINE_BREAKS), Flag, "crlf"),
        (
            Effect::Ignored,
            Value,
            "alt-svc cert-type cookie-jar/c create-file-mode delegation dump-header/D ech egd-file engine \
             etag-save expect100-timeout ftp-account ftp-alternative-to-user ftp-method ftp-port/P \
             ftp-ssl-ccc-mode happy-eyeballs-timeout-ms hostpubmd5 hostpubsha256 hsts ip-tos ipfs-gateway \
             keepalive-cnt keepalive-time key-type knownhosts krb libcurl limit-rate login-options mail-auth \
             mail-from mail-rcpt max-filesize max-redirs output/o output-dir parallel-max parallel-max-host \
             proto proto-default proto-redir proxy-cacert proxy-capath proxy-cert-type proxy-ciphers \
             proxy-crlfile proxy-key-type proxy-pinnedpubkey proxy-service-name proxy-tls13-ciphers \
             proxy-tlsauthtype proxy-tlsuser pubkey quote/Q random-file rate retry-delay retry-max-time \
             sasl-authzid service-name socks5-gssapi-service speed-limit/Y speed-time/y stderr \
             telnet-option/t tftp-blksize tlsauthtype tlsuser trace trace-ascii trace-config upload-flags \
             vlan-priority write-out/w",
        ),
        (
            Effect::Ignored,
            Flag,
            "alpn anyauth append/a basic buffer ca-native cert-status clobber compressed compressed-ssh \
             create-dirs disable/q disable-eprt disable-epsv disallow-username-in-url doh-cert-status \
             doh-insecure dump-ca-embed eprt epsv fail/f fail-early fail-with-body false-start follow \
             form-escape ftp-create-dirs ftp-pasv ftp-pret ftp-skip-pasv-ip ftp-ssl ftp-ssl-ccc \
             ftp-ssl-control ftp-ssl-reqd http0.9 http1.0/0 http1.1 http2 http2-prior-knowledge http3 \
             http3-only ignore-content-length include/i ipv4/4 ipv6/6 junk-session-cookies/j keepalive \
             list-only/l location/L mail-rcpt-allowfails metalink mptcp no-alpn no-buffer/N no-clobber \
             no-keepalive no-npn no-progress-meter no-sessionid npn out-null parallel/Z parallel-immediate \
             post301 post302 post303 progress-bar/# progress-meter proxy-anyauth proxy-basic \
             proxy-ca-native proxy-digest proxy-http2 proxy-insecure proxy-negotiate proxy-ntlm \
             proxy-ssl-allow-beast proxy-ssl-auto-client-cert proxy-tlsv1 proxytunnel/p raw \
             remote-header-name/J remote-name/O remote-name-all remote-time/R remove-on-error \
             retry-all-errors retry-connrefused sasl-ir sessionid show-error/S show-headers silent/s \
             skip-existing socks5-basic socks5-gssapi socks5-gssapi-nec ssl ssl-allow-beast \
             ssl-auto-client-cert ssl-no-revoke ssl-reqd ssl-revoke-best-effort sslv2/2 sslv3/3 \
             styled-output suppress-connect-headers tcp-fastopen tcp-nodelay tftp-no-options \
             tls-earlydata tlsv1/1 tlsv1.0 tlsv1.1 tlsv1.2 tlsv1.3 trace-ids trace-time use-ascii/B \
             verbose/v xattr",
        ),
        (
            Effect::Unsupported,
            Value,
            "expand-data expand-header expand-url expand-form expand-json",
        ),
    ]
};

/// Returns all options of the table.
pub(super) fn known_options() -> impl Iterator<Item = KnownOption> {
    CURL_OPTIONS.into_iter().flat_map(|(effect, arity, names)| {
        names.split_whitespace().map(move |name| {
            let (name, short) = name.split_once('/').unwrap_or((name, ""));
            KnownOption { name, short: short.chars().next(), arity, effect }
        })
    })
}

/// Finds an option by its name, by the beginning of its name if no other begins with it, or by the
/// name after `no-`, which switches a flag off.
fn find_option(long: &str) -> Option<KnownOption> {
    let exact = |name: &str| known_options().find(|option| option.name == name);
    exact(long)
        .or_else(|| {
            let option = exact(long.strip_prefix("no-")?)?;
            let off = KnownOption { effect: OptionEffect::Ignored, ..option };
            (option.arity == OptionArity::Flag).then_some(off)
        })
        .or_else(|| {
            let mut options = known_options().filter(|option| option.name.starts_with(long));
            options.next().filter(|_| long.len() > 1 && options.next().is_none())
        })
}

/// Parses the words after `curl` as options; a word that is not an option is a URL.
pub(super) fn parse_options(words: Vec<ShellWord>) -> Result<Vec<ParsedOption>, CurlParseError> {
    let mut words = words.into_iter();
    let mut parsed = Vec::new();
    let mut only_urls = false;
    while let Some(word) = words.next() {
        if only_urls || word.text.len() < 2 || !word.text.starts_with('-') {
            parsed.push(ParsedOption { name: "url", effect: OptionEffect::Url, value: word });
        } else if word.text.as_str() == "--" {
            only_urls = true;
        } else if let Some(long) = word.text.strip_prefix("--") {
            let KnownOption { name, arity, effect, .. } =
                find_option(long).ok_or_else(|| unknown_option(long))?;
            let value = match arity {
                OptionArity::Value => words.next().ok_or(CurlParseError::MissingValue(name))?,
                OptionArity::Flag => ShellWord::default(),
            };
            parsed.push(ParsedOption { name, effect, value });
        } else {
            parse_short_options(&word, &mut words, &mut parsed)?;
        }
    }
    Ok(parsed)
}

/// Parses combined short options such as `-sXPOST`. The first letter that takes a value uses the
/// rest of the word, or the next word.
fn parse_short_options(
    word: &ShellWord,
    words: &mut impl Iterator<Item = ShellWord>,
    parsed: &mut Vec<ParsedOption>,
) -> Result<(), CurlParseError> {
    for (at, letter) in word.text[1..].char_indices() {
        let KnownOption { name, arity, effect, .. } = known_options()
            .find(|option| option.short == Some(letter))
            .ok_or_else(|| CurlParseError::UnknownOption(format!("-{letter}")))?;
        if arity == OptionArity::Flag {
            parsed.push(ParsedOption { name, effect, value: ShellWord::default() });
            continue;
        }
        let rest = &word.text[1 + at + letter.len_utf8()..];
        let attached = (!rest.is_empty()).then(|| ShellWord {
            text: Zeroizing::new(rest.to_owned()),
            variable: word.variable.clone(),
        });
        let value = attached.or_else(|| words.next()).ok_or(CurlParseError::MissingValue(name))?;
        parsed.push(ParsedOption { name, effect, value });
        return Ok(());
    }
    Ok(())
}

/// Builds the error for an unknown option. It repeats only lower-case letters, which can form an
/// option's name, because anything after them may be a secret.
fn unknown_option(long: &str) -> CurlParseError {
    let name: String =
        long.chars().take_while(|c| c.is_ascii_lowercase() || *c == '-').take(24).collect();
    CurlParseError::UnknownOption(format!("--{name}"))
}
