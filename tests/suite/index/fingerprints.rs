//! Tests of fingerprints: the current ones for each part and slot, and a bounded number of former
//! ones.

use tokenring::database::SecretLocation;
use tokenring::domain::credential::{SecretPart, SecretSlot};

use super::*;

fn place(credential: &CredentialId, slot: SecretSlot, part: &str) -> SecretLocation {
    SecretLocation { credential: credential.clone(), slot, part: SecretPart::parse(part) }
}

/// The known fingerprints of the credential: part, slot or `former`, and fingerprint.
fn known(index: &Database) -> Vec<String> {
    let all = index.fingerprints().unwrap().into_iter();
    all.map(|print| {
        format!(
            "{} {} {}",
            print.part.as_str(),
            print.slot.map_or("former", SecretSlot::as_str),
            print.fingerprint
        )
    })
    .collect()
}

#[test]
fn what_made_room_for_something_else_is_a_former_one() {
    let index = Database::in_memory().unwrap();
    let id = id_of("laptop");
    index.insert_credential(&credential("laptop")).unwrap();
    let note = |slot, part, print: &str, at| {
        index.record_fingerprint(&place(&id, slot, part), print, moment(at)).unwrap();
    };
    note(SecretSlot::Current, "secret", "one", 1);
    note(SecretSlot::Current, "client_secret", "app", 1);
    note(SecretSlot::Pending, "secret", "two", 2);
    assert_eq!(
        known(&index),
        ["client_secret current app", "secret current one", "secret pending two"]
    );
    // The order of writes in a rotation: the old secret goes to `previous`, the new one to
    // `current`, and `pending` is cleared.
    note(SecretSlot::Previous, "secret", "one", 3);
    note(SecretSlot::Current, "secret", "two", 3);
    index.retire_fingerprint(&place(&id, SecretSlot::Pending, "secret")).unwrap();
    assert_eq!(
        known(&index),
        ["client_secret current app", "secret current two", "secret previous one"]
    );
    index.retire_fingerprint(&place(&id, SecretSlot::Previous, "secret")).unwrap();
    assert_eq!(
        known(&index),
        ["client_secret current app", "secret current two", "secret former one"]
    );
    index.remove_credential(&id).unwrap();
    assert_eq!(known(&index), [""; 0]);
}

#[test]
fn of_former_ones_the_newest_are_kept() {
    let index = Database::in_memory().unwrap();
    let id = id_of("laptop");
    index.insert_credential(&credential("laptop")).unwrap();
    for hour in 0..100 {
        index
            .record_fingerprint(
                &place(&id, SecretSlot::Current, "secret"),
                &format!("{hour}"),
                moment(hour),
            )
            .unwrap();
    }
    let all = known(&index);
    assert_eq!(
        (all.len(), all[0].as_str(), all[1].as_str()),
        (9, "secret current 99", "secret former 98")
    );
    assert_eq!(all[8], "secret former 91");
}
