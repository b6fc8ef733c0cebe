//! `tokenring rotate --due`: rotates the credentials that expire soon, one after another, without a
//! user.
//!
//! The engine selects them; here they are confirmed, run and reported. Start at [`DueRun`].

use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::rotate::{
    close_ended_rotations, confirm_rotation, format_progress_line, unfinished_problem,
};
use crate::cli::context::CliContext;
use crate::cli::input::prompt;
use crate::cli::output::json::format_rfc3339;
use crate::cli::output::style::TextTone;
use crate::cli::output::table::TableColumn::{Name, Text};
use crate::cli::output::table::{TableCell, TextTable};
use crate::cli::output::{INTERRUPTED_EXIT_CODE, usage_problem};
use crate::domain::format::count_noun;
use crate::domain::problem::ProblemClass;
use crate::domain::rotation::ProgressLine;
use crate::domain::{Credential, Problem, Secret};
use crate::engine::prompt::{PromptMessage, PromptReply, RotationPrompt, UserPrompter};
use crate::engine::rotation::{
    DueAction, DueRotation, RotationObserver, RotationPhase, RotationStatus, UserDecision,
    administrator_advice,
};

/// Exit codes from the best to the worst: done, waits for you, usage, not found, policy, unknown,
/// refused, store, failed.
const EXIT_CODES_BY_SEVERITY: [u8; 9] = [0, 8, 2, 3, 7, 5, 4, 6, 1];

/// Run of `rotate --due`.
pub(super) struct DueRun<'a> {
    /// Output, settings and engine.
    pub context: &'a CliContext<'a>,
    /// Credentials that expire within this time are rotated.
    pub within: time::Duration,
    /// Credentials that authorize the rotations of their regions.
    pub administrators: Vec<Credential>,
    /// Whether the user has confirmed all rotations with `--yes`.
    pub confirmed: bool,
    /// Reason for the audit log; may be empty.
    pub reason: String,
}

/// Result for one credential, as `rotate --due --json` prints it.
#[derive(Serialize)]
struct DueResultJson {
    name: String,
    expires: Option<String>,
    /// What the run does: `rotate`, `resume` or `none`.
    action: &'static str,
    result: DueResult,
    /// ID of the rotation, if there is one.
    rotation: Option<String>,
    /// Why it is not done, or what became of it.
    reason: Option<String>,
    /// What to do about it.
    remedy: Option<String>,
    #[serde(skip)]
    exit_code: u8,
}

/// Result of a rotation without a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum DueResult {
    /// It would be rotated or resumed.
    Planned,
    /// The new secret has replaced the old one.
    Done,
    /// Another process has rotated it meanwhile.
    NotDue,
    /// The user has to do something.
    NeedsHuman,
    /// It failed.
    Failed,
    /// It was paused between two steps.
    Paused,
    /// The user did not confirm it.
    NotConfirmed,
    /// The run was interrupted before.
    NotStarted,
}

/// Prompter of a run without a user. Nothing is answered, except that a step that had stopped an
/// earlier run is tried again, once.
struct UnattendedPrompter {
    may_retry: AtomicBool,
    pause: CancellationToken,
}

#[async_trait]
impl UserPrompter for UnattendedPrompter {
    async fn confirm(&self, _question: &PromptMessage) -> bool {
        false
    }

    async fn read_secret(&self, _question: &PromptMessage) -> Option<Secret> {
        None
    }

    async fn decide(&self, question: &RotationPrompt) -> Option<PromptReply> {
        let retry = question.choices.iter().any(|choice| choice.decision == UserDecision::Retry);
        (retry && self.may_retry.swap(false, Ordering::Relaxed))
            .then_some(PromptReply::Decided(UserDecision::Retry))
    }

    async fn wait_for_pause(&self) {
        self.pause.cancelled().await;
    }
}

impl DueRun<'_> {
    /// Shows what a run would do. Sends nothing and writes nothing.
    pub(super) async fn show_plan(&self) -> Result<u8, Problem> {
        let planned = self.plan().await?;
        self.report(&planned.iter().map(DueResultJson::planned).collect::<Vec<_>>())?;
        self.note_unknown_expiry().await?;
        Ok(0)
    }

    /// Tells how many credentials are never due, because their expiry is unknown.
    async fn note_unknown_expiry(&self) -> Result<(), Problem> {
        let all = self.context.engine()?.credentials.list().await?;
        let unknown = all.iter().filter(|credential| credential.expires.is_none()).count();
        if unknown > 0 {
            self.context.out.note(&format!(
                "note: {} with unknown expiry {} never due; `tokenring edit NAME --expires DATE` sets one",
                count_noun(unknown, "credential"),
                if unknown == 1 { "is" } else { "are" }
            ));
        }
        Ok(())
    }

    /// Rotates what is due and returns the exit code of the worst result.
    pub(super) async fn run(&self) -> Result<u8, Problem> {
        if !self.confirmed && !prompt::is_interactive() {
            return Err(usage_problem(
                "Rotate all credentials that are due?",
                "not a terminal",
                "pass --yes to confirm, also for credentials that are labeled as production",
            ));
        }
        close_ended_rotations(self.context, self.context.engine()?).await?;
        let planned = self.plan().await?;
        let mut results: Vec<_> = planned.iter().map(DueResultJson::planned).collect();
        let mut confirmed = Vec::new();
        for (place, due) in planned.into_iter().enumerate() {
            match self.confirm(&due) {
                _ if matches!(due.action, DueAction::LeaveToUser { .. }) => {}
                Ok(()) => confirmed.push((place, due)),
                Err(problem) => results[place].set_problem(DueResult::NotConfirmed, problem),
            }
        }
        if !confirmed.is_empty() {
            self.context.unlocked_engine().await?;
        }
        // From here on nothing is asked: Ctrl-C at a question ends the process.
        let pause = pause_on_signal();
        for (place, due) in confirmed {
            let result = &mut results[place];
            if pause.is_cancelled() {
                result.set(DueResult::NotStarted, INTERRUPTED_EXIT_CODE);
                continue;
            }
            match self.run_one(due, &pause).await {
                Ok(Some(status)) => {
                    let rotation = &self.context.engine()?.rotation;
                    result.set_status(&status, rotation.failure_of(&status).await);
                }
                Ok(None) => result.set(DueResult::NotDue, 0),
                Err(problem) => result.set_problem(result_of(&problem), problem),
            }
        }
        self.report(&results)?;
        self.note_unknown_expiry().await?;
        if pause.is_cancelled() {
            return Ok(INTERRUPTED_EXIT_CODE);
        }
        Ok(worst_exit_code(results.iter().map(|result| result.exit_code)))
    }

    async fn plan(&self) -> Result<Vec<DueRotation>, Problem> {
        let engine = self.context.engine()?;
        let mut planned =
            engine.rotation.plan_due_rotations(self.within, &self.administrators).await?;
        for due in &mut planned {
            if let DueAction::Start(plan) = &mut due.action {
                plan.reason.clone_from(&self.reason);
            }
        }
        Ok(planned)
    }

    /// Asks for the confirmation that the rotation of a single credential asks for.
    fn confirm(&self, due: &DueRotation) -> Result<(), Problem> {
        match &due.action {
            DueAction::Start(plan) if !self.confirmed => confirm_rotation(plan, due.is_production),
            _ => Ok(()),
        }
    }

    async fn run_one(
        &self,
        due: DueRotation,
        pause: &CancellationToken,
    ) -> Result<Option<RotationStatus>, Problem> {
        let may_retry = matches!(due.action, DueAction::Resume { is_stopped: true, .. });
        let prompter =
            UnattendedPrompter { may_retry: AtomicBool::new(may_retry), pause: pause.clone() };
        let name = due.name.clone();
        let on_progress = |line: &ProgressLine| {
            self.context.out.note(&format!("{name}  {}", format_progress_line(line)));
        };
        let observer = RotationObserver { prompter: &prompter, on_progress: &on_progress };
        let engine = self.context.engine()?;
        engine.rotation.run_due_rotation(due, self.within, observer).await
    }

    fn report(&self, results: &[DueResultJson]) -> Result<(), Problem> {
        let out = self.context.out;
        if out.json {
            return out.print_json(&results);
        }
        if results.is_empty() {
            out.note(&format!(
                "No credential expires within {}, and no rotation is unfinished.",
                format_span(self.within)
            ));
            return Ok(());
        }
        let mut table = TextTable::new(&[
            Name("NAME"),
            Text("EXPIRES"),
            Text("ACTION"),
            Text("RESULT"),
            Name("ROTATION"),
        ]);
        for result in results {
            table.add_row([
                result.name.as_str().into(),
                result.expires.as_deref().map_or("–", |end| end.get(..10).unwrap_or(end)).into(),
                result.action.into(),
                TableCell::new(result.result.label(), result.result.tone()),
                result.rotation.as_deref().unwrap_or("–").into(),
            ]);
        }
        out.print_table(&table)?;
        results.iter().filter_map(DueResultJson::explanation).for_each(|text| out.note(&text));
        Ok(())
    }
}

impl DueResultJson {
    /// Creates the result of a credential before anything is done with it.
    fn planned(due: &DueRotation) -> Self {
        let mut planned = Self {
            name: due.name.clone(),
            expires: due.expires.map(format_rfc3339),
            action: "none",
            result: DueResult::Planned,
            rotation: None,
            reason: None,
            remedy: None,
            exit_code: 0,
        };
        match &due.action {
            DueAction::Start(plan) => {
                planned.action = "rotate";
                planned.reason = Some(plan.title().to_owned());
            }
            DueAction::Resume { rotation, .. } => {
                planned.action = "resume";
                planned.rotation = Some(rotation.clone());
            }
            DueAction::LeaveToUser { rotation, problem } => {
                planned.rotation.clone_from(rotation);
                planned.set_problem(result_of(problem), problem.clone());
            }
        }
        planned
    }

    fn set(&mut self, result: DueResult, exit_code: u8) {
        (self.result, self.exit_code, self.reason) = (result, exit_code, None);
    }

    fn set_problem(&mut self, result: DueResult, problem: Problem) {
        self.set(result, problem.class.exit_code());
        let reason = match result {
            DueResult::NeedsHuman => problem.why,
            _ => format!("{}: {}", problem.what, problem.why),
        };
        (self.reason, self.remedy) = (Some(reason), Some(problem.remedy));
    }

    /// Sets the result of a rotation that has ended or stopped, after this failure of a step.
    fn set_status(&mut self, status: &RotationStatus, failure: Option<String>) {
        match unfinished_problem(status) {
            Some(problem) if status.state == RotationPhase::Running => {
                self.set_problem(DueResult::Paused, problem);
            }
            Some(mut problem) => {
                if let Some(failure) = failure.filter(|failure| !problem.why.contains(failure)) {
                    problem.why = format!("{failure}; next: {}", problem.why);
                    problem.remedy.extend(administrator_advice(status));
                }
                self.set_problem(DueResult::NeedsHuman, problem);
            }
            None => {
                self.set(DueResult::Done, 0);
                let notes = status.outcome().into_iter().map(str::to_owned);
                let notes: Vec<_> = notes.chain(status.notes.iter().cloned()).collect();
                self.reason = Some(notes.join("; ")).filter(|reason| !reason.is_empty());
            }
        }
        self.rotation = Some(status.id.clone());
    }

    /// Returns the sentence below the table; `None` if the table says everything.
    fn explanation(&self) -> Option<String> {
        let reason = self.reason.as_deref()?;
        let remedy = self.remedy.iter().map(|remedy| format!("; {remedy}"));
        Some(std::iter::once(format!("{}: {reason}", self.name)).chain(remedy).collect())
    }
}

impl DueResult {
    const fn label(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Done => "done",
            Self::NotDue => "not due",
            Self::NeedsHuman => "needs you",
            Self::Failed => "failed",
            Self::Paused => "paused",
            Self::NotConfirmed => "not confirmed",
            Self::NotStarted => "not started",
        }
    }

    const fn tone(self) -> TextTone {
        match self {
            Self::Done => TextTone::Good,
            Self::Planned | Self::NotDue => TextTone::Neutral,
            Self::NeedsHuman | Self::Paused | Self::NotConfirmed | Self::NotStarted => {
                TextTone::Warning
            }
            Self::Failed => TextTone::Bad,
        }
    }
}

/// Returns the result of a rotation that this problem prevents or stops.
fn result_of(problem: &Problem) -> DueResult {
    if problem.class == ProblemClass::NeedsHuman {
        DueResult::NeedsHuman
    } else {
        DueResult::Failed
    }
}

/// Returns the worst of these exit codes.
fn worst_exit_code(codes: impl Iterator<Item = u8>) -> u8 {
    let severity = |code: &u8| EXIT_CODES_BY_SEVERITY.iter().position(|known| known == code);
    codes.max_by_key(severity).unwrap_or_default()
}

fn format_span(span: time::Duration) -> String {
    let (days, hours) = (span.whole_days(), span.whole_hours());
    let count = |number: i64, unit| count_noun(usize::try_from(number).unwrap_or_default(), unit);
    if days > 0 {
        count(days, "day")
    } else if hours > 0 {
        count(hours, "hour")
    } else {
        count(span.whole_minutes(), "minute")
    }
}

/// Returns a token that Ctrl-C, or the signal with which services are stopped, cancels: the rotation
/// pauses before its next step. The second signal ends the process at once.
fn pause_on_signal() -> CancellationToken {
    let pause = CancellationToken::new();
    let pausing = pause.clone();
    tokio::spawn(async move {
        stop_signal().await;
        pausing.cancel();
        stop_signal().await;
        std::process::exit(i32::from(INTERRUPTED_EXIT_CODE));
    });
    pause
}

#[cfg(unix)]
async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return std::future::pending().await;
    };
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => {
            if interrupted.is_err() {
                std::future::pending::<()>().await;
            }
        }
        _ = terminate.recv() => {}
    }
}

#[cfg(not(unix))]
async fn stop_signal() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_result_decides_whatever_its_number_is() {
        for (codes, worst) in [
            (&[][..], 0),
            (&[0, 0], 0),
            (&[0, 8, 0], 8),
            (&[8, 4, 0], 4),
            (&[8, 2], 2),
            (&[4, 5, 8], 4),
            (&[6, 4], 6),
            (&[8, 1, 6, 4], 1),
        ] {
            assert_eq!(worst_exit_code(codes.iter().copied()), worst, "{codes:?}");
        }
    }

    #[test]
    fn every_exit_code_of_a_problem_has_its_place() {
        let classes = [
            ProblemClass::Failed,
            ProblemClass::Usage,
            ProblemClass::NotFound,
            ProblemClass::Refused,
            ProblemClass::Unknown,
            ProblemClass::Store,
            ProblemClass::Policy,
            ProblemClass::NeedsHuman,
        ];
        for class in classes {
            assert_eq!(worst_exit_code([0, class.exit_code()].into_iter()), class.exit_code());
        }
    }

    #[test]
    fn a_time_is_shown_in_its_own_unit() {
        let spans =
            [time::Duration::days(14), time::Duration::hours(1), time::Duration::minutes(30)];
        assert_eq!(spans.map(format_span), ["14 days", "1 hour", "30 minutes"]);
    }
}
