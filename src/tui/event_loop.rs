//! Event loop of the screen: waits for an event, updates the state, runs the effects and draws.
//!
//! Nothing polls. Between two events the process sleeps; a timer exists only while the state asks
//! to be woken or a frame is due. User input is drawn at once; reports of tasks are gathered and
//! drawn at most every [`FRAME_INTERVAL`]. Start reading at [`EventLoop::run_until_exit`].

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;
use tokio::time::{Instant, sleep_until};

use super::app::{
    App, InitialState, InputEvent, Message, Now, SettingsChange, ThemePersistence, UiEffect,
    ViewerProgram, update,
};
use super::channels::{EventReceivers, EventSenders, SystemEvent};
use super::editor;
use super::settings_watcher::{SettingsSource, settings_change};
use super::signals::HANGUP_EXIT_CODE;
use super::terminal::{ScreenSurface, SuspendScope};
use crate::config::{LayoutStore, PaneLayout, SettingsReport, save_theme_choice};
use crate::domain::Problem;
use crate::engine::background::protocol::{TaskId, TaskReport};
use crate::engine::{Engine, TaskManager};
use crate::tui::app::console::layout_job::LayoutJob;
use crate::tui::app::console::parameter_memory::ExtractionJob;

/// Minimum time between two frames that do not respond to user input.
const FRAME_INTERVAL: Duration = Duration::from_millis(16);

/// Exit code after an interruption by the keyboard.
const INTERRUPT_EXIT_CODE: u8 = 130;

/// How long tasks may take to finish after the user has quit.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(1);

/// Event loop of the running screen.
pub struct EventLoop<S> {
    app: App,
    surface: S,
    memory: LayoutStore,
    settings_source: SettingsSource,
    engine: Arc<Engine>,
    tasks: TaskManager,
    system_events: UnboundedSender<SystemEvent>,
    receivers: EventReceivers,
    frame_timer: FrameTimer,
    /// Whether the terminal is in the modes of the screen. While suspended it is not, and nothing
    /// is drawn.
    is_terminal_active: bool,
    /// Whether the user's editor or pager has the terminal.
    is_program_open: bool,
    /// Exit code, as soon as the loop is to end.
    exit_code: Option<u8>,
    /// Effects to run when the loop starts.
    pending_effects: Vec<UiEffect>,
}

/// Parts of an event loop.
pub struct EventLoopParts<S> {
    /// Engine that does the work.
    pub engine: Arc<Engine>,
    /// State with which the screen starts.
    pub start: InitialState,
    /// Surface to draw on.
    pub surface: S,
    /// Store of the pane layout.
    pub memory: LayoutStore,
    /// Source of the settings.
    pub settings_source: SettingsSource,
    /// Channels to the screen.
    pub channels: (EventSenders, EventReceivers),
}

/// Timer of the next frame.
struct FrameTimer {
    last_frame: Instant,
    next_frame: Option<Instant>,
}

/// Event that the loop handles.
enum LoopEvent {
    System(SystemEvent),
    Input(InputEvent),
    Task(Box<TaskReport>),
    /// The time has come that the state asked for.
    TimerDue,
    /// A frame is due.
    FrameDue,
    /// The terminal is closed.
    InputClosed,
}

impl<S: ScreenSurface> EventLoop<S> {
    /// Runs the screen until it ends and returns the exit code.
    pub async fn run(parts: EventLoopParts<S>) -> u8 {
        Self::new(parts).run_until_exit().await
    }

    /// Creates the loop and draws the first frame. No effect runs yet, so nothing has to be awaited
    /// and no runtime is needed.
    pub(super) fn new(parts: EventLoopParts<S>) -> Self {
        let EventLoopParts {
            engine,
            start,
            surface,
            memory,
            settings_source,
            channels: (senders, receivers),
        } = parts;
        let (app, pending_effects) = App::start(start, current_time(&engine));
        let tasks = TaskManager::new(Arc::clone(&engine), senders.reports.clone());
        let system_events = senders.system_events.clone();
        // With an input sender of its own, the loop would never learn that the terminal is closed.
        drop(senders);
        let frame_timer = FrameTimer { last_frame: Instant::now(), next_frame: None };
        let (is_shown, is_lent, code) = (true, false, None);
        let mut this = Self {
            app,
            surface,
            memory,
            settings_source,
            engine,
            tasks,
            system_events,
            receivers,
            frame_timer,
            is_terminal_active: is_shown,
            is_program_open: is_lent,
            exit_code: code,
            pending_effects,
        };
        this.report_settings_errors();
        this.draw();
        this
    }

    /// Runs the loop until it ends and returns the exit code.
    pub(super) async fn run_until_exit(mut self) -> u8 {
        let effects = std::mem::take(&mut self.pending_effects);
        self.run_effects(effects);
        loop {
            if let Some(code) = self.exit_code {
                self.leave_terminal();
                self.tasks.finish(SHUTDOWN_TIMEOUT).await;
                return code;
            }
            let event = self.next_event().await;
            self.handle_event(event);
            self.handle_queued_events();
            // The last frame is drawn when the loop leaves the terminal.
            if self.is_terminal_active
                && self.exit_code.is_none()
                && self.frame_timer.next_frame.is_some_and(|due| due <= Instant::now())
            {
                self.draw();
            }
        }
    }

    /// Waits for the next event. While suspended, neither frames nor timers are awaited.
    async fn next_event(&mut self) -> LoopEvent {
        let due = self.frame_timer.next_frame.filter(|_| self.is_terminal_active);
        let wake =
            self.app.next_wake(current_time(&self.engine)).filter(|_| self.is_terminal_active);
        let wake = wake
            .map(|wake| Instant::from_std(wake).max(self.frame_timer.last_frame + FRAME_INTERVAL));
        tokio::select! {
            biased;
            Some(event) = self.receivers.system_events.recv() => LoopEvent::System(event),
            input = self.receivers.inputs.recv() => input.map_or(LoopEvent::InputClosed, LoopEvent::Input),
            () = wait_until(due) => LoopEvent::FrameDue,
            () = wait_until(wake) => LoopEvent::TimerDue,
            Some(report) = self.receivers.reports.recv() => LoopEvent::Task(Box::new(report)),
        }
    }

    /// Handles all events that are queued already, so that they are drawn together.
    fn handle_queued_events(&mut self) {
        for _ in 0..self.receivers.inputs.len() {
            if self.is_terminal_active
                && self.exit_code.is_none()
                && let Ok(input) = self.receivers.inputs.try_recv()
            {
                self.handle_event(LoopEvent::Input(input));
            }
        }
        for _ in 0..self.receivers.reports.len() {
            if let Ok(report) = self.receivers.reports.try_recv() {
                self.handle_event(LoopEvent::Task(Box::new(report)));
            }
        }
    }

    fn handle_event(&mut self, event: LoopEvent) {
        match event {
            LoopEvent::System(event) => self.handle_system_event(event),
            // Resizes come in bursts, and each costs a whole frame.
            LoopEvent::Input(input @ InputEvent::Resize(..)) => {
                self.check_io(ScreenSurface::invalidate);
                self.update_app(Message::Input(input));
                self.frame_timer.schedule_soon();
            }
            LoopEvent::Input(input) => {
                // A user who returns to the window may have edited the settings.
                if input == InputEvent::Focus(true) {
                    self.reload_settings();
                }
                self.update_app(Message::Input(input));
                self.frame_timer.schedule_now();
            }
            LoopEvent::Task(report) => {
                self.update_app(Message::TaskEvent(*report));
                self.frame_timer.schedule_soon();
            }
            LoopEvent::TimerDue => {
                self.update_app(Message::Wake);
                self.frame_timer.schedule_now();
            }
            LoopEvent::FrameDue => {}
            LoopEvent::InputClosed => self.exit_code = Some(HANGUP_EXIT_CODE),
        }
    }

    fn handle_system_event(&mut self, event: SystemEvent) {
        match event {
            SystemEvent::Quit { code, acknowledged } => {
                // Ctrl-C in the program is meant for the program, although the terminal sends it to
                // every process.
                self.exit_code = Some(code)
                    .filter(|code| !self.is_program_open || *code != INTERRUPT_EXIT_CODE)
                    .or(self.exit_code);
                // A sender that no longer waits has ended the process already.
                let _ = acknowledged.send(());
            }
            SystemEvent::Interrupt => {
                self.update_app(Message::Input(InputEvent::Interrupt));
                self.frame_timer.schedule_now();
            }
            SystemEvent::Suspend => self.suspend(SuspendScope::Process),
            SystemEvent::Resume => self.resume(),
            SystemEvent::Resized => self.handle_resize(),
            SystemEvent::SettingsTouched => self.reload_settings(),
            SystemEvent::SettingsReloaded(report) => self.apply_settings(*report),
            SystemEvent::TerminalReturned(message) => self.take_back_terminal(*message),
            SystemEvent::Screen(message) => {
                self.update_app(*message);
                self.frame_timer.schedule_now();
            }
        }
    }

    fn update_app(&mut self, msg: Message) {
        let effects = update(&mut self.app, msg, current_time(&self.engine));
        self.run_effects(effects);
    }

    fn run_effects(&mut self, effects: Vec<UiEffect>) {
        for effect in effects {
            match effect {
                UiEffect::StartTask(id, task) => self.tasks.start(id, task),
                UiEffect::CancelTask(id) => self.tasks.cancel(id),
                UiEffect::PauseTask(id) => self.tasks.pause(id),
                UiEffect::RunLayout(id, layout) => self.spawn_layout_job(id, layout),
                UiEffect::ExtractParameters(job) => self.spawn_extraction_job(job),
                UiEffect::OpenEditor(text) => self.open_editor(text),
                UiEffect::OpenViewer { program, text, is_json } => {
                    self.open_viewer(program, text, is_json);
                }
                UiEffect::SaveTheme(name) => self.save_theme(name),
                UiEffect::ReloadSettings => self.reload_settings(),
                UiEffect::Suspend => self.suspend(SuspendScope::Job),
                UiEffect::SetMouseCapture(on) => self.check_io(|surface| surface.set_mouse(on)),
                UiEffect::OpenUrl(url) => crate::engine::open_page(&url),
                UiEffect::SaveLayout(layout) => self.save_layout(layout),
                UiEffect::Quit => self.exit_code = Some(0),
                UiEffect::Restart(target) => {
                    self.settings_source.set_restart_target(target);
                    self.exit_code = Some(0);
                }
            }
        }
    }

    /// Lays out a text on a separate thread. Nothing waits for it on exit, because a filter may
    /// compute for a while.
    fn spawn_layout_job(&self, id: TaskId, layout: LayoutJob) {
        let system_events = self.system_events.clone();
        spawn_thread("layout", move || {
            let ready = Message::LayoutReady(id, layout.run().map(Box::new));
            drop(system_events.send(SystemEvent::Screen(Box::new(ready))));
        });
    }

    /// Searches a response for parameter values on a separate thread.
    fn spawn_extraction_job(&self, job: ExtractionJob) {
        let system_events = self.system_events.clone();
        spawn_thread("study", move || {
            let parameters = job.run();
            let extracted = Message::ParametersExtracted(job.exchange, parameters);
            drop(system_events.send(SystemEvent::Screen(Box::new(extracted))));
        });
    }

    /// Gives the terminal to the user's editor.
    fn open_editor(&mut self, text: String) {
        if !self.lend_terminal(move || Message::EditorClosed(editor::edit_text(&text))) {
            let problem = terminal_not_lent("The editor", "type the body here");
            self.update_app(Message::EditorClosed(Err(problem)));
        }
    }

    /// Gives the terminal to the user's pager, or to the editor as a viewer.
    fn open_viewer(&mut self, program: ViewerProgram, text: String, is_json: bool) {
        let view = move || Message::ViewerClosed(editor::view_text(program, &text, is_json));
        if !self.lend_terminal(view) {
            let problem = terminal_not_lent("The program", "save the response to a file");
            self.update_app(Message::ViewerClosed(Err(problem)));
        }
    }

    /// Gives the terminal to another program; `run` runs it to its end. Returns `false` where that is
    /// impossible.
    fn lend_terminal(&mut self, run: impl FnOnce() -> Message + Send + 'static) -> bool {
        if !self.surface.pause_input() {
            return false;
        }
        self.leave_terminal();
        self.is_program_open = true;
        let system_events = self.system_events.clone();
        drop(tokio::task::spawn_blocking(move || {
            system_events.send(SystemEvent::TerminalReturned(Box::new(run())))
        }));
        true
    }

    /// Takes the terminal back from the program.
    fn take_back_terminal(&mut self, message: Message) {
        self.is_program_open = false;
        self.surface.resume_input();
        self.resume();
        self.update_app(message);
    }

    /// Saves the layout in the background; the latest layout counts.
    fn save_layout(&self, layout: PaneLayout) {
        let memory = self.memory.clone();
        tokio::task::spawn_blocking(move || memory.save(layout));
    }

    /// Saves a theme to the settings in the background, unless this session saves nothing.
    fn save_theme(&mut self, name: String) {
        let file =
            self.settings_source.file.clone().filter(|_| self.memory != LayoutStore::Disabled);
        let Some(file) = file else {
            return self.update_app(Message::ThemeSaved(Ok(ThemePersistence::SessionOnly)));
        };
        let system_events = self.system_events.clone();
        drop(tokio::task::spawn_blocking(move || {
            let saved = save_theme_choice(&file, &name).map(|()| ThemePersistence::Saved);
            system_events.send(SystemEvent::Screen(Box::new(Message::ThemeSaved(saved))))
        }));
    }

    /// Reports problems of the settings with the first frame.
    fn report_settings_errors(&mut self) {
        let SettingsReport { settings, problems } = self.settings_source.report.clone();
        if !problems.is_empty() {
            let change = SettingsChange { problems, restart_required: Vec::new() };
            let message =
                Message::SettingsChanged(Box::new((super::ui_settings(&settings), change)));
            self.pending_effects.extend(update(&mut self.app, message, current_time(&self.engine)));
        }
    }

    /// Reads the settings again on another thread.
    fn reload_settings(&self) {
        let Some(reload) = self.settings_source.reload.clone() else { return };
        let system_events = self.system_events.clone();
        drop(tokio::task::spawn_blocking(move || {
            system_events.send(SystemEvent::SettingsReloaded(Box::new(reload())))
        }));
    }

    /// Applies settings that were read again, if they differ. If they cannot be read at all, the
    /// previous settings stay.
    fn apply_settings(&mut self, read: Result<SettingsReport, Problem>) {
        let before = self.settings_source.report.settings.clone();
        let report = read.unwrap_or_else(|problem| SettingsReport {
            settings: before.clone(),
            problems: vec![problem],
        });
        if report == self.settings_source.report {
            return;
        }
        let change = settings_change(&before, &report);
        self.update_app(Message::SettingsChanged(Box::new((
            super::ui_settings(&report.settings),
            change,
        ))));
        self.settings_source.report = report;
        self.frame_timer.schedule_now();
    }

    /// Hides secrets, gives the terminal back and stops the process.
    ///
    /// [`Self::resume`] runs on the event that the process continues, not here, because it is
    /// unknown when exactly a stop takes effect.
    fn suspend(&mut self, scope: SuspendScope) {
        self.leave_terminal();
        if !self.surface.stop_process(scope) {
            self.resume();
        }
    }

    /// Takes the terminal again. It may have been resized or written to in the meantime.
    fn resume(&mut self) {
        if self.exit_code.is_some() || self.is_program_open {
            return;
        }
        self.is_terminal_active = true;
        self.check_io(ScreenSurface::enter);
        self.handle_resize();
        self.frame_timer.schedule_now();
    }

    /// Applies the current size of the terminal. While suspended, the size is read on resume.
    fn handle_resize(&mut self) {
        if self.is_terminal_active
            && let Ok((columns, rows)) = self.surface.size()
        {
            self.handle_event(LoopEvent::Input(InputEvent::Resize(columns, rows)));
        }
    }

    /// Hides secrets and gives the terminal back.
    fn leave_terminal(&mut self) {
        if self.is_terminal_active {
            self.is_terminal_active = false;
            self.update_app(Message::Suspending);
            let left = self.surface.leave(&self.app, current_time(&self.engine));
            self.check_io(|_| left);
        }
    }

    fn draw(&mut self) {
        let drawn = self.surface.draw(&self.app, current_time(&self.engine));
        self.frame_timer = FrameTimer { last_frame: Instant::now(), next_frame: None };
        self.check_io(|_| drawn);
    }

    /// Performs an operation on the surface. A terminal that rejects output is treated as closed.
    fn check_io(&mut self, act: impl FnOnce(&mut S) -> std::io::Result<()>) {
        if let Err(error) = act(&mut self.surface) {
            tracing::warn!(%error, "the terminal does not respond");
            self.exit_code.get_or_insert(HANGUP_EXIT_CODE);
        }
    }
}

impl FrameTimer {
    fn schedule_now(&mut self) {
        self.next_frame = Some(Instant::now());
    }

    fn schedule_soon(&mut self) {
        self.next_frame.get_or_insert_with(|| Instant::now().max(self.last_frame + FRAME_INTERVAL));
    }
}

fn terminal_not_lent(program: &str, instead: &str) -> Problem {
    Problem::new(
        format!("{program} was not started"),
        "plain-text mode reads its input line by line",
        format!("start tokenring without --plain, or {instead}"),
    )
}

/// Runs work on a separate thread.
fn spawn_thread(name: &str, work: impl FnOnce() + Send + 'static) {
    if let Err(error) = std::thread::Builder::new().name(name.to_owned()).spawn(work) {
        tracing::warn!(%error, name, "no thread could be started");
    }
}

async fn wait_until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => pending().await,
    }
}

fn current_time(engine: &Engine) -> Now {
    Now { instant: Instant::now().into_std(), wall: engine.clock.now() }
}
