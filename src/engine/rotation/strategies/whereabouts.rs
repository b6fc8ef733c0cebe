//! Search for the organization or group of a service account whose fields do not name it.
//!
//! The organizations that the account can see lead to its organization or group, and only a
//! response that contains the account itself counts. Start at `locate_account`.

use std::collections::{BTreeMap, BTreeSet};

use super::ManagementClient;
use super::client::{ManagementBody, ManagementRequest};
use super::service_account::{account_id, accounts_path};
use crate::domain::credential::SecretSlot;
use crate::domain::request::HttpMethod;
use crate::domain::rotation::AccessScope;
use crate::engine::rotation::StepResult;

/// Fields of a credential.
type CredentialFields = BTreeMap<String, String>;

/// Returns the ID of the account that the secret acts as, and its organization or group, as far as
/// they are not known already.
pub(super) async fn locate_account(desk: &ManagementClient<'_>) -> StepResult<CredentialFields> {
    let has_home = accounts_path(desk).is_ok();
    if has_home && account_id(desk).is_ok() {
        return Ok(CredentialFields::new());
    }
    let Ok(AccessScope { principal, organizations: organisations, .. }) =
        desk.fetch_access_scope(SecretSlot::Current, None).await?
    else {
        return Ok(CredentialFields::new());
    };
    if principal.kind != "service_account" {
        return Ok(CredentialFields::new());
    }
    let mut told = if has_home {
        CredentialFields::new()
    } else {
        locate_home(desk, &principal.id, &organisations).await?
    };
    told.insert("service_account_id".to_owned(), principal.id);
    Ok(told)
}

/// Returns the account's organization, where it sees only one, or the group of the organizations it
/// sees.
async fn locate_home(
    desk: &ManagementClient<'_>,
    id: &str,
    organisations: &BTreeSet<String>,
) -> StepResult<CredentialFields> {
    let Some(first) = organisations.first() else { return Ok(CredentialFields::new()) };
    if organisations.len() == 1
        && account_exists_in(desk, &format!("/rest/orgs/{first}"), id).await?
    {
        return Ok(fields_from([("level", "org"), ("org_id", first)]));
    }
    match fetch_group_id(desk, first).await? {
        Some(group) if account_exists_in(desk, &format!("/rest/groups/{group}"), id).await? => {
            Ok(fields_from([("level", "group"), ("group_id", &group)]))
        }
        _ => Ok(CredentialFields::new()),
    }
}

async fn account_exists_in(desk: &ManagementClient<'_>, place: &str, id: &str) -> StepResult<bool> {
    let told = desk
        .call(ManagementRequest::for_snyk(
            HttpMethod::Get,
            format!("{place}/service_accounts/{id}"),
            ManagementBody::Empty,
        ))
        .await?;
    Ok(told.status == 200 && told.text_at("/data/id") == Some(id))
}

async fn fetch_group_id(
    desk: &ManagementClient<'_>,
    organisation: &str,
) -> StepResult<Option<String>> {
    let told = desk
        .call(ManagementRequest::for_snyk(
            HttpMethod::Get,
            format!("/rest/orgs/{organisation}"),
            ManagementBody::Empty,
        ))
        .await?;
    Ok(told.text_at("/data/attributes/group_id").map(str::to_owned))
}

fn fields_from<const N: usize>(pairs: [(&str, &str); N]) -> CredentialFields {
    pairs.into_iter().map(|(id, value)| (id.to_owned(), value.to_owned())).collect()
}
