//! Errors of the secret stores and their remedies.
//!
//! [`StoreError`] is the error of every store call; its conversion into a [`Problem`] adds the text
//! for the user. Start reading there. Errors of the database belong to `index`.

use std::borrow::Cow;
use std::time::Duration;

use super::find_backend;
use crate::domain::StoreKind;
use crate::domain::problem::{Problem, ProblemClass};

/// Error of a store call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The store must be unlocked first. This does not say whether the item exists.
    #[error("the store is locked")]
    Locked,
    /// The store is open, but asks the user before it gives an item to this process.
    #[error("the keyring asks before it gives a secret to tokenring")]
    AccessUnconfirmed,
    /// The prompt that unlocks the store was dismissed.
    #[error("the prompt of the keyring was dismissed")]
    PromptDismissed,
    /// The store cannot show the prompt that unlocks it.
    #[error("the keyring cannot show its prompt")]
    NoPrompt,
    /// The store has no collection for new items.
    #[error("the keyring has no collection for secrets: {0}")]
    NoCollection(String),
    /// The store rejected the form of a call: it cannot hold such an item.
    #[error("the keyring refused an argument: {0}")]
    InvalidArgument(String),
    /// The store does not exist yet; unlocking it with a new passphrase creates it.
    #[error("the store does not exist yet")]
    NotInitialized,
    /// The store has no such item.
    #[error("the store does not contain this secret")]
    NotFound,
    /// The store refused the call (a dismissed prompt, a wrong passphrase, missing permissions).
    #[error("the store refused access: {0}")]
    Denied(String),
    /// The new passphrase is too easy to guess.
    #[error("the passphrase is too easy to guess")]
    WeakPassphrase,
    /// A file with a passphrase or key, which the user named, is missing, empty or too large.
    #[error("{0}")]
    UnusableFile(String),
    /// The store cannot be reached or is not set up.
    #[error("the store is not available: {0}")]
    Unavailable(String),
    /// The store reported success, but the result does not match.
    #[error("the store did not return what was written: {0}")]
    ReadBackMismatch(String),
    /// The item is larger than the backend's limit.
    #[error("the secret has {size} bytes, but the store accepts at most {limit} bytes")]
    TooLarge {
        /// The item's size in bytes.
        size: usize,
        /// The backend's limit in bytes.
        limit: usize,
    },
    /// The store did not respond within the deadline. The next call on the same key shows the
    /// result of a change that timed out.
    #[error("the store did not respond within {} s", .0.as_secs())]
    TimedOut(Duration),
    /// More than one item has this key, so the requested item is ambiguous.
    #[error("the store contains {0} items under one key")]
    Ambiguous(usize),
    /// The contents of the store are damaged or have a newer format.
    #[error("the store is damaged: {0}")]
    Damaged(String),
    /// A file that must be private to the user is not, or a link or folder is in its place.
    #[error("the file is not private: {0}")]
    InsecureFile(String),
    /// The store cannot be kept unlocked for other processes, or what keeps it unlocked cannot be
    /// used.
    #[error("the session of the store cannot be used: {0}")]
    Session(String),
    /// The disk or the folder's permissions prevented the call; the previous contents are
    /// unchanged.
    #[error("disk error: {0}")]
    DiskError(String),
}

impl StoreError {
    /// Whether the user can unlock the store, or can create it by unlocking it.
    pub fn needs_unlock(&self) -> bool {
        matches!(
            self,
            Self::Locked
                | Self::AccessUnconfirmed
                | Self::PromptDismissed
                | Self::NotInitialized
                | Self::Denied(_)
        )
    }

    /// Returns the cause, without repeating the title.
    fn reason(&self) -> String {
        match self {
            Self::Locked => {
                "secrets cannot be read or changed until the store is unlocked".to_owned()
            }
            Self::AccessUnconfirmed => {
                "it is open, but asks you before it gives a secret to a program".to_owned()
            }
            Self::PromptDismissed => "the keyring is still locked".to_owned(),
            Self::NoPrompt => {
                "no program of this session shows its prompts, and it is locked".to_owned()
            }
            Self::NotInitialized => "no passphrase has been chosen for the store".to_owned(),
            Self::NotFound => {
                "the secret was removed from the store, or it was saved in another store".to_owned()
            }
            Self::WeakPassphrase => {
                "an attacker who gets the file would find it by trying".to_owned()
            }
            Self::NoCollection(why)
            | Self::InvalidArgument(why)
            | Self::Denied(why)
            | Self::UnusableFile(why)
            | Self::Unavailable(why)
            | Self::ReadBackMismatch(why)
            | Self::Damaged(why)
            | Self::InsecureFile(why)
            | Self::Session(why)
            | Self::DiskError(why) => why.clone(),
            Self::TimedOut(wait) => format!("no response within {} s", wait.as_secs()),
            Self::TooLarge { .. } | Self::Ambiguous(_) => self.to_string(),
        }
    }

    /// Returns the title for the user.
    const fn title(&self) -> &'static str {
        match self {
            Self::Locked => "The store is locked",
            Self::AccessUnconfirmed => "The keyring has not allowed access",
            Self::PromptDismissed => "The prompt of the keyring was dismissed",
            Self::NoPrompt => "The keyring cannot show its prompt",
            Self::NoCollection(_) => "The keyring has no collection for secrets",
            Self::InvalidArgument(_) => "The keyring cannot store the item",
            Self::NotInitialized => "The store does not exist yet",
            Self::NotFound => "The secret is not in the store",
            Self::Denied(_) => "The store refused access",
            Self::WeakPassphrase => "The passphrase is too easy to guess",
            Self::UnusableFile(_) => "The passphrase file cannot be used",
            Self::Unavailable(_) => "The store is not available",
            Self::ReadBackMismatch(_) => "The store did not return what was written",
            Self::TooLarge { .. } => "The secret is too large for the store",
            Self::TimedOut(_) => "The store does not respond",
            Self::Ambiguous(_) => "The store has duplicate items",
            Self::Damaged(_) => "The store is damaged",
            Self::InsecureFile(_) => "The file is not private",
            Self::Session(_) => "The store cannot be kept unlocked",
            Self::DiskError(_) => "The store cannot read or write its file",
        }
    }

    /// Returns the remedy for the user. The store that works on every machine and accepts the
    /// largest items is the encrypted file.
    fn remedy(&self) -> Cow<'static, str> {
        let file = find_backend(StoreKind::File).info;
        let (title, variable) = (file.title, format!("`TOKENRING_STORE={}`", file.kind.as_str()));
        let remedy = match self {
            Self::Unavailable(_) => {
                return format!("start your keyring, or use the {title} with {variable}").into();
            }
            Self::ReadBackMismatch(_) => {
                return format!(
                    "check your keyring before you store secrets in it, or use the {title} ({variable})"
                )
                .into();
            }
            Self::TooLarge { .. } => {
                return format!(
                    "use the {title} ({variable}), which accepts secrets of up to {} MiB",
                    file.item_limit >> 20
                )
                .into();
            }
            Self::NoPrompt => {
                return format!(
                    "unlock the keyring on its desktop; on a machine without a desktop, use the {title} ({variable})"
                )
                .into();
            }
            Self::InvalidArgument(_) => {
                return format!(
                    "use another keyring program, or the {title} ({variable}); this keyring does not accept such items"
                )
                .into();
            }
            Self::Locked => {
                "press u on the screen, run `tokenring store unlock`, or unlock the store in your desktop's keyring program; then try again"
            }
            Self::AccessUnconfirmed => {
                "press u on the screen and allow it; commands work after you turn off the confirmation in the keyring program (KeePassXC: Settings, Secret Service Integration)"
            }
            Self::PromptDismissed => {
                "press u on the screen or run `tokenring store unlock` again, and enter the password of the keyring"
            }
            Self::NoCollection(_) => {
                "create a default keyring in your keyring program (KeePassXC: expose a group of the database), or name an existing one with `keyring_collection` in config.toml"
            }
            Self::NotInitialized => {
                "press u on the screen or run `tokenring store unlock`, and choose a passphrase"
            }
            Self::NotFound => {
                "add the secret again with `tokenring edit NAME --secret`, or delete the credential from tokenring"
            }
            Self::Denied(_) => {
                "enter the right passphrase, or allow tokenring in the prompt of the keyring"
            }
            Self::UnusableFile(_) => {
                "name a file that contains only the passphrase, with mode 0600"
            }
            Self::WeakPassphrase => {
                "use six random words (press Enter at the prompt of `tokenring store unlock` to generate them), or 16 random characters"
            }
            Self::TimedOut(_) => {
                "look for a prompt of the keyring on your desktop and answer it, wait for another running tokenring, or restart the keyring"
            }
            Self::Ambiguous(_) => "remove the extra item with your keyring program",
            Self::Damaged(_) => "restore the file from a backup; nothing was changed",
            Self::InsecureFile(_) => {
                "check who could have read or replaced the file, then run `chmod 600` on the file and `chmod 700` on its folder"
            }
            Self::DiskError(_) => {
                "free disk space or fix the permissions of the folder; the existing file is unchanged"
            }
            Self::Session(_) => {
                "run `tokenring store lock` and `tokenring store unlock` again, or add `--in kernel-keyring`; without this, each command asks for the passphrase"
            }
        };
        remedy.into()
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let class = if error == StoreError::NotFound {
            ProblemClass::NotFound
        } else {
            ProblemClass::Store
        };
        Self::new(error.title(), error.reason(), error.remedy()).with_class(class)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_says_more_than_what_happened() {
        let why = || "a specific reason".to_owned();
        for error in [
            StoreError::Locked,
            StoreError::AccessUnconfirmed,
            StoreError::PromptDismissed,
            StoreError::NoPrompt,
            StoreError::NoCollection(why()),
            StoreError::InvalidArgument(why()),
            StoreError::NotInitialized,
            StoreError::NotFound,
            StoreError::Denied(why()),
            StoreError::UnusableFile(why()),
            StoreError::WeakPassphrase,
            StoreError::Unavailable(why()),
            StoreError::ReadBackMismatch(why()),
            StoreError::TooLarge { size: 3, limit: 2 },
            StoreError::TimedOut(Duration::from_secs(5)),
            StoreError::Ambiguous(2),
            StoreError::Damaged(why()),
            StoreError::InsecureFile(why()),
            StoreError::Session(why()),
            StoreError::DiskError(why()),
        ] {
            let problem = Problem::from(error);
            let title = problem.what.to_lowercase();
            assert!(
                !problem.why.to_lowercase().starts_with(title.trim_end_matches(" yet")),
                "{problem}"
            );
            assert!(!problem.why.is_empty() && !problem.remedy.is_empty(), "{problem}");
        }
        for error in [StoreError::Locked, StoreError::PromptDismissed, StoreError::NotInitialized] {
            let remedy = Problem::from(error).remedy;
            assert!(
                remedy.contains("press u") && remedy.contains("`tokenring store unlock`"),
                "{remedy}"
            );
        }
    }
}
