//! The terminal surface: takes the terminal, draws on it and restores it.
//!
//! The terminal is never left in a mode that the user did not choose: not after a panic, a signal
//! or a suspension. Start reading at [`ScreenSurface`] and [`restore_terminal`].

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
use super::frame_terminal::FrameTerminal;
use super::input::InputPause;
use super::view;

/// Surface that the event loop draws on: the terminal, plain text, or a test double.
pub trait ScreenSurface {
    /// Returns the number of columns and rows.
    fn size(&self) -> io::Result<(u16, u16)>;

    /// Draws the current state.
    fn draw(&mut self, app: &App, now: Now) -> io::Result<()>;

    /// Marks the content as unknown, so that the next frame draws everything.
    ///
    /// A terminal that shrinks and grows again has the same size as before, but not the same
    /// content.
    fn invalidate(&mut self) -> io::Result<()>;

    /// Turns mouse reporting on or off.
    fn set_mouse(&mut self, on: bool) -> io::Result<()>;

    /// Takes the terminal, for the first time or again. Content written by other programs is
    /// handled by [`Self::invalidate`] only.
    fn enter(&mut self) -> io::Result<()>;

    /// Draws the state for the last time, with secrets masked, and gives the terminal back,
    /// temporarily or for good.
    fn leave(&mut self, app: &App, now: Now) -> io::Result<()>;

    /// Leaves input to another program. Returns `false` where that is impossible.
    fn pause_input(&mut self) -> bool {
        false
    }

    /// Reads input again.
    fn resume_input(&mut self) {}

    /// Stops the process until it is continued. Returns `false` where that is impossible.
    fn stop_process(&mut self, scope: SuspendScope) -> bool;
}

/// Processes to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SuspendScope {
    /// All processes that the terminal's own Ctrl-Z would stop: this process and a script that
    /// started it.
    Job,
    /// This process only, as a signal to it would.
    Process,
}

/// Whether the terminal is in the modes of the screen. Global, because a panic and the signal
/// watcher must be able to leave these modes too.
static IS_TERMINAL_ACTIVE: AtomicBool = AtomicBool::new(false);

/// Mouse modes: buttons and wheel, motion only while a button is pressed, and columns beyond 223.
const MOUSE_ON: &str = "\x1b[?1000h\x1b[?1002h\x1b[?1006h";
const MOUSE_OFF: &str = "\x1b[?1006l\x1b[?1002l\x1b[?1000l";
/// Window title while the screen is shown. It names the program and none of its content. The
/// previous title is on the terminal's own stack.
const SET_TITLE: &str = "\x1b[22;0t\x1b]0;tokenring\x1b\\";
const RESTORE_TITLE: &str = "\x1b[23;0t";
/// The kitty keyboard protocol, where the terminal has it: keys with Ctrl or Alt that cannot be
/// mistaken for others (1), with the key of a US keyboard where the layout has other letters (4).
const KEYBOARD_ON: &str = "\x1b[>5u";
const KEYBOARD_OFF: &str = "\x1b[<u";
const END_UPDATE: &str = "\x1b[?2026l";
const RESET_STYLE: &str = "\x1b[0m";

/// How long to wait for a terminal that does not read when it is restored.
#[cfg(unix)]
const RESTORE_TIMEOUT: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };

/// The terminal of this process, in the modes of the screen until this value is dropped.
pub(super) struct TerminalSurface {
    frame_terminal: FrameTerminal,
    out: TerminalWriter,
    mouse_enabled: bool,
    /// Gate of the terminal reader.
    input_pause: Arc<InputPause>,
}

impl TerminalSurface {
    /// Creates the surface, with mouse reporting or without. The terminal is not taken yet.
    ///
    /// The size is read when the terminal reports a new one, not at every frame.
    pub(super) fn new(
        size: (u16, u16),
        mouse_enabled: bool,
        input_pause: Arc<InputPause>,
    ) -> io::Result<Self> {
        Ok(Self {
            frame_terminal: FrameTerminal::new(size)?,
            out: TerminalWriter::open()?,
            mouse_enabled,
            input_pause,
        })
    }
}

/// Sends a query to the terminal, which responds as if the response were typed, if at all.
pub(super) fn send_query(question: &str) -> io::Result<()> {
    let mut out = TerminalWriter::open()?;
    out.write_all(question.as_bytes())?;
    out.flush()
}

/// Returns whether the terminal ignores sequences that it does not understand, such as a query or a
/// title. The Linux console may not.
pub(super) fn supports_queries() -> bool {
    std::env::var("TERM").is_ok_and(|name| name != "linux" && name != "dumb")
}

impl ScreenSurface for TerminalSurface {
    fn size(&self) -> io::Result<(u16, u16)> {
        crossterm::terminal::size()
    }

    fn draw(&mut self, app: &App, now: Now) -> io::Result<()> {
        self.frame_terminal.draw(&mut self.out, |buffer| view::draw(app, buffer, now))
    }

    fn invalidate(&mut self) -> io::Result<()> {
        self.frame_terminal.invalidate(self.size()?)
    }

    fn set_mouse(&mut self, on: bool) -> io::Result<()> {
        self.mouse_enabled = on;
        self.out.write_all(if on { MOUSE_ON } else { MOUSE_OFF }.as_bytes())?;
        self.out.flush()
    }

    /// Also correct after the process was stopped without notice and another program has set the
    /// modes since.
    fn enter(&mut self) -> io::Result<()> {
        disable_raw_mode()?;
        let was_ours = IS_TERMINAL_ACTIVE.swap(true, Ordering::SeqCst);
        enable_raw_mode()?;
        let mut modes = Vec::new();
        queue!(modes, EnterAlternateScreen, cursor::Hide, EnableBracketedPaste, EnableFocusChange)?;
        modes.extend_from_slice(if self.mouse_enabled { MOUSE_ON } else { MOUSE_OFF }.as_bytes());
        if !was_ours && supports_queries() {
            modes.extend_from_slice(SET_TITLE.as_bytes());
            modes.extend_from_slice(KEYBOARD_ON.as_bytes());
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

/// Stops the process until it is continued. Returns `false` where that is impossible.
#[cfg(unix)]
pub(super) fn stop_process(scope: SuspendScope) -> bool {
    use rustix::process::{Signal, getpid, kill_current_process_group, kill_process};
    let stopped = match scope {
        SuspendScope::Job => kill_current_process_group(Signal::STOP),
        SuspendScope::Process => kill_process(getpid(), Signal::STOP),
    };
    stopped.is_ok()
}

/// Stops the process until it is continued. Returns `false` where that is impossible.
#[cfg(not(unix))]
pub(super) fn stop_process(_scope: SuspendScope) -> bool {
    false
}

/// Restores the terminal, once: a second call has no effect.
///
/// The modes are undone in reverse order where possible, cooked mode last. Never waits for a
/// terminal that does not read.
pub(super) fn restore_terminal() {
    if !IS_TERMINAL_ACTIVE.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut modes = Vec::from(END_UPDATE);
    modes.extend_from_slice(MOUSE_OFF.as_bytes());
    // Writing to memory does not fail, and a failure to write to the terminal cannot be reported
    // any more.
    let _ = queue!(modes, DisableFocusChange, DisableBracketedPaste);
    if supports_queries() {
        modes.extend_from_slice(KEYBOARD_OFF.as_bytes());
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

/// Writer of frames: standard output without its lock and buffer, so that the signal watcher can
/// write while the screen hangs.
#[cfg(unix)]
struct TerminalWriter(std::fs::File);

#[cfg(unix)]
impl TerminalWriter {
    fn open() -> io::Result<Self> {
        use std::os::fd::AsFd;
        io::stdout().as_fd().try_clone_to_owned().map(|out| Self(out.into()))
    }

    /// Returns whether a write would soon succeed.
    fn is_ready(&self) -> bool {
        self.wait_writable(Some(&RESTORE_TIMEOUT))
    }

    fn wait_writable(&self, timeout: Option<&Timespec>) -> bool {
        poll(&mut [PollFd::new(&self.0, PollFlags::OUT)], timeout).is_ok_and(|ready| ready > 0)
    }
}

#[cfg(unix)]
impl Write for TerminalWriter {
    /// Waits where the terminal is shared with a program that made it non-blocking.
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

/// Writer of frames.
#[cfg(not(unix))]
struct TerminalWriter(io::Stdout);

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
