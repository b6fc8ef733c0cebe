//! Exports of password managers: Bitwarden's unencrypted JSON, and 1Password's 1PUX, a zip archive
//! with JSON in it.
//!
//! An item of a password manager has many values, of which at most a few are tokens, so each value
//! becomes a record of its own that is imported only if its format is known. Sources of the
//! formats: <https://bitwarden.com/help/condition-bitwarden-import/> and
//! <https://support.1password.com/1pux-format/>. Start at [`read_bitwarden`] and [`read_1pux`].

use std::collections::BTreeMap;
use std::io::Read as _;
use std::sync::Arc;

use serde_json::Value;
use zeroize::Zeroizing;

use super::records::{ImportRecord, ListError, collect_records, field_id};
use crate::domain::Secret;

/// File of a 1PUX archive that holds the items.
const EXPORT_DATA_FILE: &str = "export.data";

/// Maximum size of that file, expanded.
const MAX_EXPORT_DATA_BYTES: u64 = 64 << 20;

/// Minimum length of a value or of a word in a note that may be a token.
const MIN_TOKEN_CHARS: usize = 16;

/// Item of a password manager, as far as it can hold a token.
#[derive(Default)]
pub(super) struct PasswordItem {
    /// Position in the export, without any text of the item.
    pub(super) location: String,
    /// Title.
    pub(super) title: Option<String>,
    /// Addresses of the item.
    pub(super) addresses: Vec<String>,
    /// Labels.
    pub(super) labels: Vec<String>,
    /// Values with their labels.
    pub(super) values: Vec<ItemValue>,
    /// Why the item is not read, if so.
    pub(super) rejection: Option<String>,
}

/// Value of an item.
pub(super) struct ItemValue {
    /// Where it is within the item, without any text of the item.
    pub(super) place: String,
    /// Its label.
    pub(super) label: String,
    /// The value.
    pub(super) text: Zeroizing<String>,
}

impl PasswordItem {
    /// Adds a value.
    pub(super) fn push(&mut self, place: impl Into<String>, label: &str, text: &str) {
        let text = Zeroizing::new(text.trim().to_owned());
        self.values.push(ItemValue { place: place.into(), label: label.to_owned(), text });
    }

    /// Adds the words of a note that are long enough for a token, and its lines `name: value`.
    pub(super) fn push_note(&mut self, note: &str) {
        for (number, line) in note.lines().enumerate() {
            let label = line.split_once([':', '=']).map_or("", |(name, _)| name.trim());
            for word in line.split_whitespace().filter(|word| word.len() >= MIN_TOKEN_CHARS) {
                self.push(format!("note, line {}", number + 1), label, word);
            }
        }
    }

    /// Converts the item with this number into a record for each value that may be a token. An item
    /// without any is one rejected record.
    pub(super) fn into_records(self, number: usize) -> Vec<ImportRecord> {
        let Self { location, title, addresses, labels, values, rejection } = self;
        let possible_fields: BTreeMap<_, _> = values
            .iter()
            .filter(|value| !value.label.is_empty())
            .map(|value| (field_id(&value.label), value.text.to_string()))
            .collect();
        let record = |location, secret, variable, rejection| ImportRecord {
            location,
            item: Some(number),
            title: title.clone(),
            addresses: addresses.clone(),
            variable,
            secret,
            possible_fields: possible_fields.clone(),
            labels: labels.clone(),
            rejection,
            ..ImportRecord::default()
        };
        let mut records: Vec<_> = values
            .into_iter()
            .filter(|value| rejection.is_none() && value.text.len() >= MIN_TOKEN_CHARS)
            .map(|value| {
                let secret = Some(Arc::new(Secret::new(value.text.as_bytes().to_vec())));
                record(format!("{location}, {}", value.place), secret, value.label, None)
            })
            .collect();
        if records.is_empty() {
            let why = rejection.unwrap_or_else(|| "no value is long enough for a token".to_owned());
            records.push(record(location, None, String::new(), Some(why)));
        }
        records
    }
}

/// Returns whether a JSON object is an export of Bitwarden.
pub(super) fn is_bitwarden_export(text: &str) -> bool {
    #[derive(serde::Deserialize)]
    struct BitwardenHeader {
        #[expect(dead_code, reason = "only its type matters")]
        encrypted: bool,
    }
    serde_json::from_str::<BitwardenHeader>(text).is_ok()
}

/// Reads an unencrypted JSON export of Bitwarden.
pub(super) fn read_bitwarden(text: &str) -> Result<Vec<ImportRecord>, ListError> {
    let export: Value = serde_json::from_str(text)
        .map_err(|error| ListError::Malformed { line: error.line(), why: "not valid JSON" })?;
    if export["encrypted"] != Value::Bool(false) {
        let why = "the export is encrypted; export it again in the format .json";
        return Err(ListError::Unreadable(why));
    }
    let items = export["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    let items = items.iter().enumerate().map(|(place, item)| (place, bitwarden_item(item, place)));
    collect_records(items.flat_map(|(place, item)| item.into_records(place)))
}

fn bitwarden_item(item: &Value, place: usize) -> PasswordItem {
    let mut found = PasswordItem {
        location: format!("item {}", place + 1),
        title: text_at(item, "/name").map(str::to_owned),
        addresses: elements(item, "/login/uris")
            .filter_map(|uri| text_at(uri, "/uri"))
            .map(str::to_owned)
            .collect(),
        rejection: text_at(item, "/deletedDate").map(|_| "the item is in the trash".to_owned()),
        ..PasswordItem::default()
    };
    if let Some(password) = text_at(item, "/login/password") {
        found.push("password", "password", password);
    }
    for (number, field) in elements(item, "/fields").enumerate() {
        let name = text_at(field, "/name").unwrap_or_default();
        if let Some(value) = text_at(field, "/value") {
            found.push(format!("field {}", number + 1), name, value);
        }
    }
    if let Some(note) = text_at(item, "/notes") {
        found.push_note(note);
    }
    found
}

/// Reads a 1PUX export of 1Password.
pub(super) fn read_1pux(archive: &[u8]) -> Result<Vec<ImportRecord>, ListError> {
    let data = extract_export_data(archive, MAX_EXPORT_DATA_BYTES)?;
    let export: Value = serde_json::from_slice(&data)
        .map_err(|_| ListError::Unreadable("export.data in the archive is not valid JSON"))?;
    let vaults = elements(&export, "/accounts").flat_map(|account| elements(account, "/vaults"));
    let items = vaults.enumerate().flat_map(|(vault, content)| {
        elements(content, "/items")
            .enumerate()
            .map(move |(place, item)| (format!("vault {}, item {}", vault + 1, place + 1), item))
    });
    let items = items.enumerate().map(|(number, (location, item))| {
        // Older versions wrap each item in an object.
        (number, onepassword_item(item.get("item").unwrap_or(item), location))
    });
    collect_records(items.flat_map(|(number, item)| item.into_records(number)))
}

fn onepassword_item(item: &Value, location: String) -> PasswordItem {
    let urls = elements(item, "/overview/urls").filter_map(|url| text_at(url, "/url"));
    let tags = elements(item, "/overview/tags").filter_map(Value::as_str);
    let is_trashed = item["trashed"] == Value::Bool(true) || item["state"] == "trashed";
    let mut found = PasswordItem {
        location,
        title: text_at(item, "/overview/title").map(str::to_owned),
        addresses: urls.chain(text_at(item, "/overview/url")).map(str::to_owned).collect(),
        labels: tags.map(str::to_owned).collect(),
        rejection: is_trashed.then(|| "the item is in the trash".to_owned()),
        ..PasswordItem::default()
    };
    if let Some(password) = text_at(item, "/details/password") {
        found.push("password", "password", password);
    }
    for (number, field) in elements(item, "/details/loginFields").enumerate() {
        if let Some(value) = text_at(field, "/value") {
            let label = text_at(field, "/name").unwrap_or_default();
            found.push(format!("login field {}", number + 1), label, value);
        }
    }
    let sections = elements(item, "/details/sections");
    let fields = sections.flat_map(|section| elements(section, "/fields"));
    for (number, field) in fields.enumerate() {
        let label = text_at(field, "/title").unwrap_or_default();
        let value = |kind: &str| text_at(field, &format!("/value/{kind}"));
        if let Some(secret) = value("concealed").or_else(|| value("string")) {
            found.push(format!("field {}", number + 1), label, secret);
        } else if let Some(address) = value("url") {
            found.addresses.push(address.to_owned());
        }
        if matches!(field_id(label).as_str(), "hostname" | "endpoint")
            && let Some(host) = value("string")
        {
            found.addresses.push(host.to_owned());
        }
    }
    if let Some(note) = text_at(item, "/details/notesPlain") {
        found.push_note(note);
    }
    found
}

/// Returns the expanded `export.data` of a 1PUX archive, of at most `limit` bytes.
fn extract_export_data(archive: &[u8], limit: u64) -> Result<Zeroizing<Vec<u8>>, ListError> {
    let damaged = |_| ListError::Unreadable("the zip archive is damaged");
    let archive = rawzip::ZipArchive::from_slice(archive).map_err(damaged)?;
    let mut entries = archive.entries();
    while let Some(entry) = entries.next_entry().map_err(damaged)? {
        if entry.file_path().as_ref() != EXPORT_DATA_FILE.as_bytes() {
            continue;
        }
        let method = entry.compression_method();
        let file = archive.get_entry(entry.wayfinder()).map_err(damaged)?;
        let mut data = Zeroizing::new(Vec::new());
        let read = if method == rawzip::CompressionMethod::STORE {
            file.verifying_reader(file.data()).take(limit + 1).read_to_end(&mut data)
        } else if method == rawzip::CompressionMethod::DEFLATE {
            let expanded = flate2::bufread::DeflateDecoder::new(file.data());
            file.verifying_reader(expanded).take(limit + 1).read_to_end(&mut data)
        } else {
            return Err(ListError::Unreadable("export.data is compressed in an unknown way"));
        };
        let size =
            read.map_err(|_| ListError::Unreadable("export.data in the archive is damaged"))?;
        if u64::try_from(size).is_ok_and(|size| size <= limit) {
            return Ok(data);
        }
        return Err(ListError::TooLarge(limit >> 20));
    }
    Err(ListError::Unreadable("the zip archive has no export.data, so it is not a 1PUX export"))
}

/// Returns the text at a JSON pointer, unless it is empty.
fn text_at<'v>(value: &'v Value, pointer: &str) -> Option<&'v str> {
    value.pointer(pointer)?.as_str().filter(|text| !text.trim().is_empty())
}

/// Returns the elements of the array at a JSON pointer.
fn elements<'v>(value: &'v Value, pointer: &str) -> impl Iterator<Item = &'v Value> + use<'v> {
    value.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use serde_json::json;

    use super::*;

    fn summaries(records: &[ImportRecord]) -> Vec<String> {
        let summary = |record: &ImportRecord| {
            format!(
                "{} | {} | {} | {} | {:?} {:?} {:?} {}",
                record.location,
                record.title.clone().unwrap_or_default(),
                record.variable,
                record.secret.as_ref().map_or(0, |secret| secret.len()),
                record.addresses,
                record.labels,
                record.possible_fields.keys().collect::<Vec<_>>(),
                record.rejection.clone().unwrap_or_default()
            )
        };
        records.iter().map(summary).collect()
    }

    #[test]
    fn a_bitwarden_export_gives_passwords_fields_and_words_of_notes() {
        let export = json!({
            "encrypted": false,
            "folders": [{ "id": "f", "name": "work" }],
            "items": [
                {
                    "id": "1", "organizationId": null, "folderId": "f", "type": 1, "reprompt": 0,
                    "name": "Snyk CI", "notes": "token: abcdefghijklmnopqrst\nshort", "favorite": false,
                    "fields": [
                        { "name": "Org ID", "value": "acme", "type": 0 },
                        { "name": "SNYK_TOKEN", "value": "0123456789abcdef0123", "type": 1 },
                        { "name": "linked", "value": null, "type": 3 }
                    ],
                    "login": {
                        "uris": [{ "match": null, "uri": "https://api.eu.snyk.io" }],
                        "username": "me@example.com", "password": "fedcba9876543210fedc", "totp": null
                    },
                    "collectionIds": null
                },
                { "type": 2, "name": "note", "notes": "nothing here", "secureNote": { "type": 0 } },
                { "type": 1, "name": "gone", "deletedDate": "2026-01-01T00:00:00Z", "login": { "password": "fedcba9876543210fedc" } }
            ]
        })
        .to_string();
        assert!(is_bitwarden_export(&export));
        assert_eq!(
            summaries(&read_bitwarden(&export).unwrap()),
            [
                "item 1, password | Snyk CI | password | 20 | [\"https://api.eu.snyk.io\"] [] [\"org_id\", \"password\", \"snyk_token\", \"token\"] ",
                "item 1, field 2 | Snyk CI | SNYK_TOKEN | 20 | [\"https://api.eu.snyk.io\"] [] [\"org_id\", \"password\", \"snyk_token\", \"token\"] ",
                "item 1, note, line 1 | Snyk CI | token | 20 | [\"https://api.eu.snyk.io\"] [] [\"org_id\", \"password\", \"snyk_token\", \"token\"] ",
                "item 2 | note |  | 0 | [] [] [] no value is long enough for a token",
                "item 3 | gone |  | 0 | [] [] [\"password\"] the item is in the trash",
            ]
        );
        for encrypted in [
            json!({ "encrypted": true, "items": [] }),
            json!({ "encrypted": true, "passwordProtected": true, "data": "2.x" }),
        ] {
            let refused = read_bitwarden(&encrypted.to_string()).err().unwrap().to_string();
            assert!(refused.contains("is encrypted"), "{refused}");
        }
    }

    fn archive(files: &[(&str, &str)], compresses: bool) -> Vec<u8> {
        let mut output = Vec::new();
        let mut archive = rawzip::ZipArchiveWriter::new(&mut output);
        for (name, content) in files {
            let method = if compresses {
                rawzip::CompressionMethod::DEFLATE
            } else {
                rawzip::CompressionMethod::STORE
            };
            let (mut entry, config) =
                archive.new_file(name).compression_method(method).start().unwrap();
            let descriptor = if compresses {
                let encoder =
                    flate2::write::DeflateEncoder::new(&mut entry, flate2::Compression::default());
                let mut writer = config.wrap(encoder);
                writer.write_all(content.as_bytes()).unwrap();
                let (encoder, descriptor) = writer.finish().unwrap();
                encoder.finish().unwrap();
                descriptor
            } else {
                let mut writer = config.wrap(&mut entry);
                writer.write_all(content.as_bytes()).unwrap();
                writer.finish().unwrap().1
            };
            entry.finish(descriptor).unwrap();
        }
        archive.finish().unwrap();
        output
    }

    #[test]
    fn a_1pux_export_gives_login_fields_sections_and_notes() {
        let item = json!({
            "uuid": "u", "favIndex": 0, "createdAt": 1, "updatedAt": 1, "state": "active", "categoryUuid": "112",
            "details": {
                "loginFields": [{ "value": "0123456789abcdef0123", "id": "", "name": "password", "fieldType": "P", "designation": "password" }],
                "notesPlain": "", "passwordHistory": [],
                "sections": [{ "title": "", "name": "s", "fields": [
                    { "title": "credential", "id": "credential", "value": { "concealed": "fedcba9876543210fedc" }, "guarded": true },
                    { "title": "hostname", "id": "hostname", "value": { "string": "api.au.snyk.io" } },
                    { "title": "valid from", "id": "d", "value": { "date": 1 } }
                ] }]
            },
            "overview": { "title": "Snyk", "subtitle": "", "url": "https://app.snyk.io", "urls": [{ "label": "", "url": "https://app.snyk.io" }], "tags": ["prod"] }
        });
        let wrapped = json!({ "item": { "details": { "password": "0123456789abcdef0123" }, "overview": { "title": "old" } } });
        let trashed = json!({ "trashed": true, "overview": { "title": "gone" } });
        let data = json!({ "accounts": [{ "attrs": {}, "vaults": [
            { "attrs": { "name": "Private" }, "items": [item] }, { "attrs": {}, "items": [wrapped, trashed] }
        ] }] })
        .to_string();
        let expected = [
            "vault 1, item 1, login field 1 | Snyk | password | 20 | [\"https://app.snyk.io\", \"https://app.snyk.io\", \"api.au.snyk.io\"] [\"prod\"] [\"credential\", \"hostname\", \"password\"] ",
            "vault 1, item 1, field 1 | Snyk | credential | 20 | [\"https://app.snyk.io\", \"https://app.snyk.io\", \"api.au.snyk.io\"] [\"prod\"] [\"credential\", \"hostname\", \"password\"] ",
            "vault 2, item 1, password | old | password | 20 | [] [] [\"password\"] ",
            "vault 2, item 2 | gone |  | 0 | [] [] [] the item is in the trash",
        ];
        for compresses in [true, false] {
            let archive = archive(
                &[("export.attributes", "{\"version\": 3}"), ("export.data", &data)],
                compresses,
            );
            assert_eq!(summaries(&read_1pux(&archive).unwrap()), expected);
            let mut damaged = archive.clone();
            let middle = archive.len() / 2;
            damaged[middle] ^= 0xff;
            assert!(read_1pux(&damaged).is_err() || read_1pux(&archive[..middle]).is_err());
        }
        let other = archive(&[("word/document.xml", "<x/>")], true);
        assert!(read_1pux(&other).err().unwrap().to_string().contains("not a 1PUX export"));
    }

    #[test]
    fn an_archive_that_expands_beyond_the_limit_is_refused() {
        let content = "x".repeat((1 << 20) + 1);
        for compresses in [true, false] {
            let archive = archive(&[("export.data", &content)], compresses);
            assert!(extract_export_data(&archive, (1 << 20) + 1).is_ok());
            let refused = extract_export_data(&archive, 1 << 20).err();
            assert_eq!(refused, Some(ListError::TooLarge(1)));
        }
        let text = ListError::TooLarge(MAX_EXPORT_DATA_BYTES >> 20).to_string();
        assert!(text.contains("too large (limit 64 MiB)"), "{text}");
    }
}
