//! `tokenring rotate`: rotates a credential step by step, and lists, resumes or ends unfinished
//! rotations.
//!
//! `create` and `revoke` use the progress and outcome functions of this file; `--due` is in
//! `rotate_due`.

use super::rotate_due::DueRun;
use crate::cli::args::parse_time_span;
use crate::cli::context::CliContext;
use crate::cli::input::prompt;
use crate::cli::input::prompter::{BrowserArgs, CliPrompter, check_answers};
use crate::cli::output::style::TextTone;
use crate::cli::output::table::TableColumn::{Name, Text};
use crate::cli::output::table::{TableCell, TextTable};
use crate::cli::output::usage_problem;
use crate::domain::credential::SecretPart;
use crate::domain::problem::ProblemClass;
use crate::domain::rotation::{ProgressLine, RollbackEffect, StepStatus};
use crate::domain::{Credential, Problem};
use crate::engine::Engine;
use crate::engine::rotation::{
    RotationDirection, RotationFilter, RotationObserver, RotationPhase, RotationPlan,
    RotationPurpose, RotationStatus, plan_lines,
};

/// Rotate a credential; list, resume or end unfinished rotations
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Creates, stores, verifies and delivers a new secret, then revokes the old one. If you create the new secret on the \
        provider's page, it is read from standard input. With --json every step is one line.\n\n\
    --due is for timers and pipelines. It resumes the unfinished rotations that need no user, then rotates the credentials \
    whose known expiry is near or past, the first to expire first. Those that need you are listed with the reason and the \
    command, and stop nothing. A rotation that a failed step has stopped is tried again once in each run. --as may be \
    repeated, one for each region. Without --yes every rotation is confirmed at the terminal. Ctrl-C and SIGTERM pause before \
    the next step (exit 130); the next run continues. With --json the report is one list. The exit code is that of the worst \
    result: 1, 6, 4, 5, 2, then 8.\n\n\
    Examples:\n  tokenring rotate ci-scanner --plan\n  tokenring rotate ci-scanner --as admin --yes\n  \
    tokenring rotate --due 14d --dry-run\n  tokenring rotate --due 14d --yes --as admin-us --as admin-eu\n  \
    tokenring rotate --resume ci-scanner < new-secret\n  tokenring rotate --resume ci-scanner --as other-admin\n  \
    tokenring rotate --list --all --json"
)]
pub(in crate::cli) struct RotateArgs {
    /// Name of the credential
    #[arg(required_unless_present_any = ["due", "resume", "rollback", "abandon", "list"], conflicts_with_all = ["due", "resume", "rollback", "abandon", "list"])]
    name: Option<String>,
    /// Rotate all credentials that expire within this time, such as 14d, without a user
    #[arg(long, value_name = "SPAN", value_parser = parse_time_span, conflicts_with_all = ["part", "resume", "rollback", "abandon", "list", "answers"])]
    due: Option<time::Duration>,
    /// Show the plan and do nothing
    #[arg(long, visible_alias = "dry-run", conflicts_with_all = ["resume", "rollback", "abandon"])]
    plan: bool,
    #[arg(
        long = "as",
        value_name = "ADMIN",
        help = "Create and revoke with this credential instead; also while resuming; with --due it may be repeated"
    )]
    administrator: Vec<String>,
    #[arg(
        long,
        value_name = "PART",
        conflicts_with_all = ["resume", "rollback", "abandon"],
        help = "Rotate this part instead of the secret, such as client_secret"
    )]
    part: Option<String>,
    /// Reason, for the audit log
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true, conflicts_with_all = ["resume", "rollback", "abandon"])]
    reason: String,
    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
    /// Resume an unfinished rotation; its ID or the name of the credential
    #[arg(long, value_name = "ID", conflicts_with = "rollback")]
    resume: Option<String>,
    /// Roll back an unfinished rotation; its ID or the name of the credential
    #[arg(long, value_name = "ID")]
    rollback: Option<String>,
    /// End an unfinished rotation where it is, without changing anything; its ID or the name of the
    /// credential
    #[arg(long, value_name = "ID", conflicts_with_all = ["resume", "rollback", "administrator"])]
    abandon: Option<String>,
    /// Pre-supply an answer: retry, skip, revoked, removed, another, back, forward, choose=ID,
    /// choose=none or override=NAME; may be repeated
    #[arg(long = "answer", value_name = "WORD")]
    answers: Vec<String>,
    #[command(flatten)]
    browser: BrowserArgs,
    #[command(flatten)]
    listing: ListingArgs,
}

/// Options that list rotations.
#[derive(Debug, clap::Args)]
struct ListingArgs {
    /// List the unfinished rotations
    #[arg(long, conflicts_with_all = ["plan", "administrator", "part", "reason", "yes", "resume", "rollback", "abandon", "answers"])]
    list: bool,
    /// List finished rotations too
    #[arg(long, requires = "list")]
    all: bool,
}

impl RotateArgs {
    /// Shows the plan, asks for confirmation and rotates; or resumes or rolls back a rotation.
    pub(in crate::cli) async fn run(self, context: &CliContext<'_>) -> Result<u8, Problem> {
        if self.listing.list {
            return list_rotations(context, self.listing.all).await;
        }
        check_answers(&self.answers)?;
        if let Some(within) = self.due {
            return self.rotate_due(context, within).await;
        }
        if let Some((id, direction)) = self.resume_target() {
            if direction == RotationDirection::Abandon && !self.yes {
                let question = "End the rotation where it is? What it created stays at the provider, and the old secret stays valid.";
                prompt::confirm_by_typing(question, id, "--yes")?;
            }
            let engine = context.unlocked_engine().await?;
            let administrator = self.single_administrator(engine).await?;
            let prompter =
                CliPrompter::new(context.out, self.answers.clone()).with_browser(self.browser);
            let on_progress = |line: &ProgressLine| print_progress_line(context, line);
            let status = engine
                .rotation
                .resume_rotation_as(
                    id,
                    direction,
                    administrator.as_ref(),
                    RotationObserver { prompter: &prompter, on_progress: &on_progress },
                )
                .await?;
            return report_outcome(context, &status);
        }
        let (engine, name) = (context.engine()?, self.name.as_deref().unwrap_or_default());
        let credential = engine.credentials.find(name).await?;
        let administrator = self.single_administrator(engine).await?;
        let part = self.part.clone().map_or(SecretPart::Secret, SecretPart::Named);
        if !self.plan {
            close_ended_rotations(context, engine).await?;
        }
        let plan = engine
            .rotation
            .plan_part_rotation(&credential, part, administrator.as_ref())
            .await?
            .with_reason(&self.reason);
        if self.plan || !context.out.json {
            for line in plan_lines(&plan) {
                print_progress_line(context, &line);
            }
        }
        if self.plan {
            return Ok(0);
        }
        self.start_rotation(context, plan).await
    }

    async fn start_rotation(
        &self,
        context: &CliContext<'_>,
        plan: RotationPlan,
    ) -> Result<u8, Problem> {
        if !self.yes {
            let credential = context.engine()?.credentials.get(&plan.credential).await?;
            confirm_rotation(&plan, credential.is_production())?;
        }
        let prompter =
            CliPrompter::new(context.out, self.answers.clone()).with_browser(self.browser);
        let on_progress = |line: &ProgressLine| print_progress_line(context, line);
        let status = context
            .unlocked_engine()
            .await?
            .rotation
            .rotate(plan, RotationObserver { prompter: &prompter, on_progress: &on_progress })
            .await?;
        report_outcome(context, &status)
    }

    async fn rotate_due(
        &self,
        context: &CliContext<'_>,
        within: time::Duration,
    ) -> Result<u8, Problem> {
        let engine = context.engine()?;
        let mut administrators = Vec::with_capacity(self.administrator.len());
        for name in &self.administrator {
            administrators.push(engine.credentials.find(name).await?);
        }
        let (confirmed, reason) = (self.yes, self.reason.clone());
        let run = DueRun { context, within, administrators, confirmed, reason };
        if self.plan { run.show_plan().await } else { run.run().await }
    }

    async fn single_administrator(&self, engine: &Engine) -> Result<Option<Credential>, Problem> {
        match &self.administrator[..] {
            [] => Ok(None),
            [name] => find_administrator(engine, Some(name)).await,
            names => Err(usage_problem(
                "More than one administrator",
                &format!(
                    "one rotation is authorized by one credential; {} were named",
                    names.len()
                ),
                "name one with --as",
            )),
        }
    }

    fn resume_target(&self) -> Option<(&str, RotationDirection)> {
        let forward = self.resume.as_deref().map(|id| (id, RotationDirection::Forward));
        let back = self.rollback.as_deref().map(|id| (id, RotationDirection::RollBack));
        let abandon = self.abandon.as_deref().map(|id| (id, RotationDirection::Abandon));
        forward.or(back).or(abandon)
    }
}

/// Lists the unfinished rotations, or all of them.
async fn list_rotations(context: &CliContext<'_>, all: bool) -> Result<u8, Problem> {
    let which = if all { RotationFilter::All } else { RotationFilter::Open };
    let engine = context.engine()?;
    close_ended_rotations(context, engine).await?;
    let known = engine.journals.list_rotations(which).await?;
    if context.out.json {
        context.out.print_json(&known)?;
        return Ok(0);
    }
    if known.is_empty() {
        let which = if all {
            "No rotations yet"
        } else {
            "No unfinished rotations; --all lists finished ones"
        };
        context.out.note(&format!("{which}."));
        return Ok(0);
    }
    let mut table = TextTable::new(&[
        Name("ID"),
        Name("NAME"),
        Text("ACTION"),
        Text("PART"),
        Text("STATE"),
        Text("STEP"),
        Text("NEXT"),
    ]);
    for one in &known {
        table.add_row([
            one.id.as_str().into(),
            one.name.as_str().into(),
            one.purpose.audit_verb().into(),
            one.part.as_str().into(),
            state_cell(one.state),
            one.step.as_deref().unwrap_or_default().into(),
            one.next.as_str().into(),
        ]);
    }
    context.out.print_table(&table)?;
    Ok(0)
}

/// Asks the user to type the name of the credential before its rotation starts. Without a terminal,
/// `--yes` is required.
pub(super) fn confirm_rotation(plan: &RotationPlan, is_production: bool) -> Result<(), Problem> {
    let label = if is_production { " It is labeled as production." } else { "" };
    let question = format!("Rotate {}? {}.{label}", plan.name, plan.title());
    prompt::confirm_by_typing(&question, plan.name.as_str(), "--yes")
}

/// Closes the rotations that have ended but were left open, and reports each of them.
pub(super) async fn close_ended_rotations(
    context: &CliContext<'_>,
    engine: &Engine,
) -> Result<(), Problem> {
    for ended in engine.journals.close_ended_rotations().await? {
        let mut text = format!(
            "note: rotation {} of {} had ended and is closed now: {}",
            ended.id,
            ended.name,
            ended.outcome().unwrap_or(&ended.next)
        );
        if !ended.manual_steps.is_empty() {
            text = format!("{text}. Still to do: {}", ended.manual_steps.join("; "));
        }
        context.out.note(&text);
        ended.notes.iter().for_each(|note| context.out.note(note));
    }
    Ok(())
}

/// Finds the credential named with `--as`.
pub(in crate::cli) async fn find_administrator(
    engine: &Engine,
    name: Option<&str>,
) -> Result<Option<Credential>, Problem> {
    match name {
        Some(name) => Ok(Some(engine.credentials.find(name).await?)),
        None => Ok(None),
    }
}

/// Prints one line of progress. A reader that closed the pipe does not stop a rotation.
pub(in crate::cli) fn print_progress_line(context: &CliContext<'_>, line: &ProgressLine) {
    let shown = if context.out.json {
        context.out.print_json(line)
    } else {
        context.out.print_text(&format_progress_line(line))
    };
    if let Err(problem) = shown {
        tracing::warn!(%problem, "progress was not shown");
    }
}

/// Formats a line of progress as text.
pub(in crate::cli) fn format_progress_line(line: &ProgressLine) -> String {
    let mark = match line.state {
        StepStatus::Planned => "·",
        StepStatus::Running => "…",
        StepStatus::Done => "✓",
        StepStatus::Failed => "✗",
        StepStatus::Waiting => "?",
    };
    format!("{mark} {:<13}  {}", line.step, line.detail)
}

/// Reports the outcome. A rotation that waits or is unfinished is a problem.
pub(in crate::cli) fn report_outcome(
    context: &CliContext<'_>,
    status: &RotationStatus,
) -> Result<u8, Problem> {
    let problem = unfinished_problem(status);
    if problem.is_none() {
        context.out.note(&format!("{}: {}", status.name, status.outcome().unwrap_or(&status.next)));
    }
    if status.outcome().is_some() {
        status.notes.iter().for_each(|note| context.out.note(note));
    }
    problem.map_or(Ok(0), Err)
}

/// Returns the problem of a rotation that waits, is unfinished, or leaves steps to the user; `None`
/// if it has ended.
pub(super) fn unfinished_problem(status: &RotationStatus) -> Option<Problem> {
    let left = status.manual_steps.join("; ");
    let back = match status.rollback {
        RollbackEffect::Impossible(_) => "",
        RollbackEffect::EndsRotation => ", or end it with --rollback",
        RollbackEffect::UndoesChanges => ", or roll back with --rollback",
    };
    let what = match status.purpose {
        RotationPurpose::Replace => format!("The rotation of {}", status.name),
        RotationPurpose::Create => format!("The creation of {}", status.name),
        RotationPurpose::Revoke => format!("The revocation of {}", status.name),
    };
    let problem = match status.state {
        RotationPhase::Running => Problem::new(
            format!("{what} was paused"),
            format!("next: {}", status.next),
            format!("resume it with `tokenring rotate --resume {}`{back}", status.id),
        ),
        RotationPhase::NeedsUser => Problem::new(
            format!("{what} waits for you"),
            if left.is_empty() { status.next.clone() } else { left },
            format!("then resume with `tokenring rotate --resume {}`{back}", status.id),
        ),
        RotationPhase::Done | RotationPhase::RolledBack | RotationPhase::Abandoned
            if left.is_empty() =>
        {
            return None;
        }
        RotationPhase::Done | RotationPhase::RolledBack | RotationPhase::Abandoned => Problem::new(
            format!("{what} is {}, but manual steps remain", state_name(status.state)),
            left,
            "complete these steps on the provider's page",
        ),
    };
    Some(problem.with_class(ProblemClass::NeedsHuman))
}

const fn state_name(state: RotationPhase) -> &'static str {
    match state {
        RotationPhase::Running => "running",
        RotationPhase::NeedsUser => "needs-human",
        RotationPhase::Done => "done",
        RotationPhase::RolledBack => "rolled-back",
        RotationPhase::Abandoned => "abandoned",
    }
}

fn state_cell(state: RotationPhase) -> TableCell {
    let tone = match state {
        RotationPhase::NeedsUser => TextTone::Warning,
        RotationPhase::Done => TextTone::Good,
        RotationPhase::Running | RotationPhase::RolledBack | RotationPhase::Abandoned => {
            TextTone::Neutral
        }
    };
    TableCell::new(state_name(state), tone)
}
