//! What a rotation is for. Making a credential and revoking one are rotations of which a half is missing: the same
//! journal, the same machine, the same proofs.

use serde::{Deserialize, Serialize};

use super::step::RotationStep;
use super::strategy_traits::{SecretOverlap, StepActor, StrategyTraits};

/// What is to come of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RotationPurpose {
    /// Another secret in place of the old one. Older journals know nothing else.
    #[default]
    Replace,
    /// A credential that was not there before.
    Create,
    /// A secret that nothing takes the place of.
    Revoke,
}

impl RotationPurpose {
    /// The deed, as the audit trail calls it.
    pub const fn audit_verb(self) -> &'static str {
        match self {
            Self::Replace => "rotate",
            Self::Create => "create",
            Self::Revoke => "revoke",
        }
    }

    /// What is revoked, in words.
    pub(super) const fn secret_label(self) -> &'static str {
        match self {
            Self::Replace | Self::Create => "the old secret",
            Self::Revoke => "the secret",
        }
    }

    /// What a step does, in words.
    pub fn describe_step(self, step: &RotationStep) -> String {
        let words = match (self, step) {
            (Self::Create, RotationStep::Create) => "have the provider make it",
            (Self::Create, RotationStep::Promote) => "make the new secret the credential's own",
            (Self::Create, RotationStep::RestoreOld) => {
                "take the new secret from the credential again"
            }
            (Self::Revoke, RotationStep::Snapshot) => {
                "see whom it acts as and what it is at the provider"
            }
            (Self::Revoke, RotationStep::Revoke) => "have the provider revoke it",
            (Self::Revoke, RotationStep::AwaitRevoke) => "wait for it to be revoked by hand",
            (Self::Revoke, RotationStep::VerifyRevoked) => "show that it fails",
            _ => return step.describe(),
        };
        words.to_owned()
    }

    /// What stands at the end, in words.
    pub(super) const fn completion_text(self) -> &'static str {
        match self {
            Self::Replace => "the new secret has taken the old one's place",
            Self::Create => "it was made, proven and kept",
            Self::Revoke => "it is revoked",
        }
    }

    /// The steps, in order.
    pub(super) fn steps(
        self,
        ways: StrategyTraits,
        overlap: SecretOverlap,
        consumers: Vec<String>,
    ) -> Vec<RotationStep> {
        let mint = match ways.creator {
            StepActor::Program => vec![RotationStep::Create],
            StepActor::User => vec![RotationStep::AwaitPaste],
            StepActor::UserSignIn => vec![RotationStep::AwaitSignIn, RotationStep::Create],
        };
        let revoke = if ways.revoker == StepActor::User {
            RotationStep::AwaitRevoke
        } else {
            RotationStep::Revoke
        };
        match self {
            Self::Replace => {
                let mut steps = vec![RotationStep::VerifyStore, RotationStep::Snapshot];
                steps.extend(mint);
                steps.extend([RotationStep::Stage, RotationStep::Verify, RotationStep::Promote]);
                steps.extend(consumers.into_iter().map(RotationStep::Deliver));
                steps.extend((overlap == SecretOverlap::SideBySide).then_some(revoke));
                steps.extend([RotationStep::VerifyRevoked, RotationStep::ClearSlots]);
                steps
            }
            Self::Create => {
                let after = [
                    RotationStep::Stage,
                    RotationStep::Verify,
                    RotationStep::Promote,
                    RotationStep::ClearSlots,
                ];
                std::iter::once(RotationStep::VerifyStore).chain(mint).chain(after).collect()
            }
            Self::Revoke => vec![RotationStep::Snapshot, revoke, RotationStep::VerifyRevoked],
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
    fn the_three_are_told_apart() {
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
