//! Tests of the request console on the command line, against the simulator and against servers that
//! misbehave. Start with [`home_with_simulator`] and [`home_bound_to`].

mod forms;
mod keeping;
mod limits;
mod minted;
mod pages;
mod safety;
mod walk;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::Value;

use crate::support::program::{Home, World};
use crate::support::recorder::Recorder;

/// Secret of the credentials in these tests, unless a test sets another one.
const SECRET: &str = "5ec2e7aa-0000-4000-8000-00c0ffee0001";

/// Starts a simulator and creates a home with its credentials of these names.
fn met(names: &[&str]) -> (Home, World) {
    let (home, world) = (Home::new(), World::start());
    home.meet(&world);
    for name in names {
        home.adopt(&world, name).expect(0);
    }
    (home, world)
}

/// A home with the credential `probe`, bound to a test server.
fn bound_to(server: &Recorder) -> Home {
    let home = Home::new();
    home.run(&["regions", "add", "--provider", "snyk", "--id", "HERE", "--api", &server.origin()])
        .expect(0);
    home.feed(
        &[
            "add",
            "probe",
            "--provider",
            "snyk",
            "--kind",
            "personal-token",
            "--region",
            "HERE",
            "--offline",
        ],
        SECRET,
    )
    .expect(0);
    home
}

/// Adds a fault rule to the simulator.
fn knob(world: &World, rule: &Value) {
    let answer = control(world, "POST", "", &rule.to_string());
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
}

/// Number of requests to a path with this method that the simulator received.
fn asked(world: &World, method: &str, path: &str) -> u64 {
    let answer = control(world, "GET", "/requests", "");
    let ledger: Value = serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    let requests = ledger["requests"].as_array().unwrap().iter();
    let fitting = requests.filter(|entry| entry["method"] == method && entry["path"] == path);
    fitting.map(|entry| entry["count"].as_u64().unwrap()).sum()
}

fn control(world: &World, method: &str, path: &str, body: &str) -> String {
    let url = url::Url::parse(world.manifest["faults"].as_str().unwrap()).unwrap();
    let mut stream = TcpStream::connect(("127.0.0.1", url.port().unwrap())).unwrap();
    let (host, base, length) = (url.authority(), url.path(), body.len());
    let head = format!(
        "{method} {base}{path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\nconnection: close\r\n"
    );
    stream.write_all(format!("{head}content-length: {length}\r\n\r\n{body}").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}
