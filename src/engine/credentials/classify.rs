//! Classification: reads the principal, the organizations and the expiry of a credential from its
//! provider.
//!
//! Runs after a credential is added or signed in. Start with [`ClassificationService::classify`].

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use time::format_description::well_known::Rfc3339;

use crate::domain::credential::{CheckReport, SecretPart};
use crate::domain::provider::spec::CredentialListing;
use crate::domain::provider::{CredentialKind, ParameterOption, Provider, ProviderCatalog};
use crate::domain::response::CheckResult;
use crate::domain::{Credential, Problem, Timestamp, text};
use crate::engine::checks::CheckService;
use crate::engine::credentials::CredentialService;
use crate::engine::ports::{CoreServices, DatabaseHandle, SharedPorts};
use crate::engine::requests::RequestService;
use crate::engine::secrets::bound_secrets::SecretAccess;

/// Maximum number of organizations named in the summary; the others are only counted.
const MAX_ORGANIZATIONS_NAMED: usize = 5;

/// Result of a classification.
pub struct ClassificationResult {
    /// The check result.
    pub check: CheckReport,
    /// The credential, with everything that was learned.
    pub credential: Credential,
}

impl ClassificationResult {
    /// Describes what the provider reported, one remark per line.
    pub fn summary_lines(&self) -> Vec<String> {
        let Self { check, credential } = self;
        if check.result != CheckResult::Accepted {
            return vec![format!("stored, but {}: {}", check.result.as_str(), check.reason)];
        }
        let principal = credential.principal.as_ref().map(|principal| {
            format!("acts as {} ({})", principal.name, principal.kind.replace('_', " "))
        });
        let organizations = credential
            .fields
            .get("organisations")
            .map(|seen| format!("sees organizations: {seen}"));
        let expiry = credential.expires.map(|end| format!("expires on {}", end.date()));
        [principal, organizations, expiry].into_iter().flatten().collect()
    }
}

/// Metadata that was learned and is to be stored.
#[derive(Default)]
struct LearnedMetadata {
    fields: BTreeMap<String, String>,
    expires: Option<Timestamp>,
}

/// Asks providers about credentials, and stores what they report.
pub struct ClassificationService {
    catalog: Arc<ProviderCatalog>,
    database: DatabaseHandle,
    secrets: Arc<SecretAccess>,
    credentials: Arc<CredentialService>,
    requests: Arc<RequestService>,
    checks: Arc<CheckService>,
}

impl ClassificationService {
    /// Creates the service.
    pub(in crate::engine) fn new(
        ports: &SharedPorts,
        core: &CoreServices,
        credentials: Arc<CredentialService>,
        requests: Arc<RequestService>,
        checks: Arc<CheckService>,
    ) -> Self {
        Self {
            catalog: Arc::clone(&ports.catalog),
            database: ports.database.clone(),
            secrets: Arc::clone(&core.secrets),
            credentials,
            requests,
            checks,
        }
    }

    /// Asks the provider about the credential and stores what it reports: the principal, its
    /// organizations, the default organization, and the expiry in the provider's own list, which is
    /// more reliable than a claim in the secret. Values that the provider does not report stay as
    /// they are.
    pub async fn classify(&self, credential: &Credential) -> Result<ClassificationResult, Problem> {
        let record = self.checks.run_check(credential, &credential.region).await?;
        let (check, home) = (record.check.clone(), record.home_organization.clone());
        self.checks.write_check(record).await?;
        if check.result != CheckResult::Accepted {
            return Ok(ClassificationResult {
                check,
                credential: self.database.credential_by_id(&credential.id).await?,
            });
        }
        let known = self.database.credential_by_id(&credential.id).await?;
        let provider = self.catalog.provider(&known.provider)?;
        let kind = self.catalog.kind(&known.provider, &known.kind)?;
        let mut learned = LearnedMetadata::default();
        self.learn_organizations(&known, provider, home.as_deref(), &mut learned).await;
        learned.fields.extend(home.map(|id| ("default_org_id".to_owned(), id)));
        self.learn_expiry(&known, kind, &mut learned).await;
        // Only fields that the kind defines: any other field could not be edited later.
        learned.fields.retain(|id, _| kind.field(id).is_some());
        Ok(ClassificationResult {
            check,
            credential: self.store_learned_metadata(&known, learned).await?,
        })
    }

    async fn learn_organizations(
        &self,
        credential: &Credential,
        provider: &Provider,
        home: Option<&str>,
        learned: &mut LearnedMetadata,
    ) {
        let Some(listing) = &provider.organizations else { return };
        let Some(body) = self.fetch_preset_json(credential, &listing.preset).await else { return };
        let names = organization_names(listing.items.read_options(&body), home);
        let whole = body.pointer("/links/next").is_none_or(Value::is_null);
        learned.fields.insert("organisations".to_owned(), organization_summary(&names, whole));
    }

    async fn learn_expiry(
        &self,
        credential: &Credential,
        kind: &CredentialKind,
        learned: &mut LearnedMetadata,
    ) {
        let Some(listing) = &kind.credential_listing else { return };
        let Some(body) = self.fetch_preset_json(credential, &listing.preset).await else { return };
        let known = credential.fields.get(&listing.field).cloned();
        let claimed = self.claimed_remote_id(credential).await;
        let Some(entry) = find_listed_entry(&body, listing, [known, claimed].into_iter().flatten())
        else {
            return;
        };
        let text =
            |pointer: &str| entry.pointer(pointer).and_then(Value::as_str).map(text::sanitize_line);
        learned.expires =
            text(&listing.expires).and_then(|end| Timestamp::parse(&end, &Rfc3339).ok());
        learned.fields.extend(text(&listing.id).map(|id| (listing.field.clone(), id)));
    }

    /// Returns the ID that the secret itself claims.
    pub(in crate::engine) async fn claimed_remote_id(
        &self,
        credential: &Credential,
    ) -> Option<String> {
        let secret = self.secrets.load_secret(credential, &SecretPart::Secret).await.ok()?;
        let candidates = self.credentials.identify(&secret).ok()?.candidates;
        candidates.into_iter().find(|candidate| candidate.kind == credential.kind)?.remote_id
    }

    /// Returns the JSON response to a preset. The metadata is optional, so a missing response is
    /// not a problem.
    async fn fetch_preset_json(&self, credential: &Credential, preset: &str) -> Option<Value> {
        let region = self.catalog.region(&credential.provider, &credential.region).ok()?;
        let draft = self.requests.draft_from_preset(credential, preset, &BTreeMap::new()).ok()?;
        let request =
            self.requests.pending_request(credential, region, &draft).ok()?.with_check_limits();
        let response = self.requests.execute(&request).await.ok()?.redacted();
        let body = response.body.text().filter(|_| response.status == 200)?;
        serde_json::from_str(&body).ok()
    }

    async fn store_learned_metadata(
        &self,
        credential: &Credential,
        learned: LearnedMetadata,
    ) -> Result<Credential, Problem> {
        if learned.fields.is_empty() && learned.expires.is_none() {
            return Ok(credential.clone());
        }
        let id = credential.id.clone();
        self.database
            .run(move |index| {
                index.update_credential(&id, |credential| {
                    credential.fields.extend(learned.fields);
                    credential.expires = learned.expires.or(credential.expires);
                })
            })
            .await
    }
}

/// Finds the entry of a list that is this credential: by a known ID, else the only entry.
fn find_listed_entry<'a>(
    body: &'a Value,
    listing: &CredentialListing,
    mut ids: impl Iterator<Item = String>,
) -> Option<&'a Value> {
    let entries = body.pointer(&listing.list)?.as_array()?;
    let is =
        |entry: &&Value, id: &str| entry.pointer(&listing.id).and_then(Value::as_str) == Some(id);
    let only = || if let [entry] = entries.as_slice() { Some(entry) } else { None };
    ids.find_map(|id| entries.iter().find(|entry| is(entry, &id))).or_else(only)
}

/// Returns the names of the organizations, the default one first and marked as such.
fn organization_names(organizations: Vec<ParameterOption>, home: Option<&str>) -> Vec<String> {
    let (default, others): (Vec<_>, Vec<_>) = organizations
        .into_iter()
        .partition(|organization| home == Some(organization.value.as_str()));
    let default =
        default.into_iter().map(|organization| format!("{} (default)", organization.name));
    default.chain(others.into_iter().map(|organization| organization.name)).collect()
}

/// Summarizes names as `3: acme-prod, acme-test, sandbox`, with an ellipsis if there are more. If
/// the list has further pages, only the first page is known.
fn organization_summary(names: &[String], whole: bool) -> String {
    let named: Vec<_> = names.iter().take(MAX_ORGANIZATIONS_NAMED).map(String::as_str).collect();
    let more = if names.len() > MAX_ORGANIZATIONS_NAMED { ", …" } else { "" };
    match names.len() {
        0 => "none".to_owned(),
        count if whole => format!("{count}: {}{more}", named.join(", ")),
        count => format!("more than {count}: {}{more}", named.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn listing() -> CredentialListing {
        let text = str::to_owned;
        CredentialListing {
            preset: text("p"),
            list: text("/data"),
            id: text("/id"),
            expires: text("/end"),
            field: text("pat_id"),
        }
    }

    fn found(body: &Value, ids: &[&str]) -> Option<Value> {
        find_listed_entry(body, &listing(), ids.iter().map(|id| (*id).to_owned())).cloned()
    }

    #[test]
    fn an_entry_is_found_by_id_or_because_it_is_the_only_one() {
        let (one, two) = (json!({"id": "1"}), json!({"id": "2"}));
        let both = json!({"data": [one, two]});
        assert_eq!(found(&both, &["9", "2"]), Some(two));
        assert_eq!(found(&both, &["9"]), None);
        assert_eq!(found(&json!({"data": [one]}), &["9"]), Some(one));
        assert_eq!(found(&json!({"data": []}), &[]), None);
    }

    #[test]
    fn the_default_organization_comes_first() {
        let choice =
            |value: &str| ParameterOption { value: value.to_owned(), name: value.to_uppercase() };
        let all = || vec![choice("a"), choice("b")];
        assert_eq!(organization_names(all(), Some("b")), ["B (default)", "A"]);
        assert_eq!(organization_names(all(), Some("elsewhere")), ["A", "B"]);
    }

    #[test]
    fn organizations_are_counted_and_some_are_named() {
        let names: Vec<_> = (1..=7).map(|number| format!("o{number}")).collect();
        assert_eq!(organization_summary(&names, true), "7: o1, o2, o3, o4, o5, …");
        assert_eq!(organization_summary(&names[..2], true), "2: o1, o2");
        assert_eq!(organization_summary(&names[..2], false), "more than 2: o1, o2");
        assert_eq!(organization_summary(&[], true), "none");
    }
}
