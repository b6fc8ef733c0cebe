//! Session of a store with a passphrase: for a limited time, other processes of this user open the
//! store without the passphrase.
//!
//! These are the types that commands and screen see. Start reading at [`StoreSession`]; how the key
//! of the encrypted file is held belongs to `file::session`.

use std::time::Duration;

use crate::domain::Timestamp;
use crate::domain::format::format_span;
use crate::store::StoreError;

/// How long a session lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionLimits {
    /// Time after which the session ends, used or not.
    pub maximum: Duration,
    /// Time without use after which the session ends.
    pub idle: Duration,
}

/// What holds the key of the store during a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionHolder {
    /// A process of its own, reached through a socket in the runtime folder.
    Agent,
    /// The user's keyring in the kernel, for machines without a runtime folder or where processes
    /// in the background are ended.
    KernelKeyring,
}

/// Session as its holder reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreSession {
    /// What holds the key.
    pub holder: SessionHolder,
    /// When the session started.
    pub since: Timestamp,
    /// When the session ends, used or not.
    pub until: Timestamp,
    /// Time without use after which the session ends.
    pub idle: Duration,
}

/// Whether a session is active.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionState {
    /// This store, or this system, has no sessions.
    NotOffered,
    /// No session is active.
    Inactive,
    /// A session is active.
    Active(StoreSession),
    /// Something is in the place of a session and cannot be used.
    Unusable(StoreError),
}

impl Default for SessionLimits {
    /// Returns a working day, and an hour without use.
    fn default() -> Self {
        Self { maximum: Duration::from_secs(8 * 3600), idle: Duration::from_secs(3600) }
    }
}

impl SessionHolder {
    /// All holders, in the order in which they are offered.
    pub const ALL: [Self; 2] = [Self::Agent, Self::KernelKeyring];

    /// Returns the word that selects the holder.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::KernelKeyring => "kernel-keyring",
        }
    }

    /// Returns the holder as the subject of a sentence.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Agent => "An agent",
            Self::KernelKeyring => "The kernel keyring",
        }
    }
}

impl StoreSession {
    /// Returns when the session ends: `until 2026-12-01 02:20 UTC, or after 1 h without use`.
    pub fn describe_end(&self) -> String {
        let span = |time: Duration| format_span(time::Duration::try_from(time).unwrap_or_default());
        let idle = match self.idle.as_secs() {
            seconds @ 0..60 => format!("{seconds} s"),
            _ => span(self.idle),
        };
        format!("until {}, or after {idle} without use", format_minute(self.until))
    }

    /// Returns when the session started and when it ends.
    pub fn describe(&self) -> String {
        format!("since {}, {}", format_minute(self.since), self.describe_end())
    }
}

fn format_minute(moment: Timestamp) -> String {
    let (date, time) = (moment.date(), moment.time());
    format!("{date} {:02}:{:02} UTC", time.hour(), time.minute())
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn a_session_tells_both_of_its_ends() {
        let session = |idle| StoreSession {
            holder: SessionHolder::Agent,
            since: datetime!(2026-11-30 18:20:59 UTC),
            until: datetime!(2026-12-01 02:05 UTC),
            idle: Duration::from_secs(idle),
        };
        assert_eq!(
            session(3600).describe(),
            "since 2026-11-30 18:20 UTC, until 2026-12-01 02:05 UTC, or after 1 h without use"
        );
        assert!(session(5).describe_end().ends_with("after 5 s without use"));
    }
}
