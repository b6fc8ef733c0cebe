//! `tokenring identify`: what is this?

use super::context::Context;
use super::output::Output;
use super::secret_input;
use super::shape::{IdentifiedShape, rfc3339};
use super::table::Table;
use crate::domain::Problem;
use crate::domain::identify::IdentificationCandidate;

/// Say what a secret is, offline; it is read from standard input
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  tokenring identify < token.txt\n  tokenring identify --json < token.txt | jq .candidates[0]"
)]
pub(super) struct Identify {}

impl Identify {
    /// Reads the secret and says what it may be.
    #[expect(clippy::unused_self, reason = "every verb has the same form")]
    pub(super) fn run(self, context: &Context<'_>) -> Result<u8, Problem> {
        let pasted = secret_input::read("secret")?;
        let found = crate::domain::identify::identify(&pasted, &context.catalogue()?)?;
        if context.out.json {
            context.out.value(&IdentifiedShape::of(&found))?;
            return Ok(0);
        }
        note_cleaned(context.out, &found.removed);
        if found.candidates.is_empty() {
            context.out.text("unknown: no provider issues secrets of this shape")?;
        } else {
            context.out.table(&table(&found.candidates))?;
        }
        Ok(0)
    }
}

/// Says what was taken off the pasted text.
pub(super) fn note_cleaned(out: &Output, cleaned: &[String]) {
    if !cleaned.is_empty() {
        out.note(&format!("note: taken off: {}", cleaned.join(", ")));
    }
}

fn table(candidates: &[IdentificationCandidate]) -> Table {
    let mut table = Table::new(&["CONFIDENCE", "PROVIDER", "KIND", "REGION", "EXPIRES", "WHY"]);
    for candidate in candidates {
        table.row([
            format!("{:?}", candidate.confidence).to_lowercase(),
            candidate.provider.clone(),
            candidate.kind.clone(),
            candidate.region.clone().unwrap_or_else(|| "–".to_owned()),
            candidate.expires.map_or_else(|| "–".to_owned(), rfc3339),
            candidate.why.clone(),
        ]);
    }
    table
}
