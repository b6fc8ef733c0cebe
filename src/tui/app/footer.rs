//! Footer hints: commands that have an effect right now, as many as fit.
//!
//! Drawing and clicking both use [`visible_hints`].

use ratatui::layout::{Position, Rect};
use unicode_width::UnicodeWidthStr;

use crate::domain::Timestamp;
use crate::tui::app::activity::StoreStatusKind;
use crate::tui::app::command::{
    CommandAction, ConsoleAction, CredentialAction, FocusTarget, ProgramAction, ScreenAction,
};
use crate::tui::app::console::{ConsolePromptKind, follow_up};
use crate::tui::app::credentials::attention::{self, AttentionReason};
use crate::tui::app::credentials::detail::DetailPane;
use crate::tui::app::widgets::split_rect::SplitRect as _;
use crate::tui::app::{App, Pane, command};

/// Hint with its key, word and position.
pub struct KeyHint {
    /// Key.
    pub key: String,
    /// Word.
    pub title: &'static str,
    /// Command that a click runs.
    pub action: CommandAction,
    /// Position on the screen.
    pub area: Rect,
}

/// Number of the pane's own hints that precede the hint for the help.
const LEADING_HINT_COUNT: usize = 4;
const REFUSAL_HINTS: &[CommandAction] = &[
    CommandAction::Console(ConsoleAction::Explain),
    CommandAction::Credential(CredentialAction::ProbeRegions),
    CommandAction::Credential(CredentialAction::Rotate),
];
const LIST_HINTS: &[CommandAction] = &[
    CommandAction::Credential(CredentialAction::ToggleSecret),
    CommandAction::Credential(CredentialAction::CopySecret),
    CommandAction::Console(ConsoleAction::SendTest),
    CommandAction::Credential(CredentialAction::Rotate),
    CommandAction::Credential(CredentialAction::Check),
    CommandAction::Credential(CredentialAction::Add),
    CommandAction::Credential(CredentialAction::Edit),
    CommandAction::Credential(CredentialAction::FilterList),
    CommandAction::Credential(CredentialAction::NextAttention),
    CommandAction::Credential(CredentialAction::ClearFilter),
];
const REGION_HINTS: &[CommandAction] = &[
    CommandAction::Credential(CredentialAction::SwitchRegion),
    CommandAction::Credential(CredentialAction::ProbeRegions),
    CommandAction::Console(ConsoleAction::SendTest),
    CommandAction::Credential(CredentialAction::Check),
];
const CONSOLE_HINTS: &[CommandAction] = &[
    CommandAction::Console(ConsoleAction::Send),
    CommandAction::Console(ConsoleAction::PickPreset),
    CommandAction::Console(ConsoleAction::EditRequest),
    CommandAction::Console(ConsoleAction::KeepSecret),
    CommandAction::Console(ConsoleAction::Explain),
    CommandAction::Console(ConsoleAction::NextTab),
    CommandAction::Console(ConsoleAction::Filter),
    CommandAction::Console(ConsoleAction::ClearFilter),
    CommandAction::Console(ConsoleAction::Search),
    CommandAction::Console(ConsoleAction::NextPage),
    CommandAction::Console(ConsoleAction::History),
    CommandAction::Console(ConsoleAction::ToggleDiff),
    CommandAction::Console(ConsoleAction::SaveBody),
];
const PRIORITY_HINTS: &[CommandAction] =
    &[CommandAction::Program(ProgramAction::Unlock), CommandAction::Program(ProgramAction::Help)];
const GENERAL_HINTS: &[CommandAction] = &[
    CommandAction::Focus(FocusTarget::Next),
    CommandAction::Screen(ScreenAction::Jump),
    CommandAction::Program(ProgramAction::Undo),
    CommandAction::Program(ProgramAction::Quit),
];

/// Returns what the keys do while the user types text; no other keys work then.
pub fn typing_hints(app: &App) -> &'static [(&'static str, &'static str)] {
    match app.console.prompt.as_ref().map(|prompt| prompt.kind) {
        _ if !app.dialogs.is_empty() => &[],
        _ if app.credentials.filter.typing => {
            &[("Enter", "keep filter"), ("Esc", "clear filter"), ("Up Down", "move in the list")]
        }
        Some(ConsolePromptKind::Search) => &[("Enter", "keep search"), ("Esc", "clear search")],
        Some(ConsolePromptKind::Filter) => {
            &[("Enter", "apply filter"), ("Up Down", "earlier filters"), ("Esc", "cancel")]
        }
        None => &[],
    }
}

/// Returns the commands that help with what is wrong, which come first: after a refusal those that
/// explain it, try the other regions, and rotate.
fn remedies(app: &App, now: Timestamp) -> Vec<CommandAction> {
    let is_response_refused =
        app.console.response().is_some_and(|response| response.exchange.refusal.is_some());
    if app.ui_state.focus == Pane::Console && is_response_refused {
        return REFUSAL_HINTS.to_vec();
    }
    match attention::selected_reason(app, now) {
        Some(AttentionReason::Refused) => REFUSAL_HINTS.to_vec(),
        Some(reason) => vec![reason.remedy()],
        None => Vec::new(),
    }
}

/// Returns the hints that fit into the footer. A dialog shows its own hints and takes all keys.
pub fn visible_hints(app: &App, footer: Rect, now: Timestamp) -> Vec<KeyHint> {
    if !app.dialogs.is_empty() || !typing_hints(app).is_empty() {
        return Vec::new();
    }
    let own = match app.ui_state.focus {
        Pane::Credentials | Pane::Detail => LIST_HINTS,
        Pane::Regions => REGION_HINTS,
        Pane::Console => CONSOLE_HINTS,
    };
    let (first, more) = own.split_at(LEADING_HINT_COUNT);
    let mut offered: Vec<CommandAction> = Vec::new();
    let remedies = remedies(app, now);
    let all = [remedies.as_slice(), first, PRIORITY_HINTS, more, GENERAL_HINTS];
    for action in all.into_iter().flatten().filter(|action| app.can_run(**action)) {
        if !offered.contains(action) {
            offered.push(*action);
        }
    }
    let mut rest = footer.split_left(1).1;
    let mut hints = Vec::new();
    for action in offered {
        let Some((key, title)) = hint_label(app, action) else { continue };
        let width = u16::try_from(key.width() + 1 + title.width()).unwrap_or(u16::MAX);
        if width > rest.width {
            break;
        }
        let (area, after) = rest.split_left(width);
        rest = after.split_left(3).1;
        hints.push(KeyHint { key, title, action, area });
    }
    hints
}

/// Returns the command that a click on the footer runs.
pub fn hint_action_at(
    app: &App,
    footer: Rect,
    column: u16,
    now: Timestamp,
) -> Option<CommandAction> {
    visible_hints(app, footer, now)
        .into_iter()
        .find(|hint| hint.area.contains(Position::new(column, footer.y)))
        .map(|hint| hint.action)
}

fn hint_label(app: &App, action: CommandAction) -> Option<(String, &'static str)> {
    let command = command::find_by_action(action)?;
    let shown = action == CommandAction::Credential(CredentialAction::ToggleSecret)
        && !DetailPane::is_masked(&app.detail);
    let title = match (action, app.activity.store_status_text().kind) {
        _ if shown => "mask",
        (CommandAction::Console(ConsoleAction::Send), _)
            if follow_up::follow_up_requests(app).is_some() =>
        {
            "use in…"
        }
        (
            CommandAction::Program(ProgramAction::Unlock),
            StoreStatusKind::ActionRequired { opens },
        ) => opens,
        _ => command.title,
    };
    Some((app.preferences.keys.label(action)?, title))
}
