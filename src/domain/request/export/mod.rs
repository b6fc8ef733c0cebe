//! Export of a request for another client, safe to share: the secret is a variable, never a value.
//!
//! Start at [`export_request`]. `curl` and `httpie` build command lines, `quoting` writes them for a
//! shell, and `python` writes a script. The import of a curl command is [`crate::domain::curl`].

mod curl;
mod httpie;
mod python;
mod quoting;

use std::path::Path;

use url::Url;

use super::{DraftBody, HttpMethod, RequestDraft, TargetError};
use crate::domain::Origin;
use crate::domain::provider::{CredentialKind, Provider};
use crate::domain::redact::SecretRedactor;
use crate::domain::region::Region;
use crate::domain::text::is_unprintable;
use quoting::ShellSyntax;

/// Client and shell for which a request is exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ExportFormat {
    /// curl in a POSIX shell.
    #[default]
    Curl,
    /// curl in PowerShell.
    PowerShell,
    /// curl at the Windows command prompt.
    Cmd,
    /// `HTTPie` in a POSIX shell.
    Httpie,
    /// Python with the library requests.
    Python,
}

/// Credential details that an export needs.
#[derive(Debug, Clone, Copy)]
pub struct ExportContext<'a> {
    /// Provider of the credential.
    pub provider: &'a Provider,
    /// Kind of the credential.
    pub kind: &'a CredentialKind,
    /// Region that receives the request.
    pub region: &'a Region,
    /// Authorization scheme that works.
    pub scheme: &'a str,
}

/// Exported request, and the differences between it and the request that tokenring sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportedRequest {
    /// Command or script.
    pub text: String,
    /// Warnings about what the export cannot express.
    pub warnings: Vec<String>,
    format: ExportFormat,
}

/// Parts of the request, as tokenring sends them.
struct ExportParts<'a> {
    method: HttpMethod,
    url: Url,
    authorization: Option<AuthorizationVariable<'a>>,
    headers: Vec<(&'a str, &'a str)>,
    /// Headers of the other client that are not sent.
    removed_headers: Vec<&'a str>,
    body: Option<&'a DraftBody>,
    /// Whether the request announces that it has no body.
    announces_no_body: bool,
    ca_file: Option<&'a Path>,
}

/// Authorization header with a variable for the secret.
struct AuthorizationVariable<'a> {
    scheme: &'a str,
    variable: &'a str,
}

/// Exports a draft. What looks like a secret in it becomes a placeholder.
///
/// # Errors
///
/// Fails where the draft's target does not resolve to a URL in the region.
pub fn export_request(
    draft: &RequestDraft,
    context: ExportContext<'_>,
    format: ExportFormat,
) -> Result<ExportedRequest, TargetError> {
    let clean = draft.without_secrets(&SecretRedactor::default());
    let mut warnings = Vec::new();
    if clean != *draft {
        warnings.push("what looks like a secret is replaced by a placeholder".to_owned());
    }
    let parts = ExportParts::new(&clean, context, &mut warnings)?;
    let text = match format {
        ExportFormat::Curl => {
            let shell = ShellSyntax::Posix;
            shell.format("curl", &curl::arguments(&parts, shell, &mut warnings))
        }
        ExportFormat::PowerShell => {
            let arguments = curl::arguments(&parts, ShellSyntax::PowerShell, &mut warnings);
            if arguments.iter().any(quoting::ShellArgument::has_double_quote) {
                warnings.push(
                    "PowerShell before version 7.3 removes the double quotes in arguments"
                        .to_owned(),
                );
            }
            ShellSyntax::PowerShell.format("curl.exe", &arguments)
        }
        ExportFormat::Cmd => {
            let shell = ShellSyntax::Cmd;
            shell.format("curl", &curl::arguments(&parts, shell, &mut warnings))
        }
        ExportFormat::Httpie => {
            ShellSyntax::Posix.format("http", &httpie::arguments(&parts, &mut warnings))
        }
        ExportFormat::Python => python::script(&parts),
    };
    Ok(ExportedRequest { text, warnings, format })
}

impl ExportedRequest {
    /// Returns the export with its warnings as comments before it.
    pub fn with_comments(&self) -> String {
        let mark = if self.format == ExportFormat::Cmd { "rem" } else { "#" };
        let comments = self.warnings.iter().map(|warning| format!("{mark} {warning}\n"));
        format!("{}{}", comments.collect::<String>(), self.text)
    }
}

impl ExportFormat {
    /// All formats, in the order in which they are offered.
    pub const ALL: [Self; 5] =
        [Self::Curl, Self::PowerShell, Self::Cmd, Self::Httpie, Self::Python];

    /// Returns the format's word on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Curl => "curl",
            Self::PowerShell => "powershell",
            Self::Cmd => "cmd",
            Self::Httpie => "httpie",
            Self::Python => "python",
        }
    }

    /// Returns the title for the user.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Curl => "curl",
            Self::PowerShell => "curl (PowerShell)",
            Self::Cmd => "curl (cmd)",
            Self::Httpie => "HTTPie",
            Self::Python => "Python",
        }
    }

    /// Returns where the export runs.
    pub const fn description(self) -> &'static str {
        match self {
            Self::Curl => "sh, bash, zsh and other POSIX shells",
            Self::PowerShell => "curl.exe, because curl can be an alias",
            Self::Cmd => "the Windows command prompt",
            Self::Httpie => "the http command, in POSIX shells",
            Self::Python => "a script that uses the requests library",
        }
    }
}

impl<'a> ExportParts<'a> {
    fn new(
        draft: &'a RequestDraft,
        context: ExportContext<'a>,
        warnings: &mut Vec<String>,
    ) -> Result<Self, TargetError> {
        let url = draft.resolve(context.region)?;
        let mut headers = draft.headers_with_defaults(&context.provider.headers);
        let known = headers.len();
        headers.retain(|(name, value)| is_header_name(name) && !value.chars().any(is_unprintable));
        if headers.len() < known {
            warnings.push("a header with invalid characters is omitted".to_owned());
        }
        let is_form = matches!(draft.body, Some(DraftBody::Form { .. }));
        headers.retain(|(name, _)| !is_form || !name.eq_ignore_ascii_case("content-type"));
        // What tokenring sends without a header of this name is what other clients send too.
        let removed = draft.removed_headers.iter().map(String::as_str);
        let removed_headers = removed.filter(|name| !name.eq_ignore_ascii_case("accept")).collect();
        let body = draft.body.as_ref().filter(|body| body.text() != Some(""));
        let announces =
            matches!(draft.method, HttpMethod::Post | HttpMethod::Put | HttpMethod::Patch);
        Ok(Self {
            method: draft.method,
            authorization: AuthorizationVariable::new(&url, context, warnings),
            url,
            headers,
            removed_headers,
            body,
            announces_no_body: body.is_none() && (announces || draft.body.is_some()),
            ca_file: context.region.ca_file.as_deref(),
        })
    }

    /// Returns whether the request has a header with this lower-case name.
    fn has_header(&self, name: &str) -> bool {
        self.headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name))
    }
}

impl<'a> AuthorizationVariable<'a> {
    /// Returns `None` where the secret is not sent to the URL.
    fn new(url: &Url, context: ExportContext<'a>, warnings: &mut Vec<String>) -> Option<Self> {
        let origin = Origin::from_url(url)?;
        if !context.region.bound_origins().contains(&origin) {
            warnings.push(
                "the credential is not bound to the host of the URL, so the command sends no secret"
                    .to_owned(),
            );
            return None;
        }
        let variable = context.kind.secret_variable();
        if context.kind.authorization.uses_token_exchange() {
            warnings.push(format!(
                "{variable} must contain a short-lived access token; other clients do not exchange the secret for one"
            ));
        }
        Some(Self { scheme: context.scheme, variable })
    }

    /// Returns the text before the secret.
    fn prefix(&self) -> String {
        format!("{} ", self.scheme).trim_start().to_owned()
    }
}

fn is_header_name(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod windows_tests;
