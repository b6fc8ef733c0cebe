//! What the footer offers: commands that do something right now, as many as there is room for.

use unicode_width::UnicodeWidthStr;

use super::activity::StoreMood;
use super::command::{
    self, Action, ConsoleAction, CredentialAction, Focus, ListAction, ProgramAction, RegionAction, ScreenAction,
};
use super::console::Purpose;
use super::detail::Detail;
use super::dialog::Dialog;
use super::layout::Area;
use super::{App, Pane};

/// A hint: key, word and where it stands.
pub struct Hint {
    /// The key.
    pub key: String,
    /// The word.
    pub title: &'static str,
    /// What a click on it does.
    pub action: Action,
    /// Where it stands.
    pub area: Area,
}

/// So many of a pane's own hints come before the way to all others.
const FIRST: usize = 4;
const LIST: &[Action] = &[
    Action::Credential(CredentialAction::Show),
    Action::Credential(CredentialAction::Copy),
    Action::Console(ConsoleAction::Test),
    Action::Credential(CredentialAction::Rotate),
    Action::Credential(CredentialAction::Check),
    Action::Credential(CredentialAction::Add),
    Action::Credential(CredentialAction::Edit),
    Action::List(ListAction::Filter),
    Action::List(ListAction::Clear),
];
const REGIONS: &[Action] = &[
    Action::Region(RegionAction::Switch),
    Action::Region(RegionAction::Probe),
    Action::Console(ConsoleAction::Test),
    Action::Credential(CredentialAction::Check),
];
const CONSOLE: &[Action] = &[
    Action::Console(ConsoleAction::Send),
    Action::Console(ConsoleAction::Presets),
    Action::Console(ConsoleAction::Edit),
    Action::Console(ConsoleAction::KeepSecret),
    Action::Console(ConsoleAction::Explain),
    Action::Console(ConsoleAction::View),
    Action::Console(ConsoleAction::Filter),
    Action::Console(ConsoleAction::Drop),
    Action::Console(ConsoleAction::Search),
    Action::Console(ConsoleAction::NextPage),
    Action::Console(ConsoleAction::History),
    Action::Console(ConsoleAction::Changes),
    Action::Console(ConsoleAction::Write),
];
const EARLY: &[Action] = &[Action::Program(ProgramAction::Unlock), Action::Program(ProgramAction::Palette)];
const ALWAYS: &[Action] = &[
    Action::Focus(Focus::Next),
    Action::Program(ProgramAction::Help),
    Action::Screen(ScreenAction::Leader),
    Action::Screen(ScreenAction::Jump),
    Action::Program(ProgramAction::Undo),
    Action::Program(ProgramAction::Quit),
];

/// What the keys mean while text is typed; nothing else works then.
pub fn typing(app: &App) -> &'static [(&'static str, &'static str)] {
    match app.console.prompt.as_ref().map(|prompt| prompt.purpose) {
        _ if !app.dialogs.is_empty() => &[],
        _ if app.credentials.filter.typing => {
            &[("Enter", "keeps the filter"), ("Esc", "drops it"), ("Up Down", "move in the list")]
        }
        Some(Purpose::Search) => &[("Enter", "keeps what is found"), ("Esc", "drops the search")],
        Some(Purpose::Filter) => &[("Enter", "filters the answer"), ("Up Down", "earlier filters"), ("Esc", "drops it")],
        None => &[],
    }
}

/// The hints that fit into the footer. A dialog has its own, and takes all keys.
pub fn hints(app: &App, footer: Area) -> Vec<Hint> {
    // The labels of jump mode lie on the hints, which are to be read below them.
    let takes_all_keys = app.dialogs.top().is_some_and(|dialog| !matches!(dialog, Dialog::Jump(_)));
    if takes_all_keys || !typing(app).is_empty() {
        return Vec::new();
    }
    let own = match app.stage.focus {
        Pane::Credentials | Pane::Detail => LIST,
        Pane::Regions => REGIONS,
        Pane::Console => CONSOLE,
    };
    let (first, more) = own.split_at(FIRST);
    let offered = first.iter().chain(EARLY).chain(more).chain(ALWAYS).copied().filter(|action| app.offers(*action));
    let mut rest = footer.split_left(1).1;
    let mut hints = Vec::new();
    for action in offered {
        let Some((key, title)) = label(app, action) else { continue };
        let width = u16::try_from(key.width() + 1 + title.width()).unwrap_or(u16::MAX);
        if width > rest.width {
            break;
        }
        let (area, after) = rest.split_left(width);
        rest = after.split_left(3).1;
        hints.push(Hint { key, title, action, area });
    }
    hints
}

/// What a click on the footer does.
pub fn hint_at(app: &App, footer: Area, column: u16) -> Option<Action> {
    hints(app, footer).into_iter().find(|hint| hint.area.contains(column, footer.y)).map(|hint| hint.action)
}

fn label(app: &App, action: Action) -> Option<(String, &'static str)> {
    let command = command::of(action)?;
    let shown = action == Action::Credential(CredentialAction::Show) && !Detail::is_masked(&app.detail);
    let title = match (action, app.activity.store_words().mood) {
        _ if shown => "mask",
        (Action::Console(ConsoleAction::Send), _) if app.onward().is_some() => "go on",
        (Action::Program(ProgramAction::Unlock), StoreMood::Shut { opens }) => opens,
        _ => command.title,
    };
    Some((app.preferences.keys.label(action)?, title))
}
