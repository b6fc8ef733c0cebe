//! `tokenring calendar`: exports expiry dates for calendar programs.

use serde_json::json;

use super::args::parse_time_span;
use super::context::CliContext;
use super::json::format_rfc3339;
use crate::domain::format::count_noun;
use crate::domain::{Credential, Problem, Timestamp, calendar};

/// Export expiry dates as an iCalendar file
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  tokenring calendar > expiry.ics\n  tokenring calendar --label prod --remind 30d > prod.ics"
)]
pub(super) struct CalendarArgs {
    /// Only credentials of this provider
    #[arg(long)]
    provider: Option<String>,
    /// Only credentials with this label
    #[arg(long)]
    label: Option<String>,
    /// How long before the expiry to remind, such as 14d
    #[arg(long, value_name = "SPAN", value_parser = parse_time_span, default_value = "14d")]
    remind: time::Duration,
}

impl CalendarArgs {
    /// Writes the calendar.
    pub(super) async fn run(self, context: &CliContext<'_>) -> Result<u8, Problem> {
        let engine = context.engine()?;
        let mut credentials = engine.credentials.list().await?;
        credentials.retain(|credential| {
            self.provider.as_ref().is_none_or(|provider| *provider == credential.provider)
                && self.label.as_ref().is_none_or(|label| credential.labels.contains(label))
        });
        let expiring: Vec<_> = credentials
            .iter()
            .filter_map(|credential| Some((credential, credential.expires?)))
            .collect();
        if context.out.json {
            let shape = |(credential, end): &(&Credential, Timestamp)| json!({ "name": credential.name, "expires": format_rfc3339(*end) });
            context.out.print_json(&expiring.iter().map(shape).collect::<Vec<_>>())?;
            return Ok(0);
        }
        context.out.write_bytes(
            calendar::render_calendar(&credentials, self.remind, engine.clock.now()).as_bytes(),
        )?;
        context.out.note(&format!(
            "{} with an expiry date, of {}",
            count_noun(expiring.len(), "credential"),
            credentials.len()
        ));
        Ok(0)
    }
}
