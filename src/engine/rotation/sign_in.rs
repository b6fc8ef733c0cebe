//! Sign-in step of a rotation: sends the user to the browser and exchanges the code that comes
//! back.
//!
//! Only this process has the code from the browser: a crash before the exchange costs the user
//! another sign-in and nothing else. The exchange creates the new secret, so it is the creation
//! step of the plan, with its intent entry and its reconciliation. The OAuth flow itself belongs to
//! [`crate::engine::sign_in`]. Start at `RotationDriver::prompt_sign_in`.

use tokio::sync::oneshot;
use tokio::time::Instant;
use url::Url;

use super::StepResult;
use super::driver::{HeldSecret, RotationDriver};
use super::prompts::{PromptOutcome, choice_matches};
use super::slots::{permanent_failure, retryable_failure};
use super::strategies::failure_from_problem;
use crate::domain::credential::SecretSlot;
use crate::domain::rotation::{
    CreatedSecret, JournalEntry, NextStep, ProgressLine, RotationStep, SecretFingerprint,
    StepFailure, StepFailureKind, StepOutcome, StepStatus, UserDecision, UserPrompt, waiting_line,
};
use crate::domain::{Credential, Problem};
use crate::engine::prompt::{AwaitedCallback, PromptReply, RotationPrompt};
use crate::engine::secrets::token_cache::CachedAccessToken;
use crate::engine::sign_in as sign_in_flow;
use crate::engine::sign_in::problems::state_mismatch_problem;
use crate::engine::sign_in::{AuthorizationGrant, PendingSignIn};
use crate::net::NetError;
use crate::net::oauth::exchange::TokenExchangeError;
use crate::net::oauth::grants::RefreshToken;
use crate::net::oauth::sign_in::AuthorizationRequest;

/// Outcome of a visit to the sign-in page.
enum SignInOutcome {
    /// The browser, or a pasted callback URL, delivered a grant.
    Granted(Box<AuthorizationGrant>),
    /// The provider or the user declined, with the reason.
    Declined(String),
    /// The user chose something else meanwhile.
    Decided(UserDecision),
    /// No response in time, with the reason.
    TimedOut(String),
    /// The user does not reply.
    NoReply,
}

/// Reply of the user while the browser is pending.
enum SignInReply {
    CallbackUrl(Url),
    Decision(UserDecision),
    NoReply,
}

impl RotationDriver<'_> {
    /// Asks the user to sign in and waits for the browser.
    pub(super) async fn prompt_sign_in(
        &mut self,
        user_prompt: UserPrompt,
    ) -> Result<PromptOutcome, Problem> {
        let prompt = self.build_prompt(&user_prompt);
        self.append_entry(JournalEntry::Intent(RotationStep::AwaitSignIn)).await?;
        waiting_line(self.plan(), &NextStep::AskUser(user_prompt))
            .iter()
            .for_each(self.observer.on_progress);
        let pending = match self.begin_sign_in().await {
            Ok(pending) => pending,
            Err(problem) => return self.record_declined(failure_from_problem(&problem)).await,
        };
        match self.await_sign_in(pending, prompt).await {
            SignInOutcome::Granted(grant) => {
                self.authorization_grant = Some(*grant);
                self.append_entry(JournalEntry::Done(StepOutcome::SignedIn)).await?;
                Ok(PromptOutcome::Recorded)
            }
            SignInOutcome::Declined(why) => self.record_declined(permanent_failure(why)).await,
            SignInOutcome::Decided(decision) => self.record_decision(decision).await,
            SignInOutcome::TimedOut(why) => {
                let (rotation, step) =
                    (self.plan().rotation.to_string(), RotationStep::AwaitSignIn.to_string());
                (self.observer.on_progress)(&ProgressLine {
                    rotation,
                    step,
                    state: StepStatus::Waiting,
                    detail: why,
                });
                Ok(PromptOutcome::NoReply)
            }
            SignInOutcome::NoReply => Ok(PromptOutcome::NoReply),
        }
    }

    /// Exchanges the user's grant for a session. The provider shows it once, so it goes into the
    /// store before anything else.
    pub(super) async fn exchange_sign_in_code(&mut self) -> StepResult<StepOutcome> {
        let Some(grant) = self.authorization_grant.take() else {
            return Err(StepFailure::new(
                StepFailureKind::SecretLost,
                "the sign-in was lost when the process that waited for it ended",
            ));
        };
        // Everything that the fingerprint needs is loaded in advance.
        if let Err(failure) = self.fingerprint(&grant.code).await {
            self.authorization_grant = Some(grant);
            return Err(failure);
        }
        let refreshed = match self.service.sign_in.redeem_grant(&grant).await {
            Ok(refreshed) => refreshed,
            Err(error) => {
                let failure = failure_from_code_exchange(&error);
                if failure.kind == StepFailureKind::Retryable {
                    self.authorization_grant = Some(grant);
                } else {
                    grant.report_to_browser(&Err(Problem::from(error))).await;
                }
                return Err(failure);
            }
        };
        let Some(next) = refreshed.next else {
            return Err(permanent_failure("the provider sent no refresh token"));
        };
        let stored = self.write_slot(SecretSlot::Pending, &next.secret).await;
        if stored.is_ok() {
            self.store_access_token(&self.service.requests.new_cached_token(refreshed.access))
                .await;
        }
        let fingerprint = self.hold_refresh_token(next).await?;
        grant.report_to_browser(&Ok(())).await;
        Ok(StepOutcome::Created(CreatedSecret { fingerprint, remote: None }))
    }

    /// Starts a sign-in with the credential's own client, in the region of the plan.
    async fn begin_sign_in(&self) -> Result<PendingSignIn, Problem> {
        let credential = self.service.database.credential_by_id(&self.plan().credential).await?;
        self.service
            .sign_in
            .begin_for(Credential { region: self.plan().region.clone(), ..credential })
            .await
    }

    async fn await_sign_in(&self, pending: PendingSignIn, prompt: RotationPrompt) -> SignInOutcome {
        let (page, callback) = (pending.address().to_string(), pending.callback().clone());
        let wait = self.service.sign_in_timeout;
        let awaited =
            AwaitedCallback { callback, timeout: wait, until: self.service.clock.now() + wait };
        let prompt = RotationPrompt { page: Some(page), awaited_callback: Some(awaited), ..prompt };
        let sign_in = pending.authorization_request();
        let (sender, receiver) = oneshot::channel();
        let pasted = async {
            match receiver.await {
                Ok(address) => address,
                Err(_) => std::future::pending().await,
            }
        };
        let mut callback_result =
            std::pin::pin!(self.service.sign_in.await_callback(pending, pasted, wait));
        let reply = tokio::select! {
            biased;
            answered = &mut callback_result => return self.check_sign_in(answered).await,
            reply = self.await_reply(prompt, &sign_in) => reply,
        };
        match reply {
            // The task that waits for the address is still running.
            SignInReply::CallbackUrl(address) => {
                drop(sender.send(address));
                self.check_sign_in(callback_result.await).await
            }
            SignInReply::Decision(decision) => SignInOutcome::Decided(decision),
            SignInReply::NoReply => SignInOutcome::NoReply,
        }
    }

    /// Reads replies until one of them is usable.
    async fn await_reply(
        &self,
        mut prompt: RotationPrompt,
        sign_in: &AuthorizationRequest,
    ) -> SignInReply {
        let started = Instant::now();
        loop {
            if let Some(awaited) = &mut prompt.awaited_callback {
                awaited.timeout = self.service.sign_in_timeout.saturating_sub(started.elapsed());
            }
            match self.observer.prompter.decide(&prompt).await {
                None => return SignInReply::NoReply,
                Some(PromptReply::Decided(decision))
                    if prompt
                        .choices
                        .iter()
                        .any(|choice| choice_matches(&choice.decision, &decision)) =>
                {
                    return SignInReply::Decision(decision);
                }
                Some(PromptReply::Decided(_) | PromptReply::AuthorizedBy(_)) => {
                    prompt.message.detail = String::from("This answer is not available here.");
                }
                Some(PromptReply::Pasted(text)) => match sign_in.parse_pasted(&text) {
                    Ok(address) => return SignInReply::CallbackUrl(address),
                    Err(mismatch) => {
                        let Problem { why, remedy, .. } = state_mismatch_problem(mismatch);
                        prompt.message.detail = format!("{why}: {remedy}");
                    }
                },
            }
        }
    }

    /// Checks the result of a sign-in. A grant for another region is declined, because the plan
    /// does not cover such a session.
    async fn check_sign_in(
        &self,
        answered: Result<sign_in_flow::AnsweredSignIn, Problem>,
    ) -> SignInOutcome {
        let answered = match answered {
            Ok(answered) => answered,
            Err(Problem { what, why, .. }) => {
                return SignInOutcome::TimedOut(format!("{what}: {why}"));
            }
        };
        let grant = match self.service.sign_in.resolve_grant(answered).await {
            Ok(grant) => grant,
            Err(Problem { what, why, .. }) => {
                return SignInOutcome::Declined(format!("{what}: {why}"));
            }
        };
        if grant.region == self.plan().region {
            return SignInOutcome::Granted(Box::new(grant));
        }
        let why = format!(
            "the sign-in is for {}, but the credential belongs to {}",
            grant.region,
            self.plan().region
        );
        grant
            .report_to_browser(&Err(Problem::new(
                "Sign-in not accepted",
                why.clone(),
                "sign in to the same region",
            )))
            .await;
        SignInOutcome::Declined(why)
    }

    async fn record_declined(&mut self, failure: StepFailure) -> Result<PromptOutcome, Problem> {
        self.append_entry(JournalEntry::Failed(RotationStep::AwaitSignIn, failure)).await?;
        Ok(PromptOutcome::Recorded)
    }

    /// Stores the access token that came with the session, which verifies the session without using
    /// it up. If it is not stored, the session renews itself for the verification.
    async fn store_access_token(&self, session: &CachedAccessToken) {
        if let Err(problem) = self
            .service
            .requests
            .store_shared_access_token(&self.plan().credential, SecretSlot::Pending, session)
            .await
        {
            tracing::warn!(%problem, "the access token of the new session is not in the store");
        }
    }

    async fn hold_refresh_token(&mut self, next: RefreshToken) -> StepResult<SecretFingerprint> {
        let in_doubt = |failure| StepFailure { kind: StepFailureKind::OutcomeUnknown, ..failure };
        let fingerprint = self.fingerprint(&next.secret).await.map_err(in_doubt)?;
        self.held_secret = Some(HeldSecret {
            fingerprint: fingerprint.clone(),
            secret: next.secret,
            expires: self.service.requests.expiry_after(next.lifetime),
        });
        Ok(fingerprint)
    }
}

/// Classifies a failed code exchange. A code can be exchanged once, so a retry is allowed only
/// where the code was certainly not used.
fn failure_from_code_exchange(error: &TokenExchangeError) -> StepFailure {
    let kind = match error {
        TokenExchangeError::Net(NetError::NoConnection { .. })
        | TokenExchangeError::UnexpectedStatus { status: 429, .. } => {
            return retryable_failure(error.to_string());
        }
        TokenExchangeError::Net(NetError::OriginNotAllowed(_) | NetError::InvalidRequest(_)) => {
            StepFailureKind::Refused
        }
        TokenExchangeError::Net(_)
        | TokenExchangeError::OutcomeUnknown(_)
        | TokenExchangeError::UnexpectedStatus { .. }
        | TokenExchangeError::NoToken { .. } => StepFailureKind::OutcomeUnknown,
        _ => StepFailureKind::Refused,
    };
    StepFailure::new(kind, error.to_string())
}
