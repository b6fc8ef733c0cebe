//! Tests of the explanations of responses.

use proptest::prelude::*;
use time::macros::datetime;

use super::*;
use crate::domain::provider::builtin_catalog;

const NOW: Timestamp = datetime!(2026-11-21 12:00 UTC);

fn response(status: u16, body: &str) -> ApiResponse {
    ApiResponse { status, body: body.into(), ..ApiResponse::default() }
}

fn with_header(mut response: ApiResponse, name: &str, value: &str) -> ApiResponse {
    response.headers.push((name.to_owned(), value.to_owned()));
    response
}

fn hints() -> ExplanationContext {
    ExplanationContext::new(NOW)
}

fn explained(
    provider: &str,
    kind: &str,
    response: &ApiResponse,
    hints: &ExplanationContext,
) -> ResponseExplanation {
    let catalog = builtin_catalog();
    let region = catalog
        .regions(provider)
        .unwrap()
        .iter()
        .find(|region| region.id.contains("EU"))
        .map_or("X", |region| &region.id);
    explain(
        RequestContext { provider: catalog.provider(provider).unwrap(), kind, region },
        response,
        hints,
    )
}

fn pat(response: &ApiResponse, hints: &ExplanationContext) -> ResponseExplanation {
    explained("snyk", "personal-access-token", response, hints)
}

#[test]
fn accepted_is_accepted() {
    for status in [200, 201, 204] {
        let explanation = pat(&response(status, ""), &hints());
        assert_eq!((explanation.result, explanation.problem), (CheckResult::Accepted, None));
    }
}

#[test]
fn a_token_of_another_region_is_recognized_by_the_message_or_by_the_other_region() {
    let expected = "401: this token belongs to SNYK-US-01; you are asking SNYK-EU-01";
    let home = ExplanationContext { home_region: Some("SNYK-US-01".to_owned()), ..hints() };
    assert_eq!(pat(&response(401, ""), &home).reason, expected);
    let accepted = ExplanationContext { accepted_in: vec!["SNYK-US-01".to_owned()], ..hints() };
    let explanation = pat(&response(401, ""), &accepted);
    assert_eq!(explanation.reason, expected);
    let problem = explanation.problem.unwrap();
    assert!(problem.remedy.contains("SNYK-US-01") && problem.class == ProblemClass::Refused);
    let same = ExplanationContext { home_region: Some("snyk-eu-01".to_owned()), ..hints() };
    assert!(!pat(&response(401, ""), &same).reason.contains("belongs to"));
}

#[test]
fn an_expired_token_is_recognized_by_the_servers_clock() {
    let expires = Some(datetime!(2026-11-20 00:00 UTC));
    assert_eq!(
        pat(&response(401, ""), &ExplanationContext { expires, ..hints() }).reason,
        "401: this token expired on 2026-11-20"
    );
    let early = with_header(response(401, ""), "date", "Thu, 19 Nov 2026 00:00:00 GMT");
    assert!(!pat(&early, &ExplanationContext { expires, ..hints() }).reason.contains("expired on"));
}

#[test]
fn a_clock_that_is_wrong_here_is_named_where_it_matters() {
    let ahead = with_header(response(401, ""), "date", "Sat, 21 Nov 2026 10:00:00 GMT");
    let problem_for = |provider, kind, response: &ApiResponse| {
        explained(provider, kind, response, &hints()).problem.unwrap()
    };
    let problem = problem_for("snyk", "service-account-oauth", &ahead);
    assert!(
        problem.why.contains("The clock of this machine is 2 h ahead of the server's"),
        "{problem}"
    );
    assert!(problem.remedy.starts_with("Set this machine's clock"), "{problem}");
    assert!(!problem_for("snyk", "personal-access-token", &ahead).why.contains("clock"));
    let agreed = with_header(response(401, ""), "date", "Sat, 21 Nov 2026 11:59:00 GMT");
    assert!(!problem_for("snyk", "service-account-oauth", &agreed).why.contains("clock"));
}

#[test]
fn without_hints_a_refusal_names_what_may_be_the_reason() {
    let problem = pat(
        &response(401, r#"{"errors":[{"status":"401","detail":"Unauthorized\u001b[2J"}]}"#),
        &hints(),
    )
    .problem
    .unwrap();
    assert!(problem.why.contains("another region") && problem.why.contains("may"), "{problem}");
    assert!(
        problem.why.contains("Snyk says: Unauthorized") && !problem.why.contains('\u{1b}'),
        "{problem}"
    );
    let plan = explained("snyk", "personal-token", &response(401, ""), &hints()).problem.unwrap();
    assert!(plan.why.contains("free and team plans"), "{plan}");
}

#[test]
fn a_guard_in_front_is_no_refusal() {
    for (provider, kind, body) in [
        ("snyk-api-web", "api-key", "error code: 1010"),
        ("snyk-api-web", "api-key", "{\"title\":\"Error 1010: Access denied\"}"),
        ("snyk-api-web", "api-key", "<!DOCTYPE html><title>Access denied | Cloudflare</title>"),
        ("snyk", "personal-token", " <html>Blocked by policy</html>"),
    ] {
        let explanation = explained(provider, kind, &response(403, body), &hints());
        assert_eq!(explanation.result, CheckResult::Unknown, "{body}");
        assert_eq!(explanation.problem.unwrap().class, ProblemClass::Unknown);
    }
    let page = explained(
        "snyk",
        "personal-token",
        &response(200, "<!doctype html><title>Sign in</title>"),
        &hints(),
    );
    assert_eq!(
        page.result,
        CheckResult::Unknown,
        "a page is not a response of the API, whatever its status"
    );
    assert!(page.reason.contains("the response did not come from"), "{}", page.reason);
    let refused = explained(
        "snyk-api-web",
        "api-key",
        &response(403, r#"{"detail":"No permission."}"#),
        &hints(),
    );
    assert_eq!(refused.result, CheckResult::Refused);
}

#[test]
fn a_refresh_token_that_is_used_up_is_refused_though_the_status_is_400() {
    let explanation =
        explained("snyk-apps", "app", &response(400, r#"{"error":"invalid_grant"}"#), &hints());
    assert_eq!(explanation.result, CheckResult::Refused);
    assert!(explanation.problem.unwrap().remedy.contains("tokenring login"));
}

#[test]
fn limits_and_trouble_say_nothing_about_the_credential() {
    let limited = pat(&with_header(response(429, ""), "retry-after", "12"), &hints());
    assert_eq!(limited.reason, "429: Snyk rate limit exceeded; try again in 12 s");
    let quota = pat(&response(429, r#"{"errors":[{"code":"SNYK-0006"}]}"#), &hints());
    assert!(quota.reason.contains("test quota"));
    let trouble = pat(&with_header(response(502, ""), "snyk-request-id", "r-1"), &hints());
    assert!(trouble.problem.as_ref().unwrap().remedy.contains("r-1"));
    for explanation in [limited, quota, trouble, pat(&response(404, ""), &hints())] {
        assert_eq!(explanation.result, CheckResult::Unknown);
    }
}

/// Explains a response of a provider that has no status table.
fn of_unknown_provider(response: &ApiResponse) -> ResponseExplanation {
    let catalog = builtin_catalog();
    let provider = Provider { statuses: Vec::new(), ..catalog.provider("snyk").unwrap().clone() };
    explain(
        RequestContext { provider: &provider, kind: "personal-token", region: "SNYK-EU-01" },
        response,
        &hints(),
    )
}

#[test]
fn every_status_has_words_of_its_own_even_where_nothing_is_known_of_the_provider() {
    for (status, result, text) in [
        (302, CheckResult::Unknown, "redirects"),
        (401, CheckResult::Refused, "refused the credential"),
        (403, CheckResult::Refused, "denied the request"),
        (407, CheckResult::Unknown, "The proxy requires a password"),
        (429, CheckResult::Unknown, "reports too many requests"),
        (404, CheckResult::Unknown, "rejected the request"),
        (503, CheckResult::Unknown, "reports a server error"),
    ] {
        let explanation = of_unknown_provider(&response(status, ""));
        assert_eq!(explanation.result, result, "{status}");
        assert!(explanation.problem.unwrap().what.contains(text), "{status}");
    }
    let page = with_header(response(407, "<html>"), "content-type", "text/html");
    assert!(
        of_unknown_provider(&page).problem.unwrap().what.contains("The proxy requires a password")
    );
}

#[test]
fn a_redirect_that_was_not_followed_says_where_it_leads_and_why() {
    for (status, location, what, why) in [
        (
            307,
            Some("/rest/other"),
            "redirects to /rest/other on the same host",
            "Only GET and HEAD",
        ),
        (
            302,
            Some("https://api.example:443/x"),
            "redirects to /x on the same host",
            "Only GET and HEAD",
        ),
        (
            308,
            Some("//other.example/x"),
            "redirects to another origin, https://other.example",
            "Only GET",
        ),
        (300, Some("/choice"), "on the same host", "leaves the choice"),
        (302, None, "redirects", "no location header"),
    ] {
        let mut response = response(status, "");
        response.url = "https://api.example/rest/self".to_owned();
        let response = match location {
            Some(location) => with_header(response, "location", location),
            None => response,
        };
        let problem = of_unknown_provider(&response).problem.unwrap();
        assert!(problem.what.contains(what) && problem.why.contains(why), "{problem}");
    }
    let unmodified = of_unknown_provider(&response(304, ""));
    assert_eq!((unmodified.result, unmodified.problem), (CheckResult::Accepted, None));
}

#[test]
fn what_arrived_instead_is_named_and_so_is_a_method_that_is_not_allowed() {
    for (body, named) in [
        ("<html>Blocked by policy</html>", "A web page arrived"),
        ("<?xml version=\"1.0\"?><Error>AccessDenied</Error>", "XML arrived"),
        ("error code: 1010", "Text that is not JSON arrived"),
    ] {
        let problem = pat(&response(403, body), &hints()).problem.unwrap();
        assert!(problem.why.starts_with(named), "{body}: {problem}");
    }
    let refused = with_header(response(405, ""), "allow", "GET, HEAD\u{9b}2J");
    let problem = pat(&refused, &hints()).problem.unwrap();
    assert!(problem.what.contains("does not allow the method"), "{problem}");
    assert!(problem.why.contains("GET, HEAD") && !problem.why.contains('\u{9b}'), "{problem}");
    assert!(pat(&response(405, ""), &hints()).problem.unwrap().why.contains("not for this method"));
}

#[test]
fn xml_is_no_page() {
    let page = |media: &str, body: &str| {
        let page = with_header(response(200, body), "content-type", media);
        is_web_page(&page)
    };
    assert!(!page("application/xml", "<?xml version=\"1.0\"?><list/>"));
    assert!(!page("image/svg+xml", "<svg/>"));
    assert!(page("text/html; charset=utf-8", "<p>Sign in"));
    assert!(page("text/plain", " \n<!DOCTYPE html><title>Sign in</title>"));
    assert!(is_web_page(&response(200, "<html lang=\"en\">")));
    assert!(!is_web_page(&response(200, "<list/>")));
}

proptest! {
    #[test]
    fn every_answer_has_words_and_no_secret_in_them(status in 100u16..1000, body in "\\PC{0,60}", provider in 0usize..4, secret in "[a-z0-9]{8}\\.[A-Za-z0-9]{10}\\.[A-Za-z0-9]{10}") {
        let catalog = builtin_catalog();
        let provider = catalog.providers().nth(provider).unwrap();
        for body in [body.clone(), serde_json::json!({ "message": format!("no snyk_uat.{secret} here") }).to_string()] {
            for kind in provider.kinds.iter() {
                let explanation = explain(RequestContext { provider, kind: &kind.id, region: "R" }, &response(status, &body), &hints());
                let beginning = format!("{status}: ");
                prop_assert!(explanation.reason.starts_with(&beginning));
                prop_assert_eq!(explanation.problem.is_none(), explanation.result == CheckResult::Accepted);
                if let Some(problem) = explanation.problem {
                    prop_assert!(!problem.what.is_empty() && !problem.why.is_empty() && !problem.remedy.is_empty());
                    prop_assert!(!problem.to_string().contains(&secret), "{}", problem);
                }
            }
        }
    }
}
