//! Extraction of a secret from a shell command such as `curl -H "Authorization: …"`.

use zeroize::Zeroizing;

use super::PasteError;
use super::unwrap::{UnwrapStep, strip_prefix_ignore_case};
use crate::util::shell_words::split_words;

/// Returns the value of the only `Authorization` header of a curl command.
pub(super) fn unwrap_curl(text: &str) -> Result<Option<UnwrapStep>, PasteError> {
    let command = text.strip_prefix("$ ").unwrap_or(text);
    if !["curl ", "curl.exe "].iter().any(|word| strip_prefix_ignore_case(command, word).is_some())
    {
        return Ok(None);
    }
    find_authorization_header(command)
        .map(|rest| Some(UnwrapStep { rest, what: "a surrounding curl command" }))
}

/// Returns the value of a single `-H` or `--header` option without a command.
pub(super) fn unwrap_header_option(text: &str) -> Result<Option<UnwrapStep>, PasteError> {
    if !["-H ", "-H'", "-H\"", "--header ", "--header="]
        .iter()
        .any(|option| text.starts_with(option))
    {
        return Ok(None);
    }
    find_authorization_header(text)
        .map(|rest| Some(UnwrapStep { rest, what: "a surrounding header option" }))
}

fn find_authorization_header(command: &str) -> Result<Zeroizing<String>, PasteError> {
    let words = split_words(command);
    let mut found = header_values(&words)
        .filter(|header| strip_prefix_ignore_case(header, "authorization:").is_some());
    match (found.next(), found.next()) {
        (Some(header), None) => Ok(Zeroizing::new(header.to_owned())),
        (None, _) => Err(PasteError::Empty),
        (Some(_), Some(_)) => Err(PasteError::Ambiguous),
    }
}

/// Returns the header options of a command, in every spelling that curl accepts.
fn header_values(words: &[Zeroizing<String>]) -> impl Iterator<Item = &str> {
    words.iter().enumerate().filter_map(|(index, word)| {
        if matches!(word.as_str(), "-H" | "--header") {
            return words.get(index + 1).map(|next| next.as_str());
        }
        word.strip_prefix("--header=")
            .or_else(|| word.strip_prefix("-H").filter(|rest| !rest.is_empty()))
            .map(str::trim_start)
    })
}
