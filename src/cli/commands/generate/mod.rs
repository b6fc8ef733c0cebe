//! `tokenring generate`: shell completions and manual pages, from the same grammar as `--help`.

mod completions;
mod man;

use crate::cli::context::CliContext;
use crate::domain::Problem;

pub(in crate::cli) use completions::answer_shell;

/// Print shell completions or manual pages
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  tokenring generate completions bash >> ~/.bashrc\n  tokenring generate man | man -l -"
)]
pub(in crate::cli) struct GenerateArgs {
    #[command(subcommand)]
    command: GenerateCommand,
}

#[derive(Debug, clap::Subcommand)]
enum GenerateCommand {
    /// Print the completion script of a shell
    Completions(completions::CompletionsArgs),
    /// Print the manual page of the program or of one command
    Man(man::ManArgs),
}

impl GenerateArgs {
    /// Prints what was asked for.
    pub(in crate::cli) fn run(&self, context: &CliContext<'_>) -> Result<u8, Problem> {
        match &self.command {
            GenerateCommand::Completions(command) => command.run(context),
            GenerateCommand::Man(command) => command.run(context),
        }
    }
}
