//! `tokenring revoke`: revokes a credential at its provider and verifies that it is rejected.

use super::rotate::{find_administrator, print_progress_line, report_outcome};
use crate::cli::context::CliContext;
use crate::cli::input::prompt;
use crate::cli::input::prompter::{CliPrompter, check_answers};
use crate::domain::Problem;
use crate::domain::rotation::ProgressLine;
use crate::engine::rotation::{RotationObserver, RotationPlan, plan_lines};

/// Revoke a credential at its provider and verify it no longer works
#[derive(Debug, clap::Args)]
#[command(
    after_help = "List unfinished revocations with: tokenring rotate --list\nResume one with: tokenring rotate --resume NAME\n\n\
    Examples:\n  tokenring revoke old-jenkins --as admin --reason \"leaked in a build log\"\n  tokenring revoke laptop --plan"
)]
pub(in crate::cli) struct RevokeArgs {
    /// Name of the credential
    name: String,
    /// Show the plan and do nothing
    #[arg(long)]
    plan: bool,
    /// Revoke with this credential instead
    #[arg(long = "as", value_name = "ADMIN")]
    administrator: Option<String>,
    /// Reason, for the audit log
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    reason: String,
    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
    /// Pre-supply an answer: retry, skip, revoked, back or choose=ID; may be repeated
    #[arg(long = "answer", value_name = "WORD")]
    answers: Vec<String>,
}

impl RevokeArgs {
    /// Asks the user to type the name, then revokes the credential.
    pub(in crate::cli) async fn run(self, context: &CliContext<'_>) -> Result<u8, Problem> {
        check_answers(&self.answers)?;
        let engine = context.engine()?;
        let credential = engine.credentials.find(&self.name).await?;
        let administrator = find_administrator(engine, self.administrator.as_deref()).await?;
        let plan = engine
            .rotation
            .plan_revocation(&credential, administrator.as_ref())
            .await?
            .with_reason(self.reason);
        if self.plan {
            for line in plan_lines(&plan) {
                print_progress_line(context, &line);
            }
            return Ok(0);
        }
        if !self.yes {
            let question = confirmation_question(&plan);
            prompt::confirm_by_typing(&question, credential.name.as_str(), "--yes")?;
        }
        let (prompter, on_progress) =
            (CliPrompter::new(context.out, self.answers), |line: &ProgressLine| {
                print_progress_line(context, line);
            });
        let status = context
            .unlocked_engine()
            .await?
            .rotation
            .rotate(plan, RotationObserver { prompter: &prompter, on_progress: &on_progress })
            .await?;
        report_outcome(context, &status)
    }
}

/// Returns the question that the user answers with the name of the credential.
fn confirmation_question(plan: &RotationPlan) -> String {
    let RotationPlan { name, region, .. } = plan;
    if plan.deletes_account() {
        return format!(
            "Delete the whole service account of {name} in {region}? All its secrets and everything that uses one of them stop working. This cannot be undone."
        );
    }
    format!(
        "Revoke {name} in {region}? Everything that uses it stops working. This cannot be undone."
    )
}
