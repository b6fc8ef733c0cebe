//! Shared context of all commands: paths, settings, the engine and the output.
//!
//! Start reading at [`CliContext`]. The settings are read when the context is created; the engine
//! and the store are opened only when a command asks for them.

use std::sync::{Arc, OnceLock};

use super::GlobalArgs;
use super::output::{CliOutput, enable_plain_mode};
use crate::cli::input::prompt;
use crate::config::{AppPaths, Settings, SettingsReport};
use crate::domain::provider::ProviderCatalog;
use crate::domain::{Problem, Secret};
use crate::engine::background::protocol::{BackendInfo, StoreError, StoreStatus, UnlockMethod};
use crate::engine::{self, Engine, PASSPHRASE_FILE_VARIABLE};
use crate::tui::{self, SettingsSource};

/// Context in which one command runs.
pub(super) struct CliContext<'a> {
    /// Output of results and notes.
    pub out: &'a CliOutput,
    /// Paths of the program's files.
    pub paths: AppPaths,
    /// Settings, with the command line flags applied.
    pub settings: Settings,
    /// Problems of the settings that do not stop the command.
    pub settings_problems: Vec<Problem>,
    global: GlobalArgs,
    engine: OnceLock<Arc<Engine>>,
}

/// How strictly a command reads the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SettingsStrictness {
    /// A mistake in the settings stops the command.
    Strict,
    /// The valid settings apply, and the mistakes are reported.
    Lenient,
    /// The settings are not read.
    None,
}

impl<'a> CliContext<'a> {
    /// Creates the context and reads the settings. Nothing else is opened yet.
    pub(super) fn new(
        global: GlobalArgs,
        strictness: SettingsStrictness,
        out: &'a CliOutput,
    ) -> Result<Self, Problem> {
        let paths = AppPaths::discover()?;
        let report = match strictness {
            SettingsStrictness::Strict => SettingsReport {
                settings: Settings::load(&paths, &env_variable)?,
                problems: Vec::new(),
            },
            SettingsStrictness::Lenient => Settings::load_leniently(&paths, &env_variable)?,
            SettingsStrictness::None => SettingsReport::default(),
        };
        let SettingsReport { settings, problems } = with_flags(report, global);
        if settings.plain {
            enable_plain_mode();
        }
        Ok(Self {
            out,
            paths,
            settings,
            settings_problems: problems,
            global,
            engine: OnceLock::new(),
        })
    }

    /// Returns the settings for the screen, with a function that reads them again when they change.
    pub(super) fn settings_source(&self) -> SettingsSource {
        let (paths, global) = (self.paths.clone(), self.global);
        let report = SettingsReport {
            settings: self.settings.clone(),
            problems: self.settings_problems.clone(),
        };
        let report = with_key_problems(report, &self.paths);
        let reload = move || {
            Settings::load_leniently(&paths, &env_variable)
                .map(|report| with_flags(report, global))
                .map(|report| with_key_problems(report, &paths))
        };
        SettingsSource {
            report,
            reload: Some(Arc::new(reload)),
            file: Some(self.paths.settings()),
            ..SettingsSource::default()
        }
    }

    /// Returns the engine over the user's own store. The store is not accessed yet.
    pub(super) fn engine(&self) -> Result<&Arc<Engine>, Problem> {
        if let Some(engine) = self.engine.get() {
            return Ok(engine);
        }
        let engine = Arc::new(engine::open_engine(&self.paths, &self.settings)?);
        Ok(self.engine.get_or_init(|| engine))
    }

    /// Returns the engine with a usable store. A store with a passphrase is unlocked here. A locked
    /// keyring is a problem, because its prompt must not come as a surprise.
    pub(super) async fn unlocked_engine(&self) -> Result<&Arc<Engine>, Problem> {
        let engine = self.engine()?;
        if let Some(passphrase) = read_passphrase_if_locked(&engine.store.state().await)? {
            engine
                .store
                .unlock(UnlockMethod::Passphrase(&passphrase), engine::UNLOCK_TIMEOUT)
                .await?;
        }
        Ok(engine)
    }

    /// Unlocks a store whose passphrase is in a file, without a prompt. Returns why the store stays
    /// locked, if it does.
    pub(super) async fn unlock_without_prompt(&self) -> Result<(), Problem> {
        let state = self.engine()?.store.state().await;
        self.unlock_from_file(&state).await
    }

    /// Unlocks the store for an import, in a dry run without a prompt. Returns whether secrets can be
    /// compared with those in the store.
    pub(super) async fn unlock_for_import(&self, dry_run: bool) -> Result<bool, Problem> {
        if dry_run {
            return Ok(self.unlock_without_prompt().await.is_ok());
        }
        self.unlocked_engine().await?;
        Ok(true)
    }

    /// Unlocks a store that is in this state with the passphrase file, where one is named. Fails if
    /// the store cannot be used.
    pub(super) async fn unlock_from_file(&self, state: &StoreStatus) -> Result<(), Problem> {
        let Some(error) = state.problem.clone() else { return Ok(()) };
        let Some(path) = std::env::var_os(PASSPHRASE_FILE_VARIABLE)
            .filter(|_| state.backend.has_passphrase() && error == StoreError::Locked)
        else {
            return Err(error.into());
        };
        let passphrase = engine::passphrase_from_file(path.as_ref())?;
        let store = &self.engine()?.store;
        store.unlock(UnlockMethod::Passphrase(&passphrase), engine::UNLOCK_TIMEOUT).await
    }

    /// Loads the provider catalog.
    pub(super) fn load_catalog(&self) -> Result<ProviderCatalog, Problem> {
        engine::load_catalog(&self.paths)
    }
}

fn env_variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Adds the problems of the key bindings, which only the screen uses.
fn with_key_problems(mut report: SettingsReport, paths: &AppPaths) -> SettingsReport {
    report.problems.extend(tui::key_binding_problems(&report.settings, &paths.settings()));
    report
}

fn with_flags(mut report: SettingsReport, global: GlobalArgs) -> SettingsReport {
    report.settings.readonly |= global.readonly;
    report.settings.plain |= global.plain;
    report
}

/// Reads the passphrase of a store that is locked or does not exist yet; returns `None` for a store
/// that is usable. A store that a passphrase does not unlock is a problem.
pub(super) fn read_passphrase_if_locked(state: &StoreStatus) -> Result<Option<Secret>, Problem> {
    match &state.problem {
        None => Ok(None),
        Some(error) if state.is_selectable() && state.backend.has_passphrase() => {
            read_passphrase(&state.backend, error).map(Some)
        }
        Some(error) => Err(error.clone().into()),
    }
}

/// Reads the passphrase of a store: from the file that `TOKENRING_PASSPHRASE_FILE` names, otherwise
/// from a hidden prompt.
pub(super) fn read_passphrase(store: &BackendInfo, state: &StoreError) -> Result<Secret, Problem> {
    if let Some(path) = std::env::var_os(PASSPHRASE_FILE_VARIABLE) {
        return engine::passphrase_from_file(path.as_ref());
    }
    if !prompt::is_interactive() {
        return Err(state.clone().into());
    }
    if *state != StoreError::NotInitialized {
        return prompt::read_hidden_line(&format!("Passphrase for the {}", store.title));
    }
    prompt::choose_passphrase(store.title)
}
