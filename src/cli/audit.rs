//! `tokenring audit`: shows the audit log and verifies its integrity.

use serde::Serialize;

use super::context::CliContext;
use super::json::format_rfc3339;
use super::table::TextTable;
use crate::domain::Problem;
use crate::engine::{AuditIntegrity, AuditRecord};

/// Show the audit log, or verify that it was not modified
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  tokenring audit\n  tokenring audit --verify")]
pub(super) struct AuditArgs {
    /// Verify the whole log: report an entry that was edited, removed or moved
    #[arg(long)]
    verify: bool,
    /// Number of newest entries to show
    #[arg(long, default_value_t = 100, value_name = "N")]
    limit: usize,
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
    pub(super) async fn run(self, context: &CliContext<'_>) -> Result<u8, Problem> {
        if self.verify {
            return verify(context).await;
        }
        let mut lines = context.engine()?.audit_records(self.limit).await?;
        lines.reverse();
        if context.out.json {
            context.out.print_json(&lines.iter().map(AuditJson::new).collect::<Vec<_>>())?;
            return Ok(0);
        }
        let mut table = TextTable::new(&["AT", "ACTOR", "ACTION", "NAME", "OUTCOME", "REASON"]);
        for line in &lines {
            let AuditJson { at, actor, action, name, outcome, reason, .. } = AuditJson::new(line);
            table.add_row([
                at,
                actor.to_owned(),
                action.to_owned(),
                name.unwrap_or_default().to_owned(),
                outcome.to_owned(),
                reason.to_owned(),
            ]);
        }
        context.out.print_table(&table)?;
        Ok(0)
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
    match context.engine()?.verify_audit().await? {
        AuditIntegrity::Intact(entries) if context.out.json => {
            context.out.print_json(&serde_json::json!({ "intact": true, "entries": entries }))?;
            Ok(0)
        }
        AuditIntegrity::Intact(entries) => {
            let noun = if entries == 1 { "entry" } else { "entries" };
            context.out.print_text(&format!("Audit log intact ({entries} {noun})"))?;
            Ok(0)
        }
        AuditIntegrity::Broken { at, why } => {
            if context.out.json {
                context
                    .out
                    .print_json(&serde_json::json!({ "intact": false, "at": at, "why": why }))?;
            }
            let what = format!("The audit log was modified at entry {at}");
            Err(Problem::new(
                what,
                why,
                "compare the log with a backup; any process that can write the index file may have modified it",
            ))
        }
    }
}
