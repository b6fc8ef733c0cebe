//! Sending a person to the browser for a new sign-in, and fetching what they have agreed to.
//!
//! The browser brings a code, which only this process has: a crash before it is fetched costs the person another visit
//! and nothing else. Fetching it makes the new secret, so that is the creation of the plan, with its intent and its doubt.

use tokio::sync::oneshot;
use tokio::time::Instant;
use url::Url;

use super::Tried;
use super::driver::{Driver, Hand};
use super::human::{Answered, fits};
use super::provider::failure_of;
use super::slots::{not_yet, refused};
use crate::domain::credential::SecretSlot;
use crate::domain::rotation::{
    CreatedSecret, JournalEntry, NextStep, ProgressLine, RotationStep, SecretFingerprint, StepFailure, StepFailureKind,
    StepOutcome, StepStatus, UserDecision, UserPrompt, waiting_line,
};
use crate::domain::{Credential, Problem};
use crate::engine::ask::{AwaitedCallback, PromptReply, RotationPrompt};
use crate::engine::login::{self, AuthorizationGrant, PendingSignIn, state_mismatch_problem};
use crate::engine::session::CachedAccessToken;
use crate::net::NetError;
use crate::net::exchange::TokenExchangeError;
use crate::net::oauth::RefreshToken;
use crate::net::sign_in::AuthorizationRequest;

/// What became of a visit to the page.
enum Visit {
    /// The browser, or an address that was pasted, brought an answer.
    Agreed(Box<AuthorizationGrant>),
    /// The provider or the person did not go along with it; why, in words.
    Declined(String),
    /// Something else was said meanwhile.
    Said(UserDecision),
    /// Nobody came in time; why, in words.
    Late(String),
    /// Nobody answers.
    Nobody,
}

/// What a person says while the browser is waited for.
enum Word {
    Address(Url),
    Said(UserDecision),
    Nothing,
}

impl Driver<'_> {
    /// Asks to sign in, and waits for the browser.
    pub(super) async fn ask_to_sign_in(&mut self, need: UserPrompt) -> Result<Answered, Problem> {
        let dilemma = self.dilemma(&need);
        self.write(JournalEntry::Intent(RotationStep::AwaitSignIn)).await?;
        waiting_line(self.plan(), &NextStep::AskUser(need)).iter().for_each(self.audience.tell);
        let login = match self.begin_visit().await {
            Ok(login) => login,
            Err(problem) => return self.declined(failure_of(&problem)).await,
        };
        match self.await_visit(login, dilemma).await {
            Visit::Agreed(agreed) => {
                self.agreed = Some(*agreed);
                self.write(JournalEntry::Done(StepOutcome::SignedIn)).await?;
                Ok(Answered::Written)
            }
            Visit::Declined(why) => self.declined(refused(why)).await,
            Visit::Said(saying) => self.heard(saying).await,
            Visit::Late(why) => {
                let (rotation, step) = (self.plan().rotation.to_string(), RotationStep::AwaitSignIn.to_string());
                (self.audience.tell)(&ProgressLine { rotation, step, state: StepStatus::Waiting, detail: why });
                Ok(Answered::Nobody)
            }
            Visit::Nobody => Ok(Answered::Nobody),
        }
    }

    /// Has the provider change what the person agreed to for a session. It is shown once: first into the store, then
    /// everything else.
    pub(super) async fn fetch_session(&mut self) -> Tried<StepOutcome> {
        let Some(agreed) = self.agreed.take() else {
            return Err(StepFailure::new(
                StepFailureKind::SecretLost,
                "what the sign-in brought went with the process that waited for it",
            ));
        };
        // Whatever the fingerprint takes is had beforehand.
        if let Err(failure) = self.print_of(&agreed.code).await {
            self.agreed = Some(agreed);
            return Err(failure);
        }
        let refreshed = match self.engine.redeem_grant(&agreed).await {
            Ok(refreshed) => refreshed,
            Err(error) => {
                let failure = failure_to_fetch(&error);
                if failure.kind == StepFailureKind::Retryable {
                    self.agreed = Some(agreed);
                } else {
                    agreed.report_to_browser(&Err(Problem::from(error))).await;
                }
                return Err(failure);
            }
        };
        let Some(next) = refreshed.next else { return Err(refused("the provider gave nothing to renew the session with")) };
        let kept = self.put(SecretSlot::Pending, &next.secret).await;
        if kept.is_ok() {
            self.keep_access_token(&self.engine.new_cached_token(refreshed.access)).await;
        }
        let print = self.hold(next).await?;
        agreed.report_to_browser(&Ok(())).await;
        Ok(StepOutcome::Created(CreatedSecret { fingerprint: print, remote: None }))
    }

    /// The credential's own client, at the region of the plan.
    async fn begin_visit(&self) -> Result<PendingSignIn, Problem> {
        let credential = self.engine.credential_by_id(&self.plan().credential).await?;
        self.engine.begin_sign_in_for(Credential { region: self.plan().region.clone(), ..credential }).await
    }

    async fn await_visit(&self, login: PendingSignIn, dilemma: RotationPrompt) -> Visit {
        let (page, callback) = (login.address().to_string(), login.callback().clone());
        let wait = self.engine.options.sign_in_timeout;
        let awaited = AwaitedCallback { callback, timeout: wait, until: self.engine.now() + wait };
        let dilemma = RotationPrompt { page: Some(page), awaited_callback: Some(awaited), ..dilemma };
        let sign_in = login.sign_in();
        let (sender, receiver) = oneshot::channel();
        let pasted = async {
            match receiver.await {
                Ok(address) => address,
                Err(_) => std::future::pending().await,
            }
        };
        let mut answer = std::pin::pin!(self.engine.await_callback(login, pasted, wait));
        let word = tokio::select! {
            biased;
            answered = &mut answer => return self.judge_visit(answered).await,
            word = self.listen(dilemma, &sign_in) => word,
        };
        match word {
            // The one that waits for it is still there.
            Word::Address(address) => {
                drop(sender.send(address));
                self.judge_visit(answer.await).await
            }
            Word::Said(saying) => Visit::Said(saying),
            Word::Nothing => Visit::Nobody,
        }
    }

    /// What the person says, until it is something that can be taken.
    async fn listen(&self, mut dilemma: RotationPrompt, sign_in: &AuthorizationRequest) -> Word {
        let begun = Instant::now();
        loop {
            if let Some(awaited) = &mut dilemma.awaited_callback {
                awaited.timeout = self.engine.options.sign_in_timeout.saturating_sub(begun.elapsed());
            }
            match self.audience.ask.decide(&dilemma).await {
                None => return Word::Nothing,
                Some(PromptReply::Decided(saying)) if dilemma.choices.iter().any(|choice| fits(&choice.decision, &saying)) => {
                    return Word::Said(saying);
                }
                Some(PromptReply::Decided(_)) => {
                    dilemma.message.detail = String::from("that is none of the answers that are open here")
                }
                Some(PromptReply::Pasted(text)) => match sign_in.parse_pasted(&text) {
                    Ok(address) => return Word::Address(address),
                    Err(stranger) => {
                        let Problem { why, remedy, .. } = state_mismatch_problem(stranger);
                        dilemma.message.detail = format!("{why}: {remedy}");
                    }
                },
            }
        }
    }

    /// An answer that leads to another region would make a session that the plan does not know.
    async fn judge_visit(&self, answered: Result<login::AnsweredSignIn, Problem>) -> Visit {
        let answered = match answered {
            Ok(answered) => answered,
            Err(Problem { what, why, .. }) => return Visit::Late(format!("{what}: {why}")),
        };
        let agreed = match self.engine.resolve_grant(answered).await {
            Ok(agreed) => agreed,
            Err(Problem { what, why, .. }) => return Visit::Declined(format!("{what}: {why}")),
        };
        if agreed.region == self.plan().region {
            return Visit::Agreed(Box::new(agreed));
        }
        let why = format!("the sign-in is one to {}, and the credential belongs to {}", agreed.region, self.plan().region);
        agreed.report_to_browser(&Err(Problem::new("Not taken", why.clone(), "sign in to the same region"))).await;
        Visit::Declined(why)
    }

    async fn declined(&mut self, failure: StepFailure) -> Result<Answered, Problem> {
        self.write(JournalEntry::Failed(RotationStep::AwaitSignIn, failure)).await?;
        Ok(Answered::Written)
    }

    /// The access token that came along proves the session without spending it. Where it is not kept, the session renews
    /// itself for the proof.
    async fn keep_access_token(&self, session: &CachedAccessToken) {
        if let Err(problem) = self.engine.store_shared_access_token(&self.plan().credential, SecretSlot::Pending, session).await {
            tracing::warn!(%problem, "the access token of the new session is not in the store");
        }
    }

    async fn hold(&mut self, next: RefreshToken) -> Tried<SecretFingerprint> {
        let in_doubt = |failure| StepFailure { kind: StepFailureKind::OutcomeUnknown, ..failure };
        let print = self.print_of(&next.secret).await.map_err(in_doubt)?;
        self.hand = Some(Hand { print: print.clone(), secret: next.secret, ends: self.engine.expiry_after(next.lifetime) });
        Ok(print)
    }
}

/// A code can be changed once: only where it certainly was not is it changed again.
fn failure_to_fetch(error: &TokenExchangeError) -> StepFailure {
    let kind = match error {
        TokenExchangeError::Net(NetError::NoConnection { .. }) | TokenExchangeError::UnexpectedStatus { status: 429, .. } => {
            return not_yet(error.to_string());
        }
        TokenExchangeError::Net(NetError::OriginNotAllowed(_) | NetError::InvalidRequest(_)) => StepFailureKind::Refused,
        TokenExchangeError::Net(_)
        | TokenExchangeError::OutcomeUnknown(_)
        | TokenExchangeError::UnexpectedStatus { .. }
        | TokenExchangeError::NoToken { .. } => StepFailureKind::OutcomeUnknown,
        _ => StepFailureKind::Refused,
    };
    StepFailure::new(kind, error.to_string())
}
