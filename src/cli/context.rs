//! What every verb works with: where files lie, the settings, the engine, and where results go.

use std::sync::{Arc, OnceLock};

use super::Common;
use super::output::{Output, be_plain};
use super::prompt;
use crate::config::{AppPaths, Settings, SettingsReport};
use crate::domain::problem::ProblemClass;
use crate::domain::provider::ProviderCatalog;
use crate::domain::{Problem, Secret};
use crate::engine::message::{BackendKind, StoreError, UnlockMethod};
use crate::engine::{self, Engine};
use crate::tui::{self, Wishes};

/// The surroundings of one command.
pub(super) struct Context<'a> {
    /// Where results go.
    pub out: &'a Output,
    /// Where files lie.
    pub paths: AppPaths,
    /// The settings, with flags applied.
    pub settings: Settings,
    /// What is wrong with them, where that is no reason to stop.
    pub flaws: Vec<Problem>,
    common: Common,
    engine: OnceLock<Arc<Engine>>,
}

/// How much a command depends on settings that are right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Care {
    /// A mistake in them stops it.
    Strict,
    /// It takes what is right and tells what is wrong.
    Lenient,
    /// It does not read them.
    None,
}

impl<'a> Context<'a> {
    /// Reads the settings; nothing else is opened yet.
    pub(super) fn new(common: Common, care: Care, out: &'a Output) -> Result<Self, Problem> {
        let paths = AppPaths::discover()?;
        let reading = match care {
            Care::Strict => SettingsReport { settings: Settings::load(&paths, &variable)?, problems: Vec::new() },
            Care::Lenient => Settings::load_leniently(&paths, &variable)?,
            Care::None => SettingsReport::default(),
        };
        let SettingsReport { settings, problems: flaws } = under_flags(reading, common);
        if settings.plain {
            be_plain();
        }
        Ok(Self { out, paths, settings, flaws, common, engine: OnceLock::new() })
    }

    /// How the person wants the screen to be, now and whenever the settings change.
    pub(super) fn wishes(&self) -> Wishes {
        let (paths, common) = (self.paths.clone(), self.common);
        let reading = SettingsReport { settings: self.settings.clone(), problems: self.flaws.clone() };
        let reading = with_keys(reading, &self.paths);
        let again = move || {
            Settings::load_leniently(&paths, &variable)
                .map(|reading| under_flags(reading, common))
                .map(|reading| with_keys(reading, &paths))
        };
        Wishes { reading, again: Some(Arc::new(again)), file: Some(self.paths.settings()), ..Wishes::default() }
    }

    /// The engine over the person's own keyring. The store is not touched yet.
    pub(super) fn engine(&self) -> Result<&Arc<Engine>, Problem> {
        if let Some(engine) = self.engine.get() {
            return Ok(engine);
        }
        let engine = Arc::new(engine::open_engine(&self.paths, &self.settings)?);
        Ok(self.engine.get_or_init(|| engine))
    }

    /// The engine with a store that can be used. An encrypted file is unlocked here; a locked keyring is a problem,
    /// because its prompt must not come as a surprise.
    pub(super) async fn unlocked(&self) -> Result<&Arc<Engine>, Problem> {
        let engine = self.engine()?;
        let state = engine.store_state().await;
        match state.problem {
            None => {}
            Some(error @ (StoreError::Locked | StoreError::NotInitialized)) if state.backend.kind == BackendKind::File => {
                let passphrase = passphrase(&error)?;
                engine.unlock(UnlockMethod::Passphrase(&passphrase), engine::UNLOCK_TIMEOUT).await?;
            }
            Some(error) => return Err(error.into()),
        }
        Ok(engine)
    }

    /// What is known about providers.
    pub(super) fn catalogue(&self) -> Result<ProviderCatalog, Problem> {
        engine::load_catalog(&self.paths)
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The settings with what is wrong with keys, which only the screen has.
fn with_keys(mut reading: SettingsReport, paths: &AppPaths) -> SettingsReport {
    reading.problems.extend(tui::key_mistakes(&reading.settings, &paths.settings()));
    reading
}

fn under_flags(mut reading: SettingsReport, common: Common) -> SettingsReport {
    reading.settings.readonly |= common.readonly;
    reading.settings.plain |= common.plain;
    reading
}

/// The encrypted file's passphrase: from the file that `TOKENRING_PASSPHRASE_FILE` names, else from a hidden prompt.
pub(super) fn passphrase(state: &StoreError) -> Result<Secret, Problem> {
    if let Some(path) = std::env::var_os("TOKENRING_PASSPHRASE_FILE") {
        return engine::passphrase_from_file(path.as_ref());
    }
    if !prompt::is_interactive() {
        return Err(state.clone().into());
    }
    if *state != StoreError::NotInitialized {
        return prompt::hidden("Passphrase of the encrypted file");
    }
    let chosen = prompt::hidden("New passphrase for the encrypted file")?;
    if chosen.is_empty() {
        let why = "an empty passphrase protects nothing";
        return Err(Problem::new("The passphrase is empty", why, "choose a long one").with_class(ProblemClass::Usage));
    }
    if !prompt::hidden("The same passphrase again")?.same_as(&chosen) {
        let why = "the two passphrases differ";
        return Err(
            Problem::new("The encrypted file was not created", why, "run the command again").with_class(ProblemClass::Usage)
        );
    }
    Ok(chosen)
}
