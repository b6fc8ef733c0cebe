//! Clipboard: three ways to reach it, reported honestly. The desktop's is cleared only while it still
//! holds what tokenring copied. A terminal's cannot be read, so it is overwritten with a blank, and a
//! secret is passed to it only with the user's consent.
//!
//! The copied text is remembered as a salted hash, never as text. One long-lived owner serves the
//! desktop clipboard, because on X11 and Wayland the content disappears with its owner. Start with
//! `Clipboard`.

mod osc52;
pub(super) mod service;

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use arboard::Clipboard as Desktop;
use zeroize::Zeroizing;

use crate::config::ClipboardChoice;
use crate::domain::Secret;
use crate::domain::problem::Problem;
use crate::engine::fingerprints::HmacKey;
use crate::engine::ports::{random_bytes, task_panicked};

/// Result of copying to the clipboard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyResult {
    /// The method that worked.
    pub method: ClipboardMethod,
    /// Whether the copy is confirmed; a terminal does not confirm it.
    pub verified: bool,
    /// Seconds until the clipboard is cleared or overwritten; `None` for a text without secrets.
    pub clear_after_seconds: Option<u64>,
}

/// Method of copying to the clipboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClipboardMethod {
    /// The desktop clipboard.
    Native,
    /// The paste buffer of tmux, which passes the text to the outer terminal.
    Tmux,
    /// The terminal escape sequence OSC 52.
    Osc52,
    /// OSC 52 inside a device control string, which GNU screen passes to the outer terminal.
    GnuScreen,
}

/// Result of clearing the clipboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClearResult {
    /// The clipboard is empty now.
    Cleared,
    /// The terminal was asked to overwrite its clipboard with a blank, which it does not confirm.
    Overwritten,
    /// The clipboard holds something else by now, which was left alone.
    ContentReplaced,
    /// This copy method cannot be cleared.
    Unsupported,
}

/// Name of the tmux buffer that holds the text while it is handed on.
const TMUX_BUFFER: &str = "tokenring";

/// What overwrites a secret on the clipboard of a terminal. Terminals and tmux ignore an empty text.
const BLANK: &str = " ";

/// Clipboard of this run.
pub(super) struct Clipboard {
    choice: ClipboardChoice,
    contents: Arc<Mutex<ClipboardContents>>,
}

#[derive(Default)]
struct ClipboardContents {
    desktop: Option<Desktop>,
    copied_hash: Option<ContentHash>,
    /// Method by which a secret was copied to the clipboard of a terminal.
    terminal_method: Option<ClipboardMethod>,
    copy_count: u64,
}

/// Kind of the copied text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ClipboardContentKind {
    /// A secret: hidden from clipboard managers, cleared again, and passed to a terminal only with
    /// this consent.
    Secret(TerminalCopyConsent),
    /// A text without secrets: it stays until something else is copied.
    Plain,
}

/// Whether the user agreed to copy a secret through the terminal, whose clipboard can neither be
/// read nor verifiably cleared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TerminalCopyConsent {
    /// The user was not asked: only the desktop clipboard is used.
    #[default]
    NotGiven,
    /// The user read what a terminal does not promise, and agreed.
    Given,
}

/// Copy through the terminal that awaits the user's consent. Nothing was copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TerminalCopyOffer {
    /// The method that would be used.
    pub method: ClipboardMethod,
    /// Why the desktop clipboard was not used; `None` if it was not tried.
    pub desktop_failure: Option<String>,
}

/// Outcome of an attempt to copy.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum CopyAttempt {
    /// The text was copied.
    Copied(CopyResult, CopyId),
    /// Nothing was copied: only the terminal is left, and the user has not agreed to it.
    Offered(TerminalCopyOffer),
}

/// Identifies one copy, so that clearing an earlier copy does not clear a later one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CopyId(u64);

/// Salted hash of what was put on the desktop clipboard: recognizable but not readable.
struct ContentHash {
    salt: [u8; 16],
    digest: [u8; 32],
}

impl Clipboard {
    /// Creates a clipboard that uses the chosen method. Opens nothing yet.
    pub(super) fn new(choice: ClipboardChoice) -> Self {
        Self { choice, contents: Arc::default() }
    }

    /// Copies with the first method that works. A secret is passed to a terminal only with consent.
    pub(super) async fn copy(
        &self,
        text: Arc<Secret>,
        content: ClipboardContentKind,
    ) -> Result<CopyAttempt, Problem> {
        let methods = self.methods();
        self.with_contents(move |contents| copy_by_first_method(&methods, contents, &text, content))
            .await
    }

    /// Returns the offer to copy a secret through the terminal, if no other method is available and
    /// the user has not agreed to it. Copies nothing, so that the secret is not read in vain.
    pub(super) async fn terminal_offer(
        &self,
        consent: TerminalCopyConsent,
    ) -> Result<Option<TerminalCopyOffer>, Problem> {
        if consent == TerminalCopyConsent::Given {
            return Ok(None);
        }
        let methods = self.methods();
        self.with_contents(move |contents| Ok(offer_without_desktop(&methods, contents))).await
    }

    /// Returns the methods that would be tried, in order, and whether each is available. Copies
    /// nothing.
    pub(super) async fn probe_methods(&self) -> Vec<(ClipboardMethod, Result<(), String>)> {
        let methods = self.methods();
        let probes = self.with_contents(move |contents| {
            Ok(methods
                .into_iter()
                .map(|method| (method, probe_method(method, contents)))
                .collect::<Vec<_>>())
        });
        probes.await.unwrap_or_default()
    }

    /// Clears the desktop clipboard if it still holds what that copy put there.
    pub(super) async fn clear(&self, copy: CopyId) -> Result<ClearResult, Problem> {
        self.with_contents(move |contents| {
            if contents.copy_count == copy.0 {
                clear_if_ours(contents)
            } else {
                Ok(ClearResult::ContentReplaced)
            }
        })
        .await
    }

    /// Clears the desktop clipboard if it still holds a secret that was copied in this run.
    pub(super) async fn clear_last(&self) -> Result<ClearResult, Problem> {
        self.with_contents(clear_if_ours).await
    }

    /// Runs clipboard work off the drawing task, because the desktop may block for any time.
    async fn with_contents<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut ClipboardContents) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let contents = Arc::clone(&self.contents);
        let work = move || work(&mut contents.lock().unwrap_or_else(PoisonError::into_inner));
        tokio::task::spawn_blocking(work).await.map_err(|_| task_panicked())?
    }

    fn methods(&self) -> Vec<ClipboardMethod> {
        methods_for(self.choice)
    }
}

fn methods_for(choice: ClipboardChoice) -> Vec<ClipboardMethod> {
    match choice {
        ClipboardChoice::Auto => automatic_methods(),
        ClipboardChoice::Native => vec![ClipboardMethod::Native],
        ClipboardChoice::Tmux => vec![ClipboardMethod::Tmux],
        ClipboardChoice::Osc52 => vec![osc52::method_here()],
        ClipboardChoice::None => Vec::new(),
    }
}

/// Chooses the desktop clipboard first on a local desktop; inside tmux its buffer, since tmux drops
/// OSC 52 by default; else the terminal, through GNU screen where that is in between.
fn automatic_methods() -> Vec<ClipboardMethod> {
    let has = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let remote = has("SSH_CONNECTION") || has("SSH_TTY");
    let desktop =
        cfg!(any(windows, target_os = "macos")) || has("DISPLAY") || has("WAYLAND_DISPLAY");
    let terminal = if has("TMUX") { ClipboardMethod::Tmux } else { osc52::method_here() };
    if desktop && !remote { vec![ClipboardMethod::Native, terminal] } else { vec![terminal] }
}

/// Returns the offer of the terminal method that remains where the desktop clipboard is not
/// available.
fn offer_without_desktop(
    methods: &[ClipboardMethod],
    contents: &mut ClipboardContents,
) -> Option<TerminalCopyOffer> {
    let mut desktop_failure = None;
    for method in methods {
        match method {
            ClipboardMethod::Native => desktop_failure = Some(open_desktop(contents).err()?),
            ClipboardMethod::Tmux | ClipboardMethod::Osc52 | ClipboardMethod::GnuScreen => {
                return Some(TerminalCopyOffer { method: *method, desktop_failure });
            }
        }
    }
    None
}

fn copy_by_first_method(
    methods: &[ClipboardMethod],
    contents: &mut ClipboardContents,
    secret: &Secret,
    content: ClipboardContentKind,
) -> Result<CopyAttempt, Problem> {
    let is_secret = content != ClipboardContentKind::Plain;
    let mut causes = Vec::new();
    for method in methods {
        let by_terminal = is_secret && *method != ClipboardMethod::Native;
        if by_terminal && content == ClipboardContentKind::Secret(TerminalCopyConsent::NotGiven) {
            return Ok(CopyAttempt::Offered(TerminalCopyOffer {
                method: *method,
                desktop_failure: causes.pop(),
            }));
        }
        let tried = match method {
            ClipboardMethod::Native => copy_to_desktop(contents, secret, content),
            ClipboardMethod::Tmux => copy_to_tmux(secret),
            ClipboardMethod::Osc52 | ClipboardMethod::GnuScreen => copy_to_terminal(secret),
        };
        match tried {
            Ok(()) => {
                contents.terminal_method = by_terminal.then_some(*method);
                contents.copy_count += 1;
                let result = CopyResult {
                    method: *method,
                    verified: *method == ClipboardMethod::Native,
                    clear_after_seconds: None,
                };
                return Ok(CopyAttempt::Copied(result, CopyId(contents.copy_count)));
            }
            Err(cause) => causes.push(cause),
        }
    }
    let why = if causes.is_empty() {
        "the setting is clipboard = \"none\"".to_owned()
    } else {
        causes.join("; ")
    };
    Err(nothing_copied(why, content))
}

/// Returns the problem that no method copied the text.
pub(super) fn nothing_copied(why: impl Into<String>, content: ClipboardContentKind) -> Problem {
    let other_way = match content {
        ClipboardContentKind::Secret(_) => "reveal the secret",
        ClipboardContentKind::Plain => "write the text to a file",
    };
    let remedy = format!("set `clipboard` to another method in config.toml, or {other_way}");
    Problem::new("Nothing was copied", why, remedy)
}

fn probe_method(method: ClipboardMethod, contents: &mut ClipboardContents) -> Result<(), String> {
    match method {
        ClipboardMethod::Native => open_desktop(contents).map(drop),
        ClipboardMethod::Tmux => {
            let mut command = Command::new("tmux");
            command
                .args(["display-message", "-p", ""])
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            let status = command.status().map_err(|error| format!("tmux: {error}"))?;
            if status.success() { Ok(()) } else { Err("tmux does not respond".to_owned()) }
        }
        ClipboardMethod::Osc52 | ClipboardMethod::GnuScreen => {
            terminal().map(drop).map_err(|error| format!("the terminal: {error}"))
        }
    }
}

/// Returns the desktop clipboard, which is opened once per run.
fn open_desktop(contents: &mut ClipboardContents) -> Result<&mut Desktop, String> {
    if contents.desktop.is_none() {
        contents.desktop =
            Some(Desktop::new().map_err(|error| format!("no desktop clipboard: {error}"))?);
    }
    contents.desktop.as_mut().ok_or_else(|| "no desktop clipboard".to_owned())
}

fn copy_to_desktop(
    contents: &mut ClipboardContents,
    secret: &Secret,
    content: ClipboardContentKind,
) -> Result<(), String> {
    let mut text = secret_as_text(secret)?;
    let hash = ContentHash::from_text(&text)?;
    let desktop = open_desktop(contents)?;
    // The owner of the clipboard must hold the text; it is gone when the clipboard is cleared or
    // the process ends.
    let handed_over = std::mem::take(&mut *text);
    let is_secret = content != ClipboardContentKind::Plain;
    let set = if is_secret { concealed(desktop.set()) } else { desktop.set() };
    set.text(handed_over).map_err(|error| format!("the desktop clipboard: {error}"))?;
    contents.copied_hash = is_secret.then_some(hash);
    Ok(())
}

#[cfg(target_os = "linux")]
fn concealed(set: arboard::Set<'_>) -> arboard::Set<'_> {
    arboard::SetExtLinux::exclude_from_history(set)
}

#[cfg(target_os = "macos")]
fn concealed(set: arboard::Set<'_>) -> arboard::Set<'_> {
    arboard::SetExtApple::exclude_from_history(set)
}

#[cfg(windows)]
fn concealed(set: arboard::Set<'_>) -> arboard::Set<'_> {
    use arboard::SetExtWindows as _;
    set.exclude_from_monitoring().exclude_from_cloud().exclude_from_history()
}

/// Passes the secret to the outer terminal through tmux, by standard input, and deletes it from
/// tmux again.
fn copy_to_tmux(secret: &Secret) -> Result<(), String> {
    let loaded = Command::new("tmux")
        .args(["load-buffer", "-w", "-b", TMUX_BUFFER, "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .and_then(|mut child| {
            if let Some(mut input) = child.stdin.take() {
                secret.expose(|bytes| input.write_all(bytes))?;
            }
            child.wait()
        })
        .map_err(|error| format!("tmux: {error}"))?;
    let deleted = Command::new("tmux")
        .args(["delete-buffer", "-b", TMUX_BUFFER])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    match (loaded.success(), deleted.is_ok_and(|status| status.success())) {
        (true, true) => Ok(()),
        (true, false) => Err(format!(
            "tmux still holds the copy: delete it with `tmux delete-buffer -b {TMUX_BUFFER}`"
        )),
        (false, _) => Err("tmux rejected the text".to_owned()),
    }
}

/// Sends OSC 52 to the terminal in one write, so that it cannot land in the middle of a frame.
fn copy_to_terminal(secret: &Secret) -> Result<(), String> {
    let sequence = osc52::copy_sequence(secret)?;
    terminal()
        .and_then(|mut terminal| terminal.write_all(&sequence))
        .map_err(|error| format!("the terminal: {error}"))
}

/// Returns whether a terminal of this name ignores unknown sequences. A terminal that does not
/// would show the secret.
#[cfg(any(unix, test))]
fn ignores_unknown_sequences(terminal: &str) -> bool {
    !matches!(terminal, "dumb" | "linux")
}

#[cfg(unix)]
fn terminal() -> std::io::Result<impl std::io::Write> {
    let name = std::env::var("TERM").unwrap_or_default();
    if !ignores_unknown_sequences(&name) {
        let why = format!("the type `{name}` has no clipboard and would show the secret");
        return Err(std::io::Error::new(std::io::ErrorKind::Unsupported, why));
    }
    std::fs::OpenOptions::new().write(true).open("/dev/tty")
}

#[cfg(not(unix))]
fn terminal() -> std::io::Result<impl std::io::Write> {
    std::fs::OpenOptions::new().write(true).open("CONOUT$")
}

fn clear_if_ours(contents: &mut ClipboardContents) -> Result<ClearResult, Problem> {
    if let Some(method) = contents.terminal_method.take() {
        return overwrite_in_terminal(method);
    }
    let (Some(hash), Some(desktop)) = (contents.copied_hash.take(), contents.desktop.as_mut())
    else {
        return Ok(ClearResult::Unsupported);
    };
    let failed = |error: arboard::Error| {
        Problem::new(
            "The clipboard was not cleared",
            error.to_string(),
            "copy something else to overwrite the secret",
        )
    };
    let text = match desktop.get_text() {
        Ok(text) => Zeroizing::new(text),
        Err(arboard::Error::ContentNotAvailable) => return Ok(ClearResult::ContentReplaced),
        Err(error) => return Err(failed(error)),
    };
    if !hash.matches(&text) {
        return Ok(ClearResult::ContentReplaced);
    }
    desktop.clear().map_err(failed)?;
    Ok(ClearResult::Cleared)
}

/// Overwrites the clipboard of the terminal, whatever it holds by now.
fn overwrite_in_terminal(method: ClipboardMethod) -> Result<ClearResult, Problem> {
    let blank = Secret::from_text(BLANK.to_owned());
    let written = match method {
        ClipboardMethod::Tmux => copy_to_tmux(&blank),
        ClipboardMethod::Osc52 | ClipboardMethod::GnuScreen | ClipboardMethod::Native => {
            copy_to_terminal(&blank)
        }
    };
    written.map(|()| ClearResult::Overwritten).map_err(|why| {
        Problem::new(
            "The clipboard was not overwritten",
            why,
            "copy something else to overwrite the secret",
        )
    })
}

impl ContentHash {
    fn from_text(text: &str) -> Result<Self, String> {
        let salt = random_bytes::<16>().map_err(|problem| problem.why)?;
        Ok(Self { salt, digest: salted_digest(&salt, text) })
    }

    fn matches(&self, text: &str) -> bool {
        salted_digest(&self.salt, text) == self.digest
    }
}

fn salted_digest(salt: &[u8; 16], text: &str) -> [u8; 32] {
    HmacKey::new(salt).map(|keyed| keyed.digest(text.as_bytes())).unwrap_or_default()
}

fn secret_as_text(secret: &Secret) -> Result<Zeroizing<String>, String> {
    secret
        .expose(|bytes| std::str::from_utf8(bytes).map(|text| Zeroizing::new(text.to_owned())))
        .map_err(|_| "the secret is not text".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_that_would_show_the_secret_is_sent_nothing() {
        assert!(!ignores_unknown_sequences("dumb") && !ignores_unknown_sequences("linux"));
        assert!(
            ignores_unknown_sequences("xterm-256color")
                && ignores_unknown_sequences("tmux-256color")
        );
    }

    #[test]
    fn a_secret_is_not_passed_to_a_terminal_without_consent() {
        let contents = &mut ClipboardContents::default();
        let secret = Secret::from_text("snyk_uat.example".to_owned());
        for method in [ClipboardMethod::Tmux, ClipboardMethod::Osc52, ClipboardMethod::GnuScreen] {
            let offer = TerminalCopyOffer { method, desktop_failure: None };
            let attempt = copy_by_first_method(
                &[method],
                contents,
                &secret,
                ClipboardContentKind::Secret(TerminalCopyConsent::NotGiven),
            );
            assert_eq!(attempt.unwrap(), CopyAttempt::Offered(offer.clone()));
            assert_eq!(offer_without_desktop(&[method], contents), Some(offer));
        }
        assert!(contents.terminal_method.is_none() && contents.copy_count == 0);
        assert_eq!(offer_without_desktop(&[], contents), None);
    }

    #[test]
    fn a_mark_recognizes_its_text_and_holds_none_of_it() {
        let hash = ContentHash::from_text("snyk_uat.example").unwrap();
        assert!(hash.matches("snyk_uat.example"));
        assert!(!hash.matches("snyk_uat.exampl"));
        assert_ne!(hash.digest, salted_digest(&[0; 16], "snyk_uat.example"));
    }
}
