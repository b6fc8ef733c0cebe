//! Tests of the rotation journal: one open rotation for each credential, one process at a time for
//! each rotation.

use super::*;

fn claim(owner: &str, now: i64) -> LeaseRequest {
    LeaseRequest { owner: owner.to_owned(), now: moment(now), until: moment(now + 60) }
}

fn rotation(id: &str, name: &str) -> NewRotation {
    let (plan, state) = ("{\"kind\":\"overlap\"}".to_owned(), "running".to_owned());
    NewRotation { id: id.to_owned(), credential: id_of(name), plan, state }
}

#[test]
fn entries_come_back_in_order_also_after_the_file_was_closed() {
    let home = Home::with(1);
    {
        let index = home.open();
        let lease =
            index.open_rotation(&rotation("r1", "credential-0000"), &claim("one", 0)).unwrap();
        for (at, entry) in [(1, "{\"intent\":\"create\"}"), (2, "{\"done\":\"create\"}")] {
            assert_eq!(
                index.append_journal(&lease, moment(at), entry),
                Ok(u64::try_from(at).unwrap())
            );
        }
        index.set_rotation_state(&lease, "needs-human").unwrap();
    }
    let index = home.open();
    let written: Vec<_> = index
        .journal_entries("r1")
        .unwrap()
        .into_iter()
        .map(|line| (line.seq, line.at, line.entry))
        .collect();
    let expected = [
        (1, moment(1), "{\"intent\":\"create\"}".to_owned()),
        (2, moment(2), "{\"done\":\"create\"}".to_owned()),
    ];
    assert_eq!(written, expected);
    let open = index.rotations(RotationFilter::Open).unwrap();
    assert_eq!(
        (open.len(), open[0].state.as_str(), open[0].plan.as_str()),
        (1, "needs-human", "{\"kind\":\"overlap\"}")
    );
    assert_eq!((open[0].opened, open[0].closed), (moment(0), None));
}

#[test]
fn a_credential_has_one_open_rotation_and_cannot_be_removed_meanwhile() {
    let home = Home::with(2);
    let (one, other) = (home.open(), home.open());
    let lease = one.open_rotation(&rotation("r1", "credential-0000"), &claim("one", 0)).unwrap();
    let rotating = DatabaseError::RotationInProgress { rotation: "r1".to_owned() };
    assert_eq!(
        other.open_rotation(&rotation("r2", "credential-0000"), &claim("two", 0)),
        Err(rotating.clone())
    );
    assert_eq!(other.remove_credential(&id_of("credential-0000")), Err(rotating));
    assert!(other.open_rotation(&rotation("r3", "credential-0001"), &claim("two", 0)).is_ok());

    one.close_rotation(&lease, moment(9), "done").unwrap();
    assert!(other.open_rotation(&rotation("r2", "credential-0000"), &claim("two", 10)).is_ok());
    let open: Vec<_> = one
        .rotations(RotationFilter::Open)
        .unwrap()
        .into_iter()
        .map(|rotation| rotation.id)
        .collect();
    assert_eq!(open, ["r3", "r2"]);
    assert_eq!(one.rotations(RotationFilter::All).unwrap().len(), 3);
    assert!(matches!(
        one.open_rotation(&rotation("r4", "gone"), &claim("one", 0)),
        Err(DatabaseError::UnknownCredential { .. })
    ));
}

#[test]
fn a_finished_rotation_outlives_its_credential() {
    let index = Database::in_memory().unwrap();
    index.insert_credential(&credential("laptop")).unwrap();
    let lease = index.open_rotation(&rotation("r1", "laptop"), &claim("one", 0)).unwrap();
    index.append_journal(&lease, moment(1), "{}").unwrap();
    index.close_rotation(&lease, moment(9), "done").unwrap();
    index.remove_credential(&id_of("laptop")).unwrap();
    let kept = &index.rotations(RotationFilter::All).unwrap()[0];
    assert_eq!((kept.state.as_str(), kept.closed), ("done", Some(moment(9))));
    assert_eq!(index.journal_entries("r1").unwrap().len(), 1);
    assert_eq!(
        index.append_journal(&lease, moment(10), "{}"),
        Err(DatabaseError::NoOpenRotation("r1".to_owned()))
    );
}

#[test]
fn one_process_at_a_time_drives_a_rotation() {
    let home = Home::with(1);
    let (one, other) = (home.open(), home.open());
    let lease = one.open_rotation(&rotation("r1", "credential-0000"), &claim("one", 0)).unwrap();
    let held = |until| DatabaseError::LeaseHeld { rotation: "r1".to_owned(), until: moment(until) };
    assert_eq!(other.acquire_lease("r1", &claim("two", 59)), Err(held(60)));
    one.acquire_lease("r1", &claim("one", 50)).unwrap();
    assert_eq!(
        other.acquire_lease("r1", &claim("two", 60)),
        Err(held(110)),
        "a renewed claim holds for longer"
    );

    let second = other.acquire_lease("r1", &claim("two", 110)).unwrap();
    assert_eq!(
        one.append_journal(&lease, moment(111), "{}"),
        Err(held(170)),
        "a lost lease cannot write"
    );
    assert_eq!(one.close_rotation(&lease, moment(111), "done"), Err(held(170)));
    one.release_lease(&lease).unwrap();
    assert_eq!(
        other.append_journal(&second, moment(111), "{}"),
        Ok(1),
        "a lost lease releases nothing"
    );

    other.release_lease(&second).unwrap();
    assert!(
        one.acquire_lease("r1", &claim("one", 112)).is_ok(),
        "a released rotation is free at once"
    );
    assert_eq!(
        one.acquire_lease("r9", &claim("one", 0)),
        Err(DatabaseError::NoOpenRotation("r9".to_owned()))
    );
}
