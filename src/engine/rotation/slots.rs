//! The three slots of a credential's secret, and the moves between them; every write is read back.
//!
//! A refresh token renews itself whenever it is used, and then has another fingerprint. So for such
//! kinds, any secret that is not the new one counts as the old one. Start at
//! `RotationDriver::promote_slots`.

use super::StepResult;
use super::driver::RotationDriver;
use crate::database::SecretLocation;
use crate::domain::Secret;
use crate::domain::credential::{SecretPart, SecretSlot};
use crate::domain::provider::AuthMethod;
use crate::domain::rotation::{SecretFingerprint, SlotSwap, StepFailure, StepFailureKind};
use crate::engine::ports::random_bytes;
use crate::engine::requests::access_tokens::{access_token_part, shared_token_secret};
use crate::engine::secrets::bound_secrets::secret_location;
use crate::store::{CALL_TIMEOUT, ItemKey, StoreError};

/// Assumed size of a secret that does not exist yet, in bytes; keys that are JWTs have some
/// hundreds.
const TYPICAL_SECRET_BYTES: usize = 1024;

impl RotationDriver<'_> {
    /// Verifies that the store can write and read back an item as large as the current secret, then
    /// deletes that item.
    pub(super) async fn verify_store(&self) -> StepResult<()> {
        let size = self
            .read_slot(SecretSlot::Current)
            .await?
            .map_or(TYPICAL_SECRET_BYTES, |secret| secret.len());
        let mut bytes = random_bytes::<16>()
            .map_err(|problem| StepFailure::new(StepFailureKind::Retryable, problem.why))?
            .repeat(size.div_ceil(16));
        bytes.truncate(size.max(1));
        let (key, marker) = (ItemKey::for_self_test(proof_item_id(&bytes)), Secret::new(bytes));
        with_store_timeout(self.service.store.put(&key, &marker)).await?;
        let read_back = with_store_timeout(self.service.store.get(&key)).await;
        with_store_timeout(self.service.store.delete(&key)).await?;
        if read_back?.same_as(&marker) {
            Ok(())
        } else {
            Err(retryable_failure("the store returned a different value than was written"))
        }
    }

    /// Returns the secret in a slot, if there is one.
    pub(super) async fn read_slot(&self, slot: SecretSlot) -> StepResult<Option<Secret>> {
        match with_store_timeout(self.service.store.get(&self.item_key(slot, &self.plan().part)))
            .await
        {
            Ok(secret) => Ok(Some(secret)),
            Err(SlotError::NotFound) => Ok(None),
            Err(SlotError::Failed(failure)) => Err(failure),
        }
    }

    /// Returns the fingerprint of the secret in a slot.
    pub(super) async fn fingerprint_of_slot(
        &self,
        slot: SecretSlot,
    ) -> StepResult<Option<SecretFingerprint>> {
        match self.read_slot(slot).await? {
            Some(secret) => Ok(Some(self.fingerprint(&secret).await?)),
            None => Ok(None),
        }
    }

    pub(super) async fn fingerprint(&self, secret: &Secret) -> StepResult<SecretFingerprint> {
        let fingerprint = self.service.fingerprints.fingerprint(secret).await;
        fingerprint
            .map(SecretFingerprint)
            .map_err(|problem| retryable_failure(format!("{}: {}", problem.what, problem.why)))
    }

    pub(super) async fn write_slot(&self, slot: SecretSlot, secret: &Secret) -> StepResult<()> {
        let location = self.secret_location(slot, &self.plan().part);
        self.service.secrets.announce_fingerprint(location, secret).await;
        with_store_timeout(self.service.store.put(&self.item_key(slot, &self.plan().part), secret))
            .await?;
        self.service
            .secrets
            .record_fingerprint(self.secret_location(slot, &self.plan().part), secret)
            .await;
        Ok(())
    }

    async fn delete_item(&self, slot: SecretSlot, part: &SecretPart) -> StepResult<()> {
        with_store_timeout(self.service.store.delete(&self.item_key(slot, part))).await?;
        self.service.secrets.release_fingerprint(self.secret_location(slot, part)).await;
        Ok(())
    }

    /// Empties a slot.
    pub(super) async fn clear_slot(&self, slot: SecretSlot) -> StepResult<()> {
        self.delete_access_token(slot).await?;
        self.delete_item(slot, &self.plan().part).await
    }

    /// Moves `current` to `previous` and `pending` to `current`, unless that has happened already.
    pub(super) async fn promote_slots(&self, swap: &SlotSwap) -> StepResult<()> {
        if self.fingerprint_of_slot(SecretSlot::Current).await?.as_ref() == Some(&swap.new) {
            return self.move_access_token().await;
        }
        let old = self.read_replaced_secret(swap).await?;
        let Some(new) = self.read_slot(SecretSlot::Pending).await? else {
            return Err(secret_lost());
        };
        if self.fingerprint(&new).await? != swap.new {
            return Err(secret_lost());
        }
        if let Some(old) = old {
            self.write_slot(SecretSlot::Previous, &old).await?;
            self.verify_readback(SecretSlot::Previous, &old).await?;
        }
        self.delete_access_token(SecretSlot::Current).await?;
        self.write_slot(SecretSlot::Current, &new).await?;
        self.verify_readback(SecretSlot::Current, &new).await?;
        self.move_access_token().await
    }

    /// Moves `previous` back to `current`, unless that has happened already.
    pub(super) async fn restore_slots(&self, swap: &SlotSwap) -> StepResult<()> {
        let current = self.fingerprint_of_slot(SecretSlot::Current).await?;
        if current == swap.old
            || (self.secret_renews_itself() && current.as_ref() != Some(&swap.new))
        {
            return Ok(());
        }
        if current.as_ref() != Some(&swap.new) {
            return Err(permanent_failure("another process has changed the secret in the store"));
        }
        if swap.old.is_none() {
            return self.clear_slot(SecretSlot::Current).await;
        }
        let old = self.read_old_secret(SecretSlot::Previous, swap).await?;
        self.delete_access_token(SecretSlot::Current).await?;
        self.write_slot(SecretSlot::Current, &old).await?;
        self.verify_readback(SecretSlot::Current, &old).await
    }

    /// Finds the slot that holds the secret with this fingerprint.
    pub(super) async fn find_slot(&self, old: &SecretFingerprint) -> StepResult<SecretSlot> {
        let new = self.new_fingerprint();
        for slot in [SecretSlot::Current, SecretSlot::Previous] {
            let fingerprint = self.fingerprint_of_slot(slot).await?;
            let renewed =
                self.secret_renews_itself() && fingerprint.is_some() && fingerprint != new;
            if fingerprint.as_ref() == Some(old) || renewed {
                return Ok(slot);
            }
        }
        Err(permanent_failure("no slot of the store has the old secret"))
    }

    /// Returns the secret that the new one replaces; `None` when a credential is created.
    async fn read_replaced_secret(&self, swap: &SlotSwap) -> StepResult<Option<Secret>> {
        if swap.old.is_some() {
            let old = self.read_old_secret(SecretSlot::Current, swap).await?;
            self.check_current_unchanged(&old).await?;
            return Ok(Some(old));
        }
        match self.read_slot(SecretSlot::Current).await? {
            None => Ok(None),
            Some(_) => {
                Err(permanent_failure("another process has changed the secret in the store"))
            }
        }
    }

    async fn read_old_secret(&self, slot: SecretSlot, swap: &SlotSwap) -> StepResult<Secret> {
        let Some(found) = self.read_slot(slot).await? else {
            return Err(permanent_failure("the old secret is not in the store"));
        };
        let fingerprint = self.fingerprint(&found).await?;
        if Some(&fingerprint) == swap.old.as_ref()
            || (self.secret_renews_itself() && fingerprint != swap.new)
        {
            return Ok(found);
        }
        Err(permanent_failure("another process has changed the secret in the store"))
    }

    /// Checks that `current` still holds the old secret. If an earlier attempt has saved the old
    /// secret in `previous`, then `current` must be equal to it. Otherwise `current` may be the new
    /// secret after it was used and renewed itself; treated as the old secret, it would be revoked.
    async fn check_current_unchanged(&self, current: &Secret) -> StepResult<()> {
        match self.read_slot(SecretSlot::Previous).await? {
            Some(previous) if self.secret_renews_itself() && !previous.same_as(current) => {
                Err(permanent_failure(
                    "the secret was used during the swap, and it is unclear which one it is: roll back and start again",
                ))
            }
            _ => Ok(()),
        }
    }

    async fn verify_readback(&self, slot: SecretSlot, secret: &Secret) -> StepResult<()> {
        match self.read_slot(slot).await? {
            Some(read) if read.same_as(secret) => Ok(()),
            _ => Err(retryable_failure("the store returned a different value than was written")),
        }
    }

    /// Deletes the access token that belongs to the refresh token of a slot. No other part has one.
    async fn delete_access_token(&self, slot: SecretSlot) -> StepResult<()> {
        if self.secret_renews_itself() {
            self.delete_item(slot, &access_token_part()).await
        } else {
            Ok(())
        }
    }

    /// Moves the access token that came with a new refresh token to the same slot as that token.
    async fn move_access_token(&self) -> StepResult<()> {
        if !self.secret_renews_itself() {
            return Ok(());
        }
        let part = access_token_part();
        match with_store_timeout(self.service.store.get(&self.item_key(SecretSlot::Pending, &part)))
            .await
        {
            Ok(token) => {
                with_store_timeout(
                    self.service.store.put(&self.item_key(SecretSlot::Current, &part), &token),
                )
                .await?;
                if let Some(token) = shared_token_secret(&token) {
                    self.service
                        .secrets
                        .record_fingerprint(
                            self.secret_location(SecretSlot::Current, &part),
                            &token,
                        )
                        .await;
                }
                self.delete_item(SecretSlot::Pending, &part).await
            }
            Err(SlotError::NotFound) => Ok(()),
            Err(SlotError::Failed(failure)) => Err(failure),
        }
    }

    /// Returns whether using the secret changes its fingerprint.
    pub(super) fn secret_renews_itself(&self) -> bool {
        let plan = self.plan();
        let kind = self.service.catalog.kind(&plan.provider, &plan.kind);
        plan.part == SecretPart::Secret
            && kind.is_ok_and(|kind| matches!(kind.authorization, AuthMethod::RefreshToken { .. }))
    }

    fn secret_location(&self, slot: SecretSlot, part: &SecretPart) -> SecretLocation {
        secret_location(&self.plan().credential, slot, part)
    }

    fn item_key(&self, slot: SecretSlot, part: &SecretPart) -> ItemKey {
        ItemKey::for_part(&self.plan().credential, slot, part)
    }
}

/// Why a call to the store returned nothing.
enum SlotError {
    NotFound,
    Failed(StepFailure),
}

/// Limits the duration of a store call: a store that never responds must not block a rotation
/// forever.
async fn with_store_timeout<T>(
    call: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, SlotError> {
    let limit = CALL_TIMEOUT * 2;
    match tokio::time::timeout(limit, call).await.unwrap_or(Err(StoreError::TimedOut(limit))) {
        Ok(found) => Ok(found),
        Err(StoreError::NotFound) => Err(SlotError::NotFound),
        Err(error @ StoreError::TooLarge { .. }) => {
            Err(SlotError::Failed(permanent_failure(error.to_string())))
        }
        Err(error) => Err(SlotError::Failed(retryable_failure(error.to_string()))),
    }
}

impl From<SlotError> for StepFailure {
    fn from(error: SlotError) -> Self {
        match error {
            SlotError::NotFound => {
                retryable_failure("the secret is missing from the store after it was written")
            }
            SlotError::Failed(failure) => failure,
        }
    }
}

fn proof_item_id(bytes: &[u8]) -> [u8; 16] {
    let mut key = [0; 16];
    key.iter_mut().zip(bytes).for_each(|(key, byte)| *key = *byte);
    key
}

pub(super) fn retryable_failure(why: impl Into<String>) -> StepFailure {
    StepFailure::new(StepFailureKind::Retryable, why)
}

pub(super) fn permanent_failure(why: impl Into<String>) -> StepFailure {
    StepFailure::new(StepFailureKind::Refused, why)
}

pub(super) fn secret_lost() -> StepFailure {
    StepFailure::new(
        StepFailureKind::SecretLost,
        "the new secret is neither in memory nor in the store",
    )
}
