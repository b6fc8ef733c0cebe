//! Service accounts of organisations and groups: create, list, rename, delete, and the secrets call.

use std::sync::Arc;

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::super::clock::{Life, Millis, Moment, SECOND, rfc3339};
use super::super::seed;
use super::super::wire::Reply;
use super::Region;
use super::orders::{AuthType, LONGEST_DAYS, Order, read_order};
use super::paging::{Links, page};
use super::refusal::Refusal;
use super::rest::{Operation, Outcome, Rest, document, one};
use super::secrets::{Secrets, reveal};
use super::state::{Actor, Principal, Reach, State, Token};

const RELEASES: &[&str] = &["2023-09-07"];

pub(super) const OPERATIONS: &[Operation] = &[
    Operation::get("/orgs/{org_id}/service_accounts", RELEASES, list),
    Operation::post("/orgs/{org_id}/service_accounts", RELEASES, create),
    Operation::get("/orgs/{org_id}/service_accounts/{id}", RELEASES, get),
    Operation::patch("/orgs/{org_id}/service_accounts/{id}", RELEASES, rename),
    Operation::delete("/orgs/{org_id}/service_accounts/{id}", RELEASES, delete),
    Operation::post("/orgs/{org_id}/service_accounts/{id}/secrets", RELEASES, change_secrets),
    Operation::get("/groups/{group_id}/service_accounts", RELEASES, list),
    Operation::post("/groups/{group_id}/service_accounts", RELEASES, create),
    Operation::get("/groups/{group_id}/service_accounts/{id}", RELEASES, get),
    Operation::patch("/groups/{group_id}/service_accounts/{id}", RELEASES, rename),
    Operation::delete("/groups/{group_id}/service_accounts/{id}", RELEASES, delete),
    Operation::post("/groups/{group_id}/service_accounts/{id}/secrets", RELEASES, change_secrets),
];

/// A service account.
pub(super) struct Account {
    pub(super) principal: Arc<Principal>,
    pub(super) order: Order,
    pub(super) client_id: String,
    pub(super) secrets: Secrets,
    created: Millis,
}

impl Account {
    pub(super) fn id(&self) -> &str {
        &self.principal.id
    }

    fn describe(&self) -> Value {
        let Order { name, auth, scope, role_id, expires, ttl_seconds, jwks_url } = &self.order;
        let level = if matches!(scope, Reach::Org(_)) { "Org" } else { "Group" };
        let mut attributes = json!({"name": name, "auth_type": auth.name(), "role_id": role_id, "level": level,
            "created_at": rfc3339(self.created)});
        if let Some(expires) = expires {
            attributes["access_token_expires_at"] = json!(rfc3339(*expires));
        }
        if auth.is_oauth() {
            attributes["client_id"] = json!(self.client_id);
            attributes["access_token_ttl_seconds"] = json!(ttl_seconds);
        }
        if let Some(url) = jwks_url {
            attributes["jwks_url"] = json!(url);
        }
        json!({"id": self.id(), "type": "service_account", "attributes": attributes, "links": {}})
    }

    fn reveal(&self, secret: Option<String>) -> Value {
        reveal(self.describe(), self.order.auth.revealed_as(), secret)
    }
}

impl Region {
    /// Opens an account and returns its secret, which nothing tells a second time. `label` names its identity.
    pub(super) fn open_account(&self, state: &mut State, order: Order, label: &str, at: Moment) -> Option<String> {
        let role = self.world.role(&order.role_id)?;
        let principal = Arc::new(Principal {
            id: seed::uuid(&format!("{label}/account")),
            actor: Actor::ServiceAccount,
            name: order.name.clone(),
            rank: role.rank,
            reach: order.scope,
        });
        let life = Life::starting(at).until(order.expires.unwrap_or(Millis::MAX));
        let secret = self.mint(&order, &principal, label);
        let mut secrets = Secrets::default();
        match (&secret, order.auth) {
            (Some(secret), AuthType::ClientSecret) => secrets = Secrets::with(secret.clone(), life),
            (Some(secret), auth) => {
                state.tokens.insert(secret.clone(), Token::new(&principal, auth.name(), life));
            }
            (None, _) => {}
        }
        state.account_names.insert((order.scope, order.name.clone()));
        let client_id = seed::uuid(&format!("{label}/client"));
        state.accounts.push(Account { principal, order, client_id, secrets, created: at.now });
        secret
    }

    fn mint(&self, order: &Order, principal: &Principal, label: &str) -> Option<String> {
        match order.auth {
            AuthType::ApiKey => Some(seed::secret_uuid(label)),
            AuthType::AccessToken => {
                let expires = order.expires.unwrap_or_default() / SECOND;
                let claims = json!({"j": seed::uuid(&format!("{label}/token")), "h": self.host, "e": expires, "s": principal.id});
                Some(seed::snyk_token("snyk_sat", &claims))
            }
            AuthType::ClientSecret => Some(seed::snyk_secret("cs", label)),
            AuthType::PrivateKeyJwt => None,
        }
    }
}

fn list(rest: &Rest) -> Outcome {
    let scope = rest.managed_scope("service_account.read")?;
    let state = rest.state();
    let accounts: Vec<&Account> = state.accounts.iter().filter(|account| account.order.scope == scope).collect();
    let mut list = page(rest, accounts.len(), Links::Rooted, |place| accounts[place].describe())?;
    if let Reach::Group(_) = scope {
        list["meta"] = json!({"access_tokens": {"max_active_tokens": 100, "max_expiry_days": LONGEST_DAYS}});
    }
    Ok(document(&list))
}

fn create(rest: &Rest) -> Outcome {
    let scope = rest.managed_scope("service_account.create")?;
    let wish = rest.attributes("service_account")?;
    let order = read_order(rest, scope, &wish)?;
    let name = order.name.clone();
    let reply = {
        let mut state = rest.state();
        if state.account_names.contains(&(scope, order.name.clone())) {
            return Err(Refusal::conflict("A service account had this name already. This name cannot be reused"));
        }
        let label = state.fresh_label(rest.region.id);
        let secret = rest.region.open_account(&mut state, order, &label, rest.call.at);
        let account = state.accounts.last().ok_or_else(|| Refusal::not_found("role"))?;
        one(StatusCode::CREATED, &account.reveal(secret))
    };
    rest.record(scope, "service_account.create", json!({"name": name}));
    Ok(reply)
}

fn get(rest: &Rest) -> Outcome {
    let scope = rest.managed_scope("service_account.read")?;
    let state = rest.state();
    let place = find(&state, scope, rest.params[1])?;
    Ok(one(StatusCode::OK, &state.accounts[place].describe()))
}

fn find(state: &State, scope: Reach, id: &str) -> Result<usize, Refusal> {
    let found = state.accounts.iter().position(|account| account.id() == id && account.order.scope == scope);
    found.ok_or_else(|| Refusal::not_found("service account"))
}

fn rename(rest: &Rest) -> Outcome {
    let scope = rest.managed_scope("service_account.edit")?;
    let document = rest.document("service_account")?;
    let id = rest.params[1];
    if document["data"]["id"] != id {
        return Err(Refusal::pointer("/data/id", "must be that of the path"));
    }
    let name = document["data"]["attributes"]["name"].as_str().filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| Refusal::pointer("/data/attributes/name", "is required: only the name can change"))?;
    let reply = {
        let mut state = rest.state();
        let place = find(&state, scope, id)?;
        let taken = !state.account_names.insert((scope, name.to_owned()));
        if taken && state.accounts[place].order.name != name {
            return Err(Refusal::conflict("A service account had this name already. This name cannot be reused"));
        }
        name.clone_into(&mut state.accounts[place].order.name);
        one(StatusCode::OK, &state.accounts[place].describe())
    };
    rest.record(scope, "service_account.edit", json!({"name": name}));
    Ok(reply)
}

fn delete(rest: &Rest) -> Outcome {
    let scope = rest.managed_scope("service_account.delete")?;
    let name = {
        let mut state = rest.state();
        let place = find(&state, scope, rest.params[1])?;
        let account = state.accounts.remove(place);
        state.revoke_tokens(account.id(), rest.call.at);
        account.order.name
    };
    rest.record(scope, "service_account.delete", json!({"name": name}));
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

fn change_secrets(rest: &Rest) -> Outcome {
    let scope = rest.managed_scope("service_account.edit")?;
    let wish = rest.attributes("service_account")?;
    let (reply, name) = {
        let mut state = rest.state();
        let place = find(&state, scope, rest.params[1])?;
        let fresh = seed::snyk_secret("cs", &state.fresh_label(rest.region.id));
        let account = &mut state.accounts[place];
        if account.order.auth != AuthType::ClientSecret {
            return Err(Refusal::bad("Only service accounts with auth_type oauth_client_secret have secrets to manage"));
        }
        let secret = account.secrets.change(&wish, fresh, rest.call.at)?;
        (one(StatusCode::OK, &account.reveal(secret)), account.order.name.clone())
    };
    rest.record(scope, "service_account.edit", json!({"name": name, "mode": wish["mode"]}));
    Ok(reply)
}
