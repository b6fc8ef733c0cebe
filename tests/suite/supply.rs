//! Tests of the dependencies: licenses, banned crates, sources of crates, known advisories and
//! generations of cryptographic crates, as configured in `.ci/deny.toml`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

/// The part of cargo-deny's configuration that is checked.
#[derive(Deserialize)]
struct DenyRules {
    licenses: LicenseRules,
    advisories: AdvisoryRules,
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
    skip: Vec<BannedCrate>,
}

#[derive(Deserialize)]
struct AdvisoryRules {
    ignore: Vec<IgnoredAdvisory>,
}

#[derive(Deserialize)]
struct IgnoredAdvisory {
    id: String,
    reason: String,
}

/// Advisory of the `RustSec` database: the TOML at the start of its file.
#[derive(Deserialize)]
struct AdvisoryFile {
    advisory: AdvisoryHeader,
    versions: AdvisoryVersions,
}

#[derive(Deserialize)]
struct AdvisoryHeader {
    id: String,
    package: String,
    /// Set where the advisory is no vulnerability, such as `unmaintained`.
    informational: Option<String>,
    withdrawn: Option<toml::Value>,
}

#[derive(Deserialize)]
struct AdvisoryVersions {
    patched: Vec<String>,
    #[serde(default)]
    unaffected: Vec<String>,
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

impl AdvisoryFile {
    /// Parses an advisory: Markdown that begins with a block of TOML.
    fn parse(markdown: &str) -> Self {
        let block = markdown.split("```toml").nth(1).and_then(|rest| rest.split("```").next());
        toml::from_str(block.expect("a block of TOML")).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Whether the advisory is about this version, and a vulnerability.
    fn concerns(&self, version: &semver::Version) -> bool {
        let is_in = |range: &String| semver::VersionReq::parse(range).unwrap().matches(version);
        let AdvisoryVersions { patched, unaffected } = &self.versions;
        self.advisory.informational.is_none()
            && self.advisory.withdrawn.is_none()
            && !patched.iter().chain(unaffected).any(is_in)
    }
}

/// The advisories of the database about these crates.
fn advisories_for(database: &Path, packages: &[LockedPackage]) -> Vec<String> {
    let mut found = Vec::new();
    for LockedPackage { name, version, .. } in packages {
        let version = semver::Version::parse(version).unwrap();
        let folder = database.join("crates").join(name);
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let file = AdvisoryFile::parse(&fs::read_to_string(entry.path()).unwrap());
            assert_eq!(file.advisory.package, *name);
            if file.concerns(&version) {
                found.push(format!("{} ({name} {version})", file.advisory.id));
            }
        }
    }
    found
}

/// The copy of the `RustSec` database that this machine has: the one that is named, that of the
/// checkout, or that of cargo-audit.
fn advisory_database() -> Option<PathBuf> {
    let named = std::env::var_os("TOKENRING_ADVISORY_DB").map(PathBuf::from);
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join(".ci/advisory-db");
    let home = directories::BaseDirs::new().map(|dirs| dirs.home_dir().join(".cargo/advisory-db"));
    if let Some(named) = named {
        assert!(named.join("crates").is_dir(), "{} is no advisory database", named.display());
        return Some(named);
    }
    std::iter::once(own).chain(home).find(|folder| folder.join("crates").is_dir())
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
fn no_crate_has_a_known_vulnerability() {
    let Some(database) = advisory_database() else {
        // TOKENRING_TEST_REQUIRE does not ask for it: not every network has the database.
        return println!("advisories skipped: this machine has no copy of the RustSec database");
    };
    let (rules, lock): (DenyRules, LockFile) = (read(".ci/deny.toml"), read("Cargo.lock"));
    let ignored = |found: &String| {
        rules.advisories.ignore.iter().any(|known| found.starts_with(&format!("{} ", known.id)))
    };
    assert!(rules.advisories.ignore.iter().all(|known| !known.reason.is_empty()));
    let mut found = advisories_for(&database, &lock.package);
    found.retain(|found| !ignored(found));
    assert!(found.is_empty(), "{}", found.join(", "));
    println!("advisories checked with {}", database.display());
}

#[test]
fn an_advisory_concerns_the_versions_that_it_names() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, extra: &str| {
        let crates = folder.path().join("crates/small");
        fs::create_dir_all(&crates).unwrap();
        let text = format!(
            "```toml\n[advisory]\nid = \"{name}\"\npackage = \"small\"\ndate = \"2026-01-01\"\n{extra}\n\
             [versions]\npatched = [\">= 1.2.3\"]\nunaffected = [\"< 1.0.0\"]\n```\n\n# Title\n"
        );
        fs::write(crates.join(format!("{name}.md")), text).unwrap();
    };
    write("RUSTSEC-2026-0001", "");
    write("RUSTSEC-2026-0002", "informational = \"unmaintained\"");
    write("RUSTSEC-2026-0003", "withdrawn = \"2026-02-01\"");
    let found = |version: &str| {
        let package = |name: &str| LockedPackage {
            name: name.to_owned(),
            version: version.to_owned(),
            source: None,
            checksum: None,
        };
        advisories_for(folder.path(), &[package("small"), package("other")])
    };
    assert_eq!(found("1.2.2"), ["RUSTSEC-2026-0001 (small 1.2.2)"]);
    for harmless in ["0.9.0", "1.2.3", "2.0.0"] {
        assert!(found(harmless).is_empty(), "{harmless}");
    }
}

/// Crates that encrypt, hash, sign or make random numbers, and their parts.
const CRYPTOGRAPHIC_CRATES: [&str; 40] = [
    "aead",
    "aes",
    "aes-gcm",
    "age",
    "age-core",
    "block-buffer",
    "block-padding",
    "cbc",
    "chacha20",
    "chacha20poly1305",
    "cipher",
    "const-oid",
    "crypto-bigint",
    "crypto-common",
    "ctr",
    "curve25519-dalek",
    "der",
    "digest",
    "ed25519-dalek",
    "elliptic-curve",
    "getrandom",
    "ghash",
    "hkdf",
    "hmac",
    "hpke",
    "hybrid-array",
    "inout",
    "ml-kem",
    "p256",
    "pbkdf2",
    "poly1305",
    "ring",
    "rustls",
    "rustls-webpki",
    "salsa20",
    "scrypt",
    "sha2",
    "subtle",
    "x25519-dalek",
    "zeroize",
];

#[test]
fn each_cryptographic_crate_has_one_generation_where_upstream_allows() {
    let (rules, lock): (DenyRules, LockFile) = (read(".ci/deny.toml"), read("Cargo.lock"));
    let mut versions: BTreeMap<&str, usize> = BTreeMap::new();
    for package in &lock.package {
        *versions.entry(&package.name).or_default() += 1;
    }
    let twice: BTreeSet<_> = CRYPTOGRAPHIC_CRATES
        .into_iter()
        .filter(|name| versions.get(name).is_some_and(|count| *count > 1))
        .collect();
    let known: BTreeSet<_> = rules.bans.skip.iter().map(|skip| skip.name.as_str()).collect();
    assert_eq!(twice, known, "left: in the tree twice; right: known in .ci/deny.toml");
    assert!(rules.bans.skip.iter().all(|skip| !skip.reason.is_empty()));
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
