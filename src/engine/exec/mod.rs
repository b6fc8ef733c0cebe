//! Environment of a child process: the variables of a credential's provider, and nothing of any
//! other credential.
//!
//! `child` runs the process, `mask` redacts its output, `ci_runner` makes the runner of a pipeline
//! mask too, `secret_file` passes a secret as a file, `signals_unix` and `signals_windows` forward
//! signals.
//! Start with [`ExecService::env_variables`] and [`ChildCommand`].

mod child;
mod ci_runner;
mod mask;
mod secret_file;
#[cfg(unix)]
mod signals_unix;
#[cfg(not(unix))]
mod signals_windows;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::sync::Arc;

use super::audit::{AuditEvent, AuditService};
use super::ports::{CoreServices, SharedPorts};
use crate::domain::credential::SecretPart;
use crate::domain::problem::ProblemClass;
use crate::domain::provider::ProviderCatalog;
use crate::domain::provider::environment::VariableValue;
use crate::domain::region::{HostRole, Region};
use crate::domain::{Credential, CredentialName, Problem, Secret};
use crate::engine::requests::RequestService;
use crate::engine::secrets::bound_secrets::SecretAccess;

pub use child::{ChildCommand, ChildExit, OutputSink, OutputStream, SecretDelivery};
pub use ci_runner::{mask_commands, runner_reads_stderr};
pub use secret_file::remove_leftovers;

/// Prefix of the variables of tokenring. One of them names the file that opens the store.
const OWN_VARIABLE_PREFIX: &str = "TOKENRING_";

/// Variable of a child's environment.
pub struct EnvVariable {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: EnvValue,
}

/// Value of a variable.
pub enum EnvValue {
    /// A secret or an access token.
    Secret(Arc<Secret>),
    /// Any other text.
    Text(String),
}

/// Outcome of a use of a credential outside this process, for the audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsageEvent {
    /// The use is about to happen.
    Begun,
    /// The use did not happen.
    Failed,
}

/// Environment variables and values with which programs use a credential.
pub struct ExecService {
    catalog: Arc<ProviderCatalog>,
    audit: Arc<AuditService>,
    secrets: Arc<SecretAccess>,
    requests: Arc<RequestService>,
}

impl ExecService {
    /// Creates the service.
    pub(in crate::engine) fn new(
        ports: &SharedPorts,
        core: &CoreServices,
        requests: Arc<RequestService>,
    ) -> Self {
        Self {
            catalog: Arc::clone(&ports.catalog),
            audit: Arc::clone(&core.audit),
            secrets: Arc::clone(&core.secrets),
            requests,
        }
    }

    /// Records that a program receives the credential of this name.
    pub async fn record_exec(
        &self,
        name: &CredentialName,
        remark: &str,
        usage: UsageEvent,
    ) -> Result<(), Problem> {
        let outcome = if usage == UsageEvent::Begun { "begun" } else { "failed" };
        self.audit
            .record(
                AuditEvent::new("exec", outcome).for_credential(name.as_str()).with_reason(remark),
            )
            .await
    }

    /// Returns the variables with which the provider's own tools use the credential, in its region.
    pub async fn env_variables(
        &self,
        credential: &Credential,
    ) -> Result<Vec<EnvVariable>, Problem> {
        let kind = self.catalog.kind(&credential.provider, &credential.kind)?;
        let region = self.catalog.region(&credential.provider, &credential.region)?;
        let mut found = Vec::new();
        for (name, value) in kind.environment_variables(region, &credential.fields) {
            let value = match value {
                VariableValue::Text(text) => EnvValue::Text(text),
                VariableValue::Secret => EnvValue::Secret(Arc::new(
                    self.secrets.load_secret(credential, &SecretPart::Secret).await?,
                )),
                VariableValue::AccessToken => {
                    EnvValue::Secret(self.access_token(credential).await?)
                }
            };
            found.push(EnvVariable { name: name.to_owned(), value });
        }
        Ok(found)
    }

    /// Returns one value of a credential: `secret`, `access_token`, a named part of the secret,
    /// `api`, `auth`, `app`, or one of its fields.
    pub async fn credential_value(
        &self,
        credential: &Credential,
        wanted: &str,
    ) -> Result<EnvValue, Problem> {
        let kind = self.catalog.kind(&credential.provider, &credential.kind)?;
        let region = self.catalog.region(&credential.provider, &credential.region)?;
        if let Some(text) =
            region_origin(region, wanted).or_else(|| credential.fields.get(wanted).cloned())
        {
            return Ok(EnvValue::Text(text));
        }
        match wanted {
            "secret" => Ok(EnvValue::Secret(Arc::new(
                self.secrets.load_secret(credential, &SecretPart::Secret).await?,
            ))),
            "access_token" => Ok(EnvValue::Secret(self.access_token(credential).await?)),
            part if kind.parts.iter().any(|known| known.id == part) => {
                Ok(EnvValue::Secret(Arc::new(
                    self.secrets
                        .load_secret(credential, &SecretPart::Named(part.to_owned()))
                        .await?,
                )))
            }
            unknown => {
                let fields = credential.fields.keys().map(String::as_str);
                let known: Vec<_> =
                    ["secret", "access_token", "api"].into_iter().chain(fields).collect();
                let what = format!("{} has no value \"{unknown}\"", credential.name);
                let why = format!("its kind is \"{}\"", kind.title);
                Err(Problem::new(what, why, format!("use one of: {}", known.join(", ")))
                    .with_class(ProblemClass::Usage))
            }
        }
    }

    /// Returns the variables that the tools of the same providers also read. If one of them were
    /// left over from another credential, the child would use half of each.
    pub fn competing_variables(&self, variables: &[EnvVariable]) -> BTreeSet<String> {
        let ours = |name: &str| variables.iter().any(|variable| variable.name == name);
        let environments = self.catalog.providers().map(|provider| {
            let kinds = provider.kinds.iter().flat_map(|kind| &kind.environment);
            let others = provider.conflicting_variables.iter().map(String::as_str);
            kinds.map(|(name, _)| name.as_str()).chain(others).collect::<Vec<_>>()
        });
        environments
            .filter(|names| names.iter().any(|name| ours(name)))
            .flatten()
            .map(str::to_owned)
            .collect()
    }

    async fn access_token(&self, credential: &Credential) -> Result<Arc<Secret>, Problem> {
        let kind = self.catalog.kind(&credential.provider, &credential.kind)?;
        let region = self.catalog.region(&credential.provider, &credential.region)?;
        Ok(self.requests.authorize_and_record(credential, kind, region).await?.secret)
    }
}

/// Whether a variable of this name belongs to tokenring. A child that inherits it could open the
/// store and read every other secret.
pub fn is_own_variable(name: &OsStr) -> bool {
    let prefix = name.as_encoded_bytes().get(..OWN_VARIABLE_PREFIX.len());
    prefix.is_some_and(|prefix| prefix.eq_ignore_ascii_case(OWN_VARIABLE_PREFIX.as_bytes()))
}

fn region_origin(region: &Region, name: &str) -> Option<String> {
    match name {
        "api" => Some(region.origin(HostRole::Api).to_string()),
        "auth" => Some(region.origin(HostRole::Auth).to_string()),
        "app" => region.app.as_ref().map(ToString::to_string),
        _ => None,
    }
}
