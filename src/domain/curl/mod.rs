//! Import of a pasted curl command as a request draft without secrets.
//!
//! tokenring adds the credential's own header when it sends the request. The import therefore drops
//! any credential in the command and everything else that is or looks like a secret, and lists by
//! name what it dropped. Start at [`import_curl`]; `command` finds the command in the text, `options`
//! interprets its options, `body` collects its data, and `secrets` removes the secrets. The
//! opposite direction is [`crate::domain::request::export`].

mod body;
mod command;
mod options;
mod secrets;
#[cfg(test)]
mod tests;
use body::ImportedBody;
use command::FoundCommand;
use options::{OptionEffect, ParsedOption};
use url::Url;

use crate::domain::Origin;
use crate::domain::problem::{Problem, ProblemClass};
use crate::domain::region::{HostRole, Region};
use crate::domain::request::{HeaderChange, HttpMethod, RequestDraft, RequestTarget};
use crate::util::shell_words::{ShellSyntaxError, ShellWord};

/// Request imported from a curl command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedRequest {
    /// Request draft.
    pub draft: RequestDraft,
    /// Names of the secrets that were dropped, never their values.
    pub dropped: Vec<String>,
    /// Notes about other differences from the command.
    pub notes: Vec<String>,
}

/// Reason why a text cannot be imported as a request. No variant repeats a value from the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CurlParseError {
    /// The text does not start with `curl`.
    #[error("the text is not a curl command")]
    NotCurl,
    /// A quote is not closed.
    #[error("a quote is not closed")]
    UnclosedQuote,
    /// A construct that only a shell can evaluate.
    #[error("the command contains a shell substitution")]
    ShellSubstitution,
    /// `\u` or a similar escape that names no character.
    #[error("invalid escape in $'…'")]
    InvalidEscape,
    /// A variable at a position where its value matters.
    #[error("the value of ${0} is known only to the shell")]
    UnresolvedVariable(String),
    /// An unknown option.
    #[error("unknown option {0}")]
    UnknownOption(String),
    /// An option without its value at the end of the command.
    #[error("--{0} needs a value")]
    MissingValue(&'static str),
    /// An option that a request in tokenring cannot express.
    #[error("--{0} cannot be imported")]
    UnsupportedOption(&'static str),
    /// A header or a part of the body that is read from a file.
    #[error("--{0} reads a file")]
    FileInput(&'static str),
    /// A body from the standard input of the command.
    #[error("--{0} reads standard input")]
    StandardInput(&'static str),
    /// A form field that is not understood.
    #[error("a form field is not understood")]
    InvalidForm,
    /// Data, a form and a file in one command.
    #[error("the command has several bodies")]
    SeveralBodies,
    /// No URL, or more than one.
    #[error("the command has {0} URLs")]
    UrlCount(usize),
    /// The URL is invalid.
    #[error("the URL is not valid")]
    InvalidUrl,
    /// The method is not an HTTP method.
    #[error("the method is not an HTTP method")]
    InvalidMethod,
}

/// Imports a curl command.
///
/// # Errors
///
/// Fails where the text is not a single curl command that a draft can express; see
/// [`CurlParseError`].
pub fn import_curl(text: &str) -> Result<ImportedRequest, CurlParseError> {
    let FoundCommand { command, notes } = command::find_command(text)?;
    let mut parser = CurlParser { notes, ..CurlParser::default() };
    parser.body.input = command.input;
    options::parse_options(command.words)?
        .into_iter()
        .try_for_each(|option| parser.apply_option(option))?;
    parser.finish()
}

impl ImportedRequest {
    /// Replaces the URL by its path where it belongs to one of the region's hosts. A URL on another
    /// host stays as it is, and the secret is never sent there.
    #[must_use]
    pub fn in_region(mut self, region: &Region) -> Self {
        if let RequestTarget::Url(url) = &self.draft.target {
            let origin = Origin::from_url(url);
            let at = |place: &HostRole| Some(region.origin(*place)) == origin.as_ref();
            if let Some(place) = [HostRole::Api, HostRole::Auth, HostRole::App].into_iter().find(at)
            {
                let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
                self.draft.target =
                    RequestTarget::Path { place, path: format!("{}{query}", url.path()) };
            }
        }
        self
    }
}

/// State of the import while the options are read.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of curl")]
struct CurlParser {
    method: Option<HttpMethod>,
    urls: Vec<String>,
    headers: Vec<HeaderChange>,
    query: Vec<String>,
    body: ImportedBody,
    get: bool,
    head: bool,
    literal_url: bool,
    literal_path: bool,
    dropped: Vec<String>,
    notes: Vec<String>,
}

impl CurlParser {
    fn apply_option(&mut self, option: ParsedOption) -> Result<(), CurlParseError> {
        let ParsedOption { name, effect, value } = option;
        match effect {
            OptionEffect::Header => return self.add_header(name, value),
            OptionEffect::Secret(what) => self.dropped.push(format!("{what} (--{name})")),
            OptionEffect::Unsupported => return Err(CurlParseError::UnsupportedOption(name)),
            OptionEffect::Get => self.get = true,
            OptionEffect::Head => self.head = true,
            OptionEffect::LiteralUrl => self.literal_url = true,
            OptionEffect::LiteralPath => self.literal_path = true,
            OptionEffect::Noted(note) => {
                let note = format!("--{name} was ignored: {note}");
                if !self.notes.contains(&note) {
                    self.notes.push(note);
                }
            }
            OptionEffect::Ignored => {}
            OptionEffect::Method => {
                self.method = Some(
                    HttpMethod::parse(&require_literal(value)?)
                        .ok_or(CurlParseError::InvalidMethod)?,
                );
            }
            OptionEffect::FixedHeader(header) => {
                let value = require_literal(value)?;
                self.headers.push(match value.strip_suffix(";auto").unwrap_or(&value) {
                    "" => HeaderChange::Remove(header.to_owned()),
                    value => HeaderChange::Set(header.to_owned(), value.to_owned()),
                });
            }
            OptionEffect::Range => {
                let range = format!("bytes={}", require_literal(value)?);
                self.headers.push(HeaderChange::Set("range".to_owned(), range));
            }
            OptionEffect::Url => self.urls.push(require_literal(value)?),
            OptionEffect::UrlQuery => {
                let text = require_literal(value)?;
                let literal = text.strip_prefix('+').map(|text| Ok(text.to_owned()));
                self.query.push(literal.unwrap_or_else(|| body::url_encode_data(name, &text))?);
            }
            OptionEffect::Data(encoding) => return self.body.add_data(name, encoding, value),
            OptionEffect::Form => return self.body.add_form(value, false, &mut self.dropped),
            OptionEffect::FormText => return self.body.add_form(value, true, &mut self.dropped),
            OptionEffect::Upload => return self.body.set_upload(value),
        }
        Ok(())
    }

    /// Adds a header. The check for secrets comes before the check for variables, so that
    /// `Authorization: token $SNYK_TOKEN` is dropped instead of being an error.
    fn add_header(&mut self, option: &'static str, value: ShellWord) -> Result<(), CurlParseError> {
        if value.text.starts_with('@') {
            return Err(CurlParseError::FileInput(option));
        }
        if value.text.starts_with(':') {
            self.notes
                .push("an HTTP/2 pseudo-header was ignored: the client sets it itself".to_owned());
            return Ok(());
        }
        // curl ignores a header that is neither a value nor removed nor empty.
        let at = value.text.find([':', ';']).filter(|at| {
            value.text[*at..].starts_with(':') || value.text[at + 1..].trim().is_empty()
        });
        let Some(at) = at else { return Ok(()) };
        let (name, content) = (value.text[..at].trim().to_ascii_lowercase(), &value.text[at + 1..]);
        if secrets::is_secret_header(&name) {
            self.dropped.push(format!("header {name}"));
        } else if name == "host" {
            self.notes.push("the header host was ignored: the region sets the host".to_owned());
        } else if secrets::looks_like_secret(content) {
            self.dropped.push(format!("header {name}, which looks like a secret"));
        } else if let Ok(change) = HeaderChange::parse(&value.text) {
            require_literal(value)?;
            self.headers.push(change);
        }
        Ok(())
    }

    fn finish(mut self) -> Result<ImportedRequest, CurlParseError> {
        let [text] = &self.urls[..] else { return Err(CurlParseError::UrlCount(self.urls.len())) };
        let mut url = self.parse_url(&text.clone())?;
        let has_body = self.body.is_given() && !self.get;
        let headers = self.headers_with_defaults(has_body);
        let query = if self.get { self.body.take_query()? } else { None };
        for part in self.query.drain(..).chain(query) {
            let known = url.query().filter(|query| !query.is_empty());
            let whole = known.map(|query| format!("{query}&{part}"));
            url.set_query(Some(&whole.unwrap_or(part)));
        }
        self.dropped.extend(secrets::remove_url_secrets(&mut url));
        let default_method = match (self.head, self.body.is_upload(), has_body) {
            (true, ..) => HttpMethod::Head,
            (false, true, _) => HttpMethod::Put,
            (false, false, true) => HttpMethod::Post,
            (false, false, false) => HttpMethod::Get,
        };
        let mut draft = RequestDraft {
            body: self.body.finish(&mut self.dropped, &mut self.notes)?,
            ..RequestDraft::new(self.method.unwrap_or(default_method), RequestTarget::Url(url))
        };
        for change in headers {
            draft.add_header(change);
        }
        self.notes.extend(draft.drop_unsupported_headers());
        Ok(ImportedRequest { draft, dropped: self.dropped, notes: self.notes })
    }

    /// Parses the URL, and notes where curl would send to another one, or to several.
    fn parse_url(&mut self, text: &str) -> Result<Url, CurlParseError> {
        let text = if self.literal_url { text.to_owned() } else { self.read_globs(text) };
        if !text.contains("://") {
            self.notes.push("the URL has no scheme: https is used, not http".to_owned());
        }
        let mut url = parse_url(&text)?;
        let has_dots = text.contains("/./") || text.contains("/../");
        if self.literal_path && has_dots {
            self.notes.push("--path-as-is was ignored: dots in the path are resolved".to_owned());
        }
        if !url.username().is_empty() || url.password().is_some() {
            self.dropped.push("user name in the URL".to_owned());
            let _ = url.set_username("").and_then(|()| url.set_password(None));
        }
        url.set_fragment(None);
        if let Some(name) = self.body.upload_name().filter(|_| url.path().ends_with('/')) {
            let path = format!("{}{name}", url.path());
            url.set_path(&path);
        }
        Ok(url)
    }

    /// Notes the braces and brackets that curl would expand, and removes the backslashes before
    /// those that it would not.
    fn read_globs(&mut self, text: &str) -> String {
        let (start, end) =
            text.split_once("://").map_or(("", text), |(scheme, rest)| (scheme, rest));
        let path = end.find('/').map_or("", |at| &end[at..]);
        let plain = path.replace("\\{", "").replace("\\[", "");
        let expands = |open, close| plain.find(open).is_some_and(|at| plain[at..].contains(close));
        if expands('{', '}') || expands('[', ']') {
            self.notes.push("braces and brackets in the URL were taken as they are; curl would send one request for each of their values".to_owned());
        }
        let mut url = format!("{start}{}{end}", if start.is_empty() { "" } else { "://" });
        for escaped in ["\\{", "\\}", "\\[", "\\]"] {
            url = url.replace(escaped, &escaped[1..]);
        }
        url
    }

    /// Returns the headers with those that curl adds to a body.
    fn headers_with_defaults(&mut self, has_body: bool) -> Vec<HeaderChange> {
        let mut headers = std::mem::take(&mut self.headers);
        let is_form = self.body.is_form();
        headers.retain(|change| {
            // The form has its own boundary.
            !(is_form && matches!(change, HeaderChange::Set(name, _) if name == "content-type"))
        });
        let mut add = |name: &str, value: &str| {
            let is_known = |change: &HeaderChange| change.name() == name;
            if !headers.iter().any(is_known) {
                headers.push(HeaderChange::Set(name.to_owned(), value.to_owned()));
            }
        };
        if self.body.is_json() {
            add("content-type", "application/json");
            add("accept", "application/json");
        } else if has_body && !is_form && !self.body.is_upload() {
            add("content-type", "application/x-www-form-urlencoded");
        }
        headers
    }
}

/// Returns the text of a word that contains no variable.
fn require_literal(word: ShellWord) -> Result<String, CurlParseError> {
    match word.variable {
        Some(name) => Err(CurlParseError::UnresolvedVariable(name)),
        None => Ok(word.text.as_str().to_owned()),
    }
}

/// Parses the URL. Without a scheme curl guesses `http`; tokenring sends nothing unencrypted, so
/// the default here is `https`.
fn parse_url(text: &str) -> Result<Url, CurlParseError> {
    let whole = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    Url::parse(&whole)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        .ok_or(CurlParseError::InvalidUrl)
}

impl From<ShellSyntaxError> for CurlParseError {
    fn from(error: ShellSyntaxError) -> Self {
        match error {
            ShellSyntaxError::UnclosedQuote => Self::UnclosedQuote,
            ShellSyntaxError::Substitution => Self::ShellSubstitution,
            ShellSyntaxError::InvalidEscape => Self::InvalidEscape,
        }
    }
}

impl From<CurlParseError> for Problem {
    fn from(error: CurlParseError) -> Self {
        let remedy = match &error {
            CurlParseError::NotCurl => "Paste a complete command that starts with curl",
            CurlParseError::UnclosedQuote => "Paste the complete command, including its last line",
            CurlParseError::ShellSubstitution | CurlParseError::UnresolvedVariable(_) => {
                "Insert the value itself; the credential's header needs no value"
            }
            CurlParseError::InvalidEscape
            | CurlParseError::InvalidMethod
            | CurlParseError::InvalidForm
            | CurlParseError::SeveralBodies => "Correct the command and paste it again",
            CurlParseError::UnknownOption(_) | CurlParseError::MissingValue(_) => {
                "Remove the option, or add its value"
            }
            CurlParseError::UnsupportedOption(_) => {
                "Remove the option, or enter the request by hand: METHOD PATH"
            }
            CurlParseError::FileInput(_) | CurlParseError::StandardInput(_) => {
                "Remove the option, and pass the body with --data-binary @FILE"
            }
            CurlParseError::UrlCount(_) => "Paste one request at a time",
            CurlParseError::InvalidUrl => "Write the URL as https://host/path",
        };
        Self::new("The curl command was not imported", error.to_string(), remedy)
            .with_class(ProblemClass::Usage)
    }
}
