//! Commands of the Windows command prompt.
//!
//! Two programs read such a line: the command prompt removes carets, inserts variables and ends the
//! command at an unquoted `&` or `|`; Microsoft's C library then splits the rest into arguments.

use zeroize::Zeroizing;

use super::{CommandInput, ShellCommand, ShellSyntaxError, ShellWord};

/// Marks around the name of a variable, between the two steps.
const VARIABLE_START: char = '\u{f0000}';
const VARIABLE_END: char = '\u{f0001}';

/// Splits a text into its commands.
pub(super) fn split_commands(
    text: &str,
) -> impl Iterator<Item = Result<ShellCommand, ShellSyntaxError>> + '_ {
    let mut rest = text;
    let mut input = CommandInput::Terminal;
    std::iter::from_fn(move || {
        while !rest.trim().is_empty() {
            let mut line = PromptLine::default();
            rest = line.read(rest);
            let mut command = split_arguments(&line.text);
            if command.words.is_empty() {
                continue;
            }
            command.redirects_output = line.redirects;
            command.has_trailing_input = !rest.trim().is_empty();
            command.input = std::mem::take(&mut input);
            if line.pipes {
                input = CommandInput::Pipe;
            }
            return Some(Ok(command));
        }
        None
    })
}

/// Line as the program gets it.
#[derive(Default)]
struct PromptLine {
    text: Zeroizing<String>,
    redirects: bool,
    pipes: bool,
}

impl PromptLine {
    /// Reads up to the end of the command and returns the rest.
    fn read<'a>(&mut self, text: &'a str) -> &'a str {
        self.text = Zeroizing::new(String::with_capacity(text.len()));
        let mut rest = text;
        let mut quoted = false;
        while let Some(c) = rest.chars().next() {
            let after = &rest[c.len_utf8()..];
            match c {
                '\n' => return after,
                '"' => quoted = !quoted,
                '%' => {
                    if let Some((name, after)) = read_variable(after) {
                        self.text.extend([VARIABLE_START]);
                        self.text.push_str(name);
                        self.text.push(VARIABLE_END);
                        rest = after;
                        continue;
                    }
                }
                '^' if !quoted => {
                    let trimmed = after.trim_start_matches([' ', '\t']);
                    let after = trimmed.strip_prefix('\n').unwrap_or(after);
                    if let Some(literal) = after.chars().next() {
                        self.text.push(literal);
                    }
                    rest =
                        after.get(after.chars().next().map_or(0, char::len_utf8)..).unwrap_or("");
                    continue;
                }
                '&' | '|' if !quoted => {
                    self.pipes = c == '|' && !after.starts_with('|');
                    return after.trim_start_matches(['&', '|']);
                }
                '<' | '>' if !quoted => {
                    self.redirects = true;
                    let target = after.trim_start_matches(['>', '&', ' ']);
                    rest = &target[target.find([' ', '\n', '&', '|']).unwrap_or(target.len())..];
                    continue;
                }
                _ => {}
            }
            self.text.push(c);
            rest = after;
        }
        rest
    }
}

/// Reads a name and its closing percent sign. Two hexadecimal digits are an escape of a URL.
fn read_variable(text: &str) -> Option<(&str, &str)> {
    let (name, rest) = text.split_once('%')?;
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let is_escape = name.len() == 2 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_name && !is_escape).then_some((name, rest))
}

/// Splits a line into arguments: quotes group, and backslashes are literal unless a quote follows.
fn split_arguments(line: &str) -> ShellCommand {
    let mut command = ShellCommand::default();
    let mut word: Option<ShellWord> = None;
    let mut quoted = false;
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        if c.is_whitespace() && !quoted {
            command.words.extend(word.take());
            continue;
        }
        let word = word.get_or_insert_with(|| ShellWord {
            text: Zeroizing::new(String::with_capacity(line.len())),
            variable: None,
        });
        match c {
            '"' if quoted && rest.starts_with('"') => {
                word.text.push('"');
                rest = &rest[1..];
            }
            '"' => quoted = !quoted,
            '\\' => {
                let count = 1 + rest.len() - rest.trim_start_matches('\\').len();
                rest = &rest[count - 1..];
                let escapes = rest.starts_with('"');
                let literal = if escapes { count / 2 } else { count };
                word.text.extend(std::iter::repeat_n('\\', literal));
                if escapes && count % 2 == 1 {
                    word.text.push('"');
                    rest = &rest[1..];
                }
            }
            VARIABLE_START => {
                let (name, after) = rest.split_once(VARIABLE_END).unwrap_or((rest, ""));
                word.text.extend(['%']);
                word.text.push_str(name);
                word.text.push('%');
                word.variable.get_or_insert_with(|| name.to_owned());
                rest = after;
            }
            c => word.text.push(c),
        }
    }
    command.words.extend(word);
    command
}
