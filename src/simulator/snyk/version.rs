//! Version negotiation: which release of an operation responds to a request with `version=…`.
//!
//! Errors of the REST API, written as JSON:API errors with the codes of the error catalog.

use std::fmt;

use axum::http::StatusCode;
use serde_json::json;
use time::macros::format_description;
use time::{Date, Duration};

use super::super::clock::{UnixMillis, format_rfc3339};
use super::super::deterministic;
use super::rest::JSON_API;
use crate::simulator::server::{SimulatorRequest, SimulatorResponse};

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

/// Error of a refused request.
pub(super) struct JsonApiError {
    pub(super) status: StatusCode,
    code: &'static str,
    title: &'static str,
    detail: String,
    /// Source of the error: `parameter` or `pointer`, and its name.
    source: Option<(&'static str, String)>,
}

impl JsonApiError {
    pub(super) fn new(status: StatusCode, title: &'static str, detail: &str) -> Self {
        Self { status, code: error_code(status), title, detail: detail.to_owned(), source: None }
    }

    pub(super) fn unauthenticated() -> Self {
        let detail =
            "Authentication error: credentials not recognized, or user access is not provisioned";
        Self::new(StatusCode::UNAUTHORIZED, "Authentication error", detail)
    }

    pub(super) fn forbidden(permission: &str) -> Self {
        let detail = format!("Permission denied for this resource: the token lacks {permission}");
        Self::new(StatusCode::FORBIDDEN, "Forbidden", &detail)
    }

    pub(super) fn not_found(what: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "Not Found",
            &format!("The requested {what} was not found"),
        )
    }

    pub(super) fn bad_request(detail: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "Bad request", detail)
    }

    pub(super) fn conflict(detail: &str) -> Self {
        Self::new(StatusCode::CONFLICT, "Conflict", detail)
    }

    pub(super) fn invalid_parameter(name: &str, detail: &str) -> Self {
        Self {
            source: Some(("parameter", name.to_owned())),
            ..Self::bad_request(&format!("{name}: {detail}"))
        }
    }

    pub(super) fn invalid_pointer(pointer: &str, detail: &str) -> Self {
        Self {
            source: Some(("pointer", pointer.to_owned())),
            ..Self::bad_request(&format!("{pointer} {detail}"))
        }
    }

    /// Returns the error catalog's entry for a status.
    pub(super) fn from_status(status: StatusCode) -> Self {
        match status {
            StatusCode::UNAUTHORIZED => Self::unauthenticated(),
            StatusCode::FORBIDDEN => Self::forbidden("access"),
            StatusCode::NOT_FOUND => Self::not_found("resource"),
            StatusCode::TOO_MANY_REQUESTS => {
                Self::new(status, "Service temporarily throttled", "Too many requests")
            }
            _ => Self::new(
                status,
                status.canonical_reason().unwrap_or("Error"),
                "The request could not be served",
            ),
        }
    }

    pub(super) fn into_response(self, request: &SimulatorRequest) -> SimulatorResponse {
        let mut error = json!({
            "id": deterministic::uuid(&format!("{}{}{}", request.path, request.instant.now, self.detail)),
            "status": self.status.as_str(), "code": self.code, "title": self.title, "detail": self.detail,
        });
        if let Some((kind, name)) = self.source {
            error["source"] = json!({kind: name});
        }
        if self.code.starts_with("SNYK-") {
            let about = format!(
                "https://docs.snyk.io/scan-with-snyk/error-catalog#{}",
                self.code.to_lowercase()
            );
            error["links"] = json!({"about": about});
            error["meta"] = json!({"isErrorCatalogError": true, "level": "error", "classification": "ACTIONABLE"});
        }
        SimulatorResponse::new(
            self.status,
            JSON_API,
            json!({"jsonapi": {"version": "1.0"}, "errors": [error]}).to_string(),
        )
    }
}

fn error_code(status: StatusCode) -> &'static str {
    match status.as_u16() {
        400 => "SNYK-0003",
        401 => "SNYK-0005",
        403 => "forbidden",
        404 => "entity-not-found",
        409 => "conflict",
        429 => "SNYK-0001",
        500 => "SNYK-9999",
        502 => "SNYK-0008",
        503 => "SNYK-0009",
        _ => "error",
    }
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
