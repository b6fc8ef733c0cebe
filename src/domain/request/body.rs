//! Body of a request draft: text, a file, or a form of several parts.
//!
//! Files are named, not read: the engine reads them when the request is sent. Start at [`DraftBody`];
//! [`DraftBody::encode`] returns the bytes as they are sent.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Body of a request draft.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "the body must be a text, or a table with `file` or `form`")]
pub enum DraftBody {
    /// Text, sent as written.
    Text(String),
    /// Content of a file, sent byte for byte.
    File {
        /// Path of the file.
        file: String,
    },
    /// Form (`multipart/form-data`).
    Form {
        /// Parts of the form, in order.
        form: Vec<FormPart>,
    },
}

/// Part of a form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormPart {
    /// Name of the field.
    pub name: String,
    /// Content of the field.
    #[serde(flatten)]
    pub content: PartContent,
    /// Media type, where it is not the default.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// File name that the server is told, where it is not the name of the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
}

/// Content of a part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PartContent {
    /// This text.
    Text(String),
    /// A file with its name.
    File(String),
    /// The content of a file, as a field without a file name.
    TextFile(String),
}

/// Body as it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedBody {
    /// Bytes of the body.
    pub bytes: Vec<u8>,
    /// Boundary between the parts of a form.
    pub boundary: Option<String>,
}

/// Reason why a text is not a part of a form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormPartError {
    /// There is no `=` after the name.
    #[error("\"=\" is missing; write name=value or name=@FILE")]
    MissingValue,
    /// A quote is not closed.
    #[error("a quote is not closed")]
    UnclosedQuote,
    /// An addition that is not `;type=` or `;filename=`.
    #[error(
        "after \";\" only type= and filename= are known; quote a value that contains a semicolon: name=\"a;b\""
    )]
    UnknownAddition,
    /// Several files, or parts inside a part.
    #[error("a field has one value or one file")]
    NestedParts,
}

impl DraftBody {
    /// Returns the text of the body, where it is text.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::File { .. } | Self::Form { .. } => None,
        }
    }

    /// Returns whether a part of the body is read from a file when it is sent.
    pub fn reads_file(&self) -> bool {
        self.files().next().is_some()
    }

    /// Returns the paths of the files that the body is read from.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        let (file, form) = match self {
            Self::Text(_) => (None, &[][..]),
            Self::File { file } => (Some(file.as_str()), &[][..]),
            Self::Form { form } => (None, &form[..]),
        };
        file.into_iter().chain(form.iter().filter_map(|part| part.content.file()))
    }

    /// Returns every text of the body that the user wrote.
    pub fn texts(&self) -> Vec<&str> {
        match self {
            Self::Text(text) | Self::File { file: text } => vec![text],
            Self::Form { form } => form.iter().flat_map(FormPart::texts).collect(),
        }
    }

    /// Returns the body with every text replaced by `change`.
    #[must_use]
    pub fn map_texts(&self, change: impl Fn(&str) -> String) -> Self {
        let optional = |text: &Option<String>| text.as_deref().map(&change);
        match self {
            Self::Text(text) => Self::Text(change(text)),
            Self::File { file } => Self::File { file: change(file) },
            Self::Form { form } => {
                let part = |part: &FormPart| FormPart {
                    name: change(&part.name),
                    content: match &part.content {
                        PartContent::Text(text) => PartContent::Text(change(text)),
                        PartContent::File(path) => PartContent::File(change(path)),
                        PartContent::TextFile(path) => PartContent::TextFile(change(path)),
                    },
                    media_type: optional(&part.media_type),
                    filename: optional(&part.filename),
                };
                Self::Form { form: form.iter().map(part).collect() }
            }
        }
    }

    /// Returns the body with the paths of its files replaced by `change`.
    #[must_use]
    pub fn map_files(mut self, change: impl Fn(&str) -> String) -> Self {
        match &mut self {
            Self::Text(_) => {}
            Self::File { file } => *file = change(file),
            Self::Form { form } => {
                for part in form {
                    if let PartContent::File(path) | PartContent::TextFile(path) = &mut part.content
                    {
                        *path = change(path);
                    }
                }
            }
        }
        self
    }

    /// Returns the bytes of the body. `read` returns the content of a file.
    ///
    /// # Errors
    ///
    /// Fails where `read` fails.
    pub fn encode<E>(&self, read: impl Fn(&str) -> Result<Vec<u8>, E>) -> Result<EncodedBody, E> {
        match self {
            Self::Text(text) => Ok(EncodedBody { bytes: text.clone().into(), boundary: None }),
            Self::File { file } => Ok(EncodedBody { bytes: read(file)?, boundary: None }),
            Self::Form { form } => encode_form(form, read),
        }
    }
}

impl From<String> for DraftBody {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for DraftBody {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl PartContent {
    /// Returns the path of the file that the content is read from.
    pub fn file(&self) -> Option<&str> {
        match self {
            Self::Text(_) => None,
            Self::File(path) | Self::TextFile(path) => Some(path),
        }
    }
}

impl FormPart {
    /// Returns a part with a text.
    pub fn with_text(name: &str, text: &str) -> Self {
        Self {
            name: name.to_owned(),
            content: PartContent::Text(text.to_owned()),
            media_type: None,
            filename: None,
        }
    }

    /// Parses a part in the form of curl: `name=value`, `name=@FILE` or `name=<FILE`, each with
    /// `;type=…` and `;filename=…` after it. Values may be quoted.
    ///
    /// # Errors
    ///
    /// Fails where the text is not such a part.
    pub fn parse(text: &str) -> Result<Self, FormPartError> {
        let (name, mut rest) = text.split_once('=').ok_or(FormPartError::MissingValue)?;
        let kind = rest.chars().next().filter(|c| matches!(c, '@' | '<' | '('));
        if kind == Some('(') {
            return Err(FormPartError::NestedParts);
        }
        rest = &rest[kind.map_or(0, char::len_utf8)..];
        let value = read_value(&mut rest, kind.is_some())?;
        let mut part = Self::with_text(name, "");
        part.content = match kind {
            None => PartContent::Text(value),
            Some('@') => PartContent::File(value),
            Some(_) => PartContent::TextFile(value),
        };
        while let Some(addition) = rest.strip_prefix(';') {
            let addition = addition.trim_start();
            let slot = if let Some(media_type) = addition.strip_prefix("type=") {
                rest = media_type;
                &mut part.media_type
            } else if let Some(filename) = addition.strip_prefix("filename=") {
                rest = filename;
                &mut part.filename
            } else {
                return Err(FormPartError::UnknownAddition);
            };
            *slot = Some(read_value(&mut rest, false)?);
        }
        if rest.is_empty() { Ok(part) } else { Err(FormPartError::NestedParts) }
    }

    /// Returns the file name that the server is told.
    pub fn sent_filename(&self) -> Option<&str> {
        match (&self.filename, &self.content) {
            (Some(filename), _) => Some(filename),
            (None, PartContent::File(path)) => path.rsplit(['/', '\\']).next(),
            (None, PartContent::Text(_) | PartContent::TextFile(_)) => None,
        }
    }

    /// Returns the media type that the server is told.
    pub fn sent_media_type(&self) -> Option<&str> {
        match (&self.media_type, self.sent_filename()) {
            (Some(media_type), _) => Some(media_type),
            (None, Some(filename)) => Some(guess_media_type(filename)),
            (None, None) => None,
        }
    }

    fn texts(&self) -> impl Iterator<Item = &str> {
        let content = match &self.content {
            PartContent::Text(text) | PartContent::File(text) | PartContent::TextFile(text) => text,
        };
        [Some(&self.name), Some(content), self.media_type.as_ref(), self.filename.as_ref()]
            .into_iter()
            .flatten()
            .map(String::as_str)
    }

    /// Returns the lines that precede the content.
    fn head(&self) -> String {
        let mut head =
            format!("Content-Disposition: form-data; name=\"{}\"", escape_name(&self.name));
        if let Some(filename) = self.sent_filename() {
            head = format!("{head}; filename=\"{}\"", escape_name(filename));
        }
        match self.sent_media_type() {
            Some(media_type) => format!("{head}\r\nContent-Type: {media_type}\r\n\r\n"),
            None => format!("{head}\r\n\r\n"),
        }
    }
}

/// Reads a value up to a semicolon, or a quoted one. A comma ends the name of a file: curl sends
/// several files as one part.
fn read_value(rest: &mut &str, is_file: bool) -> Result<String, FormPartError> {
    let Some(quoted) = rest.strip_prefix('"') else {
        let end = rest.find(|c| c == ';' || (is_file && c == ',')).unwrap_or(rest.len());
        let value = rest[..end].to_owned();
        *rest = &rest[end..];
        return Ok(value);
    };
    let (mut value, mut characters) = (String::new(), quoted.char_indices());
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => {
                *rest = &quoted[at + 1..];
                return Ok(value);
            }
            '\\' => match characters.next() {
                Some((_, c @ ('"' | '\\'))) => value.push(c),
                Some((_, c)) => value.extend(['\\', c]),
                None => return Err(FormPartError::UnclosedQuote),
            },
            c => value.push(c),
        }
    }
    Err(FormPartError::UnclosedQuote)
}

/// Encodes the parts. The boundary is a digest of them, so that a preview has the boundary of the
/// request, and no part contains it.
fn encode_form<E>(
    form: &[FormPart],
    read: impl Fn(&str) -> Result<Vec<u8>, E>,
) -> Result<EncodedBody, E> {
    let mut digest = Sha256::new();
    let mut parts = Vec::with_capacity(form.len());
    for part in form {
        let (head, content) = (
            part.head(),
            match &part.content {
                PartContent::Text(text) => text.clone().into_bytes(),
                PartContent::File(path) | PartContent::TextFile(path) => read(path)?,
            },
        );
        digest.update(&head);
        digest.update(&content);
        parts.push((head, content));
    }
    let digest = digest.finalize();
    let digits: String = digest[..12].iter().map(|byte| format!("{byte:02x}")).collect();
    let boundary = format!("------------------------{digits}");
    let mut bytes = Vec::new();
    for (head, content) in parts {
        bytes.extend_from_slice(format!("--{boundary}\r\n{head}").as_bytes());
        bytes.extend_from_slice(&content);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    Ok(EncodedBody { bytes, boundary: Some(boundary) })
}

/// Escapes a name as browsers and curl do.
fn escape_name(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

/// Returns the media type of a file by the end of its name; the list is that of curl.
fn guess_media_type(filename: &str) -> &'static str {
    let known = [
        (".gif", "image/gif"),
        (".jpg", "image/jpeg"),
        (".jpeg", "image/jpeg"),
        (".png", "image/png"),
        (".svg", "image/svg+xml"),
        (".txt", "text/plain"),
        (".htm", "text/html"),
        (".html", "text/html"),
        (".pdf", "application/pdf"),
        (".xml", "application/xml"),
    ];
    let filename = filename.to_ascii_lowercase();
    let found = known.into_iter().find(|(end, _)| filename.ends_with(end));
    found.map_or("application/octet-stream", |(_, media_type)| media_type)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(content: PartContent, media_type: Option<&str>, filename: Option<&str>) -> FormPart {
        FormPart {
            name: "f".to_owned(),
            content,
            media_type: media_type.map(str::to_owned),
            filename: filename.map(str::to_owned),
        }
    }

    #[test]
    fn parts_are_read_as_curl_reads_them() {
        use PartContent::{File, Text, TextFile};
        for (text, expected) in [
            ("f=a=b", part(Text("a=b".to_owned()), None, None)),
            ("f=", part(Text(String::new()), None, None)),
            ("f=a;type=text/csv", part(Text("a".to_owned()), Some("text/csv"), None)),
            (r#"f="a;b\"c\\";type=x/y"#, part(Text("a;b\"c\\".to_owned()), Some("x/y"), None)),
            ("f=@a b.ipa", part(File("a b.ipa".to_owned()), None, None)),
            (
                "f=@a.ipa;type=x/y;filename=\"b;c\"",
                part(File("a.ipa".to_owned()), Some("x/y"), Some("b;c")),
            ),
            ("f=<notes.txt", part(TextFile("notes.txt".to_owned()), None, None)),
        ] {
            assert_eq!(FormPart::parse(text).as_ref(), Ok(&expected), "{text}");
        }
        for (text, expected) in [
            ("f", FormPartError::MissingValue),
            ("f=\"a", FormPartError::UnclosedQuote),
            ("f=a;b", FormPartError::UnknownAddition),
            ("f=@a,b", FormPartError::NestedParts),
            ("f=(", FormPartError::NestedParts),
        ] {
            assert_eq!(FormPart::parse(text), Err(expected), "{text}");
        }
    }

    #[test]
    fn a_form_names_its_files_and_its_boundary_is_in_no_part() {
        let form = DraftBody::Form {
            form: vec![
                FormPart::with_text("a \"b\"", "1"),
                part(PartContent::File("folder/x.PNG".to_owned()), None, None),
                part(PartContent::TextFile("notes".to_owned()), None, None),
            ],
        };
        let read = |path: &str| Ok::<_, ()>(format!("<{path}>\0").into_bytes());
        let EncodedBody { bytes, boundary } = form.encode(read).unwrap();
        let boundary = boundary.unwrap();
        let expected = "--B\r\nContent-Disposition: form-data; name=\"a %22b%22\"\r\n\r\n1\r\n\
            --B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x.PNG\"\r\nContent-Type: image/png\r\n\r\n<folder/x.PNG>\0\r\n\
            --B\r\nContent-Disposition: form-data; name=\"f\"\r\n\r\n<notes>\0\r\n--B--\r\n";
        assert_eq!(
            String::from_utf8(bytes).unwrap(),
            expected.replace("--B", &format!("--{boundary}"))
        );
        assert_eq!(form.files().collect::<Vec<_>>(), ["folder/x.PNG", "notes"]);
        assert_eq!(form.encode(|_| Err::<Vec<u8>, _>("unreadable")), Err("unreadable"));
    }
}
