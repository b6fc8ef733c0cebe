//! Snapshots of the screen, styles included, for review.
//!
//! [`picture`] renders a screen as text and styles; the snapshots are in `snapshots/`. Dialogs are
//! in `dialogs`.

mod dialogs;
mod rotation;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use crate::config::theme::{ColorDepth, GlyphSet, Theme};
use crate::domain::credential::CheckReport;
use crate::domain::problem::{Problem, ProblemClass};
use crate::domain::response::{ApiResponse, CheckResult, RequestTiming, ResponseBody};
use crate::domain::rotation::{
    RollbackEffect, RotationPhase as RotationState, RotationStatus, StepStatus,
};
use crate::domain::{Secret, StoreKind};
use crate::engine::backend_info;
use crate::engine::background::protocol::{
    BackgroundTask, ClassificationResult, CredentialEvent, CredentialTask, HttpExchange, PromptId,
    RegionCheckResult, RotationEvent, RotationTask, SignInEvent, SignInPage, SignInResult,
    StoreError, StoreStatus, TaskEvent, TaskId, TaskReport, TokenLifetime,
};
use crate::tui::app::console::{RequestReadiness, sending};
use crate::tui::app::samples::rotation::{
    failed_revocation_prompt, line, paste_prompt, plan_for, review, sign_in_prompt, status,
};
use crate::tui::app::samples::{TestSession, app, check, credentials, id};
use crate::tui::app::{BrowserAvailability, InputEvent, Message, UiEffect};
use crate::tui::view::draw;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::{Buffer, Cell};

const SIZES: [(u16, u16); 3] = [(60, 16), (80, 24), (120, 36)];

/// Draws the current screen.
fn drawn(session: &TestSession) -> Buffer {
    let area = session.app.ui_state.area;
    let mut terminal =
        Terminal::new(TestBackend::new(area.width, area.height)).expect("a terminal");
    terminal.draw(|frame| draw(&session.app, frame.buffer_mut(), session.now)).expect("a frame");
    terminal.backend().buffer().clone()
}

/// Renders the text of every line, then the styles of every theme: each with its number of cells
/// and the first words in it.
fn picture(session: &mut TestSession) -> String {
    let theme_before = session.app.preferences.theme.clone();
    let mut whole = String::new();
    for (look, theme) in looks() {
        session.app.preferences.theme = theme;
        let (text, styles) = painted(&drawn(session));
        if whole.is_empty() {
            whole.clone_from(&text);
        }
        assert!(whole.starts_with(&text), "{look} says something else:\n{text}");
        let _ = write!(whole, "\n{look}\n{styles}");
    }
    session.app.preferences.theme = theme_before;
    whole
}

/// Returns the themes of the snapshots.
fn looks() -> [(&'static str, Theme); 3] {
    let theme = |name, depth| Theme::builtin(name, depth).expect("a theme");
    [
        ("dark", theme("dark", ColorDepth::TrueColor)),
        ("light", theme("light", ColorDepth::TrueColor)),
        ("NO_COLOR", theme("dark", ColorDepth::Monochrome)),
    ]
}

fn painted(buffer: &Buffer) -> (String, String) {
    let width = usize::from(buffer.area.width).max(1);
    let (mut text, mut list) = (String::new(), String::new());
    let mut styles: BTreeMap<String, (usize, String)> = BTreeMap::new();
    for line in buffer.content().chunks(width) {
        let shown: String = line.iter().map(Cell::symbol).collect();
        let _ = writeln!(text, "{}", shown.trim_end());
        let mut before = String::new();
        for cell in line {
            let style = style_of(cell);
            let (count, words) = styles.entry(style.clone()).or_default();
            *count += 1;
            if words.chars().count() < 40 {
                if style != before && !words.is_empty() && !words.ends_with(' ') {
                    words.push(' ');
                }
                words.push_str(cell.symbol());
            }
            before = style;
        }
    }
    for (style, (count, words)) in styles {
        let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
        let _ = writeln!(list, "{style}: {count} cells, {words}");
    }
    (text, list)
}

fn style_of(cell: &Cell) -> String {
    let mut style = format!("{}/{}", cell.fg, cell.bg).to_lowercase().replace("reset", "-");
    if !cell.modifier.is_empty() {
        let _ = write!(style, " {:?}", cell.modifier);
    }
    style
}

fn pictures(name: &str, prepare: impl Fn(&mut TestSession)) {
    for (columns, rows) in SIZES {
        let mut session = TestSession::new(columns, rows);
        store_is(&mut session, None);
        prepare(&mut session);
        picture_of(&format!("{name}_{columns}x{rows}"), &mut session);
    }
}

fn picture_of(name: &str, session: &mut TestSession) {
    if let Some(dialog) = session.app.dialogs.top() {
        dialogs::assert_named(name, dialog);
    }
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, picture(session)));
}

fn wide() -> TestSession {
    let mut session = TestSession::new(120, 36);
    store_is(&mut session, None);
    session
}

fn store_is(session: &mut TestSession, problem: Option<StoreError>) {
    let backend = backend_info(StoreKind::Keyring);
    report(session, 1, TaskEvent::Store(StoreStatus { backend, problem }));
}

fn report(session: &mut TestSession, task: u64, event: TaskEvent) {
    session.handle_message(Message::TaskEvent(TaskReport { task: TaskId(task), event }));
}

fn select(session: &mut TestSession, name: &str) {
    session.press("/").type_text(name).press("Enter");
    session.press("Esc");
}

/// Returns the ID of the task that was started last.
fn last_task(session: &TestSession) -> u64 {
    let started = session.effects.iter().rev().find_map(|effect| match effect {
        UiEffect::StartTask(
            id,
            BackgroundTask::Send(_)
            | BackgroundTask::Credential(CredentialTask::Reveal(_) | CredentialTask::CopySecret(..))
            | BackgroundTask::CopyText(_)
            | BackgroundTask::CheckCredentials(_)
            | BackgroundTask::CheckAllRegions(_),
        ) => Some(id.0),
        _ => None,
    });
    started.expect("a task")
}

fn answer(session: &mut TestSession, status: u16, body: &str, explanation: Option<Problem>) {
    answer_with(session, status, body, |exchange| exchange.explanation = explanation);
}

fn answer_with(
    session: &mut TestSession,
    status: u16,
    body: &str,
    more: impl FnOnce(&mut HttpExchange),
) {
    let Some(RequestReadiness::Ready(draft)) = sending::current_request(&session.app) else {
        panic!("no request")
    };
    let headers = [
        ("content-type", "application/vnd.api+json"),
        ("snyk-request-id", "9a1f"),
        ("deprecation", "none"),
    ];
    let mut exchange = HttpExchange {
        credential: session.app.selected().expect("a credential").id.clone(),
        region: session.app.selected().expect("a credential").region.clone(),
        draft,
        response: ApiResponse {
            status,
            headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
            body: ResponseBody::from(body.to_owned()),
            timing: RequestTiming { first_byte_ms: 38, total_ms: 41, ..RequestTiming::default() },
            size: 1_234,
            truncated: false,
            remarks: Vec::new(),
            url: "https://api.eu.snyk.io/rest/self".to_owned(),
            version: "HTTP/2".to_owned(),
        },
        explanation: None,
        refusal: None,
        rate_limit: None,
        captured: Vec::new(),
        saved_body: None,
    };
    more(&mut exchange);
    let task = last_task(session);
    report(session, task, TaskEvent::ResponseReceived(Box::new(exchange)));
    report(session, task, TaskEvent::Done);
}

const SELF: &str = r#"{"jsonapi":{"version":"1.0"},"data":{"type":"service_account","id":"5f1c","attributes":{"name":"ci-scanner","default_org_context":"acme-prod","active":true,"count":3,"none":null}},"links":{"self":"/rest/self"}}"#;

#[test]
fn the_screen_at_every_size() {
    pictures("full", |session| {
        select(session, "ci-scanner");
        for (region, result, status) in [
            ("SNYK-EU-01", CheckResult::Accepted, 200),
            ("SNYK-US-01", CheckResult::Refused, 401),
            ("SNYK-AU-01", CheckResult::Unknown, 503),
        ] {
            report(
                session,
                99,
                TaskEvent::Checked {
                    checked: (&id(0)).into(),
                    region: region.to_owned(),
                    check: check(result, Some(status)),
                },
            );
        }
        session.press("t");
        answer(session, 200, SELF, None);
    });
}

#[test]
fn the_screen_without_credentials() {
    for (columns, rows) in SIZES {
        let mut session = TestSession::with(Vec::new(), columns, rows);
        store_is(&mut session, Some(StoreError::Locked));
        picture_of(&format!("empty_{columns}x{rows}"), &mut session);
    }
}

#[test]
fn an_answer_that_refuses_says_why() {
    pictures("refused", |session| {
        session.press("4 t");
        let why = Problem::new(
            "401: this token belongs to SNYK-US-01; you are asking SNYK-EU-01",
            "A token works only in the region that issued it.",
            "Switch the region with [ or ], or press A to try all.",
        );
        answer(
            session,
            401,
            r#"{"errors":[{"status":"401","title":"Unauthorized"}]}"#,
            Some(why.with_class(ProblemClass::Refused)),
        );
    });
}

#[test]
fn a_secret_that_is_shown() {
    pictures("shown", |session| {
        select(session, "laptop");
        session.press("x");
        let task = last_task(session);
        let secret = Arc::new(Secret::from_text(format!("snyk_uat.abcd1234.{}", "x".repeat(120))));
        report(session, task, TaskEvent::Credential(CredentialEvent::Revealed(id(1), secret)));
        session.advance_time(Duration::from_millis(3_200));
    });
}

#[test]
fn the_grid_of_check_results() {
    pictures("dialog_verdicts", |session| {
        session.press("V");
        let started = session.effects.iter().rev().find_map(|effect| match effect {
            UiEffect::StartTask(id, BackgroundTask::Credential(CredentialTask::AllChecks)) => {
                Some(id.0)
            }
            _ => None,
        });
        let found = [
            (0, "SNYK-EU-01", CheckResult::Accepted, 41),
            (0, "SNYK-US-01", CheckResult::Refused, 180),
            (1, "SNYK-US-01", CheckResult::Accepted, 95),
            (3, "SNYK-US-02", CheckResult::Refused, 260),
            (3, "SNYK-GOV-01", CheckResult::Unknown, 12_000),
            (5, "EU", CheckResult::Accepted, 70),
        ];
        let found = found.map(|(n, region, result, ms)| {
            let check = CheckReport { latency_ms: Some(ms), ..check(result, Some(200)) };
            (id(n), RegionCheckResult { region: region.to_owned(), check })
        });
        report(
            session,
            started.expect("a task"),
            TaskEvent::Credential(CredentialEvent::AllChecks(found.to_vec())),
        );
        session.press("j");
    });
}

#[test]
fn large_screens_have_three_columns_and_any_pane_can_have_the_whole() {
    for (columns, rows) in [(200, 50), (300, 80)] {
        let mut session = TestSession::new(columns, rows);
        store_is(&mut session, None);
        picture_of(&format!("grand_{columns}x{rows}"), &mut session);
    }
    pictures("zoomed", |session| _ = session.press("2 Z"));
}

#[test]
fn how_far_checks_are_and_how_much_is_left() {
    let mut session = wide();
    session.press("4 t");
    answer_with(&mut session, 200, SELF, |exchange| {
        let headers = [
            ("x-ratelimit-limit", "160"),
            ("x-ratelimit-remaining", "37"),
            ("x-ratelimit-reset", "13"),
        ];
        exchange.response.headers =
            headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    });
    session.now.wall += time::Duration::seconds(1);
    session.press("1 C");
    let task = last_task(&session);
    report(&mut session, task, TaskEvent::Progress { done: 3, total: 7 });
    picture_of("progress", &mut session);
}

#[test]
fn a_problem_is_shown_with_its_remedy() {
    pictures("problem", |session| {
        session.press("c");
        let task = last_task(session);
        let why = "the index is not a database, or is encrypted";
        let problem = Problem::new("The index cannot be read", why, "restore it from a backup");
        report(session, task, TaskEvent::Failed(problem));
    });
}

#[test]
fn filter_marks_and_presentation() {
    let mut session = wide();
    session.press("Space Space /").type_text("region:eu st");
    picture_of("filter", &mut session);
    session.press("Esc P x");
    picture_of("presentation", &mut session);
}

#[test]
fn without_color_and_without_unicode() {
    let mut session = TestSession::new(80, 24);
    store_is(&mut session, None);
    session.app.preferences.symbols = &GlyphSet::ASCII;
    session.press("3");
    picture_of("plain", &mut session);
}

#[test]
fn headers_and_timing() {
    let mut session = wide();
    session.press("4 t");
    answer(&mut session, 200, SELF, None);
    session.press("v");
    picture_of("headers", &mut session);
}

#[test]
fn no_size_makes_it_panic() {
    let sizes = (1..=20).flat_map(|columns| (1..=10).map(move |rows| (columns, rows)));
    for (columns, rows) in
        sizes.chain([(60, 16), (61, 15), (79, 19), (80, 20), (300, 80), (500, 2)])
    {
        let mut session = TestSession::new(columns, rows);
        for keys in [
            "Tab", "4 t", "a", "Esc ?", "Esc X", "Esc r", "Esc n", "Esc L", "Esc W", "Esc T",
            "Esc V", "Esc f", "Esc F2", "Esc ,",
        ] {
            session.press(keys);
            drawn(&session);
        }
        session.handle_message(Message::Input(InputEvent::Resize(rows, columns)));
        drawn(&session);
    }
}
