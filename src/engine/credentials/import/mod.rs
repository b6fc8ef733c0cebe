//! Import: finds plain-text credentials in the files of other programs, adds them to the store, and
//! clears the plain-text copies afterwards.
//!
//! `sources` reads the files of other tools, one place at a time. `bulk` imports lists of records,
//! exports of password managers and password trees, which `records`, `password_managers` and
//! `password_tree` read. Start with [`ImportService::find_import_candidates`] and
//! [`ImportService::import`].

pub mod bulk;
mod password_managers;
mod password_tree;
mod record_resolution;
mod records;
mod sources;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::domain::consumer::ConsumerTarget;
use crate::domain::credential::{CredentialNameError, SecretPart};
use crate::domain::identify::IdentificationCandidate;
use crate::domain::identify::endpoint::{
    EndpointError, endpoint_variables, find_endpoint_name, resolve_endpoint,
};
use crate::domain::identify::secret_names::{is_secret_name, vendor_words};
use crate::domain::problem::ProblemClass;
use crate::domain::provider::spec::{MatchConfidence, SecretRole};
use crate::domain::provider::{Provider, ProviderCatalog};
use crate::domain::{Credential, CredentialName, Problem, Secret, Timestamp};
use crate::engine::audit::{AuditEvent, AuditService};
use crate::engine::consumers::{clear_secret, run_blocking};
use crate::engine::credential_changes::NewCredential;
use crate::engine::credentials::CredentialService;
use crate::engine::ports::{CoreServices, DatabaseHandle, SharedPorts};
use crate::engine::secrets::bound_secrets::SecretAccess;

pub use password_tree::PasswordProgram;
pub use records::{ImportRecord, ListFormat};
pub(in crate::engine) use sources::{RawCandidate, read_source};

/// Source of an import.
#[derive(Clone)]
pub enum ImportSource {
    /// The configuration of the Snyk CLI, in both of its locations.
    SnykCli,
    /// The configuration of the Probely CLI.
    ProbelyCli,
    /// The configuration of the Appcircle CLI.
    AppcircleCli,
    /// A dotenv file.
    Dotenv(PathBuf),
    /// A JSON file.
    Json(PathBuf),
    /// Standard input.
    Piped(TextFormat, Arc<Zeroizing<String>>),
}

/// Format of a text from standard input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextFormat {
    /// `KEY=value` in every line.
    Dotenv,
    /// JSON.
    Json,
}

/// Plain-text secret that may be imported.
pub struct ImportCandidate {
    /// File and place of the secret, which can become a consumer; `None` for standard input.
    pub target: Option<ConsumerTarget>,
    /// The place within the file: a key, a pointer, or the program whose configuration it is.
    pub location: String,
    /// The file's mode, if others may read the file.
    pub exposed_mode: Option<String>,
    /// The secret.
    pub secret: Arc<Secret>,
    /// What it is, or why it cannot be imported.
    pub identified: Result<IdentifiedKind, String>,
    /// Whether only the name beside it says what it is. It is imported only on request.
    pub is_possible: bool,
    /// A contradiction between the secret and what stands beside it.
    pub contradiction: Option<String>,
}

/// What a plain-text secret was identified as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentifiedKind {
    /// Id of the provider.
    pub provider: String,
    /// Id of the kind.
    pub kind: String,
    /// Id of the region.
    pub region: String,
    /// The organization named beside it.
    pub org: Option<String>,
    /// When it expires, if it says so.
    pub expires: Option<Timestamp>,
}

/// What is known about the text of a candidate.
struct CandidateIdentity {
    identified: Result<IdentifiedKind, String>,
    is_possible: bool,
    contradiction: Option<String>,
}

impl CandidateIdentity {
    fn rejected(why: String) -> Self {
        Self { identified: Err(why), is_possible: false, contradiction: None }
    }
}

/// Why the value of a token variable is not imported.
const UNKNOWN_SHAPE_REASON: &str =
    "its format is not known; if it is a token, add it with `tokenring add`";

/// Minimum length of a text of an unknown format that may be a token.
const MIN_TOKEN_BYTES: usize = 16;

/// Maximum length of a derived name, which leaves room for a number.
const MAX_DERIVED_NAME_CHARS: usize = 50;

/// Name of a credential whose place gives none.
const FALLBACK_NAME: &str = "imported";

/// Plain-text credentials of other programs.
pub struct ImportService {
    catalog: Arc<ProviderCatalog>,
    database: DatabaseHandle,
    audit: Arc<AuditService>,
    secrets: Arc<SecretAccess>,
    credentials: Arc<CredentialService>,
}

impl ImportService {
    /// Creates the service.
    pub(in crate::engine) fn new(
        ports: &SharedPorts,
        core: &CoreServices,
        credentials: Arc<CredentialService>,
    ) -> Self {
        Self {
            catalog: Arc::clone(&ports.catalog),
            database: ports.database.clone(),
            audit: Arc::clone(&core.audit),
            secrets: Arc::clone(&core.secrets),
            credentials,
        }
    }

    /// Finds secrets of known formats in a source. Does not open the store.
    pub async fn find_import_candidates(
        &self,
        source: ImportSource,
    ) -> Result<Vec<ImportCandidate>, Problem> {
        let is_piped = matches!(source, ImportSource::Piped(..));
        let found = run_blocking(move || read_source(&source)).await?.map_err(|error| {
            if !error.is_missing() {
                let what = if is_piped { "Standard input could not be parsed" } else { "The file could not be read" };
                return error.problem(what);
            }
            let remedy = "if the file is elsewhere, use `tokenring import dotenv FILE` or `tokenring import json FILE`";
            Problem::new("Nothing to import", error.to_string(), remedy)
        })?;
        Ok(found.into_iter().filter_map(|raw| self.identify_candidate(raw)).collect())
    }

    /// Finds the plain-text credentials of the providers' own tools on this machine that can be
    /// imported. A tool that is not installed contributes nothing.
    pub(in crate::engine) async fn find_cli_credentials(&self) -> Vec<Arc<ImportCandidate>> {
        let mut candidates = Vec::new();
        for tool in [ImportSource::SnykCli, ImportSource::ProbelyCli, ImportSource::AppcircleCli] {
            candidates.extend(self.find_import_candidates(tool).await.unwrap_or_default());
        }
        candidates
            .into_iter()
            .filter(|candidate| candidate.identified.is_ok() && !candidate.is_possible)
            .map(Arc::new)
            .collect()
    }

    /// Imports a candidate under an unused name, unless a credential already has its secret.
    pub(in crate::engine) async fn import_candidate(
        &self,
        candidate: &ImportCandidate,
    ) -> Result<Credential, Problem> {
        match self.credentials.find_duplicates(&candidate.secret).await?.first() {
            Some(twin) => self.database.find_credential(twin.as_str()).await,
            None => self.import(candidate, self.unused_name(&candidate.location).await?).await,
        }
    }

    /// Returns an unused name based on a place, with a number if the name is taken.
    pub async fn unused_name(&self, location: &str) -> Result<CredentialName, Problem> {
        let base = derive_name(location);
        let base = match CredentialName::parse(&base) {
            Err(CredentialNameError::LooksLikeSecret) => FALLBACK_NAME.to_owned(),
            _ => base,
        };
        let taken: Vec<_> = self
            .database
            .credentials()
            .await?
            .into_iter()
            .map(|credential| credential.name)
            .collect();
        let numbered = (2..).map(|number| format!("{base}-{number}"));
        let free = std::iter::once(base.clone())
            .chain(numbered)
            .find(|name| taken.iter().all(|known| known.as_str() != name));
        CredentialName::parse(&free.unwrap_or(base)).map_err(|error| {
            Problem::new(
                "No name can be derived for the credential",
                error.to_string(),
                "choose a name: `tokenring import … --as NAME`",
            )
        })
    }

    /// Imports a candidate under a name.
    pub async fn import(
        &self,
        candidate: &ImportCandidate,
        name: CredentialName,
    ) -> Result<Credential, Problem> {
        let identified = candidate.identified.clone().map_err(|why| {
            Problem::new(
                "The secret cannot be imported",
                why,
                "import the key or token that it was created from",
            )
        })?;
        let kind = self.catalog.kind(&identified.provider, &identified.kind)?;
        let org = identified.org.filter(|_| kind.field("org_id").is_some());
        let added = self.credentials.add(NewCredential {
            name,
            provider: identified.provider,
            kind: identified.kind,
            region: identified.region,
            fields: org.into_iter().map(|org| ("org_id".to_owned(), org)).collect(),
            labels: Vec::new(),
            secret: Arc::clone(&candidate.secret),
            parts: [].into(),
            expires: identified.expires,
        });
        let credential = added.await?;
        let location =
            candidate.target.as_ref().map_or_else(|| "standard input".to_owned(), audit_location);
        self.audit
            .record(
                AuditEvent::new("import", "done")
                    .for_credential(credential.name.as_str())
                    .with_reason(location),
            )
            .await?;
        Ok(credential)
    }

    /// Clears the plain-text copy, after the store has returned the same secret for this
    /// credential, and only if the copy still holds that secret.
    pub async fn clear_plaintext_copy(
        &self,
        candidate: &ImportCandidate,
        credential: &Credential,
    ) -> Result<(), Problem> {
        let Some(target) = candidate.target.clone() else {
            let why = "the secret came from standard input, so there is no copy to clear";
            return Err(Problem::new(
                "Nothing was cleared",
                why,
                "import from the file that contains the secret",
            )
            .with_class(ProblemClass::Usage));
        };
        let what = format!("{} was not cleared", target.path().display());
        if !self
            .secrets
            .load_secret(credential, &SecretPart::Secret)
            .await?
            .same_as(&candidate.secret)
        {
            let why = format!("the store holds a different secret for {}", credential.name);
            return Err(Problem::new(
                what,
                why,
                "import the secret under another name first; the file was not changed",
            ));
        }
        let (secret, location) = (Arc::clone(&candidate.secret), audit_location(&target));
        let blanked = run_blocking(move || clear_secret(&target, &secret))
            .await?
            .map_err(|error| error.problem(what));
        let (outcome, why) = blanked
            .as_ref()
            .map_or_else(|problem| ("failed", problem.why.as_str()), |()| ("done", ""));
        let reason = if why.is_empty() { location } else { format!("{location}; {why}") };
        self.audit
            .record(
                AuditEvent::new("blank", outcome)
                    .for_credential(credential.name.as_str())
                    .with_reason(reason),
            )
            .await?;
        blanked
    }

    fn identify_candidate(&self, raw: RawCandidate) -> Option<ImportCandidate> {
        let secret = Secret::new(raw.text.as_bytes().to_vec());
        let found = match raw.rejection {
            Some(why) => CandidateIdentity::rejected(why.to_owned()),
            None => self.identify_kind(&secret, &raw)?,
        };
        let CandidateIdentity { identified, is_possible, contradiction } = found;
        Some(ImportCandidate {
            target: raw.target,
            location: raw.location,
            exposed_mode: raw.exposed_mode,
            secret: Arc::new(secret),
            identified,
            is_possible,
            contradiction,
        })
    }

    /// Identifies a secret by its format and by the variable that it was assigned to; `None` if it
    /// may be anything.
    fn identify_kind(&self, secret: &Secret, raw: &RawCandidate) -> Option<CandidateIdentity> {
        let variable = raw.variable.as_str();
        let vendors = vendor_words(&self.catalog);
        let vendor = vendors.iter().find(|vendor| is_secret_name(variable, &vendor.word));
        let is_announced = self.is_token_variable(variable) || vendor.is_some();
        if let Some(reference) = &raw.reference {
            let is_endpoint =
                |provider: &Provider| endpoint_variables(provider).contains(&variable);
            if self.catalog.providers().any(is_endpoint) {
                return None;
            }
            let why = format!("{reference}; it stays as it is");
            return is_announced.then(|| CandidateIdentity::rejected(why));
        }
        let identified = self.credentials.identify(secret).ok();
        let named = |candidate: &&IdentificationCandidate| {
            self.is_provider_variable(&candidate.provider, variable)
        };
        let sure =
            |candidate: &&IdentificationCandidate| candidate.confidence > MatchConfidence::Possible;
        let vendors_own = |candidate: &&IdentificationCandidate| {
            vendor.is_some_and(|vendor| vendor.provider == candidate.provider)
        };
        let candidates = || identified.iter().flat_map(|identified| &identified.candidates);
        let certain = candidates().find(named).or_else(|| candidates().find(sure));
        let Some(best) = certain.or_else(|| candidates().find(vendors_own)) else {
            return (self.is_token_variable(variable)
                || vendor.is_some() && may_be_token(&raw.text))
            .then(|| CandidateIdentity::rejected(UNKNOWN_SHAPE_REASON.to_owned()));
        };
        if best.is_incomplete {
            return Some(CandidateIdentity::rejected(best.why.clone()));
        }
        if best.secret_role != SecretRole::Secret {
            let why = format!("not a long-lived secret: {}", best.why);
            return Some(CandidateIdentity::rejected(why));
        }
        let (region, contradiction) = match self.choose_region(best, raw)? {
            Ok(chosen) => chosen,
            Err(why) => return Some(CandidateIdentity::rejected(why)),
        };
        let (provider, kind) = (best.provider.clone(), best.kind.clone());
        Some(CandidateIdentity {
            identified: Ok(IdentifiedKind {
                provider,
                kind,
                region,
                org: raw.org.clone(),
                expires: best.expires,
            }),
            is_possible: certain.is_none(),
            contradiction,
        })
    }

    /// Chooses the region: the one that the secret names, else that of the endpoint beside it, else
    /// the default. An endpoint that is not understood is never the default. Returns the region with
    /// a contradiction, if there is one; or why there is no region.
    fn choose_region(
        &self,
        best: &IdentificationCandidate,
        raw: &RawCandidate,
    ) -> Option<Result<(String, Option<String>), String>> {
        let provider = self.catalog.provider(&best.provider).ok()?;
        let owner = self.catalog.region_owner(&best.provider).ok()?.id.as_str();
        let vendors = vendor_words(&self.catalog);
        let vendor = vendors.iter().find(|vendor| vendor.provider == owner);
        let vendor = vendor.map_or(owner, |vendor| vendor.word.as_str());
        let names = raw.endpoints.iter().map(|(name, _)| name.as_str());
        let names: Vec<_> = names.filter(|name| *name != raw.variable).collect();
        let beside = find_endpoint_name(&raw.variable, &names, provider, vendor)
            .and_then(|name| raw.endpoints.iter().rfind(|(known, _)| known == name));
        let default = self.catalog.regions(&best.provider).ok()?.first()?.id.clone();
        let Some((name, endpoint)) = beside else {
            return Some(Ok((best.region.clone().unwrap_or(default), None)));
        };
        let leads_to = resolve_endpoint(endpoint, &best.provider, &self.catalog);
        Some(match (&best.region, leads_to) {
            (Some(own), Ok(found)) if found.id == *own => Ok((own.clone(), None)),
            (Some(own), found) => {
                let found =
                    found.map_or_else(|error| error.to_string(), |region| region.id.clone());
                let why = format!("the secret belongs to {own}, but {name} beside it is {found}");
                Ok((own.clone(), Some(why)))
            }
            (None, Ok(found)) => Ok((found.id.clone(), None)),
            (None, Err(EndpointError::UnknownHost(host))) => Err(format!(
                "used at {host}, which is not a known region; add it with `tokenring regions add`"
            )),
            (None, Err(error)) => Err(format!(
                "its region is unknown: {name} beside it is {error}; add it with `tokenring add --region`"
            )),
        })
    }

    /// Returns whether the tools of a provider read their token from this variable.
    fn is_token_variable(&self, variable: &str) -> bool {
        let mut kinds = self.catalog.providers().flat_map(|provider| provider.kinds.iter());
        kinds.any(|kind| {
            kind.secret_variable() == variable
                && kind.environment.iter().any(|(name, _)| name == variable)
        })
    }

    /// Returns whether the provider's own tools read this variable.
    fn is_provider_variable(&self, provider: &str, variable: &str) -> bool {
        let mut kinds =
            self.catalog.provider(provider).into_iter().flat_map(|provider| provider.kinds.iter());
        kinds.any(|kind| kind.secret_variable() == variable)
    }
}

/// Returns the texts of a file that a consumer can set, each with its target; empty if the format
/// is not known.
pub(in crate::engine) fn texts_with_targets(
    path: &Path,
) -> Vec<(ConsumerTarget, Zeroizing<String>)> {
    sources::candidates_in_file(path)
        .into_iter()
        .filter_map(|raw| Some((raw.target?, raw.text)))
        .collect()
}

/// Derives a name from a place in a file. The place comes from a foreign file, and users put names
/// into shell commands, so only letters, digits, dots and dashes remain.
fn derive_name(location: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '.';
    let words = location.split(|c| !is_plain(c)).filter(|word| !word.is_empty());
    let name: String =
        words.collect::<Vec<_>>().join("-").chars().take(MAX_DERIVED_NAME_CHARS).collect();
    let name = name.trim_matches(['-', '.']).to_ascii_lowercase();
    if name.is_empty() { FALLBACK_NAME.to_owned() } else { name }
}

fn audit_location(target: &ConsumerTarget) -> String {
    format!("{}: {}", target.kind(), target.path().display())
}

/// Whether a text of an unknown format may be a token: neither short, nor an address, nor words.
fn may_be_token(text: &str) -> bool {
    text.len() >= MIN_TOKEN_BYTES && !text.contains(|c: char| c.is_whitespace() || c == '/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derived_names_are_plain_words() {
        for (location, name) in [
            ("SNYK_TOKEN", "snyk-token"),
            ("/mcp/servers/0/SNYK_TOKEN", "mcp-servers-0-snyk-token"),
            ("/x$(touch pwned)/;rm -rf ~", "x-touch-pwned-rm-rf"),
            ("/a'b\"c`d\\e", "a-b-c-d-e"),
            ("--all", "all"),
            ("../..", "imported"),
            ("\u{202e}caf\u{e9}", "caf"),
        ] {
            assert_eq!(derive_name(location), name, "{location}");
        }
        let long = derive_name(&"x/".repeat(80));
        assert!(long.len() <= MAX_DERIVED_NAME_CHARS && !long.ends_with('-'), "{long}");
    }
}
