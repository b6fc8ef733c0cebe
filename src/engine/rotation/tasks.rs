//! Rotation tasks of the screen, and the screen as the prompter of a rotation.
//!
//! The rotation itself is in `rotation`. Start with `run_task`.

use async_trait::async_trait;

use crate::domain::credential::SecretPart;
use crate::domain::problem::ProblemClass;
use crate::domain::provider::spec::RotationStrategyId;
use crate::domain::rotation::{ProgressLine, RotationPlan, RotationStatus};
use crate::domain::{Credential, CredentialId, Problem, Secret};
use crate::engine::Engine;
use crate::engine::background::protocol::TaskEvent;
use crate::engine::background::runner::TaskContext;
use crate::engine::credentials::tasks::CredentialEvent;
use crate::engine::prompt::{PromptId, PromptMessage, PromptReply, RotationPrompt, UserPrompter};
use crate::engine::rotation::{CreateRequest, RotationDirection, RotationFilter, RotationObserver};
use crate::engine::rotation_journals::RotationSummary;

/// Task that rotates, revokes or creates credentials at their providers.
pub enum RotationTask {
    /// Plan the rotation of a credential, or review the unfinished one.
    Plan(RotationTarget),
    /// Run a plan.
    Run(Box<RotationPlan>),
    /// Resume the paused rotation with this id.
    Resume(String, RotationDirection),
    /// Review the rotation with this id.
    Review(String),
    /// Close the rotations that have ended but were left open, and list the unfinished ones.
    ListUnfinished,
    /// List the unfinished rotations of other credentials that this credential authorizes.
    ListAdministered(CredentialId),
    /// Reply to the prompt of another task.
    ReplyToPrompt(PromptId, PromptReply),
    /// Abandon the prompt of another task: that task pauses and can be resumed.
    LeavePrompt(PromptId),
    /// Revoke a credential with the strategy that the user confirmed, and verify that it is
    /// rejected.
    Revoke(RotationTarget, RotationStrategyId),
    /// Create a credential.
    Create(Box<CreateRequest>),
}

/// Credential to rotate or revoke, and the credential that authorizes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RotationTarget {
    /// The credential.
    pub credential: CredentialId,
    /// Another credential that authorizes the calls; `None` if the credential authorizes them
    /// itself.
    pub administrator: Option<CredentialId>,
    /// The part of its secret.
    pub part: SecretPart,
}

/// Event of a rotation.
pub enum RotationEvent {
    /// The plan.
    Planned(Box<RotationPlan>),
    /// The plan that runs now; it was not shown before.
    Started(Box<RotationPlan>),
    /// The state so far.
    Reviewed(Box<RotationSummary>),
    /// Progress of a step.
    Step(ProgressLine),
    /// The rotation waits for the user.
    PromptOpened(PromptId, Box<RotationPrompt>),
    /// The rotation finished, or it paused without a reply and can be resumed.
    Finished(RotationStatus),
    /// The unfinished rotations.
    UnfinishedListed(Vec<RotationStatus>),
    /// This rotation had ended but was left open; it is closed now.
    EndedClosed(RotationStatus),
    /// The unfinished rotations of other credentials that this credential authorizes.
    AdministeredListed(CredentialId, Vec<RotationStatus>),
}

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

/// Runs a task of this area.
pub(in crate::engine) async fn run_task(
    engine: &Engine,
    task: RotationTask,
    context: &TaskContext,
) -> Result<(), Problem> {
    match task {
        RotationTask::Plan(target) => plan_or_review(engine, target, context).await?,
        RotationTask::Run(plan) => {
            run_rotation_in_background(engine, RotationStart::Fresh(plan), context).await?;
        }
        RotationTask::Resume(id, direction) => {
            run_rotation_in_background(engine, RotationStart::Resume(id, direction), context)
                .await?;
        }
        RotationTask::Review(id) => send_rotation_event(
            context,
            RotationEvent::Reviewed(Box::new(engine.journals.summarize_rotation(&id).await?)),
        ),
        RotationTask::ListUnfinished => list_unfinished(engine, context).await?,
        RotationTask::ListAdministered(id) => {
            let administered = engine.journals.rotations_administered_by(&id).await?;
            send_rotation_event(context, RotationEvent::AdministeredListed(id, administered));
        }
        RotationTask::ReplyToPrompt(prompt_id, reply) => {
            context.prompts.reply(prompt_id, reply);
        }
        RotationTask::LeavePrompt(prompt_id) => context.prompts.abandon(prompt_id),
        RotationTask::Revoke(target, confirmed) => {
            run_rotation_in_background(engine, RotationStart::Revoke(target, confirmed), context)
                .await?;
        }
        RotationTask::Create(request) => {
            run_rotation_in_background(engine, RotationStart::Create(request), context).await?;
        }
    }
    Ok(())
}

async fn list_unfinished(engine: &Engine, context: &TaskContext) -> Result<(), Problem> {
    close_and_report_ended(engine, context).await?;
    let unfinished = engine.journals.list_rotations(RotationFilter::Open).await?;
    send_rotation_event(context, RotationEvent::UnfinishedListed(unfinished));
    Ok(())
}

/// Closes the rotations that have ended but were left open, and reports each of them with its
/// credential.
async fn close_and_report_ended(engine: &Engine, context: &TaskContext) -> Result<(), Problem> {
    for status in engine.journals.close_ended_rotations().await? {
        let ended = engine.journals.summarize_rotation(&status.id).await?;
        send_rotation_event(context, RotationEvent::EndedClosed(status));
        send_rotated_credential(engine, &ended.plan.credential, context).await?;
    }
    Ok(())
}

/// Plans a rotation, unless the credential has an unfinished one: then that one is shown for
/// resuming.
async fn plan_or_review(
    engine: &Engine,
    target: RotationTarget,
    context: &TaskContext,
) -> Result<(), Problem> {
    close_and_report_ended(engine, context).await?;
    let credential = engine.credentials.get(&target.credential).await?;
    match engine.journals.summarize_rotation(credential.name.as_str()).await {
        Ok(review) if review.plan.credential == credential.id => {
            send_rotation_event(context, RotationEvent::Reviewed(Box::new(review)));
        }
        Err(problem) if problem.class != ProblemClass::NotFound => return Err(problem),
        _ => {
            let administrator = load_administrator(engine, &target).await?;
            let plan = engine
                .rotation
                .plan_part_rotation(&credential, target.part.clone(), administrator.as_ref())
                .await?;
            send_rotation_event(context, RotationEvent::Planned(Box::new(plan)));
        }
    }
    Ok(())
}

async fn run_rotation_in_background(
    engine: &Engine,
    start: RotationStart,
    context: &TaskContext,
) -> Result<(), Problem> {
    let (prompter, on_progress) = (TuiPrompter(context), |line: &ProgressLine| {
        send_rotation_event(context, RotationEvent::Step(line.clone()));
    });
    let observer = RotationObserver { prompter: &prompter, on_progress: &on_progress };
    let status = match start {
        RotationStart::Fresh(plan) => engine.rotation.rotate(*plan, observer).await?,
        RotationStart::Resume(id, direction) => {
            engine.rotation.resume_rotation(&id, direction, observer).await?
        }
        RotationStart::Create(request) => {
            let creation = engine.rotation.plan_creation(*request).await?;
            send_rotation_event(context, RotationEvent::Started(Box::new(creation.plan.clone())));
            engine.rotation.create_credential(creation, observer).await?
        }
        RotationStart::Revoke(target, confirmed) => {
            let (credential, administrator) = (
                engine.credentials.get(&target.credential).await?,
                load_administrator(engine, &target).await?,
            );
            let plan = engine.rotation.plan_revocation(&credential, administrator.as_ref()).await?;
            if plan.strategy != confirmed {
                return Err(revocation_changed(&plan));
            }
            send_rotation_event(context, RotationEvent::Started(Box::new(plan.clone())));
            engine.rotation.rotate(plan, observer).await?
        }
    };
    send_rotated_credential(
        engine,
        &engine.journals.summarize_rotation(&status.id).await?.plan.credential,
        context,
    )
    .await?;
    send_rotation_event(context, RotationEvent::Finished(status));
    Ok(())
}

async fn load_administrator(
    engine: &Engine,
    target: &RotationTarget,
) -> Result<Option<Credential>, Problem> {
    match &target.administrator {
        Some(id) => engine.credentials.get(id).await.map(Some),
        None => Ok(None),
    }
}

/// Sends the credential's new state: expiry, fingerprint and check result have changed.
async fn send_rotated_credential(
    engine: &Engine,
    id: &CredentialId,
    context: &TaskContext,
) -> Result<(), Problem> {
    let event = match engine.credentials.get(id).await {
        Ok(credential) => CredentialEvent::Changed(Box::new(credential)),
        // A credential that was not created in the end no longer exists.
        Err(problem) if problem.class == ProblemClass::NotFound => {
            CredentialEvent::NotCreated(id.clone())
        }
        Err(problem) => return Err(problem),
    };
    context.send_event(TaskEvent::Credential(event));
    Ok(())
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
