//! All pages of a list as one JSON array, written while it comes in.

use std::ops::ControlFlow;

use serde_json::value::RawValue;

use super::super::output;
use super::{Context, Showing, answer, sending};
use crate::domain::words::count_noun;
use crate::domain::{Credential, Problem};
use crate::engine::message::RequestOptions;
use crate::engine::{PageResult, PagingResult};

/// What a shell says of a program that was interrupted.
const INTERRUPTED: u8 = 130;

/// Reads a list to its end and prints its elements. An interruption or a refusal on the way leaves valid JSON behind.
pub(super) async fn run(
    context: &Context<'_>,
    credential: &Credential,
    order: RequestOptions,
    showing: &Showing,
) -> Result<u8, Problem> {
    let engine = context.unlocked().await?;
    let streams = showing.filter.is_none() && !context.out.json;
    let mut list = if streams { List::Written { begun: false } } else { List::Held(Vec::new()) };
    let waiting = |wait| sending::waiting(context, wait);
    let outcome = {
        let reading = engine.fetch_all_pages(credential, order, |leaf| list.add(&leaf), &waiting);
        tokio::select! {
            outcome = reading => Some(outcome),
            _ = tokio::signal::ctrl_c() => None,
        }
    };
    output::progress("");
    match outcome {
        None => {
            list.end(context, showing, None)?;
            context.out.note("interrupted: the list is not complete");
            Ok(INTERRUPTED)
        }
        Some(Err(problem)) => {
            // A list of nothing would say that there is nothing.
            if list.is_begun() {
                list.end(context, showing, None)?;
            }
            Err(problem)
        }
        Some(Ok(turned)) => {
            list.end(context, showing, Some(&turned))?;
            answer::explain(context, &turned.last);
            context.out.note(&format!("{} on {}", count_noun(turned.items, "element"), count_noun(turned.pages, "page")));
            Ok(answer::exit_code(&turned.last.response))
        }
    }
}

/// The elements so far.
enum List {
    /// They are written as they come.
    Written { begun: bool },
    /// They are held until the list is whole, because a filter or a JSON object wants all of them.
    Held(Vec<Box<RawValue>>),
}

impl List {
    fn add(&mut self, leaf: &PageResult<'_>) -> Result<ControlFlow<()>, Problem> {
        output::progress(&format!("page {}; Ctrl-C ends", leaf.number));
        match self {
            Self::Held(items) => {
                items.extend(leaf.items.iter().map(|item| (*item).to_owned()));
                Ok(ControlFlow::Continue(()))
            }
            Self::Written { begun } => {
                let mut text = String::new();
                for item in &leaf.items {
                    text.push_str(if *begun { ",\n" } else { "[\n" });
                    text.push_str(item.get());
                    *begun = true;
                }
                output::piece(&text)
            }
        }
    }

    /// Whether anything has been read.
    fn is_begun(&self) -> bool {
        match self {
            Self::Written { begun } => *begun,
            Self::Held(items) => !items.is_empty(),
        }
    }

    fn end(self, context: &Context<'_>, showing: &Showing, turned: Option<&PagingResult>) -> Result<(), Problem> {
        match (self, &showing.filter) {
            (Self::Written { begun: true }, _) => output::piece("\n]\n").map(drop),
            (Self::Written { begun: false }, _) => output::piece("[]\n").map(drop),
            (Self::Held(items), filter) if context.out.json => {
                let body = match filter {
                    Some(filter) => answer::values(filter, &array(&items))?,
                    None => serde_json::to_value(&items).unwrap_or_default(),
                };
                let last = turned.map(|turned| &turned.last);
                context.out.value(&serde_json::json!({
                    "status": last.map(|last| last.response.status), "body": body, "items": items.len(),
                    "pages": turned.map(|turned| turned.pages), "complete": turned.is_some_and(is_complete),
                    "explanation": last.and_then(|last| last.explanation.as_ref()),
                }))
            }
            (Self::Held(items), Some(filter)) => answer::filtered(filter, &array(&items), showing.raw),
            (Self::Held(_), None) => Ok(()),
        }
    }
}

fn is_complete(turned: &PagingResult) -> bool {
    (200..300).contains(&turned.last.response.status)
}

fn array(items: &[Box<RawValue>]) -> String {
    let items: Vec<_> = items.iter().map(|item| item.get()).collect();
    format!("[{}]", items.join(","))
}
