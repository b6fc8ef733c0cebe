//! All pages of a list as one JSON array, written while the pages arrive.

use std::ops::ControlFlow;

use serde_json::value::RawValue;

use super::{CliContext, ResponseDisplay, response, sending};
use crate::cli::output;
use crate::cli::output::INTERRUPTED_EXIT_CODE;
use crate::domain::format::count_noun;
use crate::domain::{Credential, Problem};
use crate::engine::background::protocol::RequestOptions;
use crate::engine::{PageResult, PagingLimits, PagingResult};

/// Maximum size of the elements that are buffered, in bytes.
const MAX_BUFFERED_BYTES: usize = 64 << 20;

/// Fetches a list to its end and prints its elements. An interruption or a refusal on the way still
/// leaves valid JSON.
pub(super) async fn print_all_pages(
    context: &CliContext<'_>,
    credential: &Credential,
    options: RequestOptions,
    limits: PagingLimits,
    display: &ResponseDisplay,
) -> Result<u8, Problem> {
    let engine = context.unlocked_engine().await?;
    let streams = display.filter.is_none() && !context.out.json;
    let mut list = if streams {
        JsonArrayWriter::Streaming { begun: false }
    } else {
        JsonArrayWriter::Buffered(Vec::new(), 0)
    };
    let waiting = |notice| sending::note_wait(context, &notice);
    let outcome = {
        let reading = engine.requests.fetch_all_pages(
            credential,
            options,
            limits,
            |page| list.write_page(&page),
            &waiting,
        );
        tokio::select! {
            outcome = reading => Some(outcome),
            _ = tokio::signal::ctrl_c() => None,
        }
    };
    output::show_progress("");
    match outcome {
        None => {
            list.finish(context, display, None)?;
            context.out.note("interrupted: the list is incomplete");
            Ok(INTERRUPTED_EXIT_CODE)
        }
        Some(Err(problem)) => {
            // An empty list would claim that there are no elements.
            if list.has_items() {
                list.finish(context, display, None)?;
            }
            Err(problem)
        }
        Some(Ok(paging)) => {
            list.finish(context, display, Some(&paging))?;
            response::print_explanation(context, &paging.last);
            context.out.note(&format!(
                "{} on {}",
                count_noun(paging.items, "element"),
                count_noun(paging.pages, "page")
            ));
            Ok(response::exit_code(&paging.last))
        }
    }
}

/// List of all pages as `--json` prints it.
#[derive(serde::Serialize)]
struct PagedListJson<'a> {
    status: Option<u16>,
    body: Vec<Box<RawValue>>,
    items: usize,
    pages: Option<usize>,
    complete: bool,
    explanation: Option<&'a Problem>,
}

/// Writer of the JSON array.
enum JsonArrayWriter {
    /// Elements are written as they arrive.
    Streaming { begun: bool },
    /// Elements are buffered until the list is complete, because a filter or a JSON object needs
    /// all of them; the number is their size in bytes.
    Buffered(Vec<Box<RawValue>>, usize),
}

impl JsonArrayWriter {
    fn write_page(&mut self, page: &PageResult<'_>) -> Result<ControlFlow<()>, Problem> {
        output::show_progress(&format!("page {} (Ctrl-C stops)", page.number));
        match self {
            Self::Buffered(items, size) => {
                *size += page.items.iter().map(|item| item.get().len()).sum::<usize>();
                if *size > MAX_BUFFERED_BYTES {
                    return Err(list_too_large());
                }
                items.extend(page.items.iter().map(|item| (*item).to_owned()));
                Ok(ControlFlow::Continue(()))
            }
            Self::Streaming { begun } => {
                let mut text = String::new();
                for item in &page.items {
                    text.push_str(if *begun { ",\n" } else { "[\n" });
                    text.push_str(&output::draw_json(item.get()));
                    *begun = true;
                }
                output::write_partial(&text)
            }
        }
    }

    /// Returns whether any element has been read.
    fn has_items(&self) -> bool {
        match self {
            Self::Streaming { begun } => *begun,
            Self::Buffered(items, _) => !items.is_empty(),
        }
    }

    fn finish(
        self,
        context: &CliContext<'_>,
        display: &ResponseDisplay,
        paging: Option<&PagingResult>,
    ) -> Result<(), Problem> {
        match (self, &display.filter) {
            (Self::Streaming { begun: true }, _) => output::write_partial("\n]\n").map(drop),
            (Self::Streaming { begun: false }, _) => output::write_partial("[]\n").map(drop),
            (Self::Buffered(items, _), filter) if context.out.json => {
                let count = items.len();
                let body = match filter {
                    Some(filter) => response::collect_filtered(filter, &join_as_array(&items))?,
                    None => items,
                };
                let last = paging.map(|paging| &paging.last);
                context.out.print_json(&PagedListJson {
                    status: last.map(|last| last.response.status),
                    body,
                    items: count,
                    pages: paging.map(|paging| paging.pages),
                    complete: paging.is_some_and(all_pages_read),
                    explanation: last.and_then(|last| last.explanation.as_ref()),
                })
            }
            (Self::Buffered(items, _), Some(filter)) => {
                response::print_filtered(filter, &join_as_array(&items), display.raw).map(drop)
            }
            (Self::Buffered(..), None) => Ok(()),
        }
    }
}

fn list_too_large() -> Problem {
    Problem::new(
        "The list was not read to its end",
        "a filter and --json need the whole list in memory, and it is larger than 64 MiB",
        "omit --jq and --json; the elements are then printed as they arrive",
    )
}

fn all_pages_read(paging: &PagingResult) -> bool {
    (200..300).contains(&paging.last.response.status)
}

fn join_as_array(items: &[Box<RawValue>]) -> String {
    let items: Vec<_> = items.iter().map(|item| item.get()).collect();
    format!("[{}]", items.join(","))
}
