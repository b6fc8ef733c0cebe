//! `tokenring get`: writes a secret to a pipe.

use crate::cli::context::CliContext;
use crate::cli::output::{print_warning, write_runner_commands};
use crate::domain::credential::SecretPart;
use crate::domain::problem::ProblemClass;
use crate::domain::{Credential, Problem};
use crate::engine::exec::{mask_commands, runner_reads_stderr};
use crate::engine::{DisclosureChannel, SecretDisclosure};

/// Print the secret to a pipe; to a terminal only with --reveal
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
        tokenring get ci-scanner | docker login --username ci --password-stdin registry.example.com\n  \
        tokenring get triage --part client_secret | vault kv put -mount=secret app client_secret=-\n\n\
        On Linux the runner of GitHub Actions is told to mask the secret in the log of the job (::add-mask:: on standard error, \
        if the runner itself reads it).")]
pub(in crate::cli) struct GetArgs {
    /// Name of the credential
    name: String,
    /// Print the secret even to a terminal, where it stays in the scrollback
    #[arg(long)]
    reveal: bool,
    #[arg(long, value_name = "PART", help = "Print this part instead, such as client_secret")]
    part: Option<String>,
}

impl GetArgs {
    /// Writes the secret, and nothing else, to standard output.
    pub(in crate::cli) async fn run(self, context: &CliContext<'_>) -> Result<u8, Problem> {
        if context.out.is_terminal() && !self.reveal {
            let why = "standard output is a terminal, and the secret would stay in its scrollback";
            return Err(Problem::new(
                "The secret was not printed",
                why,
                "pipe the output to a program, or pass --reveal",
            )
            .with_class(ProblemClass::Usage));
        }
        let credential = context.engine()?.credentials.find(&self.name).await?;
        let part = self.part.map_or(SecretPart::Secret, SecretPart::Named);
        let SecretDisclosure { secret, audit_problem } = context
            .unlocked_engine()
            .await?
            .disclosure
            .try_disclose(&credential, &part, DisclosureChannel::Get)
            .await
            .map_err(|problem| explain_unknown_part(context, &credential, &part, problem))?;
        if let Some(problem) = audit_problem {
            print_warning(&format!(
                "the audit log has no record of this: {}: {}",
                problem.what, problem.why
            ));
        }
        // Standard output is the input of another program.
        if runner_reads_stderr() {
            write_runner_commands(&mask_commands([&secret]));
        }
        secret.expose(|bytes| context.out.write_bytes(bytes))?;
        Ok(0)
    }
}

/// Replaces the problem of a missing secret where the kind has no part of this name.
fn explain_unknown_part(
    context: &CliContext<'_>,
    credential: &Credential,
    part: &SecretPart,
    problem: Problem,
) -> Problem {
    let (SecretPart::Named(part), ProblemClass::NotFound) = (part, problem.class) else {
        return problem;
    };
    let kind = context
        .load_catalog()
        .ok()
        .and_then(|catalog| catalog.kind(&credential.provider, &credential.kind).ok().cloned());
    match kind {
        Some(kind) if kind.part(part).is_none() => kind.unknown_part(part).into(),
        _ => problem,
    }
}
