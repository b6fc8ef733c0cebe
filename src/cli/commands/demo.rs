//! `tokenring demo`: the screen on the built-in simulator.
//!
//! Nothing is installed and nothing is saved: the secrets and the index are in memory, the
//! providers listen on loopback.
//!
//! `tokenring sandbox`: runs the simulator alone.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::tui;
use crate::cli::commands::demo;
use crate::cli::context::CliContext;
use crate::cli::output::table::TableColumn::Text;
use crate::cli::output::table::TextTable;
use crate::domain::provider::{ProviderCatalog, ProviderSource, user_overrides};
use crate::domain::region::Region;
use crate::domain::{CredentialName, Origin, Problem, Secret};
use crate::engine::background::protocol::NewCredential;
use crate::engine::{self, Engine};
use crate::simulator as sandbox;
use crate::simulator::{RegionAddresses, SeededCredential, SimulatorManifest};

/// Try the screen on the built-in simulator; nothing is saved
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  tokenring demo")]
pub(in crate::cli) struct DemoArgs {}

impl DemoArgs {
    /// Starts the simulator, stores the secrets that it issued in memory and shows the screen.
    pub(in crate::cli) async fn run(self, context: &CliContext<'_>) -> Result<u8, Problem> {
        let sandbox = demo::start_simulator().await?;
        let engine = Arc::new(engine::in_memory_engine(
            simulated_catalog(sandbox.manifest())?,
            &context.settings,
        )?);
        add_credentials(&engine, sandbox.manifest()).await?;
        let code = Box::pin(tui::run_in_memory(context, engine)).await;
        sandbox.stop().await;
        code
    }
}

/// Returns the built-in providers with every simulated region moved to loopback.
fn simulated_catalog(manifest: &SimulatorManifest) -> Result<ProviderCatalog, Problem> {
    let builtin = ProviderCatalog::builtin();
    let mut sources = Vec::new();
    for provider in builtin.providers().filter(|provider| provider.regions_of.is_none()) {
        let mut text = None;
        for region in builtin.regions(&provider.id)? {
            if let Some(hosts) = manifest.region(&region.id) {
                text = Some(
                    user_overrides::toml_with_region(
                        text.as_deref(),
                        &provider.id,
                        &region_on_loopback(region, hosts)?,
                    )
                    .map_err(|error| simulator_problem(&error))?,
                );
            }
        }
        sources.extend(
            text.map(|text| ProviderSource { name: format!("simulated {}", provider.id), text }),
        );
    }
    Ok(ProviderCatalog::load(&sources)?.simulated())
}

fn region_on_loopback(region: &Region, hosts: &RegionAddresses) -> Result<Region, Problem> {
    let origin = |url: &String| Origin::parse(url).map_err(|error| simulator_problem(&error));
    Ok(Region {
        api: origin(&hosts.api)?,
        app: hosts.app.as_ref().map(origin).transpose()?,
        auth: hosts.auth.as_ref().map(origin).transpose()?,
        ..region.clone()
    })
}

async fn add_credentials(engine: &Engine, manifest: &SimulatorManifest) -> Result<(), Problem> {
    for issued in &manifest.credentials {
        engine.credentials.add(new_credential(engine, issued)?).await?;
    }
    Ok(())
}

fn new_credential(engine: &Engine, issued: &SeededCredential) -> Result<NewCredential, Problem> {
    let kind = engine.catalog.kind(issued.provider, issued.kind)?;
    let secret = Secret::from_text(issued.secret.clone());
    let found = engine.credentials.identify(&secret)?;
    let expires = found
        .candidates
        .iter()
        .find(|candidate| candidate.kind == issued.kind)
        .and_then(|candidate| candidate.expires);
    let fields = issued.fields.iter().filter(|(id, _)| kind.field(id).is_some());
    let parts = issued
        .parts
        .iter()
        .map(|(id, part)| ((*id).to_owned(), Arc::new(Secret::from_text(part.clone()))));
    Ok(NewCredential {
        name: CredentialName::parse(&issued.name).map_err(|error| simulator_problem(&error))?,
        provider: issued.provider.to_owned(),
        kind: issued.kind.to_owned(),
        region: issued.region.clone(),
        fields: fields
            .map(|(id, value)| ((*id).to_owned(), value.clone()))
            .collect::<BTreeMap<_, _>>(),
        labels: labels(&issued.name).iter().map(|label| (*label).to_owned()).collect(),
        secret: Arc::new(secret),
        parts: parts.collect(),
        expires,
    })
}

/// Returns the labels that the users of the simulated company gave a credential.
fn labels(name: &str) -> &'static [&'static str] {
    match name.split_once('-').map_or("", |(_, purpose)| purpose) {
        "release-bot" => &["prod"],
        "ci-scanner" | "nightly" => &["ci"],
        _ => &[],
    }
}

/// Returns the problem of a simulator that does not match the program. The simulator is part of the
/// program, so this is a bug.
fn simulator_problem(error: &dyn std::error::Error) -> Problem {
    Problem::new(
        "The simulator does not match the program",
        error.to_string(),
        "report this as a bug",
    )
}

/// Run the provider simulator alone, on loopback, until stopped
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  tokenring sandbox\n  tokenring sandbox --json > world.json &")]
pub(in crate::cli) struct SandboxArgs {}

impl SandboxArgs {
    /// Prints the simulator's URLs and credentials, then runs until a signal stops it.
    pub(in crate::cli) async fn run(self, context: &CliContext<'_>) -> Result<u8, Problem> {
        let stop = stop_signal()?;
        let sandbox = start_simulator().await?;
        let manifest = sandbox.manifest();
        if context.out.json {
            context.out.print_json(manifest)?;
        } else {
            let mut table = TextTable::new(&[Text("REGION"), Text("API")]);
            for (id, hosts) in &manifest.regions {
                table.add_row([id.clone(), hosts.api.clone()]);
            }
            context.out.print_table(&table)?;
            context.out.print_text(&format!(
                "\nfaults: {}\nPrint the issued secrets with --json. Press Ctrl-C to stop.",
                manifest.faults
            ))?;
        }
        stop.await;
        sandbox.stop().await;
        Ok(0)
    }
}

/// Starts the simulator on ports that the system picks.
pub(in crate::cli) async fn start_simulator() -> Result<sandbox::ProviderSimulator, Problem> {
    sandbox::ProviderSimulator::start().await.map_err(|error| {
        Problem::new(
            "The simulator cannot listen on loopback",
            error.to_string(),
            "free some ports and try again",
        )
    })
}

/// Returns a future that completes at SIGTERM, SIGHUP or Ctrl-C.
///
/// The signal handlers are installed before the simulator prints its URLs.
#[cfg(unix)]
fn stop_signal() -> Result<impl Future<Output = ()>, Problem> {
    use tokio::signal::unix::{SignalKind, signal};
    let failed = |error: std::io::Error| {
        Problem::new("Signal handlers could not be installed", error.to_string(), "try again")
    };
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut hang_up = signal(SignalKind::hangup()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = hang_up.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "fallible on other systems")]
fn stop_signal() -> Result<impl Future<Output = ()>, Problem> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}
