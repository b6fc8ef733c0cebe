//! `tokenring store`: look at the store, unlock it, or move to another one.

use super::context::{Context, passphrase};
use super::doctor::report;
use super::migrate::Migrate;
use crate::domain::Problem;
use crate::engine;
use crate::engine::message::{BackendKind, UnlockMethod};

/// Look at the store, unlock it, or move to another one
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  tokenring store status\n  tokenring store migrate --to file --dry-run")]
pub(super) struct Store {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Say which stores there are, which one is in use, and whether it can be used
    #[command(after_help = "Examples:\n  tokenring store status\n  tokenring store status --json")]
    Status,
    /// Move all secrets to the other store: each is copied and read back; the source is emptied only when asked
    Migrate(Migrate),
    /// Unlock the store: the keyring by its own prompt, the encrypted file by its passphrase
    #[command(after_help = "Examples:\n  tokenring store unlock\n  TOKENRING_STORE=file tokenring store unlock")]
    Unlock,
}

impl Store {
    /// Reports or unlocks.
    pub(super) async fn run(self, context: &Context<'_>) -> Result<u8, Problem> {
        match self.verb {
            Verb::Status => status(context).await,
            Verb::Migrate(verb) => verb.run(context).await,
            Verb::Unlock => unlock(context).await,
        }
    }
}

async fn status(context: &Context<'_>) -> Result<u8, Problem> {
    let engine = context.engine()?;
    // At once: a store that does not answer takes its whole deadline.
    let (chosen, others) = tokio::join!(engine.store_state(), engine::other_stores(&context.paths, &context.settings));
    let usable = chosen.problem.is_none();
    report(context, &engine::doctor::store_findings(&chosen, &others))?;
    Ok(if usable { 0 } else { crate::domain::problem::ProblemClass::Store.exit_code() })
}

async fn unlock(context: &Context<'_>) -> Result<u8, Problem> {
    let engine = context.engine()?;
    let state = engine.store_state().await;
    match state.problem {
        None => {}
        Some(error) if state.backend.kind == BackendKind::File => {
            let passphrase = passphrase(&error)?;
            engine.unlock(UnlockMethod::Passphrase(&passphrase), engine::UNLOCK_TIMEOUT).await?;
        }
        Some(_) => {
            context.out.note("Waiting for the keyring's own prompt; Ctrl-C gives up.");
            engine.unlock(UnlockMethod::SystemPrompt, engine::UNLOCK_TIMEOUT).await?;
        }
    }
    context.out.note(&format!("{}: unlocked", state.backend.title));
    Ok(0)
}
