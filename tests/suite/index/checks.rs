//! Tests of check results: one for each region, and the latest one for the region of the
//! credential.

use super::*;

#[test]
fn a_check_result_in_the_own_region_is_the_last_check() {
    let index = Database::in_memory().unwrap();
    let id = id_of("laptop");
    index.insert_credential(&credential("laptop")).unwrap();
    index.record_check(&id, "SNYK-US-01", &check(CheckResult::Refused, 10)).unwrap();
    assert_eq!(index.credential_by_id(&id).unwrap().last_check, None);
    index.record_check(&id, "SNYK-EU-01", &check(CheckResult::Accepted, 20)).unwrap();
    assert_eq!(
        index.credential_by_id(&id).unwrap().last_check,
        Some(check(CheckResult::Accepted, 20))
    );
    let seen: Vec<_> = index
        .region_checks(&id)
        .unwrap()
        .into_iter()
        .map(|seen| (seen.region, seen.check.result))
        .collect();
    assert_eq!(
        seen,
        [
            ("SNYK-EU-01".to_owned(), CheckResult::Accepted),
            ("SNYK-US-01".to_owned(), CheckResult::Refused)
        ]
    );
}

#[test]
fn a_late_check_result_does_not_overwrite_a_newer_one() {
    let index = Database::in_memory().unwrap();
    let id = id_of("laptop");
    index.insert_credential(&credential("laptop")).unwrap();
    for at in [20, 10] {
        index.record_check(&id, "SNYK-EU-01", &check(CheckResult::Accepted, at)).unwrap();
    }
    assert_eq!(index.credential_by_id(&id).unwrap().last_check.unwrap().checked_at, moment(20));
    assert_eq!(index.region_checks(&id).unwrap()[0].check.checked_at, moment(20));
}

#[test]
fn in_another_region_the_last_check_is_the_one_made_there() {
    let index = Database::in_memory().unwrap();
    let id = id_of("laptop");
    index.insert_credential(&credential("laptop")).unwrap();
    index.record_check(&id, "SNYK-EU-01", &check(CheckResult::Refused, 10)).unwrap();
    index.record_check(&id, "SNYK-US-01", &check(CheckResult::Accepted, 20)).unwrap();
    let last_in = |region: &str| {
        index.update_credential(&id, |it| region.clone_into(&mut it.region)).unwrap().last_check
    };
    assert_eq!(last_in("SNYK-US-01"), Some(check(CheckResult::Accepted, 20)));
    assert_eq!(last_in("SNYK-AU-01"), None);
    assert_eq!(last_in("SNYK-EU-01"), Some(check(CheckResult::Refused, 10)));
}

#[test]
fn many_are_stored_at_once_and_those_of_a_deleted_credential_are_dropped() {
    let index = Database::in_memory().unwrap();
    index.insert_credential(&credential("laptop")).unwrap();
    let verdict = |name: &str| {
        (
            CheckedSecret::from(&id_of(name)),
            RegionCheckResult {
                region: "SNYK-EU-01".to_owned(),
                check: check(CheckResult::Accepted, 10),
            },
        )
    };
    index.record_checks(&[verdict("gone"), verdict("laptop")]).unwrap();
    assert_eq!(
        index.credential_by_name("laptop").unwrap().last_check,
        Some(check(CheckResult::Accepted, 10))
    );
    assert_eq!(index.region_checks(&id_of("gone")).unwrap(), []);
}

#[test]
fn a_result_about_an_earlier_secret_is_dropped() {
    let index = Database::in_memory().unwrap();
    let id = id_of("laptop");
    let stored = Credential { fingerprint: Some("old".to_owned()), ..credential("laptop") };
    index.insert_credential(&stored).unwrap();
    let checked =
        |print: &str| CheckedSecret { credential: id.clone(), fingerprint: Some(print.to_owned()) };
    let change = |it: &mut Credential| it.fingerprint = Some("new".to_owned());
    index.update_with_other_secret(&id, change, &[]).unwrap();
    let who = Principal { id: "1".to_owned(), name: "ada".to_owned(), kind: "user".to_owned() };
    let record = |print: &str, result| {
        index.record_check(checked(print), "SNYK-EU-01", &check(result, 20)).unwrap();
        index.record_principals(&[(checked(print), who.clone())]).unwrap();
        index.credential_by_id(&id).unwrap()
    };
    let known = record("old", CheckResult::Accepted);
    assert_eq!((known.last_check, known.principal), (None, None), "the old secret was checked");
    let known = record("new", CheckResult::Refused);
    assert_eq!(known.last_check, Some(check(CheckResult::Refused, 20)));
    assert_eq!(known.principal, Some(who));
}

#[test]
fn principals_of_many_credentials_are_stored_at_once() {
    let index = Database::in_memory().unwrap();
    index.insert_credential(&credential("laptop")).unwrap();
    let who = Principal { id: "1".to_owned(), name: "ada".to_owned(), kind: "user".to_owned() };
    index
        .record_principals(&[
            ((&id_of("gone")).into(), who.clone()),
            ((&id_of("laptop")).into(), who.clone()),
        ])
        .unwrap();
    assert_eq!(index.credential_by_name("laptop").unwrap().principal, Some(who));
}

#[test]
fn another_secret_has_no_check_results_yet() {
    let index = Database::in_memory().unwrap();
    for name in ["laptop", "broker"] {
        index
            .insert_credential(&Credential {
                last_check: Some(check(CheckResult::Accepted, 10)),
                ..credential(name)
            })
            .unwrap();
    }
    index.record_check(&id_of("laptop"), "SNYK-US-01", &check(CheckResult::Refused, 5)).unwrap();
    let changed = index.update_with_other_secret(&id_of("laptop"), |_| (), &[]).unwrap();
    assert_eq!(changed.last_check, None);
    assert_eq!(index.credential_by_name("laptop").unwrap().last_check, None);
    assert_eq!(index.region_checks(&id_of("laptop")).unwrap(), []);
    assert_eq!(index.region_checks(&id_of("broker")).unwrap().len(), 1);
}
