//! Tests of requests: placeholder values, follow-up requests, and what is shown of a response.

use super::*;
use crate::engine::background::protocol::ConsoleTask;
use crate::tui::app::console::{self, follow_up};
use crate::tui::app::credentials::edit_dialog::EditDialog;
use crate::tui::app::rotation::create_dialog::CreateDialog;

/// Delivers the response to the latest request; returns the request.
fn respond(session: &mut TestSession, fill: impl FnOnce(&mut ApiResponse)) -> RequestDraft {
    let (task, BackgroundTask::Send(SendTask { credential, draft, .. })) = session.task() else {
        panic!("not sent")
    };
    let mut exchange = exchange_of(&credential, draft.clone());
    fill(&mut exchange.response);
    session.report(task, TaskEvent::ResponseReceived(exchange)).report(task, TaskEvent::Done);
    draft
}

#[test]
fn a_preset_asks_for_what_it_lacks() {
    let mut session = session();
    session.press("p").type_text("issues of a project").press("Enter");
    assert!(session.app.dialogs.top_as::<ParametersDialog>().is_some(), "nothing was asked");
    session.type_text("p-1").press("Enter Enter Enter");
    assert!(!session.app.dialogs.is_empty(), "p-1 is no UUID");
    let project = "74c237b4-ae4a-4241-a47c-000000000bb7";
    session.press("C-u").type_text(project).press("Enter Enter Enter");
    let Some(console::RequestReadiness::Ready(draft)) = sending::current_request(&session.app)
    else {
        panic!("not filled")
    };
    assert!(draft.address().contains(project), "{draft:?}");
    assert_eq!(session.app.ui_state.focus, Pane::Console);
}

#[test]
fn a_response_is_shown_from_its_head() {
    let mut session = session();
    session.press("p").type_text("list organizations").press("Enter");
    respond(&mut session, |response| {
        let body = r#"{"jsonapi":{"version":"1.0"},"data":[{"id":"o1"},{"id":"o2"}]}"#;
        response.body = ResponseBody::from(body.to_owned());
    });
    let document = session.app.console.document().expect("a body");
    assert_eq!(document.visible_lines().next().expect("a line").text, "{");
    assert_eq!(document.element_index("/data"), Some(0), "the cursor is on the first element");
}

#[test]
fn a_body_is_copied_as_it_came_and_a_failure_names_the_file() {
    let mut session = session();
    session.press("t");
    respond(&mut session, |response| {
        response.body = ResponseBody::from(r#"{"a":[1,2],"b":{}}"#.to_owned());
    });
    session.press("4 B");
    let (task, BackgroundTask::CopyBody { text, remedy }) = session.task() else {
        panic!("not copied")
    };
    assert_eq!(text, r#"{"a":[1,2],"b":{}}"#, "the body, not its drawing");
    assert_eq!(remedy, "write the body to a file: w");
    session.report(task, TaskEvent::Failed(Problem { remedy, ..trouble() }));
    assert!(session.dialog_text().contains("write the body to a file: w"));
}

#[test]
fn groups_that_were_listed_are_offered_by_name() {
    let mut session = session();
    session.press("p").type_text("list groups").press("Enter");
    let (task, BackgroundTask::Send(_)) = session.task() else { panic!("not sent") };
    let groups = r#"{"data":[{"id":"g1","attributes":{"name":"Acme"}},{"id":"g2","attributes":{"name":"Beta"}}]}"#;
    let response = exchange(&session, ResponseBody::from(groups.to_owned()));
    session
        .report(task, TaskEvent::ResponseReceived(response))
        .press("p")
        .type_text("organizations of a group")
        .press("Enter");
    assert!(
        session.app.dialogs.top_as::<PickerDialog<DialogAction>>().is_some(),
        "nothing was offered"
    );
    session.press("Home Down Enter");
    let Some(console::RequestReadiness::Ready(draft)) = sending::current_request(&session.app)
    else {
        panic!("not filled")
    };
    assert!(draft.address().starts_with("/rest/groups/g2/orgs"), "{draft:?}");
    session.press("p").type_text("organizations of a group").press("Enter End Enter");
    assert!(
        session.app.dialogs.top_as::<ParametersDialog>().is_some(),
        "what was not listed can be typed"
    );
}

#[test]
fn what_was_walked_from_is_kept_while_the_rest_is_typed() {
    let mut session = session();
    let of = |org: &str| format!(r#"{{"data":[{{"id":"{org}","attributes":{{"name":"Acme"}}}}]}}"#);
    session.press("p").type_text("list organizations").press("Enter");
    respond(&mut session, |response| response.body = ResponseBody::from(of("o7")));
    session.press("Enter").choose_item("List issues of a project");
    let project = "74c237b4-ae4a-4241-a47c-000000000bb7";
    session.type_text(project).press("Enter Enter Enter");
    let Some(console::RequestReadiness::Ready(draft)) = sending::current_request(&session.app)
    else {
        panic!("not filled")
    };
    assert!(
        draft.address().contains("/orgs/o7/issues") && draft.address().contains(project),
        "{draft:?}"
    );
}

#[test]
fn what_a_project_is_of_goes_along_with_it() {
    let mut session = session();
    session.press("p").type_text("list organizations").press("Enter");
    respond(&mut session, |response| {
        response.body = ResponseBody::from(r#"{"data":[{"id":"o1"},{"id":"o2"}]}"#.to_owned());
    });
    session.press("p").type_text("list projects").press("Enter Down Enter");
    let draft = respond(&mut session, |response| {
        response.body =
            ResponseBody::from(r#"{"data":[{"id":"p1","attributes":{"name":"web"}}]}"#.to_owned());
    });
    assert!(draft.address().contains("/orgs/o2/projects"), "{draft:?}");
    session.press("p").type_text("list issues of a project").press("Enter Enter Enter");
    let Some(console::RequestReadiness::Ready(draft)) = sending::current_request(&session.app)
    else {
        panic!("not filled")
    };
    assert!(
        draft.address().contains("/orgs/o2/issues") && draft.address().contains("p1"),
        "{draft:?}"
    );
    session.press("p").type_text("list issues of a project").press("Enter Up Enter");
    assert!(
        session.app.dialogs.top_as::<ParametersDialog>().is_some(),
        "p1 does not belong to the other organization"
    );
}

#[test]
fn a_preset_that_only_reads_is_sent_after_a_word_and_any_other_after_the_name() {
    let mut session = session();
    session.press("p").type_text("aggregated").press("Enter");
    session.type_text("74c237b4-ae4a-4241-a47c-000000000bb7").press("Enter Enter Enter");
    session.press("Enter");
    let (_, BackgroundTask::Send(SendTask { draft, consent, .. })) = session.task() else {
        panic!("not sent")
    };
    assert_eq!((draft.method, consent), (HttpMethod::Post, WriteConsent::Given));
}

#[test]
fn what_is_found_is_shown_until_it_is_dropped_and_filters_come_back_one_by_one() {
    let mut session = session();
    session.press("4 t");
    respond(&mut session, |response| {
        response.body = ResponseBody::from(r#"{"a":1,"b":1,"c":2}"#.to_owned());
    });
    session.press("/").type_text("1").press("Enter n");
    let found = |session: &TestSession| {
        session.app.console.search_matches().map(|found| (found.current, found.total))
    };
    assert_eq!(found(&session), Some((Some(2), 2)));
    session.press("Esc");
    assert_eq!(found(&session), None);
    for filter in [".a", ".b"] {
        session.press("| C-u").type_text(filter).press("Enter");
    }
    session.press("| Up");
    assert_eq!(
        session.app.console.prompt.as_ref().map(|prompt| prompt.input.value()),
        Some(".a"),
        "the one before the shown one"
    );
}

#[test]
fn what_to_do_about_a_refusal_is_shown_however_long_the_reason_is() {
    let mut session = session();
    session.press("4 t");
    let (task, BackgroundTask::Send(SendTask { credential, draft, .. })) = session.task() else {
        panic!("not sent")
    };
    let mut response = exchange_of(&credential, draft);
    response.explanation = Some(Problem::new("403: no", "because ".repeat(200), "Ask for a role"));
    session.report(task, TaskEvent::ResponseReceived(response)).report(task, TaskEvent::Done);
    let lines: Vec<_> = session.app.explanation_lines().into_iter().map(|(_, text)| text).collect();
    assert_eq!(
        (lines[0].as_str(), lines.last().map(String::as_str)),
        ("403: no", Some("Ask for a role"))
    );
    assert!(lines[lines.len() - 2].ends_with('…'), "{lines:?}");
}

#[test]
fn an_answer_that_is_no_list_is_not_lost_to_the_search_for_its_pages() {
    let mut session = session();
    session.press("4 t");
    respond(&mut session, |response| {
        response.url = "https://api.eu.snyk.io/rest/self".to_owned();
        response.body = ResponseBody::from(r#"{"data":{"id":"u1"}}"#.to_owned());
    });
    for key in ["m", "n", "L"] {
        session.press(key);
        assert!(
            session.notice().contains("not a paginated list")
                && session.app.console.response().is_some(),
            "{key}"
        );
        session.drain();
    }
    session.press("K");
    assert!(session.notice().contains("no new secret"), "{}", session.notice());
}

#[test]
fn the_documentation_of_a_preset_is_a_key_away() {
    let mut session = session();
    session.press("p").type_text("list projects").press("C-o");
    let opened = session
        .drain()
        .into_iter()
        .find_map(|effect| if let UiEffect::OpenUrl(page) = effect { Some(page) } else { None });
    assert_eq!(opened.expect("a page").path(), "/developer-tools/snyk-api/reference/projects");
    assert!(!session.app.dialogs.is_empty(), "the list stays");
}

#[test]
fn a_budget_is_counted_down_while_it_is_shown() {
    let mut session = session();
    session.press("4 t");
    let (task, BackgroundTask::Send(SendTask { credential, draft, .. })) = session.task() else {
        panic!("not sent")
    };
    let mut response = exchange_of(&credential, draft);
    let headers =
        [("x-ratelimit-limit", "160"), ("x-ratelimit-remaining", "37"), ("x-ratelimit-reset", "2")];
    response.response.headers =
        headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    session.report(task, TaskEvent::ResponseReceived(response)).report(task, TaskEvent::Done);
    let wake = |session: &TestSession| session.app.console.next_wake(&credential, session.now);
    let words = |session: &TestSession| {
        session.app.console.response().and_then(|shown| shown.limits(session.now.wall).describe())
    };
    assert_eq!(words(&session).as_deref(), Some("37 of 160 left, resets in 2 s"));
    assert_eq!(wake(&session), Some(session.now.instant + Duration::from_secs(1)));
    session.now.wall += time::Duration::seconds(2);
    assert_eq!((words(&session).as_deref(), wake(&session)), (Some("160 of 160 left"), None));
    assert!(follow_up::response_matches_request(
        &session.app,
        session.app.console.response().expect("an answer")
    ));
    session.press("p").type_text("list groups").press("Enter");
    assert!(
        !session
            .app
            .console
            .response()
            .is_some_and(|shown| follow_up::response_matches_request(&session.app, shown)),
        "it answers what was asked before"
    );
}

#[test]
fn enter_continues_with_an_element_and_sends_what_was_chosen_since() {
    let mut session = session();
    session.press("p").type_text("list organizations").press("Enter");
    let listed = r#"{"data":[{"id":"o1","attributes":{"name":"Acme"}},{"id":"o2","attributes":{"name":"Beta"}}]}"#;
    respond(&mut session, |response| response.body = ResponseBody::from(listed.to_owned()));
    assert_eq!(
        follow_up::follow_up_requests(&session.app).map(|onward| onward.name).as_deref(),
        Some("Acme")
    );
    session.press("Enter").choose_item("List projects");
    let (task, BackgroundTask::Send(SendTask { draft, .. })) = session.task() else {
        panic!("a request that reads is sent at once")
    };
    assert!(draft.address().contains("/orgs/o1/projects"), "{draft:?}");
    session.report(task, TaskEvent::Canceled);
    assert!(session.app.console.response().is_some(), "what was shown before is shown again");
    assert!(
        follow_up::follow_up_requests(&session.app).is_none(),
        "it is no answer to what Enter sends now"
    );
}

#[test]
fn a_value_is_chosen_from_what_the_provider_lists() {
    let mut session = session();
    session.press("/").type_text("ci-scanner").press("Enter e Tab Tab Tab Tab C-o");
    let (task, BackgroundTask::Console(ConsoleTask::AllPages(send))) = session.task() else {
        panic!("the list was not asked for")
    };
    assert_eq!(
        (send.draft.preset.as_deref(), send.consent),
        (Some("orgs"), WriteConsent::NotAsked)
    );
    let listed =
        r#"[{"id":"o1","attributes":{"name":"Acme"}},{"id":"o2","attributes":{"name":"Beta"}}]"#;
    // The request was accepted, which changes the credential before the response arrives.
    let changed = Box::new(session.app.selected().expect("a credential").clone());
    session.report(task, TaskEvent::Credential(CredentialEvent::Changed(changed)));
    let mut response = exchange_of(&send.credential, send.draft.clone());
    response.response.body = ResponseBody::from(listed.to_owned());
    session.report(task, TaskEvent::ResponseReceived(response)).report(task, TaskEvent::Done);
    assert!(session.dialog_text().contains("Beta"), "{}", session.dialog_text());
    session.press("Down Enter");
    let Some(edit) = session.app.dialogs.top_as::<EditDialog>() else { panic!("no form") };
    assert_eq!(edit.form().expect("a form").value("field:org_id"), "o2");
}

#[test]
fn an_element_of_a_response_opens_forms_with_its_value() {
    let mut session = session();
    session.press("p").type_text("list organizations").press("Enter");
    let listed = r#"{"data":[{"id":"o7","attributes":{"name":"Acme"}}]}"#;
    respond(&mut session, |response| response.body = ResponseBody::from(listed.to_owned()));
    session.press("Enter").choose_item("Create credential");
    let Some(create) = session.app.dialogs.top_as::<CreateDialog>() else { panic!("no form") };
    assert_eq!(create.form().expect("a form").value("field:org_id"), "o7");
}

#[test]
fn the_values_of_a_new_credential_are_listed_for_the_one_that_creates_it() {
    let mut session = session();
    session.press("/").type_text("ci-scanner").press("Enter C-n Down Down Right");
    let Some(create) = session.app.dialogs.top_as::<CreateDialog>() else { panic!("no form") };
    let administrator = create.form().expect("a form").value("administrator").to_owned();
    let org =
        create.form().expect("a form").fields.iter().position(|field| field.id == "field:org_id");
    session.press(&"Down ".repeat(org.expect("a field") - 2)).press("C-o");
    let (_, BackgroundTask::Console(ConsoleTask::AllPages(send))) = session.task() else {
        panic!("the list was not asked for")
    };
    assert_eq!(send.credential.as_str(), administrator);
    assert_ne!(send.credential, id(0), "the selected one is the template");
}
