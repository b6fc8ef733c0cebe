//! Commands of a POSIX shell.
//!
//! Start at [`split_commands`], or at [`split_words`] for text that may be incomplete.

use zeroize::Zeroizing;

use super::{CommandInput, ShellCommand, ShellSyntaxError, ShellWord, take_char};

/// Splits a text into its commands.
pub(super) fn split_commands(
    text: &str,
) -> impl Iterator<Item = Result<ShellCommand, ShellSyntaxError>> + '_ {
    let mut lexer = ShellLexer::new(text, SyntaxScope::FullSyntax);
    let mut failed = false;
    std::iter::from_fn(move || {
        if failed || (lexer.rest.is_empty() && lexer.command.words.is_empty()) {
            return None;
        }
        loop {
            match lexer.read_next() {
                Ok(true) => {}
                Ok(false) => return Some(Ok(lexer.take_command())),
                Err(error) => {
                    failed = true;
                    return Some(Err(error));
                }
            }
        }
    })
}

/// Splits a text into words by blanks, quotes and backslashes only; everything else that a shell
/// interprets is literal. An unclosed quote ends with the text.
pub fn split_words(text: &str) -> Vec<Zeroizing<String>> {
    let mut lexer = ShellLexer::new(text, SyntaxScope::QuotesOnly);
    // A quote that is cut off, or an escape in it that names no character, ends the text.
    while lexer.read_next().unwrap_or(false) {}
    lexer.end_word();
    lexer.command.words.into_iter().map(|word| word.text).collect()
}

/// What the lexer interprets.
#[derive(Clone, Copy, PartialEq, Eq)]
enum SyntaxScope {
    /// Quotes, variables, comments and the ends of commands.
    FullSyntax,
    /// Quotes and backslashes.
    QuotesOnly,
}

struct ShellLexer<'a> {
    rest: &'a str,
    scope: SyntaxScope,
    /// Text of the word that is being read, in a buffer that never grows: no word is longer than
    /// the text.
    buffer: Zeroizing<String>,
    /// Whether a word is being read; it may be empty.
    in_word: bool,
    variable: Option<String>,
    /// Whether a part of the word is quoted.
    quoted: bool,
    /// Redirection whose target is the next word.
    redirection: Option<Redirection>,
    /// Delimiters of here-documents that begin on the next line.
    here_documents: Vec<HereDocument>,
    /// Whether the next command gets the output of this one.
    pipes: bool,
    command: ShellCommand,
}

/// What a redirection does with its target.
#[derive(Clone, Copy)]
enum Redirection {
    Output,
    InputFile,
    HereString,
    HereDocument { strip_tabs: bool },
}

struct HereDocument {
    delimiter: String,
    strip_tabs: bool,
    /// Whether the delimiter is quoted, so that the shell evaluates nothing in the text.
    literal: bool,
}

impl<'a> ShellLexer<'a> {
    fn new(text: &'a str, scope: SyntaxScope) -> Self {
        Self {
            rest: text,
            scope,
            buffer: Zeroizing::new(String::with_capacity(text.len())),
            in_word: false,
            variable: None,
            quoted: false,
            redirection: None,
            here_documents: Vec::new(),
            pipes: false,
            command: ShellCommand::default(),
        }
    }

    /// Reads the next piece; returns `false` at the end of the command.
    fn read_next(&mut self) -> Result<bool, ShellSyntaxError> {
        let Some(c) = take_char(&mut self.rest) else {
            self.end_word();
            return Ok(false);
        };
        let full_syntax = self.scope == SyntaxScope::FullSyntax;
        match c {
            '&' if full_syntax && self.rest.starts_with('>') => self.end_word(),
            '\n' | ';' | '|' | '&' if full_syntax => return self.end_command(c),
            '<' | '>' if full_syntax => self.read_redirection(c)?,
            '\u{2018}' | '\u{2019}' | '\u{201c}' | '\u{201d}' | '\u{201e}' if full_syntax => {
                self.read_typographic_quoted(c)?;
            }
            '#' if full_syntax && !self.in_word => {
                self.rest = self.rest.find('\n').map_or("", |end| &self.rest[end..]);
            }
            c if c.is_whitespace() => self.end_word(),
            '\'' => self.read_single_quoted()?,
            '"' => self.read_double_quoted()?,
            '\\' => self.read_escaped(),
            '$' => self.read_dollar()?,
            '`' if full_syntax => return Err(ShellSyntaxError::Substitution),
            c => self.push_char(c),
        }
        Ok(true)
    }

    fn push(&mut self, text: &str) {
        self.in_word = true;
        self.buffer.push_str(text);
    }

    fn push_char(&mut self, c: char) {
        self.push(c.encode_utf8(&mut [0; 4]));
    }

    fn end_word(&mut self) {
        if !std::mem::take(&mut self.in_word) {
            return;
        }
        let text = Zeroizing::new(self.buffer.as_str().to_owned());
        self.buffer.clear();
        let quoted = std::mem::take(&mut self.quoted);
        let word = ShellWord { text, variable: self.variable.take() };
        match self.redirection.take() {
            None => self.command.words.push(word),
            Some(Redirection::Output) => self.command.redirects_output = true,
            Some(Redirection::InputFile) => self.command.input = CommandInput::File(word),
            Some(Redirection::HereString) => self.command.input = CommandInput::Text(word),
            Some(Redirection::HereDocument { strip_tabs }) => {
                let delimiter = word.text.as_str().to_owned();
                self.here_documents.push(HereDocument { delimiter, strip_tabs, literal: quoted });
            }
        }
    }

    /// Handles a character that ends a command. Line breaks before the command do not end it.
    fn end_command(&mut self, by: char) -> Result<bool, ShellSyntaxError> {
        self.end_word();
        let documents = std::mem::take(&mut self.here_documents);
        if !documents.is_empty() && by != '\n' {
            // The text begins on the next line; what follows on this one is another command.
            self.rest = self.rest.split_once('\n').map_or("", |(_, rest)| rest);
        }
        for document in documents {
            self.read_here_document(&document)?;
        }
        if by == '\n' && self.command.words.is_empty() {
            return Ok(true);
        }
        self.pipes = by == '|' && !self.rest.starts_with('|');
        self.command.has_trailing_input = by != '\n' || !self.rest.trim().is_empty();
        self.rest = self.rest.trim_start_matches(['|', '&', ';']);
        Ok(false)
    }

    /// Returns the command that was read, and begins the next one.
    fn take_command(&mut self) -> ShellCommand {
        let piped = if self.pipes { CommandInput::Pipe } else { CommandInput::Terminal };
        self.pipes = false;
        std::mem::replace(
            &mut self.command,
            ShellCommand { input: piped, ..ShellCommand::default() },
        )
    }

    /// Reads the operator of a redirection; a number before it names what is redirected.
    fn read_redirection(&mut self, by: char) -> Result<(), ShellSyntaxError> {
        let is_number = !self.quoted && self.buffer.bytes().all(|byte| byte.is_ascii_digit());
        if is_number {
            self.buffer.clear();
            self.in_word = false;
        } else {
            self.end_word();
        }
        if self.rest.starts_with('(') {
            return Err(ShellSyntaxError::Substitution);
        }
        let operators = [
            ("<<-", Redirection::HereDocument { strip_tabs: true }),
            ("<<<", Redirection::HereString),
            ("<<", Redirection::HereDocument { strip_tabs: false }),
            ("<&", Redirection::InputFile),
            ("<", Redirection::InputFile),
            (">>", Redirection::Output),
            (">&", Redirection::Output),
            (">|", Redirection::Output),
            (">", Redirection::Output),
        ];
        for (operator, redirection) in operators {
            if let Some(rest) =
                operator.strip_prefix(by).and_then(|rest| self.rest.strip_prefix(rest))
            {
                self.rest = rest;
                self.redirection = Some(redirection);
                break;
            }
        }
        Ok(())
    }

    /// Reads the lines up to the delimiter as the standard input of the command.
    fn read_here_document(&mut self, document: &HereDocument) -> Result<(), ShellSyntaxError> {
        let mut text = Zeroizing::new(String::with_capacity(self.rest.len()));
        loop {
            if self.rest.is_empty() {
                return Err(ShellSyntaxError::UnclosedQuote);
            }
            let (line, rest) = self.rest.split_once('\n').unwrap_or((self.rest, ""));
            self.rest = rest;
            let line = if document.strip_tabs { line.trim_start_matches('\t') } else { line };
            if line == document.delimiter {
                break;
            }
            text.push_str(line);
            text.push('\n');
        }
        let word = if document.literal {
            ShellWord { text, variable: None }
        } else {
            let mut lexer = ShellLexer::new(&text, SyntaxScope::FullSyntax);
            lexer.read_evaluated(None)?;
            ShellWord {
                text: Zeroizing::new(lexer.buffer.as_str().to_owned()),
                variable: lexer.variable.take(),
            }
        };
        self.command.input = CommandInput::Text(word);
        Ok(())
    }

    /// Reads a text that a word processor put into typographic quotes: up to the closing quote.
    fn read_typographic_quoted(&mut self, by: char) -> Result<(), ShellSyntaxError> {
        self.command.has_typographic_quotes = true;
        self.push("");
        self.quoted = true;
        let single = matches!(by, '\u{2018}' | '\u{2019}');
        let closes = |c: char| match c {
            '\u{2018}' | '\u{2019}' | '\'' => single,
            '\u{201c}' | '\u{201d}' | '\u{201e}' | '"' => !single,
            _ => false,
        };
        if single {
            let (end, quote) = self
                .rest
                .char_indices()
                .find(|(_, c)| closes(*c))
                .ok_or(ShellSyntaxError::UnclosedQuote)?;
            let quoted = &self.rest[..end];
            self.rest = &self.rest[end + quote.len_utf8()..];
            self.push(quoted);
            return Ok(());
        }
        self.read_evaluated(Some(&closes))
    }

    fn read_single_quoted(&mut self) -> Result<(), ShellSyntaxError> {
        let (quoted, rest) = match self.rest.split_once('\'') {
            Some((quoted, rest)) => (quoted, Some(rest)),
            None => (self.rest, None),
        };
        self.push(quoted);
        self.quoted = true;
        self.rest = rest.unwrap_or_default();
        rest.map(|_| ()).ok_or(ShellSyntaxError::UnclosedQuote)
    }

    fn read_double_quoted(&mut self) -> Result<(), ShellSyntaxError> {
        self.push("");
        self.quoted = true;
        self.read_evaluated(Some(&|c| c == '"'))
    }

    /// Reads a text in which variables and some escapes are evaluated, up to the closing quote;
    /// without one, up to the end.
    fn read_evaluated(
        &mut self,
        closes: Option<&dyn Fn(char) -> bool>,
    ) -> Result<(), ShellSyntaxError> {
        let full_syntax = self.scope == SyntaxScope::FullSyntax;
        loop {
            let Some(c) = take_char(&mut self.rest) else {
                return closes.map_or(Ok(()), |_| Err(ShellSyntaxError::UnclosedQuote));
            };
            match c {
                c if closes.is_some_and(|closes| closes(c)) => return Ok(()),
                '`' if full_syntax => return Err(ShellSyntaxError::Substitution),
                '$' => self.read_variable()?,
                '\\' => match take_char(&mut self.rest).ok_or(ShellSyntaxError::UnclosedQuote)? {
                    '\n' => {}
                    c @ ('$' | '`' | '\\') => self.push_char(c),
                    c if closes.is_some_and(|closes| closes(c)) => self.push_char(c),
                    c => {
                        self.push("\\");
                        self.push_char(c);
                    }
                },
                c => self.push_char(c),
            }
        }
    }

    /// Reads a backslash outside quotes: the next character is literal, and a line break is
    /// dropped, also with blanks before it, which are a slip.
    fn read_escaped(&mut self) {
        let blank = |c: char| c.is_whitespace() && c != '\n';
        if let Some(rest) = self.rest.trim_start_matches(blank).strip_prefix('\n') {
            self.rest = rest;
            return;
        }
        match take_char(&mut self.rest) {
            Some('\n') => {}
            Some(c) => self.push_char(c),
            None => self.push("\\"),
        }
    }

    fn read_dollar(&mut self) -> Result<(), ShellSyntaxError> {
        if let Some(rest) = self.rest.strip_prefix('\'') {
            self.rest = rest;
            return self.read_ansi_quoted();
        }
        if let Some(rest) = self.rest.strip_prefix('"') {
            self.rest = rest;
            return self.read_double_quoted();
        }
        self.read_variable()
    }

    /// Reads what follows a dollar sign: a variable, or a literal dollar sign.
    fn read_variable(&mut self) -> Result<(), ShellSyntaxError> {
        self.push("$");
        if self.scope == SyntaxScope::QuotesOnly {
            return Ok(());
        }
        if self.rest.starts_with('(') {
            return Err(ShellSyntaxError::Substitution);
        }
        let braced = self.rest.starts_with('{');
        let name = if braced { &self.rest[1..] } else { self.rest };
        let length =
            name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(name.len());
        let (name, after) = name.split_at(length);
        if braced && !after.starts_with('}') {
            return Err(ShellSyntaxError::Substitution);
        }
        self.rest = if braced { &after[1..] } else { after };
        self.push(name);
        if !name.is_empty() {
            self.variable.get_or_insert_with(|| name.to_owned());
        }
        Ok(())
    }

    /// Reads `$'…'`, the form in which browsers copy values that contain quotes or line breaks.
    fn read_ansi_quoted(&mut self) -> Result<(), ShellSyntaxError> {
        self.push("");
        self.quoted = true;
        loop {
            match take_char(&mut self.rest).ok_or(ShellSyntaxError::UnclosedQuote)? {
                '\'' => return Ok(()),
                '\\' => {
                    let c = self.read_ansi_escape()?;
                    self.push_char(c);
                }
                c => self.push_char(c),
            }
        }
    }

    fn read_ansi_escape(&mut self) -> Result<char, ShellSyntaxError> {
        let c = take_char(&mut self.rest).ok_or(ShellSyntaxError::UnclosedQuote)?;
        let digits = match c {
            'n' => return Ok('\n'),
            't' => return Ok('\t'),
            'r' => return Ok('\r'),
            'x' => 2,
            'u' => 4,
            'U' => 8,
            c => return Ok(c),
        };
        let length = self.rest.bytes().take(digits).take_while(u8::is_ascii_hexdigit).count();
        let (hex, rest) = self.rest.split_at(length);
        let code = u32::from_str_radix(hex, 16).ok().and_then(char::from_u32);
        self.rest = rest;
        code.ok_or(ShellSyntaxError::InvalidEscape)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_quotes_split_text_that_is_no_whole_command() {
        let words =
            |text| split_words(text).iter().map(|word| word.to_string()).collect::<Vec<_>>();
        for (text, expected) in [
            (
                "curl -H 'a b' \"c\\\"d\" e\\ f \\\n g",
                &["curl", "-H", "a b", "c\"d", "e f", "g"][..],
            ),
            (
                "curl x?a=1&b=2 | \"$(id) ${A}\" `id` # z",
                &["curl", "x?a=1&b=2", "|", "$(id) ${A}", "`id`", "#", "z"],
            ),
            ("curl 'a b", &["curl", "a b"]),
            ("curl \"a b", &["curl", "a b"]),
            ("curl $'a\\tb", &["curl", "a\tb"]),
            (" ", &[]),
        ] {
            assert_eq!(words(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_survived_and_no_word_outgrows_the_buffer(text in "(curl |[$'\"`\\\\{}() \n|;&<>#]|u[0-9]{4}|[a-zA-Z]|\\PC){0,40}") {
            for scope in [SyntaxScope::FullSyntax, SyntaxScope::QuotesOnly] {
                let mut lexer = ShellLexer::new(&text, scope);
                let buffer = lexer.buffer.as_ptr();
                while lexer.read_next().unwrap_or(false) {}
                prop_assert_eq!(lexer.buffer.as_ptr(), buffer);
            }
        }
    }
}
