//! Rotating, revoking and creating credentials.
//!
//! Start at `commands.rs`; the wizard is in `wizard/`.

mod commands;
pub(super) mod create_dialog;
pub(super) mod format;
pub mod open_rotations;
pub(super) mod wizard;
