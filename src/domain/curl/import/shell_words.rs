//! Splitting of one shell command into words as a POSIX shell would do it.
//!
//! Nothing is executed and no variable is looked up. Start at [`split_first_command`].

use super::CurlParseError;

/// One argument.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct ShellWord {
    /// Text; a variable appears in it as written.
    pub(super) text: String,
    /// First variable in the text whose value only the shell knows.
    pub(super) variable: Option<String>,
}

/// First command of a text.
#[derive(Debug, Default)]
pub(super) struct ShellCommand {
    /// Words of the command.
    pub(super) words: Vec<ShellWord>,
    /// Whether the command is followed by a pipe, a redirection or another command.
    pub(super) has_trailing_input: bool,
}

/// Splits a text into the words of its first command.
pub(super) fn split_first_command(text: &str) -> Result<ShellCommand, CurlParseError> {
    let mut splitter = ShellLexer { rest: text, word: None, command: ShellCommand::default() };
    while splitter.read_next()? {}
    Ok(splitter.command)
}

struct ShellLexer<'a> {
    rest: &'a str,
    /// Word that is being read.
    word: Option<ShellWord>,
    command: ShellCommand,
}

impl ShellLexer<'_> {
    /// Reads the next piece; returns `false` at the end of the command.
    fn read_next(&mut self) -> Result<bool, CurlParseError> {
        let Some(c) = self.next_char() else {
            self.end_word();
            return Ok(false);
        };
        match c {
            '\n' | ';' | '|' | '&' | '<' | '>' => return Ok(self.end_command(c)),
            '#' if self.word.is_none() => {
                self.rest = self.rest.find('\n').map_or("", |end| &self.rest[end..]);
            }
            c if c.is_whitespace() => self.end_word(),
            '\'' => {
                let quoted = self.read_until('\'')?;
                self.push(&quoted);
            }
            '"' => self.read_double_quoted()?,
            '\\' => self.read_escaped(),
            '$' => self.read_dollar()?,
            '`' => return Err(CurlParseError::ShellSubstitution),
            c => self.push(c.encode_utf8(&mut [0; 4])),
        }
        Ok(true)
    }

    fn next_char(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }

    fn push(&mut self, text: &str) {
        self.word.get_or_insert_default().text.push_str(text);
    }

    fn end_word(&mut self) {
        self.command.words.extend(self.word.take());
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

    /// Reads the text up to the closing quote.
    fn read_until(&mut self, quote: char) -> Result<String, CurlParseError> {
        let (text, rest) = self.rest.split_once(quote).ok_or(CurlParseError::UnclosedQuote)?;
        self.rest = rest;
        Ok(text.to_owned())
    }

    fn read_double_quoted(&mut self) -> Result<(), CurlParseError> {
        self.push("");
        loop {
            match self.next_char().ok_or(CurlParseError::UnclosedQuote)? {
                '"' => return Ok(()),
                '`' => return Err(CurlParseError::ShellSubstitution),
                '$' => self.read_variable()?,
                '\\' => match self.next_char().ok_or(CurlParseError::UnclosedQuote)? {
                    '\n' => {}
                    c @ ('$' | '`' | '"' | '\\') => self.push(c.encode_utf8(&mut [0; 4])),
                    c => {
                        self.push("\\");
                        self.push(c.encode_utf8(&mut [0; 4]));
                    }
                },
                c => self.push(c.encode_utf8(&mut [0; 4])),
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
            Some(c) => self.push(c.encode_utf8(&mut [0; 4])),
            None => self.push("\\"),
        }
    }

    fn read_dollar(&mut self) -> Result<(), CurlParseError> {
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
    fn read_variable(&mut self) -> Result<(), CurlParseError> {
        if self.rest.starts_with('(') {
            return Err(CurlParseError::ShellSubstitution);
        }
        let braced = self.rest.starts_with('{');
        let name = if braced { &self.rest[1..] } else { self.rest };
        let length =
            name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(name.len());
        let (name, after) = name.split_at(length);
        if braced && !after.starts_with('}') {
            return Err(CurlParseError::ShellSubstitution);
        }
        let (name, after) = (name.to_owned(), if braced { &after[1..] } else { after });
        self.rest = after;
        self.push(&format!("${name}"));
        if !name.is_empty() {
            self.word.get_or_insert_default().variable.get_or_insert(name);
        }
        Ok(())
    }

    /// Reads `$'…'`, the form in which browsers copy values that contain quotes or line breaks.
    fn read_ansi_quoted(&mut self) -> Result<(), CurlParseError> {
        self.push("");
        loop {
            match self.next_char().ok_or(CurlParseError::UnclosedQuote)? {
                '\'' => return Ok(()),
                '\\' => {
                    let c = self.read_ansi_escape()?;
                    self.push(c.encode_utf8(&mut [0; 4]));
                }
                c => self.push(c.encode_utf8(&mut [0; 4])),
            }
        }
    }

    fn read_ansi_escape(&mut self) -> Result<char, CurlParseError> {
        let c = self.next_char().ok_or(CurlParseError::UnclosedQuote)?;
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
        code.ok_or(CurlParseError::InvalidEscape)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(text: &str) -> Vec<String> {
        split_first_command(text).unwrap().words.into_iter().map(|word| word.text).collect()
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
        assert!(
            split_first_command("curl a | jq .").unwrap().has_trailing_input
                && split_first_command("curl a\n\nls").unwrap().has_trailing_input
        );
        assert!(!split_first_command("curl a\n \n").unwrap().has_trailing_input);
        assert_eq!(
            split_first_command("curl \"x${TOKEN}y\"").unwrap().words[1].variable.as_deref(),
            Some("TOKEN")
        );
    }

    #[test]
    fn what_a_shell_would_run_or_wait_for_is_refused() {
        for text in ["curl $(id)", "curl \"`id`\"", "curl `id`", "curl ${A:-b}", "curl \"$(id)\""] {
            assert_eq!(
                split_first_command(text).unwrap_err(),
                CurlParseError::ShellSubstitution,
                "{text}"
            );
        }
        for text in ["curl 'a", "curl \"a", "curl $'a", "curl \"a\\"] {
            assert_eq!(
                split_first_command(text).unwrap_err(),
                CurlParseError::UnclosedQuote,
                "{text}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in "(curl |[$'\"`\\\\{}() \n|;&<>#]|[a-zA-Z]|\\PC){0,40}") {
            let _ = split_first_command(&text);
        }

        #[test]
        fn a_quoted_text_comes_back(text in "\\PC{0,30}") {
            let quoted = format!("curl '{}' end", text.replace('\'', r"'\''"));
            prop_assert_eq!(words(&quoted), ["curl", text.as_str(), "end"]);
        }
    }
}
