//! Tests of the event loop of the screen, without a terminal.

use std::sync::mpsc;
use std::time::Instant;

use tokenring::engine::background::protocol::{TaskEvent, TaskId, TaskReport};
use tokenring::tui::app::Message;
use tokenring::tui::{SuspendScope, SystemEvent};

use crate::support::session::{ScreenSession, TerminalCall};

/// A text that only the key overview shows.
const HELP: &str = "Navigation";

/// A screen that has drawn its first frame and finished its startup tasks.
async fn settled() -> ScreenSession {
    let mut session = ScreenSession::empty().await;
    session.expect("Credentials").await;
    session
}

#[tokio::test]
async fn keys_come_in_and_text_comes_out() {
    let mut session = settled().await;
    session.press("?");
    session.expect(HELP).await;
    session.press("Esc");
    session.expect_gone(HELP).await;
    session.press("q");
    assert_eq!(session.end().await.0, 0);
}

#[tokio::test]
async fn typing_pasting_and_clicking_arrive() {
    let mut session = settled().await;
    session.press("/");
    session.type_text("provider:snyk ");
    session.paste("label:prod");
    session.expect("provider:snyk label:prod").await;
    session.press("Esc");
    session.click_on("Console");
    session.expect("┏ 4 Console").await;
}

#[tokio::test]
async fn what_tasks_report_is_drawn_together() {
    let mut session = settled().await;
    session.terminal_calls();
    let start = Instant::now();
    for done in 0..10_000 {
        let event = TaskEvent::Progress { done, total: 10_000 };
        assert!(session.senders.reports.send(TaskReport { task: TaskId(u64::MAX), event }).is_ok());
        if done % 100 == 0 {
            tokio::task::yield_now().await;
        }
    }
    session.press("?");
    session.expect(HELP).await;
    let frames = session.terminal_calls().len();
    let most = usize::try_from(start.elapsed().as_millis() / 16).unwrap() + 2;
    assert!(frames <= most, "{frames} frames where {most} would do");
}

#[tokio::test]
async fn suspended_it_leaves_before_it_stops_and_draws_when_it_is_back() {
    let mut session = settled().await;
    session.terminal_calls();
    session.send_system_event(SystemEvent::Suspend);
    session.send_system_event(SystemEvent::Resume);
    session.press("?");
    session.expect(HELP).await;
    let terminal_calls = session.terminal_calls();
    let stop = terminal_calls
        .iter()
        .position(|deed| *deed == TerminalCall::Stop(SuspendScope::Process))
        .unwrap();
    assert_eq!(terminal_calls[stop - 2..stop], [TerminalCall::Draw, TerminalCall::Leave]);
    assert_eq!(terminal_calls[stop + 1..stop + 3], [TerminalCall::Enter, TerminalCall::Draw]);
}

#[tokio::test]
async fn nothing_is_drawn_while_it_is_away() {
    let session = settled().await;
    session.send_system_event(SystemEvent::Suspend);
    let (heard, answer) = mpsc::channel();
    session.press("? Esc");
    session.send_system_event(SystemEvent::Quit { code: 143, acknowledged: heard });
    let (code, terminal_calls) = session.end().await;
    assert_eq!(code, 143);
    assert!(answer.recv().is_ok(), "the sender gets its acknowledgment");
    assert_eq!(terminal_calls.last(), Some(&TerminalCall::Stop(SuspendScope::Process)));
}

#[tokio::test]
async fn a_panic_in_the_background_is_reported_and_the_screen_continues() {
    let mut session = settled().await;
    session.send_system_event(SystemEvent::Screen(Box::new(Message::ThreadPanicked(
        "src/engine/somewhere.rs:1:1".to_owned(),
    ))));
    session.expect("src/engine/somewhere.rs:1:1").await;
    session.press("?");
    session.expect(HELP).await;
}

#[tokio::test]
async fn an_input_that_ends_is_a_terminal_that_went_away() {
    let mut session = settled().await;
    session.close_input();
    assert_eq!(session.end().await.0, 129);
}
