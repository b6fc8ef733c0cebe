//! Rotation strategies: the state machine's actions at each provider, one strategy for every way to
//! rotate.
//!
//! A strategy knows endpoints and bodies, but not the order of steps, the journal or the slots.
//! What the provider cannot do falls back to the user, which is what each method's default
//! expresses. Start at [`RotationStrategy`] and `strategy_for`.

mod account_location;
mod api_web_key;
mod app_secret;
mod app_session;
mod management_client;
mod manual;
mod personal_access_token;
mod service_account;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;

pub(in crate::engine) use management_client::{
    ManagementClient, ManagementResponse, failure_from_problem,
};
pub(in crate::engine) use service_account::next_page_cursor;

use super::StepResult;
use super::probe::ProbeResult;
use crate::domain::Secret;
use crate::domain::credential::{Principal, SecretSlot};
use crate::domain::provider::spec::RotationStrategyId;
use crate::domain::rotation::{OldSecretSnapshot, RemoteCredential, StepFailure, StepFailureKind};

/// A secret that a provider has just created, and its data there.
pub(in crate::engine) struct NewRemoteSecret {
    /// The secret.
    pub secret: Secret,
    /// What the secret is at the provider.
    pub remote: RemoteCredential,
}

/// Something to revoke.
pub(in crate::engine) enum RevocationHandle<'a> {
    /// By its ID.
    ById(&'a RemoteCredential),
    /// By its value.
    ByValue(&'a Arc<Secret>),
}

/// Response to a revocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine) enum RevocationResponse {
    /// The provider revoked the secret.
    Accepted,
    /// The provider reports that there is no such secret, which only a probe can confirm.
    NotFound,
}

/// How one kind of credential is created, found and revoked at its provider.
#[async_trait]
pub(in crate::engine) trait RotationStrategy: Send + Sync {
    /// Returns what the credential may be at the provider; a single item where that is certain.
    async fn find_existing(
        &self,
        client: &ManagementClient<'_>,
    ) -> StepResult<Vec<RemoteCredential>>;

    /// Lists everything of this type at the provider.
    async fn list(&self, client: &ManagementClient<'_>) -> StepResult<Vec<RemoteCredential>>;

    /// Creates a new secret.
    async fn create_secret(
        &self,
        client: &ManagementClient<'_>,
        name: &str,
    ) -> StepResult<NewRemoteSecret>;

    /// Revokes a secret.
    async fn revoke(
        &self,
        client: &ManagementClient<'_>,
        handle: RevocationHandle<'_>,
    ) -> StepResult<RevocationResponse>;

    /// Returns what a secret is at the provider that the user created or that was found in the slot
    /// `pending`, given what existed `before`. Returns `None` where that is not certain, because a
    /// matched item may be revoked.
    async fn match_created(
        &self,
        client: &ManagementClient<'_>,
        hint: Option<&str>,
        before: Option<&OldSecretSnapshot>,
    ) -> StepResult<Option<RemoteCredential>>;

    /// Returns the roles of the item with this ID; `None` where the provider does not report them.
    async fn fetch_roles(
        &self,
        _client: &ManagementClient<'_>,
        _id: &str,
    ) -> StepResult<Option<BTreeSet<String>>> {
        Ok(None)
    }

    /// Probes the secret in a slot, where that differs from the kind's check; `None` where it does
    /// not.
    async fn probe_slot(
        &self,
        _client: &ManagementClient<'_>,
        _slot: SecretSlot,
    ) -> StepResult<Option<ProbeResult>> {
        Ok(None)
    }

    /// Sends the secret in a slot after its revocation, where a probe of the API would not show
    /// whether it is revoked; `None` where it would.
    async fn probe_revoked(
        &self,
        _client: &ManagementClient<'_>,
        _slot: SecretSlot,
    ) -> StepResult<Option<ProbeResult>> {
        Ok(None)
    }

    /// Returns the item that is this principal, where the strategy can delete the principal of a
    /// secret itself.
    async fn find_acting(
        &self,
        _client: &ManagementClient<'_>,
        _principal: &Principal,
    ) -> StepResult<Option<RemoteCredential>> {
        Ok(None)
    }

    /// Returns missing fields of the credential that later steps need and that the provider
    /// reports.
    async fn discover_missing_fields(
        &self,
        _client: &ManagementClient<'_>,
    ) -> StepResult<BTreeMap<String, String>> {
        Ok(BTreeMap::new())
    }

    /// Returns the type of principal whose ID is the credential's ID, so that a secret names its
    /// credential by acting as it; `None` where secrets act as a principal that may hold several.
    fn principal_kind(&self) -> Option<&'static str> {
        None
    }

    /// Returns the names of the credential's fields that hold its ID and name at the provider.
    fn identity_fields(&self) -> &'static [&'static str] {
        &[]
    }
}

/// Returns the strategy with this ID.
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

/// Returns a failure in which nothing happened and a retry would end the same way.
fn fail_permanently<T>(why: impl Into<String>) -> StepResult<T> {
    Err(StepFailure::new(StepFailureKind::Refused, why))
}

/// Returns the entry for the list of what was not copied from a template that could not be read.
fn unreadable_template(status: u16) -> String {
    format!(
        "properties that only the provider knows, because the old one could not be read ({status})"
    )
}

/// Returns what the credential certainly or possibly was before.
fn known_remotes(before: Option<&OldSecretSnapshot>) -> &[RemoteCredential] {
    before.map(|snapshot| &snapshot.remotes[..]).unwrap_or_default()
}

/// Picks the item of `found` that a hint names, else the only item that was not listed before.
/// Without a record of what was listed, the only new item may belong to another user.
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

/// Parses a time as providers write it.
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
            named_id: None,
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
            "it is unknown what was there"
        );
        assert_eq!(
            id(pick_created(found(&["stranger", "new"]), Some("new"), None)),
            Some("new".into()),
            "the token says so"
        );
    }
}
