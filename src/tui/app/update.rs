//! Update function: handles a message and returns effects.
//!
//! Only routes: a command goes to its feature by [`App::run_action`], the event of a task by
//! `App::handle_task_event`. Start at [`update`]; mouse events are in `mouse.rs`.

use ratatui::layout::Rect;

use crate::config::KeyPress;
use crate::config::key::KeySymbol;
use crate::domain::Problem;
use crate::engine::background::protocol::{
    BackgroundTask, RegionCheckResult, TaskEvent, TaskId, TaskReport,
};
use crate::tui::app::activity::{NotificationLevel, TaskState};
use crate::tui::app::command::keymap::latin_key;
use crate::tui::app::command::{CommandAction, ConsoleAction, CredentialAction, ProgramAction};
use crate::tui::app::console::request_lists::{self, is_curl};
use crate::tui::app::console::{ConsolePromptKind, commands};
use crate::tui::app::credentials::add_dialog::AddDialog;
use crate::tui::app::credentials::{regions, undo};
use crate::tui::app::dialogs::{Dialog, DialogAction, DialogResult, DialogSlot, TaskRequest};
use crate::tui::app::widgets::form;
use crate::tui::app::{
    App, InputEvent, Message, Now, UiEffect, conversation, settings, unlock_retry,
};

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
            app.on_extracted_parameters(&exchange, extracted);
            Vec::new()
        }
        Message::EditorClosed(edited) => {
            app.on_editor_closed(edited, now);
            Vec::new()
        }
        Message::ViewerClosed(shown) => {
            commands::on_viewer_closed(app, shown);
            Vec::new()
        }
        Message::ThemeSaved(saved) => {
            settings::handle_theme_saved(app, saved, now);
            Vec::new()
        }
        Message::SettingsChanged(settings) => {
            settings::handle_settings_change(app, settings.0, settings.1, now)
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
                self.ui_state.area = Rect::new(0, 0, columns, rows);
                self.detail.mask();
                Vec::new()
            }
            InputEvent::Background(background) => {
                self.ui_state.background = Some(background);
                settings::resolve_theme(self);
                Vec::new()
            }
            InputEvent::Focus(true) => Vec::new(),
            InputEvent::Focus(false) => {
                self.detail.mask();
                Vec::new()
            }
            InputEvent::LineEntered(prompt, line) => {
                conversation::handle_reply(self, &prompt, &line, now)
            }
            InputEvent::Interrupt => conversation::handle_interrupt(self, now),
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
        if !is_one_line(text) || is_curl(text) {
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
        if self.selected().is_some() && is_curl(text) {
            request_lists::import_curl(self, text, now);
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
                    (NotificationLevel::Info, "Running in the background")
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
        if let Some(on_start) = request.on_start {
            on_start(self, task);
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

    /// Runs a command.
    pub(super) fn run_action(&mut self, action: CommandAction, now: Now) -> Vec<UiEffect> {
        match action {
            CommandAction::Move(motion) => self.move_cursor(motion),
            CommandAction::Focus(focus) => self.move_focus(focus),
            CommandAction::Credential(action) => return self.run_credential(action, now),
            CommandAction::Console(action) => return self.run_console(action, now),
            CommandAction::Screen(action) => return self.run_screen(action, now),
            CommandAction::Program(action) => return self.run_program(action, now),
        }
        Vec::new()
    }

    /// Whether a command would have an effect right now; the footer shows only such commands.
    pub fn can_run(&self, action: CommandAction) -> bool {
        match action {
            CommandAction::Move(_) | CommandAction::Focus(_) => true,
            CommandAction::Credential(action) => self.can_run_credential(action),
            CommandAction::Console(action) => self.can_run_console(action),
            CommandAction::Screen(action) => self.can_run_screen(action),
            CommandAction::Program(action) => self.can_run_program(action),
        }
    }

    fn handle_task_event(&mut self, report: TaskReport, now: Now) -> Vec<UiEffect> {
        let TaskReport { task, event } = report;
        match event {
            event @ (TaskEvent::Diagnosed(_) | TaskEvent::PassphraseGenerated(_)) => {
                return self.deliver_to_dialog(task, event, now);
            }
            TaskEvent::Progress { done, total } => self.activity.set_progress(task, done, total),
            TaskEvent::Credential(event) => return self.on_credential_event(task, event, now),
            TaskEvent::Copied(copied) => self.on_copied(task, &copied, now),
            TaskEvent::ClipboardCleared(result) => self.on_clipboard_cleared(result, now),
            TaskEvent::Checked { checked, region, check } => {
                self.on_check_event(&checked, RegionCheckResult { region, check }, now);
            }
            TaskEvent::ResponseReceived(exchange) => {
                return self.on_response(task, *exchange, now);
            }
            TaskEvent::Console(event) => return self.on_console_event(task, event, now),
            TaskEvent::Store(status) => self.on_store_status(status),
            TaskEvent::Rotation(event) => return self.on_rotation_event(task, event, now),
            TaskEvent::SignIn(event) => return self.on_sign_in_event(task, event, now),
            TaskEvent::Done => return self.handle_task_done(task, now),
            TaskEvent::Failed(problem) => return self.handle_task_failed(task, problem, now),
            TaskEvent::Canceled => return self.handle_task_canceled(task, now),
        }
        Vec::new()
    }

    /// Records that a listed task succeeded. The task may have opened a store that was unavailable
    /// before.
    fn handle_task_done(&mut self, task: TaskId, now: Now) -> Vec<UiEffect> {
        let next = self.unlock_retries.take_next(task);
        self.unlock_retries.forget(task);
        let Some(entry) = self.activity.entry_mut(task) else { return Vec::new() };
        entry.state = TaskState::Done(now.instant.saturating_duration_since(entry.started));
        undo::finish_edit(self, task, now);
        regions::finish_probe(self, task, now);
        self.reopen_after_unlock(task, now);
        let mut effects = self.deliver_to_dialogs(task, || TaskEvent::Done, now);
        effects.extend(next.map(|next| self.run_dialog_action(next, now)).unwrap_or_default());
        if self.activity.store.as_ref().is_some_and(|store| store.problem.is_some()) {
            effects.push(self.start_hidden_task(BackgroundTask::ReadStoreStatus).1);
        }
        effects
    }

    /// Shows a failure where it is waited for; reads the state of a store that failed.
    fn handle_task_failed(&mut self, task: TaskId, problem: Problem, now: Now) -> Vec<UiEffect> {
        let title = self.activity.entry_mut(task).map(|entry| {
            entry.state = TaskState::Failed(problem.clone());
            entry.title.clone()
        });
        undo::discard_pending_edit(self, task);
        regions::drop_probe(self, task);
        self.console.awaited_list.take_if(|waiting| *waiting == task);
        let store_failed = problem.class == crate::domain::problem::ProblemClass::Store;
        let reveal_pending = self.detail.waits_for(task);
        let is_locked = unlock_retry::is_store_locked(&problem);
        let mut effects = Vec::new();
        if self.wizard_for_task(task).is_some() {
            effects = self.handle_wizard_stopped(task, Some(problem), now);
        } else if self.dialogs.waits_for(task) {
            effects = self.deliver_failure(task, problem, now);
        } else {
            let is_in_console = self.console.waits_for(task);
            if is_in_console {
                self.console.fail(problem.clone());
            }
            let title = title.or_else(|| reveal_pending.then(|| "Reveal the secret".to_owned()));
            let unlock =
                if is_locked { self.unlock_and_retry(task, title.clone(), now) } else { None };
            match unlock {
                Some(unlock) => effects = unlock,
                None if is_in_console => {}
                None => self.report_failure(title, problem, now),
            }
        }
        self.unlock_retries.forget(task);
        if reveal_pending {
            self.detail.mask();
        }
        effects.extend(
            store_failed.then(|| self.start_hidden_task(BackgroundTask::ReadStoreStatus).1),
        );
        effects
    }

    /// Shows a failure that no view waits for: in a dialog, or in the footer if a dialog is open
    /// already. A hidden task (without a title) fails silently, because the screen works without
    /// its result.
    fn report_failure(&mut self, title: Option<String>, problem: Problem, now: Now) {
        match title {
            None => self.activity.notify(NotificationLevel::Error, problem.what, now.instant),
            Some(title) if self.dialogs.is_empty() => self.show_problem(title, problem),
            Some(title) => self.activity.notify(
                NotificationLevel::Error,
                format!("{title}: {}", problem.what),
                now.instant,
            ),
        }
    }

    fn handle_task_canceled(&mut self, task: TaskId, now: Now) -> Vec<UiEffect> {
        self.unlock_retries.forget(task);
        self.activity.set_task_state(task, TaskState::Canceled);
        undo::discard_pending_edit(self, task);
        regions::drop_probe(self, task);
        self.console.awaited_list.take_if(|waiting| *waiting == task);
        if self.console.waits_for(task) {
            self.console.cancel();
        }
        if self.detail.waits_for(task) {
            self.detail.mask();
        }
        self.activity.notify(NotificationLevel::Warning, "Canceled", now.instant);
        if self.wizard_for_task(task).is_some() {
            return self.handle_wizard_stopped(task, None, now);
        }
        self.deliver_to_dialogs(task, || TaskEvent::Canceled, now)
    }
}

/// Returns whether an action opens an input of one line, for what is typed next.
fn opens_input(action: CommandAction) -> bool {
    matches!(
        action,
        CommandAction::Credential(CredentialAction::FilterList)
            | CommandAction::Console(ConsoleAction::Search | ConsoleAction::Filter)
            | CommandAction::Program(ProgramAction::Help)
    )
}

/// Returns whether a text has no line break but at its end.
fn is_one_line(text: &str) -> bool {
    !text.trim_end_matches('\n').contains('\n')
}
