//! Summary of an unfinished rotation, for a user who decides how it continues.
//!
//! It reads the journal and nothing else. Start at `Engine::summarize_rotation`.

use super::RotationFilter;
use super::ended::recorded_status;
use crate::domain::Problem;
use crate::domain::rotation::{ProgressLine, RotationPlan, RotationStatus, entry_line};
use crate::engine::Engine;

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

impl Engine {
    /// Returns the status of every open rotation, for marks at its credential. A journal that cannot
    /// be read hides no credential.
    pub async fn open_rotations(&self) -> Result<Vec<RotationStatus>, Problem> {
        let mut open = Vec::new();
        for rotation in self.database.run(|index| index.rotations(RotationFilter::Open)).await? {
            match self.read_rotation_journal(&rotation).await {
                Ok(journal) => open.push(recorded_status(&rotation, &journal)),
                Err(problem) => tracing::warn!(%problem, "an open rotation is not shown"),
            }
        }
        Ok(open)
    }

    /// Summarizes the rotation with this ID, or the open rotation of the credential with this name.
    pub async fn summarize_rotation(&self, id: &str) -> Result<RotationSummary, Problem> {
        let record = self.find_rotation(id).await?;
        let journal = self.read_rotation_journal(&record).await?;
        let plan = journal.plan().clone();
        let lines = journal.entries().iter().filter_map(|entry| entry_line(&plan, entry)).collect();
        Ok(RotationSummary { lines, status: recorded_status(&record, &journal), plan })
    }
}
