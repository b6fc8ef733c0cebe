//! Command lines for different shells: each argument is quoted so that the program gets it unchanged.
//!
//! Start at [`ShellSyntax::format`].

use std::fmt::Write as _;

/// Syntax of a shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ShellSyntax {
    /// `sh` and its relatives.
    Posix,
    /// PowerShell.
    PowerShell,
    /// The Windows command prompt, with the argument rules of Microsoft's C library.
    Cmd,
}

/// One argument of a command, before quoting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ShellArgument {
    /// Text.
    Plain(String),
    /// Text followed by the value of an environment variable.
    WithVariable {
        /// Text before the value.
        text: String,
        /// Name of the variable.
        variable: String,
    },
}

impl ShellArgument {
    /// Returns whether the text contains a double quote.
    pub(super) fn has_double_quote(&self) -> bool {
        let (Self::Plain(text) | Self::WithVariable { text, .. }) = self;
        text.contains('"')
    }
}

impl From<&str> for ShellArgument {
    fn from(text: &str) -> Self {
        Self::Plain(text.to_owned())
    }
}

impl From<String> for ShellArgument {
    fn from(text: String) -> Self {
        Self::Plain(text)
    }
}

impl ShellSyntax {
    /// Returns the command line that runs `program` with these arguments.
    pub(super) fn format(self, program: &str, arguments: &[ShellArgument]) -> String {
        let mut line = program.to_owned();
        for argument in arguments {
            let quoted = match argument {
                ShellArgument::Plain(text) => self.quote(text),
                ShellArgument::WithVariable { text, variable } => {
                    self.quote_with_variable(text, variable)
                }
            };
            let _ = write!(line, " {quoted}");
        }
        line
    }

    fn quote(self, text: &str) -> String {
        let plain = |byte: u8| match self {
            Self::Posix => is_plain_byte(byte) || b",%+@".contains(&byte),
            Self::PowerShell | Self::Cmd => is_plain_byte(byte),
        };
        // Windows PowerShell splits a word such as -a.b, which it takes for a parameter.
        let is_parameter =
            self == Self::PowerShell && text.starts_with('-') && text.contains(['.', ':']);
        if !text.is_empty() && text.bytes().all(plain) && !is_parameter {
            return text.to_owned();
        }
        match self {
            Self::Posix => format!("'{}'", text.replace('\'', r"'\''")),
            Self::PowerShell => format!("'{}'", quote_for_powershell(text)),
            Self::Cmd => format!("^\"{}^\"", escape_for_cmd(text, "\"")),
        }
    }

    /// Quotes a text with the value of a variable behind it. No shell evaluates the value again.
    fn quote_with_variable(self, text: &str, variable: &str) -> String {
        let simple = text.bytes().all(|byte| is_plain_byte(byte) || byte == b' ');
        match self {
            Self::Posix if simple => format!("\"{text}${variable}\""),
            Self::Posix => format!("{}\"${variable}\"", self.quote(text)),
            Self::PowerShell if simple => format!("\"{text}$env:{variable}\""),
            Self::PowerShell => format!("({} + $env:{variable})", self.quote(text)),
            Self::Cmd if !text.contains(['"', '%', '!', '\n']) => format!("\"{text}%{variable}%\""),
            Self::Cmd => format!("^\"{}%{variable}%^\"", escape_for_cmd(text, "")),
        }
    }
}

/// Whether a byte has no special meaning in any shell.
fn is_plain_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'/' | b':')
}

/// Doubles every quote; PowerShell takes typographic single quotes for straight ones.
fn quote_for_powershell(text: &str) -> String {
    let quotes = ['\'', '\u{2018}', '\u{2019}', '\u{201a}', '\u{201b}'];
    text.chars().flat_map(|c| [c].into_iter().chain(quotes.contains(&c).then_some(c))).collect()
}

/// Escapes a text between quotes for the program and then, with carets, for the command prompt.
/// Variables are inserted before carets are read, so a caret behind a percent sign makes it the
/// name of no variable. `end` is what follows for the program.
fn escape_for_cmd(text: &str, end: &str) -> String {
    let mut line = String::new();
    let mut backslashes = 0;
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        if c == '"' {
            line.push_str(&"\\".repeat(backslashes + 1));
        }
        backslashes = if c == '\\' { backslashes + 1 } else { 0 };
        let next = characters.peek();
        // A character with a caret of its own does the same; a quote gets a backslash first.
        let has_caret = next.map_or(end == "\"", |next| needs_caret(*next) && *next != '"');
        match c {
            '%' if !has_caret => line.push_str("%^"),
            '\n' => line.push_str("^\n\n"),
            c if needs_caret(c) => line.extend(['^', c]),
            c => line.push(c),
        }
    }
    if end == "\"" {
        line.push_str(&"\\".repeat(backslashes));
    }
    line
}

/// Whether a character has a meaning for the command prompt and is written with a caret before it.
fn needs_caret(c: char) -> bool {
    matches!(c, '"' | '&' | '|' | '<' | '>' | '^' | '(' | ')' | '!' | '\n')
}
