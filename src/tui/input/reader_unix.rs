//! Reader thread of the terminal on Unix.
//!
//! The thread sleeps until the terminal has input, a held key is due or another program needs the
//! terminal. It reads until nothing is left, so that no input waits for the next key, and wipes its
//! buffer after each read. Start at [`spawn_reader`].

use std::fs::File;
use std::io::{self, IsTerminal as _, Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use tokio::sync::mpsc::UnboundedSender;
use zeroize::{Zeroize as _, Zeroizing};

use super::InputPause;
use super::input_decoder::InputDecoder;
use super::readiness::{is_readable, timespec};
use crate::tui::app::InputEvent;

/// How long to wait after ESC for the rest of a sequence.
const ESCAPE_HOLD: Duration = Duration::from_millis(40);

/// The same over SSH, where a sequence may arrive in two packets.
const REMOTE_ESCAPE_HOLD: Duration = Duration::from_millis(100);

/// Number of bytes read at once: what the terminal device holds.
const READ_CHUNK_BYTES: usize = 4096;

/// Maximum number of bytes that are read before the events are sent.
const MAX_BATCH_BYTES: usize = 1 << 20;

/// Reader of the terminal.
struct TerminalReader {
    terminal: OwnedFd,
    wake_receiver: UnixStream,
    buffer: Zeroizing<Vec<u8>>,
    decoder: InputDecoder,
    inputs: UnboundedSender<InputEvent>,
    pause: Arc<InputPause>,
}

/// What ended a wait.
enum ReaderEvent {
    /// The terminal has input, or was closed.
    Readable,
    /// A held key is due, or another program needs the terminal.
    Woken,
}

/// Reads the terminal on a separate thread and sends the user's input, until the terminal is closed.
pub(in crate::tui) fn spawn_reader(
    inputs: UnboundedSender<InputEvent>,
    pause: Arc<InputPause>,
    awaits_background: bool,
) -> io::Result<()> {
    let terminal = open_input_terminal()?.ok_or(io::ErrorKind::NotFound)?;
    let (wake_sender, wake_receiver) = UnixStream::pair()?;
    wake_sender.set_nonblocking(true)?;
    wake_receiver.set_nonblocking(true)?;
    pause.set_waker(move || {
        // A full pipe wakes the reader too.
        let _ = (&wake_sender).write(&[0]);
    });
    let hold = if crate::engine::is_remote() { REMOTE_ESCAPE_HOLD } else { ESCAPE_HOLD };
    let reader = TerminalReader {
        terminal,
        wake_receiver,
        buffer: Zeroizing::new(vec![0; READ_CHUNK_BYTES]),
        decoder: InputDecoder::new(hold, awaits_background),
        inputs,
        pause,
    };
    std::thread::Builder::new().name("input".into()).spawn(move || reader.run()).map(drop)
}

impl TerminalReader {
    fn run(mut self) {
        loop {
            if self.pause.wait_while_paused() {
                self.decoder.reset();
            }
            let read = match self.wait() {
                Ok(ReaderEvent::Readable) => self.read_all(),
                Ok(ReaderEvent::Woken) => Ok(()),
                Err(error) => Err(error),
            };
            for event in self.decoder.take_events(Instant::now()) {
                if self.inputs.send(event).is_err() {
                    return;
                }
            }
            if let Err(error) = read {
                tracing::debug!(%error, "the terminal has no more input");
                return;
            }
        }
    }

    /// Waits for input, for the moment when something held is due, or to be woken.
    fn wait(&mut self) -> io::Result<ReaderEvent> {
        let timeout = self
            .decoder
            .deadline()
            .map(|deadline| timespec(deadline.saturating_duration_since(Instant::now())));
        let mut waiting = [
            PollFd::new(&self.terminal, PollFlags::IN),
            PollFd::new(&self.wake_receiver, PollFlags::IN),
        ];
        let ready = poll(&mut waiting, timeout.as_ref());
        let [is_readable, is_woken] = waiting.map(|waiting| !waiting.revents().is_empty());
        match ready {
            // If another program needs the terminal, the input belongs to it.
            Ok(_) if is_woken => {
                while matches!(self.wake_receiver.read(&mut [0; 16]), Ok(1..)) {}
                Ok(ReaderEvent::Woken)
            }
            Ok(_) if is_readable => Ok(ReaderEvent::Readable),
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(ReaderEvent::Woken),
            Err(error) => Err(error.into()),
        }
    }

    /// Reads until nothing is left.
    fn read_all(&mut self) -> io::Result<()> {
        let mut total = 0;
        while total < MAX_BATCH_BYTES {
            match rustix::io::read(&self.terminal, self.buffer.as_mut_slice()) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => {
                    self.decoder.feed(&self.buffer[..count], Instant::now());
                    self.buffer[..count].zeroize();
                    total += count;
                }
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::AGAIN) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
            if !is_readable(&self.terminal, Some(Duration::ZERO))? {
                return Ok(());
            }
        }
        Ok(())
    }
}

/// Opens the terminal from which input is read.
pub(in crate::tui) fn open_input_terminal() -> io::Result<Option<OwnedFd>> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        return stdin.as_fd().try_clone_to_owned().map(Some);
    }
    Ok(File::open("/dev/tty").ok().map(OwnedFd::from))
}
