//! New passphrases of the encrypted file: chosen at a hidden prompt, or six random words.
//!
//! `tokenring store passphrase` replaces the passphrase; the first unlock of an encrypted file
//! chooses one. Start reading at [`choose_passphrase`].

use std::path::PathBuf;

use super::prompt;
use crate::cli::args::usage_problem;
use crate::cli::context::{CliContext, read_passphrase};
use crate::domain::{Problem, Secret};
use crate::engine::background::protocol::{BackendInfo, StoreError};
use crate::engine::{self, PASSPHRASE_FILE_VARIABLE};

/// Change the passphrase of the encrypted file
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  tokenring store passphrase\n  tokenring store passphrase --new-passphrase-file next\n\n\
    The key that encrypts the secrets is replaced too. If the command is interrupted, either the old or the new passphrase \
    opens the store, with all secrets. Backups of the encrypted file still open with the old passphrase."
)]
pub(in crate::cli) struct PassphraseArgs {
    /// File with the new passphrase, for runs without a terminal
    #[arg(long, value_name = "FILE")]
    new_passphrase_file: Option<PathBuf>,
}

impl PassphraseArgs {
    /// Reads both passphrases and changes the store.
    pub(in crate::cli) async fn run(self, context: &CliContext<'_>) -> Result<u8, Problem> {
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
            None if prompt::is_interactive() => choose_passphrase(&store)?,
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

/// Asks for a new passphrase twice. Where none is typed, generates six words and shows them once.
pub(in crate::cli) fn choose_passphrase(store: &BackendInfo) -> Result<Secret, Problem> {
    let typed = prompt::read_hidden(&format!(
        "New passphrase for the {} (Enter generates six random words)",
        store.title
    ))?;
    let chosen = if typed.is_empty() {
        let words = engine::generate_passphrase()?;
        prompt::show_secret("Write these words down; they are not shown again", &words);
        words
    } else {
        engine::check_new_passphrase(&typed)?;
        typed
    };
    if prompt::read_hidden("Confirm passphrase")?.same_as(&chosen) {
        return Ok(chosen);
    }
    Err(usage_problem(
        "The passphrase was not set",
        "the passphrases do not match",
        "run the command again",
    ))
}
