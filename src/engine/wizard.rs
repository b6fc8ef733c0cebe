//! What the screen asks about rotations, and the person at the screen as the one whom a rotation asks.

use async_trait::async_trait;

use super::Engine;
use super::ask::{Ask, Dilemma, Question, Reply};
use super::message::{Charge, Event, KeyringEvent, RotationEvent, RotationTask};
use super::rotation::{Audience, RotationFilter, Turn, Wish};
use super::tasks::Voice;
use crate::domain::problem::ProblemClass;
use crate::domain::rotation::{ProgressLine, RotationPlan};
use crate::domain::{Credential, CredentialId, Problem, Secret};

/// The person at the screen. Questions go out as reports; answers come back as tasks.
struct Onlooker<'a>(&'a Voice);

#[async_trait]
impl Ask for Onlooker<'_> {
    /// What is confirmed on the screen is confirmed before a task begins.
    async fn confirm(&self, _question: &Question) -> bool {
        false
    }

    async fn secret(&self, _question: &Question) -> Option<Secret> {
        None
    }

    async fn decide(&self, dilemma: &Dilemma) -> Option<Reply> {
        let pending = self.0.questions.open();
        say(self.0, RotationEvent::Asks(pending.id(), Box::new(dilemma.clone())));
        pending.answer().await
    }

    async fn paused(&self) {
        self.0.pause.cancelled().await;
    }
}

/// Where a rotation begins.
enum Beginning {
    /// With this plan.
    Fresh(Box<RotationPlan>),
    /// Where its journal ends.
    Left(String, Turn),
    /// With the plan that makes this.
    Making(Box<Wish>),
    /// With the plan that revokes this, for this reason.
    Revoking(Charge, String),
}

impl Engine {
    pub(super) async fn perform_rotation(&self, task: RotationTask, voice: &Voice) -> Result<(), Problem> {
        match task {
            RotationTask::Plan(charge) => self.plan_or_review(charge, voice).await?,
            RotationTask::Run(plan) => self.conduct(Beginning::Fresh(plan), voice).await?,
            RotationTask::TakeUp(id, turn) => self.conduct(Beginning::Left(id, turn), voice).await?,
            RotationTask::Review(id) => say(voice, RotationEvent::Reviewed(Box::new(self.review_rotation(&id).await?))),
            RotationTask::Unfinished => say(voice, RotationEvent::Unfinished(self.rotations(RotationFilter::Open).await?)),
            RotationTask::Answer(question, reply) => voice.questions.answer(question, reply),
            RotationTask::Leave(question) => voice.questions.leave(question),
            RotationTask::Revoke(charge, reason) => self.conduct(Beginning::Revoking(charge, reason), voice).await?,
            RotationTask::Create(wish) => self.conduct(Beginning::Making(wish), voice).await?,
        }
        Ok(())
    }

    /// One rotation per credential: where one was left, it is taken up before another is planned.
    async fn plan_or_review(&self, charge: Charge, voice: &Voice) -> Result<(), Problem> {
        let credential = self.by_id(&charge.credential).await?;
        match self.review_rotation(credential.name.as_str()).await {
            Ok(review) if review.plan.credential == credential.id => say(voice, RotationEvent::Reviewed(Box::new(review))),
            Err(problem) if problem.class != ProblemClass::NotFound => return Err(problem),
            _ => {
                let administrator = self.administrator(&charge).await?;
                let plan = self.plan_part_rotation(&credential, charge.part.clone(), administrator.as_ref()).await?;
                say(voice, RotationEvent::Planned(Box::new(plan)));
            }
        }
        Ok(())
    }

    async fn conduct(&self, beginning: Beginning, voice: &Voice) -> Result<(), Problem> {
        let (ask, tell) = (Onlooker(voice), |line: &ProgressLine| say(voice, RotationEvent::Step(line.clone())));
        let audience = Audience { ask: &ask, tell: &tell };
        let status = match beginning {
            Beginning::Fresh(plan) => self.rotate(*plan, audience).await?,
            Beginning::Left(id, turn) => self.resume_rotation(&id, turn, audience).await?,
            Beginning::Making(wish) => {
                let creation = self.plan_creation(*wish).await?;
                say(voice, RotationEvent::Begun(Box::new(creation.plan.clone())));
                self.create(creation, audience).await?
            }
            Beginning::Revoking(charge, reason) => {
                let (credential, administrator) = (self.by_id(&charge.credential).await?, self.administrator(&charge).await?);
                let plan = self.plan_revocation(&credential, administrator.as_ref())?.with_reason(reason);
                say(voice, RotationEvent::Begun(Box::new(plan.clone())));
                self.rotate(plan, audience).await?
            }
        };
        self.tell_replaced(&self.review_rotation(&status.id).await?.plan.credential, voice).await?;
        say(voice, RotationEvent::Ended(status));
        Ok(())
    }

    async fn administrator(&self, charge: &Charge) -> Result<Option<Credential>, Problem> {
        match &charge.administrator {
            Some(id) => self.by_id(id).await.map(Some),
            None => Ok(None),
        }
    }

    /// What is known about the credential is another thing now: end, print, verdict.
    async fn tell_replaced(&self, id: &CredentialId, voice: &Voice) -> Result<(), Problem> {
        let event = match self.by_id(id).await {
            Ok(credential) => KeyringEvent::Changed(Box::new(credential)),
            // What was to be made and came to nothing is not there any more.
            Err(problem) if problem.class == ProblemClass::NotFound => KeyringEvent::Removed(id.clone()),
            Err(problem) => return Err(problem),
        };
        voice.say(Event::Keyring(event));
        Ok(())
    }
}

fn say(voice: &Voice, event: RotationEvent) {
    voice.say(Event::Rotation(event));
}
