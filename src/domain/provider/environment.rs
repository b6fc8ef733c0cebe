//! Environment variables that a provider's own tools read, for child processes and copied commands.
//!
//! Only templates and names are resolved here; the code that may hold the secret inserts it. Start
//! at [`CredentialKind::environment_variables`].

use std::collections::BTreeMap;

use super::placeholder::{PlaceholderEncoding, fill_template};
use super::spec::CredentialKind;
use crate::domain::region::{HostRole, Region};

/// Template for the secret.
pub(super) const SECRET_TEMPLATE: &str = "{secret}";

/// Template for the access token that the secret is exchanged for.
pub(super) const ACCESS_TOKEN_TEMPLATE: &str = "{access_token}";

/// Value of a variable. The caller inserts the secret itself, where it may hold it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VariableValue {
    /// Secret of the credential.
    Secret,
    /// Access token that the secret is exchanged for.
    AccessToken,
    /// Text that is not secret.
    Text(String),
}

impl CredentialKind {
    /// Returns name and value of the variables for a credential of this kind. A variable that needs
    /// a missing host or field is omitted.
    pub fn environment_variables(
        &self,
        region: &Region,
        fields: &BTreeMap<String, String>,
    ) -> Vec<(&str, VariableValue)> {
        let value = |template: &str| match template {
            SECRET_TEMPLATE => Some(VariableValue::Secret),
            ACCESS_TOKEN_TEMPLATE => Some(VariableValue::AccessToken),
            text => fill_template(text, PlaceholderEncoding::Plain, |name| {
                placeholder_value(name, region, fields)
            })
            .ok()
            .map(VariableValue::Text),
        };
        self.environment
            .iter()
            .filter_map(|(name, template)| Some((name.as_str(), value(template)?)))
            .collect()
    }

    /// Returns the variable in which the provider's own tools expect the value after the
    /// authorization scheme: the secret, or the access token that it is exchanged for.
    pub fn secret_variable(&self) -> &str {
        let sent = if self.authorization.uses_token_exchange() {
            ACCESS_TOKEN_TEMPLATE
        } else {
            SECRET_TEMPLATE
        };
        self.environment
            .iter()
            .find(|(_, template)| template == sent)
            .map_or("TOKEN", |(name, _)| name)
    }
}

fn placeholder_value(
    name: &str,
    region: &Region,
    fields: &BTreeMap<String, String>,
) -> Option<String> {
    match name {
        "api" => Some(region.origin(HostRole::Api).to_string()),
        "auth" => Some(region.origin(HostRole::Auth).to_string()),
        "app" => region.app.as_ref().map(ToString::to_string),
        field => fields.get(field).filter(|value| !value.is_empty()).cloned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::provider::builtin_catalog;

    #[test]
    fn a_childs_variables_point_to_the_region_of_the_credential() {
        let catalog = builtin_catalog();
        let kind = catalog.kind("snyk", "personal-access-token").unwrap();
        let variables =
            kind.environment_variables(catalog.region("snyk", "eu").unwrap(), &BTreeMap::new());
        assert_eq!(
            variables,
            [
                ("SNYK_TOKEN", VariableValue::Secret),
                ("SNYK_API", VariableValue::Text("https://api.eu.snyk.io".to_owned()))
            ]
        );
        let fields = BTreeMap::from([("org_id".to_owned(), "acme".to_owned())]);
        let variables = kind.environment_variables(catalog.region("snyk", "eu").unwrap(), &fields);
        assert_eq!(
            variables.last(),
            Some(&("SNYK_CFG_ORG", VariableValue::Text("acme".to_owned())))
        );
    }

    #[test]
    fn an_exchanged_secret_has_a_variable_for_its_access_token() {
        assert_eq!(
            builtin_catalog().kind("appcircle", "api-key").unwrap().secret_variable(),
            "APPCIRCLE_ACCESS_TOKEN"
        );
        assert_eq!(
            builtin_catalog().kind("snyk", "personal-token").unwrap().secret_variable(),
            "SNYK_TOKEN"
        );
    }
}
