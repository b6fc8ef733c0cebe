//! Reader thread of plain-text mode. It reads a line only when a question was asked, and keeps no
//! copy of what it read.

use std::io::{self, IsTerminal as _, Read};
use std::sync::mpsc::Receiver;

use tokio::sync::mpsc::UnboundedSender;
use zeroize::Zeroizing;

use super::surface::{SharedPrompt, echo_line};
use crate::tui::app::InputEvent;
use crate::tui::terminal_line::more_input_follows;

/// Maximum length of a line; a longer line is split.
const MAX_LINE_BYTES: usize = 1 << 20;
/// Number of bytes read at once.
const READ_CHUNK_BYTES: usize = 4096;

/// Starts the thread that reads a line for each question and sends it together with the question.
pub(super) fn spawn_reader(
    shared_prompt: SharedPrompt,
    read_requests: Receiver<()>,
    inputs: UnboundedSender<InputEvent>,
) -> io::Result<()> {
    let read = move || {
        let mut lines = SecretLineReader::new(UnbufferedStdin::open());
        while read_requests.recv().is_ok() {
            let line = read_hidden_line(&shared_prompt).unwrap_or_else(|| lines.next_line());
            let Ok(Some(mut line)) = line else {
                drop(inputs.send(InputEvent::InputClosed));
                return;
            };
            if shared_prompt.is_echo_hidden() && io::stdin().is_terminal() {
                line = lines.append_paste(line, &more_input_follows);
            }
            // A withdrawn question is asked again, and its line is read again.
            let Some(prompt) = shared_prompt.take_prompt() else { continue };
            let _ = echo_line(&line, prompt.echo);
            if inputs.send(InputEvent::LineEntered(prompt, line)).is_err() {
                return;
            }
        }
    };
    std::thread::Builder::new().name("reader".into()).spawn(read).map(drop)
}

/// Reads a hidden line where the reader itself must hide the typed text; `None` elsewhere. On Unix
/// the surface hides it.
#[cfg(unix)]
fn read_hidden_line(
    _shared_prompt: &SharedPrompt,
) -> Option<io::Result<Option<Zeroizing<String>>>> {
    None
}

/// Reads a hidden line where the reader itself must hide the typed text; `None` elsewhere.
#[cfg(not(unix))]
fn read_hidden_line(shared_prompt: &SharedPrompt) -> Option<io::Result<Option<Zeroizing<String>>>> {
    let hide = shared_prompt.is_echo_hidden() && io::stdin().is_terminal();
    hide.then(|| rpassword::read_password().map(|line| Some(Zeroizing::new(line))))
}

/// Line reader that wipes what it has handed out.
struct SecretLineReader<R> {
    source: R,
    buffer: Zeroizing<Vec<u8>>,
}

impl<R: Read> SecretLineReader<R> {
    fn new(from: R) -> Self {
        Self { source: from, buffer: Zeroizing::new(Vec::new()) }
    }

    /// Returns the next line without its line end, or `None` at the end of the input.
    fn next_line(&mut self) -> io::Result<Option<Zeroizing<String>>> {
        loop {
            let end = self.buffer.iter().position(|byte| *byte == b'\n');
            if let Some(end) =
                end.or((self.buffer.len() > MAX_LINE_BYTES).then(|| self.buffer.len() - 1))
            {
                return Ok(Some(self.take_line(end + 1)));
            }
            let mut chunk = Zeroizing::new([0; READ_CHUNK_BYTES]);
            match self.source.read(chunk.as_mut_slice())? {
                0 if self.buffer.is_empty() => return Ok(None),
                0 => return Ok(Some(self.take_line(self.buffer.len()))),
                read => self.append(&chunk[..read]),
            }
        }
    }

    /// Appends the lines that follow a line immediately: the rest of a paste, of which no line may
    /// become the answer to the next question.
    fn append_paste(
        &mut self,
        first: Zeroizing<String>,
        more_follows: &dyn Fn() -> bool,
    ) -> Zeroizing<String> {
        let mut text = first;
        while text.len() < MAX_LINE_BYTES && (!self.buffer.is_empty() || more_follows()) {
            let Ok(Some(line)) = self.next_line() else { break };
            let mut longer = Zeroizing::new(String::with_capacity(text.len() + line.len() + 1));
            longer.extend([text.as_str(), "\n", &line]);
            text = longer;
        }
        text
    }

    /// Appends bytes in a new buffer. A buffer that grew in place would leave a copy behind.
    fn append(&mut self, more: &[u8]) {
        let mut longer = Zeroizing::new(Vec::with_capacity(self.buffer.len() + more.len()));
        longer.extend_from_slice(&self.buffer);
        longer.extend_from_slice(more);
        self.buffer = longer;
    }

    fn take_line(&mut self, length: usize) -> Zeroizing<String> {
        let (line, rest) = self.buffer.split_at(length);
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = Zeroizing::new(
            String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line)).into_owned(),
        );
        self.buffer = Zeroizing::new(rest.to_vec());
        line
    }
}

/// Standard input without its buffer, which would keep what was read.
#[cfg(unix)]
struct UnbufferedStdin(Option<std::fs::File>);

#[cfg(unix)]
impl UnbufferedStdin {
    fn open() -> Self {
        use std::os::fd::AsFd as _;
        Self(io::stdin().as_fd().try_clone_to_owned().ok().map(Into::into))
    }
}

#[cfg(unix)]
impl Read for UnbufferedStdin {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.as_mut().map_or(Ok(0), |file| file.read(buffer))
    }
}

/// Standard input.
#[cfg(not(unix))]
struct UnbufferedStdin(io::Stdin);

#[cfg(not(unix))]
impl UnbufferedStdin {
    fn open() -> Self {
        Self(io::stdin())
    }
}

#[cfg(not(unix))]
impl Read for UnbufferedStdin {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reader that returns a few bytes at a time.
    struct Drip(&'static [u8]);

    impl Read for Drip {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let length = self.0.len().min(3);
            let (now, later) = self.0.split_at(length);
            buffer[..length].copy_from_slice(now);
            self.0 = later;
            Ok(length)
        }
    }

    #[test]
    fn lines_come_whole_however_they_arrive() {
        let mut lines = SecretLineReader::new(Drip("first\r\n\nthird \u{e9}\nlast".as_bytes()));
        let mut read = Vec::new();
        while let Some(line) = lines.next_line().expect("a line") {
            read.push(line.to_string());
        }
        assert_eq!(read, ["first", "", "third \u{e9}", "last"]);
    }

    #[test]
    fn a_paste_is_one_answer() {
        let mut lines = SecretLineReader::new(Drip(b"one\ntwo\r\nthree\n"));
        let first = lines.next_line().expect("a line").expect("text");
        assert_eq!(lines.append_paste(first, &|| true).as_str(), "one\ntwo\nthree");
        let mut lines = SecretLineReader::new(Drip(b"ab\ntwo\n"));
        let first = lines.next_line().expect("a line").expect("text");
        assert_eq!(lines.append_paste(first, &|| false).as_str(), "ab", "the rest came later");
    }

    #[test]
    fn what_has_no_end_is_cut() {
        let mut lines = SecretLineReader::new(io::repeat(b'x'));
        assert!(
            lines
                .next_line()
                .expect("a line")
                .is_some_and(|line| line.len() <= MAX_LINE_BYTES + READ_CHUNK_BYTES)
        );
    }
}
