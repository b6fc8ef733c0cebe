//! Copying for the user: secrets, which are cleared after their time, and other texts.
//!
//! `clipboard` knows the methods of copying. Start with [`ClipboardService::copy_secret`].

use std::sync::Arc;
use std::time::Duration;

use super::clipboard::{ClearResult, Clipboard, ClipboardContentKind, CopyResult};
use super::ports::SharedPorts;
use super::secret_tasks::SecretEvent;
use crate::domain::{Problem, Secret};

/// The clipboard, for the user.
pub struct ClipboardService {
    clipboard: Arc<Clipboard>,
    clipboard_seconds: u64,
}

impl ClipboardService {
    /// Creates the service.
    pub(super) fn new(ports: &SharedPorts) -> Self {
        Self {
            clipboard: Arc::clone(&ports.clipboard),
            clipboard_seconds: ports.options.clipboard_seconds,
        }
    }

    /// Copies a secret to the clipboard, reports how, and clears or overwrites it after its time. If
    /// the future is dropped, that happens when the run ends.
    pub async fn copy_secret(
        &self,
        secret: Arc<Secret>,
        mut on_event: impl FnMut(SecretEvent) + Send,
    ) -> Result<(), Problem> {
        let (copied, number) = self.clipboard.copy(secret, ClipboardContentKind::Secret).await?;
        let seconds = self.clipboard_seconds;
        let clear_after_seconds = Some(seconds);
        on_event(SecretEvent::Copied(CopyResult { clear_after_seconds, ..copied }));
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        on_event(SecretEvent::Cleared(self.clipboard.clear(number).await?));
        Ok(())
    }

    /// Copies a text without secrets to the clipboard.
    pub async fn copy_text(&self, text: String) -> Result<CopyResult, Problem> {
        Ok(self
            .clipboard
            .copy(Arc::new(Secret::from_text(text)), ClipboardContentKind::Plain)
            .await?
            .0)
    }

    /// Clears the clipboard if it still holds a secret that was copied in this run.
    pub async fn clear(&self) -> Result<ClearResult, Problem> {
        self.clipboard.clear_last().await
    }
}
