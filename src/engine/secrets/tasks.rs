//! Tasks and events of secrets: reveal, copy, and clear the clipboard.
//!
//! Start with `run_task`.

use std::sync::Arc;

use super::disclosure::DisclosureChannel;
use crate::domain::credential::SecretPart;
use crate::domain::{CredentialId, Problem, Secret};
use crate::engine::background::protocol::TaskEvent;
use crate::engine::background::runner::TaskContext;
use crate::engine::clipboard::{ClearResult, CopyResult, TerminalCopyConsent, TerminalCopyOffer};
use crate::engine::{Engine, generate_passphrase};

/// Task on the secret of a credential.
pub enum SecretTask {
    /// Reveal the secret on the screen.
    Reveal(CredentialId),
    /// Copy the secret to the clipboard, which is cleared afterwards.
    Copy(CredentialId, TerminalCopyConsent),
    /// Copy a text without secrets to the clipboard.
    CopyText(String),
    /// Copy a response body to the clipboard.
    CopyBody {
        /// The body.
        text: String,
        /// What the user can do where it cannot be copied, for example because it is too large.
        remedy: String,
    },
    /// Clear the clipboard if it still holds the copied secret.
    ClearClipboard,
    /// Generate a passphrase for a new encrypted file.
    GeneratePassphrase,
}

/// Event on a secret or the clipboard.
pub enum SecretEvent {
    /// The secret, for the screen. It is wiped when the last holder drops it.
    Revealed(CredentialId, Arc<Secret>),
    /// Something was copied.
    Copied(CopyResult),
    /// Nothing was copied: the secret would pass through the terminal, and the user decides.
    TerminalCopyOffered(CredentialId, TerminalCopyOffer),
    /// A generated passphrase, for the screen. It is wiped when the last holder drops it.
    PassphraseGenerated(Arc<Secret>),
    /// Result of clearing the clipboard.
    Cleared(ClearResult),
}

/// Runs a task of this area.
pub(in crate::engine) async fn run_task(
    engine: &Engine,
    task: SecretTask,
    context: &TaskContext,
) -> Result<(), Problem> {
    match task {
        SecretTask::Reveal(id) => {
            let secret = Arc::new(disclose_by_id(engine, &id, DisclosureChannel::Reveal).await?);
            context.send_event(TaskEvent::Secret(SecretEvent::Revealed(id, secret)));
        }
        SecretTask::Copy(id, consent) => {
            if let Some(offer) = copy_by_id(engine, &id, consent, context).await? {
                let event = SecretEvent::TerminalCopyOffered(id, offer);
                context.send_event(TaskEvent::Secret(event));
            }
        }
        SecretTask::GeneratePassphrase => {
            let event = SecretEvent::PassphraseGenerated(Arc::new(generate_passphrase()?));
            context.send_event(TaskEvent::Secret(event));
        }
        SecretTask::CopyText(text) => context.send_event(TaskEvent::Secret(SecretEvent::Copied(
            engine.clipboard.copy_text(text).await?,
        ))),
        SecretTask::CopyBody { text, remedy } => {
            let copied = engine.clipboard.copy_text(text).await;
            let copied = copied.map_err(|problem| Problem { remedy, ..problem })?;
            context.send_event(TaskEvent::Secret(SecretEvent::Copied(copied)));
        }
        SecretTask::ClearClipboard => context
            .send_event(TaskEvent::Secret(SecretEvent::Cleared(engine.clipboard.clear().await?))),
    }
    Ok(())
}

/// Copies the secret of a credential. The secret is not even read where only the terminal could
/// copy it and the user has not agreed to that.
async fn copy_by_id(
    engine: &Engine,
    id: &CredentialId,
    consent: TerminalCopyConsent,
    context: &TaskContext,
) -> Result<Option<TerminalCopyOffer>, Problem> {
    let offer = engine.clipboard.terminal_offer(consent).await?;
    if offer.is_some() {
        return Ok(offer);
    }
    let secret = Arc::new(disclose_by_id(engine, id, DisclosureChannel::Copy).await?);
    let on_event = |event| context.send_event(TaskEvent::Secret(event));
    engine.clipboard.copy_secret(secret, consent, on_event).await
}

async fn disclose_by_id(
    engine: &Engine,
    id: &CredentialId,
    channel: DisclosureChannel,
) -> Result<Secret, Problem> {
    let credential = engine.credentials.get(id).await?;
    engine.disclosure.disclose(&credential, &SecretPart::Secret, channel).await
}
