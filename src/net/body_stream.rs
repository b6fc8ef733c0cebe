//! Bodies that are too large for the memory: passed to a receiver while they arrive.
//!
//! The bytes are decompressed on a thread for blocking work, where the receiver writes them. Only a
//! few pieces are in memory at a time, so a slow receiver slows the server down. Start at
//! [`BodySink`] and [`stream_body`].

use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;

use super::NetError;
use super::body::{BodyEnd, MAX_EXPANSION, damage_of, ends_early};
use super::content_decoding::{BodyCodings, BodyDecoder, ContentCoding};
use super::error::describe_body_error;
use crate::domain::redact::SecretRedactor;
use crate::domain::response::{ApiResponse, BodyRemark};
use crate::domain::text::sanitize_line;

/// Number of pieces that wait for the receiver.
const MAX_WAITING_PIECES: usize = 16;

/// Number of bytes that are passed on at once.
const PIECE_BYTES: usize = 64 * 1024;

/// Number of decompressed bytes up to which the expansion is not limited.
const FREE_EXPANSION_BYTES: u64 = 64 << 20;

/// Receiver of a body.
pub trait BodySink: Send + Sync {
    /// Called when the head of a response has arrived. Returns whether the receiver takes its body;
    /// otherwise the body is read into memory. `length` is the number of bytes that the server
    /// announced, and `sent` masks the secret that was sent.
    fn begin(
        &self,
        head: &ApiResponse,
        length: Option<u64>,
        sent: &Arc<SecretRedactor>,
    ) -> io::Result<bool>;

    /// Takes bytes as the server sent them, decompressed. The receiver masks the secrets.
    fn write(&self, bytes: &[u8]) -> io::Result<()>;

    /// Whether the receiver continues a body that broke off, so that the same request need not be
    /// repeated.
    fn continues(&self) -> bool {
        false
    }
}

/// Result of passing a body on.
pub(super) struct StreamedBody {
    /// Number of bytes that were passed on.
    pub(super) size: u64,
    /// Where the body ended.
    pub(super) end: BodyEnd,
    /// What is remarkable about the bytes.
    pub(super) remarks: Vec<BodyRemark>,
}

/// Passes the body of a response to a receiver. There is no limit on its size and its duration, but
/// a server that sends nothing for `stall_timeout` is not waited for.
pub(super) async fn stream_body(
    response: &mut reqwest::Response,
    stall_timeout: Duration,
    sink: Arc<dyn BodySink>,
) -> Result<StreamedBody, NetError> {
    let codings = BodyCodings::from_headers(response.headers());
    let announced = response.content_length();
    let (pieces, waiting) = mpsc::channel(MAX_WAITING_PIECES);
    let writing = tokio::task::spawn_blocking(move || pass_on(waiting, &codings, &*sink));
    let (mut received, mut cut) = (0_u64, None);
    loop {
        match tokio::time::timeout(stall_timeout, response.chunk()).await {
            Ok(Ok(Some(chunk))) => {
                received += chunk.len() as u64;
                // The receiver ended early; its result says why.
                if pieces.send(chunk).await.is_err() {
                    break;
                }
            }
            Ok(Ok(None)) => break,
            Ok(Err(error)) => {
                cut = Some(describe_body_error(error, received, announced));
                break;
            }
            Err(_) => {
                let seconds = stall_timeout.as_secs_f32();
                cut = Some(format!("nothing more came within {seconds} s after {received} bytes"));
                break;
            }
        }
    }
    drop(pieces);
    let streamed = writing.await.map_err(|_| exiting())?.map_err(|error| not_written(&error))?;
    Ok(match cut {
        Some(why) => StreamedBody { end: BodyEnd::Cut(why), ..streamed },
        None => streamed,
    })
}

/// Decompresses the pieces and passes them on, on a thread for blocking work.
fn pass_on(
    pieces: mpsc::Receiver<Bytes>,
    codings: &BodyCodings,
    sink: &dyn BodySink,
) -> io::Result<StreamedBody> {
    let mut reader = PieceReader { pieces, piece: Bytes::new() };
    let (codings, mut remarks) = match codings {
        BodyCodings::Known(known) => match reader.missing_coding(known) {
            Some(title) => (&[][..], vec![BodyRemark::NotEncoded(title.to_owned())]),
            None => (known.as_slice(), Vec::new()),
        },
        BodyCodings::Unknown(name) => {
            (&[][..], vec![BodyRemark::UnknownEncoding(sanitize_line(name))])
        }
    };
    let title = codings.last().map_or("", |coding| coding.title());
    let counter = CountingReader::new(reader);
    let received = Arc::clone(&counter.count);
    let mut decoder = BodyDecoder::open(counter, codings);
    let (mut size, mut buffer) = (0, vec![0; PIECE_BYTES]);
    let end = loop {
        let count = match decoder.read(&mut buffer) {
            Ok(0) => break BodyEnd::Complete,
            Ok(count) => count,
            Err(error) if ends_early(&error) => {
                break BodyEnd::Cut(format!("the {title} data ends too early"));
            }
            Err(error) => break BodyEnd::Damaged(damage_of(title, &error)),
        };
        size += count as u64;
        let received = received.load(std::sync::atomic::Ordering::Relaxed);
        if size > received.saturating_mul(MAX_EXPANSION as u64).max(FREE_EXPANSION_BYTES) {
            break BodyEnd::Damaged(format!(
                "the {title} data expands to more than {MAX_EXPANSION} times its size"
            ));
        }
        sink.write(&buffer[..count])?;
    };
    let trailing = decoder.trailing_bytes();
    remarks.extend((trailing > 0).then_some(BodyRemark::TrailingBytes(trailing)));
    Ok(StreamedBody { size, end, remarks })
}

/// Reader of the pieces of a body as they arrive.
struct PieceReader {
    pieces: mpsc::Receiver<Bytes>,
    piece: Bytes,
}

impl PieceReader {
    /// Returns the encoding that the body does not have, although the headers name it.
    fn missing_coding(&mut self, codings: &[ContentCoding]) -> Option<&'static str> {
        let coding = codings.last()?;
        let magic = coding.magic()?;
        while self.piece.len() < magic.len() {
            let Some(next) = self.pieces.blocking_recv() else { break };
            self.piece = [&self.piece[..], &next[..]].concat().into();
        }
        (!self.piece.is_empty() && !self.piece.starts_with(magic)).then(|| coding.title())
    }
}

impl Read for PieceReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            let Some(next) = self.pieces.blocking_recv() else { return Ok(0) };
            self.piece = next;
        }
        let count = self.piece.len().min(buffer.len());
        buffer[..count].copy_from_slice(&self.piece.split_to(count));
        Ok(count)
    }
}

/// Reader that counts the bytes that were read.
struct CountingReader<R> {
    inner: R,
    count: Arc<std::sync::atomic::AtomicU64>,
}

impl<R> CountingReader<R> {
    fn new(inner: R) -> Self {
        Self { inner, count: Arc::default() }
    }
}

impl<R: Read> Read for CountingReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.count.fetch_add(count as u64, std::sync::atomic::Ordering::Relaxed);
        Ok(count)
    }
}

fn exiting() -> NetError {
    NetError::InvalidRequest("the program is exiting".to_owned())
}

fn not_written(error: &io::Error) -> NetError {
    NetError::BodyNotWritten(error.to_string())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::net::content_decoding::samples::{BOMB_BYTES, bomb};

    /// Receiver that counts.
    #[derive(Default)]
    struct CountingSink(AtomicUsize);

    impl BodySink for CountingSink {
        fn begin(
            &self,
            _: &ApiResponse,
            _: Option<u64>,
            _: &Arc<SecretRedactor>,
        ) -> io::Result<bool> {
            Ok(true)
        }

        fn write(&self, bytes: &[u8]) -> io::Result<()> {
            self.0.fetch_add(bytes.len(), Ordering::Relaxed);
            Ok(())
        }
    }

    #[test]
    fn a_bomb_ends_at_the_maximum_expansion() {
        for coding in ContentCoding::ALL {
            let (pieces, waiting) = mpsc::channel(MAX_WAITING_PIECES);
            pieces.try_send(Bytes::from(bomb(coding))).unwrap();
            drop(pieces);
            let sink = CountingSink::default();
            let streamed = pass_on(waiting, &BodyCodings::Known(vec![coding]), &sink).unwrap();
            let passed_on = sink.0.into_inner();
            assert!(
                matches!(&streamed.end, BodyEnd::Damaged(why) if why.contains("expands")),
                "{coding:?}: {:?} after {passed_on}",
                streamed.end
            );
            assert!(passed_on as u64 <= FREE_EXPANSION_BYTES && passed_on < BOMB_BYTES);
        }
    }
}
