//! A request as a curl command that can be shared: the secret is a variable, never a value.

use std::fmt;

use url::Url;

use super::Origin;
use super::provider::{Kind, Provider};
use super::region::Region;
use super::request::{Draft, Method, TargetError};
use super::text::is_unshowable;

/// A curl command, and what it does not do as this program would.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Curl {
    words: Vec<Word>,
    /// What the command cannot express, in words.
    pub warnings: Vec<String>,
}

/// Whose request it is.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The credential's provider.
    pub provider: &'a Provider,
    /// The credential's kind.
    pub kind: &'a Kind,
    /// The region that is asked.
    pub region: &'a Region,
    /// The authorization scheme that works.
    pub scheme: &'a str,
}

/// One argument of the command, as the program gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Word {
    Plain(String),
    /// A text with the value of a variable at its end.
    Ending {
        text: String,
        variable: String,
    },
}

/// Writes a draft as a curl command.
pub fn curl(draft: &Draft, context: Context<'_>) -> Result<Curl, TargetError> {
    let url = draft.resolve(context.region)?;
    let mut curl = Curl { words: Vec::new(), warnings: Vec::new() };
    curl.method(draft.method);
    curl.authorization(&url, context);
    for (name, value) in draft.headers_with(&context.provider.headers) {
        curl.header(name, value);
    }
    curl.body(draft);
    if let Some(file) = &context.region.ca_file {
        curl.option("--cacert", file.display().to_string());
    }
    curl.url(&url);
    Ok(curl)
}

impl Curl {
    fn method(&mut self, method: Method) {
        match method {
            Method::Get => {}
            Method::Head => self.words.push(Word::Plain("--head".to_owned())),
            other => self.option("--request", other.as_str()),
        }
    }

    fn authorization(&mut self, url: &Url, context: Context<'_>) {
        let bound = Origin::of(url).is_some_and(|origin| context.region.bound_origins().contains(&origin));
        let variable = context.kind.secret_variable();
        if !bound {
            self.warn("the URL is not on a host that the credential is bound to, so the command sends no secret");
            return;
        }
        if context.kind.authorization.exchanges() {
            self.warn(format!("${variable} has to hold a short-lived access token; curl does not exchange the secret for one"));
        }
        self.words.push(Word::Plain("--header".to_owned()));
        self.words.push(Word::Ending { text: format!("Authorization: {} ", context.scheme), variable: variable.to_owned() });
    }

    fn header(&mut self, name: &str, value: &str) {
        if !is_header_name(name) || value.chars().any(is_unshowable) {
            self.warn("a header with characters that a header cannot have is left out");
        } else if value.is_empty() {
            self.option("--header", format!("{name};"));
        } else {
            self.option("--header", format!("{name}: {value}"));
        }
    }

    fn body(&mut self, draft: &Draft) {
        let Some(body) = &draft.body else { return };
        if body.chars().any(|c| is_unshowable(c) && c != '\n' && c != '\t') {
            self.warn("the body holds characters that cannot be shown and is left out; send it with --data-binary @FILE");
            return;
        }
        if draft.header("content-type").is_none() {
            self.option("--header", "Content-Type:");
        }
        self.option("--data-raw", body.as_str());
    }

    fn url(&mut self, url: &Url) {
        if url.as_str().contains(['[', ']', '{', '}']) {
            self.words.push(Word::Plain("--globoff".to_owned()));
        }
        self.words.push(Word::Plain(url.to_string()));
    }

    fn option(&mut self, option: &str, value: impl Into<String>) {
        self.words.extend([Word::Plain(option.to_owned()), Word::Plain(value.into())]);
    }

    fn warn(&mut self, warning: impl Into<String>) {
        self.warnings.push(warning.into());
    }
}

impl fmt::Display for Curl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("curl")?;
        self.words.iter().try_for_each(|word| write!(f, " {word}"))
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(text) => f.write_str(&quote(text)),
            Self::Ending { text, variable } if text.bytes().all(|b| is_bare(b) || b == b' ') => {
                write!(f, "\"{text}${variable}\"")
            }
            Self::Ending { text, variable } => write!(f, "{}\"${variable}\"", quote(text)),
        }
    }
}

/// A text as one word of a POSIX shell.
fn quote(text: &str) -> String {
    if !text.is_empty() && text.bytes().all(is_bare) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Whether a byte means only itself in every shell.
fn is_bare(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'/' | b':' | b',' | b'%' | b'+' | b'@')
}

fn is_header_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::provider::builtin;
    use crate::domain::request::Target;

    fn written(provider: &str, kind: &str, draft: &Draft) -> Curl {
        let catalogue = builtin();
        let kind = catalogue.kind(provider, kind).unwrap();
        let region = catalogue.regions(provider).unwrap().first().unwrap();
        let provider = catalogue.provider(provider).unwrap();
        curl(draft, Context { provider, kind, region, scheme: kind.authorization.scheme() }).unwrap()
    }

    fn draft(method: Method, target: &str) -> Draft {
        Draft::new(method, Target::parse(target).unwrap())
    }

    /// What the program `curl` would get, told by a shell.
    fn arguments(line: &str) -> Vec<String> {
        let script = format!("curl() {{ printf '%s\\0' \"$@\"; }}\nSNYK_TOKEN='s e$c\"ret'\n{line}");
        let output = std::process::Command::new("sh").arg("-c").arg(script).output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{line}");
        let text = String::from_utf8(output.stdout).unwrap();
        text.split_terminator('\0').map(str::to_owned).collect()
    }

    #[test]
    fn the_secret_is_a_variable() {
        let line = written("snyk", "personal-access-token", &draft(Method::Get, "/rest/self?version=2024-10-15")).to_string();
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
            let word = Word::Ending { text: text.to_owned(), variable: "SNYK_TOKEN".to_owned() };
            assert_eq!(arguments(&format!("curl {word}")), [format!("{text}s e$c\"ret")]);
        }
    }

    #[test]
    fn what_curl_cannot_do_is_said() {
        let exchanged = written("appcircle", "api-key", &draft(Method::Get, "/identity/v1/organizations"));
        assert!(exchanged.warnings[0].contains("$APPCIRCLE_ACCESS_TOKEN"), "{exchanged:?}");
        let foreign = written("snyk", "personal-token", &draft(Method::Get, "https://evil.example/"));
        assert!(foreign.warnings[0].contains("sends no secret") && !foreign.to_string().contains("SNYK_TOKEN"));
        let odd = Draft {
            headers: vec![("x".to_owned(), "a\r\nb".to_owned()), ("no good".to_owned(), "v".to_owned())],
            body: Some("\u{1b}[2J".to_owned()),
            ..draft(Method::Post, "/a")
        };
        assert_eq!(written("snyk", "personal-token", &odd).warnings.len(), 3);
    }

    #[test]
    fn a_body_keeps_its_type_and_an_empty_header_stays() {
        let draft =
            Draft { body: Some("@x".to_owned()), headers: vec![("x-a".to_owned(), String::new())], ..draft(Method::Put, "/a") };
        let got = arguments(&written("snyk-api-web", "api-key", &draft).to_string());
        for expected in ["--request", "PUT", "x-a;", "Content-Type:", "--data-raw", "@x"] {
            assert!(got.iter().any(|word| word == expected), "{expected} in {got:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_shell_reads_back_what_was_meant(value in "[ -~é]{1,20}", body in "[ -~\n\t$`'\"\\\\!]{0,40}", path in "/[a-z$'`;&|*?=\\[\\]{}()<>~]{0,12}") {
            let draft = Draft {
                headers: vec![("x-odd".to_owned(), value.clone())],
                body: Some(body.clone()),
                query: vec![("q".to_owned(), value.clone())],
                ..Draft::new(Method::Post, Target::Path { place: super::super::region::Place::Api, path })
            };
            let curl = written("snyk", "personal-token", &draft);
            let meant: Vec<String> = curl.words.iter().map(|word| match word {
                Word::Plain(text) => text.clone(),
                Word::Ending { text, .. } => format!("{text}s e$c\"ret"),
            }).collect();
            prop_assert_eq!(arguments(&curl.to_string()), meant);
        }
    }
}
