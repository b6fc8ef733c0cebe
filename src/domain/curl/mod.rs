//! curl commands that users paste. The export is [`crate::domain::request::export`].

pub mod import;
