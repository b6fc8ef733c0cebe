//! `tokenring store`: shows, unlocks, locks, migrates and exports the store, and changes its
//! passphrase.
//!
//! `tokenring store migrate`: moves all secrets from one store to another.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::backup::ExportArgs;
use super::doctor::{insert_store_problem, print_diagnostics};
use crate::cli::args::parse_timeout;
use crate::cli::context::{CliContext, read_passphrase, read_passphrase_if_locked};
use crate::cli::input::prompt;
use crate::cli::output::table::TableColumn::{Name, Text};
use crate::cli::output::table::TextTable;
use crate::cli::output::usage_problem;
use crate::config;
use crate::domain::format::count_noun;
use crate::domain::{Problem, StoreKind};
use crate::engine::background::protocol::{StoreError, StoreStatus, UnlockMethod};
use crate::engine::stores::migrate::{
    ConflictPolicy, ItemComparison, MigrationItem, MigrationSide, StoreMigration, choose_source,
};
use crate::engine::{
    self, PASSPHRASE_FILE_VARIABLE, SessionHolder, SessionLimits, SessionState, StoreService,
};

/// Show, unlock, lock, migrate or export the store, or change its passphrase
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
    Unlock(UnlockArgs),
    /// Lock the encrypted file: no command opens it any more without its passphrase
    #[command(after_help = "Examples:\n  tokenring store lock\n\n\
        Ends what \"store unlock\" has started, for all terminals. Locking the screen does the same. A screen or command that has \
        opened the store without its passphrase reads no secret any more.")]
    Lock,
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
            StoreCommand::Unlock(verb) => verb.run(context).await,
            StoreCommand::Lock => lock_store(context).await,
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
        let was_in_session = matches!(engine.store.session().await, SessionState::Active(_));
        engine.store.change_passphrase(&current, &new).await?;
        context.out.note("passphrase changed; backups still open with the old one");
        if was_in_session {
            context
                .out
                .note("note: the store is locked; `tokenring store unlock` unlocks it again");
        }
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
    let (mut chosen, others) =
        tokio::join!(engine.store.state(), engine::other_stores(&context.paths, &context.settings));
    // Unlocked as by every other command, except that nothing is asked for.
    let unlock_problem = context.unlock_from_file(&chosen).await.err();
    if unlock_problem.is_none() && chosen.problem.is_some() {
        chosen = engine.store.state().await;
    }
    let usable = chosen.problem.is_none();
    let mut findings = engine::doctor::store_findings(&chosen, &others);
    findings.extend(engine::doctor::session_finding(&engine.store.session().await));
    insert_store_problem(&mut findings, unlock_problem);
    print_diagnostics(context, &findings)?;
    Ok(if usable { 0 } else { crate::domain::problem::ProblemClass::Store.exit_code() })
}

/// Unlock the store: the keyring with its own prompt, the encrypted file with its passphrase
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  tokenring store unlock\n  tokenring store unlock --for 30m --idle 10m\n  \
    TOKENRING_STORE=file tokenring store unlock\n\n\
    The encrypted file stays unlocked for your other commands too: an agent holds its key (not the secrets) in memory, until the \
    time has passed, you are idle for too long, or \"tokenring store lock\". Only your own processes can ask the agent. \
    --in kernel-keyring needs no process; use it where processes in the background are ended, such as in a CI job."
)]
struct UnlockArgs {
    /// Lock the encrypted file again after this time, such as 30m (default: 8h)
    #[arg(long = "for", value_name = "TIME", value_parser = parse_timeout)]
    maximum: Option<Duration>,
    /// Lock the encrypted file again when no command has used it for this time (default: 1h)
    #[arg(long, value_name = "TIME", value_parser = parse_timeout)]
    idle: Option<Duration>,
    /// What holds the key meanwhile (default: agent)
    #[arg(long = "in", value_name = "HOLDER", value_parser = session_holder_parser())]
    holder: Option<SessionHolder>,
}

impl UnlockArgs {
    /// Unlocks the store, and keeps an encrypted file unlocked for other commands.
    async fn run(self, context: &CliContext<'_>) -> Result<u8, Problem> {
        let store = &context.engine()?.store;
        let state = store.state().await;
        if state.backend.has_passphrase() {
            return self.unlock_for_session(context, store, &state).await;
        }
        if let Some(error @ StoreError::AccessUnconfirmed) = state.problem {
            // What is allowed to this process is not allowed to the next command.
            return Err(error.into());
        }
        if state.problem.is_some() {
            context.out.note("Waiting for the keyring's own prompt (Ctrl-C cancels).");
            store.unlock(UnlockMethod::SystemPrompt, engine::UNLOCK_TIMEOUT).await?;
        }
        context.out.note(&format!("{}: unlocked", state.backend.title));
        Ok(0)
    }

    /// Unlocks a store with its passphrase. An active session is replaced only where the options ask
    /// for it, and only with the passphrase: it never prolongs itself.
    async fn unlock_for_session(
        &self,
        context: &CliContext<'_>,
        store: &StoreService,
        state: &StoreStatus,
    ) -> Result<u8, Problem> {
        let title = state.backend.title;
        let session = store.session().await;
        if let SessionState::Active(session) = &session
            && !self.names_session()
            && state.problem.is_none()
        {
            context.out.note(&format!("{title}: already unlocked {}", session.describe_end()));
            return Ok(0);
        }
        let locked = StoreError::Locked;
        let passphrase =
            read_passphrase(&state.backend, state.problem.as_ref().unwrap_or(&locked))?;
        store.unlock(UnlockMethod::Passphrase(&passphrase), engine::UNLOCK_TIMEOUT).await?;
        if session == SessionState::NotOffered && !self.names_session() {
            let why = "this system has no agent, so each command asks for the passphrase";
            context.out.note(&format!("{title}: unlocked; {why}"));
            return Ok(0);
        }
        let usual = SessionLimits::default();
        let limits = SessionLimits {
            maximum: self.maximum.unwrap_or(usual.maximum),
            idle: self.idle.unwrap_or(usual.idle),
        };
        let holder = self.holder.unwrap_or(SessionHolder::Agent);
        let session = store.start_session(holder, limits).await?;
        context.out.note(&format!("{title}: unlocked {}", session.describe_end()));
        Ok(0)
    }

    const fn names_session(&self) -> bool {
        self.maximum.is_some() || self.idle.is_some() || self.holder.is_some()
    }
}

async fn lock_store(context: &CliContext<'_>) -> Result<u8, Problem> {
    let store = &context.engine()?.store;
    let state = store.state().await;
    if !state.backend.has_passphrase() {
        return Err(foreign_lock_problem(&state, "locks"));
    }
    let had_session = store.end_session().await?;
    let remark = if had_session { "" } else { " (it was not unlocked)" };
    context.out.note(&format!("{}: locked{remark}", state.backend.title));
    Ok(0)
}

/// Returns the problem of a store that only the desktop locks and unlocks.
fn foreign_lock_problem(state: &StoreStatus, does: &str) -> Problem {
    usage_problem(
        "The store has no passphrase of its own",
        &format!("your desktop {does} the {}", state.backend.title),
        "use your desktop's keyring program, or `tokenring store unlock` without options",
    )
}

fn session_holder_parser() -> impl TypedValueParser<Value = SessionHolder> {
    PossibleValuesParser::new(SessionHolder::ALL.map(SessionHolder::as_str)).try_map(|name| {
        let mut holders = SessionHolder::ALL.into_iter();
        holders.find(|holder| holder.as_str() == name).ok_or("unknown holder")
    })
}

/// Copy all secrets to another store and verify each copy
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct MigrateArgs {
    #[arg(long, value_parser = persistent_store_parser(), help = target_help())]
    to: StoreKind,
    /// Source store; by default the store in use, or the old one if the target is in use
    #[arg(long, value_parser = persistent_store_parser())]
    from: Option<StoreKind>,
    /// Show what would be copied
    #[arg(long)]
    dry_run: bool,
    /// Delete from the old store what has been verified in the new one
    #[arg(long)]
    delete_source: bool,
    /// Overwrite different items in the target store
    #[arg(long)]
    overwrite: bool,
}

const EXAMPLES: &str = "Examples:\n  tokenring store migrate --to file --dry-run\n  tokenring store migrate --to file\n  \
    tokenring store migrate --to keyring --delete-source\n\n\
    All items are copied and verified first, then store in config.toml is changed, then the old store is emptied if you \
    passed --delete-source. If the command is interrupted, nothing is lost; run it again to continue.";

impl MigrateArgs {
    /// Copies and verifies all items, changes the settings, and empties the source where that is
    /// requested.
    pub(in crate::cli) async fn run(self, context: &CliContext<'_>) -> Result<u8, Problem> {
        let in_use = engine::store_in_use(&context.settings);
        let from = choose_source(self.to, in_use, self.from)?;
        let engine = context.engine()?;
        let migration = StoreMigration::new(
            from,
            self.to,
            engine::store_location(&context.paths, &context.settings),
        );
        unlock_stores(&migration).await?;
        if self.dry_run {
            print_plan(context, &engine.migration.plan_migration(&migration).await?)?;
            return Ok(0);
        }
        let items = if in_use == self.to {
            None
        } else {
            Some(self.copy_items(context, &migration).await?)
        };
        let deleted =
            if self.delete_source { engine.migration.empty_source(&migration).await? } else { 0 };
        self.print_result(context, &migration, items, deleted)
    }

    /// Copies all items, changes the store in the settings, and copies what was added in the
    /// meantime.
    async fn copy_items(
        &self,
        context: &CliContext<'_>,
        migration: &StoreMigration,
    ) -> Result<Vec<MigrationItem>, Problem> {
        let engine = context.engine()?;
        let conflict_policy =
            if self.overwrite { ConflictPolicy::Overwrite } else { ConflictPolicy::Abort };
        let items = engine
            .migration
            .copy_to_target(migration, conflict_policy, |item| {
                context.out.note(&format!("copied {} of {}", item.item, item.name));
            })
            .await?;
        config::save_store_choice(&context.paths.settings(), self.to)?;
        engine
            .migration
            .copy_to_target(migration, conflict_policy, |item| {
                context.out.note(&format!("copied {} of {}", item.item, item.name));
            })
            .await?;
        engine.migration.record_migration(migration, items.len()).await?;
        Ok(items)
    }

    fn print_result(
        &self,
        context: &CliContext<'_>,
        migration: &StoreMigration,
        items: Option<Vec<MigrationItem>>,
        deleted: usize,
    ) -> Result<u8, Problem> {
        let (from, to) = migration.titles();
        if context.out.json {
            let items = items.unwrap_or_default();
            context.out.print_json(
                &serde_json::json!({ "items": items, "deleted": deleted, "store": self.to }),
            )?;
            return Ok(0);
        }
        let done = match &items {
            None => format!("the {to} is already in use"),
            Some(items) => {
                format!(
                    "{} copied to the {to} and verified; config.toml now has store = \"{}\"",
                    count_noun(items.len(), "item"),
                    self.to.as_str()
                )
            }
        };
        context.out.print_text(&done)?;
        context.out.note(&match (self.delete_source, items) {
            (true, _) => format!("{} deleted from the {from}", count_noun(deleted, "item")),
            (false, Some(_)) => {
                format!(
                    "note: the {from} still has the secrets; --delete-source deletes them there"
                )
            }
            (false, None) => {
                format!("note: the {from} may still have copies; --delete-source deletes them")
            }
        });
        if let Some(forced) =
            std::env::var_os("TOKENRING_STORE").filter(|forced| *forced != *self.to.as_str())
        {
            context.out.note(&format!(
                "note: TOKENRING_STORE={} overrides config.toml; unset it",
                forced.to_string_lossy()
            ));
        }
        Ok(0)
    }
}

/// Unlocks both stores, with their passphrases where they have one. A locked keyring is a problem
/// that the user solves first.
async fn unlock_stores(migration: &StoreMigration) -> Result<(), Problem> {
    for side in MigrationSide::ALL {
        let state = migration.status(side).await;
        if let Some(passphrase) = read_passphrase_if_locked(&state)? {
            let by = UnlockMethod::Passphrase(&passphrase);
            migration.unlock(side, by, engine::UNLOCK_TIMEOUT).await?;
        }
    }
    Ok(())
}

/// Returns a parser of the stores that outlive the process.
fn persistent_store_parser() -> impl TypedValueParser<Value = StoreKind> {
    let names = engine::persistent_backends().map(|backend| backend.kind.as_str());
    PossibleValuesParser::new(names).try_map(|name| StoreKind::parse(&name).ok_or("unknown store"))
}

fn target_help() -> String {
    let titles: Vec<_> = engine::persistent_backends()
        .map(|backend| format!("the {}", backend.generic_title))
        .collect();
    format!("Target store: {}", titles.join(" or "))
}

fn print_plan(context: &CliContext<'_>, items: &[MigrationItem]) -> Result<(), Problem> {
    if context.out.json {
        return context.out.print_json(&items);
    }
    if items.is_empty() {
        return context.out.print_text("nothing to migrate");
    }
    let mut table = TextTable::new(&[Name("NAME"), Text("ITEM"), Text("ACTION")]);
    for item in items {
        let then = match item.state {
            ItemComparison::New => "copy",
            ItemComparison::Same => "none, already there",
            ItemComparison::Differs => "conflict, differs there",
            ItemComparison::TooLarge => "none, too large for the store",
        };
        table.add_row([item.name.as_str(), &item.item, then]);
    }
    context.out.print_table(&table)
}
