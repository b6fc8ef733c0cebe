//! Import sources: reads the files of other programs and lists the texts in them that may be a
//! secret.
//!
//! Start with `read_source`.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zeroize::Zeroizing;

use super::{ImportSource, TextFormat};
use crate::domain::consumer::ConsumerTarget;
use crate::domain::identify::endpoint::is_endpoint_name;
use crate::domain::identify::reference::{SecretReference, recognize_reference};
use crate::engine::consumers::env_file::{self, DotenvAssignment, DotenvParseError};
use crate::engine::consumers::error::ConsumerError;
use crate::engine::consumers::file::LockedFile;
use crate::engine::consumers::json_file::{JsonDocument, JsonEditError};
use crate::engine::consumers::{
    invalid_format, json_edit_problem, probely_cli_locations, snyk_cli,
};

/// Text that may be a secret, and what is written beside it.
pub(in crate::engine) struct RawCandidate {
    /// File and place of the text; `None` for standard input.
    pub target: Option<ConsumerTarget>,
    /// The place within the file: a key, a pointer, or the program whose configuration it is.
    pub location: String,
    /// The file's mode, if others may read the file.
    pub exposed_mode: Option<String>,
    /// The text.
    pub text: Zeroizing<String>,
    /// The variable that it was or would be assigned to.
    pub variable: String,
    /// Names and values of the API endpoints beside it.
    pub endpoints: Arc<Vec<(String, String)>>,
    /// The organization named beside it.
    pub org: Option<String>,
    /// What it refers to, if it is no secret itself.
    pub reference: Option<SecretReference>,
    /// Why it cannot be imported, if that is already known.
    pub rejection: Option<&'static str>,
}

/// Variable that names the organization.
const ORG_VARIABLE: &str = "SNYK_CFG_ORG";

const OAUTH_SESSION_REASON: &str = "an OAuth session of the Snyk CLI: its refresh token works only once, so no other program may use it";
const ACCESS_TOKEN_REASON: &str = "a short-lived access token that expires soon; the key that it was created from is not in the file";

/// Reads every text in the source that may be a secret. A source without any file is a problem that
/// names the usual location.
pub(in crate::engine) fn read_source(
    source: &ImportSource,
) -> Result<Vec<RawCandidate>, ConsumerError> {
    match source {
        ImportSource::SnykCli => read_existing(&snyk_cli::locations(), read_snyk_cli),
        ImportSource::ProbelyCli => read_existing(&probely_cli_locations(), read_probely_cli),
        ImportSource::AppcircleCli => read_existing(&appcircle_locations(), read_appcircle_cli),
        ImportSource::Dotenv(path) => read_dotenv(path),
        ImportSource::Json(path) => read_json(path),
        ImportSource::Piped(TextFormat::Dotenv, text) => from_standard_input(
            parse_dotenv(text, None, |_| None).map_err(|error| (error.line, error.why)),
        ),
        ImportSource::Piped(TextFormat::Json, text) => from_standard_input(
            parse_json(text, None, |_| None).map_err(|error| json_error_position(&error)),
        ),
    }
}

fn from_standard_input(
    found: Result<Vec<RawCandidate>, (usize, &'static str)>,
) -> Result<Vec<RawCandidate>, ConsumerError> {
    found.map_err(|(line, why)| ConsumerError::InvalidInput { line, why })
}

fn json_error_position(error: &JsonEditError) -> (usize, &'static str) {
    match error {
        JsonEditError::Malformed(line, why) => (*line, why),
        JsonEditError::LocationNotFound(_) => (1, "not valid JSON"),
    }
}

/// Reads every text in a file that may be a secret, whatever its format; empty if the format is not
/// known.
pub(super) fn candidates_in_file(path: &Path) -> Vec<RawCandidate> {
    let is_at = |places: &[PathBuf]| {
        places.iter().any(|place| std::fs::canonicalize(place).is_ok_and(|real| real == path))
    };
    let read = match () {
        () if is_at(&snyk_cli::locations()) => read_snyk_cli(path),
        () if is_at(&probely_cli_locations()) => read_probely_cli(path),
        () => read_json(path).or_else(|_| read_dotenv(path)),
    };
    read.unwrap_or_default()
}

/// Reads all of the files that exist.
fn read_existing(
    places: &[PathBuf],
    read: impl Fn(&Path) -> Result<Vec<RawCandidate>, ConsumerError>,
) -> Result<Vec<RawCandidate>, ConsumerError> {
    let there: Vec<_> = places.iter().filter(|path| path.exists()).collect();
    if there.is_empty() {
        return Err(ConsumerError::NotFound(places.first().cloned().unwrap_or_default()));
    }
    Ok(there
        .into_iter()
        .map(|path| read(path))
        .collect::<Result<Vec<_>, _>>()?
        .into_iter()
        .flatten()
        .collect())
}

fn read_snyk_cli(path: &Path) -> Result<Vec<RawCandidate>, ConsumerError> {
    let file = LockedFile::open(path)?;
    let document =
        JsonDocument::parse(file.text()).map_err(|error| json_edit_problem(&file, error))?;
    let member = |name: &str| {
        document.get_ignore_case(name).map_err(|error| json_edit_problem(&file, error))
    };
    let plain = |name: &str| {
        Ok::<_, ConsumerError>(
            member(name)?.map(|text| text.to_string()).filter(|text| !text.is_empty()),
        )
    };
    let endpoints = plain("endpoint")?.map(|text| ("endpoint".to_owned(), text));
    let (endpoints, org) = (Arc::new(endpoints.into_iter().collect()), plain("org")?);
    let raw = |text: Zeroizing<String>, target: ConsumerTarget, rejection| RawCandidate {
        location: location_of(&target),
        target: Some(target),
        exposed_mode: file.exposed_mode(),
        reference: recognize_reference(&text),
        text,
        variable: "SNYK_TOKEN".to_owned(),
        endpoints: Arc::clone(&endpoints),
        org: org.clone(),
        rejection,
    };
    let path = path.to_owned();
    // The names match in any case, so a token may stand there more than once.
    let tokens: Vec<_> = document
        .strings()
        .into_iter()
        .filter(|one| snyk_cli::is_member(&one.pointer, "api"))
        .collect();
    let lines: Vec<_> = tokens.iter().map(|one| document.line(one)).collect();
    let is_repeated = tokens.len() > 1;
    let tokens: Vec<_> = tokens
        .into_iter()
        .zip(lines)
        .map(|(one, line)| {
            let found = raw(one.text, ConsumerTarget::SnykCli { path: path.clone() }, None);
            let location = numbered_location(&found.location, is_repeated.then_some(line));
            RawCandidate { location, ..found }
        })
        .collect();
    let pointer = "/INTERNAL_OAUTH_TOKEN_STORAGE".to_owned();
    let session = member(&pointer[1..])?.map(|text| {
        raw(
            text,
            ConsumerTarget::JsonFile { path, pointer: pointer.clone() },
            Some(OAUTH_SESSION_REASON),
        )
    });
    Ok(tokens.into_iter().chain(session).filter(|raw| !raw.text.is_empty()).collect())
}

fn read_probely_cli(path: &Path) -> Result<Vec<RawCandidate>, ConsumerError> {
    let target = ConsumerTarget::ProbelyCli { path: path.to_owned() };
    let exposed_mode = LockedFile::open(path)?.exposed_mode();
    let key = crate::engine::consumers::read_secret(&target)?.filter(|key| !key.is_empty());
    let raw = |text: Zeroizing<String>| RawCandidate {
        location: location_of(&target),
        target: Some(target),
        exposed_mode,
        reference: recognize_reference(&text),
        text,
        variable: "PROBELY_API_KEY".to_owned(),
        endpoints: Arc::default(),
        org: None,
        rejection: None,
    };
    Ok(key.map(raw).into_iter().collect())
}

fn read_appcircle_cli(path: &Path) -> Result<Vec<RawCandidate>, ConsumerError> {
    let found = read_json(path)?;
    let tokens =
        found.into_iter().filter(|raw| raw.variable == "AC_ACCESS_TOKEN" && !raw.text.is_empty());
    Ok(tokens.map(|raw| RawCandidate { rejection: Some(ACCESS_TOKEN_REASON), ..raw }).collect())
}

fn read_dotenv(path: &Path) -> Result<Vec<RawCandidate>, ConsumerError> {
    let file = LockedFile::open(path)?;
    let target =
        |key: &str| Some(ConsumerTarget::EnvFile { path: path.to_owned(), key: key.to_owned() });
    let found = parse_dotenv(file.text(), file.exposed_mode().as_ref(), target);
    found.map_err(|error| invalid_format(&file, Some(error.line), error.why))
}

fn read_json(path: &Path) -> Result<Vec<RawCandidate>, ConsumerError> {
    let file = LockedFile::open(path)?;
    let target = |pointer: &str| {
        Some(ConsumerTarget::JsonFile { path: path.to_owned(), pointer: pointer.to_owned() })
    };
    parse_json(file.text(), file.exposed_mode().as_ref(), target)
        .map_err(|error| json_edit_problem(&file, error))
}

/// Reads the assignments of a dotenv text. A key that stands more than once, with different values,
/// is listed for each of them, so that none is lost. `target` returns the target of a key.
fn parse_dotenv(
    text: &str,
    exposed_mode: Option<&String>,
    target: impl Fn(&str) -> Option<ConsumerTarget>,
) -> Result<Vec<RawCandidate>, DotenvParseError> {
    let all = env_file::assignments(text)?;
    let beside =
        |key: &str| all.iter().rfind(|known| known.key == key).map(|known| known.value.to_owned());
    let (endpoints, org) =
        (endpoints_in(all.iter().map(|one| (one.key, one.value))), beside(ORG_VARIABLE));
    let mut values: HashMap<&str, Vec<&str>> = HashMap::new();
    for one in all.iter().filter(|one| !one.value.is_empty()) {
        let known = values.entry(one.key).or_default();
        if !known.contains(&one.value) {
            known.push(one.value);
        }
    }
    let mut listed = HashSet::new();
    let found =
        all.iter().filter(|one| !one.value.is_empty() && listed.insert((one.key, one.value)));
    let raw = |one: &DotenvAssignment<'_>| {
        let is_repeated = values.get(one.key).is_some_and(|values| values.len() > 1);
        RawCandidate {
            target: target(one.key),
            location: numbered_location(one.key, is_repeated.then(|| one.line(text))),
            exposed_mode: exposed_mode.cloned(),
            text: Zeroizing::new(one.value.to_owned()),
            variable: one.key.to_owned(),
            endpoints: Arc::clone(&endpoints),
            org: org.clone(),
            reference: one.reference(),
            rejection: None,
        }
    };
    Ok(found.map(raw).collect())
}

/// Reads all strings in a JSON text; a member that stands more than once is listed for each of its
/// strings. `target` returns the target of a pointer.
fn parse_json(
    text: &str,
    exposed_mode: Option<&String>,
    target: impl Fn(&str) -> Option<ConsumerTarget>,
) -> Result<Vec<RawCandidate>, JsonEditError> {
    let document = JsonDocument::parse(text)?;
    let all = document.strings();
    let mut objects: HashMap<&str, Vec<(&str, &str)>> = HashMap::new();
    let mut counts: HashMap<&str, HashSet<&str>> = HashMap::new();
    for one in all.iter().filter(|one| !one.text.is_empty()) {
        let (parent, name) = one.pointer.rsplit_once('/').unwrap_or_default();
        objects.entry(parent).or_default().push((name, &one.text));
        counts.entry(&one.pointer).or_default().insert(&one.text);
    }
    let surroundings: HashMap<&str, _> = objects
        .into_iter()
        .map(|(parent, members)| {
            let org = members.iter().find(|(name, _)| *name == ORG_VARIABLE);
            let org = org.map(|(_, text)| (*text).to_owned());
            (parent, (endpoints_in(members.into_iter()), org))
        })
        .collect();
    let mut listed = HashSet::new();
    let found = all.iter().filter(|one| {
        !one.pointer.is_empty()
            && !one.text.is_empty()
            && listed.insert((one.pointer.as_str(), one.text.as_str()))
    });
    let raws = found.filter_map(|one| {
        let (parent, name) = one.pointer.rsplit_once('/')?;
        let (endpoints, org) = surroundings.get(parent)?;
        let is_repeated = counts.get(one.pointer.as_str()).is_some_and(|texts| texts.len() > 1);
        Some(RawCandidate {
            target: target(&one.pointer),
            location: numbered_location(&one.pointer, is_repeated.then(|| document.line(one))),
            exposed_mode: exposed_mode.cloned(),
            text: one.text.clone(),
            variable: name.to_owned(),
            endpoints: Arc::clone(endpoints),
            org: org.clone(),
            reference: recognize_reference(&one.text),
            rejection: None,
        })
    });
    Ok(raws.collect())
}

/// Returns the location with its line, where the name alone does not say which one it is.
fn numbered_location(name: &str, line: Option<usize>) -> String {
    line.map_or_else(|| name.to_owned(), |line| format!("{name} (line {line})"))
}

/// Returns the names and values that may be endpoints.
fn endpoints_in<'t>(all: impl Iterator<Item = (&'t str, &'t str)>) -> Arc<Vec<(String, String)>> {
    let found = all.filter(|(name, text)| is_endpoint_name(name) && !text.is_empty());
    Arc::new(found.map(|(name, text)| (name.to_owned(), text.to_owned())).collect())
}

/// Returns the pointer of a JSON target, else the program whose configuration it is.
fn location_of(target: &ConsumerTarget) -> String {
    match target {
        ConsumerTarget::JsonFile { pointer, .. } => pointer.clone(),
        other => other.kind().to_owned(),
    }
}

/// Returns the locations where npm's `conf` puts the file of `@appcircle/cli`.
fn appcircle_locations() -> Vec<PathBuf> {
    let Some(dirs) = directories::BaseDirs::new() else { return Vec::new() };
    let folder = if cfg!(target_os = "macos") {
        dirs.preference_dir().join("@appcircle/cli-nodejs")
    } else if cfg!(windows) {
        dirs.config_dir().join("@appcircle/cli-nodejs/Config")
    } else {
        dirs.config_dir().join("@appcircle/cli-nodejs")
    };
    vec![folder.join("config.json")]
}
