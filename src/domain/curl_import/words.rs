//! The words of one shell command, as a POSIX shell would split them. Nothing is run and nothing is looked up.

use super::CurlError;

/// One argument.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Word {
    /// Its text; a variable stands in it as it was written.
    pub(super) text: String,
    /// The first variable in it whose value only the shell knows.
    pub(super) variable: Option<String>,
}

/// The first command of a text.
#[derive(Debug, Default)]
pub(super) struct Command {
    /// Its words.
    pub(super) words: Vec<Word>,
    /// Whether something came after it: a pipe, a redirection, another command.
    pub(super) followed: bool,
}

/// Splits a text into the words of its first command.
pub(super) fn split(text: &str) -> Result<Command, CurlError> {
    let mut splitter = Splitter { rest: text, word: None, command: Command::default() };
    while splitter.step()? {}
    Ok(splitter.command)
}

struct Splitter<'a> {
    rest: &'a str,
    /// The word that is being read.
    word: Option<Word>,
    command: Command,
}

impl Splitter<'_> {
    /// Reads the next piece; `false` at the end of the command.
    fn step(&mut self) -> Result<bool, CurlError> {
        let Some(c) = self.next() else {
            self.end_word();
            return Ok(false);
        };
        match c {
            '\n' | ';' | '|' | '&' | '<' | '>' => return Ok(self.end_command(c)),
            '#' if self.word.is_none() => self.rest = self.rest.find('\n').map_or("", |end| &self.rest[end..]),
            c if c.is_whitespace() => self.end_word(),
            '\'' => {
                let quoted = self.until('\'')?;
                self.push(&quoted);
            }
            '"' => self.double_quoted()?,
            '\\' => self.escaped(),
            '$' => self.dollar()?,
            '`' => return Err(CurlError::Substitution),
            c => self.push(c.encode_utf8(&mut [0; 4])),
        }
        Ok(true)
    }

    fn next(&mut self) -> Option<char> {
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

    /// Line breaks before the command do not end it.
    fn end_command(&mut self, by: char) -> bool {
        self.end_word();
        if by == '\n' && self.command.words.is_empty() {
            return true;
        }
        self.command.followed = by != '\n' || !self.rest.trim().is_empty();
        false
    }

    /// The text up to the closing quote.
    fn until(&mut self, quote: char) -> Result<String, CurlError> {
        let (text, rest) = self.rest.split_once(quote).ok_or(CurlError::Unclosed)?;
        self.rest = rest;
        Ok(text.to_owned())
    }

    fn double_quoted(&mut self) -> Result<(), CurlError> {
        self.push("");
        loop {
            match self.next().ok_or(CurlError::Unclosed)? {
                '"' => return Ok(()),
                '`' => return Err(CurlError::Substitution),
                '$' => self.variable()?,
                '\\' => match self.next().ok_or(CurlError::Unclosed)? {
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

    /// A backslash outside quotes: the next character means only itself, and a line break nothing at all.
    fn escaped(&mut self) {
        if self.rest.starts_with("\r\n") {
            self.next();
        }
        match self.next() {
            Some('\n') => {}
            Some(c) => self.push(c.encode_utf8(&mut [0; 4])),
            None => self.push("\\"),
        }
    }

    fn dollar(&mut self) -> Result<(), CurlError> {
        if let Some(rest) = self.rest.strip_prefix('\'') {
            self.rest = rest;
            return self.ansi_quoted();
        }
        if let Some(rest) = self.rest.strip_prefix('"') {
            self.rest = rest;
            return self.double_quoted();
        }
        self.variable()
    }

    /// What follows a dollar sign: a variable, or nothing that means anything.
    fn variable(&mut self) -> Result<(), CurlError> {
        if self.rest.starts_with('(') {
            return Err(CurlError::Substitution);
        }
        let braced = self.rest.starts_with('{');
        let name = if braced { &self.rest[1..] } else { self.rest };
        let length = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(name.len());
        let (name, after) = name.split_at(length);
        if braced && !after.starts_with('}') {
            return Err(CurlError::Substitution);
        }
        let (name, after) = (name.to_owned(), if braced { &after[1..] } else { after });
        self.rest = after;
        self.push(&format!("${name}"));
        if !name.is_empty() {
            self.word.get_or_insert_default().variable.get_or_insert(name);
        }
        Ok(())
    }

    /// `$'…'`, the form in which browsers copy what holds quotes and line breaks.
    fn ansi_quoted(&mut self) -> Result<(), CurlError> {
        self.push("");
        loop {
            match self.next().ok_or(CurlError::Unclosed)? {
                '\'' => return Ok(()),
                '\\' => {
                    let c = self.ansi_escape()?;
                    self.push(c.encode_utf8(&mut [0; 4]));
                }
                c => self.push(c.encode_utf8(&mut [0; 4])),
            }
        }
    }

    fn ansi_escape(&mut self) -> Result<char, CurlError> {
        let c = self.next().ok_or(CurlError::Unclosed)?;
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
        code.ok_or(CurlError::Escape)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(text: &str) -> Vec<String> {
        split(text).unwrap().words.into_iter().map(|word| word.text).collect()
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
        assert!(split("curl a | jq .").unwrap().followed && split("curl a\n\nls").unwrap().followed);
        assert!(!split("curl a\n \n").unwrap().followed);
        assert_eq!(split("curl \"x${TOKEN}y\"").unwrap().words[1].variable.as_deref(), Some("TOKEN"));
    }

    #[test]
    fn what_a_shell_would_run_or_wait_for_is_refused() {
        for text in ["curl $(id)", "curl \"`id`\"", "curl `id`", "curl ${A:-b}", "curl \"$(id)\""] {
            assert_eq!(split(text).unwrap_err(), CurlError::Substitution, "{text}");
        }
        for text in ["curl 'a", "curl \"a", "curl $'a", "curl \"a\\"] {
            assert_eq!(split(text).unwrap_err(), CurlError::Unclosed, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in "(curl |[$'\"`\\\\{}() \n|;&<>#]|[a-zA-Z]|\\PC){0,40}") {
            let _ = split(&text);
        }

        #[test]
        fn a_quoted_text_comes_back(text in "\\PC{0,30}") {
            let quoted = format!("curl '{}' end", text.replace('\'', r"'\''"));
            prop_assert_eq!(words(&quoted), ["curl", text.as_str(), "end"]);
        }
    }
}
