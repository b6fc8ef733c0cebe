//! What needs attention comes first, and each reason has its one key.

use std::collections::BTreeMap;

use super::*;
use crate::domain::CredentialStatus;
use crate::domain::consumer::{Consumer, ConsumerTarget};
use crate::domain::credential::SecretPart;
use crate::tui::app::credentials::attention::AttentionReason;
use crate::tui::app::{footer, header};

fn by_attention() -> TestSession {
    let mut session = TestSession::new(120, 36);
    session.drain();
    session
}

fn names(session: &TestSession) -> Vec<String> {
    let rows = session.app.credentials.visible_rows(usize::MAX);
    rows.map(|row| row.credential.name.to_string()).collect()
}

fn consumer(n: u8) -> Consumer {
    Consumer {
        credential: id(n),
        name: CredentialName::parse("deploy").unwrap(),
        part: SecretPart::Secret,
        target: ConsumerTarget::EnvFile { path: "/app/.env".into(), key: "SNYK_TOKEN".to_owned() },
        linked_to: None,
        last_delivery: None,
    }
}

#[test]
fn what_needs_attention_comes_first_and_one_key_goes_through_it() {
    let mut session = by_attention();
    assert_eq!(names(&session)[..3], ["old-jenkins", "appsec-bot", "broker"]);
    let mut waiting = samples::rotation::status(RotationState::NeedsUser);
    waiting.credential = id(6);
    session.report(TaskId(9), TaskEvent::Rotation(RotationEvent::UnfinishedListed(vec![waiting])));
    session.press("Esc");
    let copies = BTreeMap::from([(CredentialName::parse("laptop").unwrap(), 2)]);
    session.report(TaskId(9), TaskEvent::Credential(CredentialEvent::PlainCopies(copies)));
    let due = vec![consumer(5)];
    session.report(TaskId(9), TaskEvent::Credential(CredentialEvent::OutdatedConsumers(due)));
    let first = ["old-jenkins", "appsec-bot", "mobile-ci", "laptop", "web-scans"];
    assert_eq!(names(&session)[..5], first);
    let reasons = [
        AttentionReason::Refused,
        AttentionReason::ExpiresSoon(5),
        AttentionReason::RotationWaits,
        AttentionReason::PlainCopies(2),
        AttentionReason::ConsumersOutdated(1),
    ];
    let now = session.now.wall;
    let shown: Vec<_> = first
        .iter()
        .map(|name| {
            let all = session.app.credentials.all();
            let credential = all.iter().find(|known| known.name.as_str() == *name).unwrap();
            session.app.credentials.attention(credential, now).unwrap()
        })
        .collect();
    assert_eq!(shown, reasons);
    let begun = session.selected().to_owned();
    let visited: Vec<_> = (0..5)
        .map(|_| {
            session.press("J");
            session.selected().to_owned()
        })
        .collect();
    assert_eq!(visited.last(), Some(&begun), "from the last to the first");
    let mut sorted = visited;
    sorted.sort_by_key(|name| first.iter().position(|known| known == name));
    assert_eq!(sorted, first);
}

#[test]
fn a_secret_is_delivered_to_those_that_have_an_older_one_after_a_yes() {
    let mut session = session();
    session.press("I");
    assert!(session.notice().contains("No consumer of this credential has an older secret"));
    let selected = session.app.selected().expect("a credential").id.clone();
    let due = Consumer { credential: selected.clone(), ..consumer(0) };
    session.report(TaskId(9), TaskEvent::Credential(CredentialEvent::OutdatedConsumers(vec![due])));
    session.press("I");
    assert!(session.dialog_text().contains("/app/.env"), "{}", session.dialog_text());
    session.press("Tab Enter");
    let (_, BackgroundTask::Credential(CredentialTask::Deliver(of))) = session.task() else {
        panic!("not delivered")
    };
    assert_eq!(of, selected);
}

#[test]
fn after_a_refusal_the_footer_begins_with_what_helps() {
    let session = by_attention();
    assert_eq!(session.selected(), "old-jenkins");
    let place = session.app.screen_layout().footer;
    let hints = footer::visible_hints(&session.app, place, session.now.wall);
    let titles: Vec<_> = hints.iter().map(|hint| hint.title).collect();
    assert_eq!(titles[..3], ["explain", "try all regions", "rotate"]);
}

#[test]
fn a_click_on_a_count_of_the_header_shows_only_those() {
    let mut session = session();
    let refused = |session: &TestSession| {
        let (_, room) = header::header_items(&session.app);
        let counts = header::status_counts(&session.app, room, session.now.wall);
        counts.into_iter().find(|count| count.status == CredentialStatus::Refused).expect("one")
    };
    let count = refused(&session);
    assert!(count.text.contains("1 refused"), "{}", count.text);
    session.click(count.area.x, count.area.y);
    assert_eq!(names(&session), ["old-jenkins"]);
    let count = refused(&session);
    session.click(count.area.x, count.area.y);
    assert_eq!(names(&session).len(), 7);
}

#[test]
fn a_test_of_all_regions_ends_with_the_switch() {
    let mut session = session();
    session.press("/").type_text("old-jenkins").press("Enter A Tab Enter");
    let (task, BackgroundTask::CheckAllRegions(id)) = session.task() else { panic!("not tested") };
    for (region, result) in
        [("SNYK-US-02", CheckResult::Refused), ("SNYK-EU-01", CheckResult::Accepted)]
    {
        let event = TaskEvent::Checked {
            checked: (&id).into(),
            region: region.to_owned(),
            check: check(result, Some(200)),
        };
        session.report(task, event);
    }
    session.report(task, TaskEvent::Done);
    let text = session.dialog_text();
    assert!(text.contains("SNYK-EU-01 accepted old-jenkins"), "{text}");
    assert!(text.contains("Keep US-02") && text.contains("Switch"), "{text}");
    session.press("Enter");
    let (_, BackgroundTask::Credential(CredentialTask::Edit(_, edit))) = session.task() else {
        panic!("not switched")
    };
    assert_eq!(edit.region.as_deref(), Some("SNYK-EU-01"));
}

#[test]
fn a_test_that_no_region_or_the_own_one_accepted_says_so() {
    for (region, result, told) in [
        ("SNYK-US-02", CheckResult::Refused, "No region accepted old-jenkins"),
        ("SNYK-US-02", CheckResult::Accepted, "old-jenkins was accepted in SNYK-US-02, its region"),
    ] {
        let mut session = session();
        session.press("/").type_text("old-jenkins").press("Enter A Tab Enter");
        let (task, BackgroundTask::CheckAllRegions(credential)) = session.task() else {
            panic!("not tested")
        };
        let (region, check) = (region.to_owned(), check(result, Some(200)));
        session.report(task, TaskEvent::Checked { checked: (&credential).into(), region, check });
        session.report(task, TaskEvent::Done);
        assert!(session.app.dialogs.is_empty());
        assert_eq!(session.notice(), told);
    }
}
