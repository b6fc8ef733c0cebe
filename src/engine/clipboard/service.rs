//! Copying for the user: secrets, which are cleared after their time, and other texts.
//!
//! `clipboard` knows the methods of copying. Start with [`ClipboardService::copy_secret`].

use std::sync::Arc;
use std::time::Duration;

use crate::domain::{Problem, Secret};
use crate::engine::clipboard::{
    ClearResult, Clipboard, ClipboardContentKind, CopyAttempt, CopyResult, TerminalCopyConsent,
    TerminalCopyOffer, nothing_copied,
};
use crate::engine::ports::SharedPorts;

/// The clipboard, for the user.
pub struct ClipboardService {
    clipboard: Arc<Clipboard>,
    clipboard_seconds: u64,
}

/// How the copy of a secret ended.
pub enum SecretCopyResult {
    /// It was copied, and its time is up.
    Cleared(ClearResult),
    /// Nothing was copied: the secret would pass through the terminal, and the user decides.
    Offered(TerminalCopyOffer),
}

impl ClipboardService {
    /// Creates the service.
    pub(in crate::engine) fn new(ports: &SharedPorts) -> Self {
        Self {
            clipboard: Arc::clone(&ports.clipboard),
            clipboard_seconds: ports.options.clipboard_seconds,
        }
    }

    /// Returns the offer to copy a secret through the terminal, if no other clipboard is available
    /// and the user has not agreed to that.
    pub async fn terminal_offer(
        &self,
        consent: TerminalCopyConsent,
    ) -> Result<Option<TerminalCopyOffer>, Problem> {
        self.clipboard.terminal_offer(consent).await
    }

    /// Copies a secret to the clipboard, reports how, and clears or overwrites it after its time. If
    /// the future is dropped, that happens when the run ends. Without consent, the secret is not
    /// passed to a terminal; the offer to do so is returned instead.
    pub async fn copy_secret(
        &self,
        secret: Arc<Secret>,
        consent: TerminalCopyConsent,
        on_copied: impl FnOnce(CopyResult) + Send,
    ) -> Result<SecretCopyResult, Problem> {
        let attempt = self.clipboard.copy(secret, ClipboardContentKind::Secret(consent)).await?;
        let (copied, number) = match attempt {
            CopyAttempt::Copied(copied, number) => (copied, number),
            CopyAttempt::Offered(offer) => return Ok(SecretCopyResult::Offered(offer)),
        };
        let seconds = self.clipboard_seconds;
        let clear_after_seconds = Some(seconds);
        on_copied(CopyResult { clear_after_seconds, ..copied });
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        self.clipboard.clear(number).await.map(SecretCopyResult::Cleared)
    }

    /// Copies a text without secrets to the clipboard.
    pub async fn copy_text(&self, text: String) -> Result<CopyResult, Problem> {
        let text = Arc::new(Secret::from_text(text));
        match self.clipboard.copy(text, ClipboardContentKind::Plain).await? {
            CopyAttempt::Copied(copied, _) => Ok(copied),
            CopyAttempt::Offered(_) => {
                Err(nothing_copied("the terminal was not allowed", ClipboardContentKind::Plain))
            }
        }
    }

    /// Clears the clipboard if it still holds a secret that was copied in this run.
    pub async fn clear(&self) -> Result<ClearResult, Problem> {
        self.clipboard.clear_last().await
    }
}
