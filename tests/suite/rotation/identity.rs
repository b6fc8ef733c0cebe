//! Tests of identity in rotations: nothing is taken, kept or deleted but what the stored secret
//! names, whatever a list suggests, another person does, or a response claims.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use serde_json::json;
use tokenring::domain::Secret;
use tokenring::domain::credential::SecretSlot;
use tokenring::domain::request::HttpMethod;
use tokenring::engine::prompt::{PromptMessage, PromptReply, RotationPrompt, UserPrompter};
use tokenring::engine::rotation::{
    RotationDirection, RotationObserver, RotationPhase, RotationPlan, RotationStatus, UserDecision,
};

use super::account_template::{seeded, set_fields};
use super::fault_injection::FaultInjector;
use super::plans::{AUTOMATIC, RotationCase, part_of};
use super::program::home;
use super::rig::{RotationRig, RotationTask, sha256};
use super::scripted_user::ScriptedUser;

/// Statuses of a response that says that a call was not carried out, although it was.
const MISLEADING_STATUSES: [u16; 7] = [302, 400, 403, 404, 409, 422, 500];

/// A user who gives these replies, each to a prompt of this step, and then none.
struct StepwiseUser {
    replies: Mutex<VecDeque<(&'static str, PromptReply)>>,
    prompts: Mutex<Vec<RotationPrompt>>,
}

impl StepwiseUser {
    fn new<const N: usize>(replies: [(&'static str, PromptReply); N]) -> Self {
        Self { replies: Mutex::new(VecDeque::from(replies)), prompts: Mutex::default() }
    }

    /// The titles of all prompts so far.
    fn titles(&self) -> Vec<String> {
        let prompts = self.prompts.lock().unwrap();
        prompts.iter().map(|prompt| prompt.message.title.clone()).collect()
    }
}

#[async_trait]
impl UserPrompter for StepwiseUser {
    async fn confirm(&self, _question: &PromptMessage) -> bool {
        false
    }

    async fn read_secret(&self, _question: &PromptMessage) -> Option<Secret> {
        None
    }

    async fn decide(&self, prompt: &RotationPrompt) -> Option<PromptReply> {
        self.prompts.lock().unwrap().push(prompt.clone());
        let (step, reply) = self.replies.lock().unwrap().pop_front()?;
        assert_eq!(prompt.step, step, "{prompt:#?}");
        Some(reply)
    }
}

fn pasted(secret: &str) -> PromptReply {
    PromptReply::Pasted(Secret::from_text(secret.to_owned()))
}

async fn rotate(rig: &RotationRig, plan: &RotationPlan, user: &StepwiseUser) -> RotationStatus {
    let observer = RotationObserver { prompter: user, on_progress: &|_| {} };
    rig.fresh_engine().rotation.rotate(plan.clone(), observer).await.unwrap()
}

async fn resume(rig: &RotationRig, plan: &RotationPlan, user: &StepwiseUser) -> RotationStatus {
    let observer = RotationObserver { prompter: user, on_progress: &|_| {} };
    let id = plan.rotation.to_string();
    rig.fresh_engine()
        .rotation
        .resume_rotation(&id, RotationDirection::Forward, observer)
        .await
        .unwrap()
}

/// Plans the rotation of `us01-ci-scanner`, and lets the provider refuse the next creation.
async fn plan_with_refused_creation(rig: &RotationRig) -> RotationPlan {
    let administrator = rig.add_seeded("us01-admin").await;
    let credential = rig.add_seeded("us01-ci-scanner").await;
    rig.add_fault(&json!({"method": "POST", "path": accounts(rig), "status": 403, "times": 1}))
        .await;
    rig.fresh_engine().rotation.plan_rotation(&credential, Some(&administrator)).await.unwrap()
}

/// Path of the service accounts of the organization of `us01-ci-scanner`.
fn accounts(rig: &RotationRig) -> String {
    format!("/rest/orgs/{}/service_accounts", seeded(rig, "us01-ci-scanner", "org_id"))
}

fn secret_of(rig: &RotationRig, name: &str) -> String {
    rig.sandbox.manifest().credential(name).unwrap().secret.clone()
}

/// Creates an account like `us01-ci-scanner`, as another person does; returns its ID and secret.
async fn create_account(rig: &RotationRig, name: &str) -> (String, String) {
    let body = json!({"data": {"type": "service_account", "attributes": {
        "name": name, "role_id": seeded(rig, "us01-ci-scanner", "role_id"),
        "auth_type": "access_token", "access_token_expires_at": "2026-12-22T12:00:00Z"}}});
    let made = rig.call("us01-admin", HttpMethod::Post, &accounts(rig), &body).await;
    let text = |pointer: &str| made.pointer(pointer).and_then(|one| one.as_str());
    let secret = text("/data/attributes/access_token").or(text("/data/attributes/api_key"));
    (
        text("/data/id").unwrap_or_else(|| panic!("{made}")).to_owned(),
        secret.unwrap_or_else(|| panic!("{made}")).to_owned(),
    )
}

#[tokio::test]
async fn the_secret_of_another_existing_account_is_not_taken_for_the_new_one() {
    let rig = RotationRig::new().await;
    let plan = plan_with_refused_creation(&rig).await;
    let before = rig.secrets_before(&plan).await;
    let user = StepwiseUser::new([
        ("await-paste", pasted(&secret_of(&rig, "us01-pr-checks"))),
        ("promote", PromptReply::Decided(UserDecision::RollBack)),
    ]);
    let status = rotate(&rig, &plan, &user).await;
    assert_eq!(status.state, RotationPhase::RolledBack, "{status:#?} {:#?}", user.titles());
    let other = seeded(&rig, "us01-pr-checks", "service_account_id");
    let shown = &user.titles()[1];
    assert!(shown.contains(&format!("belongs to {other}, which existed before")), "{shown}");
    assert_eq!(rig.live_secrets("SNYK-US-01").await, before.living, "nothing was deleted");
    assert_eq!(rig.slot(&plan, SecretSlot::Current).await, before.old);
}

#[tokio::test]
async fn a_secret_that_another_credential_holds_is_named_and_refused() {
    let rig = RotationRig::new().await;
    rig.add_seeded("us01-pr-checks").await;
    let plan = plan_with_refused_creation(&rig).await;
    let user = StepwiseUser::new([("await-paste", pasted(&secret_of(&rig, "us01-pr-checks")))]);
    let status = rotate(&rig, &plan, &user).await;
    assert_eq!(status.state, RotationPhase::NeedsUser);
    let shown = &user.titles()[1];
    assert!(shown.contains("already stored as us01-pr-checks"), "{shown}");
    assert_eq!(rig.slot(&plan, SecretSlot::Pending).await, None, "it was not kept");
}

#[tokio::test]
async fn an_account_that_a_colleague_creates_meanwhile_is_never_taken_nor_deleted() {
    let rig = RotationRig::new().await;
    let plan = plan_with_refused_creation(&rig).await;
    let asked = rotate(&rig, &plan, &StepwiseUser::new([])).await;
    assert_eq!(asked.state, RotationPhase::NeedsUser);
    let (_, colleagues) = create_account(&rig, "of a colleague").await;
    let colleagues = sha256(colleagues.as_bytes());

    // A pasted secret of an existing account is not excused by the colleague's new account.
    let user = StepwiseUser::new([
        ("await-paste", pasted(&secret_of(&rig, "us01-pr-checks"))),
        ("promote", PromptReply::Decided(UserDecision::CreateAnother)),
    ]);
    resume(&rig, &plan, &user).await;
    assert!(user.titles()[1].contains("existed before this rotation"), "{:#?}", user.titles());
    let living = rig.live_secrets("SNYK-US-01").await;
    assert!(living.contains(&colleagues));
    assert!(living.contains(&sha256(secret_of(&rig, "us01-pr-checks").as_bytes())));

    // The user's own new account is known by its secret.
    let (own, secret) = create_account(&rig, "of the user").await;
    let user = StepwiseUser::new([("await-paste", pasted(&secret))]);
    let status = resume(&rig, &plan, &user).await;
    assert_eq!(status.state, RotationPhase::Done, "{status:#?} {:#?}", user.titles());
    let credential = rig.fresh_engine().credentials.find("us01-ci-scanner").await.unwrap();
    assert_eq!(credential.fields["service_account_id"], own);

    let administrator = rig.fresh_engine().credentials.find("us01-admin").await.unwrap();
    let next =
        rig.fresh_engine().rotation.plan_rotation(&credential, Some(&administrator)).await.unwrap();
    let before = rig.secrets_before(&next).await;
    let status = rotate(&rig, &next, &StepwiseUser::new([])).await;
    assert_eq!(status.state, RotationPhase::Done, "{status:#?}");
    rig.assert_accounted(&before, &next, &status).await;
    assert!(rig.live_secrets("SNYK-US-01").await.contains(&colleagues));
}

#[tokio::test]
async fn what_has_the_format_of_another_kind_is_no_personal_access_token() {
    let rig = RotationRig::new().await;
    let laptop = rig.add_seeded("us01-laptop").await;
    let plan = rig.fresh_engine().rotation.plan_rotation(&laptop, None).await.unwrap();
    let before = rig.secrets_before(&plan).await;
    let user = StepwiseUser::new([("await-paste", pasted(&secret_of(&rig, "us01-admin")))]);
    let status = rotate(&rig, &plan, &user).await;
    assert_eq!(status.state, RotationPhase::NeedsUser);
    let shown = &user.titles()[1];
    assert!(shown.contains("not a personal-access-token of snyk"), "{shown}");
    assert_eq!(rig.live_secrets("SNYK-US-01").await, before.living);
}

/// Returns the ID of the other live token of the user of `us01-laptop`.
async fn other_token(rig: &RotationRig) -> Option<String> {
    let path = "/rest/self/personal_access_tokens";
    let list = rig.call("us01-admin", HttpMethod::Get, path, &serde_json::Value::Null).await;
    let tokens = list["data"].as_array()?.iter();
    let mut other = tokens.filter(|token| token["attributes"]["label"] == "workstation");
    other.next()?["id"].as_str().map(str::to_owned)
}

/// Plans the rotation of `us01-laptop` while the provider refuses to list the user's tokens, so
/// that its secret does not confirm which one it is. A field names another token of the same user.
async fn plan_with_unnamed_token(rig: &RotationRig) -> (RotationPlan, String, String) {
    let laptop = rig.add_seeded("us01-laptop").await;
    let new = rig.create_on_page("us01-laptop").await.unwrap();
    let other_id = other_token(rig).await.expect("another token of the same user");
    let laptop = set_fields(rig, &laptop, &[("pat_id", &other_id)]).await;
    let path = "/rest/self/personal_access_tokens";
    rig.add_fault(&json!({"method": "GET", "path": path, "status": 403})).await;
    let plan = rig.fresh_engine().rotation.plan_rotation(&laptop, None).await.unwrap();
    (plan, other_id, new)
}

#[tokio::test]
async fn the_only_candidate_is_no_proof_and_none_of_these_is_offered() {
    let rig = RotationRig::new().await;
    let (plan, other, new) = plan_with_unnamed_token(&rig).await;
    let living = rig.live_secrets("SNYK-US-01").await;
    let user = StepwiseUser::new([
        ("await-paste", pasted(&new)),
        ("revoke", PromptReply::Decided(UserDecision::NoneOfThese)),
    ]);
    let status = rotate(&rig, &plan, &user).await;
    assert_eq!(status.state, RotationPhase::NeedsUser, "{:#?}", user.titles());
    {
        let prompts = user.prompts.lock().unwrap();
        let choices: Vec<_> = prompts[1].choices.iter().map(|one| &one.decision).collect();
        assert!(choices.contains(&&UserDecision::SelectedOld(other)), "{choices:?}");
        assert!(choices.contains(&&UserDecision::NoneOfThese), "{choices:?}");
        assert_eq!(prompts[2].step, "await-revoke", "the user revokes it on the page");
    }
    assert_eq!(rig.live_secrets("SNYK-US-01").await, living, "nothing was revoked");
}

#[tokio::test]
async fn a_selected_credential_is_revoked_only_after_its_name_was_typed() {
    let rig = RotationRig::new().await;
    let (plan, other, new) = plan_with_unnamed_token(&rig).await;
    let living = rig.live_secrets("SNYK-US-01").await;
    let chosen = || PromptReply::Decided(UserDecision::SelectedOld(other.clone()));
    let typed = |name: &str| PromptReply::Decided(UserDecision::Override(name.to_owned()));
    let user = StepwiseUser::new([
        ("await-paste", pasted(&new)),
        ("revoke", chosen()),
        ("revoke", typed("us01-laptop")),
    ]);
    rotate(&rig, &plan, &user).await;
    let shown = user.titles();
    assert!(shown[2].contains("to revoke") && shown[2].contains(&other), "{shown:#?}");
    assert_eq!(rig.live_secrets("SNYK-US-01").await, living, "another name confirms nothing");
    let user = StepwiseUser::new([("revoke", typed(&other))]);
    resume(&rig, &plan, &user).await;
    assert_eq!(rig.live_secrets("SNYK-US-01").await.len(), living.len() - 1, "that one is revoked");
}

#[tokio::test]
async fn a_field_that_names_another_token_does_not_revoke_it() {
    let rig = RotationRig::new().await;
    let laptop = rig.add_seeded("us01-laptop").await;
    let new = rig.create_on_page("us01-laptop").await.unwrap();
    let other = other_token(&rig).await.expect("another token of the same user");
    let laptop = set_fields(&rig, &laptop, &[("pat_id", &other)]).await;
    let plan = rig.fresh_engine().rotation.plan_rotation(&laptop, None).await.unwrap();
    let status = rotate(&rig, &plan, &StepwiseUser::new([("await-paste", pasted(&new))])).await;
    assert_eq!(status.state, RotationPhase::Done, "{status:#?}");
    let living = rig.live_secrets("SNYK-US-01").await;
    assert_eq!(other_token(&rig).await, Some(other), "it is not this credential's");
    assert!(!living.contains(&sha256(secret_of(&rig, "us01-laptop").as_bytes())));
}

/// Runs a rotation whose n-th write is carried out and then answered with this status. Returns
/// whether there was such a write.
async fn run_misled(case: RotationCase, nth: usize, status: u16) -> bool {
    let (name, administrator, part) = case;
    let rig = RotationRig::new().await;
    let credential = rig.add_seeded(name).await;
    let administrator = match administrator {
        Some(administrator) => Some(rig.add_seeded(administrator).await),
        None => None,
    };
    let engine = rig.fresh_engine();
    let plan =
        engine.rotation.plan_part_rotation(&credential, part_of(part), administrator.as_ref());
    let plan = plan.await.unwrap();
    let before = rig.secrets_before(&plan).await;
    let injector = Arc::new(FaultInjector::misleading_write(nth, status));
    let user = ScriptedUser::new(&rig, name).revokes(before.old.as_ref());
    let task = RotationTask::Existing(Box::new(plan.clone()));
    let ended = rig.run_task(&task, &injector, &user).await;
    let context = format!("{name}, write {nth} answered {status}: {ended:#?}");
    assert!(
        matches!(ended.state, RotationPhase::Done | RotationPhase::RolledBack),
        "{context} {:#?}",
        rig.lines.lock().unwrap()
    );
    rig.assert_accounted(&before, &plan, &ended).await;
    let old_works = before.old.as_ref().is_some_and(|old| before.living.contains(old));
    assert!(old_works, "{context}");
    let current = rig.slot(&plan, SecretSlot::Current).await.unwrap();
    assert!(rig.live_secrets(&plan.region).await.contains(&current), "no outage: {context}");
    injector.is_spent()
}

#[tokio::test]
async fn a_write_that_is_carried_out_and_denied_loses_nothing_and_leaves_nothing_unreported() {
    for case in [AUTOMATIC[0], AUTOMATIC[1], AUTOMATIC[2], AUTOMATIC[3], AUTOMATIC[5]] {
        for status in MISLEADING_STATUSES {
            let mut nth = 0;
            while run_misled(case, nth, status).await {
                nth += 1;
            }
            assert!(nth >= 2, "{case:?} creates and revokes");
        }
    }
}

#[tokio::test]
async fn a_deletion_that_finds_nothing_is_sent_again_while_the_secret_works() {
    let rig = RotationRig::new().await;
    let administrator = rig.add_seeded("us01-admin").await;
    let credential = rig.add_seeded("us01-ci-scanner").await;
    rig.add_fault(&json!({"method": "DELETE", "status": 404, "times": 2})).await;
    let plan =
        rig.fresh_engine().rotation.plan_rotation(&credential, Some(&administrator)).await.unwrap();
    let before = rig.secrets_before(&plan).await;
    let user = StepwiseUser::new([]);
    let status = rotate(&rig, &plan, &user).await;
    assert_eq!(status.state, RotationPhase::Done, "{status:#?}");
    assert_eq!((&status.manual_steps[..], user.titles().len()), (&[][..], 0), "{status:#?}");
    rig.assert_accounted(&before, &plan, &status).await;
}

#[test]
fn a_restored_database_is_noticed_and_its_rotation_can_be_abandoned() {
    let (home, _simulator) = home(&["us01-release-bot"]);
    let file = home.root().join("app.json");
    std::fs::write(&file, "no JSON").unwrap();
    let path = file.to_str().unwrap();
    let consumer = ["consumer", "add", "us01-release-bot", "app", "--json-file", path];
    home.run(&[&consumer[..], &["--pointer", "/token"]].concat()).expect(0);
    home.run(&["rotate", "us01-release-bot", "--yes"]).expect(8);
    let id = home.run(&["rotations", "--json"]).expect(0).json()[0]["id"].clone();
    let id = id.as_str().unwrap();
    let data = home.root().join("data");
    let backup = home.root().join("backup.db");
    let source = rusqlite::Connection::open(data.join("index.db")).unwrap();
    source.execute("VACUUM INTO ?1", [backup.to_str().unwrap()]).unwrap();
    drop(source);
    std::fs::write(&file, r#"{"token":"x"}"#).unwrap();
    home.run(&["rotate", "--resume", id, "--answer", "retry"]).expect(0);
    home.run(&["rotate", "us01-release-bot", "--yes"]).expect(0);
    let current = home.run(&["get", "us01-release-bot"]).expect(0).out;

    for name in ["index.db-wal", "index.db-shm"] {
        drop(std::fs::remove_file(data.join(name)));
    }
    std::fs::copy(&backup, data.join("index.db")).unwrap();
    for resume in [["--resume", id], ["--rollback", id]] {
        let refused = home.run(&[&["--json", "rotate"], &resume[..]].concat());
        let error = refused.expect(1).error();
        let (what, remedy) = (error["what"].as_str().unwrap(), error["remedy"].as_str().unwrap());
        assert_eq!(what, format!("Rotation {id} does not match the store"));
        assert!(remedy.contains(&format!("--abandon {id}")), "{remedy}");
    }
    let ended = home.run(&["--json", "rotate", "--abandon", id, "--yes"]).expect(8).error();
    assert!(ended["why"].as_str().unwrap().contains("what this rotation left"), "{ended}");
    let all = home.run(&["rotations", "--all", "--json"]).expect(0).json();
    assert_eq!(all[0]["state"], "abandoned");
    assert_eq!(home.run(&["rotations", "--json"]).expect(0).json(), json!([]));
    // The restored database knows an older secret than the store has.
    let unknown = home.run(&["--json", "get", "us01-release-bot"]).expect(1).error();
    let remedy = unknown["remedy"].as_str().unwrap();
    let accept: Vec<_> = remedy.split('`').nth(1).unwrap().split(' ').skip(1).collect();
    home.run(&accept).expect(0);
    assert_eq!(home.run(&["get", "us01-release-bot"]).expect(0).out, current, "it was not touched");
    home.run(&["check", "us01-release-bot"]).expect(0);
    home.run(&["rotate", "us01-release-bot", "--yes"]).expect(0);
}
