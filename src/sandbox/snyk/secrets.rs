//! Client secrets of service accounts, apps and installs: at most two, at least one.

use serde_json::Value;

use super::super::clock::{Life, Millis, Moment};
use super::refusal::Refusal;

const MOST: usize = 2;

/// The client secrets of one client.
#[derive(Default)]
pub(super) struct Secrets(Vec<(String, Life)>);

impl Secrets {
    pub(super) fn with(secret: String, life: Life) -> Self {
        Self(vec![(secret, life)])
    }

    pub(super) fn accepts(&self, secret: &str, now: Millis) -> bool {
        self.0.iter().any(|(known, life)| known == secret && life.holds(now))
    }

    /// Those that are not over yet.
    pub(super) fn living(&self, now: Millis) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(_, life)| !life.is_over(now)).map(|(secret, _)| secret.as_str())
    }

    pub(super) fn end_all(&mut self, at: Moment) {
        self.0.iter_mut().for_each(|(_, life)| life.end(at));
    }

    /// Does what the attributes of a `…/secrets` call ask for, and returns the secret if there is a new one.
    pub(super) fn change(&mut self, wish: &Value, fresh: String, at: Moment) -> Result<Option<String>, Refusal> {
        self.0.retain(|(_, life)| !life.is_over(at.now));
        match wish["mode"].as_str() {
            Some("create") if self.active() >= MOST => {
                Err(Refusal::bad("cannot update secrets: the maximum of 2 active secrets is reached"))
            }
            Some("create") => Ok(Some(self.add(fresh, at))),
            Some("replace") => {
                self.end_all(at);
                Ok(Some(self.add(fresh, at)))
            }
            Some("delete") => self.delete(wish["secret"].as_str().unwrap_or_default(), at).map(|()| None),
            _ => Err(Refusal::pointer("/data/attributes/mode", "must be create, delete or replace")),
        }
    }

    fn add(&mut self, fresh: String, at: Moment) -> String {
        self.0.push((fresh.clone(), Life::starting(at)));
        fresh
    }

    fn delete(&mut self, secret: &str, at: Moment) -> Result<(), Refusal> {
        let active = self.active();
        let found = self.0.iter_mut().find(|(known, life)| known == secret && life.is_endless());
        let (_, life) = found.ok_or_else(|| Refusal::pointer("/data/attributes/secret", "is not a secret of this client"))?;
        if active < MOST {
            return Err(Refusal::bad("cannot update secrets: at least one secret must remain"));
        }
        life.end(at);
        Ok(())
    }

    /// How many nobody has revoked, whether or not the revoked ones still linger.
    fn active(&self) -> usize {
        self.0.iter().filter(|(_, life)| life.is_endless()).count()
    }
}

/// Shows a secret in a resource, this once.
pub(super) fn reveal(mut resource: Value, name: &str, secret: Option<String>) -> Value {
    if let Some(secret) = secret {
        resource["attributes"][name] = secret.into();
    }
    resource
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// The new secret, nothing, or a refusal.
    fn change(secrets: &mut Secrets, wish: &Value, fresh: &str) -> Result<String, &'static str> {
        let changed = secrets.change(wish, fresh.to_owned(), Moment::default());
        changed.map(Option::unwrap_or_default).map_err(|_| "refused")
    }

    #[test]
    fn there_are_at_most_two_and_at_least_one() {
        let mut secrets = Secrets::with("a".into(), Life::starting(Moment::default()));
        assert_eq!(change(&mut secrets, &json!({"mode": "delete", "secret": "a"}), ""), Err("refused"));
        assert_eq!(change(&mut secrets, &json!({"mode": "create"}), "b"), Ok("b".into()));
        assert_eq!(change(&mut secrets, &json!({"mode": "create"}), "c"), Err("refused"));
        assert_eq!(change(&mut secrets, &json!({"mode": "delete", "secret": "x"}), ""), Err("refused"));
        assert_eq!(change(&mut secrets, &json!({"mode": "delete", "secret": "a"}), ""), Ok(String::new()));
        assert!(!secrets.accepts("a", 0) && secrets.accepts("b", 0));
    }

    #[test]
    fn a_revoked_secret_that_lingers_frees_its_place() {
        let mut secrets = Secrets::with("a".into(), Life::starting(Moment::default()));
        assert_eq!(change(&mut secrets, &json!({"mode": "create"}), "b"), Ok("b".into()));
        let slow = Moment { lingering: 60, ..Moment::default() };
        let deleted = secrets.change(&json!({"mode": "delete", "secret": "a"}), String::new(), slow);
        assert!(deleted.is_ok() && secrets.accepts("a", 59));
        assert_eq!(change(&mut secrets, &json!({"mode": "create"}), "c"), Ok("c".into()));
    }

    #[test]
    fn replacing_kills_at_once() {
        let mut secrets = Secrets::with("a".into(), Life::starting(Moment::default()));
        assert_eq!(change(&mut secrets, &json!({"mode": "replace"}), "b"), Ok("b".into()));
        assert_eq!(secrets.living(0).collect::<Vec<_>>(), ["b"]);
    }
}
