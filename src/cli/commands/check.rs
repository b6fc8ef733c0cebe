//! `tokenring check`: checks whether credentials work, in their own region or in all regions.

use std::collections::HashMap;

use super::regions::{print_regions, region_json};
use crate::cli::args::parse_time_span;
use crate::cli::context::CliContext;
use crate::cli::output::json::{CheckResultJson, RegionJson};
use crate::cli::output::table::TableColumn::{Name, Text};
use crate::cli::output::table::{TableCell, TextTable};
use crate::cli::output::{self, INTERRUPTED_EXIT_CODE, junit, usage_problem};
use crate::domain::format::count_noun;
use crate::domain::problem::ProblemClass;
use crate::domain::response::CheckResult;
use crate::domain::{Credential, Problem, Timestamp};

/// Check whether credentials work
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
        tokenring check ci-scanner\n  \
        tokenring check --all --max-age 90d --expires-within 14d --json\n  \
        tokenring check --all --offline --expires-within 14d\n  tokenring check --all --junit > report.xml\n  \
        tokenring check laptop --all-regions\n\n\
        Ctrl-C prints the results so far and exits with 130.")]
pub(in crate::cli) struct CheckArgs {
    #[command(flatten)]
    selection: SelectionArgs,
    /// Fail (exit 7) if a credential is older than this, such as 90d
    #[arg(long, value_name = "SPAN", value_parser = parse_time_span)]
    max_age: Option<time::Duration>,
    /// Fail (exit 7) if a credential expires within this time, such as 14d
    #[arg(long, value_name = "SPAN", value_parser = parse_time_span)]
    expires_within: Option<time::Duration>,
    /// Check age and expiry only, without the store and the network
    #[arg(long)]
    offline: bool,
    #[arg(long, conflicts_with = "json", help = "Print JUnit XML for CI pipelines")]
    junit: bool,
}

/// Which credentials are checked, and where.
#[derive(Debug, clap::Args)]
struct SelectionArgs {
    /// Names of the credentials
    names: Vec<String>,
    /// Check all credentials
    #[arg(long, conflicts_with = "names")]
    all: bool,
    /// Check one credential in every region; sends the secret to each host
    #[arg(
        long,
        requires = "names",
        conflicts_with_all = ["all", "max_age", "expires_within", "offline", "junit"]
    )]
    all_regions: bool,
}

impl CheckArgs {
    /// Checks the selected credentials and reports the results.
    pub(in crate::cli) async fn run(self, context: &CliContext<'_>) -> Result<u8, Problem> {
        if self.selection.all_regions {
            return check_all_regions(context, self.single_name()?).await;
        }
        let credentials = self.select_credentials(context).await?;
        let now = context.engine()?.clock.now();
        let mut results: Vec<_> = credentials.iter().map(unchecked_result).collect();
        let policies: Vec<_> =
            credentials.iter().map(|credential| self.policy_violation(credential, now)).collect();
        let completed = self.offline || check_all(context, credentials, &mut results).await?;
        for (verdict, policy) in results.iter_mut().zip(policies) {
            verdict.policy = policy;
        }
        results.sort_by(|one, other| one.name.cmp(&other.name));
        self.report(context, &results)?;
        Ok(if completed { exit_code(&results) } else { INTERRUPTED_EXIT_CODE })
    }

    fn single_name(&self) -> Result<&str, Problem> {
        match &self.selection.names[..] {
            [name] => Ok(name),
            names => Err(usage_problem(
                "More than one credential",
                &format!("--all-regions checks one credential; {} were named", names.len()),
                "name one credential",
            )),
        }
    }

    fn report(&self, context: &CliContext<'_>, results: &[CheckResultJson]) -> Result<(), Problem> {
        if self.junit {
            return context.out.write_bytes(junit::junit_report(results).as_bytes());
        }
        if context.out.json {
            return context.out.print_json(&results);
        }
        context.out.print_table(&table(results))?;
        results.iter().filter_map(explanation).for_each(|text| context.out.note(&text));
        for violation in results.iter().filter_map(|verdict| verdict.policy.as_ref()) {
            context.out.note(&format!("policy: {violation}"));
        }
        Ok(())
    }

    async fn select_credentials(
        &self,
        context: &CliContext<'_>,
    ) -> Result<Vec<Credential>, Problem> {
        let engine = context.engine()?;
        if self.selection.all {
            return engine.credentials.list().await;
        }
        if self.selection.names.is_empty() {
            return Err(usage_problem(
                "No credential selected",
                "no name was given",
                "name one or more credentials, or pass --all",
            ));
        }
        let mut credentials: Vec<Credential> = Vec::with_capacity(self.selection.names.len());
        for name in &self.selection.names {
            let found = engine.credentials.find(name).await?;
            if !credentials.contains(&found) {
                credentials.push(found);
            }
        }
        Ok(credentials)
    }

    fn policy_violation(&self, credential: &Credential, now: Timestamp) -> Option<String> {
        let age = now - credential.created;
        if self.max_age.is_some_and(|limit| age > limit) {
            return Some(format!(
                "{} is {} old",
                credential.name,
                count_noun(usize::try_from(age.whole_days()).unwrap_or(0), "day")
            ));
        }
        let end = credential
            .expires
            .filter(|end| self.expires_within.is_some_and(|limit| *end - now <= limit))?;
        Some(format!("{} expires on {}", credential.name, end.date()))
    }
}

/// Checks the credential in every region and reports the results.
async fn check_all_regions(context: &CliContext<'_>, name: &str) -> Result<u8, Problem> {
    let credential = context.engine()?.credentials.find(name).await?;
    let engine = context.unlocked_engine().await?;
    let regions = engine.catalog.regions(&credential.provider)?;
    let mut shapes: Vec<_> =
        regions.iter().map(|region| region_json(region, &credential, None)).collect();
    engine
        .checks
        .check_all_regions(&credential, |region, check| {
            match check.result {
                CheckResult::Unchecked => {
                    context.out.note(&format!("note: {region} was not checked: {}", check.reason));
                }
                CheckResult::Unknown => {
                    context.out.note(&format!("note: {region}: {}", check.reason));
                }
                CheckResult::Accepted | CheckResult::Refused => {}
            }
            if let Some(entry) = shapes.iter_mut().find(|shape| shape.region == region) {
                (entry.verdict, entry.status, entry.latency_ms) =
                    (check.result, check.status, check.latency_ms);
            }
        })
        .await?;
    print_regions(context, &shapes)?;
    Ok(region_exit_code(&shapes))
}

/// Checks all credentials and stores each result at the position of its credential. Returns whether
/// the checks finished before the user interrupted them.
async fn check_all(
    context: &CliContext<'_>,
    credentials: Vec<Credential>,
    results: &mut [CheckResultJson],
) -> Result<bool, Problem> {
    let engine = context.unlocked_engine().await?;
    let positions: HashMap<_, _> = credentials
        .iter()
        .enumerate()
        .map(|(position, credential)| (credential.id.clone(), position))
        .collect();
    let (total, mut done) = (credentials.len(), 0);
    let shown = !context.out.json && total > 1;
    // The first response may take long.
    if shown {
        output::show_progress_bar("checking", done, total);
    }
    let checks = engine.checks.check_many(credentials, |credential, outcome| {
        results[positions[&credential.id]] = match outcome {
            Ok(check) => CheckResultJson::new(credential, &credential.region, &check),
            Err(problem) => failed_result(credential, &problem),
        };
        done += 1;
        if shown {
            output::show_progress_bar("checking", done, total);
        }
    });
    let completed = tokio::select! {
        // Ctrl-C is polled first. Otherwise the first results could be reported before anything
        // listens for Ctrl-C.
        biased;
        _ = tokio::signal::ctrl_c() => false,
        () = checks => true,
    };
    if shown {
        output::show_progress("");
    }
    Ok(completed)
}

fn unchecked_result(credential: &Credential) -> CheckResultJson {
    CheckResultJson {
        verdict: CheckResult::Unchecked,
        reason: "not checked".to_owned(),
        ..unknown_result(credential, String::new())
    }
}

fn failed_result(credential: &Credential, problem: &Problem) -> CheckResultJson {
    unknown_result(credential, format!("{}: {}", problem.what, problem.why))
}

fn unknown_result(credential: &Credential, reason: String) -> CheckResultJson {
    CheckResultJson {
        name: credential.name.to_string(),
        region: credential.region.clone(),
        verdict: CheckResult::Unknown,
        status: None,
        reason,
        latency_ms: None,
        policy: None,
    }
}

fn table(results: &[CheckResultJson]) -> TextTable {
    let mut table =
        TextTable::new(&[Name("NAME"), Text("REGION"), Text("RESULT"), Text("STATUS"), Text("MS")]);
    for verdict in results {
        table.add_row([
            verdict.name.as_str().into(),
            verdict.region.as_str().into(),
            TableCell::new(verdict.verdict.label(), verdict.verdict.into()),
            verdict.status.map_or_else(|| "–".into(), |status| status.to_string().into()),
            verdict.latency_ms.map_or_else(|| "–".into(), |ms| ms.to_string().into()),
        ]);
    }
    table
}

/// Returns why a credential was not accepted, without the status that the table has.
fn explanation(result: &CheckResultJson) -> Option<String> {
    let status = result.status.map(|status| format!("{status}: ")).unwrap_or_default();
    let reason = result.reason.strip_prefix(&status).unwrap_or(&result.reason);
    let is_told = matches!(result.verdict, CheckResult::Refused | CheckResult::Unknown);
    is_told.then(|| format!("{}: {reason}", result.name))
}

/// Returns the exit code: a refusal outranks a policy violation, which outranks an unknown result.
fn exit_code(results: &[CheckResultJson]) -> u8 {
    let any = |verdict| results.iter().any(|found| found.verdict == verdict);
    if any(CheckResult::Refused) {
        ProblemClass::Refused.exit_code()
    } else if results.iter().any(|found| found.policy.is_some()) {
        ProblemClass::Policy.exit_code()
    } else if any(CheckResult::Unknown) {
        ProblemClass::Unknown.exit_code()
    } else {
        0
    }
}

/// Returns the exit code of a check in all regions. A credential belongs to one region, so one
/// region that accepts it is enough.
fn region_exit_code(shapes: &[RegionJson]) -> u8 {
    let any = |wanted| shapes.iter().any(|shape| shape.verdict == wanted);
    if any(CheckResult::Accepted) {
        0
    } else if any(CheckResult::Unknown) {
        ProblemClass::Unknown.exit_code()
    } else {
        ProblemClass::Refused.exit_code()
    }
}
