//! Tests of reading from simulated Snyk: identity, versions, pagination, permissions, headers, and
//! the v1 API.

use std::collections::BTreeSet;

use super::*;

#[tokio::test]
async fn every_kind_of_token_has_an_identity_in_its_region() {
    let simulator = SimulatorClient::start().await;
    for (name, kind) in [
        ("us01-admin", "user"),
        ("us01-reader", "user"),
        ("us01-laptop", "user"),
        ("us01-ci-scanner", "service_account"),
        ("us01-pr-checks", "service_account"),
        ("us01-group-reporter", "service_account"),
        ("eu01-appsec-bot", "service_account"),
        ("gov01-admin", "user"),
        ("au01-reader", "user"),
        ("us02-admin", "user"),
    ] {
        let answer = simulator.get(name, &format!("/rest/self?{VERSION}")).await;
        assert_eq!(
            (answer.status, answer.json()["data"]["type"].as_str()),
            (StatusCode::OK, Some(kind)),
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_token_of_another_region_is_not_recognized() {
    let simulator = SimulatorClient::start().await;
    let token = format!("token {}", simulator.credential("us01-admin").secret);
    for region in ["SNYK-US-02", "SNYK-EU-01", "SNYK-AU-01", "SNYK-GOV-01"] {
        let answer = simulator.rest_self(region, &token).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{region}");
        let error = &answer.json()["errors"][0];
        assert_eq!(
            (error["code"].as_str(), error["status"].as_str()),
            (Some("SNYK-0005"), Some("401"))
        );
        assert_eq!(error["meta"]["isErrorCatalogError"], true);
    }
    assert_eq!(
        simulator.get("eu01-misfiled", &format!("/rest/self?{VERSION}")).await.status,
        StatusCode::UNAUTHORIZED
    );
    let misfiled = format!("token {}", simulator.credential("eu01-misfiled").secret);
    assert_eq!(simulator.rest_self("SNYK-US-02", &misfiled).await.status, StatusCode::OK);
}

#[tokio::test]
async fn expired_and_revoked_tokens_are_refused() {
    let simulator = SimulatorClient::start().await;
    for name in ["au01-old-laptop", "us02-old-jenkins"] {
        assert_eq!(
            simulator.get(name, &format!("/rest/self?{VERSION}")).await.status,
            StatusCode::UNAUTHORIZED,
            "{name}"
        );
    }
    let in_time = simulator.get("eu01-workstation", &format!("/rest/self?{VERSION}")).await;
    simulator.clock.advance(std::time::Duration::from_secs(6 * 86_400));
    let too_late = simulator.get("eu01-workstation", &format!("/rest/self?{VERSION}")).await;
    assert_eq!((in_time.status, too_late.status), (StatusCode::OK, StatusCode::UNAUTHORIZED));
}

#[tokio::test]
async fn the_scheme_counts() {
    let simulator = SimulatorClient::start().await;
    let status = async |name: &str, scheme: &str| {
        let credential = simulator.credential(name);
        simulator
            .rest_self(&credential.region, &format!("{scheme} {}", credential.secret))
            .await
            .status
            .as_u16()
    };
    assert_eq!(
        (status("us01-admin", "Token").await, status("us01-admin", "bearer").await),
        (200, 401)
    );
    assert_eq!(
        (status("us01-laptop", "token").await, status("us01-laptop", "Bearer").await),
        (200, 200)
    );
    assert_eq!(
        (status("eu01-nightly", "token").await, status("eu01-nightly", "Bearer").await),
        (401, 200)
    );
}

#[tokio::test]
async fn versions_are_negotiated() {
    let simulator = SimulatorClient::start().await;
    let ask = async |query: &str| simulator.get("us01-admin", &format!("/rest/{query}")).await;
    assert_eq!(ask("self").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(ask("self?version=latest").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(ask("self?version=2020-01-01").await.status, StatusCode::NOT_FOUND);
    let served = ask("self?version=2025-01-01").await;
    assert_eq!(served.header("snyk-version-requested"), "2025-01-01");
    assert_eq!(served.header("snyk-version-served"), "2024-04-22");
    assert_eq!(served.header("snyk-version-lifecycle-stage"), "ga");
    assert_eq!(served.header("content-type"), "application/vnd.api+json");
    let old = ask("orgs?version=2024-01-01").await;
    assert_eq!(old.header("snyk-version-lifecycle-stage"), "deprecated");
    assert_eq!(
        (old.header("deprecation"), old.header("sunset")),
        ("2024-02-28T00:00:00Z", "2024-08-26")
    );
    assert_eq!(ask("groups?version=2024-10-15").await.status, StatusCode::NOT_FOUND);
    assert_eq!(
        ask("groups?version=2024-10-15~beta").await.json()["data"].as_array().map(Vec::len),
        Some(3)
    );
}

#[tokio::test]
async fn every_answer_has_an_id_and_a_falling_budget() {
    let simulator = SimulatorClient::start().await;
    let first = simulator.get("us01-admin", &format!("/rest/self?{VERSION}")).await;
    let second = simulator.get("us01-admin", &format!("/rest/self?{VERSION}")).await;
    let other = simulator.get("us01-reader", &format!("/rest/self?{VERSION}")).await;
    let windows = "160, 160;w=1;name=\"per_second\", 1620;w=60;name=\"per_minute\", 97200;w=3600;name=\"per_hour\"";
    assert_eq!(first.header("x-ratelimit-limit"), windows);
    let left =
        [&first, &second, &other].map(|answer| answer.header("x-ratelimit-remaining").to_owned());
    assert_eq!(left, ["159", "158", "159"]);
    assert_eq!(first.header("x-ratelimit-reset"), "1");
    assert_eq!(first.header("snyk-request-id").len(), 36);
    assert_ne!(first.header("snyk-request-id"), second.header("snyk-request-id"));
    let request = simulator
        .request(Method::GET, "us01-admin", "/rest/self")
        .header("snyk-request-id", "mine");
    assert_eq!(read(request).await.header("snyk-request-id"), "mine");
}

/// Follows `links.next` to the last page, whatever its form, and returns all IDs.
async fn all_pages(simulator: &SimulatorClient, name: &str, first: &str) -> Vec<String> {
    let mut ids = Vec::new();
    let mut next = Some(first.to_owned());
    while let Some(path) = next {
        let page = simulator.get(name, &path).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.text);
        let page = page.json();
        ids.extend(
            page["data"].as_array().expect("a list").iter().map(|item| item["id"].to_string()),
        );
        let link = &page["links"]["next"];
        next = link.as_str().or(link["href"].as_str()).map(|link| {
            let origin = simulator.api(&simulator.credential(name).region);
            let link = link.strip_prefix(&origin).unwrap_or(link);
            if link.starts_with("/rest/") { link.to_owned() } else { format!("/rest{link}") }
        });
    }
    ids
}

#[tokio::test]
async fn lists_can_be_followed_to_their_end_in_every_link_form() {
    let simulator = SimulatorClient::start().await;
    let (org, group) =
        (simulator.field("us01-admin", "org_id"), simulator.field("us01-admin", "group_id"));
    for (path, count) in [
        (format!("/rest/orgs/{org}/projects?{VERSION}&limit=100"), 3_000),
        (format!("/rest/orgs?{VERSION}"), 30),
        (format!("/rest/groups/{group}/orgs?{VERSION}"), 10),
        (
            format!(
                "/rest/groups/{group}/issues?{VERSION}&limit=100&effective_severity_level=critical"
            ),
            3_151,
        ),
        (format!("/rest/groups/{group}/service_accounts?{VERSION}"), 4),
    ] {
        let ids = all_pages(&simulator, "us01-admin", &path).await;
        let different: BTreeSet<&String> = ids.iter().collect();
        assert_eq!((ids.len(), different.len()), (count, count), "{path}");
    }
}

#[tokio::test]
async fn links_come_in_four_forms() {
    let simulator = SimulatorClient::start().await;
    let org = simulator.field("us01-admin", "org_id");
    let next = async |path: String| {
        simulator.get("us01-admin", &path).await.json()["links"]["next"].clone()
    };
    let bare = next(format!("/rest/orgs/{org}/projects?{VERSION}")).await;
    assert!(
        bare.as_str()
            .is_some_and(|link| link.starts_with("/orgs/") && link.contains("starting_after=v1."))
    );
    let object = next(format!("/rest/orgs?{VERSION}")).await;
    assert!(object["href"].as_str().is_some_and(|link| link.starts_with("/rest/orgs?")));
    let absolute = next(format!("/rest/orgs/{org}/issues?{VERSION}")).await;
    assert!(absolute.as_str().is_some_and(|link| link.starts_with(&simulator.api("SNYK-US-01"))));
    let rooted = simulator.get("us01-admin", "/rest/groups?version=2024-10-15~beta").await.json();
    assert!(rooted["links"]["self"].as_str().is_some_and(|link| link.starts_with("/rest/groups?")));
}

#[tokio::test]
async fn a_page_leads_back_and_limits_are_checked() {
    let simulator = SimulatorClient::start().await;
    let path = format!("/rest/orgs?{VERSION}&limit=10");
    let first = simulator.get("us01-admin", &path).await.json();
    let second = simulator
        .get("us01-admin", first["links"]["next"]["href"].as_str().expect("a link"))
        .await
        .json();
    let back = simulator
        .get("us01-admin", second["links"]["prev"]["href"].as_str().expect("a link"))
        .await
        .json();
    assert_eq!(back["data"], first["data"]);
    for wrong in ["limit=5", "limit=110", "limit=15", "limit=x", "starting_after=3"] {
        let answer = simulator.get("us01-admin", &format!("/rest/orgs?{VERSION}&{wrong}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{wrong}");
    }
}

#[tokio::test]
async fn a_token_without_the_admin_role_is_refused() {
    let simulator = SimulatorClient::start().await;
    for region in ["us01", "us02", "eu01", "au01", "gov01"] {
        let (admin, reader) = (format!("{region}-admin"), format!("{region}-reader"));
        let path =
            format!("/rest/orgs/{}/service_accounts?{VERSION}", simulator.field(&admin, "org_id"));
        assert_eq!(simulator.get(&admin, &path).await.status, StatusCode::OK, "{admin}");
        let refused = simulator.get(&reader, &path).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{reader}");
        assert!(refused.text.contains("org.service_account.read"));
    }
}

#[tokio::test]
async fn what_is_not_there_and_what_may_not_be_seen_differ() {
    let simulator = SimulatorClient::start().await;
    let nowhere = format!("/rest/orgs/00000000-0000-4000-a000-000000000000?{VERSION}");
    assert_eq!(simulator.get("us01-admin", &nowhere).await.status, StatusCode::NOT_FOUND);
    let last = simulator.get("us01-admin", &format!("/rest/orgs?{VERSION}&limit=100")).await.json()
        ["data"][29]["id"]
        .clone();
    let elsewhere = format!("/rest/orgs/{}?{VERSION}", last.as_str().expect("an id"));
    assert_eq!(simulator.get("us01-reader", &elsewhere).await.status, StatusCode::FORBIDDEN);
    assert_eq!(
        simulator.get("us01-admin", &format!("/rest/nonsense?{VERSION}")).await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        simulator.delete("us01-admin", &format!("/rest/orgs?{VERSION}")).await.status,
        StatusCode::METHOD_NOT_ALLOWED
    );
}

#[tokio::test]
async fn issues_have_every_severity() {
    let simulator = SimulatorClient::start().await;
    let org = simulator.field("us01-admin", "org_id");
    let issues = simulator
        .get("us01-admin", &format!("/rest/orgs/{org}/issues?{VERSION}&limit=100"))
        .await
        .json();
    let of = |issue: &Value| {
        issue["attributes"]["effective_severity_level"].as_str().expect("a severity").to_owned()
    };
    let severities: BTreeSet<String> =
        issues["data"].as_array().expect("a list").iter().map(of).collect();
    assert_eq!(
        severities,
        BTreeSet::from(["critical", "high", "info", "low", "medium"].map(str::to_owned))
    );
}

#[tokio::test]
async fn the_tenant_names_the_roles() {
    let simulator = SimulatorClient::start().await;
    let tenants = simulator.get("us01-admin", &format!("/rest/tenants?{VERSION}")).await.json();
    let tenant = tenants["data"][0]["id"].as_str().expect("an id");
    let roles = simulator
        .get("us01-admin", &format!("/rest/tenants/{tenant}/roles?{VERSION}~beta"))
        .await
        .json();
    let ours = simulator.field("us01-ci-scanner", "role_id");
    assert!(
        roles["data"].as_array().is_some_and(|roles| roles.iter().any(|role| role["id"] == ours))
    );
}

#[tokio::test]
async fn the_specification_is_public() {
    let simulator = SimulatorClient::start().await;
    let url = format!("{}/rest/openapi", simulator.api("SNYK-US-01"));
    let versions = read(simulator.client.get(&url)).await.json();
    assert!(versions.as_array().is_some_and(|list| list.contains(&json!("2024-10-15"))));
    let outline = read(simulator.client.get(format!("{url}/2024-10-15"))).await.json();
    assert_eq!(outline["paths"]["/self"]["get"]["x-snyk-api-version"], "2024-04-22");
}

#[tokio::test]
async fn the_old_api_answers_in_its_own_shape() {
    let simulator = SimulatorClient::start().await;
    let (org, group) =
        (simulator.field("us01-admin", "org_id"), simulator.field("us01-admin", "group_id"));
    let me = simulator.get("us01-admin", "/v1/user/me").await.json();
    assert_eq!(
        (me["username"].as_str(), me["orgs"].as_array().map(Vec::len)),
        (Some("admin"), Some(30))
    );
    assert_eq!(
        simulator.get("us01-reader", "/v1/orgs").await.json()["orgs"].as_array().map(Vec::len),
        Some(10)
    );
    let roles = simulator.get("us01-admin", &format!("/v1/group/{group}/roles")).await.json();
    assert!(
        roles.as_array().is_some_and(|roles| roles.iter().any(|role| role["name"] == "Org Admin"))
    );
    let projects =
        simulator.get("us01-admin", &format!("/rest/orgs/{org}/projects?{VERSION}")).await.json();
    let project = projects["data"][0]["id"].as_str().expect("an id");
    let path = format!("/v1/org/{org}/project/{project}/aggregated-issues");
    let issues = simulator
        .send(
            Method::POST,
            "us01-admin",
            (&path, &json!({"filters": {"severities": ["critical"]}})),
        )
        .await;
    assert_eq!(issues.json()["issues"].as_array().map(Vec::len), Some(1));
    let refused =
        read(simulator.client.get(format!("{}/v1/user/me", simulator.api("SNYK-US-01")))).await;
    assert_eq!(
        refused.json(),
        json!({"code": 401, "error": "Not authorised", "message": "Not authorised"})
    );
    assert!(!refused.header("x-error-reference").is_empty());
}
