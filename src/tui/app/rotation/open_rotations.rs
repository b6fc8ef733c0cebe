//! Open rotations, as far as the screen knows them: which credentials wait for their rotation to be
//! resumed or for an answer.
//!
//! Every status that a task reports is recorded. Start at [`OpenRotations`].

use std::collections::HashMap;

use crate::domain::CredentialId;
use crate::domain::rotation::{RotationPhase, RotationStatus};

/// The open rotations by credential; a credential has at most one.
#[derive(Default)]
pub struct OpenRotations {
    by_credential: HashMap<CredentialId, OpenRotation>,
}

/// A rotation that has begun and not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenRotation {
    /// ID of the rotation.
    pub id: String,
    /// Name of the credential.
    pub name: String,
    /// Phase of the rotation.
    pub phase: RotationPhase,
    /// What happens next, as text.
    pub next: String,
    /// Whether this process is carrying out its steps right now.
    pub is_running: bool,
}

impl OpenRotations {
    /// Replaces what is known by the open rotations of the journal. What this process runs stays as
    /// it is.
    pub fn load(&mut self, open: &[RotationStatus]) {
        self.by_credential.retain(|_, rotation| rotation.is_running);
        for status in open {
            if !self.by_credential.contains_key(&status.credential) {
                self.record(status);
            }
        }
    }

    /// Records the status of a rotation that is not running: it is open, or it has ended.
    pub fn record(&mut self, status: &RotationStatus) {
        if !matches!(status.state, RotationPhase::Running | RotationPhase::NeedsUser) {
            self.by_credential.remove(&status.credential);
            return;
        }
        let rotation = OpenRotation {
            id: status.id.clone(),
            name: status.name.clone(),
            phase: status.state,
            next: status.next.clone(),
            is_running: false,
        };
        self.by_credential.insert(status.credential.clone(), rotation);
    }

    /// Records the current state of a rotation that this process runs.
    pub fn update(&mut self, credential: &CredentialId, rotation: OpenRotation) {
        self.by_credential.insert(credential.clone(), rotation);
    }

    /// Records that the process no longer runs the rotation, although it has not ended.
    pub fn set_stopped(&mut self, credential: &CredentialId) {
        if let Some(rotation) = self.by_credential.get_mut(credential) {
            rotation.is_running = false;
        }
    }

    /// Records that a credential has no open rotation.
    pub fn remove(&mut self, credential: &CredentialId) {
        self.by_credential.remove(credential);
    }

    /// Returns the rotation of a credential that waits to be resumed or for an answer.
    pub fn waiting(&self, credential: &CredentialId) -> Option<&OpenRotation> {
        self.by_credential.get(credential).filter(|rotation| !rotation.is_running)
    }

    /// Returns the credentials whose rotation waits.
    pub fn waiting_ids(&self) -> impl Iterator<Item = &CredentialId> {
        let waiting = self.by_credential.iter().filter(|(_, rotation)| !rotation.is_running);
        waiting.map(|(id, _)| id)
    }

    /// Returns all open rotations, sorted by the name of the credential.
    pub fn all(&self) -> Vec<&OpenRotation> {
        let mut all: Vec<_> = self.by_credential.values().collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }
}
