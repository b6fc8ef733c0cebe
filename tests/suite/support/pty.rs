//! The built program in a pseudo-terminal that the test can read, resize and close. Start with
//! [`Pty::start`].

use std::io::{Read, Write as _};
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use rustix::termios::{LocalModes, tcgetattr};
use vt100::Parser;

use super::TEST_TIMEOUT;

/// Interval of polling a process.
const STEP: Duration = Duration::from_millis(5);

/// A running program and its terminal.
pub(crate) struct Pty {
    master: Box<dyn MasterPty + Send>,
    writer: Box<dyn std::io::Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    output: Arc<SharedOutput>,
    reader: JoinHandle<()>,
}

/// The output of the program so far, shared with the reader thread.
struct SharedOutput {
    seen: Mutex<TerminalOutput>,
    changed: Condvar,
}

struct TerminalOutput {
    parser: Parser,
    /// All bytes that the program wrote.
    bytes: Vec<u8>,
    /// Whether the reader should stop.
    closing: bool,
    /// Whether the program has closed the terminal.
    ended: bool,
}

/// The command that starts the demo in this home.
pub(crate) fn demo(home: &Path) -> CommandBuilder {
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_tokenring"));
    command.arg("demo");
    command.env("TOKENRING_HOME", home);
    command.env("TERM", "xterm-256color");
    command.env("LANG", "C.UTF-8");
    command
}

impl Pty {
    /// Starts the program in a terminal of this size.
    pub(crate) fn start(command: CommandBuilder, columns: u16, rows: u16) -> Self {
        let pair = native_pty_system().openpty(size(columns, rows)).unwrap();
        let child = pair.slave.spawn_command(command).unwrap();
        let (reader, writer) =
            (pair.master.try_clone_reader().unwrap(), pair.master.take_writer().unwrap());
        let parser = Parser::new(nonzero(rows), nonzero(columns), 0);
        let seen = TerminalOutput { parser, bytes: Vec::new(), closing: false, ended: false };
        let output = Arc::new(SharedOutput { seen: Mutex::new(seen), changed: Condvar::new() });
        let into = Arc::clone(&output);
        Self {
            master: pair.master,
            writer,
            child,
            output,
            reader: std::thread::spawn(move || into.read_from(reader)),
        }
    }

    /// Waits until the screen shows a text.
    #[track_caller]
    pub(crate) fn expect(&self, text: &str) {
        self.wait_until(&format!("{text:?} on the screen"), |seen| {
            seen.screen().contents().contains(text)
        });
    }

    /// Waits until the text of the screen satisfies `holds`.
    #[track_caller]
    pub(crate) fn expect_that(&self, what: &str, holds: impl Fn(&str) -> bool) {
        self.wait_until(what, |seen| holds(&seen.screen().contents()));
    }

    /// Waits until the text of the screen differs from `text`.
    #[track_caller]
    pub(crate) fn expect_other_than(&self, text: &str) {
        self.wait_until("another screen", |seen| seen.ended || seen.screen().contents() != text);
    }

    /// Waits until the current frame is complete: a long one arrives in pieces.
    #[track_caller]
    pub(crate) fn expect_whole_frame(&self) {
        self.wait_until("the end of a frame", |seen| {
            seen.last_position("\x1b[?2026l") > seen.last_position("\x1b[?2026h")
        });
    }

    /// Waits until the screen no longer shows a text.
    #[track_caller]
    pub(crate) fn expect_gone(&self, text: &str) {
        self.wait_until(&format!("no {text:?} on the screen"), |seen| {
            !seen.screen().contents().contains(text)
        });
    }

    /// Types keys, and waits until the program has written something.
    #[track_caller]
    pub(crate) fn type_keys_and_wait(&mut self, keys: &str) {
        let before = self.written();
        self.send(keys);
        self.wait_until("an answer to the keys", |seen| seen.bytes.len() > before);
    }

    /// Presses Esc, and waits until the screen changes: Esc and a key right after it would be read
    /// as Alt with that key.
    #[track_caller]
    pub(crate) fn escape(&mut self) {
        self.expect_whole_frame();
        let before = self.text();
        self.send("\x1b");
        self.expect_other_than(&before);
    }

    /// Applies `see` to the screen.
    pub(crate) fn inspect<T>(&self, see: impl FnOnce(&vt100::Screen) -> T) -> T {
        see(self.output.lock().screen())
    }

    /// Waits until the screen, including its styles, satisfies `is_right`.
    #[track_caller]
    pub(crate) fn expect_screen(&self, what: &str, is_right: impl Fn(&vt100::Screen) -> bool) {
        self.wait_until(what, |seen| is_right(seen.screen()));
    }

    /// The text of the screen.
    pub(crate) fn text(&self) -> String {
        self.output.lock().screen().contents()
    }

    /// The bytes that the program wrote from `start` on.
    pub(crate) fn bytes(&self, start: usize) -> Vec<u8> {
        self.output.lock().bytes[start..].to_vec()
    }

    /// Waits until the output from `start` on contains these bytes.
    #[track_caller]
    pub(crate) fn expect_bytes(&self, start: usize, bytes: &[u8]) {
        let found = |seen: &TerminalOutput| {
            seen.bytes[start..].windows(bytes.len()).any(|window| window == bytes)
        };
        self.wait_until(&String::from_utf8_lossy(bytes), found);
    }

    /// Number of bytes that the program has written so far.
    pub(crate) fn written(&self) -> usize {
        self.output.lock().bytes.len()
    }

    /// Types keys without waiting.
    pub(crate) fn send(&mut self, keys: &str) {
        self.writer.write_all(keys.as_bytes()).unwrap();
        self.writer.flush().unwrap();
    }

    /// Waits until the program has read what was typed.
    #[track_caller]
    pub(crate) fn wait_until_read(&self) {
        let terminal = std::fs::File::open(self.name()).unwrap();
        let end = Instant::now() + TEST_TIMEOUT;
        while rustix::io::ioctl_fionread(&terminal).unwrap() > 0 {
            assert!(Instant::now() < end, "the program does not read");
            std::thread::sleep(STEP);
        }
    }

    /// Resizes the terminal.
    pub(crate) fn resize(&self, columns: u16, rows: u16) {
        self.output.lock().parser.set_size(nonzero(rows), nonzero(columns));
        self.master.resize(size(columns, rows)).unwrap();
    }

    /// Sends a signal to the program.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// Waits until the program is stopped.
    #[track_caller]
    pub(crate) fn expect_stopped(&self) {
        let end = Instant::now() + TEST_TIMEOUT;
        loop {
            let state =
                waitpid(Some(self.pid()), WaitOptions::UNTRACED | WaitOptions::NOHANG).unwrap();
            match state {
                Some((_, state)) if state.stopped() => return,
                Some((_, state)) => panic!("the program ended: {state:?}"),
                None => assert!(Instant::now() < end, "the program is not stopped"),
            }
            std::thread::sleep(STEP);
        }
    }

    /// Whether the terminal is in raw mode.
    pub(crate) fn is_raw(&self) -> bool {
        let terminal = std::fs::File::open(self.name()).unwrap();
        !tcgetattr(terminal).unwrap().local_modes.contains(LocalModes::ICANON | LocalModes::ECHO)
    }

    /// Fails unless the modes of the terminal are as they were before the program started.
    #[track_caller]
    pub(crate) fn assert_restored(&self) {
        let seen = self.output.lock();
        let screen = seen.screen();
        assert!(!screen.alternate_screen(), "the alternate screen is still on");
        assert!(!screen.hide_cursor(), "the cursor is still hidden");
        assert!(!screen.bracketed_paste(), "bracketed paste is still on");
        assert_eq!(
            screen.mouse_protocol_mode(),
            vt100::MouseProtocolMode::None,
            "the mouse is still on"
        );
        let times =
            |text: &[u8]| seen.bytes.windows(text.len()).filter(|window| *window == text).count();
        assert_eq!(times(b"\x1b[>5u"), times(b"\x1b[<u"), "the keyboard protocol is still on");
        for mode in ["1004", "2026"] {
            let (on, off) = (
                seen.last_position(&format!("\x1b[?{mode}h")),
                seen.last_position(&format!("\x1b[?{mode}l")),
            );
            assert!(on <= off, "{mode} is still on");
        }
    }

    /// Number of times that the program left the alternate screen.
    pub(crate) fn times_restored(&self) -> usize {
        self.output.lock().bytes.windows(8).filter(|window| window == b"\x1b[?1049l").count()
    }

    /// Closes the terminal, as closing its window does. `key` makes the program write, so that the
    /// reader thread wakes up and releases the terminal.
    pub(crate) fn close(mut self, key: &str) -> DetachedProgram {
        self.output.lock().closing = true;
        self.send(key);
        self.reader.join().unwrap();
        drop((self.master, self.writer));
        DetachedProgram(self.child)
    }

    /// Waits until the program has ended and all its output is read; returns its exit code.
    #[track_caller]
    pub(crate) fn code(&mut self) -> u32 {
        let code = wait(&mut self.child);
        self.wait_until("the end of the output", |seen| seen.ended);
        code
    }

    #[track_caller]
    fn wait_until(&self, what: &str, condition: impl Fn(&TerminalOutput) -> bool) {
        let seen = self.output.lock();
        let (seen, waited) = self
            .output
            .changed
            .wait_timeout_while(seen, TEST_TIMEOUT, |seen| !condition(seen))
            .unwrap();
        assert!(!waited.timed_out(), "timed out waiting for {what}:\n{}", seen.screen().contents());
    }

    /// Process ID of the program.
    pub(crate) fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.process_id().unwrap()).unwrap()).unwrap()
    }

    fn name(&self) -> PathBuf {
        self.master.tty_name().unwrap()
    }
}

/// A program whose terminal is closed.
pub(crate) struct DetachedProgram(Box<dyn Child + Send + Sync>);

impl DetachedProgram {
    /// Waits until the program has ended; returns its exit code.
    #[track_caller]
    pub(crate) fn code(&mut self) -> u32 {
        wait(&mut self.0)
    }
}

impl SharedOutput {
    fn lock(&self) -> MutexGuard<'_, TerminalOutput> {
        self.seen.lock().unwrap()
    }

    fn read_from(&self, mut reader: Box<dyn Read + Send>) {
        let mut buffer = vec![0; 65_536];
        while let Ok(length @ 1..) = reader.read(&mut buffer) {
            let mut seen = self.lock();
            seen.bytes.extend_from_slice(&buffer[..length]);
            seen.parser.process(&buffer[..length]);
            self.changed.notify_all();
            if seen.closing {
                return;
            }
        }
        self.lock().ended = true;
        self.changed.notify_all();
    }
}

impl TerminalOutput {
    fn screen(&self) -> &vt100::Screen {
        self.parser.screen()
    }

    fn last_position(&self, text: &str) -> Option<usize> {
        self.bytes.windows(text.len()).rposition(|window| window == text.as_bytes())
    }
}

#[track_caller]
fn wait(child: &mut Box<dyn Child + Send + Sync>) -> u32 {
    let end = Instant::now() + TEST_TIMEOUT;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status.exit_code();
        }
        assert!(Instant::now() < end, "the program does not end");
        std::thread::sleep(STEP);
    }
}

fn size(columns: u16, rows: u16) -> PtySize {
    PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }
}

fn nonzero(n: u16) -> NonZeroU16 {
    NonZeroU16::new(n).unwrap()
}
