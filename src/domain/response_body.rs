//! Body of a response: the bytes as the server sent them, and what they are.
//!
//! The bytes stay as they are from the socket to a pipe, a file or the clipboard. They are decoded by
//! their charset to be read ([`ResponseBody::text`]) and cleaned only where they are drawn
//! ([`ResponseBody::draw`]). Start at [`ResponseBody`].

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

use super::text::sanitize;

/// Body of a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponseBody {
    bytes: Vec<u8>,
    form: BodyForm,
}

/// What a body is, by its content type, and without one by its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BodyForm {
    /// Text in this charset.
    Text(&'static Encoding),
    /// Not text, or not known to be.
    Binary,
}

/// Order of the bytes of a text in UTF-16.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Utf16ByteOrder {
    /// The low byte first.
    LittleEndian,
    /// The high byte first.
    BigEndian,
}

/// What a content type says about a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DeclaredForm {
    Text,
    Binary,
    Unknown,
}

/// Media types of text whose names do not say so.
const TEXT_TYPES: [&str; 17] = [
    "application/ecmascript",
    "application/graphql",
    "application/http",
    "application/javascript",
    "application/json",
    "application/json-seq",
    "application/jsonl",
    "application/jsonlines",
    "application/jwt",
    "application/ndjson",
    "application/pem-certificate-chain",
    "application/sql",
    "application/toml",
    "application/x-www-form-urlencoded",
    "application/xml",
    "application/xml-dtd",
    "application/yaml",
];

impl Default for ResponseBody {
    fn default() -> Self {
        Self { bytes: Vec::new(), form: BodyForm::Text(UTF_8) }
    }
}

impl From<String> for ResponseBody {
    fn from(text: String) -> Self {
        Self { bytes: text.into_bytes(), form: BodyForm::Text(UTF_8) }
    }
}

impl From<&str> for ResponseBody {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl ResponseBody {
    /// Returns the body of a response with this content type. A type that is not text is never read
    /// as text; without a type, UTF-8 and what begins with a byte-order mark are text.
    pub fn new(bytes: Vec<u8>, content_type: Option<&str>) -> Self {
        let declared = content_type.map_or(DeclaredForm::Unknown, DeclaredForm::from_content_type);
        let charset = || {
            let marked = Encoding::for_bom(&bytes).map(|(encoding, _)| encoding);
            marked.or_else(|| charset_label(content_type?)).unwrap_or(UTF_8)
        };
        let form = match declared {
            DeclaredForm::Text => BodyForm::Text(charset()),
            DeclaredForm::Unknown if looks_like_text(&bytes) => BodyForm::Text(charset()),
            DeclaredForm::Unknown | DeclaredForm::Binary => BodyForm::Binary,
        };
        Self { bytes, form }
    }

    /// Returns the body with these bytes in place of its own; what it is stays.
    #[must_use]
    pub fn with_bytes(&self, bytes: Vec<u8>) -> Self {
        Self { bytes, form: self.form }
    }

    /// Returns the bytes as the server sent them.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the bytes as the server sent them.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Returns the number of bytes in memory.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there is no body.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Whether the body is text.
    pub fn is_text(&self) -> bool {
        matches!(self.form, BodyForm::Text(_)) && !self.is_empty()
    }

    /// Returns the order of the bytes of a text in UTF-16, which cannot be searched as they are, also
    /// where only its mark or its first bytes say that it is one.
    pub fn wide_order(&self) -> Option<Utf16ByteOrder> {
        let marked = Encoding::for_bom(&self.bytes).map(|(encoding, _)| encoding);
        let declared = match self.form {
            BodyForm::Text(encoding) => Some(encoding),
            BodyForm::Binary => None,
        };
        match marked.or(declared) {
            Some(encoding) if encoding == UTF_16LE => Some(Utf16ByteOrder::LittleEndian),
            Some(encoding) if encoding == UTF_16BE => Some(Utf16ByteOrder::BigEndian),
            _ if marked.is_none() => Utf16ByteOrder::from_json_start(&self.bytes),
            _ => None,
        }
    }

    /// Returns the text without a byte-order mark, decoded by its charset, if the body is text. It
    /// can contain characters that control a terminal.
    pub fn text(&self) -> Option<Cow<'_, str>> {
        self.text_start(usize::MAX)
    }

    /// Returns the start of the text, decoded from at most this number of bytes.
    pub fn text_start(&self, max_bytes: usize) -> Option<Cow<'_, str>> {
        let start = &self.bytes[..self.bytes.len().min(max_bytes)];
        match self.form {
            BodyForm::Text(encoding) if !self.is_empty() => Some(decode(encoding, start)),
            BodyForm::Text(_) | BodyForm::Binary => None,
        }
    }

    /// Returns the text for a reader that was asked to read it whatever its content type says: bytes
    /// of another type count as text where they are UTF-8, or begin with a mark.
    pub fn readable_text(&self) -> Option<Cow<'_, str>> {
        let (encoding, _) = Encoding::for_bom(&self.bytes).unwrap_or((UTF_8, 0));
        let is_utf8 = || !self.is_empty() && std::str::from_utf8(&self.bytes).is_ok();
        self.text()
            .or_else(|| (encoding != UTF_8 || is_utf8()).then(|| decode(encoding, &self.bytes)))
    }

    /// Returns the text as a terminal may show it: without characters that would control it.
    pub fn draw(&self) -> Option<String> {
        self.text().map(|text| sanitize(&text))
    }
}

impl Utf16ByteOrder {
    /// Returns the order of JSON without a mark, from its first bytes: it begins with two ASCII
    /// characters.
    fn from_json_start(bytes: &[u8]) -> Option<Self> {
        let [a, b, c, d, ..] = *bytes else { return None };
        let is_json = |first: u8, second: u8| {
            matches!(first, b'{' | b'[' | b'"' | 0x1e | b' ' | b'\t' | b'\r' | b'\n')
                && (second.is_ascii_graphic() || second.is_ascii_whitespace())
        };
        match (a, b, c, d) {
            (first, 0, second, 0) if is_json(first, second) => Some(Self::LittleEndian),
            (0, first, 0, second) if is_json(first, second) => Some(Self::BigEndian),
            _ => None,
        }
    }

    /// Decodes two bytes to a UTF-16 code unit.
    pub const fn unit(self, bytes: [u8; 2]) -> u16 {
        match self {
            Self::LittleEndian => u16::from_le_bytes(bytes),
            Self::BigEndian => u16::from_be_bytes(bytes),
        }
    }

    /// Returns the bytes of a unit.
    pub const fn bytes(self, unit: u16) -> [u8; 2] {
        match self {
            Self::LittleEndian => unit.to_le_bytes(),
            Self::BigEndian => unit.to_be_bytes(),
        }
    }
}

impl DeclaredForm {
    fn from_content_type(content_type: &str) -> Self {
        let essence =
            content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let Some((kind, subtype)) = essence.split_once('/') else { return Self::Unknown };
        let plain = subtype.strip_prefix("x-").unwrap_or(subtype);
        let suffix = subtype.rsplit_once('+').map(|(_, suffix)| suffix);
        let is_listed = TEXT_TYPES.iter().any(|known| {
            known.strip_prefix(kind).and_then(|rest| rest.strip_prefix('/')) == Some(plain)
        });
        match kind {
            "text" => Self::Text,
            _ if is_listed || matches!(suffix, Some("json" | "xml" | "yaml" | "json-seq")) => {
                Self::Text
            }
            "multipart" | "message" => Self::Unknown,
            _ => Self::Binary,
        }
    }
}

/// Returns the charset that a content type names.
fn charset_label(content_type: &str) -> Option<&'static Encoding> {
    let parameters = content_type.split(';').skip(1);
    let charset = parameters
        .filter_map(|parameter| parameter.split_once('='))
        .find_map(|(name, value)| name.trim().eq_ignore_ascii_case("charset").then_some(value))?;
    Encoding::for_label(charset.trim().trim_matches(['"', '\'']).as_bytes())
}

fn decode<'b>(encoding: &'static Encoding, bytes: &'b [u8]) -> Cow<'b, str> {
    let (text, _) = encoding.decode_with_bom_removal(bytes);
    text
}

/// Whether bytes of an unknown type are text: UTF-8 without null characters, where the last
/// character may be cut, or a byte-order mark.
fn looks_like_text(bytes: &[u8]) -> bool {
    Encoding::for_bom(bytes).is_some()
        || !bytes.contains(&0)
            && match std::str::from_utf8(bytes) {
                Ok(_) => true,
                Err(error) => error.error_len().is_none() && error.valid_up_to() > 0,
            }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8], content_type: Option<&str>) -> Option<String> {
        ResponseBody::new(bytes.to_vec(), content_type).text().map(Cow::into_owned)
    }

    #[test]
    fn the_header_decides_what_is_text() {
        for media in [
            "text/html; charset=latin1",
            "application/json",
            "Application/Vnd.Api+JSON;x=y",
            "application/problem+xml",
            "image/svg+xml",
            "application/x-ndjson",
            "application/json-seq",
            "application/x-yaml",
        ] {
            assert_eq!(text(b"a\r\n\x1b", Some(media)).as_deref(), Some("a\r\n\x1b"), "{media}");
        }
        for media in ["application/octet-stream", "image/png", "application/zip", "font/woff2"] {
            let body = ResponseBody::new(b"{}".to_vec(), Some(media));
            assert!(!body.is_text() && body.text().is_none() && body.draw().is_none(), "{media}");
            assert_eq!(body.readable_text().as_deref(), Some("{}"), "{media}: on request");
        }
    }

    #[test]
    fn without_a_header_the_bytes_decide() {
        assert_eq!(text("aé".as_bytes(), None).as_deref(), Some("aé"));
        assert_eq!(text(&"aé".as_bytes()[..2], None).as_deref(), Some("a\u{fffd}"), "it was cut");
        assert_eq!(text(b"\xff\xfea\0", None).as_deref(), Some("a"), "UTF-16 by its mark");
        for bytes in [&b"a\0b"[..], b"\x89PNG\r\n", b"a\xffb", b"\xe9"] {
            assert_eq!(text(bytes, None), None, "{bytes:?}");
        }
        assert_eq!(text(b"", Some("text/plain")), None, "no body is no text");
    }

    #[test]
    fn text_is_decoded_by_mark_then_by_charset() {
        let typed = |charset: &str| format!("text/plain; Charset=\"{charset}\"");
        for (bytes, charset, shown) in [
            (&b"gr\xfc\xdfe"[..], "iso-8859-1", "grüße"),
            (b"\x93a\x94", "windows-1252", "“a”"),
            (b"\x83e\x83X\x83g", "Shift_JIS", "テスト"),
            (b"\0a\0b", "utf-16be", "ab"),
            (b"a\0b\0", "utf-16", "ab"),
            (b"\xfe\xff\0a", "utf-16le", "a"),
            (b"\xef\xbb\xbf{}", "latin1", "{}"),
            (b"a\xffb", "no-such-charset", "a\u{fffd}b"),
        ] {
            let body = ResponseBody::new(bytes.to_vec(), Some(&typed(charset)));
            assert_eq!(body.text().as_deref(), Some(shown), "{charset}");
            assert_eq!(body.as_bytes(), bytes, "the bytes stay");
        }
    }

    #[test]
    fn utf_16_is_recognized_by_its_charset_its_mark_and_its_first_bytes() {
        use Utf16ByteOrder::{BigEndian, LittleEndian};
        let binary = "application/octet-stream";
        for (bytes, content_type, order) in [
            (&b"{\0\"\0"[..], binary, Some(LittleEndian)),
            (b"\0[\x001\0]", binary, Some(BigEndian)),
            (b"{\0\"\0", "application/json", Some(LittleEndian)),
            (b"\xff\xfea\0", binary, Some(LittleEndian)),
            (b"\xfe\xff\0a", "text/plain", Some(BigEndian)),
            (b"a", "text/plain; charset=utf-16be", Some(BigEndian)),
            (b"{\"a\"", binary, None),
            (b"\0\0\0\0", binary, None),
            (b"{\0\0\0", binary, None),
            (b"\xef\xbb\xbf{\0", binary, None),
            (b"{\0", binary, None),
        ] {
            let body = ResponseBody::new(bytes.to_vec(), Some(content_type));
            assert_eq!(body.wide_order(), order, "{bytes:?} {content_type}");
        }
    }

    #[test]
    fn drawing_cleans_and_the_bytes_stay() {
        let sent = "one\r\ntwo\u{200d}\u{9b}2J\0";
        let body = ResponseBody::new(sent.into(), Some("text/plain"));
        assert_eq!(body.draw().as_deref(), Some("one\ntwo\u{fffd}\u{fffd}2J\u{fffd}"));
        assert_eq!(body.as_bytes(), sent.as_bytes());
    }
}
