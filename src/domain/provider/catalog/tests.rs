//! Tests of the catalog: built-in files, users' files and overrides.

use super::*;
use crate::domain::credential::SecretPart;
use crate::domain::problem::Problem;
use crate::domain::provider::spec::{AuthMethod, RotationStrategyId};

const ACME: &str = r#"
format = 1
id = "acme"
title = "Acme"
docs = "https://acme.example"

[[region]]
id = "ACME"
api = "https://api.acme.example"

[[kind]]
id = "key"
title = "key"
help = "A key."
secret = "key"
authorization = { form = "header", scheme = "Bearer" }
check = "me"
docs = "https://acme.example"
replace = { plan = "guided", overlap = true, steps = "Make another." }

[[preset]]
id = "me"
title = "Me"
help = "Who?"
path = "/me"
docs = "https://acme.example"
"#;

const ODD_RULE: &str = r#"
[[kind.recognise]]
shape = "uuid"
confidence = "possible"
why = "It is a mere id."
holds = { part = "spare" }
"#;

const PART: &str = r#"
[[kind.field]]
id = "app_id"
title = "app"
help = "Which."

[[kind.field]]
id = "org_id"
title = "organization"
help = "Whose."

[[kind.part]]
id = "spare"
title = "spare"
help = "Another."
replace = { plan = "snyk-app-secret", overlap = true }
"#;

fn load(text: &str) -> Result<ProviderCatalog, CatalogError> {
    ProviderCatalog::load(&[ProviderSource { name: "acme.toml".to_owned(), text: text.to_owned() }])
}

fn why(text: &str) -> String {
    load(text).unwrap_err().to_string()
}

#[test]
fn the_built_in_files_are_valid_and_say_what_they_say() {
    let mut written = ProviderCatalog { entries: Vec::new(), is_simulated: false };
    for BuiltinProviderFile { id, .. } in BUILTIN_FILES {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join(format!("assets/providers/{id}.toml"));
        let source =
            ProviderSource { name: id.to_owned(), text: std::fs::read_to_string(path).unwrap() };
        written.merge(&source).unwrap();
    }
    assert_eq!(written, ProviderCatalog::builtin());
}

#[test]
fn the_built_in_files_hold_together() {
    let catalog = ProviderCatalog::builtin();
    let ids: Vec<_> = catalog.providers().map(|provider| provider.id.as_str()).collect();
    assert_eq!(ids, ["snyk", "snyk-apps", "snyk-api-web", "appcircle"]);
    for provider in catalog.providers() {
        for text in
            provider.presets.iter().flat_map(|preset| [&preset.title, &preset.help, &preset.docs])
        {
            assert!(!text.is_empty(), "{}", provider.id);
        }
        for kind in provider.kinds.iter() {
            let check = catalog.preset(&provider.id, &kind.check).unwrap();
            assert!(check.principal.is_some(), "the check of {} says who it is", kind.id);
        }
    }
}

#[test]
fn regions_answer_to_their_aliases_and_are_shared() {
    let catalog = ProviderCatalog::builtin();
    for (provider, name, id) in [
        ("snyk", "default", "SNYK-US-01"),
        ("snyk", "EU", "SNYK-EU-01"),
        ("snyk-apps", "snyk-gov-01", "SNYK-GOV-01"),
        ("snyk-api-web", "eu", "SAW-EU"),
        ("appcircle", "cloud", "APPCIRCLE"),
    ] {
        assert_eq!(catalog.region(provider, name).unwrap().id, id);
    }
    assert_eq!(catalog.regions("snyk-apps"), catalog.regions("snyk"));
    assert_eq!(catalog.region_owner("snyk-apps").unwrap().id, "snyk");
}

#[test]
fn kinds_are_replaced_as_the_product_says() {
    let catalog = ProviderCatalog::builtin();
    let strategy = |provider, kind| catalog.kind(provider, kind).unwrap().rotation.strategy;
    assert_eq!(
        strategy("snyk", "personal-access-token"),
        RotationStrategyId::SnykPersonalAccessToken
    );
    assert_eq!(
        strategy("snyk", "service-account-oauth"),
        RotationStrategyId::SnykServiceAccountSecret
    );
    assert!(!catalog.kind("snyk", "personal-token").unwrap().rotation.overlap);
    assert!(!catalog.kind("appcircle", "personal-access-key").unwrap().rotation.overlap);
    assert!(matches!(
        catalog.kind("appcircle", "api-key").unwrap().authorization,
        AuthMethod::Exchange { .. }
    ));
}

#[test]
fn pages_are_on_the_web_application_of_the_region() {
    let catalog = ProviderCatalog::builtin();
    let kind = catalog.kind("snyk", "personal-access-token").unwrap();
    let page = kind.page_url(catalog.region("snyk", "eu").unwrap());
    assert_eq!(page.as_deref(), Some("https://app.eu.snyk.io/account/personal-access-tokens"));
    let key = catalog.kind("snyk-api-web", "api-key").unwrap();
    assert_eq!(key.page_url(catalog.region("snyk-api-web", "us").unwrap()), None);
}

#[test]
fn a_users_file_says_how_lists_and_bodies_of_a_provider_are_written() {
    let text = r#"
format = 1
id = "snyk-api-web"
media_types = [["/keys/", "application/x-key"]]
link_prefix = "/v2"
organisations = { preset = "teams", items = { list = "/results", value = "/id", name = "/name" } }
tool_secrets = [["saw.json", "key"]]
"#;
    let catalog = load(text).unwrap();
    let known = ProviderCatalog::builtin();
    let known = known.provider("snyk-api-web").unwrap();
    let merged = catalog.provider("snyk-api-web").unwrap();
    assert_eq!(merged.media_type("/keys/"), "application/x-key");
    assert_eq!(merged.media_type("/scans/"), "application/json");
    assert_eq!(merged.link_prefix.as_deref(), Some("/v2"));
    assert_eq!(merged.tool_secrets, [("saw.json".to_owned(), "key".to_owned())]);
    assert!(!known.has_organizations && merged.has_organizations);
    assert_eq!(merged.organizations.as_ref().map(|listing| &*listing.preset), Some("teams"));

    let none = load("format = 1\nid = \"snyk\"\nhas_organizations = false\n").unwrap();
    let none = none.provider("snyk").unwrap();
    assert!(!none.has_organizations && none.organizations.is_none());
}

#[test]
fn a_file_with_a_new_id_adds_a_provider() {
    let catalog = load(ACME).unwrap();
    assert_eq!(catalog.providers().len(), 5);
    assert_eq!(catalog.preset("acme", "me").unwrap().method, "GET");
}

#[test]
fn a_file_with_a_known_id_adds_and_replaces() {
    let text = r#"
format = 1
id = "snyk"

[[region]]
id = "snyk-eu-01"
api = "https://api.eu.proxy.example"

[[preset]]
id = "self"
title = "Me"
help = "Me, at the proxy."
path = "/proxy/self"
docs = "https://proxy.example"
"#;
    let catalog = load(text).unwrap();
    assert_eq!(catalog.regions("snyk").unwrap().len(), 5);
    assert_eq!(catalog.region("snyk", "SNYK-EU-01").unwrap().api.host(), "api.eu.proxy.example");
    assert_eq!(catalog.preset("snyk", "self").unwrap().path, "/proxy/self");
}

#[test]
fn organizations_are_listed_by_a_request_that_only_reads() {
    let listed = ACME.replace("[[region]]", &organizations("me", "/data", ""));
    assert!(load(&listed).is_ok());
    let written = listed.replace("path = \"/me\"", "path = \"/me\"\nmethod = \"POST\"");
    assert!(why(&written).contains("the preset \"me\" does not only read"));
    assert!(load(&format!("{written}reads = true\n")).is_ok());
}

/// Listing of organizations before the region, and another line.
fn organizations(preset: &str, list: &str, other: &str) -> String {
    let items = format!("{{ list = \"{list}\", value = \"/id\", name = \"/name\" }}");
    let listing = format!("organisations = {{ preset = \"{preset}\", items = {items} }}");
    format!("{listing}\n{other}\n[[region]]")
}

#[test]
fn what_does_not_hold_together_is_named_with_file_and_line() {
    let broken = |from: &str, to: &str| why(&ACME.replace(from, to));
    for (from, to, expected) in [
        (
            "check = \"me\"",
            "check = \"you\"",
            "acme.toml: line 17: the kind \"key\" is checked by the preset \"you\"",
        ),
        ("path = \"/me\"", "path = \"/me/{who}\"", "line 25: {who} in the preset \"me\""),
        (
            "path = \"/me\"",
            "path = \"//me\"",
            "line 25: the path does not start with exactly one slash",
        ),
        ("format = 1", "format = 2", "line 2: format 2 is not supported"),
        ("secret = \"key\"", "secrets = \"key\"", "unknown field `secrets`"),
        (", steps = \"Make another.\"", "", "rotated manually but has no steps"),
        ("\"guided\"", "\"snyk-app-session\"", "does not fit its authorization"),
        ("[[region]]", "[[regions]]", "unknown field `regions`"),
        ("title = \"Acme\"", "title = ", "acme.toml: line 4"),
        (
            "[[region]]",
            "link_prefix = \"rest/\"\n[[region]]",
            "line 7: the link_prefix \"rest/\" is not the beginning of a path",
        ),
        (
            "[[region]]",
            "tool_secrets = [[\"a/b.json\", \"key\"]]\n[[region]]",
            "\"a/b.json\" in tool_secrets is not the name of a file",
        ),
        ("[[region]]", &*organizations("you", "/data", ""), "\"acme\" has no preset \"you\""),
        ("[[region]]", &*organizations("me", "data", ""), "\"data\" is not a JSON pointer"),
        (
            "[[region]]",
            &*organizations("me", "/data", "has_organizations = false"),
            "the provider lists organizations and has none",
        ),
        (
            "[[preset]]",
            &*format!("{ODD_RULE}\n[[preset]]"),
            "the kind \"key\" has no part \"spare\"",
        ),
        (
            "[[preset]]",
            &*format!("{PART}\n[[preset]]"),
            "the rotation plan of the part \"spare\" does not fit the kind \"key\"",
        ),
        ("\"guided\"", "\"snyk-personal-access-token\"", "needs a field \"pat_id\""),
        ("api = \"https://api", "api = \"http://api", "plain http"),
        ("\"header\"", "\"client-credentials\", token = \"/t\"", "needs a field \"client_id\""),
    ] {
        let message = broken(from, to);
        assert!(message.contains(expected), "{message:?} should hold {expected:?}");
    }
}

#[test]
fn names_are_unique_and_shared_regions_lead_somewhere() {
    let region = "[[region]]\nid = \"ACME\"\napi = \"https://api.acme.example\"\n";
    assert!(why(&format!("{ACME}{region}")).contains("the region or alias \"acme\" exists twice"));
    assert!(why(&ACME.replace(region, "")).contains("the provider has no region"));
    let shared = ACME.replace(region, "").replacen("docs =", "regions_of = \"missing\"\ndocs =", 1);
    assert!(why(&shared).contains("the provider \"missing\", which does not exist"));
    assert!(
        why(&shared.replace("missing", "snyk-apps"))
            .contains("\"snyk-apps\" defines no regions to share")
    );
    assert!(load(&shared.replace("missing", "appcircle")).is_ok());
    assert!(
        why("format = 1\nid = \"snyk-apps\"\n[[region]]\nid = \"X\"\napi = \"https://x.example\"")
            .contains("uses the regions of \"snyk\"")
    );
}

#[test]
fn every_error_has_a_remedy() {
    let catalog = ProviderCatalog::builtin();
    let errors = [
        catalog.provider("snik").unwrap_err(),
        catalog.region("snyk", "mars").unwrap_err(),
        catalog.kind("snyk", "pat").unwrap_err(),
        catalog.preset("snyk", "selfie").unwrap_err(),
        load("nonsense").unwrap_err(),
        load(&ACME.replace("format = 1", "format = 9")).unwrap_err(),
    ];
    for error in errors {
        let problem = Problem::from(error);
        assert!(!problem.remedy.is_empty() && !problem.why.is_empty(), "{problem:?}");
    }
}

/// Loads Acme with a check whose path contains the organization, plus the given lines for its
/// kind and its preset.
fn asking(kind: &str, preset: &str) -> Result<ProviderCatalog, CatalogError> {
    let text = ACME.replace("path = \"/me\"", "path = \"/me/{org}\"");
    load(&(text.replace("[[preset]]", &format!("{kind}\n[[preset]]")) + preset))
}

#[test]
fn a_check_needs_nothing_that_a_credential_may_not_have() {
    let field = |required| {
        format!(
            "[[kind.field]]\nid = \"org\"\ntitle = \"org\"\nhelp = \"Whose.\"\nrequired = {required}\n"
        )
    };
    let parameter = |default: &str| {
        format!("\n[[preset.parameter]]\nid = \"org\"\nhelp = \"Whose.\"\n{default}\n")
    };
    assert!(asking(&field(true), "").is_ok());
    assert!(asking("", &parameter("default = \"all\"")).is_ok());
    for (kind, preset) in [(field(false), String::new()), (String::new(), parameter(""))] {
        let message = asking(&kind, &preset).unwrap_err().to_string();
        assert!(message.contains("the check \"me\" needs {org}"), "{message}");
    }
    let unfit = asking(&field(true), "not_for = [\"key\"]").unwrap_err().to_string();
    assert!(
        unfit.contains("{org} in the preset \"me\""),
        "no kind that it is for has such a field: {unfit}"
    );
}

#[test]
fn a_kind_knows_its_fields_its_presets_and_how_its_parts_are_replaced() {
    let catalog = ProviderCatalog::builtin();
    let app = catalog.kind("snyk-apps", "app").unwrap();
    assert_eq!(app.field("client_id").map(|field| field.id.as_str()), Some("client_id"));
    assert_eq!(app.field("nothing"), None);
    assert_eq!(app.rotation_of_part(&SecretPart::Secret), Some(&app.rotation));
    let strategy = |part: &str| {
        app.rotation_of_part(&SecretPart::Named(part.to_owned())).map(|rotation| rotation.strategy)
    };
    assert_eq!(
        (strategy("client_secret"), strategy("access_token")),
        (Some(RotationStrategyId::SnykAppSecret), None)
    );

    let snyk = catalog.provider("snyk").unwrap();
    let (some, kind) = snyk
        .presets
        .iter()
        .find_map(|preset| Some((&preset.id, preset.excluded_kinds.first()?)))
        .unwrap();
    assert!(snyk.presets_for(kind).all(|preset| preset.id != *some));
    assert_eq!(snyk.presets_for("no kind at all").count(), snyk.presets.iter().len());
}

#[test]
fn only_an_exchanged_token_that_may_have_ended_is_a_reason_to_ask_for_a_repetition() {
    use crate::domain::request::HttpMethod;
    let catalog = ProviderCatalog::builtin();
    let of = |provider, kind| &catalog.kind(provider, kind).unwrap().authorization;
    let exchanged = of("snyk", "service-account-oauth");
    assert!(exchanged.needs_manual_retry(HttpMethod::Post, 401));
    assert!(
        !exchanged.needs_manual_retry(HttpMethod::Get, 401),
        "what only reads is repeated unasked"
    );
    assert!(!exchanged.needs_manual_retry(HttpMethod::Post, 403));
    assert!(
        !of("snyk", "personal-token").needs_manual_retry(HttpMethod::Post, 401),
        "a new token would be the same"
    );
    let schemes = [of("snyk", "personal-token"), of("snyk-api-web", "api-key"), exchanged]
        .map(AuthMethod::scheme);
    assert_eq!(schemes, ["token", "JWT", "bearer"]);
}
