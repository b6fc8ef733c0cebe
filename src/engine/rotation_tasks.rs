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

    async fn decide(&self, dilemma: &RotationPrompt) -> Option<PromptReply> {
        let pending = self.0.prompts.open();
        send_rotation_event(
            self.0,
            RotationEvent::PromptOpened(pending.id(), Box::new(dilemma.clone())),
        );
        pending.answer().await
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
    /// With the plan that revokes this credential, for this reason.
    Revoke(RotationTarget, String),
}

impl Engine {
    pub(super) async fn run_rotation_task(
        &self,
        task: RotationTask,
        voice: &TaskContext,
    ) -> Result<(), Problem> {
        match task {
            RotationTask::Plan(charge) => self.plan_or_review(charge, voice).await?,
            RotationTask::Run(plan) => {
                self.run_rotation_in_background(RotationStart::Fresh(plan), voice).await?
            }
            RotationTask::Resume(id, turn) => {
                self.run_rotation_in_background(RotationStart::Resume(id, turn), voice).await?
            }
            RotationTask::Review(id) => send_rotation_event(
                voice,
                RotationEvent::Reviewed(Box::new(self.summarize_rotation(&id).await?)),
            ),
            RotationTask::ListUnfinished => send_rotation_event(
                voice,
                RotationEvent::UnfinishedListed(self.list_rotations(RotationFilter::Open).await?),
            ),
            RotationTask::ReplyToPrompt(question, reply) => voice.prompts.reply(question, reply),
            RotationTask::LeavePrompt(question) => voice.prompts.abandon(question),
            RotationTask::Revoke(charge, reason) => {
                self.run_rotation_in_background(RotationStart::Revoke(charge, reason), voice)
                    .await?
            }
            RotationTask::Create(wish) => {
                self.run_rotation_in_background(RotationStart::Create(wish), voice).await?
            }
        }
        Ok(())
    }

    /// Plans a rotation, unless the credential has an unfinished one: then that one is shown for
    /// resuming.
    async fn plan_or_review(
        &self,
        charge: RotationTarget,
        voice: &TaskContext,
    ) -> Result<(), Problem> {
        let credential = self.credential_by_id(&charge.credential).await?;
        match self.summarize_rotation(credential.name.as_str()).await {
            Ok(review) if review.plan.credential == credential.id => {
                send_rotation_event(voice, RotationEvent::Reviewed(Box::new(review)))
            }
            Err(problem) if problem.class != ProblemClass::NotFound => return Err(problem),
            _ => {
                let administrator = self.load_administrator(&charge).await?;
                let plan = self
                    .plan_part_rotation(&credential, charge.part.clone(), administrator.as_ref())
                    .await?;
                send_rotation_event(voice, RotationEvent::Planned(Box::new(plan)));
            }
        }
        Ok(())
    }

    async fn run_rotation_in_background(
        &self,
        beginning: RotationStart,
        voice: &TaskContext,
    ) -> Result<(), Problem> {
        let (ask, tell) = (TuiPrompter(voice), |line: &ProgressLine| {
            send_rotation_event(voice, RotationEvent::Step(line.clone()))
        });
        let audience = RotationObserver { prompter: &ask, on_progress: &tell };
        let status = match beginning {
            RotationStart::Fresh(plan) => self.rotate(*plan, audience).await?,
            RotationStart::Resume(id, turn) => self.resume_rotation(&id, turn, audience).await?,
            RotationStart::Create(wish) => {
                let creation = self.plan_creation(*wish).await?;
                send_rotation_event(voice, RotationEvent::Started(Box::new(creation.plan.clone())));
                self.create_credential(creation, audience).await?
            }
            RotationStart::Revoke(charge, reason) => {
                let (credential, administrator) = (
                    self.credential_by_id(&charge.credential).await?,
                    self.load_administrator(&charge).await?,
                );
                let plan =
                    self.plan_revocation(&credential, administrator.as_ref())?.with_reason(reason);
                send_rotation_event(voice, RotationEvent::Started(Box::new(plan.clone())));
                self.rotate(plan, audience).await?
            }
        };
        self.send_rotated_credential(
            &self.summarize_rotation(&status.id).await?.plan.credential,
            voice,
        )
        .await?;
        send_rotation_event(voice, RotationEvent::Finished(status));
        Ok(())
    }

    async fn load_administrator(
        &self,
        charge: &RotationTarget,
    ) -> Result<Option<Credential>, Problem> {
        match &charge.administrator {
            Some(id) => self.credential_by_id(id).await.map(Some),
            None => Ok(None),
        }
    }

    /// Sends the credential's new state: expiry, fingerprint and check result have changed.
    async fn send_rotated_credential(
        &self,
        id: &CredentialId,
        voice: &TaskContext,
    ) -> Result<(), Problem> {
        let event = match self.credential_by_id(id).await {
            Ok(credential) => CredentialEvent::Changed(Box::new(credential)),
            // A credential that was not created in the end no longer exists.
            Err(problem) if problem.class == ProblemClass::NotFound => {
                CredentialEvent::Removed(id.clone())
            }
            Err(problem) => return Err(problem),
        };
        voice.send_event(TaskEvent::Credential(event));
        Ok(())
    }
}

fn send_rotation_event(voice: &TaskContext, event: RotationEvent) {
    voice.send_event(TaskEvent::Rotation(event));
}
