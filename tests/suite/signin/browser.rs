//! A scripted browser: reads the consent page and presses one of its buttons. And a command of the
//! program that waits for the callback. Start with [`WaitingCommand::begin`].

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, ChildStdout, Stdio};

use serde_json::Value;
use url::Url;

use super::client;
use crate::support::program::{Home, Outcome, SimulatorProcess};
#[cfg(unix)]
use crate::support::pty::Pty;

/// A command of the program that waits for the callback.
pub(crate) struct WaitingCommand {
    child: Child,
    out: BufReader<ChildStdout>,
    /// Address of the consent page.
    pub(crate) visit: Url,
    /// Address of the callback.
    pub(crate) callback: Url,
    /// End of the waiting time.
    pub(crate) until: String,
}

impl WaitingCommand {
    /// Starts `tokenring login` with `input`, and reads the address of the consent page.
    pub(crate) fn begin(home: &Home, arguments: &[&str], input: &str) -> Self {
        Self::begin_command(
            home,
            &[&["login", "--no-browser", "--json"], arguments].concat(),
            input,
        )
    }

    /// The same for any command that opens a consent page.
    pub(crate) fn begin_command(home: &Home, arguments: &[&str], input: &str) -> Self {
        let mut command = home.command(arguments);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.as_mut().unwrap().write_all(input.as_bytes()).unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let said: Value = loop {
            let mut line = String::new();
            out.read_line(&mut line).unwrap();
            match serde_json::from_str::<Value>(&line) {
                Ok(said) if said["visit"].is_null() => {}
                Ok(said) => break said,
                Err(_) => {
                    let mut error = String::new();
                    child.stderr.take().unwrap().read_to_string(&mut error).unwrap();
                    panic!("the command does not wait: {line}{error}")
                }
            }
        };
        let url = |member: &str| Url::parse(said[member].as_str().unwrap()).unwrap();
        let until = said["until"].as_str().unwrap().to_owned();
        Self { child, out, visit: url("visit"), callback: url("callback"), until }
    }

    /// Signs in to the seeded app for the first time, as `triage`.
    pub(crate) fn for_app(home: &Home, simulator: &SimulatorProcess) -> Self {
        Self::for_app_with(home, simulator, &["--no-browser"])
    }

    /// The same with these further arguments.
    pub(crate) fn for_app_with(
        home: &Home,
        simulator: &SimulatorProcess,
        further: &[&str],
    ) -> Self {
        let app = simulator.credential(super::SESSION);
        let client_id = format!("client_id={}", app["fields"]["client_id"].as_str().unwrap());
        let arguments = [
            "login",
            "--json",
            "triage",
            "--provider",
            "snyk-apps",
            "--region",
            "us",
            "--field",
            &client_id,
            "--part",
            "client_secret",
        ];
        let input = format!("{}\n", client_secret(simulator));
        Self::begin_command(home, &[&arguments[..], further].concat(), &input)
    }

    /// Writes a further line to standard input.
    pub(crate) fn type_line(&mut self, line: &str) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    /// The callback address with these parameters and the right state.
    pub(crate) fn answer(&self, members: &[(&str, &str)]) -> Url {
        let mut answer = self.callback.clone();
        answer
            .query_pairs_mut()
            .extend_pairs(members)
            .append_pair("state", &query_parameter(&self.visit, "state"));
        answer
    }

    /// Process ID of the command.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until the command ends; returns its output and exit code.
    pub(crate) fn end(mut self) -> Outcome {
        let (mut out, mut err) = (String::new(), String::new());
        self.out.read_to_string(&mut out).unwrap();
        self.child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        Outcome { code: self.child.wait().unwrap().code().unwrap_or(-1), out, err }
    }
}

/// The client secret of the seeded app.
pub(crate) fn client_secret(simulator: &SimulatorProcess) -> &str {
    simulator.credential(super::SESSION)["parts"]["client_secret"].as_str().unwrap()
}

/// A parameter of the query of an address.
pub(crate) fn query_parameter(url: &Url, name: &str) -> String {
    url.query_pairs().find(|(known, _)| known == name).unwrap().1.into_owned()
}

/// Opens the consent page and presses the button; returns the address to which the page redirects
/// the browser.
pub(crate) async fn press_consent_button(visit: &Url, decision: &str) -> Url {
    let page = client().get(visit.clone()).send().await.unwrap().text().await.unwrap();
    let mut form: Vec<(String, String)> = page
        .split("<input ")
        .skip(1)
        .map(|tag| (attribute(tag, "name"), attribute(tag, "value")))
        .collect();
    form.push(("decision".to_owned(), decision.to_owned()));
    let answer =
        client().post(visit.join("/oauth2/authorize").unwrap()).form(&form).send().await.unwrap();
    Url::parse(answer.headers()["location"].to_str().unwrap()).unwrap()
}

/// Status and body of the callback page; `None` if no process listens there.
pub(crate) async fn open_callback(address: Url) -> Option<(u16, String)> {
    let answer = client().get(address).send().await.ok()?;
    Some((answer.status().as_u16(), answer.text().await.ok()?))
}

fn attribute(tag: &str, name: &str) -> String {
    let value = tag.split_once(&format!("{name}=\"")).unwrap().1.split_once('"').unwrap().0;
    value.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

/// The consent page on the screen, once the whole dialog is drawn.
#[cfg(unix)]
pub(crate) fn page_on_screen(pty: &Pty) -> Url {
    pty.expect("Waiting for the browser");
    pty.expect("Copy URL");
    page(pty)
}

/// The address in the dialog, joined from its lines.
#[cfg(unix)]
fn page(pty: &Pty) -> Url {
    let text = pty.text();
    let (line, column) = text
        .lines()
        .enumerate()
        .find_map(|(at, line)| {
            Some((at, line.chars().collect::<String>().find("http://127.0.0.1")?))
                .filter(|_| line.contains("/oauth2/"))
        })
        .expect("the page");
    let column = text.lines().nth(line).unwrap()[..column].chars().count();
    let pieces = text.lines().skip(line).map(|line| {
        let piece: String = line.chars().skip(column).take_while(|letter| *letter != '┃').collect();
        piece.trim().to_owned()
    });
    Url::parse(&pieces.take_while(|piece| !piece.is_empty()).collect::<String>()).unwrap()
}
