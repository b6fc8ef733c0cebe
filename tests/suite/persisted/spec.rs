//! Pins the format of provider files, which users may write: every key, and every word that stands
//! for a choice.

use std::fmt::Write as _;

use tokenring::domain::provider::spec::{
    ClaimMapping, CredentialKind, MatchConfidence, RecognitionRule, RequestPreset, SecretFormat,
    SecretRole, StatusRule,
};
use tokenring::domain::provider::{AuthMethod, Provider, ProviderCatalog, ValueType};

use super::{assert_file, same};

#[test]
fn words_of_provider_files() {
    pin_variants!(same, ValueType {
        ValueType::Text => ValueType::Text, r#""text""#;
        ValueType::Uuid => ValueType::Uuid, r#""uuid""#;
        ValueType::Number => ValueType::Number, r#""number""#;
    });
    pin_variants!(same, SecretRole {
        SecretRole::Secret => SecretRole::Secret, r#""secret""#;
        SecretRole::Part(_) => SecretRole::Part("client_secret".to_owned()), r#"{"part":"client_secret"}"#;
        SecretRole::AccessToken => SecretRole::AccessToken, r#""access-token""#;
    });
    pin_variants!(same, SecretFormat {
        SecretFormat::Uuid => SecretFormat::Uuid, r#""uuid""#;
        SecretFormat::ClaimsToken => SecretFormat::ClaimsToken, r#""claims-token""#;
        SecretFormat::Jwt => SecretFormat::Jwt, r#""jwt""#;
        SecretFormat::Base64 => SecretFormat::Base64, r#""base64""#;
        SecretFormat::Opaque => SecretFormat::Opaque, r#""opaque""#;
        SecretFormat::PemKey => SecretFormat::PemKey, r#""pem-key""#;
    });
    pin_variants!(same, MatchConfidence {
        MatchConfidence::Possible => MatchConfidence::Possible, r#""possible""#;
        MatchConfidence::Likely => MatchConfidence::Likely, r#""likely""#;
        MatchConfidence::Certain => MatchConfidence::Certain, r#""certain""#;
    });
}

#[test]
fn authorizations() {
    let text = |text: &str| text.to_owned();
    let map = |name: &str, value: &str| [(text(name), text(value))].into();
    pin_variants!(same, AuthMethod {
        AuthMethod::Header { .. } => AuthMethod::Header { scheme: text("token"), fallback: Some(text("bearer")) },
            r#"{"form":"header","scheme":"token","fallback":"bearer"}"#;
        AuthMethod::ClientCredentials { .. } => AuthMethod::ClientCredentials { token: text("/t"), scheme: text("bearer") },
            r#"{"form":"client-credentials","token":"/t","scheme":"bearer"}"#;
        AuthMethod::RefreshToken { .. } => AuthMethod::RefreshToken {
            token: text("/t"),
            scheme: text("bearer"),
            authorize: Some(text("/a")),
            revoke: Some(text("/r")),
        },
            r#"{"form":"refresh-token","token":"/t","scheme":"bearer","authorize":"/a","revoke":"/r"}"#;
        AuthMethod::Exchange { .. } => AuthMethod::Exchange {
            endpoints: Vec::new(),
            scheme: text("bearer"),
            verify: map("org", "org_id"),
        },
            r#"{"form":"exchange","endpoints":[],"scheme":"bearer","verify":{"org":"org_id"}}"#;
    });
}

/// A kind with every key that a file may have.
const KIND: &str = r#"
id = "k"
title = "t"
help = "h"
secret = "s"
acts_as = "user"
check = "self"
page = "{app}/p"
docs = "d"
max_days = 30
max_live = 2
environment = [["TOKEN", "{secret}"]]
caution = "c"

[authorization]
form = "exchange"
scheme = "bearer"
verify = { org = "org_id" }

[[authorization.endpoints]]
path = "/x"
secret_member = "pat"
members = { a = "org_id" }
constants = { b = "c" }

[[recognise]]
shape = "jwt"
prefix = "p"
suffix = "q"
confidence = "likely"
holds = { part = "client_secret" }
why = "w"

[recognise.claims]
host = "h"
expires = "exp"
id = "jti"
required = ["r"]

[[field]]
id = "org_id"
title = "t"
help = "h"
required = true
learned = true

[[part]]
id = "client_secret"
title = "t"
help = "h"
required = true
replace = { plan = "snyk-app-secret", overlap = true, steps = "s" }

[listed]
preset = "list"
list = "/data"
id = "/id"
expires = "/e"
field = "f"

[replace]
plan = "guided"
overlap = false
steps = "s"
"#;

/// A preset request with every key that a file may have.
const PRESET: &str = r#"
id = "p"
title = "t"
help = "h"
method = "POST"
place = "auth"
path = "/{org_id}"
query = [["a", "b"]]
headers = [["c", "d"]]
body = "e"
docs = "d"
reads = true
not_for = ["k"]

[[parameter]]
id = "org_id"
help = "h"
type = "uuid"
choices = ["x"]
default = "x"
from = "orgs"
items = { list = "/data", value = "/id", name = "/name" }

[principal]
id = "/id"
name = ["/name"]
kind = "/type"
home = "/org"
flags = { "/bot" = "bot" }
"#;

const STATUS: &str = r#"
status = 403
body_has = "plan"
kinds = ["k"]
verdict = "refused"
what = "a"
why = "b"
remedy = "c"
"#;

#[test]
fn every_key_of_a_provider_file() {
    let kind: CredentialKind = toml::from_str(KIND).unwrap();
    let preset: RequestPreset = toml::from_str(PRESET).unwrap();
    let status: StatusRule = toml::from_str(STATUS).unwrap();
    let read = [
        serde_json::to_string(&kind),
        serde_json::to_string(&preset),
        serde_json::to_string(&status),
    ];
    let [kind_form, preset_form, status_form] = read.map(Result::unwrap);
    assert_eq!(serde_json::from_str::<CredentialKind>(&kind_form).unwrap(), kind);
    assert_eq!(serde_json::from_str::<RequestPreset>(&preset_form).unwrap(), preset);
    assert_eq!(serde_json::from_str::<StatusRule>(&status_form).unwrap(), status);
    let whole = format!(
        r#"{{"format":1,"id":"p","title":"t","docs":"d","regions_of":"snyk","region":[],"trusted_hosts":["h"],"headers":[["a","b"]],"media_types":[["/a","b"]],"kind":[{kind_form}],"preset":[{preset_form}],"status":[{status_form}],"plans":"x","organisations":{{"preset":"orgs","items":{{"list":"/data","value":"/id","name":"/name"}}}},"secret_members":["secret"],"conflicting_variables":["OTHER"]}}"#
    );
    let provider: Provider = serde_json::from_str(&whole).unwrap();
    assert_eq!(serde_json::to_string(&provider).unwrap(), whole);
    let older = whole.replace(r#","conflicting_variables":["OTHER"]"#, "");
    let older: Provider = serde_json::from_str(&older).unwrap();
    assert_eq!(older.conflicting_variables, Vec::<String>::new(), "an older file has none");
    assert_file("provider.json", &(whole + "\n"));
}

/// Recognition rules may leave out every key except the format, the confidence and the reason.
#[test]
fn what_a_rule_may_leave_out() {
    let rule: RecognitionRule =
        toml::from_str("shape = \"opaque\"\nconfidence = \"possible\"\nwhy = \"w\"\n").unwrap();
    let expected = RecognitionRule {
        shape: SecretFormat::Opaque,
        prefix: String::new(),
        suffix: String::new(),
        confidence: MatchConfidence::Possible,
        secret_role: SecretRole::Secret,
        claims: ClaimMapping::default(),
        why: "w".to_owned(),
    };
    assert_eq!(rule, expected);
}

/// Pins the IDs of everything that the built-in providers define: they are in the index and on the
/// command line.
#[test]
fn ids_of_the_built_in_providers() {
    let mut found = String::new();
    let catalogue = ProviderCatalog::builtin();
    for provider in catalogue.providers() {
        let id = &provider.id;
        found.extend(
            provider
                .regions
                .iter()
                .map(|region| format!("{id} region {} {}\n", region.id, region.aliases.join(","))),
        );
        for kind in provider.kinds.iter() {
            writeln!(found, "{id} kind {}", kind.id).unwrap();
            found.extend(
                kind.fields
                    .iter()
                    .map(|field| format!("{id} kind {} field {}\n", kind.id, field.id)),
            );
            found.extend(
                kind.parts.iter().map(|part| format!("{id} kind {} part {}\n", kind.id, part.id)),
            );
        }
        for preset in provider.presets.iter() {
            writeln!(found, "{id} preset {}", preset.id).unwrap();
            found.extend(
                preset
                    .parameters
                    .iter()
                    .map(|one| format!("{id} preset {} parameter {}\n", preset.id, one.id)),
            );
        }
    }
    assert_file("provider-ids.txt", &found);
}
