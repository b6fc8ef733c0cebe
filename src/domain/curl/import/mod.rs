//! Import of a pasted curl command as a request draft without secrets.
//!
//! tokenring adds the credential's own header when it sends the request. The import therefore drops
//! any credential in the command and everything else that is or looks like a secret, and lists by
//! name what it dropped. Start at [`import_curl`]; `options` interprets the options of the command and
//! `secrets` removes the secrets. The opposite direction is [`crate::domain::request::export`].

mod options;
mod secrets;

use url::Url;

use crate::domain::Origin;
use crate::domain::problem::{Problem, ProblemClass};
use crate::domain::region::{HostRole, Region};
use crate::domain::request::{DraftBody, HttpMethod, RequestDraft, RequestTarget};
use crate::util::shell_words::{ShellSyntaxError, ShellWord, split_first_command};
use options::{DataEncoding, OptionEffect, ParsedOption};

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
    /// A body or header that is read from a file.
    #[error("--{0} reads a file")]
    FileInput(&'static str),
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
    let command = split_first_command(text)?;
    let mut words =
        command.words.into_iter().skip_while(|word| matches!(word.text.as_str(), "$" | "%" | ">"));
    let program = words.next().ok_or(CurlParseError::NotCurl)?;
    if !matches!(program.text.rsplit(['/', '\\']).next(), Some("curl" | "curl.exe")) {
        return Err(CurlParseError::NotCurl);
    }
    let mut parser = CurlParser::default();
    if command.has_trailing_input {
        parser.notes.push("the text after the command was ignored".to_owned());
    }
    options::parse_options(words.collect())?
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
struct CurlParser {
    method: Option<HttpMethod>,
    urls: Vec<String>,
    headers: Vec<(String, String)>,
    body: Option<String>,
    json: bool,
    get: bool,
    head: bool,
    dropped: Vec<String>,
    notes: Vec<String>,
}

impl CurlParser {
    fn apply_option(&mut self, option: ParsedOption) -> Result<(), CurlParseError> {
        let ParsedOption { name, effect, value } = option;
        match effect {
            OptionEffect::Header => return self.add_header(name, value),
            OptionEffect::Secret(what) => self.dropped.push(what.to_owned()),
            OptionEffect::Unsupported => return Err(CurlParseError::UnsupportedOption(name)),
            OptionEffect::Get => self.get = true,
            OptionEffect::Head => self.head = true,
            OptionEffect::Overridden(note) => self.notes.push(note.to_owned()),
            OptionEffect::Ignored | OptionEffect::IgnoredWithValue => {}
            OptionEffect::Method => {
                self.method = Some(
                    HttpMethod::parse(&require_literal(value)?)
                        .ok_or(CurlParseError::InvalidMethod)?,
                );
            }
            OptionEffect::FixedHeader(header) => {
                self.headers.push((header.to_owned(), require_literal(value)?));
            }
            OptionEffect::Url => self.urls.push(require_literal(value)?),
            OptionEffect::Data(data) => return self.add_data(name, data, require_literal(value)?),
        }
        Ok(())
    }

    /// Adds a header. The check for secrets comes before the check for variables, so that
    /// `Authorization: token $SNYK_TOKEN` is dropped instead of being an error.
    fn add_header(&mut self, option: &'static str, value: ShellWord) -> Result<(), CurlParseError> {
        if value.text.starts_with('@') {
            return Err(CurlParseError::FileInput(option));
        }
        let text = value.text.clone();
        let (name, content) = match (text.split_once(':'), text.strip_suffix(';')) {
            (Some((name, content)), _) => (name.trim().to_ascii_lowercase(), content.trim()),
            (None, Some(name)) => (name.trim().to_ascii_lowercase(), ""),
            (None, None) => return Ok(()),
        };
        if secrets::is_secret_header(&name) {
            self.dropped.push(format!("header {name}"));
        } else if name == "host" {
            self.notes.push("the header host was ignored: the region sets the host".to_owned());
        } else if secrets::looks_like_secret(content) {
            self.dropped.push(format!("header {name}, which looks like a secret"));
        } else {
            require_literal(value)?;
            self.headers.push((name, content.to_owned()));
        }
        Ok(())
    }

    fn add_data(
        &mut self,
        option: &'static str,
        data: DataEncoding,
        text: String,
    ) -> Result<(), CurlParseError> {
        let named_file = match data {
            DataEncoding::Raw => false,
            DataEncoding::UrlEncoded => {
                text.split('=').next().is_some_and(|name| name.contains('@'))
            }
            DataEncoding::Plain | DataEncoding::Json => text.starts_with('@'),
        };
        if named_file {
            return Err(CurlParseError::FileInput(option));
        }
        let text = if data == DataEncoding::UrlEncoded { url_encode_data(&text) } else { text };
        self.json |= data == DataEncoding::Json;
        let separator = if data == DataEncoding::Json { "" } else { "&" };
        self.body = Some(
            self.body
                .take()
                .map_or_else(|| text.clone(), |body| format!("{body}{separator}{text}")),
        );
        Ok(())
    }

    fn finish(mut self) -> Result<ImportedRequest, CurlParseError> {
        let [url] = &self.urls[..] else { return Err(CurlParseError::UrlCount(self.urls.len())) };
        let mut url = parse_url(url)?;
        if !url.username().is_empty() || url.password().is_some() {
            self.dropped.push("user name in the URL".to_owned());
            let _ = url.set_username("").and_then(|()| url.set_password(None));
        }
        url.set_fragment(None);
        if self.get
            && let Some(data) = self.body.take()
        {
            let query = url
                .query()
                .filter(|query| !query.is_empty())
                .map(|query| format!("{query}&{data}"));
            url.set_query(Some(&query.unwrap_or(data)));
        }
        self.dropped.extend(secrets::remove_url_secrets(&mut url));
        self.add_content_types();
        let body =
            self.body.take().map(|body| secrets::mask_body_secrets(&body, &mut self.dropped));
        let method = self.method.unwrap_or(match (self.head, &body) {
            (true, _) => HttpMethod::Head,
            (false, Some(_)) => HttpMethod::Post,
            (false, None) => HttpMethod::Get,
        });
        let draft = RequestDraft {
            headers: self.headers,
            body: body.map(DraftBody::Text),
            ..RequestDraft::new(method, RequestTarget::Url(url))
        };
        Ok(ImportedRequest { draft, dropped: self.dropped, notes: self.notes })
    }

    /// Adds the headers that curl adds to a body by default.
    fn add_content_types(&mut self) {
        let mut add = |name: &str, value: &str| {
            if !self.headers.iter().any(|(known, _)| known == name) {
                self.headers.push((name.to_owned(), value.to_owned()));
            }
        };
        match (self.json, &self.body) {
            (true, _) => {
                add("content-type", "application/json");
                add("accept", "application/json");
            }
            (false, Some(_)) => add("content-type", "application/x-www-form-urlencoded"),
            (false, None) => {}
        }
        // `Content-Type:` without a value removes curl's default.
        self.headers.retain(|(name, value)| name != "content-type" || !value.is_empty());
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

/// Encodes `name=content`, `=content` or `content` as form data; only the content is encoded.
fn url_encode_data(text: &str) -> String {
    let encode = |content: &str| {
        url::form_urlencoded::byte_serialize(content.as_bytes()).collect::<String>()
    };
    match text.split_once('=') {
        Some(("", content)) => encode(content),
        Some((name, content)) => format!("{name}={}", encode(content)),
        None => encode(text),
    }
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
            CurlParseError::InvalidEscape | CurlParseError::InvalidMethod => {
                "Correct the command and paste it again"
            }
            CurlParseError::UnknownOption(_) | CurlParseError::MissingValue(_) => {
                "Remove the option, or add its value"
            }
            CurlParseError::UnsupportedOption(_) => {
                "Enter the request by hand: METHOD PATH with --data"
            }
            CurlParseError::FileInput(_) => {
                "Remove the option, and pass the body with --data @FILE"
            }
            CurlParseError::UrlCount(_) => "Paste one request at a time",
            CurlParseError::InvalidUrl => "Write the URL as https://host/path",
        };
        Self::new("The curl command was not imported", error.to_string(), remedy)
            .with_class(ProblemClass::Usage)
    }
}

#[cfg(test)]
mod tests;
