//! `tokenring remove`: deletes a credential from tokenring without contacting the provider.

use crate::cli::context::CliContext;
use crate::cli::input::prompt;
use crate::cli::output::print_warning;
use crate::domain::Problem;
use crate::engine::background::protocol::EraseOutcome;

/// Delete a credential from tokenring; the provider is not contacted
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  tokenring remove old-jenkins\n  tokenring remove old-jenkins --yes\n\n\
    Its history, check results and consumers are erased from the database files. The audit log keeps the name."
)]
pub(in crate::cli) struct RemoveArgs {
    /// Name of the credential
    name: String,
    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
}

impl RemoveArgs {
    /// Asks the user to type the name, then deletes the credential.
    pub(in crate::cli) async fn run(self, context: &CliContext<'_>) -> Result<u8, Problem> {
        let credential = context.engine()?.credentials.find(&self.name).await?;
        let administered =
            context.engine()?.journals.rotations_administered_by(&credential.id).await?;
        for rotation in &administered {
            print_warning(&format!(
                "{} authorizes the unfinished rotation {} of {}; without it, resume with `tokenring rotate --resume {} --as NAME`",
                credential.name, rotation.id, rotation.name, rotation.id
            ));
        }
        if !self.yes {
            let question = if administered.is_empty() {
                format!(
                    "Delete {} from tokenring? The secret stays valid at the provider and cannot be restored here.",
                    credential.name
                )
            } else {
                format!(
                    "Delete {} from tokenring although {} needs it? The secret stays valid at the provider and cannot be restored here.",
                    credential.name,
                    unfinished_rotations(administered.len())
                )
            };
            prompt::confirm_by_typing(&question, credential.name.as_str(), "--yes")?;
        }
        let erasure = context.unlocked_engine().await?.credentials.remove(&credential.id).await?;
        if context.out.json {
            context.out.print_json(&serde_json::json!({ "removed": credential.name, "erased": erasure == EraseOutcome::Complete }))?;
        } else {
            context.out.print_text(&format!(
                "{}: deleted from tokenring; still valid at the provider",
                credential.name
            ))?;
        }
        context.out.note_incomplete_erasure(&erasure);
        Ok(0)
    }
}

fn unfinished_rotations(count: usize) -> String {
    if count == 1 {
        "an unfinished rotation".to_owned()
    } else {
        format!("each of {count} unfinished rotations")
    }
}
