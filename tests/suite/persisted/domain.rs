//! Credentials, consumers, requests and regions: the JSON in the index, and the TOML of files that users share.

use std::collections::BTreeMap;
use std::path::PathBuf;

use tokenring::domain::consumer::{Command, Consumer, Delivered, Target};
use tokenring::domain::credential::{Check, Part, Principal, Slot};
use tokenring::domain::provider::overlay::with_region;
use tokenring::domain::provider::{Catalogue, Source};
use tokenring::domain::region::{Place, Region};
use tokenring::domain::request::{self, Draft, Method, Saved};
use tokenring::domain::response::Verdict;
use tokenring::domain::{Credential, CredentialId, Name, Origin};
use tokenring::store::BackendKind;

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
        name: Name::parse("nightly").unwrap(),
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

pub(super) fn check() -> Check {
    Check { verdict: Verdict::Accepted, status: Some(200), reason: text("fine"), at: MOMENT, latency_ms: Some(41) }
}

/// A request with every member set.
pub(super) fn draft() -> Draft {
    Draft {
        method: Method::Post,
        target: request::Target::Path { place: Place::Auth, path: text("/oauth2/token") },
        query: vec![pair("version", "2024-10-15")],
        headers: vec![pair("accept", "application/json")],
        body: Some(text("a=1")),
        preset: Some(text("self")),
    }
}

/// The JSON of [`draft`].
pub(super) const DRAFT: &str = r#"{"method":"POST","target":{"path":{"place":"auth","path":"/oauth2/token"}},"query":[["version","2024-10-15"]],"headers":[["accept","application/json"]],"body":"a=1","preset":"self"}"#;

const PRINCIPAL: &str = r#"{"id":"p-1","name":"Ann","type":"user"}"#;

#[test]
fn checks_and_principals() {
    same(&principal(), PRINCIPAL);
    let form = format!(r#"{{"verdict":"accepted","status":200,"reason":"fine","at":{MOMENT_TEXT},"latency_ms":41}}"#);
    same(&check(), &form);
    let bare = Check { status: None, latency_ms: None, ..check() };
    let form = format!(r#"{{"verdict":"accepted","status":null,"reason":"fine","at":{MOMENT_TEXT},"latency_ms":null}}"#);
    same(&bare, &form);
    pin_variants!(same, Verdict {
        Verdict::Accepted => Verdict::Accepted, r#""accepted""#;
        Verdict::Refused => Verdict::Refused, r#""refused""#;
        Verdict::Unknown => Verdict::Unknown, r#""unknown""#;
        Verdict::Unchecked => Verdict::Unchecked, r#""unchecked""#;
    });
}

#[test]
fn credentials() {
    same(&credential(), CREDENTIAL);
    let id = CredentialId::from_random([0xab; 16]);
    same(&id, r#""abababababababababababababababab""#);
    same(&Name::parse("nightly").unwrap(), r#""nightly""#);
}

const CREDENTIAL: &str = r#"{"id":"07070707070707070707070707070707","name":"nightly","provider":"snyk","kind":"service-account-token","region":"SNYK-EU-01","fields":{"org_id":"o-1"},"labels":["prod","ci"],"created":[2026,326,12,0,0,250000000,0,0,0],"expires":[2026,326,12,0,0,250000000,0,0,0],"fingerprint":"5f1c","principal":{"id":"p-1","name":"Ann","type":"user"},"scheme":"token","last_check":{"verdict":"accepted","status":200,"reason":"fine","at":"2026-11-22T12:00:00.25Z","latency_ms":41}}"#;

#[test]
fn slots_parts_and_stores() {
    pin_variants!(same, Slot {
        Slot::Current => Slot::Current, r#""current""#;
        Slot::Pending => Slot::Pending, r#""pending""#;
        Slot::Previous => Slot::Previous, r#""previous""#;
    });
    pin_variants!(same, Part {
        Part::Secret => Part::Secret, r#""secret""#;
        Part::Named(_) => Part::Named(text("client_secret")), r#"{"named":"client_secret"}"#;
    });
    pin_variants!(same, BackendKind {
        BackendKind::Keyring => BackendKind::Keyring, r#""keyring""#;
        BackendKind::File => BackendKind::File, r#""file""#;
        BackendKind::Memory => BackendKind::Memory, r#""memory""#;
    });
}

fn command() -> Command {
    let ways = vec![vec![vec![text("seal"), text("-k")], vec![text("apply")]], vec![vec![text("other")]]];
    Command { ways, folder: PathBuf::from("/srv"), pass: vec![text("KUBECONFIG")] }
}

#[test]
fn targets_of_consumers() {
    let path = PathBuf::from("/srv/.env");
    pin_variants!(same, Target {
        Target::Command(_) => Target::Command(command()), r#"{"kind":"command","ways":[[["seal","-k"],["apply"]],[["other"]]],"folder":"/srv","pass":["KUBECONFIG"]}"#;
        Target::EnvFile { .. } => Target::EnvFile { path: path.clone(), key: text("TOKEN") }, r#"{"kind":"env-file","path":"/srv/.env","key":"TOKEN"}"#;
        Target::JsonFile { .. } => Target::JsonFile { path: path.clone(), pointer: text("/a/b") }, r#"{"kind":"json-file","path":"/srv/.env","pointer":"/a/b"}"#;
        Target::SnykCli { .. } => Target::SnykCli { path: path.clone() }, r#"{"kind":"snyk-cli","path":"/srv/.env"}"#;
        Target::ProbelyCli { .. } => Target::ProbelyCli { path: path.clone() }, r#"{"kind":"probely-cli","path":"/srv/.env"}"#;
    });
    let older = r#"{"kind":"command","ways":[],"folder":"/srv"}"#;
    let expected = Target::Command(Command { ways: Vec::new(), folder: PathBuf::from("/srv"), pass: Vec::new() });
    assert_eq!(serde_json::from_str::<Target>(older).unwrap(), expected, "an older form");
}

#[test]
fn consumers_and_deliveries() {
    let delivered = Delivered { fingerprint: text("5f1c"), at: MOMENT };
    let form = format!(r#"{{"fingerprint":"5f1c","at":{MOMENT_TEXT}}}"#);
    same(&delivered, &form);
    let consumer = Consumer {
        credential: CredentialId::from_random([7; 16]),
        name: Name::parse("app").unwrap(),
        part: Part::Secret,
        target: Target::SnykCli { path: PathBuf::from("/c") },
        delivered: Some(delivered),
    };
    let form = format!(
        r#"{{"credential":"07070707070707070707070707070707","name":"app","part":"secret","target":{{"kind":"snyk-cli","path":"/c"}},"delivered":{form}}}"#
    );
    same(&consumer, &form);
}

#[test]
fn drafts_of_requests() {
    same(&draft(), DRAFT);
    let bare = Draft::new(Method::Get, request::Target::parse("/a").unwrap());
    let form =
        r#"{"method":"GET","target":{"path":{"place":"api","path":"/a"}},"query":[],"headers":[],"body":null,"preset":null}"#;
    same(&bare, form);
    let older = r#"{"method":"GET","target":{"path":{"path":"/a"}}}"#;
    assert_eq!(serde_json::from_str::<Draft>(older).unwrap(), bare, "what may be left out");
    pin_variants!(same, request::Target {
        request::Target::Path { .. } => request::Target::parse("app:/x").unwrap(), r#"{"path":{"place":"app","path":"/x"}}"#;
        request::Target::Url(_) => request::Target::parse("https://a.example/x").unwrap(), r#"{"url":"https://a.example/x"}"#;
    });
    pin_variants!(same, Place {
        Place::Api => Place::Api, r#""api""#;
        Place::Auth => Place::Auth, r#""auth""#;
        Place::App => Place::App, r#""app""#;
    });
    pin_variants!(same, Method {
        Method::Get => Method::Get, r#""GET""#;
        Method::Head => Method::Head, r#""HEAD""#;
        Method::Post => Method::Post, r#""POST""#;
        Method::Put => Method::Put, r#""PUT""#;
        Method::Patch => Method::Patch, r#""PATCH""#;
        Method::Delete => Method::Delete, r#""DELETE""#;
        Method::Options => Method::Options, r#""OPTIONS""#;
    });
}

#[test]
fn files_of_saved_requests() {
    let form = "provider = \"snyk\"\nmethod = \"POST\"\ntarget = \"auth:/oauth2/token\"\nquery = [[\"version\", \"2024-10-15\"]]\nheaders = [[\"accept\", \"application/json\"]]\nbody = \"a=1\"\n";
    let saved = Saved::of(&draft(), "snyk");
    assert_eq!(saved.to_toml(), form);
    assert_eq!(Saved::from_toml(form).unwrap(), saved);
    assert_eq!(saved.draft().unwrap(), Draft { preset: None, ..draft() });
    for (target, written) in [("/a", "/a"), ("app:/a", "app:/a"), ("https://a.example/x", "https://a.example/x")] {
        let saved = Saved::of(&Draft::new(Method::Get, request::Target::parse(target).unwrap()), "snyk");
        assert_eq!(saved.to_toml(), format!("provider = \"snyk\"\nmethod = \"GET\"\ntarget = \"{written}\"\n"));
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
    same(&bare, r#"{"id":"ACME","title":"Acme","aliases":["acme","own"],"api":"https://api.acme.example"}"#);
}

#[test]
fn provider_files_with_a_region_of_the_user() {
    let form = "id = \"snyk\"\nformat = 1\n\n[[region]]\nid = \"ACME\"\ntitle = \"Acme\"\napi = \"https://api.acme.example\"\napp = \"https://app.acme.example:8443\"\nauth = \"http://127.0.0.1:8080\"\nca_file = \"/etc/acme.pem\"\naliases = [\"acme\", \"own\"]\n";
    let written = with_region(None, "snyk", &region()).unwrap();
    assert_eq!(written, form);
    let catalogue = Catalogue::load(&[Source { name: text("snyk.toml"), text: form.to_owned() }]).unwrap();
    assert_eq!(catalogue.region("snyk", "own").unwrap(), &Region { issuers: Vec::new(), ..region() });
}
