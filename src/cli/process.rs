//! Process-wide setup: hardening, logging and the async runtime.

use std::fs::OpenOptions;
use std::sync::Mutex;

use crate::domain::Problem;
use crate::domain::problem::ProblemClass;
use crate::util::private_files::private_mode;

/// Disables core dumps and prevents other processes of this user from reading this process's
/// memory.
///
/// Best effort: a system that refuses is no reason not to start.
pub(super) fn harden_process() {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
    #[cfg(unix)]
    let _ = rustix::process::setrlimit(
        rustix::process::Resource::Core,
        rustix::process::Rlimit { current: Some(0), maximum: Some(0) },
    );
}

/// Whether this process is to be the agent of a store: `tokenring store unlock` starts it with these
/// arguments, and describes it on standard input.
pub(super) fn is_agent_start() -> bool {
    std::env::args_os().skip(1).eq(crate::engine::AGENT_ARGUMENTS)
        && !std::io::IsTerminal::is_terminal(&std::io::stdin())
}

/// Logs to the file named by `TOKENRING_LOG`, at the level named by `TOKENRING_LOG_LEVEL` (`debug`
/// by default).
pub(super) fn start_log() -> Result<(), Problem> {
    let Some(path) = std::env::var_os("TOKENRING_LOG") else { return Ok(()) };
    let wanted = std::env::var("TOKENRING_LOG_LEVEL").unwrap_or_else(|_| "debug".to_owned());
    let level: tracing::Level = wanted.parse().map_err(|_| {
        let why = "TOKENRING_LOG_LEVEL names no level";
        Problem::new("Unknown log level", why, "use error, warn, info, debug or trace")
            .with_class(ProblemClass::Usage)
    })?;
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    let file = private_mode(&mut options).open(&path).map_err(|error| {
        let what = format!("The log {} cannot be written", path.display());
        Problem::new(what, error.to_string(), "name another file in TOKENRING_LOG, or unset it")
            .with_class(ProblemClass::Usage)
    })?;
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_ansi(false)
        .with_writer(Mutex::new(file))
        .init();
    Ok(())
}

/// Builds the async runtime. Two worker threads are enough: tasks mostly wait, and they must not
/// crowd out the drawing task.
pub(super) fn build_runtime() -> Result<tokio::runtime::Runtime, Problem> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(
        |error| {
            Problem::new(
                "The program cannot start its tasks",
                error.to_string(),
                "free some threads or memory and try again",
            )
        },
    )
}
