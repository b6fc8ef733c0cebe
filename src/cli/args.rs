//! Argument parsers and output helpers that several commands share.

use time::format_description::well_known::Iso8601;
use time::{Date, OffsetDateTime};

use super::context::CliContext;
use crate::cli::output::json::CredentialJson;
use crate::cli::output::usage_problem;
use crate::domain::credential::CredentialNameError;
use crate::domain::problem::ProblemClass;
use crate::domain::response::CheckResult;
use crate::domain::{Credential, CredentialName, Problem, Timestamp};
use crate::engine::ClassificationResult;

/// Prints the credential that was stored or changed.
pub(super) fn print_credential(
    context: &CliContext<'_>,
    credential: &Credential,
) -> Result<u8, Problem> {
    if context.out.json {
        let now = context.engine()?.clock.now();
        context.out.print_json(&CredentialJson::new(credential, now))?;
    } else {
        let Credential { name, provider, kind, region, .. } = credential;
        context.out.print_text(&format!("{name}: {provider} {kind} in {region}"))?;
    }
    Ok(0)
}

/// Parses the name of a credential.
pub(super) fn parse_name(text: &str) -> Result<CredentialName, Problem> {
    CredentialName::parse(text).map_err(|error| {
        if error == CredentialNameError::LooksLikeSecret {
            return usage_problem(
                "Invalid name",
                &format!("{error}; if it is one, the shell has written it to its history"),
                "delete the command from the shell's history, and choose another name; the secret comes from a pipe or a prompt",
            );
        }
        Problem::new("Invalid name", error.to_string(), "use 1 to 64 visible characters")
            .with_class(ProblemClass::Usage)
    })
}

/// Parses `key=value`.
pub(super) fn parse_key_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("\"=\" is missing; write key=value")?;
    if key.is_empty() {
        Err("the key is missing; write key=value".to_owned())
    } else {
        Ok((key.to_owned(), value.to_owned()))
    }
}

/// Parses a date, which means midnight UTC at its beginning, or a whole RFC 3339 timestamp.
pub(super) fn parse_date(text: &str) -> Result<Timestamp, String> {
    if let Ok(moment) = OffsetDateTime::parse(text, &Iso8601::DEFAULT) {
        return Ok(moment);
    }
    Date::parse(text, &Iso8601::DATE)
        .map(|date| date.midnight().assume_utc())
        .map_err(|_| "not a date; write it like 2027-02-07".to_owned())
}

/// Parses a time span in days, hours or minutes, such as `90d`.
pub(super) fn parse_time_span(text: &str) -> Result<time::Duration, String> {
    let wrong = || "not a time span; write it like 90d, 12h or 30m".to_owned();
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

/// Parses a timeout such as `10s`, `500ms` or `2m`; a number alone is seconds.
pub(super) fn parse_timeout(text: &str) -> Result<std::time::Duration, String> {
    let wrong = || "not a timeout; write it like 10s, 500ms or 2m".to_owned();
    let at = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let seconds = match &text[at..] {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err(wrong()),
    };
    let seconds = text[..at].parse::<f64>().map_err(|_| wrong())? * seconds;
    if !(0.001..=86_400.0).contains(&seconds) {
        return Err("a timeout has at least 1 ms and at most 24 hours".to_owned());
    }
    Ok(std::time::Duration::from_secs_f64(seconds))
}

/// Prints the identity of the credential, or why it is unknown. The credential is stored either
/// way, so neither is a failure.
pub(super) fn print_classification(
    context: &CliContext<'_>,
    classified: &Result<ClassificationResult, Problem>,
) {
    match classified {
        Ok(classified) => {
            let mark = if classified.check.result == CheckResult::Accepted { "" } else { "note: " };
            classified
                .summary_lines()
                .iter()
                .for_each(|remark| context.out.note(&format!("{mark}{remark}")));
        }
        Err(problem) => context
            .out
            .note(&format!("note: stored, but not verified: {}: {}", problem.what, problem.why)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_a_number_and_a_unit() {
        assert_eq!(parse_time_span("90d"), Ok(time::Duration::days(90)));
        assert_eq!(parse_time_span("12h"), Ok(time::Duration::hours(12)));
        for wrong in ["", "d", "90", "-1d", "9é", "99999999999d"] {
            assert!(parse_time_span(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_day_begins_at_midnight_utc() {
        assert_eq!(parse_date("2027-02-07"), Ok(time::macros::datetime!(2027-02-07 0:00 UTC)));
        assert!(parse_date("07.02.2027").is_err());
    }
}
