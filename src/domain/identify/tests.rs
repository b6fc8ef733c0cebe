//! Tests of [`identify`] with texts that users paste, forged tokens, and unusual input.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use proptest::prelude::*;

use super::*;
use crate::domain::provider::builtin_catalog;

const UUID: &str = "7f3c1d90-1b2a-4c3d-8e4f-5a6b7c8d9e0f";

fn pasted(text: &str) -> Result<Identification, PasteError> {
    identify(&Secret::from_text(text.to_owned()), builtin_catalog())
}

fn bare(text: &str) -> String {
    match pasted(text) {
        Ok(found) => found.secret.expose(|bytes| String::from_utf8(bytes.to_vec()).unwrap()),
        Err(error) => panic!("{text:?}: {error}"),
    }
}

fn error(text: &str) -> PasteError {
    pasted(text).err().unwrap()
}

fn best(text: &str) -> IdentificationCandidate {
    pasted(text).unwrap().candidates.into_iter().next().unwrap()
}

fn part(json: &str) -> String {
    URL_SAFE_NO_PAD.encode(json)
}

fn pat(claims: &str) -> String {
    format!("snyk_uat.abcd1234.{}.c2lnbmF0dXJl", part(claims))
}

fn jwt(claims: &str) -> String {
    format!("{}.{}.c2lnbmF0dXJl", part(r#"{"alg":"HS256","typ":"JWT"}"#), part(claims))
}

#[test]
fn whatever_people_paste_along_is_taken_off_and_named() {
    let token = pat(r#"{"h":"api.eu.snyk.io"}"#);
    for (wrapped, cleaned) in [
        (format!("{token}\r\n"), "surrounding whitespace or line breaks"),
        (format!("Bearer {token}"), "a leading \"Bearer\""),
        (format!("token {token}"), "a leading \"token\""),
        (format!("JWT {token}"), "a leading \"JWT\""),
        (format!("Authorization: token {token}"), "a leading \"Authorization:\""),
        (format!("'{token}'"), "surrounding quotes"),
        (format!("\u{201c}{token}\u{201d}"), "surrounding quotes"),
        (format!("export SNYK_TOKEN=\"{token}\""), "a leading variable name"),
        (format!("SNYK_TOKEN={token} # until May"), "a trailing comment"),
        (format!("# local\nSNYK_API=https://api.snyk.io\nSNYK_TOKEN={token}\n"), "other lines"),
        (format!("_TOKEN={token}"), "a leading variable name"),
        (format!("# where it is from\n\n{token}\n"), "surrounding comment lines"),
        (format!("$env:SNYK_TOKEN = \"{token}\""), "a leading PowerShell assignment"),
        (format!("SNYK_TOKEN: {token}"), "a leading variable name"),
        (format!("  \"token\": \"{token}\","), "a trailing comma or semicolon"),
        (
            format!(r#"{{"api":"{token}","endpoint":"https://api.snyk.io","org":"x"}}"#),
            "surrounding JSON",
        ),
        (
            format!(
                r#"{{"data":{{"attributes":{{"name":"x","access_token":"{token}","level":"Org"}}}}}}"#
            ),
            "surrounding JSON",
        ),
        (
            format!(
                "curl -sS -H 'Accept: */*' -H \"Authorization: token {token}\" \\\n  https://api.snyk.io/rest/self"
            ),
            "a surrounding curl command",
        ),
        (
            format!("curl -H'Authorization: token {token}' https://api.snyk.io/rest/self"),
            "a surrounding curl command",
        ),
        (
            format!("curl --header='Authorization: token {token}' api.snyk.io"),
            "a surrounding curl command",
        ),
        (
            format!("curl -H Authorization:\\ token\\ {token} api.snyk.io"),
            "a surrounding curl command",
        ),
        (format!("-H 'Authorization: token {token}'"), "a surrounding header option"),
        (format!("\"{token}\""), "surrounding quotes"),
        (format!("\"{}\"", token.replace('_', "\\u005f")), "surrounding quotes and escapes"),
        (format!("[\"{token}\"]"), "surrounding JSON"),
        (format!("\u{feff}{token}"), "a leading byte-order mark"),
    ] {
        assert_eq!(bare(&wrapped), token, "{wrapped}");
        let found = pasted(&wrapped).unwrap().removed;
        assert!(found.iter().any(|what| what == cleaned), "{wrapped}: {found:?}");
        assert!(
            found.iter().all(|what| !what.contains("SNYK")),
            "what is taken off is named by its sort only: {found:?}"
        );
    }
    assert!(pasted(&token).unwrap().removed.is_empty());
}

#[test]
fn padding_and_odd_characters_of_a_secret_are_not_wrapping() {
    for secret in [
        "VFRrME1qSTVPVGsxTnpnMU1B==",
        "snyk_cs_a=b^c:;d,\"e_v1",
        "abc==",
        "1234567890",
        "null",
        "a\\b",
        "1abc=def",
        "a/b=c",
    ] {
        assert_eq!(bare(secret), secret);
    }
}

#[test]
fn what_cannot_be_one_secret_is_refused_by_name() {
    assert_eq!(error(""), PasteError::Empty);
    assert_eq!(error("\"\" "), PasteError::Empty);
    assert_eq!(error("# only\n# comments"), PasteError::Empty);
    assert_eq!(error("one two"), PasteError::Ambiguous);
    assert_eq!(error(r#"{"access_token":"a","refresh_token":"b"}"#), PasteError::Ambiguous);
    assert_eq!(error("curl https://api.snyk.io"), PasteError::Empty);
    assert_eq!(
        error("snyk\u{200b}_uat"),
        PasteError::UnprintableCharacter {
            name: "a zero-width space (U+200B)".to_owned(),
            position: 5
        }
    );
    assert!(matches!(error("\u{1b}[31mred"), PasteError::UnprintableCharacter { position: 1, .. }));
    assert!(matches!(
        error(r#"{"token":"a\u200db"}"#),
        PasteError::UnprintableCharacter { position: 2, .. }
    ));
    let bytes = identify(&Secret::new(vec![0xff, 0xfe, b'a']), builtin_catalog());
    assert_eq!(bytes.err(), Some(PasteError::NotText));
}

#[test]
fn a_personal_access_token_names_its_region_and_its_end() {
    let found =
        best(&pat(r#"{"j":"pat-id-123","h":"api.eu.snyk.io","e":1678886400,"s":"sub","new":[1]}"#));
    assert_eq!((found.provider.as_str(), found.kind.as_str()), ("snyk", "personal-access-token"));
    assert_eq!(found.region.as_deref(), Some("SNYK-EU-01"));
    assert_eq!(found.expires.unwrap().unix_timestamp(), 1_678_886_400);
    assert_eq!(found.remote_id.as_deref(), Some("pat-id-123"));
    assert_eq!(found.confidence, MatchConfidence::Certain);
}

#[test]
fn an_id_that_is_no_id_is_not_stored() {
    for id in [String::new(), "../../orgs".to_owned(), "a b".to_owned(), "x".repeat(500)] {
        assert_eq!(
            best(&pat(&serde_json::json!({ "j": id, "h": "api.snyk.io" }).to_string())).remote_id,
            None,
            "{id}"
        );
    }
}

#[test]
fn a_shape_is_looked_at_in_every_part() {
    let kinds = |text: &str| -> Vec<_> {
        pasted(text)
            .map(|found| found.candidates)
            .unwrap_or_default()
            .into_iter()
            .map(|one| one.kind)
            .collect()
    };
    let claims = part(r#"{"h":"api.snyk.io"}"#);
    for text in [
        format!("snyk_uat.ABCD1234.{claims}.c2ln"),
        format!("snyk_uat.abcd123.{claims}.c2ln"),
        format!("snyk_uat.abcd1234.{claims}.c2+n"),
        format!("snyk_uat.abcd1234.{claims}."),
        "snyk_uat.abcd1234.a+b.c2ln".to_owned(),
    ] {
        assert_eq!(best(&text).confidence, MatchConfidence::Possible, "{text} is not whole");
    }
    for text in [
        "7f3c1d901b2a4c3d8e4f5a6b7c8d9e0f",
        "7f3c1d90-1b2a-4c3d-8e4f-5a6b7c8d9e0z",
        "7f3c1d90-1b2a-4c3d-8e4f5-a6b7c8d9e0f",
        "-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----",
        "-----BEGIN PRIVATE KEY-----",
    ] {
        assert!(
            !kinds(text).iter().any(|kind| kind.contains("token") || kind.contains("oauth")),
            "{text}"
        );
    }
    for text in [STANDARD.encode([0xfb; 19]), URL_SAFE.encode([0xfb; 19])] {
        assert_eq!(kinds(&text), ["personal-access-key"], "{text}");
    }
    for text in [STANDARD.encode([0xfb; 4]), "not!base64!but!long!enough==".to_owned()] {
        assert_eq!(kinds(&text), [""; 0], "{text}");
    }
    let claims = part(r#"{"jti":"JGvQI93I2asJ","tenant":"probely","username":"u@example.com"}"#);
    let header = part(r#"{"alg":"HS256"}"#);
    assert_eq!(kinds(&format!("{header}.{claims}.c2ln")), ["api-key"]);
    for text in [
        format!("{}.{claims}.c2ln", part(r#"{"typ":"JWT"}"#)),
        format!("{header}.{claims}.c2+n"),
        format!("{header}.{claims}."),
    ] {
        assert_eq!(kinds(&text), [""; 0], "{text}");
    }
}

#[test]
fn of_several_hosts_the_one_that_is_known_counts() {
    for hosts in [
        r#"["https://api.eu.snyk.io","https://elsewhere.example"]"#,
        r#"["https://elsewhere.example","https://api.eu.snyk.io"]"#,
    ] {
        assert_eq!(
            best(&jwt(&format!(r#"{{"aud":{hosts},"exp":1900000000}}"#))).region.as_deref(),
            Some("SNYK-EU-01"),
            "{hosts}"
        );
    }
}

#[test]
fn what_cannot_be_seen_is_called_by_its_name() {
    for (c, name) in [
        ('\0', "a null character (U+0000)"),
        ('\u{7}', "a bell (U+0007)"),
        ('\u{8}', "a backspace (U+0008)"),
        ('\u{1b}', "an escape character (U+001B)"),
        ('\u{7f}', "a delete character (U+007F)"),
        ('\u{ad}', "a soft hyphen (U+00AD)"),
        ('\u{200b}', "a zero-width space (U+200B)"),
        ('\u{200c}', "a zero-width non-joiner (U+200C)"),
        ('\u{200d}', "a zero-width joiner (U+200D)"),
        ('\u{202e}', "a direction mark (U+202E)"),
        ('\u{2060}', "a word joiner (U+2060)"),
        ('\u{feff}', "a byte-order mark (U+FEFF)"),
        ('\u{1}', "a control character (U+0001)"),
        ('\u{2062}', "an invisible character (U+2062)"),
    ] {
        assert_eq!(
            error(&format!("ab{c}cd")),
            PasteError::UnprintableCharacter { name: name.to_owned(), position: 3 }
        );
    }
}

#[test]
fn a_hostile_host_in_a_token_leads_nowhere() {
    for host in
        ["api.snyk.io.evil.com", "u@api.snyk.io", "api.snyk.io:444", "api.xn--snk-0na.io", "API."]
    {
        let found = best(&pat(&format!(r#"{{"h":"{host}"}}"#)));
        assert_eq!(found.region, None, "{host}");
        assert!(!found.why.contains("evil") && found.why.contains("not trusted"), "{}", found.why);
    }
}

#[test]
fn a_host_that_a_provider_names_is_a_region_only_where_it_is_known() {
    let named = |host: &str| {
        region_for_host(host, "snyk", builtin_catalog()).map(|region| region.id.as_str())
    };
    assert_eq!(
        (named("api.eu.snyk.io"), named("api.acme.snyk.io"), named("evil.example")),
        (Some("SNYK-EU-01"), None, None)
    );
}

#[test]
fn a_private_region_of_the_user_is_recognized() {
    let text =
        "format = 1\nid = \"snyk\"\n[[region]]\nid = \"LOCAL\"\napi = \"http://127.0.0.1:8123\"\n";
    let source = crate::domain::provider::ProviderSource {
        name: "mine.toml".to_owned(),
        text: text.to_owned(),
    };
    let catalog = ProviderCatalog::load(&[source]).unwrap();
    let region = |host: &str| {
        let token = Secret::from_text(pat(&format!(r#"{{"h":"{host}"}}"#)));
        identify(&token, &catalog).unwrap().candidates[0].region.clone()
    };
    assert_eq!(region("127.0.0.1:8123").as_deref(), Some("LOCAL"));
    assert_eq!(region("http://127.0.0.1:8123").as_deref(), Some("LOCAL"));
    assert_eq!(region("127.0.0.1:8124"), None);
}

#[test]
fn a_token_that_was_cut_says_so() {
    let whole = pat(r#"{"h":"api.snyk.io"}"#);
    let found = best(&whole[..whole.len() / 2]);
    assert_eq!(found.kind, "personal-access-token");
    assert_eq!(found.confidence, MatchConfidence::Possible);
    assert!(found.why.contains("may be missing"));
}

#[test]
fn claims_that_cannot_be_read_do_not_make_it_another_token() {
    let found = best("snyk_uat.abcd1234.bm90IGpzb24.c2ln");
    assert_eq!(
        (found.confidence, found.region, found.expires),
        (MatchConfidence::Certain, None, None)
    );
}

#[test]
fn a_bare_uuid_stays_ambiguous() {
    let kinds: Vec<_> = pasted(UUID).unwrap().candidates;
    let ids: Vec<_> = kinds.iter().map(|candidate| candidate.kind.as_str()).collect();
    assert_eq!(ids, ["personal-token", "service-account-token"]);
    assert!(kinds.iter().all(|candidate| candidate.confidence == MatchConfidence::Possible
        && candidate.why.contains("plain ID")));
}

#[test]
fn snyks_other_secrets_are_distinguished() {
    let refresh = best("snyk_rt_AbC.d-e_v1");
    assert_eq!(
        (refresh.provider.as_str(), refresh.kind.as_str(), refresh.confidence),
        ("snyk-apps", "app", MatchConfidence::Certain)
    );
    let client = best("snyk_cs_ctZW0^Bm_v1");
    assert_eq!(
        (client.provider.as_str(), client.secret_role),
        ("snyk-apps", SecretRole::Part("client_secret".to_owned()))
    );
    let account = best(&format!("snyk_sat.abcd1234.{}.c2ln", part(r#"{"h":"api.au.snyk.io"}"#)));
    assert_eq!(
        (account.kind.as_str(), account.region.as_deref()),
        ("service-account-token", Some("SNYK-AU-01"))
    );
    let key = best("-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n");
    assert_eq!(key.kind, "service-account-oauth");
}

#[test]
fn json_web_tokens_are_distinguished_by_their_claims() {
    let web = best(&jwt(r#"{"jti":"JGvQI93I2asJ","tenant":"probely","username":"u@example.com"}"#));
    assert_eq!(
        (web.provider.as_str(), web.kind.as_str(), web.region),
        ("snyk-api-web", "api-key", None)
    );
    assert_eq!(web.remote_id.as_deref(), Some("JGvQI93I2asJ"));

    let circle = best(&jwt(
        r#"{"sub":"s","email":"e@example.com","currentOrganizationId":"o","exp":1900000000}"#,
    ));
    assert_eq!(
        (circle.provider.as_str(), circle.secret_role),
        ("appcircle", SecretRole::AccessToken)
    );
    assert!(circle.why.contains("short-lived") && circle.why.contains("in exchange for a key"));

    let access = best(&jwt(r#"{"aud":["https://api.eu.snyk.io"],"exp":1900000000}"#));
    assert_eq!(
        (access.secret_role, access.region.as_deref()),
        (SecretRole::AccessToken, Some("SNYK-EU-01"))
    );
    assert_eq!(access.expires.unwrap().unix_timestamp(), 1_900_000_000);

    assert!(
        pasted(&jwt(r#"{"aud":"https://api.snyk.io.evil.com"}"#)).unwrap().candidates.is_empty()
    );
    assert!(pasted(&jwt(r#"{"sub":"anybody"}"#)).unwrap().candidates.is_empty());
}

#[test]
fn an_end_that_is_no_time_is_no_end() {
    for end in ["1e300", "-9e99", "\"soon\"", "null", "[]", "9223372036854775807"] {
        assert_eq!(best(&pat(&format!(r#"{{"e":{end}}}"#))).expires, None, "{end}");
    }
}

proptest! {
    #[test]
    fn nothing_makes_it_panic_and_nothing_of_the_secret_is_printed(text in "(curl |-H |export |[A-Z_]{0,4}=|\"|'|\\{\"token\":\"|snyk_(uat|sat|rt|cs)[._]|Bearer |eyJ|\\$env:)*[ -~\\PC\n\r\t]{0,40}[\"'}=. ]*") {
        let _ = pasted(&text);
    }

    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = identify(&Secret::new(bytes), builtin_catalog());
    }

    #[test]
    fn no_word_about_a_secret_holds_a_part_of_it(secret in "[A-Za-z0-9]{12}", tail in "[A-Za-z0-9=:;,.\"' {}#\\u{200b}]{0,12}") {
        let text = format!("{secret}{tail}");
        let said = match pasted(&text) {
            Ok(found) => format!("{:?} {:?}", found.removed, found.candidates),
            Err(error) => format!("{error} {error:?} {}", crate::domain::Problem::from(error.clone())),
        };
        prop_assert!(!said.contains(&secret[..6]), "{}", said);
    }

    #[test]
    fn what_was_bare_stays_so(secret in "[A-Za-z0-9_-]{1,60}={0,2}") {
        let once = bare(&secret);
        prop_assert_eq!(bare(&once), once);
    }

    #[test]
    fn any_claims_are_survived(claims in "\\PC{0,40}", host in "\\PC{0,20}") {
        let _ = pasted(&pat(&claims));
        let _ = pasted(&jwt(&serde_json::json!({ "aud": host, "exp": claims }).to_string()));
    }
}
