//! `tokenring store migrate`: moves all secrets from one store to another.

use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::cli::context::{CliContext, read_passphrase_if_locked};
use crate::cli::output::table::TableColumn::{Name, Text};
use crate::cli::output::table::TextTable;
use crate::domain::format::count_noun;
use crate::domain::{Problem, StoreKind};
use crate::engine::background::protocol::UnlockMethod;
use crate::engine::stores::migrate::{
    ConflictPolicy, ItemComparison, MigrationItem, MigrationSide, StoreMigration, choose_source,
};
use crate::{config, engine};

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
