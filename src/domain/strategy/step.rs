//! Steps of a rotation in both directions, with their stable IDs and their texts.
//!
//! IDs and serialized names are persisted and stay as they are; names in code and texts for display
//! may change. The order of the steps is defined in `rotation::purpose` (forward) and
//! `rotation::machine::rollback`.

use serde::{Deserialize, Serialize};

/// Step of a rotation. The only data in a step are consumer names and orphan keys.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RotationStep {
    /// Verify that the store writes and returns an item of the required size.
    #[serde(rename = "prove-store")]
    VerifyStore,
    /// Record identity and access of the old secret while it still works.
    Snapshot,
    /// Create the new secret at the provider.
    Create,
    /// Wait for the user to create the new secret and paste it.
    AwaitPaste,
    /// Wait for the user to sign in again in the browser. The resulting authorization code is
    /// exchanged for the new secret.
    AwaitSignIn,
    /// Store the new secret in the slot `pending`.
    #[serde(rename = "stash")]
    Stage,
    /// Use the new secret, read back from the store, at the provider.
    Verify,
    /// Make the new secret the current one; the old one moves to the slot `previous`.
    Promote,
    /// Deliver the new secret to a consumer.
    Deliver(String),
    /// Revoke the old secret at the provider.
    Revoke,
    /// Wait for the user to revoke the old secret.
    AwaitRevoke,
    /// Check that the old secret is rejected.
    #[serde(rename = "prove-dead")]
    VerifyRevoked,
    /// Empty the slots `pending` and `previous`.
    #[serde(rename = "forget")]
    ClearSlots,
    /// Delete a credential at the provider that was created and is not in use.
    #[serde(rename = "discard")]
    DeleteOrphan(String),
    /// Find credentials at the provider that carry this rotation's mark and that the journal does
    /// not know.
    #[serde(rename = "sweep")]
    FindOrphans,
    /// Rollback: check that the old secret still works.
    #[serde(rename = "prove-old")]
    VerifyOld,
    /// Rollback: make the old secret the current one again.
    #[serde(rename = "restore")]
    RestoreOld,
    /// Rollback: deliver the old secret to a consumer again.
    #[serde(rename = "redeliver")]
    RestoreConsumer(String),
}

impl RotationStep {
    /// Returns the ID of the step in JSON lines.
    pub const fn id(&self) -> &'static str {
        match self {
            Self::VerifyStore => "prove-store",
            Self::Snapshot => "snapshot",
            Self::Create => "create",
            Self::AwaitPaste => "await-paste",
            Self::AwaitSignIn => "await-sign-in",
            Self::Stage => "stash",
            Self::Verify => "verify",
            Self::Promote => "promote",
            Self::Deliver(_) => "deliver",
            Self::Revoke => "revoke",
            Self::AwaitRevoke => "await-revoke",
            Self::VerifyRevoked => "prove-dead",
            Self::ClearSlots => "forget",
            Self::DeleteOrphan(_) => "discard",
            Self::FindOrphans => "sweep",
            Self::VerifyOld => "prove-old",
            Self::RestoreOld => "restore",
            Self::RestoreConsumer(_) => "redeliver",
        }
    }

    /// Describes the step for display.
    pub fn describe(&self) -> String {
        let description = match self {
            Self::VerifyStore => "Verify that the store can write and read back",
            Self::Snapshot => "Record the old secret's identity and access",
            Self::Create => "Create the new secret at the provider",
            Self::AwaitPaste => "Wait for you to create and paste the new secret",
            Self::AwaitSignIn => "Wait for you to sign in again in the browser",
            Self::Stage => "Store the new secret",
            Self::Verify => "Verify the new secret at the provider",
            Self::Promote => "Make the new secret the current one",
            Self::Deliver(consumer) => return format!("Deliver the new secret to {consumer}"),
            Self::Revoke => "Revoke the old secret at the provider",
            Self::AwaitRevoke => "Wait for you to revoke the old secret",
            Self::VerifyRevoked => "Verify that the old secret is rejected",
            Self::ClearSlots => "Clean up temporary copies",
            Self::DeleteOrphan(key) => return format!("Delete {key} at the provider"),
            Self::FindOrphans => "Look for leftovers of this rotation at the provider",
            Self::VerifyOld => "Verify that the old secret still works",
            Self::RestoreOld => "Make the old secret the current one again",
            Self::RestoreConsumer(consumer) => {
                return format!("Deliver the old secret to {consumer} again");
            }
        };
        description.to_owned()
    }

    /// Returns whether executing the step twice has the same effect as once. Other steps are
    /// reconciled instead: no second secret is requested, and no revocation is assumed, before the
    /// provider was queried.
    pub const fn is_repeatable(&self) -> bool {
        !matches!(self, Self::Create | Self::AwaitPaste | Self::Revoke)
    }

    /// Returns whether the user may continue without the step.
    pub const fn is_skippable(&self) -> bool {
        matches!(
            self,
            Self::Create
                | Self::Deliver(_)
                | Self::VerifyRevoked
                | Self::DeleteOrphan(_)
                | Self::FindOrphans
                | Self::VerifyOld
                | Self::RestoreConsumer(_)
        )
    }

    /// Returns the task that is left for the user after the step was skipped.
    pub(in crate::domain) fn manual_follow_up(&self, object: &str) -> String {
        match self {
            Self::Create => {
                "Check the provider for an unused credential that this rotation created, and delete it"
                    .to_owned()
            }
            Self::Deliver(consumer) => {
                format!("{consumer} did not receive the new secret: update it manually")
            }
            Self::RestoreConsumer(consumer) => {
                format!("{consumer} may still hold the new secret, which was deleted: update it manually")
            }
            Self::VerifyRevoked => {
                format!("Check at the provider that {object} is revoked: its rejection was not verified")
            }
            Self::DeleteOrphan(key) => {
                format!("Delete {key} at the provider: it may still exist")
            }
            Self::FindOrphans => {
                "Check the provider for unused credentials that this rotation created, and delete them"
                    .to_owned()
            }
            Self::VerifyOld => {
                "Check the old secret before you rely on it: it was not verified".to_owned()
            }
            other => format!("Not done: {}", other.describe()),
        }
    }
}

impl std::fmt::Display for RotationStep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Deliver(object) | Self::RestoreConsumer(object) | Self::DeleteOrphan(object) => {
                write!(f, "{} {object}", self.id())
            }
            plain => f.write_str(plain.id()),
        }
    }
}
