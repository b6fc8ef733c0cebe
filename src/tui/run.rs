//! The loop: waits for something to happen, lets the state take it in, does what is to be done, draws.
//!
//! Nothing ticks. Between two events the process sleeps; a timer exists only while the state asks to be woken or a
//! frame is due. What a person does is drawn at once; what tasks report is gathered and drawn at most every
//! [`FRAME`].

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;
use tokio::time::{Instant, sleep_until};

use super::app::lay::LayoutJob;
use super::app::learned::ExtractionJob;
use super::app::{App, InitialState, InputEvent, Message, Now, SettingsChange, ThemePersistence, UiEffect, update};
use super::editor;
use super::inbox::{Doors, Inbox, Notice};
use super::terminal::{Scope, Surface};
use super::watch::HANG_UP;
use super::wishes::{Wishes, change};
use crate::config::{LayoutStore, PaneLayout, SettingsReport, save_theme_choice};
use crate::domain::Problem;
use crate::engine::message::{TaskId, TaskReport};
use crate::engine::{Engine, TaskManager};

/// The shortest time between two frames that nobody waits for.
const FRAME: Duration = Duration::from_millis(16);

/// The exit code that an interruption by the keyboard has.
const INTERRUPTED: u8 = 130;

/// How long tasks may take to end when the person has left.
const FAREWELL: Duration = Duration::from_secs(1);

/// The running screen.
pub struct Loop<S> {
    app: App,
    surface: S,
    memory: LayoutStore,
    wishes: Wishes,
    engine: Arc<Engine>,
    tasks: TaskManager,
    notices: UnboundedSender<Notice>,
    inbox: Inbox,
    pace: Pace,
    /// Whether the terminal is ours. Suspended, it is not, and nothing is drawn.
    is_shown: bool,
    /// Whether the person's own editor has the terminal.
    is_lent: bool,
    /// With which exit code it ends, as soon as that is known.
    code: Option<u8>,
    /// What is to be done as soon as it turns.
    waiting: Vec<UiEffect>,
}

/// What the screen is made of.
pub struct Parts<S> {
    /// What does the work.
    pub engine: Arc<Engine>,
    /// What the screen starts with.
    pub start: InitialState,
    /// What is drawn on.
    pub surface: S,
    /// Where the arrangement of the panes is kept.
    pub memory: LayoutStore,
    /// How the person wants it to be.
    pub wishes: Wishes,
    /// The doors to the screen, and what comes through them.
    pub inbox: (Doors, Inbox),
}

/// When to draw.
struct Pace {
    drawn: Instant,
    due: Option<Instant>,
}

/// Something that happened.
enum News {
    Notice(Notice),
    Input(InputEvent),
    Report(TaskReport),
    /// The moment has come that the state asked for.
    Wake,
    /// The moment has come to draw.
    Due,
    /// Nobody is at the terminal any more.
    Gone,
}

impl<S: Surface> Loop<S> {
    /// Shows the screen until it is over; returns the exit code.
    pub async fn run(parts: Parts<S>) -> u8 {
        Self::begin(parts).turn().await
    }

    /// Draws the first frame. Nothing is done yet, so that nothing is waited for and no runtime is needed.
    pub(super) fn begin(parts: Parts<S>) -> Self {
        let Parts { engine, start, surface, memory, wishes, inbox: (doors, inbox) } = parts;
        let (app, waiting) = App::start(start, now(&engine));
        let tasks = TaskManager::new(Arc::clone(&engine), doors.reports.clone());
        let notices = doors.notices.clone();
        // With a door for inputs of its own, it would never learn that nobody is at the other end.
        drop(doors);
        let pace = Pace { drawn: Instant::now(), due: None };
        let (is_shown, is_lent, code) = (true, false, None);
        let mut this =
            Self { app, surface, memory, wishes, engine, tasks, notices, inbox, pace, is_shown, is_lent, code, waiting };
        this.tell_flaws();
        this.draw();
        this
    }

    /// Turns until it is over; returns the exit code.
    pub(super) async fn turn(mut self) -> u8 {
        let effects = std::mem::take(&mut self.waiting);
        self.perform(effects);
        loop {
            if let Some(code) = self.code {
                self.depart();
                self.tasks.finish(FAREWELL).await;
                return code;
            }
            let news = self.next().await;
            self.take(news);
            self.take_waiting();
            // The last frame is drawn when it leaves.
            if self.is_shown && self.code.is_none() && self.pace.due.is_some_and(|due| due <= Instant::now()) {
                self.draw();
            }
        }
    }

    /// Waits for something to happen. While suspended, neither a frame nor a countdown is waited for.
    async fn next(&mut self) -> News {
        let due = self.pace.due.filter(|_| self.is_shown);
        let wake = self.app.next_wake(now(&self.engine)).filter(|_| self.is_shown);
        let wake = wake.map(|wake| Instant::from_std(wake).max(self.pace.drawn + FRAME));
        tokio::select! {
            biased;
            Some(notice) = self.inbox.notices.recv() => News::Notice(notice),
            input = self.inbox.inputs.recv() => input.map_or(News::Gone, News::Input),
            () = reach(due) => News::Due,
            () = reach(wake) => News::Wake,
            Some(report) = self.inbox.reports.recv() => News::Report(report),
        }
    }

    /// Takes in everything that is waiting already, so that it is drawn together.
    fn take_waiting(&mut self) {
        for _ in 0..self.inbox.inputs.len() {
            if self.is_shown
                && self.code.is_none()
                && let Ok(input) = self.inbox.inputs.try_recv()
            {
                self.take(News::Input(input));
            }
        }
        for _ in 0..self.inbox.reports.len() {
            if let Ok(report) = self.inbox.reports.try_recv() {
                self.take(News::Report(report));
            }
        }
    }

    fn take(&mut self, news: News) {
        match news {
            News::Notice(notice) => self.heed(notice),
            // Resizes come in storms, and each costs a whole frame.
            News::Input(input @ InputEvent::Resize(..)) => {
                self.check(Surface::invalidate);
                self.tell(Message::Input(input));
                self.pace.draw_soon();
            }
            News::Input(input) => {
                // Whoever comes back to the window may come from an editor.
                if input == InputEvent::Focus(true) {
                    self.reread();
                }
                self.tell(Message::Input(input));
                self.pace.draw_now();
            }
            News::Report(report) => {
                self.tell(Message::TaskEvent(report));
                self.pace.draw_soon();
            }
            News::Wake => {
                self.tell(Message::Wake);
                self.pace.draw_now();
            }
            News::Due => {}
            News::Gone => self.code = Some(HANG_UP),
        }
    }

    fn heed(&mut self, notice: Notice) {
        match notice {
            Notice::Quit { code, heard } => {
                // Ctrl-C in the editor is the editor's, though the terminal sends it to everybody.
                self.code = Some(code).filter(|code| !self.is_lent || *code != INTERRUPTED).or(self.code);
                // Whoever no longer listens has ended the process already.
                let _ = heard.send(());
            }
            Notice::Interrupt => {
                self.tell(Message::Input(InputEvent::Interrupt));
                self.pace.draw_now();
            }
            Notice::Suspend => self.suspend(Scope::Process),
            Notice::Resume => self.resume(),
            Notice::Resized => self.resized(),
            Notice::Touched => self.reread(),
            Notice::Reread(reading) => self.take_settings(*reading),
            Notice::Panicked(place) => {
                self.tell(Message::ThreadPanicked(place));
                self.pace.draw_now();
            }
            Notice::LaidOut(task, laid) => {
                self.tell(Message::LayoutReady(task, laid));
                self.pace.draw_now();
            }
            Notice::Studied(exchange, lore) => {
                self.tell(Message::ParametersExtracted(exchange, lore));
                self.pace.draw_now();
            }
            Notice::Edited(edited) => self.take_back(edited),
            Notice::ThemeKept(kept) => {
                self.tell(Message::ThemeSaved(kept));
                self.pace.draw_now();
            }
        }
    }

    fn tell(&mut self, msg: Message) {
        let effects = update(&mut self.app, msg, now(&self.engine));
        self.perform(effects);
    }

    fn perform(&mut self, effects: Vec<UiEffect>) {
        for effect in effects {
            match effect {
                UiEffect::StartTask(id, task) => self.tasks.start(id, task),
                UiEffect::CancelTask(id) => self.tasks.cancel(id),
                UiEffect::PauseTask(id) => self.tasks.pause(id),
                UiEffect::RunLayout(id, layout) => self.lay_out(id, layout),
                UiEffect::ExtractParameters(study) => self.study(study),
                UiEffect::OpenEditor(text) => self.lend(text),
                UiEffect::SaveTheme(name) => self.keep_theme(name),
                UiEffect::ReloadSettings => self.reread(),
                UiEffect::Suspend => self.suspend(Scope::Job),
                UiEffect::SetMouseCapture(on) => self.check(|surface| surface.set_mouse(on)),
                UiEffect::OpenUrl(url) => crate::engine::open_page(&url),
                UiEffect::SaveLayout(layout) => self.remember(layout),
                UiEffect::Quit => self.code = Some(0),
                UiEffect::Restart(onward) => {
                    self.wishes.leave_for(onward);
                    self.code = Some(0);
                }
            }
        }
    }

    /// Lays a text out on a thread of its own, which nobody waits for at the end: a filter may compute for a while.
    fn lay_out(&self, id: TaskId, layout: LayoutJob) {
        let notices = self.notices.clone();
        aside("layout", move || drop(notices.send(Notice::LaidOut(id, layout.run().map(Box::new)))));
    }

    /// Searches an answer on a thread of its own.
    fn study(&self, study: ExtractionJob) {
        let notices = self.notices.clone();
        aside("study", move || {
            let lore = study.run();
            drop(notices.send(Notice::Studied(study.exchange, lore)));
        });
    }

    /// Gives the terminal to the person's own editor.
    fn lend(&mut self, text: String) {
        if !self.surface.pause_input() {
            let why = "here, what is typed is read line by line";
            let problem =
                Problem::new("The editor was not started", why, "start tokenring without plain mode, or write the body here");
            return self.tell(Message::EditorClosed(Err(problem)));
        }
        self.depart();
        self.is_lent = true;
        let notices = self.notices.clone();
        drop(tokio::task::spawn_blocking(move || notices.send(Notice::Edited(editor::edit(&text)))));
    }

    /// Takes the terminal back from the editor.
    fn take_back(&mut self, edited: Result<String, Problem>) {
        self.is_lent = false;
        self.surface.resume_input();
        self.resume();
        self.tell(Message::EditorClosed(edited));
    }

    /// Writes beside the screen; the layout of the last moment is the one that counts.
    fn remember(&self, layout: PaneLayout) {
        let memory = self.memory.clone();
        tokio::task::spawn_blocking(move || memory.save(layout));
    }

    /// Writes a theme into the settings beside the screen, where this run keeps anything.
    fn keep_theme(&mut self, name: String) {
        let file = self.wishes.file.clone().filter(|_| self.memory != LayoutStore::Disabled);
        let Some(file) = file else { return self.tell(Message::ThemeSaved(Ok(ThemePersistence::SessionOnly))) };
        let notices = self.notices.clone();
        drop(tokio::task::spawn_blocking(move || {
            notices.send(Notice::ThemeKept(save_theme_choice(&file, &name).map(|()| ThemePersistence::Saved)))
        }));
    }

    /// What is wrong with the settings is told with the first frame.
    fn tell_flaws(&mut self) {
        let SettingsReport { settings, problems: flaws } = self.wishes.reading.clone();
        if !flaws.is_empty() {
            let change = SettingsChange { problems: flaws, restart_required: Vec::new() };
            let told = Message::SettingsChanged(Box::new((super::preferences(&settings), change)));
            self.waiting.extend(update(&mut self.app, told, now(&self.engine)));
        }
    }

    /// Reads the settings again, off this thread.
    fn reread(&self) {
        let Some(again) = self.wishes.again.clone() else { return };
        let notices = self.notices.clone();
        drop(tokio::task::spawn_blocking(move || notices.send(Notice::Reread(Box::new(again())))));
    }

    /// Takes in settings that were read again, if they are others than before. Where they cannot be read at all, those
    /// from before stay.
    fn take_settings(&mut self, read: Result<SettingsReport, Problem>) {
        let before = self.wishes.reading.settings.clone();
        let reading = read.unwrap_or_else(|flaw| SettingsReport { settings: before.clone(), problems: vec![flaw] });
        if reading == self.wishes.reading {
            return;
        }
        let change = change(&before, &reading);
        self.tell(Message::SettingsChanged(Box::new((super::preferences(&reading.settings), change))));
        self.wishes.reading = reading;
        self.pace.draw_now();
    }

    /// Hides what must not be seen, gives the terminal back and stops. [`Self::resume`] comes with the notice that
    /// the process goes on, not here, because nobody knows when exactly a stop takes hold.
    fn suspend(&mut self, scope: Scope) {
        self.depart();
        if !self.surface.stop(scope) {
            self.resume();
        }
    }

    /// Takes the terminal again. It may have been resized since, and anything may have been written to it.
    fn resume(&mut self) {
        if self.code.is_some() || self.is_lent {
            return;
        }
        self.is_shown = true;
        self.check(Surface::enter);
        self.resized();
        self.pace.draw_now();
    }

    /// Takes the size that the terminal has now. One that is not shown is asked when it is shown again.
    fn resized(&mut self) {
        if self.is_shown
            && let Ok((columns, rows)) = self.surface.size()
        {
            self.take(News::Input(InputEvent::Resize(columns, rows)));
        }
    }

    /// Hides what must not be seen and gives the terminal back.
    fn depart(&mut self) {
        if self.is_shown {
            self.is_shown = false;
            self.tell(Message::Suspending);
            let left = self.surface.leave(&self.app, now(&self.engine));
            self.check(|_| left);
        }
    }

    fn draw(&mut self) {
        let drawn = self.surface.show(&self.app, now(&self.engine));
        self.pace = Pace { drawn: Instant::now(), due: None };
        self.check(|_| drawn);
    }

    /// A terminal that takes nothing is a terminal that went away.
    fn check(&mut self, act: impl FnOnce(&mut S) -> std::io::Result<()>) {
        if let Err(error) = act(&mut self.surface) {
            tracing::warn!(%error, "the terminal does not answer");
            self.code.get_or_insert(HANG_UP);
        }
    }
}

impl Pace {
    fn draw_now(&mut self) {
        self.due = Some(Instant::now());
    }

    fn draw_soon(&mut self) {
        self.due.get_or_insert_with(|| Instant::now().max(self.drawn + FRAME));
    }
}

/// Does work on a thread of its own.
fn aside(name: &str, work: impl FnOnce() + Send + 'static) {
    if let Err(error) = std::thread::Builder::new().name(name.to_owned()).spawn(work) {
        tracing::warn!(%error, name, "there is no thread for it");
    }
}

async fn reach(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => pending().await,
    }
}

fn now(engine: &Engine) -> Now {
    Now { instant: Instant::now().into_std(), wall: engine.now() }
}
