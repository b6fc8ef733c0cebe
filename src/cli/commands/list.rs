//! `tokenring list` and `tokenring show`: print stored credentials without access to the store.

use std::collections::HashMap;

use serde_json::json;

use crate::cli::args::parse_time_span;
use crate::cli::context::CliContext;
use crate::cli::output::json::{CredentialJson, format_rfc3339};
use crate::cli::output::style::TextTone;
use crate::cli::output::table::TableColumn::{self, Name, Text};
use crate::cli::output::table::{TableCell, TextTable, pad};
use crate::domain::credential_status::format_status;
use crate::domain::format::count_noun;
use crate::domain::rotation::RotationStatus;
use crate::domain::text::{compose, sanitize_line};
use crate::domain::{
    Credential, CredentialId, CredentialStatus, Problem, Timestamp, calendar, format,
};
use crate::engine::Engine;

/// Columns of the list.
static COLUMNS: [TableColumn; 7] = [
    Name("NAME"),
    Text("PROVIDER"),
    Text("KIND"),
    Text("REGION"),
    Text("EXPIRES"),
    Text("STATUS"),
    Text("ROTATION"),
];

/// List all credentials
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
        tokenring list\n  \
        tokenring list --provider snyk --label prod\n  \
        tokenring list --json | jq -r .[].name\n  \
        tokenring list --label prod --ical --remind 30d > prod.ics")]
pub(in crate::cli) struct ListArgs {
    /// Only credentials of this provider
    #[arg(long)]
    provider: Option<String>,
    /// Only credentials with this label
    #[arg(long)]
    label: Option<String>,
    /// Print the expiry dates as an iCalendar file
    #[arg(long)]
    ical: bool,
    /// How long before the expiry the calendar reminds, such as 14d
    #[arg(long, value_name = "SPAN", requires = "ical", value_parser = parse_time_span, default_value = "14d")]
    remind: time::Duration,
}

/// Show one credential
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  tokenring show ci-scanner\n  tokenring show ci-scanner --json"
)]
pub(in crate::cli) struct ShowArgs {
    /// Name of the credential
    name: String,
}

impl ListArgs {
    /// Prints all credentials, sorted by name.
    pub(in crate::cli) async fn run(self, context: &CliContext<'_>) -> Result<u8, Problem> {
        let engine = context.engine()?;
        let mut credentials = engine.credentials.list().await?;
        credentials.retain(|credential| self.matches_filter(credential));
        if self.ical {
            return print_calendar(context, &credentials, self.remind, engine.clock.now());
        }
        let (open, now) = (open_rotations(engine).await?, engine.clock.now());
        if context.out.json {
            let shape = |credential| {
                CredentialJson::new(credential, now).with_rotation(open.get(&credential.id))
            };
            context.out.print_json(&credentials.iter().map(shape).collect::<Vec<_>>())?;
        } else if credentials.is_empty() {
            context
                .out
                .note("No credentials yet. Add one with `tokenring add NAME --provider P`, or try `tokenring demo`.");
        } else {
            context.out.print_table(&table(&credentials, &open, now))?;
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
    pub(in crate::cli) async fn run(self, context: &CliContext<'_>) -> Result<u8, Problem> {
        let engine = context.engine()?;
        let credential = engine.credentials.find(&self.name).await?;
        let open = open_rotations(engine).await?;
        let rotation = open.get(&credential.id);
        if context.out.json {
            let shape = CredentialJson::new(&credential, engine.clock.now());
            context.out.print_json(&shape.with_rotation(rotation))?;
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

/// Prints the expiry dates as an iCalendar file, or as JSON.
fn print_calendar(
    context: &CliContext<'_>,
    credentials: &[Credential],
    remind: time::Duration,
    now: Timestamp,
) -> Result<u8, Problem> {
    let expiring: Vec<_> = credentials
        .iter()
        .filter_map(|credential| Some((credential, credential.expires?)))
        .collect();
    if context.out.json {
        let shape = |(credential, end): &(&Credential, Timestamp)| json!({ "name": credential.name, "expires": format_rfc3339(*end) });
        context.out.print_json(&expiring.iter().map(shape).collect::<Vec<_>>())?;
        return Ok(0);
    }
    let text = calendar::render_calendar(credentials, remind, now);
    context.out.write_bytes(text.as_bytes())?;
    context.out.note(&format!(
        "{} with an expiry date, of {}",
        count_noun(expiring.len(), "credential"),
        credentials.len()
    ));
    Ok(0)
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
        let has_expired = credential.expires.is_some_and(|end| end <= now);
        let status = CredentialStatus::for_credential(credential, now);
        let cells = [
            credential.name.as_str().into(),
            credential.provider.as_str().into(),
            credential.kind.as_str().into(),
            credential.region.as_str().into(),
            TableCell::new(
                format::format_expiry(credential.expires, now),
                if has_expired { TextTone::Bad } else { TextTone::Neutral },
            ),
            TableCell::new(format_status(credential, now), status.into()),
            TableCell::new(rotation.unwrap_or_default(), TextTone::Warning),
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
        ("status", format_status(credential, now)),
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
