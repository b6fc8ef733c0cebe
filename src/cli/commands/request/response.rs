//! Output of a response, for a user or a script.
//!
//! Start reading at [`print_response`].

use std::borrow::Cow;
use std::ops::ControlFlow;
use std::path::PathBuf;

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::CliContext;
use super::sending::CapturedSecretJson;
use crate::cli::output::json::format_json;
use crate::cli::output::{self, display_path};
use crate::domain::diagnosis::header_explanations;
use crate::domain::diagnosis::refusal::{CauseAssessment, RefusalDiagnosis};
use crate::domain::jq::{JqError, JqFilter};
use crate::domain::problem::ProblemClass;
use crate::domain::response::{ApiResponse, BodyRemark, RequestTiming, ResponseBody};
use crate::domain::text::sanitize;
use crate::domain::{Problem, Timestamp};
use crate::engine::SavedBody;
use crate::engine::background::protocol::HttpExchange;
use crate::util::json_scan::{is_json, json_values};

/// Header whose values are not joined.
const SET_COOKIE: &str = "set-cookie";

/// How a response is shown.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the command line")]
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
    /// File for the body of a successful response.
    pub(super) output: Option<PathBuf>,
}

impl ResponseDisplay {
    /// Returns the filter, where it applies: the response to a failed request is not what it is for.
    fn filter_for(&self, response: &ApiResponse) -> Option<&JqFilter> {
        self.filter.as_ref().filter(|_| response.status < 400 && !response.body.is_empty())
    }
}

/// Prints a response.
pub(super) async fn print_response(
    context: &CliContext<'_>,
    exchange: &HttpExchange,
    captured: &[CapturedSecretJson],
    display: &ResponseDisplay,
) -> Result<LastResult, Problem> {
    let now = context.engine()?.clock.now();
    if context.out.json {
        return print_response_json(context, exchange, captured, display, now);
    }
    print_explanation(context, exchange);
    if display.explain {
        print_diagnosis(context, exchange).await?;
    }
    note_captured_secrets(context, captured);
    if display.include {
        print_head(context, &exchange.response, now)?;
    }
    let last = match (&exchange.saved_body, &display.output) {
        (Some(SavedBody { path, bytes, .. }), _) => {
            context.out.note(&format!("saved {bytes} bytes as {}", display_path(path)));
            LastResult::Missing
        }
        (None, output) => {
            let last = print_body(context, &exchange.response, display)?;
            if let Some(path) = output {
                context.out.note(&format!(
                    "note: {} was not written: the request failed or the response is incomplete",
                    display_path(path)
                ));
            }
            last
        }
    };
    let response = &exchange.response;
    for remark in response.remarks.iter().filter(|remark| !matches!(remark, BodyRemark::Cut(_))) {
        context.out.note(&format!("note: {remark}"));
    }
    if response.status == 304 {
        context.out.note("note: not modified since the response that you have");
    }
    if response.truncated && !response.is_cut() {
        context.out.note(&format!(
            "note: the response was truncated after {} bytes",
            exchange.response.size
        ));
    }
    Ok(last)
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

/// Returns the exit code for a response. One that is not the provider's leaves the outcome unknown.
pub(super) fn exit_code(HttpExchange { response, explanation, .. }: &HttpExchange) -> u8 {
    let class = explanation.as_ref().map(|problem| problem.class);
    match response.status {
        _ if response.is_cut() => ProblemClass::Unknown.exit_code(),
        _ if response.truncated => ProblemClass::Failed.exit_code(),
        _ if class == Some(ProblemClass::Unknown) => ProblemClass::Unknown.exit_code(),
        304 => 0,
        300..400 => ProblemClass::Failed.exit_code(),
        429 | 500.. => ProblemClass::Unknown.exit_code(),
        400..500 => ProblemClass::Refused.exit_code(),
        _ => 0,
    }
}

/// Returns the text that a filter reads.
fn filter_input(body: &ResponseBody) -> Result<Cow<'_, str>, Problem> {
    let binary = || JqError::InvalidInput("its bytes are not text".to_owned());
    Ok(body.readable_text().ok_or_else(binary)?)
}

/// Last result of a filter, which decides the exit code as in jq's `--exit-status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LastResult {
    /// The filter had no result, or there was nothing to filter.
    Missing,
    /// `false` or `null`.
    FalseOrNull,
    /// Any other value.
    Truthy,
}

impl LastResult {
    fn from_json(json: &str) -> Self {
        if matches!(json, "false" | "null") { Self::FalseOrNull } else { Self::Truthy }
    }

    const fn exit_code(self) -> u8 {
        match self {
            Self::Truthy => 0,
            Self::FalseOrNull => 1,
            Self::Missing => 4,
        }
    }
}

/// Returns the exit code for a response, and with `--exit-status` for the last result of the filter.
pub(super) fn exit_code_of_filter(
    exchange: &HttpExchange,
    display: &ResponseDisplay,
    last: LastResult,
) -> u8 {
    match exit_code(exchange) {
        0 if display.exit_status => last.exit_code(),
        code => code,
    }
}

/// Prints the results of a filter, one per line, and returns the last one.
pub(super) fn print_filtered(
    filter: &JqFilter,
    json: &str,
    raw: bool,
) -> Result<LastResult, Problem> {
    let mut last = LastResult::Missing;
    filter.for_each_output(json, |output| {
        last = LastResult::from_json(output.to_json());
        if raw && output.is_string() {
            output::write_result_line(&output.to_plain_text())
        } else {
            output::write_json_result(output.to_json())
        }
    })?;
    Ok(last)
}

/// Returns the results of a filter, exactly as it wrote them.
pub(super) fn collect_filtered(
    filter: &JqFilter,
    json: &str,
) -> Result<Vec<Box<RawValue>>, Problem> {
    let mut values = Vec::new();
    filter.for_each_output(json, |output| {
        let json = output.to_json();
        let value = RawValue::from_string(json.to_owned());
        // A filter can compute numbers that JSON does not have.
        values.push(value.or_else(|_| to_raw_value(json)).map_err(|error| unreadable(&error))?);
        Ok::<_, Problem>(ControlFlow::Continue(()))
    })?;
    Ok(values)
}

fn unreadable(error: &serde_json::Error) -> Problem {
    let remedy = "omit --json; the results are then printed as they are";
    Problem::new("A result of the filter is not JSON", error.to_string(), remedy)
}

/// Response as `--json` prints it.
#[derive(Serialize)]
struct ResponseJson<'a> {
    status: u16,
    headers: IndexedHeaders<'a>,
    body: BodyJson<'a>,
    latency_ms: u64,
    timing: serde_json::Value,
    explanation: &'a Option<Problem>,
    refusal: &'a Option<RefusalDiagnosis>,
    limit: &'a Option<String>,
    meanings: serde_json::Map<String, serde_json::Value>,
    withheld: &'a [CapturedSecretJson],
    truncated: bool,
    remarks: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    saved: Option<SavedBodyJson>,
}

/// File that the body was written to.
#[derive(Serialize)]
struct SavedBodyJson {
    path: String,
    bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    continued_from: Option<u64>,
}

/// Body of a response as `--json` prints it.
#[derive(Serialize)]
#[serde(untagged)]
enum BodyJson<'a> {
    /// No body.
    Empty(()),
    /// JSON, byte for byte.
    Value(&'a RawValue),
    /// Several JSON values.
    Values(Vec<&'a RawValue>),
    /// Results of a filter.
    Filtered(Vec<Box<RawValue>>),
    /// Text that is not JSON.
    Text(&'a str),
    /// Number of bytes that are not text.
    Bytes { binary: usize },
}

/// Header as `--json` prints it.
#[derive(Serialize)]
#[serde(untagged)]
enum HeaderJson<'a> {
    /// All values, joined as the standard says.
    Joined(String),
    /// Values that must not be joined.
    List(Vec<&'a str>),
}

/// Returns the headers in their order, each name once. `set-cookie` is a list, because its values
/// contain commas.
fn headers_json(response: &ApiResponse) -> IndexedHeaders<'_> {
    let mut headers: Vec<(&str, HeaderJson<'_>)> = Vec::new();
    for (name, value) in &response.headers {
        let known = headers.iter_mut().find(|(known, _)| known == name).map(|(_, json)| json);
        match known {
            Some(HeaderJson::Joined(joined)) => joined.extend([", ", value]),
            Some(HeaderJson::List(values)) => values.push(value),
            None if name == SET_COOKIE => headers.push((name, HeaderJson::List(vec![value]))),
            None => headers.push((name, HeaderJson::Joined(value.clone()))),
        }
    }
    IndexedHeaders(headers)
}

/// Headers in the order of the response, as a JSON object.
struct IndexedHeaders<'a>(Vec<(&'a str, HeaderJson<'a>)>);

impl Serialize for IndexedHeaders<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

/// Returns the body as JSON: JSON byte for byte, other text as a string, bytes as their count. With
/// a filter, the value is the list of its results.
fn body_json<'a>(
    response: &ApiResponse,
    text: Option<&'a str>,
    display: &ResponseDisplay,
) -> Result<BodyJson<'a>, Problem> {
    if let Some(filter) = display.filter_for(response) {
        return Ok(BodyJson::Filtered(collect_filtered(filter, &filter_input(&response.body)?)?));
    }
    let Some(text) = text else {
        let binary = response.body.size();
        return Ok(if binary == 0 { BodyJson::Empty(()) } else { BodyJson::Bytes { binary } });
    };
    let values: Option<Vec<_>> = json_values(text).map(Result::ok).collect();
    Ok(match values.as_deref() {
        None | Some([]) => BodyJson::Text(text),
        Some([value]) => BodyJson::Value(value),
        Some(values) => BodyJson::Values(values.to_vec()),
    })
}

fn print_response_json(
    context: &CliContext<'_>,
    exchange: &HttpExchange,
    captured: &[CapturedSecretJson],
    display: &ResponseDisplay,
    now: Timestamp,
) -> Result<LastResult, Problem> {
    let response = &exchange.response;
    let text = response.body.text();
    let body = body_json(response, text.as_deref(), display)?;
    let last = match &body {
        BodyJson::Filtered(values) => {
            values.last().map_or(LastResult::Missing, |value| LastResult::from_json(value.get()))
        }
        _ => LastResult::Missing,
    };
    let meanings = header_explanations::explain_headers(response, now)
        .into_iter()
        .map(|known| (known.name.to_owned(), known.meaning.into()))
        .collect();
    context.out.print_json(&ResponseJson {
        status: response.status,
        headers: headers_json(response),
        body,
        latency_ms: response.timing.total_ms,
        timing: timing_json(response.timing),
        explanation: &exchange.explanation,
        refusal: &exchange.refusal,
        limit: &exchange.rate_limit,
        meanings,
        withheld: captured,
        truncated: response.truncated,
        remarks: response.remarks.iter().map(ToString::to_string).collect(),
        saved: exchange.saved_body.as_ref().map(|saved| SavedBodyJson {
            path: saved.path.to_string_lossy().into_owned(),
            bytes: saved.bytes,
            continued_from: saved.continued_from,
        }),
    })?;
    Ok(last)
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

/// Prints the body, filtered or whole. Returns the last result of the filter.
fn print_body(
    context: &CliContext<'_>,
    response: &ApiResponse,
    display: &ResponseDisplay,
) -> Result<LastResult, Problem> {
    if let Some(filter) = display.filter_for(response) {
        return print_filtered(filter, &filter_input(&response.body)?, display.raw);
    }
    print_whole_body(context, response).map(|()| LastResult::Missing)
}

/// Prints the body: to a pipe the bytes as they came, to a terminal what it can show.
fn print_whole_body(context: &CliContext<'_>, response: &ApiResponse) -> Result<(), Problem> {
    let body = &response.body;
    if !context.out.is_terminal() {
        return context.out.write_bytes(body.as_bytes());
    }
    let text = body.text();
    match &text {
        Some(text) if is_json(text) => {
            context.out.print_styled(&format_json(text, context.out.color_mode()))
        }
        Some(text) => context.out.write_bytes(sanitize(text).as_bytes()),
        None if body.is_empty() => Ok(()),
        None => {
            let kind = response.header("content-type").unwrap_or("no content type");
            let size = body.size();
            context.out.note(&format!(
                "binary body of {size} bytes ({kind}); pipe the output, or pass --output FILE"
            ));
            Ok(())
        }
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
