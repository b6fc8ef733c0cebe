//! Formatting of counts, ages and expiry dates, shared by the screen and the command line.
//!
//! Plain functions from values to text. Rate-limit waiting times are formatted in
//! [`super::rate_limit`].

use time::Duration;

use super::Timestamp;

/// Remaining lifetime below which an expiry is worth a warning.
pub const EXPIRY_WARNING_PERIOD: Duration = Duration::days(14);

/// Formats a count with its noun: `1 page`, `30 pages`.
pub fn count_noun(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// Returns a noun with its indefinite article: `a keyring`, `an encrypted file`.
pub fn with_article(noun: &str) -> String {
    let article = if noun.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {noun}")
}

/// Returns a number of entries with the noun: `1 entry`, `2 entries`.
pub fn count_entries(number: u64) -> String {
    if number == 1 { "1 entry".to_owned() } else { format!("{number} entries") }
}

/// Formats a number with thousands separators: `1,620`.
pub fn format_thousands(number: u64) -> String {
    match number {
        0..1000 => number.to_string(),
        _ => format!("{},{:03}", format_thousands(number / 1000), number % 1000),
    }
}

/// Formats a span in its largest fitting unit: `12 d`, `3 h`, `2 min`, `now`.
pub fn format_span(span: Duration) -> String {
    let minutes = span.abs().whole_minutes();
    match minutes {
        0 => "now".to_owned(),
        1..60 => format!("{minutes} min"),
        60..2880 => format!("{} h", minutes / 60),
        _ => format!("{} d", minutes / 1440),
    }
}

/// Formats the expiry of a credential relative to `now`, such as `expired 3 d ago`.
pub fn format_expiry(expires: Option<Timestamp>, now: Timestamp) -> String {
    match expires {
        None => "–".to_owned(),
        Some(end) if end <= now => match format_span(now - end).as_str() {
            "now" => "expired just now".to_owned(),
            past => format!("expired {past} ago"),
        },
        Some(end) => format!("{} ({})", end.date(), format_span(end - now)),
    }
}

/// Whether a credential has expired or expires within [`EXPIRY_WARNING_PERIOD`].
pub fn expires_soon(expires: Option<Timestamp>, now: Timestamp) -> bool {
    expires.is_some_and(|end| end - now <= EXPIRY_WARNING_PERIOD)
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(
            [0, 999, 1000, 97_200, 1_002_003].map(format_thousands),
            ["0", "999", "1,000", "97,200", "1,002,003"]
        );
    }

    #[test]
    fn spans_take_the_largest_unit_that_fits() {
        assert_eq!(format_span(Duration::seconds(59)), "now");
        assert_eq!(format_span(Duration::minutes(2)), "2 min");
        assert_eq!(format_span(Duration::hours(47)), "47 h");
        assert_eq!(format_span(Duration::hours(48)), "2 d");
        assert_eq!(format_span(Duration::days(-5)), "5 d");
    }

    #[test]
    fn an_expiry_is_ahead_or_behind() {
        let now = datetime!(2026-11-21 12:00 UTC);
        assert_eq!(format_expiry(Some(datetime!(2026-12-03 12:00 UTC)), now), "2026-12-03 (12 d)");
        assert_eq!(format_expiry(Some(datetime!(2026-11-18 12:00 UTC)), now), "expired 3 d ago");
        assert!(expires_soon(Some(datetime!(2026-12-05 12:00 UTC)), now));
        assert!(!expires_soon(Some(datetime!(2026-12-05 12:01 UTC)), now));
        assert!(!expires_soon(None, now));
    }
}
