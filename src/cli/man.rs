//! `tokenring man`: the manual pages, made from the same grammar as `--help`.

use std::path::{Path, PathBuf};

use super::arguments::usage;
use super::context::Context;
use crate::domain::Problem;

/// Write the manual page of the program or of one command
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  tokenring man | man -l -\n  tokenring man --out ~/.local/share/man/man1")]
pub(super) struct Man {
    /// The command whose page to write; the program's own page without it
    command: Option<String>,
    /// Write all pages into this folder, a file each
    #[arg(long, value_name = "FOLDER", conflicts_with = "command")]
    out: Option<PathBuf>,
}

impl Man {
    /// Writes one page to standard output, or all of them into a folder.
    pub(super) fn run(&self, context: &Context<'_>) -> Result<u8, Problem> {
        let mut grammar = super::command();
        grammar.build();
        if let Some(folder) = &self.out {
            clap_mangen::generate_to(grammar, folder).map_err(|error| unwritten(folder, &error))?;
            return Ok(0);
        }
        let page = match &self.command {
            None => grammar,
            Some(name) => grammar.find_subcommand(name).cloned().ok_or_else(|| {
                usage("There is no such page", &format!("tokenring has no command \"{name}\""), "see `tokenring --help`")
            })?,
        };
        let mut text = Vec::new();
        clap_mangen::Man::new(page).render(&mut text).map_err(|error| unwritten(Path::new("standard output"), &error))?;
        context.out.bytes(&text)?;
        Ok(0)
    }
}

fn unwritten(place: &Path, error: &std::io::Error) -> Problem {
    let what = format!("The manual could not be written to {}", place.display());
    Problem::new(what, error.to_string(), "name a folder that is there and may be written to")
}
