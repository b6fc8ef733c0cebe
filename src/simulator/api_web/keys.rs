//! Keys of API & Web, each of which is also an API user.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::clock::{RequestInstant, UnixMillis, ValidityPeriod};
use super::super::deterministic;
use super::super::http_service::SimulatorResponse;
use super::super::manifest::SeededCredential;
use super::invalid_field;

const MAX_NAME_BYTES: usize = 60;

/// An API user with its key.
pub(super) struct ApiUserKey {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) title: String,
    pub(super) active: bool,
    pub(super) labels: Value,
    pub(super) role: usize,
    pub(super) secret: String,
    pub(super) validity: ValidityPeriod,
    pub(super) deleted: bool,
    pub(super) changed: UnixMillis,
}

impl ApiUserKey {
    pub(super) fn new(scope: &str, name: &str, role: usize, at: RequestInstant) -> Self {
        let id = deterministic::base58(&format!("{scope}/key/{name}"));
        let claims = json!({"jti": id, "username": deterministic::base58(&format!("{scope}/user/{name}")), "tenant": "sandbox"});
        Self {
            id,
            name: name.to_owned(),
            title: String::new(),
            active: true,
            labels: json!([]),
            role,
            secret: deterministic::jwt(&claims),
            validity: ValidityPeriod::starting_at(at),
            deleted: false,
            changed: at.now,
        }
    }

    pub(super) fn credential(&self, region: &str, prefix: &str) -> SeededCredential {
        let fields = BTreeMap::from([("key_id", self.id.clone()), ("key_name", self.name.clone())]);
        let name = format!("{prefix}-{}", self.name);
        let (region, secret) = (region.to_owned(), self.secret.clone());
        SeededCredential {
            name,
            provider: "snyk-api-web",
            kind: "api-key",
            region,
            secret,
            fields,
            parts: BTreeMap::new(),
        }
    }

    pub(super) fn describe(&self) -> Value {
        json!({"id": self.id, "name": self.name})
    }

    pub(super) fn update(&mut self, input: &Value, now: UnixMillis) {
        if let Some(title) = input["title"].as_str() {
            title.clone_into(&mut self.title);
        }
        if input["labels"].is_array() {
            self.labels = input["labels"].clone();
        }
        self.active = input["active"].as_bool().unwrap_or(self.active);
        self.changed = now;
    }

    pub(super) fn delete(&mut self, at: RequestInstant) -> Value {
        self.deleted = true;
        self.validity.revoke(at);
        Value::Null
    }
}

/// Parses the name in a request body; `None` where the request has none.
pub(super) fn parse_name(input: &Value) -> Result<Option<String>, SimulatorResponse> {
    match input.get("name") {
        None => Ok(None),
        Some(name) => match name.as_str().map(str::trim) {
            None | Some("") => Err(invalid_field("name", "This field may not be blank.")),
            Some(name) if name.len() > MAX_NAME_BYTES => {
                Err(invalid_field("name", "Ensure this field has no more than 60 characters."))
            }
            Some(name) => Ok(Some(name.to_owned())),
        },
    }
}
