//! Errors of the REST API, written as JSON:API errors with the codes of the error catalog.

use axum::http::StatusCode;
use serde_json::json;

use super::super::deterministic;
use super::super::http_service::{SimulatorRequest, SimulatorResponse};
use super::rest::JSON_API;

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
