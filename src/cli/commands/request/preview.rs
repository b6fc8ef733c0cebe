//! Preview of a request that is not sent, as HTTP or as a curl command.

use std::fmt::Write as _;

use super::CliContext;
use crate::domain::request::RequestDraft;
use crate::domain::{Credential, Problem};
use crate::engine::RequestPreview;

/// Prints the request as it would be sent.
pub(super) fn print_preview(
    context: &CliContext<'_>,
    credential: &Credential,
    draft: &RequestDraft,
) -> Result<u8, Problem> {
    let preview = context.engine()?.requests.preview_request(credential, draft)?;
    if context.out.json {
        let RequestPreview { method, origin, path, headers, body, preceding_exchange: before } =
            preview;
        let headers: serde_json::Map<_, _> =
            headers.into_iter().map(|(name, value)| (name, value.into())).collect();
        context.out.print_json(&serde_json::json!({
            "method": method, "url": format!("{origin}{path}"), "headers": headers, "body": body, "before": before,
        }))?;
        return Ok(0);
    }
    if let Some(before) = &preview.preceding_exchange {
        context.out.note(&format!("note: {before}"));
    }
    context
        .out
        .note(&format!("note: nothing was sent; the request would go to {}", preview.origin));
    context.out.write_bytes(format_preview(&preview).as_bytes())?;
    Ok(0)
}

/// Prints the request as a curl command.
pub(super) fn print_curl(
    context: &CliContext<'_>,
    credential: &Credential,
    draft: &RequestDraft,
) -> Result<u8, Problem> {
    let curl = context.engine()?.requests.curl_command(credential, draft)?;
    if context.out.json {
        context.out.print_json(
            &serde_json::json!({ "curl": curl.to_string(), "warnings": curl.warnings }),
        )?;
        return Ok(0);
    }
    let warnings = curl.warnings.iter().map(|warning| format!("# {warning}\n"));
    context.out.print_text(&format!("{}{curl}", warnings.collect::<String>()))?;
    Ok(0)
}

fn format_preview(preview: &RequestPreview) -> String {
    let mut text = format!("{} {} HTTP/1.1\n", preview.method, preview.path);
    for (name, value) in &preview.headers {
        let _ = writeln!(text, "{name}: {value}");
    }
    format!("{text}\n{}", preview.body.as_deref().unwrap_or_default())
}
