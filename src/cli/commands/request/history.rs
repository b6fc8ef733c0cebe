//! `tokenring request history`: lists, resends and compares sent requests.

use std::collections::HashMap;

use clap::Subcommand;
use serde_json::json;

use super::{ResponseDisplay, SendContext, obtain_consent, read_body};
use crate::cli::context::CliContext;
use crate::cli::output::json::format_rfc3339;
use crate::cli::output::table::TableColumn::{Name, Text};
use crate::cli::output::table::TextTable;
use crate::domain::diff::{self, DiffLine};
use crate::domain::format::count_noun;
use crate::domain::problem::ProblemClass;
use crate::domain::request::RequestEnvironment;
use crate::domain::{CredentialId, CredentialName, Problem};
use crate::engine::background::protocol::{
    EraseOutcome, HistoryFilter, HistoryPolicy, HistoryRecord, RequestOptions,
};

/// List, resend, compare or delete sent requests
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  \
        tokenring request history ci-scanner --search /orgs\n  \
        tokenring request history resend 12\n  \
        tokenring request history compare 12 15\n  \
        tokenring request history purge --keep 100"
)]
pub(in crate::cli) struct HistoryArgs {
    /// Only requests of this credential
    name: Option<String>,
    /// Only requests with this text in method, path, query, headers or body
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// Maximum number of requests, newest first
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
    #[command(subcommand)]
    command: Option<HistoryCommand>,
}

#[derive(Debug, Subcommand)]
enum HistoryCommand {
    /// Resend a request with the current state of the credential
    Resend(ResendArgs),
    /// Show the differences between two requests, or a request and the newest
    #[command(
        after_help = "Examples:\n  tokenring request history compare 12\n  tokenring request history compare 12 15"
    )]
    Compare {
        /// ID of the request in the list
        id: u64,
        /// ID of the other request; the newest one by default
        other: Option<u64>,
    },
    /// Delete sent requests from the history and erase them from the database files
    #[command(
        after_help = "Examples:\n  tokenring request history purge\n  tokenring request history purge --keep 100"
    )]
    Purge {
        /// Number of newest requests to keep
        #[arg(long, value_name = "N", default_value_t = 0)]
        keep: usize,
    },
}

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  tokenring request history resend 12\n  tokenring request history resend 12 --data @body.json --yes"
)]
struct ResendArgs {
    /// ID of the request in the list
    id: u64,
    /// Body, if it was not saved: text, @FILE, or - for standard input
    #[arg(long, value_name = "TEXT|@FILE|-")]
    data: Option<String>,
    /// Do not ask for confirmation if the method may change something
    #[arg(long)]
    yes: bool,
}

impl HistoryArgs {
    /// Runs the subcommand, or lists the requests where none is given.
    pub(in crate::cli) async fn run(self, context: &CliContext<'_>) -> Result<u8, Problem> {
        match self.command {
            None => self.list(context).await,
            Some(HistoryCommand::Resend(resend)) => resend.run(context).await,
            Some(HistoryCommand::Compare { id, other }) => compare(context, id, other).await,
            Some(HistoryCommand::Purge { keep }) => purge(context, keep).await,
        }
    }

    async fn list(self, context: &CliContext<'_>) -> Result<u8, Problem> {
        let engine = context.engine()?;
        let credential = match &self.name {
            Some(name) => Some(engine.credentials.find(name).await?.id),
            None => None,
        };
        let lines = engine
            .requests
            .history(HistoryFilter { credential, text: self.search }, self.limit)
            .await?;
        let names: HashMap<_, _> = engine
            .credentials
            .list()
            .await?
            .into_iter()
            .map(|known| (known.id, known.name))
            .collect();
        if context.out.json {
            context.out.print_json(
                &lines.iter().map(|line| history_json(line, &names)).collect::<Vec<_>>(),
            )?;
        } else if lines.is_empty() {
            context.out.note("No matching requests in the history.");
        } else {
            context.out.print_table(&table(&lines, &names))?;
        }
        Ok(0)
    }
}

impl ResendArgs {
    async fn run(self, context: &CliContext<'_>) -> Result<u8, Problem> {
        let engine = context.engine()?;
        let line = engine.requests.history_record(self.id).await?;
        let credential = engine.credentials.get(&line.entry.credential).await?;
        let draft = match &self.data {
            Some(data) => crate::domain::request::RequestDraft {
                body: Some(read_body(data)?.into()),
                ..line.entry.draft.clone()
            },
            None => line.draft_to_resend()?,
        };
        if credential.region != line.entry.region {
            context.out.note(&format!(
                "note: the request was sent in {}; the credential is now in {}",
                line.entry.region, credential.region
            ));
        }
        let consent = obtain_consent(context.engine()?, &credential, &draft, self.yes)?;
        let order = RequestOptions { draft, consent, history_policy: HistoryPolicy::WithoutBody };
        SendContext { options: order, capture: None, display: ResponseDisplay::default() }
            .run(context, &credential)
            .await
    }
}

/// Prints the difference of two requests as `diff` does: the lines that only one of them has.
async fn compare(context: &CliContext<'_>, id: u64, other: Option<u64>) -> Result<u8, Problem> {
    let engine = context.engine()?;
    let before = engine.requests.history_record(id).await?;
    let after = match other {
        Some(other) => engine.requests.history_record(other).await?,
        None => engine
            .requests
            .history(HistoryFilter::default(), 1)
            .await?
            .pop()
            .ok_or_else(empty_history_problem)?,
    };
    let (one, another) =
        (describe_request(context, &before).await?, describe_request(context, &after).await?);
    if context.out.json {
        let changes: Vec<_> =
            diff::diff_lines(&one, &another).into_iter().map(diff_line_json).collect();
        context
            .out
            .print_json(&json!({ "before": before.id, "after": after.id, "changes": changes }))?;
        return Ok(0);
    }
    let text = diff::format_diff(&one, &another, usize::MAX / 4);
    if text.is_empty() {
        context.out.note("No differences.");
    } else {
        context.out.note(&format!("- request {}, + request {}", before.id, after.id));
        context.out.print_text(text.trim_end())?;
    }
    Ok(0)
}

/// Describes a request as it was sent, or as it was written where its credential no longer exists.
async fn describe_request(
    context: &CliContext<'_>,
    line: &HistoryRecord,
) -> Result<String, Problem> {
    let engine = context.engine()?;
    let credential = engine.credentials.get(&line.entry.credential).await.ok();
    let setting = credential.as_ref().and_then(|known| {
        RequestEnvironment::for_credential(&engine.catalog, known, &line.entry.region)
    });
    Ok(line.comparison_text(setting))
}

fn diff_line_json(change: DiffLine<'_>) -> serde_json::Value {
    let (sort, line) = match change {
        DiffLine::Same(line) => ("same", line),
        DiffLine::Removed(line) => ("removed", line),
        DiffLine::Added(line) => ("added", line),
    };
    json!({ "change": sort, "line": line })
}

fn empty_history_problem() -> Problem {
    Problem::new(
        "There is no request to compare with",
        "the history is empty",
        "send a request first",
    )
    .with_class(ProblemClass::NotFound)
}

async fn purge(context: &CliContext<'_>, keep: usize) -> Result<u8, Problem> {
    let purged = context.engine()?.requests.purge_history(keep).await?;
    if context.out.json {
        context.out.print_json(&json!({ "forgotten": purged.deleted, "erased": purged.erasure == EraseOutcome::Complete }))?;
    } else {
        context.out.print_text(&format!("{} deleted", count_noun(purged.deleted, "request")))?;
    }
    context.out.note_incomplete_erasure(&purged.erasure);
    Ok(0)
}

type CredentialNames = HashMap<CredentialId, CredentialName>;

fn history_json(line: &HistoryRecord, names: &CredentialNames) -> serde_json::Value {
    let sent = &line.entry;
    json!({
        "id": line.id, "at": format_rfc3339(sent.at), "name": names.get(&sent.credential), "region": sent.region,
        "method": sent.draft.method, "target": sent.draft.target.to_string(), "query": sent.draft.query,
        "preset": sent.draft.preset, "status": sent.status, "verdict": sent.verdict, "latency_ms": sent.latency_ms,
        "size": sent.size, "body_left_out": sent.body_left_out,
    })
}

fn table(lines: &[HistoryRecord], names: &CredentialNames) -> TextTable {
    let mut table = TextTable::new(&[
        Name("ID"),
        Text("WHEN"),
        Name("CREDENTIAL"),
        Text("REGION"),
        Text("STATUS"),
        Text("REQUEST"),
    ]);
    for line in lines {
        let sent = &line.entry;
        table.add_row([
            line.id.to_string(),
            format_rfc3339(sent.at),
            names.get(&sent.credential).map(ToString::to_string).unwrap_or_default(),
            sent.region.clone(),
            sent.status.map_or_else(|| "–".to_owned(), |status| status.to_string()),
            format!("{} {}", sent.draft.method, sent.draft.address()),
        ]);
    }
    table
}
