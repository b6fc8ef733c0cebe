//! Tests of the control listener against web pages: a page of another site that is open in a browser
//! on this machine reaches loopback, too.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use url::Url;

use crate::support::program::SimulatorProcess;

/// Sends a request with these headers to the control listener; returns the response.
fn request(simulator: &SimulatorProcess, method: &str, headers: &str, body: &str) -> String {
    let url = Url::parse(simulator.manifest["faults"].as_str().unwrap()).unwrap();
    let mut stream = TcpStream::connect(url.authority()).unwrap();
    let head = format!(
        "{method} /faults HTTP/1.1\r\n{}connection: close\r\ncontent-length: {}\r\n\r\n",
        headers.replace("OWN", url.authority()),
        body.len()
    );
    stream.write_all((head + body).as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn the_control_listener_refuses_web_pages() {
    let simulator = SimulatorProcess::start();
    let rule = r#"{"region": "SNYK-US-01", "status": 503}"#;
    for headers in [
        "host: rebound.example\r\n",
        "host: localhost\r\n",
        "host: 127.0.0.1:1\r\n",
        "host: OWN\r\norigin: http://evil.example\r\n",
        "host: OWN\r\norigin: https://OWN\r\n",
        "host: OWN\r\norigin: null\r\n",
        "host: OWN\r\norigin: \r\n",
    ] {
        for method in ["GET", "POST", "DELETE"] {
            let refused = request(&simulator, method, headers, rule);
            assert!(refused.starts_with("HTTP/1.1 403"), "{method} with {headers}: {refused}");
        }
    }
    let own = request(&simulator, "GET", "host: OWN\r\n", "");
    assert!(own.starts_with("HTTP/1.1 200") && !own.contains("503"), "no rule was added: {own}");
    for headers in ["host: OWN\r\n", "host: OWN\r\norigin: http://OWN\r\n"] {
        let added = request(&simulator, "POST", headers, rule);
        assert!(added.starts_with("HTTP/1.1 201"), "{headers}: {added}");
    }
}
