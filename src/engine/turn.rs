//! Sending when it is one's turn: within the credential's budget, and again after a refusal that passes.
//!
//! Only requests that read are sent again. A refused request that changes something is the person's to repeat.

use std::time::Duration;

use super::Engine;
use super::authorize::Trouble;
use super::budget::Account;
use super::withhold::Dispatched;
use crate::domain::Credential;
use crate::domain::problem::{Class, Problem};
use crate::domain::rate_limit;
use crate::domain::region::Region;
use crate::domain::request::Draft;

/// How often a request that reads is sent at most.
const ATTEMPTS: u32 = 3;

/// How long one request waits for its turn at most, all waits together. Snyk's window is a minute.
const PATIENCE: Duration = Duration::from_secs(120);

impl Engine {
    /// Sends a draft when the credential's budget allows it. `waiting` hears of every wait before it begins.
    pub(super) async fn dispatch_in_turn(
        &self,
        credential: &Credential,
        region: &Region,
        draft: &Draft,
        waiting: &(dyn Fn(Duration) + Sync),
    ) -> Result<Dispatched, Trouble> {
        let account = Account { credential: credential.id.clone(), region: region.id.clone() };
        let mut attempts = if draft.method.is_safe() { ATTEMPTS } else { 1 };
        let mut patience = PATIENCE;
        let mut refused = None;
        loop {
            while let Some(wait) = self.budgets.take(&account, self.now()) {
                if wait > patience {
                    return refused.ok_or_else(|| not_now(wait).into());
                }
                patience -= wait;
                waiting(wait);
                self.clock.pass(wait).await;
            }
            let dispatched = self.dispatch(credential, region, draft).await?;
            attempts -= 1;
            let passes = self.budgets.learn(&account, &dispatched.answer, self.now());
            if !passes || attempts == 0 {
                return Ok(dispatched);
            }
            refused = Some(dispatched);
        }
    }
}

fn not_now(wait: Duration) -> Problem {
    let why = "the provider counts the requests of this credential, and an earlier answer said that none is left for now";
    Problem::new("Nothing was sent", why, format!("Try again in {}", rate_limit::seconds(wait))).of(Class::Unknown)
}
