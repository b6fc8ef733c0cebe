//! Entry point of the `tokenring` binary.
//!
//! It installs the allocator that wipes freed memory and calls the command line
//! ([`tokenring::cli`]), which also keeps other processes from reading this process. All other code
//! is in the library crate; start reading at `tokenring::cli::main`.

/// Global allocator that wipes memory when it is freed, because the buffers of libraries (HTTP,
/// TLS, D-Bus) hold copies of secrets that no type of this crate can reach.
#[global_allocator]
static ALLOCATOR: zeroizing_alloc::ZeroAlloc<std::alloc::System> =
    zeroizing_alloc::ZeroAlloc(std::alloc::System);

fn main() -> std::process::ExitCode {
    tokenring::cli::main()
}
