//! Tests of dialogs: confirmations, typed input, and the actions they return.

use super::*;
use crate::tui::app::RequestMode;
use crate::tui::app::widgets::form;

#[test]
fn dialogs_stack_and_escape_closes_the_top_one() {
    let mut session = session();
    session.press("!").paste("nothing happens");
    session.press("Esc : ").type_text("add");
    assert!(session.app.dialogs.top_as::<PickerDialog<DialogAction>>().is_some());
    session.press("Enter");
    assert!(session.app.dialogs.top_as::<AddDialog>().is_some());
    session.press("Esc");
    assert!(session.app.dialogs.is_empty());
    session.press("Esc");
    assert!(session.drain().iter().all(|effect| !matches!(effect, UiEffect::Quit)));
}

#[test]
fn a_credential_goes_only_when_its_name_is_typed() {
    let mut session = session();
    let name = session.selected().to_owned();
    // The dialog asks which unfinished rotations need the credential; that deletes nothing.
    session.press("X Down Enter").drain();
    session.press("Enter");
    assert!(session.app.dialogs.is_empty() && session.started().is_empty(), "Enter cancels");
    session.press("X Down Enter").drain();
    session.type_text("wrong").press("Tab Enter");
    assert!(!session.app.dialogs.is_empty() && session.started().is_empty());
    session.press("C-u").type_text(&name).press("Enter");
    let (task, BackgroundTask::Credential(CredentialTask::Remove(gone))) = session.task() else {
        panic!("not removed")
    };
    session
        .report(task, TaskEvent::Credential(CredentialEvent::Removed(gone)))
        .report(task, TaskEvent::Done);
    assert_ne!(session.selected(), name);
}

#[test]
fn all_regions_are_tried_only_after_a_yes() {
    let mut session = session();
    session.press("A Enter");
    assert!(session.started().is_empty(), "the focus is on Cancel");
    session.press("A Tab Enter");
    assert!(matches!(session.task().1, BackgroundTask::CheckAllRegions(_)));
}

#[test]
fn a_request_that_changes_something_names_what_it_touches_and_wants_the_name_typed() {
    let mut session = session();
    session.press("4 e S-Tab").type_text("d").press("C-r");
    assert!(session.started().is_empty());
    assert!(session.app.dialogs.top_as::<ConfirmDialog>().is_some(), "nothing was asked");
    let name = session.selected().to_owned();
    session.type_text(&name).press("Tab Enter");
    let BackgroundTask::Send(SendTask { draft, consent, .. }) = session.task().1 else {
        panic!("nothing was sent")
    };
    assert_eq!((draft.method, consent), (HttpMethod::Delete, WriteConsent::Given));
}

#[test]
fn a_read_only_screen_refuses_before_anything_is_asked() {
    let mut session = session();
    session.app.preferences.request_mode = RequestMode::ReadOnly;
    session.press("4 e S-Tab").type_text("d").press("C-r");
    assert!(session.app.dialogs.is_empty() && session.started().is_empty());
    assert!(session.notice().starts_with("Read-only"));
}

#[test]
fn a_pasted_token_says_what_it_is_and_is_added() {
    let mut session = session();
    session.paste(&format!("\"{TOKEN}\"\n"));
    let (task, BackgroundTask::Credential(CredentialTask::Identify(_))) = session.task() else {
        panic!("not identified")
    };
    session.report(task, identified(&["laptop"]));
    let view = session.app.dialogs.top().expect("a dialog").view(&session.app, session.now);
    let words: String = view
        .head
        .iter()
        .map(|row| if let DialogRow::Text(_, text) = row { text.as_str() } else { "" })
        .collect();
    assert!(
        words.contains("quotes")
            && words.contains("laptop")
            && words.contains("begins with snyk_uat."),
        "{words}"
    );

    session.type_text("laptop");
    let press_add = |session: &mut TestSession| {
        let on_add = Some(form::FormButton::Submit("Add"));
        let focused = |dialog: &AddDialog| dialog.form().expect("a form").focused_button();
        while session.app.dialogs.top_as().is_some_and(|dialog| focused(dialog) != on_add) {
            session.press("Tab");
        }
        session.press("Enter");
    };
    press_add(&mut session);
    assert!(session.started().is_empty(), "a name that is taken is refused");
    session.type_text("-2");
    press_add(&mut session);
    let (task, BackgroundTask::Credential(CredentialTask::Add(new, ClassifyPolicy::AskProvider))) =
        session.task()
    else {
        panic!("not added")
    };
    assert_eq!(
        (new.name.as_str(), new.kind.as_str(), new.region.as_str()),
        ("laptop-2", "personal-access-token", "SNYK-AU-01")
    );
    assert!(new.expires.is_some() && new.secret.same_as(&Secret::from_text(TOKEN.to_owned())));

    session.report(task, TaskEvent::Failed(trouble()));
    assert!(!session.app.dialogs.is_empty(), "what was typed is not lost");
    session.press("Enter");
    let (task, _) = session.task();
    session.report(task, TaskEvent::Done);
    assert!(session.app.dialogs.is_empty());
}

#[test]
fn a_region_that_is_only_assumed_is_named_and_tried_when_the_user_adds() {
    let add = |candidates: usize| {
        let mut session = session();
        session.paste("0000abcd-0000-4000-8000-00000000a5ca");
        let (task, _) = session.task();
        let TaskEvent::Credential(CredentialEvent::Identified {
            secret,
            cleaned,
            candidates: known,
            duplicates,
        }) = identified(&[])
        else {
            panic!("not identified")
        };
        let unlocated = |known| IdentificationCandidate { region: None, ..known };
        let candidates = known.into_iter().map(unlocated).take(candidates).collect();
        let found = CredentialEvent::Identified { secret, cleaned, candidates, duplicates };
        session.report(task, TaskEvent::Credential(found));
        let text = session.dialog_text();
        session.press("C-u");
        let form = session.app.dialogs.top_as_mut::<AddDialog>().expect("a form").form_mut();
        form.expect("a form").focus_on("name");
        session.type_text("new-one");
        let on_add = Some(form::FormButton::Submit("Add"));
        let focused = |dialog: &AddDialog| dialog.form().expect("a form").focused_button();
        while session.app.dialogs.top_as().is_some_and(|dialog| focused(dialog) != on_add) {
            session.press("Tab");
        }
        session.press("Enter");
        let BackgroundTask::Credential(CredentialTask::Add(new, policy)) = session.task().1 else {
            panic!("not added")
        };
        (text, new.region, policy)
    };
    let (text, region, policy) = add(1);
    assert!(text.contains(&format!("{region} is assumed")), "{text}");
    assert!(text.contains("Add sends the secret to api."), "{text}");
    assert_eq!(policy, ClassifyPolicy::AskProvider);
    let (text, _, policy) = add(0);
    assert!(!text.contains("assumed"), "{text}");
    assert_eq!(policy, ClassifyPolicy::StayOffline, "not even the provider is known");
}

#[test]
fn what_cannot_be_seen_in_a_paste_is_named() {
    let mut session = session();
    session.paste("snyk_uat.ab\u{200b}cd");
    assert!(session.started().is_empty());
    let Some(add) = session.app.dialogs.top_as::<AddDialog>() else { panic!("no dialog") };
    let problem = add.form().expect("a form").fields[0].problem.clone().unwrap_or_default();
    assert!(problem.contains("zero-width space (U+200B)"), "{problem}");
}

#[test]
fn only_what_was_changed_is_edited() {
    let mut session = session();
    session.press("e").type_text("2").press("S-Tab Enter");
    let BackgroundTask::Credential(CredentialTask::Edit(_, edit)) = session.task().1 else {
        panic!("not edited")
    };
    assert_eq!(edit.name.map(|name| name.to_string()), Some("appsec-bot2".to_owned()));
    assert!(
        edit.region.is_none()
            && edit.labels.is_none()
            && edit.expires.is_none()
            && edit.fields.is_empty()
            && edit.secret.is_none()
    );
}

#[test]
fn the_region_picker_has_columns_and_starts_where_the_credential_was_accepted() {
    let mut session = session();
    let refused_in = session.app.selected().expect("a credential").region.clone();
    let of = session.app.selected().expect("a credential").id.clone();
    let mut report = |region: &str, result| {
        let region = region.to_owned();
        let checked = (&of).into();
        session
            .report(TaskId(99), TaskEvent::Checked { checked, region, check: check(result, None) });
        session.press("R");
        let view = session.app.dialogs.top().expect("a list").view(&session.app, session.now);
        let items = view.body.iter().filter_map(|row| match row {
            DialogRow::Item(item) => Some(item.clone()),
            _ => None,
        });
        let items: Vec<_> = items.collect();
        session.press("Esc");
        items
    };
    let own = |items: &[ListItem]| {
        items.iter().find(|item| item.selected).expect("a selected item").text.clone()
    };
    assert_eq!(own(&report("SNYK-US-02", CheckResult::Accepted)), refused_in, "it works here");
    let items = report(&refused_in, CheckResult::Refused);
    assert_eq!(own(&items), "SNYK-US-02");
    let hosts: Vec<_> = items.iter().map(|item| item.more.find("api.").expect("a host")).collect();
    assert!(hosts.iter().all(|column| *column == hosts[0]), "{hosts:?}");
}
