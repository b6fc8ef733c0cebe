//! `tokenring identify`: identifies a secret by its form.

use crate::cli::context::CliContext;
use crate::cli::input::prompt;
use crate::cli::output::json::{IdentificationJson, format_rfc3339};
use crate::cli::output::table::TableColumn::Text;
use crate::cli::output::table::TextTable;
use crate::cli::output::{CliOutput, usage_problem};
use crate::domain::Problem;
use crate::domain::identify::IdentificationCandidate;

/// Identify a secret from standard input, offline
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  tokenring identify < token.txt\n  tokenring identify --json < token.txt | jq .candidates[0]"
)]
pub(in crate::cli) struct IdentifyArgs {}

impl IdentifyArgs {
    /// Reads the secret and lists the kinds of credential that it may be.
    #[expect(clippy::unused_self, reason = "every verb has the same form")]
    pub(in crate::cli) fn run(self, context: &CliContext<'_>) -> Result<u8, Problem> {
        let secret = prompt::read_secret("secret")?;
        let found = crate::domain::identify::identify(&secret, &context.load_catalog()?)?;
        if context.out.json {
            context.out.print_json(&IdentificationJson::new(&found))?;
            return Ok(0);
        }
        note_removed_text(context.out, &found.removed);
        if found.candidates.is_empty() {
            context.out.print_text("unknown: no provider issues secrets of this form")?;
        } else {
            context.out.print_table(&table(&found.candidates))?;
        }
        Ok(0)
    }
}

/// Notes what was removed from the pasted text.
pub(in crate::cli) fn note_removed_text(out: &CliOutput, removed: &[String]) {
    if !removed.is_empty() {
        out.note(&format!("note: removed: {}", removed.join(", ")));
    }
}

/// Problem of a secret of which a part is missing.
pub(in crate::cli) fn incomplete_problem(candidate: &IdentificationCandidate) -> Problem {
    usage_problem(
        "The secret is incomplete",
        &candidate.why,
        "copy the whole token from the provider's page and add it again",
    )
}

fn table(candidates: &[IdentificationCandidate]) -> TextTable {
    let mut table = TextTable::new(&[
        Text("CONFIDENCE"),
        Text("PROVIDER"),
        Text("KIND"),
        Text("REGION"),
        Text("EXPIRES"),
        Text("WHY"),
    ]);
    for candidate in candidates {
        table.add_row([
            if candidate.is_incomplete {
                "incomplete".to_owned()
            } else {
                format!("{:?}", candidate.confidence).to_lowercase()
            },
            candidate.provider.clone(),
            candidate.kind.clone(),
            candidate.region.clone().unwrap_or_else(|| "–".to_owned()),
            candidate.expires.map_or_else(|| "–".to_owned(), format_rfc3339),
            candidate.why.clone(),
        ]);
    }
    table
}
