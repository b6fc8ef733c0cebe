//! Questions of a rotation, which go to the user through
//! [`UserPrompter`](crate::engine::prompt::UserPrompter), and the recording of the replies.
//!
//! Which question is due is decided in [`crate::domain::rotation`]. Start at
//! `RotationDriver::prompt_user`.

use super::administrator::failed_revocation_reason;
use super::driver::{HeldSecret, RotationDriver};
use super::strategies::failure_from_problem;
use crate::domain::credential::SecretSlot;
use crate::domain::identify::IdentificationCandidate;
use crate::domain::provider::spec::{MatchConfidence, SecretRole};
use crate::domain::provider::{AuthMethod, CredentialKind};
use crate::domain::rotation::{
    CreatedSecret, JournalEntry, NextStep, OldAccess, PromptKind, RemoteCredential, RollbackEffect,
    RotationPurpose, RotationStep, StepFailure, StepFailureKind, StepOutcome, UserDecision,
    UserPrompt, rollback_effect, waiting_line,
};
use crate::domain::{Problem, Secret};
use crate::engine::audit::AuditEvent;
use crate::engine::prompt::{PromptChoice, PromptMessage, PromptReply, RotationPrompt};

/// Page of a provider that names none for its credentials.
const WEB_APPLICATION_PAGE: &str = "{app}";

/// Whether a question was answered.
pub(super) enum PromptOutcome {
    /// The reply is in the journal.
    Recorded,
    /// The user did not reply.
    NoReply,
}

impl RotationDriver<'_> {
    /// Asks the user and records the reply.
    pub(super) async fn prompt_user(
        &mut self,
        user_prompt: UserPrompt,
    ) -> Result<PromptOutcome, Problem> {
        if user_prompt.kind == PromptKind::SignIn {
            return self.prompt_sign_in(user_prompt).await;
        }
        let accepts_paste = matches!(user_prompt.kind, PromptKind::PasteSecret { .. });
        let mut prompt = self.build_prompt(&user_prompt);
        prompt.failed_revocation = self.failed_revocation(&user_prompt).await;
        let next_step = NextStep::AskUser(user_prompt);
        waiting_line(self.plan(), &next_step).iter().for_each(self.observer.on_progress);
        if accepts_paste {
            self.append_entry(JournalEntry::Intent(RotationStep::AwaitPaste)).await?;
        }
        loop {
            match self.observer.prompter.decide(&prompt).await {
                None => return Ok(PromptOutcome::NoReply),
                Some(PromptReply::Decided(decision))
                    if prompt
                        .choices
                        .iter()
                        .any(|choice| choice_matches(&choice.decision, &decision)) =>
                {
                    return self.record_decision(decision).await;
                }
                Some(PromptReply::Decided(_)) => {
                    prompt.message.detail = String::from("This answer is not available here.");
                }
                Some(PromptReply::Pasted(secret)) if accepts_paste => {
                    match self.accept_paste(secret).await {
                        Ok(created) => {
                            self.append_entry(JournalEntry::Done(StepOutcome::Pasted(created)))
                                .await?;
                            return Ok(PromptOutcome::Recorded);
                        }
                        Err(failure) => return self.reject_paste(failure).await,
                    }
                }
                Some(PromptReply::Pasted(_)) => {
                    prompt.message.detail = String::from("No secret is expected here.");
                }
                Some(PromptReply::AuthorizedBy(id)) => {
                    match self.change_administrator(&prompt, &id).await {
                        Ok(entry) => {
                            self.append_entry(entry).await?;
                            return Ok(PromptOutcome::Recorded);
                        }
                        Err(problem) => {
                            prompt.message.detail = format!("{}: {}", problem.what, problem.why);
                        }
                    }
                }
            }
        }
    }

    /// Records why a pasted secret cannot be the new one, and lets the loop ask again. After any
    /// other failure, the secret may be in the slot already: the slot is examined before the next
    /// question.
    async fn reject_paste(&mut self, failure: StepFailure) -> Result<PromptOutcome, Problem> {
        let kind = if failure.kind == StepFailureKind::Refused {
            StepFailureKind::Refused
        } else {
            StepFailureKind::OutcomeUnknown
        };
        self.append_entry(JournalEntry::Failed(
            RotationStep::AwaitPaste,
            StepFailure { kind, ..failure },
        ))
        .await?;
        Ok(PromptOutcome::Recorded)
    }

    pub(super) async fn record_decision(
        &mut self,
        decision: UserDecision,
    ) -> Result<PromptOutcome, Problem> {
        let name = self.plan().name.to_string();
        if let UserDecision::Override(_) = &decision {
            let reason = format!("rotation {}; name typed to confirm", self.plan().rotation);
            self.service
                .audit
                .record(
                    AuditEvent::new("override", "done").for_credential(&name).with_reason(reason),
                )
                .await?;
        }
        self.append_entry(JournalEntry::UserDecision(decision)).await?;
        Ok(PromptOutcome::Recorded)
    }

    /// Accepts a pasted secret if it can be the new one. Every objection is raised before anything
    /// changes.
    async fn accept_paste(&mut self, pasted: Secret) -> Result<CreatedSecret, StepFailure> {
        let client = self.management_client().await?;
        let found = self
            .service
            .credentials
            .identify(&pasted)
            .map_err(|problem| permanent_failure(problem.why))?;
        check_identification(
            &found.candidates,
            &client.credential.provider,
            client.kind,
            &client.region.id,
        )?;
        let fingerprint = self.fingerprint(&found.secret).await?;
        if self.snapshot().is_some_and(|snapshot| snapshot.fingerprint == fingerprint) {
            return Err(permanent_failure("the pasted secret is the old one"));
        }
        self.check_not_stored_elsewhere(&found.secret).await?;
        self.write_slot(SecretSlot::Pending, &found.secret).await?;
        if matches!(client.kind.authorization, AuthMethod::RefreshToken { .. }) {
            return self.accept_pasted_session(client).await;
        }
        let remote = self.match_remote().await?;
        self.held_secret = Some(HeldSecret::new(fingerprint.clone(), found.secret));
        Ok(CreatedSecret { fingerprint, remote })
    }

    /// Rejects a pasted secret that another credential already stores: rotating one of the two later
    /// would revoke the secret of the other.
    async fn check_not_stored_elsewhere(&self, pasted: &Secret) -> Result<(), StepFailure> {
        let holders = self.service.credentials.find_duplicates(pasted).await;
        let holders = holders.map_err(|problem| failure_from_problem(&problem))?;
        match holders.iter().find(|name| **name != self.plan().name) {
            Some(other) => Err(permanent_failure(format!(
                "the pasted secret is already stored as {other}; create a new one"
            ))),
            None => Ok(()),
        }
    }

    /// Uses a pasted refresh token at once. Its successor is in the slot afterwards, with an access
    /// token for the verification.
    async fn accept_pasted_session(
        &self,
        client: super::strategies::ManagementClient<'_>,
    ) -> Result<CreatedSecret, StepFailure> {
        match client.probe_slot(SecretSlot::Pending).await? {
            super::probe::ProbeResult::Accepted(..) | super::probe::ProbeResult::Identified(_) => {}
            super::probe::ProbeResult::Refused(why) => {
                self.clear_slot(SecretSlot::Pending).await?;
                return Err(permanent_failure(format!(
                    "the provider refuses the pasted token: {why}"
                )));
            }
        }
        let fingerprint = self
            .fingerprint_of_slot(SecretSlot::Pending)
            .await?
            .ok_or_else(super::slots::secret_lost)?;
        Ok(CreatedSecret { fingerprint, remote: None })
    }

    pub(super) fn build_prompt(&self, user_prompt: &UserPrompt) -> RotationPrompt {
        let plan = self.plan();
        let page = match &user_prompt.kind {
            PromptKind::PasteSecret { page, .. }
            | PromptKind::RevokeManually { page, .. }
            | PromptKind::DeleteManually { page, .. } => page.as_deref(),
            _ => None,
        };
        let failed_revocation = failed_revocation_reason(user_prompt).is_some();
        let page = page.or_else(|| {
            failed_revocation.then(|| plan.page.as_deref().unwrap_or(WEB_APPLICATION_PAGE))
        });
        let region = self.service.catalog.region(&plan.provider, &plan.region).ok();
        let app = region.and_then(|region| region.app.as_ref()).map(ToString::to_string);
        let typed = user_prompt.kind.required_word();
        let override_choice = typed.clone().map(UserDecision::Override).into_iter();
        let choices = override_choice
            .chain(user_prompt.choices.iter().cloned())
            .map(|decision| PromptChoice { title: self.choice_title(&decision), decision });
        RotationPrompt {
            rotation: plan.rotation.to_string(),
            step: user_prompt.step.to_string(),
            page: page.zip(app).map(|(page, app)| page.replace("{app}", &app)),
            accepts_paste: matches!(
                user_prompt.kind,
                PromptKind::PasteSecret { .. } | PromptKind::SignIn
            ),
            awaited_callback: None,
            choices: choices.collect(),
            failed_revocation: None,
            message: PromptMessage {
                title: user_prompt.describe(),
                detail: self.prompt_detail(&user_prompt.kind),
                required_word: typed,
            },
        }
    }

    /// Returns what the user should know before replying.
    fn prompt_detail(&self, kind: &PromptKind) -> String {
        let mut notes = Vec::new();
        if let PromptKind::PasteSecret { .. } = kind {
            notes.extend(self.plan().warning());
            notes.extend(self.quota_warning());
        }
        if let Some(OldAccess::Unknown(why)) = self.snapshot().map(|snapshot| &snapshot.access) {
            notes.push(format!("The provider refuses the old secret ({why})."));
        }
        notes.join(" ")
    }

    /// Returns a warning where the provider limits the number of live secrets and the limit is
    /// reached.
    fn quota_warning(&self) -> Option<String> {
        let (limit, live) = (self.plan().max_live?, self.snapshot()?.remotes.len());
        let full = usize::try_from(limit).is_ok_and(|limit| limit > 1 && live >= limit);
        full.then(|| {
            format!(
                "{live} secrets exist and the provider allows {limit}: delete an unused one first."
            )
        })
    }

    fn choice_title(&self, decision: &UserDecision) -> String {
        match decision {
            UserDecision::Retry => "Try again".to_owned(),
            UserDecision::Skip(step) => {
                format!("Continue without this step: {}", self.plan().purpose.describe_step(step))
            }
            UserDecision::Override(_) => "Confirm by typing the name".to_owned(),
            UserDecision::SelectedOld(id) => self.describe_listed(id),
            UserDecision::NoneOfThese => "None of these".to_owned(),
            UserDecision::DeletedManually(what) => format!("I have deleted {what}"),
            UserDecision::RevokedManually => {
                format!("I have revoked {}", self.plan().purpose.secret_label())
            }
            UserDecision::CreateAnother => "Discard this secret and create another".to_owned(),
            UserDecision::RollBack => match (rollback_effect(&self.journal), self.plan().purpose) {
                (RollbackEffect::EndsRotation, RotationPurpose::Replace) => {
                    "End this rotation and keep the old secret".to_owned()
                }
                (RollbackEffect::EndsRotation, RotationPurpose::Create) => {
                    "End this creation".to_owned()
                }
                (RollbackEffect::EndsRotation, RotationPurpose::Revoke) => {
                    "End this revocation and keep the secret".to_owned()
                }
                _ => "Roll back".to_owned(),
            },
            UserDecision::Continue => "Continue instead of rolling back".to_owned(),
            UserDecision::Abandon => "End the rotation without changing anything".to_owned(),
        }
    }

    fn describe_listed(&self, id: &str) -> String {
        let known = self
            .snapshot()
            .and_then(|snapshot| snapshot.remotes.iter().find(|remote| remote.id == id));
        known.map_or_else(|| id.to_owned(), RemoteCredential::describe)
    }
}

/// Returns whether a reply belongs to a choice. A typed text may differ from the choice's; the
/// state machine judges it.
pub(super) fn choice_matches(choice: &UserDecision, reply: &UserDecision) -> bool {
    choice == reply
        || matches!((choice, reply), (UserDecision::Override(_), UserDecision::Override(_)))
}

/// Checks that a secret that identifies itself is of the right kind and region.
fn check_identification(
    candidates: &[IdentificationCandidate],
    provider: &str,
    kind: &CredentialKind,
    region: &str,
) -> Result<(), StepFailure> {
    let fitting = candidates.iter().find(|candidate| {
        candidate.provider == provider
            && candidate.kind == kind.id
            && candidate.secret_role == SecretRole::Secret
    });
    if let Some(incomplete) = candidates.iter().find(|candidate| candidate.is_incomplete) {
        return Err(permanent_failure(format!(
            "the pasted secret is incomplete: {}",
            incomplete.why
        )));
    }
    if let Some(claimed) = fitting
        .and_then(|candidate| candidate.region.as_deref())
        .filter(|claimed| *claimed != region)
    {
        return Err(permanent_failure(format!(
            "the pasted secret belongs to {claimed}, but the credential to {region}"
        )));
    }
    match candidates.first() {
        // A kind whose secrets are certain to be recognized accepts nothing that has the format of
        // another kind.
        Some(best)
            if fitting.is_none()
                && (best.confidence > MatchConfidence::Possible || has_certain_format(kind)) =>
        {
            Err(permanent_failure(format!(
                "the pasted secret is a {} of {}, not a {} of {provider}: {}",
                best.kind, best.provider, kind.id, best.why
            )))
        }
        _ => Ok(()),
    }
}

/// Whether every secret of the kind has a format that no other secret has.
fn has_certain_format(kind: &CredentialKind) -> bool {
    let mut rules = kind
        .recognition_rules
        .iter()
        .filter(|rule| rule.secret_role == SecretRole::Secret)
        .peekable();
    rules.peek().is_some() && rules.all(|rule| rule.confidence == MatchConfidence::Certain)
}

fn permanent_failure(why: impl Into<String>) -> StepFailure {
    super::slots::permanent_failure(why)
}
