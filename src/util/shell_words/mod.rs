//! Splitting of shell commands into words as a shell would do it.
//!
//! Nothing is executed and no variable is looked up. Commands often contain secrets, so every word
//! is wiped when it is dropped, and no partial copy of a word stays in memory. Start at
//! [`split_commands`], or at [`split_words`] for text that may be incomplete.

mod cmd;
mod posix;
mod powershell;

use zeroize::Zeroizing;

pub use posix::split_words;

/// Word of a command.
#[derive(Default)]
pub struct ShellWord {
    /// Text; a variable appears in it as written.
    pub text: Zeroizing<String>,
    /// First variable in the text whose value only the shell knows.
    pub variable: Option<String>,
}

/// Command of a text.
#[derive(Default)]
pub struct ShellCommand {
    /// Words of the command, without its redirections.
    pub words: Vec<ShellWord>,
    /// Where its standard input comes from.
    pub input: CommandInput,
    /// Whether another command follows, or a pipe.
    pub has_trailing_input: bool,
    /// Whether the output is redirected.
    pub redirects_output: bool,
    /// Whether typographic quotes were read as straight ones.
    pub has_typographic_quotes: bool,
}

/// Where the standard input of a command comes from.
#[derive(Default)]
pub enum CommandInput {
    /// The terminal.
    #[default]
    Terminal,
    /// Another command, through a pipe.
    Pipe,
    /// A file (`< FILE`).
    File(ShellWord),
    /// A here-document or a here-string.
    Text(ShellWord),
}

/// Shell whose syntax a text has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShellDialect {
    /// `sh` and its relatives.
    Posix,
    /// PowerShell.
    PowerShell,
    /// The Windows command prompt.
    Cmd,
}

/// Why a text is not a command that can be split without a shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShellSyntaxError {
    /// A quote or a here-document is not closed.
    UnclosedQuote,
    /// A construct that only a shell can evaluate.
    Substitution,
    /// `\u` or a similar escape that names no character.
    InvalidEscape,
}

impl ShellDialect {
    /// Guesses the shell by its line continuation, its quotes and its variables. What is in single
    /// quotes does not count.
    pub fn detect(text: &str) -> Self {
        // How `sh` writes a single quote within single quotes.
        let text = text.replace(r"'\''", "");
        let unquoted = || text.split('\'').step_by(2);
        let continues = |part: &str, mark: char| {
            part.match_indices(mark).any(|(at, _)| {
                let (before, after) = (&part[..at], &part[at + mark.len_utf8()..]);
                let ends_line = after.trim_start_matches([' ', '\t', '\r']).starts_with('\n');
                ends_line && (before.is_empty() || before.ends_with([' ', '\t', '"']))
            })
        };
        let begin = unquoted().next().unwrap_or_default();
        if begin.contains("^\"") || continues(begin, '^') {
            return Self::Cmd;
        }
        let is_powershell = unquoted()
            .any(|part| part.contains("$env:") || part.contains("${env:") || continues(part, '`'));
        let is_program =
            begin.contains("curl.exe") && !unquoted().any(|part| part.contains("\\\n"));
        if is_powershell || is_program { Self::PowerShell } else { Self::Posix }
    }
}

/// Splits a text into its commands, one after the other, each with its words.
///
/// An item is an error where only a shell could tell the words, and where a quote is not closed;
/// nothing follows it.
pub fn split_commands(
    text: &str,
    dialect: ShellDialect,
) -> Box<dyn Iterator<Item = Result<ShellCommand, ShellSyntaxError>> + '_> {
    match dialect {
        ShellDialect::Posix => Box::new(posix::split_commands(text)),
        ShellDialect::PowerShell => Box::new(powershell::split_commands(text)),
        ShellDialect::Cmd => Box::new(cmd::split_commands(text)),
    }
}

/// Takes the first character of a text.
fn take_char(rest: &mut &str) -> Option<char> {
    let c = rest.chars().next()?;
    *rest = &rest[c.len_utf8()..];
    Some(c)
}

#[cfg(test)]
mod tests;
