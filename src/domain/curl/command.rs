//! Finding of the curl command in a pasted text.
//!
//! Users paste from documentation, chats and terminals: with prompts, code fences, other commands
//! before it, and the line ends and quotes of other systems. Start at [`find_command`].

use zeroize::Zeroizing;

use super::CurlParseError;
use crate::util::shell_words::{ShellCommand, ShellDialect, ShellWord, split_commands};

/// Programs that run the command behind them: name, letters of their options that have a value, and
/// number of words before the command.
const WRAPPERS: [(&str, &str, usize); 18] = [
    ("sudo", "ughpCrtT", 0),
    ("doas", "uC", 0),
    ("time", "fo", 0),
    ("env", "uCS", 0),
    ("command", "", 0),
    ("builtin", "", 0),
    ("exec", "a", 0),
    ("nohup", "", 0),
    ("nice", "n", 0),
    ("ionice", "cn", 0),
    ("stdbuf", "ioe", 0),
    ("timeout", "ks", 1),
    ("watch", "n", 0),
    ("noglob", "", 0),
    ("winpty", "", 0),
    ("proxychains4", "f", 0),
    ("torsocks", "", 0),
    ("then", "", 0),
];

/// curl command of a text.
pub(super) struct FoundCommand {
    /// Words after `curl`, with the input of the command.
    pub(super) command: ShellCommand,
    /// Notes about what else is in the text.
    pub(super) notes: Vec<String>,
}

/// Finds the first curl command of a text.
///
/// # Errors
///
/// Fails where the text has none, and where only a shell could tell its words.
pub(super) fn find_command(text: &str) -> Result<FoundCommand, CurlParseError> {
    let text = Zeroizing::new(text.replace("\r\n", "\n").replace('\r', "\n"));
    let text = strip_surroundings(&text);
    let mut has_other_commands = false;
    for command in split_commands(&text, ShellDialect::detect(&text)) {
        let mut command = command?;
        let mut notes = Vec::new();
        if !strip_program(&mut command.words, &mut notes) {
            has_other_commands |= !command.words.is_empty();
            continue;
        }
        if has_other_commands {
            notes.push("the commands before curl were ignored".to_owned());
        }
        if command.has_trailing_input {
            notes.push("the text after the command was ignored".to_owned());
        }
        if command.redirects_output {
            notes.push("the redirection of the output was ignored".to_owned());
        }
        if command.has_typographic_quotes {
            notes.push("typographic quotes were read as straight quotes".to_owned());
        }
        if straighten_dashes(&mut command.words) {
            notes.push("a long dash was read as the dashes of an option".to_owned());
        }
        return Ok(FoundCommand { command, notes });
    }
    Err(CurlParseError::NotCurl)
}

/// Removes the words up to the program; returns whether it is curl.
fn strip_program(words: &mut Vec<ShellWord>, notes: &mut Vec<String>) -> bool {
    let (mut at, mut sets_variable) = (0, false);
    while let Some(word) = words.get(at) {
        let word = word.text.as_str();
        let wrapper = WRAPPERS.iter().find(|(name, ..)| *name == word);
        if matches!(word.rsplit(['/', '\\']).next(), Some("curl" | "curl.exe")) {
            words.drain(..=at);
            if sets_variable {
                notes.push("the variables that are set before curl were ignored".to_owned());
            }
            return true;
        } else if let Some((_, with_value, before)) = wrapper {
            at += 1;
            while let Some(option) = words.get(at).filter(|word| word.text.starts_with('-')) {
                let has_value =
                    option.text.len() == 2 && option.text.ends_with(|c| with_value.contains(c));
                at += 1 + usize::from(has_value);
            }
            at += before;
        } else if is_assignment(word) {
            sets_variable = true;
            at += 1;
        } else if matches!(word, "$" | "%" | "#" | "!" | "❯" | "➜" | "»" | "{" | "do" | "if") {
            at += 1;
        } else {
            return false;
        }
    }
    false
}

/// Returns whether a word such as `NAME=value` sets a variable.
fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
}

/// Replaces the dash of a word processor at the beginning of an option: before one letter it stands
/// for one dash, else for two.
fn straighten_dashes(words: &mut [ShellWord]) -> bool {
    let mut changed = false;
    for word in words {
        let Some(rest) = word.text.strip_prefix(['\u{2013}', '\u{2014}']) else { continue };
        let is_option = rest.starts_with(|c: char| c.is_ascii_alphabetic());
        if is_option {
            let dashes = if rest.len() == 1 { "-" } else { "--" };
            word.text = Zeroizing::new(format!("{dashes}{rest}"));
            changed = true;
        }
    }
    changed
}

/// Removes what documents and terminals put around a command: a code fence, the mark of a quotation,
/// and prompts.
fn strip_surroundings(text: &str) -> Zeroizing<String> {
    let text = text.trim_start_matches(['\u{feff}', '\u{200b}']).trim();
    let text = fenced_block(text).unwrap_or(text);
    let inline = text.strip_prefix('`').and_then(|text| text.strip_suffix('`'));
    let text = inline.filter(|text| !text.contains(['`', '\n'])).unwrap_or(text);
    let mut lines: Vec<&str> = text.lines().collect();
    let quoted = lines.iter().all(|line| line.is_empty() || line.starts_with('>'));
    let mut continued = false;
    for line in &mut lines {
        // The second prompt of a shell; before anything else it is a redirection.
        let is_argument =
            |rest: &str| ["-", "'", "\"", "$'", "http"].iter().any(|start| rest.starts_with(start));
        let unmarked = line.trim_start().strip_prefix('>').map(str::trim_start);
        if let Some(rest) = unmarked.filter(|rest| quoted || (continued && is_argument(rest))) {
            *line = rest;
        }
        continued = line.trim_end().ends_with('\\');
    }
    if let Some(line) = lines.iter_mut().find(|line| !line.trim().is_empty()) {
        *line = strip_prompt(line);
    }
    let mut joined = Zeroizing::new(String::with_capacity(text.len() + 1));
    for line in lines {
        joined.push_str(line);
        joined.push('\n');
    }
    joined
}

/// Returns the text of the first fenced block that mentions curl.
fn fenced_block(text: &str) -> Option<&str> {
    let mut rest = text;
    loop {
        let start =
            ["```", "~~~"].iter().filter_map(|fence| Some((rest.find(fence)?, *fence))).min()?;
        let (_, block) = rest[start.0 + 3..].split_once('\n')?;
        let (block, after) = block.split_once(start.1).unwrap_or((block, ""));
        if block.contains("curl") {
            return Some(block);
        }
        rest = after;
    }
}

/// Removes a prompt before curl, such as `me@host:~$`, `PS C:\>` or `C:\>`.
fn strip_prompt(line: &str) -> &str {
    let Some(at) = line.find("curl") else { return line };
    let before = line[..at].trim_end();
    let ends = before.ends_with(['$', '#', '%', '>', '❯', '➜', '»', '!']);
    if ends && !before.contains(['"', '\'', '=', '|', ';', '&']) { &line[at..] } else { line }
}
