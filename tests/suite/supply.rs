//! Tests of the dependencies: licenses, banned crates, and sources of crates, as configured in
//! `.ci/deny.toml`.

use std::fs;
use std::process::Command;

use serde::Deserialize;

/// The part of cargo-deny's configuration that is checked.
#[derive(Deserialize)]
struct DenyRules {
    licenses: LicenseRules,
    bans: BanRules,
    sources: SourceRules,
}

#[derive(Deserialize)]
struct LicenseRules {
    allow: Vec<String>,
    exceptions: Vec<LicenseException>,
}

#[derive(Deserialize)]
struct LicenseException {
    #[serde(rename = "crate")]
    name: String,
    allow: Vec<String>,
}

#[derive(Deserialize)]
struct BanRules {
    wildcards: String,
    deny: Vec<BannedCrate>,
}

#[derive(Deserialize)]
struct BannedCrate {
    #[serde(rename = "crate")]
    name: String,
    reason: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct SourceRules {
    unknown_registry: String,
    unknown_git: String,
    allow_registry: Vec<String>,
}

/// The part of `Cargo.lock` that is used.
#[derive(Deserialize)]
struct LockFile {
    package: Vec<LockedPackage>,
}

#[derive(Deserialize)]
struct LockedPackage {
    name: String,
    version: String,
    source: Option<String>,
    checksum: Option<String>,
}

impl LicenseRules {
    /// Whether a crate may be used under its license expression: one alternative must be allowed
    /// with all its parts.
    fn allow(&self, name: &str, expression: &str) -> bool {
        let known = |license: &str| {
            let exceptions = self.exceptions.iter().filter(|exception| exception.name == name);
            self.allow
                .iter()
                .chain(exceptions.flat_map(|exception| &exception.allow))
                .any(|allowed| allowed == license)
        };
        satisfied(expression, &known)
    }
}

fn read<T: serde::de::DeserializeOwned>(path: &str) -> T {
    let path = format!("{}/{path}", env!("CARGO_MANIFEST_DIR"));
    toml::from_str(&fs::read_to_string(&path).unwrap())
        .unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Whether a license expression (SPDX, or the older form with slashes) is satisfied by the known
/// licenses.
fn satisfied(expression: &str, known: &dyn Fn(&str) -> bool) -> bool {
    let expression = expression.trim();
    if known(expression) {
        return true;
    }
    let inner = expression.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
    if let Some(inner) = inner.filter(|inner| is_balanced(inner)) {
        return satisfied(inner, known);
    }
    if let Some(choices) =
        [" OR ", "/"].iter().find_map(|word| split_outside_parentheses(expression, word))
    {
        return choices.iter().any(|choice| satisfied(choice, known));
    }
    split_outside_parentheses(expression, " AND ")
        .is_some_and(|parts| parts.iter().all(|part| satisfied(part, known)))
}

/// The parts of the expression around an operator outside of parentheses; `None` if it has none.
fn split_outside_parentheses<'a>(expression: &'a str, word: &str) -> Option<[&'a str; 2]> {
    let outside = |(at, _): &(usize, &str)| is_balanced(&expression[..*at]);
    expression
        .match_indices(word)
        .find(outside)
        .map(|(at, _)| [&expression[..at], &expression[at + word.len()..]])
}

fn is_balanced(text: &str) -> bool {
    let depths = text.chars().scan(0_i32, |depth, letter| {
        *depth += i32::from(letter == '(') - i32::from(letter == ')');
        Some(*depth)
    });
    depths.clone().all(|depth| depth >= 0) && depths.last().unwrap_or(0) == 0
}

#[test]
fn every_crate_has_a_license_that_is_allowed() {
    let tree = [
        "tree",
        "--locked",
        "--offline",
        "--target",
        "all",
        "--edges",
        "normal,build,dev",
        "--prefix",
        "none",
    ];
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(tree).args(["--format", "{p}|{l}"]).current_dir(env!("CARGO_MANIFEST_DIR"));
    let done = cargo.output().unwrap();
    if !done.status.success() {
        let why = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(
            !std::env::var("TOKENRING_TEST_REQUIRE").is_ok_and(|required| required == "all"),
            "run `cargo fetch`: {why}"
        );
        return println!("skipped: crates of other platforms were not fetched: {why}");
    }
    let rules: DenyRules = read(".ci/deny.toml");
    let text = String::from_utf8(done.stdout).unwrap();
    let crates: Vec<_> =
        text.lines().filter_map(|line| line.trim_end_matches(" (*)").split_once('|')).collect();
    assert!(crates.len() > 100, "the tree is read");
    for (package, license) in crates {
        let name = package.split(' ').next().unwrap();
        assert!(
            rules.licenses.allow(name, license),
            "{package} is under \"{license}\", which .ci/deny.toml does not allow"
        );
    }
}

#[test]
fn every_crate_comes_from_where_crates_come_from_and_is_fixed() {
    let (rules, lock): (DenyRules, LockFile) = (read(".ci/deny.toml"), read("Cargo.lock"));
    assert_eq!(
        (rules.sources.unknown_registry.as_str(), rules.sources.unknown_git.as_str()),
        ("deny", "deny")
    );
    for LockedPackage { name, version, source, checksum } in
        lock.package.iter().filter(|package| package.name != "tokenring")
    {
        let source = source.as_deref().unwrap_or("a folder");
        let allowed = rules
            .sources
            .allow_registry
            .iter()
            .any(|registry| source == format!("registry+{registry}"));
        assert!(allowed, "{name} {version} comes from {source}");
        assert!(checksum.is_some(), "{name} {version} has no checksum");
    }
}

#[test]
fn what_is_banned_stays_out_and_no_version_is_left_open() {
    let (rules, lock): (DenyRules, LockFile) = (read(".ci/deny.toml"), read("Cargo.lock"));
    for BannedCrate { name, reason } in &rules.bans.deny {
        assert!(
            !lock.package.iter().any(|package| package.name == *name),
            "{name} is banned: {reason}"
        );
    }
    assert_eq!(rules.bans.wildcards, "deny");
    let manifest: toml::Table = read("Cargo.toml");
    let tables = ["dependencies", "dev-dependencies", "build-dependencies"];
    for (name, wanted) in
        tables.iter().filter_map(|table| manifest.get(*table)?.as_table()).flatten()
    {
        let version = wanted.as_str().or_else(|| wanted.get("version")?.as_str());
        assert!(version.is_some_and(|version| !version.contains('*')), "{name} has no version");
    }
}

#[test]
fn license_expressions_are_parsed_correctly() {
    let known = |license: &str| matches!(license, "MIT" | "ISC" | "Apache-2.0 WITH LLVM-exception");
    for fits in [
        "MIT",
        "GPL-3.0 OR MIT",
        "MIT/Apache-2.0",
        "MIT AND ISC",
        "(GPL-2.0 OR MIT) AND ISC",
        "(MIT)",
    ] {
        assert!(satisfied(fits, &known), "{fits}");
    }
    assert!(satisfied("GPL-2.0 OR Apache-2.0 WITH LLVM-exception", &known));
    for does_not in [
        "",
        "GPL-3.0",
        "MIT AND GPL-3.0",
        "(MIT OR ISC) AND GPL-2.0",
        "Apache-2.0",
        "(MIT) AND (GPL-2.0)",
    ] {
        assert!(!satisfied(does_not, &known), "{does_not}");
    }
}
