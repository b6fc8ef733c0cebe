//! The mirror server: returns every request in its response in many encodings, and issues its own
//! secrets. Start with [`Mirror::start`].

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

use super::random;
use super::search::spelled;

/// The running server.
pub(super) struct Mirror {
    /// Origin of the server.
    pub(super) origin: String,
    grants: Grants,
}

/// The tokens of all grants and the proofs sent for them, each with its name.
type Grants = Arc<Mutex<Vec<(&'static str, String)>>>;

struct Request {
    target: String,
    authorization: String,
    body: String,
}

impl Mirror {
    /// Starts a server whose token endpoints issue this access token, and whose responses contain
    /// these further secrets.
    pub(super) fn start(access_token: &str, extra: ExtraSecrets) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let (token, grants, extra) = (access_token.to_owned(), Grants::default(), Arc::new(extra));
        let kept = Arc::clone(&grants);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (token, kept, extra) = (token.clone(), Arc::clone(&kept), Arc::clone(&extra));
                std::thread::spawn(move || serve(stream.unwrap(), &token, (&kept, &extra)));
            }
        });
        Self { origin, grants }
    }

    /// All secrets of the grants so far.
    pub(super) fn granted(&self) -> Vec<(&'static str, String)> {
        self.grants.lock().unwrap().clone()
    }
}

/// Secrets that responses contain although the client never sent them.
pub(super) struct ExtraSecrets {
    /// A newly created secret, in a JSON member whose name says so.
    pub(super) fresh: String,
    /// A secret of another user, recognizable only by its format.
    pub(super) stray: String,
}

fn extra_secret_response(
    request: &Request,
    extra: &ExtraSecrets,
) -> Option<(&'static str, String, Vec<u8>)> {
    let body = if request.target.contains("/fresh") {
        serde_json::json!({ "data": { "id": "1", "attributes": { "client_secret": extra.fresh } } })
    } else if request.target.contains("/stray") {
        serde_json::json!({ "data": [{ "note": format!("see {}", extra.stray) }], "message": extra.stray })
    } else {
        return None;
    };
    Some(("200 OK", "content-type: application/json\r\n".to_owned(), body.to_string().into_bytes()))
}

/// Issues a grant for a session, with new tokens in the format of the real ones.
fn grant(request: &Request, grants: &Grants) -> Option<(&'static str, String, Vec<u8>)> {
    let form: Vec<(String, String)> =
        url::form_urlencoded::parse(request.body.as_bytes()).into_owned().collect();
    let member =
        |name: &str| form.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    let proofs = ["code_verifier", "code", "refresh_token"].map(|name| (name, member(name)));
    if !request.target.contains("/oauth2/token") || proofs.iter().all(|(_, proof)| proof.is_none())
    {
        return None;
    }
    let issued = [("access token", random(40)), ("refresh token", random(40))];
    let mut kept = grants.lock().unwrap();
    kept.extend(proofs.into_iter().filter_map(|(name, proof)| Some((name, proof?))));
    kept.extend(issued.clone());
    let [(_, access), (_, refresh)] = issued;
    let body = serde_json::json!({
        "access_token": access, "refresh_token": refresh, "token_type": "bearer", "expires_in": 3600, "echo": request.body
    });
    let refused = member("client_id").is_some_and(|client| client == "refuse");
    let status = if refused { "400 Bad Request" } else { "200 OK" };
    let why = serde_json::json!({ "error": "invalid_grant", "error_description": format!("what is {}", request.body) });
    let body = if refused { why } else { body };
    Some((status, "content-type: application/json\r\n".to_owned(), body.to_string().into_bytes()))
}

fn serve(mut stream: TcpStream, token: &str, (grants, extra): (&Grants, &ExtraSecrets)) {
    let Some(request) = read(&mut stream) else { return };
    let (status, headers, body) = grant(&request, grants)
        .or_else(|| extra_secret_response(&request, extra))
        .unwrap_or_else(|| answer(&request, token));
    let head = format!(
        "HTTP/1.1 {status}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    // If the client has disconnected, the response is not needed.
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
        line.and_then(|line| line.split_once(": "))
            .map(|(_, value)| value.to_owned())
            .unwrap_or_default()
    };
    let mut body = bytes[end..].to_vec();
    let mut rest =
        vec![0; header("content-length").parse().unwrap_or(0_usize).saturating_sub(body.len())];
    stream.read_exact(&mut rest).ok()?;
    body.extend(rest);
    let target = head.split(' ').nth(1)?.to_owned();
    Some(Request {
        target,
        authorization: header("authorization"),
        body: String::from_utf8_lossy(&body).into_owned(),
    })
}

fn answer(request: &Request, token: &str) -> (&'static str, String, Vec<u8>) {
    let said = &request.authorization;
    let json = |value: serde_json::Value| value.to_string().into_bytes();
    let typed = |media: &str| {
        format!("content-type: {media}\r\nx-echo: {said}\r\nsnyk-request-id: {said}\r\n")
    };
    match request.target.as_str() {
        target if target.contains("/token") && request.body.contains("refuse") => {
            let why = format!("what is {}", request.body);
            (
                "400 Bad Request",
                typed("application/json"),
                json(serde_json::json!({ "error": "no", "error_description": why })),
            )
        }
        target if target.contains("/token") => {
            let grant = serde_json::json!({ "access_token": token, "token_type": "bearer", "expires_in": 3600, "echo": request.body });
            ("200 OK", typed("application/json"), json(grant))
        }
        target if target.contains("/html") => {
            ("200 OK", typed("text/html"), format!("<html>{said}</html>").into_bytes())
        }
        target if target.contains("/bytes") => {
            ("200 OK", typed("application/octet-stream"), [b"\xff\0", said.as_bytes()].concat())
        }
        target if target.contains("/moved") => {
            let place: String = url::form_urlencoded::byte_serialize(said.as_bytes()).collect();
            ("302 Found", format!("location: /there?echo={place}\r\n"), Vec::new())
        }
        target if target.contains("/refused") => {
            ("401 Unauthorized", typed("application/json"), json(forms(said)))
        }
        target if target.contains("/broken") => {
            ("500 Oops", typed("text/plain"), said.clone().into_bytes())
        }
        _ => ("200 OK", typed("application/json"), json(forms(said))),
    }
}

/// The text in many encodings, in the places where clients look for text to show.
fn forms(said: &str) -> serde_json::Value {
    let percent = spelled(said.as_bytes(), |byte| format!("%{byte:02X}"));
    let escaped = spelled(said.as_bytes(), |byte| format!("\\u{byte:04x}"));
    let hex = spelled(said.as_bytes(), |byte| format!("{byte:02x}"));
    let base64: Vec<_> = ["", "x", "xx"]
        .iter()
        .flat_map(|before| {
            [STANDARD, URL_SAFE].map(|alphabet| alphabet.encode(format!("{before}{said}")))
        })
        .collect();
    serde_json::json!({
        "data": { "type": "user", "id": said, "attributes": { "name": said, "username": said, "email": said } },
        "id": said, "sub": said, "name": said, "email": said, "username": said, "count": 1,
        "errors": [{ "title": said, "detail": said }], "message": said, "error": { "message": said },
        "forms": [percent, escaped, hex, base64], "next": "end",
    })
}
