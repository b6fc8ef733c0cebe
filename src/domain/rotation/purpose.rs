//! What a rotation is for. Making a credential and revoking one are rotations of which a half is missing: the same
//! journal, the same machine, the same proofs.

use serde::{Deserialize, Serialize};

use super::step::Step;
use super::strategy::{By, Overlap, Ways};

/// What is to come of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// Another secret in place of the old one. Older journals know nothing else.
    #[default]
    Replace,
    /// A credential that was not there before.
    Create,
    /// A secret that nothing takes the place of.
    Revoke,
}

impl Purpose {
    /// The deed, as the audit trail calls it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Replace => "rotate",
            Self::Create => "create",
            Self::Revoke => "revoke",
        }
    }

    /// What is revoked, in words.
    pub(super) const fn object(self) -> &'static str {
        match self {
            Self::Replace | Self::Create => "the old secret",
            Self::Revoke => "the secret",
        }
    }

    /// What a step does, in words.
    pub fn words(self, step: &Step) -> String {
        let words = match (self, step) {
            (Self::Create, Step::Create) => "have the provider make it",
            (Self::Create, Step::Promote) => "make the new secret the credential's own",
            (Self::Create, Step::Restore) => "take the new secret from the credential again",
            (Self::Revoke, Step::Snapshot) => "see whom it acts as and what it is at the provider",
            (Self::Revoke, Step::Revoke) => "have the provider revoke it",
            (Self::Revoke, Step::AwaitRevoke) => "wait for it to be revoked by hand",
            (Self::Revoke, Step::ProveDead) => "show that it fails",
            _ => return step.words(),
        };
        words.to_owned()
    }

    /// What stands at the end, in words.
    pub(super) const fn achieved(self) -> &'static str {
        match self {
            Self::Replace => "the new secret has taken the old one's place",
            Self::Create => "it was made, proven and kept",
            Self::Revoke => "it is revoked",
        }
    }

    /// The steps, in order.
    pub(super) fn steps(self, ways: Ways, overlap: Overlap, consumers: Vec<String>) -> Vec<Step> {
        let mint = match ways.mint {
            By::Program => vec![Step::Create],
            By::Person => vec![Step::AwaitPaste],
            By::SignIn => vec![Step::AwaitSignIn, Step::Create],
        };
        let revoke = if ways.revoke == By::Person { Step::AwaitRevoke } else { Step::Revoke };
        match self {
            Self::Replace => {
                let mut steps = vec![Step::ProveStore, Step::Snapshot];
                steps.extend(mint);
                steps.extend([Step::Stash, Step::Verify, Step::Promote]);
                steps.extend(consumers.into_iter().map(Step::Deliver));
                steps.extend((overlap == Overlap::SideBySide).then_some(revoke));
                steps.extend([Step::ProveDead, Step::Forget]);
                steps
            }
            Self::Create => {
                let after = [Step::Stash, Step::Verify, Step::Promote, Step::Forget];
                std::iter::once(Step::ProveStore).chain(mint).chain(after).collect()
            }
            Self::Revoke => vec![Step::Snapshot, revoke, Step::ProveDead],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_there_is_no_old_secret_or_no_new_one_no_words_speak_of_it() {
        let steps =
            [Step::Snapshot, Step::Create, Step::Promote, Step::Restore, Step::Revoke, Step::AwaitRevoke, Step::ProveDead];
        for step in &steps[1..4] {
            assert!(!Purpose::Create.words(step).contains("old"), "{step:?}");
            assert_ne!(Purpose::Create.words(step), Purpose::Replace.words(step), "{step:?}");
        }
        for step in [&steps[0], &steps[4], &steps[5], &steps[6]] {
            assert!(!Purpose::Revoke.words(step).contains("old"), "{step:?}");
            assert_ne!(Purpose::Revoke.words(step), Purpose::Replace.words(step), "{step:?}");
        }
        assert_eq!(Purpose::Revoke.words(&Step::Forget), Step::Forget.words());
    }

    #[test]
    fn the_three_are_told_apart() {
        let all = [Purpose::Replace, Purpose::Create, Purpose::Revoke];
        assert_eq!(all.map(Purpose::word), ["rotate", "create", "revoke"]);
        let achieved: std::collections::BTreeSet<_> = all.iter().map(|purpose| purpose.achieved()).collect();
        assert_eq!(achieved.len(), 3, "{achieved:?}");
        assert_eq!((Purpose::Revoke.object(), Purpose::Replace.object()), ("the secret", "the old secret"));
    }
}
