//! The variables that a provider's own tools read, for a child process and for a copied command.

use std::collections::BTreeMap;

use super::placeholder::{Fill, fill};
use super::spec::Kind;
use crate::domain::region::{Place, Region};

/// The template that stands for the secret.
pub(super) const SECRET: &str = "{secret}";

/// The template that stands for the access token that the secret is exchanged for.
pub(super) const ACCESS_TOKEN: &str = "{access_token}";

/// What goes into a variable. The secret itself is put in by whoever may hold it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VariableValue {
    /// The credential's secret.
    Secret,
    /// The access token that the secret is exchanged for.
    AccessToken,
    /// This text, which is no secret.
    Text(String),
}

impl Kind {
    /// The variables for a credential of this kind: name and value. One that needs what region or fields do not have
    /// is left out.
    pub fn variables(&self, region: &Region, fields: &BTreeMap<String, String>) -> Vec<(&str, VariableValue)> {
        let value = |template: &str| match template {
            SECRET => Some(VariableValue::Secret),
            ACCESS_TOKEN => Some(VariableValue::AccessToken),
            text => fill(text, Fill::Plain, |name| lookup(name, region, fields)).ok().map(VariableValue::Text),
        };
        self.environment.iter().filter_map(|(name, template)| Some((name.as_str(), value(template)?))).collect()
    }

    /// The variable in which the provider's own tools expect the text behind the authorization scheme: the secret, or
    /// the access token that it is exchanged for.
    pub fn secret_variable(&self) -> &str {
        let sent = if self.authorization.exchanges() { ACCESS_TOKEN } else { SECRET };
        self.environment.iter().find(|(_, template)| template == sent).map_or("TOKEN", |(name, _)| name)
    }
}

fn lookup(name: &str, region: &Region, fields: &BTreeMap<String, String>) -> Option<String> {
    match name {
        "api" => Some(region.origin(Place::Api).to_string()),
        "auth" => Some(region.origin(Place::Auth).to_string()),
        "app" => region.app.as_ref().map(ToString::to_string),
        field => fields.get(field).filter(|value| !value.is_empty()).cloned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::provider::builtin;

    #[test]
    fn a_childs_variables_point_to_the_region_of_the_credential() {
        let catalogue = builtin();
        let kind = catalogue.kind("snyk", "personal-access-token").unwrap();
        let variables = kind.variables(catalogue.region("snyk", "eu").unwrap(), &BTreeMap::new());
        assert_eq!(
            variables,
            [("SNYK_TOKEN", VariableValue::Secret), ("SNYK_API", VariableValue::Text("https://api.eu.snyk.io".to_owned()))]
        );
        let fields = BTreeMap::from([("org_id".to_owned(), "acme".to_owned())]);
        let variables = kind.variables(catalogue.region("snyk", "eu").unwrap(), &fields);
        assert_eq!(variables.last(), Some(&("SNYK_CFG_ORG", VariableValue::Text("acme".to_owned()))));
    }

    #[test]
    fn an_exchanged_secret_has_a_variable_for_its_access_token() {
        assert_eq!(builtin().kind("appcircle", "api-key").unwrap().secret_variable(), "APPCIRCLE_ACCESS_TOKEN");
        assert_eq!(builtin().kind("snyk", "personal-token").unwrap().secret_variable(), "SNYK_TOKEN");
    }
}
