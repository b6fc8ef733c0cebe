//! Credentials on the screen: list, filter, detail, regions and their commands.

pub(super) mod add_dialog;
pub(super) mod commands;
pub mod detail;
pub(super) mod edit_dialog;
mod events;
pub mod filter_query;
pub mod list;
pub(super) mod pasted_secret_dialog;
pub mod regions;
pub mod row_index;
pub mod undo;
