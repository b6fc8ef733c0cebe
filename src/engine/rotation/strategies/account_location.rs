//! Search for the organization or group of a service account whose fields do not name it.
//!
//! The organizations that the account can see lead to its organization or group, and only a
//! response that contains the account itself counts. Start at `locate_account`.

use std::collections::{BTreeMap, BTreeSet};

use super::ManagementClient;
use super::management_client::{ManagementBody, ManagementRequest};
use super::service_account::{account_id, accounts_path};
use crate::domain::credential::SecretSlot;
use crate::domain::request::HttpMethod;
use crate::engine::rotation::StepResult;
use crate::engine::rotation::probe::VisibleAccess;

/// Fields of a credential.
type CredentialFields = BTreeMap<String, String>;

/// Returns the ID of the account that the secret acts as, and its organization or group, as far as
/// they are not known already.
pub(super) async fn locate_account(client: &ManagementClient<'_>) -> StepResult<CredentialFields> {
    let has_home = accounts_path(client).is_ok();
    if has_home && account_id(client).is_ok() {
        return Ok(CredentialFields::new());
    }
    let Ok(VisibleAccess { principal, organizations }) =
        client.fetch_visible_access(SecretSlot::Current).await?
    else {
        return Ok(CredentialFields::new());
    };
    if principal.kind != "service_account" {
        return Ok(CredentialFields::new());
    }
    let mut fields = if has_home {
        CredentialFields::new()
    } else {
        locate_home(client, &principal.id, &organizations.unwrap_or_default()).await?
    };
    fields.insert("service_account_id".to_owned(), principal.id);
    Ok(fields)
}

/// Returns the account's organization, where it sees only one, or the group of the organizations it
/// sees.
async fn locate_home(
    client: &ManagementClient<'_>,
    id: &str,
    organizations: &BTreeSet<String>,
) -> StepResult<CredentialFields> {
    let Some(first) = organizations.first() else { return Ok(CredentialFields::new()) };
    if organizations.len() == 1
        && account_exists_in(client, &format!("/rest/orgs/{first}"), id).await?
    {
        return Ok(fields_from([("level", "org"), ("org_id", first)]));
    }
    match fetch_group_id(client, first).await? {
        Some(group) if account_exists_in(client, &format!("/rest/groups/{group}"), id).await? => {
            Ok(fields_from([("level", "group"), ("group_id", &group)]))
        }
        _ => Ok(CredentialFields::new()),
    }
}

async fn account_exists_in(
    client: &ManagementClient<'_>,
    place: &str,
    id: &str,
) -> StepResult<bool> {
    let response = client
        .call(ManagementRequest::for_snyk(
            HttpMethod::Get,
            format!("{place}/service_accounts/{id}"),
            ManagementBody::Empty,
        ))
        .await?;
    Ok(response.status == 200 && response.text_at("/data/id") == Some(id))
}

async fn fetch_group_id(
    client: &ManagementClient<'_>,
    organization: &str,
) -> StepResult<Option<String>> {
    let response = client
        .call(ManagementRequest::for_snyk(
            HttpMethod::Get,
            format!("/rest/orgs/{organization}"),
            ManagementBody::Empty,
        ))
        .await?;
    Ok(response.text_at("/data/attributes/group_id").map(str::to_owned))
}

fn fields_from<const N: usize>(pairs: [(&str, &str); N]) -> CredentialFields {
    pairs.into_iter().map(|(id, value)| (id.to_owned(), value.to_owned())).collect()
}
