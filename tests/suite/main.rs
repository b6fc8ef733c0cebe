//! Tests of the program from outside, through its binary and public API. All tests are one binary,
//! so that the program is linked once. Start with `support/` for the helpers, `cli.rs` for the
//! command line and `terminal.rs` for the screen.

#![cfg(test)]

mod audit;
#[cfg(unix)]
mod backup;
#[cfg(unix)]
mod bulk_import;
mod cli;
#[cfg(target_os = "linux")]
mod clipboard;
mod config;
#[cfg(unix)]
mod consumer;
mod credential_status;
#[cfg(unix)]
mod demo;
mod docs;
#[cfg(unix)]
mod doctor;
#[cfg(unix)]
mod exec;
#[cfg(target_os = "linux")]
mod faults;
#[cfg(unix)]
mod foreign_files;
mod fuzz;
#[cfg(unix)]
mod hostile_text;
mod house;
#[cfg(unix)]
mod import;
mod index;
#[cfg(target_os = "linux")]
mod keyring;
#[cfg(target_os = "linux")]
mod keyring_matrix;
#[cfg(target_os = "linux")]
mod leak;
#[cfg(target_os = "linux")]
mod memory;
mod mistakes;
#[cfg(unix)]
mod mouse;
mod net;
#[cfg(unix)]
mod panic;
#[cfg(unix)]
mod passphrase;
mod persisted;
#[cfg(unix)]
mod pictures;
#[cfg(target_os = "linux")]
mod pipelines;
#[cfg(unix)]
mod plain;
#[cfg(unix)]
mod prompts;
mod reach;
#[cfg(target_os = "linux")]
mod read_only_home;
mod request;
mod rotation;
mod sandbox;
#[cfg(unix)]
mod scan;
mod screen;
mod shell;
mod signin;
#[cfg(target_os = "linux")]
mod soak;
mod store;
mod supply;
mod support;
#[cfg(unix)]
mod terminal;
#[cfg(unix)]
mod terminal_input;
#[cfg(unix)]
mod tour;
#[cfg(target_os = "linux")]
mod transcripts;
#[cfg(unix)]
mod trust;
mod typed_secrets;
#[cfg(unix)]
mod unlocking;

/// The allocator of the program, so that tests of memory see the same behavior as on a user's
/// machine.
#[global_allocator]
static ALLOCATOR: zeroizing_alloc::ZeroAlloc<std::alloc::System> =
    zeroizing_alloc::ZeroAlloc(std::alloc::System);
