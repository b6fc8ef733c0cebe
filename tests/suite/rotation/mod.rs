//! Tests of rotations end to end: the real engine, the real simulator, and every fault between
//! them. Start with [`rig`] for the setup, `plans.rs` for rotations without faults and `faults.rs`
//! for all others.

mod chaos;
mod faults;
mod halves;
mod person;
mod plans;
mod program;
mod rig;
mod screen;
