//! The command line: the argument grammar and one file per command.
//!
//! Every command is a `clap` struct with a `run` function that calls the engine and passes the
//! result to `output`, the only file of the program that writes to standard output and standard
//! error. Logic that the screen needs too belongs in the engine. Start reading at [`main`];
//! [`command`] returns the grammar.
//!
//! Process-wide setup: hardening, logging and the async runtime.

mod args;
pub mod commands;
mod context;
mod grammar;
pub mod input;
mod output;

use std::fs::OpenOptions;
use std::process::ExitCode;
use std::sync::Mutex;

use clap::{Parser, Subcommand};
use context::{CliContext, SettingsStrictness};
use output::CliOutput;

use crate::cli::commands::{
    add, audit, check, config, consumer, create, demo, doctor, edit, exec, generate, get, identify,
    import, list, login, regions, remove, request, revoke, rotate, scan, store, tui,
};
use crate::cli::output::secret_arguments;
use crate::domain::problem::ProblemClass;
use crate::domain::{Problem, StoreKind};
use crate::util::private_files::private_mode;
use crate::{cli, engine};

/// Store, test and rotate Snyk and Appcircle API tokens from the terminal
#[derive(Debug, Parser)]
#[command(name = "tokenring", version, max_term_width = 100, after_help = exit_codes_and_environment())]
struct CliArgs {
    #[command(subcommand)]
    command: Option<CliCommand>,
    #[command(flatten)]
    global: GlobalArgs,
}

/// Options of the program itself; `--json` is accepted by every command too.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
struct GlobalArgs {
    /// Print JSON with stable field names; errors are JSON too, on standard error
    #[arg(long, global = true)]
    json: bool,
    /// Refuse to send requests other than GET and HEAD
    #[arg(long)]
    readonly: bool,
    /// Use the line-based text interface for screen readers; ACCESSIBLE=1 does the same
    #[arg(long)]
    plain: bool,
}

#[derive(Debug, Subcommand)]
#[expect(clippy::large_enum_variant, reason = "a process has one")]
enum CliCommand {
    /// Try the screen on the built-in simulator; nothing is saved
    Demo(demo::DemoArgs),
    /// Run the provider simulator alone, on loopback, until stopped
    Sandbox(demo::SandboxArgs),
    /// Store a credential; the secret comes from a pipe or a prompt
    Add(add::AddArgs),
    /// List all credentials
    List(list::ListArgs),
    /// Show one credential
    Show(list::ShowArgs),
    /// Edit name, kind, region, labels, fields, expiry or secret
    Edit(edit::EditArgs),
    /// Delete a credential from tokenring; the provider is not contacted
    Remove(remove::RemoveArgs),
    /// Sign in with the browser
    Login(login::LoginArgs),
    /// Print the secret to a pipe; to a terminal only with --reveal
    Get(get::GetArgs),
    /// Identify a secret from standard input, offline
    Identify(identify::IdentifyArgs),
    /// Check whether credentials work
    Check(check::CheckArgs),
    /// List regions, or add a private one
    Regions(regions::RegionsArgs),
    /// Send a request with a credential; list saved and sent ones
    Request(request::RequestArgs),
    /// Import from other tools, files, lists, password managers or a backup
    Import(import::ImportArgs),
    /// Find plain-text copies of secrets in files
    Scan(scan::ScanArgs),
    /// Run a command with a credential in its environment
    Exec(exec::ExecArgs),
    /// Manage where a credential's secret is delivered
    Consumer(consumer::ConsumerArgs),
    /// Rotate a credential; list, resume or end unfinished rotations
    Rotate(rotate::RotateArgs),
    /// Revoke a credential at its provider and verify it no longer works
    Revoke(revoke::RevokeArgs),
    /// Create a new credential at the provider and store it
    Create(create::CreateArgs),
    /// Show the audit log, or verify that it was not modified
    Audit(audit::AuditArgs),
    /// Diagnose problems on this machine
    Doctor(doctor::DoctorArgs),
    /// Print shell completions or manual pages
    Generate(generate::GenerateArgs),
    /// Show, check or edit the settings
    Config(config::ConfigArgs),
    /// Show, unlock, lock, migrate or export the store
    Store(store::StoreArgs),
}

/// Returns the help about exit codes and environment variables.
fn exit_codes_and_environment() -> String {
    let stores = StoreKind::NAMES.join("|");
    format!(
        "Exit codes: 0 done, 1 failed, 2 usage, 3 not found, 4 refused by the provider, 5 unknown (network), \
6 store locked or unavailable, 7 policy not met, 8 a rotation waits for you.\n\n\
Environment: TOKENRING_HOME puts configuration, data and state under one folder. TOKENRING_STORE={stores} \
overrides the configured store. TOKENRING_PASSPHRASE_FILE names a file (mode 0600) that contains the passphrase of the \
encrypted file; the screen ignores it and asks."
    )
}

/// Runs the program with the arguments of this process.
pub fn main() -> ExitCode {
    cli::harden_process();
    if cli::is_agent_start() {
        return if engine::run_agent() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    generate::answer_shell();
    let cli = match parse() {
        Ok(cli) => cli,
        Err(error) => return print_parse_error(error),
    };
    let output = CliOutput::new(cli.global.json);
    match run(cli, &output) {
        Ok(code) => ExitCode::from(code),
        Err(problem) => output.print_problem(&problem),
    }
}

/// Prints an error of the argument parser, without values that may be secrets.
fn print_parse_error(error: clap::Error) -> ExitCode {
    let arguments = secret_arguments::process_arguments();
    let json = arguments.iter().any(|argument| argument == "--json");
    let problem = secret_arguments::surplus_argument_problem(&error, &arguments)
        .or_else(|| secret_arguments::missing_separator_problem(&error, &arguments));
    match problem {
        Some(problem) => CliOutput::new(json).print_problem(&problem),
        None => output::print_parse_error(&secret_arguments::without_values(error), json),
    }
}

/// Parses the arguments of this process. Without arguments `clap` is skipped, so that the screen
/// appears sooner.
fn parse() -> Result<CliArgs, clap::Error> {
    if std::env::args_os().nth(1).is_none() {
        return Ok(CliArgs { command: None, global: GlobalArgs::default() });
    }
    grammar::parse()
}

/// Returns the grammar of the command line for documentation, completions and manual pages.
pub fn command() -> clap::Command {
    grammar::build()
}

fn run(cli: CliArgs, output: &CliOutput) -> Result<u8, Problem> {
    cli::start_log()?;
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
    cli::build_runtime()?.block_on(run_command(verb, context))
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
        CliCommand::Regions(verb) => verb.run(context).await,
        CliCommand::Request(verb) => verb.run(context).await,
        CliCommand::Import(verb) => verb.run(context).await,
        CliCommand::Scan(verb) => verb.run(context).await,
        CliCommand::Exec(verb) => verb.run(context).await,
        CliCommand::Consumer(verb) => verb.run(context).await,
        CliCommand::Rotate(verb) => verb.run(context).await,
        CliCommand::Revoke(verb) => verb.run(context).await,
        CliCommand::Create(verb) => verb.run(context).await,
        CliCommand::Audit(verb) => verb.run(context).await,
        CliCommand::Doctor(verb) => verb.run(context).await,
        CliCommand::Generate(verb) => verb.run(context),
        CliCommand::Config(verb) => verb.run(context),
        CliCommand::Store(verb) => verb.run(context).await,
    }
}

/// Disables core dumps and prevents other processes of this user from reading this process's
/// memory.
///
/// Best effort: a system that refuses is no reason not to start.
pub(in crate::cli) fn harden_process() {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
    #[cfg(unix)]
    let _ = rustix::process::setrlimit(
        rustix::process::Resource::Core,
        rustix::process::Rlimit { current: Some(0), maximum: Some(0) },
    );
}

/// Whether this process is to be the agent of a store: `tokenring store unlock` starts it with these
/// arguments, and describes it on standard input.
pub(in crate::cli) fn is_agent_start() -> bool {
    std::env::args_os().skip(1).eq(crate::engine::AGENT_ARGUMENTS)
        && !std::io::IsTerminal::is_terminal(&std::io::stdin())
}

/// Logs to the file named by `TOKENRING_LOG`, at the level named by `TOKENRING_LOG_LEVEL` (`debug`
/// by default).
pub(in crate::cli) fn start_log() -> Result<(), Problem> {
    let Some(path) = std::env::var_os("TOKENRING_LOG") else { return Ok(()) };
    let wanted = std::env::var("TOKENRING_LOG_LEVEL").unwrap_or_else(|_| "debug".to_owned());
    let level: tracing::Level = wanted.parse().map_err(|_| {
        let why = "TOKENRING_LOG_LEVEL names no level";
        Problem::new("Unknown log level", why, "use error, warn, info, debug or trace")
            .with_class(ProblemClass::Usage)
    })?;
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    let file = private_mode(&mut options).open(&path).map_err(|error| {
        let what = format!("The log {} cannot be written", path.display());
        Problem::new(what, error.to_string(), "name another file in TOKENRING_LOG, or unset it")
            .with_class(ProblemClass::Usage)
    })?;
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_ansi(false)
        .with_writer(Mutex::new(file))
        .init();
    Ok(())
}

/// Builds the async runtime. Two worker threads are enough: tasks mostly wait, and they must not
/// crowd out the drawing task.
pub(in crate::cli) fn build_runtime() -> Result<tokio::runtime::Runtime, Problem> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(
        |error| {
            Problem::new(
                "The program cannot start its tasks",
                error.to_string(),
                "free some threads or memory and try again",
            )
        },
    )
}
