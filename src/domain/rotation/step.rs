//! The steps of a rotation, forward and back.

use serde::{Deserialize, Serialize};

/// One step. Names of consumers and keys of strays are the only things that a step holds.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RotationStep {
    /// Show that the store takes and gives back an item of the needed size.
    #[serde(rename = "prove-store")]
    VerifyStore,
    /// See what the old secret can do while it still can.
    Snapshot,
    /// Have the provider make the new secret.
    Create,
    /// Have a person make the new secret and paste it.
    AwaitPaste,
    /// Have a person sign in again in the browser. What comes of it is a code that the provider changes for the new secret.
    AwaitSignIn,
    /// Keep the new secret in the slot `pending`.
    #[serde(rename = "stash")]
    Stage,
    /// Use the new secret, read back from the store.
    Verify,
    /// Make the new secret the current one; the old one goes to the slot `previous`.
    Promote,
    /// Hand the new secret to a consumer.
    Deliver(String),
    /// Have the provider revoke the old secret.
    Revoke,
    /// Have a person revoke the old secret.
    AwaitRevoke,
    /// Show that the old secret fails.
    #[serde(rename = "prove-dead")]
    VerifyRevoked,
    /// Empty the slots `pending` and `previous`.
    #[serde(rename = "forget")]
    ClearSlots,
    /// Remove something at the provider that was made and is of no use.
    #[serde(rename = "discard")]
    DeleteOrphan(String),
    /// Look for things at the provider that carry this rotation's mark and nobody knows of.
    #[serde(rename = "sweep")]
    FindOrphans,
    /// On the way back: show that the old secret still works.
    #[serde(rename = "prove-old")]
    VerifyOld,
    /// On the way back: make the old secret the current one again.
    #[serde(rename = "restore")]
    RestoreOld,
    /// On the way back: hand the old secret to a consumer again.
    #[serde(rename = "redeliver")]
    RestoreConsumer(String),
}

impl RotationStep {
    /// The step's id, as it stands in JSON lines.
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

    /// What the step does, in words.
    pub fn describe(&self) -> String {
        let words = match self {
            Self::VerifyStore => "show that the store keeps what it is given",
            Self::Snapshot => "see whom the old secret acts as and what it reaches",
            Self::Create => "have the provider make the new secret",
            Self::AwaitPaste => "wait for the new secret to be made and pasted",
            Self::AwaitSignIn => "have a person sign in again in the browser",
            Self::Stage => "keep the new secret in the store",
            Self::Verify => "use the new secret, read back from the store",
            Self::Promote => "make the new secret the current one",
            Self::Deliver(consumer) => return format!("hand the new secret to {consumer}"),
            Self::Revoke => "have the provider revoke the old secret",
            Self::AwaitRevoke => "wait for the old secret to be revoked by hand",
            Self::VerifyRevoked => "show that the old secret fails",
            Self::ClearSlots => "forget all secrets of this rotation but the current one",
            Self::DeleteOrphan(what) => return format!("remove {what} at the provider"),
            Self::FindOrphans => "look for anything that this rotation left at the provider",
            Self::VerifyOld => "show that the old secret still works",
            Self::RestoreOld => "make the old secret the current one again",
            Self::RestoreConsumer(consumer) => {
                return format!("hand the old secret to {consumer} again");
            }
        };
        words.to_owned()
    }

    /// Whether doing it twice does what doing it once does. What is not repeatable is reconciled instead: nobody asks
    /// for a second secret, or believes in a revocation, without having looked.
    pub const fn is_repeatable(&self) -> bool {
        !matches!(self, Self::Create | Self::AwaitPaste | Self::Revoke)
    }

    /// Whether a person may choose to go on without it.
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

    /// What is left for a person to do where the step was skipped.
    pub(super) fn manual_follow_up(&self, object: &str) -> String {
        match self {
            Self::Create => {
                "look for a new credential with this rotation's mark at the provider, and delete it"
                    .to_owned()
            }
            Self::Deliver(consumer) => {
                format!("{consumer} was not given the new secret: update it by hand")
            }
            Self::RestoreConsumer(consumer) => {
                format!("{consumer} may hold the new secret, which is gone: update it by hand")
            }
            Self::VerifyRevoked => {
                format!("{object} was not seen to fail: check at the provider that it is revoked")
            }
            Self::DeleteOrphan(what) => {
                format!("{what} may still live at the provider: delete it there")
            }
            Self::FindOrphans => {
                "look at the provider for anything with this rotation's mark, and delete it"
                    .to_owned()
            }
            Self::VerifyOld => {
                "the old secret was not seen to work: check it before you rely on it".to_owned()
            }
            other => format!("this was not done: {}", other.describe()),
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
