//! What a started simulator tells about itself: where its servers listen and which credentials they know.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

/// The one JSON line that `tokenring sandbox --json` prints.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct SimulatorManifest {
    /// Every region with its addresses, in a fixed order.
    #[serde(serialize_with = "as_map")]
    pub regions: Vec<(String, RegionAddresses)>,
    /// Seeded credentials in every state worth seeing: fresh, expiring, expired, revoked, filed under a wrong region.
    pub credentials: Vec<SeededCredential>,
    /// The address of the fault knobs.
    pub faults: String,
}

impl SimulatorManifest {
    /// The addresses of a region, as in `SNYK-EU-01`, `SAW-US` or `APPCIRCLE`.
    pub fn region(&self, id: &str) -> Option<&RegionAddresses> {
        self.regions.iter().find(|(region, _)| region == id).map(|(_, addresses)| addresses)
    }

    /// A credential by its name, as in `eu01-admin`.
    pub fn credential(&self, name: &str) -> Option<&SeededCredential> {
        self.credentials.iter().find(|credential| credential.name == name)
    }
}

/// Base URLs of one region, without a trailing slash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RegionAddresses {
    /// The API.
    pub api: String,
    /// The web application, where Snyk's OAuth consent page lives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app: Option<String>,
    /// The host that exchanges secrets for access tokens (Appcircle).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth: Option<String>,
}

/// One credential of the seeded world. The secret is fake, but nothing here prints it by accident.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct SeededCredential {
    /// Unique, in kebab-case.
    pub name: String,
    /// `snyk`, `snyk-apps`, `snyk-api-web` or `appcircle`.
    pub provider: &'static str,
    /// The kind within the provider, as in `personal-access-token`.
    pub kind: &'static str,
    /// The region under which the credential is filed; one of them is filed wrongly.
    pub region: String,
    /// The secret itself.
    pub secret: String,
    /// What is known about the credential and is not secret: `org_id`, `client_id`, `service_account_id`, …
    pub fields: BTreeMap<&'static str, String>,
    /// Further secrets that belong to it, as the `client_secret` beside an app's refresh token.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub parts: BTreeMap<&'static str, String>,
}

fn as_map<S: Serializer>(
    regions: &[(String, RegionAddresses)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(regions.iter().map(|(id, addresses)| (id, addresses)))
}
