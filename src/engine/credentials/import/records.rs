//! Lists of records: a JSON array in the shape of `list --json` with secrets, JSON lines, and CSV
//! with a header.
//!
//! A list is recognized by its content where that is certain. A record that cannot be read is
//! rejected alone, with its position and without any of its text. Start at [`detect_list`] and
//! [`read_list`]; the exports of password managers belong to `password_managers`.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer as _, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::password_managers;
use super::record_resolution::mask_secrets;
use crate::domain::Secret;
use crate::domain::format::count_noun;

/// Maximum number of records of a list.
const MAX_RECORDS: usize = 100_000;

/// Number of elements of a JSON array that show whether it is a list.
const EXAMINED_ELEMENTS: usize = 100;

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
    /// The list has more than [`MAX_RECORDS`] records.
    #[error("it has more than {} records; split it into smaller lists", MAX_RECORDS)]
    TooManyRecords,
    /// The expanded content is larger than this number of MiB.
    #[error("the expanded content is too large (limit {0} MiB)")]
    TooLarge(u64),
    /// The header of CSV has two columns of this name.
    #[error("the column \"{0}\" stands twice in the header")]
    DoubleColumn(String),
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
            let records: Vec<Map<String, Value>> = first_elements(text, EXAMINED_ELEMENTS).ok()?;
            let has_secret = |record: &Map<String, Value>| record.contains_key("secret");
            records.iter().any(has_secret).then_some(ListFormat::JsonArray)
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
        ListFormat::JsonLines => read_json_lines(as_text(content)?),
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
        Some('{') => read_json_lines(text),
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

/// Collects records, of which there are at most [`MAX_RECORDS`].
pub(super) fn collect_records(
    records: impl Iterator<Item = ImportRecord>,
) -> Result<Vec<ImportRecord>, ListError> {
    let records: Vec<_> = records.take(MAX_RECORDS + 1).collect();
    if records.len() > MAX_RECORDS { Err(ListError::TooManyRecords) } else { Ok(records) }
}

/// Visitor that collects at most `limit` elements of an array.
struct FirstElements<'v, T> {
    elements: &'v mut Vec<T>,
    limit: usize,
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for FirstElements<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<(), A::Error> {
        while self.elements.len() < self.limit
            && let Some(element) = array.next_element()?
        {
            self.elements.push(element);
        }
        Ok(())
    }
}

/// Reads at most `limit` elements of a JSON array. What comes after so many is not read.
fn first_elements<'t, T: Deserialize<'t>>(
    text: &'t str,
    limit: usize,
) -> Result<Vec<T>, serde_json::Error> {
    let mut elements = Vec::new();
    let mut input = serde_json::Deserializer::from_str(text);
    let visitor = FirstElements { elements: &mut elements, limit };
    let read = input.deserialize_seq(visitor).and_then(|()| input.end());
    if elements.len() < limit {
        read?;
    }
    Ok(elements)
}

fn read_json_array(text: &str) -> Result<Vec<ImportRecord>, ListError> {
    let elements: Vec<&RawValue> = first_elements(text, MAX_RECORDS + 1)
        .map_err(|error| ListError::Malformed { line: error.line(), why: "not a JSON array" })?;
    if elements.len() > MAX_RECORDS {
        return Err(ListError::TooManyRecords);
    }
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

fn read_json_lines(text: &str) -> Result<Vec<ImportRecord>, ListError> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let records = lines.map(|(place, line)| read_json_record(line, format!("line {}", place + 1)));
    collect_records(records)
}

/// Visitor that finds a member that stands twice in an object, or in an object within it.
struct DoubleMember;

impl<'de> Visitor<'de> for DoubleMember {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Option<String>, A::Error> {
        let (mut names, mut double) = (HashSet::new(), None);
        while let Some((name, value)) = members.next_entry::<String, &'de RawValue>()? {
            let is_double = !names.insert(name.clone());
            let found = is_double.then_some(name);
            double = double.or(found).or_else(|| find_double_member(value.get()));
        }
        Ok(double)
    }
}

/// Returns the name of a member that stands twice in a JSON object, which must not be nested
/// deeply.
fn find_double_member(text: &str) -> Option<String> {
    serde_json::Deserializer::from_str(text).deserialize_map(DoubleMember).ok().flatten()
}

fn read_json_record(text: &str, location: String) -> ImportRecord {
    let Ok(mut members) = serde_json::from_str::<Map<String, Value>>(text) else {
        let rejection = Some("the record is not a JSON object".to_owned());
        return ImportRecord { location, rejection, ..ImportRecord::default() };
    };
    // The parser above has refused an object that is nested deeply.
    if let Some(member) = find_double_member(text) {
        let rejection = Some(format!("the member \"{member}\" stands twice"));
        return ImportRecord { location, rejection, ..ImportRecord::default() };
    }
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

/// Returns a reader of CSV whose values are separated as those of the header are.
fn csv_reader(text: &str) -> csv::Reader<&[u8]> {
    csv::ReaderBuilder::new()
        .delimiter(csv_delimiter(text))
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes())
}

/// Returns the separator that the header has most often outside of quotes, else the comma.
fn csv_delimiter(text: &str) -> u8 {
    let header = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let count = |delimiter: u8| {
        let unquoted = header.split('"').step_by(2).flat_map(str::bytes);
        unquoted.filter(|byte| *byte == delimiter).count()
    };
    // The last of several equal ones is chosen.
    let delimiters = [b'\t', b';', b','];
    delimiters.into_iter().max_by_key(|delimiter| count(*delimiter)).unwrap_or(b',')
}

fn column_names(header: &csv::StringRecord) -> Vec<String> {
    header.iter().map(|column| column.trim().to_lowercase()).collect()
}

fn csv_columns(header: &str) -> Vec<String> {
    let first = csv_reader(header).records().next().and_then(Result::ok).unwrap_or_default();
    column_names(&first)
}

fn read_csv(text: &str) -> Result<Vec<ImportRecord>, ListError> {
    let mut reader = csv_reader(text);
    let mut row = csv::StringRecord::new();
    let columns = match reader.read_record(&mut row) {
        Ok(false) => return Ok(Vec::new()),
        Ok(true) => column_names(&row),
        Err(_) => {
            return Err(ListError::Malformed { line: 1, why: "the header is not CSV" });
        }
    };
    if !columns.iter().any(|column| SECRET_COLUMNS.contains(&column.as_str())) {
        let why = "the first line has no column named secret, token or password";
        return Err(ListError::Malformed { line: 1, why });
    }
    let mut names = HashSet::new();
    let double = columns.iter().find(|column| !column.is_empty() && !names.insert(*column));
    if let Some(double) = double {
        return Err(ListError::DoubleColumn(mask_secrets(double)));
    }
    let mut lines = LineCounter { text: text.as_bytes(), read: 0, line: 1 };
    let records = std::iter::from_fn(|| {
        let read = reader.read_record(&mut row);
        let position = match &read {
            Ok(false) => return None,
            Ok(true) => row.position(),
            Err(error) => error.position(),
        };
        let line = lines.locate(position);
        let rest = text.as_bytes().get(lines.read..).unwrap_or_default();
        let end = usize::try_from(reader.position().byte()).unwrap_or(text.len());
        let length = end.saturating_sub(lines.read).min(rest.len());
        let location = format!("line {line}");
        let rejection = match read {
            Ok(_) => unclosed_quote(&rest[..length], line, row.len() == columns.len()),
            Err(_) => Some("the line is not CSV".to_owned()),
        };
        Some(match rejection {
            None => read_csv_row(&columns, &row, location),
            rejection => ImportRecord { location, rejection, ..ImportRecord::default() },
        })
    });
    collect_records(records)
}

/// Returns the reason to refuse a row that goes on over the end of its line because a quote is not
/// closed. Such a row has another number of values than the header, or an odd number of quotes.
fn unclosed_quote(row: &[u8], line: usize, is_complete: bool) -> Option<String> {
    let row = row.trim_ascii_end();
    let last = line + memchr::memchr_iter(b'\n', row).count();
    let is_odd = memchr::memchr_iter(b'"', row).count() % 2 == 1;
    (last > line && (is_odd || !is_complete)).then(|| {
        format!("the lines {line} to {last}: a quote is not closed, nothing of them was read")
    })
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
    fn locate(&mut self, position: Option<&csv::Position>) -> usize {
        let begin = position.and_then(|at| usize::try_from(at.byte()).ok()).unwrap_or_default();
        let rest = self.text.get(begin..).unwrap_or_default();
        let ends = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let begin = (begin + ends).min(self.text.len());
        let passed = self.text.get(self.read..begin).unwrap_or_default();
        self.line += memchr::memchr_iter(b'\n', passed).count();
        self.read = self.read.max(begin);
        self.line
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
mod tests;
