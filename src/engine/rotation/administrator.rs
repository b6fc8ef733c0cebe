//! Administrator of a rotation: the credential that authorizes its management calls, which may be
//! deleted or replaced while the rotation is unfinished.
//!
//! Start at `Engine::rotations_administered_by`.

use super::ended::{journal_result, recorded_status};
use super::{RotationFilter, RotationStatus};
use crate::domain::problem::ProblemClass;
use crate::domain::rotation::{
    JournalEntry, NextStep, RotationAdministrator, RotationJournal, RotationStep, next_step,
};
use crate::domain::{Credential, CredentialId, Problem};
use crate::engine::Engine;

impl Engine {
    /// Returns the unfinished rotations of other credentials whose management calls this credential
    /// authorizes. Without it, they can be resumed only with another administrator.
    pub async fn rotations_administered_by(
        &self,
        id: &CredentialId,
    ) -> Result<Vec<RotationStatus>, Problem> {
        let mut administered = Vec::new();
        for rotation in self.with_database(|index| index.rotations(RotationFilter::Open)).await? {
            // A journal that cannot be read does not prevent the deletion of a credential.
            let Ok(journal) = self.read_rotation_journal(&rotation).await else { continue };
            if journal.administrator() == Some(id)
                && journal.plan().credential != *id
                && journal_result(&journal).is_none()
            {
                administered.push(recorded_status(&rotation, &journal));
            }
        }
        Ok(administered)
    }

    /// Returns the entry that makes this credential the administrator of the rotation; `None` if it
    /// is already. The requirements are those at the start of a rotation.
    pub(super) async fn administrator_entry(
        &self,
        journal: &RotationJournal,
        administrator: &Credential,
    ) -> Result<Option<JournalEntry>, Problem> {
        let plan = journal.plan();
        let rotated = self.credential_by_id(&plan.credential).await?;
        let rotated = Credential { region: plan.region.clone(), ..rotated };
        self.check_administrator_region(&rotated, administrator)?;
        if journal.administrator() == Some(&administrator.id) {
            return Ok(None);
        }
        let Credential { id, name, .. } = administrator.clone();
        Ok(Some(JournalEntry::AdministratorChanged(RotationAdministrator { id, name })))
    }

    /// Rejects the next step of a rotation if it needs an administrator that was deleted from
    /// tokenring. Nothing is sent then, because the provider has refused nothing.
    pub(super) async fn ensure_administrator_exists(
        &self,
        journal: &RotationJournal,
    ) -> Result<(), Problem> {
        let Some(id) = journal.administrator().filter(|_| next_step_needs_administrator(journal))
        else {
            return Ok(());
        };
        match self.credential_by_id(id).await {
            Err(problem) if problem.class == ProblemClass::NotFound => {
                Err(missing_administrator(journal))
            }
            found => found.map(drop),
        }
    }
}

/// Returns whether the next step makes management calls, or repeats one that failed.
fn next_step_needs_administrator(journal: &RotationJournal) -> bool {
    let next = next_step(journal);
    let prompts_for_secret = matches!(&next, NextStep::AskUser(prompt)
        if matches!(prompt.step, RotationStep::AwaitPaste | RotationStep::AwaitRevoke));
    !prompts_for_secret
        && next.step().is_some_and(|step| {
            matches!(
                step,
                RotationStep::Snapshot
                    | RotationStep::Create
                    | RotationStep::Revoke
                    | RotationStep::DeleteOrphan(_)
                    | RotationStep::FindOrphans
            )
        })
}

fn missing_administrator(journal: &RotationJournal) -> Problem {
    let plan = journal.plan();
    let administrator = journal.administrator_name().map_or_else(
        || "the credential that authorizes its calls".to_owned(),
        |name| format!("{name}, which authorizes its calls,"),
    );
    let remedy = format!(
        "name another credential of the same provider and region: `tokenring rotate --resume {} --as NAME`",
        plan.rotation
    );
    Problem::new(
        format!("The rotation of {} cannot continue", plan.name),
        format!("{administrator} was deleted from tokenring"),
        remedy,
    )
    .with_class(ProblemClass::NeedsHuman)
}
