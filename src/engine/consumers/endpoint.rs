//! Endpoint beside a delivered secret: a secret works only in its own region, so a file that gets it
//! must also name that region's API.
//!
//! Start at [`EndpointCheck::find_mismatch`].

use std::sync::Arc;

use zeroize::Zeroizing;

use super::error::ConsumerError;
use super::file::LockedFile;
use super::json_file::JsonDocument;
use super::{
    ConsumerService, env_file, invalid_format, json_edit_problem, open_consumer_file, run_blocking,
    snyk_cli,
};
use crate::domain::consumer::{Consumer, ConsumerTarget};
use crate::domain::identify;
use crate::domain::identify::endpoint::{EndpointError, find_endpoint_name, resolve_endpoint};
use crate::domain::identify::secret_names::vendor_words;
use crate::domain::provider::ProviderCatalog;
use crate::domain::{Credential, Problem, Secret};

/// Endpoint in a file that leads elsewhere than the secret beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointMismatch {
    /// The file.
    pub path: std::path::PathBuf,
    /// Key, pointer or member of the endpoint.
    pub location: String,
    /// Where the endpoint leads.
    pub leads_to: String,
    /// ID of the secret's region.
    pub region: String,
    /// API of the secret's region.
    pub api: String,
}

/// What is needed to compare the endpoints beside a secret with its region.
pub(super) struct EndpointCheck {
    catalog: Arc<ProviderCatalog>,
    provider: String,
    region: String,
    /// Whether the secret names its region itself, so that tools need no endpoint.
    is_named_by_secret: bool,
}

impl ConsumerService {
    /// Returns the endpoint beside the consumer's location, if it leads to another region than that
    /// of the credential. A file that cannot be read is reported by the delivery.
    pub async fn find_endpoint_mismatch(
        &self,
        consumer: &Consumer,
    ) -> Result<Option<EndpointMismatch>, Problem> {
        if let ConsumerTarget::Command(_) = consumer.target {
            return Ok(None);
        }
        let credential = self.database.credential_by_id(&consumer.credential).await?;
        let secret = self.secrets.load_secret(&credential, &consumer.part).await?;
        let check = EndpointCheck::new(&self.catalog, &credential, &secret);
        let checked = consumer.clone();
        run_blocking(move || {
            let file = open_consumer_file(&checked).ok()?;
            check.find_mismatch(&checked.target, &file).ok().flatten()
        })
        .await
    }
}

impl EndpointMismatch {
    /// Describes the contradiction.
    pub fn describe(&self) -> String {
        format!(
            "{} in {} leads to {}, but the secret belongs to {}",
            self.location,
            self.path.display(),
            self.leads_to,
            self.region
        )
    }

    /// Returns the text of the file with the endpoint of the secret's region.
    pub(super) fn apply(
        &self,
        target: &ConsumerTarget,
        text: &str,
    ) -> Result<Zeroizing<String>, ConsumerError> {
        let invalid =
            |line, why| ConsumerError::InvalidFormat { path: self.path.clone(), line, why };
        match target {
            ConsumerTarget::EnvFile { .. } => env_file::set(text, &self.location, &self.api)
                .map_err(|error| invalid(Some(error.line), error.why))?
                .ok_or(ConsumerError::UnrepresentableSecret("a quote or a line break")),
            ConsumerTarget::JsonFile { .. } => JsonDocument::parse(text)
                .and_then(|json| json.set(&self.location, &self.api))
                .map_err(|_| invalid(None, "the endpoint cannot be set")),
            ConsumerTarget::SnykCli { .. } => JsonDocument::parse(text)
                .and_then(|json| json.set_ignore_case(&self.location, &self.api))
                .map_err(|_| invalid(None, "the endpoint cannot be set")),
            ConsumerTarget::ProbelyCli { .. } | ConsumerTarget::Command(_) => {
                Ok(Zeroizing::new(text.to_owned()))
            }
        }
    }
}

impl EndpointCheck {
    /// Creates the check for a secret of this credential.
    pub(super) fn new(
        catalog: &Arc<ProviderCatalog>,
        credential: &Credential,
        secret: &Secret,
    ) -> Self {
        let identified = identify::identify(secret, catalog);
        Self {
            catalog: Arc::clone(catalog),
            provider: credential.provider.clone(),
            region: credential.region.clone(),
            is_named_by_secret: identified
                .is_ok_and(|found| found.candidates.iter().any(|one| one.region.is_some())),
        }
    }

    /// Returns the endpoint beside the target, if it leads to another region than the secret's. An
    /// endpoint that refers to a value elsewhere is not compared.
    pub(super) fn find_mismatch(
        &self,
        target: &ConsumerTarget,
        file: &LockedFile,
    ) -> Result<Option<EndpointMismatch>, ConsumerError> {
        let Ok(region) = self.catalog.region(&self.provider, &self.region) else { return Ok(None) };
        let leads_to = |text: &str| match resolve_endpoint(text, &self.provider, &self.catalog) {
            Ok(found) if found.id == region.id => None,
            Ok(found) => Some(found.id.clone()),
            Err(EndpointError::Reference(_)) => None,
            Err(error) => Some(error.to_string()),
        };
        let found = match self.endpoint_beside(target, file)? {
            Some((location, text)) => leads_to(&text).map(|leads_to| (location, leads_to)),
            None => self.missing_endpoint(target),
        };
        Ok(found.map(|(location, leads_to)| EndpointMismatch {
            path: file.path().to_owned(),
            location,
            leads_to,
            region: region.id.clone(),
            api: region.api.to_string(),
        }))
    }

    /// Returns the endpoint's location and value in the file.
    fn endpoint_beside(
        &self,
        target: &ConsumerTarget,
        file: &LockedFile,
    ) -> Result<Option<(String, String)>, ConsumerError> {
        let Ok(provider) = self.catalog.provider(&self.provider) else { return Ok(None) };
        let vendors = vendor_words(&self.catalog);
        let owner = self.catalog.region_owner(&self.provider).map_or("", |owner| owner.id.as_str());
        let vendor = vendors.iter().find(|vendor| vendor.provider == owner);
        let vendor = vendor.map_or(owner, |vendor| vendor.word.as_str());
        let parse =
            || JsonDocument::parse(file.text()).map_err(|error| json_edit_problem(file, error));
        match target {
            ConsumerTarget::EnvFile { key, .. } => {
                let all = env_file::assignments(file.text())
                    .map_err(|error| invalid_format(file, Some(error.line), error.why))?;
                let all: Vec<_> = all.iter().filter(|one| !one.value.is_empty()).collect();
                let names: Vec<_> =
                    all.iter().map(|one| one.key).filter(|name| name != key).collect();
                let name = find_endpoint_name(key, &names, provider, vendor);
                let found = name.and_then(|name| all.iter().rfind(|one| one.key == name));
                Ok(found.map(|one| (one.key.to_owned(), one.value.to_owned())))
            }
            ConsumerTarget::JsonFile { pointer, .. } => {
                let Some((parent, secret_name)) = pointer.rsplit_once('/') else { return Ok(None) };
                let all = parse()?.strings();
                let beside: Vec<_> = all
                    .iter()
                    .filter_map(|one| Some((one.pointer.rsplit_once('/')?, &one.text)))
                    .filter(|((known, name), text)| {
                        *known == parent && *name != secret_name && !text.is_empty()
                    })
                    .map(|((_, name), text)| (name, text))
                    .collect();
                let names: Vec<_> = beside.iter().map(|(name, _)| *name).collect();
                let name = find_endpoint_name(secret_name, &names, provider, vendor);
                let found = name.and_then(|name| beside.iter().rfind(|(known, _)| *known == name));
                Ok(found.map(|(name, text)| (format!("{parent}/{name}"), text.to_string())))
            }
            ConsumerTarget::SnykCli { .. } => {
                let found = parse()?
                    .get_ignore_case(snyk_cli::ENDPOINT_MEMBER)
                    .map_err(|error| json_edit_problem(file, error))?;
                let found = found.filter(|text| !text.is_empty());
                Ok(found.map(|text| (snyk_cli::ENDPOINT_MEMBER.to_owned(), text.to_string())))
            }
            ConsumerTarget::ProbelyCli { .. } | ConsumerTarget::Command(_) => Ok(None),
        }
    }

    /// Returns where the Snyk CLI sends a secret that names no region if its configuration has no
    /// endpoint. Other files may get theirs from elsewhere.
    fn missing_endpoint(&self, target: &ConsumerTarget) -> Option<(String, String)> {
        let ConsumerTarget::SnykCli { .. } = target else { return None };
        let default = self.catalog.regions(&self.provider).ok()?.first()?;
        (!self.is_named_by_secret && default.id != self.region)
            .then(|| (snyk_cli::ENDPOINT_MEMBER.to_owned(), format!("{} by default", default.id)))
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::*;

    fn check(is_named_by_secret: bool) -> EndpointCheck {
        EndpointCheck {
            catalog: Arc::new(ProviderCatalog::builtin()),
            provider: "snyk".to_owned(),
            region: "SNYK-EU-01".to_owned(),
            is_named_by_secret,
        }
    }

    fn env(path: &Path) -> ConsumerTarget {
        ConsumerTarget::EnvFile { path: path.to_owned(), key: "SNYK_TOKEN".to_owned() }
    }

    fn json(path: &Path) -> ConsumerTarget {
        ConsumerTarget::JsonFile { path: path.to_owned(), pointer: "/env/SNYK_TOKEN".to_owned() }
    }

    fn snyk(path: &Path) -> ConsumerTarget {
        ConsumerTarget::SnykCli { path: path.to_owned() }
    }

    /// One file: the target in it, its text, where the endpoint leads, and the text once it is set.
    type EndpointRow = (fn(&Path) -> ConsumerTarget, &'static str, &'static str, &'static str);

    const ROWS: [EndpointRow; 7] = [
        (env, "SNYK_API=https://api.eu.snyk.io/v1\nSNYK_TOKEN=x\n", "", ""),
        (env, "SNYK_TOKEN=x\n", "", ""),
        (env, "SNYK_API=${API}\nSNYK_TOKEN=x\n", "", ""),
        (
            env,
            "SNYK_API='https://api.us.snyk.io' # us\nSNYK_TOKEN=x\n",
            "SNYK-US-02",
            "SNYK_API='https://api.eu.snyk.io' # us\nSNYK_TOKEN=x\n",
        ),
        (
            env,
            "SNYK_TOKEN=x\nSNYK_CFG_ENDPOINT=https://snyk.acme.example\n",
            "https://snyk.acme.example, which is not a known region",
            "SNYK_TOKEN=x\nSNYK_CFG_ENDPOINT=https://api.eu.snyk.io\n",
        ),
        (
            json,
            "{\"SNYK_API\": \"x\", \"env\": {\"SNYK_API\": \"https://snyk.io/api\", \"SNYK_TOKEN\": \"x\"}}",
            "SNYK-US-01",
            "{\"SNYK_API\": \"x\", \"env\": {\"SNYK_API\": \"https://api.eu.snyk.io\", \"SNYK_TOKEN\": \"x\"}}",
        ),
        (
            snyk,
            "{\"api\": \"x\", \"Endpoint\": \"https://app.au.snyk.io/api\"}",
            "SNYK-AU-01",
            "{\"api\": \"x\", \"Endpoint\": \"https://api.eu.snyk.io\"}",
        ),
    ];

    fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, text).unwrap();
        (folder, path)
    }

    #[test]
    fn an_endpoint_of_another_region_is_told_and_set() {
        for (target, text, leads_to, after) in ROWS {
            let (_folder, path) = file(text);
            let (target, open) = (target(&path), LockedFile::open(&path).unwrap());
            let found = check(false).find_mismatch(&target, &open).unwrap();
            assert_eq!(found.as_ref().map_or("", |found| &found.leads_to), leads_to, "{text}");
            if let Some(found) = found {
                assert_eq!(*found.apply(&target, text).unwrap(), after);
                assert!(found.describe().contains("belongs to SNYK-EU-01"));
            }
        }
    }

    #[test]
    fn without_an_endpoint_the_command_line_uses_its_default_region() {
        let (_folder, path) = file("{\"api\":\"x\"}");
        let (target, open) = (snyk(&path), LockedFile::open(&path).unwrap());
        let found = check(false).find_mismatch(&target, &open).unwrap().unwrap();
        assert_eq!(found.leads_to, "SNYK-US-01 by default");
        assert_eq!(
            *found.apply(&target, open.text()).unwrap(),
            "{\"endpoint\":\"https://api.eu.snyk.io\",\"api\":\"x\"}"
        );
        assert_eq!(check(true).find_mismatch(&target, &open), Ok(None));
    }
}
