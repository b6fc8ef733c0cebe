//! Views over all credentials: results of checks, expiry, tasks, findings and the first start.

pub mod activity;
pub(super) mod check_matrix;
pub(super) mod commands;
pub mod expiry_timeline;
pub(super) mod findings_dialog;
pub(super) mod task_list_dialog;
pub(super) mod timeline_dialog;
pub(super) mod welcome;
