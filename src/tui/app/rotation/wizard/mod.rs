//! Wizard of a rotation: shows the plan, then every step as it happens, asks the questions in
//! between, and summarizes the result.
//!
//! ```text
//!   Loading ─┬─ Planned ── Running ⇄ Prompting ─┬─ Finished
//!            │                ↓          ↓      │
//!            └─ Paused ←── Stopping ←────┘      │
//!                  ↑  └───────→ Running         │
//!                  └──────── Failed ←───────────┘
//! ```
//!
//! While a rotation runs or waits for an answer, its wizard can be hidden: the rotation continues
//! in the background, and the list of activities opens the wizard again.
//!
//! After an interruption, the wizard reads the journal to learn what has happened, so that its
//! summary is correct.
//!
//! The rotation itself runs in the engine. Start reading at [`Dialog::on_task`]; `view`
//! builds the rows, `prompt` the questions, `steps` the list of steps.

mod diagram;
mod prompt;
mod steps;
mod view;

use std::time::Instant;

use url::Url;

use crate::config::KeyPress;
use crate::config::key::KeySymbol;
use crate::config::theme::GlyphSet;
use crate::domain::CredentialId;
use crate::domain::credential::SecretPart;
use crate::domain::problem::{Problem, ProblemClass};
use crate::domain::rotation::{
    ProgressLine, RollbackEffect, RotationPhase, RotationPlan, RotationPurpose, RotationStatus,
};
use crate::engine::background::protocol::{
    BackgroundTask, PromptId, RotationDirection, RotationEvent, RotationPrompt, RotationSummary,
    RotationTarget, RotationTask, TaskEvent, TaskId,
};
use crate::tui::app::command::CursorMotion;
use crate::tui::app::dialogs::{
    self, Dialog, DialogAction, DialogAnswer, DialogQuestion, DialogResult, TaskRequest,
};
use crate::tui::app::widgets::dialog_view::DialogView;
use crate::tui::app::widgets::form::{Form, FormButton, FormEvent, FormField, SelectInput};
use crate::tui::app::widgets::moved_cursor;
use crate::tui::app::{App, BrowserAvailability, Now, UiEffect};
use prompt::{PromptKeyResult, RotationPromptView};
use steps::WizardSteps;

/// Rows that a page key moves.
const PAGE_ROWS: usize = 8;
/// Field with the credential that creates and revokes.
const ADMINISTRATOR_FIELD: &str = "administrator";
/// Field with the part of the secret to rotate.
const PART_FIELD: &str = "part";
/// Field with the reason, which is written to the audit log.
const REASON_FIELD: &str = "reason";

const CONTINUE_BUTTON: FormButton = FormButton::Submit("Continue");
const HIDE_BUTTON: FormButton = FormButton::Submit("Hide");
const STOP_BUTTON: FormButton = FormButton::Submit("Pause");

/// Dialog that rotates, creates or revokes a credential.
pub struct RotationWizard {
    name: String,
    purpose: RotationPurpose,
    /// The task whose events this dialog waits for.
    task: Option<TaskId>,
    plan: Option<Box<RotationPlan>>,
    steps: WizardSteps,
    stage: WizardStage,
    problem: Option<Problem>,
    /// The row of the steps to which the user has scrolled; until then, the active step is shown.
    scroll_row: Option<usize>,
    browser: BrowserAvailability,
    /// The page that was opened last.
    opened_page: Option<Url>,
}

/// Stage of the wizard.
enum WizardStage {
    /// The plan or the journal is being read.
    Loading,
    /// The plan is shown; nothing has happened yet.
    Planned(Form),
    /// The steps are being carried out.
    Running(Form),
    /// The rotation needs a decision or an input of the user.
    Prompting(Box<RotationPromptView>),
    /// The rotation stops after the current step, or continues without an answer.
    Stopping,
    /// The rotation has stopped and can be resumed.
    Paused(Box<RotationSummary>, Form),
    /// The rotation has ended.
    Finished(Box<RotationStatus>, Form),
    /// The rotation failed before it began.
    Failed(Form),
}

impl RotationWizard {
    /// Creates the wizard for the credential of this name; its plan or its summary arrives later.
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

    /// Creates the wizard of a rotation that starts at once; its plan arrives with the first event.
    pub fn for_running(
        name: String,
        purpose: RotationPurpose,
        browser: BrowserAvailability,
    ) -> Self {
        Self { purpose, stage: running_stage(), ..Self::new(name, browser) }
    }

    /// Returns the credential of the rotation, once the plan is known.
    pub fn credential(&self) -> Option<&CredentialId> {
        self.plan.as_ref().map(|plan| &plan.credential)
    }

    /// Returns the plan, once it is known.
    pub fn plan(&self) -> Option<&RotationPlan> {
        self.plan.as_deref()
    }

    /// Returns a short heading: the verb, the credential and the part.
    pub fn heading(&self) -> String {
        let verb = match self.purpose {
            RotationPurpose::Replace => "Rotate",
            RotationPurpose::Create => "Create",
            RotationPurpose::Revoke => "Revoke",
        };
        match self.plan.as_ref().map(|plan| &plan.part) {
            Some(SecretPart::Named(part)) => format!("{verb} {} ({part})", self.name),
            _ => format!("{verb} {}", self.name),
        }
    }

    /// Replaces the plan while the rotation runs.
    fn set_plan(&mut self, plan: Box<RotationPlan>) {
        self.purpose = plan.purpose;
        self.steps = WizardSteps::from_plan(&plan);
        self.plan = Some(plan);
    }

    /// Shows the plan. `others` are credentials that can create and revoke in place of this one,
    /// `parts` the parts that can be rotated (ID and title each).
    fn show_plan(
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

    /// Shows what has happened in the rotation so far.
    fn show_review(&mut self, review: Box<RotationSummary>) {
        self.task = None;
        self.scroll_row = None;
        self.purpose = review.plan.purpose;
        self.steps = WizardSteps::from_progress(&review.plan, &review.lines);
        self.plan = Some(Box::new(review.plan.clone()));
        self.stage = match review.status.state {
            RotationPhase::Done | RotationPhase::RolledBack | RotationPhase::Abandoned => {
                WizardStage::Finished(Box::new(review.status), button_form(&[FormButton::CLOSE]))
            }
            RotationPhase::Running | RotationPhase::NeedsUser => {
                let buttons: Vec<_> = [CONTINUE_BUTTON]
                    .into_iter()
                    .chain(rollback_button(&review.status))
                    .chain([FormButton::CLOSE])
                    .collect();
                WizardStage::Paused(review, button_form(&buttons))
            }
        };
    }

    /// Handles the progress of a step.
    fn apply_progress(&mut self, line: &ProgressLine) {
        self.scroll_row = None;
        self.steps.apply(line);
        if matches!(self.stage, WizardStage::Prompting(_)) {
            self.stage = running_stage();
        }
    }

    /// Shows a question to the user.
    fn show_prompt(
        &mut self,
        prompt_id: PromptId,
        prompt: RotationPrompt,
        now: Instant,
    ) -> DialogResult {
        self.scroll_row = None;
        self.stage = WizardStage::Prompting(Box::new(RotationPromptView::new(
            prompt_id,
            prompt,
            self.browser,
            now,
        )));
        self.take_page_to_open().map_or(DialogResult::Stay, |page| {
            DialogResult::RunAndStay(DialogAction::Effect(UiEffect::OpenUrl(page)))
        })
    }

    /// Returns the page to open automatically, once per page, if the rotation waits for the
    /// browser.
    fn take_page_to_open(&mut self) -> Option<Url> {
        let WizardStage::Prompting(prompt) = &self.stage else { return None };
        let page = prompt.page_to_open().filter(|page| self.opened_page.as_ref() != Some(page))?;
        self.opened_page = Some(page.clone());
        Some(page)
    }

    /// Handles the end of the task. Reads the journal if the rotation is unfinished.
    fn finish(&mut self, status: RotationStatus) -> DialogResult {
        self.task = None;
        if !matches!(status.state, RotationPhase::Running | RotationPhase::NeedsUser) {
            self.stage = WizardStage::Finished(Box::new(status), button_form(&[FormButton::CLOSE]));
            return DialogResult::Stay;
        }
        self.request_review()
    }

    /// Handles a failed or canceled task. Reads the journal if there is one.
    fn stop(&mut self, problem: Option<Problem>) -> DialogResult {
        self.task = None;
        // A rotation that was refused before it had a plan has no journal either.
        if self.plan.is_some()
            && matches!(
                self.stage,
                WizardStage::Running(_) | WizardStage::Prompting(_) | WizardStage::Stopping
            )
        {
            self.problem = problem;
            return self.request_review();
        }
        // A rotation without a journal never began, which is no problem of its own.
        let never_began =
            problem.as_ref().is_some_and(|problem| problem.class == ProblemClass::NotFound)
                && self.plan.is_some();
        if !never_began {
            self.problem = problem;
        }
        self.stage = WizardStage::Failed(button_form(&[FormButton::CLOSE]));
        DialogResult::Stay
    }

    /// Handles an event of the rotation.
    fn on_rotation_event(&mut self, event: RotationEvent, app: &App, now: Now) -> DialogResult {
        match event {
            RotationEvent::Planned(plan) => {
                let (others, parts) = (app.administrators(&plan), app.replaceable_parts(&plan));
                self.show_plan(plan, &others, &parts);
            }
            RotationEvent::Started(plan) => self.set_plan(plan),
            RotationEvent::Reviewed(review) => self.show_review(review),
            RotationEvent::PromptOpened(question, prompt) => {
                return self.show_prompt(question, *prompt, now.instant);
            }
            RotationEvent::Step(line) => self.apply_progress(&line),
            RotationEvent::Finished(status) => return self.finish(status),
            RotationEvent::UnfinishedListed(_)
            | RotationEvent::EndedClosed(_)
            | RotationEvent::AdministeredListed(..) => {}
        }
        DialogResult::Stay
    }

    /// Returns the number of finished steps and of all steps.
    pub fn step_counts(&self) -> (usize, usize) {
        self.steps.counts()
    }

    /// Requests a new plan, because another credential authenticates or another part is rotated.
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
        start_awaited(RotationTask::Plan(RotationTarget {
            credential: plan.credential.clone(),
            administrator,
            part,
        }))
    }

    fn press_button(&mut self, button: FormButton) -> DialogResult {
        match (&self.stage, &self.plan) {
            (WizardStage::Paused(review, _), _) => {
                let (title, direction) = if matches!(button, FormButton::Destructive(_)) {
                    ("Roll back a rotation", RotationDirection::RollBack)
                } else {
                    ("Continue a rotation", RotationDirection::Forward)
                };
                let task = RotationTask::Resume(review.status.id.clone(), direction);
                self.show_running();
                let request = TaskRequest::listed(title, BackgroundTask::Rotation(task));
                DialogResult::start(request.awaited())
            }
            // The application may ask for a confirmation first.
            (WizardStage::Planned(form), Some(plan)) => {
                let plan = plan.as_ref().clone().with_reason(form.value(REASON_FIELD).trim());
                DialogResult::RunAndStay(DialogAction::call(|app, now| {
                    app.confirm_rotation(Box::new(plan), now)
                }))
            }
            _ => DialogResult::Stay,
        }
    }

    /// Shows the steps as running.
    pub fn show_running(&mut self) {
        self.problem = None;
        self.scroll_row = None;
        self.stage = running_stage();
    }

    fn handle_prompt_result(&mut self, result: PromptKeyResult) -> DialogResult {
        match result {
            PromptKeyResult::Handled => DialogResult::Stay,
            PromptKeyResult::Run(action) => DialogResult::RunAndStay(action),
            PromptKeyResult::Submit(task) => {
                self.stage = if matches!(task, RotationTask::LeavePrompt(_)) {
                    WizardStage::Stopping
                } else {
                    running_stage()
                };
                // The task only replies to the running one, which stays the one to wait for.
                DialogResult::start(TaskRequest::hidden(BackgroundTask::Rotation(task)))
            }
        }
    }

    fn request_stop(&mut self) -> DialogResult {
        self.stage = WizardStage::Stopping;
        self.task.map_or(DialogResult::Close, |task| {
            DialogResult::RunAndStay(DialogAction::Effect(UiEffect::PauseTask(task)))
        })
    }

    fn request_review(&mut self) -> DialogResult {
        self.stage = WizardStage::Loading;
        self.plan.as_ref().map_or(DialogResult::Stay, |plan| {
            start_awaited(RotationTask::Review(plan.rotation.to_string()))
        })
    }

    fn scroll(&mut self, motion: CursorMotion) {
        // The symbols do not change the number of rows.
        let (rows, seen) = self.body_rows(&GlyphSet::UNICODE);
        self.scroll_row = Some(moved_cursor(
            self.scroll_row.unwrap_or(seen),
            motion,
            PAGE_ROWS,
            rows.len().saturating_sub(1),
        ));
    }
}

impl Dialog for RotationWizard {
    fn view(&self, app: &App, now: Now) -> DialogView {
        self.build_view(app, now)
    }

    fn form(&self) -> Option<&Form> {
        match &self.stage {
            WizardStage::Planned(form)
            | WizardStage::Paused(_, form)
            | WizardStage::Finished(_, form)
            | WizardStage::Failed(form)
            | WizardStage::Running(form) => Some(form),
            WizardStage::Prompting(_) | WizardStage::Stopping | WizardStage::Loading => None,
        }
    }

    fn form_mut(&mut self) -> Option<&mut Form> {
        match &mut self.stage {
            WizardStage::Planned(form)
            | WizardStage::Paused(_, form)
            | WizardStage::Finished(_, form)
            | WizardStage::Failed(form)
            | WizardStage::Running(form) => Some(form),
            WizardStage::Prompting(_) | WizardStage::Stopping | WizardStage::Loading => None,
        }
    }

    fn set_task(&mut self, task: TaskId) {
        self.task = Some(task);
    }

    fn waits_for(&self, task: TaskId) -> bool {
        self.task == Some(task)
    }

    fn is_busy(&self) -> bool {
        match self.stage {
            WizardStage::Loading | WizardStage::Running(_) | WizardStage::Stopping => true,
            WizardStage::Prompting(_) => false,
            WizardStage::Planned(_)
            | WizardStage::Paused(..)
            | WizardStage::Finished(..)
            | WizardStage::Failed(_) => self.task.is_some(),
        }
    }

    fn on_task(&mut self, _task: TaskId, event: TaskEvent, app: &App, now: Now) -> DialogResult {
        match event {
            TaskEvent::Rotation(event) => self.on_rotation_event(event, app, now),
            TaskEvent::Failed(problem) => self.stop(Some(problem)),
            TaskEvent::Canceled => self.stop(None),
            _ => DialogResult::Stay,
        }
    }

    fn next_wake(&self, now: Instant) -> Option<Instant> {
        if let WizardStage::Prompting(prompt) = &self.stage { prompt.next_wake(now) } else { None }
    }

    fn has_fields(&self) -> bool {
        matches!(&self.stage, WizardStage::Prompting(prompt) if prompt.has_fields())
            || self.form().is_some_and(|form| !form.fields.is_empty())
    }

    fn next_question(&self, app: &App, _now: Now) -> DialogQuestion {
        let mut question = match &self.stage {
            WizardStage::Prompting(prompt) => prompt.question(app.ui_state.presentation),
            _ => self.form().map_or(DialogQuestion::ReadOnly, Form::question),
        };
        self.mask_names(app, |name, shown| question.mask_name(name, shown));
        question
    }

    /// Answers the question of the rotation, or the form.
    fn answer(&mut self, answer: DialogAnswer<'_>, app: &App, now: Now) -> DialogResult {
        if let WizardStage::Prompting(prompt) = &mut self.stage {
            let result = prompt.answer(answer);
            return self.handle_prompt_result(result);
        }
        dialogs::answer_form(self, answer, app, now)
    }

    /// Closes the wizard; a rotation that runs or waits continues in the background.
    fn dismiss(&mut self) -> DialogResult {
        match self.stage {
            WizardStage::Running(_) | WizardStage::Prompting(_) | WizardStage::Stopping => {
                DialogResult::Hide
            }
            _ => DialogResult::Close,
        }
    }

    fn handle_key(&mut self, key: KeyPress, app: &App, now: Now) -> DialogResult {
        if let Some(motion) = scroll_motion(key, &self.stage) {
            self.scroll(motion);
            return DialogResult::Stay;
        }
        match &mut self.stage {
            WizardStage::Running(_) if key == KeyPress::char('s') => self.request_stop(),
            WizardStage::Prompting(prompt) => {
                let result = prompt.handle_key(key);
                self.handle_prompt_result(result)
            }
            _ => {
                let event = self.form_mut().map(|form| form.handle_key(key));
                event.map_or(DialogResult::Stay, |event| self.handle_form_event(event, app, now))
            }
        }
    }

    fn handle_paste(&mut self, text: &str, _app: &App, _now: Now) -> DialogResult {
        match &mut self.stage {
            WizardStage::Prompting(prompt) => prompt.handle_paste(text),
            WizardStage::Planned(form) => _ = form.paste(text),
            _ => {}
        }
        DialogResult::Stay
    }

    fn handle_click(&mut self, at: usize, app: &App, now: Now) -> DialogResult {
        if let WizardStage::Prompting(prompt) = &mut self.stage {
            let result = prompt.handle_click(at);
            return self.handle_prompt_result(result);
        }
        let event = self.form_mut().map(|form| form.handle_click(at));
        event.map_or(DialogResult::Stay, |event| self.handle_form_event(event, app, now))
    }

    fn handle_form_event(&mut self, event: FormEvent, _app: &App, _now: Now) -> DialogResult {
        match event {
            FormEvent::Pressed(FormButton::Cancel | FormButton::CLOSE) => DialogResult::Close,
            FormEvent::Pressed(HIDE_BUTTON) => DialogResult::Hide,
            FormEvent::Pressed(STOP_BUTTON) => self.request_stop(),
            // The pending task comes first.
            _ if self.task.is_some() => DialogResult::Stay,
            FormEvent::Pressed(button) => self.press_button(button),
            FormEvent::Changed(at) => self.request_new_plan(at),
            FormEvent::Pasted(_) | FormEvent::Blurred(_) | FormEvent::Unchanged => {
                DialogResult::Stay
            }
        }
    }
}

/// Returns the motion of a key that scrolls. While a question is shown, the arrow keys select its
/// answers.
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

/// Creates the form of the plan: the part and the authenticating credential, if there is a choice,
/// and the reason. The focus is on Cancel.
fn plan_form(others: &[(String, String)], parts: &[(String, String)]) -> Form {
    let itself = (String::new(), "this credential".to_owned());
    let choice = |first: Option<(String, String)>, more: &[(String, String)]| {
        SelectInput::new(first.into_iter().chain(more.iter().cloned()).collect(), "")
    };
    let mut fields = Vec::new();
    if parts.len() > 1 {
        fields.push(FormField::select(PART_FIELD, "Part", choice(None, parts)));
    }
    if !others.is_empty() {
        fields.push(FormField::select(
            ADMINISTRATOR_FIELD,
            "Authenticate with",
            choice(Some(itself), others),
        ));
    }
    fields.push(FormField::text(REASON_FIELD, "Reason", ""));
    let mut form = Form::new(fields, vec![FormButton::Cancel, FormButton::Destructive("Rotate")]);
    form.focus = form.fields.len();
    form
}

/// Creates the running stage. The focus is on the button that changes nothing.
fn running_stage() -> WizardStage {
    WizardStage::Running(button_form(&[HIDE_BUTTON, STOP_BUTTON]))
}

/// Returns the button that gives up an unfinished rotation, named for what it does; `None` where
/// that is no longer possible.
const fn rollback_button(status: &RotationStatus) -> Option<FormButton> {
    Some(FormButton::Destructive(match (status.rollback, status.purpose) {
        (RollbackEffect::Impossible(_), _) => return None,
        (RollbackEffect::UndoesChanges, _) => "Roll back",
        (RollbackEffect::EndsRotation, RotationPurpose::Replace) => "End rotation",
        (RollbackEffect::EndsRotation, RotationPurpose::Create) => "End creation",
        (RollbackEffect::EndsRotation, RotationPurpose::Revoke) => "End revocation",
    }))
}

fn button_form(buttons: &[FormButton]) -> Form {
    Form::new(Vec::new(), buttons.to_vec())
}

/// Starts a task whose result the wizard shows.
fn start_awaited(task: RotationTask) -> DialogResult {
    DialogResult::start(TaskRequest::hidden(BackgroundTask::Rotation(task)).awaited())
}
