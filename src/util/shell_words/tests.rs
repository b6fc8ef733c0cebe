//! Tests of the three dialects.

use proptest::prelude::*;

use super::*;

fn first(text: &str, dialect: ShellDialect) -> Result<ShellCommand, ShellSyntaxError> {
    split_commands(text, dialect).next().unwrap_or_else(|| Ok(ShellCommand::default()))
}

fn words_in(text: &str, dialect: ShellDialect) -> Vec<String> {
    let command = first(text, dialect).unwrap_or_default();
    command.words.into_iter().map(|word| word.text.to_string()).collect()
}

fn words(text: &str) -> Vec<String> {
    words_in(text, ShellDialect::Posix)
}

fn error(text: &str) -> Option<ShellSyntaxError> {
    first(text, ShellDialect::Posix).err()
}

#[test]
fn words_are_split_as_a_shell_does() {
    for (text, expected) in [
        ("curl  a\tb", &["curl", "a", "b"][..]),
        ("curl 'a b' \"c d\" e\\ f", &["curl", "a b", "c d", "e f"]),
        ("\n curl \\\n  -H 'x: y' \\ \n  z", &["curl", "-H", "x: y", "z"]),
        (r#"curl 'it'\''s' "a\"b\\c\d""#, &["curl", "it's", r#"a"b\c\d"#]),
        (r"curl $'a\'b\n\u00e9\x41' ''", &["curl", "a'b\né\u{41}", ""]),
        ("curl a # comment\nrm -rf", &["curl", "a"]),
        ("curl a#b | jq .", &["curl", "a#b"]),
        ("curl \"$A-${B}\" $", &["curl", "$A-$B", "$"]),
        ("curl -s > out.json a 2>/dev/null b 2>&1 c &>x", &["curl", "-s", "a", "b", "c"]),
        ("curl x2>out", &["curl", "x2"]),
        ("curl “a b” ‘c d’ „e“ it’s’", &["curl", "a b", "c d", "e", "its"]),
    ] {
        assert_eq!(words(text), expected, "{text}");
    }
    let trailing = |text| first(text, ShellDialect::Posix).unwrap_or_default().has_trailing_input;
    assert!(trailing("curl a | jq .") && trailing("curl a\n\nls"));
    assert!(!trailing("curl a\n \n") && !trailing("curl a > b"));
    let command = first("curl \"x${TOKEN}y\"", ShellDialect::Posix).unwrap_or_default();
    assert_eq!(command.words[1].variable.as_deref(), Some("TOKEN"));
    assert!(first("curl “a”", ShellDialect::Posix).unwrap_or_default().has_typographic_quotes);
}

#[test]
fn commands_follow_each_other_with_their_input() {
    let commands: Vec<_> = split_commands("cd x && echo '{}' |\ncurl a; 'b", ShellDialect::Posix)
        .map(|command| command.map(|command| command.words.len()))
        .collect();
    assert_eq!(commands, [Ok(2), Ok(2), Ok(2), Err(ShellSyntaxError::UnclosedQuote)]);
    let piped = split_commands("echo a | curl b", ShellDialect::Posix).nth(1).unwrap().unwrap();
    assert!(matches!(piped.input, CommandInput::Pipe));
    let input = |text: &str| match first(text, ShellDialect::Posix).unwrap_or_default().input {
        CommandInput::Text(word) => (word.text.to_string(), word.variable),
        CommandInput::File(word) => (format!("file {}", word.text.as_str()), word.variable),
        CommandInput::Pipe | CommandInput::Terminal => (String::new(), None),
    };
    let text = |text: &str| (text.to_owned(), None);
    assert_eq!(input("curl a -d @- < b.json"), text("file b.json"));
    assert_eq!(input("curl a -d @- <<< '{}'"), text("{}"));
    assert_eq!(input("curl -d @- <<'EOF' a\n{\"x\": \"$Y\"}\nEOF\nls"), text("{\"x\": \"$Y\"}\n"));
    assert_eq!(input("curl -d @- <<EOF a | jq .\nx\nEOF\n"), text("x\n"));
    assert_eq!(input("curl -d @- <<-EOF a\n\tx \\$y\n\tEOF\n"), text("x $y\n"));
    assert_eq!(input("curl -d @- <<EOF a\nx $Y\nEOF").1.as_deref(), Some("Y"));
    assert_eq!(error("curl -d @- <<EOF a\nx\n"), Some(ShellSyntaxError::UnclosedQuote));
    assert_eq!(error("curl <(id)"), Some(ShellSyntaxError::Substitution));
}

#[test]
fn what_a_shell_would_run_or_wait_for_is_refused() {
    for text in ["curl $(id)", "curl \"`id`\"", "curl `id`", "curl ${A:-b}", "curl \"$(id)\""] {
        assert_eq!(error(text), Some(ShellSyntaxError::Substitution), "{text}");
    }
    for text in ["curl 'a", "curl \"a", "curl $'a", "curl \"a\\", "curl “a"] {
        assert_eq!(error(text), Some(ShellSyntaxError::UnclosedQuote), "{text}");
    }
}

#[test]
fn the_command_prompt_and_powershell_have_their_own_quotes() {
    use ShellDialect::{Cmd, PowerShell};
    for (dialect, text, expected) in [
        (
            Cmd,
            "curl ^\"https://h/?a=1^&b=%^20^\" ^\n  -H ^\"x: \\^\"y\\^\"^\"",
            &["curl", "https://h/?a=1&b=%20", "-H", "x: \"y\""][..],
        ),
        (
            Cmd,
            "curl \"https://h/?a=1&b=2\" -d \"{\\\"a\\\":1}\" ^\r\n -X PUT",
            &["curl", "https://h/?a=1&b=2", "-d", "{\"a\":1}", "-X", "PUT"],
        ),
        (Cmd, "curl -d ^\"a^\n\nb\\c\\\\^\"", &["curl", "-d", "a\nb\\c\\"]),
        (Cmd, "curl %C3%A9 > nul & dir", &["curl", "%C3%A9"]),
        (Cmd, "curl \"a \"\"b\"\"\"", &["curl", "a \"b\""]),
        (
            PowerShell,
            "curl.exe -H 'x: it''s' `\n  -d \"a`\"b`$c\"",
            &["curl.exe", "-H", "x: it's", "-d", "a\"b$c"],
        ),
        (PowerShell, "& curl.exe a 2>$null | jq", &["curl.exe", "a"]),
        (
            PowerShell,
            "curl.exe -d '{\\\"a\\\":1}' @'\nb 'c'\n'@",
            &["curl.exe", "-d", "{\"a\":1}", "b 'c'"],
        ),
    ] {
        assert_eq!(words_in(&text.replace("\r\n", "\n"), dialect), expected, "{text}");
    }
    for (dialect, text) in [
        (Cmd, "curl -H \"Authorization: token %SNYK_TOKEN%\""),
        (PowerShell, "curl.exe -H \"Authorization: token $env:SNYK_TOKEN\""),
        (PowerShell, "curl.exe -H \"Authorization: token ${env:SNYK_TOKEN}\""),
    ] {
        let command = first(text, dialect).unwrap_or_default();
        assert_eq!(command.words[2].variable.as_deref(), Some("SNYK_TOKEN"), "{text}");
    }
    for (text, dialect) in [
        ("curl ^\"a^\"", Cmd),
        ("curl \"a\" ^\n b", Cmd),
        ("curl.exe 'a' `\n b", PowerShell),
        ("curl -H \"a $env:B\"", PowerShell),
        ("curl 'a^b' \\\n c", ShellDialect::Posix),
        ("curl a`\n`", ShellDialect::Posix),
        ("curl 'it'\\''s' -d '`\n'", ShellDialect::Posix),
    ] {
        assert_eq!(ShellDialect::detect(text), dialect, "{text}");
    }
    assert_eq!(first("curl.exe $(x)", PowerShell).err(), Some(ShellSyntaxError::Substitution));
    assert_eq!(first("curl.exe 'x", PowerShell).err(), Some(ShellSyntaxError::UnclosedQuote));
}

proptest! {
    #[test]
    fn any_text_is_survived(text in "(curl |[$'\"`^%\\\\{}() \n|;&<>#@]|u[0-9]{4}|[a-zA-Z]|[“”‘’]|\\PC){0,40}") {
        for dialect in [ShellDialect::Posix, ShellDialect::PowerShell, ShellDialect::Cmd] {
            prop_assert!(split_commands(&text, dialect).take(200).count() < 200);
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
