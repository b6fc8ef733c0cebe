//! Ready-made requests of a provider file: presets, their parameters and the pointers into their
//! responses. Start at [`RequestPreset`].
//!
//! Types of parameter values, and the check whether a value matches.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::lazy_list::HasId;
use super::placeholder::placeholders;
use crate::domain::region::HostRole;
use crate::domain::text::is_uuid;

/// Ready-made request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestPreset {
    /// ID within the provider, such as `self`.
    pub id: String,
    /// Display name.
    pub title: String,
    /// Content of the response in one sentence.
    pub help: String,
    /// HTTP method.
    #[serde(default = "default_method")]
    pub method: String,
    /// Host of the region that receives the request.
    #[serde(default)]
    #[serde(rename = "place")]
    pub host_role: HostRole,
    /// Path, with `{placeholders}`.
    pub path: String,
    /// Query parameters in order; values may contain placeholders.
    #[serde(default)]
    pub query: Vec<(String, String)>,
    /// Headers besides the provider's own.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// Body, with placeholders.
    #[serde(default)]
    pub body: Option<String>,
    /// Parameters for the placeholders.
    #[serde(default, rename = "parameter")]
    pub parameters: Vec<PresetParameter>,
    /// URL of the provider's documentation of the request.
    pub docs: String,
    /// Whether the request only reads although its method could write. The confirmation is then
    /// shorter.
    #[serde(default)]
    #[serde(rename = "reads")]
    pub read_only: bool,
    /// Kinds for which the preset is useless.
    #[serde(default)]
    #[serde(rename = "not_for")]
    pub excluded_kinds: Vec<String>,
    /// Position of the credential's identity in the response.
    #[serde(default)]
    pub principal: Option<PrincipalPointers>,
}

/// JSON pointers into a response that reports the principal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrincipalPointers {
    /// Pointer to the identifier.
    pub id: String,
    /// Pointers to the name; the first that exists is used.
    pub name: Vec<String>,
    /// Pointer to the type, if the response contains one.
    #[serde(default)]
    pub kind: Option<String>,
    /// Pointer to the principal's default organization.
    #[serde(default)]
    #[serde(rename = "home")]
    pub home_organization: Option<String>,
    /// Members that determine the type where they are true: pointer → type.
    #[serde(default)]
    pub flags: BTreeMap<String, String>,
}

/// Parameter of a preset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PresetParameter {
    /// Name of the placeholder, such as `org_id`.
    pub id: String,
    /// Meaning in one sentence.
    pub help: String,
    /// Type of the values.
    #[serde(default, rename = "type")]
    pub value_type: ValueType,
    /// Allowed values; where empty, every value of the type is allowed.
    #[serde(default)]
    pub choices: Vec<String>,
    /// Default value.
    #[serde(default)]
    pub default: Option<String>,
    /// Preset whose response lists the values.
    #[serde(default)]
    #[serde(rename = "from")]
    pub options_preset: Option<String>,
    /// Position of the values in that response.
    #[serde(default)]
    pub items: Option<ListPointers>,
}

/// JSON pointers to the values of a parameter in a response.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListPointers {
    /// Pointer to the array.
    pub list: String,
    /// Pointer to the value within an element.
    pub value: String,
    /// Pointer to the display name within an element.
    pub name: String,
}

impl HasId for RequestPreset {
    fn id(&self) -> &str {
        &self.id
    }
}

impl RequestPreset {
    /// Returns the parameter with this ID.
    pub fn parameter(&self, id: &str) -> Option<&PresetParameter> {
        self.parameters.iter().find(|parameter| parameter.id == id)
    }

    /// Returns the placeholders in path, query and body, with repetitions.
    pub fn placeholders(&self) -> impl Iterator<Item = &str> {
        let query = self.query.iter().flat_map(|(_, value)| placeholders(value));
        placeholders(&self.path)
            .chain(query)
            .chain(self.body.as_deref().into_iter().flat_map(placeholders))
    }
}

fn default_method() -> String {
    "GET".to_owned()
}

/// Type of a parameter's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ValueType {
    /// Any text.
    #[default]
    Text,
    /// UUID, such as the ID of an organization.
    Uuid,
    /// Whole number.
    Number,
}

impl ValueType {
    /// Returns the name as used in provider files and `presets --json`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Uuid => "uuid",
            Self::Number => "number",
        }
    }

    /// Whether a value matches the type.
    fn matches(self, value: &str) -> bool {
        match self {
            Self::Text => true,
            Self::Uuid => is_uuid(value),
            Self::Number => !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()),
        }
    }
}

impl PresetParameter {
    /// Describes the accepted values, such as `a UUID`.
    pub fn describe_values(&self) -> String {
        let form = match (self.choices.split_last(), self.value_type) {
            (Some((last, [])), _) => last.clone(),
            (Some((last, others)), _) => format!("{} or {last}", others.join(", ")),
            (None, ValueType::Text) => "any text".to_owned(),
            (None, ValueType::Uuid) => "a UUID".to_owned(),
            (None, ValueType::Number) => "a number".to_owned(),
        };
        match &self.default {
            Some(default) => format!("{form} (default {default})"),
            None => form,
        }
    }

    /// Whether the parameter accepts a value.
    pub fn accepts(&self, value: &str) -> bool {
        let is_choice =
            self.choices.is_empty() || self.choices.iter().any(|choice| choice == value);
        !value.is_empty() && is_choice && self.value_type.matches(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameter(value_type: ValueType, choices: &[&str]) -> PresetParameter {
        PresetParameter {
            id: "x".to_owned(),
            help: String::new(),
            value_type,
            choices: choices.iter().map(|choice| (*choice).to_owned()).collect(),
            default: None,
            options_preset: None,
            items: None,
        }
    }

    #[test]
    fn a_value_looks_like_its_type_says() {
        let uuid = parameter(ValueType::Uuid, &[]);
        assert!(
            uuid.accepts("74c237b4-ae4a-4241-a47c-000000000bb7")
                && uuid.accepts("74C237B4-AE4A-4241-A47C-000000000BB7")
        );
        for wrong in [
            "",
            "acme",
            "74c237b4-ae4a-4241-a47c",
            "74c237b4-ae4a-4241-a47c-000000000bb7-",
            "74c237b4ae4a4241a47c000000000bb7",
        ] {
            assert!(!uuid.accepts(wrong), "{wrong}");
        }
        let number = parameter(ValueType::Number, &[]);
        assert!(
            number.accepts("100")
                && !number.accepts("-1")
                && !number.accepts("1e3")
                && !number.accepts("")
        );
        let choice = parameter(ValueType::Text, &["open", "resolved"]);
        assert!(choice.accepts("open") && !choice.accepts("Open") && !choice.accepts(""));
        assert!(parameter(ValueType::Text, &[]).accepts("any/thing"));
    }

    #[test]
    fn what_it_takes_is_said_in_words() {
        assert_eq!(parameter(ValueType::Uuid, &[]).describe_values(), "a UUID");
        let with = |default: &str, parameter| PresetParameter {
            default: Some(default.to_owned()),
            ..parameter
        };
        assert_eq!(
            with("100", parameter(ValueType::Number, &[])).describe_values(),
            "a number (default 100)"
        );
        let choice = parameter(ValueType::Text, &["open", "resolved", "all"]);
        assert_eq!(with("open", choice).describe_values(), "open, resolved or all (default open)");
        assert_eq!(parameter(ValueType::Text, &["one"]).describe_values(), "one");
    }
}
