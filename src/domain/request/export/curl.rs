//! Arguments of curl for a request.

use super::ExportParts;
use super::quoting::ShellArgument;
use crate::domain::request::{DraftBody, FormPart, HttpMethod, PartContent};
use crate::domain::text::is_unprintable;

/// Returns the arguments of curl.
pub(super) fn arguments(parts: &ExportParts<'_>, warnings: &mut Vec<String>) -> Vec<ShellArgument> {
    let mut arguments = CurlArguments::default();
    let has_body = arguments.add_body(parts, warnings);
    let body = std::mem::take(&mut arguments.0);
    arguments.add_method(parts.method, has_body);
    if let Some(authorization) = &parts.authorization {
        arguments.0.push("--header".into());
        arguments.0.push(ShellArgument::WithVariable {
            text: format!("Authorization: {}", authorization.prefix()),
            variable: authorization.variable.to_owned(),
        });
    }
    for (name, value) in &parts.headers {
        let header = if value.is_empty() { format!("{name};") } else { format!("{name}: {value}") };
        arguments.add("--header", header);
    }
    for name in &parts.removed_headers {
        arguments.add("--header", format!("{name}:"));
    }
    let is_form = matches!(parts.body, Some(DraftBody::Form { .. }));
    if has_body && !is_form && !parts.has_header("content-type") {
        arguments.add("--header", "Content-Type:");
    }
    if parts.announces_no_body {
        arguments.add("--header", "Content-Length: 0");
    }
    arguments.0.extend(body);
    if let Some(file) = parts.ca_file {
        arguments.add("--cacert", file.display().to_string());
    }
    if parts.url.as_str().contains(['[', ']', '{', '}']) {
        arguments.0.push("--globoff".into());
    }
    arguments.0.push(parts.url.as_str().into());
    arguments.0
}

#[derive(Default)]
struct CurlArguments(Vec<ShellArgument>);

impl CurlArguments {
    fn add(&mut self, option: &str, value: impl Into<ShellArgument>) {
        self.0.extend([option.into(), value.into()]);
    }

    fn add_method(&mut self, method: HttpMethod, has_body: bool) {
        match method {
            HttpMethod::Get if !has_body => {}
            HttpMethod::Head => self.0.push("--head".into()),
            other => self.add("--request", other.as_str()),
        }
    }

    /// Adds the body; returns whether there is one.
    fn add_body(&mut self, parts: &ExportParts<'_>, warnings: &mut Vec<String>) -> bool {
        if parts.body.is_some() && parts.method == HttpMethod::Head {
            warnings.push("curl sends no body with HEAD; the body is omitted".to_owned());
            return false;
        }
        match parts.body {
            None => return false,
            Some(DraftBody::Text(text)) if !can_be_typed(text) => {
                warnings.push("the body contains characters that cannot be displayed and is omitted; send the body with --data-binary @FILE".to_owned());
                return false;
            }
            Some(DraftBody::Text(text)) => self.add("--data-raw", text.as_str()),
            Some(DraftBody::File { file }) => {
                self.add("--data-binary", format!("@{}", as_file(file)));
            }
            Some(DraftBody::Form { form }) => {
                for part in form {
                    self.add_form_part(part, warnings);
                }
            }
        }
        true
    }

    fn add_form_part(&mut self, part: &FormPart, warnings: &mut Vec<String>) {
        let FormPart { name, content, media_type, filename } = part;
        let plain = media_type.is_none() && filename.is_none();
        let content = match content {
            PartContent::Text(text) if !can_be_typed(text) || name.contains('=') => {
                warnings.push("a field that cannot be written in a command is omitted".to_owned());
                return;
            }
            PartContent::Text(text) if plain => {
                return self.add("--form-string", format!("{name}={text}"));
            }
            PartContent::Text(text) => quote_part(text),
            PartContent::File(path) => format!("@{}", quote_part(as_file(path))),
            PartContent::TextFile(path) => format!("<{}", quote_part(as_file(path))),
        };
        let addition = |name: &str, value: &Option<String>| {
            value.as_ref().map(|value| format!(";{name}={}", quote_part(value)))
        };
        let media_type = addition("type", media_type).unwrap_or_default();
        let filename = addition("filename", filename).unwrap_or_default();
        self.add("--form", format!("{name}={content}{media_type}{filename}"));
    }
}

/// Returns a path that curl does not take for standard input.
fn as_file(path: &str) -> &str {
    if path == "-" { "./-" } else { path }
}

/// Quotes a value of a form where curl would end it, or take it for something else.
fn quote_part(text: &str) -> String {
    if !text.is_empty() && !text.contains([';', ',', '"', '\\', '@', '<', '=', '(', ' ']) {
        return text.to_owned();
    }
    format!("\"{}\"", text.replace('\\', r"\\").replace('"', "\\\""))
}

fn can_be_typed(text: &str) -> bool {
    !text.chars().any(|c| is_unprintable(c) && c != '\n' && c != '\t')
}
