//! Administrator of a rotation: the credential that authorizes its management calls, which may be
//! deleted or replaced while the rotation is unfinished.
//!
//! Start at `RotationService::ensure_administrator_exists`.
//!
//! Revocation of the old secret, and what outlives it: the access tokens of a revoked sign-in.
//!
//! Start at `RotationDriver::revoke_old` and `RotationDriver::access_token_left_by`.

use std::sync::Arc;

use super::StepResult;
use super::driver::RotationDriver;
use super::probe::ProbeResult;
use super::slots::{permanent_failure, retryable_failure, secret_lost};
use super::strategies::{
    ManagementClient, RevocationHandle, RevocationResponse, failure_from_problem, strategy_for,
};
use crate::domain::credential::SecretSlot;
use crate::domain::problem::ProblemClass;
use crate::domain::response::CheckResult;
use crate::domain::rotation::{
    AdministratorPolicy, JournalEntry, NextStep, PromptKind, RevocationTarget,
    RotationAdministrator, RotationJournal, RotationPurpose, RotationStep, StepAction, StepOutcome,
    UserDecision, UserPrompt, next_step,
};
use crate::domain::{Credential, CredentialId, Problem, Timestamp};
use crate::engine::prompt::{AlternativeAdministrator, FailedRevocation, RotationPrompt};
use crate::engine::rotation::RotationService;

impl RotationService {
    /// Returns the entry that makes this credential the administrator of the rotation; `None` if it
    /// is already. The requirements are those at the start of a rotation.
    pub(super) async fn administrator_entry(
        &self,
        journal: &RotationJournal,
        administrator: &Credential,
    ) -> Result<Option<JournalEntry>, Problem> {
        let plan = journal.plan();
        let rotated = self.database.credential_by_id(&plan.credential).await?;
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
        match self.database.credential_by_id(id).await {
            Err(problem) if problem.class == ProblemClass::NotFound => {
                Err(missing_administrator(journal))
            }
            found => found.map(drop),
        }
    }
}

impl RotationDriver<'_> {
    /// Returns what the user needs to know about a revocation that failed; `None` if the prompt is
    /// about something else.
    pub(super) async fn failed_revocation(&self, prompt: &UserPrompt) -> Option<FailedRevocation> {
        let (why, is_refusal) = failed_revocation_reason(prompt)?;
        let plan = self.plan();
        let provider = self.service.catalog.provider(&plan.provider);
        let consequence = match plan.purpose {
            RotationPurpose::Revoke => "Unless it is revoked, the secret keeps working.",
            RotationPurpose::Replace | RotationPurpose::Create => {
                "The new secret is in use. Unless the old one is revoked, it keeps working."
            }
        };
        Some(FailedRevocation {
            provider: provider.map_or_else(|_| plan.provider.clone(), |known| known.title.clone()),
            why: why.to_owned(),
            is_refusal,
            consequence: consequence.to_owned(),
            instructions: plan.instructions.clone(),
            administrators: self.alternative_administrators().await,
        })
    }

    /// Returns the entry that lets another credential authorize the calls from here on, if the
    /// prompt offers that credential.
    pub(super) async fn change_administrator(
        &self,
        prompt: &RotationPrompt,
        id: &CredentialId,
    ) -> Result<JournalEntry, Problem> {
        let offered = prompt.failed_revocation.iter().flat_map(|failed| &failed.administrators);
        if !offered.into_iter().any(|other| other.id == *id) {
            let what = "This credential cannot authorize the revocation";
            return Err(Problem::new(what, "it is not among the offered ones", "choose another"));
        }
        let administrator = self.service.database.credential_by_id(id).await?;
        let entry = self.service.administrator_entry(&self.journal, &administrator).await?;
        Ok(entry.unwrap_or(JournalEntry::UserDecision(UserDecision::Retry)))
    }

    /// Returns the stored credentials that may be allowed to make the management calls in place of
    /// the present one: those of the same provider and region that no check has refused.
    async fn alternative_administrators(&self) -> Vec<AlternativeAdministrator> {
        let plan = self.plan();
        let Ok(all) = self.service.database.credentials().await else { return Vec::new() };
        let Some(rotated) = all.iter().find(|known| known.id == plan.credential) else {
            return Vec::new();
        };
        let rotated = Credential { region: plan.region.clone(), ..rotated.clone() };
        let principal = |credential: &Credential| {
            credential.principal.as_ref().map(|principal| principal.id.clone())
        };
        let may_revoke = |other: &&Credential| match plan.strategy.spec().administrators {
            AdministratorPolicy::None => false,
            AdministratorPolicy::SamePrincipal => {
                principal(other).is_some() && principal(other) == principal(&rotated)
            }
            AdministratorPolicy::Any => true,
        };
        let is_refused = |other: &Credential| {
            other.last_check.as_ref().is_some_and(|check| check.result == CheckResult::Refused)
        };
        let caller = self.journal.administrator().unwrap_or(&plan.credential);
        all.iter()
            .filter(|other| other.id != *caller)
            .filter(|other| self.service.check_administrator_region(&rotated, other).is_ok())
            .filter(|other| !is_refused(other))
            .filter(may_revoke)
            .map(|other| AlternativeAdministrator {
                id: other.id.clone(),
                name: other.name.clone(),
            })
            .collect()
    }
}

/// Returns why the revocation failed that this prompt is about, and whether the provider refused
/// it.
pub(super) fn failed_revocation_reason(prompt: &UserPrompt) -> Option<(&str, bool)> {
    match (&prompt.kind, &prompt.step) {
        (PromptKind::RevokeManually { why: Some(why), .. }, _) => Some((why, true)),
        (PromptKind::StepBlocked(why), RotationStep::Revoke) => Some((why, false)),
        _ => None,
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

impl ManagementClient<'_> {
    /// Sends the secret in a slot after its revocation, in the way that shows whether it is
    /// revoked.
    pub(super) async fn probe_revoked_slot(&self, slot: SecretSlot) -> StepResult<ProbeResult> {
        match strategy_for(self.strategy_id).probe_revoked(self, slot).await? {
            Some(result) => Ok(result),
            None => self.probe_slot(slot).await,
        }
    }
}

impl RotationDriver<'_> {
    /// Revokes the old secret. A response that it does not exist counts only if the secret is
    /// rejected; otherwise another object was named, or the provider is not consistent yet.
    pub(super) async fn revoke_old(&self, target: &RevocationTarget) -> StepResult<StepOutcome> {
        if self.revoke(target).await? == RevocationResponse::NotFound {
            let probe = self
                .management_client()
                .await?
                .probe_revoked_slot(self.slot_of_revoked_secret())
                .await?;
            if !matches!(probe, ProbeResult::Refused(_)) {
                return Err(retryable_failure(
                    "the provider reports that it does not exist, but the secret still works",
                ));
            }
        }
        Ok(StepOutcome::Revoked)
    }

    pub(super) async fn revoke(&self, target: &RevocationTarget) -> StepResult<RevocationResponse> {
        let client = self.management_client().await?;
        let strategy = strategy_for(self.plan().strategy);
        match target {
            RevocationTarget::ById(remote) => {
                strategy.revoke(&client, RevocationHandle::ById(remote)).await
            }
            RevocationTarget::ByValue(slot) => {
                let Some(secret) = self.read_slot(*slot).await? else { return Err(secret_lost()) };
                strategy.revoke(&client, RevocationHandle::ByValue(&Arc::new(secret))).await
            }
            RevocationTarget::Unknown => {
                Err(permanent_failure("it is unknown what it is at the provider"))
            }
        }
    }

    /// Returns the expiry of the access token that this action leaves behind, if the journal does
    /// not have it yet: of the secret that is revoked, in the slot that holds it.
    pub(super) async fn access_token_left_by(
        &self,
        action: &StepAction,
    ) -> StepResult<Option<Timestamp>> {
        if !self.secret_renews_itself() {
            return Ok(None);
        }
        let slot = match action {
            // After an interrupted swap, the slot may hold the new secret already.
            StepAction::Promote(swap)
                if self.fingerprint_of_slot(SecretSlot::Current).await?.as_ref()
                    != Some(&swap.new) =>
            {
                SecretSlot::Current
            }
            StepAction::Revoke(_) | StepAction::VerifyRevoked(_) => self.slot_of_revoked_secret(),
            _ => return Ok(None),
        };
        if self.plan().purpose == RotationPurpose::Create {
            return Ok(None);
        }
        let expiry =
            self.service.requests.stored_access_token_expiry(&self.plan().credential, slot).await;
        let expiry = expiry.map_err(|problem| failure_from_problem(&problem))?;
        Ok(expiry.filter(|_| expiry > self.journal.last_access_token_expiry()))
    }

    /// Revokes the successor of a refresh token that the provider still exchanged after its
    /// revocation: the successor belongs to the same sign-in and is in the slot of its predecessor.
    pub(super) async fn revoke_successor(&self, slot: SecretSlot) -> StepResult<()> {
        let by_program =
            self.plan().steps.iter().any(|planned| planned.step == RotationStep::Revoke);
        if !self.secret_renews_itself() || !by_program {
            return Ok(());
        }
        self.revoke(&RevocationTarget::ByValue(slot)).await.map(drop).map_err(|failure| {
            retryable_failure(format!("the provider still accepts the secret; {}", failure.why))
        })
    }

    /// Returns the slot that holds the secret that is revoked.
    pub(super) fn slot_of_revoked_secret(&self) -> SecretSlot {
        if self.plan().purpose == RotationPurpose::Revoke {
            SecretSlot::Current
        } else {
            SecretSlot::Previous
        }
    }
}
