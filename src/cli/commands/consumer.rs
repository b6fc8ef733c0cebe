//! `tokenring consumer`: manages the places to which a credential's secret is delivered.

use std::path::PathBuf;

use serde::Serialize;
use time::format_description::well_known::Rfc3339;

use crate::cli::args::parse_name;
use crate::cli::context::CliContext;
use crate::cli::input::prompt;
use crate::cli::output::style::TextTone;
use crate::cli::output::table::TableColumn::{Name, Text};
use crate::cli::output::table::{TableCell, TextTable};
use crate::cli::output::usage_problem;
use crate::domain::consumer::{
    CommandPreset, Consumer, ConsumerTarget, PresetDestination, StdinCommand,
};
use crate::domain::credential::SecretPart;
use crate::domain::text::sanitize_line;
use crate::domain::{Credential, Problem};
use crate::engine::{self, ConsumerDeliveryOptions};

/// Manage where a credential's secret is delivered
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
        tokenring consumer add ci-scanner dotenv --env-file .env --key SNYK_TOKEN\n  \
        tokenring consumer list ci-scanner\n  \
        tokenring consumer deliver ci-scanner dotenv --dry-run")]
pub(in crate::cli) struct ConsumerArgs {
    #[command(subcommand)]
    command: ConsumerCommand,
}

#[derive(Debug, clap::Subcommand)]
enum ConsumerCommand {
    /// Add a consumer, to which the secret is delivered on rotation; nothing is delivered yet
    Add(Box<ConsumerAddArgs>),
    /// List a credential's consumers
    #[command(after_help = "Examples:\n  tokenring consumer list ci-scanner")]
    List {
        /// Name of the credential
        name: String,
    },
    /// Remove a consumer; secrets already delivered stay there
    #[command(after_help = "Examples:\n  tokenring consumer remove ci-scanner deploy")]
    Remove {
        /// Name of the credential
        name: String,
        /// Name of the consumer
        consumer: String,
    },
    /// Deliver the current secret to one consumer
    Deliver(DeliverArgs),
}

/// Deliver the current secret to one consumer
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  tokenring consumer deliver ci-scanner deploy --dry-run\n  tokenring consumer deliver ci-scanner deploy"
)]
struct DeliverArgs {
    /// Name of the credential
    name: String,
    /// Name of the consumer
    consumer: String,
    /// Show what would be delivered and whether it would succeed
    #[arg(long)]
    dry_run: bool,
    /// Replace a reference to a secret (op://…, $(…), ${…}) or a placeholder without asking
    #[arg(long)]
    overwrite: bool,
    /// Set the endpoint beside the secret to the secret's region without asking
    #[arg(long)]
    set_endpoint: bool,
}

/// Add a consumer, to which the secret is delivered on rotation; nothing is delivered yet
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, group = clap::ArgGroup::new("target").required(true))]
struct ConsumerAddArgs {
    /// Name of the credential
    name: String,
    /// Name of the new consumer
    consumer: String,
    #[arg(
        long,
        value_name = "PART",
        help = "Deliver this part instead of the secret, such as client_secret"
    )]
    part: Option<String>,
    /// Set --key in this dotenv file
    #[arg(long, value_name = "PATH", group = "target", requires = "key")]
    env_file: Option<PathBuf>,
    /// Set --pointer in this JSON file
    #[arg(long, value_name = "PATH", group = "target", requires = "pointer")]
    json_file: Option<PathBuf>,
    /// Set the token in the configuration of the Snyk CLI, at PATH or its default path
    #[arg(long, value_name = "PATH", group = "target", num_args = 0..=1, default_missing_value = DEFAULT_PATH_MARKER)]
    snyk_cli: Option<PathBuf>,
    /// Set the key in the configuration of the Probely CLI, at PATH or its default path
    #[arg(long, value_name = "PATH", group = "target", num_args = 0..=1, default_missing_value = DEFAULT_PATH_MARKER)]
    probely_cli: Option<PathBuf>,
    /// Use a preset: gh (repository secret), glab (project variable) or kubectl (secret key)
    #[arg(long, value_name = "PROGRAM", group = "target", requires = "key", requires = "place", value_parser = parse_preset)]
    preset: Option<CommandPreset>,
    /// Run this program with the secret on standard input; must come last
    #[arg(long, value_name = "ARG", group = "target", num_args = 1.., allow_hyphen_values = true)]
    command: Option<Vec<String>>,
    /// Key in the file, or name of the secret or variable of a preset
    #[arg(long, value_name = "K")]
    key: Option<String>,
    /// JSON pointer, such as /auth/token
    #[arg(long, value_name = "P")]
    pointer: Option<String>,
    /// Repository, project or Kubernetes secret of a preset
    #[arg(long = "in", value_name = "PLACE")]
    place: Option<String>,
    /// Environment variable that the program also needs; may be repeated
    #[arg(long, value_name = "VARIABLE")]
    pass: Vec<String>,
    /// Further arguments for a preset, such as --env prod or --namespace ci
    #[arg(last = true, value_name = "FURTHER")]
    further: Vec<String>,
}

/// Path argument that means the default path.
const DEFAULT_PATH_MARKER: &str = "-";

const EXAMPLES: &str = "Examples:\n  \
    tokenring consumer add ci-scanner dotenv --env-file .env --key SNYK_TOKEN\n  \
    tokenring consumer add ci-scanner settings --json-file settings.json --pointer /snyk/token\n  \
    tokenring consumer add laptop cli --snyk-cli\n  \
    tokenring consumer add ci-scanner shop --preset gh --key SNYK_TOKEN --in acme/shop -- --env prod\n  \
    tokenring consumer add ci-scanner cluster --preset kubectl --key token --in snyk -- --namespace ci\n  \
    tokenring consumer add triage backend --part client_secret --env-file .env --key CLIENT_SECRET\n  \
    tokenring consumer add ci-scanner vault --command vault kv put -mount=secret snyk token=-";

/// Consumer as `consumer list --json` prints it.
#[derive(Serialize)]
struct ConsumerJson<'a> {
    name: &'a str,
    part: &'a str,
    holds: DeliveryState,
    delivered: Option<String>,
    #[serde(flatten)]
    target: &'a ConsumerTarget,
}

/// What the latest delivery left at a consumer.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
enum DeliveryState {
    Current,
    #[serde(rename = "older")]
    Outdated,
    #[serde(rename = "something")]
    Unknown,
    #[serde(rename = "nothing")]
    Empty,
}

impl ConsumerArgs {
    /// Runs the subcommand.
    pub(in crate::cli) async fn run(self, context: &CliContext<'_>) -> Result<u8, Problem> {
        match self.command {
            ConsumerCommand::Add(verb) => verb.run(context).await,
            ConsumerCommand::List { name } => list(context, &name).await,
            ConsumerCommand::Remove { name, consumer } => remove(context, &name, &consumer).await,
            ConsumerCommand::Deliver(verb) => verb.run(context).await,
        }
    }
}

impl ConsumerAddArgs {
    async fn run(self, context: &CliContext<'_>) -> Result<u8, Problem> {
        let credential = context.engine()?.credentials.find(&self.name).await?;
        let name = parse_name(&self.consumer)?;
        let consumer = Consumer {
            credential: credential.id.clone(),
            name,
            part: self.part.clone().map_or(SecretPart::Secret, SecretPart::Named),
            target: self.build_target()?,
            linked_to: None,
            last_delivery: None,
        };
        // The store confirms the target, so that an edited one is noticed.
        let engine = context.unlocked_engine().await?;
        let consumer = engine.consumers.add(consumer).await?;
        if let Some(file) = &consumer.linked_to {
            context.out.note(&format!(
                "note: {} is a symbolic link; deliveries follow it only while it leads to {}",
                consumer.target.path().display(),
                file.display()
            ));
        }
        if let Err(problem) = engine.consumers.preview_delivery(&consumer).await {
            context.out.note(&format!(
                "note: a delivery would currently fail: {}; {}",
                problem.why, problem.remedy
            ));
        }
        if context.out.json {
            context.out.print_json(&consumer_json(&consumer, DeliveryState::Empty))?;
        } else {
            context.out.print_text(&format!(
                "{}: would {}",
                consumer.name,
                consumer.target.describe()
            ))?;
        }
        Ok(0)
    }

    fn build_target(self) -> Result<ConsumerTarget, Problem> {
        if let Some(preset) = self.preset {
            let (place, key) = (self.place.unwrap_or_default(), self.key.unwrap_or_default());
            let mut command = preset.command(
                &PresetDestination { container: place, key, extra_args: self.further },
                current_folder()?,
            );
            command.passed_env_vars.extend(self.pass);
            return Ok(ConsumerTarget::Command(command));
        }
        if !self.further.is_empty() {
            let why = "only a preset accepts further arguments after \"--\"";
            return Err(usage_problem(
                "Invalid consumer",
                why,
                "put the whole command after --command",
            ));
        }
        match (self.env_file, self.json_file, self.snyk_cli, self.probely_cli) {
            (Some(path), ..) => Ok(ConsumerTarget::EnvFile {
                path: absolute_path(path)?,
                key: self.key.unwrap_or_default(),
            }),
            (_, Some(path), ..) => Ok(ConsumerTarget::JsonFile {
                path: absolute_path(path)?,
                pointer: self.pointer.unwrap_or_default(),
            }),
            (_, _, Some(path), _) => Ok(ConsumerTarget::SnykCli {
                path: resolve_path(path, engine::snyk_cli_locations())?,
            }),
            (.., Some(path)) => Ok(ConsumerTarget::ProbelyCli {
                path: resolve_path(path, engine::probely_cli_locations())?,
            }),
            _ => {
                let pipelines = vec![vec![self.command.unwrap_or_default()]];
                Ok(ConsumerTarget::Command(StdinCommand {
                    pipelines,
                    working_dir: current_folder()?,
                    passed_env_vars: self.pass,
                }))
            }
        }
    }
}

impl DeliverArgs {
    async fn run(self, context: &CliContext<'_>) -> Result<u8, Problem> {
        let engine = context.engine()?;
        let credential = engine.credentials.find(&self.name).await?;
        let consumer = engine.consumers.find(&credential.id, &self.consumer).await?;
        if self.dry_run {
            let description = engine.consumers.preview_delivery(&consumer).await?;
            if context.out.json {
                context.out.print_json(
                    &serde_json::json!({ "consumer": consumer.name, "would": description }),
                )?;
            } else {
                context.out.print_text(&format!("{}: would {description}", consumer.name))?;
            }
            return Ok(0);
        }
        let consumers = &context.unlocked_engine().await?.consumers;
        let reference = consumers.find_reference(&consumer).await?;
        let mismatch = consumers.find_endpoint_mismatch(&consumer).await?;
        let options = ConsumerDeliveryOptions {
            overwrite: self.overwrite
                || reference.is_some_and(|found| confirm(&format!("{found}. Replace it?"))),
            set_endpoint: self.set_endpoint
                || mismatch.is_some_and(|found| {
                    confirm(&format!("{}. Set it to {}?", found.describe(), found.api))
                }),
        };
        let delivery = consumers.deliver_current(&consumer, options).await?;
        if context.out.json {
            context.out.print_json(&delivery)?;
        } else {
            context.out.print_text(&format!("{}: {}", delivery.consumer, delivery.detail))?;
        }
        if let Some(note) = &delivery.note {
            context.out.note(&format!("note: {note}"));
        }
        Ok(0)
    }
}

/// Asks a user at the terminal; without one the answer is no.
fn confirm(question: &str) -> bool {
    prompt::is_interactive()
        && prompt::read_line(&sanitize_line(&format!("{question} [y/N] ")))
            .is_some_and(|answer| answer.eq_ignore_ascii_case("y"))
}

async fn list(context: &CliContext<'_>, name: &str) -> Result<u8, Problem> {
    let engine = context.engine()?;
    let credential = engine.credentials.find(name).await?;
    let consumers = engine.consumers.list(&credential.id).await?;
    if context.out.json {
        let shapes = consumers
            .iter()
            .map(|consumer| consumer_json(consumer, delivery_state(&credential, consumer)));
        context.out.print_json(&shapes.collect::<Vec<_>>())?;
        return Ok(0);
    }
    if consumers.is_empty() {
        context.out.note("No consumers yet. Add one with `tokenring consumer add`.");
        return Ok(0);
    }
    let mut table = TextTable::new(&[
        Name("CONSUMER"),
        Text("PART"),
        Text("KIND"),
        Text("HAS"),
        Text("A DELIVERY WOULD"),
    ]);
    for consumer in &consumers {
        let target = &consumer.target;
        table.add_row([
            consumer.name.as_str().into(),
            consumer.part.as_str().into(),
            target.kind().into(),
            delivery_cell(&credential, consumer),
            target.describe().into(),
        ]);
    }
    context.out.print_table(&table)?;
    Ok(0)
}

async fn remove(context: &CliContext<'_>, name: &str, consumer: &str) -> Result<u8, Problem> {
    let engine = context.engine()?;
    let credential = engine.credentials.find(name).await?;
    engine.consumers.remove(&credential.id, consumer).await?;
    if context.out.json {
        context.out.print_json(&serde_json::json!({ "removed": consumer }))?;
    } else {
        context
            .out
            .print_text(&format!("{consumer}: removed; secrets already delivered stay there"))?;
    }
    Ok(0)
}

fn consumer_json(consumer: &Consumer, holds: DeliveryState) -> ConsumerJson<'_> {
    let delivered = consumer.last_delivery.as_ref().and_then(|last| last.at.format(&Rfc3339).ok());
    let (name, part) = (consumer.name.as_str(), consumer.part.as_str());
    ConsumerJson { name, part, holds, delivered, target: &consumer.target }
}

fn delivery_state(credential: &Credential, consumer: &Consumer) -> DeliveryState {
    match &consumer.last_delivery {
        None => DeliveryState::Empty,
        // The index stores the fingerprint of the secret but of no other part, so other parts
        // cannot be compared.
        Some(_) if consumer.part != SecretPart::Secret => DeliveryState::Unknown,
        Some(last) if credential.fingerprint.as_ref() == Some(&last.fingerprint) => {
            DeliveryState::Current
        }
        Some(_) => DeliveryState::Outdated,
    }
}

/// Describes the delivery state. A part that cannot be compared gets the date of its delivery.
fn delivery_cell(credential: &Credential, consumer: &Consumer) -> TableCell {
    match (delivery_state(credential, consumer), &consumer.last_delivery) {
        (DeliveryState::Unknown, Some(last)) => format!("delivered {}", last.at.date()).into(),
        (DeliveryState::Current, _) => TableCell::new("current", TextTone::Good),
        (DeliveryState::Outdated, _) => TableCell::new("outdated", TextTone::Warning),
        (DeliveryState::Unknown | DeliveryState::Empty, _) => "–".into(),
    }
}

fn parse_preset(name: &str) -> Result<CommandPreset, String> {
    let found = CommandPreset::ALL.iter().find(|(known, _)| *known == name);
    found.map(|(_, preset)| *preset).ok_or_else(|| {
        format!(
            "unknown preset; choose one of {}",
            CommandPreset::ALL.map(|(known, _)| known).join(", ")
        )
    })
}

/// Resolves a path: the given one, otherwise the first default path at which a file exists.
fn resolve_path(path: PathBuf, mut usual: Vec<PathBuf>) -> Result<PathBuf, Problem> {
    if path.as_os_str() != DEFAULT_PATH_MARKER {
        return absolute_path(path);
    }
    let found = usual.iter().position(|path| path.exists()).unwrap_or(0);
    if found < usual.len() {
        Ok(usual.swap_remove(found))
    } else {
        Err(path_problem("no home folder found for this user"))
    }
}

/// Returns the absolute path, so that it means the same from every folder. It must be UTF-8, so
/// that it can be stored.
fn absolute_path(path: PathBuf) -> Result<PathBuf, Problem> {
    let path = std::path::absolute(path).map_err(|error| path_problem(&error.to_string()))?;
    if path.to_str().is_none() {
        return Err(path_problem("the path is not valid UTF-8"));
    }
    Ok(path)
}

fn current_folder() -> Result<PathBuf, Problem> {
    std::env::current_dir()
        .map_err(|error| path_problem(&error.to_string()))
        .and_then(absolute_path)
}

fn path_problem(why: &str) -> Problem {
    usage_problem("Invalid path", why, "use another path")
}

#[cfg(test)]
mod tests {
    use super::DeliveryState;

    #[test]
    fn the_json_words_for_what_a_consumer_was_given() {
        for holds in [
            DeliveryState::Current,
            DeliveryState::Outdated,
            DeliveryState::Unknown,
            DeliveryState::Empty,
        ] {
            let word = match holds {
                DeliveryState::Current => "current",
                DeliveryState::Outdated => "older",
                DeliveryState::Unknown => "something",
                DeliveryState::Empty => "nothing",
            };
            assert_eq!(serde_json::to_value(holds).unwrap(), word);
        }
    }
}
