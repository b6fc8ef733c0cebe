//! Splitting of shell commands into words as a POSIX shell would do it.
//!
//! Nothing is executed and no variable is looked up. Commands often contain secrets, so every word
//! is wiped when it is dropped, and no partial copy of a word stays in memory. Start at
//! [`split_first_command`], or at [`split_words`] for text that may be incomplete.

use zeroize::Zeroizing;

/// Word of a command.
#[derive(Default)]
pub struct ShellWord {
    /// Text; a variable appears in it as written.
    pub text: Zeroizing<String>,
    /// First variable in the text whose value only the shell knows.
    pub variable: Option<String>,
}

/// First command of a text.
#[derive(Default)]
pub struct ShellCommand {
    /// Words of the command.
    pub words: Vec<ShellWord>,
    /// Whether the command is followed by a pipe, a redirection or another command.
    pub has_trailing_input: bool,
}

/// Why a text is not a command that can be split without a shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShellSyntaxError {
    /// A quote is not closed.
    UnclosedQuote,
    /// A construct that only a shell can evaluate.
    Substitution,
    /// `\u` or a similar escape that names no character.
    InvalidEscape,
}

/// Splits a text into the words of its first command.
///
/// # Errors
///
/// Fails where only a shell could tell the words, and where a quote is not closed.
pub fn split_first_command(text: &str) -> Result<ShellCommand, ShellSyntaxError> {
    let mut lexer = ShellLexer::new(text, SyntaxScope::FullSyntax);
    while lexer.read_next()? {}
    Ok(lexer.command)
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
    command: ShellCommand,
}

impl<'a> ShellLexer<'a> {
    fn new(text: &'a str, scope: SyntaxScope) -> Self {
        Self {
            rest: text,
            scope,
            buffer: Zeroizing::new(String::with_capacity(text.len())),
            in_word: false,
            variable: None,
            command: ShellCommand::default(),
        }
    }

    /// Reads the next piece; returns `false` at the end of the command.
    fn read_next(&mut self) -> Result<bool, ShellSyntaxError> {
        let Some(c) = self.next_char() else {
            self.end_word();
            return Ok(false);
        };
        let full_syntax = self.scope == SyntaxScope::FullSyntax;
        match c {
            '\n' | ';' | '|' | '&' | '<' | '>' if full_syntax => return Ok(self.end_command(c)),
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

    fn next_char(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }

    fn push(&mut self, text: &str) {
        self.in_word = true;
        self.buffer.push_str(text);
    }

    fn push_char(&mut self, c: char) {
        self.push(c.encode_utf8(&mut [0; 4]));
    }

    fn end_word(&mut self) {
        if std::mem::take(&mut self.in_word) {
            let text = Zeroizing::new(self.buffer.as_str().to_owned());
            self.buffer.clear();
            self.command.words.push(ShellWord { text, variable: self.variable.take() });
        }
    }

    /// Handles a character that ends a command. Line breaks before the command do not end it.
    fn end_command(&mut self, by: char) -> bool {
        self.end_word();
        if by == '\n' && self.command.words.is_empty() {
            return true;
        }
        self.command.has_trailing_input = by != '\n' || !self.rest.trim().is_empty();
        false
    }

    fn read_single_quoted(&mut self) -> Result<(), ShellSyntaxError> {
        let (quoted, rest) = match self.rest.split_once('\'') {
            Some((quoted, rest)) => (quoted, Some(rest)),
            None => (self.rest, None),
        };
        self.push(quoted);
        self.rest = rest.unwrap_or_default();
        rest.map(|_| ()).ok_or(ShellSyntaxError::UnclosedQuote)
    }

    fn read_double_quoted(&mut self) -> Result<(), ShellSyntaxError> {
        self.push("");
        loop {
            match self.next_char().ok_or(ShellSyntaxError::UnclosedQuote)? {
                '"' => return Ok(()),
                '`' if self.scope == SyntaxScope::FullSyntax => {
                    return Err(ShellSyntaxError::Substitution);
                }
                '$' => self.read_variable()?,
                '\\' => match self.next_char().ok_or(ShellSyntaxError::UnclosedQuote)? {
                    '\n' => {}
                    c @ ('$' | '`' | '"' | '\\') => self.push_char(c),
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
    /// dropped.
    fn read_escaped(&mut self) {
        if self.rest.starts_with("\r\n") {
            self.next_char();
        }
        match self.next_char() {
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
        loop {
            match self.next_char().ok_or(ShellSyntaxError::UnclosedQuote)? {
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
        let c = self.next_char().ok_or(ShellSyntaxError::UnclosedQuote)?;
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

    fn words(text: &str) -> Vec<String> {
        let command = split_first_command(text).unwrap_or_default();
        command.words.into_iter().map(|word| word.text.to_string()).collect()
    }

    fn error(text: &str) -> Option<ShellSyntaxError> {
        split_first_command(text).err()
    }

    #[test]
    fn words_are_split_as_a_shell_does() {
        for (text, expected) in [
            ("curl  a\tb", &["curl", "a", "b"][..]),
            ("curl 'a b' \"c d\" e\\ f", &["curl", "a b", "c d", "e f"]),
            ("\n curl \\\n  -H 'x: y' \\\r\n  z", &["curl", "-H", "x: y", "z"]),
            (r#"curl 'it'\''s' "a\"b\\c\d""#, &["curl", "it's", r#"a"b\c\d"#]),
            (r"curl $'a\'b\n\u00e9\x41' ''", &["curl", "a'b\né\u{41}", ""]),
            ("curl a # comment\nrm -rf", &["curl", "a"]),
            ("curl a#b | jq .", &["curl", "a#b"]),
            ("curl \"$A-${B}\" $", &["curl", "$A-$B", "$"]),
        ] {
            assert_eq!(words(text), expected, "{text}");
        }
        let has_trailing_input =
            |text| split_first_command(text).unwrap_or_default().has_trailing_input;
        assert!(has_trailing_input("curl a | jq .") && has_trailing_input("curl a\n\nls"));
        assert!(!has_trailing_input("curl a\n \n"));
        let command = split_first_command("curl \"x${TOKEN}y\"").unwrap_or_default();
        assert_eq!(command.words[1].variable.as_deref(), Some("TOKEN"));
    }

    #[test]
    fn what_a_shell_would_run_or_wait_for_is_refused() {
        for text in ["curl $(id)", "curl \"`id`\"", "curl `id`", "curl ${A:-b}", "curl \"$(id)\""] {
            assert_eq!(error(text), Some(ShellSyntaxError::Substitution), "{text}");
        }
        for text in ["curl 'a", "curl \"a", "curl $'a", "curl \"a\\"] {
            assert_eq!(error(text), Some(ShellSyntaxError::UnclosedQuote), "{text}");
        }
    }

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

        #[test]
        fn a_quoted_text_comes_back(text in "\\PC{0,30}") {
            let quoted = format!("curl '{}' end", text.replace('\'', r"'\''"));
            prop_assert_eq!(words(&quoted), ["curl", text.as_str(), "end"]);
            let last = split_words(&quoted).pop().unwrap_or_default();
            prop_assert_eq!(last.as_str(), "end");
        }
    }
}
