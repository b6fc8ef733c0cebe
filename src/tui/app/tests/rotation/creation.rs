//! Tests of creating and revoking credentials.

use super::*;

#[test]
fn a_credential_is_revoked_only_when_its_name_is_typed() {
    let mut session = ready();
    let name = session.selected().to_owned();
    session.press("X Enter Enter");
    assert!(session.app.dialogs.is_empty() && session.started().is_empty(), "Enter cancels");
    session.press("X Down Down Enter").type_text(&name).press("Tab Enter");
    let (task, RotationTask::Revoke(target, strategy)) = session.rotation_task() else {
        panic!("not revoked")
    };
    assert_eq!(strategy, RotationStrategyId::SnykServiceAccount);
    assert_eq!(
        target,
        RotationTarget { credential: id(0), administrator: Some(id(2)), part: SecretPart::Secret }
    );
    session.rotation(
        task,
        RotationEvent::Started(Box::new(RotationPlan {
            purpose: RotationPurpose::Revoke,
            ..plan()
        })),
    );
    assert!(
        session.said().contains("Plan: Automatic: revokes the secret at the provider"),
        "{}",
        session.said()
    );
    let ended = RotationStatus {
        purpose: RotationPurpose::Revoke,
        notes: vec!["The account was deleted.".to_owned()],
        ..status(RotationState::Done)
    };
    session.rotation(task, RotationEvent::Finished(ended)).report(task, TaskEvent::Done);
    assert!(session.said().contains("Done: the secret is revoked"), "{}", session.said());
    assert!(session.said().contains("The account was deleted."), "{}", session.said());
}

#[test]
fn a_credential_is_created_like_the_selected_one() {
    let mut session = ready();
    session.press("C-n").type_text("ci-2").press("Up Enter");
    let (task, RotationTask::Create(request)) = session.rotation_task() else {
        panic!("not created")
    };
    let CreateRequest { name, kind, region, fields, administrator, .. } = *request;
    assert_eq!(
        (name.as_str(), kind.as_str(), region.as_str()),
        ("ci-2", "service-account-token", "SNYK-EU-01")
    );
    assert_eq!(fields.get("org_id").map(String::as_str), Some("acme-prod"));
    assert_eq!(administrator, id(0));
    session.report(task, TaskEvent::Failed(trouble()));
    let look = session.started();
    assert!(session.said().contains("It broke"), "{}", session.said());
    assert!(
        look.iter()
            .all(|(_, task)| !matches!(task, BackgroundTask::Rotation(RotationTask::Review(_)))),
        "there is no journal yet"
    );
    session.press("Esc");
    assert!(session.said().contains("ci-2"), "the form stays, for another try");
}

#[test]
fn a_created_credential_is_selected_although_a_filter_hides_it() {
    let mut session = ready();
    session.press("/").type_text("ci-scanner").press("Enter C-n").type_text("made");
    session.press("Up Enter");
    let (task, RotationTask::Create(_)) = session.rotation_task() else { panic!("not created") };
    let like = session.app.selected().expect("a credential").clone();
    let name = CredentialName::parse("made").expect("a name");
    let made = Credential { id: id(50), name, ..like };
    session.report(task, TaskEvent::Credential(CredentialEvent::Changed(Box::new(made))));
    let ended = RotationStatus {
        credential: id(50),
        purpose: RotationPurpose::Create,
        ..status(RotationState::Done)
    };
    session.rotation(task, RotationEvent::Finished(ended)).report(task, TaskEvent::Done);
    assert_eq!(session.selected(), "made");
}

#[test]
fn a_name_that_exists_is_not_created_again() {
    let mut session = ready();
    session.press("C-n").type_text("laptop").press("Up Enter");
    assert!(session.started().is_empty());
    assert!(session.said().contains("laptop already exists"));
}

#[test]
fn a_provider_without_an_api_says_so() {
    let mut session = ready();
    session.press("/").type_text("mobile-ci").press("Enter C-n");
    assert!(session.app.dialogs.is_empty());
    assert!(session.notice().contains("no API"));
}

#[test]
fn a_new_credential_that_the_filter_hides_is_reported() {
    let mut session = ready();
    session.press("/").type_text("laptop").press("Enter");
    let made = crate::domain::Credential { id: id(77), ..session.app.credentials.all()[0].clone() };
    let made = crate::domain::Credential {
        name: crate::domain::CredentialName::parse("zz-new").unwrap(),
        ..made
    };
    session.report(TaskId(900), TaskEvent::Credential(CredentialEvent::Changed(Box::new(made))));
    assert!(session.notice().contains("the filter hides it"), "{}", session.notice());
}
