//! Version negotiation: which release of an operation answers a request for `version=…`.

use std::fmt;

use time::macros::format_description;
use time::{Date, Duration};

use super::super::clock::{Millis, rfc3339};

/// How finished a release is; the order is the documented one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stability {
    Wip,
    Experimental,
    Beta,
    Ga,
}

/// A date with a stability, as `2023-01-30~beta`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Version {
    date: String,
    stability: Stability,
}

/// What answers, and how long it still will.
pub(super) struct Served {
    pub(super) version: Version,
    /// The release that replaced this one.
    successor: Option<Version>,
}

impl Version {
    /// Reads what a client asks for; a bare stability means today.
    pub(super) fn parse(text: &str, now: Millis) -> Option<Self> {
        if let Some(stability) = stability(text) {
            return Some(Self { date: rfc3339(now)[..10].to_owned(), stability });
        }
        let (date, stability) = match text.split_once('~') {
            Some((date, name)) => (date, stability(name)?),
            None => (text, Stability::Ga),
        };
        read_date(date).map(|_| Self { date: date.to_owned(), stability })
    }

    /// The newest of `releases` (oldest first) on or before this date, at this stability or a higher one.
    pub(super) fn resolve(&self, releases: &[&str]) -> Option<Served> {
        let releases: Vec<Self> = releases.iter().filter_map(|text| Self::parse(text, 0)).collect();
        let place = releases.iter().rposition(|release| release.date <= self.date && release.stability >= self.stability)?;
        Some(Served { version: releases[place].clone(), successor: releases.get(place + 1).cloned() })
    }
}

impl Served {
    /// The lifecycle stage, as the header of that name says it.
    pub(super) fn stage(&self) -> &'static str {
        match (&self.successor, self.version.stability) {
            (Some(_), _) => "deprecated",
            (None, Stability::Ga) => "ga",
            (None, Stability::Beta) => "beta",
            (None, Stability::Experimental) => "experimental",
            (None, Stability::Wip) => "wip",
        }
    }

    /// Since when the release is deprecated and when it goes, for the headers `deprecation` and `sunset`.
    pub(super) fn farewell(&self) -> Option<(String, String)> {
        let replaced = &self.successor.as_ref()?.date;
        let sunset = read_date(replaced)?.checked_add(Duration::days(180))?;
        Some((format!("{replaced}T00:00:00Z"), sunset.to_string()))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.date)?;
        match self.stability {
            Stability::Ga => Ok(()),
            Stability::Beta => out.write_str("~beta"),
            Stability::Experimental => out.write_str("~experimental"),
            Stability::Wip => out.write_str("~wip"),
        }
    }
}

fn stability(name: &str) -> Option<Stability> {
    match name {
        "wip" | "work-in-progress" => Some(Stability::Wip),
        "experimental" => Some(Stability::Experimental),
        "beta" => Some(Stability::Beta),
        _ => None,
    }
}

fn read_date(text: &str) -> Option<Date> {
    Date::parse(text, format_description!("[year]-[month]-[day]")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RELEASES: [&str; 3] = ["2023-05-29", "2024-02-28", "2024-10-15~beta"];

    fn served(asked: &str) -> Option<(String, &'static str)> {
        let served = Version::parse(asked, 0).expect("a version").resolve(&RELEASES)?;
        Some((served.version.to_string(), served.stage()))
    }

    #[test]
    fn the_newest_release_on_or_before_the_date_answers() {
        assert_eq!(served("2024-02-27"), Some(("2023-05-29".into(), "deprecated")));
        assert_eq!(served("2024-02-28").map(|(version, _)| version), Some("2024-02-28".into()));
        assert_eq!(served("2020-01-01"), None);
    }

    #[test]
    fn a_lower_stability_is_served_only_to_who_asks() {
        assert_eq!(served("2025-01-01").map(|(version, _)| version), Some("2024-02-28".into()));
        assert_eq!(served("2025-01-01~beta"), Some(("2024-10-15~beta".into(), "beta")));
        assert_eq!(served("2024-03-01~experimental").map(|(version, _)| version), Some("2024-02-28".into()));
    }

    #[test]
    fn what_is_no_version_is_not_read() {
        for text in ["", "latest", "2024-13-01", "2024-1-1", "2024-10-15~ga", "2024-10-15~"] {
            assert_eq!(Version::parse(text, 0), None, "{text}");
        }
    }
}
