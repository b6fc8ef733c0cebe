//! Tests of the comparison between the new and the old secret with provider files of a user: what a
//! provider does not report is asked and never passes as the same.

use tokenring::engine::rotation::{RotationPhase, RotationStep, UserDecision};

use super::rig::RotationRig;
use super::scripted_user::ScriptedUser;

/// Provider file of a company that forwards Snyk's API. `{principal}` and `{organizations}` are
/// filled in.
const FILE: &str = r#"
format = 1
id = "acme"
title = "Acme"
docs = "https://acme.example"
regions_of = "snyk"
link_prefix = "/rest"
{organizations}

[[kind]]
id = "key"
title = "key"
help = "A key."
secret = "key"
authorization = { form = "header", scheme = "token" }
check = "me"
docs = "https://acme.example"
replace = { plan = "guided", overlap = false, steps = "Regenerate it." }

[[preset]]
id = "me"
title = "Me"
help = "The user."
path = "/rest/self"
query = [["version", "2024-10-15"]]
docs = "https://acme.example"
{principal}

[[preset]]
id = "teams"
title = "Teams"
help = "The teams."
path = "{path}"
query = [["version", "2024-10-15"], ["limit", "10"]]
docs = "https://acme.example"
"#;

const PRINCIPAL: &str = r#"principal = { id = "/data/id", name = ["/data/attributes/name"] }"#;

/// Listing of the organizations, with IDs at this pointer.
fn listing(id: &str) -> String {
    format!(
        r#"organisations = {{ preset = "teams", items = {{ list = "/data", value = "{id}", name = "/id" }} }}"#
    )
}

/// Rotates a credential of that provider to its end; returns what the user was asked before the new
/// secret became the current one.
async fn questions(organizations: &str, path: &str, principal: &str) -> Vec<String> {
    let file = FILE
        .replace("{organizations}", organizations)
        .replace("{principal}", principal)
        .replace("{path}", path);
    let rig = RotationRig::with_provider_file(&file).await;
    let credential = rig.add_as("us01-admin", "acme", "key").await;
    let plan = rig.fresh_engine().rotation.plan_rotation(&credential, None).await.unwrap();
    let before = rig.secrets_before(&plan).await;
    let user = ScriptedUser::new(&rig, "us01-admin");
    let status = rig.rotate(plan.clone(), &user).await;
    assert_eq!(status.state, RotationPhase::Done, "{status:#?}");
    rig.assert_accounted(&before, &plan, &status).await;
    let prompts = user.prompts.lock().unwrap();
    let promote = RotationStep::Promote.to_string();
    let asked = prompts.iter().filter(|prompt| prompt.step == promote);
    asked
        .map(|prompt| {
            let typed = prompt
                .choices
                .iter()
                .any(|choice| matches!(choice.decision, UserDecision::Override(_)));
            assert!(typed, "the name is typed to accept it: {prompt:#?}");
            format!("{} {}", prompt.message.title, prompt.message.detail)
        })
        .collect()
}

#[tokio::test]
async fn a_provider_that_reports_everything_is_compared_without_a_question() {
    let asked = questions(&listing("/id"), "/rest/orgs", PRINCIPAL).await;
    assert_eq!(asked, [""; 0]);
    let asked = questions("has_organizations = false", "/rest/orgs", PRINCIPAL).await;
    assert_eq!(asked, [""; 0], "the file says that there are none");
}

#[tokio::test]
async fn a_check_that_names_no_principal_is_asked_about() {
    let asked = questions(&listing("/id"), "/rest/orgs", "").await;
    assert!(
        matches!(&asked[..], [text] if text.contains("cannot be compared with the old one: the provider does not report which user or account it acts as")),
        "{asked:?}"
    );
}

#[tokio::test]
async fn organizations_that_cannot_be_listed_are_asked_about() {
    for (organizations, path) in [
        // The file names no listing.
        (String::new(), "/rest/orgs"),
        // The provider does not have the address.
        (listing("/id"), "/rest/nothing"),
        // The response lists nothing at the pointer.
        (listing("/id"), "/rest/self"),
        // The items have no ID at the pointer.
        (listing("/attributes/nothing"), "/rest/orgs"),
    ] {
        let asked = questions(&organizations, path, PRINCIPAL).await;
        assert!(
            matches!(&asked[..], [text] if text.contains("cannot be compared with the old one: the provider does not list the organizations that it can access")),
            "{organizations} {path}: {asked:?}"
        );
    }
}
