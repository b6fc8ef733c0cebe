//! The command line: the argument grammar and one file per command.
//!
//! Every command is a `clap` struct with a `run` function that calls the engine and passes the
//! result to `output`, the only file of the program that writes to standard output and standard
//! error. Logic that the screen needs too belongs in the engine. Start reading at [`main`];
//! [`command`] returns the grammar.

mod add;
mod args;
mod audit;
mod calendar;
mod check;
mod classified;
mod completions;
mod config;
mod consumer;
mod context;
mod create;
mod demo;
mod doctor;
mod edit;
mod exec;
mod get;
mod history;
mod identify;
mod import;
mod json;
mod junit;
mod list;
mod login;
mod man;
mod migrate;
mod output;
mod presets;
mod process;
mod prompt;
mod prompter;
mod regions;
mod remove;
mod request;
mod requests;
mod revoke;
mod rotate;
mod sandbox;
mod scan;
mod secret_input;
mod store;
mod style;
mod table;
mod tui;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::domain::Problem;
use context::{CliContext, SettingsStrictness};
use output::CliOutput;

/// A keyring for API tokens, with a screen.
#[derive(Debug, Parser)]
#[command(name = "tokenring", version, about, max_term_width = 100, after_help = EXIT_CODES)]
struct CliArgs {
    #[command(subcommand)]
    command: Option<CliCommand>,
    #[command(flatten)]
    global: GlobalArgs,
}

/// What every command takes.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
struct GlobalArgs {
    /// Print JSON with stable field names; errors too, on standard error
    #[arg(long, global = true)]
    json: bool,
    /// Refuse every request that is not a GET or HEAD, before the socket
    #[arg(long, global = true)]
    readonly: bool,
    /// Tell the screen in lines of text instead of drawing it; ACCESSIBLE=1 does the same
    #[arg(long, global = true)]
    plain: bool,
}

#[derive(Debug, Subcommand)]
enum CliCommand {
    /// Show the screen on the built-in simulator: nothing to install, nothing kept
    Demo(demo::DemoArgs),
    /// Run the simulator alone, on loopback, until SIGTERM
    Sandbox(sandbox::SandboxArgs),
    /// Keep a credential; the secret comes from standard input or a hidden prompt
    Add(add::AddArgs),
    /// List all credentials
    List(list::ListArgs),
    /// Show one credential
    Show(list::ShowArgs),
    /// Change a credential's name, kind, region, fields, labels, expiry or secret
    Edit(edit::EditArgs),
    /// Forget a credential and its secret here; the provider is not asked
    Remove(remove::RemoveArgs),
    /// Sign in with the browser, for the first time or again
    Login(login::LoginArgs),
    /// Write the secret to a pipe; to a terminal only with --reveal
    Get(get::GetArgs),
    /// Say what a secret is, offline; it is read from standard input
    Identify(identify::IdentifyArgs),
    /// Ask the provider whether credentials work
    Check(check::CheckArgs),
    /// Write the ends of credentials as a calendar (.ics); the store is not touched
    Calendar(calendar::CalendarArgs),
    /// List regions, or add a private one
    Regions(regions::RegionsArgs),
    /// Switch a credential to another region
    Region(regions::SwitchRegionArgs),
    /// Try a credential in all regions of its provider; shows the secret to each of those hosts
    Probe(check::ProbeArgs),
    /// Send a request with a credential
    Request(request::RequestArgs),
    /// Take over credentials that lie in plain text: of other programs, or in a file
    Import(import::ImportArgs),
    /// Find plain-text copies of secrets in files: of those held here, and of known shapes
    Scan(scan::ScanArgs),
    /// Run a command that gets a credential's variables, such as `SNYK_TOKEN` and `SNYK_API`
    Exec(exec::ExecArgs),
    /// Say where a credential's secret must be delivered, and deliver it
    Consumer(consumer::ConsumerArgs),
    /// Replace a credential: make, store, prove and deliver the new secret, then revoke the old one
    Rotate(rotate::RotateArgs),
    /// List the rotations that are not over, or all
    Rotations(rotate::RotationsArgs),
    /// Have the provider revoke a credential, and show that it is dead; nothing takes its place
    Revoke(revoke::RevokeArgs),
    /// Make a new credential at its provider, straight into the store
    Create(create::CreateArgs),
    /// Show who did what, when and how it ended; --verify finds a line that was edited, removed or moved
    Audit(audit::AuditArgs),
    /// Look for what may stand in the way on this machine, and say what to do about it
    Doctor(doctor::DoctorArgs),
    /// Write the completions of a shell; the output belongs into its start file
    Completions(completions::CompletionsArgs),
    /// Write the manual page of the program or of one command
    Man(man::ManArgs),
    /// List the ready-made requests of a provider, or those of use to a credential
    Presets(presets::PresetsArgs),
    /// List the requests that were saved under a name, or change them
    Requests(requests::SavedRequestsArgs),
    /// List the requests that were sent, send one again, compare two, or forget them
    History(history::HistoryArgs),
    /// Look at the settings, check them, or edit them
    Config(config::ConfigArgs),
    /// Look at the store, unlock it, or move to another one
    Store(store::StoreArgs),
}

const EXIT_CODES: &str = "Exit codes: 0 done, 1 failed, 2 usage, 3 not found, 4 refused by the provider, 5 unknown (network), \
6 store locked or unavailable, 7 policy not met, 8 a rotation needs a human.\n\n\
Environment: TOKENRING_HOME puts configuration, data and state under one folder; TOKENRING_STORE=keyring|file|memory \
overrides the configured store; TOKENRING_PASSPHRASE_FILE names a file (mode 0600) with the encrypted file's passphrase, \
for all commands but the screen, which asks.";

/// Runs the program with the arguments of this process.
pub fn main() -> ExitCode {
    process::harden_process();
    completions::answer_shell();
    let cli = match parse() {
        Ok(cli) => cli,
        Err(error) => {
            return output::print_parse_error(
                &error,
                std::env::args_os().any(|argument| argument == "--json"),
            );
        }
    };
    let output = CliOutput::new(cli.global.json);
    match run(cli, &output) {
        Ok(code) => ExitCode::from(code),
        Err(problem) => output.print_problem(&problem),
    }
}

/// Parses the arguments of this process. Without arguments `clap` is skipped, so that the screen
/// appears sooner.
fn parse() -> Result<CliArgs, clap::Error> {
    if std::env::args_os().nth(1).is_none() {
        return Ok(CliArgs { command: None, global: GlobalArgs::default() });
    }
    CliArgs::try_parse()
}

/// Returns the grammar of the command line for documentation, completions and manual pages.
pub fn command() -> clap::Command {
    <CliArgs as clap::CommandFactory>::command()
}

fn run(cli: CliArgs, output: &CliOutput) -> Result<u8, Problem> {
    process::start_log()?;
    let context =
        CliContext::new(cli.global, SettingsStrictness::for_command(cli.command.as_ref()), output)?;
    match cli.command {
        None => tui::run(&context),
        Some(verb) => run_blocking(verb, &context),
    }
}

/// Runs a command to its end on a new runtime.
///
/// Not inlined: it needs stack space for every command, which the screen would pay for.
#[inline(never)]
fn run_blocking(verb: CliCommand, context: &CliContext<'_>) -> Result<u8, Problem> {
    process::build_runtime()?.block_on(run_command(verb, context))
}

impl SettingsStrictness {
    /// Returns how strictly the settings are read for a command. The screen starts with settings
    /// that are partly wrong, and `config`, which fixes them, needs none at all.
    fn for_command(verb: Option<&CliCommand>) -> Self {
        match verb {
            None | Some(CliCommand::Demo(_)) => Self::Lenient,
            Some(CliCommand::Config(_)) => Self::None,
            Some(_) => Self::Strict,
        }
    }
}

async fn run_command(verb: CliCommand, context: &CliContext<'_>) -> Result<u8, Problem> {
    match verb {
        CliCommand::Demo(verb) => verb.run(context).await,
        CliCommand::Sandbox(verb) => verb.run(context).await,
        CliCommand::Add(verb) => verb.run(context).await,
        CliCommand::List(verb) => verb.run(context).await,
        CliCommand::Show(verb) => verb.run(context).await,
        CliCommand::Edit(verb) => verb.run(context).await,
        CliCommand::Remove(verb) => verb.run(context).await,
        CliCommand::Login(verb) => verb.run(context).await,
        CliCommand::Get(verb) => verb.run(context).await,
        CliCommand::Identify(verb) => verb.run(context),
        CliCommand::Check(verb) => verb.run(context).await,
        CliCommand::Calendar(verb) => verb.run(context).await,
        CliCommand::Regions(verb) => verb.run(context).await,
        CliCommand::Region(verb) => verb.run(context).await,
        CliCommand::Probe(verb) => verb.run(context).await,
        CliCommand::Request(verb) => verb.run(context).await,
        CliCommand::Import(verb) => verb.run(context).await,
        CliCommand::Scan(verb) => verb.run(context).await,
        CliCommand::Exec(verb) => verb.run(context).await,
        CliCommand::Consumer(verb) => verb.run(context).await,
        CliCommand::Rotate(verb) => verb.run(context).await,
        CliCommand::Rotations(verb) => verb.run(context).await,
        CliCommand::Revoke(verb) => verb.run(context).await,
        CliCommand::Create(verb) => verb.run(context).await,
        CliCommand::Audit(verb) => verb.run(context).await,
        CliCommand::Doctor(verb) => verb.run(context).await,
        CliCommand::Completions(verb) => verb.run(context),
        CliCommand::Man(verb) => verb.run(context),
        CliCommand::Presets(verb) => verb.run(context).await,
        CliCommand::Requests(verb) => verb.run(context),
        CliCommand::History(verb) => verb.run(context).await,
        CliCommand::Config(verb) => verb.run(context),
        CliCommand::Store(verb) => verb.run(context).await,
    }
}
