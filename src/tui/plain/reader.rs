//! The thread that reads answers. It reads only when something was asked, and keeps no copy of what it read.

use std::io::{self, IsTerminal as _, Read};
use std::sync::mpsc::Receiver;

use tokio::sync::mpsc::UnboundedSender;
use zeroize::Zeroizing;

use super::paper::{Asked, repeat};
use crate::tui::app::InputEvent;

/// More than any answer has; whatever is longer is cut.
const LONGEST: usize = 1 << 20;
/// So much is read at once.
const CHUNK: usize = 4096;

/// Reads a line each time something was asked, and hands it on with the question it answers.
pub(super) fn start(asked: Asked, questions: Receiver<()>, inputs: UnboundedSender<InputEvent>) -> io::Result<()> {
    let read = move || {
        let mut lines = Lines::new(Standard::open());
        while questions.recv().is_ok() {
            let line = if needs_care(&asked) { hidden() } else { lines.next() };
            let Ok(Some(line)) = line else {
                drop(inputs.send(InputEvent::InputClosed));
                return;
            };
            // A question that was withdrawn is asked again, and the line with it.
            let Some(prompt) = asked.answered() else { continue };
            let _ = repeat(&line, prompt.echo);
            if inputs.send(InputEvent::LineEntered(prompt, line)).is_err() {
                return;
            }
        }
    };
    std::thread::Builder::new().name("reader".into()).spawn(read).map(drop)
}

/// Whether the terminal must be told by the reader itself not to show what is typed: on Unix, the paper does that.
fn needs_care(asked: &Asked) -> bool {
    cfg!(not(unix)) && asked.is_hidden() && io::stdin().is_terminal()
}

fn hidden() -> io::Result<Option<Zeroizing<String>>> {
    rpassword::read_password().map(|line| Some(Zeroizing::new(line)))
}

/// Lines of something that is read in pieces; what was handed out is wiped.
struct Lines<R> {
    from: R,
    ahead: Zeroizing<Vec<u8>>,
}

impl<R: Read> Lines<R> {
    fn new(from: R) -> Self {
        Self { from, ahead: Zeroizing::new(Vec::new()) }
    }

    /// The next line without its end; nothing at the end of everything.
    fn next(&mut self) -> io::Result<Option<Zeroizing<String>>> {
        loop {
            let end = self.ahead.iter().position(|byte| *byte == b'\n');
            if let Some(end) = end.or((self.ahead.len() > LONGEST).then(|| self.ahead.len() - 1)) {
                return Ok(Some(self.take(end + 1)));
            }
            let mut chunk = Zeroizing::new([0; CHUNK]);
            match self.from.read(chunk.as_mut_slice())? {
                0 if self.ahead.is_empty() => return Ok(None),
                0 => return Ok(Some(self.take(self.ahead.len()))),
                read => self.append(&chunk[..read]),
            }
        }
    }

    /// A buffer that grew in place would leave a copy behind.
    fn append(&mut self, more: &[u8]) {
        let mut longer = Zeroizing::new(Vec::with_capacity(self.ahead.len() + more.len()));
        longer.extend_from_slice(&self.ahead);
        longer.extend_from_slice(more);
        self.ahead = longer;
    }

    fn take(&mut self, length: usize) -> Zeroizing<String> {
        let (line, rest) = self.ahead.split_at(length);
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = Zeroizing::new(String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line)).into_owned());
        self.ahead = Zeroizing::new(rest.to_vec());
        line
    }
}

/// Standard input past its buffer, which would keep what was read.
#[cfg(unix)]
struct Standard(Option<std::fs::File>);

#[cfg(unix)]
impl Standard {
    fn open() -> Self {
        use std::os::fd::AsFd as _;
        Self(io::stdin().as_fd().try_clone_to_owned().ok().map(Into::into))
    }
}

#[cfg(unix)]
impl Read for Standard {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.as_mut().map_or(Ok(0), |file| file.read(buffer))
    }
}

/// Standard input.
#[cfg(not(unix))]
struct Standard(io::Stdin);

#[cfg(not(unix))]
impl Standard {
    fn open() -> Self {
        Self(io::stdin())
    }
}

#[cfg(not(unix))]
impl Read for Standard {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives a few bytes at a time.
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
        let mut lines = Lines::new(Drip("first\r\n\nthird \u{e9}\nlast".as_bytes()));
        let mut read = Vec::new();
        while let Some(line) = lines.next().expect("a line") {
            read.push(line.to_string());
        }
        assert_eq!(read, ["first", "", "third \u{e9}", "last"]);
    }

    #[test]
    fn what_has_no_end_is_cut() {
        let mut lines = Lines::new(io::repeat(b'x'));
        assert!(lines.next().expect("a line").is_some_and(|line| line.len() <= LONGEST + CHUNK));
    }
}
