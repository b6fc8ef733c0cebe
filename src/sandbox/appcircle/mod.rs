//! Simulated Appcircle: an auth listener that exchanges long-lived secrets for access tokens, and an API listener that
//! accepts nothing else.

mod hosts;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::clock::{DAY, Life, Millis, Moment, SECOND};
use super::manifest::Credential;
use super::seed;
use super::wire::{Call, LiveSecret, Provider, Reply};

pub(super) use hosts::{Api, Auth};

/// The one region there is.
pub(super) const REGION: &str = "APPCIRCLE";

const TOKEN_SECONDS: i64 = 3_600;

/// The organisations: a root with two below it, and one that nothing here reaches.
const ORGANIZATIONS: [(&str, Option<usize>); 4] =
    [("Acme Mobile", None), ("Acme Mobile iOS", Some(0)), ("Acme Mobile Android", Some(0)), ("Globex Apps", None)];

/// Name, kind, organisation, and how many days the secret still lives.
const SECRETS: [(&str, Kind, usize, i64); 4] = [
    ("laptop", Kind::PersonalAccessKey, 0, 60),
    ("ci", Kind::ApiKey(Answers::Asked), 0, 150),
    ("android-build", Kind::ApiKey(Answers::Asked), 2, 40),
    ("stray", Kind::ApiKey(Answers::Home), 0, 90),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    PersonalAccessKey,
    ApiKey(Answers),
}

/// Which organisation a key's token is for: the one asked for, or, with a 200 all the same, always its own.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Answers {
    Asked,
    Home,
}

impl Kind {
    fn id(self) -> &'static str {
        match self {
            Self::PersonalAccessKey => "personal-access-key",
            Self::ApiKey(_) => "api-key",
        }
    }
}

/// A long-lived secret.
struct Key {
    name: String,
    kind: Kind,
    organization: usize,
    secret: String,
    life: Life,
}

/// An access token.
struct Token {
    organization: usize,
    name: String,
    life: Life,
}

#[derive(Default)]
struct State {
    keys: Vec<Key>,
    tokens: HashMap<String, Token>,
    minted: u64,
}

/// The cloud.
pub(super) struct Cloud {
    state: Mutex<State>,
}

impl Cloud {
    /// The cloud with its seeded secrets, and the credentials that hold them.
    pub(super) fn new(midnight: Millis) -> (Self, Vec<Credential>) {
        let past = Moment { now: midnight - 30 * DAY, ..Moment::default() };
        let keys: Vec<Key> = SECRETS
            .into_iter()
            .map(|(name, kind, organization, days)| {
                let life = Life::starting(past).until(midnight + (days + 1) * DAY - SECOND);
                let secret = seed::padded(&format!("{REGION}/{name}"));
                Key { name: name.to_owned(), kind, organization, secret, life }
            })
            .collect();
        let credentials = keys.iter().map(credential).collect();
        (Self { state: Mutex::new(State { keys, ..State::default() }) }, credentials)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The holder of the access token, if it is one of ours and still good.
    fn holder(&self, call: &Call) -> Option<(usize, String)> {
        let (scheme, value) = call.authorization()?;
        let state = self.state();
        let token = state.tokens.get(value).filter(|token| token.life.holds(call.at.now))?;
        scheme.eq_ignore_ascii_case("bearer").then(|| (token.organization, token.name.clone()))
    }

    fn by_personal_key(&self, call: &Call, fields: [&str; 3]) -> Reply {
        let form = call.form();
        let [secret, first, second] = fields.map(|name| form.get(name).cloned());
        let wanted = first.or(second);
        let mut state = self.state();
        let key = state.keys.iter().find(|key| {
            key.kind == Kind::PersonalAccessKey && Some(&key.secret) == secret.as_ref() && key.life.holds(call.at.now)
        });
        let Some((home, name)) = key.map(|key| (key.organization, key.name.clone())) else {
            return problem(StatusCode::UNAUTHORIZED, "Invalid personal access key");
        };
        match reach(home, wanted.as_deref()) {
            Ok(organization) => exchange(&mut state, organization, &name, call.at),
            Err(refusal) => refusal,
        }
    }

    fn by_api_key(&self, call: &Call) -> Reply {
        let form = call.form();
        let wanted = form.get("organizationId").map(String::as_str);
        if wanted.is_some_and(|id| !is_guid(id)) {
            return problem(StatusCode::BAD_REQUEST, "organizationId must be a valid GUID");
        }
        let mut state = self.state();
        let key = state.keys.iter().find(|key| {
            Some(&key.name) == form.get("name") && Some(&key.secret) == form.get("secret") && key.life.holds(call.at.now)
        });
        let Some((home, name, kind)) = key.map(|key| (key.organization, key.name.clone(), key.kind)) else {
            return problem(StatusCode::UNAUTHORIZED, "Invalid API Key credentials");
        };
        let organization = match kind {
            Kind::ApiKey(Answers::Asked) => reach(home, wanted),
            Kind::ApiKey(Answers::Home) => Ok(home),
            Kind::PersonalAccessKey => Err(problem(StatusCode::UNAUTHORIZED, "Invalid API Key credentials")),
        };
        organization.map_or_else(|refusal| refusal, |organization| exchange(&mut state, organization, &name, call.at))
    }
}

/// Mints the access token.
fn exchange(state: &mut State, organization: usize, name: &str, at: Moment) -> Reply {
    state.minted += 1;
    let expires = at.now + TOKEN_SECONDS * SECOND;
    let claims = json!({"exp": expires / SECOND, "iat": at.now / SECOND, "jti": seed::uuid(&format!("{REGION}/jwt/{}", state.minted)),
        "sub": seed::uuid(&format!("{REGION}/user/{name}")), "email": format!("{name}@example.com"),
        "currentOrganizationId": organization_id(organization)});
    let access_token = seed::jwt(&claims);
    let life = Life::starting(at).until(expires);
    state.tokens.retain(|_, token| !token.life.is_over(at.now));
    state.tokens.insert(access_token.clone(), Token { organization, name: name.to_owned(), life });
    ok(&json!({"access_token": access_token, "expires_in": TOKEN_SECONDS, "token_type": "Bearer"}))
}

/// The organisation a secret of `home` gets when it asks for `wanted`: itself, or one below it.
fn reach(home: usize, wanted: Option<&str>) -> Result<usize, Reply> {
    let Some(wanted) = wanted else {
        return Ok(home);
    };
    let found = (0..ORGANIZATIONS.len()).find(|place| organization_id(*place) == wanted);
    found
        .filter(|place| *place == home || ORGANIZATIONS[*place].1 == Some(home))
        .ok_or_else(|| problem(StatusCode::FORBIDDEN, "The key has no access to this organization"))
}

fn organization_id(place: usize) -> String {
    seed::uuid(&format!("{REGION}/organization/{place}"))
}

fn is_guid(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    lengths == [8, 4, 4, 4, 12] && parts.concat().bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn credential(key: &Key) -> Credential {
    // The stray key is filed under an organisation that its tokens are never for.
    let asked = if key.kind == Kind::ApiKey(Answers::Home) { 1 } else { key.organization };
    Credential {
        name: format!("appcircle-{}", key.name),
        provider: "appcircle",
        kind: key.kind.id(),
        region: REGION.to_owned(),
        secret: key.secret.clone(),
        fields: BTreeMap::from([("key_name", key.name.clone()), ("organization_id", organization_id(asked))]),
        parts: BTreeMap::new(),
    }
}

impl Provider for Cloud {
    fn live(&self, now: Millis) -> Vec<LiveSecret> {
        let state = self.state();
        let living = state.keys.iter().filter(|key| !key.life.is_over(now));
        living
            .map(|key| LiveSecret { account: key.name.clone(), kind: key.kind.id(), sha256: seed::fingerprint(&key.secret) })
            .collect()
    }

    /// A personal access key is deleted and generated anew; an API key is rotated, with both alive for a while.
    fn replace_by_hand(&self, credential: &Credential, at: Moment) -> Option<String> {
        let mut state = self.state();
        state.minted += 1;
        let secret = seed::padded(&format!("{REGION}/minted/{}", state.minted));
        let name = credential.fields.get("key_name")?.clone();
        let own = |key: &&mut Key| key.name == name && !key.life.is_over(at.now);
        let old = state.keys.iter_mut().rev().find(own)?;
        if old.kind == Kind::PersonalAccessKey {
            old.life.end(at);
        }
        let (kind, organization) = (old.kind, old.organization);
        let life = Life::starting(at).until(at.now + 180 * DAY);
        state.keys.push(Key { name, kind, organization, secret: secret.clone(), life });
        Some(secret)
    }

    fn revoke_by_hand(&self, sha256: &str, at: Moment) -> bool {
        let mut state = self.state();
        let found = state.keys.iter_mut().find(|key| seed::fingerprint(&key.secret) == sha256);
        found.map(|key| key.life.end(at)).is_some()
    }
}

fn ok(body: &Value) -> Reply {
    Reply::json(StatusCode::OK, body)
}

fn problem(status: StatusCode, error: &str) -> Reply {
    Reply::json(status, &json!({"error": error}))
}
