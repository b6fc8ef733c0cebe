//! Signing in with the browser: the page, the time that is left, and what came of it.
//!
//! ```text
//!   Beginning → Waiting → Fetching → Over
//!        └─────────┴─────────┴─────→ Failed → (once more)
//! ```
//!
//! The address of the page is always shown, since no browser may open, or the wrong one. Over SSH the browser ends at an
//! address of this machine that it cannot reach; the person pastes that address. It holds the code, so it is never shown.

use std::time::{Duration, Instant};

use super::{Intent, Outcome};
use crate::config::KeyPress;
use crate::config::key::KeySymbol;
use crate::config::theme::StyleRole;
use crate::domain::problem::Problem;
use crate::domain::{Credential, Secret};
use crate::engine::message::{PromptId, PromptReply, SignInPage, SignInResult, SignInSubject, TaskId};
use crate::tui::app::form::{Form, FormButton, FormEvent, FormField};
use crate::tui::app::sheet::{DialogRow, DialogView};
use crate::tui::app::{BrowserAvailability, Now, words};

/// The field for the address at which the browser ended.
const ADDRESS: &str = "address";
/// When so little time is left, the countdown stands out.
const HURRY: Duration = Duration::from_secs(20);

const COPY: FormButton = FormButton::Submit("Copy the address");
const OPEN: FormButton = FormButton::Submit("Open it again");
const AGAIN: FormButton = FormButton::Submit("Once more");
const CLOSE: FormButton = FormButton::Submit("Close");

/// The dialog in which a person signs in.
pub struct SignIn {
    name: String,
    session: SignInSubject,
    task: Option<TaskId>,
    stage: Stage,
    browser: BrowserAvailability,
    /// Its fields and buttons.
    pub form: Form,
}

/// How far it is.
enum Stage {
    /// The page is not known yet.
    Beginning,
    /// The person is to agree.
    Waiting(Box<Waiting>),
    /// They did; the tokens are fetched and stored.
    Fetching,
    /// They are signed in.
    Over(Box<SignInResult>),
    /// They are not.
    Failed(Problem),
}

struct Waiting {
    visit: SignInPage,
    until: Instant,
    strange: Option<Problem>,
}

impl SignIn {
    /// Signs in to `session`, which is called `name` on the screen.
    pub fn new(name: String, session: SignInSubject, browser: BrowserAvailability) -> Self {
        Self { name, session, task: None, stage: Stage::Beginning, browser, form: buttons(&[FormButton::Cancel]) }
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
        matches!(self.stage, Stage::Beginning | Stage::Fetching)
    }

    /// It is known where the person goes.
    pub fn visit(&mut self, visit: SignInPage, now: Instant) {
        let until = now + visit.timeout;
        self.stage = Stage::Waiting(Box::new(Waiting { visit, until, strange: None }));
        let hint = "Over SSH: paste the address at which the browser ended, and press Enter. It is not shown.";
        let field = FormField::secret(ADDRESS, "Ended at").with_hint(hint);
        let open = (self.browser == BrowserAvailability::Available).then_some(OPEN);
        self.form = Form::new(vec![field], [FormButton::Cancel, COPY].into_iter().chain(open).collect());
        self.form.focus = usize::from(self.browser == BrowserAvailability::Available);
    }

    /// What was pasted answers another sign-in or none; the next goes to this question.
    pub fn strange(&mut self, question: PromptId, problem: Problem) {
        if let Stage::Waiting(waiting) = &mut self.stage {
            waiting.visit.prompt = question;
            waiting.strange = Some(problem);
            self.form.focus = 0;
        }
    }

    /// The person answered.
    pub fn answered(&mut self) {
        self.stage = Stage::Fetching;
        self.form = buttons(&[]);
    }

    /// The person is signed in.
    pub fn ended(&mut self, signed_in: Box<SignInResult>) {
        self.stage = Stage::Over(signed_in);
        self.form = buttons(&[CLOSE]);
    }

    /// They are not.
    pub fn fail(&mut self, problem: Problem) {
        self.task = None;
        self.stage = Stage::Failed(problem);
        self.form = buttons(&[AGAIN, CLOSE]);
    }

    /// When the time that is left is another number.
    pub fn next_wake(&self, now: Instant) -> Option<Instant> {
        let Stage::Waiting(waiting) = &self.stage else { return None };
        words::next_second_at(waiting.until, now)
    }

    /// Takes a key in.
    pub fn key(&mut self, key: KeyPress) -> Outcome {
        if key.code == KeySymbol::Esc {
            return self.leave();
        }
        let happened = self.form.handle_key(key);
        self.react(happened)
    }

    /// Answers to what happened in the form.
    pub fn react(&mut self, happened: FormEvent) -> Outcome {
        match happened {
            FormEvent::Pressed(FormButton::Cancel | CLOSE) => self.leave(),
            FormEvent::Pressed(AGAIN) => Outcome::Finish(Intent::SignIn(self.session.clone())),
            FormEvent::Pressed(button) => self.press(button),
            FormEvent::Pasted(0) | FormEvent::Blurred(0) => self.paste(),
            FormEvent::Changed(0) => {
                self.forgive();
                Outcome::Stay
            }
            FormEvent::Changed(_) | FormEvent::Pasted(_) | FormEvent::Blurred(_) | FormEvent::Unchanged => Outcome::Stay,
        }
    }

    /// What it shows.
    pub fn sheet(&self, now: Now) -> DialogView {
        let mut sheet = DialogView::new(format!("Sign in: {}", self.name), 78);
        match &self.stage {
            Stage::Beginning => sheet.head = vec![DialogRow::dim("Looking for the page…"), DialogRow::Blank],
            Stage::Waiting(waiting) => {
                sheet.head = waiting.head(self.browser, now.instant);
                sheet.body = vec![DialogRow::Text(StyleRole::Accent, waiting.visit.page.to_string()), DialogRow::Blank];
            }
            Stage::Fetching => sheet.head = vec![DialogRow::text("The browser is back. Fetching the tokens and storing them…")],
            Stage::Over(signed_in) => sheet.head = account(signed_in),
            Stage::Failed(problem) => sheet.head = super::problem::rows(Some(problem)),
        }
        sheet.with_form_below(&self.form)
    }

    /// Before the person has answered, leaving gives the sign-in up; after that it goes on without the dialog, since what
    /// the provider gave must be kept.
    fn leave(&self) -> Outcome {
        match (&self.stage, self.task) {
            (Stage::Beginning | Stage::Waiting(_), Some(task)) => Outcome::Finish(Intent::Cancel(task)),
            _ => Outcome::Close,
        }
    }

    fn press(&self, button: FormButton) -> Outcome {
        let Stage::Waiting(waiting) = &self.stage else { return Outcome::Stay };
        let address = waiting.visit.page.clone();
        Outcome::Ask(if button == COPY { Intent::CopyText(address.to_string()) } else { Intent::Open(address) })
    }

    /// Hands over what was pasted, and forgets it.
    fn paste(&mut self) -> Outcome {
        let Stage::Waiting(waiting) = &mut self.stage else { return Outcome::Stay };
        let Some(input) = self.form.secret(ADDRESS).filter(|input| !input.is_empty()) else { return Outcome::Stay };
        waiting.strange = None;
        let text: Secret = input.take();
        Outcome::Ask(Intent::PasteAnswer(waiting.visit.prompt, PromptReply::Pasted(text)))
    }

    fn forgive(&mut self) {
        if let Stage::Waiting(waiting) = &mut self.stage {
            waiting.strange = None;
        }
    }
}

impl Waiting {
    fn head(&self, browser: BrowserAvailability, now: Instant) -> Vec<DialogRow> {
        let left = self.until.saturating_duration_since(now);
        let role = if left <= HURRY { StyleRole::Warn } else { StyleRole::Text };
        let seconds = words::whole_seconds_left(left);
        let waiting = format!("Waiting for the browser: {}:{:02} left.", seconds / 60, seconds % 60);
        let (page, back) = match browser {
            BrowserAvailability::Available => {
                ("Agree on this page; where no browser opens, open it yourself:", "comes back to this machine by itself")
            }
            BrowserAvailability::Unavailable => {
                ("Open this page on your own machine and agree:", "ends at an address it cannot reach")
            }
        };
        let mut rows = vec![DialogRow::Text(role, waiting)];
        rows.push(match &self.strange {
            Some(problem) => DialogRow::Text(StyleRole::Bad, format!("{}: {}.", problem.what, problem.why)),
            None => DialogRow::dim(format!("The browser {back} ({}).", place(&self.visit.callback))),
        });
        rows.push(DialogRow::text(page));
        rows
    }
}

/// What the person has now.
fn account(signed_in: &SignInResult) -> Vec<DialogRow> {
    let SignInResult { credential, classification: classified, old_session_revocation: replaced } = signed_in;
    let mut rows = vec![
        DialogRow::Text(StyleRole::Good, "Signed in. The session is in the store.".to_owned()),
        DialogRow::Blank,
        DialogRow::Pair("Credential".to_owned(), format!("{} in {}", credential.name, credential.region)),
    ];
    rows.extend(known(credential));
    match classified {
        Ok(classified) if credential.principal.is_none() => {
            rows.extend(classified.summary_lines().into_iter().map(DialogRow::warning));
        }
        Ok(_) => {}
        Err(problem) => rows.push(DialogRow::warning(format!("The provider could not be asked who this is: {}", problem.why))),
    }
    rows.extend(replaced.as_ref().map(|ended| match ended {
        Ok(()) => DialogRow::dim("The session before this one was ended at the provider."),
        Err(problem) => DialogRow::warning(format!("The session before this one could not be ended: {}", problem.why)),
    }));
    rows.push(DialogRow::Blank);
    rows
}

fn known(credential: &Credential) -> Vec<DialogRow> {
    let who = credential.principal.as_ref().map(|who| ("Acts as", format!("{} ({})", who.name, who.kind.replace('_', " "))));
    let sees = credential.fields.get("organisations").map(|sees| ("Sees", sees.clone()));
    let ends = credential.expires.map(|end| ("Ends unused", words::format_date(end)));
    [who, sees, ends].into_iter().flatten().map(|(label, value)| DialogRow::Pair(label.to_owned(), value)).collect()
}

/// Host and port of an address.
fn place(address: &url::Url) -> String {
    address.origin().ascii_serialization()
}

fn buttons(buttons: &[FormButton]) -> Form {
    Form::new(Vec::new(), buttons.to_vec())
}
