//! Judgement of a credential by the response to a request that it authorized.
//!
//! Most responses say something about the request and not about the credential. Start at
//! [`AuthorizedRequest::judge_credential`].

use super::explain::{RequestContext, ResponseSource, check_result, response_source};
use super::refusal::untried_scheme;
use crate::domain::request::{HttpMethod, RequestDraft};
use crate::domain::response::{ApiResponse, CheckResult};

/// Number of bytes of a body that tell what it is.
const MAX_START_BYTES: usize = 1024;

/// Request that a credential authorized, as far as the judgement depends on it.
#[derive(Debug, Clone, Copy)]
pub struct AuthorizedRequest<'a> {
    /// Provider, kind and region of the request.
    pub context: RequestContext<'a>,
    /// Request that was sent.
    pub draft: &'a RequestDraft,
    /// Path of the URL.
    pub path: &'a str,
    /// Whether it is the request that shows whether a credential of its kind works.
    pub is_check: bool,
    /// Authorization schemes that were tried.
    pub schemes: &'a [String],
    /// Whether the credential's authorization scheme has worked before.
    pub scheme_is_known: bool,
}

impl AuthorizedRequest<'_> {
    /// Returns what a response says about the credential: accepted, refused, or `None` for nothing.
    ///
    /// A check says all that its status means. Any other request shows that the credential is
    /// accepted where it succeeds on a path that needs a credential. Only a 401 in the provider's
    /// own form shows a refusal, and not that to a request that changes something: access tokens
    /// that have run out are not replaced there, and some endpoints respond with 401 to a kind of
    /// token that they do not support. A missing permission (403) or resource (404) is about the
    /// request.
    pub fn judge_credential(&self, response: &ApiResponse) -> Option<CheckResult> {
        if response_source(self.context.provider, response) != ResponseSource::Provider {
            return None;
        }
        let result = check_result(self.context, response);
        if self.is_check {
            let conclusive = matches!(result, CheckResult::Accepted | CheckResult::Refused);
            return Some(result).filter(|_| conclusive && is_api_body(response));
        }
        match response.status {
            200..300 if self.needs_credential() && is_api_body(response) => {
                Some(CheckResult::Accepted)
            }
            401 if self.draft.is_safe() && self.all_schemes_tried() => {
                Some(result).filter(|result| *result == CheckResult::Refused)
            }
            _ => None,
        }
    }

    /// Whether the request succeeds only with a valid credential. `OPTIONS` is often allowed for
    /// everyone.
    fn needs_credential(&self) -> bool {
        let public = &self.context.provider.public_paths;
        self.draft.method != HttpMethod::Options
            && !public.iter().any(|prefix| self.path.starts_with(prefix))
    }

    fn all_schemes_tried(&self) -> bool {
        let kind = self.context.provider.kind(self.context.kind);
        self.scheme_is_known || kind.is_none_or(|kind| untried_scheme(kind, self.schemes).is_none())
    }
}

/// Whether the body is one that an API sends: JSON, or none.
pub fn is_api_body(response: &ApiResponse) -> bool {
    if response.body.is_empty() {
        return true;
    }
    let declared = response.header("content-type").is_some_and(|kind| kind.contains("json"));
    let start = response.body.text_start(MAX_START_BYTES);
    start.is_some_and(|start| declared || start.trim_start().starts_with(['{', '[']))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::provider::builtin_catalog;
    use crate::domain::request::RequestTarget;

    struct Case {
        provider: &'static str,
        kind: &'static str,
        method: HttpMethod,
        path: &'static str,
        is_check: bool,
    }

    const CONSOLE: Case = Case {
        provider: "snyk",
        kind: "personal-access-token",
        method: HttpMethod::Get,
        path: "/rest/orgs",
        is_check: false,
    };

    fn judged(case: &Case, status: u16, body: &str) -> Option<CheckResult> {
        let catalog = builtin_catalog();
        let provider = catalog.provider(case.provider).unwrap();
        let draft = RequestDraft::new(case.method, RequestTarget::parse(case.path).unwrap());
        let response = ApiResponse { status, body: body.into(), ..ApiResponse::default() };
        let schemes = ["token", "Bearer"].map(str::to_owned);
        let request = AuthorizedRequest {
            context: RequestContext { provider, kind: case.kind, region: "SNYK-EU-01" },
            draft: &draft,
            path: case.path,
            is_check: case.is_check,
            schemes: &schemes,
            scheme_is_known: false,
        };
        request.judge_credential(&response)
    }

    #[test]
    fn a_request_shows_what_its_success_and_its_401_show() {
        const ERROR: &str = r#"{"errors":[{"status":"401"}]}"#;
        const PAGE: &str = "<!doctype html><title>Sign in</title>";
        use CheckResult::{Accepted, Refused};
        let check = || Case { path: "/rest/self", is_check: true, ..CONSOLE };
        let write = || Case { method: HttpMethod::Post, ..CONSOLE };
        let public = || Case { path: "/rest/openapi", ..CONSOLE };
        let options = || Case { method: HttpMethod::Options, ..CONSOLE };
        for (name, case, status, body, expected) in [
            ("success", CONSOLE, 200, r#"{"data":[]}"#, Some(Accepted)),
            ("no content", CONSOLE, 204, "", Some(Accepted)),
            ("a write", write(), 201, "{}", Some(Accepted)),
            ("refusal", CONSOLE, 401, ERROR, Some(Refused)),
            ("refusal without a body", CONSOLE, 401, "", Some(Refused)),
            ("a refused write", write(), 401, ERROR, None),
            ("permission", CONSOLE, 403, "{}", None),
            ("missing", CONSOLE, 404, "{}", None),
            ("limit", CONSOLE, 429, "{}", None),
            ("trouble", CONSOLE, 503, "{}", None),
            ("public path", public(), 200, "[]", None),
            ("options", options(), 204, "", None),
            ("a page", CONSOLE, 200, PAGE, None),
            ("a page that refuses", CONSOLE, 401, PAGE, None),
            ("a text that refuses", CONSOLE, 401, "proxy: denied", None),
            ("an export", CONSOLE, 200, "id,name", None),
            ("check", check(), 200, "{}", Some(Accepted)),
            ("check without permission", check(), 403, "{}", Some(Refused)),
            ("check of a page", check(), 200, PAGE, None),
            ("check of a text", check(), 200, "welcome", None),
            ("check in trouble", check(), 503, "{}", None),
        ] {
            assert_eq!(judged(&case, status, body), expected, "{name}");
        }
    }

    #[test]
    fn a_refusal_counts_only_where_every_scheme_was_tried() {
        let catalog = builtin_catalog();
        let draft = RequestDraft::new(HttpMethod::Get, RequestTarget::parse("/rest/orgs").unwrap());
        let refused = ApiResponse { status: 401, ..ApiResponse::default() };
        let schemes = ["token".to_owned()];
        let request = AuthorizedRequest {
            context: RequestContext {
                provider: catalog.provider("snyk").unwrap(),
                kind: "service-account-token",
                region: "SNYK-EU-01",
            },
            draft: &draft,
            path: "/rest/orgs",
            is_check: false,
            schemes: &schemes,
            scheme_is_known: false,
        };
        assert_eq!(request.judge_credential(&refused), None, "Bearer was not tried");
        let known = AuthorizedRequest { scheme_is_known: true, ..request };
        assert_eq!(known.judge_credential(&refused), Some(CheckResult::Refused));
    }

    #[test]
    fn a_provider_with_refusals_of_any_form_may_refuse_with_a_text() {
        let appcircle = Case { provider: "appcircle", kind: "api-key", ..CONSOLE };
        assert_eq!(judged(&appcircle, 401, "Unauthorized"), Some(CheckResult::Refused));
        assert_eq!(judged(&appcircle, 401, "<html>Sign in</html>"), None);
    }
}
