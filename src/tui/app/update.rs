//! Update function: handles a message and returns effects.
//!
//! Start at [`update`]; commands continue in `act.rs`, task reports in `report.rs`, mouse events in
//! `mouse.rs`.

use super::command::{CommandAction, ConsoleAction, ListAction, ProgramAction};
use super::console::ConsolePromptKind;
use super::{App, InputEvent, Message, Now, UiEffect};
use crate::config::KeyPress;
use crate::config::key::KeySymbol;
use crate::domain::Problem;
use crate::engine::background::protocol::{TaskEvent, TaskId};
use crate::tui::app::dialogs::{
    self, AddDialog, Dialog, DialogAction, DialogResult, DialogSlot, TaskRequest,
};
use crate::tui::app::overview::activity::NotificationLevel;
use crate::tui::app::widgets::form;
use crate::tui::input::keyboard_layouts::latin_key;

/// Handles a message; returns the effects to run.
pub fn update(app: &mut App, msg: Message, now: Now) -> Vec<UiEffect> {
    app.detail.expire(now.instant);
    app.activity.expire_notification(now.instant);
    app.lock_if_idle(now);
    let mut effects = match msg {
        Message::Input(input) => app.handle_input(input, now),
        Message::TaskEvent(report) => app.handle_task_event(report, now),
        Message::LayoutReady(task, laid) => {
            app.console.set_layout(task, laid);
            Vec::new()
        }
        Message::ParametersExtracted(exchange, extracted) => {
            app.handle_extracted_parameters(&exchange, extracted);
            Vec::new()
        }
        Message::EditorClosed(edited) => {
            app.handle_editor_closed(edited, now);
            Vec::new()
        }
        Message::ThemeSaved(saved) => {
            app.handle_theme_saved(saved, now);
            Vec::new()
        }
        Message::SettingsChanged(settings) => {
            app.handle_settings_change(settings.0, settings.1, now)
        }
        Message::Wake => Vec::new(),
        Message::Suspending => {
            app.detail.mask();
            Vec::new()
        }
        Message::ThreadPanicked(text) => {
            app.detail.mask_if_revealed();
            app.activity.notify(
                NotificationLevel::Error,
                format!("Internal error in the background: {text}"),
                now.instant,
            );
            Vec::new()
        }
    };
    effects.extend(app.sync_state(now));
    effects
}

impl App {
    fn handle_input(&mut self, input: InputEvent, now: Now) -> Vec<UiEffect> {
        if matches!(
            input,
            InputEvent::Key(_)
                | InputEvent::LayoutKey(..)
                | InputEvent::Paste(_)
                | InputEvent::Burst(_)
                | InputEvent::Mouse(..)
                | InputEvent::LineEntered(..)
        ) {
            self.ui_state.last_input = now;
            self.activity.end_notification();
        }
        match input {
            InputEvent::Key(key) => self.handle_key(key, now),
            InputEvent::LayoutKey(typed, on_us_keyboard) => {
                self.handle_key(if self.takes_text() { typed } else { on_us_keyboard }, now)
            }
            InputEvent::Paste(text) => self.handle_paste(&text, now),
            InputEvent::Burst(text) => self.handle_burst(&text, now),
            InputEvent::Mouse(mouse, column, row) => self.handle_mouse(mouse, column, row, now),
            InputEvent::Resize(columns, rows) => {
                self.ui_state.area = super::layout::ScreenRect::new(columns, rows);
                self.detail.mask();
                Vec::new()
            }
            InputEvent::Background(background) => {
                self.ui_state.background = Some(background);
                self.resolve_theme();
                Vec::new()
            }
            InputEvent::Focus(true) => Vec::new(),
            InputEvent::Focus(false) => {
                self.detail.mask();
                Vec::new()
            }
            InputEvent::LineEntered(prompt, line) => self.handle_reply(&prompt, &line, now),
            InputEvent::Interrupt => self.handle_interrupt(now),
            InputEvent::InputClosed => self.quit(),
        }
    }

    fn handle_key(&mut self, key: KeyPress, now: Now) -> Vec<UiEffect> {
        let key = self.command_key(key);
        let action = self.preferences.keys.resolve(key, self.ui_state.focus);
        let always = [ProgramAction::Cancel, ProgramAction::Suspend].map(CommandAction::Program);
        if let Some(action) = action.filter(|action| always.contains(action)) {
            return self.run_action(action, now);
        }
        if !self.dialogs.is_empty() {
            return self.with_top_dialog(now, |dialog, app| match key.code {
                KeySymbol::Esc => dialog.dismiss(),
                _ => dialog.handle_key(key, app, now),
            });
        }
        if self.credentials.filter.typing {
            return self.handle_filter_key(key, now);
        }
        if self.console.prompt.is_some() {
            return self.handle_prompt_key(key);
        }
        action.map(|action| self.run_action(action, now)).unwrap_or_default()
    }

    /// Returns whether characters are text now, and not commands.
    fn takes_text(&self) -> bool {
        match self.dialogs.top() {
            Some(dialog) => dialog.takes_text(),
            None => self.credentials.filter.typing || self.console.prompt.is_some(),
        }
    }

    /// Returns the key that runs a command: on a keyboard without Latin letters, the key at the same
    /// place of a US keyboard, unless the user gave the character to a command.
    fn command_key(&self, key: KeyPress) -> KeyPress {
        let is_bound = || self.preferences.keys.resolve(key, self.ui_state.focus).is_some();
        match latin_key(key) {
            Some(latin) if !self.takes_text() && !is_bound() => latin,
            _ => key,
        }
    }

    /// Handles characters that arrived at once: text where text is typed, elsewhere a paste. No
    /// character runs a command, but the first may open the input for the others, as in `/name`.
    fn handle_burst(&mut self, text: &str, now: Now) -> Vec<UiEffect> {
        if self.takes_text() {
            return self.type_text(text, now);
        }
        if !self.dialogs.is_empty() {
            return Vec::new();
        }
        let mut characters = text.chars();
        let first = characters.next().map(KeyPress::char);
        let action = first.and_then(|key| self.preferences.keys.resolve(key, self.ui_state.focus));
        let Some(action) = action.filter(|action| opens_input(*action) && is_one_line(text)) else {
            return self.handle_paste(text, now);
        };
        let mut effects = self.run_action(action, now);
        let rest = characters.as_str();
        let runs_command = action == CommandAction::Program(ProgramAction::Help);
        let rest = if runs_command { rest.trim_end_matches('\n') } else { rest };
        effects.extend(self.type_text(rest, now));
        effects
    }

    /// Types a text while text is expected. Text of several lines is inserted as a whole, because
    /// Enter would end the input.
    fn type_text(&mut self, text: &str, now: Now) -> Vec<UiEffect> {
        if !is_one_line(text) || dialogs::is_curl(text) {
            return self.handle_paste(text, now);
        }
        let mut effects = Vec::new();
        for c in text.chars() {
            if !self.takes_text() {
                break;
            }
            let key = match c {
                '\n' => KeyPress::without_modifiers(KeySymbol::Enter),
                '\t' => KeyPress::without_modifiers(KeySymbol::Tab),
                c => KeyPress::char(c),
            };
            effects.extend(self.handle_key(key, now));
        }
        effects
    }

    /// Handles a paste: into the control that takes text; elsewhere it can only be a secret to add.
    fn handle_paste(&mut self, text: &str, now: Now) -> Vec<UiEffect> {
        if !self.dialogs.is_empty() {
            return self.with_top_dialog(now, |dialog, app| dialog.handle_paste(text, app, now));
        }
        if self.credentials.filter.typing {
            form::insert_text(&mut self.credentials.filter.input, text);
            self.credentials.apply_filter(now.wall);
            return Vec::new();
        }
        if let Some(prompt) = &mut self.console.prompt {
            form::insert_text(&mut prompt.input, text);
            if prompt.kind == ConsolePromptKind::Search {
                let text = prompt.input.value().to_owned();
                self.search_response(&text);
            }
            return Vec::new();
        }
        if self.selected().is_some() && dialogs::is_curl(text) {
            self.import_curl(text, now);
            return Vec::new();
        }
        self.dialogs.push(AddDialog::new(self.catalog.clone()));
        self.with_top_dialog(now, |dialog, app| dialog.handle_paste(text, app, now))
    }

    /// Lets the top dialog handle an event and runs the action it returns.
    pub(super) fn with_top_dialog(
        &mut self,
        now: Now,
        handle: impl FnOnce(&mut dyn Dialog, &Self) -> DialogResult,
    ) -> Vec<UiEffect> {
        let Some((slot, mut dialog)) = self.dialogs.take_top() else { return Vec::new() };
        let result = handle(dialog.as_mut(), self);
        self.apply_dialog_result(slot, dialog, result, now)
    }

    /// Puts a dialog that has handled an event back where it was, unless it closes, and runs the
    /// action that it returned.
    pub(super) fn apply_dialog_result(
        &mut self,
        slot: DialogSlot,
        mut dialog: Box<dyn Dialog>,
        result: DialogResult,
        now: Now,
    ) -> Vec<UiEffect> {
        match result {
            DialogResult::Close => Vec::new(),
            DialogResult::RunAndClose(action) => self.run_dialog_action(action, now),
            DialogResult::Hide => {
                // A rotation that asks a question is not busy: it waits for the answer.
                let (level, state) = if dialog.is_busy() {
                    (NotificationLevel::Success, "Running in the background")
                } else {
                    (NotificationLevel::Warning, "The rotation waits for you")
                };
                self.dialogs.hide(dialog);
                let key = self
                    .preferences
                    .keys
                    .key_or_name(CommandAction::Program(ProgramAction::TaskList));
                self.activity.notify(level, format!("{state}; {key} reopens it"), now.instant);
                Vec::new()
            }
            DialogResult::Stay => {
                self.dialogs.put_back(slot, dialog);
                Vec::new()
            }
            DialogResult::RunAndStay(DialogAction::Start(request)) => {
                let is_awaited = request.is_awaited;
                let (task, effect) = self.start_requested(request, now);
                if is_awaited {
                    dialog.set_task(task);
                }
                self.dialogs.put_back(slot, dialog);
                vec![effect]
            }
            DialogResult::RunAndStay(action) => {
                self.dialogs.put_back(slot, dialog);
                self.run_dialog_action(action, now)
            }
        }
    }

    /// Runs the action that a dialog returned.
    fn run_dialog_action(&mut self, action: DialogAction, now: Now) -> Vec<UiEffect> {
        match action {
            DialogAction::Run(command) => self.run_action(command, now),
            DialogAction::Start(request) => vec![self.start_requested(request, now).1],
            DialogAction::Effect(effect) => vec![effect],
            DialogAction::Open(dialog) => {
                self.dialogs.push_boxed(dialog);
                Vec::new()
            }
            DialogAction::Call(method) => method(self, now),
        }
    }

    /// Starts a task that a dialog requested.
    fn start_requested(&mut self, request: TaskRequest, now: Now) -> (TaskId, UiEffect) {
        let (task, effect) = match request.title {
            Some(title) => self.start_task(title, request.task, now),
            None => self.start_hidden_task(request.task),
        };
        if let Some(list) = request.list {
            self.console.awaited_list = Some((task, list));
        }
        (task, effect)
    }

    /// Lets every dialog that waits for a task handle its event, the top one first.
    pub(super) fn deliver_to_dialogs(
        &mut self,
        task: TaskId,
        event: fn() -> TaskEvent,
        now: Now,
    ) -> Vec<UiEffect> {
        let slots = self.dialogs.slots_for_task(task).into_iter().rev();
        slots.flat_map(|slot| self.deliver_at(slot, task, event(), now)).collect()
    }

    /// Lets the top dialog that waits for a task handle its event.
    pub(super) fn deliver_to_dialog(
        &mut self,
        task: TaskId,
        event: TaskEvent,
        now: Now,
    ) -> Vec<UiEffect> {
        let slot = self.dialogs.slots_for_task(task).last().copied();
        slot.map(|slot| self.deliver_at(slot, task, event, now)).unwrap_or_default()
    }

    /// Lets the lowest dialog that waits for a task show its failure, and closes those that were
    /// opened from it for the task.
    pub(super) fn deliver_failure(
        &mut self,
        task: TaskId,
        problem: Problem,
        now: Now,
    ) -> Vec<UiEffect> {
        let slots = self.dialogs.slots_for_task(task);
        let Some((lowest, others)) = slots.split_first() else { return Vec::new() };
        for slot in others.iter().rev() {
            drop(self.dialogs.take_at(*slot));
        }
        self.deliver_at(*lowest, task, TaskEvent::Failed(problem), now)
    }

    fn deliver_at(
        &mut self,
        slot: DialogSlot,
        task: TaskId,
        event: TaskEvent,
        now: Now,
    ) -> Vec<UiEffect> {
        let Some(mut dialog) = self.dialogs.take_at(slot) else { return Vec::new() };
        let result = dialog.on_task(task, event, self, now);
        self.apply_dialog_result(slot, dialog, result, now)
    }

    fn handle_filter_key(&mut self, key: KeyPress, now: Now) -> Vec<UiEffect> {
        if key.code == KeySymbol::Esc {
            self.push_filter_undo();
        }
        let list = &mut self.credentials;
        match key.code {
            KeySymbol::Enter => list.filter.typing = false,
            KeySymbol::Esc => list.clear_filter(now.wall),
            KeySymbol::Up => list.move_cursor(super::command::CursorMotion::Up, 1),
            KeySymbol::Down => list.move_cursor(super::command::CursorMotion::Down, 1),
            _ if form::edit_input(&mut list.filter.input, key) => list.apply_filter(now.wall),
            _ => {}
        }
        Vec::new()
    }

    fn handle_prompt_key(&mut self, key: KeyPress) -> Vec<UiEffect> {
        let Some(prompt) = &mut self.console.prompt else { return Vec::new() };
        let purpose = prompt.kind;
        match (key.code, purpose) {
            (KeySymbol::Enter, ConsolePromptKind::Filter) => {
                let filter = prompt.input.value().trim().to_owned();
                self.console.prompt = None;
                return self.filter_response(&filter);
            }
            (KeySymbol::Enter, ConsolePromptKind::Search) => self.console.prompt = None,
            (KeySymbol::Esc, _) => {
                self.console.prompt = None;
                self.search_response("");
            }
            (KeySymbol::Up, ConsolePromptKind::Filter) => self.console.recall_filter(1),
            (KeySymbol::Down, ConsolePromptKind::Filter) => self.console.recall_filter(-1),
            (_, purpose) => {
                let changed = form::edit_input(&mut prompt.input, key);
                let text = prompt.input.value().to_owned();
                if changed && purpose == ConsolePromptKind::Search {
                    self.search_response(&text);
                }
            }
        }
        Vec::new()
    }

    fn search_response(&mut self, text: &str) {
        if let Some(document) = self.console.document() {
            document.search(text);
        }
    }
}

/// Returns whether an action opens an input of one line, for what is typed next.
fn opens_input(action: CommandAction) -> bool {
    matches!(
        action,
        CommandAction::List(ListAction::Filter)
            | CommandAction::Console(ConsoleAction::Search | ConsoleAction::Filter)
            | CommandAction::Program(ProgramAction::Help)
    )
}

/// Returns whether a text has no line break but at its end.
fn is_one_line(text: &str) -> bool {
    !text.trim_end_matches('\n').contains('\n')
}
