//! Purpose of a rotation: replace, create or revoke a secret.
//!
//! Creating and revoking are rotations with one half missing; they use the same journal, the same
//! machine and the same permits. Start with [`RotationPurpose::steps`], which lists the steps of
//! each purpose. Texts of single steps that do not depend on the purpose are in `step.rs`.

use serde::{Deserialize, Serialize};

use crate::domain::strategy::RotationStep;
use crate::domain::strategy::{SecretOverlap, StepActor, StrategyTraits};

/// Purpose of a rotation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RotationPurpose {
    /// Replace the old secret with a new one. Older journals know only this purpose.
    #[default]
    Replace,
    /// Create a credential that did not exist before.
    Create,
    /// Revoke a secret without a replacement.
    Revoke,
}

impl RotationPurpose {
    /// Returns the action name in the audit trail.
    pub const fn audit_verb(self) -> &'static str {
        match self {
            Self::Replace => "rotate",
            Self::Create => "create",
            Self::Revoke => "revoke",
        }
    }

    /// Returns the text for the secret that is revoked.
    pub const fn secret_label(self) -> &'static str {
        match self {
            Self::Replace | Self::Create => "the old secret",
            Self::Revoke => "the secret",
        }
    }

    /// Describes a step for display.
    pub fn describe_step(self, step: &RotationStep) -> String {
        let description = match (self, step) {
            (Self::Create, RotationStep::Create) => "Create the credential at the provider",
            (Self::Create, RotationStep::Promote) => "Assign the new secret to the credential",
            (Self::Create, RotationStep::RestoreOld) => "Remove the new secret from the credential",
            (Self::Revoke, RotationStep::Snapshot) => "Record the secret's identity and access",
            (Self::Revoke, RotationStep::Revoke) => "Revoke the secret at the provider",
            (Self::Revoke, RotationStep::AwaitRevoke) => "Wait for you to revoke the secret",
            (Self::Revoke, RotationStep::VerifyRevoked) => "Verify that the secret is rejected",
            _ => return step.describe(),
        };
        description.to_owned()
    }

    /// Returns the text for a successful end.
    pub(super) const fn completion_text(self) -> &'static str {
        match self {
            Self::Replace => "the new secret has replaced the old one",
            Self::Create => "the credential was created, verified and stored",
            Self::Revoke => "the secret was revoked",
        }
    }

    /// Returns the steps in order.
    pub(super) fn steps(
        self,
        traits: StrategyTraits,
        overlap: SecretOverlap,
        consumers: Vec<String>,
    ) -> Vec<RotationStep> {
        let creation = match traits.creator {
            StepActor::Program => vec![RotationStep::Create],
            StepActor::User => vec![RotationStep::AwaitPaste],
            StepActor::UserSignIn => vec![RotationStep::AwaitSignIn, RotationStep::Create],
        };
        let revocation = if traits.revoker == StepActor::User {
            RotationStep::AwaitRevoke
        } else {
            RotationStep::Revoke
        };
        match self {
            Self::Replace => {
                let mut steps = vec![RotationStep::VerifyStore, RotationStep::Snapshot];
                steps.extend(creation);
                steps.extend([RotationStep::Stage, RotationStep::Verify, RotationStep::Promote]);
                steps.extend(consumers.into_iter().map(RotationStep::Deliver));
                steps.extend((overlap == SecretOverlap::SideBySide).then_some(revocation));
                steps.extend([RotationStep::VerifyRevoked, RotationStep::ClearSlots]);
                steps
            }
            Self::Create => {
                let rest = [
                    RotationStep::Stage,
                    RotationStep::Verify,
                    RotationStep::Promote,
                    RotationStep::ClearSlots,
                ];
                std::iter::once(RotationStep::VerifyStore).chain(creation).chain(rest).collect()
            }
            Self::Revoke => vec![RotationStep::Snapshot, revocation, RotationStep::VerifyRevoked],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_there_is_no_old_secret_or_no_new_one_no_words_speak_of_it() {
        let steps = [
            RotationStep::Snapshot,
            RotationStep::Create,
            RotationStep::Promote,
            RotationStep::RestoreOld,
            RotationStep::Revoke,
            RotationStep::AwaitRevoke,
            RotationStep::VerifyRevoked,
        ];
        for step in &steps[1..4] {
            assert!(!RotationPurpose::Create.describe_step(step).contains("old"), "{step:?}");
            assert_ne!(
                RotationPurpose::Create.describe_step(step),
                RotationPurpose::Replace.describe_step(step),
                "{step:?}"
            );
        }
        for step in [&steps[0], &steps[4], &steps[5], &steps[6]] {
            assert!(!RotationPurpose::Revoke.describe_step(step).contains("old"), "{step:?}");
            assert_ne!(
                RotationPurpose::Revoke.describe_step(step),
                RotationPurpose::Replace.describe_step(step),
                "{step:?}"
            );
        }
        assert_eq!(
            RotationPurpose::Revoke.describe_step(&RotationStep::ClearSlots),
            RotationStep::ClearSlots.describe()
        );
    }

    #[test]
    fn the_three_are_distinguished() {
        let all = [RotationPurpose::Replace, RotationPurpose::Create, RotationPurpose::Revoke];
        assert_eq!(all.map(RotationPurpose::audit_verb), ["rotate", "create", "revoke"]);
        let achieved: std::collections::BTreeSet<_> =
            all.iter().map(|purpose| purpose.completion_text()).collect();
        assert_eq!(achieved.len(), 3, "{achieved:?}");
        assert_eq!(
            (RotationPurpose::Revoke.secret_label(), RotationPurpose::Replace.secret_label()),
            ("the secret", "the old secret")
        );
    }
}
