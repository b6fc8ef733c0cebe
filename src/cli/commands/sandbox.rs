//! `tokenring sandbox`: runs the simulator alone.

use crate::cli::context::CliContext;
use crate::cli::output::table::TableColumn::Text;
use crate::cli::output::table::TextTable;
use crate::domain::Problem;
use crate::simulator as sandbox;

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
