//! Database fields of a credential that change with its secret: expiry, fingerprint, principal and
//! the ID at the provider.
//!
//! The driver calls these when it promotes the new secret or restores the old one.

use super::StepResult;
use super::driver::RotationDriver;
use super::probe::unnamed_principal;
use super::strategies::failure_from_problem;
use crate::database::CheckedSecret;
use crate::domain::Credential;
use crate::domain::credential::{CheckReport, SecretPart, SecretSlot};
use crate::domain::response::CheckResult;
use crate::domain::rotation::{
    IdentitySource, JournalEntry, OldAccess, PreviousMetadata, RemoteCredential, RotationPurpose,
    SecretFingerprint, StepOutcome,
};
use crate::engine::checks::writer::CheckRecord;

impl RotationDriver<'_> {
    /// Returns the ID that an earlier check recorded for the secret with this fingerprint. A secret
    /// that is refused today no longer says which credential it belongs to; a record of another
    /// secret, as after a restored database, does not count.
    pub(super) async fn recorded_principal(
        &self,
        fingerprint: &SecretFingerprint,
    ) -> StepResult<Option<String>> {
        let plan = self.plan();
        let credential = self.stored_credential().await?;
        let same_secret = credential.fingerprint.as_ref() == Some(&fingerprint.0);
        let principal =
            credential.principal.filter(|_| same_secret && plan.part == SecretPart::Secret);
        Ok(match plan.strategy_traits().identity_source {
            IdentitySource::Principal(kind) => {
                principal.filter(|one| one.kind == kind).map(|one| one.id)
            }
            IdentitySource::Value | IdentitySource::Claim | IdentitySource::Nothing => None,
        })
    }

    /// Returns the index data of the old secret, which would be lost once another secret becomes
    /// the current one.
    pub(super) async fn previous_metadata(&self) -> StepResult<PreviousMetadata> {
        let plan = self.plan();
        let Credential { expires, mut fields, .. } = self.stored_credential().await?;
        fields.retain(|id, _| plan.strategy.spec().identity_fields.contains(&id.as_str()));
        Ok(PreviousMetadata { expires, fields })
    }

    /// Updates the index data of the credential to match the secret in the slot `current`. The
    /// index has no data about the other parts.
    pub(super) async fn update_metadata(
        &self,
        fingerprint: &SecretFingerprint,
        remote: Option<RemoteCredential>,
    ) -> StepResult<()> {
        if self.plan().part != SecretPart::Secret {
            return self.store_remote_fields(remote).await;
        }
        let client = self.management_client().await?;
        let expires = match self.read_slot(SecretSlot::Current).await? {
            Some(secret) => client.identify_secret(&secret).and_then(|found| found.expires),
            None => None,
        };
        let expires = expires.or_else(|| {
            self.held_secret.as_ref().filter(|held| held.fingerprint == *fingerprint)?.expires
        });
        let (id, fingerprint) = (self.plan().credential.clone(), fingerprint.0.clone());
        let fields = self.plan().strategy.spec().identity_fields;
        let made = remote.as_ref().filter(|_| self.plan().purpose == RotationPurpose::Create);
        let facts = made.map(|made| made.fields.clone()).unwrap_or_default();
        let updated = self.service.database.run(move |index| {
            let change = |credential: &mut Credential| {
                let expires = remote.as_ref().and_then(|remote| remote.expires).or(expires);
                // No ID is better than the ID of another secret.
                credential.fields.retain(|field, _| !fields.contains(&field.as_str()));
                for (field, value) in
                    fields.iter().zip(remote.iter().flat_map(|remote| [&remote.id, &remote.label]))
                {
                    credential.fields.insert((*field).to_owned(), value.clone());
                }
                credential.fields.extend(facts);
                credential.expires = expires;
                credential.fingerprint = Some(fingerprint);
                (credential.principal, credential.scheme) = (None, None);
            };
            index.update_with_other_secret(&id, change, &[])
        });
        updated.await.map_err(|problem| failure_from_problem(&problem))?;
        self.service.requests.drop_cached_tokens(&self.plan().credential);
        Ok(())
    }

    /// Records the verification of the new secret as the latest check of the credential, with the
    /// time of the verification and the principal that it named. The index keeps no check results
    /// about the other parts.
    pub(super) async fn record_verification(&self) -> StepResult<()> {
        let plan = self.plan();
        if plan.part != SecretPart::Secret {
            return Ok(());
        }
        let rotation = plan.rotation.to_string();
        let lines = self
            .service
            .database
            .run(move |index| index.journal_entries(&rotation))
            .await
            .map_err(|problem| failure_from_problem(&problem))?;
        let verified =
            lines.iter().rev().find_map(|line| match serde_json::from_str(&line.entry) {
                Ok(JournalEntry::Done(StepOutcome::Verified { reach, .. })) => {
                    Some((line.at, reach))
                }
                _ => None,
            });
        let Some((checked_at, reach)) = verified else { return Ok(()) };
        let check = CheckReport {
            result: CheckResult::Accepted,
            status: None,
            reason: String::new(),
            checked_at,
            latency_ms: None,
        };
        let record = CheckRecord {
            checked: CheckedSecret::from(&plan.credential),
            region: plan.region.clone(),
            check,
            principal: Some(reach.principal).filter(|principal| *principal != unnamed_principal()),
            home_organization: None,
        };
        let written = self.service.checks.write_check(record).await;
        written.map_err(|problem| failure_from_problem(&problem))
    }

    /// Stores the fields that a credential needs when it was created through one of its parts.
    async fn store_remote_fields(&self, remote: Option<RemoteCredential>) -> StepResult<()> {
        let Some(RemoteCredential { fields: facts, .. }) =
            remote.filter(|_| self.plan().purpose == RotationPurpose::Create)
        else {
            return Ok(());
        };
        let id = self.plan().credential.clone();
        let updated = self.service.database.run(move |index| {
            index.update_credential(&id, |credential| credential.fields.extend(facts))
        });
        updated.await.map(drop).map_err(|problem| failure_from_problem(&problem))
    }

    /// Restores the index data of the old secret.
    pub(super) async fn restore_metadata(&self, old: &SecretFingerprint) -> StepResult<()> {
        let Some(snapshot) = self.snapshot().filter(|_| self.plan().part == SecretPart::Secret)
        else {
            return Ok(());
        };
        let PreviousMetadata { expires, fields } = snapshot.previous_metadata.clone();
        let principal = match &snapshot.access {
            OldAccess::Known(reach) => Some(reach.principal.clone()),
            OldAccess::Unknown(_) => None,
        };
        let (id, fingerprint, named) = (
            self.plan().credential.clone(),
            old.0.clone(),
            self.plan().strategy.spec().identity_fields,
        );
        let updated = self.service.database.run(move |index| {
            let change = |credential: &mut Credential| {
                credential.fields.retain(|field, _| !named.contains(&field.as_str()));
                credential.fields.extend(fields);
                (credential.expires, credential.fingerprint, credential.principal) =
                    (expires, Some(fingerprint), principal);
                credential.scheme = None;
            };
            index.update_with_other_secret(&id, change, &[])
        });
        updated.await.map_err(|problem| failure_from_problem(&problem))?;
        self.service.requests.drop_cached_tokens(&self.plan().credential);
        Ok(())
    }
}
