//! Tasks of secrets: reveal, and copy to the clipboard.

use std::sync::Arc;

use crate::domain::credential::SecretPart;
use crate::domain::{CredentialId, Problem, Secret};
use crate::engine::Engine;
use crate::engine::background::protocol::TaskEvent;
use crate::engine::background::runner::TaskContext;
use crate::engine::clipboard::TerminalCopyConsent;
use crate::engine::clipboard::service::SecretCopyResult;
use crate::engine::credentials::tasks::CredentialEvent;
use crate::engine::secrets::bound_secrets::DisclosureChannel;

/// Reveals the secret of a credential on the screen.
pub(in crate::engine) async fn reveal_secret(
    engine: &Engine,
    id: CredentialId,
    context: &TaskContext,
) -> Result<(), Problem> {
    let secret = Arc::new(disclose_by_id(engine, &id, DisclosureChannel::Reveal).await?);
    context.send_event(TaskEvent::Credential(CredentialEvent::Revealed(id, secret)));
    Ok(())
}

/// Copies the secret of a credential to the clipboard, which is cleared afterwards.
pub(in crate::engine) async fn copy_secret(
    engine: &Engine,
    id: CredentialId,
    consent: TerminalCopyConsent,
    context: &TaskContext,
) -> Result<(), Problem> {
    context.send_event(match copy_by_id(engine, &id, consent, context).await? {
        SecretCopyResult::Cleared(result) => TaskEvent::ClipboardCleared(result),
        SecretCopyResult::Offered(offer) => {
            TaskEvent::Credential(CredentialEvent::TerminalCopyOffered(id, offer))
        }
    });
    Ok(())
}

/// Copies a text without secrets to the clipboard.
pub(in crate::engine) async fn copy_text(
    engine: &Engine,
    text: String,
    context: &TaskContext,
) -> Result<(), Problem> {
    context.send_event(TaskEvent::Copied(engine.clipboard.copy_text(text).await?));
    Ok(())
}

/// Copies a response body to the clipboard. `remedy` is what the user can do where it cannot be
/// copied, for example because it is too large.
pub(in crate::engine) async fn copy_body(
    engine: &Engine,
    text: String,
    remedy: String,
    context: &TaskContext,
) -> Result<(), Problem> {
    let copied = engine.clipboard.copy_text(text).await;
    let copied = copied.map_err(|problem| Problem { remedy, ..problem })?;
    context.send_event(TaskEvent::Copied(copied));
    Ok(())
}

/// Copies the secret of a credential. The secret is not even read where only the terminal could
/// copy it and the user has not agreed to that.
async fn copy_by_id(
    engine: &Engine,
    id: &CredentialId,
    consent: TerminalCopyConsent,
    context: &TaskContext,
) -> Result<SecretCopyResult, Problem> {
    if let Some(offer) = engine.clipboard.terminal_offer(consent).await? {
        return Ok(SecretCopyResult::Offered(offer));
    }
    let secret = Arc::new(disclose_by_id(engine, id, DisclosureChannel::Copy).await?);
    let on_copied = |copied| context.send_event(TaskEvent::Copied(copied));
    engine.clipboard.copy_secret(secret, consent, on_copied).await
}

async fn disclose_by_id(
    engine: &Engine,
    id: &CredentialId,
    channel: DisclosureChannel,
) -> Result<Secret, Problem> {
    let credential = engine.credentials.get(id).await?;
    engine.disclosure.disclose(&credential, &SecretPart::Secret, channel).await
}
