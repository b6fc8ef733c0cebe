//! Settings changes while the screen runs: reloaded settings files and themes.
//!
//! Start at [`handle_settings_change`].

use crate::config::theme::{TerminalBackground, Theme};
use crate::domain::problem::Problem;
use crate::tui::app::activity::NotificationLevel;
use crate::tui::app::{
    App, Now, SettingsChange, ThemeMode, ThemePersistence, UiEffect, UiSettings,
};

/// Applies changed settings. Invalid settings are reported in a dialog; the valid ones apply.
pub(super) fn handle_settings_change(
    app: &mut App,
    preferences: UiSettings,
    change: SettingsChange,
    now: Now,
) -> Vec<UiEffect> {
    let mouse = (app.preferences.mouse != preferences.mouse).then_some(preferences.mouse);
    // Plain-text mode is chosen at the start and does not change with the settings.
    let keys = preferences.keys.clone().with_label_style(app.preferences.keys.label_style());
    app.preferences = UiSettings { keys, ..preferences };
    resolve_theme(app);
    let SettingsChange { problems, restart_required: later } = change;
    let count = problems.len();
    match problems.into_iter().next() {
        Some(problem) => {
            app.show_problem("Settings", first_problem_with_count(problem, count));
        }
        None => app.activity.notify(
            NotificationLevel::Success,
            settings_reloaded_text(&later),
            now.instant,
        ),
    }
    let Some(on) = mouse else { return Vec::new() };
    app.ui_state.mouse = on;
    vec![UiEffect::SetMouseCapture(on)]
}

/// Applies a theme until the end of the session, or until another one is chosen.
pub(super) fn apply_theme(app: &mut App, theme: Theme, mode: ThemeMode) {
    app.preferences.theme_mode = mode;
    app.preferences.theme = theme;
    resolve_theme(app);
}

/// Reports whether the chosen theme was saved.
pub(super) fn handle_theme_saved(
    app: &mut App,
    saved: Result<ThemePersistence, Problem>,
    now: Now,
) {
    match saved {
        Ok(ThemePersistence::Saved) => app.activity.notify(
            NotificationLevel::Success,
            "Theme saved in config.toml",
            now.instant,
        ),
        Ok(ThemePersistence::SessionOnly) => {
            app.activity.notify(
                NotificationLevel::Success,
                "Theme applied for this session (nothing is saved)",
                now.instant,
            );
        }
        Err(problem) => app.show_problem("Theme", problem),
    }
}

/// Returns the background color of the terminal, as far as it is known.
pub(super) fn terminal_background(app: &App) -> TerminalBackground {
    app.ui_state.background.unwrap_or(app.preferences.background)
}

/// Applies the theme that fits the terminal background; if the user chose another theme,
/// applies that one, with its own background where needed.
pub(super) fn resolve_theme(app: &mut App) {
    let theme = match app.preferences.theme_mode {
        ThemeMode::Auto => {
            Theme::for_background(terminal_background(app), app.preferences.color_depth)
        }
        ThemeMode::Chosen => app.preferences.theme.clone(),
    };
    app.preferences.theme = theme.with_background(terminal_background(app));
}

fn settings_reloaded_text(later: &[&str]) -> String {
    match later {
        [] => "Settings reloaded".to_owned(),
        [one] => format!("Settings reloaded; {one} takes effect after a restart"),
        many => format!("Settings reloaded; {} take effect after a restart", many.join(", ")),
    }
}

/// Returns the first problem with a note on the number of further ones.
fn first_problem_with_count(problem: Problem, count: usize) -> Problem {
    let Some(others) = count.checked_sub(2).map(|others| others + 1) else { return problem };
    let end = if problem.remedy.ends_with('?') { "" } else { ";" };
    let remedy = format!("{}{end} `tokenring config check` lists {others} more", problem.remedy);
    Problem { remedy, ..problem }
}

#[cfg(test)]
mod tests {
    use crate::config::theme::{ColorDepth, TerminalBackground, Theme};
    use crate::config::{KeyPress, Settings};
    use crate::domain::problem::Problem;
    use crate::tui::app::command::{CommandAction, CredentialAction};
    use crate::tui::app::dialogs::ProblemDialog;
    use crate::tui::app::samples::TestSession;
    use crate::tui::app::{InputEvent, Message, SettingsChange, UiEffect, UiSettings};

    fn change_settings(
        session: &mut TestSession,
        settings: &Settings,
        change: SettingsChange,
    ) -> Vec<UiEffect> {
        let preferences = UiSettings::from_settings(settings, session.app.preferences.symbols);
        session.drain();
        session.handle_message(Message::SettingsChanged(Box::new((preferences, change))));
        session.drain()
    }

    #[test]
    fn keys_and_mouse_follow_at_once_and_what_does_not_is_named() {
        let mut session = TestSession::new(120, 36);
        let mut settings = Settings { mouse: false, ..Settings::default() };
        settings.keys.insert("copy-secret".to_owned(), vec![KeyPress::char('K')]);
        let effects = change_settings(
            &mut session,
            &settings,
            SettingsChange { problems: Vec::new(), restart_required: vec!["store", "net"] },
        );
        assert!(
            matches!(effects.as_slice(), [UiEffect::SetMouseCapture(false)])
                && !session.app.ui_state.mouse
        );
        let label = session
            .app
            .preferences
            .keys
            .label(CommandAction::Credential(CredentialAction::CopySecret));
        assert_eq!(label.as_deref(), Some("K"));
        let notice =
            session.app.activity.current_notification(session.now.instant).expect("a word");
        assert_eq!(notice.text, "Settings reloaded; store, net take effect after a restart");
    }

    #[test]
    fn the_background_of_the_terminal_decides_unless_the_user_chose() {
        let mut session = TestSession::new(120, 36);
        let [dark, light] = [TerminalBackground::Dark, TerminalBackground::Light]
            .map(|background| Theme::for_background(background, ColorDepth::Ansi));
        let applied = |session: &mut TestSession, theme: &str| {
            let settings = Settings {
                theme: theme.to_owned(),
                color_depth: ColorDepth::Ansi,
                ..Settings::default()
            };
            change_settings(session, &settings, SettingsChange::default());
            session.app.preferences.theme.clone()
        };
        assert_eq!(applied(&mut session, "auto"), dark.clone(), "nothing is known yet");
        session.handle_message(Message::Input(InputEvent::Background(TerminalBackground::Light)));
        assert_eq!(session.app.preferences.theme, light);
        assert_eq!(applied(&mut session, "dark"), dark.with_background(TerminalBackground::Light));
        assert_eq!(applied(&mut session, "auto"), light);
    }

    #[test]
    fn a_theme_is_previewed_applied_with_enter_and_reverted_with_esc() {
        let mut session = TestSession::new(120, 36);
        change_settings(
            &mut session,
            &Settings { theme: "auto".to_owned(), ..Settings::default() },
            SettingsChange::default(),
        );
        let before = session.app.preferences.clone();
        session.press("F2 Down Down");
        assert_ne!(session.app.preferences.theme, before.theme);
        session.press("Esc");
        assert_eq!(session.app.preferences, before, "it follows the terminal as before");
        session.press("F2 Down Down Enter");
        assert!(matches!(&session.drain()[..], [UiEffect::SaveTheme(name)] if name == "light"));
        session.press("F2 g Enter");
        assert!(matches!(&session.drain()[..], [UiEffect::SaveTheme(name)] if name == "auto"));
        assert_eq!(session.app.preferences, before);
        session.handle_message(Message::ThemeSaved(Err(Problem::new(
            "It was not written",
            "the disk is full",
            "make room",
        ))));
        assert!(session.app.dialogs.top_as::<ProblemDialog>().is_some());
    }

    #[test]
    fn mistakes_are_shown_with_their_number_and_the_screen_continues() {
        let mut session = TestSession::new(120, 36);
        let problem = |why: &str| Problem::new("The settings are invalid", why, "fix the value");
        let problems =
            vec![problem("config.toml:2:1: unknown"), problem("config.toml:5:1: unknown")];
        change_settings(
            &mut session,
            &Settings::default(),
            SettingsChange { problems, restart_required: Vec::new() },
        );
        let Some(notice) = session.app.dialogs.top_as::<ProblemDialog>() else {
            panic!("nothing is shown")
        };
        assert!(notice.problem.why.starts_with("config.toml:2"), "{}", notice.problem);
        assert!(notice.problem.remedy.ends_with("lists 1 more"), "{}", notice.problem);
        session.press("Esc j");
        assert!(session.app.dialogs.is_empty() && session.app.credentials.cursor() == 1);
    }
}
