//! Tests of the way from the program to the browser: the program that opens the browser gets the
//! address of a page on loopback, not that of the sign-in.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use tempfile::TempDir;
use url::Url;

use super::browser::{
    WaitingCommand, open_callback, page_on_screen, press_consent_button, query_parameter,
};
use super::{SESSION, client, home_with_simulator};
use crate::support::program::Home;
use crate::support::wait_until;

/// A folder with scripts in place of the programs that open the browser; they record their
/// arguments.
struct Opener(TempDir);

impl Opener {
    fn new() -> Self {
        let opener = Self(TempDir::new().unwrap());
        let record = opener.0.path().join("arguments");
        let text = format!(
            "#!/bin/sh\nprintf '%s\\n' \"$@\" > {0}.new && mv {0}.new {0}\n",
            record.display()
        );
        for name in ["xdg-open", "open"] {
            let path = opener.0.path().join(name);
            fs::write(&path, &text).unwrap();
            fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        opener
    }

    /// The home whose commands find the scripts first.
    fn in_path_of(&self, home: Home) -> Home {
        let path = std::env::var("PATH").unwrap();
        home.with("PATH", &format!("{}:{path}", self.0.path().display()))
    }

    /// The arguments of the script, once it was started.
    async fn arguments(&self) -> String {
        let record = self.0.path().join("arguments");
        wait_until("the browser is opened", async || record.exists()).await;
        fs::read_to_string(record).unwrap()
    }
}

/// Status and destination of a page, requested under this host name.
async fn visit(page: &Url, host: &str) -> Option<(u16, Option<String>)> {
    let answer = client().get(page.clone()).header("host", host).send().await.ok()?;
    let location = answer.headers().get("location");
    Some((answer.status().as_u16(), location.map(|to| to.to_str().unwrap().to_owned())))
}

#[tokio::test]
async fn the_address_of_a_sign_in_is_no_argument_of_a_program() {
    let (home, simulator) = home_with_simulator();
    let opener = Opener::new();
    let home = opener.in_path_of(home);
    let waiting = WaitingCommand::for_app_with(&home, &simulator, &[]);
    let arguments = opener.arguments().await;
    let page = Url::parse(arguments.trim_end()).unwrap();
    assert_eq!((page.host_str(), page.query()), (Some("127.0.0.1"), None), "{page}");
    for name in ["state", "client_id", "code_challenge"] {
        let value = query_parameter(&waiting.visit, name);
        assert!(!arguments.contains(&value), "{name} is in the arguments: {arguments}");
    }

    let own = page.authority();
    for (address, host) in [
        (&page, "evil.example"),
        (&page, "127.0.0.1"),
        (&page.join("/").unwrap(), own),
        (&page.join("/0").unwrap(), own),
    ] {
        let refused = visit(address, host).await;
        assert_eq!(refused, Some((404, None)), "{address} under the host {host}");
    }
    let posted = client().post(page.clone()).send().await.unwrap();
    assert_eq!(posted.status(), 404, "only a GET is redirected");
    assert_eq!(visit(&page, own).await, Some((302, Some(waiting.visit.to_string()))));
    wait_until("the page is gone", async || visit(&page, own).await.is_none()).await;

    open_callback(press_consent_button(&waiting.visit, "allow").await).await.unwrap();
    waiting.end().expect(0);
}

#[tokio::test]
async fn the_screen_opens_the_sign_in_in_the_same_way() {
    let (home, simulator) = home_with_simulator();
    home.add_seeded(&simulator, SESSION).expect(0);
    let opener = Opener::new();
    let home = opener.in_path_of(home);
    let mut pty = home.unlocked_screen();
    pty.send("l");
    let sign_in = page_on_screen(&pty);
    let page = Url::parse(opener.arguments().await.trim_end()).unwrap();
    assert_eq!(page.query(), None, "{page}");
    assert_eq!(visit(&page, page.authority()).await, Some((302, Some(sign_in.to_string()))));
    pty.send("\x1b");
    pty.expect_gone("Waiting for the browser");
    pty.send("q");
    assert_eq!(pty.code(), 0);
}
