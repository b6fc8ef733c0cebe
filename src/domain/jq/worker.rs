//! Worker thread with a large stack for jq filters.
//!
//! Parsing, running and dropping a filter are recursive, and the depth depends on the filter and
//! its input. The stacks of other threads are too small for what the limits allow.

use super::JqError;

/// Stack size in bytes. The system commits memory only for the part that is used.
pub(super) const STACK_BYTES: usize = 256 << 20;

/// Runs `work` on a thread with a large stack and returns its result.
pub(super) fn run_on_large_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, JqError> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .name("jq".to_owned())
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, work);
        let thread = thread.map_err(|error| JqError::NoWorkerThread(error.to_string()))?;
        thread.join().map_err(|panic| std::panic::resume_unwind(panic))
    })
}
