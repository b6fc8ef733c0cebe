//! What stands in the header: how many credentials there are, and at its right end signs of what goes on. Signs that
//! lead somewhere are buttons.

use unicode_width::UnicodeWidthStr;

use super::activity::{StoreMood, StoreWords};
use super::chart::{self, Pieces};
use super::command::{Action, ProgramAction, ScreenAction};
use super::layout::Area;
use super::{App, Audience, Zoom, words};
use crate::config::theme::StyleRole;

/// What this is.
pub const NAME: &str = "tokenring";

/// Columns between two signs.
const GAP: u16 = 3;
/// Columns of the bar that shows how far tasks are.
const PROGRESS: usize = 12;

/// Something that the header tells, and where it stands.
pub struct Sign {
    /// What it says.
    pub pieces: Pieces,
    /// What a click on it does.
    pub action: Option<Action>,
    /// Where it stands.
    pub area: Area,
}

impl App {
    /// How many credentials there are.
    pub fn counted(&self) -> String {
        if !self.credentials.is_whole() {
            return "credentials …".to_owned();
        }
        let marked = self.credentials.mark_count();
        let marks = if marked > 0 { format!(" · {marked} marked") } else { String::new() };
        format!("{}{marks}", words::count(self.credentials.all().len(), "credential"))
    }

    /// The signs for which there is room, the last one first, and the room that is left before them.
    pub fn signs(&self) -> (Vec<Sign>, Area) {
        let line = self.screen().header.split_left(1).1;
        let line = line.split_left(line.width.saturating_sub(1)).0;
        let begun = u16::try_from(NAME.len() + self.counted().width()).unwrap_or(u16::MAX);
        let mut room = line.split_left(begun.saturating_add(2 * GAP - 1)).1;
        let mut signs = Vec::new();
        let program = |action| Some(Action::Program(action));
        let told = [
            (vec![self.help_sign()], program(ProgramAction::Help)),
            (self.running_sign().into_iter().collect(), program(ProgramAction::Activity)),
            (self.zoom_sign().into_iter().collect(), Some(Action::Screen(ScreenAction::Zoom))),
            (self.mouse_sign().into_iter().collect(), program(ProgramAction::Mouse)),
            (self.audience_sign().into_iter().collect(), program(ProgramAction::Presentation)),
            (self.store_signs(), program(ProgramAction::Unlock).filter(|_| self.store_wants_unlocking())),
        ];
        for (ways, action) in told {
            let fits = |pieces: &Pieces| width(pieces) <= room.width;
            let Some(pieces) = ways.into_iter().find(fits) else { continue };
            let (before, area) = room.split_left(room.width - width(&pieces));
            room = before.split_left(before.width.saturating_sub(GAP)).0;
            signs.push(Sign { pieces, action, area });
        }
        (signs, room)
    }

    /// What a click on the header does.
    pub(super) fn sign_at(&self, column: u16, row: u16) -> Option<Action> {
        let (signs, _) = self.signs();
        signs.into_iter().find(|sign| sign.area.contains(column, row))?.action
    }

    fn help_sign(&self) -> Pieces {
        vec![(StyleRole::Dim, format!("{} help", self.key_of(Action::Program(ProgramAction::Help))))]
    }

    /// How far the running tasks are, where that is known, as a bar and in numbers.
    fn running_sign(&self) -> Option<Pieces> {
        let running = self.activity.running();
        if running == 0 {
            return None;
        }
        let Some((done, total)) = self.activity.progress_of_all() else {
            return Some(vec![(StyleRole::Accent, format!("{running} running"))]);
        };
        let of = |steps: usize| u64::try_from(steps).unwrap_or(u64::MAX);
        let (full, empty) = chart::bar(self.preferences.glyphs, (of(done), of(total)), PROGRESS);
        Some(vec![
            (StyleRole::Accent, full),
            (StyleRole::Dim, format!("{empty} ")),
            (StyleRole::Accent, words::part(done, total)),
        ])
    }

    fn zoom_sign(&self) -> Option<Pieces> {
        let key = self.key_of(Action::Screen(ScreenAction::Zoom));
        (self.stage.zoom == Zoom::Pane).then(|| vec![(StyleRole::Accent, format!("zoomed, {key} back"))])
    }

    fn mouse_sign(&self) -> Option<Pieces> {
        let key = self.key_of(Action::Program(ProgramAction::Mouse));
        (!self.stage.mouse).then(|| vec![(StyleRole::Dim, format!("mouse off, {key} on"))])
    }

    fn audience_sign(&self) -> Option<Pieces> {
        (self.stage.audience == Audience::Others).then(|| vec![(StyleRole::Warn, "presentation".to_owned())])
    }

    /// The state of the store in words, with a sign; shorter ones follow for where there is less room.
    fn store_signs(&self) -> Vec<Pieces> {
        let glyphs = self.preferences.glyphs;
        let StoreWords { mood, title, state } = self.activity.store_words();
        match mood {
            StoreMood::Awaited => vec![vec![(StyleRole::Dim, format!("store {}", glyphs.ellipsis))]],
            StoreMood::Ready => {
                let sign = glyphs.accepted;
                [format!("store {sign} {title}"), format!("{sign} {title}")].map(|words| vec![(StyleRole::Good, words)]).into()
            }
            StoreMood::Gone => {
                let ways = [format!("store {} {title} {state}", glyphs.refused), format!("store {}", glyphs.refused)];
                ways.map(|words| vec![(StyleRole::Bad, words)]).into()
            }
            StoreMood::Shut { opens } => {
                let sign = glyphs.warning;
                let told = [format!("store {sign} {title} {state}"), format!("{sign} {state}"), sign.to_owned()];
                let key = self.key_of(Action::Program(ProgramAction::Unlock));
                let button = [(StyleRole::Key, key), (StyleRole::Warn, format!(" {opens}"))];
                let with_button = |words: String| {
                    let words = (StyleRole::Warn, format!("{words} {} ", glyphs.separator));
                    std::iter::once(words).chain(button.clone()).collect()
                };
                told.map(with_button).into()
            }
        }
    }

    fn key_of(&self, action: Action) -> String {
        self.preferences.keys.label(action).unwrap_or_default()
    }
}

fn width(pieces: &Pieces) -> u16 {
    let columns = pieces.iter().map(|(_, text)| text.width()).sum::<usize>();
    u16::try_from(columns).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use crate::engine::message::{BackendInfo, BackendKind, Persistence, StoreError, StoreStatus, TaskEvent, TaskId, TaskReport};
    use crate::tui::app::dialog::Dialog;
    use crate::tui::app::samples::Session;
    use crate::tui::app::{Input, Mouse, Msg};

    fn uncreated(columns: u16) -> Session {
        let mut session = Session::new(columns, 24);
        let backend =
            BackendInfo { kind: BackendKind::File, title: "encrypted file", persistence: Persistence::Disk, item_limit: 65_536 };
        let event = TaskEvent::Store(StoreStatus { backend, problem: Some(StoreError::NotInitialized) });
        session.tell(Msg::Report(TaskReport { task: TaskId(1), event }));
        session
    }

    #[test]
    fn a_store_that_is_shut_says_so_in_every_width_and_a_click_on_that_opens_it() {
        for columns in [60, 80, 120, 300] {
            let mut session = uncreated(columns);
            let (signs, _) = session.app.signs();
            let sign = signs.iter().find(|sign| sign.pieces.iter().any(|(_, text)| text == " create"));
            let area = sign.unwrap_or_else(|| panic!("at {columns} the way to the store is missing")).area;
            session.tell(Msg::Input(Input::Mouse(Mouse::Press, area.x + area.width - 1, area.y)));
            assert!(matches!(session.app.dialogs.top(), Some(Dialog::Unlock(_))), "at {columns}");
        }
    }

    #[test]
    fn signs_never_lie_on_one_another_or_on_what_stands_before_them() {
        for columns in 0..140 {
            let mut session = uncreated(columns);
            session.press("Z M P c");
            let (signs, rest) = session.app.signs();
            for (at, sign) in signs.iter().enumerate() {
                assert!(sign.area.x + sign.area.width <= columns, "at {columns}");
                let before = signs.get(at + 1).map_or(rest, |next| next.area);
                assert!(before.x + before.width <= sign.area.x, "at {columns}");
            }
        }
    }
}
