//! Python script with the library requests.

use std::fmt::Write as _;

use super::ExportParts;
use crate::domain::request::{DraftBody, FormPart, PartContent};

/// Returns the script.
pub(super) fn script(parts: &ExportParts<'_>) -> String {
    let mut script = String::new();
    if parts.authorization.is_some() {
        script.push_str("import os\n\n");
    }
    let method = quote_text(parts.method.as_str());
    let url = quote_text(parts.url.as_str());
    let _ = write!(
        script,
        "import requests\n\nresponse = requests.request(\n    {method},\n    {url},\n"
    );
    script.push_str("    headers={\n");
    if let Some(authorization) = &parts.authorization {
        let (prefix, variable) = (authorization.prefix(), quote_text(authorization.variable));
        let value = if prefix.is_empty() {
            format!("os.environ[{variable}]")
        } else {
            format!("{} + os.environ[{variable}]", quote_text(&prefix))
        };
        let _ = writeln!(script, "        \"Authorization\": {value},");
    }
    for (name, value) in joined_headers(&parts.headers) {
        let _ = writeln!(script, "        {}: {},", quote_text(name), quote_text(&value));
    }
    for name in &parts.removed_headers {
        let _ = writeln!(script, "        {}: None,", quote_text(name));
    }
    script.push_str("    },\n");
    match parts.body {
        None => {}
        Some(DraftBody::Text(text)) => {
            let _ = writeln!(script, "    data={}.encode(),", quote_text(text));
        }
        Some(DraftBody::File { file }) => {
            let _ = writeln!(script, "    data=open({}, \"rb\"),", quote_text(file));
        }
        Some(DraftBody::Form { form }) => {
            script.push_str("    files=[\n");
            for part in form {
                let _ = writeln!(script, "        {},", form_part(part));
            }
            script.push_str("    ],\n");
        }
    }
    if let Some(file) = parts.ca_file {
        let _ = writeln!(script, "    verify={},", quote_text(&file.display().to_string()));
    }
    script.push_str(
        "    allow_redirects=False,\n)\nprint(response.status_code)\nprint(response.text)",
    );
    script
}

/// Joins the values of headers with the same name: a dictionary has each name once.
fn joined_headers<'a>(headers: &[(&'a str, &'a str)]) -> Vec<(&'a str, String)> {
    let mut joined: Vec<(&str, String)> = Vec::new();
    for (name, value) in headers {
        match joined.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
            Some((_, values)) => *values = format!("{values}, {value}"),
            None => joined.push((name, (*value).to_owned())),
        }
    }
    joined
}

fn form_part(part: &FormPart) -> String {
    let content = match &part.content {
        PartContent::Text(text) => quote_text(text),
        PartContent::File(path) | PartContent::TextFile(path) => {
            format!("open({}, \"rb\")", quote_text(path))
        }
    };
    let filename = part.sent_filename().map_or_else(|| "None".to_owned(), quote_text);
    let media_type =
        part.sent_media_type().map(|media_type| format!(", {}", quote_text(media_type)));
    let media_type = media_type.unwrap_or_default();
    format!("({}, ({filename}, {content}{media_type}))", quote_text(&part.name))
}

/// Quotes a text as a string of Python.
fn quote_text(text: &str) -> String {
    let mut quoted = "\"".to_owned();
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_control() || crate::domain::text::is_unprintable(c) => {
                let _ = write!(quoted, "\\U{:08x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted + "\""
}
