//! Opening a web page in the user's browser.

use std::process::Stdio;

use tokio::process::Command;
use url::Url;

use crate::engine::SIGN_IN_TIMEOUT;
use crate::net::oauth::callback::RedirectPage;

#[cfg(target_os = "macos")]
const OPENER: &[&str] = &["open"];
#[cfg(windows)]
const OPENER: &[&str] = &["rundll32", "url.dll,FileProtocolHandler"];
#[cfg(not(any(target_os = "macos", windows)))]
const OPENER: &[&str] = &["xdg-open"];

/// Opens a page. Does nothing in an SSH session, where the user would not see the browser, or
/// without an opener.
///
/// A URL with a query, as that of a sign-in, is not given to the opener, because every user of the
/// machine can read the arguments of a program: the opener gets the URL of a [`RedirectPage`].
pub fn open(url: &Url) {
    if !matches!(url.scheme(), "http" | "https") || is_remote() {
        return;
    }
    if url.query().is_none() {
        return start_opener(url);
    }
    let destination = url.clone();
    tokio::spawn(async move {
        match RedirectPage::bind(destination).await {
            Ok(page) => {
                start_opener(page.address());
                page.serve(SIGN_IN_TIMEOUT).await;
            }
            Err(error) => tracing::warn!(%error, "no browser was opened"),
        }
    });
}

/// Starts the program that opens the browser. The URL is one argument and never passes through a
/// shell.
fn start_opener(url: &Url) {
    let mut command = Command::new(OPENER[0]);
    command.args(&OPENER[1..]).arg(url.as_str());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // Own process group: input typed at the terminal is not for the browser.
    #[cfg(unix)]
    command.process_group(0);
    if let Err(error) = command.spawn() {
        tracing::debug!(%error, "no browser");
    }
}

/// Returns whether this is an SSH session.
pub fn is_remote() -> bool {
    ["SSH_CONNECTION", "SSH_TTY"].iter().any(|name| std::env::var_os(name).is_some())
}
