//! The rules of the house, enforced by reading the sources: who may use whom, how large things may grow, who may look
//! at a secret, and that every dependency has its reason in CONTRIBUTING.md.

use std::fs;
use std::path::{Path, PathBuf};

/// One row of the house: a room, and what must not be named in it.
struct Rule {
    room: &'static str,
    never: &'static [&'static str],
}

/// The most specific room wins.
const RULES: &[Rule] = &[
    Rule {
        room: "src/domain/",
        never: &[
            "tokio",
            "reqwest",
            "ratatui",
            "crossterm",
            "keyring::",
            "rusqlite",
            "std::fs",
            "now_utc",
            "Instant::now",
            "SystemTime::now",
            "crate::config",
            "crate::store",
            "crate::index",
            "crate::net",
            "crate::engine",
            "crate::tui",
            "crate::cli",
            "crate::sandbox",
        ],
    },
    Rule {
        room: "src/config/",
        never: &[
            "tokio",
            "reqwest",
            "ratatui",
            "crossterm",
            "crate::store",
            "crate::index",
            "crate::net",
            "crate::engine",
            "crate::tui",
            "crate::cli",
            "crate::sandbox",
        ],
    },
    Rule {
        room: "src/store/",
        never: &[
            "ratatui",
            "crossterm",
            "crate::index",
            "crate::net",
            "crate::engine",
            "crate::tui",
            "crate::cli",
            "crate::sandbox",
            "crate::config",
        ],
    },
    Rule {
        room: "src/index/",
        never: &[
            "ratatui",
            "crossterm",
            "tokio",
            "crate::store",
            "crate::net",
            "crate::engine",
            "crate::tui",
            "crate::cli",
            "crate::sandbox",
            "crate::config",
        ],
    },
    Rule {
        room: "src/net/",
        never: &[
            "ratatui",
            "crossterm",
            "crate::store",
            "crate::index",
            "crate::engine",
            "crate::tui",
            "crate::cli",
            "crate::sandbox",
            "crate::config",
        ],
    },
    Rule {
        room: "src/engine/",
        never: &[
            "ratatui",
            "crossterm",
            "crate::tui",
            "crate::cli",
            "crate::sandbox",
            "reqwest",
            "rusqlite",
        ],
    },
    Rule {
        room: "src/tui/app/",
        never: &[
            "ratatui",
            "crossterm",
            "tokio",
            "crate::store",
            "crate::index",
            "crate::net",
            "crate::cli",
            "crate::sandbox",
            "tui::view",
        ],
    },
    Rule {
        room: "src/tui/view/",
        never: &[
            "crossterm",
            "tokio",
            "crate::engine",
            "crate::store",
            "crate::index",
            "crate::net",
            "crate::cli",
            "crate::sandbox",
        ],
    },
    Rule {
        room: "src/tui/plain/",
        never: &[
            "ratatui",
            "crossterm",
            "tokio::task",
            "crate::store",
            "crate::index",
            "crate::net",
            "crate::cli",
            "crate::sandbox",
        ],
    },
    Rule { room: "src/tui/", never: &["crate::cli", "crate::sandbox"] },
    Rule {
        room: "src/cli/",
        never: &[
            "ratatui",
            "tui::app",
            "tui::view",
            "crate::store",
            "crate::index",
            "crate::net",
            "rusqlite",
            "reqwest",
        ],
    },
    Rule {
        room: "src/sandbox/",
        never: &[
            "crate::config",
            "crate::store",
            "crate::index",
            "crate::net",
            "crate::engine",
            "crate::tui",
            "crate::cli",
            "ratatui",
            "rusqlite",
            "reqwest",
        ],
    },
];

/// The files that may look at a secret. Each has its reason.
const EXPOSERS: &[(&str, &str)] = &[
    ("src/domain/secret.rs", "the type itself"),
    ("src/domain/identify/", "recognises what was pasted"),
    ("src/domain/redact/", "finds known secrets in order to mask them"),
    ("src/store/", "keeps it"),
    ("src/net/", "sends it, to the origins it is bound to"),
    (
        "src/engine/authorize.rs",
        "keeps an access token together with its end, for the other processes",
    ),
    ("src/engine/clipboard.rs", "copies it when a person asks"),
    ("src/engine/consumer/", "delivers it where a person said"),
    (
        "src/engine/exec/",
        "gives it to the command that a person runs, and hides it in what that writes",
    ),
    ("src/engine/trust.rs", "computes the keyed fingerprint"),
    ("src/cli/get.rs", "writes it to a pipe when a person asks"),
    ("src/cli/secret_input.rs", "splits what was piped in"),
    ("src/tui/view/detail.rs", "draws it while it is revealed"),
];

const LONGEST_FILE: usize = 600;
const LONGEST_FUNCTION: usize = 100;

#[test]
fn rooms_name_only_whom_they_may_know() {
    let mut broken = Vec::new();
    for (path, text) in sources() {
        let Some(rule) = RULES
            .iter()
            .filter(|rule| path.starts_with(rule.room))
            .max_by_key(|rule| rule.room.len())
        else {
            continue;
        };
        for (number, line) in code_lines(&text) {
            broken.extend(
                rule.never
                    .iter()
                    .filter(|never| line.contains(**never))
                    .map(|never| format!("{path}:{number} names {never}")),
            );
        }
    }
    assert!(broken.is_empty(), "the house has a draught:\n{}", broken.join("\n"));
}

#[test]
fn every_file_says_what_it_is() {
    let silent: Vec<_> = sources()
        .into_iter()
        .filter(|(_, text)| !text.starts_with("//! "))
        .map(|(path, _)| path)
        .collect();
    assert!(silent.is_empty(), "without a //! line: {silent:?}");
}

#[test]
fn files_and_functions_stay_small() {
    let mut large = Vec::new();
    for (path, text) in sources() {
        let lines: Vec<_> = without_tests(&text).lines().collect();
        if lines.len() > LONGEST_FILE {
            large.push(format!("{path}: {} lines", lines.len()));
        }
        large.extend(
            functions(&lines)
                .into_iter()
                .filter(|(_, length)| *length > LONGEST_FUNCTION)
                .map(|(name, length)| format!("{path}: {name} {length} lines")),
        );
    }
    assert!(large.is_empty(), "grown too large:\n{}", large.join("\n"));
}

#[test]
fn functions_are_short_by_habit() {
    let mut lengths: Vec<_> = sources()
        .iter()
        .flat_map(|(_, text)| {
            functions(&without_tests(text).lines().collect::<Vec<_>>())
                .into_iter()
                .map(|(_, length)| length)
                .collect::<Vec<_>>()
        })
        .collect();
    lengths.sort_unstable();
    let (median, ninetieth) = (lengths[lengths.len() / 2], lengths[lengths.len() * 9 / 10]);
    assert!(median <= 10, "the median function has {median} lines");
    assert!(ninetieth <= 40, "one function in ten has more than {ninetieth} lines");
}

#[test]
fn few_files_look_at_a_secret() {
    let strangers: Vec<_> = sources()
        .into_iter()
        .filter(|(path, text)| {
            without_tests(text).contains(".expose(")
                && !EXPOSERS.iter().any(|(known, _)| path.starts_with(known))
        })
        .map(|(path, _)| path)
        .collect();
    assert!(strangers.is_empty(), "these call .expose( and are not on the list: {strangers:?}");
    let idle: Vec<_> = EXPOSERS
        .iter()
        .filter(|(known, _)| {
            !sources().iter().any(|(path, text)| path.starts_with(known) && text.contains("expose"))
        })
        .collect();
    assert!(idle.is_empty(), "on the list for nothing: {idle:?}");
}

#[test]
fn nothing_is_printed_but_by_the_output() {
    let printing = |text: &str| {
        ["println!(", "print!(", "eprintln!(", "eprint!(", "io::stdout()", "io::stderr()"]
            .iter()
            .any(|word| text.contains(word))
    };
    let allowed = ["src/cli/output.rs", "src/cli/prompt.rs", "src/cli/screen.rs", "src/tui/"];
    let loud: Vec<_> = sources()
        .into_iter()
        .filter(|(path, text)| {
            !allowed.iter().any(|known| path.starts_with(known)) && printing(without_tests(text))
        })
        .map(|(path, _)| path)
        .collect();
    assert!(loud.is_empty(), "these write to the terminal themselves: {loud:?}");
}

#[test]
fn the_secret_type_has_no_side_door() {
    let text = fs::read_to_string(root().join("src/domain/secret.rs")).unwrap();
    let code = without_tests(&text);
    for door in ["derive(", "impl Clone", "Debug for", "Display for", "Serialize", "Deref", "AsRef"]
    {
        assert!(!code.contains(door), "Secret must not have {door}");
    }
}

#[test]
fn every_dependency_has_its_reason() {
    let manifest: toml::Table =
        fs::read_to_string(root().join("Cargo.toml")).unwrap().parse().unwrap();
    let contributing = fs::read_to_string(root().join("CONTRIBUTING.md")).unwrap();
    let mut wanted: Vec<String> = Vec::new();
    for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
        wanted.extend(manifest[section].as_table().unwrap().keys().cloned());
    }
    for target in manifest["target"].as_table().unwrap().values() {
        wanted.extend(target["dependencies"].as_table().unwrap().keys().cloned());
    }
    let reasons = contributing.split("## Dependencies").nth(1).unwrap_or_default();
    let listed: Vec<_> =
        reasons.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    let silent: Vec<_> = wanted.iter().filter(|name| !listed.contains(&name.as_str())).collect();
    let idle: Vec<_> =
        listed.iter().filter(|name| !wanted.iter().any(|wanted| wanted == *name)).collect();
    assert!(silent.is_empty(), "without a reason in CONTRIBUTING.md: {silent:?}");
    assert!(idle.is_empty(), "in CONTRIBUTING.md but no dependency: {idle:?}");
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every source file with its path from the root, `/` between the parts.
fn sources() -> Vec<(String, String)> {
    let mut found = Vec::new();
    collect(&root().join("src"), &mut found);
    found.sort();
    assert!(found.len() > 40, "the sources are elsewhere: only {} files found", found.len());
    found
}

fn collect(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/");
            if !name.ends_with("/tests.rs") && !name.contains("/tests/") {
                found.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
}

/// The text up to the test module that stands at its end.
fn without_tests(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod ").next().unwrap_or(text)
}

fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    without_tests(text)
        .lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line))
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// The names and lengths of functions: from `fn` to the closing brace at the same indent.
fn functions(lines: &[&str]) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let indent = line.len() - line.trim_start().len();
        let Some(name) = function_name(line) else { continue };
        let end = lines[start..].iter().position(|line| {
            *line == format!("{}}}", " ".repeat(indent)) || one_line(line, lines[start])
        });
        if let Some(length) = end {
            found.push((name, length + 1));
        }
    }
    found
}

fn one_line(line: &str, first: &str) -> bool {
    line == first && (line.ends_with('}') || line.ends_with(';'))
}

fn function_name(line: &str) -> Option<String> {
    let line = line.trim_start();
    let rest = ["pub ", "pub(super) ", "pub(crate) ", "pub(in crate::tui) ", ""].iter().find_map(
        |visibility| {
            let rest = line.strip_prefix(visibility)?;
            let rest = rest.strip_prefix("const ").unwrap_or(rest);
            let rest = rest.strip_prefix("async ").unwrap_or(rest);
            rest.strip_prefix("fn ")
        },
    )?;
    Some(rest.split(['(', '<']).next().unwrap_or_default().to_owned())
}
