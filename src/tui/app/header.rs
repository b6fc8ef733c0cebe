//! Header line: the number of credentials at the left, status items at the right.
//!
//! An item with an action is also a button. Drawing and clicking both use [`header_items`].

use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

use crate::config::theme::StyleRole;
use crate::domain::{CredentialStatus, Timestamp};
use crate::tui::app::activity::{StoreStatusKind, StoreStatusText};
use crate::tui::app::command::{CommandAction, ProgramAction, ScreenAction};
use crate::tui::app::widgets::chart;
use crate::tui::app::widgets::chart::StyledSpans;
use crate::tui::app::widgets::split_rect::SplitRect as _;
use crate::tui::app::{App, PresentationMode, ZoomState, display_format};

/// Name of the program.
pub const PROGRAM_NAME: &str = "tokenring";

/// Columns between two items.
const ITEM_GAP_COLUMNS: u16 = 3;
/// Columns of the task progress bar.
const PROGRESS_BAR_COLUMNS: usize = 12;

/// Status item with its position.
pub struct HeaderItem {
    /// Text of the item.
    pub spans: StyledSpans,
    /// Command that a click runs.
    pub action: Option<CommandAction>,
    /// Position on the screen.
    pub area: Rect,
}

/// Number of credentials with a status; a click shows only these.
pub struct StatusCount {
    /// The status.
    pub status: CredentialStatus,
    /// Symbol, number and, where there is room, the word for the status.
    pub text: String,
    /// Position on the screen.
    pub area: Rect,
}

/// Returns the number of credentials as text.
pub fn credential_count_text(app: &App) -> String {
    if !app.credentials.all_rows_loaded() {
        return "credentials …".to_owned();
    }
    let marked = app.credentials.mark_count();
    let marks = if marked > 0 { format!(" · {marked} marked") } else { String::new() };
    format!("{}{marks}", display_format::format_count(app.credentials.all().len(), "credential"))
}

/// Returns the items that fit, from right to left, and the area left over before them.
pub fn header_items(app: &App) -> (Vec<HeaderItem>, Rect) {
    let line = app.screen_layout().header.split_left(1).1;
    let line = line.split_left(line.width.saturating_sub(1)).0;
    let begun =
        u16::try_from(PROGRAM_NAME.len() + credential_count_text(app).width()).unwrap_or(u16::MAX);
    let mut room = line.split_left(begun.saturating_add(2 * ITEM_GAP_COLUMNS - 1)).1;
    let mut items = Vec::new();
    let program = |action| Some(CommandAction::Program(action));
    let candidates = [
        (vec![help_item(app)], program(ProgramAction::Help)),
        (running_tasks_item(app).into_iter().collect(), program(ProgramAction::TaskList)),
        (zoom_item(app).into_iter().collect(), Some(CommandAction::Screen(ScreenAction::Zoom))),
        (mouse_item(app).into_iter().collect(), program(ProgramAction::Mouse)),
        (presentation_item(app).into_iter().collect(), program(ProgramAction::Presentation)),
        (
            store_item_variants(app),
            program(ProgramAction::Unlock).filter(|_| app.store_needs_unlock()),
        ),
    ];
    for (variants, action) in candidates {
        let fits = |pieces: &StyledSpans| spans_width(pieces) <= room.width;
        let Some(pieces) = variants.into_iter().find(fits) else { continue };
        let (before, area) = room.split_left(room.width - spans_width(&pieces));
        room = before.split_left(before.width.saturating_sub(ITEM_GAP_COLUMNS)).0;
        items.push(HeaderItem { spans: pieces, action, area });
    }
    (items, room)
}

/// Returns the number of credentials per status, the good ones first, if they fit into the area that
/// the items leave: with the word for the status, else with its symbol only.
pub fn status_counts(app: &App, room: Rect, now: Timestamp) -> Vec<StatusCount> {
    let list = &app.credentials;
    if !list.all_rows_loaded() {
        return Vec::new();
    }
    let room = room.split_left(1).1;
    let counts = CredentialStatus::ALL.into_iter().zip(list.status_counts(now)).rev();
    let counts: Vec<_> = counts.filter(|(_, count)| *count > 0).collect();
    let glyphs = app.preferences.symbols;
    let texts = |with_word: bool| -> Vec<_> {
        let text = |(status, count): &(CredentialStatus, usize)| {
            let (_, sign) = display_format::status_style(*status, glyphs);
            let word = if with_word { format!(" {}", status.as_str()) } else { String::new() };
            format!("{sign} {}{word}", display_format::format_number(*count))
        };
        counts.iter().map(text).collect()
    };
    let fits = |texts: &Vec<String>| {
        texts.iter().map(|text| text.width() + 2).sum::<usize>() <= usize::from(room.width) + 2
    };
    let Some(texts) = [true, false].map(texts).into_iter().find(fits) else { return Vec::new() };
    let mut rest = room;
    let place = |((status, _), text): (&(CredentialStatus, usize), String)| {
        let width = u16::try_from(text.width()).unwrap_or(u16::MAX);
        let (area, after) = rest.split_left(width);
        rest = after.split_left(2).1;
        StatusCount { status: *status, text, area }
    };
    counts.iter().zip(texts).map(place).collect()
}

fn help_item(app: &App) -> StyledSpans {
    vec![(
        StyleRole::Dim,
        format!("{} help", key_label(app, CommandAction::Program(ProgramAction::Help))),
    )]
}

/// Returns the progress of the running tasks as a bar and numbers, where it is known.
fn running_tasks_item(app: &App) -> Option<StyledSpans> {
    let running = app.activity.running_count();
    if running == 0 {
        return None;
    }
    let Some((done, total)) = app.activity.total_progress() else {
        return Some(vec![(StyleRole::Accent, format!("{running} running"))]);
    };
    let of = |steps: usize| u64::try_from(steps).unwrap_or(u64::MAX);
    let (full, empty) =
        chart::progress_bar(app.preferences.symbols, of(done), of(total), PROGRESS_BAR_COLUMNS);
    Some(vec![
        (StyleRole::Accent, full),
        (StyleRole::Dim, format!("{empty} ")),
        (StyleRole::Accent, display_format::format_part(done, total)),
    ])
}

fn zoom_item(app: &App) -> Option<StyledSpans> {
    let key = key_label(app, CommandAction::Screen(ScreenAction::Zoom));
    (app.ui_state.zoom == ZoomState::Pane)
        .then(|| vec![(StyleRole::Accent, format!("zoomed, {key} to exit"))])
}

fn mouse_item(app: &App) -> Option<StyledSpans> {
    let key = key_label(app, CommandAction::Program(ProgramAction::Mouse));
    (!app.ui_state.mouse).then(|| vec![(StyleRole::Dim, format!("mouse off, {key} to enable"))])
}

fn presentation_item(app: &App) -> Option<StyledSpans> {
    (app.ui_state.presentation == PresentationMode::On)
        .then(|| vec![(StyleRole::Warn, "presentation".to_owned())])
}

/// Returns the state of the store with a symbol, followed by shorter variants for narrow
/// screens.
fn store_item_variants(app: &App) -> Vec<StyledSpans> {
    let glyphs = app.preferences.symbols;
    let StoreStatusText { kind: mood, title, state } = app.activity.store_status_text();
    match mood {
        StoreStatusKind::Unknown => {
            vec![vec![(StyleRole::Dim, format!("store {}", glyphs.ellipsis))]]
        }
        StoreStatusKind::Ready => {
            let symbol = glyphs.accepted;
            [format!("store {symbol} {title}"), format!("{symbol} {title}")]
                .map(|words| vec![(StyleRole::Good, words)])
                .into()
        }
        StoreStatusKind::Unavailable => {
            let variants = [
                format!("store {} {title} {state}", glyphs.refused),
                format!("store {}", glyphs.refused),
            ];
            variants.map(|words| vec![(StyleRole::Bad, words)]).into()
        }
        StoreStatusKind::ActionRequired { opens } => {
            let symbol = glyphs.warning;
            let variants = [
                format!("store {symbol} {title} {state}"),
                format!("{symbol} {state}"),
                symbol.to_owned(),
            ];
            let key = key_label(app, CommandAction::Program(ProgramAction::Unlock));
            let button = [(StyleRole::Key, key), (StyleRole::Warn, format!(" {opens}"))];
            let with_button = |words: String| {
                let words = (StyleRole::Warn, format!("{words} {} ", glyphs.separator));
                std::iter::once(words).chain(button.clone()).collect()
            };
            variants.map(with_button).into()
        }
    }
}

fn key_label(app: &App, action: CommandAction) -> String {
    app.preferences.keys.label(action).unwrap_or_default()
}

fn spans_width(pieces: &StyledSpans) -> u16 {
    let columns = pieces.iter().map(|(_, text)| text.width()).sum::<usize>();
    u16::try_from(columns).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use crate::domain::StoreKind;
    use crate::engine::backend_info;
    use crate::engine::background::protocol::{
        StoreError, StoreStatus, TaskEvent, TaskId, TaskReport,
    };
    use crate::tui::app::dialogs::UnlockDialog;
    use crate::tui::app::header::header_items;
    use crate::tui::app::samples::TestSession;
    use crate::tui::app::{InputEvent, Message, MouseInput};

    fn uncreated(columns: u16) -> TestSession {
        let mut session = TestSession::new(columns, 24);
        let backend = backend_info(StoreKind::File);
        let event =
            TaskEvent::Store(StoreStatus { backend, problem: Some(StoreError::NotInitialized) });
        session.handle_message(Message::TaskEvent(TaskReport { task: TaskId(1), event }));
        session
    }

    #[test]
    fn a_store_that_is_shut_says_so_in_every_width_and_a_click_on_that_opens_it() {
        for columns in [60, 80, 120, 300] {
            let mut session = uncreated(columns);
            let (items, _) = header_items(&session.app);
            let item =
                items.iter().find(|item| item.spans.iter().any(|(_, text)| text == " create"));
            let area =
                item.unwrap_or_else(|| panic!("at {columns} the way to the store is missing")).area;
            session.handle_message(Message::Input(InputEvent::Mouse(
                MouseInput::Press,
                area.x + area.width - 1,
                area.y,
            )));
            assert!(session.app.dialogs.top_as::<UnlockDialog>().is_some(), "at {columns}");
        }
    }

    #[test]
    fn symbols_never_overlap_each_other_or_the_text_before_them() {
        for columns in 0..140 {
            let mut session = uncreated(columns);
            session.press("Z M P c");
            let (items, rest) = header_items(&session.app);
            for (at, item) in items.iter().enumerate() {
                assert!(item.area.x + item.area.width <= columns, "at {columns}");
                let before = items.get(at + 1).map_or(rest, |next| next.area);
                assert!(before.x + before.width <= item.area.x, "at {columns}");
            }
        }
    }
}
