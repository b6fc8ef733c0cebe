//! Diagnostics of environment variables and configurations that the providers' own tools read:
//! which ones shadow or contradict each other.
//!
//! Precedence in the Snyk CLI: the session in `INTERNAL_OAUTH_TOKEN_STORAGE`, `SNYK_OAUTH_TOKEN`,
//! `SNYK_TOKEN`, the session in its file, the token in its file. A token that names its own host
//! goes there regardless of `SNYK_API`.
//!
//! Diagnostics of the provider files: which built-in regions and kinds they change.

use std::path::Path;

use super::{Diagnostic, DiagnosticArea};
use crate::domain::Secret;
use crate::domain::consumer::ConsumerTarget;
use crate::domain::identify::endpoint::{endpoint_variables, resolve_endpoint};
use crate::domain::problem::Problem;
use crate::domain::provider::{CredentialKind, Provider, ProviderCatalog};
use crate::domain::region::Region;
use crate::engine::consumers::run_blocking;
use crate::engine::credentials::import::{ImportSource, RawCandidate, read_source};
use crate::engine::doctor::DoctorService;
use crate::engine::secrets::bindings::describe_origins;

/// Variables that hold a token, in the order of their precedence; all precede any file.
const TOKEN_VARIABLES: [&str; 4] =
    ["INTERNAL_OAUTH_TOKEN_STORAGE", "SNYK_OAUTH_TOKEN", "SNYK_TOKEN", "SNYK_CFG_API"];

impl DoctorService {
    pub(super) async fn diagnose_environment(&self, is_open: bool) -> Vec<Diagnostic> {
        let mut findings = Vec::new();
        let snyk = self.read_cli_config(ImportSource::SnykCli, &mut findings).await;
        let probely = self.read_cli_config(ImportSource::ProbelyCli, &mut findings).await;
        findings.extend(diagnose_file_modes(snyk.iter().chain(&probely)));
        findings.extend(
            self.diagnose_token_variables(
                is_open,
                &snyk.iter().chain(&probely).collect::<Vec<_>>(),
            )
            .await,
        );
        findings.extend(diagnose_competing_tokens());
        findings.extend(self.diagnose_endpoint_variables(is_open).await);
        for raw in snyk.iter().filter(|raw| raw.rejection.is_none()) {
            let Some((_, api)) = raw.endpoints.first() else { continue };
            let (token, path) =
                (Secret::new(raw.text.as_bytes().to_vec()), config_path(raw).display());
            let (what, api_source) =
                (format!("The token in {path}"), "the endpoint in the same file");
            let found =
                self.diagnose_region_mismatch(&what, &token, api, api_source, is_open).await;
            findings.extend(found.or_else(|| {
                let provider = self.provider_of_config(config_path(raw))?;
                self.diagnose_unknown_endpoint(provider, api, &format!("The endpoint in {path}"))
            }));
        }
        if findings.is_empty() {
            let why = "no variable or configuration of the providers' tools overrides another";
            findings.push(Diagnostic::ok(
                DiagnosticArea::Environment,
                "No conflicting environment variables or CLI configurations",
                why,
            ));
        }
        findings
    }

    /// Reads the tool's configuration. A missing file is not an issue.
    async fn read_cli_config(
        &self,
        source: ImportSource,
        findings: &mut Vec<Diagnostic>,
    ) -> Vec<RawCandidate> {
        let read =
            run_blocking(move || read_source(&source).map_err(|error| (error.is_missing(), error)))
                .await;
        match read {
            Ok(Ok(raws)) => raws,
            Ok(Err((true, _))) => Vec::new(),
            Ok(Err((false, error))) => {
                findings.push(Diagnostic::fail(
                    DiagnosticArea::Environment,
                    error.problem("A configuration file could not be read"),
                ));
                Vec::new()
            }
            Err(problem) => {
                findings.push(Diagnostic::fail(DiagnosticArea::Environment, problem));
                Vec::new()
            }
        }
    }

    /// Reports variables that hold a token, each with the credential it belongs to, and with a
    /// conflicting file.
    async fn diagnose_token_variables(
        &self,
        is_open: bool,
        files: &[&RawCandidate],
    ) -> Vec<Diagnostic> {
        let mut findings = Vec::new();
        for name in self.secret_variables() {
            let Some(value) = env_var(&name).map(Secret::from_text) else { continue };
            let owner = if is_open {
                self.describe_owner(&value).await
            } else {
                "its credential is unknown while the store is locked".to_owned()
            };
            let same_variable =
                files.iter().find(|raw| raw.rejection.is_none() && raw.variable == name);
            let differs = same_variable
                .filter(|raw| !Secret::new(raw.text.as_bytes().to_vec()).same_as(&value));
            let what = format!("{name} is set");
            let remedy = format!(
                "run `unset {name}`, and pass the secret to single commands with `tokenring exec`"
            );
            findings.push(match differs {
                Some(raw) => {
                    let why = format!(
                        "{owner}; the variable overrides another token in {}",
                        config_path(raw).display()
                    );
                    Diagnostic::warn(DiagnosticArea::Environment, what, why, remedy)
                }
                None => Diagnostic::warn(
                    DiagnosticArea::Environment,
                    what,
                    format!("{owner}; every program started from here can read the variable"),
                    remedy,
                ),
            });
        }
        findings
    }

    /// Compares the token variables of each provider with the endpoint variables that its tools read.
    async fn diagnose_endpoint_variables(&self, is_open: bool) -> Vec<Diagnostic> {
        let mut findings = Vec::new();
        for provider in self.catalog.providers().filter(|known| known.regions_of.is_none()) {
            let mut tokens: Vec<_> =
                provider.kinds.iter().map(CredentialKind::secret_variable).collect();
            tokens.dedup();
            for variable in endpoint_variables(provider) {
                let Some(api) = env_var(variable) else { continue };
                let mut mismatches = Vec::new();
                for token in &tokens {
                    let Some(value) = env_var(token).map(Secret::from_text) else { continue };
                    let found =
                        self.diagnose_region_mismatch(token, &value, &api, variable, is_open).await;
                    mismatches.extend(found);
                }
                if mismatches.is_empty() && has_own_prefix(provider, variable) {
                    mismatches.extend(self.diagnose_unknown_endpoint(&provider.id, &api, variable));
                }
                findings.extend(mismatches);
            }
        }
        findings
    }

    /// Returns the provider whose tool has a configuration file of this name.
    fn provider_of_config(&self, path: &Path) -> Option<&str> {
        let name = path.file_name()?;
        let is_its = |provider: &&Provider| {
            provider.tool_secrets.iter().any(|(file, _)| name == file.as_str())
        };
        self.catalog.providers().find(is_its).map(|provider| provider.id.as_str())
    }

    /// Reports an endpoint that means no region.
    fn diagnose_unknown_endpoint(
        &self,
        provider: &str,
        api: &str,
        source: &str,
    ) -> Option<Diagnostic> {
        let error = resolve_endpoint(api, provider, &self.catalog).err()?;
        Some(Diagnostic::warn(
            DiagnosticArea::Environment,
            format!("{source} leads to no known region"),
            format!("its value is {error}"),
            "fix the address, or add the region with `tokenring regions add`",
        ))
    }

    async fn describe_owner(&self, value: &Secret) -> String {
        match self.credentials.find_duplicates(value).await {
            Ok(names) if names.is_empty() => {
                "its value is the secret of no stored credential".to_owned()
            }
            Ok(names) => {
                let names: Vec<_> =
                    names.iter().map(crate::domain::CredentialName::as_str).collect();
                format!("its value is the secret of {}", names.join(", "))
            }
            Err(problem) => format!("its credential cannot be determined: {}", problem.why),
        }
    }

    /// Returns the variables of all providers that hold a secret.
    fn secret_variables(&self) -> Vec<String> {
        let kinds = self.catalog.providers().flat_map(|provider| provider.kinds.iter());
        let mut names: Vec<_> = kinds
            .map(|kind| kind.secret_variable().to_owned())
            .filter(|name| name != "TOKEN")
            .collect();
        names.sort();
        names.dedup();
        names
    }

    /// Reports a token that is configured together with the API address of another region.
    async fn diagnose_region_mismatch(
        &self,
        what: &str,
        token: &Secret,
        api: &str,
        api_source: &str,
        is_open: bool,
    ) -> Option<Diagnostic> {
        let (provider, id) = self.region_of_token(token, is_open).await?;
        let region = self.catalog.region(&provider, &id).ok()?;
        let points_to = match resolve_endpoint(api, &provider, &self.catalog) {
            Ok(found) if found.id == region.id => return None,
            Ok(found) => found.id.clone(),
            Err(_) => "no known region".to_owned(),
        };
        let what = format!("{what} belongs to {id}, but {api_source} points to {points_to}");
        let problem = Problem::new(
            what,
            "a token works only in its own region",
            format!("set the endpoint to {}", region.api),
        );
        Some(Diagnostic::fail(DiagnosticArea::Environment, problem))
    }

    /// Returns the provider and region that a token names itself, or else those of the credential
    /// that has it.
    async fn region_of_token(&self, token: &Secret, is_open: bool) -> Option<(String, String)> {
        let found = self.credentials.identify(token).ok()?;
        if let Some(named) = found.candidates.iter().find(|candidate| candidate.region.is_some()) {
            return Some((named.provider.clone(), named.region.clone()?));
        }
        let names =
            if is_open { self.credentials.find_duplicates(token).await.ok()? } else { Vec::new() };
        let holder = self.database.find_credential(names.first()?.as_str()).await.ok()?;
        Some((holder.provider, holder.region))
    }
}

/// Whether a variable begins with the same word as another one of the provider's tools. Other
/// variables that the tools read (`API_HOSTNAME`) may be meant for other programs.
fn has_own_prefix(provider: &Provider, variable: &str) -> bool {
    let word = |name: &str| name.split('_').next().map(str::to_owned);
    let mut names = provider.kinds.iter().flat_map(|kind| &kind.environment);
    names.any(|(name, _)| word(name) == word(variable))
}

/// Reports more than one variable with a token for the same tool.
fn diagnose_competing_tokens() -> Option<Diagnostic> {
    let set: Vec<_> = TOKEN_VARIABLES.into_iter().filter(|name| env_var(name).is_some()).collect();
    let [first, rest @ ..] = &set[..] else { return None };
    let what = format!("{} are set at the same time", set.join(" and "));
    let why = format!("the Snyk CLI uses {first} and ignores the others");
    (!rest.is_empty()).then(|| {
        Diagnostic::warn(
            DiagnosticArea::Environment,
            what,
            why,
            format!("run `unset {}`", rest.join(" ")),
        )
    })
}

fn diagnose_file_modes<'r>(raws: impl Iterator<Item = &'r RawCandidate>) -> Vec<Diagnostic> {
    let mut open: Vec<_> = raws
        .filter_map(|raw| Some((config_path(raw).to_owned(), raw.exposed_mode.clone()?)))
        .collect();
    open.sort();
    open.dedup();
    let finding = |(path, mode): (std::path::PathBuf, String)| {
        let what = format!("Other users can read {}", path.display());
        Diagnostic::warn(
            DiagnosticArea::Environment,
            what,
            format!("the file contains a secret, and its mode is {mode}"),
            format!("run `chmod 600 {}`", path.display()),
        )
    };
    open.into_iter().map(finding).collect()
}

/// Returns the path of the configuration that contains the token.
fn config_path(raw: &RawCandidate) -> &Path {
    raw.target.as_ref().map_or(Path::new(""), ConsumerTarget::path)
}

fn env_var(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

impl DoctorService {
    /// Names every built-in region and kind that a provider file changes.
    pub(super) fn diagnose_overrides(&self) -> Vec<Diagnostic> {
        let mut findings = Vec::new();
        for provider in ProviderCatalog::builtin().providers() {
            let Ok(found) = self.catalog.provider(&provider.id) else { continue };
            for region in &provider.regions {
                let changed =
                    found.regions.iter().find(|known| known.id.eq_ignore_ascii_case(&region.id));
                findings.extend(
                    changed
                        .filter(|changed| *changed != region)
                        .map(|changed| changed_region(&provider.id, region, changed)),
                );
            }
            for kind in provider.kinds.iter() {
                if found.kind(&kind.id) != Some(kind) {
                    findings.push(override_finding(
                        format!("A provider file changes the kind {} of {}", kind.id, provider.id),
                        "the file decides how its secrets are recognized, sent and rotated"
                            .to_owned(),
                    ));
                }
            }
        }
        findings
    }
}

fn changed_region(provider: &str, builtin: &Region, changed: &Region) -> Diagnostic {
    let [before, now] = [builtin, changed].map(|region| describe_origins(&region.bound_origins()));
    let why = if before == now {
        "its hosts are the built-in ones".to_owned()
    } else {
        format!("built in: {before}; now: {now}")
    };
    override_finding(
        format!("A provider file changes the region {} of {provider}", builtin.id),
        why,
    )
}

fn override_finding(what: String, why: String) -> Diagnostic {
    let remedy = "if you did not write this, remove it from the files in the folder providers";
    Diagnostic::warn(DiagnosticArea::Settings, what, why, remedy)
}
