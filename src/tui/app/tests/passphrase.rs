//! Tests of the dialog that creates the encrypted file: six words are generated, shown and confirmed.

use super::*;

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
