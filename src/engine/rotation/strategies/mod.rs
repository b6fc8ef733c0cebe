//! What the machine's actions are at each provider: a strategy for every way of replacing.
//!
//! A strategy knows endpoints and bodies and nothing of order, journal or slots. What the provider cannot do falls back
//! to a person: every method's default says so.

mod api_web_key;
mod app_secret;
mod app_session;
mod client;
mod manual;
mod personal_access_token;
mod service_account;
mod whereabouts;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;

pub(in crate::engine) use client::{ManagementClient, ManagementResponse, failure_from_problem};
pub(in crate::engine) use service_account::next_page_cursor;

use super::StepResult;
use super::probe::ProbeResult;
use crate::domain::Secret;
use crate::domain::credential::SecretSlot;
use crate::domain::provider::spec::RotationStrategyId;
use crate::domain::rotation::{OldSecretSnapshot, RemoteCredential, StepFailure, StepFailureKind};

/// A secret that a provider has just made, and what it is there.
pub(in crate::engine) struct NewRemoteSecret {
    /// The secret.
    pub secret: Secret,
    /// What it is at the provider.
    pub remote: RemoteCredential,
}

/// Something to be revoked.
pub(in crate::engine) enum RevocationHandle<'a> {
    /// By its id.
    ById(&'a RemoteCredential),
    /// By its value.
    ByValue(&'a Arc<Secret>),
}

/// How one kind of credential is made, found and revoked at its provider.
#[async_trait]
pub(in crate::engine) trait RotationStrategy: Send + Sync {
    /// What the credential may be at the provider; one where that is sure.
    async fn find_existing(&self, desk: &ManagementClient<'_>)
    -> StepResult<Vec<RemoteCredential>>;

    /// Everything of this sort that the provider lists.
    async fn list(&self, desk: &ManagementClient<'_>) -> StepResult<Vec<RemoteCredential>>;

    /// Makes a new secret.
    async fn create_secret(
        &self,
        desk: &ManagementClient<'_>,
        name: &str,
    ) -> StepResult<NewRemoteSecret>;

    /// Revokes; "there is no such thing" is success.
    async fn revoke(
        &self,
        desk: &ManagementClient<'_>,
        doomed: RevocationHandle<'_>,
    ) -> StepResult<()>;

    /// What a secret that a person has made, or that was found in the slot `pending`, is at the provider, by what was
    /// there `before`. Where that is not certain, it is nothing: what is recognised may be revoked.
    async fn match_created(
        &self,
        desk: &ManagementClient<'_>,
        hint: Option<&str>,
        before: Option<&OldSecretSnapshot>,
    ) -> StepResult<Option<RemoteCredential>>;

    /// The roles of what has this id; `None` where the provider does not tell.
    async fn fetch_roles(
        &self,
        _desk: &ManagementClient<'_>,
        _id: &str,
    ) -> StepResult<Option<BTreeSet<String>>> {
        Ok(None)
    }

    /// Whether the secret in a slot works, where it is used otherwise than by the kind's check; `None` where it is not.
    async fn probe_slot(
        &self,
        _desk: &ManagementClient<'_>,
        _slot: SecretSlot,
    ) -> StepResult<Option<ProbeResult>> {
        Ok(None)
    }

    /// Fields of the credential that nobody has filled in, that the rest depends on, and that the provider tells.
    async fn discover_missing_fields(
        &self,
        _desk: &ManagementClient<'_>,
    ) -> StepResult<BTreeMap<String, String>> {
        Ok(BTreeMap::new())
    }

    /// The fields of a credential in which the provider's id and name of it are kept.
    fn identity_fields(&self) -> &'static [&'static str] {
        &[]
    }
}

/// The strategy of a way of replacing.
pub(in crate::engine) fn strategy_for(plan: RotationStrategyId) -> &'static dyn RotationStrategy {
    match plan {
        RotationStrategyId::Manual => &manual::ManualStrategy,
        RotationStrategyId::SnykPersonalAccessToken => {
            &personal_access_token::PersonalAccessTokenStrategy
        }
        RotationStrategyId::SnykServiceAccount => &service_account::ServiceAccountStrategy,
        RotationStrategyId::SnykServiceAccountSecret => {
            &service_account::ServiceAccountSecretStrategy
        }
        RotationStrategyId::SnykAppSession => &app_session::AppSessionStrategy,
        RotationStrategyId::SnykAppSecret => &app_secret::AppSecretStrategy,
        RotationStrategyId::ApiWebKey => &api_web_key::ApiWebKeyStrategy,
    }
}

/// Nothing happened, and the same again would end the same.
fn fail_permanently<T>(why: impl Into<String>) -> StepResult<T> {
    Err(StepFailure::new(StepFailureKind::Refused, why))
}

/// What the credential was sure or likely to be before.
fn known_remotes(before: Option<&OldSecretSnapshot>) -> &[RemoteCredential] {
    before.map(|snapshot| &snapshot.remotes[..]).unwrap_or_default()
}

/// The one of `found` that a hint names; else the only one that was not listed before. Where nobody knows what was
/// listed, the only one that is new here may be anybody's.
fn pick_created(
    found: Vec<RemoteCredential>,
    hint: Option<&str>,
    before: Option<&OldSecretSnapshot>,
) -> Option<RemoteCredential> {
    if let Some(named) = found.iter().find(|remote| Some(remote.id.as_str()) == hint) {
        return Some(named.clone());
    }
    let listed = before?.listed_ids.as_ref()?;
    let mut fresh = found.into_iter().filter(|remote| !listed.contains(&remote.id));
    fresh.next().filter(|_| fresh.next().is_none())
}

/// A moment as providers write it.
fn parse_timestamp(text: Option<&str>) -> Option<crate::domain::Timestamp> {
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
        assert_eq!(
            id(pick_created(found(&["old", "stranger", "new"]), None, Some(&known))),
            Some("new".into())
        );
        assert_eq!(
            id(pick_created(found(&["old", "stranger"]), None, Some(&known))),
            None,
            "the new one is not listed yet"
        );
        assert_eq!(
            id(pick_created(found(&["stranger", "new", "other"]), None, Some(&known))),
            None,
            "it may be either"
        );
        assert_eq!(
            id(pick_created(found(&["stranger"]), None, Some(&before(None)))),
            None,
            "nobody knows what was there"
        );
        assert_eq!(
            id(pick_created(found(&["stranger", "new"]), Some("new"), None)),
            Some("new".into()),
            "the token says so"
        );
    }
}
