//! `tokenring add`: stores a credential.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::identify;
use crate::cli::args::{self, parse_name, print_credential};
use crate::cli::context::CliContext;
use crate::cli::input::secret_input;
use crate::cli::output::classified;
use crate::domain::identify::{Identification, IdentificationCandidate};
use crate::domain::problem::ProblemClass;
use crate::domain::provider::{CredentialKind, ProviderCatalog};
use crate::domain::{CredentialName, Problem, Secret};
use crate::engine::background::protocol::NewCredential;
use crate::engine::{self, Engine};

/// Store a credential; the secret comes from a pipe or a prompt
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  tokenring add laptop --provider snyk < token.txt\n  \
    tokenring add ci --provider snyk --kind service-account-oauth \\\n      \
    --region SNYK-EU-01 --field client_id=… --label prod")]
pub(in crate::cli) struct AddArgs {
    /// Name of the new credential
    name: String,
    /// Provider: snyk, snyk-apps, snyk-api-web, appcircle, or one of your own
    #[arg(long)]
    provider: String,
    /// Kind of credential; detected from the secret where possible
    #[arg(long)]
    kind: Option<String>,
    /// Region; detected from the secret where possible
    #[arg(long)]
    region: Option<String>,
    #[arg(
        long = "field",
        value_name = "K=V",
        value_parser = args::parse_key_value,
        help = "Field of the kind, such as client_id=…; may be repeated"
    )]
    fields: Vec<(String, String)>,
    /// Label; may be repeated
    #[arg(long = "label", value_name = "L")]
    labels: Vec<String>,
    #[arg(
        long = "part",
        value_name = "PART",
        help = "Further secret part to read after the secret, one line each, such as client_secret"
    )]
    parts: Vec<String>,
    /// Expiry date, such as 2027-02-07
    #[arg(long, value_name = "DATE", value_parser = args::parse_date)]
    expires: Option<crate::domain::Timestamp>,
    /// Do not verify the credential with the provider
    #[arg(long)]
    offline: bool,
}

impl AddArgs {
    /// Reads the secret, identifies it and stores the credential.
    pub(in crate::cli) async fn run(self, context: &CliContext<'_>) -> Result<u8, Problem> {
        let name = parse_name(&self.name)?;
        let engine = context.engine()?;
        engine.catalog.provider(&self.provider)?;
        self.validate_ids(&engine.catalog)?;
        let (found, secrets) = self.read_secrets(engine)?;
        identify::note_removed_text(context.out, &found.removed);
        // Never send a secret to a host that the user did not name.
        let offline = self.offline || self.region_is_assumed(&engine.catalog, &found)?;
        let engine = context.unlocked_engine().await?;
        let new = self.build_credential(context, name, found, secrets)?;
        let duplicates = engine.credentials.find_duplicates(&new.secret).await?;
        let stored = engine.credentials.add(new).await?;
        if !duplicates.is_empty() {
            let names: Vec<_> = duplicates.iter().map(CredentialName::as_str).collect();
            context
                .out
                .note(&format!("note: the same secret is already stored as {}", names.join(", ")));
        }
        if offline {
            return print_credential(context, &stored);
        }
        let classified = engine.classification.classify(&stored).await;
        let code = print_credential(
            context,
            classified.as_ref().map_or(&stored, |classified| &classified.credential),
        )?;
        classified::print_classification(context, &classified);
        Ok(code)
    }

    /// Reads the secret and its further parts. With a key file the file contains the secret, so the
    /// user is not asked for it.
    fn read_secrets(&self, engine: &Engine) -> Result<(Identification, Vec<Secret>), Problem> {
        if let Some((_, path)) = self.fields.iter().find(|(id, _)| id == engine::KEY_FILE_FIELD) {
            return Ok((
                engine.credentials.identify(&engine::read_key_file(path)?)?,
                secret_input::read_secret_lines(&self.parts)?,
            ));
        }
        let mut secrets = secret_input::read_secrets("secret", &self.parts)?;
        Ok((engine.credentials.identify(&secrets.remove(0))?, secrets))
    }

    /// Returns whether neither the user nor the secret names the region, and there are several.
    fn region_is_assumed(
        &self,
        catalog: &ProviderCatalog,
        found: &Identification,
    ) -> Result<bool, Problem> {
        let region_known = self.region.is_some()
            || found.candidates.iter().any(|candidate| candidate.region.is_some());
        Ok(!region_known && catalog.regions(&self.provider)?.len() > 1)
    }

    /// Checks provider, kind and region before the secret is read, so that a typo is reported
    /// first.
    fn validate_ids(&self, catalog: &ProviderCatalog) -> Result<(), Problem> {
        if let Some(kind) = &self.kind {
            catalog.kind(&self.provider, kind)?;
        }
        if let Some(region) = &self.region {
            catalog.region(&self.provider, region)?;
        }
        Ok(())
    }

    fn build_credential(
        self,
        context: &CliContext<'_>,
        name: CredentialName,
        found: Identification,
        parts: Vec<Secret>,
    ) -> Result<NewCredential, Problem> {
        let catalog = &context.engine()?.catalog;
        let kind = self.choose_kind(catalog, &found)?;
        let matching = found
            .candidates
            .iter()
            .find(|candidate| candidate.provider == self.provider && candidate.kind == kind.id);
        let region = self.choose_region(context, catalog, matching)?;
        Ok(NewCredential {
            name,
            kind: kind.id.clone(),
            region,
            fields: self.fields.into_iter().collect::<BTreeMap<_, _>>(),
            labels: self.labels,
            expires: self.expires.or(matching.and_then(|candidate| candidate.expires)),
            secret: Arc::new(found.secret),
            parts: self.parts.into_iter().zip(parts.into_iter().map(Arc::new)).collect(),
            provider: self.provider,
        })
    }

    /// Chooses the kind: the named one, otherwise the only one that fits the secret.
    fn choose_kind<'c>(
        &self,
        catalog: &'c ProviderCatalog,
        found: &Identification,
    ) -> Result<&'c CredentialKind, Problem> {
        if let Some(kind) = &self.kind {
            return Ok(catalog.kind(&self.provider, kind)?);
        }
        let provider = catalog.provider(&self.provider)?;
        let mut matching =
            found.candidates.iter().filter(|candidate| candidate.provider == self.provider);
        let mut kinds = provider.kinds.iter();
        let only = kinds.next().filter(|_| kinds.next().is_none());
        match (matching.next(), matching.next(), only) {
            (Some(first), second, _)
                if second.is_none_or(|second| second.confidence < first.confidence) =>
            {
                Ok(catalog.kind(&self.provider, &first.kind)?)
            }
            (None, _, Some(only)) => Ok(only),
            _ => {
                let kinds: Vec<_> = provider.kinds.iter().map(|kind| kind.id.as_str()).collect();
                let why = format!(
                    "a secret of this form can be several kinds of {} credential",
                    provider.title
                );
                Err(Problem::new(
                    "The kind is ambiguous",
                    why,
                    format!("choose one with --kind: {}", kinds.join(", ")),
                )
                .with_class(ProblemClass::Usage))
            }
        }
    }

    /// Chooses the region: the named one, otherwise the one in the secret, otherwise the provider's
    /// first.
    fn choose_region(
        &self,
        context: &CliContext<'_>,
        catalog: &ProviderCatalog,
        matching: Option<&IdentificationCandidate>,
    ) -> Result<String, Problem> {
        let detected = matching.and_then(|candidate| candidate.region.clone());
        let regions = catalog.regions(&self.provider)?;
        match (&self.region, detected) {
            (Some(wanted), detected) => {
                let region = catalog.region(&self.provider, wanted)?;
                if let Some(detected) = detected.filter(|detected| *detected != region.id) {
                    context.out.note(&format!(
                        "note: the secret itself names the region {detected}, but --region is {}",
                        region.id
                    ));
                }
                Ok(region.id.clone())
            }
            (None, Some(detected)) => Ok(detected),
            (None, None) => {
                let first = regions.first().map(|region| region.id.clone()).unwrap_or_default();
                if regions.len() > 1 {
                    context
                        .out
                        .note(&format!("note: the secret does not contain its region; assuming {first} (choose another with --region)"));
                }
                Ok(first)
            }
        }
    }
}
