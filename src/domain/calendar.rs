//! iCalendar export of credential expiry dates (RFC 5545).
//!
//! Calendar programs read the text and remind the user. Only the text is produced here; the command
//! line writes it. Start at [`render_calendar`].

use std::fmt::Write as _;

use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{Duration, UtcOffset};

use super::{Credential, Timestamp};

/// Maximum length of a line in octets, without its line break.
const MAX_LINE_BYTES: usize = 75;

const TIMESTAMP_FORMAT: &[BorrowedFormatItem<'_>] =
    format_description!("[year][month][day]T[hour][minute][second]Z");

/// Renders a calendar with one event for every credential that expires, and a reminder `remind`
/// before each. The calendar contains no secret.
pub fn render_calendar(credentials: &[Credential], remind: Duration, now: Timestamp) -> String {
    let mut text = String::new();
    for line in [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//tokenring//credential expiry//EN",
        "X-WR-CALNAME:tokenring",
    ] {
        push_folded_line(&mut text, line);
    }
    for credential in credentials {
        if let Some(end) = credential.expires {
            for line in event_lines(credential, end, remind, now) {
                push_folded_line(&mut text, &line);
            }
        }
    }
    push_folded_line(&mut text, "END:VCALENDAR");
    text
}

fn event_lines(
    credential: &Credential,
    end: Timestamp,
    remind: Duration,
    now: Timestamp,
) -> Vec<String> {
    let Credential { id, name, provider, kind, region, .. } = credential;
    let summary = escape_value(&format!("{name} expires"));
    let about = escape_value(&format!(
        "{provider} {kind} in {region}\nRotate with: tokenring rotate \"{name}\""
    ));
    vec![
        "BEGIN:VEVENT".to_owned(),
        format!("UID:{id}@tokenring"),
        format!("DTSTAMP:{}", format_timestamp(now)),
        format!("DTSTART:{}", format_timestamp(end)),
        format!("SUMMARY:{summary}"),
        format!("DESCRIPTION:{about}"),
        "TRANSP:TRANSPARENT".to_owned(),
        "BEGIN:VALARM".to_owned(),
        "ACTION:DISPLAY".to_owned(),
        format!("TRIGGER:-PT{}M", remind.whole_minutes().max(0)),
        format!("DESCRIPTION:{summary}"),
        "END:VALARM".to_owned(),
        "END:VEVENT".to_owned(),
    ]
}

fn format_timestamp(moment: Timestamp) -> String {
    moment.to_offset(UtcOffset::UTC).format(TIMESTAMP_FORMAT).unwrap_or_default()
}

/// Escapes a text for use as a property value; control characters are dropped.
fn escape_value(text: &str) -> String {
    let mut value = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | ';' | ',' => value.extend(['\\', c]),
            '\n' => value.push_str("\\n"),
            c if c.is_control() => {}
            c => value.push(c),
        }
    }
    value
}

/// Appends a line and folds it where it exceeds [`MAX_LINE_BYTES`], never within a character.
fn push_folded_line(text: &mut String, line: &str) {
    let (mut rest, mut width) = (line, MAX_LINE_BYTES);
    while rest.len() > width {
        let end = (0..=width).rev().find(|end| rest.is_char_boundary(*end)).unwrap_or(width);
        let _ = write!(text, "{}\r\n ", &rest[..end]);
        // The space at the start of a folded line counts too.
        (rest, width) = (&rest[end..], MAX_LINE_BYTES - 1);
    }
    let _ = write!(text, "{rest}\r\n");
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use time::macros::datetime;

    use super::*;
    use crate::domain::{CredentialId, CredentialName};

    fn credential(name: &str, expires: Option<Timestamp>) -> Credential {
        Credential {
            id: CredentialId::from_random([7; 16]),
            name: CredentialName::parse(name).unwrap(),
            provider: "snyk".to_owned(),
            kind: "personal-access-token".to_owned(),
            region: "SNYK-EU-01".to_owned(),
            fields: BTreeMap::new(),
            labels: Vec::new(),
            created: datetime!(2026-11-01 0:00 UTC),
            expires,
            fingerprint: None,
            principal: None,
            scheme: None,
            last_check: None,
        }
    }

    const NOW: Timestamp = datetime!(2026-11-21 12:00:30 UTC);

    #[test]
    fn what_ends_is_an_event_with_a_reminder() {
        let all = [
            credential("laptop; mine, all", Some(datetime!(2027-02-07 01:00 +01:00))),
            credential("endless", None),
        ];
        let text = render_calendar(&all, Duration::days(14), NOW);
        let lines: Vec<_> = text.split("\r\n").collect();
        assert_eq!(lines.iter().filter(|line| **line == "BEGIN:VEVENT").count(), 1);
        for wanted in [
            "DTSTAMP:20261121T120030Z",
            "DTSTART:20270207T000000Z",
            "SUMMARY:laptop\\; mine\\, all expires",
            "TRIGGER:-PT20160M",
        ] {
            assert!(lines.contains(&wanted), "{wanted}: {text}");
        }
        assert!(text.starts_with("BEGIN:VCALENDAR\r\n") && text.ends_with("END:VCALENDAR\r\n"));
    }

    #[test]
    fn controls_are_no_part_of_a_value() {
        assert_eq!(escape_value("a\u{7}\tb\nc\\"), "ab\\nc\\\\");
    }

    #[test]
    fn a_line_that_just_fits_is_not_folded() {
        for (length, lines) in [
            (MAX_LINE_BYTES, 1),
            (MAX_LINE_BYTES + 1, 2),
            (2 * MAX_LINE_BYTES - 1, 2),
            (2 * MAX_LINE_BYTES, 3),
        ] {
            let mut text = String::new();
            push_folded_line(&mut text, &"x".repeat(length));
            assert_eq!(text.lines().count(), lines, "{length}: {text}");
        }
    }

    proptest! {
        #[test]
        fn lines_are_folded_and_unfold_to_what_they_were(line in "[a-zäöü日🔑 ]{0,300}") {
            let mut text = String::new();
            push_folded_line(&mut text, &line);
            prop_assert!(text.split("\r\n").all(|folded| folded.len() <= MAX_LINE_BYTES));
            prop_assert_eq!(text.replace("\r\n ", ""), format!("{line}\r\n"));
        }
    }
}
