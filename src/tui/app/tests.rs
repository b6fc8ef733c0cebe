//! Tests of the screen's behavior: keys and task reports in, effects and state out.

mod anything;
mod bursts;
mod dialogs;
mod passphrase;
mod requests;
mod rotation;
mod screen_lock;
mod sign_in;
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
    BackendInfo, BackgroundTask, CapturedSecret, CheckTask, ClassifyPolicy, ClearResult,
    ClipboardMethod, CopyResult, CredentialEvent, CredentialTask, Diagnostic, DiagnosticArea,
    DiagnosticSeverity, DiagnosticTask, HttpExchange, PromptId, RotationEvent, RotationTask,
    SecretEvent, SecretTask, SendTask, StoreError, StoreStatus, StoreTask, TaskEvent, TaskId,
    TaskReport, TerminalCopyConsent, TerminalCopyOffer, WriteConsent,
};
use crate::tui::app::console::response_view::{LayoutState, ResponseTab};
use crate::tui::app::dialogs::{
    AddDialog, ConfirmDialog, Dialog, DialogAction, FindingsDialog, ParametersDialog, PickerDialog,
    ProblemDialog, TextPromptDialog,
};
use crate::tui::app::overview::activity::TaskState;
use crate::tui::app::widgets::dialog_view::DialogRow;

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
                BackgroundTask::Credential(CredentialTask::RegionChecks(_))
                    | BackgroundTask::Store(StoreTask::Status)
            )
        };
        let mut tasks: Vec<_> =
            self.started().into_iter().filter(|(_, task)| !quiet(task)).collect();
        assert_eq!(tasks.len(), 1, "tasks that were started");
        tasks.remove(0)
    }

    fn reveal(&mut self) -> &mut Self {
        self.press("x");
        let (task, BackgroundTask::Secret(SecretTask::Reveal(of))) = self.task() else {
            panic!("the secret was not asked for")
        };
        let secret = Arc::new(Secret::from_text(TOKEN.to_owned()));
        self.report(task, TaskEvent::Secret(SecretEvent::Revealed(of, secret)));
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
            url: "https://api.snyk.io/rest/self".to_owned(),
            version: "HTTP/2".to_owned(),
        },
        explanation: None,
        refusal: None,
        rate_limit: None,
        captured: Vec::new(),
    })
}

fn exchange_of(credential: &crate::domain::CredentialId, draft: RequestDraft) -> Box<HttpExchange> {
    let template = exchange(&session(), ResponseBody::Empty);
    Box::new(HttpExchange { credential: credential.clone(), draft, ..*template })
}

fn identified(duplicates: &[&str]) -> TaskEvent {
    let candidate = IdentificationCandidate {
        provider: "snyk".to_owned(),
        kind: "personal-access-token".to_owned(),
        region: Some("SNYK-AU-01".to_owned()),
        expires: Some(super::display_format::parse_date("2027-01-31").expect("a day")),
        confidence: MatchConfidence::Certain,
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
        TaskEvent::Secret(SecretEvent::Revealed(of, Arc::new(Secret::new(b"x".to_vec())))),
    );
    assert!(!session.is_shown());
}

#[test]
fn presentation_mode_refuses_and_hides_names() {
    let mut session = session();
    session.press("P x");
    assert!(
        session
            .drain()
            .iter()
            .all(|effect| !matches!(effect, UiEffect::StartTask(_, BackgroundTask::Secret(_))))
    );
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
            TaskEvent::Secret(SecretEvent::Copied(CopyResult {
                method: way,
                verified: proven,
                clear_after_seconds: Some(30),
            })),
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
    session
        .report(TaskId(9), TaskEvent::Secret(SecretEvent::Cleared(ClearResult::ContentReplaced)));
    assert!(session.notice().contains("content has changed"));
}

// Late responses.

#[test]
fn an_outdated_response_is_dropped() {
    let mut session = session();
    session.press("t");
    let (old, _) = session.task();
    session.press("t");
    let (new, _) = session.task();
    let late = exchange(&session, ResponseBody::Text("{\"late\":1}".to_owned()));
    session
        .report(old, TaskEvent::ResponseReceived(late))
        .report(old, TaskEvent::Failed(trouble()));
    assert!(session.app.console.waits_for(new));
    let response = exchange(&session, ResponseBody::Text("{}".to_owned()));
    session.report(new, TaskEvent::ResponseReceived(response));
    assert!(session.app.console.response().is_some());
}

#[test]
fn a_fresh_secret_that_could_not_be_stored_is_asked_about_before_it_is_left() {
    let mut session = session();
    session.press("t");
    let (task, _) = session.task();
    let mut response = exchange(&session, ResponseBody::Text("{}".to_owned()));
    response.draft.method = HttpMethod::Post;
    let secret = Arc::new(Secret::from_text("snyk_cs_4711".to_owned()));
    response.captured =
        vec![CapturedSecret { member: "client_secret".to_owned(), secret, stored: None }];
    session
        .report(task, TaskEvent::ResponseReceived(response))
        .report(task, TaskEvent::Failed(trouble()));
    session.press("Esc q");
    assert!(
        session.drain().iter().all(|effect| !matches!(effect, UiEffect::Quit)),
        "one is asked first"
    );
    session.press("Esc q Tab Enter");
    assert!(session.drain().iter().any(|effect| matches!(effect, UiEffect::Quit)));
    session.press("q C-c");
    assert!(
        session.drain().iter().any(|effect| matches!(effect, UiEffect::Quit)),
        "asked twice, it leaves"
    );
}

#[test]
fn a_fresh_secret_that_is_stored_is_in_the_list_and_asked_for_a_name_only() {
    let mut session = session();
    session.press("t");
    let (task, _) = session.task();
    let mut response = exchange(&session, ResponseBody::Text("{}".to_owned()));
    response.draft.method = HttpMethod::Post;
    let app = super::samples::app();
    let (id, name) = (app.id.clone(), app.name.to_string());
    let secret = Arc::new(Secret::from_text("snyk_cs_4711".to_owned()));
    response.captured = vec![CapturedSecret {
        member: "client_secret".to_owned(),
        secret,
        stored: Some(Box::new(app)),
    }];
    session.report(task, TaskEvent::ResponseReceived(response));
    assert!(session.app.credentials.get(&id).is_some());
    let Some(ask) = session.app.dialogs.top_as::<TextPromptDialog>() else { panic!("no question") };
    assert_eq!(ask.form().expect("a form").value("answer"), name);
    session.press("Esc q");
    assert!(session.drain().iter().any(|effect| matches!(effect, UiEffect::Quit)));
}

#[test]
fn an_answer_belongs_to_the_credential_it_was_asked_with() {
    let mut session = session();
    session.press("t");
    let (task, _) = session.task();
    let response = exchange(&session, ResponseBody::Empty);
    session.press("j").report(task, TaskEvent::ResponseReceived(response));
    let other = session.app.selected().expect("a credential").id.clone();
    assert!(matches!(session.app.console.state_for(&other), RequestState::Idle));
    session.press("k");
    let own = session.app.selected().expect("a credential").id.clone();
    assert!(matches!(session.app.console.state_for(&own), RequestState::Completed(_)));
}

#[test]
fn a_check_result_is_applied_whichever_task_asked_for_it() {
    let mut session = session();
    let refused = check(CheckResult::Refused, Some(401));
    session.report(
        TaskId(999),
        TaskEvent::Checked {
            credential: id(0),
            region: "SNYK-EU-01".to_owned(),
            check: refused.clone(),
        },
    );
    assert_eq!(
        session.app.credentials.get(&id(0)).expect("it").last_check.as_ref(),
        Some(&refused)
    );
    session.report(
        TaskId(999),
        TaskEvent::Checked { credential: id(1), region: "SNYK-AU-01".to_owned(), check: refused },
    );
    let elsewhere =
        session.app.credentials.get(&id(1)).expect("it").last_check.as_ref().expect("a check");
    assert_eq!(
        elsewhere.result,
        CheckResult::Accepted,
        "a check result in another region is not the credential's own"
    );
}

#[test]
fn a_large_body_is_laid_out_elsewhere() {
    let mut session = session();
    session.press("t");
    let (task, _) = session.task();
    let text = format!("[{}1]", "1,".repeat(100_000));
    let response = exchange(&session, ResponseBody::Text(text));
    session.report(task, TaskEvent::ResponseReceived(response));
    let laid = session.drain().into_iter().find_map(|effect| match effect {
        UiEffect::RunLayout(id, layout) => Some((id, layout)),
        _ => None,
    });
    let (id, layout) = laid.expect("a body to lay out");
    let is_ready = |session: &TestSession| {
        matches!(
            session.app.console.response().expect("an answer").layout_state(ResponseTab::Body),
            Some(LayoutState::Ready(_))
        )
    };
    session.handle_message(Message::LayoutReady(
        TaskId(id.0 + 1),
        Ok(Box::new(crate::tui::app::console::json::FoldableDocument::parse("1"))),
    ));
    assert!(!is_ready(&session));
    session.handle_message(Message::LayoutReady(id, layout.run().map(Box::new)));
    assert!(is_ready(&session));
}

#[test]
fn a_large_list_is_searched_elsewhere_and_only_for_the_answer_that_is_shown() {
    let mut session = session();
    session.press("t");
    let (task, _) = session.task();
    let element = |number| {
        format!(r#"{{"id":"p{number}","type":"project","attributes":{{"name":"web {number}"}}}}"#)
    };
    let list: Vec<_> = (0..2_000).map(element).collect();
    let response = exchange(&session, ResponseBody::Text(format!("[{}]", list.join(","))));
    let credential = response.credential.clone();
    session.report(task, TaskEvent::ResponseReceived(response));
    let job = session.drain().into_iter().find_map(|effect| match effect {
        UiEffect::ExtractParameters(job) => Some(job),
        _ => None,
    });
    let job = job.expect("an answer to search");
    let known = |session: &TestSession| {
        session.app.console.parameters.values_at(&credential, |_| Some(7)).len()
    };
    assert_eq!(known(&session), 0);
    let other = std::sync::Arc::new(job.exchange.as_ref().clone());
    session.handle_message(Message::ParametersExtracted(other, job.run()));
    assert_eq!(known(&session), 0, "it is not about the answer that is shown");
    session.handle_message(Message::ParametersExtracted(job.exchange.clone(), job.run()));
    assert_eq!(known(&session), 1);
}

#[test]
fn control_c_cancels_what_runs_and_quits_when_nothing_does() {
    let mut session = session();
    session.press("t");
    let (task, _) = session.task();
    session.press("a C-c");
    assert!(matches!(session.drain()[..], [UiEffect::CancelTask(cancelled)] if cancelled == task));
    session.report(task, TaskEvent::Canceled);
    assert!(matches!(session.app.console.request_state, RequestState::Canceled(_)));
    session.press("C-c");
    assert!(matches!(session.drain()[..], [UiEffect::Quit]));
}

// Failures.

#[test]
fn a_failure_is_shown_where_it_is_waited_for() {
    let mut session = session();
    session.press("t");
    let (task, _) = session.task();
    session.report(task, TaskEvent::Failed(trouble()));
    assert!(
        matches!(session.app.console.request_state, RequestState::Failed(..))
            && session.app.dialogs.is_empty()
    );

    session.press("c");
    let (task, _) = session.task();
    session.report(task, TaskEvent::Failed(trouble()));
    assert!(session.app.dialogs.top_as::<ProblemDialog>().is_some());
    assert!(
        session
            .app
            .activity
            .entries
            .iter()
            .any(|entry| matches!(entry.state, TaskState::Failed(_)))
    );

    session.press("Esc c");
    let (task, _) = session.task();
    session.press("a").report(task, TaskEvent::Failed(trouble()));
    assert!(
        session.app.dialogs.top_as::<AddDialog>().is_some(),
        "a problem does not get in the way of typing"
    );
    assert!(session.notice().contains("It broke"));
}

#[test]
fn a_store_that_fails_is_asked_how_it_is_and_can_be_unlocked_from_there() {
    let mut session = session();
    session.press("x");
    let (task, _) = session.task();
    session.report(task, TaskEvent::Failed(StoreError::Locked.into()));
    assert!(
        session
            .started()
            .iter()
            .any(|(_, task)| matches!(task, BackgroundTask::Store(StoreTask::Status)))
    );
    session.store_is(StoreKind::Keyring, Some(StoreError::Locked)).press("u");
    assert!(matches!(session.task().1, BackgroundTask::Store(StoreTask::Unlock(None))));
}

#[test]
fn the_encrypted_file_asks_for_its_passphrase() {
    let mut session = session();
    session
        .store_is(StoreKind::File, Some(StoreError::NotInitialized))
        .press("u")
        .type_text("open");
    session.press("Tab").type_text("other").press("Enter Enter");
    assert!(session.started().is_empty(), "two different passphrases create nothing");
    session.press("C-u").type_text("open").press("Enter Enter");
    let (task, BackgroundTask::Store(StoreTask::Unlock(Some(passphrase)))) = session.task() else {
        panic!("not unlocked")
    };
    assert!(passphrase.same_as(&Secret::new(b"open".to_vec())));
    session.report(task, TaskEvent::Done);
    assert!(session.app.dialogs.is_empty());
}

#[test]
fn what_is_found_on_the_machine_is_shown_when_it_is_known() {
    let mut session = session();
    session.press("D");
    let (task, BackgroundTask::Diagnostic(DiagnosticTask::Doctor(around))) = session.task() else {
        panic!("no task was started")
    };
    assert!(around.terminal.is_some());
    let found = |level, what: &str| Diagnostic {
        area: DiagnosticArea::Network,
        level,
        what: what.to_owned(),
        why: "because".to_owned(),
        remedy: "mend it".to_owned(),
    };
    session
        .report(
            task,
            TaskEvent::Diagnosed(vec![
                found(DiagnosticSeverity::Ok, "fine"),
                found(DiagnosticSeverity::Fail, "broken"),
            ]),
        )
        .report(task, TaskEvent::Done);
    let Some(survey) = session.app.dialogs.top_as::<FindingsDialog>() else {
        panic!("it is not shown")
    };
    let lines: Vec<_> = survey
        .view(&session.app, session.now)
        .body
        .into_iter()
        .filter_map(|row| if let DialogRow::Text(_, text) = row { Some(text) } else { None })
        .collect();
    assert_eq!(
        lines,
        [
            "network",
            "ok    fine: because",
            "      mend it",
            "fail  broken: because",
            "      mend it"
        ]
    );
    session.press("Esc P F");
    assert!(
        session.app.dialogs.is_empty() && session.started().is_empty(),
        "findings name what others may not read"
    );
    session.press("P F");
    let (task, BackgroundTask::Diagnostic(DiagnosticTask::Scan)) = session.task() else {
        panic!("no task was started")
    };
    session.report(task, TaskEvent::Failed(trouble()));
    let Some(survey) = session.app.dialogs.top_as::<FindingsDialog>() else {
        panic!("it is not shown")
    };
    assert!(!survey.view(&session.app, session.now).head.is_empty(), "the problem is told there");
}

// Regions.

#[test]
fn a_region_is_switched_by_one_key_and_what_rules_it_out_is_shown() {
    let mut session = session();
    session.report(
        TaskId(9),
        TaskEvent::Checked {
            credential: id(2),
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
    let BackgroundTask::Check(CheckTask::Credentials(ids)) = session.task().1 else {
        panic!("not checked")
    };
    assert_eq!(ids.len(), 2);
    session.press("Esc C");
    let BackgroundTask::Check(CheckTask::Credentials(ids)) = session.task().1 else {
        panic!("not checked")
    };
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
    assert!(matches!(session.task().1, BackgroundTask::Secret(SecretTask::Reveal(_))));
    let hints = super::footer::visible_hints(&session.app, session.app.screen_layout().footer);
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
