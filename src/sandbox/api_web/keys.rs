//! A key of API & Web, which is also an API user.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::clock::{Life, Millis, Moment};
use super::super::manifest::Credential;
use super::super::seed;
use super::super::wire::Reply;
use super::invalid;

const LONGEST_NAME: usize = 60;

/// An API user with its key.
pub(super) struct Key {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) title: String,
    pub(super) active: bool,
    pub(super) labels: Value,
    pub(super) role: usize,
    pub(super) secret: String,
    pub(super) life: Life,
    pub(super) deleted: bool,
    pub(super) changed: Millis,
}

impl Key {
    pub(super) fn new(scope: &str, name: &str, role: usize, at: Moment) -> Self {
        let id = seed::base58(&format!("{scope}/key/{name}"));
        let claims = json!({"jti": id, "username": seed::base58(&format!("{scope}/user/{name}")), "tenant": "sandbox"});
        Self {
            id,
            name: name.to_owned(),
            title: String::new(),
            active: true,
            labels: json!([]),
            role,
            secret: seed::jwt(&claims),
            life: Life::starting(at),
            deleted: false,
            changed: at.now,
        }
    }

    pub(super) fn credential(&self, region: &str, prefix: &str) -> Credential {
        let fields = BTreeMap::from([("key_id", self.id.clone()), ("key_name", self.name.clone())]);
        let name = format!("{prefix}-{}", self.name);
        let (region, secret) = (region.to_owned(), self.secret.clone());
        Credential { name, provider: "snyk-api-web", kind: "api-key", region, secret, fields, parts: BTreeMap::new() }
    }

    pub(super) fn describe(&self) -> Value {
        json!({"id": self.id, "name": self.name})
    }

    pub(super) fn update(&mut self, wish: &Value, now: Millis) {
        if let Some(title) = wish["title"].as_str() {
            title.clone_into(&mut self.title);
        }
        if wish["labels"].is_array() {
            self.labels = wish["labels"].clone();
        }
        self.active = wish["active"].as_bool().unwrap_or(self.active);
        self.changed = now;
    }

    pub(super) fn delete(&mut self, at: Moment) -> Value {
        self.deleted = true;
        self.life.end(at);
        Value::Null
    }
}

/// The name that somebody wishes for, if it is one.
pub(super) fn read_name(wish: &Value) -> Result<Option<String>, Reply> {
    match wish.get("name") {
        None => Ok(None),
        Some(name) => match name.as_str().map(str::trim) {
            None | Some("") => Err(invalid("name", "This field may not be blank.")),
            Some(name) if name.len() > LONGEST_NAME => Err(invalid("name", "Ensure this field has no more than 60 characters.")),
            Some(name) => Ok(Some(name.to_owned())),
        },
    }
}
