//! Preview of a request that is not sent, as HTTP or for another client.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;

use super::CliContext;
use crate::domain::request::RequestDraft;
use crate::domain::request::export::ExportFormat;
use crate::domain::{Credential, Problem};
use crate::engine::RequestPreview;

/// Prints the request as it would be sent.
pub(super) fn print_preview(
    context: &CliContext<'_>,
    credential: &Credential,
    draft: &RequestDraft,
) -> Result<u8, Problem> {
    let preview = context.engine()?.requests.preview_request(credential, draft)?;
    if preview.masked {
        context
            .out
            .note("note: what looks like a secret is masked here, and would be sent as it is");
    }
    if context.out.json {
        context.out.print_json(&preview_json(preview))?;
        return Ok(0);
    }
    if let Some(before) = &preview.preceding_exchange {
        context.out.note(&format!("note: {before}"));
    }
    context
        .out
        .note(&format!("note: nothing was sent; the request would go to {}", preview.origin));
    context.out.write_bytes(format_head(&preview).as_bytes())?;
    match &preview.body {
        Some(body) if std::str::from_utf8(body).is_err() && context.out.is_terminal() => {
            context.out.note(&format!(
                "note: binary body of {} bytes; pipe the output to a file",
                body.len()
            ));
        }
        Some(body) => context.out.write_bytes(body)?,
        None => {}
    }
    Ok(0)
}

/// Returns the preview as JSON. A body that is not text is encoded in base64.
fn preview_json(preview: RequestPreview) -> serde_json::Value {
    let RequestPreview { method, origin, path, headers, body, preceding_exchange: before, .. } =
        preview;
    let headers: serde_json::Map<_, _> =
        headers.into_iter().map(|(name, value)| (name, value.into())).collect();
    let body = body.map(|body| {
        String::from_utf8(body).map_or_else(
            |error| serde_json::json!({ "base64": BASE64.encode(error.as_bytes()) }),
            serde_json::Value::String,
        )
    });
    serde_json::json!({
        "method": method, "url": format!("{origin}{path}"), "headers": headers, "body": body, "before": before,
    })
}

/// Prints the request for another client.
pub(super) fn print_export(
    context: &CliContext<'_>,
    credential: &Credential,
    draft: &RequestDraft,
    format: ExportFormat,
) -> Result<u8, Problem> {
    let exported = context.engine()?.requests.export_request(credential, draft, format)?;
    if context.out.json {
        context.out.print_json(
            &serde_json::json!({ format.as_str(): exported.text, "warnings": exported.warnings }),
        )?;
    } else {
        context.out.print_text(&exported.with_comments())?;
    }
    Ok(0)
}

fn format_head(preview: &RequestPreview) -> String {
    let mut text = format!("{} {} HTTP/1.1\n", preview.method, preview.path);
    for (name, value) in &preview.headers {
        let _ = writeln!(text, "{name}: {value}");
    }
    format!("{text}\n")
}
