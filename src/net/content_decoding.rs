//! Decoding of compressed bodies: gzip, deflate, brotli and zstd, also several after each other.
//!
//! Decoders are readers, so a limit on what they return bounds their work. How much may be read is
//! decided in [`super::body`]. Start at `ContentCoding::parse_list` and `open_decoder`.

use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::{DeflateDecoder, GzDecoder, ZlibDecoder};
use http::header::{CONTENT_ENCODING, HeaderMap};
use ruzstd::decoding::{FrameDecoder, StreamingDecoder};

/// Value of `Accept-Encoding`: the encodings that are decoded.
pub(super) const ACCEPTED_ENCODINGS: &str = "gzip, deflate, br, zstd";

/// First bytes of a gzip member.
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// First bytes of a zstd frame.
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Maximum window of a zstd frame: what RFC 9659 allows for HTTP.
const MAX_ZSTD_WINDOW_BYTES: u64 = 8 << 20;

/// Size of the buffers between decoders.
const BUFFER_BYTES: usize = 16 * 1024;

/// Encoding of a body that can be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ContentCoding {
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

/// Encodings of a body, in the order in which they were applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum BodyCodings {
    /// All can be decoded; an empty list is a body without encoding.
    Known(Vec<ContentCoding>),
    /// One of them is unknown, so the body stays as it is.
    Unknown(String),
}

/// Decoder of a body, and what it noticed.
pub(super) struct BodyDecoder {
    reader: Box<dyn BufRead + Send>,
    trailing_bytes: Arc<AtomicU64>,
}

/// Source of the compressed bytes.
type PartSource = Box<dyn BufRead + Send>;

/// Decoder of one part of a body.
enum PartReader {
    Gzip(GzDecoder<PartSource>),
    Zlib(ZlibDecoder<PartSource>),
    Deflate(DeflateDecoder<PartSource>),
    Brotli(Box<brotli_decompressor::Decompressor<PartSource>>),
    Zstd(Box<StreamingDecoder<PartSource, FrameDecoder>>),
}

/// Decoder of all parts of a body: the members of gzip, the frames of zstd.
struct MultipartDecoder {
    coding: ContentCoding,
    state: PartState,
    trailing_bytes: Arc<AtomicU64>,
}

enum PartState {
    /// Before the first part, or between two.
    Between {
        source: PartSource,
        is_first: bool,
    },
    Inside(PartReader),
    Done,
}

impl ContentCoding {
    /// All encodings.
    #[cfg(test)]
    pub(super) const ALL: [Self; 4] = [Self::Gzip, Self::Deflate, Self::Brotli, Self::Zstd];

    /// Parses a name, whatever its case and age.
    fn parse(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => Some(Self::Gzip),
            "deflate" => Some(Self::Deflate),
            "br" => Some(Self::Brotli),
            "zstd" => Some(Self::Zstd),
            _ => None,
        }
    }

    /// Returns the first bytes of every part, a member of gzip or a frame of zstd, if there are such.
    pub(super) const fn magic(self) -> Option<&'static [u8]> {
        match self {
            Self::Gzip => Some(&GZIP_MAGIC),
            Self::Zstd => Some(&ZSTD_MAGIC),
            Self::Deflate | Self::Brotli => None,
        }
    }

    /// Returns the name for the user.
    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            Self::Brotli => "brotli",
            Self::Zstd => "zstd",
        }
    }
}

impl BodyCodings {
    /// Returns the encodings that the headers name.
    pub(super) fn from_headers(headers: &HeaderMap) -> Self {
        let values = headers.get_all(CONTENT_ENCODING).into_iter();
        let values = values.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        let list = values.collect::<Vec<_>>().join(",");
        let names = list.split(',').map(str::trim);
        let names: Vec<_> = names
            .filter(|name| !name.is_empty() && !name.eq_ignore_ascii_case("identity"))
            .collect();
        match names.iter().map(|name| ContentCoding::parse(name).ok_or(*name)).collect() {
            Ok(known) => Self::Known(known),
            Err(unknown) => Self::Unknown(unknown.to_owned()),
        }
    }
}

impl BodyDecoder {
    /// Opens the decoder of a body; the encoding that was applied last is decoded first.
    pub(super) fn open(body: impl Read + Send + 'static, codings: &[ContentCoding]) -> Self {
        let trailing_bytes = Arc::new(AtomicU64::new(0));
        let mut reader: PartSource = Box::new(BufReader::with_capacity(BUFFER_BYTES, body));
        for coding in codings.iter().rev() {
            let decoder = MultipartDecoder {
                coding: *coding,
                state: PartState::Between { source: reader, is_first: true },
                trailing_bytes: Arc::clone(&trailing_bytes),
            };
            reader = Box::new(BufReader::with_capacity(BUFFER_BYTES, decoder));
        }
        Self { reader, trailing_bytes }
    }

    /// Returns the number of bytes after the compressed data; zeros are padding and do not count.
    pub(super) fn trailing_bytes(&self) -> u64 {
        self.trailing_bytes.load(Ordering::Relaxed)
    }
}

impl Read for BodyDecoder {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buffer)
    }
}

impl MultipartDecoder {
    /// Opens the next part; returns whether there is one.
    fn open_next(&mut self) -> io::Result<bool> {
        let PartState::Between { mut source, is_first } =
            std::mem::replace(&mut self.state, PartState::Done)
        else {
            return Ok(false);
        };
        if is_first && source.fill_buf()?.is_empty() {
            return Ok(false);
        }
        let mut source = PeekedSource::new(source)?;
        if !is_first && !self.coding.magic().is_some_and(|magic| source.head.starts_with(magic)) {
            self.trailing_bytes.fetch_add(count_bytes(&mut source)?, Ordering::Relaxed);
            return Ok(false);
        }
        self.state = PartState::Inside(PartReader::open(self.coding, Box::new(source))?);
        Ok(true)
    }
}

impl Read for MultipartDecoder {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if let PartState::Inside(part) = &mut self.state {
                let count = part.read(buffer)?;
                if count > 0 || buffer.is_empty() {
                    return Ok(count);
                }
                if let PartState::Inside(part) = std::mem::replace(&mut self.state, PartState::Done)
                {
                    self.state = PartState::Between { source: part.into_source(), is_first: false };
                }
            }
            if !self.open_next()? {
                return Ok(0);
            }
        }
    }
}

/// Source whose first bytes are known.
struct PeekedSource {
    head: Vec<u8>,
    used: usize,
    source: PartSource,
}

impl PeekedSource {
    fn new(mut source: PartSource) -> io::Result<Self> {
        let mut head = Vec::new();
        source.by_ref().take(ZSTD_MAGIC.len() as u64).read_to_end(&mut head)?;
        Ok(Self { head, used: 0, source })
    }
}

impl Read for PeekedSource {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let count = available.len().min(buffer.len());
        buffer[..count].copy_from_slice(&available[..count]);
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for PeekedSource {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.used < self.head.len() {
            Ok(&self.head[self.used..])
        } else {
            self.source.fill_buf()
        }
    }

    fn consume(&mut self, count: usize) {
        if self.used < self.head.len() { self.used += count } else { self.source.consume(count) }
    }
}

/// Counts the bytes to the end, from the first that is not zero.
fn count_bytes(source: &mut impl BufRead) -> io::Result<u64> {
    let mut count = 0;
    loop {
        let bytes = source.fill_buf()?;
        if bytes.is_empty() {
            return Ok(count);
        }
        let is_padding = count == 0 && bytes.iter().all(|byte| *byte == 0);
        let length = bytes.len();
        count += if is_padding { 0 } else { length as u64 };
        source.consume(length);
    }
}

impl PartReader {
    /// Opens a part. Deflate data has the header of zlib as the standard says, or none as some
    /// servers send it.
    fn open(coding: ContentCoding, mut source: PartSource) -> io::Result<Self> {
        Ok(match coding {
            ContentCoding::Gzip => Self::Gzip(GzDecoder::new(source)),
            ContentCoding::Deflate if has_zlib_header(source.fill_buf()?) => {
                Self::Zlib(ZlibDecoder::new(source))
            }
            ContentCoding::Deflate => Self::Deflate(DeflateDecoder::new(source)),
            ContentCoding::Brotli => {
                Self::Brotli(Box::new(brotli_decompressor::Decompressor::new(source, BUFFER_BYTES)))
            }
            ContentCoding::Zstd => {
                let decoder =
                    StreamingDecoder::new_with_max_window_size(source, MAX_ZSTD_WINDOW_BYTES);
                Self::Zstd(Box::new(decoder.map_err(io::Error::other)?))
            }
        })
    }

    fn into_source(self) -> PartSource {
        match self {
            Self::Gzip(decoder) => decoder.into_inner(),
            Self::Zlib(decoder) => decoder.into_inner(),
            Self::Deflate(decoder) => decoder.into_inner(),
            Self::Brotli(decoder) => decoder.into_inner(),
            Self::Zstd(decoder) => decoder.into_inner(),
        }
    }
}

impl Read for PartReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Gzip(decoder) => decoder.read(buffer),
            Self::Zlib(decoder) => decoder.read(buffer),
            Self::Deflate(decoder) => decoder.read(buffer),
            Self::Brotli(decoder) => decoder.read(buffer),
            Self::Zstd(decoder) => decoder.read(buffer),
        }
    }
}

fn has_zlib_header(head: &[u8]) -> bool {
    matches!(head, [first, second, ..] if first & 0x0f == 8 && u16::from_be_bytes([*first, *second]) % 31 == 0)
}

/// Compressed zeros, for tests of the limits.
#[cfg(test)]
pub(super) mod samples {
    use std::io::Write as _;

    use super::ContentCoding;

    /// Number of bytes that a bomb expands to.
    pub(in crate::net) const BOMB_BYTES: usize = 80 << 20;

    /// [`BOMB_BYTES`] zeros, compressed with brotli 1.1 at quality 11.
    const BROTLI_BOMB: &str = "cbffff3ff82700e2b14020f7fe8fffff7ff04f00c4611180eefd1fffffffe09f0088c302\
        00ddfb3ffeffffc13f0110870500baf77ffcffff837f02200e0b0074effff8ffff07ff04401c1600e8defff1ffff\
        0ffe0980382c00d0bdffe3ffff1ffc1300715800a07bffc7ffff3ff82700e2b00040f7fe8fffff7ff04f00c46101\
        80eefddf";

    /// Returns [`BOMB_BYTES`] zeros, compressed.
    pub(in crate::net) fn bomb(coding: ContentCoding) -> Vec<u8> {
        let part = vec![0; BOMB_BYTES / 10];
        match coding {
            ContentCoding::Gzip => {
                let mut encoder =
                    flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
                encoder.write_all(&part).unwrap();
                encoder.finish().unwrap().repeat(10)
            }
            ContentCoding::Deflate => {
                let mut encoder =
                    flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
                (0..10).for_each(|_| encoder.write_all(&part).unwrap());
                encoder.finish().unwrap()
            }
            ContentCoding::Brotli => (0..BROTLI_BOMB.len() / 2)
                .map(|at| u8::from_str_radix(&BROTLI_BOMB[2 * at..2 * at + 2], 16).unwrap())
                .collect(),
            ContentCoding::Zstd => ruzstd::encoding::compress_to_vec(
                part.as_slice(),
                ruzstd::encoding::CompressionLevel::Fastest,
            )
            .repeat(10),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_decoded() {
        let asked: Vec<_> = ACCEPTED_ENCODINGS.split(", ").map(ContentCoding::parse).collect();
        assert_eq!(asked, ContentCoding::ALL.map(Some));
    }
}
