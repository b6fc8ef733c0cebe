//! Ready-made requests of a provider file: presets, their parameters and the pointers into their
//! responses. Start at [`RequestPreset`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::lazy_list::HasId;
use super::placeholder::placeholders;
use super::value_type::ValueType;
use crate::domain::region::HostRole;

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
