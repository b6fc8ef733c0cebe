//! What the machine's actions are at each provider: a strategy for every way of replacing.
//!
//! A strategy knows endpoints and bodies and nothing of order, journal or slots. What the provider cannot do falls back
//! to a person: every method's default says so.

mod account;
mod api_web;
mod app_secret;
mod desk;
mod guided;
mod pat;
mod session;
mod whereabouts;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;

pub(in crate::engine) use account::next_page;
pub(in crate::engine) use desk::{Desk, Told, failure_of};

use super::Tried;
use super::survey::Use;
use crate::domain::Secret;
use crate::domain::credential::SecretSlot;
use crate::domain::provider::spec::RotationStrategyId;
use crate::domain::rotation::{OldSecretSnapshot, RemoteCredential, StepFailure, StepFailureKind};

/// A secret that a provider has just made, and what it is there.
pub(in crate::engine) struct Fresh {
    /// The secret.
    pub secret: Secret,
    /// What it is at the provider.
    pub remote: RemoteCredential,
}

/// Something to be revoked.
pub(in crate::engine) enum Doomed<'a> {
    /// By its id.
    Remote(&'a RemoteCredential),
    /// By its value.
    Value(&'a Arc<Secret>),
}

/// How one kind of credential is made, found and revoked at its provider.
#[async_trait]
pub(in crate::engine) trait Strategy: Send + Sync {
    /// What the credential may be at the provider; one where that is sure.
    async fn candidates(&self, desk: &Desk<'_>) -> Tried<Vec<RemoteCredential>>;

    /// Everything of this sort that the provider lists.
    async fn list(&self, desk: &Desk<'_>) -> Tried<Vec<RemoteCredential>>;

    /// Makes a new secret.
    async fn mint(&self, desk: &Desk<'_>, name: &str) -> Tried<Fresh>;

    /// Revokes; "there is no such thing" is success.
    async fn remove(&self, desk: &Desk<'_>, doomed: Doomed<'_>) -> Tried<()>;

    /// What a secret that a person has made, or that was found in the slot `pending`, is at the provider, by what was
    /// there `before`. Where that is not certain, it is nothing: what is recognised may be revoked.
    async fn recognise(
        &self,
        desk: &Desk<'_>,
        hint: Option<&str>,
        before: Option<&OldSecretSnapshot>,
    ) -> Tried<Option<RemoteCredential>>;

    /// The roles of what has this id; `None` where the provider does not tell.
    async fn roles(&self, _desk: &Desk<'_>, _id: &str) -> Tried<Option<BTreeSet<String>>> {
        Ok(None)
    }

    /// Whether the secret in a slot works, where it is used otherwise than by the kind's check; `None` where it is not.
    async fn try_slot(&self, _desk: &Desk<'_>, _slot: SecretSlot) -> Tried<Option<Use>> {
        Ok(None)
    }

    /// Fields of the credential that nobody has filled in, that the rest depends on, and that the provider tells.
    async fn untold(&self, _desk: &Desk<'_>) -> Tried<BTreeMap<String, String>> {
        Ok(BTreeMap::new())
    }

    /// The fields of a credential in which the provider's id and name of it are kept.
    fn fields(&self) -> &'static [&'static str] {
        &[]
    }
}

/// The strategy of a way of replacing.
pub(in crate::engine) fn strategy(plan: RotationStrategyId) -> &'static dyn Strategy {
    match plan {
        RotationStrategyId::Manual => &guided::Guided,
        RotationStrategyId::SnykPersonalAccessToken => &pat::PersonalAccessToken,
        RotationStrategyId::SnykServiceAccount => &account::Account,
        RotationStrategyId::SnykServiceAccountSecret => &account::ClientSecret,
        RotationStrategyId::SnykAppSession => &session::Session,
        RotationStrategyId::SnykAppSecret => &app_secret::AppSecret,
        RotationStrategyId::ApiWebKey => &api_web::Key,
    }
}

/// Nothing happened, and the same again would end the same.
fn refused<T>(why: impl Into<String>) -> Tried<T> {
    Err(StepFailure::new(StepFailureKind::Refused, why))
}

/// What the credential was sure or likely to be before.
fn known(before: Option<&OldSecretSnapshot>) -> &[RemoteCredential] {
    before.map(|snapshot| &snapshot.remotes[..]).unwrap_or_default()
}

/// The one of `found` that a hint names; else the only one that was not listed before. Where nobody knows what was
/// listed, the only one that is new here may be anybody's.
fn single_out(found: Vec<RemoteCredential>, hint: Option<&str>, before: Option<&OldSecretSnapshot>) -> Option<RemoteCredential> {
    if let Some(named) = found.iter().find(|remote| Some(remote.id.as_str()) == hint) {
        return Some(named.clone());
    }
    let listed = before?.listed_ids.as_ref()?;
    let mut fresh = found.into_iter().filter(|remote| !listed.contains(&remote.id));
    fresh.next().filter(|_| fresh.next().is_none())
}

/// A moment as providers write it.
fn moment(text: Option<&str>) -> Option<crate::domain::Timestamp> {
    crate::domain::Timestamp::parse(text?, &time::format_description::well_known::Rfc3339).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::rotation::{OldAccess, PreviousMetadata, SecretFingerprint};

    fn found(ids: &[&str]) -> Vec<RemoteCredential> {
        ids.iter().map(|id| RemoteCredential::new(*id, *id)).collect()
    }

    fn before(listed: Option<&[&str]>) -> OldSecretSnapshot {
        OldSecretSnapshot {
            fingerprint: SecretFingerprint("old".into()),
            access: OldAccess::Unknown("401".into()),
            remotes: found(&["old"]),
            listed_ids: listed.map(|ids| ids.iter().map(|&id| id.to_owned()).collect()),
            previous_metadata: PreviousMetadata::default(),
        }
    }

    #[test]
    fn what_was_there_before_is_never_singled_out_as_new() {
        let id = |remote: Option<RemoteCredential>| remote.map(|remote| remote.id);
        let known = before(Some(&["old", "stranger"]));
        assert_eq!(id(single_out(found(&["old", "stranger", "new"]), None, Some(&known))), Some("new".into()));
        assert_eq!(id(single_out(found(&["old", "stranger"]), None, Some(&known))), None, "the new one is not listed yet");
        assert_eq!(id(single_out(found(&["stranger", "new", "other"]), None, Some(&known))), None, "it may be either");
        assert_eq!(id(single_out(found(&["stranger"]), None, Some(&before(None)))), None, "nobody knows what was there");
        assert_eq!(id(single_out(found(&["stranger", "new"]), Some("new"), None)), Some("new".into()), "the token says so");
    }
}
