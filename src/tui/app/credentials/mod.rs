//! Credentials on the screen: list, filter, detail, regions and their commands.

pub mod add_dialog;
pub mod attention;
pub(super) mod commands;
pub mod detail;
pub mod edit_dialog;
mod events;
pub mod filter_query;
pub mod list;
pub(super) mod pasted_secret_dialog;
pub mod regions;
pub mod row_index;
pub mod undo;
