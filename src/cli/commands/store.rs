//! `tokenring store`: shows, unlocks, migrates and exports the store, and changes its passphrase.

use std::path::PathBuf;

use super::backup::ExportArgs;
use super::doctor::print_diagnostics;
use super::migrate::MigrateArgs;
use crate::cli::context::{CliContext, read_passphrase};
use crate::cli::input::prompt;
use crate::cli::output::usage_problem;
use crate::domain::Problem;
use crate::engine::background::protocol::{StoreError, UnlockMethod};
use crate::engine::{self, PASSPHRASE_FILE_VARIABLE};

/// Show, unlock, migrate or export the store, or change its passphrase
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  tokenring store status\n  tokenring store migrate --to file --dry-run"
)]
pub(in crate::cli) struct StoreArgs {
    #[command(subcommand)]
    command: StoreCommand,
}

#[derive(Debug, clap::Subcommand)]
enum StoreCommand {
    /// Show the available stores, which one is in use, and whether it works
    #[command(after_help = "Examples:\n  tokenring store status\n  tokenring store status --json")]
    Status,
    /// Copy all secrets to another store and verify each copy
    Migrate(MigrateArgs),
    /// Unlock the store: the keyring with its own prompt, the encrypted file with its passphrase
    #[command(
        after_help = "Examples:\n  tokenring store unlock\n  TOKENRING_STORE=file tokenring store unlock"
    )]
    Unlock,
    /// Change the passphrase of the encrypted file
    Passphrase(PassphraseArgs),
    /// Write everything to an encrypted backup file
    Export(ExportArgs),
}

impl StoreArgs {
    /// Runs the subcommand.
    pub(in crate::cli) async fn run(self, context: &CliContext<'_>) -> Result<u8, Problem> {
        match self.command {
            StoreCommand::Status => print_status(context).await,
            StoreCommand::Migrate(verb) => verb.run(context).await,
            StoreCommand::Unlock => unlock_store(context).await,
            StoreCommand::Passphrase(verb) => verb.run(context).await,
            StoreCommand::Export(verb) => verb.run(context).await,
        }
    }
}

/// Change the passphrase of the encrypted file
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  tokenring store passphrase\n  tokenring store passphrase --new-passphrase-file next\n\n\
    The key that encrypts the secrets is replaced too. If the command is interrupted, either the old or the new passphrase \
    opens the store, with all secrets. Backups of the encrypted file still open with the old passphrase."
)]
struct PassphraseArgs {
    /// File with the new passphrase, for runs without a terminal
    #[arg(long, value_name = "FILE")]
    new_passphrase_file: Option<PathBuf>,
}

impl PassphraseArgs {
    /// Reads both passphrases and changes the store.
    async fn run(self, context: &CliContext<'_>) -> Result<u8, Problem> {
        let engine = context.engine()?;
        let store = engine.store.state().await.backend;
        if !store.has_passphrase() {
            let why = format!("the secrets are stored in the {}", store.title);
            return Err(usage_problem(
                "The store has no passphrase of its own",
                &why,
                "change the password of the keyring with your desktop's keyring program",
            ));
        }
        let current = read_passphrase(&store, &StoreError::Locked)?;
        let new = match &self.new_passphrase_file {
            Some(path) => engine::passphrase_from_file(path)?,
            None if prompt::is_interactive() => prompt::choose_passphrase(store.title)?,
            None => {
                return Err(usage_problem(
                    "The new passphrase is missing",
                    "not a terminal",
                    "name a file with --new-passphrase-file",
                ));
            }
        };
        engine.store.change_passphrase(&current, &new).await?;
        context.out.note("passphrase changed; backups still open with the old one");
        if let Some(path) = std::env::var_os(PASSPHRASE_FILE_VARIABLE) {
            context.out.note(&format!(
                "note: {PASSPHRASE_FILE_VARIABLE} names {}; write the new passphrase there",
                path.to_string_lossy()
            ));
        }
        Ok(0)
    }
}

async fn print_status(context: &CliContext<'_>) -> Result<u8, Problem> {
    let engine = context.engine()?;
    // Concurrently, because a store that does not respond takes its whole timeout.
    let (chosen, others) =
        tokio::join!(engine.store.state(), engine::other_stores(&context.paths, &context.settings));
    let usable = chosen.problem.is_none();
    print_diagnostics(context, &engine::doctor::store_findings(&chosen, &others))?;
    Ok(if usable { 0 } else { crate::domain::problem::ProblemClass::Store.exit_code() })
}

async fn unlock_store(context: &CliContext<'_>) -> Result<u8, Problem> {
    let engine = context.engine()?;
    let state = engine.store.state().await;
    match state.problem {
        None => {}
        Some(error) if state.backend.has_passphrase() => {
            let passphrase = read_passphrase(&state.backend, &error)?;
            engine
                .store
                .unlock(UnlockMethod::Passphrase(&passphrase), engine::UNLOCK_TIMEOUT)
                .await?;
        }
        Some(_) => {
            context.out.note("Waiting for the keyring's own prompt (Ctrl-C cancels).");
            engine.store.unlock(UnlockMethod::SystemPrompt, engine::UNLOCK_TIMEOUT).await?;
        }
    }
    context.out.note(&format!("{}: unlocked", state.backend.title));
    Ok(0)
}
