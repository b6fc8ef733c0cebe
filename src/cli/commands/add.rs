//! `tokenring add`: stores a credential.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::identify;
use crate::cli::args::{self, parse_name, print_credential};
use crate::cli::context::CliContext;
use crate::cli::input::prompt;
use crate::cli::output::usage_problem;
use crate::domain::identify::{Identification, IdentificationCandidate, KindChoice};
use crate::domain::provider::{CatalogError, CredentialKind, Provider, ProviderCatalog};
use crate::domain::response::CheckResult;
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
        let offline = self.offline;
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
        args::print_classification(context, &classified);
        let is_refused =
            classified.is_ok_and(|classified| classified.check.result == CheckResult::Refused);
        if is_refused && engine.catalog.regions(&stored.provider)?.len() > 1 {
            context.out.note(&format!(
                "note: if it belongs to another region, find that with `tokenring check {} --all-regions`",
                stored.name
            ));
        }
        Ok(code)
    }

    /// Reads the secret and its further parts. With a key file the file contains the secret, so the
    /// user is not asked for it.
    fn read_secrets(&self, engine: &Engine) -> Result<(Identification, Vec<Secret>), Problem> {
        if let Some((_, path)) = self.fields.iter().find(|(id, _)| id == engine::KEY_FILE_FIELD) {
            return Ok((
                engine.credentials.identify(&engine::read_key_file(path)?)?,
                prompt::read_secret_lines(&self.parts)?,
            ));
        }
        let mut secrets = prompt::read_secrets("secret", &self.parts)?;
        Ok((engine.credentials.identify(&secrets.remove(0))?, secrets))
    }

    /// Checks provider, kind and region before the secret is read, so that a typo is reported
    /// first.
    fn validate_ids(&self, catalog: &ProviderCatalog) -> Result<(), Problem> {
        let kinds: Vec<_> = match &self.kind {
            Some(kind) => vec![catalog.kind(&self.provider, kind)?],
            None => catalog.provider(&self.provider)?.kinds.iter().collect(),
        };
        let is_known = |part: &str| kinds.iter().any(|kind| kind.part(part).is_some());
        if let Some(unknown) = self.parts.iter().find(|part| !is_known(part)) {
            let known = kinds.iter().flat_map(|kind| &kind.parts).map(|part| part.id.as_str());
            return Err(CatalogError::unknown("part", unknown, known).into());
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
        let kind = self.choose_kind(context, catalog, &found)?;
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

    /// Chooses the kind: the named one, otherwise the one that the secret shows. Where several have
    /// secrets of its form, a user at the terminal chooses, and otherwise it is the usual one.
    fn choose_kind<'c>(
        &self,
        context: &CliContext<'_>,
        catalog: &'c ProviderCatalog,
        found: &Identification,
    ) -> Result<&'c CredentialKind, Problem> {
        let choice = found.choose_kind(&self.provider);
        if let Some(kind) = &self.kind {
            if let KindChoice::Incomplete(candidate) = choice {
                context.out.note(&format!("note: {}", candidate.why));
            }
            return Ok(catalog.kind(&self.provider, kind)?);
        }
        let provider = catalog.provider(&self.provider)?;
        let kind_of = |candidate: &IdentificationCandidate| -> Result<_, Problem> {
            Ok(catalog.kind(&candidate.provider, &candidate.kind)?)
        };
        let mut kinds = provider.kinds.iter();
        match choice {
            KindChoice::One(candidate) => kind_of(candidate),
            KindChoice::Several(candidates) => {
                let kinds: Vec<_> =
                    candidates.into_iter().map(kind_of).collect::<Result<_, _>>()?;
                Ok(choose_among(context, &kinds))
            }
            KindChoice::Incomplete(candidate) => Err(identify::incomplete_problem(candidate)),
            KindChoice::NotStorable(candidate) => Err(usage_problem(
                "This is not a secret to store",
                &candidate.why,
                &format!("add the long-lived secret, or pass --kind {}", candidate.kind),
            )),
            KindChoice::OtherProvider(candidate) => Err(usage_problem(
                &format!("This is not a secret of {}", provider.title),
                &candidate.why,
                &format!("pass --provider {}", candidate.provider),
            )),
            KindChoice::Unrecognized => match (kinds.next(), kinds.next()) {
                (Some(only), None) => Ok(only),
                _ => Err(unrecognized_problem(provider)),
            },
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
            (None, None) if regions.len() > 1 && matching.is_some_and(|it| it.is_incomplete) => {
                Err(usage_problem(
                    "The region is unknown",
                    "the secret is incomplete, so its region cannot be read from it",
                    "copy the whole token and add it again, or pass --region",
                ))
            }
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

/// Asks a user at the terminal which kind the secret is; the usual one, the first, where there is
/// no answer.
fn choose_among<'c>(context: &CliContext<'_>, kinds: &[&'c CredentialKind]) -> &'c CredentialKind {
    let titles: Vec<_> = kinds.iter().map(|kind| kind.title.as_str()).collect();
    let chosen = if prompt::is_interactive() {
        context.out.note("The secret may be one of:");
        prompt::choose_by_number(&titles)
    } else {
        None
    };
    if let Some(chosen) = chosen {
        return kinds[chosen];
    }
    let (first, others) = (kinds[0], &kinds[1..]);
    let others: Vec<_> =
        others.iter().map(|kind| format!("{} (--kind {})", kind.title, kind.id)).collect();
    context.out.note(&format!(
        "note: adding it as a {}; a secret of this form may also be a {}",
        first.title,
        others.join(" or a ")
    ));
    first
}

fn unrecognized_problem(provider: &Provider) -> Problem {
    let kinds: Vec<_> = provider.kinds.iter().map(|kind| kind.id.as_str()).collect();
    usage_problem(
        "The secret was not recognized",
        &format!("no kind of {} credential is recognized by this form", provider.title),
        &format!("choose one with --kind: {}", kinds.join(", ")),
    )
}
