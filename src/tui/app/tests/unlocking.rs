//! Tests of a locked store: the screen asks to unlock it, and then does what was asked for.

use super::*;
use crate::tui::app::command::keymap::CommandLabelStyle;

/// A session whose store was open at the start.
fn with_open_file() -> TestSession {
    let mut session = session();
    session.store_is(StoreKind::File, None);
    session
}

/// Reports that a task failed because the store is locked.
fn fail_locked(session: &mut TestSession, task: TaskId) {
    session.report(task, TaskEvent::Failed(StoreError::Locked.into()));
    session.drain();
}

/// Types the passphrase, and reports that it was accepted.
fn unlock(session: &mut TestSession) {
    assert!(session.dialog_text().starts_with("Unlock store"), "{}", session.dialog_text());
    session.type_text("words").press("Enter");
    let (task, BackgroundTask::UnlockStore(Some(_))) = session.task() else {
        panic!("the passphrase is not tried")
    };
    session.store_is(StoreKind::File, None);
    session.report(task, TaskEvent::Done);
    assert!(session.app.dialogs.is_empty());
}

#[test]
fn a_store_that_is_locked_at_the_start_is_asked_for_at_once() {
    let mut session = session();
    session.store_is(StoreKind::File, Some(StoreError::Locked));
    unlock(&mut session);
    assert!(session.started().is_empty(), "nothing was asked for");

    let mut later = with_open_file();
    later.store_is(StoreKind::File, Some(StoreError::Locked));
    assert!(later.app.dialogs.is_empty(), "only at the start");

    let mut busy = super::session();
    busy.press("?").store_is(StoreKind::File, Some(StoreError::Locked));
    assert_eq!(busy.app.dialogs.iter().count(), 1, "another dialog is not interrupted");

    let mut keyring = super::session();
    keyring.store_is(StoreKind::Keyring, Some(StoreError::Locked));
    assert!(keyring.dialog_text().contains("your desktop asks for its password"));
    assert!(keyring.started().is_empty(), "its prompt does not come as a surprise");
    keyring.press("Enter");
    assert!(matches!(keyring.task().1, BackgroundTask::UnlockStore(None)));

    let mut plain = super::session();
    plain.app.preferences.keys =
        plain.app.preferences.keys.clone().with_label_style(CommandLabelStyle::Names);
    plain.store_is(StoreKind::File, Some(StoreError::Locked));
    assert!(plain.app.dialogs.is_empty(), "a script does not expect the question");
}

#[test]
fn after_unlocking_the_screen_does_what_was_asked_for() {
    let is_started = |keys: &str, is_it: fn(&BackgroundTask) -> bool| {
        let mut session = with_open_file();
        session.press(keys);
        let (task, started) = session.task();
        assert!(is_it(&started), "{keys}");
        fail_locked(&mut session, task);
        unlock(&mut session);
        let (again, started) = session.task();
        assert!(is_it(&started) && again != task, "{keys}");
        (session, again)
    };
    let (mut session, task) = is_started("x", |task| {
        matches!(task, BackgroundTask::Credential(CredentialTask::Reveal(_)))
    });
    let of = session.app.selected().expect("a credential").id.clone();
    let secret = Arc::new(Secret::from_text(TOKEN.to_owned()));
    session.report(task, TaskEvent::Credential(CredentialEvent::Revealed(of, secret)));
    assert!(session.is_shown(), "the screen shows the secret");

    is_started("y", |task| {
        matches!(task, BackgroundTask::Credential(CredentialTask::CopySecret(..)))
    });
    is_started("c", |task| matches!(task, BackgroundTask::CheckCredentials(ids) if ids.len() == 1));
    is_started("C", |task| matches!(task, BackgroundTask::CheckCredentials(ids) if ids.len() == 7));
    is_started("A Tab Enter", |task| matches!(task, BackgroundTask::CheckAllRegions(_)));
    let (session, task) = is_started("t", |task| matches!(task, BackgroundTask::Send(_)));
    assert!(session.app.console.waits_for(task), "the console waits for the response");
}

#[test]
fn a_keyring_asks_by_itself_and_then_the_screen_goes_on() {
    let mut session = session();
    session.store_is(StoreKind::Keyring, None).press("y");
    let (copy, _) = session.task();
    fail_locked(&mut session, copy);
    session.press("Enter");
    let (prompt, BackgroundTask::UnlockStore(None)) = session.task() else {
        panic!("the keyring is not asked")
    };
    session.store_is(StoreKind::Keyring, None);
    session.report(prompt, TaskEvent::Done);
    assert!(matches!(session.task().1, BackgroundTask::Credential(CredentialTask::CopySecret(..))));
}

#[test]
fn what_was_asked_for_is_forgotten_when_the_store_stays_locked() {
    let mut session = with_open_file();
    session.press("y");
    let (task, _) = session.task();
    fail_locked(&mut session, task);
    session.press("Esc").store_is(StoreKind::File, Some(StoreError::Locked)).press("u");
    unlock(&mut session);
    assert!(session.started().is_empty());
}

#[test]
fn a_dialog_that_is_open_is_not_interrupted_by_the_passphrase() {
    let mut session = with_open_file();
    session.press("c");
    let (task, _) = session.task();
    session.press("?");
    fail_locked(&mut session, task);
    assert!(!session.dialog_text().starts_with("Unlock"));
    assert!(session.notice().contains("the store is locked; u unlocks it"), "{}", session.notice());
}
