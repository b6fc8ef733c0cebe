//! Dialog for signing in with the browser: the page, the remaining time, and the result.
//!
//! ```text
//!   Starting → Waiting → Fetching → SignedIn
//!        └────────┴──────────┴─────→ Failed → (retry)
//! ```
//!
//! The URL of the page is always shown, since no browser may open, or the wrong one. Over SSH the
//! browser is redirected to a URL of this machine that it cannot reach; the user pastes that URL.
//! It contains the code, so it is never shown.
//! Start reading at [`Dialog::on_task`].

use std::time::{Duration, Instant};

use crate::config::theme::StyleRole;
use crate::domain::problem::Problem;
use crate::domain::{Credential, Secret};
use crate::engine::background::protocol::{
    BackgroundTask, PromptId, PromptReply, SignInEvent, SignInPage, SignInResult, SignInSubject,
    TaskEvent, TaskId,
};
use crate::tui::app::dialogs::{Dialog, DialogAction, DialogAnswer, DialogResult, TaskRequest};
use crate::tui::app::widgets::dialog_view::{DialogRow, DialogView};
use crate::tui::app::widgets::form::{Form, FormButton, FormEvent, FormField};
use crate::tui::app::{App, BrowserAvailability, Now, UiEffect, display_format};

/// Field for the callback URL.
const ADDRESS_FIELD: &str = "address";
/// Remaining time from which the countdown is highlighted.
const COUNTDOWN_WARNING: Duration = Duration::from_secs(20);

const COPY_BUTTON: FormButton = FormButton::Submit("Copy URL");
const OPEN_BUTTON: FormButton = FormButton::Submit("Open again");
const RETRY_BUTTON: FormButton = FormButton::Submit("Retry");

/// Dialog for signing in with the browser.
pub struct SignInDialog {
    name: String,
    session: SignInSubject,
    task: Option<TaskId>,
    stage: SignInStage,
    browser: BrowserAvailability,
    form: Form,
}

/// Stage of the sign-in.
enum SignInStage {
    /// The page is not known yet.
    Starting,
    /// The user must approve access in the browser.
    Waiting(Box<SignInWait>),
    /// The user has approved; the tokens are being fetched and stored.
    Fetching,
    /// The sign-in succeeded.
    SignedIn(Box<SignInResult>),
    /// The sign-in failed.
    Failed(Problem),
}

struct SignInWait {
    page: SignInPage,
    deadline: Instant,
    mismatch: Option<Problem>,
}

impl SignInDialog {
    /// Creates the sign-in for `session`; `name` is its name on the screen.
    pub fn new(name: String, session: SignInSubject, browser: BrowserAvailability) -> Self {
        Self {
            name,
            session,
            task: None,
            stage: SignInStage::Starting,
            browser,
            form: button_form(&[FormButton::Cancel]),
        }
    }

    /// Shows the page on which the user approves access, and opens it if there is a browser.
    fn show_page(&mut self, page: SignInPage, now: Instant) -> DialogResult {
        let opened = page.page.clone();
        let until = now + page.timeout;
        self.stage =
            SignInStage::Waiting(Box::new(SignInWait { page, deadline: until, mismatch: None }));
        let hint =
            "Over SSH: paste the callback URL from the browser and press Enter. It is not shown.";
        let field = FormField::secret(ADDRESS_FIELD, "Callback URL").with_hint(hint);
        let open = (self.browser == BrowserAvailability::Available).then_some(OPEN_BUTTON);
        self.form = Form::new(
            vec![field],
            [FormButton::Cancel, COPY_BUTTON].into_iter().chain(open).collect(),
        );
        // The pasted URL is handed over when its field is left.
        self.form.submits_single_field = false;
        self.form.focus = usize::from(self.browser == BrowserAvailability::Available);
        match self.browser {
            BrowserAvailability::Available => {
                DialogResult::RunAndStay(DialogAction::Effect(UiEffect::OpenUrl(opened)))
            }
            BrowserAvailability::Unavailable => DialogResult::Stay,
        }
    }

    /// Shows that the pasted URL belongs to another sign-in or to none; the next paste replies to
    /// `prompt_id`.
    fn show_mismatch(&mut self, prompt_id: PromptId, problem: Problem) {
        if let SignInStage::Waiting(waiting) = &mut self.stage {
            waiting.page.prompt = prompt_id;
            waiting.mismatch = Some(problem);
            self.form.focus = 0;
        }
    }

    /// Shows the stage with these buttons.
    fn set_stage(&mut self, stage: SignInStage, buttons: &[FormButton]) {
        self.stage = stage;
        self.form = button_form(buttons);
    }

    fn press_button(&self, button: FormButton) -> DialogResult {
        let SignInStage::Waiting(waiting) = &self.stage else { return DialogResult::Stay };
        let address = waiting.page.page.clone();
        DialogResult::RunAndStay(if button == COPY_BUTTON {
            copy_url(&address)
        } else {
            DialogAction::Effect(UiEffect::OpenUrl(address))
        })
    }

    /// Hands the pasted URL over, and clears the field.
    fn submit_pasted_address(&mut self) -> DialogResult {
        let SignInStage::Waiting(waiting) = &mut self.stage else { return DialogResult::Stay };
        let Some(input) = self.form.secret(ADDRESS_FIELD).filter(|input| !input.is_empty()) else {
            return DialogResult::Stay;
        };
        waiting.mismatch = None;
        let text: Secret = input.take();
        let task =
            BackgroundTask::SubmitCallbackUrl(waiting.page.prompt, PromptReply::Pasted(text));
        DialogResult::start(TaskRequest::hidden(task))
    }

    fn clear_mismatch(&mut self) {
        if let SignInStage::Waiting(waiting) = &mut self.stage {
            waiting.mismatch = None;
        }
    }
}

impl Dialog for SignInDialog {
    fn form(&self) -> Option<&Form> {
        Some(&self.form)
    }

    fn form_mut(&mut self) -> Option<&mut Form> {
        Some(&mut self.form)
    }

    /// Closes the dialog. Before the user has approved, this cancels the sign-in; afterwards the
    /// sign-in continues without the dialog, since the tokens that the provider issued must be
    /// stored.
    fn dismiss(&mut self) -> DialogResult {
        match (&self.stage, self.task) {
            (SignInStage::Starting | SignInStage::Waiting(_), Some(task)) => {
                DialogResult::RunAndClose(DialogAction::Effect(UiEffect::CancelTask(task)))
            }
            _ => DialogResult::Close,
        }
    }

    fn set_task(&mut self, task: TaskId) {
        self.task = Some(task);
    }

    fn waits_for(&self, task: TaskId) -> bool {
        self.task == Some(task)
    }

    fn is_busy(&self) -> bool {
        matches!(self.stage, SignInStage::Starting | SignInStage::Fetching)
    }

    fn on_task(&mut self, _task: TaskId, event: TaskEvent, _app: &App, now: Now) -> DialogResult {
        match event {
            TaskEvent::SignIn(SignInEvent::PageReady(page)) => {
                return self.show_page(*page, now.instant);
            }
            TaskEvent::SignIn(SignInEvent::PasteRejected(prompt, problem)) => {
                self.show_mismatch(prompt, problem);
            }
            TaskEvent::SignIn(SignInEvent::CallbackReceived) => {
                self.set_stage(SignInStage::Fetching, &[]);
            }
            TaskEvent::SignIn(SignInEvent::Finished(signed_in)) => {
                self.set_stage(SignInStage::SignedIn(signed_in), &[FormButton::CLOSE]);
            }
            TaskEvent::Failed(problem) => {
                self.task = None;
                self.set_stage(SignInStage::Failed(problem), &[RETRY_BUTTON, FormButton::CLOSE]);
            }
            TaskEvent::Canceled => return DialogResult::Close,
            _ => {}
        }
        DialogResult::Stay
    }

    fn next_wake(&self, now: Instant) -> Option<Instant> {
        let SignInStage::Waiting(waiting) = &self.stage else { return None };
        display_format::next_second_at(waiting.deadline, now)
    }

    /// Continues with the buttons once a URL is pasted.
    fn answer(&mut self, answer: DialogAnswer<'_>, app: &App, now: Now) -> DialogResult {
        let event = self.form.answer(answer);
        let result = self.handle_form_event(event, app, now);
        if let DialogAnswer::Text(_) = answer {
            self.form.leave_field();
        }
        result
    }

    fn handle_form_event(&mut self, event: FormEvent, _app: &App, _now: Now) -> DialogResult {
        match event {
            FormEvent::Pressed(FormButton::Cancel | FormButton::CLOSE) => self.dismiss(),
            FormEvent::Pressed(RETRY_BUTTON) => {
                let session = self.session.clone();
                DialogResult::RunAndClose(DialogAction::call(|app, now| {
                    app.start_sign_in(session, now)
                }))
            }
            FormEvent::Pressed(button) => self.press_button(button),
            FormEvent::Pasted(0) | FormEvent::Blurred(0) => self.submit_pasted_address(),
            FormEvent::Changed(0) => {
                self.clear_mismatch();
                DialogResult::Stay
            }
            FormEvent::Changed(_)
            | FormEvent::Pasted(_)
            | FormEvent::Blurred(_)
            | FormEvent::Unchanged => DialogResult::Stay,
        }
    }

    fn view(&self, _app: &App, now: Now) -> DialogView {
        let mut view = DialogView::new(format!("Sign in: {}", self.name), 78);
        match &self.stage {
            SignInStage::Starting => {
                view.head = vec![DialogRow::dim("Preparing the sign-in page…"), DialogRow::Blank];
            }
            SignInStage::Waiting(waiting) => {
                view.head = waiting.head_rows(self.browser, now.instant);
                view.body = vec![
                    DialogRow::Text(StyleRole::Accent, waiting.page.page.to_string()),
                    DialogRow::Blank,
                ];
            }
            SignInStage::Fetching => {
                view.head =
                    vec![DialogRow::text("Access approved. Fetching and storing the tokens…")];
            }
            SignInStage::SignedIn(signed_in) => view.head = result_rows(signed_in),
            SignInStage::Failed(problem) => {
                view.head = crate::tui::app::dialogs::text::problem_rows(Some(problem));
            }
        }
        view.with_form_below(&self.form)
    }
}

impl SignInWait {
    fn head_rows(&self, browser: BrowserAvailability, now: Instant) -> Vec<DialogRow> {
        let left = self.deadline.saturating_duration_since(now);
        let role = if left <= COUNTDOWN_WARNING { StyleRole::Warn } else { StyleRole::Text };
        let seconds = display_format::whole_seconds_left(left);
        let waiting =
            format!("Waiting for the browser: {}:{:02} left.", seconds / 60, seconds % 60);
        let (page, back) = match browser {
            BrowserAvailability::Available => (
                "Approve access in your browser. If it did not open, visit:",
                "returns to this machine automatically",
            ),
            BrowserAvailability::Unavailable => (
                "Open this page on your own machine and approve access:",
                "is redirected to a URL that it cannot reach",
            ),
        };
        let mut rows = vec![DialogRow::Text(role, waiting)];
        rows.push(match &self.mismatch {
            Some(problem) => {
                DialogRow::Text(StyleRole::Bad, format!("{}: {}.", problem.what, problem.why))
            }
            None => {
                DialogRow::dim(format!("The browser {back} ({}).", origin_of(&self.page.callback)))
            }
        });
        rows.push(DialogRow::text(page));
        rows
    }
}

/// Describes the new session.
fn result_rows(signed_in: &SignInResult) -> Vec<DialogRow> {
    let SignInResult { credential, classification: classified, old_session_revocation: replaced } =
        signed_in;
    let mut rows = vec![
        DialogRow::Text(
            StyleRole::Good,
            "Signed in. The session is saved in the store.".to_owned(),
        ),
        DialogRow::Blank,
        DialogRow::Pair(
            "Credential".to_owned(),
            format!("{} in {}", credential.name, credential.region),
        ),
    ];
    rows.extend(credential_rows(credential));
    match classified {
        Ok(classified) if credential.principal.is_none() => {
            rows.extend(classified.summary_lines().into_iter().map(DialogRow::warning));
        }
        Ok(_) => {}
        Err(problem) => rows.push(DialogRow::warning(format!(
            "The identity could not be checked: {}",
            problem.why
        ))),
    }
    rows.extend(replaced.as_ref().map(|ended| match ended {
        Ok(()) => DialogRow::dim("The previous session was revoked at the provider."),
        Err(problem) => DialogRow::warning(format!(
            "The previous session could not be revoked: {}",
            problem.why
        )),
    }));
    rows.push(DialogRow::Blank);
    rows
}

fn credential_rows(credential: &Credential) -> Vec<DialogRow> {
    let who = credential
        .principal
        .as_ref()
        .map(|who| ("Acts as", format!("{} ({})", who.name, who.kind.replace('_', " "))));
    let sees = credential.fields.get("organisations").map(|sees| ("Organizations", sees.clone()));
    let ends =
        credential.expires.map(|end| ("Expires if unused", display_format::format_date(end)));
    [who, sees, ends]
        .into_iter()
        .flatten()
        .map(|(label, value)| DialogRow::Pair(label.to_owned(), value))
        .collect()
}

/// Returns scheme, host and port of a URL.
fn origin_of(address: &url::Url) -> String {
    address.origin().ascii_serialization()
}

/// Copies the URL of a page.
pub(in crate::tui::app) fn copy_url(address: &url::Url) -> DialogAction {
    let task = BackgroundTask::CopyText(address.to_string());
    DialogAction::Start(TaskRequest::listed("Copy the URL", task))
}

fn button_form(buttons: &[FormButton]) -> Form {
    Form::new(Vec::new(), buttons.to_vec())
}
