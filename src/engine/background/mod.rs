//! Background tasks of the screen: the protocol, and what runs them.

pub mod protocol;
pub(super) mod runner;
