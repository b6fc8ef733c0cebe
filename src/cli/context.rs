//! What every verb works with: where files lie, the settings, the engine, and where results go.

use std::sync::{Arc, OnceLock};

use super::Common;
use super::output::Output;
use super::prompt;
use crate::config::{Paths, Settings};
use crate::domain::problem::Class;
use crate::domain::provider::Catalogue;
use crate::domain::{Problem, Secret};
use crate::engine::message::{BackendKind, StoreError, Unlock};
use crate::engine::{self, Engine};

/// The surroundings of one command.
pub(super) struct Context<'a> {
    /// Where results go.
    pub out: &'a Output,
    /// Where files lie.
    pub paths: Paths,
    /// The settings, with flags applied.
    pub settings: Settings,
    engine: OnceLock<Arc<Engine>>,
}

impl<'a> Context<'a> {
    /// Reads the settings; nothing else is opened yet.
    pub(super) fn new(common: Common, out: &'a Output) -> Result<Self, Problem> {
        let paths = Paths::discover()?;
        let mut settings = Settings::load(&paths, &|name| std::env::var(name).ok())?;
        settings.readonly |= common.readonly;
        settings.plain |= common.plain;
        Ok(Self { out, paths, settings, engine: OnceLock::new() })
    }

    /// The engine over the person's own keyring. The store is not touched yet.
    pub(super) fn engine(&self) -> Result<&Arc<Engine>, Problem> {
        if let Some(engine) = self.engine.get() {
            return Ok(engine);
        }
        let engine = Arc::new(engine::open(&self.paths, &self.settings)?);
        Ok(self.engine.get_or_init(|| engine))
    }

    /// The engine with a store that can be used. An encrypted file is unlocked here; a locked keyring is a problem,
    /// because its prompt must not come as a surprise.
    pub(super) async fn unlocked(&self) -> Result<&Arc<Engine>, Problem> {
        let engine = self.engine()?;
        let state = engine.store_state().await;
        match state.problem {
            None => {}
            Some(error @ (StoreError::Locked | StoreError::Uncreated)) if state.backend.kind == BackendKind::File => {
                let passphrase = passphrase(&error)?;
                engine.unlock(Unlock::Passphrase(&passphrase), engine::UNLOCK_WAIT).await?;
            }
            Some(error) => return Err(error.into()),
        }
        Ok(engine)
    }

    /// What is known about providers.
    pub(super) fn catalogue(&self) -> Result<Catalogue, Problem> {
        engine::catalogue(&self.paths)
    }
}

/// The encrypted file's passphrase: from the file that `TOKENRING_PASSPHRASE_FILE` names, else from a hidden prompt.
pub(super) fn passphrase(state: &StoreError) -> Result<Secret, Problem> {
    if let Some(path) = std::env::var_os("TOKENRING_PASSPHRASE_FILE") {
        return engine::passphrase_from_file(path.as_ref());
    }
    if !prompt::is_interactive() {
        return Err(state.clone().into());
    }
    if *state != StoreError::Uncreated {
        return prompt::hidden("Passphrase of the encrypted file");
    }
    let chosen = prompt::hidden("New passphrase for the encrypted file")?;
    if chosen.is_empty() {
        let why = "an empty passphrase protects nothing";
        return Err(Problem::new("The passphrase is empty", why, "choose a long one").of(Class::Usage));
    }
    if !prompt::hidden("The same passphrase again")?.same_as(&chosen) {
        let why = "the two passphrases differ";
        return Err(Problem::new("The encrypted file was not created", why, "run the command again").of(Class::Usage));
    }
    Ok(chosen)
}
