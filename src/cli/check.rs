//! `tokenring check` and `tokenring probe`: does it work, here and elsewhere?

use super::arguments::{span, usage};
use super::context::Context;
use super::output::Table;
use super::regions::{report_regions, shape};
use super::shape::{RegionShape, VerdictShape};
use crate::domain::problem::Class;
use crate::domain::response::Verdict;
use crate::domain::{Credential, Moment, Problem};

/// Ask the provider whether credentials work
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  tokenring check ci-scanner\n  tokenring check --all --max-age 90d --expires-within 14d --json"
)]
pub(super) struct Check {
    /// Their names
    names: Vec<String>,
    /// All credentials
    #[arg(long, conflicts_with = "names")]
    all: bool,
    /// Fail (exit 7) where a credential is older than this, such as 90d
    #[arg(long, value_name = "SPAN", value_parser = span)]
    max_age: Option<time::Duration>,
    /// Fail (exit 7) where a credential ends within this, such as 14d
    #[arg(long, value_name = "SPAN", value_parser = span)]
    expires_within: Option<time::Duration>,
}

/// Try a credential in all regions of its provider; shows the secret to each of those hosts
#[derive(Debug, clap::Args)]
pub(super) struct Probe {
    /// Its name
    name: String,
}

impl Check {
    /// Checks all that were named and says what was found.
    pub(super) async fn run(self, context: &Context<'_>) -> Result<u8, Problem> {
        let chosen = self.choose(context).await?;
        let engine = context.unlocked().await?;
        let now = engine.now();
        let broken: Vec<_> = chosen.iter().filter_map(|credential| self.breach(credential, now)).collect();
        let mut verdicts = Vec::with_capacity(chosen.len());
        let progress = Progress::new(chosen.len(), context.out.json);
        engine
            .check_many(chosen, |credential, outcome| {
                verdicts.push(match outcome {
                    Ok(check) => VerdictShape::of(credential, &credential.region, &check),
                    Err(problem) => unanswered(credential, &problem),
                });
                progress.step(verdicts.len());
            })
            .await;
        progress.end();
        verdicts.sort_by(|one, other| one.name.cmp(&other.name));
        report(context, &verdicts)?;
        for breach in &broken {
            context.out.note(&format!("policy: {breach}"));
        }
        Ok(exit_code(&verdicts, !broken.is_empty()))
    }

    async fn choose(&self, context: &Context<'_>) -> Result<Vec<Credential>, Problem> {
        let engine = context.engine()?;
        if self.all {
            return engine.credentials().await;
        }
        if self.names.is_empty() {
            return Err(usage("Nothing to check", "no name was given", "name credentials, or give --all"));
        }
        let mut chosen: Vec<Credential> = Vec::with_capacity(self.names.len());
        for name in &self.names {
            let found = engine.find(name).await?;
            if !chosen.contains(&found) {
                chosen.push(found);
            }
        }
        Ok(chosen)
    }

    fn breach(&self, credential: &Credential, now: Moment) -> Option<String> {
        let age = now - credential.created;
        if self.max_age.is_some_and(|limit| age > limit) {
            return Some(format!("{} is {} days old", credential.name, age.whole_days()));
        }
        let end = credential.expires.filter(|end| self.expires_within.is_some_and(|limit| *end - now <= limit))?;
        Some(format!("{} ends on {}", credential.name, end.date()))
    }
}

impl Probe {
    /// Tries every region and says what was found in each.
    pub(super) async fn run(self, context: &Context<'_>) -> Result<u8, Problem> {
        let credential = context.engine()?.find(&self.name).await?;
        let engine = context.unlocked().await?;
        let regions = engine.catalogue.regions(&credential.provider)?;
        let mut shapes: Vec<_> = regions.iter().map(|region| shape(region, &credential, None)).collect();
        engine
            .probe(&credential, |region, check| {
                if let Some(place) = shapes.iter_mut().find(|shape| shape.region == region) {
                    (place.verdict, place.status, place.latency_ms) = (check.verdict, check.status, check.latency_ms);
                }
            })
            .await?;
        report_regions(context, &shapes)?;
        Ok(probe_code(&shapes))
    }
}

/// A line on the terminal that counts; nothing where nobody looks.
struct Progress {
    total: usize,
    shown: bool,
}

impl Progress {
    fn new(total: usize, json: bool) -> Self {
        Self { total, shown: !json && total > 1 }
    }

    fn step(&self, done: usize) {
        if self.shown {
            super::output::progress(&format!("checked {done} of {}", self.total));
        }
    }

    fn end(&self) {
        if self.shown {
            super::output::progress("");
        }
    }
}

fn unanswered(credential: &Credential, problem: &Problem) -> VerdictShape {
    VerdictShape {
        name: credential.name.to_string(),
        region: credential.region.clone(),
        verdict: Verdict::Unknown,
        status: None,
        reason: format!("{}: {}", problem.what, problem.why),
        latency_ms: None,
    }
}

fn report(context: &Context<'_>, verdicts: &[VerdictShape]) -> Result<(), Problem> {
    if context.out.json {
        return context.out.value(&verdicts);
    }
    let mut table = Table::new(&["NAME", "REGION", "VERDICT", "STATUS", "MS", "REASON"]);
    for verdict in verdicts {
        table.row([
            verdict.name.clone(),
            verdict.region.clone(),
            verdict.verdict.as_str().to_owned(),
            verdict.status.map_or_else(|| "–".to_owned(), |status| status.to_string()),
            verdict.latency_ms.map_or_else(|| "–".to_owned(), |ms| ms.to_string()),
            verdict.reason.clone(),
        ]);
    }
    context.out.table(&table)
}

/// Refused outranks a broken policy, which outranks not knowing.
fn exit_code(verdicts: &[VerdictShape], breach: bool) -> u8 {
    let any = |verdict| verdicts.iter().any(|found| found.verdict == verdict);
    if any(Verdict::Refused) {
        Class::Refused.exit_code()
    } else if breach {
        Class::Policy.exit_code()
    } else if any(Verdict::Unknown) {
        Class::Unknown.exit_code()
    } else {
        0
    }
}

/// A credential belongs to one region, so one that accepts is enough.
fn probe_code(shapes: &[RegionShape]) -> u8 {
    let any = |wanted| shapes.iter().any(|shape| shape.verdict == wanted);
    if any(Verdict::Accepted) {
        0
    } else if any(Verdict::Unknown) {
        Class::Unknown.exit_code()
    } else {
        Class::Refused.exit_code()
    }
}
