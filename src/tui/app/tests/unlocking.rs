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

const WORDS: &str = "abacus abdomen abrasion able ablaze abnormal";

/// A session with the dialog that creates the store.
fn creating() -> TestSession {
    let mut session = session();
    session.store_is(StoreKind::File, Some(StoreError::NotInitialized));
    session.press("u").drain();
    session
}

fn words() -> Arc<Secret> {
    Arc::new(Secret::from_text(WORDS.to_owned()))
}

/// Presses the button that generates words.
fn request_words(session: &mut TestSession) -> TaskId {
    let shown = session.dialog_text();
    assert!(shown.contains("Generate six words"), "{shown}");
    session.press("S-Tab S-Tab S-Tab Enter");
    let (task, BackgroundTask::GeneratePassphrase) = session.task() else {
        panic!("no words are generated")
    };
    task
}

fn with_words() -> TestSession {
    let mut session = creating();
    let task = request_words(&mut session);
    session.report(task, TaskEvent::PassphraseGenerated(words()));
    session.report(task, TaskEvent::Done);
    session
}

/// Returns the words that the dialog shows.
fn shown_words(session: &TestSession) -> Option<Arc<Secret>> {
    let view = session.app.dialogs.top()?.view(&session.app, session.now);
    view.head.into_iter().find_map(|row| match row {
        DialogRow::Secret(row) => Some(row.secret),
        _ => None,
    })
}

#[test]
fn generated_words_are_shown_typed_again_and_used() {
    let mut session = with_words();
    assert!(shown_words(&session).expect("the words").same_as(&words()));
    assert!(session.dialog_text().contains("Write them down"));
    session.type_text("abacus abdomen").press("Enter Enter");
    assert!(session.started().is_empty(), "they are not typed yet");
    assert!(session.dialog_text().contains("does not match"));
    session.press("C-u").type_text(WORDS).press("Enter Enter");
    let (task, BackgroundTask::UnlockStore(Some(used))) = session.task() else {
        panic!("the store is not created")
    };
    assert!(used.same_as(&words()));
    session.report(task, TaskEvent::Done);
    assert!(session.app.dialogs.is_empty());
}

#[test]
fn an_edit_of_the_passphrase_or_the_end_of_the_dialog_wipes_the_words() {
    let endings: [fn(&mut TestSession); 4] = [
        |session| _ = session.press("S-Tab x"),
        |session| _ = session.press("S-Tab Backspace"),
        |session| _ = session.paste("").press("S-Tab").paste("another"),
        |session| _ = session.press("Esc"),
    ];
    for (number, end) in endings.into_iter().enumerate() {
        let mut session = with_words();
        let held = Arc::downgrade(&shown_words(&session).expect("the words"));
        end(&mut session);
        assert!(shown_words(&session).is_none() && held.upgrade().is_none(), "ending {number}");
    }
}

#[test]
fn other_words_replace_the_first_and_the_confirmation_is_typed_anew() {
    let mut session = with_words();
    session.type_text(WORDS).press("Down Enter");
    let (task, BackgroundTask::GeneratePassphrase) = session.task() else {
        panic!("no words are generated")
    };
    let others = Arc::new(Secret::from_text(WORDS.replace("abacus", "zoom")));
    session.report(task, TaskEvent::PassphraseGenerated(Arc::clone(&others)));
    assert!(shown_words(&session).expect("the words").same_as(&others));
    session.press("Enter Enter");
    assert!(session.started().is_empty());
}

#[test]
fn words_that_come_too_late_are_wiped() {
    let mut session = creating();
    let task = request_words(&mut session);
    session.press("Esc u");
    let late = words();
    let held = Arc::downgrade(&late);
    session.report(task, TaskEvent::PassphraseGenerated(late));
    assert!(shown_words(&session).is_none() && held.upgrade().is_none());
}

#[test]
fn no_words_are_generated_in_presentation_mode_and_none_for_an_existing_store() {
    let mut session = creating();
    session.press("Esc P u").drain();
    session.press("S-Tab S-Tab S-Tab Enter");
    assert!(session.started().is_empty());
    assert!(session.notice().contains("not shown in presentation mode"), "{}", session.notice());
    let mut locked = super::session();
    locked.store_is(StoreKind::File, Some(StoreError::Locked));
    assert!(!locked.dialog_text().contains("Generate"));
}

#[test]
fn a_failure_to_generate_is_shown_in_the_dialog() {
    let mut session = creating();
    let task = request_words(&mut session);
    session.report(task, TaskEvent::Failed(trouble()));
    assert!(session.dialog_text().contains("It broke"));
    request_words(&mut session);
}
