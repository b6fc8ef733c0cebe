//! `tokenring list` and `tokenring show`: print stored credentials without access to the store.

use std::collections::HashMap;

use super::context::CliContext;
use super::json::{CredentialJson, format_rfc3339};
use super::table::{TextTable, pad};
use crate::domain::rotation::RotationStatus;
use crate::domain::text::{compose, sanitize_line};
use crate::domain::{Credential, CredentialId, Problem, Timestamp, format};
use crate::engine::Engine;

/// Headings of the list.
static COLUMNS: [&str; 7] =
    ["NAME", "PROVIDER", "KIND", "REGION", "EXPIRES", "LAST CHECK", "ROTATION"];

/// List all credentials
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
        tokenring list\n  \
        tokenring list --provider snyk --label prod\n  \
        tokenring list --json | jq -r .[].name")]
pub(super) struct ListArgs {
    /// Only credentials of this provider
    #[arg(long)]
    provider: Option<String>,
    /// Only credentials with this label
    #[arg(long)]
    label: Option<String>,
}

/// Show one credential
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  tokenring show ci-scanner\n  tokenring show ci-scanner --json"
)]
pub(super) struct ShowArgs {
    /// Name of the credential
    name: String,
}

impl ListArgs {
    /// Prints all credentials, sorted by name.
    pub(super) async fn run(self, context: &CliContext<'_>) -> Result<u8, Problem> {
        let engine = context.engine()?;
        let mut credentials = engine.credentials.list().await?;
        credentials.retain(|credential| self.matches_filter(credential));
        let open = open_rotations(engine).await?;
        if context.out.json {
            let shape = |credential| {
                CredentialJson::new(credential).with_rotation(open.get(&credential.id))
            };
            context.out.print_json(&credentials.iter().map(shape).collect::<Vec<_>>())?;
        } else if credentials.is_empty() {
            context
                .out
                .note("No credentials yet. Add one with `tokenring add NAME --provider P`, or try `tokenring demo`.");
        } else {
            context.out.print_table(&table(&credentials, &open, engine.clock.now()))?;
        }
        Ok(0)
    }

    fn matches_filter(&self, credential: &Credential) -> bool {
        self.provider.as_ref().is_none_or(|provider| *provider == credential.provider)
            && self.label.as_ref().is_none_or(|label| {
                credential.labels.iter().any(|known| compose(known) == compose(label))
            })
    }
}

impl ShowArgs {
    /// Prints one credential.
    pub(super) async fn run(self, context: &CliContext<'_>) -> Result<u8, Problem> {
        let engine = context.engine()?;
        let credential = engine.credentials.find(&self.name).await?;
        let open = open_rotations(engine).await?;
        let rotation = open.get(&credential.id);
        if context.out.json {
            context.out.print_json(&CredentialJson::new(&credential).with_rotation(rotation))?;
        } else {
            context.out.print_text(&describe_credential(
                &credential,
                rotation,
                engine.clock.now(),
            ))?;
        }
        Ok(0)
    }
}

/// Returns the open rotations by credential.
async fn open_rotations(engine: &Engine) -> Result<HashMap<CredentialId, RotationStatus>, Problem> {
    let open = engine.journals.open_rotations().await?;
    Ok(open.into_iter().map(|status| (status.credential.clone(), status)).collect())
}

/// Returns the table of the credentials. The rotations have a column only if there is one.
fn table(
    credentials: &[Credential],
    open: &HashMap<CredentialId, RotationStatus>,
    now: Timestamp,
) -> TextTable {
    let has_open = credentials.iter().any(|credential| open.contains_key(&credential.id));
    let count = if has_open { COLUMNS.len() } else { COLUMNS.len() - 1 };
    let mut table = TextTable::new(&COLUMNS[..count]);
    for credential in credentials {
        let rotation = open.get(&credential.id).map(|status| status.state.unfinished_word());
        let cells = [
            credential.name.to_string(),
            credential.provider.clone(),
            credential.kind.clone(),
            credential.region.clone(),
            format::format_expiry(credential.expires, now),
            format::format_last_check(credential.last_check.as_ref(), now),
            rotation.unwrap_or_default().to_owned(),
        ];
        table.add_row(cells.into_iter().take(count));
    }
    table
}

fn describe_credential(
    credential: &Credential,
    rotation: Option<&RotationStatus>,
    now: Timestamp,
) -> String {
    let mut rows = vec![
        ("name", credential.name.to_string()),
        ("provider", credential.provider.clone()),
        ("kind", credential.kind.clone()),
        ("region", credential.region.clone()),
        ("secret", "•".repeat(20)),
        ("created", format_rfc3339(credential.created)),
        ("expires", format::format_expiry(credential.expires, now)),
        ("checked", format::format_last_check(credential.last_check.as_ref(), now)),
    ];
    rows.extend(credential.last_check.as_ref().map(|check| ("reason", check.reason.clone())));
    rows.extend(rotation.map(|status| {
        let RotationStatus { id, state, next, .. } = status;
        let word = state.unfinished_word();
        ("rotation", format!("{word}; resume it with `tokenring rotate --resume {id}`. {next}"))
    }));
    rows.extend(
        credential
            .principal
            .as_ref()
            .map(|who| ("acts as", format!("{} · {} · {}", who.name, who.kind, who.id))),
    );
    rows.extend(credential.fields.iter().map(|(id, value)| (id.as_str(), value.clone())));
    rows.extend((!credential.labels.is_empty()).then(|| ("labels", credential.labels.join(", "))));
    rows.extend(credential.fingerprint.clone().map(|fingerprint| ("fingerprint", fingerprint)));
    let width = rows.iter().map(|(title, _)| title.len()).max().unwrap_or(0);
    rows.iter()
        .map(|(title, value)| format!("{}  {}", pad(title, width), sanitize_line(value)))
        .collect::<Vec<_>>()
        .join("\n")
}
