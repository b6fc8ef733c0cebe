//! A request from a curl command that somebody pasted, without the secrets in it.
//!
//! The credential's own header is added when the request is sent, so whatever the command carries in its place is
//! dropped, and so is everything else that is or looks like a secret. What was dropped is told by name.

mod options;
mod secrets;
mod words;

use url::Url;

use super::Origin;
use super::problem::{Class, Problem};
use super::region::{Place, Region};
use super::request::{Draft, Method, Target};
use options::{Data, Effect, Given};

/// A command that was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// The request.
    pub draft: Draft,
    /// What was dropped because it is a secret, in words without the secret.
    pub dropped: Vec<String>,
    /// What else is different here.
    pub notes: Vec<String>,
}

/// Why a text is not taken as a request. Nothing of the text's values is repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CurlError {
    /// It does not begin with `curl`.
    #[error("the text is not a curl command")]
    NotCurl,
    /// A quote is not closed.
    #[error("a quote is not closed")]
    Unclosed,
    /// Something that only a shell can work out.
    #[error("a part of the command would have to be run by a shell")]
    Substitution,
    /// `\u` without a character.
    #[error("an escape in $'…' is no character")]
    Escape,
    /// A variable where its value matters.
    #[error("only the shell knows the value of ${0}")]
    Variable(String),
    /// An option that is not known.
    #[error("the option {0} is not known here")]
    Option(String),
    /// An option at the end that wants a value.
    #[error("--{0} has no value")]
    NoValue(&'static str),
    /// An option that a request here cannot express.
    #[error("--{0} cannot be taken over")]
    Unfit(&'static str),
    /// A body or header from a file.
    #[error("--{0} reads a file")]
    File(&'static str),
    /// No URL, or more than one.
    #[error("the command has {0} URLs")]
    Urls(usize),
    /// The URL is none.
    #[error("the URL cannot be read")]
    Url,
    /// A method that HTTP does not have.
    #[error("the method is none of HTTP's")]
    Method,
}

/// Reads a curl command.
pub fn import(text: &str) -> Result<Imported, CurlError> {
    let command = words::split(text)?;
    let mut words = command.words.into_iter().skip_while(|word| matches!(word.text.as_str(), "$" | "%" | ">"));
    let program = words.next().ok_or(CurlError::NotCurl)?;
    if !matches!(program.text.rsplit(['/', '\\']).next(), Some("curl" | "curl.exe")) {
        return Err(CurlError::NotCurl);
    }
    let mut reading = Reading::default();
    if command.followed {
        reading.notes.push("what follows the command was left out".to_owned());
    }
    options::read(words.collect())?.into_iter().try_for_each(|given| reading.take(given))?;
    reading.finish()
}

impl Imported {
    /// The same request by its path, where its URL is on one of the region's hosts. Elsewhere it stays what it is, and
    /// the secret will not go there.
    #[must_use]
    pub fn in_region(mut self, region: &Region) -> Self {
        if let Target::Url(url) = &self.draft.target {
            let origin = Origin::of(url);
            let at = |place: &Place| Some(region.origin(*place)) == origin.as_ref();
            if let Some(place) = [Place::Api, Place::Auth, Place::App].into_iter().find(at) {
                let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
                self.draft.target = Target::Path { place, path: format!("{}{query}", url.path()) };
            }
        }
        self
    }
}

/// A command while it is read.
#[derive(Default)]
struct Reading {
    method: Option<Method>,
    urls: Vec<String>,
    headers: Vec<(String, String)>,
    body: Option<String>,
    json: bool,
    get: bool,
    head: bool,
    dropped: Vec<String>,
    notes: Vec<String>,
}

impl Reading {
    fn take(&mut self, given: Given) -> Result<(), CurlError> {
        let Given { name, effect, value } = given;
        match effect {
            Effect::Header => return self.header(name, value),
            Effect::Secret(what) => self.dropped.push(what.to_owned()),
            Effect::Unfit => return Err(CurlError::Unfit(name)),
            Effect::Get => self.get = true,
            Effect::Head => self.head = true,
            Effect::Differs(note) => self.notes.push(note.to_owned()),
            Effect::Nothing | Effect::NothingWith => {}
            Effect::Method => self.method = Some(Method::parse(&known(value)?).ok_or(CurlError::Method)?),
            Effect::Named(header) => self.headers.push((header.to_owned(), known(value)?)),
            Effect::Url => self.urls.push(known(value)?),
            Effect::Data(data) => return self.data(name, data, known(value)?),
        }
        Ok(())
    }

    /// A header is looked at for secrets before its variables matter: `Authorization: token $SNYK_TOKEN` is dropped.
    fn header(&mut self, option: &'static str, value: words::Word) -> Result<(), CurlError> {
        if value.text.starts_with('@') {
            return Err(CurlError::File(option));
        }
        let text = value.text.clone();
        let (name, content) = match (text.split_once(':'), text.strip_suffix(';')) {
            (Some((name, content)), _) => (name.trim().to_ascii_lowercase(), content.trim()),
            (None, Some(name)) => (name.trim().to_ascii_lowercase(), ""),
            (None, None) => return Ok(()),
        };
        if secrets::is_header(&name) {
            self.dropped.push(format!("header {name}"));
        } else if name == "host" {
            self.notes.push("the header host is left out: the region names the host".to_owned());
        } else if secrets::looks_like_one(content) {
            self.dropped.push(format!("header {name}, which looks like a secret"));
        } else {
            known(value)?;
            self.headers.push((name, content.to_owned()));
        }
        Ok(())
    }

    fn data(&mut self, option: &'static str, data: Data, text: String) -> Result<(), CurlError> {
        let named_file = match data {
            Data::Raw => false,
            Data::UrlEncoded => text.split('=').next().is_some_and(|name| name.contains('@')),
            Data::Plain | Data::Json => text.starts_with('@'),
        };
        if named_file {
            return Err(CurlError::File(option));
        }
        let text = if data == Data::UrlEncoded { url_encoded(&text) } else { text };
        self.json |= data == Data::Json;
        let joint = if data == Data::Json { "" } else { "&" };
        self.body = Some(self.body.take().map_or_else(|| text.clone(), |body| format!("{body}{joint}{text}")));
        Ok(())
    }

    fn finish(mut self) -> Result<Imported, CurlError> {
        let [url] = &self.urls[..] else { return Err(CurlError::Urls(self.urls.len())) };
        let mut url = read_url(url)?;
        if !url.username().is_empty() || url.password().is_some() {
            self.dropped.push("user name in the URL".to_owned());
            let _ = url.set_username("").and_then(|()| url.set_password(None));
        }
        url.set_fragment(None);
        if self.get
            && let Some(data) = self.body.take()
        {
            let query = url.query().filter(|query| !query.is_empty()).map(|query| format!("{query}&{data}"));
            url.set_query(Some(&query.unwrap_or(data)));
        }
        self.dropped.extend(secrets::drop_from_url(&mut url));
        self.add_types();
        let body = self.body.take().map(|body| secrets::drop_from_body(&body, &mut self.dropped));
        let method = self.method.unwrap_or(match (self.head, &body) {
            (true, _) => Method::Head,
            (false, Some(_)) => Method::Post,
            (false, None) => Method::Get,
        });
        let draft = Draft { headers: self.headers, body, ..Draft::new(method, Target::Url(url)) };
        Ok(Imported { draft, dropped: self.dropped, notes: self.notes })
    }

    /// The headers that curl adds to a body by itself.
    fn add_types(&mut self) {
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
        // `Content-Type:` without a value takes curl's own away.
        self.headers.retain(|(name, value)| name != "content-type" || !value.is_empty());
    }
}

/// The text, if no variable is in it.
fn known(word: words::Word) -> Result<String, CurlError> {
    word.variable.map_or(Ok(word.text), |name| Err(CurlError::Variable(name)))
}

/// Without a scheme, curl guesses `http`; nothing here is sent in the clear, so `https` is meant.
fn read_url(text: &str) -> Result<Url, CurlError> {
    let whole = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    Url::parse(&whole).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host()).ok_or(CurlError::Url)
}

/// `name=content`, `=content` or `content`, with the content encoded.
fn url_encoded(text: &str) -> String {
    let encode = |content: &str| url::form_urlencoded::byte_serialize(content.as_bytes()).collect::<String>();
    match text.split_once('=') {
        Some(("", content)) => encode(content),
        Some((name, content)) => format!("{name}={}", encode(content)),
        None => encode(text),
    }
}

impl From<CurlError> for Problem {
    fn from(error: CurlError) -> Self {
        let remedy = match &error {
            CurlError::NotCurl => "Paste a whole command that begins with curl",
            CurlError::Unclosed => "Paste the whole command, to its last line",
            CurlError::Substitution | CurlError::Variable(_) => {
                "Write the value itself in its place; for the credential's header this is not needed"
            }
            CurlError::Escape | CurlError::Method => "Correct it and paste again",
            CurlError::Option(_) | CurlError::NoValue(_) => "Leave the option out, or give it its value",
            CurlError::Unfit(_) => "Write the request by hand: METHOD PATH with --data",
            CurlError::File(_) => "Leave it out, and give the body with --data @FILE",
            CurlError::Urls(_) => "Paste one request at a time",
            CurlError::Url => "Write the URL as https://host/path",
        };
        Self::new("The command was not taken over", error.to_string(), remedy).of(Class::Usage)
    }
}

#[cfg(test)]
mod tests;
