//! `tokenring generate man`: manual pages, generated from the same grammar as `--help`.

use std::path::{Path, PathBuf};

use crate::cli::context::CliContext;
use crate::cli::output::usage_problem;
use crate::domain::Problem;

/// Print the manual page of the program or of one command
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  tokenring generate man | man -l -\n  tokenring generate man --out ~/.local/share/man/man1"
)]
pub(in crate::cli) struct ManArgs {
    /// Command whose page to print; the program's own page by default
    command: Option<String>,
    /// Write all pages into this folder, one file each
    #[arg(long, value_name = "FOLDER", conflicts_with = "command")]
    out: Option<PathBuf>,
}

impl ManArgs {
    /// Writes one page to standard output, or all pages into a folder.
    pub(in crate::cli) fn run(&self, context: &CliContext<'_>) -> Result<u8, Problem> {
        let mut grammar = crate::cli::command();
        grammar.build();
        if let Some(folder) = &self.out {
            return write_pages(&grammar, folder).map(|()| 0);
        }
        let page = match &self.command {
            None => grammar,
            Some(name) => grammar.find_subcommand(name).cloned().ok_or_else(|| {
                usage_problem(
                    "Unknown command",
                    &format!("tokenring has no command \"{name}\""),
                    "list the commands with `tokenring --help`",
                )
            })?,
        };
        let text = render_page(&page)
            .map_err(|error| manual_write_problem(Path::new("standard output"), &error))?;
        context.out.write_bytes(text.as_bytes())?;
        Ok(0)
    }
}

/// Writes the page of a command and of all its subcommands, one file each. `help` is skipped,
/// because it only repeats the others.
fn write_pages(command: &clap::Command, folder: &Path) -> Result<(), Problem> {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name());
    let path = folder.join(format!("{name}.1"));
    render_page(command)
        .and_then(|text| std::fs::write(&path, text))
        .map_err(|error| manual_write_problem(folder, &error))?;
    let mut below = command
        .get_subcommands()
        .filter(|below| !below.is_hide_set() && below.get_name() != "help");
    below.try_for_each(|below| write_pages(below, folder))
}

/// Renders a page in ASCII, because the program that reads it may not know the encoding.
fn render_page(command: &clap::Command) -> std::io::Result<String> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut page)?;
    let page = String::from_utf8_lossy(&page);
    Ok(page
        .chars()
        .map(|c| if c.is_ascii() { c.to_string() } else { format!("\\[u{:04X}]", u32::from(c)) })
        .collect())
}

fn manual_write_problem(place: &Path, error: &std::io::Error) -> Problem {
    let what = format!("The manual could not be written to {}", place.display());
    Problem::new(what, error.to_string(), "choose an existing folder with write permission")
}
