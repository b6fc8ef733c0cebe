//! Removal of new secrets from a body that arrives in pieces, in UTF-8 or UTF-16.
//!
//! The scanner of [`super::json_members`] reads bytes of ASCII and passes all others on. A unit of
//! UTF-16 is given to it as the bytes that UTF-8 has for its number, even if it is half of a
//! surrogate pair, so that every body comes out as it went in. Start at [`MemberStream`].

use super::json_members::MemberScanner;
use crate::domain::Secret;
use crate::domain::response::Utf16ByteOrder;

/// Scanner that replaces the string values of the named members in a text that arrives in pieces.
pub struct MemberStream {
    scanner: MemberScanner,
    wide: Option<Utf16Decoder>,
}

/// Splits the pieces of a body into UTF-16 code units.
struct Utf16Decoder {
    order: Utf16ByteOrder,
    /// First byte of a unit whose second byte has not arrived.
    half: Option<u8>,
}

impl MemberStream {
    /// Creates a stream; `order` is the order of the bytes of a text in UTF-16.
    pub fn new(members: Vec<String>, order: Option<Utf16ByteOrder>) -> Self {
        let wide = order.map(|order| Utf16Decoder { order, half: None });
        Self { scanner: MemberScanner::new(members), wide }
    }

    /// Adds a piece and returns what may be shown of it.
    pub fn push(&mut self, piece: &[u8]) -> Vec<u8> {
        let mut shown = Vec::with_capacity(piece.len());
        match &mut self.wide {
            None => self.scanner.push(piece, &mut shown),
            Some(wide) => {
                self.scanner.push(&wide.narrow(piece), &mut shown);
                shown = wide.widen(&shown);
            }
        }
        shown
    }

    /// Whether a secret was taken out.
    pub fn has_captured(&self) -> bool {
        self.scanner.has_captured()
    }

    /// Ends the stream. Returns what was held back, and the secrets with the names of their members.
    pub fn finish(self) -> (Vec<u8>, Vec<(String, Secret)>) {
        let mut shown = Vec::new();
        let secrets = self.scanner.finish(&mut shown);
        if let Some(wide) = self.wide {
            shown = wide.widen(&shown);
            shown.extend(wide.half);
        }
        (shown, secrets)
    }
}

impl Utf16Decoder {
    /// Returns the units of a piece, each in the form of UTF-8.
    fn narrow(&mut self, piece: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(piece.len());
        let mut rest = piece;
        if let (Some(first), [second, after @ ..]) = (self.half, rest) {
            (self.half, rest) = (None, after);
            write_unit(self.order.unit([first, *second]), &mut bytes);
        }
        let pairs = rest.chunks_exact(2);
        self.half = self.half.or(pairs.remainder().first().copied());
        for pair in pairs {
            write_unit(self.order.unit([pair[0], pair[1]]), &mut bytes);
        }
        bytes
    }

    /// Returns the bytes of UTF-16 for whole units in the form of UTF-8.
    fn widen(&self, bytes: &[u8]) -> Vec<u8> {
        let mut wide = Vec::with_capacity(bytes.len() * 2);
        let mut rest = bytes;
        loop {
            let low = |byte: u8| u16::from(byte & 0x3f);
            let (unit, after) = match *rest {
                [] => return wide,
                [a @ 0xe0..=0xef, b, c, ref after @ ..] => {
                    (u16::from(a & 0x0f) << 12 | low(b) << 6 | low(c), after)
                }
                [a @ 0xc0..=0xdf, b, ref after @ ..] => (u16::from(a & 0x1f) << 6 | low(b), after),
                [a, ref after @ ..] => (u16::from(a), after),
            };
            wide.extend(self.order.bytes(unit));
            rest = after;
        }
    }
}

/// Adds a unit of UTF-16 in the form of UTF-8, also half of a surrogate pair.
fn write_unit(unit: u16, bytes: &mut Vec<u8>) {
    let [high, low] = unit.to_be_bytes();
    let middle = high << 2 | low >> 6;
    match unit {
        0..0x80 => bytes.push(low),
        0x80..0x800 => bytes.extend([0xc0 | middle, 0x80 | low & 0x3f]),
        _ => bytes.extend([0xe0 | high >> 4, 0x80 | middle & 0x3f, 0x80 | low & 0x3f]),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::redact::MASK;
    use crate::domain::response::ResponseBody;

    fn wide(text: &str, big: bool) -> Vec<u8> {
        let units = text.encode_utf16();
        units.flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
    }

    fn order(big: bool) -> Option<Utf16ByteOrder> {
        let charset = if big { "utf-16be" } else { "utf-16le" };
        ResponseBody::new(b"a".to_vec(), Some(&format!("text/plain; charset={charset}")))
            .wide_order()
    }

    fn captured(
        bytes: &[u8],
        size: usize,
        order: Option<Utf16ByteOrder>,
    ) -> (Vec<u8>, Vec<String>) {
        let mut stream = MemberStream::new(vec!["key".to_owned()], order);
        let mut shown: Vec<u8> = bytes.chunks(size).flat_map(|piece| stream.push(piece)).collect();
        let (rest, secrets) = stream.finish();
        shown.extend(rest);
        let text = |(_, secret): &(String, Secret)| {
            secret.expose(|bytes| String::from_utf8(bytes.to_vec()).unwrap())
        };
        (shown, secrets.iter().map(text).collect())
    }

    #[test]
    fn a_secret_in_utf_16_is_taken_out_across_pieces() {
        let json = |secret: &str| format!("{{\"ü😀\":\"é\",\r\n \"key\" : \"{secret}\", \"z\":1}}");
        for big in [false, true] {
            let sent = wide(&json("a\\\"ö"), big);
            for size in 1..sent.len() {
                let (shown, secrets) = captured(&sent, size, order(big));
                assert_eq!((shown, secrets), (wide(&json(MASK), big), vec!["a\"ö".to_owned()]));
            }
        }
    }

    proptest! {
        #[test]
        fn all_other_bytes_stay(bytes in proptest::collection::vec(any::<u8>(), 0..60), size in 1_usize..9, big: bool) {
            prop_assert_eq!(captured(&bytes, size, order(big)).0, bytes);
        }
    }
}
