//! Tests of the lock of the screen, and of copying and names in presentation mode.

use super::*;
use crate::tui::app::ScreenLock;

const IDLE: Duration = Duration::from_secs(15 * 60);
const ALMOST_IDLE: Duration = Duration::from_secs(15 * 60 - 1);

fn with_encrypted_file() -> TestSession {
    let mut session = session();
    session.store_is(StoreKind::File, None);
    session.drain();
    session
}

fn locks_store(session: &mut TestSession) -> bool {
    session.started().iter().any(|(_, task)| matches!(task, BackgroundTask::LockStore))
}

#[test]
fn the_screen_locks_after_idle_time_and_input_postpones_it() {
    let mut session = with_encrypted_file();
    session.advance_time(ALMOST_IDLE).press("j");
    session.advance_time(ALMOST_IDLE).handle_message(Message::Wake);
    assert!(!session.app.is_locked());
    assert_eq!(session.app.next_wake(session.now), Some(session.now.instant + SECOND));
    session.drain();
    session.reveal();
    session.advance_time(IDLE).handle_message(Message::Wake);
    assert!(session.app.is_locked() && !session.is_shown());
    assert!(locks_store(&mut session));
    assert_eq!(session.app.ui_state.screen_lock, ScreenLock::Locked);
}

#[test]
fn a_key_that_comes_too_late_does_nothing_else() {
    let mut session = with_encrypted_file();
    // The machine slept: only the wall clock has advanced.
    session.now.wall += IDLE;
    session.press("q");
    assert!(session.app.is_locked());
    assert!(session.drain().iter().all(|effect| !matches!(effect, UiEffect::Quit)));
}

#[test]
fn a_locked_screen_asks_and_nothing_gets_past_the_question() {
    let mut session = with_encrypted_file();
    session.press("C-l");
    assert!(session.app.is_locked() && locks_store(&mut session));
    session.press("Esc Esc Tab y").paste(TOKEN).click(5, 5);
    let top = session.app.dialogs.top().unwrap();
    assert!(session.app.is_locked() && top.is_screen_lock());
    assert!(session.started().is_empty());
    let mut session = with_encrypted_file();
    session.press("C-l");
    session.drain();
    session.type_text("wrong").press("Enter");
    let (task, BackgroundTask::UnlockStore(Some(_))) = session.task() else {
        panic!("the passphrase is not checked")
    };
    session.report(task, TaskEvent::Failed(StoreError::Denied("no".to_owned()).into()));
    assert!(session.app.is_locked());
    session.drain();
    session.type_text("right").press("Enter");
    let (task, _) = session.task();
    session.store_is(StoreKind::File, None);
    session.report(task, TaskEvent::Done);
    assert!(!session.app.is_locked() && session.app.dialogs.is_empty());
    session.handle_message(Message::Wake);
    assert!(!session.app.is_locked(), "the idle time begins again");
}

#[test]
fn the_store_is_locked_after_the_running_tasks() {
    let mut session = with_encrypted_file();
    session.press("c");
    let (task, _) = session.task();
    session.press("C-l");
    assert!(session.app.is_locked() && !locks_store(&mut session), "a task may store a secret");
    session.report(task, TaskEvent::Done);
    assert!(locks_store(&mut session));
}

#[test]
fn a_store_without_a_passphrase_is_not_locked() {
    let mut session = session();
    session.store_is(StoreKind::Keyring, None);
    session.press("C-l");
    assert!(!session.app.is_locked() && session.notice().contains("encrypted file only"));
    session.advance_time(IDLE).handle_message(Message::Wake);
    assert!(!session.app.is_locked());
    let mut never = with_encrypted_file();
    never.app.preferences.lock_after = None;
    never.advance_time(IDLE * 100).handle_message(Message::Wake);
    assert!(!never.app.is_locked());
}

/// Consents of the copies that were requested.
fn copies(session: &mut TestSession) -> Vec<(TaskId, TerminalCopyConsent)> {
    let copies = session.started().into_iter().filter_map(|(task, started)| match started {
        BackgroundTask::Credential(CredentialTask::CopySecret(_, consent)) => Some((task, consent)),
        _ => None,
    });
    copies.collect()
}

/// Requests a copy and reports that only the terminal can carry it out.
fn offer_terminal_copy(session: &mut TestSession) {
    session.press("y");
    let [(task, TerminalCopyConsent::NotGiven)] = copies(session)[..] else {
        panic!("a copy without consent")
    };
    let of = session.app.selected().expect("a credential").id.clone();
    let failure = Some("no display".to_owned());
    let offer = TerminalCopyOffer { method: ClipboardMethod::Osc52, desktop_failure: failure };
    session
        .report(task, TaskEvent::Credential(CredentialEvent::TerminalCopyOffered(of, offer)))
        .report(task, TaskEvent::Done);
}

#[test]
fn a_copy_through_the_terminal_is_made_after_the_user_has_agreed() {
    let mut session = session();
    offer_terminal_copy(&mut session);
    let shown = session.dialog_text();
    assert!(shown.contains("Copy through the terminal?"), "{shown}");
    assert!(shown.contains("The desktop clipboard is not available (no display)."), "{shown}");
    session.press("Enter");
    assert!(copies(&mut session).is_empty(), "Enter on Cancel copies nothing");

    offer_terminal_copy(&mut session);
    session.press("Tab Enter");
    let [(_, TerminalCopyConsent::Given)] = copies(&mut session)[..] else {
        panic!("a copy with consent")
    };
    session.press("y");
    let [(_, TerminalCopyConsent::Given)] = copies(&mut session)[..] else {
        panic!("it is asked once")
    };
    session.press("P y");
    assert!(session.started().is_empty());
    assert!(session.notice().contains("not copied in presentation mode"));
}

#[test]
fn an_offer_does_not_interrupt_another_dialog_or_a_presentation() {
    for keys in ["?", "P"] {
        let mut session = session();
        session.press("y");
        let [(task, _)] = copies(&mut session)[..] else { panic!("a copy") };
        session.press(keys);
        let open = session.app.dialogs.iter().count();
        let of = session.app.selected().expect("a credential").id.clone();
        let offer = TerminalCopyOffer { method: ClipboardMethod::Tmux, desktop_failure: None };
        session
            .report(task, TaskEvent::Credential(CredentialEvent::TerminalCopyOffered(of, offer)));
        assert_eq!(session.app.dialogs.iter().count(), open, "{keys}");
        assert!(session.notice().starts_with("Not copied"), "{keys}: {}", session.notice());
    }
}
