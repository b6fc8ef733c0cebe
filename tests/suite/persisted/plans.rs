//! Pins the plans of rotations: their JSON in the journal, and the steps that each strategy plans.

use std::fmt::Write as _;

use tokenring::domain::credential::SecretPart;
use tokenring::domain::provider::spec::{RotationSpec, RotationStrategyId};
use tokenring::domain::provider::{CredentialKind, ProviderCatalog};
use tokenring::domain::rotation::{
    PlanRequest, PlannedRotationStep, PrincipalPolicy, RotationId, RotationPlan, RotationPurpose,
    RotationStep, SecretOverlap,
};
use tokenring::domain::{Credential, CredentialId, CredentialName};

use super::domain::credential;
use super::{assert_file, same};

/// The JSON of [`plan`].
pub(super) const PLAN: &str = r#"{"rotation":"abababababababab","purpose":"revoke","credential":"07070707070707070707070707070707","part":{"named":"client_secret"},"name":"nightly","provider":"snyk","kind":"app-session","region":"SNYK-EU-01","strategy":"snyk-app-secret","overlap":"side-by-side","administrator":"08080808080808080808080808080808","administrator_name":"admin","max_live":2,"instructions":"do this","page":"{app}/account","reason":"it leaked","steps":[{"step":{"deliver":"app"},"what":"hand it over","calls":["GET /rest/self"],"final_word":null},{"step":"revoke","what":"revoke it","calls":[],"final_word":"no way back"}]}"#;

/// A plan with every member set.
pub(super) fn plan() -> RotationPlan {
    let text = |text: &str| text.to_owned();
    RotationPlan {
        rotation: RotationId::from_random([0xab; 8]),
        purpose: RotationPurpose::Revoke,
        credential: CredentialId::from_random([7; 16]),
        part: SecretPart::Named(text("client_secret")),
        name: CredentialName::parse("nightly").unwrap(),
        provider: text("snyk"),
        kind: text("app-session"),
        region: text("SNYK-EU-01"),
        strategy: RotationStrategyId::SnykAppSecret,
        overlap: SecretOverlap::SideBySide,
        administrator: Some(CredentialId::from_random([8; 16])),
        administrator_name: Some(CredentialName::parse("admin").unwrap()),
        max_live: Some(2),
        instructions: text("do this"),
        page: Some(text("{app}/account")),
        reason: text("it leaked"),
        steps: vec![
            PlannedRotationStep {
                step: RotationStep::Deliver(text("app")),
                description: text("hand it over"),
                calls: vec![text("GET /rest/self")],
                irreversible_note: None,
            },
            PlannedRotationStep {
                step: RotationStep::Revoke,
                description: text("revoke it"),
                calls: Vec::new(),
                irreversible_note: Some(text("no way back")),
            },
        ],
    }
}

#[test]
fn a_plan_with_every_member() {
    same(&plan(), PLAN);
}

#[test]
fn a_plan_with_what_may_be_absent_left_out() {
    let bare = RotationPlan {
        purpose: RotationPurpose::Replace,
        part: SecretPart::Secret,
        administrator: None,
        administrator_name: None,
        max_live: None,
        page: None,
        reason: String::new(),
        steps: Vec::new(),
        ..plan()
    };
    let form = r#"{"rotation":"abababababababab","purpose":"replace","credential":"07070707070707070707070707070707","part":"secret","name":"nightly","provider":"snyk","kind":"app-session","region":"SNYK-EU-01","strategy":"snyk-app-secret","overlap":"side-by-side","administrator":null,"max_live":null,"instructions":"do this","page":null,"reason":"","steps":[]}"#;
    same(&bare, form);
    let older = form
        .replace(r#""purpose":"replace","#, "")
        .replace(r#""part":"secret","#, "")
        .replace(r#""reason":"","#, "");
    assert_eq!(
        serde_json::from_str::<RotationPlan>(&older).unwrap(),
        bare,
        "older journals have no purpose, part, reason and administrator's name"
    );
}

#[test]
fn purposes_overlaps_and_identities() {
    pin_variants!(same, RotationPurpose {
        RotationPurpose::Replace => RotationPurpose::Replace, r#""replace""#;
        RotationPurpose::Create => RotationPurpose::Create, r#""create""#;
        RotationPurpose::Revoke => RotationPurpose::Revoke, r#""revoke""#;
    });
    pin_variants!(same, SecretOverlap {
        SecretOverlap::SideBySide => SecretOverlap::SideBySide, r#""side-by-side""#;
        SecretOverlap::Absent => SecretOverlap::Absent, r#""absent""#;
    });
    pin_variants!(same, PrincipalPolicy {
        PrincipalPolicy::Same => PrincipalPolicy::Same, r#""same""#;
        PrincipalPolicy::New => PrincipalPolicy::New, r#""fresh""#;
    });
}

#[test]
fn strategies() {
    pin_variants!(same, RotationStrategyId {
        RotationStrategyId::Manual => RotationStrategyId::Manual, r#""guided""#;
        RotationStrategyId::SnykPersonalAccessToken => RotationStrategyId::SnykPersonalAccessToken, r#""snyk-personal-access-token""#;
        RotationStrategyId::SnykServiceAccount => RotationStrategyId::SnykServiceAccount, r#""snyk-service-account""#;
        RotationStrategyId::SnykServiceAccountSecret => RotationStrategyId::SnykServiceAccountSecret, r#""snyk-service-account-secret""#;
        RotationStrategyId::SnykAppSession => RotationStrategyId::SnykAppSession, r#""snyk-app-session""#;
        RotationStrategyId::SnykAppSecret => RotationStrategyId::SnykAppSecret, r#""snyk-app-secret""#;
        RotationStrategyId::ApiWebKey => RotationStrategyId::ApiWebKey, r#""api-web-key""#;
    });
}

/// The steps of every kind that the program knows, for every purpose. Their descriptions may change
/// and are left out.
#[test]
fn the_steps_that_each_kind_plans() {
    let mut found = String::new();
    for provider in ProviderCatalog::builtin().providers() {
        for kind in provider.kinds.iter() {
            let parts = kind
                .parts
                .iter()
                .filter(|part| part.rotation.is_some())
                .map(|part| SecretPart::Named(part.id.clone()));
            for part in std::iter::once(SecretPart::Secret).chain(parts) {
                let replacement = kind.rotation_of_part(&part).unwrap();
                for purpose in
                    [RotationPurpose::Replace, RotationPurpose::Create, RotationPurpose::Revoke]
                {
                    let of = Credential {
                        provider: provider.id.clone(),
                        kind: kind.id.clone(),
                        ..credential()
                    };
                    writeln!(found, "{}", drawn(&of, kind, &part, replacement, purpose)).unwrap();
                }
            }
        }
    }
    assert_file("plans.jsonl", &found);
}

fn drawn(
    credential: &Credential,
    kind: &CredentialKind,
    part: &SecretPart,
    replacement: &RotationSpec,
    purpose: RotationPurpose,
) -> String {
    let plan = RotationPlan::new(PlanRequest {
        rotation: RotationId::from_random([0xab; 8]),
        purpose,
        credential,
        kind,
        part: part.clone(),
        replacement,
        consumers: vec!["app".to_owned()],
        check_request: "GET /rest/self".to_owned(),
        administrator: None,
    });
    let mut form = serde_json::to_value(&plan).unwrap();
    assert_eq!(serde_json::from_value::<RotationPlan>(form.clone()).unwrap(), plan);
    for member in [
        "rotation",
        "credential",
        "name",
        "region",
        "administrator",
        "instructions",
        "page",
        "reason",
    ] {
        assert!(form.as_object_mut().unwrap().shift_remove(member).is_some(), "{member}");
    }
    for step in form["steps"].as_array_mut().unwrap() {
        *step = step["step"].take();
    }
    form.to_string()
}
