//! Views over all credentials: results of checks, expiry, tasks, findings and the first start.

pub mod check_matrix;
pub(super) mod commands;
pub mod expiry_timeline;
pub mod findings_dialog;
pub mod task_list_dialog;
pub mod timeline_dialog;
pub(super) mod welcome;
