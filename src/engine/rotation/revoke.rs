//! Revoking a credential at its provider without putting another one in its place, and showing that it is dead.

use std::sync::Arc;

use super::provider::{Desk, Doomed, strategy};
use super::survey::Use;
use crate::domain::credential::{Part, Slot};
use crate::domain::problem::Class;
use crate::domain::rotation::{Failure, FailureKind, Handle, Plan, Schedule, Step};
use crate::domain::{Credential, Problem};
use crate::engine::Engine;
use crate::engine::audit::Deed;

/// What a revocation came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revoked {
    /// The provider revoked it, and it is refused.
    Dead,
    /// The provider revoked it, and it still worked when nobody wanted to wait any longer.
    StillAlive,
}

impl Engine {
    /// Revokes a credential and waits until it is refused. The credential stays here until it is removed.
    pub async fn revoke(&self, credential: &Credential, administrator: Option<&Credential>) -> Result<Revoked, Problem> {
        self.permit_changes()?;
        let plan = self.plan_rotation(credential, administrator).await?;
        self.require_no_rotation(&credential.id).await?;
        let _lock = self.locks.claim(&credential.id)?;
        let desk = self.desk(credential.clone(), plan.strategy, plan.administrator.as_ref())?;
        self.register(Deed::new("revoke", "begun").on(credential.name.as_str())).await?;
        let ended = self.kill(&desk, &plan).await;
        let (outcome, why) = match &ended {
            Ok(Revoked::Dead) => ("done", String::new()),
            Ok(Revoked::StillAlive) => ("still-alive", "the provider still accepted it".to_owned()),
            Err(problem) => ("failed", problem.why.clone()),
        };
        self.register(Deed::new("revoke", outcome).on(credential.name.as_str()).because(why)).await?;
        ended
    }

    async fn kill(&self, desk: &Desk<'_>, plan: &Plan) -> Result<Revoked, Problem> {
        let strategy = strategy(plan.strategy);
        let removed = match plan.ways().handle {
            Handle::Value => {
                let secret = Arc::new(self.secret(&desk.credential, &Part::Secret).await?);
                strategy.remove(desk, Doomed::Value(&secret)).await
            }
            Handle::Id => {
                let candidates = strategy.candidates(desk).await.map_err(|failure| problem(plan, desk, &failure))?;
                match &candidates[..] {
                    [only] => strategy.remove(desk, Doomed::Remote(only)).await,
                    _ => return Err(by_hand(plan, desk, "nobody knows for sure which one it is at the provider")),
                }
            }
        };
        removed.map_err(|failure| problem(plan, desk, &failure))?;
        self.forget_session(&desk.credential.id);
        self.watch_it_die(desk).await
    }

    async fn watch_it_die(&self, desk: &Desk<'_>) -> Result<Revoked, Problem> {
        for looks in 1.. {
            if matches!(desk.try_slot(Slot::Current).await, Ok(Use::Refused(_))) {
                self.check(&desk.credential, &desk.region.id).await?;
                return Ok(Revoked::Dead);
            }
            match Schedule::of(&Step::ProveDead).delay(looks) {
                Some(delay) => self.clock.pass(delay).await,
                None => break,
            }
        }
        Ok(Revoked::StillAlive)
    }
}

fn problem(plan: &Plan, desk: &Desk<'_>, failure: &Failure) -> Problem {
    match failure.kind {
        FailureKind::Refused if plan.ways().revoke == crate::domain::rotation::By::Person => by_hand(plan, desk, &failure.why),
        FailureKind::Refused => Problem::new(
            format!("{} was not revoked", plan.name),
            failure.why.clone(),
            "name a credential that may with --as, or revoke it at the provider",
        )
        .of(Class::Refused),
        _ => {
            let remedy = "look with `tokenring check` whether it still works, then try again";
            Problem::new(format!("Nobody knows whether {} was revoked", plan.name), failure.why.clone(), remedy)
                .of(Class::Unknown)
        }
    }
}

fn by_hand(plan: &Plan, desk: &Desk<'_>, why: &str) -> Problem {
    let page = desk.kind.page_in(desk.region).map(|page| format!(" ({page})")).unwrap_or_default();
    let remedy = format!("revoke it on the provider's page{page}, then check it here");
    Problem::new(format!("{} has to be revoked by hand", plan.name), why, remedy).of(Class::NeedsHuman)
}
