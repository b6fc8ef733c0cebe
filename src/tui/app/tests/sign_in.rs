//! Tests of the browser sign-in: keys and task reports in, effects and state out.

use super::*;
use crate::engine::background::protocol::{
    ClassificationResult, PromptReply, SignInEvent, SignInPage, SignInResult,
    SignInSubject as Wanted, TokenLifetime,
};
use crate::tui::app::conversation;
use crate::tui::app::samples::app;
use crate::tui::app::{BrowserAvailability, UiSettings};

const QUESTION: PromptId = PromptId(7);

/// Returns a screen whose only credential is a sign-in session.
fn with_app() -> TestSession {
    let mut session = TestSession::with(vec![app()], 120, 36);
    session.drain();
    session
}

fn visit() -> Box<SignInPage> {
    let url = |text: &str| url::Url::parse(text).expect("a URL");
    Box::new(SignInPage {
        page: url("https://app.eu.snyk.io/oauth2/authorize?client_id=7b7d&state=s"),
        callback: url("http://127.0.0.1:4711/callback"),
        prompt: QUESTION,
        timeout: 120 * SECOND,
    })
}

fn signed_in(replaced: Option<Result<(), Problem>>) -> Box<SignInResult> {
    let check = check(CheckResult::Accepted, Some(200));
    Box::new(SignInResult {
        credential: app(),
        classification: Ok(ClassificationResult { check, credential: app() }),
        old_session_revocation: replaced,
    })
}

impl TestSession {
    fn sign_in(&mut self, task: TaskId, event: SignInEvent) -> &mut Self {
        self.report(task, TaskEvent::SignIn(event))
    }

    /// Starts a sign-in that waits for the user to approve it in the browser.
    fn begin_sign_in(&mut self) -> TaskId {
        self.press("l");
        let (task, BackgroundTask::SignIn(Wanted::Existing(id))) = self.task() else {
            panic!("nothing begins")
        };
        assert_eq!(id, app().id);
        self.sign_in(task, SignInEvent::PageReady(visit()));
        task
    }

    fn words(&self) -> String {
        let view = self.app.dialogs.top().expect("a dialog").view(&self.app, self.now);
        let rows = view.head.iter().chain(&view.body).chain(&view.foot);
        let words = rows.map(|row| match row {
            crate::tui::app::widgets::dialog_view::DialogRow::Text(_, text) => text.clone(),
            crate::tui::app::widgets::dialog_view::DialogRow::Pair(label, value) => {
                format!("{label}: {value}")
            }
            _ => String::new(),
        });
        words.collect::<Vec<_>>().join("\n")
    }
}

#[test]
fn the_page_opens_and_its_address_is_always_shown() {
    let mut session = with_app();
    session.begin_sign_in();
    assert!(
        session
            .drain()
            .iter()
            .any(|effect| matches!(effect, UiEffect::OpenUrl(page) if *page == visit().page))
    );
    let words = session.words();
    assert!(
        words.contains(visit().page.as_str()) && words.contains("http://127.0.0.1:4711"),
        "{words}"
    );

    session.app.dialogs.take_top();
    session.app.preferences =
        UiSettings { browser: BrowserAvailability::Unavailable, ..session.app.preferences.clone() };
    session.begin_sign_in();
    assert!(
        !session.drain().iter().any(|effect| matches!(effect, UiEffect::OpenUrl(_))),
        "the browser is on another machine"
    );
    assert!(session.words().contains(visit().page.as_str()));
}

#[test]
fn the_time_that_is_left_is_counted_and_nothing_ticks_afterwards() {
    let mut session = with_app();
    let task = session.begin_sign_in();
    assert!(session.words().contains("2:00 left"), "{}", session.words());
    assert_eq!(session.app.next_wake(session.now), Some(session.now.instant + SECOND));
    session.advance_time(Duration::from_millis(101_500));
    assert!(session.words().contains("0:19 left"), "{}", session.words());
    let late = Problem::new(
        "The sign-in timed out",
        "the browser did not return within 120 s",
        "sign in again",
    );
    session.report(task, TaskEvent::Failed(late));
    assert_eq!(session.app.next_wake(session.now), None);
    assert!(session.words().contains("The sign-in timed out"));
    session.press("Enter");
    assert!(
        matches!(session.task().1, BackgroundTask::SignIn(Wanted::Existing(_))),
        "the sign-in starts again"
    );
}

#[test]
fn an_address_is_pasted_and_never_shown() {
    let mut session = with_app();
    let task = session.begin_sign_in();
    session.drain();
    session.paste("http://127.0.0.1:4711/callback?code=c0de&state=other");
    let (_, BackgroundTask::SubmitCallbackUrl(QUESTION, PromptReply::Pasted(text))) =
        session.task()
    else {
        panic!("not handed over")
    };
    assert!(text.same_as(&Secret::from_text(
        "http://127.0.0.1:4711/callback?code=c0de&state=other".to_owned()
    )));
    assert!(!session.words().contains("c0de"));
    session.sign_in(task, SignInEvent::PasteRejected(PromptId(8), trouble()));
    assert!(session.words().contains("It broke"));
    // Typed text is submitted by Enter.
    session.type_text("http://127.0.0.1:4711/callback?code=c0de&state=s");
    assert!(!session.words().contains("It broke"), "another one is typed");
    session.press("Enter");
    assert!(matches!(
        session.task().1,
        BackgroundTask::SubmitCallbackUrl(PromptId(8), PromptReply::Pasted(_))
    ));
}

#[test]
fn closing_cancels_it_until_the_user_has_answered() {
    let mut session = with_app();
    let task = session.begin_sign_in();
    session.press("Esc");
    assert!(
        session
            .drain()
            .iter()
            .any(|effect| matches!(effect, UiEffect::CancelTask(id) if *id == task))
    );
    session.report(task, TaskEvent::Canceled);
    assert!(session.app.dialogs.is_empty());

    let task = session.begin_sign_in();
    session.sign_in(task, SignInEvent::CallbackReceived).drain();
    session.press("C-c");
    assert!(
        !session.drain().iter().any(|effect| matches!(effect, UiEffect::CancelTask(_))),
        "the tokens must be kept"
    );
}

#[test]
fn a_cancelled_sign_in_closes_its_dialog() {
    let mut session = with_app();
    let task = session.begin_sign_in();
    session.press("C-c").report(task, TaskEvent::Canceled);
    assert!(session.app.dialogs.is_empty());
}

#[test]
fn the_result_is_shown() {
    let mut session = with_app();
    let task = session.begin_sign_in();
    session
        .sign_in(task, SignInEvent::CallbackReceived)
        .sign_in(task, SignInEvent::Finished(signed_in(Some(Ok(())))));
    session.report(task, TaskEvent::Done);
    let words = session.words();
    for part in
        ["Signed in", "Acts as: ada (user)", "acme-prod (default)", "previous session was revoked"]
    {
        assert!(words.contains(part), "{part}: {words}");
    }
    session.press("Enter");
    assert!(session.app.dialogs.is_empty());

    let task = session.begin_sign_in();
    session.sign_in(task, SignInEvent::CallbackReceived).press("Esc");
    session.sign_in(task, SignInEvent::Finished(signed_in(None)));
    assert_eq!((session.app.dialogs.is_empty(), session.notice()), (true, "Signed in to triage"));
}

#[test]
fn a_form_without_a_secret_signs_in_and_stays_until_that_ends() {
    let mut session = session();
    session.press("l");
    assert!(session.app.dialogs.top_as::<AddDialog>().is_some(), "the selected one is no session");
    session.type_text("new-one").press("Tab").type_text("client-1");
    session.press("S-Tab S-Tab S-Tab S-Tab S-Tab S-Tab");
    let press_add = |session: &mut TestSession| {
        let on_add = Some(crate::tui::app::widgets::form::FormButton::Submit("Add"));
        let focused = |dialog: &AddDialog| dialog.form().expect("a form").focused_button();
        while session.app.dialogs.top_as().is_some_and(|dialog| focused(dialog) != on_add) {
            session.press("Tab");
        }
        session.press("Enter");
    };
    press_add(&mut session);
    let (task, BackgroundTask::SignIn(Wanted::New(new))) = session.task() else {
        panic!("nothing begins")
    };
    assert_eq!(
        (new.name.as_str(), new.provider.as_str(), new.region.as_str()),
        ("new-one", "snyk-apps", "SNYK-EU-01")
    );
    assert_eq!(new.fields.get("client_id").map(String::as_str), Some("client-1"));
    session
        .sign_in(task, SignInEvent::PageReady(visit()))
        .report(task, TaskEvent::Failed(trouble()));
    assert!(session.app.dialogs.top_as::<AddDialog>().is_some(), "what was typed is not lost");
    press_add(&mut session);
    let task = session.task().0;
    session.report(task, TaskEvent::Credential(CredentialEvent::Changed(Box::new(app()))));
    session
        .sign_in(task, SignInEvent::Finished(signed_in(None)))
        .report(task, TaskEvent::Done)
        .press("Esc");
    assert!(session.app.dialogs.is_empty());
}

#[test]
fn an_access_token_wakes_the_screen_only_while_the_detail_is_seen() {
    let mut session = with_app();
    let life = TokenLifetime {
        since: Some(session.now.wall),
        until: session.now.wall + time::Duration::minutes(59),
    };
    session.report(
        TaskId(3),
        TaskEvent::Credential(CredentialEvent::AccessToken(app().id, Some(life))),
    );
    assert_eq!(session.app.next_wake(session.now), Some(session.now.instant + 60 * SECOND));
    session.press("?");
    assert_eq!(session.app.next_wake(session.now), None);
    session
        .press("Esc")
        .report(TaskId(4), TaskEvent::Credential(CredentialEvent::AccessToken(id(3), None)));
    assert!(
        session.app.next_wake(session.now).is_some(),
        "another credential's is none of its business"
    );
    session.advance_time(3_600 * SECOND);
    assert_eq!(session.app.next_wake(session.now), None);
}

#[test]
fn the_principal_of_a_new_credential_is_shown() {
    let mut session = session();
    let name = CredentialName::parse("triage").expect("a name");
    let classified =
        ClassificationResult { check: check(CheckResult::Accepted, Some(200)), credential: app() };
    session.report(
        TaskId(3),
        TaskEvent::Credential(CredentialEvent::Classified(name.clone(), Box::new(Ok(classified)))),
    );
    assert!(
        session.notice().starts_with("triage: acts as ada (user); sees organizations: 3:"),
        "{}",
        session.notice()
    );
    session.report(
        TaskId(3),
        TaskEvent::Credential(CredentialEvent::Classified(name, Box::new(Err(trouble())))),
    );
    assert_eq!(session.notice(), "triage: stored, but not verified: It broke");
}

#[test]
fn the_user_is_asked_before_a_changing_request_is_repeated() {
    let respond = |session: &mut TestSession, method: HttpMethod| {
        let draft = RequestDraft::new(
            method,
            crate::domain::request::RequestTarget::parse("/rest/self").expect("a path"),
        );
        let id = app().id;
        let (task, effect) = (TaskId(77), draft.clone());
        session.app.console.begin_request(task, id.clone(), session.now.instant);
        let mut exchange = exchange(session, ResponseBody::default());
        (exchange.draft, exchange.response.status) = (effect, 401);
        session.report(task, TaskEvent::ResponseReceived(exchange));
        draft
    };
    let mut session = with_app();
    respond(&mut session, HttpMethod::Get);
    assert!(session.app.dialogs.is_empty(), "what only reads is repeated unasked");
    let draft = respond(&mut session, HttpMethod::Delete);
    assert!(
        session.words().contains("may have expired")
            && session.words().contains("DELETE /rest/self")
    );
    session.press("Enter");
    assert!(
        session.app.dialogs.is_empty() && session.started().is_empty(),
        "the focus is on Cancel"
    );
    respond(&mut session, HttpMethod::Delete);
    session.press("Right Enter");
    let BackgroundTask::Send(SendTask { draft: again, consent: WriteConsent::Given, .. }) =
        session.task().1
    else {
        panic!("not sent")
    };
    assert_eq!(again, draft);
}

#[test]
fn in_a_conversation_what_can_only_be_closed_takes_the_next_command_too() {
    let mut session = with_app();
    let task = session.begin_sign_in();
    session
        .sign_in(task, SignInEvent::CallbackReceived)
        .sign_in(task, SignInEvent::Finished(signed_in(Some(Ok(())))))
        .report(task, TaskEvent::Done);
    let prompt = conversation::next_prompt(&session.app, session.now).expect("a question");
    assert!(prompt.question.contains("1 Close"), "{}", prompt.question);
    session.drain();
    session
        .handle_message(Message::Input(InputEvent::LineEntered(prompt, "quit".to_owned().into())));
    assert!(session.app.dialogs.is_empty());
    assert!(session.drain().iter().any(|effect| matches!(effect, UiEffect::Quit)));
}
