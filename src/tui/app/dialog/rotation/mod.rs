//! The wizard: what replacing a credential will do, then every step as it happens, the questions in between, and how it
//! stands when it stops.
//!
//! ```text
//!   Reading ─┬─ Planned ── Running ⇄ Asked ──┬─ Over
//!            │                ↓        ↓     │
//!            └─ Halted ←── Stopping ←──┘     │
//!                  ↑  └───────→ Running      │
//!                  └──────── Failed ←────────┘
//! ```
//!
//! While it runs or asks, it can be hidden: it goes on behind the screen, and the list of activities opens it again.
//!
//! Whatever stops a rotation, the journal is asked what has happened, so that what is said about it is true.

mod diagram;
mod prompt;
mod steps;
mod view;

use std::time::Instant;

use url::Url;

use prompt::{PromptKeyResult, RotationPromptView};
use steps::WizardSteps;

use super::{DialogAction, DialogResult};
use crate::config::KeyPress;
use crate::config::key::KeySymbol;
use crate::config::theme::GlyphSet;
use crate::domain::CredentialId;
use crate::domain::credential::SecretPart;
use crate::domain::problem::{Problem, ProblemClass};
use crate::domain::rotation::{
    ProgressLine, RotationPhase, RotationPlan, RotationPurpose, RotationStatus,
};
use crate::engine::task_protocol::{
    PromptId, RotationDirection, RotationPrompt, RotationSummary, RotationTarget, RotationTask,
    TaskId,
};
use crate::tui::app::BrowserAvailability;
use crate::tui::app::command::CursorMotion;
use crate::tui::app::credentials::moved_cursor;
use crate::tui::app::form::{Form, FormButton, FormEvent, FormField, SelectInput};

/// How far a page key goes.
const PAGE_ROWS: usize = 8;
/// The field with the credential that makes and revokes.
const ADMINISTRATOR_FIELD: &str = "administrator";
/// The field with the part that is replaced.
const PART_FIELD: &str = "part";
/// The field with the reason, which is put on record.
const REASON_FIELD: &str = "reason";

const CONTINUE_BUTTON: FormButton = FormButton::Submit("Go on");
const ROLL_BACK_BUTTON: FormButton = FormButton::Destructive("Roll back");
const CLOSE_BUTTON: FormButton = FormButton::Submit("Close");
const HIDE_BUTTON: FormButton = FormButton::Submit("Hide");
const STOP_BUTTON: FormButton = FormButton::Submit("Stop");

/// The dialog in which a credential is replaced.
pub struct RotationWizard {
    name: String,
    purpose: RotationPurpose,
    /// The task that has something to say to this dialog.
    task: Option<TaskId>,
    plan: Option<Box<RotationPlan>>,
    steps: WizardSteps,
    stage: WizardStage,
    problem: Option<Problem>,
    /// The row of the steps to which the person has gone; until then, the one where something happens is seen.
    scroll_row: Option<usize>,
    browser: BrowserAvailability,
    /// The page that was opened last.
    opened_page: Option<Url>,
}

/// How far it is.
enum WizardStage {
    /// The plan, or what has become of it, is being read.
    Loading,
    /// Nothing has happened yet.
    Planned(Form),
    /// Step after step.
    Running(Form),
    /// A person is needed.
    Prompting(Box<RotationPromptView>),
    /// It was told to stop, or to do without an answer.
    Stopping,
    /// It has stopped and can be taken up again.
    Paused(Box<RotationSummary>, Form),
    /// It is over.
    Finished(RotationStatus, Form),
    /// Nothing has happened, and nothing will.
    Failed(Form),
}

impl RotationWizard {
    /// For the credential of this name; its plan, or what has become of it, comes later.
    pub fn new(name: String, browser: BrowserAvailability) -> Self {
        let (steps, stage) = (WizardSteps::default(), WizardStage::Loading);
        let purpose = RotationPurpose::Replace;
        Self {
            name,
            purpose,
            task: None,
            plan: None,
            steps,
            stage,
            problem: None,
            scroll_row: None,
            browser,
            opened_page: None,
        }
    }

    /// For one that begins at once; its plan comes with the first that is heard of it.
    pub fn for_running(
        name: String,
        purpose: RotationPurpose,
        browser: BrowserAvailability,
    ) -> Self {
        Self { purpose, stage: running_stage(), ..Self::new(name, browser) }
    }

    /// Waits for what this task has to say.
    pub fn set_task(&mut self, task: TaskId) {
        self.task = Some(task);
    }

    /// Whether this task is the one that is waited for.
    pub fn waits_for(&self, task: TaskId) -> bool {
        self.task == Some(task)
    }

    /// Whether nothing can be said to it right now.
    pub fn is_busy(&self) -> bool {
        match self.stage {
            WizardStage::Loading | WizardStage::Running(_) | WizardStage::Stopping => true,
            WizardStage::Prompting(_) => false,
            WizardStage::Planned(_)
            | WizardStage::Paused(..)
            | WizardStage::Finished(..)
            | WizardStage::Failed(_) => self.task.is_some(),
        }
    }

    /// The credential that it is about, where that is known.
    pub fn credential(&self) -> Option<&CredentialId> {
        self.plan.as_ref().map(|plan| &plan.credential)
    }

    /// What it is about, in a few words.
    pub fn heading(&self) -> String {
        let verb = match self.purpose {
            RotationPurpose::Replace => "Replace",
            RotationPurpose::Create => "Create",
            RotationPurpose::Revoke => "Revoke",
        };
        match self.plan.as_ref().map(|plan| &plan.part) {
            Some(SecretPart::Named(part)) => format!("{verb} {} ({part})", self.name),
            _ => format!("{verb} {}", self.name),
        }
    }

    /// What it does from now on.
    pub fn set_plan(&mut self, plan: Box<RotationPlan>) {
        self.purpose = plan.purpose;
        self.steps = WizardSteps::from_plan(&plan);
        self.plan = Some(plan);
    }

    /// What it will do is known. `others` may make and revoke in the credential's place; `parts` can be replaced.
    pub fn show_plan(
        &mut self,
        plan: Box<RotationPlan>,
        others: &[(String, String)],
        parts: &[(String, String)],
    ) {
        self.task = None;
        self.problem = None;
        self.steps = WizardSteps::from_plan(&plan);
        self.plan = Some(plan);
        if !matches!(self.stage, WizardStage::Planned(_)) {
            self.stage = WizardStage::Planned(plan_form(others, parts));
        }
    }

    /// What has become of it is known.
    pub fn show_review(&mut self, review: Box<RotationSummary>) {
        self.task = None;
        self.scroll_row = None;
        self.purpose = review.plan.purpose;
        self.steps = WizardSteps::from_progress(&review.plan, &review.lines);
        self.plan = Some(Box::new(review.plan.clone()));
        self.stage = match review.status.state {
            RotationPhase::Done | RotationPhase::RolledBack => {
                WizardStage::Finished(review.status, button_form(&[CLOSE_BUTTON]))
            }
            RotationPhase::Running | RotationPhase::NeedsUser
                if review.rollback_allowed.is_ok() =>
            {
                WizardStage::Paused(
                    review,
                    button_form(&[CONTINUE_BUTTON, ROLL_BACK_BUTTON, CLOSE_BUTTON]),
                )
            }
            RotationPhase::Running | RotationPhase::NeedsUser => {
                WizardStage::Paused(review, button_form(&[CONTINUE_BUTTON, CLOSE_BUTTON]))
            }
        };
    }

    /// Something has become of a step.
    pub fn apply_progress(&mut self, line: &ProgressLine) {
        self.scroll_row = None;
        self.steps.apply(line);
        if matches!(self.stage, WizardStage::Prompting(_)) {
            self.stage = running_stage();
        }
    }

    /// It waits for a person.
    pub fn show_prompt(&mut self, question: PromptId, dilemma: RotationPrompt, now: Instant) {
        self.scroll_row = None;
        self.stage = WizardStage::Prompting(Box::new(RotationPromptView::new(
            question,
            dilemma,
            self.browser,
            now,
        )));
    }

    /// The page that opens by itself, once, where a browser is waited for.
    pub fn take_page_to_open(&mut self) -> Option<Url> {
        let WizardStage::Prompting(asked) = &self.stage else { return None };
        let page = asked.page_to_open().filter(|page| self.opened_page.as_ref() != Some(page))?;
        self.opened_page = Some(page.clone());
        Some(page)
    }

    /// When it shows something else by itself.
    pub fn next_wake(&self, now: Instant) -> Option<Instant> {
        if let WizardStage::Prompting(asked) = &self.stage { asked.next_wake(now) } else { None }
    }

    /// It has come to its end; what is left of one that is not over, its journal tells.
    pub fn on_finished(&mut self, status: RotationStatus) -> Option<RotationTask> {
        self.task = None;
        if matches!(status.state, RotationPhase::Done | RotationPhase::RolledBack) {
            self.stage = WizardStage::Finished(status, button_form(&[CLOSE_BUTTON]));
            return None;
        }
        self.request_review()
    }

    /// It went wrong, or was cancelled: what has happened by then, its journal tells.
    pub fn on_failed(&mut self, problem: Option<Problem>) -> Option<RotationTask> {
        self.task = None;
        // What was refused before it had a plan has no journal either.
        if self.plan.is_some()
            && matches!(
                self.stage,
                WizardStage::Running(_) | WizardStage::Prompting(_) | WizardStage::Stopping
            )
        {
            self.problem = problem;
            return self.request_review();
        }
        // A rotation without a journal was never begun, which is no problem of its own.
        let unheard_of =
            problem.as_ref().is_some_and(|problem| problem.class == ProblemClass::NotFound)
                && self.plan.is_some();
        if !unheard_of {
            self.problem = problem;
        }
        self.stage = WizardStage::Failed(button_form(&[CLOSE_BUTTON]));
        None
    }

    /// How many of how many steps are done.
    pub fn step_counts(&self) -> (usize, usize) {
        self.steps.counts()
    }

    /// Takes a key in.
    pub fn handle_key(&mut self, key: KeyPress) -> DialogResult {
        if let Some(motion) = scroll_motion(key, &self.stage) {
            self.scroll(motion);
            return DialogResult::Stay;
        }
        match &mut self.stage {
            WizardStage::Running(_) | WizardStage::Prompting(_) | WizardStage::Stopping
                if key.code == KeySymbol::Esc =>
            {
                DialogResult::Hide
            }
            WizardStage::Running(_) if key == KeyPress::char('s') => self.request_stop(),
            WizardStage::Prompting(asked) => {
                let done = asked.handle_key(key);
                self.handle_prompt_result(done)
            }
            WizardStage::Loading if key.code == KeySymbol::Esc => DialogResult::Close,
            WizardStage::Stopping | WizardStage::Loading => DialogResult::Stay,
            WizardStage::Planned(_)
            | WizardStage::Paused(..)
            | WizardStage::Finished(..)
            | WizardStage::Failed(_)
                if key.code == KeySymbol::Esc =>
            {
                DialogResult::Close
            }
            WizardStage::Planned(form)
            | WizardStage::Paused(_, form)
            | WizardStage::Finished(_, form)
            | WizardStage::Failed(form)
            | WizardStage::Running(form) => {
                let happened = form.handle_key(key);
                self.handle_form_event(happened)
            }
        }
    }

    /// Takes a pasted text in.
    pub fn handle_paste(&mut self, text: &str) -> DialogResult {
        match &mut self.stage {
            WizardStage::Prompting(asked) => asked.handle_paste(text),
            WizardStage::Planned(form) => _ = form.paste(text),
            _ => {}
        }
        DialogResult::Stay
    }

    /// Takes a click in.
    pub fn handle_click(&mut self, at: usize) -> DialogResult {
        match &mut self.stage {
            WizardStage::Prompting(asked) => {
                let done = asked.handle_click(at);
                self.handle_prompt_result(done)
            }
            WizardStage::Planned(form)
            | WizardStage::Paused(_, form)
            | WizardStage::Finished(_, form)
            | WizardStage::Failed(form)
            | WizardStage::Running(form) => {
                let happened = form.handle_click(at);
                self.handle_form_event(happened)
            }
            WizardStage::Stopping | WizardStage::Loading => DialogResult::Stay,
        }
    }

    fn handle_form_event(&mut self, happened: FormEvent) -> DialogResult {
        match happened {
            FormEvent::Pressed(FormButton::Cancel | CLOSE_BUTTON) => DialogResult::Close,
            FormEvent::Pressed(HIDE_BUTTON) => DialogResult::Hide,
            FormEvent::Pressed(STOP_BUTTON) => self.request_stop(),
            // What was asked meanwhile comes first.
            _ if self.task.is_some() => DialogResult::Stay,
            FormEvent::Pressed(button) => self.press_button(button),
            FormEvent::Changed(at) => self.request_new_plan(at),
            FormEvent::Pasted(_) | FormEvent::Blurred(_) | FormEvent::Unchanged => {
                DialogResult::Stay
            }
        }
    }

    /// Another credential makes and revokes, or another part is replaced: that is another plan.
    fn request_new_plan(&self, at: usize) -> DialogResult {
        let (WizardStage::Planned(form), Some(plan)) = (&self.stage, &self.plan) else {
            return DialogResult::Stay;
        };
        if form.fields[at].id == REASON_FIELD {
            return DialogResult::Stay;
        }
        let administrator = CredentialId::parse(form.value(ADMINISTRATOR_FIELD));
        let part = Some(form.value(PART_FIELD)).filter(|part| !part.is_empty());
        let part = part.map_or(SecretPart::Secret, |part| SecretPart::Named(part.to_owned()));
        rotation_task_result(RotationTask::Plan(RotationTarget {
            credential: plan.credential.clone(),
            administrator,
            part,
        }))
    }

    fn press_button(&mut self, button: FormButton) -> DialogResult {
        let task = match (&self.stage, &self.plan) {
            (WizardStage::Paused(review, _), _) => {
                let turn = if button == ROLL_BACK_BUTTON {
                    RotationDirection::RollBack
                } else {
                    RotationDirection::Forward
                };
                RotationTask::Resume(review.status.id.clone(), turn)
            }
            (WizardStage::Planned(form), Some(plan)) => RotationTask::Run(Box::new(
                plan.as_ref().clone().with_reason(form.value(REASON_FIELD).trim()),
            )),
            (_, Some(plan)) => RotationTask::Run(plan.clone()),
            (_, None) => return DialogResult::Stay,
        };
        self.problem = None;
        self.scroll_row = None;
        self.stage = running_stage();
        rotation_task_result(task)
    }

    fn handle_prompt_result(&mut self, done: PromptKeyResult) -> DialogResult {
        match done {
            PromptKeyResult::Handled => DialogResult::Stay,
            PromptKeyResult::OpenPage(page) => {
                DialogResult::RunAndStay(DialogAction::OpenPage(page))
            }
            PromptKeyResult::CopyAddress(page) => {
                DialogResult::RunAndStay(DialogAction::CopyText(page.to_string()))
            }
            PromptKeyResult::Submit(task) => {
                self.stage = if matches!(task, RotationTask::LeavePrompt(_)) {
                    WizardStage::Stopping
                } else {
                    running_stage()
                };
                rotation_task_result(task)
            }
        }
    }

    fn request_stop(&mut self) -> DialogResult {
        self.stage = WizardStage::Stopping;
        self.task.map_or(DialogResult::Close, |task| {
            DialogResult::RunAndStay(DialogAction::PauseTask(task))
        })
    }

    fn request_review(&mut self) -> Option<RotationTask> {
        self.stage = WizardStage::Loading;
        self.plan.as_ref().map(|plan| RotationTask::Review(plan.rotation.to_string()))
    }

    fn scroll(&mut self, motion: CursorMotion) {
        // Signs do not change how many rows there are.
        let (rows, seen) = self.body_rows(&GlyphSet::UNICODE);
        self.scroll_row = Some(moved_cursor(
            self.scroll_row.unwrap_or(seen),
            motion,
            PAGE_ROWS,
            rows.len().saturating_sub(1),
        ));
    }
}

/// The keys that scroll. While a question waits, the arrows belong to its answers.
fn scroll_motion(key: KeyPress, stage: &WizardStage) -> Option<CursorMotion> {
    let arrows = !matches!(stage, WizardStage::Prompting(_));
    match key.code {
        KeySymbol::PageUp => Some(CursorMotion::PageUp),
        KeySymbol::PageDown => Some(CursorMotion::PageDown),
        KeySymbol::Up if arrows => Some(CursorMotion::Up),
        KeySymbol::Down if arrows => Some(CursorMotion::Down),
        _ => None,
    }
}

/// What is replaced and who makes and revokes, where there is a choice, and why. The focus is on Cancel.
fn plan_form(others: &[(String, String)], parts: &[(String, String)]) -> Form {
    let itself = (String::new(), "itself".to_owned());
    let choice = |first: Option<(String, String)>, more: &[(String, String)]| {
        SelectInput::new(first.into_iter().chain(more.iter().cloned()).collect(), "")
    };
    let mut fields = Vec::new();
    if parts.len() > 1 {
        fields.push(FormField::select(PART_FIELD, "What", choice(None, parts)));
    }
    if !others.is_empty() {
        fields.push(FormField::select(
            ADMINISTRATOR_FIELD,
            "Made and revoked by",
            choice(Some(itself), others),
        ));
    }
    fields.push(FormField::text(REASON_FIELD, "Why", ""));
    let mut form = Form::new(fields, vec![FormButton::Cancel, FormButton::Destructive("Begin")]);
    form.focus = form.fields.len();
    form
}

/// It runs. The focus is on what changes nothing.
fn running_stage() -> WizardStage {
    WizardStage::Running(button_form(&[HIDE_BUTTON, STOP_BUTTON]))
}

fn button_form(buttons: &[FormButton]) -> Form {
    Form::new(Vec::new(), buttons.to_vec())
}

fn rotation_task_result(task: RotationTask) -> DialogResult {
    DialogResult::RunAndStay(DialogAction::RunRotationTask(Box::new(task)))
}
