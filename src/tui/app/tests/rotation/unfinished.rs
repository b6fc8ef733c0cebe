//! Tests of rotations that wait, fail to revoke, or are rolled back.

use super::*;

#[test]
fn a_revocation_that_failed_preselects_no_statement_and_names_every_way() {
    for browser in [BrowserAvailability::Available, BrowserAvailability::Unavailable] {
        let mut session = ready();
        session.app.preferences.browser = browser;
        let task = session.begin();
        let prompt = failed_revocation_prompt();
        session.rotation(task, RotationEvent::PromptOpened(QUESTION, Box::new(prompt)));
        let said = session.said();
        for part in [
            "The revocation failed.",
            "Snyk said: 403 Forbidden: missing permission org.service_account.delete",
            "Page: https://app.eu.snyk.io/org/acme-prod/manage/service-accounts",
            "Try again as appsec-bot",
            "I have revoked the old secret",
        ] {
            assert!(said.contains(part), "{part} is missing:\n{said}");
        }
        session.press("Enter");
        let replies = session.started();
        assert!(
            replies.iter().all(|(_, task)| matches!(
                task,
                BackgroundTask::Rotation(RotationTask::ReplyToPrompt(
                    _,
                    PromptReply::Decided(UserDecision::Retry)
                ))
            )),
            "Enter states nothing and rolls nothing back"
        );
    }
}

#[test]
fn another_credential_revokes_what_the_first_could_not() {
    let mut session = ready();
    let task = session.begin();
    let prompt = failed_revocation_prompt();
    session.rotation(task, RotationEvent::PromptOpened(QUESTION, Box::new(prompt)));
    session.press("Down Down Enter");
    let (_, RotationTask::ReplyToPrompt(QUESTION, PromptReply::AuthorizedBy(by))) =
        session.rotation_task()
    else {
        panic!("no other credential")
    };
    assert_eq!(by, id(2));
}

#[test]
fn no_question_preselects_what_the_user_has_not_done() {
    use UserDecision as D;
    let statements = [
        D::RevokedManually,
        D::DeletedManually("r9".to_owned()),
        D::SelectedOld("r0".to_owned()),
        D::RollBack,
        D::CreateAnother,
        D::Continue,
    ];
    for decision in statements {
        let mut session = ready();
        let task = session.begin();
        let prompt =
            crate::tui::app::samples::rotation::rotation_prompt(std::slice::from_ref(&decision));
        session.rotation(task, RotationEvent::PromptOpened(QUESTION, Box::new(prompt)));
        session.press("Enter");
        assert!(
            matches!(session.rotation_task().1, RotationTask::LeavePrompt(QUESTION)),
            "{decision:?}"
        );
    }
}

#[test]
fn what_cannot_be_rolled_back_offers_no_such_button() {
    let mut session = ready();
    session.stop(RollbackEffect::EndsRotation);
    let said = session.said();
    assert!(said.contains("[Continue][End rotation][Close]"), "{said}");
    assert!(!said.contains("olled back") && !said.contains("Roll back"), "{said}");
}

#[test]
fn a_waiting_rotation_is_marked_until_it_ends() {
    let mut session = ready();
    let credential = id(0);
    let task = session.begin();
    assert!(session.app.open_rotations.waiting(&credential).is_none(), "it runs");
    session.rotation(task, RotationEvent::PromptOpened(QUESTION, Box::new(paste_prompt())));
    let waiting = session.app.open_rotations.waiting(&credential).expect("a mark");
    assert_eq!(waiting.phase, RotationState::NeedsUser);
    session.rotation(task, RotationEvent::Step(line("stash", StepStatus::Done, "…")));
    assert!(session.app.open_rotations.waiting(&credential).is_none());
    session.press("Esc");
    session.report(task, TaskEvent::Canceled);
    assert!(session.app.open_rotations.waiting(&credential).is_some(), "it stopped");
    session.drain();
    session.press("r");
    let (plan_task, _) = session.rotation_task();
    session.rotation(plan_task, RotationEvent::Planned(Box::new(plan())));
    assert!(session.app.open_rotations.waiting(&credential).is_none(), "there is none");
}

#[test]
fn quitting_with_a_waiting_rotation_says_how_to_resume_it() {
    let mut session = ready();
    let task = session.begin();
    session.rotation(task, RotationEvent::PromptOpened(QUESTION, Box::new(paste_prompt())));
    session.press("Esc");
    assert!(session.notice().starts_with("The rotation waits for you; "), "{}", session.notice());
    session.press("q");
    let said = session.said();
    let command = format!("tokenring rotate --resume {}", plan().rotation);
    for part in ["The rotation of ci-scanner waits for you.", &command, "[Cancel][Quit]"] {
        assert!(said.contains(part), "{part} is missing:\n{said}");
    }
    assert!(session.drain().iter().all(|effect| !matches!(effect, UiEffect::Quit)));
    session.press("Enter");
    assert!(session.drain().iter().any(|effect| matches!(effect, UiEffect::Quit)));
}

#[test]
fn a_rotation_that_was_rolled_back_is_no_success() {
    let mut session = ready();
    let task = session.begin();
    session.press("Esc");
    session
        .rotation(task, RotationEvent::Finished(status(RotationState::RolledBack)))
        .report(task, TaskEvent::Done);
    let notice = session.app.activity.last_notification().expect("a notification");
    assert_eq!(notice.level, NotificationLevel::Warning);
    session.press("!");
    let view = session.app.dialogs.top().expect("a dialog").view(&session.app, session.now);
    let Some(DialogRow::Item(item)) = view.body.first() else { panic!("no entry") };
    assert_eq!(item.more, "rolled back");
    assert_eq!(item.mark, Some((StyleRole::Warn, session.app.preferences.symbols.warning)));

    let mut session = ready();
    let task = session.begin();
    session.rotation(task, RotationEvent::Step(line("prove-store", StepStatus::Done, "…")));
    session.rotation(task, RotationEvent::Finished(status(RotationState::RolledBack)));
    let view = session.app.dialogs.top().expect("a dialog").view(&session.app, session.now);
    let is_good = |row: &DialogRow| match row {
        DialogRow::Text(role, _) | DialogRow::Message(role, _) => *role == StyleRole::Good,
        DialogRow::Item(item) => item.mark.is_some_and(|(role, _)| role == StyleRole::Good),
        DialogRow::Spans(row) => row.spans.iter().any(|(role, _)| *role == StyleRole::Good),
        _ => false,
    };
    assert!(view.head.iter().chain(&view.body).chain(&view.foot).all(|row| !is_good(row)));
}

#[test]
fn a_rollback_that_leaves_steps_does_not_say_that_everything_is_as_before() {
    for (left, complete) in [(Vec::new(), true), (vec!["Delete the new one".to_owned()], false)] {
        let mut session = ready();
        let task = session.begin();
        let ended = RotationStatus { manual_steps: left, ..status(RotationState::RolledBack) };
        session.rotation(task, RotationEvent::Finished(ended));
        let said = session.said();
        assert_eq!(
            said.contains("Rolled back: everything is as it was before."),
            complete,
            "{said}"
        );
        assert_eq!(said.contains("not everything is as it was before"), !complete, "{said}");
    }
}
