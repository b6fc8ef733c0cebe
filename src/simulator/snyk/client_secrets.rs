//! Client secrets of service accounts, apps and installs: at most two and at least one per client.

use serde_json::Value;

use super::super::clock::{RequestInstant, UnixMillis, ValidityPeriod};
use super::json_api_error::JsonApiError;

const MAX_ACTIVE_SECRETS: usize = 2;

/// Client secrets of one client.
#[derive(Default)]
pub(super) struct ClientSecrets(Vec<(String, ValidityPeriod)>);

impl ClientSecrets {
    pub(super) fn with_secret(secret: String, validity: ValidityPeriod) -> Self {
        Self(vec![(secret, validity)])
    }

    pub(super) fn accepts(&self, secret: &str, now: UnixMillis) -> bool {
        self.0.iter().any(|(known, validity)| known == secret && validity.is_valid_at(now))
    }

    /// Returns the secrets that have not ended.
    pub(super) fn live_secrets(&self, now: UnixMillis) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .filter(move |(_, validity)| !validity.has_ended(now))
            .map(|(secret, _)| secret.as_str())
    }

    pub(super) fn revoke_all(&mut self, at: RequestInstant) {
        self.0.iter_mut().for_each(|(_, validity)| validity.revoke(at));
    }

    /// Applies the attributes of a `…/secrets` call, and returns the secret if there is a new one.
    pub(super) fn apply_change(
        &mut self,
        input: &Value,
        new_secret: String,
        at: RequestInstant,
    ) -> Result<Option<String>, JsonApiError> {
        self.0.retain(|(_, validity)| !validity.has_ended(at.now));
        match input["mode"].as_str() {
            Some("create") if self.active_count() >= MAX_ACTIVE_SECRETS => {
                Err(JsonApiError::bad_request(
                    "cannot update secrets: the maximum of 2 active secrets is reached",
                ))
            }
            Some("create") => Ok(Some(self.add(new_secret, at))),
            Some("replace") => {
                self.revoke_all(at);
                Ok(Some(self.add(new_secret, at)))
            }
            Some("delete") => {
                self.delete(input["secret"].as_str().unwrap_or_default(), at).map(|()| None)
            }
            _ => Err(JsonApiError::invalid_pointer(
                "/data/attributes/mode",
                "must be create, delete or replace",
            )),
        }
    }

    fn add(&mut self, new_secret: String, at: RequestInstant) -> String {
        self.0.push((new_secret.clone(), ValidityPeriod::starting_at(at)));
        new_secret
    }

    fn delete(&mut self, secret: &str, at: RequestInstant) -> Result<(), JsonApiError> {
        let active = self.active_count();
        let found =
            self.0.iter_mut().find(|(known, validity)| known == secret && validity.has_no_end());
        let (_, validity) = found.ok_or_else(|| {
            JsonApiError::invalid_pointer(
                "/data/attributes/secret",
                "is not a secret of this client",
            )
        })?;
        if active < MAX_ACTIVE_SECRETS {
            return Err(JsonApiError::bad_request(
                "cannot update secrets: at least one secret must remain",
            ));
        }
        validity.revoke(at);
        Ok(())
    }

    /// Returns how many secrets are not revoked, whether or not revoked ones are still accepted.
    fn active_count(&self) -> usize {
        self.0.iter().filter(|(_, validity)| validity.has_no_end()).count()
    }
}

/// Inserts a secret into a resource, for this response only.
pub(super) fn insert_secret(mut resource: Value, name: &str, secret: Option<String>) -> Value {
    if let Some(secret) = secret {
        resource["attributes"][name] = secret.into();
    }
    resource
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Returns the new secret, an empty text, or a refusal.
    fn change(
        secrets: &mut ClientSecrets,
        input: &Value,
        new_secret: &str,
    ) -> Result<String, &'static str> {
        let changed = secrets.apply_change(input, new_secret.to_owned(), RequestInstant::default());
        changed.map(Option::unwrap_or_default).map_err(|_| "refused")
    }

    #[test]
    fn there_are_at_most_two_and_at_least_one() {
        let mut secrets = ClientSecrets::with_secret(
            "a".into(),
            ValidityPeriod::starting_at(RequestInstant::default()),
        );
        assert_eq!(
            change(&mut secrets, &json!({"mode": "delete", "secret": "a"}), ""),
            Err("refused")
        );
        assert_eq!(change(&mut secrets, &json!({"mode": "create"}), "b"), Ok("b".into()));
        assert_eq!(change(&mut secrets, &json!({"mode": "create"}), "c"), Err("refused"));
        assert_eq!(
            change(&mut secrets, &json!({"mode": "delete", "secret": "x"}), ""),
            Err("refused")
        );
        assert_eq!(
            change(&mut secrets, &json!({"mode": "delete", "secret": "a"}), ""),
            Ok(String::new())
        );
        assert!(!secrets.accepts("a", 0) && secrets.accepts("b", 0));
    }

    #[test]
    fn a_revoked_secret_that_lingers_frees_its_place() {
        let mut secrets = ClientSecrets::with_secret(
            "a".into(),
            ValidityPeriod::starting_at(RequestInstant::default()),
        );
        assert_eq!(change(&mut secrets, &json!({"mode": "create"}), "b"), Ok("b".into()));
        let slow = RequestInstant { revocation_delay: 60, ..RequestInstant::default() };
        let deleted =
            secrets.apply_change(&json!({"mode": "delete", "secret": "a"}), String::new(), slow);
        assert!(deleted.is_ok() && secrets.accepts("a", 59));
        assert_eq!(change(&mut secrets, &json!({"mode": "create"}), "c"), Ok("c".into()));
    }

    #[test]
    fn replacing_kills_at_once() {
        let mut secrets = ClientSecrets::with_secret(
            "a".into(),
            ValidityPeriod::starting_at(RequestInstant::default()),
        );
        assert_eq!(change(&mut secrets, &json!({"mode": "replace"}), "b"), Ok("b".into()));
        assert_eq!(secrets.live_secrets(0).collect::<Vec<_>>(), ["b"]);
    }
}
