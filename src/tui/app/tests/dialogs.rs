//! Dialogs: what is asked before something happens, what is typed into them, and what they send.

use super::*;
use crate::tui::app::{Reach, console, form};

// Dialogs.

#[test]
fn dialogs_stack_and_escape_closes_the_top_one() {
    let mut session = session();
    session.press("!").paste("nothing happens");
    session.press("Esc : ").type_text("add");
    assert!(matches!(session.app.dialogs.top(), Some(Dialog::Pick(_))));
    session.press("Enter");
    assert!(matches!(session.app.dialogs.top(), Some(Dialog::Add(_))));
    session.press("Esc");
    assert!(session.app.dialogs.is_empty());
    session.press("Esc");
    assert!(session.drain().iter().all(|effect| !matches!(effect, Effect::Quit)));
}

#[test]
fn a_credential_goes_only_when_its_name_is_typed() {
    let mut session = session();
    let name = session.selected().to_owned();
    session.press("X Down Enter Enter");
    assert!(session.app.dialogs.is_empty() && session.started().is_empty(), "Enter cancels");
    session.press("X Down Enter").type_text("wrong").press("Tab Enter");
    assert!(!session.app.dialogs.is_empty() && session.started().is_empty());
    session.press("C-u").type_text(&name).press("Enter");
    let (task, Task::Keyring(KeyringTask::Remove(gone))) = session.task() else { panic!("not removed") };
    session.report(task, Event::Keyring(KeyringEvent::Removed(gone))).report(task, Event::Done);
    assert_ne!(session.selected(), name);
}

#[test]
fn all_regions_are_tried_only_after_a_yes() {
    let mut session = session();
    session.press("A Enter");
    assert!(session.started().is_empty(), "the focus is on Cancel");
    session.press("A Tab Enter");
    assert!(matches!(session.task().1, Task::Check(CheckTask::AllRegions(_))));
}

#[test]
fn a_request_that_changes_something_names_what_it_touches_and_wants_the_name_typed() {
    let mut session = session();
    session.press("4 e S-Tab").type_text("d").press("Tab Tab Tab Tab Tab Tab Enter Enter");
    assert!(session.started().is_empty());
    let Some(Dialog::Confirm(_)) = session.app.dialogs.top() else { panic!("nothing was asked") };
    let name = session.selected().to_owned();
    session.type_text(&name).press("Tab Enter");
    let Task::Send(SendTask { draft, consent, .. }) = session.task().1 else { panic!("nothing was sent") };
    assert_eq!((draft.method, consent), (Method::Delete, Consent::Given));
}

#[test]
fn a_read_only_screen_refuses_before_anything_is_asked() {
    let mut session = session();
    session.app.preferences.reach = Reach::ReadOnly;
    session.press("4 e S-Tab").type_text("d").press("Tab Tab Tab Tab Tab Tab Enter Enter");
    assert!(session.app.dialogs.is_empty() && session.started().is_empty());
    assert!(session.notice().starts_with("Read-only"));
}

#[test]
fn a_preset_asks_for_what_it_lacks() {
    let mut session = session();
    session.press("p").type_text("issues of a project").press("Enter");
    let Some(Dialog::Parameters(_)) = session.app.dialogs.top() else { panic!("nothing was asked") };
    session.type_text("p-1").press("Enter Enter Enter");
    assert!(!session.app.dialogs.is_empty(), "p-1 is no UUID");
    let project = "74c237b4-ae4a-4241-a47c-000000000bb7";
    session.press("C-u").type_text(project).press("Enter Enter Enter");
    let Some(console::Ready::Draft(draft)) = session.app.request() else { panic!("not filled") };
    assert!(draft.address().contains(project), "{draft:?}");
    assert_eq!(session.app.stage.focus, Pane::Console);
}

#[test]
fn groups_that_were_listed_are_offered_by_name() {
    let mut session = session();
    session.press("p").type_text("list groups").press("Enter Enter");
    let (task, Task::Send(_)) = session.task() else { panic!("not sent") };
    let groups = r#"{"data":[{"id":"g1","attributes":{"name":"Acme"}},{"id":"g2","attributes":{"name":"Beta"}}]}"#;
    let answer = exchange(&session, Body::Text(groups.to_owned()));
    session.report(task, Event::Answered(answer)).press("p").type_text("organisations of a group").press("Enter");
    let Some(Dialog::Pick(_)) = session.app.dialogs.top() else { panic!("nothing was offered") };
    session.type_text("et").press("Enter");
    let Some(console::Ready::Draft(draft)) = session.app.request() else { panic!("not filled") };
    assert!(draft.address().starts_with("/rest/groups/g2/orgs"), "{draft:?}");
    session.press("p").type_text("organisations of a group").press("Enter").type_text("another").press("Enter");
    assert!(matches!(session.app.dialogs.top(), Some(Dialog::Parameters(_))), "what was not listed can be typed");
}

#[test]
fn what_was_walked_from_is_kept_while_the_rest_is_typed() {
    let mut session = session();
    let of = |org: &str| format!(r#"{{"data":[{{"id":"{org}","attributes":{{"name":"Acme"}}}}]}}"#);
    session.press("p").type_text("list organisations").press("Enter Enter");
    let (task, Task::Send(SendTask { credential, draft, .. })) = session.task() else { panic!("not sent") };
    let mut answer = exchange_of(&credential, draft);
    answer.answer.body = Body::Text(of("o7"));
    session.report(task, Event::Answered(answer)).report(task, Event::Done);
    session.press("Enter").type_text("list issues of a project").press("Enter");
    let project = "74c237b4-ae4a-4241-a47c-000000000bb7";
    session.type_text(project).press("Enter Enter Enter");
    let Some(console::Ready::Draft(draft)) = session.app.request() else { panic!("not filled") };
    assert!(draft.address().contains("/orgs/o7/issues") && draft.address().contains(project), "{draft:?}");
}

#[test]
fn what_a_project_is_of_goes_along_with_it() {
    let mut session = session();
    session.press("p").type_text("list organisations").press("Enter Enter");
    let (task, Task::Send(SendTask { credential, draft, .. })) = session.task() else { panic!("not sent") };
    let mut answer = exchange_of(&credential, draft);
    answer.answer.body = Body::Text(r#"{"data":[{"id":"o1"},{"id":"o2"}]}"#.to_owned());
    session.report(task, Event::Answered(answer)).report(task, Event::Done);
    session.press("p").type_text("list projects").press("Enter Down Enter Enter");
    let (task, Task::Send(SendTask { credential, draft, .. })) = session.task() else { panic!("not sent") };
    assert!(draft.address().contains("/orgs/o2/projects"), "{draft:?}");
    let mut answer = exchange_of(&credential, draft);
    answer.answer.body = Body::Text(r#"{"data":[{"id":"p1","attributes":{"name":"web"}}]}"#.to_owned());
    session.report(task, Event::Answered(answer)).report(task, Event::Done);
    session.press("p").type_text("list issues of a project").press("Enter Enter Enter");
    let Some(console::Ready::Draft(draft)) = session.app.request() else { panic!("not filled") };
    assert!(draft.address().contains("/orgs/o2/issues") && draft.address().contains("p1"), "{draft:?}");
    session.press("p").type_text("list issues of a project").press("Enter Up Enter");
    assert!(matches!(session.app.dialogs.top(), Some(Dialog::Parameters(_))), "p1 is none of the other organisation's");
}

#[test]
fn a_preset_that_only_reads_is_sent_after_a_word_and_any_other_after_the_name() {
    let mut session = session();
    session.press("p").type_text("aggregated").press("Enter");
    session.type_text("74c237b4-ae4a-4241-a47c-000000000bb7").press("Enter Enter Enter");
    session.press("Enter Enter");
    let (_, Task::Send(SendTask { draft, consent, .. })) = session.task() else { panic!("not sent") };
    assert_eq!((draft.method, consent), (Method::Post, Consent::Given));
}

#[test]
fn the_documentation_of_a_preset_is_a_key_away() {
    let mut session = session();
    session.press("p").type_text("list projects").press("C-o");
    let opened = session.drain().into_iter().find_map(|effect| if let Effect::Open(page) = effect { Some(page) } else { None });
    assert_eq!(opened.expect("a page").path(), "/developer-tools/snyk-api/reference/projects");
    assert!(!session.app.dialogs.is_empty(), "the list stays");
}

#[test]
fn a_budget_is_counted_down_while_it_is_shown() {
    let mut session = session();
    session.press("4 t");
    let (task, Task::Send(SendTask { credential, draft, .. })) = session.task() else { panic!("not sent") };
    let mut answer = exchange_of(&credential, draft);
    let headers = [("x-ratelimit-limit", "160"), ("x-ratelimit-remaining", "37"), ("x-ratelimit-reset", "2")];
    answer.answer.headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    session.report(task, Event::Answered(answer)).report(task, Event::Done);
    let wake = |session: &Session| session.app.console.next_wake(&credential, session.now);
    let words = |session: &Session| session.app.console.answered().and_then(|shown| shown.limits(session.now.wall).words());
    assert_eq!(words(&session).as_deref(), Some("37 of 160 left, resets in 2 s"));
    assert_eq!(wake(&session), Some(session.now.instant + Duration::from_secs(1)));
    session.now.wall += time::Duration::seconds(2);
    assert_eq!((words(&session).as_deref(), wake(&session)), (Some("160 of 160 left"), None));
    assert!(session.app.is_answered(session.app.console.answered().expect("an answer")));
    session.press("p").type_text("list groups").press("Enter");
    assert!(
        !session.app.console.answered().is_some_and(|shown| session.app.is_answered(shown)),
        "it answers what was asked before"
    );
}

// Adding and editing.

#[test]
fn enter_goes_on_with_an_element_and_sends_what_was_chosen_since() {
    let mut session = session();
    session.press("p").type_text("list organisations").press("Enter Enter");
    let (task, Task::Send(SendTask { credential, draft, .. })) = session.task() else { panic!("not sent") };
    let mut answer = exchange_of(&credential, draft);
    let listed = r#"{"data":[{"id":"o1","attributes":{"name":"Acme"}},{"id":"o2","attributes":{"name":"Beta"}}]}"#;
    answer.answer.body = Body::Text(listed.to_owned());
    session.report(task, Event::Answered(answer)).report(task, Event::Done);
    assert_eq!(session.app.onward().map(|onward| onward.name).as_deref(), Some("Acme"));
    session.press("Enter").type_text("list projects").press("Enter");
    let (task, Task::Send(SendTask { draft, .. })) = session.task() else { panic!("a request that reads is sent at once") };
    assert!(draft.address().contains("/orgs/o1/projects"), "{draft:?}");
    session.report(task, Event::Cancelled);
    assert!(session.app.console.answered().is_some(), "what was shown before is shown again");
    assert!(session.app.onward().is_none(), "it is no answer to what Enter sends now");
}

#[test]
fn a_pasted_token_says_what_it_is_and_is_added() {
    let mut session = session();
    session.paste(&format!("\"{TOKEN}\"\n"));
    let (task, Task::Keyring(KeyringTask::Identify(_))) = session.task() else { panic!("not identified") };
    session.report(task, identified(&["laptop"]));
    let sheet = session.app.dialogs.top().expect("a dialog").sheet(&session.app, session.now);
    let words: String = sheet.head.iter().map(|row| if let Row::Text(_, text) = row { text.as_str() } else { "" }).collect();
    assert!(words.contains("quotes") && words.contains("laptop") && words.contains("begins with snyk_uat."), "{words}");

    session.type_text("laptop");
    let press_add = |session: &mut Session| {
        while session.app.dialogs.top().is_some_and(
            |dialog| !matches!(dialog, Dialog::Add(add) if add.form.focused_button() == Some(form::Button::Act("Add"))),
        ) {
            session.press("Tab");
        }
        session.press("Enter");
    };
    press_add(&mut session);
    assert!(session.started().is_empty(), "a name that is taken is refused");
    session.type_text("-2");
    press_add(&mut session);
    let (task, Task::Keyring(KeyringTask::Add(new, Inquiry::Ask))) = session.task() else { panic!("not added") };
    assert_eq!((new.name.as_str(), new.kind.as_str(), new.region.as_str()), ("laptop-2", "personal-access-token", "SNYK-AU-01"));
    assert!(new.expires.is_some() && new.secret.same_as(&Secret::from_text(TOKEN.to_owned())));

    session.report(task, Event::Failed(trouble()));
    assert!(!session.app.dialogs.is_empty(), "what was typed is not lost");
    session.press("Enter");
    let (task, _) = session.task();
    session.report(task, Event::Done);
    assert!(session.app.dialogs.is_empty());
}

#[test]
fn what_cannot_be_seen_in_a_paste_is_named() {
    let mut session = session();
    session.paste("snyk_uat.ab\u{200b}cd");
    assert!(session.started().is_empty());
    let Some(Dialog::Add(add)) = session.app.dialogs.top() else { panic!("no dialog") };
    let problem = add.form.fields[0].problem.clone().unwrap_or_default();
    assert!(problem.contains("zero-width space (U+200B)"), "{problem}");
}

#[test]
fn only_what_was_changed_is_edited() {
    let mut session = session();
    session.press("e").type_text("2").press("S-Tab Enter");
    let Task::Keyring(KeyringTask::Edit(_, edit)) = session.task().1 else { panic!("not edited") };
    assert_eq!(edit.name.map(|name| name.to_string()), Some("appsec-bot2".to_owned()));
    assert!(
        edit.region.is_none()
            && edit.labels.is_none()
            && edit.expires.is_none()
            && edit.fields.is_empty()
            && edit.secret.is_none()
    );
}
