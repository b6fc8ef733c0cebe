//! Tests of failures: where they are shown, and what helps against them.

use super::*;

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
        session.started().iter().any(|(_, task)| matches!(task, BackgroundTask::ReadStoreStatus))
    );
    session.store_is(StoreKind::Keyring, Some(StoreError::Locked)).press("u");
    assert!(matches!(session.task().1, BackgroundTask::UnlockStore(None)));
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
    let (task, BackgroundTask::UnlockStore(Some(passphrase))) = session.task() else {
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
    let (task, BackgroundTask::Diagnose(around)) = session.task() else {
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
    let (task, BackgroundTask::Scan) = session.task() else { panic!("no task was started") };
    session.report(task, TaskEvent::Failed(trouble()));
    let Some(survey) = session.app.dialogs.top_as::<FindingsDialog>() else {
        panic!("it is not shown")
    };
    assert!(!survey.view(&session.app, session.now).head.is_empty(), "the problem is told there");
}
