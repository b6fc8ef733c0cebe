//! Tests of a real browser on the consent page: Debian's Chromium, headless, driven by
//! `chromedriver`.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::{Mutex, MutexGuard};

use super::browser::WaitingCommand;
use super::{client, home_with_simulator};
use crate::support::{TEST_TIMEOUT, programs_installed, wait_until};

/// Flags of the browser: headless, and without any network traffic of its own.
const FLAGS: [&str; 9] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
];

/// One browser at a time: two that start at once are a heavy load for a small machine.
static TURN: Mutex<()> = Mutex::const_new(());

/// Maximum number of attempts to start a driver or a browser, which may fail on a busy machine.
const STARTS: usize = 3;

/// A browser with one page.
struct Browser {
    driver: Child,
    session: String,
    _profile: TempDir,
    _turn: MutexGuard<'static, ()>,
}

impl Browser {
    async fn start() -> Self {
        let turn = TURN.lock().await;
        let profile = TempDir::new().unwrap();
        let (driver, port) = (0..STARTS)
            .find_map(|_| start_driver(&profile))
            .expect("chromedriver starts and names its port");
        let root = format!("http://127.0.0.1:{port}/session");
        let session = format!("{root}/{}", open(&root, &profile).await);
        Self { driver, session, _profile: profile, _turn: turn }
    }

    async fn visit(&self, url: &str) {
        self.command("url", json!({"url": url})).await.unwrap();
    }

    /// Clicks the first element that matches the selector until it is gone: a click on a page that
    /// is not painted yet may have no effect. The driver waits for the page that a click leads to,
    /// so no click is repeated that took effect.
    async fn press(&self, selector: &str) {
        let mut tried = false;
        let gone = async || match self.element(selector).await {
            Ok(element) => {
                tried = true;
                if let Err(error) =
                    self.command(&format!("element/{element}/click"), json!({})).await
                {
                    println!("{selector}: {error}");
                }
                false
            }
            Err(error) => tried && error["error"] == "no such element",
        };
        wait_until(&format!("{selector} leads to another page"), gone).await;
    }

    async fn element(&self, selector: &str) -> Result<String, Value> {
        let found =
            self.command("element", json!({"using": "css selector", "value": selector})).await?;
        Ok(found.as_object().and_then(|ids| ids.values().next()?.as_str()).unwrap().to_owned())
    }

    /// Waits until the headline is `title`; returns the headline and the text below it.
    async fn read(&self, title: &str) -> String {
        let mut text = Err(Value::Null);
        wait_until(&format!("the page says \"{title}\""), async || {
            let before = std::mem::replace(&mut text, self.text().await);
            if before != text {
                println!("the page: {text:?}");
            }
            text.as_ref().is_ok_and(|text| text.starts_with(title))
        })
        .await;
        text.unwrap()
    }

    async fn text(&self) -> Result<String, Value> {
        let said = self
            .command(
                "execute/sync",
                json!({"script": "return document.body.innerText", "args": []}),
            )
            .await?;
        Ok(said.as_str().unwrap_or_default().trim().to_owned())
    }

    /// Sends a command to the driver; returns its result, or its error.
    async fn command(&self, name: &str, body: Value) -> Result<Value, Value> {
        value(client().post(format!("{}/{name}", self.session)).body(body.to_string())).await
    }

    async fn close(mut self) {
        value(client().delete(&self.session)).await.unwrap();
        self.driver.kill().unwrap();
        self.driver.wait().unwrap();
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// Starts the driver; `None` if it ends before it names its port, because another process has just
/// taken the one that it picked.
fn start_driver(profile: &TempDir) -> Option<(Child, u16)> {
    let mut driver = Command::new("chromedriver")
        .arg("--port=0")
        .env("HOME", profile.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let port = port(driver.stdout.take().unwrap());
    if port.is_none() {
        let _ = driver.kill();
        let _ = driver.wait();
    }
    port.map(|port| (driver, port))
}

/// Opens a new session; returns its ID.
async fn open(root: &str, profile: &TempDir) -> String {
    let data = format!("--user-data-dir={}", profile.path().display());
    let flags: Vec<&str> = FLAGS.iter().copied().chain([data.as_str()]).collect();
    let wish = json!({"capabilities": {"alwaysMatch": {"goog:chromeOptions": {"args": flags}}}});
    for _ in 0..STARTS {
        match value(client().post(root).body(wish.to_string())).await {
            Ok(opened) => return opened["sessionId"].as_str().unwrap().to_owned(),
            Err(error) => println!("no session: {error}"),
        }
    }
    panic!("the browser does not start")
}

async fn value(request: reqwest::RequestBuilder) -> Result<Value, Value> {
    let answer = request.send().await.unwrap();
    let is_success = answer.status().is_success();
    let value = answer.json::<Value>().await.unwrap()["value"].take();
    if is_success { Ok(value) } else { Err(value) }
}

/// The port that the driver prints. Its further output is read too, so that the driver never
/// blocks.
fn port(out: impl std::io::Read + Send + 'static) -> Option<u16> {
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let lines = BufReader::new(out).lines().map_while(Result::ok);
        let ports = lines.filter_map(|line| {
            line.split("started successfully on port ").nth(1)?.trim_end_matches('.').parse().ok()
        });
        ports.for_each(|port| sender.send(port).unwrap_or_default());
    });
    receiver.recv_timeout(TEST_TIMEOUT).ok()
}

#[tokio::test]
async fn a_user_allows_in_a_real_browser() {
    if !programs_installed(&["chromium", "chromedriver"]) {
        return;
    }
    let (home, simulator) = home_with_simulator();
    let waiting = WaitingCommand::for_app(&home, &simulator);
    let browser = Browser::start().await;
    browser.visit(waiting.visit.as_str()).await;
    assert!(browser.read("Let triage-app act for you?").await.contains("Allow"));
    browser.press("button[value=allow]").await;
    assert!(browser.read("Signed in").await.contains("You can close this page"));
    browser.close().await;
    waiting.end().expect(0);
    home.run(&["check", "triage"]).expect(0);
}

#[tokio::test]
async fn a_user_denies_in_a_real_browser() {
    if !programs_installed(&["chromium", "chromedriver"]) {
        return;
    }
    let (home, simulator) = home_with_simulator();
    let waiting = WaitingCommand::for_app(&home, &simulator);
    let browser = Browser::start().await;
    browser.visit(waiting.visit.as_str()).await;
    browser.read("Let triage-app act for you?").await;
    browser.press("button[value=deny]").await;
    assert!(browser.read("Not signed in: The sign-in was denied").await.contains("access_denied"));
    browser.close().await;
    waiting.end().expect(4);
    home.run(&["show", "triage"]).expect(3);
}
