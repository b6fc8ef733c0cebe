//! `tokenring edit`: change what is known about a credential.

use std::sync::Arc;

use time::format_description::well_known::Iso8601;
use time::{Date, OffsetDateTime};

use super::context::Context;
use super::{add, identify, secret_input};
use crate::domain::problem::Class;
use crate::domain::{Moment, Problem};
use crate::engine::message;

/// Change a credential's name, region, fields, labels, expiry or secret
#[derive(Debug, clap::Args)]
pub(super) struct Edit {
    /// Its name
    name: String,
    /// Another name
    #[arg(long)]
    rename: Option<String>,
    /// Another region
    #[arg(long)]
    region: Option<String>,
    /// A field to set; an empty value removes it; may be repeated
    #[arg(long = "field", value_name = "K=V", value_parser = add::pair)]
    fields: Vec<(String, String)>,
    /// A label to add; may be repeated
    #[arg(long = "label", value_name = "L")]
    labels: Vec<String>,
    /// A label to take away; may be repeated
    #[arg(long = "unlabel", value_name = "L")]
    unlabels: Vec<String>,
    /// The day it ends, such as 2027-02-07, or "never"
    #[arg(long, value_name = "DATE", value_parser = date_or_never)]
    expires: Option<Ending>,
    /// Another secret, from standard input or a hidden prompt; the provider is not asked
    #[arg(long)]
    secret: bool,
}

/// When a credential ends, as it is given on the command line.
#[derive(Debug, Clone, Copy)]
pub(super) enum Ending {
    At(Moment),
    Never,
}

impl Edit {
    /// Applies all changes in one step.
    pub(super) async fn run(self, context: &Context<'_>) -> Result<u8, Problem> {
        let credential = context.engine()?.find(&self.name).await?;
        let mut edit = message::Edit { region: self.region_of(context, &credential.provider)?, ..message::Edit::default() };
        edit.name = self.rename.as_deref().map(add::parse_name).transpose()?;
        edit.fields = self.fields.iter().cloned().collect();
        edit.expires = self.expires.map(|ending| match ending {
            Ending::At(moment) => Some(moment),
            Ending::Never => None,
        });
        if !self.labels.is_empty() || !self.unlabels.is_empty() {
            edit.labels = Some(self.relabel(credential.labels.clone()));
        }
        let engine = if self.secret {
            let found = context.engine()?.identify(&secret_input::read("new secret")?)?;
            identify::note_cleaned(context.out, &found.cleaned);
            edit.secret = Some(Arc::new(found.secret));
            context.unlocked().await?
        } else {
            context.engine()?
        };
        let changed = engine.edit(&credential.id, edit).await?;
        add::report(context, &changed)
    }

    fn region_of(&self, context: &Context<'_>, provider: &str) -> Result<Option<String>, Problem> {
        let Some(name) = &self.region else { return Ok(None) };
        Ok(Some(context.engine()?.catalogue.region(provider, name)?.id.clone()))
    }

    fn relabel(&self, mut labels: Vec<String>) -> Vec<String> {
        labels.retain(|label| !self.unlabels.contains(label));
        let new: Vec<_> = self.labels.iter().filter(|label| !labels.contains(label)).cloned().collect();
        labels.extend(new);
        labels
    }
}

/// Reads a day (its end is meant: midnight UTC after it begins the next) or a whole RFC 3339 moment.
pub(super) fn date(text: &str) -> Result<Moment, String> {
    if let Ok(moment) = OffsetDateTime::parse(text, &Iso8601::DEFAULT) {
        return Ok(moment);
    }
    Date::parse(text, &Iso8601::DATE)
        .map(|date| date.midnight().assume_utc())
        .map_err(|_| "it is not a date; write it like 2027-02-07".to_owned())
}

fn date_or_never(text: &str) -> Result<Ending, String> {
    if text == "never" { Ok(Ending::Never) } else { date(text).map(Ending::At) }
}

/// Reads a span of days, hours or minutes, such as `90d`.
pub(super) fn span(text: &str) -> Result<time::Duration, String> {
    let wrong = || "it is not a span; write it like 90d, 12h or 30m".to_owned();
    let unit = text.chars().last().ok_or_else(wrong)?;
    let number: i64 = text[..text.len() - unit.len_utf8()].parse().map_err(|_| wrong())?;
    if !(0..=1_000_000).contains(&number) {
        return Err(wrong());
    }
    match unit {
        'd' => Ok(time::Duration::days(number)),
        'h' => Ok(time::Duration::hours(number)),
        'm' => Ok(time::Duration::minutes(number)),
        _ => Err(wrong()),
    }
}

/// A problem of words that contradict one another.
pub(super) fn usage(what: &str, why: &str, remedy: &str) -> Problem {
    Problem::new(what, why, remedy).of(Class::Usage)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_a_number_and_a_unit() {
        assert_eq!(span("90d"), Ok(time::Duration::days(90)));
        assert_eq!(span("12h"), Ok(time::Duration::hours(12)));
        for wrong in ["", "d", "90", "-1d", "9é", "99999999999d"] {
            assert!(span(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_day_begins_at_midnight_utc() {
        assert_eq!(date("2027-02-07"), Ok(time::macros::datetime!(2027-02-07 0:00 UTC)));
        assert!(date("07.02.2027").is_err());
    }
}
