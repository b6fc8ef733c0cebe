//! Tests of creations whose secret the store refuses: they are undone while the secret is in hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tokenring::domain::Secret;
use tokenring::domain::credential::SecretSlot;
use tokenring::domain::rotation::{RotationPlan, UserDecision};
use tokenring::engine::rotation::{RotationDirection, RotationObserver, RotationPhase};
use tokenring::store::{
    BackendInfo, CALL_TIMEOUT, ItemKey, MemoryStore, SecretStore, StoreError, UnlockMethod,
};

use super::creation_and_revocation::{CreationCase, creation_request};
use super::fault_injection::FaultInjector;
use super::rig::RotationRig;
use super::scripted_user::ScriptedUser;

/// A store that keeps nothing in one slot while it is told to.
struct RefusingStore {
    inner: Arc<MemoryStore>,
    refused: ItemKey,
    refuses: AtomicBool,
    error: fn() -> StoreError,
}

const REFUSALS: [fn() -> StoreError; 3] = [
    || StoreError::Unavailable("no space left on device".to_owned()),
    || StoreError::TooLarge { size: 2, limit: 1 },
    || StoreError::TimedOut(CALL_TIMEOUT),
];

impl RefusingStore {
    fn new(rig: &RotationRig, plan: &RotationPlan, error: fn() -> StoreError) -> Arc<Self> {
        let refused = ItemKey::for_part(&plan.credential, SecretSlot::Pending, &plan.part);
        let (inner, refuses) = (Arc::clone(&rig.store), AtomicBool::new(true));
        Arc::new(Self { inner, refused, refuses, error })
    }
}

#[async_trait]
impl SecretStore for RefusingStore {
    fn backend(&self) -> BackendInfo {
        self.inner.backend()
    }

    async fn status(&self) -> Result<(), StoreError> {
        self.inner.status().await
    }

    async fn unlock(&self, by: UnlockMethod<'_>, wait: Duration) -> Result<(), StoreError> {
        self.inner.unlock(by, wait).await
    }

    async fn get(&self, key: &ItemKey) -> Result<Secret, StoreError> {
        self.inner.get(key).await
    }

    async fn put(&self, key: &ItemKey, secret: &Secret) -> Result<(), StoreError> {
        if *key == self.refused && self.refuses.load(Ordering::SeqCst) {
            return Err((self.error)());
        }
        self.inner.put(key, secret).await
    }

    async fn delete(&self, key: &ItemKey) -> Result<(), StoreError> {
        self.inner.delete(key).await
    }
}

/// A template, its administrator, and the field that makes the new secret a further one of an
/// existing account, which is identified by its value only.
const CREATIONS: [CreationCase; 4] = [
    ("us01-ci-scanner", "us01-admin", None),
    ("us01-release-bot", "us01-admin", Some("service_account_id")),
    ("us01-triage-app", "us01-admin", None),
    ("saw-eu-admin", "saw-eu-admin", None),
];

#[tokio::test]
async fn a_created_credential_that_the_store_refuses_is_deleted_at_the_provider() {
    for (case, error) in CREATIONS.into_iter().flat_map(|case| REFUSALS.map(|error| (case, error)))
    {
        let rig = RotationRig::new().await;
        let (name, request) = (case.0, creation_request(&rig, case).await);
        let creation = rig.fresh_engine().rotation.plan_creation(request).await.unwrap();
        let plan = creation.plan.clone();
        let before = rig.secrets_before(&plan).await;
        let store = RefusingStore::new(&rig, &plan, error);
        let engine = rig.engine_on(store, &Arc::new(FaultInjector::none()));
        let user = ScriptedUser::new(&rig, name);
        let observer = RotationObserver { prompter: &user, on_progress: &|_| {} };
        let status = engine.rotation.create_credential(creation, observer).await.unwrap();
        assert_eq!(status.state, RotationPhase::RolledBack, "{name}: {status:#?}");
        assert_eq!(status.manual_steps, [] as [&str; 0], "{name}");
        let why = status.why.clone().unwrap_or_default();
        assert!(why.contains("deleted at the provider again"), "{name}: {why}");
        assert!(user.prompts.lock().unwrap().is_empty(), "{name}");
        rig.assert_accounted(&before, &plan, &status).await;
        assert_eq!(rig.live_secrets(&plan.region).await, before.living, "{name}");
    }
}

#[tokio::test]
async fn a_rotation_leaves_no_secret_behind_that_the_store_refuses() {
    for (name, administrator) in
        [("us01-release-bot", None), ("saw-eu-admin", None), ("us01-pr-checks", Some("us01-admin"))]
    {
        let rig = RotationRig::new().await;
        let credential = rig.add_seeded(name).await;
        let administrator = match administrator {
            Some(other) => Some(rig.add_seeded(other).await),
            None => None,
        };
        let plan = rig
            .fresh_engine()
            .rotation
            .plan_rotation(&credential, administrator.as_ref())
            .await
            .unwrap();
        let before = rig.secrets_before(&plan).await;
        let store = RefusingStore::new(&rig, &plan, REFUSALS[0]);
        let injector = Arc::new(FaultInjector::none());
        let engine = rig.engine_on(Arc::clone(&store) as Arc<dyn SecretStore>, &injector);
        let user = LeavingUser;
        let observer = RotationObserver { prompter: &user, on_progress: &|_| {} };
        let status = engine.rotation.rotate(plan.clone(), observer).await.unwrap();
        assert_eq!(status.state, RotationPhase::NeedsUser, "{name}: {status:#?}");
        assert_eq!(rig.live_secrets(&plan.region).await, before.living, "{name}");
        assert!(status.next.contains("no space left"), "{name}: {}", status.next);

        store.refuses.store(false, Ordering::SeqCst);
        let user = ScriptedUser::new(&rig, name).decides(UserDecision::Retry);
        let observer = RotationObserver { prompter: &user, on_progress: &|_| {} };
        let id = plan.rotation.to_string();
        let status = engine
            .rotation
            .resume_rotation(&id, RotationDirection::Forward, observer)
            .await
            .unwrap();
        assert_eq!(status.state, RotationPhase::Done, "{name}: {status:#?}");
        rig.assert_accounted(&before, &plan, &status).await;
    }
}

#[tokio::test]
async fn a_secret_that_is_neither_stored_nor_deleted_is_kept_for_another_try() {
    let rig = RotationRig::new().await;
    let credential = rig.add_seeded("saw-eu-admin").await;
    let plan = rig.fresh_engine().rotation.plan_rotation(&credential, None).await.unwrap();
    let before = rig.secrets_before(&plan).await;
    let store = RefusingStore::new(&rig, &plan, REFUSALS[0]);
    rig.add_fault(&serde_json::json!({"method": "DELETE", "status": 403, "times": 1})).await;
    let injector = Arc::new(FaultInjector::none());
    let engine = rig.engine_on(Arc::clone(&store) as Arc<dyn SecretStore>, &injector);
    let user = ScriptedUser::new(&rig, "saw-eu-admin");
    let on_progress = |line: &tokenring::domain::rotation::ProgressLine| {
        // The disk has room again after the first attempt of the next step.
        if line.step == "stash" && line.state == tokenring::domain::rotation::StepStatus::Failed {
            store.refuses.store(false, Ordering::SeqCst);
        }
    };
    let observer = RotationObserver { prompter: &user, on_progress: &on_progress };
    let status = engine.rotation.rotate(plan.clone(), observer).await.unwrap();
    assert_eq!(status.state, RotationPhase::Done, "{status:#?}");
    rig.assert_accounted(&before, &plan, &status).await;
}

/// A user who answers nothing.
struct LeavingUser;

#[async_trait]
impl tokenring::engine::prompt::UserPrompter for LeavingUser {
    async fn confirm(&self, _question: &tokenring::engine::prompt::PromptMessage) -> bool {
        true
    }

    async fn read_secret(
        &self,
        _question: &tokenring::engine::prompt::PromptMessage,
    ) -> Option<Secret> {
        None
    }
}
