//! Taking off what people paste along with a secret: quotes, schemes, assignments, JSON, a whole curl command.
//!
//! Everything taken off is named by its sort, never by its text: what looks like a name may be half of a secret.

use zeroize::Zeroizing;

use super::{PasteError, json, shell, unshowable};

/// A text with nothing around it.
pub(super) struct Bare {
    /// What is left.
    pub(super) text: Zeroizing<String>,
    /// What was taken off, in that order.
    pub(super) cleaned: Vec<String>,
}

/// What one step has left, and what it took off.
pub(super) struct Peeled {
    /// What is left.
    pub(super) rest: Zeroizing<String>,
    /// What was taken off.
    pub(super) what: &'static str,
}

/// The outcome of one step: nothing to take off, something taken off, or no way to choose.
type Step = Result<Option<Peeled>, PasteError>;

/// No honest wrapping is deeper than this; the loop must end on any input.
const DEPTH: usize = 24;

/// Takes off layer after layer until nothing fits. A text that is `marked` (it begins as only a secret does) is left
/// alone, whatever is inside it.
pub(super) fn unwrap(pasted: &str, marked: &dyn Fn(&str) -> bool) -> Result<Bare, PasteError> {
    let (text, mut cleaned) = match pasted.strip_prefix('\u{feff}') {
        Some(rest) => (rest, vec!["a byte-order mark in front of it".to_owned()]),
        None => (pasted, Vec::new()),
    };
    unshowable::refuse(text)?;
    let mut text = Zeroizing::new(text.to_owned());
    for _ in 0..DEPTH {
        let Some(peeled) = peel(&text, marked)? else { break };
        text = peeled.rest;
        cleaned.push(peeled.what.to_owned());
    }
    finish(&text)?;
    Ok(Bare { text, cleaned })
}

fn finish(text: &str) -> Result<(), PasteError> {
    unshowable::refuse(text)?;
    if text.is_empty() {
        Err(PasteError::Empty)
    } else if !is_pem(text) && text.contains(char::is_whitespace) {
        Err(PasteError::Several)
    } else {
        Ok(())
    }
}

fn peel(text: &str, marked: &dyn Fn(&str) -> bool) -> Step {
    if let Some(peeled) = blanks(text) {
        return Ok(Some(peeled));
    }
    let one_word = !text.contains(char::is_whitespace);
    if is_pem(text) || (one_word && marked(text)) {
        return Ok(None);
    }
    let steps: [fn(&str) -> Step; 4] = [shell::curl, json::member, shell::header_option, lines];
    for step in steps {
        if let Some(peeled) = step(text)? {
            return Ok(Some(peeled));
        }
    }
    let steps: [fn(&str) -> Option<Peeled>; 7] = [quotes, comment, terminator, header, scheme, powershell, assignment];
    Ok(steps.into_iter().find_map(|step| step(text)))
}

/// What `rest` is after `what` has been taken off.
pub(super) fn peeled(rest: &str, what: &'static str) -> Peeled {
    Peeled { rest: Zeroizing::new(rest.to_owned()), what }
}

/// Whether a name is one that people give to secrets.
pub(super) fn names_a_secret(name: &str) -> bool {
    let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
    let not_secret = ["tokentype", "keyid", "keyname", "tokenid", "clientid", "tokenurl", "apikeyname"];
    let secret = ["token", "secret", "key", "pat", "password", "credential", "authorization"];
    name == "api" || (!not_secret.contains(&name.as_str()) && secret.iter().any(|end| name.ends_with(end)))
}

fn is_pem(text: &str) -> bool {
    text.starts_with("-----BEGIN ")
}

fn blanks(text: &str) -> Option<Peeled> {
    let rest = text.trim();
    (rest.len() < text.len()).then(|| peeled(rest, "blanks or line ends around it"))
}

fn quotes(text: &str) -> Option<Peeled> {
    let pairs = [('"', '"'), ('\'', '\''), ('`', '`'), ('\u{201c}', '\u{201d}'), ('\u{2018}', '\u{2019}')];
    let inside = |(open, close)| text.strip_prefix(open)?.strip_suffix(close).filter(|inside: &&str| !inside.contains(close));
    pairs.into_iter().find_map(inside).map(|rest| peeled(rest, "quotes around it"))
}

fn comment(text: &str) -> Option<Peeled> {
    let (rest, _) = text.split_once(" #").filter(|_| !text.contains('\n'))?;
    Some(peeled(rest, "a comment behind it"))
}

fn terminator(text: &str) -> Option<Peeled> {
    text.strip_suffix([',', ';']).map(|rest| peeled(rest, "a comma or semicolon behind it"))
}

fn header(text: &str) -> Option<Peeled> {
    strip_word(text, "authorization:").map(|rest| peeled(rest, "\"Authorization:\" in front of it"))
}

fn scheme(text: &str) -> Option<Peeled> {
    let schemes =
        [("bearer", "\"Bearer\" in front of it"), ("token", "\"token\" in front of it"), ("jwt", "\"JWT\" in front of it")];
    schemes.into_iter().find_map(|(word, what)| {
        let rest = strip_word(text, word)?;
        rest.starts_with([' ', '\t']).then(|| peeled(rest, what))
    })
}

fn powershell(text: &str) -> Option<Peeled> {
    let (name, value) = strip_word(text, "$env:")?.split_once('=')?;
    is_name(name.trim()).then(|| peeled(value, "a PowerShell assignment in front of it"))
}

/// `export X=…`, `set X=…`, `X=…`, `x: …`: the name in front of a value, on one line.
fn assignment(text: &str) -> Option<Peeled> {
    let words = ["export ", "set ", "declare -x ", "env "];
    let bare = words.iter().find_map(|word| strip_word(text, word)).unwrap_or(text).trim_start();
    let (_, value) = named_value(bare)?;
    Some(peeled(value, "the name of a variable in front of it"))
}

/// Several lines, of which one is the secret: comments do not count, and among assignments the name decides.
fn lines(text: &str) -> Step {
    if !text.contains('\n') {
        return Ok(None);
    }
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    let secret =
        |line: &&&str| named_value(strip_word(line, "export ").unwrap_or(line)).is_some_and(|(name, _)| names_a_secret(name));
    match (lines.as_slice(), lines.iter().filter(secret).collect::<Vec<_>>().as_slice()) {
        ([], _) => Err(PasteError::Empty),
        ([line], _) => Ok(Some(peeled(line, "comment lines around it"))),
        (_, [line]) => Ok(Some(peeled(line, "other lines around it"))),
        _ => Err(PasteError::Several),
    }
}

/// The name and the value of `name=value`, `name = value` or `name: value`. The padding at the end of a base64 text is
/// no value.
fn named_value(text: &str) -> Option<(&str, &str)> {
    let at = text.find(['=', ':'])?;
    let (name, rest) = text.split_at(at);
    let name = name.trim().trim_matches(['"', '\'']);
    let value = &rest[1..];
    let padding = value.bytes().all(|b| b == b'=');
    let separated = rest.starts_with('=') || value.starts_with([' ', '\t']);
    (is_name(name) && !padding && separated).then_some((name, value))
}

fn is_name(name: &str) -> bool {
    let first = name.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
    first && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
}

/// What follows `word`, whatever the case of its letters.
pub(super) fn strip_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(word.len())?;
    start.eq_ignore_ascii_case(word).then_some(rest)
}
