//! Prompts of the machine: when the user is needed, and which decisions are offered.
//!
//! [`UserPrompt::new`] collects the decisions that are allowed in the current state, and
//! [`UserPrompt::describe`] is the text that the user reads. The screen and the command line
//! present prompts elsewhere.

use super::permits::{RevocationPermit, RevocationTarget};
use super::state::{RepeatedFailure, RotationState};
use crate::domain::rotation::access_scope::ScopeComparison;
use crate::domain::rotation::journal::{StepFailureKind, UserDecision};
use crate::domain::rotation::plan::RotationPlan;
use crate::domain::rotation::purpose::RotationPurpose;
use crate::domain::rotation::remote_credential::RemoteCredential;
use crate::domain::strategy::RotationStep;

/// Question to the user.
#[derive(Debug, PartialEq, Eq)]
pub struct UserPrompt {
    /// The step that waits for the decision.
    pub step: RotationStep,
    /// The purpose of the rotation.
    pub purpose: RotationPurpose,
    /// What the user is asked for.
    pub kind: PromptKind,
    /// Decisions that are offered in addition to the input that the prompt itself asks for (a
    /// pasted secret, a typed name).
    pub choices: Vec<UserDecision>,
}

/// What the user is asked for.
#[derive(Debug, PartialEq, Eq)]
pub enum PromptKind {
    /// Create a new secret and paste it.
    PasteSecret {
        /// Instructions in the provider's words.
        instructions: String,
        /// Page on which the user does it; `{app}` stands for the region's web application.
        page: Option<String>,
        /// The name to give the new secret on that page.
        name: String,
        /// Why the user is asked, or asked again; `None` if the plan says so.
        why: Option<String>,
    },
    /// Sign in again in the browser.
    SignIn,
    /// Choose the old credential among these; the stored secret does not name it.
    SelectOld(Vec<RemoteCredential>),
    /// Type the name of the chosen credential to revoke it.
    ConfirmOld(RemoteCredential),
    /// Type the credential's name to use the new secret although its access differs.
    ConfirmOverride {
        /// How the access of the new secret compares with that of the old one.
        comparison: ScopeComparison,
        /// The text that the user has to type.
        typed: String,
    },
    /// Revoke the old secret on the provider's page.
    RevokeManually {
        /// Permit to revoke it.
        permit: RevocationPermit,
        /// Instructions in the provider's words.
        instructions: String,
        /// Page on which the user does it.
        page: Option<String>,
        /// Why the program does not revoke it; `None` if the plan says so.
        why: Option<String>,
    },
    /// Delete a credential on the provider's page.
    DeleteManually {
        /// Key under which the journal records the credential.
        key: String,
        /// The credential at the provider.
        target: RevocationTarget,
        /// Page on which the user does it.
        page: Option<String>,
    },
    /// Delete an unused credential: the provider allows no more of these.
    FreeQuota {
        /// How many the provider allows, if known.
        limit: Option<u32>,
        /// What the provider responded.
        why: String,
    },
    /// The old secret was revoked and still works; the reason as text.
    StillActive(String),
    /// A step cannot be executed; the reason as text.
    StepBlocked(String),
}

/// Builds the prompt for the failure of a step.
pub(super) fn failure_prompt(
    state: &RotationState<'_>,
    repeated: RepeatedFailure<'_>,
) -> UserPrompt {
    let why = repeated.failure.why.clone();
    let step = repeated.step;
    let kind = match (step, repeated.failure.kind) {
        (RotationStep::DeleteOrphan(key), _) => return deletion_prompt(state, key),
        (RotationStep::VerifyRevoked, StepFailureKind::Retryable) => PromptKind::StillActive(why),
        (RotationStep::Create, StepFailureKind::QuotaExceeded) => {
            PromptKind::FreeQuota { limit: state.plan.max_live, why }
        }
        _ => PromptKind::StepBlocked(why),
    };
    UserPrompt::new(state, step, kind)
}

/// Builds the prompt to create a new secret and paste it.
pub(super) fn paste_prompt(state: &RotationState<'_>) -> UserPrompt {
    let RotationPlan { instructions, page, .. } = state.plan;
    let why = state
        .creation_history
        .paste_reason
        .or(state.manual_fallback.create_reason)
        .map(str::to_owned);
    let name = state.plan.remote_name(state.creation_history.next_attempt_number());
    UserPrompt::new(
        state,
        &RotationStep::AwaitPaste,
        PromptKind::PasteSecret {
            instructions: instructions.clone(),
            page: page.clone(),
            name,
            why,
        },
    )
}

/// Builds the prompt to sign in again.
pub(super) fn sign_in_prompt(state: &RotationState<'_>) -> UserPrompt {
    UserPrompt::new(state, &RotationStep::AwaitSignIn, PromptKind::SignIn)
}

/// Builds the prompt to revoke the old secret manually.
pub(super) fn revocation_prompt(state: &RotationState<'_>, permit: RevocationPermit) -> UserPrompt {
    let RotationPlan { instructions, page, .. } = state.plan;
    let why = state.manual_fallback.revoke_reason.map(str::to_owned);
    UserPrompt::new(
        state,
        &RotationStep::AwaitRevoke,
        PromptKind::RevokeManually {
            permit,
            instructions: instructions.clone(),
            page: page.clone(),
            why,
        },
    )
}

/// Builds the prompt to delete an orphan manually.
pub(super) fn deletion_prompt(state: &RotationState<'_>, key: &str) -> UserPrompt {
    let known = state
        .creation_history
        .orphans
        .iter()
        .find(|(other, _)| other == key)
        .map(|(_, target)| target.clone());
    let target = known
        .or_else(|| state.new_secret.as_ref().and_then(|new| state.deletion_target(new)))
        .unwrap_or(RevocationTarget::Unknown);
    let step = RotationStep::DeleteOrphan(key.to_owned());
    UserPrompt::new(
        state,
        &step,
        PromptKind::DeleteManually { key: key.to_owned(), target, page: state.plan.page.clone() },
    )
}

impl UserPrompt {
    /// Creates a prompt with the decisions that are allowed in the current state.
    pub(super) fn new(state: &RotationState<'_>, step: &RotationStep, kind: PromptKind) -> Self {
        let mut choices = kind.specific_choices();
        let can_retry = !matches!(
            kind,
            PromptKind::SelectOld(_)
                | PromptKind::ConfirmOld(_)
                | PromptKind::ConfirmOverride { .. }
                | PromptKind::PasteSecret { why: None, .. }
                | PromptKind::SignIn
        );
        choices.extend(can_retry.then_some(UserDecision::Retry));
        choices.extend(state.can_skip(step).then(|| UserDecision::Skip(step.clone())));
        choices.extend(state.can_create_another().then_some(UserDecision::CreateAnother));
        choices.extend((*step == RotationStep::VerifyOld).then_some(UserDecision::Continue));
        choices.extend(
            (!state.is_rolling_back() && state.rollback_blocker().is_none())
                .then_some(UserDecision::RollBack),
        );
        Self { step: step.clone(), purpose: state.plan.purpose, kind, choices }
    }

    /// Returns the text of the prompt.
    pub fn describe(&self) -> String {
        let object = self.purpose.secret_label();
        match &self.kind {
            PromptKind::PasteSecret { instructions, why, name, .. } => {
                format!(
                    "{}Create a new secret, name it {name} if the provider asks for a name, and paste it here. {instructions}",
                    reason_prefix(why.as_deref())
                )
                .trim_end()
                .to_owned()
            }
            PromptKind::SignIn => {
                "Sign in again in the browser, as the same user as before".to_owned()
            }
            PromptKind::SelectOld(_) => {
                "The stored secret does not say which credential it belongs to. Select the old \
                 credential; it will be revoked"
                    .to_owned()
            }
            PromptKind::ConfirmOld(remote) => {
                format!("Type \"{}\" to revoke {}", remote.label, remote.describe())
            }
            PromptKind::ConfirmOverride { comparison, typed } => {
                format!("{comparison}. Type \"{typed}\" to use it anyway")
            }
            PromptKind::RevokeManually { instructions, why, .. } => {
                let refusal = why.as_deref().map(|why| {
                    format!("The provider refused the revocation ({}). ", without_period(why))
                });
                format!(
                    "{}Revoke {object} on the provider's page. {instructions}",
                    refusal.unwrap_or_default()
                )
                .trim_end()
                .to_owned()
            }
            PromptKind::DeleteManually { key, target, .. } => match target {
                RevocationTarget::ById(remote) => {
                    format!("Delete {} at the provider: it is not in use", remote.name_and_id())
                }
                RevocationTarget::ByValue(_) => {
                    format!("Delete {key} at the provider: it is not in use")
                }
                RevocationTarget::Unknown => {
                    format!(
                        "Delete {key} at the provider if it exists and this rotation created it; tokenring cannot identify it"
                    )
                }
            },
            PromptKind::FreeQuota { limit: Some(limit), why } => {
                format!(
                    "The provider allows {limit} of these at a time ({why}): delete an unused one"
                )
            }
            PromptKind::FreeQuota { limit: None, why } => {
                format!(
                    "The provider allows no more of these ({why}): delete an unused one"
                )
            }
            PromptKind::StillActive(why) => {
                format!(
                    "It was not verified that {object} is rejected after the revocation ({why}): keep checking, or resolve it with the provider"
                )
            }
            PromptKind::StepBlocked(why) => {
                format!("Step failed ({why}): {}", self.purpose.describe_step(&self.step))
            }
        }
    }
}

impl PromptKind {
    /// Returns the word that the user has to type, if the prompt asks for one.
    pub fn required_word(&self) -> Option<String> {
        match self {
            Self::ConfirmOverride { typed, .. } => Some(typed.clone()),
            Self::ConfirmOld(remote) => Some(remote.label.clone()),
            _ => None,
        }
    }

    fn specific_choices(&self) -> Vec<UserDecision> {
        match self {
            Self::SelectOld(among) => {
                let choices = among.iter().map(|one| UserDecision::SelectedOld(one.id.clone()));
                choices.chain([UserDecision::NoneOfThese]).collect()
            }
            Self::ConfirmOld(_) => vec![UserDecision::NoneOfThese],
            Self::RevokeManually { .. } => vec![UserDecision::RevokedManually],
            Self::DeleteManually { key, .. } => vec![UserDecision::DeletedManually(key.clone())],
            _ => Vec::new(),
        }
    }
}

fn reason_prefix(why: Option<&str>) -> String {
    why.map(|why| format!("Reason: {}. ", without_period(why))).unwrap_or_default()
}

/// Returns the reason without a final period, for use inside a sentence.
fn without_period(why: &str) -> &str {
    why.trim_end_matches('.')
}
