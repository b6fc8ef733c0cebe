//! Input from the terminal for the prompts of the command line and of plain-text mode.
//!
//! A pasted text is read as a whole (bracketed paste), and everything beyond the answer is discarded
//! before the terminal is given back. Otherwise the rest of a pasted private key would run in the
//! shell and be written to its history. Buffers are wiped. Start at [`read_answer`].

use std::io::{self, Write as _};
use std::sync::atomic::AtomicBool;

use zeroize::Zeroizing;

use crate::domain::Secret;

/// Whether typed characters are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputEcho {
    /// Typed characters are shown.
    Visible,
    /// Nothing is shown.
    Hidden,
}

/// Asks a question and reads the answer, which has several lines only if it was pasted. Returns
/// `None` at the end of the input, after Ctrl-C, and when `canceled` is set.
///
/// # Errors
///
/// Fails where there is no terminal, and for an answer of more than 1 MiB.
#[cfg(unix)]
pub fn read_answer(
    question: &str,
    echo: InputEcho,
    canceled: Option<&AtomicBool>,
) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    unix::read_answer(question, echo, canceled)
}

/// Asks a question and reads one line. Returns `None` at the end of the input.
///
/// # Errors
///
/// Fails where there is no terminal.
#[cfg(not(unix))]
pub fn read_answer(
    question: &str,
    echo: InputEcho,
    _canceled: Option<&AtomicBool>,
) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    let mut error = io::stderr();
    write!(error, "{question}").and_then(|()| error.flush())?;
    if echo == InputEcho::Hidden {
        return rpassword::read_password().map(|line| Some(Zeroizing::new(line.into_bytes())));
    }
    let mut line = String::new();
    let read = io::stdin().read_line(&mut line)?;
    let line = line.trim_end_matches(['\r', '\n']).as_bytes().to_vec();
    Ok((read > 0).then(|| Zeroizing::new(line)))
}

/// Prints a generated secret on a line of its own. Standard error is not buffered, so no copy of the
/// secret stays in memory.
///
/// # Errors
///
/// Fails where standard error cannot be written to.
pub fn print_secret_line(secret: &Secret) -> io::Result<()> {
    let mut error = io::stderr();
    error.write_all(b"  ")?;
    secret.expose(|bytes| error.write_all(bytes))?;
    error.write_all(b"\n")
}

/// Returns whether more input follows immediately, as the next line of a paste does.
pub(super) fn more_input_follows() -> bool {
    #[cfg(unix)]
    return super::input::readiness::is_readable(io::stdin(), Some(unix::PASTE_GAP))
        .unwrap_or_default();
    #[cfg(not(unix))]
    false
}

/// Discards typed and pasted input that was not read, so that the shell does not get it. A failure
/// cannot be reported any more.
pub(super) fn discard_unread_input() {
    #[cfg(unix)]
    if io::IsTerminal::is_terminal(&io::stdin()) {
        let _ = rustix::termios::tcflush(io::stdin(), rustix::termios::QueueSelector::IFlush);
    }
}

#[cfg(unix)]
mod unix {
    use std::fs::File;
    use std::io::{self, Write};
    use std::os::fd::AsFd as _;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::{Duration, Instant};

    use rustix::process::{Signal, getpid, kill_current_process_group, kill_process};
    use rustix::termios::{
        InputModes, LocalModes, OptionalActions, QueueSelector, Termios, tcflush, tcgetattr,
        tcsetattr,
    };
    use unicode_width::UnicodeWidthChar as _;
    use zeroize::Zeroizing;

    use super::InputEcho;
    use crate::domain::text::is_unprintable;
    use crate::tui::input::readiness::is_readable;
    use crate::tui::input::terminal_parser::{TerminalParser, TerminalToken};
    use crate::tui::input::typed_text::with_plain_line_ends;

    const PASTE_ON: &[u8] = b"\x1b[?2004h";
    const PASTE_OFF: &[u8] = b"\x1b[?2004l";

    /// How long a terminal without bracketed paste may pause between two lines of a paste.
    pub(super) const PASTE_GAP: Duration = Duration::from_millis(50);

    /// How long to wait after ESC for the rest of a sequence.
    const ESCAPE_HOLD: Duration = Duration::from_millis(100);

    const CTRL_C: u8 = 0x03;
    const CTRL_D: u8 = 0x04;
    const BACKSPACE: u8 = 0x08;
    const CTRL_U: u8 = 0x15;
    const CTRL_Z: u8 = 0x1a;
    const CTRL_BACKSLASH: u8 = 0x1c;
    const DELETE: u8 = 0x7f;

    /// How often a prompt that can be canceled looks for that.
    const CANCEL_INTERVAL: Duration = Duration::from_millis(50);

    /// Maximum size of an answer. More is a mistake.
    const MAX_ANSWER_BYTES: usize = 1 << 20;

    /// Number of bytes read at once.
    const READ_CHUNK_BYTES: usize = 4096;

    /// How the reading of an answer ended.
    enum AnswerEnd {
        Entered,
        NoAnswer,
        Signal(Signal),
    }

    /// Result of waiting for a byte.
    enum NextByte {
        Byte(u8),
        /// Nothing arrived in time.
        Quiet,
        /// Nothing arrived that would complete a sequence.
        Overdue,
        /// The input has ended, or the prompt is canceled.
        Ended,
    }

    /// Terminal in the modes of a prompt, until this value is dropped.
    struct PromptModes<'a> {
        original: Termios,
        out: &'a File,
    }

    /// Reader of one answer.
    struct AnswerReader<'a> {
        out: &'a File,
        echo: InputEcho,
        canceled: Option<&'a AtomicBool>,
        parser: TerminalParser,
        /// Whether the last byte was a return, to which a line feed belongs.
        ended_with_return: bool,
        /// Bytes that were read and not parsed yet, last first.
        pending: Zeroizing<Vec<u8>>,
        text: Zeroizing<Vec<u8>>,
        is_too_long: bool,
    }

    pub(super) fn read_answer(
        question: &str,
        echo: InputEcho,
        canceled: Option<&AtomicBool>,
    ) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
        let out = open_terminal()?;
        loop {
            let modes = PromptModes::enter(&out)?;
            (&out).write_all(question.as_bytes())?;
            let mut reader = AnswerReader::new(&out, echo, canceled);
            let end = reader.read();
            (&out).write_all(b"\n")?;
            drop(modes);
            match end? {
                AnswerEnd::Entered if reader.is_too_long => {
                    return Err(io::Error::other("the answer has more than 1 MiB"));
                }
                AnswerEnd::Entered => return Ok(Some(reader.take_text())),
                AnswerEnd::NoAnswer => return Ok(None),
                // The question is asked again after the process was continued.
                AnswerEnd::Signal(Signal::TSTP) => kill_current_process_group(Signal::TSTP)?,
                AnswerEnd::Signal(signal) => {
                    kill_process(getpid(), signal)?;
                    return Ok(None);
                }
            }
        }
    }

    /// Opens the terminal for writing, even where standard error is a file.
    fn open_terminal() -> io::Result<File> {
        let input = || io::stdin().as_fd().try_clone_to_owned().map(File::from);
        File::options().read(true).write(true).open("/dev/tty").or_else(|_| input())
    }

    impl<'a> PromptModes<'a> {
        fn enter(out: &'a File) -> io::Result<Self> {
            let original = tcgetattr(io::stdin())?;
            let mut modes = original.clone();
            modes.local_modes.remove(
                LocalModes::ICANON
                    | LocalModes::ECHO
                    | LocalModes::ECHONL
                    | LocalModes::ISIG
                    | LocalModes::IEXTEN,
            );
            // The reader must tell a return from a line feed.
            modes.input_modes.remove(InputModes::ICRNL | InputModes::INLCR | InputModes::IGNCR);
            tcsetattr(io::stdin(), OptionalActions::Now, &modes)?;
            let entered = Self { original, out };
            if understands_sequences() {
                (&*entered.out).write_all(PASTE_ON)?;
            }
            Ok(entered)
        }
    }

    impl Drop for PromptModes<'_> {
        /// Gives the terminal back without unread input. A failure cannot be reported any more.
        fn drop(&mut self) {
            if understands_sequences() {
                let _ = (&*self.out).write_all(PASTE_OFF);
            }
            let _ = tcflush(io::stdin(), QueueSelector::IFlush);
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.original);
        }
    }

    fn understands_sequences() -> bool {
        std::env::var_os("TERM").is_none_or(|name| name != "dumb")
    }

    impl<'a> AnswerReader<'a> {
        fn new(out: &'a File, echo: InputEcho, canceled: Option<&'a AtomicBool>) -> Self {
            Self {
                out,
                echo,
                canceled,
                parser: TerminalParser::new(ESCAPE_HOLD),
                ended_with_return: false,
                pending: Zeroizing::default(),
                text: Zeroizing::new(Vec::with_capacity(READ_CHUNK_BYTES)),
                is_too_long: false,
            }
        }

        /// Reads until the answer ends. Where more input follows a line immediately, the lines were
        /// pasted into a terminal without bracketed paste, and they belong together.
        fn read(&mut self) -> io::Result<AnswerEnd> {
            let mut is_burst = false;
            loop {
                let mut tokens = match self.next_byte(is_burst.then_some(PASTE_GAP))? {
                    NextByte::Byte(byte) => self.parser.feed(&[byte], Instant::now()),
                    NextByte::Overdue => Vec::new(),
                    NextByte::Quiet => return Ok(AnswerEnd::Entered),
                    NextByte::Ended if self.text.is_empty() => return Ok(AnswerEnd::NoAnswer),
                    NextByte::Ended => return Ok(AnswerEnd::Entered),
                };
                if self.pending.is_empty() && !is_readable(io::stdin(), Some(Duration::ZERO))? {
                    tokens.extend(self.parser.settle(Instant::now()));
                }
                for token in tokens {
                    if let Some(end) = self.handle_token(token, &mut is_burst)? {
                        return Ok(end);
                    }
                }
            }
        }

        /// Handles a token of the terminal; returns how the answer ends, if it does.
        fn handle_token(
            &mut self,
            token: TerminalToken,
            is_burst: &mut bool,
        ) -> io::Result<Option<AnswerEnd>> {
            let is_return = token == TerminalToken::Control(b'\r');
            let follows_return = std::mem::replace(&mut self.ended_with_return, is_return);
            match token {
                TerminalToken::Character(c) => {
                    let mut encoded = Zeroizing::new([0; 4]);
                    self.push_all(c.encode_utf8(&mut *encoded).as_bytes())?;
                }
                TerminalToken::Paste(text) => self.push_all(&with_plain_line_ends(&text))?,
                TerminalToken::Control(b'\n') if follows_return => {}
                TerminalToken::Control(b'\r' | b'\n') if *is_burst || self.more_follows()? => {
                    *is_burst = true;
                    self.push(b'\n')?;
                }
                TerminalToken::Control(b'\r' | b'\n') => return Ok(Some(AnswerEnd::Entered)),
                TerminalToken::Control(BACKSPACE | DELETE) => self.erase_character()?,
                TerminalToken::Control(CTRL_U) => {
                    while !self.text.is_empty() {
                        self.erase_character()?;
                    }
                }
                TerminalToken::Control(CTRL_D) if self.text.is_empty() => {
                    return Ok(Some(AnswerEnd::NoAnswer));
                }
                TerminalToken::Control(CTRL_C) => return Ok(Some(AnswerEnd::Signal(Signal::INT))),
                TerminalToken::Control(CTRL_BACKSLASH) => {
                    return Ok(Some(AnswerEnd::Signal(Signal::QUIT)));
                }
                TerminalToken::Control(CTRL_Z) => {
                    return Ok(Some(AnswerEnd::Signal(Signal::TSTP)));
                }
                _ => {}
            }
            Ok(None)
        }

        /// Returns the next byte, or `Quiet` if none arrives in this time.
        fn next_byte(&mut self, patience: Option<Duration>) -> io::Result<NextByte> {
            while self.pending.is_empty() {
                let is_canceled =
                    || self.canceled.is_some_and(|canceled| canceled.load(Ordering::Relaxed));
                if is_canceled() {
                    return Ok(NextByte::Ended);
                }
                let due = self.parser.deadline().map(|due| due.duration_since(Instant::now()));
                let waits = [patience, due, self.canceled.map(|_| CANCEL_INTERVAL)];
                let wait = waits.into_iter().flatten().min();
                if !is_readable(io::stdin(), wait)? {
                    match wait {
                        Some(_) if wait == due => return Ok(NextByte::Overdue),
                        Some(_) if wait == patience => return Ok(NextByte::Quiet),
                        _ => continue,
                    }
                }
                let mut chunk = Zeroizing::new([0; READ_CHUNK_BYTES]);
                match rustix::io::read(io::stdin(), chunk.as_mut_slice()) {
                    Ok(0) => return Ok(NextByte::Ended),
                    Ok(read) => self.pending.extend(chunk[..read].iter().rev()),
                    Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            Ok(self.pending.pop().map_or(NextByte::Ended, NextByte::Byte))
        }

        fn more_follows(&self) -> io::Result<bool> {
            Ok(!self.pending.is_empty() || is_readable(io::stdin(), Some(PASTE_GAP))?)
        }

        fn push_all(&mut self, text: &[u8]) -> io::Result<()> {
            text.iter().try_for_each(|byte| self.push(*byte))
        }

        fn push(&mut self, byte: u8) -> io::Result<()> {
            if self.text.len() >= MAX_ANSWER_BYTES {
                self.is_too_long = true;
                return Ok(());
            }
            if self.text.len() == self.text.capacity() {
                let mut larger = Zeroizing::new(Vec::with_capacity(self.text.len() * 2));
                larger.extend_from_slice(&self.text);
                self.text = larger;
            }
            self.text.push(byte);
            match self.last_character() {
                Some(c) if self.shown_width(c) > 0 => {
                    self.out.write_all(c.encode_utf8(&mut [0; 4]).as_bytes())
                }
                _ => Ok(()),
            }
        }

        fn erase_character(&mut self) -> io::Result<()> {
            let last = self.last_character();
            let length = last.map_or(1, char::len_utf8).min(self.text.len());
            let kept = self.text.len() - length;
            self.text[kept..].fill(0);
            self.text.truncate(kept);
            let width = last.map_or(0, |c| self.shown_width(c));
            self.out.write_all("\u{8} \u{8}".repeat(width).as_bytes())
        }

        /// Returns the character that the last bytes encode.
        fn last_character(&self) -> Option<char> {
            let start = self.text.iter().rposition(|byte| byte & 0xc0 != 0x80)?;
            std::str::from_utf8(&self.text[start..]).ok()?.chars().next()
        }

        /// Returns the number of cells in which a character is shown.
        fn shown_width(&self, c: char) -> usize {
            if self.echo == InputEcho::Hidden || is_unprintable(c) {
                0
            } else {
                c.width().unwrap_or_default()
            }
        }

        /// Returns the answer without line breaks at its end.
        fn take_text(&mut self) -> Zeroizing<Vec<u8>> {
            let mut text = std::mem::take(&mut self.text);
            while text.last() == Some(&b'\n') {
                text.pop();
            }
            text
        }
    }
}
