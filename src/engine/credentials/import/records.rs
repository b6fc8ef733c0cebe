//! Lists of records: a JSON array in the shape of `list --json` with secrets, JSON lines, and CSV
//! with a header.
//!
//! A list is recognized by its content where that is certain. A record that cannot be read is
//! rejected alone, with its position and without any of its text. Start at [`detect_list`] and
//! [`read_list`]; the exports of password managers belong to `password_managers`.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::password_managers;
use crate::domain::Secret;
use crate::domain::format::count_noun;

/// Format of a list from which many credentials can be imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListFormat {
    /// A JSON array of records.
    JsonArray,
    /// A record of JSON in each line.
    JsonLines,
    /// CSV with a header.
    Csv,
    /// An unencrypted JSON export of Bitwarden.
    Bitwarden,
    /// An export of 1Password (1PUX).
    OnePassword,
}

/// Record of a list from which a credential may be imported.
#[derive(Default)]
pub struct ImportRecord {
    /// Position in the list, without any text of the record.
    pub(super) location: String,
    /// Number of the password manager's item, whose other values may be the secret instead.
    pub(super) item: Option<usize>,
    /// Name to use as it is.
    pub(super) name: Option<String>,
    /// Title from which a name is derived.
    pub(super) title: Option<String>,
    /// ID of the provider, if the record names it.
    pub(super) provider: Option<String>,
    /// ID of the kind, if the record names it.
    pub(super) kind: Option<String>,
    /// ID of the region, if the record names it.
    pub(super) region: Option<String>,
    /// Addresses beside the secret, one of which may name the region.
    pub(super) addresses: Vec<String>,
    /// Label of the secret, which may be the variable of a provider.
    pub(super) variable: String,
    /// The secret.
    pub(super) secret: Option<Arc<Secret>>,
    /// Further parts of the secret.
    pub(super) parts: BTreeMap<String, Arc<Secret>>,
    /// Fields of the credential.
    pub(super) fields: BTreeMap<String, String>,
    /// Values that are fields of the credential if its kind has a field of this name.
    pub(super) possible_fields: BTreeMap<String, String>,
    /// Labels.
    pub(super) labels: Vec<String>,
    /// Time at which the secret expires, as RFC 3339.
    pub(super) expires: Option<String>,
    /// Why the record cannot be imported, if that is already known.
    pub(super) rejection: Option<String>,
}

/// Why a list cannot be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ListError {
    /// The content does not have the format.
    #[error("line {line}: {why}")]
    Malformed {
        /// Line, from 1.
        line: usize,
        /// The error, without any text of the list.
        why: &'static str,
    },
    /// The file as a whole cannot be read.
    #[error("{0}")]
    Unreadable(&'static str),
}

/// Column names of the secret, in our own lists and in the exports of password managers.
const SECRET_COLUMNS: [&str; 5] = ["secret", "token", "password", "login_password", "credential"];

/// Column names of the name or title.
const NAME_COLUMNS: [&str; 2] = ["name", "title"];

/// Column names of an address that may name the region.
const ADDRESS_COLUMNS: [&str; 5] = ["url", "login_uri", "website", "hostname", "endpoint"];

/// Columns of password managers that say nothing about a token.
const IGNORED_COLUMNS: [&str; 12] = [
    "folder",
    "favorite",
    "archived",
    "type",
    "notes",
    "reprompt",
    "login_username",
    "username",
    "login_totp",
    "otpauth",
    "status",
    "fingerprint",
];

/// Returns the format of a list where the content leaves no doubt.
pub(super) fn detect_list(content: &[u8]) -> Option<ListFormat> {
    if content.starts_with(b"PK\x03\x04") {
        return Some(ListFormat::OnePassword);
    }
    let text = as_text(content).ok()?;
    match text.trim_start().chars().next()? {
        '[' => {
            let records = serde_json::from_str::<Vec<Map<String, Value>>>(text).ok()?;
            let has_secret = |record: &Map<String, Value>| record.contains_key("secret");
            (!records.is_empty() && records.iter().any(has_secret)).then_some(ListFormat::JsonArray)
        }
        '{' => {
            if password_managers::is_bitwarden_export(text) {
                return Some(ListFormat::Bitwarden);
            }
            let first = text.trim_start().lines().next()?;
            let record = serde_json::from_str::<Map<String, Value>>(first).ok()?;
            let describes = |member: &&str| record.contains_key(*member);
            let is_record =
                record.contains_key("secret") && ["name", "provider", "kind"].iter().any(describes);
            is_record.then_some(ListFormat::JsonLines)
        }
        _ => {
            let header = text.lines().find(|line| !line.trim().is_empty())?;
            let columns = csv_columns(header);
            let has =
                |names: &[&str]| columns.iter().any(|column| names.contains(&column.as_str()));
            (has(&SECRET_COLUMNS) && has(&NAME_COLUMNS)).then_some(ListFormat::Csv)
        }
    }
}

/// Reads the records of a list in this format.
pub(super) fn read_list(
    content: &[u8],
    format: ListFormat,
) -> Result<Vec<ImportRecord>, ListError> {
    match format {
        ListFormat::OnePassword => password_managers::read_1pux(content),
        ListFormat::Bitwarden => password_managers::read_bitwarden(as_text(content)?),
        ListFormat::JsonArray => read_json_array(as_text(content)?),
        ListFormat::JsonLines => Ok(read_json_lines(as_text(content)?)),
        ListFormat::Csv => read_csv(as_text(content)?),
    }
}

/// Reads a list whose format is not certain: JSON by its first character, else CSV.
pub(super) fn read_any_list(content: &[u8]) -> Result<Vec<ImportRecord>, ListError> {
    if let Some(format) = detect_list(content) {
        return read_list(content, format);
    }
    let text = as_text(content)?;
    match text.trim_start().chars().next() {
        Some('[') => read_json_array(text),
        Some('{') => Ok(read_json_lines(text)),
        Some(_) => read_csv(text),
        None => Ok(Vec::new()),
    }
}

/// Returns the text without a byte order mark.
fn as_text(content: &[u8]) -> Result<&str, ListError> {
    let text = std::str::from_utf8(content)
        .map_err(|_| ListError::Unreadable("the content is not UTF-8 text"))?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

fn read_json_array(text: &str) -> Result<Vec<ImportRecord>, ListError> {
    let elements: Vec<&RawValue> = serde_json::from_str(text)
        .map_err(|error| ListError::Malformed { line: error.line(), why: "not a JSON array" })?;
    let (mut line, mut counted) = (1, 0);
    let mut records = Vec::with_capacity(elements.len());
    for (place, element) in elements.into_iter().enumerate() {
        let start = element.get().as_ptr() as usize - text.as_ptr() as usize;
        line += memchr::memchr_iter(b'\n', &text.as_bytes()[counted..start]).count();
        counted = start;
        let location = format!("record {} (line {line})", place + 1);
        records.push(read_json_record(element.get(), location));
    }
    Ok(records)
}

fn read_json_lines(text: &str) -> Vec<ImportRecord> {
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(place, line)| read_json_record(line, format!("line {}", place + 1)))
        .collect()
}

fn read_json_record(text: &str, location: String) -> ImportRecord {
    let Ok(mut members) = serde_json::from_str::<Map<String, Value>>(text) else {
        let rejection = Some("the record is not a JSON object".to_owned());
        return ImportRecord { location, rejection, ..ImportRecord::default() };
    };
    match parse_members(&mut members) {
        Ok(record) => ImportRecord { location, ..record },
        Err(member) => {
            let rejection = Some(format!("the member \"{member}\" does not have the right type"));
            ImportRecord { location, rejection, ..ImportRecord::default() }
        }
    }
}

/// Reads the members of a record. Other members, such as those of `list --json`, are ignored.
fn parse_members(members: &mut Map<String, Value>) -> Result<ImportRecord, &'static str> {
    let mut text = |member: &'static str| match members.remove(member) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(member),
    };
    let record = ImportRecord {
        name: text("name")?,
        provider: text("provider")?,
        kind: text("kind")?,
        region: text("region")?,
        secret: text("secret")?.map(|secret| Arc::new(Secret::from_text(secret))),
        expires: text("expires")?,
        ..ImportRecord::default()
    };
    let mut texts = |member: &'static str| match members.remove(member) {
        None | Some(Value::Null) => Ok(BTreeMap::new()),
        Some(Value::Object(values)) => values
            .into_iter()
            .map(|(id, value)| match value {
                Value::String(text) => Ok((id, text)),
                _ => Err(member),
            })
            .collect(),
        Some(_) => Err(member),
    };
    let fields = texts("fields")?;
    let parts = texts("parts")?
        .into_iter()
        .map(|(id, secret)| (id, Arc::new(Secret::from_text(secret))))
        .collect();
    let labels = match members.remove("labels") {
        None | Some(Value::Null) => Vec::new(),
        Some(labels) => serde_json::from_value(labels).map_err(|_| "labels")?,
    };
    Ok(ImportRecord { parts, fields, labels, ..record })
}

fn csv_columns(header: &str) -> Vec<String> {
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(header.as_bytes());
    let first = reader.records().next().and_then(Result::ok).unwrap_or_default();
    first.iter().map(|column| column.trim().to_lowercase()).collect()
}

fn read_csv(text: &str) -> Result<Vec<ImportRecord>, ListError> {
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut rows = reader.records();
    let columns: Vec<String> = match rows.next() {
        None => return Ok(Vec::new()),
        Some(Ok(header)) => header.iter().map(|column| column.trim().to_lowercase()).collect(),
        Some(Err(_)) => {
            return Err(ListError::Malformed { line: 1, why: "the header is not CSV" });
        }
    };
    if !columns.iter().any(|column| SECRET_COLUMNS.contains(&column.as_str())) {
        let why = "the first line has no column named secret, token or password";
        return Err(ListError::Malformed { line: 1, why });
    }
    let mut records = Vec::new();
    let mut lines = LineCounter { text: text.as_bytes(), read: 0, line: 1 };
    for row in rows {
        match row {
            Ok(row) => {
                let location = lines.locate(row.position());
                records.push(read_csv_row(&columns, &row, location));
            }
            Err(error) => {
                let rejection = Some("the line is not CSV".to_owned());
                let location = lines.locate(error.position());
                records.push(ImportRecord { location, rejection, ..ImportRecord::default() });
            }
        }
    }
    Ok(records)
}

/// Counts the lines of a text up to the rows in it, one after the other. The lines that the reader
/// of CSV counts are too few where lines end with a carriage return.
struct LineCounter<'a> {
    text: &'a [u8],
    /// Number of bytes that were counted.
    read: usize,
    /// Line after these bytes, from 1.
    line: usize,
}

impl LineCounter<'_> {
    /// Returns the line of a row. The end of the line before it and empty lines can belong to it.
    fn locate(&mut self, position: Option<&csv::Position>) -> String {
        let begin = position.and_then(|at| usize::try_from(at.byte()).ok()).unwrap_or_default();
        let rest = self.text.get(begin..).unwrap_or_default();
        let ends = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let begin = (begin + ends).min(self.text.len());
        let passed = self.text.get(self.read..begin).unwrap_or_default();
        self.line += memchr::memchr_iter(b'\n', passed).count();
        self.read = self.read.max(begin);
        format!("line {}", self.line)
    }
}

/// Reads a row of CSV. A list with a column `secret` is our own, so that its names are used as they
/// are; the titles of another program are only the base of a name.
fn read_csv_row(columns: &[String], row: &csv::StringRecord, location: String) -> ImportRecord {
    let mut record = ImportRecord { location, ..ImportRecord::default() };
    if row.len() != columns.len() {
        let (found, expected) = (row.len(), columns.len());
        let found = count_noun(found, "value");
        record.rejection = Some(format!("the line has {found}, the header has {expected}"));
        return record;
    }
    let is_own = columns.iter().any(|column| column == "secret");
    for (column, value) in columns.iter().zip(row).filter(|(_, value)| !value.trim().is_empty()) {
        let text = || value.trim().to_owned();
        match column.as_str() {
            "name" | "title" if is_own => record.name = Some(text()),
            "name" | "title" => record.title = Some(text()),
            "provider" => record.provider = Some(text()),
            "kind" => record.kind = Some(text()),
            "region" => record.region = Some(text()),
            "expires" => record.expires = Some(text()),
            "labels" | "tags" => record.labels = split_labels(value),
            "fields" => record.possible_fields.extend(named_values(value)),
            name if SECRET_COLUMNS.contains(&name) => {
                record.secret = Some(Arc::new(Secret::from_text(value.to_owned())));
            }
            name if ADDRESS_COLUMNS.contains(&name) => record.addresses.push(text()),
            name if IGNORED_COLUMNS.contains(&name) => {}
            name => match name.split_once(':') {
                Some(("part", id)) => {
                    let secret = Arc::new(Secret::from_text(value.to_owned()));
                    record.parts.insert(id.to_owned(), secret);
                }
                Some(("field", id)) => drop(record.fields.insert(id.to_owned(), text())),
                _ => drop(record.possible_fields.insert(name.to_owned(), text())),
            },
        }
    }
    record
}

fn split_labels(text: &str) -> Vec<String> {
    let labels = text.split([',', ';']).map(str::trim).filter(|label| !label.is_empty());
    labels.map(str::to_owned).collect()
}

/// Returns the lines `name: value` of a text, with the names as field IDs are written.
pub(super) fn named_values(text: &str) -> impl Iterator<Item = (String, String)> {
    text.lines().filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        Some((field_id(name), value.trim().to_owned()))
    })
}

/// Returns a label in the form of a field ID: `Org ID` becomes `org_id`.
pub(super) fn field_id(label: &str) -> String {
    label.trim().to_lowercase().replace([' ', '-'], "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(record: &ImportRecord) -> String {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let secret = record.secret.as_ref().map_or(0, |secret| secret.len());
        format!(
            "{}: {}{} {}/{}@{} {secret} parts {:?} fields {:?} {:?} labels {:?} {:?}{}",
            record.location,
            text(&record.name),
            record.title.as_ref().map(|title| format!("~{title}")).unwrap_or_default(),
            text(&record.provider),
            text(&record.kind),
            text(&record.region),
            record.parts.keys().collect::<Vec<_>>(),
            record.fields,
            record.possible_fields,
            record.labels,
            record.addresses,
            record.rejection.as_ref().map(|why| format!(" REJECTED {why}")).unwrap_or_default(),
        )
    }

    /// Every format of a list, as it is recognized and read.
    #[test]
    fn lists_are_recognized_and_read_record_by_record() {
        for (content, format, expected) in [
            (
                "[\n {\"name\": \"ci\", \"provider\": \"snyk\", \"kind\": \"k\", \"region\": \"r\", \"secret\": \"s3cret-1\",\n \
                 \"fields\": {\"org_id\": \"o\"}, \"labels\": [\"prod\"], \"parts\": {\"p\": \"x\"}, \"status\": \"accepted\", \"last_check\": null},\n \
                 {\"secret\": \"s3cret-2\", \"labels\": null},\n {\"secret\": 7},\n 5 ]",
                None,
                &[][..],
            ),
            (
                "[\n {\"name\": \"ci\", \"provider\": \"snyk\", \"kind\": \"k\", \"region\": \"r\", \"secret\": \"s3cret-1\",\n \
                 \"fields\": {\"org_id\": \"o\"}, \"labels\": [\"prod\"], \"parts\": {\"p\": \"x\"}, \"status\": \"accepted\", \"last_check\": null},\n \
                 {\"secret\": \"s3cret-2\", \"labels\": null},\n {\"secret\": 7}]",
                Some(ListFormat::JsonArray),
                &[
                    "record 1 (line 2): ci snyk/k@r 8 parts [\"p\"] fields {\"org_id\": \"o\"} {} labels [\"prod\"] []",
                    "record 2 (line 4):  /@ 8 parts [] fields {} {} labels [] []",
                    "record 3 (line 5):  /@ 0 parts [] fields {} {} labels [] [] REJECTED the member \"secret\" does not have the right type",
                ],
            ),
            (
                "{\"name\": \"a\", \"secret\": \"s3cret-1\"}\n\n{\"name\": \"b\", secret\n",
                Some(ListFormat::JsonLines),
                &[
                    "line 1: a /@ 8 parts [] fields {} {} labels [] []",
                    "line 3:  /@ 0 parts [] fields {} {} labels [] [] REJECTED the record is not a JSON object",
                ],
            ),
            (
                "Name,Provider,Secret,Labels,Org_ID,field:x,part:p\r\n\"a, b\",snyk,s3cret-1,\"prod; eu\",o,1,q\r\nshort,row\r\n",
                Some(ListFormat::Csv),
                &[
                    "line 2: a, b snyk/@ 8 parts [\"p\"] fields {\"x\": \"1\"} {\"org_id\": \"o\"} labels [\"prod\", \"eu\"] []",
                    "line 3:  /@ 0 parts [] fields {} {} labels [] [] REJECTED the line has 2 values, the header has 7",
                ],
            ),
            (
                "Title,Url,Username,Password,OTPAuth,Favorite,Archived,Tags,Notes\nSnyk CI,https://api.eu.snyk.io,me,s3cret-1,,false,false,prod,\"two\nlines\"\nNext,,,s3cret-2,,,,,\n",
                Some(ListFormat::Csv),
                &[
                    "line 2: ~Snyk CI /@ 8 parts [] fields {} {} labels [\"prod\"] [\"https://api.eu.snyk.io\"]",
                    "line 4: ~Next /@ 8 parts [] fields {} {} labels [] []",
                ],
            ),
            (
                "folder,favorite,type,name,notes,fields,reprompt,login_uri,login_username,login_password,login_totp\nwork,,login,Snyk,,\"Org ID: o-1\",0,https://app.snyk.io,me,s3cret-1,\n",
                Some(ListFormat::Csv),
                &[
                    "line 2: ~Snyk /@ 8 parts [] fields {} {\"org_id\": \"o-1\"} labels [] [\"https://app.snyk.io\"]",
                ],
            ),
            ("SNYK_TOKEN=x\n", None, &[]),
            ("{\"api\": \"x\", \"secret\": \"y\"}", None, &[]),
            ("[\"x\"]", None, &[]),
            ("[]", None, &[]),
            ("name,age\nx,1\n", None, &[]),
            ("", None, &[]),
        ] {
            let found = detect_list(content.as_bytes());
            assert_eq!(found, format, "{content}");
            let records = found
                .map(|format| read_list(content.as_bytes(), format).unwrap())
                .unwrap_or_default();
            assert_eq!(records.iter().map(summary).collect::<Vec<_>>(), expected, "{content}");
        }
    }

    #[test]
    fn a_list_that_is_named_is_read_although_it_is_not_certain() {
        let read = |content: &str| {
            read_any_list(content.as_bytes())
                .map(|records| records.iter().map(summary).collect::<Vec<_>>())
        };
        assert_eq!(
            read("[{\"name\": \"x\"}, 5]").unwrap()[1],
            "record 2 (line 1):  /@ 0 parts [] fields {} {} labels [] [] REJECTED the record is not a JSON object"
        );
        assert_eq!(read("token\ns3cret-1\n").unwrap().len(), 1);
        assert_eq!(read(" ").unwrap(), [""; 0]);
        assert!(matches!(read("a,b\n1,2"), Err(ListError::Malformed { line: 1, .. })));
        assert!(matches!(read("[\n{\"a\":"), Err(ListError::Malformed { line: 2, .. })));
        assert_eq!(
            read_any_list(b"\xff\xfe").err(),
            Some(ListError::Unreadable("the content is not UTF-8 text"))
        );
    }
}
