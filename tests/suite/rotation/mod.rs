//! Rotations end to end: the real engine, the real simulator, and everything that can go wrong between them.

mod chaos;
mod faults;
mod halves;
mod person;
mod plans;
mod program;
mod rig;
mod screen;
