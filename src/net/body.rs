//! Bodies of responses within bounds: the size of one, its expansion, and the sum of all that are
//! in flight.
//!
//! Start reading at [`read_body`]. What the bytes mean belongs to [`super::response`].

use std::io::{self, Write};

use flate2::write::MultiGzDecoder;
use http::header::{CONTENT_ENCODING, HeaderMap};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::{NetError, RequestLimits};

/// Size up to which a body takes only a small share of the budget.
const SMALL_BODY_BYTES: usize = 1 << 20;

/// Maximum number of bodies that are read at the same time.
const MAX_SMALL_BODIES: usize = 64;

/// Maximum number of bodies above [`SMALL_BODY_BYTES`] that are read at the same time.
const MAX_LARGE_BODIES: usize = 2;

/// Maximum size of a decompressed body above [`SMALL_BODY_BYTES`], in multiples of the bytes that
/// were received. Lists of JSON objects compress to a twentieth, a decompression bomb to a
/// thousandth.
const MAX_EXPANSION: usize = 200;

/// Number of compressed bytes that are decompressed before the budget is checked again.
const COMPRESSED_PIECE_BYTES: usize = 256;

/// Maximum number of bytes that one compressed byte can stand for in the deflate format.
const MAX_DEFLATE_RATIO: usize = 1032;

/// Capacity that is reserved for a body of an announced size.
const MAX_RESERVED_BYTES: usize = 256 * 1024;

/// Budget for all bodies that one client is reading: 64 bodies of up to 1 MiB, of which two may
/// grow to the limit of their request. A body waits for its share before it is read, so the sum of
/// all bodies is bounded, whatever the servers send.
pub(super) struct BodyBudget {
    small: Semaphore,
    large: Semaphore,
}

/// Body that was read. It occupies its shares of the budget until they are dropped.
pub(super) struct ReceivedBody<'b> {
    /// The decompressed bytes.
    pub(super) bytes: Vec<u8>,
    /// Whether the body exceeded a limit, so that `bytes` holds only its start.
    pub(super) truncated: bool,
    /// Shares of the budget.
    pub(super) shares: BudgetShares<'b>,
}

/// Shares of the budget that one body occupies.
pub(super) struct BudgetShares<'b> {
    _small: SemaphorePermit<'b>,
    _large: Option<SemaphorePermit<'b>>,
}

/// Decoder that writes into a bounded buffer.
enum BodyDecoder {
    Identity(BoundedBuffer),
    Gzip(Box<MultiGzDecoder<BoundedBuffer>>),
}

/// Buffer that accepts bytes up to a limit.
#[derive(Default)]
struct BoundedBuffer {
    bytes: Vec<u8>,
    limit: usize,
    exceeded: bool,
}

impl Default for BodyBudget {
    fn default() -> Self {
        Self { small: Semaphore::new(MAX_SMALL_BODIES), large: Semaphore::new(MAX_LARGE_BODIES) }
    }
}

/// Reads the body of a response up to its limits. The rest is never read, and the connection
/// closes.
pub(super) async fn read_body<'b>(
    response: &mut reqwest::Response,
    limits: RequestLimits,
    budget: &'b BodyBudget,
) -> Result<ReceivedBody<'b>, NetError> {
    let host = response.url().host_str().unwrap_or_default().to_owned();
    let limit = usize::try_from(limits.max_body_bytes).unwrap_or(usize::MAX);
    let (small, mut large) = (acquire_share(&budget.small).await?, None);
    let announced = response.content_length().and_then(|length| usize::try_from(length).ok());
    let reserved = announced.unwrap_or(0).min(limit).min(MAX_RESERVED_BYTES);
    let mut decoder = BodyDecoder::new(is_gzip(response.headers()), reserved);
    let mut received = 0;
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| NetError::from_reqwest(error, &host, limits.connect_timeout))?
    {
        for piece in chunk.chunks(decoder.piece_bytes()) {
            received += piece.len();
            if large.is_none() && limit.min(decoder.size_after(piece)) > SMALL_BODY_BYTES {
                large = Some(acquire_share(&budget.large).await?);
            }
            decoder.write(piece, limit, received).map_err(|error| invalid_body(&host, &error))?;
        }
        if decoder.buffer().exceeded {
            break;
        }
    }
    let (bytes, truncated) =
        decoder.finish(received).map_err(|error| invalid_body(&host, &error))?;
    Ok(ReceivedBody { bytes, truncated, shares: BudgetShares { _small: small, _large: large } })
}

/// Whether a body has to be decompressed.
pub(super) fn is_gzip(headers: &HeaderMap) -> bool {
    let encoding = headers.get(CONTENT_ENCODING).and_then(|value| value.to_str().ok());
    encoding.is_some_and(|encoding| encoding.trim().eq_ignore_ascii_case("gzip"))
}

async fn acquire_share(shares: &Semaphore) -> Result<SemaphorePermit<'_>, NetError> {
    shares
        .acquire()
        .await
        .map_err(|_| NetError::InvalidRequest("the program is exiting".to_owned()))
}

fn invalid_body(host: &str, error: &io::Error) -> NetError {
    NetError::ConnectionLost {
        host: host.to_owned(),
        why: format!("the compressed body is invalid: {error}"),
    }
}

impl BodyDecoder {
    fn new(gzip: bool, reserved: usize) -> Self {
        let buffer =
            BoundedBuffer { bytes: Vec::with_capacity(reserved), ..BoundedBuffer::default() };
        if gzip {
            Self::Gzip(Box::new(MultiGzDecoder::new(buffer)))
        } else {
            Self::Identity(buffer)
        }
    }

    fn buffer(&self) -> &BoundedBuffer {
        match self {
            Self::Identity(buffer) => buffer,
            Self::Gzip(decoder) => decoder.get_ref(),
        }
    }

    fn piece_bytes(&self) -> usize {
        if matches!(self, Self::Gzip(_)) { COMPRESSED_PIECE_BYTES } else { usize::MAX }
    }

    /// Returns the largest size that the body can have after this piece.
    fn size_after(&self, piece: &[u8]) -> usize {
        let ratio = if matches!(self, Self::Gzip(_)) { MAX_DEFLATE_RATIO } else { 1 };
        self.buffer().bytes.len() + piece.len() * ratio
    }

    /// Adds a piece of the body; `received` is the number of bytes received including it. Once the
    /// limit is exceeded, further pieces are dropped.
    fn write(&mut self, piece: &[u8], limit: usize, received: usize) -> io::Result<()> {
        if self.buffer().exceeded {
            return Ok(());
        }
        let outcome = match self {
            Self::Identity(buffer) => {
                buffer.limit = limit;
                buffer.write_all(piece)
            }
            Self::Gzip(decoder) => {
                let expanded = received.saturating_mul(MAX_EXPANSION);
                decoder.get_mut().limit = limit.min(expanded.max(SMALL_BODY_BYTES));
                decoder.write_all(piece)
            }
        };
        if self.buffer().exceeded { Ok(()) } else { outcome }
    }

    /// Returns the body and whether it was truncated.
    fn finish(self, received: usize) -> io::Result<(Vec<u8>, bool)> {
        let mut buffer = match self {
            Self::Identity(buffer) => buffer,
            Self::Gzip(mut decoder) => {
                if received > 0 && !decoder.get_ref().exceeded {
                    let outcome = decoder.try_finish();
                    if !decoder.get_ref().exceeded {
                        outcome?;
                    }
                }
                std::mem::take(decoder.get_mut())
            }
        };
        Ok((std::mem::take(&mut buffer.bytes), buffer.exceeded))
    }
}

impl Write for BoundedBuffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = self.limit.saturating_sub(self.bytes.len());
        self.bytes.extend_from_slice(&bytes[..bytes.len().min(room)]);
        if bytes.len() > room {
            self.exceeded = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// Decodes a body that arrives in pieces.
    fn decode(gzipped: bool, body: &[u8], limit: usize) -> io::Result<(Vec<u8>, bool)> {
        let (mut decoder, mut received) = (BodyDecoder::new(gzipped, 0), 0);
        for piece in body.chunks(decoder.piece_bytes().min(1000)) {
            received += piece.len();
            decoder.write(piece, limit, received)?;
        }
        decoder.finish(received)
    }

    #[test]
    fn a_body_ends_at_its_limit_compressed_or_not() {
        let body: Vec<u8> = (0_u32..50_000).flat_map(u32::to_le_bytes).collect();
        for (gzipped, sent) in [(false, body.clone()), (true, gzip(&body))] {
            let whole = decode(gzipped, &sent, body.len()).unwrap();
            assert_eq!(whole, (body.clone(), false), "gzip: {gzipped}");
            let start = decode(gzipped, &sent, body.len() - 1).unwrap();
            assert_eq!(start, (body[..body.len() - 1].to_vec(), true), "gzip: {gzipped}");
        }
        assert_eq!(decode(true, b"", 10).unwrap(), (Vec::new(), false));
        assert!(decode(true, &gzip(b"text")[..15], 10).is_err(), "it ends too early");
    }

    #[test]
    fn a_bomb_ends_at_the_maximum_expansion() {
        let sent = gzip(&vec![0; 50 << 20]);
        let (body, truncated) = decode(true, &sent, 64 << 20).unwrap();
        assert!(truncated && body.len() <= sent.len() * MAX_EXPANSION, "{}", body.len());
        let (small, truncated) = decode(true, &gzip(&vec![0; SMALL_BODY_BYTES]), 64 << 20).unwrap();
        assert_eq!((small.len(), truncated), (SMALL_BODY_BYTES, false), "a small one is whole");
    }

    #[tokio::test]
    async fn the_budget_is_given_back() {
        let budget = BodyBudget::default();
        let held = acquire_share(&budget.large).await.unwrap();
        let other = acquire_share(&budget.large).await.unwrap();
        assert!(budget.large.try_acquire().is_err());
        drop((held, other));
        assert_eq!(budget.large.available_permits(), MAX_LARGE_BODIES);
    }
}
