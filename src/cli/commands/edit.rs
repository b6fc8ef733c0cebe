//! `tokenring edit`: changes the name, metadata or secret of a credential.

use std::sync::Arc;

use super::identify;
use crate::cli::args;
use crate::cli::context::CliContext;
use crate::cli::input::prompt;
use crate::domain::identify::KindChoice;
use crate::domain::text::compose;
use crate::domain::{Origin, Problem, Timestamp};
use crate::engine;
use crate::engine::background::protocol as task_protocol;

/// Edit name, kind, region, labels, fields, expiry or secret
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
        tokenring edit laptop --rename laptop-2026 --label dev\n  \
        tokenring edit laptop --secret < token.txt\n  \
        tokenring edit old-jenkins --kind service-account-token\n  \
        tokenring edit ci-scanner --field org_id=… --expires 2027-02-07\n  \
        tokenring edit ci-scanner --accept-host https://api.acme.example")]
pub(in crate::cli) struct EditArgs {
    /// Name of the credential
    name: String,
    /// New name
    #[arg(long)]
    rename: Option<String>,
    /// New kind, if the secret alone does not determine it
    #[arg(long)]
    kind: Option<String>,
    /// New region
    #[arg(long)]
    region: Option<String>,
    /// Field to set; an empty value removes it; may be repeated
    #[arg(long = "field", value_name = "K=V", value_parser = args::parse_key_value)]
    fields: Vec<(String, String)>,
    /// Label to add; may be repeated
    #[arg(long = "label", value_name = "L")]
    labels: Vec<String>,
    /// Label to remove; may be repeated
    #[arg(long = "unlabel", value_name = "L")]
    unlabels: Vec<String>,
    /// Expiry date, such as 2027-02-07, or "never"
    #[arg(long, value_name = "DATE", value_parser = parse_expiry)]
    expires: Option<ExpiryArg>,
    /// Read a new secret from standard input or a hidden prompt; it is not verified
    #[arg(long)]
    secret: bool,
    /// Accept that the secret is sent to this host, such as a moved region's; may be repeated
    #[arg(long = "accept-host", value_name = "URL", value_parser = parse_host)]
    accepted_hosts: Vec<Origin>,
    /// Accept the secret that the store has, if it has this fingerprint
    #[arg(long = "accept-secret", value_name = "FINGERPRINT")]
    accepted_fingerprint: Option<String>,
}

/// Expiry of a credential as given on the command line.
#[derive(Debug, Clone, Copy)]
pub(in crate::cli) enum ExpiryArg {
    At(Timestamp),
    Never,
}

impl EditArgs {
    /// Applies all changes in one step.
    pub(in crate::cli) async fn run(self, context: &CliContext<'_>) -> Result<u8, Problem> {
        let credential = context.engine()?.credentials.find(&self.name).await?;
        let mut edit = task_protocol::CredentialEdit {
            region: self.resolve_region(context, &credential.provider)?,
            ..task_protocol::CredentialEdit::default()
        };
        edit.name = self.rename.as_deref().map(args::parse_name).transpose()?;
        edit.kind.clone_from(&self.kind);
        edit.fields = self.fields.iter().cloned().collect();
        edit.accepted_hosts.clone_from(&self.accepted_hosts);
        edit.accepted_fingerprint.clone_from(&self.accepted_fingerprint);
        edit.expires = self.expires.map(|expiry| match expiry {
            ExpiryArg::At(moment) => Some(moment),
            ExpiryArg::Never => None,
        });
        if !self.labels.is_empty() || !self.unlabels.is_empty() {
            edit.labels = Some(self.update_labels(credential.labels.clone()));
        }
        let engine = if self.secret {
            let found =
                context.engine()?.credentials.identify(&prompt::read_secret("new secret")?)?;
            identify::note_removed_text(context.out, &found.removed);
            if let KindChoice::Incomplete(candidate) = found.choose_kind(&credential.provider) {
                return Err(identify::incomplete_problem(candidate));
            }
            edit.secret = Some(Arc::new(found.secret));
            context.unlocked_engine().await?
        } else if self.changes_binding() {
            context.unlocked_engine().await?
        } else {
            context.engine()?
        };
        let changed = engine.credentials.edit(&credential.id, edit).await?;
        args::print_credential(context, &changed)
    }

    /// Returns whether the edit changes what the secret is bound to, which the store confirms.
    fn changes_binding(&self) -> bool {
        self.region.is_some()
            || !self.accepted_hosts.is_empty()
            || self.accepted_fingerprint.is_some()
            || self.fields.iter().any(|(field, _)| field == engine::KEY_FILE_FIELD)
    }

    fn resolve_region(
        &self,
        context: &CliContext<'_>,
        provider: &str,
    ) -> Result<Option<String>, Problem> {
        let Some(name) = &self.region else { return Ok(None) };
        Ok(Some(context.engine()?.catalog.region(provider, name)?.id.clone()))
    }

    fn update_labels(&self, mut labels: Vec<String>) -> Vec<String> {
        let is_removed =
            |label: &String| self.unlabels.iter().any(|removed| compose(removed) == compose(label));
        labels.retain(|label| !is_removed(label));
        let new: Vec<_> =
            self.labels.iter().filter(|label| !labels.contains(label)).cloned().collect();
        labels.extend(new);
        labels
    }
}

fn parse_host(text: &str) -> Result<Origin, String> {
    Origin::parse(text).map_err(|error| error.to_string())
}

fn parse_expiry(text: &str) -> Result<ExpiryArg, String> {
    if text == "never" { Ok(ExpiryArg::Never) } else { args::parse_date(text).map(ExpiryArg::At) }
}
