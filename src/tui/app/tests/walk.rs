//! Tests of the whole command table: each command does the same by key and by help.

use std::collections::HashSet;

use ratatui::layout::Position;

use super::*;
use crate::tui::app::command::{COMMANDS, CommandSpec, CursorMotion, KeyContext, ScreenAction};
use crate::tui::app::widgets::dialog_view::DialogRow;

/// Describes everything about the screen that a command can change.
fn account(session: &mut TestSession) -> String {
    let effects: Vec<_> = session.drain().iter().map(kind).collect();
    let app = &session.app;
    let titles: Vec<_> =
        app.dialogs.iter().map(|dialog| dialog.view(app, session.now).title).collect();
    let notice =
        app.activity.current_notification(session.now.instant).map(|notice| notice.text.clone());
    let selected = app.selected().map(|credential| credential.name.to_string());
    let ui_state = (
        app.ui_state.focus,
        app.ui_state.zoom,
        app.ui_state.presentation,
        app.ui_state.mouse,
        app.ui_state.layout,
    );
    let list = (app.credentials.sort, app.credentials.mark_count(), app.credentials.filter.typing);
    format!(
        "{effects:?} {titles:?} {notice:?} {selected:?} {ui_state:?} {list:?} {:?}",
        app.console.tab
    )
}

fn kind(effect: &UiEffect) -> String {
    match effect {
        UiEffect::StartTask(_, task) => match task {
            BackgroundTask::Credential(
                CredentialTask::Reveal(_) | CredentialTask::CopySecret(..),
            )
            | BackgroundTask::CopyText(_)
            | BackgroundTask::GeneratePassphrase => "secret",
            BackgroundTask::Credential(_) => "keyring",
            BackgroundTask::CheckCredentials(_)
            | BackgroundTask::CheckAllRegions(_)
            | BackgroundTask::ExplainRefusal(..) => "check",
            BackgroundTask::Send(_) => "send",
            BackgroundTask::ReadStoreStatus
            | BackgroundTask::UnlockStore(_)
            | BackgroundTask::LockStore => "store",
            BackgroundTask::Rotation(_) => "rotation",
            _ => "other task",
        },
        UiEffect::CancelTask(_) => "cancel",
        UiEffect::RunLayout(..) | UiEffect::ExtractParameters(_) => "lay out",
        UiEffect::Suspend => "suspend",
        UiEffect::SetMouseCapture(_) => "mouse",
        UiEffect::SaveLayout(_) => "remember",
        UiEffect::OpenUrl(_) => "open",
        UiEffect::ReloadSettings => "reread",
        UiEffect::SaveTheme(_) => "keep theme",
        UiEffect::OpenEditor(_) => "edit",
        UiEffect::OpenViewer { .. } => "view",
        UiEffect::PauseTask(_) => "pause",
        UiEffect::Quit => "quit",
        UiEffect::Restart(_) => "leave",
    }
    .to_owned()
}

/// Returns a screen on which the command can run.
fn ready(command: &CommandSpec) -> TestSession {
    let mut session = session();
    session.press("j j");
    if let KeyContext::Pane(pane) = command.context {
        let number = Pane::ALL.iter().position(|known| *known == pane).expect("a pane") + 1;
        session.press(&number.to_string());
    }
    session.drain();
    session
}

/// Returns the text of the row under the cursor of the top dialog.
fn chosen(session: &TestSession) -> Option<String> {
    let view = session.app.dialogs.top()?.view(&session.app, session.now);
    view.body.iter().find_map(|row| match row {
        DialogRow::Item(item) if item.selected => Some(item.text.clone()),
        _ => None,
    })
}

/// Runs a command by finding it in the dialog that `opener` opens; returns whether it is listed.
fn find(session: &mut TestSession, opener: &str, command: &CommandSpec) -> bool {
    let name = command.title;
    session.press(opener);
    for word in name.split(' ') {
        session
            .type_text(word)
            .handle_message(Message::Input(InputEvent::Key(KeyPress::char(' '))));
    }
    let found = (0..40).any(|_| {
        let here = chosen(session).is_some_and(|text| text == name);
        if !here {
            session.press("Down");
        }
        here
    });
    session.drain();
    session.press(if found { "Enter" } else { "Esc" });
    found
}

#[test]
fn whatever_a_key_does_the_help_does_too() {
    for command in COMMANDS {
        let key = command.keys.first().expect("a key");
        let mut by_key = ready(command);
        by_key.press(key);
        let mut by_help = ready(command);
        assert!(find(&mut by_help, "F1", command), "{} is not in the help", command.name);
        assert_eq!(account(&mut by_key), account(&mut by_help), "{}", command.name);
    }
}

#[test]
fn jump_labels_reach_every_kind_of_place() {
    let mut session = session();
    let Some(places) = Some(session.app.click_targets(session.now)) else { return };
    let unlike: HashSet<_> = places.iter().collect();
    assert_eq!(unlike.len(), places.len(), "no place has two labels");
    let screen = session.app.screen_layout();
    for pane in Pane::ALL {
        assert!(
            places.iter().any(|(x, y)| screen.pane(pane).contains(Position::new(*x, *y))),
            "{pane:?}"
        );
    }
    assert!(places.iter().all(|(_, y)| *y != screen.footer.y), "the footer names its keys");
    session.press("f");
    let at = places
        .iter()
        .position(|(x, y)| screen.regions.contains(Position::new(*x, *y)))
        .expect("a region");
    let labels = session.app.dialogs.top().expect("labels").view(&session.app, session.now).labels;
    let label = labels.into_iter().nth(at).expect("a label").rest;
    session.type_text(&label);
    assert!(session.app.dialogs.is_empty());
    assert_eq!(session.app.ui_state.focus, Pane::Regions);
}

#[test]
fn the_help_finds_credentials_and_shows_them() {
    let mut session = session();
    session.press("/").type_text("laptop").press("Enter C-p").type_text("broker").press("Enter");
    assert_eq!(session.selected(), "broker");
    assert_eq!(session.app.ui_state.focus, Pane::Credentials);
}

#[test]
fn presentation_mode_has_no_gap_through_which_a_name_shows() {
    let mut session = session();
    session.press("c P");
    assert!(!session.app.can_run(CommandAction::Credential(CredentialAction::Edit)));
    session.press("e");
    assert!(session.app.dialogs.is_empty(), "no dialog that shows names opens");
    assert!(session.notice().contains("names"), "it says why");
    for keys in ["r", "X", "!", "C-p", "T", "V", "A"] {
        session.press(keys);
        let view = session.app.dialogs.top().expect("a dialog").view(&session.app, session.now);
        let said: String = view.head.iter().chain(&view.body).map(words_of).collect();
        assert!(
            samples::credentials().iter().all(|known| !said.contains(known.name.as_str())),
            "{keys}: {said}"
        );
        session.press("Esc");
    }
}

pub(super) fn words_of(row: &DialogRow) -> String {
    match row {
        DialogRow::Text(_, text) | DialogRow::Message(_, text) => format!("{text}\n"),
        DialogRow::Item(item) => format!("{} {} {}\n", item.text, item.more, item.right),
        DialogRow::Spans(drawing) => {
            drawing.spans.iter().map(|(_, text)| text.as_str()).collect::<String>() + "\n"
        }
        DialogRow::Pair(label, value) => format!("{label} {value}\n"),
        DialogRow::Buttons(buttons) => {
            buttons.iter().map(|cell| cell.label.as_str()).collect::<Vec<_>>().join("\n")
        }
        _ => String::new(),
    }
}

#[test]
fn moving_and_jumping_never_leave_the_screen() {
    let mut session = session();
    for motion in [CursorMotion::Bottom, CursorMotion::Top] {
        session.app.run_action(CommandAction::Move(motion), session.now);
    }
    session.app.run_action(CommandAction::Screen(ScreenAction::Zoom), session.now);
    let area = session.app.ui_state.area;
    assert!(
        session
            .app
            .click_targets(session.now)
            .iter()
            .all(|(x, y)| area.contains(Position::new(*x, *y)))
    );
}
