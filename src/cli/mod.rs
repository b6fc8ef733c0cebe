//! The command line door: one file a verb.
//!
//! Every verb is a `clap` struct with a `run` function that asks the engine and hands what it learns to `output`,
//! the only file of the program that writes to standard output and standard error.

mod add;
mod arguments;
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
mod human;
mod identify;
mod import;
mod ink;
mod junit;
mod list;
mod login;
mod man;
mod migrate;
mod output;
mod presets;
mod process;
mod prompt;
mod regions;
mod remove;
mod request;
mod requests;
mod revoke;
mod rotate;
mod sandbox;
mod scan;
mod screen;
mod secret_input;
mod shape;
mod store;
mod table;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::domain::Problem;
use context::{Care, Context};
use output::Output;

/// A keyring for API tokens, with a screen.
#[derive(Debug, Parser)]
#[command(name = "tokenring", version, about, max_term_width = 100, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    verb: Option<Verb>,
    #[command(flatten)]
    common: Common,
}

/// What every command takes.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
struct Common {
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
enum Verb {
    /// Show the screen on the built-in simulator: nothing to install, nothing kept
    Demo(demo::Demo),
    /// Run the simulator alone, on loopback, until SIGTERM
    Sandbox(sandbox::Sandbox),
    /// Keep a credential; the secret comes from standard input or a hidden prompt
    Add(add::Add),
    /// List all credentials
    List(list::List),
    /// Show one credential
    Show(list::Show),
    /// Change a credential's name, kind, region, fields, labels, expiry or secret
    Edit(edit::Edit),
    /// Forget a credential and its secret here; the provider is not asked
    Remove(remove::Remove),
    /// Sign in with the browser, for the first time or again
    Login(login::Login),
    /// Write the secret to a pipe; to a terminal only with --reveal
    Get(get::Get),
    /// Say what a secret is, offline; it is read from standard input
    Identify(identify::Identify),
    /// Ask the provider whether credentials work
    Check(check::Check),
    /// Write the ends of credentials as a calendar (.ics); the store is not touched
    Calendar(calendar::Calendar),
    /// List regions, or add a private one
    Regions(regions::Regions),
    /// Switch a credential to another region
    Region(regions::Switch),
    /// Try a credential in all regions of its provider; shows the secret to each of those hosts
    Probe(check::Probe),
    /// Send a request with a credential
    Request(request::Request),
    /// Take over credentials that lie in plain text: of other programs, or in a file
    Import(import::Import),
    /// Find plain-text copies of secrets in files: of those held here, and of known shapes
    Scan(scan::Scan),
    /// Run a command that gets a credential's variables, such as `SNYK_TOKEN` and `SNYK_API`
    Exec(exec::Exec),
    /// Say where a credential's secret must be delivered, and deliver it
    Consumer(consumer::Consumers),
    /// Replace a credential: make, store, prove and deliver the new secret, then revoke the old one
    Rotate(rotate::Rotate),
    /// List the rotations that are not over, or all
    Rotations(rotate::List),
    /// Have the provider revoke a credential, and show that it is dead; nothing takes its place
    Revoke(revoke::Revoke),
    /// Make a new credential at its provider, straight into the store
    Create(create::Create),
    /// Show who did what, when and how it ended; --verify finds a line that was edited, removed or moved
    Audit(audit::Audit),
    /// Look for what may stand in the way on this machine, and say what to do about it
    Doctor(doctor::Doctor),
    /// Write the completions of a shell; the output belongs into its start file
    Completions(completions::Completions),
    /// Write the manual page of the program or of one command
    Man(man::Man),
    /// List the ready-made requests of a provider, or those of use to a credential
    Presets(presets::Presets),
    /// List the requests that were saved under a name, or change them
    Requests(requests::Requests),
    /// List the requests that were sent, send one again, compare two, or forget them
    History(history::History),
    /// Look at the settings, check them, or edit them
    Config(config::Config),
    /// Look at the store, unlock it, or move to another one
    Store(store::Store),
}

const EXIT_CODES: &str = "Exit codes: 0 done, 1 failed, 2 usage, 3 not found, 4 refused by the provider, 5 unknown (network), \
6 store locked or unavailable, 7 policy not met, 8 a rotation needs a human.\n\n\
Environment: TOKENRING_HOME puts configuration, data and state under one folder; TOKENRING_STORE=keyring|file|memory \
overrides the configured store; TOKENRING_PASSPHRASE_FILE names a file (mode 0600) with the encrypted file's passphrase, \
for all commands but the screen, which asks.";

/// Runs the program on the process's arguments.
pub fn main() -> ExitCode {
    process::harden();
    completions::answer();
    let cli = match parse() {
        Ok(cli) => cli,
        Err(error) => return output::usage(&error, std::env::args_os().any(|argument| argument == "--json")),
    };
    let output = Output::new(cli.common.json);
    match run(cli, &output) {
        Ok(code) => ExitCode::from(code),
        Err(problem) => output.problem(&problem),
    }
}

/// Reads the arguments. Where there are none there is nothing to read, and the screen comes up the sooner for it.
fn parse() -> Result<Cli, clap::Error> {
    if std::env::args_os().nth(1).is_none() {
        return Ok(Cli { verb: None, common: Common::default() });
    }
    Cli::try_parse()
}

/// The grammar of the command line, for documentation, completions and manual pages.
pub fn command() -> clap::Command {
    <Cli as clap::CommandFactory>::command()
}

fn run(cli: Cli, output: &Output) -> Result<u8, Problem> {
    process::start_log()?;
    let context = Context::new(cli.common, Care::of(cli.verb.as_ref()), output)?;
    match cli.verb {
        None => screen::run(&context),
        Some(verb) => perform(verb, &context),
    }
}

/// Not inlined: it takes room for every verb on the stack, which the screen would pay for.
#[inline(never)]
fn perform(verb: Verb, context: &Context<'_>) -> Result<u8, Problem> {
    process::runtime()?.block_on(dispatch(verb, context))
}

impl Care {
    /// The screen goes on with settings that are partly wrong, and whoever mends them needs none at all.
    fn of(verb: Option<&Verb>) -> Self {
        match verb {
            None | Some(Verb::Demo(_)) => Self::Lenient,
            Some(Verb::Config(_)) => Self::None,
            Some(_) => Self::Strict,
        }
    }
}

async fn dispatch(verb: Verb, context: &Context<'_>) -> Result<u8, Problem> {
    match verb {
        Verb::Demo(verb) => verb.run(context).await,
        Verb::Sandbox(verb) => verb.run(context).await,
        Verb::Add(verb) => verb.run(context).await,
        Verb::List(verb) => verb.run(context).await,
        Verb::Show(verb) => verb.run(context).await,
        Verb::Edit(verb) => verb.run(context).await,
        Verb::Remove(verb) => verb.run(context).await,
        Verb::Login(verb) => verb.run(context).await,
        Verb::Get(verb) => verb.run(context).await,
        Verb::Identify(verb) => verb.run(context),
        Verb::Check(verb) => verb.run(context).await,
        Verb::Calendar(verb) => verb.run(context).await,
        Verb::Regions(verb) => verb.run(context).await,
        Verb::Region(verb) => verb.run(context).await,
        Verb::Probe(verb) => verb.run(context).await,
        Verb::Request(verb) => verb.run(context).await,
        Verb::Import(verb) => verb.run(context).await,
        Verb::Scan(verb) => verb.run(context).await,
        Verb::Exec(verb) => verb.run(context).await,
        Verb::Consumer(verb) => verb.run(context).await,
        Verb::Rotate(verb) => verb.run(context).await,
        Verb::Rotations(verb) => verb.run(context).await,
        Verb::Revoke(verb) => verb.run(context).await,
        Verb::Create(verb) => verb.run(context).await,
        Verb::Audit(verb) => verb.run(context).await,
        Verb::Doctor(verb) => verb.run(context).await,
        Verb::Completions(verb) => verb.run(context),
        Verb::Man(verb) => verb.run(context),
        Verb::Presets(verb) => verb.run(context).await,
        Verb::Requests(verb) => verb.run(context),
        Verb::History(verb) => verb.run(context).await,
        Verb::Config(verb) => verb.run(context),
        Verb::Store(verb) => verb.run(context).await,
    }
}
