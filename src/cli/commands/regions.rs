//! `tokenring regions`: lists and adds regions.

use std::path::PathBuf;

use crate::cli::context::CliContext;
use crate::cli::input::prompt;
use crate::cli::output::json::RegionJson;
use crate::cli::output::table::TableColumn::Text;
use crate::cli::output::table::{TableCell, TextTable};
use crate::cli::output::usage_problem;
use crate::domain::credential::CheckReport;
use crate::domain::identify::endpoint::parse_region_origin;
use crate::domain::problem::ProblemClass;
use crate::domain::provider::ProviderCatalog;
use crate::domain::region::{OriginError, Region};
use crate::domain::response::CheckResult;
use crate::domain::{Credential, Origin, Problem};
use crate::engine;

/// List regions, or add a private one
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  tokenring regions\n  tokenring regions ci-scanner\n  \
        tokenring regions add --provider snyk --id ACME-01 --api https://api.acme.snyk.io"
)]
pub(in crate::cli) struct RegionsArgs {
    /// Credential whose regions and latest check results to list; all regions by default
    name: Option<String>,
    #[command(subcommand)]
    command: Option<RegionsCommand>,
}

#[derive(Debug, clap::Subcommand)]
enum RegionsCommand {
    /// Add a private region, or change the hosts of a region
    Add(AddRegionArgs),
}

/// Add a private region, or change the hosts of a region
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  tokenring regions add --provider snyk --id ACME-01 --api https://api.acme.example\n  \
    tokenring regions add --provider appcircle --id OURS --app https://my.acme.example"
)]
struct AddRegionArgs {
    /// Provider
    #[arg(long)]
    provider: String,
    /// ID of the region, such as ACME-01
    #[arg(long)]
    id: String,
    /// API host (https, or http on loopback); derived from --app where possible
    #[arg(long, value_name = "URL", required_unless_present = "app")]
    api: Option<String>,
    /// Web application, such as the dashboard of a self-hosted Appcircle
    #[arg(long, value_name = "URL")]
    app: Option<String>,
    /// Host that exchanges secrets for access tokens
    #[arg(long, value_name = "URL")]
    auth: Option<String>,
    /// PEM file with further certificate authorities to trust there
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// Move a built-in region or one in use without asking for its new host
    #[arg(long)]
    yes: bool,
}

impl RegionsArgs {
    /// Lists regions, with check results where a credential is named.
    pub(in crate::cli) async fn run(self, context: &CliContext<'_>) -> Result<u8, Problem> {
        match (self.command, self.name) {
            (Some(RegionsCommand::Add(verb)), _) => verb.run(context).await,
            (None, Some(name)) => list_for_credential(context, &name).await,
            (None, None) => list_all(context),
        }
    }
}

impl AddRegionArgs {
    /// Writes the region into the provider file. Moving a region whose hosts are recorded needs the
    /// store, which makes the new record.
    async fn run(self, context: &CliContext<'_>) -> Result<u8, Problem> {
        let engine = context.engine()?;
        let catalog = &engine.catalog;
        catalog.provider(&self.provider)?;
        let region = self.build_region(catalog)?;
        let regions = catalog.regions(&self.provider)?;
        let before = regions.iter().find(|known| known.id.eq_ignore_ascii_case(&region.id));
        let moved = before.filter(|before| before.bound_origins() != region.bound_origins());
        if let Some(before) = moved
            && !self.yes
            && engine.bindings.is_region_in_use(&self.provider, before).await?
        {
            confirm_move(before, &region)?;
        }
        let recorded = match before {
            Some(before) => engine.bindings.region_hosts_recorded(&self.provider, before).await?,
            None => false,
        };
        if recorded {
            context.unlocked_engine().await?;
        }
        let path = engine::add_region(&context.paths, &self.provider, &region)?;
        if recorded {
            engine.bindings.accept_region_hosts(&self.provider, &region).await?;
        }
        if moved.is_some() || before.is_none() {
            engine.bindings.record_region_change(&self.provider, before, &region).await?;
        }
        if before.is_some() {
            context.out.note(&format!(
                "note: {} of {} now uses these hosts ({})",
                self.id,
                self.provider,
                path.display()
            ));
        }
        let same = regions.iter().find(|known| {
            known.matches_origin(&region.api) && !known.id.eq_ignore_ascii_case(&region.id)
        });
        if let Some(same) = same {
            context.out.note(&format!("note: {} is also the API of {}", region.api, same.id));
        }
        if context.out.json {
            context.out.print_json(&region)?;
        } else {
            context.out.print_text(&format!("{}: {}", region.id, region.api))?;
        }
        Ok(0)
    }

    fn build_region(&self, catalog: &ProviderCatalog) -> Result<Region, Problem> {
        let id = self.id.trim();
        if id.is_empty() || !id.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) {
            return Err(usage_problem(
                "Invalid region ID",
                "only letters, digits, - _ . are allowed",
                "use an ID such as ACME-01",
            ));
        }
        let named = |flag: &str, text: &Option<String>| {
            text.as_deref().map(|text| parse_origin(flag, text)).transpose()
        };
        let api = self.api.as_deref().map(|text| {
            parse_region_origin(text, &self.provider, catalog)
                .map_err(|error| origin_problem("--api", &error))
        });
        let (api, app, auth) =
            (api.transpose()?, named("--app", &self.app)?, named("--auth", &self.auth)?);
        let (api, inferred_auth) = match (api, &app) {
            (None, Some(app)) => infer_hosts(catalog.regions(&self.provider)?, app)?,
            (Some(api), _) => (api, None),
            (None, None) => {
                return Err(usage_problem(
                    "Missing API host",
                    "neither --api nor --app was given",
                    "pass --api",
                ));
            }
        };
        Ok(Region {
            id: id.to_owned(),
            title: String::new(),
            aliases: Vec::new(),
            issuers: Vec::new(),
            api,
            app,
            auth: auth.or(inferred_auth),
            ca_file: self.ca_file.clone(),
        })
    }
}

/// Asks the user to type the new host of a region that secrets are sent to.
fn confirm_move(before: &Region, after: &Region) -> Result<(), Problem> {
    let host = after.api.to_string();
    let question = format!(
        "Move {} from {} to {host}? The secrets of its credentials are then sent there.",
        before.id, before.api
    );
    prompt::confirm_by_typing(&question, &host, "--yes")
}

/// Infers the API host, and the auth host where there is one, of an installation with the web
/// application `app`.
fn infer_hosts(known: &[Region], app: &Origin) -> Result<(Origin, Option<Origin>), Problem> {
    known.iter().find_map(|region| region.self_hosted_origins(app)).ok_or_else(|| {
        let why = format!("{app} does not match the host names of the provider");
        usage_problem(
            "The API host is unknown",
            &why,
            "pass --api, and --auth if secrets are exchanged at another host",
        )
    })
}

/// Returns the JSON shape of a region, with a credential's check result there.
pub(in crate::cli) fn region_json(
    region: &Region,
    credential: &Credential,
    check: Option<&CheckReport>,
) -> RegionJson {
    RegionJson {
        region: region.id.clone(),
        api: region.api.to_string(),
        verdict: check.map_or(CheckResult::Unchecked, |check| check.result),
        status: check.and_then(|check| check.status),
        latency_ms: check.and_then(|check| check.latency_ms),
        current: region.id == credential.region,
    }
}

/// Prints regions with check results.
pub(in crate::cli) fn print_regions(
    context: &CliContext<'_>,
    shapes: &[RegionJson],
) -> Result<(), Problem> {
    if context.out.json {
        return context.out.print_json(&shapes);
    }
    let mut table = TextTable::new(&[
        Text(""),
        Text("REGION"),
        Text("API"),
        Text("RESULT"),
        Text("STATUS"),
        Text("MS"),
    ]);
    for shape in shapes {
        table.add_row([
            if shape.current { "▸" } else { "" }.into(),
            shape.region.as_str().into(),
            shape.api.as_str().into(),
            TableCell::new(shape.verdict.label(), shape.verdict.into()),
            shape.status.map_or_else(|| "–".into(), |status| status.to_string().into()),
            shape.latency_ms.map_or_else(|| "–".into(), |ms| ms.to_string().into()),
        ]);
    }
    context.out.print_table(&table)
}

async fn list_for_credential(context: &CliContext<'_>, name: &str) -> Result<u8, Problem> {
    let engine = context.engine()?;
    let credential = engine.credentials.find(name).await?;
    let checks = engine.checks.region_checks(&credential.id).await?;
    let regions = engine.catalog.regions(&credential.provider)?;
    let known = |region: &Region| {
        checks.iter().find(|known| known.region == region.id).map(|known| &known.check)
    };
    let shapes: Vec<_> =
        regions.iter().map(|region| region_json(region, &credential, known(region))).collect();
    print_regions(context, &shapes)?;
    Ok(0)
}

fn list_all(context: &CliContext<'_>) -> Result<u8, Problem> {
    let catalog = context.load_catalog()?;
    let mut table = TextTable::new(&[
        Text("PROVIDER"),
        Text("REGION"),
        Text("API"),
        Text("APP"),
        Text("TITLE"),
    ]);
    let mut values = Vec::new();
    for provider in catalog.providers() {
        for region in catalog.regions(&provider.id)? {
            let app = region.app.as_ref().map_or_else(|| "–".to_owned(), Origin::to_string);
            table.add_row([
                provider.id.clone(),
                region.id.clone(),
                region.api.to_string(),
                app,
                region.title.clone(),
            ]);
            values.push(serde_json::json!({
                "provider": provider.id, "region": region.id, "api": region.api, "app": region.app, "auth": region.auth, "title": region.title,
            }));
        }
    }
    if context.out.json {
        context.out.print_json(&values)?;
    } else {
        context.out.print_table(&table)?;
    }
    Ok(0)
}

fn parse_origin(flag: &str, text: &str) -> Result<Origin, Problem> {
    Origin::parse(text).map_err(|error| origin_problem(flag, &error))
}

fn origin_problem(flag: &str, error: &OriginError) -> Problem {
    let remedy = "use scheme and host only, such as https://api.example.com";
    Problem::new(format!("Invalid {flag}"), error.to_string(), remedy)
        .with_class(ProblemClass::Usage)
}
