//! Extraction of principals and parameter values from responses, by the JSON pointers of a preset.

use serde_json::Value;

use super::spec::{ListPointers, PrincipalPointers};
use crate::domain::credential::Principal;
use crate::domain::text::sanitize_line;

/// Possible value of a parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParameterOption {
    /// Value that the request sends.
    pub value: String,
    /// Display name; equal to the value where the response contains no name.
    pub name: String,
}

impl PrincipalPointers {
    /// Reads the identity that a response reports for the credential; `None` where it reports none.
    pub fn read_principal(&self, response: &Value) -> Option<Principal> {
        let id = text_at(response, &self.id)?;
        let name = self
            .name
            .iter()
            .find_map(|pointer| text_at(response, pointer))
            .unwrap_or_else(|| id.clone());
        let flagged = self
            .flags
            .iter()
            .find(|(pointer, _)| response.pointer(pointer) == Some(&Value::Bool(true)));
        let read_type = || self.kind.as_ref().and_then(|pointer| text_at(response, pointer));
        let kind = flagged
            .map(|(_, kind)| kind.clone())
            .or_else(read_type)
            .unwrap_or_else(|| "user".to_owned());
        Some(Principal { id, name, kind })
    }

    /// Reads the default organization of the principal.
    pub fn read_home_organization(&self, response: &Value) -> Option<String> {
        text_at(response, self.home_organization.as_ref()?)
    }
}

impl ListPointers {
    /// Reads the values that a response lists, in the order of the response.
    pub fn read_options(&self, response: &Value) -> Vec<ParameterOption> {
        let items = response
            .pointer(&self.list)
            .and_then(Value::as_array)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let choice = |item| {
            let value = text_at(item, &self.value)?;
            let name = text_at(item, &self.name).unwrap_or_else(|| value.clone());
            Some(ParameterOption { value, name })
        };
        items.iter().filter_map(choice).collect()
    }
}

/// Returns the value at a pointer. Most pointers contain no escapes and only object keys, so these
/// are followed without unescaping.
fn value_at<'a>(value: &'a Value, pointer: &str) -> Option<&'a Value> {
    let is_plain = pointer.starts_with('/') && !pointer.contains('~');
    let follow =
        || pointer.split('/').skip(1).try_fold(value, |value, step| value.as_object()?.get(step));
    is_plain.then(follow).flatten().or_else(|| value.pointer(pointer))
}

/// Returns the string or number at a pointer, on one line; `None` where there is none.
fn text_at(value: &Value, pointer: &str) -> Option<String> {
    let text = match value_at(value, pointer)? {
        Value::String(text) => sanitize_line(text),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::provider::builtin_catalog;

    #[test]
    fn a_pointer_leads_where_the_library_leads() {
        let value = json!({ "a": { "b": [{ "c": 1 }], "": 2, "x/y": 3 }, "0": 4 });
        for pointer in [
            "",
            "/a/b/0/c",
            "/a/",
            "/a/x~1y",
            "/0",
            "a",
            "/a/b/01",
            "/a/b/-",
            "/none",
            "/a/b/0/c/d",
        ] {
            assert_eq!(value_at(&value, pointer), value.pointer(pointer), "{pointer}");
        }
    }

    fn principal(provider: &str, preset: &str, response: &Value) -> Option<Principal> {
        let catalog = builtin_catalog();
        catalog
            .preset(provider, preset)
            .unwrap()
            .principal
            .as_ref()
            .unwrap()
            .read_principal(response)
    }

    #[test]
    fn each_provider_reports_the_principal_in_its_own_way() {
        let snyk = json!({ "data": { "id": "u-1", "type": "service_account", "attributes": { "name": "ci" } } });
        let found = principal("snyk", "self", &snyk).unwrap();
        assert_eq!(
            (found.id.as_str(), found.name.as_str(), found.kind.as_str()),
            ("u-1", "ci", "service_account")
        );
        let pointers = builtin_catalog().preset("snyk", "self").unwrap().principal.clone().unwrap();
        let home = json!({ "data": { "attributes": { "default_org_context": "o-1" } } });
        assert_eq!(
            (
                pointers.read_home_organization(&home).as_deref(),
                pointers.read_home_organization(&snyk)
            ),
            (Some("o-1"), None)
        );
        let key = principal(
            "snyk-api-web",
            "profile",
            &json!({ "id": "k", "name": "bot", "is_apiuser": true }),
        )
        .unwrap();
        assert_eq!(key.kind, "api_user");
        let user = principal(
            "snyk-api-web",
            "profile",
            &json!({ "id": 7, "name": "", "email": "e", "is_apiuser": false }),
        )
        .unwrap();
        assert_eq!((user.id.as_str(), user.name.as_str(), user.kind.as_str()), ("7", "e", "user"));
        assert_eq!(principal("appcircle", "userinfo", &json!({ "sub": "s" })).unwrap().name, "s");
        assert_eq!(principal("snyk", "self", &json!({ "errors": [] })), None);
    }

    #[test]
    fn a_parameter_takes_its_values_from_another_presets_answer() {
        let catalog = builtin_catalog();
        let parameter =
            catalog.preset("snyk", "projects").unwrap().parameter("org_id").unwrap().clone();
        let response = json!({ "data": [{ "id": "a", "attributes": { "name": "Acme" } }, { "id": "b" }, { "name": "no id" }] });
        let choices = parameter.items.unwrap().read_options(&response);
        assert_eq!(
            choices
                .iter()
                .map(|choice| (choice.value.as_str(), choice.name.as_str()))
                .collect::<Vec<_>>(),
            [("a", "Acme"), ("b", "b")]
        );
        assert_eq!(parameter.options_preset.as_deref(), Some("orgs"));
    }
}
