//! `tokenring request saved`: lists and changes saved requests.

use clap::Subcommand;
use serde_json::json;

use super::parse_saved_request_name;
use crate::cli::context::CliContext;
use crate::cli::output::table::TableColumn::Text;
use crate::cli::output::table::TextTable;
use crate::config;
use crate::domain::Problem;
use crate::domain::request::{SavedRequest, SavedRequestName};

/// List, show, rename, copy or delete saved requests
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  tokenring request saved\n  tokenring request saved show nightly\n\n\
        Save a request with: tokenring request NAME … --save ID\nSend a saved request with: tokenring request NAME --saved ID"
)]
pub(in crate::cli) struct SavedRequestsArgs {
    #[command(subcommand)]
    command: Option<SavedRequestsCommand>,
}

#[derive(Debug, Subcommand)]
enum SavedRequestsCommand {
    /// Print a saved request
    #[command(after_help = "Examples:\n  tokenring request saved show nightly")]
    Show {
        /// Name of the saved request
        #[arg(value_parser = parse_saved_request_name)]
        id: SavedRequestName,
    },
    /// Rename a saved request
    #[command(after_help = "Examples:\n  tokenring request saved rename nightly weekly")]
    Rename {
        /// Name of the saved request
        #[arg(value_parser = parse_saved_request_name)]
        id: SavedRequestName,
        /// New name
        #[arg(value_parser = parse_saved_request_name)]
        to: SavedRequestName,
    },
    /// Copy a saved request
    #[command(after_help = "Examples:\n  tokenring request saved copy nightly weekly")]
    Copy {
        /// Name of the saved request
        #[arg(value_parser = parse_saved_request_name)]
        id: SavedRequestName,
        /// Name of the copy
        #[arg(value_parser = parse_saved_request_name)]
        to: SavedRequestName,
    },
    /// Delete a saved request
    #[command(after_help = "Examples:\n  tokenring request saved delete nightly")]
    Delete {
        /// Name of the saved request
        #[arg(value_parser = parse_saved_request_name)]
        id: SavedRequestName,
    },
}

impl SavedRequestsArgs {
    /// Runs the subcommand and lists the saved requests.
    pub(in crate::cli) fn run(self, context: &CliContext<'_>) -> Result<u8, Problem> {
        let requests = config::SavedRequestStore::new(&context.paths);
        match self.command {
            None => return list(context, &requests),
            Some(SavedRequestsCommand::Show { id }) => return show(context, &requests.load(&id)?),
            Some(SavedRequestsCommand::Rename { id, to }) => requests.rename(&id, &to)?,
            Some(SavedRequestsCommand::Copy { id, to }) => requests.copy(&id, &to)?,
            Some(SavedRequestsCommand::Delete { id }) => requests.delete(&id)?,
        }
        list(context, &requests)
    }
}

/// Lists the saved requests. A file that cannot be read is listed with the reason, so that it can
/// be fixed.
fn list(context: &CliContext<'_>, requests: &config::SavedRequestStore) -> Result<u8, Problem> {
    let all: Vec<_> = requests.ids()?.into_iter().map(|id| (requests.load(&id), id)).collect();
    if context.out.json {
        let shape = |(saved, id): &(Result<SavedRequest, Problem>, SavedRequestName)| match saved {
            Ok(saved) => {
                json!({ "id": id.as_str(), "provider": saved.provider, "method": saved.method, "target": saved.target })
            }
            Err(problem) => json!({ "id": id.as_str(), "error": problem }),
        };
        context.out.print_json(&all.iter().map(shape).collect::<Vec<_>>())?;
        return Ok(0);
    }
    let mut table =
        TextTable::new(&[Text("REQUEST"), Text("PROVIDER"), Text("METHOD"), Text("TARGET")]);
    for (saved, id) in &all {
        match saved {
            Ok(saved) => {
                table.add_row([id.as_str(), &saved.provider, saved.method.as_str(), &saved.target]);
            }
            Err(problem) => table.add_row([id.as_str(), "?", "?", &problem.why]),
        }
    }
    if all.is_empty() {
        context
            .out
            .note("No saved requests yet. Save one with `tokenring request NAME … --save ID`.");
    } else {
        context.out.print_table(&table)?;
    }
    Ok(0)
}

fn show(context: &CliContext<'_>, saved: &SavedRequest) -> Result<u8, Problem> {
    if context.out.json {
        context.out.print_json(saved)?;
    } else {
        context.out.write_bytes(saved.to_toml().as_bytes())?;
    }
    Ok(0)
}
