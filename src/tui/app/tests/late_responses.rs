//! Tests of responses that arrive after the user has done something else, or that are computed
//! elsewhere.

use super::*;
use crate::tui::app::credentials::add_dialog::AddDialog;

#[test]
fn an_outdated_response_is_dropped() {
    let mut session = session();
    session.press("t");
    let (old, _) = session.task();
    session.press("t");
    let (new, _) = session.task();
    let late = exchange(&session, ResponseBody::from("{\"late\":1}".to_owned()));
    session
        .report(old, TaskEvent::ResponseReceived(late))
        .report(old, TaskEvent::Failed(trouble()));
    assert!(session.app.console.waits_for(new));
    let response = exchange(&session, ResponseBody::from("{}".to_owned()));
    session.report(new, TaskEvent::ResponseReceived(response));
    assert!(session.app.console.response().is_some());
}

#[test]
fn a_fresh_secret_that_could_not_be_stored_is_asked_about_before_it_is_left() {
    let mut session = session();
    session.press("t");
    let (task, _) = session.task();
    let mut response = exchange(&session, ResponseBody::from("{}".to_owned()));
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
    let mut response = exchange(&session, ResponseBody::from("{}".to_owned()));
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
    let response = exchange(&session, ResponseBody::default());
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
            checked: (&id(0)).into(),
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
        TaskEvent::Checked {
            checked: (&id(1)).into(),
            region: "SNYK-AU-01".to_owned(),
            check: refused,
        },
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
fn a_check_of_an_earlier_secret_is_dropped() {
    let mut session = session();
    let known = session.app.credentials.get(&id(0)).expect("it").clone();
    let mut report = |fingerprint: Option<String>| {
        let checked = CheckedSecret { credential: id(0), fingerprint };
        let region = known.region.clone();
        let refused = check(CheckResult::Refused, Some(401));
        session.report(TaskId(999), TaskEvent::Checked { checked, region, check: refused });
        let shown = session.app.credentials.get(&id(0)).expect("it").last_check.clone();
        shown.expect("a check").result
    };
    assert_eq!(report(Some("of the secret before".to_owned())), CheckResult::Accepted);
    assert_eq!(report(known.fingerprint.clone()), CheckResult::Refused);
}

#[test]
fn a_large_body_is_laid_out_elsewhere() {
    let mut session = session();
    session.press("t");
    let (task, _) = session.task();
    let text = format!("[{}1]", "1,".repeat(100_000));
    let response = exchange(&session, ResponseBody::from(text));
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
    let response = exchange(&session, ResponseBody::from(format!("[{}]", list.join(","))));
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

impl TestSession {
    fn burst(&mut self, text: &str) -> &mut Self {
        self.handle_message(Message::Input(InputEvent::Burst(text.to_owned().into())))
    }

    fn offers_paste(&self) -> bool {
        self.app.dialogs.top_as::<AddDialog>().is_some()
    }

    fn dialog_title(&self) -> String {
        let dialog = self.app.dialogs.top();
        dialog.map(|dialog| dialog.view(&self.app, self.now).title.clone()).unwrap_or_default()
    }
}

#[test]
fn a_burst_on_the_main_screen_is_a_paste_and_runs_no_command() {
    for text in ["rotate", "q\nquit\n", ",tyq12", "/one\nline too many"] {
        let mut session = session();
        session.burst(text);
        assert!(session.offers_paste(), "{text:?}");
        assert!(session.drain().iter().all(|effect| !matches!(effect, UiEffect::Quit)), "{text:?}");
        session.press("Esc");
        assert_eq!(session.selected(), "appsec-bot");
    }
}

#[test]
fn what_opens_an_input_is_typed_ahead() {
    let mut session = session();
    session.burst("/appsec-bot\n");
    assert_eq!(session.app.credentials.visible_count(), 1);
    assert!(!session.app.credentials.filter.typing);
    session.burst(":quit\n");
    assert!(session.drain().iter().all(|effect| !matches!(effect, UiEffect::Quit)));
    assert_eq!(
        session.dialog_title(),
        "Help: type to search, Enter to run",
        "the command is shown and not run"
    );
}

#[test]
fn a_burst_is_typed_into_what_takes_text_only() {
    let mut session = session();
    session.press("/").burst("appsec-bot\nquit\n");
    assert!(session.app.credentials.filter.typing, "a line break does not end the input");
    session.press("Esc").press("!").burst("xq x x q\n");
    assert_eq!(session.dialog_title(), "Activity", "a dialog without text ignores it");
}

#[test]
fn a_command_has_its_key_on_every_keyboard() {
    for add in ["ф", "α"] {
        let mut session = session();
        session.press(add);
        assert!(session.offers_paste(), "{add}");
        session.press("Esc").press("/").press(add);
        assert_eq!(session.app.credentials.filter.input.value(), add, "text stays text");
        session.press("Esc").press("!").press("й");
        assert_eq!(session.dialog_title(), "", "a dialog closes by q, which is й here");
    }
    let layout_key = |session: &mut TestSession| {
        let key = InputEvent::LayoutKey(KeyPress::char('ש'), KeyPress::char('a'));
        session.handle_message(Message::Input(key));
    };
    let mut session = session();
    layout_key(&mut session);
    assert!(session.offers_paste());
    session.press("Esc").press("/");
    layout_key(&mut session);
    assert_eq!(session.app.credentials.filter.input.value(), "ש");
}
