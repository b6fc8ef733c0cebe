//! Tests of what a new service account gets from its template, and of what is named as not copied.

use std::sync::Arc;

use serde_json::{Value, json};
use tokenring::domain::request::HttpMethod;
use tokenring::domain::{Credential, CredentialName};
use tokenring::engine::rotation::{CreateRequest, RotationPhase, RotationStatus};

use super::fault_injection::FaultInjector;
use super::rig::{RotationRig, RotationTask};
use super::scripted_user::ScriptedUser;

/// Changes fields of a stored credential, as a user or another program may have done by mistake.
pub(super) async fn set_fields(
    rig: &RotationRig,
    credential: &Credential,
    fields: &[(&str, &str)],
) -> Credential {
    rig.index
        .update_credential(&credential.id, |credential| {
            for (id, value) in fields {
                credential.fields.insert((*id).to_owned(), (*value).to_owned());
            }
        })
        .unwrap();
    rig.fresh_engine().credentials.get(&credential.id).await.unwrap()
}

/// Returns a field of a seeded credential.
pub(super) fn seeded(rig: &RotationRig, name: &str, field: &str) -> String {
    rig.sandbox.manifest().credential(name).unwrap().fields[field].clone()
}

/// Creates a credential like the template, and returns it with the status of its creation.
pub(super) async fn create_like(
    rig: &RotationRig,
    name: &str,
    template: &Credential,
    administrator: &Credential,
    fields: &[(&str, &str)],
) -> (Credential, RotationStatus) {
    let request = CreateRequest {
        name: CredentialName::parse(name).unwrap(),
        provider: template.provider.clone(),
        kind: template.kind.clone(),
        region: template.region.clone(),
        fields: fields.iter().map(|(id, value)| ((*id).into(), (*value).into())).collect(),
        labels: Vec::new(),
        template: Some(template.clone()),
        administrator: administrator.id.clone(),
        reason: String::new(),
    };
    let creation = rig.fresh_engine().rotation.plan_creation(request).await.unwrap();
    let user = ScriptedUser::new(rig, "us01-release-bot");
    let task = RotationTask::Create(Box::new(creation));
    let status = rig.run_task(&task, &Arc::new(FaultInjector::none()), &user).await;
    (rig.fresh_engine().credentials.find(name).await.unwrap(), status)
}

#[tokio::test]
async fn a_new_account_gets_the_token_lifetime_of_its_template() {
    let rig = RotationRig::new().await;
    let admin = rig.add_seeded("us01-admin").await;
    let bot = rig.add_seeded("us01-release-bot").await;
    let org = seeded(&rig, "us01-release-bot", "org_id");
    let accounts = format!("/rest/orgs/{org}/service_accounts");
    let template = rig
        .call(
            "us01-admin",
            HttpMethod::Post,
            &accounts,
            &json!({"data": {"type": "service_account", "attributes": {
                "name": "slow", "role_id": seeded(&rig, "us01-release-bot", "role_id"),
                "auth_type": "oauth_client_secret", "access_token_ttl_seconds": 7200}}}),
        )
        .await;
    let id = template["data"]["id"].as_str().unwrap();
    let like = set_fields(&rig, &bot, &[("service_account_id", id)]).await;
    let (copy, status) = create_like(&rig, "copy", &like, &admin, &[]).await;
    assert_eq!((status.state, &status.notes[..]), (RotationPhase::Done, &[][..]));
    let account = format!("{accounts}/{}", copy.fields["service_account_id"]);
    let get = HttpMethod::Get;
    let made = rig.call("us01-admin", get, &account, &Value::Null).await;
    assert_ne!(made["data"]["id"], template["data"]["id"]);
    assert_eq!(made["data"]["attributes"]["access_token_ttl_seconds"], 7200);
}

#[tokio::test]
async fn a_template_that_cannot_be_read_is_named_as_not_copied() {
    let rig = RotationRig::new().await;
    let admin = rig.add_seeded("us01-admin").await;
    let bot = rig.add_seeded("us01-release-bot").await;
    let id = seeded(&rig, "us01-release-bot", "service_account_id");
    let org = seeded(&rig, "us01-release-bot", "org_id");
    let path = format!("/rest/orgs/{org}/service_accounts/{id}");
    rig.add_fault(&json!({"method": "GET", "path": path, "status": 403})).await;
    let (_, status) = create_like(&rig, "copy", &bot, &admin, &[]).await;
    assert_eq!(status.state, RotationPhase::Done, "{status:#?}");
    assert!(
        matches!(&status.notes[..], [note] if note.starts_with("Not copied to ")
            && note.contains("could not be read (403)")),
        "{:?}",
        status.notes
    );
}
