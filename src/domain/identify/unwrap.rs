//! Removal of everything that users paste along with a secret: quotes, schemes, assignments, JSON,
//! a whole curl command.
//!
//! Each removed part is described by its type and never quoted, because something that looks like a
//! name may be half of a secret. Start at [`unwrap_secret`].
//!
//! Extraction of a secret from a shell command such as `curl -H "Authorization: …"`.

use zeroize::Zeroizing;

use super::PasteError;
use crate::domain::identify::{token_claims, unwrap};
use crate::domain::text::{UnprintableCharacter, find_unprintable};
use crate::util::shell_words::split_words;

/// Secret with nothing around it.
pub(super) struct UnwrappedSecret {
    /// Remaining text.
    pub(super) text: Zeroizing<String>,
    /// Descriptions of what was removed, in order.
    pub(super) removed: Vec<String>,
}

/// Result of one successful step.
pub(super) struct UnwrapStep {
    /// Remaining text.
    pub(super) rest: Zeroizing<String>,
    /// Description of what was removed.
    pub(super) what: &'static str,
}

/// Outcome of one step: nothing to remove, something removed, or an ambiguous text.
type UnwrapResult = Result<Option<UnwrapStep>, PasteError>;

/// Maximum number of layers; real input has fewer, and the loop must end on any input.
const MAX_UNWRAP_STEPS: usize = 24;

/// Removes layer after layer until no step matches. A text for which `marked` returns true (it
/// starts with the prefix of a secret) is left unchanged, whatever it contains.
pub(super) fn unwrap_secret(
    pasted: &str,
    marked: &dyn Fn(&str) -> bool,
) -> Result<UnwrappedSecret, PasteError> {
    let (text, mut cleaned) = match pasted.strip_prefix('\u{feff}') {
        Some(rest) => (rest, vec!["a leading byte-order mark".to_owned()]),
        None => (pasted, Vec::new()),
    };
    reject_unprintable(text)?;
    let mut text = Zeroizing::new(text.to_owned());
    for _ in 0..MAX_UNWRAP_STEPS {
        let Some(peeled) = unwrap_once(&text, marked)? else { break };
        text = peeled.rest;
        cleaned.push(peeled.what.to_owned());
    }
    validate_unwrapped(&text)?;
    Ok(UnwrappedSecret { text, removed: cleaned })
}

/// Rejects a text that contains an undisplayable character.
fn reject_unprintable(text: &str) -> Result<(), PasteError> {
    match find_unprintable(text) {
        None => Ok(()),
        Some(UnprintableCharacter { name, position }) => {
            Err(PasteError::UnprintableCharacter { name, position })
        }
    }
}

fn validate_unwrapped(text: &str) -> Result<(), PasteError> {
    reject_unprintable(text)?;
    if text.is_empty() {
        Err(PasteError::Empty)
    } else if !is_pem_block(text) && text.contains(char::is_whitespace) {
        Err(PasteError::Ambiguous)
    } else {
        Ok(())
    }
}

fn unwrap_once(text: &str, marked: &dyn Fn(&str) -> bool) -> UnwrapResult {
    if let Some(peeled) = trim_whitespace(text) {
        return Ok(Some(peeled));
    }
    let one_word = !text.contains(char::is_whitespace);
    if is_pem_block(text) || (one_word && marked(text)) {
        return Ok(None);
    }
    let steps: [fn(&str) -> UnwrapResult; 4] = [
        unwrap::unwrap_curl,
        token_claims::unwrap_json,
        unwrap::unwrap_header_option,
        select_secret_line,
    ];
    for step in steps {
        if let Some(peeled) = step(text)? {
            return Ok(Some(peeled));
        }
    }
    let steps: [fn(&str) -> Option<UnwrapStep>; 7] = [
        strip_quotes,
        strip_comment,
        strip_terminator,
        strip_header_name,
        strip_scheme,
        strip_powershell_assignment,
        strip_assignment,
    ];
    Ok(steps.into_iter().find_map(|step| step(text)))
}

/// Creates the result of a step from the remaining text and a description of what was removed.
pub(super) fn unwrap_step(rest: &str, what: &'static str) -> UnwrapStep {
    UnwrapStep { rest: Zeroizing::new(rest.to_owned()), what }
}

/// Whether a name is typical for a secret.
pub(super) fn is_secret_name(name: &str) -> bool {
    let name: String =
        name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
    let not_secret =
        ["tokentype", "keyid", "keyname", "tokenid", "clientid", "tokenurl", "apikeyname"];
    let secret = ["token", "secret", "key", "pat", "password", "credential", "authorization"];
    name == "api"
        || (!not_secret.contains(&name.as_str()) && secret.iter().any(|end| name.ends_with(end)))
}

fn is_pem_block(text: &str) -> bool {
    text.starts_with("-----BEGIN ")
}

fn trim_whitespace(text: &str) -> Option<UnwrapStep> {
    let rest = text.trim();
    (rest.len() < text.len()).then(|| unwrap_step(rest, "surrounding whitespace or line breaks"))
}

fn strip_quotes(text: &str) -> Option<UnwrapStep> {
    let pairs =
        [('"', '"'), ('\'', '\''), ('`', '`'), ('\u{201c}', '\u{201d}'), ('\u{2018}', '\u{2019}')];
    let inside = |(open, close)| {
        text.strip_prefix(open)?.strip_suffix(close).filter(|inside: &&str| !inside.contains(close))
    };
    pairs.into_iter().find_map(inside).map(|rest| unwrap_step(rest, "surrounding quotes"))
}

fn strip_comment(text: &str) -> Option<UnwrapStep> {
    let (rest, _) = text.split_once(" #").filter(|_| !text.contains('\n'))?;
    Some(unwrap_step(rest, "a trailing comment"))
}

fn strip_terminator(text: &str) -> Option<UnwrapStep> {
    text.strip_suffix([',', ';']).map(|rest| unwrap_step(rest, "a trailing comma or semicolon"))
}

fn strip_header_name(text: &str) -> Option<UnwrapStep> {
    strip_prefix_ignore_case(text, "authorization:")
        .map(|rest| unwrap_step(rest, "a leading \"Authorization:\""))
}

fn strip_scheme(text: &str) -> Option<UnwrapStep> {
    let schemes = [
        ("bearer", "a leading \"Bearer\""),
        ("token", "a leading \"token\""),
        ("jwt", "a leading \"JWT\""),
    ];
    schemes.into_iter().find_map(|(word, what)| {
        let rest = strip_prefix_ignore_case(text, word)?;
        rest.starts_with([' ', '\t']).then(|| unwrap_step(rest, what))
    })
}

fn strip_powershell_assignment(text: &str) -> Option<UnwrapStep> {
    let (name, value) = strip_prefix_ignore_case(text, "$env:")?.split_once('=')?;
    is_variable_name(name.trim()).then(|| unwrap_step(value, "a leading PowerShell assignment"))
}

/// Removes the name before a value on one line: `export X=…`, `set X=…`, `X=…`, `x: …`.
fn strip_assignment(text: &str) -> Option<UnwrapStep> {
    let words = ["export ", "set ", "declare -x ", "env "];
    let bare = words
        .iter()
        .find_map(|word| strip_prefix_ignore_case(text, word))
        .unwrap_or(text)
        .trim_start();
    let (_, value) = split_assignment(bare)?;
    Some(unwrap_step(value, "a leading variable name"))
}

/// Selects the line that holds the secret: comments are skipped, and the name decides among
/// assignments.
fn select_secret_line(text: &str) -> UnwrapResult {
    if !text.contains('\n') {
        return Ok(None);
    }
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    let secret = |line: &&&str| {
        split_assignment(strip_prefix_ignore_case(line, "export ").unwrap_or(line))
            .is_some_and(|(name, _)| is_secret_name(name))
    };
    match (lines.as_slice(), lines.iter().filter(secret).collect::<Vec<_>>().as_slice()) {
        ([], _) => Err(PasteError::Empty),
        ([line], _) => Ok(Some(unwrap_step(line, "surrounding comment lines"))),
        (_, [line]) => Ok(Some(unwrap_step(line, "other lines"))),
        _ => Err(PasteError::Ambiguous),
    }
}

/// Splits `name=value`, `name = value` or `name: value`. The padding at the end of a base64 text is
/// not a value.
fn split_assignment(text: &str) -> Option<(&str, &str)> {
    let at = text.find(['=', ':'])?;
    let (name, rest) = text.split_at(at);
    let name = name.trim().trim_matches(['"', '\'']);
    let value = &rest[1..];
    let padding = value.bytes().all(|b| b == b'=');
    let separated = rest.starts_with('=') || value.starts_with([' ', '\t']);
    (is_variable_name(name) && !padding && separated).then_some((name, value))
}

fn is_variable_name(name: &str) -> bool {
    let first = name.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
    first && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
}

/// Returns the text after `word`, ignoring ASCII case.
pub(super) fn strip_prefix_ignore_case<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(word.len())?;
    start.eq_ignore_ascii_case(word).then_some(rest)
}

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
