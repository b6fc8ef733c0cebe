//! Tasks that diagnose this machine and scan it for secrets.

use crate::domain::Problem;
use crate::engine::Engine;
use crate::engine::background::protocol::{CredentialEvent, TaskEvent};
use crate::engine::background::runner::TaskContext;
use crate::engine::doctor::DoctorInput;

/// Diagnoses problems on this machine.
pub(in crate::engine) async fn run_doctor_task(
    engine: &Engine,
    input: DoctorInput,
    context: &TaskContext,
) -> Result<(), Problem> {
    context.send_event(TaskEvent::Diagnosed(engine.doctor.diagnose(&input).await));
    Ok(())
}

/// Finds secrets in plain text, in the usual locations.
pub(in crate::engine) async fn run_scan_task(
    engine: &Engine,
    context: &TaskContext,
) -> Result<(), Problem> {
    let found = engine.scan.run(Vec::new(), |_| {}).await?;
    let copies = CredentialEvent::PlainCopies(found.copies_in_use());
    context.send_event(TaskEvent::Credential(copies));
    context.send_event(TaskEvent::Diagnosed(found.to_diagnostics()));
    Ok(())
}
