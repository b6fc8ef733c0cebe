//! Explanation of a response: what it says about the credential, why, and what to do.
//!
//! A status alone is often misread: a token of another region looks like an invalid token, and a
//! firewall in front of the provider looks like a refusal. Facts from outside the response (the
//! hints) therefore come first, then the provider's own table of status meanings, then the general
//! meaning of the status. Start at [`explain`]; the full list of possible causes is in
//! [`super::refusal`].

use super::judgement::is_api_body;
use super::refusal::{clock_skew, describe_clock_skew};
use crate::domain::Timestamp;
use crate::domain::problem::{Problem, ProblemClass};
use crate::domain::provider::{Provider, StatusRule};
use crate::domain::rate_limit::{self, RateLimit};
use crate::domain::redact::patterns;
use crate::domain::response::{ApiResponse, CheckResult, error_message};
use crate::domain::text::sanitize_line;

/// Maximum number of characters quoted from a server's own message.
const MAX_QUOTED_CHARS: usize = 200;

/// Number of bytes in which a web page says that it is one.
const MAX_PAGE_START_BYTES: usize = 1024;

/// Maximum number of bytes of a body that are searched for what it says.
const MAX_READ_BYTES: usize = 1 << 20;

/// Provider, kind and region of a request.
#[derive(Debug, Clone, Copy)]
pub struct RequestContext<'a> {
    /// Provider of the credential.
    pub provider: &'a Provider,
    /// ID of the credential's kind.
    pub kind: &'a str,
    /// ID of the region that received the request.
    pub region: &'a str,
}

/// Facts about a credential that a response does not contain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExplanationContext {
    /// Region that the secret itself names.
    pub home_region: Option<String>,
    /// Other regions that have accepted the credential.
    pub accepted_in: Vec<String>,
    /// Other regions that have refused the credential.
    pub refused_in: Vec<String>,
    /// Other regions where the credential was never tried.
    pub untried_in: Vec<String>,
    /// Time at which the credential expires, if known.
    pub expires: Option<Timestamp>,
    /// Unexpected characters around the stored secret; `None` where the secret could not be read.
    pub secret_anomalies: Option<Vec<String>>,
    /// Whether the authorization scheme has worked before.
    pub scheme_worked_before: bool,
    /// Current time on this machine.
    pub now: Timestamp,
}

/// Sender of a response, as far as the response shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResponseSource {
    /// The provider, or nothing shows otherwise.
    Provider,
    /// A proxy, a firewall, the sign-in page of a network, or the target of a redirect.
    Intermediary,
}

/// Explanation of a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponseExplanation {
    /// Sender of the response. What an intermediary sends says nothing about the credential.
    pub source: ResponseSource,
    /// Check result for the credential.
    pub result: CheckResult,
    /// Check result in one line that starts with the status.
    pub reason: String,
    /// What happened, why, and what to do; `None` where the credential was accepted.
    pub problem: Option<Problem>,
}

impl ExplanationContext {
    /// Creates a context that contains only the current time.
    pub fn new(now: Timestamp) -> Self {
        let (accepted_in, refused_in, unasked) = (Vec::new(), Vec::new(), Vec::new());
        Self {
            home_region: None,
            accepted_in,
            refused_in,
            untried_in: unasked,
            expires: None,
            secret_anomalies: None,
            scheme_worked_before: false,
            now,
        }
    }
}

/// Derives the check result from a response.
pub fn check_result(context: RequestContext<'_>, response: &ApiResponse) -> CheckResult {
    if response_source(context.provider, response) == ResponseSource::Intermediary {
        return CheckResult::Unknown;
    }
    find_status_rule(context, response)
        .map_or_else(|| result_for_status(response.status), |rule| rule.result)
}

/// Explains a response. The server's own message is quoted, so the caller must remove known secrets
/// from the response first.
pub fn explain(
    context: RequestContext<'_>,
    response: &ApiResponse,
    hints: &ExplanationContext,
) -> ResponseExplanation {
    let (source, result) =
        (response_source(context.provider, response), check_result(context, response));
    if result == CheckResult::Accepted {
        return ResponseExplanation {
            source,
            result,
            reason: format!("{}: accepted", response.status),
            problem: None,
        };
    }
    let text =
        if result == CheckResult::Refused { refusal_text(context, response, hints) } else { None };
    let text = text.unwrap_or_else(|| generic_text(context, response));
    let limit = RateLimit::from_response(response, hints.now);
    let wait = limit
        .wait_time()
        .filter(|_| matches!(response.status, 429 | 503))
        .map(rate_limit::format_wait);
    let text = if result == CheckResult::Refused {
        with_clock_skew(context, response, hints, text)
    } else {
        text
    };
    let why = match server_message(response) {
        Some(message) => format!("{}. {} says: {message}", text.why, context.provider.title),
        None => text.why,
    };
    let remedy = wait
        .as_ref()
        .map_or(text.remedy.clone(), |wait| format!("Try again in {wait}. {}", text.remedy));
    let reason = format!(
        "{}: {}{}",
        response.status,
        uncapitalize(&text.what),
        wait.map(|wait| format!("; try again in {wait}")).unwrap_or_default()
    );
    let problem = Problem::new(format!("{}: {}", response.status, text.what), why, remedy)
        .with_class(problem_class(source, result, response.status));
    ResponseExplanation { source, result, reason, problem: Some(problem) }
}

/// Explains a response from a server that a redirect led to and that did not receive the secret.
/// Whatever it contains, it says nothing about the credential.
pub fn explain_unsafe_redirect(
    context: RequestContext<'_>,
    status: u16,
    host: &str,
) -> ResponseExplanation {
    let (title, host) = (&context.provider.title, sanitize_line(host));
    let why = format!(
        "{title} redirected the request to {host}, which belongs to no region; the request went there without the secret"
    );
    let remedy =
        "Check the region's address, or send the request to that host directly if you trust it";
    ResponseExplanation {
        source: ResponseSource::Intermediary,
        result: CheckResult::Unknown,
        reason: format!("{status}: {host} responded instead of {title}"),
        problem: Some(
            Problem::new(format!("{status}: {host} responded instead of {title}"), why, remedy)
                .with_class(ProblemClass::Unknown),
        ),
    }
}

/// Returns the problem of a check that succeeded with a text that no API sends.
pub fn foreign_text_problem(provider: &Provider, response: &ApiResponse) -> Problem {
    let ProblemText { what, why, remedy } = foreign_text(provider, response);
    Problem::new(format!("{}: {what}", response.status), why, remedy)
        .with_class(ProblemClass::Unknown)
}

/// What happened, why, and what to do.
struct ProblemText {
    what: String,
    why: String,
    remedy: String,
}

/// Returns a specific text for a refusal where the hints explain more than the status does.
fn refusal_text(
    context: RequestContext<'_>,
    response: &ApiResponse,
    hints: &ExplanationContext,
) -> Option<ProblemText> {
    if response.status != 401 {
        return None;
    }
    wrong_region_text(context, hints).or_else(|| expired_text(context, response, hints))
}

fn wrong_region_text(
    context: RequestContext<'_>,
    hints: &ExplanationContext,
) -> Option<ProblemText> {
    let other = |region: &&String| !region.eq_ignore_ascii_case(context.region);
    let accepted =
        hints.accepted_in.first().filter(|_| hints.accepted_in.iter().all(|region| other(&region)));
    let (home, why) = match (accepted, hints.home_region.as_ref().filter(other)) {
        (Some(region), _) => (
            region,
            format!(
                "{region} accepts the credential, and a credential works only in its own region"
            ),
        ),
        (None, Some(region)) => (
            region,
            "The secret names this region, and a credential works only in its own region"
                .to_owned(),
        ),
        (None, None) => return None,
    };
    Some(ProblemText {
        what: format!(
            "This {} belongs to {home}; you are asking {}",
            secret_noun(context),
            context.region
        ),
        why,
        remedy: format!("Switch the credential to {home}: tokenring edit NAME --region {home}"),
    })
}

/// Explains an expired token. The server's clock decides, since the clock of this machine may be
/// wrong.
fn expired_text(
    context: RequestContext<'_>,
    response: &ApiResponse,
    hints: &ExplanationContext,
) -> Option<ProblemText> {
    let clock = response.header("date").and_then(rate_limit::parse_http_date).unwrap_or(hints.now);
    let end = hints.expires.filter(|end| *end <= clock)?;
    Some(ProblemText {
        what: format!("This {} expired on {}", secret_noun(context), end.date()),
        why: format!("{} does not accept it after that date", context.provider.title),
        remedy: "Rotate the credential: tokenring rotate NAME".to_owned(),
    })
}

/// Adds a wrong local clock as a cause. The server checks the times in access tokens and
/// assertions, so a wrong clock here leads to a refusal there.
fn with_clock_skew(
    context: RequestContext<'_>,
    response: &ApiResponse,
    hints: &ExplanationContext,
    text: ProblemText,
) -> ProblemText {
    let is_timed = context
        .provider
        .kind(context.kind)
        .is_some_and(|kind| kind.authorization.uses_token_exchange());
    let server = response.header("date").and_then(rate_limit::parse_http_date);
    match clock_skew(server, hints.now).filter(|_| is_timed && response.status != 403) {
        None => text,
        Some(ahead) => ProblemText {
            why: format!(
                "{}. The clock of this machine is {}",
                text.why,
                describe_clock_skew(ahead)
            ),
            remedy: format!("Set this machine's clock and try again. {}", text.remedy),
            ..text
        },
    }
}

fn secret_noun(context: RequestContext<'_>) -> &str {
    context.provider.kind(context.kind).map_or("credential", |kind| {
        if kind.secret.contains("token") { "token" } else { &kind.secret }
    })
}

fn generic_text(context: RequestContext<'_>, response: &ApiResponse) -> ProblemText {
    let title = &context.provider.title;
    let is_foreign = response_source(context.provider, response) == ResponseSource::Intermediary;
    let rule = find_status_rule(context, response);
    // A rule about the text of the body may know the intermediary by name.
    if let Some(rule) = rule.filter(|rule| !is_foreign || rule.body_contains.is_some()) {
        return problem_text(rule.what.clone(), &rule.why, &rule.remedy);
    }
    if is_foreign {
        return foreign_text(context.provider, response);
    }
    let request = response
        .header("snyk-request-id")
        .map(|id| format!(", quoting the request ID {}", sanitize_line(id)))
        .unwrap_or_default();
    match response.status {
        300..400 => redirect_text(title, response),
        401 => problem_text(
            format!("{title} refused the credential"),
            "It may have expired or been revoked, or it may belong to another region",
            "Try the other regions (tokenring check NAME --all-regions); if none accepts the credential, rotate it (tokenring rotate NAME)",
        ),
        403 => problem_text(
            format!("{title} denied the request"),
            "The credential may lack a permission",
            "Use a credential that has the permission",
        ),
        405 => problem_text(
            format!("{title} does not allow the method"),
            &match response.header("allow").map(sanitize_line).filter(|allowed| !allowed.is_empty())
            {
                Some(allowed) => format!("The path allows {allowed}"),
                None => "The path exists, but not for this method".to_owned(),
            },
            "Use the method that the documentation names for this path",
        ),
        407 => problem_text(
            "The proxy requires a password".to_owned(),
            "A proxy between this machine and the provider asks for its own credentials",
            "Add user name and password to the proxy's address",
        ),
        429 => problem_text(
            format!("{title} reports too many requests"),
            "The rate limit is reached",
            "Wait, then send the request again",
        ),
        400..500 => problem_text(
            format!("{title} rejected the request"),
            "The response body may contain the reason",
            "Compare path, query and body with the documentation",
        ),
        _ => problem_text(
            format!("{title} reports a server error"),
            "The error is at the provider and says nothing about the credential",
            &format!("Try again later, or contact the provider's support{request}"),
        ),
    }
}

fn foreign_text(provider: &Provider, response: &ApiResponse) -> ProblemText {
    let body = if is_web_page(response) {
        "A web page"
    } else if is_xml(response) {
        "XML"
    } else if response.body.is_text() {
        "Text that is not JSON"
    } else if response.body.is_empty() {
        "An empty body"
    } else {
        "Binary data"
    };
    problem_text(
        format!("The response did not come from {}", provider.title),
        &format!(
            "{body} arrived instead of an API response, so nothing is known about the credential"
        ),
        "Look at the response body: a proxy, a firewall or a sign-in page of the network may have responded",
    )
}

/// Explains a redirect that was not followed: where it leads, and why it is the response.
fn redirect_text(title: &str, response: &ApiResponse) -> ProblemText {
    let base = url::Url::parse(&response.url).ok();
    let location = response.header("location").map(sanitize_line);
    let target = base.as_ref().zip(location.as_ref()).and_then(|(base, to)| base.join(to).ok());
    let why = match (response.status, &location) {
        (_, None) => "The response does not say where, as it has no location header",
        (301 | 302 | 303 | 307 | 308, _) => {
            "Only GET and HEAD requests without a body follow redirects; any other request could take effect twice"
        }
        _ => "A response with this status leaves the choice of the address to the client",
    };
    match (target, base) {
        (Some(target), Some(base)) if target.origin() == base.origin() => problem_text(
            format!("{title} redirects to {} on the same host", target.path()),
            why,
            "Send the request to that path if that is what you want",
        ),
        (Some(target), _) => problem_text(
            format!(
                "{title} redirects to another origin, {}",
                target.origin().ascii_serialization()
            ),
            why,
            "Check the region's address. Send the request to that host only if you trust it; the credential's secret is not sent there",
        ),
        (None, _) => problem_text(
            format!("{title} redirects"),
            why,
            "Look at the headers and the body of the response (--include)",
        ),
    }
}

fn problem_text(what: String, why: &str, remedy: &str) -> ProblemText {
    ProblemText { what, why: why.to_owned(), remedy: remedy.to_owned() }
}

/// Returns the first matching entry of the provider's status table.
pub(super) fn find_status_rule<'a>(
    context: RequestContext<'a>,
    response: &ApiResponse,
) -> Option<&'a StatusRule> {
    let body = response.body.text_start(MAX_READ_BYTES).unwrap_or_default().to_lowercase();
    context.provider.statuses.iter().find(|rule| {
        rule.status == response.status
            && (rule.kinds.is_empty() || rule.kinds.iter().any(|kind| kind == context.kind))
            && rule.body_contains.as_ref().is_none_or(|part| body.contains(&part.to_lowercase()))
    })
}

/// Returns who sent a response. A web page in the place of a success or a refusal comes from an
/// intermediary; so does another text that refuses in the place of a provider's JSON.
pub(super) fn response_source(provider: &Provider, response: &ApiResponse) -> ResponseSource {
    let is_foreign = match response.status {
        200..300 | 511 => is_web_page(response),
        401 | 403 => is_web_page(response) || provider.json_errors && !is_api_body(response),
        _ => false,
    };
    if is_foreign { ResponseSource::Intermediary } else { ResponseSource::Provider }
}

/// Whether the content type contains this word.
fn declares(response: &ApiResponse, word: &str) -> bool {
    response.header("content-type").is_some_and(|kind| kind.to_lowercase().contains(word))
}

fn is_xml(response: &ApiResponse) -> bool {
    let start = response.body.text_start(MAX_PAGE_START_BYTES).unwrap_or_default();
    declares(response, "xml") || start.trim_start().starts_with("<?xml")
}

fn is_web_page(response: &ApiResponse) -> bool {
    let text = response.body.text_start(MAX_PAGE_START_BYTES).unwrap_or_default();
    let text = text.trim_start();
    let begins =
        |mark: &str| text.get(..mark.len()).is_some_and(|start| start.eq_ignore_ascii_case(mark));
    declares(response, "html")
        || ["<!doctype html", "<html", "<head", "<body", "<meta"].into_iter().any(begins)
}

const fn result_for_status(status: u16) -> CheckResult {
    match status {
        200..300 | 304 => CheckResult::Accepted,
        401 | 403 => CheckResult::Refused,
        _ => CheckResult::Unknown,
    }
}

const fn problem_class(source: ResponseSource, result: CheckResult, status: u16) -> ProblemClass {
    match (result, status) {
        _ if matches!(source, ResponseSource::Intermediary) => ProblemClass::Unknown,
        (CheckResult::Refused, _) => ProblemClass::Refused,
        (_, 401 | 403 | 407 | 408 | 429 | 500..) => ProblemClass::Unknown,
        _ => ProblemClass::Failed,
    }
}

/// Returns the server's own message from one of the usual JSON members: short, on one line, and
/// with everything masked that looks like a secret.
fn server_message(response: &ApiResponse) -> Option<String> {
    let body = response.body.text_start(MAX_READ_BYTES)?;
    let body: serde_json::Value = serde_json::from_str(&body).ok()?;
    let text = error_message(&body)?;
    Some(patterns::mask_patterns(&sanitize_line(text)).chars().take(MAX_QUOTED_CHARS).collect())
}

fn uncapitalize(what: &str) -> String {
    let plain = ["This ", "Something ", "The ", "A "].iter().any(|word| what.starts_with(word));
    if plain { what[..1].to_lowercase() + &what[1..] } else { what.to_owned() }
}

#[cfg(test)]
mod tests;
