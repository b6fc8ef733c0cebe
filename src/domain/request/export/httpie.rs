//! Arguments of HTTPie for a request.

use super::ExportParts;
use super::quoting::ShellArgument;
use crate::domain::request::{DraftBody, FormPart, PartContent};

/// Returns the arguments of `http`.
pub(super) fn arguments(parts: &ExportParts<'_>, warnings: &mut Vec<String>) -> Vec<ShellArgument> {
    let mut arguments: Vec<ShellArgument> = vec!["--ignore-stdin".into()];
    match parts.body {
        Some(DraftBody::Text(text)) => {
            arguments.extend(["--raw".into(), ShellArgument::from(text.as_str())]);
        }
        Some(DraftBody::Form { .. }) => arguments.push("--multipart".into()),
        Some(DraftBody::File { .. }) | None => {}
    }
    if let Some(file) = parts.ca_file {
        arguments.extend(["--verify".into(), ShellArgument::from(file.display().to_string())]);
    }
    arguments.extend([parts.method.as_str().into(), ShellArgument::from(parts.url.as_str())]);
    if let Some(authorization) = &parts.authorization {
        arguments.push(ShellArgument::WithVariable {
            text: format!("Authorization:{}", authorization.prefix()),
            variable: authorization.variable.to_owned(),
        });
    }
    for (name, value) in &parts.headers {
        arguments.push(header_item(name, value).into());
    }
    if !parts.has_header("accept") {
        arguments.push("accept:*/*".into());
    }
    arguments.extend(parts.removed_headers.iter().map(|name| format!("{name}:").into()));
    match parts.body {
        Some(DraftBody::Form { form }) => {
            arguments.extend(form.iter().map(|part| form_item(part, warnings).into()));
        }
        Some(body) => {
            if !parts.has_header("content-type") {
                arguments.push("content-type:".into());
            }
            if let DraftBody::File { file } = body {
                arguments.push(format!("@{}", escape_item(file)).into());
            }
        }
        None => {}
    }
    arguments
}

/// Returns a header; `=` and `@` after the colon have a meaning of their own.
fn header_item(name: &str, value: &str) -> String {
    if value.is_empty() {
        format!("{name};")
    } else if value.starts_with(['=', '@']) {
        format!("{name}:\\{value}")
    } else {
        format!("{name}:{value}")
    }
}

fn form_item(part: &FormPart, warnings: &mut Vec<String>) -> String {
    let FormPart { name, content, media_type, filename } = part;
    let name = escape_item(name);
    let is_file = matches!(content, PartContent::File(_));
    if filename.is_some() || (!is_file && media_type.is_some()) {
        warnings.push("HTTPie sets neither file names nor the types of fields".to_owned());
    }
    match content {
        PartContent::Text(text) if text.starts_with(['=', '@']) => format!("{name}=\\{text}"),
        PartContent::Text(text) => format!("{name}={text}"),
        PartContent::TextFile(path) => format!("{name}=@{path}"),
        PartContent::File(path) => {
            let media_type = part.sent_media_type().unwrap_or_default();
            format!("{name}@{path};type={media_type}")
        }
    }
}

/// Escapes the characters that separate a name from a value.
fn escape_item(text: &str) -> String {
    text.chars().flat_map(|c| ":;=@".contains(c).then_some('\\').into_iter().chain([c])).collect()
}
