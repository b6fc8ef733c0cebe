//! The whole screen inside the test process: keys in, text out, no terminal. Start with
//! [`Session::empty`].

use std::io;
use std::sync::{Arc, Mutex};

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use tokenring::config::{KeyPress, LayoutStore, Settings};
use tokenring::domain::provider::ProviderCatalog;
use tokenring::engine::{self, Engine};
use tokenring::tui::app::{App, InitialState, InputEvent, MouseInput, Now};
use tokenring::tui::{
    EventLoop, EventLoopParts, EventSenders, ScreenSurface, SettingsSource, SuspendScope,
    SystemEvent, event_channels, view,
};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use unicode_width::UnicodeWidthStr as _;

use super::PATIENCE;

/// A running screen.
pub(crate) struct Session {
    /// Channels for input and other events.
    pub(crate) doors: EventSenders,
    glass: watch::Receiver<Picture>,
    deeds: Arc<Mutex<Vec<Deed>>>,
    running: JoinHandle<u8>,
}

/// A call of the screen to its terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    Draw,
    Enter,
    Leave,
    Stop(SuspendScope),
}

/// The last frame.
#[derive(Default)]
struct Picture {
    text: String,
}

/// A terminal in memory.
struct Glass {
    terminal: Terminal<TestBackend>,
    shown: watch::Sender<Picture>,
    deeds: Arc<Mutex<Vec<Deed>>>,
}

impl Session {
    /// Starts a screen of 120 by 36 on an empty in-memory engine.
    pub(crate) async fn empty() -> Self {
        let engine =
            engine::in_memory_engine(ProviderCatalog::builtin(), &Settings::default()).unwrap();
        Self::start(Arc::new(engine), (120, 36)).await
    }

    /// Starts a screen on this engine.
    pub(crate) async fn start(engine: Arc<Engine>, size: (u16, u16)) -> Self {
        let deeds = Arc::default();
        let (shown, glass) = watch::channel(Picture::default());
        let terminal = Terminal::new(TestBackend::new(size.0, size.1)).unwrap();
        let surface = Glass { terminal, shown, deeds: Arc::clone(&deeds) };
        let (doors, inbox) = event_channels();
        let start = InitialState::new(
            engine.credentials().await.unwrap(),
            Arc::clone(&engine.catalog),
            size,
        );
        let parts = EventLoopParts {
            engine,
            start,
            surface,
            memory: LayoutStore::Disabled,
            settings_source: SettingsSource::default(),
            channels: (doors.clone(), inbox),
        };
        Self { doors, glass, deeds, running: tokio::spawn(EventLoop::run(parts)) }
    }

    /// Presses keys, written as in the documentation: `j`, `C-p`, `Enter`.
    #[track_caller]
    pub(crate) fn press(&self, keys: &str) {
        for key in keys.split_whitespace() {
            self.input(InputEvent::Key(
                KeyPress::parse(key).unwrap_or_else(|| panic!("{key} is no key")),
            ));
        }
    }

    /// Types a text, letter by letter.
    #[track_caller]
    pub(crate) fn type_text(&self, text: &str) {
        text.chars().for_each(|c| self.input(InputEvent::Key(KeyPress::char(c))));
    }

    /// Pastes a text.
    #[track_caller]
    pub(crate) fn paste(&self, text: &str) {
        self.input(InputEvent::Paste(text.to_owned().into()));
    }

    /// Clicks at column and row.
    #[track_caller]
    pub(crate) fn click(&self, x: u16, y: u16) {
        self.input(InputEvent::Mouse(MouseInput::Press, x, y));
        self.input(InputEvent::Mouse(MouseInput::Release, x, y));
    }

    /// Clicks on the first cell of a text on the screen.
    #[track_caller]
    pub(crate) fn click_on(&self, text: &str) {
        let screen = self.text();
        let found = screen
            .lines()
            .enumerate()
            .find_map(|(y, line)| Some((line.split_once(text)?.0.width(), y)));
        let (x, y) = found.unwrap_or_else(|| panic!("{text:?} is not on the screen:\n{screen}"));
        self.click(u16::try_from(x).unwrap(), u16::try_from(y).unwrap());
    }

    /// Closes the input.
    pub(crate) fn hang_up(&mut self) {
        self.doors.inputs = tokio::sync::mpsc::unbounded_channel().0;
    }

    /// Sends a system event to the screen.
    #[track_caller]
    pub(crate) fn notice(&self, notice: SystemEvent) {
        assert!(self.doors.system_events.send(notice).is_ok(), "the screen is gone");
    }

    /// Waits until the screen shows a text.
    pub(crate) async fn expect(&mut self, text: &str) {
        self.until(&format!("{text:?} on the screen"), |picture| picture.contains(text)).await;
    }

    /// Waits until the screen no longer shows a text.
    pub(crate) async fn expect_gone(&mut self, text: &str) {
        self.until(&format!("no {text:?} on the screen"), |picture| !picture.contains(text)).await;
    }

    /// The text of the screen.
    pub(crate) fn text(&self) -> String {
        self.glass.borrow().text.clone()
    }

    /// The calls of the screen to its terminal since the last call of this function.
    pub(crate) fn deeds(&self) -> Vec<Deed> {
        std::mem::take(&mut self.deeds.lock().unwrap())
    }

    /// Waits until the screen has ended; returns its exit code and its calls to the terminal.
    pub(crate) async fn end(self) -> (u8, Vec<Deed>) {
        let code = tokio::time::timeout(PATIENCE, self.running)
            .await
            .expect("the screen does not end")
            .unwrap();
        (code, std::mem::take(&mut self.deeds.lock().unwrap()))
    }

    async fn until(&mut self, what: &str, condition: impl Fn(&str) -> bool) {
        let waited =
            tokio::time::timeout(PATIENCE, self.glass.wait_for(|picture| condition(&picture.text)))
                .await;
        let found = waited.is_ok_and(|found| found.is_ok());
        assert!(found, "waited in vain for {what}:\n{}", self.text());
    }

    #[track_caller]
    fn input(&self, input: InputEvent) {
        assert!(self.doors.inputs.send(input).is_ok(), "the screen is gone");
    }
}

impl Glass {
    fn note(&self, deed: Deed) {
        self.deeds.lock().unwrap().push(deed);
    }
}

impl ScreenSurface for Glass {
    fn size(&self) -> io::Result<(u16, u16)> {
        let area = self.terminal.backend().buffer().area;
        Ok((area.width, area.height))
    }

    fn draw(&mut self, app: &App, now: Now) -> io::Result<()> {
        self.terminal.draw(|frame| view::draw(app, frame.buffer_mut(), now)).unwrap();
        let buffer = self.terminal.backend().buffer();
        let rows = buffer.content.chunks(buffer.area.width.into());
        let row = |row: &[ratatui::buffer::Cell]| {
            row.iter().map(ratatui::buffer::Cell::symbol).collect::<String>() + "\n"
        };
        self.note(Deed::Draw);
        self.shown.send_replace(Picture { text: rows.map(row).collect() });
        Ok(())
    }

    fn invalidate(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn set_mouse(&mut self, _on: bool) -> io::Result<()> {
        Ok(())
    }

    fn enter(&mut self) -> io::Result<()> {
        self.note(Deed::Enter);
        Ok(())
    }

    fn leave(&mut self, app: &App, now: Now) -> io::Result<()> {
        self.draw(app, now)?;
        self.note(Deed::Leave);
        Ok(())
    }

    fn stop_process(&mut self, scope: SuspendScope) -> bool {
        self.note(Deed::Stop(scope));
        true
    }
}
