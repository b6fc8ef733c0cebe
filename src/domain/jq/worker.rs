//! A thread with a large stack. A filter is read, applied and dropped by functions that call themselves, and how deep
//! depends on the filter and on what it meets; other threads have too little room for what is allowed.

use super::JqError;

/// So many bytes. Memory is taken only for what of it is used.
pub(super) const STACK_BYTES: usize = 256 << 20;

/// Does some work where there is room for it.
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
