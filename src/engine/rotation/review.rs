//! Summary of an unfinished rotation, for a user who decides how it continues.
//!
//! It reads the journal and nothing else. `RotationJournals::summarize_rotation` makes it.

use crate::domain::rotation::{ProgressLine, RotationPlan, RotationStatus};

/// Summary of a rotation, from its journal alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RotationSummary {
    /// The plan.
    pub plan: RotationPlan,
    /// What has happened, oldest first.
    pub lines: Vec<ProgressLine>,
    /// The current status.
    pub status: RotationStatus,
}
