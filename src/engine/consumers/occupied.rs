//! Checks of what a location of a file holds before a secret replaces it: nothing is destroyed that
//! only stands there.
//!
//! Start at [`refuse_repeated`], [`find_reference`] and [`text_without`].

use zeroize::Zeroizing;

use super::error::ConsumerError;
use super::file::LockedFile;
use super::json_file::JsonDocument;
use super::{
    ConsumerService, env_file, invalid_format, json_edit_problem, open_consumer_file, probely_cli,
    run_blocking, snyk_cli,
};
use crate::domain::Problem;
use crate::domain::consumer::{Consumer, ConsumerTarget};
use crate::domain::identify::reference::recognize_reference;

impl ConsumerService {
    /// Returns what the consumer's location refers to, if it holds no secret itself, in words for the
    /// user. A file that cannot be read is reported by the delivery.
    pub async fn find_reference(&self, consumer: &Consumer) -> Result<Option<String>, Problem> {
        let checked = consumer.clone();
        run_blocking(move || {
            let file = open_consumer_file(&checked).ok()?;
            let found = refuse_reference(&checked.target, &file).err()?;
            matches!(found, ConsumerError::HoldsReference { .. }).then(|| found.to_string())
        })
        .await
    }
}

/// Refuses a location that stands more than once in the file, with different values: the next
/// secret would replace all of them.
pub(super) fn refuse_repeated(
    target: &ConsumerTarget,
    file: &LockedFile,
) -> Result<(), ConsumerError> {
    let lines = match target {
        ConsumerTarget::EnvFile { key, .. } => env_file::repeated_lines(file.text(), key)
            .map_err(|error| invalid_format(file, Some(error.line), error.why))?,
        ConsumerTarget::JsonFile { .. } | ConsumerTarget::SnykCli { .. } => {
            parse(file)?.repeated_lines(|pointer| is_at(target, pointer))
        }
        ConsumerTarget::ProbelyCli { .. } => probely_cli::repeated_lines(file.text()),
        ConsumerTarget::Command(_) => Vec::new(),
    };
    if lines.is_empty() {
        return Ok(());
    }
    let (path, location) = (file.path().to_owned(), location(target));
    Err(ConsumerError::Repeated { path, location, lines })
}

/// Refuses a location that holds a reference to a secret or a placeholder.
pub(super) fn refuse_reference(
    target: &ConsumerTarget,
    file: &LockedFile,
) -> Result<(), ConsumerError> {
    let Some(reference) = find_reference(target, file)? else { return Ok(()) };
    let (path, location) = (file.path().to_owned(), location(target));
    Err(ConsumerError::HoldsReference { path, location, reference })
}

/// Returns what the location refers to, if it holds no secret itself.
pub(super) fn find_reference(
    target: &ConsumerTarget,
    file: &LockedFile,
) -> Result<Option<String>, ConsumerError> {
    let found = match target {
        ConsumerTarget::EnvFile { key, .. } => env_file::assignments(file.text())
            .map_err(|error| invalid_format(file, Some(error.line), error.why))?
            .into_iter()
            .filter(|one| one.key == key)
            .find_map(|one| one.reference()),
        ConsumerTarget::JsonFile { .. } | ConsumerTarget::SnykCli { .. } => parse(file)?
            .strings()
            .into_iter()
            .filter(|one| is_at(target, &one.pointer))
            .find_map(|one| recognize_reference(&one.text)),
        ConsumerTarget::ProbelyCli { .. } => {
            probely_cli::get(file.text()).and_then(recognize_reference)
        }
        ConsumerTarget::Command(_) => None,
    };
    Ok(found.map(|reference| reference.to_string()))
}

/// Returns the file's text without this secret. Another value under the same name stays.
pub(super) fn text_without(
    target: &ConsumerTarget,
    file: &LockedFile,
    secret: &str,
) -> Result<Zeroizing<String>, ConsumerError> {
    match target {
        ConsumerTarget::EnvFile { key, .. } => env_file::clear(file.text(), key, secret)
            .map_err(|error| invalid_format(file, Some(error.line), error.why)),
        ConsumerTarget::JsonFile { .. } | ConsumerTarget::SnykCli { .. } => {
            Ok(parse(file)?.clear(|pointer| is_at(target, pointer), secret))
        }
        ConsumerTarget::ProbelyCli { .. } => {
            refuse_repeated(target, file)?;
            let same = probely_cli::get(file.text()) == Some(secret);
            let cleared = same.then(|| probely_cli::set(file.text(), "")).flatten();
            Ok(cleared.unwrap_or_else(|| Zeroizing::new(file.text().to_owned())))
        }
        ConsumerTarget::Command(_) => Err(ConsumerError::NotAFile(file.path().to_owned())),
    }
}

/// Returns the name of the location in its file.
pub(super) fn location(target: &ConsumerTarget) -> String {
    match target {
        ConsumerTarget::EnvFile { key, .. } => key.clone(),
        ConsumerTarget::JsonFile { pointer, .. } => pointer.clone(),
        ConsumerTarget::SnykCli { .. } => snyk_cli::TOKEN_MEMBER.to_owned(),
        ConsumerTarget::ProbelyCli { .. } => "api_key".to_owned(),
        ConsumerTarget::Command(_) => "standard input".to_owned(),
    }
}

/// Whether a JSON pointer leads to the target.
fn is_at(target: &ConsumerTarget, pointer: &str) -> bool {
    match target {
        ConsumerTarget::JsonFile { pointer: known, .. } => pointer == known,
        _ => snyk_cli::is_member(pointer, snyk_cli::TOKEN_MEMBER),
    }
}

fn parse(file: &LockedFile) -> Result<JsonDocument<'_>, ConsumerError> {
    JsonDocument::parse(file.text()).map_err(|error| json_edit_problem(file, error))
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::*;

    fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, text).unwrap();
        (folder, path)
    }

    fn env(path: &Path) -> ConsumerTarget {
        ConsumerTarget::EnvFile { path: path.to_owned(), key: "T".to_owned() }
    }

    fn json(path: &Path) -> ConsumerTarget {
        ConsumerTarget::JsonFile { path: path.to_owned(), pointer: "/a/t".to_owned() }
    }

    fn snyk(path: &Path) -> ConsumerTarget {
        ConsumerTarget::SnykCli { path: path.to_owned() }
    }

    fn probely(path: &Path) -> ConsumerTarget {
        ConsumerTarget::ProbelyCli { path: path.to_owned() }
    }

    /// Target of a file, such as [`env`].
    type TargetOf = fn(&Path) -> ConsumerTarget;

    #[test]
    fn a_name_that_stands_twice_loses_one_value_at_a_time() {
        let rows: [(TargetOf, &str, &str); 4] = [
            (env, "T=one\nT=two\n", "T=one\nT=''\n"),
            (json, "{\"a\":{\"t\":\"one\",\"t\":\"two\"}}", "{\"a\":{\"t\":\"one\",\"t\":\"\"}}"),
            (
                json,
                "{\"a\":{\"t\":\"one\"},\"a\":{\"t\":\"two\"}}",
                "{\"a\":{\"t\":\"one\"},\"a\":{\"t\":\"\"}}",
            ),
            (snyk, "{\"api\":\"one\",\"API\":\"two\"}", "{\"api\":\"one\",\"API\":\"\"}"),
        ];
        for (target, before, after) in rows {
            let (_folder, path) = file(before);
            let (target, file) = (target(&path), LockedFile::open(&path).unwrap());
            assert!(
                matches!(refuse_repeated(&target, &file), Err(ConsumerError::Repeated { lines, .. }) if lines.len() == 2),
                "{before}"
            );
            assert_eq!(*text_without(&target, &file, "two").unwrap(), after);
            assert_eq!(*text_without(&target, &file, "three").unwrap(), before);
        }
        let (_folder, path) = file("[AUTH]\napi_key = one\napi_key = two\n");
        let (target, file) = (probely(&path), LockedFile::open(&path).unwrap());
        assert!(text_without(&target, &file, "two").is_err(), "its reader refuses the file too");
    }

    #[test]
    fn a_reference_is_found_in_every_format() {
        let rows: [(TargetOf, &str); 4] = [
            (env, "T=real\nT='op://vault/item'\n"),
            (json, "{\"a\":{\"t\":\"op://vault/item\"}}"),
            (snyk, "{\"Api\":\"op://vault/item\"}"),
            (probely, "[AUTH]\napi_key = op://vault/item\n"),
        ];
        for (target, text) in rows {
            let (_folder, path) = file(text);
            let (target, file) = (target(&path), LockedFile::open(&path).unwrap());
            let refused = refuse_reference(&target, &file).unwrap_err().to_string();
            assert!(refused.contains("a reference to 1Password, not a secret"), "{refused}");
        }
    }
}
