//! Rotation tasks of the screen, and the screen as the prompter of a rotation.
//!
//! The rotation itself is in `rotation`. Start with `run_rotation_task`.

use async_trait::async_trait;

use super::Engine;
use super::prompt::{PromptMessage, PromptReply, RotationPrompt, UserPrompter};
use super::rotation::{CreateRequest, RotationDirection, RotationFilter, RotationObserver};
use super::task_protocol::{
    CredentialEvent, RotationEvent, RotationTarget, RotationTask, TaskEvent,
};
use super::task_runner::TaskContext;
use crate::domain::problem::ProblemClass;
use crate::domain::provider::spec::RotationStrategyId;
use crate::domain::rotation::{ProgressLine, RotationPlan};
use crate::domain::{Credential, CredentialId, Problem, Secret};

/// Prompter for the user at the screen. Questions go out as reports; replies come back as tasks.
struct TuiPrompter<'a>(&'a TaskContext);

#[async_trait]
impl UserPrompter for TuiPrompter<'_> {
    /// The screen asks for confirmation before a task starts.
    async fn confirm(&self, _question: &PromptMessage) -> bool {
        false
    }

    async fn read_secret(&self, _question: &PromptMessage) -> Option<Secret> {
        None
    }

    async fn decide(&self, prompt: &RotationPrompt) -> Option<PromptReply> {
        let pending = self.0.prompts.open();
        send_rotation_event(
            self.0,
            RotationEvent::PromptOpened(pending.id(), Box::new(prompt.clone())),
        );
        pending.await_reply().await
    }

    async fn wait_for_pause(&self) {
        self.0.pause.cancelled().await;
    }
}

/// Start of a rotation task.
enum RotationStart {
    /// With this plan.
    Fresh(Box<RotationPlan>),
    /// Where its journal ends.
    Resume(String, RotationDirection),
    /// With the plan that creates this credential.
    Create(Box<CreateRequest>),
    /// With the plan that revokes this credential, if its strategy is the one that the user
    /// confirmed.
    Revoke(RotationTarget, RotationStrategyId),
}

impl Engine {
    pub(super) async fn run_rotation_task(
        &self,
        task: RotationTask,
        context: &TaskContext,
    ) -> Result<(), Problem> {
        match task {
            RotationTask::Plan(target) => self.plan_or_review(target, context).await?,
            RotationTask::Run(plan) => {
                self.run_rotation_in_background(RotationStart::Fresh(plan), context).await?;
            }
            RotationTask::Resume(id, direction) => {
                self.run_rotation_in_background(RotationStart::Resume(id, direction), context)
                    .await?;
            }
            RotationTask::Review(id) => send_rotation_event(
                context,
                RotationEvent::Reviewed(Box::new(self.summarize_rotation(&id).await?)),
            ),
            RotationTask::ListUnfinished => self.list_unfinished(context).await?,
            RotationTask::ListAdministered(id) => {
                let administered = self.rotations_administered_by(&id).await?;
                send_rotation_event(context, RotationEvent::AdministeredListed(id, administered));
            }
            RotationTask::ReplyToPrompt(prompt_id, reply) => {
                context.prompts.reply(prompt_id, reply);
            }
            RotationTask::LeavePrompt(prompt_id) => context.prompts.abandon(prompt_id),
            RotationTask::Revoke(target, confirmed) => {
                self.run_rotation_in_background(RotationStart::Revoke(target, confirmed), context)
                    .await?;
            }
            RotationTask::Create(request) => {
                self.run_rotation_in_background(RotationStart::Create(request), context).await?;
            }
        }
        Ok(())
    }

    async fn list_unfinished(&self, context: &TaskContext) -> Result<(), Problem> {
        self.close_and_report_ended(context).await?;
        let unfinished = self.list_rotations(RotationFilter::Open).await?;
        send_rotation_event(context, RotationEvent::UnfinishedListed(unfinished));
        Ok(())
    }

    /// Closes the rotations that have ended but were left open, and reports each of them with its
    /// credential.
    async fn close_and_report_ended(&self, context: &TaskContext) -> Result<(), Problem> {
        for status in self.close_ended_rotations().await? {
            let ended = self.summarize_rotation(&status.id).await?;
            send_rotation_event(context, RotationEvent::EndedClosed(status));
            self.send_rotated_credential(&ended.plan.credential, context).await?;
        }
        Ok(())
    }

    /// Plans a rotation, unless the credential has an unfinished one: then that one is shown for
    /// resuming.
    async fn plan_or_review(
        &self,
        target: RotationTarget,
        context: &TaskContext,
    ) -> Result<(), Problem> {
        self.close_and_report_ended(context).await?;
        let credential = self.credential_by_id(&target.credential).await?;
        match self.summarize_rotation(credential.name.as_str()).await {
            Ok(review) if review.plan.credential == credential.id => {
                send_rotation_event(context, RotationEvent::Reviewed(Box::new(review)));
            }
            Err(problem) if problem.class != ProblemClass::NotFound => return Err(problem),
            _ => {
                let administrator = self.load_administrator(&target).await?;
                let plan = self
                    .plan_part_rotation(&credential, target.part.clone(), administrator.as_ref())
                    .await?;
                send_rotation_event(context, RotationEvent::Planned(Box::new(plan)));
            }
        }
        Ok(())
    }

    async fn run_rotation_in_background(
        &self,
        start: RotationStart,
        context: &TaskContext,
    ) -> Result<(), Problem> {
        let (prompter, on_progress) = (TuiPrompter(context), |line: &ProgressLine| {
            send_rotation_event(context, RotationEvent::Step(line.clone()));
        });
        let observer = RotationObserver { prompter: &prompter, on_progress: &on_progress };
        let status = match start {
            RotationStart::Fresh(plan) => self.rotate(*plan, observer).await?,
            RotationStart::Resume(id, direction) => {
                self.resume_rotation(&id, direction, observer).await?
            }
            RotationStart::Create(request) => {
                let creation = self.plan_creation(*request).await?;
                send_rotation_event(
                    context,
                    RotationEvent::Started(Box::new(creation.plan.clone())),
                );
                self.create_credential(creation, observer).await?
            }
            RotationStart::Revoke(target, confirmed) => {
                let (credential, administrator) = (
                    self.credential_by_id(&target.credential).await?,
                    self.load_administrator(&target).await?,
                );
                let plan = self.plan_revocation(&credential, administrator.as_ref()).await?;
                if plan.strategy != confirmed {
                    return Err(revocation_changed(&plan));
                }
                send_rotation_event(context, RotationEvent::Started(Box::new(plan.clone())));
                self.rotate(plan, observer).await?
            }
        };
        self.send_rotated_credential(
            &self.summarize_rotation(&status.id).await?.plan.credential,
            context,
        )
        .await?;
        send_rotation_event(context, RotationEvent::Finished(status));
        Ok(())
    }

    async fn load_administrator(
        &self,
        target: &RotationTarget,
    ) -> Result<Option<Credential>, Problem> {
        match &target.administrator {
            Some(id) => self.credential_by_id(id).await.map(Some),
            None => Ok(None),
        }
    }

    /// Sends the credential's new state: expiry, fingerprint and check result have changed.
    async fn send_rotated_credential(
        &self,
        id: &CredentialId,
        context: &TaskContext,
    ) -> Result<(), Problem> {
        let event = match self.credential_by_id(id).await {
            Ok(credential) => CredentialEvent::Changed(Box::new(credential)),
            // A credential that was not created in the end no longer exists.
            Err(problem) if problem.class == ProblemClass::NotFound => {
                CredentialEvent::Removed(id.clone())
            }
            Err(problem) => return Err(problem),
        };
        context.send_event(TaskEvent::Credential(event));
        Ok(())
    }
}

fn send_rotation_event(context: &TaskContext, event: RotationEvent) {
    context.send_event(TaskEvent::Rotation(event));
}

/// Returns the problem of a revocation that would take away something else than the user confirmed:
/// the stored credentials have changed since.
fn revocation_changed(plan: &RotationPlan) -> Problem {
    let (what, why) = (
        format!("{} was not revoked", plan.name),
        format!("the confirmation no longer applies. {}", plan.warning().unwrap_or_default()),
    );
    Problem::new(what, why, "revoke it again and confirm this").with_class(ProblemClass::Failed)
}
