//! `tokenring exec`: runs a command with the secrets of credentials.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io;
use std::sync::{Mutex, PoisonError};

use crate::cli::context::CliContext;
use crate::cli::output::usage_problem;
use crate::cli::output::{self, CliOutput};
use crate::domain::problem::ProblemClass;
use crate::domain::{Credential, CredentialName, Problem};
use crate::engine::Engine;
use crate::engine::exec::{
    ChildCommand, EnvValue, EnvVariable, SecretDelivery, UsageEvent, is_own_variable,
    mask_commands, remove_leftovers, runner_reads_stderr,
};

/// Run a command with a credential in its environment
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the command line")]
pub(in crate::cli) struct ExecArgs {
    #[arg(
        value_name = "NAME",
        required_unless_present = "env",
        help = "Credentials whose variables are set, such as SNYK_TOKEN and SNYK_API"
    )]
    names: Vec<String>,
    #[arg(
        long,
        value_name = "VAR=NAME[:FIELD]",
        help = "Set a variable; FIELD is secret, access_token, api, auth, or a field such as org_id; may be repeated"
    )]
    env: Vec<String>,
    /// Pass the secret on standard input instead of in the environment
    #[arg(long, conflicts_with = "file")]
    stdin: bool,
    #[arg(
        long,
        help = "Pass the secret in a file, in memory where the system can; VAR_FILE has its path"
    )]
    file: bool,
    #[arg(
        long,
        overrides_with = "no_mask",
        help = "Mask the secret, its encodings and dumps of it in the output of the command, line by line; the default where CI=true"
    )]
    mask: bool,
    /// Do not mask the output where CI=true, and do not make the runner mask it
    #[arg(long, overrides_with = "mask")]
    no_mask: bool,
    /// Leave the TOKENRING_* variables to the command, which can then use other credentials too
    #[arg(long)]
    keep_tokenring_env: bool,
    /// Command and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

const EXAMPLES: &str = "Examples:\n  tokenring exec ci-scanner -- snyk test\n  \
    tokenring exec --env TOKEN=ci-scanner --env ORG=ci-scanner:org_id -- ./report.sh\n  \
    tokenring exec --stdin ci-scanner -- vault kv put -mount=secret snyk token=-\n\n\
    The command replaces this process, so it receives signals directly and its exit code is the result. With --file or \
    --mask it is a child process, and signals and exit code are forwarded. If the command is not found, the exit code is 127.\n\n\
    Where CI=true, --mask is the default, and on Linux the runner of GitHub Actions is told to mask the secret in the log of \
    the job (::add-mask:: on standard error, if the runner itself reads it). --no-mask turns both off.\n\n\
    With --file on Linux, the path is valid in the command and in programs that inherit its open files. On other systems, \
    and where Linux has no files in memory, it is a private temporary file, which is removed afterwards; if tokenring was \
    killed, the next exec removes it.\n\n\
    Variables that select another credential or region for the same tools are removed and named. TOKENRING_* variables \
    are removed too, because TOKENRING_PASSPHRASE_FILE opens the store.\n\n\
    What the command can still do: it runs as your user. It can read your files, use a keyring that is open, start \
    tokenring itself, pass its variables to every program that it starts, and send the secret anywhere. Run only commands \
    that you trust with the secret.\n\n\
    --mask protects from accidents, such as a secret in a log. It is not a barrier: a command can print the secret in a \
    form that is not recognized, or write it to a file.";

/// Variable that all runners of pipelines set.
const PIPELINE_VARIABLE: &str = "CI";

/// Exit codes of shells for a command that is not found, or cannot be run.
const NOT_FOUND_EXIT_CODE: u8 = 127;
const NOT_RUNNABLE_EXIT_CODE: u8 = 126;

impl ExecArgs {
    /// Runs the command. It does not return where the command replaces this process.
    pub(in crate::cli) async fn run(self, context: &CliContext<'_>) -> Result<u8, Problem> {
        for path in remove_leftovers() {
            context.out.note(&format!(
                "note: removed {}, a file with a secret that a killed run left behind",
                path.display()
            ));
        }
        let engine = context.unlocked_engine().await?;
        let (variables, used) = self.collect_variables(engine).await?;
        let delivery = match (self.stdin, self.file) {
            (true, _) => SecretDelivery::Stdin,
            (_, true) => SecretDelivery::Files,
            _ => SecretDelivery::Environment,
        };
        if delivery == SecretDelivery::Stdin && count_secrets(&variables) != 1 {
            let why = format!(
                "standard input accepts one secret, but {} were selected",
                count_secrets(&variables)
            );
            return Err(usage_problem(
                "The command was not run",
                &why,
                "select one with --env VAR=NAME",
            ));
        }
        let removed = conflicting_variables(engine, &variables, delivery);
        if !removed.is_empty() {
            context.out.note(&format!(
                "note: not passed on, because of a conflict: {}",
                removed.join(", ")
            ));
        }
        // Recorded before the command runs: afterwards this process may no longer exist.
        let (program, names) =
            (self.command[0].to_string_lossy().into_owned(), variable_names(&variables));
        for name in &used {
            engine
                .exec
                .record_exec(name, &format!("{program} gets {names}"), UsageEvent::Begun)
                .await?;
        }
        let own = std::env::vars_os()
            .map(|(name, _)| name)
            .filter(|name| !self.keep_tokenring_env && is_own_variable(name));
        if !self.no_mask {
            make_runner_mask(&variables);
        }
        let masked = self.mask || (!self.no_mask && runs_in_pipeline());
        let launch = ChildCommand {
            command: self.command.clone(),
            variables,
            removed_variables: removed.into_iter().map(OsString::from).chain(own).collect(),
            secret_delivery: delivery,
        };
        match launch_command(
            launch,
            masked || cfg!(not(unix)) || delivery == SecretDelivery::Files,
            masked.then_some(context.out),
        ) {
            Ok(code) => Ok(code),
            Err(error) => {
                for name in &used {
                    engine
                        .exec
                        .record_exec(name, &format!("{program}: {error}"), UsageEvent::Failed)
                        .await?;
                }
                let _ = context.out.print_problem(&command_not_run(&program, &error));
                Ok(if error.kind() == io::ErrorKind::NotFound {
                    NOT_FOUND_EXIT_CODE
                } else {
                    NOT_RUNNABLE_EXIT_CODE
                })
            }
        }
    }

    /// Collects the variables and the names of the credentials that provide them.
    async fn collect_variables(
        &self,
        engine: &Engine,
    ) -> Result<(Vec<EnvVariable>, BTreeSet<CredentialName>), Problem> {
        let (mut found, mut used): (Vec<EnvVariable>, _) = (Vec::new(), BTreeSet::new());
        for name in &self.names {
            let credential = engine.credentials.find(name).await?;
            // A credential that is named twice counts once.
            if !used.insert(credential.name.clone()) {
                continue;
            }
            for variable in engine.exec.env_variables(&credential).await? {
                check_no_conflict(&found, &variable, &credential)?;
                found.push(variable);
            }
        }
        for choice in &self.env {
            let (variable, owner) = parse_env_choice(engine, choice).await?;
            used.insert(owner);
            found.retain(|known| known.name != variable.name);
            found.push(variable);
        }
        Ok((found, used))
    }
}

/// Returns whether this process runs in a pipeline, whose output is a log that others read.
fn runs_in_pipeline() -> bool {
    std::env::var(PIPELINE_VARIABLE)
        .is_ok_and(|value| value.eq_ignore_ascii_case("true") || value == "1")
}

/// Makes the runner of GitHub Actions mask the secrets in the log of its job, in what other steps
/// write too.
fn make_runner_mask(variables: &[EnvVariable]) {
    if runner_reads_stderr() {
        let secrets = variables.iter().filter_map(|variable| match &variable.value {
            EnvValue::Secret(secret) => Some(secret.as_ref()),
            EnvValue::Text(_) => None,
        });
        output::write_runner_commands(&mask_commands(secrets));
    }
}

#[cfg(unix)]
fn launch_command(
    launch: ChildCommand,
    supervised: bool,
    mask: Option<&CliOutput>,
) -> io::Result<u8> {
    if supervised {
        run_supervised(&launch, mask)
    } else {
        launch.replace_process().map(|never| match never {})
    }
}

#[cfg(not(unix))]
fn launch_command(
    launch: ChildCommand,
    _supervised: bool,
    mask: Option<&CliOutput>,
) -> io::Result<u8> {
    run_supervised(&launch, mask)
}

/// Runs the command as a child process. With an output for `masked`, the child's output is masked
/// and a failure to write it is reported there. Output that could not be written is a failure,
/// whatever the exit code of the command is.
fn run_supervised(launch: &ChildCommand, masked: Option<&CliOutput>) -> io::Result<u8> {
    let lost = Mutex::new(None);
    let pass_on = |stream, bytes: &[u8]| {
        output::forward_child_output(stream, bytes).inspect_err(|error| {
            // A reader that closed the pipe is not a loss.
            if error.kind() != io::ErrorKind::BrokenPipe {
                *lost.lock().unwrap_or_else(PoisonError::into_inner) =
                    Some(output::output_write_problem(error));
            }
        })
    };
    let exit = launch.run_supervised(masked.is_some().then_some(&pass_on))?;
    let lost = lost.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let (Some(problem), Some(out)) = (&lost, masked) {
        let _ = out.print_problem(problem);
    }
    let code = match exit.propagate() {
        0 if lost.is_some() => 1,
        code => code,
    };
    // On Windows an exit code may exceed a byte, which is all that the return value of `main` can
    // carry.
    Ok(u8::try_from(code).unwrap_or_else(|_| std::process::exit(code)))
}

/// Parses `VAR=NAME[:FIELD]`. A name may contain a colon, so the whole text is tried as a name
/// first.
async fn parse_env_choice(
    engine: &Engine,
    choice: &str,
) -> Result<(EnvVariable, CredentialName), Problem> {
    let (name, from) = choice
        .split_once('=')
        .filter(|(name, from)| is_variable_name(name) && !from.is_empty())
        .ok_or_else(|| {
            usage_problem(
                "Invalid variable",
                &format!("\"{choice}\" is not VAR=NAME"),
                "write it like TOKEN=ci-scanner:secret",
            )
        })?;
    let (credential, field) = match (engine.credentials.find(from).await, from.rsplit_once(':')) {
        (Ok(credential), _) => (credential, "secret"),
        (Err(problem), Some((owner, field))) if problem.class == ProblemClass::NotFound => {
            (engine.credentials.find(owner).await?, field)
        }
        (Err(problem), _) => return Err(problem),
    };
    let variable = EnvVariable {
        name: name.to_owned(),
        value: engine.exec.credential_value(&credential, field).await?,
    };
    Ok((variable, credential.name))
}

fn is_variable_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Checks that a new variable does not conflict with those found so far. Two credentials may set
/// the same variable to the same text, but not to different values.
fn check_no_conflict(
    found: &[EnvVariable],
    new: &EnvVariable,
    of: &Credential,
) -> Result<(), Problem> {
    let Some(known) = found.iter().find(|known| known.name == new.name) else { return Ok(()) };
    match (&known.value, &new.value) {
        (EnvValue::Text(one), EnvValue::Text(other)) if one == other => Ok(()),
        _ => {
            let why = format!("both {} and an earlier credential set {}", of.name, new.name);
            Err(usage_problem(
                "The command was not run",
                &why,
                "give one of them another variable with --env VAR=NAME",
            ))
        }
    }
}

/// Lists the variable names for the audit log.
fn variable_names(variables: &[EnvVariable]) -> String {
    variables.iter().map(|variable| variable.name.as_str()).collect::<Vec<_>>().join(", ")
}

fn count_secrets(variables: &[EnvVariable]) -> usize {
    variables.iter().filter(|variable| matches!(variable.value, EnvValue::Secret(_))).count()
}

/// Lists the variables of this process that the command must not inherit, by name.
fn conflicting_variables(
    engine: &Engine,
    variables: &[EnvVariable],
    delivery: SecretDelivery,
) -> Vec<String> {
    let is_set = |name: &str| {
        let text = |value: &EnvValue| {
            delivery == SecretDelivery::Environment || matches!(value, EnvValue::Text(_))
        };
        variables.iter().any(|variable| variable.name == name && text(&variable.value))
    };
    let competing = engine.exec.competing_variables(variables).into_iter();
    competing.filter(|name| !is_set(name) && std::env::var_os(name).is_some()).collect()
}

fn command_not_run(program: &str, error: &io::Error) -> Problem {
    let remedy = "check that the program is installed and executable, or use its full path";
    Problem::new(format!("{program} was not run"), error.to_string(), remedy)
}
