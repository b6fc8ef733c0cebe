//! Projects and issues: thousands of them, created only when their page is requested.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::super::deterministic;
use super::rest::{RestOperation, RestRequest, RestResult, json_api_document, single_resource};
use super::state::ResourceScope;
use crate::simulator::snyk::rest::{LinkStyle, paginate};
use crate::simulator::snyk::state::SnykOrg;
use crate::simulator::snyk::version::JsonApiError;

const ISSUE_RELEASES: &[&str] = &["2024-01-23"];

pub(super) const OPERATIONS: &[RestOperation] = &[
    RestOperation::get("/orgs/{org_id}/projects", &["2023-05-29", "2024-05-31"], list),
    RestOperation::get("/orgs/{org_id}/projects/{project_id}", &["2023-05-29", "2024-05-31"], get),
    RestOperation::get("/orgs/{org_id}/issues", ISSUE_RELEASES, list_issues),
    RestOperation::get("/orgs/{org_id}/issues/{issue_id}", ISSUE_RELEASES, get_issue),
    RestOperation::get("/groups/{group_id}/issues", ISSUE_RELEASES, list_issues),
];

/// Type, origin and manifest of the projects, in rotation.
const PROJECT_TEMPLATES: [(&str, &str, &str); 6] = [
    ("npm", "github", "package.json"),
    ("maven", "github-enterprise", "pom.xml"),
    ("sast", "gitlab", ""),
    ("deb", "docker-hub", "Dockerfile"),
    ("terraformconfig", "cli", "main.tf"),
    ("pip", "bitbucket-cloud", "requirements.txt"),
];

/// Issue type, severity and title, in rotation.
const ISSUE_TEMPLATES: [(&str, &str, &str); 7] = [
    ("package_vulnerability", "critical", "Remote Code Execution"),
    ("package_vulnerability", "high", "Prototype Pollution"),
    ("code", "medium", "Cross-site Scripting"),
    ("code", "low", "Insecure hash function used"),
    ("license", "medium", "GPL-3.0 license"),
    ("config", "high", "Security group open to the world"),
    ("cloud", "info", "Bucket without access logs"),
];

const ISSUES_PER_PROJECT: usize = ISSUE_TEMPLATES.len();

/// One issue: the organization, and its index among all issues of that organization.
#[derive(Clone, Copy)]
struct ProjectIssue<'a> {
    org: &'a SnykOrg,
    index: usize,
}

fn list(rest: &RestRequest) -> RestResult {
    let org = rest.org()?;
    let count = org.projects;
    if rest.request.query("meta_count") == Some("only") {
        return Ok(json_api_document(
            &json!({"jsonapi": {"version": "1.0"}, "data": [], "meta": {"count": count}, "links": {}}),
        ));
    }
    let counts = rest.request.query("meta.latest_issue_counts") == Some("true");
    let mut list = paginate(rest, count, LinkStyle::Bare, |index| {
        let mut project = describe(rest, org, index);
        if counts {
            project["meta"] = json!({"latest_issue_counts": {"critical": 1, "high": 2, "medium": 2, "low": 1, "updated_at": "2026-01-10T08:00:00Z"}});
        }
        project
    })?;
    if rest.request.query("meta_count") == Some("with") {
        list["meta"] = json!({"count": count});
    }
    Ok(json_api_document(&list))
}

fn get(rest: &RestRequest) -> RestResult {
    let org = rest.org()?;
    let index =
        org.project_index(rest.params[1]).ok_or_else(|| JsonApiError::not_found("project"))?;
    Ok(single_resource(StatusCode::OK, &describe(rest, org, index)))
}

fn describe(rest: &RestRequest, org: &SnykOrg, index: usize) -> Value {
    let (kind, origin, file) = PROJECT_TEMPLATES[index % PROJECT_TEMPLATES.len()];
    let relation = |kind: &str, id: &str| json!({"data": {"type": kind, "id": id}});
    json!({"id": org.project_id(index), "type": "project",
        "attributes": {
            "name": format!("{}/service-{index:04}:{file}", org.slug), "type": kind, "origin": origin,
            "status": if index % 17 == 16 { "inactive" } else { "active" }, "created": "2025-03-01T10:00:00Z", "read_only": false,
            "target_file": file, "target_reference": "main", "business_criticality": [], "environment": [], "lifecycle": [],
            "tags": [], "settings": {"recurring_tests": {"frequency": "daily"}}},
        "relationships": {
            "organization": relation("org", &org.id),
            "target": relation("target", &deterministic::uuid(&format!("{}/target/{index}", org.id))),
            "importer": relation("user", &rest.caller.id)}})
}

fn list_issues(rest: &RestRequest) -> RestResult {
    let fixtures = &rest.region.fixtures;
    let scope = rest.scope()?;
    let in_scope = |index: &usize| {
        scope == ResourceScope::Org(*index)
            || scope == ResourceScope::Group(fixtures.orgs[*index].group)
    };
    let orgs = (0..fixtures.orgs.len()).filter(in_scope).map(|index| &fixtures.orgs[index]);
    let all = orgs.flat_map(|org| {
        (0..org.projects * ISSUES_PER_PROJECT).map(move |index| ProjectIssue { org, index })
    });
    let wanted = IssueFilter::new(rest);
    let found: Vec<ProjectIssue> = all.filter(|issue| wanted.matches(*issue)).collect();
    Ok(json_api_document(&paginate(rest, found.len(), LinkStyle::Absolute, |index| {
        found[index].describe()
    })?))
}

fn get_issue(rest: &RestRequest) -> RestResult {
    let org = rest.org()?;
    let index =
        rest.params[1].rsplit('-').next().and_then(|text| usize::from_str_radix(text, 16).ok());
    let issue = index
        .filter(|index| *index < org.projects * ISSUES_PER_PROJECT)
        .map(|index| ProjectIssue { org, index });
    let issue = issue
        .filter(|issue| issue.id() == rest.params[1])
        .ok_or_else(|| JsonApiError::not_found("issue"))?;
    Ok(single_resource(StatusCode::OK, &issue.describe()))
}

/// Filters of an issue list.
struct IssueFilter<'a> {
    severities: Vec<&'a str>,
    statuses: Vec<&'a str>,
    kind: Option<&'a str>,
    project: Option<&'a str>,
    ignored: Option<bool>,
}

impl<'a> IssueFilter<'a> {
    fn new(rest: &'a RestRequest) -> Self {
        let either = |name: &str| {
            [rest.request.query_values(name), rest.request.query_values(&format!("{name}[]"))]
                .concat()
        };
        Self {
            severities: either("effective_severity_level"),
            statuses: either("status"),
            kind: rest.request.query("type"),
            project: rest.request.query("scan_item.id"),
            ignored: rest.request.query("ignored").map(|text| text == "true"),
        }
    }

    fn matches(&self, issue: ProjectIssue) -> bool {
        let (kind, severity, _) = issue.template();
        (self.severities.is_empty() || self.severities.contains(&severity))
            && (self.statuses.is_empty() || self.statuses.contains(&issue.status()))
            && self.kind.is_none_or(|wanted| wanted == kind)
            && self.project.is_none_or(|id| {
                issue.org.project_index(id) == Some(issue.index / ISSUES_PER_PROJECT)
            })
            && self.ignored.is_none_or(|ignored| ignored == issue.is_ignored())
    }
}

impl ProjectIssue<'_> {
    fn template(self) -> (&'static str, &'static str, &'static str) {
        ISSUE_TEMPLATES[self.index % ISSUE_TEMPLATES.len()]
    }

    fn status(self) -> &'static str {
        if self.index % 11 == 10 { "resolved" } else { "open" }
    }

    fn is_ignored(self) -> bool {
        self.index % 13 == 12
    }

    fn id(self) -> String {
        let prefix = self.org.project_prefix.replacen(&self.org.project_prefix[..4], "155e", 1);
        format!("{prefix}{:012x}", self.index)
    }

    fn describe(self) -> Value {
        let (kind, severity, title) = self.template();
        json!({"id": self.id(), "type": "issue",
            "attributes": {"title": title, "type": kind, "status": self.status(), "ignored": self.is_ignored(),
                "effective_severity_level": severity, "key": format!("SNYK-{kind}-{:06}", self.index),
                "created_at": "2025-09-27T20:09:05Z", "updated_at": "2025-10-02T20:09:05Z"},
            "relationships": {
                "organization": {"data": {"id": self.org.id, "type": "organization"}},
                "scan_item": {"data": {"id": self.org.project_id(self.index / ISSUES_PER_PROJECT), "type": "project"}}}})
    }
}

/// Returns the issues of one project, as the old API aggregates them.
pub(super) fn aggregated_issues(project: &str, severities: &[String]) -> Vec<Value> {
    let wanted = |severity: &str| {
        severities.is_empty() || severities.iter().any(|wanted| wanted == severity)
    };
    ISSUE_TEMPLATES
        .iter()
        .enumerate()
        .filter(|(_, (kind, severity, _))| matches!(*kind, "package_vulnerability" | "license") && wanted(severity))
        .map(|(index, (kind, severity, title))| {
            let id = format!("SNYK-JS-FAKE-{}", &deterministic::sha256_hex(&format!("{project}/{index}"))[..7]);
            let issue_type = if *kind == "license" { "license" } else { "vuln" };
            json!({"id": id, "issueType": issue_type, "pkgName": "left-pad", "pkgVersions": ["1.0.0"],
                "issueData": {"id": id, "title": title, "severity": severity, "originalSeverity": severity,
                    "url": format!("https://security.snyk.io/vuln/{id}"), "exploitMaturity": "no-known-exploit"},
                "isPatched": false, "isIgnored": false, "fixInfo": {"isUpgradable": true, "isFixable": true}})
        })
        .collect()
}
