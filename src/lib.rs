//! **tokenring**: a keyring for API tokens, with a screen.
//!
//! # The house
//!
//! Two front doors, [`tui`] and [`cli`], share one [`engine`], the only place where things happen. Below it stand
//! three adapters that do not know one another: [`net`] (how bytes travel), [`store`] (where secrets rest) and
//! [`index`] (where everything that is not secret rests). At the bottom lies [`domain`]: types and decisions, without
//! I/O, clock or screen; [`config`] stands beside it. [`sandbox`] is a set of loopback providers; the rest of the
//! program meets them only over HTTP.
//!
//! Effects go down, messages come up, and nobody skips a floor. `tests/suite/house.rs` reads the sources and enforces
//! who may use whom.

pub mod cli;
pub mod config;
pub mod domain;
pub mod engine;
pub mod index;
pub mod net;
pub mod sandbox;
pub mod store;
pub mod tui;
