//! The three slots of a credential's secret, and how secrets move between them: each is read back after it was put.
//!
//! A refresh token renews itself whenever it is used, and then has another fingerprint. So for such kinds the old one is
//! whatever is not the new one.

use super::Tried;
use super::driver::Driver;
use crate::domain::Secret;
use crate::domain::credential::{SecretPart, SecretSlot};
use crate::domain::provider::AuthMethod;
use crate::domain::rotation::{SecretFingerprint, SlotSwap, StepFailure, StepFailureKind};
use crate::engine::authorize::{access_token_part, shared_token_secret};
use crate::engine::kept::secret_location;
use crate::engine::keyring::random_bytes;
use crate::index::SecretLocation;
use crate::store::{CALL_TIMEOUT, ItemKey, StoreError};

/// How long a secret may be that nobody has seen yet, in bytes: keys that are JWTs have some hundreds.
const TYPICAL_SIZE: usize = 1024;

impl Driver<'_> {
    /// Shows that the store keeps an item as large as the current secret, and lets go of it.
    pub(super) async fn prove_store(&self) -> Tried<()> {
        let size = self.get(SecretSlot::Current).await?.map_or(TYPICAL_SIZE, |secret| secret.len());
        let mut bytes = random_bytes::<16>()
            .map_err(|problem| StepFailure::new(StepFailureKind::Retryable, problem.why))?
            .repeat(size.div_ceil(16));
        bytes.truncate(size.max(1));
        let (key, marker) = (ItemKey::for_self_test(bytes_of_key(&bytes)), Secret::new(bytes));
        in_time(self.engine.store.put(&key, &marker)).await?;
        let kept = in_time(self.engine.store.get(&key)).await;
        in_time(self.engine.store.delete(&key)).await?;
        if kept?.same_as(&marker) { Ok(()) } else { Err(not_yet("the store gives back something else than was put into it")) }
    }

    /// The secret in a slot, if there is one.
    pub(super) async fn get(&self, slot: SecretSlot) -> Tried<Option<Secret>> {
        match in_time(self.engine.store.get(&self.key(slot, &self.plan().part))).await {
            Ok(secret) => Ok(Some(secret)),
            Err(Missing::Absent) => Ok(None),
            Err(Missing::Failed(failure)) => Err(failure),
        }
    }

    /// The fingerprint of what is in a slot.
    pub(super) async fn print(&self, slot: SecretSlot) -> Tried<Option<SecretFingerprint>> {
        match self.get(slot).await? {
            Some(secret) => Ok(Some(self.print_of(&secret).await?)),
            None => Ok(None),
        }
    }

    pub(super) async fn print_of(&self, secret: &Secret) -> Tried<SecretFingerprint> {
        let print = self.engine.fingerprint(secret).await;
        print.map(SecretFingerprint).map_err(|problem| not_yet(format!("{}: {}", problem.what, problem.why)))
    }

    pub(super) async fn put(&self, slot: SecretSlot, secret: &Secret) -> Tried<()> {
        in_time(self.engine.store.put(&self.key(slot, &self.plan().part), secret)).await?;
        self.engine.record_fingerprint(self.place(slot, &self.plan().part), secret).await;
        Ok(())
    }

    async fn delete(&self, slot: SecretSlot, part: &SecretPart) -> Tried<()> {
        in_time(self.engine.store.delete(&self.key(slot, part))).await?;
        self.engine.release_fingerprint(self.place(slot, part)).await;
        Ok(())
    }

    /// Empties a slot.
    pub(super) async fn empty(&self, slot: SecretSlot) -> Tried<()> {
        self.drop_access_token(slot).await?;
        self.delete(slot, &self.plan().part).await
    }

    /// `current` to `previous` and `pending` to `current`, unless that has happened already.
    pub(super) async fn exchange_slots(&self, change: &SlotSwap) -> Tried<()> {
        if self.print(SecretSlot::Current).await?.as_ref() == Some(&change.new) {
            return self.move_access_token().await;
        }
        let old = self.outgoing(change).await?;
        let Some(new) = self.get(SecretSlot::Pending).await? else { return Err(lost()) };
        if self.print_of(&new).await? != change.new {
            return Err(lost());
        }
        if let Some(old) = old {
            self.put(SecretSlot::Previous, &old).await?;
            self.require(SecretSlot::Previous, &old).await?;
        }
        self.drop_access_token(SecretSlot::Current).await?;
        self.put(SecretSlot::Current, &new).await?;
        self.require(SecretSlot::Current, &new).await?;
        self.move_access_token().await
    }

    /// `previous` to `current`, unless that has happened already.
    pub(super) async fn restore_slots(&self, change: &SlotSwap) -> Tried<()> {
        let current = self.print(SecretSlot::Current).await?;
        if current == change.old || (self.renews_itself() && current.as_ref() != Some(&change.new)) {
            return Ok(());
        }
        if current.as_ref() != Some(&change.new) {
            return Err(refused("somebody has put another secret into the store meanwhile"));
        }
        if change.old.is_none() {
            return self.empty(SecretSlot::Current).await;
        }
        let old = self.old_in(SecretSlot::Previous, change).await?;
        self.drop_access_token(SecretSlot::Current).await?;
        self.put(SecretSlot::Current, &old).await?;
        self.require(SecretSlot::Current, &old).await
    }

    /// Which slot holds the secret of this fingerprint.
    pub(super) async fn find(&self, old: &SecretFingerprint) -> Tried<SecretSlot> {
        let new = self.new_print();
        for slot in [SecretSlot::Current, SecretSlot::Previous] {
            let print = self.print(slot).await?;
            let renewed = self.renews_itself() && print.is_some() && print != new;
            if print.as_ref() == Some(old) || renewed {
                return Ok(slot);
            }
        }
        Err(refused("the old secret is in no slot of the store"))
    }

    /// The secret that makes room for the new one; none where a credential is made.
    async fn outgoing(&self, change: &SlotSwap) -> Tried<Option<Secret>> {
        if change.old.is_some() {
            let old = self.old_in(SecretSlot::Current, change).await?;
            self.require_untouched(&old).await?;
            return Ok(Some(old));
        }
        match self.get(SecretSlot::Current).await? {
            None => Ok(None),
            Some(_) => Err(refused("somebody has put another secret into the store meanwhile")),
        }
    }

    async fn old_in(&self, slot: SecretSlot, change: &SlotSwap) -> Tried<Secret> {
        let Some(found) = self.get(slot).await? else { return Err(refused("the old secret is not in the store")) };
        let print = self.print_of(&found).await?;
        if Some(&print) == change.old.as_ref() || (self.renews_itself() && print != change.new) {
            return Ok(found);
        }
        Err(refused("somebody has put another secret into the store meanwhile"))
    }

    /// Where an earlier attempt has kept the old secret already, it is what is current; or else the new one is current, was
    /// used by somebody, and has renewed itself. Taken for the old one, it would be revoked.
    async fn require_untouched(&self, current: &Secret) -> Tried<()> {
        match self.get(SecretSlot::Previous).await? {
            Some(kept) if self.renews_itself() && !kept.same_as(current) => Err(refused(
                "it was used while the two changed places, and nobody knows which of them it is: roll back, and begin anew",
            )),
            _ => Ok(()),
        }
    }

    async fn require(&self, slot: SecretSlot, secret: &Secret) -> Tried<()> {
        match self.get(slot).await? {
            Some(read) if read.same_as(secret) => Ok(()),
            _ => Err(not_yet("the store gave back something else than was put into it")),
        }
    }

    /// An access token goes with the refresh token that it came from, and with no other part.
    async fn drop_access_token(&self, slot: SecretSlot) -> Tried<()> {
        if self.renews_itself() { self.delete(slot, &access_token_part()).await } else { Ok(()) }
    }

    /// The access token that came with a new refresh token goes where that went.
    async fn move_access_token(&self) -> Tried<()> {
        if !self.renews_itself() {
            return Ok(());
        }
        let part = access_token_part();
        match in_time(self.engine.store.get(&self.key(SecretSlot::Pending, &part))).await {
            Ok(token) => {
                in_time(self.engine.store.put(&self.key(SecretSlot::Current, &part), &token)).await?;
                if let Some(token) = shared_token_secret(&token) {
                    self.engine.record_fingerprint(self.place(SecretSlot::Current, &part), &token).await;
                }
                self.delete(SecretSlot::Pending, &part).await
            }
            Err(Missing::Absent) => Ok(()),
            Err(Missing::Failed(failure)) => Err(failure),
        }
    }

    /// Whether using the secret gives it another fingerprint.
    pub(super) fn renews_itself(&self) -> bool {
        let plan = self.plan();
        let kind = self.engine.catalog.kind(&plan.provider, &plan.kind);
        plan.part == SecretPart::Secret && kind.is_ok_and(|kind| matches!(kind.authorization, AuthMethod::RefreshToken { .. }))
    }

    fn place(&self, slot: SecretSlot, part: &SecretPart) -> SecretLocation {
        secret_location(&self.plan().credential, slot, part)
    }

    fn key(&self, slot: SecretSlot, part: &SecretPart) -> ItemKey {
        ItemKey::for_part(&self.plan().credential, slot, part)
    }
}

/// Why a call to the store brought nothing.
enum Missing {
    Absent,
    Failed(StepFailure),
}

/// A store that never answers must not hold a rotation up for ever.
async fn in_time<T>(call: impl Future<Output = Result<T, StoreError>>) -> Result<T, Missing> {
    let limit = CALL_TIMEOUT * 2;
    match tokio::time::timeout(limit, call).await.unwrap_or(Err(StoreError::TimedOut(limit))) {
        Ok(found) => Ok(found),
        Err(StoreError::NotFound) => Err(Missing::Absent),
        Err(error @ StoreError::TooLarge { .. }) => Err(Missing::Failed(refused(error.to_string()))),
        Err(error) => Err(Missing::Failed(not_yet(error.to_string()))),
    }
}

impl From<Missing> for StepFailure {
    fn from(missing: Missing) -> Self {
        match missing {
            Missing::Absent => not_yet("the store does not hold what it was given"),
            Missing::Failed(failure) => failure,
        }
    }
}

fn bytes_of_key(bytes: &[u8]) -> [u8; 16] {
    let mut key = [0; 16];
    key.iter_mut().zip(bytes).for_each(|(key, byte)| *key = *byte);
    key
}

pub(super) fn not_yet(why: impl Into<String>) -> StepFailure {
    StepFailure::new(StepFailureKind::Retryable, why)
}

pub(super) fn refused(why: impl Into<String>) -> StepFailure {
    StepFailure::new(StepFailureKind::Refused, why)
}

pub(super) fn lost() -> StepFailure {
    StepFailure::new(StepFailureKind::SecretLost, "the new secret is neither in hand nor in the store")
}
