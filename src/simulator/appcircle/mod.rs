//! Simulated Appcircle: an auth listener that exchanges long-lived secrets for access tokens, and
//! an API listener that accepts only those tokens.
//!
//! Start at `AppcircleCloud`, the state; the routes follow.
//!
//! The two hosts of Appcircle: the routes of the auth host, and the data that the API host returns
//! to the owner of an access token.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use super::clock::{MILLIS_PER_DAY, MILLIS_PER_SECOND, RequestInstant, UnixMillis, ValidityPeriod};
use super::deterministic;
use crate::simulator::SeededCredential;
use crate::simulator::server::{
    LiveSecretRecord, SimulatedProvider, SimulatedService, SimulatorRequest, SimulatorResponse,
};

/// ID of the only region.
pub(super) const REGION: &str = "APPCIRCLE";

const ACCESS_TOKEN_SECONDS: i64 = 3_600;

/// Organizations: a root with two children, and one that no credential can access.
const ORGANIZATIONS: [(&str, Option<usize>); 4] = [
    ("Acme Mobile", None),
    ("Acme Mobile iOS", Some(0)),
    ("Acme Mobile Android", Some(0)),
    ("Globex Apps", None),
];

/// Name, kind, organization, and the number of days until the secret expires.
const SEEDED_SECRETS: [(&str, AppcircleSecretKind, usize, i64); 4] = [
    ("laptop", AppcircleSecretKind::PersonalAccessKey, 0, 60),
    ("ci", AppcircleSecretKind::ApiKey(TokenOrganization::Requested), 0, 150),
    ("android-build", AppcircleSecretKind::ApiKey(TokenOrganization::Requested), 2, 40),
    ("stray", AppcircleSecretKind::ApiKey(TokenOrganization::Own), 0, 90),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum AppcircleSecretKind {
    PersonalAccessKey,
    ApiKey(TokenOrganization),
}

/// Organization of a key's tokens: the requested one, or, despite a 200 response, always the key's
/// own.
#[derive(Clone, Copy, PartialEq, Eq)]
enum TokenOrganization {
    Requested,
    Own,
}

impl AppcircleSecretKind {
    fn id(self) -> &'static str {
        match self {
            Self::PersonalAccessKey => "personal-access-key",
            Self::ApiKey(_) => "api-key",
        }
    }
}

/// A long-lived secret.
struct AppcircleSecret {
    name: String,
    kind: AppcircleSecretKind,
    organization: usize,
    secret: String,
    validity: ValidityPeriod,
}

/// An access token.
struct AppcircleToken {
    organization: usize,
    name: String,
    validity: ValidityPeriod,
}

#[derive(Default)]
struct AppcircleState {
    keys: Vec<AppcircleSecret>,
    tokens: HashMap<String, AppcircleToken>,
    created_count: u64,
}

/// The simulated Appcircle cloud.
pub(super) struct AppcircleCloud {
    state: Mutex<AppcircleState>,
}

impl AppcircleCloud {
    /// Creates the cloud with its seeded secrets, and the credentials that hold them.
    pub(super) fn new(midnight: UnixMillis) -> (Self, Vec<SeededCredential>) {
        let past =
            RequestInstant { now: midnight - 30 * MILLIS_PER_DAY, ..RequestInstant::default() };
        let keys: Vec<AppcircleSecret> = SEEDED_SECRETS
            .into_iter()
            .map(|(name, kind, organization, days)| {
                let validity = ValidityPeriod::starting_at(past)
                    .until(midnight + (days + 1) * MILLIS_PER_DAY - MILLIS_PER_SECOND);
                let secret = deterministic::padded_base64(&format!("{REGION}/{name}"));
                AppcircleSecret { name: name.to_owned(), kind, organization, secret, validity }
            })
            .collect();
        let credentials = keys.iter().map(seeded_credential).collect();
        (
            Self { state: Mutex::new(AppcircleState { keys, ..AppcircleState::default() }) },
            credentials,
        )
    }

    fn state(&self) -> MutexGuard<'_, AppcircleState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns organization and name of a valid access token.
    fn authenticate(&self, request: &SimulatorRequest) -> Option<(usize, String)> {
        let (scheme, value) = request.authorization()?;
        let state = self.state();
        let token = state
            .tokens
            .get(value)
            .filter(|token| token.validity.is_valid_at(request.instant.now))?;
        scheme.eq_ignore_ascii_case("bearer").then(|| (token.organization, token.name.clone()))
    }

    fn exchange_personal_key(
        &self,
        request: &SimulatorRequest,
        fields: [&str; 3],
    ) -> SimulatorResponse {
        let form = request.form();
        let [secret, first, second] = fields.map(|name| form.get(name).cloned());
        let wanted = first.or(second);
        let mut state = self.state();
        let key = state.keys.iter().find(|key| {
            key.kind == AppcircleSecretKind::PersonalAccessKey
                && Some(&key.secret) == secret.as_ref()
                && key.validity.is_valid_at(request.instant.now)
        });
        let Some((home, name)) = key.map(|key| (key.organization, key.name.clone())) else {
            return error_response(StatusCode::UNAUTHORIZED, "Invalid personal access key");
        };
        match resolve_organization(home, wanted.as_deref()) {
            Ok(organization) => {
                issue_access_token(&mut state, organization, &name, request.instant)
            }
            Err(refusal) => refusal,
        }
    }

    fn exchange_api_key(&self, request: &SimulatorRequest) -> SimulatorResponse {
        let form = request.form();
        let wanted = form.get("organizationId").map(String::as_str);
        if wanted.is_some_and(|id| !is_guid(id)) {
            return error_response(StatusCode::BAD_REQUEST, "organizationId must be a valid GUID");
        }
        let mut state = self.state();
        let key = state.keys.iter().find(|key| {
            Some(&key.name) == form.get("name")
                && Some(&key.secret) == form.get("secret")
                && key.validity.is_valid_at(request.instant.now)
        });
        let Some((home, name, kind)) =
            key.map(|key| (key.organization, key.name.clone(), key.kind))
        else {
            return error_response(StatusCode::UNAUTHORIZED, "Invalid API Key credentials");
        };
        let organization = match kind {
            AppcircleSecretKind::ApiKey(TokenOrganization::Requested) => {
                resolve_organization(home, wanted)
            }
            AppcircleSecretKind::ApiKey(TokenOrganization::Own) => Ok(home),
            AppcircleSecretKind::PersonalAccessKey => {
                Err(error_response(StatusCode::UNAUTHORIZED, "Invalid API Key credentials"))
            }
        };
        organization.map_or_else(
            |refusal| refusal,
            |organization| issue_access_token(&mut state, organization, &name, request.instant),
        )
    }
}

/// Issues an access token.
fn issue_access_token(
    state: &mut AppcircleState,
    organization: usize,
    name: &str,
    at: RequestInstant,
) -> SimulatorResponse {
    state.created_count += 1;
    let expires = at.now + ACCESS_TOKEN_SECONDS * MILLIS_PER_SECOND;
    let claims = json!({"exp": expires / MILLIS_PER_SECOND, "iat": at.now / MILLIS_PER_SECOND, "jti": deterministic::uuid(&format!("{REGION}/jwt/{}", state.created_count)),
        "sub": deterministic::uuid(&format!("{REGION}/user/{name}")), "email": format!("{name}@example.com"),
        "currentOrganizationId": organization_id(organization)});
    let access_token = deterministic::jwt(&claims);
    let validity = ValidityPeriod::starting_at(at).until(expires);
    state.tokens.retain(|_, token| !token.validity.has_ended(at.now));
    state.tokens.insert(
        access_token.clone(),
        AppcircleToken { organization, name: name.to_owned(), validity },
    );
    ok_response(
        &json!({"access_token": access_token, "expires_in": ACCESS_TOKEN_SECONDS, "token_type": "Bearer"}),
    )
}

/// Returns the organization for a secret of `home` that requests `wanted`, which must be `home` or
/// a child of it.
fn resolve_organization(home: usize, wanted: Option<&str>) -> Result<usize, SimulatorResponse> {
    let Some(wanted) = wanted else {
        return Ok(home);
    };
    let found = (0..ORGANIZATIONS.len()).find(|index| organization_id(*index) == wanted);
    found.filter(|index| *index == home || ORGANIZATIONS[*index].1 == Some(home)).ok_or_else(|| {
        error_response(StatusCode::FORBIDDEN, "The key has no access to this organization")
    })
}

fn organization_id(index: usize) -> String {
    deterministic::uuid(&format!("{REGION}/organization/{index}"))
}

fn is_guid(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    lengths == [8, 4, 4, 4, 12] && parts.concat().bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn seeded_credential(key: &AppcircleSecret) -> SeededCredential {
    // The stray key is configured with an organization that its tokens are never for.
    let asked = if key.kind == AppcircleSecretKind::ApiKey(TokenOrganization::Own) {
        1
    } else {
        key.organization
    };
    SeededCredential {
        name: format!("appcircle-{}", key.name),
        provider: "appcircle",
        kind: key.kind.id(),
        region: REGION.to_owned(),
        secret: key.secret.clone(),
        fields: BTreeMap::from([
            ("key_name", key.name.clone()),
            ("organization_id", organization_id(asked)),
        ]),
        parts: BTreeMap::new(),
    }
}

impl SimulatedProvider for AppcircleCloud {
    fn live_secrets(&self, now: UnixMillis) -> Vec<LiveSecretRecord> {
        let state = self.state();
        let live = state.keys.iter().filter(|key| !key.validity.has_ended(now));
        live.map(|key| LiveSecretRecord {
            account: key.name.clone(),
            kind: key.kind.id(),
            sha256: deterministic::sha256_hex(&key.secret),
        })
        .collect()
    }

    /// Replaces a secret as the web pages do: a personal access key is deleted and generated again;
    /// an API key is rotated, with both secrets live for some time.
    fn replace_manually(
        &self,
        credential: &SeededCredential,
        at: RequestInstant,
    ) -> Option<String> {
        let mut state = self.state();
        state.created_count += 1;
        let secret =
            deterministic::padded_base64(&format!("{REGION}/minted/{}", state.created_count));
        let name = credential.fields.get("key_name")?.clone();
        let own = |key: &&mut AppcircleSecret| key.name == name && !key.validity.has_ended(at.now);
        let old = state.keys.iter_mut().rev().find(own)?;
        if old.kind == AppcircleSecretKind::PersonalAccessKey {
            old.validity.revoke(at);
        }
        let (kind, organization) = (old.kind, old.organization);
        let validity = ValidityPeriod::starting_at(at).until(at.now + 180 * MILLIS_PER_DAY);
        state.keys.push(AppcircleSecret {
            name,
            kind,
            organization,
            secret: secret.clone(),
            validity,
        });
        Some(secret)
    }

    fn revoke_manually(&self, sha256: &str, at: RequestInstant) -> bool {
        let mut state = self.state();
        let found =
            state.keys.iter_mut().find(|key| deterministic::sha256_hex(&key.secret) == sha256);
        found.map(|key| key.validity.revoke(at)).is_some()
    }
}

fn ok_response(body: &Value) -> SimulatorResponse {
    SimulatorResponse::json(StatusCode::OK, body)
}

fn error_response(status: StatusCode, error: &str) -> SimulatorResponse {
    SimulatorResponse::json(status, &json!({"error": error}))
}

/// Auth host.
pub(in crate::simulator) struct AppcircleAuthHost(pub(in crate::simulator) Arc<AppcircleCloud>);

impl SimulatedService for AppcircleAuthHost {
    fn respond(&self, request: &SimulatorRequest) -> SimulatorResponse {
        match (&request.method, request.path.as_str()) {
            (&Method::POST, "/auth/v3/token") => self.0.exchange_personal_key(
                request,
                ["personalAccessKey", "subOrganization", "subOrganizationId"],
            ),
            (&Method::POST, "/auth/v2/token") => self
                .0
                .exchange_personal_key(request, ["pat", "subOrganization", "subOrganizationId"]),
            (&Method::POST, "/auth/v1/token")
                if request.form().contains_key("personal-access-key") =>
            {
                self.0.exchange_personal_key(request, ["personal-access-key", "", ""])
            }
            (&Method::POST, "/auth/v1/token") => {
                self.0.exchange_personal_key(request, ["pat", "", ""])
            }
            (&Method::POST, "/auth/v1/api-key/token") => self.0.exchange_api_key(request),
            (&Method::GET, "/auth/realms/appcircle/protocol/openid-connect/userinfo") => {
                match self.0.authenticate(request) {
                    Some((organization, name)) => ok_response(&userinfo(organization, &name)),
                    None => SimulatorResponse::empty(StatusCode::UNAUTHORIZED),
                }
            }
            _ => SimulatorResponse::empty(StatusCode::NOT_FOUND),
        }
    }

    fn refuse(&self, _call: &SimulatorRequest, status: StatusCode) -> SimulatorResponse {
        error_response(status, status.canonical_reason().unwrap_or("Error"))
    }
}

fn userinfo(organization: usize, name: &str) -> Value {
    json!({"sub": deterministic::uuid(&format!("{REGION}/user/{name}")), "email": format!("{name}@example.com"), "email_verified": true,
        "preferred_username": name, "name": name, "currentOrganizationId": organization_id(organization)})
}

/// API host.
pub(in crate::simulator) struct AppcircleApiHost(pub(in crate::simulator) Arc<AppcircleCloud>);

impl SimulatedService for AppcircleApiHost {
    fn respond(&self, request: &SimulatorRequest) -> SimulatorResponse {
        let Some((organization, name)) = self.0.authenticate(request) else {
            return SimulatorResponse::empty(StatusCode::UNAUTHORIZED);
        };
        if request.method != Method::GET {
            return error_response(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed");
        }
        read_resource(organization, &name, &request.path_segments()).map_or_else(
            || error_response(StatusCode::NOT_FOUND, "Not found"),
            |body| ok_response(&body),
        )
    }

    fn refuse(&self, _call: &SimulatorRequest, status: StatusCode) -> SimulatorResponse {
        match status {
            StatusCode::UNAUTHORIZED => SimulatorResponse::empty(status),
            _ => error_response(status, status.canonical_reason().unwrap_or("Error")),
        }
    }
}

fn read_resource(organization: usize, name: &str, path: &[&str]) -> Option<Value> {
    let below =
        |index: &usize| *index == organization || ORGANIZATIONS[*index].1 == Some(organization);
    let describe = |index: usize| {
        let (name, parent) = ORGANIZATIONS[index];
        json!({"id": organization_id(index), "name": name, "rootOrganizationId": parent.map(organization_id)})
    };
    match path {
        ["identity", "v1", "organizations"] => Some(
            json!({"data": (0..ORGANIZATIONS.len()).filter(below).map(describe).collect::<Vec<_>>()}),
        ),
        ["identity", "v1", "organizations", id, rest @ ..] => {
            let index = (0..ORGANIZATIONS.len())
                .filter(below)
                .find(|index| organization_id(*index) == *id)?;
            match rest {
                [] => Some(describe(index)),
                ["users"] => Some(
                    json!([{"id": deterministic::uuid(&format!("{REGION}/user/{name}")), "email": format!("{name}@example.com")}]),
                ),
                ["invitations"] => Some(json!([])),
                _ => None,
            }
        }
        ["distribution" | "build" | "store", "v2", "profiles"] => {
            Some(profiles(organization, path[0]))
        }
        ["publish", "v2", "profiles", "ios" | "android"] => Some(profiles(organization, path[0])),
        ["distribution", "v2", "testing-groups"]
        | ["build", "v1", "variable-groups"]
        | ["publish", "v2", "variable-groups"] => Some(json!([])),
        ["build", "v1", "queue", "my-dashboard"] => Some(json!({"data": []})),
        ["roles.json"] => Some(json!({"roles": ["owner", "manager", "viewer"]})),
        _ => None,
    }
}

fn profiles(organization: usize, module: &str) -> Value {
    let profile = |index: usize| {
        json!({"id": deterministic::uuid(&format!("{REGION}/{module}/{organization}/{index}")), "name": format!("{module} profile {index}"),
            "platformType": index % 2, "organizationId": organization_id(organization)})
    };
    (1..=4).map(profile).collect()
}
