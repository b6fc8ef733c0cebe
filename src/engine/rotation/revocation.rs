//! Deletion of the account that a secret acts as.
//!
//! Start at `RotationDriver::find_acting_account`.

use super::StepResult;
use super::driver::RotationDriver;
use super::strategies::{ManagementClient, strategy_for};
use crate::domain::rotation::{OldAccess, RemoteCredential, StepFailureKind};

impl RotationDriver<'_> {
    /// Returns the account that the plan deletes: the one that the stored secret itself acts as. A
    /// field that names an account is not enough, so an account whose secret is refused is left to
    /// the user.
    pub(super) async fn find_acting_account(
        &self,
        client: &ManagementClient<'_>,
        access: &OldAccess,
    ) -> StepResult<Vec<RemoteCredential>> {
        let OldAccess::Known(scope) = access else { return Ok(Vec::new()) };
        match strategy_for(self.plan().strategy).find_acting(client, &scope.principal).await {
            Err(failure) if failure.kind == StepFailureKind::Refused => Ok(Vec::new()),
            found => Ok(found?.into_iter().collect()),
        }
    }
}
