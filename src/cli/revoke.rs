//! `tokenring revoke`: revokes a credential at its provider and verifies that it is rejected.

use super::context::CliContext;
use super::prompt;
use super::prompter::{CliPrompter, check_answers};
use super::rotate::{find_administrator, print_progress_line, report_outcome};
use crate::domain::Problem;
use crate::domain::rotation::ProgressLine;
use crate::engine::rotation::{RotationObserver, plan_lines};

/// Have the provider revoke a credential, and show that it is dead; nothing takes its place
#[derive(Debug, clap::Args)]
#[command(
    after_help = "What was left is in `tokenring rotations`, and taken up with `tokenring rotate --resume NAME`.\n\n\
    Examples:\n  tokenring revoke old-jenkins --as admin --reason \"leaked in a build log\"\n  tokenring revoke laptop --plan"
)]
pub(super) struct RevokeArgs {
    /// Its name
    name: String,
    /// Show what would happen, and do nothing
    #[arg(long)]
    plan: bool,
    /// Another credential that revokes it, where this one may not manage itself
    #[arg(long = "as", value_name = "ADMIN")]
    administrator: Option<String>,
    /// Why, in your own words: it is put on record
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    reason: String,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// An answer given beforehand: retry, skip, revoked, back or choose=ID; may be repeated
    #[arg(long = "answer", value_name = "WORD")]
    answers: Vec<String>,
}

impl RevokeArgs {
    /// Asks the user to type the name, then revokes the credential.
    pub(super) async fn run(self, context: &CliContext<'_>) -> Result<u8, Problem> {
        check_answers(&self.answers)?;
        let engine = context.engine()?;
        let credential = engine.find_credential(&self.name).await?;
        let administrator = find_administrator(engine, self.administrator.as_deref()).await?;
        let plan =
            engine.plan_revocation(&credential, administrator.as_ref())?.with_reason(self.reason);
        if self.plan {
            for line in plan_lines(&plan) {
                print_progress_line(context, &line);
            }
            return Ok(0);
        }
        if !self.yes {
            let question = format!(
                "Revoke {} in {}? Whatever uses it stops, and nothing brings it back.",
                credential.name, credential.region
            );
            prompt::confirm_by_typing(&question, credential.name.as_str(), "--yes")?;
        }
        let (prompter, on_progress) =
            (CliPrompter::new(context.out, self.answers), |line: &ProgressLine| {
                print_progress_line(context, line)
            });
        let status = context
            .unlocked_engine()
            .await?
            .rotate(plan, RotationObserver { prompter: &prompter, on_progress: &on_progress })
            .await?;
        report_outcome(context, &status)
    }
}
