//! `tokenring store`: shows, unlocks and migrates the store, and changes its passphrase.

use super::doctor::print_diagnostics;
use super::migrate::MigrateArgs;
use crate::cli::context::{CliContext, read_passphrase};
use crate::cli::input::new_passphrase::PassphraseArgs;
use crate::domain::Problem;
use crate::engine;
use crate::engine::background::protocol::UnlockMethod;

/// Show, unlock or migrate the store, or change its passphrase
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
}

impl StoreArgs {
    /// Runs the subcommand.
    pub(in crate::cli) async fn run(self, context: &CliContext<'_>) -> Result<u8, Problem> {
        match self.command {
            StoreCommand::Status => print_status(context).await,
            StoreCommand::Migrate(verb) => verb.run(context).await,
            StoreCommand::Unlock => unlock_store(context).await,
            StoreCommand::Passphrase(verb) => verb.run(context).await,
        }
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
