//! The whole screen inside the test process: keys in, text out, no terminal. Start with
//! [`ScreenSession::empty`].

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

use super::TEST_TIMEOUT;

/// A running screen.
pub(crate) struct ScreenSession {
    /// Channels for input and other events.
    pub(crate) senders: EventSenders,
    frame: watch::Receiver<LastFrame>,
    terminal_calls: Arc<Mutex<Vec<TerminalCall>>>,
    running: JoinHandle<u8>,
}

/// A call of the screen to its terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TerminalCall {
    Draw,
    Enter,
    Leave,
    Stop(SuspendScope),
}

/// The last frame.
#[derive(Default)]
struct LastFrame {
    text: String,
}

/// A terminal in memory.
struct MemoryTerminal {
    terminal: Terminal<TestBackend>,
    shown: watch::Sender<LastFrame>,
    terminal_calls: Arc<Mutex<Vec<TerminalCall>>>,
}

impl ScreenSession {
    /// Starts a screen of 120 by 36 on an empty in-memory engine.
    pub(crate) async fn empty() -> Self {
        let engine =
            engine::in_memory_engine(ProviderCatalog::builtin(), &Settings::default()).unwrap();
        Self::start(Arc::new(engine), (120, 36)).await
    }

    /// Starts a screen on this engine.
    pub(crate) async fn start(engine: Arc<Engine>, size: (u16, u16)) -> Self {
        let terminal_calls = Arc::default();
        let (shown, frame) = watch::channel(LastFrame::default());
        let terminal = Terminal::new(TestBackend::new(size.0, size.1)).unwrap();
        let surface =
            MemoryTerminal { terminal, shown, terminal_calls: Arc::clone(&terminal_calls) };
        let (senders, inbox) = event_channels();
        let start = InitialState::new(
            engine.credentials.list().await.unwrap(),
            Arc::clone(&engine.catalog),
            size,
        );
        let parts = EventLoopParts {
            engine,
            start,
            surface,
            memory: LayoutStore::Disabled,
            settings_source: SettingsSource::default(),
            channels: (senders.clone(), inbox),
        };
        Self { senders, frame, terminal_calls, running: tokio::spawn(EventLoop::run(parts)) }
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
    pub(crate) fn close_input(&mut self) {
        self.senders.inputs = tokio::sync::mpsc::unbounded_channel().0;
    }

    /// Sends a system event to the screen.
    #[track_caller]
    pub(crate) fn send_system_event(&self, event: SystemEvent) {
        assert!(self.senders.system_events.send(event).is_ok(), "the screen is gone");
    }

    /// Waits until the screen shows a text.
    pub(crate) async fn expect(&mut self, text: &str) {
        self.wait_until(&format!("{text:?} on the screen"), |frame| frame.contains(text)).await;
    }

    /// Waits until the screen no longer shows a text.
    pub(crate) async fn expect_gone(&mut self, text: &str) {
        self.wait_until(&format!("no {text:?} on the screen"), |frame| !frame.contains(text)).await;
    }

    /// The text of the screen.
    pub(crate) fn text(&self) -> String {
        self.frame.borrow().text.clone()
    }

    /// The calls of the screen to its terminal since the last call of this function.
    pub(crate) fn terminal_calls(&self) -> Vec<TerminalCall> {
        std::mem::take(&mut self.terminal_calls.lock().unwrap())
    }

    /// Waits until the screen has ended; returns its exit code and its calls to the terminal.
    pub(crate) async fn end(self) -> (u8, Vec<TerminalCall>) {
        let code = tokio::time::timeout(TEST_TIMEOUT, self.running)
            .await
            .expect("the screen does not end")
            .unwrap();
        (code, std::mem::take(&mut self.terminal_calls.lock().unwrap()))
    }

    async fn wait_until(&mut self, what: &str, condition: impl Fn(&str) -> bool) {
        let waited =
            tokio::time::timeout(TEST_TIMEOUT, self.frame.wait_for(|frame| condition(&frame.text)))
                .await;
        let found = waited.is_ok_and(|found| found.is_ok());
        assert!(found, "timed out waiting for {what}:\n{}", self.text());
    }

    #[track_caller]
    fn input(&self, input: InputEvent) {
        assert!(self.senders.inputs.send(input).is_ok(), "the screen is gone");
    }
}

impl MemoryTerminal {
    fn record(&self, call: TerminalCall) {
        self.terminal_calls.lock().unwrap().push(call);
    }
}

impl ScreenSurface for MemoryTerminal {
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
        self.record(TerminalCall::Draw);
        self.shown.send_replace(LastFrame { text: rows.map(row).collect() });
        Ok(())
    }

    fn invalidate(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn set_mouse(&mut self, _on: bool) -> io::Result<()> {
        Ok(())
    }

    fn enter(&mut self) -> io::Result<()> {
        self.record(TerminalCall::Enter);
        Ok(())
    }

    fn leave(&mut self, app: &App, now: Now) -> io::Result<()> {
        self.draw(app, now)?;
        self.record(TerminalCall::Leave);
        Ok(())
    }

    fn stop_process(&mut self, scope: SuspendScope) -> bool {
        self.record(TerminalCall::Stop(scope));
        true
    }
}
