//! Requests as curl command lines: export, and import of a line that the user pastes.

pub mod export;
pub mod import;
