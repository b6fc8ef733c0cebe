//! Display formats: times, sizes, regions and check results as the screen shows them.
//!
//! The functions are pure and take the current time as an argument. [`status_style`] decides how a
//! credential is marked in list, header and detail.

use std::time::{Duration, Instant};

use crate::config::theme::{GlyphSet, StyleRole};
use crate::domain::format::{EXPIRY_WARNING_PERIOD, format_thousands};
use crate::domain::provider::ProviderCatalog;
use crate::domain::region::Region;
use crate::domain::response::CheckResult;
use crate::domain::{Credential, CredentialStatus, Origin, Timestamp};

/// Days before expiry from which a credential counts as expiring.
pub const EXPIRING_DAYS: i64 = EXPIRY_WARNING_PERIOD.whole_days();

/// Lifetimes shorter than this are shown in seconds.
const MIN_SECONDS_SHOWN_AS_MINUTES: i64 = 120;

/// Returns the role (color) and the symbol of a status.
pub const fn status_style(
    status: CredentialStatus,
    glyphs: &GlyphSet,
) -> (StyleRole, &'static str) {
    match status {
        CredentialStatus::Accepted => (StyleRole::Good, glyphs.accepted),
        CredentialStatus::Expired => (StyleRole::Bad, glyphs.warning),
        CredentialStatus::Refused => (StyleRole::Bad, glyphs.refused),
        CredentialStatus::Unknown => (StyleRole::Unknown, glyphs.unknown),
        CredentialStatus::Unchecked => (StyleRole::Dim, glyphs.unchecked),
    }
}

/// Returns the role (color) and the symbol of a check result.
pub const fn check_style(verdict: CheckResult, glyphs: &GlyphSet) -> (StyleRole, &'static str) {
    match verdict {
        CheckResult::Accepted => (StyleRole::Good, glyphs.check_mark),
        CheckResult::Refused => (StyleRole::Bad, glyphs.refused),
        CheckResult::Unknown => (StyleRole::Unknown, glyphs.unknown),
        CheckResult::Unchecked => (StyleRole::Dim, glyphs.unchecked),
    }
}

/// Shortens a region ID by the provider's name: `EU-01` for `SNYK-EU-01`.
pub fn short_region<'a>(region: &'a str, provider: &str) -> &'a str {
    let vendor = provider.split('-').next().unwrap_or_default();
    let begins = region.get(..vendor.len()).is_some_and(|head| head.eq_ignore_ascii_case(vendor));
    begins.then(|| region[vendor.len()..].strip_prefix('-')).flatten().unwrap_or(region)
}

/// Returns the whole days until a credential expires, rounded down; negative once it has expired.
pub fn days_left(credential: &Credential, now: Timestamp) -> Option<i64> {
    credential.expires.map(|end| (end - now).whole_seconds().div_euclid(86_400))
}

/// Formats the time until expiry in days.
pub fn format_days_left(days: i64) -> String {
    if days < 0 { "expired".to_owned() } else { format_days(days) }
}

/// Formats days as `in 12 d`, or `today` for less than one.
fn format_days(days: i64) -> String {
    if days == 0 { "today".to_owned() } else { format!("in {days} d") }
}

/// Formats an age coarsely: `just now`, `2 min`, `3 h`, `12 d`.
pub fn format_age(then: Timestamp, now: Timestamp) -> String {
    match (now - then).whole_seconds() {
        ..60 => "just now".to_owned(),
        seconds @ 60..3_600 => format!("{} min ago", seconds / 60),
        seconds @ 3_600..172_800 => format!("{} h ago", seconds / 3_600),
        seconds => format!("{} d ago", seconds / 86_400),
    }
}

/// Formats a date as `2027-02-07`.
pub fn format_date(moment: Timestamp) -> String {
    let date = moment.to_offset(time::UtcOffset::UTC).date();
    format!("{:04}-{:02}-{:02}", date.year(), u8::from(date.month()), date.day())
}

/// Parses a date in the form of [`format_date`]; the result is the end of that day in UTC.
pub fn parse_date(text: &str) -> Option<Timestamp> {
    let format = time::macros::format_description!("[year]-[month]-[day]");
    let date = time::Date::parse(text.trim(), &format).ok()?;
    Some(date.with_time(time::Time::from_hms(23, 59, 59).ok()?).assume_utc())
}

/// Formats a number of bytes: `812 B`, `1.2 kB`, `10.0 MB`.
pub fn format_bytes(bytes: u64) -> String {
    let tenths = |unit: u64| format!("{}.{}", bytes / unit, bytes % unit * 10 / unit);
    match bytes {
        ..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{} kB", tenths(1_000)),
        _ => format!("{} MB", tenths(1_000_000)),
    }
}

/// Formats a duration: `41 ms`, `1.2 s`.
pub fn format_duration(time: Duration) -> String {
    match time.as_millis() {
        ms @ ..1_000 => format!("{ms} ms"),
        ms => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
    }
}

/// Returns the seconds left, rounded up, so that the last second is shown as 1.
pub fn whole_seconds_left(left: Duration) -> u64 {
    left.as_secs() + u64::from(left.subsec_nanos() > 0)
}

/// When a countdown to `until` shows another second; `None` once it has run out.
pub fn next_second_at(until: Instant, now: Instant) -> Option<Instant> {
    let left = until.checked_duration_since(now).filter(|left| !left.is_zero())?;
    let whole = Duration::from_secs(whole_seconds_left(left) - 1);
    Some(now + left.saturating_sub(whole))
}

/// Formats a lifetime in minutes or, when it is short, in seconds: `59 min`, `42 s`.
pub fn format_remaining(left: time::Duration) -> String {
    match left.whole_seconds() {
        seconds @ MIN_SECONDS_SHOWN_AS_MINUTES.. => format!("{} min", (seconds + 59) / 60),
        seconds => format!("{} s", seconds.max(0)),
    }
}

/// Returns the time until the text of [`format_remaining`] changes; `None` once it has run out.
pub fn remaining_text_changes_in(left: time::Duration) -> Option<Duration> {
    let seconds = left.whole_seconds();
    let step = match seconds {
        ..=0 => return None,
        MIN_SECONDS_SHOWN_AS_MINUTES.. => {
            ((seconds - 1) % 60 + 1).min(seconds - MIN_SECONDS_SHOWN_AS_MINUTES + 1)
        }
        _ => 1,
    };
    u64::try_from(step).ok().map(Duration::from_secs)
}

/// Formats the host and, unless it is the default one, the port of an origin.
pub fn host_and_port(origin: &Origin) -> String {
    let text = origin.to_string();
    text.split_once("://").map_or(text.as_str(), |(_, host)| host).to_owned()
}

/// Formats the API host of a region. In the demo, it is the host that the simulator stands in for.
pub fn region_host(region: &Region, catalog: &ProviderCatalog) -> String {
    catalog.simulated_host(region).map_or_else(
        || host_and_port(&region.api),
        |host| format!("{} (simulated)", host_and_port(host)),
    )
}

/// Formats a count with its noun: `1 credential`, `2 credentials`.
pub fn format_count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", format_number(number))
}

/// Formats a number with thousands separators: `10,000`.
pub fn format_number(number: usize) -> String {
    format_thousands(u64::try_from(number).unwrap_or(u64::MAX))
}

/// Formats a part of a total: `3 of 1,000`.
pub fn format_part(some: usize, all: usize) -> String {
    format!("{} of {}", format_number(some), format_number(all))
}

/// Returns the standard reason phrase of an HTTP status.
pub fn reason_phrase(code: u16) -> &'static str {
    match code {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        301 => "Moved Permanently",
        302 => "Found",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        409 => "Conflict",
        410 => "Gone",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Content",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_people_say_them() {
        assert_eq!(format_count(1, "credential"), "1 credential");
        assert_eq!(format_count(10_000, "credential"), "10,000 credentials");
        assert_eq!(
            [format_bytes(812), format_bytes(1_234), format_bytes(10_000_000)],
            ["812 B", "1.2 kB", "10.0 MB"]
        );
        assert_eq!(
            [
                format_duration(Duration::from_millis(41)),
                format_duration(Duration::from_millis(1_250))
            ],
            ["41 ms", "1.2 s"]
        );
        assert_eq!(whole_seconds_left(Duration::from_millis(1)), 1);
        assert_eq!(
            Origin::parse("http://127.0.0.1:8080").map(|origin| host_and_port(&origin)).as_deref(),
            Ok("127.0.0.1:8080")
        );
        assert_eq!(whole_seconds_left(Duration::from_secs(15)), 15);
    }

    #[test]
    fn a_lifetime_is_shown_in_minutes_until_it_ends_soon() {
        let left = time::Duration::seconds;
        let said =
            [3_600, 3_599, 121, 120, 119, 1, 0, -5].map(|seconds| format_remaining(left(seconds)));
        assert_eq!(said, ["60 min", "60 min", "3 min", "2 min", "119 s", "1 s", "0 s", "0 s"]);
        let now = Instant::now();
        for seconds in [3_600, 3_599, 121, 120, 119, 1] {
            let step = remaining_text_changes_in(left(seconds)).expect("it changes");
            let just_before = left(seconds) - step + time::Duration::SECOND;
            assert_eq!(
                format_remaining(left(seconds)),
                format_remaining(just_before),
                "{seconds}: not sooner"
            );
            assert_ne!(
                format_remaining(left(seconds)),
                format_remaining(left(seconds) - step),
                "{seconds}: not later"
            );
        }
        assert_eq!((remaining_text_changes_in(left(0)), next_second_at(now, now)), (None, None));
        assert_eq!(
            next_second_at(now + Duration::from_millis(2_300), now),
            Some(now + Duration::from_millis(300))
        );
    }

    #[test]
    fn a_day_is_read_as_it_is_written() {
        let end = parse_date("2027-02-07").expect("a day");
        assert_eq!(format_date(end), "2027-02-07");
        assert_eq!(parse_date("2027-02-30"), None);
        assert_eq!(parse_date("soon"), None);
    }

    #[test]
    fn ages_are_coarse() {
        let now = parse_date("2027-02-07").expect("a day");
        let words = |seconds| format_age(now - time::Duration::seconds(seconds), now);
        assert_eq!(
            [words(5), words(125), words(7_300), words(900_000)],
            ["just now", "2 min ago", "2 h ago", "10 d ago"]
        );
        assert_eq!(words(-5), "just now");
    }
}
