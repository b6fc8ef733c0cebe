//! `tokenring audit`: shows the audit log and verifies its integrity.

use serde::Serialize;

use crate::cli::context::CliContext;
use crate::cli::output::json::format_rfc3339;
use crate::cli::output::style::TextTone;
use crate::cli::output::table::TableColumn::{Name, Text};
use crate::cli::output::table::{TableCell, TextTable};
use crate::domain::Problem;
use crate::domain::format::count_entries;
use crate::domain::problem::ProblemClass;
use crate::engine::{AnchorComparison, AuditIntegrity, AuditRecord, AuditVerification};

/// Show the audit log, or verify that it was not modified
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct AuditArgs {
    /// Verify the whole log: report an entry that was edited, removed or moved
    #[arg(long)]
    verify: bool,
    /// Accept a log that is not the one that the store recorded, and record it anew
    #[arg(long)]
    accept: bool,
    /// Number of newest entries to show
    #[arg(long, default_value_t = 100, value_name = "N")]
    limit: usize,
}

const EXAMPLES: &str = "Examples:\n  tokenring audit\n  tokenring audit --verify\n\n\
    The secret store records the newest entry, so --verify finds that the log was cut or replaced. It never asks for a \
    passphrase: if the store is locked, the end of the log is not verified, and the exit code is 6. Use --accept after you \
    restored an older index file.";

/// Result of `audit --verify --json`.
#[derive(Serialize)]
struct VerificationJson {
    /// `null` if the store could not be read and nothing else is wrong.
    intact: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    entries: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    anchor: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    anchored_entries: Option<u64>,
}

/// Audit entry as `audit --json` prints it.
#[derive(Serialize)]
struct AuditJson<'a> {
    at: String,
    actor: &'a str,
    action: &'a str,
    name: Option<&'a str>,
    outcome: &'a str,
    reason: &'a str,
    hash: &'a str,
}

impl AuditArgs {
    /// Shows or verifies the audit log.
    pub(in crate::cli) async fn run(self, context: &CliContext<'_>) -> Result<u8, Problem> {
        if self.accept {
            context.unlocked_engine().await?.audit.accept().await?;
        }
        if self.verify || self.accept {
            return verify(context).await;
        }
        let mut lines = context.engine()?.audit.records(self.limit).await?;
        lines.reverse();
        if context.out.json {
            context.out.print_json(&lines.iter().map(AuditJson::new).collect::<Vec<_>>())?;
            return Ok(0);
        }
        let mut table = TextTable::new(&[
            Text("AT"),
            Text("ACTOR"),
            Text("ACTION"),
            Name("NAME"),
            Text("OUTCOME"),
            Text("REASON"),
        ]);
        for line in &lines {
            let AuditJson { at, actor, action, name, outcome, reason, .. } = AuditJson::new(line);
            table.add_row([
                at.into(),
                actor.into(),
                action.into(),
                name.unwrap_or_default().into(),
                TableCell::new(outcome, outcome_tone(outcome)),
                reason.into(),
            ]);
        }
        context.out.print_table(&table)?;
        Ok(0)
    }
}

/// Returns the tone of an outcome, which the audit log stores as a word.
fn outcome_tone(outcome: &str) -> TextTone {
    match outcome {
        "done" | "accepted" => TextTone::Good,
        "failed" => TextTone::Bad,
        _ => TextTone::Neutral,
    }
}

impl VerificationJson {
    fn new(found: &AuditVerification) -> Self {
        let (entries, broken_at) = match found.chain {
            AuditIntegrity::Intact(entries) => (Some(entries), None),
            AuditIntegrity::Broken { at, .. } => (None, Some(at)),
        };
        let (missing_at, anchored_entries) = match found.anchor {
            AnchorComparison::Contained(entries) => (None, Some(entries)),
            AnchorComparison::EntriesMissing { found, anchored } => {
                (Some(found + 1), Some(anchored))
            }
            AnchorComparison::Replaced(at) => (Some(at), Some(at)),
            AnchorComparison::NotAnchored
            | AnchorComparison::Unverified(_)
            | AnchorComparison::Invalid => (None, None),
        };
        let problem = found.problem();
        let intact = match (&problem, &found.anchor) {
            (Some(_), _) => Some(false),
            (None, AnchorComparison::Unverified(_)) => None,
            (None, _) => Some(true),
        };
        Self {
            intact,
            entries,
            at: broken_at.or(missing_at),
            why: problem.map(|problem| problem.why),
            anchor: found.anchor.as_str(),
            anchored_entries,
        }
    }
}

impl<'a> AuditJson<'a> {
    fn new(line: &'a AuditRecord) -> Self {
        let entry = &line.entry;
        Self {
            at: format_rfc3339(entry.at),
            actor: &entry.actor,
            action: &entry.action,
            name: entry.name.as_deref(),
            outcome: &entry.outcome,
            reason: &entry.reason,
            hash: &line.hash,
        }
    }
}

async fn verify(context: &CliContext<'_>) -> Result<u8, Problem> {
    // A store that stays locked is part of the result, not a failure.
    let unlocked = context.unlock_without_prompt().await;
    let found = context.engine()?.audit.verify().await?;
    if context.out.json {
        context.out.print_json(&VerificationJson::new(&found))?;
    }
    if let Some(problem) = found.problem() {
        return Err(problem);
    }
    let entries = count_entries(entry_count(&found));
    match found.anchor {
        AnchorComparison::Unverified(error) => {
            return Err(end_not_verified(&entries, unlocked.err().unwrap_or(error.into())));
        }
        _ if context.out.json => {}
        AnchorComparison::NotAnchored => context.out.print_text(&format!(
            "Audit log: no modified entry ({entries}). Not verified: whether entries are missing at the end, because the store \
             has no record of this log yet; the next command that uses a secret records it"
        ))?,
        _ => context.out.print_text(&format!("Audit log intact ({entries})"))?,
    }
    Ok(0)
}

/// Problem of a log whose chain is intact, but whose end cannot be compared with the store.
fn end_not_verified(entries: &str, store: Problem) -> Problem {
    let why = format!(
        "{}: {}; the {entries} in the log were not modified, but whether entries are missing at the end is only recorded in the store",
        store.what, store.why
    );
    Problem::new("The end of the audit log was not verified", why, store.remedy)
        .with_class(ProblemClass::Store)
}

const fn entry_count(found: &AuditVerification) -> u64 {
    match found.chain {
        AuditIntegrity::Intact(entries) => entries,
        AuditIntegrity::Broken { .. } => 0,
    }
}
