//! Manifest of a running simulator: the addresses of its servers and the credentials that they
//! know.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

/// The JSON line that `tokenring sandbox --json` prints.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct SimulatorManifest {
    /// Every region with its addresses, in a fixed order.
    #[serde(serialize_with = "as_map")]
    pub regions: Vec<(String, RegionAddresses)>,
    /// Seeded credentials in every interesting state: new, expiring, expired, revoked, registered
    /// under a wrong region.
    pub credentials: Vec<SeededCredential>,
    /// Address of the fault knobs.
    pub faults: String,
}

impl SimulatorManifest {
    /// Returns the addresses of a region such as `SNYK-EU-01`, `SAW-US` or `APPCIRCLE`.
    pub fn region(&self, id: &str) -> Option<&RegionAddresses> {
        self.regions.iter().find(|(region, _)| region == id).map(|(_, addresses)| addresses)
    }

    /// Returns a credential by its name, such as `eu01-admin`.
    pub fn credential(&self, name: &str) -> Option<&SeededCredential> {
        self.credentials.iter().find(|credential| credential.name == name)
    }
}

/// Base URLs of one region, without a trailing slash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RegionAddresses {
    /// API.
    pub api: String,
    /// Web application, which has Snyk's OAuth consent page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app: Option<String>,
    /// Host that exchanges secrets for access tokens (Appcircle).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth: Option<String>,
}

/// One seeded credential. The secret is fake, but the type has no `Debug`, so that nothing prints
/// it by accident.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct SeededCredential {
    /// Unique name in kebab-case.
    pub name: String,
    /// `snyk`, `snyk-apps`, `snyk-api-web` or `appcircle`.
    pub provider: &'static str,
    /// Kind within the provider, such as `personal-access-token`.
    pub kind: &'static str,
    /// Region under which the credential is registered; one of them is wrong.
    pub region: String,
    /// The secret.
    pub secret: String,
    /// Fields that are not secret: `org_id`, `client_id`, `service_account_id`, …
    pub fields: BTreeMap<&'static str, String>,
    /// Further secrets of the credential, such as the `client_secret` beside an app's refresh
    /// token.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub parts: BTreeMap<&'static str, String>,
}

fn as_map<S: Serializer>(
    regions: &[(String, RegionAddresses)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(regions.iter().map(|(id, addresses)| (id, addresses)))
}
