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

use super::chaos::{Chaos, FAULTS, Fault};
use super::person::Person;
use super::plans::{AUTOMATIC, BY_HAND, Case, part_of};
use super::rig::{Before, Errand, Rig};

/// A rig in which a rotation has been planned.
struct Stage {
    case: Case,
    rig: Rig,
    credential: Credential,
    administrator: Option<Credential>,
    plan: RotationPlan,
    before: Before,
    /// SHA-256 of the secret that the consumer held before.
    held: Option<String>,
}

impl Stage {
    async fn set(case: Case) -> Self {
        let rig = Rig::new().await;
        let credential = rig.adopt(case.0).await;
        rig.consume(&credential, part_of(case.2)).await;
        let administrator = match case.1 {
            Some(administrator) => Some(rig.adopt(administrator).await),
            None => None,
        };
        Self::plan(case, rig, credential, administrator).await
    }

    /// The same rig with a new plan for its current state.
    async fn again(self) -> Self {
        let credential = self.rig.calm().credential_by_id(&self.credential.id).await.unwrap();
        self.rig.lines.lock().unwrap().clear();
        Self::plan(self.case, self.rig, credential, self.administrator).await
    }

    async fn plan(
        case: Case,
        rig: Rig,
        credential: Credential,
        administrator: Option<Credential>,
    ) -> Self {
        let plan = rig
            .calm()
            .plan_part_rotation(&credential, part_of(case.2), administrator.as_ref())
            .await
            .unwrap();
        let (before, held) = (rig.before(&plan).await, rig.delivered());
        Self { case, rig, credential, administrator, plan, before, held }
    }

    async fn accounted(&self, status: &RotationStatus) {
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
    async fn run(&self, fault: Option<(usize, Fault)>) -> (usize, bool) {
        let chaos = Arc::new(fault.map_or_else(Chaos::calm, |(nth, fault)| Chaos::at(nth, fault)));
        let person = Person::new(&self.rig, self.case.0).revokes(self.before.old.as_ref());
        let told =
            || format!("{} with {fault:?}: {:#?}", self.case.0, self.rig.lines.lock().unwrap());
        let errand = Errand::About(Box::new(self.plan.clone()));
        let run = AssertUnwindSafe(self.rig.carry_out(&errand, &chaos, &person));
        let status = run.catch_unwind().await.unwrap_or_else(|_| panic!("{}", told()));
        // An unidentified second client secret leaves no room for another one, and the user cannot
        // identify it: then the user rolls back.
        let forlorn = status.state == RotationPhase::RolledBack
            && !status.manual_steps.is_empty()
            && [AUTOMATIC[1], AUTOMATIC[4]].contains(&self.case);
        assert!(status.state == RotationPhase::Done || forlorn, "{status:#?}\n{}", told());
        AssertUnwindSafe(self.accounted(&status))
            .catch_unwind()
            .await
            .unwrap_or_else(|_| panic!("{}", told()));
        (chaos.calls(), status.manual_steps.is_empty())
    }
}

async fn every_call_goes_wrong_in_every_way(case: Case) {
    let mut stage = Stage::set(case).await;
    let (calls, _) = stage.run(None).await;
    for fault in (0..calls).flat_map(|nth| FAULTS.map(|fault| (nth, fault))) {
        stage = stage.again().await;
        if !stage.run(Some(fault)).await.1 {
            stage = Stage::set(case).await;
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
    every_call_goes_wrong_in_every_way(BY_HAND[0]).await;
}

#[tokio::test]
async fn every_call_of_replacing_a_personal_access_token_may_go_wrong() {
    every_call_goes_wrong_in_every_way(BY_HAND[1]).await;
}

#[tokio::test]
async fn every_call_of_replacing_an_appcircle_key_may_go_wrong() {
    every_call_goes_wrong_in_every_way(BY_HAND[2]).await;
}

#[tokio::test]
async fn every_call_of_replacing_an_api_key_of_appcircle_may_go_wrong() {
    every_call_goes_wrong_in_every_way(BY_HAND[3]).await;
}

#[tokio::test]
async fn every_call_of_replacing_a_sign_in_to_an_app_may_go_wrong() {
    every_call_goes_wrong_in_every_way(BY_HAND[4]).await;
}

/// Runs until the n-th progress line and stops there as if the process was killed: the journal
/// entry of that line is durable, and nothing else happened.
async fn die_at(stage: &Stage, person: &Person<'_>, nth: usize) -> Option<RotationStatus> {
    let told = AtomicUsize::new(0);
    let tell = |_: &ProgressLine| {
        if told.fetch_add(1, Ordering::SeqCst) == nth {
            std::panic::resume_unwind(Box::new("the process dies"));
        }
    };
    let engine = stage.rig.calm();
    let audience = RotationObserver { prompter: person, on_progress: &tell };
    AssertUnwindSafe(engine.rotate(stage.plan.clone(), audience))
        .catch_unwind()
        .await
        .ok()
        .map(|ended| ended.unwrap())
}

#[tokio::test]
async fn dying_after_any_entry_loses_nothing_and_may_be_taken_up_or_back() {
    for case in AUTOMATIC.into_iter().chain(BY_HAND) {
        for turn in [RotationDirection::Forward, RotationDirection::RollBack] {
            for nth in 0.. {
                let stage = Stage::set(case).await;
                let person = Person::new(&stage.rig, case.0).revokes(stage.before.old.as_ref());
                if die_at(&stage, &person, nth).await.is_some() {
                    break;
                }
                let tell = |line: &ProgressLine| stage.rig.lines.lock().unwrap().push(line.clone());
                let audience = RotationObserver { prompter: &person, on_progress: &tell };
                let engine = stage.rig.calm();
                let id = stage.plan.rotation.as_str();
                let ended = match engine.resume_rotation(id, turn, audience).await {
                    Err(problem) if turn == RotationDirection::RollBack => {
                        assert!(problem.what.contains("cannot be rolled back"), "{problem}");
                        engine.resume_rotation(id, RotationDirection::Forward, audience).await
                    }
                    ended => ended,
                };
                let status = ended.unwrap();
                let expected = if turn == RotationDirection::Forward {
                    vec![RotationPhase::Done]
                } else {
                    vec![RotationPhase::Done, RotationPhase::RolledBack]
                };
                assert!(
                    expected.contains(&status.state),
                    "{case:?} {nth} {turn:?}: {status:#?} {:#?}",
                    stage.rig.lines.lock().unwrap()
                );
                stage.accounted(&status).await;
            }
        }
    }
}

#[tokio::test]
async fn an_entry_that_cannot_be_written_stops_the_driver_before_it_acts() {
    let case = AUTOMATIC[0];
    for nth in 1.. {
        let stage = Stage::set(case).await;
        let person = Person::new(&stage.rig, case.0);
        stage.rig.refuse_entry(nth);
        let tell = |_: &ProgressLine| {};
        let audience = RotationObserver { prompter: &person, on_progress: &tell };
        let ended = stage.rig.calm().rotate(stage.plan.clone(), audience).await;
        let Err(problem) = ended else { break };
        assert!(!problem.remedy.is_empty());
        assert!(stage.rig.slot(&stage.plan, SecretSlot::Current).await.is_some());
        stage.rig.accept_all();
        let status = stage.rig.rotate(stage.plan.clone(), &person).await;
        assert_eq!(status.state, RotationPhase::Done, "{status:#?}");
        stage.accounted(&status).await;
    }
}

#[tokio::test]
async fn of_two_rotations_of_one_credential_one_runs_and_the_other_says_so() {
    let case = AUTOMATIC[1];
    let stage = Stage::set(case).await;
    let person = Person::new(&stage.rig, case.0);
    let tell = |_: &ProgressLine| {};
    let audience = RotationObserver { prompter: &person, on_progress: &tell };
    let (one, other) = (stage.rig.calm(), stage.rig.calm());
    let second = other.plan_rotation(&stage.credential, None).await.unwrap();
    let (first, second) =
        tokio::join!(one.rotate(stage.plan.clone(), audience), other.rotate(second, audience));
    let (done, refused) = match (first, second) {
        (Ok(done), Err(refused)) | (Err(refused), Ok(done)) => (done, refused),
        (first, second) => panic!("{first:#?} {second:#?}"),
    };
    assert_eq!(done.state, RotationPhase::Done);
    assert!(
        refused.what.contains("being rotated") || refused.why.contains("rotation"),
        "{refused}"
    );
    stage.accounted(&done).await;
    assert_eq!(one.list_rotations(RotationFilter::Open).await.unwrap(), []);
}

/// A consumer program fails, hangs or loses its response, once or twice; then it accepts the
/// secret.
#[tokio::test]
async fn a_consumers_program_that_goes_wrong_stops_it_before_revocation_and_is_asked_again() {
    let wrongs: [&[&str]; 6] =
        [&["fail"], &["hang"], &["lose"], &["late"], &["fail", "lose"], &["lose", "fail"]];
    for faults in wrongs {
        let rig = Rig::new().await;
        let case = AUTOMATIC[1];
        let credential = rig.adopt(case.0).await;
        rig.consume_by_program(&credential, faults).await;
        let stage = Stage::plan(case, rig, credential, None).await;
        let person = Person::new(&stage.rig, case.0);
        let status = stage.rig.rotate(stage.plan.clone(), &person).await;
        assert_eq!(
            (status.state, &status.manual_steps[..]),
            (RotationPhase::Done, &[][..]),
            "{faults:?}: {:#?}",
            stage.rig.lines.lock().unwrap()
        );
        stage.accounted(&status).await;
        let asked = person.asked.lock().unwrap();
        assert!(
            asked.len() >= faults.len() && asked.iter().all(|one| one.step == "deliver app"),
            "{faults:?}: {asked:#?}"
        );
        let lines = stage.rig.lines.lock().unwrap();
        let done = |step: &str| lines.iter().rposition(|line| line.step == step).unwrap();
        assert!(done("deliver app") < done("revoke"), "{lines:#?}");
    }
}
