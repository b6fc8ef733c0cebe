//! Tests that read exported commands as PowerShell, the Windows command prompt and Microsoft's C
//! library document it.
//!
//! Rules: `about_Quoting_Rules` and `about_Parsing` for PowerShell 7.3, "Parsing C command-line
//! arguments" for the program, and the order of the command prompt: percent expansion, then carets
//! and quotes. Everything that these rules do not allow in a plain argument fails the test.

use proptest::prelude::*;

use super::quoting::{ShellArgument, ShellSyntax};

const SECRET: &str = "s3cr3t-value";

/// Reads a command line of PowerShell: words without quotes, single-quoted strings, double-quoted
/// strings with a variable of the environment, and the sum of a string and such a variable.
fn read_powershell(line: &str) -> Vec<String> {
    let mut reader = PowerShellReader { rest: line.chars().collect(), at: 0 };
    let mut words = Vec::new();
    while reader.peek().is_some() {
        words.push(reader.read_argument());
        assert!(matches!(reader.next(), Some(' ') | None), "{line}");
    }
    words
}

struct PowerShellReader {
    rest: Vec<char>,
    at: usize,
}

impl PowerShellReader {
    fn peek(&self) -> Option<char> {
        self.rest.get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek();
        self.at += 1;
        next
    }

    fn read_argument(&mut self) -> String {
        match self.peek() {
            Some('\'') => self.read_single_quoted(),
            Some('"') => self.read_double_quoted(),
            Some('(') => {
                self.at += 1;
                let text = self.read_single_quoted();
                self.expect(" + $env:SNYK_TOKEN)");
                text + SECRET
            }
            _ => self.read_bare(),
        }
    }

    fn expect(&mut self, text: &str) {
        text.chars().for_each(|c| assert_eq!(self.next(), Some(c), "{text}"));
    }

    /// A word that consists of letters, digits and what has no meaning in a command.
    fn read_bare(&mut self) -> String {
        let mut word = String::new();
        while let Some(c) = self.peek().filter(|c| *c != ' ') {
            assert!(c.is_ascii_alphanumeric() || "-_./:".contains(c), "{c:?} without quotes");
            word.push(c);
            self.at += 1;
        }
        let is_parameter = word.starts_with('-') && word.contains(['.', ':']);
        assert!(!word.is_empty() && !is_parameter, "{word}");
        word
    }

    /// Any of the quotes ends the string, two of them are one.
    fn read_single_quoted(&mut self) -> String {
        let quotes = ['\'', '\u{2018}', '\u{2019}', '\u{201a}', '\u{201b}'];
        assert_eq!(self.next(), Some('\''));
        let mut text = String::new();
        loop {
            let c = self.next().expect("a closing quote");
            if !quotes.contains(&c) {
                text.push(c);
            } else if self.peek().is_some_and(|next| quotes.contains(&next)) {
                self.at += 1;
                text.push(c);
            } else {
                return text;
            }
        }
    }

    fn read_double_quoted(&mut self) -> String {
        assert_eq!(self.next(), Some('"'));
        let mut text = String::new();
        loop {
            match self.next().expect("a closing quote") {
                '"' => return text,
                '$' => {
                    self.expect("env:SNYK_TOKEN");
                    assert_eq!(self.peek(), Some('"'), "the name would go on");
                    text.push_str(SECRET);
                }
                c => {
                    assert!(!"`\u{201c}\u{201d}\u{201e}".contains(c), "{c:?} has a meaning");
                    text.push(c);
                }
            }
        }
    }
}

/// Reads a line at the command prompt: inserts the variables, removes the carets, and splits the rest
/// as the C library does.
fn read_cmd(line: &str) -> Vec<String> {
    split_as_c(&remove_carets(&insert_variables(line)))
}

/// A name between two percent signs is replaced where the variable exists. One that does not exist
/// stays as it is; this shell has every variable whose name a user could have set.
fn insert_variables(line: &str) -> String {
    let mut text = String::new();
    let mut rest = line;
    while let Some(begin) = rest.find('%') {
        text.push_str(&rest[..begin]);
        let after = &rest[begin + 1..];
        let name = after.find('%').map(|end| &after[..end]);
        match name {
            Some("SNYK_TOKEN") => text.push_str(SECRET),
            // No variable has a name that begins with a caret or contains a line end.
            Some(name) if !name.is_empty() && !name.starts_with('^') && !name.contains('\n') => {
                text.push_str("INSERTED");
            }
            _ => {
                text.push('%');
                rest = after;
                continue;
            }
        }
        rest = &after[name.map_or(0, str::len) + 1..];
    }
    text + rest
}

/// Outside of quotes a caret takes the meaning of the next character away; a line end with a caret is
/// dropped, and the character behind it has no meaning.
fn remove_carets(line: &str) -> String {
    let (mut text, mut is_quoted) = (String::new(), false);
    let mut characters = line.chars();
    while let Some(c) = characters.next() {
        match c {
            '^' if !is_quoted => match characters.next().expect("a character behind the caret") {
                '\n' => text.push(characters.next().expect("a character behind the line end")),
                next => text.push(next),
            },
            '"' => {
                is_quoted = !is_quoted;
                text.push(c);
            }
            '\n' => panic!("the command ends at the line end: {line}"),
            c => {
                assert!(is_quoted || !"&|<>()!".contains(c), "{c:?} has a meaning: {line}");
                text.push(c);
            }
        }
    }
    assert!(!is_quoted, "{line}");
    text
}

/// Splits a command line into arguments, as "Parsing C command-line arguments" describes.
fn split_as_c(line: &str) -> Vec<String> {
    let (mut words, mut word, mut is_word, mut is_quoted) =
        (Vec::new(), String::new(), false, false);
    let mut backslashes = 0;
    let mut characters = line.chars().peekable();
    while let Some(c) = characters.next() {
        if c == '\\' {
            (backslashes, is_word) = (backslashes + 1, true);
            continue;
        }
        if c == '"' {
            word.push_str(&"\\".repeat(backslashes / 2));
            if backslashes % 2 == 1 {
                word.push('"');
            } else if is_quoted && characters.next_if_eq(&'"').is_some() {
                // Two quotes in a quoted string are one.
                word.push('"');
            } else {
                is_quoted = !is_quoted;
            }
            (backslashes, is_word) = (0, true);
            continue;
        }
        word.push_str(&"\\".repeat(std::mem::take(&mut backslashes)));
        if !is_quoted && matches!(c, ' ' | '\t') {
            if std::mem::take(&mut is_word) {
                words.push(std::mem::take(&mut word));
            }
        } else {
            word.push(c);
            is_word = true;
        }
    }
    word.push_str(&"\\".repeat(backslashes));
    assert!(!is_quoted);
    if is_word {
        words.push(word);
    }
    words
}

fn with_variable(text: &str) -> ShellArgument {
    ShellArgument::WithVariable { text: text.to_owned(), variable: "SNYK_TOKEN".to_owned() }
}

#[test]
fn the_readers_follow_the_documented_examples() {
    for (line, arguments) in [
        (r#""a b c" d e"#, &["a b c", "d", "e"][..]),
        (r#""ab\"c" "\\" d"#, &["ab\"c", "\\", "d"]),
        (r#"a\\\b d"e f"g h"#, &[r"a\\\b", "de fg", "h"]),
        (r#"a\\\"b c d"#, &[r#"a\"b"#, "c", "d"]),
        (r#"a\\\\"b c" d e"#, &[r"a\\b c", "d", "e"]),
    ] {
        assert_eq!(split_as_c(line), arguments, "{line}");
    }
    assert_eq!(read_powershell("'don''t' a/b:c"), ["don't", "a/b:c"]);
    assert_eq!(remove_carets("a ^& b^^ ^\"c^ d^\""), "a & b^ \"c d\"");
    assert_eq!(insert_variables("%SNYK_TOKEN% %=ExitCode% 5%"), format!("{SECRET} INSERTED 5%"));
}

#[test]
fn every_character_reaches_the_program() {
    let odd = [
        "it's \"quoted\"",
        "a\\",
        "\\\\\"",
        "%PATH%",
        "100%",
        "%=C:%",
        "%ProgramFiles(x86)%",
        "%%a%%",
        "%\"%",
        "a^b",
        "(x) & y | z > w < v",
        "!a!",
        "a\nb\n",
        "\n",
        "$env:PATH $(id) `x`",
        "\u{2018}a\u{2019}",
        "{\"a\": [1, \"é\"]}",
        "",
        " ",
        "-",
        "@x",
        "% %",
        "%\n%",
        "-a.b",
        "a%",
        "\"%",
    ];
    for text in odd {
        for (shell, read) in [
            (ShellSyntax::PowerShell, read_powershell as fn(&str) -> Vec<String>),
            (ShellSyntax::Cmd, read_cmd),
        ] {
            let line =
                shell.format("curl.exe", &[text.into(), with_variable("Authorization: token ")]);
            let secret = format!("Authorization: token {SECRET}");
            assert_eq!(read(&line), ["curl.exe", text, &secret], "{shell:?}: {line}");
            let line = shell.format("curl.exe", &[with_variable(text), "--end".into()]);
            assert_eq!(
                read(&line),
                ["curl.exe", &format!("{text}{SECRET}"), "--end"],
                "{shell:?}: {line}"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn any_argument_reaches_the_program(first in "[ -~é\n\t\u{2018}\u{2019}]{0,24}", second in "[%^\"\\\\ a(!&\n]{0,12}") {
        for (shell, read) in [
            (ShellSyntax::PowerShell, read_powershell as fn(&str) -> Vec<String>),
            (ShellSyntax::Cmd, read_cmd),
        ] {
            let line = shell.format("curl.exe", &[first.as_str().into(), second.as_str().into()]);
            prop_assert_eq!(read(&line), ["curl.exe", &first, &second], "{:?}: {}", shell, line);
        }
    }
}
