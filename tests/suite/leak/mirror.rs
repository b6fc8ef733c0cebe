//! A server that sends back what it was sent, in every form, and issues secrets of its own.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

/// The server.
pub(super) struct Mirror {
    /// Where it is.
    pub(super) origin: String,
}

struct Request {
    target: String,
    authorization: String,
    body: String,
}

impl Mirror {
    /// A server whose token endpoints issue this access token.
    pub(super) fn start(access_token: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let token = access_token.to_owned();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let token = token.clone();
                std::thread::spawn(move || serve(stream.unwrap(), &token));
            }
        });
        Self { origin }
    }
}

fn serve(mut stream: TcpStream, token: &str) {
    let Some(request) = read(&mut stream) else { return };
    let (status, headers, body) = answer(&request, token);
    let head = format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n", body.len());
    // A client that went away has lost nothing here.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
}

fn read(stream: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    let end = loop {
        let mut buffer = [0; 4096];
        let length = stream.read(&mut buffer).ok().filter(|length| *length > 0)?;
        bytes.extend_from_slice(&buffer[..length]);
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let header = |name: &str| {
        let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with(name));
        line.and_then(|line| line.split_once(": ")).map(|(_, value)| value.to_owned()).unwrap_or_default()
    };
    let mut body = bytes[end..].to_vec();
    let mut rest = vec![0; header("content-length").parse().unwrap_or(0_usize).saturating_sub(body.len())];
    stream.read_exact(&mut rest).ok()?;
    body.extend(rest);
    let target = head.split(' ').nth(1)?.to_owned();
    Some(Request { target, authorization: header("authorization"), body: String::from_utf8_lossy(&body).into_owned() })
}

fn answer(request: &Request, token: &str) -> (&'static str, String, Vec<u8>) {
    let said = &request.authorization;
    let json = |value: serde_json::Value| value.to_string().into_bytes();
    let typed = |media: &str| format!("content-type: {media}\r\nx-echo: {said}\r\nsnyk-request-id: {said}\r\n");
    match request.target.as_str() {
        target if target.contains("/token") && request.body.contains("refuse") => {
            let why = format!("what is {}", request.body);
            ("400 Bad Request", typed("application/json"), json(serde_json::json!({ "error": "no", "error_description": why })))
        }
        target if target.contains("/token") => {
            let grant =
                serde_json::json!({ "access_token": token, "token_type": "bearer", "expires_in": 3600, "echo": request.body });
            ("200 OK", typed("application/json"), json(grant))
        }
        target if target.contains("/html") => ("200 OK", typed("text/html"), format!("<html>{said}</html>").into_bytes()),
        target if target.contains("/bytes") => {
            ("200 OK", typed("application/octet-stream"), [b"\xff\0", said.as_bytes()].concat())
        }
        target if target.contains("/moved") => {
            let place: String = url::form_urlencoded::byte_serialize(said.as_bytes()).collect();
            ("302 Found", format!("location: /there?echo={place}\r\n"), Vec::new())
        }
        target if target.contains("/refused") => ("401 Unauthorized", typed("application/json"), json(forms(said))),
        target if target.contains("/broken") => ("500 Oops", typed("text/plain"), said.clone().into_bytes()),
        _ => ("200 OK", typed("application/json"), json(forms(said))),
    }
}

/// The text in every form, in the places where clients look for something to show.
fn forms(said: &str) -> serde_json::Value {
    let percent: String = said.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let escaped: String = said.bytes().map(|byte| format!("\\u{byte:04x}")).collect();
    let hex: String = said.bytes().map(|byte| format!("{byte:02x}")).collect();
    let base64: Vec<_> = ["", "x", "xx"]
        .iter()
        .flat_map(|before| [STANDARD, URL_SAFE].map(|alphabet| alphabet.encode(format!("{before}{said}"))))
        .collect();
    serde_json::json!({
        "data": { "type": "user", "id": said, "attributes": { "name": said, "username": said, "email": said } },
        "id": said, "sub": said, "name": said, "email": said, "username": said, "count": 1,
        "errors": [{ "title": said, "detail": said }], "message": said, "error": { "message": said },
        "forms": [percent, escaped, hex, base64], "next": "end",
    })
}
