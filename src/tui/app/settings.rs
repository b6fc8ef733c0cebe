//! Other settings while the screen runs.

use super::activity::Tone;
use super::{App, Change, Dress, Effect, Lasting, Now, Preferences};
use crate::config::theme::{TerminalBackground, Theme};
use crate::domain::problem::Problem;

impl App {
    /// Takes other settings in. What is wrong with them is told in a dialog; the screen goes on with what is right.
    pub(super) fn take_settings(&mut self, preferences: Preferences, change: Change, now: Now) -> Vec<Effect> {
        let mouse = (self.preferences.mouse != preferences.mouse).then_some(preferences.mouse);
        // Whether all is told in words is decided at the start.
        let keys = preferences.keys.clone().labelled(self.preferences.keys.labels());
        self.preferences = Preferences { keys, ..preferences };
        self.dress();
        let Change { flaws, later } = change;
        let count = flaws.len();
        match flaws.into_iter().next() {
            Some(flaw) => self.show_problem("Settings", first_of(flaw, count)),
            None => self.activity.say(Tone::Good, taken(&later), now.instant),
        }
        let Some(on) = mouse else { return Vec::new() };
        self.stage.mouse = on;
        vec![Effect::Mouse(on)]
    }

    /// Wears a theme to the end of this run, or until another one is chosen.
    pub(super) fn wear(&mut self, theme: Theme, dress: Dress) {
        self.preferences.dress = dress;
        self.preferences.theme = theme;
        self.dress();
    }

    /// The chosen theme is in the settings, or is not, and why.
    pub(super) fn take_kept_theme(&mut self, kept: Result<Lasting, Problem>, now: Now) {
        match kept {
            Ok(Lasting::Kept) => self.activity.say(Tone::Good, "The theme is kept in config.toml", now.instant),
            Ok(Lasting::ThisRun) => {
                self.activity.say(Tone::Good, "The theme is worn until the end; this run keeps nothing", now.instant);
            }
            Err(problem) => self.show_problem("Theme", problem),
        }
    }

    /// What colour the terminal has behind its text, as far as that is known.
    pub fn background(&self) -> TerminalBackground {
        self.stage.background.unwrap_or(self.preferences.background)
    }

    /// Wears what fits the background of the terminal; where something else is wished for, that, with a background of
    /// its own where it needs one.
    pub(super) fn dress(&mut self) {
        let theme = match self.preferences.dress {
            Dress::Fitting => Theme::for_background(self.background(), self.preferences.depth),
            Dress::Chosen => self.preferences.theme.clone(),
        };
        self.preferences.theme = theme.with_background(self.background());
    }
}

fn taken(later: &[&str]) -> String {
    match later {
        [] => "Settings read again".to_owned(),
        [one] => format!("Settings read again; {one} takes effect at the next start"),
        many => format!("Settings read again; {} take effect at the next start", many.join(", ")),
    }
}

/// The first problem, with the number of the others.
fn first_of(flaw: Problem, count: usize) -> Problem {
    let Some(others) = count.checked_sub(2).map(|others| others + 1) else { return flaw };
    let end = if flaw.remedy.ends_with('?') { "" } else { ";" };
    let remedy = format!("{}{end} `tokenring config check` lists {others} more", flaw.remedy);
    Problem { remedy, ..flaw }
}

#[cfg(test)]
mod tests {
    use crate::config::theme::{ColorDepth, TerminalBackground, Theme};
    use crate::config::{KeyPress, Settings};
    use crate::domain::problem::Problem;
    use crate::tui::app::command::{Action, CredentialAction};
    use crate::tui::app::dialog::Dialog;
    use crate::tui::app::samples::Session;
    use crate::tui::app::{Change, Effect, Input, Msg, Preferences};

    fn told(session: &mut Session, settings: &Settings, change: Change) -> Vec<Effect> {
        let preferences = Preferences::of(settings, session.app.preferences.glyphs);
        session.drain();
        session.tell(Msg::Settings(Box::new((preferences, change))));
        session.drain()
    }

    #[test]
    fn keys_and_mouse_follow_at_once_and_what_does_not_is_named() {
        let mut session = Session::new(120, 36);
        let mut settings = Settings { mouse: false, ..Settings::default() };
        settings.keys.insert("copy-secret".to_owned(), vec![KeyPress::char('K')]);
        let effects = told(&mut session, &settings, Change { flaws: Vec::new(), later: vec!["store", "net"] });
        assert!(matches!(effects.as_slice(), [Effect::Mouse(false)]) && !session.app.stage.mouse);
        let label = session.app.preferences.keys.label(Action::Credential(CredentialAction::Copy));
        assert_eq!(label.as_deref(), Some("K"));
        let notice = session.app.activity.notice(session.now.instant).expect("a word");
        assert_eq!(notice.text, "Settings read again; store, net take effect at the next start");
    }

    #[test]
    fn the_background_of_the_terminal_decides_unless_somebody_chose() {
        let mut session = Session::new(120, 36);
        let [dark, light] = [TerminalBackground::Dark, TerminalBackground::Light]
            .map(|background| Theme::for_background(background, ColorDepth::Ansi));
        let worn = |session: &mut Session, theme: &str| {
            let settings = Settings { theme: theme.to_owned(), color_depth: ColorDepth::Ansi, ..Settings::default() };
            told(session, &settings, Change::default());
            session.app.preferences.theme.clone()
        };
        assert_eq!(worn(&mut session, "auto"), dark.clone(), "nothing is known yet");
        session.tell(Msg::Input(Input::Background(TerminalBackground::Light)));
        assert_eq!(session.app.preferences.theme, light);
        assert_eq!(worn(&mut session, "dark"), dark.with_background(TerminalBackground::Light));
        assert_eq!(worn(&mut session, "auto"), light);
    }

    #[test]
    fn a_theme_is_tried_on_kept_with_enter_and_given_back_with_esc() {
        let mut session = Session::new(120, 36);
        told(&mut session, &Settings { theme: "auto".to_owned(), ..Settings::default() }, Change::default());
        let before = session.app.preferences.clone();
        session.press("F2 Down Down");
        assert_ne!(session.app.preferences.theme, before.theme);
        session.press("Esc");
        assert_eq!(session.app.preferences, before, "it follows the terminal as before");
        session.press(", c Down Down Enter");
        assert!(matches!(&session.drain()[..], [Effect::KeepTheme(name)] if name == "light"));
        session.press("F2 g Enter");
        assert!(matches!(&session.drain()[..], [Effect::KeepTheme(name)] if name == "auto"));
        assert_eq!(session.app.preferences, before);
        session.tell(Msg::ThemeKept(Err(Problem::new("It was not written", "the disk is full", "make room"))));
        assert!(matches!(session.app.dialogs.top(), Some(Dialog::Problem(_))));
    }

    #[test]
    fn mistakes_are_shown_with_their_number_and_the_screen_goes_on() {
        let mut session = Session::new(120, 36);
        let flaw = |why: &str| Problem::new("The settings are not understood", why, "correct this place");
        let flaws = vec![flaw("config.toml:2:1: unknown"), flaw("config.toml:5:1: unknown")];
        told(&mut session, &Settings::default(), Change { flaws, later: Vec::new() });
        let Some(Dialog::Problem(notice)) = session.app.dialogs.top() else { panic!("nothing is shown") };
        assert!(notice.problem.why.starts_with("config.toml:2"), "{}", notice.problem);
        assert!(notice.problem.remedy.ends_with("lists 1 more"), "{}", notice.problem);
        session.press("Esc j");
        assert!(session.app.dialogs.is_empty() && session.app.credentials.cursor() == 1);
    }
}
