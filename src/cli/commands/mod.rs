//! One file a command: its options and what it does.

pub(super) mod add;
pub(super) mod audit;
pub(super) mod backup;
pub(super) mod bulk_import;
pub(super) mod check;
pub(super) mod config;
pub(super) mod consumer;
pub(super) mod create;
pub(super) mod demo;
pub(super) mod doctor;
pub(super) mod edit;
pub(super) mod exec;
pub(super) mod generate;
pub(super) mod get;
pub(super) mod identify;
pub(super) mod import;
pub(super) mod list;
pub(super) mod login;
pub(super) mod regions;
pub(super) mod remove;
pub(super) mod request;
pub(super) mod revoke;
pub(super) mod rotate;
mod rotate_due;
pub(super) mod scan;
pub(super) mod store;
pub(super) mod tui;
