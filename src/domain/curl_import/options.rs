//! The options of curl that a request can come from.

use super::CurlParseError;
use super::shell_words::ShellWord;

/// What an option does to the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OptionEffect {
    Method,
    Header,
    /// A header by its own option.
    FixedHeader(&'static str),
    Data(DataEncoding),
    Url,
    Get,
    Head,
    /// Its value is a secret.
    Secret(&'static str),
    /// It reads or sends something that a request here cannot.
    Unsupported,
    /// It does nothing to what is sent.
    Ignored,
    /// The same, with a value.
    IgnoredWithValue,
    /// It is not followed here; the text says what is done instead.
    Overridden(&'static str),
}

/// How a piece of the body is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DataEncoding {
    /// `@` at its beginning names a file.
    Plain,
    Raw,
    UrlEncoded,
    Json,
}

/// An option of a command line with its value.
#[derive(Debug)]
pub(super) struct ParsedOption {
    pub(super) name: &'static str,
    pub(super) effect: OptionEffect,
    pub(super) value: ShellWord,
}

const INSECURE_NOTE: &str =
    "certificates are checked here, also where the command would not (--insecure)";

/// Long name, short name or a blank, effect.
const CURL_OPTIONS: [(&str, char, OptionEffect); 47] = [
    ("request", 'X', OptionEffect::Method),
    ("header", 'H', OptionEffect::Header),
    ("data", 'd', OptionEffect::Data(DataEncoding::Plain)),
    ("data-ascii", ' ', OptionEffect::Data(DataEncoding::Plain)),
    ("data-binary", ' ', OptionEffect::Data(DataEncoding::Plain)),
    ("data-raw", ' ', OptionEffect::Data(DataEncoding::Raw)),
    ("data-urlencode", ' ', OptionEffect::Data(DataEncoding::UrlEncoded)),
    ("json", ' ', OptionEffect::Data(DataEncoding::Json)),
    ("url", ' ', OptionEffect::Url),
    ("get", 'G', OptionEffect::Get),
    ("head", 'I', OptionEffect::Head),
    ("referer", 'e', OptionEffect::FixedHeader("referer")),
    ("user", 'u', OptionEffect::Secret("user name and password (--user)")),
    ("proxy-user", 'U', OptionEffect::Secret("the proxy's user name and password (--proxy-user)")),
    ("oauth2-bearer", ' ', OptionEffect::Secret("access token (--oauth2-bearer)")),
    ("cookie", 'b', OptionEffect::Secret("cookies (--cookie)")),
    ("cert", 'E', OptionEffect::Secret("client certificate (--cert)")),
    ("key", ' ', OptionEffect::Secret("private key (--key)")),
    ("form", 'F', OptionEffect::Unsupported),
    ("form-string", ' ', OptionEffect::Unsupported),
    ("upload-file", 'T', OptionEffect::Unsupported),
    ("config", 'K', OptionEffect::Unsupported),
    ("user-agent", 'A', OptionEffect::IgnoredWithValue),
    ("output", 'o', OptionEffect::IgnoredWithValue),
    ("max-time", 'm', OptionEffect::IgnoredWithValue),
    ("connect-timeout", ' ', OptionEffect::IgnoredWithValue),
    ("retry", ' ', OptionEffect::IgnoredWithValue),
    ("write-out", 'w', OptionEffect::IgnoredWithValue),
    ("cookie-jar", 'c', OptionEffect::IgnoredWithValue),
    ("cacert", ' ', OptionEffect::IgnoredWithValue),
    ("proxy", 'x', OptionEffect::IgnoredWithValue),
    ("dump-header", 'D', OptionEffect::IgnoredWithValue),
    ("insecure", 'k', OptionEffect::Overridden(INSECURE_NOTE)),
    ("location", 'L', OptionEffect::Ignored),
    ("silent", 's', OptionEffect::Ignored),
    ("show-error", 'S', OptionEffect::Ignored),
    ("fail", 'f', OptionEffect::Ignored),
    ("include", 'i', OptionEffect::Ignored),
    ("verbose", 'v', OptionEffect::Ignored),
    ("compressed", ' ', OptionEffect::Ignored),
    ("globoff", 'g', OptionEffect::Ignored),
    ("no-buffer", 'N', OptionEffect::Ignored),
    ("progress-bar", '#', OptionEffect::Ignored),
    ("remote-name", 'O', OptionEffect::Ignored),
    ("http1.1", ' ', OptionEffect::Ignored),
    ("http2", ' ', OptionEffect::Ignored),
    ("path-as-is", ' ', OptionEffect::Ignored),
];

impl OptionEffect {
    fn takes_value(self) -> bool {
        !matches!(self, Self::Get | Self::Head | Self::Ignored | Self::Overridden(_))
    }
}

/// Reads the words after `curl` as options; a word that is none is a URL.
pub(super) fn parse_options(words: Vec<ShellWord>) -> Result<Vec<ParsedOption>, CurlParseError> {
    let mut words = words.into_iter();
    let mut given = Vec::new();
    let mut only_urls = false;
    while let Some(word) = words.next() {
        if only_urls || word.text.len() < 2 || !word.text.starts_with('-') {
            given.push(ParsedOption { name: "url", effect: OptionEffect::Url, value: word });
        } else if word.text == "--" {
            only_urls = true;
        } else if let Some(long) = word.text.strip_prefix("--") {
            let (name, _, effect) = CURL_OPTIONS
                .iter()
                .find(|(name, ..)| *name == long)
                .ok_or_else(|| unknown_option(long))?;
            let value = if effect.takes_value() {
                words.next().ok_or(CurlParseError::MissingValue(name))?
            } else {
                ShellWord::default()
            };
            given.push(ParsedOption { name, effect: *effect, value });
        } else {
            parse_short_options(&word, &mut words, &mut given)?;
        }
    }
    Ok(given)
}

/// `-sXPOST`: letters, the first of which that takes a value takes the rest of the word, or the next one.
fn parse_short_options(
    word: &ShellWord,
    words: &mut impl Iterator<Item = ShellWord>,
    given: &mut Vec<ParsedOption>,
) -> Result<(), CurlParseError> {
    for (at, letter) in word.text[1..].char_indices() {
        let known = CURL_OPTIONS.iter().find(|(_, short, _)| *short == letter && letter != ' ');
        let (name, _, effect) =
            known.ok_or_else(|| CurlParseError::UnknownOption(format!("-{letter}")))?;
        if !effect.takes_value() {
            given.push(ParsedOption { name, effect: *effect, value: ShellWord::default() });
            continue;
        }
        let rest = &word.text[1 + at + letter.len_utf8()..];
        let attached = (!rest.is_empty())
            .then(|| ShellWord { text: rest.to_owned(), variable: word.variable.clone() });
        let value = attached.or_else(|| words.next()).ok_or(CurlParseError::MissingValue(name))?;
        given.push(ParsedOption { name, effect: *effect, value });
        return Ok(());
    }
    Ok(())
}

/// Only what can be an option's name is repeated, which is lower-case letters: what follows may be a secret.
fn unknown_option(long: &str) -> CurlParseError {
    let name: String =
        long.chars().take_while(|c| c.is_ascii_lowercase() || *c == '-').take(24).collect();
    CurlParseError::UnknownOption(format!("--{name}"))
}
