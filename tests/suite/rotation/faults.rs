//! Fault tests of replacing a secret: every call of every plan fails in every way, at the store and
//! at the provider; the process is killed after every entry of the journal; entries cannot be
//! written.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::FutureExt as _;
use tokenring::domain::Credential;
use tokenring::domain::credential::SecretSlot;
use tokenring::domain::rotation::ProgressLine;
use tokenring::engine::rotation::{
    RotationDirection, RotationFilter, RotationObserver, RotationPhase, RotationPlan,
    RotationStatus,
};

use super::fault_injection::{CALL_FAULTS, CallFault, FaultInjector};
use super::plans::{AUTOMATIC, MANUAL, RotationCase, part_of};
use super::rig::{RotationRig, RotationTask, SecretsBefore};
use super::scripted_user::ScriptedUser;

/// A rig in which a rotation has been planned.
struct FaultStage {
    case: RotationCase,
    rig: RotationRig,
    credential: Credential,
    administrator: Option<Credential>,
    plan: RotationPlan,
    before: SecretsBefore,
    /// SHA-256 of the secret that the consumer held before.
    held: Option<String>,
}

impl FaultStage {
    async fn prepare(case: RotationCase) -> Self {
        let rig = RotationRig::new().await;
        let credential = rig.add_seeded(case.0).await;
        rig.add_file_consumer(&credential, part_of(case.2)).await;
        let administrator = match case.1 {
            Some(administrator) => Some(rig.add_seeded(administrator).await),
            None => None,
        };
        Self::plan(case, rig, credential, administrator).await
    }

    /// The same rig with a new plan for its current state.
    async fn with_new_plan(self) -> Self {
        let credential =
            self.rig.fresh_engine().credentials.get(&self.credential.id).await.unwrap();
        self.rig.lines.lock().unwrap().clear();
        Self::plan(self.case, self.rig, credential, self.administrator).await
    }

    async fn plan(
        case: RotationCase,
        rig: RotationRig,
        credential: Credential,
        administrator: Option<Credential>,
    ) -> Self {
        let plan = rig
            .fresh_engine()
            .rotation
            .plan_part_rotation(&credential, part_of(case.2), administrator.as_ref())
            .await
            .unwrap();
        let (before, held) = (rig.secrets_before(&plan).await, rig.delivered());
        Self { case, rig, credential, administrator, plan, before, held }
    }

    async fn assert_accounted(&self, status: &RotationStatus) {
        self.rig.assert_accounted(&self.before, &self.plan, status).await;
        let (held, current) =
            (self.rig.delivered(), self.rig.slot(&self.plan, SecretSlot::Current).await);
        match status.state {
            RotationPhase::Done => assert_eq!(held, current, "the consumer has the new secret"),
            _ => assert!(
                held == self.held || held == current,
                "the consumer has the old secret: {held:?}, not {current:?}"
            ),
        }
    }

    /// Runs the rotation with one fault; returns the number of calls, and whether the rig can be
    /// used again.
    async fn run(&self, fault: Option<(usize, CallFault)>) -> (usize, bool) {
        let injector =
            Arc::new(fault.map_or_else(FaultInjector::none, |(nth, fault)| {
                FaultInjector::at_call(nth, fault)
            }));
        let user = ScriptedUser::new(&self.rig, self.case.0).revokes(self.before.old.as_ref());
        let context =
            || format!("{} with {fault:?}: {:#?}", self.case.0, self.rig.lines.lock().unwrap());
        let task = RotationTask::Existing(Box::new(self.plan.clone()));
        let run = AssertUnwindSafe(self.rig.run_task(&task, &injector, &user));
        let status = run.catch_unwind().await.unwrap_or_else(|_| panic!("{}", context()));
        // An unidentified second client secret leaves no room for another one, and the user cannot
        // identify it: then the user rolls back.
        let is_stuck = status.state == RotationPhase::RolledBack
            && !status.manual_steps.is_empty()
            && [AUTOMATIC[1], AUTOMATIC[4]].contains(&self.case);
        assert!(status.state == RotationPhase::Done || is_stuck, "{status:#?}\n{}", context());
        AssertUnwindSafe(self.assert_accounted(&status))
            .catch_unwind()
            .await
            .unwrap_or_else(|_| panic!("{}", context()));
        (injector.calls(), status.manual_steps.is_empty())
    }
}

async fn every_call_goes_wrong_in_every_way(case: RotationCase) {
    let mut stage = FaultStage::prepare(case).await;
    let (calls, _) = stage.run(None).await;
    for fault in (0..calls).flat_map(|nth| CALL_FAULTS.map(|fault| (nth, fault))) {
        stage = stage.with_new_plan().await;
        if !stage.run(Some(fault)).await.1 {
            stage = FaultStage::prepare(case).await;
        }
    }
}

#[tokio::test]
async fn every_call_of_replacing_a_service_account_may_go_wrong() {
    every_call_goes_wrong_in_every_way(AUTOMATIC[0]).await;
}

#[tokio::test]
async fn every_call_of_replacing_a_service_account_with_an_api_key_may_go_wrong() {
    every_call_goes_wrong_in_every_way(AUTOMATIC[2]).await;
}

#[tokio::test]
async fn every_call_of_replacing_a_service_account_of_a_group_may_go_wrong() {
    every_call_goes_wrong_in_every_way(AUTOMATIC[5]).await;
}

#[tokio::test]
async fn every_call_of_replacing_a_client_secret_may_go_wrong() {
    every_call_goes_wrong_in_every_way(AUTOMATIC[1]).await;
}

#[tokio::test]
async fn every_call_of_replacing_an_api_web_key_may_go_wrong() {
    every_call_goes_wrong_in_every_way(AUTOMATIC[3]).await;
}

#[tokio::test]
async fn every_call_of_replacing_the_client_secret_of_an_app_may_go_wrong() {
    every_call_goes_wrong_in_every_way(AUTOMATIC[4]).await;
}

#[tokio::test]
async fn every_call_of_replacing_a_personal_token_may_go_wrong() {
    every_call_goes_wrong_in_every_way(MANUAL[0]).await;
}

#[tokio::test]
async fn every_call_of_replacing_a_personal_access_token_may_go_wrong() {
    every_call_goes_wrong_in_every_way(MANUAL[1]).await;
}

#[tokio::test]
async fn every_call_of_replacing_an_appcircle_key_may_go_wrong() {
    every_call_goes_wrong_in_every_way(MANUAL[2]).await;
}

#[tokio::test]
async fn every_call_of_replacing_an_api_key_of_appcircle_may_go_wrong() {
    every_call_goes_wrong_in_every_way(MANUAL[3]).await;
}

#[tokio::test]
async fn every_call_of_replacing_a_sign_in_to_an_app_may_go_wrong() {
    every_call_goes_wrong_in_every_way(MANUAL[4]).await;
}

/// Runs until the n-th progress line and stops there as if the process was killed: the journal
/// entry of that line is durable, and nothing else happened.
async fn crash_at(
    stage: &FaultStage,
    user: &ScriptedUser<'_>,
    nth: usize,
) -> Option<RotationStatus> {
    let line_count = AtomicUsize::new(0);
    let on_progress = |_: &ProgressLine| {
        if line_count.fetch_add(1, Ordering::SeqCst) == nth {
            std::panic::resume_unwind(Box::new("the process dies"));
        }
    };
    let engine = stage.rig.fresh_engine();
    let observer = RotationObserver { prompter: user, on_progress: &on_progress };
    AssertUnwindSafe(engine.rotation.rotate(stage.plan.clone(), observer))
        .catch_unwind()
        .await
        .ok()
        .map(|ended| ended.unwrap())
}

#[tokio::test]
async fn a_crash_after_any_entry_loses_nothing_and_can_be_resumed_or_rolled_back() {
    for case in AUTOMATIC.into_iter().chain(MANUAL) {
        for direction in [RotationDirection::Forward, RotationDirection::RollBack] {
            for nth in 0.. {
                let stage = FaultStage::prepare(case).await;
                let user = ScriptedUser::new(&stage.rig, case.0).revokes(stage.before.old.as_ref());
                if crash_at(&stage, &user, nth).await.is_some() {
                    break;
                }
                let on_progress =
                    |line: &ProgressLine| stage.rig.lines.lock().unwrap().push(line.clone());
                let observer = RotationObserver { prompter: &user, on_progress: &on_progress };
                let engine = stage.rig.fresh_engine();
                let id = stage.plan.rotation.as_str();
                let ended = match engine.rotation.resume_rotation(id, direction, observer).await {
                    Err(problem) if direction == RotationDirection::RollBack => {
                        assert!(problem.what.contains("cannot be rolled back"), "{problem}");
                        engine
                            .rotation
                            .resume_rotation(id, RotationDirection::Forward, observer)
                            .await
                    }
                    ended => ended,
                };
                let status = ended.unwrap();
                let expected = if direction == RotationDirection::Forward {
                    vec![RotationPhase::Done]
                } else {
                    vec![RotationPhase::Done, RotationPhase::RolledBack]
                };
                assert!(
                    expected.contains(&status.state),
                    "{case:?} {nth} {direction:?}: {status:#?} {:#?}",
                    stage.rig.lines.lock().unwrap()
                );
                stage.assert_accounted(&status).await;
            }
        }
    }
}

#[tokio::test]
async fn an_entry_that_cannot_be_written_stops_the_driver_before_it_acts() {
    let case = AUTOMATIC[0];
    for nth in 1.. {
        let stage = FaultStage::prepare(case).await;
        let user = ScriptedUser::new(&stage.rig, case.0);
        stage.rig.refuse_entry(nth);
        let on_progress = |_: &ProgressLine| {};
        let observer = RotationObserver { prompter: &user, on_progress: &on_progress };
        let ended = stage.rig.fresh_engine().rotation.rotate(stage.plan.clone(), observer).await;
        let Err(problem) = ended else { break };
        assert!(!problem.remedy.is_empty());
        assert!(stage.rig.slot(&stage.plan, SecretSlot::Current).await.is_some());
        stage.rig.accept_all();
        let status = stage.rig.rotate(stage.plan.clone(), &user).await;
        assert_eq!(status.state, RotationPhase::Done, "{status:#?}");
        stage.assert_accounted(&status).await;
    }
}

#[tokio::test]
async fn of_two_rotations_of_one_credential_one_runs_and_the_other_says_so() {
    let case = AUTOMATIC[1];
    let stage = FaultStage::prepare(case).await;
    let user = ScriptedUser::new(&stage.rig, case.0);
    let on_progress = |_: &ProgressLine| {};
    let observer = RotationObserver { prompter: &user, on_progress: &on_progress };
    let (one, other) = (stage.rig.fresh_engine(), stage.rig.fresh_engine());
    let second = other.rotation.plan_rotation(&stage.credential, None).await.unwrap();
    let (first, second) = tokio::join!(
        one.rotation.rotate(stage.plan.clone(), observer),
        other.rotation.rotate(second, observer)
    );
    let (done, refused) = match (first, second) {
        (Ok(done), Err(refused)) | (Err(refused), Ok(done)) => (done, refused),
        (first, second) => panic!("{first:#?} {second:#?}"),
    };
    assert_eq!(done.state, RotationPhase::Done);
    assert!(
        refused.what.contains("being rotated") || refused.why.contains("rotation"),
        "{refused}"
    );
    stage.assert_accounted(&done).await;
    assert_eq!(one.journals.list_rotations(RotationFilter::Open).await.unwrap(), []);
}

/// A consumer program fails, hangs or loses its response, once or twice; then it accepts the
/// secret.
#[tokio::test]
async fn a_consumers_program_that_goes_wrong_stops_it_before_revocation_and_is_asked_again() {
    let wrongs: [&[&str]; 6] =
        [&["fail"], &["hang"], &["lose"], &["late"], &["fail", "lose"], &["lose", "fail"]];
    for faults in wrongs {
        let rig = RotationRig::new().await;
        let case = AUTOMATIC[1];
        let credential = rig.add_seeded(case.0).await;
        rig.add_program_consumer(&credential, faults).await;
        let stage = FaultStage::plan(case, rig, credential, None).await;
        let user = ScriptedUser::new(&stage.rig, case.0);
        let status = stage.rig.rotate(stage.plan.clone(), &user).await;
        assert_eq!(
            (status.state, &status.manual_steps[..]),
            (RotationPhase::Done, &[][..]),
            "{faults:?}: {:#?}",
            stage.rig.lines.lock().unwrap()
        );
        stage.assert_accounted(&status).await;
        let asked = user.prompts.lock().unwrap();
        assert!(
            asked.len() >= faults.len() && asked.iter().all(|one| one.step == "deliver app"),
            "{faults:?}: {asked:#?}"
        );
        let lines = stage.rig.lines.lock().unwrap();
        let done = |step: &str| lines.iter().rposition(|line| line.step == step).unwrap();
        assert!(done("deliver app") < done("revoke"), "{lines:#?}");
    }
}
