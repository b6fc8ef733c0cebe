//! Opens a page in the person's browser.

use std::process::Stdio;

use tokio::process::Command;
use url::Url;

#[cfg(target_os = "macos")]
const OPENER: &[&str] = &["open"];
#[cfg(windows)]
const OPENER: &[&str] = &["rundll32", "url.dll,FileProtocolHandler"];
#[cfg(not(any(target_os = "macos", windows)))]
const OPENER: &[&str] = &["xdg-open"];

/// Opens a page, or does nothing where there is no browser to be seen: on the far side of an SSH connection, or
/// without an opener. The address is one argument of the opener and never passes a shell.
pub fn open(url: &Url) {
    if !matches!(url.scheme(), "http" | "https") || is_remote() {
        return;
    }
    let mut command = Command::new(OPENER[0]);
    command.args(&OPENER[1..]).arg(url.as_str());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // Its own group: what is typed at the terminal is not for the browser.
    #[cfg(unix)]
    command.process_group(0);
    if let Err(error) = command.spawn() {
        tracing::debug!(%error, "no browser");
    }
}

/// Whether the person sits at another machine.
pub fn is_remote() -> bool {
    ["SSH_CONNECTION", "SSH_TTY"].iter().any(|name| std::env::var_os(name).is_some())
}
