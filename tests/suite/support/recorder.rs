//! A server on loopback that sends the response of a test and records every request, byte for byte.
//! Start with [`Recorder`].

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// The server; it runs until the test process ends.
pub(crate) struct Recorder {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Recorded>>>,
    raw: Arc<Mutex<Vec<Vec<u8>>>>,
}

/// A recorded request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Recorded {
    /// The request line.
    pub(crate) line: String,
    /// The headers in alphabetical order, names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    /// The body.
    pub(crate) body: Vec<u8>,
}

impl Recorder {
    /// Starts a server that sends `answer`, including the status line, to every request.
    pub(crate) fn answering(answer: impl Fn(&Recorded) -> String + Send + 'static) -> Self {
        Self::answering_bytes(move |request| answer(request).into_bytes())
    }

    /// Starts a server that sends these bytes, including the status line, to every request.
    pub(crate) fn answering_bytes(answer: impl Fn(&Recorded) -> Vec<u8> + Send + 'static) -> Self {
        Self::answering_or_stalling(move |request| (answer(request), false))
    }

    /// Like [`Self::answering_bytes`]; where the answer says so, the connection stays open.
    pub(crate) fn answering_or_stalling(
        answer: impl Fn(&Recorded) -> (Vec<u8>, bool) + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, seen) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(Vec::new())));
        let kept = Arc::clone(&seen);
        let raw = Arc::new(Mutex::new(Vec::new()));
        let kept_raw = Arc::clone(&raw);
        thread::spawn(move || {
            let mut open = Vec::new();
            for mut stream in listener.incoming().flatten() {
                let mut bytes = Vec::new();
                if let Some(request) = read(&mut stream, &mut bytes) {
                    kept_raw.lock().unwrap().push(bytes);
                    let (answer, stalls) = answer(&request);
                    kept.lock().unwrap().push(request);
                    let _ = stream.write_all(&answer);
                    open.extend(stalls.then_some(stream));
                }
            }
        });
        Self { address, seen, raw }
    }

    /// Starts a server that sends this JSON to every request.
    pub(crate) fn saying(json: &str) -> Self {
        let answer = answer("200 OK", "", json);
        Self::answering(move |_| answer.clone())
    }

    /// Origin of the server.
    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The bytes of all requests so far.
    pub(crate) fn raw(&self) -> Vec<Vec<u8>> {
        self.raw.lock().unwrap().clone()
    }

    /// All requests so far.
    pub(crate) fn seen(&self) -> Vec<Recorded> {
        self.seen.lock().unwrap().clone()
    }
}

impl Recorded {
    /// The request without the headers that differ between clients.
    pub(crate) fn without_client(mut self) -> Self {
        self.headers.retain(|(name, _)| {
            !matches!(name.as_str(), "user-agent" | "accept-encoding" | "connection")
        });
        self
    }
}

/// A response with a JSON body; `headers` are whole lines.
pub(crate) fn answer(status: &str, headers: &str, json: &str) -> String {
    let length = json.len();
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{json}"
    )
}

fn read(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> Option<Recorded> {
    let head = loop {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        bytes.push(byte[0]);
        if bytes.ends_with(b"\r\n\r\n") {
            break String::from_utf8_lossy(bytes).into_owned();
        }
    };
    let mut lines = head.trim_end().split("\r\n");
    let line = lines.next()?.to_owned();
    let header = |line: &str| {
        line.split_once(':').map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
    };
    let mut headers: Vec<_> = lines.filter_map(header).collect();
    headers.sort();
    let length = headers
        .iter()
        .find(|(name, _)| name == "content-length")
        .and_then(|(_, value)| value.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).ok()?;
    bytes.extend_from_slice(&body);
    Some(Recorded { line, headers, body })
}
