//! The terminal: taken, given back, and never left in a state that its owner did not choose.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::event::{
    DisableBracketedPaste, DisableFocusChange, EnableBracketedPaste, EnableFocusChange,
};
use crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use crossterm::{cursor, queue};
#[cfg(unix)]
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::app::{App, Now};
use super::canvas::FrameWriter;
use super::input::InputPause;
use super::view;

/// Something that the loop can draw on: the terminal, or a test's stand-in.
pub trait ScreenSurface {
    /// Columns and rows.
    fn size(&self) -> io::Result<(u16, u16)>;

    /// Shows the state as it is now.
    fn draw(&mut self, app: &App, now: Now) -> io::Result<()>;

    /// Takes note that it no longer shows what was drawn, so that the next frame draws everything. A terminal that
    /// shrinks and grows again has the same size as before, but not the same content.
    fn invalidate(&mut self) -> io::Result<()>;

    /// Turns the mouse on or off.
    fn set_mouse(&mut self, on: bool) -> io::Result<()>;

    /// Takes it (again). What it shows after others had it, only [`Self::invalidate`] makes known.
    fn enter(&mut self) -> io::Result<()>;

    /// Shows the state for the last time, masked as it is by then, and gives the terminal back, for a while or for good.
    fn leave(&mut self, app: &App, now: Now) -> io::Result<()>;

    /// Leaves what is typed to another program; `false` where that cannot be.
    fn pause_input(&mut self) -> bool {
        false
    }

    /// Takes what is typed again.
    fn resume_input(&mut self) {}

    /// Stops the process until it is told to go on; `false` where that cannot be.
    fn stop_process(&mut self, scope: SuspendScope) -> bool;
}

/// Who is to be stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SuspendScope {
    /// Everybody whom the terminal's own Ctrl-Z would stop: this process and a script that started it.
    Job,
    /// This process, as a signal to it would.
    Process,
}

/// Whether the terminal is in our modes. Global, because a panic and the watcher must be able to leave them too.
static IS_TERMINAL_ACTIVE: AtomicBool = AtomicBool::new(false);

/// The mouse reports its buttons and wheel, motion only while a button is down, and places beyond column 223.
const MOUSE_ON: &str = "\x1b[?1000h\x1b[?1002h\x1b[?1006h";
const MOUSE_OFF: &str = "\x1b[?1006l\x1b[?1002l\x1b[?1000l";
/// The window's title is ours while the screen is: it names the program and nothing that is in it. What it was before
/// waits on the terminal's own stack.
const SET_TITLE: &str = "\x1b[22;0t\x1b]0;tokenring\x1b\\";
const RESTORE_TITLE: &str = "\x1b[23;0t";
const END_UPDATE: &str = "\x1b[?2026l";
const RESET_STYLE: &str = "\x1b[0m";

/// How long a terminal that does not read is waited for when it is given back.
#[cfg(unix)]
const RESTORE_TIMEOUT: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };

/// The terminal of this process, in our modes until it is dropped.
pub(super) struct TerminalSurface {
    frame_writer: FrameWriter,
    out: TerminalWriter,
    mouse_enabled: bool,
    /// The way to whoever reads the terminal.
    input_pause: Arc<InputPause>,
}

impl TerminalSurface {
    /// The terminal, with its mouse or without, not ours yet. Its size is asked for when it says that it has another
    /// one, not at every frame.
    pub(super) fn new(size: (u16, u16), mouse: bool, gate: Arc<InputPause>) -> io::Result<Self> {
        Ok(Self {
            frame_writer: FrameWriter::new(size),
            out: TerminalWriter::open()?,
            mouse_enabled: mouse,
            input_pause: gate,
        })
    }
}

/// Asks the terminal something that it answers as if it were typed, if it answers.
pub(super) fn send_query(question: &str) -> io::Result<()> {
    let mut out = TerminalWriter::open()?;
    out.write_all(question.as_bytes())?;
    out.flush()
}

/// Whether the terminal leaves alone what it does not understand, a question or a title; the console of Linux may not.
pub(super) fn supports_queries() -> bool {
    std::env::var("TERM").is_ok_and(|name| name != "linux" && name != "dumb")
}

impl ScreenSurface for TerminalSurface {
    fn size(&self) -> io::Result<(u16, u16)> {
        crossterm::terminal::size()
    }

    fn draw(&mut self, app: &App, now: Now) -> io::Result<()> {
        let frame = self.frame_writer.render(|buffer| view::draw(app, buffer, now))?;
        self.out.write_all(&frame)?;
        self.out.flush()
    }

    fn invalidate(&mut self) -> io::Result<()> {
        self.frame_writer.invalidate(self.size()?);
        Ok(())
    }

    fn set_mouse(&mut self, on: bool) -> io::Result<()> {
        self.mouse_enabled = on;
        self.out.write_all(if on { MOUSE_ON } else { MOUSE_OFF }.as_bytes())?;
        self.out.flush()
    }

    /// Also right when the process was stopped without notice and somebody else has set the modes since.
    fn enter(&mut self) -> io::Result<()> {
        disable_raw_mode()?;
        let was_ours = IS_TERMINAL_ACTIVE.swap(true, Ordering::SeqCst);
        enable_raw_mode()?;
        let mut modes = Vec::new();
        queue!(modes, EnterAlternateScreen, cursor::Hide, EnableBracketedPaste, EnableFocusChange)?;
        modes.extend_from_slice(if self.mouse_enabled { MOUSE_ON } else { MOUSE_OFF }.as_bytes());
        if !was_ours && supports_queries() {
            modes.extend_from_slice(SET_TITLE.as_bytes());
        }
        self.out.write_all(&modes)?;
        self.out.flush()
    }

    fn leave(&mut self, app: &App, now: Now) -> io::Result<()> {
        let shown = self.draw(app, now);
        restore_terminal();
        shown
    }

    fn pause_input(&mut self) -> bool {
        self.input_pause.pause();
        true
    }

    fn resume_input(&mut self) {
        self.input_pause.resume();
    }

    fn stop_process(&mut self, scope: SuspendScope) -> bool {
        stop_process(scope)
    }
}

impl Drop for TerminalSurface {
    fn drop(&mut self) {
        restore_terminal();
    }
}

/// Stops the process until it is told to go on; `false` where that cannot be.
#[cfg(unix)]
pub(super) fn stop_process(scope: SuspendScope) -> bool {
    use rustix::process::{Signal, getpid, kill_current_process_group, kill_process};
    let stopped = match scope {
        SuspendScope::Job => kill_current_process_group(Signal::STOP),
        SuspendScope::Process => kill_process(getpid(), Signal::STOP),
    };
    stopped.is_ok()
}

/// Stops the process until it is told to go on; `false` where that cannot be.
#[cfg(not(unix))]
pub(super) fn stop(_scope: SuspendScope) -> bool {
    false
}

/// Gives the terminal back, once: whoever comes second finds nothing to do. Everything is undone in the order in
/// which it can be, cooked mode last. Never waits for a terminal that does not read.
pub(super) fn restore_terminal() {
    if !IS_TERMINAL_ACTIVE.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut modes = Vec::from(END_UPDATE);
    modes.extend_from_slice(MOUSE_OFF.as_bytes());
    // Writing to memory does not fail, and nobody is left to be told that writing to the terminal did.
    let _ = queue!(modes, DisableFocusChange, DisableBracketedPaste);
    if supports_queries() {
        modes.extend_from_slice(RESTORE_TITLE.as_bytes());
    }
    modes.extend_from_slice(RESET_STYLE.as_bytes());
    let _ = queue!(modes, cursor::Show, LeaveAlternateScreen);
    if let Ok(mut out) = TerminalWriter::open()
        && out.is_ready()
    {
        let _ = out.write_all(&modes).and_then(|()| out.flush());
    }
    let _ = disable_raw_mode();
}

/// Where frames go: standard output past its lock and its buffer, so that the watcher can write when the screen hangs.
#[cfg(unix)]
struct TerminalWriter(std::fs::File);

#[cfg(unix)]
impl TerminalWriter {
    fn open() -> io::Result<Self> {
        use std::os::fd::AsFd;
        io::stdout().as_fd().try_clone_to_owned().map(|out| Self(out.into()))
    }

    /// Whether a write would go through soon.
    fn is_ready(&self) -> bool {
        self.wait_writable(Some(&RESTORE_TIMEOUT))
    }

    fn wait_writable(&self, timeout: Option<&Timespec>) -> bool {
        poll(&mut [PollFd::new(&self.0, PollFlags::OUT)], timeout).is_ok_and(|ready| ready > 0)
    }
}

#[cfg(unix)]
impl Write for TerminalWriter {
    /// A terminal shared with a program that made it non-blocking is waited for.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match self.0.write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.wait_writable(None),
                written => return written,
            };
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Where frames go.
#[cfg(not(unix))]
struct Output(io::Stdout);

#[cfg(not(unix))]
impl TerminalWriter {
    fn open() -> io::Result<Self> {
        Ok(Self(io::stdout()))
    }

    fn is_ready(&self) -> bool {
        true
    }
}

#[cfg(not(unix))]
impl Write for TerminalWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
