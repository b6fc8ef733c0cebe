//! Snapshots of rotations, sign-ins and their sessions.

use super::*;

/// Sends an event to the wizard, whose task was started last.
fn rotation(session: &mut TestSession, event: RotationEvent) {
    let started = session.effects.iter().rev().find_map(|effect| match effect {
        UiEffect::StartTask(id, BackgroundTask::Rotation(task))
            if !matches!(task, RotationTask::ListUnfinished) =>
        {
            Some(id.0)
        }
        _ => None,
    });
    report(session, started.expect("a task"), TaskEvent::Rotation(event));
}

fn planned(session: &mut TestSession, kind: &str) {
    select(session, "ci-scanner");
    session.press("r");
    rotation(session, RotationEvent::Planned(Box::new(plan_for(kind))));
}

fn running(session: &mut TestSession, kind: &str) {
    planned(session, kind);
    // ci-scanner is labeled as production.
    session.press("Right Enter").type_text("ci-scanner").press("Tab Enter");
    for (step, state, words) in [
        ("prove-store", StepStatus::Done, "Verify that the store can write and read back"),
        ("snapshot", StepStatus::Done, "Record the old secret's identity and access"),
    ] {
        rotation(session, RotationEvent::Step(line(step, state, words)));
    }
}

#[test]
fn a_credential_is_replaced() {
    pictures("rotate_plan", |session| planned(session, "service-account-oauth"));
    pictures("rotate_plan_no_overlap", |session| planned(session, "personal-token"));
    pictures("rotate_running", |session| {
        running(session, "service-account-oauth");
        rotation(
            session,
            RotationEvent::Step(line("create", StepStatus::Failed, "503 Service Unavailable")),
        );
        rotation(
            session,
            RotationEvent::Step(line(
                "create",
                StepStatus::Waiting,
                "Retry in 2 s: Create the new secret at the provider",
            )),
        );
    });
    pictures("rotate_asked", |session| {
        running(session, "personal-token");
        rotation(
            session,
            RotationEvent::Step(line("await-paste", StepStatus::Waiting, "Create a new secret")),
        );
        rotation(session, RotationEvent::PromptOpened(PromptId(1), Box::new(paste_prompt())));
        session.handle_message(Message::Input(InputEvent::Paste("a-new-secret".to_owned().into())));
    });
    pictures("rotate_sign_in", |session| {
        running(session, "app");
        rotation(
            session,
            RotationEvent::Step(line(
                "await-sign-in",
                StepStatus::Waiting,
                "Sign in again in the browser, as the same user as before",
            )),
        );
        rotation(session, RotationEvent::PromptOpened(PromptId(1), Box::new(sign_in_prompt())));
        session.advance_time(Duration::from_millis(13_400));
    });
    pictures("rotate_done", |session| {
        running(session, "service-account-oauth");
        let left = vec!["ci did not receive the new secret: update it manually".to_owned()];
        rotation(
            session,
            RotationEvent::Finished(RotationStatus {
                manual_steps: left,
                ..status(RotationState::Done)
            }),
        );
    });
    pictures("rotate_rolled_back", |session| {
        running(session, "service-account-oauth");
        rotation(session, RotationEvent::Step(line("human", StepStatus::Done, "Roll back")));
        rotation(
            session,
            RotationEvent::Step(line(
                "prove-old",
                StepStatus::Done,
                "Verify that the old secret still works",
            )),
        );
        rotation(session, RotationEvent::Finished(status(RotationState::RolledBack)));
    });
}

#[test]
fn a_rotation_that_stopped_gives_an_account() {
    pictures("rotate_halted", |session| {
        running(session, "service-account-oauth");
        rotation(session, RotationEvent::Finished(status(RotationState::NeedsUser)));
        rotation(session, RotationEvent::Reviewed(Box::new(review(RollbackEffect::UndoesChanges))));
    });
    pictures("rotate_failed", |session| {
        running(session, "service-account-oauth");
        let task = session.effects.iter().rev().find_map(|effect| match effect {
            UiEffect::StartTask(id, BackgroundTask::Rotation(RotationTask::Run(_))) => Some(id.0),
            _ => None,
        });
        let problem = Problem::new(
            "The store is locked",
            "it was locked meanwhile",
            "unlock it, then continue",
        );
        report(session, task.expect("a task"), TaskEvent::Failed(problem));
        let looks = session.effects.iter().rev().find_map(|effect| match effect {
            UiEffect::StartTask(id, BackgroundTask::Rotation(RotationTask::Review(_))) => {
                Some(id.0)
            }
            _ => None,
        });
        let account = review(RollbackEffect::Impossible("the old secret is revoked, or may be"));
        report(
            session,
            looks.expect("a look"),
            TaskEvent::Rotation(RotationEvent::Reviewed(Box::new(account))),
        );
    });
    pictures("rotate_revocation_failed", |session| {
        running(session, "service-account-oauth");
        rotation(
            session,
            RotationEvent::PromptOpened(PromptId(1), Box::new(failed_revocation_prompt())),
        );
    });
    pictures("waiting", |session| {
        running(session, "service-account-oauth");
        rotation(session, RotationEvent::PromptOpened(PromptId(1), Box::new(paste_prompt())));
        session.press("Esc 2");
    });
    pictures("dialog_confirm_quit", |session| {
        running(session, "service-account-oauth");
        rotation(session, RotationEvent::PromptOpened(PromptId(1), Box::new(paste_prompt())));
        session.press("Esc q");
    });
    pictures("dialog_confirm_rotation", |session| {
        planned(session, "service-account-oauth");
        session.press("Right Enter");
    });
    pictures("dialog_pick_rotation", |session| {
        report(
            session,
            2,
            TaskEvent::Rotation(RotationEvent::UnfinishedListed(vec![status(
                RotationState::NeedsUser,
            )])),
        );
    });
}

/// Returns a screen with a selected session.
fn session_of(columns: u16, rows: u16) -> TestSession {
    let mut session =
        TestSession::with(credentials().into_iter().chain([app()]).collect(), columns, rows);
    store_is(&mut session, None);
    select(&mut session, "triage");
    session
}

fn pictures_of_session(name: &str, prepare: impl Fn(&mut TestSession)) {
    for (columns, rows) in SIZES {
        let mut session = session_of(columns, rows);
        prepare(&mut session);
        picture_of(&format!("{name}_{columns}x{rows}"), &mut session);
    }
}

/// Sends an event to the sign-in, which was started last.
fn sign_in(session: &mut TestSession, event: SignInEvent) {
    let started = session.effects.iter().rev().find_map(|effect| match effect {
        UiEffect::StartTask(id, BackgroundTask::SignIn(_)) => Some(id.0),
        _ => None,
    });
    report(session, started.expect("a task"), TaskEvent::SignIn(event));
}

fn visit() -> SignInEvent {
    let url = |text: &str| url::Url::parse(text).expect("a URL");
    let page = "https://app.eu.snyk.io/oauth2/authorize?response_type=code&client_id=7b7dbf4e-8b34-4e57-a89c-1ab458532b73\
        &state=zc5evjTfDD6VjH4CYva02g&code_challenge=QSI3HPtOcn0XgnINl1ssSylSofx35c7_3fLx6I0kp8o&code_challenge_method=S256\
        &redirect_uri=http%3A%2F%2F127.0.0.1%3A43991%2Fcallback";
    let (question, wait) = (PromptId(1), Duration::from_secs(120));
    SignInEvent::PageReady(Box::new(SignInPage {
        page: url(page),
        callback: url("http://127.0.0.1:43991/callback"),
        prompt: question,
        timeout: wait,
    }))
}

#[test]
fn a_user_signs_in() {
    pictures_of_session("sign_in_waiting", |session| {
        session.press("l");
        sign_in(session, visit());
        session.advance_time(Duration::from_millis(13_400));
    });
    pictures_of_session("sign_in_strange", |session| {
        session.app.preferences.browser = BrowserAvailability::Unavailable;
        session.press("l");
        sign_in(session, visit());
        let why = "the response does not belong to this sign-in";
        let problem = Problem::new("That is not the callback URL", why, "Paste the whole URL");
        sign_in(session, SignInEvent::PasteRejected(PromptId(2), problem));
        session.advance_time(Duration::from_millis(101_400));
    });
    pictures_of_session("sign_in_done", |session| {
        session.press("l");
        let classified = Ok(ClassificationResult {
            check: check(CheckResult::Accepted, Some(200)),
            credential: app(),
        });
        let signed_in = SignInResult {
            credential: app(),
            classification: classified,
            old_session_revocation: Some(Ok(())),
        };
        sign_in(session, SignInEvent::Finished(Box::new(signed_in)));
    });
}

#[test]
fn the_session_of_an_app() {
    pictures_of_session("session", |session| {
        let now = session.now.wall;
        let life = TokenLifetime {
            since: Some(now - time::Duration::minutes(3)),
            until: now + time::Duration::minutes(57),
        };
        report(
            session,
            99,
            TaskEvent::Credential(CredentialEvent::AccessToken(app().id, Some(life))),
        );
    });
    let mut session = session_of(120, 36);
    let check = check(CheckResult::Refused, Some(400));
    report(
        &mut session,
        99,
        TaskEvent::Checked { checked: (&app().id).into(), region: "SNYK-EU-01".to_owned(), check },
    );
    picture_of("session_ended", &mut session);
}
