//! `tokenring store migrate`: moves all secrets between the keyring and the encrypted file.

use crate::cli::context::{CliContext, read_passphrase};
use crate::cli::output::table::TableColumn::{Name, Text};
use crate::cli::output::table::TextTable;
use crate::config::{self, StoreChoice};
use crate::domain::Problem;
use crate::domain::format::count_noun;
use crate::engine;
use crate::engine::migrate::{ConflictPolicy, ItemComparison, MigrationItem, StoreMigration};
use crate::engine::task_protocol::{BackendKind, StoreError, UnlockMethod};

/// Copy all secrets to the other store and verify each copy
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct MigrateArgs {
    /// Target store: the system keyring or the encrypted file
    #[arg(long, value_parser = ["keyring", "file"])]
    to: String,
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
        let (kind, choice) = match self.to.as_str() {
            "file" => (BackendKind::File, StoreChoice::File),
            _ => (BackendKind::Keyring, StoreChoice::Keyring),
        };
        let engine = context.engine()?;
        let migration = StoreMigration::new(kind, &context.paths.vault());
        unlock_stores(&migration).await?;
        if self.dry_run {
            print_plan(context, &engine.migration.plan_migration(&migration).await?)?;
            return Ok(0);
        }
        let is_chosen = engine.store.state().await.backend.kind == kind;
        let items = if is_chosen {
            None
        } else {
            Some(self.copy_items(context, &migration, choice).await?)
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
        choice: StoreChoice,
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
        config::save_store_choice(&context.paths.settings(), choice)?;
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
                    self.to
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
            std::env::var_os("TOKENRING_STORE").filter(|forced| *forced != *self.to)
        {
            context.out.note(&format!(
                "note: TOKENRING_STORE={} overrides config.toml; unset it",
                forced.to_string_lossy()
            ));
        }
        Ok(0)
    }
}

/// Unlocks both stores: the encrypted file with its passphrase. A locked keyring is a problem that
/// the user solves first.
async fn unlock_stores(migration: &StoreMigration) -> Result<(), Problem> {
    for (kind, error) in migration.locked_stores().await {
        match error {
            StoreError::Locked | StoreError::NotInitialized if kind == BackendKind::File => {
                let passphrase = read_passphrase(&error)?;
                migration
                    .unlock(kind, UnlockMethod::Passphrase(&passphrase), engine::UNLOCK_TIMEOUT)
                    .await?;
            }
            error => return Err(error.into()),
        }
    }
    Ok(())
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
