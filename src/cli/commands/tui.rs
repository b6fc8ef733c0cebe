//! `tokenring` without a command: the screen.

use std::io::IsTerminal as _;
use std::process::Command;
use std::sync::Arc;

use crate::cli;
use crate::cli::context::CliContext;
use crate::config::{LayoutStore, save_store_choice};
use crate::domain::Problem;
use crate::domain::problem::ProblemClass;
use crate::engine::Engine;
use crate::tui::{self, RestartTarget, Tui};

/// Shows the screen on the user's own store. The runtime, which is not needed earlier, starts after
/// the first frame.
pub(in crate::cli) fn run(context: &CliContext<'_>) -> Result<u8, Problem> {
    let settings_source = context.settings_source();
    let code = if context.settings.plain {
        let engine = Arc::clone(context.engine()?);
        cli::build_runtime()?.block_on(tui::run_plain(engine, settings_source.clone()))?
    } else {
        require_terminal()?;
        let engine = Arc::clone(context.engine()?);
        let screen =
            Tui::start(engine, settings_source.clone(), LayoutStore::File(context.paths.layout()))?;
        cli::build_runtime()?.block_on(screen.run())
    };
    match settings_source.restart_target.get() {
        Some(target) => restart(context, *target),
        None => Ok(code),
    }
}

/// Restarts the program in place of this process: with another store, or on the simulator.
///
/// A new process is needed because the terminal reader of this process still waits for a key that
/// belongs to the next one.
fn restart(context: &CliContext<'_>, target: RestartTarget) -> Result<u8, Problem> {
    let failed = |why: String| Problem::new("tokenring was not restarted", why, "start it again");
    let program = std::env::current_exe().map_err(|error| failed(error.to_string()))?;
    let mut command = Command::new(program);
    command.args(std::env::args_os().skip(1));
    match target {
        RestartTarget::Demo => _ = command.arg("demo"),
        RestartTarget::Store(choice) => save_store_choice(&context.paths.settings(), choice)?,
    }
    replace(command).map_err(|error| failed(error.to_string()))
}

/// Replaces this process with a program.
#[cfg(unix)]
fn replace(mut command: Command) -> std::io::Result<u8> {
    use std::os::unix::process::CommandExt as _;
    Err(command.exec())
}

/// Runs a program and returns its exit code.
#[cfg(not(unix))]
fn replace(mut command: Command) -> std::io::Result<u8> {
    let code = command.status()?.code().unwrap_or(1);
    Ok(u8::try_from(code).unwrap_or(1))
}

/// Shows the screen on an engine that saves nothing, until the user quits.
pub(in crate::cli) async fn run_in_memory(
    context: &CliContext<'_>,
    engine: Arc<Engine>,
) -> Result<u8, Problem> {
    if context.settings.plain {
        return tui::run_plain(engine, context.settings_source()).await;
    }
    require_terminal()?;
    Ok(Tui::start(engine, context.settings_source(), LayoutStore::Disabled)?.run().await)
}

fn require_terminal() -> Result<(), Problem> {
    if std::io::stdin().is_terminal() && std::io::stdout().is_terminal() {
        return Ok(());
    }
    let why = "standard input or output is not a terminal";
    let remedy = "run tokenring in a terminal, use the line-based interface with --plain, or use the commands of `tokenring --help`";
    Err(Problem::new("The screen cannot be shown", why, remedy).with_class(ProblemClass::Usage))
}
