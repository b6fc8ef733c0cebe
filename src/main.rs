//! The program: wipes what it frees, keeps other processes out, and hands its arguments to the command line door.

/// Freed memory is wiped, because the buffers of libraries (HTTP, TLS, bus) hold copies of secrets that no type of
/// ours can reach.
#[global_allocator]
static ALLOCATOR: zeroizing_alloc::ZeroAlloc<std::alloc::System> =
    zeroizing_alloc::ZeroAlloc(std::alloc::System);

fn main() -> std::process::ExitCode {
    tokenring::cli::main()
}
