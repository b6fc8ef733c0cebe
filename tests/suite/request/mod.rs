//! Tests of the request console on the command line, against the simulator and against servers that
//! misbehave. Start with [`home_with_simulator`] and [`home_bound_to`].

mod delivery;
mod doors;
mod download;
mod erase;
mod forms;
mod history;
mod limits;
mod minted;
#[cfg(unix)]
mod pager;
mod pages;
mod resumed_download;
mod safety;
mod walk;
mod wire;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::Value;

use crate::support::program::{Home, SimulatorProcess};
use crate::support::recorder::Recorder;

/// Secret of the credentials in these tests, unless a test sets another one.
const SECRET: &str = "5ec2e7aa-0000-4000-8000-00c0ffee0001";

/// Starts a simulator and creates a home with its credentials of these names.
fn home_with_simulator(names: &[&str]) -> (Home, SimulatorProcess) {
    let (home, simulator) = (Home::new(), SimulatorProcess::start());
    home.use_simulator(&simulator);
    for name in names {
        home.add_seeded(&simulator, name).expect(0);
    }
    (home, simulator)
}

/// A home with the credential `probe`, bound to a test server.
fn home_bound_to(server: &Recorder) -> Home {
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
fn add_fault(simulator: &SimulatorProcess, rule: &Value) {
    let answer = control(simulator, "POST", "", &rule.to_string());
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
}

/// Number of requests to a path with this method that the simulator received.
fn request_count(simulator: &SimulatorProcess, method: &str, path: &str) -> u64 {
    let answer = control(simulator, "GET", "/requests", "");
    let ledger: Value = serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    let requests = ledger["requests"].as_array().unwrap().iter();
    let fitting = requests.filter(|entry| entry["method"] == method && entry["path"] == path);
    fitting.map(|entry| entry["count"].as_u64().unwrap()).sum()
}

fn control(simulator: &SimulatorProcess, method: &str, path: &str, body: &str) -> String {
    let url = url::Url::parse(simulator.manifest["faults"].as_str().unwrap()).unwrap();
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
