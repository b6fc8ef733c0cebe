//! Body of an imported command: pieces of data, a file, or a form.
//!
//! Start at [`ImportedBody`].

use super::options::DataEncoding;
use super::{CurlParseError, require_literal, secrets};
use crate::domain::redact::MASK;
use crate::domain::request::{DraftBody, FormPart, PartContent};
use crate::util::shell_words::{CommandInput, ShellWord};

/// Body while the options are read.
#[derive(Default)]
pub(super) struct ImportedBody {
    pieces: Vec<DataPiece>,
    form: Vec<FormPart>,
    upload: Option<String>,
    /// Standard input of the command.
    pub(super) input: CommandInput,
}

/// Piece of data, in the order of the command.
struct DataPiece {
    option: &'static str,
    encoding: DataEncoding,
    source: DataSource,
}

enum DataSource {
    Text(String),
    File(String),
}

impl ImportedBody {
    /// Returns whether the command has data, a form or a file.
    pub(super) fn is_given(&self) -> bool {
        !self.pieces.is_empty() || !self.form.is_empty() || self.upload.is_some()
    }

    /// Returns whether the body is a form.
    pub(super) fn is_form(&self) -> bool {
        !self.form.is_empty()
    }

    /// Returns whether the command uploads a file.
    pub(super) fn is_upload(&self) -> bool {
        self.upload.is_some()
    }

    /// Returns whether a piece of the data is JSON by its option.
    pub(super) fn is_json(&self) -> bool {
        self.pieces.iter().any(|piece| piece.encoding == DataEncoding::Json)
    }

    /// Adds a piece of data.
    pub(super) fn add_data(
        &mut self,
        option: &'static str,
        encoding: DataEncoding,
        word: ShellWord,
    ) -> Result<(), CurlParseError> {
        let text = require_literal(word)?;
        let source = match (encoding, text.strip_prefix('@')) {
            (DataEncoding::UrlEncoded, _) => DataSource::Text(url_encode_data(option, &text)?),
            (DataEncoding::Raw, _) | (_, None) => DataSource::Text(text),
            (_, Some("-")) => self.read_input(option, encoding)?,
            (_, Some(file)) => DataSource::File(file.to_owned()),
        };
        self.pieces.push(DataPiece { option, encoding, source });
        Ok(())
    }

    /// Adds a field of a form. A field that holds a secret gets a placeholder.
    pub(super) fn add_form(
        &mut self,
        word: ShellWord,
        is_literal: bool,
        dropped: &mut Vec<String>,
    ) -> Result<(), CurlParseError> {
        let name = word.text.split('=').next().unwrap_or_default().to_owned();
        let value = &word.text[name.len()..];
        let is_text = is_literal || !(value.starts_with("=@") || value.starts_with("=<"));
        if is_text && secrets::is_secret_member(&name) {
            dropped.push(format!("form field {name}"));
            self.form.push(FormPart::with_text(&name, MASK));
            return Ok(());
        }
        let text = require_literal(word)?;
        let mut part = if is_literal {
            let (name, value) = text.split_once('=').ok_or(CurlParseError::InvalidForm)?;
            FormPart::with_text(name, value)
        } else {
            FormPart::parse(&text).map_err(|_| CurlParseError::InvalidForm)?
        };
        match &mut part.content {
            PartContent::Text(text) if secrets::looks_like_secret(text) => {
                dropped.push(format!("form field {name}, which looks like a secret"));
                MASK.clone_into(text);
            }
            PartContent::File(path) | PartContent::TextFile(path) if path == "-" => {
                return Err(CurlParseError::StandardInput("form"));
            }
            _ => {}
        }
        self.form.push(part);
        Ok(())
    }

    /// Sets the file that is uploaded.
    pub(super) fn set_upload(&mut self, word: ShellWord) -> Result<(), CurlParseError> {
        let file = require_literal(word)?;
        if matches!(file.as_str(), "-" | ".") {
            return Err(CurlParseError::StandardInput("upload-file"));
        }
        self.upload = Some(file);
        Ok(())
    }

    /// Returns the name of the uploaded file, which curl appends to a URL that ends with a slash.
    pub(super) fn upload_name(&self) -> Option<&str> {
        self.upload.as_deref().and_then(|file| file.rsplit(['/', '\\']).next())
    }

    /// Takes the data as text for the query.
    pub(super) fn take_query(&mut self) -> Result<Option<String>, CurlParseError> {
        match self.take_data(&mut Vec::new())? {
            None => Ok(None),
            Some(DraftBody::Text(text)) => Ok(Some(text)),
            Some(_) => Err(CurlParseError::FileInput("get")),
        }
    }

    /// Returns the body without its secrets.
    pub(super) fn finish(
        mut self,
        dropped: &mut Vec<String>,
        notes: &mut Vec<String>,
    ) -> Result<Option<DraftBody>, CurlParseError> {
        let kinds = [!self.pieces.is_empty(), !self.form.is_empty(), self.upload.is_some()];
        if kinds.into_iter().filter(|given| *given).count() > 1 {
            return Err(CurlParseError::SeveralBodies);
        }
        let body = if let Some(file) = self.upload.take() {
            Some(DraftBody::File { file })
        } else if self.form.is_empty() {
            self.take_data(notes)?
        } else {
            Some(DraftBody::Form { form: std::mem::take(&mut self.form) })
        };
        if body.as_ref().is_some_and(DraftBody::reads_file) {
            notes.push("the body is read from a file when the request is sent".to_owned());
        }
        Ok(body.map(|body| match body {
            DraftBody::Text(text) => DraftBody::Text(secrets::mask_body_secrets(&text, dropped)),
            body => body,
        }))
    }

    fn take_data(&mut self, notes: &mut Vec<String>) -> Result<Option<DraftBody>, CurlParseError> {
        let mut pieces = std::mem::take(&mut self.pieces);
        if let [DataPiece { source: DataSource::File(file), encoding, .. }] = &pieces[..] {
            if *encoding == DataEncoding::Plain {
                notes.push(
                    "the line breaks of the file are sent; curl would remove them".to_owned(),
                );
            }
            return Ok(Some(DraftBody::File { file: file.clone() }));
        }
        let mut body: Option<String> = None;
        for DataPiece { option, encoding, source } in pieces.drain(..) {
            let DataSource::Text(text) = source else {
                return Err(CurlParseError::FileInput(option));
            };
            body = Some(match body {
                None => text,
                Some(body) if encoding == DataEncoding::Json => body + &text,
                Some(body) => format!("{body}&{text}"),
            });
        }
        Ok(body.map(DraftBody::Text))
    }

    /// Returns the standard input of the command, as far as the text contains it.
    fn read_input(
        &mut self,
        option: &'static str,
        encoding: DataEncoding,
    ) -> Result<DataSource, CurlParseError> {
        match std::mem::take(&mut self.input) {
            CommandInput::Text(word) => {
                let text = require_literal(word)?;
                let whole = encoding != DataEncoding::Plain;
                Ok(DataSource::Text(if whole { text } else { text.replace('\n', "") }))
            }
            CommandInput::File(word) => require_literal(word).map(DataSource::File),
            CommandInput::Terminal | CommandInput::Pipe => {
                Err(CurlParseError::StandardInput(option))
            }
        }
    }
}

/// Encodes `name=content`, `=content` or `content` as form data; only the content is encoded.
pub(super) fn url_encode_data(option: &'static str, text: &str) -> Result<String, CurlParseError> {
    match text.split_once('=') {
        Some(("", content)) => Ok(url_encode(content)),
        Some((name, content)) => Ok(format!("{name}={}", url_encode(content))),
        None if text.contains('@') => Err(CurlParseError::FileInput(option)),
        None => Ok(url_encode(text)),
    }
}

/// Encodes a text as curl does: a space becomes a plus sign, and the tilde stays.
fn url_encode(text: &str) -> String {
    let encoded: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
    encoded.replace("%7E", "~").replace('*', "%2A")
}
