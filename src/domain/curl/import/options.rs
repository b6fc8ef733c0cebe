//! Table and parser of the curl options that describe a request.
//!
//! Start at [`parse_options`]. An option is supported by a line in [`CURL_OPTIONS`]; the effect on
//! the draft is applied in the parent module.

use zeroize::Zeroizing;

use super::CurlParseError;
use crate::util::shell_words::ShellWord;

/// Effect of an option on the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OptionEffect {
    Method,
    Header,
    /// Sets a fixed header to the option's value.
    FixedHeader(&'static str),
    Data(DataEncoding),
    Url,
    Get,
    Head,
    /// Carries a secret; the text names it.
    Secret(&'static str),
    /// Reads or sends something that a request in tokenring cannot express.
    Unsupported,
    /// Has no effect on what is sent.
    Ignored,
    /// Has no effect on what is sent, and takes a value.
    IgnoredWithValue,
    /// Is not followed; the text says what tokenring does instead.
    Overridden(&'static str),
}

/// Encoding of a piece of the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DataEncoding {
    /// A leading `@` names a file.
    Plain,
    Raw,
    UrlEncoded,
    Json,
}

/// Option from a command line with its value.
pub(super) struct ParsedOption {
    pub(super) name: &'static str,
    pub(super) effect: OptionEffect,
    pub(super) value: ShellWord,
}

const INSECURE_NOTE: &str = "--insecure was ignored: certificates are always verified";

/// Known options: long name, short name or a space, effect.
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
            let (name, _, effect) = CURL_OPTIONS
                .iter()
                .find(|(name, ..)| *name == long)
                .ok_or_else(|| unknown_option(long))?;
            let value = if effect.takes_value() {
                words.next().ok_or(CurlParseError::MissingValue(name))?
            } else {
                ShellWord::default()
            };
            parsed.push(ParsedOption { name, effect: *effect, value });
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
        let known = CURL_OPTIONS.iter().find(|(_, short, _)| *short == letter && letter != ' ');
        let (name, _, effect) =
            known.ok_or_else(|| CurlParseError::UnknownOption(format!("-{letter}")))?;
        if !effect.takes_value() {
            parsed.push(ParsedOption { name, effect: *effect, value: ShellWord::default() });
            continue;
        }
        let rest = &word.text[1 + at + letter.len_utf8()..];
        let attached = (!rest.is_empty()).then(|| ShellWord {
            text: Zeroizing::new(rest.to_owned()),
            variable: word.variable.clone(),
        });
        let value = attached.or_else(|| words.next()).ok_or(CurlParseError::MissingValue(name))?;
        parsed.push(ParsedOption { name, effect: *effect, value });
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
