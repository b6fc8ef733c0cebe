//! The options of curl that a request can come from.

use super::CurlError;
use super::words::Word;

/// What an option does to the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    Method,
    Header,
    /// A header by its own option.
    Named(&'static str),
    Data(Data),
    Url,
    Get,
    Head,
    /// Its value is a secret.
    Secret(&'static str),
    /// It reads or sends something that a request here cannot.
    Unfit,
    /// It does nothing to what is sent.
    Nothing,
    /// The same, with a value.
    NothingWith,
    /// It is not followed here; the text says what is done instead.
    Differs(&'static str),
}

/// How a piece of the body is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Data {
    /// `@` at its beginning names a file.
    Plain,
    Raw,
    UrlEncoded,
    Json,
}

/// An option of a command line with its value.
#[derive(Debug)]
pub(super) struct Given {
    pub(super) name: &'static str,
    pub(super) effect: Effect,
    pub(super) value: Word,
}

const INSECURE: &str = "certificates are checked here, also where the command would not (--insecure)";

/// Long name, short name or a blank, effect.
const OPTIONS: [(&str, char, Effect); 47] = [
    ("request", 'X', Effect::Method),
    ("header", 'H', Effect::Header),
    ("data", 'd', Effect::Data(Data::Plain)),
    ("data-ascii", ' ', Effect::Data(Data::Plain)),
    ("data-binary", ' ', Effect::Data(Data::Plain)),
    ("data-raw", ' ', Effect::Data(Data::Raw)),
    ("data-urlencode", ' ', Effect::Data(Data::UrlEncoded)),
    ("json", ' ', Effect::Data(Data::Json)),
    ("url", ' ', Effect::Url),
    ("get", 'G', Effect::Get),
    ("head", 'I', Effect::Head),
    ("referer", 'e', Effect::Named("referer")),
    ("user", 'u', Effect::Secret("user name and password (--user)")),
    ("proxy-user", 'U', Effect::Secret("the proxy's user name and password (--proxy-user)")),
    ("oauth2-bearer", ' ', Effect::Secret("access token (--oauth2-bearer)")),
    ("cookie", 'b', Effect::Secret("cookies (--cookie)")),
    ("cert", 'E', Effect::Secret("client certificate (--cert)")),
    ("key", ' ', Effect::Secret("private key (--key)")),
    ("form", 'F', Effect::Unfit),
    ("form-string", ' ', Effect::Unfit),
    ("upload-file", 'T', Effect::Unfit),
    ("config", 'K', Effect::Unfit),
    ("user-agent", 'A', Effect::NothingWith),
    ("output", 'o', Effect::NothingWith),
    ("max-time", 'm', Effect::NothingWith),
    ("connect-timeout", ' ', Effect::NothingWith),
    ("retry", ' ', Effect::NothingWith),
    ("write-out", 'w', Effect::NothingWith),
    ("cookie-jar", 'c', Effect::NothingWith),
    ("cacert", ' ', Effect::NothingWith),
    ("proxy", 'x', Effect::NothingWith),
    ("dump-header", 'D', Effect::NothingWith),
    ("insecure", 'k', Effect::Differs(INSECURE)),
    ("location", 'L', Effect::Nothing),
    ("silent", 's', Effect::Nothing),
    ("show-error", 'S', Effect::Nothing),
    ("fail", 'f', Effect::Nothing),
    ("include", 'i', Effect::Nothing),
    ("verbose", 'v', Effect::Nothing),
    ("compressed", ' ', Effect::Nothing),
    ("globoff", 'g', Effect::Nothing),
    ("no-buffer", 'N', Effect::Nothing),
    ("progress-bar", '#', Effect::Nothing),
    ("remote-name", 'O', Effect::Nothing),
    ("http1.1", ' ', Effect::Nothing),
    ("http2", ' ', Effect::Nothing),
    ("path-as-is", ' ', Effect::Nothing),
];

impl Effect {
    fn takes_value(self) -> bool {
        !matches!(self, Self::Get | Self::Head | Self::Nothing | Self::Differs(_))
    }
}

/// Reads the words after `curl` as options; a word that is none is a URL.
pub(super) fn read(words: Vec<Word>) -> Result<Vec<Given>, CurlError> {
    let mut words = words.into_iter();
    let mut given = Vec::new();
    let mut only_urls = false;
    while let Some(word) = words.next() {
        if only_urls || word.text.len() < 2 || !word.text.starts_with('-') {
            given.push(Given { name: "url", effect: Effect::Url, value: word });
        } else if word.text == "--" {
            only_urls = true;
        } else if let Some(long) = word.text.strip_prefix("--") {
            let (name, _, effect) = OPTIONS.iter().find(|(name, ..)| *name == long).ok_or_else(|| unknown(long))?;
            let value = if effect.takes_value() { words.next().ok_or(CurlError::NoValue(name))? } else { Word::default() };
            given.push(Given { name, effect: *effect, value });
        } else {
            short(&word, &mut words, &mut given)?;
        }
    }
    Ok(given)
}

/// `-sXPOST`: letters, the first of which that takes a value takes the rest of the word, or the next one.
fn short(word: &Word, words: &mut impl Iterator<Item = Word>, given: &mut Vec<Given>) -> Result<(), CurlError> {
    for (at, letter) in word.text[1..].char_indices() {
        let known = OPTIONS.iter().find(|(_, short, _)| *short == letter && letter != ' ');
        let (name, _, effect) = known.ok_or_else(|| CurlError::Option(format!("-{letter}")))?;
        if !effect.takes_value() {
            given.push(Given { name, effect: *effect, value: Word::default() });
            continue;
        }
        let rest = &word.text[1 + at + letter.len_utf8()..];
        let attached = (!rest.is_empty()).then(|| Word { text: rest.to_owned(), variable: word.variable.clone() });
        let value = attached.or_else(|| words.next()).ok_or(CurlError::NoValue(name))?;
        given.push(Given { name, effect: *effect, value });
        return Ok(());
    }
    Ok(())
}

/// Only what can be an option's name is repeated, which is lower-case letters: what follows may be a secret.
fn unknown(long: &str) -> CurlError {
    let name: String = long.chars().take_while(|c| c.is_ascii_lowercase() || *c == '-').take(24).collect();
    CurlError::Option(format!("--{name}"))
}
