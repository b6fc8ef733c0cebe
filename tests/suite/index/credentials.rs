//! Tests of credentials in the index: any content is read back as it was written.

use super::*;

fn any_moment() -> impl Strategy<Value = Timestamp> {
    (-62_000_000_000_i64..=253_000_000_000, 0_i64..1_000_000)
        .prop_map(|(seconds, micros)| moment(seconds) + Duration::microseconds(micros))
}

fn any_name() -> impl Strategy<Value = CredentialName> {
    "\\PC{1,64}".prop_filter_map("not a name", |text| CredentialName::parse(&text).ok())
}

fn any_check() -> impl Strategy<Value = CheckReport> {
    let verdict = prop::sample::select(vec![
        CheckResult::Accepted,
        CheckResult::Refused,
        CheckResult::Unknown,
        CheckResult::Unchecked,
    ]);
    (
        verdict,
        any::<Option<u16>>(),
        any::<String>(),
        any_moment(),
        prop::option::of(0..=i64::MAX as u64),
    )
        .prop_map(|(verdict, status, reason, at, latency_ms)| CheckReport {
            result: verdict,
            status,
            reason,
            checked_at: at,
            latency_ms,
        })
}

prop_compose! {
    fn any_credential()(
        id in any::<[u8; 16]>(),
        name in any_name(),
        (provider, kind, region) in any::<(String, String, String)>(),
        fields in prop::collection::btree_map(any::<String>(), any::<String>(), 0..4),
        labels in prop::collection::vec(any::<String>(), 0..4),
        (created, expires) in (any_moment(), prop::option::of(any_moment())),
        (fingerprint, scheme) in any::<(Option<String>, Option<String>)>(),
        principal in any::<Option<(String, String, String)>>(),
        last_check in prop::option::of(any_check()),
    ) -> Credential {
        let principal = principal.map(|(id, name, kind)| Principal { id, name, kind });
        let id = CredentialId::from_random(id);
        Credential { id, name, provider, kind, region, fields, labels, created, expires, fingerprint, principal, scheme, last_check }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn every_field_comes_back(first in any_credential(), second in any_credential()) {
        let index = Database::in_memory().unwrap();
        index.insert_credential(&first).unwrap();
        prop_assert_eq!(&index.credential_by_id(&first.id).unwrap(), &first);
        prop_assert_eq!(&index.credential_by_name(first.name.as_str()).unwrap(), &first);

        let same_region = second.region == first.region;
        let last_check = first.last_check.clone().filter(|_| same_region);
        let second = Credential { id: first.id.clone(), last_check, ..second };
        let updated = index.update_credential(&first.id, |credential| credential.clone_from(&second)).unwrap();
        prop_assert_eq!(&updated, &second);
        prop_assert_eq!(index.credentials().unwrap(), [second]);
    }
}

#[test]
fn they_come_by_name_and_survive_closing_the_file() {
    let home = Home::new();
    for name in ["laptop", "broker", "ci scanner"] {
        home.open().insert_credential(&credential(name)).unwrap();
    }
    assert_eq!(names(&home.open()), ["broker", "ci scanner", "laptop"]);
}

#[test]
fn a_name_is_given_once() {
    let index = Database::in_memory().unwrap();
    index.insert_credential(&credential("laptop")).unwrap();
    index.insert_credential(&credential("broker")).unwrap();
    let taken = DatabaseError::NameTaken(CredentialName::parse("laptop").unwrap());

    let impostor = Credential { id: id_of("another"), ..credential("laptop") };
    assert_eq!(index.insert_credential(&impostor), Err(taken.clone()));
    let renamed = index.update_credential(&id_of("broker"), |credential| {
        credential.name = CredentialName::parse("laptop").unwrap();
    });
    assert_eq!(renamed, Err(taken));
    assert_eq!(index.credentials().unwrap(), [credential("broker"), credential("laptop")]);

    let renamed = index
        .update_credential(&id_of("broker"), |credential| {
            credential.name = CredentialName::parse("gateway").unwrap();
        })
        .unwrap();
    assert_eq!((renamed.id, renamed.name.as_str()), (id_of("broker"), "gateway"));
    assert_eq!(names(&index), ["gateway", "laptop"]);
}

#[test]
fn the_nearest_names_are_offered_for_one_that_is_unknown() {
    let index = Database::in_memory().unwrap();
    index.insert_credential(&credential("laptop")).unwrap();
    index.insert_credential(&credential("broker")).unwrap();
    let unknown = |name: &str, nearest: &[&str]| {
        Err(DatabaseError::UnknownCredential {
            name: name.to_owned(),
            nearest: nearest.iter().map(|&near| near.to_owned()).collect(),
        })
    };
    assert_eq!(index.credential_by_name("labtop"), unknown("labtop", &["laptop"]));
    assert_eq!(index.credential_by_name("zzz"), unknown("zzz", &[]));
    assert_eq!(index.credential_by_id(&id_of("gone")), unknown(id_of("gone").as_str(), &[]));
    assert_eq!(
        index.update_credential(&id_of("gone"), |_| ()),
        unknown(id_of("gone").as_str(), &[])
    );
}

#[test]
fn two_that_hold_the_same_secret_are_noticed() {
    let index = Database::in_memory().unwrap();
    for name in ["laptop", "broker", "ci"] {
        let fingerprint = (name != "ci").then(|| "same".to_owned());
        index.insert_credential(&Credential { fingerprint, ..credential(name) }).unwrap();
    }
    let twins: Vec<String> =
        index.names_with_fingerprint("same").unwrap().into_iter().map(String::from).collect();
    assert_eq!(twins, ["broker", "laptop"]);
    assert_eq!(index.names_with_fingerprint("other").unwrap(), []);
}

#[test]
fn what_belongs_to_a_credential_goes_with_it() {
    let index = Database::in_memory().unwrap();
    let id = id_of("laptop");
    index.insert_credential(&credential("laptop")).unwrap();
    index.record_check(&id, "SNYK-US-01", &check(CheckResult::Refused, 1)).unwrap();
    index.record_request(&history::sent("laptop", 1)).unwrap();
    index.remove_credential(&id).unwrap();

    assert_eq!(index.credentials().unwrap(), []);
    assert_eq!(index.region_checks(&id).unwrap(), []);
    assert_eq!(index.history(&HistoryFilter::default(), 9).unwrap(), []);
    assert!(matches!(index.remove_credential(&id), Err(DatabaseError::UnknownCredential { .. })));
}

#[test]
fn the_first_frame_begins_with_what_needs_attention() {
    let index = Database::in_memory().unwrap();
    let now = moment(1_000_000_000);
    let day = Duration::days(1);
    let rows = [
        ("Zed", None, Some((CheckResult::Accepted, now))),
        ("anna", Some(now + day * 90), None),
        ("soon-12", Some(now + day * 12), Some((CheckResult::Accepted, now))),
        ("soon-2", Some(now + day * 2), None),
        ("ended", Some(now - day), Some((CheckResult::Accepted, now - day * 2))),
        ("ended-and-accepted", Some(now - day * 2), Some((CheckResult::Accepted, now - day))),
        ("ended-unasked", Some(now), None),
        ("refused", None, Some((CheckResult::Refused, now))),
    ];
    for (name, expires, last_check) in rows {
        let last_check =
            last_check.map(|(result, checked_at)| CheckReport { checked_at, ..check(result, 1) });
        index.insert_credential(&Credential { expires, last_check, ..credential(name) }).unwrap();
    }
    let first = |limit| -> Vec<String> {
        let found = index.most_urgent_credentials(now, now + day * 14, limit).unwrap();
        found.iter().map(|credential| credential.name.to_string()).collect()
    };
    let all = [
        "refused",
        "ended",
        "ended-unasked",
        "soon-2",
        "soon-12",
        "anna",
        "ended-and-accepted",
        "Zed",
    ];
    assert_eq!(first(99), all);
    assert_eq!(first(3), all[..3]);
}

#[test]
fn the_first_frame_of_a_long_list_begins_by_name() {
    let index = Database::in_memory().unwrap();
    let refused = Some(check(CheckResult::Refused, 1));
    for number in 0..=tokenring::database::MAX_SORTED_ROWS {
        let last_check = refused.clone().filter(|_| number == 7);
        let name = format!("ci-{number:04}");
        index.insert_credential(&Credential { last_check, ..credential(&name) }).unwrap();
    }
    let first = || index.most_urgent_credentials(moment(0), moment(1), 3).unwrap();
    let name = |found: &[Credential]| found[0].name.to_string();
    assert_eq!(name(&first()), "ci-0000");
    let last = index.credentials().unwrap().pop().unwrap();
    index.remove_credential(&last.id).unwrap();
    assert_eq!(name(&first()), "ci-0007");
}
