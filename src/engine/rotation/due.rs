//! Rotation of all credentials that expire soon, without a user: which of them can be rotated, which
//! unfinished rotations can be resumed, and what is left to the user.
//!
//! Start at [`RotationService::plan_due_rotations`]. Each rotation is the same as one that a user
//! starts; only the selection is here.

use super::{RotationDirection, RotationObserver};
use crate::domain::problem::ProblemClass;
use crate::domain::rotation::{
    AdministratorPolicy, RotationPhase, RotationPlan, RotationPurpose, RotationStatus,
    RotationStep, StepActor, StepStatus,
};
use crate::domain::{Credential, CredentialId, Problem, Timestamp};
use crate::engine::rotation::RotationService;

/// Credential that expires soon or whose rotation is unfinished, and what to do with it.
pub struct DueRotation {
    /// ID of the credential.
    pub credential: CredentialId,
    /// Name of the credential.
    pub name: String,
    /// Time at which it expires, if known.
    pub expires: Option<Timestamp>,
    /// Whether a label marks it as production.
    pub is_production: bool,
    /// What to do with it.
    pub action: DueAction,
}

/// What a run without a user does with a credential.
pub enum DueAction {
    /// Execute this plan.
    Start(Box<RotationPlan>),
    /// Resume an unfinished rotation.
    Resume {
        /// ID of the rotation.
        rotation: String,
        /// Whether a failed step has stopped it, so that the step has to be tried again.
        is_stopped: bool,
    },
    /// Leave it to the user: why, and what to run.
    LeaveToUser {
        /// ID of the unfinished rotation, if there is one.
        rotation: Option<String>,
        /// Why the user is needed.
        problem: Problem,
    },
}

/// Steps that wait for the user and are not tried again.
const USER_STEPS: [RotationStep; 3] =
    [RotationStep::AwaitPaste, RotationStep::AwaitSignIn, RotationStep::AwaitRevoke];

/// Returns what else helps a rotation that waits for a new secret from the user, because the
/// credential was not allowed to create it.
pub fn administrator_advice(status: &RotationStatus) -> Option<String> {
    let waits_for_secret = status.step.as_deref() == Some(&RotationStep::AwaitPaste.to_string());
    waits_for_secret.then(|| {
        format!(
            "; or end it with `tokenring rotate --rollback {}`, and let another credential create the new one (--as NAME)",
            status.id
        )
    })
}

impl RotationService {
    /// Plans what a run without a user does with the credentials that expire within this time:
    /// first the unfinished rotations, then the credentials in the order in which they expire. An
    /// administrator authorizes the rotations in its region that another credential may authorize.
    /// Sends nothing and writes nothing.
    pub async fn plan_due_rotations(
        &self,
        within: time::Duration,
        administrators: &[Credential],
    ) -> Result<Vec<DueRotation>, Problem> {
        let mut credentials = self.database.credentials().await?;
        credentials.sort_by(|one, other| {
            (one.expires, one.name.as_str()).cmp(&(other.expires, other.name.as_str()))
        });
        let open = self.journals.open_rotations().await?;
        let mut planned = Vec::new();
        for status in open.iter().filter(|status| status.purpose == RotationPurpose::Replace) {
            if let Some(known) = credentials.iter().find(|known| known.id == status.credential) {
                planned.push(DueRotation::new(known, self.unfinished_action(status).await));
            }
        }
        let now = self.clock.now();
        for credential in credentials.iter().filter(|known| is_due(known, within, now)) {
            let status = open.iter().find(|status| status.credential == credential.id);
            let action = match status {
                // It is among the unfinished ones already.
                Some(status) if status.purpose == RotationPurpose::Replace => continue,
                Some(status) => DueAction::LeaveToUser {
                    rotation: Some(status.id.clone()),
                    problem: self.unfinished_problem(status).await,
                },
                None => self.due_action(credential, administrators).await,
            };
            planned.push(DueRotation::new(credential, action));
        }
        Ok(planned)
    }

    /// Starts or resumes the rotation. Returns `None` if nothing is to do: it is left to the user, or
    /// another process has rotated the credential since it was planned.
    pub async fn run_due_rotation(
        &self,
        due: DueRotation,
        within: time::Duration,
        observer: RotationObserver<'_>,
    ) -> Result<Option<RotationStatus>, Problem> {
        match due.action {
            DueAction::LeaveToUser { .. } => Ok(None),
            DueAction::Resume { rotation, .. } => self
                .resume_rotation(&rotation, RotationDirection::Forward, observer)
                .await
                .map(Some),
            DueAction::Start(plan) => {
                let credential = self.database.credential_by_id(&due.credential).await?;
                if !is_due(&credential, within, self.clock.now()) {
                    return Ok(None);
                }
                self.rotate(*plan, observer).await.map(Some)
            }
        }
    }

    /// Returns why the step failed that has stopped an unfinished rotation; `None` if none has.
    pub async fn failure_of(&self, status: &RotationStatus) -> Option<String> {
        let summary = self.journals.summarize_rotation(&status.id).await.ok()?;
        let ended = |state| matches!(state, StepStatus::Done | StepStatus::Failed);
        let latest = summary.lines.into_iter().rev().find(|line| ended(line.state))?;
        (latest.state == StepStatus::Failed).then_some(latest.detail)
    }

    /// Returns what to do with an unfinished rotation. One that waits for a secret, a sign-in or a
    /// revocation by the user is left to the user; one that a failed step has stopped is tried again.
    async fn unfinished_action(&self, status: &RotationStatus) -> DueAction {
        let waits_for_user = status
            .step
            .as_deref()
            .is_some_and(|step| USER_STEPS.iter().any(|user_step| user_step.to_string() == step));
        if waits_for_user {
            let problem = self.unfinished_problem(status).await;
            return DueAction::LeaveToUser { rotation: Some(status.id.clone()), problem };
        }
        DueAction::Resume {
            rotation: status.id.clone(),
            is_stopped: status.state == RotationPhase::NeedsUser,
        }
    }

    async fn unfinished_problem(&self, status: &RotationStatus) -> Problem {
        let failure = self.failure_of(status).await.map(|failure| format!("{failure}; next: "));
        Problem::new(
            format!("{} is {}", status.name, status.state.unfinished_word()),
            format!("{}{}", failure.unwrap_or_default(), status.next),
            format!(
                "run `tokenring rotate --resume {}`{}",
                status.id,
                administrator_advice(status).unwrap_or_default()
            ),
        )
        .with_class(ProblemClass::NeedsHuman)
    }

    async fn due_action(
        &self,
        credential: &Credential,
        administrators: &[Credential],
    ) -> DueAction {
        let plan = match self.plan_without_user(credential, administrators).await {
            Ok(plan) => plan,
            Err(problem) => return DueAction::LeaveToUser { rotation: None, problem },
        };
        let Some(task) = user_task(&plan) else { return DueAction::Start(Box::new(plan)) };
        let problem = Problem::new(
            format!("{} cannot be rotated without you", plan.name),
            task,
            format!("run `tokenring rotate {}`", plan.name),
        )
        .with_class(ProblemClass::NeedsHuman);
        DueAction::LeaveToUser { rotation: None, problem }
    }

    /// Plans the rotation with the administrator of the credential's region, where another
    /// credential may authorize it.
    async fn plan_without_user(
        &self,
        credential: &Credential,
        administrators: &[Credential],
    ) -> Result<RotationPlan, Problem> {
        let plan = self.plan_rotation(credential, None).await?;
        if plan.strategy.spec().administrators != AdministratorPolicy::Any {
            return Ok(plan);
        }
        let fitting = administrators.iter().find(|administrator| {
            administrator.id != credential.id
                && self.check_administrator_region(credential, administrator).is_ok()
        });
        match fitting {
            Some(administrator) => self.plan_rotation(credential, Some(administrator)).await,
            None => Ok(plan),
        }
    }
}

impl DueRotation {
    fn new(credential: &Credential, action: DueAction) -> Self {
        Self {
            credential: credential.id.clone(),
            name: credential.name.to_string(),
            expires: credential.expires,
            is_production: credential.is_production(),
            action,
        }
    }
}

/// Returns whether the credential has expired or expires within this time. A credential whose
/// expiry is unknown is never due.
fn is_due(credential: &Credential, within: time::Duration, now: Timestamp) -> bool {
    credential.expires.is_some_and(|expires| expires - now <= within)
}

/// Returns what the user has to do in a rotation with this plan; `None` if it needs no user.
fn user_task(plan: &RotationPlan) -> Option<&'static str> {
    let traits = plan.strategy_traits();
    match (traits.creator, traits.revoker) {
        (StepActor::Program, StepActor::Program) => None,
        (StepActor::User, _) => Some("you create the new secret on the provider's page"),
        (StepActor::UserSignIn, _) => Some("you sign in with the browser"),
        (StepActor::Program, _) => Some("you revoke the old secret on the provider's page"),
    }
}
