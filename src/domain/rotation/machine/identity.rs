//! Identity in a rotation: which credential at the provider the old secret and the new one belong
//! to, and how certain that is.
//!
//! Only what the secret itself names counts as certain; a list may contain what another user
//! created. Start at `RotationState::confirmed_old` and `RotationState::scope_comparison`.

use super::permits::RevocationTarget;
use super::state::{NewSecret, RotationState, SecretOrigin};
use crate::domain::credential::SecretSlot;
use crate::domain::rotation::access_scope::{ScopeComparison, compare_scopes};
use crate::domain::rotation::journal::{
    CreatedSecret, CreationStatus, OldAccess, OldSecretSnapshot, SecretFingerprint,
};
use crate::domain::rotation::purpose::RotationPurpose;
use crate::domain::rotation::remote_credential::{RemoteCredential, parse_attempt};
use crate::domain::strategy::PrincipalPolicy;
use crate::domain::strategy::RotationStep;
use crate::domain::strategy::{CreationTraceability, RevocationKey};

/// What the user said about the old credential, where the stored secret does not name it.
#[derive(Clone, Copy)]
pub(super) enum OldSelection<'a> {
    /// The user was not asked, or has not decided.
    Open,
    /// The user chose this candidate.
    Selected(&'a RemoteCredential),
    /// The user typed the name of the chosen candidate after seeing what it is.
    Confirmed(&'a RemoteCredential),
    /// The old credential is none of the candidates.
    NoneFits,
}

impl<'a> RotationState<'a> {
    /// Compares the new secret with the old one: first which credential it is, then what it can
    /// access. Returns `None` before both are known.
    pub(super) fn scope_comparison(&self) -> Option<ScopeComparison> {
        let new = self.new_secret.as_ref()?;
        let scope = new.access_scope?;
        if self.plan.purpose == RotationPurpose::Create {
            return Some(ScopeComparison::Same);
        }
        let old = self.old_secret?;
        if let Some(objection) = self.identity_objection(new, old) {
            return Some(objection);
        }
        Some(match &old.access {
            OldAccess::Known(old) => {
                compare_scopes(old, scope, self.plan.strategy_traits().principal_policy)
            }
            OldAccess::Unknown(why) => ScopeComparison::Incomparable(format!(
                "the provider refuses the old secret ({why})"
            )),
        })
    }

    /// Returns why the new secret is not known to belong to a credential that was created for this
    /// rotation. Only strategies whose secrets name a credential of their own are asked.
    fn identity_objection(
        &self,
        new: &NewSecret<'_>,
        old: &OldSecretSnapshot,
    ) -> Option<ScopeComparison> {
        let traits = self.plan.strategy_traits();
        if traits.principal_policy != PrincipalPolicy::New
            || traits.revocation_key != RevocationKey::ById
        {
            return None;
        }
        let created = new.created.remote.as_ref().map(|remote| remote.id.as_str());
        match (new.origin, new.named_id) {
            (SecretOrigin::Program, None) => None,
            (SecretOrigin::Program, Some(named)) => {
                let why = format!("acts as {named}, not as the credential that was created");
                (created != Some(named)).then(|| ScopeComparison::Different(vec![why]))
            }
            (SecretOrigin::User, None) => Some(ScopeComparison::Incomparable(
                "the provider does not report which credential it belongs to".to_owned(),
            )),
            (SecretOrigin::User, Some(named)) => match &old.listed_ids {
                _ if self.existed_before(named) => Some(ScopeComparison::Different(vec![format!(
                    "belongs to {named}, which existed before this rotation"
                )])),
                None => Some(ScopeComparison::Incomparable(format!(
                    "it is unknown whether {named} existed before this rotation"
                ))),
                Some(_) => None,
            },
        }
    }

    /// Returns whether the pasted secret turned out to belong to something else, such as another
    /// user.
    pub(super) fn new_secret_is_foreign(&self) -> bool {
        matches!(self.scope_comparison(), Some(ScopeComparison::Different(_)))
            && self.new_secret.as_ref().is_some_and(|new| !new.override_accepted)
    }

    /// Whether a credential with this ID is known to have existed before this rotation.
    pub(super) fn existed_before(&self, id: &str) -> bool {
        self.old_secret.is_some_and(|old| {
            old.named_id.as_deref() == Some(id)
                || old.remotes.iter().any(|remote| remote.id == id)
                || old.listed_ids.as_ref().is_some_and(|listed| listed.contains(id))
        })
    }

    /// Whether it is known what existed at the provider before this rotation.
    fn existing_ids_known(&self) -> bool {
        self.old_secret.is_some_and(|old| old.listed_ids.is_some())
    }

    /// Returns the old credential where it is certain: the stored secret names it, or the user
    /// typed its name.
    pub(super) fn confirmed_old(&self) -> Option<RemoteCredential> {
        match self.old_selection {
            OldSelection::Confirmed(remote) => return Some(remote.clone()),
            OldSelection::Selected(_) | OldSelection::NoneFits => return None,
            OldSelection::Open => {}
        }
        let old = self.old_secret?;
        let named = old.named_id.as_deref().filter(|id| !self.is_new_remote(id))?;
        let listed = old.remotes.iter().find(|remote| remote.id == named).cloned();
        let label = match &old.access {
            OldAccess::Known(scope) if scope.principal.id == named => &scope.principal.name,
            OldAccess::Known(_) | OldAccess::Unknown(_) => named,
        };
        Some(listed.unwrap_or_else(|| RemoteCredential::new(named, label)))
    }

    /// Returns the credentials that may be the old one at the provider.
    pub(super) fn old_remote_candidates(&self) -> Vec<&'a RemoteCredential> {
        let listed = self.old_secret.map_or(&[][..], |old| &old.remotes).iter();
        listed.filter(|remote| !self.is_new_remote(&remote.id)).collect()
    }

    /// Returns the selection of the candidate with this ID; open if there is none.
    pub(super) fn select_old(&self, id: &str) -> OldSelection<'a> {
        let found = self.old_remote_candidates().into_iter().find(|remote| remote.id == id);
        found.map_or(OldSelection::Open, OldSelection::Selected)
    }

    /// Returns the selected candidate if this is its name or its ID.
    pub(super) fn selection_named(&self, typed: &str) -> Option<&'a RemoteCredential> {
        match self.old_selection {
            OldSelection::Selected(remote) if typed == remote.label || typed == remote.id => {
                Some(remote)
            }
            _ => None,
        }
    }

    pub(super) fn is_new_remote(&self, id: &str) -> bool {
        self.new_secret.as_ref().is_some_and(|new| {
            new.named_id == Some(id)
                || new.created.remote.as_ref().is_some_and(|remote| remote.id == id)
        })
    }

    /// Returns whether the name of the credential shows that the program created it in this
    /// rotation.
    pub(super) fn is_created_by_rotation(&self, remote: &RemoteCredential) -> bool {
        let attempt = parse_attempt(&self.plan.rotation, &remote.label);
        attempt.is_some_and(|attempt| self.creation_history.attempts.contains(&attempt))
    }

    /// Returns how the new secret, while it is stored, is deleted at the provider; `None` if it
    /// belongs to what existed before this rotation, so that there is nothing to delete. What the
    /// user pasted is deleted by the ID that the secret itself names and that is known to be new;
    /// otherwise the user deletes it.
    pub(super) fn deletion_target(&self, new: &NewSecret<'_>) -> Option<RevocationTarget> {
        let by_value = self.plan.strategy_traits().revocation_key == RevocationKey::ByValue;
        let remote = new.created.remote.as_ref();
        let named = || {
            let named = new.named_id?;
            let known = remote.filter(|remote| remote.id == named).cloned();
            Some(known.unwrap_or_else(|| RemoteCredential::new(named, named)))
        };
        let by_id = |remote: Option<RemoteCredential>| {
            remote.map_or(RevocationTarget::Unknown, RevocationTarget::ById)
        };
        match new.origin {
            SecretOrigin::Program if by_value => {
                Some(RevocationTarget::ByValue(SecretSlot::Pending))
            }
            SecretOrigin::Program => Some(by_id(named().or_else(|| remote.cloned()))),
            SecretOrigin::User if by_value || !self.existing_ids_known() => {
                Some(RevocationTarget::Unknown)
            }
            SecretOrigin::User => {
                let target = named();
                let existed = target.as_ref().is_some_and(|remote| self.existed_before(&remote.id));
                (!existed).then(|| by_id(target))
            }
        }
    }

    /// Returns the credential of a pasted secret that existed before this rotation, so that nothing
    /// deletes it.
    pub(super) fn preexisting_remote(&self, new: &NewSecret<'_>) -> Option<RemoteCredential> {
        let named = new.named_id.filter(|_| self.deletion_target(new).is_none())?;
        let listed = self.old_secret?.remotes.iter().find(|remote| remote.id == named);
        Some(listed.cloned().unwrap_or_else(|| RemoteCredential::new(named, named)))
    }

    pub(super) fn unknown_orphans(
        &self,
        found: &[RemoteCredential],
    ) -> Vec<(String, RevocationTarget)> {
        let unknown = found.iter().filter(|remote| {
            self.is_created_by_rotation(remote) && !self.is_new_remote(&remote.id)
        });
        unknown.map(|remote| (remote.id.clone(), RevocationTarget::ById(remote.clone()))).collect()
    }

    /// Returns the fingerprint of a secret whose credential at the provider is uncertain. It may
    /// belong to an attempt that was given up and deleted, or be listed later under an unrelated
    /// name and be deleted as an orphan while it is in use.
    pub(super) fn uncertain_fingerprint(
        &self,
        status: &'a CreationStatus,
    ) -> Option<&'a SecretFingerprint> {
        let CreationStatus::InPendingSlot(CreatedSecret { fingerprint, remote }) = status else {
            return None;
        };
        let created = self.unresolved_step == Some(&RotationStep::Create);
        let nameless = created
            && remote.is_none()
            && self.plan.strategy_traits().traceability == CreationTraceability::ByName;
        (nameless || self.creation_history.possibly_unseen).then_some(fingerprint)
    }
}
