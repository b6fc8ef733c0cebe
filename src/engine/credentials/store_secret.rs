//! Storing and releasing a secret together with its fingerprint in the index.
//!
//! A scan recognizes copies by these fingerprints, so that no secret has to leave the store for it.
//! The store is written first: a secret that a provider shows only once must be safe before
//! anything else can fail. A missing fingerprint only costs a scan the name of a copy, so it is no
//! reason to fail. Start with `SecretAccess::store_secret`.

use crate::database::{Database, DatabaseError, FingerprintRecord, SecretLocation};
use crate::domain::credential::{SecretPart, SecretSlot};
use crate::domain::{Credential, Problem, Secret, Timestamp};
use crate::engine::ALL_SLOTS;
use crate::engine::requests::access_tokens::ACCESS_TOKEN_PART;
use crate::engine::secrets::bound_secrets::SecretAccess;
use crate::store::{ItemKey, StoreError};

impl SecretAccess {
    /// Stores a part of a credential's secret in a slot, replacing what was there.
    pub(in crate::engine) async fn store_secret(
        &self,
        location: SecretLocation,
        secret: &Secret,
    ) -> Result<(), StoreError> {
        self.announce_fingerprint(location.clone(), secret).await;
        self.store.put(&item_key(&location), secret).await?;
        self.record_fingerprint(location, secret).await;
        Ok(())
    }

    /// Records the fingerprint of the secret that is about to be stored at a location. If the
    /// process is killed before [`SecretAccess::record_fingerprint`], the secret is recognized all the
    /// same.
    pub(in crate::engine) async fn announce_fingerprint(
        &self,
        location: SecretLocation,
        secret: &Secret,
    ) {
        self.write_fingerprint(location, secret, Database::announce_fingerprint).await;
    }

    /// Records the fingerprint of the secret that is stored at a location from now on.
    pub(in crate::engine) async fn record_fingerprint(
        &self,
        location: SecretLocation,
        secret: &Secret,
    ) {
        self.write_fingerprint(location, secret, Database::record_fingerprint).await;
    }

    async fn write_fingerprint(
        &self,
        location: SecretLocation,
        secret: &Secret,
        write: fn(&Database, &SecretLocation, &str, Timestamp) -> Result<(), DatabaseError>,
    ) {
        let (fingerprint, now) = (self.fingerprints.fingerprint(secret).await, self.clock.now());
        let outcome = match fingerprint {
            Ok(fingerprint) => {
                self.database.run(move |index| write(index, &location, &fingerprint, now)).await
            }
            Err(problem) => Err(problem),
        };
        log_failure(outcome);
    }

    /// Records that nothing is stored at a location any more.
    pub(in crate::engine) async fn release_fingerprint(&self, location: SecretLocation) {
        log_failure(self.database.run(move |index| index.retire_fingerprint(&location)).await);
    }

    /// Returns the fingerprints of all stored secrets and of those stored before. Fingerprints of
    /// further parts that are missing are computed first.
    pub(in crate::engine) async fn fingerprint_records(
        &self,
        credentials: &[Credential],
    ) -> Result<Vec<FingerprintRecord>, Problem> {
        let known = self.database.run(Database::fingerprints).await?;
        let new = self.parts_without_fingerprint(credentials, &known);
        if new.is_empty() {
            return Ok(known);
        }
        let keys: Vec<_> = new.iter().map(item_key).collect();
        for (location, secret) in new.into_iter().zip(self.store.get_many(&keys).await) {
            if let Ok(secret) = secret {
                self.record_fingerprint(location, &secret).await;
            }
        }
        self.database.run(Database::fingerprints).await
    }

    /// Computes the fingerprint of every secret of every credential that the store has.
    pub(in crate::engine) async fn compute_fingerprints(
        &self,
    ) -> Result<Vec<(SecretLocation, String)>, Problem> {
        let hasher = self.fingerprints.fingerprint_hasher().await?;
        let mut locations = Vec::new();
        for credential in self.database.credentials().await? {
            let access_token = SecretPart::Named(ACCESS_TOKEN_PART.to_owned());
            // The item of an access token also has its expiry, so it is not what was fingerprinted.
            let parts = self.known_parts(&credential).into_iter();
            for part in parts.filter(|part| *part != access_token) {
                locations.extend(ALL_SLOTS.map(|slot| SecretLocation {
                    credential: credential.id.clone(),
                    slot,
                    part: part.clone(),
                }));
            }
        }
        let mut computed = Vec::new();
        for batch in locations.chunks(self.store.read_batch_size()) {
            let keys: Vec<_> = batch.iter().map(item_key).collect();
            for (location, secret) in batch.iter().zip(self.store.get_many(&keys).await) {
                match secret {
                    Ok(secret) => {
                        computed.push((location.clone(), hasher.fingerprint_secret(&secret)));
                    }
                    Err(StoreError::NotFound) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(computed)
    }

    /// Returns the fingerprint of the current secret of a credential, as the index knows it.
    pub(in crate::engine) async fn current_fingerprint(
        &self,
        credential: &Credential,
        part: &SecretPart,
    ) -> Result<Option<String>, Problem> {
        if *part == SecretPart::Secret {
            return Ok(credential.fingerprint.clone());
        }
        let all = self.database.run(Database::fingerprints).await?.into_iter();
        let mut in_use = all.filter(|record| {
            record.name == credential.name && record.slot == Some(SecretSlot::Current)
        });
        Ok(in_use.find(|record| record.part == *part).map(|record| record.fingerprint))
    }

    /// Returns the locations of parts without a fingerprint: an older version did not record them.
    fn parts_without_fingerprint(
        &self,
        credentials: &[Credential],
        known: &[FingerprintRecord],
    ) -> Vec<SecretLocation> {
        let mut locations = Vec::new();
        for credential in credentials {
            let is_known = |part: &SecretPart| {
                known.iter().any(|record| record.name == credential.name && record.part == *part)
            };
            let parts = self.known_parts(credential).into_iter();
            let parts = parts.filter(|part| {
                matches!(part, SecretPart::Named(id) if id != ACCESS_TOKEN_PART) && !is_known(part)
            });
            locations.extend(parts.map(|part| SecretLocation {
                credential: credential.id.clone(),
                slot: SecretSlot::Current,
                part,
            }));
        }
        locations
    }

    /// Returns the parts that a credential's secret may have, including a session's access token.
    /// The parts of a kind that is no longer known are missing.
    pub(in crate::engine) fn known_parts(&self, credential: &Credential) -> Vec<SecretPart> {
        let named = self
            .catalog
            .kind(&credential.provider, &credential.kind)
            .map(|kind| &kind.parts[..])
            .unwrap_or_default();
        let named = named.iter().map(|part| part.id.as_str()).chain([ACCESS_TOKEN_PART]);
        std::iter::once(SecretPart::Secret)
            .chain(named.map(|part| SecretPart::Named(part.to_owned())))
            .collect()
    }
}

fn item_key(location: &SecretLocation) -> ItemKey {
    ItemKey::for_part(&location.credential, location.slot, &location.part)
}

fn log_failure(outcome: Result<(), Problem>) {
    if let Err(problem) = outcome {
        tracing::warn!(%problem, "the fingerprint was not recorded");
    }
}
