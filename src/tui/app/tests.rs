//! Tests of the screen's behavior: keys and task reports in, effects and state out.

mod anything;
mod attention;
mod dialogs;
mod failures;
mod late_responses;
mod requests;
mod response_texts;
mod rotation;
mod screen_lock;
mod sign_in;
mod unlocking;
mod walk;

use std::sync::Arc;
use std::time::Duration;

use super::command::{CommandAction, CredentialAction};
use super::console::{RequestState, sending};
use super::samples::{self, TestSession, check, id};
use super::{InputEvent, Message, MouseInput, Pane, PresentationMode, UiEffect};
use crate::config::KeyPress;
use crate::domain::identify::IdentificationCandidate;
use crate::domain::problem::{Problem, ProblemClass};
use crate::domain::provider::spec::MatchConfidence;
use crate::domain::request::{HttpMethod, RequestDraft};
use crate::domain::response::{ApiResponse, CheckResult, RequestTiming, ResponseBody};
use crate::domain::rotation::{RotationPhase as RotationState, StepStatus};
use crate::domain::{CredentialName, Secret, StoreKind};
use crate::engine::backend_info;
use crate::engine::background::protocol::{
    BackendInfo, BackgroundTask, CapturedSecret, CheckedSecret, ClassifyPolicy, ClearResult,
    ClipboardMethod, CopyResult, CredentialEvent, CredentialTask, Diagnostic, DiagnosticArea,
    DiagnosticSeverity, HttpExchange, PromptId, RotationEvent, RotationTask, SendTask, StoreError,
    StoreStatus, TaskEvent, TaskId, TaskReport, TerminalCopyConsent, TerminalCopyOffer,
    WriteConsent,
};
use crate::tui::app::activity::TaskState;
use crate::tui::app::console::parameter_memory::ParametersDialog;
use crate::tui::app::console::response_view::{LayoutState, ResponseTab};
use crate::tui::app::console::text_prompt::TextPromptDialog;
use crate::tui::app::credentials::add_dialog::AddDialog;
use crate::tui::app::dialogs::{ConfirmDialog, Dialog, DialogAction, PickerDialog, ProblemDialog};
use crate::tui::app::overview::findings_dialog::FindingsDialog;
use crate::tui::app::widgets::dialog_view::{DialogRow, ListItem};

const SECOND: Duration = Duration::from_secs(1);
const TOKEN: &str = "snyk_uat.abcd1234.claims.signature";

impl TestSession {
    fn report(&mut self, task: TaskId, event: TaskEvent) -> &mut Self {
        self.handle_message(Message::TaskEvent(TaskReport { task, event }))
    }

    /// Runs the item of the open list with this text.
    fn choose_item(&mut self, text: &str) -> &mut Self {
        let view = self.app.dialogs.top().expect("a list").view(&self.app, self.now);
        let mut items = view.body.iter().filter_map(|row| match row {
            DialogRow::Item(item) => Some(item.text.clone()),
            _ => None,
        });
        let index = items.position(|item| item == text).expect("an item");
        self.press("Home");
        for _ in 0..index {
            self.press("Down");
        }
        self.press("Enter")
    }

    /// Returns the tasks started since the last call.
    fn started(&mut self) -> Vec<(TaskId, BackgroundTask)> {
        let effects = self.drain().into_iter();
        effects
            .filter_map(|effect| {
                if let UiEffect::StartTask(id, task) = effect { Some((id, task)) } else { None }
            })
            .collect()
    }

    /// Returns the one task started since the last call, ignoring the loading of what a new
    /// selection shows.
    fn task(&mut self) -> (TaskId, BackgroundTask) {
        let quiet = |task: &BackgroundTask| {
            matches!(
                task,
                BackgroundTask::Credential(
                    CredentialTask::RegionChecks(_) | CredentialTask::ListOutdatedConsumers
                ) | BackgroundTask::ReadStoreStatus
            )
        };
        let mut tasks: Vec<_> =
            self.started().into_iter().filter(|(_, task)| !quiet(task)).collect();
        assert_eq!(tasks.len(), 1, "tasks that were started");
        tasks.remove(0)
    }

    fn reveal(&mut self) -> &mut Self {
        self.press("x");
        let (task, BackgroundTask::Credential(CredentialTask::Reveal(of))) = self.task() else {
            panic!("the secret was not asked for")
        };
        let secret = Arc::new(Secret::from_text(TOKEN.to_owned()));
        self.report(task, TaskEvent::Credential(CredentialEvent::Revealed(of, secret)));
        assert!(self.is_shown());
        self
    }

    fn is_shown(&self) -> bool {
        let selected = self.app.selected().map(|credential| credential.id.clone());
        selected.is_some_and(|id| self.app.detail.revealed_secret(&id, self.now.instant).is_some())
    }

    fn selected(&self) -> &str {
        self.app.selected().expect("a credential").name.as_str()
    }

    fn notice(&self) -> &str {
        self.app.activity.current_notification(self.now.instant).map_or("", |notice| &notice.text)
    }

    fn store_is(&mut self, kind: StoreKind, problem: Option<StoreError>) -> &mut Self {
        let backend = BackendInfo { title: "a store", ..backend_info(kind) };
        self.report(TaskId(1), TaskEvent::Store(StoreStatus { backend, problem }))
    }

    /// Returns the title of the top dialog and the text of its rows.
    fn dialog_text(&self) -> String {
        let dialog = self.app.dialogs.top().expect("a dialog");
        let view = dialog.view(&self.app, self.now);
        let rows = view.head.iter().chain(&view.body).chain(&view.foot);
        format!("{}\n", view.title) + &rows.map(walk::words_of).collect::<String>()
    }

    fn click(&mut self, column: u16, row: u16) -> &mut Self {
        self.handle_message(Message::Input(InputEvent::Mouse(MouseInput::Press, column, row)))
    }

    fn paste(&mut self, text: &str) -> &mut Self {
        self.handle_message(Message::Input(InputEvent::Paste(text.to_owned().into())))
    }
}

fn session() -> TestSession {
    let mut session = TestSession::new(120, 36);
    // By name, so that each test knows what is where.
    session.sort_by_name();
    session.drain();
    session
}

fn exchange(session: &TestSession, body: ResponseBody) -> Box<HttpExchange> {
    let credential = session.app.selected().expect("a credential");
    let Some(super::console::RequestReadiness::Ready(draft)) =
        sending::current_request(&session.app)
    else {
        panic!("no request")
    };
    Box::new(HttpExchange {
        credential: credential.id.clone(),
        region: credential.region.clone(),
        draft,
        response: ApiResponse {
            status: 200,
            headers: Vec::new(),
            body,
            timing: RequestTiming::default(),
            size: 2,
            truncated: false,
            remarks: Vec::new(),
            url: "https://api.snyk.io/rest/self".to_owned(),
            version: "HTTP/2".to_owned(),
        },
        explanation: None,
        refusal: None,
        rate_limit: None,
        captured: Vec::new(),
        saved_body: None,
    })
}

fn exchange_of(credential: &crate::domain::CredentialId, draft: RequestDraft) -> Box<HttpExchange> {
    let template = exchange(&session(), ResponseBody::default());
    Box::new(HttpExchange { credential: credential.clone(), draft, ..*template })
}

fn identified(duplicates: &[&str]) -> TaskEvent {
    let candidate = IdentificationCandidate {
        provider: "snyk".to_owned(),
        kind: "personal-access-token".to_owned(),
        region: Some("SNYK-AU-01".to_owned()),
        expires: Some(super::display_format::parse_date("2027-01-31").expect("a day")),
        confidence: MatchConfidence::Certain,
        is_incomplete: false,
        why: "it begins with snyk_uat.".to_owned(),
        remote_id: None,
        secret_role: crate::domain::provider::spec::SecretRole::Secret,
    };
    TaskEvent::Credential(CredentialEvent::Identified {
        secret: Arc::new(Secret::from_text(TOKEN.to_owned())),
        cleaned: vec!["quotes".to_owned()],
        candidates: vec![candidate],
        duplicates: duplicates
            .iter()
            .map(|name| CredentialName::parse(name).expect("a name"))
            .collect(),
    })
}

fn trouble() -> Problem {
    Problem::new("It broke", "it was old", "mend it")
}

// The secret.

#[test]
fn everything_that_may_mean_looking_away_masks_the_secret() {
    type Trigger = fn(&mut TestSession);
    let triggers: [(&str, Trigger); 12] = [
        ("another selection", |s| _ = s.press("j")),
        ("the loss of focus", |s| _ = s.handle_message(Message::Input(InputEvent::Focus(false)))),
        ("another size", |s| _ = s.handle_message(Message::Input(InputEvent::Resize(100, 30)))),
        ("leaving", |s| _ = s.handle_message(Message::Suspending)),
        ("suspending", |s| _ = s.press("C-z")),
        ("a copy", |s| _ = s.press("y")),
        ("a dialog", |s| _ = s.press("?")),
        ("presentation", |s| _ = s.press("P")),
        ("the same key again", |s| _ = s.press("x")),
        ("quitting", |s| _ = s.press("q")),
        ("a panic elsewhere", |s| {
            _ = s.handle_message(Message::ThreadPanicked("a task".to_owned()));
        }),
        ("its time", |s| _ = s.advance_time(15 * SECOND)),
    ];
    for (name, trigger) in triggers {
        let mut session = session();
        session.reveal();
        trigger(&mut session);
        assert!(!session.is_shown(), "{name} did not mask it");
        session.handle_message(Message::Input(InputEvent::Focus(true)));
        assert!(
            !session.is_shown() && session.app.detail.is_masked(),
            "{name} left it to come back"
        );
    }
}

#[test]
fn a_secret_that_comes_too_late_is_not_shown() {
    let mut session = session();
    session.press("x");
    let (task, _) = session.task();
    session.press("j k");
    let of = session.app.selected().expect("a credential").id.clone();
    session.report(
        task,
        TaskEvent::Credential(CredentialEvent::Revealed(of, Arc::new(Secret::new(b"x".to_vec())))),
    );
    assert!(!session.is_shown());
}

#[test]
fn presentation_mode_refuses_and_hides_names() {
    let mut session = session();
    session.press("P x");
    assert!(session.drain().iter().all(|effect| !matches!(
        effect,
        UiEffect::StartTask(_, BackgroundTask::Credential(CredentialTask::Reveal(_)))
    )));
    assert!(session.notice().contains("presentation mode"));
    let selected = session.app.selected().expect("a credential");
    assert!(!session.app.display_name(selected).contains(selected.name.as_str()));
    assert_eq!(session.app.ui_state.presentation, PresentationMode::On);
    assert!(!session.app.can_run(CommandAction::Credential(CredentialAction::ToggleSecret)));
}

#[test]
fn the_countdown_wakes_the_screen_until_it_ends_and_then_sleeps() {
    let mut session = session();
    session.reveal();
    let mut wakes = 0;
    while let Some(wake) = session.app.next_wake(session.now) {
        let step =
            wake.saturating_duration_since(session.now.instant).max(Duration::from_millis(1));
        session.advance_time(step).handle_message(Message::Wake);
        wakes += 1;
    }
    assert_eq!(wakes, 15);
    assert!(session.app.detail.is_masked());
}

#[test]
fn a_copy_says_what_is_known_and_no_more() {
    let said = |way, proven| {
        let mut session = session();
        session.press("y");
        let (task, _) = session.task();
        session.report(
            task,
            TaskEvent::Copied(CopyResult {
                method: way,
                verified: proven,
                clear_after_seconds: Some(30),
            }),
        );
        assert_eq!(session.app.activity.running_count(), 0, "tidying up is not waited for");
        session.notice().to_owned()
    };
    assert_eq!(said(ClipboardMethod::Native, true), "Copied to the clipboard; cleared in 30 s");
    assert!(
        said(ClipboardMethod::Osc52, false)
            .starts_with("Copied via OSC 52; the terminal does not confirm")
    );

    let mut session = session();
    session.report(TaskId(9), TaskEvent::ClipboardCleared(ClearResult::ContentReplaced));
    assert!(session.notice().contains("content has changed"));
}

// Regions.

#[test]
fn a_region_is_switched_by_one_key_and_what_rules_it_out_is_shown() {
    let mut session = session();
    session.report(
        TaskId(9),
        TaskEvent::Checked {
            checked: (&id(2)).into(),
            region: "SNYK-EU-01".to_owned(),
            check: check(CheckResult::Accepted, Some(200)),
        },
    );
    session.press("]");
    let BackgroundTask::Credential(CredentialTask::Edit(_, edit)) = session.task().1 else {
        panic!("not switched")
    };
    assert_eq!(edit.region.as_deref(), Some("SNYK-AU-01"));
    assert!(
        session.notice().contains("may refuse this credential")
            && session.notice().contains("SNYK-EU-01")
    );
    session.press("3 k Enter");
    let BackgroundTask::Credential(CredentialTask::Edit(_, edit)) = session.task().1 else {
        panic!("not switched")
    };
    assert_eq!(edit.region.as_deref(), Some("SNYK-US-02"));
}

// The list.

#[test]
fn marked_credentials_are_checked_together() {
    let mut session = session();
    session.press("Space Space c");
    let BackgroundTask::CheckCredentials(ids) = session.task().1 else { panic!("not checked") };
    assert_eq!(ids.len(), 2);
    session.press("Esc C");
    let BackgroundTask::CheckCredentials(ids) = session.task().1 else { panic!("not checked") };
    assert_eq!(ids.len(), 7);
}

#[test]
fn typing_a_filter_does_not_run_commands() {
    let mut session = session();
    session.press("/").type_text("quit");
    assert_eq!(session.app.credentials.visible_count(), 0);
    assert!(session.drain().iter().all(|effect| !matches!(effect, UiEffect::Quit)));
    session.press("Esc");
    assert_eq!((session.app.credentials.visible_count(), session.selected()), (7, "appsec-bot"));
}

// The mouse.

#[test]
fn a_click_meets_what_is_seen() {
    let mut session = session();
    let rows = session.app.list_area();
    session.click(rows.x + 3, rows.y + 2);
    assert_eq!(session.selected(), "ci-scanner");
    session.drain();
    let secret = session.app.secret_area();
    session.click(secret.x + 12, secret.y);
    assert_eq!(session.app.ui_state.focus, Pane::Detail);
    assert!(matches!(session.task().1, BackgroundTask::Credential(CredentialTask::Reveal(_))));
    let hints = super::footer::visible_hints(
        &session.app,
        session.app.screen_layout().footer,
        session.now.wall,
    );
    let add = hints.iter().find(|hint| hint.title == "add").expect("a hint").area;
    session.click(add.x, add.y);
    let Some(dialog) = session.app.dialogs.top_as::<AddDialog>() else { panic!("no dialog") };
    let view = dialog.view(&session.app, session.now);
    let placed = view.layout(session.app.ui_state.area);
    let buttons = placed.lines.last().expect("buttons").area;
    session.click(buttons.x + buttons.width - 1, buttons.y);
    assert!(!session.app.dialogs.is_empty(), "Add without a secret complains");
    session.click(buttons.x + buttons.width - 10, buttons.y);
    assert!(session.app.dialogs.is_empty(), "Cancel closes");
}

#[test]
fn the_wheel_moves_what_is_under_it() {
    let mut session = session();
    let rows = session.app.list_area();
    session.handle_message(Message::Input(InputEvent::Mouse(
        MouseInput::ScrollDown,
        rows.x,
        rows.y,
    )));
    assert_eq!(session.app.credentials.cursor(), 3);
}
