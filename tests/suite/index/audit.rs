//! Tests of the audit trail and of the detection of tampering.

use super::*;

fn trail(lines: i64) -> (Home, Database) {
    let home = Home::new();
    let index = home.open();
    for at in 0..lines {
        index.append_audit(&entry(at)).unwrap();
    }
    (home, index)
}

fn entry(at: i64) -> AuditEntry {
    let name = (at % 2 == 0).then(|| "laptop".to_owned());
    let (actor, action, outcome) = ("screen".to_owned(), "reveal".to_owned(), "done".to_owned());
    AuditEntry { at: moment(at), actor, action, name, outcome, reason: format!("look {at}") }
}

#[test]
fn the_newest_lines_come_first_and_the_chain_holds() {
    let (_home, index) = trail(5);
    let lines = index.audit(2).unwrap();
    assert_eq!(
        lines.iter().map(|line| (line.seq, &line.entry)).collect::<Vec<_>>(),
        [(5, &entry(4)), (4, &entry(3))]
    );
    assert_eq!(index.verify_audit(), Ok(AuditIntegrity::Intact(5)));
    assert_eq!(Database::in_memory().unwrap().verify_audit(), Ok(AuditIntegrity::Intact(0)));
}

#[test]
fn the_hash_can_be_computed_by_others() {
    let (_home, index) = trail(2);
    let lines = index.audit(2).unwrap();
    // The expected hash is the output of: printf '%s' "$before$line" | sha256sum
    assert_eq!(
        lines[1].hash,
        sha256(
            r#"{"seq":1,"at":0,"actor":"screen","action":"reveal","name":"laptop","outcome":"done","reason":"look 0"}"#
        )
    );
    let second = r#"{"seq":2,"at":1000000,"actor":"screen","action":"reveal","name":null,"outcome":"done","reason":"look 1"}"#;
    assert_eq!(lines[0].hash, sha256(&format!("{}{second}", lines[1].hash)));
}

fn sha256(text: &str) -> String {
    use sha2::Digest as _;
    tokenring::util::hex::to_hex(&sha2::Sha256::digest(text))
}

#[test]
fn whatever_is_done_to_a_line_is_found() {
    let swap = "UPDATE audit SET seq = -2 WHERE seq = 2; UPDATE audit SET seq = 2 WHERE seq = 3; UPDATE audit SET seq = 3 WHERE seq = -2;";
    for (tampering, broken_at) in [
        ("UPDATE audit SET reason = 'nothing' WHERE seq = 3", 3),
        ("UPDATE audit SET name = NULL WHERE seq = 1", 1),
        ("UPDATE audit SET at = at + 1 WHERE seq = 5", 5),
        ("UPDATE audit SET hash = (SELECT hash FROM audit WHERE seq = 1) WHERE seq = 4", 4),
        ("DELETE FROM audit WHERE seq = 1", 1),
        ("DELETE FROM audit WHERE seq = 3", 3),
        ("DELETE FROM audit WHERE seq = 5", 5),
        ("DELETE FROM audit", 1),
        (swap, 2),
        (
            "INSERT INTO audit SELECT 6, at, actor, action, name, outcome, reason, hash FROM audit WHERE seq = 5",
            6,
        ),
        ("UPDATE audit_head SET entries = 4", 5),
        ("UPDATE audit_head SET hash = ''", 5),
    ] {
        let (home, index) = trail(5);
        rusqlite::Connection::open(&home.path).unwrap().execute_batch(tampering).unwrap();
        match index.verify_audit().unwrap() {
            AuditIntegrity::Broken { at, .. } => assert_eq!(at, broken_at, "{tampering}"),
            AuditIntegrity::Intact(_) => panic!("not found: {tampering}"),
        }
    }
}

#[test]
fn a_line_after_a_removed_one_does_not_heal_the_trail() {
    let (home, index) = trail(3);
    rusqlite::Connection::open(&home.path)
        .unwrap()
        .execute_batch("DELETE FROM audit WHERE seq = 3")
        .unwrap();
    index.append_audit(&entry(9)).unwrap();
    assert_eq!(
        index.verify_audit(),
        Ok(AuditIntegrity::Broken { at: 3, why: "the entry is missing" })
    );
}
