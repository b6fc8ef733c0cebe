//! Tests of the bindings of secrets to hosts and targets.

use super::*;
use crate::domain::{CredentialId, CredentialName};

/// The key that is derived from the fingerprint key `0x00 0x01 0xff`: the output of `printf '%s'
/// 'tokenring bindings' | openssl dgst -sha256 -mac HMAC -macopt hexkey:0001ff`.
fn key() -> BindingKey {
    let fingerprint_key = HmacKey::new(&[0, 1, 255]).unwrap();
    let derived = fingerprint_key.digest(BINDING_KEY_PURPOSE.as_bytes());
    BindingKey::new(HmacKey::new(&derived).unwrap())
}

fn credential_binding(key_file: Option<&str>) -> CredentialBinding {
    CredentialBinding {
        provider: "snyk".to_owned(),
        region: "SNYK-EU-01".to_owned(),
        key_file: key_file.map(str::to_owned),
    }
}

#[test]
fn the_stored_form_of_a_binding() {
    let id = CredentialId::from_random([7; 16]);
    let (provider, region) = ("snyk".to_owned(), "SNYK-EU-01".to_owned());
    let of_region = BindingSubject::Region { provider, region };
    let of_credential = || BindingSubject::Credential(id.clone());
    let name = CredentialName::parse("app").unwrap();
    let of_consumer = BindingSubject::Consumer(id.clone(), name);
    let target = ConsumerTarget::EnvFile { path: "/a/.env".into(), key: "K".to_owned() };
    let records = [
        key().seal(of_region, &[Origin::parse("https://api.eu.snyk.io").unwrap()]),
        key().seal(of_credential(), &credential_binding(None)),
        key().seal(of_credential(), &credential_binding(Some("/k.pem"))),
        key().seal(
            of_consumer,
            &ConsumerBinding { part: SecretPart::Secret, target, linked_to: None },
        ),
    ];
    let pinned = [
        (
            r#"["https://api.eu.snyk.io"]"#,
            "ad9f86c773d339033742c61aa179cb07fdf47bbd5caf5f9d14847df098b442c7",
        ),
        (
            r#"{"provider":"snyk","region":"SNYK-EU-01"}"#,
            "7115a5a7fb80a450598d3c76d1b1be04aaf52c8ada0d08c3577cf2999097e3f0",
        ),
        (
            r#"{"provider":"snyk","region":"SNYK-EU-01","key_file":"/k.pem"}"#,
            "7b36066b177115f7af991c75752a8e2b18cba17d7076e85f7329c4dced677942",
        ),
        (
            r#"{"part":"secret","target":{"kind":"env-file","path":"/a/.env","key":"K"}}"#,
            "60b7ad8f4ef0b29ffccec5daa982da4f0793824e8d6e00d3e0ce45d3224a03d5",
        ),
    ];
    for (record, (content, mac)) in records.iter().zip(pinned) {
        let found = (record.store.as_str(), record.content.as_str(), record.mac.as_str());
        assert_eq!(found, ("a83f2db5851d0091", content, mac));
    }
    assert_eq!(BINDINGS_RECORDED, "1");
}

#[test]
fn a_record_says_nothing_about_another_subject() {
    let [one, other] = [[7; 16], [8; 16]].map(CredentialId::from_random);
    let bound = credential_binding(None);
    let record = key().seal(BindingSubject::Credential(one), &bound);
    assert_eq!(key().open(Some(&record)), RecordedBinding::Valid(bound));
    let moved = BindingRecord { subject: BindingSubject::Credential(other), ..record };
    assert_eq!(key().open::<CredentialBinding>(Some(&moved)), RecordedBinding::Invalid);
    assert_eq!(key().open::<CredentialBinding>(None), RecordedBinding::Missing);
}
