//! Reading of responses: limited in size, cleaned and timed.
//!
//! Start reading at [`read_response`].

use std::time::Instant;

use http::header::{CONTENT_TYPE, HeaderMap};

use super::{NetError, RequestLimits};
use crate::domain::redact::SecretRedactor;
use crate::domain::response::{ApiResponse, ResponseBody};
use crate::domain::text;
use crate::domain::timing::{ConnectionOrigin, RequestTiming};

/// Bodies above this size are cleaned on another thread, so that one large response does not delay
/// a thousand checks.
const MAX_INLINE_BODY_BYTES: usize = 256 * 1024;

/// Times that are known when the head of the response arrives.
pub(super) struct ResponseClock {
    /// Start of the request.
    pub(super) started: Instant,
    /// Origin of its connection.
    pub(super) connection: ConnectionOrigin,
}

/// Reads the body of a response and cleans it. The sent secrets are redacted, in case the server
/// echoes them.
pub(super) async fn read_response(
    mut response: reqwest::Response,
    ResponseClock { started, connection }: ResponseClock,
    limits: RequestLimits,
    redactor: SecretRedactor,
) -> Result<ApiResponse, NetError> {
    let first_byte_ms = elapsed_ms(started);
    let (bytes, truncated) = read_body(&mut response, limits).await?;
    let (size, textual) = (bytes.len() as u64, is_textual(response.headers()));
    let headers = read_headers(response.headers(), &redactor);
    let url = redactor.redact_known(response.url().to_string());
    let body = if bytes.len() > MAX_INLINE_BODY_BYTES {
        let cleaning = tokio::task::spawn_blocking(move || decode_body(bytes, textual, &redactor));
        cleaning.await.map_err(|_| NetError::InvalidRequest("the program is exiting".to_owned()))?
    } else {
        decode_body(bytes, textual, &redactor)
    };
    Ok(ApiResponse {
        status: response.status().as_u16(),
        headers,
        body,
        truncated,
        timing: RequestTiming { connection, first_byte_ms, total_ms: elapsed_ms(started) },
        size,
        url,
        version: http_version_name(response.version()),
    })
}

/// Reads the body up to the limit and returns whether it was truncated. The limit applies to the
/// decompressed size, so a small response cannot expand without bounds. The rest is never read, and
/// the connection closes.
async fn read_body(
    response: &mut reqwest::Response,
    limits: RequestLimits,
) -> Result<(Vec<u8>, bool), NetError> {
    let host = response.url().host_str().unwrap_or_default().to_owned();
    let limit = usize::try_from(limits.max_body_bytes).unwrap_or(usize::MAX);
    let announced =
        response.content_length().and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
    let mut body = Vec::with_capacity(announced.min(limit).min(MAX_INLINE_BODY_BYTES));
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| NetError::from_reqwest(error, &host, limits.connect_timeout))?
    {
        let room = limit - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if chunk.len() > room {
            return Ok((body, true));
        }
    }
    Ok((body, false))
}

fn read_headers(headers: &HeaderMap, redactor: &SecretRedactor) -> Vec<(String, String)> {
    let value =
        |bytes: &[u8]| redactor.redact_known(text::sanitize_line(&String::from_utf8_lossy(bytes)));
    headers
        .iter()
        .map(|(name, bytes)| (name.as_str().to_owned(), value(bytes.as_bytes())))
        .collect()
}

/// Decodes a body. It is text if it is UTF-8, if its content type is text, or if it contains a sent
/// secret; otherwise it is binary.
fn decode_body(bytes: Vec<u8>, textual: bool, redactor: &SecretRedactor) -> ResponseBody {
    if bytes.is_empty() {
        return ResponseBody::Empty;
    }
    let text = |text| ResponseBody::Text(redactor.redact_known(clean_text(text)));
    match String::from_utf8(bytes) {
        Ok(whole) => text(whole),
        Err(error)
            if textual
                || ends_in_partial_character(&error)
                || redactor.contains_secret(error.as_bytes()) =>
        {
            text(String::from_utf8_lossy(error.as_bytes()).into_owned())
        }
        Err(error) => ResponseBody::Binary(error.into_bytes()),
    }
}

/// Whether the only error is an incomplete last character, as at the end of a truncated text.
fn ends_in_partial_character(error: &std::string::FromUtf8Error) -> bool {
    error.utf8_error().error_len().is_none() && error.utf8_error().valid_up_to() > 0
}

/// Removes control characters. Most responses are printable ASCII and need no copy.
fn clean_text(text: String) -> String {
    let harmless = text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\n' | b'\t'));
    if harmless { text } else { text::sanitize(&text) }
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

    #[test]
    fn text_is_what_is_utf8_or_says_so() {
        assert_eq!(decode_body(Vec::new(), true, &SecretRedactor::default()), ResponseBody::Empty);
        assert_eq!(
            decode_body(b"{}\r\n".to_vec(), false, &SecretRedactor::default()),
            ResponseBody::Text("{}\n".to_owned())
        );
        assert_eq!(
            decode_body(b"a\xffb".to_vec(), true, &SecretRedactor::default()),
            ResponseBody::Text("a\u{fffd}b".to_owned())
        );
        assert_eq!(
            decode_body(b"a\xffb".to_vec(), false, &SecretRedactor::default()),
            ResponseBody::Binary(b"a\xffb".to_vec())
        );
        assert_eq!(
            decode_body("aé".as_bytes()[..2].to_vec(), false, &SecretRedactor::default()),
            ResponseBody::Text("a\u{fffd}".to_owned())
        );
    }

    #[test]
    fn nothing_that_steers_a_terminal_remains() {
        assert_eq!(
            decode_body(b"\x1b[2Jx\x07".to_vec(), false, &SecretRedactor::default()),
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
            let ResponseBody::Text(text) = decode_body(echo.to_vec(), false, &redactor) else {
                panic!("not text")
            };
            let hidden = ["s3cr3t", "733363", "czNjcj"].iter().all(|piece| !text.contains(piece));
            assert!(text.contains(crate::domain::redact::MASK) && hidden, "{text}");
        }
        assert_eq!(
            decode_body(vec![0xff, 0], false, &redactor),
            ResponseBody::Binary(vec![0xff, 0])
        );
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
