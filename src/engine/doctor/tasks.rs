//! Tasks that diagnose this machine and scan it for secrets.
//!
//! Start with `run_task`.

use crate::domain::Problem;
use crate::engine::Engine;
use crate::engine::background::protocol::TaskEvent;
use crate::engine::background::runner::TaskContext;
use crate::engine::doctor::DoctorInput;

/// Diagnostics of this machine.
pub enum DiagnosticTask {
    /// Diagnose problems on this machine.
    Doctor(DoctorInput),
    /// Find secrets in plain text, in the usual locations.
    Scan,
}

/// Runs a task of this area.
pub(in crate::engine) async fn run_task(
    engine: &Engine,
    task: DiagnosticTask,
    context: &TaskContext,
) -> Result<(), Problem> {
    let found = match task {
        DiagnosticTask::Doctor(input) => engine.doctor.diagnose(&input).await,
        DiagnosticTask::Scan => engine.scan.run(Vec::new(), |_| {}).await?.to_diagnostics(),
    };
    context.send_event(TaskEvent::Diagnosed(found));
    Ok(())
}
