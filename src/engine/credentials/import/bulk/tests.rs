//! Tests of the bulk import: what each record becomes, how often the store is written, and that an
//! interrupted import is completed.

use std::sync::atomic::Ordering;

use super::*;
use crate::config::Settings;
use crate::domain::Secret;
use crate::domain::credential::SecretSlot;
use crate::domain::provider::ProviderCatalog;
use crate::engine::stores::counting_store::CountingStore;
use crate::engine::{Engine, EngineDependencies, EngineOptions, SystemClock};
use crate::net::HttpClient;
use crate::store::{ItemKey, SecretStore};

fn engine_over(store: &Arc<CountingStore>) -> Engine {
    let ports = EngineDependencies {
        catalog: Arc::new(ProviderCatalog::builtin()),
        database: Arc::new(Database::in_memory().unwrap()),
        store: Arc::clone(store) as _,
        transport: Arc::new(HttpClient::default()),
        clock: Arc::new(SystemClock),
    };
    Engine::new(ports, EngineOptions::from(&Settings::default()))
}

/// Returns a legacy Snyk token.
fn token(number: usize) -> String {
    format!("{number:08x}-1234-4234-8234-123456789abc")
}

/// Returns a list of this many records.
fn list(count: usize) -> String {
    let record = |number: usize| {
        serde_json::json!({
            "name": format!("ci-{number}"), "provider": "snyk", "kind": "personal-token",
            "region": "SNYK-EU-01", "secret": token(number), "labels": ["prod"]
        })
    };
    serde_json::Value::from((0..count).map(record).collect::<Vec<_>>()).to_string()
}

async fn import_text(
    engine: &Engine,
    text: &str,
    options: BulkImportOptions,
) -> Result<Vec<BulkImportRow>, Problem> {
    let source = BulkSource::Piped(Arc::new(Zeroizing::new(text.to_owned())));
    let records = engine.imports.read_records(source, |_, _| ()).await?;
    engine.imports.import_records(records, options, |_, _| ()).await
}

fn import_for_real() -> BulkImportOptions {
    BulkImportOptions { compares_secrets: true, ..BulkImportOptions::default() }
}

fn summary(row: &BulkImportRow) -> String {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    format!(
        "{}: {:?} {} {}@{} {}",
        row.location,
        row.outcome,
        text(&row.name),
        text(&row.kind),
        text(&row.region),
        text(&row.remark)
    )
}

#[tokio::test]
async fn every_record_is_imported_known_or_refused_with_its_reason() {
    let engine = engine_over(&CountingStore::new(true));
    import_text(&engine, &list(1), import_for_real()).await.unwrap();
    let (one, two, three) = (token(1), token(2), token(3));
    let pat = "snyk_uat.1a2b3c4d.eyJoIjoiYXBpLmF1LnNueWsuaW8iLCJqIjoiMSIsImV4cCI6MTkwMDAwMDAwMH0.BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc";
    let text = serde_json::json!([
        { "name": "known", "kind": "personal-token", "secret": token(0) },
        { "name": "ci-0", "provider": "snyk", "secret": one },
        { "name": "pat", "secret": pat },
        { "name": "again", "secret": pat },
        { "name": "elsewhere", "secret": pat.replace("BwcHB", "CwcHB"), "region": "SNYK-EU-01" },
        { "name": "guess", "secret": two },
        { "name": "typo", "provider": "snik", "secret": three },
        { "name": "field", "provider": "snyk", "kind": "personal-token", "secret": three, "fields": { "nope": "1" } },
        { "name": three, "provider": "snyk", "secret": three },
        { "name": "empty" },
        { "name": "late", "provider": "snyk", "secret": three, "expires": "tomorrow" },
        { "name": "other", "provider": "appcircle", "secret": pat.replace("BwcHB", "DwcHB") },
    ])
    .to_string();
    let options = BulkImportOptions { dry_run: true, ..import_for_real() };
    let planned = import_text(&engine, &text, options).await.unwrap();
    let rows = import_text(&engine, &text, import_for_real()).await.unwrap();
    for (plan, row) in planned.iter().zip(&rows) {
        let expected = match plan.outcome {
            BulkImportOutcome::Found => BulkImportOutcome::Imported,
            outcome => outcome,
        };
        assert_eq!((expected, &plan.name, &plan.remark), (row.outcome, &row.name, &row.remark));
    }
    let found: Vec<_> = rows.iter().map(summary).collect();
    for (row, expected) in found.iter().zip([
        "record 1 (line 1): AlreadyStored ci-0 personal-token@SNYK-US-01 ",
        "record 2 (line 1): Refused  @ the name ci-0 is taken",
        "record 3 (line 1): Imported pat personal-access-token@SNYK-AU-01 ",
        "record 4 (line 1): AlreadyStored pat personal-access-token@SNYK-AU-01 the same secret as record 3 (line 1)",
        "record 5 (line 1): Refused  @ the secret belongs to SNYK-AU-01, the record says SNYK-EU-01",
        "record 6 (line 1): Refused  @ it may be a",
        "record 7 (line 1): Refused  @ no provider named \"snik\"",
        "record 8 (line 1): Refused  @ Unknown field \"nope\"",
        "record 9 (line 1): Refused  @ the name",
        "record 10 (line 1): Refused  @ the record has no secret",
        "record 11 (line 1): Refused  @ the expiry is not a time",
        "record 12 (line 1): Refused  @ the secret is a snyk personal-access-token",
    ]) {
        assert!(row.starts_with(expected), "{row}\n{expected}");
    }
    assert_eq!(found.len(), 12);
    let everything = found.join("\n");
    for secret in [&one, &two, &three, pat] {
        assert!(!everything.contains(secret), "{everything}");
    }
    let renames = BulkImportOptions { renames: true, ..import_for_real() };
    let renamed = import_text(&engine, &text, renames).await.unwrap();
    assert_eq!(renamed[1].name.as_deref(), Some("ci-0-2"));
    assert_eq!(renamed[1].remark.as_deref(), Some("the name was taken"));
}

#[tokio::test]
async fn of_an_item_only_values_with_a_known_format_are_imported() {
    let engine = engine_over(&CountingStore::new(true));
    let login = |name: &str, uri: &str, password: &str| serde_json::json!({ "type": 1, "name": name, "login": { "password": password, "uris": [{ "uri": uri }] } });
    let text = serde_json::json!({ "encrypted": false, "items": [
        login("Snyk (EU)", "https://app.eu.snyk.io/login", &token(1)),
        login("Mail", "https://mail.example", "correct horse battery"),
        login("Snyk?", "https://wiki.example", &token(2)),
        { "name": "CI", "fields": [
            { "name": "note", "value": "a long remark of no use", "type": 0 },
            { "name": "SNYK_TOKEN", "value": token(3), "type": 1 },
        ] },
    ] })
    .to_string();
    let rows = import_text(&engine, &text, import_for_real()).await.unwrap();
    let found: Vec<_> = rows.iter().map(summary).collect();
    assert_eq!(found[0], "item 1, password: Imported snyk-eu personal-token@SNYK-EU-01 ");
    assert!(found[1].starts_with("item 2, password: Refused  @ "), "{}", found[1]);
    assert!(found[2].contains("which is not certain"), "{}", found[2]);
    assert_eq!(found[3], "item 4, field 2: Imported ci personal-token@SNYK-US-01 ");
    assert_eq!(found.len(), 4);
}

/// The work is counted instead of timed: the number of writes does not depend on the number of
/// records.
#[tokio::test]
async fn a_list_is_one_write_to_the_store_however_long_it_is() {
    let mut changes = Vec::new();
    for count in [20, 200] {
        let store = CountingStore::new(true);
        let engine = engine_over(&store);
        let rows = import_text(&engine, &list(count), import_for_real()).await.unwrap();
        assert!(rows.iter().all(|row| row.outcome == BulkImportOutcome::Imported));
        assert_eq!(engine.credentials.list().await.unwrap().len(), count);
        changes.push(store.changes.load(Ordering::Relaxed));
        let again = import_text(&engine, &list(count), import_for_real()).await.unwrap();
        assert!(again.iter().all(|row| row.outcome == BulkImportOutcome::AlreadyStored));
        assert_eq!(engine.credentials.list().await.unwrap().len(), count);
    }
    assert_eq!(changes[0], changes[1], "one write for all records");
}

#[tokio::test]
async fn wherever_an_import_stops_the_next_run_completes_it_without_doubles() {
    for writes_batches in [true, false] {
        let mut changes = 0;
        loop {
            let store = CountingStore::new(writes_batches);
            let engine = engine_over(&store);
            store.changes_left.store(changes, Ordering::Relaxed);
            let stopped = import_text(&engine, &list(5), import_for_real()).await;
            store.changes_left.store(usize::MAX, Ordering::Relaxed);
            let rows = import_text(&engine, &list(5), import_for_real()).await.unwrap();
            assert!(rows.iter().all(|row| row.outcome != BulkImportOutcome::Refused));
            let all = engine.credentials.list().await.unwrap();
            assert_eq!(all.len(), 5, "after {changes} changes");
            for (number, credential) in all.iter().enumerate() {
                let key =
                    ItemKey::for_part(&credential.id, SecretSlot::Current, &SecretPart::Secret);
                let stored = store.get(&key).await.unwrap();
                assert!(stored.same_as(&Secret::from_text(token(number))), "{}", credential.name);
            }
            if stopped.is_ok() {
                break;
            }
            changes += 1;
        }
        assert!(changes > 3, "{changes}");
    }
}

/// A process that was killed has written the index and nothing else.
#[tokio::test]
async fn credentials_without_secrets_get_them_from_the_next_import() {
    let store = CountingStore::new(true);
    let engine = engine_over(&store);
    import_text(&engine, &list(3), import_for_real()).await.unwrap();
    let lost = engine.credentials.find("ci-1").await.unwrap();
    let key = ItemKey::for_part(&lost.id, SecretSlot::Current, &SecretPart::Secret);
    store.delete(&key).await.unwrap();
    let rows = import_text(&engine, &list(3), import_for_real()).await.unwrap();
    assert_eq!(
        rows.iter().map(|row| row.outcome).collect::<Vec<_>>(),
        [
            BulkImportOutcome::AlreadyStored,
            BulkImportOutcome::Imported,
            BulkImportOutcome::AlreadyStored
        ]
    );
    assert!(store.get(&key).await.unwrap().same_as(&Secret::from_text(token(1))));
    assert_eq!(engine.credentials.list().await.unwrap().len(), 3);
}
