//! Where a service account lives, when nobody has said so: what it sees leads to its organisation or its group, and only
//! an answer that holds the account itself is believed.

use std::collections::{BTreeMap, BTreeSet};

use super::Desk;
use super::account::{account_id, accounts};
use super::desk::{Body, Call};
use crate::domain::credential::SecretSlot;
use crate::domain::request::HttpMethod;
use crate::domain::rotation::AccessScope;
use crate::engine::rotation::Tried;

/// Fields of a credential.
type Fields = BTreeMap<String, String>;

/// The id of the account that the secret acts as and the place that it lives in, as far as they are not known already.
pub(super) async fn whereabouts(desk: &Desk<'_>) -> Tried<Fields> {
    let has_home = accounts(desk).is_ok();
    if has_home && account_id(desk).is_ok() {
        return Ok(Fields::new());
    }
    let Ok(AccessScope { principal, organizations: organisations, .. }) = desk.measure(SecretSlot::Current, None).await? else {
        return Ok(Fields::new());
    };
    if principal.kind != "service_account" {
        return Ok(Fields::new());
    }
    let mut told = if has_home { Fields::new() } else { home(desk, &principal.id, &organisations).await? };
    told.insert("service_account_id".to_owned(), principal.id);
    Ok(told)
}

/// Its organisation, where it sees but one, or the group of what it sees.
async fn home(desk: &Desk<'_>, id: &str, organisations: &BTreeSet<String>) -> Tried<Fields> {
    let Some(first) = organisations.first() else { return Ok(Fields::new()) };
    if organisations.len() == 1 && lives_in(desk, &format!("/rest/orgs/{first}"), id).await? {
        return Ok(fields([("level", "org"), ("org_id", first)]));
    }
    match group_of(desk, first).await? {
        Some(group) if lives_in(desk, &format!("/rest/groups/{group}"), id).await? => {
            Ok(fields([("level", "group"), ("group_id", &group)]))
        }
        _ => Ok(Fields::new()),
    }
}

async fn lives_in(desk: &Desk<'_>, place: &str, id: &str) -> Tried<bool> {
    let told = desk.call(Call::snyk(HttpMethod::Get, format!("{place}/service_accounts/{id}"), Body::Empty)).await?;
    Ok(told.status == 200 && told.text("/data/id") == Some(id))
}

async fn group_of(desk: &Desk<'_>, organisation: &str) -> Tried<Option<String>> {
    let told = desk.call(Call::snyk(HttpMethod::Get, format!("/rest/orgs/{organisation}"), Body::Empty)).await?;
    Ok(told.text("/data/attributes/group_id").map(str::to_owned))
}

fn fields<const N: usize>(pairs: [(&str, &str); N]) -> Fields {
    pairs.into_iter().map(|(id, value)| (id.to_owned(), value.to_owned())).collect()
}
