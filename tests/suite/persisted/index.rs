//! Pins the SQLite index: its schema, its version marks, and one row of every table as the program
//! writes it.

use std::fmt::Write as _;

use rusqlite::Connection;
use rusqlite::types::ValueRef;
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use time::Duration;
use tokenring::database::{
    AuditEntry, AuditIntegrity, BindingRecord, BindingSubject, Database, HistoryEntry,
    HistoryFilter, LeaseRequest, NewRotation, SecretLocation,
};
use tokenring::domain::consumer::{Consumer, ConsumerTarget, DeliveryRecord};
use tokenring::domain::credential::{Principal, SecretPart, SecretSlot};
use tokenring::domain::response::CheckResult;
use tokenring::domain::{Credential, CredentialId, CredentialName};

use super::domain::{check, credential, draft};
use super::{MOMENT, assert_file};

/// An index file with one row of everything, and a second connection to the file.
fn filled() -> (TempDir, Database, Connection) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("index.db");
    let index = Database::open(&path).unwrap();
    let credential = credential();
    index.insert_credential(&credential).unwrap();
    let bare = Credential {
        id: CredentialId::from_random([8; 16]),
        name: CredentialName::parse("zero").unwrap(),
        fields: std::collections::BTreeMap::new(),
        labels: Vec::new(),
        expires: None,
        fingerprint: None,
        principal: None,
        scheme: None,
        last_check: None,
        ..credential.clone()
    };
    index.insert_credential(&bare).unwrap();
    for (region, verdict) in
        [("A", CheckResult::Refused), ("B", CheckResult::Unknown), ("C", CheckResult::Unchecked)]
    {
        let check = tokenring::domain::credential::CheckReport {
            result: verdict,
            status: None,
            latency_ms: None,
            ..check()
        };
        index.record_check(&credential.id, region, &check).unwrap();
    }
    let who = Principal {
        id: "s-1".to_owned(),
        name: "Bot".to_owned(),
        kind: "service_account".to_owned(),
    };
    index.record_principals(&[((&bare.id).into(), who)]).unwrap();
    requests(&index, &credential);
    rotations(&index, &credential);
    consumers(&index, &credential);
    fingerprints(&index, &credential);
    bindings(&index, &credential);
    let entry = AuditEntry {
        at: MOMENT,
        actor: "me (uid 1)".to_owned(),
        action: "add".to_owned(),
        name: Some("nightly".to_owned()),
        outcome: "done".to_owned(),
        reason: "why".to_owned(),
    };
    index.append_audit(&entry).unwrap();
    index.append_audit(&AuditEntry { name: None, ..entry }).unwrap();
    let view = Connection::open(path).unwrap();
    (folder, index, view)
}

fn bindings(index: &Database, credential: &Credential) {
    let (provider, region) = ("snyk".to_owned(), "SNYK-EU-01".to_owned());
    let app = CredentialName::parse("app").unwrap();
    let subjects = [
        BindingSubject::Region { provider, region },
        BindingSubject::Credential(credential.id.clone()),
        BindingSubject::Consumer(credential.id.clone(), app),
    ];
    let records = subjects.map(|subject| BindingRecord {
        store: "5ca1ab1e".to_owned(),
        subject,
        content: "{}".to_owned(),
        mac: "5f1c".to_owned(),
    });
    index.put_bindings(&records).unwrap();
    assert_eq!(index.bindings("5ca1ab1e").unwrap().len(), records.len());
    for record in records {
        assert_eq!(index.binding("5ca1ab1e", &record.subject).unwrap(), Some(record));
    }
}

fn requests(index: &Database, credential: &Credential) {
    let sent = HistoryEntry {
        at: MOMENT,
        credential: credential.id.clone(),
        region: "SNYK-EU-01".to_owned(),
        draft: draft(),
        body_left_out: false,
        status: Some(200),
        verdict: CheckResult::Accepted,
        latency_ms: Some(41),
        size: Some(1024),
    };
    index.record_request(&sent).unwrap();
    let unanswered = HistoryEntry {
        body_left_out: true,
        status: None,
        verdict: CheckResult::Unknown,
        latency_ms: None,
        size: None,
        ..sent.clone()
    };
    index.record_request(&unanswered).unwrap();
    let read: Vec<_> = index
        .history(&HistoryFilter::default(), 9)
        .unwrap()
        .into_iter()
        .map(|line| line.entry)
        .collect();
    assert_eq!(read, [unanswered, sent]);
}

fn rotations(index: &Database, credential: &Credential) {
    let new = |id: &str| NewRotation {
        id: id.to_owned(),
        credential: credential.id.clone(),
        plan: "{\"plan\":1}".to_owned(),
        state: "running".to_owned(),
    };
    let claim =
        LeaseRequest { owner: "me".to_owned(), now: MOMENT, until: MOMENT + Duration::minutes(1) };
    let lease = index.open_rotation(&new("abababababababab"), &claim).unwrap();
    index.append_journal(&lease, MOMENT, "\"one\"").unwrap();
    index.append_journal(&lease, MOMENT, "\"two\"").unwrap();
    index.close_rotation(&lease, MOMENT + Duration::seconds(1), "done").unwrap();
    index.open_rotation(&new("cdcdcdcdcdcdcdcd"), &claim).unwrap();
}

fn consumers(index: &Database, credential: &Credential) {
    let target = ConsumerTarget::EnvFile { path: "/srv/.env".into(), key: "TOKEN".to_owned() };
    let delivered = Some(DeliveryRecord { fingerprint: "5f1c".to_owned(), at: MOMENT });
    let app = CredentialName::parse("app").unwrap();
    let consumer = Consumer {
        credential: credential.id.clone(),
        name: app,
        part: SecretPart::Secret,
        target,
        linked_to: None,
        last_delivery: delivered,
    };
    index.add_consumer(&consumer).unwrap();
    let target = ConsumerTarget::SnykCli { path: "/srv/snyk.json".into() };
    let part = SecretPart::Named("client_secret".to_owned());
    let other = Consumer {
        name: CredentialName::parse("cli").unwrap(),
        part,
        target,
        linked_to: None,
        last_delivery: None,
        ..consumer.clone()
    };
    index.add_consumer(&other).unwrap();
    let linked = Consumer {
        name: CredentialName::parse("linked").unwrap(),
        linked_to: Some("/real/snyk.json".into()),
        ..other.clone()
    };
    index.add_consumer(&linked).unwrap();
    assert_eq!(index.consumers(&credential.id).unwrap(), [consumer, other, linked]);
}

fn fingerprints(index: &Database, credential: &Credential) {
    let place = |slot, part| SecretLocation { credential: credential.id.clone(), slot, part };
    let part = || SecretPart::Named("client_secret".to_owned());
    index
        .record_fingerprint(&place(SecretSlot::Current, SecretPart::Secret), "aa", MOMENT)
        .unwrap();
    index
        .record_fingerprint(&place(SecretSlot::Current, SecretPart::Secret), "bb", MOMENT)
        .unwrap();
    index.record_fingerprint(&place(SecretSlot::Pending, part()), "cc", MOMENT).unwrap();
    index.record_fingerprint(&place(SecretSlot::Previous, part()), "dd", MOMENT).unwrap();
}

/// Every row of a table as a JSON object, ordered by primary key.
pub(super) fn rows(view: &Connection, table: &str) -> Vec<Value> {
    let mut select = view.prepare(&format!("SELECT * FROM {table}")).unwrap();
    let names: Vec<String> = select.column_names().map(str::to_owned).collect();
    let mut rows = select.query(()).unwrap();
    let mut found = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        let cells = names
            .iter()
            .enumerate()
            .map(|(place, name)| (name.clone(), cell(row.get_ref(place).unwrap())));
        found.push(Value::Object(cells.collect::<Map<_, _>>()));
    }
    found
}

fn cell(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => json!(number),
        ValueRef::Text(text) => json!(std::str::from_utf8(text).unwrap()),
        other => panic!("no column of the index holds {other:?}"),
    }
}

/// The names of all tables.
fn tables(view: &Connection) -> Vec<String> {
    let sql = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name";
    let mut select = view.prepare(sql).unwrap();
    let names = select.query_map((), |row| row.get(0)).unwrap();
    names.map(Result::unwrap).collect()
}

#[test]
fn one_row_of_every_table() {
    let (_folder, index, view) = filled();
    let mut found = String::new();
    for table in tables(&view) {
        let rows = rows(&view, &table);
        assert!(!rows.is_empty(), "no row of {table} is pinned");
        for row in rows {
            writeln!(found, "{table} {row}").unwrap();
        }
    }
    assert_file("index-rows.txt", &found);
    assert_eq!(index.credential_by_name("nightly").unwrap(), credential());
    assert_eq!(index.verify_audit(), Ok(AuditIntegrity::Intact(2)));
}

/// Reads a file that an earlier build filled. Its rows are those that [`one_row_of_every_table`]
/// pins.
#[test]
fn the_pinned_rows_are_read() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("index.db");
    drop(Database::open(&path).unwrap());
    let view = Connection::open(&path).unwrap();
    view.execute_batch("PRAGMA foreign_keys = OFF; DELETE FROM audit_head").unwrap();
    for line in include_str!("index-rows.txt").lines() {
        let (table, row) = line.split_once(' ').unwrap();
        let row: Map<String, Value> = serde_json::from_str(row).unwrap();
        let names: Vec<_> = row.keys().map(String::as_str).collect();
        let places: Vec<_> = (1..=names.len()).map(|place| format!("?{place}")).collect();
        let sql =
            format!("INSERT INTO {table} ({}) VALUES ({})", names.join(", "), places.join(", "));
        let values = row.values().map(|value| match value {
            Value::Null => rusqlite::types::Value::Null,
            Value::Number(number) => number.as_i64().unwrap().into(),
            text => text.as_str().unwrap().to_owned().into(),
        });
        view.execute(&sql, rusqlite::params_from_iter(values)).unwrap();
    }
    drop(view);
    let (_filled, expected, _) = filled();
    let index = Database::open(&path).unwrap();
    let id = &credential().id;
    assert_eq!(index.credentials(), expected.credentials());
    assert_eq!(index.all_region_checks(), expected.all_region_checks());
    assert_eq!(
        index.history(&HistoryFilter::default(), 9),
        expected.history(&HistoryFilter::default(), 9)
    );
    assert_eq!(index.consumers(id), expected.consumers(id));
    assert_eq!(index.fingerprints(), expected.fingerprints());
    let all = tokenring::database::RotationFilter::All;
    assert_eq!(index.rotations(all), expected.rotations(all));
    assert_eq!(
        index.journal_entries("abababababababab"),
        expected.journal_entries("abababababababab")
    );
    assert_eq!(index.audit(9), expected.audit(9));
    assert_eq!(index.verify_audit(), Ok(AuditIntegrity::Intact(2)));
}

#[test]
fn the_schema_and_the_marks_of_the_file() {
    let (_folder, _index, view) = filled();
    let mut select = view
        .prepare("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type, name")
        .unwrap();
    let statements = select.query_map((), |row| row.get::<_, String>(0)).unwrap();
    let found: String = statements.map(|sql| sql.unwrap() + ";\n").collect();
    assert_file("index-schema.sql", &found);
    let pragma =
        |name: &str| view.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!((pragma("user_version"), pragma("application_id")), (8, 0x746b_7267));
}
