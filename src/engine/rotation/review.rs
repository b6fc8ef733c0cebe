//! What a rotation that is not over has come to: for a person who is to say how it goes on.

use crate::domain::Problem;
use crate::domain::rotation::{
    ProgressLine, RotationPlan, RotationStatus, check_rollback_allowed, entry_line, rotation_status,
};
use crate::engine::Engine;

/// A rotation, by its journal alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RotationSummary {
    /// Its plan.
    pub plan: RotationPlan,
    /// What has happened, oldest first.
    pub lines: Vec<ProgressLine>,
    /// Where it stands.
    pub status: RotationStatus,
    /// Whether everything can still be put back as it was; why not, in words.
    pub rollback_allowed: Result<(), &'static str>,
}

impl Engine {
    /// What the rotation with this id, or the open one of the credential with this name, has come to.
    pub async fn summarize_rotation(&self, id: &str) -> Result<RotationSummary, Problem> {
        let journal = self.read_rotation_journal(&self.find_rotation(id).await?).await?;
        let plan = journal.plan().clone();
        let lines = journal.entries().iter().filter_map(|entry| entry_line(&plan, entry)).collect();
        Ok(RotationSummary {
            lines,
            status: rotation_status(&journal),
            rollback_allowed: check_rollback_allowed(&journal),
            plan,
        })
    }
}
