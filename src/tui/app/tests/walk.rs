//! The whole table of commands, walked: whatever a key does, help and palette do too.

use std::collections::HashSet;

use super::*;
use crate::tui::app::command::{COMMANDS, Command, Context, Motion, ProgramAction, ScreenAction};
use crate::tui::app::sheet::Row;

/// Everything about the screen that a command can change, in words.
fn account(session: &mut Session) -> String {
    let effects: Vec<_> = session.drain().iter().map(kind).collect();
    let app = &session.app;
    let titles: Vec<_> = app.dialogs.iter().map(|dialog| dialog.sheet(app, session.now).title).collect();
    let notice = app.activity.notice(session.now.instant).map(|notice| notice.text.clone());
    let selected = app.selected().map(|credential| credential.name.to_string());
    let stage = (app.stage.focus, app.stage.zoom, app.stage.audience, app.stage.mouse, app.stage.layout);
    let list = (app.credentials.sort, app.credentials.mark_count(), app.credentials.filter.typing);
    format!("{effects:?} {titles:?} {notice:?} {selected:?} {stage:?} {list:?} {:?}", app.console.view)
}

fn kind(effect: &Effect) -> String {
    match effect {
        Effect::Start(_, task) => match task {
            BackgroundTask::Credential(_) => "keyring",
            BackgroundTask::Secret(_) => "secret",
            BackgroundTask::Check(_) => "check",
            BackgroundTask::Send(_) => "send",
            BackgroundTask::Store(_) => "store",
            BackgroundTask::Rotation(_) => "rotation",
            _ => "other task",
        },
        Effect::Cancel(_) => "cancel",
        Effect::LayOut(..) | Effect::Study(_) => "lay out",
        Effect::Suspend => "suspend",
        Effect::Mouse(_) => "mouse",
        Effect::Remember(_) => "remember",
        Effect::Open(_) => "open",
        Effect::Reread => "reread",
        Effect::KeepTheme(_) => "keep theme",
        Effect::Edit(_) => "edit",
        Effect::Pause(_) => "pause",
        Effect::Quit => "quit",
        Effect::Leave(_) => "leave",
    }
    .to_owned()
}

/// A screen on which the command has its place.
fn ready(command: &Command) -> Session {
    let mut session = session();
    session.press("j j");
    if let Context::Pane(pane) = command.context {
        let number = Pane::ALL.iter().position(|known| *known == pane).expect("a pane") + 1;
        session.press(&number.to_string());
    }
    session.drain();
    session
}

/// The text of the row under the cursor of the top dialog.
fn chosen(session: &Session) -> Option<String> {
    let sheet = session.app.dialogs.top()?.sheet(&session.app, session.now);
    sheet.body.iter().find_map(|row| match row {
        Row::Item(item) if item.selected => Some(item.text.clone()),
        _ => None,
    })
}

/// Runs a command by finding it in the dialog that `opener` opens; whether it is there.
fn find(session: &mut Session, opener: &str, command: &Command) -> bool {
    let name = command.name.replace('-', " ");
    session.press(opener);
    for word in name.split(' ') {
        session.type_text(word).tell(Msg::Input(Input::Key(KeyPress::char(' '))));
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
fn whatever_works_now_is_in_the_palette_and_nothing_else() {
    for command in COMMANDS {
        let is_left_out = matches!(command.action, Action::Move(_) | Action::Program(ProgramAction::Palette));
        let mut session = ready(command);
        let offered = session.app.offers(command.action) && !is_left_out;
        assert_eq!(find(&mut session, "C-p", command), offered, "{}", command.name);
    }
}

#[test]
fn a_second_key_does_what_the_first_one_does() {
    for command in COMMANDS.iter().filter(|command| command.second.is_some()) {
        let mut by_key = ready(command);
        if !by_key.app.offers(command.action) {
            continue;
        }
        by_key.press(command.keys.first().expect("a key"));
        let mut by_second = ready(command);
        by_second.press(",").tell(Msg::Input(Input::Key(KeyPress::char(command.second.expect("a second key")))));
        assert_eq!(account(&mut by_key), account(&mut by_second), "{}", command.name);
    }
}

#[test]
fn jump_labels_reach_every_kind_of_place() {
    let mut session = session();
    let Some(places) = Some(session.app.targets()) else { return };
    let unlike: HashSet<_> = places.iter().collect();
    assert_eq!(unlike.len(), places.len(), "no place has two labels");
    let screen = session.app.screen();
    for pane in Pane::ALL {
        assert!(places.iter().any(|(x, y)| screen.pane(pane).contains(*x, *y)), "{pane:?}");
    }
    assert!(places.iter().any(|(_, y)| *y == screen.footer.y), "the buttons of the footer");
    session.press("f");
    let at = places.iter().position(|(x, y)| screen.regions.contains(*x, *y)).expect("a region");
    let Some(Dialog::Jump(jump)) = session.app.dialogs.top() else { panic!("no labels") };
    let label = jump.open().nth(at).expect("a label").0.label.clone();
    session.type_text(&label);
    assert!(session.app.dialogs.is_empty());
    assert_eq!(session.app.stage.focus, Pane::Regions);
}

#[test]
fn the_palette_finds_credentials_and_shows_them() {
    let mut session = session();
    session.press("/").type_text("laptop").press("Enter C-p").type_text("broker").press("Enter");
    assert_eq!(session.selected(), "broker");
    assert_eq!(session.app.stage.focus, Pane::Credentials);
}

#[test]
fn presentation_mode_has_no_gap_through_which_a_name_shows() {
    let mut session = session();
    session.press("c P");
    assert!(!session.app.offers(Action::Credential(CredentialAction::Edit)));
    session.press("e");
    assert!(session.app.dialogs.is_empty(), "it opens nothing that names somebody");
    assert!(session.notice().contains("names"), "it says why");
    for keys in ["r", "X", "!", "C-p", "T", "V", "A"] {
        session.press(keys);
        let sheet = session.app.dialogs.top().expect("a dialog").sheet(&session.app, session.now);
        let said: String = sheet.head.iter().chain(&sheet.body).map(words_of).collect();
        assert!(samples::credentials().iter().all(|known| !said.contains(known.name.as_str())), "{keys}: {said}");
        session.press("Esc");
    }
}

fn words_of(row: &Row) -> String {
    match row {
        Row::Text(_, text) | Row::Remark(_, text) => format!("{text}\n"),
        Row::Item(item) => format!("{} {} {}\n", item.text, item.more, item.right),
        Row::Drawing(drawing) => drawing.pieces.iter().map(|(_, text)| text.as_str()).collect::<String>() + "\n",
        Row::Pair(label, value) => format!("{label} {value}\n"),
        _ => String::new(),
    }
}

#[test]
fn moving_and_jumping_never_leave_the_screen() {
    let mut session = session();
    for motion in [Motion::Bottom, Motion::Top] {
        session.app.run(Action::Move(motion), session.now);
    }
    session.app.run(Action::Screen(ScreenAction::Zoom), session.now);
    let area = session.app.stage.area;
    assert!(session.app.targets().iter().all(|(x, y)| area.contains(*x, *y)));
}
