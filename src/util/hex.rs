//! Hexadecimal digits.

/// Returns lower-case hexadecimal digits.
pub fn to_hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from(b"0123456789abcdef"[usize::from(half)]);
    let mut digits = String::with_capacity(bytes.len() * 2);
    digits.extend(bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]));
    digits
}

/// Parses exactly `N` bytes of hexadecimal digits, in either case.
pub fn parse_hex<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    if digits.len() != N * 2 {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = parse_digit(pair[0])? << 4 | parse_digit(pair[1])?;
    }
    Some(bytes)
}

/// Parses the two digits of one byte.
pub fn parse_hex_byte(digits: &[u8]) -> Option<u8> {
    parse_hex(digits).map(|[byte]| byte)
}

fn parse_digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_lower_case_and_padded() {
        assert_eq!(to_hex(&[0, 0x0f, 0xff]), "000fff");
        assert_eq!(parse_hex(b"000fFf"), Some([0, 0x0f, 0xff]));
        assert_eq!(parse_hex_byte(b"a9"), Some(0xa9));
        for wrong in [&b"0"[..], b"0g", b"+1", b"0000", b""] {
            assert_eq!(parse_hex_byte(wrong), None, "{wrong:?}");
        }
    }
}
