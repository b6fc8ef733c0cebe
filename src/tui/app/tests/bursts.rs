//! Tests of characters that arrive at once, and of keyboards without Latin letters.

use super::*;
use crate::tui::app::credentials::add_dialog::AddDialog;

impl TestSession {
    fn burst(&mut self, text: &str) -> &mut Self {
        self.handle_message(Message::Input(InputEvent::Burst(text.to_owned().into())))
    }

    fn offers_paste(&self) -> bool {
        self.app.dialogs.top_as::<AddDialog>().is_some()
    }

    fn dialog_title(&self) -> String {
        let dialog = self.app.dialogs.top();
        dialog.map(|dialog| dialog.view(&self.app, self.now).title.clone()).unwrap_or_default()
    }
}

#[test]
fn a_burst_on_the_main_screen_is_a_paste_and_runs_no_command() {
    for text in ["rotate", "q\nquit\n", ",tyq12", "/one\nline too many"] {
        let mut session = session();
        session.burst(text);
        assert!(session.offers_paste(), "{text:?}");
        assert!(session.drain().iter().all(|effect| !matches!(effect, UiEffect::Quit)), "{text:?}");
        session.press("Esc");
        assert_eq!(session.selected(), "appsec-bot");
    }
}

#[test]
fn what_opens_an_input_is_typed_ahead() {
    let mut session = session();
    session.burst("/appsec-bot\n");
    assert_eq!(session.app.credentials.visible_count(), 1);
    assert!(!session.app.credentials.filter.typing);
    session.burst(":quit\n");
    assert!(session.drain().iter().all(|effect| !matches!(effect, UiEffect::Quit)));
    assert_eq!(
        session.dialog_title(),
        "Help: type to search, Enter to run",
        "the command is shown and not run"
    );
}

#[test]
fn a_burst_is_typed_into_what_takes_text_only() {
    let mut session = session();
    session.press("/").burst("appsec-bot\nquit\n");
    assert!(session.app.credentials.filter.typing, "a line break does not end the input");
    session.press("Esc").press("!").burst("xq x x q\n");
    assert_eq!(session.dialog_title(), "Activity", "a dialog without text ignores it");
}

#[test]
fn a_command_has_its_key_on_every_keyboard() {
    for add in ["ф", "α"] {
        let mut session = session();
        session.press(add);
        assert!(session.offers_paste(), "{add}");
        session.press("Esc").press("/").press(add);
        assert_eq!(session.app.credentials.filter.input.value(), add, "text stays text");
        session.press("Esc").press("!").press("й");
        assert_eq!(session.dialog_title(), "", "a dialog closes by q, which is й here");
    }
    let layout_key = |session: &mut TestSession| {
        let key = InputEvent::LayoutKey(KeyPress::char('ש'), KeyPress::char('a'));
        session.handle_message(Message::Input(key));
    };
    let mut session = session();
    layout_key(&mut session);
    assert!(session.offers_paste());
    session.press("Esc").press("/");
    layout_key(&mut session);
    assert_eq!(session.app.credentials.filter.input.value(), "ש");
}
