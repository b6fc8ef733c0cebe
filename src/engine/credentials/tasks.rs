//! Tasks and events of the credentials: list, add, edit, remove, identify and import.
//!
//! Start with `run_task`.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::classify::ClassificationResult;
use super::import::ImportCandidate;
use crate::database::RegionCheckResult;
use crate::domain::consumer::Consumer;
use crate::domain::diagnosis::refusal::RefusalDiagnosis;
use crate::domain::identify::IdentificationCandidate;
use crate::domain::{Credential, CredentialId, CredentialName, Problem, Secret};
use crate::engine::Engine;
use crate::engine::background::protocol::TaskEvent;
use crate::engine::background::runner::TaskContext;
use crate::engine::clipboard::{TerminalCopyConsent, TerminalCopyOffer};
use crate::engine::credential_changes::{CredentialEdit, NewCredential};
use crate::engine::secrets::bound_secrets::read_key_file;
use crate::engine::secrets::tasks as secret_tasks;
use crate::engine::secrets::token_cache::TokenLifetime;

/// Task on the credentials and their secrets.
pub enum CredentialTask {
    /// Load all credentials from the index.
    Load,
    /// Identify a pasted secret.
    Identify(Arc<Secret>),
    /// Identify the private key in a file.
    IdentifyFile(String),
    /// Add a credential.
    Add(NewCredential, ClassifyPolicy),
    /// Edit a credential.
    Edit(CredentialId, CredentialEdit),
    /// Delete a credential and its secret from tokenring; the provider is not contacted.
    Remove(CredentialId),
    /// Reveal the secret on the screen.
    Reveal(CredentialId),
    /// Copy the secret to the clipboard, which is cleared afterwards.
    CopySecret(CredentialId, TerminalCopyConsent),
    /// Load the latest check results of a credential in each region.
    RegionChecks(CredentialId),
    /// Load the latest check results of all credentials in all regions.
    AllChecks,
    /// Find plain-text credentials of other programs, and report the state of the store.
    FindImportable,
    /// Find the consumers that have an older secret than their credential.
    ListOutdatedConsumers,
    /// Deliver the secret of a credential to the consumers that have an older one.
    Deliver(CredentialId),
    /// Import candidates under unused names. The plain-text copies stay.
    Import(Vec<Arc<ImportCandidate>>),
}

/// Whether the provider is asked about a new credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClassifyPolicy {
    /// Ask the provider: the user or the secret itself named the region.
    AskProvider,
    /// Do not ask: the region is a guess, so the secret is not sent to any host.
    StayOffline,
}

/// Event on the credentials.
pub enum CredentialEvent {
    /// All credentials.
    Loaded(Vec<Credential>),
    /// A credential was added or changed.
    Changed(Box<Credential>),
    /// A credential was removed.
    Removed(CredentialId),
    /// A pasted secret was identified.
    Identified {
        /// The secret without surrounding characters.
        secret: Arc<Secret>,
        /// What was removed around it, in words.
        cleaned: Vec<String>,
        /// What it may be, best first.
        candidates: Vec<IdentificationCandidate>,
        /// Credentials that already hold this secret.
        duplicates: Vec<CredentialName>,
    },
    /// The secret, for the screen. It is wiped when the last holder drops it.
    Revealed(CredentialId, Arc<Secret>),
    /// Nothing was copied: the secret would pass through the terminal, and the user decides.
    TerminalCopyOffered(CredentialId, TerminalCopyOffer),
    /// The creation of a credential failed, and nothing of it is left.
    NotCreated(CredentialId),
    /// Why the provider refused a credential, with the HTTP status; `None` where the latest check in
    /// the region did not end in a refusal.
    RefusalExplained(Option<(u16, Box<RefusalDiagnosis>)>),
    /// The latest check results of a credential in each region.
    RegionChecks(CredentialId, Vec<RegionCheckResult>),
    /// The latest check results of all credentials in all regions.
    AllChecks(Vec<(CredentialId, RegionCheckResult)>),
    /// The access token cached for a credential in its region; `None` if the next request fetches
    /// one.
    AccessToken(CredentialId, Option<TokenLifetime>),
    /// The consumers that have an older secret than their credential.
    OutdatedConsumers(Vec<Consumer>),
    /// The number of plain-text copies of secrets in use that a scan found, by credential.
    PlainCopies(BTreeMap<CredentialName, usize>),
    /// Plain-text credentials of other programs.
    ImportCandidates(Vec<Arc<ImportCandidate>>),
    /// What the provider reports about a new credential; a problem if it could not be asked.
    Classified(CredentialName, Box<Result<ClassificationResult, Problem>>),
}

/// Runs a task of this area.
pub(in crate::engine) async fn run_task(
    engine: &Engine,
    task: CredentialTask,
    context: &TaskContext,
) -> Result<(), Problem> {
    let event = match task {
        CredentialTask::Load => CredentialEvent::Loaded(engine.credentials.list().await?),
        CredentialTask::Identify(pasted) => identification_event(engine, &pasted).await?,
        CredentialTask::IdentifyFile(path) => {
            identification_event(engine, &read_key_file(path)?).await?
        }
        CredentialTask::Add(new, policy) => {
            return run_add_task(engine, new, policy, context).await;
        }
        CredentialTask::Reveal(id) => {
            return secret_tasks::reveal_secret(engine, id, context).await;
        }
        CredentialTask::CopySecret(id, consent) => {
            return secret_tasks::copy_secret(engine, id, consent, context).await;
        }
        CredentialTask::Edit(id, edit) => {
            CredentialEvent::Changed(Box::new(engine.credentials.edit(&id, edit).await?))
        }
        CredentialTask::Remove(id) => {
            engine.credentials.remove(&id).await?;
            CredentialEvent::Removed(id)
        }
        CredentialTask::FindImportable => {
            context.send_event(TaskEvent::Store(engine.store.state().await));
            CredentialEvent::ImportCandidates(engine.imports.find_cli_credentials().await)
        }
        CredentialTask::Import(candidates) => {
            for candidate in candidates {
                let kept = engine.imports.import_candidate(&candidate).await?;
                context.send_event(TaskEvent::Credential(CredentialEvent::Changed(Box::new(kept))));
            }
            return Ok(());
        }
        CredentialTask::ListOutdatedConsumers => {
            CredentialEvent::OutdatedConsumers(engine.consumers.list_outdated().await?)
        }
        CredentialTask::Deliver(id) => {
            let delivered = engine.consumers.deliver_outdated(&id).await;
            let due = CredentialEvent::OutdatedConsumers(engine.consumers.list_outdated().await?);
            context.send_event(TaskEvent::Credential(due));
            return delivered;
        }
        CredentialTask::AllChecks => {
            CredentialEvent::AllChecks(engine.checks.all_region_checks().await?)
        }
        CredentialTask::RegionChecks(id) => {
            send_token_lifetime(engine, &engine.credentials.get(&id).await?, context);
            let checks = engine.checks.region_checks(&id).await?;
            CredentialEvent::RegionChecks(id, checks)
        }
    };
    context.send_event(TaskEvent::Credential(event));
    Ok(())
}

/// Adds a credential. It appears on the screen as soon as it is stored; the provider's report
/// follows.
async fn run_add_task(
    engine: &Engine,
    new: NewCredential,
    policy: ClassifyPolicy,
    context: &TaskContext,
) -> Result<(), Problem> {
    let kept = engine.credentials.add(new).await?;
    context.send_event(TaskEvent::Credential(CredentialEvent::Changed(Box::new(kept.clone()))));
    if policy == ClassifyPolicy::AskProvider {
        let asked = engine.classification.classify(&kept).await;
        send_token_lifetime(engine, &kept, context);
        context.send_event(TaskEvent::Credential(CredentialEvent::Classified(
            kept.name,
            Box::new(asked),
        )));
    }
    Ok(())
}

/// Sends a credential again if it is no longer as it was: a request may have shown whether it works.
pub(in crate::engine) async fn send_if_changed(
    engine: &Engine,
    before: &Credential,
    context: &TaskContext,
) -> Result<(), Problem> {
    let after = engine.credentials.get(&before.id).await?;
    if after != *before {
        context.send_event(TaskEvent::Credential(CredentialEvent::Changed(Box::new(after))));
    }
    Ok(())
}

/// Sends the lifetime of the cached access token, if the kind uses access tokens.
pub(in crate::engine) fn send_token_lifetime(
    engine: &Engine,
    credential: &Credential,
    context: &TaskContext,
) {
    let kind = engine.catalog.kind(&credential.provider, &credential.kind);
    if kind.is_ok_and(|kind| kind.authorization.uses_token_exchange()) {
        let life = engine.requests.cached_token_lifetime(credential);
        context.send_event(TaskEvent::Credential(CredentialEvent::AccessToken(
            credential.id.clone(),
            life,
        )));
    }
}

async fn identification_event(
    engine: &Engine,
    pasted: &Secret,
) -> Result<CredentialEvent, Problem> {
    let found = engine.credentials.identify(pasted)?;
    // A locked store cannot find duplicates; the secret can still be identified.
    let duplicates = engine.credentials.find_duplicates(&found.secret).await.unwrap_or_default();
    let secret = Arc::new(found.secret);
    Ok(CredentialEvent::Identified {
        secret,
        cleaned: found.removed,
        candidates: found.candidates,
        duplicates,
    })
}
