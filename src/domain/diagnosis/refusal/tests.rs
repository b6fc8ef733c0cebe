//! Tests that diagnose refusals of every type and check which facts support or rule out each cause.

use time::macros::datetime;

use super::*;
use crate::domain::Timestamp;
use crate::domain::provider::builtin_catalog;
use crate::domain::request::{HttpMethod, RequestTarget};

const NOW: Timestamp = datetime!(2026-11-21 12:00 UTC);

/// Refused request with default facts.
struct Case {
    provider: &'static str,
    kind: &'static str,
    response: ApiResponse,
    hints: ExplanationContext,
    schemes: Vec<String>,
    principal: Option<Principal>,
}

fn case(status: u16) -> Case {
    let headers = vec![("date".to_owned(), "Sat, 21 Nov 2026 12:00:00 GMT".to_owned())];
    let untried = vec!["SNYK-US-01".to_owned()];
    Case {
        provider: "snyk",
        kind: "personal-access-token",
        response: ApiResponse { status, headers, ..ApiResponse::default() },
        hints: ExplanationContext {
            secret_anomalies: Some(Vec::new()),
            untried_in: untried,
            ..ExplanationContext::new(NOW)
        },
        schemes: vec!["token".to_owned(), "Bearer".to_owned()],
        principal: None,
    }
}

impl Case {
    fn refusal(&self) -> RefusalDiagnosis {
        let catalog = builtin_catalog();
        let provider = catalog.provider(self.provider).unwrap();
        let draft = RequestDraft::new(HttpMethod::Get, RequestTarget::parse("/rest/self").unwrap());
        let (request_context, principal) = (
            RequestContext { provider, kind: self.kind, region: "SNYK-EU-01" },
            self.principal.as_ref(),
        );
        let context = RefusalContext {
            request_context,
            hints: &self.hints,
            draft: &draft,
            response: &self.response,
            schemes: &self.schemes,
            principal,
        };
        RefusalDiagnosis::diagnose(&context).unwrap()
    }

    fn of(&self, cause: RefusalCause) -> (Likelihood, String) {
        let known = self.refusal().causes;
        let found = known
            .into_iter()
            .find(|assessment| assessment.cause == cause)
            .unwrap_or_else(|| panic!("{cause:?}"));
        (found.likelihood, found.reason)
    }
}

#[test]
fn every_cause_has_its_line_and_the_likely_ones_come_first() {
    use RefusalCause::{Account, Clock, Expiry, Permission, Plan, Region, Scheme, Whitespace};
    let RefusalDiagnosis { tried, causes: known, next_steps: next } = case(401).refusal();
    assert_eq!(
        tried,
        [
            "GET /rest/self in SNYK-EU-01",
            "with the secret as \"Authorization: token …\", then \"Authorization: Bearer …\""
        ]
    );
    for cause in [Region, Expiry, Scheme, Plan, Account, Permission, Whitespace, Clock] {
        assert_eq!(
            known
                .iter()
                .filter(|assessment| assessment.cause == cause && !assessment.reason.is_empty())
                .count(),
            1,
            "{cause:?}"
        );
    }
    assert!(known.is_sorted_by_key(|assessment| assessment.likelihood));
    assert_eq!(next, [RemedyStep::ProbeRegions, RemedyStep::OpenProviderPage, RemedyStep::Rotate]);
    assert!(next.iter().all(|step| !step.describe().is_empty()));
    assert_eq!(
        RemedyStep::ProbeRegions.command("ci").as_deref(),
        Some("tokenring check ci --all-regions")
    );
}

#[test]
fn another_region_is_judged_by_what_is_known_of_it() {
    let mut case = case(401);
    assert_eq!(
        case.of(RefusalCause::Region),
        (Likelihood::Unknown, "not tried in SNYK-US-01".to_owned())
    );
    case.hints.refused_in = std::mem::take(&mut case.hints.untried_in);
    assert_eq!(
        case.of(RefusalCause::Region),
        (Likelihood::Unlikely, "also refused in SNYK-US-01".to_owned())
    );
    case.hints.home_region = Some("SNYK-AU-01".to_owned());
    assert_eq!(case.of(RefusalCause::Region).0, Likelihood::Likely);
    assert_eq!(case.refusal().next_steps[0], RemedyStep::SwitchRegion("SNYK-AU-01".to_owned()));
    case.hints.accepted_in = vec!["SNYK-US-01".to_owned()];
    assert!(case.of(RefusalCause::Region).1.starts_with("SNYK-US-01 accepts the credential"));
    case.response.status = 403;
    assert_eq!(case.of(RefusalCause::Region).0, Likelihood::Unlikely);
}

#[test]
fn expiry_is_determined_by_the_servers_clock() {
    let mut case = case(401);
    assert_eq!(case.of(RefusalCause::Expiry).0, Likelihood::Unknown);
    case.hints.expires = Some(datetime!(2026-11-20 0:00 UTC));
    assert_eq!(
        case.of(RefusalCause::Expiry),
        (Likelihood::Likely, "expired on 2026-11-20".to_owned())
    );
    case.response.headers[0].1 = "Thu, 19 Nov 2026 12:00:00 GMT".to_owned();
    assert_eq!(
        case.of(RefusalCause::Expiry).0,
        Likelihood::Unknown,
        "it is not yet that day there"
    );
}

#[test]
fn the_forms_that_were_tried_are_ruled_out_and_no_others() {
    let mut case = case(401);
    assert_eq!(
        case.of(RefusalCause::Scheme),
        (Likelihood::Unlikely, "\"token\" and \"Bearer\" were both refused".to_owned())
    );
    case.schemes.pop();
    assert_eq!(case.of(RefusalCause::Scheme).0, Likelihood::Unknown);
    case.hints.scheme_worked_before = true;
    assert_eq!(case.of(RefusalCause::Scheme).0, Likelihood::Unlikely);
    (case.provider, case.kind, case.schemes) = ("snyk-api-web", "api-key", vec!["JWT".to_owned()]);
    assert!(case.of(RefusalCause::Scheme).1.contains("only scheme"));
}

#[test]
fn plan_account_and_permission_follow_the_status() {
    let mut case = case(403);
    assert_eq!(case.of(RefusalCause::Permission).0, Likelihood::Likely);
    assert!(
        case.of(RefusalCause::Plan).1.contains("free and team plans")
            && case.of(RefusalCause::Plan).0 == Likelihood::Unknown
    );
    assert!(case.of(RefusalCause::Account).1.contains("a check"));
    case.principal =
        Some(Principal { id: "u1".to_owned(), name: "ci".to_owned(), kind: "user".to_owned() });
    assert!(case.of(RefusalCause::Account).1.contains("ci (user)"));
    assert_eq!(case.of(RefusalCause::Plan).0, Likelihood::Unlikely, "it was accepted before");
    assert_eq!(case.refusal().next_steps[0], RemedyStep::ListAccess);
    case.response.status = 404;
    assert_eq!(
        (case.of(RefusalCause::Permission).0, case.of(RefusalCause::Account).0),
        (Likelihood::Unknown, Likelihood::Unknown)
    );
    case.provider = "appcircle";
    case.kind = "personal-access-key";
    assert!(
        case.refusal().causes.iter().all(|assessment| assessment.cause != RefusalCause::Plan),
        "nothing is known of its plans"
    );
}

#[test]
fn white_space_and_clocks_are_looked_at() {
    let mut case = case(401);
    assert_eq!(
        (case.of(RefusalCause::Whitespace).0, case.of(RefusalCause::Clock).0),
        (Likelihood::Unlikely, Likelihood::Unlikely)
    );
    case.hints.secret_anomalies = Some(vec!["surrounding whitespace or line breaks".to_owned()]);
    assert_eq!(case.of(RefusalCause::Whitespace).0, Likelihood::Likely);
    assert_eq!(case.refusal().next_steps[0], RemedyStep::ReenterSecret);
    case.response.headers[0].1 = "Sat, 21 Nov 2026 14:00:00 GMT".to_owned();
    assert!(
        case.of(RefusalCause::Clock).1.contains("2 h behind the server's")
            && case.of(RefusalCause::Clock).0 == Likelihood::Unlikely
    );
    case.kind = "service-account-oauth";
    assert_eq!(case.of(RefusalCause::Clock).0, Likelihood::Likely);
    assert_eq!(case.refusal().next_steps[0], RemedyStep::SetClock);
    case.response.headers.clear();
    assert_eq!(case.of(RefusalCause::Clock).0, Likelihood::Unknown);
}

#[test]
fn a_known_principal_is_neither_expired_nor_misspelled_nor_elsewhere() {
    let mut known = case(403);
    known.hints.expires = Some(datetime!(2027-01-01 0:00 UTC));
    for cause in [RefusalCause::Expiry, RefusalCause::Scheme, RefusalCause::Region] {
        assert_eq!(known.of(cause).0, Likelihood::Unlikely, "{cause:?}");
    }
    assert!(
        known.of(RefusalCause::Expiry).1.contains("recognized the credential")
            && known.of(RefusalCause::Scheme).1.contains("understood")
    );
    let mut own = case(401);
    own.hints.home_region = Some("snyk-eu-01".to_owned());
    assert_eq!(
        own.of(RefusalCause::Region).0,
        Likelihood::Unlikely,
        "it is where it says that it belongs"
    );
}

#[test]
fn identity_and_permission_are_ruled_out_while_the_credential_is_refused() {
    let mut case = case(401);
    assert!(case.of(RefusalCause::Permission).1.contains("only after the credential is accepted"));
    assert!(case.of(RefusalCause::Account).1.contains("only after the credential is accepted"));
    case.kind = "service-account-oauth";
    assert!(
        case.of(RefusalCause::Account).1.contains("client ID")
            && case.of(RefusalCause::Account).0 == Likelihood::Unknown
    );
}

#[test]
fn causes_and_weights_are_distinguished_by_words_and_symbols() {
    use RefusalCause::{
        Account, Clock, Expiry, Permission, Plan, RateLimit, Region, Scheme, Whitespace,
    };
    let titles = [RateLimit, Region, Expiry, Scheme, Plan, Account, Permission, Whitespace, Clock]
        .map(RefusalCause::title);
    let different: std::collections::BTreeSet<_> =
        titles.into_iter().filter(|title| title.len() > 2).collect();
    assert_eq!((different.len(), Region.title()), (9, "Region"));
    assert_eq!(
        [Likelihood::Likely, Likelihood::Unknown, Likelihood::Unlikely].map(Likelihood::symbol),
        ['!', '?', '-']
    );
}

#[test]
fn too_many_requests_wait() {
    let mut case = case(429);
    case.response.headers.push(("retry-after".to_owned(), "12".to_owned()));
    assert_eq!(
        case.of(RefusalCause::RateLimit),
        (Likelihood::Likely, "the provider asks to wait 12 s".to_owned())
    );
    let left = |left: &str| {
        ["limit", "remaining"]
            .map(|name| format!("x-ratelimit-{name}"))
            .into_iter()
            .zip(["160".to_owned(), left.to_owned()])
    };
    let before = case.response.headers.clone();
    case.response.headers.extend(left("160"));
    assert!(
        !case.of(RefusalCause::RateLimit).1.contains("160"),
        "what is not used up is not the reason"
    );
    case.response.headers = before.into_iter().chain(left("0")).collect();
    assert_eq!(case.of(RefusalCause::RateLimit).1, "0 of 160 left");
    assert_eq!(case.refusal().next_steps, [RemedyStep::Wait("12 s".to_owned())]);
    assert_eq!(
        RemedyStep::Wait("12 s".to_owned()).describe(),
        "Wait 12 s, then send the request again"
    );
}

#[test]
fn what_is_no_refusal_is_not_looked_into() {
    let (case, catalog) = (case(200), builtin_catalog());
    let request_context = RequestContext {
        provider: catalog.provider("snyk").unwrap(),
        kind: case.kind,
        region: "SNYK-EU-01",
    };
    let draft = RequestDraft::new(HttpMethod::Get, RequestTarget::parse("/rest/self").unwrap());
    let context = RefusalContext {
        request_context,
        hints: &case.hints,
        draft: &draft,
        response: &case.response,
        schemes: &[],
        principal: None,
    };
    assert_eq!(RefusalDiagnosis::diagnose(&context), None);
}

#[test]
fn a_fault_that_the_provider_names_is_the_only_cause() {
    let mut named = case(404);
    named.response.body =
        r#"{"errors":[{"status":"404","detail":"The requested version was not found"}]}"#.into();
    let RefusalDiagnosis { causes, next_steps, .. } = named.refusal();
    assert_eq!(next_steps, [RemedyStep::EditRequest]);
    let [CauseAssessment { cause, reason, .. }] = &causes[..] else { panic!("{causes:?}") };
    assert!(*cause == RefusalCause::Request && reason.contains("version"), "{reason}");
    assert!(case(404).refusal().causes.len() > 1, "an unnamed one has many");
}
