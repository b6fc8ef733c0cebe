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

mod asked;
mod diagram;
mod sheet;
mod steps;

use std::time::Instant;

use url::Url;

use asked::{Asked, Done};
use steps::Steps;

use super::{Intent, Outcome};
use crate::config::KeyPress;
use crate::config::key::KeySymbol;
use crate::config::theme::GlyphSet;
use crate::domain::CredentialId;
use crate::domain::credential::SecretPart;
use crate::domain::problem::{Problem, ProblemClass};
use crate::domain::rotation::{ProgressLine, RotationPhase, RotationPlan, RotationPurpose, RotationStatus};
use crate::engine::message::{
    PromptId, RotationDirection, RotationPrompt, RotationSummary, RotationTarget, RotationTask, TaskId,
};
use crate::tui::app::BrowserAvailability;
use crate::tui::app::command::CursorMotion;
use crate::tui::app::credentials::moved_cursor;
use crate::tui::app::form::{Form, FormButton, FormEvent, FormField, SelectInput};

/// How far a page key goes.
const PAGE: usize = 8;
/// The field with the credential that makes and revokes.
const ADMINISTRATOR: &str = "administrator";
/// The field with the part that is replaced.
const PART: &str = "part";
/// The field with the reason, which is put on record.
const REASON: &str = "reason";

const GO_ON: FormButton = FormButton::Submit("Go on");
const BACK: FormButton = FormButton::Destructive("Roll back");
const CLOSE: FormButton = FormButton::Submit("Close");
const HIDE: FormButton = FormButton::Submit("Hide");
const STOP: FormButton = FormButton::Submit("Stop");

/// The dialog in which a credential is replaced.
pub struct Rotate {
    name: String,
    purpose: RotationPurpose,
    /// The task that has something to say to this dialog.
    task: Option<TaskId>,
    plan: Option<Box<RotationPlan>>,
    steps: Steps,
    stage: Stage,
    problem: Option<Problem>,
    /// The row of the steps to which the person has gone; until then, the one where something happens is seen.
    row: Option<usize>,
    browser: BrowserAvailability,
    /// The page that was opened last.
    opened: Option<Url>,
}

/// How far it is.
enum Stage {
    /// The plan, or what has become of it, is being read.
    Reading,
    /// Nothing has happened yet.
    Planned(Form),
    /// Step after step.
    Running(Form),
    /// A person is needed.
    Asked(Box<Asked>),
    /// It was told to stop, or to do without an answer.
    Stopping,
    /// It has stopped and can be taken up again.
    Halted(Box<RotationSummary>, Form),
    /// It is over.
    Over(RotationStatus, Form),
    /// Nothing has happened, and nothing will.
    Failed(Form),
}

impl Rotate {
    /// For the credential of this name; its plan, or what has become of it, comes later.
    pub fn new(name: String, browser: BrowserAvailability) -> Self {
        let (steps, stage) = (Steps::default(), Stage::Reading);
        let purpose = RotationPurpose::Replace;
        Self { name, purpose, task: None, plan: None, steps, stage, problem: None, row: None, browser, opened: None }
    }

    /// For one that begins at once; its plan comes with the first that is heard of it.
    pub fn begun(name: String, purpose: RotationPurpose, browser: BrowserAvailability) -> Self {
        Self { purpose, stage: running(), ..Self::new(name, browser) }
    }

    /// Waits for what this task has to say.
    pub fn wait(&mut self, task: TaskId) {
        self.task = Some(task);
    }

    /// Whether this task is the one that is waited for.
    pub fn waits_for(&self, task: TaskId) -> bool {
        self.task == Some(task)
    }

    /// Whether nothing can be said to it right now.
    pub fn is_busy(&self) -> bool {
        match self.stage {
            Stage::Reading | Stage::Running(_) | Stage::Stopping => true,
            Stage::Asked(_) => false,
            Stage::Planned(_) | Stage::Halted(..) | Stage::Over(..) | Stage::Failed(_) => self.task.is_some(),
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
    pub fn begins(&mut self, plan: Box<RotationPlan>) {
        self.purpose = plan.purpose;
        self.steps = Steps::of(&plan);
        self.plan = Some(plan);
    }

    /// What it will do is known. `others` may make and revoke in the credential's place; `parts` can be replaced.
    pub fn planned(&mut self, plan: Box<RotationPlan>, others: &[(String, String)], parts: &[(String, String)]) {
        self.task = None;
        self.problem = None;
        self.steps = Steps::of(&plan);
        self.plan = Some(plan);
        if !matches!(self.stage, Stage::Planned(_)) {
            self.stage = Stage::Planned(plan_form(others, parts));
        }
    }

    /// What has become of it is known.
    pub fn reviewed(&mut self, review: Box<RotationSummary>) {
        self.task = None;
        self.row = None;
        self.purpose = review.plan.purpose;
        self.steps = Steps::after(&review.plan, &review.lines);
        self.plan = Some(Box::new(review.plan.clone()));
        self.stage = match review.status.state {
            RotationPhase::Done | RotationPhase::RolledBack => Stage::Over(review.status, buttons(&[CLOSE])),
            RotationPhase::Running | RotationPhase::NeedsUser if review.rollback_allowed.is_ok() => {
                Stage::Halted(review, buttons(&[GO_ON, BACK, CLOSE]))
            }
            RotationPhase::Running | RotationPhase::NeedsUser => Stage::Halted(review, buttons(&[GO_ON, CLOSE])),
        };
    }

    /// Something has become of a step.
    pub fn step(&mut self, line: &ProgressLine) {
        self.row = None;
        self.steps.take(line);
        if matches!(self.stage, Stage::Asked(_)) {
            self.stage = running();
        }
    }

    /// It waits for a person.
    pub fn asks(&mut self, question: PromptId, dilemma: RotationPrompt, now: Instant) {
        self.row = None;
        self.stage = Stage::Asked(Box::new(Asked::new(question, dilemma, self.browser, now)));
    }

    /// The page that opens by itself, once, where a browser is waited for.
    pub fn page_to_open(&mut self) -> Option<Url> {
        let Stage::Asked(asked) = &self.stage else { return None };
        let page = asked.page_to_open().filter(|page| self.opened.as_ref() != Some(page))?;
        self.opened = Some(page.clone());
        Some(page)
    }

    /// When it shows something else by itself.
    pub fn next_wake(&self, now: Instant) -> Option<Instant> {
        if let Stage::Asked(asked) = &self.stage { asked.next_wake(now) } else { None }
    }

    /// It has come to its end; what is left of one that is not over, its journal tells.
    pub fn ended(&mut self, status: RotationStatus) -> Option<RotationTask> {
        self.task = None;
        if matches!(status.state, RotationPhase::Done | RotationPhase::RolledBack) {
            self.stage = Stage::Over(status, buttons(&[CLOSE]));
            return None;
        }
        self.look()
    }

    /// It went wrong, or was cancelled: what has happened by then, its journal tells.
    pub fn broke(&mut self, problem: Option<Problem>) -> Option<RotationTask> {
        self.task = None;
        // What was refused before it had a plan has no journal either.
        if self.plan.is_some() && matches!(self.stage, Stage::Running(_) | Stage::Asked(_) | Stage::Stopping) {
            self.problem = problem;
            return self.look();
        }
        // A rotation without a journal was never begun, which is no problem of its own.
        let unheard_of = problem.as_ref().is_some_and(|problem| problem.class == ProblemClass::NotFound) && self.plan.is_some();
        if !unheard_of {
            self.problem = problem;
        }
        self.stage = Stage::Failed(buttons(&[CLOSE]));
        None
    }

    /// How many of how many steps are done.
    pub fn count(&self) -> (usize, usize) {
        self.steps.count()
    }

    /// Takes a key in.
    pub fn key(&mut self, key: KeyPress) -> Outcome {
        if let Some(motion) = motion(key, &self.stage) {
            self.scroll(motion);
            return Outcome::Stay;
        }
        match &mut self.stage {
            Stage::Running(_) | Stage::Asked(_) | Stage::Stopping if key.code == KeySymbol::Esc => Outcome::Hide,
            Stage::Running(_) if key == KeyPress::char('s') => self.stop(),
            Stage::Asked(asked) => {
                let done = asked.key(key);
                self.answered(done)
            }
            Stage::Reading if key.code == KeySymbol::Esc => Outcome::Close,
            Stage::Stopping | Stage::Reading => Outcome::Stay,
            Stage::Planned(_) | Stage::Halted(..) | Stage::Over(..) | Stage::Failed(_) if key.code == KeySymbol::Esc => {
                Outcome::Close
            }
            Stage::Planned(form) | Stage::Halted(_, form) | Stage::Over(_, form) | Stage::Failed(form) | Stage::Running(form) => {
                let happened = form.handle_key(key);
                self.react(happened)
            }
        }
    }

    /// Takes a pasted text in.
    pub fn paste(&mut self, text: &str) -> Outcome {
        match &mut self.stage {
            Stage::Asked(asked) => asked.paste(text),
            Stage::Planned(form) => _ = form.paste(text),
            _ => {}
        }
        Outcome::Stay
    }

    /// Takes a click in.
    pub fn click(&mut self, at: usize) -> Outcome {
        match &mut self.stage {
            Stage::Asked(asked) => {
                let done = asked.click(at);
                self.answered(done)
            }
            Stage::Planned(form) | Stage::Halted(_, form) | Stage::Over(_, form) | Stage::Failed(form) | Stage::Running(form) => {
                let happened = form.handle_click(at);
                self.react(happened)
            }
            Stage::Stopping | Stage::Reading => Outcome::Stay,
        }
    }

    fn react(&mut self, happened: FormEvent) -> Outcome {
        match happened {
            FormEvent::Pressed(FormButton::Cancel | CLOSE) => Outcome::Close,
            FormEvent::Pressed(HIDE) => Outcome::Hide,
            FormEvent::Pressed(STOP) => self.stop(),
            // What was asked meanwhile comes first.
            _ if self.task.is_some() => Outcome::Stay,
            FormEvent::Pressed(button) => self.press(button),
            FormEvent::Changed(at) => self.plan_anew(at),
            FormEvent::Pasted(_) | FormEvent::Blurred(_) | FormEvent::Unchanged => Outcome::Stay,
        }
    }

    /// Another credential makes and revokes, or another part is replaced: that is another plan.
    fn plan_anew(&self, at: usize) -> Outcome {
        let (Stage::Planned(form), Some(plan)) = (&self.stage, &self.plan) else { return Outcome::Stay };
        if form.fields[at].id == REASON {
            return Outcome::Stay;
        }
        let administrator = CredentialId::parse(form.value(ADMINISTRATOR));
        let part = Some(form.value(PART)).filter(|part| !part.is_empty());
        let part = part.map_or(SecretPart::Secret, |part| SecretPart::Named(part.to_owned()));
        ask(RotationTask::Plan(RotationTarget { credential: plan.credential.clone(), administrator, part }))
    }

    fn press(&mut self, button: FormButton) -> Outcome {
        let task = match (&self.stage, &self.plan) {
            (Stage::Halted(review, _), _) => {
                let turn = if button == BACK { RotationDirection::RollBack } else { RotationDirection::Forward };
                RotationTask::Resume(review.status.id.clone(), turn)
            }
            (Stage::Planned(form), Some(plan)) => {
                RotationTask::Run(Box::new(plan.as_ref().clone().with_reason(form.value(REASON).trim())))
            }
            (_, Some(plan)) => RotationTask::Run(plan.clone()),
            (_, None) => return Outcome::Stay,
        };
        self.problem = None;
        self.row = None;
        self.stage = running();
        ask(task)
    }

    fn answered(&mut self, done: Done) -> Outcome {
        match done {
            Done::Nothing => Outcome::Stay,
            Done::Open(page) => Outcome::Ask(Intent::Open(page)),
            Done::Copy(page) => Outcome::Ask(Intent::CopyText(page.to_string())),
            Done::Answer(task) => {
                self.stage = if matches!(task, RotationTask::LeavePrompt(_)) { Stage::Stopping } else { running() };
                ask(task)
            }
        }
    }

    fn stop(&mut self) -> Outcome {
        self.stage = Stage::Stopping;
        self.task.map_or(Outcome::Close, |task| Outcome::Ask(Intent::Pause(task)))
    }

    fn look(&mut self) -> Option<RotationTask> {
        self.stage = Stage::Reading;
        self.plan.as_ref().map(|plan| RotationTask::Review(plan.rotation.to_string()))
    }

    fn scroll(&mut self, motion: CursorMotion) {
        // Signs do not change how many rows there are.
        let (rows, seen) = self.rows(&GlyphSet::UNICODE);
        self.row = Some(moved_cursor(self.row.unwrap_or(seen), motion, PAGE, rows.len().saturating_sub(1)));
    }
}

/// The keys that scroll. While a question waits, the arrows belong to its answers.
fn motion(key: KeyPress, stage: &Stage) -> Option<CursorMotion> {
    let arrows = !matches!(stage, Stage::Asked(_));
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
        fields.push(FormField::select(PART, "What", choice(None, parts)));
    }
    if !others.is_empty() {
        fields.push(FormField::select(ADMINISTRATOR, "Made and revoked by", choice(Some(itself), others)));
    }
    fields.push(FormField::text(REASON, "Why", ""));
    let mut form = Form::new(fields, vec![FormButton::Cancel, FormButton::Destructive("Begin")]);
    form.focus = form.fields.len();
    form
}

/// It runs. The focus is on what changes nothing.
fn running() -> Stage {
    Stage::Running(buttons(&[HIDE, STOP]))
}

fn buttons(buttons: &[FormButton]) -> Form {
    Form::new(Vec::new(), buttons.to_vec())
}

fn ask(task: RotationTask) -> Outcome {
    Outcome::Ask(Intent::Rotation(Box::new(task)))
}
