//! A real browser at the page of consent: Debian's Chromium, without a window, driven by `chromedriver`.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::visitor::Waiting;
use super::{client, met};
use crate::support::{PATIENCE, have, until};

/// Without a window and without a word to anybody.
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

/// A browser with one page.
struct Browser {
    driver: Child,
    session: String,
    _profile: TempDir,
}

impl Browser {
    async fn start() -> Self {
        let profile = TempDir::new().unwrap();
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .env("HOME", profile.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let port = port(driver.stdout.take().unwrap());
        let data = format!("--user-data-dir={}", profile.path().display());
        let flags: Vec<&str> = FLAGS.iter().copied().chain([data.as_str()]).collect();
        let wish = json!({"capabilities": {"alwaysMatch": {"goog:chromeOptions": {"args": flags}}}});
        let root = format!("http://127.0.0.1:{port}/session");
        let opened = ask(client().post(&root).body(wish.to_string())).await;
        let id = opened["value"]["sessionId"].as_str().unwrap_or_else(|| panic!("no session: {opened}"));
        Self { driver, session: format!("{root}/{id}"), _profile: profile }
    }

    async fn visit(&self, url: &str) {
        self.command("url", json!({"url": url})).await;
    }

    /// Presses the first element that the selector finds.
    async fn press(&self, selector: &str) {
        let found = self.command("element", json!({"using": "css selector", "value": selector})).await;
        let element = found["value"].as_object().unwrap().values().next().unwrap().as_str().unwrap().to_owned();
        self.command(&format!("element/{element}/click"), json!({})).await;
    }

    /// The headline and what stands below it, once the headline is `title`.
    async fn read(&self, title: &str) -> String {
        let text = async || self.text().await.unwrap_or_default();
        until(&format!("the page says \"{title}\""), async || text().await.starts_with(title)).await;
        text().await
    }

    async fn text(&self) -> Option<String> {
        let script = json!({"script": "return document.body.innerText", "args": []});
        Some(self.command("execute/sync", script).await["value"].as_str()?.trim().to_owned())
    }

    async fn command(&self, name: &str, body: Value) -> Value {
        ask(client().post(format!("{}/{name}", self.session)).body(body.to_string())).await
    }

    async fn close(mut self) {
        ask(client().delete(&self.session)).await;
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

async fn ask(request: reqwest::RequestBuilder) -> Value {
    request.send().await.unwrap().json().await.unwrap()
}

/// The port that the driver says it listens at. What else it says is read too, so that it never waits for a reader.
fn port(out: impl std::io::Read + Send + 'static) -> u16 {
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let lines = BufReader::new(out).lines().map_while(Result::ok);
        let ports =
            lines.filter_map(|line| line.split("started successfully on port ").nth(1)?.trim_end_matches('.').parse().ok());
        ports.for_each(|port| sender.send(port).unwrap_or_default());
    });
    receiver.recv_timeout(PATIENCE).expect("chromedriver names its port")
}

#[tokio::test]
async fn a_person_allows_in_a_real_browser() {
    if !have(&["chromium", "chromedriver"]) {
        return;
    }
    let (home, world) = met();
    let waiting = Waiting::for_app(&home, &world);
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
async fn a_person_denies_in_a_real_browser() {
    if !have(&["chromium", "chromedriver"]) {
        return;
    }
    let (home, world) = met();
    let waiting = Waiting::for_app(&home, &world);
    let browser = Browser::start().await;
    browser.visit(waiting.visit.as_str()).await;
    browser.press("button[value=deny]").await;
    assert!(browser.read("Not signed in: The sign-in was denied").await.contains("access_denied"));
    browser.close().await;
    waiting.end().expect(4);
    home.run(&["show", "triage"]).expect(3);
}
