//! Arguments of curl for a request.

use super::ExportParts;
use super::quoting::{ShellArgument, ShellSyntax};
use crate::domain::request::{DraftBody, FormPart, HttpMethod, PartContent};
use crate::domain::text::is_unprintable;

/// Returns the arguments of curl in a shell.
pub(super) fn arguments(
    parts: &ExportParts<'_>,
    shell: ShellSyntax,
    warnings: &mut Vec<String>,
) -> Vec<ShellArgument> {
    let mut arguments = CurlArguments::default();
    let has_body = arguments.add_body(parts, warnings);
    let body = std::mem::take(&mut arguments.0);
    arguments.add_method(parts.method, has_body);
    if asks_for_compression(parts, shell) {
        arguments.0.push("--compressed".into());
    }
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

/// Returns whether curl asks for a compressed response and decodes it, as tokenring does. The curl of
/// Windows fails at that option in many versions, so it is used there only where the request itself
/// asks for compression.
fn asks_for_compression(parts: &ExportParts<'_>, shell: ShellSyntax) -> bool {
    let is_removed =
        parts.removed_headers.iter().any(|name| name.eq_ignore_ascii_case("accept-encoding"));
    parts.has_header("accept-encoding")
        || shell == ShellSyntax::Posix && !is_removed && !parts.has_header("range")
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
        match &part.content {
            PartContent::Text(text) if !can_be_typed(text) || part.name.contains('=') => {
                warnings.push("a field that cannot be written in a command is omitted".to_owned());
            }
            PartContent::Text(text) if part.media_type.is_none() && part.filename.is_none() => {
                self.add("--form-string", format!("{}={text}", part.name));
            }
            PartContent::Text(_) | PartContent::File(_) | PartContent::TextFile(_) => {
                self.add("--form", part.to_string());
            }
        }
    }
}

/// Returns a path that curl does not take for standard input.
fn as_file(path: &str) -> &str {
    if path == "-" { "./-" } else { path }
}

fn can_be_typed(text: &str) -> bool {
    !text.chars().any(|c| is_unprintable(c) && c != '\n' && c != '\t')
}
