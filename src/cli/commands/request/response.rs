//! Output of a response, for a user or a script.
//!
//! Start reading at [`print_response`].

use std::ops::ControlFlow;

use super::CliContext;
use super::sending::CapturedSecretJson;
use crate::cli::output;
use crate::domain::diagnosis::header_explanations;
use crate::domain::diagnosis::refusal::{CauseAssessment, RefusalDiagnosis};
use crate::domain::jq::JqFilter;
use crate::domain::problem::ProblemClass;
use crate::domain::response::{ApiResponse, RequestTiming, ResponseBody};
use crate::domain::{Problem, Timestamp};
use crate::engine::background::protocol::HttpExchange;

/// How a response is shown.
#[derive(Default)]
pub(in crate::cli) struct ResponseDisplay {
    /// Whether status and headers are printed before the body.
    pub(super) include: bool,
    /// Whether a refusal is explained in full.
    pub(super) explain: bool,
    /// Whether a refusal is an error, without its body.
    pub(super) fail: bool,
    /// Whether the last result of the filter decides the exit code.
    pub(super) exit_status: bool,
    /// Filter of the body.
    pub(super) filter: Option<JqFilter>,
    /// Whether strings are printed without quotes.
    pub(super) raw: bool,
}

/// Prints a response.
pub(super) async fn print_response(
    context: &CliContext<'_>,
    exchange: &HttpExchange,
    captured: &[CapturedSecretJson],
    display: &ResponseDisplay,
) -> Result<(), Problem> {
    let now = context.engine()?.clock.now();
    if context.out.json {
        return context.out.print_json(&response_json(exchange, captured, display, now)?);
    }
    print_explanation(context, exchange);
    if display.explain {
        print_diagnosis(context, exchange).await?;
    }
    note_captured_secrets(context, captured);
    if display.include {
        print_head(context, &exchange.response, now)?;
    }
    print_body(context, &exchange.response, display)?;
    if exchange.response.truncated {
        context.out.note(&format!(
            "note: the response was truncated after {} bytes",
            exchange.response.size
        ));
    }
    Ok(())
}

/// Explains the status, where there is an explanation.
pub(super) fn print_explanation(context: &CliContext<'_>, exchange: &HttpExchange) {
    if let Some(Problem { what, why, remedy, .. }) = &exchange.explanation {
        context.out.note(&format!("{what}\n  why: {why}\n  fix: {remedy}"));
    }
}

/// Prints what was tried, the possible causes and the next steps.
async fn print_diagnosis(context: &CliContext<'_>, exchange: &HttpExchange) -> Result<(), Problem> {
    let Some(RefusalDiagnosis { tried, causes, next_steps }) = &exchange.refusal else {
        return Ok(());
    };
    let name = context.engine()?.credentials.get(&exchange.credential).await?.name;
    let mut lines = vec!["tried:".to_owned()];
    lines.extend(tried.iter().map(|line| format!("  {line}")));
    lines.push("possible causes:".to_owned());
    lines.extend(causes.iter().map(|CauseAssessment { cause, likelihood, reason }| {
        format!("  {} {}: {reason}", likelihood.symbol(), cause.title())
    }));
    lines.push("next:".to_owned());
    lines.extend(next_steps.iter().map(|step| match step.command(name.as_str()) {
        Some(command) => format!("  {}: {command}", step.describe()),
        None => format!("  {}", step.describe()),
    }));
    lines.push("(! likely, ? unknown, - ruled out)".to_owned());
    context.out.note(&lines.join("\n"));
    Ok(())
}

/// Returns the exit code for a response.
pub(super) fn exit_code(response: &ApiResponse) -> u8 {
    match response.status {
        _ if response.truncated => ProblemClass::Failed.exit_code(),
        429 | 500.. => ProblemClass::Unknown.exit_code(),
        400..500 => ProblemClass::Refused.exit_code(),
        _ => 0,
    }
}

/// Returns the exit code for a response and the last result of the filter, as jq's `--exit-status`.
pub(super) fn exit_code_of_filter(
    response: &ApiResponse,
    display: &ResponseDisplay,
) -> Result<u8, Problem> {
    let code = exit_code(response);
    let filter = display.filter.as_ref().filter(|_| code == 0 && display.exit_status);
    let (Some(filter), Some(json)) = (filter, response.body.text()) else { return Ok(code) };
    let mut code = 4;
    filter.for_each_output(json, |output| {
        code = u8::from(matches!(output.to_json().as_str(), "false" | "null"));
        Ok::<_, Problem>(ControlFlow::Continue(()))
    })?;
    Ok(code)
}

/// Prints the results of a filter, one per line.
pub(super) fn print_filtered(filter: &JqFilter, json: &str, raw: bool) -> Result<(), Problem> {
    filter.for_each_output(json, |output| {
        let line = if raw { output.to_plain_text() } else { output.to_json() };
        output::write_result_line(&line)
    })
}

/// Returns the body as a JSON value: JSON as it is, other text as a string, bytes as their count.
/// With a filter, the value is the list of its results.
fn body_json(
    response: &ApiResponse,
    display: &ResponseDisplay,
) -> Result<serde_json::Value, Problem> {
    let text = match &response.body {
        ResponseBody::Empty => return Ok(serde_json::Value::Null),
        ResponseBody::Binary(bytes) => return Ok(serde_json::json!({ "binary": bytes.len() })),
        ResponseBody::Text(text) => text,
    };
    match display.filter.as_ref().filter(|_| response.status < 400) {
        Some(filter) => collect_filtered(filter, text),
        None => Ok(serde_json::from_str(text).unwrap_or_else(|_| text.clone().into())),
    }
}

/// Returns the results of a filter as one list.
pub(super) fn collect_filtered(
    filter: &JqFilter,
    json: &str,
) -> Result<serde_json::Value, Problem> {
    let mut values: Vec<serde_json::Value> = Vec::new();
    filter.for_each_output(json, |output| {
        let text = output.to_json();
        values.push(serde_json::from_str(&text).unwrap_or_else(|_| text.into()));
        Ok::<_, Problem>(ControlFlow::Continue(()))
    })?;
    Ok(values.into())
}

fn response_json(
    exchange: &HttpExchange,
    captured: &[CapturedSecretJson],
    display: &ResponseDisplay,
    now: Timestamp,
) -> Result<serde_json::Value, Problem> {
    let response = &exchange.response;
    let headers: serde_json::Map<_, _> =
        response.headers.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
    let known: serde_json::Map<_, _> = header_explanations::explain_headers(response, now)
        .into_iter()
        .map(|known| (known.name.to_owned(), known.meaning.into()))
        .collect();
    Ok(serde_json::json!({
        "status": response.status, "headers": headers, "body": body_json(response, display)?,
        "latency_ms": response.timing.total_ms, "timing": timing_json(response.timing), "explanation": exchange.explanation,
        "refusal": exchange.refusal, "limit": exchange.rate_limit,
        "meanings": known, "withheld": captured, "truncated": response.truncated,
    }))
}

fn timing_json(timing: RequestTiming) -> serde_json::Value {
    let made = timing.connection.connect_timing();
    serde_json::json!({
        "connection": timing.connection.as_str(), "dns_ms": made.and_then(|made| made.dns_ms),
        "connect_ms": made.map(|made| made.connect_ms), "tls_ms": made.and_then(|made| made.tls_ms),
        "first_byte_ms": timing.first_byte_ms, "total_ms": timing.total_ms,
    })
}

fn print_head(
    context: &CliContext<'_>,
    response: &ApiResponse,
    now: Timestamp,
) -> Result<(), Problem> {
    let lines = response.headers.iter().map(|(name, value)| format!("{name}: {value}"));
    let lines: Vec<_> =
        std::iter::once(format!("{} {}", response.version, response.status)).chain(lines).collect();
    context.out.print_text(&format!("{}\n", lines.join("\n")))?;
    for known in header_explanations::explain_headers(response, now) {
        context.out.note(&format!("{}: {}", known.name, known.meaning));
    }
    let phases: Vec<_> = response
        .timing
        .phases()
        .into_iter()
        .map(|(name, duration)| format!("{name} {duration}"))
        .collect();
    context.out.note(&format!("time: {}", phases.join(", ")));
    Ok(())
}

fn print_body(
    context: &CliContext<'_>,
    response: &ApiResponse,
    display: &ResponseDisplay,
) -> Result<(), Problem> {
    match (&response.body, &display.filter) {
        (ResponseBody::Empty, _) => Ok(()),
        (ResponseBody::Text(text), Some(filter)) if response.status < 400 => {
            print_filtered(filter, text, display.raw)
        }
        (ResponseBody::Text(text), _) => context.out.write_bytes(text.as_bytes()),
        (ResponseBody::Binary(bytes), _) if context.out.is_terminal() => {
            context
                .out
                .note(&format!("binary body of {} bytes; pipe the output to a file", bytes.len()));
            Ok(())
        }
        (ResponseBody::Binary(bytes), _) => context.out.write_bytes(bytes),
    }
}

fn note_captured_secrets(context: &CliContext<'_>, captured: &[CapturedSecretJson]) {
    for CapturedSecretJson { member, kept_as, has_generated_name: is_unnamed } in captured {
        context.out.note(&match kept_as {
            Some(name) if *is_unnamed => format!(
                "stored: the secret in \"{member}\" is now the credential {name}\n  fix: rename it with \
                 tokenring edit {name} --rename NAME; next time, pass --capture NAME"
            ),
            Some(name) => format!("stored: the secret in \"{member}\" is now the credential {name}"),
            None => format!(
                "not stored: the secret in \"{member}\" is not shown\n  fix: revoke it and create it again with --capture NAME"
            ),
        });
    }
}
