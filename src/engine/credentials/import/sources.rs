//! Import sources: reads the files of other programs and lists the texts in them that may be a
//! secret.
//!
//! Start with `read_source`.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::{ImportSource, TextFormat};
use crate::domain::consumer::ConsumerTarget;
use crate::engine::consumers::env_file::{self, DotenvParseError};
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
    /// The API endpoint named beside it.
    pub endpoint: Option<String>,
    /// The organization named beside it.
    pub org: Option<String>,
    /// Why it cannot be imported, if that is already known.
    pub rejection: Option<&'static str>,
}

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
    let (endpoint, org) = (plain("endpoint")?, plain("org")?);
    let raw = |text, target: ConsumerTarget, rejection| RawCandidate {
        location: location_of(&target),
        target: Some(target),
        exposed_mode: file.exposed_mode(),
        text,
        variable: "SNYK_TOKEN".to_owned(),
        endpoint: endpoint.clone(),
        org: org.clone(),
        rejection,
    };
    let path = path.to_owned();
    let token =
        member("api")?.map(|text| raw(text, ConsumerTarget::SnykCli { path: path.clone() }, None));
    let pointer = "/INTERNAL_OAUTH_TOKEN_STORAGE".to_owned();
    let session = member(&pointer[1..])?.map(|text| {
        raw(
            text,
            ConsumerTarget::JsonFile { path, pointer: pointer.clone() },
            Some(OAUTH_SESSION_REASON),
        )
    });
    Ok(token.into_iter().chain(session).filter(|raw| !raw.text.is_empty()).collect())
}

fn read_probely_cli(path: &Path) -> Result<Vec<RawCandidate>, ConsumerError> {
    let target = ConsumerTarget::ProbelyCli { path: path.to_owned() };
    let exposed_mode = LockedFile::open(path)?.exposed_mode();
    let key = crate::engine::consumers::read_secret(&target)?.filter(|key| !key.is_empty());
    let raw = |text| RawCandidate {
        location: location_of(&target),
        target: Some(target),
        exposed_mode,
        text,
        variable: "PROBELY_API_KEY".to_owned(),
        endpoint: None,
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

/// Reads the assignments of a dotenv text: each key once, with the value that readers see. `target`
/// returns the target of a key.
fn parse_dotenv(
    text: &str,
    exposed_mode: Option<&String>,
    target: impl Fn(&str) -> Option<ConsumerTarget>,
) -> Result<Vec<RawCandidate>, DotenvParseError> {
    let all = env_file::assignments(text)?;
    let by_key: HashMap<_, _> = all.iter().map(|one| (one.key, one.value)).collect();
    let beside = |key: &str| by_key.get(key).map(|value| (*value).to_owned());
    let raw = |key: &str, value: &str| RawCandidate {
        target: target(key),
        location: key.to_owned(),
        exposed_mode: exposed_mode.cloned(),
        text: Zeroizing::new(value.to_owned()),
        variable: key.to_owned(),
        endpoint: neighboring_endpoint(key, beside),
        org: beside("SNYK_CFG_ORG"),
        rejection: None,
    };
    let last: HashMap<_, _> = all.iter().enumerate().map(|(place, one)| (one.key, place)).collect();
    let counted = all
        .iter()
        .enumerate()
        .filter(|(place, one)| !one.value.is_empty() && last[one.key] == *place);
    Ok(counted.map(|(_, one)| raw(one.key, one.value)).collect())
}

/// Reads all strings in a JSON text. `target` returns the target of a pointer.
fn parse_json(
    text: &str,
    exposed_mode: Option<&String>,
    target: impl Fn(&str) -> Option<ConsumerTarget>,
) -> Result<Vec<RawCandidate>, JsonEditError> {
    let all = JsonDocument::parse(text)?.strings();
    // The first string counts where a name stands twice.
    let by_pointer: HashMap<_, _> =
        all.iter().rev().map(|(pointer, text)| (pointer.as_str(), text)).collect();
    let raws = all.iter().filter(|(pointer, text)| !pointer.is_empty() && !text.is_empty()).map(
        |(pointer, text)| {
            let (parent, name) = pointer.rsplit_once('/').unwrap_or_default();
            let beside = |name: &str| {
                by_pointer.get(format!("{parent}/{name}").as_str()).map(|text| text.to_string())
            };
            RawCandidate {
                target: target(pointer),
                location: pointer.clone(),
                exposed_mode: exposed_mode.cloned(),
                text: text.clone(),
                variable: name.to_owned(),
                endpoint: neighboring_endpoint(name, beside),
                org: beside("SNYK_CFG_ORG"),
                rejection: None,
            }
        },
    );
    Ok(raws.collect())
}

/// Returns the pointer of a JSON target, else the program whose configuration it is.
fn location_of(target: &ConsumerTarget) -> String {
    match target {
        ConsumerTarget::JsonFile { pointer, .. } => pointer.clone(),
        other => other.kind().to_owned(),
    }
}

/// Returns the value of the variable that names the API of the given token variable.
fn neighboring_endpoint(key: &str, beside: impl Fn(&str) -> Option<String>) -> Option<String> {
    match key {
        "SNYK_TOKEN" | "SNYK_OAUTH_TOKEN" => beside("SNYK_API"),
        "PROBELY_API_KEY" => beside("PROBELY_API_BASE_URL"),
        _ => None,
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
