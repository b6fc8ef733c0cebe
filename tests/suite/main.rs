//! The program from outside: one binary, so that everything is linked once.

#![cfg(test)]

mod cli;
mod docs;
mod house;
mod index;
mod net;
mod sandbox;
mod signin;
mod screen;
mod store;
mod support;
#[cfg(unix)]
mod terminal;

/// The program's own allocator, so that what tests find in memory is what a person's machine would hold.
#[global_allocator]
static ALLOCATOR: zeroizing_alloc::ZeroAlloc<std::alloc::System> = zeroizing_alloc::ZeroAlloc(std::alloc::System);
