//! Layout jobs: work on a response text that may take long, as data, so that it runs off the
//! drawing task.
//!
//! Start at [`LayoutJob::run`]; `response_view.rs` decides when a job is needed.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::json::FoldableDocument;
use crate::domain::diff;
use crate::domain::jq::{JqError, JqFilter};
use crate::domain::problem::Problem;
use crate::domain::response::ResponseBody;
use crate::domain::text::escape_json;
use crate::engine::background::protocol::HttpExchange;
use crate::tui::app::display_format;
use crate::util::json_scan::is_json;

/// Maximum number of bytes of a binary body that are shown as a hex dump.
const MAX_HEX_DUMP_BYTES: usize = 16 * 1024;
/// Maximum size of a filter's output.
const MAX_FILTER_OUTPUT_BYTES: usize = 16 << 20;
/// Maximum time that a filter may run; the output until then is shown.
const FILTER_TIMEOUT: Duration = Duration::from_secs(10);
/// Number of unchanged lines shown around a change.
const DIFF_CONTEXT_LINES: usize = 3;

/// Text to lay out.
pub enum LayoutJob {
    /// Response body as a tree, or as plain lines.
    Tree(Arc<HttpExchange>),
    /// Response body as received.
    Raw(Arc<HttpExchange>),
    /// Output of a jq filter on the body.
    Filter(Arc<HttpExchange>, String),
    /// Diff of two responses.
    Diff {
        /// Earlier response.
        before: Arc<HttpExchange>,
        /// Later response.
        after: Arc<HttpExchange>,
    },
}

impl LayoutJob {
    /// Number of bytes that the job has to read.
    pub fn input_bytes(&self) -> usize {
        match self {
            Self::Tree(exchange) | Self::Raw(exchange) | Self::Filter(exchange, _) => {
                exchange.response.body.size()
            }
            Self::Diff { before, after } => {
                before.response.body.size() + after.response.body.size()
            }
        }
    }

    /// Runs the job.
    pub fn run(&self) -> Result<FoldableDocument, Problem> {
        match self {
            Self::Tree(exchange) => Ok(lay_out_body(&exchange.response.body)),
            Self::Raw(exchange) => {
                Ok(FoldableDocument::from_plain_text(&readable_body(&exchange.response.body)))
            }
            Self::Filter(exchange, filter) => filter_body(&exchange.response.body, filter),
            Self::Diff { before, after } => Ok(diff_responses(before, after)),
        }
    }
}

/// Lays out a body as a tree where it is JSON. Characters that cannot be drawn are escaped in JSON,
/// so that its values stay the same, and replaced in other texts.
fn lay_out_body(body: &ResponseBody) -> FoldableDocument {
    match body.text() {
        Some(text) if is_json(&text) => FoldableDocument::parse(&escape_json(&text)),
        _ => FoldableDocument::from_plain_text(&readable_body(body)),
    }
}

fn readable_body(body: &ResponseBody) -> String {
    body.draw()
        .unwrap_or_else(|| if body.is_empty() { String::new() } else { hex_dump(body.as_bytes()) })
}

fn filter_body(body: &ResponseBody, filter: &str) -> Result<FoldableDocument, Problem> {
    let filter = JqFilter::parse(filter)?;
    let (begun, mut text) = (Instant::now(), String::new());
    let binary = || JqError::InvalidInput("its bytes are not text".to_owned());
    filter.for_each_output(&body.readable_text().ok_or_else(binary)?, |output| {
        text.push_str(&escape_json(output.to_json()));
        text.push('\n');
        if text.len() > MAX_FILTER_OUTPUT_BYTES || begun.elapsed() > FILTER_TIMEOUT {
            let remedy = "limit the output, for example with limit(100; …)";
            return Err(Problem::new(
                "The filter ran too long",
                "it takes too long or produces more output than can be shown",
                remedy,
            ));
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(if text.is_empty() {
        FoldableDocument::from_plain_text("The filter produced no output")
    } else {
        FoldableDocument::parse(&text)
    })
}

/// Compares status and body of two responses, member by member if they are JSON.
fn diff_responses(before: &HttpExchange, after: &HttpExchange) -> FoldableDocument {
    let text = |exchange: &HttpExchange| {
        let body = lay_out_body(&exchange.response.body).pretty_text();
        format!(
            "{} {}\n{body}",
            exchange.response.status,
            display_format::reason_phrase(exchange.response.status)
        )
    };
    let changes = diff::format_diff(&text(before), &text(after), DIFF_CONTEXT_LINES);
    if changes.is_empty() {
        FoldableDocument::from_plain_text("No changes")
    } else {
        FoldableDocument::from_diff(&changes)
    }
}

/// Formats bytes as offset, sixteen bytes in hex, and their printable characters.
fn hex_dump(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text =
        format!("{} of binary data\n\n", display_format::format_bytes(bytes.len() as u64));
    for (row, chunk) in bytes.chunks(16).take(MAX_HEX_DUMP_BYTES / 16).enumerate() {
        let hex: Vec<_> = chunk.iter().map(|byte| format!("{byte:02x}")).collect();
        let seen: String = chunk
            .iter()
            .map(|byte| if byte.is_ascii_graphic() { char::from(*byte) } else { '.' })
            .collect();
        let _ = writeln!(text, "{:08x}  {:<47}  {seen}", row * 16, hex.join(" "));
    }
    if bytes.len() > MAX_HEX_DUMP_BYTES {
        let _ = writeln!(text, "…");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_dumped_in_rows() {
        let text = hex_dump(b"GIF89a\x00\x01");
        assert!(text.contains("00000000  47 49 46 38 39 61 00 01"), "{text}");
        assert!(text.ends_with("GIF89a..\n"), "{text}");
    }

    #[test]
    fn a_filter_gives_a_tree_a_reason_or_an_end() {
        let body = ResponseBody::from(r#"{"data":[{"id":"a"},{"id":"b"}]}"#.to_owned());
        let document = filter_body(&body, ".data[].id").expect("results");
        assert_eq!(
            (document.is_json(), document.line_count(), document.pretty_text()),
            (true, 2, "\"a\"\n\"b\"\n".to_owned())
        );
        assert!(!filter_body(&body, "empty").expect("nothing").is_json());
        for (filter, what) in [
            (".data[", "not applied"),
            ("recurse(.)", "ran too long"),
            (".data.x", "stopped with an error"),
        ] {
            let problem = filter_body(&body, filter).expect_err("a problem");
            assert!(
                problem.what.contains(what) && !problem.remedy.is_empty(),
                "{filter}: {problem}"
            );
        }
        let bytes = ResponseBody::new(vec![0xff], Some("image/png"));
        assert!(filter_body(&bytes, ".").is_err());
    }
}
