//! Tests of rotations end to end: the real engine, the real simulator, and every fault between
//! them. Start with [`rig`] for the setup, `plans.rs` for rotations without faults and `faults.rs`
//! for all others.

mod account_template;
mod comparison;
mod creation_and_revocation;
#[cfg(unix)]
mod due;
mod fault_injection;
mod faults;
mod identity;
mod plans;
mod program;
mod revocation;
mod rig;
mod screen;
mod scripted_user;
mod undo_creation;
mod unfinished;
mod waiting;
