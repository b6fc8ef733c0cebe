//! Export of a request as a curl command that is safe to share: the secret is a variable, never a
//! value.
//!
//! The opposite direction is [`crate::domain::curl::import`]. Start at [`build_curl_command`].

use std::fmt;

use url::Url;

use crate::domain::Origin;
use crate::domain::provider::{CredentialKind, Provider};
use crate::domain::region::Region;
use crate::domain::request::{DraftBody, HttpMethod, RequestDraft, TargetError};
use crate::domain::text::is_unprintable;

/// curl command, and the differences between it and the request that tokenring sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurlCommand {
    arguments: Vec<CurlArgument>,
    /// Warnings about what the command cannot express.
    pub warnings: Vec<String>,
}

/// Credential details that a curl command needs.
#[derive(Debug, Clone, Copy)]
pub struct CurlContext<'a> {
    /// Provider of the credential.
    pub provider: &'a Provider,
    /// Kind of the credential.
    pub kind: &'a CredentialKind,
    /// Region that receives the request.
    pub region: &'a Region,
    /// Authorization scheme that works.
    pub scheme: &'a str,
}

/// One argument of the command, before shell quoting.
#[derive(Debug, Clone, PartialEq, Eq)]
enum CurlArgument {
    Plain(String),
    /// Text followed by the value of a variable.
    WithVariable {
        text: String,
        variable: String,
    },
}

/// Builds the curl command for a draft.
///
/// # Errors
///
/// Fails where the draft's target does not resolve to a URL in the region.
pub fn build_curl_command(
    draft: &RequestDraft,
    context: CurlContext<'_>,
) -> Result<CurlCommand, TargetError> {
    let url = draft.resolve(context.region)?;
    let mut curl = CurlCommand { arguments: Vec::new(), warnings: Vec::new() };
    curl.push_method(draft.method);
    curl.push_authorization(&url, context);
    for (name, value) in draft.headers_with_defaults(&context.provider.headers) {
        curl.push_header(name, value);
    }
    curl.push_body(draft);
    if let Some(file) = &context.region.ca_file {
        curl.push_option("--cacert", file.display().to_string());
    }
    curl.push_url(&url);
    Ok(curl)
}

impl CurlCommand {
    fn push_method(&mut self, method: HttpMethod) {
        match method {
            HttpMethod::Get => {}
            HttpMethod::Head => self.arguments.push(CurlArgument::Plain("--head".to_owned())),
            other => self.push_option("--request", other.as_str()),
        }
    }

    fn push_authorization(&mut self, url: &Url, context: CurlContext<'_>) {
        let bound = Origin::from_url(url)
            .is_some_and(|origin| context.region.bound_origins().contains(&origin));
        let variable = context.kind.secret_variable();
        if !bound {
            self.add_warning("the credential is not bound to the host of the URL, so the command sends no secret");
            return;
        }
        if context.kind.authorization.uses_token_exchange() {
            self.add_warning(format!(
                "${variable} must contain a short-lived access token; curl does not exchange the secret for one"
            ));
        }
        self.arguments.push(CurlArgument::Plain("--header".to_owned()));
        self.arguments.push(CurlArgument::WithVariable {
            text: format!("Authorization: {} ", context.scheme),
            variable: variable.to_owned(),
        });
    }

    fn push_header(&mut self, name: &str, value: &str) {
        if !is_header_name(name) || value.chars().any(is_unprintable) {
            self.add_warning("a header with invalid characters is omitted");
        } else if value.is_empty() {
            self.push_option("--header", format!("{name};"));
        } else {
            self.push_option("--header", format!("{name}: {value}"));
        }
    }

    fn push_body(&mut self, draft: &RequestDraft) {
        let Some(body) = draft.body.as_ref().and_then(DraftBody::text) else { return };
        if body.chars().any(|c| is_unprintable(c) && c != '\n' && c != '\t') {
            self.add_warning("the body contains characters that cannot be displayed and is omitted; send the body with --data-binary @FILE");
            return;
        }
        if draft.header("content-type").is_none() {
            self.push_option("--header", "Content-Type:");
        }
        self.push_option("--data-raw", body);
    }

    fn push_url(&mut self, url: &Url) {
        if url.as_str().contains(['[', ']', '{', '}']) {
            self.arguments.push(CurlArgument::Plain("--globoff".to_owned()));
        }
        self.arguments.push(CurlArgument::Plain(url.to_string()));
    }

    fn push_option(&mut self, option: &str, value: impl Into<String>) {
        self.arguments
            .extend([CurlArgument::Plain(option.to_owned()), CurlArgument::Plain(value.into())]);
    }

    fn add_warning(&mut self, warning: impl Into<String>) {
        self.warnings.push(warning.into());
    }
}

impl fmt::Display for CurlCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("curl")?;
        self.arguments.iter().try_for_each(|word| write!(f, " {word}"))
    }
}

impl fmt::Display for CurlArgument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(text) => f.write_str(&quote_for_shell(text)),
            Self::WithVariable { text, variable }
                if text.bytes().all(|b| needs_no_quoting(b) || b == b' ') =>
            {
                write!(f, "\"{text}${variable}\"")
            }
            Self::WithVariable { text, variable } => {
                write!(f, "{}\"${variable}\"", quote_for_shell(text))
            }
        }
    }
}

/// Quotes a text as one word of a POSIX shell.
fn quote_for_shell(text: &str) -> String {
    if !text.is_empty() && text.bytes().all(needs_no_quoting) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Whether a byte has no special meaning in any shell.
fn needs_no_quoting(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'-' | b'_' | b'.' | b'/' | b':' | b',' | b'%' | b'+' | b'@')
}

fn is_header_name(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::provider::builtin_catalog;
    use crate::domain::request::RequestTarget;

    fn written(provider: &str, kind: &str, draft: &RequestDraft) -> CurlCommand {
        let catalog = builtin_catalog();
        let kind = catalog.kind(provider, kind).unwrap();
        let region = catalog.regions(provider).unwrap().first().unwrap();
        let provider = catalog.provider(provider).unwrap();
        build_curl_command(
            draft,
            CurlContext { provider, kind, region, scheme: kind.authorization.scheme() },
        )
        .unwrap()
    }

    fn draft(method: HttpMethod, target: &str) -> RequestDraft {
        RequestDraft::new(method, RequestTarget::parse(target).unwrap())
    }

    /// Returns the arguments that a shell would pass to `curl`.
    fn arguments(line: &str) -> Vec<String> {
        let script =
            format!("curl() {{ printf '%s\\0' \"$@\"; }}\nSNYK_TOKEN='s e$c\"ret'\n{line}");
        let output = std::process::Command::new("sh").arg("-c").arg(script).output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{line}");
        let text = String::from_utf8(output.stdout).unwrap();
        text.split_terminator('\0').map(str::to_owned).collect()
    }

    #[test]
    fn the_secret_is_a_variable() {
        let line = written(
            "snyk",
            "personal-access-token",
            &draft(HttpMethod::Get, "/rest/self?version=2024-10-15"),
        )
        .to_string();
        assert_eq!(
            line,
            "curl --header \"Authorization: token $SNYK_TOKEN\" --header 'accept: application/vnd.api+json, application/json' \
             'https://api.snyk.io/rest/self?version=2024-10-15'"
        );
        assert_eq!(arguments(&line)[1], "Authorization: token s e$c\"ret");
    }

    #[test]
    fn what_stands_before_a_variable_means_only_itself() {
        for text in ["Authorization: ", "a`id`", "\\\\", "$HOME ", "\"it's ", ""] {
            let word = CurlArgument::WithVariable {
                text: text.to_owned(),
                variable: "SNYK_TOKEN".to_owned(),
            };
            assert_eq!(arguments(&format!("curl {word}")), [format!("{text}s e$c\"ret")]);
        }
    }

    #[test]
    fn what_curl_cannot_do_is_said() {
        let exchanged =
            written("appcircle", "api-key", &draft(HttpMethod::Get, "/identity/v1/organizations"));
        assert!(exchanged.warnings[0].contains("$APPCIRCLE_ACCESS_TOKEN"), "{exchanged:?}");
        let foreign =
            written("snyk", "personal-token", &draft(HttpMethod::Get, "https://evil.example/"));
        assert!(
            foreign.warnings[0].contains("sends no secret")
                && !foreign.to_string().contains("SNYK_TOKEN")
        );
        let odd = RequestDraft {
            headers: vec![
                ("x".to_owned(), "a\r\nb".to_owned()),
                ("no good".to_owned(), "v".to_owned()),
            ],
            body: Some("\u{1b}[2J".into()),
            ..draft(HttpMethod::Post, "/a")
        };
        assert_eq!(written("snyk", "personal-token", &odd).warnings.len(), 3);
    }

    #[test]
    fn a_body_keeps_its_type_and_an_empty_header_stays() {
        let draft = RequestDraft {
            body: Some("@x".into()),
            headers: vec![("x-a".to_owned(), String::new())],
            ..draft(HttpMethod::Put, "/a")
        };
        let got = arguments(&written("snyk-api-web", "api-key", &draft).to_string());
        for expected in ["--request", "PUT", "x-a;", "Content-Type:", "--data-raw", "@x"] {
            assert!(got.iter().any(|word| word == expected), "{expected} in {got:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_shell_reads_back_what_was_meant(value in "[ -~é]{1,20}", body in "[ -~\n\t$`'\"\\\\!]{0,40}", path in "/[a-z$'`;&|*?=\\[\\]{}()<>~]{0,12}") {
            let draft = RequestDraft {
                headers: vec![("x-odd".to_owned(), value.clone())],
                body: Some(body.as_str().into()),
                query: vec![("q".to_owned(), value.clone())],
                ..RequestDraft::new(HttpMethod::Post, RequestTarget::Path { place: crate::domain::region::HostRole::Api, path })
            };
            let curl = written("snyk", "personal-token", &draft);
            let meant: Vec<String> = curl.arguments.iter().map(|word| match word {
                CurlArgument::Plain(text) => text.clone(),
                CurlArgument::WithVariable { text, .. } => format!("{text}s e$c\"ret"),
            }).collect();
            prop_assert_eq!(arguments(&curl.to_string()), meant);
        }
    }
}
