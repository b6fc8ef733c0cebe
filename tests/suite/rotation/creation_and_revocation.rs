//! Fault tests of creating and of revoking a credential, which use the same state machine as a
//! rotation: every call fails in every way, the process is killed after every entry, and the disk
//! refuses writes.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::FutureExt as _;
use serde_json::json;
use tokenring::domain::credential::SecretSlot;
use tokenring::domain::rotation::ProgressLine;
use tokenring::domain::{Credential, CredentialName};
use tokenring::engine::rotation::{
    CreateRequest, RotationDirection, RotationObserver, RotationPhase, RotationStatus,
};

use super::fault_injection::{CALL_FAULTS, CallFault, FaultInjector};
use super::rig::{RotationRig, RotationTask, SecretsBefore};
use super::scripted_user::ScriptedUser;

/// The template of the new credential, its administrator, and the field of the account that gets a
/// further secret instead of a new account.
pub(super) type CreationCase = (&'static str, &'static str, Option<&'static str>);

const CREATIONS: [CreationCase; 6] = [
    ("us01-ci-scanner", "us01-admin", None),
    ("us01-release-bot", "us01-admin", None),
    ("us01-release-bot", "us01-admin", Some("service_account_id")),
    ("us01-triage-app", "us01-admin", None),
    ("saw-eu-admin", "saw-eu-admin", None),
    ("us01-group-reporter", "us01-admin", None),
];

/// The credential to revoke, and its administrator.
type RevocationCase = (&'static str, Option<&'static str>);

const REVOCATIONS: [RevocationCase; 8] = [
    ("us01-ci-scanner", Some("us01-admin")),
    ("us01-group-reporter", Some("us01-admin")),
    ("us01-release-bot", None),
    ("us01-triage-app", None),
    ("saw-eu-admin", None),
    ("us01-laptop", None),
    ("us01-admin", None),
    ("appcircle-ci", None),
];

/// A rig in which a creation or a revocation has been planned.
struct TaskStage {
    rig: RotationRig,
    task: RotationTask,
    before: SecretsBefore,
    name: &'static str,
}

/// A request for a credential like the one of the case.
pub(super) async fn creation_request(rig: &RotationRig, case: CreationCase) -> CreateRequest {
    let (name, administrator, further) = case;
    let like = rig.add_seeded(name).await;
    let administrator =
        if administrator == name { like.clone() } else { rig.add_seeded(administrator).await };
    let further = further.and_then(|field| like.fields.get_key_value(field));
    CreateRequest {
        name: CredentialName::parse("made").unwrap(),
        provider: like.provider.clone(),
        kind: like.kind.clone(),
        region: like.region.clone(),
        fields: further.map(|(field, value)| (field.clone(), value.clone())).into_iter().collect(),
        labels: vec!["new".to_owned()],
        template: Some(like),
        administrator: administrator.id,
        reason: "a test".to_owned(),
    }
}

impl TaskStage {
    async fn for_creation(case: CreationCase) -> Self {
        let rig = RotationRig::new().await;
        let (name, request) = (case.0, creation_request(&rig, case).await);
        let creation = rig.fresh_engine().rotation.plan_creation(request).await.unwrap();
        let before = rig.secrets_before(&creation.plan).await;
        Self { rig, task: RotationTask::Create(Box::new(creation)), before, name }
    }

    async fn for_revocation((name, administrator): RevocationCase) -> Self {
        let rig = RotationRig::new().await;
        let credential = rig.add_seeded(name).await;
        let administrator: Option<Credential> = match administrator {
            Some(administrator) => Some(rig.add_seeded(administrator).await),
            None => None,
        };
        let plan = rig
            .fresh_engine()
            .rotation
            .plan_revocation(&credential, administrator.as_ref())
            .await
            .unwrap();
        let before = rig.secrets_before(&plan).await;
        Self { rig, task: RotationTask::Existing(Box::new(plan)), before, name }
    }

    fn user(&self) -> ScriptedUser<'_> {
        ScriptedUser::new(&self.rig, self.name).revokes(self.before.old.as_ref())
    }

    fn context(&self) -> String {
        format!("{}: {:#?}", self.name, self.rig.lines.lock().unwrap())
    }

    /// Runs the task with one fault, and checks that all secrets are accounted for.
    async fn run(&self, injector: &Arc<FaultInjector>) -> RotationStatus {
        let user = self.user();
        let run = AssertUnwindSafe(self.rig.run_task(&self.task, injector, &user));
        let status = run.catch_unwind().await.unwrap_or_else(|_| panic!("{}", self.context()));
        let accounted =
            AssertUnwindSafe(self.rig.assert_accounted(&self.before, self.task.plan(), &status));
        accounted.catch_unwind().await.unwrap_or_else(|_| panic!("{}", self.context()));
        status
    }

    /// Runs until the n-th progress line and stops there as if the process was killed.
    async fn crash_at(&self, user: &ScriptedUser<'_>, nth: usize) -> bool {
        let line_count = AtomicUsize::new(0);
        let on_progress = |_: &ProgressLine| {
            if line_count.fetch_add(1, Ordering::SeqCst) == nth {
                std::panic::resume_unwind(Box::new("the process dies"));
            }
        };
        let (engine, observer) = (
            self.rig.fresh_engine(),
            RotationObserver { prompter: user, on_progress: &on_progress },
        );
        let run = async {
            match &self.task {
                RotationTask::Existing(plan) => {
                    engine.rotation.rotate(plan.as_ref().clone(), observer).await
                }
                RotationTask::Create(creation) => {
                    engine.rotation.create_credential(creation.as_ref().clone(), observer).await
                }
            }
        };
        AssertUnwindSafe(run).catch_unwind().await.is_err()
    }

    async fn resume(
        &self,
        user: &ScriptedUser<'_>,
        direction: RotationDirection,
    ) -> Result<RotationStatus, tokenring::domain::Problem> {
        let on_progress = |line: &ProgressLine| self.rig.lines.lock().unwrap().push(line.clone());
        self.rig
            .fresh_engine()
            .rotation
            .resume_rotation(
                self.task.plan().rotation.as_str(),
                direction,
                RotationObserver { prompter: user, on_progress: &on_progress },
            )
            .await
    }
}

#[tokio::test]
async fn what_is_made_works_is_marked_and_is_on_record() {
    for creation_case in CREATIONS {
        let stage = TaskStage::for_creation(creation_case).await;
        let status = stage.run(&Arc::new(FaultInjector::none())).await;
        assert_eq!(
            (status.state, &status.manual_steps[..]),
            (RotationPhase::Done, &[][..]),
            "{}",
            stage.context()
        );
        let plan = stage.task.plan();
        let engine = stage.rig.fresh_engine();
        let made = engine.credentials.find("made").await.unwrap();
        assert_eq!(made.labels, ["new"]);
        if plan.part == tokenring::domain::credential::SecretPart::Secret {
            let check = engine.checks.check(&made, &made.region).await.unwrap();
            assert_eq!(
                check.result,
                tokenring::domain::response::CheckResult::Accepted,
                "{}: {}",
                stage.name,
                check.reason
            );
        }
        let reasons: Vec<String> = engine
            .audit
            .records(10)
            .await
            .unwrap()
            .into_iter()
            .map(|line| line.entry.reason)
            .collect();
        assert!(
            reasons.iter().all(|reason| reason.starts_with("a test; ") || reason.is_empty()),
            "{reasons:?}"
        );
    }
}

#[tokio::test]
async fn every_call_of_making_may_go_wrong() {
    for creation_case in CREATIONS {
        let injector = Arc::new(FaultInjector::none());
        TaskStage::for_creation(creation_case).await.run(&injector).await;
        for (nth, fault) in
            (0..injector.calls()).flat_map(|nth| CALL_FAULTS.map(|fault| (nth, fault)))
        {
            TaskStage::for_creation(creation_case)
                .await
                .run(&Arc::new(FaultInjector::at_call(nth, fault)))
                .await;
        }
    }
}

#[tokio::test]
async fn every_call_of_revoking_may_go_wrong() {
    for revocation_case in REVOCATIONS {
        let injector = Arc::new(FaultInjector::none());
        let status = TaskStage::for_revocation(revocation_case).await.run(&injector).await;
        assert_eq!(
            (status.state, &status.manual_steps[..]),
            (RotationPhase::Done, &[][..]),
            "{revocation_case:?}"
        );
        for (nth, fault) in
            (0..injector.calls()).flat_map(|nth| CALL_FAULTS.map(|fault| (nth, fault)))
        {
            let stage = TaskStage::for_revocation(revocation_case).await;
            let status = stage.run(&Arc::new(FaultInjector::at_call(nth, fault))).await;
            assert_eq!(status.state, RotationPhase::Done, "{nth} {fault:?} {}", stage.context());
        }
    }
}

#[tokio::test]
async fn a_crash_after_any_entry_of_creating_or_revoking_can_be_resumed_or_rolled_back() {
    let creations = CREATIONS.map(|creation_case| (Some(creation_case), None));
    for (creation_case, revocation_case) in creations
        .into_iter()
        .chain(REVOCATIONS.map(|revocation_case| (None, Some(revocation_case))))
    {
        for direction in [RotationDirection::Forward, RotationDirection::RollBack] {
            for nth in 0.. {
                let stage = match (creation_case, revocation_case) {
                    (Some(creation_case), _) => TaskStage::for_creation(creation_case).await,
                    (_, Some(revocation_case)) => TaskStage::for_revocation(revocation_case).await,
                    _ => unreachable!(),
                };
                let user = stage.user();
                if !stage.crash_at(&user, nth).await {
                    break;
                }
                let status = match stage.resume(&user, direction).await {
                    Err(problem) if direction == RotationDirection::RollBack => {
                        assert!(problem.what.contains("cannot be rolled back"), "{problem}");
                        stage.resume(&user, RotationDirection::Forward).await.unwrap()
                    }
                    ended => ended.unwrap(),
                };
                stage.rig.assert_accounted(&stage.before, stage.task.plan(), &status).await;
            }
        }
    }
}

#[tokio::test]
async fn an_entry_of_a_creation_that_cannot_be_written_stops_it_before_it_acts() {
    for nth in 1.. {
        let stage = TaskStage::for_creation(CREATIONS[0]).await;
        let user = stage.user();
        stage.rig.refuse_entry(nth);
        let on_progress = |_: &ProgressLine| {};
        let observer = RotationObserver { prompter: &user, on_progress: &on_progress };
        let RotationTask::Create(creation) = &stage.task else { unreachable!() };
        let Err(problem) = stage
            .rig
            .fresh_engine()
            .rotation
            .create_credential(creation.as_ref().clone(), observer)
            .await
        else {
            break;
        };
        assert!(!problem.remedy.is_empty());
        stage.rig.accept_all();
        let status = stage.run(&Arc::new(FaultInjector::none())).await;
        assert_eq!(status.state, RotationPhase::Done, "{}", stage.context());
    }
}

#[tokio::test]
async fn a_refused_creation_leaves_nothing_and_says_why() {
    let stage = TaskStage::for_creation(CREATIONS[0]).await;
    stage.rig.add_fault(&json!({"method": "POST", "path": "/rest/", "status": 403})).await;
    let status = stage.run(&Arc::new(FaultInjector::none())).await;
    assert_eq!(status.state, RotationPhase::RolledBack);
    assert!(status.why.as_deref().is_some_and(|why| why.contains("403")), "{status:#?}");
    assert!(stage.rig.fresh_engine().credentials.find("made").await.is_err());
}

#[tokio::test]
async fn a_failed_creation_never_asks_the_user_to_create_and_a_third_secret_is_refused() {
    let stage = TaskStage::for_creation(CREATIONS[2]).await;
    stage.run(&Arc::new(FaultInjector::none())).await;
    let RotationTask::Create(creation) = &stage.task else { unreachable!() };
    let fields = BTreeMap::from([(
        "service_account_id".to_owned(),
        creation.credential.fields["service_account_id"].clone(),
    )]);
    let request = CreateRequest {
        name: CredentialName::parse("third").unwrap(),
        provider: creation.credential.provider.clone(),
        kind: creation.credential.kind.clone(),
        region: creation.credential.region.clone(),
        fields,
        labels: Vec::new(),
        template: Some(creation.credential.clone()),
        administrator: creation.plan.administrator.clone().unwrap(),
        reason: String::new(),
    };
    let third = stage.rig.fresh_engine().rotation.plan_creation(request).await.unwrap();
    assert!(
        third.plan.limit_warning().is_some_and(|limit| limit.contains("allows 2")),
        "the limit is in the plan"
    );
    let before = stage.rig.secrets_before(&third.plan).await;
    let user = stage.user();
    let status = stage
        .rig
        .run_task(
            &RotationTask::Create(Box::new(third.clone())),
            &Arc::new(FaultInjector::none()),
            &user,
        )
        .await;
    assert_eq!(
        (status.state, user.prompts.lock().unwrap().len()),
        (RotationPhase::RolledBack, 0),
        "{status:#?}"
    );
    assert!(status.why.is_some());
    stage.rig.assert_accounted(&before, &third.plan, &status).await;
    assert_eq!(stage.rig.slot(&third.plan, SecretSlot::Current).await, None);
}

#[tokio::test]
async fn a_lost_answer_to_a_creation_is_found_again_by_its_name() {
    let injector = Arc::new(FaultInjector::none());
    TaskStage::for_creation(CREATIONS[0]).await.run(&injector).await;
    let mut found = 0;
    for nth in 0..injector.calls() {
        let stage = TaskStage::for_creation(CREATIONS[0]).await;
        let status =
            stage.run(&Arc::new(FaultInjector::at_call(nth, CallFault::LoseResponse))).await;
        assert_eq!(
            (status.state, &status.manual_steps[..]),
            (RotationPhase::Done, &[][..]),
            "{}",
            stage.context()
        );
        found += usize::from(
            stage
                .rig
                .lines
                .lock()
                .unwrap()
                .iter()
                .any(|line| line.detail.contains("but its secret is lost")),
        );
    }
    assert!(found > 0, "no creation was ever lost");
}
