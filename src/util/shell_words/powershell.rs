//! Commands of PowerShell.

use zeroize::Zeroizing;

use super::{CommandInput, ShellCommand, ShellSyntaxError, ShellWord, take_char};

/// Splits a text into its commands.
pub(super) fn split_commands(
    text: &str,
) -> impl Iterator<Item = Result<ShellCommand, ShellSyntaxError>> + '_ {
    let mut lexer = PowerShellLexer {
        rest: text,
        word: None,
        command: ShellCommand::default(),
        drops_next_word: false,
    };
    let mut failed = false;
    std::iter::from_fn(move || {
        if failed || (lexer.rest.is_empty() && lexer.command.words.is_empty()) {
            return None;
        }
        loop {
            match lexer.read_next() {
                Ok(None) => {}
                Ok(Some(command)) => return Some(Ok(command)),
                Err(error) => {
                    failed = true;
                    return Some(Err(error));
                }
            }
        }
    })
}

struct PowerShellLexer<'a> {
    rest: &'a str,
    word: Option<ShellWord>,
    command: ShellCommand,
    /// Whether the next word is the target of a redirection.
    drops_next_word: bool,
}

impl PowerShellLexer<'_> {
    /// Reads the next piece; returns the command at its end.
    fn read_next(&mut self) -> Result<Option<ShellCommand>, ShellSyntaxError> {
        let Some(c) = take_char(&mut self.rest) else {
            return Ok(Some(self.end_command(false, false)));
        };
        match c {
            '\n' if self.word.is_none() && self.command.words.is_empty() => {}
            '\n' => {
                let more = !self.rest.trim().is_empty();
                return Ok(Some(self.end_command(false, more)));
            }
            '&' if self.word.is_none() && self.command.words.is_empty() => {}
            '|' | ';' | '&' => return Ok(Some(self.end_command(c == '|', true))),
            '>' => {
                if self.word.as_ref().is_some_and(|word| matches!(word.text.as_str(), "2" | "*")) {
                    self.word = None;
                }
                self.end_word();
                self.rest = self.rest.trim_start_matches(['>', '&']);
                self.drops_next_word = true;
            }
            '#' if self.word.is_none() => {
                self.rest = self.rest.find('\n').map_or("", |end| &self.rest[end..]);
            }
            c if c.is_whitespace() => self.end_word(),
            '`' => self.read_escape(),
            '@' if self.word.is_none() && self.rest.starts_with(['\'', '"']) => {
                self.read_here_string()?;
            }
            '\'' | '\u{2018}' | '\u{2019}' => self.read_single_quoted()?,
            '"' | '\u{201c}' | '\u{201d}' | '\u{201e}' => self.read_double_quoted()?,
            '(' | '{' if self.word.is_none() => return Err(ShellSyntaxError::Substitution),
            '$' => self.read_variable()?,
            c => self.push(c),
        }
        Ok(None)
    }

    /// Returns the word that is being read.
    fn word(&mut self) -> &mut ShellWord {
        let capacity = self.rest.len() + 8;
        self.word.get_or_insert_with(|| ShellWord {
            text: Zeroizing::new(String::with_capacity(capacity)),
            variable: None,
        })
    }

    fn push(&mut self, c: char) {
        self.word().text.push(c);
    }

    fn end_word(&mut self) {
        let Some(mut word) = self.word.take() else { return };
        if std::mem::take(&mut self.drops_next_word) {
            self.command.redirects_output = true;
            return;
        }
        unescape_quotes(&mut word);
        self.command.words.push(word);
    }

    fn end_command(&mut self, pipes: bool, has_trailing_input: bool) -> ShellCommand {
        self.end_word();
        let input = if pipes { CommandInput::Pipe } else { CommandInput::Terminal };
        let next = ShellCommand { input, ..ShellCommand::default() };
        let command = std::mem::replace(&mut self.command, next);
        ShellCommand { has_trailing_input, ..command }
    }

    /// Reads what follows a backtick: a line break is dropped, some letters name a character, and
    /// everything else is literal.
    fn read_escape(&mut self) {
        let blank = |c: char| c.is_whitespace() && c != '\n';
        if let Some(rest) = self.rest.trim_start_matches(blank).strip_prefix('\n') {
            self.rest = rest;
            self.end_word();
            return;
        }
        match take_char(&mut self.rest) {
            Some('n') => self.push('\n'),
            Some('r') => self.push('\r'),
            Some('t') => self.push('\t'),
            Some('0') => self.push('\0'),
            Some(c) => self.push(c),
            None => {}
        }
    }

    fn read_single_quoted(&mut self) -> Result<(), ShellSyntaxError> {
        self.word();
        let is_quote = |c: char| matches!(c, '\'' | '\u{2018}' | '\u{2019}');
        loop {
            let c = take_char(&mut self.rest).ok_or(ShellSyntaxError::UnclosedQuote)?;
            if !is_quote(c) {
                self.push(c);
            } else if self.rest.starts_with(is_quote) {
                self.push(c);
                take_char(&mut self.rest);
            } else {
                return Ok(());
            }
        }
    }

    fn read_double_quoted(&mut self) -> Result<(), ShellSyntaxError> {
        self.word();
        let is_quote = |c: char| matches!(c, '"' | '\u{201c}' | '\u{201d}' | '\u{201e}');
        loop {
            match take_char(&mut self.rest).ok_or(ShellSyntaxError::UnclosedQuote)? {
                c if is_quote(c) && self.rest.starts_with(is_quote) => {
                    self.push(c);
                    take_char(&mut self.rest);
                }
                c if is_quote(c) => return Ok(()),
                '`' => self.read_escape(),
                '$' => self.read_variable()?,
                c => self.push(c),
            }
        }
    }

    /// Reads `@'…'@`: the lines between the marks.
    fn read_here_string(&mut self) -> Result<(), ShellSyntaxError> {
        let quote = take_char(&mut self.rest).unwrap_or('\'');
        let (_, text) = self.rest.split_once('\n').ok_or(ShellSyntaxError::UnclosedQuote)?;
        let end = format!("\n{quote}@");
        let (text, rest) = text.split_once(&end).ok_or(ShellSyntaxError::UnclosedQuote)?;
        if quote == '"' && text.contains(['$', '`']) {
            return Err(ShellSyntaxError::Substitution);
        }
        self.word().text.push_str(text);
        self.rest = rest;
        Ok(())
    }

    /// Reads what follows a dollar sign: `env:NAME`, `{env:NAME}`, `NAME`, or a literal dollar sign.
    fn read_variable(&mut self) -> Result<(), ShellSyntaxError> {
        if self.rest.starts_with('(') {
            return Err(ShellSyntaxError::Substitution);
        }
        let braced = self.rest.starts_with('{');
        let text = &self.rest[usize::from(braced)..];
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
        let length = text.find(|c| !is_name(c)).unwrap_or(text.len());
        let (name, after) = text.split_at(length);
        if braced && !after.starts_with('}') {
            return Err(ShellSyntaxError::Substitution);
        }
        self.rest = &after[usize::from(braced)..];
        let shown = name.strip_prefix("env:").unwrap_or(name).trim_end_matches(':').to_owned();
        let word = self.word();
        word.text.push('$');
        word.text.push_str(name);
        if !shown.is_empty() {
            word.variable.get_or_insert(shown);
        }
        Ok(())
    }
}

/// Removes the backslashes before double quotes where every quote has one: versions before 7.3 need
/// them, because they remove bare quotes.
fn unescape_quotes(word: &mut ShellWord) {
    let (quotes, escaped) = (word.text.matches('"').count(), word.text.matches("\\\"").count());
    if quotes > 0 && quotes == escaped {
        word.text = Zeroizing::new(word.text.replace("\\\"", "\""));
    }
}
