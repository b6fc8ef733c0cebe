//! The ends of credentials as a calendar (RFC 5545), for programs that remind people.

use std::fmt::Write as _;

use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{Duration, UtcOffset};

use super::{Credential, Moment};

/// The longest line in octets, its break not counted.
const WIDTH: usize = 75;

const STAMP: &[BorrowedFormatItem<'_>] = format_description!("[year][month][day]T[hour][minute][second]Z");

/// A calendar with an event for every credential that ends, and a reminder so long before each. Nothing in it is secret.
pub fn calendar(credentials: &[Credential], remind: Duration, now: Moment) -> String {
    let mut text = String::new();
    for line in ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//tokenring//ends of credentials//EN", "X-WR-CALNAME:tokenring"] {
        push(&mut text, line);
    }
    for credential in credentials {
        if let Some(end) = credential.expires {
            for line in event(credential, end, remind, now) {
                push(&mut text, &line);
            }
        }
    }
    push(&mut text, "END:VCALENDAR");
    text
}

fn event(credential: &Credential, end: Moment, remind: Duration, now: Moment) -> Vec<String> {
    let Credential { id, name, provider, kind, region, .. } = credential;
    let summary = escaped(&format!("{name} ends"));
    let about = escaped(&format!("{provider} {kind} in {region}\nReplace it with: tokenring rotate \"{name}\""));
    vec![
        "BEGIN:VEVENT".to_owned(),
        format!("UID:{id}@tokenring"),
        format!("DTSTAMP:{}", stamp(now)),
        format!("DTSTART:{}", stamp(end)),
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

fn stamp(moment: Moment) -> String {
    moment.to_offset(UtcOffset::UTC).format(STAMP).unwrap_or_default()
}

/// A text as a value: what separates values is escaped, and controls go.
fn escaped(text: &str) -> String {
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

/// Adds a line, folded where it is longer than a line may be, and never within a character.
fn push(text: &mut String, line: &str) {
    let (mut rest, mut width) = (line, WIDTH);
    while rest.len() > width {
        let end = (0..=width).rev().find(|end| rest.is_char_boundary(*end)).unwrap_or(width);
        let _ = write!(text, "{}\r\n ", &rest[..end]);
        // The blank that a folded line begins with counts.
        (rest, width) = (&rest[end..], WIDTH - 1);
    }
    let _ = write!(text, "{rest}\r\n");
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use time::macros::datetime;

    use super::*;
    use crate::domain::{CredentialId, Name};

    fn credential(name: &str, expires: Option<Moment>) -> Credential {
        Credential {
            id: CredentialId::from_random([7; 16]),
            name: Name::parse(name).unwrap(),
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

    const NOW: Moment = datetime!(2026-11-21 12:00:30 UTC);

    #[test]
    fn what_ends_is_an_event_with_a_reminder() {
        let all = [credential("laptop; mine, all", Some(datetime!(2027-02-07 01:00 +01:00))), credential("endless", None)];
        let text = calendar(&all, Duration::days(14), NOW);
        let lines: Vec<_> = text.split("\r\n").collect();
        assert_eq!(lines.iter().filter(|line| **line == "BEGIN:VEVENT").count(), 1);
        for wanted in
            ["DTSTAMP:20261121T120030Z", "DTSTART:20270207T000000Z", "SUMMARY:laptop\\; mine\\, all ends", "TRIGGER:-PT20160M"]
        {
            assert!(lines.contains(&wanted), "{wanted}: {text}");
        }
        assert!(text.starts_with("BEGIN:VCALENDAR\r\n") && text.ends_with("END:VCALENDAR\r\n"));
    }

    #[test]
    fn controls_are_no_part_of_a_value() {
        assert_eq!(escaped("a\u{7}\tb\nc\\"), "ab\\nc\\\\");
    }

    #[test]
    fn a_line_that_just_fits_is_not_folded() {
        for (length, lines) in [(WIDTH, 1), (WIDTH + 1, 2), (2 * WIDTH - 1, 2), (2 * WIDTH, 3)] {
            let mut text = String::new();
            push(&mut text, &"x".repeat(length));
            assert_eq!(text.lines().count(), lines, "{length}: {text}");
        }
    }

    proptest! {
        #[test]
        fn lines_are_folded_and_unfold_to_what_they_were(line in "[a-zäöü日🔑 ]{0,300}") {
            let mut text = String::new();
            push(&mut text, &line);
            prop_assert!(text.split("\r\n").all(|folded| folded.len() <= WIDTH));
            prop_assert_eq!(text.replace("\r\n ", ""), format!("{line}\r\n"));
        }
    }
}
