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

use super::chaos::{Chaos, FAULTS, Fault};
use super::person::Person;
use super::rig::{Before, Errand, Rig};

/// The template of the new credential, its administrator, and the field of the account that gets a
/// further secret instead of a new account.
type Making = (&'static str, &'static str, Option<&'static str>);

const MAKINGS: [Making; 6] = [
    ("us01-ci-scanner", "us01-admin", None),
    ("us01-release-bot", "us01-admin", None),
    ("us01-release-bot", "us01-admin", Some("service_account_id")),
    ("us01-triage-app", "us01-admin", None),
    ("saw-eu-admin", "saw-eu-admin", None),
    ("us01-group-reporter", "us01-admin", None),
];

/// The credential to revoke, and its administrator.
type Ending = (&'static str, Option<&'static str>);

const ENDINGS: [Ending; 6] = [
    ("us01-ci-scanner", Some("us01-admin")),
    ("us01-group-reporter", Some("us01-admin")),
    ("saw-eu-admin", None),
    ("us01-laptop", None),
    ("us01-admin", None),
    ("appcircle-ci", None),
];

/// A rig in which a creation or a revocation has been planned.
struct Stage {
    rig: Rig,
    errand: Errand,
    before: Before,
    name: &'static str,
}

impl Stage {
    async fn to_make((name, administrator, further): Making) -> Self {
        let rig = Rig::new().await;
        let like = rig.adopt(name).await;
        let administrator =
            if administrator == name { like.clone() } else { rig.adopt(administrator).await };
        let further = further.and_then(|field| like.fields.get_key_value(field));
        let wish = CreateRequest {
            name: CredentialName::parse("made").unwrap(),
            provider: like.provider.clone(),
            kind: like.kind.clone(),
            region: like.region.clone(),
            fields: further
                .map(|(field, value)| (field.clone(), value.clone()))
                .into_iter()
                .collect(),
            labels: vec!["new".to_owned()],
            template: Some(like),
            administrator: administrator.id,
            reason: "a test".to_owned(),
        };
        let creation = rig.calm().plan_creation(wish).await.unwrap();
        let before = rig.before(&creation.plan).await;
        Self { rig, errand: Errand::Make(Box::new(creation)), before, name }
    }

    async fn to_end((name, administrator): Ending) -> Self {
        let rig = Rig::new().await;
        let credential = rig.adopt(name).await;
        let administrator: Option<Credential> = match administrator {
            Some(administrator) => Some(rig.adopt(administrator).await),
            None => None,
        };
        let plan = rig.calm().plan_revocation(&credential, administrator.as_ref()).unwrap();
        let before = rig.before(&plan).await;
        Self { rig, errand: Errand::About(Box::new(plan)), before, name }
    }

    fn person(&self) -> Person<'_> {
        Person::new(&self.rig, self.name).revokes(self.before.old.as_ref())
    }

    fn told(&self) -> String {
        format!("{}: {:#?}", self.name, self.rig.lines.lock().unwrap())
    }

    /// Runs the task with one fault, and checks that all secrets are accounted for.
    async fn run(&self, chaos: &Arc<Chaos>) -> RotationStatus {
        let person = self.person();
        let run = AssertUnwindSafe(self.rig.carry_out(&self.errand, chaos, &person));
        let status = run.catch_unwind().await.unwrap_or_else(|_| panic!("{}", self.told()));
        let accounted =
            AssertUnwindSafe(self.rig.assert_accounted(&self.before, self.errand.plan(), &status));
        accounted.catch_unwind().await.unwrap_or_else(|_| panic!("{}", self.told()));
        status
    }

    /// Runs until the n-th progress line and stops there as if the process was killed.
    async fn die_at(&self, person: &Person<'_>, nth: usize) -> bool {
        let told = AtomicUsize::new(0);
        let tell = |_: &ProgressLine| {
            if told.fetch_add(1, Ordering::SeqCst) == nth {
                std::panic::resume_unwind(Box::new("the process dies"));
            }
        };
        let (engine, audience) =
            (self.rig.calm(), RotationObserver { prompter: person, on_progress: &tell });
        let run = async {
            match &self.errand {
                Errand::About(plan) => engine.rotate(plan.as_ref().clone(), audience).await,
                Errand::Make(creation) => {
                    engine.create_credential(creation.as_ref().clone(), audience).await
                }
            }
        };
        AssertUnwindSafe(run).catch_unwind().await.is_err()
    }

    async fn resume(
        &self,
        person: &Person<'_>,
        turn: RotationDirection,
    ) -> Result<RotationStatus, tokenring::domain::Problem> {
        let tell = |line: &ProgressLine| self.rig.lines.lock().unwrap().push(line.clone());
        self.rig
            .calm()
            .resume_rotation(
                self.errand.plan().rotation.as_str(),
                turn,
                RotationObserver { prompter: person, on_progress: &tell },
            )
            .await
    }
}

#[tokio::test]
async fn what_is_made_works_is_marked_and_is_on_record() {
    for making in MAKINGS {
        let stage = Stage::to_make(making).await;
        let status = stage.run(&Arc::new(Chaos::calm())).await;
        assert_eq!(
            (status.state, &status.manual_steps[..]),
            (RotationPhase::Done, &[][..]),
            "{}",
            stage.told()
        );
        let plan = stage.errand.plan();
        let engine = stage.rig.calm();
        let made = engine.find_credential("made").await.unwrap();
        assert_eq!(made.labels, ["new"]);
        if plan.part == tokenring::domain::credential::SecretPart::Secret {
            let check = engine.check(&made, &made.region).await.unwrap();
            assert_eq!(
                check.result,
                tokenring::domain::response::CheckResult::Accepted,
                "{}: {}",
                stage.name,
                check.reason
            );
        }
        let reasons: Vec<String> = engine
            .audit_records(10)
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
    for making in MAKINGS {
        let chaos = Arc::new(Chaos::calm());
        Stage::to_make(making).await.run(&chaos).await;
        for (nth, fault) in (0..chaos.calls()).flat_map(|nth| FAULTS.map(|fault| (nth, fault))) {
            Stage::to_make(making).await.run(&Arc::new(Chaos::at(nth, fault))).await;
        }
    }
}

#[tokio::test]
async fn every_call_of_revoking_may_go_wrong() {
    for ending in ENDINGS {
        let chaos = Arc::new(Chaos::calm());
        let status = Stage::to_end(ending).await.run(&chaos).await;
        assert_eq!(
            (status.state, &status.manual_steps[..]),
            (RotationPhase::Done, &[][..]),
            "{ending:?}"
        );
        for (nth, fault) in (0..chaos.calls()).flat_map(|nth| FAULTS.map(|fault| (nth, fault))) {
            let stage = Stage::to_end(ending).await;
            let status = stage.run(&Arc::new(Chaos::at(nth, fault))).await;
            assert_eq!(status.state, RotationPhase::Done, "{nth} {fault:?} {}", stage.told());
        }
    }
}

#[tokio::test]
async fn dying_after_any_entry_of_making_or_revoking_may_be_taken_up_or_back() {
    let makings = MAKINGS.map(|making| (Some(making), None));
    for (making, ending) in makings.into_iter().chain(ENDINGS.map(|ending| (None, Some(ending)))) {
        for turn in [RotationDirection::Forward, RotationDirection::RollBack] {
            for nth in 0.. {
                let stage = match (making, ending) {
                    (Some(making), _) => Stage::to_make(making).await,
                    (_, Some(ending)) => Stage::to_end(ending).await,
                    _ => unreachable!(),
                };
                let person = stage.person();
                if !stage.die_at(&person, nth).await {
                    break;
                }
                let status = match stage.resume(&person, turn).await {
                    Err(problem) if turn == RotationDirection::RollBack => {
                        assert!(problem.what.contains("cannot be rolled back"), "{problem}");
                        stage.resume(&person, RotationDirection::Forward).await.unwrap()
                    }
                    ended => ended.unwrap(),
                };
                stage.rig.assert_accounted(&stage.before, stage.errand.plan(), &status).await;
            }
        }
    }
}

#[tokio::test]
async fn an_entry_of_a_creation_that_cannot_be_written_stops_it_before_it_acts() {
    for nth in 1.. {
        let stage = Stage::to_make(MAKINGS[0]).await;
        let person = stage.person();
        stage.rig.refuse_entry(nth);
        let tell = |_: &ProgressLine| {};
        let audience = RotationObserver { prompter: &person, on_progress: &tell };
        let Errand::Make(creation) = &stage.errand else { unreachable!() };
        let Err(problem) =
            stage.rig.calm().create_credential(creation.as_ref().clone(), audience).await
        else {
            break;
        };
        assert!(!problem.remedy.is_empty());
        stage.rig.accept_all();
        let status = stage.run(&Arc::new(Chaos::calm())).await;
        assert_eq!(status.state, RotationPhase::Done, "{}", stage.told());
    }
}

#[tokio::test]
async fn a_refused_creation_leaves_nothing_and_says_why() {
    let stage = Stage::to_make(MAKINGS[0]).await;
    stage.rig.knob(&json!({"method": "POST", "path": "/rest/", "status": 403})).await;
    let status = stage.run(&Arc::new(Chaos::calm())).await;
    assert_eq!(status.state, RotationPhase::RolledBack);
    assert!(status.why.as_deref().is_some_and(|why| why.contains("403")), "{status:#?}");
    assert!(stage.rig.calm().find_credential("made").await.is_err());
}

#[tokio::test]
async fn what_a_person_makes_is_never_asked_for_instead_and_a_third_secret_is_refused() {
    let stage = Stage::to_make(MAKINGS[2]).await;
    stage.run(&Arc::new(Chaos::calm())).await;
    let Errand::Make(creation) = &stage.errand else { unreachable!() };
    let fields = BTreeMap::from([(
        "service_account_id".to_owned(),
        creation.credential.fields["service_account_id"].clone(),
    )]);
    let wish = CreateRequest {
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
    let third = stage.rig.calm().plan_creation(wish).await.unwrap();
    assert!(
        third.plan.limit_warning().is_some_and(|limit| limit.contains("allows 2")),
        "said beforehand"
    );
    let before = stage.rig.before(&third.plan).await;
    let person = stage.person();
    let status = stage
        .rig
        .carry_out(&Errand::Make(Box::new(third.clone())), &Arc::new(Chaos::calm()), &person)
        .await;
    assert_eq!(
        (status.state, person.asked.lock().unwrap().len()),
        (RotationPhase::RolledBack, 0),
        "{status:#?}"
    );
    assert!(status.why.is_some());
    stage.rig.assert_accounted(&before, &third.plan, &status).await;
    assert_eq!(stage.rig.slot(&third.plan, SecretSlot::Current).await, None);
}

#[tokio::test]
async fn a_lost_answer_to_a_creation_is_found_again_by_its_name() {
    let chaos = Arc::new(Chaos::calm());
    Stage::to_make(MAKINGS[0]).await.run(&chaos).await;
    let mut found = 0;
    for nth in 0..chaos.calls() {
        let stage = Stage::to_make(MAKINGS[0]).await;
        let status = stage.run(&Arc::new(Chaos::at(nth, Fault::LoseAnswer))).await;
        assert_eq!(
            (status.state, &status.manual_steps[..]),
            (RotationPhase::Done, &[][..]),
            "{}",
            stage.told()
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
