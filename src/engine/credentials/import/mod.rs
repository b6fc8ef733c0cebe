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
use crate::domain::problem::ProblemClass;
use crate::domain::provider::ProviderCatalog;
use crate::domain::provider::spec::{MatchConfidence, SecretRole};
use crate::domain::{Credential, CredentialName, Origin, Problem, Secret, Timestamp};
use crate::engine::audit::{AuditEvent, AuditService};
use crate::engine::consumers::{clear_secret, run_blocking};
use crate::engine::credential_changes::NewCredential;
use crate::engine::credentials::CredentialService;
use crate::engine::database_handle::DatabaseHandle;
use crate::engine::ports::{CoreServices, SharedPorts};
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

/// Why the value of a token variable is not imported.
const UNKNOWN_SHAPE_REASON: &str =
    "its format is not known; if it is a token, add it with `tokenring add`";

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
            .filter(|candidate| candidate.identified.is_ok())
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
        let RawCandidate {
            target,
            location,
            exposed_mode,
            text,
            variable,
            endpoint,
            org,
            rejection,
        } = raw;
        let secret = Secret::new(text.as_bytes().to_vec());
        let identified = match rejection {
            Some(why) => Err(why.to_owned()),
            None => self.identify_kind(&secret, &variable, endpoint.as_deref(), org)?,
        };
        Some(ImportCandidate {
            target,
            location,
            exposed_mode,
            secret: Arc::new(secret),
            identified,
        })
    }

    /// Identifies a secret by its format and by the variable that it was assigned to; `None` if it
    /// may be anything.
    fn identify_kind(
        &self,
        secret: &Secret,
        variable: &str,
        endpoint: Option<&str>,
        org: Option<String>,
    ) -> Option<Result<IdentifiedKind, String>> {
        let identified = self.credentials.identify(secret).ok();
        let named = |candidate: &&IdentificationCandidate| {
            self.is_provider_variable(&candidate.provider, variable)
        };
        let sure =
            |candidate: &&IdentificationCandidate| candidate.confidence > MatchConfidence::Possible;
        let candidates = || identified.iter().flat_map(|identified| &identified.candidates);
        let Some(best) = candidates().find(named).or_else(|| candidates().find(sure)) else {
            return self.is_token_variable(variable).then(|| Err(UNKNOWN_SHAPE_REASON.to_owned()));
        };
        if best.is_incomplete {
            return Some(Err(best.why.clone()));
        }
        if best.secret_role != SecretRole::Secret {
            return Some(Err(format!("not a long-lived secret: {}", best.why)));
        }
        let regions = self.catalog.regions(&best.provider).ok()?;
        let origin = endpoint.and_then(endpoint_origin);
        let beside = origin
            .as_ref()
            .and_then(|origin| regions.iter().find(|region| region.matches_origin(origin)));
        if let (Some(origin), None, None) = (&origin, beside, &best.region) {
            return Some(Err(format!(
                "used at {origin}, which is not a known region; add it with `tokenring regions add`"
            )));
        }
        let told = best.region.clone().or_else(|| beside.map(|region| region.id.clone()));
        let region = told.or_else(|| regions.first().map(|region| region.id.clone()))?;
        let (provider, kind) = (best.provider.clone(), best.kind.clone());
        Some(Ok(IdentifiedKind { provider, kind, region, org, expires: best.expires }))
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

/// Returns the origin of an endpoint, which may have a path.
pub(in crate::engine) fn endpoint_origin(endpoint: &str) -> Option<Origin> {
    let url = url::Url::parse(endpoint).ok()?;
    Origin::parse(&url.origin().ascii_serialization()).ok()
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
