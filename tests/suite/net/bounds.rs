//! Tests of responses that are too large, too slow, broken or hostile.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use tokenring::domain::response::{ApiResponse, ResponseBody};
use tokenring::net::{HttpClient, NetError, OutgoingRequest, RequestLimits, Transport as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::Notify;

use super::server::{Server, reply};
use super::{LIMITS, get, get_bound, send};
use crate::support::compression::gzip;

async fn answer(bytes: Vec<u8>) -> Result<ApiResponse, NetError> {
    let server = Server::answering(move |_| bytes.clone()).await;
    send(get(server.url("/"))).await
}

/// Starts a server that writes `bytes` once and closes; returns the result of a request to it.
async fn answer_and_close(bytes: &'static [u8]) -> Result<ApiResponse, NetError> {
    let server = Server::scripted(move |mut stream, seen| async move {
        seen.request(&mut stream).await;
        let _ = stream.write_all(bytes).await;
    });
    send(get(server.await.url("/"))).await
}

#[tokio::test]
async fn a_body_is_read_up_to_the_limit() {
    let limit = usize::try_from(LIMITS.max_body_bytes).unwrap();
    for (length, truncated) in [(limit, false), (limit + 1, true), (10 << 20, true)] {
        let answer = answer(reply(200, "", vec![b'a'; length])).await.unwrap();
        assert_eq!(answer.truncated, truncated, "{length}");
        assert_eq!(answer.size, LIMITS.max_body_bytes);
        assert_eq!(answer.body.size(), limit);
    }
}

#[tokio::test]
async fn ten_megabytes_are_read_when_asked_for() {
    let server = Server::answering(|_| reply(200, "", "é".repeat(5 << 20))).await;
    let limits = RequestLimits { max_body_bytes: 10 << 20, ..LIMITS };
    let answer = send(OutgoingRequest { limits, ..get(server.url("/")) }).await.unwrap();
    assert!(!answer.truncated);
    assert_eq!(answer.body.size(), 10 << 20);
}

#[tokio::test]
async fn a_small_answer_cannot_become_a_large_one() {
    let bomb = gzip_of_one_byte(400_000);
    assert!(bomb.len() < 1 << 20, "the bomb fits into the limit as it is");
    let answer = answer(reply(200, "content-encoding: gzip\r\n", bomb)).await.unwrap();
    assert!(answer.truncated);
    assert_eq!(answer.size, LIMITS.max_body_bytes);
}

/// What came of a response whose body was cut, and the cause.
fn cut(result: Result<ApiResponse, NetError>) -> (ApiResponse, String) {
    match result.unwrap_err() {
        NetError::IncompleteBody { why, response, .. } => (*response, why),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_body_that_is_cut_is_kept_as_far_as_it_came_and_the_cause_is_named() {
    let encoded = gzip(&vec![b'a'; 5000]);
    let half = leak(
        [b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n", &encoded[..encoded.len() - 4]]
            .concat(),
    );
    let mut damaged = encoded.clone();
    let checksum = damaged.len() - 8;
    damaged[checksum] ^= 1;
    let damaged =
        leak([b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n".as_slice(), &damaged].concat());
    for (bytes, kept, cause) in [
        (
            &b"HTTP/1.1 200 OK\r\nx-kept: 1\r\ncontent-length: 100\r\n\r\nten bytes."[..],
            10,
            "10 of 100 bytes",
        ),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n5\r\nhe", 7, "chunk"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\nxyz\r\n", 5, "chunk"),
        (half, 5000, "gzip data ends too early"),
        (damaged, 5000, "gzip data is damaged"),
    ] {
        let (response, why) = cut(answer_and_close(bytes).await);
        assert_eq!((response.status, response.body.size()), (200, kept), "{why}");
        assert!(response.truncated && response.is_cut(), "{why}");
        assert!(why.contains(cause), "{why}");
    }
}

#[tokio::test]
async fn a_head_that_cannot_be_read_is_an_error_that_says_why() {
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: 1\r\n".repeat(101));
    for (bytes, cause) in [
        (&b"HTTP/1.1 200 OK\r\ncontent-le"[..], ""),
        (leak(many.into_bytes()), "more than 100 headers"),
        (b"HTTP/1.1 200 OK\r\nno header\r\n\r\n", "is not a header"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n", "content-length"),
    ] {
        let error = answer_and_close(bytes).await.unwrap_err();
        let is_named = match &error {
            NetError::ConnectionLost { why, .. } => cause.is_empty() && !why.is_empty(),
            NetError::InvalidHead { why, .. } => !cause.is_empty() && why.contains(cause),
            _ => false,
        };
        assert!(is_named, "{cause}: {error:?}");
    }
}

#[tokio::test]
async fn a_folded_header_is_one_line() {
    let folded =
        b"HTTP/1.1 200 OK\r\nx-folded: one\r\n  two\r\n\tthree\r\ncontent-length: 2\r\n\r\nok";
    let answer = answer_and_close(folded).await.unwrap();
    let value = answer.header("x-folded").unwrap().split_whitespace().collect::<Vec<_>>();
    assert_eq!((value, answer.body.as_bytes()), (vec!["one", "two", "three"], &b"ok"[..]));
}

fn leak(bytes: Vec<u8>) -> &'static [u8] {
    bytes.leak()
}

#[tokio::test]
async fn what_is_no_http_is_an_error() {
    let error = answer_and_close(b"SSH-2.0-OpenSSH_9.2\r\n").await.unwrap_err();
    assert!(matches!(error, NetError::InvalidHead { .. }), "{error}");
}

#[tokio::test]
async fn a_drip_ends_with_the_total_limit() {
    let server = Server::scripted(|mut stream, seen| async move {
        seen.request(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n").await;
        while stream.write_all(b".").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    let limits = RequestLimits { total_timeout: Duration::from_millis(300), ..LIMITS };
    let (response, why) = cut(send(OutgoingRequest { limits, ..get(server.url("/")) }).await);
    assert!(response.body.size() > 0 && why.contains("not complete within 0.3 s"), "{why}");
}

#[tokio::test]
async fn a_server_that_says_nothing_is_not_waited_for() {
    let server = Server::scripted(|mut stream, seen| async move {
        while seen.request(&mut stream).await.is_some() {}
    })
    .await;
    let limits = RequestLimits { total_timeout: Duration::from_millis(300), ..LIMITS };
    let error = send(OutgoingRequest { limits, ..get(server.url("/")) }).await.unwrap_err();
    assert!(matches!(error, NetError::TimedOut { .. }), "{error}");
}

#[tokio::test]
async fn every_body_keeps_its_bytes() {
    for (headers, bytes, is_text) in [
        ("content-type: text/html\r\n", &b"<h1>Bad Gateway</h1>\r\n"[..], true),
        ("content-type: application/json\r\n", b"{\"a\":\"\xff\"}", true),
        ("content-type: image/png\r\n", b"\x89PNG\r\n", false),
        ("content-type: application/octet-stream\r\n", b"{}", false),
        ("", b"\x1b]0;owned\x07\x1b[2J", true),
        ("", "right\u{202e}left\u{200d}\r\n".as_bytes(), true),
        ("", b"\xef\xbb\xbfa\0", true),
        ("", b"", false),
    ] {
        let body = answer(reply(502, headers, bytes)).await.unwrap().body;
        assert_eq!((body.as_bytes(), body.is_text()), (bytes, is_text), "{headers} {bytes:?}");
    }
}

#[tokio::test]
async fn a_secret_that_was_sent_does_not_come_back() {
    let wide: Vec<u8> = super::SECRET.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for echo in [
        super::SECRET.as_bytes().to_vec(),
        [b"\xff\0 ", super::SECRET.as_bytes()].concat(),
        tokenring::util::hex::to_hex(super::SECRET.as_bytes()).into_bytes(),
        wide,
    ] {
        for (headers, sent) in [("", echo.clone()), ("content-encoding: gzip\r\n", gzip(&echo))] {
            let reply = reply(200, headers, sent);
            let server = Server::answering(move |_| reply.clone()).await;
            let answer = send(get_bound(server.url("/"), &[&server.origin])).await.unwrap();
            let body = answer.body.as_bytes();
            assert!(!body.windows(echo.len()).any(|window| window == echo), "{body:?}");
            assert_ne!(body, b"");
        }
    }
}

#[tokio::test]
async fn headers_are_cleaned_and_keep_their_order() {
    let answer =
        answer(reply(200, "X-Second: \u{202e}b\r\nx-first: a\tb\r\nx-second: \u{9b}2J\r\n", ""))
            .await
            .unwrap();
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(
        answer.headers[..2],
        [header("x-second", "\u{fffd}b"), header("x-second", "\u{fffd}2J")]
    );
    assert_eq!(answer.header("x-first"), Some("a b"));
    assert_eq!(answer.version, "HTTP/1.1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_at_once() {
    let server =
        Server::answering(|request| reply(200, "", request.split(' ').nth(1).unwrap())).await;
    let client = HttpClient::default();
    let sends = (0..1000)
        .map(|number| client.send(get_bound(server.url(&format!("/{number}")), &[&server.origin])));
    for (number, answer) in join_all(sends).await.into_iter().enumerate() {
        assert_eq!(answer.unwrap().body, ResponseBody::from(format!("/{number}")));
    }
}

#[tokio::test]
async fn a_dropped_send_closes_its_connection() {
    let (asked, closed) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (tell_asked, tell_closed) = (Arc::clone(&asked), Arc::clone(&closed));
    let server = Server::scripted(move |mut stream, seen| {
        let (asked, closed) = (Arc::clone(&tell_asked), Arc::clone(&tell_closed));
        async move {
            seen.request(&mut stream).await;
            asked.notify_one();
            while stream.read(&mut [0; 64]).await.is_ok_and(|count| count > 0) {}
            closed.notify_one();
        }
    })
    .await;
    let client = Arc::new(HttpClient::default());
    let (sender, url) = (Arc::clone(&client), server.url("/"));
    let sending = tokio::spawn(async move { sender.send(get(url)).await });
    asked.notified().await;
    sending.abort();
    tokio::time::timeout(Duration::from_secs(10), closed.notified())
        .await
        .expect("the connection closes");
}

/// A gzip stream of one byte and `runs` × 258 copies of it, written bit by bit: 13 bits for 258
/// bytes.
fn gzip_of_one_byte(runs: usize) -> Vec<u8> {
    let mut bits = vec![1, 1, 0]; // the last block, with fixed codes
    bits.extend([0, 0, 1, 1, 0, 0, 0, 0]); // the byte 0
    for _ in 0..runs {
        bits.extend([1, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0]); // 258 times what was 1 byte ago
    }
    bits.extend([0; 7]); // the end of the block
    let mut stream = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    stream.extend(
        bits.chunks(8)
            .map(|byte| byte.iter().enumerate().fold(0, |sum, (place, bit)| sum | (bit << place))),
    );
    stream.extend([0; 8]); // checksum and length, never reached
    stream
}
