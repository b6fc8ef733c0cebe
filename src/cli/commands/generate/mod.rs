//! `tokenring generate`: shell completions and manual pages, from the same grammar as `--help`.
//!
//! `tokenring generate man`: manual pages, generated from the same grammar as `--help`.
//!
//! `tokenring generate completions`: shell completions.
//!
//! The shell calls the program for each completion, so completions include the names of credentials
//! and regions. [`answer_shell`] handles such a call.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};
use clap_complete::env::{CompleteEnv, Shells};

use crate::cli::commands::generate;
use crate::cli::context::CliContext;
use crate::cli::output::usage_problem;
use crate::config::{AppPaths, Settings};
use crate::domain::provider::{Provider, ProviderCatalog};
use crate::domain::text::sanitize_line;
use crate::domain::{Credential, Problem};
use crate::{cli, engine};

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
    Completions(generate::CompletionsArgs),
    /// Print the manual page of the program or of one command
    Man(generate::ManArgs),
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

/// Environment variable by which a shell requests completions.
const COMPLETION_VARIABLE: &str = "TOKENRING_COMPLETE";

/// How a shell inserts a completion into the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CompletionQuoting {
    /// The shell inserts the text as it is and understands backslashes.
    Backslash,
    /// The shell inserts the text as it is and understands single quotes.
    SingleQuotes,
    /// The shell quotes the text itself.
    ByShell,
}

/// Print the completion script of a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  tokenring generate completions bash >> ~/.bashrc\n  \
    tokenring generate completions zsh > ~/.zfunc/_tokenring\n  tokenring generate completions fish > ~/.config/fish/completions/tokenring.fish")]
pub(in crate::cli) struct CompletionsArgs {
    /// Shell to print the script for
    #[arg(value_parser = ["bash", "zsh", "fish", "elvish", "powershell"])]
    shell: String,
}

impl CompletionsArgs {
    /// Writes the script that the shell reads when it starts.
    pub(in crate::cli) fn run(&self, context: &CliContext<'_>) -> Result<u8, Problem> {
        let shells = Shells::builtins();
        let Some(shell) = shells.completer(&self.shell) else {
            return Err(usage_problem(
                "Unsupported shell",
                &format!("there are no completions for \"{}\"", self.shell),
                "use bash, zsh, fish, elvish or powershell",
            ));
        };
        let mut script = Vec::new();
        shell
            .write_registration(
                COMPLETION_VARIABLE,
                "tokenring",
                "tokenring",
                "tokenring",
                &mut script,
            )
            .map_err(|error| {
                Problem::new(
                    "The completion script could not be created",
                    error.to_string(),
                    "report this as a bug, with the name of the shell",
                )
            })?;
        context.out.write_bytes(&script)?;
        Ok(0)
    }
}

/// Prints completions and exits, if a shell requested them.
pub(in crate::cli) fn answer_shell() {
    // Checked first, because the library reads the arguments and the working folder before it does.
    if std::env::var_os(COMPLETION_VARIABLE).is_some() {
        CompleteEnv::with_factory(|| with_completers(crate::cli::command()))
            .var(COMPLETION_VARIABLE)
            .complete();
    }
}

/// Adds completers for names, providers, kinds and regions to the grammar.
fn with_completers(command: clap::Command) -> clap::Command {
    // A command that takes a provider creates a credential, and its new name cannot be completed.
    let creates = command.get_arguments().any(|argument| argument.get_id() == "provider");
    let command = command.mut_args(|argument| match argument.get_id().as_str() {
        "kind" => argument.add(ArgValueCompleter::new(complete_kinds)),
        "like" | "administrator" => argument.add(ArgValueCompleter::new(complete_names)),
        "name" | "names" if !creates => argument.add(ArgValueCompleter::new(complete_names)),
        "provider" => argument.add(ArgValueCompleter::new(complete_providers)),
        "region" => argument.add(ArgValueCompleter::new(complete_regions)),
        _ => argument,
    });
    command.mut_subcommands(with_completers)
}

fn complete_names(prefix: &OsStr) -> Vec<CompletionCandidate> {
    let described = |credential: Credential| {
        let about = format!("{} {} in {}", credential.provider, credential.kind, credential.region);
        CompletionCandidate::new(credential.name.to_string()).help(Some(about.into()))
    };
    matching_candidates(prefix, load_credentials().unwrap_or_default().into_iter().map(described))
}

fn complete_providers(prefix: &OsStr) -> Vec<CompletionCandidate> {
    let Ok(catalog) = AppPaths::discover().and_then(|paths| engine::load_catalog(&paths)) else {
        return Vec::new();
    };
    let known = catalog.providers();
    matching_candidates(
        prefix,
        known.map(|provider| {
            CompletionCandidate::new(&provider.id).help(Some(provider.title.clone().into()))
        }),
    )
}

fn complete_kinds(prefix: &OsStr) -> Vec<CompletionCandidate> {
    let Ok(catalog) = AppPaths::discover().and_then(|paths| engine::load_catalog(&paths)) else {
        return Vec::new();
    };
    let all = selected_providers(&catalog)
        .flat_map(|provider| provider.kinds.iter().map(move |kind| (provider, kind)));
    // Two providers may use the same kind ID, and a candidate that is offered twice looks like a
    // mistake.
    let mut known: Vec<(&str, String)> = Vec::new();
    for (provider, kind) in all {
        let about = format!("{}: {}", provider.title, kind.title);
        match known.iter_mut().find(|(id, _)| *id == kind.id) {
            Some((_, others)) => *others = format!("{others}; {about}"),
            None => known.push((&kind.id, about)),
        }
    }
    matching_candidates(
        prefix,
        known.into_iter().map(|(id, about)| CompletionCandidate::new(id).help(Some(about.into()))),
    )
}

fn complete_regions(prefix: &OsStr) -> Vec<CompletionCandidate> {
    let Ok(catalog) = AppPaths::discover().and_then(|paths| engine::load_catalog(&paths)) else {
        return Vec::new();
    };
    let known = selected_providers(&catalog)
        .filter_map(|provider| catalog.regions(&provider.id).ok())
        .flatten();
    let mut ids: Vec<_> = known.map(|region| (region.id.clone(), region.api.to_string())).collect();
    ids.sort();
    ids.dedup();
    matching_candidates(
        prefix,
        ids.into_iter().map(|(id, api)| CompletionCandidate::new(id).help(Some(api.into()))),
    )
}

/// Returns the provider that the command line already names, otherwise all providers.
fn selected_providers(catalog: &ProviderCatalog) -> impl Iterator<Item = &Provider> {
    let line = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
    let named = find_provider_option(line.skip_while(|word| word != "--"));
    let named = named.filter(|id| catalog.provider(id).is_ok());
    catalog.providers().filter(move |provider| named.as_ref().is_none_or(|id| *id == provider.id))
}

/// Finds the value of `--provider` among the words of a command line.
fn find_provider_option(mut words: impl Iterator<Item = String>) -> Option<String> {
    let word = words.find(|word| word == "--provider" || word.starts_with("--provider="))?;
    word.strip_prefix("--provider=").map(str::to_owned).or_else(|| words.next())
}

/// Loads the credentials if an index exists. A completion must not create one.
fn load_credentials() -> Option<Vec<Credential>> {
    let paths = AppPaths::discover().ok().filter(|paths| paths.database().exists())?;
    let settings = Settings::load(&paths, &|name| std::env::var(name).ok()).ok()?;
    let engine = engine::open_engine(&paths, &settings).ok()?;
    cli::build_runtime().ok()?.block_on(engine.credentials.list()).ok()
}

/// Returns the candidates that start with the typed text, quoted for the shell that asks. The typed
/// text may be quoted too.
fn matching_candidates(
    prefix: &OsStr,
    all: impl Iterator<Item = CompletionCandidate>,
) -> Vec<CompletionCandidate> {
    let quoting =
        CompletionQuoting::for_shell(&std::env::var(COMPLETION_VARIABLE).unwrap_or_default());
    let prefix = prefix.to_string_lossy().to_lowercase();
    all.filter_map(|candidate| {
        let value = sanitize_line(&candidate.get_value().to_string_lossy());
        let quoted = quoting.quote(&value);
        let matches = [&value, &quoted].iter().any(|text| text.to_lowercase().starts_with(&prefix));
        let help = candidate.get_help().map(|help| sanitize_line(&help.to_string()).into());
        matches.then(|| CompletionCandidate::new(quoted).help(help))
    })
    .collect()
}

impl CompletionQuoting {
    fn for_shell(name: &str) -> Self {
        match name {
            "zsh" | "fish" | "elvish" => Self::ByShell,
            "powershell" | "pwsh" | "powershell_ise" => Self::SingleQuotes,
            _ => Self::Backslash,
        }
    }

    /// Quotes a text so that the shell reads it as one word without expansions. Letters outside
    /// ASCII have no meaning for a shell.
    fn quote(self, text: &str) -> String {
        let is_plain = |c: char| {
            !c.is_ascii() || c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | '@')
        };
        match self {
            Self::Backslash => text
                .chars()
                .flat_map(|c| (!is_plain(c)).then_some('\\').into_iter().chain([c]))
                .collect(),
            Self::SingleQuotes if !text.chars().all(is_plain) => {
                format!("'{}'", text.replace('\'', "''"))
            }
            Self::SingleQuotes | Self::ByShell => text.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shell_gets_its_quotes() {
        let name = "it's $(id)";
        for (shell, quoted) in [
            ("bash", "it\\'s\\ \\$\\(id\\)"),
            ("powershell", "'it''s $(id)'"),
            ("zsh", name),
            ("fish", name),
        ] {
            assert_eq!(CompletionQuoting::for_shell(shell).quote(name), quoted, "{shell}");
        }
        assert_eq!(CompletionQuoting::Backslash.quote("ci-scanner.2"), "ci-scanner.2");
        assert_eq!(CompletionQuoting::SingleQuotes.quote("ci-scanner.2"), "ci-scanner.2");
    }
}
