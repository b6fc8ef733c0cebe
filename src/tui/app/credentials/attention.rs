//! Reasons why a credential needs attention, and the command that helps with each.
//!
//! Status and expiry are properties of a credential; the rest, such as a waiting rotation, is known
//! to other parts of the screen and collected by [`collect_alerts`]. Start at [`AttentionReason`].

use std::collections::{BTreeMap, HashMap};

use crate::domain::consumer::Consumer;
use crate::domain::{Credential, CredentialId, CredentialStatus, Timestamp};
use crate::tui::app::command::{CommandAction, ConsoleAction, CredentialAction, ProgramAction};
use crate::tui::app::{App, display_format};

/// Why a credential needs attention, the most urgent first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AttentionReason {
    /// The provider refused it.
    Refused,
    /// Its expiry date has passed.
    Expired,
    /// It expires in this number of days.
    ExpiresSoon(i64),
    /// Its rotation waits to be resumed or for an answer.
    RotationWaits,
    /// Its secret was found in this number of files.
    PlainCopies(usize),
    /// This number of consumers has an older secret.
    ConsumersOutdated(usize),
}

/// What the screen knows about a credential beyond its own properties.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CredentialAlerts {
    /// Whether its rotation waits.
    pub rotation_waits: bool,
    /// Number of plain-text copies that the latest scan found.
    pub plain_copies: usize,
    /// Number of consumers with an older secret.
    pub outdated_consumers: usize,
}

/// Results of the scan and of the deliveries, by credential.
#[derive(Default)]
pub struct AttentionFacts {
    plain_copies: HashMap<CredentialId, usize>,
    outdated_consumers: BTreeMap<CredentialId, Vec<Consumer>>,
}

impl AttentionReason {
    /// Returns the most urgent reason of a credential.
    pub fn for_credential(
        credential: &Credential,
        alerts: CredentialAlerts,
        now: Timestamp,
    ) -> Option<Self> {
        let soon = display_format::days_left(credential, now)
            .filter(|days| (0..display_format::EXPIRING_DAYS).contains(days));
        match CredentialStatus::for_credential(credential, now) {
            CredentialStatus::Refused => Some(Self::Refused),
            CredentialStatus::Expired => Some(Self::Expired),
            _ if soon.is_some() => soon.map(Self::ExpiresSoon),
            _ if alerts.rotation_waits => Some(Self::RotationWaits),
            _ if alerts.plain_copies > 0 => Some(Self::PlainCopies(alerts.plain_copies)),
            _ if alerts.outdated_consumers > 0 => {
                Some(Self::ConsumersOutdated(alerts.outdated_consumers))
            }
            _ => None,
        }
    }

    /// Returns the command that helps.
    pub const fn remedy(self) -> CommandAction {
        match self {
            Self::Refused => CommandAction::Console(ConsoleAction::Explain),
            Self::Expired | Self::ExpiresSoon(_) | Self::RotationWaits => {
                CommandAction::Credential(CredentialAction::Rotate)
            }
            Self::PlainCopies(_) => CommandAction::Program(ProgramAction::Scan),
            Self::ConsumersOutdated(_) => CommandAction::Credential(CredentialAction::Deliver),
        }
    }

    /// Describes the reason, or what its command does, in at most eight columns.
    pub fn short_text(self) -> String {
        match self {
            Self::Refused => "explain".to_owned(),
            Self::Expired => "rotate".to_owned(),
            Self::ExpiresSoon(days) => display_format::format_days_left(days),
            Self::RotationWaits => "resume".to_owned(),
            Self::PlainCopies(1) => "1 copy".to_owned(),
            Self::PlainCopies(count @ 2..10) => format!("{count} copies"),
            Self::PlainCopies(_) => "copies".to_owned(),
            Self::ConsumersOutdated(_) => "deliver".to_owned(),
        }
    }
}

impl AttentionFacts {
    /// Records what a scan found: the number of plain-text copies by credential.
    pub fn set_plain_copies(&mut self, copies: HashMap<CredentialId, usize>) {
        self.plain_copies = copies;
    }

    /// Discards the copies of a secret that was replaced.
    pub fn forget_plain_copies(&mut self, id: &CredentialId) {
        self.plain_copies.remove(id);
    }

    /// Records which consumers have an older secret than their credential.
    pub fn set_outdated_consumers(&mut self, consumers: Vec<Consumer>) {
        self.outdated_consumers.clear();
        for consumer in consumers {
            self.outdated_consumers.entry(consumer.credential.clone()).or_default().push(consumer);
        }
    }

    /// Returns the consumers of a credential that have an older secret.
    pub fn outdated_consumers(&self, id: &CredentialId) -> &[Consumer] {
        self.outdated_consumers.get(id).map_or(&[], Vec::as_slice)
    }
}

/// Collects what the screen knows about the credentials beyond their properties.
pub fn collect_alerts(app: &App) -> HashMap<CredentialId, CredentialAlerts> {
    let mut alerts: HashMap<CredentialId, CredentialAlerts> = HashMap::new();
    for id in app.open_rotations.waiting_ids() {
        alerts.entry(id.clone()).or_default().rotation_waits = true;
    }
    for (id, consumers) in &app.attention.outdated_consumers {
        alerts.entry(id.clone()).or_default().outdated_consumers = consumers.len();
    }
    for (id, count) in &app.attention.plain_copies {
        alerts.entry(id.clone()).or_default().plain_copies = *count;
    }
    alerts
}

/// Returns why the selected credential needs attention.
pub fn selected_reason(app: &App, now: Timestamp) -> Option<AttentionReason> {
    app.selected().and_then(|credential| app.credentials.attention(credential, now))
}
