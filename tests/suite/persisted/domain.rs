//! Pins credentials, consumers, requests and regions: the JSON in the index, and the TOML of files
//! that users share.

use std::collections::BTreeMap;
use std::path::PathBuf;

use tokenring::domain::consumer::{Consumer, ConsumerTarget, DeliveryRecord, StdinCommand};
use tokenring::domain::credential::{CheckReport, Principal, SecretPart, SecretSlot};
use tokenring::domain::provider::user_overrides::toml_with_region;
use tokenring::domain::provider::{ProviderCatalog, ProviderSource};
use tokenring::domain::region::{HostRole, Region};
use tokenring::domain::request::{
    self, DraftBody, FormPart, HttpMethod, RequestDraft, SavedRequest,
};
use tokenring::domain::response::CheckResult;
use tokenring::domain::{Credential, CredentialId, CredentialName, Origin, StoreKind};

use super::{MOMENT, MOMENT_TEXT, same};

fn text(text: &str) -> String {
    text.to_owned()
}

fn pair(name: &str, value: &str) -> (String, String) {
    (text(name), text(value))
}

/// A credential with every member set.
pub(super) fn credential() -> Credential {
    Credential {
        id: CredentialId::from_random([7; 16]),
        name: CredentialName::parse("nightly").unwrap(),
        provider: text("snyk"),
        kind: text("service-account-token"),
        region: text("SNYK-EU-01"),
        fields: BTreeMap::from([pair("org_id", "o-1")]),
        labels: vec![text("prod"), text("ci")],
        created: MOMENT,
        expires: Some(MOMENT),
        fingerprint: Some(text("5f1c")),
        principal: Some(principal()),
        scheme: Some(text("token")),
        last_check: Some(check()),
    }
}

pub(super) fn principal() -> Principal {
    Principal { id: text("p-1"), name: text("Ann"), kind: text("user") }
}

pub(super) fn check() -> CheckReport {
    CheckReport {
        result: CheckResult::Accepted,
        status: Some(200),
        reason: text("fine"),
        checked_at: MOMENT,
        latency_ms: Some(41),
    }
}

/// A request with every member set.
pub(super) fn draft() -> RequestDraft {
    RequestDraft {
        method: HttpMethod::Post,
        target: request::RequestTarget::Path { place: HostRole::Auth, path: text("/oauth2/token") },
        query: vec![pair("version", "2024-10-15")],
        headers: vec![pair("accept", "application/json")],
        removed_headers: Vec::new(),
        body: Some("a=1".into()),
        preset: Some(text("self")),
    }
}

/// The JSON of [`into_draft`].
pub(super) const DRAFT: &str = r#"{"method":"POST","target":{"path":{"place":"auth","path":"/oauth2/token"}},"query":[["version","2024-10-15"]],"headers":[["accept","application/json"]],"body":"a=1","preset":"self"}"#;

const PRINCIPAL: &str = r#"{"id":"p-1","name":"Ann","type":"user"}"#;

#[test]
fn checks_and_principals() {
    same(&principal(), PRINCIPAL);
    let form = format!(
        r#"{{"verdict":"accepted","status":200,"reason":"fine","at":{MOMENT_TEXT},"latency_ms":41}}"#
    );
    same(&check(), &form);
    let bare = CheckReport { status: None, latency_ms: None, ..check() };
    let form = format!(
        r#"{{"verdict":"accepted","status":null,"reason":"fine","at":{MOMENT_TEXT},"latency_ms":null}}"#
    );
    same(&bare, &form);
    pin_variants!(same, CheckResult {
        CheckResult::Accepted => CheckResult::Accepted, r#""accepted""#;
        CheckResult::Refused => CheckResult::Refused, r#""refused""#;
        CheckResult::Unknown => CheckResult::Unknown, r#""unknown""#;
        CheckResult::Unchecked => CheckResult::Unchecked, r#""unchecked""#;
    });
}

#[test]
fn credentials() {
    same(&credential(), CREDENTIAL);
    let id = CredentialId::from_random([0xab; 16]);
    same(&id, r#""abababababababababababababababab""#);
    same(&CredentialName::parse("nightly").unwrap(), r#""nightly""#);
}

const CREDENTIAL: &str = r#"{"id":"07070707070707070707070707070707","name":"nightly","provider":"snyk","kind":"service-account-token","region":"SNYK-EU-01","fields":{"org_id":"o-1"},"labels":["prod","ci"],"created":[2026,326,12,0,0,250000000,0,0,0],"expires":[2026,326,12,0,0,250000000,0,0,0],"fingerprint":"5f1c","principal":{"id":"p-1","name":"Ann","type":"user"},"scheme":"token","last_check":{"verdict":"accepted","status":200,"reason":"fine","at":"2026-11-22T12:00:00.25Z","latency_ms":41}}"#;

#[test]
fn slots_parts_and_stores() {
    pin_variants!(same, SecretSlot {
        SecretSlot::Current => SecretSlot::Current, r#""current""#;
        SecretSlot::Pending => SecretSlot::Pending, r#""pending""#;
        SecretSlot::Previous => SecretSlot::Previous, r#""previous""#;
    });
    pin_variants!(same, SecretPart {
        SecretPart::Secret => SecretPart::Secret, r#""secret""#;
        SecretPart::Named(_) => SecretPart::Named(text("client_secret")), r#"{"named":"client_secret"}"#;
    });
    same(&StoreKind::Keyring, r#""keyring""#);
    same(&StoreKind::File, r#""file""#);
    same(&StoreKind::Memory, r#""memory""#);
}

fn command() -> StdinCommand {
    let ways =
        vec![vec![vec![text("seal"), text("-k")], vec![text("apply")]], vec![vec![text("other")]]];
    StdinCommand {
        pipelines: ways,
        working_dir: PathBuf::from("/srv"),
        passed_env_vars: vec![text("KUBECONFIG")],
    }
}

#[test]
fn targets_of_consumers() {
    let path = PathBuf::from("/srv/.env");
    pin_variants!(same, ConsumerTarget {
        ConsumerTarget::Command(_) => ConsumerTarget::Command(command()), r#"{"kind":"command","ways":[[["seal","-k"],["apply"]],[["other"]]],"folder":"/srv","pass":["KUBECONFIG"]}"#;
        ConsumerTarget::EnvFile { .. } => ConsumerTarget::EnvFile { path: path.clone(), key: text("TOKEN") }, r#"{"kind":"env-file","path":"/srv/.env","key":"TOKEN"}"#;
        ConsumerTarget::JsonFile { .. } => ConsumerTarget::JsonFile { path: path.clone(), pointer: text("/a/b") }, r#"{"kind":"json-file","path":"/srv/.env","pointer":"/a/b"}"#;
        ConsumerTarget::SnykCli { .. } => ConsumerTarget::SnykCli { path: path.clone() }, r#"{"kind":"snyk-cli","path":"/srv/.env"}"#;
        ConsumerTarget::ProbelyCli { .. } => ConsumerTarget::ProbelyCli { path: path.clone() }, r#"{"kind":"probely-cli","path":"/srv/.env"}"#;
    });
    let older = r#"{"kind":"command","ways":[],"folder":"/srv"}"#;
    let expected = ConsumerTarget::Command(StdinCommand {
        pipelines: Vec::new(),
        working_dir: PathBuf::from("/srv"),
        passed_env_vars: Vec::new(),
    });
    assert_eq!(serde_json::from_str::<ConsumerTarget>(older).unwrap(), expected, "an older form");
}

#[test]
fn consumers_and_deliveries() {
    let delivered = DeliveryRecord { fingerprint: text("5f1c"), at: MOMENT };
    let form = format!(r#"{{"fingerprint":"5f1c","at":{MOMENT_TEXT}}}"#);
    same(&delivered, &form);
    let consumer = Consumer {
        credential: CredentialId::from_random([7; 16]),
        name: CredentialName::parse("app").unwrap(),
        part: SecretPart::Secret,
        target: ConsumerTarget::SnykCli { path: PathBuf::from("/c") },
        linked_to: None,
        last_delivery: Some(delivered),
    };
    let form = format!(
        r#"{{"credential":"07070707070707070707070707070707","name":"app","part":"secret","target":{{"kind":"snyk-cli","path":"/c"}},"delivered":{form}}}"#
    );
    same(&consumer, &form);
    let linked = Consumer { linked_to: Some(PathBuf::from("/real")), ..consumer };
    let form = form.replace(r#","delivered""#, r#","linked_to":"/real","delivered""#);
    same(&linked, &form);
}

#[test]
fn drafts_of_requests() {
    same(&draft(), DRAFT);
    let bare = RequestDraft::new(HttpMethod::Get, request::RequestTarget::parse("/a").unwrap());
    let form = r#"{"method":"GET","target":{"path":{"place":"api","path":"/a"}},"query":[],"headers":[],"body":null,"preset":null}"#;
    same(&bare, form);
    let older = r#"{"method":"GET","target":{"path":{"path":"/a"}}}"#;
    assert_eq!(serde_json::from_str::<RequestDraft>(older).unwrap(), bare, "what may be left out");
    pin_variants!(same, request::RequestTarget {
        request::RequestTarget::Path { .. } => request::RequestTarget::parse("app:/x").unwrap(), r#"{"path":{"place":"app","path":"/x"}}"#;
        request::RequestTarget::Url(_) => request::RequestTarget::parse("https://a.example/x").unwrap(), r#"{"url":"https://a.example/x"}"#;
    });
    pin_variants!(same, HostRole {
        HostRole::Api => HostRole::Api, r#""api""#;
        HostRole::Auth => HostRole::Auth, r#""auth""#;
        HostRole::App => HostRole::App, r#""app""#;
    });
    pin_variants!(same, HttpMethod {
        HttpMethod::Get => HttpMethod::Get, r#""GET""#;
        HttpMethod::Head => HttpMethod::Head, r#""HEAD""#;
        HttpMethod::Post => HttpMethod::Post, r#""POST""#;
        HttpMethod::Put => HttpMethod::Put, r#""PUT""#;
        HttpMethod::Patch => HttpMethod::Patch, r#""PATCH""#;
        HttpMethod::Delete => HttpMethod::Delete, r#""DELETE""#;
        HttpMethod::Options => HttpMethod::Options, r#""OPTIONS""#;
    });
}

#[test]
fn bodies_of_requests() {
    let part = |text: &str| FormPart::parse(text).unwrap();
    pin_variants!(same, DraftBody {
        DraftBody::Text(_) => "a=1".into(), r#""a=1""#;
        DraftBody::File { .. } => DraftBody::File { file: text("app.ipa") }, r#"{"file":"app.ipa"}"#;
        DraftBody::Form { .. } => DraftBody::Form { form: vec![
            part("a=1"), part("b=@app.ipa;type=x/y;filename=c"), part("d=<notes.txt"),
        ] }, r#"{"form":[{"name":"a","text":"1"},{"name":"b","file":"app.ipa","type":"x/y","filename":"c"},{"name":"d","text-file":"notes.txt"}]}"#;
    });
    let removing = RequestDraft { removed_headers: vec![text("user-agent")], ..draft() };
    same(&removing, &DRAFT.replace(r#","body""#, r#","removed_headers":["user-agent"],"body""#));
    let upload = RequestDraft {
        removed_headers: vec![text("user-agent")],
        body: Some(DraftBody::Form { form: vec![part("a=1"), part("b=@app.ipa")] }),
        ..RequestDraft::new(HttpMethod::Post, request::RequestTarget::parse("/a").unwrap())
    };
    let form = "provider = \"x\"\nmethod = \"POST\"\ntarget = \"/a\"\nremoved_headers = [\"user-agent\"]\n\n[[body.form]]\nname = \"a\"\ntext = \"1\"\n\n[[body.form]]\nname = \"b\"\nfile = \"app.ipa\"\n";
    let saved = SavedRequest::from_draft(&upload, "x");
    assert_eq!(saved.to_toml(), form);
    assert_eq!(SavedRequest::from_toml(form).unwrap().into_draft().unwrap(), upload);
}

#[test]
fn files_of_saved_requests() {
    let form = "provider = \"snyk\"\nmethod = \"POST\"\ntarget = \"auth:/oauth2/token\"\nquery = [[\"version\", \"2024-10-15\"]]\nheaders = [[\"accept\", \"application/json\"]]\nbody = \"a=1\"\n";
    let saved = SavedRequest::from_draft(&draft(), "snyk");
    assert_eq!(saved.to_toml(), form);
    assert_eq!(SavedRequest::from_toml(form).unwrap(), saved);
    assert_eq!(saved.into_draft().unwrap(), RequestDraft { preset: None, ..draft() });
    for (target, written) in
        [("/a", "/a"), ("app:/a", "app:/a"), ("https://a.example/x", "https://a.example/x")]
    {
        let saved = SavedRequest::from_draft(
            &RequestDraft::new(HttpMethod::Get, request::RequestTarget::parse(target).unwrap()),
            "snyk",
        );
        assert_eq!(
            saved.to_toml(),
            format!("provider = \"snyk\"\nmethod = \"GET\"\ntarget = \"{written}\"\n")
        );
    }
}

fn region() -> Region {
    let origin = |url: &str| Origin::parse(url).unwrap();
    Region {
        id: text("ACME"),
        title: text("Acme"),
        aliases: vec![text("acme"), text("own")],
        issuers: vec![origin("https://old.example")],
        api: origin("https://api.acme.example"),
        app: Some(origin("https://app.acme.example:8443")),
        auth: Some(origin("http://127.0.0.1:8080")),
        ca_file: Some(PathBuf::from("/etc/acme.pem")),
    }
}

#[test]
fn regions() {
    same(
        &region(),
        r#"{"id":"ACME","title":"Acme","aliases":["acme","own"],"issuers":["https://old.example"],"api":"https://api.acme.example","app":"https://app.acme.example:8443","auth":"http://127.0.0.1:8080","ca_file":"/etc/acme.pem"}"#,
    );
    let bare = Region { issuers: Vec::new(), app: None, auth: None, ca_file: None, ..region() };
    same(
        &bare,
        r#"{"id":"ACME","title":"Acme","aliases":["acme","own"],"api":"https://api.acme.example"}"#,
    );
}

#[test]
fn provider_files_with_a_region_of_the_user() {
    let form = "id = \"snyk\"\nformat = 1\n\n[[region]]\nid = \"ACME\"\ntitle = \"Acme\"\napi = \"https://api.acme.example\"\napp = \"https://app.acme.example:8443\"\nauth = \"http://127.0.0.1:8080\"\nca_file = \"/etc/acme.pem\"\naliases = [\"acme\", \"own\"]\n";
    let written = toml_with_region(None, "snyk", &region()).unwrap();
    assert_eq!(written, form);
    let catalogue =
        ProviderCatalog::load(&[ProviderSource { name: text("snyk.toml"), text: form.to_owned() }])
            .unwrap();
    assert_eq!(
        catalogue.region("snyk", "own").unwrap(),
        &Region { issuers: Vec::new(), ..region() }
    );
}
