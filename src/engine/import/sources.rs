//! The files of other programs, and what in them may be a secret.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::{Form, Source};
use crate::domain::consumer::ConsumerTarget;
use crate::engine::consumer::env_file::{self, Garbled};
use crate::engine::consumer::error::ConsumerError;
use crate::engine::consumer::file::ForeignFile;
use crate::engine::consumer::json_file::{Document, Refusal};
use crate::engine::consumer::{garbage, probely_cli_locations, refused, snyk_cli};

/// A text that may be a secret, and what stands beside it.
pub(in crate::engine) struct Raw {
    /// Where it lies; nothing where it came on standard input.
    pub target: Option<ConsumerTarget>,
    /// The place within: a key, a pointer, or the program whose configuration it is.
    pub place: String,
    /// The file's mode, if others may read it.
    pub openness: Option<String>,
    /// The text.
    pub text: Zeroizing<String>,
    /// The variable that it was given to, or would be.
    pub variable: String,
    /// The API that it is used at, where that stands beside it.
    pub endpoint: Option<String>,
    /// The organisation that it is used for, where that stands beside it.
    pub org: Option<String>,
    /// Why it cannot be kept, where that is known already.
    pub refusal: Option<&'static str>,
}

const SESSION: &str = "an OAuth session belongs to the Snyk CLI: its refresh token works once, so nobody else may use it";
const ACCESS_TOKEN: &str = "a short-lived access token, which no longer works soon; the key that it came from is not there";

/// Everything in the source that may be a secret. A source without any file is a problem that names the usual place.
pub(in crate::engine) fn read(source: &Source) -> Result<Vec<Raw>, ConsumerError> {
    match source {
        Source::SnykCli => read_first(&snyk_cli::locations(), snyk),
        Source::ProbelyCli => read_first(&probely_cli_locations(), probely),
        Source::AppcircleCli => read_first(&appcircle_locations(), appcircle),
        Source::Dotenv(path) => dotenv(path),
        Source::Json(path) => json(path),
        Source::Piped(Form::Dotenv, text) => {
            piped(dotenv_text(text, None, |_| None).map_err(|garbled| (garbled.line, garbled.why)))
        }
        Source::Piped(Form::Json, text) => piped(json_text(text, None, |_| None).map_err(|refusal| no_json(&refusal))),
    }
}

fn piped(found: Result<Vec<Raw>, (usize, &'static str)>) -> Result<Vec<Raw>, ConsumerError> {
    found.map_err(|(line, why)| ConsumerError::Piped { line, why })
}

fn no_json(refusal: &Refusal) -> (usize, &'static str) {
    match refusal {
        Refusal::Garbled(line, why) => (*line, why),
        Refusal::NoPlace(_) => (1, "it is not JSON"),
    }
}

/// Everything in a file that may be a secret, in whichever form it is; nothing where it is in none.
pub(super) fn in_file(path: &Path) -> Vec<Raw> {
    let is_at = |places: &[PathBuf]| places.iter().any(|place| std::fs::canonicalize(place).is_ok_and(|real| real == path));
    let read = match () {
        () if is_at(&snyk_cli::locations()) => snyk(path),
        () if is_at(&probely_cli_locations()) => probely(path),
        () => json(path).or_else(|_| dotenv(path)),
    };
    read.unwrap_or_default()
}

/// All of the places where there is a file.
fn read_first(places: &[PathBuf], read: impl Fn(&Path) -> Result<Vec<Raw>, ConsumerError>) -> Result<Vec<Raw>, ConsumerError> {
    let there: Vec<_> = places.iter().filter(|path| path.exists()).collect();
    if there.is_empty() {
        return Err(ConsumerError::Missing(places.first().cloned().unwrap_or_default()));
    }
    Ok(there.into_iter().map(|path| read(path)).collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

fn snyk(path: &Path) -> Result<Vec<Raw>, ConsumerError> {
    let file = ForeignFile::open(path)?;
    let document = Document::parse(file.text()).map_err(|refusal| refused(&file, refusal))?;
    let member = |name: &str| document.get_in_any_case(name).map_err(|refusal| refused(&file, refusal));
    let plain = |name: &str| Ok::<_, ConsumerError>(member(name)?.map(|text| text.to_string()).filter(|text| !text.is_empty()));
    let (endpoint, org) = (plain("endpoint")?, plain("org")?);
    let raw = |text, target: ConsumerTarget, refusal| Raw {
        place: place_of(&target),
        target: Some(target),
        openness: file.openness(),
        text,
        variable: "SNYK_TOKEN".to_owned(),
        endpoint: endpoint.clone(),
        org: org.clone(),
        refusal,
    };
    let path = path.to_owned();
    let token = member("api")?.map(|text| raw(text, ConsumerTarget::SnykCli { path: path.clone() }, None));
    let pointer = "/INTERNAL_OAUTH_TOKEN_STORAGE".to_owned();
    let session =
        member(&pointer[1..])?.map(|text| raw(text, ConsumerTarget::JsonFile { path, pointer: pointer.clone() }, Some(SESSION)));
    Ok(token.into_iter().chain(session).filter(|raw| !raw.text.is_empty()).collect())
}

fn probely(path: &Path) -> Result<Vec<Raw>, ConsumerError> {
    let target = ConsumerTarget::ProbelyCli { path: path.to_owned() };
    let openness = ForeignFile::open(path)?.openness();
    let key = crate::engine::consumer::read(&target)?.filter(|key| !key.is_empty());
    let raw = |text| Raw {
        place: place_of(&target),
        target: Some(target),
        openness,
        text,
        variable: "PROBELY_API_KEY".to_owned(),
        endpoint: None,
        org: None,
        refusal: None,
    };
    Ok(key.map(raw).into_iter().collect())
}

fn appcircle(path: &Path) -> Result<Vec<Raw>, ConsumerError> {
    let found = json(path)?;
    let tokens = found.into_iter().filter(|raw| raw.variable == "AC_ACCESS_TOKEN" && !raw.text.is_empty());
    Ok(tokens.map(|raw| Raw { refusal: Some(ACCESS_TOKEN), ..raw }).collect())
}

fn dotenv(path: &Path) -> Result<Vec<Raw>, ConsumerError> {
    let file = ForeignFile::open(path)?;
    let target = |key: &str| Some(ConsumerTarget::EnvFile { path: path.to_owned(), key: key.to_owned() });
    let found = dotenv_text(file.text(), file.openness().as_ref(), target);
    found.map_err(|garbled| garbage(&file, Some(garbled.line), garbled.why))
}

fn json(path: &Path) -> Result<Vec<Raw>, ConsumerError> {
    let file = ForeignFile::open(path)?;
    let target = |pointer: &str| Some(ConsumerTarget::JsonFile { path: path.to_owned(), pointer: pointer.to_owned() });
    json_text(file.text(), file.openness().as_ref(), target).map_err(|refusal| refused(&file, refusal))
}

/// What is assigned in a dotenv text, each key once and as readers see it; `target` says where a key lies.
fn dotenv_text(
    text: &str,
    openness: Option<&String>,
    target: impl Fn(&str) -> Option<ConsumerTarget>,
) -> Result<Vec<Raw>, Garbled> {
    let all = env_file::assignments(text)?;
    let beside = |key: &str| all.iter().rfind(|known| known.key == key).map(|known| known.value.to_owned());
    let raw = |key: &str, value: &str| Raw {
        target: target(key),
        place: key.to_owned(),
        openness: openness.cloned(),
        text: Zeroizing::new(value.to_owned()),
        variable: key.to_owned(),
        endpoint: endpoint_beside(key, beside),
        org: beside("SNYK_CFG_ORG"),
        refusal: None,
    };
    let last = |place: usize, key: &str| all[place + 1..].iter().all(|later| later.key != key);
    let counted = all.iter().enumerate().filter(|(place, one)| !one.value.is_empty() && last(*place, one.key));
    Ok(counted.map(|(_, one)| raw(one.key, one.value)).collect())
}

/// All texts in a JSON text; `target` says where a pointer lies.
fn json_text(
    text: &str,
    openness: Option<&String>,
    target: impl Fn(&str) -> Option<ConsumerTarget>,
) -> Result<Vec<Raw>, Refusal> {
    let all = Document::parse(text)?.texts();
    let raws = all.iter().filter(|(pointer, text)| !pointer.is_empty() && !text.is_empty()).map(|(pointer, text)| {
        let (parent, name) = pointer.rsplit_once('/').unwrap_or_default();
        let beside =
            |name: &str| all.iter().find(|(known, _)| *known == format!("{parent}/{name}")).map(|(_, text)| text.to_string());
        Raw {
            target: target(pointer),
            place: pointer.clone(),
            openness: openness.cloned(),
            text: text.clone(),
            variable: name.to_owned(),
            endpoint: endpoint_beside(name, beside),
            org: beside("SNYK_CFG_ORG"),
            refusal: None,
        }
    });
    Ok(raws.collect())
}

/// The program whose configuration it is, or the pointer in it.
fn place_of(target: &ConsumerTarget) -> String {
    match target {
        ConsumerTarget::JsonFile { pointer, .. } => pointer.clone(),
        other => other.kind().to_owned(),
    }
}

/// The variable that says where the one with the secret is used.
fn endpoint_beside(key: &str, beside: impl Fn(&str) -> Option<String>) -> Option<String> {
    match key {
        "SNYK_TOKEN" | "SNYK_OAUTH_TOKEN" => beside("SNYK_API"),
        "PROBELY_API_KEY" => beside("PROBELY_API_BASE_URL"),
        _ => None,
    }
}

/// Where npm's `conf` puts the file of `@appcircle/cli`.
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
