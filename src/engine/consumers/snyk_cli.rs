//! Configuration of the Snyk CLI.
//!
//! The newer half of the CLI reads `~/.config/configstore/snyk.json` regardless of
//! `XDG_CONFIG_HOME`, its older half respects that variable, so there can be two files. Names of
//! members match in any case, and changes are made under a lock on the file beside it whose name
//! ends in `.lock`.

use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::error::ConsumerError;
use super::file::lock_file_at;
use super::json_file::{JsonDocument, JsonEditError};

/// Member that holds a token of any kind.
pub(super) const TOKEN_MEMBER: &str = "api";

/// Member that names the API.
pub(super) const ENDPOINT_MEMBER: &str = "endpoint";

/// Member that holds an OAuth session, which takes precedence over the token.
const SESSION_MEMBER: &str = "INTERNAL_OAUTH_TOKEN_STORAGE";

/// Returns the possible paths of the configuration, the usual one first.
pub(in crate::engine) fn locations() -> Vec<PathBuf> {
    let home = directories::BaseDirs::new().map(|dirs| dirs.home_dir().join(".config"));
    let xdg =
        std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let mut found: Vec<_> =
        home.into_iter().chain(xdg).map(|folder| folder.join("configstore/snyk.json")).collect();
    found.dedup();
    found
}

/// Acquires the lock that the CLI itself uses. Without a configuration there is nothing to lock.
pub(in crate::engine) fn lock_config(path: &Path) -> Result<File, ConsumerError> {
    if !path.exists() {
        return Err(ConsumerError::NotFound(path.to_owned()));
    }
    let mut name = OsString::from(path);
    name.push(".lock");
    lock_file_at(Path::new(&name))
}

/// Returns the configuration with another token.
pub(super) fn set(text: &str, token: &str) -> Result<Zeroizing<String>, JsonEditError> {
    JsonDocument::parse(text)?.set_ignore_case(TOKEN_MEMBER, token)
}

/// Returns the token in a configuration.
pub(super) fn get(text: &str) -> Result<Option<Zeroizing<String>>, JsonEditError> {
    JsonDocument::parse(text)?.get_ignore_case(TOKEN_MEMBER)
}

/// Returns whether a JSON pointer leads to this member; the case does not count.
pub(in crate::engine) fn is_member(pointer: &str, member: &str) -> bool {
    pointer.strip_prefix('/').is_some_and(|name| name.eq_ignore_ascii_case(member))
}

/// Returns whether the CLI uses an OAuth session in the same file instead of the token.
pub(super) fn uses_oauth_session(text: &str) -> bool {
    let session =
        JsonDocument::parse(text).and_then(|document| document.get_ignore_case(SESSION_MEMBER));
    session.is_ok_and(|session| session.is_some_and(|session| !session.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_changes_and_unknown_members_stay() {
        let before =
            "{\n\t\"API\": \"old\",\n\t\"org\": \"acme\",\n\t\"future\": [1, {\"x\": null}]\n}\n";
        assert_eq!(*set(before, "new").unwrap(), before.replace("old", "new"));
        assert_eq!(get(before).unwrap().unwrap().as_str(), "old");
    }

    #[test]
    fn a_session_in_the_same_file_is_noticed() {
        assert!(uses_oauth_session("{\"internal_oauth_token_storage\": \"{}\", \"api\": \"x\"}"));
        assert!(!uses_oauth_session("{\"INTERNAL_OAUTH_TOKEN_STORAGE\": \"\", \"api\": \"x\"}"));
    }

    #[test]
    fn what_is_no_configuration_is_refused() {
        for text in ["", "{", "[]", "null", "api=old"] {
            assert!(set(text, "new").is_err(), "{text}");
        }
    }
}
