//! Laying out texts: what may take long, as data, so that it can be done off the drawing task.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::json::Document;
use super::words;
use crate::domain::difference;
use crate::domain::jq::JqFilter;
use crate::domain::problem::Problem;
use crate::domain::response::ResponseBody;
use crate::engine::message::HttpExchange;

/// So many bytes of a body that is no text are shown.
const DUMPED: usize = 16 * 1024;
/// So many bytes of what a filter gives are shown, …
const FILTERED: usize = 16 << 20;
/// … as far as it gives them in this time.
const PATIENCE: Duration = Duration::from_secs(10);
/// So many lines are shown around a change.
const CONTEXT: usize = 3;

/// A text that is to be laid out.
pub enum Typeset {
    /// The body of an answer as a tree, or as the lines it has.
    Tree(Arc<HttpExchange>),
    /// The body as it came.
    Raw(Arc<HttpExchange>),
    /// What a jq filter makes of the body.
    Filter(Arc<HttpExchange>, String),
    /// What changed between two answers.
    Changes {
        /// The earlier one.
        before: Arc<HttpExchange>,
        /// The later one.
        after: Arc<HttpExchange>,
    },
}

impl Typeset {
    /// How many bytes it has to read.
    pub fn size(&self) -> usize {
        match self {
            Self::Tree(exchange) | Self::Raw(exchange) | Self::Filter(exchange, _) => exchange.response.body.size(),
            Self::Changes { before, after } => before.response.body.size() + after.response.body.size(),
        }
    }

    /// Lays it out.
    pub fn run(&self) -> Result<Document, Problem> {
        match self {
            Self::Tree(exchange) => Ok(match &exchange.response.body {
                ResponseBody::Empty => Document::plain(""),
                ResponseBody::Text(text) => Document::parse(text),
                ResponseBody::Binary(bytes) => Document::plain(&dump(bytes)),
            }),
            Self::Raw(exchange) => Ok(Document::plain(&readable(&exchange.response.body))),
            Self::Filter(exchange, filter) => filtered(&exchange.response.body, filter),
            Self::Changes { before, after } => Ok(compared(before, after)),
        }
    }
}

fn readable(body: &ResponseBody) -> std::borrow::Cow<'_, str> {
    match body {
        ResponseBody::Empty => "".into(),
        ResponseBody::Text(text) => text.into(),
        ResponseBody::Binary(bytes) => dump(bytes).into(),
    }
}

fn filtered(body: &ResponseBody, filter: &str) -> Result<Document, Problem> {
    let filter = JqFilter::parse(filter)?;
    let (begun, mut text) = (Instant::now(), String::new());
    filter.for_each_output(body.text().unwrap_or_default(), |output| {
        text.push_str(&output.to_json());
        text.push('\n');
        if text.len() > FILTERED || begun.elapsed() > PATIENCE {
            let remedy = "narrow the filter, such as with limit(100; …)";
            return Err(Problem::new("The filter does not end", "it gives more than can be shown", remedy));
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(if text.is_empty() { Document::plain("The filter gives nothing") } else { Document::parse(&text) })
}

/// Status and body of two answers, member by member where they are JSON.
fn compared(before: &HttpExchange, after: &HttpExchange) -> Document {
    let text = |exchange: &HttpExchange| {
        let body = Document::parse(&readable(&exchange.response.body)).pretty();
        format!("{} {}\n{body}", exchange.response.status, words::status(exchange.response.status))
    };
    let changes = difference::format_diff(&text(before), &text(after), CONTEXT);
    if changes.is_empty() { Document::plain("Nothing changed") } else { Document::changes(&changes) }
}

/// Bytes as people read them: place, sixteen bytes, and what of them is text.
fn dump(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = format!("{} that are not text\n\n", words::size(bytes.len() as u64));
    for (row, chunk) in bytes.chunks(16).take(DUMPED / 16).enumerate() {
        let hex: Vec<_> = chunk.iter().map(|byte| format!("{byte:02x}")).collect();
        let seen: String = chunk.iter().map(|byte| if byte.is_ascii_graphic() { char::from(*byte) } else { '.' }).collect();
        let _ = writeln!(text, "{:08x}  {:<47}  {seen}", row * 16, hex.join(" "));
    }
    if bytes.len() > DUMPED {
        let _ = writeln!(text, "…");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_dumped_in_rows() {
        let text = dump(b"GIF89a\x00\x01");
        assert!(text.contains("00000000  47 49 46 38 39 61 00 01"), "{text}");
        assert!(text.ends_with("GIF89a..\n"), "{text}");
    }

    #[test]
    fn a_filter_gives_a_tree_a_reason_or_an_end() {
        let body = ResponseBody::Text(r#"{"data":[{"id":"a"},{"id":"b"}]}"#.to_owned());
        let document = filtered(&body, ".data[].id").expect("results");
        assert_eq!((document.is_json(), document.line_count(), document.pretty()), (true, 2, "\"a\"\n\"b\"\n".to_owned()));
        assert!(!filtered(&body, "empty").expect("nothing").is_json());
        for (filter, what) in [(".data[", "not applied"), ("recurse(.)", "does not end"), (".data.x", "broke off")] {
            let problem = filtered(&body, filter).expect_err("a problem");
            assert!(problem.what.contains(what) && !problem.remedy.is_empty(), "{filter}: {problem}");
        }
        assert!(filtered(&ResponseBody::Binary(vec![0xff]), ".").is_err());
    }
}
