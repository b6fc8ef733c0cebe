//! Responses as the rest of the program gets them: without the secrets that were sent, with times.
//!
//! Start reading at [`build_response`]. Reading of the body belongs to [`super::body`].

use std::sync::Arc;
use std::time::Instant;

use http::header::{CONTENT_TYPE, HeaderMap};

use super::body::{BodyEnd, ReceivedBody};
use super::body_stream::StreamedBody;
use super::{BodyFault, NetError};
use crate::domain::redact::SecretRedactor;
use crate::domain::response::{
    ApiResponse, BodyRemark, ConnectionOrigin, RequestTiming, ResponseBody,
};
use crate::domain::text;

/// Bodies above this size are searched on another thread, so that one large response does not delay
/// a thousand checks.
const MAX_INLINE_BODY_BYTES: u64 = 256 * 1024;

/// Times that are known when the head of the response arrives.
pub(super) struct ResponseClock {
    started: Instant,
    first_byte_ms: u64,
    connection: ConnectionOrigin,
}

impl ResponseClock {
    /// Returns the times of a request that was started at `started` and whose head has just
    /// arrived.
    pub(super) fn at_first_byte(started: Instant, connection: ConnectionOrigin) -> Self {
        Self { started, first_byte_ms: elapsed_ms(started), connection }
    }

    /// Returns the times until now.
    fn timing(&self) -> RequestTiming {
        let Self { started, first_byte_ms, connection } = *self;
        RequestTiming { connection, first_byte_ms, total_ms: elapsed_ms(started) }
    }
}

/// Returns the head of a response, without a body. The sent secrets are masked, in case the server
/// echoes them.
pub(super) fn read_head(
    response: &reqwest::Response,
    clock: &ResponseClock,
    redactor: &SecretRedactor,
) -> ApiResponse {
    ApiResponse {
        status: response.status().as_u16(),
        headers: read_headers(response.headers(), redactor),
        timing: clock.timing(),
        url: redactor.redact_known(response.url().to_string()),
        version: http_version_name(response.version()),
        ..ApiResponse::default()
    }
}

/// Builds the response from its head and the body that was read. The sent secrets are masked.
///
/// # Errors
///
/// Fails where the body ended before its end; the error has the response as far as it came.
pub(super) async fn build_response(
    response: &reqwest::Response,
    received: ReceivedBody<'_>,
    clock: &ResponseClock,
    redactor: Arc<SecretRedactor>,
) -> Result<ApiResponse, NetError> {
    let ReceivedBody { bytes, end, remarks, shares } = received;
    let size = bytes.len() as u64;
    let head = read_head(response, clock, &redactor);
    let content_type = response.headers().get(CONTENT_TYPE);
    let content_type =
        content_type.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let build =
        move || ResponseBody::new(redactor.redact_known_bytes(bytes), content_type.as_deref());
    let body = if size > MAX_INLINE_BODY_BYTES {
        let masking = tokio::task::spawn_blocking(build);
        masking.await.map_err(|_| NetError::InvalidRequest("the program is exiting".to_owned()))?
    } else {
        build()
    };
    drop(shares);
    finish_response(response, end, ApiResponse { body, remarks, size, ..head })
}

/// Completes the head of a response whose body was passed on.
pub(super) fn finish_streamed(
    response: &reqwest::Response,
    streamed: StreamedBody,
    head: ApiResponse,
    clock: &ResponseClock,
) -> Result<ApiResponse, NetError> {
    let StreamedBody { size, end, remarks } = streamed;
    finish_response(response, end, ApiResponse { size, remarks, timing: clock.timing(), ..head })
}

fn finish_response(
    response: &reqwest::Response,
    end: BodyEnd,
    mut built: ApiResponse,
) -> Result<ApiResponse, NetError> {
    built.truncated = end != BodyEnd::Complete;
    let (why, fault) = match end {
        BodyEnd::Complete | BodyEnd::LimitReached => return Ok(built),
        BodyEnd::Cut(why) => (why, BodyFault::Ended),
        BodyEnd::Damaged(why) => (why, BodyFault::Damaged),
    };
    built.remarks.push(BodyRemark::Cut(why.clone()));
    let host = response.url().host_str().unwrap_or_default().to_owned();
    Err(NetError::IncompleteBody { host, why, fault, response: Box::new(built) })
}

/// Returns the headers of a response as they came, without control characters.
fn read_headers(headers: &HeaderMap, redactor: &SecretRedactor) -> Vec<(String, String)> {
    let value =
        |bytes: &[u8]| redactor.redact_known(text::sanitize_line(&String::from_utf8_lossy(bytes)));
    headers
        .iter()
        .map(|(name, bytes)| (name.as_str().to_owned(), value(bytes.as_bytes())))
        .collect()
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
