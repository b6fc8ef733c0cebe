//! Version negotiation: which release of an operation responds to a request with `version=…`.

use std::fmt;

use time::macros::format_description;
use time::{Date, Duration};

use super::super::clock::{UnixMillis, format_rfc3339};

/// Stability of a release, in the documented order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum ReleaseStability {
    Wip,
    Experimental,
    Beta,
    Ga,
}

/// A date with a stability, such as `2023-01-30~beta`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ApiVersion {
    date: String,
    stability: ReleaseStability,
}

/// The release that responds, and its deprecation.
pub(super) struct ServedVersion {
    pub(super) version: ApiVersion,
    /// The release that replaced this one.
    successor: Option<ApiVersion>,
}

impl ApiVersion {
    /// Parses a requested version; a bare stability means today.
    pub(super) fn parse(text: &str, now: UnixMillis) -> Option<Self> {
        if let Some(stability) = parse_stability(text) {
            return Some(Self { date: format_rfc3339(now)[..10].to_owned(), stability });
        }
        let (date, stability) = match text.split_once('~') {
            Some((date, name)) => (date, parse_stability(name)?),
            None => (text, ReleaseStability::Ga),
        };
        parse_date(date).map(|_| Self { date: date.to_owned(), stability })
    }

    /// Returns the newest of `releases` (oldest first) on or before this date, at this stability or
    /// a higher one.
    pub(super) fn resolve(&self, releases: &[&str]) -> Option<ServedVersion> {
        let releases: Vec<Self> = releases.iter().filter_map(|text| Self::parse(text, 0)).collect();
        let index = releases.iter().rposition(|release| {
            release.date <= self.date && release.stability >= self.stability
        })?;
        Some(ServedVersion {
            version: releases[index].clone(),
            successor: releases.get(index + 1).cloned(),
        })
    }
}

impl ServedVersion {
    /// Returns the lifecycle stage for the header of that name.
    pub(super) fn lifecycle_stage(&self) -> &'static str {
        match (&self.successor, self.version.stability) {
            (Some(_), _) => "deprecated",
            (None, ReleaseStability::Ga) => "ga",
            (None, ReleaseStability::Beta) => "beta",
            (None, ReleaseStability::Experimental) => "experimental",
            (None, ReleaseStability::Wip) => "wip",
        }
    }

    /// Returns the deprecation and removal dates, for the headers `deprecation` and `sunset`.
    pub(super) fn deprecation_dates(&self) -> Option<(String, String)> {
        let replaced = &self.successor.as_ref()?.date;
        let sunset = parse_date(replaced)?.checked_add(Duration::days(180))?;
        Some((format!("{replaced}T00:00:00Z"), sunset.to_string()))
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.date)?;
        match self.stability {
            ReleaseStability::Ga => Ok(()),
            ReleaseStability::Beta => out.write_str("~beta"),
            ReleaseStability::Experimental => out.write_str("~experimental"),
            ReleaseStability::Wip => out.write_str("~wip"),
        }
    }
}

fn parse_stability(name: &str) -> Option<ReleaseStability> {
    match name {
        "wip" | "work-in-progress" => Some(ReleaseStability::Wip),
        "experimental" => Some(ReleaseStability::Experimental),
        "beta" => Some(ReleaseStability::Beta),
        _ => None,
    }
}

fn parse_date(text: &str) -> Option<Date> {
    Date::parse(text, format_description!("[year]-[month]-[day]")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RELEASES: [&str; 3] = ["2023-05-29", "2024-02-28", "2024-10-15~beta"];

    fn served(requested: &str) -> Option<(String, &'static str)> {
        let served = ApiVersion::parse(requested, 0).expect("a version").resolve(&RELEASES)?;
        Some((served.version.to_string(), served.lifecycle_stage()))
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
        assert_eq!(
            served("2024-03-01~experimental").map(|(version, _)| version),
            Some("2024-02-28".into())
        );
    }

    #[test]
    fn what_is_no_version_is_not_read() {
        for text in ["", "latest", "2024-13-01", "2024-1-1", "2024-10-15~ga", "2024-10-15~"] {
            assert_eq!(ApiVersion::parse(text, 0), None, "{text}");
        }
    }
}
