//! `tokenring store`: look at the store, or unlock it.

use serde::Serialize;

use super::context::{Context, passphrase};
use super::output::Table;
use crate::domain::Problem;
use crate::engine::message::{BackendKind, StoreError, StoreState, Unlock};
use crate::engine::{self, message::Persistence};

/// Look at the store, or unlock it
#[derive(Debug, clap::Args)]
pub(super) struct Store {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Say which stores there are, which one is in use, and whether it can be used
    Status,
    /// Unlock the store: the keyring by its own prompt, the encrypted file by its passphrase
    Unlock,
}

/// One thing that was found.
#[derive(Serialize)]
struct Finding {
    area: &'static str,
    level: &'static str,
    what: String,
    why: String,
    remedy: String,
}

impl Store {
    /// Reports or unlocks.
    pub(super) async fn run(self, context: &Context<'_>) -> Result<u8, Problem> {
        match self.verb {
            Verb::Status => status(context).await,
            Verb::Unlock => unlock(context).await,
        }
    }
}

async fn status(context: &Context<'_>) -> Result<u8, Problem> {
    let engine = context.engine()?;
    // At once: a store that does not answer takes its whole deadline.
    let (chosen, others) = tokio::join!(engine.store_state(), engine::other_stores(&context.paths, &context.settings));
    let usable = chosen.problem.is_none();
    let mut findings = vec![in_use(&chosen)];
    findings.extend(others.iter().map(at_hand));
    if context.out.json {
        context.out.value(&serde_json::json!({ "findings": findings }))?;
    } else {
        let mut table = Table::new(&["LEVEL", "WHAT", "WHY", "REMEDY"]);
        for finding in findings {
            table.row([finding.level.to_owned(), finding.what, finding.why, finding.remedy]);
        }
        context.out.table(&table)?;
    }
    Ok(if usable { 0 } else { crate::domain::problem::Class::Store.exit_code() })
}

async fn unlock(context: &Context<'_>) -> Result<u8, Problem> {
    let engine = context.engine()?;
    let state = engine.store_state().await;
    match state.problem {
        None => {}
        Some(error) if state.backend.kind == BackendKind::File => {
            let passphrase = passphrase(&error)?;
            engine.unlock(Unlock::Passphrase(&passphrase), engine::UNLOCK_WAIT).await?;
        }
        Some(_) => {
            context.out.note("Waiting for the keyring's own prompt; Ctrl-C gives up.");
            engine.unlock(Unlock::OwnPrompt, engine::UNLOCK_WAIT).await?;
        }
    }
    context.out.note(&format!("{}: unlocked", state.backend.title));
    Ok(0)
}

fn in_use(state: &StoreState) -> Finding {
    let what = format!("{} is in use", state.backend.title);
    match &state.problem {
        None => Finding { area: "store", level: "ok", what, why: abilities(state), remedy: String::new() },
        Some(error) => {
            let problem = Problem::from(error.clone());
            let level = if matches!(error, StoreError::Locked | StoreError::Uncreated) { "warn" } else { "fail" };
            Finding { area: "store", level, what, why: format!("{}; {}", problem.why, abilities(state)), remedy: problem.remedy }
        }
    }
}

fn at_hand(state: &StoreState) -> Finding {
    let (level, why) = match &state.problem {
        None => ("ok", format!("available; {}", abilities(state))),
        Some(error) => ("ok", format!("{error}; {}", abilities(state))),
    };
    let remedy = format!("choose it with store = \"{}\" in config.toml", state.backend.kind.as_str());
    Finding { area: "store", level, what: format!("{} is not in use", state.backend.title), why, remedy }
}

fn abilities(state: &StoreState) -> String {
    let lasts = match state.backend.persistence {
        Persistence::Disk => "items stay until they are removed",
        Persistence::Process => "items are gone when this process ends",
    };
    format!("{lasts}; an item holds up to {} bytes", state.backend.item_limit)
}
