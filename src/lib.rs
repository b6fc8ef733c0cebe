//! **tokenring** stores, tests and rotates API tokens of Snyk and Appcircle from the terminal.
//!
//! This page is the architecture. CONTRIBUTING.md says how to add to it.
//!
//! # Layers
//!
//! ```text
//!   keys, mouse                              arguments
//!        │                                       │
//!   ┌────▼─────────────────────┐       ┌─────────▼─────────┐
//!   │ tui   event loop         │       │ cli               │      two front ends
//!   │  ├─ app    state         │       └─────────┬─────────┘
//!   │  └─ view   drawing       │                 │
//!   └────┬─────────────────▲───┘                 │
//!     effects            events                  │
//!   ┌────▼─────────────────┴─────────────────────▼───┐
//!   │ engine   operations on credentials             │      shared by both
//!   └────┬──────────────┬──────────────┬─────────────┘
//!   ┌────▼────┐    ┌────▼────┐    ┌────▼────┐
//!   │ net     │    │ store   │    │ database│                 adapters, independent of one another
//!   └────┬────┘    └────┬────┘    └────┬────┘
//!   ┌────▼──────────────▼──────────────▼─────────────┐
//!   │ domain   (config beside it)                    │      no I/O, no async, no clock
//!   └────────────────────────┬───────────────────────┘
//!   ┌────────────────────────▼───────────────────────┐
//!   │ util     private files, JSON scanning, …       │      knows nothing of the program
//!   └────────────────────────────────────────────────┘
//! ```
//!
//! | layer | contains | start reading at |
//! |---|---|---|
//! | [`util`] | what several layers need and that knows none of them: private files, JSON scanning, shell words, hexadecimal digits | [`util::private_files`] |
//! | [`domain`] | types and decisions: secrets, credentials, providers, requests, responses, the rotation machine | [`domain::rotation`], [`domain::provider`] |
//! | [`config`] | settings, key bindings, themes, paths | [`config::settings`](config) |
//! | [`store`] | secret storage: system keyring, encrypted file, memory | [`store::SecretStore`] |
//! | [`database`] | the SQLite database for everything that is not secret | [`database::Database`] |
//! | [`net`] | HTTP with host binding, token exchange, OAuth sign-in | [`net::OutgoingRequest`] |
//! | [`engine`] | what the program does: add, check, send, rotate, deliver, scan, … | [`engine::Engine`] |
//! | [`tui`] | the screen: [`tui::app`] is pure state, [`tui::view`] draws it | [`tui::app`] |
//! | [`cli`] | one file per command | [`cli::main`] |
//! | [`simulator`] | the provider simulator; the rest of the program reaches it only over HTTP | [`simulator`] |
//!
//! A layer uses only the layers below it. `tests/suite/house.rs` reads the sources and enforces this.
//!
//! # How data flows
//!
//! - **The screen** is a function: `update(app, message, now) -> effects`. The event loop passes the
//!   effects to the engine; the engine's events come back as messages with the ID of their task.
//! - **A request** is a [`domain::request::RequestDraft`] until the engine sends it. A draft cannot
//!   contain the credential's secret, so history, curl export and audit log cannot either. The secret
//!   is added in the engine, immediately before [`net`] checks the origin and sends it.
//! - **A rotation** is a journal in the database. [`domain::rotation`] decides the next step from the
//!   journal alone, the engine carries it out and records the outcome. Running and resuming after a
//!   crash are the same code.
//! - **An error** is a [`domain::Problem`]: what happened, why, and what to do.

pub mod cli;
pub mod config;
pub mod database;
pub mod domain;
pub mod engine;
pub mod net;
pub mod simulator;
pub mod store;
pub mod tui;
pub mod util;
