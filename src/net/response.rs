//! Cleaning of responses: text without control characters and secrets, with times.
//!
//! Start reading at [`clean_response`]. Reading of the body belongs to [`super::body`].

use std::time::Instant;

use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};

use super::NetError;
use super::body::{ReceivedBody, is_gzip};
use crate::domain::redact::SecretRedactor;
use crate::domain::response::{ApiResponse, ResponseBody};
use crate::domain::text;
use crate::domain::timing::{ConnectionOrigin, RequestTiming};

/// Bodies above this size are cleaned on another thread, so that one large response does not delay
/// a thousand checks.
const MAX_INLINE_BODY_BYTES: usize = 256 * 1024;

/// Times that are known when the head of the response arrives.
pub(super) struct ResponseClock {
    started: Instant,
    first_byte_ms: u64,
    connection: ConnectionOrigin,
}

/// Body after cleaning.
struct CleanedBody {
    body: ResponseBody,
    /// Whether the cleaned text would be longer than the bytes, so that it holds only their start.
    truncated: bool,
}

impl ResponseClock {
    /// Returns the times of a request that was started at `started` and whose head has just
    /// arrived.
    pub(super) fn at_first_byte(started: Instant, connection: ConnectionOrigin) -> Self {
        Self { started, first_byte_ms: elapsed_ms(started), connection }
    }
}

/// Cleans a response whose body was read. The sent secrets are redacted, in case the server echoes
/// them.
pub(super) async fn clean_response(
    response: &reqwest::Response,
    received: ReceivedBody<'_>,
    clock: ResponseClock,
    redactor: SecretRedactor,
) -> Result<ApiResponse, NetError> {
    let ReceivedBody { bytes, truncated, shares } = received;
    let (size, textual) = (bytes.len() as u64, is_textual(response.headers()));
    let headers = read_headers(response.headers(), &redactor);
    let url = redactor.redact_known(response.url().to_string());
    let cleaned = if bytes.len() > MAX_INLINE_BODY_BYTES {
        let cleaning = tokio::task::spawn_blocking(move || decode_body(bytes, textual, &redactor));
        cleaning.await.map_err(|_| NetError::InvalidRequest("the program is exiting".to_owned()))?
    } else {
        decode_body(bytes, textual, &redactor)
    };
    drop(shares);
    let ResponseClock { started, first_byte_ms, connection } = clock;
    Ok(ApiResponse {
        status: response.status().as_u16(),
        headers,
        body: cleaned.body,
        truncated: truncated || cleaned.truncated,
        timing: RequestTiming { connection, first_byte_ms, total_ms: elapsed_ms(started) },
        size,
        url,
        version: http_version_name(response.version()),
    })
}

/// Returns the headers of a response. Those that describe the compression no longer apply.
fn read_headers(headers: &HeaderMap, redactor: &SecretRedactor) -> Vec<(String, String)> {
    let value =
        |bytes: &[u8]| redactor.redact_known(text::sanitize_line(&String::from_utf8_lossy(bytes)));
    let decompressed = is_gzip(headers);
    headers
        .iter()
        .filter(|(name, _)| !(decompressed && [CONTENT_ENCODING, CONTENT_LENGTH].contains(name)))
        .map(|(name, bytes)| (name.as_str().to_owned(), value(bytes.as_bytes())))
        .collect()
}

/// Decodes a body. It is text if it is UTF-8, if its content type is text, or if it contains a sent
/// secret; otherwise it is binary.
fn decode_body(bytes: Vec<u8>, textual: bool, redactor: &SecretRedactor) -> CleanedBody {
    let whole = |body| CleanedBody { body, truncated: false };
    if bytes.is_empty() {
        return whole(ResponseBody::Empty);
    }
    let bytes = match String::from_utf8(bytes) {
        Ok(text) if text::is_sanitized(&text) => {
            return whole(ResponseBody::Text(redactor.redact_known(text)));
        }
        Ok(text) => text.into_bytes(),
        Err(error)
            if textual
                || ends_in_partial_character(&error)
                || redactor.contains_secret(error.as_bytes()) =>
        {
            error.into_bytes()
        }
        Err(error) => return whole(ResponseBody::Binary(error.into_bytes())),
    };
    // The replacement of a control character is longer than the character. The text must not
    // outgrow the bytes, whose share of the budget is already known.
    let cleaned = text::sanitize_bytes(&bytes, bytes.len().max(MAX_INLINE_BODY_BYTES));
    drop(bytes);
    CleanedBody {
        body: ResponseBody::Text(redactor.redact_known(cleaned.text)),
        truncated: cleaned.truncated,
    }
}

/// Whether the only error is an incomplete last character, as at the end of a truncated text.
fn ends_in_partial_character(error: &std::string::FromUtf8Error) -> bool {
    error.utf8_error().error_len().is_none() && error.utf8_error().valid_up_to() > 0
}

fn is_textual(headers: &HeaderMap) -> bool {
    let media = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence.starts_with("text/") || essence.ends_with("/json") || essence.ends_with("+json")
}

fn http_version_name(version: http::Version) -> String {
    match version {
        http::Version::HTTP_2 => "HTTP/2".to_owned(),
        http::Version::HTTP_3 => "HTTP/3".to_owned(),
        other => format!("{other:?}"),
    }
}

fn elapsed_ms(started: Instant) -> u64 {
    u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn decoded(bytes: Vec<u8>, textual: bool, redactor: &SecretRedactor) -> ResponseBody {
        decode_body(bytes, textual, redactor).body
    }

    #[test]
    fn cleaning_never_makes_a_large_body_larger() {
        for (byte, textual) in [(1, false), (0xff, true)] {
            let bytes = vec![byte; 4 * MAX_INLINE_BODY_BYTES];
            let cleaned = decode_body(bytes.clone(), textual, &SecretRedactor::default());
            assert!(cleaned.truncated && cleaned.body.size() <= bytes.len(), "{byte}");
        }
        let small = decode_body(vec![1; 1000], false, &SecretRedactor::default());
        assert_eq!((small.body.size(), small.truncated), (3000, false));
    }

    #[test]
    fn text_is_what_is_utf8_or_says_so() {
        assert_eq!(decoded(Vec::new(), true, &SecretRedactor::default()), ResponseBody::Empty);
        assert_eq!(
            decoded(b"{}\r\n".to_vec(), false, &SecretRedactor::default()),
            ResponseBody::Text("{}\n".to_owned())
        );
        assert_eq!(
            decoded(b"a\xffb".to_vec(), true, &SecretRedactor::default()),
            ResponseBody::Text("a\u{fffd}b".to_owned())
        );
        assert_eq!(
            decoded(b"a\xffb".to_vec(), false, &SecretRedactor::default()),
            ResponseBody::Binary(b"a\xffb".to_vec())
        );
        assert_eq!(
            decoded("aé".as_bytes()[..2].to_vec(), false, &SecretRedactor::default()),
            ResponseBody::Text("a\u{fffd}".to_owned())
        );
    }

    #[test]
    fn nothing_that_steers_a_terminal_remains() {
        assert_eq!(
            decoded(b"\x1b[2Jx\x07".to_vec(), false, &SecretRedactor::default()),
            ResponseBody::Text("\u{fffd}[2Jx\u{fffd}".to_owned())
        );
    }

    #[test]
    fn a_secret_that_was_sent_does_not_come_back() {
        let mut redactor = SecretRedactor::default();
        redactor.add_secret(&crate::domain::Secret::from_text("s3cr3t-value".to_owned()));
        for echo in [
            &b"you sent s3cr3t-value"[..],
            b"you sent s3cr3t%2Dvalue",
            b"\xff s3cr3t-value",
            b"\xff s3cr3t%2dvalue",
            b"\xff 7333637233742d76616c7565",
            b"\xff czNjcjN0LXZhbHVl",
        ] {
            let ResponseBody::Text(text) = decoded(echo.to_vec(), false, &redactor) else {
                panic!("not text")
            };
            let hidden = ["s3cr3t", "733363", "czNjcj"].iter().all(|piece| !text.contains(piece));
            assert!(text.contains(crate::domain::redact::MASK) && hidden, "{text}");
        }
        assert_eq!(decoded(vec![0xff, 0], false, &redactor), ResponseBody::Binary(vec![0xff, 0]));
    }

    #[test]
    fn media_types_of_text() {
        let says = |media| {
            is_textual(&HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(media))]))
        };
        assert!(
            says("text/html; charset=latin1")
                && says("application/json")
                && says("application/vnd.api+json;x=y")
        );
        assert!(!says("application/octet-stream") && !says("image/png"));
    }
}
