//! Bodies of responses within bounds: the size of one, its expansion, and the sum of all that are
//! in flight.
//!
//! Start reading at [`read_body`]. What the bytes mean belongs to [`super::response`].

use std::io::{self, Cursor, Read};

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout_at};

use super::content_decoding::{BodyCodings, BodyDecoder, ContentCoding};
use super::error::describe_body_error;
use super::{NetError, RequestLimits};
use crate::domain::response::BodyRemark;
use crate::domain::text;

/// Size up to which a body takes only a small share of the budget.
const SMALL_BODY_BYTES: usize = 1 << 20;

/// Maximum number of bodies that are read at the same time.
const MAX_SMALL_BODIES: usize = 64;

/// Maximum number of bodies above [`SMALL_BODY_BYTES`] that are read at the same time.
const MAX_LARGE_BODIES: usize = 2;

/// Maximum size of a decompressed body above [`SMALL_BODY_BYTES`], in multiples of the bytes that
/// were received. Lists of JSON objects compress to a twentieth, a decompression bomb to a
/// thousandth.
pub(super) const MAX_EXPANSION: usize = 200;

/// Number of bytes that are decompressed at once.
const DECODED_PIECE_BYTES: usize = 16 * 1024;

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
    /// The bytes, decompressed where their encoding is known.
    pub(super) bytes: Vec<u8>,
    /// Where the body ended.
    pub(super) end: BodyEnd,
    /// What is remarkable about the bytes.
    pub(super) remarks: Vec<BodyRemark>,
    /// Shares of the budget.
    pub(super) shares: BudgetShares<'b>,
}

/// Where the reading of a body ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum BodyEnd {
    /// At its end.
    Complete,
    /// At a limit; the rest was not read.
    LimitReached,
    /// Before its end, for this reason.
    Cut(String),
    /// At data that cannot be decompressed, for this reason.
    Damaged(String),
}

/// Shares of the budget that one body occupies.
pub(super) struct BudgetShares<'b> {
    budget: &'b BodyBudget,
    _small: SemaphorePermit<'b>,
    large: Option<SemaphorePermit<'b>>,
}

impl Default for BodyBudget {
    fn default() -> Self {
        Self { small: Semaphore::new(MAX_SMALL_BODIES), large: Semaphore::new(MAX_LARGE_BODIES) }
    }
}

impl BodyBudget {
    /// Waits for a share of the budget for a small body.
    pub(super) async fn acquire(&self) -> Result<BudgetShares<'_>, NetError> {
        Ok(BudgetShares { budget: self, _small: acquire_share(&self.small).await?, large: None })
    }
}

impl BudgetShares<'_> {
    /// Waits for a share for a large body, if the body becomes one.
    async fn grow_to(&mut self, size: usize) -> Result<(), NetError> {
        if self.large.is_none() && size > SMALL_BODY_BYTES {
            self.large = Some(acquire_share(&self.budget.large).await?);
        }
        Ok(())
    }
}

/// Reads the body of a response up to its limits and until the deadline. The rest is never read, and
/// the connection closes.
pub(super) async fn read_body<'b>(
    response: &mut reqwest::Response,
    limits: RequestLimits,
    deadline: Instant,
    mut shares: BudgetShares<'b>,
) -> Result<ReceivedBody<'b>, NetError> {
    let limit = usize::try_from(limits.max_body_bytes).unwrap_or(usize::MAX);
    let codings = BodyCodings::from_headers(response.headers());
    let (received, end) = receive(response, limits, deadline, &mut shares).await?;
    match codings {
        BodyCodings::Known(codings) if !codings.is_empty() => {
            decode_received(received, end, &codings, limit, shares).await
        }
        BodyCodings::Known(_) => {
            Ok(ReceivedBody { bytes: received, end, remarks: Vec::new(), shares })
        }
        BodyCodings::Unknown(name) => {
            let remarks = if received.is_empty() {
                Vec::new()
            } else {
                vec![BodyRemark::UnknownEncoding(text::sanitize_line(&name))]
            };
            Ok(ReceivedBody { bytes: received, end, remarks, shares })
        }
    }
}

/// Receives the bytes of a body as they are sent.
async fn receive(
    response: &mut reqwest::Response,
    limits: RequestLimits,
    deadline: Instant,
    shares: &mut BudgetShares<'_>,
) -> Result<(Vec<u8>, BodyEnd), NetError> {
    let limit = usize::try_from(limits.max_body_bytes).unwrap_or(usize::MAX);
    let announced = response.content_length();
    let reserved = announced.and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
    let mut bytes: Vec<u8> = Vec::with_capacity(reserved.min(limit).min(MAX_RESERVED_BYTES));
    loop {
        let chunk = match timeout_at(deadline, response.chunk()).await {
            Ok(Ok(Some(chunk))) => chunk,
            Ok(Ok(None)) => return Ok((bytes, BodyEnd::Complete)),
            Ok(Err(error)) => {
                let cause = describe_body_error(error, bytes.len() as u64, announced);
                return Ok((bytes, BodyEnd::Cut(cause)));
            }
            Err(_) => {
                let cause =
                    format!("it was not complete within {} s", limits.total_timeout.as_secs_f32());
                return Ok((bytes, BodyEnd::Cut(cause)));
            }
        };
        let room = limit - bytes.len();
        shares.grow_to(bytes.len() + chunk.len().min(room)).await?;
        bytes.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if chunk.len() > room {
            return Ok((bytes, BodyEnd::LimitReached));
        }
    }
}

/// Decompresses a body that was received. The bytes of a body that is not compressed, although it
/// says so, stay as they are.
async fn decode_received<'b>(
    received: Vec<u8>,
    end: BodyEnd,
    codings: &[ContentCoding],
    limit: usize,
    mut shares: BudgetShares<'b>,
) -> Result<ReceivedBody<'b>, NetError> {
    // The window of other encodings than gzip alone can be larger than a small body.
    if codings.iter().any(|coding| *coding != ContentCoding::Gzip) {
        shares.grow_to(usize::MAX).await?;
    }
    let limit = limit.min(received.len().saturating_mul(MAX_EXPANSION).max(SMALL_BODY_BYTES));
    let received = bytes::Bytes::from(received);
    let mut decoder = BodyDecoder::open(Cursor::new(received.clone()), codings);
    let (mut bytes, mut piece) = (Vec::new(), vec![0; DECODED_PIECE_BYTES]);
    let title = codings.last().map_or("", |coding| coding.title());
    let end = loop {
        let count = match decoder.read(&mut piece) {
            Ok(0) => break end,
            Ok(count) => count,
            Err(error) => match (&end, cause_of_bad_data(&error, title)) {
                (BodyEnd::Complete, None) if bytes.is_empty() && is_plain(codings, &received) => {
                    let remarks = vec![BodyRemark::NotEncoded(title.to_owned())];
                    return Ok(ReceivedBody { bytes: received.into(), end, remarks, shares });
                }
                (BodyEnd::Complete, Some(cause)) => break BodyEnd::Cut(cause),
                (BodyEnd::Complete, None) => break BodyEnd::Damaged(damage_of(title, &error)),
                _ => break end,
            },
        };
        let room = limit - bytes.len();
        shares.grow_to(bytes.len() + count.min(room)).await?;
        bytes.extend_from_slice(&piece[..count.min(room)]);
        if count > room {
            break BodyEnd::LimitReached;
        }
    };
    let trailing = decoder.trailing_bytes();
    let remarks = (trailing > 0).then_some(BodyRemark::TrailingBytes(trailing));
    Ok(ReceivedBody { bytes, end, remarks: remarks.into_iter().collect(), shares })
}

/// Returns why compressed data that ends too early is bad; `None` where it is damaged, or where it
/// is no compressed data at all.
fn cause_of_bad_data(error: &io::Error, title: &str) -> Option<String> {
    ends_early(error).then(|| format!("the {title} data ends too early"))
}

/// Whether a decoder failed because there were no more bytes.
pub(super) fn ends_early(error: &io::Error) -> bool {
    let is_end = |cause: &(dyn std::error::Error + 'static)| {
        let cause = cause.downcast_ref::<io::Error>();
        cause.is_some_and(|cause| cause.kind() == io::ErrorKind::UnexpectedEof)
    };
    let inner = error.get_ref().map(|inner| inner as &(dyn std::error::Error + 'static));
    error.kind() == io::ErrorKind::UnexpectedEof
        || std::iter::successors(inner, |cause| cause.source()).any(is_end)
}

/// Whether bytes were not compressed at all, although their header says so.
fn is_plain(codings: &[ContentCoding], received: &[u8]) -> bool {
    match codings.last().and_then(|coding| coding.magic()) {
        Some(magic) => !received.starts_with(magic),
        None => std::str::from_utf8(received).is_ok(),
    }
}

/// Describes damaged data.
pub(super) fn damage_of(title: &str, error: &io::Error) -> String {
    format!("the {title} data is damaged ({})", text::sanitize_line(&error.to_string()))
}

async fn acquire_share(shares: &Semaphore) -> Result<SemaphorePermit<'_>, NetError> {
    shares
        .acquire()
        .await
        .map_err(|_| NetError::InvalidRequest("the program is exiting".to_owned()))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::net::content_decoding::samples::bomb;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zlib(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn deflate(bytes: &[u8]) -> Vec<u8> {
        let mut encoder =
            flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
    }

    /// The text "brotli text, brotli text, brotli text", compressed by Node's zlib.
    const BROTLI: [u8; 27] = [
        0x1b, 0x24, 0x00, 0xf8, 0x05, 0x74, 0x63, 0xa9, 0x9e, 0xfe, 0x9a, 0x0e, 0x06, 0x41, 0x10,
        0x64, 0xc1, 0x20, 0x2a, 0x1a, 0x58, 0xb9, 0x65, 0x5a, 0xd4, 0x63, 0x01,
    ];

    /// Decodes a body that was received whole.
    async fn decode(
        codings: &[ContentCoding],
        body: &[u8],
        limit: usize,
    ) -> (Vec<u8>, BodyEnd, Vec<BodyRemark>) {
        let budget = BodyBudget::default();
        let shares = budget.acquire().await.unwrap();
        let read = decode_received(body.to_vec(), BodyEnd::Complete, codings, limit, shares);
        let ReceivedBody { bytes, end, remarks, .. } = read.await.unwrap();
        (bytes, end, remarks)
    }

    #[tokio::test]
    async fn every_encoding_is_decoded_up_to_the_limit() {
        let body: Vec<u8> = (0_u32..50_000).flat_map(u32::to_le_bytes).collect();
        for (codings, sent) in [
            (&[ContentCoding::Gzip][..], gzip(&body)),
            (&[ContentCoding::Gzip], [gzip(&body[..9]), gzip(&[]), gzip(&body[9..])].concat()),
            (&[ContentCoding::Deflate], zlib(&body)),
            (&[ContentCoding::Deflate], deflate(&body)),
            (&[ContentCoding::Zstd], zstd(&body)),
            (&[ContentCoding::Zstd], [zstd(&body[..9]), zstd(&body[9..])].concat()),
            (&[ContentCoding::Deflate, ContentCoding::Gzip], gzip(&zlib(&body))),
        ] {
            let whole = decode(codings, &sent, body.len()).await;
            assert!(whole == (body.clone(), BodyEnd::Complete, Vec::new()), "{codings:?}");
            let (start, end, _) = decode(codings, &sent, body.len() - 1).await;
            assert!(start == body[..body.len() - 1] && end == BodyEnd::LimitReached, "{codings:?}");
            let (start, end, _) = decode(codings, &sent[..sent.len() / 2], body.len()).await;
            assert!(
                body.starts_with(&start) && matches!(end, BodyEnd::Cut(_) | BodyEnd::Damaged(_)),
                "{codings:?}: {end:?}"
            );
        }
        assert_eq!(decode(&[ContentCoding::Gzip], b"", 10).await.1, BodyEnd::Complete);
        let (text, end, _) = decode(&[ContentCoding::Brotli], &BROTLI, 100).await;
        assert_eq!(
            (text.as_slice(), end),
            (&b"brotli text, brotli text, brotli text"[..], BodyEnd::Complete)
        );
        let (start, end, _) = decode(&[ContentCoding::Brotli], &BROTLI[..20], 100).await;
        assert!(
            b"brotli text, ".starts_with(&start[..start.len().min(13)]) && end != BodyEnd::Complete,
            "{end:?}"
        );
    }

    #[tokio::test]
    async fn what_follows_the_compressed_data_is_counted_and_padding_is_not() {
        for (after, remarks) in [
            (&b"rest"[..], vec![BodyRemark::TrailingBytes(4)]),
            (&[0; 512], Vec::new()),
            (b"\x1f", vec![BodyRemark::TrailingBytes(1)]),
        ] {
            let sent = [&gzip(b"text"), after].concat();
            let (bytes, end, told) = decode(&[ContentCoding::Gzip], &sent, 100).await;
            assert_eq!((bytes.as_slice(), end, told), (&b"text"[..], BodyEnd::Complete, remarks));
        }
    }

    #[tokio::test]
    async fn what_is_not_compressed_stays_as_it_is() {
        for coding in [ContentCoding::Gzip, ContentCoding::Zstd, ContentCoding::Brotli] {
            let (bytes, end, told) = decode(&[coding], b"{\"plain\": true}", 100).await;
            assert_eq!((bytes.as_slice(), end), (&b"{\"plain\": true}"[..], BodyEnd::Complete));
            assert_eq!(told, [BodyRemark::NotEncoded(coding.title().to_owned())]);
        }
    }

    #[tokio::test]
    async fn damaged_data_is_shown_up_to_the_damage() {
        let mut sent = gzip(b"text");
        let checksum = sent.len() - 8;
        sent[checksum] ^= 1;
        let (bytes, end, _) = decode(&[ContentCoding::Gzip], &sent, 100).await;
        assert!(
            bytes == b"text" && matches!(&end, BodyEnd::Damaged(why) if why.contains("gzip")),
            "{end:?}"
        );
    }

    #[tokio::test]
    async fn a_bomb_ends_at_the_maximum_expansion() {
        for coding in ContentCoding::ALL {
            let sent = bomb(coding);
            let (body, end, _) = decode(&[coding], &sent, 64 << 20).await;
            let most = (sent.len() * MAX_EXPANSION).max(SMALL_BODY_BYTES);
            assert!(
                end == BodyEnd::LimitReached && body.len() <= most,
                "{coding:?}: {}",
                body.len()
            );
        }
        let small = gzip(&vec![0; SMALL_BODY_BYTES]);
        let (small, end, _) = decode(&[ContentCoding::Gzip], &small, 64 << 20).await;
        assert_eq!(
            (small.len(), end),
            (SMALL_BODY_BYTES, BodyEnd::Complete),
            "a small one is whole"
        );
    }

    #[tokio::test]
    async fn the_budget_is_given_back() {
        let budget = BodyBudget::default();
        let (mut held, mut other) =
            (budget.acquire().await.unwrap(), budget.acquire().await.unwrap());
        held.grow_to(SMALL_BODY_BYTES).await.unwrap();
        assert_eq!(budget.large.available_permits(), MAX_LARGE_BODIES, "a small body");
        held.grow_to(SMALL_BODY_BYTES + 1).await.unwrap();
        other.grow_to(usize::MAX).await.unwrap();
        assert!(budget.large.try_acquire().is_err());
        drop((held, other));
        assert_eq!(budget.large.available_permits(), MAX_LARGE_BODIES);
    }
}
