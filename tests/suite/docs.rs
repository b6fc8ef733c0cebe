//! Compares the tables in the README with the code that generates them, and checks the paths in
//! CONTRIBUTING.md. `TOKENRING_WRITE_DOCS=1` writes the tables.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use tokenring::config::schema::all_settings;
use tokenring::domain::provider::{AuthMethod, ProviderCatalog};
use tokenring::tui::app::command::COMMANDS;

#[test]
fn the_readme_shows_the_tables_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let before = fs::read_to_string(&path).unwrap();
    let after = [
        ("providers", providers()),
        ("commands", commands()),
        ("keys", keys()),
        ("settings", settings()),
    ]
    .iter()
    .fold(before.clone(), |text, (name, table)| with_table(&text, name, table));
    if std::env::var_os("TOKENRING_WRITE_DOCS").is_some() {
        fs::write(&path, &after).unwrap();
    } else {
        assert!(
            before == after,
            "the tables of README.md are stale: run TOKENRING_WRITE_DOCS=1 cargo test --test suite docs"
        );
    }
}

#[test]
fn what_contributing_points_at_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("CONTRIBUTING.md")).unwrap();
    let quoted = text
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|quoted| quoted.contains('/') && !quoted.contains([' ', '*']));
    // A path with a word in capitals is a placeholder.
    let paths: Vec<_> = quoted.filter(|path| !path.contains("NAME")).collect();
    assert!(paths.len() > 20, "{paths:?}");
    for path in paths {
        let is_there = |floor: &str| {
            root.join(floor).join(path).exists()
                || root.join(floor).join(format!("{path}.rs")).exists()
        };
        assert!(
            ["", "src", "tests/suite"].into_iter().any(is_there),
            "CONTRIBUTING.md names {path}, which is not there"
        );
    }
}

fn with_table(text: &str, name: &str, table: &str) -> String {
    let opening = text
        .find(&format!("<!-- {name}:"))
        .unwrap_or_else(|| panic!("README.md has no place for {name}"));
    let start = opening + text[opening..].find("-->\n").unwrap() + 4;
    let end = start + text[start..].find(&format!("<!-- /{name} -->")).unwrap();
    format!("{}{table}{}", &text[..start], &text[end..])
}

fn providers() -> String {
    let mut table =
        "| provider | kind | recognized | sent as | rotation |\n|---|---|---|---|---|\n".to_owned();
    for provider in ProviderCatalog::builtin().providers() {
        for kind in provider.kinds.iter() {
            let recognized =
                if kind.recognition_rules.is_empty() { "by its provider" } else { "offline" };
            let overlap = if kind.rotation.overlap { "with overlap" } else { "no overlap" };
            let sent = match &kind.authorization {
                AuthMethod::Header { scheme, .. } => format!("`{scheme} …`"),
                exchanged => format!("exchanged, then `{} …`", exchanged.scheme()),
            };
            let _ = writeln!(
                table,
                "| {} | `{}` | {recognized} | {sent} | {overlap} |",
                provider.title, kind.id
            );
        }
    }
    table
}

fn commands() -> String {
    let mut table =
        "| command | what it does |\n|---|---|\n| `tokenring` | the screen |\n".to_owned();
    for verb in tokenring::cli::command().get_subcommands() {
        let about = verb.get_about().map(ToString::to_string).unwrap_or_default();
        let _ = writeln!(table, "| `tokenring {}` | {about} |", usage(verb));
    }
    table
}

/// The command and its positional arguments, without the options.
fn usage(verb: &clap::Command) -> String {
    let mut words = vec![verb.get_name().to_owned()];
    words.extend(verb.get_positionals().map(|argument| {
        let name = argument.get_value_names().map_or_else(
            || argument.get_id().to_string().to_uppercase(),
            |names| names[0].to_string(),
        );
        if argument.is_required_set() || name.starts_with('[') { name } else { format!("[{name}]") }
    }));
    let below: Vec<_> = verb.get_subcommands().map(clap::Command::get_name).collect();
    if !below.is_empty() {
        words.push(below.join(" \\| "));
    }
    words.join(" ")
}

fn settings() -> String {
    let mut table = "| setting | default | values | purpose |\n|---|---|---|---|\n".to_owned();
    for setting in all_settings() {
        let usual = setting.default_value().map(|usual| format!("`{usual}`")).unwrap_or_default();
        let _ = writeln!(
            table,
            "| `{}` | {usual} | {} | {} |",
            setting.name,
            setting.describe_values(),
            setting.help
        );
    }
    table
}

fn keys() -> String {
    let mut table = "| keys | command | what it does |\n|---|---|---|\n".to_owned();
    for command in COMMANDS {
        let keys: Vec<_> =
            command.keys.iter().map(|key| format!("`{}`", key.replace('|', "\\|"))).collect();
        let _ = writeln!(table, "| {} | {} | {} |", keys.join(" "), command.title, command.help);
    }
    table
}
